"""What a report on the class says: of each sheet, and of all of them together."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from grading.course.alike import LEAST_STUDENTS, LEAST_USUAL, LEAST_WORDS, SHARE
from grading.course.plots import bars, histogram
from grading.course.tables import Column, Table
from grading.course.tally import LEAST_MARKED, UNNAMED, Tally

_OUTCOMES = ("right", "wrong", "not attempted", "inconclusive", "fault")


@dataclass(frozen=True)
class Section:
    """A part of a report: its tables, and its plots as pairs of a caption and SVG."""

    name: str
    title: str
    lead: str
    plots: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]


def section_of(tally: Tally) -> Section:
    """What there is to say of one sheet."""
    solved = [(row.id, row.solved) for row in tally.exercises]
    plots = (
        ("How many students have how much of the marks, in percent", histogram(tally.totals, tally.sheet.points)),
        ("Mean mark in each exercise; – is waiting for marks by hand", bars(solved, "Mean mark in each exercise")),
    )
    tables = (
        *(_person(tally), _exercises(tally), _mistakes(tally), _hints(tally)),
        *(_missing(tally), _alike(tally), _mended(tally), _marks(tally)),
    )
    return Section(tally.name, tally.sheet.title, _lead(tally), plots if tally.marks else (), tables)


def _lead(tally: Tally) -> str:
    said = [f"{len(tally.marks)} submissions marked, {len(tally.set_aside)} set aside."]
    if tally.marks:
        points = f"of {tally.sheet.points:g}"
        middle, half = statistics.fmean(tally.totals), statistics.median(tally.totals)
        said.append(f"Mean mark {middle:.1f} {points}, median {half:.1f}.")
    waiting = {student for task in tally.tasks if task.why == "to mark by hand" for student in task.students}
    if waiting:
        said.append(f"Marks by hand are missing in {len(waiting)}; they count as nothing until they are given.")
    return " ".join(said)


def _marks(tally: Tally) -> Table:
    marks = {row.student: row for row in tally.marks}
    columns = [
        Column("student", "student"),
        Column("state"),
        Column("total", "number"),
        Column("late penalty", "number"),
    ]
    columns += [Column(item.id, "number") for item in tally.sheet.exercises]
    rows = []
    for intake in tally.intakes:
        row = marks.get(intake.student)
        cells = [row.by_cell.get(item.cell_id) if row else None for item in tally.sheet.exercises]
        rows.append((intake.student, intake.state, *((row.total, row.penalty) if row else (None, None)), *cells))
    words = "The total is after the penalty for handing in late. An empty place is not marked (yet), never zero."
    return Table("marks", "Marks", words, tuple(columns), rows)


def _exercises(tally: Tally) -> Table:
    words = (
        "The mean mark, as a share of the points, says how easy an exercise was. Discrimination is the correlation "
        "between the mark in an exercise and the marks in all the others: near 1, who does well elsewhere does well "
        "here; near 0, the exercise tells nothing about that; below 0, look at the exercise. From fewer than "
        f"{LEAST_MARKED} students it is not computed."
    )
    columns = (
        *(Column("exercise"), Column("points", "number"), Column("mean mark", "share")),
        *(Column("discrimination", "number"), Column("students", "number")),
        *(Column(outcome, "number") for outcome in _OUTCOMES),
    )
    rows = [
        (row.id, row.points, row.solved, row.discrimination, row.marked, *(row.outcomes.get(o, 0) for o in _OUTCOMES))
        for row in tally.exercises
    ]
    return Table("exercises", "Exercises", words, columns, rows)


def _mistakes(tally: Tally) -> Table:
    words = (
        "What the judge found to be the reason of a wrong answer. Under 'in words' it has no name in the catalogue: an "
        "exception, or what a choice would mean; under 'not explained' no mistake of the catalogue gives these numbers."
    )
    columns = (
        *(Column("exercise"), Column("mistake"), Column("how often", "number"), Column("students", "students")),
        *(Column("what they read"), Column("hint", "hint")),
    )
    ladder = {item.id: len(item.hints) for item in tally.sheet.checked}
    rows = [
        (row.exercise, row.label, len(row.students), row.students, row.told, hint)
        for row in tally.mistakes
        for hint in [f"{row.exercise} {row.hint}" if 0 < row.hint <= ladder.get(row.exercise, 0) else None]
    ]
    return Table("mistakes", "Commonest mistakes", words, columns, rows, "Nobody answered anything wrong.")


def _hints(tally: Tally) -> Table:
    words = (
        f"{len(tally.opened)} of {len(tally.marks)} submissions came with notes. What stands there the students say "
        "themselves, and could have changed; no mark depends on it."
    )
    columns = (Column("hint", "hint"), Column("how many", "number"), Column("students", "students"))
    rows = [(f"{exercise} {rung}", len(who), who) for exercise, rung, who in tally.hints]
    return Table("hints", "Hints used", words, columns, rows, "No hint that was opened is known of.")


def _missing(tally: Tally) -> Table:
    columns = (Column("exercise"), Column("how many", "number"), Column("students", "students"))
    rows = [(exercise, len(who), who) for exercise, who in tally.unattempted]
    if tally.absent:
        rows.append(("(nothing handed in)", len(tally.absent), tuple(tally.absent)))
    words = "Of those who were marked. Who has handed in nothing is known only where there is a roster."
    return Table("missing", "Not attempted", words, columns, rows, "Everybody has attempted everything.")


def _person(tally: Tally) -> Table:
    columns = (Column("why"), Column("exercise"), Column("students", "students"), Column("details"))
    rows = [(task.why, task.exercise, task.students, task.details) for task in tally.tasks]
    words = "What no machine can or should settle. An exercise at fault has cost nobody a point."
    return Table("person", "Needing a person", words, columns, rows)


def _mended(tally: Tally) -> Table:
    columns = (Column("student", "student"), Column("what"))
    rows = [(intake.student, intake.reason) for intake in tally.mended]
    words = "What had to be mended in a submission before it could be marked, and what the marking noticed."
    return Table("remarks", "Remarks", words, columns, rows)


def _alike(tally: Tally) -> Table:
    words = (
        f"Pairs that differ by less than {100 * SHARE:.0f} % of what is usual between two students of this class, in "
        "what both have answered, code and prose, as words; names of one's own do not count. Equal wrong answers say "
        "more than equal right ones. It is a reason to look at both, not a verdict. Answers that fewer than "
        f"{LEAST_STUDENTS} students gave, and pairs of which usually fewer than {LEAST_WORDS} words or "
        f"{100 * LEAST_USUAL:.0f} % differ, are left out: there everybody is like everybody."
    )
    columns = (
        *(Column("one", "student"), Column("other", "student"), Column("words that differ", "share")),
        *(Column("usual", "share"), Column("equal wrong answers", "number")),
    )
    rows = [(pair.one, pair.other, pair.differs, pair.usual, pair.same_wrong) for pair in tally.pairs]
    return Table("alike", "More alike than usual", words, columns, rows, "No pair.")


def overview_of(tallies: Sequence[Tally]) -> Section:
    """What there is to say of several sheets together."""
    means = [
        (t.name, statistics.fmean(t.totals) / t.sheet.points if t.totals and t.sheet.points else None) for t in tallies
    ]
    plots = (("Mean mark on each sheet", bars(means, "Mean mark on each sheet")),)
    tables = (_sheets(tallies, means), _common(tallies), _totals(tallies))
    lead = f"{len(tallies)} sheets; handed in by {len({i.student for t in tallies for i in t.intakes})} students."
    return Section("class", "Overview", lead, plots, tables)


def _sheets(tallies: Sequence[Tally], means: Sequence[tuple[str, float | None]]) -> Table:
    columns = (
        *(Column("sheet", "section"), Column("points", "number"), Column("marked", "number")),
        *(Column("set aside", "number"), Column("nothing handed in", "number"), Column("mean mark", "share")),
        *(Column("needing a person", "number"), Column("pairs alike", "number")),
    )
    rows = [
        (t.name, t.sheet.points, len(t.marks), len(t.set_aside), len(t.absent), mean, len(t.tasks), len(t.pairs))
        for t, (_, mean) in zip(tallies, means, strict=True)
    ]
    return Table("sheets", "Sheets", "Each leads to its section.", columns, rows)


def _totals(tallies: Sequence[Tally]) -> Table:
    marks = {t.name: {row.student: row.total for row in t.marks} for t in tallies}
    students = sorted({student for t in tallies for student in (*(i.student for i in t.intakes), *t.absent)})
    columns = (Column("student"), Column("total", "number"), *(Column(t.name, "number") for t in tallies))
    rows = []
    for student in students:
        own = [marks[t.name].get(student) for t in tallies]
        given = [mark for mark in own if mark is not None]
        rows.append((student, sum(given) if given else None, *own))
    words = "After penalties. An empty place: nothing handed in, or not marked (yet)."
    return Table("marks", "Marks on all sheets", words, columns, rows)


def _common(tallies: Sequence[Tally]) -> Table:
    found: dict[str, list[tuple[str, str, str]]] = {}
    for t in tallies:
        for row in t.mistakes:
            found.setdefault(row.label, []).extend((t.name, row.exercise, student) for student in row.students)
    columns = (
        *(Column("mistake"), Column("how often", "number"), Column("how many students", "number")),
        *(Column("exercises", "number"), Column("sheets")),
    )
    rows = [
        (
            label,
            len(who),
            len({s for _, _, s in who}),
            len({e for _, e, _ in who}),
            ", ".join(sorted({n for n, _, _ in who})),
        )
        for label, who in found.items()
    ]
    rows.sort(key=lambda row: (row[0] in UNNAMED, -row[1], row[0]))
    words = "Over all exercises; each sheet's section says in which, by whom, and what they read."
    return Table("mistakes", "Commonest mistakes", words, columns, rows, "Nobody answered anything wrong.")
