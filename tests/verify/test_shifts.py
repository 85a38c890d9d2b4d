"""Largest entries that are taken out and put back: right answers cancel where the declared list does not."""

import numpy as np
import pytest

from grading.verify import Exercise, tolerance, verify

SEEDS = range(4)
FORMS = ("E / sum", "exp of a logarithm", "without the maximum")


def declared(function, scale, **shapes):
    def inputs(rng):
        return {name: rng.normal(size=shape) * (scale if name == "Z" else 1) for name, shape in shapes.items()}

    return Exercise("own.shifted", function, inputs, wrt=("Z",), sizes_fixed="rows")


def rows(xp, Z, C):
    E = xp.exp(Z - xp.max(Z, axis=1, keepdims=True))
    return xp.sum(C * E / xp.sum(E, axis=1, keepdims=True))


def entropy(xp, Z, C):
    M = xp.max(Z, axis=1, keepdims=True)
    return -xp.sum(C**2 * (Z - M - xp.log(xp.sum(xp.exp(Z - M), axis=1, keepdims=True))))


def one(xp, Z, C):
    E = xp.exp(Z - xp.max(Z))
    return xp.sum(C * E) / xp.sum(E)


def pooled(xp, Z, C):
    return xp.sum(C * xp.exp(-(xp.max(Z, axis=1, keepdims=True) ** 2))) + xp.sum(Z * C)


def softmax(Z, form):
    if form == "exp of a logarithm":
        return np.exp(Z - np.logaddexp.reduce(Z, axis=-1, keepdims=True))
    E = np.exp(Z - (Z.max(-1, keepdims=True) if form == "E / sum" else 0))
    return E / E.sum(-1, keepdims=True)


def of_rows(form, times=1.0):
    def answer(Z, C):
        P = softmax(Z, form)
        return times * P * (C - (P * C).sum(-1, keepdims=True))

    return answer


def of_entropy(form, times=1.0):
    return lambda Z, C: times * (softmax(Z, form) * (C**2).sum(1, keepdims=True) - C**2)


ROWS = [declared(rows, scale, Z=(6, 5), C=(6, 5)) for scale in (2, 5, 10, 20)]
VECTORS = [declared(one, scale, Z=6, C=6) for scale in (5, 10, 20)]
ENTROPIES = [declared(entropy, scale, Z=(6, 5), C=(6, 5)) for scale in (2, 10, 20)]
CASES = [(asked, of_rows) for asked in ROWS + VECTORS] + [(asked, of_entropy) for asked in ENTROPIES]


@pytest.mark.parametrize("form", FORMS)
def test_right_answers_are_right_however_saturated(form):
    for asked, answer in CASES:
        for seed in SEEDS:
            verdict = verify(asked, answer(form), seed=seed)
            assert (verdict.outcome, verdict.causes) == ("right", ()), verdict.text()


def test_small_errors_are_still_seen():
    for asked, answer in CASES:
        for times in (1 + 1e-9, 1 - 1e-6, 1.01):
            assert verify(asked, answer("E / sum", times), seed=0).outcome == "wrong"


def test_a_maximum_that_counts_is_not_held(monkeypatch):
    """Only what makes no difference is a constant: what is pooled is differentiated by everybody."""
    asked = declared(pooled, 2, Z=(6, 5), C=(6, 5))
    held = []
    hold = tolerance._Computation._is_shift
    monkeypatch.setattr(tolerance._Computation, "_is_shift", lambda *of: held.append(hold(*of)) or held[-1])
    verify(asked, lambda Z, C: Z, seed=0)
    assert held
    assert not any(held)


def test_holding_is_needed(monkeypatch):
    monkeypatch.setattr(tolerance._Computation, "_is_shift", lambda *of: False)
    assert any(verify(ROWS[-1], of_rows("E / sum"), seed=seed).outcome == "wrong" for seed in SEEDS)
