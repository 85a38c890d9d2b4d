"""Faults of one way alone: right on the way forward and wrong on the way back, or the other way round.

A condition that is told by another quantity, a matrix that is not transposed, a kernel that is not reversed, the
derivative of another operation at the right values, or the right one at the values of another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from autodiff.rule import Args, Params, Rule, call, keep
from grading.verify.exercise import Array
from grading.verify.faults import Blocks, Recorded
from grading.verify.laws import FORM, MASK
from grading.verify.misread import Line, slips
from grading.verify.suspects import Group, Suspect, candidates

# --- cases -----------------------------------------------------------------------------------------------------------


def cases(recorded: Recorded) -> Group:
    """`where` with other conditions: one case everywhere, the cases exchanged, one side of a condition alone."""
    for i in range(recorded.count, recorded.last + 1):
        rule = recorded.lines[i][0]
        if rule is None or rule.name != "where":
            continue
        where = recorded.say(i)
        for number, text in enumerate(("the first", "the second")):
            said = f"The distinction of cases in {where} is missing: your answer is that of {text} case everywhere."
            yield Suspect(FORM, said, partial(_with_condition, i, partial(_everywhere, number == 0)))
        said = f"The cases of {where} are exchanged."
        yield Suspect(MASK, said, partial(_with_condition, i, lambda c, recorded: ~c))
        if recorded.asks in ("gradient", "vjp"):
            said = f"The cases of {where} are told apart by the sign of what comes back."
            yield Suspect(MASK, said, partial(_with_condition, i, partial(_of_adjoint, i)))
        for name, value in recorded.question.point.items():
            if np.asarray(value).dtype.kind == "f":
                said = f"The cases of {where} are told apart without {name}."
                for neutral in (np.zeros_like, np.ones_like):  # as a term, as a factor
                    left_out = partial(_without_input, i, name, neutral)
                    yield Suspect(MASK, said, partial(_with_condition, i, left_out))
        for number, name in reversed(list(candidates(recorded, i))):  # what stands nearest comes first
            for text, change in _CONDITIONS.items():
                said = f"The cases of {where} are told apart wrongly: {text.format(name)}."
                yield Suspect(MASK, said, partial(_with_condition, i, partial(_of_pool, number, change)))


Condition = Callable[[Array, Recorded], Array]  # from the right one
_CONDITIONS: dict[str, Callable[[Array, Array], Array]] = {
    "negative {} is taken for the first case": lambda c, v: c | (v < 0),
    "positive {} is taken for the first case": lambda c, v: c | (v > 0),
    "negative {} is taken for the second case": lambda c, v: c & (v > 0),
    "positive {} is taken for the second case": lambda c, v: c & (v < 0),
    "by the sign of {}": lambda c, v: v > 0,
    "by the sign of {}, the wrong way round": lambda c, v: v < 0,
}


def _everywhere(first: bool, condition: Array, recorded: Recorded) -> Array:
    return np.full(condition.shape, first)


def _of_adjoint(i: int, condition: Array, recorded: Recorded) -> Array:
    return np.asarray(recorded.flow()[i]) > 0


def _without_input(i: int, name: str, neutral: Turn, condition: Array, recorded: Recorded) -> Array:
    other = recorded.at(name, neutral(recorded.question.point[name]))
    return np.broadcast_to(np.asarray(other.lines[i][3]["condition"]), condition.shape)


def _of_pool(number: int, change: Callable[[Array, Array], Array], condition: Array, recorded: Recorded) -> Array:
    return change(condition, np.broadcast_to(recorded.pool[number][1], condition.shape))


def _with_condition(i: int, condition: Condition, recorded: Recorded) -> Blocks:
    """The answer if the derivative of a `where` followed another condition; its value stays."""

    def change(rule: Rule, args: Args, params: Params) -> Any:
        right = np.broadcast_to(np.asarray(params["condition"]), recorded.value(i).shape)
        taken = call(rule, args, {**params, "condition": condition(right, recorded)})
        return in_place(taken, recorded.value(i))

    return recorded.replayed({i: change}).answer()


# --- inputs that are not what they should be, on the way back or from the start --------------------------------------


def mistaken_inputs(recorded: Recorded) -> Group:
    """An input transposed, reversed or left out, in the products on the way back alone or from the start."""
    for name, value in recorded.question.point.items():
        for label, text, turn in _turns(np.asarray(value)):
            yield Suspect(
                label,
                f"On the way back {name} is {text}.",
                partial(_believing, name, turn),
            )
            yield Suspect(label, f"Your answer is the right one for {name} {text}.", partial(_turned_input, name, turn))


Turn = Callable[[Array], Array]


def _turns(value: Array) -> Iterator[tuple[str, str, Turn]]:
    """(label, what was done to an input, how) for everything that an input may be turned into."""
    if value.dtype.kind != "f" or value.ndim == 0:
        return
    if value.ndim == 2 and value.shape[0] == value.shape[1]:
        yield "transposed", "transposed where it should not be, or not where it should", np.transpose
        yield "inner derivative forgotten", "not there: nothing is multiplied by it", lambda v: np.eye(len(v))
    elif value.ndim == 2:
        yield "reshape for transpose", "reshaped where its transpose was meant", lambda v: v.reshape(v.shape[::-1]).T
    for axis in range(value.ndim):
        along = f" along axis {axis}" if value.ndim > 1 else ""
        yield "off by one", f"in reverse order{along}", partial(np.flip, axis=axis)
        yield "off by one", f"moved by one place{along}", partial(np.roll, shift=1, axis=axis)
        yield "off by one", f"moved back by one place{along}", partial(np.roll, shift=-1, axis=axis)
    if value.ndim > 1:
        yield "off by one", "in reverse order along its last two axes", partial(np.flip, axis=(-2, -1))


def _believing(name: str, turn: Turn, recorded: Recorded) -> Blocks:
    return recorded.believing(name, turn(recorded.question.point[name])).answer()


def _turned_input(name: str, turn: Turn, recorded: Recorded) -> Blocks:
    return recorded.at(name, turn(recorded.question.point[name])).answer()


# --- the value of one operation with the derivative of another -------------------------------------------------------


def half_misread(recorded: Recorded) -> Group:
    """A slip in one line that is made on the way back alone, or on the way forward alone."""
    for i, found in slips(recorded).items():
        where = recorded.say(i)
        for slip in found:
            text = f"{slip.text} It is so in the derivative alone; the value of {where} is right."
            yield Suspect(slip.label, text, partial(_replayed, i, partial(_slope_of, slip.line)))
            text = f"{slip.text} It is so in the value alone; the derivative of {where} is right."
            yield Suspect(slip.label, text, partial(_replayed, i, partial(_value_of, slip.line)))


def misread_values(recorded: Recorded) -> Group:
    """A slip in one line that is seen in the values that follow it alone: everything is differentiated rightly."""
    for i, found in slips(recorded).items():
        after = [
            line
            for line in range(i + 1, recorded.last)
            if recorded.depends(line, i) and line - i <= _NEAR_BY and bent_after(recorded, line)
        ]
        for slip in found if after else ():
            for line in after:
                text = f"{slip.text} It is so in the value of {recorded.say(line)} alone; the derivatives are right."
                yield Suspect(slip.label, text, partial(_at_value, line, partial(_misread_value, i, line, slip.line)))


_NEAR_BY = 6  # so many lines after a slip its values may be used


def _misread_value(i: int, line: int, slip: Line, recorded: Recorded) -> Array:
    """What stands on a line if an earlier one is written down wrongly."""
    made: dict[int, Any] = {}
    for k in range(i, line + 1):
        rule, parents, args, params, _ = recorded.lines[k]
        if k == i or (rule is not None and not made.keys().isdisjoint(parents)):
            assert rule is not None
            inner = tuple(arg if p is None else made.get(p, arg) for arg, p in zip(args, parents, strict=True))
            made[k] = slip(rule, inner, params) if k == i else rule.evaluate(*inner, **params)
    return np.broadcast_to(np.asarray(made[line]), recorded.value(line).shape)


def _slope_of(other: Line, rule: Rule, args: Args, params: Params) -> Any:
    """The derivative of the other operation, with the value of the right one."""
    return in_place(other(rule, args, params), _value(call(rule, args, params)))


def _value_of(other: Line, rule: Rule, args: Args, params: Params) -> Any:
    """The value of the other operation, with the derivative of the right one."""
    return in_place(call(rule, args, params), _value(other(rule, args, params)))


def in_place(taken: Any, value: Array) -> Any:
    """The derivative of one thing with the value of another."""
    return taken + (value - _value(taken))


def _value(traced: Any) -> Array:
    return np.asarray(getattr(traced, "value", traced))


def _replayed(line: int, change: Line, recorded: Recorded) -> Blocks:
    return recorded.replayed({line: change}).answer()


# --- derivatives at another value ------------------------------------------------------------------------------------


def other_values(recorded: Recorded) -> Group:
    """Everything that follows a line differentiated at another value than stands there."""
    for i in range(recorded.count, recorded.last):
        own = recorded.value(i)
        if own.dtype.kind != "f" or not bent_after(recorded, i):
            continue
        where = recorded.say(i)
        for label, text, turn in _TURNED:
            said = f"The derivative is taken at {text.format(where)} instead of {where}."
            yield Suspect(label, said, partial(_at_value, i, partial(_turned_own, i, turn)))
        for number, name in candidates(recorded, i):
            if name != where and recorded.pool[number][1].shape == own.shape:
                said = f"The derivative is taken at {name} instead of {where}."
                yield Suspect(ELSEWHERE, said, partial(_at_value, i, partial(_pooled, number)))


ELSEWHERE = "activation derivative at the wrong point"
_TURNED: tuple[tuple[str, str, Turn], ...] = (
    ("wrong for negative inputs", "the absolute value of {}", np.abs),
    ("sign of one term", "the negative of {}", np.negative),
    (ELSEWHERE, "the square of {}", np.square),
)


def bent_after(recorded: Recorded, i: int) -> bool:
    """Whether a line is used by one that is not linear in it."""
    return any(
        parent == i and not (rule.kind == "linear" or rule.name in ("add", "subtract", "negative"))
        for line, _, parent in recorded.edges
        if (rule := recorded.lines[line][0]) is not None
    )


def _turned_own(i: int, turn: Turn, recorded: Recorded) -> Array:
    return np.asarray(turn(recorded.value(i)))


def _pooled(number: int, recorded: Recorded) -> Array:
    return recorded.pool[number][1]


def _at_value(i: int, value: Callable[[Recorded], Array], recorded: Recorded) -> Blocks:
    def change(rule: Rule, args: Args, params: Params) -> Any:
        return in_place(call(rule, args, params), value(recorded))

    return recorded.replayed({i: change}).answer()


# --- columns against rows --------------------------------------------------------------------------------------------


def spread(recorded: Recorded) -> Group:
    """A column added to a row: every pair of entries instead of each with its own."""
    for i in range(recorded.count, recorded.last):
        shapes = [np.shape(arg) for arg in recorded.lines[i][2]]
        if (
            recorded.names_of_rules[i] in ("add", "subtract", "multiply")
            and len(set(shapes)) == 1
            and len(shapes[0]) == 1
        ):
            sums = [
                line
                for line in range(i + 1, recorded.last + 1)
                if recorded.depends(line, i) and "axis" in recorded.lines[line][3]
            ]
            for slot in (0, 1):
                for times in (0, 1):
                    said = (
                        f"In {recorded.say(i)} a column meets a row: every entry of one with every entry of the other."
                    )
                    yield Suspect("shape that only broadcasts", said, partial(_spread, i, slot, sums[:1], times))


def _spread(i: int, slot: int, sums: list[int], times: int, recorded: Recorded) -> Blocks:
    def columns(rule: Rule, args: Args, params: Params) -> Any:
        return call(rule, tuple(arg[:, None] if k == slot else arg for k, arg in enumerate(args)), params)

    def of_all(rule: Rule, args: Args, params: Params) -> Any:
        return call(rule, args, {**params, "axis": tuple(range(np.ndim(args[0])))})

    blocks = recorded.replayed({i: columns, **dict.fromkeys(sums, of_all)}).answer()
    return tuple(float(recorded.value(i).size) ** times * block for block in blocks)


# --- sums that are not taken on the way back -------------------------------------------------------------------------


def unsummed(recorded: Recorded) -> Group:
    """What comes back to a sum that stretches over an axis again, not summed along it first."""
    for i in range(recorded.count, recorded.last):
        name, shape = recorded.names_of_rules[i], np.shape(recorded.lines[i][2][0])
        if name in ("sum", "mean", "euclidean") and shape != recorded.value(i).shape:
            said = f"What belongs to {recorded.say(i)} is not summed before it is multiplied out again."
            for divided in (True, False) if name == "mean" else (False,):
                yield Suspect("not summed", said, partial(_with_identity, i, divided))


def _with_identity(i: int, mean: bool, recorded: Recorded) -> Blocks:
    def change(rule: Rule, args: Args, params: Params) -> Any:
        x = args[0]
        size = np.size(recorded.lines[i][2][0]) / max(recorded.value(i).size, 1)
        own = keep(recorded.value(i), np.asarray(_value(x)), params["axis"])
        taken = x / size if mean else x
        if rule.name == "euclidean":
            taken = x * (np.asarray(_value(x)) / own)
        return in_place(taken, np.broadcast_to(own, np.shape(x)))

    return recorded.replayed({i: change}).answer()
