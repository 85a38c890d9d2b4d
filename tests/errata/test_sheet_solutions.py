"""S4, solutions of a sheet: a network whose biases are rows of its weights, with the mean squared error; PyTorch."""

import numpy as np
import pytest
import torch
from printed import corrects, gradient, jacobian, tensor

RNG = np.random.default_rng(105)
n = 7
X, y, W1, W2 = (RNG.normal(size=shape) for shape in ((n, 3), (n, 1), (4, 4), (5, 1)))
ONES = np.ones((n, 1))
A = np.hstack([X, ONES])
B = A @ W1
C = np.maximum(B, 0)
D = np.hstack([C, ONES])
E = D @ W2
F = E - y
MASK = (B > 0).astype(float)
SELECTOR = np.eye(5, 4)  # keeps the units, drops the bias


def loss(W1, W2):
    hidden = torch.cat([torch.relu(tensor(A) @ W1), tensor(ONES)], dim=1)
    return torch.mean((hidden @ W2 - tensor(y)) ** 2)


IN_W1 = gradient(lambda W1: loss(W1, tensor(W2)), W1)
IN_W2 = gradient(lambda W2: loss(tensor(W1), W2), W2)


def test_the_data_have_units_that_are_on_and_units_that_are_off():
    assert 0.2 < MASK.mean() < 0.8


@corrects("S4-1.3")
def test_the_mean_runs_over_samples_and_the_weights_have_none():
    one_by_one = [(np.append(np.maximum(np.append(X[k], 1) @ W1, 0), 1) @ W2 - y[k]) ** 2 for k in range(n)]
    assert np.sum(one_by_one) / n == pytest.approx(float(loss(tensor(W1), tensor(W2))))


@corrects("S4-1.4")
def test_the_activation_closes_after_the_product():
    assert not np.allclose(np.hstack([np.maximum(A, 0) @ W1, ONES]) @ W2, E)
    positive = np.abs(A), np.abs(W1)
    np.testing.assert_allclose(np.maximum(positive[0], 0) @ positive[1], np.maximum(positive[0] @ positive[1], 0))


@corrects("S4-3.g1")
def test_the_last_factor_belongs_to_all_the_weights():
    full = jacobian(lambda W2: tensor(D) @ W2, W2)
    upstream = 2 / n * F.T
    np.testing.assert_allclose(np.einsum("ik,kiab->ab", upstream, full), IN_W2)
    of_one_weight = upstream @ D[:, [2]]
    assert of_one_weight.shape == (1, 1)
    assert of_one_weight.item() == pytest.approx(IN_W2[2, 0])


@corrects("S4-3.g3", "S4-3.g4", "S4-3.g5")
def test_the_factors_of_the_chain_are_matrices():
    dH_dG = jacobian(lambda G: G.sum()[None], F[:, 0] ** 2)
    dG_dF = jacobian(lambda F: F**2, F[:, 0])
    dF_dE = jacobian(lambda E: E - tensor(y[:, 0]), E[:, 0])
    np.testing.assert_array_equal(dH_dG, np.ones((1, n)))
    np.testing.assert_allclose(dG_dF, np.diag(2 * F[:, 0]))
    assert dG_dF.shape not in ((n, 1), (1, n))
    np.testing.assert_array_equal(dF_dE, np.eye(n))
    np.testing.assert_allclose(dH_dG @ dG_dF, 2 * F.T)
    np.testing.assert_allclose(1 / n * dH_dG @ dG_dF @ dF_dE @ D, IN_W2.T)


@corrects("S4-3.g7")
def test_the_product_has_summed_over_the_samples_already():
    np.testing.assert_allclose(1 / n * 2 * F.T @ D, IN_W2.T)
    np.testing.assert_allclose(1 / n * sum(2 * F.T @ D for _ in range(n)), n * IN_W2.T)


@corrects("S4-3.g8")
def test_for_an_update_the_row_is_turned_into_a_column():
    np.testing.assert_allclose(2 / n * D.T @ F, IN_W2)
    assert (2 / n * F.T @ D).shape != W2.shape
    assert IN_W1.shape == W1.shape


@corrects("S4-3.h1", "S4-3.h5")
def test_a_weight_of_the_first_layer_works_in_every_sample():
    in_B = 2 / n * (F @ W2.T @ SELECTOR) * MASK
    full = jacobian(lambda W1: tensor(A) @ W1, W1)
    for i in range(4):
        for j in range(4):
            np.testing.assert_array_equal(full[:, j, i, j], A[:, i])
            assert in_B[:, j] @ A[:, i] == pytest.approx(IN_W1[i, j])
    through_one_entry = in_B[:4] * A[:4]
    assert not np.allclose(through_one_entry, IN_W1)
    own = np.array([[full[i, j, i, j] for j in range(4)] for i in range(4)])
    np.testing.assert_array_equal(own, np.broadcast_to(np.diag(A[:4])[:, None], (4, 4)))
    assert not np.allclose(own, A[:4])


@corrects("S4-3.h2")
def test_each_row_of_the_output_sees_its_own_row_alone():
    full = jacobian(lambda D: (D @ tensor(W2))[:, 0], D)
    np.testing.assert_array_equal(full, np.einsum("kl,j->klj", np.eye(n), W2[:, 0]))
    assert full[0, 0].shape == W2.T[0].shape


@corrects("S4-3.h3")
def test_the_step_through_concatenation_is_a_selector():
    full = jacobian(lambda C: torch.cat([C, tensor(ONES)], dim=1), C)
    np.testing.assert_array_equal(full, np.einsum("kl,ab->kalb", np.eye(n), SELECTOR))
    in_D = RNG.normal(size=(n, 5))
    pulled = np.einsum("ka,kalb->lb", in_D, full)
    np.testing.assert_allclose(pulled, in_D @ SELECTOR)
    np.testing.assert_array_equal(pulled, in_D[:, :4])


@corrects("S4-3.h4")
def test_one_entry_of_the_activation_depends_on_one_entry():
    full = jacobian(torch.relu, B)
    np.testing.assert_array_equal(np.einsum("kaka->ka", full), MASK)
    assert np.count_nonzero(full) == np.count_nonzero(MASK)
    assert gradient(torch.relu, 0.0) == 0


@corrects("S4-3.h6")
def test_the_bias_entry_is_dropped_and_the_outer_product_has_the_inputs_first():
    with pytest.raises(ValueError, match="mismatch"):
        (2 * F @ W2.T) @ np.eye(4)
    in_B = (2 * F @ W2.T @ SELECTOR) * MASK
    np.testing.assert_allclose(sum(np.outer(A[k], in_B[k]) for k in range(n)) / n, IN_W1)
    other_order = sum(np.outer(in_B[k], A[k]) for k in range(n)) / n
    assert other_order.shape == IN_W1.shape
    assert not np.allclose(other_order, IN_W1)


@corrects("S4-3.h7")
def test_the_vectorised_line_is_right_with_the_selector():
    with pytest.raises(ValueError, match="mismatch"):
        F @ W2.T @ np.eye(4)
    np.testing.assert_allclose(2 / n * A.T @ ((F @ W2.T @ SELECTOR) * MASK), IN_W1)
    np.testing.assert_allclose(2 / n * A.T @ ((F @ W2[:4].T) * MASK), IN_W1)


@corrects("S4-3.h8")
def test_a_column_of_ones_is_not_a_matrix_of_ones():
    with pytest.raises(ValueError, match="broadcast"):
        X + np.ones((n, 4))
    padded = np.hstack([X, np.zeros((n, 1))])
    np.testing.assert_array_equal(padded + np.outer(np.ones(n), np.eye(4)[3]), A)
    wrong = padded + np.ones((n, 4))
    found = 2 / n * wrong.T @ (((E - y) @ W2[:4].T) * (wrong @ W1 > 0))
    assert not np.allclose(found, IN_W1)
    np.testing.assert_allclose(2 / n * A.T @ (((E - y) @ W2[:4].T) * (A @ W1 > 0)), IN_W1)


def reached(node):
    """All nodes of PyTorch's graph from one of them on."""
    found, ahead = [], [node]
    while ahead:
        here = ahead.pop()
        if here is not None and here not in found:
            found.append(here)
            ahead += [each for each, _ in here.next_functions]
    return found


@corrects("S4-4.1")
def test_the_leaves_of_a_frameworks_graph_are_what_asked_for_a_gradient():
    weights = tensor(W1).requires_grad_(), tensor(W2).requires_grad_()
    leaves = [node.variable for node in reached(loss(*weights).grad_fn) if hasattr(node, "variable")]
    assert {id(leaf) for leaf in leaves} == {id(weight) for weight in weights}


@corrects("S4-4.2")
def test_a_framework_records_its_graph_on_the_way_forward():
    weights = tensor(W1).requires_grad_(), tensor(W2).requires_grad_()
    value = loss(*weights)
    assert value.grad_fn is not None
    assert weights[0].grad is None
    value.backward()
    np.testing.assert_allclose(weights[0].grad.numpy(), IN_W1)
    with pytest.raises(RuntimeError, match="second time"):
        value.backward()


@corrects("X-1")
def test_the_sources_layouts_differ_by_a_transpose():
    row, column = (2 / n * F.T @ D), (2 / n * D.T @ F)
    np.testing.assert_allclose(row.T, column)
    np.testing.assert_allclose(column, IN_W2)


@corrects("X-2")
def test_one_layer_in_the_indices_of_two_sources():
    W, b = W1[:3].T, W1[3]  # to a unit, from an input; and a bias of its own
    np.testing.assert_allclose(np.stack([W @ row + b for row in X]), A @ W1)
    np.testing.assert_array_equal(np.hstack([W, b[:, None]]).T, W1)
