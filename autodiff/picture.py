"""The parts of a picture of a graph, as SVG: texts, nodes, edges, in colours for light and for dark surroundings.

What colour says is said by shape and dash as well; the colours are those of Okabe & Ito. A text is as wide as
`text_width` says in whatever font the reader has, so that nothing leaves its box.
"""

from __future__ import annotations

import html
import unicodedata
from itertools import pairwise

from autodiff.layout import Box, Point

CHARACTER, LABEL_SIZE, NOTE_SIZE = 0.61, 14, 11  # width of a monospaced character over its size; sizes in pixels
LONGEST, LONGEST_NOTE = 28, 36  # characters of a label and of a note in the picture

STYLE = """
svg{font-family:"DejaVu Sans Mono",Menlo,Consolas,monospace}
.page{fill:#fff}.label{fill:#111}.note{fill:#555}
.node{fill:#f4f4f4;stroke:#555;stroke-width:1.4}.input{fill:#e3f0f9;stroke:#0072b2;stroke-width:1.8}
.output{fill:#e0f3ec;stroke:#007a59;stroke-width:1.8}.constant{fill:none;stroke:#777;stroke-dasharray:1.5 3}
.adjoint{fill:#fdeadd;stroke:#c25000;stroke-dasharray:6 3;stroke-width:1.8}
.partial{fill:#fbeff5;stroke:#a84f80;stroke-dasharray:2 2}
.edge{fill:none;stroke:#444;stroke-width:1.4}.gradient{stroke:#c25000;stroke-dasharray:6 3}
.head{fill:#444}.gradient-head{fill:#c25000}
.band{fill:none;stroke:#e69f00;stroke-width:9;stroke-opacity:.55;stroke-linecap:round}.marked{stroke-width:2.6}
@media (prefers-color-scheme:dark){
.page{fill:#1c1c1c}.label{fill:#f2f2f2}.note{fill:#b8b8b8}
.node{fill:#2b2b2b;stroke:#a8a8a8}.input{fill:#12303f;stroke:#56b4e9}.output{fill:#0f3327;stroke:#00b884}
.constant{fill:none;stroke:#999}.adjoint{fill:#3d2410;stroke:#f08a3c}.partial{fill:#36222d;stroke:#cc79a7}
.edge{stroke:#c4c4c4}.gradient{stroke:#f08a3c}.head{fill:#c4c4c4}.gradient-head{fill:#f08a3c}
}""".replace("\n", "")


def text_width(words: str, size: float) -> float:
    """The width of a text in pixels, to which the picture holds every font: accents take no place, 漢字 two each."""
    wide = (0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in words)
    return sum(wide) * CHARACTER * size


def clipped(words: str, longest: int = LONGEST) -> str:
    """A text on one line, cut where it is too long for a picture."""
    words = "".join(c if c.isprintable() else " " for c in words)
    return words if len(words) <= longest else words[: longest - 1] + "…"


def node_size(lines: list[str], incoming: int) -> tuple[float, float]:
    """Width and height of a node: room for its lines, and for its edges side by side."""
    sizes = (LABEL_SIZE, NOTE_SIZE)
    width = max(text_width(line, size) for line, size in zip(lines, sizes, strict=False)) + 26
    return max(width, 48.0, 12.0 * incoming + 14), 32.0 if len(lines) == 1 else 44.0


def escaped(words: str) -> str:
    """Text inside SVG."""
    return html.escape("".join(c if c.isprintable() else " " for c in words))


def text(words: str, x: float, y: float, size: float, style: str, anchor: str = "middle") -> str:
    """One line of text around the height y, exactly as wide as `text_width` says, in whatever font."""
    return (
        f'<text class="{style}" x="{x:.1f}" y="{y + 0.35 * size:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'textLength="{text_width(words, size):.1f}" lengthAdjust="spacingAndGlyphs">{escaped(words)}</text>'
    )


def node(kind: str, box: Box, lines: list[str]) -> str:
    """A node: an input is round, an output has two borders, an adjoint is a dashed hexagon, a partial slants."""
    (x, y, width, height), style = box, f"node {kind}"
    right, bottom, middle = x + width, y + height, y + height / 2
    if kind in ("adjoint", "partial"):
        corners = [(x + 8, y), (right, y), (right - 8, bottom), (x, bottom)]
        if kind == "adjoint":
            corners = [(x, middle), (x + 9, y), (right - 9, y), (right, middle), (right - 9, bottom), (x + 9, bottom)]
        shape = f'<polygon class="{style}" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in corners)}"/>'
    else:
        shape = rect(box, {"input": height / 2, "constant": 10.0}.get(kind, 4.0), style)
    if kind == "output":
        shape += rect(Box(x + 3, y + 3, width - 6, height - 6), 2.0, style)
    label = text(lines[0], x + width / 2, middle - (8 if len(lines) > 1 else 0), LABEL_SIZE, "label")
    note = text(lines[1], x + width / 2, middle + 11, NOTE_SIZE, "note") if len(lines) > 1 else ""
    return f"<g>{shape}{label}{note}</g>"


def rect(box: Box, radius: float, style: str) -> str:
    """A rectangle with round corners."""
    place = " ".join(f'{name}="{number:.1f}"' for name, number in box._asdict().items())
    return f'<rect class="{style}" {place} rx="{radius:.1f}"/>'


def edge(route: list[Point], back: bool, marked: bool) -> str:
    """An edge with its arrowhead; sideways it bends like an S, between the same two heights as the straight line."""
    path = f"M{route[0][0]:.1f} {route[0][1]:.1f}"
    for (x, y), (to_x, to_y) in pairwise(route):
        bend = f"C{x:.1f} {(y + to_y) / 2:.1f} {to_x:.1f} {(y + to_y) / 2:.1f} {to_x:.1f} {to_y:.1f}"
        path += f"L{to_x:.1f} {to_y:.1f}" if x == to_x else bend
    x, y = route[-1]
    start = y - 8 if route[0][1] < y else y + 8
    band = f'<path class="band" d="{path}"/>' if marked else ""
    line = f'<path class="edge{" gradient" * back}{" marked" * marked}" d="{path}"/>'
    head = f'd="M{x - 4:.1f} {start:.1f}L{x + 4:.1f} {start:.1f}L{x:.1f} {y:.1f}Z"'
    return f'{band}{line}<path class="head{" gradient-head" * back}" {head}/>'


def page(title: str, width: float, height: float, parts: list[str]) -> str:
    """The whole picture, on a ground of its own: the surroundings may be light or dark."""
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>{escaped(title)}</title>'
        f'<style>{STYLE}</style><rect class="page" width="100%" height="100%" rx="8"/>{"".join(parts)}</svg>'
    )
