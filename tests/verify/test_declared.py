"""Wrong answers that an exercise knows: who gives the same numbers is told what is wrong, and nobody else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from grading.verify import Exercise, verify
from grading.verify.exercise import WrongAnswer

WORDS = "The cosine was taken where the square is."
EXERCISE = Exercise(
    id="mine.two",
    function=lambda xp, W, x: xp.sum((W @ x) ** 2),
    inputs=lambda rng: {"W": rng.normal(size=(3, 5)), "x": rng.normal(size=5)},
    wrt=("W", "x"),
    points=2,
)


def right(W, x):
    return 2 * np.outer(W @ x, x), 2 * W.T @ (W @ x)


def odd(W, x):
    return np.outer(np.cos(W @ x) + 0.3, x), 2 * W.T @ (W @ x)


def odd_otherwise(W, x):
    """The same numbers on another way."""
    return np.einsum("i,j->ij", 0.3 + np.cos(np.dot(W, x)), x), right(W, x)[1]


def odd_where_positive(W, x):
    return (odd if (W @ x)[0] > 0 else right)(W, x)


def half_odd(W, x):
    return odd(W, x)[0], 7 * x**3


def knowing(answer):
    return replace(EXERCISE, wrong_answers=(WrongAnswer(answer, WORDS),))


def told(exercise, answer, seed=17):
    return [cause.text for cause in verify(exercise, answer, seed).causes]


def test_who_gives_the_same_numbers_is_told():
    assert WORDS not in told(EXERCISE, odd)
    for answer in (odd, odd_otherwise):
        verdict = verify(knowing(odd), answer, 17)
        assert [cause.text for cause in verdict.causes] == [f"W: {WORDS}"]
        assert (verdict.outcome, verdict.mark) == ("wrong", 1.0)


@pytest.mark.parametrize("answer", [right, odd_where_positive, lambda W, x: -right(W, x)[0], lambda W, x: None])
def test_who_does_not_is_not(answer):
    assert not [text for text in told(knowing(odd), answer) if WORDS in text]
    assert verify(knowing(odd), answer, 17).outcome == verify(EXERCISE, answer, 17).outcome


def test_the_same_numbers_in_one_block_are_told_of_that():
    assert f"W: {WORDS}" in told(knowing(odd), half_odd)


def test_it_is_said_before_a_name_of_the_catalogue():
    def negative(W, x):
        return tuple(-block for block in right(W, x))

    assert [cause.label for cause in verify(EXERCISE, negative, 17).causes] == ["sign"]
    assert told(knowing(negative), negative) == [WORDS]


@pytest.mark.parametrize("answer", [lambda W, x: 1 / 0, lambda W, x: None, lambda: 3, lambda W, x: (W, x, x), "text"])
def test_a_known_answer_without_such_numbers_explains_nothing(answer):
    assert told(knowing(answer), odd) == told(EXERCISE, odd)


def test_numbers_worked_out_by_hand_are_known_as_well():
    by_hand = Exercise(id="mine.hand", function=lambda x: x**3, given={"x": 2.0}, wrt=("x",), decimals=1)
    knows = replace(by_hand, wrong_answers=(WrongAnswer(37.3, WORDS),))
    assert told(knows, 37.3) == [WORDS]
    assert WORDS not in told(knows, 37.6)
