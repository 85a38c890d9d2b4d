"""What is said of a mistake is true of the answer's numbers and names nothing that the function has not; in time."""

import importlib
from itertools import count

import numpy as np
import pytest
from judged import on_numbers

from grading.verify import Exercise, activations, precision, probes, quotients, suspects, verify
from grading.verify.budget import Budget, while_time
from grading.verify.faults import Recorded
from grading.verify.respondent import HomeRespondent
from grading.verify.sampling import Question, fresh_question

diagnose = importlib.import_module("grading.verify.diagnose")
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def drawn(**shapes):
    return lambda rng: {name: rng.normal(size=shape) for name, shape in shapes.items()}


def asked(function, inputs, *wrt, **more):
    return Exercise(id="true.sentences", function=function, inputs=inputs, wrt=wrt, **more)


def said(exercise, answer, seed=0):
    """The labels of the causes, and all that they say."""
    causes = verify(exercise, answer, seed=seed).causes
    return [cause.label for cause in causes], " ".join(cause.text for cause in causes)


# --- shapes ----------------------------------------------------------------------------------------------------------

SHAPES = [(5, 3), (3, 5, 7)]


def squares(shape):
    return on_numbers(lambda xp, x: xp.sum(x * x), lambda rng: rng.normal(size=shape))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_an_axis_too_many_is_a_wrong_shape_and_is_named(shape):
    for axis in range(len(shape) + 1):
        verdict = verify(squares(shape), lambda x, axis=axis: np.expand_dims(2 * x, axis), seed=1)
        assert verdict.outcome == "wrong"
        assert verdict.mark == 0
        given = np.expand_dims(np.empty(shape), axis).shape
        assert verdict.blocks[0].problem == f"shape {given}; expected {shape}: axis {axis} is too many"


def test_a_row_is_a_vector_and_a_list_of_one_array_that_array():
    assert verify(squares((5,)), lambda x: (2 * x)[None], seed=1).outcome == "right"
    assert verify(squares((5,)), lambda x: (2 * x)[None, None], seed=1).outcome == "wrong"
    assert verify(squares((5, 3)), lambda x: [2 * x], seed=1).outcome == "right"
    column = verify(squares((5,)), lambda x: (2 * x)[:, None], seed=1)
    assert column.blocks[0].problem == "shape (5, 1); expected (5,): axis 1 is too many"


# --- names -----------------------------------------------------------------------------------------------------------


def huge(rng):
    return {"x": rng.normal(size=5), "y": 1e9 * rng.normal(size=5)}


def dead(rng):
    return {"x": rng.normal(size=5), "y": -rng.uniform(1, 2, size=5)}


RATIO = asked(lambda xp, x, y: xp.sum(x**3 / (1 + y**2)), huge, "x", "y")
DEAD = asked(lambda xp, x, y: xp.sum(x * xp.maximum(y, 0.0)), dead, "y")
LAYERS = {
    "tanh": lambda xp, z: xp.tanh(z),
    "sigmoid": lambda xp, z: 1 / (1 + xp.exp(-z)),
    "softplus": lambda xp, z: xp.log(1 + xp.exp(z)),
    "softmax": lambda xp, z: xp.exp(z) / xp.sum(xp.exp(z)),
    "ReLU": lambda xp, z: z * (z > 0),
    "leaky ReLU": lambda xp, z: xp.where(z > 0, z, 0.1 * z),
}


def units(exercise, seed=0):
    point = exercise.inputs(np.random.default_rng(seed))
    return {which.name for _, _, which in activations.activations(Recorded(Question(exercise, point)))}


def test_an_activation_is_found_where_it_was_written():
    for name, layer in LAYERS.items():
        exercise = asked(lambda xp, z, t, layer=layer: xp.sum(t * layer(xp, z)), drawn(z=5, t=5), "z")
        assert name in units(exercise), name


def test_no_activation_is_named_that_the_function_has_not(monkeypatch):
    def answer(x, y):
        return 3 * x**2 / (1 + y**2), -2 * y * x**3 / (1 + y**2)

    assert units(RATIO) == set()
    assert units(DEAD) <= {"ReLU"}
    assert not any(name in said(RATIO, answer)[1] for name in LAYERS)
    monkeypatch.setattr(activations, "is_made_of", lambda *args: True)
    assert "softplus" in units(RATIO)
    assert "softplus" in said(RATIO, answer)[1]


def attention(xp, s, V, t):
    w = xp.exp(s - xp.max(s))
    return (w / xp.sum(w) @ V) @ t


def test_a_point_that_gives_the_same_derivative_is_not_called_another(monkeypatch):
    def diagonal(s, V, t):
        w = np.exp(s - s.max()) / np.sum(np.exp(s - s.max()))
        return w * (1 - w) * (V @ t)

    exercise = asked(attention, drawn(s=5, V=(5, 3), t=3), "s")
    labels, text = said(exercise, diagonal)
    assert labels[0] == "activation derivative of the wrong form"
    assert "output * (1 - output)" in text
    assert "instead of" not in text
    monkeypatch.setattr(suspects, "_means_the_same", lambda one, two, which: np.array_equal(one, two))
    assert "instead of" in said(exercise, diagonal)[1]


# --- precision -------------------------------------------------------------------------------------------------------


def likelihood(xp, z, t):
    return -xp.sum(t * (z - xp.log(xp.sum(xp.exp(z)))))


def labelled(rng):
    t = rng.uniform(0.1, 1, size=5)
    return {"z": 2 * rng.normal(size=5), "t": t / t.sum()}


LIKELIHOOD = asked(likelihood, labelled, "z")


def test_an_epsilon_is_not_called_single_precision(monkeypatch):
    def shifted(z, t):
        return np.exp(z) / (np.sum(np.exp(z)) + 1e-8) - t

    def single(z, t):
        return np.exp(z) / np.sum(np.exp(z).astype(np.float32)) - t

    monkeypatch.setattr(diagnose, "epsilons", lambda wrong: [])  # which finds it by its own means
    assert said(LIKELIHOOD, single)[0] == ["single precision"]
    assert said(LIKELIHOOD, shifted)[0] == ["a small relative error"]
    monkeypatch.setattr(precision, "_jumps", lambda moved, step: moved(step) >= 0.3)
    assert said(LIKELIHOOD, shifted)[0] == ["single precision"]


def test_numbers_that_are_nearly_one_hot_are_no_quotient(monkeypatch):
    exercise = on_numbers(
        lambda xp, z: xp.max(z) + xp.log(xp.sum(xp.exp(z - xp.max(z)))), lambda rng: rng.normal(size=5)
    )

    def named():
        found = 0
        for seed in range(40):
            z = 1000 + 100 * np.random.default_rng(seed).normal(size=5)
            yours, right = np.exp(z - np.logaddexp.reduce(z)), np.exp(z - z.max()) / np.sum(np.exp(z - z.max()))
            found += quotients._of_bits(Question(exercise, {"x": z}), yours * (1 + 1e-13)) and not np.array_equal(
                yours, right
            )
        return found

    assert named() == 0
    monkeypatch.setattr(quotients, "_FEWEST", 1)
    assert named() > 0


# --- luck and places -------------------------------------------------------------------------------------------------

FORM = asked(lambda xp, A, C, x: x @ (A @ (C @ x)), drawn(A=(5, 5), C=(5, 5), x=5), "x")


@pytest.mark.parametrize(
    ("answer", "which"),
    [
        (lambda A, C, x: A @ C @ x + C.T @ A @ x, "A is symmetric"),
        (lambda A, C, x: A @ C @ x + C @ A.T @ x, "C is symmetric"),
        (lambda A, C, x: A @ C @ x + C @ A @ x, "A and C are symmetric"),
    ],
)
def test_only_those_matrices_are_called_symmetric_that_must_be(answer, which):
    questions = [fresh_question(FORM, 0, number) for number in range(3)]
    respondent = HomeRespondent(answer)
    found = probes.luck(probes.telling, questions, [0], lambda question: respondent.ask(question.args, 5.0))
    label, text, _ = next(found)
    assert label == "right for symmetric inputs only"
    assert f"right where {which}, and wrong in general" in text


def test_how_often_an_entry_is_wrong_is_counted():
    def bumped(x):
        right = 3 * x**2
        right[1] += 1.0 if x[0] > 0 else 0.0
        return right

    exercise = on_numbers(lambda xp, x: xp.sum(x**3), lambda rng: rng.normal(size=5), points=5)
    verdict = verify(exercise, bumped, seed=3)
    points = [probe for probe in verdict.causes if probe.label == "one entry or row wrong"]
    assert points
    assert "at every point" not in points[0].text
    assert " of " in points[0].text


# --- an end ----------------------------------------------------------------------------------------------------------


def ticking(step):
    ticks = count()
    return lambda: step * next(ticks)


def test_a_budget_ends_what_runs_on_it_and_nothing_else():
    with Budget(10, ticking(1)).granted():
        assert list(while_time(range(100))) == list(range(9))
    assert list(while_time(range(100))) == list(range(100))


def searched(monkeypatch, clock, answer):
    """What a diagnosis on this clock finds, and how many suspects it tries."""
    tried = []
    real = importlib.import_module("grading.verify.trial")
    monkeypatch.setattr(real, "_try", lambda suspect, recorded, go=real._try: tried.append(0) or go(suspect, recorded))
    judge = importlib.import_module("grading.verify.judge")
    monkeypatch.setattr(judge, "diagnose", lambda *args: diagnose.diagnose(*args, clock=clock))
    return said(FORM, answer)[0], len(tried)


def noise(A, C, x):
    return np.cos(np.arange(5) * np.sum(A)) * np.sum(np.abs(x))


def test_a_search_that_finds_nothing_ends_with_its_time(monkeypatch):
    assert searched(monkeypatch, ticking(0.0), noise)[1] > 100
    with monkeypatch.context() as patch:
        labels, tried = searched(patch, ticking(diagnose._SEARCH_S / 20), noise)
        assert labels == []
        assert tried < 60
    assert searched(monkeypatch, ticking(1e-4), lambda A, C, x: -A @ C @ x)[0]


def test_what_is_tried_does_not_depend_on_the_processor(monkeypatch):
    """A search that finds nothing tries as much on a processor that is a thousand times slower, and ends."""
    monkeypatch.setattr(diagnose, "_SEARCH_WORK", 600)
    tried = {searched(monkeypatch, ticking(step), noise)[1] for step in (0.0, 1e-9, 1e-6)}
    assert len(tried) == 1
    monkeypatch.setattr(diagnose, "_SEARCH_WORK", 3000)
    assert searched(monkeypatch, ticking(0.0), noise)[1] > 2 * tried.pop()


# --- exceptions that are none ----------------------------------------------------------------------------------------


def raising(exception):
    def answer(x):
        raise exception

    return answer


def test_leaving_the_program_is_a_wrong_answer_and_an_interrupt_is_the_persons():
    verdict = verify(squares((5,)), raising(SystemExit("done")), seed=1)
    assert verdict.outcome == "wrong"
    assert "SystemExit: done" in verdict.problem
    assert "\n" not in verdict.problem
    with pytest.raises(KeyboardInterrupt):
        verify(squares((5,)), raising(KeyboardInterrupt()), seed=1)
