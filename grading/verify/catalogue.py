"""The catalogue of mistakes that can be seen on the arrays alone: what came, what was expected, and the inputs.

Each entry predicts what a student who made that mistake would have computed. It is named only if its prediction
reproduces the student's numbers, entry by entry, at every point that was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import permutations

import numpy as np

from grading.verify.exercise import Array
from grading.verify.quotients import is_quotient
from grading.verify.sampling import Question
from grading.verify.tolerance import UNIT_ROUNDOFF, Blocks

ALMOST_SURE = 0.95  # the prediction fits and hardly anything else predicts the same
LIKELY = 0.6  # it fits, but a constant was read off the student's own numbers
NEARLY_RIGHT = 1e-5  # a relative error below which something is right, but not computed to all digits

_LABELS: dict[str, tuple[str, ...]] = {
    "layout": (
        *("transposed", "axes permuted", "reshape for transpose", "diagonal only", "whole matrix for its diagonal"),
        "shape that only broadcasts",
    ),
    "sign and scale": (
        *("sign", "sign of one term", "factor 2 too many", "factor 2 missing", "sign and factor 2", "constant factor"),
        *("sum for mean", "mean for sum", "coefficient of one term"),
    ),
    "calculus": (
        *("a path or term dropped", "an extra term", "an extra factor"),
        *("product rule misapplied", "quotient rule misapplied", "inner derivative forgotten", "wrong power"),
        *("activation derivative forgotten", "activation derivative of the wrong form"),
        *("activation derivative at the wrong point", "ReLU mask from the wrong quantity"),
    ),
    "arrays": (
        *("not summed", "summed too much", "wrong axis", "bias column or row", "off by one", "one entry or row wrong"),
    ),
    "wrong target": (
        *("zeros", "blocks exchanged", "an input returned", "the value instead of its derivative"),
        "another derivative",
    ),
    "right only by luck": (
        *("right for square shapes only", "right for symmetric inputs only", "right for zero or one-hot inputs only"),
        *("wrong for negative inputs", "wrong for batches", "numbers pasted in"),
    ),
    "precision": ("single precision", "half precision", "a finite difference", "a small relative error", "not finite"),
    "behaviour": (
        *("changes its arguments", "two calls disagree", "overwrites an earlier answer", "an earlier answer returned"),
    ),
    "convention": ("another subgradient at a kink",),
}
# The family of every mistake.
FAMILIES = {label: family for family, labels in _LABELS.items() for label in labels}
# Everything that a cause may be called.
MISTAKES = frozenset(FAMILIES)


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

    @property
    def name(self) -> str:
        """What the block is called."""
        return self.question.exercise.block_names[self.block]

    @property
    def comparable(self) -> bool:
        """Whether the answer has the right shape and is finite."""
        return self.yours.shape == self.right.shape and bool(np.all(np.isfinite(self.yours)))

    @property
    def differs(self) -> Array:
        """Which entries are wrong; the shape must be right."""
        return np.asarray(~(np.abs(self.yours - self.right) <= self.tolerance))

    @property
    def doubt(self) -> float:
        """How far a prediction may be off that was made from the expected value, with its own doubt."""
        return 4 * float(np.max(self.tolerance, initial=0.0))


Seen = list[Observation]  # one block at all points
Predict = Callable[[Observation], Array | None]
Fits = Callable[[Observation], bool]


@dataclass(frozen=True)
class Mistake:
    """An entry of the catalogue: a name, what to tell the student, and whether one observation bears it out."""

    label: str
    text: str
    fits: Fits
    certainty: float = ALMOST_SURE

    def __post_init__(self) -> None:
        assert self.label in MISTAKES, self.label


Family = Callable[[Seen], Iterator[Mistake]]


def first_fitting(seen: Seen, families: Sequence[Family]) -> list[Mistake]:
    """Up to two mistakes with different names that fit at all points, from the first family that has any."""
    for family in families:
        fitting: dict[str, Mistake] = {}
        for mistake in family(seen):
            if mistake.label not in fitting and all(map(mistake.fits, seen)):
                fitting[mistake.label] = mistake
        if fitting:
            return list(fitting.values())[:2]
    return []


def is_near(seen: Observation) -> bool:
    """Whether the answer is so near that a prediction would fit which hardly differs from the right one."""
    return seen.yours.shape == seen.right.shape and within(seen.yours, seen.right, seen)


def within(values: Array, predicted: Array, seen: Observation) -> bool:
    """Whether values agree with a prediction as far as they can."""
    if not np.all(np.isfinite(predicted)):
        return False
    return bool(np.all(np.abs(values - predicted) <= seen.doubt + 64 * UNIT_ROUNDOFF * np.abs(predicted)))


def _equals(predict: Predict) -> Fits:
    """Fits where the student's numbers are the predicted ones, to the tolerance of the expected value."""

    def fits(seen: Observation) -> bool:
        predicted = predict(seen)
        if predicted is None or predicted.shape != seen.yours.shape:
            return False
        return within(seen.yours, predicted, seen)

    return fits


def _always(seen: Observation) -> bool:
    return True


# --- layout: the right numbers in the wrong places ---------------------------------------------------------------


def layout(seen: Seen) -> Iterator[Mistake]:
    axes = seen[0].right.ndim
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
            lambda one: one.yours.ndim <= 2 and _equals(_diagonal)(replace(one, yours=one.yours.reshape(-1))),
        )
        yield Mistake(
            "diagonal only",
            "Only the diagonal of your matrix is right: the other entries are not zero.",
            _equals(lambda one: np.diag(np.diagonal(one.right)) if one.right.shape[0] == one.right.shape[1] else None),
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
        "Your numbers are right, but in another shape. "
        + ("A gradient has the shape of its variable." if seen[0].question.exercise.asks == "gradient" else ""),
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
        seen.yours.shape == np.shape(total) and within(seen.yours, np.asarray(total), seen)
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
    if seen.yours.size != size * size or size < 2 or seen.yours.ndim < 2:
        return False
    return within(np.diagonal(seen.yours.reshape(size, size)), seen.right.ravel(), seen)


def _sums_up(seen: Observation) -> bool:
    """Whether the student's array gives the right one when summed over one of its axes."""
    if _has_on_diagonal(seen):
        return False
    totals = (seen.yours.sum(axis=axis) for axis, size in enumerate(seen.yours.shape) if size > 1)
    return any(total.shape == seen.right.shape and within(total, seen.right, seen) for total in totals)


def wrong_axis(seen: Seen) -> Iterator[Mistake]:
    """Sums along another axis: another shape, the same total, and that not 0, which so many arrays have."""
    yield Mistake(
        "wrong axis",
        "You summed along the wrong axis: the total is right, but one number per entry of another axis is left.",
        lambda one: (
            one.yours.shape != one.right.shape
            and one.yours.ndim == one.right.ndim > 0
            and one.yours.size > 1
            and _has_totals_of(one)
        ),
    )


def _has_totals_of(one: Observation) -> bool:
    """Whether the sums over the axes whose lengths differ are those of the right answer, and say something."""
    axes = tuple(k for k, (a, b) in enumerate(zip(one.yours.shape, one.right.shape, strict=True)) if a != b)
    yours, right = np.asarray(one.yours.sum(axis=axes)), np.asarray(one.right.sum(axis=axes))
    least = one.doubt + 64 * UNIT_ROUNDOFF * float(np.sum(np.abs(one.right)))
    return within(yours, right, one) and bool(np.any(np.abs(right) > least))


# --- target: the right derivative of something else --------------------------------------------------------------


def blanks(seen: Seen) -> Iterator[Mistake]:
    """Nothing computed, another block's answer, or an answer kept from an earlier call."""
    first = seen[0]
    names = first.question.exercise.block_names
    yield Mistake(
        "zeros",
        "Everything you returned is zero.",
        _equals(lambda one: np.zeros_like(one.yours) if one.yours.size else None),
    )
    for other, name in enumerate(names):
        if other != first.block:
            yield Mistake(
                "blocks exchanged",
                f"What you returned for {names[first.block]} is the answer for {name}.",
                _equals(_block(other)),
            )
    if is_near(first) and _never_changes(seen):
        yield Mistake(
            "an earlier answer returned",
            "Your function returns again what it returned the first time. Compute from the arguments of every call.",
            _always,
        )


def targets(seen: Seen) -> Iterator[Mistake]:
    """Something else that can be computed from the same inputs."""
    first = seen[0]
    for name in first.question.point:
        yield Mistake("an input returned", f"You returned {name} itself.", _equals(_input(name)))
    for number, _ in enumerate(first.question.directions):
        what = "cotangent" if first.question.exercise.asks == "vjp" else "tangent"
        yield Mistake("an input returned", f"You returned the {what} itself.", _equals(_direction(number)))
    if first.question.exercise.asks != "value":
        yield Mistake(
            "the value instead of its derivative",
            "You returned the function's value, not its derivative.",
            _equals(lambda one: one.question.exercise.value_at(one.question.point)),
        )
    if _never_changes(seen) and np.ptp(first.yours) > 0:
        yield Mistake(
            "numbers pasted in",
            "You returned the same numbers at every point, whatever the arguments were.",
            _always,
        )


def _never_changes(seen: Seen) -> bool:
    """Whether the same numbers came at every point although others were expected."""
    first, *later = seen
    return (
        bool(later)
        and all(np.array_equal(one.yours, first.yours) for one in later)
        and not all(np.array_equal(one.right, first.right) for one in later)
    )


def _block(number: int) -> Predict:
    return lambda seen: seen.expected[number]


def _input(name: str) -> Predict:
    return lambda seen: np.asarray(seen.question.point[name])


def _direction(number: int) -> Predict:
    return lambda seen: np.asarray(seen.question.directions[number])


# --- places: right but for some entries --------------------------------------------------------------------------


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
    where = _same_place(seen)
    if where is not None:
        yield Mistake("one entry or row wrong", f"Only {where} is wrong, at every point; the rest is right.", _always)


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
                _always,
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
        if one.right.shape == np.shape(one.question.point[name]) and not np.all(differs[negative]):
            return False
    return right >= _ENOUGH and wrong >= _ENOUGH


# --- scale: right up to a sign or a constant ---------------------------------------------------------------------


def scales(seen: Seen) -> Iterator[Mistake]:
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
    is_data = seen[0].question.exercise.is_data  # one number's ratio to another is no sign of a length
    for name, axis in () if is_data else _axes(seen[0]):
        yield Mistake(
            "sum for mean",
            f"Every entry is too large by {_length(name, axis)}: you summed where the mean was asked.",
            _equals(_times_length(name, axis, 1)),
            LIKELY,
        )
        yield Mistake(
            "mean for sum",
            f"Every entry is too small by {_length(name, axis)}: you averaged where the sum was asked.",
            _equals(_times_length(name, axis, -1)),
            LIKELY,
        )


def constants(seen: Seen) -> Iterator[Mistake]:
    """A factor that is the same everywhere, or a quotient of lengths."""
    if not seen[0].question.exercise.is_data:
        yield from _wrong_lengths(seen[0])
    constant = _common_constant(seen)
    if constant is not None and abs(constant - 1) < 1e-3:
        yield Mistake(
            "a small relative error",
            f"Every entry is too {'large' if constant > 1 else 'small'} by the same small fraction, "
            f"{abs(constant - 1):.0e} of it: a constant is not exact.",
            _equals(_times(constant)),
        )
    elif constant is not None:
        yield Mistake(
            "constant factor",
            f"Every entry is {constant:.6g} times what it should be, at every point.",
            _equals(_times(constant)),
            LIKELY,
        )


def _times(factor: float) -> Predict:
    return lambda seen: np.asarray(seen.right * factor)


def _times_length(name: str, axis: int | None, power: int) -> Predict:
    def predict(seen: Observation) -> Array:
        shape = np.shape(seen.question.point[name])
        return np.asarray(seen.right * float(np.prod(shape) if axis is None else shape[axis]) ** power)

    return predict


def _wrong_lengths(seen: Observation) -> Iterator[Mistake]:
    """Means over another length than that of their axis: one less, or that of another axis."""
    axes = [(name, axis) for name, axis in _axes(seen) if axis is not None]
    for one in axes:
        yield Mistake(
            "sum for mean",
            f"The mean over {_length(*one)} is divided by one less than that.",
            _equals(_times_ratio(one, one, -1)),
            LIKELY,
        )
        for two in axes:
            yield Mistake(
                "sum for mean",
                f"A mean is divided by {_length(*two)} instead of {_length(*one)}.",
                _equals(_times_ratio(one, two, 0)),
                LIKELY,
            )


def _times_ratio(one: tuple[str, int], two: tuple[str, int], more: int) -> Predict:
    def predict(seen: Observation) -> Array:
        top, bottom = (np.shape(seen.question.point[name])[axis] for name, axis in (one, two))
        return np.asarray(seen.right * top / max(bottom + more, 1))

    return predict


def _axes(seen: Observation) -> Iterator[tuple[str, int | None]]:
    """The inputs' axes whose length cannot be taken for a plain factor 1 or 2; None for all the entries of an input."""
    for name, value in seen.question.point.items():
        for axis, size in enumerate(np.shape(value)):
            if size > 2:
                yield name, axis
    for name, value in seen.question.point.items():
        if np.ndim(value) > 1:
            yield name, None


def _length(name: str, axis: int | None) -> str:
    return f"the number of entries of {name}" if axis is None else f"the length of axis {axis} of {name}"


def _common_constant(points: Seen) -> float | None:
    """The factor between answer and expectation, read off the entry that is known best."""
    if len(points) == 1 or any(one.yours.shape != one.right.shape for one in points):
        return None
    digits = [np.max(np.abs(one.right) / np.maximum(one.tolerance, 1e-300), initial=0.0) for one in points]
    best = points[int(np.argmax(digits))]
    if not np.any(best.right):
        return None
    largest = np.unravel_index(np.argmax(np.abs(best.right) / np.maximum(best.tolerance, 1e-300)), best.right.shape)
    constant = float(best.yours[largest] / best.right[largest])
    return constant if np.isfinite(constant) and constant != 0.0 else None


# --- precision: right, but not to the last digits ----------------------------------------------------------------


def unfinite(seen: Seen) -> Iterator[Mistake]:
    """NaN or inf where a number was expected."""
    if all(one.yours.shape == () != one.right.shape and np.isnan(one.yours) for one in seen):
        yield Mistake("not finite", f"Nothing was returned for {seen[0].name}: None, or nan, in its place.", _always)
    elif any(one.yours.size and not np.all(np.isfinite(one.yours)) for one in seen):
        yield Mistake(
            "not finite",
            f"Some entries are nan or inf: {_where_not_finite(seen)}.",
            _always,
        )


def _where_not_finite(seen: Seen) -> str:
    bad = sum(not np.all(np.isfinite(one.yours)) for one in seen)
    said = f"at {bad} of {len(seen)} points"
    for name in seen[0].question.point:
        pairs = [(np.asarray(one.question.point[name]), one.yours) for one in seen]
        if all(value.shape == yours.shape and value.dtype.kind == "f" for value, yours in pairs) and all(
            np.all(value[~np.isfinite(yours)] < 0) for value, yours in pairs
        ):
            said += f", all of them where {name} is negative"
    return said


def precision(seen: Seen, rounded: Callable[[type], bool]) -> Iterator[Mistake]:
    """Right to some digits, in a way that tells why; `rounded(dtype)`: is the answer to rounded arguments the same?"""
    if seen[0].question.exercise.is_data:
        return  # numbers found by hand are rounded, not computed in another precision
    error = max(map(relative_error, seen))
    for label, dtype, digits, most in (
        ("single precision", np.float32, "seven", NEARLY_RIGHT),
        ("half precision", np.float16, "three", 3e-2),
    ):
        varied = np.unique(np.concatenate([one.yours.ravel() for one in seen])).size > 1  # a constant may be short
        if error < most and varied and (all(_is_of(one.yours, dtype) for one in seen) or rounded(dtype)):
            yield Mistake(
                label,
                f"Your numbers are right to about {digits} digits only: something was computed in {dtype.__name__}.",
                _always,
            )
            return
    if error < 0.1 and all(is_quotient(one.question, one.block, one.yours, one.right) for one in seen):
        yield Mistake("a finite difference", _QUOTIENT, _always)


_QUOTIENT = (
    "Your numbers are close but not exact, as a difference quotient would give them; the exact formula is asked."
)


def imprecision(seen: Seen) -> Iterator[Mistake]:
    """Right to some digits, for a reason that does not show."""
    error = max(map(relative_error, seen))
    if seen[0].question.exercise.is_data:
        return
    if 1e-9 < error < NEARLY_RIGHT and seen[0].question.exercise.asks != "hessian_diagonal":
        yield Mistake(
            "single precision",
            "Your numbers are right to about seven digits only: float32 on the way, or a difference quotient.",
            _always,
            LIKELY,
        )
    elif error < 1e-3:
        yield Mistake("a finite difference", _QUOTIENT, _always, LIKELY)


def relative_error(seen: Observation) -> float:
    if seen.yours.shape != seen.right.shape:
        return np.inf
    scale = float(np.max(np.abs(seen.right), initial=0.0))
    if not scale:
        return 0.0 if is_near(seen) else np.inf
    return float(np.max(np.abs(seen.yours - seen.right), initial=0.0)) / scale


def _is_of(values: Array, dtype: type) -> bool:
    with np.errstate(over="ignore"):
        return bool(np.array_equal(values, values.astype(dtype).astype(np.float64)))
