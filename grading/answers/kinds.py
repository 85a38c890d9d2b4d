"""What kind of node a node is, and whether two graphs are the same.

Two nodes are of one kind if they make the same from nodes of the same kinds. That is seen, not read: a step is carried
out on random numbers in the place of what it uses, so that `a - b`, `sub(a, b)` and `add(a, neg(b))` in one node are
one kind, order counts where it matters, and names and spelling never do. Two graphs are the same if a mapping of nodes
onto nodes of the same kind keeps all edges (networkx looks for it, among nodes whose surroundings look alike), which
tells a shared node from a copy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from grading.answers.drawing import Drawing
from grading.answers.formulas import Step
from grading.answers.operations import MISFITS, Meter

_RELATIVE, _ABSOLUTE = 1e-9, 1e-12  # far above roundings of one step on numbers around 1, far below any other step
_MOST_WORK = 2**28  # of all steps that are carried out for one comparison
_MOST_KEPT = 2**23  # numbers that stand in for nodes

Kind = int


class Kinds:
    """The kinds of nodes met so far; those of inputs are given by their values at a few points."""

    def __init__(self, points: Sequence[Mapping[str, Any]]) -> None:
        self._probes: list[list[Any]] = []
        self._known: dict[frozenset[Kind], list[tuple[Kind, Counter[Kind] | None, list[Any]]]] = {}
        self.inputs = {name: self._new([point[name] for point in points]) for name in points[0]}
        self._draws = len(points)
        self._meter, self._kept = Meter(_MOST_WORK), 0

    def of(self, drawing: Drawing) -> dict[str, Kind]:
        """The kind of every node of a graph, inputs among them."""
        kinds = dict(self.inputs)
        for name, step in drawing.steps.items():
            kinds[name] = self.of_step(step, kinds)
        return kinds

    def of_step(self, step: Step, kinds: Mapping[str, Kind]) -> Kind:
        """The kind of a step whose nodes are of these kinds."""
        values = self._values(step, kinds)
        found = self._find(step, kinds, values)
        if found is None:
            self._kept += sum(map(np.size, values or ()))
            values = values if self._kept <= _MOST_KEPT else None
            found = self._new([np.zeros(())] * self._draws if values is None else self._stand_ins(values))
            if values is not None:
                self._known.setdefault(self._used(step, kinds), []).append((found, _counts(step, kinds), values))
        return found

    def find(self, step: Step, kinds: Mapping[str, Kind]) -> Kind | None:
        """The kind of a step, if it is one that was met before."""
        return self._find(step, kinds, self._values(step, kinds))

    def _find(self, step: Step, kinds: Mapping[str, Kind], values: list[Any] | None) -> Kind | None:
        counts = _counts(step, kinds)
        for kind, others, known in self._known.get(self._used(step, kinds), ()) if values is not None else ():
            if (counts is None or others is None or counts == others) and _all_close(values or [], known):
                return kind
        return None

    @staticmethod
    def _used(step: Step, kinds: Mapping[str, Kind]) -> frozenset[Kind]:
        return frozenset(kinds[name] for name in step.names())

    def _values(self, step: Step, kinds: Mapping[str, Kind]) -> list[Any] | None:
        """What the step makes of stand-ins for what it uses; None if it cannot be carried out."""
        used, found = set(step.names()), []
        try:
            with np.errstate(all="ignore"):
                for draw in range(self._draws):
                    values = {name: self._probes[kinds[name]][draw] for name in used}
                    found.append(np.asarray(step.value(values, self._meter)))
        except MISFITS:
            return None
        return found

    def _stand_ins(self, values: list[Any]) -> list[Any]:
        """Random numbers of the same shapes: all positive at first, since some operations take no others."""
        rng = np.random.default_rng(len(self._probes))
        signs = [rng.choice([-1.0, 1.0], np.shape(value)) if draw > 1 else 1.0 for draw, value in enumerate(values)]
        return [sign * rng.uniform(0.3, 1.7, np.shape(value)) for sign, value in zip(signs, values, strict=True)]

    def _new(self, probes: list[Any]) -> Kind:
        self._probes.append(probes)
        return len(self._probes) - 1


def _counts(step: Step, kinds: Mapping[str, Kind]) -> Counter[Kind] | None:
    """How often a step uses what; None where it is several operations, of which a drawing shows one edge each."""
    return Counter(kinds[name] for name in step.names()) if step.is_single else None


def _all_close(values: list[Any], known: list[Any]) -> bool:
    return all(
        one.shape == other.shape and np.allclose(one, other, _RELATIVE, _ABSOLUTE, equal_nan=True)
        for one, other in zip(values, known, strict=True)
    )


# --- the same graph --------------------------------------------------------------------------------------------------


def is_same(mine: Drawing, theirs: Drawing, kinds: Kinds) -> bool:
    """Whether a mapping of nodes onto nodes of the same kind keeps all edges, and outputs where they are."""
    graphs = [edges_of(drawing) for drawing in (mine, theirs)]
    colours = _refined(graphs, [_colours(drawing, kinds) for drawing in (mine, theirs)])
    if Counter(colours[0].values()) != Counter(colours[1].values()):
        return False
    import networkx  # where it is needed: it takes a while to load

    drawn = []
    for edges, colour in zip(graphs, colours, strict=True):
        graph = networkx.DiGraph()
        graph.add_nodes_from((name, {"colour": colour[name]}) for name in colour)
        graph.add_edges_from(edges)
        drawn.append(graph)
    return bool(networkx.is_isomorphic(*drawn, node_match=lambda a, b: a["colour"] == b["colour"]))


def edges_of(drawing: Drawing) -> list[tuple[str, str]]:
    """Every edge once, from the node that is used to the one that uses it."""
    pairs = ((source, name) for name, step in drawing.steps.items() for source in step.names())
    return list(dict.fromkeys(pairs))


def _colours(drawing: Drawing, kinds: Kinds) -> dict[str, Any]:
    """Every node that is drawn, with its kind and of which outputs it is the value."""
    used = {source for source, _ in edges_of(drawing)} | set(drawing.steps) | set(drawing.outputs)
    return {
        name: (kind, tuple(k for k, output in enumerate(drawing.outputs) if output == name))
        for name, kind in kinds.of(drawing).items()
        if name in used
    }


def _refined(graphs: list[list[tuple[str, str]]], colours: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Colours that tell nodes apart whose users differ, and theirs (colour refinement, Weisfeiler & Leman 1968)."""
    before, count = 0, _number_of(colours)
    while before < count:
        numbers: dict[Any, int] = {}
        finer = []
        for edges, colour in zip(graphs, colours, strict=True):
            around: dict[str, list[list[Any]]] = {name: [[], []] for name in colour}
            for source, target in edges:
                around[source][0].append(colour[target])
                around[target][1].append(colour[source])
            looks = {n: (c, *(tuple(sorted(map(repr, side))) for side in around[n])) for n, c in colour.items()}
            finer.append({name: numbers.setdefault(look, len(numbers)) for name, look in looks.items()})
        colours = finer
        before, count = count, _number_of(colours)
    return colours


def _number_of(colours: list[dict[str, Any]]) -> int:
    return len({colour for each in colours for colour in each.values()})
