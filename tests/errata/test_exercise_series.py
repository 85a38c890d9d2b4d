"""S0, an exercise series: backpropagation in graphs, the approximate Hessian, tensor chain rules."""

import networkx
import numpy as np
import pytest
import torch
from printed import corrects, gradient, jacobian, tensor

RNG = np.random.default_rng(101)


@corrects("S0-N2", "S0-N5")
def test_the_row_of_one_rule_and_the_shape_of_the_other_meet_at_a_matrix_of_one_column():
    x = RNG.normal(size=(5, 1))
    own_shape = gradient(lambda x: (x**3).sum(), x)
    row = jacobian(lambda v: (v**3).sum()[None], x[:, 0])
    assert own_shape.shape == (5, 1)
    assert row.shape == (1, 5)
    np.testing.assert_allclose(own_shape, row.T)
    of_a_matrix = jacobian(lambda W: W @ tensor(x[:, 0]), RNG.normal(size=(3, 5)))
    assert of_a_matrix.shape == (3, 3, 5), "a Jacobian in a matrix, which the source calls a gradient further on"


@corrects("S0-1a")
def test_a_chain_of_nodes_extended_by_its_gradient_nodes_gives_the_gradient():
    thetas, x = RNG.normal(size=3), 0.7
    h1 = np.tanh(thetas[0] * x)
    h2 = np.tanh(thetas[1] * h1)
    values = {"dl/dh2": 2 * thetas[2] ** 2 * h2, "dh2/dh1": thetas[1] * (1 - h2**2)}
    extended = networkx.DiGraph([("h1", "h2"), ("h2", "l")])
    extended.add_edges_from([("h2", "dl/dh2"), ("h1", "dh2/dh1"), ("dl/dh2", "dl/dh1"), ("dh2/dh1", "dl/dh1")])
    found = np.prod([values[node] for node in extended.predecessors("dl/dh1")])
    expected = gradient(lambda h: (thetas[2] * torch.tanh(thetas[1] * h)) ** 2, h1)
    assert found == pytest.approx(expected)
    assert values["dl/dh2"] != pytest.approx(expected), "one node alone is not the answer"


@corrects("S0-1b")
def test_on_a_graph_with_shared_nodes_the_derivative_is_the_sum_over_all_paths():
    x, y = RNG.normal(size=2)
    a, b = x * y, np.sin(x)
    c = a + b
    slopes = {("x", "a"): y, ("x", "b"): np.cos(x), ("a", "c"): 1, ("b", "c"): 1, ("a", "l"): c, ("c", "l"): a}
    paths = list(networkx.all_simple_edge_paths(networkx.DiGraph(list(slopes)), "x", "l"))
    products = [np.prod([slopes[edge] for edge in path]) for path in paths]
    expected = gradient(lambda x: (x * y) * (x * y + torch.sin(x)), x)
    assert len(paths) == 3
    assert sum(products) == pytest.approx(expected)
    for left_out in range(3):
        assert sum(products) - products[left_out] != pytest.approx(expected)


@corrects("S0-2.1")
def test_the_second_derivative_is_in_one_weight_and_per_sample():
    Z, W, targets = RNG.normal(size=(6, 5)), RNG.normal(size=(3, 5)), RNG.normal(size=(6, 3))

    def loss(W, n):
        return ((torch.tanh(tensor(Z[n]) @ W.T) - tensor(targets[n])) ** 4).sum()

    hessian = torch.func.hessian(loss)
    per_sample = []
    for n in range(6):
        in_a = torch.func.hessian(lambda a, n=n: ((torch.tanh(a) - tensor(targets[n])) ** 4).sum())(tensor(W @ Z[n]))
        exact = np.einsum("jiji->ji", hessian(tensor(W), n).numpy())
        np.testing.assert_allclose(exact, np.outer(np.diag(in_a.numpy()), Z[n] ** 2))
        per_sample.append((exact, np.diag(in_a.numpy())))
    batch = sum(exact for exact, _ in per_sample)
    product_of_sums = np.outer(sum(in_a for _, in_a in per_sample), np.sum(Z**2, axis=0))
    assert not np.allclose(batch, product_of_sums)
    assert np.shape(batch) == W.shape, "printed with w_ii, there would be one derivative for each unit"


@corrects("S0-3.0c")
def test_a_length_does_not_name_an_axis():
    P, Q = RNG.normal(size=(5, 5)), RNG.normal(size=(5, 3))
    assert P.shape[0] == P.shape[1] == Q.shape[0], "'contract over the axis of length 5' can be read in two ways"
    assert not np.allclose(np.einsum("ij,jk->ik", P, Q), np.einsum("ji,jk->ik", P, Q))
    g, W = RNG.normal(size=(3, 5)), RNG.normal(size=(6, 7))
    A, B = RNG.normal(size=(3, 6)), RNG.normal(size=(7, 5))
    T = jacobian(lambda W: tensor(A) @ W @ tensor(B), W)
    expected = gradient(lambda W: (tensor(g) * (tensor(A) @ W @ tensor(B))).sum(), W)
    np.testing.assert_allclose(np.einsum("ij,ijkl->kl", g, T), expected)
