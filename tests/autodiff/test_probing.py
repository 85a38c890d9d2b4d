"""Diagonals from Hessian-vector products: exact ones, estimates and their errors, and how good a diagonal is."""

import numpy as np
import pytest

import autodiff as ad

RNG = np.random.default_rng(5)
X, LABELS = RNG.normal(size=(6, 3)), RNG.integers(0, 2, 6)
P = RNG.normal(size=(3, 5)), RNG.normal(size=5), RNG.normal(size=(5, 2))
ALL = (0, 1, 2)


def f(W, b, V):
    return ad.cross_entropy(np.tanh(X @ W + b) @ V, LABELS)


def flat(parts):
    return np.concatenate([np.ravel(a) for a in parts])


def quadratic(A):
    return lambda x: 0.5 * x @ A @ x


def symmetric(n, rank):
    factor = RNG.normal(size=(n, rank))
    return factor @ factor.T


def test_the_whole_hessian_in_several_arguments():
    H = ad.hessian_matrix(f, ALL)(*P)
    blocks = ad.hessian(f, ALL)(*P)
    expected = np.block(
        [[h.reshape(x.size, y.size) for h, y in zip(row, P, strict=True)] for row, x in zip(blocks, P, strict=True)]
    )
    np.testing.assert_allclose(H, expected, rtol=1e-12, atol=1e-15)
    assert np.array_equal(H, H.T)
    np.testing.assert_allclose(flat(ad.columns(f, ALL)(*P)), np.diag(expected), rtol=1e-12, atol=1e-15)
    assert ad.hessian_matrix(f, 2)(*P).shape == (10, 10)


def test_columns_keep_shape_and_type_and_come_in_chunks(monkeypatch):
    assert ad.columns(lambda x: x**3)(2.0) == 12.0
    assert ad.columns(lambda x: np.sum(x**3))(np.ones((2, 0))).shape == (2, 0)
    single = ad.columns(lambda x: np.sum(x**3))(np.ones(3, np.float32))
    assert single.dtype == np.float32
    whole = ad.columns(f, ALL)(*P), ad.hutchinson(f, ALL, 7)(*P), ad.hessian_matrix(f, ALL)(*P)
    monkeypatch.setattr("autodiff.probing.LIMIT", 60)
    parts = ad.columns(f, ALL)(*P), ad.hutchinson(f, ALL, 7)(*P), ad.hessian_matrix(f, ALL)(*P)
    np.testing.assert_allclose(flat(parts[0]), flat(whole[0]), rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(flat(parts[1].diagonal), flat(whole[1].diagonal), rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(parts[2], whole[2], rtol=1e-13, atol=1e-16)


def test_hutchinson_is_exact_for_a_diagonal_and_unbiased_with_its_own_error_for_another():
    d = np.array([1.0, -2.0, 3.0])
    found = ad.hutchinson(lambda x: 0.5 * np.sum(d * x * x), samples=2)(np.ones(3))
    np.testing.assert_allclose(found.diagonal, d)
    np.testing.assert_allclose(found.error, 0, atol=1e-15)
    A = symmetric(8, 8)
    found = ad.hutchinson(quadratic(A), samples=4000, seed=1)(np.ones(8))
    deviation = (found.diagonal - np.diag(A)) / found.error
    assert np.max(np.abs(deviation)) < 4.5
    exact_error = np.sqrt((np.sum(A**2, axis=1) - np.diag(A) ** 2) / 4000)  # of a row's off-diagonals, by random signs
    np.testing.assert_allclose(found.error, exact_error, rtol=0.1)


def test_estimates_depend_on_the_seed_and_on_nothing_else():
    for method in (ad.hutchinson, ad.xdiag):
        first, again, other = (method(f, ALL, samples=20, seed=s)(*P) for s in (3, 3, 4))
        assert np.array_equal(flat(first.diagonal), flat(again.diagonal))
        assert not np.array_equal(flat(first.diagonal), flat(other.diagonal))
        assert [a.shape for a in first.error] == [x.shape for x in P]


def test_xdiag_is_exact_for_low_rank_and_unbiased_else():
    A = symmetric(12, 3)
    found = ad.xdiag(quadratic(A), samples=10)(np.ones(12))
    np.testing.assert_allclose(found.diagonal, np.diag(A), rtol=1e-9)
    assert ad.compare(ad.hutchinson(quadratic(A), samples=10)(np.ones(12)), np.diag(A))["relative L1"] > 0.05
    B = symmetric(6, 6)
    many = [ad.xdiag(quadratic(B), samples=4, seed=s)(np.ones(6)).diagonal for s in range(1500)]
    error = np.std(many, axis=0) / np.sqrt(len(many))
    assert np.max(np.abs(np.mean(many, axis=0) - np.diag(B)) / error) < 4.5
    assert np.array_equal(ad.xdiag(lambda x: np.sum(x), samples=4)(np.ones(6)).diagonal, np.zeros(6))


@pytest.mark.parametrize("samples", [2, 5, 62])
def test_xdiag_refuses_what_it_cannot_do(samples):
    with pytest.raises(ad.RefusalError, match="an even number from 4 to twice the 30"):
        ad.xdiag(f, ALL, samples=samples)(*P)


def test_one_sample_has_no_error():
    assert all(np.isnan(e).all() for e in ad.hutchinson(f, ALL, samples=1)(*P).error)
    with pytest.raises(ad.RefusalError, match="at least 1"):
        ad.hutchinson(f, samples=0)
    with pytest.raises(ad.RefusalError, match="whole number"):
        ad.hutchinson(f, samples=2.5)


def test_the_figures_of_a_comparison():
    found = ad.compare((np.array([1.0, 2.0]), np.array([-3.0])), (np.array([1.0, 1.0]), np.array([-2.0])))
    assert found["relative L1"] == 0.5
    assert found["relative L2"] == pytest.approx(np.sqrt(2 / 6))
    assert found["negative"] == found["negative, exact"] == 1 / 3
    assert found["per argument"][1]["relative L1"] == 0.5
    assert found["dropped"] == []
    assert np.isnan(found["per argument"][0]["Spearman"])


def test_spearman_with_ties_is_the_correlation_of_shared_ranks():
    a, b = np.array([3.0, 1.0, 1.0, 2.0, 5.0]), np.array([2.0, 0.5, 1.0, 1.0, -1.0])
    ranks = np.array([4, 1.5, 1.5, 3, 5]), np.array([5, 2, 3.5, 3.5, 1])
    assert ad.compare(a, b)["Spearman"] == pytest.approx(np.corrcoef(*ranks)[0, 1])
    assert ad.compare(a, np.exp(a))["Spearman"] == pytest.approx(1)
    assert ad.compare(a, -(a**3))["Spearman"] == pytest.approx(-1)


def test_a_comparison_takes_what_a_walk_found_and_what_it_left_out():
    found = ad.becker_lecun(lambda x: np.sum(np.sin(x) * x))(np.ones(3))
    report = ad.compare(found, ad.hessian_diagonal(lambda x: np.sum(np.sin(x) * x))(np.ones(3)))
    assert report["dropped"] == found.dropped != []
    assert report["relative L1"] > 0.5


def test_a_comparison_prints_as_a_table_and_refuses_different_shapes():
    report = ad.compare((np.ones(2), np.ones((1, 2))), (np.ones(2), np.full((1, 2), 2.0)))
    head, whole, first, second, dropped = repr(report).splitlines()
    assert head.split()[:2] == ["relative", "L1"]
    assert [line.split()[k] for line, k in ((whole, 1), (first, 2), (second, 2))] == ["0.3333", "0", "0.5"]
    assert dropped == "dropped: []"
    for a, b in ((np.ones((3, 1)), np.ones(3)), ((np.ones(2),), (np.ones(2), np.ones(2)))):
        with pytest.raises(ad.RefusalError, match="same shapes"):
            ad.compare(a, b)
