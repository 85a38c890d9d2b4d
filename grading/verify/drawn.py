"""A recorded computation as data: its steps by name, as somebody would write its graph down."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.listing import Listing
from autodiff.tape import Line, strip

_UNSAID = ("dtype", "optimize")  # parameters that say nothing of what is computed


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
