"""A plot as a notebook keeps it everywhere: an image with words for whoever cannot see it, the same bytes each time."""

from __future__ import annotations

import base64
import html
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Inside an image a style of its own holds: dark pages get the picture in dark, with its hues kept.
_DARK = "<style>@media (prefers-color-scheme: dark) {svg {filter: invert(0.92) hue-rotate(180deg)}}</style>"


_ID = re.compile(r'id="([a-z]*[0-9a-f]{10,})"')
_COORDINATE = re.compile(r'(?<=[ "])-?\d+\.\d{3,}(?=[ "])')


@dataclass(frozen=True)
class Picture:
    """A drawing in SVG and what it shows, in words."""

    svg: str
    alt: str

    def __repr__(self) -> str:
        return f"Picture: {self.alt}"

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.svg.encode()).decode()
        return f'<img alt="{html.escape(self.alt)}" src="data:image/svg+xml;base64,{data}" style="max-width:100%">'


def picture(figure: Figure, alt: str) -> Picture:
    """A matplotlib figure as a picture; `alt` says in words what it shows. The figure is closed.

    Raises
    ------
    ValueError : `alt` is empty
    """
    if not alt.strip():
        raise ValueError("say in `alt` what the picture shows, for whoever cannot see it")
    import matplotlib
    from matplotlib import pyplot

    drawn = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "gradsheet", "svg.fonttype": "path"}):
        figure.savefig(drawn, format="svg", bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
    head, body = _without_last_bits(drawn.getvalue()).split("<defs>", 1)
    return Picture(f"{head}{_DARK}<defs>{body}", alt)


def _without_last_bits(svg: str) -> str:
    """A drawing whose bytes do not depend on last bits, which differ between computers.

    Hundredths of a point are enough to see; names that are made of all digits become numbers in their order.
    """
    for number, name in enumerate(dict.fromkeys(_ID.findall(svg))):
        svg = svg.replace(name, f"part{number}")
    return _COORDINATE.sub(lambda coordinate: f"{float(coordinate[0]):.2f}", svg)
