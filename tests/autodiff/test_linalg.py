"""Where the decompositions of linear algebra have no derivative, and where they nearly have none."""

import numpy as np
import pytest

import autodiff as ad

PAIR = np.diag([1.0, 1.0, 3.0])  # two equal eigenvalues


def vectors(a):
    return np.linalg.eigh(a).eigenvectors


def test_vectors_of_equal_eigenvalues_have_no_derivative():
    weights = np.arange(9.0).reshape(3, 3)
    assert np.isnan(ad.grad(lambda a: np.sum(weights * vectors(a)))(PAIR)).any()
    assert np.isnan(ad.jvp(vectors, (PAIR,), (np.ones((3, 3)),))[1]).any()
    for mode in ("forward", "reverse"):
        assert np.isnan(ad.jacobian(vectors, mode=mode)(PAIR)).any()


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_their_values_and_the_vectors_of_others_have_one(mode):
    total = ad.jacobian(lambda a: np.sum(np.linalg.eigvalsh(a) ** 2), mode=mode)(PAIR)
    np.testing.assert_allclose(total, 2 * PAIR, atol=1e-14)

    def onto_the_third(a):
        v = np.linalg.eigh(a).eigenvectors[:, 2]
        return np.outer(v, v)

    step = np.array([[0.0, 0, 1], [0, 0, 1], [1, 1, 0]])
    h = 1e-5
    slope = (onto_the_third(PAIR + h * step) - onto_the_third(PAIR - h * step)) / (2 * h)
    found = np.tensordot(ad.jacobian(onto_the_third, mode=mode)(PAIR), step, 2)
    np.testing.assert_allclose(found, slope, atol=1e-8)


def test_inverse_functions_near_the_ends_and_far_out():
    """Where x * x would overflow, or 1 - x * x lose all digits."""
    for f, x, expected in [
        (np.arcsinh, 1e200, 1e-200),
        (np.arccosh, 1e200, 1e-200),
        (np.arccosh, 1 + 2.0**-50, 2.0**24.5),
        (np.arcsin, 1 - 2.0**-50, 2.0**24.5),
        (np.arctanh, 1 - 2.0**-50, 2.0**49),
        (lambda y: np.arctan2(y, 1e-200), 1e-200, 0.5e200),
    ]:
        np.testing.assert_allclose(ad.grad(f)(x), expected, rtol=1e-14)
