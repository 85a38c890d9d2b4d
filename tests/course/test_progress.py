"""`gradsheet grade` and `gradsheet report` over several sheets: which, in what order, and what is said in the end."""

import json
import shutil
from types import SimpleNamespace

import nbformat
import pytest
from needs import needs_sandbox
from tiny import TINY, tiny_course

from grading.cli import main
from grading.course import progress
from grading.course.build import build
from grading.course.layout import CourseError
from grading.trusted.ledger import FAILED, GRADED, SET_ASIDE, Intake, Ledger


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    course = tiny_course(tmp_path_factory.mktemp("tiny") / "course")
    for name in TINY:
        build(course, name)
    return course


@pytest.fixture
def course(built, monkeypatch):
    """The course of two sheets, nothing handed in and nothing marked; we are in it."""
    for path in (built.submitted, built.ledger, built.gradebook, built.report):
        shutil.rmtree(path, ignore_errors=True)
        path.unlink(missing_ok=True)
    monkeypatch.chdir(built.root)
    return built


def hand_in(course, student, name, way="None"):
    notebook = nbformat.read(course.assignment(name), as_version=4)
    for cell in notebook.cells:
        if cell.id.endswith("way-answer"):
            cell.source = f"way = {way}"
    path = course.submitted / student / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


@pytest.fixture
def marked(course, monkeypatch):
    """Which sheets and students were asked to be marked. Nothing is: who is called after a state gets it."""
    pretended = SimpleNamespace(asked=[], refuses="")

    def grade(course, name, *, only, sandbox, again, tell):
        pretended.asked.append((name, only))
        if name == pretended.refuses:
            raise CourseError(f"{name} was never built")
        for number, submission in enumerate(progress.handed_in(course, name, only), 1):
            state = submission.student if submission.student in (SET_ASIDE, FAILED) else GRADED
            intake = Intake(submission.student, state, "" if state == GRADED else f"it is {state}")
            Ledger(course.ledger).note_intake(name, "", intake)
            tell(intake, number, 1)

    monkeypatch.setattr(progress, "grade", grade)
    return pretended


def test_every_sheet_for_which_something_was_handed_in(course, marked, capsys):
    hand_in(course, "student-01", TINY[1])
    assert main(["grade"]) == 0
    hand_in(course, "student-01", TINY[0])
    hand_in(course, "student-02", TINY[0])
    assert main(["grade"]) == 0
    assert marked.asked == [(TINY[1], ""), (TINY[0], ""), (TINY[1], "")]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.endswith(GRADED)] == ["1/1", "1/3", "2/3", "3/3"]
    assert lines[1].startswith("1 graded in ")
    assert any(line.startswith("3 graded in ") for line in lines)


def test_one_student_in_every_sheet_or_in_one(course, marked):
    for name in TINY:
        hand_in(course, "student-01", name)
    hand_in(course, "student-02", TINY[0])
    assert main(["grade", "--student", "student-02"]) == 0
    assert main(["grade", "2", "1", "2", "--student", "student-01"]) == 0
    assert marked.asked == [(TINY[0], "student-02"), (TINY[1], "student-01"), (TINY[0], "student-01")]


def test_what_was_not_marked_is_said_again_in_the_end(course, marked, capsys):
    hand_in(course, SET_ASIDE, TINY[0])
    hand_in(course, FAILED, TINY[1])
    hand_in(course, "student-01", TINY[1])
    assert main(["grade"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert f"  {SET_ASIDE}, {TINY[0]}: it is {SET_ASIDE}" in lines
    assert f"  {FAILED}, {TINY[1]}: it is {FAILED}" in lines
    assert any(line.startswith("1 graded, 1 set aside, 1 failed in ") for line in lines)


def test_a_sheet_that_cannot_be_marked_keeps_no_other_from_it(course, marked, capsys):
    for name in TINY:
        hand_in(course, "student-01", name)
    marked.refuses = TINY[0]
    assert main(["grade"]) == 1
    assert marked.asked == [(TINY[0], ""), (TINY[1], "")]
    assert f"{TINY[0]} was never built" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "nothing was handed in: "),
        (["1", "2"], "nothing was handed in for 01_small"),
        (["--student", "student-01"], "nothing from student-01 was handed in: "),
    ],
)
def test_an_empty_class_is_told_in_a_line(options, said, course, marked, capsys):
    assert main(["grade", *options]) == 1
    heard = capsys.readouterr()
    assert said in heard.err
    assert heard.err.count("\n") == 1
    assert marked.asked == []


def test_a_report_on_nothing_is_told_in_a_line(course, capsys):
    assert main(["report"]) == 1
    assert capsys.readouterr().err == "gradsheet: nothing was marked yet; run `gradsheet grade`\n"


def test_two_sheets_from_submissions_to_the_report(course, capsys):
    """Nothing pretended: two sheets marked in the sandbox, and one page on both."""
    needs_sandbox()
    hand_in(course, "student-01", TINY[0], '"a"')
    hand_in(course, "student-01", TINY[1], '"b"')
    hand_in(course, "student-02", TINY[1])
    assert main(["grade"]) == 0
    assert main(["report"]) == 0
    page = course.report / "class.html"
    assert capsys.readouterr().out.splitlines()[-1] == f"Report: {page}"
    said = {each["name"]: each["tables"] for each in json.loads(page.with_suffix(".json").read_text())["sections"]}
    assert list(said) == ["class", *TINY]
    marks = [tuple(row.values()) for row in said["class"]["marks"]]
    assert marks == [("student-01", 2, 2, 0), ("student-02", 0, None, 0)]
    assert [row["students"] for row in said[TINY[1]]["missing"]] == [["student-02"]]
    assert [row["students"] for row in said[TINY[1]]["mistakes"]] == [["student-01"]]
