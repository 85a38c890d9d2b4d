"""How a difference quotient gives itself away: by the error of its step, or by the last bits of the function."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from grading.verify.exercise import Array
from grading.verify.sampling import Question

_STEPS = tuple(factor * 10.0**-exponent for exponent in range(2, 11) for factor in (1, 2, 5))
_NEAR = 0.02  # so near to a quotient, in units of the answer's own error, is no accident
_WHOLE = 0.05  # and so near to a whole number of bits, in every entry


def is_quotient(question: Question, block: int, yours: Array, right: Array) -> bool:
    """Whether an array is a difference quotient, one-sided or central, with a usual step."""
    if question.exercise.asks not in ("gradient", "jacobian", "jvp") or yours.size < 3:
        return False
    return _of_bits(question, yours) or _by_its_error(question, block, yours, right)


def _of_bits(question: Question, yours: Array) -> bool:
    """Whether every entry, times a step, is a whole number of last bits of the function's value."""
    value = question.exercise.value_at(question.point)
    bit = np.spacing(np.abs(value)) / 4
    bit = bit.reshape(value.shape + (1,) * (yours.ndim - value.ndim))
    for step in _STEPS:
        bits = yours * step / bit
        if np.all(np.abs(bits) < 1e14) and np.all(np.abs(bits - np.rint(bits)) < _WHOLE) and np.any(np.rint(bits)):
            return True
    return False


def _by_its_error(question: Question, block: int, yours: Array, right: Array) -> bool:
    """Whether the answer has the very error that a quotient makes by its step."""
    error = np.max(np.abs(yours - right))
    return any(
        np.all(np.isfinite(quotient)) and np.max(np.abs(yours - quotient)) < _NEAR * error
        for step in _STEPS
        for quotient in _quotients(question, block, step)
    )


def _quotients(question: Question, block: int, step: float) -> Iterator[Array]:
    """Forward, backward and central differences with one step."""
    lines = _lines(question, block)
    middle = lines[0](0.0)
    up, down = (np.stack([line(t) for line in lines], axis=-1) for t in (step, -step))
    shape = (
        np.shape(middle) if question.exercise.asks == "jvp" else np.shape(middle) + np.shape(question.primals[block])
    )
    middle = np.asarray(middle)[..., None]
    for difference in ((up - middle) / step, (middle - down) / step, (up - down) / (2 * step)):
        yield difference.reshape(shape)


def _lines(question: Question, block: int) -> list[Callable[[float], Array]]:
    """The function along every coordinate axis of a block, or along the tangents."""
    function, primals = question.exercise.of_wrt(question.point), question.primals
    if question.exercise.asks == "jvp":
        return [lambda t: np.asarray(function(*(p + t * d for p, d in zip(primals, question.directions, strict=True))))]

    def along(index: tuple[int, ...]) -> Callable[[float], Array]:
        unit = np.zeros(np.shape(primals[block]))
        unit[index] = 1.0
        return lambda t: np.asarray(function(*primals[:block], primals[block] + t * unit, *primals[block + 1 :]))

    return [along(index) for index in np.ndindex(np.shape(primals[block]))]
