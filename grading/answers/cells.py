"""A table as a student writes it down, read cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grading.verify.plain import Plain, is_finite

_SHOWN = 12  # characters of what is no number


class FormError(ValueError):
    """What was handed in is no such table; the message says to the student how to write one."""


@dataclass(frozen=True)
class Cell:
    """What stands in one place: a number, nothing, or something that is no number, as it is shown."""

    number: float | None
    shown: str

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written there."""
        return self.number is None and not self.shown


Cells = dict[tuple[str, str], Cell]  # by column and row

EMPTY = Cell(None, "")


def read(data: Plain, rows: Sequence[str], columns: Sequence[str]) -> tuple[Cells, list[str]]:
    """Every cell of the table, and what is to be said of how it was read.

    Rows by name, a list of rows, columns by name, and arrays are all read; what a row or a column does not have is
    empty.

    Raises
    ------
    FormError : it is no table of these rows and columns
    """
    if isinstance(data, dict):
        return _by_name(data, rows, columns)
    if not isinstance(data, list):
        raise FormError(f"Your answer is {_kind(data)}; hand in a table, such as {_example(rows, columns)}.")
    if len(data) == len(rows):
        return _filled(rows, columns, [_row(name, row, columns) for name, row in zip(rows, data, strict=True)]), []
    if len(data) == len(columns) and all(isinstance(part, list) and len(part) == len(rows) for part in data):
        note = f"your {len(columns)} lists are read as the columns {', '.join(columns)}"
        return _by_column(dict(zip(columns, data, strict=True)), rows, columns), [note]
    raise FormError(
        f"Your table has {len(data)} rows; it should have {len(rows)}: {', '.join(rows)}. "
        "What you leave out is None, or left out of a dict."
    )


def _by_name(data: dict[str, Plain], rows: Sequence[str], columns: Sequence[str]) -> tuple[Cells, list[str]]:
    of_rows = any(name in rows for name in data)
    known = rows if of_rows or not any(name in columns for name in data) else columns
    if unknown := [name for name in data if name not in known]:
        kind = "row" if known is rows else "column"
        note = f"there is no {kind} called {_quoted(unknown[0])}; the {kind}s are {', '.join(known)}"
        if len(unknown) == len(data):
            raise FormError(f"In your table {note}.")
    notes = [note] if unknown else []
    if known is rows:
        return _filled(rows, columns, [_row(name, data.get(name), columns) for name in rows]), notes
    return _by_column(data, rows, columns), notes


def _by_column(data: dict[str, Plain], rows: Sequence[str], columns: Sequence[str]) -> Cells:
    found: Cells = {}
    for title in columns:
        column = data.get(title)
        if isinstance(column, list) and len(column) == len(rows):
            column = dict(zip(rows, column, strict=True))
        if isinstance(column, list):
            raise FormError(f"Your column '{title}' has {len(column)} rows; it should have {len(rows)}.")
        if not (column is None or isinstance(column, dict)):
            raise FormError(f"Your column '{title}' is {_kind(column)}; it should have {len(rows)} rows.")
        if unknown := [name for name in column or {} if name not in rows]:
            raise FormError(f"Your column '{title}' has a row called {_quoted(unknown[0])}, which there is not.")
        found |= {(title, row): _cell((column or {}).get(row)) for row in rows}
    return found


def _filled(rows: Sequence[str], columns: Sequence[str], found: list[dict[str, Cell]]) -> Cells:
    filled = zip(rows, found, strict=True)
    return {(title, row): cells.get(title, EMPTY) for row, cells in filled for title in columns}


def _row(name: str, row: Plain, columns: Sequence[str]) -> dict[str, Cell]:
    """The cells of one row, by column."""
    if row is None:
        return {}
    if isinstance(row, dict):
        if unknown := [title for title in row if title not in columns]:
            raise FormError(
                f"Your row {name} has a column called {_quoted(unknown[0])}; the columns are {', '.join(columns)}."
            )
        return {title: _cell(part) for title, part in row.items()}
    if isinstance(row, list):
        if len(row) != len(columns):
            raise FormError(f"Your row {name} has {len(row)} columns; it should have {len(columns)}.")
        return {title: _cell(part) for title, part in zip(columns, row, strict=True)}
    if len(columns) > 1:
        example = "{" + ", ".join(f'"{title}": ...' for title in columns) + "}"
        raise FormError(f"Your row {name} is {_kind(row)}; it should have {len(columns)} columns: {example}.")
    return {columns[0]: _cell(row)}


def _cell(part: Plain) -> Cell:
    if part is None:
        return EMPTY
    if isinstance(part, int | float) and is_finite(part):
        return Cell(float(part), f"{part:.12g}")
    return Cell(None, _quoted(part))


def _quoted(part: Plain) -> str:
    """A few characters of something that may be long."""
    whole = repr(part) if isinstance(part, str) else str(part)
    return whole if len(whole) <= _SHOWN else whole[: _SHOWN - 1] + "…"


def _kind(data: Plain) -> str:
    words = {dict: "a dict", list: "a list", str: "a text", bool: "a truth value", type(None): "None"}
    return words.get(type(data), "a single number")


def _example(rows: Sequence[str], columns: Sequence[str]) -> str:
    row = "..." if len(columns) == 1 else "{" + ", ".join(f'"{title}": ...' for title in columns) + "}"
    return "{" + f'"{rows[0]}": {row}' + (", ..." if len(rows) > 1 else "") + "}"
