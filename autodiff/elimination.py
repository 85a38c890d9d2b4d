"""The Jacobian of a list as a graph of single numbers: eliminated in any order, or compressed by colours.

Forward and reverse mode are two of many ways to multiply out the chain rule. On the graph whose edges carry the
elementary derivatives, eliminating a vertex joins each edge into it with each edge out of it, at one multiplication for
each pair; when only inputs and outputs are left, the edges are the Jacobian, whatever the order was, but orders differ
in their multiplications (Griewank & Walther 2008, chapters 9 and 10). To find the cheapest one is NP-hard.

A Jacobian most of whose entries are known to be zero needs fewer passes than rows or columns: columns that share no row
can share a tangent (Curtis, Powell & Reid 1974), and finding few groups is colouring a graph (section 8.3 there).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeAlias

import numpy as np

from autodiff.composed import flattened
from autodiff.cost import MOVES, listed
from autodiff.modes import jvp, lift, on_tape, vjp
from autodiff.rule import Array, Elementwise, call
from autodiff.tape import Line, RefusalError, Tape, Var, strip

Vertex: TypeAlias = Hashable
Edge: TypeAlias = tuple[Vertex, Vertex, float]
Edges: TypeAlias = dict[Vertex, dict[Vertex, Any]]


@dataclass(frozen=True)
class ScalarGraph:
    """A graph of numbers, as plain data: edges are (from, to, derivative); two between the same vertices add up.

    Vertices are whatever can be a key. No edge leads into an input. An output may be used further, and may be an input.
    """

    inputs: tuple[Vertex, ...]
    outputs: tuple[Vertex, ...]
    edges: tuple[Edge, ...]

    def order(self) -> list[Vertex]:
        """The vertices between inputs and outputs, each after those it depends on. Raises RefusalError for a cycle."""
        into = self.into()
        sorter = TopologicalSorter({v: sources.keys() for v, sources in into.items()})
        try:
            found = list(sorter.static_order())
        except CycleError as error:
            raise RefusalError(f"the edges {error.args[1]} go round in a circle; a computation does not.") from error
        used = {source for sources in into.values() for source in sources}
        return [v for v in found if v not in self.inputs and v in used]

    def into(self) -> Edges:
        """For every vertex that a path from an input to an output leads to: its sources, and the derivatives there."""
        ahead, behind = reach(self.inputs, self.edges), reach(self.outputs, turned_round(self.edges))
        into: Edges = {}
        for source, target, derivative in self.edges:
            if source in ahead and target in behind:
                sources = into.setdefault(target, {})
                sources[source] = sources[source] + derivative if source in sources else derivative
        if clash := into.keys() & set(self.inputs):
            raise RefusalError(f"there are edges into {clash.pop()!r}, which is an input; leave them out.")
        return into

    def sparsity(self) -> Array:
        """Which entries of the Jacobian can be other than zero: booleans, (outputs, inputs)."""
        bits = {v: 1 << i for i, v in enumerate(self.inputs)}
        into = self.into()
        for v in [*self.order(), *self.outputs]:
            for source in into.get(v, ()):
                bits[v] = bits.get(v, 0) | bits[source]
        found = [[bits.get(v, 0) >> i & 1 for i in range(len(self.inputs))] for v in self.outputs]
        return np.reshape(np.array(found, bool), (len(self.outputs), len(self.inputs)))


def turned_round(edges: tuple[Edge, ...]) -> tuple[Edge, ...]:
    """Every edge the other way round."""
    return tuple((target, source, derivative) for source, target, derivative in edges)


def reach(starts: Iterable[Vertex], edges: Iterable[Edge]) -> set[Vertex]:
    """All vertices that edges lead to from these, themselves included."""
    following: dict[Vertex, list[Vertex]] = {}
    for source, target, _ in edges:
        following.setdefault(source, []).append(target)
    found, todo = set(starts), list(starts)
    while todo:
        new = set(following.get(todo.pop(), ())) - found
        found |= new
        todo += new
    return found


# --- from code -------------------------------------------------------------------------------------------------------


def scalar_graph(f: Callable[..., Any], *args: Any) -> ScalarGraph:
    """The graph of f at args, all of which are variables; f returns one array or a tuple, row-major entries in a row.

    Arrays are taken apart: products of matrices and sums become products and sums of two numbers, from the left.
    Raises RefusalError for an operation that does not come apart (inverses, determinants and the like).
    """
    tape, values = listed(f, args, range(len(args)))
    return expanded(tape, values)


def expanded(tape: Tape, values: Sequence[Any]) -> ScalarGraph:
    """The graph of a recorded list, and of some values on it; see `scalar_graph`."""
    single = Tape()
    entries: list[Array] = []
    for line in tape:
        if line.rule is None:
            entries.append(objects([single.input(v) for v in np.ravel(strip(line.value))], np.shape(strip(line.value))))
        else:
            args = [strip(a) if p is None else entries[p] for a, p in zip(line.args, line.parents, strict=True)]
            entries.append(apart(line, args))
    inputs = tuple(i for i, line in enumerate(single) if line.rule is None)
    ends = [entries[y.index] if on_tape(y, tape) else lift(y, "the value of the function") for y in values]
    outputs = tuple(v.index if type(v) is Var else f"constant {v}" for end in ends for v in np.ravel(end))
    edges = []
    for i, (rule, parents, args_, params, y) in enumerate(single):
        for slot, p in enumerate(parents):
            if p is not None and rule is not None:
                edges.append((p, i, float(rule.vjp(slot, np.float64(1), y, args_, params))))
    return ScalarGraph(inputs, outputs, tuple(edges))


def objects(entries: Iterable[Any], shape: tuple[int, ...]) -> Array:
    """An array of objects, which NumPy is not to look into."""
    array = np.empty(shape, object)
    for place, entry in zip(np.ndindex(shape), entries, strict=True):
        array[place] = entry
    return array


def apart(line: Line, args: Sequence[Array]) -> Array:
    """The operation of a line on arrays of single traced numbers."""
    rule, params = line.rule, line.params
    assert rule is not None
    shape = np.shape(strip(line.value))
    if isinstance(rule, Elementwise):
        y = np.frompyfunc(lambda *numbers: call(rule, numbers, params), len(args), 1)(*args)
    elif rule.name == "astype":
        y = args[0]
    elif rule.name == "euclidean":
        y = np.sum(args[0] * args[0], **params) ** 0.5
    elif rule.name == "logsumexp":
        y = args[0]
        for axis in sorted(params["axis"], reverse=True):
            y = np.frompyfunc(np.logaddexp, 2, 1).reduce(y, axis, keepdims=params["keepdims"])
    elif rule.key in (np.max, np.amax, np.min, np.amin):
        y = extreme(args[0], strip(line.value), params["axis"])
    elif rule.key in (*MOVES, np.matmul, np.einsum) or "axis" in params:
        y = rule.evaluate(*args, **params)
    else:
        raise RefusalError(f"{rule.name} does not come apart into single numbers. Use jacobian, or write it out.")
    return y if isinstance(y, np.ndarray) else objects([y], shape)


def extreme(x: Array, y: Array, axis: tuple[int, ...]) -> Array:
    """The entries of x that are the extremes y along axis, of several the mean: ties share, as in the table."""
    rows = flattened(x, axis)
    found = []
    for row, best in zip(np.reshape(rows, (-1, rows.shape[-1])), np.ravel(y), strict=True):
        hits = [entry for entry in row if strip(entry) == best]
        found.append(sum(hits[1:], hits[0]) / len(hits) if len(hits) > 1 else hits[0])
    return objects(found, np.shape(y))


# --- elimination -----------------------------------------------------------------------------------------------------


def eliminate(graph: ScalarGraph, order: str | Sequence[Vertex] = "markowitz") -> tuple[Array, int]:
    """(Jacobian, multiplications): the vertices between inputs and outputs eliminated in this order.

    order is "forward", "reverse", "markowitz" (greedy: the fewest multiplications next; Griewank & Reese 1991),
    "optimal" (for up to 14 vertices), or every vertex of graph.order() once. The Jacobian has shape (outputs, inputs).
    Multiplications by 1 count like any other. Raises RefusalError for another order.
    """
    vertices = graph.order()
    chosen = ORDERS[order](graph) if isinstance(order, str) and order in ORDERS else order
    if len(chosen) != len(vertices) or set(chosen) != set(vertices):
        raise RefusalError(f"order={order!r}: it is one of {', '.join(ORDERS)}, or a sequence of {vertices}.")
    into = graph.into()
    total = sum(step(into, v, v in graph.outputs) for v in chosen)
    rows = [[1.0 if v == x else into.get(v, {}).get(x, 0.0) for x in graph.inputs] for v in graph.outputs]
    return np.reshape(np.array(rows, float), (len(graph.outputs), len(graph.inputs))), total


def step(into: Edges, v: Vertex, output: bool) -> int:
    """Eliminate one vertex in place, and return the multiplications; an output keeps the edges into it, its row."""
    sources = into[v] if output else into.pop(v)
    targets = [edges for edges in into.values() if v in edges]
    for edges in targets:
        after = edges.pop(v)
        for source, before in sources.items():
            edges[source] = edges.get(source, 0.0) + after * before
    return len(sources) * len(targets)


def markowitz(graph: ScalarGraph) -> list[Vertex]:
    """The vertex with the fewest multiplications next, the first one of several."""
    into, left = graph.into(), graph.order()
    found = []
    while left:
        used = Counter(source for edges in into.values() for source in edges)
        prices = [len(into[v]) * used[v] for v in left]
        v = left.pop(prices.index(min(prices)))
        found.append(v)
        step(into, v, v in graph.outputs)
    return found


def optimal(graph: ScalarGraph) -> list[Vertex]:
    """The fewest multiplications of all orders. What is left after some eliminations does not depend on their order."""
    vertices, left = graph.order(), graph.into()
    if len(vertices) > 14:
        raise RefusalError(f"there are too many orders of {len(vertices)} vertices; 14 are searched. Use markowitz.")
    bound = min(eliminate(graph, name)[1] for name in ("forward", "reverse", "markowitz"))
    best: dict[frozenset[Vertex], tuple[int, list[Vertex], Edges]] = {frozenset(): (0, [], left)}
    for _ in vertices:
        longer: dict[frozenset[Vertex], tuple[int, list[Vertex], Edges]] = {}
        for done, (cost, order, into) in best.items():
            for v in vertices:
                if v in done:
                    continue
                after, key = {target: dict(edges) for target, edges in into.items()}, done | {v}
                total = cost + step(after, v, v in graph.outputs)
                if total <= bound and (key not in longer or total < longer[key][0]):
                    longer[key] = total, [*order, v], after
        best = longer
    return next(iter(best.values()))[1]


ORDERS: dict[str, Callable[[ScalarGraph], list[Vertex]]] = {
    "forward": ScalarGraph.order,
    "reverse": lambda graph: graph.order()[::-1],
    "markowitz": markowitz,
    "optimal": optimal,
}


def propagations(graph: ScalarGraph, mode: str, skip_zeros: bool = False) -> int:
    """Multiply-adds of the whole Jacobian by "forward" or "reverse" mode: n E or m E, or fewer with zeros skipped.

    With skip_zeros, only tangents of inputs that a vertex depends on, and adjoints of outputs that depend on it.
    """
    if mode not in ("forward", "reverse"):
        raise RefusalError(f'propagations({mode!r}): the modes are "forward" and "reverse".')
    starts, edges = graph.inputs, graph.edges
    if mode == "reverse":
        starts, edges = graph.outputs, turned_round(edges)
    if not skip_zeros:
        return len(starts) * len(edges)
    return sum(source in found for found in (reach([v], edges) for v in starts) for source, _, _ in edges)


# --- colours ---------------------------------------------------------------------------------------------------------


def colour(pattern: Any, by: str = "columns") -> Array:
    """A colour 0, 1, ... for every column (or row) of a sparsity pattern: two that share a row (a column) differ.

    Greedy, the one with the most colours around it next, then the one with the most neighbours (Brelaz 1979, "New
    methods to color the vertices of a graph"). pattern is a matrix; what is not 0 in it may be other than zero.
    Raises RefusalError for another `by`, or for what is not a matrix.
    """
    filled = np.asarray(pattern) != 0
    if by not in ("columns", "rows") or filled.ndim != 2:
        raise RefusalError(f'colour takes a matrix, and by="columns" or "rows"; not shape {filled.shape}, by={by!r}.')
    lines = (filled if by == "columns" else filled.T).astype(float)
    clash = lines.T @ lines > 0
    n, neighbours = len(clash), np.sum(clash, axis=0)
    colours, around = np.full(n, -1), np.zeros((n, n + 1), bool)  # around[i, c]: a neighbour of i has colour c
    for _ in range(n):
        urgency = np.sum(around, axis=1) * (n + 1) + neighbours
        chosen = int(np.argmax(np.where(colours < 0, urgency, -1)))
        colours[chosen] = np.argmin(around[chosen])
        around[clash[chosen], colours[chosen]] = True
    return colours


def sparse_jacobian(f: Callable[..., Any], x: Any, pattern: Any = None, by: str | None = None) -> Array:
    """The Jacobian of f at x, of shape value.shape + x.shape, by one pass per colour of its sparsity pattern.

    pattern is a matrix (entries of the value, entries of x), row-major, not 0 wherever the Jacobian is not: what it
    leaves out is added to other entries unseen. By default it is that of `scalar_graph(f, x)`. by is "columns" (passes
    are jvps), "rows" (vjps), or None for the fewer. Raises RefusalError for a pattern of another shape.
    """
    x = lift(x, "argument 0")
    value, pullback = vjp(f, x)
    filled = scalar_graph(f, x).sparsity() if pattern is None else np.asarray(pattern) != 0
    if filled.shape != (np.size(value), np.size(x)):
        raise RefusalError(f"the pattern has shape {filled.shape}; it needs {(np.size(value), np.size(x))}.")
    if by is None:
        by = min("columns", "rows", key=lambda which: int(np.max(colour(filled, which), initial=-1)))
    colours = colour(filled, by)
    like = x if by == "columns" else value
    passes = []
    for c in range(np.max(colours, initial=0) + 1):
        seed = np.reshape(colours == c, like.shape).astype(like.dtype)
        passes.append(np.ravel(jvp(f, (x,), (seed,))[1] if by == "columns" else pullback(seed)[0]))
    flat = np.stack(passes)
    entries = flat[colours].T if by == "columns" else flat[colours]
    return np.reshape(np.where(filled, entries, 0), value.shape + x.shape).astype(value.dtype)
