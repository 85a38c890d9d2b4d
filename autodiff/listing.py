"""A recorded list with names, and the reverse walk over it one line at a time: what there is to show."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from autodiff.formula import Named
from autodiff.modes import matching, on_tape, ones, positions, project, single, spread, traced
from autodiff.rule import Array
from autodiff.tape import RefusalError, Tape, Var, strip


@dataclass(frozen=True)
class Listing:
    """A tape, the lines of its outputs, and a name for every line: a parameter of the function, or v0, v1, ..."""

    tape: Tape
    outputs: list[int]
    names: list[str]

    def named(self, index: int) -> Named:
        """A line with its names."""
        line = self.tape[index]
        return Named(line, self.names[index], [None if p is None else self.names[p] for p in line.parents])

    def seeds(self, cotangent: Any = None, output: int = 0) -> dict[int, Array]:
        """Where the reverse walk from an output starts, and with which adjoint: ones, if none is given."""
        if not 0 <= output < len(self.outputs):
            raise RefusalError(f"output={output}, but the function has {len(self.outputs)} output(s), counted from 0.")
        value = self.tape[self.outputs[output]].value
        return {self.outputs[output]: ones(value) if cotangent is None else matching(cotangent, value, "the cotangent")}


Source: TypeAlias = Callable[..., Any] | Tape | Var


def listing(f: Source, *args: Any, argnums: Any = None, names: Sequence[str] = ()) -> Listing:
    """f(*args), recorded: all arguments, or those of argnums. f may return one array or a tuple of arrays.

    A recorded output (a Var) brings its tape; of a Tape the last line is the output. Names come from the parameters of
    f, or are given. Raises RefusalError if no output depends on an argument.
    """
    if isinstance(f, (Tape, Var)):
        tape, outputs = (f.tape, [f.index]) if isinstance(f, Var) else (f, [len(f) - 1])
        inputs, given = [i for i, line in enumerate(tape) if line.rule is None], list(names)
    else:
        wanted = list(range(len(args))) if argnums is None else positions(argnums, args)
        tape, returned = traced(f, args, wanted)
        found = returned if isinstance(returned, (tuple, list)) else (single(returned),)
        outputs = [y.index for y in found if isinstance(y, Var) and on_tape(y, tape)]
        inputs, given = list(range(len(wanted))), list(names or parameters(f, len(args), wanted))
    if not outputs or not len(tape):
        raise RefusalError("the function's value does not depend on its arguments, so there is no list to show.")
    return Listing(tape, outputs, unmistakable(len(tape), inputs, given))


def parameters(f: Callable[..., Any], count: int, wanted: list[int]) -> list[str]:
    """What f calls its positional arguments; *xs are xs0, xs1, ..."""
    try:
        found = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return []
    single = [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = [f"{p.name}{k}" for p in found if p.kind is p.VAR_POSITIONAL for k in range(count)]
    called = (single + rest)[:count]
    return [called[i] for i in wanted if i < len(called)]


def unmistakable(count: int, inputs: list[int], given: list[str]) -> list[str]:
    """v0, v1, ...; inputs by their own name, unless that could be taken for another line."""
    names = [f"v{i}" for i in range(count)]
    for i, name in zip(inputs, given, strict=False):
        if name not in names:
            names[i] = name
    return names


class Visit(NamedTuple):
    """The reverse walk at one line: its adjoint, complete; what it adds where; all adjoints so far.

    added is a list of (slot, parent, term). adjoints is the walk's own list, which it goes on writing to; an adjoint is
    None as long as nothing has been added to it.
    """

    line: int
    adjoint: Array
    added: list[tuple[int, int, Array]]
    adjoints: list[Array | None]


def climb(tape: Tape, seeds: Mapping[int, Array]) -> Iterator[Visit]:
    """The walk of `modes.backward`, one line at a time, with every adjoint kept and none changed in place."""
    adjoints: list[Array | None] = [None] * len(tape)
    for index, seed in seeds.items():
        adjoints[index] = seed
    for index in range(max(seeds), -1, -1):
        g = adjoints[index]
        if g is None:
            continue
        rule, parents, args, params, y = tape[index]
        added = []
        for slot, parent in enumerate(parents):
            if parent is not None and rule is not None:
                term, before = project(rule.vjp(slot, g, y, args, params), args[slot]), adjoints[parent]
                adjoints[parent] = term if before is None else before + term
                added.append((slot, parent, term))
        yield Visit(index, g, added, adjoints)


def tangents(tape: Tape, direction: Sequence[Any]) -> list[Array | None]:
    """Down the list: the tangent of every line in a direction, one array per input; None for what does not move."""
    found: list[Array | None] = []
    given = iter(direction)
    for i, (rule, parents, args, params, y) in enumerate(tape):
        if rule is None:
            found.append(matching(next(given), y, f"tangent {i}"))
            continue
        moving = [None if p is None else found[p] for p in parents]
        found.append(spread(rule.jvp(moving, y, args, params), y))
    return found


def plain(a: Array | None) -> Any:
    """The plain value, or None."""
    return None if a is None else np.asarray(strip(a))
