"""Sheet 6: what its numbers rest on."""

import jupytext
import numpy as np
import pytest
from masters import COURSE, VARIANTS

import autodiff
from autodiff import colour, eliminate
from grading.answers.prediction import Prediction
from grading.sheets import Variant, load_sheet
from grading.sheets import forward_and_reverse as declared

NAME = "06_forward_and_reverse"
CELLS = jupytext.read(COURSE.master(NAME), fmt="py:percent").cells
SHEETS = {variant: load_sheet(NAME, variant) for variant in VARIANTS}


# --- what the numbers of the sheet rest on -----------------------------------------------------------------------


@pytest.mark.parametrize("shape", declared._CHAINS)
def test_the_cheapest_brackets_are_neither_mode(shape):
    """Against all five ways to set the brackets of four matrices, written out."""
    a, b, c, d, e = shape
    ways = (
        a * b * c + a * c * d + a * d * e,
        b * c * d + a * b * d + a * d * e,
        a * b * c + c * d * e + a * c * e,
        b * c * d + b * d * e + a * b * e,
        c * d * e + b * c * e + a * b * e,
    )
    assert declared.products_of(shape) == min(ways)
    assert (declared.from_left(shape), declared.from_right(shape)) == (ways[0], ways[4])
    assert min(ways) < min(ways[0], ways[4])


@pytest.mark.parametrize("text", declared._GRAPHS)
def test_on_the_graphs_another_order_is_cheaper_than_either_mode(text):
    graph = declared.graph_of(text)
    prices = [eliminate(graph, order)[1] for order in ("optimal", "forward", "reverse")]
    assert len({*prices, len(graph.edges)}) == 4
    assert prices[0] == min(prices)
    results = [eliminate(graph, order)[0] for order in ("optimal", "forward", "reverse")]
    assert all(np.allclose(result, results[0]) for result in results)


@pytest.mark.parametrize("offsets", [(0, 1, 3), (0, 2, 3), (0, 1, 2, 4), (0, 2, 3, 4)])
def test_as_many_colours_as_columns_that_clash_pairwise(offsets):
    pattern = declared.pattern_of(offsets, 20)
    together = pattern[:, 6 : 7 + max(offsets)]
    assert (together.T @ together > 0).all(), "these columns all clash: no fewer colours will do"
    assert max(colour(pattern)) == max(offsets)


def test_a_difference_quotient_is_best_near_the_step_that_is_asked_for():
    """The bound's best step, on functions of known height and bend, against steps of three times and a third of it."""
    rng = np.random.default_rng(0)
    for height, bend in ((0.3, 8.0), (5.0, 0.7), (60.0, 300.0)):
        step = 2 * np.sqrt(2.0**-53 * height / bend)
        points = rng.uniform(-1, 1, size=2000)

        def f(x, height=height, bend=bend):
            return height + np.sin(x) + bend / 2 * (x - 0.1) ** 2

        def error(h, points=points, bend=bend, f=f):
            near = 0.1 + 1e-3 * points
            return np.mean(np.abs((f(near + h) - f(near)) / h - np.cos(near) - bend * (near - 0.1)))

        assert error(step) < min(error(30 * step), error(step / 30))


def test_the_recorded_gradient_is_that_of_the_recorded_computation():
    shown = next(cell.source for cell in CELLS if "tensor(17.4448)" in cell.source)
    assert "AccumulateGrad" in shown
    assert f"{autodiff.grad(lambda x: x * 3 * np.sin(x * 3) + x)(2.0):.6g}" == "17.4448"


def test_predictions_come_true_as_the_sheet_says():
    sheet = SHEETS[VARIANTS[0]]
    happened = {item.id: item.happened() for item in sheet.checked if isinstance(item, Prediction)}
    assert happened == {"modes.guess_error": "b", "modes.guess_crossover": 24}


def test_numbers_by_hand_differ_between_students():
    for name in (
        "evaluations",
        "best_step",
        "table",
        "brackets",
        "memory",
        "chain_order",
        "elimination",
        "colours",
    ):
        statements = {load_sheet(NAME, Variant(0, f"student-{n:02d}"))[f"modes.{name}"].statement for n in range(30)}
        assert len(statements) > 4, name
