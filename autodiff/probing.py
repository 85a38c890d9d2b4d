"""What Hessian-vector products tell of a Hessian: the whole of it, its diagonal, and estimates with a standard error.

One product costs a few gradients (`modes.hvp`), for any function; many are taken in one walk (`batch.py`). All
arguments named by argnums count as one vector, of W entries, in their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff.batch import LIMIT, Batch
from autodiff.jacobian import rows
from autodiff.modes import grad, jvp, lift, positions
from autodiff.rule import Array, Function
from autodiff.tape import LEVELS, RefusalError, strip

Argnums = int | Sequence[int]


class Estimate(NamedTuple):
    """A diagonal by chance, and the standard error of each of its entries; per argument, of its shape."""

    diagonal: Any
    error: Any


class Variables:
    """The arguments argnums of a call, as one vector."""

    def __init__(self, f: Function, argnums: Argnums, args: Sequence[Any]) -> None:
        self.f, self.args, self.alone = f, args, isinstance(argnums, (int, np.integer))
        self.wanted = positions(argnums, args)
        self.arrays = [lift(args[k], f"argument {k}") for k in self.wanted]
        self.size = sum(x.size for x in self.arrays)

    def gradient(self, *arrays: Array) -> tuple[Array, ...]:
        """The gradient of f at these arguments, the others as they were."""
        changed = list(self.args)
        for k, x in zip(self.wanted, arrays, strict=True):
            changed[k] = x
        return tuple(grad(self.f, self.wanted)(*changed))

    def split(self, vectors: Array) -> list[Array]:
        """Vectors, in rows, as stacks of arrays like the arguments."""
        ends = np.cumsum([x.size for x in self.arrays])
        parts = [vectors[:, end - x.size : end] for x, end in zip(self.arrays, ends, strict=True)]
        return [np.reshape(part, (part.shape[0], *x.shape)) for part, x in zip(parts, self.arrays, strict=True)]

    def like_arguments(self, vector: Array) -> Any:
        """One vector as arrays like the arguments: one array, or a tuple."""
        stacks = zip(self.split(np.reshape(vector, (1, -1))), self.arrays, strict=True)
        parts = tuple(stack[0].astype(strip(x).dtype) for stack, x in stacks)
        return parts[0] if self.alone else parts

    def products(self, vectors: Array) -> Array:
        """H v for every row v."""
        level = next(LEVELS)
        seeds = [
            Batch(part.astype(strip(x).dtype), level) for part, x in zip(self.split(vectors), self.arrays, strict=True)
        ]
        _, tangents = jvp(self.gradient, self.arrays, seeds)
        found = [rows(t, s, x.shape) for t, s, x in zip(tangents, seeds, self.arrays, strict=True)]
        return np.concatenate([np.reshape(part, (len(vectors), -1)) for part in found], axis=1)

    def chunks(self, count: int) -> Iterator[slice]:
        """`count` vectors, in as many as are pushed along at once."""
        step = max(LIMIT // max(self.size, 1), 1)
        return (slice(k, min(k + step, count)) for k in range(0, count, step))


def columns(f: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the diagonal of the Hessian of f, which returns one number, per argument.

    For any f, by one product per entry: O(W^2), and the check on everything faster.
    """

    def diagonal(*args: Any) -> Any:
        x = Variables(f, argnums, args)
        parts = []
        for k in x.chunks(x.size):
            units = np.eye(k.stop - k.start, x.size, k.start)
            parts.append(np.sum(x.products(units) * units, axis=1))
        return x.like_arguments(np.concatenate(parts) if parts else np.zeros(0))

    return diagonal


def hessian_matrix(f: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the Hessian in all arguments argnums as one symmetric matrix (W, W)."""

    def matrix(*args: Any) -> Array:
        x = Variables(f, argnums, args)
        units = np.eye(x.size)
        h = np.concatenate([x.products(units[k]) for k in x.chunks(x.size)] or [units])
        return (h + np.transpose(h)) / 2

    return matrix


def hutchinson(f: Function, argnums: Argnums = 0, samples: int = 100, seed: int = 0) -> Function:
    """A function that returns an unbiased `Estimate` of the Hessian's diagonal: the mean of v * Hv over random signs v.

    The error falls as 1/sqrt(samples); of one sample it is nan. Source: Bekas, Kokiopoulou & Saad 2007.
    """
    if samples < 1:
        raise RefusalError("hutchinson(samples=...) needs at least 1, and 2 for a standard error.")

    def estimate(*args: Any) -> Estimate:
        x = Variables(f, argnums, args)
        rng = np.random.default_rng(seed)
        parts = []
        for k in x.chunks(samples):
            signs = rng.choice([-1.0, 1.0], (k.stop - k.start, x.size))
            parts.append(signs * x.products(signs))
        return averaged(x, np.concatenate(parts))

    return estimate


def xdiag(f: Function, argnums: Argnums = 0, samples: int = 100, seed: int = 0) -> Function:
    """A function that returns an `Estimate` of the diagonal from `samples` products, exact for a Hessian of low rank.

    Half of them find the range of H, half its action there; every test vector then measures what the others miss. Few
    samples are enough where H has few large eigenvalues. samples is even, and at most 2 W.
    Source: Epperly, Tropp & Webber 2024, "XTrace: making the most of every sample in stochastic trace estimation".
    """

    def estimate(*args: Any) -> Estimate:
        x = Variables(f, argnums, args)
        half = samples // 2
        if samples % 2 or not 2 <= half <= x.size:
            raise RefusalError(f"xdiag(samples={samples}): an even number from 4 to twice the {x.size} entries.")
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], (half, x.size))
        q, r = np.linalg.qr(np.transpose(np.concatenate([x.products(signs[k]) for k in x.chunks(half)])))
        image = np.transpose(np.concatenate([x.products(np.transpose(q)[k]) for k in x.chunks(half)]))
        # Column i of r^-T is across all columns of r but the i-th; a hint of 1 keeps a singular r invertible.
        hint = np.finfo(r.dtype).eps * (np.linalg.norm(r) or 1.0) * np.eye(half)
        others = np.transpose(np.linalg.inv(r + hint))
        others = others / np.linalg.norm(others, axis=0)
        alone = q @ others
        missed = np.transpose(signs) * alone * np.sum(others * r, axis=0)
        each = np.sum(q * image, axis=1, keepdims=True) - alone * (image @ others) + missed
        return averaged(x, np.transpose(each))

    return estimate


def averaged(x: Variables, each: Array) -> Estimate:
    """The mean of estimates, in rows, and its standard error."""
    n = len(each)
    error = np.std(each, axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(x.size, np.nan)
    return Estimate(x.like_arguments(np.mean(each, axis=0)), x.like_arguments(error))


def compare(estimate: Any, exact: Any) -> dict[str, Any]:
    """How good a diagonal is, beside the exact one: arrays, tuples of them, or what has a `diagonal` (a `Curvature`).

    A dictionary: relative L1 and L2 error; Spearman's rank correlation; the share of negative entries, here and in the
    exact one; `per argument`, a list of the same; and `dropped`, what the estimate says it left out.
    """
    found, true = arrays_of(estimate), arrays_of(exact)
    whole = agreement(np.concatenate([np.ravel(a) for a in found]), np.concatenate([np.ravel(a) for a in true]))
    each = [agreement(np.ravel(a), np.ravel(b)) for a, b in zip(found, true, strict=True)]
    return {**whole, "per argument": each, "dropped": list(getattr(estimate, "dropped", []))}


def arrays_of(d: Any) -> tuple[Array, ...]:
    """A diagonal as a tuple of arrays: one array, a tuple of them, or a named tuple with a `diagonal`."""
    d = d.diagonal if hasattr(d, "_fields") else d
    return d if isinstance(d, tuple) else (d,)


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
