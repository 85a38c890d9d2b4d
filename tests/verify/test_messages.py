"""Messages read off an answer, wrong numbers, and functions written another way: each is named, and nothing else."""

import importlib

import numpy as np
import pytest

from grading.verify import Exercise, numbers, planted, stale, steps, variations, verify

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def exercise(name, function, wrt, asks="gradient", **shapes):
    """An exercise with inputs between 0.3 and 1.7 in size, of both signs."""

    def inputs(rng):
        return {key: rng.uniform(0.3, 1.7, size=n) * rng.choice([-1, 1], size=n) for key, n in shapes.items()}

    return Exercise(id=f"message.{name}", function=function, inputs=inputs, wrt=wrt, asks=asks, sizes_fixed="as it is")


# --- what came along one way -----------------------------------------------------------------------------------------

GATED = exercise("gated", lambda xp, x, y: xp.sum(xp.sin(x * y) * xp.exp(y)), ("x",), x=5, y=5)
RESIDUAL = exercise("squares", lambda xp, w, X, s: xp.sum(s * (X @ w) ** 2), ("w",), w=3, X=(7, 3), s=7)
PUSHED = exercise("pushed", lambda xp, x: xp.exp(-(x**2)) * xp.sin(x), ("x",), asks="jvp", x=5)
MOVED = exercise("moved", lambda xp, W, x, v: xp.sum(v * xp.tanh(W @ x)), ("x",), W=(7, 3), x=3, v=7)
MESSAGES = {
    "a slope made of other values": (
        GATED,
        lambda x, y: np.cos(x * y) * y * np.exp(y) / (1 + x**2),
        lambda x, y: np.cos(x * y) * y * np.exp(y),
    ),
    "a slope of rows that are more than the parameters": (
        RESIDUAL,
        lambda w, X, s: X.T @ (2 * s * (X @ w) / (1 + (X @ w) ** 2)),
        lambda w, X, s: X.T @ (2 * s * (X @ w)),
    ),
    "a tangent that is not passed on": (
        PUSHED,
        lambda x, dx: -2 * x * np.exp(-(x**2)) * np.sin(x) + np.exp(-(x**2)) * np.cos(x) * dx,
        lambda x, dx: (-2 * x * np.sin(x) + np.cos(x)) * np.exp(-(x**2)) * dx,
    ),
    "a message that is squared": (
        MOVED,
        lambda W, x, v: W.T @ (v * (1 - np.tanh(W @ x) ** 2)) ** 2,
        lambda W, x, v: W.T @ (v * (1 - np.tanh(W @ x) ** 2)),
    ),
}


def causes(asked, answer):
    return [cause.label for cause in verify(asked, answer, seed=3).causes]


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_read_off_the_answer(name, monkeypatch):
    """It is named, a right answer is not, and without the messages nothing is."""
    asked, wrong, right = MESSAGES[name]
    assert verify(asked, right, seed=3).outcome == "right"
    assert causes(asked, wrong)
    monkeypatch.setattr(planted, "messages", lambda trial: iter(()))
    assert not causes(asked, wrong)


def test_what_is_said_of_a_message_is_what_the_answer_has():
    """The sentence names the factor with which the numbers come out."""
    asked, wrong, _ = MESSAGES["a slope made of other values"]
    assert "1 + x**2" in " ".join(cause.text for cause in verify(asked, wrong, seed=3).causes)


def test_numbers_of_nobody_are_no_message():
    """Random entries, which no product of values gives, are not explained."""
    some = np.random.default_rng(0).uniform(0.5, 2, 5)
    assert not causes(GATED, lambda x, y: np.cos(x * y) * y * np.exp(y) * some)
    assert not causes(GATED, lambda x, y: np.cos(x * y) * y * np.exp(y) * (1 + 0.37 * np.sin(3.1 * x)))


# --- numbers ---------------------------------------------------------------------------------------------------------

BASE = exercise("base", lambda xp, w, X: xp.sum(xp.log(1 + xp.exp(X @ w))), ("w",), w=3, X=(7, 3))
RIDGE = exercise("ridge", lambda xp, A: xp.linalg.slogdet(A @ A.T + 0.5 * xp.eye(5))[1], ("A",), A=(5, 3))
ANGLES = exercise("angles", lambda xp, t: xp.sum(t * xp.sin(t) + xp.exp(t)), ("t",), t=5)
NUMBERS = {
    "the base of a power": (BASE, lambda w, X: X.T @ (1 / (1 + 10 ** -(X @ w))), "2.30259"),
    "a constant on a diagonal": (
        RIDGE,
        lambda A: 2 * np.linalg.inv(A @ A.T + 0.05 * np.eye(5)) @ A,
        "0.1 times",
    ),
    "a constant that nobody uses": (
        RIDGE,
        lambda A: 2 * np.linalg.inv(A @ A.T + 0.37 * np.eye(5)) @ A,
        "0.74 times",
    ),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_wrong_number_is_solved_for(name, monkeypatch):
    asked, wrong, said = NUMBERS[name]
    assert said in " ".join(cause.text for cause in verify(asked, wrong, seed=3).causes)
    monkeypatch.setattr(planted, "numbers", lambda trial: iter(()))
    assert said not in " ".join(cause.text for cause in verify(asked, wrong, seed=3).causes)


def test_an_angle_in_degrees_is_told_from_one_that_is_wrong_otherwise():
    def answer(turn):
        return lambda t: np.sin(turn(t)) + t * np.cos(turn(t)) + np.exp(t)

    assert causes(ANGLES, answer(np.radians)) == ["activation derivative at the wrong point"]
    assert not causes(ANGLES, answer(lambda t: t + 0.1 * t**2))
    assert verify(ANGLES, answer(lambda t: t), seed=3).outcome == "right"


def test_a_root_that_secants_do_not_find_is_none():
    assert numbers._root(lambda t: t * t + 1, 2.0, 1e-12) is None
    assert numbers._root(lambda t: t**3 - 2, -1.0, 1e-12) == pytest.approx(2 ** (1 / 3))


# --- the same function, written another way --------------------------------------------------------------------------


def spread(xp, x, t):
    d = x - xp.mean(x)
    return xp.sum(t * d / xp.sqrt(xp.mean(d**2)))


def normal(of):
    """The gradient of normalised entries, with something in the place of mean(t * h)."""

    def answer(x, t):
        s = x.std()
        h = (x - x.mean()) / s
        return (t - t.mean() - h * of(t * h)) / s

    return answer


LIKELY = exercise(
    "likely", lambda xp, w, X, y: xp.sum(xp.log(1 + xp.exp(X @ w)) - y * (X @ w)), ("w",), w=3, X=(7, 3), y=7
)
HALVES = exercise(
    "halves", lambda xp, W, x, b: xp.log(1 + xp.sum(xp.abs(xp.maximum(W @ x + b, 0 * b)))), ("x",), W=(7, 3), x=3, b=7
)


def probability(sign):
    def answer(w, X, y):
        p = 1 / (1 + np.exp(-X @ w))
        return X.T @ ((-y / p + sign * (1 - y) / (1 - p)) * p * (1 - p))

    return answer


def halves(of):
    def answer(W, x, b):
        z = W @ x + b
        return W.T @ (1.0 * (of(W @ x, b) > 0)) / (1 + np.maximum(z, 0).sum())

    return answer


VARIED = {
    "a mean of deviations is nothing": (exercise("normal", spread, ("x",), x=7, t=7), normal, np.mean, lambda v: v),
    "a cross-entropy of probabilities": (LIKELY, probability, 1, -1),
    "what is cut off is not negative": (HALVES, halves, lambda u, b: u + b, lambda u, b: u),
}


@pytest.mark.parametrize("name", VARIED)
def test_a_fault_on_the_list_of_another_formula_is_named(name, monkeypatch):
    asked, answer, right, wrong = VARIED[name]
    assert verify(asked, answer(right), seed=3).outcome == "right"
    before = causes(asked, answer(wrong))
    assert before
    monkeypatch.setattr(planted, "variations", lambda recorded: iter(()))
    assert causes(asked, answer(wrong)) != before


def test_variations_leave_the_value_and_the_derivative():
    """Off kinks another way to write a function is the same function."""
    from grading.verify.faults import Recorded
    from grading.verify.sampling import fresh_question

    for asked, *_ in VARIED.values():
        recorded = Recorded(fresh_question(asked, 3, 0))
        tried = list(variations.variations(recorded))
        assert tried
        for variation in tried:
            other = recorded.replayed(variation(recorded))
            assert other.value(other.last) == pytest.approx(recorded.value(recorded.last), rel=1e-12)
            if asked is not HALVES:
                assert np.allclose(other.answer()[0], recorded.answer()[0], rtol=1e-9)


# --- parts, states and values ----------------------------------------------------------------------------------------

WINDOWS = exercise("windows", lambda xp, x, t: xp.sum(t * xp.stack([xp.sum(x[i : i + 3] ** 2) for i in range(6)])),
                   ("x",), x=8, t=6)  # fmt: skip


def windows(add):
    def answer(x, t):
        back = np.zeros_like(x)
        for i in range(6):
            here = 2 * t[i] * x[i : i + 3]
            back[i : i + 3] = back[i : i + 3] + here if add else here
        return back

    return answer


def test_parts_that_overwrite_each_other_are_named(monkeypatch):
    assert verify(WINDOWS, windows(True), seed=3).outcome == "right"
    assert causes(WINDOWS, windows(False)) == ["a path or term dropped"]
    monkeypatch.setattr(steps, "_overwritten", lambda recorded: iter(()))
    assert causes(WINDOWS, windows(False)) != ["a path or term dropped"]


def flow(xp, y, k):
    for _ in range(3):
        y = y + 0.3 * k * y * (1 - y)
    return xp.sum(y)


FLOW = exercise("flow", flow, ("y",), y=5, k=5)


def states(order):
    def answer(y, k):
        values = [y]
        for _ in range(3):
            values.append(values[-1] + 0.3 * k * values[-1] * (1 - values[-1]))
        back = np.ones_like(y)
        for value in order(values):
            back = back * (1 + 0.3 * k * (1 - 2 * value))
        return back

    return answer


def test_steps_differentiated_at_other_states_are_named(monkeypatch):
    assert verify(FLOW, states(lambda v: v[-2::-1]), seed=3).outcome == "right"
    assert causes(FLOW, states(lambda v: v[:0:-1])) == ["activation derivative at the wrong point"]
    monkeypatch.setattr(stale, "_at_other_states", lambda recorded: iter(()))
    assert causes(FLOW, states(lambda v: v[:0:-1])) != ["activation derivative at the wrong point"]


KERNEL = exercise(
    "kernel", lambda xp, X, s: xp.sum(xp.exp(-xp.sum(X**2, axis=1) / (2 * s**2))), ("X", "s"), X=(7, 3), s=()
)


def kernel(power):
    def answer(X, s):
        squares = (X**2).sum(axis=1)
        k = np.exp(-squares / (2 * s**power))
        return -X * k[:, None] / s**2, (k * squares).sum() / s**3

    return answer


def test_a_slip_that_is_seen_in_one_value_alone_is_named(monkeypatch):
    assert verify(KERNEL, kernel(2), seed=3).outcome == "right"
    assert causes(KERNEL, kernel(1)) == ["wrong power"]
    monkeypatch.setattr(planted, "misread_values", lambda recorded: iter(()))
    assert causes(KERNEL, kernel(1)) != ["wrong power"]


# --- faults that stand beside those of other modules -----------------------------------------------------------------

DATA = exercise(
    "data", lambda xp, w, X, y: xp.sum(xp.tanh(X @ w) * (0.9 * xp.sin(y) + y**2)), ("w",), w=3, X=(7, 3), y=7
)
VOLUME = exercise("volume", lambda xp, A, C: xp.linalg.det(A) + xp.sum(C * A), ("A",), A=(5, 5), C=(5, 5))
EXPONENT = exercise("exponent", lambda xp, z, v: xp.sum(v * xp.exp(z) ** 2.5), ("z",), z=5, v=5)


def weighed(y):
    return 0.9 * np.sin(y) + y**2


def signed(A):
    return (-1.0) ** np.add.outer(np.arange(5), np.arange(5)) * np.linalg.det(A) * np.linalg.inv(A).T


def recurrent(xp, W, h):
    for _ in range(4):
        h = xp.tanh(W @ h)
    return xp.sum(h)


RECURRENT = exercise("recurrent", recurrent, ("h",), W=(5, 5), h=5)


def unrolled(first, later):
    def answer(W, h):
        values = [h]
        for _ in range(4):
            values.append(np.tanh(W @ values[-1]))
        back = W.T @ first(values[-1])
        for value in values[-2:0:-1]:
            back = W.T @ (back * later(value))
        return back

    return answer


def slope(value):
    return 1 - value**2


BESIDE = {
    "a term of the data left out": (
        DATA,
        lambda w, X, y: X.T @ ((1 - np.tanh(X @ w) ** 2) * weighed(y)),
        lambda w, X, y: X.T @ ((1 - np.tanh(X @ w) ** 2) * (np.sin(y) + y**2)),
        *("coefficient of one term", planted, "prepared", lambda recorded, count: iter(())),
    ),
    "minors without their signs": (
        VOLUME,
        lambda A, C: np.linalg.det(A) * np.linalg.inv(A).T + C,
        lambda A, C: signed(A) + C,
        *("sign of one term", importlib.import_module("grading.verify.laws"), "_alternating", np.ones_like),
    ),
    "an exponent that is one less": (
        EXPONENT,
        lambda z, v: 2.5 * v * np.exp(2.5 * z),
        lambda z, v: 1.5 * v * np.exp(1.5 * z),
        *("wrong power", importlib.import_module("grading.verify.misread"), "_of_power", lambda *_: iter(())),
    ),
    "slopes at the last step alone": (
        RECURRENT,
        unrolled(slope, slope),
        unrolled(slope, np.ones_like),
        *("inner derivative forgotten", steps, "_some_steps", lambda places: ()),
    ),
}


@pytest.mark.parametrize("name", BESIDE)
def test_a_fault_beside_others_is_named(name, monkeypatch):
    asked, right, wrong, label, where, what, instead = BESIDE[name]
    assert verify(asked, right, seed=3).outcome == "right"
    assert causes(asked, wrong)[:1] == [label]
    monkeypatch.setattr(where, what, instead)
    assert causes(asked, wrong)[:1] != [label]
