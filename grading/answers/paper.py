"""A student's table beside the list it belongs to: each row judged on the true rows, and on the student's own.

What a row is made of may have been used as it is printed, or with more digits (`rounding`). So a row follows if it is
a rounding of something that its own earlier rows allow; for adjoints, which go up the list, the later rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal

from grading.answers.cells import Cells
from grading.answers.rounding import Interval, Rounding, hull, plus, times
from grading.answers.trace import Numbers, Row, Trace

Status = Literal["right", "follows", "wrong", "not attempted"]
Place = tuple[str, str]  # column and row

_CORNERS = 4  # parents up to which all ends of what they may be are tried with all others


@dataclass(frozen=True)
class Column:
    """One column: values, tangents in a direction, or adjoints of an output; `true` has it by row, inputs included."""

    title: str
    kind: Literal["value", "tangent", "adjoint"]
    true: Numbers
    output: str = ""

    def of(self, row: str) -> str:
        """What a place of this column is called in a sentence."""
        return row if self.kind == "value" else f"the {self.kind} of {row}"


@dataclass(frozen=True)
class Term:
    """One summand of a tangent or of an adjoint: the derivative of `row` in its `slot`-th parent, times a number.

    That number is the tangent of the parent, or the adjoint of the row; `of` says whose.
    """

    row: Row
    slot: int
    slope: Interval
    number: Interval
    of: str


class Paper:
    """One table, and how each of its places was judged: `status`."""

    def __init__(self, trace: Trace, columns: Mapping[str, Column], rounding: Rounding, cells: Cells) -> None:
        self.trace, self.columns, self.rounding, self.cells = trace, columns, rounding, cells
        self.rows = {row.name: row for row in trace.rows}
        self.values = next((column for column in columns.values() if column.kind == "value"), None)
        self.status: dict[Place, Status] = {}
        self._slopes: dict[tuple[str, bool], tuple[Interval, ...]] = {}
        for title, row in self.order():
            self.status[title, row] = self._judged(columns[title], self.rows[row])

    def order(self) -> Iterator[Place]:
        """Every place after those it depends on: values first, adjoints from below."""
        for column in sorted(self.columns.values(), key=lambda column: column.kind != "value"):
            names = list(self.rows)
            yield from ((column.title, row) for row in (names[::-1] if column.kind == "adjoint" else names))

    def _judged(self, column: Column, row: Row) -> Status:
        cell = self.cells[column.title, row.name]
        if cell.is_empty:
            return "not attempted"
        if cell.number is None:
            return "wrong"
        true = column.true[row.name]
        if self.rounding.admits(cell.number, (true, true)):
            return "right"
        for own in self.sources(column):
            if self.rounding.admits(cell.number, self.reach(column, row, own)):
                fine = all(self.status[place] in ("right", "not attempted") for place in self.needs(column, row, own))
                return "right" if fine else "follows"
        return "wrong"

    def sources(self, column: Column) -> tuple[bool, ...]:
        """Whether derivatives are taken at the true values, or at the student's own: all that can be."""
        return (True,) if column.kind == "value" else (False, True) if self.values else (False,)

    def needs(self, column: Column, row: Row, own: bool) -> list[Place]:
        """The places of the table that this place is worked out from."""
        uses = [row] if column.kind != "adjoint" else [child for child, _ in self.trace.uses[row.name]]
        used = [child.name for child in uses] if column.kind == "adjoint" else list(row.parents)
        places = [(column.title, name) for name in used]
        if column.kind != "value" and own and self.values:
            places += [(self.values.title, name) for child in uses for name in (*child.parents, child.name)]
        return [place for place in dict.fromkeys(places) if place[1] in self.rows]

    # --- what may stand there ----------------------------------------------------------------------------------------

    def used(self, column: Column, name: str) -> Interval:
        """What somebody may compute with who needs this place of their table."""
        true = column.true[name]
        if name not in self.rows:
            return true, true
        number = self.cells[column.title, name].number
        if number is None:
            return self.rounding.used(true)
        right = self.status[column.title, name] == "right"
        return self.rounding.used(true, number) if right else self.rounding.around(number)

    def value(self, name: str, own: bool) -> Interval:
        """What the value of an input or a row may be taken for: the student's own, or the true one."""
        if own and self.values:
            return self.used(self.values, name)
        true = self.trace.values[name]
        return self.rounding.used(true) if name in self.rows else (true, true)

    def corners(self, row: Row, own: bool) -> set[tuple[float, ...]]:
        """The values of a row's parents between which the student's are."""
        ends = [self.value(p, own) for p in row.parents]
        every = product(*ends) if len(ends) <= _CORNERS else zip(*ends, strict=True)
        return {corner for corner in every if _is_one(row.parents, corner)}

    def reach(self, column: Column, row: Row, own: bool) -> Interval:
        """Everything that this place may be before it is rounded."""
        if column.kind == "value":
            return hull(*(row.value(corner) for corner in self.corners(row, own)))
        return self.total(column, row, self.terms(column, row, own))

    def terms(self, column: Column, row: Row, own: bool) -> list[Term]:
        """What adds up to a tangent, one summand per parent, or to an adjoint, one per use."""
        if column.kind == "tangent":
            slots = enumerate(zip(row.parents, self.slopes(row, own), strict=True))
            return [Term(row, slot, slope, self.used(column, p), p) for slot, (p, slope) in slots]
        return [
            Term(child, slot, self.slopes(child, own)[slot], self.used(column, child.name), child.name)
            for child, slot in self.trace.uses[row.name]
        ]

    def total(self, column: Column, row: Row, terms: list[Term]) -> Interval:
        """The sum of such terms, of which each, and each sum on the way, may have been rounded."""
        seed = float(column.kind == "adjoint" and row.name == column.output)
        sums: list[Interval] = [(seed, seed)] if seed or not terms else []
        for term in terms:
            added = times(term.slope, term.number)
            if sums:
                added = plus(self.rounding.used(*sums[-1]), self.rounding.used(*added))
            sums.append(added)
        return sums[-1]

    def slopes(self, row: Row, own: bool) -> tuple[Interval, ...]:
        """What a row's derivatives may be taken for: from the values of its parents, or from its own value."""
        if (row.name, own) not in self._slopes:
            results = (None, *self.value(row.name, own))
            found = [row.partials(corner, result) for corner in self.corners(row, own) for result in results]
            self._slopes[row.name, own] = tuple(self.rounding.used(*hull(*slot)) for slot in zip(*found, strict=True))
        return self._slopes[row.name, own]


def _is_one(names: tuple[str, ...], values: tuple[float, ...]) -> bool:
    """Whether a parent that occurs twice has one value."""
    return len(set(zip(names, values, strict=True))) == len(set(names))
