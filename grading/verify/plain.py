"""An answer as plain data: what can be written down as JSON, and so cross a process boundary without being executed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from autodiff.graph import Graph
from autodiff.listing import Listing
from autodiff.tape import Line, strip

Plain = None | bool | int | float | str | list[Any] | dict[str, Any]

_DEEPEST = 8
_MOST = 5000  # things in it
_LONGEST = 5000  # characters of one text
_UNSAID = ("dtype", "optimize")  # parameters that say nothing of what is computed


def plain(answer: Any) -> Plain:
    """An answer as None, truth values, numbers, texts, lists of these, and dicts of these with texts as keys.

    NumPy's numbers become Python's, arrays, tuples and sets become lists, keys that are numbers become texts, and a
    picture of a computation becomes its steps.

    Raises
    ------
    TypeError : something in it is neither, or it is too large to be an answer written by hand
    """
    return _Copy().of(answer, 0)


def steps(source: Listing) -> dict[str, Any]:
    """A recorded computation by names: {"x": ["input"], "v1": ["sum", "x", {"axis": [0]}], "outputs": ["v1"]}.

    An operand is a name, or a constant; behind the operands stand the parameters of the operation, if it has any.
    """
    names = [source.names[i] if line.rule is None else f"v{i}" for i, line in enumerate(source.tape)]
    written: dict[str, Any] = {name: _step(line, names) for name, line in zip(names, source.tape, strict=True)}
    return written | {"outputs": [names[output] for output in source.outputs]}


def _step(line: Line, names: list[str]) -> list[Any]:
    if line.rule is None:
        return ["input"]
    pairs = zip(line.parents, line.args, strict=True)
    operands = [strip(arg) if parent is None else names[parent] for parent, arg in pairs]
    said = {name: _parameter(value) for name, value in line.params.items() if name not in _UNSAID}
    return [line.rule.name, *operands, *([said] if said else [])]


def _parameter(value: Any) -> Any:
    """A parameter of an operation as plain data; parts of an index as NumPy has them, in a form of their own."""
    if isinstance(value, slice):
        return {"slice": [value.start, value.stop, value.step]}
    if isinstance(value, tuple):
        return [_parameter(part) for part in value]
    if isinstance(value, np.ndarray):
        return {"entries": value}
    return "..." if value is Ellipsis else value


class _Copy:
    """One copying, which counts what it has copied."""

    def __init__(self) -> None:
        self._count = 0

    def of(self, item: Any, depth: int) -> Plain:
        self._count += 1
        if self._count > _MOST or depth > _DEEPEST:
            raise TypeError("too large for an answer that is written by hand")
        if isinstance(item, Graph):
            item = item.data() if item.source is None else steps(item.source)
        if isinstance(item, np.ndarray | np.generic):
            item = _listed(item)
        if isinstance(item, str):
            return _text(item)
        if item is None or isinstance(item, bool | int):
            return _whole(item)
        if isinstance(item, float):
            return float(item)
        if isinstance(item, set | frozenset):
            item = sorted(item, key=repr)  # in the same order in every process
        if isinstance(item, list | tuple):
            return [self.of(part, depth + 1) for part in item]
        if isinstance(item, Mapping):
            return {_key(key): self.of(part, depth + 1) for key, part in item.items()}
        raise TypeError(f"of type {type(item).__name__}; an answer here is made of numbers, texts, lists and dicts")


def _listed(array: Any) -> Any:
    """NumPy's numbers as Python's."""
    if array.size > _MOST:
        raise TypeError("too large for an answer that is written by hand")
    return array.tolist()


def _whole(item: bool | int | None) -> Plain:
    if item is None or isinstance(item, bool):
        return item
    if item.bit_length() > 1000:
        raise TypeError("a number too large for an answer that is written by hand")
    return int(item)


def _text(item: str) -> str:
    if len(item) > _LONGEST:
        raise TypeError("a text too long for an answer")
    return item.encode("utf-8", "replace").decode()  # no half characters


def _key(key: Any) -> str:
    if isinstance(key, str | int | np.integer) and not isinstance(key, bool):
        return _text(str(key))
    raise TypeError(f"a dict with a key of type {type(key).__name__}; names are texts")


def is_finite(value: Plain) -> bool:
    """Whether something plain is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
