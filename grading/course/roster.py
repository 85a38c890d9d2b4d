"""Who is in the class: `students.csv` in the course's folder, in the form that nbgrader imports; it may be left out."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from grading.course.ids import alike_in, as_id, printable, unfit_id
from grading.course.layout import Course, CourseError
from grading.course.nbgrader_api import open_gradebook

_COLUMNS = ("first_name", "last_name", "email", "lms_user_id")
LMS_COLUMNS = ("sis_user_id", "sis_login_id", "section", "username")  # for exports; nbgrader has no place for them


def enter_roster(course: Course) -> set[str] | None:
    """Put everybody on the roster into the gradebook; returns their ids, or None where there is no roster.

    Raises
    ------
    CourseError : the file cannot be read, has no column `id`, or an id cannot be used or is taken for another one
    """
    if not course.roster.exists():
        return None
    students = _read(course)
    with open_gradebook(course) as book:
        for student, details in students.items():
            book.update_or_create_student(student, **details)
    return set(students)


def roster_ids(course: Course) -> set[str] | None:
    """The ids on the roster, or None where there is none.

    Raises
    ------
    CourseError : as `enter_roster`
    """
    return set(_read(course)) if course.roster.exists() else None


def lms_ids(course: Course) -> dict[str, dict[str, str]]:
    """What the roster says of everybody's ids in other systems, as far as it does.

    Raises
    ------
    CourseError : as `enter_roster`
    """
    return _read(course, LMS_COLUMNS) if course.roster.exists() else {}


def _read(course: Course, columns: tuple[str, ...] = _COLUMNS) -> dict[str, dict[str, str]]:
    try:
        with course.roster.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CourseError(f"{course.roster} cannot be read: {error}") from None
    if not rows or "id" not in rows[0]:
        raise CourseError(f"{course.roster} needs a first line with a column 'id', and a line per student")
    listed = [(as_id(row["id"].strip()), row) for row in rows if row["id"] and row["id"].strip()]
    for problem in _problems([student for student, _ in listed]):
        raise CourseError(f"{course.roster}: {problem}")
    return {student: {name: row[name] for name in columns if row.get(name)} for student, row in listed}


def _problems(students: list[str]) -> Iterator[str]:
    """What is wrong with the ids of a roster, a line each."""
    for number, student in enumerate(students):
        name = f"id '{printable(student)}'"
        if reason := unfit_id(student):
            yield f"{name} cannot be used: {reason}"
        if student in students[:number]:
            yield f"{name} stands there twice"
        if other := alike_in(student, students[:number]):
            yield f"{name} would be taken for '{other}'; give one of them another id"
