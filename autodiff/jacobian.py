"""Jacobians and Hessians as tensors: the output's axes first, then the input's.

With y = f(x), jacobian(f)(x)[i..., j...] is dy[i...]/dx[j...], so its shape is y.shape + x.shape, for arrays of any
number of axes, 0 included. Reverse mode fills one row (one output entry) per walk, forward mode one column (one input
entry) per evaluation; fewer is cheaper (Griewank & Walther 2008, section 3.5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from autodiff.modes import grad, gradients, jvp, lift, on_tape, positions, single, trace
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
            inputs = sum(strip(lift(args[i], i)).size for i in wanted)
            by_rows = mode == "reverse" or outputs <= inputs
            results = reverse(tape, y, len(wanted)) if by_rows else forward(f, args, wanted)
        return results[0] if isinstance(argnums, (int, np.integer)) else tuple(results)

    return jacobian_of


def reverse(tape: Any, y: Any, count: int) -> list[Array]:
    """One walk up the list per entry of y; each gives one row of every Jacobian."""
    value = y.value if on_tape(y, tape) else lift(y, 0)
    rows = [gradients(tape, y, seed, count) for seed in basis(value)]
    inputs = [tape.records[i][4] for i in range(count)]
    return [np.reshape(stacked([row[i] for row in rows], x), value.shape + x.shape) for i, x in enumerate(inputs)]


def forward(f: Callable[..., Any], args: Sequence[Any], wanted: list[int]) -> list[Array]:
    """One evaluation per entry of the arguments wanted; each gives one column."""
    results = []
    for i in wanted:
        x = lift(args[i], i)

        def along(t: Array, i: int = i, x: Array = x) -> tuple[Array, Array]:
            value, tangent = jvp(lambda z: single(f(*args[:i], z, *args[i + 1 :])), (x,), (t,))
            return value, tangent

        columns = [along(t)[1] for t in basis(x)]
        shape = columns[0].shape if columns else np.shape(strip(f(*args)))
        table = np.reshape(stacked(columns, x), (x.size, *shape))
        results.append(np.reshape(np.moveaxis(table, 0, -1), shape + x.shape))
    return results


def basis(x: Array) -> Iterator[Array]:
    """The unit arrays of the shape and dtype of x, in row-major order."""
    plain = strip(x)
    for k in range(plain.size):
        unit = np.zeros(plain.size, plain.dtype)
        unit[k] = 1
        yield np.reshape(unit, plain.shape)[()]


def stacked(rows: list[Array], like: Array) -> Array:
    """np.stack that also knows what to do with no rows at all."""
    return np.stack(rows) if rows else np.zeros(0, strip(like).dtype)


def hessian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns the matrix of second derivatives of f, of shape x.shape + x.shape for x = args[argnums].

    f returns one number. A tuple of argnums gives a tuple of tuples: result[i][j] belongs to the i-th and j-th of them
    and has the shape of the one followed by that of the other. Forward mode over reverse mode.
    """
    if isinstance(argnums, (int, np.integer)):
        return jacobian(grad(f, argnums), argnums, mode="forward")
    rows = [jacobian(grad(f, i), argnums, mode="forward") for i in argnums]
    return lambda *args: tuple(row(*args) for row in rows)
