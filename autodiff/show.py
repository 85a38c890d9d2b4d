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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autodiff.formula import latex, name_in_latex, summary, text
from autodiff.graph import Graph, backprop_graph, gradient_graph, graph, of_listing
from autodiff.listing import Listing, Source, climb, listing, plain, tangents
from autodiff.rule import Array
from autodiff.tape import RefusalError

__all__ = ["Graph", "Table", "backprop_graph", "gradient_graph", "graph", "listing", "stepper", "steps", "table"]
NOT_COMPUTED = "not computed"
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

    def cells(self) -> list[str]:
        """The row as texts, up to the rule."""
        return [self.line, self.what, summary(self.value), *map(computed, self.derivatives.values()), self.rule]


@dataclass(frozen=True, eq=False)
class Table:
    """The Wengert table. `rows` in the order of the list; str(table), table.markdown(), and HTML in a notebook."""

    rows: tuple[Row, ...]

    def head(self) -> list[str]:
        """The titles of the columns."""
        return ["line", "is", "value", *self.rows[0].derivatives, "rule"]

    def text(self, formulas: bool = False) -> str:
        """The table as plain text, on request with the formulas in LaTeX behind the rule."""
        lines = [self.head()]
        for row in self.rows:
            *cells, rule = row.cells()
            lines.append([*cells, ";  ".join([rule, *(row.latex if formulas else ())])])
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        lines.insert(1, ["-" * width for width in widths])
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
        head = "".join(f'<th scope="col">{html.escape(title)}</th>' for title in self.head())
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(map(row_html, self.rows))}</tbody></table>"


def row_html(row: Row) -> str:
    """A row of the table; numbers in a monospaced font, formulas for MathJax."""
    line, *cells, rule = row.cells()
    head = f'<th scope="row">{html.escape(line)}</th>'
    middle = "".join(f"<td>{code(cell)}</td>" for cell in cells)
    words = "<br>".join(html.escape(part) for part in (rule, *(f"${formula}$" for formula in row.latex)))
    return f'<tr>{head}{middle}<td style="text-align: left">{words}</td></tr>'


def code(cell: str) -> str:
    """A text of the table in HTML."""
    return f"<em>{cell}</em>" if cell == NOT_COMPUTED else f"<code>{html.escape(cell)}</code>"


def computed(value: Array | None) -> str:
    """A derivative as text."""
    return NOT_COMPUTED if value is None else summary(value)


def table(f: Source, *args: Any, tangent: Any = None, cotangent: Any = None, reverse: bool = True, **how: Any) -> Table:
    """The Wengert table of f(*args), or of a Tape.

    tangent    a direction, one array per argument; or several by name: {"d/dx": (1, 0), "d/dy": (0, 1)}
    cotangent  the adjoint the reverse walk starts with, of the shape of the output; ones, if none is given
    reverse    False: the walk is not taken, and the adjoints read "not computed"
    how        argnums, which arguments to record (all); names, what to call them (as f does)

    A function that returns several arrays gets a column of adjoints for each. Raises RefusalError for what cannot be
    recorded and for tangents and cotangents of another shape. The layout is that of Griewank & Walther 2008, table 1.2.
    """
    source = listing(f, *args, **how)
    columns = tangent_columns(source, tangent) | adjoint_columns(source, cotangent, reverse)
    return Table(tuple(row(source, i, columns, tangent is not None) for i in range(len(source.tape))))


def row(source: Listing, i: int, columns: Mapping[str, list[Array | None]], moving: bool) -> Row:
    """The row of line i."""
    named = source.named(i)
    rule, name = named.line.rule, name_in_latex(source.names[i])
    formulas = [] if rule is None else [f"{name} = {latex(named.definition())}"]
    if moving and rule is not None:
        formulas.append(f"{name_in_latex(f'dot:{named.name}')} = {latex(named.pushed('dot:{}'.format))}")
    for slot, term in named.pulled(f"bar:{named.name}").items():
        formulas.append(rf"{name_in_latex(f'bar:{named.parents[slot]}')} \mathrel{{+}}= {latex(term)}")
    what = source.names[i] if rule is None else text(named.definition())
    words = "an input" if rule is None else f"{rule.name}: {rule.explain}"
    derivatives = {title: column[i] for title, column in columns.items()}
    return Row(f"v{i}", what, plain(named.line.value), derivatives, words, tuple(formulas))


def tangent_columns(source: Listing, tangent: Any) -> dict[str, list[Array | None]]:
    """The tangents of all lines, for each direction."""
    if tangent is None:
        return {}
    named = tangent if isinstance(tangent, Mapping) else {"tangent": tangent}
    inputs = sum(line.rule is None for line in source.tape)
    columns = {}
    for title, direction in named.items():
        each = direction if isinstance(direction, (tuple, list)) else (direction,)
        if len(each) != inputs:
            raise RefusalError(f"a direction has one tangent per argument: {inputs}, not {len(each)}.")
        columns[title] = [plain(t) for t in tangents(source.tape, each)]
    return columns


def adjoint_columns(source: Listing, cotangent: Any, reverse: bool) -> dict[str, list[Array | None]]:
    """The adjoints of all lines, for each output: a walk of its own for each."""
    columns: dict[str, list[Array | None]] = {}
    for number, output in enumerate(source.outputs):
        several, summed = len(source.outputs) > 1, cotangent is None and np.ndim(plain(source.tape[output].value))
        title = f"adjoint of sum(v{output})" if summed else f"adjoint of v{output}" if several else "adjoint"
        columns[title] = [None] * len(source.tape)
        if reverse:
            *_, last = climb(source.tape, source.seeds(cotangent, number))
            columns[title] = [plain(g) for g in last.adjoints]
    return columns


# --- one step at a time ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Step:
    """The reverse walk at one line.

    adjoint   of this line: complete, since all uses of a line come later on the list
    added     (line, slot, what was added to that line's adjoint), in the order in which it was
    adjoints  of all lines after this step, None where the walk has not yet come
    """

    line: str
    what: str
    rule: str
    adjoint: Array
    added: tuple[tuple[str, int, Array], ...]
    adjoints: dict[str, Array | None]

    def __str__(self) -> str:
        first = f"{self.line} = {self.what}: its adjoint is complete, {summary(self.adjoint)}."
        if not self.added:
            return f"{first} {self.rule}."
        now = [
            f"  to that of {line} (slot {slot}): {summary(g)}, now {summary(self.adjoints[line])}"
            for line, slot, g in self.added
        ]
        return "\n".join([first, f"{self.rule}.", "It adds to the adjoints", *now])

    __repr__ = __str__


def steps(f: Source, *args: Any, cotangent: Any = None, output: int = 0, **how: Any) -> Iterator[Step]:
    """The reverse walk from one output of f(*args), one line at a time, from the output up. Arguments as of `table`."""
    return walk(listing(f, *args, **how), cotangent, output)


def walk(source: Listing, cotangent: Any, output: int) -> Iterator[Step]:
    """The steps over a recorded list."""
    for visit in climb(source.tape, source.seeds(cotangent, output)):
        named = source.named(visit.line)
        rule = named.line.rule
        yield Step(
            f"v{visit.line}",
            source.names[visit.line] if rule is None else text(named.definition()),
            "An input: this is the gradient" if rule is None else f"{rule.name}: {rule.explain}",
            plain(visit.adjoint),
            tuple((f"v{parent}", slot, plain(term)) for slot, parent, term in visit.added),
            {f"v{i}": plain(g) for i, g in enumerate(visit.adjoints)},
        )


@dataclass(frozen=True, eq=False)
class Stepper:
    """The steps of a walk, to be unfolded one after the other."""

    source: Listing
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return "\n\n".join(f"Step {k}. {step}" for k, step in enumerate(self.steps, 1))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        group = f"steps-{zlib.crc32(str(self).encode()):08x}"
        return "".join(self.step_html(k, step, group) for k, step in enumerate(self.steps, 1))

    def step_html(self, number: int, step: Step, group: str) -> str:
        """One step as <details>: keyboards and screen readers know it, and of one group only one is open."""
        title = f"Step {number} of {len(self.steps)}: <code>{html.escape(f'{step.line} = {step.what}')}</code>"
        lines = "".join(f"<p>{html.escape(line)}</p>" for line in str(step).split("\n"))
        unfolded = " open" if number == 1 else ""
        summary_line = f'<summary style="cursor: pointer; padding: 4px 0">{title}</summary>'
        return f'<details name="{group}"{unfolded}>{summary_line}{lines}{self.state_html(step)}</details>'

    def state_html(self, step: Step) -> str:
        """All adjoints after a step: in the picture for a short list, else those that changed."""
        changed = {line for line, _, _ in step.added} | {step.line}
        if len(step.adjoints) > PICTURED:
            state = "".join(f"<li>{line}: {code(computed(step.adjoints[line]))}</li>" for line in sorted(changed))
            left = sum(g is None for g in step.adjoints.values())
            return f"<ul>{state}</ul><p>Of {len(step.adjoints)} adjoints, {left} are {NOT_COMPUTED}.</p>"
        drawing = of_listing(self.source)
        nodes = []
        for node in drawing.nodes:
            g = step.adjoints[node.id]
            nodes.append(replace(node, note=f"{node.id} {NOT_COMPUTED}" if g is None else f"adj {summary(g, 4)}"))
        marked = frozenset(k for k, edge in enumerate(drawing.edges) if edge.target == step.line)
        title = f"The adjoints after the step at {step.line}"
        return replace(drawing, nodes=tuple(nodes), marked=marked, title=title)._repr_html_()


def stepper(f: Source, *args: Any, cotangent: Any = None, output: int = 0, **how: Any) -> Stepper:
    """`steps`, to be shown in a notebook. Arguments as of `steps`."""
    source = listing(f, *args, **how)
    return Stepper(source, tuple(walk(source, cotangent, output)))
