"""The table: one row per operation.

Read a row as: this NumPy function, this is why, this formula, sample it there. `rule.py` says what each kind derives
from its formula. A new elementwise operation is one more row.

In formulas y is the value of the operation and x, a, b its arguments, so that nothing is computed twice. Constants are
Python numbers (math.log, not np.log): a NumPy float64 would turn a float32 computation into float64.

Where a function has no derivative the table takes the convention of PyTorch, so that both witnesses agree: |x|' = 0 at
0, the norm has gradient 0 at 0, np.clip passes the gradient on its bounds, ties of np.max share it equally, ties of
np.maximum(a, b) between two arrays give half to each. Against a plain number the number wins the tie:
np.maximum(x, 0) is a threshold, and its derivative at 0 is 0, as relu'(0) = 0 in the whole course.
"""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np

from autodiff.rule import (
    ABOVE_ONE,
    POSITIVE,
    REAL,
    TABLE,
    UNIT,
    Array,
    Composite,
    Custom,
    Elementwise,
    Linear,
    Multilinear,
    Reduction,
    call,
    composite,
    filled,
    keep,
    reduced_size,
    total,
)
from autodiff.tape import ADVICE, FACTS, RefusalError, binary, operand, strip

Bound = tuple[tuple[Array, ...], dict[str, Any]]

# --- arithmetic ------------------------------------------------------------------------------------------------------


def power_base(y: Array, a: Array, b: Array) -> Array:
    """b a^(b-1), and 0 for b = 0 even at a = 0."""
    if isinstance(b, (int, float)):
        return b * a ** (b - 1) if b else 0.0 * a
    return b * a ** np.where(b == 0, 1.0, b - 1)


def power_exponent(y: Array, a: Array, b: Array) -> Array:
    """y log a, continued by 0 to a = 0."""
    return y * np.log(np.where(strip(a) == 0, 1.0, a))


Elementwise(np.add, "a sum passes the adjoint to both terms unchanged", 1, 1, evaluate=operator.add)
Elementwise(np.subtract, "a difference passes it on, with a minus to the second term", 1, -1, evaluate=operator.sub)
Elementwise(np.multiply, "the other factor", lambda y, a, b: b, lambda y, a, b: a, evaluate=operator.mul)
Elementwise(
    np.divide,
    "a/b grows by 1/b with a and falls by a/b^2 with b",
    lambda y, a, b: 1 / b,
    lambda y, a, b: -y / b,
    evaluate=operator.truediv,
    domain=(REAL, POSITIVE),
)
Elementwise(
    np.power, "b a^(b-1); a^b log a", power_base, power_exponent, evaluate=operator.pow, domain=(POSITIVE, REAL)
)
Elementwise(np.float_power, "as np.power", power_base, power_exponent, domain=(POSITIVE, REAL))
Elementwise(np.negative, "a minus sign stays a minus sign", -1, evaluate=operator.neg)
Elementwise(np.positive, "nothing happens, and nothing happens to the adjoint", 1)
Elementwise(np.reciprocal, "(1/x)' = -1/x^2", lambda y, x: -y * y, domain=POSITIVE)
Elementwise(np.square, "(x^2)' = 2x", lambda y, x: 2 * x)
Elementwise(
    np.remainder,
    "a - b floor(a/b), and the floor is flat between its jumps",
    1,
    lambda y, a, b: -np.floor(a / b),
    evaluate=operator.mod,
    domain=(REAL, POSITIVE),
)
Elementwise(np.floor_divide, "flat between jumps", 0, 0, evaluate=operator.floordiv, domain=(REAL, POSITIVE))

# --- exponentials, logarithms, roots ---------------------------------------------------------------------------------

Elementwise(np.exp, "exp is its own derivative", lambda y, x: y)
Elementwise(np.expm1, "the derivative of exp; y + 1 would lose digits near -inf", lambda y, x: np.exp(x))
Elementwise(np.exp2, "2^x = exp(x log 2)", lambda y, x: y * math.log(2))
Elementwise(np.log, "(log x)' = 1/x", lambda y, x: 1 / x, domain=POSITIVE)
Elementwise(np.log1p, "log of 1 + x", lambda y, x: 1 / (1 + x), domain=POSITIVE)
Elementwise(np.log2, "log x / log 2", lambda y, x: 1 / (x * math.log(2)), domain=POSITIVE)
Elementwise(np.log10, "log x / log 10", lambda y, x: 1 / (x * math.log(10)), domain=POSITIVE)
Elementwise(np.sqrt, "half of 1/sqrt(x)", lambda y, x: 0.5 / y, domain=POSITIVE)
Elementwise(np.cbrt, "a third of x^(-2/3)", lambda y, x: 1 / (3 * y * y), domain=POSITIVE)
Elementwise(
    np.logaddexp, "its share of the sum; a - y <= 0", lambda y, a, b: np.exp(a - y), lambda y, a, b: np.exp(b - y)
)
Elementwise(np.logaddexp2, "as logaddexp, in base 2", lambda y, a, b: np.exp2(a - y), lambda y, a, b: np.exp2(b - y))

# --- trigonometric and hyperbolic ------------------------------------------------------------------------------------

Elementwise(np.sin, "sin' = cos", lambda y, x: np.cos(x))
Elementwise(np.cos, "cos' = -sin", lambda y, x: -np.sin(x))
Elementwise(np.tan, "tan' = 1 + tan^2", lambda y, x: 1 + y * y, domain=UNIT)
Elementwise(np.arcsin, "inverse of sin: 1/cos(y)", lambda y, x: 1 / np.sqrt(1 - x * x), domain=UNIT)
Elementwise(np.arccos, "pi/2 - arcsin", lambda y, x: -1 / np.sqrt(1 - x * x), domain=UNIT)
Elementwise(np.arctan, "inverse of tan: 1/(1 + tan(y)^2)", lambda y, x: 1 / (1 + x * x))
Elementwise(np.sinh, "sinh' = cosh", lambda y, x: np.cosh(x))
Elementwise(np.cosh, "cosh' = sinh", lambda y, x: np.sinh(x))
Elementwise(np.tanh, "tanh' = 1 - tanh^2, from the value itself: nothing overflows", lambda y, x: 1 - y * y)
Elementwise(np.arcsinh, "inverse of sinh: 1/cosh(y)", lambda y, x: 1 / np.sqrt(x * x + 1))
Elementwise(np.arccosh, "inverse of cosh: 1/sinh(y)", lambda y, x: 1 / np.sqrt(x * x - 1), domain=ABOVE_ONE)
Elementwise(np.arctanh, "inverse of tanh: 1/(1 - tanh(y)^2)", lambda y, x: 1 / (1 - x * x), domain=UNIT)
Elementwise(
    np.arctan2,
    "the angle of the point (b, a) turns by the part of a step across the radius, over the radius",
    lambda y, a, b: b / (a * a + b * b),
    lambda y, a, b: -a / (a * a + b * b),
    domain=POSITIVE,
)
Elementwise(np.hypot, "the unit vector", lambda y, a, b: a / y, lambda y, a, b: b / y, domain=POSITIVE)
for degrees in (np.degrees, np.rad2deg):
    Elementwise(degrees, "a change of unit", 180 / math.pi)
for radians in (np.radians, np.deg2rad):
    Elementwise(radians, "a change of unit", math.pi / 180)

# --- kinks and steps -------------------------------------------------------------------------------------------------


def tie(y: Array, a: Array, b: Array) -> Array:
    """1 where y came from a alone, 1/2 where from both."""
    return (y == a) * (1 - 0.5 * (a == b))


for key, ufunc in (("greater_of", np.maximum), ("lesser_of", np.minimum)):
    halves = (tie, lambda y, a, b: tie(y, b, a))
    Elementwise(key, "the one taken; equal ones share", *halves, evaluate=ufunc, name=ufunc.__name__)
for key, ufunc in (("threshold_below", np.maximum), ("threshold_above", np.minimum)):
    Elementwise(key, "1 until the number takes over", lambda y, a, b: y != b, 0, evaluate=ufunc, name=ufunc.__name__)


@composite(np.maximum)
def maximum(a: Array, b: Array) -> Array:
    """Two arrays, or an array against a plain number: they differ in what a tie means."""
    a, b = (b, a) if is_number(a) else (a, b)
    return binary(TABLE["threshold_below" if is_number(b) else "greater_of"], a, b)


@composite(np.minimum)
def minimum(a: Array, b: Array) -> Array:
    """As maximum."""
    a, b = (b, a) if is_number(a) else (a, b)
    return binary(TABLE["threshold_above" if is_number(b) else "lesser_of"], a, b)


def is_number(a: Any) -> bool:
    """A plain, untraced number."""
    return isinstance(a, (int, float, np.generic))


def bind_clip(a: Array, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Bound:
    """Missing bounds are infinite."""
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    return (a, -math.inf if low is None else low, math.inf if high is None else high), {}


Elementwise(
    np.clip,
    "the adjoint goes to x between the bounds, else to the bound",
    lambda y, x, low, high: (x >= low) & (x <= high),
    lambda y, x, low, high: (x < low) & (low <= high),
    lambda y, x, low, high: (x > high) | (low > high),
    bind=bind_clip,
    domain=(REAL, (-1.5, -0.5), (0.5, 1.5)),
)
Elementwise(np.absolute, "the sign; 0 at 0", lambda y, x: np.sign(x))
Elementwise(np.fabs, "as np.absolute", lambda y, x: np.sign(x))
for step in (np.sign, np.floor, np.ceil, np.rint, np.trunc):
    Elementwise(step, "constant between its jumps, so the derivative is 0", 0)
for rounding in (np.round, np.around):
    Elementwise(rounding, "constant between its jumps", 0, bind=lambda a, decimals=0: ((a,), {"decimals": decimals}))


def transpose_where(g: Array, slot: int, args: tuple[Array, ...], condition: Array) -> Array:
    """The adjoint where this argument was taken, zero elsewhere: never g * 0, which is nan for an infinite g."""
    return np.where(condition, g, 0) if slot == 0 else np.where(condition, 0, g)


Linear(
    np.where,
    "each entry's adjoint goes where the entry came from",
    transpose_where,
    bind=lambda condition, x, y: ((x, y), {"condition": strip(condition)}),
    evaluate=lambda a, b, condition: np.where(condition, a, b),
)

# --- reductions ------------------------------------------------------------------------------------------------------


def axes_of(a: Array, axis: Any) -> tuple[int, ...]:
    """axis as NumPy takes it (None, an integer, a tuple; negative from the back) as a tuple counted from the front."""
    if axis is None:
        return tuple(range(a.ndim))
    return tuple(axis_of(a.ndim, i) for i in (axis if isinstance(axis, (tuple, list)) else (axis,)))


def axis_of(ndim: int, axis: int) -> int:
    """One axis, counted from the front."""
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return operator.index(axis) % ndim


def bind_reduction(a: Array, axis: Any = None, *, keepdims: bool = False) -> Bound:
    """NumPy's sum(a, axis, keepdims) and its kin."""
    return (a,), {"axis": axes_of(a, axis), "keepdims": bool(keepdims)}


def bind_spread(a: Array, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Bound:
    """var and std."""
    return (a,), {"axis": axes_of(a, axis), "keepdims": bool(keepdims), "ddof": ddof}


def quotient(a: Array, b: Array) -> Array:
    """a / b, and 0 where b is 0: the convention for a kink at 0."""
    return np.where(strip(b) == 0, 0, a / np.where(strip(b) == 0, 1, b))


def weights_extremum(y: Array, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    """1 at the extremum, shared equally by ties."""
    hit = x == y
    return hit / np.sum(hit, axis=axis, keepdims=True)


def weights_product(y: Array, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    """The product of the others: y / x, or with a zero in x, the products written out, each without one factor."""
    if np.all(strip(x) != 0):
        return y / x
    n, rest = reduced_size(x, axis), tuple(i for i in range(x.ndim) if i not in axis)
    rows = np.reshape(np.transpose(x, rest + axis), (-1, 1, n))
    others = np.prod(np.where(np.eye(n, dtype=bool), 1, rows), axis=-1)
    moved = np.reshape(others, tuple(x.shape[i] for i in rest + axis))
    return np.transpose(moved, tuple(int(i) for i in np.argsort(rest + axis)))


def weights_variance(y: Array, x: Array, axis: tuple[int, ...], keepdims: bool, ddof: float) -> Array:
    """2 (x - mean) / (n - ddof): the mean moves too, but the deviations from it sum to 0."""
    return (x - np.mean(x, axis=axis, keepdims=True)) * (2 / (reduced_size(x, axis) - ddof))


def weights_deviation(y: Array, x: Array, axis: tuple[int, ...], keepdims: bool, ddof: float) -> Array:
    """Those of the variance over 2y; 0 where all entries are equal."""
    return quotient((x - np.mean(x, axis=axis, keepdims=True)) * (1 / (reduced_size(x, axis) - ddof)), y)


def euclidean(x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    """The root of the sum of squares."""
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))


def plain_mean(x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    """The sum over the number of terms; NumPy's own for float16, whose sums need a wider type."""
    if x.dtype == np.float16:
        return np.mean(x, axis=axis, keepdims=keepdims)
    return np.add.reduce(x, axis=axis, keepdims=keepdims) / reduced_size(x, axis)


Linear(
    np.sum,
    "every term gets the adjoint of the sum",
    lambda g, slot, args, axis, keepdims: filled(keep(g, args[0], axis), args[0].shape),
    bind=bind_reduction,
    evaluate=np.add.reduce,
)
Linear(
    np.mean,
    "an n-th part each",
    lambda g, slot, args, axis, keepdims: filled(keep(g / reduced_size(args[0], axis), args[0], axis), args[0].shape),
    bind=bind_reduction,
    evaluate=plain_mean,
)
Reduction(np.prod, "every factor gets the product of the others", weights_product, bind=bind_reduction)
for largest in (np.max, np.amax):
    Reduction(largest, "the largest entry gets the adjoint; ties share it", weights_extremum, bind=bind_reduction)
for smallest in (np.min, np.amin):
    Reduction(smallest, "the smallest entry gets the adjoint; ties share it", weights_extremum, bind=bind_reduction)
Reduction(np.var, "twice the deviation from the mean, over n", weights_variance, bind=bind_spread)
Reduction(np.std, "the deviation from the mean, over n times the result", weights_deviation, bind=bind_spread)
Reduction("euclidean", "the unit vector", lambda y, x, axis, keepdims: quotient(x, y), evaluate=euclidean)


def bind_cumsum(a: Array, axis: int | None = None) -> Bound:
    """Without an axis the array is flattened first, and that is a line of its own."""
    return ((np.ravel(a),), {"axis": 0}) if axis is None else ((a,), {"axis": axis_of(a.ndim, axis)})


def transpose_cumsum(g: Array, slot: int, args: tuple[Array, ...], axis: int) -> Array:
    """The sums from the other end."""
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)


Linear(
    np.cumsum, "an entry is in every later sum: adjoints are summed from the end", transpose_cumsum, bind=bind_cumsum
)

# --- products --------------------------------------------------------------------------------------------------------


def transpose_matmul(g: Array, slot: int, args: tuple[Array, ...]) -> Array:
    """G B^T and A^T G. A vector counts as a row on the left, as a column on the right."""
    a, b = args
    if a.ndim == 2 and b.ndim == 2:
        return g @ b.T if slot == 0 else a.T @ g
    if a.ndim == 1 and b.ndim == 1:
        return g * args[1 - slot]
    rows, columns = (a[None, :] if a.ndim == 1 else a), (b[:, None] if b.ndim == 1 else b)
    g = g[..., None] if b.ndim == 1 else g
    g = g[..., None, :] if a.ndim == 1 else g
    if slot == 0:
        return g @ np.swapaxes(columns, -1, -2)
    out = np.swapaxes(rows, -1, -2) @ g
    return out[..., 0] if b.ndim == 1 else out


@composite(np.dot)
def dot(a: Array, b: Array) -> Array:
    """np.dot: a product with a number, a matrix product, or the last axis of a against the last but one of b."""
    a, b = operand(a), operand(b)
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    if a.ndim <= 2 and b.ndim <= 2:
        return a @ b
    return np.tensordot(a, b, axes=(-1, max(b.ndim - 2, 0)))


@composite(np.inner)
def inner(a: Array, b: Array) -> Array:
    """np.inner: the last axes against each other."""
    a, b = operand(a), operand(b)
    return a * b if np.ndim(a) == 0 or np.ndim(b) == 0 else np.tensordot(a, b, axes=(-1, -1))


@composite(np.outer)
def outer(a: Array, b: Array) -> Array:
    """np.outer: every entry of a times every entry of b, both flattened."""
    return np.reshape(operand(a), (-1, 1)) * np.reshape(operand(b), (1, -1))


@composite(np.kron)
def kron(a: Array, b: Array) -> Array:
    """np.kron: the axes of a outside, those of b inside."""
    a, b = operand(a), operand(b)
    ndim = max(np.ndim(a), np.ndim(b))
    a, b = (np.reshape(m, (1,) * (ndim - np.ndim(m)) + np.shape(m)) for m in (a, b))
    product = np.expand_dims(a, tuple(range(1, 2 * ndim, 2))) * np.expand_dims(b, tuple(range(0, 2 * ndim, 2)))
    return np.reshape(product, tuple(n * m for n, m in zip(a.shape, b.shape, strict=True)))


def bind_tensordot(a: Array, b: Array, axes: Any = 2) -> Bound:
    """Axes as two tuples of equal length, counted from the front."""
    a, b = operand(a), operand(b)
    if isinstance(axes, int):
        return (a, b), {"axes": (tuple(range(a.ndim - axes, a.ndim)), tuple(range(axes)))}
    return (a, b), {"axes": (axes_of(a, axes[0]), axes_of(b, axes[1]))}


def transpose_tensordot(g: Array, slot: int, args: tuple[Array, ...], axes: tuple[tuple[int, ...], ...]) -> Array:
    """The adjoint against the other factor's free axes, then every axis back to where this factor had it."""
    mine, other = axes[slot], axes[1 - slot]
    factor = args[1 - slot]
    free = [i for i in range(args[slot].ndim) if i not in mine]
    free_other = tuple(i for i in range(factor.ndim) if i not in other)
    held = tuple(range(len(free), g.ndim)) if slot == 0 else tuple(range(g.ndim - len(free)))
    product = np.tensordot(g, factor, axes=(held, free_other))
    # The contracted axes of the other factor are left over, in its order.
    order = free + [mine[other.index(i)] for i in sorted(other)]
    return np.transpose(product, tuple(order.index(i) for i in range(len(order))))


def bind_einsum(subscripts: Any, *operands: Array, optimize: Any = False) -> Bound:
    """Subscripts with every ellipsis written out in unused letters, and the output named."""
    if not isinstance(subscripts, str):
        raise TypeError("np.einsum takes its subscripts as a string here: np.einsum('ij,j->i', A, x)")
    arrays = tuple(operand(a) for a in operands)
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    unused = [c for c in map(chr, range(ord("A"), ord("z") + 1)) if c.isalpha() and c not in subscripts]
    extra = [
        np.ndim(a) - len(term.replace("...", "")) if "..." in term else 0 for a, term in zip(arrays, terms, strict=True)
    ]
    longest = "".join(unused[: max(extra)])
    if not arrow:
        letters = left.replace("...", "").replace(",", "")
        right = ("..." if "..." in left else "") + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    terms = [term.replace("...", longest[len(longest) - n :]) for term, n in zip(terms, extra, strict=True)]
    return arrays, {"subscripts": ",".join(terms) + "->" + right.replace("...", longest), "optimize": optimize}


def transpose_einsum(g: Array, slot: int, args: tuple[Array, ...], subscripts: str, optimize: Any) -> Array:
    """One einsum of the adjoint with the other operands, naming this operand's letters for its output.

    A letter of this operand that occurs nowhere else was summed over: a vector of ones spreads it. A letter that occurs
    twice in it picked a diagonal: an identity puts it back there.
    """
    left, right = subscripts.split("->")
    terms = left.split(",")
    mine = terms[slot]
    others = [(term, a) for k, (term, a) in enumerate(zip(terms, args, strict=True)) if k != slot]
    unused = iter(c for c in map(chr, range(ord("A"), ord("z") + 1)) if c.isalpha() and c not in subscripts)
    factors: list[tuple[str, Array]] = [(right, g), *others]
    present = set(right).union(*(term for term, _ in others))
    target = ""
    for letter, n in zip(mine, args[slot].shape, strict=True):
        if letter in target:
            fresh = next(unused)
            factors.append((letter + fresh, np.eye(n, dtype=g.dtype)))
            target += fresh
            continue
        if letter not in present:
            factors.append((letter, np.ones(n, dtype=g.dtype)))
        target += letter
    equation = ",".join(term for term, _ in factors) + "->" + target
    return np.einsum(equation, *(a for _, a in factors), optimize=len(factors) > 2)


Multilinear(np.matmul, "of Y = A B: G B^T for A, A^T G for B", transpose_matmul, evaluate=operator.matmul)
Composite(np.vdot, "flattened, then multiplied", evaluate=lambda a, b: np.ravel(operand(a)) @ np.ravel(operand(b)))
Multilinear(np.tensordot, "the adjoint contracted with the other factor", transpose_tensordot, bind=bind_tensordot)
Multilinear(
    np.einsum,
    "the same sum, with the adjoint in this operand's place",
    transpose_einsum,
    bind=bind_einsum,
    evaluate=lambda *args, subscripts, optimize: np.einsum(subscripts, *args, optimize=optimize),
)

# --- shapes ----------------------------------------------------------------------------------------------------------


def bind_reshape(a: Array, shape: Any, order: str = "C") -> Bound:
    """The shape in full, with -1 filled in."""
    wanted = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if order not in ("C", "F"):
        raise TypeError(f"order={order!r} depends on the memory layout; only 'C' and 'F' do not")
    known = math.prod(n for n in wanted if n != -1)
    filled = tuple(int(n) if n != -1 else a.size // max(known, 1) for n in wanted)
    return (a,), {"shape": filled, "order": order}


def reshape(x: Array, shape: tuple[int, ...], order: Any) -> Array:
    """np.reshape, with its arguments by name."""
    return np.reshape(x, shape, order=order)


def transpose_reshape(g: Array, slot: int, args: tuple[Array, ...], shape: tuple[int, ...], order: Any) -> Array:
    """Back to the first shape, in the same order."""
    return np.reshape(g, args[0].shape, order=order)


def bind_transpose(a: Array, axes: Any = None) -> Bound:
    """The axes in full, counted from the front."""
    return (a,), {"axes": tuple(reversed(range(a.ndim))) if axes is None else axes_of(a, axes)}


def reshaped(function: Any) -> Any:
    """The definition of a NumPy function that only changes the shape: NumPy itself says to which, without data."""
    return lambda a, *args, **params: np.reshape(a, function(np.broadcast_to(0, a.shape), *args, **params).shape)


def permuted(function: Any) -> Any:
    """The definition of a NumPy function that only orders axes: a shape of distinct lengths shows how."""

    def definition(a: Array, *args: Any, **params: Any) -> Array:
        shape = function(np.broadcast_to(0, range(2, 2 + a.ndim)), *args, **params).shape
        return np.transpose(a, tuple(n - 2 for n in shape))

    return definition


Linear(np.reshape, "the same numbers, shaped back", transpose_reshape, bind=bind_reshape, evaluate=reshape)
Linear(
    np.transpose,
    "the axes go back where they came from",
    lambda g, slot, args, axes: np.transpose(g, tuple(axes.index(i) for i in range(len(axes)))),
    bind=bind_transpose,
)
Linear(
    np.broadcast_to,
    "one entry used many times: the gate sums the adjoint over the copies",
    lambda g, slot, args, shape: g,
    bind=lambda array, shape: ((array,), {"shape": shape if isinstance(shape, tuple) else (shape,)}),
)
Linear("astype", "the gate casts back", lambda g, slot, args, dtype: g, evaluate=lambda x, dtype: x.astype(dtype))
Composite(np.ravel, "reshape to one axis", evaluate=lambda a, order="C": np.reshape(a, (-1,), order=order))
Composite(np.copy, "traced arrays never change, so a copy is the array", evaluate=lambda a: a)
for function in (np.expand_dims, np.squeeze, np.atleast_1d, np.atleast_2d, np.atleast_3d):
    Composite(function, "np.reshape to the shape that results", evaluate=reshaped(function))
for function in (np.swapaxes, np.moveaxis, np.rollaxis, np.matrix_transpose, np.linalg.matrix_transpose):
    Composite(function, "np.transpose in the order that results", evaluate=permuted(function))

# --- joining, splitting ----------------------------------------------------------------------------------------------


def bind_concatenate(arrays: Any, axis: int | None = 0) -> Bound:
    """A flat join flattens first; the axis counted from the front."""
    parts = tuple(map(operand, arrays))
    if axis is None:
        return tuple(np.ravel(a) for a in parts), {"axis": 0}
    return parts, {"axis": axis_of(parts[0].ndim, axis)}


def transpose_concatenate(g: Array, slot: int, args: tuple[Array, ...], axis: int) -> Array:
    """The piece of the adjoint that this array contributed."""
    start = sum(a.shape[axis] for a in args[:slot])
    return pick(g, axis, slice(start, start + args[slot].shape[axis]))


def joined(ndim: int, axis: int) -> Any:
    """The definition of hstack and its kin: arrays of at least so many axes, joined along one; vectors along 0."""

    def definition(tup: Any) -> Array:
        parts = [(np.atleast_1d, np.atleast_2d, np.atleast_3d)[ndim - 1](operand(a)) for a in tup]
        return np.concatenate(parts, axis=min(axis, parts[0].ndim - 1))

    return definition


def pick(a: Array, axis: int, index: Any) -> Array:
    """Entries along one axis, counted from the front."""
    return a[(slice(None),) * axis + (index,)]


def divided(function: Any, fixed: int | None = None) -> Any:
    """The definition of np.split and its kin: NumPy divides the positions along the axis, slices pick the pieces."""

    def definition(ary: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
        along = axis_of(ary.ndim, axis if fixed is None else min(fixed, ary.ndim - 1))
        pieces = function(np.arange(ary.shape[along]), indices_or_sections)
        return [pick(ary, along, slice(*((p[0], p[-1] + 1) if len(p) else (0, 0)))) for p in pieces]

    return definition


Linear(
    np.concatenate,
    "every array gets its piece of the adjoint",
    transpose_concatenate,
    bind=bind_concatenate,
    evaluate=lambda *arrays, axis: np.concatenate(arrays, axis=axis),
)
Composite(
    np.stack,
    "a new axis in each, then joined along it",
    evaluate=lambda arrays, axis=0: np.concatenate([np.expand_dims(operand(a), axis) for a in arrays], axis=axis),
)
Composite(
    np.column_stack,
    "vectors become columns, then joined",
    evaluate=lambda tup: np.concatenate([np.reshape(a, (-1, 1)) if np.ndim(a) < 2 else a for a in tup], axis=1),
)
for function, ndim, axis in ((np.hstack, 1, 1), (np.vstack, 2, 0), (np.dstack, 3, 2)):
    Composite(function, "np.concatenate", evaluate=joined(ndim, axis))
Composite(np.append, "np.concatenate", evaluate=lambda arr, values, axis=None: np.concatenate([arr, values], axis=axis))
for function, divide, fixed in (
    *((np.split, np.split, None), (np.array_split, np.array_split, None)),
    *((np.hsplit, np.split, 1), (np.vsplit, np.split, 0), (np.dsplit, np.split, 2)),
):
    Composite(function, "a list of slices", evaluate=divided(divide, fixed))

# --- picking entries -------------------------------------------------------------------------------------------------


def is_basic(index: Any) -> bool:
    """Whether an index is made of integers, slices, ellipsis and newaxis: then it names no entry twice."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is Ellipsis or isinstance(part, (int, np.integer, slice)) for part in parts)


def scatter(x: Array, index: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of this shape to which x is added at index; an entry that index names twice receives both."""
    out = np.zeros(shape, x.dtype)
    if is_basic(index):
        out[index] = x
    elif (
        len(shape) == 1
        and isinstance(index, np.ndarray)
        and index.dtype.kind in "iu"
        and index.size
        and index.min() >= 0
    ):
        out += np.bincount(index.ravel(), np.broadcast_to(x, index.shape).ravel(), shape[0])
    else:
        np.add.at(out, index, x)
    return out


def rearranged(function: Any) -> Any:
    """The definition of a NumPy function that only moves, repeats or drops entries: applied to their numbers, it says
    which entry goes where, whatever its arguments mean."""

    def definition(a: Array, *args: Any, **params: Any) -> Array:
        numbers = np.reshape(np.arange(a.size), a.shape)
        return np.ravel(a)[function(numbers, *map(strip, args), **{k: strip(v) for k, v in params.items()})]

    return definition


@composite(np.flip)
def flip(m: Array, axis: Any = None) -> Array:
    """np.flip: the chosen axes backwards, as slices with step -1."""
    backwards = axes_of(m, axis)
    return m[tuple(slice(None, None, -1) if i in backwards else slice(None) for i in range(m.ndim))]


@composite(np.pad)
def pad(array: Array, pad_width: Any, mode: Any = "constant", **params: Any) -> Array:
    """np.pad: entries repeated, or constants around the array."""
    if mode in ("edge", "wrap") or (mode in ("reflect", "symmetric") and params.get("reflect_type", "even") == "even"):
        return rearranged(np.pad)(array, pad_width, mode, **params)
    if mode != "constant":
        raise RefusalError(f"np.pad(mode={mode!r}) has no rule. Write np.concatenate([before, x, after]).")
    inside = np.pad(np.ones(array.shape, bool), pad_width)
    around = np.pad(np.zeros(array.shape, array.dtype), pad_width, **params)
    return call(TABLE["scatter"], (np.ravel(array),), {"index": inside, "shape": inside.shape}) + around


@composite(np.sort)
def sort(a: Array, axis: int | None = -1) -> Array:
    """np.sort: the entries in the order of their values."""
    if axis is None:
        return sort(np.ravel(a))
    return np.take_along_axis(a, np.argsort(strip(a), axis=axis, kind="stable"), axis=axis)


@composite(np.diag)
def diag(v: Array, k: int = 0) -> Array:
    """np.diag: the diagonal of a matrix, or the matrix with this diagonal."""
    if v.ndim == 2:
        return np.diagonal(v, k)
    places = np.diag(np.ones(v.shape, bool), k)
    return call(TABLE["scatter"], (v,), {"index": places, "shape": places.shape})


Linear(
    "getitem",
    "picked entries get the adjoint, added up where picked twice",
    lambda g, slot, args, index: call(TABLE["scatter"], (g,), {"index": index, "shape": args[0].shape}),
    evaluate=lambda x, index: x[index],
)
Linear("scatter", "the adjoint of where it went", lambda g, slot, args, index, shape: g[index], evaluate=scatter)
for function in (np.roll, np.repeat, np.tile, np.take, np.take_along_axis, np.diagonal, np.linalg.diagonal, np.rot90):
    Composite(function, "the entries that it names", evaluate=rearranged(function))
for function in (np.fliplr, np.flipud, np.delete, np.resize):
    Composite(function, "the entries that it names", evaluate=rearranged(function))
Composite(np.diagflat, "np.diag of the entries in a row", evaluate=lambda v, k=0: diag(np.ravel(v), k))
for function, within in ((np.tril, np.tri), (np.triu, lambda n, m, k: 1 - np.tri(n, m, k - 1))):
    Composite(
        function,
        "what lies outside the triangle becomes 0",
        evaluate=lambda m, k=0, within=within: np.where(within(*m.shape[-2:], k) > 0, m, 0),
    )
for function, diagonal in ((np.trace, np.diagonal), (np.linalg.trace, np.linalg.diagonal)):
    Composite(
        function,
        "the sum of the diagonal",
        evaluate=lambda *args, diagonal=diagonal, **params: np.sum(diagonal(*args, **params), axis=-1),
    )

# --- differences, scans ----------------------------------------------------------------------------------------------


@composite(np.diff)
def diff(a: Array, n: int = 1, axis: int = -1) -> Array:
    """np.diff: each entry less the one before, n times."""
    along = axis_of(a.ndim, axis)
    for _ in range(n):
        a = pick(a, along, slice(1, None)) - pick(a, along, slice(None, -1))
    return a


@composite(np.cumprod)
def cumprod(a: Array, axis: int | None = None) -> Array:
    """np.cumprod by products of 1, 2, 4, ... neighbours: log2(n) multiplications, right for zeros too."""
    if axis is None:
        return cumprod(np.ravel(a), 0)
    along, step = axis_of(a.ndim, axis), 1
    while step < a.shape[along]:
        first, rest = pick(a, along, slice(step)), pick(a, along, slice(step, None))
        a = np.concatenate([first, rest * pick(a, along, slice(None, -step))], axis=along)
        step *= 2
    return a


@composite(np.average)
def average(a: Array, axis: int | None = None, weights: Any = None) -> Array:
    """np.average: the mean, or the weighted sum over the sum of weights."""
    if weights is None:
        return np.mean(a, axis=axis)
    weights = operand(weights)
    if weights.shape != a.shape:
        if not isinstance(axis, int) or weights.ndim != 1:
            raise TypeError("weights of another shape are one number per entry along one axis")
        weights = np.reshape(weights, (-1,) + (1,) * (a.ndim - 1 - axis_of(a.ndim, axis)))
    return np.sum(a * weights, axis=axis) / np.sum(weights * np.ones(a.shape, weights.dtype), axis=axis)


Composite(np.ptp, "the largest less the smallest", evaluate=lambda a, axis=None: np.max(a, axis) - np.min(a, axis))
for function, scan in ((np.cumulative_sum, np.cumsum), (np.cumulative_prod, np.cumprod)):
    Composite(
        function,
        f"np.{scan.__name__}",
        evaluate=lambda x, axis=None, scan=scan: scan(x, axis=0 if axis is None and x.ndim == 1 else axis),
    )

# --- linear algebra --------------------------------------------------------------------------------------------------


@composite(np.linalg.norm)
def norm(x: Array, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Array:
    """np.linalg.norm: of vectors for any ord, of matrices for None, "fro", 1, -1, inf and -inf."""
    axes = axes_of(x, axis)
    if ord is None or (ord == 2 and len(axes) == 1) or (ord == "fro" and len(axes) == 2):
        return call(TABLE["euclidean"], (x,), {"axis": axes, "keepdims": keepdims})
    if len(axes) == 1 and not isinstance(ord, str):
        return vector_norm(x, ord, axes[0], keepdims)
    if len(axes) == 2 and ord in (1, -1, math.inf, -math.inf):
        down, across = axes if abs(ord) == 1 else axes[::-1]
        sums = np.sum(np.abs(x), axis=down, keepdims=True)
        extreme = np.max(sums, axis=across, keepdims=True) if ord > 0 else np.min(sums, axis=across, keepdims=True)
        return extreme if keepdims else np.squeeze(extreme, axes)
    raise TypeError(
        f"np.linalg.norm(ord={ord!r}) has no rule for {len(axes)} axes: it needs a singular value decomposition"
    )


@composite(np.linalg.vector_norm)
def array_vector_norm(x: Array, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Array:
    """np.linalg.vector_norm: over all axes, or along one."""
    if axis is None:
        flat = norm(np.ravel(x), ord)
        return np.reshape(flat, (1,) * x.ndim) if keepdims else flat
    return norm(x, ord, axis, keepdims)


def vector_norm(x: Array, ord: float, axis: int, keepdims: bool) -> Array:
    """(sum |x|^p)^(1/p), and its limits."""
    if abs(ord) == math.inf:
        return (np.max if ord > 0 else np.min)(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.abs(np.sign(x)), axis=axis, keepdims=keepdims)
    powers = np.sum(np.abs(x) ** ord, axis=axis, keepdims=keepdims)
    return powers if ord == 1 else powers ** (1 / ord)


def turned(a: Array) -> Array:
    """The transpose of the last two axes."""
    return np.swapaxes(a, -1, -2)


def symmetric(a: Array) -> Array:
    """The symmetric part: what a function of symmetric matrices can tell of its argument."""
    return (a + turned(a)) / 2


def column(a: Array, b: Array) -> Array:
    """a as columns, if the right-hand side b of a system is a vector."""
    return a[..., None] if b.ndim == 1 else a


def push_solve(tangents: Any, y: Array, args: tuple[Array, ...]) -> Array:
    """A dY = dB - dA Y."""
    a, b = args
    da, db = tangents
    change = total([*([] if db is None else [column(db, b)]), *([] if da is None else [-(da @ column(y, b))])])
    out = np.linalg.solve(a, change)
    return out[..., 0] if b.ndim == 1 else out


def pull_solve(slot: int, g: Array, y: Array, args: tuple[Array, ...]) -> Array:
    """For B: the system with A^T and the adjoint. For A: minus that, times Y^T."""
    a, b = args
    for_b = np.linalg.solve(turned(a), column(g, b))
    if slot == 0:
        return -for_b @ turned(column(y, b))
    return for_b[..., 0] if b.ndim == 1 else for_b


def halved(a: Array) -> Array:
    """The lower triangle with half of the diagonal: what of a symmetric matrix L^-1 dA L^-T is the step of L."""
    return np.tril(a) * (1 - 0.5 * np.eye(a.shape[-1], dtype=a.dtype))


def push_cholesky(tangents: Any, y: Array, args: tuple[Array, ...]) -> Array:
    """dL = L halved(L^-1 dA L^-T)."""
    inverse = np.linalg.inv(y)
    return y @ halved(inverse @ symmetric(tangents[0]) @ turned(inverse))


def pull_cholesky(slot: int, g: Array, y: Array, args: tuple[Array, ...]) -> Array:
    """L^-T halved(L^T G) L^-1, its symmetric part. Murray 2016, "Differentiation of the Cholesky decomposition"."""
    inverse = np.linalg.inv(y)
    return symmetric(turned(inverse) @ halved(turned(y) @ g) @ inverse)


def gaps(w: Array) -> Array:
    """1 / (w_j - w_i), and 0 for i = j: equal eigenvalues leave their vectors undetermined."""
    return quotient(np.ones((), w.dtype), w[..., None, :] - w[..., :, None])


def push_eigh(tangents: Any, y: Array, args: tuple[Array, ...], UPLO: str) -> Array:
    """With M = V^T dA V: dw is its diagonal, dV = V (M * gaps)."""
    w, v = y[..., 0, :], y[..., 1:, :]
    m = turned(v) @ symmetric(tangents[0]) @ v
    dw = np.linalg.diagonal(m)
    return np.concatenate([dw[..., None, :], v @ (m * gaps(w))], axis=-2)


def pull_eigh(slot: int, g: Array, y: Array, args: tuple[Array, ...], UPLO: str) -> Array:
    """V (diag(gw) + gaps * V^T GV) V^T, symmetrised. Giles 2008, "An extended collection of matrix derivatives"."""
    w, v = y[..., 0, :], y[..., 1:, :]
    gw, gv = g[..., 0, :], g[..., 1:, :]
    inner = gw[..., None, :] * np.eye(w.shape[-1], dtype=w.dtype) + gaps(w) * (turned(v) @ gv)
    return symmetric(v @ inner @ turned(v))


def evaluate_eigh(a: Array, UPLO: str) -> Array:
    """One array for the table: the eigenvalues as row 0, the vectors as columns below them."""
    w, v = np.linalg.eigh(a, UPLO)
    return np.concatenate([w[..., None, :], v], axis=-2)


@composite(np.linalg.eigh)
def eigh(a: Array, UPLO: str = "L") -> Any:
    """np.linalg.eigh: eigenvalues and vectors, each with its derivative among symmetric matrices."""
    both = call(TABLE["eigh"], (a,), {"UPLO": UPLO})
    return EighResult(both[..., 0, :], both[..., 1:, :])


@composite(np.linalg.slogdet)
def slogdet(a: Array) -> Any:
    """np.linalg.slogdet: the sign is a fact, its logarithm has a derivative."""
    return SlogdetResult(np.linalg.slogdet(strip(a))[0], call(TABLE["logabsdet"], (a,), {}))


@composite(np.linalg.matrix_power)
def matrix_power(a: Array, n: int) -> Array:
    """np.linalg.matrix_power: repeated products; of the inverse for n < 0."""
    base = np.linalg.inv(a) if n < 0 else a
    return functools.reduce(operator.matmul, [base] * abs(n)) if n else a * 0 + np.eye(a.shape[-1], dtype=a.dtype)


def pushed_det(tangents: Any, y: Array, args: tuple[Array, ...]) -> Array:
    """tr(A^-1 dA): the relative change of the determinant."""
    return np.trace(np.linalg.inv(args[0]) @ tangents[0], axis1=-2, axis2=-1)


EighResult, SlogdetResult = type(np.linalg.eigh(np.eye(1))), type(np.linalg.slogdet(np.eye(1)))
Custom(
    np.linalg.inv,
    "from A Y = 1: dY = -Y dA Y",
    push=lambda tangents, y, args: -y @ tangents[0] @ y,
    pull=lambda slot, g, y, args: -turned(y) @ g @ turned(y),
)
Custom(
    np.linalg.det,
    "Jacobi: d det = det tr(A^-1 dA); LinAlgError for a singular matrix",
    push=lambda tangents, y, args: y * pushed_det(tangents, y, args),
    pull=lambda slot, g, y, args: (g * y)[..., None, None] * turned(np.linalg.inv(args[0])),
)
Custom(
    "logabsdet",
    "Jacobi: d log|det| = tr(A^-1 dA)",
    push=pushed_det,
    pull=lambda slot, g, y, args: g[..., None, None] * turned(np.linalg.inv(args[0])),
    evaluate=lambda a: np.linalg.slogdet(a)[1],
)
Custom(np.linalg.solve, "A Y = B: A dY = dB - dA Y", push=push_solve, pull=pull_solve, bind=lambda a, b: ((a, b), {}))
Custom(np.linalg.cholesky, "A = L L^T: dA = dL L^T + L dL^T", push=push_cholesky, pull=pull_cholesky)
Custom("eigh", "A V = V diag(w), with V^T V = 1", push=push_eigh, pull=pull_eigh, evaluate=evaluate_eigh)
Composite(np.linalg.eigvalsh, "the values of np.linalg.eigh", evaluate=lambda a, UPLO="L": eigh(a, UPLO)[0])
Composite(np.linalg.multi_dot, "products", evaluate=lambda arrays: functools.reduce(operator.matmul, arrays))

# --- the array API's names, for the last axes of a stack of matrices -------------------------------------------------

for function in (np.vecdot, np.linalg.vecdot):
    Composite(function, "multiplied and summed", evaluate=lambda a, b, axis=-1: np.sum(np.multiply(a, b), axis=axis))
Composite(
    np.linalg.outer, "a column times a row", evaluate=lambda a, b: np.multiply(operand(a)[:, None], operand(b)[None, :])
)
Composite(np.linalg.matmul, "np.matmul", evaluate=np.matmul)
Composite(np.linalg.tensordot, "np.tensordot", evaluate=lambda a, b, axes=2: np.tensordot(a, b, axes))

# --- facts, and advice -----------------------------------------------------------------------------------------------

for fact in (
    *(
        np.less,
        np.less_equal,
        np.greater,
        np.greater_equal,
        np.equal,
        np.not_equal,
        np.isclose,
        np.allclose,
        np.array_equal,
    ),
    *(np.logical_and, np.logical_or, np.logical_not, np.logical_xor, np.any, np.all, np.count_nonzero, np.nonzero),
    *(np.isnan, np.isinf, np.isfinite, np.signbit, np.iscomplexobj, np.isrealobj, np.result_type, np.can_cast),
    *(np.zeros_like, np.ones_like, np.full_like, np.empty_like, np.shape, np.ndim, np.size, np.shares_memory),
    *(np.argmax, np.argmin, np.argsort, np.searchsorted, np.flatnonzero, np.array_repr, np.array_str, np.array2string),
):
    FACTS.add(fact)

ADVICE.update(
    {
        np.median: "Write it with np.sort and an index.",
        np.cross: "Write it out in the components x[..., 0], x[..., 1], x[..., 2].",
        np.copyto: "Traced arrays are never changed in place. Write np.where(mask, new, x).",
        np.linalg.svd: "Write np.linalg.eigh(A.T @ A), whose eigenvalues are the squares of the singular values.",
        np.linalg.qr: "Write R = np.linalg.cholesky(A.T @ A).T and Q = np.linalg.solve(R.T, A.T).T.",
        np.linalg.eig: "For a symmetric matrix write np.linalg.eigh.",
        np.linalg.eigvals: "For a symmetric matrix write np.linalg.eigvalsh.",
        np.linalg.lstsq: "Write np.linalg.solve(A.T @ A, A.T @ b).",
        np.linalg.pinv: "For full column rank write np.linalg.solve(A.T @ A, A.T).",
        np.modf: "Write x - np.trunc(x) and np.trunc(x).",
        np.divmod: "Write x // y and x % y.",
        np.fmod: "Write x - np.trunc(x / y) * y.",
    }
)
