"""Right answers in the forms in which people write them, over functions, sizes, cancellation and bad conditioning."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from grading.verify import Exercise


@dataclass(frozen=True)
class Problem:
    """An exercise and its right answers, the textbook's form first."""

    exercise: Exercise
    answers: tuple[Any, ...]


def problem(name, function, inputs, wrt, *answers, asks="gradient", **more):
    exercise = Exercise(
        id="form." + name.replace("+", "").replace(".", "-"),
        function=function,
        inputs=inputs,
        wrt=wrt,
        asks=asks,
        **more,
    )
    return Problem(exercise, answers)


def vector(size=1.0, n=5, name="x", shift=0.0):
    return lambda rng: {name: shift + size * rng.normal(size=n)}


def mixed(rng):
    """Entries of both signs from 1e-8 to 1e9 in one array."""
    return {"x": rng.choice([-1, 1], 6) * 10.0 ** rng.permutation([-8, -5, -1, 2, 6, 9]) * rng.uniform(1, 3, 6)}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def one_hot(label, n):
    return np.eye(n)[label]


def ill_conditioned(rng, n=5, spread=8):
    """A matrix of condition number about 10**spread."""
    left, _ = np.linalg.qr(rng.normal(size=(n, n)))
    right, _ = np.linalg.qr(rng.normal(size=(n, n)))
    return left @ np.diag(np.logspace(0, -spread, n)) @ right


def elementwise():
    for size in (1e-8, 1e-4, 1.0, 1e4, 1e9):
        small = min(size, 100)
        yield problem(
            f"power-{size:g}",
            lambda xp, x: xp.sum(x**3),
            vector(size),
            ("x",),
            lambda x: 3 * x**2,
            lambda x: 3 * x * x,
            lambda x: np.exp(2 * np.log(np.abs(x)) + np.log(3)),
        )
        yield problem(
            f"root-{size:g}",
            lambda xp, x: xp.sum(xp.sqrt(x * x + 1)),
            vector(size),
            ("x",),
            lambda x: x / np.sqrt(x * x + 1),
            lambda x: x / np.hypot(x, 1),
            lambda x: np.sin(np.arctan(x)),
        )
        yield problem(
            f"quotient-{size:g}",
            lambda xp, x: xp.sum(1 / (1 + x * x)),
            vector(size),
            ("x",),
            lambda x: -2 * x / (1 + x * x) ** 2,
            lambda x: -2 / (x * (1 / x + x) ** 2),
            lambda x: -2 * x * (1 + x**2) ** -2.0,
        )
        yield problem(
            f"log1p-{size:g}",
            lambda xp, x: xp.sum(xp.log1p(x * x)),
            vector(size),
            ("x",),
            lambda x: 2 * x / (1 + x * x),
            lambda x: 2 / (x + 1 / x),
        )
        yield problem(
            f"logsumexp-{size:g}",
            lambda xp, x: xp.log(xp.sum(xp.exp(x))),
            vector(small),
            ("x",),
            softmax,
            lambda x: np.exp(x) / np.exp(x).sum(),
            lambda x: np.exp(x - np.log(np.exp(x).sum())),
        )
    yield problem(
        "sin-cos",
        lambda xp, x: xp.sum(xp.sin(x) * xp.cos(x)),
        vector(),
        ("x",),
        lambda x: np.cos(2 * x),
        lambda x: np.cos(x) ** 2 - np.sin(x) ** 2,
        lambda x: 1 - 2 * np.sin(x) ** 2,
    )
    yield problem(
        "gaussian",
        lambda xp, x: xp.exp(-xp.sum(x * x) / 2),
        vector(),
        ("x",),
        lambda x: -x * np.exp(-np.sum(x * x) / 2),
        lambda x: -x * np.prod(np.exp(-x * x / 2)),
    )
    yield problem(
        "arctan",
        lambda xp, x: xp.sum(xp.atan(x)) if xp is not np else np.sum(np.arctan(x)),
        vector(3.0),
        ("x",),
        lambda x: 1 / (1 + x * x),
        lambda x: np.cos(np.arctan(x)) ** 2,
    )
    yield problem(
        "rational",
        lambda xp, x: xp.sum((2 * x + 3) / (5 * x * x + 7)),
        vector(),
        ("x",),
        lambda x: (2 * (5 * x * x + 7) - (2 * x + 3) * 10 * x) / (5 * x * x + 7) ** 2,
        lambda x: 2 / (5 * x * x + 7) - 10 * x * (2 * x + 3) / (5 * x * x + 7) ** 2,
        lambda x: (14 - 30 * x - 10 * x * x) / (5 * x * x + 7) ** 2,
    )
    yield problem(
        "polynomial",
        lambda xp, x: xp.sum(((2 * x - 3) * x + 1) * x),
        vector(),
        ("x",),
        lambda x: 6 * x**2 - 6 * x + 1,
        lambda x: (6 * x - 6) * x + 1,
        lambda x: 6 * (x - 0.5 - np.sqrt(1 / 12)) * (x - 0.5 + np.sqrt(1 / 12)),
    )
    yield problem(
        "product",
        lambda xp, x: xp.prod(x),
        vector(),
        ("x",),
        lambda x: np.prod(x) / x,
        lambda x: np.array([np.prod(np.delete(x, i)) for i in range(len(x))]),
    )
    yield problem(
        "mixed-sizes",
        lambda xp, x: xp.sum(x**2 / 2),
        mixed,
        ("x",),
        lambda x: x,
        lambda x: (x * x) / x,
    )
    yield problem(
        "mixed-sizes-root",
        lambda xp, x: xp.sum(xp.sqrt(1 + x * x)),
        mixed,
        ("x",),
        lambda x: x / np.sqrt(1 + x * x),
        lambda x: x / np.hypot(x, 1),
    )


def saturating():
    for at in (0.5, 3.0, 9.0, -9.0, 12.0):

        def draw(rng, at=at):
            return {"x": at * rng.uniform(0.9, 1.1, size=3)}

        yield problem(
            f"tanh-{at:g}",
            lambda xp, x: xp.sum(xp.tanh(x)),
            draw,
            ("x",),
            lambda x: 1 - np.tanh(x) ** 2,
            lambda x: 1 / np.cosh(x) ** 2,
            lambda x: (1 - np.tanh(x)) * (1 + np.tanh(x)),
            lambda x: 4 * np.exp(2 * x) / (np.exp(2 * x) + 1) ** 2,
        )
    for at in (1.0, 8.0, 20.0, -20.0, 28.0):

        def draw(rng, at=at):
            return {"x": at * rng.uniform(0.9, 1.1, size=3)}

        forms = (
            lambda x: sigmoid(x) * (1 - sigmoid(x)),
            lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2,
            lambda x: sigmoid(x) * sigmoid(-x),
            lambda x: sigmoid(x) - sigmoid(x) ** 2,
        )
        yield problem(f"sigmoid-{at:g}", lambda xp, x: xp.sum(1 / (1 + xp.exp(-x))), draw, ("x",), *forms)
        yield problem(
            f"logistic-{at:g}",
            lambda xp, x: xp.sum(0.5 * (1 + xp.tanh(x / 2))),
            draw,
            ("x",),
            *forms[:3],
            lambda x: 0.25 * (1 - np.tanh(x / 2) ** 2),
        )
        yield problem(
            f"softplus-{at:g}",
            lambda xp, x: xp.sum(xp.log(1 + xp.exp(x))),
            draw,
            ("x",),
            sigmoid,
            lambda x: np.exp(x) / (1 + np.exp(x)),
            lambda x: 1 - sigmoid(-x),
        )
        yield problem(
            f"cross-entropy-{at:g}",
            lambda xp, x, t: xp.sum(xp.log(1 + xp.exp(-x)) + (1 - t) * x),
            lambda rng, draw=draw: draw(rng) | {"t": rng.integers(0, 2, 3) * 1.0},
            ("x",),
            lambda x, t: sigmoid(x) - t,
            lambda x, t: (1 - t) * sigmoid(x) - t * sigmoid(-x),
            lambda x, t: (1 - t) - sigmoid(-x),
        )
    yield problem(
        "gelu",
        lambda xp, x: xp.sum(0.5 * x * (1 + xp.tanh(0.7978845608028654 * (x + 0.044715 * x**3)))),
        vector(3.0),
        ("x",),
        lambda x: gelu(x, lambda v: 1 - np.tanh(v) ** 2),
        lambda x: gelu(x, lambda v: 1 / np.cosh(v) ** 2),
    )
    yield problem(
        "swish",
        lambda xp, x: xp.sum(x / (1 + xp.exp(-x))),
        vector(10.0),
        ("x",),
        lambda x: sigmoid(x) + x * sigmoid(x) * (1 - sigmoid(x)),
        lambda x: sigmoid(x) * (1 + x * sigmoid(-x)),
        lambda x: x * sigmoid(x) + sigmoid(x) * (1 - x * sigmoid(x)),
    )


def gelu(x, slope):
    v = 0.7978845608028654 * (x + 0.044715 * x**3)
    return 0.5 * (1 + np.tanh(v)) + 0.5 * x * slope(v) * 0.7978845608028654 * (1 + 3 * 0.044715 * x**2)


def linear_algebra():
    def draw(rng):
        return {"A": rng.normal(size=(7, 5)), "x": rng.normal(size=5)}

    yield problem(
        "least-squares",
        lambda xp, A, x: 0.5 * xp.sum((A @ x) ** 2),
        draw,
        ("x", "A"),
        lambda A, x: (A.T @ (A @ x), np.outer(A @ x, x)),
        lambda A, x: ((A.T @ A) @ x, A @ np.outer(x, x)),
        lambda A, x: (np.einsum("ki,kj,j->i", A, A, x), np.einsum("ij,j,k->ik", A, x, x)),
        lambda A, x: (sum(np.outer(row, row) @ x for row in A), (A @ x)[:, None] * x),
    )
    hilbert = np.array([[1 / (i + j + 1) for j in range(7)] for i in range(7)])
    yield problem(
        "hilbert",
        lambda xp, b: xp.sum(xp.linalg.solve(xp.asarray(hilbert), b[:, None]) ** 2) / 2,
        lambda rng: {"b": rng.normal(size=7)},
        ("b",),
        lambda b: np.linalg.solve(hilbert.T, np.linalg.solve(hilbert, b)),
        lambda b: np.linalg.inv(hilbert).T @ (np.linalg.inv(hilbert) @ b),
    )
    for spread in (2, 8):

        def draw_system(rng, spread=spread):
            return {"A": ill_conditioned(rng, 5, spread), "b": rng.normal(size=5)}

        def solved(A, b):
            g = np.linalg.solve(A.T, np.ones(5))
            return g, -np.outer(g, np.linalg.solve(A, b))

        yield problem(
            f"solve-{spread}",
            lambda xp, A, b: xp.sum(xp.linalg.solve(A, b[:, None])),
            draw_system,
            ("b", "A"),
            solved,
            lambda A, b: (np.linalg.inv(A).sum(axis=0), -np.outer(np.linalg.inv(A).sum(axis=0), np.linalg.inv(A) @ b)),
            lambda A, b: (
                np.linalg.inv(A.T) @ np.ones(5),
                -np.linalg.inv(A.T) @ np.outer(np.ones(5), b) @ np.linalg.inv(A.T),
            ),
        )
        yield problem(
            f"logdet-{spread}",
            lambda xp, A: xp.linalg.slogdet(A)[1],
            lambda rng, spread=spread: {"A": ill_conditioned(rng, 5, spread)},
            ("A",),
            lambda A: np.linalg.inv(A).T,
            lambda A: np.linalg.solve(A.T, np.eye(5)),
        )
    yield problem(
        "norm",
        lambda xp, x: xp.sqrt(xp.sum(x * x)),
        vector(),
        ("x",),
        lambda x: x / np.linalg.norm(x),
        lambda x: x / np.sqrt(x @ x),
    )
    yield problem(
        "cosine",
        lambda xp, x, y: (x @ y) / xp.sqrt((x @ x) * (y @ y)),
        lambda rng: {"x": rng.normal(size=5), "y": rng.normal(size=5)},
        ("x", "y"),
        lambda x, y: (cosine(x, y), cosine(y, x)),
        lambda x, y: (cosine_projected(x, y), cosine_projected(y, x)),
    )
    yield problem(
        "rayleigh",
        lambda xp, A, x: (x @ (A @ x)) / (x @ x),
        lambda rng: {"A": rng.normal(size=(5, 5)), "x": rng.normal(size=5)},
        ("x",),
        lambda A, x: ((A + A.T) @ x * (x @ x) - (x @ A @ x) * 2 * x) / (x @ x) ** 2,
        lambda A, x: (A @ x + A.T @ x - 2 * (x @ A @ x) / (x @ x) * x) / (x @ x),
    )


def cosine(x, y):
    return y / np.sqrt((x @ x) * (y @ y)) - x * (x @ y) / ((x @ x) * np.sqrt((x @ x) * (y @ y)))


def cosine_projected(x, y):
    u, v = x / np.linalg.norm(x), y / np.linalg.norm(y)
    return (v - u * (u @ v)) / np.linalg.norm(x)


def cancelling():
    for gap in (1.0, 1e-3, 1e-7, 1e-12):
        for size in (1e-8, 1.0, 1e9):

            def draw(rng, gap=gap, size=size):
                x = rng.normal(size=5) * size
                return {"x": x, "t": x * (1 + gap * rng.normal(size=5))}

            yield problem(
                f"gap-{gap:g}-{size:g}",
                lambda xp, x, t: 0.5 * xp.sum((x - t) ** 2),
                draw,
                ("x",),
                lambda x, t: x - t,
                lambda x, t: -(t - x),
                lambda x, t: 3 * x - 3 * t - 2 * x + 2 * t,
                lambda x, t: (x * x - t * t) / (x + t),
            )
    for shift in (0.0, 1e3, 1e6):
        yield problem(
            f"variance-{shift:g}",
            lambda xp, x: xp.mean((x - xp.mean(x)) ** 2),
            vector(shift=shift),
            ("x",),
            lambda x: 2 * (x - x.mean()) / len(x),
            lambda x: 2 * x / len(x) - 2 * x.mean() / len(x),
            lambda x: 2 / len(x) * (np.eye(len(x)) - 1 / len(x)) @ x,
        )
        yield problem(
            f"standardised-{shift:g}",
            lambda xp, x, w: xp.sum(w * (x - xp.mean(x)) / xp.sqrt(xp.mean((x - xp.mean(x)) ** 2))),
            lambda rng, shift=shift: {"x": shift + rng.normal(size=5), "w": rng.normal(size=5)},
            ("x", "w"),
            standardised,
            standardised_by_jacobian,
        )
    yield problem(
        "distance",
        lambda xp, x, y: xp.sqrt(xp.sum((x - y) ** 2)),
        lambda rng: {"x": 1e3 + rng.normal(size=3), "y": 1e3 + rng.normal(size=3)},
        ("x", "y"),
        lambda x, y: ((x - y) / np.linalg.norm(x - y), (y - x) / np.linalg.norm(x - y)),
        lambda x, y: (np.divide(x - y, np.sqrt(((x - y) ** 2).sum())), -(x - y) / np.sqrt((x - y) @ (x - y))),
    )


def standardised(x, w):
    s = x.std()
    h = (x - x.mean()) / s
    return (w - w.mean() - h * np.mean(w * h)) / s, h


def standardised_by_jacobian(x, w):
    n, s = len(x), np.sqrt(np.mean((x - x.mean()) ** 2))
    c = x - x.mean()
    J = (np.eye(n) - 1 / n) / s - np.outer(c, c) / (n * s**3)
    return w @ J, c / s


def probabilities():
    def logits(rng):
        return {"z": 3 * rng.normal(size=5), "label": rng.integers(5)}

    yield problem(
        "softmax-loss",
        lambda xp, z, label: xp.log(xp.sum(xp.exp(z))) - z[label],
        logits,
        ("z",),
        lambda z, label: softmax(z) - one_hot(label, 5),
        lambda z, label: np.exp(z) / np.exp(z).sum() - one_hot(label, 5),
    )
    yield problem(
        "softmax-loss-of-probabilities",
        lambda xp, z, label: -xp.log((xp.exp(z) / xp.sum(xp.exp(z)))[label]),
        logits,
        ("z",),
        lambda z, label: softmax(z) - one_hot(label, 5),
    )
    yield problem(
        "softmax",
        lambda xp, z: xp.exp(z) / xp.sum(xp.exp(z)),
        vector(3.0, name="z"),
        ("z",),
        lambda z: np.diag(softmax(z)) - np.outer(softmax(z), softmax(z)),
        lambda z: softmax(z)[:, None] * (np.eye(len(z)) - softmax(z)),
        asks="jacobian",
    )
    yield problem(
        "entropy",
        lambda xp, p: -xp.sum(p * xp.log(p)),
        lambda rng: {"p": rng.uniform(0.05, 1, 5)},
        ("p",),
        lambda p: -np.log(p) - 1,
        lambda p: -(np.log(p) + p / p),
        lambda p: np.log(1 / p) - 1,
    )
    yield problem(
        "divergence",
        lambda xp, p, q: xp.sum(p * xp.log(p / q)),
        lambda rng: {"p": rng.uniform(0.05, 1, 5), "q": rng.uniform(0.05, 1, 5)},
        ("p", "q"),
        lambda p, q: (np.log(p / q) + 1, -p / q),
        lambda p, q: (np.log(p) - np.log(q) + 1, -p * (1 / q)),
    )


def networks():
    def draw(rng):
        return {
            "W": rng.normal(size=(5, 3)) / 2,
            "V": rng.normal(size=(3, 7)) / 2,
            "X": rng.normal(size=(6, 5)),
            "T": rng.normal(size=(6, 7)),
        }

    yield problem(
        "two-layers",
        lambda xp, W, V, X, T: xp.sum((xp.tanh(X @ W) @ V - T) ** 2) / X.shape[0],
        draw,
        ("W", "V"),
        two_layers,
        two_layers_by_sums,
    )
    yield problem(
        "unequally-saturated",
        lambda xp, W, x, y: y @ xp.tanh(W @ x),
        lambda rng: {"W": 2 * rng.normal(size=(3, 5)), "x": rng.normal(size=5), "y": rng.normal(size=3)},
        ("W", "x"),
        lambda W, x, y: (np.outer(y * (1 - np.tanh(W @ x) ** 2), x), W.T @ (y * (1 - np.tanh(W @ x) ** 2))),
        lambda W, x, y: (np.outer(y / np.cosh(W @ x) ** 2, x), (y / np.cosh(W @ x) ** 2) @ W),
    )
    yield problem(
        "tanh-layer",
        lambda xp, W, x: xp.tanh(W @ x),
        lambda rng: {"W": 2 * rng.normal(size=(3, 5)), "x": rng.normal(size=5)},
        ("x", "W"),
        lambda W, x, v: (W.T @ ((1 - np.tanh(W @ x) ** 2) * v), np.outer((1 - np.tanh(W @ x) ** 2) * v, x)),
        lambda W, x, v: ((v / np.cosh(W @ x) ** 2) @ W, (v / np.cosh(W @ x) ** 2)[:, None] * x),
        asks="vjp",
    )
    yield problem(
        "tanh-layer-pushed",
        lambda xp, W, x: xp.tanh(W @ x),
        lambda rng: {"W": 2 * rng.normal(size=(3, 5)), "x": rng.normal(size=5)},
        ("x", "W"),
        lambda W, x, dx, dW: (1 - np.tanh(W @ x) ** 2) * (W @ dx + dW @ x),
        lambda W, x, dx, dW: (W @ dx + dW @ x) / np.cosh(W @ x) ** 2,
        asks="jvp",
    )
    yield problem(
        "relu-layer",
        lambda xp, W, x: xp.sum(xp.where(W @ x > 0, W @ x, 0.0 * (W @ x)) ** 2),
        lambda rng: {"W": rng.normal(size=(7, 5)), "x": rng.normal(size=5)},
        ("x",),
        lambda W, x: 2 * W.T @ np.maximum(W @ x, 0),
        lambda W, x: sum(2 * max(row @ x, 0) * row for row in W),
    )
    yield problem(
        "pairwise",
        lambda xp, x: xp.sum((x[:, None] - x[None, :]) ** 2) / 2,
        vector(n=6),
        ("x",),
        lambda x: 2 * (len(x) * x - x.sum()),
        lambda x: 2 * (x[:, None] - x).sum(axis=1),
    )
    yield problem(
        "convolution",
        lambda xp, x, k: xp.sum((x[2:] * k[0] + x[1:-1] * k[1] + x[:-2] * k[2]) ** 2),
        lambda rng: {"x": rng.normal(size=9), "k": rng.normal(size=3)},
        ("k", "x"),
        lambda x, k: (2 * np.correlate(x, np.convolve(x, k, "valid"), "valid")[::-1], 2 * convolved_back(x, k)),
        lambda x, k: (
            2 * np.array([x[2 - j : 9 - j] @ np.convolve(x, k, "valid") for j in range(3)]),
            2 * np.correlate(np.convolve(x, k, "valid"), k, "full"),
        ),
    )
    yield problem(
        "rosenbrock",
        lambda xp, x: xp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
        vector(n=6),
        ("x",),
        rosenbrock,
        rosenbrock_expanded,
    )
    yield problem(
        "curvature-softmax",
        lambda xp, z: xp.log(xp.sum(xp.exp(z))),
        vector(2.0, name="z"),
        ("z",),
        lambda z: softmax(z) * (1 - softmax(z)),
        lambda z: softmax(z) - softmax(z) ** 2,
        asks="hessian_diagonal",
    )
    yield problem(
        "curvature-tanh",
        lambda xp, x: xp.sum(xp.tanh(x)),
        vector(2.0),
        ("x",),
        lambda x: -2 * np.tanh(x) * (1 - np.tanh(x) ** 2),
        lambda x: -2 * np.sinh(x) / np.cosh(x) ** 3,
        asks="hessian_diagonal",
    )


def two_layers(W, V, X, T):
    H = np.tanh(X @ W)
    E = 2 * (H @ V - T) / len(X)
    return X.T @ (E @ V.T * (1 - H**2)), H.T @ E


def two_layers_by_sums(W, V, X, T):
    dW, dV = np.zeros_like(W), np.zeros_like(V)
    for x, t in zip(X, T, strict=True):
        h = np.tanh(W.T @ x)
        e = 2 * (V.T @ h - t)
        dV += np.outer(h, e)
        dW += np.outer(x, (V @ e) / np.cosh(W.T @ x) ** 2)
    return dW / len(X), dV / len(X)


def convolved_back(x, k):
    out = np.zeros_like(x)
    e = np.convolve(x, k, "valid")
    for i, ei in enumerate(e):
        out[i : i + 3] += ei * k[::-1]
    return out


def rosenbrock(x):
    g = np.zeros_like(x)
    g[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    g[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return g


def rosenbrock_expanded(x):
    g = np.zeros_like(x)
    g[:-1] = 400 * x[:-1] ** 3 - 400 * x[:-1] * x[1:] + 2 * x[:-1] - 2
    g[1:] += 200 * x[1:] - 200 * x[:-1] ** 2
    return g


def selecting():
    for shift in (0.0, 900.0):
        yield problem(
            f"stable-softmax-loss-{shift:g}",
            lambda xp, z, label: xp.max(z) + xp.log(xp.sum(xp.exp(z - xp.max(z)))) - z[label],
            lambda rng, shift=shift: {"z": shift + 2 * rng.normal(size=5), "label": rng.integers(5)},
            ("z",),
            lambda z, label: softmax(z) - one_hot(label, 5),
            lambda z, label: np.exp(z - np.log(np.exp(z - z.max()).sum()) - z.max()) - one_hot(label, 5),
        )
    yield problem(
        "relu-by-maximum",
        lambda xp, W, x: xp.sum(xp.maximum(W @ x, 0 * (W @ x)) ** 2),
        lambda rng: {"W": rng.normal(size=(7, 5)), "x": rng.normal(size=5)},
        ("x", "W"),
        lambda W, x: (2 * W.T @ np.maximum(W @ x, 0), 2 * np.outer(np.maximum(W @ x, 0), x)),
        lambda W, x: (2 * ((W @ x > 0) * (W @ x)) @ W, 2 * np.outer((W @ x > 0) * (W @ x), x)),
    )
    yield problem(
        "absolute",
        lambda xp, x: xp.sum(xp.abs(x) ** 3),
        vector(),
        ("x",),
        lambda x: 3 * x * np.abs(x),
        lambda x: 3 * np.sign(x) * x**2,
    )
    yield problem(
        "largest",
        lambda xp, X: xp.sum(xp.max(X, axis=1) ** 2),
        lambda rng: {"X": rng.normal(size=(3, 5))},
        ("X",),
        lambda X: np.where(X.max(axis=1, keepdims=True) == X, 2 * X, 0),
        lambda X: 2 * X.max(axis=1, keepdims=True) * np.eye(5)[X.argmax(axis=1)],
    )
    yield problem(
        "clipped",
        lambda xp, x: xp.sum(xp.clip(x, -1.0, 1.0) * x),
        vector(n=7),
        ("x",),
        lambda x: np.clip(x, -1, 1) + (np.abs(x) < 1) * x,
        lambda x: np.where(np.abs(x) < 1, 2 * x, np.sign(x)),
    )
    yield problem(
        "sorted",
        lambda xp, x, w: xp.sum(xp.sort(x) * w),
        lambda rng: {"x": rng.normal(size=5), "w": rng.normal(size=5)},
        ("x", "w"),
        lambda x, w: (w[np.argsort(np.argsort(x))], np.sort(x)),
        lambda x, w: (np.array([w[np.sum(x < xi)] for xi in x]), x[np.argsort(x)]),
    )


PROBLEMS = [
    *selecting(),
    *elementwise(),
    *saturating(),
    *linear_algebra(),
    *cancelling(),
    *probabilities(),
    *networks(),
]


def one_entry_off(answer, by, which):
    """The answer with one entry of its last array multiplied by 1 + by; which(sizes) picks it by its size."""

    def off(*args):
        returned = answer(*args)
        parts = returned if isinstance(returned, tuple) else (returned,)
        blocks = [np.array(block, dtype=float, order="C") for block in parts]
        flat = blocks[-1].reshape(-1)
        sizes = np.where(flat == 0, np.nan, np.abs(flat))
        flat[which(sizes)] *= 1 + by
        return tuple(blocks) if len(blocks) > 1 else blocks[0]

    return off
