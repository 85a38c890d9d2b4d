"""Right answers pass in whatever form they are written and at whatever size; what is slightly wrong does not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged import CASES, labels, on_numbers, slightly_off

from grading.verify import Exercise, verify
from grading.verify import tolerance as tolerances
from grading.verify.sampling import Question

SIZES = 10.0 ** np.arange(-8, 10)


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


FORMS = {
    "a power": (
        lambda xp, x: xp.sum(x**3),
        [lambda x: 3 * x**2, lambda x: 3 * x * x, lambda x: np.exp(2 * np.log(np.abs(x)) + np.log(3))],
        1e9,
    ),
    "a root": (
        lambda xp, x: xp.sum(xp.sqrt(x * x + 1)),
        [lambda x: x / np.sqrt(x * x + 1), lambda x: x / np.hypot(x, 1), lambda x: np.sin(np.arctan(x))],
        1e9,
    ),
    "probabilities": (
        lambda xp, x: xp.log(xp.sum(xp.exp(x))),
        [softmax, lambda x: np.exp(x) / np.exp(x).sum(), lambda x: np.exp(x - np.log(np.exp(x).sum()))],
        100,
    ),
    "a quotient": (
        lambda xp, x: xp.sum(1 / (1 + x * x)),
        [
            lambda x: -2 * x / (1 + x * x) ** 2,
            lambda x: -2 / (x * (1 / x + x) ** 2),
            lambda x: -2 * x * (1 + x**2) ** -2,
        ],
        1e9,
    ),
    "a tangent": (
        lambda xp, x: xp.sum(xp.tanh(x)),
        [lambda x: 1 - np.tanh(x) ** 2, lambda x: 1 / np.cosh(x) ** 2, lambda x: (1 - np.tanh(x)) * (1 + np.tanh(x))],
        1,
    ),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("function", "answers", "largest"), FORMS.values(), ids=FORMS.keys())
def test_forms_of_a_right_answer(function, answers, largest, size):
    exercise = on_numbers(function, lambda rng: rng.normal(size=5) * min(size, largest))
    for answer in answers:
        verdict = verify(exercise, answer, seed=2)
        assert verdict.outcome == "right", verdict.text()
    assert verify(exercise, slightly_off(answers[0]), seed=2).outcome == "wrong"


@pytest.mark.parametrize("size", SIZES)
def test_forms_of_a_product(size):
    exercise = Exercise(
        id="a.product",
        function=lambda xp, x, A: 0.5 * xp.sum((A @ x) ** 2),
        inputs=lambda rng: {"x": rng.normal(size=5) * size, "A": rng.normal(size=(7, 5))},
        wrt=("x",),
    )
    for answer in (
        lambda x, A: A.T @ (A @ x),
        lambda x, A: (A.T @ A) @ x,
        lambda x, A: np.einsum("ki,kj,j->i", A, A, x),
        lambda x, A: sum(np.outer(row, row) @ x for row in A),
    ):
        assert verify(exercise, answer, seed=2).outcome == "right"


def logistic(x):
    return 1 / (1 + np.exp(-x))


SATURATING = {
    "tanh": (
        lambda xp, x: xp.tanh(x),
        [lambda x: 1 - np.tanh(x) ** 2, lambda x: 1 / np.cosh(x) ** 2, lambda x: (1 - np.tanh(x)) * (1 + np.tanh(x))],
    ),
    "logistic": (
        lambda xp, x: 1 / (1 + xp.exp(-x)),
        [
            lambda x: logistic(x) * (1 - logistic(x)),
            lambda x: logistic(x) * logistic(-x),
            lambda x: 0.25 / np.cosh(x / 2) ** 2,
        ],
    ),
}


@pytest.mark.parametrize("at", [-9.0, -5.0, -3.0, 3.0, 5.0, 7.0, 9.0])
@pytest.mark.parametrize(("function", "answers"), SATURATING.values(), ids=SATURATING.keys())
def test_saturated_units(function, answers, at):
    """The derivative is what is left of 1 - y² after nearly all of its digits are gone."""
    for asks in ("gradient", "jacobian"):
        exercise = on_numbers(function, lambda rng: at * rng.uniform(0.95, 1.05), asks=asks)
        for answer in answers:
            for seed in range(5):
                verdict = verify(exercise, answer, seed)
                assert verdict.outcome == "right", verdict.text()
        assert verify(exercise, slightly_off(answers[0], 1e-7), seed=1).outcome == "wrong"


@pytest.mark.parametrize("gap", [1.0, 1e-3, 1e-7, 1e-12])
@pytest.mark.parametrize("size", [1e-8, 1.0, 1e9])
def test_cancellation(size, gap):
    """Where nearly equal numbers are subtracted, the order of the operations decides about many digits."""

    def draw(rng):
        x = rng.normal(size=5) * size
        return {"x": x, "t": x * (1 + gap * rng.normal(size=5))}

    exercise = Exercise(id="a.gap", function=lambda xp, x, t: 0.5 * xp.sum((x - t) ** 2), inputs=draw, wrt=("x",))
    for answer in (
        lambda x, t: x - t,
        lambda x, t: -(t - x),
        lambda x, t: 3 * x - 3 * t - 2 * x + 2 * t,
        lambda x, t: (x * x - t * t) / (x + t),
    ):
        verdict = verify(exercise, answer, seed=2)
        assert verdict.outcome == "right", verdict.text()
    assert verify(exercise, lambda x, t: 2 * (x - t), seed=2).outcome == "wrong"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.exercise.asks)
@pytest.mark.parametrize("error", [1e-6, -1e-6, 1e-9, 1e-11])
def test_small_relative_errors_are_rejected(case, error):
    verdict = verify(case.exercise, slightly_off(case.right, error), seed=2)
    assert (verdict.outcome, verdict.mark) == ("wrong", 0.0)


@pytest.mark.parametrize("size", SIZES)
def test_small_relative_errors_are_rejected_at_every_size(size):
    exercise = on_numbers(lambda xp, x: xp.sum(x**3), lambda rng: rng.normal(size=5) * size)
    assert verify(exercise, slightly_off(lambda x: 3 * x**2), seed=2).outcome == "wrong"


COUNTS = {
    "an exponent": (lambda xp, x, n: xp.sum(x**n), lambda x, n: n * x ** (n - 1)),
    "a step": (lambda xp, x, n: xp.sum(x**2) * xp.floor(n), lambda x, n: 2 * x * n),
    "a factor": (lambda xp, x, n: n * xp.sum(x**2), lambda x, n: 2 * x * n),
}


@pytest.mark.parametrize(("function", "right"), COUNTS.values(), ids=COUNTS.keys())
def test_numbers_that_mean_what_they_say(function, right):
    """Counts that come as real numbers have no last bits that could be other ones."""
    exercise = Exercise(
        id="a.count",
        function=function,
        inputs=lambda rng: {"x": rng.normal(size=5), "n": float(rng.integers(2, 5))},
        wrt=("x",),
    )
    for seed in range(5):
        assert verify(exercise, right, seed).outcome == "right"
        assert verify(exercise, slightly_off(right), seed).outcome == "wrong"
        below = verify(exercise, lambda x, n: right(x, n) * np.where(x < 0, 1.001, 1), seed)
        assert below.outcome == "wrong"


def in_single(answer):
    return lambda *args: answer(*(arg.astype(np.float32) for arg in args))


@pytest.mark.parametrize("size", SIZES)
def test_single_precision_is_rejected_and_named(size):
    exercise = on_numbers(lambda xp, x: xp.sum(x**3), lambda rng: rng.normal(size=5) * size)
    verdict = verify(exercise, in_single(lambda x: 3 * x**2), seed=2)
    assert (verdict.outcome, labels(verdict)) == ("wrong", {"single precision"})


def difference(f, step, sides):
    def slopes(x):
        found = np.zeros_like(x)
        for i in range(len(x)):
            up, down = x.copy(), x.copy()
            up[i] += step
            down[i] -= step * (sides == 2)
            found[i] = (f(up) - f(down)) / (sides * step)
        return found

    return slopes


@pytest.mark.parametrize("step", [1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8])
@pytest.mark.parametrize("sides", [1, 2])
def test_pasted_finite_differences_are_rejected(step, sides):
    exercise = on_numbers(lambda xp, x: xp.sum(xp.sin(x) * x), lambda rng: rng.normal(size=5))
    answer = difference(lambda x: np.sum(np.sin(x) * x), step, sides)
    verdict = verify(exercise, answer, seed=2)
    assert verdict.outcome == "wrong"
    assert step == 1e-3 or labels(verdict) == {"a finite difference"}


def test_one_wrong_entry_of_many_is_seen():
    exercise = on_numbers(lambda xp, x: xp.sum(xp.sin(x)), lambda rng: rng.normal(size=60))

    def wrong(x):
        return np.cos(x) * np.where(np.arange(60) == 31, 2, 1)

    (block,) = verify(exercise, wrong, seed=2).blocks
    assert (block.differ, block.worst.index) == (1, (31,))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(exponent=st.integers(-8, 9), n=st.integers(3, 7), seed=st.integers(0, 2**31), order=st.permutations(range(4)))
def test_sums_in_any_order_and_scale(exponent, n, seed, order):
    """A polynomial's gradient summed in any order of its terms, over eighteen orders of magnitude."""
    size = 10.0**exponent
    exercise = on_numbers(
        lambda xp, x: xp.sum(x**4 / size**4 - 3 * x**3 / size**3 + 2 * x**2 / size**2 + x / size),
        lambda rng: rng.normal(size=n) * size,
        draws=1,
    )
    terms = (
        lambda z: 4 * z**3 / size,
        lambda z: -9 * z**2 / size,
        lambda z: 4 * z / size,
        lambda z: np.full_like(z, 1 / size),
    )

    def right(x):
        return sum(terms[k](x / size) for k in order)

    assert verify(exercise, right, seed).outcome == "right"
    assert verify(exercise, slightly_off(right), seed).outcome == "wrong"


@settings(max_examples=30, deadline=None, derandomize=True)
@given(rows=st.integers(1, 6), columns=st.integers(1, 6), seed=st.integers(0, 2**31))
def test_any_shapes_and_seeds(rows, columns, seed):
    exercise = Exercise(
        id="any.shape",
        function=lambda xp, W, x: xp.sum(xp.tanh(W @ x) ** 2),
        inputs=lambda rng: {"W": rng.normal(size=(rows, columns)), "x": rng.normal(size=columns)},
        wrt=("W", "x"),
        draws=1,
    )

    def right(W, x):
        y = np.tanh(W @ x)
        back = 2 * y * (1 - y**2)
        return np.outer(back, x), back @ W

    verdict = verify(exercise, right, seed)
    assert (verdict.outcome, verdict.causes) == ("right", ()), verdict.text()
    assert verify(exercise, slightly_off(right), seed).outcome == "wrong"


def test_a_long_sum_may_be_taken_one_term_after_another():
    exercise = Exercise(
        id="a.million",
        function=lambda a, X: np.sum(np.sin(a * X)),
        inputs=lambda rng: {"a": rng.normal(), "X": rng.normal(size=1_000_003)},
        wrt=("a",),
        draws=1,
    )
    for seed in range(4):
        assert verify(exercise, lambda a, X: np.add.accumulate(X * np.cos(a * X))[-1], seed).outcome == "right"


@pytest.mark.parametrize("offset", [-600, 600])
def test_a_logarithms_slope_may_come_from_its_value(offset):
    def of(x):
        return np.log(np.sum(np.exp(x)))

    exercise = on_numbers(of, lambda rng: offset + 5 * rng.normal(size=7))
    for seed in range(12):
        assert verify(exercise, lambda x: np.exp(x - of(x)), seed).outcome == "right"
    assert verify(exercise, slightly_off(softmax, 1e-9), seed=2).outcome == "wrong"


SHIFTED = {
    "a vector": (
        lambda xp, x: xp.log(xp.sum(xp.exp(x - xp.max(x)))) + xp.max(x),
        lambda x: np.exp(x - (np.max(x) + np.log(np.sum(np.exp(x - np.max(x)))))),
        (7,),
    ),
    "rows": (
        lambda xp, x: xp.sum(xp.log(xp.sum(xp.exp(x - xp.max(x, axis=1, keepdims=True)), axis=1)) + xp.max(x, axis=1)),
        lambda x: np.exp(
            x - x.max(1, keepdims=True) - np.log(np.sum(np.exp(x - x.max(1, keepdims=True)), axis=1, keepdims=True))
        ),
        (3, 5),
    ),
}


@pytest.mark.parametrize("offset", [-1e3, 1e4, 1e6])
@pytest.mark.parametrize(("function", "right", "shape"), SHIFTED.values(), ids=SHIFTED.keys())
def test_a_shifted_logarithms_digits_are_lost_at_the_largest_entry_too(function, right, shape, offset):
    """Where one probability dominates, as it does here, its own last bits are those of the offset."""
    exercise = on_numbers(function, lambda rng: offset + 20 * rng.normal(size=shape))
    for seed in range(6):
        verdict = verify(exercise, right, seed)
        assert verdict.outcome == "right", verdict.text()
    assert verify(exercise, slightly_off(right), seed=2).outcome == "wrong"
    assert verify(exercise, lambda x: right(x) * np.where(x < offset, 1.001, 1), seed=2).outcome == "wrong"


def row_softmax(Z):
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def shifted_row_softmax(xp, Z):
    E = xp.exp(Z - xp.max(Z, axis=1, keepdims=True))
    return E / xp.sum(E, axis=1, keepdims=True)


C = np.random.default_rng(3).normal(size=(6, 5))


def through_softmax(Z):
    A = row_softmax(Z)
    return A * (C - np.sum(A * C, axis=1, keepdims=True))


def through_unshifted_softmax(Z):
    A = np.exp(Z) / np.sum(np.exp(Z), axis=1, keepdims=True)
    return A * C - A * np.sum(A * C, axis=1)[:, None]


@pytest.mark.parametrize("size", [1, 5, 10, 20])
def test_a_maximum_taken_out_of_a_softmax_asks_no_more_than_without_it(size):
    """The list's largest entry is minus the sum of the others; to who leaves the maximum out of it, it cancels."""
    exercise = on_numbers(lambda xp, Z: xp.sum(C * shifted_row_softmax(xp, Z)), lambda r: size * r.normal(size=(6, 5)))
    for seed in range(5):
        for right in (through_softmax, through_unshifted_softmax):
            verdict = verify(exercise, right, seed)
            assert verdict.outcome == "right", verdict.text()
    assert verify(exercise, slightly_off(through_softmax), seed=2).outcome == "wrong"
    assert verify(exercise, lambda Z: row_softmax(Z) * C, seed=2).outcome == "wrong"


def test_held_maxima_count_only_where_the_derivative_is_the_same():
    """Of max(x) sum(x^2) they take a term from the largest entry, and from no other."""
    exercise = on_numbers(lambda xp, x: xp.max(x) * xp.sum(x * x), lambda rng: 3 + rng.normal(size=5))
    question = Question(exercise, {"x": np.array([3.0, 7.0, 5.0, 2.5, 6.0])})
    computed = tolerances._computations(question)
    entries = tolerances._flat(computed[0].blocks())
    counted = tolerances._without_maxima(computed, entries, 128 * tolerances.UNIT_ROUNDOFF)
    assert np.flatnonzero(counted == 0).tolist() == [1]
