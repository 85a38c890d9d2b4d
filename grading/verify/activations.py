"""Activations: what they are, how they are found on a list, and what people write for their derivatives."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from grading.verify.exercise import Array
from grading.verify.faults import Recorded

Slope = Callable[[Array, Array], Array]

_SAME = 1e-11  # values that agree so far are those of the same function


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), entry by entry."""
    return 1 / (1 + np.exp(-x))


def softmax(x: Array) -> Array:
    """exp(x) / sum(exp(x)) along the last axis."""
    powers = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return np.asarray(powers / np.sum(powers, axis=-1, keepdims=True))


@dataclass(frozen=True)
class Activation:
    """A function of a layer, and its derivative from the argument and the value (of the softmax: its diagonal)."""

    name: str
    function: Callable[[Array], Array]
    slope: Slope
    scaled: bool = False  # the line is a multiple of the function: in a mean, or on the list of a gradient

    def form(self, slope: Slope) -> Slope:
        """A formula for the derivative of the function, as one for that of its multiple."""
        return _of_multiple(self.function, slope) if self.scaled else slope

    def of_value(self, x: Array, y: Array) -> Array:
        """The derivative with argument and value exchanged."""
        return self.slope(y, x)

    def at_value(self, x: Array, y: Array) -> Array:
        """The derivative at the value."""
        return self.slope(y, self.function(y))


ACTIVATIONS = (
    Activation("tanh", np.tanh, lambda x, y: 1 - y * y),
    Activation("sigmoid", sigmoid, lambda x, y: y * (1 - y)),
    Activation("ReLU", lambda x: np.maximum(x, 0.0), lambda x, y: 1.0 * (x > 0)),
    Activation("softplus", lambda x: np.logaddexp(0, x), lambda x, y: sigmoid(x)),
    Activation("softmax", softmax, lambda x, y: y * (1 - y)),
    Activation("SiLU", lambda x: x * sigmoid(x), lambda x, y: y + sigmoid(x) * (1 - y)),
)


_MULTIPLIED = tuple(known for known in ACTIVATIONS if known.name in ("tanh", "sigmoid"))


def explained(form: str, function: str) -> str:
    """A form without the letters x and y, which may name something else in an exercise, and what its words mean."""
    said = re.sub(r"\by\b", "output", re.sub(r"\bx\b", "input", form))
    meant = (f"input is what {function} is taken of", f"output is what {function} returns")
    told = " and ".join(text for text in meant if text.split()[0] in said)
    return f"{said}, where {told}" if told else said


# What is written for the derivative of an activation, of x = its argument and y = its value.
FORMS: dict[str, Slope] = {
    "1 + y**2": lambda x, y: 1 + y * y,
    "1 - y": lambda x, y: 1 - y,
    "y * (1 - y)": lambda x, y: y * (1 - y),
    "1 - y**2": lambda x, y: 1 - y * y,
    "y": lambda x, y: y,
    "y * (1 + y)": lambda x, y: y * (1 + y),
    "(1 - y)**2": lambda x, y: (1 - y) ** 2,
    "y**2 - 1": lambda x, y: y * y - 1,
    "y - y**3": lambda x, y: y * (1 - y * y),
    "y**2": lambda x, y: y * y,
    "sign(x)": lambda x, y: np.sign(x),
    "x > 0": lambda x, y: 1.0 * (x > 0),
    "sigmoid(x)": lambda x, y: sigmoid(x),
    "sigmoid'(x)": lambda x, y: sigmoid(x) * (1 - sigmoid(x)),
    "tanh'(x)": lambda x, y: 1 - np.tanh(x) ** 2,
    "x": lambda x, y: x,
    "exp(x)": lambda x, y: np.exp(x),
    "1 / y": lambda x, y: 1 / y,
    "sqrt(1 - y**2)": lambda x, y: np.sqrt(1 - y * y),
    "1 / (1 - y**2)": lambda x, y: 1 / (1 - y * y),
    "1 / (y * (1 - y))": lambda x, y: 1 / (y * (1 - y)),
    "1 + y": lambda x, y: 1 + y,
    "2 * y": lambda x, y: 2 * y,
    "y * (2 - y)": lambda x, y: y * (2 - y),
    "y * (1 - y) * (1 - 2 * y)": lambda x, y: y * (1 - y) * (1 - 2 * y),
    "-2 * y * (1 - y**2)": lambda x, y: -2 * y * (1 - y * y),
    "cos(x)": lambda x, y: np.cos(x),
}
# The same for other functions of single entries.
ENTRYWISE_FORMS: dict[str, Slope] = {
    "y": lambda x, y: y,
    "sin(x)": lambda x, y: np.sin(x),
    "cos(x)": lambda x, y: np.cos(x),
    "exp(x)": lambda x, y: np.exp(x),
    "x": lambda x, y: x,
    "1 / x": lambda x, y: 1 / x,
    "log(x)": lambda x, y: np.log(x),
    "x * exp(x - 1)": lambda x, y: x * np.exp(x - 1),
    "1 / x**2": lambda x, y: 1 / x**2,
    "sign(x)": lambda x, y: np.sign(x),
    "1 + y**2": lambda x, y: 1 + y * y,
    "1 - y**2": lambda x, y: 1 - y * y,
    "1 / (1 + x**2)": lambda x, y: 1 / (1 + x * x),
    "sqrt(1 - y**2)": lambda x, y: np.sqrt(1 - y * y),
    "1 - x**2": lambda x, y: 1 - x * x,
    "1 / y": lambda x, y: 1 / y,
    "y / x": lambda x, y: y / x,
    "x * y": lambda x, y: x * y,
    "1 / (x * log(x))": lambda x, y: 1 / (x * np.log(x)),
    "exp(-x)": lambda x, y: np.exp(-x),
    "cosh(x)": lambda x, y: np.cosh(x),
    "sinh(x)": lambda x, y: np.sinh(x),
    "1 / cos(x)": lambda x, y: 1 / np.cos(x),
    "tan(x)": lambda x, y: np.tan(x),
    "1 / (1 + x)": lambda x, y: 1 / (1 + x),
}


def activations(recorded: Recorded) -> list[tuple[int, int, Activation]]:
    """(line, line of its argument, which) for every activation that the values betray."""
    found = []
    for upper in range(recorded.count, recorded.last + 1):
        y = recorded.value(upper)
        for base in range(upper):
            x = recorded.value(base)
            if x.shape == y.shape and x.size and np.any(y) and recorded.depends(upper, base):
                found += [(upper, base, known) for known in (*ACTIVATIONS, *_leaky(x, y)) if _is(known, x, y)]
                found += [(upper, base, multiple) for known in _MULTIPLIED if (multiple := _multiple(known, x, y))]
    found = [(upper, base, which) for upper, base, which in found if is_made_of(recorded, upper, base, which.name)]
    return [entry for entry in found if not _inside(recorded, entry, found)]


_POWERS = {"exp", "exp2", "expm1"}
_CASES = {"maximum", "minimum", "fmax", "fmin", "max", "amax", "where", "clip", "absolute", "fabs", "relu", "heaviside"}
# Operations one of which must be there where somebody wrote an activation down: values alone may agree by accident,
# where numbers are very large or small, or all zero.
_MADE_OF = {
    "tanh": {"tanh", "sinh", "sigmoid", *_POWERS},
    "sigmoid": {"sigmoid", "tanh", "logaddexp", *_POWERS},
    "SiLU": {"sigmoid", "tanh", *_POWERS},
    "softplus": {"logaddexp", "logsumexp", "log", "log1p"},
    "softmax": {"sigmoid", "tanh", *_POWERS},
    "ReLU": _CASES,
    "leaky ReLU": _CASES,
}


def is_made_of(recorded: Recorded, upper: int, base: int, name: str) -> bool:
    """Whether something stands between two lines of which an activation of this name can be made."""
    between = (i for i in range(base + 1, upper + 1) if recorded.depends(upper, i) and recorded.depends(i, base))
    return any(
        recorded.names_of_rules[i] in _MADE_OF[name] or (_MADE_OF[name] is _CASES and _is_masked(recorded, i))
        for i in between
    )


def _is_masked(recorded: Recorded, line: int) -> bool:
    """Whether a line multiplies by an array that has two values, as (z > 0) has."""
    _, parents, args, _, _ = recorded.lines[line]
    fixed = [np.asarray(arg) for arg, parent in zip(args, parents, strict=True) if parent is None]
    return recorded.names_of_rules[line] == "multiply" and any(a.ndim and np.unique(a).size <= 2 for a in fixed)


def _leaky(x: Array, y: Array) -> list[Activation]:
    """The leaky ReLU with the slope below zero that these values have, if they have one."""
    below = np.flatnonzero(x < 0)
    if not below.size or below.size == x.size:
        return []
    leak = float(y.flat[below[0]] / x.flat[below[0]])
    if not 0 < leak < 1:
        return []
    return [
        Activation("leaky ReLU", lambda x: np.where(x > 0, x, leak * x), lambda x, y: np.where(x > 0, 1.0, leak)),
    ]


def _multiple(known: Activation, x: Array, y: Array) -> Activation | None:
    """The activation as the multiple of it that these values are, if they are one."""
    first = known.function(x.flat[0])
    if x.size < 3 or not first:
        return None
    times = y.flat[0] / first
    if abs(times - 1) < _SAME or not np.allclose(times * known.function(x), y, rtol=_SAME, atol=0):
        return None
    return Activation(known.name, known.function, _of_multiple(known.function, known.slope), scaled=True)


def _of_multiple(function: Callable[[Array], Array], slope: Slope) -> Slope:
    def of_multiple(x: Array, y: Array) -> Array:
        times = y.flat[0] / function(x).flat[0]  # it may be another one at another point: one over the batch
        return np.asarray(times * slope(x, y / times))

    return of_multiple


def _is(known: Activation, x: Array, y: Array) -> bool:
    if not np.any(y):
        return False  # nothing is any function's value
    if known.name == "softmax":
        if x.ndim == 0 or abs(y.reshape(-1, y.shape[-1])[0].sum() - 1) > _SAME:
            return False
    elif abs(known.function(x.flat[0]) - y.flat[0]) > _SAME or (known.name == "ReLU" and np.all(x > 0)):
        return False
    return bool(np.allclose(known.function(x), y, rtol=_SAME, atol=1e-13))


def _inside(recorded: Recorded, entry: tuple[int, int, Activation], found: list[tuple[int, int, Activation]]) -> bool:
    """Whether the same activation reaches less far elsewhere: relu(relu(x)) is relu(x) twice."""
    upper, base, known = entry
    return any(
        other.name == known.name and (u, b) != (upper, base) and base <= b and u <= upper and recorded.depends(upper, u)
        for u, b, other in found
    )
