"""Jacobians and Hessians as tensors: the output's axes first, then the input's.

With y = f(x), jacobian(f)(x)[i..., j...] is dy[i...]/dx[j...], so its shape is y.shape + x.shape, for arrays of any
number of axes, 0 included. Reverse mode gives the rows (one per output entry), forward mode the columns (one per input
entry); fewer is cheaper (Griewank & Walther 2008, section 3.5). All of them are pushed along in one walk (`batch.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.batch import Batch, basis
from autodiff.modes import cast, grad, gradients, jvp, lift, on_tape, positions, single, trace
from autodiff.rule import Array
from autodiff.tape import RefusalError, strip


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
    value = y.value if on_tape(y, tape) else lift(y, "the value of the function")
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
        x = lift(args[i], f"argument {i}")

        def along(z: Any, i: int = i) -> Any:
            return single(f(*args[:i], z, *args[i + 1 :]))

        columns = []
        shape = None
        for seed in basis(x, x.size):
            value, tangent = jvp(along, (x,), (seed,))
            shape = tuple(value.shape)
            columns.append(rows(tangent, seed, shape))
        shape = np.shape(strip(f(*args))) if shape is None else shape
        table = cast(np.reshape(joined(columns, x), (x.size, *shape)), x)
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
