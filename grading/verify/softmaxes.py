"""What is written for the Jacobian of a softmax, or for the gradient of a log-sum-exp, along any axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from grading.verify.activations import is_made_of, sigmoid
from grading.verify.exercise import Array
from grading.verify.faults import Edit, Edits, Recorded
from grading.verify.suspects import Group, planted

FORGOTTEN = "inner derivative forgotten"
FORM = "activation derivative of the wrong form"


def softmax_laws(recorded: Recorded) -> Group:
    """What is written for the Jacobian of a softmax, or for the gradient of a log-sum-exp."""
    for upper, base, axis in _softmaxes(recorded):
        yield from _of_softmax(recorded, upper, base, axis)
    for upper, base, axis in _softmaxes(recorded, np.exp):
        yield from _of_log_softmax(recorded, upper, base, axis)
    for upper, base, axis in _sums_of_powers(recorded):
        yield from _of_sum_of_powers(recorded, upper, base, axis)


def _of_softmax(recorded: Recorded, upper: int, base: int, axis: int) -> Group:
    where = recorded.say(upper)
    for label, text, law in _SOFTMAX_LAWS:
        yield planted(label, text.format(where), partial(_through_softmax, upper, base, axis, law))
    for other in _other_axes(recorded, base, axis):
        said = f"Going back through {where} the sum is along axis {other} instead of {axis}."
        yield planted("wrong axis", said, partial(_through_softmax, upper, base, other, _softmax_law))
        said = f"{where} is a softmax along axis {axis}; yours is along axis {other}."
        for summed in (other, axis):
            yield planted("wrong axis", said, partial(_other_softmax, upper, base, other, summed))
    if recorded.value(base).ndim > 1:
        said = f"{where} is a softmax along axis {axis}; yours is one of all entries together."
        yield planted("summed too much", said, partial(_other_softmax, upper, base, None, None))


def _of_log_softmax(recorded: Recorded, upper: int, base: int, axis: int) -> Group:
    where = recorded.say(upper)
    for label, text, law in _LOG_SOFTMAX_LAWS:
        yield planted(label, text.format(where), partial(_through_log_softmax, upper, base, axis, law))
    for text, function in _NO_SOFTMAX.items():
        said = f"Going back through {where} a softmax comes in: {text}."
        yield planted(FORM, said, partial(_through_other_weights, upper, base, axis, function))
    for other in _other_axes(recorded, base, axis):
        said = f"Going back through {where} the softmax is along axis {other} instead of {axis}."
        yield planted("wrong axis", said, partial(_other_log_softmax, upper, base, axis, other))
    if recorded.value(base).ndim > 1:
        said = f"Going back through {where} the softmax is one of all entries together instead of along axis {axis}."
        yield planted("summed too much", said, partial(_other_log_softmax, upper, base, axis, None))


def _of_sum_of_powers(recorded: Recorded, upper: int, base: int, axis: int) -> Group:
    said = f"The derivative of {recorded.say(upper)} is a softmax along axis {axis}"
    for other in _other_axes(recorded, base, axis):
        weights = partial(_softmax, axis=other)
        text = f"{said}; yours is along axis {other}."
        yield planted("wrong axis", text, partial(_weighted, upper, base, axis, weights))
    if recorded.value(base).ndim > 1:
        text = f"{said}; yours is one of all entries together."
        yield planted("summed too much", text, partial(_weighted, upper, base, axis, partial(_softmax, axis=None)))
    for text, function in _NO_SOFTMAX.items():
        yield planted(FORGOTTEN, f"{said}: {text}.", partial(_weighted, upper, base, axis, function))


def _other_axes(recorded: Recorded, line: int, axis: int) -> list[int]:
    return [other for other in range(recorded.value(line).ndim) if other != axis]


def _softmax(x: Array, axis: int | None) -> Array:
    powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return np.asarray(powers / np.sum(powers, axis=axis, keepdims=True))


def _softmaxes(recorded: Recorded, of: Callable[[Array], Array] = lambda y: y) -> Iterator[tuple[int, int, int]]:
    """(line, line of its argument, axis) of every line of which something is a softmax, as the values betray."""
    for upper in range(recorded.count, recorded.last + 1):
        y = of(recorded.value(upper))
        if y.ndim == 0 or not np.all((y >= 0) & (y <= 1)):
            continue
        for base in range(upper - 1, -1, -1):
            x = recorded.value(base)
            if x.shape == y.shape and recorded.depends(upper, base) and is_made_of(recorded, upper, base, "softmax"):
                for axis in range(y.ndim):
                    if y.shape[axis] > 1 and np.allclose(_softmax(x, axis), y, rtol=1e-11, atol=1e-13):
                        yield upper, base, axis


def _sums_of_powers(recorded: Recorded) -> Iterator[tuple[int, int, int]]:
    """(line, line of its argument, axis) of every log(sum(exp(x))) that the values betray, with its axis or without."""
    for upper in range(recorded.count, recorded.last + 1):
        y = recorded.value(upper)
        if recorded.names_of_rules[upper] not in ("log", "logsumexp", "add"):
            continue
        for base in range(upper - 1, -1, -1):
            x = recorded.value(base)
            if x.ndim < max(y.ndim, 1) or x.size <= y.size or not recorded.depends(upper, base):
                continue
            for axis in range(x.ndim):
                total = np.logaddexp.reduce(x, axis=axis, keepdims=True)
                if total.size == y.size and np.allclose(total.ravel(), y.ravel(), rtol=1e-12, atol=1e-13):
                    yield upper, base, axis


def _softmax_law(p: Array, axis: int | None, moving: Any) -> Any:
    return p * (moving - np.sum(p * moving, axis=axis, keepdims=True))


NormalisedLaw = Callable[[Array, int, Any], Any]  # of the softmax, its axis and what comes to it

_SOFTMAX_LAWS: tuple[tuple[str, str, NormalisedLaw], ...] = (
    (FORGOTTEN, "Going back through {} the sum lacks the softmax as a weight: p * (g - sum(p * g)).",
     lambda p, axis, g: p * (g - np.sum(g, axis=axis, keepdims=True))),
    ("mean for sum", "Going back through {} a mean stands where the sum weighted by the softmax belongs.",
     lambda p, axis, g: p * (g - np.sum(g, axis=axis, keepdims=True) / p.shape[axis])),
    ("sign of one term", "Going back through {} the second term has a minus: p * (g - sum(p * g)).",
     lambda p, axis, g: p * (g + np.sum(p * g, axis=axis, keepdims=True))),
    (FORGOTTEN, "Going back through {} the factor in front is missing: p * (g - sum(p * g)).",
     lambda p, axis, g: g - np.sum(p * g, axis=axis, keepdims=True)),
    ("wrong axis", "Going back through {} the sum runs over all axes instead of one.",
     lambda p, axis, g: p * (g - np.sum(p * g))),
    ("another derivative", "What you pass back through {} is the derivative of its logarithm.",
     lambda p, axis, g: g - p * np.sum(g, axis=axis, keepdims=True)),
    (FORM, "The Jacobian of {} is p_i (1 if i = j else 0) - p_i p_j: yours has a 1 for all i and j.",
     lambda p, axis, g: (1 - p) * np.sum(p * g, axis=axis, keepdims=True)),
    (FORM, "The Jacobian of {} is p_i (1 if i = j else 0) - p_i p_j: yours has a 1 for all i and j.",
     lambda p, axis, g: p * np.sum((1 - p) * g, axis=axis, keepdims=True)),
    (FORM, "The Jacobian of {} is p_i (1 if i = j else 0) - p_i p_j: yours has p_i**2 for p_i p_j.",
     lambda p, axis, g: p * g - np.sum(p * p * g, axis=axis, keepdims=True)),
    (FORM, "The Jacobian of {} is p_i (1 if i = j else 0) - p_i p_j: yours has p_j**2 for p_i p_j.",
     lambda p, axis, g: p * g - p * p * np.sum(g, axis=axis, keepdims=True)),
)  # fmt: skip


_LOG_SOFTMAX_LAWS: tuple[tuple[str, str, NormalisedLaw], ...] = (
    ("a path or term dropped", "Of the softmax's Jacobian in {} the diagonal alone is there: g * (1 - p).",
     lambda p, axis, g: g * (1 - p)),
    (FORGOTTEN, "Going back through {} a sum is missing: g - p * sum(g).", lambda p, axis, g: g - p * g),
    ("sign of one term", "Going back through {} the second term has a minus: g - p * sum(g).",
     lambda p, axis, g: g + p * np.sum(g, axis=axis, keepdims=True)),
    ("an extra factor", "Going back through {} the derivative of the softmax comes in: it cancels.",
     lambda p, axis, g: p * (1 - p) * (g - p * np.sum(g, axis=axis, keepdims=True))),
    (FORGOTTEN, "Going back through {} you stop at the softmax: its own derivative is missing.",
     lambda p, axis, g: g / p),
    (FORGOTTEN, "Going back through {} the derivative of the logarithm is missing: 1 / p.",
     lambda p, axis, g: p * (g - np.sum(p * g, axis=axis, keepdims=True))),
    ("a path or term dropped", "Going back through {} the first term is missing: g - p * sum(g).",
     lambda p, axis, g: -p * np.sum(g, axis=axis, keepdims=True)),
)  # fmt: skip


def _through_log_softmax(upper: int, base: int, axis: int, law: NormalisedLaw, recorded: Recorded) -> Edits:
    p = np.exp(recorded.value(upper))
    return [Edit(upper, base, law=lambda moving, passed: law(p, axis, moving))]


def _other_log_softmax(upper: int, base: int, axis: int, other: int | None, recorded: Recorded) -> Edits:
    p = _softmax(recorded.value(base), other)
    return [Edit(upper, base, law=lambda moving, passed: moving - p * np.sum(moving, axis=axis, keepdims=True))]


def _through_other_weights(upper: int, base: int, axis: int, of: Callable[[Array], Array], recorded: Recorded) -> Edits:
    weights = of(recorded.value(base))
    return [Edit(upper, base, law=lambda moving, passed: moving - weights * np.sum(moving, axis=axis, keepdims=True))]


def _through_softmax(upper: int, base: int, axis: int, law: NormalisedLaw, recorded: Recorded) -> Edits:
    p = recorded.value(upper)
    return [Edit(upper, base, law=lambda moving, passed: law(p, axis, moving))]


def _other_softmax(upper: int, base: int, axis: int | None, summed: int | None, recorded: Recorded) -> Edits:
    p = _softmax(recorded.value(base), axis)
    return [Edit(upper, base, law=lambda moving, passed: _softmax_law(p, summed, moving))]


_NO_SOFTMAX: dict[str, Callable[[Array], Array]] = {
    "1 stands in its place": np.ones_like,
    "its argument stands in its place": lambda x: x,
    "the exponentials are not divided by their sum": np.exp,
    "a sigmoid stands in its place": sigmoid,
}


def _weighted(upper: int, base: int, axis: int, of: Callable[[Array], Array], recorded: Recorded) -> Edits:
    x = recorded.value(base)
    weights = of(x)

    def law(moving: Any, passed: Any) -> Any:
        return weights * np.reshape(moving, tuple(1 if k == axis else n for k, n in enumerate(x.shape)))

    return [Edit(upper, base, law=law)]
