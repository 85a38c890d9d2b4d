"""The graph of a computation: as data, as a picture, as DOT and as Mermaid.

    graph(f, *args)           the computation: one node per line of the list, one edge per argument
    backprop_graph(f, *args)  its edges turned round, each with its partial derivative: what the reverse walk walks
    gradient_graph(f, *args)  the computation, and beside it the nodes that compute its gradient

A picture is an SVG image inside an <img> tag with the graph in words as its alt text: the one form that JupyterLab
shows also in a notebook it does not trust, and that nbconvert and nbgrader keep. `layout.py` says what goes where.
"""

from __future__ import annotations

import base64
import html
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from autodiff import picture
from autodiff.formula import Term, summary, text
from autodiff.layout import Arrow, Layout, lay_out
from autodiff.listing import Listing, Source, listing, plain

quoted = partial(json.dumps, ensure_ascii=False)  # a string of DOT


class Edge(NamedTuple):
    """source is argument number `slot` of target; the label is a partial derivative, or empty."""

    source: str
    target: str
    slot: int = 0
    label: str = ""


@dataclass(frozen=True, eq=False)
class Node:
    """One node. kind: input, operation, output, constant, adjoint or partial; op: the rule's name, or the kind.

    In the picture the note stands below the label; without one, id and value do.
    """

    id: str
    op: str
    label: str = ""
    kind: str = "operation"
    value: Any = None
    note: str = ""


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in the order of the list, and edges. `marked` are the numbers of highlighted edges.

    Raises ValueError for two nodes of one id and for an edge whose end is no node.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    title: str = "Computation graph"
    values: bool = False
    marked: frozenset[int] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        ids = {node.id for node in self.nodes}
        if len(ids) < len(self.nodes):
            raise ValueError("two nodes have the same id")
        for edge in self.edges:
            for end in (edge.source, edge.target):
                if end not in ids:
                    raise ValueError(f"the edge {edge.source} -> {edge.target} ends at {end}, which is no node")

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Graph:
        """The graph of {"nodes": [{"id", "op"}, ...], "edges": [[source, target, slot], ...]}."""
        edges = tuple(Edge(*edge) for edge in data["edges"])
        targets = {edge.target for edge in edges}
        nodes = []
        for entry in data["nodes"]:
            kind = "operation" if entry["id"] in targets else "input"
            nodes.append(Node(entry["id"], entry.get("op", kind), entry.get("label", entry["id"]), kind))
        return cls(tuple(nodes), edges)

    def data(self) -> dict[str, Any]:
        """Nodes and edges as lists and strings, for comparing: values and labels left out."""
        return {
            "nodes": [{"id": node.id, "op": node.op} for node in self.nodes],
            "edges": [[edge.source, edge.target, edge.slot] for edge in self.edges],
        }

    def find(self, name: str | None) -> str:
        """The id of the node with this id, or label; of the first output for None."""
        if any(node.id == name for node in self.nodes):
            return str(name)
        if name is None:
            found = [node.id for node in self.nodes if node.kind == "output"][:1]
        else:
            found = [node.id for node in self.nodes if node.label == name]
        if len(found) != 1:
            raise KeyError(f"{name!r} names {len(found)} nodes; the ids are {', '.join(n.id for n in self.nodes)}")
        return found[0]

    def paths(self, source: str, target: str | None = None) -> Iterator[tuple[Edge, ...]]:
        """All paths between two nodes, each as its edges. There can be exponentially many; they come one by one.

        Nodes are named by id or label; the target is the first output, if none is named. Raises KeyError for a name
        that no node has, or several.
        """
        end, useful = self.find(target), self.between(source, target)
        outgoing: dict[str, list[Edge]] = {}
        for number in sorted(useful):
            outgoing.setdefault(self.edges[number].source, []).append(self.edges[number])
        stack: list[tuple[str, tuple[Edge, ...]]] = [(self.find(source), ())]
        while stack:
            here, path = stack.pop()
            if here == end:
                yield path
            else:
                stack.extend((edge.target, (*path, edge)) for edge in reversed(outgoing.get(here, [])))

    def between(self, source: str, target: str | None) -> frozenset[int]:
        """The numbers of the edges that lie on a path between two nodes."""
        down = self.reached(self.find(source), forward=True)
        up = self.reached(self.find(target), forward=False)
        return frozenset(k for k, edge in enumerate(self.edges) if edge.source in down and edge.target in up)

    def reached(self, start: str, forward: bool) -> set[str]:
        """All nodes that edges lead to from a node, itself included; or, backward, that lead to it."""
        near: dict[str, list[str]] = {}
        for edge in self.edges:
            here, there = (edge.source, edge.target) if forward else (edge.target, edge.source)
            near.setdefault(here, []).append(there)
        found, stack = {start}, [start]
        while stack:
            for other in near.get(stack.pop(), []):
                if other not in found:
                    found.add(other)
                    stack.append(other)
        return found

    def highlight(self, source: str, target: str | None = None) -> Graph:
        """The same graph, with all paths between two nodes highlighted."""
        return replace(self, marked=self.between(source, target))

    # --- as a picture

    def layout(self) -> Layout:
        """Boxes by node and routes by edge (from source to target), in the order of nodes and edges.

        Edges go down, and between gradient nodes up: the way back. Raises ValueError if they go in a circle.
        """
        number = {node.id: k for k, node in enumerate(self.nodes)}
        back = {node.id for node in self.nodes if node.kind in ("adjoint", "partial")}
        incoming = dict.fromkeys(number, 0)
        for edge in self.edges:
            incoming[edge.target] += 1
        sizes = [picture.node_size(self.lines(node), incoming[node.id]) for node in self.nodes]
        arrows = []
        for source, target, slot, label in self.edges:
            width = picture.text_width(picture.clipped(label), picture.NOTE_SIZE) + 8 if label else 0.0
            up = source in back and target in back
            ends = (number[target], number[source]) if up else (number[source], number[target])
            arrows.append(Arrow(*ends, None if target in back else slot, width, up))
        loose = [k for k, node in enumerate(self.nodes) if node.kind == "partial"]
        return lay_out(sizes, arrows, loose)

    def lines(self, node: Node) -> list[str]:
        """What stands in a node: its label, and below it its id and value."""
        label = picture.clipped(node.label or node.op)
        if node.note:
            return [label, picture.clipped(node.note)]
        below = [node.id] if node.id != label and node.kind not in ("constant", "adjoint") else []
        if self.values and node.value is not None and node.kind != "constant":
            below.append(summary(node.value, 4))
        return [label, picture.clipped(" = ".join(below))] if below else [label]

    def svg(self) -> str:
        """The picture, with light and dark colours."""
        layout, parts = self.layout(), []
        back = {node.id for node in self.nodes if node.kind in ("adjoint", "partial")}
        for k, edge in enumerate(self.edges):
            style, box = "edge gradient" if edge.target in back else "edge", layout.labels[k]
            parts.append(picture.edge(layout.routes[k], style, k in self.marked))
            if box is not None:
                place = box.x, box.y + box.height / 2, picture.NOTE_SIZE
                parts.append(picture.text(picture.clipped(edge.label), *place, "note", "start"))
        for node, box in zip(self.nodes, layout.boxes, strict=True):
            parts.append(picture.node(node.kind, box, self.lines(node)))
        return picture.page(self.title, layout.width, layout.height, parts)

    def alt(self) -> str:
        """The graph in words."""
        uses: dict[str, list[str]] = {}
        for edge in sorted(self.edges, key=lambda e: e.slot):
            uses.setdefault(edge.target, []).append(edge.source + (f" times {edge.label}" if edge.label else ""))
        said = []
        for node in self.nodes[:60]:
            name = " ".join(dict.fromkeys((node.id, node.label or node.op)))
            value = [summary(node.value, 4)] if self.values and node.value is not None else []
            parts = [node.kind, *([node.note] if node.note else value)]
            parts += [f"from {', '.join(uses[node.id])}"] if node.id in uses else []
            said.append(f"{name} ({', '.join(parts)})")
        more = f"; and {len(self.nodes) - 60} more" if len(self.nodes) > 60 else ""
        counts = f"{self.title}: {len(self.nodes)} nodes, {len(self.edges)} edges"
        marked = f", {len(self.marked)} of them highlighted" if self.marked else ""
        return f"{counts}{marked}. {'; '.join(said)}{more}."

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.svg().encode()).decode()
        return (
            f'<img alt="{html.escape(self.alt())}" style="max-width: 100%; height: auto" '
            f'src="data:image/svg+xml;base64,{data}">'
        )

    def __repr__(self) -> str:
        return self.alt()

    # --- as text for other tools

    def to_dot(self) -> str:
        """The graph for Graphviz."""
        shapes = {"input": "oval", "output": "doubleoctagon", "constant": "plaintext", "adjoint": "hexagon"}
        lines = [
            f"  {quoted(n.id)} [label={quoted(chr(10).join(self.lines(n)))}, shape={shapes.get(n.kind, 'box')}"
            + (", style=dashed]" if n.kind in ("adjoint", "partial") else "]")
            for n in self.nodes
        ]
        for k, edge in enumerate(self.edges):
            bold = ", penwidth=3" if k in self.marked else ""
            lines.append(
                f"  {quoted(edge.source)} -> {quoted(edge.target)} "
                f"[label={quoted(edge.label)}, headlabel={quoted(str(edge.slot))}{bold}]"
            )
        return "\n".join(["digraph {", *lines, "}"])

    def to_mermaid(self) -> str:
        """The graph for Mermaid."""
        number = {node.id: f"n{k}" for k, node in enumerate(self.nodes)}
        brackets = {"input": "([{}])", "output": "[[{}]]", "adjoint": "{{{{{}}}}}", "partial": "[/{}/]"}
        lines = [
            f"  {number[n.id]}" + brackets.get(n.kind, "[{}]").format(f'"{mermaid(" ".join(self.lines(n)))}"')
            for n in self.nodes
        ]
        for k, edge in enumerate(self.edges):
            arrow = "==>" if k in self.marked else "-->"
            label = f'|"{mermaid(edge.label)}"|' if edge.label else ""
            lines.append(f"  {number[edge.source]} {arrow}{label} {number[edge.target]}")
        return "\n".join(["flowchart TD", *lines])


def mermaid(label: str) -> str:
    """A label between Mermaid's quotes."""
    return html.escape(label, quote=False).replace('"', "#quot;").replace("\n", " ")


# --- from a computation ----------------------------------------------------------------------------------------------


def graph(f: Source, *args: Any, constants: bool = False, values: bool = False, **how: Any) -> Graph:
    """The computation f(*args) as a graph: a node per line, v0, v1, ... as on the printed list, an edge per argument.

    f, args and how (argnums, names) are those of `listing`. constants=True draws constant operands too, values=True
    writes the values into the nodes.
    """
    source = listing(f, *args, **how)
    nodes, edges = [], []
    for i, line in enumerate(source.tape):
        for slot, (parent, a) in enumerate(zip(line.parents, line.args, strict=True)):
            if parent is not None:
                edges.append(Edge(f"v{parent}", f"v{i}", slot))
            elif constants:
                nodes.append(Node(f"c{i}.{slot}", "constant", summary(a, 4), "constant", plain(a)))
                edges.append(Edge(f"c{i}.{slot}", f"v{i}", slot))
        op = "input" if line.rule is None else line.rule.name
        kind = "input" if line.rule is None else "output" if i in source.outputs else "operation"
        nodes.append(Node(f"v{i}", op, source.names[i] if line.rule is None else op, kind, plain(line.value)))
    return Graph(tuple(nodes), tuple(edges), values=values)


def backprop_graph(f: Source, *args: Any, output: int = 0, values: bool = False, **how: Any) -> Graph:
    """The graph the reverse walk walks: a node per adjoint it reaches, the edges turned round.

    An edge says which factor it multiplies the adjoint by, or where that is no factor, what becomes of the adjoint g.
    """
    source = listing(f, *args, **how)
    nodes, edges = [], []
    slots: dict[int, int] = defaultdict(int)
    for visit in source.walk(output=output):
        nodes.append(adjoint_node(source, visit.line, visit.adjoint))
        for slot, parent, _ in visit.added:
            label = text(source.named(visit.line).partial(slot))
            edges.append(Edge(nodes[-1].id, f"adj v{parent}", slots[parent], label))
            slots[parent] += 1
    return Graph(tuple(nodes), tuple(edges), "Backpropagation graph", values)


def adjoint_node(source: Listing, i: int, value: Any) -> Node:
    """The node of the adjoint of line i: its letter with a bar over it."""
    name = source.names[i]
    letters = name.rstrip("0123456789")
    label = f"{name[0]}\u0304{name[1:]}" if len(letters) == 1 else f"adj {name}"
    return Node(f"adj v{i}", "adjoint", label, "adjoint", plain(value))


def gradient_graph(f: Source, *args: Any, output: int = 0, values: bool = False, **how: Any) -> Graph:
    """The computation extended by gradient nodes: adjoints, and the partial derivatives they are multiplied by.

    A partial has edges from the values that stand in its formula; a constant partial has no node. Every line of this,
    local products included, is on the list of the gradient itself: graph(grad(f), *args).
    """
    source = listing(f, *args, **how)
    computation = graph(source)
    nodes, edges = list(computation.nodes), list(computation.edges)
    slots: dict[int, int] = defaultdict(int)
    for visit in source.walk(output=output):
        named = source.named(visit.line)
        nodes.append(adjoint_node(source, visit.line, visit.adjoint))
        for slot, parent, _ in visit.added:
            target, term = f"adj v{parent}", named.partial(slot)
            edges.append(Edge(f"adj v{visit.line}", target, slots[parent]))
            used = sorted(term.lines()) if isinstance(term, Term) else []
            if used:
                repeated = f" in slot {slot}" if named.line.parents.count(parent) > 1 else ""
                name = f"∂{named.name}/∂{source.names[parent]}{repeated}"
                nodes.append(Node(name, "partial", text(term), "partial"))
                edges += [Edge(f"v{k}", name, n) for n, k in enumerate(used)]
                edges.append(Edge(name, target, slots[parent] + 1))
            slots[parent] += 2
    return Graph(tuple(nodes), tuple(edges), "Computation graph extended by gradient nodes", values)
