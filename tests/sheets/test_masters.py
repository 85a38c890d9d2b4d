"""Every sheet against its own master: solutions, stubs and known answers get what they must, in any variant."""

import shutil
from itertools import product

import pytest
from masters import COURSE, NAMES, rehearsal

from grading.answers import fault_of
from grading.answers.bug import BugExercise
from grading.answers.prediction import Prediction
from grading.course.build import build
from grading.course.layout import CONFIG, Course
from grading.course.master import read_attempts
from grading.course.proof import faults, hidden_lines, known_answers, leaks, misjudged, shortfalls
from grading.notebook.session import PUBLIC_SEED
from grading.sheets import Variant, load_sheet
from grading.verify import Verdict
from grading.verify.lint import lint

SEEDS = (PUBLIC_SEED, 2**31 - 1)
ANSWERS = [
    pytest.param(name, answer, id=f"{answer.exercise}-{answer.expect}-{answer.cause or 'unnamed'}")
    for name in NAMES
    for answer in known_answers(COURSE, name)
]


@pytest.mark.parametrize(("name", "answer"), ANSWERS)
def test_an_answer_gets_what_it_must(name, answer):
    for seed in SEEDS:
        verdict = rehearsal(name).judged(answer.exercise, answer.source, seed)
        assert misjudged(answer, verdict) == ""
        assert Verdict.from_json(verdict.json()) == verdict


@pytest.mark.parametrize("name", NAMES)
def test_enough_is_known_of_every_exercise(name):
    assert list(shortfalls(load_sheet(name), read_attempts(COURSE, name))) == []


@pytest.mark.parametrize("name", NAMES)
def test_known_answers_are_all_different(name):
    given = [answer for answer in known_answers(COURSE, name) if answer.expect != "not attempted"]
    assert len({answer.source for answer in given}) == len(given)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_solution_is_released(name):
    assert all(hidden_lines(source) for source in rehearsal(name).solutions.values())
    assert list(leaks(COURSE, name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_hints_are_ladders_that_do_not_begin_with_the_code(name):
    for item in load_sheet(name).checked:
        assert len(item.hints) == 3 or (isinstance(item, Prediction) and not item.hints), item.id
        assert not item.hints or "np." not in item.hints[0], item.id


# --- any variant, any student ------------------------------------------------------------------------------------


def student(number):
    return f"student-{number:02d}"


@pytest.mark.parametrize(("name", "number"), [*product(NAMES, range(6))])
def test_a_variant_can_be_judged_and_lets_no_mistake_hide(name, number):
    for item in load_sheet(name, Variant(number, student(number))).checked:
        assert fault_of(item, number) == "", item.id
        assert not lint(item.mended if isinstance(item, BugExercise) else item)


@pytest.mark.sweep
@pytest.mark.parametrize(("number", "name"), [*product([*range(1, 20, 3), 2027], NAMES)])
def test_a_variant_keeps_every_promise(name, number):
    assert list(faults(COURSE, name, Variant(number, student(number)), number)) == []


@pytest.mark.sweep
@pytest.mark.parametrize("name", NAMES)
def test_what_is_a_students_own_is_judged_alike_for_all(name):
    answers = known_answers(COURSE, name)
    for number in range(20):
        run = rehearsal(name).of_student(student(number))
        for answer in answers:
            if run.items[answer.exercise].is_personal:
                assert misjudged(answer, run.judged(answer.exercise, answer.source, number)) == "", student(number)


@pytest.mark.sweep
@pytest.mark.parametrize(("number", "name"), [*product([1, 2027], NAMES)])
def test_a_variant_builds(name, number, tmp_path):
    shutil.copyfile(COURSE.root / CONFIG, tmp_path / CONFIG)
    shutil.copytree(COURSE.solutions / name, tmp_path / "solutions" / name)
    assert build(Course(tmp_path), name, variant=number)
    assert list(leaks(Course(tmp_path), name)) == []
