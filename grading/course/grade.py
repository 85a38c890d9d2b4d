"""From submissions to marks in nbgrader's gradebook, and a feedback page for each student."""

from __future__ import annotations

import glob
import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode
from nbgrader.api import MissingEntry

from grading.course.intake import SetAsideError, Submission, collect, submissions
from grading.course.layout import Course, CourseError
from grading.course.nbgrader_api import nbgrader_api, open_gradebook, run_nbgrader
from grading.trusted.ledger import FAILED, GRADED, SET_ASIDE, Intake, Ledger
from grading.trusted.sandbox import require_sandbox


@dataclass(frozen=True)
class Marks:
    """One student's marks on a sheet, as the gradebook has them; None in `by_cell` is for a person to mark."""

    student: str
    score: float
    by_cell: dict[str, float | None]


def grade(
    course: Course,
    name: str,
    *,
    only: str = "",
    sandbox: bool = True,
    again: bool = False,
    tell: Callable[[Intake, int, int], None] = lambda intake, number, total: None,
) -> list[Intake]:
    """Mark what was handed in for a sheet; what was marked already and has not changed is left alone.

    Parameters
    ----------
    only : mark this student alone
    sandbox : run submissions in the sandbox; False lets them do anything
    again : mark again what has not changed too. Marks given by hand are kept in any case
    tell : called after each submission with what became of it, its number, and how many there are

    Returns
    -------
    list of Intake : what became of each submission that was looked at, by student

    Raises
    ------
    CourseError : nothing was handed in, or the sheet was never built
    SandboxUnavailableError : there is no sandbox, and none was not asked for
    """
    if sandbox:
        require_sandbox()
    release = _read_release(course, name)
    found = [submission for submission in submissions(course, name) if only in ("", submission.student)]
    if not found:
        who = f"from {only} " if only else ""
        raise CourseError(
            f"nothing {who}was handed in for {name}: {course.submitted}/<student>/{name}/ is where to put it"
        )
    _enter_release(course, name)
    return list(_grade_each(course, name, found, release, sandbox, again, tell))


def _read_release(course: Course, name: str) -> NotebookNode:
    try:
        return nbformat.read(course.assignment(name), as_version=4)
    except OSError:
        raise CourseError(f"{course.assignment(name)} is missing; run `gradsheet build {name}`") from None


def _enter_release(course: Course, name: str) -> None:
    """Tell nbgrader's gradebook of the sheet, unless it knows this very release of it."""
    with open_gradebook(course) as book:
        try:
            known = {cell.name: cell.source for cell in book.find_notebook(name, name).source_cells}
        except MissingEntry:
            known = {}
    release = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in _read_release(course, name).cells
        if "nbgrader" in cell.metadata
    }
    if known != release:
        api = nbgrader_api(course)
        run_nbgrader(lambda: api.generate_assignment(name, force=True), f"nbgrader could not enter {name}")


def _grade_each(
    course: Course,
    name: str,
    found: list[Submission],
    release: NotebookNode,
    sandbox: bool,
    again: bool,
    tell: Callable[[Intake, int, int], None],
) -> Iterator[Intake]:
    ledger = Ledger(course.ledger)
    known = {intake.student: intake for intake in ledger.intakes(name)}
    for number, submission in enumerate(found, 1):
        digest = _digest(submission, release)
        if not again and ledger.is_done(name, submission.student, digest):
            intake = known[submission.student]
        else:
            intake = _grade_one(course, name, submission, release, sandbox)
            ledger.note_intake(name, digest if intake.state != FAILED else "", intake)
        tell(intake, number, len(found))
        yield intake


def _grade_one(course: Course, name: str, submission: Submission, release: NotebookNode, sandbox: bool) -> Intake:
    student = submission.student
    try:
        collect(course, name, submission, release)
        api = nbgrader_api(course, submitted=course.collected.name, sandbox=sandbox)
        who = glob.escape(student)  # nbgrader takes an id for a pattern
        run_nbgrader(lambda: api.autograde(name, who, force=True), "it could not be marked")
        run_nbgrader(lambda: api.generate_feedback(name, who, force=True), "it was marked, but has no feedback page")
    except SetAsideError as reason:
        return Intake(student, SET_ASIDE, str(reason))
    except Exception as reason:  # whatever it is, it must not keep the others from their marks
        said = str(reason) if isinstance(reason, CourseError) else f"{type(reason).__name__}: {reason}"
        return Intake(student, FAILED, " ".join(said.split()))
    return Intake(student, GRADED, "; ".join(submission.notes))


def _digest(submission: Submission, release: NotebookNode) -> str:
    """A digest of everything that was handed in, and of the release it answers."""
    digest = hashlib.sha256(nbformat.writes(release).encode())
    for path in sorted(submission.folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            digest.update(str(path.relative_to(submission.folder)).encode("utf-8", "surrogateescape"))
            digest.update(path.read_bytes())
    return digest.hexdigest()


def read_marks(course: Course, name: str) -> list[Marks]:
    """The marks of everybody whose submission to a sheet is in the gradebook, by student."""
    with open_gradebook(course) as book:
        return sorted(
            (
                Marks(
                    submission.student.id,
                    float(submission.score),
                    {
                        grade.name: None
                        if grade.needs_manual_grade and grade.manual_score is None
                        else float(grade.score)
                        for notebook in submission.notebooks
                        for grade in notebook.grades
                    },
                )
                for submission in book.assignment_submissions(name)
            ),
            key=lambda marks: marks.student,
        )


def clear_marking(course: Course) -> None:
    """Remove what marking made, so that it can be made anew: never what people handed in or wrote."""
    for folder in (course.collected, course.root / "autograded", course.root / "feedback"):
        shutil.rmtree(folder, ignore_errors=True)
