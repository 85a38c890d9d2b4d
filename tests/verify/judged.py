"""One exercise for each thing that can be asked, with answers that are right, unusual but right, and wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from grading.verify import Exercise, verify

ROWS, COLUMNS = 3, 5


@dataclass(frozen=True)
class Case:
    exercise: Exercise
    right: Callable[..., Any]
    unusual: tuple[Callable[..., Any], ...]
    wrong: tuple[Callable[..., Any], ...]
    visible: float = 1e-7  # a relative error that shows at the points that are drawn


def draw(rng):
    return {"W": rng.normal(size=(ROWS, COLUMNS)), "x": rng.normal(size=COLUMNS)}


def slope(W, x):
    return 1 - np.tanh(W @ x) ** 2


GRADIENT = Case(
    Exercise(
        id="tensor.sq_norm",
        function=lambda xp, W, x: xp.sum((W @ x) ** 2),
        inputs=draw,
        wrt=("W", "x"),
        points=4,
        hints=("Write the sum out.",),
    ),
    right=lambda W, x: (2 * np.outer(W @ x, x), 2 * W.T @ (W @ x)),
    unusual=(
        lambda W, x: [[[2 * e * xi for xi in x] for e in W @ x], (2 * x @ W.T @ W).tolist()],
        lambda W, x: [np.einsum("ij,j,k->ik", W, x, 2 * x), ((W @ x) @ W * 2)[None, :]],
    ),
    wrong=(
        lambda W, x: (np.outer(W @ x, x), W.T @ (W @ x)),
        lambda W, x: 2 * np.outer(W @ x, x),
        lambda W, x: (2 * np.outer(x, W @ x), (2 * W.T @ (W @ x))[:, None]),
        lambda W, x: (np.zeros_like(W), np.zeros_like(x)),
    ),
)
JACOBIAN = Case(
    Exercise(
        id="tensor.layer", function=lambda xp, W, x: xp.tanh(W @ x), inputs=draw, wrt=("x",), asks="jacobian", points=2
    ),
    right=lambda W, x: slope(W, x)[:, None] * W,
    unusual=(
        lambda W, x: np.diag(np.cosh(W @ x) ** -2.0) @ W,
        lambda W, x: tuple(s * row for s, row in zip(slope(W, x), W, strict=True)),
        lambda W, x: [[s * w for w in row] for s, row in zip(slope(W, x), W, strict=True)],
        lambda W, x: np.asfortranarray(slope(W, x)[:, None] * W),
    ),
    wrong=(
        lambda W, x: W,
        lambda W, x: (slope(W, x)[:, None] * W).T,
        lambda W, x: (1 - np.tanh(W @ x))[:, None] * W,
        lambda W, x: slope(W, x),
        lambda W, x: (slope(W, x)[:, None] * W)[None],
    ),
)
JVP = Case(
    Exercise(
        id="tensor.push",
        function=lambda xp, W, x: xp.tanh(W @ x),
        inputs=draw,
        wrt=("W", "x"),
        asks="jvp",
        points=2,
    ),
    right=lambda W, x, dW, dx: slope(W, x) * (dW @ x + W @ dx),
    unusual=(
        lambda W, x, dW, dx: ((dW @ x + W @ dx) / np.cosh(W @ x) ** 2).tolist(),
        lambda W, x, dW, dx: (slope(W, x) * (dW @ x + W @ dx))[None],
    ),
    wrong=(
        lambda W, x, dW, dx: slope(W, x) * (W @ dx),
        lambda W, x, dW, dx: slope(W, x)[:, None] * W,
        lambda W, x, dW: slope(W, x) * (dW @ x),
    ),
)
VJP = Case(
    Exercise(
        id="tensor.pull",
        function=lambda xp, W, x: xp.tanh(W @ x),
        inputs=draw,
        wrt=("x", "W"),
        asks="vjp",
        points=2,
    ),
    right=lambda W, x, w: (W.T @ (slope(W, x) * w), np.outer(slope(W, x) * w, x)),
    unusual=(lambda W, x, w: ((slope(W, x) * w) @ W, (slope(W, x) * w)[:, None] * x),),
    wrong=(
        lambda W, x, w: (W.T @ w, np.outer(w, x)),
        lambda W, x, w: (np.outer(slope(W, x) * w, x), W.T @ (slope(W, x) * w)),
        lambda W, x: x,
    ),
)
CURVATURE = Case(
    Exercise(
        id="tensor.curvature",
        function=lambda xp, x, y: xp.sum(xp.sin(x) * x) + y**3 * x[0],
        inputs=lambda rng: {"x": rng.normal(size=COLUMNS), "y": rng.normal()},
        wrt=("x", "y"),
        asks="hessian_diagonal",
        points=2,
    ),
    right=lambda x, y: (2 * np.cos(x) - x * np.sin(x), 6 * y * x[0]),
    unusual=(lambda x, y: (np.cos(x) + np.cos(x) + x * np.cos(x + np.pi / 2), [6 * y * x[0]]),),
    wrong=(
        lambda x, y: (np.sin(x) + x * np.cos(x), 3 * y**2 * x[0]),
        lambda x, y: (np.cos(x) - x * np.sin(x), 6 * y * x[0]),
    ),
)
VALUE = Case(
    Exercise(
        id="tensor.value",
        function=lambda xp, z, label: xp.log(xp.sum(xp.exp(z))) - z[label],
        inputs=lambda rng: {"z": rng.normal(size=COLUMNS), "label": rng.integers(COLUMNS)},
        asks="value",
        points=1,
    ),
    right=lambda z, label: np.log(np.sum(np.exp(z))) - z[label],
    unusual=(
        lambda z, label: -np.log(np.exp(z[label]) / np.exp(z).sum()),
        lambda z, label: [float(np.log(sum(np.exp(zi - z[label]) for zi in z)))],
    ),
    wrong=(lambda z, label: np.log(np.sum(np.exp(z))), lambda z, label: z, lambda z, label: -z[label]),
)
# 1 - tanh² and 1 / cosh² are both right, and agree to seven digits only.
SATURATED = Case(
    Exercise(
        id="tensor.saturated",
        function=lambda xp, x: xp.tanh(x),
        inputs=lambda rng: {"x": rng.uniform(8.5, 9.5)},
        wrt=("x",),
    ),
    right=lambda x: 1 - np.tanh(x) ** 2,
    unusual=(lambda x: 1 / np.cosh(x) ** 2, lambda x: (1 - np.tanh(x)) * (1 + np.tanh(x))),
    wrong=(lambda x: 1 - np.tanh(x), lambda x: 0.0, lambda x: np.exp(-2 * x)),
)
# A slope that hardly shows in the function's value still has all of its digits.
FLAT = Case(
    Exercise(
        id="tensor.flat",
        function=lambda xp, x: xp.sum(xp.sqrt(1 + x * x)),
        inputs=lambda rng: {"x": 1e-7 * rng.normal(size=COLUMNS)},
        wrt=("x",),
    ),
    right=lambda x: x / np.sqrt(1 + x * x),
    unusual=(lambda x: np.sin(np.arctan(x)),),
    wrong=(lambda x: 0 * x, lambda x: 2 * x),
)
# The same unit written out, so that no line of its list has lost a digit where y (1 - y) has lost nine.
LOGISTIC = Case(
    Exercise(
        id="tensor.logistic",
        function=lambda xp, x: xp.sum(1 / (1 + xp.exp(-x))),
        inputs=lambda rng: {"x": rng.uniform(18, 22, size=3)},
        wrt=("x",),
    ),
    right=lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2,
    unusual=(lambda x: 1 / (1 + np.exp(-x)) * (1 - 1 / (1 + np.exp(-x))), lambda x: 0.25 / np.cosh(x / 2) ** 2),
    wrong=(lambda x: 1 / (1 + np.exp(-x)), lambda x: 0 * x, lambda x: 2 * np.exp(-x)),
    visible=1e-4,
)
# What is left of numbers a million times larger.
CANCELLING = Case(
    Exercise(
        id="tensor.variance",
        function=lambda xp, x: xp.mean((x - xp.mean(x)) ** 2),
        inputs=lambda rng: {"x": 1e6 + rng.normal(size=COLUMNS)},
        wrt=("x",),
    ),
    right=lambda x: 2 * (x - x.mean()) / COLUMNS,
    unusual=(lambda x: 2 * x / COLUMNS - 2 * x.mean() / COLUMNS, lambda x: 2 / COLUMNS * (np.eye(5) - 1 / 5) @ x),
    wrong=(lambda x: 2 * x / COLUMNS, lambda x: (x - x.mean()) / COLUMNS),
)
# Seventeen orders of magnitude in one array: a large entry must not hide a small one.
MIXED = Case(
    Exercise(
        id="tensor.mixed",
        function=lambda xp, x: xp.sum(x**2) / 2,
        inputs=lambda rng: {"x": 10.0 ** rng.permutation([-8, -3, 1, 5, 9]) * rng.uniform(1, 2, 5)},
        wrt=("x",),
    ),
    right=lambda x: 1.0 * x,
    unusual=(lambda x: x * x / x,),
    wrong=(
        lambda x: x * (1 + 1e-6 * (x == x.min())),
        lambda x: np.where(x == x.min(), 0, x),
        lambda x: np.where(x < 1e-2, 0, x),
    ),
)
CASES = (GRADIENT, JACOBIAN, JVP, VJP, CURVATURE, VALUE)


def on_numbers(function, at, *, wrt=("x",), **more):
    """An exercise on one vector `x`, drawn by `at(rng)`."""
    return Exercise(id="on.numbers", function=function, inputs=lambda rng: {"x": at(rng)}, wrt=wrt, **more)


def labels(verdict):
    return {cause.label for cause in verdict.causes}


def judge_holds(cases=(*CASES, SATURATED, FLAT, LOGISTIC, CANCELLING, MIXED)):
    """Whether the judge tells right answers from wrong ones: a small battery over all that can be asked."""
    for case in cases:
        full = case.exercise.points
        for answer in (case.right, *case.unusual):
            verdict = verify(case.exercise, answer, seed=5)
            if (verdict.outcome, verdict.mark, verdict.causes) != ("right", full, ()):
                return False
        for answer in (*case.wrong, slightly_off(case.right, case.visible)):
            verdict = verify(case.exercise, answer, seed=5)
            if verdict.outcome != "wrong" or verdict.mark >= full:
                return False
    return _behaviour_holds()


def _behaviour_holds():
    half = JACOBIAN.exercise.points / 2
    expected = (
        (changing(JACOBIAN.right), half, "changes its arguments"),
        (drifting(JACOBIAN.right), half, "two calls disagree"),
        (into_one_buffer(JACOBIAN.right), half, "overwrites an earlier answer"),
        (JACOBIAN.wrong[1], 0.0, "transposed"),
    )
    return _rare_holds() and _all_hold(expected)


def _rare_holds():
    """What differs at one point of many is not decided; what differs at one of three, and at a later one, is wrong."""
    one, few = (verify(JACOBIAN.exercise, rarely(JACOBIAN.right, at), seed=5) for at in ({0}, {0, 5}))
    return (one.outcome, few.outcome) == ("inconclusive", "wrong")


def rarely(answer, at):
    """Wrong at these of the points that are asked, counted as they come, and whenever they are asked again."""
    points = []

    def wrong(*args):
        number = next((k for k, point in enumerate(points) if np.array_equal(args[0], point)), len(points))
        if number == len(points):
            points.append(args[0].copy())
        return answer(*args) + (number in at)

    return wrong


def _all_hold(expected):
    verdicts = [(verify(JACOBIAN.exercise, answer, seed=5), mark, label) for answer, mark, label in expected]
    return all((verdict.mark, labels(verdict)) == (mark, {label}) for verdict, mark, label in verdicts)


def slightly_off(answer, by=1e-6):
    def off(*args):
        returned = answer(*args)
        if isinstance(returned, tuple):
            return tuple(block * (1 + by) for block in returned)
        return returned * (1 + by)

    return off


def changing(answer):
    """The same answer, which spoils its first argument."""

    def spoils(first, *rest):
        returned = answer(first, *rest)
        first *= 2.0
        return returned

    return spoils


def drifting(answer):
    """Right on the first three calls, then not."""
    calls = iter(range(100))
    return lambda *args: answer(*args) + (next(calls) > 2)


def into_one_buffer(answer):
    """The same answer, always written into the same array."""
    buffer = np.zeros((ROWS, COLUMNS))

    def writes(*args):
        buffer[...] = answer(*args)
        return buffer

    return writes
