"""Products of what belongs together that are summed over other axes, or over none: of any shape that comes out.

An outer product for each row of a batch, sums taken before the product, a Jacobian times the value, or times itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product
from typing import NamedTuple

import numpy as np

from grading.verify.budget import while_time
from grading.verify.catalogue import ALMOST_SURE, Observation, Seen, within
from grading.verify.exercise import Array
from grading.verify.faults import Edit, Recorded
from grading.verify.suspects import operand
from grading.verify.trial import Found, recorded_at

_MOST_AXES = 3
_LARGEST = 200_000  # entries of a Jacobian that is worth making


class Factors(NamedTuple):
    """Two arrays at every point whose product an answer may be, and what it is called if it is."""

    said: str
    kind: str  # "product" of an adjoint with an operand, "direction", or "jacobian" with something else
    pairs: list[tuple[Array, Array]]
    right: Array | None = None  # their right product at the first point, which is no mistake by itself


def products(wrong: list[Seen]) -> list[Found]:
    """Blocks that are a product of the right factors, summed over other axes than the right one."""
    exercise = wrong[0][0].question.exercise
    if exercise.asks in ("value", "hessian_diagonal"):
        return []
    lists = [recorded for seen in wrong[0] if (recorded := recorded_at(seen.question, None)) is not None]
    if len(lists) < len(wrong[0]) or len({recorded.names_of_rules for recorded in lists}) > 1:
        return []
    found = (_unsummed_paths(lists, seen) or _product(lists, seen) for seen in wrong)
    return [one for one in found if one is not None]


def _product(lists: list[Recorded], seen: Seen) -> Found | None:
    for factors in _factors(lists, seen):
        for spec in while_time(_specs(*factors.pairs[0], seen[0].yours)):
            if _is_right(spec, factors):
                continue
            times = set.intersection(
                *(_times(one.yours, spec, pair) for one, pair in zip(seen, factors.pairs, strict=True))
            )
            if times and all(_fits(one, spec, pair, min(times)) for one, pair in zip(seen, factors.pairs, strict=True)):
                label, text = _called(factors, spec, seen)
                return Found(label, text, ALMOST_SURE, [seen])
    return None


# --- which arrays are multiplied -------------------------------------------------------------------------------------


def _factors(lists: list[Recorded], seen: Seen) -> Iterator[Factors]:
    asks, block = lists[0].asks, seen[0].block
    if asks in ("gradient", "vjp"):
        flows = [recorded.flow() for recorded in lists]
        for i, slot, parent in lists[0].edges:
            if (
                parent == block
                and lists[0].names_of_rules[i] == "matmul"
                and all(flow[i] is not None for flow in flows)
            ):
                others = [np.asarray(recorded.lines[i][2][1 - slot]) for recorded in lists]
                said = f"{operand(lists[0], i, 1 - slot)} and what comes back to {lists[0].say(i)}"
                pairs = [(np.asarray(flow[i]), other) for flow, other in zip(flows, others, strict=True)]
                right = lists[0].answer(_others(lists[0], i, slot, parent))
                yield Factors(said, "product", pairs, right[block])
    if asks == "gradient" or lists[0].value(lists[0].last).size * lists[0].value(block).size > _LARGEST:
        return
    if asks == "jvp" and lists[0].count > 1:
        return
    jacobians = [recorded.jacobian_in(block) for recorded in lists]
    if asks in ("jvp", "vjp"):
        directions = [np.asarray(recorded.question.directions[0]) for recorded in lists]
        what = "cotangent" if asks == "vjp" else "tangent"
        yield Factors(f"the Jacobian and the {what}", "direction", list(zip(jacobians, directions, strict=True)))
        return
    values = [recorded.value(recorded.last) for recorded in lists]
    yield Factors("the function's value", "jacobian", list(zip(jacobians, values, strict=True)))
    yield Factors("the Jacobian itself", "jacobian", list(zip(jacobians, jacobians, strict=True)))
    for name, _ in lists[0].question.point.items():
        others = [np.asarray(recorded.question.point[name], dtype=np.float64) for recorded in lists]
        yield Factors(name, "jacobian", list(zip(jacobians, others, strict=True)))


def _others(recorded: Recorded, i: int, slot: int, parent: int) -> list[Edit]:
    """The edits that leave out all other ways into an input than one."""
    ways = [edge for edge in recorded.edges if edge[2] == parent and edge[:2] != (i, slot)]
    return [Edit(line, parent, number, times=0.0) for line, number, _ in ways]


# --- the products ----------------------------------------------------------------------------------------------------


class Spec(NamedTuple):
    """Which axes of two arrays are the same, and which are left in which order, as einsum writes it."""

    one: str
    two: str
    out: str

    def of(self, pair: tuple[Array, Array]) -> Array | None:
        try:
            return np.asarray(np.einsum(f"{self.one},{self.two}->{self.out}", *pair))
        except ValueError:
            return None


def _specs(one: Array, two: Array, yours: Array) -> Iterator[Spec]:
    """The products of two arrays that have the shape that came; those that sum over what they share first."""
    if not 0 < one.ndim <= _MOST_AXES or not 0 < two.ndim <= _MOST_AXES or yours.ndim > _MOST_AXES:
        return
    letters, free = "abc"[: one.ndim], "xyz"
    for chosen in product(*(["", *letters] for _ in range(two.ndim))):
        shared = [letter for letter in chosen if letter]
        if len(set(shared)) < len(shared):
            continue
        other = "".join(letter or free[k] for k, letter in enumerate(chosen))
        sizes = dict(zip(letters, one.shape, strict=True))
        if any(sizes.setdefault(letter, n) != n for letter, n in zip(other, two.shape, strict=True)):
            continue
        for out in permutations(sizes, yours.ndim):
            if tuple(sizes[letter] for letter in out) == yours.shape:
                yield Spec(letters, other, "".join(out))


def _is_right(spec: Spec, factors: Factors) -> bool:
    made = spec.of(factors.pairs[0])
    right = factors.right
    return right is not None and made is not None and made.shape == right.shape and bool(np.allclose(made, right))


_SIMPLE = {"": 1.0, "twice": 2.0, "half": 0.5, "minus": -1.0, "minus twice": -2.0}


def _times(yours: Array, spec: Spec, pair: tuple[Array, Array]) -> set[str]:
    """How many times the product may be there, by the entry that shows it best."""
    made = spec.of(pair)
    if made is None or made.shape != yours.shape or not made.size or not np.all(np.isfinite(made)) or not np.any(made):
        return set()
    place = int(np.argmax(np.abs(made)))
    ratio = float(yours.flat[place] / made.flat[place])
    return {name for name, times in _multiples(spec, pair) if abs(ratio - times) < 1e-6 * abs(times)}


def _multiples(spec: Spec, pair: tuple[Array, Array]) -> Iterator[tuple[str, float]]:
    yield from _SIMPLE.items()
    for letters, array in zip((spec.one, spec.two), pair, strict=True):
        for letter, size in zip(letters, array.shape, strict=True):
            if size > 2:
                yield f"times {letter}", float(size)
                yield f"over {letter}", 1.0 / size


def _fits(one: Observation, spec: Spec, pair: tuple[Array, Array], times: str) -> bool:
    made = spec.of(pair)
    count = dict(_multiples(spec, pair)).get(times)
    return made is not None and count is not None and within(one.yours, count * made, one)


def _called(factors: Factors, spec: Spec, seen: Seen) -> tuple[str, str]:
    yours, right = seen[0].yours.ndim, seen[0].right.ndim
    if factors.kind == "jacobian":
        if seen[0].yours.shape == seen[0].right.shape and factors.said != "the Jacobian itself":
            return "an extra factor", f"The Jacobian is multiplied by {factors.said}; asked is the Jacobian alone."
        return "another derivative", f"You returned the Jacobian times {factors.said}; asked is the Jacobian alone."
    if not set(spec.one) & set(spec.two) and len(spec.one) == len(spec.two) == 1 and factors.right is not None:
        if np.allclose(factors.right, seen[0].right):
            return "transposed", f"In the outer product of {factors.said} the axes have changed places."
        text = f"You returned the outer product of {factors.said}; what comes on other ways is missing."
        return "a path or term dropped", text
    if not set(spec.one) & set(spec.two):
        return "summed too much", f"A product of sums stands where a sum of products belongs: of {factors.said}."
    if yours > right:
        return "not summed", f"In the product of {factors.said} an axis is left over that has to be summed."
    if set(spec.one) & set(spec.two) & set(spec.out) and factors.kind == "direction":
        return "not summed", f"The product of {factors.said} is taken entry by entry and not summed."
    if yours < right:
        return "summed too much", f"In the product of {factors.said} an axis is summed that the answer still has."
    return "transposed", f"In the product of {factors.said} the axes are not those that belong to each other."


# --- a term that is not summed beside others -------------------------------------------------------------------------


def _unsummed_paths(lists: list[Recorded], seen: Seen) -> Found | None:
    """One term of the answer with an axis left over, and the others added to each of its entries."""
    if lists[0].asks == "jvp" or seen[0].yours.ndim != seen[0].right.ndim + 1:
        return None
    for i, slot, parent in while_time(lists[0].paths):
        lost = [Edit(i, parent, slot, times=0.0)]
        others = [recorded.answer(lost)[seen[0].block] for recorded in lists]
        for axis in range(seen[0].yours.ndim):
            totals = [_total(one.yours, other, axis) for one, other in zip(seen, others, strict=True)]
            if all(total is not None and total.shape == one.right.shape and within(total, one.right, one)
                   for total, one in zip(totals, seen, strict=True)):  # fmt: skip
                text = f"What comes through {lists[0].say(i)} still has an axis that has to be summed."
                return Found("not summed", text, ALMOST_SURE, [seen])
    return None


def _total(yours: Array, beside: Array, axis: int) -> Array | None:
    """The sum over an axis, if something is added to every entry along it."""
    try:
        alone = yours - beside if axis == 0 else yours - np.expand_dims(beside, axis)
    except ValueError:
        return None
    return np.asarray(alone.sum(axis=axis) + beside)
