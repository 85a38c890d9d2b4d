"""Jacobians and Hessians as tensors: the output's axes first, then the input's.

With y = f(x), jacobian(f)(x)[i..., j...] is dy[i...]/dx[j...], so its shape is y.shape + x.shape, for arrays of any
number of axes, 0 included. Reverse mode gives the rows (one per output entry), forward mode the columns (one per input
entry); fewer is cheaper (Griewank & Walther 2008, section 3.5). All of them are pushed along in one walk (`batch.py`).

Most Jacobians are mostly zeros: that of an elementwise function is diagonal, that of Y = A X B the Kronecker product of
A and B^T. `structured_jacobian` keeps them so, and `dense()` writes the tensor out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.batch import Batch, basis
from autodiff.modes import grad, gradients, jvp, lift, on_tape, positions, project, single, trace
from autodiff.rule import Array, Elementwise
from autodiff.tape import Line, RefusalError, strip


def jacobian(f: Callable[..., Any], argnums: int | Sequence[int] = 0, mode: str | None = None) -> Callable[..., Any]:
    """A function that returns the Jacobian of f in x = args[argnums], of shape value.shape + x.shape.

    mode is "forward", "reverse", or None: the one that needs fewer passes. A tuple of argnums gives a tuple.
    f takes positional arrays and returns one array. Raises RefusalError for another mode or value.
    """
    if mode not in (None, "forward", "reverse"):
        raise RefusalError(f'jacobian(mode={mode!r}): the modes are "forward", "reverse", or None to choose by size.')

    def jacobian_of(*args: Any) -> Any:
        wanted = positions(argnums, args)
        if mode == "forward":
            results = forward(f, args, wanted)
        else:
            tape, y = trace(f, args, wanted)
            outputs = np.size(strip(y))
            inputs = sum(strip(tape.records[i][4]).size for i in range(len(wanted)))
            by_rows = mode == "reverse" or outputs <= 2 * inputs  # the list is there already
            results = reverse(tape, y, len(wanted)) if by_rows else forward(f, args, wanted)
        return results[0] if isinstance(argnums, (int, np.integer)) else tuple(results)

    return jacobian_of


def reverse(tape: Any, y: Any, count: int) -> list[Array]:
    """Up the list with all unit adjoints of y at once; each gives one row of every Jacobian."""
    value = y.value if on_tape(y, tape) else lift(y, 0)
    largest = max(strip(record[4]).size for record in tape.records)
    inputs = [tape.records[i][4] for i in range(count)]
    blocks: list[list[Array]] = [[] for _ in inputs]
    for seed in basis(value, largest):
        for block, g, x in zip(blocks, gradients(tape, y, seed, count), inputs, strict=True):
            block.append(rows(g, seed, x.shape))
    return [np.reshape(joined(b, x), value.shape + x.shape) for b, x in zip(blocks, inputs, strict=True)]


def forward(f: Callable[..., Any], args: Sequence[Any], wanted: list[int]) -> list[Array]:
    """One evaluation with all unit tangents of an argument at once; each gives one column."""
    results = []
    for i in wanted:
        x = lift(args[i], i)

        def along(z: Any, i: int = i) -> Any:
            return single(f(*args[:i], z, *args[i + 1 :]))

        columns = []
        shape = None
        for seed in basis(x, x.size):
            value, tangent = jvp(along, (x,), (seed,))
            shape = tuple(value.shape)
            columns.append(rows(tangent, seed, shape))
        shape = np.shape(strip(f(*args))) if shape is None else shape
        table = np.reshape(joined(columns, x), (x.size, *shape))
        results.append(np.reshape(np.moveaxis(table, 0, -1), shape + x.shape))
    return results


def rows(g: Array, seed: Batch, shape: tuple[int, ...]) -> Array:
    """What a walk with `seed` made of it, n arrays of this shape stacked; what did not depend on the seed, n times."""
    own = isinstance(g, Batch) and g.level == seed.level
    stacked = g.value if own else np.broadcast_to(g, (len(seed.value), *shape))
    return np.array(stacked) if type(stacked) is np.ndarray else stacked


def joined(blocks: list[Array], like: Array) -> Array:
    """np.concatenate that also knows what to do with no blocks at all."""
    if not blocks:
        return np.zeros(0, strip(like).dtype)
    return np.concatenate(blocks) if len(blocks) > 1 else blocks[0]


def hessian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns the matrix of second derivatives of f, of shape x.shape + x.shape for x = args[argnums].

    f returns one number. A tuple of argnums gives a tuple of tuples: result[i][j] belongs to the i-th and j-th of them
    and has the shape of the one followed by that of the other. Forward mode over reverse mode.
    """
    if isinstance(argnums, (int, np.integer)):
        return jacobian(grad(f, argnums), argnums, mode="forward")
    blocks = [jacobian(grad(f, i), argnums, mode="forward") for i in argnums]
    return lambda *args: tuple(row(*args) for row in blocks)


# --- structure -------------------------------------------------------------------------------------------------------


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
        if isinstance(self, Diagonal) and isinstance(inner, Diagonal):
            return Diagonal(self.entries * inner.entries)
        if isinstance(self, Kronecker) and isinstance(inner, Kronecker):
            return Kronecker(self.left @ inner.left, self.right @ inner.right)
        if isinstance(self, Diagonal):
            spread = np.reshape(self.entries, self.out_shape + (1,) * len(inner.in_shape))
            return Dense(spread * inner.dense(), self.out_shape)
        product = self.matrix() @ inner.matrix()
        return Dense(np.reshape(product, self.out_shape + inner.in_shape), self.out_shape)

    def __add__(self, other: Structure) -> Structure:
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
            value = lift(y, 0)
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
    rows, columns = math.prod(shape[:out_ndim]), math.prod(shape[out_ndim:])
    return np.reshape(tensor, (rows, columns), order=memory(order))


def memory(order: str) -> Any:
    """NumPy's letter for an order."""
    if order not in ("row", "column"):
        raise RefusalError(f'order={order!r}: vec goes by "row" or by "column".')
    return "C" if order == "row" else "F"
