"""From a folder of submissions to marks: nothing stops the batch, nothing a person did is lost."""

import csv
import json
import shutil
import sqlite3
from types import SimpleNamespace

import pytest
from classroom import FULL, NAME, SHEET, append, cell_of, hand_in, insert, make_course, solved, tree_digest, untouched
from needs import needs_sandbox

from grading.course.grade import grade, read_marks
from grading.course.layout import CourseError
from grading.course.nbgrader_api import open_gradebook
from grading.course.report import write_report
from grading.trusted.ledger import FAILED, GRADED, SET_ASIDE, Ledger

EVERYTHING = sum(FULL.values())
WRONG = "def one_number(x, a):\n    return -2 * a * x * np.cos(a * x**2)"
PROSE = next(item for item in SHEET.exercises if item.id not in FULL)
SPECIAL = ["Ünï cödé (x)", 'o\'neil "x"', "<script>alert(1)<", "a+b {c} %s $HOME"]
PATTERNS = ["*", "[1]", "[bold]", "student-0?"]
UNREADABLE = {
    "student-11": ("not a notebook", f"{NAME}.ipynb"),
    "student-12": ("notes", "notes.txt"),
    "student-13": (b"\xff\xfe", f"{NAME}.ipynb"),
    "a] b": ("", f"{NAME}.ipynb"),
} | dict.fromkeys(PATTERNS, ("{}", f"{NAME}.ipynb"))


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A course after one run over students of all kinds."""
    needs_sandbox()
    course = make_course(tmp_path_factory.mktemp("grade") / "course")
    hand_in(course, "student-01", solved(one_number=WRONG))
    hand_in(course, "student-01", "yesterday", "timestamp.txt")
    helper = "from helper import slope\n\n\ndef one_number(x, a):\n    return slope(x, a)"
    hand_in(course, "student-02", solved(one_number=helper), "my copy.ipynb")
    hand_in(
        course,
        "student-02",
        "import numpy as np\n\n\ndef slope(x, a):\n    return 2 * a * x * np.cos(a * x**2)\n",
        "helper.py",
    )
    for student in SPECIAL:
        hand_in(course, student, untouched())
    for student, (content, file) in UNREADABLE.items():
        hand_in(course, student, content, file)
    before = tree_digest(course.submitted)
    told = []
    intakes = grade(course, NAME, tell=lambda *what: told.append(what))
    return SimpleNamespace(
        course=course,
        intakes={intake.student: intake for intake in intakes},
        told=told,
        before=before,
        marks={marks.student: marks for marks in read_marks(course, NAME)},
    )


def test_everybody_was_looked_at_and_told(graded):
    students = {"student-01", "student-02", *SPECIAL, *UNREADABLE}
    assert graded.intakes.keys() == students
    assert [number for _, number, _ in graded.told] == list(range(1, len(students) + 1))
    assert {total for _, _, total in graded.told} == {len(students)}


@pytest.mark.parametrize("student", ["student-01", "student-02", *SPECIAL])
def test_who_can_be_graded_is(graded, student):
    assert graded.intakes[student].state == GRADED, graded.intakes[student]


def test_names_with_special_characters_get_their_own_marks(graded):
    assert [graded.marks[student].score for student in SPECIAL] == [0.0] * len(SPECIAL)
    assert graded.marks["student-01"].score == EVERYTHING - 1


def test_a_helper_module_beside_the_notebook_can_be_imported(graded):
    assert graded.marks["student-02"].score == EVERYTHING
    assert graded.intakes["student-02"].reason == f"my copy.ipynb was taken for {NAME}.ipynb"


@pytest.mark.parametrize("student", PATTERNS)
def test_a_name_that_nbgrader_takes_for_a_pattern_is_set_aside(graded, student):
    assert "rename the folder" in graded.intakes[student].reason


@pytest.mark.parametrize("student", UNREADABLE)
def test_who_cannot_is_set_aside_with_one_line(graded, student):
    intake = graded.intakes[student]
    assert intake.state == SET_ASIDE
    assert intake.reason
    assert "\n" not in intake.reason
    assert student not in graded.marks


def test_what_was_handed_in_is_as_it_was(graded):
    assert tree_digest(graded.course.submitted) == graded.before


def test_everybody_graded_has_a_feedback_page(graded):
    for student, intake in graded.intakes.items():
        assert graded.course.feedback_page(NAME, student).exists() == (intake.state == GRADED)


def test_the_explanation_is_in_the_feedback(graded):
    page = graded.course.feedback_page(NAME, "student-01").read_text(encoding="utf-8")
    assert "Not right yet: chain.one_number" in page


# --- the report --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def report(graded):
    return write_report(graded.course, NAME)


def test_the_csv_has_the_gradebooks_marks(graded, report):
    with report.with_suffix(".csv").open(newline="", encoding="utf-8") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert rows.keys() >= graded.marks.keys()
    for student, row in rows.items():
        if row["state"] != GRADED:
            assert (row["total"], row["chain.one_number"]) == ("", "")
            continue
        marks = graded.marks[student]
        assert float(row["total"]) == marks.score
        for item in SHEET.checked:
            assert float(row[item.id]) == marks.by_cell[item.cell_id]
    assert rows["student-01"]["chain.one_number"] == "0"


def test_the_page_names_marks_causes_and_reasons(graded, report):
    page = report.read_text(encoding="utf-8")
    assert f"{len(graded.marks)} submissions marked, {len(UNREADABLE)} set aside" in page
    (said,) = json.loads(report.with_suffix(".json").read_text(encoding="utf-8"))["sections"]
    mistakes = {(row["exercise"], row["mistake"]): row["students"] for row in said["tables"]["mistakes"]}
    assert mistakes == {("chain.one_number", "sign"): ["student-01"]}
    aside = {row["students"][0]: row["details"] for row in said["tables"]["person"] if row["why"] == SET_ASIDE}
    assert aside == {student: graded.intakes[student].reason for student in UNREADABLE}
    mended = {row["student"]: row["what"] for row in said["tables"]["remarks"]}
    assert mended["student-02"] == f"my copy.ipynb was taken for {NAME}.ipynb"
    for text in (
        "is not a notebook: line 1 is not JSON",
        mended["student-02"],
        f'<td class="number">{EVERYTHING - 1:g}<',
    ):
        assert text in page


def test_names_are_escaped(report):
    page = report.read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;" in page
    assert "<script" not in page


def test_a_report_on_nothing_says_so(course):
    with pytest.raises(CourseError, match="nothing was marked for 01_chain_rule yet"):
        write_report(course, NAME)


# --- what fails, and goes on -------------------------------------------------------------------------------------


def break_down(monkeypatch, student, error):
    """Marking this student's submission breaks down."""
    from grading.course import grade as module

    collect = module.collect

    def fragile(course, name, submission, release):
        if submission.student == student:
            raise error
        collect(course, name, submission, release)

    monkeypatch.setattr(module, "collect", fragile)


def test_a_breakdown_is_told_tried_again_and_keeps_nobody_from_their_mark(course, monkeypatch):
    needs_sandbox()
    hand_in(course, "student-01", untouched())
    hand_in(course, "student-02", "no notebook")
    with monkeypatch.context() as patched:
        break_down(patched, "student-01", OSError(28, "No space left\non device"))
        first, second = grade(course, NAME)
    assert (first.state, second.state) == (FAILED, SET_ASIDE)
    assert first.reason == "OSError: [Errno 28] No space left on device"
    again, _ = grade(course, NAME)
    assert again.state == GRADED


def test_a_file_that_may_not_be_read_keeps_nobody_from_their_mark(course, monkeypatch):
    needs_sandbox()
    forbidden = hand_in(course, "student-01", "secret", "notes.txt") / "notes.txt"
    hand_in(course, "student-02", "no notebook")
    read_bytes = type(forbidden).read_bytes

    def refuse(path):
        if path == forbidden:
            raise PermissionError(13, "Permission denied", str(path))
        return read_bytes(path)

    monkeypatch.setattr(type(forbidden), "read_bytes", refuse)
    first, second = grade(course, NAME)
    assert (first.state, second.state) == (SET_ASIDE, SET_ASIDE)


def test_stopping_stops_the_whole_batch(course, monkeypatch):
    needs_sandbox()
    hand_in(course, "student-01", untouched())
    from grading.course.marking import MarkedExecute

    def stop(*unused):
        raise KeyboardInterrupt

    monkeypatch.setattr(MarkedExecute, "preprocess", stop)
    with pytest.raises(KeyboardInterrupt):
        grade(course, NAME)


def test_errors_of_the_person_who_grades(course):
    needs_sandbox()
    with pytest.raises(CourseError, match="nothing was handed in for 01_chain_rule"):
        grade(course, NAME)
    hand_in(course, "student-01", untouched())
    with pytest.raises(CourseError, match="nothing from student-02 was handed in"):
        grade(course, NAME, only="student-02")
    course.assignment(NAME).unlink()
    with pytest.raises(CourseError, match="run `gradsheet build 01_chain_rule`"):
        grade(course, NAME)


# --- grading again -----------------------------------------------------------------------------------------------


def by_hand(course, student, score):
    with open_gradebook(course) as book:
        mark = book.find_grade(PROSE.cell_id, NAME, NAME, student)
        mark.manual_score = score
        mark.needs_manual_grade = False
        comment = book.find_comment(PROSE.cell_id, NAME, NAME, student)
        comment.manual_comment = "well argued"
        book.db.commit()


def prose_mark(course, student="student-01"):
    (marks,) = [marks for marks in read_marks(course, NAME) if marks.student == student]
    return marks.by_cell[PROSE.cell_id]


def comment(course, student="student-01"):
    with open_gradebook(course) as book:
        return book.find_comment(PROSE.cell_id, NAME, NAME, student).comment


def rows(course):
    return sqlite3.connect(course.ledger).execute("SELECT count(*) FROM verdict").fetchone()[0]


def in_words(notebook, text="By the chain rule."):
    cell_of(notebook, PROSE.cell_id).source = text
    return notebook


def test_grading_again(course):
    """One story: unchanged work is left alone, changed work is marked anew, marks given by hand stay."""
    needs_sandbox()
    each = len(SHEET.checked)
    hand_in(course, "student-01", in_words(untouched()))
    hand_in(course, "student-02", "nothing yet", "notes.txt")
    grade(course, NAME)
    assert rows(course) == each
    assert prose_mark(course) is None
    by_hand(course, "student-01", 3.0)

    again = grade(course, NAME)
    assert [intake.state for intake in again] == [GRADED, SET_ASIDE]
    assert [intake.reason.count("unchanged since it was marked") for intake in again] == [1, 0]
    assert rows(course) == each

    grade(course, NAME, again=True)
    assert rows(course) == each  # it said the same again
    assert (prose_mark(course), comment(course)) == (3.0, "well argued")

    hand_in(course, "student-01", in_words(solved(), "By the chain rule, and more."))
    grade(course, NAME)
    assert rows(course) == 2 * each
    (marks,) = read_marks(course, NAME)
    assert marks.score == EVERYTHING + 3
    assert (prose_mark(course), comment(course)) == (3.0, "well argued")

    hand_in(course, "student-02", append(untouched(), "x = 1"))
    first, second = grade(course, NAME, only="student-02"), rows(course)
    assert [intake.state for intake in first] == [GRADED]
    assert second == 3 * each

    seed = Ledger(course.ledger).seed(NAME, 0)
    for folder in ("collected", "autograded", "feedback"):
        shutil.rmtree(course.root / folder)
    grade(course, NAME, again=True)
    assert Ledger(course.ledger).seed(NAME, 0) == seed
    assert prose_mark(course) == 3.0


def test_marks_given_by_hand_survive_a_new_release(course):
    """The wording of a graded cell changes after marks were given."""
    needs_sandbox()
    hand_in(course, "student-01", insert(solved(), "x = 1"))
    hand_in(course, "student-02", untouched())
    grade(course, NAME)
    by_hand(course, "student-01", 2.0)
    for path in (course.solution(NAME), course.assignment(NAME)):
        text = path.read_text(encoding="utf-8")
        assert 'check(\\"chain.one_number\\", one_number)' in text
        text = text.replace('check(\\"chain.one_number\\", one_number)', 'check(\\"chain.one_number\\",  one_number)')
        path.write_text(text, encoding="utf-8")
    touched, untouched_by_it = grade(course, NAME)
    assert touched.state == untouched_by_it.state == GRADED
    assert "unchanged since it was marked" in untouched_by_it.reason
    assert rows(course) == 3 * len(SHEET.checked)
    assert prose_mark(course) == 2.0
