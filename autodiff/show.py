"""What a list looks like: its table, and its reverse walk one step at a time, as text, HTML and Markdown.

    table(f, *args)    every line with what it is, its value, tangent and adjoint, and its rule in words and in LaTeX
    steps(f, *args)    the reverse walk as an iterator: which line, which rule, what was added to which adjoint
    stepper(f, *args)  the same to unfold in a notebook: HTML without JavaScript, so that a saved page has it too

An adjoint that the walk has not come to reads "not computed", which is not 0. The pictures of `graph.py` can be had
from here too: graph, backprop_graph, gradient_graph.
"""

from __future__ import annotations

import html
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autodiff.formula import NOT_COMPUTED, latex, name_in_latex, summary
from autodiff.graph import Graph, backprop_graph, gradient_graph, graph
from autodiff.listing import Listing, Source, Step, listing
from autodiff.rule import Array
from autodiff.tape import strip

__all__ = ["Graph", "Table", "backprop_graph", "gradient_graph", "graph", "listing", "stepper", "steps", "table"]
PICTURED = 24  # lines up to which the stepper has a picture in every step


@dataclass(frozen=True, eq=False)
class Row:
    """One line. derivatives: the columns to the right of the value, None where nothing was computed."""

    line: str
    what: str
    value: Array
    derivatives: dict[str, Array | None]
    rule: str
    latex: tuple[str, ...]
    digits: int = 0

    def cells(self) -> list[str]:
        """The row as texts, up to the rule."""
        numbers = [summary(a, self.digits) for a in (self.value, *self.derivatives.values())]
        return [self.line, self.what, *numbers, self.rule]


@dataclass(frozen=True, eq=False)
class Table:
    """The Wengert table. `rows` in the order of the list; str(table), table.markdown(), and HTML in a notebook."""

    rows: tuple[Row, ...]

    def head(self) -> list[str]:
        """The titles of the columns."""
        return ["line", "is", "value", *self.rows[0].derivatives, "rule"]

    def text(self, formulas: bool = False) -> str:
        """The table as plain text, on request with the formulas in LaTeX behind the rule."""
        rows = [[*row.cells()[:-1], ";  ".join([row.rule, *(row.latex if formulas else ())])] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(self.head(), *rows, strict=True)]
        lines = [self.head(), ["-" * width for width in widths], *rows]
        return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)

    __str__ = __repr__ = text

    def markdown(self) -> str:
        """The table as Markdown, below the rule its formulas in LaTeX."""
        lines = [self.head(), ["---"] * len(self.head())]
        for row in self.rows:
            *cells, rule = (cell.replace("|", r"\|") for cell in row.cells())
            lines.append([*(f"`{cell}`" for cell in cells), "<br>".join([rule, *(f"${tex}$" for tex in row.latex)])])
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{html.escape(title)}</th>' for title in self.head()[:-1])
        head += '<th scope="col" style="text-align: left">rule</th>'
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(map(row_html, self.rows))}</tbody></table>"


def row_html(row: Row) -> str:
    """A row of the table; numbers in a monospaced font, formulas for MathJax, unfolded below the rule in words."""
    line, *cells, rule = row.cells()
    words, formulas = html.escape(rule), "<br>".join(html.escape(f"${tex}$") for tex in row.latex)
    if formulas:
        words = f'<details><summary style="cursor: pointer; padding: 4px 0">{words}</summary>{formulas}</details>'
    middle = "".join(f"<td>{code(cell)}</td>" for cell in cells)
    return f'<tr><th scope="row">{line}</th>{middle}<td style="text-align: left">{words}</td></tr>'


def code(cell: str) -> str:
    """A text of the table in HTML."""
    return f"<em>{cell}</em>" if cell == NOT_COMPUTED else f"<code>{html.escape(cell)}</code>"


def table(
    f: Source, *args: Any, tangent: Any = None, cotangent: Any = None, reverse: bool = True, digits: int = 0, **how: Any
) -> Table:
    """The Wengert table of f(*args), or of a Tape.

    tangent    a direction, one array per argument; or several by name: {"d/dx": (1, 0), "d/dy": (0, 1)}
    cotangent  the adjoint the reverse walk starts with, of the shape of the output; ones, if none is given
    reverse    False: the walk is not taken, and the adjoints read "not computed"
    digits     how many to show; 0: 6 of a number and 4 of an array's entries; `rows` have the exact values
    how        argnums, which arguments to record (all); names, what to call them (as f does)

    A function that returns several arrays gets a column of adjoints for each; for a tuple of as many cotangents, one
    column of w^T J. Raises RefusalError for what cannot be recorded and for tangents and cotangents of another shape.
    The layout is that of Griewank & Walther 2008, table 1.2.
    """
    source = listing(f, *args, **how)
    directions = tangent if isinstance(tangent, Mapping) else {} if tangent is None else {"tangent": tangent}
    columns = {title: source.tangents(direction) for title, direction in directions.items()}
    several = len(source.outputs) > 1
    together = several and isinstance(cotangent, tuple)
    for number, output in enumerate(source.outputs[:1] if together else source.outputs):
        summed = cotangent is None and np.ndim(strip(source.tape[output].value)) > 0
        of = f" of sum(v{output})" if summed else f" of v{output}" if several else ""
        last = deque(source.walk(cotangent, number) if reverse else (), maxlen=1)
        title = "adjoint of all outputs" if together else f"adjoint{of}"
        columns[title] = list(last[0].adjoints.values()) if last else [None] * len(source.tape)
    return Table(tuple(row(source, i, columns, bool(directions), digits) for i in range(len(source.tape))))


def row(source: Listing, i: int, columns: Mapping[str, list[Array | None]], moving: bool, digits: int) -> Row:
    """The row of line i, its formulas being that of the line, of its tangent, and of what its adjoint adds to which."""
    named = source.named(i)
    formulas = []
    if named.line.rule is not None:
        formulas.append(f"{name_in_latex(named.name)} = {latex(named.definition())}")
        if moving:
            formulas.append(f"{name_in_latex(f'dot:{named.name}')} = {latex(named.pushed('dot:{}'.format))}")
    for slot, term in named.pulled(f"bar:{named.name}").items():
        formulas.append(rf"{name_in_latex(f'bar:{named.parents[slot]}')} \mathrel{{+}}= {latex(term)}")
    derivatives = {title: strip(column[i]) for title, column in columns.items()}
    return Row(named.id, named.what, strip(named.line.value), derivatives, named.words, tuple(formulas), digits)


# --- one step at a time ----------------------------------------------------------------------------------------------


def steps(f: Source, *args: Any, cotangent: Any = None, output: int = 0, **how: Any) -> Iterator[Step]:
    """The reverse walk from one output of f(*args), one line at a time, from the output up. Arguments as of `table`."""
    return listing(f, *args, **how).walk(cotangent, output)


@dataclass(frozen=True, eq=False)
class Stepper:
    """The steps of a walk, to be unfolded one after the other, each with the graph and the adjoints so far."""

    graph: Graph
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return "\n".join(f"Step {k}. {step}" for k, step in enumerate(self.steps, 1))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Every step as <details>: keyboards and screen readers know it, and of one group only one is open."""
        group, parts = f"steps-{zlib.crc32(str(self).encode()):08x}", []
        for number, step in enumerate(self.steps, 1):
            title = f"Step {number} of {len(self.steps)}: <code>{html.escape(f'{step.line} = {step.what}')}</code>"
            said, *added = html.escape(str(step)).split("\n  - ")
            items = "".join(f"<li>{line}</li>" for line in added)
            parts.append(
                f'<details name="{group}"{" open" if number == 1 else ""}><summary style="cursor: pointer; '
                f'padding: 4px 0">{title}</summary><p>{said}</p><ul>{items}</ul>{self.state_html(step)}</details>'
            )
        return "".join(parts)

    def state_html(self, step: Step) -> str:
        """All adjoints after a step: in the picture, or for a long list how many there are."""
        if len(step.adjoints) > PICTURED:
            left = sum(g is None for g in step.adjoints.values())
            return f"<p>Of {len(step.adjoints)} adjoints, {left} are {NOT_COMPUTED}.</p>"
        so_far = {k: "no adjoint yet" if g is None else f"adj {summary(g, 4)}" for k, g in step.adjoints.items()}
        nodes = tuple(replace(node, note=f"{node.id}: {so_far[node.id]}") for node in self.graph.nodes)
        marked = frozenset(k for k, edge in enumerate(self.graph.edges) if edge.target == step.line)
        title = f"The adjoints after the step at {step.line}, on the way back from {self.steps[0].line}"
        return replace(self.graph, nodes=nodes, marked=marked, title=title)._repr_html_()


def stepper(f: Source, *args: Any, cotangent: Any = None, output: int = 0, **how: Any) -> Stepper:
    """`steps`, to be shown in a notebook. Arguments as of `steps`."""
    source = listing(f, *args, **how)
    return Stepper(graph(source), tuple(steps(source, cotangent=cotangent, output=output)))
