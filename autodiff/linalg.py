"""Linear algebra: the rows and the definitions of `np.linalg`, over the last two axes.

The formulas are those of Giles 2008, "An extended collection of matrix derivatives", and, for the Cholesky factor,
Murray 2016, "Differentiation of the Cholesky decomposition".
"""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np

from autodiff.composed import composite, flattened
from autodiff.rule import POSITIVE, REAL, TABLE, Args, Array, Composite, Custom, Elementwise, call, total
from autodiff.rules import axes_of
from autodiff.tape import RefusalError, operand, strip


def turned(a: Array) -> Array:
    """The transpose of the last two axes."""
    return np.swapaxes(a, -1, -2)


def symmetric(a: Array) -> Array:
    """The symmetric part: what a function of symmetric matrices can tell of its argument."""
    return (a + turned(a)) / 2


def push_solve(tangents: Any, y: Array, args: Args) -> Array:
    """A dY = dB - dA Y."""
    da, db = tangents
    change = total([*([] if db is None else [db]), *([] if da is None else [-(da @ y)])])
    return call(TABLE["solve"], (args[0], change), {})


def pull_solve(slot: int, g: Array, y: Array, args: Args) -> Array:
    """For B: the system with A^T and the adjoint. For A: minus that, times Y^T."""
    for_b = call(TABLE["solve"], (turned(args[0]), g), {})
    return for_b if slot else -for_b @ turned(y)


def cofactors(a: Array, y: Array) -> Array:
    """det(A) A^-T; with a nearly singular A among them, the determinants of all minors, which keep their digits."""
    if a.shape[-1] == 0 or np.all(np.linalg.cond(strip(a)) < 2.0**26):
        return y[..., None, None] * turned(np.linalg.inv(a))
    n = a.shape[-1]
    rest = np.reshape([k for i in range(n) for k in range(n) if k != i], (n, n - 1)).astype(int)
    minors = a[..., rest[:, None, :, None], rest[None, :, None, :]]
    return np.linalg.det(minors) * np.where(np.indices((n, n)).sum(axis=0) % 2, -1, 1).astype(a.dtype)


def push_logdet(tangents: Any, y: Array, args: Args) -> Array:
    """tr(A^-1 dA): the relative change of the determinant."""
    return np.trace(np.linalg.inv(args[0]) @ tangents[0], axis1=-2, axis2=-1)


def pull_logdet(slot: int, g: Array, y: Array, args: Args) -> Array:
    """g A^-T."""
    return g[..., None, None] * turned(np.linalg.inv(args[0]))


def halved(a: Array) -> Array:
    """The lower triangle with half of the diagonal: what of a symmetric matrix L^-1 dA L^-T is the step of L."""
    return np.tril(a) * (1 - 0.5 * np.eye(a.shape[-1], dtype=a.dtype))


def push_cholesky(tangents: Any, y: Array, args: Args) -> Array:
    """dL = L halved(L^-1 dA L^-T)."""
    inverse = np.linalg.inv(y)
    return y @ halved(inverse @ symmetric(tangents[0]) @ turned(inverse))


def pull_cholesky(slot: int, g: Array, y: Array, args: Args) -> Array:
    """L^-T halved(L^T G) L^-1, symmetrised."""
    inverse = np.linalg.inv(y)
    return symmetric(turned(inverse) @ halved(turned(y) @ g) @ inverse)


def share(a: Array, b: Array) -> Array:
    """a / b, and 0 where a is 0, even over 0; what another number over 0 is cannot be known."""
    return np.where(a == 0, 0, a / np.where(b == 0, math.nan, b))


def over_gaps(m: Array, w: Array) -> Array:
    """m_ij / (w_j - w_i), and 0 for i = j. Equal eigenvalues leave their vectors, and so their change, undetermined."""
    one = np.eye(w.shape[-1], dtype=w.dtype)
    return call(TABLE["share"], (m * (1 - one), w[..., None, :] - w[..., :, None] + one), {})


def evaluate_eigh(a: Array, UPLO: Any) -> Array:
    """One array for the table: the eigenvalues as row 0, the vectors as columns below them."""
    w, v = np.linalg.eigh(a, UPLO)
    return np.concatenate([w[..., None, :], v], axis=-2)


def push_eigh(tangents: Any, y: Array, args: Args, UPLO: Any) -> Array:
    """With M = V^T dA V: dw is its diagonal, dV = V (M / gaps)."""
    w, v = y[..., 0, :], y[..., 1:, :]
    m = turned(v) @ symmetric(tangents[0]) @ v
    return np.concatenate([np.linalg.diagonal(m)[..., None, :], v @ over_gaps(m, w)], axis=-2)


def pull_eigh(slot: int, g: Array, y: Array, args: Args, UPLO: Any) -> Array:
    """V (diag(gw) + (V^T GV) / gaps) V^T, symmetrised."""
    w, v = y[..., 0, :], y[..., 1:, :]
    gw, gv = g[..., :1, :], g[..., 1:, :]
    return symmetric(v @ (gw * np.eye(w.shape[-1], dtype=w.dtype) + over_gaps(turned(v) @ gv, w)) @ turned(v))


Custom(
    np.linalg.inv,
    "from A Y = 1: dY = -Y dA Y",
    lambda tangents, y, args: -y @ tangents[0] @ y,
    lambda slot, g, y, args: -turned(y) @ g @ turned(y),
)
Custom("solve", "A Y = B: A dY = dB - dA Y", push_solve, pull_solve, evaluate=np.linalg.solve)
Custom(
    np.linalg.det,
    "linear in every entry, with its cofactor",
    lambda tangents, y, args: np.sum(cofactors(args[0], y) * tangents[0], axis=(-2, -1)),
    lambda slot, g, y, args: g[..., None, None] * cofactors(args[0], y),
)
Custom(
    "logabsdet",
    "Jacobi: d log|det| = tr(A^-1 dA)",
    push_logdet,
    pull_logdet,
    evaluate=lambda a: np.linalg.slogdet(a)[1],
)
Elementwise(
    "share",
    "as of a quotient",
    lambda y, a, b: share(np.ones_like(b), b),
    lambda y, a, b: -share(y, b),
    evaluate=share,
    domain=(REAL, POSITIVE),
)
Custom("cholesky", "A = L L^T: dA = dL L^T + L dL^T", push_cholesky, pull_cholesky, evaluate=np.linalg.cholesky)
Custom("eigh", "A V = V diag(w), with V^T V = 1", push_eigh, pull_eigh, evaluate=evaluate_eigh)

# --- linear algebra --------------------------------------------------------------------------------------------------


@composite(np.linalg.norm)
def norm(x: Array, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Array:
    """Of vectors for any ord, of matrices for None, "fro", 1, -1, inf and -inf."""
    axes = axes_of(x, axis)
    if ord is None or (ord == 2 and len(axes) == 1) or (ord == "fro" and len(axes) == 2):
        return call(TABLE["euclidean"], (x,), {"axis": axes, "keepdims": keepdims})
    if len(axes) == 1 and not isinstance(ord, str):
        return power_norm(x, ord, axes[0], keepdims)
    if len(axes) == 2 and ord in (1, -1, math.inf, -math.inf):
        down, across = axes if abs(ord) == 1 else axes[::-1]
        sums = np.sum(np.abs(x), axis=down, keepdims=True)
        extreme = (np.max if ord > 0 else np.min)(sums, axis=across, keepdims=True)
        return extreme if keepdims else np.squeeze(extreme, axes)
    raise RefusalError(
        f"np.linalg.norm(ord={ord!r}) has no rule for {len(axes)} axes: it needs a singular value decomposition.\n"
        "For singular values write np.sqrt(np.linalg.eigvalsh(A.T @ A))."
    )


def power_norm(x: Array, ord: float, axis: int, keepdims: bool) -> Array:
    """(sum |x|^p)^(1/p), and its limits."""
    if abs(ord) == math.inf:
        return (np.max if ord > 0 else np.min)(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.abs(np.sign(x)), axis=axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    powers = power(np.abs(x), ord) if ord > 0 else np.abs(x) ** ord
    return power(np.sum(powers, axis=axis, keepdims=keepdims), 1 / ord)


def power(x: Array, exponent: float) -> Array:
    """x^exponent of numbers that are not negative, with derivative 0 at 0: the kink of a norm."""
    at_zero = strip(x) == 0
    return np.where(at_zero, 0, np.where(at_zero, 1, x) ** exponent)


@composite(np.linalg.vector_norm)
def vector_norm(x: Array, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Array:
    """Over all entries, or all along some axes, as one vector."""
    axes = axes_of(x, axis)
    length = norm(flattened(x, axes), ord, -1)
    return np.expand_dims(length, axes) if keepdims else length


@composite(np.linalg.matrix_norm)
def matrix_norm(x: Array, keepdims: bool = False, ord: Any = "fro") -> Array:
    """np.linalg.norm over the last two axes."""
    return norm(x, ord, (-2, -1), keepdims)


EIGH, SLOGDET = type(np.linalg.eigh(np.eye(1))), type(np.linalg.slogdet(np.eye(1)))


@composite(np.linalg.eigh)
def eigh(a: Array, UPLO: str = "L") -> Any:
    """Eigenvalues and vectors, each with its derivative among symmetric matrices."""
    both = call(TABLE["eigh"], (a,), {"UPLO": UPLO})
    return EIGH(both[..., 0, :], both[..., 1:, :])


@composite(np.linalg.cholesky)
def cholesky(a: Array, /, *, upper: bool = False) -> Array:
    """The lower factor from the lower triangle, or the upper one from the upper."""
    return turned(call(TABLE["cholesky"], (turned(a),), {})) if upper else call(TABLE["cholesky"], (a,), {})


@composite(np.linalg.solve)
def solve(a: Array, b: Array) -> Array:
    """A vector on the right is one column."""
    a, b = operand(a), operand(b)
    return call(TABLE["solve"], (a, b), {}) if b.ndim > 1 else call(TABLE["solve"], (a, b[:, None]), {})[..., 0]


@composite(np.linalg.slogdet)
def slogdet(a: Array) -> Any:
    """The sign is a fact, its logarithm has a derivative."""
    return SLOGDET(np.linalg.slogdet(strip(a))[0], call(TABLE["logabsdet"], (a,), {}))


@composite(np.linalg.matrix_power)
def matrix_power(a: Array, n: int) -> Array:
    """Repeated products; of the inverse for n < 0."""
    base = np.linalg.inv(a) if n < 0 else a
    return functools.reduce(operator.matmul, [base] * abs(n)) if n else a * 0 + np.eye(a.shape[-1], dtype=a.dtype)


Composite(np.linalg.eigvalsh, "the values of np.linalg.eigh", evaluate=lambda a, UPLO="L": eigh(a, UPLO)[0])
