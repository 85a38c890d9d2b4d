"""What a function computes line by line: the values of its names while it runs."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

import numpy as np

from grading.verify.exercise import Array

_MOST_VALUES = 2000  # of one run; a loop of many turns is followed so far
_LARGEST = 10_000  # numbers in one value; all that are followed have to be kept


@dataclass(frozen=True)
class Bound:
    """A line, counted from 0, gave a name this value; what is returned has no name."""

    line: int
    name: str
    value: Array


def lines_of(function: Callable[..., Any]) -> list[str]:
    """The lines of a function's source, without common indentation; none where there is no source."""
    try:
        return textwrap.dedent(inspect.getsource(function)).rstrip().splitlines()
    except Exception:  # an object may fail at being looked at
        return []


def bindings(function: Callable[..., Any], args: Sequence[Any], **named: Any) -> list[Bound]:
    """Every value that a line of the function gives to a name of its own, or returns, in the order of the run.

    Values that are no arrays of real numbers are left out; what the function calls is not looked into. Whatever it
    raises is raised.
    """
    code: CodeType | None = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return _returned(0, function(*args, **named))
    watch = _Watch(code)
    before = sys.gettrace()
    sys.settrace(watch.called)
    try:
        function(*args, **named)
    finally:
        sys.settrace(before)
    return watch.found


class _Watch:
    """A trace function that notes which names of one function hold something new after each of its lines."""

    def __init__(self, code: CodeType) -> None:
        self.found: list[Bound] = []
        self._code = code
        self._first = code.co_firstlineno
        self._line = 0
        self._seen: dict[str, Any] = {}

    def called(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Follow the function itself, and nothing that it calls."""
        if frame.f_code is not self._code:
            return None
        self._seen = {name: id(value) for name, value in frame.f_locals.items()}
        return self._followed

    def _followed(self, frame: FrameType, event: str, argument: Any) -> Any:
        self._note(frame)
        if event == "line":
            self._line = frame.f_lineno - self._first
        elif event == "return" and argument is not None:
            self.found += _returned(self._line, argument)
        return self._followed

    def _note(self, frame: FrameType) -> None:
        for name, value in frame.f_locals.items():
            if self._seen.get(name) != id(value) and len(self.found) < _MOST_VALUES:
                self._seen[name] = id(value)
                self.found += [Bound(self._line, name, array) for array in _arrays(value)]


def _returned(line: int, value: Any) -> list[Bound]:
    return [Bound(line, "", array) for array in _arrays(value)]


def _arrays(value: Any) -> list[Array]:
    """The arrays of real numbers that a value is, or consists of; none where it cannot be looked at."""
    try:
        return _parts(value)
    except Exception:
        return []


def _parts(value: Any) -> list[Array]:
    is_one = isinstance(value, list) and all(isinstance(item, int | float | list) for item in value)
    if isinstance(value, tuple | list) and not is_one:
        return [array for item in value for array in _parts(item)]
    array = np.asarray(value)
    return [np.array(array)] if array.dtype.kind in "fiu" and array.size <= _LARGEST else []
