"""The functions NumPy has no name for, against PyTorch, and where exp would overflow."""

import numpy as np
import pytest
import torch
from torch.nn import functional

import autodiff as ad
from autodiff.testing import check, sample

X = sample((3, 4), (-3.0, 3.0))
FUNCTIONS = {
    "sigmoid": (ad.sigmoid, torch.sigmoid),
    "softplus": (ad.softplus, functional.softplus),
    "relu": (ad.relu, torch.relu),
    "softmax": (ad.softmax, lambda x: torch.softmax(x, -1)),
    "softmax, axis 0": (lambda x: ad.softmax(x, axis=0), lambda x: torch.softmax(x, 0)),
    "log_softmax": (ad.log_softmax, lambda x: torch.log_softmax(x, -1)),
    "logsumexp": (ad.logsumexp, lambda x: torch.logsumexp(x, (0, 1))),
    "logsumexp, axis 1": (lambda x: ad.logsumexp(x, 1, True), lambda x: torch.logsumexp(x, 1, True)),
    "linear_regulariser": (lambda x: ad.linear_regulariser(x, X[0]), lambda x: torch.sum(x @ torch.tensor(X[0]))),
    "mse": (lambda x: ad.mse(x, X[::-1]), lambda x: functional.mse_loss(x, torch.tensor(X[::-1].copy()))),
    "half_squared_error": (
        lambda x: ad.half_squared_error(x, X[::-1]),
        lambda x: 0.5 * functional.mse_loss(x, torch.tensor(X[::-1].copy()), reduction="sum"),
    ),
    "cross_entropy": (
        lambda x: ad.cross_entropy(x, [1, 0, 3]),
        lambda x: functional.cross_entropy(x, torch.tensor([1, 0, 3])),
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_right_and_twice_differentiable(name):
    check(FUNCTIONS[name][0], (X,))


@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_agrees_with_torch_and_is_stable(name, scale):
    ours, theirs = FUNCTIONS[name]
    x = np.array(X) * scale / 3
    t = torch.tensor(x, requires_grad=True)
    y = theirs(t)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value, pullback = ad.vjp(ours, x)
        (g,) = pullback(np.ones(np.shape(value)))
        pushed = ad.jvp(ours, (x,), (np.ones_like(x),))[1]
    (expected,) = torch.autograd.grad(y.sum(), t)
    np.testing.assert_allclose(value, y.detach(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(g, expected, rtol=1e-8, atol=1e-12)
    assert np.isfinite(pushed).all()
    assert ours(x.astype(np.float32)).dtype == np.float32 or name in {"mse", "half_squared_error", "linear_regulariser"}


def test_plain_arguments_of_every_sort():
    assert ad.sigmoid(0.0) == 0.5
    assert ad.relu(-1) == 0
    assert ad.softplus(0) == np.log(2)
    np.testing.assert_allclose(ad.softmax([0.0, 0.0]), [0.5, 0.5])
    assert ad.logsumexp([0, 0]) == np.log(2)
    assert ad.logsumexp(np.array([-np.inf, -np.inf])) == -np.inf
    assert ad.mse([1.0, 2.0], [1.0, 4.0]) == 2
    assert ad.cross_entropy(np.zeros(3), 1) == np.log(3)


def test_sigmoid_keeps_its_digits_in_both_tails():
    x = np.array([-700.0, -40.0, 40.0, 700.0])
    (g,) = ad.vjp(ad.sigmoid, x)[1](np.ones(4))
    np.testing.assert_allclose(g, np.exp(-np.abs(x)), rtol=1e-12)


def test_cross_entropy_gradient_is_softmax_minus_one_hot():
    labels = np.array([1, 0, 3])
    expected = (ad.softmax(X) - np.eye(4)[labels]) / 3
    np.testing.assert_allclose(ad.grad(lambda z: ad.cross_entropy(z, labels))(X), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("offset", [1e4, -1e4, 1e6])
def test_a_common_offset_costs_no_digits(offset):
    z = np.array([offset, offset, offset - 8], np.float32)
    half = np.float32(1 / (2 + np.exp(-8.0)))
    for share in (ad.softmax(z), ad.grad(ad.logsumexp)(z), np.exp(ad.log_softmax(z))):
        np.testing.assert_allclose(share[:2], half, rtol=1e-6)
    np.testing.assert_allclose(ad.grad(lambda z: ad.cross_entropy(z, 0))(z).sum(), 0, atol=1e-7)
