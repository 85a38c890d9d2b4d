"""The half of the corpus that was written before the diagnosis and not looked at while it was built."""

import numpy as np

from corpus import Problem, Wrong, sizes
from grading.verify import Exercise


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# --- logistic regression ---------------------------------------------------------------------------------------------


def _logistic_inputs(rng):
    (n,) = sizes(rng, (6, 8, 9))
    return {
        "w": rng.normal(size=3),
        "b": rng.normal(),
        "X": rng.normal(size=(n, 3)),
        "t": rng.integers(0, 2, n).astype(float),
    }


def _logistic_edge(rng):
    return {"w": np.array([9.0, -8.0, 7.0]), "b": 0.5, "X": rng.normal(size=(6, 3)), "t": np.ones(6)}


LOGISTIC = Exercise(
    id="held.logistic",
    function=lambda xp, w, b, X, t: (
        -xp.mean(t * xp.log(1 / (1 + xp.exp(-(X @ w + b)))) + (1 - t) * xp.log(1 - 1 / (1 + xp.exp(-(X @ w + b)))))
    ),
    inputs=_logistic_inputs,
    edge_inputs=lambda rng: {"w": np.array([2.0, -1.5, 1.0]), "b": 0.5, "X": rng.normal(size=(6, 3)), "t": np.ones(6)},
    wrt=("w", "b"),
)


def logistic(w, b, X, t):
    e = (sigmoid(X @ w + b) - t) / len(t)
    return X.T @ e, e.sum()


def logistic_loop(w, b, X, t):
    dw, db = np.zeros(3), 0.0
    for row, target in zip(X, t, strict=True):
        p = 1 / (1 + np.exp(-(row @ w + b)))
        dw += (p - target) * row
        db += p - target
    return dw / len(t), db / len(t)


def logistic_first_sample(w, b, X, t):
    e = sigmoid(X[0] @ w + b) - t[0]
    return e * X[0], e


def logistic_last_missed(w, b, X, t):
    dw, db = np.zeros(3), 0.0
    for i in range(len(t) - 1):
        e = sigmoid(X[i] @ w + b) - t[i]
        dw += e * X[i] / len(t)
        db += e / len(t)
    return dw, db


def logistic_extra_slope(w, b, X, t):
    p = sigmoid(X @ w + b)
    e = (p - t) * p * (1 - p) / len(t)
    return X.T @ e, e.sum()


def logistic_half(w, b, X, t):
    w, b, X = w.astype(np.float16), np.float16(b), X.astype(np.float16)
    return logistic(w, b, X, t)


def logistic_no_slope(w, b, X, t):
    p = sigmoid(X @ w + b)
    e = (-t / p + (1 - t) / (1 - p)) / len(t)
    return X.T @ e, e.sum()


def logistic_plus(w, b, X, t):
    e = (sigmoid(X @ w + b) + t) / len(t)
    return X.T @ e, e.sum()


def logistic_no_target(w, b, X, t):
    e = sigmoid(X @ w + b) / len(t)
    return X.T @ e, e.sum()


def logistic_no_bias(w, b, X, t):
    e = (sigmoid(X @ w) - t) / len(t)
    return X.T @ e, e.sum()


def logistic_with_column(w, b, X, t):
    ones = np.hstack([X, np.ones((len(X), 1))])
    e = (sigmoid(X @ w + b) - t) / len(t)
    return ones.T @ e, e.sum()


LOGISTIC_WRONG = (
    Wrong("sum for mean", lambda w, b, X, t: tuple(len(t) * g for g in logistic(w, b, X, t))),
    Wrong("sign", lambda w, b, X, t: (X.T @ (t - sigmoid(X @ w + b)) / len(t), np.mean(t - sigmoid(X @ w + b)))),
    Wrong("not summed", lambda w, b, X, t: (logistic(w, b, X, t)[0], (sigmoid(X @ w + b) - t) / len(t))),
    Wrong("wrong for batches", logistic_first_sample),
    Wrong("off by one", logistic_last_missed),
    Wrong("an extra factor", logistic_extra_slope),
    Wrong("half precision", logistic_half),
    Wrong("activation derivative forgotten", logistic_no_slope),
    Wrong("sign of one term", logistic_plus),
    Wrong("a path or term dropped", logistic_no_target),
    Wrong("sign", lambda w, b, X, t: (logistic(w, b, X, t)[0], -logistic(w, b, X, t)[1])),
    Wrong("bias column or row", logistic_with_column),
    Wrong("an extra term", lambda w, b, X, t: (logistic(w, b, X, t)[0] + w, logistic(w, b, X, t)[1])),
    Wrong(
        "single precision",
        lambda w, b, X, t: logistic(w.astype(np.float32), np.float32(b), X.astype(np.float32), t.astype(np.float32)),
    ),
)

# --- quotients and products of single entries ------------------------------------------------------------------------

QUOTIENT = Exercise(
    id="held.quotient",
    function=lambda xp, x: xp.sum(xp.sin(x) / (1 + x**2)),
    inputs=lambda rng: {"x": rng.normal(size=7)},
    wrt=("x",),
)


def quotient(x):
    return (np.cos(x) * (1 + x**2) - 2 * x * np.sin(x)) / (1 + x**2) ** 2


def central(f, x, h):
    out = np.zeros_like(x)
    for i in range(x.size):
        step = np.zeros_like(x)
        step.flat[i] = h
        out.flat[i] = (f(x + step) - f(x - step)) / (2 * h)
    return out


QUOTIENT_WRONG = (
    Wrong("quotient rule misapplied", lambda x: (np.cos(x) * (1 + x**2) + 2 * x * np.sin(x)) / (1 + x**2) ** 2),
    Wrong("quotient rule misapplied", lambda x: (np.cos(x) * (1 + x**2) - 2 * x * np.sin(x)) / (1 + x**2)),
    Wrong("quotient rule misapplied", lambda x: np.cos(x) / (2 * x)),
    Wrong("sign", lambda x: (2 * x * np.sin(x) - np.cos(x) * (1 + x**2)) / (1 + x**2) ** 2),
    Wrong("a path or term dropped", lambda x: np.cos(x) / (1 + x**2)),
    Wrong("coefficient of one term", lambda x: (np.cos(x) * (1 + x**2) - x * np.sin(x)) / (1 + x**2) ** 2),
    Wrong("a finite difference", lambda x: central(lambda z: np.sum(np.sin(z) / (1 + z**2)), x, 1e-5)),
    Wrong("numbers pasted in", lambda x: np.array([0.31, -0.22, 0.9, 0.11, 0.02, -0.4, 0.75])),
    Wrong("one entry or row wrong", lambda x: np.concatenate([quotient(x)[:-1], [np.cos(x[-1])]])),
    Wrong("off by one", lambda x: np.concatenate([quotient(x)[1:], [0.0]])),
    Wrong("wrong for negative inputs", lambda x: np.where(x > 0, quotient(x), -quotient(x))),
    Wrong("the value instead of its derivative", lambda x: np.sum(np.sin(x) / (1 + x**2))),
    Wrong("a small relative error", lambda x: quotient(x) * 1.00001),
    Wrong("not finite", lambda x: quotient(np.where(x > 1, np.nan, x))),
)

# --- a network of two layers, all weights ----------------------------------------------------------------------------


def _network_inputs(rng):
    (n,) = sizes(rng, (8, 9, 10))
    return {
        "W1": rng.normal(size=(3, 5)) / 2,
        "b1": rng.normal(size=5),
        "W2": rng.normal(size=(5, 6)) / 2,
        "b2": rng.normal(size=6),
        "X": rng.normal(size=(n, 3)),
        "T": rng.normal(size=(n, 6)),
    }


NETWORK = Exercise(
    id="held.network",
    function=lambda xp, W1, b1, W2, b2, X, T: xp.sum((xp.tanh(X @ W1 + b1) @ W2 + b2 - T) ** 2) / (2 * len(X)),
    inputs=_network_inputs,
    wrt=("W1", "b1", "W2", "b2"),
)


def _network(X, H, E, Z):
    return X.T @ Z, Z.sum(axis=0), H.T @ E, E.sum(axis=0)


def network(W1, b1, W2, b2, X, T):
    H = np.tanh(X @ W1 + b1)
    E = (H @ W2 + b2 - T) / len(X)
    return _network(X, H, E, E @ W2.T * (1 - H**2))


def network_no_slope(W1, b1, W2, b2, X, T):
    H = np.tanh(X @ W1 + b1)
    E = (H @ W2 + b2 - T) / len(X)
    return _network(X, H, E, E @ W2.T)


def network_slope_no_square(W1, b1, W2, b2, X, T):
    H = np.tanh(X @ W1 + b1)
    E = (H @ W2 + b2 - T) / len(X)
    return _network(X, H, E, E @ W2.T * (1 - H))


def network_sigmoid_slope(W1, b1, W2, b2, X, T):
    H = np.tanh(X @ W1 + b1)
    E = (H @ W2 + b2 - T) / len(X)
    return _network(X, H, E, E @ W2.T * H * (1 - H))


def network_slope_before_bias(W1, b1, W2, b2, X, T):
    H = np.tanh(X @ W1 + b1)
    E = (H @ W2 + b2 - T) / len(X)
    return _network(X, H, E, E @ W2.T * (1 - np.tanh(X @ W1) ** 2))


def network_slope_at_output(W1, b1, W2, b2, X, T):
    H = np.tanh(X @ W1 + b1)
    E = (H @ W2 + b2 - T) / len(X)
    return _network(X, H, E, E @ W2.T * (1 - np.tanh(H) ** 2))


def network_slope_of_z(W1, b1, W2, b2, X, T):
    Z = X @ W1 + b1
    H = np.tanh(Z)
    E = (H @ W2 + b2 - T) / len(X)
    return _network(X, H, E, E @ W2.T * (1 - Z**2))


def network_mean_bias(W1, b1, W2, b2, X, T):
    dW1, _, dW2, _ = network(W1, b1, W2, b2, X, T)
    H = np.tanh(X @ W1 + b1)
    E = (H @ W2 + b2 - T) / len(X)
    return dW1, (E @ W2.T * (1 - H**2)).mean(axis=0), dW2, E.mean(axis=0)


def network_first_row_bias(W1, b1, W2, b2, X, T):
    dW1, _, dW2, db2 = network(W1, b1, W2, b2, X, T)
    H = np.tanh(X @ W1 + b1)
    E = (H @ W2 + b2 - T) / len(X)
    return dW1, (E @ W2.T * (1 - H**2))[0], dW2, db2


def network_double(W1, b1, W2, b2, X, T):
    H = np.tanh(X @ W1 + b1)
    E = 2 * (H @ W2 + b2 - T) / len(X)
    return _network(X, H, E, E @ W2.T * (1 - H**2))


def network_pre_activation(W1, b1, W2, b2, X, T):
    Z = X @ W1 + b1
    H = np.tanh(Z)
    E = (H @ W2 + b2 - T) / len(X)
    dZ = E @ W2.T * (1 - H**2)
    return X.T @ dZ, dZ.sum(axis=0), Z.T @ E, E.sum(axis=0)


def network_transposed(W1, b1, W2, b2, X, T):
    dW1, db1, dW2, db2 = network(W1, b1, W2, b2, X, T)
    return dW1.T, db1, dW2, db2


def network_reshaped(W1, b1, W2, b2, X, T):
    dW1, db1, dW2, db2 = network(W1, b1, W2, b2, X, T)
    return dW1, db1, dW2.T.reshape(W2.shape), db2


def network_swapped(W1, b1, W2, b2, X, T):
    dW1, db1, dW2, db2 = network(W1, b1, W2, b2, X, T)
    return dW1, db2, dW2, db1


def network_column(W1, b1, W2, b2, X, T):
    dW1, db1, dW2, db2 = network(W1, b1, W2, b2, X, T)
    return dW1, db1[:, None], dW2, db2


def network_last_target(W1, b1, W2, b2, X, T):
    dW1, db1, dW2, _db2 = network(W1, b1, W2, b2, X, T)
    H = np.tanh(X @ W1 + b1)
    E = (H @ W2 + b2 - T) / len(X)
    return dW1, db1, dW2, E.sum(axis=1)


def network_template(W1, b1, W2, b2, X, T):
    _dW1, db1, dW2, db2 = network(W1, b1, W2, b2, X, T)
    return np.zeros_like(W1), db1, dW2, db2


def network_in_place(W1, b1, W2, b2, X, T):
    H = np.tanh(X @ W1 + b1)
    T -= H @ W2 + b2
    E = -T / len(X)
    return _network(X, H, E, E @ W2.T * (1 - H**2))


def network_weights_of_first(W1, b1, W2, b2, X, T):
    dW1, db1, _dW2, db2 = network(W1, b1, W2, b2, X, T)
    H = np.tanh(X @ W1 + b1)
    E = (H @ W2 + b2 - T) / len(X)
    return dW1, db1, np.outer(H[0], E[0]), db2


NETWORK_WRONG = (
    Wrong("activation derivative forgotten", network_no_slope),
    Wrong("activation derivative of the wrong form", network_slope_no_square),
    Wrong("activation derivative of the wrong form", network_sigmoid_slope),
    Wrong("activation derivative at the wrong point", network_slope_before_bias),
    Wrong("activation derivative at the wrong point", network_slope_at_output),
    Wrong("activation derivative at the wrong point", network_slope_of_z),
    Wrong("mean for sum", network_mean_bias),
    Wrong("wrong for batches", network_first_row_bias),
    Wrong("factor 2 too many", network_double),
    Wrong("transposed", network_transposed),
    Wrong("reshape for transpose", network_reshaped),
    Wrong("blocks exchanged", network_swapped),
    Wrong("shape that only broadcasts", network_column),
    Wrong("wrong axis", network_last_target),
    Wrong("zeros", network_template),
    Wrong("changes its arguments", network_in_place),
    Wrong("wrong for batches", network_weights_of_first),
)

# --- a quadratic form with a matrix that is not symmetric ------------------------------------------------------------

QUADRATIC = Exercise(
    id="held.quadratic",
    function=lambda xp, A, x, c: x @ A @ x + c @ x,
    inputs=lambda rng: {"A": rng.normal(size=(5, 5)), "x": rng.normal(size=5), "c": rng.normal(size=5)},
    wrt=("x", "A"),
)


def quadratic(A, x, c):
    return (A + A.T) @ x + c, np.outer(x, x)


def quadratic_one_side(A, x, c):
    return A @ x + c, np.outer(x, x)


QUADRATIC_WRONG = (
    Wrong("right for symmetric inputs only", lambda A, x, c: (2 * A @ x + c, np.outer(x, x))),
    Wrong("right for symmetric inputs only", lambda A, x, c: (2 * A.T @ x + c, np.outer(x, x))),
    Wrong("a path or term dropped", quadratic_one_side),
    Wrong("a path or term dropped", lambda A, x, c: ((A + A.T) @ x, np.outer(x, x))),
    Wrong("sign of one term", lambda A, x, c: ((A - A.T) @ x + c, np.outer(x, x))),
    Wrong("sign of one term", lambda A, x, c: ((A + A.T) @ x - c, np.outer(x, x))),
    Wrong("coefficient of one term", lambda A, x, c: ((A + A.T) @ x + 2 * c, np.outer(x, x))),
    Wrong("one entry or row wrong", lambda A, x, c: (quadratic(A, x, c)[0], np.outer(x, x) + np.diag([0, 0, 1, 0, 0]))),
    Wrong("an extra term", lambda A, x, c: ((A + A.T) @ x + c + x, np.outer(x, x))),
    Wrong("an extra factor", lambda A, x, c: (((A + A.T) @ x + c) * x, np.outer(x, x))),
    Wrong("diagonal only", lambda A, x, c: (quadratic(A, x, c)[0], np.diag(x * x))),
    Wrong("another derivative", lambda A, x, c: (x, np.outer(x, x))),
)

# --- log-sum-exp -----------------------------------------------------------------------------------------------------

SOFT_MAXIMUM = Exercise(
    id="held.soft_maximum",
    function=lambda xp, z, v: xp.log(xp.sum(xp.exp(z * v))),
    inputs=lambda rng: {"z": rng.normal(size=6), "v": rng.normal(size=6)},
    wrt=("z",),
)


def soft_maximum(z, v):
    p = np.exp(z * v)
    return v * p / p.sum()


SOFT_MAXIMUM_WRONG = (
    Wrong("inner derivative forgotten", lambda z, v: np.exp(z * v) / np.exp(z * v).sum()),
    Wrong("inner derivative forgotten", lambda z, v: v * np.exp(z * v)),
    Wrong("another derivative", lambda z, v: z * np.exp(z * v) / np.exp(z * v).sum()),
    Wrong("summed too much", lambda z, v: np.sum(soft_maximum(z, v))),
    Wrong("sign", lambda z, v: -soft_maximum(z, v)),
    Wrong("wrong power", lambda z, v: v * np.exp(z * v) / np.exp(z * v).sum() ** 2),
    Wrong("a finite difference", lambda z, v: central(lambda y: np.log(np.sum(np.exp(y * v))), z, 1e-6)),
    Wrong("whole matrix for its diagonal", lambda z, v: np.diag(soft_maximum(z, v))),
    Wrong("single precision", lambda z, v: soft_maximum(z.astype(np.float32), v.astype(np.float32))),
    Wrong("constant factor", lambda z, v: 3 * soft_maximum(z, v)),
    Wrong("numbers pasted in", lambda z, v: np.array([0.1, 0.3, -0.2, 0.25, 0.4, -0.1])),
)

# --- the Jacobian of a matrix in a matrix ----------------------------------------------------------------------------

SANDWICH = Exercise(
    id="held.sandwich",
    function=lambda xp, X, A: xp.sin(X) @ A,
    inputs=lambda rng: {"X": rng.normal(size=(3, 5)), "A": rng.normal(size=(5, 6))},
    wrt=("X",),
    asks="jacobian",
)


def sandwich(X, A):
    return np.einsum("ac,cj,jb->abcj", np.eye(3), np.cos(X), A)


def sandwich_loop(X, A):
    J = np.zeros((3, 6, 3, 5))
    for i in range(3):
        for k in range(6):
            for j in range(5):
                J[i, k, i, j] = np.cos(X[i, j]) * A[j, k]
    return J


def sandwich_sine(X, A):
    return np.einsum("ac,cj,jb->abcj", np.eye(3), np.sin(X), A)


def sandwich_row(X, A):
    J = np.zeros((3, 6, 3, 5))
    for i in range(1, 3):
        J[i, :, i, :] = (np.cos(X[i])[:, None] * A).T
    return J


SANDWICH_WRONG = (
    Wrong("inner derivative forgotten", lambda X, A: np.einsum("ac,jb->abcj", np.eye(3), A) + 0 * X.sum()),
    Wrong("axes permuted", lambda X, A: np.transpose(sandwich_loop(X, A), (2, 3, 0, 1))),
    Wrong("axes permuted", lambda X, A: np.transpose(sandwich_loop(X, A), (0, 1, 3, 2))),
    Wrong("shape that only broadcasts", lambda X, A: sandwich_loop(X, A).reshape(18, 15)),
    Wrong("sign", lambda X, A: -sandwich_loop(X, A)),
    Wrong("inner derivative forgotten", sandwich_sine),
    Wrong("one entry or row wrong", sandwich_row),
    Wrong("factor 2 missing", lambda X, A: sandwich_loop(X, A) / 2),
)

# --- the direction of a vector, pushed forward -----------------------------------------------------------------------

DIRECTION = Exercise(
    id="held.direction",
    function=lambda xp, x: x / xp.sqrt(xp.sum(x * x)),
    inputs=lambda rng: {"x": 3 * rng.normal(size=5)},
    wrt=("x",),
    asks="jvp",
)


def direction(x, dx):
    r = np.sqrt(x @ x)
    return dx / r - x * (x @ dx) / r**3


DIRECTION_WRONG = (
    Wrong("a path or term dropped", lambda x, dx: dx / np.sqrt(x @ x)),
    Wrong("sign of one term", lambda x, dx: dx / np.sqrt(x @ x) + x * (x @ dx) / np.sqrt(x @ x) ** 3),
    Wrong("wrong power", lambda x, dx: dx / np.sqrt(x @ x) - x * (x @ dx) / np.sqrt(x @ x) ** 2),
    Wrong("coefficient of one term", lambda x, dx: dx / np.sqrt(x @ x) - 2 * x * (x @ dx) / np.sqrt(x @ x) ** 3),
    Wrong("an input returned", lambda x, dx: x),
    Wrong("the value instead of its derivative", lambda x, dx: x / np.linalg.norm(x)),
    Wrong(
        "a finite difference",
        lambda x, dx: ((x + 1e-6 * dx) / np.linalg.norm(x + 1e-6 * dx) - x / np.linalg.norm(x)) / 1e-6,
    ),
    Wrong("zeros", lambda x, dx: np.zeros(5)),
)

# --- the diagonal of a Hessian ---------------------------------------------------------------------------------------

CURVED = Exercise(
    id="held.curved",
    function=lambda xp, x, a: xp.sum(xp.tanh(a * x) + x**3),
    inputs=lambda rng: {"x": rng.normal(size=6), "a": 0.5 + rng.uniform(size=6)},
    wrt=("x",),
    asks="hessian_diagonal",
)


def curved(x, a):
    y = np.tanh(a * x)
    return -2 * a**2 * y * (1 - y**2) + 6 * x


CURVED_WRONG = (
    Wrong("inner derivative forgotten", lambda x, a: -2 * a * np.tanh(a * x) * (1 - np.tanh(a * x) ** 2) + 6 * x),
    Wrong("another derivative", lambda x, a: a * (1 - np.tanh(a * x) ** 2) + 3 * x**2),
    Wrong("coefficient of one term", lambda x, a: -2 * a**2 * np.tanh(a * x) * (1 - np.tanh(a * x) ** 2) + 3 * x),
    Wrong("sign of one term", lambda x, a: 2 * a**2 * np.tanh(a * x) * (1 - np.tanh(a * x) ** 2) + 6 * x),
    Wrong("a path or term dropped", lambda x, a: 6 * x),
    Wrong("a path or term dropped", lambda x, a: -2 * a**2 * np.tanh(a * x) * (1 - np.tanh(a * x) ** 2)),
    Wrong("activation derivative forgotten", lambda x, a: -2 * a**2 * np.tanh(a * x) + 6 * x),
    Wrong("wrong power", lambda x, a: -2 * a**2 * np.tanh(a * x) * (1 - np.tanh(a * x) ** 2) + 6 * x**2),
    Wrong("whole matrix for its diagonal", lambda x, a: np.diag(curved(x, a))),
    Wrong("a finite difference", lambda x, a: central(lambda z: np.tanh(a * z) + z**3, x, 1e-4) * 0 + _second(x, a)),
)


def _second(x, a, h=1e-4):
    def f(z):
        return np.tanh(a * z) + z**3

    return (f(x + h) - 2 * f(x) + f(x - h)) / h**2


# --- centring a batch ------------------------------------------------------------------------------------------------


def _centring_inputs(rng):
    (n,) = sizes(rng, (6, 7, 8))
    return {"X": rng.normal(size=(n, 3)), "G": rng.normal(size=(n, 3))}


CENTRING = Exercise(
    id="held.centring",
    function=lambda xp, X, G: xp.sum(
        G * (X - xp.mean(X, axis=0)) / xp.sqrt(xp.mean((X - xp.mean(X, axis=0)) ** 2, axis=0) + 0.1)
    ),
    inputs=_centring_inputs,
    wrt=("X",),
)


def centring(X, G):
    C = X - X.mean(axis=0)
    s = np.sqrt((C**2).mean(axis=0) + 0.1)
    N = C / s
    return (G - G.mean(axis=0) - N * (G * N).mean(axis=0)) / s


def _scale(X):
    C = X - X.mean(axis=0)
    return C, np.sqrt((C**2).mean(axis=0) + 0.1)


def centring_no_mean(X, G):
    C, s = _scale(X)
    return (G - C / s * (G * C / s).mean(axis=0)) / s


def centring_no_scale_path(X, G):
    _C, s = _scale(X)
    return (G - G.mean(axis=0)) / s


def centring_plus(X, G):
    C, s = _scale(X)
    return (G - G.mean(axis=0) + C / s * (G * C / s).mean(axis=0)) / s


def centring_sum(X, G):
    C, s = _scale(X)
    return (G - G.mean(axis=0) - C / s * (G * C / s).sum(axis=0)) / s


CENTRING_WRONG = (
    Wrong("a path or term dropped", centring_no_mean),
    Wrong("a path or term dropped", centring_no_scale_path),
    Wrong("a path or term dropped", lambda X, G: G / _scale(X)[1]),
    Wrong("sign of one term", centring_plus),
    Wrong("sum for mean", centring_sum),
    Wrong("transposed", lambda X, G: centring(X, G).T),
    Wrong("reshape for transpose", lambda X, G: centring(X, G).T.reshape(X.shape)),
    Wrong(
        "coefficient of one term",
        lambda X, G: (
            (G - G.mean(axis=0) - 2 * _scale(X)[0] * (G * _scale(X)[0]).mean(axis=0) / _scale(X)[1] ** 2) / _scale(X)[1]
        ),
    ),
)

# --- rectified and absolute values -----------------------------------------------------------------------------------

ABSOLUTE = Exercise(
    id="held.absolute",
    function=lambda xp, x, w: xp.sum(w * xp.abs(x) ** 3),
    inputs=lambda rng: {"x": rng.normal(size=7), "w": rng.normal(size=7)},
    wrt=("x",),
)

ABSOLUTE_WRONG = (
    Wrong("wrong for negative inputs", lambda x, w: 3 * w * x**2),
    Wrong("wrong for negative inputs", lambda x, w: np.where(x > 0, 3 * w * x**2, 0)),
    Wrong("wrong power", lambda x, w: 3 * w * np.abs(x) * np.sign(x)),
    Wrong("wrong power", lambda x, w: 3 * w * np.abs(x) ** 3 * np.sign(x)),
    Wrong("shape that only broadcasts", lambda x, w: (3 * w * x * np.abs(x))[:, None]),
    Wrong("an extra factor", lambda x, w: 3 * w**2 * x * np.abs(x)),
    Wrong("inner derivative forgotten", lambda x, w: 3 * x * np.abs(x)),
)

RECTIFIED = Exercise(
    id="held.rectified",
    function=lambda xp, W, b, x: xp.sum(xp.where(W @ x + b > 0, W @ x + b, 0 * (W @ x)) ** 2) / 2,
    inputs=lambda rng: {"W": rng.normal(size=(7, 5)), "b": rng.normal(size=7), "x": rng.normal(size=5)},
    wrt=("W", "b", "x"),
)


def rectified(W, b, x):
    h = np.maximum(W @ x + b, 0)
    return np.outer(h, x), h, W.T @ h


def _masked(W, b, x, mask):
    z = (W @ x + b) * mask
    return np.outer(z, x), z, W.T @ z


RECTIFIED_WRONG = (
    Wrong("activation derivative forgotten", lambda W, b, x: _masked(W, b, x, 1)),
    Wrong("ReLU mask from the wrong quantity", lambda W, b, x: tuple(g for g in _of_mask(W, b, x, W @ x > 0))),
    Wrong("ReLU mask from the wrong quantity", lambda W, b, x: _of_mask(W, b, x, b > 0)),
    Wrong("ReLU mask from the wrong quantity", lambda W, b, x: _of_mask(W, b, x, W @ x + b < 0)),
    Wrong("transposed", lambda W, b, x: (np.outer(x, np.maximum(W @ x + b, 0)), *rectified(W, b, x)[1:])),
    Wrong("another derivative", lambda W, b, x: (rectified(W, b, x)[0], rectified(W, b, x)[1], rectified(W, b, x)[1])),
)


def _of_mask(W, b, x, mask):
    z = np.maximum(W @ x + b, 0) * mask
    return np.outer(z, x), z, W.T @ z


# --- awkward, but right ----------------------------------------------------------------------------------------------

SMALL = Exercise(
    id="held.small",
    function=lambda xp, x: xp.sum(xp.exp(x) - 1 - x),
    inputs=lambda rng: {"x": 1e-8 * rng.normal(size=5)},
    wrt=("x",),
)
LARGE = Exercise(
    id="held.large",
    function=lambda xp, x, w: xp.sum(w * x**2),
    inputs=lambda rng: {"x": 1e9 * rng.normal(size=5), "w": 10.0 ** rng.integers(-8, 9, 5)},
    wrt=("x",),
)
HILBERT = Exercise(
    id="held.hilbert",
    function=lambda xp, A, b: xp.sum(xp.linalg.solve(A, b) ** 2),
    inputs=lambda rng: {
        "A": 1 / (1 + np.add.outer(np.arange(6), np.arange(6))) + 1e-6 * rng.normal(size=(6, 6)),
        "b": rng.normal(size=6),
    },
    wrt=("b",),
)
KINK = Exercise(
    id="held.kink",
    function=lambda xp, x: xp.sum(xp.abs(x)),
    inputs=lambda rng: {"x": rng.normal(size=5)},
    edge_inputs=lambda rng: {"x": np.array([0.0, 1.0, -1.0, 0.0, 2.0])},
    wrt=("x",),
)

PROBLEMS = (
    Problem(LOGISTIC, (logistic, logistic_loop), LOGISTIC_WRONG),
    Problem(
        QUOTIENT, (quotient, lambda x: np.cos(x) / (1 + x * x) - 2 * x * np.sin(x) / (1 + x * x) ** 2), QUOTIENT_WRONG
    ),
    Problem(NETWORK, (network,), NETWORK_WRONG),
    Problem(QUADRATIC, (quadratic, lambda A, x, c: (A @ x + x @ A + c, x[:, None] * x)), QUADRATIC_WRONG),
    Problem(SOFT_MAXIMUM, (soft_maximum,), SOFT_MAXIMUM_WRONG),
    Problem(SANDWICH, (sandwich, sandwich_loop), SANDWICH_WRONG),
    Problem(DIRECTION, (direction,), DIRECTION_WRONG),
    Problem(CURVED, (curved, lambda x, a: 6 * x - 2 * a * a * np.tanh(a * x) / np.cosh(a * x) ** 2), CURVED_WRONG),
    Problem(CENTRING, (centring,), CENTRING_WRONG),
    Problem(ABSOLUTE, (lambda x, w: 3 * w * x * np.abs(x), lambda x, w: 3 * w * x**2 * np.sign(x)), ABSOLUTE_WRONG),
    Problem(RECTIFIED, (rectified,), RECTIFIED_WRONG),
    Problem(
        SMALL,
        (np.expm1,),
        (Wrong("an input returned", lambda x: x), Wrong("sign", lambda x: -np.expm1(x))),
        awkward=True,
    ),
    Problem(
        LARGE,
        (lambda x, w: 2 * w * x, lambda x, w: w * x + x * w),
        (
            Wrong("factor 2 missing", lambda x, w: w * x),
            Wrong("a small relative error", lambda x, w: 2 * w * x * (1 + 1e-7)),
            Wrong("one entry or row wrong", lambda x, w: 2 * w * x * np.array([1, 1, 1, 1, 1 + 1e-6])),
        ),
        awkward=True,
    ),
    Problem(
        HILBERT,
        (
            lambda A, b: 2 * np.linalg.solve(A.T, np.linalg.solve(A, b)),
            lambda A, b: 2 * np.linalg.inv(A).T @ (np.linalg.inv(A) @ b),
        ),
        (
            Wrong("factor 2 missing", lambda A, b: np.linalg.solve(A.T, np.linalg.solve(A, b))),
            Wrong("transposed", lambda A, b: 2 * np.linalg.solve(A, np.linalg.solve(A, b))),
        ),
        awkward=True,
    ),
    Problem(
        KINK,
        (np.sign,),
        (Wrong("wrong for negative inputs", np.ones_like), Wrong("an input returned", lambda x: x)),
        awkward=True,
    ),
)
