"""Sums on the way back to what was broadcast, and what is made of other inputs alone, are looked at."""

import importlib

import numpy as np
import pytest
from test_slips import exercise

from grading.verify import layouts, verify

planted = importlib.import_module("grading.verify.planted")
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

UNIT = exercise(
    "unit", lambda xp, X, T: xp.sum(T * xp.sin(X / xp.sqrt(xp.sum(X**2, axis=0)))), ("X",), X=(5, 3), T=(5, 3)
)


def unit(summed):
    """The derivative, with what comes back to the lengths of the columns summed as told."""

    def answer(X, T):
        length = np.sqrt((X**2).sum(0))
        U = X / length
        back = T * np.cos(U)
        return back / length - summed(back * U / length) * U

    return answer


def label(asked, answer):
    verdict = verify(asked, answer, seed=3)
    assert verdict.outcome == "wrong"
    return (verdict.causes[0].label, verdict.causes[0].text) if verdict.causes else ("", "")


def test_a_sum_that_is_not_taken_is_named(monkeypatch):
    assert verify(UNIT, unit(lambda back: back.sum(0)), seed=3).outcome == "right"
    said = label(UNIT, unit(lambda back: back))
    assert said[0] == "not summed"
    assert "has to be summed; each of them goes on by itself" in said[1]
    monkeypatch.setattr(planted, "broadcasts", lambda recorded: iter(()))
    assert "goes on by itself" not in label(UNIT, unit(lambda back: back))[1]


def test_a_sum_over_all_is_named():
    said = label(UNIT, unit(np.sum))
    assert said[0] == "summed too much"
    assert "not over the axes alone along which they share it" in said[1]


def test_another_sum_is_not_taken_for_one_of_these():
    assert "summed" not in label(UNIT, unit(lambda back: back.sum(0)[::-1]))[0]


FITTED = exercise(
    "fitted", lambda xp, X, w, y: xp.sum((X @ w - (0.7 * xp.tanh(y) - 0.3)) ** 2), ("w",), X=(7, 3), w=3, y=7
)


def fitted(target):
    return lambda X, w, y: 2 * X.T @ (X @ w - target(y))


CASES = {
    "a term": (lambda y: 0.7 * np.tanh(y), "a path or term dropped", "The term 0.3 of"),
    "its sign": (lambda y: 0.7 * np.tanh(y) + 0.3, "sign of one term", "0.3 of"),
    "a factor": (lambda y: np.tanh(y) - 0.3, "coefficient of one term", "The factor 0.7"),
    "a function": (lambda y: 0.7 * y - 0.3, "a path or term dropped", "tanh is left out"),
}


@pytest.mark.parametrize(("target", "name", "said"), CASES.values(), ids=CASES)
def test_what_is_made_of_other_inputs_is_looked_at_too(target, name, said, monkeypatch):
    assert verify(FITTED, fitted(lambda y: 0.7 * np.tanh(y) - 0.3), seed=3).outcome == "right"
    found = label(FITTED, fitted(target))
    assert found[0] == name
    assert said in found[1]
    monkeypatch.setattr(planted, "prepared", lambda recorded, count: iter(()))
    assert label(FITTED, fitted(target))[0] != name


def test_another_target_is_not_taken_for_one_of_these():
    assert label(FITTED, fitted(lambda y: np.arctan(y * y)))[0] == ""


SUMMED = exercise("summed", lambda xp, X, c: xp.sum(c * xp.sin(xp.sum(X, axis=1))), ("X",), X=(3, 5, 6), c=(3, 6))


@pytest.mark.parametrize("kept", [True, False])
def test_an_axis_that_only_broadcasts_is_named(kept, monkeypatch):
    def answer(X, c):
        back = c * np.cos(X.sum(1))
        return back[:, None, :] if kept else back[:1]

    said = [cause.text for cause in verify(SUMMED, answer, seed=3).causes]
    assert any("they only broadcast" in text for text in said) is kept
    monkeypatch.setattr(layouts, "_broadcasts", lambda seen: False)
    assert not any("they only broadcast" in cause.text for cause in verify(SUMMED, answer, seed=3).causes)
