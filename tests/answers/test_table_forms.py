"""The ways in which a table is written down, and what is no table at all."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import SHEET, Student, exercise
from test_number import MALFORMED

from grading.answers import verify

SEED = 3
AT = {"x1": 2.3, "x2": 0.7}
RIGHT = Student(SHEET, AT).fill({"x1": 0.0, "x2": 1.0}, "v8")
TITLES = ["value", "tangent", "adjoint"]
TABLE = exercise(SHEET, AT, {"x2": 1.0}, "v8")
VALUES = exercise(SHEET, AT, {"x2": 1.0}, "v8", columns=("value",))
GRID = [[row[title] for title in TITLES] for row in RIGHT.values()]
ONE = {name: row["value"] for name, row in RIGHT.items()}

FORMS = {
    "rows by name": RIGHT,
    "rows by name, each a list": {name: list(row.values()) for name, row in RIGHT.items()},
    "rows by name, each an array": {name: np.array(list(row.values())) for name, row in RIGHT.items()},
    "rows in another order": dict(reversed(RIGHT.items())),
    "a list of dicts": list(RIGHT.values()),
    "a list of lists": GRID,
    "a tuple of tuples": tuple(map(tuple, GRID)),
    "an array": np.array(GRID),
    "an array of objects": np.array(GRID, dtype=object),
    "single precision": np.array(GRID, dtype=np.float32),
    "columns by name": {title: [row[title] for row in RIGHT.values()] for title in TITLES},
    "columns by name, each an array": {title: np.array([row[title] for row in RIGHT.values()]) for title in TITLES},
    "columns by name, each a dict": {title: {name: row[title] for name, row in RIGHT.items()} for title in TITLES},
    "an array of columns": np.array(GRID).T,
}
FORMS_OF_ONE = {
    "by name": ONE,
    "a list": list(ONE.values()),
    "an array": np.array(list(ONE.values())),
    "a column": np.array(list(ONE.values()))[:, None],
    "a row": np.array(list(ONE.values()))[None, :],
    "by its title": {"value": list(ONE.values())},
    "dicts": {name: {"value": number} for name, number in ONE.items()},
}


@pytest.mark.parametrize("answer", FORMS.values(), ids=FORMS)
def test_every_natural_form_is_read(answer):
    verdict = verify(TABLE, answer, SEED)
    assert verdict.outcome == "right", verdict.text()


@pytest.mark.parametrize("answer", FORMS_OF_ONE.values(), ids=FORMS_OF_ONE)
def test_every_natural_form_of_one_column_is_read(answer):
    assert verify(VALUES, answer, SEED).outcome == "right"


def test_rows_may_be_handed_in_by_name():
    assert verify(VALUES, None, SEED, ONE).outcome == "right"


TOLD = {
    "too few rows": (GRID[:-1], "12"),
    "too few columns": ([row[:2] for row in GRID], "3"),
    "a number for a row": (ONE, "3 columns"),
    "no such row": ({"w1": 1.0}, "'w1'"),
    "no such column": ({"v1": {"slope": 1.0}}, "'slope'"),
    "a short column": ({"value": [1.0, 2.0]}, "2 rows"),
    "a column that is a number": ({"value": 1.0}, "'value' is a single number"),
    "no such row in a column": ({"value": {"w1": 1.0}}, "'w1'"),
    "a single number": (3.0, "a single number"),
    "a text": ("v1 = 3", "a text"),
}


@pytest.mark.parametrize(("answer", "told"), TOLD.values(), ids=TOLD)
def test_what_is_no_such_table_is_told_so(answer, told):
    verdict = verify(TABLE, answer, SEED)
    assert (verdict.outcome, verdict.mark) == ("wrong", 0)
    assert told in verdict.problem


def test_a_row_too_many_does_no_harm():
    verdict = verify(TABLE, RIGHT | {"w1": 1.0}, SEED)
    assert verdict.outcome == "right"
    assert "'w1'" in verdict.notes[0]


@pytest.mark.parametrize("part", ["7.389", math.nan, math.inf, True, [1.0], {"value": 1.0}, "x" * 4000], ids=str)
def test_a_place_without_a_number_costs_its_own_row(part):
    verdict = verify(VALUES, {"value": ONE | {"v3": part}}, SEED)
    assert (verdict.outcome, verdict.mark) == ("wrong", 11)
    assert verdict.problem.startswith("v3 is ")
    assert len(verdict.problem) < 80


@pytest.mark.parametrize("nothing", [None, [None] * 12, {"v0": None}, {"value": None}, {"v0": {}}, [{}] * 12, {}])
def test_nothing_is_no_attempt(nothing):
    assert verify(TABLE, nothing, SEED).outcome == "not attempted"


@pytest.mark.parametrize("name", [name for name in MALFORMED if name != "dict"])
def test_malformed_answers_have_an_outcome(name):
    for asked in (TABLE, VALUES):
        verdict = verify(asked, MALFORMED[name], SEED)
        assert (verdict.outcome, verdict.mark) == ("wrong", 0)
        assert verdict.problem
        assert verdict.html()


def test_an_attempt_that_is_interrupted_is_told_so():
    class Slow(dict):
        def items(self):
            while True:
                pass

    quick = exercise(SHEET, AT, {"x2": 1.0}, "v8", limit_s=0.2)
    assert "0.2 seconds" in verify(quick, Slow(v1=2.0), SEED).problem


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=True), st.text(max_size=3), st.sampled_from([1e308, 5])
)
NAMES = st.sampled_from([*SHEET, *TITLES, "", "x"])
ANYTHING = st.recursive(LEAVES, lambda parts: st.one_of(st.lists(parts, max_size=12), st.dictionaries(NAMES, parts)))


@settings(max_examples=50, deadline=None)
@given(ANYTHING)
def test_nothing_that_can_be_written_down_stops_the_judge(answer):
    for asked in (TABLE, VALUES):
        verdict = verify(asked, answer, SEED)
        assert verdict.outcome in ("wrong", "not attempted")
        assert 0 <= verdict.mark < asked.points
        assert verdict == type(verdict).from_json(verdict.json())


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(list(SHEET)), st.floats(allow_nan=False) | st.integers(-(10**300), 10**300)))
def test_any_numbers_are_judged(answer):
    for column in TITLES:
        verdict = verify(TABLE, {column: answer}, SEED)
        assert verdict.outcome in ("wrong", "not attempted")
