"""What Hessian-vector products tell of a Hessian: the whole of it, its diagonal, and estimates with a standard error.

One product costs a few gradients, for any function; many are taken in one walk (`batch.py`). All arguments named by
argnums count as one vector, of W entries, in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff.batch import LIMIT, Batch, basis
from autodiff.jacobian import hessian, rows
from autodiff.modes import grad, jvp, lift, positions
from autodiff.rule import Array, Function
from autodiff.tape import LEVELS, RefusalError, strip

Argnums = int | Sequence[int]


class Estimate(NamedTuple):
    """A diagonal by chance, and the standard error of each of its entries; per argument, of its shape."""

    diagonal: Any
    error: Any


class Comparison(dict[str, Any]):
    """The figures of `compare` by name; printed as a table."""

    def __repr__(self) -> str:
        names = [name for name, figure in self.items() if isinstance(figure, float)]
        rows = {"all": self} | {f"argument {k}": each for k, each in enumerate(self["per argument"])}
        table = ["".join(f"{name:>17}" for name in ("", *names))]
        table += [f"{name:>17}" + "".join(f"{row[key]:17.4g}" for key in names) for name, row in rows.items()]
        return "\n".join([*table, f"dropped: {self['dropped']}"])


class Variables:
    """The arguments argnums of a call as one vector `x`, and f as a function of it."""

    def __init__(self, f: Function, argnums: Argnums, args: Sequence[Any]) -> None:
        self.f, self.args, self.alone = f, args, isinstance(argnums, (int, np.integer))
        self.wanted = positions(argnums, args)
        self.arrays = [lift(args[k], f"argument {k}") for k in self.wanted]
        self.x = np.concatenate([np.ravel(a) for a in self.arrays])

    def __call__(self, x: Array) -> Any:
        parts = dict(zip(self.wanted, self.split(x), strict=True))
        return self.f(*[parts.get(k, a) for k, a in enumerate(self.args)])

    def split(self, x: Array) -> tuple[Array, ...]:
        """A vector as arrays like the arguments."""
        pieces = np.split(x, np.cumsum([a.size for a in self.arrays])[:-1])
        return tuple(
            np.reshape(p, a.shape).astype(strip(a).dtype)[()] for p, a in zip(pieces, self.arrays, strict=True)
        )

    def like_arguments(self, x: Array) -> Any:
        """A vector as one array, or a tuple of them."""
        return self.split(x)[0] if self.alone else self.split(x)

    def product(self, seed: Batch) -> Array:
        """H v for every vector v of a batch, in rows."""
        return rows(jvp(grad(self), (self.x,), (seed,))[1], seed, self.x.shape)

    def products(self, vectors: Array) -> Array:
        """H v for every row v, as many at once as a batch may hold."""
        step = max(LIMIT // max(self.x.size, 1), 1)
        blocks = np.split(vectors.astype(strip(self.x).dtype), range(step, len(vectors), step))
        return np.concatenate([self.product(Batch(block, next(LEVELS))) for block in blocks])


def columns(f: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the diagonal of the Hessian of f, which returns one number, per argument.

    For any f, by one product per entry: O(W^2), and the check on everything faster.
    """

    def diagonal(*args: Any) -> Any:
        v = Variables(f, argnums, args)
        parts = [np.sum(v.product(units) * units.value, axis=1) for units in basis(v.x, v.x.size)]
        return v.like_arguments(np.concatenate(parts) if parts else v.x)

    return diagonal


def hessian_matrix(f: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the Hessian in all arguments argnums as one symmetric matrix (W, W)."""

    def matrix(*args: Any) -> Array:
        v = Variables(f, argnums, args)
        h = hessian(v)(v.x)
        return (h + np.transpose(h)) / 2

    return matrix


def hutchinson(f: Function, argnums: Argnums = 0, samples: int = 100, seed: int = 0) -> Function:
    """A function that returns an unbiased `Estimate` of the Hessian's diagonal: the mean of v * Hv over random signs v.

    The error falls as 1/sqrt(samples); of one sample it is nan. Source: Bekas, Kokiopoulou & Saad 2007.
    """
    if not isinstance(samples, (int, np.integer)) or samples < 1:
        raise RefusalError(f"hutchinson(samples={samples!r}): a whole number, at least 1; 2 for a standard error.")

    def estimate(*args: Any) -> Estimate:
        v = Variables(f, argnums, args)
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], (samples, v.x.size))
        return averaged(v, signs * v.products(signs))

    return estimate


def xdiag(f: Function, argnums: Argnums = 0, samples: int = 100, seed: int = 0) -> Function:
    """A function that returns an `Estimate` of the diagonal from `samples` products, exact for a Hessian of low rank.

    Half of them find the range of H, half its action there; every test vector then measures what the others miss. Few
    samples are enough where H has few large eigenvalues. samples is even, and at most 2 W.
    Source: Epperly, Tropp & Webber 2024, "XTrace: making the most of every sample in stochastic trace estimation".
    """

    def estimate(*args: Any) -> Estimate:
        v = Variables(f, argnums, args)
        half = samples // 2
        if samples % 2 or not 2 <= half <= v.x.size:
            raise RefusalError(f"xdiag(samples={samples}): an even number from 4 to twice the {v.x.size} entries.")
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], (half, v.x.size))
        q, r = np.linalg.qr(np.transpose(v.products(signs)))
        image = np.transpose(v.products(np.transpose(q)))
        # Column i of r^-T is across all columns of r but the i-th; a hint of 1 keeps a singular r invertible.
        hint = np.finfo(r.dtype).eps * (np.linalg.norm(r) or 1.0) * np.eye(half)
        others = np.transpose(np.linalg.inv(r + hint))
        others = others / np.linalg.norm(others, axis=0)
        alone = q @ others
        missed = np.transpose(signs) * alone * np.sum(others * r, axis=0)
        each = np.sum(q * image, axis=1, keepdims=True) - alone * (image @ others) + missed
        return averaged(v, np.transpose(each))

    return estimate


def averaged(v: Variables, each: Array) -> Estimate:
    """The mean of estimates, in rows, and its standard error."""
    n = len(each)
    error = np.std(each, axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(v.x.size, np.nan)
    return Estimate(v.like_arguments(np.mean(each, axis=0)), v.like_arguments(error))


def compare(estimate: Any, exact: Any) -> Comparison:
    """How good a diagonal is, beside the exact one: arrays, tuples of them, or what has a `diagonal` (a `Curvature`).

    A dictionary: relative L1 and L2 error; Spearman's rank correlation; the share of negative entries, here and in the
    exact one; `per argument`, a list of the same; and `dropped`. Raises RefusalError for different shapes.
    """
    parts = [d.diagonal if hasattr(d, "_fields") else d for d in (estimate, exact)]
    arrays = [d if isinstance(d, tuple) else (d,) for d in parts]
    a, b = ([np.shape(a) for a in each] for each in arrays)
    if a != b:
        raise RefusalError(f"compare needs two diagonals of the same shapes, not {a} and {b}.")
    found, true = ([np.ravel(a) for a in each] for each in arrays)
    each = [agreement(a, b) for a, b in zip(found, true, strict=True)]
    whole = agreement(np.concatenate(found), np.concatenate(true))
    return Comparison({**whole, "per argument": each, "dropped": list(getattr(estimate, "dropped", []))})


def agreement(a: Array, b: Array) -> dict[str, float]:
    """The figures of `compare` for two vectors."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "relative L1": float(np.sum(np.abs(a - b)) / np.sum(np.abs(b))),
            "relative L2": float(np.linalg.norm(a - b) / np.linalg.norm(b)),
            "Spearman": spearman(a, b),
            "negative": float(np.mean(a < 0)),
            "negative, exact": float(np.mean(b < 0)),
        }


def spearman(a: Array, b: Array) -> float:
    """The correlation of the ranks, equal entries sharing theirs; nan where one side is constant."""
    ranks = []
    for x in (a, b):
        _, group, count = np.unique(x, return_inverse=True, return_counts=True)
        rank = (np.cumsum(count) - (count - 1) / 2)[group]
        ranks.append(rank - np.mean(rank))
    return float(np.sum(ranks[0] * ranks[1]) / np.sqrt(np.sum(ranks[0] ** 2) * np.sum(ranks[1] ** 2)))
