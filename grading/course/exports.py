"""Marks for other systems, through nbgrader's exporter plug-in point: `nbgrader export --exporter=<class> --to=<file>`.

All files are CSV in UTF-8, in which a spreadsheet takes no text for a formula. A mark is the gradebook's after the
penalty for handing in late, with extra credit; who has handed in nothing has no mark, except in nbgrader's own table,
which says 0. Ids of other systems stand in optional columns of the roster (`roster.LMS_COLUMNS`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbgrader.api import Assignment, Gradebook, MissingEntry, Student
from nbgrader.plugins import ExportPlugin
from traitlets import Dict, Unicode

from grading.course.layout import Course
from grading.course.roster import lms_ids
from grading.course.tables import harmless

Row = list[str]
_NO_GRADE = "-"  # in Moodle; no formula by itself


class _Export(ExportPlugin):
    """What these exporters share: which students and assignments are wanted, and how a file is written."""

    default_to = "grades.csv"
    columns = Dict(
        key_trait=Unicode(), value_trait=Unicode(), help="What a sheet's column is called, if not like the sheet."
    ).tag(config=True)

    def export(self, gradebook: Gradebook) -> None:
        """Write the file."""
        path = Path(self.to or self.default_to)
        self.log.info("Exporting grades to %s", path)
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(map(_safe, row) for row in self.rows(gradebook))

    def rows(self, gradebook: Gradebook) -> Iterator[Row]:
        """The rows of the file."""
        raise NotImplementedError

    def assignments(self, gradebook: Gradebook) -> list[Assignment]:
        """Those that are asked for, or all."""
        return [each for each in gradebook.assignments if not self.assignment or each.name in map(str, self.assignment)]

    def students(self, gradebook: Gradebook) -> list[Student]:
        """Those that are asked for, or all."""
        return [each for each in gradebook.students if not self.student or each.id in map(str, self.student)]

    def ids(self) -> dict[str, dict[str, str]]:
        """What the roster says of everybody's ids elsewhere."""
        return lms_ids(Course(Path(self.parent.coursedir.root)))

    def marks(self, gradebook: Gradebook, student: Student, none: str) -> Row:
        """A student's mark in each assignment; `none` where nothing was handed in."""
        return [_mark(gradebook, each, student, none) for each in self.assignments(gradebook)]

    def headings(self, gradebook: Gradebook) -> Row:
        """What the columns of the assignments are called."""
        return [self.columns.get(each.name, each.name) for each in self.assignments(gradebook)]


class CanvasExport(_Export):
    """Canvas' gradebook: a header, a row "Points Possible", a row per student.

    Canvas looks a student up by `ID` (its own number), then by `SIS User ID`, then by `SIS Login ID`, then by name; an
    assignment that it does not know is offered to be made. An empty cell changes nothing there.

    Sources: Canvas Instructor Guide, "How do I import grades in the Gradebook?"
    (https://community.canvaslms.com/t5/Instructor-Guide/How-do-I-import-grades-in-the-Gradebook/ta-p/807), and what
    reads the file: instructure/canvas-lms, lib/gradebook_importer.rb.
    """

    default_to = "canvas.csv"
    _INFO = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
    _POINTS = "Points Possible"

    def rows(self, gradebook: Gradebook) -> Iterator[Row]:
        """The header, the points, and everybody."""
        yield [*self._INFO, *self.headings(gradebook)]
        yield [f"    {self._POINTS}", "", "", "", "", *(_number(a.max_score) for a in self.assignments(gradebook))]
        known = self.ids()
        for student in self.students(gradebook):
            own = known.get(student.id, {})
            name = ", ".join(filter(None, (student.last_name, student.first_name)))
            if not name or self._POINTS in name:  # which Canvas would take for the row above
                name = student.id if self._POINTS not in student.id else "-"
            number = student.lms_user_id or ""
            yield [
                *(name, number if number.isascii() and number.isdigit() else "", own.get("sis_user_id", "")),
                *(own.get("sis_login_id", student.id), own.get("section", "")),
                *self.marks(gradebook, student, ""),
            ]


class MoodleExport(_Export):
    """Moodle's grade import: a column by which it knows the user, and one per grade item; "-" is no grade.

    On import, map "Email address" to `useremail`, "ID number" to `useridnumber` or "Username" to `username`, and each
    sheet to a grade item or to a new one. The roster's `lms_user_id` is the ID number.

    Sources: https://docs.moodle.org/en/Grade_import (CSV import), and what reads the file: moodle/moodle,
    grade/import/csv/classes/load_data.php.
    """

    default_to = "moodle.csv"

    def rows(self, gradebook: Gradebook) -> Iterator[Row]:
        """The header, and everybody."""
        yield ["First name", "Last name", "ID number", "Username", "Email address", *self.headings(gradebook)]
        known = self.ids()
        for student in self.students(gradebook):
            username = known.get(student.id, {}).get("username", student.id)
            told = (student.first_name, student.last_name, student.lms_user_id, username, student.email)
            yield [*(text or "" for text in told), *self.marks(gradebook, student, _NO_GRADE)]


class CsvExport(_Export):
    """nbgrader's own table, with its columns, in which a comma in a name does not begin a column."""

    _COLUMNS = ("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email")
    _NUMBERS = ("raw_score", "late_submission_penalty", "score", "max_score")

    def rows(self, gradebook: Gradebook) -> Iterator[Row]:
        """The header, and everybody in every assignment."""
        yield [*self._COLUMNS, *self._NUMBERS]
        for assignment in self.assignments(gradebook):
            for student in self.students(gradebook):
                submission = _submission(gradebook, assignment, student)
                score, penalty = (submission.score, submission.late_submission_penalty) if submission else (0.0, 0.0)
                told = (assignment.name, assignment.duedate, submission and submission.timestamp, student.id)
                names = (student.last_name, student.first_name, student.email)
                numbers = (score, penalty, max(0.0, score - penalty), assignment.max_score)
                yield ["" if value is None else str(value) for value in (*told, *names, *numbers)]


def _safe(text: str) -> str:
    return text if text == _NO_GRADE else harmless(text)


def _submission(gradebook: Gradebook, assignment: Assignment, student: Student) -> Any:
    try:
        return gradebook.find_submission(assignment.name, student.id)
    except MissingEntry:
        return None


def _mark(gradebook: Gradebook, assignment: Assignment, student: Student, none: str) -> str:
    submission = _submission(gradebook, assignment, student)
    if submission is None:
        return none
    return _number(max(0.0, submission.score - submission.late_submission_penalty))


def _number(value: float) -> str:
    """A number as both systems read it: a point, and as many decimals as there are."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
