"""A report on the class: who has which marks, where the class went wrong and why, and what needs a person."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from grading.course.grade import Marks, read_marks
from grading.course.layout import Course, CourseError
from grading.sheets import Prose, Sheet
from grading.trusted.ledger import GRADED, Intake, Ledger
from grading.verify import Verdict
from grading.verify.item import Item

_MOST_CAUSES = 3


@dataclass(frozen=True)
class ExerciseRow:
    """How the class did in one exercise. `solved` is the mean mark as a share of the points, None if unmarked."""

    id: str
    points: float
    solved: float | None
    outcomes: dict[str, int]
    causes: tuple[tuple[str, int], ...]

    @property
    def share(self) -> str:
        """The mean mark in percent."""
        return "by hand" if self.solved is None else f"{100 * self.solved:.0f} %"


def write_report(course: Course, name: str) -> Path:
    """Write `report/<sheet>.html` and `.csv`; returns the page.

    Raises
    ------
    CourseError : nothing was marked yet
    """
    sheet = course.sheet(name)
    ledger = Ledger(course.ledger)
    intakes = ledger.intakes(name)
    if not intakes:
        raise CourseError(f"nothing was marked for {name} yet; run `gradsheet grade {name}`")
    marks = read_marks(course, name)
    course.report.mkdir(exist_ok=True)
    page = course.report / f"{name}.html"
    page.write_text(_render(name, sheet, marks, ledger.verdicts(name), intakes), encoding="utf-8")
    _write_csv(page.with_suffix(".csv"), sheet, marks, intakes)
    return page


def _render(
    name: str, sheet: Sheet, marks: list[Marks], verdicts: dict[str, dict[str, Verdict]], intakes: list[Intake]
) -> str:
    pages = Environment(
        loader=PackageLoader("grading.course"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    graded = {intake.student for intake in intakes if intake.state == GRADED}
    marked = [row for row in marks if row.student in graded]
    return pages.get_template("report.html").render(
        name=name,
        sheet=sheet,
        marks=marked,
        mean=sum(row.score for row in marked) / len(marked) if marked else 0.0,
        exercises=[_exercise_row(item, marked, verdicts) for item in sheet.exercises],
        aside=[intake for intake in intakes if intake.state != GRADED],
        mended=[intake for intake in intakes if intake.state == GRADED and intake.reason],
        waiting=[row for row in marked if None in row.by_cell.values()],
    )


def _exercise_row(item: Item | Prose, marks: list[Marks], verdicts: dict[str, dict[str, Verdict]]) -> ExerciseRow:
    given = [mark for row in marks if (mark := row.by_cell.get(item.cell_id)) is not None]
    said = [by_exercise[item.id] for by_exercise in verdicts.values() if item.id in by_exercise]
    causes = Counter(label for verdict in said for label in {cause.label for cause in verdict.causes})
    waiting = any(row.by_cell.get(item.cell_id) is None for row in marks)
    by_hand = isinstance(item, Prose) and (waiting or not given)
    return ExerciseRow(
        id=item.id,
        points=item.points,
        solved=None if by_hand or not given else sum(given) / (len(given) * (item.points or 1)),
        outcomes=dict(Counter(verdict.outcome for verdict in said).most_common()),
        causes=tuple(causes.most_common(_MOST_CAUSES)),
    )


def _write_csv(path: Path, sheet: Sheet, marks: list[Marks], intakes: list[Intake]) -> None:
    """A line per submission; marks only where it could be marked, since an empty cell is not a zero."""
    by_student = {row.student: row for row in marks}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["student", "state", "total", *(item.id for item in sheet.exercises)])
        for intake in intakes:
            row = by_student.get(intake.student) if intake.state == GRADED else None
            cells = (
                [row.by_cell.get(item.cell_id) for item in sheet.exercises] if row else [None] * len(sheet.exercises)
            )
            total = f"{row.score:g}" if row else ""
            writer.writerow(
                [intake.student, intake.state, total, *("" if cell is None else f"{cell:g}" for cell in cells)]
            )
