"""What a rule is: the kind of an operation and ONE formula, from which both modes follow.

An operation y = f(a, b, ...) has a Jacobian J. Forward mode needs J u (the `jvp`), reverse mode J^T w (the `vjp`).
Typed by hand these are two formulas that can contradict each other; here the kind says how both follow from one:

kind          the one formula                          jvp                              vjp
elementwise   a partial derivative per argument        sum of partial * tangent         partial * g
linear        the transpose                            the operation on the tangents    the transpose
multilinear   a transpose per argument                 one argument at a time           the transpose of that argument
reduction     the weights dy/dx, with the shape of x   sum of weights * tangent         weights * g, spread back
custom        both, because nothing simpler holds      as given                         as given
composite     a definition by other operations         none of its own: it records the lines of its definition

Formulas are plain NumPy, so a formula applied to traced arrays is recorded like anything else: that is all there is to
higher derivatives. A vjp need not undo broadcasting nor care for dtypes: `modes.project` does, for every adjoint.

Sources: Griewank & Walther, Evaluating Derivatives, 2nd ed. 2008, chapters 3 and 6; the kinds are those of the rule
tables of ChainRules.jl and JAX, written anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any  # an ndarray, a NumPy scalar or a traced array: whatever NumPy accepts as an operand
Args: TypeAlias = tuple[Array, ...]
Tangents: TypeAlias = Sequence[Array | None]
Params: TypeAlias = Mapping[str, Any]
Interval: TypeAlias = tuple[float, float]
Function: TypeAlias = Callable[..., Any]

REAL: Interval = (-2.0, 2.0)
POSITIVE: Interval = (0.3, 3.0)
UNIT: Interval = (-0.9, 0.9)
ABOVE_ONE: Interval = (1.2, 3.0)

TABLE: dict[Any, Rule] = {}

# Operands that go on the tape as they are. A set lookup on the type is the cheapest test there is.
PLAIN = frozenset({float, int, bool, np.ndarray, np.float64, np.float32, np.int64, np.bool_})


class Rule:
    """One row of the table.

    key       the NumPy function students write, or a name if NumPy has none; the key in `TABLE`
    name      how the operation is called in tables and messages
    explain   one sentence on why the derivative is what it is
    formulas  the derivative, as the kind wants it
    evaluate  plain arrays -> plain array; called as evaluate(*args, **params)
    bind      NumPy's own signature -> (array arguments, params): axes counted from the front, defaults filled in
    domain    where to sample: an interval for every argument, or one interval per argument
    """

    __slots__ = ("bind", "direct", "domain", "evaluate", "explain", "formulas", "key", "name")
    kind = "rule"

    def __init__(
        self,
        key: Any,
        explain: str,
        *formulas: Any,
        evaluate: Function | None = None,
        bind: Function | None = None,
        domain: Interval | tuple[Interval, ...] = REAL,
    ) -> None:
        self.key, self.explain, self.formulas, self.bind, self.domain = key, explain, formulas, bind, domain
        self.name: str = key if isinstance(key, str) else key.__name__
        self.evaluate: Function = evaluate or key
        self.direct = bind is None and self.kind != "composite"  # NumPy's arguments are the rule's
        TABLE[key] = self

    def __repr__(self) -> str:
        return f"<{self.kind} rule {self.name}>"

    def jvp(self, tangents: Tangents, y: Array, args: Args, params: Params) -> Array:
        """J u: the tangent of y, given a tangent or None (a constant) for each argument; may still lack y's shape."""
        raise NotImplementedError(f"{self!r} has no jvp")

    def vjp(self, slot: int, g: Array, y: Array, args: Args, params: Params) -> Array:
        """J^T g for argument number `slot`; may still have the shape and dtype of y (see `modes.project`)."""
        raise NotImplementedError(f"{self!r} has no vjp")


class Elementwise(Rule):
    """y[i] = f(a[i], b[i], ...), broadcast. Formulas: each partial, a number or a function of (y, a, b, ...)."""

    __slots__ = ()
    kind = "elementwise"

    def jvp(self, tangents: Tangents, y: Array, args: Args, params: Params) -> Array:
        return total([self.vjp(slot, t, y, args, params) for slot, t in enumerate(tangents) if t is not None])

    def vjp(self, slot: int, g: Array, y: Array, args: Args, params: Params) -> Array:
        # A diagonal matrix is its own transpose: J u and J^T w are the same product.
        partial = self.formulas[slot]
        if callable(partial):
            return g * partial(y, *args)
        return g if partial == 1 else g * partial


class Linear(Rule):
    """y = L(a, b, ...), linear in all array arguments together. Formula: transpose(g, slot, args, **params)."""

    __slots__ = ()
    kind = "linear"

    def jvp(self, tangents: Tangents, y: Array, args: Args, params: Params) -> Array:
        complete = [np.zeros_like(a) if t is None else t for t, a in zip(tangents, args, strict=True)]
        return call(self, tuple(complete), params)

    def vjp(self, slot: int, g: Array, y: Array, args: Args, params: Params) -> Array:
        return self.formulas[0](g, slot, args, **params)


class Multilinear(Linear):
    """y = M(a, b, ...), linear in each argument while the others are held. Formula: as of `Linear`."""

    __slots__ = ()
    kind = "multilinear"

    def jvp(self, tangents: Tangents, y: Array, args: Args, params: Params) -> Array:
        moving = [(slot, t) for slot, t in enumerate(tangents) if t is not None]
        return total([call(self, (*args[:slot], t, *args[slot + 1 :]), params) for slot, t in moving])


class Reduction(Rule):
    """y = one number per slice of x along params["axis"]. Formula: weights(y, x, **params) = dy/dx, shaped like x.

    The formula gets y with its reduced axes kept as length 1.
    """

    __slots__ = ()
    kind = "reduction"

    def jvp(self, tangents: Tangents, y: Array, args: Args, params: Params) -> Array:
        weights = self.formulas[0](keep(y, args[0], params["axis"]), args[0], **params)
        return np.sum(weights * tangents[0], axis=params["axis"], keepdims=params["keepdims"])

    def vjp(self, slot: int, g: Array, y: Array, args: Args, params: Params) -> Array:
        x, axis = args[0], params["axis"]
        return keep(g, x, axis) * self.formulas[0](keep(y, x, axis), x, **params)


class Custom(Rule):
    """Formulas: both modes, push(tangents, y, args, **params) and pull(slot, g, y, args, **params)."""

    __slots__ = ()
    kind = "custom"

    def jvp(self, tangents: Tangents, y: Array, args: Args, params: Params) -> Array:
        return self.formulas[0](tangents, y, args, **params)

    def vjp(self, slot: int, g: Array, y: Array, args: Args, params: Params) -> Array:
        return self.formulas[1](slot, g, y, args, **params)


class Composite(Rule):
    """An operation that is defined by others, and leaves their lines on the tape. Signature as in NumPy."""

    __slots__ = ()
    kind = "composite"


def call(rule: Rule, args: Args, params: Params) -> Array:
    """The operation itself, on arrays of which the outermost traced one, if any, does the recording."""
    top: Any = None
    for a in args:
        if a.__class__ not in PLAIN and hasattr(a, "emit") and (top is None or a.level > top.level):
            top = a
    return rule.evaluate(*args, **params) if top is None else top.emit(rule, args, params)


def total(terms: list[Array]) -> Array:
    """The sum of one or more arrays, without a zero to start from (a 0 would not be an array, nor have a dtype)."""
    result = terms[0]
    for term in terms[1:]:
        result = result + term
    return result


def keep(y: Array, x: Array, axis: tuple[int, ...]) -> Array:
    """y, reduced from x along axis, with the reduced axes present as length 1, so that it broadcasts against x."""
    if not y.shape or len(y.shape) == len(x.shape):
        return y
    shape = list(x.shape)
    for i in axis:
        shape[i] = 1
    return y.reshape(shape)


def filled(g: Array, shape: tuple[int, ...]) -> Array:
    """g broadcast to a shape: an array of its own where that is possible, to be added to and given away."""
    if hasattr(g, "emit"):
        return np.broadcast_to(g, shape)
    out = np.empty(shape, g.dtype)
    out[...] = g
    return out


def reduced_size(x: Array, axis: tuple[int, ...]) -> int:
    """How many entries of x go into one entry of the reduction along axis."""
    return math.prod(x.shape[i] for i in axis)
