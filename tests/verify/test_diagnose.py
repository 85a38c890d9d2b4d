"""Each mistake of the catalogue is named where it was made, and none where it was not."""

import importlib
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged import CASES, GRADIENT, JACOBIAN, labels, on_numbers

from grading.verify import Exercise, verify
from grading.verify.diagnose import Observation, explain
from grading.verify.faults import Recorded
from grading.verify.oneway import half_misread
from grading.verify.sampling import fresh_question

diagnose = importlib.import_module("grading.verify.diagnose")

SEEDS = (0, 17, 4711)


def vector(rng):
    return rng.normal(size=5)


LINEAR = Exercise(
    id="linear.map",
    function=lambda xp, W, x: xp.tanh(W @ x),
    inputs=lambda rng: {"W": rng.normal(size=(3, 5)), "x": rng.normal(size=5)},
    wrt=("x", "W"),
    asks="jacobian",
)
ENTRYWISE = on_numbers(lambda xp, x: xp.sin(x), vector, asks="jacobian")
SQUARE = Exercise(
    id="square.map",
    function=lambda xp, A, x: xp.sin(A @ x),
    inputs=lambda rng: {"A": rng.normal(size=(5, 5)), "x": rng.normal(size=5)},
    wrt=("x",),
    asks="jacobian",
)
NUMBER = on_numbers(lambda xp, x: x * xp.sin(x), lambda rng: rng.normal())
SMOOTH = on_numbers(lambda xp, x: xp.sum(x * xp.sin(x)), vector)
MEAN = Exercise(
    id="mean.loss",
    function=lambda xp, w, X, t: xp.mean((X @ w - t) ** 2),
    inputs=lambda rng: {"w": rng.normal(size=3), "X": rng.normal(size=(7, 3)), "t": rng.normal(size=7)},
    wrt=("w",),
)
TOTAL = Exercise(id="sum.loss", function=lambda xp, w, X, t: xp.sum((X @ w - t) ** 2), inputs=MEAN.inputs, wrt=("w",))


def smooth(x):
    return np.sin(x) + x * np.cos(x)


def back(w, X, t):
    return 2 * X.T @ (X @ w - t)


def layer(W, x):
    return (1 - np.tanh(W @ x) ** 2)[:, None] * W


def weights(W, x):
    return np.einsum("i,ij,k->ijk", 1 - np.tanh(W @ x) ** 2, np.eye(3), x)


CATALOGUE = [
    ("transposed", JACOBIAN.exercise, lambda W, x: layer(W, x).T),
    ("transposed", SQUARE, lambda A, x: (np.cos(A @ x)[:, None] * A).T),
    ("reshape for transpose", JACOBIAN.exercise, lambda W, x: layer(W, x).T.reshape(3, 5)),
    ("diagonal only", ENTRYWISE, np.cos),
    ("axes permuted", LINEAR, lambda W, x: (layer(W, x), np.moveaxis(weights(W, x), 0, 2))),
    ("shape that only broadcasts", SMOOTH, lambda x: smooth(x)[:, None]),
    ("shape that only broadcasts", JACOBIAN.exercise, lambda W, x: layer(W, x).ravel()),
    ("not summed", MEAN, lambda w, X, t: 2 * X * (X @ w - t)[:, None] / 7),
    ("not summed", NUMBER, lambda x: np.array([np.sin(x), x * np.cos(x)])),
    ("zeros", SMOOTH, np.zeros_like),
    ("blocks exchanged", GRADIENT.exercise, lambda W, x: GRADIENT.right(W, x)[::-1]),
    ("activation derivative forgotten", JACOBIAN.exercise, lambda W, x: W),
    ("activation derivative of the wrong form", JACOBIAN.exercise, lambda W, x: (1 - np.tanh(W @ x))[:, None] * W),
    ("an input returned", SMOOTH, lambda x: x),
    ("the value instead of its derivative", NUMBER, lambda x: x * np.sin(x)),
    ("sign", SMOOTH, lambda x: -smooth(x)),
    ("factor 2 too many", SMOOTH, lambda x: 2 * smooth(x)),
    ("factor 2 missing", SMOOTH, lambda x: smooth(x) / 2),
    ("sign and factor 2", SMOOTH, lambda x: -2 * smooth(x)),
    ("sum for mean", MEAN, back),
    ("mean for sum", TOTAL, lambda w, X, t: back(w, X, t) / 7),
    ("constant factor", SMOOTH, lambda x: smooth(x) * 0.3),
    ("a small relative error", SMOOTH, lambda x: smooth(x) * (1 + 1e-7)),
    ("single precision", SMOOTH, lambda x: smooth(x.astype(np.float32))),
    ("a finite difference", SMOOTH, lambda x: ((x + 1e-6) * np.sin(x + 1e-6) - x * np.sin(x)) / 1e-6),
]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("label", "exercise", "answer"), CATALOGUE, ids=[entry[0] for entry in CATALOGUE])
def test_every_mistake_is_named_alone(label, exercise, answer, seed):
    verdict = verify(exercise, answer, seed)
    assert verdict.outcome == "wrong"
    assert labels(verdict) == {label}, verdict.text()


def test_the_block_at_fault_is_named():
    verdict = verify(GRADIENT.exercise, lambda W, x: (GRADIENT.right(W, x)[0], -GRADIENT.right(W, x)[1]), seed=1)
    (cause,) = verdict.causes
    assert cause.text.startswith("x: The sign is wrong")


def test_an_edge_point_where_nothing_flows_hides_no_mistake():
    exercise = on_numbers(lambda xp, x: xp.sum(x**2), vector, edge_inputs=lambda rng: {"x": np.zeros(5)})
    for label, answer in {
        "sign": lambda x: -2 * x,
        "zeros": np.zeros_like,
        "factor 2 too many": lambda x: 4 * x,
    }.items():
        assert labels(verify(exercise, answer, seed=1)) == {label}


def test_a_guessed_constant_is_only_likely():
    likely = verify(SMOOTH, lambda x: smooth(x) * 0.3, seed=1)
    sure = verify(SMOOTH, lambda x: -smooth(x), seed=1)
    assert "Likely: Every entry is 0.3 times" in likely.text()
    assert "Cause: The sign is wrong" in sure.text()


def test_one_point_is_not_enough_for_a_constant():
    """So a second one is asked before anything is called wrong."""
    once = on_numbers(lambda xp, x: xp.sum(x * xp.sin(x)), vector, draws=1)
    verdict = verify(once, lambda x: smooth(x) * 0.3, seed=1)
    assert (verdict.draws, labels(verdict)) == (2, {"constant factor"})


ON_THE_LIST = {
    "a path or term dropped": np.sin,
    "an extra term": lambda x: smooth(x) + x,
    "sign of one term": lambda x: np.sin(x) - x * np.cos(x),
    "coefficient of one term": lambda x: np.sin(x) + 3 * x * np.cos(x),
    "off by one": lambda x: np.roll(smooth(x), 1),
    "one entry or row wrong": lambda x: smooth(x) + (np.arange(5) == 2),
    "an extra factor": lambda x: smooth(x) * np.sum(x * np.sin(x)),
    "not finite": lambda x: smooth(x) * np.nan,
    "bias column or row": lambda x: smooth(x)[1:],
    "product rule misapplied": np.cos,
    "numbers pasted in": lambda x: np.arange(5.0),
    "another derivative": lambda x: 2 * np.cos(x) - x * np.sin(x),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("label", "answer"), ON_THE_LIST.items(), ids=ON_THE_LIST.keys())
def test_mistakes_inside_are_named(label, answer, seed):
    verdict = verify(SMOOTH, answer, seed)
    assert verdict.causes, verdict.text()
    assert verdict.causes[0].label == label, verdict.text()


UNNAMED = {
    "another sum": lambda x: smooth(x) * np.sum(x),
    "noise": lambda x: np.cos(17 * x + 1),
    "three mistakes": lambda x: -3 * np.cos(x) - 0.3 * x * np.sin(x) ** 2,
    "one too many of something else": lambda x: np.append(np.cos(x), 1.0),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("answer", UNNAMED.values(), ids=UNNAMED.keys())
def test_what_no_entry_reproduces_is_not_named(answer, seed):
    verdict = verify(SMOOTH, answer, seed)
    assert (verdict.outcome, verdict.causes) == ("wrong", ())


def test_what_is_known_is_said_where_nothing_fits():
    verdict = verify(SMOOTH, lambda x: smooth(x) + np.where(np.arange(5) < 2, np.cos(9 * x), 0), seed=1)
    assert verdict.causes == ()
    assert any("entries 0, 1 only" in note for note in verdict.known), verdict.text()
    verdict = verify(SMOOTH, lambda x: smooth(x) * np.cos(9 * x[0]), seed=1)
    assert any("proportional" in note for note in verdict.known), verdict.text()


def test_two_mistakes_that_give_the_same_numbers_are_both_said():
    swapped = Exercise(id="two.fit", function=lambda xp, x: xp.sum(x * (2 * x)), inputs=SMOOTH.inputs, wrt=("x",))
    assert "factor 2 missing" in labels(verify(swapped, lambda x: 2 * x, seed=1))


def test_an_explanation_that_fails_costs_no_verdict(monkeypatch):
    def fails(wrong, ask):
        raise ZeroDivisionError

    monkeypatch.setattr(diagnose, "_STEPS", (fails, *diagnose._STEPS))
    assert labels(verify(SMOOTH, lambda x: -smooth(x), seed=1)) == {"sign"}


def test_a_slow_answer_is_not_asked_for_long(monkeypatch):
    judge = importlib.import_module("grading.verify.judge")
    calls = []

    def strange(x):
        calls.append(x)
        return np.cos(17 * x + 1)

    verify(SMOOTH, strange, seed=1)
    patient, calls[:] = len(calls), []
    monkeypatch.setattr(judge, "_ASKING_S", -1.0)
    assert verify(SMOOTH, strange, seed=1).causes == ()
    assert len(calls) < patient


def test_of_a_diagonal_alone_it_is_said_whether_the_rest_of_the_matrix_is_zero():
    (cause,) = verify(SQUARE, lambda A, x: np.diag(np.cos(A @ x)[:, None] * A), seed=1).causes
    assert cause.label == "diagonal only"
    assert "the other entries of the matrix are not zero" in cause.text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.exercise.asks)
def test_right_answers_have_no_mistakes(case):
    for seed in range(10):
        for answer in (case.right, *case.unusual):
            assert verify(case.exercise, answer, seed).causes == ()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**31), noise=st.floats(0, 3), shape=st.sampled_from([(), (4,), (3, 3), (3, 5), (2, 3, 4)]))
def test_no_mistake_is_read_into_the_last_bits(seed, noise, shape):
    """Even symmetric, zero or constant values, up to three times as far off as is allowed, look like no mistake."""
    rng = np.random.default_rng(seed)
    question = fresh_question(SMOOTH, seed, 0)
    for right in (rng.normal(size=shape), np.zeros(shape), np.ones(shape), np.full(shape, 1e-300)):
        allowed = np.full(shape, 256 * 2.0**-53)
        yours = right + noise * allowed * rng.choice([-1, 1], size=shape)
        assert explain([Observation(question, 0, np.asarray(yours), (right,), allowed)] * 2) == ()


def test_a_symmetric_jacobian_is_not_called_transposed():
    exercise = on_numbers(lambda xp, x: x * xp.sum(x), vector, asks="jacobian")

    def almost(x):
        return np.eye(5) * np.sum(x) + x[:, None] + 1e-6 * np.outer(np.arange(5), np.arange(5) ** 2)

    verdict = verify(exercise, almost, seed=1)
    assert verdict.outcome == "wrong"
    assert "transposed" not in labels(verdict)


def texts(verdict):
    return " ".join(cause.text for cause in verdict.causes)


def test_a_total_of_zero_names_no_axis():
    """Gradients of softmax and of centred data sum to 0, as so much else does."""
    centred = Exercise(
        id="centred",
        function=lambda xp, x, y: xp.sum((x - xp.mean(x, axis=0)) * y),
        inputs=lambda rng: {"x": rng.normal(size=(3, 5)), "y": rng.normal(size=(3, 5))},
        wrt=("x",),
    )
    part = verify(centred, lambda x, y: y[:, :4] - y[:, :4].mean(), seed=1)
    assert (part.outcome, "wrong axis" in labels(part)) == ("wrong", False)
    bias = Exercise(
        id="bias",
        function=lambda xp, x, b: xp.sum(xp.sin(x + b) * x),
        inputs=lambda rng: {"x": rng.normal(size=(3, 5)), "b": rng.normal(size=5)},
        wrt=("b",),
    )
    other = verify(bias, lambda x, b: (np.cos(x + b) * x).sum(axis=1), seed=1)
    assert "wrong axis" in labels(other)


def test_a_short_constant_is_not_half_precision():
    flat = on_numbers(lambda xp, x: xp.sum(xp.exp(x)), lambda rng: 1e-3 * rng.normal(size=5))
    for answer in (np.ones_like, lambda x: 1.0009765625 + 0 * x):
        assert "half precision" not in labels(verify(flat, answer, seed=1))
    assert "half precision" in labels(verify(SMOOTH, lambda x: smooth(x).astype(np.float16), seed=1))


def test_a_term_of_a_jvp_is_named_by_its_operand():
    push = Exercise(id="push", function=LINEAR.function, inputs=LINEAR.inputs, wrt=("W", "x"), asks="jvp")

    def slope(W, x):
        return 1 - np.tanh(W @ x) ** 2

    assert "the one through W" in texts(verify(push, lambda W, x, dW, dx: slope(W, x) * (W @ dx), seed=1))
    assert "the one through x" in texts(verify(push, lambda W, x, dW, dx: slope(W, x) * (dW @ x), seed=1))


def test_no_activation_is_taken_at_itself_instead_of_itself():
    def softmax(xp, z):
        return xp.exp(z) / xp.sum(xp.exp(z), axis=1, keepdims=True)

    attention = Exercise(
        id="itself",
        function=lambda xp, Q, K, C: xp.sum(C * softmax(xp, Q @ K.T / 3.0)),
        inputs=lambda rng: {name: rng.normal(size=(4, 4 if name == "C" else 3)) for name in "QKC"},
        wrt=("Q", "K"),
    )

    def entrywise(Q, K, C):
        A = softmax(np, Q @ K.T / 3)
        D = C * A * (1 - A) / 3
        return D @ K, D.T @ Q

    said = texts(verify(attention, entrywise, seed=1))
    assert "output * (1 - output)" in said
    assert "is taken at" not in said


def test_in_large_answers_mistakes_are_looked_for_in_bounded_memory():
    """Its Hessian would have five hundred million numbers; half of its entries are wrong, at no sign of an input."""
    exercise = Exercise(
        id="large.layer",
        function=lambda xp, W, x: xp.sum(xp.tanh(W @ x) ** 2),
        inputs=lambda rng: {"W": rng.normal(size=(157, 149)) / 15, "x": rng.normal(size=149)},
        wrt=("W",),
    )

    def right(W, x):
        y = np.tanh(W @ x)
        return np.outer(2 * y * (1 - y**2), x)

    tracemalloc.start()
    doubled = verify(exercise, lambda W, x: 2 * right(W, x), seed=1)
    odd = verify(exercise, lambda W, x: right(W, x) * (1 + (np.arange(W.size).reshape(W.shape) * 7919 % 11 > 4)), 1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert labels(doubled) == {"factor 2 too many"}
    assert (odd.outcome, labels(odd)) == ("wrong", set())
    assert peak < 2**29


PUSHED = Exercise(
    id="pushed.map",
    function=lambda xp, A, B, x: xp.sin(A @ xp.tanh(B @ x)),
    inputs=lambda rng: {
        "A": rng.normal(size=(6, 5)),
        "B": rng.normal(size=(5, 3)),
        "x": rng.normal(size=3),
    },
    wrt=("x",),
    asks="jvp",
)


def test_of_a_jvp_what_stands_on_the_way_is_a_tangent_and_nothing_comes_back():
    said = texts(verify(PUSHED, lambda A, B, x, dx: (1 - np.tanh(B @ x) ** 2) * (B @ dx), seed=1))
    assert "You returned the tangent of tanh(B @ x): push it through" in said
    assert "with respect to" not in said
    said = texts(verify(PUSHED, lambda A, B, x, dx: np.cos(A @ np.tanh(B @ x)) * (A @ (B @ dx)), seed=1))
    assert "The derivative of tanh is missing" in said
    assert "comes back" not in said


def test_of_a_vjp_what_stands_on_the_way_is_the_derivative_with_respect_to_it():
    function = replace(PUSHED, asks="vjp")
    said = texts(verify(function, lambda A, B, x, g: A.T @ (g * np.cos(A @ np.tanh(B @ x))), seed=1))
    assert "the derivative with respect to tanh(B @ x)" in said


def test_a_slope_at_another_argument_is_told_with_both_arguments():
    def stale(A, B, x, dx):
        return np.cos(A @ (B @ x)) * (A @ ((1 - np.tanh(B @ x) ** 2) * (B @ dx)))

    assert "is taken at A @ (B @ x), not at A @ tanh(B @ x)." in texts(verify(PUSHED, stale, seed=1))


@pytest.mark.parametrize("factor", [1e-20, 1e-200, -1e-30])
def test_next_to_nothing_times_the_right_answer_is_no_zero(factor):
    verdict = verify(SMOOTH, lambda x: factor * smooth(x), seed=1)
    assert labels(verdict) == {"constant factor"}
    assert f"{factor:g} times" in texts(verdict)


@pytest.mark.parametrize("answer", [lambda x: 0 * x, lambda x: 1e-18 * np.cos(7 * x + 1)], ids=["zero", "noise"])
def test_what_is_no_multiple_and_next_to_nothing_is_zero(answer):
    assert labels(verify(SMOOTH, answer, seed=1)) == {"zeros"}


def test_a_choice_between_an_argument_and_zero_is_called_relu():
    def exercise(other):
        return Exercise(
            id="cases",
            function=lambda xp, W, b, x: xp.where(W @ x + b > 0, W @ x + b, other * (W @ x + b)),
            inputs=lambda rng: {"W": rng.normal(size=(7, 3)), "b": rng.normal(size=7), "x": rng.normal(size=3)},
            wrt=("x",),
            asks="jacobian",
        )

    def without_b(other):
        return lambda W, b, x: np.where((W @ x > 0)[:, None], W, other * W)

    assert "relu((W @ x) + b)" in texts(verify(exercise(0.0), without_b(0.0), seed=1))
    assert "relu(" not in texts(verify(exercise(0.3), without_b(0.3), seed=1))


def test_an_overflow_at_the_edge_case_alone_is_told_as_such():
    def loss(at_edge):
        return Exercise(
            id="overflow",
            function=lambda xp, z: xp.max(z) + xp.log(xp.sum(xp.exp(z - xp.max(z)))),
            inputs=lambda rng: {"z": rng.normal(size=5)},
            edge_inputs=lambda rng: {"z": at_edge + rng.normal(size=5)},
            wrt=("z",),
        )

    with np.errstate(all="ignore"):
        said = texts(verify(loss(900.0), lambda z: np.exp(z) / np.exp(z).sum(), seed=1))
    assert "nan or inf: at the edge case alone" in said
    said = texts(verify(loss(900.0), lambda z: np.full(5, np.nan) + z, seed=1))
    assert "at 4 of 4 points" in said


def test_the_words_of_a_form_are_explained():
    said = texts(verify(LINEAR, lambda W, x: ((1 - np.tanh(W @ x))[:, None] * W, np.zeros((3, 3, 5))), seed=1))
    assert "is not 1 - output, where output is what tanh returns." in said


def test_a_slip_in_the_value_alone_or_in_the_derivative_alone_is_told_in_two_sentences():
    exercise = on_numbers(lambda xp, x: xp.sum(xp.exp(x**2)), vector)
    told = {suspect.text for suspect in half_misread(Recorded(fresh_question(exercise, 1, 0), 0))}
    slip = "In x ** 2 the power is left out."
    assert f"{slip} It is so in the value alone; the derivative of x ** 2 is right." in told
    assert f"{slip} It is so in the derivative alone; the value of x ** 2 is right." in told
