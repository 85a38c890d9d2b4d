"""The table: one row per operation that has a formula. What is defined by other operations is in `composed.py`,
and what belongs to `np.linalg` in `linalg.py`.

Read a row as: this NumPy function, this is why, this formula, sample it there. `rule.py` says what each kind derives
from its formula. A new elementwise operation is one more row.

In formulas y is the value of the operation and x, a, b its arguments, so that nothing is computed twice. Constants are
Python numbers (math.log, not np.log): a NumPy float64 would turn a float32 computation into float64.

Where a function has no derivative the table takes the convention of PyTorch, so that both witnesses agree: |x|' = 0 at
0, the norm has gradient 0 at 0, np.clip passes the gradient on its bounds, ties of np.max share it equally, ties of
np.maximum(a, b) between two arrays give half to each. Against a Python number the number wins the tie:
np.maximum(x, 0) is a threshold, and its derivative at 0 is 0, as relu'(0) = 0 in the whole course.
"""

from __future__ import annotations

import math
import operator
import string
from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.rule import (
    ABOVE_ONE,
    POSITIVE,
    REAL,
    TABLE,
    UNIT,
    Args,
    Array,
    Elementwise,
    Linear,
    Multilinear,
    Reduction,
    call,
    filled,
    keep,
    reduced_size,
)
from autodiff.tape import operand, strip

Axes = tuple[int, ...]
Bound = tuple[Args, dict[str, Any]]

# --- arithmetic ------------------------------------------------------------------------------------------------------


def power_base(y: Array, a: Array, b: Array) -> Array:
    """b a^(b-1), and 0 for b = 0 even at a = 0."""
    if isinstance(b, (int, float)):
        return b * a ** (b - 1) if b else 0.0
    return b * a ** np.where((strip(a) == 0) & (strip(b) == 0), 1.0, b - 1)


def power_exponent(y: Array, a: Array, b: Array) -> Array:
    """y log a, continued by 0 to a = 0."""
    return y * np.log(np.where(strip(a) == 0, 1.0, a))


def inverse(b: Array) -> Array:
    """1 / b; over a Python zero infinite, as NumPy's own division."""
    return math.copysign(math.inf, b) if type(b) in (int, float) and b == 0 else 1 / b


Elementwise(np.add, "a sum passes the adjoint to both terms unchanged", 1, 1, evaluate=operator.add)
Elementwise(np.subtract, "a difference passes it on, with a minus to the second term", 1, -1, evaluate=operator.sub)
Elementwise(np.multiply, "the other factor", lambda y, a, b: b, lambda y, a, b: a, evaluate=operator.mul)
Elementwise(
    np.divide,
    "a/b grows by 1/b with a and falls by a/b^2 with b",
    lambda y, a, b: inverse(b),
    lambda y, a, b: -y / b,
    evaluate=operator.truediv,
    domain=(REAL, POSITIVE),
)
POWERS = (power_base, power_exponent)
Elementwise(np.power, "b a^(b-1); a^b log a", *POWERS, evaluate=operator.pow, domain=(POSITIVE, REAL))
Elementwise(np.float_power, "as np.power", *POWERS, domain=(POSITIVE, REAL))
Elementwise(np.negative, "a minus sign stays a minus sign", -1, evaluate=operator.neg)
for nothing in (np.positive, np.conjugate):
    Elementwise(nothing, "nothing happens to a real number, and nothing happens to the adjoint", 1)
Elementwise(np.reciprocal, "(1/x)' = -1/x^2", lambda y, x: -y * y, domain=POSITIVE)
Elementwise(np.square, "(x^2)' = 2x", lambda y, x: 2 * x)
Elementwise(
    np.remainder,
    "a - b floor(a/b), and the floor is flat between its jumps",
    1,
    lambda y, a, b: -np.floor_divide(a, b),
    evaluate=operator.mod,
    domain=(REAL, POSITIVE),
)
Elementwise(np.fmod, "as np.remainder, towards 0", 1, lambda y, a, b: np.rint((y - a) / b), domain=(REAL, POSITIVE))
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
    np.logaddexp,
    "its share of the sum, 1/(1 + exp(b - a)), which a common offset does not touch",
    lambda y, a, b: np.exp(-np.logaddexp(0, b - a)),
    lambda y, a, b: np.exp(-np.logaddexp(0, a - b)),
)
Elementwise(
    np.logaddexp2,
    "as logaddexp, in base 2",
    lambda y, a, b: np.exp2(-np.logaddexp2(0, b - a)),
    lambda y, a, b: np.exp2(-np.logaddexp2(0, a - b)),
)

# --- trigonometric and hyperbolic ------------------------------------------------------------------------------------

Elementwise(np.sin, "sin' = cos", lambda y, x: np.cos(x))
Elementwise(np.cos, "cos' = -sin", lambda y, x: -np.sin(x))
Elementwise(np.tan, "tan' = 1 + tan^2", lambda y, x: 1 + y * y, domain=UNIT)
Elementwise(np.arcsin, "inverse of sin: 1/cos(y)", lambda y, x: 1 / np.sqrt((1 - x) * (1 + x)), domain=UNIT)
Elementwise(np.arccos, "pi/2 - arcsin", lambda y, x: -1 / np.sqrt((1 - x) * (1 + x)), domain=UNIT)
Elementwise(np.arctan, "inverse of tan: 1/(1 + tan(y)^2)", lambda y, x: 1 / (1 + x * x))
Elementwise(np.sinh, "sinh' = cosh", lambda y, x: np.cosh(x))
Elementwise(np.cosh, "cosh' = sinh", lambda y, x: np.sinh(x))
Elementwise(np.tanh, "tanh' = 1 - tanh^2, from the value itself: nothing overflows", lambda y, x: 1 - y * y)
Elementwise(np.arcsinh, "inverse of sinh: 1/cosh(y)", lambda y, x: 1 / np.hypot(x, 1))
Elementwise(
    np.arccosh, "inverse of cosh: 1/sinh(y)", lambda y, x: 1 / np.sqrt(x - 1) / np.sqrt(x + 1), domain=ABOVE_ONE
)
Elementwise(np.arctanh, "inverse of tanh: 1/(1 - tanh(y)^2)", lambda y, x: 1 / ((1 - x) * (1 + x)), domain=UNIT)
Elementwise(
    np.arctan2,
    "the angle of the point (b, a) turns by the part of a step across the radius, over the radius",
    lambda y, a, b: quotient(quotient(b, np.hypot(a, b)), np.hypot(a, b)),
    lambda y, a, b: -quotient(quotient(a, np.hypot(a, b)), np.hypot(a, b)),
    domain=POSITIVE,
)
Elementwise(np.hypot, "the unit vector", lambda y, a, b: quotient(a, y), lambda y, a, b: quotient(b, y))
for degrees in (np.degrees, np.rad2deg):
    Elementwise(degrees, "a change of unit", 180 / math.pi)
for radians in (np.radians, np.deg2rad):
    Elementwise(radians, "a change of unit", math.pi / 180)

# --- kinks and steps -------------------------------------------------------------------------------------------------


def quotient(a: Array, b: Array) -> Array:
    """a / b, and 0 where b is 0: the convention for a kink at 0."""
    return np.where(strip(b) == 0, 0, a / np.where(strip(b) == 0, 1, b))


def taken(y: Array, a: Array, b: Array) -> Array:
    """1 where y came from a alone, 1/2 where from both; a Python number that equals the array takes it all."""
    if isinstance(b, (int, float)) and not isinstance(b, np.generic):
        return y != b
    return (y == a) * (1 - 0.5 * (a == b))


for extreme in (np.maximum, np.minimum, np.fmax, np.fmin):
    Elementwise(extreme, "the one taken; equal ones share", taken, lambda y, a, b: taken(y, b, a))


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
for modulus in (np.absolute, np.fabs):
    Elementwise(modulus, "the sign; 0 at 0", lambda y, x: np.sign(x))
Elementwise(np.copysign, "|a| with the sign of b", lambda y, a, b: np.sign(a) * np.sign(y), 0)
for step in (np.sign, np.floor, np.ceil, np.rint, np.trunc, np.fix):
    Elementwise(step, "constant between its jumps, so the derivative is 0", 0)
for rounding in (np.round, np.around):
    Elementwise(rounding, "constant between its jumps", 0, bind=lambda a, decimals=0: ((a,), {"decimals": decimals}))
Elementwise(np.heaviside, "a step; at 0 it is its second argument", 0, lambda y, a, b: a == 0)


def transpose_where(g: Array, slot: int, args: Args, condition: Array) -> Array:
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


def axes_of(a: Array, axis: Any) -> Axes:
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
    """NumPy's sum(a, axis, keepdims) and its kin; a number has an axis 0 there, and it is no axis."""
    return (a,), {"axis": () if a.ndim == 0 and axis in (0, -1) else axes_of(a, axis), "keepdims": bool(keepdims)}


def weights_extremum(y: Array, x: Array, axis: Axes, keepdims: bool) -> Array:
    """1 at the extremum, shared equally by ties."""
    hit = x == y
    return hit / np.sum(hit, axis=axis, keepdims=True)


def weights_product(y: Array, x: Array, axis: Axes, keepdims: bool) -> Array:
    """The product of the others: y / x, or with a zero in x, the products written out, each without one factor."""
    if np.all(strip(x) != 0):
        return y / x
    n, rest = reduced_size(x, axis), tuple(i for i in range(x.ndim) if i not in axis)
    rows = np.reshape(np.transpose(x, rest + axis), (-1, 1, n))
    others = np.prod(np.where(np.eye(n, dtype=bool), 1, rows), axis=-1)
    moved = np.reshape(others, tuple(x.shape[i] for i in rest + axis))
    return np.transpose(moved, tuple(int(i) for i in np.argsort(rest + axis)))


plain_sum: Any = np.add.reduce  # np.sum without its wrapper


def plain_mean(x: Array, axis: Axes, keepdims: bool) -> Array:
    """The sum over the number of terms; NumPy's own for float16, whose sums need a wider type."""
    if x.dtype == np.float16:
        return np.mean(x, axis=axis, keepdims=keepdims)
    return plain_sum(x, axis=axis, keepdims=keepdims) / reduced_size(x, axis)


def spread_sum(g: Array, slot: int, args: Args, axis: Axes, keepdims: bool) -> Array:
    """The adjoint of the sum at every term."""
    return filled(keep(g, args[0], axis), args[0].shape)


def spread_mean(g: Array, slot: int, args: Args, axis: Axes, keepdims: bool) -> Array:
    """An n-th of it."""
    return spread_sum(g / reduced_size(args[0], axis), slot, args, axis, keepdims)


def transpose_cumsum(g: Array, slot: int, args: Args, axis: int) -> Array:
    """The sums from the other end."""
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)


Linear(np.sum, "every term gets the adjoint of the sum", spread_sum, bind=bind_reduction, evaluate=plain_sum)
Linear(np.mean, "an n-th part each", spread_mean, bind=bind_reduction, evaluate=plain_mean)
Reduction(np.prod, "every factor gets the product of the others", weights_product, bind=bind_reduction)
for largest in (np.max, np.amax, np.min, np.amin):
    Reduction(largest, "the extreme entry gets the adjoint; ties share it", weights_extremum, bind=bind_reduction)
Reduction(
    "euclidean",
    "the unit vector; 0 at 0",
    lambda y, x, axis, keepdims: quotient(x, y),
    evaluate=lambda x, axis, keepdims: np.sqrt(plain_sum(x * x, axis=axis, keepdims=keepdims)),
)
Linear(
    np.cumsum,
    "an entry is in every later sum: adjoints are summed from the end",
    transpose_cumsum,
    bind=lambda a, axis=None: (
        ((np.ravel(a),), {"axis": 0}) if axis is None else ((a,), {"axis": axis_of(a.ndim, axis)})
    ),
)

# --- products --------------------------------------------------------------------------------------------------------


def transpose_matmul(g: Array, slot: int, args: Args) -> Array:
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


def bind_einsum(subscripts: Any, *operands: Array, optimize: Any = False) -> Bound:
    """Subscripts with every ellipsis written out in unused letters, and the output named."""
    if not isinstance(subscripts, str):
        raise TypeError("np.einsum takes its subscripts as a string here: np.einsum('ij,j->i', A, x)")
    arrays = tuple(map(operand, operands))
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    named = [len(term.replace("...", "")) for term in terms]
    if len(terms) != len(arrays) or any(
        "..." not in t and np.ndim(a) != len(t) for a, t in zip(arrays, terms, strict=True)
    ):
        raise ValueError(f"np.einsum: {subscripts!r} does not fit arrays of shapes {[np.shape(a) for a in arrays]}")
    extra = [np.ndim(a) - n if "..." in t else 0 for a, t, n in zip(arrays, terms, named, strict=True)]
    longest = "".join(unused_letters(subscripts)[: max(extra)])
    if not arrow:
        letters = left.replace("...", "").replace(",", "")
        right = ("..." if "..." in left else "") + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    terms = [term.replace("...", longest[len(longest) - n :]) for term, n in zip(terms, extra, strict=True)]
    arrays = tuple(same_lengths(arrays, terms))
    return arrays, {"subscripts": ",".join(terms) + "->" + right.replace("...", longest), "optimize": optimize}


def same_lengths(arrays: Args, terms: list[str]) -> Iterator[Array]:
    """Every letter with one length everywhere: an axis of length 1 is repeated where another operand's is longer."""
    lengths: dict[str, int] = {}
    for a, term in zip(arrays, terms, strict=True):
        if len(set(zip(term, np.shape(a), strict=True))) > len(set(term)):
            raise ValueError(f"np.einsum: {term!r} names axes of different lengths in an array of shape {np.shape(a)}")
        for letter, n in zip(term, np.shape(a), strict=True):
            lengths[letter] = n if lengths.get(letter, 1) == 1 else lengths[letter]
    for a, term in zip(arrays, terms, strict=True):
        shape = tuple(lengths[letter] for letter in term)
        yield a if np.shape(a) == shape else np.broadcast_to(a, shape)


def unused_letters(subscripts: str) -> list[str]:
    """Letters that einsum subscripts may still use."""
    return [c for c in string.ascii_letters if c not in subscripts]


def transpose_einsum(g: Array, slot: int, args: Args, subscripts: str, optimize: Any) -> Array:
    """One einsum of the adjoint with the other operands, naming this operand's letters for its output.

    A letter of this operand that occurs nowhere else was summed over: a vector of ones spreads it. A letter that occurs
    twice in it picked a diagonal: an identity puts it back there.
    """
    left, right = subscripts.split("->")
    terms = left.split(",")
    factors = [(right, g)] + [(t, a) for k, (t, a) in enumerate(zip(terms, args, strict=True)) if k != slot]
    present, unused = {letter for term, _ in factors for letter in term}, iter(unused_letters(subscripts))
    target = ""
    for letter, n in zip(terms[slot], args[slot].shape, strict=True):
        if letter in target:
            target += next(unused)
            factors.append((letter + target[-1], np.eye(n, dtype=g.dtype)))
            continue
        if letter not in present:
            factors.append((letter, np.ones(n, dtype=g.dtype)))
        target += letter
    equation = ",".join(term for term, _ in factors) + "->" + target
    return np.einsum(equation, *(a for _, a in factors), optimize=len(factors) > 2)


Multilinear(np.matmul, "of Y = A B: G B^T for A, A^T G for B", transpose_matmul, evaluate=operator.matmul)
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
    return (a,), {"shape": tuple(int(n) if n != -1 else a.size // max(known, 1) for n in wanted), "order": order}


Linear(
    np.reshape,
    "the same numbers, shaped back in the same order",
    lambda g, slot, args, shape, order: np.reshape(g, args[0].shape, order=order),
    bind=bind_reshape,
    evaluate=lambda x, shape, order: np.reshape(x, shape, order=order),
)
Linear(
    np.transpose,
    "the axes go back where they came from",
    lambda g, slot, args, axes: np.transpose(g, tuple(axes.index(i) for i in range(len(axes)))),
    bind=lambda a, axes=None: ((a,), {"axes": tuple(reversed(range(a.ndim))) if axes is None else axes_of(a, axes)}),
)
Linear(
    np.broadcast_to,
    "one entry used many times: the gate sums the adjoint over the copies",
    lambda g, slot, args, shape: g,
    bind=lambda array, shape: ((array,), {"shape": shape if isinstance(shape, tuple) else tuple(np.atleast_1d(shape))}),
)
Linear("astype", "the gate casts back", lambda g, slot, args, dtype: g, evaluate=lambda x, dtype: x.astype(dtype))

# --- joining, picking ------------------------------------------------------------------------------------------------


def bind_concatenate(arrays: Any, axis: int | None = 0) -> Bound:
    """A flat join flattens first; the axis counted from the front."""
    parts = tuple(map(operand, arrays))
    if axis is None:
        return tuple(np.ravel(a) for a in parts), {"axis": 0}
    return parts, {"axis": axis_of(parts[0].ndim, axis)}


def transpose_concatenate(g: Array, slot: int, args: Args, axis: int) -> Array:
    """The piece of the adjoint that this array contributed."""
    start = sum(a.shape[axis] for a in args[:slot])
    return pick(g, axis, slice(start, start + args[slot].shape[axis]))


def pick(a: Array, axis: int, index: Any) -> Array:
    """Entries along one axis, counted from the front."""
    return a[(slice(None),) * axis + (index,)]


def step_in(index: Any) -> Any:
    """The part of an index, if any, that is a step of a computation being written down (see `symbols.py`)."""
    return next((p for p in (index if isinstance(index, tuple) else (index,)) if hasattr(p, "emit")), None)


def picked(x: Array, index: Any) -> Array:
    """x[index]."""
    step = step_in(index)
    return x[index] if step is None else step.picked(x, index)


def scatter(x: Array, index: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of this shape to which x is added at index; an entry that index names twice receives both."""
    step = x if hasattr(x, "emit") else step_in(index)
    if step is not None:
        return step.scattered(x, index, shape)
    out = np.zeros(shape, x.dtype)
    parts = index if isinstance(index, tuple) else (index,)
    if all(part is None or part is Ellipsis or isinstance(part, (int, np.integer, slice)) for part in parts):
        out[index] = x  # no entry is named twice
    elif len(shape) == 1 and isinstance(index, np.ndarray) and index.dtype.kind == "i" and np.all(index >= 0):
        out += np.bincount(index.ravel(), np.broadcast_to(x, index.shape).ravel(), shape[0]).astype(x.dtype)
    else:
        np.add.at(out, index, x)
    return out


Linear(
    np.concatenate,
    "every array gets its piece of the adjoint",
    transpose_concatenate,
    bind=bind_concatenate,
    evaluate=lambda *arrays, axis: np.concatenate(arrays, axis=axis),
)
Linear(
    "getitem",
    "picked entries get the adjoint, added up where picked twice",
    lambda g, slot, args, index: call(TABLE["scatter"], (g,), {"index": index, "shape": args[0].shape}),
    evaluate=picked,
)
Linear(
    "scatter",
    "the adjoint of where it went",
    lambda g, slot, args, index, shape: call(TABLE["getitem"], (g,), {"index": index}),
    evaluate=scatter,
)
