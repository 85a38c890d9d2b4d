"""Sheet 1 against its own master: solutions, stubs and known answers get what they must, at any seed and variant."""

from collections import defaultdict
from functools import cache
from itertools import product
from pathlib import Path

import jupytext
import numpy as np
import pytest
from masters import described, stub_of

from grading.answers import verify
from grading.answers.graph import GraphExercise
from grading.answers.keys import Key, Keyed
from grading.answers.prediction import Prediction
from grading.course.build import read_attempts
from grading.course.layout import Course
from grading.notebook.session import PUBLIC_SEED, statement_of
from grading.sheets import Variant, load_sheet
from grading.verify import Exercise, Verdict
from grading.verify.lint import lint
from grading.verify.plain import plain
from grading.verify.sampling import edge_question, fresh_question

NAME = "01_chain_rule"
COURSE = Course(Path(__file__).parents[2])
VARIANTS = [Variant(0), Variant(1), Variant(2027, "student-01")]
SHEETS = {variant: load_sheet(NAME, variant) for variant in VARIANTS}
ATTEMPTS = read_attempts(COURSE, NAME)
IDS = [item.id for item in SHEETS[VARIANTS[0]].checked]
ANSWERS = {
    cell.metadata["answer"]: cell.source
    for cell in jupytext.read(COURSE.master(NAME), fmt="py:percent").cells
    if "answer" in cell.metadata
}

CALLED = {"chain.draw": "draw_l", "chain.bug": "gradient"}
EXERCISES = [item.id for item in SHEETS[VARIANTS[0]].checked if isinstance(item, Exercise)]

# A wrong answer may overflow; what NumPy says of it is for the student.
pytestmark = pytest.mark.filterwarnings("ignore:.* encountered in :RuntimeWarning")


def answer_of(source, item):
    """What an answer cell hands in: the answer, and what is said beside it."""
    names = {"np": np, "task": statement_of(item)}
    exec(source, names)
    said = {"line": names["line"]} if item.id == "chain.bug" else None
    return names[CALLED.get(item.id, item.id.rpartition(".")[2])], said


@cache
def item_of(variant, name):
    """An exercise with its key, if it has one."""
    item = load_sheet(NAME, variant)[name]
    if not (isinstance(item, Keyed) and item.needs_key):
        return item
    answer, said = answer_of(ANSWERS[name], item)
    return item.with_key(Key.of(item.salt, item.parts(plain(said or answer))))


def everything(ids=IDS):
    return [pytest.param(variant, name, id=f"{name}-{variant.number}") for variant, name in product(VARIANTS, ids)]


@pytest.mark.parametrize(("variant", "name"), everything())
def test_the_solution_is_right_and_nothing_is_at_fault(variant, name):
    item = item_of(variant, name)
    solution, said = answer_of(ANSWERS[name], item)
    for seed in range(30 if isinstance(item, Exercise) else 5):
        verdict = verify(item, solution, seed, said)
        assert (verdict.outcome, verdict.mark, verdict.causes) == ("right", item.points, ()), verdict.text()
        assert not verdict.notes or isinstance(item, Prediction)


@pytest.mark.parametrize("number", range(2, 10))
def test_the_solutions_of_further_variants_are_right(number):
    variant = Variant(number, "student-02")
    for name in IDS:
        item = item_of(variant, name)
        solution, said = answer_of(ANSWERS[name], item)
        for seed in range(3):
            assert verify(item, solution, seed, said).outcome == "right", item.id


@pytest.mark.parametrize(("variant", "name"), everything())
def test_the_untouched_stub_is_not_attempted(variant, name):
    item = item_of(variant, name)
    answer, said = answer_of(stub_of(ANSWERS[name]), item)
    verdict = verify(item, answer, PUBLIC_SEED, said)
    assert (verdict.outcome, verdict.mark) == ("not attempted", 0.0)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.number)
@pytest.mark.parametrize("attempt", ATTEMPTS, ids=described)
def test_known_answers_get_what_they_must(attempt, variant):
    item = item_of(variant, attempt.exercise)
    answer, said = answer_of(attempt.source, item)
    for seed in (PUBLIC_SEED, 0, 1, 2**31 - 1):
        verdict = verify(item, answer, seed, said)
        named = {cause.label for cause in verdict.causes}
        assert (verdict.outcome, verdict.mark) == (attempt.expect, pytest.approx(attempt.mark)), verdict.text()
        if not isinstance(item, GraphExercise):
            assert named == ({attempt.cause} if attempt.cause else set()), verdict.text()
        assert Verdict.from_json(verdict.json()) == verdict


def test_there_are_enough_known_answers():
    count = defaultdict(int)
    for attempt in ATTEMPTS:
        count[attempt.exercise, attempt.expect] += 1
    for name in IDS:
        assert count[name, "right"] >= 1, name
        assert count[name, "wrong"] >= 3, name
    assert len(IDS) >= 10


def test_known_answers_are_all_different():
    sources = [attempt.source for attempt in ATTEMPTS] + list(ANSWERS.values())
    assert len(set(sources)) == len(sources)


def points_of(item, seed, draws=3):
    edge = edge_question(item, seed)
    fresh = [fresh_question(item, seed, number).point for number in range(draws)]
    return fresh if edge is None else [*fresh, edge.point]


@pytest.mark.parametrize(("variant", "name"), everything(EXERCISES))
def test_no_two_sizes_can_be_confused(variant, name):
    """Lengths that meet in one exercise are equal only where a matrix product or a sum makes them so."""
    item = SHEETS[variant][name]
    (point, *_) = points_of(item, 0, 1)
    lengths = {size for value in point.values() for size in np.shape(value)}
    assert not lengths & {1, 2, 4}
    for value in point.values():
        assert len(set(np.shape(value))) == np.ndim(value), "a square matrix hides a transpose"


@pytest.mark.parametrize("variant", [Variant(number) for number in range(12)], ids=lambda variant: variant.number)
def test_sizes_of_a_variant_are_distinct(variant):
    shapes = fresh_question(load_sheet(NAME, variant)["chain.error_at_input"], 0, 0).point
    (middle, inner), (outer, _) = shapes["W1"].shape, shapes["W2"].shape
    assert len({inner, middle, outer}) == 3


def real_inputs(item):
    return [name for name in item.wrt if not item.is_data]


@pytest.mark.parametrize("name", EXERCISES)
def test_both_signs_occur(name):
    """What is right for positive numbers only is asked for negative ones too, where students check and in grading."""
    item = SHEETS[VARIANTS[0]][name]
    for key in real_inputs(item):
        asked = np.concatenate([np.ravel(point[key]) for point in points_of(item, PUBLIC_SEED)])
        assert asked.min() < 0 < asked.max(), key


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.number)
def test_every_draw_of_the_relu_layer_has_both_branches(variant):
    item = SHEETS[variant]["chain.relu_layer"]
    for seed in range(30):
        for point in points_of(item, seed):
            a = point["W"] @ point["x"] + point["b"]
            assert a.min() < -0.2
            assert a.max() > 0.2


@pytest.mark.parametrize("name", ["chain.paths_by_hand"])
def test_numbers_by_hand_differ_between_students_and_are_not_degenerate(name):
    answers = set()
    for number, student in product(range(3), range(30)):
        item = load_sheet(NAME, Variant(number, f"student-{student:02d}"))[name]
        right, _ = answer_of(ANSWERS[name], item)
        answers.add(right)
        assert right != 0, item.given
        assert all(f"{value:g}" in item.statement for value in item.given.values())
    assert len(answers) > 5


def test_hints_never_give_the_code_away_at_once():
    for item in SHEETS[VARIANTS[0]].checked:
        assert len(item.hints) == (0 if isinstance(item, Prediction) else 3), item.id
        assert "np." not in "".join(item.hints[:1])


@pytest.mark.parametrize("number", range(5))
def test_nothing_in_the_sheet_lets_mistakes_hide(number):
    sheet = load_sheet(NAME, Variant(number))
    assert [said for name in EXERCISES for said in lint(sheet[name])] == []
