"""Recursions that neglect off-diagonals are judged by the surrogate whose exact diagonal they are."""

import numpy as np
import pytest

import autodiff
from grading.verify import Exercise, surrogate, surrogate_inputs, verify


def tanh_layer(xp, a, W):
    """Pre-activations of the next layer."""
    return W @ xp.tanh(a)


def draw(rng):
    return {"a": rng.normal(size=5), "g": rng.normal(size=3), "d": rng.normal(size=3), "W": rng.normal(size=(3, 5))}


EXERCISE = Exercise(
    id="becker.lecun",
    function=surrogate(tanh_layer),
    inputs=surrogate_inputs(tanh_layer, draw),
    wrt=("a",),
    asks="hessian_diagonal",
    points=2,
)


def recursion(a, g, d, abar, W):
    y = np.tanh(a)
    first, second = 1 - y**2, -2 * y * (1 - y**2)
    return first**2 * ((W**2).T @ d) + second * (W.T @ g)


WRONG = {
    "the second term dropped": lambda a, g, d, abar, W: (1 - np.tanh(a) ** 2) ** 2 * ((W**2).T @ d),
    "weights not squared": lambda a, g, d, abar, W: recursion(a, g, d, abar, W) + (W.T - (W**2).T) @ d,
    "slope not squared": lambda a, g, d, abar, W: (1 - np.tanh(a) ** 2) * ((W**2).T @ d),
    "off by a millionth": lambda *args: recursion(*args) * (1 + 1e-6),
}


@pytest.mark.parametrize("seed", range(3))
def test_the_recursion_is_the_surrogates_diagonal(seed):
    verdict = verify(EXERCISE, recursion, seed)
    assert (verdict.outcome, verdict.mark) == ("right", 2.0), verdict.text()
    assert {"PyTorch autograd", "finite differences"} <= set(verdict.witnesses)


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG.keys())
def test_wrong_recursions(answer):
    assert verify(EXERCISE, answer, seed=1).outcome == "wrong"


def test_it_is_not_the_hessian_of_the_loss():
    """At a layer below others the exact diagonal has the cross terms that the recursion drops."""
    point = EXERCISE.inputs(np.random.default_rng(0))
    W, H = point["W"], np.array([[2.0, 1.0, 0.5], [1.0, 3.0, -1.0], [0.5, -1.0, 1.0]])

    def loss(a):
        z = W @ np.tanh(a)
        return 0.5 * (z @ (H @ z))

    exact = np.diag(autodiff.hessian(loss)(point["a"]))
    kept = recursion(point["a"], H @ (W @ np.tanh(point["a"])), np.diag(H), None, W)
    assert np.max(np.abs(exact - kept)) > 0.1


def test_the_current_value_is_held():
    point = EXERCISE.inputs(np.random.default_rng(0))
    assert np.array_equal(point["abar"], tanh_layer(np, point["a"], point["W"]))
    assert list(point) == ["a", "g", "d", "abar", "W"]
