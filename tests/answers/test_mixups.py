"""Numbers of a table that were made of the wrong things: each kind is named on a list of this test's own."""

import numpy as np
import pytest
from tables import Student, exercise
from test_table import SEED, causes_of, statuses

from grading.answers import verify

# v3 has two terms, one of them a product; v4 divides.
STEPS = {
    "v0": ("x", {"x": "1"}),
    "v1": ("xp.tanh(y)", {"y": "1 - v1 ** 2"}),
    "v2": ("0.5 * v0 ** 2", {"v0": "v0"}),
    "v3": ("3 * v2 * v1 + v0", {"v2": "3 * v1", "v1": "3 * v2", "v0": "1"}),
    "v4": ("v3 / v1", {"v3": "1 / v1", "v1": "-v4 / v1"}),
}
AT, ALONG = {"x": 1.3, "y": 0.7}, {"x": 1.7, "y": -0.4}


def named(column, row, number):
    """What is said of one number in the table."""
    right = Student(STEPS, AT).fill(ALONG, "v4")
    places = {name: {c: right[name][c] for c in ("value", "tangent", "adjoint")} for name in right}
    wrong = right | {row: right[row] | {column: round(float(number(places)), 3)}}
    verdict = verify(exercise(STEPS, AT, ALONG, "v4"), wrong, SEED)
    assert statuses(verdict)[row, column] == "wrong"
    return verdict.causes


CASES = {
    "a part of a value": ("value", "v3", lambda p: 3 * p["v2"]["value"] * p["v1"]["value"], "a path or term dropped"),
    "the half left out": ("value", "v2", lambda p: 1.3**2, "factor 2 too many"),
    "half of an adjoint": ("adjoint", "v3", lambda p: 0.5 * p["v3"]["adjoint"], "factor 2 missing"),
    "no slopes": (
        "tangent",
        "v3",
        lambda p: p["v2"]["tangent"] + p["v1"]["tangent"] + p["v0"]["tangent"],
        "inner derivative forgotten",
    ),
    "the value for its slope": (
        "tangent",
        "v1",
        lambda p: -0.4 * p["v1"]["value"],
        "the value instead of its derivative",
    ),
    "a slope in another operand": (
        "adjoint",
        "v2",
        lambda p: 3 * p["v2"]["value"] * p["v3"]["adjoint"],
        "another row used",
    ),
    "half of a term": (
        "tangent",
        "v3",
        lambda p: 1.5 * np.tanh(0.7) * 2.21 + 3 * 0.845 * -0.4 / np.cosh(0.7) ** 2 + 1.7,
        "coefficient of one term",
    ),
    "tangents multiplied": (
        "tangent",
        "v3",
        lambda p: 3 * p["v2"]["tangent"] * p["v1"]["tangent"] + p["v0"]["tangent"],
        "product rule misapplied",
    ),
    "the square forgotten": (
        "adjoint",
        "v1",
        lambda p: -p["v3"]["value"] / p["v1"]["value"] + 3 * p["v2"]["value"] * p["v3"]["adjoint"],
        "wrong power",
    ),
    "the numerator forgotten": (
        "adjoint",
        "v1",
        lambda p: -1 / p["v1"]["value"] ** 2 + 3 * p["v2"]["value"] * p["v3"]["adjoint"],
        "inner derivative forgotten",
    ),
    "another row's adjoint": ("adjoint", "v1", lambda p: p["v3"]["adjoint"], "another row used"),
}


@pytest.mark.parametrize(("column", "row", "number", "label"), CASES.values(), ids=CASES)
def test_it_is_named(column, row, number, label):
    causes = named(column, row, number)
    assert causes
    assert causes[0].label == label, causes


def test_a_plainer_mistake_comes_first():
    (cause,) = causes_of("tangent", "v3", lambda right: right["v2"]["tangent"])
    assert "passed on as it is" in cause.text


@pytest.mark.parametrize("column", ["value", "tangent", "adjoint"])
def test_nothing_is_named_for_numbers_out_of_the_blue(column):
    """Of wrong numbers with three decimals hardly one is what some mistake gives."""
    rng = np.random.default_rng(5)
    said = [
        named(column, "v3", lambda p: p["v3"][column] * rng.uniform(0.3, 3) + rng.uniform(-1, 1)) for _ in range(25)
    ]
    assert sum(map(bool, said)) <= 1
