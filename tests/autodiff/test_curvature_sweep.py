"""Random programs: what the walk calls exact is exact, whatever the program mixes, repeats, turns or ties."""

import numpy as np
import pytest

import autodiff as ad
from autodiff.curvature import EVERYTHING, NotLayeredError, walk

LAST = -1
STEPS = [
    lambda h, W, rng: h @ W[0] if h.shape[LAST] == W[0].shape[0] else h,
    lambda h, W, rng: h @ W[1] if h.shape[LAST] == W[1].shape[0] else h,
    lambda h, W, rng: h @ W[2] if h.shape[LAST] == W[2].shape[0] else h,
    lambda h, W, rng: h + W[3] if h.shape[LAST:] == W[3].shape else h,
    lambda h, W, rng: h * W[4],
    lambda h, W, rng: np.tanh(h),
    lambda h, W, rng: ad.sigmoid(h),
    lambda h, W, rng: ad.log_softmax(h),
    lambda h, W, rng: h + np.sin(h),
    lambda h, W, rng: h * h[..., ::-1],
    lambda h, W, rng: h[::-1],
    lambda h, W, rng: np.swapaxes(h, 0, LAST),
    lambda h, W, rng: h[rng.integers(0, len(h), 4)],
    lambda h, W, rng: h - np.mean(h, axis=LAST, keepdims=True),
    lambda h, W, rng: h - np.mean(h, axis=0),
    lambda h, W, rng: np.max(h, axis=LAST, keepdims=True) - h,
    lambda h, W, rng: np.concatenate([h, np.tanh(h)], axis=LAST),
    lambda h, W, rng: np.reshape(h, (-1,)),
    lambda h, W, rng: np.reshape(h, h.shape[::-1]),
    lambda h, W, rng: np.cumsum(h, axis=int(rng.integers(h.ndim))),
    lambda h, W, rng: np.swapaxes(h, 0, LAST) @ rng.normal(size=(len(h), 3)) if h.ndim == 2 else h,
    lambda h, W, rng: ad.logsumexp(h, axis=LAST, keepdims=True) * rng.normal(size=3),
    lambda h, W, rng: np.broadcast_to(h[:, None], (len(h), 2, *h.shape[1:])),
]
ENDS = [
    lambda z: np.sum(z * z),
    lambda z: np.mean(np.exp(z / 3)),
    lambda z: np.sum(np.sin(z)),
    ad.logsumexp,
    lambda z: np.sum(z) ** 2,
]


def program(seed):
    """A function of five arguments, two to eight steps long, and its arguments."""
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 6, 4)
    X = rng.normal(size=(rng.integers(2, 6), n[0]) if rng.random() < 0.8 else n[0])
    W = [rng.normal(size=s) / 1.5 for s in ((n[0], n[1]), (n[1], n[2]), (n[2], n[3]), (n[1],), ())]
    steps = [0, *rng.permutation(np.r_[rng.integers(0, len(STEPS), rng.integers(1, 6)), rng.integers(0, 9, 2)])]
    end = ENDS[rng.integers(len(ENDS))]

    def f(*W):
        h, again = X, np.random.default_rng(seed)
        for step in steps:
            h = STEPS[step](h, W, again)
        return end(h)

    return f, W


@pytest.mark.sweep
@pytest.mark.parametrize("block", range(8))
def test_exact_is_exact(block):
    walked = 0
    for seed in range(500 * block, 500 * block + 500):
        f, W = program(seed)
        value, expected = f(*W), ad.columns(f, range(5))(*W)
        if not abs(value) < 1e6:
            continue
        for keep in (EVERYTHING, 20):
            try:
                found = walk(f, range(5), W, keep)
            except NotLayeredError:
                continue
            if not found.dropped:
                walked += 1
                for a, b in zip(found.diagonal, expected, strict=True):
                    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * (1 + np.max(np.abs(b))), err_msg=str(seed))
    assert walked > 100
