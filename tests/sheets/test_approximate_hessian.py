"""Sheet 7: what it says about second derivatives, against autodiff and the surrogate."""

from itertools import pairwise

import nbformat
import numpy as np
import pytest
from masters import COURSE, VARIANTS, answer_to, rehearsal

import autodiff
from grading.answers import fault_of, verify
from grading.sheets import Variant, load_sheet
from grading.sheets.approximate_hessian import approximate_diagonal
from grading.verify.sampling import fresh_question

NAME = "07_approximate_hessian"
SHEETS = {variant: load_sheet(NAME, variant) for variant in VARIANTS}


def test_every_exercise_has_an_objective():
    text = COURSE.master(NAME).read_text()
    objectives = text[: text.index("setup=true")]
    for item in SHEETS[VARIANTS[0]].exercises:
        assert f"`{item.id}`" in objectives, item.id


PERSONAL = ["one_weight", "two_units", "left_out", "dropped", "entries", "samples", "saliency"]


@pytest.mark.parametrize("name", [f"hessian.{name}" for name in PERSONAL])
def test_numbers_by_hand_differ_between_students(name):
    students = [Variant(0, f"student-{number:02d}") for number in range(30)]
    items = [load_sheet(NAME, student)[name] for student in students]
    assert len({item.statement for item in items}) > 5
    for item in items[:5]:
        assert verify(item, answer_to(item, rehearsal(NAME).solutions[name]), 0).outcome == "right", item.statement


def test_the_student_gets_no_solution_and_pictures_have_words():
    released = nbformat.read(COURSE.assignment(NAME), as_version=4)
    assert not [cell for cell in released.cells if "SOLUTION" in cell.source]
    solved = nbformat.read(COURSE.solution(NAME), as_version=4)
    pages = [
        output.data.get("text/html", "")
        for cell in solved.cells
        for output in cell.get("outputs", ())
        if "data" in output
    ]
    images = [page for page in pages if "<img" in page]
    assert len(images) >= 9
    assert all('<img alt="' in page and '<img alt=""' not in page for page in images)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.number)
def test_the_planted_bug_shows(variant):
    item = SHEETS[variant]["hessian.bug"]
    assert [fault_of(item, seed) for seed in range(3)] == [""] * 3


# --- what it teaches, against witnesses of its own -------------------------------------------------------------------


def network_point(variant, number):
    return fresh_question(SHEETS[variant]["hessian.network"], 0, number).point


def network_loss(W1, W2, W3, x, target):
    return autodiff.half_squared_error(W3 @ np.tanh(W2 @ np.tanh(W1 @ x)), target)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.number)
@pytest.mark.parametrize("number", range(3))
def test_the_network_is_beckers_and_lecuns_and_not_the_exact_one(variant, number):
    """The second half matters: code for the exact diagonal must not pass for the approximation."""
    point = network_point(variant, number)
    asked = approximate_diagonal(np, **point)
    found = autodiff.becker_lecun(network_loss)(*point.values()).diagonal
    exact = autodiff.hessian_diagonal(network_loss)(*point.values())
    np.testing.assert_allclose(asked, found, rtol=1e-11, atol=1e-13)
    assert np.abs(asked - exact).sum() > 0.01 * np.abs(exact).sum()


def test_the_network_is_the_exact_diagonal_of_a_surrogate():
    """Layer by layer the part above is replaced by a quadratic with a diagonal Hessian, and differentiated exactly."""
    W1, W2, W3, x, target = network_point(VARIANTS[0], 0).values()
    a1 = W1 @ x
    a2 = W2 @ np.tanh(a1)
    y = W3 @ np.tanh(a2)
    g, d = y - target, np.ones(len(y))
    for W, a in ((W3, a2), (W2, a1)):
        held = W @ np.tanh(a)

        def above(a, W=W, g=g, d=d, held=held):
            moved = W @ np.tanh(a) - held
            return np.sum(g * moved + d * moved**2 / 2)

        d, g = np.diag(autodiff.hessian(above)(a)), autodiff.grad(above)(a)
    np.testing.assert_allclose(
        approximate_diagonal(np, W1, W2, W3, x, target), np.outer(d, x**2), rtol=1e-11, atol=1e-13
    )


def test_the_gauss_newton_diagonal_is_autodiffs():
    item = SHEETS[VARIANTS[0]]["hessian.gauss_newton"]
    W1, W2, x = fresh_question(item, 0, 0).point.values()

    def loss(W1):
        return autodiff.half_squared_error(W2 @ np.tanh(W1 @ x), np.ones(len(W2)))

    np.testing.assert_allclose(item.function(np, W1, W2, x), autodiff.gauss_newton_diagonal(loss)(W1), rtol=1e-11)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.number)
def test_the_last_tangent_of_the_table_is_the_second_derivative(variant):
    item = SHEETS[variant]["hessian.two_units"]
    w1, w2 = item.given["w1"], item.given["w2"]

    def loss(a):
        return (w1 * a**2) ** 2 * (w2 * a**2) + (w2 * a**2) ** 3

    exact = autodiff.grad(autodiff.grad(loss))(np.float64(item.given["a"]))
    assert item.titled["tangent"].true["g"] == pytest.approx(exact, rel=1e-12)


def test_what_is_left_out_below_a_softmax():
    item = SHEETS[VARIANTS[0]]["hessian.left_out"]
    p, w = np.array(item.given["p"]), np.array(item.given["w"])

    def loss(z):
        return autodiff.cross_entropy((np.log(p) + w * z)[None, :], np.array([0]))

    exact = autodiff.grad(autodiff.grad(loss))(np.float64(0.0))
    assert item.value() == pytest.approx(np.sum(w**2 * p * (1 - p)) - exact, abs=1e-12)


def depth_error(sizes, loss, activation=np.tanh):
    rng = np.random.default_rng(3)
    P = [rng.normal(size=(m, n)) / np.sqrt(n) for n, m in pairwise(sizes)]
    X, T, labels = rng.normal(size=(9, sizes[0])), rng.normal(size=(9, sizes[-1])), rng.integers(sizes[-1], size=9)

    def f(*P):
        Z = X
        for W in P[:-1]:
            Z = activation(Z @ W.T)
        scores = Z @ P[-1].T
        return autodiff.cross_entropy(scores, labels) if loss == "softmax" else autodiff.half_squared_error(scores, T)

    every = tuple(range(len(P)))
    exact = autodiff.hessian_diagonal(f, every)(*P)
    return autodiff.compare(autodiff.becker_lecun(f, every)(*P), exact)["relative L1"]


def test_when_it_is_exact():
    """The options of hessian.when_exact, in their order; the key is the master's own answer."""
    errors = {
        "a": depth_error([5, 6, 3], "squares"),
        "b": depth_error([5, 6, 3], "softmax"),
        "c": depth_error([5, 6, 7, 3], "squares"),
        "d": depth_error([5, 1, 1, 1, 1, 1, 1], "squares"),
        "e": depth_error([5, 6, 7, 3], "squares", activation=lambda a: 1.0 * a),
    }
    exact = {name for name, error in errors.items() if error < 1e-12}
    assert exact == rehearsal(NAME).names["when_exact"]
    assert all(error > 0.01 for name, error in errors.items() if name not in exact)


@pytest.mark.parametrize("student", range(6))
def test_as_many_samples_as_are_said_are_needed_and_no_fewer(student):
    item = load_sheet(NAME, Variant(0, f"student-{student:02d}"))["hessian.samples"]
    own, *others = item.given["row"]
    error = np.sqrt(np.sum(np.square(others)) / np.array([item.value() - 1, item.value()]))
    assert error[0] > own / 10 >= error[1]


def test_at_a_spike_of_the_scaled_steps_the_loss_bends_where_no_diagonal_looks():
    """Along the step before the highest spike, against what the diagonal has there."""
    names = rehearsal(NAME).names
    loss, arguments = names["training_loss"], names["arguments"]
    before, after = (names["descend"](steps, 0.1, mu=0.1)[0] for steps in (49, 50))
    step = [end - start for start, end in zip(before, after, strict=True)]

    def along(t):
        return loss(*[start + t * way for start, way in zip(before, step, strict=True)])

    diagonal = autodiff.hessian_diagonal(loss, arguments)(*before)
    seen = sum(np.sum(np.abs(d) * way**2) for d, way in zip(diagonal, step, strict=True))
    assert autodiff.grad(autodiff.grad(along))(np.float64(0.0)) > 10 * seen
