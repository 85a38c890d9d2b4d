"""S3, an assignment: tables of an evaluation, a network with a regulariser on its hidden layer."""

import datetime

import numpy as np
import pytest
import torch
from printed import corrects, gradient, jacobian, sigmoid, tensor

RNG = np.random.default_rng(104)
N, K, M = 6, 5, 3
AT = np.array([2.0, 1.0])  # where the tables are printed
HALF = 0.0005  # half a unit of their last digit


def rows(x1, x2):
    """The rows v0 to v11 of both outputs, y1 = v8 and y2 = v11."""
    v = [x1, x2, 2 * x2]
    v += [torch.exp(v[2]), x2**2]
    v += [3 * v[4]]
    v += [torch.sin(v[5])]
    v += [x1 * v[6]]
    v += [v[3] + v[7], x1 * x2, torch.sigmoid(x2)]
    return torch.stack([*v, v[9] + v[10]])


def tangents_in_x2(at):
    return torch.func.jvp(lambda x: rows(*x), (tensor(at),), (tensor([0, 1]),))[1].numpy()


@corrects("S3-1.0")
def test_each_component_is_one_number():
    x = RNG.normal(size=2)
    v = rows(*tensor(x)).numpy()
    f1, f2 = np.exp(2 * x[1]) + x[0] * np.sin(3 * x[1] ** 2), x[0] * x[1] + sigmoid(x[1])
    np.testing.assert_allclose(v[[8, 11]], [f1, f2])
    assert np.ndim(f1) == np.ndim(f2) == 0


@corrects("S3-1d.dx2.v6", "S3-1d.dx2.v7", "S3-1d.dx2.v8")
def test_the_tangents_of_the_sine_and_what_follows_are_negative():
    v = tangents_in_x2(AT)
    assert v[6] == pytest.approx(-5.940, abs=HALF)
    assert v[7] == pytest.approx(-11.880, abs=HALF)
    assert v[8] == pytest.approx(2.898, abs=HALF)
    for row, printed in ((6, 5.94), (7, 11.88)):
        assert v[row] != pytest.approx(printed, abs=0.01)
    assert v[8] == pytest.approx(-11.880 + 14.778, abs=HALF)
    assert v[8] != pytest.approx(11.880 + 14.778, abs=0.01)
    x = RNG.normal(size=2)
    assert tangents_in_x2(x)[6] == pytest.approx(np.cos(3 * x[1] ** 2) * 6 * x[1])


@corrects("S3-1e.y1.v7")
def test_the_adjoint_of_the_product_is_one():
    v7 = float(rows(*tensor(AT))[7])
    adjoint = gradient(lambda v7: torch.exp(tensor(2.0)) + v7, v7)
    assert adjoint == 1
    of_v6 = gradient(lambda v6: torch.exp(tensor(2.0)) + 2.0 * v6, np.sin(3.0))
    assert of_v6 == adjoint * AT[0] != 0 * AT[0], "the next row printed, 2, already uses it"


@pytest.fixture
def network():
    shapes = {"W1": (K, N), "b1": (K,), "W2": (M, K), "b2": (M,), "r": (K,), "s": (M,), "x": (N,)}
    return {name: RNG.normal(size=shape) for name, shape in shapes.items()}


@corrects("S3-2b.3")
def test_the_adjoint_of_the_output_has_the_outputs_length(network):
    y = RNG.normal(size=M)
    found = gradient(lambda y: 0.5 * ((y - tensor(network["s"])) ** 2).sum(), y)
    np.testing.assert_allclose(found, y - network["s"])
    assert len(found) == M not in (N, K)


@corrects("S3-2b.4")
def test_the_hidden_layers_adjoint_takes_that_of_the_output(network):
    W2, b2, r, s = (network[name] for name in ("W2", "b2", "r", "s"))
    h = np.tanh(RNG.normal(size=K))
    y = W2 @ h + b2
    found = gradient(
        lambda h: tensor(r) @ h + 0.5 * ((tensor(W2) @ h + tensor(b2) - tensor(s)) ** 2).sum(),
        h,
    )
    np.testing.assert_allclose(r + W2.T @ (y - s), found)
    E_bar = 1.0
    assert (W2.T * E_bar).shape == (K, M) != found.shape, "a matrix times a number stays a matrix"


@corrects("S3-2b.7")
def test_with_outputs_on_rows_the_jacobians_are_transposed_on_the_way_back(network):
    W1, b1, W2 = (network[name] for name in ("W1", "b1", "W2"))
    dy_dh = jacobian(lambda h: tensor(W2) @ h, RNG.normal(size=K))
    np.testing.assert_array_equal(dy_dh, W2)
    y_bar = RNG.normal(size=M)
    with pytest.raises(ValueError, match="mismatch"):
        dy_dh @ y_bar
    z_bar, x = dy_dh.T @ y_bar * (1 - np.tanh(W1 @ network["x"] + b1) ** 2), network["x"]
    through = gradient(
        lambda x: tensor(y_bar) @ (tensor(W2) @ torch.tanh(tensor(W1) @ x + tensor(b1))),
        x,
    )
    np.testing.assert_allclose(W1.T @ z_bar, through)


@corrects("S3-0.date")
def test_the_day_of_the_week_belongs_to_another_year():
    assert f"{datetime.date(2021, 1, 21):%A}" == "Thursday"
    assert f"{datetime.date(2019, 1, 21):%A}" == "Monday"
