"""Scale: right up to a sign or a constant."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from grading.verify.catalogue import LIKELY, Mistake, Observation, Predict, Seen, equals, is_near
from grading.verify.exercise import Array


def scales(seen: Seen) -> Iterator[Mistake]:
    yield Mistake("sign", "The sign is wrong: every entry is the negative of what it should be.", equals(_times(-1.0)))
    yield Mistake(
        "factor 2 too many",
        "Every entry is twice what it should be: a factor 2 too many, or 1/2 forgotten.",
        equals(_times(2.0)),
    )
    yield Mistake(
        "factor 2 missing", "Every entry is half of what it should be: a factor 2 forgotten.", equals(_times(0.5))
    )
    yield Mistake(
        "sign and factor 2",
        "Every entry is minus twice what it should be: the sign is wrong, and a factor 2 too many.",
        equals(_times(-2.0)),
    )
    is_data = seen[0].question.exercise.is_data  # one number's ratio to another is no sign of a length
    for sign, said in ((1.0, "."), (-1.0, ", and the sign is wrong.")):
        for name, axis in () if is_data else _axes(seen[0]):
            yield Mistake(
                "sum for mean",
                f"Every entry is too large by {_length(name, axis)}, as a sum is beside its mean{said}",
                equals(_times_length(name, axis, 1, sign)),
                LIKELY,
            )
            yield Mistake(
                "mean for sum",
                f"Every entry is too small by {_length(name, axis)}, as a mean is beside its sum{said}",
                equals(_times_length(name, axis, -1, sign)),
                LIKELY,
            )


def beside_another(seen: Seen) -> Iterator[tuple[str, str, Callable[[Observation], Array]]]:
    """What may be wrong with the scale of an answer that is wrong otherwise too, and the answer without that."""
    yield "sign", "The sign is wrong as well, everywhere.", lambda one: -one.yours
    if seen[0].yours.ndim == 2:
        text = "And it is transposed: rows and columns are exchanged."
        yield "transposed", text, lambda one: one.yours.T if one.yours.ndim == 2 else one.yours
    batches = {name: axis for name, axis in _axes(seen[0]) if axis == 0 and np.ndim(seen[0].question.point[name]) > 1}
    for name in list(batches)[:1]:
        where = _length(name, 0)
        yield "sum for mean", f"And all is too large by {where}, as a sum is beside its mean.", _over_length(name, -1)
        yield "mean for sum", f"And all is too small by {where}, as a mean is beside its sum.", _over_length(name, 1)


def _over_length(name: str, power: int) -> Callable[[Observation], Array]:
    return lambda one: np.asarray(one.yours * float(len(one.question.point[name])) ** power)


def constants(seen: Seen) -> Iterator[Mistake]:
    """A factor that is the same everywhere, or a quotient of lengths."""
    if not seen[0].question.exercise.is_data:
        yield from _wrong_lengths(seen[0])
    yield Mistake(
        "sign",
        "You returned absolute values: the sign of every negative entry is lost.",
        equals(lambda one: np.abs(one.right)),
    )
    yield Mistake(
        "an extra factor",
        "Your answer is divided by its own length: the direction of the right one, normalised.",
        lambda one: one.right.size > 1 and equals(_normalised)(one),
    )
    if (bounds := _bounds(seen)) is not None:
        text = f"Your answer is clipped to {bounds[0]:.6g} .. {bounds[1]:.6g}; the rest is right."
        yield Mistake("an extra factor", text, equals(lambda one: np.clip(one.right, *bounds)), LIKELY)
    constant = _common_constant(seen)
    if constant is not None and abs(constant - 1) < 1e-3:
        yield Mistake(
            "a small relative error",
            f"Every entry is too {'large' if constant > 1 else 'small'} by the same small fraction, "
            f"{abs(constant - 1):.0e} of it: a constant is not exact.",
            equals(_times(constant)),
        )
    elif constant is not None:
        yield of_constant(constant)


def of_constant(constant: float) -> Mistake:
    """The right answer times a number."""
    text = f"Every entry is {constant:.6g} times what it should be, at every point."
    return Mistake("constant factor", text, equals(_times(constant)), LIKELY)


def _normalised(one: Observation) -> Array:
    return np.asarray(one.right / max(float(np.linalg.norm(one.right)), 1e-300))


def _bounds(seen: Seen) -> tuple[float, float] | None:
    """The least and the largest number that came, where they came more than once; None if neither did."""
    if not all(one.comparable for one in seen):
        return None
    values = np.concatenate([one.yours.ravel() for one in seen])
    low, high = (float(extreme) if np.sum(values == extreme) > 1 else None for extreme in (min(values), max(values)))
    if (low is None and high is None) or np.unique(values).size <= _LEVELS:
        return None
    return -np.inf if low is None else low, np.inf if high is None else high


_LEVELS = 3  # so few different numbers are not a clipped answer


def _times(factor: float) -> Predict:
    return lambda seen: np.asarray(seen.right * factor)


def _times_length(name: str, axis: int | None, power: int, sign: float) -> Predict:
    def predict(seen: Observation) -> Array:
        shape = np.shape(seen.question.point[name])
        return np.asarray(sign * seen.right * float(np.prod(shape) if axis is None else shape[axis]) ** power)

    return predict


def _wrong_lengths(seen: Observation) -> Iterator[Mistake]:
    """Means over another length than that of their axis: one less, or that of another axis."""
    axes = [(name, axis) for name, axis in _axes(seen) if axis is not None]
    for one in axes:
        yield Mistake(
            "sum for mean",
            f"Every entry is too large by n / (n - 1), where n is {_length(*one)}, as if a mean were divided by n - 1.",
            equals(_times_ratio(one, one, -1)),
            LIKELY,
        )
        for two in axes:
            yield Mistake(
                "sum for mean",
                f"Every entry is multiplied by n / m, where n is {_length(*one)} and m is {_length(*two)}, "
                "as if a mean were divided by m instead of n.",
                equals(_times_ratio(one, two, 0)),
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


def common_factor(seen: Seen) -> float | None:
    """The number of times that an answer is the right one, at all points; None if it is not so, or right."""
    constant = _common_constant(seen)
    is_multiple = constant is not None and all(map(equals(_times(constant)), seen))
    return constant if is_multiple and not all(map(is_near, seen)) else None


def vanishing(seen: Seen) -> float | None:
    """The factor of an answer that is the right one times next to nothing; None if it is not, or is zero itself."""
    constant = _common_constant(seen)
    if constant is None or not all(equals(lambda one: np.zeros_like(one.right))(one) for one in seen):
        return None
    fits = all(np.allclose(one.yours, constant * one.right, rtol=_PROPORTIONAL, atol=0.0) for one in seen)
    return constant if fits else None


_PROPORTIONAL = 1e-6


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
