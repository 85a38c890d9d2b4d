"""Marks for other systems: each file is read as that system documents and reads it, and compared with the gradebook."""

import csv
import os
import re
import subprocess
import sysconfig
from pathlib import Path
from types import SimpleNamespace

import pytest
from classroom import NAME, SHEET, make_course
from recorded import enter_sheet, in_book, record

from grading.course import exports
from grading.course.nbgrader_api import open_gradebook
from grading.course.roster import enter_roster

NBGRADER = Path(sysconfig.get_path("scripts")) / "nbgrader"
_TOTALS = """
SELECT submitted_assignment.student_id,
    sum(coalesce(manual_score, auto_score, 0.0) + coalesce(extra_credit, 0.0)), max(late_submission_penalty)
FROM grade JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
GROUP BY submitted_assignment.student_id
"""
PLAIN = [f"student-{number:02d}" for number in range(1, 13)]
FORMULAS = ["=1+1", "+1", "-1", "@sum"]
ODD = ["Zoë Müller", "דנה כהן", "n" * 200, 'a, "b"', *FORMULAS]
ABSENT = "student-99"
ROSTER = [
    ["id", "first_name", "last_name", "email", "lms_user_id", "sis_user_id", "sis_login_id", "section", "username"],
    ["student-01", "Zoë", "O'Neil, Jr.", "one@example.org", "4711", "S1", "login1", "Group 1", "one"],
    ["student-02", "=cmd|' /C calc'!A0", "@x", "=2+2@example.org", "12ab", "", "", "", ""],
    ["student-03", "", "Points Possible", "", "", "S3", "", "", ""],
    *[[student, *[""] * 8] for student in [*PLAIN[3:], *ODD, ABSENT]],
]


def export(course, exporter, to):
    """Export with nbgrader's own command; the rows of the file."""
    environment = os.environ | {"HOME": str(course.root), "JUPYTER_CONFIG_DIR": str(course.root / ".jupyter")}
    chosen = [f"--exporter=grading.course.exports.{exporter}"] if exporter else []
    run = subprocess.run(
        [NBGRADER, "export", *chosen, f"--to={to}"], cwd=course.root, env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    data = (course.root / to).read_bytes()
    assert not data.startswith(b"\xef\xbb\xbf")  # Canvas would not know its first column
    return list(csv.reader(data.decode("utf-8").splitlines(keepends=True)))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A class in gradebook and roster with penalties, extra credit and marks by hand, and all that is made of it."""
    course = make_course(tmp_path_factory.mktemp("exports") / "course")
    enter_sheet(course)
    with course.roster.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(ROSTER)
    enter_roster(course)
    record(course, [*PLAIN, *ODD], everything_by_hand=False)
    totals = {student: max(0.0, score - penalty) for student, score, penalty in in_book(course, _TOTALS)}
    assert len(totals) == len(PLAIN) + len(ODD)
    assert any(penalty for _, _, penalty in in_book(course, _TOTALS))
    return SimpleNamespace(
        course=course,
        totals=totals,
        canvas=export(course, "CanvasExport", "canvas.csv"),
        moodle=export(course, "MoodleExport", "moodle.csv"),
        plain=export(course, "", "grades.csv"),
    )


def unquoted(text):
    """An id as it was before it was made harmless."""
    return text[1:] if text[:1] == "'" and text[1:2] in "=+-@" else text


def test_no_cell_is_a_formula(exported):
    for rows in (exported.canvas, exported.moodle, exported.plain):
        for row in rows:
            assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r")) and cell != "-"]


# --- Canvas: lib/gradebook_importer.rb -------------------------------------------------------------------------------


def test_canvas_finds_its_columns(exported):
    header = exported.canvas[0]
    assert "Student" in header[0]
    assert "ID" in header[1]
    assert re.search(r"SIS\s+User\s+ID", header[2])
    assert re.search(r"SIS\s+Login\s+ID", header[3])
    assert "Section" in header[4]  # the last column about the student; the assignments come after it
    assert header[5:] == [NAME]
    assert {len(row) for row in exported.canvas} == {6}


def test_canvas_finds_the_points_and_nobody_in_their_place(exported):
    points = [row for row in exported.canvas if "Points Possible" in row[0]]
    assert points == [exported.canvas[1]]
    assert float(points[0][5]) == SHEET.points


def test_canvas_gets_the_gradebooks_marks(exported):
    marks = {unquoted(row[3]): row[5] for row in exported.canvas[2:]}
    assert marks.pop(ABSENT) == ""
    marks["student-01"] = marks.pop("login1")
    assert {student: float(mark) for student, mark in marks.items()} == pytest.approx(exported.totals)
    assert not [mark for mark in marks.values() if not re.fullmatch(r"\d+(\.\d+)?", mark)]


def test_canvas_gets_the_ids_of_the_roster_and_no_wrong_number(exported):
    rows = {unquoted(row[3]): row for row in exported.canvas[2:]}
    assert rows["login1"][:5] == ["O'Neil, Jr., Zoë", "4711", "S1", "login1", "Group 1"]
    assert rows["student-02"][:3] == ["'@x, =cmd|' /C calc'!A0", "", ""]  # Canvas would read "12ab" as the number 12
    assert rows["student-03"][:3] == ["student-03", "", "S3"]


# --- Moodle: grade/import/csv ----------------------------------------------------------------------------------------


def test_moodle_finds_a_user_in_a_column_and_no_grade_where_there_is_none(exported):
    header, *rows = exported.moodle
    assert header == ["First name", "Last name", "ID number", "Username", "Email address", NAME]
    assert len({row[3] for row in rows}) == len(rows) == len(PLAIN) + len(ODD) + 1
    one = {row[3]: row for row in rows}["one"]
    assert one[:5] == ["Zoë", "O'Neil, Jr.", "4711", "one", "one@example.org"]
    assert {row[3]: row for row in rows}[ABSENT][5] == "-"


def test_moodle_gets_the_gradebooks_marks(exported):
    marks = {unquoted(row[3]): row[5] for row in exported.moodle[1:]}
    del marks[ABSENT]
    marks["student-01"] = marks.pop("one")
    assert {student: float(mark) for student, mark in marks.items()} == pytest.approx(exported.totals)


# --- nbgrader's own table --------------------------------------------------------------------------------------------


def test_nbgraders_columns_hold_what_they_say(exported):
    header, *rows = exported.plain
    assert ",".join(header[:7]) == "assignment,duedate,timestamp,student_id,last_name,first_name,email"
    assert ",".join(header[7:]) == "raw_score,late_submission_penalty,score,max_score"
    assert {len(row) for row in rows} == {len(header)}
    marks = {unquoted(row[3]): float(row[9]) for row in rows}
    assert marks.pop(ABSENT) == 0.0
    assert marks == pytest.approx(exported.totals)
    for row in rows:
        assert float(row[9]) == pytest.approx(max(0.0, float(row[7]) - float(row[8])))
        assert float(row[10]) == SHEET.points


# --- what is asked for -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["CanvasExport", "MoodleExport", "CsvExport"])
def test_an_empty_class_and_a_chosen_student(exported, name, tmp_path):
    asked = getattr(exports, name)(to=str(tmp_path / "out.csv"), student=["student-01"], columns={NAME: "Sheet 1 (42)"})
    asked.ids = lambda: exports.lms_ids(exported.course)
    with open_gradebook(exported.course) as book:
        asked.export(book)
    rows = list(csv.reader((tmp_path / "out.csv").open(newline="", encoding="utf-8")))
    assert sum("Zoë" in " ".join(row) for row in rows) == 1
    assert len(rows) == (3 if name == "CanvasExport" else 2)
    assert name == "CsvExport" or rows[0][-1] == "Sheet 1 (42)"
    empty = make_course(tmp_path / "empty")
    asked.student = []
    with open_gradebook(empty) as book:
        asked.export(book)
    assert len((tmp_path / "out.csv").read_text().splitlines()) == (2 if name == "CanvasExport" else 1)
