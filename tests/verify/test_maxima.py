"""Maxima passed on to the wrong entries, powers in their exponents, other units, sentences that were not true."""

import importlib

import numpy as np
import pytest
from test_slips import exercise

from grading.verify import Exercise, activations, exponents, probes, verify, walks
from grading.verify.sampling import fresh_question

planted = importlib.import_module("grading.verify.planted")
far_fetched = importlib.import_module("grading.verify.far_fetched")
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def cause(asked, answer, seed=3):
    """The first cause that is said of a wrong answer."""
    verdict = verify(asked, answer, seed=seed)
    assert verdict.outcome == "wrong"
    return verdict.causes[0] if verdict.causes else None


PEAKS = exercise("peaks", lambda xp, X, v: xp.sum(v * xp.exp(xp.min(X, axis=0))), ("X",), X=(5, 3), v=3)


def peaks(mask):
    return lambda X, v: mask(X) * v * np.exp(X.min(0))


def test_a_minimum_passed_to_other_entries_is_named():
    assert verify(PEAKS, peaks(lambda X: X.min(0) == X), seed=3).outcome == "right"
    of_rows = cause(PEAKS, peaks(lambda X: X.min(1, keepdims=True) == X))
    assert (of_rows.label, "smallest entries along its own axis, not to those along axis 1" in of_rows.text) == (
        "wrong axis",
        True,
    )
    of_all = cause(PEAKS, peaks(lambda X: X.min() == X))
    assert (of_all.label, "of the whole array" in of_all.text) == ("summed too much", True)
    of_others = cause(PEAKS, peaks(lambda X: np.sort(X, axis=0)[1] == X))
    assert of_others is None or "of the whole array" not in of_others.text


def positive(rng):
    return {"x": rng.uniform(0.3, 2.5, 5), "n": rng.uniform(1.2, 2.8), "v": rng.normal(size=5)}


POWERS = Exercise("own.powers", lambda xp, x, n, v: xp.sum(v * x**n), positive, wrt=("x", "n"))


def powers(in_base=lambda x, n: n * x ** (n - 1), in_exponent=lambda x, n: x**n * np.log(x)):
    return lambda x, n, v: (v * in_base(x, n), np.sum(v * in_exponent(x, n)))


def test_a_power_in_its_exponent():
    assert verify(POWERS, powers(), seed=3).outcome == "right"
    for written, slope in exponents._IN_EXPONENT.items():
        said = cause(POWERS, powers(in_exponent=slope))
        assert said is not None, written
    both = cause(POWERS, powers(in_exponent=lambda x, n: n * x ** (n - 1) * np.log(x)))
    assert (both.label, "is not n * x**(n - 1) * log(x)" in both.text) == ("wrong power", True)
    once_more = cause(POWERS, powers(in_base=lambda x, n: (n - 1) * x ** (n - 2)))
    assert (once_more.label, "in x is not (n - 1) * x**(n - 2)" in once_more.text) == ("wrong power", True)
    assert cause(POWERS, powers(in_exponent=lambda x, n: x**n * np.arctan(x + n))) is None


GATES = exercise(
    "gates", lambda xp, W, x, v: xp.sum(v * ((W @ x) / (1 + xp.exp(-(W @ x))))), ("x",), W=(5, 3), x=3, v=5
)


def test_a_unit_that_is_its_argument_times_a_sigmoid_is_known():
    def answer(W, x, v):
        y = (W @ x) / (1 + np.exp(-(W @ x)))
        return W.T @ (v * y * (1 - y))

    said = cause(GATES, answer)
    assert (said.label, "SiLU is not output * (1 - output)" in said.text) == (
        "activation derivative of the wrong form",
        True,
    )


def carried(xp, W, s, v):
    for _ in range(4):
        s = xp.tanh(W @ s)
    return xp.sum(v * s)


CARRIED = exercise("carried", carried, ("W", "s"), W=(5, 5), s=5, v=5)


def carrying(sloped):
    def answer(W, s, v):
        states = [s]
        for _ in range(4):
            states.append(np.tanh(W @ states[-1]))
        back, dW = v, np.zeros_like(W)
        for step in reversed(range(4)):
            back = back * (1 - states[step + 1] ** 2) if step in sloped else back
            dW += np.outer(back, states[step])
            back = W.T @ back
        return dW, back

    return answer


@pytest.mark.parametrize(("sloped", "which"), [((3,), "last"), ((0,), "first")])
def test_a_slope_at_one_step_alone_is_named(sloped, which, monkeypatch):
    assert verify(CARRIED, carrying(range(4)), seed=3).outcome == "right"
    said = cause(CARRIED, carrying(sloped))
    assert (said.label, f"at its {which} use alone" in said.text) == ("activation derivative forgotten", True)
    monkeypatch.setattr(walks, "_at_all_but", lambda name, last, recorded: [])
    said = cause(CARRIED, carrying(sloped))
    assert said is None or "use alone" not in said.text


# --- sentences that were not true ------------------------------------------------------------------------------------

FORM = exercise("form", lambda xp, S, x: x @ S @ S @ x, ("S",), S=(5, 5), x=5)


def test_an_outer_product_is_no_product_of_sums():
    said = cause(FORM, lambda S, x: 2 * S @ np.outer(x, x))
    assert said is None or "product of sums" not in said.text


MIXED = exercise("mixed", lambda xp, A, x: x @ A @ A.T @ x, ("A",), A=(5, 3), x=5)
ADDED = exercise("added", lambda xp, X, w: xp.mean(xp.sin(X @ w) ** 2) + w @ w, ("w",), X=(5, 3), w=3)


@pytest.mark.parametrize(("asked", "is_batch"), [(MIXED, False), (ADDED, True)])
def test_rows_are_a_batch_only_where_they_add_up(asked, is_batch):
    assert probes._is_batch(fresh_question(asked, 0, 0), 5) is is_batch


COLD = exercise("cold", lambda xp, z, T, c: c @ xp.sin(z / T**2), ("z",), z=5, T=(), c=5)


def test_a_divisor_too_many_is_no_factor_that_is_missing():
    said = cause(COLD, lambda z, T, c: c * np.cos(z / T**2) / T**3)
    assert said is None or "lacks a factor" not in said.text


# --- every piece is needed -------------------------------------------------------------------------------------------


def nothing(*args):
    return iter(())


def test_each_piece_is_needed(monkeypatch):
    monkeypatch.setattr(planted, "maxima", nothing)
    said = cause(PEAKS, peaks(lambda X: X.min(1, keepdims=True) == X))
    assert said is None or "not to those along axis" not in said.text
    monkeypatch.setattr(planted, "exponents", nothing)
    said = cause(POWERS, powers(in_exponent=lambda x, n: n * x ** (n - 1) * np.log(x)))
    assert said is None or "is not n * x**(n - 1)" not in said.text
    monkeypatch.setattr(activations, "ACTIVATIONS", activations.ACTIVATIONS[:-1])
    test = test_a_unit_that_is_its_argument_times_a_sigmoid_is_known
    with pytest.raises((AssertionError, AttributeError)):
        test()
    monkeypatch.setattr(far_fetched, "_is_factor", lambda recorded, number: True)
    assert "lacks a factor" in cause(COLD, lambda z, T, c: c * np.cos(z / T**2) / T**3).text
