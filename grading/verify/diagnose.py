"""The catalogue of mistakes: each entry predicts what a student who made it would have computed.

A mistake is named only if its prediction reproduces the student's numbers, entry by entry, at every point that was
asked. Nothing is guessed: where no entry fits, no mistake is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from grading.verify.exercise import Array
from grading.verify.oracles import UNIT_ROUNDOFF, Blocks
from grading.verify.sampling import Question
from grading.verify.verdict import Cause

_ALMOST_SURE = 0.95  # the prediction fits and hardly anything else predicts the same
_LIKELY = 0.6  # it fits, but a constant was read off the student's own numbers


@dataclass(frozen=True)
class Observation:
    """One block of the answer at one point: what came, what was expected and how far it may be off."""

    question: Question
    block: int
    yours: Array
    expected: Blocks
    tolerance: Array

    @property
    def right(self) -> Array:
        """The expected value of this block."""
        return self.expected[self.block]


Predict = Callable[[Observation], Array | None]
Fits = Callable[[Observation], bool]


# Everything that a cause may be called.
MISTAKES = frozenset(
    {
        *("transposed", "axes permuted", "reshape for transpose", "diagonal only", "whole matrix for its diagonal"),
        *("shape that only broadcasts", "not summed", "summed too much"),
        *("zeros", "blocks exchanged", "an input returned", "the value instead of its derivative"),
        *("sign", "factor 2 too many", "factor 2 missing", "sign and factor 2", "sum for mean", "mean for sum"),
        *("constant factor", "single precision", "a finite difference"),
        *("changes its arguments", "two calls disagree", "overwrites an earlier answer"),
    }
)


@dataclass(frozen=True)
class Mistake:
    """An entry of the catalogue: a name, what to tell the student, and whether one observation bears it out."""

    label: str
    text: str
    fits: Fits
    certainty: float = _ALMOST_SURE

    def __post_init__(self) -> None:
        assert self.label in MISTAKES, self.label


def explain(observations: list[Observation]) -> tuple[Cause, ...]:
    """The mistakes that account for one block at all points; the first family that has any, in this order."""
    if all(_is_near(seen) for seen in observations):
        return ()  # so near that a prediction would fit which hardly differs from the right answer
    for family in (_layout, _targets, _scales, _constants, _precision):
        fitting: dict[str, Mistake] = {}
        for mistake in family(observations):
            if mistake.label not in fitting and all(map(mistake.fits, observations)):
                fitting[mistake.label] = mistake
        if fitting:
            found = list(fitting.values())[:2]
            return tuple(Cause(mistake.label, mistake.text, mistake.certainty) for mistake in found)
    return ()


def _is_near(seen: Observation) -> bool:
    return seen.yours.shape == seen.right.shape and _within(seen.yours, seen.right, seen)


def _equals(predict: Predict) -> Fits:
    """Fits where the student's numbers are the predicted ones, to the tolerance of the expected value."""

    def fits(seen: Observation) -> bool:
        predicted = predict(seen)
        if predicted is None or predicted.shape != seen.yours.shape:
            return False
        return _within(seen.yours, predicted, seen)

    return fits


def _within(values: Array, predicted: Array, seen: Observation) -> bool:
    """Whether values agree as far as a prediction can that was made from the expected value with its own doubt."""
    doubt = 4 * float(np.max(seen.tolerance, initial=0.0))
    return bool(np.all(np.abs(values - predicted) <= doubt + 64 * UNIT_ROUNDOFF * np.abs(predicted)))


# --- layout: the right numbers in the wrong places ---------------------------------------------------------------


def _layout(observations: list[Observation]) -> Iterator[Mistake]:
    axes = observations[0].right.ndim
    if axes == 2:
        yield Mistake(
            "transposed",
            "Your numbers are right but transposed: rows and columns are exchanged.",
            _equals(_permuted((1, 0))),
        )
        yield Mistake(
            "reshape for transpose",
            "You reshaped where a transpose was meant: `reshape` keeps the order of the numbers, `.T` does not.",
            _equals(_reshaped_transpose),
        )
        yield Mistake(
            "diagonal only",
            "You returned the diagonal alone; expected is the matrix that has it on its diagonal.",
            _equals(_diagonal),
        )
    elif axes > 2:
        for order in list(permutations(range(axes)))[1:]:
            yield Mistake(
                "axes permuted",
                f"Your numbers are right, but their axes are in the order {order}: output axes come first.",
                _equals(_permuted(order)),
            )
    yield Mistake(
        "shape that only broadcasts",
        "Your numbers are right, but in another shape. A gradient has the shape of its variable.",
        _equals(lambda seen: _reshaped(seen.right, seen.yours.shape) if seen.yours.shape != seen.right.shape else None),
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
        "You summed over an axis that the answer still has: each of its entries is asked for by itself.",
        _summed,
    )


def _summed(seen: Observation) -> bool:
    """Whether the student's array is the right one, summed over all or one of its axes."""
    if seen.right.ndim == 2 and _diagonal(seen) is not None:
        return False  # the sums of a diagonal matrix are its diagonal, which has a name of its own
    totals = [seen.right.sum(), *(seen.right.sum(axis=axis) for axis in range(seen.right.ndim))]
    return any(
        seen.yours.shape == np.shape(total) and _within(seen.yours, np.asarray(total), seen)
        for total in totals
        if seen.yours.size < seen.right.size
    )


def _permuted(order: tuple[int, ...]) -> Predict:
    return lambda seen: np.transpose(seen.right, order)


def _reshaped_transpose(seen: Observation) -> Array | None:
    """The transpose's numbers in the right shape; for a square matrix that is the transpose itself."""
    rows, columns = seen.right.shape
    return seen.right.T.reshape(seen.right.shape) if rows != columns else None


def _diagonal(seen: Observation) -> Array | None:
    rows, columns = seen.right.shape
    diagonal = np.diagonal(seen.right)
    return diagonal if rows == columns and np.array_equal(seen.right, np.diag(diagonal)) else None


def _reshaped(values: Array, shape: tuple[int, ...]) -> Array | None:
    return values.reshape(shape) if values.size == int(np.prod(shape)) else None


def _has_on_diagonal(seen: Observation) -> bool:
    """Whether the student's array is a square matrix with the right vector on its diagonal."""
    size = seen.right.size
    if seen.yours.shape not in {(size, size), seen.right.shape * 2} or size < 2 or seen.yours.ndim < 2:
        return False
    return _within(np.diagonal(seen.yours.reshape(size, size)), seen.right.ravel(), seen)


def _sums_up(seen: Observation) -> bool:
    """Whether the student's array gives the right one when summed over one of its axes."""
    if _has_on_diagonal(seen):
        return False
    totals = (seen.yours.sum(axis=axis) for axis, size in enumerate(seen.yours.shape) if size > 1)
    return any(total.shape == seen.right.shape and _within(total, seen.right, seen) for total in totals)


# --- target: the right derivative of something else --------------------------------------------------------------


def _targets(observations: list[Observation]) -> Iterator[Mistake]:
    first = observations[0]
    names = first.question.exercise.block_names
    yield Mistake(
        "zeros",
        "Everything you returned is zero.",
        _equals(lambda seen: np.zeros_like(seen.yours) if seen.yours.size else None),
    )
    for other, name in enumerate(names):
        if other != first.block:
            yield Mistake(
                "blocks exchanged",
                f"What you returned for {names[first.block]} is the answer for {name}.",
                _equals(_block(other)),
            )
    for name in first.question.point:
        yield Mistake("an input returned", f"You returned {name} itself.", _equals(_input(name)))
    if first.question.exercise.asks != "value":
        yield Mistake(
            "the value instead of its derivative",
            "You returned the function's value, not its derivative.",
            _equals(lambda seen: seen.question.exercise.value_at(seen.question.point)),
        )


def _block(number: int) -> Predict:
    return lambda seen: seen.expected[number]


def _input(name: str) -> Predict:
    return lambda seen: np.asarray(seen.question.point[name])


# --- scale: right up to a sign or a constant ---------------------------------------------------------------------


def _scales(observations: list[Observation]) -> Iterator[Mistake]:
    yield Mistake("sign", "The sign is wrong: every entry is the negative of what it should be.", _equals(_times(-1.0)))
    yield Mistake(
        "factor 2 too many",
        "Every entry is twice what it should be: a factor 2 too many, or 1/2 forgotten.",
        _equals(_times(2.0)),
    )
    yield Mistake(
        "factor 2 missing", "Every entry is half of what it should be: a factor 2 forgotten.", _equals(_times(0.5))
    )
    yield Mistake(
        "sign and factor 2",
        "Every entry is minus twice what it should be: the sign is wrong, and a factor 2 too many.",
        _equals(_times(-2.0)),
    )
    is_data = observations[0].question.exercise.is_data  # one number's ratio to another is no sign of a length
    for name, axis in () if is_data else _axes(observations[0]):
        yield Mistake(
            "sum for mean",
            f"Every entry is too large by the length of axis {axis} of {name}: you summed where the mean was asked.",
            _equals(_times_length(name, axis, 1)),
            _LIKELY,
        )
        yield Mistake(
            "mean for sum",
            f"Every entry is too small by the length of axis {axis} of {name}: you averaged where the sum was asked.",
            _equals(_times_length(name, axis, -1)),
            _LIKELY,
        )


def _constants(observations: list[Observation]) -> Iterator[Mistake]:
    constant = _common_constant(observations)
    if constant is not None:
        yield Mistake(
            "constant factor",
            f"Every entry is {constant:.6g} times what it should be, at every point.",
            _equals(_times(constant)),
            _LIKELY,
        )


def _times(factor: float) -> Predict:
    return lambda seen: np.asarray(seen.right * factor)


def _times_length(name: str, axis: int, power: int) -> Predict:
    return lambda seen: np.asarray(seen.right * float(np.shape(seen.question.point[name])[axis]) ** power)


def _axes(seen: Observation) -> Iterator[tuple[str, int]]:
    """The inputs' axes whose length cannot be taken for a plain factor 1 or 2."""
    for name, value in seen.question.point.items():
        for axis, size in enumerate(np.shape(value)):
            if size > 2:
                yield name, axis


def _common_constant(observations: list[Observation]) -> float | None:
    """The factor between answer and expectation, read off the largest entry of the first point."""
    seen = observations[0]
    if len(observations) == 1 or seen.yours.shape != seen.right.shape or not np.any(seen.right):
        return None
    largest = np.unravel_index(np.argmax(np.abs(seen.right)), seen.right.shape)
    constant = float(seen.yours[largest] / seen.right[largest])
    return constant if np.isfinite(constant) and constant != 0.0 else None


# --- precision: right, but not to the last digits ----------------------------------------------------------------


def _precision(observations: list[Observation]) -> Iterator[Mistake]:
    if observations[0].question.exercise.is_data:
        return  # numbers found by hand are rounded, not computed in another precision
    yield Mistake(
        "single precision",
        "Your numbers are right to about seven digits only: something was computed in float32.",
        lambda seen: _relative_error(seen) < 1e-5 and _is_float32(seen.yours),
    )
    yield Mistake(
        "a finite difference",
        "Your numbers are close but not exact, as a difference quotient, or float32 on the way, would give them; "
        "the exact formula is asked.",
        lambda seen: _relative_error(seen) < 1e-3 and not _is_float32(seen.yours),
        _LIKELY,
    )


def _relative_error(seen: Observation) -> float:
    if seen.yours.shape != seen.right.shape:
        return np.inf
    scale = float(np.max(np.abs(seen.right), initial=0.0))
    return float(np.max(np.abs(seen.yours - seen.right), initial=0.0)) / scale if scale else np.inf


def _is_float32(values: Array) -> bool:
    return bool(np.array_equal(values, values.astype(np.float32).astype(np.float64)))
