"""Which mistake explains a wrong number in a table: each is worked out from the student's own other rows, and compared.

A mistake is named only if it gives the very number, as far as rounding lets anything be told. Where several do, two of
them are named, as likely ones: a table has few digits, and numbers like 1 and 2 come about in many ways.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from grading.answers.mixups import Slip, elsewhere, misshapen, mistaken
from grading.answers.paper import OWN, Column, Paper, Place, Term
from grading.answers.rounding import Interval, hull, negative, plus, times
from grading.answers.trace import Row
from grading.verify.verdict import Cause

KNOWN = "a known mistake"  # one that the declaration names
# What a cause may be called beside the mistakes of derivatives.
SLIPS = frozenset({"rounding", "power of ten", "another row used", "degrees for radians", "outputs added", KNOWN})

_TELLING = 5  # times as far from 0 as the prediction is vague
_SURE, _LIKELY = 1.0, 0.5
_MOST = 2
_POWERS = (-3, -2, -1, 1, 2, 3)
_ONE: Interval = (1.0, 1.0)


def explain(paper: Paper, place: Place) -> tuple[Cause, ...]:
    """The mistakes that give the number that stands in this place."""
    column, row = paper.columns[place[0]], paper.rows[place[1]]
    number = paper.cells[place].number
    if number is None:
        return ()
    plain = _of_value if column.kind == "value" else _of_derivative
    for family in (_digits, plain, misshapen, elsewhere, mistaken):
        fitting: dict[str, Slip] = {}
        for slip in family(paper, column, row, number):
            if _fits(paper, slip, number):
                fitting.setdefault(slip.label, slip)
        if fitting:
            certainty = _SURE if len(fitting) == 1 else _LIKELY
            named = list(fitting.values())[:_MOST]
            return tuple(Cause(slip.label, f"{column.of(row.name)}: {slip.text}", certainty) for slip in named)
    return ()


def _fits(paper: Paper, slip: Slip, number: float) -> bool:
    """Whether a prediction gives the number, and is not so vague that it gives many."""
    low, high = slip.gives
    vague = max(high - low, paper.rounding.half)
    exact = low == high == number
    return paper.rounding.admits(number, slip.gives) and (exact or abs(number) >= _TELLING * vague)


# --- of any number -------------------------------------------------------------------------------------------------


def misprinted(number: float, right: float, decimals: int) -> Iterator[Slip]:
    """A number that is right but for how it was written down."""
    for fewer in range(decimals):
        shown = float(np.round(right, fewer))
        yield Slip("rounding", f"right as far as it goes; give {decimals} decimals", (shown, shown))
    cut = float(np.trunc(right * 10.0**decimals) / 10.0**decimals)
    yield Slip("rounding", f"cut off after {decimals} decimals; round the last one", (cut, cut))


def _digits(paper: Paper, column: Column, row: Row, number: float) -> Iterator[Slip]:
    true = column.true[row.name]
    for slip in misprinted(number, true, paper.rounding.decimals):
        if slip.gives[0] == number != 0:
            yield slip
    for source in paper.sources(column, row):
        reach = paper.reach(column, row, source)
        for power in _POWERS:
            moved = times(reach, (10.0**power, 10.0**power))
            yield Slip("power of ten", "the decimal point is in another place", moved)


# --- of values -----------------------------------------------------------------------------------------------------


def _of_value(paper: Paper, column: Column, row: Row, number: float) -> Iterator[Slip]:
    reach = paper.reach(column, row, OWN)
    yield Slip("sign", "the sign is wrong", negative(reach))
    turned = [row.in_degrees(corner) for corner in paper.corners(row, True)]
    known = [value for value in turned if value is not None]
    if known:
        yield Slip("degrees for radians", "the angle was taken for degrees; it is in radians", hull(*known))
    if len(row.parents) == 1 and row.parents[0] in paper.rows:
        copied = paper.value(row.parents[0], True)
        yield Slip("an input returned", f"this is {row.parents[0]} itself; the row is {row.what}", copied)


# --- of derivatives ------------------------------------------------------------------------------------------------


def _of_derivative(paper: Paper, column: Column, row: Row, number: float) -> Iterator[Slip]:
    for source in paper.sources(column, row):
        terms = [term for term in paper.terms(column, row, source) if any(times(term.slope, term.number))]
        total = paper.total(column, row, terms)
        if number == 0 and row.name == column.output:
            yield Slip("zeros", f"the walk starts here, with the derivative of {row.name} in itself", (0.0, 0.0))
            return
        if number == 0 and terms:
            yield Slip("zeros", f"0 says that nothing comes from {_listed(terms)}; something does", (0.0, 0.0))
            return
        yield Slip("sign", "the sign is wrong", negative(total))
        yield from _sums(paper, column, row, terms)
        yield from _factors(paper, column, row, terms)
    yield from _confusions(paper, column, row)


def _sums(paper: Paper, column: Column, row: Row, terms: list[Term]) -> Iterator[Slip]:
    """A summand that is missing, alone, or has the other sign."""
    forward = column.kind == "tangent"
    label = "product rule misapplied" if forward and len(terms) == 2 else "a path or term dropped"
    for k, term in enumerate(terms):
        others = terms[:k] + terms[k + 1 :]
        if not others:
            continue
        missing = (
            f"the summand with the tangent of {term.of} is missing: {row.what} moves with {_listed(terms)}"
            if forward
            else f"what arrives from {term.of} is not added: {row.name} is used in {_listed(terms)}, so it is a sum"
        )
        yield Slip(label, missing, paper.total(column, row, others))
        if len(others) > 1:
            alone = "is all that is kept; the others were not added, or were overwritten"
            yield Slip(label, f"what comes from {term.of} {alone}", paper.total(column, row, [term]))
        flipped = [*terms[:k], replace(term, slope=negative(term.slope)), *terms[k + 1 :]]
        turned = f"the sign of what comes from {term.of} is wrong"
        yield Slip("sign of one term", turned, paper.total(column, row, flipped))


def _factors(paper: Paper, column: Column, row: Row, terms: list[Term]) -> Iterator[Slip]:
    """A factor that is missing from a summand."""
    for k, term in enumerate(terms):
        whose = f"the {column.kind} of {term.of}"
        slope = f"the derivative of {term.row.name} = {term.row.what} in {term.row.parents[term.slot]}"
        for changed, text in (
            (replace(term, slope=_ONE), f"{whose} is passed on as it is; {slope} is missing as a factor"),
            (replace(term, number=_ONE), f"this is the local derivative alone; {whose} is missing as a factor"),
        ):
            total = paper.total(column, row, [*terms[:k], changed, *terms[k + 1 :]])
            yield Slip("inner derivative forgotten", text, total)


def _confusions(paper: Paper, column: Column, row: Row) -> Iterator[Slip]:
    """The number of another table."""
    trace, used = paper.trace, paper.rounding.used
    if paper.values:
        own = paper.cells[paper.values.title, row.name].number
        if own is not None:
            yield Slip("the value instead of its derivative", f"this is the value of {row.name}", (own, own))
    yield Slip("the value instead of its derivative", f"this is the value of {row.name}", used(trace.values[row.name]))
    adjoints = {output: trace.adjoints(output)[row.name] for output in trace.outputs}
    tangents = {name: trace.tangents({name: 1.0})[row.name] for name in trace.inputs}
    for output, adjoint in adjoints.items():
        if output != column.output:
            mode = "" if column.kind == "adjoint" else "; tangents go down the list, from the inputs"
            yield Slip("another derivative", f"this is the derivative of {output} in {row.name}{mode}", used(adjoint))
    for name, tangent in tangents.items():
        mode = "" if column.kind == "tangent" else "; adjoints go up the list, from the output"
        yield Slip("another derivative", f"this is the derivative of {row.name} in {name}{mode}", used(tangent))
    if column.kind == "adjoint" and len(adjoints) > 1 and column.output in adjoints:
        every = (0.0, 0.0)
        for adjoint in adjoints.values():
            every = plus(every, used(adjoint))
        told = f"these are the adjoints of {' and '.join(adjoints)} added up; each walk starts with empty adjoints"
        yield Slip("outputs added", told, every)


def _listed(terms: list[Term]) -> str:
    names = list(dict.fromkeys(term.of for term in terms))
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
