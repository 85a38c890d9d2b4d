"""Whether two exercises are the same question: each student's sheet is declared anew, and most of it is everybody's."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from types import CellType, CodeType, FunctionType
from typing import Any

import numpy as np

_PLAIN = (str, bytes, int, bool, type(None), CodeType)


def what_it_is(thing: Any, around: frozenset[int] = frozenset()) -> Any:
    """A hashable value that is equal for things declared alike.

    Functions are alike if they have the same code, defaults, enclosed values, and globals by the names they mention.
    What is none of the kinds known here is alike to itself alone. `around` are the functions that this is a part of.
    """
    if isinstance(thing, _PLAIN):
        return type(thing), thing
    if isinstance(thing, float | complex):
        return type(thing), repr(thing)  # which tells -0.0 from 0.0
    if isinstance(thing, np.ndarray) and thing.dtype != object:
        return np.ndarray, thing.dtype.str, thing.shape, thing.tobytes()
    if isinstance(thing, tuple | list):
        return type(thing), tuple(what_it_is(part, around) for part in thing)
    if isinstance(thing, dict):
        return dict, tuple((what_it_is(key, around), what_it_is(value, around)) for key, value in thing.items())
    if isinstance(thing, functools.partial):
        return functools.partial, what_it_is((thing.func, thing.args, thing.keywords), around)
    if isinstance(thing, FunctionType):
        return FunctionType, id(thing) in around or what_it_is(_parts(thing), around | {id(thing)})
    if is_dataclass(thing) and not isinstance(thing, type):
        parts = tuple(getattr(thing, field.name) for field in fields(thing))
        return type(thing).__qualname__, what_it_is(parts, around)
    return _Itself(thing)


def _parts(function: FunctionType) -> tuple[Any, ...]:
    """What a function's values depend on."""
    enclosed = [_contents(cell) for cell in function.__closure__ or ()]
    outside = {name: function.__globals__[name] for name in _names(function.__code__) if name in function.__globals__}
    return function.__code__, function.__defaults__, function.__kwdefaults__, enclosed, outside


def _names(code: CodeType) -> Iterator[str]:
    """The names that code mentions, and code within it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return cell


class _Itself:
    """Equal to itself alone; keeps the thing, so that no other one takes its place in memory."""

    def __init__(self, thing: Any) -> None:
        self._thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self._thing is other._thing

    def __hash__(self) -> int:
        return id(self._thing)
