"""Sheet 2 against what is known of its function without any code of the course, and its variants."""

import math
from itertools import pairwise

import networkx as nx
import pytest
from masters import VARIANTS, answer_to, rehearsal

from grading.answers import fault_of, verify
from grading.answers.graph import GraphExercise
from grading.answers.number import NumberExercise
from grading.answers.prediction import Prediction
from grading.answers.table import TableExercise
from grading.sheets import Variant, load_sheet
from grading.verify import Exercise
from grading.verify.lint import lint

NAME = "02_computational_graphs"
SHEETS = {variant: load_sheet(NAME, variant) for variant in VARIANTS}


# --- variants --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(12))
def test_further_variants_can_be_judged_and_what_is_ones_own_is_solved(number):
    for item in load_sheet(NAME, Variant(number, "" if number % 2 else "student-02")).checked:
        assert fault_of(item, number) == ""
        if item.is_personal:
            answer = answer_to(item, rehearsal(NAME).solutions[item.id])
            assert verify(item, answer, 5).outcome == "right", item.id


PERSONAL = ["graphs.own_graph", "graphs.own_tables", "graphs.toy_table", "graphs.paths_sum", "graphs.extended"]


@pytest.mark.parametrize("name", PERSONAL)
def test_students_have_exercises_of_their_own_and_keep_them(name):
    shown = [load_sheet(NAME, Variant(0, f"student-{number:02d}"))[name].shown for number in range(20)]
    assert len(set(shown)) > 4
    assert shown[3] == load_sheet(NAME, Variant(0, "student-03"))[name].shown


@pytest.mark.parametrize("number", range(20))
def test_no_number_of_ones_own_hides_a_mistake(number):
    sheet = load_sheet(NAME, Variant(3, f"student-{number:02d}"))
    given = sheet["graphs.own_tables"].given
    x1, x2 = given["x1"], given["x2"]
    e, u = math.exp(2 * x2), 3 * x2**2
    rows = [x1, x2, 2 * x2, e, x2**2, u, math.sin(u), x1 * math.sin(u), x1 * x2]
    assert min(abs(a - b) for i, a in enumerate(rows) for b in rows[:i]) > 0.03
    assert abs(2 * e + 12 * x1 * x2 / 2 * math.cos(u)) > 0.1
    assert not {abs(x1), abs(x2)} & {0.0, 1.0, 2.0}
    for name in ("own_tables", "toy_table"):
        assert all(
            f"{value:g}" in sheet[f"graphs.{name}"].statement for value in sheet[f"graphs.{name}"].given.values()
        )


@pytest.mark.parametrize("number", range(20))
def test_the_derivative_over_paths_is_the_sum_over_all_of_them(number):
    item = load_sheet(NAME, Variant(number, "student-07"))["graphs.paths_sum"]
    graph = nx.DiGraph()
    graph.add_weighted_edges_from(item.given["edges"])
    assert nx.is_directed_acyclic_graph(graph)
    products = [
        math.prod(graph.edges[edge]["weight"] for edge in pairwise(path))
        for path in nx.all_simple_paths(graph, "x", "l")
    ]
    assert item.value() == sum(products)
    assert 5 <= len(products) <= 9
    assert {wrong() for wrong in item.mistakes.values()}.isdisjoint({item.value(), -item.value()})
    assert all(f"{tail} \\to {head}" in item.statement for tail, head, _ in item.given["edges"])


@pytest.mark.parametrize("number", range(6))
def test_nothing_in_the_sheet_lets_mistakes_hide(number):
    exercises = [item for item in load_sheet(NAME, Variant(number)).checked if isinstance(item, Exercise)]
    assert [said for exercise in exercises for said in lint(exercise)] == []


# --- what is known of the function -----------------------------------------------------------------------------------

PRINTED = {
    "graphs.trace": {"value": [2, 1, 2, 7.389, 1, 3, 0.141, 0.282, 7.671, 2, 0.731, 2.731]},
    "graphs.forward": {
        "d/dx1": [1, 0, 0, 0, 0, 0, 0, 0.141, 0.141, 1, 0, 1],
        "d/dx2": [0, 1, 2, 14.778, 2, 6, 5.940, 11.880, 2.898, 2, 0.197, 2.197],
    },
    "graphs.reverse": {
        "of y1": [0.141, 2.898, 7.389, 1, -5.940, -1.980, 2, 0, 1, 0, 0, 0],
        "of y2": [1, 2.197, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
    },
}
WRONG_IN_PRINT = {"graphs.trace": [], "graphs.forward": ["d/dx2 v6", "d/dx2 v7"], "graphs.reverse": ["of y1 v7"]}


@pytest.mark.parametrize("name", PRINTED)
def test_the_published_tables_are_wrong_where_the_sheet_says_and_right_elsewhere(name):
    item = SHEETS[VARIANTS[0]][name]
    assert isinstance(item, TableExercise)
    rows = [row.name for row in item.trace.rows]
    wrong = [
        f"{title} {row}"
        for title, printed in PRINTED[name].items()
        for row, number in zip(rows, printed, strict=True)
        if abs(item.titled[title].true[row] - number) > 0.5001e-3
    ]
    assert wrong == WRONG_IN_PRINT[name]


def value_at(x1, x2, nudged="", by=0.0):
    """Both outputs, with one row nudged; in plain Python."""
    v = {}

    def put(name, number):
        v[name] = number + (by if name == nudged else 0.0)

    put("v0", x1)
    put("v1", x2)
    put("v2", 2 * v["v1"])
    put("v3", math.exp(v["v2"]))
    put("v4", v["v1"] ** 2)
    put("v5", 3 * v["v4"])
    put("v6", math.sin(v["v5"]))
    put("v7", v["v0"] * v["v6"])
    put("v8", v["v3"] + v["v7"])
    put("v9", v["v0"] * v["v1"])
    put("v10", 1 / (1 + math.exp(-v["v1"])))
    put("v11", v["v9"] + v["v10"])
    return v


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.number)
def test_adjoints_are_what_a_nudge_does(variant):
    item = SHEETS[variant]["graphs.own_tables"]
    x1, x2 = item.given.values()
    for row in value_at(x1, x2):
        up, down = value_at(x1, x2, row, 1e-6), value_at(x1, x2, row, -1e-6)
        slope = (up["v8"] - down["v8"]) / 2e-6
        assert item.titled["of y1"].true[row] == pytest.approx(slope, rel=1e-5, abs=1e-7)
        slope = (value_at(x1, x2, "v1", 1e-6)[row] - value_at(x1, x2, "v1", -1e-6)[row]) / 2e-6
        assert item.titled["d/dx2"].true[row] == pytest.approx(slope, rel=1e-5, abs=1e-7)


def test_the_graph_has_the_twelve_nodes_and_fourteen_arrows_that_are_predicted():
    graph = SHEETS[VARIANTS[0]]["graphs.draw"]
    arrows = {(source, name) for name, step in graph.reference.steps.items() for source in step.names()}
    assert (len(graph.reference.steps) + len(graph.input_names), len(arrows)) == (12, 14)
    assert SHEETS[VARIANTS[0]]["graphs.guess_arrows"].happens() == len(arrows)
    back = SHEETS[VARIANTS[0]]["graphs.draw_back"].steps
    assert (len(back["nodes"]), len(back["edges"])) == (12, 14)
    names = {"x1": "v0", "x2": "v1", "y1": "v8", "y2": "v11"}
    turned = {tuple(names.get(node, node).replace("v", "a") for node in arrow[::-1]) for arrow in arrows}
    assert turned == {tuple(edge[:2]) for edge in back["edges"]}


def test_the_ladder_has_as_many_paths_as_is_revealed():
    graph = nx.MultiDiGraph()
    for rung in range(5):
        graph.add_edge(rung, rung + 1)
        graph.add_edge(rung, rung + 1)
    assert len(list(nx.all_simple_paths(graph, 0, 5))) == 2**5
    assert SHEETS[VARIANTS[0]]["graphs.guess_paths"].happens() == 2**20


def test_every_kind_of_answer_is_asked_for_and_has_three_hints():
    checked = SHEETS[VARIANTS[0]].checked
    kinds = {type(item).__name__ for item in checked}
    assert kinds >= {"GraphExercise", "TableExercise", "NumberExercise", "ChoiceExercise", "BugExercise", "Prediction"}
    for item in checked:
        assert len(item.hints) == (0 if isinstance(item, Prediction) else 3), item.id
    assert sum(isinstance(item, GraphExercise) for item in checked) == 6
    assert sum(isinstance(item, NumberExercise) for item in checked) == 1
