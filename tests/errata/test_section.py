"""S1, solutions of a section: one hidden layer, its initialisation, other ways to a gradient, a toy function."""

import numpy as np
import pytest
import torch
from printed import corrects, gradient, jacobian, sigmoid, tensor

RNG = np.random.default_rng(102)
D, H = 5, 3


def network(W0, b0, W1, b1, x):
    return (W1 @ torch.sigmoid(W0 @ x + b0) + b1)[0]


def gradients(W0, b0, W1, b1, x):
    at = [tensor(value) for value in (W0, b0, W1, b1, x)]
    return [value.numpy() for value in torch.func.jacrev(network, argnums=(0, 1, 2, 3))(*at)]


def drawn():
    shapes = {"W0": (H, D), "b0": (H,), "W1": (1, H), "b1": (1,), "x": (D,)}
    return {name: RNG.normal(size=shape) for name, shape in shapes.items()}


def constant(c, x):
    return {"W0": np.full((H, D), c), "b0": np.full(H, c), "W1": np.full((1, H), c), "b1": np.full(1, c), "x": x}


@corrects("S1-1b.2")
def test_the_order_of_vec_decides_which_kronecker_product_it_is():
    W, x = RNG.normal(size=(H, D)), RNG.normal(size=D)
    J = jacobian(lambda W: W @ tensor(x), W)
    by_rows, by_columns = J.reshape(H, -1), J.transpose(0, 2, 1).reshape(H, -1)
    np.testing.assert_array_equal(by_rows, np.kron(np.eye(H), x))
    np.testing.assert_array_equal(by_columns, np.kron(x, np.eye(H)))
    assert not np.allclose(by_rows, by_columns)
    g = RNG.normal(size=H)
    mended = (g @ by_rows).reshape(H, D)
    np.testing.assert_allclose(mended, np.outer(g, x))
    assert not np.allclose((g @ by_columns).reshape(H, D), mended), "flattened one way, folded the other"


@corrects("S1-3.1b.1")
def test_the_gradient_in_the_last_weights_is_a_row_like_them():
    at = drawn()
    z = sigmoid(at["W0"] @ at["x"] + at["b0"])
    in_W0, _, in_W1, _ = gradients(**at)
    np.testing.assert_allclose(in_W1, z[None, :])
    assert in_W1.shape == at["W1"].shape != z[:, None].shape
    assert in_W0.shape == at["W0"].shape, "the layout in which the same solution gives this one"


@corrects("S1-3.1d.3")
def test_the_gradient_in_the_first_weights_needs_a_transpose():
    at = drawn()
    z, x = sigmoid(at["W0"] @ at["x"] + at["b0"])[:, None], at["x"][:, None]
    with pytest.raises(ValueError, match="mismatch"):
        (at["W1"] * z * (1 - z)) @ x.T
    np.testing.assert_allclose((at["W1"].T * z * (1 - z)) @ x.T, gradients(**at)[0])


@corrects("S1-3.1d.6")
def test_without_the_transpose_the_gradient_in_the_biases_becomes_a_matrix():
    at = drawn()
    z = sigmoid(at["W0"] @ at["x"] + at["b0"])[:, None]
    assert (at["W1"] * z * (1 - z)).shape == (H, H)
    np.testing.assert_allclose((at["W1"].T * z * (1 - z))[:, 0], gradients(**at)[1])


@corrects("S1-3.2a.1", "S1-3.2c.0")
def test_what_belongs_to_a_hidden_unit_is_its_row_of_the_first_layer():
    at = constant(0.0, RNG.normal(size=D))
    np.testing.assert_array_equal(sigmoid(at["W0"] @ at["x"] + at["b0"]), np.full(H, 0.5))
    in_W0, in_b0, in_W1, in_b1 = gradients(**drawn())
    assert len(in_W0) == len(in_b0) == in_W1.shape[1] == H
    assert in_b1.shape == (1,), "the last bias has no hidden unit's index"


@corrects("S1-3.2b.0", "S1-3.2b.1")
def test_at_zero_no_gradient_depends_on_the_input_and_at_another_constant_one_does():
    inputs = RNG.normal(size=(4, D))
    for x in inputs:
        in_W0, in_b0, in_W1, in_b1 = gradients(**constant(0.0, x))
        np.testing.assert_array_equal(in_W1, np.full((1, H), 0.5))
        assert in_b1 == 1
        assert not in_W0.any()
        assert not in_b0.any()
    c = 0.3
    for x in inputs:
        z = sigmoid(c * x.sum() + c)
        np.testing.assert_allclose(gradients(**constant(c, x))[0], c * z * (1 - z) * np.outer(np.ones(H), x))


@corrects("S1-3.3c.6")
def test_one_tangent_is_less_to_keep_than_what_reverse_mode_saves_and_a_matrix_of_them_is_more():
    """Numbers kept alive between the layers: one tangent and its value, all tangents as a matrix, saved activations."""
    depth, width = 6, 7
    weights = [tensor(RNG.normal(size=(width, width))) for _ in range(depth)]
    saved = []

    def network(x):
        for W in weights:
            x = torch.tanh(W @ x)
        return x.sum()

    x = tensor(RNG.normal(size=width)).requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
        network(x)
    reverse = sum(t.numel() for t in saved if t.dim() == 1)
    one_tangent, tangent_of_weights = 2 * width, width * width**2
    assert one_tangent < reverse < tangent_of_weights
    with torch.no_grad(), torch.autograd.graph.saved_tensors_hooks(pytest.fail, lambda t: t):
        torch.func.jvp(network, (x.detach(),), (torch.ones_like(x),))


@corrects("S1-4b.6")
def test_the_stored_exponential_takes_the_place_of_a_new_one():
    x, y = RNG.normal(size=2)
    z1, z2 = np.exp(-y), 1 + x**2 + y**2
    expected = gradient(lambda y: 6 * torch.exp(-y) / (1 + x**2 + y**2) + 2 * x**3, y)
    assert -12 * y * z1 / z2**2 - 6 * z1 / z2 == pytest.approx(expected)
