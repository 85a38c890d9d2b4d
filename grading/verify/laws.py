"""Lines that pass back what comes to them in a way that is not their own: other laws in the place of one operation's.

A maximum that passes its adjoint to all, sums that run the wrong way back, an inverse that is not transposed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from autodiff.rule import Params, keep
from grading.verify.exercise import Array
from grading.verify.faults import Edit, Edits, Law, Recorded
from grading.verify.softmaxes import softmax_laws
from grading.verify.suspects import Group, planted

FORGOTTEN = "inner derivative forgotten"
ANOTHER = "another derivative"
MASK = "ReLU mask from the wrong quantity"
FORM = "activation derivative of the wrong form"
PRODUCT = "product rule misapplied"
SYMMETRIC = "right for symmetric inputs only"

LawOf = Callable[[Array, Array, Params], Law]  # from the argument, the value and the parameters of a line
Entry = tuple[str, str, LawOf]  # a label, a text in which {} is the line, and the law


def laws(recorded: Recorded) -> Group:
    """Every other law at every line; of tangents only those that are the same in both modes."""
    yield from softmax_laws(recorded)
    for i, slot, parent in recorded.edges:
        where = recorded.say(i)
        for label, text, law in _laws_of(recorded, i, slot) if recorded.asks != "jvp" else ():
            yield planted(label, text.format(where), partial(_lawful, i, slot, parent, law))
        yield from _powers(recorded, i, slot, parent)
        name = recorded.names_of_rules[i]
        if name == "solve" and slot == 0:
            text = f"In the derivative of {where} its right-hand side stands where the solution belongs."
            yield planted(FORGOTTEN, text, partial(_with_right_hand_side, i, parent))
            text = (
                f"In the derivative of {where} the inverse belongs on both sides, as a matrix and not entry by entry."
            )
            if recorded.asks != "jvp":
                yield planted(FORM, text, partial(_system_by_entries, i, parent))
        elif name == "clip" and slot == 0:
            for label, text, factor in _CLIPPED:
                yield planted(label, text.format(where), partial(_instead, i, slot, parent, factor))


def _laws_of(recorded: Recorded, i: int, slot: int) -> Iterator[Entry]:
    args, name = recorded.lines[i][2], recorded.names_of_rules[i]
    if slot == 0:
        yield from _LAWS.get("max" if name in ("amax", "min", "amin") else name, ())
    if name == "power" and np.ndim(args[0]) == 2 and np.ndim(args[1]) == 0:
        for turned in (False, True):
            yield (
                PRODUCT,
                "In the derivative of {} a power of the matrix stands where its entries have powers of their own.",
                partial(_matrix_power, float(args[1]), turned),
            )


def _powers(recorded: Recorded, i: int, slot: int, parent: int) -> Group:
    """What else is written for the derivative of x**n, in both modes."""
    args, name = recorded.lines[i][2], recorded.names_of_rules[i]
    exponent = {"square": 2.0, "sqrt": 0.5}.get(name)
    if name == "power" and np.ndim(args[1]) == 0:
        exponent = float(args[1])
    if exponent is not None and slot == 0:
        for text, factor in _POWER_RULES.items():
            said = f"The derivative of {recorded.say(i)} is not {text}."
            yield planted("wrong power", said, partial(_instead, i, slot, parent, partial(_of_power, factor, exponent)))


def _lawful(i: int, slot: int, parent: int, law: LawOf, recorded: Recorded) -> Edits:
    _, _, args, params, y = recorded.lines[i]
    return [Edit(i, parent, slot, law=law(np.asarray(args[slot]), np.asarray(y), params))]


def _system_by_entries(i: int, parent: int, recorded: Recorded) -> Edits:
    matrix, right = map(np.asarray, recorded.lines[i][2])

    def law(moving: Any, passed: Any) -> Any:
        outer = np.multiply.outer(moving, right) if right.ndim == 1 else moving @ _turned(right)
        return -outer * _turned(np.linalg.inv(matrix)) ** 2

    return [Edit(i, parent, 0, law=law)]


def _with_right_hand_side(i: int, parent: int, recorded: Recorded) -> Edits:
    args = recorded.lines[i][2]
    return [Edit(i, parent, 0, at=(tuple(args), np.asarray(args[1])))]


def _instead(i: int, slot: int, parent: int, factor: Callable[[Array, Array], Array], recorded: Recorded) -> Edits:
    return [Edit(i, parent, slot, instead=factor(recorded.value(parent), recorded.value(i)))]


# --- how a law is made of what stands on the line --------------------------------------------------------------------

Axes = tuple[int, ...]


def _to(mask: Callable[[Array, Array, Axes], Array]) -> LawOf:
    """The adjoint of a reduction, times a mask made of the argument, of the value beside it and of the axes."""

    def law(x: Array, y: Array, params: Params) -> Law:
        axis = params["axis"]
        return lambda moving, passed: keep(moving, x, axis) * mask(x, keep(y, x, axis), axis)

    return law


def _by(law: Callable[[Any, Any, Array, Array], Any]) -> LawOf:
    """A law of what comes, what is passed on, the argument and the value."""
    return lambda x, y, params: lambda moving, passed: law(moving, passed, x, y)


def _everywhere(x: Array, y: Array, axis: Axes) -> Array:
    return np.ones(x.shape)


def _shared(x: Array, y: Array, axis: Axes) -> Array:
    return np.full(x.shape, 1 / np.prod([x.shape[k] for k in axis]))


def _other_extreme(x: Array, y: Array, axis: Axes) -> Array:
    extreme = np.min if np.any(x < y) else np.max
    return np.where(x == extreme(x, axis=axis, keepdims=True), 1.0, 0.0)


def _largest_modulus(x: Array, y: Array, axis: Axes) -> Array:
    return np.where(np.abs(x) == np.max(np.abs(x), axis=axis, keepdims=True), 1.0, 0.0)


def _at_the_end(end: int, x: Array, y: Array, axis: Axes) -> Array:
    mask = np.zeros(x.shape)
    mask[tuple(end if k in axis else slice(None) for k in range(x.ndim))] = 1.0
    return mask


def _summed_on(x: Array, y: Array, params: Params) -> Law:
    return lambda moving, passed: np.cumsum(moving, axis=params["axis"])


def _total(x: Array, y: Array, params: Params) -> Law:
    return lambda moving, passed: np.sum(moving, axis=params["axis"], keepdims=True) * np.ones(x.shape)


def _turned(a: Any) -> Any:
    return np.swapaxes(a, -1, -2)


def _alternating(a: Array) -> Array:
    return np.asarray((-1.0) ** np.add.outer(*map(np.arange, a.shape[-2:])))


def _twice_off_the_diagonal(a: Any) -> Any:
    return a * (2 - np.eye(a.shape[-1]))


def _overwritten(x: Array, y: Array, params: Params) -> Law:
    def law(moving: Any, passed: Any) -> Any:
        back = np.zeros(x.shape)
        back[params["index"]] = moving
        return back

    return law


def _in_order(x: Array, y: Array, params: Params) -> Law:
    def law(moving: Any, passed: Any) -> Any:
        back = np.zeros(x.shape)
        back[tuple(map(slice, y.shape))] = moving
        return back

    return law


_POWER_RULES: dict[str, Callable[[Array, float], Array]] = {
    "n * x**n": lambda x, n: n * x**n,
    "(n - 1) * x**n": lambda x, n: (n - 1) * x**n,
    "(n + 1) * x**n": lambda x, n: (n + 1) * x**n,
    "x**(n + 1) / (n + 1)": lambda x, n: x ** (n + 1) / (n + 1),
    "x**n": lambda x, n: x**n,
    "x**n * log(x)": lambda x, n: x**n * np.log(np.abs(x)),
}


def _of_power(factor: Callable[[Array, float], Array], exponent: float, x: Array, y: Array) -> Array:
    return factor(x, exponent)


def _matrix_power(exponent: float, turned: bool, x: Array, y: Array, params: Params) -> Law:
    inner = np.linalg.matrix_power(x.T if turned else x, int(exponent) - 1)
    return lambda moving, passed: moving * (exponent * inner)


# --- the laws, by operation ------------------------------------------------------------------------------------------

_EXTREME: tuple[Entry, ...] = (
    (FORGOTTEN, "What comes back to {} goes to every entry: it belongs to the extreme one alone.", _to(_everywhere)),
    (MASK, "What comes back to {} is shared by all, as of a mean: it belongs to the extreme one alone.", _to(_shared)),
    (MASK, "What comes back to {} goes to the other extreme.", _to(_other_extreme)),
    (MASK, "What comes back to {} goes to the entry that is largest in absolute value.", _to(_largest_modulus)),
    (MASK, "What comes back to {} goes to the first entry, whichever is extreme.", _to(partial(_at_the_end, 0))),
    (MASK, "What comes back to {} goes to the last entry, whichever is extreme.", _to(partial(_at_the_end, -1))),
    (MASK, "What comes back to {} goes to the positive entries, as of a ReLU.", _to(lambda x, y, axis: 1.0 * (x > 0))),
    (FORM, "The derivative of {} is 1 in the extreme entry, not the entry.", _to(lambda x, y, axis: x * (x == y))),
)
_CUMSUM: tuple[Entry, ...] = (
    ("transposed", "Going back through {} adjoints are summed from the end; yours are from the start.", _summed_on),
    ("transposed", "Going back through {} adjoints are summed from the end; yours are turned round.",
     lambda x, y, params: lambda g, p: np.flip(np.cumsum(g, axis=params["axis"]), axis=params["axis"])),
    ("transposed", "Going back through {} the sums from the end have to be turned round again.",
     lambda x, y, params: lambda g, p: np.flip(p, axis=params["axis"])),
    ("summed too much", "Going back through {} an entry gets the sum of the later adjoints, not of all.", _total),
    (
        "off by one",
        "Going back through {} the adjoint of an entry's own place is left out.",
        _by(lambda g, p, x, y: p - g),
    ),
    (
        "not summed",
        "Going back through {} an entry gets the sum of the later adjoints, not one.",
        _by(lambda g, p, x, y: g),
    ),
)  # fmt: skip
_DETERMINANT = "The derivative of {} needs the inverse of the matrix, "
_SIGNS = "In the derivative of {} the minors lack their alternating signs."
_LOGDET: tuple[Entry, ...] = (
    ("sign of one term", _SIGNS, _by(lambda g, p, x, y: p * _alternating(x))),
    ("transposed", _DETERMINANT + "transposed.", _by(lambda g, p, x, y: _turned(p))),
    (FORGOTTEN, "The derivative of {} is that of the determinant, without the logarithm.",
     _by(lambda g, p, x, y: p * np.linalg.det(x)[..., None, None])),
    (ANOTHER, _DETERMINANT + "not of its entries.", _by(lambda g, p, x, y: g[..., None, None] / x)),
    (ANOTHER, _DETERMINANT + "not the matrix.", _by(lambda g, p, x, y: g[..., None, None] * x)),
    (SYMMETRIC, "Yours is the derivative of {} for symmetric matrices.",
     _by(lambda g, p, x, y: _twice_off_the_diagonal(p))),
    (SYMMETRIC, "Yours is the derivative of {} for symmetric matrices.",
     _by(lambda g, p, x, y: _twice_off_the_diagonal(_turned(p)))),
)  # fmt: skip
_DET: tuple[Entry, ...] = (
    ("sign of one term", _SIGNS, _by(lambda g, p, x, y: p * _alternating(x))),
    ("transposed", _DETERMINANT + "transposed.", _by(lambda g, p, x, y: _turned(p))),
    (FORGOTTEN, "In the derivative of {} the determinant is missing as a factor.",
     _by(lambda g, p, x, y: p / y[..., None, None])),
    (ANOTHER, _DETERMINANT + "not the matrix.", _by(lambda g, p, x, y: g[..., None, None] * x)),
)  # fmt: skip
_BOTH_SIDES = "The derivative of {} has the inverse on both sides, "
_INVERSE: tuple[Entry, ...] = (
    ("transposed", _BOTH_SIDES + "transposed going back.", _by(lambda g, p, x, y: -y @ g @ y)),
    (FORM, _BOTH_SIDES + "as a matrix and not entry by entry.", _by(lambda g, p, x, y: -g * y * y)),
    (FORM, _BOTH_SIDES + "as a matrix and not entry by entry.", _by(lambda g, p, x, y: -g * _turned(y * y))),
    (FORM, _BOTH_SIDES + "not twice on one.", _by(lambda g, p, x, y: -g @ _turned(y) @ _turned(y))),
    (FORM, _BOTH_SIDES + "not twice on one.", _by(lambda g, p, x, y: -_turned(y) @ _turned(y) @ g)),
    (FORM, _BOTH_SIDES + "as a matrix and not entry by entry.", _by(lambda g, p, x, y: -g * _turned(y @ y))),
    (FORGOTTEN, _BOTH_SIDES + "and on the right it is missing.", _by(lambda g, p, x, y: -_turned(y) @ g)),
    (FORGOTTEN, _BOTH_SIDES + "and on the left it is missing.", _by(lambda g, p, x, y: -g @ _turned(y))),
)
_PRODUCT: tuple[Entry, ...] = (
    (ANOTHER, "The derivative of {} in an entry is the product of the others, not of all.",
     _to(lambda x, y, axis: y + 0 * x)),
    (FORGOTTEN, "The derivative of {} in an entry is the product of the others, not 1.", _to(_everywhere)),
)  # fmt: skip
_RESHAPE: tuple[Entry, ...] = (
    ("reshape for transpose", "Going back through {} the numbers are put back in another order than they were taken.",
     _by(lambda g, p, x, y: np.reshape(_turned(g), x.shape))),
)  # fmt: skip
_TRANSPOSE: tuple[Entry, ...] = (
    ("transposed", "Going back through {} what comes is transposed again.", _by(lambda g, p, x, y: g)),
    ("reshape for transpose", "Going back through {} what comes is transposed again, not reshaped.",
     _by(lambda g, p, x, y: np.reshape(g, x.shape))),
)  # fmt: skip
_GETITEM: tuple[Entry, ...] = (
    ("off by one", "An entry that {} takes twice gets the sum of what comes back, not the last of it.", _overwritten),
    ("off by one", "What {} takes goes back to where it came from, not to the first entries.", _in_order),
)  # fmt: skip
_LAWS: dict[str, tuple[Entry, ...]] = {
    "transpose": _TRANSPOSE,
    "getitem": _GETITEM,
    "max": _EXTREME,
    "cumsum": _CUMSUM,
    "logabsdet": _LOGDET,
    "det": _DET,
    "inv": _INVERSE,
    "prod": _PRODUCT,
    "reshape": _RESHAPE,
}
_CLIPPED: tuple[tuple[str, str, Callable[[Array, Array], Array]], ...] = (
    (MASK, "The derivative of {} is taken as if there were no lower limit.", lambda x, y: 1.0 * (x <= y)),
    (MASK, "The derivative of {} is taken as if there were no upper limit.", lambda x, y: 1.0 * (x >= y)),
    (MASK, "The derivative of {} is taken where there is none: beyond the limits.", lambda x, y: 1.0 * (x != y)),
    (FORM, "The derivative of {} is 1 between the limits and 0 beyond, not the value.", lambda x, y: y),
)
