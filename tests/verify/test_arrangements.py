"""Products arranged otherwise, steps of recurrences, products of any shape: named where nothing was made for them."""

import importlib

import numpy as np
import pytest
from test_slips import exercise, softmax

from grading.verify import arrangements, far_fetched, laws, misread, planted, shares, softmaxes, verify

diagnose = importlib.import_module("grading.verify.diagnose")
epsilons = importlib.import_module("grading.verify.epsilons")
layouts = importlib.import_module("grading.verify.layouts")
products = importlib.import_module("grading.verify.products")
stale = importlib.import_module("grading.verify.stale")
steps = importlib.import_module("grading.verify.steps")
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def of_nothing(*args):
    return iter(())


# --- functions -------------------------------------------------------------------------------------------------------


def between(xp, A, X, B, C):
    return xp.sum(C * xp.sin(A @ X @ B))


def carried(xp, W, s, u, v):
    for step in range(4):
        s = xp.tanh(W @ s + u[step])
    return xp.sum(v * s)


def doubled(xp, q, x):
    for _ in range(3):
        x = q * x * (2 - x)
    return x


def fitted(xp, X, w, y):
    return xp.mean((X @ w - y) ** 2)


def gated(xp, W, x, c):
    return xp.sum(c * xp.exp(xp.sin(W @ x)))


BETWEEN = exercise("between", between, ("X",), A=(5, 5), X=(5, 5), B=(5, 5), C=(5, 5))
TWICE = exercise("twice", lambda xp, M, x: x @ M @ x, ("x",), M=(5, 5), x=5)
INVERTED = exercise("inverted", lambda xp, A, C: xp.sum(C * xp.linalg.inv(A)), ("A",), A=(5, 5), C=(5, 5))
SOLVED = exercise("solved", lambda xp, A, b, c: c @ xp.linalg.solve(A, b), ("A", "b"), A=(5, 5), b=5, c=5)
VOLUME = exercise("volume", lambda xp, A: xp.linalg.slogdet(A)[1], ("A",), A=(5, 5))
CARRIED = exercise("carried", carried, ("W", "s"), W=(5, 5), s=5, u=(4, 5), v=5)
DOUBLED = exercise("doubled", doubled, ("x",), q=(), x=())
FITTED = exercise("fitted", fitted, ("w",), X=(7, 3), w=3, y=7)
RIDGE = exercise("ridge", lambda xp, X, w, y: xp.sum((X @ w - y) ** 2) + xp.sum(w**2), ("w",), X=(7, 3), w=3, y=7)
GATED = exercise("gated", gated, ("W", "x"), W=(6, 5), x=5, c=6)
BENT = exercise("bent", lambda xp, W, x: xp.sin(W @ x) ** 2, ("x",), asks="jacobian", W=(6, 4), x=4)
PUSHED = exercise("pushed", lambda xp, A, x: xp.sin(A @ x), ("x",), asks="jvp", A=(5, 5), x=5)
SHARES = exercise("shares", lambda xp, z: xp.exp(z) / xp.sum(xp.exp(z)), ("z",), asks="jacobian", z=5)
ENTROPY = exercise("entropy", lambda xp, z, t: xp.sum(t * (z - xp.log(xp.sum(xp.exp(z))))), ("z",), z=5, t=5)
VECTOR = exercise("vector", lambda xp, A, x, B: xp.ravel(A @ xp.reshape(x, (3, 5)) @ B), ("x",), asks="jacobian",
                  A=(6, 3), x=15, B=(5, 7))  # fmt: skip
RUNNING = exercise("running", lambda xp, x, v: xp.sum(v * xp.sin(xp.cumulative_sum(x))), ("x",), x=7, v=7)
LENGTH = exercise("length", lambda xp, x: xp.sqrt(xp.sum(x**2)), ("x",), x=5)
CUBED = exercise("cubed", lambda xp, x, v: xp.sum(v * xp.sin(x) ** 3), ("x",), x=6, v=6)
CROSSED = exercise(
    "crossed", lambda xp, a, b, c, d: xp.sum(xp.sin(a) * b + xp.cos(c) * d), ("a", "c"), a=5, b=5, c=5, d=5
)
MOVED = exercise("moved", lambda xp, x, y: xp.sin(x * y) + y**2, ("x", "y"), asks="jvp", x=5, y=5)
WEIGHED = exercise("weighed", lambda xp, X, w: xp.sum(xp.mean(xp.sin(X * w), axis=0)), ("w",), X=(7, 3), w=3)


# --- answers with one mistake ----------------------------------------------------------------------------------------


def slopes_first(A, X, B, C):
    return A.T @ (C @ B.T) * np.cos(A @ X @ B)


def back(W, s, u, v, *, states=lambda s, k: s[k], slopes=lambda s, k: s[k + 1], turn=lambda W: W.T, used=range(4)):
    known = [s]
    for row in u:
        known.append(np.tanh(W @ known[-1] + row))
    g, total = v, np.zeros_like(W)
    for step in reversed(range(4)):
        d = g * (1 - slopes(known, step) ** 2)
        total = total + (step in used) * np.outer(d, states(known, step))
        g = turn(W) @ d
    return total, g


def of_steps(**slip):
    return lambda W, s, u, v: back(W, s, u, v, **slip)


def orbit(q, x):
    known = [x]
    for _ in range(3):
        known.append(q * known[-1] * (2 - known[-1]))
    return known


def layer(W, x, c, inner=None):
    a = W @ x
    d = c * np.exp(np.sin(a)) * np.cos(a if inner is None else inner)
    return np.outer(d, x), W.T @ d


def jacobian(W, x):
    return (2 * np.sin(W @ x) * np.cos(W @ x))[:, None] * W


INV, SOLVE = np.linalg.inv, np.linalg.solve
WRONG = {
    "on the wrong side": (
        BETWEEN, lambda A, X, B, C: B.T @ (C * np.cos(A @ X @ B)) @ A.T, "transposed", (arrangements, "_products")
    ),
    "none transposed": (
        BETWEEN, lambda A, X, B, C: A @ (C * np.cos(A @ X @ B)) @ B, "transposed", (arrangements, "_products")
    ),
    "as if symmetric": (
        TWICE, lambda M, x: 2 * M.T @ x, "right for symmetric inputs only",
        (arrangements, "_counts_both_ways"),
    ),
    "inverse not transposed": (INVERTED, lambda A, C: -INV(A) @ C @ INV(A), "transposed", (arrangements, "_around")),
    "inverse twice on one side": (
        INVERTED, lambda A, C: -C @ INV(A).T @ INV(A).T, "activation derivative of the wrong form", (laws, "_LAWS")
    ),
    "inverse by entries": (
        INVERTED, lambda A, C: -C / A**2, "activation derivative of the wrong form", (misread, "_of_matrix_function")
    ),
    "logarithm of the diagonal": (
        VOLUME, lambda A: np.diag(1 / np.diag(A)), "activation derivative of the wrong form",
        (misread, "_of_matrix_function"),
    ),
    "system not transposed": (
        SOLVED, lambda A, b, c: (-np.outer(SOLVE(A, c), SOLVE(A, b)), SOLVE(A, c)), "transposed",
        (arrangements, "_systems"),
    ),
    "system by entries": (
        SOLVED, lambda A, b, c: (-np.outer(c, b) * INV(A).T ** 2, SOLVE(A.T, c)),
        "activation derivative of the wrong form", (laws, "_system_by_entries"),
    ),
    "carried by the matrix itself": (CARRIED, of_steps(turn=lambda W: W), "transposed", (arrangements, "_products")),
    "states of the step after": (
        CARRIED, of_steps(states=lambda s, k: s[k + 1]), "off by one", (steps, "_of_neighbours")
    ),
    "the first use alone": (CARRIED, of_steps(used=[0]), "a path or term dropped", (steps, "_left_out")),
    "slopes of the step before": (
        CARRIED, of_steps(slopes=lambda s, k: s[max(k, 1)]), "activation derivative at the wrong point",
        (planted, "steps"),
    ),
    "all at the first state": (
        DOUBLED, lambda q, x: (q * (2 - 2 * x)) ** 3, "activation derivative at the wrong point",
        (stale, "_at_other_states"),
    ),
    "all at the state after": (
        DOUBLED, lambda q, x: np.prod([q * (2 - 2 * a) for a in orbit(q, x)[1:]]),
        "activation derivative at the wrong point", (stale, "_at_other_states"),
    ),
    "an argument made of another vector": (
        exercise("apart", lambda xp, W, x, z: xp.sum(xp.sin(W @ x) * z[0]) + xp.sum(z**3), ("x",), W=(6, 5), x=5, z=5),
        lambda W, x, z: z[0] * W.T @ np.cos(W @ z), "activation derivative at the wrong point", (planted, "stale"),
    ),
    "an axis left over and no mean": (
        WEIGHED, lambda X, w: X * np.cos(X * w), "not summed", (layouts, "_is_total")
    ),
    "an axis left over beside a term": (
        RIDGE, lambda X, w, y: 2 * X * (X @ w - y)[:, None] + 2 * w, "not summed", (products, "_unsummed_paths")
    ),
    "a product of sums": (
        GATED, lambda W, x, c: (np.full(W.shape, 1.0) * layer(W, x, c)[0].sum(), layer(W, x, c)[1]),
        "summed too much", (layouts, "_summed"),
    ),
    "sums before the product": (
        exercise("rows", lambda xp, X, W, C: xp.sum(C * xp.sin(X @ W)), ("W",), X=(7, 3), W=(3, 5), C=(7, 5)),
        lambda X, W, C: np.outer(X.sum(0), (C * np.cos(X @ W)).sum(0)), "summed too much", (diagnose, "products"),
    ),
    "Jacobian times value": (
        BENT, lambda W, x: 2 * jacobian(W, x).T @ np.sin(W @ x) ** 2, "another derivative", (diagnose, "products")
    ),
    "Jacobian times itself": (
        BENT, lambda W, x: jacobian(W, x).T @ jacobian(W, x), "another derivative", (diagnose, "products")
    ),
    "tangent on the other side": (
        PUSHED, lambda A, x, v: A.T @ (np.cos(A @ x) * v), "transposed", (diagnose, "products")
    ),
    "p_i (1 - p_j)": (
        SHARES, lambda z: np.outer(softmax(z, 0), 1 - softmax(z, 0)), "activation derivative of the wrong form",
        (softmaxes, "_of_softmax"),
    ),
    "sigmoid for softmax": (
        ENTROPY, lambda z, t: t - t.sum() / (1 + np.exp(-z)), "activation derivative of the wrong form",
        (softmaxes, "_of_log_softmax"),
    ),
    "stopped at the softmax": (
        ENTROPY, lambda z, t: t / softmax(z, 0), "inner derivative forgotten", (softmaxes, "_of_log_softmax")
    ),
    "vectors of columns": (
        VECTOR, lambda A, x, B: np.kron(B.T, A), "axes permuted", (layouts, "_by_columns")
    ),
    "a column against a row": (
        FITTED, lambda X, w, y: 2 * X.T @ ((X @ w)[:, None] - y).mean(1) / 7, "shape that only broadcasts",
        (planted, "spread"),
    ),
    "sums turned round": (
        RUNNING, lambda x, v: np.cumsum((v * np.cos(np.cumsum(x)))[::-1]), "transposed", (planted, "laws")
    ),
    "a small number": (
        LENGTH, lambda x: x / np.sqrt(np.sum(x**2) + 1e-6), "a small relative error", (epsilons, "_of_block")
    ),
    "power rule without taking one off": (
        CUBED, lambda x, v: v * 2 * np.sin(x) ** 3 * np.cos(x), "wrong power", (laws, "_of_power")
    ),
    "ones for a tangent": (
        MOVED, lambda x, y, u, v: np.cos(x * y) + 2 * y * v, "inner derivative forgotten",
        (planted, "other_directions"),
    ),
    "factors of each other": (
        CROSSED, lambda a, b, c, d: (np.cos(a) * d, -np.sin(c) * b), "another derivative", (far_fetched, "_crossed")
    ),
    "ones for the identity": (
        RIDGE, lambda X, w, y: 2 * X.T @ (X @ w - y) + 2 * w.sum(), "an extra term", (shares, "_spread_out")
    ),
}  # fmt: skip


def labels(made, answer, seed=0):
    return [cause.label for cause in verify(made, answer, seed=seed).causes]


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("seed", [0, 17])
def test_the_mistake_is_named(case, seed):
    made, answer, label, _ = WRONG[case]
    assert labels(made, answer, seed)[:1] == [label]


@pytest.mark.parametrize("case", WRONG)
def test_without_what_predicts_it_the_mistake_is_not_named(case, monkeypatch):
    made, answer, _, (module, name) = WRONG[case]
    before = verify(made, answer, seed=0).causes[:1]
    monkeypatch.setattr(module, name, BROKEN.get(name, of_nothing))
    assert before
    assert verify(made, answer, seed=0).causes[:1] != before


def fails(*args):
    raise ValueError("broken")


BROKEN = dict.fromkeys(
    ("_around", "_system_by_entries", "_of_power", "_of_block", "_unsummed_paths", "_spread_out"), fails
)
BROKEN |= dict.fromkeys(("_is_total", "_by_columns", "_summed"), lambda *args: False)
BROKEN |= {"products": lambda wrong: [], "_LAWS": {}, "_counts_both_ways": lambda recorded, name: False}
RIGHT = {
    "between": (BETWEEN, lambda A, X, B, C: A.T @ (C * np.cos(A @ X @ B)) @ B.T),
    "carried": (CARRIED, of_steps()),
    "solved": (SOLVED, lambda A, b, c: (-np.outer(SOLVE(A.T, c), SOLVE(A, b)), SOLVE(A.T, c))),
    "gated": (GATED, layer),
    "bent": (BENT, jacobian),
}


@pytest.mark.parametrize("case", RIGHT)
def test_the_answers_without_the_mistake_are_right(case):
    verdict = verify(*RIGHT[case], seed=0)
    assert (verdict.outcome, verdict.causes) == ("right", ())


@pytest.mark.parametrize("case", RIGHT)
def test_nothing_is_named_for_numbers_that_mean_nothing(case):
    made, right = RIGHT[case]

    def noisy(*args):
        blocks = right(*args)
        rng = np.random.default_rng(abs(hash(args[0].tobytes())) % 2**32)
        moved = [block + rng.normal(size=block.shape) for block in (blocks if isinstance(blocks, tuple) else (blocks,))]
        return moved[0] if len(moved) == 1 else tuple(moved)

    assert labels(made, noisy) == []
