"""How numbers are laid out in a verdict, as plain text and as HTML: tables of numbers, and maps of wrong entries."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grading.verify.exercise import Array

# How much an entry of a matrix is off, as a bar of that height; the first is for entries that are right.
_HEAT = {"·": "right", "▁": "off by less than 1 %", "▄": "off by less than half", "█": "off by half or more"}
_RIGHT, _WRONG = "·", "×"
_SLIGHTLY, _PARTLY = 0.01, 0.5
_WIDEST_MAP = (32, 64)  # rows and columns that a map may have
_MOST_PLACES = 6  # that are worth a list
_FEWEST_DIGITS, _ALL_DIGITS = 6, 17  # of a number: so many to work with, and so many that a float has
_WIDEST_TABLE = 3  # columns of numbers, which fit into a terminal's 80 signs
_NUMBERED = 10  # up to so many columns each has its number, of more every fifth
_SPACED = 32  # up to so many columns have a gap between them; more would not fit on a narrow page
_SCOPES = {"th": ' scope="col"', "td": ""}
_CELL = "text-align:left;padding:0;font-weight:normal;font-family:monospace;white-space:pre"
_GAP = "padding-right:1.2em"
_SUMMARY = "cursor:pointer;padding:0.3em 0"  # high enough to be hit by a finger
_PICTURE = "margin:0.2em 0;line-height:1.4;font-family:monospace;white-space:pre;overflow-x:auto"


@dataclass(frozen=True)
class Table:
    """Numbers under each other: a head per column, and rows of a name and a cell per column."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]

    def text(self) -> list[str]:
        """The rows in aligned columns; a single column that has no name needs no head."""
        return [line for part in self._parts() for line in part._text()]

    def html(self) -> str:
        """The same as tables that a screen reader can walk."""
        return "".join(part._html() for part in self._parts())

    def _parts(self) -> list[Table]:
        """The table in pieces of nearly equal width that fit on a page."""
        count = len(self.heads)
        width = math.ceil(count / math.ceil(count / _WIDEST_TABLE))
        cuts = [slice(start, start + width) for start in range(0, count, width)]
        return [Table(self.caption, self.heads[cut], tuple((n, cells[cut]) for n, cells in self.rows)) for cut in cuts]

    def _text(self) -> list[str]:
        lines = [("", self.heads), *self.rows] if any(self.heads) else list(self.rows)
        widths = [max(len(name) for name, _ in lines)]
        widths += [max(len(cells[k]) for _, cells in lines) for k in range(len(self.heads))]
        padded = (
            "   ".join(cell.ljust(width) for cell, width in zip((name, *cells), widths, strict=True))
            for name, cells in lines
        )
        return [line.rstrip() for line in padded]

    def _html(self) -> str:
        head = f"<thead><tr><td></td>{_cells('th', self.heads)}</tr></thead>" if any(self.heads) else ""
        rows = "".join(
            f'<tr><th scope="row" style="{_CELL};{_GAP}">{html.escape(name)}</th>{_cells("td", cells)}</tr>'
            for name, cells in self.rows
        )
        table = f'<table style="margin:0.2em 0;border-collapse:collapse">{head}<tbody>{rows}</tbody></table>'
        label = html.escape(self.caption)
        return f'<div role="group" aria-label="{label}" tabindex="0" style="overflow-x:auto">{table}</div>'


def _cells(tag: str, texts: Sequence[str]) -> str:
    """Cells of a row, with a gap after each but the last."""
    gaps = [f";{_GAP}"] * (len(texts) - 1) + [""]
    return "".join(
        f'<{tag}{_SCOPES[tag]} style="{_CELL}{gap}">{html.escape(text)}</{tag}>'
        for text, gap in zip(texts, gaps, strict=True)
    )


@dataclass(frozen=True)
class Map:
    """Which entries of a matrix are wrong: a line per row, and in it a sign per entry.

    `is_told`: they are named elsewhere.
    """

    name: str
    rows: tuple[str, ...]
    is_told: bool

    def legend(self) -> str:
        """What the signs mean, of those that are in it."""
        used = set("".join(self.rows))
        signs = _HEAT | {_WRONG: "not right"}
        return f"{self.name}: " + ", ".join(f"{sign} {meaning}" for sign, meaning in signs.items() if sign in used)

    def text(self) -> list[str]:
        """The rows, with the numbers of the columns above and of the rows on the left, both from 0."""
        columns, margin = len(self.rows[0]), len(str(len(self.rows) - 1))
        step, gap = (1 if columns <= _NUMBERED else 5), (" " if columns <= _SPACED else "")
        above = "".join(str(number).ljust(step * (1 + len(gap))) for number in range(0, columns, step))
        rows = (f"{number:>{margin}}  {gap.join(row)}" for number, row in enumerate(self.rows))
        return [f"{'':{margin}}  {above}".rstrip(), *rows]

    def html(self) -> str:
        """A picture made of characters, with the same in words for who cannot see it.

        An untrusted notebook loses the label: the words can be opened where the entries are not named elsewhere.
        """
        spoken = html.escape(self._spoken())
        picture = "\n".join(self.text())
        said = f'role="img" aria-label="{spoken}" title="{spoken}" tabindex="0"'
        drawn = f'<pre {said} style="{_PICTURE}">{picture}</pre>'
        words = f'<details><summary style="{_SUMMARY}">in words</summary>{spoken}</details>'
        return drawn if self.is_told else drawn + words

    def _spoken(self) -> str:
        hit = [f"row {i}: {_columns(row)}" for i, row in enumerate(self.rows) if row.strip(_RIGHT)]
        return f"Entries of {self.name} that differ, counted from 0. {'; '.join(hit)}"


def _columns(row: str) -> str:
    differ = [j for j, sign in enumerate(row) if sign != _RIGHT]
    return "all" if len(differ) == len(row) else _numbered("column", differ)


def _numbered(kind: str, numbers: Sequence[int]) -> str:
    return f"{kind if len(numbers) == 1 else kind + 's'} {', '.join(map(str, numbers))}"


def heat_map(wrong: Array, off: Array, size: Array | None) -> tuple[str, ...]:
    """The rows of a map: each entry right, or off by how much of its size (None: not to be told).

    None for a matrix that is too large to be read, or of which nothing is right but zeros.
    """
    if wrong.ndim != 2 or min(wrong.shape) < 2 or wrong.shape[0] > _WIDEST_MAP[0] or wrong.shape[1] > _WIDEST_MAP[1]:
        return ()
    if np.all(wrong if size is None else wrong | (size == 0)) or not np.any(wrong):
        return ()
    if size is None:
        level, signs = wrong.astype(int), [_RIGHT, _WRONG]
    else:
        level, signs = np.where(wrong, 1 + (off > _SLIGHTLY * size) + (off > _PARTLY * size), 0), list(_HEAT)
    return tuple("".join(signs[entry] for entry in row) for row in level)


def places(wrong: Array) -> str:
    """Which entries are wrong, in words: whole rows and columns of a matrix, then single entries; if they are few."""
    rest, said, count = wrong.copy(), [], 0
    if wrong.ndim == 2 and min(wrong.shape) > 1:
        for kind, view, left in (("row", wrong, rest), ("column", wrong.T, rest.T)):
            full = [int(number) for number in np.flatnonzero(np.all(view, axis=1))]
            left[full] = False
            count += len(full)
            said += [_numbered(kind, full)] if full else []
    if count + np.sum(rest) > _MOST_PLACES:
        return ""
    return "; ".join([*said, *(str([int(axis) for axis in index]) for index in np.argwhere(rest))])


def aligned(numbers: Sequence[float]) -> list[str]:
    """Numbers as text, their points under each other, with the digits that tell the first two apart.

    All of them have as many decimals: six digits of the largest, or else two in which those differ.
    """
    first, second = numbers[:2]
    largest = max(abs(first), abs(second))
    size = math.floor(math.log10(largest)) if largest > 0 else 0
    enough = (n for n in range(_FEWEST_DIGITS, _ALL_DIGITS) if _written(first, n, size) != _written(second, n, size))
    digits = next(enough, _ALL_DIGITS)
    said = [_written(number, digits + (digits > _FEWEST_DIGITS), size) for number in numbers]
    before = max(len(number.partition(".")[0]) for number in said)
    return [" " * (before - len(number.partition(".")[0])) + number for number in said]


def _written(number: float, digits: int, size: int) -> str:
    """A number with so many digits of what is largest beside it, whose decimal exponent is `size`."""
    if number == 0:
        return "0"  # -0.0 too, which is the same number
    if not math.isfinite(number):
        return f"{number:g}"
    if not -4 <= size < _FEWEST_DIGITS:
        return f"{number:.{digits - 1}e}"
    fixed = f"{number:.{max(digits - 1 - size, 1)}f}"
    return fixed if float(fixed) else f"{number:.1e}"
