"""The frames between the grader and a submission's kernel: exact round trips, and no way in for anything else."""

import json
import socket
import struct
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from grading.notebook import wire
from grading.verify.respondent import AnswerError, Form, Reply

KINDS = ["<f2", "<f4", "<f8", ">f8", ">f4", "<i1", "<i2", "<i4", ">i8", "<i8", "<u1", ">u2", "<u8", "?"]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


@st.composite
def any_array(draw):
    dtype = np.dtype(draw(st.sampled_from(KINDS)))
    shape = draw(arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    array = draw(arrays.arrays(dtype, shape))
    array = np.asarray(array, order=draw(st.sampled_from("CF")))
    array.setflags(write=draw(st.booleans()))
    return array[..., ::-1] if array.ndim and draw(st.booleans()) else array


def over_the_wire(message):
    return json.loads(json.dumps(message))


@given(st.lists(any_array(), max_size=4))
def test_arrays_arrive_as_they_were_sent(sent):
    heard = wire.arrays_in(over_the_wire(wire.arrays_out(sent)))
    assert len(heard) == len(sent)
    for one, other in zip(sent, heard, strict=True):
        assert other.shape == one.shape
        assert other.dtype == one.dtype.newbyteorder("<")
        np.testing.assert_array_equal(other, one)


@given(any_array())
def test_an_array_that_arrived_can_be_written_to(sent):
    (heard,) = wire.arrays_in(wire.arrays_out([sent]))
    if sent.ndim:
        assert heard.flags.writeable
        heard[...] = 1


def test_extended_precision_arrives_as_float64():
    (heard,) = wire.arrays_in(wire.arrays_out([np.array([1, 2.5], dtype=np.longdouble)]))
    assert heard.dtype == np.float64
    np.testing.assert_array_equal(heard, [1, 2.5])


@given(
    st.lists(any_array(), max_size=2),
    st.lists(any_array(), max_size=2),
    st.sampled_from(["array", "tuple", "list"]),
    st.lists(TEXT, max_size=2),
    st.floats(0, 100),
)
def test_replies_arrive_as_they_were_sent(values, args_after, container, dtypes, seconds):
    sent = Reply(tuple(values), tuple(args_after), Form(container, tuple(dtypes)), None, seconds)
    heard = wire.reply_in(over_the_wire(wire.reply_out(sent)))
    assert (heard.form, heard.error, heard.seconds) == (sent.form, None, seconds)
    assert [len(heard.values), len(heard.args_after)] == [len(values), len(args_after)]


@given(st.sampled_from(["not attempted", "raised", "time", "type"]), TEXT)
def test_errors_arrive_as_they_were_sent(kind, message):
    sent = Reply((), (), None, AnswerError(kind, message), 0.1)
    assert wire.reply_in(over_the_wire(wire.reply_out(sent))) == sent


def test_a_long_error_is_cut():
    sent = Reply((), (), None, AnswerError("raised", "x" * 10**6), 0.1)
    assert len(wire.reply_in(wire.reply_out(sent)).error.message) == 2000


# --- what must be refused ----------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
GOOD = wire.arrays_out([np.arange(6.0).reshape(2, 3)])[0]
BAD_ARRAYS = {
    "object dtype": {"dtype": "|O"},
    "complex dtype": {"dtype": "<c16"},
    "text dtype": {"dtype": "<U6"},
    "record dtype": {"dtype": "f8,i4"},
    "an unknown size": {"dtype": "<f1"},
    "a dtype that is no text": {"dtype": 8},
    "a negative side": {"shape": [-2, -3]},
    "a missing side": {"shape": [2]},
    "an endless side": {"shape": [0, 10**30]},
    "a true side": {"shape": [True, 6]},
    "a float side": {"shape": [2.0, 3.0]},
    "no shape": {"shape": None},
    "a text for a shape": {"shape": "23"},
    "an empty dict for a shape": {"shape": {}},
    "too many axes": {"shape": [1] * 40 + [6]},
    "more axes than NumPy has": {"shape": [1] * 65},
    "bytes too few": {"data": GOOD["data"][:-4]},
    "no base64": {"data": "%%%%"},
    "not ASCII": {"data": "äöü"},
    "a number for bytes": {"data": 7},
}


@pytest.mark.parametrize("change", BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_a_bad_array_is_refused(change):
    with pytest.raises(wire.WireError):
        wire.arrays_in([GOOD | change])


def test_too_many_arrays_are_refused():
    with pytest.raises(wire.WireError):
        wire.arrays_in([GOOD] * 1001)


@given(JSON)
def test_arrays_from_anything_are_arrays_or_refused(raw):
    for item in (raw, [raw]):
        try:
            wire.arrays_in(item)
        except wire.WireError:
            continue


REPLY = wire.reply_out(Reply((np.ones(2),), (np.ones(2),), Form("array", ("float64",)), None, 0.1))
BAD_REPLIES = {
    "no dict": 3,
    "empty": {},
    "an unknown error": REPLY | {"error": ["fine", "really"]},
    "an error without text": REPLY | {"error": ["raised"]},
    "an error that is a list": REPLY | {"error": [["raised"], ""]},
    "an unknown container": REPLY | {"container": "set"},
    "a container that is a list": REPLY | {"container": ["array"]},
    "no dtypes": REPLY | {"dtypes": None},
    "seconds in words": REPLY | {"seconds": "few"},
    "seconds without end": REPLY | {"seconds": 10**400},
    "arguments missing": {key: value for key, value in REPLY.items() if key != "args_after"},
    "object values": REPLY | {"values": [GOOD | {"dtype": "|O"}]},
}


@pytest.mark.parametrize("raw", BAD_REPLIES.values(), ids=BAD_REPLIES)
def test_a_bad_reply_is_refused(raw):
    with pytest.raises(wire.WireError):
        wire.reply_in(raw)


@given(st.dictionaries(st.sampled_from(sorted(REPLY)), JSON))
def test_replies_from_anything_are_replies_or_refused(change):
    try:
        wire.reply_in(REPLY | change)
    except wire.WireError:
        return


def heard_from(frame, limit_s=1.0):
    """What `receive` makes of these bytes, after which the other end has closed."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(limit_s)
        sender = threading.Thread(target=lambda: (theirs.sendall(frame), theirs.shutdown(socket.SHUT_WR)))
        sender.start()
        try:
            return wire.receive(ours)
        finally:
            ours.close()
            sender.join(5)


def framed(text, length=None):
    return struct.pack(">I", len(text) if length is None else length) + text


BAD_FRAMES = {
    "nothing": b"",
    "half a length": b"\0\0",
    "cut off": framed(b'{"type": "ask"}', 200),
    "a huge length": b"\xff\xff\xff\xff" + b"x" * 100,
    "just too long": framed(b"{}", wire.LARGEST_FRAME + 1),
    "no JSON": framed(b"hello"),
    "no text": framed(b"\xff\xfe\xff\xff\x00"),
    "a list": framed(b"[1, 2]"),
    "no type": framed(b'{"value": 1}'),
    "a type that is no text": framed(b'{"type": ["ask"]}'),
    "empty": framed(b""),
    "nested without end": framed(b"[" * 200_000),
    "a dict nested without end": framed(b'{"type":' * 200_000),
    "a number without end": framed(b'{"type": "ask", "n": ' + b"9" * 100_000 + b"}"),
}


@pytest.mark.parametrize("frame", BAD_FRAMES.values(), ids=BAD_FRAMES)
def test_a_bad_frame_is_refused(frame):
    with pytest.raises(wire.WireError):
        heard_from(frame)


def test_a_frame_takes_a_few_times_its_size_of_memory_at_most():
    """Empty lists take thirty times the memory of the two signs that write them."""
    many, few = (framed(b'{"type": "reply", "x": [%s0]}' % (b"[]," * count)) for count in (100_000, 10_000))
    with pytest.raises(wire.WireError, match="too many parts"):
        heard_from(many)
    assert len(heard_from(few)["x"]) == 10_001


def test_as_many_arrays_as_are_allowed_are_a_frame():
    arrays = wire.arrays_out([np.ones((2, 3, 4))] * 1000)
    message = json.dumps({"type": "values", "values": arrays}).encode()
    assert len(wire.arrays_in(heard_from(framed(message))["values"])) == 1000


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_refused(noise):
    try:
        heard_from(framed(noise))
    except wire.WireError:
        return


def test_nan_in_json_is_no_way_in():
    message = heard_from(framed(b'{"type": "reply", "reply": {"error": [], "seconds": NaN}}'))
    with pytest.raises(wire.WireError):
        wire.reply_in(message["reply"])


def test_an_error_nested_without_end_is_refused_or_cut():
    depth = 900
    frame = b'{"type": "reply", "reply": {"error": ["raised", %s]}}' % (b"[" * depth + b"]" * depth)
    with pytest.raises(wire.WireError):
        wire.reply_in(heard_from(framed(frame))["reply"])


def test_silence_ends_in_a_time_out():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0.1)
        with pytest.raises(TimeoutError):
            wire.receive(ours)


def test_the_limit_is_for_the_whole_message_not_for_each_byte():
    ours, theirs = socket.socketpair()
    stop = threading.Event()

    def drip():
        for byte in framed(b" " * 1000):
            if stop.wait(0.05):
                return
            theirs.send(bytes([byte]))

    with ours, theirs:
        dripping = threading.Thread(target=drip)
        dripping.start()
        ours.settimeout(0.3)
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            wire.receive(ours)
        assert time.monotonic() - start < 2
        assert ours.gettimeout() == 0.3
        stop.set()
        dripping.join()
