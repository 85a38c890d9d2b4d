"""An evaluation as a list of named rows, each a function of rows before it: what a table on paper has.

The rows are the lines that a function records, or are declared, one small function each, whose parameters are called
what they are made of. Values and tangents go down the list, adjoints up (Griewank & Walther 2008, chapters 2 and 3).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from autodiff.formula import Spelled, named, term_of, text
from autodiff.functions import sigmoid
from autodiff.listing import listing
from autodiff.modes import backward, on_tape, traced
from autodiff.rule import call
from autodiff.tape import LEVELS, Line, Traced

Numbers = dict[str, float]
_COPES_NOT = (ArithmeticError, ValueError, TypeError)  # a function, with numbers that a slip led to
_PLACES, _SAME = (-2.3, -0.4, 0.7, 1.9), 1e-12
_ANGLES = (np.sin, np.cos, np.tan)


@dataclass(frozen=True, eq=False)
class Row:
    """One row: its name, what it is made of (rows before it, or inputs; one may occur twice), and how.

    `what` is its right-hand side in NumPy's words. A sigmoid is known as one, however it is written: its derivative on
    paper is y (1 - y), so a slip in y goes on into that.
    """

    name: str
    parents: tuple[str, ...]
    what: str
    function: Callable[..., Any]
    is_sigmoid: bool = False

    def value(self, values: tuple[float, ...]) -> float:
        """The row at these values of its parents; nan where it has none."""
        return _number(self.function, values)

    def on_the_way(self, values: tuple[float, ...]) -> tuple[float, ...]:
        """What is computed at these values of its parents before the row itself; nothing where it has no value."""
        try:
            with np.errstate(all="ignore"):
                tape, y = traced(self.function, [np.float64(v) for v in values], range(len(values)))
        except _COPES_NOT:
            return ()
        return tuple(float(value) for *_, value in tape.records[len(values) : y.index]) if on_tape(y, tape) else ()

    def partials(self, values: tuple[float, ...], result: float | None = None) -> tuple[float, ...]:
        """Its derivative in each parent; where the row's own value is used for that, `result` if it is given."""
        if self.is_sigmoid and result is not None:
            return (result * (1 - result),)
        try:
            with np.errstate(all="ignore"):
                return self._partials(values, result)
        except _COPES_NOT:
            return (np.nan,) * len(values)

    def _partials(self, values: tuple[float, ...], result: float | None) -> tuple[float, ...]:
        tape, y = traced(self.function, [np.float64(v) for v in values], range(len(values)))
        if not on_tape(y, tape):
            return (0.0,) * len(values)
        if result is not None:
            tape.records[y.index] = (*tape.records[y.index][:4], np.float64(result))
        adjoints = backward(tape, y.index, np.float64(1.0))
        found = (adjoints[k] if k <= y.index else None for k in range(len(values)))
        return tuple(0.0 if g is None else float(g) for g in found)

    def in_degrees(self, values: tuple[float, ...]) -> float | None:
        """The row by a calculator that takes angles for degrees; None where there is no angle."""
        try:
            with np.errstate(all="ignore"):
                return self._in_degrees(values)
        except _COPES_NOT:
            return None

    def _in_degrees(self, values: tuple[float, ...]) -> float | None:
        tape, y = traced(self.function, [np.float64(v) for v in values], range(len(values)))
        if not on_tape(y, tape) or not any(line.rule is not None and line.rule.key in _ANGLES for line in tape):
            return None
        found: list[Any] = []
        for line in tape:
            if line.rule is None:
                found.append(line.value)
                continue
            args = [a if p is None else found[p] for p, a in zip(line.parents, line.args, strict=True)]
            args = [np.deg2rad(a) for a in args] if line.rule.key in _ANGLES else args
            found.append(call(line.rule, tuple(args), line.params))
        return float(found[y.index])


@dataclass(frozen=True, eq=False)
class Trace:
    """Inputs with their values, rows in their order, and the names of the rows that are outputs."""

    inputs: Numbers
    rows: tuple[Row, ...]
    outputs: tuple[str, ...]

    @cached_property
    def values(self) -> Numbers:
        """Every input's and every row's value."""
        return self.at(self.inputs)

    def at(self, inputs: Numbers) -> Numbers:
        """Every value where the inputs are these."""
        found = dict(inputs)
        for row in self.rows:
            found[row.name] = row.value(tuple(found[p] for p in row.parents))
        return found

    @cached_property
    def partials(self) -> dict[str, tuple[float, ...]]:
        """The derivative of every row in each of its parents."""
        return {row.name: row.partials(tuple(self.values[p] for p in row.parents)) for row in self.rows}

    @cached_property
    def uses(self) -> dict[str, tuple[tuple[Row, int], ...]]:
        """Where each name is used: the row, and as which of its parents."""
        return {
            name: tuple((row, slot) for row in self.rows for slot, p in enumerate(row.parents) if p == name)
            for name in self.values
        }

    def tangents(self, direction: Mapping[str, float]) -> Numbers:
        """Every tangent when the inputs move in a direction; an input that is not named stays."""
        found = {name: float(direction.get(name, 0.0)) for name in self.inputs}
        for row in self.rows:
            found[row.name] = sum(
                (d * found[p] for d, p in zip(self.partials[row.name], row.parents, strict=True)), 0.0
            )
        return found

    def adjoints(self, output: str) -> Numbers:
        """Every derivative of one row in another; 0 where the output does not depend on it."""
        found: Numbers = {}
        for name in reversed(self.values):
            uses = self.uses[name]
            arriving = (self.partials[row.name][slot] * found[row.name] for row, slot in uses)
            found[name] = sum(arriving, float(name == output))
        return found


def bound(function: Callable[..., Any], xp: Any = np) -> Callable[..., Any]:
    """A function whose first parameter may be `xp`, over an array namespace."""
    return partial(function, xp) if takes_xp(function) else function


def takes_xp(function: Callable[..., Any]) -> bool:
    """Whether a function's first parameter is `xp`."""
    return list(inspect.signature(function).parameters)[:1] == ["xp"]


def recorded(function: Callable[..., Any], inputs: Numbers, names: tuple[str, ...]) -> Trace:
    """The lines that a function records, called v0, v1, ... or `names`.

    Raises
    ------
    ValueError : another number of names, or names of inputs; rows that are arrays; an output that depends on no input
    TypeError : an operation that cannot be recorded
    """
    returned = bound(function)(*inputs.values())
    found = listing(bound(function), *inputs.values())
    called = list(names) or [f"v{i}" for i in range(len(found.tape))]
    if len(called) != len(found.tape):
        raise ValueError(f"the function records {len(found.tape)} rows, and {len(called)} are named")
    if taken := [name for name in called if name in inputs]:
        raise ValueError(f"'{taken[0]}' is the name of an input, and of a row")
    if any(np.ndim(line.value) for line in found.tape):
        raise ValueError("a row is an array; a table on paper has one number in each place")
    if len(found.outputs) != (len(returned) if isinstance(returned, tuple | list) else 1):
        raise ValueError("an output does not depend on the inputs")
    spoken = replace(found, names=called)
    rows = []
    for i, (line, source) in enumerate(zip(found.tape, [*inputs, *called[len(inputs) :]], strict=True)):
        if line.rule is None:
            rows.append(Row(called[i], (source,), source, _same))
        else:
            parents = tuple(called[p] for p in line.parents if p is not None)
            again = _replayed(line)
            is_sigmoid = len(parents) == 1 and _is_sigmoid(again)
            rows.append(Row(called[i], parents, spoken.named(i).what, again, is_sigmoid))
    return Trace(inputs, tuple(rows), tuple(called[i] for i in found.outputs))


def declared(functions: Mapping[str, Callable[..., Any]], inputs: Numbers) -> Trace:
    """Rows that are declared one by one; what no other row uses are the outputs.

    Raises
    ------
    ValueError : a row made of something that is neither an input nor an earlier row, or that is no single number
    """
    known, rows, used = dict(inputs), list[Row](), set[str]()
    for name, function in functions.items():
        if name in known:
            raise ValueError(f"'{name}' is declared twice, or is an input")
        own = bound(function)
        parents = tuple(inspect.signature(own).parameters)
        if unknown := [p for p in parents if p not in known]:
            raise ValueError(f"row '{name}' is made of '{unknown[0]}', which is no input and no row above it")
        values = [np.float64(known[p]) for p in parents]
        if np.ndim(own(*values)):
            raise ValueError(f"row '{name}' is an array; a table on paper has one number in each place")
        what = _spoken(own, parents, values)
        rows.append(Row(name, parents, what, own, len(parents) == 1 and _is_sigmoid(own)))
        known[name] = rows[-1].value(tuple(values))
        used |= set(parents)
    return Trace(inputs, tuple(rows), tuple(row.name for row in rows if row.name not in used))


def _is_sigmoid(function: Callable[..., Any]) -> bool:
    return all(abs(_number(function, (x,)) - sigmoid(x)) < _SAME for x in _PLACES)


def _number(function: Callable[..., Any], values: tuple[float, ...]) -> float:
    """A function's value; nan where it has none."""
    try:
        with np.errstate(all="ignore"):
            return float(function(*map(np.float64, values)))
    except _COPES_NOT:
        return np.nan


def _same(x: Any) -> Any:
    return x


def _replayed(line: Line) -> Callable[..., Any]:
    """A recorded line as a function of what it was made of."""
    rule = line.rule
    assert rule is not None

    def again(*values: Any) -> Any:
        given = iter(values)
        args = tuple(a if p is None else next(given) for p, a in zip(line.parents, line.args, strict=True))
        traced_one = next((a for a in args if isinstance(a, Traced)), None)
        return call(rule, args, line.params) if traced_one is None else traced_one.emit(rule, args, line.params)

    return again


def _spoken(function: Callable[..., Any], names: tuple[str, ...], values: list[Any]) -> str:
    """A function as a formula, in NumPy's words."""
    level = next(LEVELS)
    return text(term_of(function(*(Spelled(v, named(n, v), level) for n, v in zip(names, values, strict=True)))))
