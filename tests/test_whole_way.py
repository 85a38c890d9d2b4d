"""The whole way once: the simulated class is handed in, graded, given feedback and reported on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from classroom import NAME, make_course
from needs import needs_sandbox

from grading.course.grade import grade, read_marks
from grading.course.layout import Course
from grading.course.report import write_report
from grading.course.simulated import Simulated, simulated_class, unexpected_marks
from grading.trusted.ledger import GRADED, SET_ASIDE, Intake


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    needs_sandbox()
    return make_course(tmp_path_factory.mktemp("whole_way") / "course", quick=True)


@pytest.fixture(scope="module")
def simulated(course: Course) -> list[Simulated]:
    return simulated_class(course, NAME)


@pytest.fixture(scope="module")
def intakes(course: Course, simulated: list[Simulated]) -> list[Intake]:
    for one in simulated:
        one.write(course.submitted / one.student / NAME)
    return grade(course, NAME)


@pytest.fixture
def graded(course: Course, intakes: list[Intake]) -> Course:
    return course


def test_there_are_at_least_twenty_four_of_them(simulated: list[Simulated]) -> None:
    assert len(simulated) >= 24
    assert len({one.does for one in simulated}) >= 20


def test_every_submission_gets_exactly_its_mark(graded: Course, simulated: list[Simulated]) -> None:
    assert unexpected_marks(read_marks(graded, NAME), simulated) == {}


def test_a_wrong_expected_mark_would_be_found(graded: Course, simulated: list[Simulated]) -> None:
    marks = read_marks(graded, NAME)
    for one in simulated:
        for exercise, mark in one.marks.items():
            other = replace(one, marks=one.marks | {exercise: mark + 0.5})
            assert unexpected_marks(marks, [other]) == {one.student: [exercise]}


def test_what_cannot_be_read_is_set_aside_with_a_line_and_the_rest_is_graded(
    intakes: list[Intake], simulated: list[Simulated]
) -> None:
    aside = [intake for intake in intakes if intake.state == SET_ASIDE]
    assert len(aside) == 3
    assert all(intake.reason and "\n" not in intake.reason for intake in aside)
    assert sum(intake.state == GRADED for intake in intakes) == len(simulated) - len(aside)


def test_prose_waits_for_a_person(graded: Course) -> None:
    by_student = {marks.student: marks.by_cell for marks in read_marks(graded, NAME)}
    assert by_student["student-01"]["chain-lemma"] is None
    assert by_student["student-02"]["chain-lemma"] == 0.0  # untouched


def test_every_graded_student_has_a_feedback_page_without_the_seed(graded: Course, intakes: list[Intake]) -> None:
    for intake in intakes:
        page = graded.feedback_page(NAME, intake.student)
        assert page.exists() == (intake.state == GRADED)
        if page.exists():
            assert "seed" not in page.read_text(encoding="utf-8")


def test_the_report_names_the_mistakes_and_who_was_set_aside(graded: Course, intakes: list[Intake]) -> None:
    page = write_report(graded, NAME).read_text(encoding="utf-8")
    for word in ("transposed", "sign", "changes its arguments", *(i.student for i in intakes)):
        assert word in page


def test_a_second_run_repeats_nothing(graded: Course, simulated: list[Simulated]) -> None:
    before = {path: path.stat().st_mtime_ns for path in (graded.root / "autograded").rglob("*.ipynb")}
    grade(graded, NAME)
    assert {path: path.stat().st_mtime_ns for path in (graded.root / "autograded").rglob("*.ipynb")} == before
