"""A recorded list with names, and the walks over it one line at a time, everything kept: what there is to show."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeAlias

from autodiff.formula import Named, summary
from autodiff.modes import matching, on_tape, ones, positions, project, single, spread, traced
from autodiff.rule import Array
from autodiff.tape import RefusalError, Tape, Var, strip


@dataclass(frozen=True, eq=False)
class Step:
    """The reverse walk at one line.

    adjoint   of this line: complete, since all uses of a line come later on the list
    added     (line, slot, what was added to that line's adjoint), in the order in which it was
    adjoints  of all lines after this step, None where the walk has not yet come
    """

    named: Named
    adjoint: Array
    added: tuple[tuple[str, int, Array], ...]
    adjoints: dict[str, Array | None]

    line, what, rule = (property(attrgetter(f"named.{name}")) for name in ("id", "what", "words"))

    def __str__(self) -> str:
        first = f"{self.line} = {self.what}: its adjoint is complete, {summary(self.adjoint)}."
        if not self.added:
            return f"{first} It is {self.rule}: this is the gradient."
        lines = [first, f"{self.rule}.", "It adds to the adjoints"]
        for line, slot, g in self.added:
            lines.append(f"  to that of {line} (slot {slot}): {summary(g)}, now {summary(self.adjoints[line])}")
        return "\n".join(lines)

    __repr__ = __str__


@dataclass(frozen=True)
class Listing:
    """A tape, the lines of its outputs, and a name for every line: a parameter of the function, or v0, v1, ..."""

    tape: Tape
    outputs: list[int]
    names: list[str]

    def named(self, index: int) -> Named:
        """A line with its names."""
        line = self.tape[index]
        return Named(index, line, self.names[index], [None if p is None else self.names[p] for p in line.parents])

    def walk(self, cotangent: Any = None, output: int = 0) -> Iterator[Step]:
        """`modes.backward` from an output and a cotangent (ones, if none is given), with every adjoint kept.

        Raises RefusalError for an output that there is not and a cotangent of another shape.
        """
        if not 0 <= output < len(self.outputs):
            raise RefusalError(f"output={output}, but the function has {len(self.outputs)} output(s), counted from 0.")
        start, value = self.outputs[output], self.tape[self.outputs[output]].value
        seed = ones(value) if cotangent is None else matching(cotangent, value, "the cotangent")
        adjoints: dict[str, Array | None] = {f"v{i}": None for i in range(len(self.tape))} | {f"v{start}": strip(seed)}
        for index in range(start, -1, -1):
            g = adjoints[f"v{index}"]
            if g is None:
                continue
            rule, parents, args, params, y = self.tape[index]
            added = []
            for slot, parent in enumerate(parents):
                if parent is not None and rule is not None:
                    term = strip(project(rule.vjp(slot, g, y, args, params), args[slot]))
                    before = adjoints[f"v{parent}"]
                    adjoints[f"v{parent}"] = term if before is None else before + term
                    added.append((f"v{parent}", slot, term))
            yield Step(self.named(index), g, tuple(added), dict(adjoints))

    def tangents(self, direction: Any) -> list[Array | None]:
        """The tangent of every line in a direction, one array per input; None for what does not move."""
        given = list(direction) if isinstance(direction, (tuple, list)) else [direction]
        inputs = sum(line.rule is None for line in self.tape)
        if len(given) != inputs:
            raise RefusalError(f"a direction has one tangent per argument: {inputs}, not {len(given)}.")
        found: list[Array | None] = []
        for i, (rule, parents, args, params, y) in enumerate(self.tape):
            if rule is None:
                found.append(matching(given.pop(0), y, f"tangent {i}"))
            else:
                found.append(spread(rule.jvp([None if p is None else found[p] for p in parents], y, args, params), y))
        return found


Source: TypeAlias = Callable[..., Any] | Tape | Var | Listing


def listing(f: Source, *args: Any, argnums: Any = None, names: Sequence[str] = ()) -> Listing:
    """f(*args), recorded: all arguments, or those of argnums. f may return one array or a tuple of arrays.

    A recorded output (a Var) brings its tape; of a Tape the last line is the output. Names come from the parameters of
    f, or are given. Raises RefusalError if no output depends on an argument.
    """
    if isinstance(f, Listing):
        return f
    if isinstance(f, (Tape, Var)):
        tape, outputs = (f.tape, [f.index]) if isinstance(f, Var) else (f, [len(f) - 1])
    else:
        wanted = list(range(len(args))) if argnums is None else positions(argnums, args)
        tape, returned = traced(f, args, wanted)
        found = returned if isinstance(returned, (tuple, list)) else (single(returned),)
        outputs = [y.index for y in found if isinstance(y, Var) and on_tape(y, tape)]
        names = names or parameters(f, len(args), wanted)
    if not outputs or not len(tape):
        raise RefusalError("the function's value does not depend on its arguments, so there is no list to show.")
    called = [f"v{i}" for i in range(len(tape))]
    inputs = [i for i, line in enumerate(tape) if line.rule is None]
    for i, name in zip(inputs, names, strict=False):
        if name not in called:  # what could be taken for another line is no name
            called[i] = name
    return Listing(tape, outputs, called)


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
