"""Kinks: whether a point lies beside one, and what an answer may say on one.

Beside a kink, finite differences see both sides and right answers may take different ones; such points are drawn again.
On a kink the derivative is a matter of convention: any number between the two one-sided slopes belongs to the
subdifferential (Clarke 1983, Optimization and Nonsmooth Analysis, section 2.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.modes import trace
from autodiff.rule import keep
from autodiff.tape import Tape
from grading.verify.differences import beside, one_sided, rms
from grading.verify.exercise import Array
from grading.verify.sampling import Question
from grading.verify.tolerance import tolerance

_NEAR = 1e-6  # a kink nearer than this, relative to the inputs' sizes, is too near
_FLIPS = 2
_MOST_ENTRIES = 256  # of an array are compared with one-sided slopes
_BESIDE = 2.0**-44  # relative: as far as rounding may put a point that is meant to lie on a kink off it
_SHARE = 0.1  # of the gap between one-sided slopes, by which each may be off
_GAP = 1e-3  # between one-sided slopes, relative to their size: less is no kink

_SIGNS = frozenset({np.absolute, np.fabs, np.sign, np.copysign})
_LARGER = frozenset({np.maximum, np.minimum, np.fmax, np.fmin, np.heaviside})
_EXTREMES = frozenset({np.max, np.amax, np.min, np.amin})
_STEPS = frozenset({np.floor, np.ceil, np.rint, np.trunc, np.fix, np.round, np.around, np.floor_divide})


def is_near_kink(question: Question, tape: Tape, within: float = _NEAR) -> bool:
    """Whether the function takes another branch somewhere when its inputs move by a millionth of their size.

    `tape` is a list of the function, or of its gradient, at the point; `within` another share of the size.
    """
    if next(_choices(tape), None) is None:
        return False
    here, rng = list(_choices(_list(question, ()))), np.random.default_rng(0)
    for _ in range(_FLIPS):
        try:
            moved = _list(question, _moves(question, rng, within))
        except Exception:
            continue  # the function is somebody else's, and beside the point may refuse as it likes: that is no kink
        if _differ(here, list(_choices(moved))):
            return True
    return False


def is_subgradient(question: Question, block: int, wrong: Array, yours: Array) -> bool:
    """Whether the entries marked wrong all lie between the one-sided slopes at the point.

    Steps that can be measured are long: a smooth bend may look like a kink. So the derivative by rule must jump too,
    from one side of the point to the other, within the last digits of the inputs.
    """
    places = np.argwhere(wrong)
    if len(places) > _MOST_ENTRIES:
        return False
    for place in places:
        index = tuple(int(i) for i in place)
        left, right, bar = one_sided(question, block, index)
        slack = 10 * bar + 1e-6 * (abs(left) + abs(right))
        if max(bar, _GAP * max(abs(left), abs(right))) > abs(right - left):
            return False  # no kink, or none that could be measured
        if not min(left, right) - slack <= float(yours[index]) <= max(left, right) + slack:
            return False
        if not _jumps(question, block, index, (left, right)):
            return False
    return True


def _jumps(question: Question, block: int, index: tuple[int, ...], slopes: tuple[float, float]) -> bool:
    """Whether next to the point, on either side, the derivative by rule is what was measured on that side."""
    gap = abs(slopes[1] - slopes[0])
    for sign, slope in zip((-1, 1), slopes, strict=True):
        near = question.at(beside(question, block, index, sign * _BESIDE))
        if not abs(tolerance(near).blocks[block][index] - slope) <= _SHARE * gap:
            return False
    return True


def is_on_kink(question: Question, tape: Tape) -> bool:
    """Whether rounding alone makes the function take another branch."""
    return is_near_kink(question, tape, _BESIDE)


def _moves(question: Question, rng: np.random.Generator, within: float) -> tuple[Array, ...]:
    sizes = [np.maximum(np.abs(p), rms(p) or 1.0) for p in question.primals]
    return tuple(within * size * rng.choice([-1.0, 1.0], size=np.shape(size)) for size in sizes)


def _list(question: Question, moves: tuple[Array, ...]) -> Tape:
    primals = question.primals
    moved = [p + m for p, m in zip(primals, moves, strict=True)] if moves else list(primals)
    return trace(question.exercise.of_wrt(question.point), moved, range(len(moved)))[0]


def _choices(tape: Tape) -> Iterator[Any]:
    """What the lines decide by the values they see: signs, the larger one, conditions, where to look."""
    for rule, _, args, params, value in tape.records:
        if rule is None:
            continue
        if rule.key in _SIGNS:
            yield np.sign(args[0])
        elif rule.key in _LARGER:
            yield np.sign(args[0] - args[1])
        elif rule.key in _EXTREMES:
            yield keep(value, args[0], params["axis"]) == args[0]
        elif rule.key is np.clip:
            yield np.sign(args[0] - args[1]) + 3 * np.sign(args[0] - args[2])
        elif rule.key in _STEPS:
            yield value
        elif rule.key is np.where:
            yield params["condition"]
        elif rule.key == "getitem" and isinstance(params["index"], np.ndarray):
            yield params["index"]


def _differ(one: list[Any], other: list[Any]) -> bool:
    return len(one) != len(other) or any(not np.array_equal(a, b) for a, b in zip(one, other, strict=True))
