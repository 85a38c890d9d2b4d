"""What the curvature methods cost, by what runs: exponents in the number of weights, and ratios to a gradient."""

from itertools import pairwise

import numpy as np
import pytest

import autodiff as ad
from autodiff import curvature, probing


def network(sizes, batch):
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(a, b)) / np.sqrt(a) for a, b in pairwise(sizes)]
    x, labels = rng.normal(size=(batch, sizes[0])), rng.integers(0, sizes[-1], batch)

    def loss(x, *weights):
        for W in weights[:-1]:
            x = np.tanh(x @ W)
        return ad.cross_entropy(x @ weights[-1], labels)

    return loss, [x, *weights]


def flops(method, sizes, batch=1):
    loss, args = network(sizes, batch)
    variables = tuple(range(1, len(args)))
    return ad.counted(method(loss, variables), *args)[1].flops, sum(a.size for a in args[1:])


METHODS = {
    "gradient": (ad.grad, 1.0, (32, 64, 128)),
    "becker_lecun": (curvature.becker_lecun, 1.0, (32, 64, 128)),
    "hesscale": (curvature.hesscale, 1.0, (32, 64, 128)),
    "low_rank": (curvature.low_rank, 1.0, (32, 64, 128)),
    "hessian_diagonal": (curvature.hessian_diagonal, 1.5, (128, 256, 512)),
    "columns": (probing.columns, 2.0, (16, 24, 32)),
    "hessian_matrix": (probing.hessian_matrix, 2.0, (16, 24, 32)),
}


@pytest.mark.parametrize("name", METHODS)
def test_exponents_in_the_number_of_weights(name):
    method, expected, sizes = METHODS[name]
    counts, weights = zip(*(flops(method, (n, n, n, n)) for n in sizes), strict=True)
    found = np.polyfit(np.log(weights), np.log(counts), 1)[0]
    assert found == pytest.approx(expected, abs=0.05)


def test_the_whole_hessian_has_exponent_two():
    """From the list alone: n tangents over the gradient, without carrying them out."""
    counts, weights = [], []
    for n in (32, 64, 128):
        loss, args = network((n, n, n, n), 1)
        cost = ad.Cost(loss, *args, argnums=(1, 2, 3))
        counts.append(cost.hessian().flops)
        weights.append(cost.inputs)
    assert np.polyfit(np.log(weights), np.log(counts), 1)[0] == pytest.approx(2, abs=0.05)


def test_random_probes_cost_as_many_products_as_there_are_samples():
    five, ten = (flops(lambda f, argnums, n=n: probing.hutchinson(f, argnums, n), (16, 16, 4), 8)[0] for n in (5, 10))
    fifteen = flops(lambda f, argnums: probing.hutchinson(f, argnums, 15), (16, 16, 4), 8)[0]
    assert fifteen - ten == ten - five


@pytest.mark.parametrize("name", ["becker_lecun", "hesscale"])
def test_a_diagonal_costs_less_than_another_gradient(name):
    method, gradient = METHODS[name][0], flops(ad.grad, (64, 64, 10), 32)[0]
    assert flops(method, (64, 64, 10), 32)[0] <= 1.8 * gradient
