"""Derivatives at other values: slopes at an argument that was made of the wrong thing, states that were mixed up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from autodiff.rule import Args, Elementwise, Params, Rule, call
from grading.verify.activations import Activation, activations
from grading.verify.exercise import Array
from grading.verify.faults import Blocks, Edit, Edits, Recorded
from grading.verify.oneway import in_place
from grading.verify.suspects import Group, Suspect, planted

STALE = "activation derivative at the wrong point"


def stale(recorded: Recorded) -> Group:
    """Slopes at other arguments, and all steps of a recurrence differentiated at the states of others."""
    yield from _of_other_arguments(recorded)
    yield from _at_other_states(recorded)


# --- a slope at an argument that was made of something else ----------------------------------------------------------


def _of_other_arguments(recorded: Recorded) -> Group:
    for unit in _slopes(recorded):
        upper, base, _ = unit
        for line in _made_of(recorded, base):
            for slot, arg in enumerate(recorded.lines[line][2]):
                for number, (name, value) in enumerate(recorded.pool):
                    if value.shape == np.shape(arg) and np.ndim(arg) and not np.array_equal(value, arg):
                        taken = recorded.say_with(line, slot, name)
                        how = f"at {taken}, not at" if line == base else f"with {taken} for"
                        said = f"The slope of {recorded.say(upper)} is taken {how} {recorded.say(line)}."
                        yield planted(STALE, said, partial(_at_remade, unit, line, slot, number))


def _slopes(recorded: Recorded) -> Iterator[tuple[int, int, Activation | None]]:
    """Lines that follow entry by entry from another one: activations, and other functions of single entries."""
    units = activations(recorded)
    yield from units
    for i, slot, parent in recorded.edges:
        rule, parents = recorded.lines[i][:2]
        plain = isinstance(rule, Elementwise) and len(parents) == 1 and callable(rule.formulas[slot])
        if plain and (i, parent) not in {unit[:2] for unit in units}:
            yield i, parent, None


def _made_of(recorded: Recorded, base: int) -> Iterator[int]:
    """The line of an argument, and those that it is the sum of."""
    if base >= recorded.count:
        yield base
        if recorded.names_of_rules[base] in ("add", "subtract"):
            yield from (parent for parent in recorded.lines[base][1] if parent is not None and parent >= recorded.count)


def _at_remade(
    unit: tuple[int, int, Activation | None], line: int, slot: int, number: int, recorded: Recorded
) -> Edits:
    upper, base, which = unit
    value = _evaluated(recorded, line, {slot: recorded.pool[number][1]})
    if line != base:
        value = _evaluated(recorded, base, {recorded.lines[base][1].index(line): value})
    if which is not None:
        return [Edit(upper, base, instead=which.slope(value, which.function(value)))]
    return [Edit(upper, base, 0, at=((value,), _evaluated(recorded, upper, {0: value})))]


def _evaluated(recorded: Recorded, line: int, instead: Mapping[int, Array]) -> Array:
    """The value of a line with other operands."""
    rule, _, args, params, _ = recorded.lines[line]
    assert rule is not None
    return np.asarray(rule.evaluate(*(instead.get(slot, arg) for slot, arg in enumerate(args)), **params))


# --- the states of a recurrence --------------------------------------------------------------------------------------


def _at_other_states(recorded: Recorded) -> Group:
    """Every step differentiated at the state after or before its own, or all of them at the first."""
    for states in _chains(recorded):
        starts = [name for name, value in recorded.question.point.items() if _is_like(recorded, value, states[0])]
        for start in (*starts, None):
            for which, said in (
                (1, "at the state after its own"),
                (-1, "at the one before"),
                (0, "at the first state"),
                (None, "at the states in reverse order"),
            ):
                text = f"The derivative of every step that makes {recorded.say(states[0], 2)} is taken {said}."
                yield Suspect(STALE, text, partial(_at_states, states, start, which))


def _chains(recorded: Recorded) -> Iterator[list[int]]:
    """Lines of the same operation and shape of which each depends on the one before: states, one after another."""
    families: dict[tuple[Any, ...], list[int]] = {}
    for line in range(recorded.count, recorded.last + 1):
        shape = recorded.value(line).shape
        held = tuple(
            parent is None or (parent < recorded.count and recorded.value(parent).shape != shape)
            for parent in recorded.lines[line][1]
        )  # an input of the state's own shape may be the first state
        family = families.setdefault((recorded.names_of_rules[line], shape, held), [])
        if not family or recorded.depends(line, family[-1]):
            family.append(line)
    yield from (family for family in families.values() if len(family) > 1)


def _is_like(recorded: Recorded, value: Any, line: int) -> bool:
    return np.asarray(value).dtype.kind == "f" and np.shape(value) == recorded.value(line).shape


def _at_states(states: list[int], start: str | None, by: int | None, recorded: Recorded) -> Blocks:
    values = [recorded.value(line) for line in states]
    known = values if start is None else [np.asarray(recorded.question.point[start]), *values]
    last = len(known) - 1
    if by is None:
        taken = known[last - 1 :: -1] + known[-1:]
    else:
        taken = [known[0] if by == 0 else known[min(max(k + by, 0), last)] for k in range(len(known))]
    taken[-1] = known[-1]
    other = recorded if start is None else recorded.at(start, taken.pop(0))
    return other.replayed(
        {line: partial(_with_value, value) for line, value in zip(states, taken, strict=True)}
    ).answer()


def _with_value(value: Array, rule: Rule, args: Args, params: Params) -> Any:
    return in_place(call(rule, args, params), value)
