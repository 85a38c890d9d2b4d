"""Who is heard, and what follows where witnesses contradict each other, are absent, or cannot say."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from judged import CASES, GRADIENT, judge_holds, labels, on_numbers, slightly_off

import autodiff
from grading.verify import Exercise, verify
from grading.verify.lint import lint
from grading.verify.oracles import autodiff_witness, complex_witness, difference_witness, torch_witness
from grading.verify.sampling import edge_question, fresh_question
from grading.verify.tolerance import tolerance


def vector(rng):
    return rng.normal(size=5)


@pytest.fixture
def no_torch(monkeypatch):
    monkeypatch.setattr("grading.verify.oracles._torch", lambda: (None, None))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.exercise.asks)
def test_witnesses_agree_with_each_other_and_with_a_derivation(case):
    for number in range(5):
        question = fresh_question(case.exercise, 3, number)
        worked_out = case.right(*question.args)
        worked_out = worked_out if isinstance(worked_out, tuple) else (worked_out,)
        measured = tolerance(question)
        differences = difference_witness(question)
        by_step = complex_witness(question, differences)
        assert (by_step is None) == (case.exercise.asks in ("value", "hessian_diagonal"))
        for said in filter(None, (torch_witness(question), autodiff_witness(measured), by_step, differences)):
            assert said.conclusive
            slack = measured.allowed
            for block, bar, more, right in zip(said.blocks, said.bars, slack, worked_out, strict=True):
                assert np.all(np.abs(block - right) <= 10 * bar + more), said.witness


# --- an exercise at fault ----------------------------------------------------------------------------------------


def other_in_torch(xp, x):
    return xp.sum(x**2) if xp is np else xp.sum(x**3)


def value_other_in_torch(xp, x):
    return xp.sum(x) if xp is np else xp.sum(x) + 1e-9


def fails_in_torch(xp, x):
    return xp.sum(np.sin(x) if xp is np else xp.no_such_function(x))


def infinite_slope(xp, x):
    return xp.sum(xp.sqrt(x))


def half_of_torch_detached(xp, x):
    return xp.sum(x * (x if xp is np else x.detach()))


def log_of_anything(xp, x):
    return xp.sum(xp.log(x))


def never_twice_the_same():
    calls = itertools.count()
    return lambda xp, x: xp.sum(x**2) * (1 + next(calls) % 7)


def positive_once(then=-1):
    signs = itertools.chain([1], itertools.repeat(then))
    return lambda rng: np.full(5, 1.5) * next(signs)


def runs_dry():
    draws = iter([np.ones(5)])
    return lambda rng: next(draws)


FAULTS = {
    "other function in torch": (on_numbers(other_in_torch, vector), "PyTorch autograd and autodiff contradict"),
    "other value in torch": (on_numbers(value_other_in_torch, vector, asks="value"), "contradict"),
    "a path cut in torch": (on_numbers(half_of_torch_detached, vector), "contradict"),
    "not deterministic": (on_numbers(never_twice_the_same(), vector), "contradict"),
    "leaves its domain": (
        on_numbers(log_of_anything, positive_once()),
        "no finite value",
    ),
    "infinite slope": (on_numbers(infinite_slope, positive_once(then=0)), "finds values that are not finite"),
    "sampler fails": (on_numbers(lambda xp, x: xp.sum(x), runs_dry()), "its inputs could not be drawn"),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("exercise", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_the_exercises(exercise, said):
    for answer in (lambda x: 2 * x, np.zeros_like, lambda x: "nothing"):
        verdict = verify(exercise, answer, seed=3)
        assert verdict.outcome == "fault"
        assert said in verdict.problem
        assert "\n" not in verdict.problem
        assert verdict.causes == ()
        assert "at fault, not your answer" in verdict.text()


def test_a_wrong_rule_of_autodiff_is_a_fault(monkeypatch):
    monkeypatch.setattr(autodiff.TABLE[np.sin], "formulas", (lambda y, x: np.sin(x),))
    exercise = on_numbers(lambda xp, x: xp.sum(xp.sin(x)), vector)
    assert verify(exercise, np.cos, seed=3).outcome == "fault"
    plain = on_numbers(lambda x: np.sum(np.sin(x)), vector)
    verdict = verify(plain, np.sin, seed=3)
    assert verdict.outcome == "fault"
    assert "autodiff and complex step contradict each other" in verdict.problem


def test_a_blank_is_blank_even_if_the_exercise_is_at_fault():
    assert verify(on_numbers(other_in_torch, vector), None, seed=3).outcome == "not attempted"


# --- PyTorch absent, or left out ---------------------------------------------------------------------------------


def test_without_torch_verdicts_stay_right(no_torch):
    assert judge_holds(CASES)


def test_without_torch_it_is_said(no_torch):
    right = verify(GRADIENT.exercise, GRADIENT.right, seed=3)
    assert right.outcome == "right"
    assert right.witnesses == ("autodiff", "complex step", "finite differences")
    assert "PyTorch is not installed; autodiff, complex step and finite differences agree" in right.text()
    assert set(verify(GRADIENT.exercise, GRADIENT.wrong[0], seed=3).blocks[0].worst.witnesses) == {
        "autodiff",
        "finite differences",
    }


def test_with_torch_nothing_is_said_of_it():
    verdict = verify(GRADIENT.exercise, GRADIENT.right, seed=3)
    assert verdict.witnesses == ("PyTorch autograd", "autodiff", "complex step", "finite differences")
    assert verdict.notes == ()


def test_plain_numpy_is_judged_without_torch():
    plain = on_numbers(lambda x: np.sum(np.sin(x) * x), vector)
    right = verify(plain, lambda x: np.sin(x) + x * np.cos(x), seed=3)
    assert (right.outcome, right.witnesses) == ("right", ("autodiff", "complex step", "finite differences"))
    assert "PyTorch is left out, since the function is plain NumPy" in right.text()
    assert verify(plain, np.sin, seed=3).outcome == "wrong"
    assert verify(plain, slightly_off(lambda x: np.sin(x) + x * np.cos(x)), seed=3).outcome == "wrong"


NOT_FOR_TORCH = {
    "no such function": (fails_in_torch, np.cos, "AttributeError: "),
    "an axis that torch wants": (
        lambda xp, x: xp.sum(xp.cumsum(x) ** 2),
        lambda x: 2 * np.cumsum(np.cumsum(x)[::-1])[::-1],
        "TypeError: cumsum() missing",
    ),
    "a matrix that torch does not broadcast": (
        lambda xp, x: xp.sum(x**2) if xp is np else xp.sum(xp.reshape(x, (5, 1)) @ xp.reshape(x, (5, 1))),
        lambda x: 2 * x,
        "RuntimeError: ",
    ),
}


@pytest.mark.parametrize(("function", "right", "said"), NOT_FOR_TORCH.values(), ids=NOT_FOR_TORCH.keys())
def test_what_fails_in_torch_alone_is_judged_by_the_others(function, right, said):
    exercise = on_numbers(function, vector)
    verdict = verify(exercise, right, seed=3)
    assert (verdict.outcome, verdict.witnesses) == ("right", ("autodiff", "complex step", "finite differences"))
    assert f"PyTorch is left out, since the function fails in it ({said}" in verdict.text()
    assert verify(exercise, slightly_off(right), seed=3).outcome == "wrong"
    assert any(
        f"on.numbers: PyTorch is no witness, since the function fails in it: {said}" in s for s in lint(exercise)
    )


def test_torch_is_left_as_it_was():
    import torch

    before = torch.get_default_dtype()
    verify(GRADIENT.exercise, GRADIENT.right, seed=3)
    verify(on_numbers(fails_in_torch, vector), lambda x: x, seed=3)
    assert torch.get_default_dtype() == before


def test_constants_are_not_rounded_by_torch():
    exercise = on_numbers(lambda xp, x: xp.sum(x * xp.asarray(0.1)), vector)
    assert verify(exercise, lambda x: np.full(5, 0.1), seed=3).outcome == "right"


@pytest.mark.parametrize("asks", ["gradient", "hessian_diagonal"])
def test_an_input_that_does_not_matter(asks):
    exercise = Exercise(
        id="un.used",
        function=lambda xp, x, y: 3.0 * xp.sum(x),
        inputs=lambda rng: {"x": rng.normal(size=3), "y": rng.normal(size=5)},
        wrt=("x", "y"),
        asks=asks,
    )
    first = 3.0 if asks == "gradient" else 0.0
    assert verify(exercise, lambda x, y: (np.full(3, first), np.zeros(5)), seed=3).outcome == "right"


# --- kinks -------------------------------------------------------------------------------------------------------


def relu(xp, x):
    return xp.sum(xp.where(x > 0, x, 0 * x) ** 1)


KINKS = {
    "relu": (relu, lambda x: (x > 0) * 1.0),
    "absolute value": (lambda xp, x: xp.sum(xp.abs(x)), np.sign),
    "squared relu": (lambda xp, x: xp.sum(xp.where(x > 0, x, 0 * x) ** 2), lambda x: 2 * np.maximum(x, 0)),
}


@pytest.mark.parametrize(("function", "right"), KINKS.values(), ids=KINKS.keys())
def test_a_kink_at_the_edge_fails_no_right_answer(function, right):
    exercise = on_numbers(function, vector, edge_inputs=lambda rng: {"x": np.array([0.0, -1.0, 2.0, 0.0, 1.0])})
    for seed in range(5):
        assert verify(exercise, right, seed).outcome == "right"
    assert verify(exercise, lambda x: -right(x), seed=1).outcome == "wrong"


@pytest.mark.parametrize(("function", "right"), KINKS.values(), ids=KINKS.keys())
def test_a_kink_that_is_drawn_fails_no_right_answer(function, right):
    exercise = on_numbers(function, lambda rng: rng.normal(size=5) * rng.integers(0, 2, size=5))
    for seed in range(10):
        assert verify(exercise, right, seed).outcome == "right"


def asked_at(exercise, seed):
    points = []
    verify(exercise, lambda x: points.append(np.array(x)) or np.sign(x), seed)
    return points


def test_a_point_on_a_kink_is_drawn_again():
    exercise = on_numbers(lambda xp, x: xp.abs(x), lambda rng: rng.normal() * rng.integers(0, 2))
    for seed in range(20):
        first = fresh_question(exercise, seed, 0)
        if first.point["x"] == 0:
            assert asked_at(exercise, seed)[0] != 0
            return
    pytest.fail("no kink was drawn, so nothing was tested")


def test_a_tie_on_which_witnesses_differ_is_drawn_again():
    exercise = on_numbers(lambda xp, x: xp.maximum(x, 0 * x), lambda rng: rng.normal() * rng.integers(0, 2))
    for seed in range(20):
        assert verify(exercise, lambda x: float(x > 0), seed).outcome == "right"


def test_finite_differences_say_when_they_cannot_tell():
    exercise = on_numbers(lambda xp, x: xp.sum(xp.abs(x)), vector, edge_inputs=lambda rng: {"x": np.zeros(5)})
    assert difference_witness(fresh_question(exercise, 1, 0)).conclusive
    assert not difference_witness(edge_question(exercise, 1)).conclusive


ALWAYS_ON_A_KINK = on_numbers(lambda x: np.abs(x), lambda rng: 0.0 * rng.normal(), points=2)


def test_one_witness_alone_fails_no_one():
    undecided = verify(ALWAYS_ON_A_KINK, lambda x: 1.0, seed=3)
    assert (undecided.outcome, undecided.hint) == ("inconclusive", 0)
    assert undecided.causes == ()
    assert "Cannot be decided here" in undecided.text()
    for answer in (lambda x: np.nan, lambda x: np.zeros(3), lambda x: "zero"):
        assert verify(ALWAYS_ON_A_KINK, answer, seed=3).outcome == "wrong"
    assert verify(ALWAYS_ON_A_KINK, lambda x: 0.0, seed=3).outcome == "right"


def test_a_declared_convention_decides_at_its_kink():
    exercise = on_numbers(
        lambda x: np.abs(x), lambda rng: rng.normal(), edge_inputs=lambda rng: {"x": 0.0}, at_kinks="wrong"
    )
    assert verify(exercise, lambda x: 1.0 if x == 0 else np.sign(x), seed=3).outcome == "wrong"
    assert verify(exercise, lambda x: 0.0 if x == 0 else np.sign(x), seed=3).outcome == "right"
    assert verify(exercise, lambda x: 1.0 if x == 0 else -np.sign(x), seed=3).outcome == "wrong"
    assert labels(verify(exercise, lambda x: -np.sign(x), seed=3)) == {"sign"}


@pytest.mark.parametrize("size", 10.0 ** np.arange(-3, 4))
@pytest.mark.parametrize("asks", ["gradient", "hessian_diagonal"])
def test_differences_stay_within_ten_bars(asks, size):
    """Where they call themselves conclusive, finite differences are right to ten of their own bars."""
    functions = (
        lambda xp, x: xp.sum(x * xp.sin(x)),
        lambda xp, x: xp.sum(xp.sqrt(1 + x * x)),
        lambda xp, x: xp.sum(x**3) * x[0],
        lambda xp, x: xp.sum(1 / (1 + x * x)),
    )
    for function in functions:
        exercise = on_numbers(function, lambda rng: rng.normal(size=5) * size, asks=asks)
        for number in range(6):
            question = fresh_question(exercise, 1, number)
            shaken = tolerance(question)
            exact, measured = autodiff_witness(shaken), difference_witness(question)
            if measured.conclusive:
                slack = measured.bars[0] + shaken.allowed[0]
                assert np.all(np.abs(exact.blocks[0] - measured.blocks[0]) <= 10 * slack)


# --- smooth, yet not for long steps ------------------------------------------------------------------------------


def bend_at(middle):
    """A smooth bend, as wide as 1, far from the origin: for all steps that can be measured it looks like a kink."""

    def draw(rng):
        far = np.array([middle] * 3 + [0.0] * 4)
        return {"x": far + rng.normal(size=7), "a": far}

    return draw


def softplus(xp, z):
    return xp.where(z > 0, z, 0 * z) + xp.log(1 + xp.exp(-xp.abs(z)))


BENDS = {
    "root": (lambda xp, z: xp.sqrt(1 + z * z), lambda z: z / np.sqrt(1 + z * z)),
    "softplus": (softplus, lambda z: 1 / (1 + np.exp(-z))),
}


@pytest.mark.parametrize("middle", [1e6, 1e7, 1e8])
@pytest.mark.parametrize(("bend", "slope"), BENDS.values(), ids=BENDS.keys())
def test_a_smooth_bend_excuses_nothing(bend, slope, middle):
    exercise = Exercise(
        id="far.away", function=lambda xp, x, a: xp.sum(bend(xp, x - a)), inputs=bend_at(middle), wrt=("x",)
    )
    assert verify(exercise, lambda x, a: slope(x - a), seed=1).outcome == "right"
    for factor in (-1.0, 0.5, 0.9):
        wrong = verify(exercise, lambda x, a, f=factor: np.where(a > 0, f, 1) * slope(x - a), seed=1)
        assert (wrong.outcome, wrong.mark) == ("wrong", 0.0)


def test_a_smooth_bend_excuses_nothing_in_a_jvp():
    exercise = Exercise(
        id="far.push",
        function=lambda xp, x, a: xp.sqrt(1 + (x - a) ** 2),
        inputs=bend_at(1e8),
        wrt=("x",),
        asks="jvp",
    )
    slope = BENDS["root"][1]
    assert verify(exercise, lambda x, a, t: slope(x - a) * t, seed=1).outcome == "right"
    assert verify(exercise, lambda x, a, t: -slope(x - a) * t, seed=1).outcome == "wrong"


MIXED_SIZES = 10.0 ** np.array([-8, -3, 1, 5, 9])


def of_mixed_sizes(rng):
    return {"x": MIXED_SIZES * rng.uniform(1, 2, 5), "s": 1 / MIXED_SIZES}


def on_vector(draw):
    return lambda rng: {"x": draw(rng)}


# name: function, inputs, right; finite differences with long steps are wrong here, and do not know it
ALIASED = {
    "waves on a ramp": (
        lambda xp, x: xp.sum(x + 0.1 * xp.sin(x)),
        on_vector(lambda rng: 1e6 * rng.normal(size=5)),
        lambda x: 1 + 0.1 * np.cos(x),
    ),
    "fine waves": (
        lambda xp, x: xp.sum(x + xp.sin(1e6 * x) * 1e-6),
        on_vector(lambda rng: rng.normal(size=5)),
        lambda x: 1 + np.cos(1e6 * x),
    ),
    "a step on a ramp": (
        lambda xp, x, a: xp.sum(xp.tanh(x - a) + 2 * (x - a)),
        bend_at(1e6),
        lambda x, a: 3 - np.tanh(x - a) ** 2,
    ),
    "sizes far apart": (
        lambda xp, x, s: xp.sum(xp.sin(x * s)) + xp.sum(s * s * x),
        of_mixed_sizes,
        lambda x, s: s * np.cos(x * s) + s * s,
    ),
}


@pytest.mark.parametrize(("function", "inputs", "right"), ALIASED.values(), ids=ALIASED.keys())
def test_differences_that_move_as_steps_get_shorter_blame_nobody(function, inputs, right):
    exercise = Exercise(id="aliased", function=function, inputs=inputs, wrt=("x",))
    for seed in range(3):
        assert verify(exercise, right, seed).outcome == "right"
    wrong = verify(exercise, lambda *args: 1.1 * right(*args), seed=1)
    assert (wrong.outcome, wrong.mark) == ("wrong", 0.0)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("factor", [-1, 0.5, 1 + 1e-4])
def test_a_wrong_rule_shared_by_both_engines_is_still_a_fault(factor, size, monkeypatch):
    """Measured closely, a derivative that is stable still speaks against all who differentiate by rule."""

    def scaled(witness):
        def wrong(*known):
            said = witness(*known)
            return replace(said, blocks=tuple(factor * block for block in said.blocks))

        return wrong

    exercise = on_numbers(lambda xp, x: xp.sum(xp.exp(x / size) + x**2), lambda rng: size * rng.normal(size=5))
    monkeypatch.setattr("grading.verify.bench.torch_witness", scaled(torch_witness))
    monkeypatch.setattr("grading.verify.bench.autodiff_witness", scaled(autodiff_witness))
    assert verify(exercise, lambda x: np.exp(x / size) / size + 2 * x, seed=1).outcome == "fault"


def waves(xp, x):
    return xp.sum(x**2 + xp.sin(x))


@pytest.mark.parametrize("size", [1e5, 1e6, 1e7])
@pytest.mark.parametrize(
    ("asks", "right", "wrong"),
    [
        ("hessian_diagonal", lambda x: 2 - np.sin(x), lambda x: 2 + np.sin(x)),
        ("gradient", lambda x: 2 * x + np.cos(x), lambda x: 2 * x - np.cos(x)),
    ],
    ids=["curvature", "gradient"],
)
def test_waves_that_drown_in_the_functions_rounding_blame_nobody(asks, right, wrong, size):
    exercise = on_numbers(waves, lambda rng: size * rng.normal(size=3), asks=asks)
    for seed in range(4):
        assert verify(exercise, right, seed).outcome == "right"
        assert verify(exercise, wrong, seed).outcome == "wrong"


def test_a_wrong_second_derivative_shared_by_both_engines_is_still_a_fault(monkeypatch):
    def scaled(witness):
        return lambda *known: replace(said := witness(*known), blocks=tuple(1.001 * block for block in said.blocks))

    exercise = on_numbers(lambda xp, x: xp.sum(xp.exp(x) + x**2), vector, asks="hessian_diagonal")
    monkeypatch.setattr("grading.verify.bench.torch_witness", scaled(torch_witness))
    monkeypatch.setattr("grading.verify.bench.autodiff_witness", scaled(autodiff_witness))
    assert verify(exercise, lambda x: np.exp(x) + 2, seed=1).outcome == "fault"


def shifted(x):
    e = np.exp(x - x.max())
    return e / e.sum()


# name: function, inputs, right, wrong; finite differences cannot say anything here
UNSEEN_BY_DIFFERENCES = {
    "softmax far out": (
        lambda x: x.max() + np.log(np.sum(np.exp(x - x.max()))),
        lambda rng: 1e8 + rng.normal(size=5),
        shifted,
        lambda x: shifted(x) - 0.2,
    ),
    "a deviation far out": (
        lambda x: np.sqrt(np.mean((x - np.mean(x)) ** 2)),
        lambda rng: 1e8 + rng.normal(size=5),
        lambda x: (x - x.mean()) / 5 / x.std(),
        lambda x: (x - x.mean()) / 4 / x.std(ddof=1),
    ),
}


def test_differences_of_what_lies_far_off_have_wide_bars():
    exercise = on_numbers(lambda xp, x: 1e9 + xp.sum(xp.sin(x)), vector)
    for seed in range(4):
        assert verify(exercise, np.cos, seed).outcome == "right"
        assert verify(exercise, np.sin, seed).outcome == "wrong"


@pytest.mark.parametrize(
    ("function", "inputs", "right", "wrong"), UNSEEN_BY_DIFFERENCES.values(), ids=UNSEEN_BY_DIFFERENCES.keys()
)
def test_autodiff_and_the_complex_step_decide_together(function, inputs, right, wrong):
    exercise = on_numbers(function, inputs)
    for seed in range(5):
        assert verify(exercise, right, seed).outcome == "right"
        assert verify(exercise, wrong, seed).outcome == "wrong"


FLAT_AT_ZERO = {
    "cube": (lambda xp, x: x**3, lambda x: 3 * x**2),
    "fifth power": (lambda xp, x: x**5, lambda x: 5 * x**4),
    "cosine": (lambda xp, x: xp.cos(x), lambda x: -np.sin(x)),
    "x^2 sin x": (lambda xp, x: x**2 * xp.sin(x), lambda x: 2 * x * np.sin(x) + x**2 * np.cos(x)),
    "bell": (lambda xp, x: xp.exp(-(x**2)), lambda x: -2 * x * np.exp(-(x**2))),
    "cube of tanh": (lambda xp, x: xp.tanh(x) ** 3, lambda x: 3 * np.tanh(x) ** 2 * (1 - np.tanh(x) ** 2)),
}


@pytest.mark.parametrize("asks", ["gradient", "jacobian", "jvp", "vjp"])
@pytest.mark.parametrize(("f", "slope"), FLAT_AT_ZERO.values(), ids=FLAT_AT_ZERO.keys())
def test_witnesses_agree_where_the_slope_itself_is_zero(f, slope, asks):
    exercise = Exercise(
        id="flat.point",
        function=(lambda xp, x: xp.sum(f(xp, x))) if asks == "gradient" else f,
        inputs=lambda rng: {"x": rng.normal(size=5)},
        edge_inputs=lambda rng: {"x": np.array([0.0, 1.0, -1.0, 0.0, 2.0])},
        published={"x": np.zeros(5)},
        wrt=("x",),
        asks=asks,
    )
    right = {
        "gradient": slope,
        "jacobian": lambda x: np.diag(slope(x)),
        "jvp": lambda x, dx: slope(x) * dx,
        "vjp": lambda x, w: slope(x) * w,
    }[asks]
    verdict = verify(exercise, right, seed=1)
    assert verdict.outcome == "right", verdict.text()
    assert verify(exercise, lambda *args: 1.5 * right(*args), seed=1).outcome == "wrong"
