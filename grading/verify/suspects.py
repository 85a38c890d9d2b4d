"""Which single faults are tried on the list of an exercise, in the order in which they are believed.

Every suspect is one mistake at one place: a label of the catalogue, what to tell the student, and the answer that
follows from it at a point. Nothing here knows an exercise, or what the student returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from autodiff.rule import Args, Elementwise, Params, Rule, call
from grading.verify.activations import ENTRYWISE_FORMS, FORMS, Activation, Slope, activations, explained
from grading.verify.catalogue import ALMOST_SURE, LIKELY
from grading.verify.exercise import Array
from grading.verify.faults import Blocks, Edit, Edits, Recorded

_MOST_LINES = 60  # of longer lists only single lines are taken for ones that were skipped, not whole pieces


@dataclass(frozen=True)
class Suspect:
    """A mistake at one place: what it is called, what it is, and the answer of somebody who made it."""

    label: str
    text: str
    answer: Callable[[Recorded], Blocks]
    certainty: float = 0.95
    edits: Callable[[Recorded], Edits] | None = None  # if it is one that edits of the list describe


def planted(label: str, text: str, edits: Callable[[Recorded], Edits], certainty: float = ALMOST_SURE) -> Suspect:
    """The suspect whose answer follows from some edits of the list."""
    return Suspect(label, text, lambda recorded: recorded.answer(edits(recorded)), certainty, edits)


def fixed(*edits: Edit) -> Callable[[Recorded], Edits]:
    """Edits that are the same at every point."""
    return lambda recorded: edits


# --- the suspects ----------------------------------------------------------------------------------------------------


def skipped_activations(recorded: Recorded) -> Group:
    """Activations whose derivative is left out, on all ways or on one."""
    units = activations(recorded)
    yield from (one for one in _everywhere(recorded, units) if one.label == "activation derivative forgotten")
    for upper, base, which in units:
        for via in _ways(recorded, upper):
            yield planted(
                "activation derivative forgotten",
                f"The derivative of {which.name} is missing: what passes through it is multiplied by its slope.",
                partial(_instead, upper, base, via, which.form(lambda x, y: np.ones_like(x))),
            )


def forgotten(recorded: Recorded) -> Group:
    """Factors of the chain rule that are left out."""
    yield from skipped_activations(recorded)
    for i, slot, parent in recorded.edges:
        if _is_factor(recorded, i, slot):
            yield planted(*_missing_factor(recorded, i, slot), fixed(Edit(i, parent, slot, instead=1.0)))


def misapplied(recorded: Recorded) -> Group:
    """Derivatives of another form, and powers with another exponent."""
    units = activations(recorded)
    yield from chain(_everywhere(recorded, units), _wrong_forms(recorded, units), _powers(recorded))


def evaluated_elsewhere(recorded: Recorded) -> Group:
    """Derivatives at another point, of activations and of other functions of single entries."""
    units = activations(recorded)
    return chain(_wrong_points(recorded, units), _wrong_entrywise(recorded, {unit[:2] for unit in units}))


def other_inputs(recorded: Recorded) -> Group:
    """An input forgotten, or with the wrong sign, wherever it occurs."""
    for name, value in recorded.question.point.items():
        if np.asarray(value).dtype.kind == "f":
            yield Suspect(
                "a path or term dropped",
                f"Your answer is the right one for {name} = 0: {name} is missing.",
                partial(_with_input_times, name, 0.0),
            )
            yield Suspect(
                "sign of one term",
                f"Your answer is the right one for -{name}: {name} has the wrong sign.",
                partial(_with_input_times, name, -1.0),
            )


def _with_input_times(name: str, factor: float, recorded: Recorded) -> Blocks:
    return recorded.at(name, factor * recorded.question.point[name]).answer()


def at_kinks(recorded: Recorded, units: list[tuple[int, int, Activation]]) -> Group:
    """Another slope where the argument of a ReLU or an absolute value is zero: no mistake, but not what was agreed."""
    places: list[tuple[int, int, Slope]] = [(u, b, which.slope) for u, b, which in units if which.name == "ReLU"]
    for i, _, parent in recorded.edges:
        rule = recorded.lines[i][0]
        if rule is not None and rule.name in ("absolute", "fabs"):
            places.append((i, parent, lambda x, y: np.sign(x)))
    for upper, base, slope in places:
        for at_zero in (1.0, 0.5, -1.0):
            yield planted(
                "another subgradient at a kink",
                f"Where the argument of {recorded.say(upper)} is 0, its derivative was agreed to be 0.",
                partial(_instead, upper, base, None, partial(_slope_with, slope, at_zero)),
            )


def _slope_with(slope: Slope, at_zero: float, x: Array, y: Array) -> Array:
    return np.where(x == 0, at_zero, slope(x, y))


Group = Iterator[Suspect]


def suspects(recorded: Recorded) -> Iterator[Group]:
    """What is tried first, in groups of equal standing; the list at one point shows what there is to try."""
    units = activations(recorded)
    known = {(upper, base) for upper, base, _ in units}
    yield at_kinks(recorded, units)
    yield _skipped(recorded, known)
    yield chain(_everywhere(recorded, units), _factors_everywhere(recorded))
    yield chain(_wrong_points(recorded, units), _wrong_forms(recorded, units))
    yield chain(_powers(recorded), _rules_of_products(recorded))
    yield other_functions(recorded)
    yield _wrong_entrywise(recorded, known)


def _ways(recorded: Recorded, line: int) -> list[Way]:
    """All ways at once; and where several lines use one, the way by each of them."""
    users = sorted({i for i, _, parent in recorded.edges if parent == line})
    return [None, *users] if len(users) > 1 else [None]


def _skipped(recorded: Recorded, known: set[tuple[int, int]]) -> Iterator[Suspect]:
    """Derivatives taken to be 1: of one operation, then of longer pieces of the function."""
    for i, slot, parent in recorded.edges:
        if _is_factor(recorded, i, slot):
            label, text = _missing_factor(recorded, i, slot)
            yield planted(label, text, fixed(Edit(i, parent, slot, instead=1.0)))
    if recorded.last > _MOST_LINES:
        return
    for base in range(recorded.last):
        for upper in range(base + 1, recorded.last + 1):
            if (
                (upper, base) in known
                or (upper == recorded.last and base < recorded.count)
                or not recorded.depends(upper, base)
                or not _bends(recorded, upper, base)
            ):
                continue
            yield planted(
                "inner derivative forgotten",
                f"The derivative of {recorded.say(upper)} with respect to {recorded.say(base)} is missing: "
                "the chain rule multiplies by it.",
                partial(_passed_as_it_is, upper, base),
            )


def _is_factor(recorded: Recorded, i: int, slot: int) -> bool:
    """Whether a line multiplies what passes it by something that may be forgotten."""
    rule = recorded.lines[i][0]
    return isinstance(rule, Elementwise) and callable(rule.formulas[slot]) and not _is_coefficient(recorded, i, slot)


def _passed_as_it_is(upper: int, base: int, recorded: Recorded) -> Edits:
    return [Edit(upper, base, instead=np.ones(recorded.value(base).shape))]


def _bends(recorded: Recorded, upper: int, base: int) -> bool:
    """Whether a line can be taken for an earlier one of which it is more than a sum or a multiple."""
    inner, outer = recorded.value(base).shape, recorded.value(upper).shape
    if inner != outer and (recorded.asks == "jvp" or not _fits_into(outer, inner)):
        return False
    between = [j for j in range(base + 1, upper + 1) if recorded.depends(j, base) and recorded.depends(upper, j)]
    return not all(_is_scaling(recorded, j, base) for j in between)


def _is_coefficient(recorded: Recorded, i: int, slot: int) -> bool:
    """Whether a line multiplies by a plain number that ends up as a factor of a term of the function's value."""
    rule, _, args, _, _ = recorded.lines[i]
    assert rule is not None
    if rule.name not in ("multiply", "divide") or np.ndim(args[1 - slot]):
        return False
    return all(_is_linear(recorded, j, i) for j in range(i + 1, recorded.last + 1) if recorded.depends(j, i))


def _is_linear(recorded: Recorded, line: int, on: int) -> bool:
    """Whether a line is linear in what it depends on."""
    rule, parents, _, _, _ = recorded.lines[line]
    assert rule is not None
    moving = [parent is not None and recorded.depends(parent, on) for parent in parents]
    if rule.name in ("multiply", "divide", "matmul"):
        return sum(moving) == 1 and not (rule.name == "divide" and moving[1])
    return rule.kind == "linear" or rule.name in ("add", "subtract", "negative")


def _is_scaling(recorded: Recorded, line: int, on: int) -> bool:
    """Whether a line is a sum, a multiple or a part of what it depends on."""
    rule, parents, args, _, _ = recorded.lines[line]
    assert rule is not None
    if rule.name in ("multiply", "divide"):
        plain = [
            np.ndim(a) == 0 and (p is None or not recorded.depends(p, on)) for a, p in zip(args, parents, strict=True)
        ]
        return plain[1] or (plain[0] and rule.name == "multiply")
    if rule.name == "power":
        return bool(np.all(np.asarray(args[1]) == 1)) and parents[1] is None
    return rule.kind == "linear" or rule.name in ("add", "subtract", "negative")


def is_quotient(recorded: Recorded, i: int) -> bool:
    """Whether a line divides entry by entry what depends on one input by what depends on it too."""
    args = recorded.lines[i][2]
    return related(recorded, i) and np.shape(args[0]) == np.shape(args[1])


def related(recorded: Recorded, i: int) -> bool:
    """Whether both operands of a line are computed from one input: then its derivative has two terms."""
    parents = recorded.lines[i][1]
    if len(parents) != 2 or None in parents or parents[0] == parents[1]:
        return False
    inputs = (1 << recorded.count) - 1
    one, two = (recorded.above[parent] & inputs for parent in parents if parent is not None)
    return bool(one & two)


def _missing_factor(recorded: Recorded, i: int, slot: int) -> tuple[str, str]:
    rule = recorded.lines[i][0]
    assert rule is not None
    name, both = rule.name, related(recorded, i)
    if name == "multiply":
        text = f"In the derivative of the product {recorded.say(i)} a factor is missing."
        return ("product rule misapplied" if both else "inner derivative forgotten"), text
    if name == "divide" and slot == 1:
        text = f"The derivative of {recorded.say(i)} with respect to {operand(recorded, i, 1)} is missing."
        return ("quotient rule misapplied" if is_quotient(recorded, i) else "inner derivative forgotten"), text
    if name == "divide":
        text = f"In the derivative of the quotient {recorded.say(i)} the denominator is missing."
        return ("quotient rule misapplied" if is_quotient(recorded, i) else "inner derivative forgotten"), text
    if name in ("absolute", "fabs"):
        text = f"The derivative of {recorded.say(i)} is -1 where its argument is negative."
        return "wrong for negative inputs", text
    text = f"The derivative of {recorded.say(i)} is missing: the chain rule multiplies by it."
    return "inner derivative forgotten", text


def _derivative_of(which: Activation) -> str:
    """How a sentence on the point begins at which a derivative is taken."""
    if which.name == "softmax":
        return "Of the softmax's Jacobian the diagonal alone is there, and it"
    return f"The derivative of {which.name}"


def _wrong_points(recorded: Recorded, units: list[tuple[int, int, Activation]]) -> Iterator[Suspect]:
    """The right formula, of something else: the value, what stood before the bias, another layer."""
    for upper, base, which in units:
        mask = which.name == "ReLU"
        label = "ReLU mask from the wrong quantity" if mask else "activation derivative at the wrong point"
        what = "The mask of the ReLU" if mask else _derivative_of(which)
        if not mask:
            yield planted(
                label,
                f"{what} has the right form, but of the argument where the value belongs, or the other way round.",
                partial(_instead, upper, base, None, which.of_value),
            )
        for number, name in candidates(recorded, upper):
            if not _means_the_same(recorded.pool[number][1], recorded.value(base), which):
                yield planted(
                    label,
                    f"{what} is taken at {name} instead of {recorded.say(base)}.",
                    partial(_at_another, upper, base, which, number, 1.0),
                )
            if mask:
                yield planted(
                    label,
                    f"The mask of the ReLU is the wrong way round, or from {name}.",
                    partial(_at_another, upper, base, which, number, -1.0),
                )
        if mask and recorded.asks in ("gradient", "vjp"):
            yield planted(
                label,
                f"{what} is taken from the sign of what comes back, not of {recorded.say(base)}.",
                partial(_mask_of_adjoint, upper, base),
            )


def _means_the_same(one: Array, two: Array, which: Activation) -> bool:
    """Whether an activation has the same slope at two arrays: under another name, or shifted under a softmax."""
    if one.shape == two.shape and which.name == "softmax":
        return bool(np.allclose(which.function(one), which.function(two), rtol=1e-11, atol=0))
    return np.array_equal(one, two)


Way = int | None  # all ways, or those by way of one line


def _instead(upper: int, base: int, via: Way, slope: Slope, recorded: Recorded) -> Edits:
    factor = slope(recorded.value(base), recorded.value(upper))
    return [Edit(upper, base, instead=factor) if via is None else Edit(via, base, through=upper, instead=factor)]


def _at_another(upper: int, base: int, which: Activation, number: int, sign: float, recorded: Recorded) -> Edits:
    x = sign * recorded.pool[number][1]
    return [Edit(upper, base, instead=which.slope(x, which.function(x)))]


def _mask_of_adjoint(upper: int, base: int, recorded: Recorded) -> Edits:
    return [Edit(upper, base, instead=1.0 * (np.asarray(recorded.flow()[upper]) > 0))]


def candidates(recorded: Recorded, line: int) -> Iterator[tuple[int, str]]:
    """Values that could have been taken for one of a line's shape."""
    shape = recorded.value(line).shape
    for number, (name, value) in enumerate(recorded.pool):
        if value.dtype.kind in "fiub" and _fits_into(value.shape, shape):
            yield number, name


def _fits_into(shape: tuple[int, ...], larger: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, larger) == larger
    except ValueError:
        return False


def _wrong_forms(recorded: Recorded, units: list[tuple[int, int, Activation]]) -> Iterator[Suspect]:
    for upper, base, which in units:
        for via in _ways(recorded, upper):
            for form, slope in FORMS.items():
                yield planted(
                    "activation derivative of the wrong form",
                    f"The derivative of {which.name} is not {explained(form, which.name)}.",
                    partial(_instead, upper, base, via, which.form(slope)),
                )


def _everywhere(recorded: Recorded, units: list[tuple[int, int, Activation]]) -> Iterator[Suspect]:
    """The same mistake at every layer with the same activation."""
    for which in {entry[2].name: entry[2] for entry in units}.values():
        places = [(upper, base) for upper, base, other in units if other is which]
        if len(places) < 2:
            continue
        slopes: dict[str, Slope] = {"1": lambda x, y: np.ones_like(x), **FORMS}
        for form, slope in slopes.items():
            skipped = form == "1"
            yield planted(
                "activation derivative forgotten" if skipped else "activation derivative of the wrong form",
                f"The derivative of {which.name} is missing in every layer."
                if skipped
                else f"The derivative of {which.name} is not {explained(form, which.name)}.",
                partial(_at_every, places, which.form(slope)),
            )
        yield planted(
            "activation derivative at the wrong point",
            f"{_derivative_of(which)} has the right form, but of its argument where its value belongs.",
            partial(_at_every, places, which.of_value),
        )
        yield planted(
            "activation derivative at the wrong point",
            f"{_derivative_of(which)} is taken at its value instead of its argument.",
            partial(_at_every, places, which.at_value),
        )


def _factors_everywhere(recorded: Recorded) -> Iterator[Suspect]:
    """A factor that several lines multiply by, left out in all of them: of a second derivative, both times."""
    users: dict[bytes, list[tuple[int, int, int]]] = {}
    for i, slot, parent in recorded.edges:
        rule, parents, args, _, _ = recorded.lines[i]
        if rule is not None and rule.name == "multiply" and parents[1 - slot] is None:
            users.setdefault(np.asarray(args[1 - slot]).tobytes(), []).append((i, slot, parent))
    for places in users.values():
        if len(places) > 1:
            name = operand(recorded, places[0][0], 1 - places[0][1])
            number = all(_is_coefficient(recorded, i, s) for i, s, _ in places)
            yield planted(
                "coefficient of one term" if number else "inner derivative forgotten",
                f"The factor {name} is missing: the chain rule multiplies by it every time.",
                fixed(*(Edit(i, p, s, instead=1.0) for i, s, p in places)),
            )


def _at_every(places: list[tuple[int, int]], slope: Slope, recorded: Recorded) -> Edits:
    return [edit for upper, base in places for edit in _instead(upper, base, None, slope, recorded)]


def _wrong_entrywise(recorded: Recorded, known: set[tuple[int, int]]) -> Iterator[Suspect]:
    """Functions of single entries whose derivative is another function, or taken elsewhere."""
    for i, slot, parent in recorded.edges:
        rule, parents, _, _, _ = recorded.lines[i]
        if not isinstance(rule, Elementwise) or not callable(rule.formulas[slot]):
            continue
        if sum(p is not None for p in parents) == 1:
            yield from _at_inner_slope(recorded, i, slot, parent)
        if (i, parent) in known:
            continue
        if len(parents) == 1:
            for form, slope in ENTRYWISE_FORMS.items():
                for sign in (1.0, -1.0):
                    yield planted(
                        "activation derivative of the wrong form",
                        f"The derivative of {rule.name} is not {'-' if sign < 0 else ''}{explained(form, rule.name)}.",
                        partial(_instead, i, parent, None, partial(_signed, sign, slope)),
                    )
        if sum(p is not None for p in parents) > 1:
            continue
        function = rule.name if len(parents) == 1 else recorded.say(i)
        yield from _at_turned_terms(recorded, i, slot, parent)
        for number, name in candidates(recorded, i):
            term = _term_left(recorded, parent, name)
            yield planted(
                "a path or term dropped" if term else "activation derivative at the wrong point",
                f"The term {term} of {recorded.say(parent)} was left out."
                if term
                else f"The derivative of {function} is taken at {name} instead of {recorded.say(parent)}.",
                partial(_entrywise_at, i, slot, parent, partial(_pooled, number)),
                certainty=LIKELY if rule.name in _POWERS else ALMOST_SURE,  # or its exponent is wrong
            )


def _signed(sign: float, slope: Slope, x: Array, y: Array) -> Array:
    return sign * slope(x, y)


def _at_turned_terms(recorded: Recorded, i: int, slot: int, parent: int) -> Iterator[Suspect]:
    """The derivative of a function of a sum, taken with the sign of one of its terms turned round."""
    rule = recorded.lines[parent][0]
    if rule is None or rule.name not in ("add", "subtract"):
        return
    for turned in (0, 1):
        yield planted(
            "sign of one term",
            f"The term {operand(recorded, parent, turned)} of {recorded.say(parent)} has the wrong sign.",
            partial(_entrywise_at, i, slot, parent, partial(_with_turned_term, parent, turned)),
        )


def _at_inner_slope(recorded: Recorded, i: int, slot: int, parent: int) -> Iterator[Suspect]:
    """f'(u') u' for f'(u) u': the outer derivative taken at the inner one."""
    for base in range(parent):
        if recorded.depends(parent, base) and recorded.value(base).shape == recorded.value(parent).shape:
            yield planted(
                "activation derivative at the wrong point",
                f"The derivative of {recorded.say(i)} is taken at the derivative of {recorded.say(parent)}.",
                partial(_entrywise_at, i, slot, parent, partial(_slope_between, parent, base)),
            )


def _slope_between(upper: int, base: int, recorded: Recorded) -> Array:
    slope = recorded.slope(upper, base)
    assert slope is not None
    return slope


def _with_turned_term(line: int, turned: int, recorded: Recorded) -> Array:
    rule, _, args, _, _ = recorded.lines[line]
    assert rule is not None
    signs = [-1.0 if slot == turned else 1.0 for slot in (0, 1)]
    return np.asarray(rule.evaluate(args[0] * signs[0], args[1] * signs[1]))


def _pooled(number: int, recorded: Recorded) -> Array:
    return recorded.pool[number][1].astype(np.float64)


def _term_left(recorded: Recorded, line: int, name: str) -> str:
    """The other term, where a line is the sum or difference of something called `name` and another."""
    rule = recorded.lines[line][0]
    if rule is None or rule.name not in ("add", "subtract"):
        return ""
    names = [operand(recorded, line, slot) for slot in (0, 1)]
    return names[1 - names.index(name)] if name in names else ""


def _entrywise_at(i: int, slot: int, parent: int, point: Callable[[Recorded], Array], recorded: Recorded) -> Edits:
    rule, args = recorded.lines[i][0], list(recorded.lines[i][2])
    assert rule is not None
    args[slot] = np.broadcast_to(point(recorded), np.shape(args[slot]))
    return [Edit(i, parent, slot, at=(tuple(args), rule.evaluate(*args)))]


# --- powers, products, quotients -------------------------------------------------------------------------------------

_POWERS = {"power", "float_power", "square", "sqrt", "cbrt", "reciprocal", "log", "divide", "multiply", "euclidean"}


def _powers(recorded: Recorded) -> Iterator[Suspect]:
    """x^n with another exponent in its derivative."""
    for i, slot, parent in recorded.edges:
        rule, parents, _, _, _ = recorded.lines[i]
        assert rule is not None
        same = len(parents) == 2 and parents[0] == parents[1]
        quotient = rule.name == "divide" and is_quotient(recorded, i)
        if rule.name not in _POWERS or (rule.name == "divide" and slot == 0) or (rule.name == "multiply" and not same):
            continue
        for exponent in (1, -1, 2, -2, 0.5, -0.5):
            for sign in (1.0, -1.0):
                yield planted(
                    "quotient rule misapplied" if quotient else "wrong power",
                    "In the quotient rule the denominator is squared, and the second term has a minus."
                    if quotient
                    else f"In the derivative of {recorded.say(i)} the exponent is not right"
                    f"{', nor the sign.' if sign < 0 else '.'}",
                    partial(_with_power, i, None if same else slot, parent, exponent, sign),
                )


def _with_power(i: int, slot: int | None, parent: int, exponent: float, sign: float, recorded: Recorded) -> Edits:
    if recorded.value(i).shape != recorded.value(parent).shape:
        factor = recorded.value(i) ** exponent  # a reduction: its own value is the base
        return [Edit(i, i, times=sign * factor)]
    return [Edit(i, parent, slot, times=sign * recorded.value(parent) ** exponent)]


def _rules_of_products(recorded: Recorded) -> Iterator[Suspect]:
    for i, (rule, _, _, _, _) in enumerate(recorded.lines):
        if recorded.asks == "jvp" and rule is not None and rule.name in ("multiply", "matmul"):
            yield planted("product rule misapplied", _PRODUCT, fixed(Edit(i, -1, product=True)))
        if rule is not None and rule.name == "divide" and None not in recorded.lines[i][1]:
            for how in ("over the slope", "minus over the slope"):
                yield planted("quotient rule misapplied", _QUOTIENT, partial(_of_derivatives, i, how))
        if rule is None or rule.name not in ("multiply", "divide") or not related(recorded, i):
            continue
        if rule.name == "divide":
            for exponent in (1, 2):
                yield planted(
                    "quotient rule misapplied",
                    "The quotient rule divides by the square of the denominator: that division is missing.",
                    partial(_times_denominator, i, exponent),
                )
        yield from (
            _quotients_of_derivatives(recorded, i) if rule.name == "divide" else _products_of_derivatives(recorded, i)
        )


def _products_of_derivatives(recorded: Recorded, i: int) -> Iterator[Suspect]:
    for how in ("product", "sum"):
        yield planted("product rule misapplied", _PRODUCT, partial(_of_derivatives, i, how))


def _quotients_of_derivatives(recorded: Recorded, i: int) -> Iterator[Suspect]:
    for how in ("quotient", "of the slope"):
        yield planted("quotient rule misapplied", _QUOTIENT, partial(_of_derivatives, i, how))


_PRODUCT = "The derivative of a product is not made of the derivatives of its factors alone: (uv)' = u'v + uv'."
_QUOTIENT = "The derivative of a quotient is not the quotient of the derivatives: (u/v)' = (u'v - uv') / v**2."


def _times_denominator(i: int, exponent: int, recorded: Recorded) -> Edits:
    return [Edit(i, i, times=np.asarray(recorded.lines[i][2][1]) ** exponent)]


def _of_derivatives(i: int, how: str, recorded: Recorded) -> Edits:
    """The derivatives of both operands made into one factor, in every input on which both depend."""
    one, two = (p for p in recorded.lines[i][1] if p is not None)
    edits = []
    for base in range(recorded.count):
        same = recorded.value(base).shape == recorded.value(i).shape or not recorded.value(i).ndim
        if not same or not recorded.depends(two, base):
            continue
        slope = recorded.slope(two, base)
        if how.endswith("over the slope") and slope is not None:
            sign = -1.0 if how.startswith("minus") else 1.0
            edits.append(Edit(i, base, instead=sign * recorded.value(one) / slope))
        elif recorded.depends(one, base):
            other = recorded.slope(one, base)
            if other is not None and slope is not None:
                factor = _HOW[how](other, slope, recorded.value(one), recorded.value(two))
                edits.append(Edit(i, base, instead=factor))
    return edits  # none is no fault: it fits nothing


_HOW: dict[str, Callable[[Array, Array, Array, Array], Array]] = {
    "product": lambda du, dv, u, v: du * dv,
    "sum": lambda du, dv, u, v: du + dv,
    "quotient": lambda du, dv, u, v: du / dv,
    "of the slope": lambda du, dv, u, v: du * v - u * dv,
}


# --- another function was differentiated -----------------------------------------------------------------------------


def other_functions(recorded: Recorded) -> Iterator[Suspect]:
    """The right derivative of a function that differs at one line: a term forgotten, of another sign, another axis."""
    for i in range(recorded.count, recorded.last + 1):
        rule, _, args, params, _ = recorded.lines[i]
        assert rule is not None
        if rule.name in ("add", "subtract"):
            yield from _terms(recorded, i)
        if (
            "axis" in params
            and isinstance(params["axis"], tuple)
            and np.ndim(args[0]) == 2
            and len(params["axis"]) == 1
        ):
            other = (1 - params["axis"][0],)
            yield Suspect(
                "wrong axis",
                f"In {recorded.say(i)} the wrong axis is summed over.",
                partial(_replayed, i, partial(_along, other)),
            )


def _terms(recorded: Recorded, i: int) -> Iterator[Suspect]:
    rule = recorded.lines[i][0]
    assert rule is not None
    sign = 1.0 if rule.name == "add" else -1.0
    for slot in (0, 1):
        name = operand(recorded, i, slot)
        yield Suspect(
            "a path or term dropped",
            f"The term {name} of {recorded.say(i)} was left out.",
            partial(_replayed, i, partial(_without_term, slot, sign)),
        )
        yield Suspect(
            "sign of one term",
            f"The term {name} of {recorded.say(i)} has the wrong sign.",
            partial(_replayed, i, partial(_turned_term, slot, sign)),
        )


def _along(axis: tuple[int, ...], rule: Rule, args: Args, params: Params) -> Any:
    return call(rule, args, {**params, "axis": axis})


def _without_term(slot: int, sign: float, rule: Rule, args: Args, params: Params) -> Any:
    """The other operand alone, in the shape of both."""
    other = args[1] * sign if slot == 0 else args[0]
    return other + np.zeros(np.broadcast_shapes(*(np.shape(a) for a in args)))


def _turned_term(slot: int, sign: float, rule: Rule, args: Args, params: Params) -> Any:
    return args[1] * sign - args[0] if slot == 0 else args[0] - args[1] * sign


def operand(recorded: Recorded, i: int, slot: int) -> str:
    """An operand of a line, as a student would write it."""
    _, parents, args, _, _ = recorded.lines[i]
    parent = parents[slot]
    return recorded.constant(args[slot]) if parent is None else recorded.say(parent)


def _replayed(line: int, change: Callable[[Rule, Args, Params], Any], recorded: Recorded) -> Blocks:
    return recorded.replayed({line: change}).answer()
