"""Names of all kinds: marked, reported and exported under their own name, or refused in one clear line."""

import csv
import unicodedata
from types import SimpleNamespace

import pytest
from classroom import NAME, hand_in, make_course, solved, untouched
from needs import needs_sandbox

from grading.course.grade import grade, read_marks
from grading.course.ids import alike_in, likeness, unfit_id
from grading.course.layout import CourseError
from grading.course.nbgrader_api import nbgrader_api, open_gradebook
from grading.course.report import write_report
from grading.course.roster import enter_roster
from grading.sheets import Variant
from grading.trusted.ledger import GRADED, SET_ASIDE, Ledger

UMLAUT = "Zoë Müller"
APART = unicodedata.normalize("NFD", "jürgen")  # as some computers write folders
LONG = "n" * 200
FITTING = [UMLAUT, "דנה כהן", "محمد", "李雷", LONG, "jürgen", "=1+1", "-x", "#5,; 'q'"]
UNFIT = {"back\\slash": "slash", "x\u202ey": "cannot be printed", "gap ": "begins or ends with a blank"}
CLASHING = {"Ann", "ann", "ﬁn", "FIN", unicodedata.normalize("NFD", "é"), "é", "a b", "a  b"}


def handed_in_by(course, *folders):
    for folder in folders:
        hand_in(course, folder, untouched())


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A class of odd names without a roster."""
    needs_sandbox()
    course = make_course(tmp_path_factory.mktemp("ids") / "course")
    handed_in_by(course, *set(FITTING) - {"jürgen"}, APART, *UNFIT, *CLASHING)
    hand_in(course, UMLAUT, solved())
    hand_in(course, "李雷", untouched(), f"{NAME} (1).ipynb")
    intakes = grade(course, NAME)
    return SimpleNamespace(
        course=course,
        intakes=intakes,
        state={intake.student: intake for intake in intakes},
        report=write_report(course, NAME),
    )


@pytest.mark.parametrize("student", FITTING)
def test_it_is_graded_under_its_own_name(graded, student):
    assert graded.state[student].state == GRADED, graded.state[student]
    assert graded.course.feedback_page(NAME, student).is_file()


def test_the_gradebook_has_exactly_them_each_with_their_own_mark(graded):
    marks = {row.student: row.score for row in read_marks(graded.course, NAME)}
    assert marks.keys() == set(FITTING)
    assert {student for student, score in marks.items() if score} == {UMLAUT}


@pytest.mark.parametrize(("student", "reason"), UNFIT.items())
def test_it_is_set_aside_in_one_line(graded, student, reason):
    (intake,) = [intake for intake in graded.intakes if intake.student in (student, ascii(student)[1:-1])]
    assert (intake.state, intake.reason.count("\n")) == (SET_ASIDE, 0)
    assert reason in intake.reason
    assert "rename the folder" in intake.reason


def test_whose_folders_cannot_be_told_apart_are_set_aside_all_of_them(graded):
    aside = [intake for intake in graded.intakes if "alone; rename one" in intake.reason]
    assert len(aside) == len(CLASHING)
    assert {intake.student for intake in aside} == {unicodedata.normalize("NFC", name) for name in CLASHING}
    assert {intake.state for intake in aside} == {SET_ASIDE}
    assert "that of ann/" in {intake.student: intake.reason for intake in aside}["Ann"]


def test_a_second_notebook_of_a_student_is_told(graded):
    assert f"only {NAME}.ipynb was marked, not {NAME} (1).ipynb beside it" in graded.state["李雷"].reason


def test_the_report_has_everybody_and_no_formula(graded):
    with graded.report.with_suffix(".csv").open(newline="", encoding="utf-8") as file:
        students = [row["student"] for row in csv.DictReader(file)]
    assert {name.removeprefix("'") for name in students} >= set(FITTING)
    assert "'=1+1" in students
    assert "=1+1" not in students


def test_every_odd_name_is_in_the_page_as_text(graded):
    page = graded.report.read_text(encoding="utf-8")
    assert UMLAUT in page
    assert "דנה כהן" in page
    assert "\u202e" not in page


# --- with a roster ---------------------------------------------------------------------------------------------------


def test_the_roster_says_which_of_two_folders_it_is(course):
    needs_sandbox()
    handed_in_by(course, "Ann", "ann", APART, "stranger")
    course.roster.write_text("id\nann\njürgen\n", encoding="utf-8")
    said = {intake.student: (intake.state, intake.reason) for intake in grade(course, NAME)}
    assert said["ann"] == said["jürgen"] == (GRADED, "")
    assert said["Ann"] == (SET_ASIDE, "not in students.csv, which has 'ann'; rename the folder if that is who it is")
    assert said["stranger"] == (SET_ASIDE, "not in students.csv; add a line there and grade again")
    with open_gradebook(course) as book:
        assert {student.id for student in book.students} == {"ann", "jürgen"}


def test_two_folders_of_one_student_on_the_roster_leave_the_earlier_mark(course):
    needs_sandbox()
    course.roster.write_text("id\njürgen\n", encoding="utf-8")
    hand_in(course, "jürgen", solved())
    grade(course, NAME)
    before = read_marks(course, NAME)
    hand_in(course, APART, untouched())
    first, second = grade(course, NAME, only=APART)
    assert (first.state, second.state) == (SET_ASIDE, SET_ASIDE)
    assert "the marks of an earlier submission stand" in first.reason
    assert read_marks(course, NAME) == before
    assert len(Ledger(course.ledger).intakes(NAME)) == 1


@pytest.mark.parametrize(
    ("ids", "reason"),
    [
        (["ann", "Ann"], "'Ann' would be taken for 'ann'"),
        (["é", unicodedata.normalize("NFD", "é")], "'é' stands there twice"),
        (["a/b"], "slash"),
        (["a\\b"], "slash"),
        (["a*"], "pattern"),
        (["ü" * 200], "longer than 255 bytes"),
        (["x\u202ey"], "cannot be printed"),
    ],
)
def test_a_roster_that_cannot_work_is_refused_in_one_line(course, ids, reason):
    course.roster.write_text("\n".join(["id", *ids]) + "\n", encoding="utf-8")
    with pytest.raises(CourseError, match=r"students\.csv") as refusal:
        enter_roster(course)
    assert reason in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_names_of_all_kinds_may_stand_on_a_roster(course):
    with course.roster.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "last_name"], *[[student, "O/Neil\n=2"] for student in FITTING]])
    assert enter_roster(course) == set(FITTING)


def test_an_empty_class(course):
    needs_sandbox()
    course.submitted.mkdir()
    for step in (lambda: grade(course, NAME), lambda: write_report(course, NAME)):
        with pytest.raises(CourseError, match="nothing was") as refusal:
            step()
        assert "\n" not in str(refusal.value)
    course.roster.write_text("id\n")
    with pytest.raises(CourseError, match="a line per student"):
        enter_roster(course)
    with open_gradebook(course) as book:
        assert book.students == []
    assert nbgrader_api(course).get_submitted_students(NAME) == set()


# --- what is alike ---------------------------------------------------------------------------------------------------


def test_what_is_taken_for_one_another():
    assert likeness("Straße") == likeness("STRASSE")
    assert likeness("a  b") == likeness("A\u00a0b")
    assert alike_in("ann", ["bob", "ANN"]) == "ANN"
    assert alike_in("ann", ["ann", "anna", "a-nn"]) == ""


def test_what_may_be_an_id():
    assert not [name for name in FITTING if unfit_id(name)]
    assert all(unfit_id(name) for name in ("a/b", "..", " a", "a\n", "[x]", "\udcff", "ü" * 200))


def test_an_umlaut_is_one_however_it_is_stored():
    composed, apart = (Variant(0, unicodedata.normalize(form, "jürgen")) for form in ("NFC", "NFD"))
    assert composed.own_rng("x").integers(10**9) == apart.own_rng("x").integers(10**9)
