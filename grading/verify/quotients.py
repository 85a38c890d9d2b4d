"""How a difference quotient gives itself away: by the error of its step, or by the last bits of the function."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from grading.verify.exercise import Array
from grading.verify.sampling import Question

_STEPS = tuple(factor * 10.0**-exponent for exponent in range(2, 11) for factor in (1, 2, 5))
_NEAR = 0.02  # so near to a quotient, in units of the answer's own error, is no accident
_WHOLE = 0.05  # and so near to a whole number of bits, in every entry
# What central differences over one, two and three steps are weighted by: exact to the second, fourth and sixth order.
_CENTRAL = ((1 / 2,), (2 / 3, -1 / 12), (3 / 4, -3 / 20, 1 / 60))
_ROUNDED = 8  # last bits of the function's value, over the step: so much two ways to add up a quotient may differ
_FEWEST = 3  # whole numbers that are no accident
_MOST_BITS = 2.0**46  # beyond which the digits of a number are whole anyway
_NOISE = 0.2  # of the answer's own error, which that must not exceed, or anything would be near


def is_quotient(question: Question, block: int, yours: Array, right: Array) -> bool:
    """Whether an array is a difference quotient, one-sided or central, with a usual step."""
    if question.exercise.asks not in ("gradient", "jacobian", "jvp", "vjp") or yours.size < 3:
        return False
    return _of_bits(question, yours) or _by_its_error(question, block, yours, right)


def _of_bits(question: Question, yours: Array) -> bool:
    """Whether every entry, times a step, is a whole number of last bits of the function's value."""
    value = question.exercise.value_at(question.point)
    if question.exercise.asks == "vjp":
        value = np.asarray(np.vdot(question.directions[0], value))
    bit = np.spacing(np.abs(value)) / 4
    bit = bit.reshape(value.shape + (1,) * (yours.ndim - value.ndim))
    for step in _STEPS:
        bits = yours * step / bit
        if np.all(np.abs(bits) < 1e14) and np.all(np.abs(bits - np.rint(bits)) < _WHOLE) and _is_telling(np.rint(bits)):
            return True
    return False


def _is_telling(bits: Array) -> bool:
    """Whether so many numbers are whole that it is no accident; of very large ones all are."""
    return int(np.sum((bits != 0) & (np.abs(bits) < _MOST_BITS))) >= _FEWEST


def _by_its_error(question: Question, block: int, yours: Array, right: Array) -> bool:
    """Whether the answer has the very error that a quotient makes by its step."""
    error = np.max(np.abs(yours - right))
    lines = _lines(question, block)
    bits = _ROUNDED * float(np.max(np.spacing(np.abs(lines[0](0.0)))))
    return any(
        np.all(np.isfinite(quotient))
        and np.max(np.abs(yours - quotient)) < max(_NEAR * error, min(bits / step, _NOISE * error))
        for step in _STEPS
        for quotient in _quotients(lines, step, right.shape)
    )


def _quotients(lines: list[Callable[[float], Array]], step: float, shape: tuple[int, ...]) -> Iterator[Array]:
    """Forward and backward differences with one step, and central ones of the second, fourth and sixth order."""
    middle = lines[0](0.0)[..., None]
    up, down = (np.stack([line(t) for line in lines], axis=-1) for t in (step, -step))
    yield ((up - middle) / step).reshape(shape)
    yield ((middle - down) / step).reshape(shape)
    apart = [up - down]
    for weights in _CENTRAL:
        if len(weights) > len(apart):
            far = len(weights) * step
            apart.append(np.stack([line(far) - line(-far) for line in lines], axis=-1))
        total = sum(weight * each for weight, each in zip(weights, apart, strict=True))
        yield np.asarray(total / step).reshape(shape)


def _lines(question: Question, block: int) -> list[Callable[[float], Array]]:
    """The function along every coordinate axis of a block, or along the tangents."""
    function, primals = question.exercise.of_wrt(question.point), question.primals
    if question.exercise.asks == "jvp":
        return [lambda t: np.asarray(function(*(p + t * d for p, d in zip(primals, question.directions, strict=True))))]

    def value(primal: Array) -> Array:
        full = function(*primals[:block], primal, *primals[block + 1 :])
        return np.asarray(np.vdot(question.directions[0], full) if question.exercise.asks == "vjp" else full)

    def along(index: tuple[int, ...]) -> Callable[[float], Array]:
        unit = np.zeros(np.shape(primals[block]))
        unit[index] = 1.0
        return lambda t: value(primals[block] + t * unit)

    return [along(index) for index in np.ndindex(np.shape(primals[block]))]
