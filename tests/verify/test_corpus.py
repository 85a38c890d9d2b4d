"""The corpus: wrong answers are caught and their mistakes named, right ones pass and have none."""

import pytest
from corpus import development, development_more, held_out
from corpus.__main__ import table

from grading.verify import verify
from grading.verify.diagnose import FAMILIES, MISTAKES

DEVELOPMENT = development.PROBLEMS + development_more.PROBLEMS
EVERYTHING = DEVELOPMENT + held_out.PROBLEMS
FIRST_GUESS, FAMILY = 0.85, 0.95

# A student's code may overflow; what NumPy says of it is for the student.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def share(counts, row):
    return counts[row].hits / counts[row].of


def test_every_label_is_in_the_catalogue():
    assert {wrong.label for problem in EVERYTHING for wrong in problem.wrong} <= MISTAKES


def test_the_corpus_is_large_enough():
    assert len(EVERYTHING) >= 12
    counts = dict.fromkeys(FAMILIES, 0)
    for problem in EVERYTHING:
        for wrong in problem.wrong:
            counts[wrong.label] += 1
    few = {label for label, count in counts.items() if count < 4}
    assert few <= {"another subgradient at a kink"}, few


@pytest.mark.parametrize("problem", EVERYTHING, ids=lambda problem: problem.exercise.id)
def test_no_mistake_is_named_for_a_right_answer(problem):
    for answer in problem.right:
        verdict = verify(problem.exercise, answer, seed=1)
        assert verdict.outcome != "right" or not verdict.causes, verdict.text()


def test_mistakes_of_a_sample_are_named():
    sample = tuple(problem for number, problem in enumerate(EVERYTHING) if number % 5 == 0 and not problem.awkward)
    counts = table(sample, range(1))
    assert share(counts, "mistake named, first guess") >= FIRST_GUESS, counts["mistake named, first guess"].missed
    assert share(counts, "mistake named, family of the first") >= FAMILY
    assert share(counts, "right answers passed, with edge points") == 1, counts


@pytest.mark.sweep
@pytest.mark.parametrize("problems", [DEVELOPMENT, held_out.PROBLEMS], ids=["development", "held out"])
def test_mistakes_are_named(problems):
    counts = table(problems, range(3))
    assert share(counts, "mistake named, first guess") >= FIRST_GUESS, counts["mistake named, first guess"].missed
    assert share(counts, "mistake named, family of the first") >= FAMILY
    assert share(counts, "wrong answers caught, fresh points") >= 0.985
    assert share(counts, "right answers passed, with edge points") == 1
