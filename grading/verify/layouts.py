"""Layout: the right numbers in the wrong places, and axes that are left over or gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import combinations, permutations

import numpy as np

from grading.verify.catalogue import ALMOST_SURE, LIKELY, Mistake, Observation, Predict, Seen, equals, within
from grading.verify.exercise import Array
from grading.verify.tolerance import UNIT_ROUNDOFF

_HIGHEST = 32  # rows of a matrix that was made a vector


def layout(seen: Seen) -> Iterator[Mistake]:
    axes = seen[0].right.ndim
    if axes == 2:
        yield from _of_matrix()
    elif axes > 2:
        for order in list(permutations(range(axes)))[1:]:
            yield Mistake(
                "axes permuted",
                f"Your numbers are right, but their axes are in the order {order}"
                + (": output axes come first." if seen[0].question.exercise.asks == "jacobian" else "."),
                equals(_permuted(order)),
            )
    for order in permutations(range(axes)) if axes > 1 else ():
        yield Mistake(
            "reshape for transpose",
            "You reshaped where a transpose was meant: `reshape` keeps the order of the numbers, `.T` does not.",
            equals(partial(_reshaped_permuted, order)),
        )
    if seen[0].question.exercise.asks == "jacobian":
        yield Mistake(
            "axes permuted",
            "Your numbers are right, but along an axis in another order: that of columns for that of rows, or back.",
            _by_columns,
        )
    yield Mistake(
        "shape that only broadcasts",
        "Your numbers are right, but in another shape. "
        + ("A gradient has the shape of its variable." if seen[0].question.exercise.asks == "gradient" else ""),
        equals(lambda seen: _reshaped(seen.right, seen.yours.shape) if seen.yours.shape != seen.right.shape else None),
    )
    yield Mistake(
        "shape that only broadcasts",
        "Your numbers are right for several entries each: they only broadcast to the shape that is asked.",
        _broadcasts,
    )
    yield Mistake(
        "whole matrix for its diagonal",
        "You returned a whole matrix; asked is only what stands on its diagonal.",
        _has_on_diagonal,
    )
    yield Mistake(
        "not summed",
        "An axis is left over: the contributions along it still have to be summed.",
        _sums_up,
    )
    yield Mistake(
        "summed too much",
        "You summed, or averaged, over an axis that the answer still has: each of its entries is asked for by itself.",
        _summed,
    )
    if axes == 2:
        yield Mistake(
            "an extra term",
            "You added the transpose, as if the matrix were symmetric: its entries move one by one.",
            lambda one: any(equals(how)(one) for how in (_with_transpose, _with_transpose_beside)),
        )


def _of_matrix() -> Iterator[Mistake]:
    yield Mistake(
        "transposed",
        "Your numbers are right but transposed: rows and columns are exchanged.",
        equals(_permuted((1, 0))),
    )
    for times, said in (
        (-1.0, "and their sign is wrong"),
        (2.0, "and twice too large"),
        (0.5, "and half as large"),
    ):
        yield Mistake(
            "transposed",
            f"Your numbers are transposed, {said}.",
            equals(partial(_permuted_times, times)),
        )
    yield Mistake(
        "diagonal only",
        "You returned the diagonal alone; expected is the matrix that has it on its diagonal.",
        lambda one: one.yours.ndim <= 2 and equals(_diagonal)(replace(one, yours=one.yours.reshape(-1))),
    )
    yield Mistake(
        "diagonal only",
        "You returned the diagonal alone; the other entries of the matrix are not zero, and asked for as well.",
        equals(lambda one: np.diagonal(one.right) if one.right.shape[0] == one.right.shape[1] > 2 else None),
    )
    yield Mistake(
        "diagonal only",
        "Only the diagonal of your matrix is right: the other entries are not zero.",
        equals(lambda one: np.diag(np.diagonal(one.right)) if one.right.shape[0] == one.right.shape[1] else None),
    )


def _summed(seen: Observation) -> bool:
    """Whether the student's array is the right one, summed over all or one of its axes."""
    if seen.right.ndim == 2 and _diagonal(seen) is not None:
        return False  # the sums of a diagonal matrix are its diagonal, which has a name of its own
    if seen.yours.shape == seen.right.shape:
        return any(within(seen.yours, total, seen) for total in _spread_totals(seen))
    totals = [seen.right.sum(), *(seen.right.sum(axis=axis) for axis in range(seen.right.ndim))]
    return any(
        seen.yours.shape == np.shape(total) and within(seen.yours, np.asarray(total), seen)
        for total in totals
        if seen.yours.size < seen.right.size
    )


def _spread_totals(seen: Observation) -> Iterator[Array]:
    """The totals and means over one axis or all, back in every place that they were made of."""
    right = seen.right
    for axis in (None, *range(right.ndim)) if right.ndim > 1 else (None,):
        mean = right.mean(axis=axis, keepdims=True)
        if not within(right, mean, seen) and np.max(np.abs(mean)) > seen.doubt:  # or it is a matter of scale
            yield mean
            yield right.sum(axis=axis, keepdims=True)


def _with_transpose(seen: Observation) -> Array | None:
    if seen.right.shape[0] != seen.right.shape[1] or _is_symmetric(seen):
        return None  # twice a symmetric matrix is a matter of scale
    return np.asarray(seen.right + seen.right.T)


def _with_transpose_beside(seen: Observation) -> Array | None:
    """The same, but once on the diagonal."""
    if seen.right.shape[0] != seen.right.shape[1]:
        return None
    return np.asarray(seen.right + seen.right.T - np.diag(np.diagonal(seen.right)))


def _permuted(order: tuple[int, ...]) -> Predict:
    return lambda seen: np.transpose(seen.right, order)


def _permuted_times(factor: float, seen: Observation) -> Array | None:
    return None if _is_symmetric(seen) else np.asarray(factor * seen.right.T)


def _is_symmetric(seen: Observation) -> bool:
    return seen.right.shape[0] == seen.right.shape[1] and within(seen.right.T, seen.right, seen)


def _reshaped_permuted(order: tuple[int, ...], seen: Observation) -> Array | None:
    """The numbers of the permuted array in the order in which they lie there, in whatever shape came."""
    permuted = np.transpose(seen.right, order)
    if list(order) == sorted(order) or permuted.shape == seen.yours.shape:
        return None  # nothing was permuted, or nothing reshaped
    turned, plain = (_reshaped(values, seen.yours.shape) for values in (permuted, seen.right))
    return None if turned is None or plain is None or np.array_equal(turned, plain) else turned


def _diagonal(seen: Observation) -> Array | None:
    rows, columns = seen.right.shape
    diagonal = np.diagonal(seen.right)
    return diagonal if rows == columns and np.array_equal(seen.right, np.diag(diagonal)) else None


def _broadcasts(seen: Observation) -> bool:
    """Whether an answer has the right entries along every axis that it has, and an axis too few or of length 1."""
    try:
        whole = np.broadcast_to(seen.yours, seen.right.shape)
    except ValueError:
        return False
    return seen.yours.shape != seen.right.shape and within(whole, seen.right, seen)


def _reshaped(values: Array, shape: tuple[int, ...]) -> Array | None:
    return values.reshape(shape) if values.size == int(np.prod(shape)) else None


def _by_columns(seen: Observation) -> bool:
    """Whether a Jacobian is right but for the order in which matrices were made vectors, going in or coming out."""
    if seen.yours.shape != seen.right.shape or not np.all(np.isfinite(seen.yours)):
        return False
    return any(
        within(seen.yours.reshape(rows, -1), seen.right.reshape(rows, -1)[down][:, across], seen)
        for rows in {int(np.prod(seen.right.shape[:k])) for k in range(1, seen.right.ndim)}
        for down in _orders(rows)
        for across in _orders(seen.right.size // max(rows, 1))
    )


def _orders(length: int) -> list[Array]:
    """The plain order, and those of the columns of every matrix with so many entries."""
    heights = [n for n in range(2, length) if length % n == 0 and n <= _HIGHEST]
    return [np.arange(length), *(np.arange(length).reshape(n, -1).T.ravel() for n in heights)]


def _has_on_diagonal(seen: Observation) -> bool:
    """Whether the student's array is a square matrix with the right vector on its diagonal."""
    size = seen.right.size
    if seen.yours.size != size * size or size < 2 or seen.yours.ndim < 2:
        return False
    return within(np.diagonal(seen.yours.reshape(size, size)), seen.right.ravel(), seen)


def _sums_up(seen: Observation) -> bool:
    """Whether the student's array gives the right one when summed over one or two of its axes."""
    if _has_on_diagonal(seen):
        return False
    left = [axis for axis, size in enumerate(seen.yours.shape) if size > 1]
    several = [axes for count in (1, 2) for axes in combinations(left, count)]
    return any(_is_total(seen, axes) for axes in several)


def _is_total(seen: Observation, axes: tuple[int, ...]) -> bool:
    """Whether sums over these axes give the right answer, or it transposed or not divided by their length."""
    total = seen.yours.sum(axis=axes)
    length = float(np.prod([seen.yours.shape[axis] for axis in axes]))
    return any(
        total.shape == right.shape and within(total, times * right, seen)
        for right in (seen.right, seen.right.T)
        for times in (1.0, length, 2.0, 0.5, -1.0)
    )


def wrong_axis(seen: Seen) -> Iterator[Mistake]:
    """Sums along another axis: another shape, the same total, and that not 0, which so many arrays have."""
    is_another = any(one.yours.shape != one.right.shape for one in seen)
    yield Mistake(
        "wrong axis",
        "You summed along the wrong axis: the total is right, but one number per entry of another axis is left.",
        lambda one: is_another and one.yours.ndim == one.right.ndim and _is_summed_otherwise(one),
        # the rows of many a matrix have the sums of another one's: of one-hot rows, of an identity
        LIKELY if seen[0].question.exercise.asks == "jacobian" else ALMOST_SURE,
    )


def _is_summed_otherwise(one: Observation) -> bool:
    """Whether the totals agree over the axes that may be others; over all where the lengths agree by chance."""
    if one.right.ndim == 0 or one.yours.size < 2:
        return False
    if one.yours.shape == one.right.shape:
        return within(np.asarray(one.yours.sum()), np.asarray(one.right.sum()), one)
    return _is_other_sum(one) and _has_totals_of(one)


def _is_other_sum(one: Observation) -> bool:
    """Whether the shapes can be those of sums over different axes: one length differs, or each has an axis of 1."""
    pairs = [(a, b) for a, b in zip(one.yours.shape, one.right.shape, strict=True) if a != b]
    return len(pairs) == 1 or all(1 in pair for pair in pairs)


def _has_totals_of(one: Observation) -> bool:
    """Whether the sums over the axes whose lengths differ are those of the right answer, and say something."""
    axes = tuple(k for k, (a, b) in enumerate(zip(one.yours.shape, one.right.shape, strict=True)) if a != b)
    yours, right = np.asarray(one.yours.sum(axis=axes)), np.asarray(one.right.sum(axis=axes))
    least = one.doubt + 64 * UNIT_ROUNDOFF * float(np.sum(np.abs(one.right)))
    return within(yours, right, one) and bool(np.any(np.abs(right) > least))
