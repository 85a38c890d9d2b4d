"""The catalogue of mistakes: what they are called, their families, and when one is believed.

Each entry predicts what a student who made that mistake would have computed. It is named only if its prediction
reproduces the student's numbers, entry by entry, at every point that was asked. Those that can be seen on the arrays
alone are in `layouts`, `targets`, `places`, `scales` and `precision`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from grading.verify.exercise import Array
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
        """How far a prediction may be off that was made from the expected value, with its own doubt.

        Where numbers are asked to so many decimals their rounding is all of it.
        """
        times = 1 if self.question.exercise.decimals is not None else 4
        return times * float(np.max(self.tolerance, initial=0.0))


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


def equals(predict: Predict) -> Fits:
    """Fits where the student's numbers are the predicted ones, to the tolerance of the expected value."""

    def fits(seen: Observation) -> bool:
        predicted = predict(seen)
        if predicted is None or predicted.shape != seen.yours.shape:
            return False
        return within(seen.yours, predicted, seen)

    return fits


def always(seen: Observation) -> bool:
    """Fits whatever came: the evidence was weighed before."""
    return True


def relative_error(seen: Observation) -> float:
    """The largest error, in units of the largest entry that was expected."""
    if seen.yours.shape != seen.right.shape:
        return np.inf
    scale = float(np.max(np.abs(seen.right), initial=0.0))
    if not scale:
        return 0.0 if is_near(seen) else np.inf
    return float(np.max(np.abs(seen.yours - seen.right), initial=0.0)) / scale
