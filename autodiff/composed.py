"""NumPy functions that are defined by rows of the table, and leave those rows' lines on the list.

Functions that only move entries are not written again. One that only changes the shape is applied to an array without
data, one that only orders axes to a shape of distinct lengths, one that only moves, repeats or drops entries to their
numbers: NumPy itself then says what its arguments mean, and with which errors.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.rule import TABLE, Array, Composite, call
from autodiff.rules import axes_of, axis_of, pick
from autodiff.tape import ADVICE, FACTS, RefusalError, Traced, operand, strip


def define(explain: str, how: Callable[[Any], Callable[..., Any]], *keys: Any) -> None:
    """One row for each of these NumPy functions: its definition is how(function)."""
    for key in keys:
        Composite(key, explain, evaluate=how(key))


def composite(key: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a Python function the definition of the NumPy function `key`; its docstring says how."""

    def defined(definition: Callable[..., Any]) -> Callable[..., Any]:
        Composite(key, str(definition.__doc__), evaluate=definition)
        return definition

    return defined


# --- shapes ----------------------------------------------------------------------------------------------------------


def reshaped(function: Any) -> Any:
    """np.reshape to the shape that the function gives an array without data."""
    return lambda a, *args, **params: np.reshape(a, function(np.broadcast_to(0, a.shape), *args, **params).shape)


def permuted(function: Any) -> Any:
    """np.transpose in the order in which the function puts a shape of distinct lengths."""

    def definition(a: Array, *args: Any, **params: Any) -> Array:
        shape = function(np.broadcast_to(0, range(2, 2 + a.ndim)), *args, **params).shape
        return np.transpose(a, tuple(n - 2 for n in shape))

    return definition


def one_by_one(function: Any) -> Any:
    """For several arrays a tuple."""
    one = reshaped(function)
    return lambda *arrays: one(arrays[0]) if len(arrays) == 1 else tuple(one(operand(a)) for a in arrays)


def flattened(a: Array, axes: tuple[int, ...]) -> Array:
    """The axes in one, the last."""
    rest = tuple(i for i in range(a.ndim) if i not in axes)
    return np.reshape(np.transpose(a, rest + axes), (*(a.shape[i] for i in rest), count(a, axes)))


define("another shape", reshaped, np.expand_dims, np.squeeze)
define("another shape", one_by_one, np.atleast_1d, np.atleast_2d, np.atleast_3d)
define("another order of the axes", permuted, np.swapaxes, np.moveaxis, np.rollaxis)
define("another order of the axes", permuted, np.matrix_transpose, np.linalg.matrix_transpose)
Composite(np.ravel, "reshape to one axis", evaluate=lambda a, order="C": np.reshape(a, (-1,), order=order))
Composite(np.real, "traced arrays are real", evaluate=lambda val: val)
Composite(np.imag, "traced arrays are real", evaluate=lambda val: np.zeros(val.shape))
Composite(np.copy, "traced arrays never change, so a copy is the array", evaluate=lambda a: a)

# --- joining and splitting -------------------------------------------------------------------------------------------


@composite(np.stack)
def stack(arrays: Any, axis: int = 0) -> Array:
    """A new axis in each, then joined along it."""
    return np.concatenate([np.expand_dims(operand(a), axis) for a in arrays], axis=axis)


@composite(np.column_stack)
def column_stack(tup: Any) -> Array:
    """Vectors become columns, then all are joined."""
    return np.concatenate([np.reshape(a, (-1, 1)) if np.ndim(a) < 2 else a for a in map(operand, tup)], axis=1)


def joined(at_least: Any, axis: int) -> Any:
    """The definition of hstack and its kin: joined along an axis, or along the only one."""

    def definition(tup: Any) -> Array:
        parts = [at_least(operand(a)) for a in tup]
        return np.concatenate(parts, axis=min(axis, parts[0].ndim - 1))

    return definition


def divided(function: Any, fixed: int | None = None) -> Any:
    """The definition of split and its kin: NumPy divides the positions along the axis, slices pick the pieces."""

    def definition(ary: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
        along = axis_of(ary.ndim, axis if fixed is None else min(fixed, ary.ndim - 1))
        pieces = function(np.arange(ary.shape[along]), indices_or_sections)
        return [pick(ary, along, slice(*((p[0], p[-1] + 1) if len(p) else (0, 0)))) for p in pieces]

    return definition


Composite(np.hstack, "joined along axis 1", evaluate=joined(np.atleast_1d, 1))
Composite(np.vstack, "joined along axis 0", evaluate=joined(np.atleast_2d, 0))
Composite(np.dstack, "joined along axis 2", evaluate=joined(np.atleast_3d, 2))
Composite(np.append, "joined", evaluate=lambda arr, values, axis=None: np.concatenate([arr, values], axis=axis))
define("a list of slices", divided, np.split, np.array_split)
Composite(np.hsplit, "split along axis 1", evaluate=divided(np.split, 1))
Composite(np.vsplit, "split along axis 0", evaluate=divided(np.split, 0))
Composite(np.dsplit, "split along axis 2", evaluate=divided(np.split, 2))


@composite(np.unstack)
def unstack(x: Array, axis: int = 0) -> tuple[Array, ...]:
    """The entries along one axis, one by one."""
    along = axis_of(x.ndim, axis)
    return tuple(pick(x, along, i) for i in range(x.shape[along]))


# --- picking entries -------------------------------------------------------------------------------------------------


def rearranged(function: Any) -> Any:
    """The entries whose numbers the function, applied to all numbers, leaves where."""

    def definition(a: Array, *args: Any, **params: Any) -> Array:
        numbers = np.reshape(np.arange(a.size), a.shape)
        return np.ravel(a)[function(numbers, *map(strip, args), **{k: strip(v) for k, v in params.items()})]

    return definition


define("the entries it names", rearranged, np.roll, np.rot90, np.repeat, np.tile, np.delete, np.resize)
define("the entries it names", rearranged, np.take, np.take_along_axis, np.diagonal, np.linalg.diagonal)


@composite(np.full_like)
def full_like(a: Array, fill_value: Any) -> Array:
    """One number, or what broadcasts, in every entry: the derivative goes to where it came from."""
    if isinstance(fill_value, Traced):
        return np.broadcast_to(fill_value, a.shape)
    return np.full_like(strip(a), fill_value)


@composite(np.flip)
def flip(m: Array, axis: Any = None) -> Array:
    """The chosen axes backwards, as slices with step -1."""
    backwards = axes_of(m, axis)
    return m[tuple(slice(None, None, -1) if i in backwards else slice(None) for i in range(m.ndim))]


Composite(np.flipud, "np.flip of axis 0", evaluate=lambda m: flip(m, 0))
Composite(np.fliplr, "np.flip of axis 1", evaluate=lambda m: flip(m, 1))


@composite(np.pad)
def pad(array: Array, pad_width: Any, mode: Any = "constant", **params: Any) -> Array:
    """Entries repeated (edge, reflect, symmetric, wrap), or constants around the array."""
    if mode in ("edge", "wrap") or (mode in ("reflect", "symmetric") and params.get("reflect_type", "even") == "even"):
        return rearranged(np.pad)(array, pad_width, mode, **params)
    if mode != "constant":
        raise RefusalError(f"np.pad(mode={mode!r}, ...) has no rule. Write np.concatenate([before, x, after]).")
    inside = np.pad(np.ones(array.shape, bool), pad_width)
    around = np.pad(np.zeros(array.shape, array.dtype), pad_width, **params)
    return call(TABLE["scatter"], (np.ravel(array),), {"index": inside, "shape": inside.shape}) + around


@composite(np.sort)
def sort(a: Array, axis: int | None = -1, kind: Any = None, *, stable: Any = None) -> Array:
    """The entries in the order of their values; always stable."""
    return np.take_along_axis(a, np.argsort(strip(a), axis=axis, kind="stable"), axis=axis)


@composite(np.diag)
def diag(v: Array, k: int = 0) -> Array:
    """The diagonal of a matrix, or the matrix with this diagonal."""
    if v.ndim == 2:
        return np.diagonal(v, k)
    places = np.diag(np.ones(v.shape, bool), k)
    return call(TABLE["scatter"], (v,), {"index": places, "shape": places.shape})


def lower(m: Array, k: int) -> Array:
    """Where the entries up to the k-th diagonal are."""
    return np.tril(np.ones(m.shape[-2:], bool), k)


Composite(np.diagflat, "np.diag of all entries", evaluate=lambda v, k=0: diag(np.ravel(v), k))
Composite(np.tril, "0 above a diagonal", evaluate=lambda m, k=0: np.where(lower(m, k), m, 0))
Composite(np.triu, "0 below one", evaluate=lambda m, k=0: np.where(lower(m, k - 1), 0, m))
Composite(np.trace, "the diagonal, summed", evaluate=lambda *args, **how: np.sum(np.diagonal(*args, **how), axis=-1))
Composite(np.linalg.trace, "np.trace over the last axes", evaluate=lambda x, offset=0: np.trace(x, offset, -2, -1))

# --- sums, differences, scans ----------------------------------------------------------------------------------------


@composite(np.var)
def variance(a: Array, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
    """The sum of the squared deviations from the mean, over n - ddof."""
    deviation = a - np.mean(a, axis=axis, keepdims=True)
    return np.sum(np.square(deviation), axis=axis, keepdims=keepdims) / max(count(a, axis) - ddof, 0)


@composite(np.std)
def deviation(a: Array, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
    """The norm of the deviations from the mean, over the root of n - ddof; its gradient is 0 where all are equal."""
    params = {"axis": axes_of(a, axis), "keepdims": keepdims}
    length = call(TABLE["euclidean"], (a - np.mean(a, axis=axis, keepdims=True),), params)
    return length / math.sqrt(max(count(a, axis) - ddof, 0))


def count(a: Array, axis: Any) -> int:
    """How many entries one entry of a reduction is made of."""
    return math.prod(a.shape[i] for i in axes_of(a, axis))


@composite(np.average)
def average(a: Array, axis: int | None = None, weights: Any = None) -> Array:
    """The mean, or the weighted sum over the sum of the weights."""
    a = operand(a)
    if weights is None:
        return np.mean(a, axis=axis)
    weights = operand(weights)
    if weights.shape != a.shape:
        if not isinstance(axis, int) or weights.ndim != 1:
            raise RefusalError("np.average: weights of another shape are one number for every entry along one axis.")
        weights = np.reshape(weights, (-1,) + (1,) * (a.ndim - 1 - axis_of(a.ndim, axis)))
    return np.sum(a * weights, axis=axis) / np.sum(np.broadcast_to(weights, a.shape), axis=axis)


@composite(np.median)
def median(a: Array, axis: Any = None, *, keepdims: bool = False) -> Array:
    """The middle of the sorted entries, or the mean of the two in the middle."""
    axes, n = axes_of(a, axis), count(a, axis)
    ordered = np.sort(flattened(a, axes))
    undefined = np.any(np.isnan(strip(ordered)), axis=-1)
    middle = np.where(undefined, math.nan, np.mean(ordered[..., (n - 1) // 2 : n // 2 + 1], axis=-1))
    return np.expand_dims(middle, axes) if keepdims else middle


@composite(np.diff)
def diff(a: Array, n: int = 1, axis: int = -1) -> Array:
    """Each entry less the one before, n times."""
    along = axis_of(a.ndim, axis)
    for _ in range(n):
        a = pick(a, along, slice(1, None)) - pick(a, along, slice(None, -1))
    return a


@composite(np.cumprod)
def cumprod(a: Array, axis: int | None = None) -> Array:
    """Products of 1, 2, 4, ... neighbours: log2(n) multiplications, differentiable where entries are 0 too."""
    if axis is None:
        return cumprod(np.ravel(a), 0)
    along, step = axis_of(a.ndim, axis), 1
    while step < a.shape[along]:
        first, rest = pick(a, along, slice(step)), pick(a, along, slice(step, None))
        a = np.concatenate([first, rest * pick(a, along, slice(None, -step))], axis=along)
        step *= 2
    return a


def cumulative(scan: Any) -> Any:
    """The array API's name for a scan: the axis may be left out if there is only one."""
    return lambda x, axis=None: scan(x, axis=0 if axis is None and x.ndim == 1 else axis)


Composite(np.cumulative_sum, "np.cumsum", evaluate=cumulative(np.cumsum))
Composite(np.cumulative_prod, "np.cumprod", evaluate=cumulative(np.cumprod))
Composite(
    np.ptp,
    "the largest less the smallest",
    evaluate=lambda a, *to, **how: np.max(a, *to, **how) - np.min(a, *to, **how),
)
Composite(np.nansum, "what is not nan", evaluate=lambda a, *to, **how: np.sum(np.where(np.isnan(a), 0, a), *to, **how))


@composite(np.sinc)
def sinc(x: Array) -> Array:
    """sin(pi x) / (pi x), and for |pi x| < 1 its series, whose terms do not cancel: in its derivatives neither."""
    z = math.pi * x
    near = np.abs(strip(z)) < 1
    square = np.square(np.where(near, z, 0))
    series: Array = 1.0
    for n in range(20, 0, -2):
        series = 1 - series * square / (n * (n + 1))
    return np.where(near, series, np.sin(z) / np.where(near, 1, z))


# --- products --------------------------------------------------------------------------------------------------------


@composite(np.tensordot)
def tensordot(a: Array, b: Array, axes: Any = 2) -> Array:
    """The summed axes last in a and first in b, then a product of two matrices."""
    a, b = operand(a), operand(b)
    mine, theirs = (range(a.ndim - axes, a.ndim), range(axes)) if isinstance(axes, int) else axes
    mine, theirs = axes_of(a, tuple(np.atleast_1d(mine))), axes_of(b, tuple(np.atleast_1d(theirs)))
    if [a.shape[i] for i in mine] != [b.shape[i] for i in theirs]:
        raise ValueError(f"np.tensordot: axes {mine} of shape {a.shape} against axes {theirs} of shape {b.shape}")
    rows, columns = (tuple(i for i in range(m.ndim) if i not in own) for m, own in ((a, mine), (b, theirs)))
    shape = tuple(a.shape[i] for i in rows), tuple(b.shape[i] for i in columns)
    n = math.prod(a.shape[i] for i in mine)
    left = np.reshape(np.transpose(a, rows + mine), (math.prod(shape[0]), n))
    return np.reshape(left @ np.reshape(np.transpose(b, theirs + columns), (n, math.prod(shape[1]))), sum(shape, ()))


@composite(np.dot)
def dot(a: Array, b: Array) -> Array:
    """A product with a number, a matrix product, or the last axis of a against the last but one of b."""
    a, b = operand(a), operand(b)
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    return a @ b if a.ndim <= 2 and b.ndim <= 2 else np.tensordot(a, b, axes=(-1, max(b.ndim - 2, 0)))


@composite(np.inner)
def inner(a: Array, b: Array) -> Array:
    """The last axes against each other."""
    a, b = operand(a), operand(b)
    return a * b if np.ndim(a) == 0 or np.ndim(b) == 0 else np.tensordot(a, b, axes=(-1, -1))


@composite(np.outer)
def outer(a: Array, b: Array) -> Array:
    """Every entry of a times every entry of b, both flattened."""
    return np.reshape(operand(a), (-1, 1)) * np.reshape(operand(b), (1, -1))


@composite(np.kron)
def kron(a: Array, b: Array) -> Array:
    """The axes of a outside, those of b inside."""
    a, b = operand(a), operand(b)
    ndim = max(np.ndim(a), np.ndim(b))
    a, b = (np.reshape(m, (1,) * (ndim - np.ndim(m)) + np.shape(m)) for m in (a, b))
    product = np.expand_dims(a, tuple(range(1, 2 * ndim, 2))) * np.expand_dims(b, tuple(range(0, 2 * ndim, 2)))
    return np.reshape(product, tuple(n * m for n, m in zip(a.shape, b.shape, strict=True)))


@composite(np.cross)
def cross(a: Array, b: Array) -> Array:
    """For vectors of three components along the last axis: a_2 b_3 - a_3 b_2 and so on."""
    a, b = operand(a), operand(b)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise RefusalError("np.cross of traced arrays takes three components along the last axis.")
    return a[..., [1, 2, 0]] * b[..., [2, 0, 1]] - a[..., [2, 0, 1]] * b[..., [1, 2, 0]]


def summed_products(function: Any) -> Any:
    """np.vecdot by either name."""
    return lambda a, b, axis=-1: np.sum(np.multiply(a, b), axis=axis)


if hasattr(np, "matvec"):  # new in NumPy 2.2
    Composite(np.matvec, "A x, in stacks", evaluate=lambda a, x: np.squeeze(operand(a) @ operand(x)[..., None], -1))
    Composite(np.vecmat, "x A, in stacks", evaluate=lambda x, a: np.squeeze(operand(x)[..., None, :] @ operand(a), -2))
define("multiplied and summed", summed_products, np.vecdot, np.linalg.vecdot)
Composite(np.vdot, "flattened, then multiplied", evaluate=lambda a, b: np.ravel(operand(a)) @ np.ravel(operand(b)))
Composite(np.linalg.outer, "np.outer", evaluate=outer)
Composite(np.linalg.cross, "np.cross", evaluate=cross)
Composite(np.linalg.matmul, "np.matmul", evaluate=np.matmul)
Composite(np.linalg.tensordot, "np.tensordot", evaluate=lambda a, b, axes=2: tensordot(a, b, axes))
Composite(np.linalg.multi_dot, "products", evaluate=lambda arrays: functools.reduce(operator.matmul, arrays))

# --- facts, and advice -----------------------------------------------------------------------------------------------

FACTS.update([np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal, np.isclose, np.allclose])
FACTS.update([np.logical_and, np.logical_or, np.logical_not, np.logical_xor, np.any, np.all, np.array_equal])
FACTS.update([np.isnan, np.isinf, np.isfinite, np.signbit, np.iscomplexobj, np.isrealobj, np.result_type, np.can_cast])
FACTS.update([np.zeros_like, np.ones_like, np.empty_like, np.shape, np.ndim, np.size, np.shares_memory])
FACTS.update([np.argmax, np.argmin, np.argsort, np.searchsorted, np.nonzero, np.flatnonzero, np.count_nonzero])
FACTS.update([np.isneginf, np.isposinf, np.isreal, np.argwhere, np.digitize, np.array_equiv])
FACTS.update([np.array_repr, np.array_str, np.array2string])

ADVICE.update(
    {
        np.copyto: "Traced arrays are never changed in place. Write np.where(mask, new, x), or x * np.ones(n).",
        np.put: "Traced arrays are never changed in place. Write np.where(mask, new, x).",
        np.fill_diagonal: "Traced arrays are never changed in place. Write np.where(np.eye(n) > 0, new, x).",
        np.insert: "Write np.concatenate([x[:i], new, x[i:]]).",
        np.block: "Write np.concatenate of rows, each np.concatenate of blocks.",
        np.quantile: "Write it with np.sort and an index.",
        np.percentile: "Write it with np.sort and an index.",
        np.select: "Write np.where(condition, x, y), one in the other.",
        np.linspace: "Write a + (b - a) * np.linspace(0, 1, n).",
        np.nan_to_num: "Write np.where(np.isnan(x), 0, x).",
        np.meshgrid: "Write x[None, :] and y[:, None], which broadcast.",
        np.broadcast_arrays: "Write np.broadcast_to for each.",
        np.ldexp: "Write x * 2.0**n.",
        np.convolve: "Write a sum of shifted products, w[k] * x[k:k + n].",
        np.linalg.svd: "Write np.linalg.eigh(A.T @ A), whose eigenvalues are the squares of the singular values.",
        np.linalg.qr: "Write R = np.linalg.cholesky(A.T @ A).T and Q = np.linalg.solve(R.T, A.T).T.",
        np.linalg.eig: "For a symmetric matrix write np.linalg.eigh.",
        np.linalg.eigvals: "For a symmetric matrix write np.linalg.eigvalsh.",
        np.linalg.lstsq: "Write np.linalg.solve(A.T @ A, A.T @ b).",
        np.linalg.pinv: "For full column rank write np.linalg.solve(A.T @ A, A.T).",
        np.modf: "Write x - np.trunc(x) and np.trunc(x).",
        np.divmod: "Write x // y and x % y.",
        np.frexp: "Write x * 2.0**-n with n = np.frexp of the plain value.",
    }
)
