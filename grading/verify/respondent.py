"""The one small interface through which the judge asks an answer: at home a function call, in grading a channel."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Protocol

import numpy as np

from grading.verify.exercise import Array
from grading.verify.plain import Plain, plain

REREAD_S = 5.0  # to convert once more what has been converted before
_INSIST_S = 0.1  # the interruption is repeated, for an answer whose bare except swallowed the first
_LONGEST_LINE = 200  # characters of an exception's message
MOST_NUMBERS = 1_000_000  # of one answer, or as many as it is given; more is a mistake, and takes minutes to judge

_RETURNS_NOTHING = "Your function returns nothing yet. If you wrote an answer, a `return` is missing."

ErrorKind = Literal["not attempted", "raised", "time", "type"]
Container = Literal["array", "tuple", "list"]


@dataclass(frozen=True)
class Handed:
    """What was handed in, before anything is asked of it: a function, data (of which type) or nothing."""

    kind: Literal["function", "data", "nothing"]
    type_name: str

    @classmethod
    def of(cls, answer: Any, said: Mapping[str, Any] | None = None) -> Handed:
        """What kind of thing an answer is; None is nothing, unless something was said beside it."""
        if answer is None and not (said and any(value is not None for value in said.values())):
            return cls("nothing", "NoneType")
        return cls("function" if callable(answer) else "data", type(answer).__name__)


@dataclass(frozen=True)
class AnswerError:
    """Why there are no values: the stub was left untouched, the code raised, took too long, or returned no numbers."""

    kind: ErrorKind
    message: str


@dataclass(frozen=True)
class Form:
    """How an answer was returned, before it became plain arrays: its container, and the dtype of each array."""

    container: Container
    dtypes: tuple[str, ...]


@dataclass(frozen=True)
class Reply:
    """What came back from one call of an answer.

    `values` are the arrays as returned (one if it was no tuple); `args_after` the arguments as the call left them.
    Either `values` or `error` is empty.
    """

    values: tuple[Array, ...]
    args_after: tuple[Array, ...]
    form: Form | None
    error: AnswerError | None
    seconds: float


@dataclass(frozen=True)
class Told:
    """An answer that is data, or what was said beside a function. Either `data` counts or `error`."""

    data: Plain
    error: AnswerError | None = None


class Respondent(Protocol):
    """Somebody who answers: the student's function here, or at the other end of a channel."""

    def ask(self, args: Sequence[Array], limit_s: float) -> Reply:
        """Call the answer once with fresh copies of `args`, within `limit_s` seconds."""

    def reread(self, number: int) -> tuple[Array, ...]:
        """The arrays of the `number`-th earlier reply, as they are now: a later call may have overwritten them."""

    def tell(self, args: Sequence[Array] | None, limit_s: float) -> Told:
        """The answer itself as plain data; of a function and `args`, the steps that it records at them."""


class HomeRespondent:
    """Answers by calling a function in this process, or with data that was worked out by hand."""

    def __init__(self, answer: Any, said: Mapping[str, Any] | None = None) -> None:
        self._answer = answer
        self._said = dict(said or {})
        self._returned: list[Any] = []
        self._most = MOST_NUMBERS

    def ask(self, args: Sequence[Array], limit_s: float) -> Reply:
        """Call the answer; an exception, an overrun or a result without numbers becomes the reply's error."""
        given = [copied(arg) for arg in args]
        self._most = max(self._most, sum(np.size(arg) for arg in args))
        start = time.perf_counter()
        try:
            with time_limit(limit_s):
                returned = self._answer(*given) if callable(self._answer) else self._answer
            error = AnswerError("not attempted", _RETURNS_NOTHING) if returned is None else None
        except NotImplementedError:
            returned, error = None, AnswerError("not attempted", "")
        except TimeLimitReached:
            returned, error = None, AnswerError("time", overrun(limit_s))
        except KeyboardInterrupt:
            raise  # the person at the keyboard, not the answer
        except BaseException as exception:
            returned, error = None, AnswerError("raised", describe_exception(exception))
        seconds = time.perf_counter() - start
        self._returned.append(returned)
        values: tuple[Array, ...] = ()
        form = None
        if error is None:
            values, form, error = _converted(returned, limit_s, self._most)
        return Reply(values, tuple(np.asarray(arg)[()] for arg in given), form, error, seconds)

    def reread(self, number: int) -> tuple[Array, ...]:
        """The arrays of an earlier reply, read again from the very objects that the answer returned."""
        return _converted(self._returned[number], REREAD_S, self._most)[0]  # by now it may be no array of numbers

    def tell(self, args: Sequence[Array] | None, limit_s: float) -> Told:
        """What was said beside the answer, or else the answer as data, or else the graph it records at `args`."""
        try:
            with time_limit(limit_s):
                if self._said or args is None or not callable(self._answer):
                    return Told(plain(self._said or self._answer))
                from autodiff.graph import graph  # here alone: a sheet may forbid it

                return Told(plain(graph(self._answer, *(copied(arg) for arg in args))))
        except NotImplementedError:
            return Told(None, AnswerError("not attempted", ""))
        except TimeLimitReached:
            return Told(None, AnswerError("time", f"it had not ended after {limit_s:g} seconds"))
        except KeyboardInterrupt:
            raise  # the person at the keyboard, not the answer
        except BaseException as exception:
            kind: ErrorKind = "type" if isinstance(exception, TypeError) and args is None else "raised"
            told = str(exception) if kind == "type" else describe_exception(exception)
            return Told(None, AnswerError(kind, told))


def _converted(returned: Any, limit_s: float, most: int) -> tuple[tuple[Array, ...], Form | None, AnswerError | None]:
    """What an answer returned, as arrays, or why it is none: converting an object may run code of its own."""
    try:
        if _is_plain(returned):
            return *to_arrays(returned, most), None
        with time_limit(limit_s):
            return *to_arrays(returned, most), None
    except (TypeError, ValueError) as exception:
        return (), None, AnswerError("type", str(exception))
    except TimeLimitReached:
        return (), None, AnswerError("time", overrun(limit_s))
    except KeyboardInterrupt:
        raise  # the person at the keyboard
    except BaseException as exception:
        return (), None, AnswerError("raised", describe_exception(exception))


def _is_plain(returned: Any) -> bool:
    """Whether arrays of numbers were returned, so that nothing runs when they are copied."""
    arrays = returned if type(returned) is tuple else (returned,)
    return all(type(array) is np.ndarray and array.dtype.kind != "O" for array in arrays)


def copied(arg: Array) -> Array:
    """A copy that an answer may write into; what has no axes stays a number."""
    return np.array(arg)[()]


def to_arrays(returned: Any, most: int = MOST_NUMBERS) -> tuple[tuple[Array, ...], Form]:
    """Copies, as plain real arrays, of what an answer returned: one array, or a tuple or list of arrays.

    Raises
    ------
    TypeError : something in it is not made of real numbers, or there are more than `most` of them
    """
    container: Container
    if isinstance(returned, tuple):
        arrays, container = _each_to_array(returned, most), "tuple"
    elif isinstance(returned, list):
        arrays, container = _list_to_arrays(returned, most), "list"
    else:
        arrays, container = [_to_array(returned, most)], "array"
    total = sum(array.size for array in arrays)
    if total > most:
        raise TypeError(f"a {container} of arrays with {total} numbers in all, which is too large for an answer")
    return tuple(arrays), Form(container, tuple(_name(array.dtype) for array in arrays))


@cache
def _name(dtype: np.dtype[Any]) -> str:
    return str(dtype)


def _list_to_arrays(items: list[Any], most: int) -> list[Array]:
    """A list that is one array, written row by row; or else a list of arrays of different shapes."""
    try:
        return [_to_array(items, most)]
    except TypeError:
        return _each_to_array(items, most)


def _each_to_array(items: Sequence[Any], most: int) -> list[Array]:
    arrays = []
    for number, item in enumerate(items, 1):
        try:
            arrays.append(_to_array(item, most))
        except TypeError as error:
            raise TypeError(f"a {type(items).__name__} whose item {number} is {error}") from error
    return arrays


def _to_array(item: Any, most: int) -> Array:
    array = _as_array(item)
    if array.size > most:
        raise TypeError(f"an array of shape {array.shape}, which is too large for an answer")
    if array.dtype.kind == "c" and not np.any(array.imag):
        raise TypeError("complex, with an imaginary part of 0; return the real part, `.real`")
    if array.dtype.kind == "c":
        raise TypeError("complex; the right one is real")
    if array.dtype.kind not in "fiub":
        raise TypeError(_no_numbers(item))
    return np.array(array)  # a copy: a later call may overwrite what this one returned


def _no_numbers(item: Any) -> str:
    """What came instead of numbers, and what to return where it may hold some."""
    if isinstance(item, Iterable) and not isinstance(item, Sequence) and not hasattr(item, "shape"):
        return f"a {type(item).__name__}; expected an array, or a tuple of arrays in the order of the question"
    return f"of type {type(item).__name__}; expected numbers"


def _as_array(item: Any) -> Array:
    try:
        array = np.asarray(item)
        if array.dtype.kind == "O":
            array = array.astype(np.float64)  # fractions, decimals, numbers in an array of objects
    except TypeError:
        raise TypeError(_no_numbers(item)) from None
    except Exception as error:
        raise TypeError(f"of type {type(item).__name__}, and no array of numbers: {_first_line(error)}") from error
    return array


def describe_exception(exception: BaseException, calls: int = 1) -> str:
    """One line: what was raised, and on which line of the student's own code, which is `calls` calls away."""
    frames = traceback.extract_tb(exception.__traceback__)
    called_in = frames[calls].filename if len(frames) > calls else ""
    own = [frame for frame in frames[calls:] if _is_cell(frame.filename) or frame.filename == called_in]
    where = f" ({_place(own[-1])})" if own and own[-1].line else ""
    return f"{type(exception).__name__}: {_first_line(exception)}{where}"


def _place(frame: traceback.FrameSummary) -> str:
    file = "your cell" if _is_cell(frame.filename) else os.path.basename(frame.filename)
    return f"line {frame.lineno} of {file}: {frame.line}"


def _first_line(exception: BaseException) -> str:
    try:
        lines = str(exception).strip().encode("utf-8", "replace").decode().splitlines()  # no half characters
    except Exception:
        lines = []  # its own __str__ fails
    first = lines[0] if lines else "no message"
    return first if len(first) <= _LONGEST_LINE else first[:_LONGEST_LINE] + " ..."


def _is_cell(filename: str) -> bool:
    return "ipykernel_" in filename or filename.startswith("<ipython")


def overrun(limit_s: float) -> str:
    """What is said of an answer that was interrupted."""
    return f"it had not returned after {limit_s:g} seconds"


class TimeLimitReached(BaseException):
    """Raised inside an answer that runs too long; no Exception, so that a broad except does not swallow it."""


@contextmanager
def time_limit(limit_s: float) -> Iterator[None]:
    """Interrupt what runs inside after `limit_s` seconds; without effect outside the main thread, or on Windows."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def interrupt(signum: int, frame: Any) -> None:
        raise TimeLimitReached

    previous = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, limit_s, _INSIST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
