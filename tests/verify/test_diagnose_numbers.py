"""What is named in values, in numbers worked out by hand and in rounded ones; and what is not, for want of evidence."""

import importlib

import numpy as np
import pytest
from judged import labels, on_numbers

from grading.verify import Exercise, known, layouts, misread, places, probes, scales, targets, verify
from grading.verify.catalogue import Observation
from grading.verify.sampling import fresh_question

diagnose = importlib.import_module("grading.verify.diagnose")
planted = importlib.import_module("grading.verify.planted")
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
SEEDS = (0, 17)


def normal(**shapes):
    return lambda rng: {name: rng.normal(size=shape) for name, shape in shapes.items()}


# --- the function's value --------------------------------------------------------------------------------------------

LAYER = Exercise(
    id="value.layer",
    function=lambda xp, X, W, b, y: xp.mean((xp.tanh(X @ W + b) - y) ** 2),
    inputs=normal(X=(7, 3), W=(3, 5), b=5, y=(7, 5)),
    asks="value",
)
LOGS = Exercise(
    id="value.logs",
    function=lambda xp, Z: xp.log(xp.sum(xp.exp(Z), axis=1)),
    inputs=normal(Z=(5, 7)),
    asks="value",
)
SQUARE = Exercise(
    id="value.square",
    function=lambda xp, A, B: A @ B,
    inputs=normal(A=(5, 5), B=(5, 5)),
    asks="value",
    sizes_fixed="square",
)


TERMS = Exercise(
    id="value.terms",
    function=lambda xp, x, y: xp.log(1 + xp.sum(x**2)) * xp.sum(xp.sin(x) * y),
    inputs=normal(x=5, y=5),
    asks="value",
    sizes_fixed="pairs",
)


def terms(x, y, one=1.0):
    return np.log(one + np.sum(x**2)) * np.sum(np.sin(x) * y)


def layer(X, W, b, y, f=np.tanh, total=np.mean):
    return total((f(X @ W + b) - y) ** 2)


VALUES = [
    (LAYER, "sum for mean", lambda X, W, b, y: layer(X, W, b, y, total=np.sum)),
    (LAYER, "a path or term dropped", lambda X, W, b, y: layer(X, W, 0 * b, y)),
    (LAYER, "a path or term dropped", lambda X, W, b, y: layer(X, W, b, y, f=lambda z: z)),
    (LAYER, "sign of one term", lambda X, W, b, y: layer(X, W, b, -y)),
    (LAYER, "wrong power", lambda X, W, b, y: np.mean(np.abs(np.tanh(X @ W + b) - y))),
    (
        LAYER,
        "activation derivative of the wrong form",
        lambda X, W, b, y: layer(X, W, b, y, lambda z: np.maximum(z, 0)),
    ),
    (LOGS, "wrong axis", lambda Z: np.log(np.sum(np.exp(Z), axis=0))),
    (LOGS, "mean for sum", lambda Z: np.log(np.mean(np.exp(Z), axis=1))),
    (LOGS, "a path or term dropped", lambda Z: np.sum(np.exp(Z), axis=1)),
    (LOGS, "activation derivative at the wrong point", lambda Z: np.sum(Z, axis=1)),
    (LOGS, "coefficient of one term", lambda Z: np.log10(np.sum(np.exp(Z), axis=1))),
    (TERMS, "a path or term dropped", lambda x, y: terms(x, y, 0.0)),
    (TERMS, "sign of one term", lambda x, y: terms(x, y, -1.0)),
    (TERMS, "blocks exchanged", lambda x, y: terms(y, x)),
    (SQUARE, "transposed", lambda A, B: A.T @ B),
    (SQUARE, "product rule misapplied", lambda A, B: A * B),
]


@pytest.mark.parametrize(("exercise", "label", "answer"), VALUES, ids=[f"{e.id} {label}" for e, label, _ in VALUES])
def test_a_slip_in_a_value_is_named(exercise, label, answer):
    for seed in SEEDS:
        verdict = verify(exercise, answer, seed)
        assert [cause.label for cause in verdict.causes][:1] == [label], verdict.text()


def test_a_value_of_something_else_is_not_named():
    for exercise, answer in (
        (LAYER, lambda X, W, b, y: np.sum(np.cos(X)) + 0.3),
        (LOGS, lambda Z: np.sum(Z**3 + np.sin(9 * Z), axis=1)),
        (SQUARE, lambda A, B: np.cos(17 * A + 1)),
    ):
        assert verify(exercise, answer, seed=1).causes == ()


@pytest.mark.parametrize("part", ["_at_every_line", "_in_wrong_order", "_of_other_inputs", "_of_reduction", "_of_sum"])
def test_every_part_of_the_slips_is_needed(part, monkeypatch):
    def first(exercise, answer):
        return [cause.label for cause in verify(exercise, answer, 0).causes][:1]

    twice = Exercise(
        id="value.twice",
        function=lambda xp, x: xp.tanh(2 * xp.tanh(x)),
        inputs=normal(x=5),
        asks="value",
    )
    cases = [(exercise, label, answer) for exercise, label, answer in VALUES]
    cases += [(twice, "a path or term dropped", lambda x: 2 * x)]
    monkeypatch.setattr(misread, part, lambda *args: iter(()))
    assert any(first(exercise, answer) != [label] for exercise, label, answer in cases)


# --- numbers worked out by hand --------------------------------------------------------------------------------------

POINT = {"x": np.array([0.5, -1.2, 0.3]), "w": np.array([1.0, 2.0, -1.5])}
BY_HAND = Exercise(id="hand.tanh", function=lambda xp, x, w: xp.sum(w * xp.tanh(x)), given=POINT, wrt=("x",))
ROUNDED = Exercise(
    id="hand.two",
    function=lambda xp, x, y: xp.sin(x * y) + x / y,
    given={"x": 1.3, "y": 0.7},
    wrt=("x", "y"),
    decimals=3,
)


def test_faults_of_numbers_worked_out_by_hand_are_named_and_not_given_away():
    x, w = POINT["x"], POINT["w"]
    for label, answer in (
        ("activation derivative forgotten", w),
        ("activation derivative of the wrong form", w * (1 - np.tanh(x))),
    ):
        verdict = verify(BY_HAND, answer, 1)
        assert labels(verdict) == {label}
        assert verdict.causes[0].text.startswith("Check that every path")
    inner = verify(ROUNDED, (round(np.cos(0.91) + 1 / 0.7, 3), round(np.cos(0.91) - 1.3 / 0.49, 3)), 1)
    assert [cause.label for cause in inner.causes] == ["inner derivative forgotten"]
    sign = verify(ROUNDED, (round(0.7 * np.cos(0.91) + 1 / 0.7, 3), round(1.3 * np.cos(0.91) + 1.3 / 0.49, 3)), 1)
    assert [cause.label for cause in sign.causes] == ["sign of one term"]


def guesses(count):
    rng = np.random.default_rng(5)
    return [tuple(np.round(rng.uniform(-3, 3, size=2), 3)) for _ in range(count)]


def test_few_digits_are_hardly_explained_by_accident(monkeypatch):
    """Of random numbers with three decimals at most one in ten is explained; without asking for digits, more are."""
    by_accident = sum(bool(verify(ROUNDED, answer, 1).causes) for answer in guesses(60))
    assert by_accident <= 6
    monkeypatch.setattr(diagnose, "_FEW", 0.0)
    monkeypatch.setattr(diagnose, "_MANY", 0.0)
    assert sum(bool(verify(ROUNDED, answer, 1).causes) for answer in guesses(60)) >= by_accident


RIGHT = np.array([0.7 * np.cos(0.91) + 1 / 0.7, 1.3 * np.cos(0.91) - 1.3 / 0.49])


@pytest.mark.parametrize("decimals", [(2, 2), (1, 3), (3, 0)])
def test_of_fewer_decimals_than_were_asked_it_is_said_that_they_are_too_few(decimals):
    answer = tuple(round(number, digits) for number, digits in zip(RIGHT, decimals, strict=True))
    verdict = verify(ROUNDED, answer, 1)
    assert verdict.outcome == "wrong"
    assert {cause.text.rpartition(": ")[2] for cause in verdict.causes} == {"Right as far as it goes; give 3 decimals."}


def test_what_is_off_in_the_last_digit_is_said_to_be():
    verdict = verify(ROUNDED, tuple(np.round(RIGHT, 3) + 0.001), 1)
    assert verdict.outcome == "wrong"
    assert all("ff in the last digit; keep more digits on the way" in cause.text for cause in verdict.causes)
    assert verdict.causes
    assert not any("last digit" in cause.text for cause in verify(ROUNDED, tuple(RIGHT + 0.01), 1).causes)
    assert not any("goes" in cause.text for cause in verify(ROUNDED, (0.0, 0.0), 1).causes)


# --- right to some digits --------------------------------------------------------------------------------------------

SMOOTH = Exercise(
    id="digits.layer",
    function=lambda xp, W, x: xp.sum(xp.tanh(W @ x)),
    inputs=normal(W=(5, 3), x=3),
    wrt=("W",),
)


def slope(W, x, through=lambda z: z, beside=0.0):
    return np.outer(1 - np.tanh(through(W @ x)).astype(float) ** 2 + beside, x)


DIGITS = [
    ("single precision", lambda W, x: slope(W, x, lambda z: z.astype(np.float32))),
    ("half precision", lambda W, x: slope(W, x, lambda z: z.astype(np.float16))),
    ("a small relative error", lambda W, x: slope(W, x, beside=1e-8)),
    ("a small relative error", lambda W, x: slope(W, x, beside=1e-5)),
    ("a small relative error", lambda W, x: np.round(slope(W, x), 6)),
]


@pytest.mark.parametrize(("label", "answer"), DIGITS, ids=[label for label, _ in DIGITS])
def test_what_is_right_to_some_digits_is_named_by_its_error(label, answer):
    for seed in SEEDS:
        verdict = verify(SMOOTH, answer, seed)
        assert [cause.label for cause in verdict.causes] == [label], verdict.text()


def test_precision_is_not_named_without_evidence(monkeypatch):
    monkeypatch.setattr(diagnose, "share_of_error_moved", lambda *args: 0.0)
    for label, answer in DIGITS[:2]:
        assert label not in labels(verify(SMOOTH, answer, 0))
    monkeypatch.setattr(diagnose, "share_of_error_moved", lambda *args: 1.0)
    assert "a small relative error" not in labels(verify(SMOOTH, DIGITS[2][1], 0))


def test_an_error_that_is_not_small_is_no_matter_of_precision():
    verdict = verify(SMOOTH, lambda W, x: slope(W, x) * (1 + 0.1 * np.cos(9 * W)), 0)
    assert verdict.causes == ()


# --- what is known where nothing fits --------------------------------------------------------------------------------


def wrong_at(places, shape, seed, signs=None):
    """An answer to f(x) = sum x sin x, or in a matrix, that is wrong at random places of each point."""
    rng = np.random.default_rng(seed)
    exercise = Exercise(id="known", function=lambda xp, x: xp.sum(x * xp.sin(x)), inputs=normal(x=shape), wrt=("x",))
    seen = []
    for number in range(3):
        question = fresh_question(exercise, seed, number)
        right = rng.normal(size=shape)
        wrong = places(rng, np.asarray(question.point["x"]))
        seen.append(Observation(question, 0, right + wrong * rng.normal(size=shape), (right,), np.full(shape, 1e-12)))
    return list(known.known(seen)) if any(np.any(one.differs) for one in seen) else []


@pytest.mark.parametrize("shape", [(6,), (3, 5), (5, 5)])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 1.0])
def test_no_pattern_is_seen_in_noise(shape, share):
    """Random entries of random answers are wrong: of 100 of them hardly any is said to have a pattern."""
    said = [
        text
        for seed in range(100)
        for text in wrong_at(lambda rng, x: rng.uniform(size=x.shape) < share, shape, seed)
        if "only" in text or "proportional" in text
    ]
    assert len(said) <= 4, said


def test_patterns_are_told_that_are_no_accident():
    assert wrong_at(lambda rng, x: x > 0, (3, 5), 1) == ["wrong only where x is positive."]
    assert wrong_at(lambda rng, x: np.eye(5), (5, 5), 1) == ["wrong on the diagonal only."]
    assert wrong_at(lambda rng, x: np.arange(5) == 3, (3, 5), 1) == ["wrong in columns 3 only, of 5, over all points."]


def test_an_accident_would_be_told_if_it_were_not_weighed(monkeypatch):
    monkeypatch.setattr(known, "_ACCIDENT", np.inf)
    said = [text for seed in range(30) for text in wrong_at(lambda rng, x: rng.uniform(size=x.shape) < 0.1, (6,), seed)]
    assert any("only" in text for text in said)


# --- luck, memory, and two mistakes at once --------------------------------------------------------------------------

BENT = Exercise(
    id="luck.bent",
    function=lambda xp, x, w: xp.sum(w * xp.sin(x)),
    inputs=normal(x=5, w=5),
    wrt=("x",),
    sizes_fixed="one weight each",
)


def bent(x, w):
    """Wrong where any of x is negative, and where its first entry is large."""
    return w * np.cos(x) + w * np.cos(9 * x) * (np.any(x < 0) or x[0] > 1)


def test_inputs_that_miss_the_wrong_branch_prove_nothing(monkeypatch):
    seeds = range(8)
    assert all("is positive, and wrong" not in verify(BENT, bent, seed).text() for seed in seeds)
    monkeypatch.setattr(probes, "_FURTHER", 0)
    assert any("is positive, and wrong" in verify(BENT, bent, seed).text() for seed in seeds)


def test_a_function_that_fails_unless_all_is_square():
    exercise = Exercise(
        id="luck.square", function=lambda xp, W, x: xp.sum((W @ x) ** 2), inputs=normal(W=(5, 3), x=3), wrt=("x",)
    )
    assert labels(verify(exercise, lambda W, x: 3 * W @ (W @ x), 1)) == {"right for square shapes only"}
    assert labels(verify(exercise, lambda W, x: W @ np.ones(4), 1)) == set()


def kept_norm():
    kept = []

    def answer(W, x):
        kept.append(np.tanh(W @ x))
        return np.outer(1 - kept[0] ** 2, x)

    return answer


def test_what_a_first_call_leaves_behind_is_named(monkeypatch):
    assert labels(verify(SMOOTH, kept_norm(), 1)) == {"an earlier answer returned"}
    monkeypatch.setattr(diagnose, "is_stuck", lambda *args: False)
    assert "an earlier answer returned" not in labels(verify(SMOOTH, kept_norm(), 1))


def test_two_mistakes_at_once_are_both_said(monkeypatch):
    def both(W, x):
        return -np.outer(1 - np.tanh(W @ x), x)

    assert labels(verify(SMOOTH, both, 1)) == {"sign", "activation derivative of the wrong form"}
    monkeypatch.setattr(scales, "beside_another", lambda seen: iter(()))
    assert labels(verify(SMOOTH, both, 1)) == {"sign of one term"}  # two faults of the list, which it is as well


def test_a_transpose_beside_another_mistake_is_said_too():
    verdict = verify(SMOOTH, lambda W, x: np.outer(1 - np.tanh(W @ x), x).T, 1)
    assert labels(verdict) == {"transposed", "activation derivative of the wrong form"}


HINGE = Exercise(
    id="kept.hinge",
    function=lambda xp, X, y, w, b: xp.sum(xp.where(y * (X @ w + b) < 1, 1 - y * (X @ w + b), 0 * y)),
    inputs=lambda rng: normal(X=(6, 3))(rng) | {"y": np.sign(rng.normal(size=6))} | normal(w=3, b=())(rng),
    wrt=("w", "b"),
)


def without_labels(X, y, w, b):
    on = 1.0 * (X @ w + b < 1)
    return (on * y) @ X, np.sum(on * y)


def test_an_answer_that_is_right_at_whole_numbers_is_not_kept(monkeypatch):
    """The labels add up to the right number here and there, and never to one right beside it."""
    seeds = range(12)
    assert all("kept between calls" not in verify(HINGE, without_labels, seed).text() for seed in seeds)
    original = probes._moved
    monkeypatch.setattr(probes, "_moved", lambda rng, step, names, point: original(rng, step, list(point), point))
    assert any("kept between calls" in verify(HINGE, without_labels, seed).text() for seed in seeds)


# --- more that can be seen on the arrays -----------------------------------------------------------------------------

MATRIX = Exercise(
    id="arrays.matrix",
    function=lambda xp, A, X: xp.sum(xp.sin(X) * (A @ X)),
    inputs=normal(A=(5, 5), X=(5, 3)),
    wrt=("A", "X"),
    sizes_fixed="A is square",
)


def matrix(A, X):
    return np.sin(X) @ X.T, np.cos(X) * (A @ X) + A.T @ np.sin(X)


def first(how):
    return lambda A, X: (how(matrix(A, X)[0], A, X), matrix(A, X)[1])


ARRAYS = [
    ("an extra term", first(lambda g, A, X: g + g.T)),
    ("an extra term", first(lambda g, A, X: g + g.T - np.diag(np.diag(g)))),
    ("transposed", first(lambda g, A, X: -g.T)),
    ("an extra term", first(lambda g, A, X: g + 1 - np.eye(5))),
    ("one entry or row wrong", first(lambda g, A, X: np.triu(g))),
    ("summed too much", first(lambda g, A, X: g.sum(axis=1, keepdims=True) + 0 * g)),
    ("an input returned", first(lambda g, A, X: A - 0.1 * g)),
    ("an extra factor", first(lambda g, A, X: g / np.linalg.norm(g))),
    ("an extra factor", first(lambda g, A, X: np.clip(g, -1, 1))),
    ("sign", first(lambda g, A, X: np.abs(g))),
    ("reshape for transpose", lambda A, X: (matrix(A, X)[0], matrix(A, X)[1].ravel(order="F"))),
]


@pytest.mark.parametrize(("label", "answer"), ARRAYS, ids=[label for label, _ in ARRAYS])
def test_more_that_shows_on_the_arrays(label, answer):
    for seed in SEEDS:
        verdict = verify(MATRIX, answer, seed)
        found = {cause.label for cause in verdict.causes}
        assert found == {label}, verdict.text()


def test_blocks_may_be_exchanged_and_transposed():
    tall = Exercise(
        id="arrays.tall",
        function=lambda xp, U, V: xp.sum((U @ V) ** 2),
        inputs=normal(U=(3, 5), V=(5, 3)),
        wrt=("U", "V"),
    )

    def gradients(U, V):
        return 2 * (U @ V) @ V.T, 2 * U.T @ (U @ V)

    assert labels(verify(tall, lambda U, V: tuple(g.T for g in gradients(U, V)[::-1]), 1)) == {"blocks exchanged"}


def test_what_is_taken_for_a_second_derivative():
    curved = Exercise(
        id="arrays.curved",
        function=lambda xp, x: xp.sum(x * xp.sin(x)) ** 2,
        inputs=normal(x=5),
        wrt=("x",),
        asks="hessian_diagonal",
    )

    def parts(x):
        return np.sum(x * np.sin(x)), np.sin(x) + x * np.cos(x), 2 * np.cos(x) - x * np.sin(x)

    def rows(x):
        s, d, dd = parts(x)
        return 2 * d * np.sum(d) + 2 * s * dd

    def squared(x):
        s, d, _ = parts(x)
        return (2 * s * d) ** 2

    assert labels(verify(curved, rows, 1)) == {"summed too much"}
    assert labels(verify(curved, squared, 1)) == {"another derivative"}


def never(*args):
    return None


MUTANTS = [
    (layouts, "_with_transpose", never, 0),
    (layouts, "_with_transpose_beside", never, 1),
    (layouts, "_permuted_times", never, 2),
    (places, "_ones_beside", lambda one: False, 3),
    (places, "_left_out", lambda seen: "", 4),
    (layouts, "_spread_totals", lambda seen: (), 5),
    (targets, "_rate", lambda seen: 0.0, 6),
    (scales, "_normalised", lambda one: 0 * one.right, 7),
    (scales, "_bounds", never, 8),
    (layouts, "_reshaped_permuted", never, 10),
]


@pytest.mark.parametrize(("where", "what", "instead", "number"), MUTANTS, ids=[entry[1] for entry in MUTANTS])
def test_each_of_them_is_needed(where, what, instead, number, monkeypatch):
    label, answer = ARRAYS[number]
    monkeypatch.setattr(where, what, instead)
    for other in ("products", "faulty_messages"):  # which find some of them in another way
        monkeypatch.setattr(diagnose, other, lambda wrong: [])
    monkeypatch.setattr(planted, "broadcasts", lambda recorded: iter(()))
    assert label not in labels(verify(MATRIX, answer, 0))


def test_symmetric_answers_are_not_called_transposed():
    gram = Exercise(
        id="arrays.gram",
        function=lambda xp, A: xp.sum(A) ** 3,
        inputs=normal(A=(5, 5)),
        wrt=("A",),
        sizes_fixed="square",
    )
    assert labels(verify(gram, lambda A: 6 * A.sum() ** 2 * np.ones((5, 5)), 1)) == {"factor 2 too many"}


def test_a_number_that_never_changes_is_pasted_in_unless_it_is_simple():
    number = on_numbers(lambda xp, x: x * xp.sin(x), lambda rng: rng.normal())
    assert labels(verify(number, lambda x: 0.57329, 1)) == {"numbers pasted in"}
    assert "numbers pasted in" not in labels(verify(number, lambda x: 0.5, 1))


def test_whole_numbers_are_rounded_only_if_they_are_the_right_ones():
    large = on_numbers(lambda xp, x: xp.sum(x**2) * 3, lambda rng: rng.normal(size=5))
    assert "array of integers" in verify(large, lambda x: (6 * x).astype(int), 1).text()
    verdict = verify(SMOOTH, lambda W, x: np.sign(slope(W, x)), 0)
    assert "a small relative error" not in labels(verdict)
