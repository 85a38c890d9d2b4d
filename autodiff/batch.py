"""Many directions in one walk: arrays with one more axis in front, which the code that computes with them does not see.

A Jacobian needs one walk per row, or one evaluation per column. The walks differ only in what is pushed along the list,
so all of them can be done at once: a `Batch` holds n arrays of one shape, stacked, and answers like one of them. Every
operation on it is the same operation on the stack, with its axes counted one further; where that would mean something
else (`einsum` aside, few operations do) the n are done one by one. The idea is JAX's `vmap`, for adjoints and tangents
alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autodiff.rule import TABLE, Args, Array, Elementwise, Params, Rule, call
from autodiff.rules import unused_letters
from autodiff.tape import FACTS, LEVELS, Traced, strip

LIMIT = 2**21  # entries a batch may have at once: beyond that, several smaller ones are faster, and fit


class Batch(Traced):
    """n arrays of one shape, of which code sees one; `value` has them stacked along axis 0."""

    __slots__ = ("level",)

    def __init__(self, value: Array, level: int) -> None:
        self.value, self.level = value, level

    shape = property(lambda self: self.value.shape[1:])
    ndim = property(lambda self: self.value.ndim - 1)
    size = property(lambda self: self.value.size // len(self.value))

    def __len__(self) -> int:
        return int(self.shape[0])

    def emit(self, rule: Rule, args: Args, params: Params) -> Batch:
        """The operation on all of them at once."""
        stacked = [isinstance(a, Batch) and a.level == self.level for a in args]
        inner = [a.value if s else a for a, s in zip(args, stacked, strict=True)]
        return Batch(RULES.get(rule.key, by_kind(rule, params))(rule, inner, stacked, params), self.level)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in FACTS:  # of shapes, which they share; the rules ask adjoints and tangents for no other
            return func(*(a.value[0] if isinstance(a, Batch) else a for a in args), **kwargs)
        return super().__array_function__(func, types, args, kwargs)


def basis(x: Array, largest: int) -> Iterator[Batch]:
    """All unit arrays of the shape and dtype of x, in batches that suit lines of up to `largest` entries."""
    plain = strip(x)
    step = max(LIMIT // max(largest, 1), 1)
    for start in range(0, plain.size, step):
        units = np.eye(min(step, plain.size - start), plain.size, start, plain.dtype)
        yield Batch(np.reshape(units, (len(units), *plain.shape)), next(LEVELS))


Stacked = list[bool]
BatchRule = Callable[[Rule, list[Array], Stacked, Params], Array]


def aligned(args: list[Array], stacked: Stacked, ndim: int = 0) -> list[Array]:
    """The arguments with axes of length 1 put in behind the front, so that they broadcast as each of them would."""
    ndim = max(ndim, *(np.ndim(a) - s for a, s in zip(args, stacked, strict=True)))
    return [
        np.reshape(a, (a.shape[0],) + (1,) * (ndim + 1 - a.ndim) + a.shape[1:]) if s and a.ndim <= ndim else a
        for a, s in zip(args, stacked, strict=True)
    ]


def elementwise(rule: Rule, args: list[Array], stacked: Stacked, params: Params) -> Array:
    """Broadcasting, also against a condition; solve broadcasts what is before its matrices."""
    return call(rule, tuple(aligned(args, stacked, np.ndim(params.get("condition", 0)))), params)


def unchanged(rule: Rule, args: list[Array], stacked: Stacked, params: Params) -> Array:
    """An operation on each entry alone."""
    return call(rule, tuple(args), params)


def along_axes(rule: Rule, args: list[Array], stacked: Stacked, params: Params) -> Array:
    """One axis, or a tuple of them, counted one further."""
    axis = params["axis"]
    shifted = tuple(i + 1 for i in axis) if isinstance(axis, tuple) else axis + 1
    return call(rule, tuple(repeated(args, stacked)), {**params, "axis": shifted})


def repeated(args: list[Array], stacked: Stacked) -> list[Array]:
    """What is not stacked, n times: without copying."""
    if all(stacked):
        return args
    n = args[stacked.index(True)].shape[0]
    return [a if s else np.broadcast_to(a, (n, *np.shape(a))) for a, s in zip(args, stacked, strict=True)]


def shaped(rule: Rule, args: list[Array], stacked: Stacked, params: Params) -> Array:
    """reshape and broadcast_to: the front stays in front."""
    if params.get("order", "C") != "C":
        return one_by_one(rule, args, stacked, params)
    shape = params["shape"]
    parts = aligned(args, stacked, len(shape)) if rule.key is np.broadcast_to else args
    return call(rule, tuple(parts), {**params, "shape": (args[0].shape[0], *shape)})


def transpose(rule: Rule, args: list[Array], stacked: Stacked, params: Params) -> Array:
    """np.transpose of the axes behind the front."""
    return call(rule, tuple(args), {"axes": (0, *(i + 1 for i in params["axes"]))})


def indexed(rule: Rule, args: list[Array], stacked: Stacked, params: Params) -> Array:
    """getitem and scatter: everything of the front, then the index."""
    index = params["index"]
    parts = index if isinstance(index, tuple) else (index,)
    places = [i for i, part in enumerate(parts) if not (part is None or part is Ellipsis or isinstance(part, slice))]
    if places and places[-1] - places[0] >= len(places):
        return one_by_one(rule, args, stacked, params)  # separated index arrays: NumPy puts their axes in front
    changed: dict[str, Any] = {"index": (slice(None), *parts)}
    if "shape" in params:
        changed["shape"] = (args[0].shape[0], *params["shape"])
    return call(rule, tuple(args), changed)


def matmul(rule: Rule, args: list[Array], stacked: Stacked, params: Params) -> Array:
    """One large product where the other factor is a matrix; else NumPy's own stacks."""
    a, b = args
    na, nb = a.ndim - stacked[0], b.ndim - stacked[1]
    if not stacked[1] and nb == 2:
        return np.reshape(np.reshape(a, (-1, a.shape[-1])) @ b, (*a.shape[:-1], b.shape[-1]))
    if not stacked[0] and na <= 2 and nb == 1:
        return b @ np.transpose(a)
    rows = np.expand_dims(a, -2) if na == 1 else a
    columns = np.expand_dims(b, -1) if nb == 1 else b
    rows, columns = aligned([rows, columns], stacked)
    y = rows @ columns
    y = y[..., 0, :] if na == 1 else y
    return y[..., 0] if nb == 1 else y


def einsum(rule: Rule, args: list[Array], stacked: Stacked, params: Params) -> Array:
    """One more letter in front of every stacked term and of the result."""
    left, right = params["subscripts"].split("->")
    front = unused_letters(left)[0]
    terms = [front + term if s else term for term, s in zip(left.split(","), stacked, strict=True)]
    return call(rule, tuple(args), {**params, "subscripts": ",".join(terms) + "->" + front + right})


def one_by_one(rule: Rule, args: list[Array], stacked: Stacked, params: Params) -> Array:
    """What always works."""
    n = args[stacked.index(True)].shape[0]
    return np.stack(
        [call(rule, tuple(a[i] if s else a for a, s in zip(args, stacked, strict=True)), params) for i in range(n)]
    )


def by_kind(rule: Rule, params: Params) -> BatchRule:
    """For rules without an entry of their own."""
    if isinstance(rule, Elementwise):
        return elementwise
    return along_axes if "axis" in params else one_by_one


RULES: dict[Any, BatchRule] = {
    np.where: elementwise,
    **dict.fromkeys((np.reshape, np.broadcast_to), shaped),
    **dict.fromkeys(("getitem", "scatter"), indexed),
    "astype": unchanged,
    np.transpose: transpose,
    np.matmul: matmul,
    np.einsum: einsum,
    "solve": elementwise,
}
assert RULES.keys() <= TABLE.keys(), "a batch rule for an operation that does not exist"
