"""Hessian diagonals in one walk, against PyTorch, whole Hessians, and recursions written out for one network."""

import itertools

import numpy as np
import pytest
import torch

import autodiff as ad
from autodiff.curvature import EVERYTHING, NotLayeredError, bend, survey, walk
from autodiff.rule import TABLE, Elementwise

ACTIVATIONS = {
    "tanh": (np.tanh, torch.tanh, lambda a: (1 - np.tanh(a) ** 2, -2 * np.tanh(a) * (1 - np.tanh(a) ** 2))),
    "sigmoid": (
        ad.sigmoid,
        torch.sigmoid,
        lambda a: ((s := 1 / (1 + np.exp(-a))) * (1 - s), s * (1 - s) * (1 - 2 * s)),
    ),
    "softplus": (
        ad.softplus,
        torch.nn.functional.softplus,
        lambda a: ((s := 1 / (1 + np.exp(-a))), s * (1 - s)),
    ),
}
WIDTHS = (3, 5, 6, 4, 7)


class Network:
    """A random network and its loss, for autodiff, for PyTorch, and as layers to recurse over by hand."""

    def __init__(self, activation, loss, depth, batch, seed=0):
        rng = np.random.default_rng(seed)
        sizes = [*WIDTHS[:1], *WIDTHS[1 : depth + 1], 4]
        self.act, self.torch_act, self.slopes = ACTIVATIONS[activation]
        self.P = []
        for n, m in itertools.pairwise(sizes):
            self.P += [rng.normal(size=(n, m)) / np.sqrt(n) * 1.5, rng.normal(size=m) / 2]
        self.X = rng.normal(size=(batch, 3) if batch else 3)
        self.labels = rng.integers(0, 4, batch) if batch else np.array(2)
        self.T = rng.normal(size=(batch, 4) if batch else 4)
        self.loss, self.depth, self.argnums = loss, depth, tuple(range(len(self.P)))

    def __call__(self, *P):
        h = self.X
        for W, b in zip(P[0:-2:2], P[1:-2:2], strict=True):
            h = self.act(h @ W + b)
        z = h @ P[-2] + P[-1]
        return ad.cross_entropy(z, self.labels) if self.loss == "CE" else ad.half_squared_error(z, self.T)

    def in_torch(self, *P):
        h = torch.tensor(self.X)
        for W, b in zip(P[0:-2:2], P[1:-2:2], strict=True):
            h = self.torch_act(h @ W + b)
        z = h @ P[-2] + P[-1]
        if self.loss == "CE":
            return torch.nn.functional.cross_entropy(z, torch.tensor(self.labels))
        return ((z - torch.tensor(self.T)) ** 2).sum() / 2

    def by_hand(self, keep):
        """keep=None: Becker-LeCun, diagonals alone; else full matrices in the top `keep` layers. Batch rows first."""
        X = np.atleast_2d(self.X)
        inputs, before = [X], []
        for W, b in zip(self.P[0:-2:2], self.P[1:-2:2], strict=True):
            before.append(inputs[-1] @ W + b)
            inputs.append(self.act(before[-1]))
        z = inputs[-1] @ self.P[-2] + self.P[-1]
        if self.loss == "CE":
            p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
            g = (p - np.eye(4)[np.atleast_1d(self.labels)]) / len(X)
            H = (p[:, :, None] * np.eye(4) - p[:, :, None] * p[:, None, :]) / len(X)
        else:
            g, H = z - np.atleast_2d(self.T), np.broadcast_to(np.eye(4), (len(X), 4, 4))
        results, layers = [], []
        for level, k in enumerate(range(len(inputs) - 1, -1, -1)):
            d = np.einsum("njj->nj", H)
            layers.append(d)
            results = [(inputs[k] ** 2).T @ d, d.sum(0), *results]
            if k:
                W = self.P[2 * k]
                first, second = self.slopes(before[k - 1])
                H = H if level < (keep or 0) else d[:, :, None] * np.eye(d.shape[1])
                H = np.einsum("ij,njk,lk->nil", W, H, W)
                back = g @ W.T
                H = first[:, :, None] * H * first[:, None, :] + (second * back)[:, :, None] * np.eye(len(W))
                g = first * back
        return results, layers


def close(found, expected, rtol):
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.max(np.abs(b)))


NETS = list(itertools.product(ACTIVATIONS, ("L2", "CE"), (1, 2, 3, 4), (0, 1, 32)))


@pytest.mark.parametrize(("activation", "loss", "depth", "batch"), NETS)
def test_the_walks_agree_with_recursions_written_by_hand(activation, loss, depth, batch):
    net = Network(activation, loss, depth, batch)
    exact, _ = net.by_hand(depth)
    close(ad.hessian_diagonal(net, net.argnums)(*net.P), exact, 1e-12)
    for keep in range(depth + 1):
        found = ad.hesscale(net, net.argnums, keep=keep)(*net.P)
        expected, layers = net.by_hand(keep)
        assert found.dropped == []
        close(found.diagonal, expected, 1e-12)
        close([np.atleast_2d(layer.diagonal) for layer in found.layers], layers, 1e-12)
    close(ad.becker_lecun(net, net.argnums)(*net.P).diagonal, net.by_hand(None)[0], 1e-12)
    close(found.gradient, ad.grad(net, net.argnums)(*net.P), 1e-13)
    assert found.value == net(*net.P)


@pytest.mark.parametrize(
    ("activation", "loss", "depth"), [("tanh", "CE", 2), ("sigmoid", "L2", 3), ("softplus", "CE", 1)]
)
@pytest.mark.parametrize("batch", [0, 1, 32])
def test_the_exact_diagonal_is_that_of_torch(activation, loss, depth, batch):
    net = Network(activation, loss, depth, batch)
    H = torch.func.hessian(net.in_torch, argnums=net.argnums)(*map(torch.tensor, net.P))
    exact = [H[k][k].reshape(x.size, x.size).diagonal().reshape(x.shape).numpy() for k, x in enumerate(net.P)]
    close(ad.hessian_diagonal(net, net.argnums)(*net.P), exact, 1e-10)
    walk(net, net.argnums, net.P, EVERYTHING)  # it was the walk: raises where it is not


@pytest.mark.parametrize("loss", ["L2", "CE"])
def test_the_two_terms_of_formula_2(loss):
    net = Network("tanh", loss, 3, 5)
    found = ad.becker_lecun(net, net.argnums, terms=True)(*net.P)
    close([a + b for a, b in zip(found.squared, found.bent, strict=True)], found.diagonal, 1e-14)
    h = net.X
    before = [h := net.act(h @ W + b) for W, b in zip(net.P[0:-2:2], net.P[1:-2:2], strict=True)]
    for k, (layer, above) in enumerate(itertools.pairwise(found.layers[::-1])):
        y, W = before[k], net.P[2 * k + 2]
        first = 1 - y * y
        np.testing.assert_allclose(layer.squared, first**2 * (above.diagonal @ (W.T**2)), rtol=1e-12)
        np.testing.assert_allclose(layer.bent, -2 * y * first * (above.gradient @ W.T), rtol=1e-12)
        np.testing.assert_allclose(layer.gradient, first * (above.gradient @ W.T), rtol=1e-12)
        inputs = before[k - 1] if k else net.X
        np.testing.assert_allclose(found.squared[2 * k], (inputs**2).T @ layer.squared, rtol=1e-12)
        np.testing.assert_allclose(found.bent[2 * k + 1], layer.bent.sum(0), rtol=1e-12)
    assert found.layers[0].squared.any() == np.False_  # the output layer bends, and that is all


# --- what decides what a test can tell apart -------------------------------------------------------------------------


def error(method, net):
    return ad.compare(method(net, net.argnums)(*net.P), ad.hessian_diagonal(net, net.argnums)(*net.P))["relative L1"]


def test_one_hidden_layer_with_a_separable_loss_makes_the_approximation_exact():
    assert error(ad.becker_lecun, Network("tanh", "L2", 1, 5)) < 1e-14
    assert error(ad.becker_lecun, Network("tanh", "L2", 2, 5)) > 1e-3
    assert error(ad.becker_lecun, Network("tanh", "CE", 1, 5)) > 1e-3
    assert error(ad.low_rank, Network("tanh", "CE", 1, 5)) < 1e-14


def test_becker_lecun_through_the_softmax_is_hesscale_and_with_an_elementwise_softmax_is_not():
    net = Network("tanh", "CE", 2, 5)
    bl, hs = ad.becker_lecun(net, net.argnums)(*net.P), ad.hesscale(net, net.argnums)(*net.P)
    close(bl.diagonal, hs.diagonal, 1e-14)
    z = np.tanh(np.tanh(net.X @ net.P[0] + net.P[1]) @ net.P[2] + net.P[3]) @ net.P[4] + net.P[5]
    p = ad.softmax(z)
    close([bl.layers[0].diagonal], [p * (1 - p) / 5], 1e-14)
    literal = ad.becker_lecun(net, net.argnums, output=np.eye(4)[net.labels] * p * (1 - p) / 5)(*net.P)
    exact = ad.hessian_diagonal(net, net.argnums)(*net.P)
    assert ad.compare(literal, exact)["relative L1"] > 2 * ad.compare(bl, exact)["relative L1"]


def test_gauss_newton_is_another_matrix_and_never_negative():
    net = Network("tanh", "CE", 2, 5)
    found = ad.gauss_newton_diagonal(net, net.argnums)(*net.P)

    def outputs(*P):
        return np.tanh(np.tanh(net.X @ P[0] + P[1]) @ P[2] + P[3]) @ P[4] + P[5]

    p = ad.softmax(outputs(*net.P))
    H = (p[:, :, None] * np.eye(4) - p[:, :, None] * p[:, None, :]) / 5
    Js = ad.jacobian(outputs, net.argnums)(*net.P)
    close(found, [np.einsum("nj...,njk,nk...->...", J, H, J) for J in Js], 1e-12)
    exact = ad.hessian_diagonal(net, net.argnums)(*net.P)
    assert ad.compare(found, exact)["negative"] == 0 < ad.compare(found, exact)["negative, exact"]


def test_most_of_the_hessian_is_beside_its_diagonal():
    net = Network("tanh", "CE", 2, 5)
    H = np.abs(ad.hessian_matrix(net, net.argnums)(*net.P))
    assert np.trace(H) < 0.1 * H.sum()


# --- losses and layers as people write them --------------------------------------------------------------------------

RNG = np.random.default_rng(3)
B, LABELS = 5, RNG.integers(0, 4, 5)
X, T = RNG.normal(size=(B, 3)), RNG.normal(size=(B, 4))
P = tuple(RNG.normal(size=shape) / 2 for shape in ((3, 6), (6,), (6, 6), (6,), (6, 4), (4,)))
ROWS = np.arange(B)
ONE_ROW = RNG.normal(size=4)


def shifted(z):
    highest = np.max(z, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(z - highest), axis=1)) + highest[:, 0] - z[ROWS, LABELS])


def by_softmax(z):
    e = np.exp(z)
    return -np.mean(np.log((e / np.sum(e, axis=1, keepdims=True))[ROWS, LABELS]))


CROSS_ENTROPIES = {
    "cross_entropy": lambda z: ad.cross_entropy(z, LABELS),
    "lines": lambda z: np.mean(np.log(np.sum(np.exp(z), axis=1)) - z[ROWS, LABELS]),
    "softmax": by_softmax,
    "shifted": shifted,
    "one-hot": lambda z: -np.sum(np.eye(4)[LABELS] * ad.log_softmax(z)) / B,
    "logsumexp": lambda z: np.mean(ad.logsumexp(z, axis=1) - z[ROWS, LABELS]),
}
OTHER_LOSSES = {
    "residual times residual": lambda z: np.sum((z - T) * (z - T)) / B,
    "power": lambda z: 0.5 * np.mean((z - T) ** 2),
    "square of the softmax": lambda z: ad.mse(ad.softmax(z), T),
    "pseudo-Huber": lambda z: np.sum(np.sqrt(1 + (z - T) ** 2)),
}


def normalised(a):
    centred = a - np.mean(a, axis=1, keepdims=True)
    return centred / np.sqrt(np.mean(centred * centred, axis=1, keepdims=True) + 0.1)


LAYERS = {
    "tanh": lambda h, W, b: np.tanh(h @ W + b),
    "no activation": lambda h, W, b: h @ W + b,
    "sigmoid in lines": lambda h, W, b: 1 / (1 + np.exp(-(h @ W + b))),
    "relu": lambda h, W, b: ad.relu(h @ W + b),
    "leaky": lambda h, W, b: np.where(h @ W + b > 0, h @ W + b, 0.1 * np.tanh(h @ W + b)),
    "square": lambda h, W, b: (a := h @ W + b) * a,
    "residual": lambda h, W, b: h + np.tanh(h @ W + b),
    "gated": lambda h, W, b: h * ad.sigmoid(h @ W + b),
    "swish": lambda h, W, b: (a := h @ W + b) * ad.sigmoid(a),
    "layer norm": lambda h, W, b: np.tanh(normalised(h @ W + b)),
    "joined": lambda h, W, b: np.concatenate([h[:, :3], np.tanh(h @ W + b)[:, 3:]], axis=1),
    "turned weights": lambda h, W, b: np.tanh(h @ (2 * W.T) + np.exp(b)),
}
REFUSED = {
    "batch norm": lambda h, W, b: (a := h @ W + b) - np.tanh(np.mean(a, axis=0)),
    "tied": lambda h, W, b: np.tanh(np.tanh(h @ W + b) @ W),
    "one scalar": lambda h, W, b: np.tanh(h @ W * b[0]),
    "attention": lambda h, W, b: ad.softmax((h @ W) @ (h @ W).T) @ h,
    "einsum": lambda h, W, b: np.tanh(np.einsum("ni,ij->nj", h, W) + b),
    "solve": lambda h, W, b: np.tanh(np.linalg.solve(W + 4 * np.eye(6), h.T).T),
    "normalised weights": lambda h, W, b: np.tanh(h @ (W / np.sqrt(np.sum(W * W))) + b),
    "embedding": lambda h, W, b: np.tanh(h @ W + W[[0, 0, 1, 2, 3]]),
}


def network(layer, loss):
    return lambda W1, b1, W2, b2, W3, b3: loss(layer(np.tanh(X @ W1 + b1), W2, b2) @ W3 + b3)


ALL = range(6)


@pytest.mark.parametrize("name", CROSS_ENTROPIES)
def test_every_way_to_write_a_cross_entropy_is_one_loss(name):
    f = network(LAYERS["tanh"], CROSS_ENTROPIES[name])
    reference = network(LAYERS["tanh"], CROSS_ENTROPIES["cross_entropy"])
    for keep in range(3):
        found, expected = (ad.hesscale(g, ALL, keep=keep)(*P) for g in (f, reference))
        close(found.diagonal, expected.diagonal, 1e-11)
        assert found.dropped == []


@pytest.mark.parametrize(
    ("layer", "loss"), [*itertools.product(LAYERS, ["lines"]), *itertools.product(["tanh", "gated"], OTHER_LOSSES)]
)
def test_exact_by_the_walk(layer, loss):
    f = network(LAYERS[layer], {**CROSS_ENTROPIES, **OTHER_LOSSES}[loss])
    expected = ad.columns(f, ALL)(*P)
    if layer == "leaky":  # its product is written out three times: W enters three activations
        close(ad.hessian_diagonal(f, ALL)(*P), expected, 1e-12)
        return
    close(walk(f, ALL, P, EVERYTHING).diagonal, expected, 1e-12)
    at_depth = ad.hesscale(f, ALL, keep=2)(*P)
    assert at_depth.dropped == []
    close(at_depth.diagonal, expected, 1e-12)


@pytest.mark.parametrize("layer", REFUSED)
def test_exact_by_columns_where_the_list_has_no_layers(layer):
    f = network(REFUSED[layer], CROSS_ENTROPIES["lines"])
    with pytest.raises(NotLayeredError, match=r"line \d+ \("):
        walk(f, ALL, P, EVERYTHING)
    close(ad.hessian_diagonal(f, ALL)(*P), ad.columns(f, ALL)(*P), 1e-14)


def test_samples_that_meet_in_the_loss_are_noticed():
    def f(*P):
        return np.sqrt(network(LAYERS["tanh"], OTHER_LOSSES["power"])(*P))

    close(
        ad.hessian_diagonal(f, ALL)(*P),
        [
            np.diagonal(h.reshape(x.size, x.size)).reshape(x.shape)
            for h, x in zip([ad.hessian(f, k)(*P) for k in ALL], P, strict=True)
        ],
        1e-12,
    )
    for keep in range(3):
        (dropped,) = ad.hesscale(f, ALL, keep=keep)(*P).dropped
        assert (dropped.rule, dropped.why, dropped.size) == ("mean", "rows of the batch meet", B - 1)


CURIOUS = {
    "number": (lambda x: x**3, 2.0),
    "integer": (lambda x: np.sin(x), 3),
    "constant": (lambda x: 5.0, 1.0),
    "itself": (lambda x: x, 1.0),
    "cube in two slots": (lambda x: np.sum(x * x * x), np.arange(3)),
    "two lines, one input": (lambda x: np.sum(np.sin(x) * x), np.arange(3.0)),
    "dot with itself": (lambda x: x @ x, np.arange(3.0)),
    "outer": (lambda x: np.sum(np.outer(x, x) ** 2), np.arange(3.0)),
    "solve": (lambda w: np.sum(np.linalg.solve(4 * np.eye(4) + 1, w) ** 3), np.ones(4)),
    "solve, its matrix": (lambda A: np.sum(np.linalg.solve(A, np.ones(4)) ** 3), 4 * np.eye(4) + 1),
    "product of all": (np.prod, np.arange(1.0, 4.0)),
    "norm": (np.linalg.norm, np.arange(1.0, 4.0)),
    "logsumexp": (ad.logsumexp, np.arange(3.0)),
    "picked twice": (lambda x: np.sum(x[[0, 0, 1]]) ** 3, np.arange(3.0)),
    "spread": (lambda x: np.sum(np.broadcast_to(x, (3, 3)) ** 3) ** 2, 2.0),
    "cumulated": (lambda x: np.sum(np.cumsum(x) ** 2), np.arange(4.0)),
    "where": (lambda x: np.sum(np.where(x > 1, x**3, x)), np.arange(4.0)),
    "one vector for all weights": (
        lambda v: ad.cross_entropy(np.tanh(X @ v[:12].reshape(3, 4)) @ v[12:].reshape(4, 4), LABELS),
        RNG.normal(size=28),
    ),
    "in the data": (lambda x: ad.cross_entropy(np.tanh(x @ P[0]) @ P[4], LABELS), X),
    "columns as samples": (lambda w: np.sum(np.tanh(P[4].T @ np.tanh(w @ X.T)) ** 2), P[0].T),
    "rows as many as units": (lambda w: np.sum(np.tanh(w @ X.T) ** 2 @ np.ones(5)), RNG.normal(size=(5, 3))),
    "siamese": (lambda w: np.sum(np.tanh(X @ w) * np.tanh(X[::-1] @ w)), P[0]),
    "samples in a loop": (lambda w: sum(ad.logsumexp(np.tanh(x @ w) @ P[4]) for x in X), P[0]),
    "every step of a sequence": (lambda w: np.sum(ad.logsumexp(np.tanh(X.reshape(1, 5, 3) @ w), axis=(1, 2))), P[0]),
    "logsumexp of the batch": (lambda w: ad.logsumexp(np.tanh(X @ w) @ P[4]), P[0]),
    "logsumexp of one layer's batch": (lambda w: ad.logsumexp(X @ w), P[0]),
    "one unit, samples that meet": (lambda w: ad.logsumexp(X @ w), P[0][:, 0]),
    "one unit": (lambda w: np.sum(ad.softplus(X @ w)), P[0][:, 0]),
    "one unit, one sample": (lambda w: np.tanh(X[0] @ w) ** 2, P[0][:, 0]),
    "one output": (lambda w: np.sum(np.tanh(np.tanh(X @ w) @ P[1]) ** 2), P[0]),
    "one output, its weights": (lambda v: np.sum(np.tanh(np.tanh(X @ P[0]) @ v) ** 2), P[1]),
    "all rows in one": (lambda w: np.sum(np.tanh(X @ w)) ** 2, P[0]),
    "samples mixed by a constant": (lambda w: np.sum(np.tanh(np.tanh(X @ w).T @ X) ** 2), P[0]),
    "as many units as samples": (lambda w: np.sum(np.tanh(np.tanh(X @ w).T @ X) ** 2), P[0][:, :5]),
    "an entry picked twice": (lambda w: ad.logsumexp(np.tanh(X[0] @ w)[[3, 3, 0, 2]]), P[0]),
    "an entry spread": (lambda w: np.sum(ad.logsumexp(np.tanh(X @ w) * ONE_ROW, axis=1)), P[0][:, :1]),
    "the input of a layer": (lambda x: ad.logsumexp(x @ P[0]), X[0]),
    "mirrored": (lambda w: np.sum(ad.logsumexp((h := np.tanh(X @ w)) * h[:, ::-1] @ P[4], axis=1)), P[0]),
    "beside itself": (
        lambda w: np.sum(np.tanh(np.concatenate([h := X @ w, h * h], axis=1) @ P[2][:2].T.repeat(2, 0))),
        P[0],
    ),
    "scatter": (lambda w: np.sum(np.tanh(np.pad(np.tanh(X @ w), 1))), P[0]),
}


@pytest.mark.parametrize("name", CURIOUS)
def test_the_exact_diagonal_of_anything(name):
    f, x = CURIOUS[name]
    H = np.reshape(ad.hessian(f)(x), (np.size(x), np.size(x)))
    found = ad.hessian_diagonal(f)(x)
    assert found.shape == np.shape(x)
    np.testing.assert_allclose(np.ravel(found), np.diag(H), rtol=1e-11, atol=1e-13)


def test_an_unused_argument_float32_and_the_type_of_argnums():
    found = ad.becker_lecun(lambda W, b: np.sum(np.tanh(X.astype(np.float32) @ W) ** 2), (0, 1))(
        P[0].astype(np.float32), P[1]
    )
    assert found.diagonal[0].dtype == found.gradient[0].dtype == np.float32
    assert np.array_equal(found.diagonal[1], np.zeros(6))
    assert ad.hessian_diagonal(lambda W: np.sum(np.tanh(X @ W)))(P[0]).shape == (3, 6)
    assert ad.hessian_diagonal(lambda W: np.linalg.det(W), (0,))(np.eye(2, dtype=np.float32))[0].dtype == np.float32


def test_integer_data_does_not_overflow_in_its_square():
    data = np.full((2, 3), 200, np.uint8)
    found = ad.becker_lecun(lambda W: np.sum(np.square(data @ W)))(np.ones((3, 2)))
    assert np.array_equal(found.diagonal, np.full((3, 2), 2 * 2 * 200.0**2))


def test_diagonals_can_be_differentiated():
    def f(W):
        return ad.cross_entropy(np.tanh(X @ W) @ P[4], LABELS)

    by_walk, by_columns = (lambda W, d=d: np.sum(d(f)(W) ** 2) for d in (ad.hessian_diagonal, ad.columns))
    np.testing.assert_allclose(ad.grad(by_walk)(P[0]), ad.grad(by_columns)(P[0]), rtol=1e-11, atol=1e-13)


def test_what_comes_back_is_the_callers():
    f = network(LAYERS["tanh"], lambda z: np.sum(z * z))
    first, again = ad.hesscale(f, ALL)(*P), ad.hesscale(f, ALL)(*P)
    for a in (*first.gradient, *first.diagonal):
        a += 1
    close(ad.hesscale(f, ALL)(*P).diagonal, again.diagonal, 1e-15)
    assert not any(np.shares_memory(a, b) for a, b in itertools.combinations([*first.gradient, *first.diagonal], 2))
    summed = ad.becker_lecun(lambda a, b: np.sum(np.square(X @ (a + b))), (0, 1))(P[0], P[0])
    assert not np.shares_memory(*summed.gradient)
    assert not np.shares_memory(*summed.diagonal)


def test_sums_and_reductions_by_diagonals_alone():
    x = np.array([0.3, -1.0, 2.0])
    np.testing.assert_allclose(ad.becker_lecun(lambda x: np.mean(x) ** 2)(x).diagonal, 2 / 9)
    p, y = ad.softmax(x), ad.logsumexp(x)
    found = ad.becker_lecun(lambda x: ad.logsumexp(x) ** 2)(x).diagonal
    np.testing.assert_allclose(found, 2 * p * p + 2 * y * (p - p * p), rtol=1e-14)


def test_the_output_diagonal_is_exact_whatever_the_loss_mixes():
    def loss(z):
        return np.sum(ad.logsumexp(z * z[:, ::-1], axis=1) ** 2)

    f = network(LAYERS["tanh"], loss)
    z = np.tanh(np.tanh(X @ P[0] + P[1]) @ P[2] + P[3]) @ P[4] + P[5]
    close([ad.hesscale(f, ALL)(*P).layers[0].diagonal], [ad.columns(loss)(z)], 1e-12)


@pytest.mark.parametrize("scale", [1, 10, 1e4, 1e6])
def test_factors_of_different_sizes_do_not_cancel(scale):
    for f in (
        lambda W: np.sum((a := X @ W) * a * a * a),
        lambda W: np.sum(((a := X @ W) * np.exp(a / scale)) @ P[4][:, 0]),
    ):
        walked = walk(f, 0, (P[0] * scale,), EVERYTHING).diagonal
        close([walked], [ad.columns(f)(P[0] * scale)], 1e-13)


@pytest.mark.parametrize("name", ["softmax", "lines", "cross_entropy"])
def test_cross_entropies_of_sure_networks_keep_their_digits(name):
    f = network(LAYERS["relu"], CROSS_ENTROPIES[name])
    sure = (*P[:4], P[4] * 12, P[5])
    close(walk(f, ALL, sure, EVERYTHING).diagonal, ad.columns(f, ALL)(*sure), 1e-11)


# --- what is left out ------------------------------------------------------------------------------------------------


def test_a_repeated_argument_is_exact_in_one_line_and_reported_over_two():
    x = np.array([0.5, -1.0, 2.0])
    assert np.array_equal(ad.becker_lecun(lambda x: np.sum(x * x))(x).diagonal, np.full(3, 2.0))
    found = ad.becker_lecun(lambda x: np.sum(np.sin(x) * x))(x)
    (dropped,) = found.dropped
    assert (dropped.line, dropped.rule) == (2, "multiply")
    assert dropped.why == "lines 1 and 0 depend on one input"
    assert dropped.size == np.inf  # sin(x) * x has nothing but the cross term 2 cos x there
    np.testing.assert_allclose(found.diagonal, -np.sin(x) * x)
    assert ad.becker_lecun(lambda x: np.sum(np.sin(x) + x))(x).dropped == []


def test_the_size_of_what_a_residual_connection_drops():
    f = network(LAYERS["residual"], lambda z: np.sum(z * z))
    (dropped,) = ad.becker_lecun(f, ALL)(*P).dropped
    assert (dropped.rule, dropped.size) == ("add", pytest.approx(1.0))  # (h + t)^2: 2 ht beside hh + tt
    assert ad.hesscale(f, ALL, keep=2)(*P).dropped == []
    (one, *_) = ad.hesscale(network(LAYERS["residual"], CROSS_ENTROPIES["lines"]), ALL, keep=1)(*P).dropped
    assert one.size > 0


@pytest.mark.parametrize("layer", ["batch norm", "tied", "attention"])
def test_an_approximation_names_what_it_cannot_see(layer):
    found = ad.hesscale(network(REFUSED[layer], CROSS_ENTROPIES["lines"]), ALL, keep=2)(*P)
    assert found.dropped
    assert all(d.size != 0 for d in found.dropped)


MIRRORED, WINDOWS = X[::-1], np.stack([RNG.normal(size=(B, 3)) for _ in range(4)], axis=1)
TWICE = {
    "sum of activations": lambda W: np.sum((np.tanh(X @ W) + np.sin(X @ W)) ** 2),
    "quotient": lambda W: np.sum(np.tanh(X @ W) / (2 + np.cos(X @ W))),
    "centred": lambda W: np.sum((X @ W - np.mean(X @ W, 1, keepdims=True)) ** 2),
    "siamese": lambda W: np.sum((np.tanh(X @ W) - np.tanh(MIRRORED @ W)) ** 2),
    "dueling": lambda W: np.sum((X @ W[:, :1] + X @ W - np.mean(X @ W, 1, keepdims=True)) ** 2),
    "beside itself": lambda W: np.sum(
        (np.concatenate([np.tanh(X @ W), np.sin(X @ W)], 1) @ np.vstack([P[4]] * 2)) ** 2
    ),
    "autoencoder": lambda W: np.sum((np.tanh(X @ W) @ W.T - X) ** 2),
    "filter below a layer": lambda W: np.sum((np.tanh(WINDOWS @ W).reshape(B, -1) @ np.vstack([P[4]] * 4)) ** 2),
    "filter below a softmax": lambda W: ad.cross_entropy(np.tanh(WINDOWS @ W).reshape(B, -1), LABELS),
}


@pytest.mark.parametrize("name", TWICE)
@pytest.mark.parametrize("keep", [None, 0, 1, 9])
def test_weights_used_twice_are_exact_or_reported(name, keep):
    f, W = TWICE[name], P[0]
    found = ad.becker_lecun(f)(W) if keep is None else ad.hesscale(f, keep=keep)(W)
    exact = ad.columns(f)(W)
    np.testing.assert_allclose(ad.hessian_diagonal(f)(W), exact, rtol=1e-12, atol=1e-12)
    assert found.dropped
    assert not np.allclose(found.diagonal, exact, rtol=1e-3)


def test_operations_without_a_rule_for_curvature_are_refused_by_name():
    for walked in (ad.becker_lecun, ad.hesscale, ad.gauss_newton_diagonal):
        with pytest.raises(ad.RefusalError, match=r"line \d \(np.linalg.norm\).*\n.*hessian_diagonal"):
            walked(lambda x: np.linalg.norm(np.tanh(x @ P[0])))(X)
        for f in (lambda w: np.linalg.solve(np.eye(4) + 1, w), lambda w: np.linalg.solve(np.diag(w) + 1, np.ones(4))):
            with pytest.raises(ad.RefusalError, match=r"line \d+ \(np.linalg.solve\)"):
                walked(lambda w, f=f: np.sum(f(w) ** 3))(np.ones(4))
    with pytest.raises(ad.RefusalError, match="one number"):
        ad.becker_lecun(lambda x: x)(X)


# --- parts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [r for r in TABLE.values() if isinstance(r, Elementwise)], ids=lambda r: r.name)
def test_second_derivatives_come_from_the_formulas(rule):
    low, high = rule.domain if isinstance(rule.domain[0], float) else rule.domain[0]
    args = tuple(np.linspace(low, high, 8) + 0.013 * k for k in range(len(rule.formulas)))
    if rule.key is np.clip:
        args = (args[0], -1.0, 1.0)
    y = rule.evaluate(*args)
    second = bend((rule, (), args, {}, y), np.ones(8), [0], [0])
    step = 1e-5

    def first(x):
        partial = rule.formulas[0]
        moved = (x, *args[1:])
        return partial(rule.evaluate(*moved), *moved) if callable(partial) else partial

    expected = (np.asarray(first(args[0] + step), float) - np.asarray(first(args[0] - step), float)) / (2 * step)
    np.testing.assert_allclose(
        0 * args[0] if second is None else second + 0 * args[0], expected + 0 * args[0], atol=2e-8
    )


def test_surveys_are_made_once():
    survey.cache_clear()
    for n in (3, 3, 4):
        ad.hesscale(lambda W: np.sum(np.tanh(np.ones((2, 3)) @ W) ** 2))(np.ones((3, n)))
    assert survey.cache_info().hits == 1


def test_neuron_blocks_are_blocks_of_the_hessian():
    def f(W, b, V):
        return ad.cross_entropy(np.tanh(X @ W + b) @ V, LABELS)

    W, b, V = P[0], P[1], P[4]
    for block, k, x in zip(ad.neuron_blocks(f, (0, 2))(W, b, V), (0, 2), (W, V), strict=True):
        H = ad.hessian(f, k)(W, b, V)
        for j in range(x.shape[1]):
            np.testing.assert_allclose(block[j], H[:, j, :, j], rtol=1e-11, atol=1e-13)
    (one,) = ad.neuron_blocks(lambda W: ad.logsumexp(np.tanh(W @ X[0])), (0,))(W.T)
    H = ad.hessian(lambda W: ad.logsumexp(np.tanh(W @ X[0])))(W.T)
    np.testing.assert_allclose(one, np.stack([H[j, :, j, :] for j in range(6)]), rtol=1e-11, atol=1e-13)
    with pytest.raises(ad.RefusalError, match="weight matrices"):
        ad.neuron_blocks(f, (0, 1))(W, b, V)


def test_refusals_of_what_was_asked():
    f = network(LAYERS["tanh"], CROSS_ENTROPIES["lines"])
    for keep in (-3, 1.5, "a"):
        with pytest.raises(ad.RefusalError, match="keep is a number of layers"):
            ad.hesscale(f, ALL, keep=keep)
    with pytest.raises(ad.RefusalError, match=r"output has shape \(4,\), and the network's output \(5, 4\)"):
        ad.becker_lecun(f, ALL, output=np.ones(4))(*P)
    with pytest.raises(ad.NotLayeredError, match=r"np\.linalg\.slogdet"):
        ad.hesscale(lambda W: np.linalg.slogdet(W)[1])(np.eye(2))


def test_layers_know_their_weights_and_results_are_printed_short():
    f = network(LAYERS["tanh"], CROSS_ENTROPIES["lines"])
    found = ad.becker_lecun(f, ALL)(*P)
    assert [layer.argnum for layer in found.layers] == [4, 2, 0]
    assert [layer.argnum for layer in ad.becker_lecun(f, (2, 3))(*P).layers] == [None, 2]
    assert "shape (3, 6), norm" in repr(found)
    assert "dropped=[]" in repr(found)
    assert len(repr(found)) < 1000
    assert repr(found.layers[0]).startswith(f"Layer(line={found.layers[0].line}, argnum=4, diagonal=<shape (5, 4)")


def test_samples_in_columns_have_the_same_diagonals():
    f = network(LAYERS["tanh"], CROSS_ENTROPIES["cross_entropy"])

    def turned(W1, b1, W2, b2, W3, b3):
        z = W3 @ np.tanh(W2 @ np.tanh(W1 @ X.T + b1) + b2) + b3
        return np.mean(ad.logsumexp(z, axis=0) - z[LABELS, ROWS])

    columns = [np.array(np.atleast_2d(p).T) for p in P]
    for walked in (ad.becker_lecun, ad.hesscale):
        found, expected = walked(turned, ALL)(*columns), walked(f, ALL)(*P)
        assert found.dropped == []
        close(found.diagonal, [np.atleast_2d(d).T for d in expected.diagonal], 1e-12)
    assert ad.hesscale(turned, ALL, keep=2)(*columns).dropped
    close(ad.hessian_diagonal(turned, ALL)(*columns), ad.columns(turned, ALL)(*columns), 1e-12)


def test_the_layers_of_the_exact_walk_measure_what_the_approximation_leaves_out():
    net = Network("tanh", "L2", 2, 5)
    found, exact = (method(net, net.argnums)(*net.P).layers for method in (ad.becker_lecun, deep))
    for a, b in zip(found, exact, strict=True):
        np.testing.assert_allclose(a.bent, b.bent, rtol=1e-13)
    left_out = [
        np.abs(b.squared - a.squared).sum() / np.abs(b.diagonal).sum() for a, b in zip(found, exact, strict=True)
    ]
    assert max(left_out[:2]) < 1e-13 < 0.05 < left_out[2]


def deep(f, argnums):
    return ad.hesscale(f, argnums, keep=2)
