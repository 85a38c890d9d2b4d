"""A student's table with what was found in each place, as text and as HTML: a sign and a word, never colour alone."""

from __future__ import annotations

import html

from grading.answers.paper import Paper, Status
from grading.verify.verdict import Figure

_SAID: dict[Status, str] = {
    "right": "✓ right",
    "follows": "→ follows",
    "idle": "→ 0 from 0",
    "wrong": "✗ wrong",
    "not attempted": "○ not attempted",
}
_TITLE = "Your table, with what was found in each place"
_LEFT = 'style="text-align:left;padding-right:1em"'
_CAPTION = 'style="text-align:left;color:inherit"'  # some pages have captions in a grey that is too faint


def figure(paper: Paper) -> Figure:
    """The table as it was handed in, each number with its judgement."""
    head = ["row", "is", *paper.columns]
    rows = [[name, row.what, *_cells(paper, name)] for name, row in paper.rows.items()]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, ["-" * width for width in widths], *rows]
    text = "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
    return Figure(text, _html(head, rows))


def _cells(paper: Paper, name: str) -> list[str]:
    places = [(title, name) for title in paper.columns]
    return [f"{paper.cells[place].shown} {_SAID[paper.status[place]]}".strip() for place in places]


def _html(head: list[str], rows: list[list[str]]) -> str:
    titles = "".join(f'<th scope="col" {_LEFT}>{html.escape(title)}</th>' for title in head)
    body = "".join(
        f'<tr><th scope="row" {_LEFT}>{html.escape(name)}</th>'
        + "".join(f"<td {_LEFT}>{html.escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for name, *cells in rows
    )
    table = f"<caption {_CAPTION}>{_TITLE}</caption><thead><tr>{titles}</tr></thead><tbody>{body}</tbody>"
    return f'<div role="group" aria-label="{_TITLE}" tabindex="0" style="overflow-x:auto"><table>{table}</table></div>'
