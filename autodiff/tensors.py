"""Jacobians that keep their structure, contraction over named axes, and vec.

Most Jacobians are mostly zeros: that of an elementwise function is diagonal, that of Y = A X B the Kronecker product of
A and B^T. `structured_jacobian` keeps them so, and `dense()` writes the tensor out, output axes first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.batch import basis
from autodiff.jacobian import joined, rows
from autodiff.modes import lift, on_tape, positions, project, trace
from autodiff.rule import Array, Elementwise
from autodiff.tape import Line, RefusalError, strip


class Structure:
    """A Jacobian by its structure: the shape of the output, the shape of the input, and what is not zero.

    `dense()` gives the tensor, output axes first. `outer @ inner` is the chain rule, `a + b` two ways to
    one output; both keep the structure where they can.
    """

    out_shape: tuple[int, ...]
    in_shape: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensor."""
        return self.out_shape + self.in_shape

    def dense(self) -> Array:
        """The tensor, of shape out_shape + in_shape."""
        raise NotImplementedError

    def matrix(self) -> Array:
        """The tensor as a matrix between row-major vecs."""
        return np.reshape(self.dense(), (math.prod(self.out_shape), math.prod(self.in_shape)))

    def __matmul__(self, inner: Structure) -> Structure:
        if self.in_shape != inner.out_shape:
            raise RefusalError(
                f"{self!r} does not take what {inner!r} gives: {self.in_shape} is not {inner.out_shape}."
            )
        if isinstance(self, Diagonal) and isinstance(inner, Diagonal):
            return Diagonal(self.entries * inner.entries)
        if isinstance(self, Kronecker) and isinstance(inner, Kronecker):
            return Kronecker(self.left @ inner.left, self.right @ inner.right)
        for one, other in ((self, inner), (inner, self)):
            if isinstance(one, Diagonal) and isinstance(other, Kronecker) and one.is_multiple():
                return Kronecker(one.entries.flat[0] * other.left, other.right)
        if isinstance(self, Diagonal):
            spread = np.reshape(self.entries, self.out_shape + (1,) * len(inner.in_shape))
            return Dense(spread * inner.dense(), self.out_shape)
        product = self.matrix() @ inner.matrix()
        return Dense(np.reshape(product, self.out_shape + inner.in_shape), self.out_shape)

    def __add__(self, other: Structure) -> Structure:
        if self.shape != other.shape:
            raise RefusalError(f"{self!r} and {other!r} are not Jacobians of the same shape.")
        if isinstance(self, Diagonal) and isinstance(other, Diagonal):
            return Diagonal(self.entries + other.entries)
        return Dense(self.dense() + other.dense(), self.out_shape)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} Jacobian of shape {self.out_shape} + {self.in_shape}>"


class Dense(Structure):
    """Nothing known: the tensor itself, whose first len(out_shape) axes are the output's."""

    def __init__(self, tensor: Array, out_shape: tuple[int, ...]) -> None:
        self.tensor, self.out_shape, self.in_shape = tensor, out_shape, tensor.shape[len(out_shape) :]

    def dense(self) -> Array:
        """The tensor."""
        return self.tensor


class Diagonal(Structure):
    """dy[i...]/dx[j...] = entries[i...] where i... = j..., else 0: x and y have the shape of the entries."""

    def __init__(self, entries: Array) -> None:
        self.entries, self.out_shape, self.in_shape = entries, entries.shape, entries.shape

    def is_multiple(self) -> bool:
        """Whether it is a number times the identity; not said of traced entries, which may move apart."""
        plain = isinstance(self.entries, np.ndarray) and self.entries.size > 0
        return plain and bool(np.all(self.entries == self.entries.flat[0]))

    def dense(self) -> Array:
        """The entries on the diagonal of a tensor of zeros."""
        return np.reshape(np.diag(np.ravel(self.entries)), self.shape)


class Kronecker(Structure):
    """dY[i,l]/dX[j,k] = left[i,j] right[l,k], as for Y = left X right^T: the Kronecker product, for row-major vec."""

    def __init__(self, left: Array, right: Array) -> None:
        self.left, self.right = left, right
        self.out_shape, self.in_shape = (len(left), len(right)), (left.shape[1], right.shape[1])

    def dense(self) -> Array:
        """The product of all pairs of entries."""
        return np.einsum("ij,lk->iljk", self.left, self.right)


def structured_jacobian(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Structure]:
    """A function that returns the Jacobian of f in args[argnum] as a `Diagonal`, a `Kronecker` or a `Dense`.

    Composed down the list of f, line by line: elementwise lines are diagonal, products with a constant matrix are
    Kronecker products, what is neither (or mixes them) is dense. f takes plain arrays and returns one array.
    """

    def structured(*args: Any) -> Structure:
        tape, y = trace(f, args, positions(argnum, args))
        x = tape.records[0][4]
        if not on_tape(y, tape):
            value = lift(y, "the value of the function")
            return Dense(np.zeros(value.shape + x.shape, value.dtype), value.shape)
        found: list[Structure | None] = [Diagonal(np.ones(x.shape, x.dtype))]
        for line in list(tape)[1 : y.index + 1]:
            total: Structure | None = None
            for slot, parent in enumerate(line.parents):
                inner = None if parent is None else found[parent]
                if inner is not None:
                    term = local(line, slot) @ inner if parent else local(line, slot)
                    total = term if total is None else total + term
            found.append(total)
        result: Structure | None = found[y.index]
        assert result is not None, "every line after the input depends on it"
        return result

    return structured


def local(line: Line, slot: int) -> Structure:
    """The Jacobian of one line in one of its arguments, as its rule knows it; by a batched reverse step otherwise."""
    rule, _, args, params, y = line
    assert rule is not None
    x = args[slot]
    if isinstance(rule, Elementwise) and x.shape == y.shape:
        return Diagonal(project(rule.vjp(slot, np.ones_like(y), y, args, params), x))
    if rule.key is np.matmul and args[0].ndim == args[1].ndim == 2:
        return (
            Kronecker(np.eye(len(y), dtype=y.dtype), args[1].T)
            if slot == 0
            else Kronecker(args[0], np.eye(y.shape[1], dtype=y.dtype))
        )
    blocks = [
        rows(project(rule.vjp(slot, seed, y, args, params), x), seed, x.shape) for seed in basis(y, max(x.size, y.size))
    ]
    return Dense(np.reshape(joined(blocks, x), y.shape + x.shape), y.shape)


# --- tensors ---------------------------------------------------------------------------------------------------------


def contract(
    a: Array, a_axes: str | Sequence[str], b: Array, b_axes: str | Sequence[str], over: str | Sequence[str]
) -> Array:
    """The sum of a * b over the axes named in `over`, none included; the other axes of a, then those of b, remain.

    Axes are named one by one, as in contract(J, "out hidden", K, "hidden in", "hidden"): a text is split at its spaces.
    Over nothing ("") it is the outer product. A length is not a name: axes of equal length are not the same axis.
    Raises RefusalError for a number of names that is not the number of axes, a name that is used twice, is not known or
    stands for two lengths, and for a name that both have and `over` does not.

    >>> contract(np.ones((2, 3)), "i j", np.ones((3, 4)), "j k", over="j").shape
    (2, 4)
    """
    names = [n.split() if isinstance(n, str) else list(n) for n in (a_axes, b_axes, over)]
    for array, own in ((a, names[0]), (b, names[1])):
        if len(own) != np.ndim(strip(array)) or len(set(own)) < len(own):
            raise RefusalError(
                f"an array of shape {np.shape(strip(array))} needs that many different names, not {own}."
            )
    for name in names[2]:
        if name not in names[0] or name not in names[1]:
            raise RefusalError(
                f"axis {name!r} is to be summed over, so both arrays need it: {names[0]} and {names[1]}."
            )
        lengths = [np.shape(strip(x))[own.index(name)] for x, own in ((a, names[0]), (b, names[1]))]
        if lengths[0] != lengths[1]:
            raise RefusalError(f"axis {name!r} has length {lengths[0]} in one array and {lengths[1]} in the other.")
    kept = set(names[0]) & set(names[1]) - set(names[2])
    if kept:
        raise RefusalError(f"both arrays have an axis named {sorted(kept)}: sum over it, or rename it in one of them.")
    axes: Any = tuple([own.index(name) for name in names[2]] for own in names[:2])
    return np.tensordot(a, b, axes)


def vec(x: Array, order: str = "row") -> Array:
    """All entries in one row: row by row (order="row", the convention of the course) or column by column ("column")."""
    return np.reshape(x, (-1,), order=memory(order))


def unvec(v: Array, shape: tuple[int, ...], order: str = "row") -> Array:
    """The array of this shape whose `vec` in this order is v."""
    return np.reshape(v, shape, order=memory(order))


def vec_jacobian(tensor: Array, out_ndim: int, order: str = "row") -> Array:
    """The matrix d vec(y)/d vec(x) of a Jacobian tensor whose first `out_ndim` axes are the output's."""
    shape = np.shape(strip(tensor))
    if not 0 <= out_ndim <= len(shape):
        raise RefusalError(f"out_ndim={out_ndim}, but the Jacobian has {len(shape)} axes, of the output and the input.")
    rows, columns = math.prod(shape[:out_ndim]), math.prod(shape[out_ndim:])
    return np.reshape(tensor, (rows, columns), order=memory(order))


def memory(order: str) -> Any:
    """NumPy's letter for an order."""
    if order not in ("row", "column"):
        raise RefusalError(f'order={order!r}: vec goes by "row" or by "column".')
    return "C" if order == "row" else "F"
