"""Marking again: what did not change is left alone, and what a person or a date has said stands."""

from __future__ import annotations

import json
from types import SimpleNamespace

import nbformat
import pytest
from needs import needs_sandbox
from tiny import TINY, tiny_course

from grading.course.build import build
from grading.course.grade import grade, read_marks
from grading.course.grounds import Grounds
from grading.course.nbgrader_api import open_gradebook
from grading.course.restored import source_of

NAME = TINY[0]
_MORE = """ ChoiceExercise(id="small.other", options={"a": "This.", "b": "That."}, points=4),
        Prose("small.why", 3, "3 points for a reason."),
    ))"""
_CELLS = """
# %% answer="small.other"
other = None
### BEGIN SOLUTION
other = "b"
### END SOLUTION

# %% check="small.other"
check("small.other", other)

# %% [markdown]
# Why?

# %% [markdown] prose="small.why"
# As it must be.
"""
_PENALTY = """
from nbgrader.plugins import LateSubmissionPlugin


class Quarter(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return score / 4


c.AssignLatePenalties.plugin_class = Quarter
"""
STANDS = "unchanged since it was marked"


def make(folder):
    """Two sheets, the first with two choices and an answer in words; who hands in late loses a quarter."""
    course = tiny_course(folder)
    declaration = course.root / "sheets" / "small.py"
    text = declaration.read_text().replace("import Sheet", "import Prose, Sheet")
    declaration.write_text(text.replace("),))", f"),\n       {_MORE}"))
    change(course.master(NAME), "\n", "\n", _CELLS)
    change(course.root / "nbgrader_config.py", "\n", "\n", _PENALTY)
    for name in TINY:
        build(course, name)
    return course


def change(path, old, new, more=""):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new) + more, encoding="utf-8")


def hand_in(course, student, answers, name=NAME, words="", timestamp=""):
    """Hand in the notebook with these lines in the place of the untouched ones."""
    notebook = nbformat.read(course.assignment(name), as_version=4)
    for cell in notebook.cells:
        variable = cell.get("id", "").removesuffix("-answer").rpartition("-")[2]
        if variable in answers and cell.id.endswith("-answer"):
            cell.source = f'{variable} = "{answers[variable]}"'
        if words and cell.get("id") == "small-why":
            cell.source = words
    folder = course.submitted / student / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.ipynb").write_text(nbformat.writes(notebook))
    if timestamp:
        (folder / "timestamp.txt").write_text(timestamp)


def by_hand(course, student, cell, **given):
    with open_gradebook(course) as book:
        mark = book.find_grade(cell, NAME, NAME, student)
        for what, value in given.items():
            setattr(mark, what, value)
        if "manual_score" in given:
            mark.needs_manual_grade = False
            book.find_comment("small-why", NAME, NAME, student).manual_comment = "well argued"
        book.db.commit()


def comment(course, student):
    with open_gradebook(course) as book:
        return book.find_comment("small-why", NAME, NAME, student).comment


def marks(course):
    return {row.student: row for row in read_marks(course, NAME)}


def marked_anew(course, name=NAME, **how):
    return {intake.student for intake in grade(course, name, **how) if STANDS not in intake.reason}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A class of three, of which one is late, with marks by hand; then the story goes on."""
    needs_sandbox()
    course = make(tmp_path_factory.mktemp("again") / "course")
    hand_in(course, "both", {"way": "a", "other": "b"}, words="Since.", timestamp="2026-03-02 12:00:00 UTC")
    hand_in(course, "first", {"way": "b"}, words="Because.")
    hand_in(course, "none", {}, words="So.")
    hand_in(course, "both", {"way": "a"}, TINY[1])
    for name in TINY:
        grade(course, name)
    with open_gradebook(course) as book:
        book.update_or_create_assignment(NAME, duedate="2026-03-01 12:00:00 UTC")
    by_hand(course, "both", "small-why", manual_score=2.0)
    by_hand(course, "both", "small-other", extra_credit=1.0)
    by_hand(course, "first", "small-why", manual_score=3.0)
    by_hand(course, "first", "small-way", manual_score=0.5)
    return course


def test_marking_again(course):
    """One story, as each step takes its time."""
    assert marked_anew(course) == set()  # and the penalty follows the date and the marks given by hand
    before = marks(course)
    assert (before["both"].score, before["both"].penalty, before["both"].total) == (9.0, 2.25, 6.75)
    assert (before["first"].total, before["none"].total) == (3.5, 0.0)

    change(course.master(NAME), "# Why?", "# Why is it so?")
    change(course.master(NAME), "other = None\n### BEGIN SOLUTION\n", "other = None\n### BEGIN SOLUTION\n# The same.\n")
    build(course, NAME)
    assert marked_anew(course) == set()

    change(course.master(NAME), 'check("small.other", other)', 'check("small.other",  other)')
    build(course, NAME)
    assert marked_anew(course) == {"both"}
    assert marked_anew(course, TINY[1]) == set()
    assert marks(course) == before
    assert marked_anew(course) == set()

    hand_in(course, "first", {"way": "a", "other": "b"}, words="Because, and more.")
    assert marked_anew(course) == {"first"}
    first = marks(course)["first"]
    assert first.by_cell == {"small-way": 0.5, "small-other": 4.0, "small-why": 3.0}
    assert first.by_hand == {"small-way", "small-why"}
    assert marks(course)["both"] == before["both"]

    assert marked_anew(course, again=True) == {"both", "first", "none"}
    assert marks(course) == before | {"first": first}
    assert comment(course, "both") == comment(course, "first") == "well argued"

    change(course.root / "solutions" / NAME / "numbers.csv", "2.5", "3")
    build(course, NAME)
    assert marked_anew(course) == {"both", "first", "none"}
    assert marks(course) == before | {"first": first}
    assert marked_anew(course, TINY[1]) == set()


# --- what marks rest on ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def grounds(tmp_path_factory):
    """A course, and how to say what its marks rest on once something was changed in its release."""
    course = make(tmp_path_factory.mktemp("grounds") / "course")

    def of(edit=lambda cells: None):
        release = nbformat.read(course.assignment(NAME), as_version=4)
        edit({cell.id: cell for cell in release.cells})
        return Grounds.of_release(course, NAME, release)

    return SimpleNamespace(course=course, of=of, earlier=str(of()))


def test_an_exercises_cells_points_and_key_touch_it_alone(grounds):
    def source(cells):
        cells["small-way"].source += "\n"

    def points(cells):
        cells["small-other"].metadata.nbgrader.points = 9

    assert grounds.of().touched_since(grounds.earlier) == set()
    assert grounds.of(source).touched_since(grounds.earlier) == {"small.way"}
    assert grounds.of(points).touched_since(grounds.earlier) == {"small.other"}
    path = grounds.course.assignments / NAME / "keys.json"
    keys = path.read_text()
    other = json.loads(keys)
    other["keys"]["small.other"]["salt"] = "00"
    path.write_text(json.dumps(other))
    assert grounds.of().touched_since(grounds.earlier) == {"small.other"}
    path.write_text(keys)


def test_code_that_all_share_and_the_declaration_touch_everything(grounds):
    def setup(cells):
        cells["setup"].source += "\nimport math"

    def text(cells):
        for cell in cells.values():
            if cell.cell_type == "markdown" and "nbgrader" not in cell.metadata:
                cell.source = source_of(cell) + " And more."

    assert grounds.of(setup).touched_since(grounds.earlier) is None
    assert grounds.of(text).touched_since(grounds.earlier) == set()
    declaration = grounds.course.root / "sheets" / "small.py"
    kept = declaration.read_text()
    declaration.write_text(kept + "# new\n")
    assert grounds.of().touched_since(grounds.earlier) is None
    declaration.write_text(kept)


@pytest.mark.parametrize("earlier", ["", "a1b2", "[]", '{"": "x"}'])
def test_what_an_older_ledger_says_is_no_ground(grounds, earlier):
    assert grounds.of().touched_since(earlier) is None


def test_a_submission_is_all_its_files(grounds, tmp_path):
    (tmp_path / "a").write_text("1")
    one = grounds.of().with_submission(tmp_path)
    assert one.touched_since(str(grounds.of().with_submission(tmp_path))) == set()
    (tmp_path / "a").rename(tmp_path / "b")
    assert grounds.of().with_submission(tmp_path).touched_since(str(one)) is None
