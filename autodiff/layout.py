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

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

Point = tuple[float, float]
MARGIN, NODE_GAP, EDGE_GAP, LAYER_GAP, LABEL_HEIGHT = 12.0, 22.0, 14.0, 34.0, 18.0
SWEEPS, SWEPT = 12, 60_000  # sweeps, and for large graphs how many vertices all of them may touch; at least 4
EXCHANGED = 500  # vertices up to which neighbours are tried the other way round as well
MOST_PIECES = 300_000  # pieces of edges, one per layer passed


class Box(NamedTuple):
    """A rectangle: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float


class Arrow(NamedTuple):
    """An edge between nodes by number, drawn from the upper one down to the lower one; label_width 0: no label.

    It points to the lower node, or with up=True to the upper one. There arrows stand in the order of their slots, or
    where a slot is None in the order that suits the drawing. No place is chosen to straighten a light one.
    """

    source: int
    target: int
    slot: int | None = 0
    label_width: float = 0.0
    up: bool = False
    light: bool = False

    @property
    def span(self) -> int:
        """The least number of layers from end to end: a label needs one of its own."""
        return 2 if self.label_width else 1


@dataclass
class Layout:
    """Boxes by node, routes (polylines, downwards) and label boxes by arrow, in pixels."""

    width: float
    height: float
    boxes: list[Box]
    routes: list[list[Point]]
    labels: list[Box | None]


@dataclass
class Level:
    """The graph with dummies: vertices 0 .. n-1 are the nodes, the others places that edges pass.

    left, right   how far a vertex reaches from its x
    above, below  neighbours one layer up (in the order of slots) and one layer down
    chains        the vertices of every edge, from source to target
    light         pieces of edges, at their ends, that need not be straight
    """

    nodes: int
    rank: list[int]
    left: list[float]
    right: list[float]
    height: list[float]
    chains: list[list[int]] = field(default_factory=list)
    above: list[list[int]] = field(default_factory=list)
    below: list[list[int]] = field(default_factory=list)
    rows: list[list[int]] = field(default_factory=list)
    light: set[tuple[int, int]] = field(default_factory=set)

    def gap(self, u: int, v: int) -> float:
        """The least distance from x of u to x of its right neighbour v."""
        free = NODE_GAP if u < self.nodes and v < self.nodes else EDGE_GAP
        return self.right[u] + free + self.left[v]


def lay_out(sizes: Sequence[tuple[float, float]], arrows: Sequence[Arrow]) -> Layout:
    """Places for nodes of these (width, height) under these arrows.

    Raises ValueError if the arrows go in a circle, and for a graph whose picture nobody could read.
    """
    rank = ranks(len(sizes), arrows)
    if sum(rank[arrow.target] - rank[arrow.source] for arrow in arrows) > MOST_PIECES:
        raise ValueError("the graph is too large for a picture that could be read; draw a part of the computation")
    level = with_dummies(sizes, arrows, rank)
    order(level)
    return drawn(level, sizes, arrows, places(level))


# --- layers ----------------------------------------------------------------------------------------------------------


def ranks(count: int, arrows: Sequence[Arrow]) -> list[int]:
    """The layer of every node: the longest way from a source, then down to the uses where that shortens edges."""
    outgoing: list[list[Arrow]] = [[] for _ in range(count)]
    missing = [0] * count
    for arrow in arrows:
        outgoing[arrow.source].append(arrow)
        missing[arrow.target] += 1
    incoming, rank = list(missing), [0] * count
    ready = [v for v in range(count) if not missing[v]]
    for v in ready:  # grows while it is walked
        for arrow in outgoing[v]:
            rank[arrow.target] = max(rank[arrow.target], rank[v] + arrow.span)
            missing[arrow.target] -= 1
            if not missing[arrow.target]:
                ready.append(arrow.target)
    if len(ready) < count:
        raise ValueError("the edges go in a circle")
    for v in reversed(ready):
        if len(outgoing[v]) > incoming[v]:
            rank[v] = min(rank[arrow.target] - arrow.span for arrow in outgoing[v])
    return [r - min(rank) for r in rank]


def with_dummies(sizes: Sequence[tuple[float, float]], arrows: Sequence[Arrow], rank: list[int]) -> Level:
    """Every edge cut where it passes a layer."""
    half = [width / 2 for width, _ in sizes]
    level = Level(len(sizes), list(rank), half, list(half), [height for _, height in sizes])
    for arrow in arrows:
        first, last = rank[arrow.source], rank[arrow.target]
        start, labelled = len(level.rank), (first + last) // 2 if arrow.label_width else None
        for r in range(first + 1, last):  # a label stands to the right of its edge
            level.rank.append(r)
            level.left.append(0.0)
            level.right.append(arrow.label_width if r == labelled else 0.0)
            level.height.append(LABEL_HEIGHT if r == labelled else 0.0)
        level.chains.append([arrow.source, *range(start, len(level.rank)), arrow.target])
    level.above = [[] for _ in level.rank]
    level.below = [[] for _ in level.rank]
    for number in sorted(range(len(arrows)), key=lambda k: (arrows[k].target, arrows[k].slot or 0)):
        for u, v in pairwise(level.chains[number]):
            level.above[v].append(u)
            level.below[u].append(v)
    for arrow, chain in zip(arrows, level.chains, strict=True):
        joins = not level.above[chain[0]] and any(level.above[u] for u in level.above[chain[-1]])
        if arrow.light or joins:  # a first node that joins others must not bend their line
            for u, v in (chain[:2], chain[-2:]):
                level.light |= {(u, v), (v, u)}
    return level


# --- order -----------------------------------------------------------------------------------------------------------


def order(level: Level) -> None:
    """Fill `rows`: sweeps from the order in which a walk up from the last nodes, slot by slot, meets the vertices."""
    rows: list[list[int]] = [[] for _ in range(max(level.rank, default=-1) + 1)]
    seen = [False] * len(level.rank)
    stack = [v for v in reversed(range(level.nodes)) if not level.below[v]]
    while stack:
        v = stack.pop()
        if not seen[v]:
            seen[v] = True
            rows[level.rank[v]].append(v)
            stack.extend(reversed(level.above[v]))
    best, level.rows = crossings(level, rows), rows
    for sweep in range(max(4, min(SWEEPS, SWEPT // max(len(seen), 1)))):
        if not best:
            break
        rows = swept(level, rows, down=sweep % 2 == 1)
        count = crossings(level, rows)
        if count < best:
            best, level.rows = count, rows
    if len(level.rank) <= EXCHANGED:
        exchange(level)


def exchange(level: Level) -> None:
    """Change neighbours over wherever that saves a crossing."""
    for r, row in enumerate(level.rows):
        around = level.rows[max(r - 1, 0) : r + 2]
        count = crossings(level, around)
        for i in range(len(row) - 1):
            row[i : i + 2] = row[i + 1], row[i]
            now = crossings(level, around)
            if now >= count:
                row[i : i + 2] = row[i + 1], row[i]
            count = min(now, count)


def swept(level: Level, rows: list[list[int]], down: bool) -> list[list[int]]:
    """Each row sorted by the mean position of the neighbours in the row just sorted; without any, it stays."""
    new = [list(row) for row in rows]
    for r in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
        position = {v: i for i, v in enumerate(new[r - 1 if down else r + 1])}
        scale = len(position) / len(new[r])
        keys = {}
        for i, v in enumerate(new[r]):
            near = level.above[v] if down else level.below[v]
            if len(near) == 1:  # as nearly all have in a large graph: dummies
                keys[v] = float(position[near[0]])
            else:
                keys[v] = sum([position[w] for w in near]) / len(near) if near else i * scale
        new[r].sort(key=keys.__getitem__)
    return new


def crossings(level: Level, rows: list[list[int]]) -> int:
    """How many pairs of edges cross: inversions among the positions of their ends (Barth, Juenger & Mutzel 2004)."""
    count = 0
    for upper, lower in pairwise(rows):
        position = {v: i for i, v in enumerate(upper)}
        ends: list[int] = []
        for v in lower:
            # the edges into one node arrive in the order of their slots, so they can cross each other too
            for u in level.above[v]:
                i = position[u]
                count += len(ends) - bisect_right(ends, i)
                insort(ends, i)
    return count


# --- places ----------------------------------------------------------------------------------------------------------


def places(level: Level) -> list[float]:
    """x of every vertex: the mean of the two middle ones of four alignments around one middle."""
    found = []
    for up in (False, True):
        rows = level.rows[::-1] if up else level.rows
        near = level.below if up else level.above
        for mirrored in (False, True):
            side = [row[::-1] for row in rows] if mirrored else rows
            x = compacted(level, side, aligned(level, side, near), mirrored)
            found.append([-a for a in x] if mirrored else x)
    for x in found:
        middle = sum(extent(level, x)) / 2
        x[:] = [a - middle for a in x]
    return [sum(sorted(four)[1:3]) / 2 for four in zip(*found, strict=True)]


def extent(level: Level, x: list[float]) -> tuple[float, float]:
    """The left and the right end of a drawing."""
    ends = zip(x, level.left, level.right, strict=True)
    lefts, rights = zip(*((a - left, a + right) for a, left, right in ends), strict=True)
    return min(lefts), max(rights)


def aligned(level: Level, rows: list[list[int]], near: list[list[int]]) -> dict[int, int]:
    """The root of every vertex: it stands under a median neighbour of the row before, if that crosses nothing aligned.

    Pieces between two dummies come first, so that long edges are straight.
    """
    root: dict[int, int] = {v: v for v in rows[0]}
    for before, row in pairwise(rows):
        position, inner, last, limit = {v: i for i, v in enumerate(before)}, {}, -1, {}
        for v in row:
            if v >= level.nodes and near[v][0] >= level.nodes and position[near[v][0]] > last:
                inner[v] = last = position[near[v][0]]
        bound = len(before)
        for v in reversed(row):
            limit[v], bound = bound, inner.get(v, bound)
        last = -1
        for v in row:
            root[v] = v
            ends = sorted((u for u in near[v] if (u, v) not in level.light), key=position.__getitem__)
            for u in ends[(len(ends) - 1) // 2 : len(ends) // 2 + 1]:
                if root[v] == v and last < position[u] < limit[v]:
                    root[v], last = root[u], position[u]
    return root


def compacted(level: Level, rows: list[list[int]], root: dict[int, int], mirrored: bool) -> list[float]:
    """x of every vertex: blocks as far left as they can go, then to the right where there is room."""
    after: dict[int, dict[int, float]] = {v: {} for v in root.values()}
    missing = dict.fromkeys(after, 0)
    for row in rows:
        for u, v in pairwise(row):
            gap, following = level.gap(v, u) if mirrored else level.gap(u, v), after[root[u]]
            missing[root[v]] += root[v] not in following
            following[root[v]] = max(gap, following.get(root[v], 0.0))
    x = dict.fromkeys(after, 0.0)
    ready = [block for block, count in missing.items() if not count]
    for block in ready:  # grows while it is walked
        for other, gap in after[block].items():
            x[other] = max(x[other], x[block] + gap)
            missing[other] -= 1
            if not missing[other]:
                ready.append(other)
    for block in reversed(ready):
        if after[block]:
            x[block] = min(x[other] - gap for other, gap in after[block].items())
    return [x[root[v]] for v in range(len(level.rank))]


# --- the drawing -----------------------------------------------------------------------------------------------------


def drawn(level: Level, sizes: Sequence[tuple[float, float]], arrows: Sequence[Arrow], x: list[float]) -> Layout:
    """Heights of layers, boxes, and the routes of edges."""
    if not sizes:
        return Layout(2 * MARGIN, 2 * MARGIN, [], [], [])
    left, right = extent(level, x)
    x = [a - left + MARGIN for a in x]
    tops, bottoms = bands(level, x)
    boxes = []
    for v, (width, height) in enumerate(sizes):
        middle = (tops[level.rank[v]] + bottoms[level.rank[v]]) / 2
        boxes.append(Box(x[v] - width / 2, middle - height / 2, width, height))
    ends = ports(boxes, arrows, level, x)
    routes, labels = [], []
    for number, (arrow, chain) in enumerate(zip(arrows, level.chains, strict=True)):
        start, end = boxes[arrow.source], boxes[arrow.target]
        leave, arrive = ends[number, False], ends[number, True]
        route = [(leave, start.y + start.height), (leave, bottoms[level.rank[chain[0]]])]
        for v in chain[1:-1]:
            route += [(x[v], tops[level.rank[v]]), (x[v], bottoms[level.rank[v]])]
        route += [(arrive, tops[level.rank[chain[-1]]]), (arrive, end.y)]
        routes.append([p for k, p in enumerate(route) if not k or p != route[k - 1]])
        labels.append(label_box(level, chain, x, tops, arrow))
    return Layout(right - left + 2 * MARGIN, bottoms[-1] + MARGIN, boxes, routes, labels)


def bands(level: Level, x: list[float]) -> tuple[list[float], list[float]]:
    """Top and bottom of every layer; layers between which edges go far sideways stand further apart."""
    tops, bottoms, y = [], [], MARGIN
    for row in level.rows:
        tops.append(y)
        y += max((level.height[v] for v in row), default=0.0)
        bottoms.append(y)
        sideways = max((abs(x[u] - x[v]) for u in row for v in level.below[u]), default=0.0)
        y += max(LAYER_GAP, min(sideways / 5, 2.5 * LAYER_GAP))
    return tops, bottoms


def ports(boxes: list[Box], arrows: Sequence[Arrow], level: Level, x: list[float]) -> dict[tuple[int, bool], float]:
    """x of the (number, lower end?) of every arrow: side by side where arrows point to a box.

    Where they only leave it they share its middle: one value, used more than once.
    """
    sides: dict[tuple[int, bool], list[int]] = {}
    for number, arrow in enumerate(arrows):
        sides.setdefault((arrow.source, False), []).append(number)
        sides.setdefault((arrow.target, True), []).append(number)
    found = {}
    for (node, lower), numbers in sides.items():
        place = {number: float(arrows[number].slot or 0) for number in numbers}
        if any(arrows[number].slot is None for number in numbers):
            place = {number: x[level.chains[number][-2 if lower else 1]] for number in numbers}
        numbers.sort(key=place.__getitem__)
        spread = any(arrows[number].up != lower for number in numbers)
        step = min(22.0, (boxes[node].width - 22) / max(len(numbers) - 1, 1)) if spread else 0.0
        for k, number in enumerate(numbers):
            found[number, lower] = x[node] + (k - (len(numbers) - 1) / 2) * step
    return found


def label_box(level: Level, chain: list[int], x: list[float], tops: list[float], arrow: Arrow) -> Box | None:
    """The place kept to the right of an edge for its label."""
    if not arrow.label_width:
        return None
    v = next(v for v in chain[1:-1] if level.right[v])
    return Box(x[v] + 4, tops[level.rank[v]], arrow.label_width - 4, LABEL_HEIGHT)
