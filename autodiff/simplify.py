"""Simplifications of steps as they come (see `simpler`): one way to say a thing, and no more than it takes to say it.

Constants are folded where that rounds nothing, and repeated terms are gathered (r + u + u is r + 2 u: the one rewrite
that rounds differently).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from autodiff.symbols import Symbol, alike, astype, is_reshaped, number, plain, scatter, settled, sigmoid

if TYPE_CHECKING:
    from autodiff.program import Program

REDUCTIONS = {np.sum, np.prod, np.max, np.min, np.mean, np.all, np.any}
MOVES = {np.reshape, np.transpose, np.broadcast_to, np.copy, astype}


def exact(a: float, b: float) -> bool:
    """Whether x * a * b is x * (a * b), to the last bit: one of them is a power of two."""
    return a * b != 0 and math.isfinite(a * b) and 0.5 in (abs(math.frexp(a)[0]), abs(math.frexp(b)[0]))


def is_led_by_ones(x: Symbol) -> bool:
    """Whether x is a reshape that only puts axes of length 1 in front, as broadcasting does by itself."""
    return is_reshaped(x) and x.shape == (1,) * (x.ndim - x.args[0].ndim) + x.args[0].shape


def is_vector(x: Any) -> bool:
    """Whether x is a vector made a row or a column."""
    return is_reshaped(x) and x.args[0].ndim == 1 and x.size == max(x.shape)


def reshaping(index: Any, whole: bool) -> bool:
    """Whether an index only puts in or leaves out axes of length 1; `whole` says that it picks every entry."""
    parts = index if isinstance(index, tuple) else (index,)
    plainly = all(p is None or p is Ellipsis or (type(p) in (int, slice) and p in (0, slice(None))) for p in parts)
    return bool(whole and parts and plainly)


def canonical(func: Any, args: Any, kwargs: dict[str, Any], value: Any) -> tuple[Any, Any, dict[str, Any]]:
    """One way to say it: reductions without what goes without saying, one reshape, one transpose, one sigmoid."""
    x = args[0] if args else None
    if type(x) is not Symbol or type(x.value) in (int, float):
        return func, args, kwargs
    same_size = not isinstance(value, (tuple, list)) and x.size == np.size(value)
    if func in REDUCTIONS and len(args) == 1 and kwargs.keys() <= {"axis", "keepdims"}:
        reshapes = same_size and x.ndim and func is np.sum and x.dtype.kind == "f"
        return (np.reshape, (x, np.shape(value)), {}) if reshapes else (func, args, reduction(x, **kwargs))
    order = (*args[1 if func is np.ravel else 2 :], kwargs.get("order", "C"))
    picks_all = func is operator.getitem and reshaping(args[1], same_size)
    if picks_all or func in (np.expand_dims, np.squeeze) or (func in (np.ravel, np.reshape) and {*order} == {"C"}):
        return np.reshape, (x, np.shape(value)), {}
    if func in (np.transpose, np.swapaxes, np.matrix_transpose):
        numbers = func(np.broadcast_to(0, range(2, 2 + x.ndim)), *args[1:], **kwargs).shape
        return np.transpose, (x, tuple(n - 2 for n in numbers)), {}
    if func is np.exp and x.func is operator.neg and type(x.args[0]) is Symbol and x.args[0].func is np.logaddexp:
        zero, z = x.args[0].args
        if number(zero) == 0 and type(z) is Symbol:
            return sigmoid, (z.program.add(operator.neg, (z,)),), {}
    return func, args, kwargs


def reduction(x: Symbol, axis: Any = None, keepdims: bool = False) -> dict[str, Any]:
    """The keywords of a reduction that say something."""
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    said: dict[str, Any] = {"keepdims": True} if keepdims else {}
    return said if len(axes) == x.ndim else {"axis": axes[0] if len(axes) == 1 else axes, **said}


def lighter(func: Any, args: Any, value: Any) -> Any:
    """Operands with nothing but their shape to add: a constant array of equal entries, what was broadcast."""
    for i, a in enumerate(args):
        c = number(a)
        options = [] if c is None or type(a) is type(c) else [c] if type(a) is float else [c, float(c)]
        if type(a) is Symbol and (a.func is np.broadcast_to or is_led_by_ones(a)):
            options = [a.args[0]]
        for light in options:
            trial = (*args[:i], light, *args[i + 1 :])
            other = np.asarray(func(*plain(trial)))
            if other.shape == np.shape(value) and other.dtype == np.asarray(value).dtype:
                return lighter(func, trial, value)
    return args


def placed(a: Any, b: Any, value: Any) -> Any:
    """A scattered term, added where it belongs (a number has no places)."""
    for p, q in ((a, b), (b, a)) if np.ndim(value) else ():
        if type(q) is Symbol and q.func is scatter and q.args[0] is None and alike(p, value) and alike(q, value):
            return q.program.add(scatter, (p, *q.args[1:]))
    return None


def coefficient(x: Any) -> tuple[int | float, Any]:
    """(c, y) with x = c * y."""
    if type(x) is Symbol and x.func is operator.mul:
        for c, y in (x.args, x.args[::-1]):
            if type(c) in (int, float) and alike(y, x.value):
                return c, y
    return 1, x


def added(program: Program, a: Any, b: Any) -> Any:
    """Repeated terms as one with a factor; a + (-b) as a - b."""
    for (j, x), (k, y), rest in repeatable(a, b):
        if x is y and type(x) is Symbol:
            twice = program.add(operator.mul, (j + k, x))
            return twice if rest is None else program.add(operator.add, (rest, twice))
    for p, q in ((a, b), (b, a)):
        positive = negated(q)
        if positive is not None:
            return program.add(operator.sub, (p, positive))
    return None


def repeatable(a: Any, b: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Pairs of terms of a + b, as coefficients, and the third term if a or b is itself a sum."""
    yield coefficient(a), coefficient(b), None
    for p, q in ((a, b), (b, a)):
        if type(p) is Symbol and p.func is operator.add:
            for rest, term in (p.args, p.args[::-1]):
                yield coefficient(term), coefficient(q), rest


def simpler(program: Program, func: Any, args: Any, kwargs: dict[str, Any], value: Any) -> Any:
    """Another symbol of the same shape, dtype and bits (but for `added`), or None."""
    x, y = args[0], args[-1]
    if func is operator.add:
        return added(program, x, y)
    if func is operator.mul:
        for c, other in ((x, y), (y, x)):
            if type(c) in (int, float) and alike(other, value):
                return program.add(operator.neg, (other,)) if c == -1 else scaled(other, c)
            if type(c) is float and c == 1 and type(value) is np.float64:
                return program.add(np.float64, (other,))
    if func is operator.neg:
        return scaled(x, -1)
    if func is operator.sub and type(y) is Symbol and y.func is operator.neg:
        return program.add(operator.add, (x, y.args[0]))
    if func is operator.truediv and type(y) is int and y == 1 and settled(x) is not x:  # np.arange divides by its step
        return program.constant(value)
    if func is operator.truediv and type(y) in (int, float) and y and exact(y, 1 / y):
        return scaled(x, 1 / y)
    if func is operator.pow and type(y) is int and y in (0, 1):
        return x if y else program.constant(value)
    if func is operator.matmul and np.ndim(plain(x)) == 2 == np.ndim(plain(y)) and x.shape[1] == 1:
        return program.add(operator.mul, (x, y))  # a column times a row
    if func is operator.getitem and type(y) is tuple and not y and type(value) is type(x.value):
        return x
    if func is scatter and x is None and type(args[2]) is tuple and not args[2]:
        return args[1]
    if func is scatter and x is None and reshaping(args[2], np.size(plain(args[1])) == np.size(value)):
        return program.add(np.reshape, (args[1], np.shape(value)))
    if func is np.einsum:
        return without_ones(program, *args, **kwargs)
    return moved(func, x, args, value) if func in MOVES and kwargs.get("order", "C") == "C" else None


def without_ones(program: Program, subscripts: str, *operands: Any, **kwargs: Any) -> Any:
    """An einsum without a factor 1."""
    left, right = subscripts.split("->")
    kept = [(t, a) for t, a in zip(left.split(","), operands, strict=True) if t or number(a) != 1]
    if len(kept) == len(operands):
        return None
    return program.add(np.einsum, (",".join(t for t, _ in kept) + "->" + right, *(a for _, a in kept)), kwargs)


def moved(func: Any, x: Any, args: Any, value: Any) -> Any:
    """What changes nothing; two reshapes, or two transposes, in a row; a product with a column, as a vector."""
    if alike(x, value) and (func is not np.transpose or args[1] == tuple(range(x.ndim))):
        return x
    if func is np.transpose and x.func is func:
        return x.program.add(func, (x.args[0], tuple(x.args[1][i] for i in args[1])))
    if func is np.transpose and is_vector(x):
        return x.program.add(np.reshape, (x.args[0], np.shape(value)))
    if func is np.reshape and len(args) == 2 and is_reshaped(x):
        return x.program.add(func, (x.args[0], args[1]))
    if func is np.reshape and x.func is operator.matmul and np.ndim(value) == 1 and x.ndim == 2:
        a, b = x.args
        if x.shape[1] == 1 and is_vector(b):
            return x.program.add(operator.matmul, (a, b.args[0]))
        if x.shape[0] == 1 and is_vector(a):
            return x.program.add(operator.matmul, (a.args[0], b))
    return None


def scaled(x: Symbol, c: float, depth: int = 3) -> Any:
    """c * x with c taken into a constant factor of x, where that rounds nothing."""
    if c == 1:
        return x
    if x.func is operator.neg:
        return x.program.add(operator.mul, (number(-c), x.args[0]))
    if x.func not in (operator.mul, operator.truediv) or not depth:
        return None
    a, b = x.args
    pairs = ((a, b), (b, a))[: 2 if x.func is operator.mul else 1]
    for k, rest in pairs:
        if type(k) in (int, float) and (exact(c, k) if x.func is operator.mul else exact(c, c)):
            return x.program.add(x.func, (number(float(c * k)), rest))
    for k, rest in pairs if exact(c, c) else ():
        inner = scaled(k, c, depth - 1) if type(k) is Symbol else None
        if inner is not None:
            return x.program.add(x.func, (inner, rest))
    return None


def negated(x: Any) -> Any:
    """-x, if x is written with a minus in front."""
    if type(x) is not Symbol:
        return None
    first: Any = x
    depth = 2
    while type(first) is Symbol and first.func in (operator.mul, operator.truediv) and depth:
        first, depth = first.args[0], depth - 1
    minus = first < 0 if type(first) in (int, float) else first is x and x.func is operator.neg
    return scaled(x, -1) if minus else None
