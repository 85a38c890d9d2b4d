"""A class that exists in gradebook and ledger alone: marks and verdicts are drawn, and nothing is run."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass

import nbformat
from classroom import NAME, SHEET

from grading.course import grade as grading
from grading.course.layout import Course
from grading.course.nbgrader_api import open_gradebook
from grading.trusted.ledger import GRADED, Intake, Ledger
from grading.verify import Verdict
from grading.verify.verdict import Cause

PROSE = next(item for item in SHEET.exercises if item.id not in {each.id for each in SHEET.checked})
CAUSES = ("sign", "transposed", "factor 2 missing")


@dataclass(frozen=True)
class Drawn:
    """What was drawn for one student: the marks by machine, the verdicts, and what came by hand."""

    marks: dict[str, float]
    verdicts: dict[str, Verdict]
    by_hand: float | None
    extra: float
    penalty: float


def enter_sheet(course: Course) -> None:
    """Let the gradebook know the sheet."""
    grading._enter_release(course, NAME)


def record(course: Course, students: list[str], seed: int = 0, everything_by_hand: bool = True) -> dict[str, Drawn]:
    """Enter a class into a gradebook that knows the sheet, and the ledger; who is strong tends to have more right."""
    rng = random.Random(seed)
    drawn = {student: _draw(rng, everything_by_hand or rng.random() < 0.5) for student in students}
    ledger = Ledger(course.ledger)
    with open_gradebook(course) as book:
        for student, one in drawn.items():
            book.update_or_create_student(student)
            submission = book.update_or_create_submission(NAME, student)
            (notebook,) = submission.notebooks
            notebook.late_submission_penalty = one.penalty
            for grade in notebook.grades:
                _enter(grade, one)
            ledger.add(NAME, student, "digest", 1, list(one.verdicts.values()))
            ledger.note_intake(NAME, "digest", Intake(student, GRADED, ""))
        book.db.commit()
    return drawn


def _draw(rng: random.Random, is_marked: bool) -> Drawn:
    ability, marks, verdicts = rng.random(), {}, {}
    for item in SHEET.checked:
        outcome = "right" if rng.random() < 0.2 + 0.7 * ability else rng.choice(["wrong", "wrong", "not attempted"])
        mark = item.points if outcome == "right" else rng.choice([0.0, 0.5]) if outcome == "wrong" else 0.0
        causes = (Cause(rng.choice(CAUSES), "told so", 0.95),) if outcome == "wrong" and rng.random() < 0.8 else ()
        marks[item.cell_id] = mark
        verdicts[item.id] = Verdict(item.id, outcome, mark, item.points, 1, causes=causes, hint=int(outcome == "wrong"))
    by_hand = rng.choice([0.0, 1.5, 4.0]) if is_marked else None
    return Drawn(marks, verdicts, by_hand, rng.choice([0.0, 0.0, 1.0]), rng.choice([0.0, 0.0, 2.0]))


def _enter(grade, one: Drawn) -> None:
    if grade.name == PROSE.cell_id:
        grade.manual_score = one.by_hand
        grade.needs_manual_grade = one.by_hand is None
        grade.extra_credit = one.extra if one.by_hand is not None else None
    else:
        grade.auto_score = one.marks[grade.name]
        grade.needs_manual_grade = False


def answer(course: Course, student: str, notebook: nbformat.NotebookNode) -> None:
    """Put a notebook where the marked ones lie."""
    path = course.autograded_folder(NAME, student) / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


def in_book(course: Course, question: str) -> list[tuple]:
    """What the gradebook answers to a question in SQL."""
    with closing(sqlite3.connect(course.gradebook)) as book:
        return book.execute(question).fetchall()
