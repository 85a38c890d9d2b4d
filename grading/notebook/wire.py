"""How the grader and a submission's kernel talk: frames of JSON, arrays as plain bytes with their type and shape.

Nothing that arrives is ever executed or unpickled, and every size is bounded before memory is taken for it.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from grading.verify.exercise import Array
from grading.verify.plain import plain
from grading.verify.respondent import AnswerError, Form, Handed, Reply, Told

LARGEST_FRAME = 16 * 2**20  # bytes
_MOST_PARTS = 50_000  # of a frame's JSON: each takes many times the memory of the signs that write it
_SIGNS_OF_PARTS = (b"[", b"{", b",")
_LONGEST_MESSAGE = 2000  # characters of an error's text
_LONGEST_NAME = 200
_MOST_ARRAYS = 1000
_DTYPE = re.compile(r"[<|][fiub](1|2|4|8)")
_LENGTH = struct.Struct(">I")


class WireError(Exception):
    """What arrived is not what the protocol allows; the connection is of no further use."""


def send(connection: socket.socket, message: dict[str, Any]) -> None:
    """Send one message."""
    frame = json.dumps(message).encode()
    connection.sendall(_LENGTH.pack(len(frame)) + frame)


def receive(connection: socket.socket) -> dict[str, Any]:
    """The next message, a dict with a "type". The connection's time-out is for the whole of it.

    Raises
    ------
    WireError : the frame is too large, of too many parts, cut off, or not such a dict
    TimeoutError : the connection's time-out passed
    """
    frame = _frame(connection)
    if sum(map(frame.count, _SIGNS_OF_PARTS)) > _MOST_PARTS:
        raise WireError("a frame of too many parts")
    try:
        message = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise WireError(f"a frame that is not JSON: {error}") from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise WireError("a frame without a type")
    return message


def _frame(connection: socket.socket) -> bytes:
    limit_s = connection.gettimeout()
    deadline = None if limit_s is None else time.monotonic() + limit_s
    try:
        (length,) = _LENGTH.unpack(exactly(connection, _LENGTH.size, deadline))
        if length > LARGEST_FRAME:
            raise WireError(f"a frame of {length} bytes; at most {LARGEST_FRAME} are accepted")
        return exactly(connection, length, deadline)
    finally:
        connection.settimeout(limit_s)


def exactly(connection: socket.socket, size: int, deadline: float | None) -> bytes:
    """So many bytes, by the deadline (of `time.monotonic`).

    Raises
    ------
    WireError : the connection closed before
    TimeoutError : the deadline passed
    """
    parts, missing = [], size
    while missing:
        if deadline is not None:  # or else a sender could hold us for ever with a byte now and then
            connection.settimeout(_remaining(deadline))
        part = connection.recv(min(missing, 2**20))
        if not part:
            raise WireError("the connection closed in the middle of a frame")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _remaining(deadline: float) -> float:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError("the rest of a frame took too long")
    return remaining


def arrays_out(arrays: Sequence[Array]) -> list[dict[str, Any]]:
    """Arrays as JSON. Big-endian ones are turned round; extended precision becomes float64."""
    return [_array_out(np.asarray(array)) for array in arrays]


def _array_out(array: Array) -> dict[str, Any]:
    plain = array.astype(np.float64) if array.dtype.kind == "f" and array.dtype.itemsize > 8 else array
    plain = plain.astype(plain.dtype.newbyteorder("<"), order="C", copy=False)
    return {
        "dtype": plain.dtype.str,
        "shape": list(plain.shape),
        "data": base64.b64encode(plain.tobytes()).decode(),
    }


def arrays_in(raw: Any) -> tuple[Array, ...]:
    """Arrays from JSON, each writable and owning its memory; zero-dimensional ones as NumPy scalars.

    Raises
    ------
    WireError : not a list of arrays of real numbers, or a size that does not fit
    """
    if not isinstance(raw, list) or len(raw) > _MOST_ARRAYS:
        raise WireError("not a list of arrays")
    return tuple(_array_in(item) for item in raw)


def _array_in(item: Any) -> Array:
    try:
        dtype, shape, data = item["dtype"], item["shape"], base64.b64decode(item["data"], validate=True)
        if not _DTYPE.fullmatch(dtype):
            raise WireError(f"an array of type {dtype!r}")
        if not all(type(size) is int and size >= 0 for size in shape) or len(shape) > 32:
            raise WireError("an array with an impossible shape")
        if math.prod(shape) * np.dtype(dtype).itemsize != len(data):
            raise WireError("an array whose bytes do not fit its shape")
        return np.frombuffer(data, dtype=dtype).reshape(shape).copy()[()]
    except (KeyError, TypeError, ValueError, OverflowError, binascii.Error) as error:
        raise WireError(f"not an array: {error}") from error


def handed_in(raw: Any) -> Handed:
    """What was handed in, from JSON.

    Raises
    ------
    WireError : not one of the kinds, or a type's name that is none
    """
    if not isinstance(raw, list) or len(raw) != 2 or raw[0] not in ("function", "data", "nothing"):
        raise WireError("an answer of an unknown kind")
    if not isinstance(raw[1], str) or len(raw[1]) > _LONGEST_NAME or not raw[1].isidentifier():
        raise WireError("a type without a name")
    return Handed(raw[0], raw[1])


def reply_out(reply: Reply) -> dict[str, Any]:
    """A reply as JSON."""
    return {
        "values": arrays_out(reply.values),
        "args_after": arrays_out(reply.args_after),
        "container": reply.form.container if reply.form else "",
        "dtypes": list(reply.form.dtypes) if reply.form else [],
        "error": [reply.error.kind, reply.error.message[:_LONGEST_MESSAGE]] if reply.error else [],
        "seconds": reply.seconds,
    }


def reply_in(raw: Any) -> Reply:
    """A reply from JSON.

    Raises
    ------
    WireError : not a reply
    """
    try:
        error = _error(raw["error"]) if raw["error"] else None
        if error is None and raw["container"] not in ("array", "tuple", "list"):
            raise WireError("a reply in an unknown form")
        form = None if error else Form(raw["container"], tuple(map(_text, raw["dtypes"])))
        values = () if error else arrays_in(raw["values"])
        return Reply(values, arrays_in(raw["args_after"]), form, error, float(raw["seconds"]))
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, RecursionError) as error_found:
        raise WireError(f"not a reply: {error_found}") from error_found


def told_out(told: Told) -> dict[str, Any]:
    """An answer that is data, as JSON; numbers that are not finite stand as JavaScript writes them."""
    return {"data": told.data, "error": [told.error.kind, told.error.message[:_LONGEST_MESSAGE]] if told.error else []}


def told_in(raw: Any) -> Told:
    """An answer that is data, from JSON.

    Raises
    ------
    WireError : neither data nor an error
    """
    try:
        if raw["error"]:
            return Told(None, _error(raw["error"]))
        return Told(plain(raw["data"]))
    except (KeyError, TypeError, IndexError, RecursionError) as error_found:
        raise WireError(f"no answer: {error_found}") from error_found


def _error(raw: Any) -> AnswerError:
    if raw[0] not in ("not attempted", "raised", "time", "type"):
        raise WireError("a reply with an unknown error")
    return AnswerError(raw[0], _text(raw[1]))


def _text(raw: Any) -> str:
    """Text that can be written down anywhere: not too long, and no half characters."""
    return str(raw)[:_LONGEST_MESSAGE].encode("utf-8", "replace").decode()
