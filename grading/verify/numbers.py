"""A number that is another one than it should be: a constant of the list, or how far an argument is stretched.

The answer tells which: one of its entries is solved for the number, and all the others have to agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from autodiff.rule import Args, Elementwise, Params, Rule, call
from grading.verify.catalogue import LIKELY
from grading.verify.exercise import Array
from grading.verify.faults import Blocks, Recorded
from grading.verify.oneway import bent_after, in_place
from grading.verify.suspects import Group, Suspect
from grading.verify.trial import Trial

Answer = Callable[[float, Recorded], Blocks]  # with a number so many times as large
# What is taken for 1 most often; the logarithms' bases and degrees among them.
_USUAL = (2.0, 0.5, 0.0, 0.1, 10.0, np.log(10), 1 / np.log(10), np.log(2), 1 / np.log(2), np.pi / 180, 180 / np.pi)
_STEPS = 8  # of the secant method
_CERTAINTY = 0.8


@dataclass(frozen=True)
class Number:
    """A number on the list that may be another one."""

    label: str
    said: Callable[[float], str]
    answer: Answer


def numbers(trial: Trial) -> Group:
    """For each number the value that gives one of the wrong entries."""
    for number in _numbers(trial.lists[0]):
        times = _solved(trial, number)
        if times is not None:
            label = "a path or term dropped" if times == 0 and number.label == _COEFFICIENT else number.label
            certainty = _CERTAINTY if times in _USUAL else LIKELY
            yield Suspect(label, number.said(times), partial(number.answer, times), certainty)


_COEFFICIENT = "coefficient of one term"


def _numbers(recorded: Recorded) -> Iterator[Number]:
    known = [np.asarray(value) for value in recorded.question.point.values()]
    for i in range(recorded.count, recorded.last + 1):
        _, parents, args, _, _ = recorded.lines[i]
        for slot, (arg, parent) in enumerate(zip(args, parents, strict=True)):
            value = np.asarray(arg)
            if parent is None and value.dtype.kind in "fi" and np.any(value) and not _is_any(value, known):
                label = "wrong power" if recorded.names_of_rules[i] == "power" else _COEFFICIENT
                yield Number(label, partial(_said_of, recorded, i, value), partial(_with_times, i, slot))
    for i in range(recorded.last):
        if recorded.value(i).dtype.kind == "f" and bent_after(recorded, i):
            yield Number(POINT, partial(_said_at, recorded, i), partial(_stretched, i))
            for lines in _functions_of(recorded, i):
                yield Number(POINT, partial(_said_in, recorded, lines), partial(_stretched_in, lines))


POINT = "activation derivative at the wrong point"


def _functions_of(recorded: Recorded, i: int) -> Iterator[tuple[int, ...]]:
    """The functions of a line, if it is used otherwise too: all of them, those of angles, and each alone."""
    users = sorted({line for line, _, parent in recorded.edges if parent == i})
    every = tuple(line for line in users if _is_function(recorded, line))
    angles = tuple(line for line in every if recorded.names_of_rules[line] in ("sin", "cos", "tan"))
    for lines in dict.fromkeys((every, angles, *((line,) for line in every))):
        if 0 < len(lines) < len(users):
            yield lines


def _is_function(recorded: Recorded, line: int) -> bool:
    """Whether a line is a function of single entries of one argument, and no multiple of it."""
    rule = recorded.lines[line][0]
    return isinstance(rule, Elementwise) and rule.name != "negative" and len(recorded.lines[line][1]) == 1


def _is_any(value: Array, known: list[Array]) -> bool:
    return any(value.shape == other.shape and np.array_equal(value, other) for other in known)


def _said_of(recorded: Recorded, i: int, value: Array, times: float) -> str:
    where = recorded.say(i)
    if value.ndim:
        return f"The constant in {where} is there {times:.6g} times."
    return f"In {where} the number {times * float(value):.6g} stands where {float(value):g} belongs."


def _said_at(recorded: Recorded, i: int, times: float) -> str:
    where = recorded.say(i)
    return f"All is taken at {times:.6g} * {where if i < recorded.count else '(' + where + ')'}, without the factor."


def _said_in(recorded: Recorded, lines: tuple[int, ...], times: float) -> str:
    where = " and ".join(recorded.say(line) for line in lines[:2])
    return f"In {where} the argument is taken {times:.6g} times, without the factor."


def _stretched_in(lines: tuple[int, ...], times: float, recorded: Recorded) -> Blocks:
    def change(line: int, rule: Rule, args: Args, params: Params) -> Any:
        own = np.asarray(recorded.lines[line][2][0])
        return call(rule, (in_place(args[0], times * own),), params)

    return recorded.replayed({line: partial(change, line) for line in lines}).answer()


def _with_times(i: int, slot: int, times: float, recorded: Recorded) -> Blocks:
    def change(rule: Rule, args: Args, params: Params) -> Any:
        return call(rule, tuple(times * arg if k == slot else arg for k, arg in enumerate(args)), params)

    return recorded.replayed({i: change}).answer()


def _stretched(i: int, times: float, recorded: Recorded) -> Blocks:
    if i < recorded.count:
        return recorded.at(recorded.names[i], times * recorded.question.point[recorded.names[i]]).answer()

    def change(rule: Rule, args: Args, params: Params) -> Any:
        return in_place(call(rule, args, params), times * recorded.value(i))

    return recorded.replayed({i: change}).answer()


# --- solving ---------------------------------------------------------------------------------------------------------


def _solved(trial: Trial, number: Number) -> float | None:
    """How many times as large a number has to be for the entry that is off most at the first point."""
    seen, (place, doubt), block = trial.wrong[0][0], trial.worst[0][0], trial.numbers[0]

    def off(times: float) -> float:
        try:
            return float(number.answer(times, trial.lists[0])[block].item(place) - seen.yours.item(place))
        except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError):
            return np.nan

    for times in _USUAL:
        if (times or number.label != POINT) and abs(off(times)) <= doubt:  # of an argument nothing would be left
            return float(times)
    return _root(off, float(seen.right.item(place) - seen.yours.item(place)), doubt)


def _root(off: Callable[[float], float], at_one: float, doubt: float) -> float | None:
    """Where a function of one number is zero, by secants from 1, at which it is known; None if they lead nowhere."""
    before, here, was = 1.0, 1.01, at_one
    for _ in range(_STEPS):
        now = off(here)
        if abs(now) <= doubt:
            return here if abs(here) > _NEAR else None
        if not np.isfinite(now) or now == was:
            return None
        before, here, was = here, here - now * (here - before) / (now - was), now
        if not abs(here) < _FAR:
            return None
    return None


_NEAR, _FAR = 1e-6, 1e6  # nearer to 0 nothing is left of what is multiplied: no number was mistaken for another
