"""Target: the right derivative of something else, or nothing that was computed from these arguments."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

import autodiff
from grading.verify.catalogue import Mistake, Observation, Predict, Seen, always, equals, is_near
from grading.verify.exercise import Array
from grading.verify.scales import of_constant, vanishing


def blanks(seen: Seen) -> Iterator[Mistake]:
    """Nothing computed, another block's answer, or an answer kept from an earlier call."""
    first = seen[0]
    names = first.question.exercise.block_names
    factor = vanishing(seen)
    if factor is not None:
        yield of_constant(factor)
        return
    yield Mistake(
        "zeros",
        "Everything you returned is zero.",
        equals(lambda one: np.zeros_like(one.yours) if one.yours.size else None),
    )
    for other, name in enumerate(names):
        if other != first.block:
            yield Mistake(
                "blocks exchanged",
                f"What you returned for {names[first.block]} is the answer for {name}.",
                equals(_block(other)),
            )
            yield Mistake(
                "blocks exchanged",
                f"What you returned for {names[first.block]} is the answer for {name}, transposed.",
                equals(_block_turned(other)),
            )
    if is_near(first) and _never_changes(seen):
        yield Mistake(
            "an earlier answer returned",
            "Your function returns again what it returned the first time. Compute from the arguments of every call.",
            always,
        )


def targets(seen: Seen) -> Iterator[Mistake]:
    """Something else that can be computed from the same inputs."""
    first = seen[0]
    for name in first.question.point:
        yield Mistake("an input returned", f"You returned {name} itself.", equals(_input(name)))
    for number, _ in enumerate(first.question.directions):
        what = "cotangent" if first.question.exercise.asks == "vjp" else "tangent"
        yield Mistake("an input returned", f"You returned the {what} itself.", equals(_direction(number)))
    if first.question.exercise.asks != "value":
        yield Mistake(
            "the value instead of its derivative",
            "You returned the function's value, not its derivative.",
            equals(lambda one: one.question.exercise.value_at(one.question.point)),
        )
    else:
        for name, value in first.question.point.items():
            if np.asarray(value).dtype.kind == "f":
                text = f"You returned the derivative in {name}; asked is the value."
                yield Mistake("another derivative", text, equals(partial(_derivative, name)))
    if first.question.exercise.asks in ("jvp", "vjp"):
        what = "cotangent" if first.question.exercise.asks == "vjp" else "tangent"
        text = f"You returned the Jacobian itself; asked is its product with the {what}."
        for name in (first.name,) if first.question.exercise.asks == "vjp" else first.question.exercise.wrt:
            # times a single number the Jacobian is one whose tangents or cotangent were forgotten
            if np.ndim(first.question.directions[0]) > 0:
                yield Mistake("another derivative", text, equals(partial(_jacobian, name)))
    for name in first.question.exercise.wrt:
        if first.name == name:
            text = f"You returned {name} after a step along its gradient; asked is the gradient itself."
            yield Mistake("an input returned", text, partial(_stepped, _rate(seen)))
    if first.question.exercise.asks == "hessian_diagonal":
        yield Mistake(
            "summed too much",
            f"You summed the rows of the Hessian in {first.name}; asked is only what stands on its diagonal.",
            equals(_hessian_rows),
        )
        yield Mistake(
            "another derivative",
            "You returned the square of the first derivative, not the second one.",
            equals(lambda one: _gradient(one) ** 2),
        )
    if _never_changes(seen) and _is_result(first.yours):
        yield Mistake(
            "numbers pasted in",
            "You returned the same numbers at every point, whatever the arguments were.",
            always,
        )


def _derivative(name: str, one: Observation) -> Array:
    """The gradient of the function's value in one input, of the sum of its entries if it has several."""
    point = one.question.point
    function = one.question.exercise.of_inputs((name,), point)
    return np.asarray(autodiff.grad(lambda value: np.sum(function(value)))(point[name]))


def _jacobian(name: str, one: Observation) -> Array:
    point = one.question.point
    return np.asarray(autodiff.jacobian(one.question.exercise.of_inputs((name,), point))(point[name]))


def _gradient(one: Observation) -> Array:
    point, name = one.question.point, one.name
    return np.asarray(autodiff.grad(one.question.exercise.of_inputs((name,), point))(point[name]))


def _hessian_rows(one: Observation) -> Array:
    """The sum over each row of the Hessian in one input: its product with ones."""
    value = one.question.point[one.name]
    function = one.question.exercise.of_inputs((one.name,), one.question.point)
    return np.asarray(autodiff.hvp(function, (value,), (np.ones_like(value),))[0])


def _is_result(values: Array) -> bool:
    """Whether numbers look like the result of a calculation: several, or one that is no simple fraction."""
    return bool(np.ptp(values) > 0 or np.all(values * 60 != np.rint(values * 60))) if values.size else False


def _rate(seen: Seen) -> float:
    """How many times the gradient is taken from its own input, where that shows best; 0 if nowhere."""
    if not all(one.comparable and _own(one).shape == one.right.shape for one in seen):
        return 0.0
    one = max(seen, key=lambda one: float(np.max(np.abs(one.right), initial=0.0)))
    if sum(np.count_nonzero(one.right) for one in seen) < _ENTRIES or _is_multiple(_own(one), one.right):
        return 0.0
    largest = np.unravel_index(np.argmax(np.abs(one.right)), one.right.shape)
    return float((_own(one)[largest] - one.yours[largest]) / one.right[largest])


_LEAST_RATE = 1e-6  # of learning
_ENTRIES = 3  # from fewer a rate could be read off that means nothing


def _is_multiple(values: Array, of: Array) -> bool:
    """Whether an array is about a multiple of another one, which a step along it would be too."""
    cosine = np.vdot(values, of) / max(float(np.linalg.norm(values) * np.linalg.norm(of)), 1e-300)
    return bool(abs(cosine) > _PARALLEL)


_PARALLEL = 1 - 1e-6


def _own(one: Observation) -> Array:
    """The input that a block is the gradient in."""
    return np.asarray(one.question.point[one.name])


def _stepped(rate: float, one: Observation) -> bool:
    return _LEAST_RATE < abs(rate) < 1 and equals(lambda seen: _own(seen) - rate * seen.right)(one)


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


def _block_turned(number: int) -> Predict:
    return lambda seen: seen.expected[number].T if seen.expected[number].ndim == 2 else None


def _input(name: str) -> Predict:
    return lambda seen: np.asarray(seen.question.point[name])


def _direction(number: int) -> Predict:
    return lambda seen: np.asarray(seen.question.directions[number])
