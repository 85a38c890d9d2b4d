"""What an exercise may declare: kinks, precision, published points, shares; and what follows for the mark."""

from dataclasses import replace

import numpy as np
import pytest
from judged import CASES, GRADIENT, JACOBIAN, changing, labels, on_numbers, rarely

from grading.verify import Exercise, ExerciseError, bench, verify
from grading.verify.bench import benches_of
from grading.verify.judge import fault_of
from grading.verify.lint import lint

RULINGS = ("right", "wrong", "right with a note")
ON_KINK = np.array([0.0, -1.5, 2.5])


def relu_sum(xp, x):
    return xp.sum(xp.where(x > 0, x, 0.0 * x))


def with_kink(**more):
    return on_numbers(relu_sum, lambda rng: rng.normal(size=3), edge_inputs=lambda rng: {"x": ON_KINK}, **more)


# --- kinks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ruling", RULINGS)
@pytest.mark.parametrize("slope", [1.0, 0.5])
def test_another_element_of_the_subdifferential(ruling, slope):
    exercise = with_kink(at_kinks=ruling)
    verdict = verify(exercise, lambda x: np.where(x == 0, slope, x > 0), seed=1)
    assert verdict.outcome == ("wrong" if ruling == "wrong" else "right")
    assert any("at a kink" in note for note in verdict.notes) == (ruling == "right with a note")


@pytest.mark.parametrize("slope", [-0.5, 1.001, 2.0])
def test_what_lies_outside_the_subdifferential_is_wrong(slope):
    assert verify(with_kink(), lambda x: np.where(x == 0, slope, x > 0), seed=1).outcome == "wrong"


def test_a_kink_excuses_nothing_off_the_kink():
    assert (
        verify(with_kink(), lambda x: np.where(x == 0, 1.0, x > 0) * (1 + 1e-6 * (x == 2.5)), seed=1).outcome != "right"
    )


def test_a_jacobian_at_a_kink():
    exercise = Exercise(
        id="relu.layer",
        function=lambda xp, W, x: xp.where(W @ x > 0, W @ x, 0.0 * (W @ x)),
        inputs=lambda rng: {"W": rng.normal(size=(3, 5)), "x": rng.normal(size=5)},
        edge_inputs=lambda rng: {"W": np.outer([1.0, 0.0, -1.0], np.ones(5)) + np.eye(3, 5), "x": np.zeros(5)},
        wrt=("x",),
        asks="jacobian",
    )
    assert verify(exercise, lambda W, x: (W @ x > 0)[:, None] * W, seed=1).outcome == "right"
    assert verify(exercise, lambda W, x: (W @ x >= 0)[:, None] * W, seed=1).outcome == "right"
    assert verify(exercise, lambda W, x: (W @ x > 0)[:, None] * W + (W @ x == 0)[:, None], seed=1).outcome == "wrong"


def test_a_kink_of_a_large_layer():
    """Where entries are too many to be measured one by one, those that differ are."""
    exercise = on_numbers(
        relu_sum,
        lambda rng: rng.normal(size=90),
        edge_inputs=lambda rng: {"x": np.where(np.arange(90) % 30 == 7, 0.0, np.linspace(-1.3, 2.1, 90))},
    )
    assert verify(exercise, lambda x: 1.0 * (x > 0), seed=1).outcome == "right"
    assert verify(exercise, lambda x: 1.0 * (x >= 0), seed=1).outcome == "right"
    assert verify(exercise, lambda x: np.where(x == 0, 1.5, x > 0), seed=1).outcome == "wrong"
    assert verify(exercise, lambda x: (x > 0) * (1 + 1e-6 * np.any(x == 0)), seed=1).outcome == "wrong"


def test_values_on_kinks_alone_prove_nothing():
    exercise = on_numbers(lambda xp, x: xp.abs(x), lambda rng: 0.0 * rng.normal())
    assert verify(exercise, lambda x: 0.7, seed=1).outcome == "inconclusive"


def test_a_point_beside_a_kink_is_drawn_again():
    """Finite differences and right answers may take different sides there."""

    def beside(rng):
        return {"x": rng.choice([-1, 1], 3) * rng.choice([1e-9, 1.0], 3, p=[0.2, 0.8])}

    exercise = on_numbers(relu_sum, lambda rng: beside(rng)["x"])
    near = sum(np.any(np.abs(bench.question.point["x"]) < 1e-6) for s in range(20) for bench in benches_of(exercise, s))
    drawn = sum(np.any(np.abs(beside(np.random.default_rng(s))["x"]) < 1e-6) for s in range(60))
    assert near < drawn / 3


# --- precision ---------------------------------------------------------------------------------------------------


def smooth(xp, x):
    return xp.sum(x * xp.sin(x))


def slope(x):
    return np.sin(x) + x * np.cos(x)


def quotient(x, h=1e-6):
    steps = h * np.eye(len(x))
    return np.array([(np.sum((x + s) * np.sin(x + s)) - np.sum((x - s) * np.sin(x - s))) / (2 * h) for s in steps])


@pytest.mark.parametrize("ruling", RULINGS)
@pytest.mark.parametrize(
    ("field", "answer"),
    [("single_precision", lambda x: slope(x.astype(np.float32))), ("finite_differences", quotient)],
)
def test_answers_with_few_digits(field, answer, ruling):
    exercise = on_numbers(smooth, lambda rng: rng.normal(size=5), **{field: ruling})
    verdict = verify(exercise, answer, seed=1)
    assert verdict.outcome == ("wrong" if ruling == "wrong" else "right")
    assert bool(verdict.notes) == (ruling == "right with a note")
    assert verify(exercise, lambda x: slope(x) * 1.01, seed=1).outcome == "wrong"
    assert verify(exercise, lambda x: -slope(x), seed=1).outcome == "wrong"


# --- points ------------------------------------------------------------------------------------------------------


def test_a_published_point_is_asked_as_well():
    exercise = on_numbers(smooth, lambda rng: rng.normal(size=3), published={"x": [2.0, 1.0, 3.0]})
    right = verify(exercise, slope, seed=1)
    assert (right.outcome, right.draws) == ("right", 4)
    only_there = verify(exercise, lambda x: slope(x) + (x[0] == 2.0), seed=1)
    assert only_there.outcome == "wrong"
    assert verify(exercise, lambda x: np.full(3, slope(np.array([2.0, 1.0, 3.0]))), seed=1).outcome == "wrong"


@pytest.mark.parametrize(
    "more",
    [
        {"published": {"y": 1.0}},
        {"given": {"x": [1.0]}, "inputs": None, "published": {"x": [1.0]}},
        {"at_kinks": "maybe"},
        {"single_precision": True},
        {"shares": {"y": 1.0}},
        {"shares": {"x": -1.0}},
        {"shares": {"x": 0.0}},
        {"breach_share": 2.0},
    ],
)
def test_declarations_that_are_refused(more):
    declared = {"id": "a.b", "function": smooth, "inputs": lambda rng: {"x": rng.normal(size=3)}, "wrt": ("x",)}
    with pytest.raises(ExerciseError, match=r"^exercise 'a\.b': "):
        Exercise(**declared | more)


def test_a_difference_at_one_point_of_many_decides_nothing():
    verdict = verify(JACOBIAN.exercise, rarely(JACOBIAN.right, {1}), seed=1)
    assert (verdict.outcome, verdict.causes, verdict.hint) == ("inconclusive", (), 0)
    assert "differ at one of" in verdict.text()
    assert verify(JACOBIAN.exercise, rarely(JACOBIAN.right, {1, 6}), seed=1).outcome == "wrong"


def test_saturated_points_are_drawn_again():
    exercise = on_numbers(lambda xp, x: xp.sum(xp.tanh(x)), lambda rng: rng.normal(size=3) * rng.choice([1.0, 30.0]))
    kept = [np.max(np.abs(bench.question.point["x"])) for seed in range(10) for bench in benches_of(exercise, seed)]
    assert np.mean(np.array(kept) > 10) < 0.1


def test_where_all_is_saturated_nothing_is_proved():
    exercise = on_numbers(lambda xp, x: 1 / (1 + xp.exp(-x)), lambda rng: rng.uniform(45, 50))
    for answer in (lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2, lambda x: 0.0):
        verdict = verify(exercise, answer, seed=1)
        assert verdict.outcome == "inconclusive"
        assert "saturated" in verdict.text()
    assert verify(exercise, lambda x: 1e-3, seed=1).outcome == "wrong"


# --- marks -------------------------------------------------------------------------------------------------------


def test_shares_of_the_blocks():
    exercise = replace(GRADIENT.exercise, shares={"W": 3, "x": 1})
    right = GRADIENT.right
    assert verify(exercise, lambda W, x: (right(W, x)[0], x), seed=1).mark == 3.0
    assert verify(exercise, lambda W, x: (W, right(W, x)[1]), seed=1).mark == 1.0
    assert verify(exercise, right, seed=1).mark == 4.0


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_what_a_breach_leaves(share):
    exercise = replace(JACOBIAN.exercise, breach_share=share)
    verdict = verify(exercise, changing(JACOBIAN.right), seed=1)
    assert (verdict.outcome, verdict.mark) == ("wrong", 2.0 * share)


# --- contract ----------------------------------------------------------------------------------------------------


def locked(array):
    array.flags.writeable = False
    return array


RETURNED = {
    "read-only": locked,
    "strided": lambda a: np.repeat(np.repeat(a, 2, axis=0), 3, axis=1)[::2, ::3],
    "Fortran order": np.asfortranarray,
    "nested lists": lambda a: a.tolist(),
    "reversed view": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "rows": lambda a: [locked(row) for row in a],
}


@pytest.mark.parametrize("form", RETURNED.values(), ids=RETURNED.keys())
def test_arrays_of_any_kind_are_welcome(form):
    assert verify(JACOBIAN.exercise, lambda W, x: form(JACOBIAN.right(W, x)), seed=1).outcome == "right"


def test_float32_that_was_upcast_is_welcome_where_nothing_was_lost():
    exercise = on_numbers(lambda xp, x: xp.sum(x) * 3.0, lambda rng: rng.normal(size=3))
    assert verify(exercise, lambda x: np.full(3, 3.0, np.float32).astype(float), seed=1).outcome == "right"


def test_what_is_kept_from_the_call_before():
    """Right but where the last point is asked once more, after the first."""
    exercise = replace(JACOBIAN.exercise, draws=1, published={"W": np.eye(3, 5) + 0.3, "x": np.arange(5.0)})
    last, calls = np.arange(5.0), []

    def spoils(W, x):
        calls.append(np.array_equal(x, last))
        return JACOBIAN.right(W, x) + (calls[-1] and sum(calls) == 2)

    assert labels(verify(exercise, spoils, seed=1)) == {"two calls disagree"}


# --- lint --------------------------------------------------------------------------------------------------------


def drawn(**shapes):
    return lambda rng: {name: rng.normal(size=shape) for name, shape in shapes.items()}


def exercise_on(inputs, **more):
    return Exercise(id="to.lint", function=lambda xp, W, x: xp.sum((W @ x) ** 2), inputs=inputs, wrt=("W", "x"), **more)


@pytest.mark.parametrize(
    ("exercise", "said"),
    [
        (exercise_on(drawn(W=(5, 5), x=(5,))), "equal axes hide a transpose"),
        (exercise_on(drawn(W=(3, 4), x=(4,))), "axis of length 4"),
        (exercise_on(drawn(W=(3, 1), x=(1,))), "axis of length 1"),
        (exercise_on(drawn(W=(3, 5), x=(5,)), draws=2), "2 fresh points"),
        (exercise_on(lambda rng: {"W": rng.normal(size=(3, 5)), "x": rng.uniform(1, 2, 5)}), "x is never negative"),
        (exercise_on(lambda rng: {"W": np.eye(3, 5) - 0.5, "x": -np.ones(5)}), "every draw is the same point"),
    ],
)
def test_what_lets_mistakes_hide(exercise, said):
    assert any(said in line for line in lint(exercise)), lint(exercise)
    assert all(line.startswith("to.lint: ") for line in lint(exercise))


def test_a_good_exercise_has_nothing_to_say():
    assert lint(exercise_on(drawn(W=(3, 5), x=(5,)))) == ()
    assert all(lint(case.exercise) == () for case in CASES[:4])


def test_sizes_that_the_source_fixes():
    assert lint(exercise_on(drawn(W=(2, 2), x=(2,)), sizes_fixed="the source's network has two units")) == ()
    batch = Exercise(
        id="to.lint",
        function=lambda xp, X, T, w: xp.sum((X @ w - T @ w) ** 2),
        inputs=drawn(X=(6, 2), T=(6, 2), w=(2,)),
        wrt=("w",),
        sizes_fixed="the source's network has two inputs",
    )
    assert "the batch has 6 rows in every draw" in lint(batch)[0]


def cubes(**declared):
    return on_numbers(lambda xp, x: xp.sum(x**3), lambda rng: rng.normal(size=5), **declared)


def in_single(x):
    return 3 * x.astype(np.float32) ** 2


def quotient_of_cubes(step):
    def answer(x):
        return [(np.sum((x + step * e) ** 3) - np.sum((x - step * e) ** 3)) / (2 * step) for e in np.eye(len(x))]

    return answer


@pytest.mark.parametrize("seed", range(3))
def test_float32_and_quotients_do_not_pass_for_each_other(seed):
    noted = "right with a note"
    assert verify(cubes(single_precision=noted), in_single, seed).outcome == "right"
    assert verify(cubes(finite_differences=noted), in_single, seed).outcome == "wrong"
    for step in (1e-3, 1e-6):
        assert verify(cubes(finite_differences=noted), quotient_of_cubes(step), seed).outcome == "right"
        verdict = verify(cubes(single_precision=noted), quotient_of_cubes(step), seed)
        assert verdict.outcome == "wrong"
        assert [cause.label for cause in verdict.causes] == ["a finite difference"]


def test_an_exercise_of_which_nothing_can_be_seen_is_at_fault():
    saturated = on_numbers(lambda xp, x: xp.sum(xp.tanh(x)), lambda rng: 40 * rng.choice([-1.0, 1.0], 5))
    assert "saturated" in fault_of(saturated, 1)
    assert not fault_of(cubes(), 1)


def test_at_an_agreed_kink_one_witness_decides(monkeypatch):
    monkeypatch.setattr(bench, "torch_witness", lambda question: None)
    edge = on_numbers(
        lambda xp, x: xp.sum(xp.abs(x)),
        lambda rng: rng.normal(size=5),
        edge_inputs=lambda rng: {"x": np.array([0.0, 1, -2, 0, 3])},
        at_kinks="wrong",
    )
    assert verify(edge, np.sign, seed=1).outcome == "right"
    assert verify(edge, lambda x: np.where(x >= 0, 1.0, -1.0), seed=1).outcome == "wrong"


def test_one_number_by_hand_is_never_sure_and_never_told():
    by_hand = Exercise(id="by.hand", function=lambda xp, x, y: x**2 * y, given={"x": 3.0, "y": 2.0}, wrt=("x",))
    for answer in (6.0, -12.0):
        (cause,) = verify(by_hand, answer, seed=1).causes
        assert cause.certainty < 0.9
        assert "factors, and that every path" in cause.text


def test_what_is_missing_is_named_and_prints_come_once_per_point(capsys):
    two = on_numbers(lambda xp, x: xp.sum(x**3), lambda rng: rng.normal(size=5))

    def chatty(x):
        print("here")
        return np.sin(x)

    assert verify(two, chatty, seed=1).outcome == "wrong"
    assert capsys.readouterr().out.count("here") == two.draws
    assert "Nothing was returned for x" in verify(two, lambda x: (None,), seed=1).text()


# --- further points ----------------------------------------------------------------------------------------------


def test_what_fails_at_half_of_the_points_is_wrong():
    exercise = on_numbers(lambda xp, x: xp.abs(x) ** 2.5, lambda rng: rng.normal())
    seeds = [seed for seed in range(60) if all(b.question.point["x"] > 0 for b in benches_of(exercise, seed))][:8]
    assert len(seeds) > 3
    with np.errstate(invalid="ignore"):
        outcomes = [verify(exercise, lambda x: 2.5 * np.float64(x) ** 1.5, seed).outcome for seed in seeds]
    assert outcomes.count("wrong") >= len(seeds) / 2
    for seed in seeds:
        assert verify(exercise, lambda x: 2.5 * np.sign(x) * np.abs(x) ** 1.5, seed).outcome == "right"


def test_outside_the_domain_no_answer_is_owed():
    """What is asked further is only held against an answer where the exercise itself has one."""
    exercise = on_numbers(lambda xp, x: xp.log(x), lambda rng: rng.normal() + 1.0)
    judged, outside = 0, 0
    with np.errstate(invalid="ignore"):
        for seed in range(40):
            further = []
            verdict = verify(exercise, lambda x, seen=further: seen.append(x) or np.exp(-np.log(x)), seed)
            assert verdict.outcome in ("right", "fault")
            judged += verdict.outcome == "right"
            outside += verdict.outcome == "right" and min(further) < 0
    assert judged > outside > 0


def test_numbers_that_are_not_finite_at_one_point_are_looked_for_beside_it():
    exercise = on_numbers(lambda xp, x: xp.sum(xp.log(1 + x * x)), lambda rng: rng.normal(size=3))

    def fails_far_out(x):
        return np.where(np.max(np.abs(x)) > 2.5, np.nan, 2 * x / (1 + x * x))

    asked = {
        seed: [np.max(np.abs(b.question.point["x"])) > 2.5 for b in benches_of(exercise, seed)] for seed in range(60)
    }
    once = [seed for seed, is_out in asked.items() if sum(is_out) == 1]
    assert len(once) > 5
    assert {verify(exercise, fails_far_out, seed).outcome for seed in once} == {"wrong"}


def test_a_point_outside_the_domain_is_drawn_again():
    exercise = on_numbers(lambda xp, x: xp.sum(xp.log(xp.cosh(x))), lambda rng: 300 * rng.normal(size=5))
    with np.errstate(over="ignore"):
        for seed in range(6):
            assert verify(exercise, np.tanh, seed).outcome == "right"
            assert verify(exercise, lambda x: np.sign(x) * 0.999, seed).outcome == "wrong"
