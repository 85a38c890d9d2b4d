"""Numbers of a table that were made of the wrong things: another row's, another derivative's, only a part of what is
asked. Each is worked out from the student's own other rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product

from grading.answers.paper import OWN, Column, Paper, Source, Term
from grading.answers.rounding import Interval, hull, times
from grading.answers.trace import Row

_ONE, _TWO, _HALF = (1.0, 1.0), (2.0, 2.0), (0.5, 0.5)


@dataclass(frozen=True)
class Slip:
    """A mistake, and what the number would be if it was made."""

    label: str
    text: str
    gives: Interval


# --- another row in the place of the one that is needed --------------------------------------------------------------


def elsewhere(paper: Paper, column: Column, row: Row, number: float) -> Iterator[Slip]:
    """A row worked out with another row, or a derivative taken at one."""
    if column.kind == "value":
        for slot, parent in enumerate(row.parents):
            for name in _others(paper, row, parent):
                corners = _moved(paper, row, slot, name, own=True)
                taken = hull(*(row.value(corner) for corner in corners))
                yield Slip("another row used", f"{name} was used where {parent} belongs", taken)
        return
    for source in paper.sources(column, row):
        for term, with_slope in _with_other_slopes(paper, column, row, source):
            for slope, text in _slopes_elsewhere(paper, term, source.values):
                yield Slip("another row used", text, with_slope(slope))


def _slopes_elsewhere(paper: Paper, term: Term, own: bool) -> Iterator[tuple[Interval, str]]:
    """The derivative of a row in one parent, taken at another row's value."""
    row = term.row
    for slot, parent in enumerate(row.parents):
        for name in (*_others(paper, row, parent), row.name):
            corners = _moved(paper, row, slot, name, own)
            slope = paper.rounding.used(*hull(*(row.partials(corner)[term.slot] for corner in corners)))
            yield slope, f"the derivative of {row.name} = {row.what} is taken at {name}; it belongs at {parent}"


def _moved(paper: Paper, row: Row, slot: int, name: str, own: bool) -> set[tuple[float, ...]]:
    """The values of a row's parents, with those of another row in one place."""
    ends = paper.value(name, own)
    return {(*corner[:slot], end, *corner[slot + 1 :]) for corner in paper.corners(row, own) for end in ends}


def _others(paper: Paper, row: Row, parent: str) -> list[str]:
    """The rows that could stand in the place of a parent."""
    names = list(paper.rows)
    return [name for name in names[: names.index(row.name)] if name != parent]


# --- slopes and summands ---------------------------------------------------------------------------------------------


def misshapen(paper: Paper, column: Column, row: Row, number: float) -> Iterator[Slip]:
    """A part alone, a factor 2, a value in the place of a slope, a formula used for what it does not hold."""
    if column.kind == "value":
        yield from _twice_or_half(paper.reach(column, row, OWN))
        yield from _parts(paper, row)
        return
    for source in paper.sources(column, row):
        yield from _twice_or_half(paper.reach(column, row, source))
        terms = paper.terms(column, row, source)
        yield from _without_slopes(paper, column, row, terms)
        for term, with_slope in _with_other_slopes(paper, column, row, source):
            yield from _of_other_slopes(paper, term, with_slope, source)
            if len(terms) > 1:
                for factor, text in ((_TWO, "there twice"), (_HALF, "half of what it should be")):
                    told = f"what comes from {term.of} is {text}"
                    yield Slip("coefficient of one term", told, with_slope(times(term.slope, factor)))
        if column.kind == "tangent" and len(terms) > 1:
            moved = hull(*(row.value(corner) for corner in _corners(terms)))
            text = f"this is {row.what} with tangents in the place of all values; every summand has one tangent"
            yield Slip("product rule misapplied", text, moved)


def _parts(paper: Paper, row: Row) -> Iterator[Slip]:
    """What is computed on the way to a row's value."""
    every = [row.on_the_way(corner) for corner in paper.corners(row, True)]
    for values in zip(*every, strict=True):
        yield Slip("a path or term dropped", f"this is only a part of {row.what}", paper.rounding.used(*hull(*values)))


def _twice_or_half(reach: Interval) -> Iterator[Slip]:
    yield Slip("factor 2 too many", "check the constant factors", times(reach, _TWO))
    yield Slip("factor 2 missing", "check the constant factors", times(reach, _HALF))


def _without_slopes(paper: Paper, column: Column, row: Row, terms: list[Term]) -> Iterator[Slip]:
    """Every summand without its local derivative."""
    moving = [replace(term, slope=_ONE) for term in terms if any(times(term.slope, term.number))]
    if len(moving) > 1:
        text = f"{column.kind}s are added up as they are; each has its local derivative for a factor"
        yield Slip("inner derivative forgotten", text, paper.total(column, row, moving))


WithSlope = Callable[[Interval], Interval]


def _with_other_slopes(paper: Paper, column: Column, row: Row, source: Source) -> Iterator[tuple[Term, WithSlope]]:
    """Every summand, and what the number is if it has another slope."""
    terms = paper.terms(column, row, source)
    for k, term in enumerate(terms):

        def with_slope(slope: Interval, k: int = k, term: Term = term) -> Interval:
            return paper.total(column, row, [*terms[:k], replace(term, slope=slope), *terms[k + 1 :]])

        yield term, with_slope


def _of_other_slopes(paper: Paper, term: Term, with_slope: WithSlope, source: Source) -> Iterator[Slip]:
    """One summand with a slope that is another quantity of its row."""
    row, own = term.row, term.row.parents[term.slot]
    belongs = f"the derivative of {row.name} = {row.what} in {own} belongs"
    value = paper.value(row.name, source.values)
    yield Slip("the value instead of its derivative", f"{row.name} itself stands where {belongs}", with_slope(value))
    for other, slope in zip(row.parents, paper.slopes(row, source.values), strict=True):
        if other != own:
            text = f"the derivative of {row.name} in {other} stands where {belongs}"
            yield Slip("another row used", text, with_slope(slope))


def _corners(terms: list[Term]) -> Iterator[tuple[float, ...]]:
    """The numbers that a row's summands are made of, in the places of its parents."""
    return product(*(term.number for term in terms))


# --- numbers that stand for others -----------------------------------------------------------------------------------


def mistaken(paper: Paper, column: Column, row: Row, number: float) -> Iterator[Slip]:
    """A factor of a slope too many or missing; or another number of the table."""
    if column.kind != "value":
        for source in paper.sources(column, row):
            for term, with_slope in _with_other_slopes(paper, column, row, source):
                yield from _of_powers(paper, term, with_slope, source)
    for name in paper.rows:
        for other in paper.columns.values():
            printed = paper.cells[other.title, name].number
            if name != row.name and printed is not None and other.kind in (column.kind, "value"):
                what = f"the value of {name}" if other.kind == "value" else other.of(name)
                yield Slip("another row used", f"this is {what}", (printed, printed))


def _of_powers(paper: Paper, term: Term, with_slope: WithSlope, source: Source) -> Iterator[Slip]:
    """One summand whose slope has an operand once too often, or not often enough."""
    row, own = term.row, term.row.parents[term.slot]
    for parent in dict.fromkeys(row.parents):
        low, high = paper.value(parent, source.values)
        slope = f"the derivative of {row.name} = {row.what} in {own}"
        label, text = "inner derivative forgotten", f"in {slope} the factor or divisor {parent} is missing, or too many"
        if parent == own:
            label, text = "wrong power", f"in {slope} the power of {parent} is not right"
        if low * high > 0:
            for factor in ((low, high), (1 / high, 1 / low)):
                yield Slip(label, text, with_slope(times(term.slope, factor)))
