"""Factors of matrix products in another arrangement on the way back: not transposed, or on the wrong side.

They are right where the matrices are symmetric, so they are tried before that is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from autodiff.rule import Args, Elementwise
from grading.verify.exercise import Array
from grading.verify.faults import Edit, Edits, Law, Recorded
from grading.verify.laws import SYMMETRIC
from grading.verify.suspects import Group, operand, planted

Place = tuple[int, int, int]  # a line, a slot, and the line in that slot
TRANSPOSED = "transposed"


def arrangements(recorded: Recorded) -> Group:
    """Products, inverses and systems whose factors are arranged differently on the way back, in one place or in all."""
    if recorded.asks == "jvp":
        return
    for name, places in _products(recorded):
        label = SYMMETRIC if _counts_both_ways(recorded, name) else TRANSPOSED
        where = " and ".join(dict.fromkeys(recorded.say(i) for i, _, _ in places[:2]))
        said = f"In the derivative of {where}, {name} has to be transposed, or stands on the wrong side."
        for how in product((False, True), repeat=3):
            yield planted(label, said, partial(_edits, places, partial(_rearranged, how)))
    for i, slot, parent in recorded.edges:
        rule, where = recorded.names_of_rules[i], recorded.say(i)
        if rule == "inv":
            said = f"In the derivative of {where} the inverse is transposed on both sides, going back."
            for how in product((False, True), repeat=3):
                yield planted(TRANSPOSED, said, partial(_edits, [(i, slot, parent)], partial(_around, how)))
    yield from _systems(recorded)
    yield from _exchanged(recorded)


def _exchanged(recorded: Recorded) -> Group:
    """A product with a square matrix and the slope of what follows it, in the wrong order on the way back."""
    for i, slot, parent in recorded.edges:
        if recorded.names_of_rules[i] != "matmul" or not _is_square(recorded.lines[i][2][1 - slot]):
            continue
        for upper in range(i + 1, recorded.last + 1):
            alike = recorded.value(upper).shape == recorded.value(i).shape == recorded.value(parent).shape
            if alike and recorded.depends(upper, i) and isinstance(recorded.lines[upper][0], Elementwise):
                name = operand(recorded, i, 1 - slot)
                said = f"Going back through {recorded.say(upper)} the slopes come before the product with {name}."
                yield planted(TRANSPOSED, said, partial(_in_wrong_order, upper, i, slot, parent))


def _is_square(factor: Any) -> bool:
    return np.ndim(factor) == 2 and len(set(np.shape(factor))) == 1


def _in_wrong_order(upper: int, i: int, slot: int, parent: int, recorded: Recorded) -> Edits:
    slope = recorded.slope(upper, i)
    return [Edit(upper, parent, law=lambda moving, passed: slope * recorded._passed_up(i, slot, moving))]


def _products(recorded: Recorded) -> Iterator[tuple[str, list[Place]]]:
    """The products, one by one and then those with a factor in common, by the name of the factor."""
    shared: dict[tuple[int, bytes], list[Place]] = {}
    for i, slot, parent in recorded.edges:
        if recorded.names_of_rules[i] == "matmul":
            yield operand(recorded, i, 1 - slot), [(i, slot, parent)]
            factor = np.asarray(recorded.lines[i][2][1 - slot])
            shared.setdefault((slot, factor.tobytes()), []).append((i, slot, parent))
    for places in shared.values():
        if len(places) > 1:
            yield operand(recorded, places[0][0], 1 - places[0][1]), places
    every = [place for places in shared.values() for place in places]
    if len(shared) > 1:
        yield "every factor", every


def _counts_both_ways(recorded: Recorded, name: str) -> bool:
    """Whether the transposed matrix has the same derivative: who forgets its other half takes it to be symmetric."""
    value = np.asarray(recorded.question.point.get(name, 0.0))
    if value.ndim != 2 or value.shape[0] != value.shape[1]:
        return False
    both = zip(recorded.names, recorded.answer(), recorded.at(name, value.T).answer(), strict=True)
    others = [_close(one, two) for own, one, two in both if own != name]
    return bool(others) and all(others)


def _close(one: Array, two: Array) -> bool:
    return bool(np.allclose(one, two, rtol=1e-9, atol=1e-12))


def _systems(recorded: Recorded) -> Group:
    for i, (rule, parents, _, _, _) in enumerate(recorded.lines):
        if rule is None or rule.name != "solve":
            continue
        places = [(i, slot, parent) for slot, parent in enumerate(parents) if parent is not None]
        said = f"In the derivative of {recorded.say(i)} the system that is solved going back has the transposed matrix."
        for some in dict.fromkeys((tuple(places), *((place,) for place in places))):
            for how in ((True, False), (True, True), (False, True)):
                yield planted(TRANSPOSED, said, partial(_edits, some, partial(_of_system, how)))


def _edits(places: Sequence[Place], law: Any, recorded: Recorded) -> Edits:
    edits = []
    for i, slot, parent in places:
        _, _, args, _, y = recorded.lines[i]
        edits.append(Edit(i, parent, slot, law=_of_shape(np.shape(args[slot]), law(slot, args, np.asarray(y)))))
    return edits


def _of_shape(shape: tuple[int, ...], law: Law) -> Law:
    """A law that must give an array of the shape that is wanted: nothing that only broadcasts."""

    def shaped(moving: Any, passed: Any) -> Any:
        given = law(moving, passed)
        if np.shape(given)[-len(shape) :] != shape or np.shape(given) != np.shape(passed):
            raise ValueError("the mistake cannot be made here")
        return given

    return shaped


def _turned(a: Any) -> Any:
    return np.swapaxes(a, -1, -2) if np.ndim(a) > 1 else a


def _rearranged(how: tuple[bool, ...], slot: int, args: Args, y: Array) -> Law:
    other_side, untransposed, turned = how
    other = args[1 - slot] if untransposed else _turned(args[1 - slot])
    behind = (slot == 0) != other_side

    def law(moving: Any, passed: Any) -> Any:
        g = _turned(moving) if turned else moving
        one, two = (g, other) if behind else (other, g)
        return np.multiply.outer(one, two) if np.ndim(one) == np.ndim(two) == 1 else one @ two

    return law


def _around(how: tuple[bool, ...], slot: int, args: Args, y: Array) -> Law:
    left, middle, right = how

    def law(moving: Any, passed: Any) -> Any:
        return -(_turned(y) if left else y) @ (_turned(moving) if middle else moving) @ (_turned(y) if right else y)

    return law


def _of_system(how: tuple[bool, ...], slot: int, args: Args, y: Array) -> Law:
    """What comes back to A or b of A y = b, with A not transposed, or with y from the transposed matrix."""
    untransposed, solved = how
    matrix = np.asarray(args[0])

    def law(moving: Any, passed: Any) -> Any:
        back = np.linalg.solve(matrix if untransposed else matrix.T, moving)
        if slot == 1:
            return back
        value = np.linalg.solve(matrix.T, args[1]) if solved else y
        return -np.multiply.outer(back, value) if np.ndim(value) == 1 else -back @ _turned(value)

    return law
