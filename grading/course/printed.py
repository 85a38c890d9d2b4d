"""Numbers that a notebook prints with more digits than a reader needs, and than are the same on every computer."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from nbformat import NotebookNode

_MOST_DIGITS = 6
_TAG = re.compile(r"<[^>]*>")
_DECIMAL = re.compile(r"(?<![\w.])\d+\.\d+(?=e|\b)")


def long_numbers(notebook: NotebookNode) -> Iterator[str]:
    """A line for each cell that shows a decimal number of more than six significant digits."""
    for cell in notebook.cells:
        for number in _DECIMAL.findall("\n".join(_texts(cell))):
            if len(number.replace(".", "").lstrip("0")) > _MOST_DIGITS:
                first = cell.source.strip().partition("\n")[0]
                yield f"the cell that begins {first!r} shows {number}; {_MOST_DIGITS} digits are enough"
                break


def _texts(cell: NotebookNode) -> Iterator[str]:
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        yield output.get("text", "")
        yield data.get("text/plain", "")
        yield html.unescape(_TAG.sub(" ", data.get("text/html", "")))
