"""Mistakes in single operations, and two at once: each is named in an exercise that nothing was made for."""

import importlib

import numpy as np
import pytest

from grading.verify import Exercise, laws, oneway, pairs, places, planted, shares, softmaxes, suspects, verify

elsewhere = importlib.import_module("grading.verify.elsewhere")
diagnose = importlib.import_module("grading.verify.diagnose")
USERS = (planted, laws, diagnose)
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def exercise(name, function, wrt, asks="gradient", **shapes):
    """An exercise with normal inputs of these shapes."""
    return Exercise(
        id=f"slip.{name}",
        function=function,
        inputs=lambda rng: {key: rng.normal(size=shape) for key, shape in shapes.items()},
        wrt=wrt,
        asks=asks,
        sizes_fixed="what is tried does not depend on sizes",
    )


def softmax(z, axis=1):
    powers = np.exp(z - z.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


POOL = exercise("pool", lambda xp, x, v: xp.sum(v * xp.exp(xp.max(xp.reshape(x, (6, 3)), axis=1))), ("x",), x=18, v=6)


def pool(mask):
    def answer(x, v):
        windows = x.reshape(6, 3)
        return ((v * np.exp(windows.max(1)))[:, None] * mask(windows)).ravel()

    return answer


RUNNING = exercise("running", lambda xp, x, v: xp.sum(v * xp.sin(xp.cumulative_sum(x))), ("x",), x=7, v=7)


def back(x, v):
    return v * np.cos(np.cumsum(x))


SYSTEM = exercise("system", lambda xp, A, b, c: xp.sum(c * xp.linalg.solve(A, b)), ("A",), A=(5, 5), b=(5,), c=(5,))
VOLUME = exercise("volume", lambda xp, A: xp.linalg.slogdet(A)[1] + xp.sum(xp.sin(A)), ("A",), A=(5, 5))
INVERSE = exercise("inverse", lambda xp, A, C: xp.sum(C * xp.linalg.inv(A)), ("A",), A=(5, 5), C=(5, 5))
CUBE = exercise("cube", lambda xp, A, C: xp.sum(C * A**3), ("A",), A=(5, 5), C=(5, 5))


def weigh(xp, Z, C):
    powers = xp.exp(Z)
    return xp.sum(C * (powers / xp.sum(powers, axis=1, keepdims=True)))


WEIGHTS = exercise("weights", weigh, ("Z",), Z=(6, 5), C=(6, 5))


def weights(law, axis=1):
    return lambda Z, C: law(softmax(Z, axis), C)


LIKELIHOOD = exercise(
    "likelihood",
    lambda xp, Z, C: xp.sum(C * (Z - xp.log(xp.sum(xp.exp(Z), axis=1, keepdims=True)))),
    ("Z",),
    Z=(6, 5),
    C=(6, 5),
)
TAPS = exercise(
    "taps", lambda xp, x, w: xp.sum(xp.tanh(w[0] * x[:-2] + w[1] * x[1:-1] + w[2] * x[2:])), ("x",), x=9, w=3
)


def taps(kernel):
    def answer(x, w):
        d = 1 - np.tanh(w[0] * x[:-2] + w[1] * x[1:-1] + w[2] * x[2:]) ** 2
        return np.convolve(d, kernel(w))

    return answer


SIDES = exercise(
    "sides",
    lambda xp, X, w, y: xp.sum(xp.where(xp.abs(X @ w - y) <= 1.0, 0.5 * (X @ w - y) ** 2, xp.abs(X @ w - y) - 0.5)),
    ("w",),
    X=(9, 5),
    w=5,
    y=9,
)
UNIT = exercise("unit", lambda xp, x: x / xp.sqrt(xp.sum(x * x)), ("x",), asks="jvp", x=7)
GATE = exercise("gate", lambda xp, z, c: xp.sum(c * z * xp.tanh(z + z**3)), ("z",), z=7, c=7)


def gate(at):
    def answer(z, c):
        z = at(z)
        t = np.tanh(z + z**3)
        return c * (t + z * (1 - t * t) * (1 + 3 * z * z))

    return answer


TWISTED = exercise("twisted", lambda xp, W, x, c: xp.sum(c * xp.tanh(xp.sin(W @ x))), ("x",), W=(5, 3), x=3, c=5)


def twisted(at):
    def answer(W, x, c):
        inner = np.tanh(W @ x)
        s = at(inner, W @ x)
        return W.T @ (c * s)

    return answer


RIDGE = exercise(
    "ridge",
    lambda xp, X, y, w, m: 0.5 * xp.mean((X @ w - y) ** 2) + 0.5 * m * xp.sum(w * w) + xp.sum(xp.sin(w)),
    ("w",),
    X=(9, 5),
    y=9,
    w=5,
    m=(),
)
LAYER = exercise(
    "layer", lambda xp, W, x, v: xp.sum(v * xp.tanh(W @ x) ** 2) + xp.sum(xp.exp(x)), ("x",), W=(5, 3), x=3, v=5
)
CHOSEN = exercise("chosen", lambda xp, E, v: xp.sum(xp.tanh(E[[1, 1, 4, 0]] @ v)), ("E",), E=(6, 3), v=3)
RATIO = exercise("ratio", lambda xp, u, v: xp.sum(u * u * v) / xp.sum(xp.exp(u)), ("u",), u=6, v=6)
LIMITED = exercise("limited", lambda xp, x, v: xp.sum(v * xp.clip(2 * x, -1.0, 1.0) ** 2), ("x",), x=9, v=9)
MAPPED = exercise("mapped", lambda xp, W, x: xp.tanh(W @ x), ("x",), asks="jacobian", W=(5, 3), x=3)


def chosen(E, v):
    s = 1 - np.tanh(E[[1, 1, 4, 0]] @ v) ** 2
    gradient = np.zeros_like(E)
    gradient[[1, 1, 4, 0]] += s[:, None] * v
    return gradient


# (exercise, answer, what it is called, where it is found, by what)
SLIPS = {
    "a maximum to all": (POOL, pool(np.ones_like), "inner derivative forgotten", laws, "_laws_of"),
    "a maximum shared": (
        POOL,
        pool(lambda x: np.full(x.shape, 1 / 3)),
        "ReLU mask from the wrong quantity",
        laws,
        "_laws_of",
    ),
    "a maximum to the smallest": (
        POOL,
        pool(lambda x: x == x.min(1, keepdims=True)),
        "ReLU mask from the wrong quantity",
        laws,
        "_laws_of",
    ),
    "sums from the start": (RUNNING, lambda x, v: np.cumsum(back(x, v)), "transposed", laws, "_laws_of"),
    "sums without an own term": (
        RUNNING,
        lambda x, v: np.cumsum(back(x, v)[::-1])[::-1] - back(x, v),
        "off by one",
        laws,
        "_laws_of",
    ),
    "the right-hand side for the solution": (
        SYSTEM,
        lambda A, b, c: -np.outer(np.linalg.solve(A.T, c), b),
        "inner derivative forgotten",
        laws,
        "_with_right_hand_side",
    ),
    "no system on the way back": (
        SYSTEM,
        lambda A, b, c: -np.outer(c, np.linalg.solve(A, b)),
        "inner derivative forgotten",
        oneway,
        "mistaken_inputs",
    ),
    "entries for a matrix": (VOLUME, lambda A: 1 / A + np.cos(A), "another derivative", laws, "_laws_of"),
    "no logarithm": (
        VOLUME,
        lambda A: np.linalg.det(A) * np.linalg.inv(A).T + np.cos(A),
        "inner derivative forgotten",
        laws,
        "_laws_of",
    ),
    "the inverse entry by entry": (
        INVERSE,
        lambda A, C: -C * np.linalg.inv(A) ** 2,
        "activation derivative of the wrong form",
        laws,
        "_laws_of",
    ),
    "a power of the matrix": (CUBE, lambda A, C: 3 * C * (A @ A), "product rule misapplied", laws, "_laws_of"),
    "a softmax along the other axis": (
        WEIGHTS,
        weights(lambda p, C: p * (C - (p * C).sum(1, keepdims=True)), axis=0),
        "wrong axis",
        softmaxes,
        "_of_softmax",
    ),
    "a sum along the other axis": (
        WEIGHTS,
        weights(lambda p, C: p * (C - (p * C).sum(0))),
        "wrong axis",
        softmaxes,
        "_of_softmax",
    ),
    "a sum that is not weighted": (
        WEIGHTS,
        weights(lambda p, C: p * (C - C.sum(1, keepdims=True))),
        "inner derivative forgotten",
        softmaxes,
        "_of_softmax",
    ),
    "the diagonal of a log-softmax": (
        LIKELIHOOD,
        weights(lambda p, C: C * (1 - p)),
        "a path or term dropped",
        softmaxes,
        "_of_log_softmax",
    ),
    "a log-softmax along the other axis": (
        LIKELIHOOD,
        weights(lambda p, C: C - p * C.sum(1, keepdims=True), axis=0),
        "wrong axis",
        softmaxes,
        "softmax_laws",
    ),
    "a kernel that is not turned": (TAPS, taps(lambda w: w[::-1]), "off by one", oneway, "mistaken_inputs"),
    "one side of a modulus": (
        SIDES,
        lambda X, w, y: X.T @ np.where(X @ w - y <= 1, X @ w - y, 1),
        "ReLU mask from the wrong quantity",
        oneway,
        "cases",
    ),
    "cases without an input": (
        SIDES,
        lambda X, w, y: X.T @ np.where(np.abs(X @ w) <= 1, X @ w - y, np.sign(X @ w - y)),
        "ReLU mask from the wrong quantity",
        oneway,
        "cases",
    ),
    "a sum not taken": (
        UNIT,
        lambda x, t: t / np.linalg.norm(x) - x * (x * t) / np.linalg.norm(x) ** 3,
        "not summed",
        oneway,
        "unsummed",
    ),
    "all at the modulus": (GATE, gate(np.abs), "wrong for negative inputs", places, "signs"),
    "another value on the way": (
        TWISTED,
        twisted(lambda y, z: (1 - np.tanh(np.sin(np.sin(z))) ** 2) * np.cos(np.sin(z))),
        "activation derivative at the wrong point",
        oneway,
        "other_values",
    ),
    "at the inner derivative": (
        TWISTED,
        twisted(lambda y, z: (1 - np.tanh(np.cos(z)) ** 2) * np.cos(z)),
        "activation derivative at the wrong point",
        suspects,
        "_at_inner_slope",
    ),
    "a sum for a mean, and a factor": (
        RIDGE,
        lambda X, y, w, m: X.T @ (X @ w - y) + 2 * m * w + np.cos(w),
        "sum for mean",
        shares,
        "two_paths",
    ),
    "a slope forgotten, and a sign": (
        LAYER,
        lambda W, x, v: -W.T @ (2 * v * np.tanh(W @ x)) + np.exp(x),
        "activation derivative forgotten",
        pairs,
        "_both",
    ),
    "the last of those added up": (CHOSEN, chosen, "off by one", laws, "_laws_of"),
    "over the slope of the denominator": (
        RATIO,
        lambda u, v: 2 * u * v / np.exp(u),
        "quotient rule misapplied",
        suspects,
        "_quotients_of_derivatives",
    ),
    "no lower limit": (
        LIMITED,
        lambda x, v: 4 * v * np.clip(2 * x, -1, 1) * (2 * x < 1),
        "ReLU mask from the wrong quantity",
        laws,
        "_instead",
    ),
    "the Jacobian in the middle": (
        MAPPED,
        lambda W, x: np.diag(1 - np.tanh(W @ x) ** 2),
        "inner derivative forgotten",
        elsewhere,
        "_jacobians",
    ),
}


def nothing(*args, **how):
    return iter(())


def named(slip):
    asked, answer, *_ = SLIPS[slip]
    verdict = verify(asked, answer, seed=3)
    assert verdict.outcome == "wrong"
    return verdict.causes


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_named(slip):
    causes = named(slip)
    assert causes
    assert causes[0].label == SLIPS[slip][2], causes
    assert causes[0].certainty >= 0.6


@pytest.mark.parametrize("slip", SLIPS)
def test_it_is_named_by_its_own_detector(slip, monkeypatch):
    before, (_, _, _, where, what) = named(slip), SLIPS[slip]
    original = getattr(where, what)
    monkeypatch.setattr(where, what, nothing)
    for user in USERS:
        if getattr(user, what, None) is original:
            monkeypatch.setattr(user, what, nothing)
    assert named(slip)[:1] != before[:1]
