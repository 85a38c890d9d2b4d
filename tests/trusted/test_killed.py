"""A grader that is killed again and again and goes on leaves the record of one that was never disturbed."""

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import nbformat
import pytest
from hostile import HONEST, NAME, SOLUTION, UNEARNED, Case
from needs import needs_sandbox
from small_course import make_small_course

from grading.course.layout import Course
from grading.trusted.ledger import Ledger

KILLS = 20
HANDED_IN = {
    "right": HONEST["plain"],
    "copied-cell": HONEST["a-copied-test-cell"],
    "one-wrong": Case(SOLUTION | {"norm": "def norm(W, x):\n    return np.outer(W @ x, x)"}),
    "untouched": Case(),
    "hostile": UNEARNED["another-display-hook"],
    "unreadable": Case(raw="no notebook"),
}
pytestmark = pytest.mark.sweep


def start(course):
    return subprocess.Popen(
        [sys.executable, "-m", "grading.cli", "grade", NAME],
        cwd=course.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def rows(path, query):
    connection = sqlite3.connect(path)
    try:
        return sorted(connection.execute(query).fetchall(), key=repr)
    finally:
        connection.close()


def record(course):
    """What the ledger and the gradebook say, apart from when it was said."""
    said = "SELECT sheet, student, submission, judge, seed, exercise, verdict FROM verdict"
    intake = "SELECT sheet, student, submission, judge, state, reason FROM intake"
    grades = (
        "SELECT student.id, base_cell.name, auto_score, manual_score, extra_credit, needs_manual_grade FROM grade"
        " JOIN submitted_notebook ON grade.notebook_id = submitted_notebook.id"
        " JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id"
        " JOIN student ON submitted_assignment.student_id = student.id"
        " JOIN base_cell ON grade.cell_id = base_cell.id"
    )
    pages = [path.relative_to(course.root) for path in sorted(course.root.glob("feedback/**/*.html"))]
    return rows(course.ledger, said), rows(course.ledger, intake), rows(course.gradebook, grades), pages


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A course with everything handed in and its seed drawn."""
    needs_sandbox()
    course = make_small_course(tmp_path_factory.mktemp("killed") / "course")
    release = nbformat.read(course.assignment(NAME), as_version=4)
    for student, case in HANDED_IN.items():
        case.write(release, course.submitted / student / NAME)
    Ledger(course.ledger).seed(NAME, 0)
    return course


@pytest.fixture(scope="module")
def undisturbed(prepared, tmp_path_factory):
    course = copy_of(prepared, tmp_path_factory.mktemp("undisturbed"))
    started = time.monotonic()
    assert start(course).wait(600) in (0, 1)
    return course, time.monotonic() - started


def copy_of(course, folder):
    shutil.copytree(course.root, folder / "course")
    return Course(folder / "course")


def test_an_undisturbed_run_says_something(undisturbed):
    verdicts, intakes, grades, pages = record(undisturbed[0])
    assert [len(verdicts), len(intakes), len(grades), len(pages)] == [20, 6, 20, 5]


@pytest.mark.parametrize("seed", range(KILLS // 5))
def test_killed_five_times_and_resumed(prepared, undisturbed, tmp_path, seed):
    course, rng = copy_of(prepared, tmp_path), random.Random(seed)
    whole, duration = undisturbed
    for _ in range(5):
        grader = start(course)
        try:
            grader.wait(rng.uniform(0.1, duration))
        except subprocess.TimeoutExpired:
            grader.send_signal(signal.SIGKILL)
        grader.communicate()
    last = start(course)
    _, complaint = last.communicate(timeout=600)
    assert last.returncode in (0, 1), complaint
    assert b"Traceback" not in complaint
    assert record(course) == record(whole)
