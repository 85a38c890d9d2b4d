"""An answer as plain data: what can be written down as JSON, and so cross a process boundary without being executed."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

Plain = None | bool | int | float | str | list[Any] | dict[str, Any]

_DEEPEST = 8
_MOST = 5000  # things in it
_LONGEST = 5000  # characters of one text


def plain(answer: Any) -> Plain:
    """An answer as None, truth values, numbers, texts, lists of these, and dicts of these with texts as keys.

    NumPy's numbers become Python's, arrays, tuples and sets become lists, keys that are numbers become texts, and a
    picture of a computation becomes its steps.

    Raises
    ------
    TypeError : something in it is neither, or it is too large to be an answer written by hand
    """
    return _Copy().of(answer, 0)


class _Copy:
    """One copying, which counts what it has copied."""

    def __init__(self) -> None:
        self._count = 0

    def of(self, item: Any, depth: int) -> Plain:
        self._count += 1
        if self._count > _MOST or depth > _DEEPEST:
            raise TypeError("too large for an answer that is written by hand")
        drawing = sys.modules.get("autodiff.graph")  # a sheet may forbid it, and then nothing is a picture
        if drawing is not None and isinstance(item, drawing.Graph):
            item = _drawn(item)
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


def _drawn(picture: Any) -> dict[str, Any]:
    from grading.verify.drawn import steps

    data: dict[str, Any] = picture.data() if picture.source is None else steps(picture.source)
    return data


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
