"""A graph reaches the judge across the channel as at home, as data and as code."""

import numpy as np
import pytest
from graphs import FREE, PAIR, PAIR_STEPS, SMALL, SMALL_STEPS

from autodiff import show
from grading.answers import verify
from grading.notebook.graded import GradedSession
from grading.sheets import Sheet
from grading.trusted.channel import AnswerDesk
from grading.trusted.kernel import scratch_folders

SEED = 20_23
SHEET = Sheet("Graphs", (SMALL, FREE, PAIR))


@pytest.fixture
def place():
    with scratch_folders() as folders:
        yield folders.channel


@pytest.fixture
def desk(place):
    with AnswerDesk(place, SHEET, "student-01", SEED) as desk:
        yield desk


def shared(x, y):
    a = x * y
    return a - np.sin(a)


def pair(x1, x2):
    return np.exp(2 * x2) + x1 * np.sin(3 * x2**2), x1 * x2 + 1 / (1 + np.exp(-x2))


def stub(x, y): ...


def raising(x, y):
    raise ValueError("no idea")


ANSWERS = {
    "data": (SMALL, SMALL_STEPS, "right"),
    "wrong data": (SMALL, SMALL_STEPS | {"f": ("sub", "b", "a")}, "wrong"),
    "formulas": (PAIR, PAIR_STEPS, "right"),
    "a picture": (SMALL, show.graph(shared, 1.0, 2.0), "right"),
    "code": (SMALL, shared, "right"),
    "code with copies": (SMALL, lambda x, y: x * y - np.sin(x * y), "wrong"),
    "code of two outputs": (PAIR, pair, "wrong"),
    "no graph": (SMALL, {"f": ("mul", "x")}, "wrong"),
    "nan": (SMALL, {"f": ("mul", "x", float("nan"))}, "wrong"),
    "an object": (SMALL, object(), "wrong"),
    "too large": (SMALL, {f"n{k}": "x" for k in range(10_000)}, "wrong"),
    "nothing": (SMALL, None, "not attempted"),
    "a stub": (SMALL, stub, "not attempted"),
    "raising": (FREE, raising, "wrong"),
}


@pytest.mark.parametrize(("exercise", "answer", "outcome"), ANSWERS.values(), ids=ANSWERS)
def test_a_graph_is_judged_as_at_home(desk, place, exercise, answer, outcome):
    session = GradedSession("graphs", str(place))
    desk.expect(exercise)
    session.check(exercise.id, answer)
    verdict = desk.collect()
    assert verdict.outcome == outcome, verdict.text()
    assert verdict == verify(exercise, answer, SEED)
