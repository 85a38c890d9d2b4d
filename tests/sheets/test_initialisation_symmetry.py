"""Sheet 5: what it says about symmetry, against networks that are trained here."""

import jupytext
import nbformat
import numpy as np
import pytest
from masters import COURSE, rehearsal

import autodiff
from grading.answers.keys import read_keys
from grading.sheets import Prose, Variant, load_sheet
from grading.verify.sampling import edge_question, fresh_question

NAME = "05_initialisation_symmetry"
KEYS = read_keys(COURSE.assignment(NAME).parent, NAME, 0)
PREDICTIONS = ("symmetry.guess_dependence", "symmetry.guess_rows", "symmetry.guess_noise")
PERSONAL = ("symmetry.constant_output", "symmetry.table", "symmetry.moved")
MASTER = jupytext.read(COURSE.master(NAME), fmt="py:percent").cells


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def test_numbers_by_hand_differ_between_students():
    for name in PERSONAL:
        statements = {load_sheet(NAME, Variant(0, f"student-{number:02d}"))[name].statement for number in range(12)}
        assert len(statements) > 5, name


def test_known_mistakes_are_no_right_answers():
    for number in range(40):
        exercise = load_sheet(NAME, Variant(0, f"student-{number:02d}"))["symmetry.constant_output"]
        numbers = [exercise.value(), *(wrong() for wrong in exercise.mistakes.values())]
        assert min(np.diff(np.sort(numbers))) > 10**-exercise.decimals, numbers


def test_the_release_holds_the_digits_and_no_solution():
    release = nbformat.read(COURSE.assignment(NAME), as_version=4)
    text = "\n".join(cell.source for cell in release.cells)
    assert not any(word in text for word in ("SOLUTION", "1 - z**2", '{"C", "E"}', "By induction", 'down-up"\n'))
    files = [course / "digits.csv" for course in (COURSE.master(NAME).parent, COURSE.assignment(NAME).parent)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_digits_are_small_whole_numbers_with_their_source_and_licence():
    path = COURSE.master(NAME).parent / "digits.csv"
    head = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert "UCI Machine Learning Repository" in " ".join(head)
    assert "Creative Commons Attribution 4.0" in " ".join(head)
    digits = np.loadtxt(path, delimiter=",")
    assert digits.shape == (800, 65)
    assert set(np.unique(digits[:, :64])) == set(range(17))
    assert set(digits[:, 64]) == set(range(10))


def test_objectives_and_text_name_every_exercise_and_its_points():
    text = [cell.source for cell in MASTER if cell.cell_type == "markdown"]
    for item in load_sheet(NAME).exercises:
        assert f"`{item.id}`" in text[0], item.id
        points = f"{item.points:g} point" + "s" * (item.points != 1)
        assert any(f"`{item.id}` ({points}" in cell for cell in text[1:]), item.id


# --- what the sheet says, against networks trained here ------------------------------------------------------------

ACTIVATIONS = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": lambda a: np.maximum(a, 0.0),
    "softplus": lambda a: np.log(1 + np.exp(a)),
    "sine": np.sin,
}
RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(9, 3)), RNG.normal(size=9)


def constant(c, units=5, inputs=3):
    return [np.full((units, inputs), c), np.full(units, c), np.full((1, units), c), np.array(c)]


def trained(start, steps=30, activation=sigmoid, rates=(0.3,) * 4, samples=lambda k: (X, T), keep=None):
    """The parameters after some steps of gradient descent, by autodiff, sample by sample."""
    parameters = [np.array(value, float) for value in start]
    for k in range(steps):
        batch, targets = samples(k)
        kept = np.ones(len(parameters[1])) if keep is None else keep(k)

        def loss(W0, b0, W1, b1, batch=batch, targets=targets, kept=kept):
            outputs = [np.sum(W1[0] * kept * activation(np.sum(W0 * x, axis=1) + b0)) + b1 for x in batch]
            return sum((y - t) ** 2 for y, t in zip(outputs, targets, strict=True)) / (2 * len(targets))

        slopes = autodiff.grad(loss, argnums=(0, 1, 2, 3))(*parameters)
        parameters = [value - rate * slope for value, rate, slope in zip(parameters, rates, slopes, strict=True)]
    return parameters


def units_are_equal(parameters):
    W0, b0, W1, _ = parameters
    return all(np.ptp(value, axis=axis).max() < 1e-9 for value, axis in ((W0, 0), (b0, 0), (W1[0], 0)))


@pytest.mark.parametrize("c", [0.0, 0.5, -2.0])
def test_equal_units_stay_equal_from_any_constant(c):
    W0, b0, W1, b1 = trained(constant(c))
    assert units_are_equal((W0, b0, W1, b1))
    said = {
        "z": np.ptp([sigmoid(W0 @ x + b0) for x in X], axis=1).max() < 1e-9,
        "rows": np.ptp(W0, axis=0).max() < 1e-9,
        "entries": np.ptp(W0) < 1e-9,
        "b0": np.ptp(b0) < 1e-9,
        "W1": np.ptp(W1) < 1e-9,
        "layers": abs(b0[0] - W1[0, 0]) < 1e-9,
    }
    assert key_opens("symmetry.what_is_equal", said)


def key_opens(name, said):
    """Whether the key opens for exactly those options that are said to hold."""
    item = load_sheet(NAME)[name]
    assert set(said) == set(item.options)
    return KEYS[name].fits(sorted(option for option, holds in said.items() if holds))


def test_the_stuck_activations_are_those_with_which_only_the_last_bias_moves():
    said = {}
    for name, activation in ACTIVATIONS.items():
        W0, b0, W1, b1 = trained(constant(0.0), activation=activation)
        said[name] = not (np.any(W0) or np.any(b0) or np.any(W1))
        assert b1 != 0
    assert key_opens("symmetry.stuck", said)


def test_what_breaks_the_symmetry_is_what_tells_units_apart():
    rng = np.random.default_rng(1)
    start = dict(zip(("W0", "b0", "W1", "b1"), constant(0.5), strict=True))
    random = {name: rng.normal(size=np.shape(start[name])) for name in ("b0", "W1", "b1")}
    ends = {name: trained((start | {name: value}).values()) for name, value in random.items()}
    ends["batches"] = trained(constant(0.5), samples=lambda k: (X[rows := rng.permutation(9)[:4]], T[rows]))
    ends["dropout"] = trained(constant(0.5), keep=lambda k: rng.integers(2, size=5))
    ends["momentum"] = with_momentum(constant(0.5))
    ends["noise"] = trained(constant(0.5), samples=lambda k: (X + 0.3 * rng.normal(size=X.shape), T))
    assert key_opens("symmetry.breaks", {name: not units_are_equal(end) for name, end in ends.items()})


def with_momentum(start, steps=30):
    parameters, moving = start, [np.zeros_like(value) for value in start]
    for _ in range(steps):
        stepped = trained(parameters, steps=1)
        moving = [0.9 * old + new - value for old, new, value in zip(moving, stepped, parameters, strict=True)]
        parameters = [value + move for value, move in zip(parameters, moving, strict=True)]
    return parameters


def test_one_unit_goes_the_same_way_with_its_own_step_sizes_only():
    h, rate, start = 5, 0.3, constant(0.5)
    W0, b0, W1, b1 = trained(start)
    single = [start[0][:1], start[1][:1], h * start[2][:, :1], start[3]]
    sizes = {
        "same": (rate, rate, rate, rate),
        "up-down": (rate * h, rate * h, rate / h, rate),
        "down-up": (rate / h, rate / h, rate * h, rate),
        "down-down": (rate / h, rate / h, rate / h, rate),
    }
    agrees = {}
    for name, rates in sizes.items():
        w, b, s, last = trained(single, rates=rates)
        pairs = ((w[0], W0[0]), (b[0], b0[0]), (s[0, 0], W1.sum()), (last, b1))
        agrees[name] = all(np.allclose(one, other, rtol=1e-9, atol=1e-12) for one, other in pairs)
    (right,) = [name for name, same in agrees.items() if same]
    assert KEYS["symmetry.step_sizes"].fits(right)


def test_no_gradient_depends_on_x_at_zero_and_those_of_the_first_layer_do_elsewhere():
    def network(W0, b0, W1, b1, x):
        return np.sum(W1[0] * autodiff.sigmoid(W0 @ x + b0)) + b1

    for c, depends in ((0.0, False), (0.5, True)):
        at = [autodiff.grad(network, argnums=(0, 1, 2, 3))(*constant(c), x) for x in X[:2]]
        same = [np.array_equal(one, other) for one, other in zip(*at, strict=True)]
        assert same == ([True] * 4 if not depends else [False, False, False, True])
    at_zero = autodiff.grad(network, argnums=(0, 1, 2, 3))(*constant(0.0), X[0])
    assert not np.any(at_zero[0])
    assert not np.any(at_zero[1])
    np.testing.assert_array_equal(at_zero[2], np.full((1, 5), 0.5))
    assert at_zero[3] == 1


def test_the_planted_bug_passes_a_test_at_zero_and_no_other():
    item = load_sheet(NAME)["symmetry.bug"]
    names = {"np": np}
    exec(rehearsal(NAME).solutions["symmetry.bug"], names)
    for question, same in ((edge_question(item.mended, 3), True), (fresh_question(item.mended, 3, 0), False)):
        pairs = zip(
            item.faulty(*question.point.values()), names["loss_gradients"](*question.point.values()), strict=True
        )
        assert all(np.allclose(one, other) for one, other in pairs) is same


def test_in_one_step_from_zero_the_output_layer_moves_alone():
    for number in range(8):
        item = load_sheet(NAME, Variant(number))["symmetry.moved"]
        inputs, units = item.given["inputs"], item.given["units"]
        end = trained(constant(0.0, units, inputs), steps=1, samples=lambda k, d=inputs: (np.ones((1, d)), np.ones(1)))
        assert item.value() == sum(np.count_nonzero(value) for value in end)


def test_the_points_of_the_relu_exercise_have_units_on_and_off_and_all_on_the_kink():
    item = load_sheet(NAME)["symmetry.relu"]
    for seed in range(20):
        point = fresh_question(item, seed, 0).point
        a = point["W0"] @ point["x"] + point["b0"]
        assert a.min() < -0.2 < 0.2 < a.max()
        edge = edge_question(item, seed).point
        assert not np.any(edge["W0"] @ edge["x"] + edge["b0"])


def test_words_are_marked_with_a_rubric_that_adds_up():
    for item in load_sheet(NAME).exercises:
        if isinstance(item, Prose):
            assert item.rubric.count("1 point") == item.points
