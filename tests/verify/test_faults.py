"""Faults planted in a list: without one the answer is the right one, and both modes plant the same fault."""

import numpy as np
import pytest
from corpus import development, development_more, held_out

from grading.verify import Exercise
from grading.verify.activations import activations
from grading.verify.catalogue import Observation
from grading.verify.diagnose import diagnose
from grading.verify.faults import Edit, Recorded
from grading.verify.quotients import is_quotient
from grading.verify.sampling import Question, fresh_question
from grading.verify.tolerance import tolerance

PROBLEMS = development.PROBLEMS + development_more.PROBLEMS + held_out.PROBLEMS


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.exercise.id)
def test_without_a_fault_the_answer_is_right(problem):
    question = fresh_question(problem.exercise, 3, 0)
    measured = tolerance(question)
    if problem.exercise.asks == "hessian_diagonal":
        planted = [Recorded(question, block).answer()[0] for block in range(len(measured.blocks))]
    else:
        planted = Recorded(question).answer()
    for one, two, slack in zip(measured.blocks, planted, measured.allowed, strict=True):
        assert one.shape == two.shape
        assert np.all(np.abs(one - two) <= slack)


def layers(xp, W, x, b):
    h = xp.tanh(W @ x + b)
    return xp.sin(h * h) / (2 + h) * xp.exp(b)


def both_modes(seed):
    """The list of one function as it is walked for a cotangent and for tangents."""
    exercises = [
        Exercise(
            id=f"both.{asks}",
            function=layers,
            inputs=lambda rng: {"W": rng.normal(size=(3, 5)), "x": rng.normal(size=5), "b": rng.normal(size=3)},
            wrt=("W", "x", "b"),
            asks=asks,
        )
        for asks in ("vjp", "jvp")
    ]
    point = fresh_question(exercises[0], seed, 0).point
    rng = np.random.default_rng(seed)
    w = rng.normal(size=3)
    tangents = tuple(rng.normal(size=np.shape(value)) for value in point.values())
    return Recorded(Question(exercises[0], point, (w,))), Recorded(Question(exercises[1], point, tangents)), w, tangents


def edits_of(recorded):
    """Every kind of edit, at every place where it can be made."""
    rng = np.random.default_rng(0)
    for i, slot, parent in recorded.edges:
        yield Edit(i, parent, slot, times=0.0)
        yield Edit(i, parent, slot, times=-1.5)
        yield Edit(i, i, times=rng.normal(size=recorded.value(i).shape))
        args = tuple(np.asarray(a) + 0.1 for a in recorded.lines[i][2])
        yield Edit(i, parent, slot, at=(args, recorded.lines[i][0].evaluate(*args)))
        if recorded.value(i).shape == recorded.value(parent).shape:
            yield Edit(i, parent, slot, instead=rng.normal(size=recorded.value(i).shape))
    for upper, base, _ in activations(recorded):
        yield Edit(upper, base, instead=1.0)
        for user in {i for i, _, parent in recorded.edges if parent == upper}:
            yield Edit(user, base, through=upper, instead=rng.normal(size=recorded.value(upper).shape))


@pytest.mark.parametrize("seed", range(3))
def test_a_fault_is_the_same_in_both_modes(seed):
    """<w, J u> = <J^T w, u> for the Jacobian with the fault: the walks share no code."""
    up, down, w, tangents = both_modes(seed)
    plain, count = up.answer(), 0
    for edit in edits_of(up):
        pulled, (pushed,) = up.answer([edit]), down.answer([edit])
        assert np.isclose(np.vdot(w, pushed), sum(map(np.vdot, pulled, tangents)), rtol=1e-9, atol=1e-11), edit
        count += any(not np.allclose(a, b) for a, b in zip(pulled, plain, strict=True))
    assert count > 30  # and they are faults


def test_the_shares_of_all_ways_into_an_input_are_everything():
    up, _, _, _ = both_modes(0)
    plain = up.answer()
    for block in range(up.count):
        into = [(i, slot) for i, slot, parent in up.edges if parent == block]
        shares = [plain[block] - up.answer([Edit(i, block, slot, times=0.0)])[block] for i, slot in into]
        assert np.allclose(sum(shares), plain[block])


def test_what_is_computed_twice_is_one_line():
    twice = Exercise(
        id="twice.sigmoid",
        function=lambda xp, x: xp.sum(1 / (1 + xp.exp(-x)) * (1 - 1 / (1 + xp.exp(-x)))),
        inputs=lambda rng: {"x": rng.normal(size=5)},
        wrt=("x",),
    )
    recorded = Recorded(fresh_question(twice, 0, 0))
    assert [line[0].name for line in recorded.lines[1:]].count("exp") == 1
    assert {which.name for _, _, which in activations(recorded)} == {"sigmoid"}


@pytest.mark.parametrize("written", ["np.maximum(x, 0)", "np.where(x > 0, x, 0.0)", "x * (x > 0)", "(x + abs(x)) / 2"])
def test_an_activation_is_known_however_it_is_written(written):
    function = eval(f"lambda x: np.sum(({written}) ** 2)", {"np": np})
    exercise = Exercise(id="any.relu", function=function, inputs=lambda rng: {"x": rng.normal(size=7)}, wrt=("x",))
    assert [which.name for _, _, which in activations(Recorded(fresh_question(exercise, 0, 0)))] == ["ReLU"]


def observed(question, answer):
    """An answer of one block beside the right one."""
    measured = tolerance(question)
    allowed = np.where(np.isfinite(measured.allowed[0]), measured.allowed[0], 0.0)
    return Observation(question, 0, answer(*question.point.values()), measured.blocks, allowed)


def test_another_subgradient_is_told_from_a_mistake():
    exercise = Exercise(
        id="kink.relu",
        function=lambda xp, x: xp.sum(xp.where(x > 0, x, 0 * x) * 3),
        inputs=lambda rng: {"x": rng.normal(size=5)},
        wrt=("x",),
    )
    questions = [fresh_question(exercise, 0, 0), Question(exercise, {"x": np.array([0.0, 1.0, -1.0, 0.0, 2.0])})]

    def said(answer):
        seen = [observed(question, answer) for question in questions]
        return [cause.label for cause in diagnose([seen]).causes]

    assert said(lambda x: 3.0 * (x >= 0)) == ["another subgradient at a kink"]
    assert said(lambda x: 3.0 * (x > 0) + 1.5 * (x == 0)) == ["another subgradient at a kink"]
    assert said(lambda x: 3.0 * (x < 0)) == ["ReLU mask from the wrong quantity"]
    assert said(lambda x: 3.0 * (x > 0)) == []


@pytest.mark.parametrize("step", [1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8])
@pytest.mark.parametrize("sides", [(1, 0), (0, 1), (1, 1)], ids=["forward", "backward", "central"])
def test_difference_quotients_give_themselves_away(step, sides):
    exercise = held_out.QUOTIENT
    question = fresh_question(exercise, 1, 0)
    x, f = question.point["x"], lambda z: np.sum(np.sin(z) / (1 + z**2))
    up, down = (step * side for side in sides)
    quotient = np.array([(f(x + up * unit) - f(x - down * unit)) / (up + down) for unit in np.eye(x.size)])
    right = tolerance(question).blocks[0]
    assert is_quotient(question, 0, quotient, right)
    rng = np.random.default_rng(0)
    for size in (1e-9, 1e-7, 1e-5):
        assert not is_quotient(question, 0, right * (1 + size * rng.normal(size=x.shape)), right)
    assert not is_quotient(question, 0, right.astype(np.float32).astype(float), right)


def test_long_lists_are_given_up_in_time():
    """Two hundred lines: what is tried is bounded, and the same mistake at every step is found all the same."""

    def steps(xp, W, h):
        for _ in range(60):
            h = xp.tanh(W @ h)
        return xp.sum(h)

    def back(W, h, slope):
        values = [h]
        for _ in range(60):
            values.append(np.tanh(W @ values[-1]))
        d, total = np.ones(3), np.zeros((3, 3))
        for before, after in zip(values[-2::-1], values[:0:-1], strict=True):
            d = d * slope(after)
            total, d = total + np.outer(d, before), W.T @ d
        return total

    exercise = Exercise(
        id="long.steps",
        function=steps,
        inputs=lambda rng: {"W": np.linalg.qr(rng.normal(size=(3, 3)))[0] * 1.3, "h": rng.normal(size=3)},
        wrt=("W",),
    )
    questions = [fresh_question(exercise, 0, number) for number in range(2)]

    def said(answer):
        seen = [observed(question, answer) for question in questions]
        return [cause.label for cause in diagnose([seen]).causes]

    assert said(lambda W, h: back(W, h, lambda y: 1 - y)) == ["activation derivative of the wrong form"]
    assert said(lambda W, h: np.sin(3 * W)) == []
