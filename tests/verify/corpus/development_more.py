"""More of the half of the corpus that was looked at while the diagnosis was built."""

import itertools

import numpy as np

from corpus import Problem, Wrong, sizes
from grading.verify import Exercise


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


def central_difference(f, x, h):
    slopes = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = h
        slopes[i] = (f(x + step) - f(x - step)) / (2 * h)
    return slopes


# --- standardising a vector, pushed forward --------------------------------------------------------------------------

STANDARD = Exercise(
    id="dev.standard",
    function=lambda xp, x: (x - xp.mean(x)) / xp.sqrt(xp.mean((x - xp.mean(x)) ** 2)),
    inputs=lambda rng: {"x": rng.normal(size=6)},
    wrt=("x",),
    asks="jvp",
)


def standard(x, v):
    c, d = x - x.mean(), v - v.mean()
    s = np.sqrt(np.mean(c**2))
    return d / s - c * np.mean(c * d) / s**3


def _parts(x, v):
    c, d = x - x.mean(), v - v.mean()
    return c, d, np.sqrt(np.mean(c**2))


STANDARD_WRONG = (
    Wrong("a path or term dropped", lambda x, v: _parts(x, v)[1] / _parts(x, v)[2]),
    Wrong(
        "a path or term dropped",
        lambda x, v: v / _parts(x, v)[2] - _parts(x, v)[0] * np.mean(_parts(x, v)[0] * v) / _parts(x, v)[2] ** 3,
    ),
    Wrong(
        "sign of one term",
        lambda x, v: (
            _parts(x, v)[1] / _parts(x, v)[2] + _parts(x, v)[0] * np.mean(_parts(x, v)[0] * v) / _parts(x, v)[2] ** 3
        ),
    ),
    Wrong(
        "coefficient of one term",
        lambda x, v: (
            _parts(x, v)[1] / _parts(x, v)[2]
            - 2 * _parts(x, v)[0] * np.mean(_parts(x, v)[0] * v) / _parts(x, v)[2] ** 3
        ),
    ),
    Wrong(
        "sum for mean",
        lambda x, v: (
            _parts(x, v)[1] / _parts(x, v)[2] - _parts(x, v)[0] * np.sum(_parts(x, v)[0] * v) / _parts(x, v)[2] ** 3
        ),
    ),
    Wrong(
        "wrong power",
        lambda x, v: (
            _parts(x, v)[1] / _parts(x, v)[2] - _parts(x, v)[0] * np.mean(_parts(x, v)[0] * v) / _parts(x, v)[2] ** 2
        ),
    ),
    Wrong(
        "wrong power",
        lambda x, v: (
            _parts(x, v)[1] / _parts(x, v)[2] - _parts(x, v)[0] * np.mean(_parts(x, v)[0] * v) / _parts(x, v)[2]
        ),
    ),
    Wrong("an input returned", lambda x, v: v),
    Wrong("the value instead of its derivative", lambda x, v: (x - x.mean()) / x.std()),
    Wrong("a finite difference", lambda x, v: (_unit(x + 1e-7 * v) - _unit(x)) / 1e-7),
    Wrong("a finite difference", lambda x, v: (_unit(x + 1e-5 * v) - _unit(x - 1e-5 * v)) / 2e-5),
)


def _unit(x):
    return (x - x.mean()) / x.std()


# --- diagonals of Hessians -------------------------------------------------------------------------------------------

WAVES = Exercise(
    id="dev.waves",
    function=lambda xp, x, b, c: xp.sum(c * xp.sin(b * x)) + xp.sum(x**4),
    inputs=lambda rng: {"x": rng.normal(size=5), "b": 1 + rng.uniform(size=5), "c": rng.normal(size=5)},
    wrt=("x",),
    asks="hessian_diagonal",
)


def waves(x, b, c):
    return -c * b**2 * np.sin(b * x) + 12 * x**2


WAVES_WRONG = (
    Wrong("inner derivative forgotten", lambda x, b, c: -c * b * np.sin(b * x) + 12 * x**2),
    Wrong("inner derivative forgotten", lambda x, b, c: -c * np.sin(b * x) + 12 * x**2),
    Wrong("sign of one term", lambda x, b, c: c * b**2 * np.sin(b * x) + 12 * x**2),
    Wrong("a path or term dropped", lambda x, b, c: -c * b**2 * np.sin(b * x)),
    Wrong("coefficient of one term", lambda x, b, c: -c * b**2 * np.sin(b * x) + 4 * x**2),
    Wrong("wrong power", lambda x, b, c: -c * b**2 * np.sin(b * x) + 12 * x**3),
    Wrong("wrong power", lambda x, b, c: -c * b**2 * np.sin(b * x) + 12 * x),
    Wrong("another derivative", lambda x, b, c: c * b * np.cos(b * x) + 4 * x**3),
    Wrong("activation derivative of the wrong form", lambda x, b, c: -c * b**2 * np.cos(b * x) + 12 * x**2),
    Wrong("sign", lambda x, b, c: -waves(x, b, c)),
    Wrong("an extra factor", lambda x, b, c: waves(x, b, c) * x),
    Wrong(
        "a finite difference",
        lambda x, b, c: (
            central_difference(lambda y: np.sum(c * b * np.cos(b * y) + 4 * y**3), x, 1e-5) * 0 + _second(x, b, c)
        ),
    ),
)


def _second(x, b, c, h=1e-4):
    def f(z):
        return c * np.sin(b * z) + z**4

    return (f(x + h) - 2 * f(x) + f(x - h)) / h**2


ENERGY = Exercise(
    id="dev.energy",
    function=lambda xp, x, w: 0.5 * (w @ xp.tanh(x)) ** 2,
    inputs=lambda rng: {"x": rng.normal(size=5), "w": rng.normal(size=5)},
    wrt=("x",),
    asks="hessian_diagonal",
)


def energy(x, w):
    y = np.tanh(x)
    s, s2 = 1 - y**2, -2 * y * (1 - y**2)
    return (w * s) ** 2 + (w @ y) * w * s2


ENERGY_WRONG = (
    Wrong("a path or term dropped", lambda x, w: (w * (1 - np.tanh(x) ** 2)) ** 2),
    Wrong("a path or term dropped", lambda x, w: (w @ np.tanh(x)) * w * -2 * np.tanh(x) * (1 - np.tanh(x) ** 2)),
    Wrong(
        "sign of one term",
        lambda x, w: (w * (1 - np.tanh(x) ** 2)) ** 2 + (w @ np.tanh(x)) * w * 2 * np.tanh(x) * (1 - np.tanh(x) ** 2),
    ),
    Wrong(
        "activation derivative forgotten",
        lambda x, w: (w * (1 - np.tanh(x) ** 2)) ** 2 + (w @ np.tanh(x)) * w * -2 * np.tanh(x),
    ),
    Wrong(
        "activation derivative forgotten",
        lambda x, w: w**2 * (1 - np.tanh(x) ** 2) + (w @ np.tanh(x)) * w * -2 * np.tanh(x) * (1 - np.tanh(x) ** 2),
    ),
    Wrong("another derivative", lambda x, w: (w @ np.tanh(x)) * w * (1 - np.tanh(x) ** 2)),
)

# --- normalising rows ------------------------------------------------------------------------------------------------


def _rows_inputs(rng):
    (n,) = sizes(rng, (6, 8, 9))
    return {"X": rng.normal(size=(n, 5)), "g": rng.normal(size=5), "G": rng.normal(size=(n, 5))}


ROWS = Exercise(
    id="dev.rows",
    function=lambda xp, X, g, G: xp.sum(G * g * X / xp.sqrt(xp.mean(X**2, axis=1, keepdims=True))),
    inputs=_rows_inputs,
    wrt=("X", "g"),
)


def rows(X, g, G):
    r = np.sqrt(np.mean(X**2, axis=1, keepdims=True))
    D = G * g
    return D / r - X * np.mean(D * X, axis=1, keepdims=True) / r**3, np.sum(G * X / r, axis=0)


def _rms(X):
    return np.sqrt(np.mean(X**2, axis=1, keepdims=True))


ROWS_WRONG = (
    Wrong("a path or term dropped", lambda X, g, G: (G * g / _rms(X), rows(X, g, G)[1])),
    Wrong(
        "sign of one term",
        lambda X, g, G: (
            G * g / _rms(X) + X * np.mean(G * g * X, axis=1, keepdims=True) / _rms(X) ** 3,
            rows(X, g, G)[1],
        ),
    ),
    Wrong(
        "sum for mean",
        lambda X, g, G: (
            G * g / _rms(X) - X * np.sum(G * g * X, axis=1, keepdims=True) / _rms(X) ** 3,
            rows(X, g, G)[1],
        ),
    ),
    Wrong(
        "inner derivative forgotten",
        lambda X, g, G: (G / _rms(X) - X * np.mean(G * X, axis=1, keepdims=True) / _rms(X) ** 3, rows(X, g, G)[1]),
    ),
    Wrong("not summed", lambda X, g, G: (rows(X, g, G)[0], G * X / _rms(X))),
    Wrong("mean for sum", lambda X, g, G: (rows(X, g, G)[0], np.mean(G * X / _rms(X), axis=0))),
    Wrong("inner derivative forgotten", lambda X, g, G: (rows(X, g, G)[0], np.sum(G * X, axis=0))),
    Wrong("wrong axis", lambda X, g, G: (rows(X, g, G)[0], np.sum(G * X / _rms(X), axis=1))),
    Wrong("wrong for batches", lambda X, g, G: (rows(X, g, G)[0], (G * X / _rms(X))[0])),
    Wrong(
        "wrong power",
        lambda X, g, G: (G * g / _rms(X) - np.mean(G * g * X, axis=1, keepdims=True) / _rms(X) ** 3, rows(X, g, G)[1]),
    ),
)

# --- the Jacobian of the softmax -------------------------------------------------------------------------------------

SOFTMAX = Exercise(
    id="dev.softmax",
    function=lambda xp, z: xp.exp(z) / xp.sum(xp.exp(z)),
    inputs=lambda rng: {"z": rng.normal(size=5)},
    wrt=("z",),
    asks="jacobian",
)


def softmax_jacobian(z):
    p = softmax(z)
    return np.diag(p) - np.outer(p, p)


SOFTMAX_WRONG = (
    Wrong("diagonal only", lambda z: np.diag(softmax(z) * (1 - softmax(z)))),
    Wrong("a path or term dropped", lambda z: np.diag(softmax(z))),
    Wrong("a path or term dropped", lambda z: -np.outer(softmax(z), softmax(z))),
    Wrong("sign of one term", lambda z: np.diag(softmax(z)) + np.outer(softmax(z), softmax(z))),
    Wrong("sign", lambda z: np.outer(softmax(z), softmax(z)) - np.diag(softmax(z))),
    Wrong("one entry or row wrong", lambda z: softmax_jacobian(z) * (np.arange(5) != 2)[:, None]),
)

# --- a network of sigmoids with cross-entropy ------------------------------------------------------------------------


def _sigmoids_inputs(rng):
    (n,) = sizes(rng, (8, 9, 10))
    return {
        "W": rng.normal(size=(3, 5)),
        "b": rng.normal(size=5),
        "v": rng.normal(size=5),
        "c": rng.normal(),
        "X": rng.normal(size=(n, 3)),
        "t": rng.integers(0, 2, n).astype(float),
    }


def _sigmoids(xp, W, b, v, c, X, t):
    h = 1 / (1 + xp.exp(-(X @ W + b)))
    p = 1 / (1 + xp.exp(-(h @ v + c)))
    return -xp.mean(t * xp.log(p) + (1 - t) * xp.log(1 - p))


SIGMOIDS = Exercise(id="dev.sigmoids", function=_sigmoids, inputs=_sigmoids_inputs, wrt=("W", "b", "v", "c"))


def _back(slope=lambda h, z: h * (1 - h), error=lambda p, t: p - t, factor=lambda v: v):
    def answer(W, b, v, c, X, t):
        z = X @ W + b
        h = sigmoid(z)
        e = error(sigmoid(h @ v + c), t) / len(t)
        D = np.outer(e, factor(v)) * slope(h, z)
        return X.T @ D, D.sum(axis=0), h.T @ e, e.sum()

    return answer


SIGMOIDS_WRONG = (
    Wrong("activation derivative forgotten", _back(slope=lambda h, z: 1)),
    Wrong("activation derivative of the wrong form", _back(slope=lambda h, z: 1 - h**2)),
    Wrong("activation derivative of the wrong form", _back(slope=lambda h, z: h)),
    Wrong("activation derivative of the wrong form", _back(slope=lambda h, z: 1 - h)),
    Wrong("activation derivative at the wrong point", _back(slope=lambda h, z: z * (1 - z))),
    Wrong("activation derivative at the wrong point", _back(slope=lambda h, z: sigmoid(h) * (1 - sigmoid(h)))),
    Wrong("an extra factor", _back(error=lambda p, t: (p - t) * p * (1 - p))),
    Wrong("sign", _back(error=lambda p, t: t - p)),
    Wrong("a path or term dropped", _back(error=lambda p, t: p)),
    Wrong("activation derivative forgotten", _back(error=lambda p, t: (p - t) / (p * (1 - p)))),
    Wrong("factor 2 too many", _back(error=lambda p, t: 2 * (p - t))),
    Wrong("sum for mean", lambda *a: tuple(len(a[-1]) * g for g in _back()(*a))),
    Wrong("inner derivative forgotten", _back(factor=np.ones_like)),
    Wrong("sign", _back(factor=lambda v: -v)),
    Wrong("a path or term dropped", _back(error=lambda p, t: -t * (1 - p))),
)

# --- a Gaussian ------------------------------------------------------------------------------------------------------


def _gauss_inputs(rng):
    (n,) = sizes(rng, (6, 8, 9))
    return {"m": rng.normal(), "s": rng.normal(), "x": rng.normal(size=n)}


GAUSS = Exercise(
    id="dev.gauss",
    function=lambda xp, m, s, x: xp.sum((x - m) ** 2 * xp.exp(-2 * s) / 2 + s),
    inputs=_gauss_inputs,
    wrt=("m", "s"),
)


def gauss(m, s, x):
    return np.sum(m - x) * np.exp(-2 * s), len(x) - np.sum((x - m) ** 2) * np.exp(-2 * s)


GAUSS_WRONG = (
    Wrong("sign", lambda m, s, x: (np.sum(x - m) * np.exp(-2 * s), gauss(m, s, x)[1])),
    Wrong("a path or term dropped", lambda m, s, x: (gauss(m, s, x)[0], -np.sum((x - m) ** 2) * np.exp(-2 * s))),
    Wrong(
        "coefficient of one term",
        lambda m, s, x: (gauss(m, s, x)[0], len(x) - 0.5 * np.sum((x - m) ** 2) * np.exp(-2 * s)),
    ),
    Wrong("mean for sum", lambda m, s, x: (gauss(m, s, x)[0], 1 - np.sum((x - m) ** 2) * np.exp(-2 * s))),
    Wrong("mean for sum", lambda m, s, x: (np.mean(m - x) * np.exp(-2 * s), gauss(m, s, x)[1])),
    Wrong("sign of one term", lambda m, s, x: (gauss(m, s, x)[0], len(x) + np.sum((x - m) ** 2) * np.exp(-2 * s))),
    Wrong(
        "inner derivative forgotten",
        lambda m, s, x: (np.sum((x - m) ** 2) * 0 + len(x) * np.exp(-2 * s), gauss(m, s, x)[1]),
    ),
    Wrong("not summed", lambda m, s, x: ((m - x) * np.exp(-2 * s), gauss(m, s, x)[1])),
)

# --- a recurrence of two steps ---------------------------------------------------------------------------------------

STEPS = Exercise(
    id="dev.steps",
    function=lambda xp, W, x, y, u: u @ xp.tanh(W @ xp.tanh(W @ x) + y),
    inputs=lambda rng: {
        "W": rng.normal(size=(5, 5)),
        "x": rng.normal(size=5),
        "y": rng.normal(size=5),
        "u": rng.normal(size=5),
    },
    wrt=("W", "x"),
)


def _steps(W, x, y, u):
    h = np.tanh(W @ x)
    d2 = u * (1 - np.tanh(W @ h + y) ** 2)
    return h, d2, (W.T @ d2) * (1 - h**2)


def steps(W, x, y, u):
    h, d2, d1 = _steps(W, x, y, u)
    return np.outer(d2, h) + np.outer(d1, x), W.T @ d1


def steps_untransposed(W, x, y, u):
    h, d2, d1 = _steps(W, x, y, u)
    d1 = (W @ d2) * (1 - h**2)
    return np.outer(d2, h) + np.outer(d1, x), W @ d1


def steps_no_first_slope(W, x, y, u):
    h, d2, d1 = _steps(W, x, y, u)
    d1 = W.T @ d2
    return np.outer(d2, h) + np.outer(d1, x), W.T @ d1


def steps_slopes_without_square(W, x, y, u):
    h = np.tanh(W @ x)
    d2 = u * (1 - np.tanh(W @ h + y))
    d1 = (W.T @ d2) * (1 - h)
    return np.outer(d2, h) + np.outer(d1, x), W.T @ d1


STEPS_WRONG = (
    Wrong("activation derivative of the wrong form", steps_slopes_without_square),
    Wrong(
        "a path or term dropped",
        lambda W, x, y, u: (np.outer(_steps(W, x, y, u)[1], _steps(W, x, y, u)[0]), steps(W, x, y, u)[1]),
    ),
    Wrong("a path or term dropped", lambda W, x, y, u: (np.outer(_steps(W, x, y, u)[2], x), steps(W, x, y, u)[1])),
    Wrong("activation derivative forgotten", steps_no_first_slope),
    Wrong("transposed", lambda W, x, y, u: (steps(W, x, y, u)[0].T, steps(W, x, y, u)[1])),
    Wrong("transposed", steps_untransposed),
    Wrong("transposed", lambda W, x, y, u: (steps(W, x, y, u)[0], W @ _steps(W, x, y, u)[2])),
)

# --- losses with kinks -----------------------------------------------------------------------------------------------


def _robust_inputs(rng):
    (n,) = sizes(rng, (7, 8, 9))
    return {"w": rng.normal(size=3), "X": rng.normal(size=(n, 3)), "t": 2 * rng.normal(size=n)}


ROBUST = Exercise(
    id="dev.robust",
    function=lambda xp, w, X, t: xp.mean(
        xp.where(xp.abs(X @ w - t) < 1, 0.5 * (X @ w - t) ** 2, xp.abs(X @ w - t) - 0.5)
    ),
    inputs=_robust_inputs,
    wrt=("w",),
)


def robust(w, X, t):
    return X.T @ np.clip(X @ w - t, -1, 1) / len(t)


ROBUST_WRONG = (
    Wrong("a path or term dropped", lambda w, X, t: X.T @ ((X @ w - t) * (np.abs(X @ w - t) < 1)) / len(t)),
    Wrong("a path or term dropped", lambda w, X, t: X.T @ (np.sign(X @ w - t) * (np.abs(X @ w - t) >= 1)) / len(t)),
    Wrong("wrong for negative inputs", lambda w, X, t: X.T @ np.minimum(np.abs(X @ w - t), 1) / len(t)),
    Wrong(
        "coefficient of one term",
        lambda w, X, t: X.T @ np.where(np.abs(X @ w - t) < 1, 2 * (X @ w - t), np.sign(X @ w - t)) / len(t),
    ),
    Wrong("sum for mean", lambda w, X, t: X.T @ np.clip(X @ w - t, -1, 1)),
    Wrong("sign", lambda w, X, t: X.T @ np.clip(t - X @ w, -1, 1) / len(t)),
    Wrong("inner derivative forgotten", lambda w, X, t: np.full(3, np.mean(np.clip(X @ w - t, -1, 1)))),
    Wrong("not summed", lambda w, X, t: X * np.clip(X @ w - t, -1, 1)[:, None] / len(t)),
)

# --- squares of a matrix ---------------------------------------------------------------------------------------------

TRACE = Exercise(
    id="dev.trace",
    function=lambda xp, X, A: xp.sum(X * (A @ X)) + xp.sum(X**2) / 2,
    inputs=lambda rng: {"X": rng.normal(size=(5, 3)), "A": rng.normal(size=(5, 5))},
    wrt=("X", "A"),
)


def trace(X, A):
    return A @ X + A.T @ X + X, X @ X.T


TRACE_WRONG = (
    Wrong("right for symmetric inputs only", lambda X, A: (2 * A @ X + X, X @ X.T)),
    Wrong("right for symmetric inputs only", lambda X, A: (2 * A.T @ X + X, X @ X.T)),
    Wrong("a path or term dropped", lambda X, A: (A @ X + X, X @ X.T)),
    Wrong("a path or term dropped", lambda X, A: ((A + A.T) @ X, X @ X.T)),
    Wrong("coefficient of one term", lambda X, A: ((A + A.T) @ X + 2 * X, X @ X.T)),
    Wrong("coefficient of one term", lambda X, A: ((A + A.T) @ X + X / 2, X @ X.T)),
    Wrong("factor 2 too many", lambda X, A: (trace(X, A)[0], 2 * X @ X.T)),
    Wrong("sign of one term", lambda X, A: ((A + A.T) @ X - X, X @ X.T)),
    Wrong("an extra term", lambda X, A: (trace(X, A)[0], X @ X.T + A)),
    Wrong("one entry or row wrong", lambda X, A: (trace(X, A)[0], X @ X.T * (1 - np.eye(5)[0][:, None]))),
    Wrong("diagonal only", lambda X, A: (trace(X, A)[0], np.diag(np.sum(X**2, axis=1)))),
)

# --- the Jacobian in the weights -------------------------------------------------------------------------------------

WEIGHTS = Exercise(
    id="dev.weights",
    function=lambda xp, W, x: xp.tanh(W @ x),
    inputs=lambda rng: {"W": rng.normal(size=(3, 5)), "x": rng.normal(size=5)},
    wrt=("W",),
    asks="jacobian",
)


def weights(W, x):
    return np.einsum("i,ij,k->ijk", 1 - np.tanh(W @ x) ** 2, np.eye(3), x)


WEIGHTS_WRONG = (
    Wrong("activation derivative forgotten", lambda W, x: np.einsum("ij,k->ijk", np.eye(3), x)),
    Wrong("axes permuted", lambda W, x: np.moveaxis(weights(W, x), 0, -1)),
    Wrong(
        "inner derivative forgotten",
        lambda W, x: np.einsum("i,ij,k->ijk", 1 - np.tanh(W @ x) ** 2, np.eye(3), np.ones(5)),
    ),
    Wrong(
        "activation derivative of the wrong form",
        lambda W, x: np.einsum("i,ij,k->ijk", 1 + np.tanh(W @ x) ** 2, np.eye(3), x),
    ),
    Wrong("summed too much", lambda W, x: np.outer(1 - np.tanh(W @ x) ** 2, x)),
    Wrong("shape that only broadcasts", lambda W, x: weights(W, x).reshape(3, 15)),
)

# --- angles ----------------------------------------------------------------------------------------------------------

COSINE = Exercise(
    id="dev.cosine",
    function=lambda xp, x, y: (x @ y) / (xp.sqrt(x @ x) * xp.sqrt(y @ y)),
    inputs=lambda rng: {"x": rng.normal(size=5), "y": rng.normal(size=5)},
    wrt=("x",),
)


def cosine(x, y):
    a, b = np.linalg.norm(x), np.linalg.norm(y)
    return y / (a * b) - x * (x @ y) / (a**3 * b)


COSINE_WRONG = (
    Wrong("a path or term dropped", lambda x, y: y / (np.linalg.norm(x) * np.linalg.norm(y))),
    Wrong("sign of one term", lambda x, y: 2 * y / (np.linalg.norm(x) * np.linalg.norm(y)) - cosine(x, y)),
    Wrong(
        "wrong power",
        lambda x, y: y / (np.linalg.norm(x) * np.linalg.norm(y)) - x * (x @ y) / (x @ x * np.linalg.norm(y)),
    ),
    Wrong("another derivative", lambda x, y: cosine(y, x)),
    Wrong(
        "coefficient of one term",
        lambda x, y: (
            y / (np.linalg.norm(x) * np.linalg.norm(y))
            - 0.5 * x * (x @ y) / (np.linalg.norm(x) ** 3 * np.linalg.norm(y))
        ),
    ),
    Wrong("an extra factor", lambda x, y: cosine(x, y) * np.linalg.norm(x)),
)

# --- polynomials -----------------------------------------------------------------------------------------------------

POLYNOMIAL = Exercise(
    id="dev.polynomial",
    function=lambda xp, x: xp.sum((2 * x**3 - x) ** 2),
    inputs=lambda rng: {"x": rng.normal(size=6)},
    wrt=("x",),
)


def polynomial(x):
    return 2 * (2 * x**3 - x) * (6 * x**2 - 1)


POLYNOMIAL_WRONG = (
    Wrong("inner derivative forgotten", lambda x: 2 * (2 * x**3 - x)),
    Wrong("a path or term dropped", lambda x: 2 * (2 * x**3 - x) * 6 * x**2),
    Wrong("coefficient of one term", lambda x: 2 * (2 * x**3 - x) * (2 * x**2 - 1)),
    Wrong("wrong power", lambda x: 2 * (2 * x**3 - x) * (6 * x**3 - 1)),
    Wrong("wrong power", lambda x: 2 * (2 * x**3 - x) ** 2 * (6 * x**2 - 1)),
    Wrong("sign of one term", lambda x: 2 * (2 * x**3 - x) * (6 * x**2 + 1)),
    Wrong("sign of one term", lambda x: 2 * (2 * x**3 + x) * (6 * x**2 - 1)),
    Wrong("factor 2 missing", lambda x: (2 * x**3 - x) * (6 * x**2 - 1)),
    Wrong("constant factor", lambda x: 3 * polynomial(x)),
    Wrong("constant factor", lambda x: -0.7 * polynomial(x)),
    Wrong("sign and factor 2", lambda x: -2 * polynomial(x)),
    Wrong("half precision", lambda x: polynomial(x.astype(np.float16)).astype(float)),
    Wrong("single precision", lambda x: 2 * (2 * x**3 - x) * (6 * x.astype(np.float32) ** 2 - 1)),
    Wrong("a finite difference", lambda x: central_difference(lambda z: np.sum((2 * z**3 - z) ** 2), x, 1e-3)),
    Wrong("not finite", lambda x: polynomial(x) + 0 * np.sqrt(x)),
    Wrong("half precision", lambda x: polynomial(x.astype(np.float16).astype(float))),
    Wrong("a finite difference", lambda x: central_difference(lambda z: np.sum(z**2 * (2 * z**2 - 1) ** 2), x, 1e-7)),
    Wrong("sign and factor 2", lambda x: -4 * (2 * x**3 - x) * (6 * x**2 - 1)),
    Wrong("a finite difference", lambda x: central_difference(lambda z: np.sum((2 * z**3 - z) ** 2), x, 1e-7)),
    Wrong("wrong for negative inputs", lambda x: np.where(x > 0, polynomial(x), x**2)),
)

# --- a part of a vector ----------------------------------------------------------------------------------------------

WINDOW = Exercise(
    id="dev.window",
    function=lambda xp, x: xp.sum(x[2:] ** 3) + xp.sum(x**2),
    inputs=lambda rng: {"x": rng.normal(size=7)},
    wrt=("x",),
)


def window(x, start=2):
    g = 2 * x
    g[start : start + 5] += 3 * x[2:] ** 2
    return g


WINDOW_WRONG = (
    Wrong("off by one", lambda x: window(x, 1)),
    Wrong("a path or term dropped", lambda x: 2 * x),
    Wrong("sign of one term", lambda x: 4 * x - window(x)),
)

# --- what a function does besides ------------------------------------------------------------------------------------

SOFTPLUS = Exercise(
    id="dev.softplus",
    function=lambda xp, x, T: xp.sum(T @ xp.log(1 + xp.exp(x))) * xp.sum(x * xp.cos(x)),
    inputs=lambda rng: {"x": rng.normal(size=5), "T": rng.normal(size=(3, 5))},
    wrt=("x",),
)


def softplus(x, T):
    c = T.sum(axis=0)
    return c * sigmoid(x) * np.sum(x * np.cos(x)) + c @ np.log(1 + np.exp(x)) * (np.cos(x) - x * np.sin(x))


def softplus_shifts(x, T):
    x -= x.max()
    return softplus(x, T)


def softplus_sorts(x, T):
    g = softplus(x, T)
    T.sort(axis=0)
    return g


def softplus_first_answer():
    kept = []

    def answer(x, T):
        if not kept:
            kept.append(softplus(x, T))
        return kept[0]

    return answer


def softplus_first_again():
    kept = {}
    return lambda x, T: kept.setdefault("g", softplus(x, T))


def softplus_into_buffer():
    buffer = np.zeros(5)

    def answer(x, T):
        buffer[:] = softplus(x, T)
        return buffer

    return answer


def softplus_into_row():
    rows = [np.zeros(5), np.zeros(5)]

    def answer(x, T):
        np.copyto(rows[0], softplus(x, T))
        return rows[0]

    return answer


def softplus_drifts():
    steps = itertools.count()
    return lambda x, T: softplus(x, T) + 1e-3 * next(steps)


def softplus_adds_up():
    state = {"sum": np.zeros(5)}

    def answer(x, T):
        state["sum"] = state["sum"] + softplus(x, T)
        return state["sum"]

    return answer


def softplus_square(x, T):
    c = np.array([T[:, i].sum() for i in range(len(T))])
    return c * sigmoid(x) * np.sum(x * np.cos(x)) + c @ np.log(1 + np.exp(x)) * (np.cos(x) - x * np.sin(x))


def softplus_square_loop(x, T):
    g, c = np.zeros(len(T)), T.sum(axis=0)
    for i in range(len(T)):
        g[i] = c[i] * sigmoid(x[i]) * np.sum(x * np.cos(x))
        g[i] += c @ np.log(1 + np.exp(x)) * (np.cos(x[i]) - x[i] * np.sin(x[i]))
    return g


SOFTPLUS_WRONG = (
    Wrong("changes its arguments", softplus_shifts),
    Wrong("changes its arguments", softplus_sorts),
    Wrong("an earlier answer returned", softplus_first_answer, keeps=True),
    Wrong("an earlier answer returned", softplus_first_again, keeps=True),
    Wrong("overwrites an earlier answer", softplus_into_buffer, keeps=True),
    Wrong("overwrites an earlier answer", softplus_into_row, keeps=True),
    Wrong("two calls disagree", softplus_drifts, keeps=True),
    Wrong("two calls disagree", softplus_adds_up, keeps=True),
    Wrong("right for square shapes only", softplus_square),
    Wrong("right for square shapes only", softplus_square_loop),
    Wrong("product rule misapplied", lambda x, T: T.sum(axis=0) * sigmoid(x) * (np.cos(x) - x * np.sin(x))),
    Wrong(
        "product rule misapplied",
        lambda x, T: (
            T.sum(axis=0) * sigmoid(x) * np.sum(x * np.cos(x)) + T.sum(axis=0) @ np.log(1 + np.exp(x)) * -np.sin(x)
        ),
    ),
    Wrong("sign and factor 2", lambda x, T: -2 * softplus(x, T)),
    Wrong("bias column or row", lambda x, T: np.append(softplus(x, T), 1.0)),
    Wrong("bias column or row", lambda x, T: softplus(x, T)[1:]),
    Wrong("mean for sum", lambda x, T: softplus(x, T) / 3),
    Wrong("half precision", lambda x, T: softplus(x.astype(np.float16), T.astype(np.float16))),
    Wrong("numbers pasted in", lambda x, T: np.array([0.2, -1.5, 0.31, 2.0, -0.7])),
    Wrong(
        "right for zero or one-hot inputs only",
        lambda x, T: softplus(x, np.eye(5)[[0, 1, 2]] * T.sum(axis=1, keepdims=True)),
    ),
    Wrong("right for zero or one-hot inputs only", lambda x, T: softplus(x, T**2)),
    Wrong("summed too much", lambda x, T: softplus(x, T).sum()),
    Wrong("constant factor", lambda x, T: 1.7 * softplus(x, T)),
)

PROBLEMS = (
    Problem(SOFTPLUS, (softplus,), SOFTPLUS_WRONG),
    Problem(WINDOW, (window,), WINDOW_WRONG),
    Problem(STANDARD, (standard,), STANDARD_WRONG),
    Problem(WAVES, (waves,), WAVES_WRONG),
    Problem(ENERGY, (energy,), ENERGY_WRONG),
    Problem(ROWS, (rows,), ROWS_WRONG),
    Problem(SOFTMAX, (softmax_jacobian,), SOFTMAX_WRONG),
    Problem(SIGMOIDS, (_back(),), SIGMOIDS_WRONG),
    Problem(GAUSS, (gauss,), GAUSS_WRONG),
    Problem(STEPS, (steps,), STEPS_WRONG),
    Problem(ROBUST, (robust,), ROBUST_WRONG),
    Problem(TRACE, (trace,), TRACE_WRONG),
    Problem(WEIGHTS, (weights,), WEIGHTS_WRONG),
    Problem(COSINE, (cosine,), COSINE_WRONG),
    Problem(POLYNOMIAL, (polynomial,), POLYNOMIAL_WRONG),
)
