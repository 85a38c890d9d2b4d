"""What is known of a wrong array that no mistake explains: where it is wrong, and whether it is proportional.

A pattern is told only where it is no accident: were as many entries wrong anywhere, it would come about in fewer than
one of fifty cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import exp, lgamma, log

import numpy as np

from grading.verify.catalogue import Seen, within
from grading.verify.exercise import Array

_ACCIDENT = 0.02
_FEWEST = 3  # entries that are not zero, to be proportional to


def known(seen: Seen) -> Iterator[str]:
    """What can be said of one block, observed at all points."""
    if not all(one.comparable for one in seen):
        return
    points = [one for one in seen if np.any(one.differs)]
    if len(points) < len(seen):
        yield f"right at {len(seen) - len(points)} of {len(seen)} points."
    for said in (_where(points), _which_signs(points), _proportion(points)):
        if said:
            yield said


def _chance(points: Seen, allowed: Sequence[Array], tried: float) -> float:
    """How likely it is that all wrong entries are among the allowed ones, were they anywhere.

    `tried` is the logarithm of how many such patterns there are.
    """
    chance = tried
    for one, inside in zip(points, allowed, strict=True):
        wrong = int(np.sum(one.differs))
        chance += _log_ways(int(np.sum(inside)), wrong) - _log_ways(one.right.size, wrong)
    return exp(min(chance, 0.0))


def _log_ways(n: int, k: int) -> float:
    """The logarithm of the number of ways to take k of n things: of many things the number itself is too large."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) if k <= n else -np.inf


def _where(points: Seen) -> str:
    """The part of a matrix or vector in which all wrong entries are."""
    shapes = {one.right.shape for one in points}
    if len(shapes) > 1 or not 1 <= len(shape := shapes.pop()) <= 2:
        return ""
    wrong = np.any([one.differs for one in points], axis=0)
    if len(shape) == 2 and shape[0] == shape[1]:
        for inside, said in ((np.eye(len(wrong), dtype=bool), "on"), (~np.eye(len(wrong), dtype=bool), "off")):
            if not np.any(wrong & ~inside) and _chance(points, [inside] * len(points), log(2)) < _ACCIDENT:
                return f"wrong {said} the diagonal only."
    for axis, kind in enumerate(("rows", "columns") if len(shape) == 2 else ("entries",)):
        hit = np.unique(np.nonzero(wrong)[axis])
        inside = np.zeros(shape, dtype=bool)
        inside[(slice(None),) * axis + (hit,)] = True
        if _chance(points, [inside] * len(points), _log_ways(shape[axis], len(hit))) < _ACCIDENT:
            return f"wrong in {kind} {', '.join(map(str, hit))} only, of {shape[axis]}, over all points."
    return ""


def _which_signs(points: Seen) -> str:
    """An input at whose entries of one sign alone the answer is wrong."""
    inputs = points[0].question.point
    for name in inputs:
        values = [np.asarray(one.question.point[name]) for one in points]
        if any(value.shape != one.right.shape for value, one in zip(values, points, strict=True)):
            continue
        for sign, word in ((1, "positive"), (-1, "negative")):
            allowed = [sign * value > 0 for value in values]
            inside = all(np.all(spots[one.differs]) for spots, one in zip(allowed, points, strict=True))
            if inside and _chance(points, allowed, log(2 * len(inputs))) < _ACCIDENT:
                return f"wrong only where {name} is {word}."
    return ""


def _proportion(points: Seen) -> str:
    """Whether the answer is proportional to the right one at each point."""
    factors = []
    for one in points:
        if np.count_nonzero(one.right) < _FEWEST:
            return ""
        factor = float(np.vdot(one.right, one.yours) / np.vdot(one.right, one.right))
        if not within(one.yours, factor * one.right, one):
            return ""
        factors.append(f"{factor:.4g}")
    if points[0].question.exercise.is_data:
        return "proportional to the right answer."  # by how much would give that away
    if len(set(factors)) == 1:
        return f"{factors[0]} times the right answer wherever it differs."
    return f"proportional to the right answer at each point, with the factors {', '.join(factors)}."
