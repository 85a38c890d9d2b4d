"""What is said of known answers that do not come to what they must, and of exercises of which too little is known."""

from dataclasses import replace

import pytest
from classroom import NAME, REPOSITORY

from grading.course.build import BuildError
from grading.course.master import read_attempts
from grading.course.proof import misjudged, shortfalls
from grading.course.rehearsal import Rehearsal
from grading.sheets import Variant

ATTEMPTS = read_attempts(REPOSITORY, NAME)
RIGHT = next(attempt for attempt in ATTEMPTS if attempt.expect == "right")
WRONG = next(attempt for attempt in ATTEMPTS if attempt.cause)


@pytest.fixture(scope="module")
def rehearsal():
    return Rehearsal(REPOSITORY, NAME, Variant(0))


OTHERWISE = {
    "another outcome": (replace(WRONG, expect="right"), "wrong where right is expected"),
    "another mark": (replace(WRONG, mark=0.25), "where 0.25 is expected"),
    "another cause": (replace(WRONG, cause="half precision"), "its causes are to be half precision, and are "),
    "one cause more": (replace(WRONG, cause=f"{WRONG.cause}, half precision"), "half precision"),
    "none, and why": (replace(WRONG, cause="", unnamed="it is a guess"), "its causes are to be none, and are "),
    "another sentence": (replace(WRONG, because="Moon and stars."), "is not told 'Moon and stars.'"),
    "right, with a cause": (replace(RIGHT, cause="sign"), "its causes are to be sign, and are none"),
    "solved as wrong": (replace(RIGHT, expect="wrong", mark=0.0), "right where wrong is expected"),
}


@pytest.mark.parametrize(("attempt", "said"), OTHERWISE.values(), ids=OTHERWISE)
def test_what_a_known_answer_does_not_come_to_is_said_in_one_line(rehearsal, attempt, said):
    found = misjudged(attempt, rehearsal.judged(attempt.exercise, attempt.source, 17))
    assert said in found
    assert "\n" not in found


@pytest.mark.parametrize("attempt", [RIGHT, WRONG], ids=["right", "wrong"])
def test_of_what_comes_to_what_it_must_nothing_is_said(rehearsal, attempt):
    assert misjudged(attempt, rehearsal.judged(attempt.exercise, attempt.source, 17)) == ""


def lacking(attempts):
    return [line for line in shortfalls(REPOSITORY.declared(NAME), attempts) if line.startswith(f"{WRONG.exercise}: ")]


def test_every_shortfall_is_told():
    of_it = [attempt for attempt in ATTEMPTS if attempt.exercise == WRONG.exercise]
    wrong = [attempt for attempt in of_it if attempt.expect == "wrong"]
    right = [attempt for attempt in of_it if attempt.expect == "right"]
    assert lacking(of_it) == []
    assert "2 wrong answers are known" in lacking([*wrong[:2], *right])[0]
    assert "no unusual right answer" in lacking(wrong)[0]
    assert "without cause=" in lacking([*of_it, replace(WRONG, cause="")])[0]
    assert lacking([*of_it, replace(WRONG, cause="", unnamed="it is a guess")]) == []


def test_of_what_is_everybodys_own_nothing_is_left_behind(rehearsal):
    """An answer is judged as it is alone, whatever was judged before it."""
    before = rehearsal.judged(WRONG.exercise, WRONG.source, 3)
    rehearsal.judged(WRONG.exercise, "def unheard_of(): pass\n" + rehearsal.solutions[WRONG.exercise], 3)
    assert replace(rehearsal.judged(WRONG.exercise, WRONG.source, 3)) == before
    assert "unheard_of" not in rehearsal.names


def test_a_solution_that_fails_is_told_in_one_line(course):
    master = course.master(NAME)
    master.write_text(master.read_text().replace("open_sheet(", "raise ValueError('no luck')\nopen_sheet(", 1))
    with pytest.raises(BuildError, match=r"variant 5 anna: the cell .* fails: ValueError: no luck") as refusal:
        Rehearsal(course, NAME, Variant(5, "anna"))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ('cause="path, banana"', 'cause="banana" is not in the catalogue'),
        ('cause="sign" unnamed="why"', "unnamed= is for a wrong answer without a cause="),
    ],
)
def test_headers_that_say_too_much_are_refused(course, header, said):
    master = course.master(NAME)
    master.write_text(master.read_text().replace('cause="transposed"', header, 1))
    with pytest.raises(BuildError, match=said):
        read_attempts(course, NAME)
