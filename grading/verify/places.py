"""Places: right but for some entries, or for their order."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from grading.verify.catalogue import Mistake, Observation, Seen, always, within


def places(seen: Seen) -> Iterator[Mistake]:
    """Entries in the wrong place, too many or too few, and single ones that are wrong."""
    yield Mistake(
        "bias column or row",
        "The shape is off by one, and the rest is right: is something missing at an end or too many, a bias perhaps?",
        _one_too_many,
    )
    for axis in range(seen[0].right.ndim):
        for by in (1, -1):
            yield Mistake(
                "off by one",
                "Your numbers are right but one place too far on or back: an index is off by one.",
                partial(_shifted, axis, by),
            )
    yield Mistake("off by one", "Your numbers are the right ones in another order: check the indices.", _reordered)
    yield Mistake(
        "an extra term",
        "The same number is added everywhere beside the diagonal, as if ones stood where the identity belongs.",
        _ones_beside,
    )
    left = _left_out(seen)
    if left:
        yield Mistake("one entry or row wrong", f"Entries {left} are zero at every point: they are left out.", always)


def one_place(seen: Seen) -> Iterator[Mistake]:
    """Wrong in one entry, row or column alone, which says where and not why."""
    where = _same_place(seen)
    if where is not None:
        often = sum(bool(np.any(one.differs)) for one in seen)
        said = "at every point" if often == len(seen) else f"at {often} of {len(seen)} points"
        yield Mistake("one entry or row wrong", f"Only {where} is wrong, {said}; the rest is right.", always)


def _one_too_many(one: Observation) -> bool:
    """Whether the arrays agree once the first or last slice of the longer one is left out."""
    if one.yours.ndim != one.right.ndim:
        return False
    gaps = [(axis, a - b) for axis, (a, b) in enumerate(zip(one.yours.shape, one.right.shape, strict=True)) if a != b]
    if len(gaps) != 1 or abs(gaps[0][1]) != 1:
        return False
    axis, gap = gaps[0]
    longer, shorter = (one.yours, one.right) if gap == 1 else (one.right, one.yours)
    size = longer.shape[axis]
    parts = (np.take(longer, range(1, size), axis), np.take(longer, range(size - 1), axis))
    return bool(shorter.size) and any(within(shorter, part, one) for part in parts)


def _ones_beside(one: Observation) -> bool:
    """Whether a square matrix is right on its diagonal, and off by one number everywhere else."""
    if not one.comparable or one.right.ndim != 2 or one.right.shape[0] != one.right.shape[1] or one.right.size < 9:
        return False
    beside = ~np.eye(len(one.right), dtype=bool)
    constant = np.mean((one.yours - one.right)[beside])
    return bool(np.any(one.differs)) and within(one.yours, one.right + constant * beside, one)


def _left_out(seen: Seen) -> str:
    """The entries that are zero and should not be, if several are, the same at every point, and the rest is right."""
    if not all(one.comparable and one.right.ndim for one in seen) or len({one.right.shape for one in seen}) > 1:
        return ""
    wrong = seen[0].differs
    few = 1 < np.sum(wrong) <= wrong.size / 2
    if len(seen) < 2 or not few or not all(np.array_equal(one.differs, wrong) for one in seen):
        return ""
    if any(np.any(one.yours[wrong]) for one in seen):
        return ""
    return ", ".join(str(list(map(int, place)) if len(place) > 1 else int(place[0])) for place in np.argwhere(wrong))


def _shifted(axis: int, by: int, one: Observation) -> bool:
    """Whether the entries stand one place further on: in a ring, or with something else in the place left free."""
    if not one.comparable or one.right.shape[axis] < 3:
        return False
    moved = np.roll(one.right, by, axis)
    kept = range(1, moved.shape[axis]) if by > 0 else range(moved.shape[axis] - 1)
    return within(np.take(one.yours, kept, axis), np.take(moved, kept, axis), one)


def _reordered(one: Observation) -> bool:
    if not one.comparable or one.right.size < 3:
        return False
    return within(np.sort(one.yours, axis=None), np.sort(one.right, axis=None), one)


def _same_place(seen: Seen) -> str | None:
    """The one entry, row or column outside of which everything is right at all points."""
    if not all(one.comparable and one.right.ndim for one in seen) or len({one.right.ndim for one in seen}) > 1:
        return None
    spots = [_only_place(seen, axis) for axis in range(seen[0].right.ndim)]
    if all(spots) and min(one.right.size for one in seen) > 2:
        return f"entry [{', '.join(map(str, spots))}]"
    kinds = {1: ("entry",), 2: ("row", "column")}.get(len(spots), ("index",) * len(spots))
    for axis, (spot, kind) in enumerate(zip(spots, kinds, strict=True)):
        if spot and min(one.right.shape[axis] for one in seen) > 2:
            return f"{kind} {spot}" if kind != "index" else f"what belongs to index {spot} of axis {axis}"
    return None


def _only_place(seen: Seen, axis: int) -> str:
    """The one position along an axis at which anything is wrong, from the front or, for other lengths, the back."""
    hits = [(int(hit), one.right.shape[axis]) for one in seen for hit in np.unique(np.nonzero(one.differs)[axis])]
    if len({hit for hit, _ in hits}) == 1:
        return str(hits[0][0])
    return str(hits[0][0] - hits[0][1]) if len({hit - size for hit, size in hits}) == 1 else ""


def signs(seen: Seen) -> Iterator[Mistake]:
    """Wrong exactly where an input is negative."""
    if not all(one.yours.shape == one.right.shape for one in seen):
        return
    for name in seen[0].question.point:
        if _wrong_where_negative(seen, name):
            yield Mistake(
                "wrong for negative inputs",
                f"Your answer is right where {name} is positive and wrong where it is negative.",
                always,
            )


_ENOUGH = 4  # so many entries of either sign before their pattern means anything


def _wrong_where_negative(seen: Seen, name: str) -> bool:
    right, wrong = 0, 0
    for one in seen:
        value = np.asarray(one.question.point[name])
        if value.shape != one.right.shape:
            if one.right.shape != value.shape * 2:
                return False
            value = value + np.zeros(one.right.shape)  # of a Jacobian: by columns
        differs, negative = one.differs, value < 0
        if np.any(differs & ~negative):
            return False
        right += int(np.sum(~negative))
        wrong += int(np.sum(differs))
        if not np.all(np.any((differs | ~negative).reshape(-1, *np.shape(one.question.point[name])), axis=0)):
            return False
    return right >= _ENOUGH and wrong >= _ENOUGH
