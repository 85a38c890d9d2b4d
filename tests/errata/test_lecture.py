"""S2, a lecture: Jacobians of layers, activity backpropagation, gradients of losses."""

import numpy as np
import torch
from printed import corrects, gradient, tensor

RNG = np.random.default_rng(103)


@corrects("S2-11c")
def test_the_recursion_starts_from_the_positive_row():
    W, x, target = RNG.normal(size=(3, 5)), RNG.normal(size=5), RNG.normal(size=3)
    y = W @ x
    expected = gradient(lambda x: 0.5 * ((tensor(W) @ x - tensor(target)) ** 2).sum(), x)
    np.testing.assert_allclose((y - target) @ W, expected)
    np.testing.assert_allclose((target - y) @ W, -expected)
    p, label = np.exp(y) / np.exp(y).sum(), 1
    of_logits = gradient(lambda z: torch.logsumexp(z, 0) - z[label], y)
    np.testing.assert_allclose(p - np.eye(3)[label], of_logits)
    np.testing.assert_allclose(np.eye(3)[label] - p, -of_logits)


@corrects("S2-12c")
def test_a_weight_moves_one_unit_of_its_own_layer_and_all_of_the_next():
    W, V, x = RNG.normal(size=(3, 5)), RNG.normal(size=(6, 3)), RNG.normal(size=5)
    moved = W.copy()
    moved[1, 2] += 0.1
    change = np.tanh(moved @ x) - np.tanh(W @ x)
    assert list(np.flatnonzero(change)) == [1]
    assert np.all(np.tanh(V @ np.tanh(moved @ x)) != np.tanh(V @ np.tanh(W @ x)))
    w, signal = RNG.normal(size=2), RNG.normal(size=7)
    windows = np.stack([signal[k : k + 2] for k in range(6)])
    shared = gradient(lambda w: torch.tanh(tensor(windows) @ w).sum(), w)
    per_unit = (1 - np.tanh(windows @ w) ** 2)[:, None] * windows
    np.testing.assert_allclose(per_unit.sum(axis=0), shared)
    assert not any(np.allclose(unit, shared) for unit in per_unit), "shared weights: the sum over units stays"
