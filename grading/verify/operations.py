"""Single faults of single operations: a maximum that passes its adjoint to all, a softmax along the other axis, ...

Some are laws, in whose way a line passes back what comes to it; the others are another operation in the place of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from autodiff.rule import Args, Params, Rule, call, keep
from grading.verify.activations import sigmoid
from grading.verify.exercise import Array
from grading.verify.faults import Blocks, Edit, Edits, Law, Recorded
from grading.verify.suspects import Group, Suspect, candidates, planted

FORGOTTEN, DROPPED, MASK, FORM = (
    "inner derivative forgotten",
    "a path or term dropped",
    "ReLU mask from the wrong quantity",
    "activation derivative of the wrong form",
)


SYMMETRIC = "right for symmetric inputs only"


def laws(recorded: Recorded) -> Group:
    """Lines that pass back what comes to them in a way that is not their own."""
    for i, slot, parent in recorded.edges:
        rule = recorded.lines[i][0]
        assert rule is not None
        if recorded.asks != "jvp":
            for label, text, law in _laws_of(recorded, i, slot):
                yield planted(label, text.format(recorded.say(i)), partial(_lawful, i, slot, parent, law))
        if rule.name == "solve" and slot == 0:
            text = "In the derivative of {} its right-hand side stands where the solution belongs."
            yield planted("another derivative", text.format(recorded.say(i)), partial(_with_right_hand_side, i, parent))
        if rule.name == "clip":
            yield from _of_clip(recorded, i, slot, parent)
    yield from _of_normalised(recorded)


LawOf = Callable[[Array, Array, Params], Law]  # from the argument, the value and the parameters of a line


def _laws_of(recorded: Recorded, i: int, slot: int) -> Iterator[tuple[str, str, LawOf]]:
    rule, _, args, _, _ = recorded.lines[i]
    assert rule is not None
    name = "max" if rule.name in ("max", "amax", "min", "amin") else rule.name
    if slot == 0:
        yield from _LAWS.get(name, ())
    if rule.name == "power" and np.ndim(args[0]) == 2 and np.ndim(args[1]) == 0:
        for turned in (False, True):
            yield (
                "product rule misapplied",
                "In the derivative of {} a matrix is multiplied by itself as a matrix: here every entry has its own power.",
                partial(_matrix_power, float(args[1]), turned),
            )


def _lawful(i: int, slot: int, parent: int, law: LawOf, recorded: Recorded) -> Edits:
    _, _, args, params, y = recorded.lines[i]
    return [Edit(i, parent, slot, law=law(np.asarray(args[slot]), np.asarray(y), params))]


def _along(params: Params, x: Array, array: Any) -> Any:
    """What belongs to a reduction, so that it broadcasts against what was reduced."""
    return keep(array, x, params["axis"])


def _to(mask: Callable[[Array, Array, tuple[int, ...]], Array]) -> LawOf:
    """The adjoint of a reduction goes where a mask says, of the argument, the value beside it and the axes."""
    return lambda x, y, params: (
        lambda moving, passed: _along(params, x, moving) * mask(x, _along(params, x, y), params["axis"])
    )


def _first(x: Array, axis: tuple[int, ...], last: bool = False) -> Array:
    """1 at the first, or last, entry along some axes."""
    mask = np.zeros(x.shape)
    mask[tuple((-1 if last else 0) if k in axis else slice(None) for k in range(x.ndim))] = 1.0
    return mask


def _size(x: Array, axis: tuple[int, ...]) -> int:
    return int(np.prod([x.shape[k] for k in axis]))


def _matrix_power(exponent: float, turned: bool, x: Array, y: Array, params: Params) -> Law:
    inner = np.linalg.matrix_power(x.T if turned else x, int(exponent) - 1)
    return lambda moving, passed: moving * (exponent * inner)


def _plain(law: Law) -> LawOf:
    return lambda x, y, params: law


def _summed_on(x: Array, y: Array, params: Params) -> Law:
    return lambda moving, passed: np.cumsum(moving, axis=params["axis"])


def _total(x: Array, y: Array, params: Params) -> Law:
    return lambda moving, passed: np.sum(moving, axis=params["axis"], keepdims=True) * np.ones(x.shape)


def _matrix_factor(factor: Callable[[Array], Array]) -> LawOf:
    """The adjoint of a number, times a matrix made of the argument."""
    return lambda x, y, params: lambda moving, passed: moving[..., None, None] * factor(x)


def _transposed(moving: Array, passed: Array) -> Array:
    return np.swapaxes(passed, -1, -2)


def _twice_but_for_the_diagonal(moving: Array, passed: Array) -> Array:
    return passed * (2 - np.eye(passed.shape[-1]))


def _turned_twice_but_for_the_diagonal(moving: Array, passed: Array) -> Array:
    return _twice_but_for_the_diagonal(moving, np.swapaxes(passed, -1, -2))


_EXTREME: tuple[tuple[str, str, LawOf], ...] = (
    (FORGOTTEN, "Going back through {}, every entry gets the adjoint: only the extreme one does.",
     _to(lambda x, y, axis: np.ones(x.shape))),
    (MASK, "Going back through {}, the adjoint is shared out as by a mean: only the extreme entry gets it.",
     _to(lambda x, y, axis: np.ones(x.shape) / _size(x, axis))),
    (MASK, "Going back through {}, the adjoint goes to the smallest entry where it belongs to the largest, or the other way round.",
     _to(lambda x, y, axis: 1.0 * (x == (np.min if np.any(x < y) else np.max)(x, axis=axis, keepdims=True)))),
    (MASK, "Going back through {}, the adjoint goes to the entry that is largest in absolute value.",
     _to(lambda x, y, axis: 1.0 * (np.abs(x) == np.max(np.abs(x), axis=axis, keepdims=True)))),
    (MASK, "Going back through {}, the adjoint goes to the first entry, whichever is the extreme one.",
     _to(lambda x, y, axis: _first(x, axis))),
    (MASK, "Going back through {}, the adjoint goes to the last entry, whichever is the extreme one.",
     _to(lambda x, y, axis: _first(x, axis, last=True))),
    (MASK, "Going back through {}, the adjoint goes to all positive entries, as through a ReLU.",
     _to(lambda x, y, axis: 1.0 * (x > 0))),
    (FORM, "Going back through {}, the adjoint is multiplied by the entries themselves: the derivative is 1 at the extreme entry, else 0.",
     _to(lambda x, y, axis: np.where(x == y, x, 0.0))),
)  # fmt: skip
_LAWS: dict[str, tuple[tuple[str, str, LawOf], ...]] = {
    "max": _EXTREME,
    "cumsum": (
        ("transposed", "Going back through {}, adjoints are summed from the end; yours are from the start.", _summed_on),
        ("summed too much", "Going back through {}, each entry gets the sum of all adjoints, not only of the later ones.", _total),
        ("off by one", "Going back through {}, the adjoint of the entry's own place is left out.", _plain(lambda m, p: p - m)),
        ("not summed", "Going back through {}, each entry gets one adjoint alone, not the sum of the later ones.", _plain(lambda m, p: m)),
    ),
    "logabsdet": (
        ("transposed", "The derivative of {} is the inverse transposed; the transpose is missing.", _plain(_transposed)),
        (FORGOTTEN, "The derivative of {} is that of the determinant, without the logarithm.",
         lambda x, y, params: lambda moving, passed: passed * np.linalg.det(x)[..., None, None]),
        ("another derivative", "The derivative of {} needs the inverse of the matrix, not of its entries.", _matrix_factor(lambda x: 1 / x)),
        ("another derivative", "The derivative of {} needs the inverse of the matrix, not the matrix itself.", _matrix_factor(lambda x: x)),
        (SYMMETRIC, "The derivative of {} is that for symmetric matrices.", _plain(_twice_but_for_the_diagonal)),
        (SYMMETRIC, "The derivative of {} is that for symmetric matrices.", _plain(_turned_twice_but_for_the_diagonal)),
    ),
    "det": (
        ("transposed", "The derivative of {} is the determinant times the inverse transposed; the transpose is missing.", _plain(_transposed)),
        (FORGOTTEN, "In the derivative of {} the determinant is missing as a factor: it is that of log(det).",
         lambda x, y, params: lambda moving, passed: passed / y[..., None, None]),
        ("another derivative", "The derivative of {} needs the cofactors, not the matrix itself.", _matrix_factor(lambda x: x)),
    ),
    "inv": (
        ("transposed", "The derivative of {} has the inverse transposed on both sides; the transposes are missing.",
         lambda x, y, params: lambda moving, passed: -y @ moving @ y),
        ("product rule misapplied", "The derivative of {} has the inverse on both sides as a matrix, not entry by entry.",
         lambda x, y, params: lambda moving, passed: -moving * y * y),
        ("another derivative", "The derivative of {} has the inverse on both sides: one is missing.",
         lambda x, y, params: lambda moving, passed: -np.swapaxes(y, -1, -2) @ moving),
        ("another derivative", "The derivative of {} has the inverse on both sides: one is missing.",
         lambda x, y, params: lambda moving, passed: -moving @ np.swapaxes(y, -1, -2)),
    ),
    "prod": (
        ("another derivative", "The derivative of {} in an entry is the product of the others, not of all.", _to(lambda x, y, axis: y * np.ones(x.shape))),
        (FORGOTTEN, "The derivative of {} in an entry is the product of the others, not 1.", _to(lambda x, y, axis: np.ones(x.shape))),
    ),
    "reshape": (
        ("reshape for transpose", "Going back through {}, the numbers are put back in another order than they were taken.",
         lambda x, y, params: lambda moving, passed: np.reshape(np.swapaxes(moving, -1, -2), x.shape)),
    ),
}  # fmt: skip


def _with_right_hand_side(i: int, parent: int, recorded: Recorded) -> Edits:
    args = recorded.lines[i][2]
    return [Edit(i, parent, 0, at=(tuple(args), np.asarray(args[1])))]


def _of_clip(recorded: Recorded, i: int, slot: int, parent: int) -> Group:
    if slot:
        return
    x, y = recorded.value(parent), recorded.value(i)
    for text, mask in (
        ("from above alone", lambda x, y: 1.0 * (x <= y)),
        ("from below alone", lambda x, y: 1.0 * (x >= y)),
        ("where it is not", lambda x, y: 1.0 * (x != y)),
    ):
        yield planted(
            MASK, f"The derivative of {recorded.say(i)} is taken as if it were limited {text}.",
            partial(_masked, i, slot, parent, mask),
        )  # fmt: skip
    yield planted(
        FORM, f"The derivative of {recorded.say(i)} is 1 between the limits and 0 beyond, not the value.",
        partial(_masked, i, slot, parent, lambda x, y: y),
    )  # fmt: skip


def _masked(i: int, slot: int, parent: int, mask: Callable[[Array, Array], Array], recorded: Recorded) -> Edits:
    return [Edit(i, parent, slot, instead=mask(recorded.value(parent), recorded.value(i)))]


# --- the softmax, and its logarithm --------------------------------------------------------------------------------------


def _of_normalised(recorded: Recorded) -> Group:
    """What is written for the Jacobian of a softmax, or for the gradient of a log-sum-exp."""
    for upper, base, axis in _softmaxes(recorded):
        for label, text, law in _SOFTMAX_LAWS:
            said = text.format(recorded.say(upper))
            yield planted(label, said, partial(_through_softmax, upper, base, axis, law))
        for other in range(recorded.value(base).ndim):
            if other != axis:
                said = f"Going back through {recorded.say(upper)}, the sum is along axis {other} instead of {axis}."
                yield planted("wrong axis", said, partial(_through_softmax, upper, base, other, _softmax_law))
                said = f"{recorded.say(upper)} is a softmax along axis {axis}; yours is along axis {other}."
                yield planted("wrong axis", said, partial(_other_softmax, upper, base, other))
    for upper, base, axis in _sums_of_powers(recorded):
        for other in range(recorded.value(base).ndim):
            if other != axis:
                said = (
                    f"The derivative of {recorded.say(upper)} is a softmax along axis {axis}; yours is along {other}."
                )
                yield planted(
                    "wrong axis", said, partial(_other_powers, upper, base, axis, partial(_softmax, axis=other))
                )
        said = f"The derivative of {recorded.say(upper)} is a softmax: it is missing, {{}}."
        for text, weights in _NO_SOFTMAX.items():
            yield planted(FORGOTTEN, said.format(text), partial(_other_powers, upper, base, axis, weights))


def _softmax(x: Array, axis: int) -> Array:
    powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return np.asarray(powers / np.sum(powers, axis=axis, keepdims=True))


def _softmaxes(recorded: Recorded) -> Iterator[tuple[int, int, int]]:
    """(line, line of its argument, axis) of every softmax that the values betray."""
    for upper in range(recorded.count, recorded.last + 1):
        y = recorded.value(upper)
        if y.ndim == 0 or not np.all((y >= 0) & (y <= 1)):
            continue
        for base in range(upper - 1, -1, -1):
            x = recorded.value(base)
            if x.shape == y.shape and recorded.depends(upper, base):
                for axis in range(y.ndim):
                    if y.shape[axis] > 1 and np.allclose(_softmax(x, axis), y, rtol=1e-11, atol=1e-13):
                        yield upper, base, axis


def _sums_of_powers(recorded: Recorded) -> Iterator[tuple[int, int, int]]:
    """(line, line of its argument, axis) of every log(sum(exp(x))) that the values betray, with its axis or without."""
    for upper in range(recorded.count, recorded.last + 1):
        y = recorded.value(upper)
        for base in range(upper - 1, -1, -1):
            x = recorded.value(base)
            if x.ndim < max(y.ndim, 1) or x.size <= y.size or not recorded.depends(upper, base):
                continue
            for axis in range(x.ndim):
                total = np.logaddexp.reduce(x, axis=axis, keepdims=True)
                if total.size == y.size and np.allclose(total.ravel(), y.ravel(), rtol=1e-12, atol=1e-13):
                    yield upper, base, axis


def _softmax_law(p: Array, axis: int, moving: Any) -> Any:
    return p * (moving - np.sum(p * moving, axis=axis, keepdims=True))


NormalisedLaw = Callable[[Array, int, Any], Any]  # of the softmax, its axis and what comes to it

_SOFTMAX_LAWS: tuple[tuple[str, str, NormalisedLaw], ...] = (
    ("inner derivative forgotten", "Going back through {}, the sum lacks the softmax as a weight: p * (g - sum(p * g)).",
     lambda p, axis, g: p * (g - np.sum(g, axis=axis, keepdims=True))),
    ("mean for sum", "Going back through {}, a mean stands where the sum weighted by the softmax belongs.",
     lambda p, axis, g: p * (g - np.sum(g, axis=axis, keepdims=True) / p.shape[axis])),
    ("sign of one term", "Going back through {}, the second term has a minus: p * (g - sum(p * g)).",
     lambda p, axis, g: p * (g + np.sum(p * g, axis=axis, keepdims=True))),
    ("inner derivative forgotten", "Going back through {}, the factor in front is missing: p * (g - sum(p * g)).",
     lambda p, axis, g: g - np.sum(p * g, axis=axis, keepdims=True)),
    ("wrong axis", "Going back through {}, the sum runs over all axes instead of one.",
     lambda p, axis, g: p * (g - np.sum(p * g))),
    ("another derivative", "What you pass back through {} is the derivative of its logarithm.",
     lambda p, axis, g: g - p * np.sum(g, axis=axis, keepdims=True)),
)  # fmt: skip


def _through_softmax(upper: int, base: int, axis: int, law: NormalisedLaw, recorded: Recorded) -> Edits:
    p = recorded.value(upper)
    return [Edit(upper, base, law=lambda moving, passed: law(p, axis, moving))]


def _other_softmax(upper: int, base: int, axis: int, recorded: Recorded) -> Edits:
    p = _softmax(recorded.value(base), axis)
    return [Edit(upper, base, law=lambda moving, passed: _softmax_law(p, axis, moving))]


_NO_SOFTMAX: dict[str, Callable[[Array], Array]] = {
    "and 1 in its place": np.ones_like,
    "and its argument in its place": lambda x: x,
    "and the exponentials are not divided by their sum": np.exp,
    "and a sigmoid in its place": sigmoid,
}


def _other_powers(upper: int, base: int, axis: int, of: Callable[[Array], Array], recorded: Recorded) -> Edits:
    x = recorded.value(base)
    weights = of(x)

    def law(moving: Any, passed: Any) -> Any:
        return weights * np.reshape(moving, tuple(1 if k == axis else n for k, n in enumerate(x.shape)))

    return [Edit(upper, base, law=law)]


# --- cases --------------------------------------------------------------------------------------------------------------


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
        for number, name in candidates(recorded, i):
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


def _of_pool(number: int, change: Callable[[Array, Array], Array], condition: Array, recorded: Recorded) -> Array:
    return change(condition, np.broadcast_to(recorded.pool[number][1], condition.shape))


def _with_condition(i: int, condition: Condition, recorded: Recorded) -> Blocks:
    """The answer if the derivative of a `where` followed another condition; its value stays, but for a value asked."""

    def change(rule: Rule, args: Args, params: Params) -> Any:
        right = np.broadcast_to(np.asarray(params["condition"]), recorded.value(i).shape)
        taken = call(rule, args, {**params, "condition": condition(right, recorded)})
        return taken if recorded.asks == "value" else in_place(taken, recorded.value(i))

    return recorded.replayed({i: change}).answer()


def in_place(taken: Any, value: Array) -> Any:
    """The derivative of one thing with the value of another."""
    return taken + (value - np.asarray(getattr(taken, "value", taken)))


# --- inputs that are not what they should be on the way back -----------------------------------------------------------------


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
    if value.dtype.kind != "f" or value.ndim == 0:
        return
    if value.ndim == 2 and value.shape[0] == value.shape[1]:
        yield "transposed", "transposed where it should not be, or not where it should", np.transpose
        yield "another derivative", "taken for the identity", lambda v: np.eye(len(v))
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


# --- another operation in the place of one ------------------------------------------------------------------------------------


def other_operations(recorded: Recorded) -> Group:
    """One operation taken for another: by value and derivative, by its derivative alone, by its value alone."""
    for i in range(recorded.count, recorded.last + 1):
        rule, _, args, params, _ = recorded.lines[i]
        assert rule is not None
        where = recorded.say(i)
        for label, taken, change in _others(rule, args, params):
            yield Suspect(label, f"You took {taken} in the place of {where}.", partial(_replayed, i, change))
            if recorded.asks != "value":
                said = f"The derivative of {where} is taken as that of {taken}."
                yield Suspect(label, said, partial(_replayed, i, partial(_slope_of, change)))
                said = f"The value of {where} was computed as {taken}."
                yield Suspect(label, said, partial(_replayed, i, partial(_value_of, change)))


Change = Callable[[Rule, Args, Params], Any]


def _others(rule: Rule, args: Args, params: Params) -> Iterator[tuple[str, str, Change]]:
    """(label, what was taken, how it is computed) for everything that the operation of a line may be taken for."""
    name, x = rule.name, args[0]
    if name in ("sum", "mean"):
        yield from _other_averages(name, np.asarray(_value(x)), params["axis"])
    if np.ndim(x) == 2 and params.get("axis") in ((0,), (1,)):
        yield "wrong axis", "the other axis", lambda r, a, p: call(r, a, {**p, "axis": (1 - p["axis"][0],)})
    for label, taken, function in _INSTEAD.get(name, ()):
        yield label, taken, partial(_on_arguments, function)
    if name in ("multiply", "divide", "add", "subtract"):
        label = DROPPED if name in ("add", "subtract") else FORGOTTEN
        for slot, which in enumerate(("first", "second")):
            yield label, f"the {which} operand alone", partial(_one_operand, slot)


def _other_averages(name: str, x: Array, axis: tuple[int, ...]) -> Iterator[tuple[str, str, Change]]:
    n = _size(x, axis)
    if name == "sum":
        yield "mean for sum", "a mean", lambda r, a, p: call(r, a, p) / n
    else:
        yield "sum for mean", "a sum", lambda r, a, p: call(r, a, p) * n
        if n > 2:
            yield "constant factor", "the mean with n - 1 for n", lambda r, a, p: call(r, a, p) * (n / (n - 1))


def _on_arguments(function: Callable[..., Any], rule: Rule, args: Args, params: Params) -> Any:
    how = {key: params[key] for key in ("axis", "keepdims")} if "keepdims" in params else {}
    return function(*args, **how)


def _one_operand(slot: int, rule: Rule, args: Args, params: Params) -> Any:
    return args[slot] + np.zeros(np.broadcast_shapes(*(np.shape(a) for a in args)))


OTHER = "another derivative"
_POWER = "wrong power"
_INSTEAD: dict[str, tuple[tuple[str, str, Callable[..., Any]], ...]] = {
    "add": (("sign of one term", "the difference", lambda a, b: a - b),),
    "subtract": (("sign of one term", "the sum", lambda a, b: a + b),),
    "multiply": (
        ("product rule misapplied", "the product of the matrices", lambda a, b: a @ b),
        (OTHER, "the sum", lambda a, b: a + b),
        (OTHER, "the quotient", lambda a, b: a / b),
    ),
    "divide": (
        (OTHER, "the product", lambda a, b: a * b),
        (OTHER, "its reciprocal", lambda a, b: b / a),
    ),
    "matmul": (
        ("product rule misapplied", "the product entry by entry", lambda a, b: a * b),
        ("transposed", "the product with the first matrix transposed", lambda a, b: a.T @ b),
        ("transposed", "the product with the second matrix transposed", lambda a, b: a @ b.T),
        ("transposed", "the product in the other order", lambda a, b: b @ a),
    ),
    "power": (
        (_POWER, "an exponent one smaller", lambda a, n: a ** (n - 1)),
        (_POWER, "an exponent one larger", lambda a, n: a ** (n + 1)),
        (_POWER, "the base alone", lambda a, n: a + 0 * n),
        (_POWER, "the exponent with the wrong sign", lambda a, n: a**-n),
    ),
    "square": ((_POWER, "the base alone", lambda a: a),),
    "sqrt": ((_POWER, "what is under the root", lambda a: a),),
    "euclidean": (
        (_POWER, "the square of the length", lambda a, **how: np.sum(a * a, **how)),
        (OTHER, "the sum of the absolute values", lambda a, **how: np.sum(np.abs(a), **how)),
    ),
    "exp": (
        (FORGOTTEN, "its argument", lambda a: a),
        ("sign of one term", "exp of the negative argument", lambda a: np.exp(-a)),
        (OTHER, "a power of 2", lambda a: np.exp(a * np.log(2))),
    ),
    "log": (
        (FORGOTTEN, "its argument", lambda a: a),
        (OTHER, "the logarithm to the base 10", lambda a: np.log(a) / np.log(10)),
        (OTHER, "the logarithm to the base 2", lambda a: np.log(a) / np.log(2)),
        (OTHER, "the logarithm of one more", lambda a: np.log(1 + a)),
    ),
    "sin": ((OTHER, "a cosine", np.cos), (OTHER, "the sine of an angle in degrees", lambda a: np.sin(np.radians(a)))),
    "cos": ((OTHER, "a sine", np.sin), (OTHER, "the cosine of an angle in degrees", lambda a: np.cos(np.radians(a)))),
    "tanh": (
        (OTHER, "a sigmoid", lambda a: 1 / (1 + np.exp(-a))),
        ("activation derivative forgotten", "its argument", lambda a: a),
    ),
    "absolute": (
        ("wrong for negative inputs", "its argument", lambda a: a),
        (_POWER, "the square", lambda a: a * a),
    ),
    "max": ((OTHER, "the smallest", np.min), (OTHER, "the mean", np.mean)),
    "min": ((OTHER, "the largest", np.max), (OTHER, "the mean", np.mean)),
    "logabsdet": ((FORGOTTEN, "the determinant without the logarithm", np.linalg.det),),
    "det": ((FORGOTTEN, "the logarithm of the determinant", lambda a: np.linalg.slogdet(a)[1]),),
    "cumsum": (
        (OTHER, "the sums from the end", lambda a: np.flip(np.cumsum(np.flip(a)))),
        (OTHER, "the entries alone", lambda a: a),
    ),
    "prod": ((OTHER, "the sum", np.sum),),
    "transpose": (("transposed", "the matrix itself", lambda a: a),),
    "solve": (
        ("transposed", "the solution with the matrix transposed", lambda a, b: np.linalg.solve(a.T, b)),
        (OTHER, "the product", lambda a, b: a @ b),
    ),
    "inv": (
        ("transposed", "the transpose", lambda a: np.linalg.inv(a).T),
        (OTHER, "one over each entry", lambda a: 1 / a),
    ),
}


def _slope_of(change: Change, rule: Rule, args: Args, params: Params) -> Any:
    """The derivative of the other operation, with the value of the right one."""
    return in_place(change(rule, args, params), np.asarray(_value(call(rule, args, params))))


def _value_of(change: Change, rule: Rule, args: Args, params: Params) -> Any:
    """The value of the other operation, with the derivative of the right one."""
    return in_place(call(rule, args, params), np.asarray(_value(change(rule, args, params))))


def _value(traced: Any) -> Any:
    return getattr(traced, "value", traced)


def _replayed(line: int, change: Change, recorded: Recorded) -> Blocks:
    return recorded.replayed({line: change}).answer()
