"""From submissions to marks in nbgrader's gradebook, and a feedback page for each student."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import MissingEntry, SubmittedAssignment

from grading.course.freshness import require_built
from grading.course.grounds import Grounds
from grading.course.ids import alike_in, as_id, likeness, printable
from grading.course.intake import SetAsideError, Submission, collect, submissions, unfit
from grading.course.layout import Course, CourseError
from grading.course.nbgrader_api import nbgrader_api, open_gradebook, renew_penalties, run_nbgrader
from grading.course.roster import enter_roster
from grading.course.workers import Workers
from grading.trusted.ledger import FAILED, GRADED, SET_ASIDE, Intake, Ledger
from grading.trusted.sandbox import WITHOUT_SANDBOX, require_sandbox
from grading.verify import Verdict


@dataclass(frozen=True)
class Marks:
    """One student's marks on a sheet, as the gradebook has them; None in `by_cell` is for a person to mark.

    `score` is before the `penalty` for handing in late; `by_hand` are the cells that a person has marked.
    """

    student: str
    score: float
    by_cell: dict[str, float | None]
    penalty: float = 0.0
    by_hand: frozenset[str] = frozenset()

    @property
    def total(self) -> float:
        """The mark after the penalty, which takes no more than there is."""
        return max(0.0, self.score - self.penalty)


def grade(
    course: Course,
    name: str,
    *,
    only: str = "",
    sandbox: bool = True,
    again: bool = False,
    processes: int = 2,
    pages: bool = True,
    tell: Callable[[Intake, int, int], None] = lambda intake, number, total: None,
) -> list[Intake]:
    """Mark what was handed in for a sheet; what was marked already and has not changed is left alone.

    Parameters
    ----------
    only : mark this student alone
    sandbox : run submissions in the sandbox; False lets them do anything
    again : mark again what has not changed too. Marks given by hand are kept in any case
    processes : how many submissions are run at once; one process writes down what the others find
    pages : make feedback pages too; without them `nbgrader generate_feedback` makes them later
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
    require_built(course, name)
    found = handed_in(course, name, only)
    _enter_release(course, name)
    release = _read_release(course, name)
    roster = enter_roster(course)
    clashes, grounds = _clashes(submissions(course, name), roster), Grounds.of_release(course, name, release)
    run = _Run(course, name, release, grounds, roster, clashes, sandbox, again, pages)
    intakes, standing = [], []
    workers = Workers(course, sandbox, processes if min(processes, len(found)) > 1 else 0)
    try:
        for number, due in enumerate(_some_ahead(run, found, workers, 2 * processes), 1):
            intakes.append(run.finish(due))
            standing += [due.submission.student] if due.is_known else []
            tell(intakes[-1], number, len(found))
    finally:
        workers.end()
    renew_penalties(course, name, standing)
    return intakes


def handed_in(course: Course, name: str, only: str = "") -> list[Submission]:
    """What was handed in for a sheet, by everybody or by `only` one student.

    Raises
    ------
    CourseError : nothing was
    """
    found = [submission for submission in submissions(course, name) if as_id(only) in ("", submission.student)]
    if not found:
        who = f"from {only} " if only else ""
        raise CourseError(
            f"nothing {who}was handed in for {name}: {course.submitted}/<student>/{name}/ is where to put it"
        )
    return found


def sheets_handed_in(course: Course, only: str = "") -> list[str]:
    """The sheets for which something was handed in.

    Raises
    ------
    CourseError : there is none
    """
    names = [
        name for name in course.sheet_names() if any(as_id(only) in ("", s.student) for s in submissions(course, name))
    ]
    if not names:
        who = f"from {only} " if only else ""
        raise CourseError(f"nothing {who}was handed in: {course.submitted}/<student>/<sheet>/ is where to put it")
    return names


def _some_ahead(run: _Run, found: list[Submission], workers: Workers, most: int) -> Iterator[_Due]:
    """The submissions in their order, each looked at, and given to the workers, before its turn has come."""
    looked_at: deque[_Due] = deque()
    for submission in found:
        looked_at.append(run.look_at(submission, workers))
        if len(looked_at) > most:
            yield looked_at.popleft()
    yield from looked_at


def _read_release(course: Course, name: str) -> NotebookNode:
    try:
        return nbformat.read(course.assignment(name), as_version=4)
    except OSError:
        raise CourseError(f"{course.assignment(name)} is missing; run `gradsheet build {name}`") from None


def _enter_release(course: Course, name: str) -> None:
    """Tell nbgrader's gradebook of the sheet, unless it knows this very release of it."""
    with open_gradebook(course) as book:
        try:
            notebook = book.find_notebook(name, name)
            points = {cell.name: cell.max_score for cell in notebook.grade_cells}
            known = {cell.name: (cell.source, points.get(cell.name)) for cell in notebook.source_cells}
        except MissingEntry:
            known = {}
    released = {
        cell.metadata.nbgrader.grade_id: (cell.source, cell.metadata.nbgrader.get("points"))
        for cell in _read_release(course, name).cells
        if "nbgrader" in cell.metadata
    }
    if known != released:
        api = nbgrader_api(course)
        run_nbgrader(lambda: api.generate_assignment(name, force=True), f"nbgrader could not enter {name}")


@dataclass(frozen=True)
class _Due:
    """A submission that was looked at; `intake` says what became of it, unless it is to be marked."""

    submission: Submission
    digest: str
    intake: Intake | None = None
    is_known: bool = False


@dataclass(frozen=True)
class _Run:
    """One run of the marking; `roster` holds the ids of the class, or is None where the course has no roster.

    `clashes` are the folders that cannot be told from others, and why.
    """

    course: Course
    name: str
    release: NotebookNode
    grounds: Grounds
    roster: set[str] | None
    clashes: dict[Path, str]
    sandbox: bool
    again: bool
    pages: bool

    def look_at(self, submission: Submission, workers: Workers) -> _Due:
        """See what is to be done with a submission, and have the workers begin if it is to be marked."""
        ledger = Ledger(self.course.ledger)
        student = submission.student
        if is_unfit := unfit(submission):
            return _Due(submission, "", Intake(printable(student), SET_ASIDE, is_unfit))
        grounds = self.grounds.with_submission(submission.folder)
        digest = str(grounds)
        if self.roster is not None and student not in self.roster:
            return _Due(submission, digest, Intake(student, SET_ASIDE, self._unknown(student, self.roster)))
        if clash := self.clashes.get(submission.folder):
            return _Due(submission, digest, self._stopped(student, SetAsideError(clash)))
        if not self.again and self._stands(student, grounds):
            known = next(intake for intake in ledger.intakes(self.name) if intake.student == student)
            said = "; ".join(filter(None, (known.reason, "unchanged since it was marked")))
            return _Due(submission, digest, replace(known, reason=said), is_known=True)
        try:
            collect(self.course, self.name, submission, self.release)
            assert submission.notebook is not None  # it was written just now
            seed = ledger.seed(self.name, self.course.variant(self.name))
            workers.give(self.name, student, submission.notebook, seed)
        except Exception as reason:
            return _Due(submission, digest, self._stopped(student, reason))
        return _Due(submission, digest)

    def _stands(self, student: str, grounds: Grounds) -> bool:
        """Whether a submission was marked, and nothing that its marks rest on has changed since."""
        touched = grounds.touched_since(Ledger(self.course.ledger).grounds(self.name, student))
        if touched is None:
            return False
        said = self._verdicts.get(student, {}) if touched else {}
        return all(exercise in said and said[exercise].outcome == "not attempted" for exercise in touched)

    @cached_property
    def _verdicts(self) -> dict[str, dict[str, Verdict]]:
        """What was said before this run."""
        return Ledger(self.course.ledger).verdicts(self.name)

    def _unknown(self, student: str, roster: set[str]) -> str:
        if meant := alike_in(student, sorted(roster)):
            return f"not in {self.course.roster.name}, which has '{meant}'; rename the folder if that is who it is"
        return f"not in {self.course.roster.name}; add a line there and grade again"

    def finish(self, due: _Due) -> Intake:
        """Mark a submission that was looked at, if it is to be marked, and write down what became of it."""
        if due.is_known and due.intake:
            return due.intake
        intake = due.intake or self._mark(due.submission)
        Ledger(self.course.ledger).note_intake(self.name, due.digest, intake)
        return intake

    def _mark(self, submission: Submission) -> Intake:
        student, name = submission.student, self.name
        try:
            api = nbgrader_api(self.course, submitted=self.course.collected.name, sandbox=self.sandbox)
            run_nbgrader(lambda: api.autograde(name, student, force=True), "it could not be marked")
            if self.pages:
                no_page = "marked, but there is no feedback page"
                run_nbgrader(lambda: api.generate_feedback(name, student, force=True), no_page)
        except Exception as reason:
            return self._stopped(student, reason)
        remarks = [f"look at {remark}" for remark in Ledger(self.course.ledger).remarks(name, student)]
        warning = [] if self.sandbox else [WITHOUT_SANDBOX]
        return Intake(student, GRADED, "; ".join([*warning, *submission.notes, *remarks]))

    def _stopped(self, student: str, reason: Exception) -> Intake:
        """Whatever it is that stopped the marking of one, it must not keep the others from their marks."""
        if isinstance(reason, SetAsideError):
            return Intake(student, SET_ASIDE, f"{reason}{self._standing(student)}")
        said = str(reason) if isinstance(reason, CourseError) else f"{type(reason).__name__}: {reason}"
        return Intake(student, FAILED, " ".join(said.split()) + self._standing(student))

    def _standing(self, student: str) -> str:
        was_marked = student in Ledger(self.course.ledger).verdicts(self.name)
        return "; the marks of an earlier submission stand" if was_marked else ""


def _clashes(found: list[Submission], roster: set[str] | None) -> dict[Path, str]:
    """The folders of which a person, or another computer, could not say whose they are, and why."""
    by_likeness: dict[str, list[Submission]] = {}
    for submission in found:
        if roster is None or submission.student in roster:
            by_likeness.setdefault(likeness(submission.student), []).append(submission)
    return {
        one.folder: f"the folder's name and that of {printable(other.folder.parent.name)}/ differ in case, blanks or "
        "the form of letters alone; rename one, or leave one if both are the same student's"
        for same in by_likeness.values()
        for one, other in zip(same, [*same[1:], same[0]], strict=True)
        if one is not other
    }


def read_marks(course: Course, name: str) -> list[Marks]:
    """The marks of everybody whose submission to a sheet is in the gradebook, by student."""
    with open_gradebook(course) as book:
        found = [_marks_of(submission) for submission in book.assignment_submissions(name)]
    return sorted(found, key=lambda marks: marks.student)


def _marks_of(submission: SubmittedAssignment) -> Marks:
    grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
    waiting = {grade.name for grade in grades if grade.needs_manual_grade and grade.manual_score is None}
    return Marks(
        submission.student.id,
        float(submission.score),
        {grade.name: None if grade.name in waiting else float(grade.score) for grade in grades},
        float(submission.late_submission_penalty or 0.0),
        frozenset(grade.name for grade in grades if grade.manual_score is not None),
    )
