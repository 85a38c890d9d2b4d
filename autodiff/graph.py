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
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from autodiff import picture
from autodiff.formula import summary, text
from autodiff.layout import Arrow, Layout, lay_out
from autodiff.listing import Listing, Source, listing
from autodiff.tape import strip

BACK = ("adjoint", "partial")  # the kinds of node that belong to the gradient
DESCRIBED = 60  # nodes up to which the alt text tells each
SHAPES = {  # of a node in DOT and in Mermaid
    "input": ("oval", "([{}])"),
    "operation": ("box", "[{}]"),
    "output": ("doubleoctagon", "[[{}]]"),
    "constant": ("plaintext", "[{}]"),
    "adjoint": ("hexagon, style=dashed", "{{{{{}}}}}"),
    "partial": ("box, style=dashed", "[/{}/]"),
}


class Edge(NamedTuple):
    """source is argument number `slot` of target; the label is a partial derivative, or empty."""

    source: str
    target: str
    slot: int = 0
    label: str = ""


@dataclass(frozen=True, eq=False)
class Node:
    """One node. kind: input, operation, output, constant, adjoint or partial; op: the rule's name, or the kind.

    In the picture the note stands below the label; without one, the id does.
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

    `source` is the list that a computation was drawn from, with the constants and parameters that no picture shows.

    Raises ValueError for two nodes of one id and for an edge whose end is no node.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    title: str = "Computation graph"
    marked: frozenset[int] = field(default_factory=frozenset)
    source: Listing | None = None

    def __post_init__(self) -> None:
        ids = {node.id for node in self.nodes}
        if len(ids) < len(self.nodes):
            raise ValueError("two nodes have the same id")
        if loose := [edge for edge in self.edges if not ids.issuperset(edge[:2])]:
            raise ValueError(f"{loose[0]} ends at what is no node")

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Graph:
        """The graph of {"nodes": [{"id", "op"}, ...], "edges": [[source, target, slot], ...]}; ids become texts."""
        edges = tuple(Edge(str(source), str(target), *rest) for source, target, *rest in data["edges"])
        targets, nodes = {edge.target for edge in edges}, []
        for entry in data["nodes"]:
            name = str(entry["id"])
            kind = "operation" if name in targets else "input"
            nodes.append(Node(name, entry.get("op", kind), entry.get("label", name), kind))
        return cls(tuple(nodes), edges)

    def data(self) -> dict[str, Any]:
        """Nodes and edges as lists and strings, for comparing: values and labels left out."""
        return {
            "nodes": [{"id": node.id, "op": node.op} for node in self.nodes],
            "edges": [[edge.source, edge.target, edge.slot] for edge in self.edges],
        }

    def find(self, name: str | None) -> str:
        """The id of the node with this id, or label; of the first output for None."""
        found = [node.id for node in self.nodes if name == node.id]
        found = found or [node.id for node in self.nodes if name == node.label]
        if name is None:
            found = [node.id for node in self.nodes if node.kind == "output"][:1]
        if len(found) != 1:
            names = ", ".join(node.label if node.kind == "input" else node.id for node in self.nodes)
            raise KeyError(f"{name!r} names {len(found)} nodes; the nodes are {names}")
        return found[0]

    def highlight(self, source: str, target: str | None = None) -> Graph:
        """The same graph, with all paths between two nodes highlighted.

        Nodes are named by id or label; the target is the first output, if none is named. Raises KeyError for a name
        that no node has, or several.
        """
        down = reached(self.find(source), [edge[:2] for edge in self.edges])
        up = reached(self.find(target), [edge[1::-1] for edge in self.edges])
        between = (k for k, edge in enumerate(self.edges) if edge.source in down and edge.target in up)
        return replace(self, marked=frozenset(between))

    # --- as a picture

    def layout(self) -> Layout:
        """Boxes by node and routes by edge (from source to target), in the order of nodes and edges.

        Edges go down, and between gradient nodes up: the way back. Raises ValueError if they go in a circle.
        """
        number = {node.id: k for k, node in enumerate(self.nodes)}
        back = {node.id for node in self.nodes if node.kind in BACK}
        incoming, arrows = dict.fromkeys(number, 0), []
        for source, target, slot, label in self.edges:
            incoming[target] += 1
            width = picture.text_width(picture.clipped(label), picture.NOTE_SIZE) + 8 if label else 0.0
            up = source in back and target in back
            ends = (number[target], number[source]) if up else (number[source], number[target])
            arrows.append(Arrow(*ends, None if target in back else slot, width, up))
        sizes = [picture.node_size(self.lines(node), incoming[node.id]) for node in self.nodes]
        return lay_out(sizes, arrows)

    def lines(self, node: Node) -> list[str]:
        """What stands in a node: its label, and below it its note or id."""
        label = node.label or node.op
        below = node.note or (node.id if node.id != label and node.kind not in ("constant", "adjoint") else "")
        return [line for line in (picture.clipped(label), picture.clipped(below, picture.LONGEST_NOTE)) if line]

    def svg(self) -> str:
        """The picture, with light and dark colours."""
        layout, parts = self.layout(), []
        back = {node.id for node in self.nodes if node.kind in BACK}
        for k, (edge, route, box) in enumerate(zip(self.edges, layout.routes, layout.labels, strict=True)):
            parts.append(picture.edge(route, edge.target in back, k in self.marked))
            if box is not None:
                place = box.x, box.y + box.height / 2, picture.NOTE_SIZE
                parts.append(picture.text(picture.clipped(edge.label), *place, "note", "start"))
        for node, box in zip(self.nodes, layout.boxes, strict=True):
            parts.append(picture.node(node.kind, box, self.lines(node)))
        return picture.page(self.title, layout.width, layout.height, parts)

    def alt(self) -> str:
        """The graph in words."""
        uses: dict[str, list[str]] = defaultdict(list)
        for edge in sorted(self.edges, key=lambda e: e.slot):
            uses[edge.target].append(edge.source + (f" times {edge.label}" if edge.label else ""))
        said = []
        for node in self.nodes[:DESCRIBED]:
            name = " ".join(dict.fromkeys((node.id, node.label or node.op)))
            origin = f"from {', '.join(uses[node.id])}" if uses[node.id] else ""
            said.append(f"{name} ({', '.join(filter(None, (node.kind, node.note, origin)))})")
        if len(self.nodes) > DESCRIBED:
            said.append(f"and {len(self.nodes) - DESCRIBED} more")
        marked = f", {len(self.marked)} of them highlighted" if self.marked else ""
        return f"{self.title}: {len(self.nodes)} nodes, {len(self.edges)} edges{marked}. {'; '.join(said)}."

    __repr__ = alt

    def _repr_html_(self) -> str:
        alt, data = html.escape(self.alt()), base64.b64encode(self.svg().encode()).decode()
        return f'<img alt="{alt}" style="max-width: 100%; height: auto" src="data:image/svg+xml;base64,{data}">'

    # --- as text for other tools

    def to_dot(self) -> str:
        """The graph for Graphviz."""
        lines = ["digraph {"]
        for node in self.nodes:
            label = quoted("\n".join(self.lines(node)))
            lines.append(f"  {quoted(node.id)} [label={label}, shape={SHAPES[node.kind][0]}]")
        for k, (source, target, slot, label) in enumerate(self.edges):
            how = f'label={quoted(label)}, headlabel="{slot}", penwidth={3 if k in self.marked else 1}'
            lines.append(f"  {quoted(source)} -> {quoted(target)} [{how}]")
        return "\n".join([*lines, "}"])

    def to_mermaid(self) -> str:
        """The graph for Mermaid."""
        number, lines = {node.id: f"n{k}" for k, node in enumerate(self.nodes)}, ["flowchart TD"]
        for node in self.nodes:
            label = mermaid(" ".join(self.lines(node)))
            lines.append(f"  {number[node.id]}{SHAPES[node.kind][1].format(label)}")
        for k, (source, target, _, label) in enumerate(self.edges):
            arrow = ("==>" if k in self.marked else "-->") + (f"|{mermaid(label)}|" if label else "")
            lines.append(f"  {number[source]} {arrow} {number[target]}")
        return "\n".join(lines)


def reached(start: str, steps: list[Any]) -> set[str]:
    """All that the steps (here, there) lead to from a start, itself included."""
    near: dict[str, list[str]] = defaultdict(list)
    for here, there in steps:
        near[here].append(there)
    found, stack = {start}, [start]
    while stack:
        new = set(near[stack.pop()]) - found
        found |= new
        stack.extend(new)
    return found


def quoted(label: str) -> str:
    """A string of DOT."""
    return json.dumps(label, ensure_ascii=False)


def mermaid(label: str) -> str:
    """A string of Mermaid."""
    return f'"{html.escape(label, quote=False).replace(chr(34), "#quot;")}"'


# --- from a computation ----------------------------------------------------------------------------------------------


def graph(f: Source, *args: Any, constants: bool = False, values: bool = False, **how: Any) -> Graph:
    """The computation f(*args) as a graph: a node per line, v0, v1, ... as on the printed list, an edge per argument.

    f, args and how (argnums, names) are those of `listing`. constants=True draws constant operands too; else a node
    that has some says its formula. values=True writes the values into the nodes.
    """
    source = listing(f, *args, **how)
    nodes, edges = [], []
    for i, line in enumerate(source.tape):
        for slot, (parent, a) in enumerate(zip(line.parents, line.args, strict=True)):
            if parent is not None:
                edges.append(Edge(f"v{parent}", f"v{i}", slot))
            elif constants:
                nodes.append(Node(f"c{i}.{slot}", "constant", summary(a, 4), "constant", strip(a)))
                edges.append(Edge(f"c{i}.{slot}", f"v{i}", slot))
        op = line.rule.name if line.rule else "input"
        kind = "input" if line.rule is None else "output" if i in source.outputs else "operation"
        said = [source.named(i).what] if None in line.parents and not constants else []
        said += [summary(line.value, 4)] if values else []
        note = " = ".join([f"v{i}", *said]) if said else ""
        nodes.append(Node(f"v{i}", op, op if line.rule else source.names[i], kind, strip(line.value), note))
    return Graph(tuple(nodes), tuple(edges), source=source)


def backprop_graph(f: Source, *args: Any, output: int = 0, values: bool = False, **how: Any) -> Graph:
    """The graph the reverse walk walks: a node per adjoint it reaches, the edges turned round.

    An edge says which factor it multiplies the adjoint by, or where that is no factor, what becomes of the adjoint g.
    """
    source = listing(f, *args, **how)
    nodes, edges = backwards(source, output, values, partials=False)
    return Graph(tuple(nodes), tuple(edges), f"Backpropagation graph of v{source.outputs[output]}")


def gradient_graph(f: Source, *args: Any, output: int = 0, values: bool = False, **how: Any) -> Graph:
    """The computation extended by gradient nodes: adjoints, and between them their products with partial derivatives.

    An adjoint is the sum of what arrives. A product has edges from the adjoint and the values that stand in its
    formula; where the factor is constant, the edge from adjoint to adjoint bears it. Every line of this is on the list
    of the gradient itself: graph(grad(f), *args).
    """
    source = listing(f, *args, **how)
    forward, (nodes, edges) = graph(source, values=values), backwards(source, output, values, partials=True)
    title = f"Computation graph extended by the nodes of the gradient of v{source.outputs[output]}"
    return Graph((*forward.nodes, *nodes), (*forward.edges, *edges), title)


def backwards(source: Listing, output: int, values: bool, partials: bool) -> tuple[list[Node], list[Edge]]:
    """Adjoints, and the edges between them with their factors; where these use values, on request as product nodes."""
    nodes, edges = [], []
    slots: dict[str, int] = defaultdict(int)
    for step in source.walk(output=output):
        named, start = step.named, f"adj {step.line}"
        letter, rest = named.name[0], named.name[1:]
        label = f"{letter}\u0304{rest}" if not rest.strip("0123456789") else f"adj {named.name}"
        note = summary(step.adjoint, 4) if values else ""
        nodes.append(Node(start, "adjoint", label, "adjoint", step.adjoint, note))
        products = named.pulled(label)
        for line, slot, added in step.added:
            target, term = f"adj {line}", named.partial(slot)
            if partials and (used := sorted(term.lines())):
                repeated = f" in slot {slot}" if named.parents.count(named.parents[slot]) > 1 else ""
                name = f"∂{named.name}/∂{named.parents[slot]}{repeated}"
                nodes.append(Node(name, "partial", text(products[slot]), "partial", added))
                edges += [Edge(f"v{k}", name, n) for n, k in enumerate(used, 1)]
                edges += [Edge(start, name), Edge(name, target, slots[target])]
            else:
                edges.append(Edge(start, target, slots[target], text(term)))
            slots[target] += 1
    return nodes, edges
