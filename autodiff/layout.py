"""Where the nodes of a graph go, so that no edge runs through one: layers from top to bottom.

The four steps are those of Sugiyama, Tagawa & Toda 1981:

layers   every edge goes down; a node used more often than it uses others sits right above its uses
dummies  an edge over several layers owns a place in each of them, as a node would; so does the label of an edge
order    inside the layers, by barycentre sweeps up and down; the order with the fewest crossings wins
places   four extreme alignments, averaged (Brandes & Koepf 2002, compacted over a graph of blocks); between its ends a
         long edge is straight

An edge changes its x only between two layers, where no box is, and passes a layer at a place that is its own: that is
why no edge can touch a box but its own two, whatever the graph. No randomness: the same graph gives the same picture.
"""

from __future__ import annotations

from bisect import bisect, bisect_right, insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple

Point = tuple[float, float]
MARGIN, NODE_GAP, EDGE_GAP, LAYER_GAP, LABEL_HEIGHT = 12.0, 22.0, 14.0, 34.0, 18.0
SWEEPS = 12
MOST_PIECES = 300_000  # places where edges pass a layer
MOST_SWITCHED = 600  # nodes and dummies up to which crossings are looked for one by one


class Box(NamedTuple):
    """A rectangle: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float


class Arrow(NamedTuple):
    """An edge between nodes by number, drawn from the upper one down to the lower one; label_width 0: no label.

    It points to the lower node, or with up=True to the upper one. There arrows stand in the order of their slots, or
    where a slot is None in the order that suits the drawing.
    """

    source: int
    target: int
    slot: int | None = 0
    label_width: float = 0.0
    up: bool = False


@dataclass
class Layout:
    """Boxes by node, routes (polylines towards the arrowhead) and label boxes by arrow, in pixels."""

    width: float
    height: float
    boxes: list[Box]
    routes: list[list[Point]]
    labels: list[Box | None]


class Layers:
    """The graph with dummies: vertices 0 .. n-1 are the nodes, the others places where edges pass a layer.

    left, right   how far a vertex reaches from its x
    above, below  neighbours one layer up (in the order of slots) and one layer down
    chains        the vertices of every edge, from source to target
    rows          the vertices of every layer, from left to right
    loose, free   nodes whose edges need not be straight; nodes where edges arrive in any order
    """

    def __init__(self, sizes: Sequence[tuple[float, float]], arrows: Sequence[Arrow]) -> None:
        self.nodes, self.rank = len(sizes), ranks(len(sizes), arrows)
        self.left = [width / 2 for width, _ in sizes]
        self.right, self.height = list(self.left), [height for _, height in sizes]
        self.chains = [self.chain(arrow) for arrow in arrows]
        self.above: list[list[int]] = [[] for _ in self.rank]
        self.below: list[list[int]] = [[] for _ in self.rank]
        for number in sorted(range(len(arrows)), key=lambda k: (arrows[k].target, arrows[k].slot or 0)):
            for u, v in pairwise(self.chains[number]):
                self.above[v].append(u)
                self.below[u].append(v)
        self.loose = set(filter(self.joins, range(self.nodes)))
        self.free = {arrow.target for arrow in arrows if arrow.slot is None}
        self.rows = ordered(self)

    def chain(self, arrow: Arrow) -> list[int]:
        """The vertices of an edge; a label stands to the right of it, halfway."""
        first, last, start = self.rank[arrow.source], self.rank[arrow.target], len(self.rank)
        if start + last - first > MOST_PIECES:
            raise ValueError("the graph is too large for a picture that could be read; draw a part of the computation")
        for r in range(first + 1, last):
            labelled = arrow.label_width > 0 and r == (first + last) // 2
            self.rank.append(r)
            self.left.append(0.0)
            self.right.append(arrow.label_width if labelled else 0.0)
            self.height.append(LABEL_HEIGHT if labelled else 0.0)
        return [arrow.source, *range(start, len(self.rank)), arrow.target]

    def joins(self, v: int) -> bool:
        """Whether a node begins a line that joins another one, which it must not bend."""
        return not self.above[v] and any(self.above[u] for w in self.below[v] for u in self.above[w])

    def gap(self, u: int, v: int) -> float:
        """The least distance from x of u to x of its right neighbour v."""
        return self.right[u] + (NODE_GAP if u < self.nodes and v < self.nodes else EDGE_GAP) + self.left[v]


def lay_out(sizes: Sequence[tuple[float, float]], arrows: Sequence[Arrow]) -> Layout:
    """Places for nodes of these (width, height) under these arrows.

    Raises ValueError if the arrows go in a circle, and for a graph whose picture nobody could read.
    """
    layers = Layers(sizes, arrows)
    return drawn(layers, sizes, arrows, places(layers))


# --- layers ----------------------------------------------------------------------------------------------------------


def ranks(count: int, arrows: Sequence[Arrow]) -> list[int]:
    """The layer of every node: the longest way from a source, then down to the uses where that shortens edges."""
    above: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    below: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for arrow in arrows:
        least = 2 if arrow.label_width else 1  # layers further down: a label needs one of its own
        above[arrow.target].append((arrow.source, least))
        below[arrow.source].append((arrow.target, least))
    try:
        down = list(TopologicalSorter({v: [u for u, _ in above[v]] for v in range(count)}).static_order())
    except CycleError:
        raise ValueError("the edges go in a circle") from None
    rank = [0] * count
    for v in down:
        rank[v] = max((rank[u] + least for u, least in above[v]), default=0)
    for v in reversed(down):
        if len(below[v]) > len(above[v]):
            rank[v] = min(rank[w] - least for w, least in below[v])
    first = min(rank, default=0)
    return [r - first for r in rank]


# --- order -----------------------------------------------------------------------------------------------------------


def ordered(layers: Layers) -> list[list[int]]:
    """The rows with the fewest crossings met in sweeps from the order in which a walk up, slot by slot, finds them."""
    rows: list[list[int]] = [[] for _ in range(max(layers.rank, default=-1) + 1)]
    seen: set[int] = set()
    stack = [v for v in reversed(range(layers.nodes)) if not layers.below[v]]
    while stack:
        v = stack.pop()
        if v not in seen:
            seen.add(v)
            rows[layers.rank[v]].append(v)
            stack.extend(reversed(layers.above[v]))
    met = [rows]
    for sweep in range(SWEEPS):
        rows = swept(rows, layers.above) if sweep % 2 else swept(rows[::-1], layers.below)[::-1]
        met.append(rows)
    best = min(met, key=lambda rows: crossings(layers, rows))
    return switched(layers, best) if len(layers.rank) <= MOST_SWITCHED else best


def switched(layers: Layers, rows: list[list[int]]) -> list[list[int]]:
    """Neighbours exchanged where that saves crossings, or costs none and puts inputs in their order."""
    for r, k in [(r, k) for _ in range(2) for r, row in enumerate(rows) for k in range(len(row) - 1)]:
        u, v = rows[r][k : k + 2]
        near, other = rows[max(r - 1, 0) : r + 2], [*rows[r][:k], v, u, *rows[r][k + 2 :]]
        gain = crossings(layers, near) - crossings(layers, [other if row is rows[r] else row for row in near])
        if gain > 0 or (gain == 0 and v < u < layers.nodes and not layers.above[u] and not layers.above[v]):
            rows = [*rows[:r], other, *rows[r + 1 :]]
    return rows


def swept(rows: list[list[int]], near: list[list[int]]) -> list[list[int]]:
    """Each row sorted by the mean position of the neighbours in the row just sorted; without any, it stays."""
    done = rows[:1]
    for row in rows[1:]:
        position, scale = {v: i for i, v in enumerate(done[-1])}, len(done[-1]) / len(row)
        key = {v: fmean(position[u] for u in near[v]) if near[v] else i * scale for i, v in enumerate(row)}
        done.append(sorted(row, key=key.__getitem__))
    return done


def crossings(layers: Layers, rows: list[list[int]]) -> int:
    """How many pairs of edges cross: inversions among the positions of their ends (Barth, Juenger & Mutzel 2004).

    Edges that arrive at one node in the order of their slots can cross each other too.
    """
    count = 0
    for upper, lower in pairwise(rows):
        position = {v: i for i, v in enumerate(upper)}
        ends: list[int] = []
        for v in lower:
            arriving = [position[u] for u in layers.above[v]]
            for i in sorted(arriving) if v in layers.free else arriving:
                count += len(ends) - bisect_right(ends, i)
                insort(ends, i)
    return count


# --- places ----------------------------------------------------------------------------------------------------------


def places(layers: Layers) -> list[float]:
    """x of every vertex: the mean of the two middle ones of four alignments, shifted to one centre of gravity."""
    found = []
    for rows, near in ((layers.rows, layers.above), (layers.rows[::-1], layers.below)):
        found.append(compacted(layers, rows, aligned(layers, rows, near)))
        rows = [row[::-1] for row in rows]
        found.append([-a for a in compacted(layers, rows, aligned(layers, rows, near), mirrored=True)])
    centres = [sum(x) / max(len(x), 1) for x in found]
    return [fmean(sorted(a - c for a, c in zip(four, centres, strict=True))[1:3]) for four in zip(*found, strict=True)]


def aligned(layers: Layers, rows: list[list[int]], near: list[list[int]]) -> list[int]:
    """The root of every vertex: it stands under a median neighbour of the row before, if that crosses nothing aligned.

    Pieces between two dummies come first, so that long edges are straight; those of loose nodes need not be.
    """
    root = list(range(len(layers.rank)))
    for before, row in pairwise(rows):
        position = {v: i for i, v in enumerate(before)}
        pairs = []
        for j, v in enumerate(row):
            ends = sorted(position[u] for u in near[v] if not layers.loose & {u, v})
            pairs += [(i, j) for i in ends[(len(ends) - 1) // 2 : len(ends) // 2 + 1]]
        taken: list[tuple[int, int]] = []
        for pair in sorted(pairs, key=lambda pair: min(before[pair[0]], row[pair[1]]) < layers.nodes):
            k = bisect(taken, pair)
            if all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise([*taken[:k][-1:], pair, *taken[k : k + 1]])):
                taken.insert(k, pair)
                root[row[pair[1]]] = root[before[pair[0]]]
    return root


def compacted(layers: Layers, rows: list[list[int]], root: list[int], mirrored: bool = False) -> list[float]:
    """x of every vertex: blocks as far left as they can go, then to the right where there is room."""
    before: dict[int, dict[int, float]] = {v: {} for v in root}  # what is to the left of a block, and how far at least
    for row in rows:
        for u, v in pairwise(row):
            gap, others = layers.gap(v, u) if mirrored else layers.gap(u, v), before[root[v]]
            others[root[u]] = max(gap, others.get(root[u], 0.0))
    x: dict[int, float] = {}
    blocks = list(TopologicalSorter(before).static_order())
    for block in blocks:
        x[block] = max((x[other] + gap for other, gap in before[block].items()), default=0.0)
    limit: dict[int, float] = {}
    for block in reversed(blocks):
        x[block] = limit.get(block, x[block])
        for other, gap in before[block].items():
            limit[other] = min(x[block] - gap, limit.get(other, x[block] - gap))
    return [x[block] for block in root]


# --- the drawing -----------------------------------------------------------------------------------------------------


def drawn(layers: Layers, sizes: Sequence[tuple[float, float]], arrows: Sequence[Arrow], x: list[float]) -> Layout:
    """Heights of layers, boxes, and the routes of edges."""
    left = min((a - reach for a, reach in zip(x, layers.left, strict=True)), default=0.0)
    x = [a - left + MARGIN for a in x]
    right = max((a + reach for a, reach in zip(x, layers.right, strict=True)), default=MARGIN)
    tops, bottoms = bands(layers, x)
    top, bottom = [tops[r] for r in layers.rank], [bottoms[r] for r in layers.rank]
    boxes = []
    for v, (width, height) in enumerate(sizes):
        boxes.append(Box(x[v] - width / 2, (top[v] + bottom[v] - height) / 2, width, height))
    leave, arrive = ports(layers, arrows, x, lower=False), ports(layers, arrows, x, lower=True)
    routes: list[list[Point]] = []
    labels: list[Box | None] = []
    for number, (arrow, (first, *dummies, last)) in enumerate(zip(arrows, layers.chains, strict=True)):
        route = [(leave[number], boxes[first].y + boxes[first].height), (leave[number], bottom[first])]
        for v in dummies:
            route += [(x[v], top[v]), (x[v], bottom[v])]
        route += [(arrive[number], top[last]), (arrive[number], boxes[last].y)]
        route = list(dict.fromkeys(route))
        routes.append(route[::-1] if arrow.up else route)
        place = [Box(x[v] + 4, top[v], arrow.label_width - 4, LABEL_HEIGHT) for v in dummies if layers.right[v]]
        labels.append(place[0] if place else None)
    return Layout(right + MARGIN, max(bottoms, default=MARGIN) + MARGIN, boxes, routes, labels)


def bands(layers: Layers, x: list[float]) -> tuple[list[float], list[float]]:
    """Top and bottom of every layer; layers between which edges go far sideways stand further apart."""
    tops, bottoms, y = [], [], MARGIN
    for row in layers.rows:
        tops.append(y)
        bottoms.append(y + max(layers.height[v] for v in row))
        sideways = max((abs(x[u] - x[v]) for u in row for v in layers.below[u]), default=0.0)
        y = bottoms[-1] + max(LAYER_GAP, min(sideways / 5, 2.5 * LAYER_GAP))
    return tops, bottoms


def ports(layers: Layers, arrows: Sequence[Arrow], x: list[float], lower: bool) -> dict[int, float]:
    """x of the upper (or lower) end of every arrow, by number: side by side where arrows point to a box.

    Where they only leave it they share its middle: one value, used more than once.
    """
    ends: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for number, (arrow, chain) in enumerate(zip(arrows, layers.chains, strict=True)):
        beside = x[chain[-2 if lower else 1]]
        ends[chain[-1 if lower else 0]].append((beside if arrow.slot is None else arrow.slot, number))
    found = {}
    for node, places in ends.items():
        pointed = any(arrows[number].up != lower for _, number in places)
        step = min(22.0, (2 * layers.right[node] - 22) / max(len(places) - 1, 1)) if pointed else 0.0
        for k, (_, number) in enumerate(sorted(places)):
            found[number] = x[node] + (k - (len(places) - 1) / 2) * step
    return found
