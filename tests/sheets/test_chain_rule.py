"""Sheet 1: what it draws lets no mistake hide, at any seed and variant."""

from itertools import product

import numpy as np
import pytest
from masters import VARIANTS, answer_to, rehearsal

from grading.notebook.session import PUBLIC_SEED
from grading.sheets import Variant, load_sheet
from grading.verify import Exercise
from grading.verify.sampling import edge_question, fresh_question

NAME = "01_chain_rule"
SHEETS = {variant: load_sheet(NAME, variant) for variant in VARIANTS}
IDS = [item.id for item in SHEETS[VARIANTS[0]].checked if isinstance(item, Exercise)]


def everything():
    return [pytest.param(variant, name, id=f"{name}-{variant.number}") for variant, name in product(VARIANTS, IDS)]


@pytest.mark.parametrize("name", IDS)
def test_the_solution_is_right_at_any_seed(name):
    run = rehearsal(NAME)
    for seed in range(30):
        verdict = run.judged(name, run.solutions[name], seed)
        assert (verdict.outcome, verdict.causes, verdict.notes) == ("right", (), ()), verdict.text()


def points_of(item, seed, draws=3):
    edge = edge_question(item, seed)
    fresh = [fresh_question(item, seed, number).point for number in range(draws)]
    return fresh if edge is None else [*fresh, edge.point]


@pytest.mark.parametrize(("variant", "name"), everything())
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


@pytest.mark.parametrize("name", IDS)
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
        right = answer_to(item, rehearsal(NAME).solutions[name])
        answers.add(right)
        assert right != 0, item.given
        assert all(f"{value:g}" in item.statement for value in item.given.values())
    assert len(answers) > 5
