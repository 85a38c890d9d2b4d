"""The roster: who is on it is known to the gradebook, who is not is set aside until they are."""

import pytest
from classroom import NAME, hand_in, untouched
from needs import needs_sandbox

from grading.course.grade import grade
from grading.course.layout import CourseError
from grading.course.nbgrader_api import open_gradebook
from grading.course.roster import enter_roster
from grading.trusted.ledger import GRADED, SET_ASIDE


def test_without_a_roster_everybody_is_welcome(course):
    assert enter_roster(course) is None


def test_everybody_on_the_roster_is_in_the_gradebook(course):
    course.roster.write_text("id,first_name,email\nstudent-01,One,\n student-02 ,,two@example.org\n,nobody,\n")
    assert enter_roster(course) == {"student-01", "student-02"}
    with open_gradebook(course) as book:
        assert {student.id for student in book.students} == {"student-01", "student-02"}
        assert book.find_student("student-02").email == "two@example.org"


@pytest.mark.parametrize("text", ["", "id\n", "name\nstudent-01\n", "\0\0\n"])
def test_a_roster_without_ids_is_refused_in_one_line(course, text):
    course.roster.write_text(text)
    with pytest.raises(CourseError, match=r"students\.csv") as refusal:
        enter_roster(course)
    assert "\n" not in str(refusal.value)


def test_an_unknown_student_is_set_aside_until_the_roster_knows_them(course):
    needs_sandbox()
    hand_in(course, "student-01", untouched())
    hand_in(course, "student-02", untouched())
    course.roster.write_text("id\nstudent-01\n")
    first, second = grade(course, NAME)
    assert (first.state, second.state) == (GRADED, SET_ASIDE)
    assert "students.csv" in second.reason
    course.roster.write_text("id\nstudent-01\nstudent-02\n")
    assert [intake.state for intake in grade(course, NAME)] == [GRADED, GRADED]
