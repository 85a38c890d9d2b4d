"""Whole Jacobians: batched walks, structure, named axes, vec."""

import numpy as np
import pytest
import torch
from row_cases import cases

import autodiff as ad
from autodiff import batch
from autodiff.rule import TABLE
from autodiff.testing import close, direction, sample

A, B, X = sample((3, 4)), sample((4, 2), seed=1), sample((4, 4), seed=2)


def test_four_axes():
    found = ad.jacobian(lambda W: W @ B)(A)
    assert found.shape == (3, 2, 3, 4)
    np.testing.assert_array_equal(found, np.einsum("ij,kl->iljk", np.eye(3), B))


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_network_agrees_with_torch(mode):
    rng = np.random.default_rng(0)
    W, b, U = rng.normal(size=(6, 5)), rng.normal(size=5), rng.normal(size=(5, 3))
    T = [torch.tensor(p) for p in (W, b, U)]
    x = rng.normal(size=(2, 6))
    expected = torch.func.jacrev(lambda x: torch.log_softmax(torch.tanh(x @ T[0] + T[1]) @ T[2], -1))(torch.tensor(x))
    found = ad.jacobian(lambda x: ad.log_softmax(np.tanh(x @ W + b) @ U), mode=mode)(x)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


def test_jacobians_nest():
    def f(x):
        return np.sin(x) * np.sum(x * x)

    t = torch.tensor(sample((3,)))
    inner = torch.func.jacrev(lambda x: torch.sin(x) * torch.sum(x * x))
    expected = torch.func.jacrev(inner)(t)
    for outer in ("forward", "reverse"):
        for mode in ("forward", "reverse"):
            found = ad.jacobian(ad.jacobian(f, mode=mode), mode=outer)(sample((3,)))
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    third = ad.jacobian(ad.hessian(lambda x: np.sum(np.sin(x) * np.exp(x[::-1]))))(sample((3,)))
    assert third.shape == (3, 3, 3)
    np.testing.assert_allclose(third, third.transpose(2, 1, 0), atol=1e-12)


def test_small_batches_give_the_same(monkeypatch):
    whole = [ad.jacobian(lambda x: np.tanh(x @ B), mode=mode)(A) for mode in ("forward", "reverse")]
    monkeypatch.setattr(batch, "LIMIT", 30)
    for mode, tensor in zip(("forward", "reverse"), whole, strict=True):
        np.testing.assert_allclose(ad.jacobian(lambda x: np.tanh(x @ B), mode=mode)(A), tensor, rtol=1e-14)


def test_results_are_the_callers_own():
    J = ad.jacobian(lambda x: x)(np.ones(3))
    K, L = ad.jacobian(lambda a, b: a + b, (0, 1))(np.ones(3), np.ones(3))
    K += 1
    J += 1
    np.testing.assert_array_equal(L, np.eye(3))
    zero = ad.jacobian(lambda x: np.ones(2))(np.ones(3))
    zero += 1


@pytest.mark.sweep
@pytest.mark.parametrize("rule", TABLE.values(), ids=lambda rule: str(rule.name))
def test_second_derivatives_in_batches(rule):
    """Forward and reverse over reverse, all at once, against one direction at a time."""
    for f, args in cases(rule):
        args = tuple(np.asarray(x, float)[()] for x in args)
        w = direction(np.random.default_rng(0), f(*args))
        for i, j in np.ndindex(len(args), len(args)):
            gradient = ad.grad(lambda *xs, f=f, w=w: np.sum(w * f(*xs)), i)
            u = direction(np.random.default_rng(1), args[j])
            tangents = [u if k == j else np.zeros_like(x) for k, x in enumerate(args)]
            expected = ad.jvp(gradient, args, tangents)[1]
            for mode in ("forward", "reverse"):
                tensor = ad.jacobian(gradient, j, mode)(*args)
                close(np.tensordot(tensor, u, np.ndim(u)), expected, f"{mode} over reverse", 1e-9)


def test_every_operation_of_the_table_has_a_batch_rule_or_goes_one_by_one():
    assert batch.RULES.keys() <= TABLE.keys()


# --- structure -------------------------------------------------------------------------------------------------------

STRUCTURED = {
    "one function": (lambda x: np.tanh(x), A, ad.Diagonal),
    "a composition": (lambda x: np.exp(np.sin(x) * 2 + 1) / 3, A, ad.Diagonal),
    "fan-out": (lambda x: x * x + np.sin(x), A, ad.Diagonal),
    "a product from the right": (lambda x: x @ B, A, ad.Kronecker),
    "a product from the left": (lambda x: A @ x, B, ad.Kronecker),
    "both": (lambda x: A @ x @ B, X, ad.Kronecker),
    "a vector": (lambda x: A @ x, X[0], ad.Dense),
    "a layer": (lambda x: np.tanh(x @ B + 1), A, ad.Dense),
    "a reduction": (lambda x: np.sum(x * x, axis=0), A, ad.Dense),
    "a broadcast": (lambda x: x + B.T, X[0], ad.Dense),
    "two ways, one dense": (lambda x: np.sin(x) + x @ x, X, ad.Dense),
    "a number": (lambda x: np.sum(x), A, ad.Dense),
    "a constant": (lambda x: np.ones(2), A, ad.Dense),
    "the identity": (lambda x: x, A, ad.Diagonal),
    "a constant line below the input": (lambda x: np.sin(x) @ B, A, ad.Dense),
}


@pytest.mark.parametrize("name", STRUCTURED)
def test_structure(name):
    f, x, kind = STRUCTURED[name]
    found = ad.structured_jacobian(f)(x)
    expected = ad.jacobian(f)(x)
    assert type(found) is kind
    assert found.shape == expected.shape == found.out_shape + found.in_shape
    close(found.dense(), expected, "the dense tensor", 1e-13)
    close(found.matrix(), expected.reshape(found.matrix().shape), "the matrix", 1e-13)
    assert kind.__name__ in repr(found)


def test_kronecker_is_the_kronecker_product_of_row_major_vec():
    J = ad.structured_jacobian(lambda x: A @ x @ B)(X)
    np.testing.assert_allclose(J.matrix(), np.kron(A, B.T), rtol=1e-14)
    np.testing.assert_allclose(J.matrix() @ ad.vec(X), ad.vec(A @ X @ B), rtol=1e-12)


def test_structure_in_another_argument_and_precision():
    J = ad.structured_jacobian(lambda a, x: a * x, 1)(A, A + 1)
    np.testing.assert_array_equal(J.entries, A)
    assert ad.structured_jacobian(np.sin)(A.astype(np.float32)).entries.dtype == np.float32


# --- tensors ---------------------------------------------------------------------------------------------------------


def test_contraction_over_named_axes():
    T = sample((2, 3, 4))
    np.testing.assert_allclose(ad.contract(A, "i j", B, "j k", "j"), A @ B)
    np.testing.assert_allclose(ad.contract(T, "a b c", A, "b c", "b c"), np.einsum("abc,bc->a", T, A))
    np.testing.assert_allclose(ad.contract(T, "a b c", A, "b c", "c b"), np.einsum("abc,bc->a", T, A))
    np.testing.assert_allclose(ad.contract(A, ["row", "column"], B, ["x", "y"], []), np.einsum("ij,kl->ijkl", A, B))
    assert ad.contract(2.0, "", A, "i j", "").shape == (3, 4)


def test_the_chain_rule_by_names():
    J = ad.jacobian(lambda h: np.tanh(h @ B))(A)
    K = ad.jacobian(lambda x: np.sin(x))(A)
    whole = ad.jacobian(lambda x: np.tanh(np.sin(x) @ B))(A)
    at_sine = ad.jacobian(lambda h: np.tanh(h @ B))(np.sin(A))
    assert J.shape == at_sine.shape
    np.testing.assert_allclose(ad.contract(at_sine, "n k i j", K, "i j a b", "i j"), whole, rtol=1e-12, atol=1e-15)


def test_contraction_is_differentiable():
    g = ad.grad(lambda a: np.sum(np.square(ad.contract(a, "i j", B, "j k", "j"))))(A)
    np.testing.assert_allclose(g, 2 * A @ B @ B.T, rtol=1e-12)


@pytest.mark.parametrize(
    ("args", "advice"),
    [
        ((A, "i", B, "j k", ""), "different names"),
        ((A, "i i", B, "j k", ""), "different names"),
        ((A, "i j", B, "j k", ""), "rename"),
        ((A, "i j", B, "k l", "j"), "both arrays need it"),
        ((A, "i j", A, "j k", "j"), "length"),
    ],
)
def test_contraction_refuses(args, advice):
    with pytest.raises(ad.RefusalError, match=advice):
        ad.contract(*args)


@pytest.mark.parametrize("order", ["row", "column"])
def test_vec_and_its_inverse(order):
    v = ad.vec(A, order)
    np.testing.assert_array_equal(v, A.ravel() if order == "row" else A.T.ravel())
    np.testing.assert_array_equal(ad.unvec(v, A.shape, order), A)
    np.testing.assert_array_equal(
        ad.grad(lambda x: np.sum(ad.vec(x, order) * np.arange(12.0)))(A), ad.unvec(np.arange(12.0), A.shape, order)
    )


@pytest.mark.parametrize("order", ["row", "column"])
def test_the_matrix_between_vecs(order):
    J = ad.jacobian(lambda x: A @ x @ B)(X)
    matrix = ad.vec_jacobian(J, 2, order)
    np.testing.assert_allclose(matrix @ ad.vec(X, order), ad.vec(A @ X @ B, order), rtol=1e-12)
    np.testing.assert_allclose(matrix, np.kron(A, B.T) if order == "row" else np.kron(B.T, A), rtol=1e-14)


def test_vec_refuses_other_orders():
    with pytest.raises(ad.RefusalError, match="row"):
        ad.vec(A, "C")
