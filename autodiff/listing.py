"""A recorded list with names, and the walks over it one line at a time, everything kept: what there is to show."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeAlias

import numpy as np

from autodiff.formula import Named, summary
from autodiff.modes import matching, on_tape, ones, positions, project, single, spread, traced
from autodiff.rule import Array
from autodiff.tape import RefusalError, Tape, Var, strip

ORDINALS = ("first", "second", "third", "fourth")


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
        complete = f"its adjoint is complete, {summary(self.adjoint)}."
        if not self.added:
            return f"{self.named.name}: {complete} It is {self.rule}: this is the gradient."
        lines = [f"{self.line} = {self.what}: {complete} {self.rule}. It adds to the adjoint"]
        for line, slot, g in self.added:
            place = f"{ORDINALS[slot]} argument" if slot < len(ORDINALS) else f"argument number {slot + 1}"
            now = summary(self.adjoints[line])
            lines.append(f"of {self.named.parents[slot]}, through its {place}: {summary(g)}, now {now}")
        return "\n  - ".join(lines)

    __repr__ = __str__


@dataclass(frozen=True)
class Listing:
    """A tape, the lines of its outputs, and a name for every line: a parameter of the function, or v0, v1, ...

    constants: the arrays among the arguments that are not recorded, with their names
    """

    tape: Tape
    outputs: list[int]
    names: list[str]
    constants: list[tuple[Array, str]]

    def named(self, index: int) -> Named:
        """A line with its names."""
        line = self.tape[index]
        names = [
            next((name for a, name in self.constants if a is arg), None) if p is None else self.names[p]
            for p, arg in zip(line.parents, line.args, strict=True)
        ]
        return Named(index, line, self.names[index], names)

    def walk(self, cotangent: Any = None, output: int = 0) -> Iterator[Step]:
        """`modes.backward` from an output and a cotangent (ones, if none is given), with every adjoint kept.

        A tuple of cotangents is one for each of several outputs. Raises RefusalError for an output that there is not
        and a cotangent of another shape.
        """
        if not 0 <= output < len(self.outputs):
            raise RefusalError(f"output={output}, but the function has {len(self.outputs)} output(s), counted from 0.")
        starts, given = self.outputs, cotangent
        if not isinstance(cotangent, tuple) or len(starts) == 1:
            starts, given = [starts[output]], (cotangent,)
        if len(given) != len(starts):
            raise RefusalError(f"the cotangent has {len(given)} entries for {len(starts)} recorded outputs.")
        adjoints: dict[str, Array | None] = {f"v{i}": None for i in range(len(self.tape))}
        for start, w in zip(starts, given, strict=True):
            value = self.tape[start].value
            seed = ones(value) if w is None else matching(w, value, "the cotangent")
            adjoints[f"v{start}"] = plus(adjoints[f"v{start}"], strip(seed))
        for index in range(max(starts), -1, -1):
            g = adjoints[f"v{index}"]
            if g is None:
                continue
            rule, parents, args, params, y = self.tape[index]
            added = []
            for slot, parent in enumerate(parents):
                if parent is not None and rule is not None:
                    term = strip(project(rule.vjp(slot, g, y, args, params), args[slot]))
                    adjoints[f"v{parent}"] = plus(adjoints[f"v{parent}"], term)
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


def plus(before: Array | None, term: Array) -> Array:
    """A sum of adjoints, of which there may be none yet."""
    return term if before is None else before + term


Source: TypeAlias = Callable[..., Any] | Tape | Var | Listing


def listing(f: Source, *args: Any, argnums: Any = None, names: Sequence[str] = (), **unknown: Any) -> Listing:
    """f(*args), recorded: all arguments, or those of argnums. f may return one array or a tuple of arrays.

    A recorded output (a Var) brings its tape; of a Tape the last line is the output. Names come from the parameters of
    f, or are given, one per recorded argument. Raises RefusalError if no output depends on an argument, for another
    number of names, and for options that there are not.
    """
    if unknown:
        raise RefusalError(
            f"{', '.join(unknown)}: no option here. The function's arguments go by position: show.table(f, 2.0, 1.0)."
        )
    if isinstance(f, Listing):
        return f
    constants, called_by_f = [], list[str]()
    if isinstance(f, (Tape, Var)):
        tape, outputs = (f.tape, [f.index]) if isinstance(f, Var) else (f, [len(f) - 1])
    else:
        wanted = list(range(len(args))) if argnums is None else positions(argnums, args)
        tape, returned = traced(f, args, wanted)
        found = returned if isinstance(returned, (tuple, list)) else (single(returned),)
        outputs = [y.index for y in found if isinstance(y, Var) and on_tape(y, tape)]
        parameter = parameters(f, len(args))
        called_by_f = [parameter[i] for i in wanted if i < len(parameter)]
        unrecorded = [i for i in range(len(parameter)) if i not in wanted and isinstance(args[i], np.ndarray)]
        constants = [(args[i], parameter[i]) for i in unrecorded]
    if not outputs or not len(tape):
        raise RefusalError("the function's value does not depend on its arguments, so there is no list to show.")
    called = [f"v{i}" for i in range(len(tape))]
    inputs = [i for i, line in enumerate(tape) if line.rule is None]
    if len(names) not in (0, len(inputs)):
        raise RefusalError(f"{len(inputs)} arguments are recorded, so names= takes {len(inputs)}, not {len(names)}.")
    for i, name in zip(inputs, names or called_by_f, strict=False):
        if name not in called:  # what could be taken for another line is no name
            called[i] = " ".join(name.split())
    return Listing(tape, outputs, called, constants)


def parameters(f: Callable[..., Any], count: int) -> list[str]:
    """What f calls its positional arguments; *xs are xs0, xs1, ..."""
    try:
        found = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return []
    single = [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = [f"{p.name}{k}" for p in found if p.kind is p.VAR_POSITIONAL for k in range(count)]
    return (single + rest)[:count]
