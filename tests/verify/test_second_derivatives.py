"""Mistakes in second derivatives and in values that follow from matrices, on functions of these tests' own."""

import importlib

import numpy as np
import pytest
from test_slips import exercise

from grading.verify import faults, misread, verify

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def peak(xp, z, c):
    m = xp.max(z)
    return m + xp.log(xp.sum(c**2 * xp.exp(z - m)))


PEAK = exercise("peak", peak, ("z",), asks="hessian_diagonal", z=6, c=6)
BENT = exercise("bent", lambda xp, a, H: xp.sin(a) @ H @ xp.sin(a), ("a",), asks="hessian_diagonal", a=5, H=(5, 5))
ROWS = exercise("rows", lambda xp, A, x: xp.sum(A**3, axis=0) * x, (), asks="value", A=(5, 3), x=3)


def shares(z, c):
    powers = c**2 * np.exp(z - z.max())
    return powers / powers.sum()


def bent(a, H, used):
    s, c = np.sin(a), np.cos(a)
    return 2 * c**2 * np.diag(used) - s * ((used + used.T) @ s)


def test_right_answers_are_right():
    for asked, answer in (
        (PEAK, lambda z, c: shares(z, c) * (1 - shares(z, c))),
        (BENT, lambda a, H: bent(a, H, H)),
        (ROWS, lambda A, x: np.sum(A**3, axis=0) * x),
    ):
        verdict = verify(asked, answer, seed=2)
        assert (verdict.outcome, verdict.causes) == ("right", ())


def test_a_first_derivative_is_told_where_a_maximum_is_taken_out():
    (cause,) = verify(PEAK, shares, seed=2).causes
    assert (cause.label, "first derivative" in cause.text) == ("another derivative", True)


def test_the_diagonal_of_a_matrix_alone_is_named():
    (cause,) = verify(BENT, lambda a, H: bent(a, H, np.diag(np.diag(H))), seed=2).causes
    assert (cause.label, cause.text) == ("diagonal only", "Only the diagonal of H is used.")


def test_what_is_left_when_the_diagonal_is_dropped_is_something_else():
    causes = verify(BENT, lambda a, H: bent(a, H, H - np.diag(np.diag(H))), seed=2).causes
    assert "diagonal only" not in [cause.label for cause in causes]


def test_a_sum_before_its_power_is_named():
    causes = verify(ROWS, lambda A, x: np.sum(A, axis=0) ** 3 * x, seed=2).causes
    assert [cause.label for cause in causes] == ["wrong power"]
    assert "power and sum are in the wrong order" in causes[0].text


def test_each_piece_is_needed(monkeypatch):
    monkeypatch.setattr(misread, "_own_diagonal", lambda matrix: matrix)
    assert not verify(BENT, lambda a, H: bent(a, H, np.diag(np.diag(H))), seed=2).causes
    monkeypatch.setattr(misread, "_in_wrong_order", lambda recorded: iter(()))
    assert not verify(ROWS, lambda A, x: np.sum(A, axis=0) ** 3 * x, seed=2).causes
    hold = faults.Recorded._hold_shifts

    def held(self):
        self.asks = self.question.exercise.asks
        hold(self)

    monkeypatch.setattr(faults.Recorded, "_hold_shifts", held)
    assert "another derivative" not in [cause.label for cause in verify(PEAK, shares, seed=2).causes]


def test_curvature_that_no_value_shows_is_had_from_the_gradient(monkeypatch):
    """Without PyTorch, where the function's own rounding is larger than what its curvature changes."""
    monkeypatch.setattr("grading.verify.oracles._torch", lambda: (None, None))
    flat = exercise("flat", lambda xp, x: xp.log(xp.sum(xp.exp(x / 1e6))), ("x",), asks="hessian_diagonal", x=5)

    def answer(x, times=1.0):
        p = np.exp(x / 1e6) / np.sum(np.exp(x / 1e6))
        return times * p * (1 - p) / 1e12

    assert verify(flat, answer, seed=1).outcome == "right"
    assert verify(flat, lambda x: answer(x, 1.5), seed=1).outcome == "wrong"
    bench = importlib.import_module("grading.verify.bench")
    monkeypatch.setattr(bench, "second_difference_witness", lambda question: None)
    assert verify(flat, lambda x: answer(x, 1.5), seed=1).outcome == "inconclusive"
