"""A graph that somebody wrote down, as a picture, and as text beside it: what is to be looked at is marked in both."""

from __future__ import annotations

import html
from collections.abc import Collection

from autodiff.graph import Edge, Graph, Node
from grading.answers.drawing import Drawing
from grading.answers.formulas import Step
from grading.verify.verdict import Figure

_MOST_DRAWN = 60  # nodes
_MARK = "✗ look here"


def figure(drawing: Drawing, title: str, marked: Collection[str] = ()) -> Figure:
    """One graph. A marked node says so, and a broad band lies behind every edge into it."""
    return Figure(_text(drawing, title, marked), _image(drawing, title, marked))


def side_by_side(left: Figure, right: Figure) -> Figure:
    """Two figures, beside each other where there is room."""
    half = '<div style="display:inline-block;vertical-align:top;margin-right:1em;max-width:100%">'
    return Figure(f"{left.text}\n{right.text}", f"<div>{half}{left.html}</div>{half}{right.html}</div></div>")


def picture(drawing: Drawing, title: str, marked: Collection[str] = ()) -> Graph:
    """The graph as autodiff draws it."""
    used = {name for step in drawing.steps.values() for name in step.names()} | set(drawing.outputs)
    nodes = [Node(name, "input", name, "input") for name in drawing.inputs if name in used]
    edges = []
    for name, step in drawing.steps.items():
        kind = "output" if name in drawing.outputs else "operation"
        note = f"{name} {_MARK}" if name in marked else name
        nodes.append(Node(name, step.operation, label_of(step, drawing, name), kind, note=note))
        edges += [Edge(source, name, slot) for slot, source in enumerate(_drawn(step))]
    band = frozenset(k for k, edge in enumerate(edges) if edge.target in marked)
    return Graph(tuple(nodes), tuple(edges), title, band)


def label_of(step: Step, drawing: Drawing, name: str) -> str:
    """What stands in a node: its operation, with the constants in it; or its formula, where it does several."""
    if not step.is_single:
        return (drawing.written or {}).get(name, step.operation)
    constants = [(slot, f"{operand:g}") for slot, operand in enumerate(step.operands) if isinstance(operand, float)]
    before, behind = [text for slot, text in constants if slot == 0], [text for slot, text in constants if slot]
    return " ".join([*before, step.operation, *behind])


def _drawn(step: Step) -> list[str]:
    """An edge per argument; of several operations in one node, one edge from everything that goes into it."""
    names = list(step.names())
    return names if step.is_single else list(dict.fromkeys(names))


def _text(drawing: Drawing, title: str, marked: Collection[str]) -> str:
    lines = [f"  {drawing.said(name)}" + f"   {_MARK}" * (name in marked) for name in drawing.steps]
    if len(lines) > _MOST_DRAWN:
        lines = [*lines[:_MOST_DRAWN], f"  and {len(lines) - _MOST_DRAWN} more"]
    return "\n".join([f"{title}:", *lines])


def _image(drawing: Drawing, title: str, marked: Collection[str]) -> str:
    caption = f"<div><small>{html.escape(title)}</small></div>"
    if len(drawing.steps) <= _MOST_DRAWN:
        try:
            return caption + picture(drawing, title, marked)._repr_html_()
        except ValueError:  # too many long edges to be read
            pass
    return f"<pre>{html.escape(_text(drawing, title, marked))}</pre>"
