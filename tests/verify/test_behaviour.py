"""What every answer owes whatever its values: arguments left alone, the same answer twice, earlier answers kept."""

from dataclasses import replace

import numpy as np
import pytest
from judged import CASES, GRADIENT, JACOBIAN, JVP, VJP, changing, drifting, into_one_buffer, labels

from grading.verify import Exercise, verify
from grading.verify.respondent import HomeRespondent


@pytest.mark.parametrize("case", CASES[:5], ids=lambda case: case.exercise.asks)
def test_changed_arguments_cost_half(case):
    verdict = verify(case.exercise, changing(case.right), seed=1)
    assert labels(verdict) == {"changes its arguments"}
    assert (verdict.outcome, verdict.mark) == ("wrong", case.exercise.points / 2)
    assert all(block.right for block in verdict.blocks)
    first = next(iter(case.exercise.inputs(np.random.default_rng(0))))
    assert f"changes {first} in place" in verdict.text()


def test_all_changed_arguments_are_named():
    def spoils(W, x, dW, dx):
        returned = JVP.right(W, x, dW, dx)
        x[0] = dx[0] = 0.0
        return returned

    assert "changes x and the tangent of x in place" in verify(JVP.exercise, spoils, seed=1).text()

    def spoils_cotangent(W, x, w):
        returned = VJP.right(W, x, w)
        w.sort()
        return returned

    assert "changes the cotangent in place" in verify(VJP.exercise, spoils_cotangent, seed=1).text()


def test_an_argument_made_another_shape_has_changed():
    def flattens(W, x):
        returned = JACOBIAN.right(W, x)
        W.shape = (W.size,)
        return returned

    assert labels(verify(JACOBIAN.exercise, flattens, seed=1)) == {"changes its arguments"}


def test_an_argument_changed_and_put_back_has_not_changed():
    def borrows(W, x):
        W *= 2.0
        W /= 2.0
        return JACOBIAN.right(W, x)

    assert verify(JACOBIAN.exercise, borrows, seed=1).outcome == "right"


def test_an_answer_made_in_the_argument_is_right_but_for_the_argument():
    def reuses(W, x):
        W *= (1 - np.tanh(W @ x) ** 2)[:, None]
        return W

    verdict = verify(JACOBIAN.exercise, reuses, seed=1)
    assert (labels(verdict), verdict.mark) == ({"changes its arguments"}, 1.0)


def test_two_calls_that_disagree():
    verdict = verify(JACOBIAN.exercise, drifting(JACOBIAN.right), seed=1)
    assert (verdict.outcome, verdict.mark, labels(verdict)) == ("wrong", 1.0, {"two calls disagree"})


def test_a_second_call_that_fails_disagrees():
    asked = set()

    def once(*args):
        if args[0].tobytes() in asked and args[1].tobytes() in asked:
            raise RuntimeError("enough")
        asked.update(arg.tobytes() for arg in args)
        return JACOBIAN.right(*args)

    exercise = replace(JACOBIAN.exercise, draws=1)  # or else two points meet, before one of them is asked again
    assert labels(verify(exercise, once, seed=1)) == {"two calls disagree"}


def test_values_from_an_earlier_call():
    kept = []

    def cached(*args):
        kept.append(JACOBIAN.right(*args))
        return kept[0]

    verdict = verify(JACOBIAN.exercise, cached, seed=1)
    assert verdict.outcome == "wrong"
    assert verdict.mark == 0.0
    assert verdict.blocks[0].worst.point == 2


def test_a_buffer_that_a_later_call_overwrites():
    verdict = verify(JACOBIAN.exercise, into_one_buffer(JACOBIAN.right), seed=1)
    assert (verdict.outcome, verdict.mark, labels(verdict)) == ("wrong", 1.0, {"overwrites an earlier answer"})


def test_a_list_that_a_later_call_spoils():
    returned = []

    def spoils(*args):
        if returned:
            returned[0][0] = "gone"
        returned.append(JACOBIAN.right(*args).tolist())
        return returned[-1]

    assert labels(verify(JACOBIAN.exercise, spoils, seed=1)) == {"overwrites an earlier answer"}


def test_nothing_kept_is_nothing_overwritten():
    workspace = np.zeros((3, 5))

    def copies(*args):
        workspace[...] = JACOBIAN.right(*args)
        return workspace.copy()

    assert verify(JACOBIAN.exercise, copies, seed=1).outcome == "right"


def test_a_breach_and_a_mistake_are_both_told():
    verdict = verify(GRADIENT.exercise, changing(lambda W, x: (-GRADIENT.right(W, x)[0], GRADIENT.right(W, x)[1])), 1)
    assert labels(verdict) == {"changes its arguments", "sign"}
    assert verdict.mark == GRADIENT.exercise.points / 4


# --- what is kept by one argument ----------------------------------------------------------------------------------


def kept_by(number, answer, decimals=9):
    """The answer, kept for each value of one of its arguments, to so many decimals."""
    kept = {}

    def cached(*args):
        return kept.setdefault(np.round(args[number], decimals).tobytes(), answer(*args))

    return cached


def activations_kept(W, x, y, kept):
    """Least squares of tanh(x W): "the data never change"."""
    h = kept.setdefault(x.tobytes(), np.tanh(x @ W))
    return x.T @ ((h - y) * (1 - h**2))


LAYER = Exercise(
    id="kept.layer",
    function=lambda xp, W, x, y: 0.5 * xp.sum((xp.tanh(x @ W) - y) ** 2),
    inputs=lambda r: {"W": r.normal(size=(3, 5)), "x": r.normal(size=(7, 3)), "y": r.normal(size=(7, 5))},
    wrt=("W",),
)
KEPT = [(case.exercise, case.right, k) for case in (GRADIENT, JACOBIAN, JVP, VJP) for k in (0, 1)]


@pytest.mark.parametrize(("exercise", "right", "number"), KEPT, ids=lambda value: getattr(value, "asks", ""))
def test_an_answer_kept_by_one_argument(exercise, right, number):
    verdict = verify(exercise, kept_by(number, right), seed=2)
    assert labels(verdict) == {"an earlier answer returned"}
    assert (verdict.outcome, verdict.mark) == ("wrong", exercise.points / 2)
    assert "one argument is as it was then" in verdict.text()


@pytest.mark.parametrize("decimals", [1, 2, 6])
@pytest.mark.parametrize("number", [0, 1])
def test_an_answer_kept_by_one_rounded_argument(number, decimals):
    for seed in range(6):
        verdict = verify(GRADIENT.exercise, kept_by(number, GRADIENT.right, decimals), seed)
        assert labels(verdict) == {"an earlier answer returned"}


@pytest.mark.parametrize("seed", range(4))
def test_activations_kept_by_the_data(seed):
    kept = {}
    verdict = verify(LAYER, lambda *args: activations_kept(*args, kept), seed)
    assert labels(verdict) == {"an earlier answer returned"}
    assert verify(LAYER, lambda *args: activations_kept(*args, {}), seed).outcome == "right"


def test_an_answer_kept_by_all_its_arguments_is_right():
    kept = {}

    def cached(*args):
        return kept.setdefault(b"".join(arg.tobytes() for arg in args), GRADIENT.right(*args))

    assert verify(GRADIENT.exercise, cached, seed=1).outcome == "right"


@pytest.mark.parametrize("asks", ["gradient", "vjp"])
def test_what_depends_on_one_argument_may_be_kept_by_it(asks):
    kept = {}

    def cached(x, *cotangent):
        slope = kept.setdefault(x.tobytes(), 1 - np.tanh(x) ** 2)
        return slope * cotangent[0] if cotangent else slope

    function = np.tanh if asks == "vjp" else lambda x: np.sum(np.tanh(x))
    exercise = Exercise(
        id="kept.slope", function=function, inputs=lambda r: {"x": r.normal(size=5)}, wrt=("x",), asks=asks
    )
    assert verify(exercise, cached, seed=1).outcome == "right"
    if asks == "vjp":
        assert labels(verify(exercise, kept_by(0, lambda x, g: g * (1 - np.tanh(x) ** 2)), seed=1)) == {
            "an earlier answer returned"
        }


def test_inputs_may_belong_together():
    """An answer need not be right where two points meet: here both inputs always have the same sign."""
    exercise = Exercise(
        id="kept.signs",
        function=lambda xp, a, b: a**2 * b,
        inputs=lambda rng: dict(zip("ab", rng.choice([-1.0, 1.0]) * rng.uniform(1, 2, 2), strict=True)),
        wrt=("a",),
    )
    assert {verify(exercise, lambda a, b: 2 * abs(a * b), seed).outcome for seed in range(6)} == {"right"}


def test_inputs_may_be_in_order():
    """Here the first input is the smaller one, and comes close to the second where points meet."""
    exercise = Exercise(
        id="kept.order",
        function=lambda a, b: (b - a) ** 2 * a,
        inputs=lambda rng: dict(zip("ab", np.sort(rng.uniform(1, 2, 2)), strict=True)),
        wrt=("a",),
    )
    answers = [lambda a, b: abs(b - a) * (b - 3 * a), lambda a, b: abs(b - a) * (b - a) - 2 * (b - a) * a]
    assert {verify(exercise, answer, seed).outcome for answer in answers for seed in range(30)} == {"right"}


# --- spot checks ---------------------------------------------------------------------------------------------------


def test_an_argument_changed_at_some_points_has_changed():
    def sometimes(W, x):
        returned = JACOBIAN.right(W, x)
        if W[0, 0] > 0.5:
            x += 1.0
        return returned

    found = [labels(verify(JACOBIAN.exercise, sometimes, seed)) for seed in range(20)]
    assert all(each <= {"changes its arguments"} for each in found)
    assert sum(map(bool, found)) >= 18  # at 3 in 10 points: unseen at 11 points by 2 seeds of 100


def test_numbers_that_are_not_finite_at_some_points():
    def fails(W, x):
        return np.where(x[0] > 0.58, np.nan, JACOBIAN.right(W, x))  # at 28 of 100 points

    outcomes = [verify(JACOBIAN.exercise, fails, seed).outcome for seed in range(20)]
    assert outcomes.count("wrong") >= 18


class Slow:
    """An array as far as NumPy is concerned, which never comes."""

    def __array__(self, dtype=None, copy=None):
        while True:
            pass


class Exits:
    def __array__(self, dtype=None, copy=None):
        raise SystemExit


def fails_in_half_a_character(W, x):
    raise ValueError("\ud800")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda W, x: np.zeros((30_000, 3_000)), "an array of shape (30000, 3000), which is too large for an answer"),
        (lambda W, x: [np.zeros((2000, 1000)), 1.0], "an array of shape (2000, 1000), which is too large"),
        (lambda W, x: (np.zeros(600_000), np.zeros(600_000)), "arrays with 1200000 numbers in all, which is too large"),
        (lambda W, x: Slow(), "it had not returned after 0.2 seconds"),
        (lambda W, x: Exits(), "Your function stopped with SystemExit"),
        (fails_in_half_a_character, "ValueError: ?"),
    ],
)
def test_what_cannot_be_made_into_arrays_is_told_in_time(answer, said):
    verdict = verify(replace(GRADIENT.exercise, limit_s=0.2), answer, 5)
    assert (verdict.outcome, verdict.mark) == ("wrong", 0)
    assert said in verdict.text()
    assert verdict.text().encode()
    assert verdict.html().encode()


def test_an_array_as_large_as_answers_may_be_is_judged():
    assert "of shape (1000000,); expected 2 arrays" in verify(GRADIENT.exercise, lambda W, x: np.ones(10**6), 5).text()


def test_a_gradient_may_be_as_large_as_what_it_is_given():
    large = HomeRespondent(lambda x: 2 * x).ask([np.ones(1_500_000)], 5.0)
    assert large.error is None
    assert large.values[0].shape == (1_500_000,)
