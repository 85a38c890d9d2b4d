"""The half of the corpus that was looked at while the diagnosis was built."""

from functools import partial

import numpy as np

from corpus import Problem, Wrong, sizes
from grading.verify import Exercise


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward_difference(f, x, h):
    slopes = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        moved = x.copy()
        moved[i] += h
        slopes[i] = (f(moved) - f(x)) / h
    return slopes


def remembering(answer):
    """An answer that computes once."""
    kept = []

    def remembers(*args):
        if not kept:
            kept.append(answer(*args))
        return kept[0]

    return remembers


def reusing(answer):
    """An answer that always writes into the array it made first."""
    buffers = []

    def reuses(*args):
        value = answer(*args)
        if not buffers:
            buffers.append(np.empty_like(value))
        buffers[0][...] = value
        return buffers[0]

    return reuses


# --- linear regression, mean of squares ------------------------------------------------------------------------------


def _regression_inputs(rng):
    (n,) = sizes(rng, (6, 8, 10))
    return {"w": rng.normal(size=3), "b": rng.normal(), "X": rng.normal(size=(n, 3)), "t": rng.normal(size=n)}


REGRESSION = Exercise(
    id="dev.regression",
    function=lambda xp, w, b, X, t: xp.mean((X @ w + b - t) ** 2),
    inputs=_regression_inputs,
    wrt=("w", "b"),
)


def regression(w, b, X, t):
    e = X @ w + b - t
    return 2 * X.T @ e / len(t), 2 * e.mean()


def regression_loop(w, b, X, t):
    dw, db = [0.0] * 3, 0.0
    for row, target in zip(X, t, strict=True):
        e = sum(wi * xi for wi, xi in zip(w, row, strict=True)) + b - target
        dw = [d + 2 * e * xi / len(t) for d, xi in zip(dw, row, strict=True)]
        db += 2 * e / len(t)
    return dw, db


def regression_adds_to_b(w, b, X, t):
    X -= X.mean(axis=0)
    return regression(w, b, X, t)


def regression_sorts(w, b, X, t):
    g = regression(w, b, X, t)
    t.sort()
    return g


def regression_without_target(w, b, X, t):
    e = X @ w + b
    return 2 * X.T @ e / len(t), 2 * e.mean()


def regression_first(w, b, X, t):
    e = X[0] @ w + b - t[0]
    return 2 * X[0] * e, 2 * e


def regression_fit_of_bias(w, b, X, t):
    e = X @ w - t
    return 2 * X.T @ e / len(t), 2 * e.mean()


def regression_skips_last(w, b, X, t):
    dw, db = np.zeros(3), 0.0
    for i in range(len(t) - 1):
        e = X[i] @ w + b - t[i]
        dw, db = dw + 2 * e * X[i] / len(t), db + 2 * e / len(t)
    return dw, db


_STEPS = iter(range(10**9))

REGRESSION_WRONG = (
    Wrong("sum for mean", lambda w, b, X, t: (2 * X.T @ (X @ w + b - t), 2 * np.sum(X @ w + b - t))),
    Wrong("sum for mean", lambda w, b, X, t: (regression(w, b, X, t)[0], 2 * np.sum(X @ w + b - t))),
    Wrong("factor 2 missing", lambda w, b, X, t: (X.T @ (X @ w + b - t) / len(t), np.mean(X @ w + b - t))),
    Wrong("sign", lambda w, b, X, t: (2 * X.T @ (t - X @ w - b) / len(t), 2 * np.mean(t - X @ w - b))),
    Wrong("sign and factor 2", lambda w, b, X, t: tuple(-2 * g for g in regression(w, b, X, t))),
    Wrong(
        "sign of one term",
        lambda w, b, X, t: tuple(np.array(g) for g in (2 * X.T @ (X @ w - b - t) / len(t), 2 * np.mean(X @ w - b - t))),
    ),
    Wrong("sign of one term", lambda w, b, X, t: (2 * X.T @ (X @ w + b + t) / len(t), 2 * np.mean(X @ w + b + t))),
    Wrong("a path or term dropped", regression_without_target),
    Wrong("a path or term dropped", regression_fit_of_bias),
    Wrong("not summed", lambda w, b, X, t: (2 * X * (X @ w + b - t)[:, None] / len(t), regression(w, b, X, t)[1])),
    Wrong("not summed", lambda w, b, X, t: (regression(w, b, X, t)[0], 2 * (X @ w + b - t) / len(t))),
    Wrong(
        "shape that only broadcasts", lambda w, b, X, t: (regression(w, b, X, t)[0][:, None], regression(w, b, X, t)[1])
    ),
    Wrong("wrong for batches", regression_first),
    Wrong("off by one", regression_skips_last),
    Wrong("changes its arguments", regression_adds_to_b),
    Wrong("changes its arguments", regression_sorts),
    Wrong("blocks exchanged", lambda w, b, X, t: regression(w, b, X, t)[::-1]),
    Wrong(
        "bias column or row",
        lambda w, b, X, t: (np.append(regression(w, b, X, t)[0], regression(w, b, X, t)[1]), regression(w, b, X, t)[1]),
    ),
    Wrong("zeros", lambda w, b, X, t: (np.zeros(3), 0.0)),
    Wrong("an earlier answer returned", partial(remembering, regression), keeps=True),
    Wrong(
        "two calls disagree",
        lambda w, b, X, t: (regression(w, b, X, t)[0] + 1e-3 * next(_STEPS), regression(w, b, X, t)[1]),
    ),
    Wrong(
        "single precision", lambda w, b, X, t: regression(w.astype("f4"), np.float32(b), X.astype("f4"), t.astype("f4"))
    ),
    Wrong(
        "half precision", lambda w, b, X, t: regression(w.astype("f2"), np.float16(b), X.astype("f2"), t.astype("f2"))
    ),
    Wrong("an extra term", lambda w, b, X, t: (regression(w, b, X, t)[0] + 2 * w, regression(w, b, X, t)[1])),
    Wrong("an input returned", lambda w, b, X, t: (w, b)),
    Wrong(
        "wrong axis",
        lambda w, b, X, t: (2 * np.sum(X * (X @ w + b - t)[:, None], axis=1) / len(t), regression(w, b, X, t)[1]),
    ),
)

# --- softmax cross-entropy in the logits -----------------------------------------------------------------------------


def _entropy_inputs(rng):
    (n,) = sizes(rng, (6, 7, 8))
    T = rng.uniform(size=(n, 5)) ** 3
    return {"Z": rng.normal(size=(n, 5)), "T": T}


ENTROPY = Exercise(
    id="dev.entropy",
    function=lambda xp, Z, T: xp.sum(T * (xp.log(xp.sum(xp.exp(Z), axis=1, keepdims=True)) - Z)) / len(Z),
    inputs=_entropy_inputs,
    edge_inputs=lambda rng: {"Z": 5 * rng.normal(size=(3, 5)), "T": np.eye(5)[[0, 3, 4]]},
    wrt=("Z",),
)


def softmax(Z, axis=1):
    return np.exp(Z) / np.sum(np.exp(Z), axis=axis, keepdims=True)


def entropy(Z, T):
    return (T.sum(axis=1, keepdims=True) * softmax(Z) - T) / len(Z)


def entropy_one_entry(Z, T):
    G = entropy(Z, T)
    G[0, 0] = 0
    return G


def entropy_row(Z, T):
    G = entropy(Z, T)
    G[-1] = 0
    return G


ENTROPY_WRONG = (
    Wrong("right for zero or one-hot inputs only", lambda Z, T: (softmax(Z) - T) / len(Z)),
    Wrong("sum for mean", lambda Z, T: T.sum(axis=1, keepdims=True) * softmax(Z) - T),
    Wrong("sign", lambda Z, T: -entropy(Z, T)),
    Wrong("sign of one term", lambda Z, T: (T.sum(axis=1, keepdims=True) * softmax(Z) + T) / len(Z)),
    Wrong("a path or term dropped", lambda Z, T: -T / len(Z)),
    Wrong("a path or term dropped", lambda Z, T: T.sum(axis=1, keepdims=True) * softmax(Z) / len(Z)),
    Wrong("wrong axis", lambda Z, T: (T.sum(axis=0) * softmax(Z, axis=0) - T) / len(Z)),
    Wrong("transposed", lambda Z, T: entropy(Z, T).T),
    Wrong("reshape for transpose", lambda Z, T: entropy(Z, T).T.reshape(Z.shape)),
    Wrong("one entry or row wrong", entropy_one_entry),
    Wrong("one entry or row wrong", entropy_row),
    Wrong("an extra factor", lambda Z, T: entropy(Z, T) * softmax(Z) * (1 - softmax(Z))),
    Wrong("off by one", lambda Z, T: np.roll(entropy(Z, T), 1, axis=1)),
    Wrong("a small relative error", lambda Z, T: entropy(Z, T) * (1 + 1e-6)),
    Wrong("mean for sum", lambda Z, T: entropy(Z, T) / 5),
    Wrong(
        "inner derivative forgotten",
        lambda Z, T: (T.sum(axis=1, keepdims=True) / np.exp(Z).sum(axis=1, keepdims=True) - T) / len(Z),
    ),
    Wrong("summed too much", lambda Z, T: entropy(Z, T).sum(axis=0)),
)

# --- products of single entries --------------------------------------------------------------------------------------

PRODUCT = Exercise(
    id="dev.product",
    function=lambda xp, x: xp.sum(x**2 * xp.sin(3 * x)),
    inputs=lambda rng: {"x": rng.normal(size=6)},
    wrt=("x",),
)


def product(x):
    return 2 * x * np.sin(3 * x) + 3 * x**2 * np.cos(3 * x)


PRODUCT_WRONG = (
    Wrong("product rule misapplied", lambda x: 2 * x * 3 * np.cos(3 * x)),
    Wrong("product rule misapplied", lambda x: 2 * x + 3 * np.cos(3 * x)),
    Wrong("inner derivative forgotten", lambda x: 2 * x * np.sin(3 * x) + x**2 * np.cos(3 * x)),
    Wrong("a path or term dropped", lambda x: 2 * x * np.sin(3 * x)),
    Wrong("a path or term dropped", lambda x: 3 * x**2 * np.cos(3 * x)),
    Wrong("sign of one term", lambda x: 2 * x * np.sin(3 * x) - 3 * x**2 * np.cos(3 * x)),
    Wrong("coefficient of one term", lambda x: x * np.sin(3 * x) + 3 * x**2 * np.cos(3 * x)),
    Wrong("wrong power", lambda x: 2 * x**2 * np.sin(3 * x) + 3 * x**2 * np.cos(3 * x)),
    Wrong("wrong power", lambda x: 2 * x * np.sin(3 * x) + 3 * x**3 * np.cos(3 * x)),
    Wrong("a finite difference", lambda x: forward_difference(lambda z: np.sum(z**2 * np.sin(3 * z)), x, 1e-6)),
    Wrong("a finite difference", lambda x: forward_difference(lambda z: np.sum(z**2 * np.sin(3 * z)), x, 1e-4)),
    Wrong("single precision", lambda x: product(x.astype(np.float32)).astype(float)),
    Wrong("the value instead of its derivative", lambda x: x**2 * np.sin(3 * x)),
    Wrong("numbers pasted in", lambda x: np.array([1.0, 0.5, -0.25, 3.0, 0.125, -1.0])),
    Wrong("wrong for negative inputs", lambda x: np.sign(x) * product(x)),
    Wrong("not finite", lambda x: 2 * x * np.sin(3 * x) + 3 * np.exp(2 * np.log(x)) * np.cos(3 * x)),
    Wrong("one entry or row wrong", lambda x: np.append(product(x[:-1]), 0)),
    Wrong("off by one", lambda x: np.roll(product(x), -1)),
    Wrong("an extra factor", lambda x: product(x) * x),
    Wrong("an earlier answer returned", partial(remembering, product), keeps=True),
    Wrong("overwrites an earlier answer", partial(reusing, product), keeps=True),
    Wrong("two calls disagree", lambda x: product(x) + next(_STEPS)),
    Wrong("constant factor", lambda x: 3 * product(x)),
    Wrong("another derivative", lambda x: 2 * np.sin(3 * x) + 12 * x * np.cos(3 * x) - 9 * x**2 * np.sin(3 * x)),
)

# --- a relu network --------------------------------------------------------------------------------------------------


def _relu_inputs(rng):
    (n,) = sizes(rng, (8, 9, 10))
    return {
        "W": rng.normal(size=(3, 6)),
        "b": rng.normal(size=6),
        "v": rng.normal(size=6),
        "X": rng.normal(size=(n, 3)),
        "t": rng.normal(size=n),
    }


RELU = Exercise(
    id="dev.relu",
    function=lambda xp, W, b, v, X, t: 0.5 * xp.mean((xp.where(X @ W + b > 0, X @ W + b, 0.0 * (X @ W)) @ v - t) ** 2),
    inputs=_relu_inputs,
    wrt=("W", "b", "v"),
)


def _relu(X, H, D, e):
    return X.T @ D, D.sum(axis=0), H.T @ e


def relu(W, b, v, X, t):
    Z = X @ W + b
    H = np.maximum(Z, 0)
    e = (H @ v - t) / len(t)
    return _relu(X, H, np.outer(e, v) * (Z > 0), e)


def relu_masked_by(mask):
    def answer(W, b, v, X, t):
        Z = X @ W + b
        H = np.maximum(Z, 0)
        e = (H @ v - t) / len(t)
        G = np.outer(e, v)
        return _relu(X, H, G * mask(W, b, v, X, t, Z, G), e)

    return answer


def relu_value_for_mask(W, b, v, X, t):
    Z = X @ W + b
    H = np.maximum(Z, 0)
    e = (H @ v - t) / len(t)
    return _relu(X, H, np.outer(e, v) * H, e)


def relu_no_weights(W, b, v, X, t):
    Z = X @ W + b
    H = np.maximum(Z, 0)
    e = (H @ v - t) / len(t)
    return _relu(X, H, e[:, None] * (Z > 0), e)


def relu_v_of_z(W, b, v, X, t):
    dW, db, _ = relu(W, b, v, X, t)
    Z = X @ W + b
    return dW, db, Z.T @ (np.maximum(Z, 0) @ v - t) / len(t)


def relu_b_unsummed(W, b, v, X, t):
    Z = X @ W + b
    e = (np.maximum(Z, 0) @ v - t) / len(t)
    dW, _, dv = relu(W, b, v, X, t)
    return dW, np.outer(e, v) * (Z > 0), dv


def relu_b_axis(W, b, v, X, t):
    dW, _, dv = relu(W, b, v, X, t)
    Z = X @ W + b
    e = (np.maximum(Z, 0) @ v - t) / len(t)
    return dW, (np.outer(e, v) * (Z > 0)).sum(axis=1), dv


def relu_b_first(W, b, v, X, t):
    dW, _, dv = relu(W, b, v, X, t)
    Z = X @ W + b
    e = (np.maximum(Z, 0) @ v - t) / len(t)
    return dW, (np.outer(e, v) * (Z > 0))[0], dv


def relu_sum_of_some(W, b, v, X, t):
    dW, db, dv = relu(W, b, v, X, t)
    return len(t) * dW, db, dv


def relu_with_bias_row(W, b, v, X, t):
    dW, db, dv = relu(W, b, v, X, t)
    return np.vstack([dW, db]), db, dv


RELU_WRONG = (
    Wrong("activation derivative forgotten", relu_masked_by(lambda W, b, v, X, t, Z, G: 1)),
    Wrong("ReLU mask from the wrong quantity", relu_masked_by(lambda W, b, v, X, t, Z, G: X @ W > 0)),
    Wrong("ReLU mask from the wrong quantity", relu_masked_by(lambda W, b, v, X, t, Z, G: G > 0)),
    Wrong("ReLU mask from the wrong quantity", relu_masked_by(lambda W, b, v, X, t, Z, G: Z < 0)),
    Wrong("ReLU mask from the wrong quantity", relu_masked_by(lambda W, b, v, X, t, Z, G: (v > 0) * np.ones_like(Z))),
    Wrong("activation derivative of the wrong form", relu_value_for_mask),
    Wrong("activation derivative of the wrong form", relu_masked_by(lambda W, b, v, X, t, Z, G: np.sign(Z))),
    Wrong("activation derivative of the wrong form", relu_masked_by(lambda W, b, v, X, t, Z, G: sigmoid(Z))),
    Wrong("inner derivative forgotten", relu_no_weights),
    Wrong("another derivative", relu_v_of_z),
    Wrong("not summed", relu_b_unsummed),
    Wrong("wrong axis", relu_b_axis),
    Wrong("wrong for batches", relu_b_first),
    Wrong("sum for mean", relu_sum_of_some),
    Wrong("bias column or row", relu_with_bias_row),
    Wrong("factor 2 too many", lambda *a: tuple(2 * g for g in relu(*a))),
    Wrong("transposed", lambda *a: (relu(*a)[0].T, *relu(*a)[1:])),
    Wrong("reshape for transpose", lambda *a: (relu(*a)[0].T.reshape(3, 6), *relu(*a)[1:])),
    Wrong("sign", lambda *a: (relu(*a)[0], -relu(*a)[1], relu(*a)[2])),
    Wrong("blocks exchanged", lambda *a: (relu(*a)[0], relu(*a)[2], relu(*a)[1])),
    Wrong("zeros", lambda *a: (relu(*a)[0], np.zeros(6), relu(*a)[2])),
)

# --- the length of a residual ----------------------------------------------------------------------------------------

LENGTH = Exercise(
    id="dev.length",
    function=lambda xp, A, x, b: xp.sqrt(xp.sum((A @ x - b) ** 2)),
    inputs=lambda rng: {"A": rng.normal(size=(6, 5)), "x": rng.normal(size=5), "b": rng.normal(size=6)},
    wrt=("x", "A"),
)


def length(A, x, b):
    r = A @ x - b
    u = r / np.linalg.norm(r)
    return A.T @ u, np.outer(u, x)


LENGTH_WRONG = (
    Wrong("factor 2 too many", lambda A, x, b: tuple(2 * g for g in length(A, x, b))),
    Wrong(
        "inner derivative forgotten",
        lambda A, x, b: (np.full(5, 0.5 / np.linalg.norm(A @ x - b)), np.full((6, 5), 0.5 / np.linalg.norm(A @ x - b))),
    ),
    Wrong("inner derivative forgotten", lambda A, x, b: (2 * A.T @ (A @ x - b), 2 * np.outer(A @ x - b, x))),
    Wrong(
        "wrong power",
        lambda A, x, b: (
            A.T @ (A @ x - b) / np.sum((A @ x - b) ** 2),
            np.outer(A @ x - b, x) / np.sum((A @ x - b) ** 2),
        ),
    ),
    Wrong(
        "wrong power",
        lambda A, x, b: (
            A.T @ (A @ x - b) * np.linalg.norm(A @ x - b),
            np.outer(A @ x - b, x) * np.linalg.norm(A @ x - b),
        ),
    ),
    Wrong(
        "a path or term dropped",
        lambda A, x, b: (A.T @ (A @ x) / np.linalg.norm(A @ x - b), np.outer(A @ x, x) / np.linalg.norm(A @ x - b)),
    ),
    Wrong("another derivative", lambda A, x, b: ((A @ x - b) / np.linalg.norm(A @ x - b), length(A, x, b)[1])),
    Wrong("transposed", lambda A, x, b: (length(A, x, b)[0], length(A, x, b)[1].T)),
    Wrong("sign", lambda A, x, b: (length(A, x, b)[0], -length(A, x, b)[1])),
    Wrong(
        "a finite difference",
        lambda A, x, b: (forward_difference(lambda z: np.linalg.norm(A @ z - b), x, 1e-7), length(A, x, b)[1]),
    ),
)

# --- a linear system -------------------------------------------------------------------------------------------------

SYSTEM = Exercise(
    id="dev.system",
    function=lambda xp, A, b, c: c @ xp.linalg.solve(A, b),
    inputs=lambda rng: {"A": rng.normal(size=(5, 5)) + 5 * np.eye(5), "b": rng.normal(size=5), "c": rng.normal(size=5)},
    wrt=("A", "b"),
)


def system(A, b, c):
    y = np.linalg.solve(A.T, c)
    return -np.outer(y, np.linalg.solve(A, b)), y


SYSTEM_WRONG = (
    Wrong("sign", lambda A, b, c: (-system(A, b, c)[0], system(A, b, c)[1])),
    Wrong("transposed", lambda A, b, c: (system(A, b, c)[0].T, system(A, b, c)[1])),
    Wrong(
        "transposed",
        lambda A, b, c: (-np.outer(np.linalg.solve(A, c), np.linalg.solve(A, b)), np.linalg.solve(A, c)),
    ),
    Wrong("transposed", lambda A, b, c: (system(A, b, c)[0], np.linalg.inv(A) @ c)),
    Wrong("another derivative", lambda A, b, c: (system(A, b, c)[0], np.linalg.solve(A, b))),
    Wrong("an input returned", lambda A, b, c: (system(A, b, c)[0], c)),
    Wrong("diagonal only", lambda A, b, c: (np.diag(np.diag(system(A, b, c)[0])), system(A, b, c)[1])),
    Wrong("numbers pasted in", lambda A, b, c: (np.ones((5, 5)), np.arange(5.0))),
    Wrong("the value instead of its derivative", lambda A, b, c: (system(A, b, c)[0], c @ np.linalg.solve(A, b))),
    Wrong(
        "one entry or row wrong",
        lambda A, b, c: (system(A, b, c)[0] * (np.arange(5) != 3)[:, None], system(A, b, c)[1]),
    ),
)

# --- the Jacobian of a layer of sigmoids -----------------------------------------------------------------------------

LAYER = Exercise(
    id="dev.layer",
    function=lambda xp, W, b, x: 1 / (1 + xp.exp(-(W @ x + b))),
    inputs=lambda rng: {"W": rng.normal(size=(3, 5)), "b": rng.normal(size=3), "x": rng.normal(size=5)},
    wrt=("x",),
    asks="jacobian",
)


def layer(W, b, x):
    y = sigmoid(W @ x + b)
    return (y * (1 - y))[:, None] * W


LAYER_WRONG = (
    Wrong("activation derivative forgotten", lambda W, b, x: W.copy()),
    Wrong("activation derivative of the wrong form", lambda W, b, x: (1 - sigmoid(W @ x + b) ** 2)[:, None] * W),
    Wrong("activation derivative of the wrong form", lambda W, b, x: sigmoid(W @ x + b)[:, None] * W),
    Wrong(
        "activation derivative of the wrong form",
        lambda W, b, x: (sigmoid(W @ x + b) * (1 + sigmoid(W @ x + b)))[:, None] * W,
    ),
    Wrong(
        "activation derivative at the wrong point", lambda W, b, x: (sigmoid(W @ x) * (1 - sigmoid(W @ x)))[:, None] * W
    ),
    Wrong("activation derivative at the wrong point", lambda W, b, x: ((W @ x + b) * (1 - W @ x - b))[:, None] * W),
    Wrong("transposed", lambda W, b, x: layer(W, b, x).T),
    Wrong("reshape for transpose", lambda W, b, x: layer(W, b, x).T.reshape(3, 5)),
    Wrong("summed too much", lambda W, b, x: layer(W, b, x).sum(axis=0)),
    Wrong("sign", lambda W, b, x: -layer(W, b, x)),
    Wrong("shape that only broadcasts", lambda W, b, x: layer(W, b, x)[:, :, None]),
    Wrong("overwrites an earlier answer", partial(reusing, layer), keeps=True),
    Wrong("half precision", lambda W, b, x: layer(W.astype("f2"), b.astype("f2"), x.astype("f2"))),
    Wrong("another derivative", lambda W, b, x: np.multiply.outer(layer(W, b, x)[:, 0] / W[:, 0], x)),
    Wrong("a small relative error", lambda W, b, x: layer(W, b, x) * 0.99999),
)

ENTRYWISE = Exercise(
    id="dev.entrywise",
    function=lambda xp, x: xp.exp(-(x**2)),
    inputs=lambda rng: {"x": rng.normal(size=5)},
    wrt=("x",),
    asks="jacobian",
)


def entrywise(x):
    return np.diag(-2 * x * np.exp(-(x**2)))


ENTRYWISE_WRONG = (
    Wrong("diagonal only", lambda x: -2 * x * np.exp(-(x**2))),
    Wrong("sign", lambda x: -entrywise(x)),
    Wrong("inner derivative forgotten", lambda x: np.diag(np.exp(-(x**2)))),
    Wrong("wrong power", lambda x: np.diag(-2 * x**2 * np.exp(-(x**2)))),
    Wrong("not finite", lambda x: np.diag(-2 * np.sqrt(x) * np.sqrt(x) * np.exp(-(x**2)))),
    Wrong("wrong for negative inputs", lambda x: entrywise(np.abs(x))),
    Wrong("one entry or row wrong", lambda x: np.diag(np.append(np.diag(entrywise(x))[:-1], 1))),
    Wrong("diagonal only", lambda x: (-2 * x * np.exp(-(x**2)))[:, None]),
)

# --- pulling a cotangent back through a product ----------------------------------------------------------------------


def _pull_inputs(rng):
    (n,) = sizes(rng, (6, 7, 8))
    return {"X": rng.normal(size=(n, 3)), "W": rng.normal(size=(3, 5)), "b": rng.normal(size=5)}


PULL = Exercise(
    id="dev.pull", function=lambda xp, X, W, b: xp.tanh(X @ W + b), inputs=_pull_inputs, wrt=("X", "W", "b"), asks="vjp"
)


def pull(X, W, b, G):
    D = G * (1 - np.tanh(X @ W + b) ** 2)
    return D @ W.T, X.T @ D, D.sum(axis=0)


def pull_through(slope):
    def answer(X, W, b, G):
        D = G * slope(X, W, b)
        return D @ W.T, X.T @ D, D.sum(axis=0)

    return answer


PULL_WRONG = (
    Wrong("activation derivative forgotten", pull_through(lambda X, W, b: 1)),
    Wrong("activation derivative of the wrong form", pull_through(lambda X, W, b: 1 + np.tanh(X @ W + b) ** 2)),
    Wrong("activation derivative of the wrong form", pull_through(lambda X, W, b: 1 - np.tanh(X @ W + b))),
    Wrong("activation derivative at the wrong point", pull_through(lambda X, W, b: 1 - np.tanh(X @ W) ** 2)),
    Wrong(
        "activation derivative at the wrong point", pull_through(lambda X, W, b: 1 - np.tanh(np.tanh(X @ W + b)) ** 2)
    ),
    Wrong("mean for sum", lambda X, W, b, G: (*pull(X, W, b, G)[:2], (G * (1 - np.tanh(X @ W + b) ** 2)).mean(axis=0))),
    Wrong("not summed", lambda X, W, b, G: (*pull(X, W, b, G)[:2], G * (1 - np.tanh(X @ W + b) ** 2))),
    Wrong("wrong axis", lambda X, W, b, G: (*pull(X, W, b, G)[:2], (G * (1 - np.tanh(X @ W + b) ** 2)).sum(axis=1))),
    Wrong("transposed", lambda X, W, b, G: (pull(X, W, b, G)[0], pull(X, W, b, G)[1].T, pull(X, W, b, G)[2])),
    Wrong("blocks exchanged", lambda X, W, b, G: (pull(X, W, b, G)[1], pull(X, W, b, G)[0], pull(X, W, b, G)[2])),
    Wrong(
        "wrong for batches",
        lambda X, W, b, G: (
            pull(X, W, b, G)[0],
            np.outer(X[0], G[0] * (1 - np.tanh(X[0] @ W + b) ** 2)),
            G[0] * (1 - np.tanh(X[0] @ W + b) ** 2),
        ),
    ),
    Wrong("zeros", lambda X, W, b, G: (G * 0 @ W.T, *pull(X, W, b, G)[1:])),
    Wrong("off by one", lambda X, W, b, G: (pull(X, W, b, G)[0], pull(X, W, b, G)[1], np.roll(pull(X, W, b, G)[2], 1))),
    Wrong("an extra factor", pull_through(lambda X, W, b: (1 - np.tanh(X @ W + b) ** 2) ** 2)),
)

# --- the diagonal of a Hessian ---------------------------------------------------------------------------------------

CURVATURE = Exercise(
    id="dev.curvature",
    function=lambda xp, x, w: xp.sum(w * xp.log(1 + xp.exp(2 * x)) + x**2 * w),
    inputs=lambda rng: {"x": rng.normal(size=5), "w": rng.normal(size=5)},
    wrt=("x",),
    asks="hessian_diagonal",
)


def curvature(x, w):
    s = sigmoid(2 * x)
    return 4 * w * s * (1 - s) + 2 * w


CURVATURE_WRONG = (
    Wrong("inner derivative forgotten", lambda x, w: 2 * w * sigmoid(2 * x) * (1 - sigmoid(2 * x)) + 2 * w),
    Wrong("another derivative", lambda x, w: 2 * w * sigmoid(2 * x) + 2 * x * w),
    Wrong("a path or term dropped", lambda x, w: 4 * w * sigmoid(2 * x) * (1 - sigmoid(2 * x))),
    Wrong("sign of one term", lambda x, w: 4 * w * sigmoid(2 * x) * (1 - sigmoid(2 * x)) - 2 * w),
    Wrong("coefficient of one term", lambda x, w: 4 * w * sigmoid(2 * x) * (1 - sigmoid(2 * x)) + w),
    Wrong("whole matrix for its diagonal", lambda x, w: np.diag(curvature(x, w))),
    Wrong("whole matrix for its diagonal", lambda x, w: np.diag(curvature(x, w))[None]),
    Wrong(
        "activation derivative of the wrong form", lambda x, w: 4 * w * sigmoid(2 * x) * (1 + sigmoid(2 * x)) + 2 * w
    ),
    Wrong("factor 2 missing", lambda x, w: curvature(x, w) / 2),
    Wrong("right for zero or one-hot inputs only", lambda x, w: w + 2 * w),
    Wrong("wrong power", lambda x, w: 4 * w * sigmoid(2 * x) * (1 - sigmoid(2 * x)) + 2 * x * w),
)

# --- differences of neighbours ---------------------------------------------------------------------------------------

NEIGHBOURS = Exercise(
    id="dev.neighbours",
    function=lambda xp, x: xp.sum((x[1:] - x[:-1]) ** 2),
    inputs=lambda rng: {"x": rng.normal(size=7)},
    wrt=("x",),
)


def neighbours(x):
    d = 2 * np.diff(x)
    return np.concatenate([[0], d]) - np.concatenate([d, [0]])


NEIGHBOURS_WRONG = (
    Wrong("a path or term dropped", lambda x: np.append(0, 2 * np.diff(x))),
    Wrong("sign of one term", lambda x: np.append(0, 2 * np.diff(x)) + np.append(2 * np.diff(x), 0)),
    Wrong("off by one", lambda x: np.append(0, neighbours(x)[:-1])),
    Wrong("one entry or row wrong", lambda x: np.append(0, neighbours(x)[1:])),
    Wrong("one entry or row wrong", lambda x: np.append(neighbours(x)[:-1], 0)),
    Wrong("zeros", np.zeros_like),
)

# --- pushing a tangent forward ---------------------------------------------------------------------------------------

PUSH = Exercise(
    id="dev.push",
    function=lambda xp, A, x: xp.sin(A @ x) * xp.sum(x**2),
    inputs=lambda rng: {"A": rng.normal(size=(6, 5)), "x": rng.normal(size=5)},
    wrt=("A", "x"),
    asks="jvp",
)


def push(A, x, dA, dx):
    return np.cos(A @ x) * (dA @ x + A @ dx) * (x @ x) + np.sin(A @ x) * 2 * (x @ dx)


PUSH_WRONG = (
    Wrong("a path or term dropped", lambda A, x, dA, dx: np.cos(A @ x) * (dA @ x + A @ dx) * (x @ x)),
    Wrong(
        "a path or term dropped", lambda A, x, dA, dx: np.cos(A @ x) * (A @ dx) * (x @ x) + np.sin(A @ x) * 2 * (x @ dx)
    ),
    Wrong(
        "sign of one term",
        lambda A, x, dA, dx: np.cos(A @ x) * (dA @ x - A @ dx) * (x @ x) + np.sin(A @ x) * 2 * (x @ dx),
    ),
    Wrong(
        "coefficient of one term",
        lambda A, x, dA, dx: np.cos(A @ x) * (dA @ x + A @ dx) * (x @ x) + np.sin(A @ x) * (x @ dx),
    ),
    Wrong("product rule misapplied", lambda A, x, dA, dx: np.cos(A @ x) * (dA @ x + A @ dx) * 2 * (x @ dx)),
    Wrong("inner derivative forgotten", lambda A, x, dA, dx: np.cos(A @ x) * (x @ x) + np.sin(A @ x) * 2 * (x @ dx)),
    Wrong("the value instead of its derivative", lambda A, x, dA, dx: np.sin(A @ x) * np.sum(x**2)),
    Wrong(
        "coefficient of one term",
        lambda A, x, dA, dx: np.cos(A @ x) * (dA @ x + A @ dx) * (x @ x) + 3 * np.sin(A @ x) * (x @ dx),
    ),
    Wrong("an extra term", lambda A, x, dA, dx: push(A, x, dA, dx) + np.sin(A @ x)),
    Wrong("off by one", lambda A, x, dA, dx: push(A, x, dA, dx)[::-1]),
)

# --- the Jacobian of a product of matrices ---------------------------------------------------------------------------

PRODUCTS = Exercise(
    id="dev.products",
    function=lambda xp, A, B: A @ B,
    inputs=lambda rng: {"A": rng.normal(size=(3, 5)), "B": rng.normal(size=(5, 6))},
    wrt=("A", "B"),
    asks="jacobian",
)


def products(A, B):
    return np.einsum("ik,lj->ijkl", np.eye(3), B), np.einsum("jl,ik->ijkl", np.eye(6), A)


PRODUCTS_WRONG = (
    Wrong("axes permuted", lambda A, B: (products(A, B)[0].transpose(2, 3, 0, 1), products(A, B)[1])),
    Wrong("axes permuted", lambda A, B: (products(A, B)[0].transpose(1, 0, 2, 3), products(A, B)[1])),
    Wrong("blocks exchanged", lambda A, B: products(A, B)[::-1]),
    Wrong("shape that only broadcasts", lambda A, B: tuple(J.reshape(18, -1) for J in products(A, B))),
    Wrong("an input returned", lambda A, B: (B, A)),
)

# --- quotients -------------------------------------------------------------------------------------------------------

RATIO = Exercise(
    id="dev.ratio",
    function=lambda xp, x, k: xp.sum(x**3 / (k + xp.exp(x))),
    inputs=lambda rng: {"x": rng.normal(size=5), "k": 1 + rng.uniform(size=5)},
    wrt=("x",),
)


def ratio(x, k):
    d = k + np.exp(x)
    return (3 * x**2 * d - x**3 * np.exp(x)) / d**2


RATIO_WRONG = (
    Wrong(
        "quotient rule misapplied", lambda x, k: (3 * x**2 * (k + np.exp(x)) + x**3 * np.exp(x)) / (k + np.exp(x)) ** 2
    ),
    Wrong("quotient rule misapplied", lambda x, k: (3 * x**2 * (k + np.exp(x)) - x**3 * np.exp(x)) / (k + np.exp(x))),
    Wrong("quotient rule misapplied", lambda x, k: 3 * x**2 / np.exp(x)),
    Wrong("quotient rule misapplied", lambda x, k: 3 * x**2 * (k + np.exp(x)) - x**3 * np.exp(x)),
    Wrong("quotient rule misapplied", lambda x, k: 3 * x**2 / (k + np.exp(x)) - x**3 * np.exp(x) / (k + np.exp(x))),
    Wrong("sign", lambda x, k: -ratio(x, k)),
    Wrong("a path or term dropped", lambda x, k: 3 * x**2 / (k + np.exp(x))),
    Wrong("wrong power", lambda x, k: (3 * x * (k + np.exp(x)) - x**3 * np.exp(x)) / (k + np.exp(x)) ** 2),
    Wrong("wrong power", lambda x, k: (3 * x**3 * (k + np.exp(x)) - x**3 * np.exp(x)) / (k + np.exp(x)) ** 2),
    Wrong(
        "coefficient of one term", lambda x, k: (2 * x**2 * (k + np.exp(x)) - x**3 * np.exp(x)) / (k + np.exp(x)) ** 2
    ),
    Wrong("an extra term", lambda x, k: ratio(x, k) + 1),
)

# --- a chain of tanh -------------------------------------------------------------------------------------------------

CHAIN = Exercise(
    id="dev.chain",
    function=lambda xp, x, w, c: xp.sum(c * xp.tanh(w * xp.tanh(x) + 0.3)),
    inputs=lambda rng: {"x": rng.normal(size=6), "w": rng.normal(size=6), "c": rng.normal(size=6)},
    wrt=("x", "w"),
)


def chain(x, w, c):
    h = np.tanh(x)
    d = c * (1 - np.tanh(w * h + 0.3) ** 2)
    return d * w * (1 - h**2), d * h


def chain_with(outer, inner):
    def answer(x, w, c):
        h = np.tanh(x)
        y = np.tanh(w * h + 0.3)
        d = c * outer(y, w * h + 0.3)
        return d * w * inner(h, x), d * h

    return answer


CHAIN_WRONG = (
    Wrong("activation derivative forgotten", chain_with(lambda y, z: 1 - y**2, lambda h, x: 1)),
    Wrong("activation derivative forgotten", chain_with(lambda y, z: 1, lambda h, x: 1 - h**2)),
    Wrong("activation derivative forgotten", chain_with(lambda y, z: 1, lambda h, x: 1)),
    Wrong("activation derivative of the wrong form", chain_with(lambda y, z: 1 + y**2, lambda h, x: 1 + h**2)),
    Wrong("activation derivative of the wrong form", chain_with(lambda y, z: y * (1 - y), lambda h, x: h * (1 - h))),
    Wrong("activation derivative at the wrong point", chain_with(lambda y, z: 1 - z**2, lambda h, x: 1 - x**2)),
    Wrong(
        "activation derivative at the wrong point", chain_with(lambda y, z: 1 - y**2, lambda h, x: 1 - np.tanh(h) ** 2)
    ),
    Wrong(
        "inner derivative forgotten",
        lambda x, w, c: (c * (1 - np.tanh(w * np.tanh(x) + 0.3) ** 2) * (1 - np.tanh(x) ** 2), chain(x, w, c)[1]),
    ),
    Wrong("an extra factor", lambda x, w, c: (chain(x, w, c)[0], chain(x, w, c)[1] * w)),
    Wrong("another derivative", lambda x, w, c: (chain(x, w, c)[0], np.tanh(w * np.tanh(x) + 0.3))),
    Wrong("zeros", lambda x, w, c: (chain(x, w, c)[0], 0 * w)),
)

# --- only for some shapes, only for some values ----------------------------------------------------------------------

BILINEAR = Exercise(
    id="dev.bilinear",
    function=lambda xp, W, x, y: y @ xp.tanh(W @ x),
    inputs=lambda rng: {"W": rng.normal(size=(3, 5)), "x": rng.normal(size=5), "y": rng.normal(size=3)},
    wrt=("W", "x"),
)


def bilinear(W, x, y):
    d = y * (1 - np.tanh(W @ x) ** 2)
    return np.outer(d, x), W.T @ d


def bilinear_loop(W, x, y):
    d = y * (1 - np.tanh(W @ x) ** 2)
    dW, dx = np.zeros_like(W), np.zeros_like(x)
    for i in range(len(x)):
        for j in range(len(x)):
            dW[i, j] = d[i] * x[j]
            dx[j] += d[i] * W[i, j]
    return dW, dx


BILINEAR_WRONG = (
    Wrong("right for square shapes only", bilinear_loop),
    Wrong(
        "right for square shapes only",
        lambda W, x, y: (
            np.outer(y * (1 - np.tanh(W @ x) ** 2), x[: len(y)]),
            W.T[: len(y)] @ (y * (1 - np.tanh(W @ x) ** 2)),
        ),
    ),
    Wrong("activation derivative forgotten", lambda W, x, y: (np.outer(y, x), W.T @ y)),
    Wrong(
        "reshape for transpose",
        lambda W, x, y: (bilinear(W, x, y)[0], W.reshape(5, 3) @ (y * (1 - np.tanh(W @ x) ** 2))),
    ),
    Wrong("a small relative error", lambda W, x, y: (bilinear(W, x, y)[0], bilinear(W, x, y)[1] * (1 - 1e-8))),
)

MAGNITUDE = Exercise(
    id="dev.magnitude",
    function=lambda xp, x: xp.sum(xp.log(1 + xp.abs(x))),
    inputs=lambda rng: {"x": rng.normal(size=6)},
    wrt=("x",),
)
MAGNITUDE_WRONG = (
    Wrong("wrong for negative inputs", lambda x: 1 / (1 + np.abs(x))),
    Wrong("wrong for negative inputs", lambda x: 1 / (1 + x)),
    Wrong("not finite", lambda x: np.sign(x) / (1 + np.sqrt(x) ** 2)),
)

# --- awkward, but right ----------------------------------------------------------------------------------------------

DIFFERENCE = Exercise(
    id="dev.cancellation",
    function=lambda xp, x: xp.sum(xp.sqrt(1 + x**2) - 1),
    inputs=lambda rng: {"x": 1e-6 * rng.normal(size=5)},
    wrt=("x",),
)
SCALES = Exercise(
    id="dev.scales",
    function=lambda xp, x: xp.sum(xp.log(x)),
    inputs=lambda rng: {"x": 10.0 ** rng.integers(-8, 10, 6) * (1 + rng.uniform(size=6))},
    wrt=("x",),
)
STEEP = Exercise(
    id="dev.steep",
    function=lambda xp, z: xp.log(1 + xp.exp(z)),
    inputs=lambda rng: {"z": rng.normal(scale=12)},
    wrt=("z",),
)
HARD_SYSTEM = Exercise(
    id="dev.hard_system",
    function=lambda xp, A, b: xp.sum(xp.linalg.solve(A, b)),
    inputs=lambda rng: {
        "A": np.vander(np.linspace(1, 2, 6)) + 1e-9 * rng.normal(size=(6, 6)),
        "b": rng.normal(size=6),
    },
    wrt=("b",),
)
RECTIFIER = Exercise(
    id="dev.rectifier",
    function=lambda xp, x: xp.sum(xp.where(x > 0, x, 0.0 * x) * 3),
    inputs=lambda rng: {"x": rng.normal(size=5)},
    edge_inputs=lambda rng: {"x": np.array([0.0, 1.0, -2.0, 0.0, 3.0])},
    wrt=("x",),
)

PROBLEMS = (
    Problem(REGRESSION, (regression, regression_loop), REGRESSION_WRONG),
    Problem(ENTROPY, (entropy,), ENTROPY_WRONG),
    Problem(PRODUCT, (product,), PRODUCT_WRONG),
    Problem(RELU, (relu,), RELU_WRONG),
    Problem(LENGTH, (length,), LENGTH_WRONG),
    Problem(SYSTEM, (system,), SYSTEM_WRONG),
    Problem(LAYER, (layer,), LAYER_WRONG),
    Problem(ENTRYWISE, (entrywise,), ENTRYWISE_WRONG),
    Problem(PULL, (pull,), PULL_WRONG),
    Problem(CURVATURE, (curvature,), CURVATURE_WRONG),
    Problem(NEIGHBOURS, (neighbours,), NEIGHBOURS_WRONG),
    Problem(PUSH, (push,), PUSH_WRONG),
    Problem(PRODUCTS, (products,), PRODUCTS_WRONG),
    Problem(RATIO, (ratio,), RATIO_WRONG),
    Problem(CHAIN, (chain,), CHAIN_WRONG),
    Problem(BILINEAR, (bilinear,), BILINEAR_WRONG),
    Problem(MAGNITUDE, (lambda x: np.sign(x) / (1 + np.abs(x)),), MAGNITUDE_WRONG),
    Problem(
        DIFFERENCE,
        (lambda x: x / np.sqrt(1 + x**2), lambda x: x / np.hypot(1, x), lambda x: np.sin(np.arctan(x))),
        (Wrong("factor 2 too many", lambda x: 2 * x / np.hypot(1, x)), Wrong("zeros", np.zeros_like)),
        awkward=True,
    ),
    Problem(
        SCALES,
        (lambda x: 1 / x, lambda x: x**-1.0, lambda x: np.exp(-np.log(x))),
        (
            Wrong("sign", lambda x: -1 / x),
            Wrong("a small relative error", lambda x: (1 + 1e-8) / x),
            Wrong("wrong power", lambda x: 1 / x**2),
        ),
        awkward=True,
    ),
    Problem(
        STEEP,
        (sigmoid, lambda z: np.exp(z) / (1 + np.exp(z)), lambda z: 0.5 * (1 + np.tanh(z / 2))),
        (Wrong("sign", lambda z: -sigmoid(z)), Wrong("inner derivative forgotten", lambda z: 1 / (1 + np.exp(z)))),
        awkward=True,
    ),
    Problem(
        HARD_SYSTEM,
        (lambda A, b: np.linalg.solve(A.T, np.ones(6)), lambda A, b: np.linalg.inv(A).sum(axis=0)),
        (
            Wrong("transposed", lambda A, b: np.linalg.solve(A, np.ones(6))),
            Wrong("a small relative error", lambda A, b: np.linalg.solve(A.T, np.ones(6)) * (1 + 1e-4)),
        ),
        awkward=True,
    ),
    Problem(
        RECTIFIER,
        (lambda x: 3.0 * (x > 0), lambda x: np.where(x > 0, 3.0, 0.0)),
        (
            Wrong("factor 2 too many", lambda x: 6.0 * (x > 0)),
            Wrong("activation derivative forgotten", lambda x: 3 + 0 * x),
        ),
        awkward=True,
    ),
)
