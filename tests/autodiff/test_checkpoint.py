"""A checkpointed gradient is the plain one to the last bit, at the promised price."""

import numpy as np
import pytest

import autodiff as ad
from autodiff.testing import sample


def step(x):
    return np.sin(x) * x + np.tanh(x[::-1]) * np.mean(x)


def layer(x, W, b):
    return np.tanh(x @ W + b)


def composed(steps):
    def f(x, *weights):
        rest = iter(weights)
        for function, count in steps:
            x = function(x, *(next(rest) for _ in range(count)))
        return x

    return f


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 9, 17, 40])
def test_the_last_bit_with_and_without_weights(depth, dtype):
    rng = np.random.default_rng(depth)
    x = rng.normal(size=4).astype(dtype)
    weights = [(rng.normal(size=(4, 4)).astype(dtype), rng.normal(size=4).astype(dtype)) for _ in range(depth)]
    value, dx, none = ad.checkpointed([step] * depth + [np.sum], x)
    plain, gradient = ad.value_and_grad(composed([(step, 0)] * depth + [(np.sum, 0)]))(x)
    assert none == [()] * (depth + 1)
    assert value == plain
    assert value.dtype == dx.dtype == dtype
    np.testing.assert_array_equal(dx, gradient)

    value, dx, dw = ad.checkpointed([layer] * depth + [np.sum], x, [*weights, ()])
    flat = [w for pair in weights for w in pair]
    f = composed([(layer, 2)] * depth + [(np.sum, 0)])
    plain, gradient = ad.value_and_grad(f, tuple(range(len(flat) + 1)))(x, *flat)
    assert value == plain
    assert [len(part) for part in dw] == [2] * depth + [0]
    for found, expected in zip([dx, *(w for part in dw for w in part)], gradient, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_it_can_be_differentiated_again():
    x, v = sample((4,)), sample((4,), seed=1)
    found = ad.jvp(lambda x: ad.checkpointed([step] * 5 + [np.sum], x)[1], (x,), (v,))[1]
    np.testing.assert_array_equal(found, ad.hvp(composed([(step, 0)] * 5 + [(np.sum, 0)]), x, v))


@pytest.mark.parametrize("depth", [16, 64, 256])
def test_memory_of_two_roots_for_one_more_evaluation_less_a_root(depth):
    x, root = np.ones(5), int(depth**0.5)
    steps = [np.tanh] * (depth - 1) + [lambda x: np.sum(np.tanh(x))]
    plain = ad.counted(ad.grad(composed([(s, 0) for s in steps])), x)[1]
    found = ad.counted(lambda x: ad.checkpointed(steps, x)[1], x)[1]
    assert found.transcendental == 5 * (2 * depth - root)
    assert plain.transcendental == 5 * depth
    assert 2 * root * 5 - 10 <= found.peak_live_floats <= (2 * root + 8) * 5
    assert plain.peak_live_floats >= depth * 5


def test_chains_that_are_none():
    for steps, weights in (([], None), ([np.sum], []), ([np.sin, np.sum], [()])):
        with pytest.raises(ad.RefusalError, match="chain"):
            ad.checkpointed(steps, 1.0, weights)
    with pytest.raises(ad.RefusalError, match="one number"):
        ad.checkpointed([np.sin], np.ones(2))


def test_odd_chains():
    assert ad.checkpointed([lambda x: x * x], 3)[:2] == (9.0, 6.0)
    value, dx, _ = ad.checkpointed([np.sin, lambda x: np.ones(2), np.sum], np.ones(3))
    assert value == 2.0
    np.testing.assert_array_equal(dx, np.zeros(3))
    assert ad.checkpointed([lambda x: x, lambda x: 5.0], 1.0)[:2] == (5.0, 0.0)
