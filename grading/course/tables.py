"""A report's content: tables, which a page, CSV and JSON show each in its own way."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["text", "number", "share", "student", "students", "hint", "section"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes a cell for a formula by


@dataclass(frozen=True)
class Column:
    """What stands in a column; a share goes from 0 to 1, a hint is exercise and rung, a section the name of one."""

    name: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Table:
    """A table: the end of its file's name, a title, what it says in words, and what is said where it has no row.

    None in a cell is "not known", never zero.
    """

    key: str
    title: str
    words: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Any, ...]]
    nothing: str = "Nothing."

    def plain(self) -> list[dict[str, Any]]:
        """The rows as data."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]

    def write_csv(self, path: Path) -> None:
        """Write the table as CSV in UTF-8; no text in it can be taken for a formula."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([harmless(column.name) for column in self.columns])
            writer.writerows([_in_csv(value) for value in row] for row in self.rows)


def _in_csv(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return harmless("; ".join(map(str, value)))
    return (
        f"{value:.6g}" if isinstance(value, float) else harmless(str(value)) if isinstance(value, str) else str(value)
    )


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
