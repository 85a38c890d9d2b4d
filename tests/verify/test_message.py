"""The map of wrong entries: what it shows, in text and HTML, and what it must not."""

import re

import numpy as np
from judged import GRADIENT, JACOBIAN, on_numbers

from grading.verify import Exercise, Verdict, verify
from grading.verify.layout import heat_map


def some_wrong(W, x):
    dW, dx = GRADIENT.right(W, x)
    dW[1] *= 2
    dW[0, 3] *= 1.001
    dW[2, 1] *= 0.8
    return dW, dx


EXPECTED = ("···▁·", "█████", "·▄···")


def test_a_sign_per_entry():
    verdict = verify(GRADIENT.exercise, some_wrong, seed=2)
    assert verdict.blocks[0].heat == EXPECTED
    assert verdict.blocks[1].heat == ()
    assert Verdict.from_json(verdict.json()).blocks[0].heat == EXPECTED
    lines = verdict.text().splitlines()
    at = next(number for number, line in enumerate(lines) if "off by half or more" in line)
    assert [line.replace(" ", "") for line in lines[at + 1 : at + 5]] == [
        "01234",
        *(f"{number}{row}" for number, row in enumerate(EXPECTED)),
    ]


def test_the_same_in_words():
    page = verify(GRADIENT.exercise, some_wrong, seed=2).html()
    (spoken,) = re.findall(r'role="img" aria-label="([^"]*)"', page)
    assert spoken == ("Entries of W that differ, counted from 0. row 0: column 3; row 1: all; row 2: column 1")


def test_no_map_where_it_would_say_nothing():
    assert verify(JACOBIAN.exercise, lambda W, x: 3 * JACOBIAN.right(W, x), seed=1).blocks[0].heat == ()
    assert verify(JACOBIAN.exercise, JACOBIAN.right, seed=1).maps() == []
    vector = on_numbers(lambda xp, x: xp.sum(x**2), lambda rng: rng.normal(size=5))
    assert verify(vector, lambda x: 2 * x + (x == x[0]), seed=1).blocks[0].heat == ()
    wide = np.zeros((3, 200), dtype=bool)
    wide[0, 0] = True
    assert heat_map(wide, 1.0 * wide, 1.0 + wide) == ()


def test_numbers_worked_out_by_hand_are_not_given_away():
    A, x = np.arange(6.0).reshape(2, 3) / 7, np.array([0.5, 1.5, -2])
    exercise = Exercise(
        id="by.hand", function=lambda xp, A, x: xp.sum((A @ x) ** 2), given={"A": A, "x": x}, wrt=("A",), decimals=2
    )
    right = np.round(2 * np.outer(A @ x, x), 2)
    off = right + np.array([[0.02, 0, 0], [0, 50, 0]])
    verdict = verify(exercise, off, seed=1)
    assert verdict.blocks[0].heat == ("×··", "·×·")  # by how much is not told
    assert verdict.blocks[0].worst.witnesses == {}
    said = verdict.text() + verdict.html()
    assert all(f"{value:g}" not in said for value in (right[0, 0], right[1, 1]))
