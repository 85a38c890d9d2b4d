"""What is repeated along a list, as the steps of a recurrence or the uses of a shared weight, and goes wrong together.

One step alone is counted, the first or last is left out, or a derivative is taken at the step before or after.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from autodiff.rule import Elementwise
from grading.verify.activations import Activation, activations
from grading.verify.exercise import Array
from grading.verify.faults import Edit, Edits, Recorded
from grading.verify.suspects import Group, fixed, planted

Place = tuple[int, int, int]  # a line, a slot, and the line in that slot
DROPPED = "a path or term dropped"
SHIFTED = "off by one"
STALE = "activation derivative at the wrong point"


def steps(recorded: Recorded) -> Group:
    """Faults of all steps at once, or of all but some."""
    for places in _alike(recorded):
        yield from _left_out(recorded, places)
        yield from _of_neighbours(recorded, places)
    yield from _slopes_of_neighbours(recorded)
    yield from _overwritten(recorded)


def _overwritten(recorded: Recorded) -> Group:
    """What comes back from parts that overlap, of which each overwrites what the others have left."""
    parts: dict[int, list[Place]] = {}
    for i, slot, parent in recorded.edges:
        if recorded.names_of_rules[i] == "getitem":
            parts.setdefault(parent, []).append((i, slot, parent))
    for parent, places in parts.items():
        for some in (places, places[::-1]) if len(places) > 1 and recorded.asks in ("gradient", "vjp") else ():
            text = f"Parts of {recorded.say(parent)} overlap, and what comes back from one overwrites the others'."
            yield planted(DROPPED, text, partial(_of_last, some))


def _of_last(places: list[Place], recorded: Recorded) -> Edits:
    """For each entry what comes from the last part that has it."""
    edits: list[Edit] = []
    taken = np.zeros(recorded.value(places[0][2]).shape, dtype=bool)
    for i, slot, parent in places[::-1]:
        own = np.zeros(taken.shape, dtype=bool)
        own[recorded.lines[i][3]["index"]] = True
        free = 1.0 * (own & ~taken)
        taken |= own
        edits.append(Edit(i, parent, slot, law=partial(_masked, free)))
    return edits


def _masked(mask: Array, moving: Any, passed: Any) -> Any:
    return passed * mask


def _alike(recorded: Recorded) -> Iterator[list[Place]]:
    """Operations of one kind on the same constants and inputs, with the same slot and shape: those of the steps."""
    families: dict[tuple[Any, ...], list[Place]] = {}
    for i, slot, parent in recorded.edges:
        rule, parents, args, _, value = recorded.lines[i]
        assert rule is not None
        held = tuple(
            (
                number,
                one if one is None or one < recorded.count else -1,
                np.asarray(arg).tobytes() if one is None else b"",
            )
            for number, (one, arg) in enumerate(zip(parents, args, strict=True))
            if one is None or one < recorded.count
        )
        key = (rule.name, slot, np.shape(args[slot]), np.shape(value), held)
        families.setdefault(key, []).append((i, slot, parent))
        families.setdefault((rule.name, slot, np.shape(value), parent), []).append((i, slot, parent))  # of any operand
    known: set[tuple[Place, ...]] = set()
    for places in families.values():
        if len(places) > 1 and tuple(places) not in known:
            known.add(tuple(places))
            yield places


def _left_out(recorded: Recorded, places: list[Place]) -> Group:
    what = " and ".join(dict.fromkeys((recorded.say(places[0][0], 2), recorded.say(places[-1][0], 2))))
    for said, some in _some_steps(places):
        text = f"What comes through {{}} {said} is missing, of {what}."
        edits = [Edit(i, parent, slot, times=0.0) for i, slot, parent in some]
        yield planted(DROPPED, text.format(recorded.say(places[0][2], 2)), fixed(*edits))
    turned = [Edit(i, parent, slot, times=-1.0) for i, slot, parent in places]
    yield planted("sign of one term", f"What comes through {what} has the wrong sign in every step.", fixed(*turned))
    if isinstance(recorded.lines[places[0][0]][0], Elementwise):
        for said, some in _some_steps(places):
            plain = [Edit(i, parent, slot, instead=1.0) for i, slot, parent in some]
            text = f"The derivative of {what} is missing {said}."
            yield planted("inner derivative forgotten", text, fixed(*plain))


def _some_steps(places: list[Place]) -> tuple[tuple[str, list[Place]], ...]:
    return (
        ("in every step", places),
        ("in all steps but the last", places[:-1]),
        ("in all steps but the first", places[1:]),
        ("in the first step", places[:1]),
        ("in the last step", places[-1:]),
    )


def _of_neighbours(recorded: Recorded, places: list[Place]) -> Group:
    for by, said in ((1, "after"), (-1, "before")):
        text = f"The derivative of {recorded.say(places[-1][0], 2)} is taken at the step {said}, in every step."
        for at_end in (True, False):
            label = STALE if len(recorded.lines[places[0][0]][2]) == 1 else SHIFTED
            yield planted(label, text, partial(_at_neighbours, places, by, at_end))


def _at_neighbours(places: list[Place], by: int, at_end: bool, recorded: Recorded) -> Edits:
    """Every operation differentiated at the operands of the next; at the end what follows, or its own."""
    edits = []
    for number, (i, slot, parent) in enumerate(places):
        rule, own = recorded.lines[i][0], recorded.lines[i][2]
        assert rule is not None
        if 0 <= number + by < len(places):
            args = recorded.lines[places[number + by][0]][2]
        elif at_end and by > 0:
            args = tuple(_successor(recorded, places, k) if k != slot else arg for k, arg in enumerate(own))
        else:
            continue
        edits.append(Edit(i, parent, slot, at=(tuple(args), rule.evaluate(*args, **recorded.lines[i][3]))))
    return edits


def _successor(recorded: Recorded, places: list[Place], slot: int) -> Array:
    """What follows the last operand in a slot: the next line made by the operation that made that one."""
    last, before = recorded.lines[places[-1][0]][1][slot], recorded.lines[places[-1][0]][2][slot]
    if last is None or recorded.lines[last][0] is None:
        return np.asarray(before)
    for line in range(places[-1][0], recorded.last + 1):
        if (
            recorded.names_of_rules[line] == recorded.names_of_rules[last]
            and recorded.value(line).shape == np.shape(before)
            and recorded.depends(line, places[-1][0])
        ):
            return recorded.value(line)
    return np.asarray(before)


def _slopes_of_neighbours(recorded: Recorded) -> Group:
    units: dict[str, list[tuple[int, int, Activation]]] = {}
    for unit in activations(recorded):
        units.setdefault(f"{unit[2].name} {recorded.value(unit[0]).shape}", []).append(unit)
    for alike in units.values():
        if len(alike) > 1:
            for by, said in ((1, "after"), (-1, "before")):
                text = f"The derivative of {alike[0][2].name} is taken at the layer or step {said}."
                yield planted(STALE, text, partial(_slopes, alike, by, False))
                text = f"The derivative of {alike[0][2].name} is taken at the values of the layer or step {said}."
                yield planted(STALE, text, partial(_slopes, alike, by, True))


def _slopes(alike: list[tuple[int, int, Activation]], by: int, from_value: bool, recorded: Recorded) -> Edits:
    """The slopes of the units after or before; with `from_value` that of an input before the first."""
    edits = []
    for number, (upper, base, which) in enumerate(alike):
        if 0 <= number + by < len(alike):
            other = alike[number + by]
            factor = which.slope(recorded.value(other[1]), recorded.value(other[0]))
        elif from_value and by < 0:
            start = [
                value
                for _, value in recorded.pool[: len(recorded.question.point)]
                if value.shape == recorded.value(upper).shape
            ]
            if not start:
                continue
            factor = which.slope(start[0], start[0])
        else:
            continue
        edits.append(Edit(upper, base, instead=factor))
    return edits
