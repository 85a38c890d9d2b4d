"""A student's table beside the list it belongs to: each row judged on the true rows, and on the student's own.

What a row is made of may have been used as it is printed, or with more digits (`rounding`). So a row follows if it is
a rounding of something that its own earlier rows allow; for adjoints, which go up the list, the later rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal, NamedTuple

from grading.answers.cells import Cells
from grading.answers.rounding import Interval, Rounding, hull, plus, times
from grading.answers.trace import Numbers, Row, Trace

Status = Literal["right", "follows", "idle", "wrong", "not attempted"]
Place = tuple[str, str]  # column and row

_FINE: tuple[Status, ...] = ("right", "not attempted")
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


class Source(NamedTuple):
    """Where a row is wrong that another is made of: whether the student's own number was used, or the true one.

    `values` says so of the places at which derivatives are taken, `numbers` of what the row adds up.
    """

    values: bool
    numbers: bool


OWN, TRUE = Source(values=True, numbers=True), Source(values=False, numbers=False)


class Paper:
    """One table, and how each of its places was judged: `status`."""

    def __init__(self, trace: Trace, columns: Mapping[str, Column], rounding: Rounding, cells: Cells) -> None:
        self.trace, self.columns, self.rounding, self.cells = trace, columns, rounding, cells
        self.rows = {row.name: row for row in trace.rows}
        self.values = next((column for column in columns.values() if column.kind == "value"), None)
        self.status: dict[Place, Status] = {}
        self._slopes: dict[tuple[str, bool], tuple[Interval, ...]] = {}
        self._expected: dict[Place, Interval] = {}  # what should have stood where something else does, or nothing
        for place in self.order():
            column, row = columns[place[0]], self.rows[place[1]]
            self.status[place] = self._judged(column, row)
            if self.status[place] != "right":
                true = rounding.used(column.true[row.name])
                self._expected[place] = hull(*true, *rounding.used(*self.reach(column, row, TRUE)))

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
        for source in self.sources(column, row):
            if self.rounding.admits(cell.number, self.reach(column, row, source)):
                relies = (source.numbers, self.needs(column, row)), (source.values, self.needs_values(column, row))
                fine = all(self._is_fine(places) for own, places in relies if own)
                return "right" if fine else "idle" if self._is_idle(column, row, cell.number, source) else "follows"
        return "wrong"

    def _is_idle(self, column: Column, row: Row, number: float, source: Source) -> bool:
        """Whether a number is 0 because a wrong 0 is passed on: so it is whatever one does, or does not do.

        Where a slope is 0 because of one's own values, that was worked out, and so is what comes of it.
        """
        if number != 0:
            return False
        if column.kind == "value":
            return any(
                self.status[place] in ("wrong", "idle") and self.cells[place].number == 0
                for place in self.needs(column, row)
            )
        terms = self.terms(column, row, Source(values=False, numbers=source.numbers))
        passed_on = [self.status.get((column.title, term.of)) in ("wrong", "idle") for term in terms]
        return any(passed_on) and all(_has_zero(term.slope) or _has_zero(term.number) for term in terms)

    def sources(self, column: Column, row: Row) -> list[Source]:
        """What a place may have been worked out from; one, where all that it needs is right."""
        numbers = (False,) if self._is_fine(self.needs(column, row)) else (False, True)
        values = (False,) if self._is_fine(self.needs_values(column, row)) else (False, True)
        return [Source(*both) for both in product(values, numbers)]

    def _is_fine(self, places: list[Place]) -> bool:
        return all(self.status[place] in _FINE for place in places)

    def needs(self, column: Column, row: Row) -> list[Place]:
        """The places of the same column that this place is worked out from."""
        adjoint = column.kind == "adjoint"
        names = [child.name for child, _ in self.trace.uses[row.name]] if adjoint else row.parents
        return [(column.title, name) for name in dict.fromkeys(names) if name in self.rows]

    def needs_values(self, column: Column, row: Row) -> list[Place]:
        """The values in the table at which the derivatives in this place are taken."""
        if self.values is None or column.kind == "value":
            return []
        moving = [child for child, _ in self.trace.uses[row.name]] if column.kind == "adjoint" else [row]
        names = dict.fromkeys(name for one in moving for name in (*one.parents, one.name))
        return [(self.values.title, name) for name in names if name in self.rows]

    # --- what may stand there ----------------------------------------------------------------------------------------

    def used(self, column: Column, name: str, own: bool) -> Interval:
        """What somebody may compute with who needs this place; `own` decides where what stands there is wrong."""
        true = column.true[name]
        if name not in self.rows:
            return true, true
        place = column.title, name
        number = self.cells[place].number
        if number is None:
            return self._expected[place]
        if self.status[place] == "right":
            return self.rounding.used(true, number)
        return self.rounding.around(number) if own else self._expected[place]

    def value(self, name: str, own: bool) -> Interval:
        """What the value of an input or a row may be taken for."""
        if self.values:
            return self.used(self.values, name, own)
        true = self.trace.values[name]
        return self.rounding.used(true) if name in self.rows else (true, true)

    def corners(self, row: Row, own: bool) -> set[tuple[float, ...]]:
        """The values of a row's parents between which the student's are."""
        ends = [self.value(p, own) for p in row.parents]
        every = product(*ends) if len(ends) <= _CORNERS else zip(*ends, strict=True)
        return {corner for corner in every if _is_one(row.parents, corner)}

    def reach(self, column: Column, row: Row, source: Source) -> Interval:
        """Everything that this place may be before it is rounded."""
        if column.kind == "value":
            return hull(*(row.value(corner) for corner in self.corners(row, source.numbers)))
        return self.total(column, row, self.terms(column, row, source))

    def terms(self, column: Column, row: Row, source: Source) -> list[Term]:
        """What adds up to a tangent, one summand per parent, or to an adjoint, one per use."""
        if column.kind == "tangent":
            slots = enumerate(zip(row.parents, self.slopes(row, source.values), strict=True))
            return [Term(row, slot, slope, self.used(column, p, source.numbers), p) for slot, (p, slope) in slots]
        uses = [(child, slot, self.slopes(child, source.values)[slot]) for child, slot in self.trace.uses[row.name]]
        return [
            Term(child, slot, slope, self.used(column, child.name, source.numbers), child.name)
            for child, slot, slope in uses
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


def _has_zero(interval: Interval) -> bool:
    return interval[0] <= 0 <= interval[1]


def _is_one(names: tuple[str, ...], values: tuple[float, ...]) -> bool:
    """Whether a parent that occurs twice has one value."""
    return len(set(zip(names, values, strict=True))) == len(set(names))
