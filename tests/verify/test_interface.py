"""What `verify` promises: an outcome, a mark and one readable account of them, whatever the answer does."""

import contextlib
import json
import sys
import threading
import time
import warnings
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from judged import CASES, GRADIENT, JACOBIAN, JVP, VALUE, VJP, labels, on_numbers

from grading.verify import Exercise, Verdict, verify

SQUARES = on_numbers(lambda xp, x: xp.sum(x**2), lambda rng: rng.normal(size=5), points=2)
NUMBER = on_numbers(lambda xp, x: x * xp.sin(x), lambda rng: rng.normal())


def named(case):
    return case.exercise.asks


@pytest.mark.parametrize("case", CASES, ids=named)
@pytest.mark.parametrize("seed", [0, 17, 2**31 - 1])
def test_right_answers(case, seed):
    for answer in (case.right, *case.unusual):
        verdict = verify(case.exercise, answer, seed)
        assert (verdict.outcome, verdict.mark, verdict.causes) == ("right", case.exercise.points, ()), verdict.text()


@pytest.mark.parametrize("case", CASES, ids=named)
@pytest.mark.parametrize("seed", [0, 17, 2**31 - 1])
def test_wrong_answers(case, seed):
    for answer in case.wrong:
        verdict = verify(case.exercise, answer, seed)
        assert verdict.outcome == "wrong", verdict.text()
        assert 0 <= verdict.mark < case.exercise.points


@pytest.mark.parametrize("case", CASES, ids=named)
def test_mark_is_a_plain_float(case):
    for answer in (case.right, *case.wrong, None):
        assert type(verify(case.exercise, answer, seed=1).mark) is float


def test_part_of_the_blocks_earns_part_of_the_marks():
    W_right = verify(GRADIENT.exercise, lambda W, x: (GRADIENT.right(W, x)[0], x), seed=1)
    assert (W_right.outcome, W_right.mark) == ("wrong", GRADIENT.exercise.points / 2)
    assert [block.right for block in W_right.blocks] == [True, False]
    assert W_right.headline().endswith("W is right.")


def test_hint_is_offered_only_while_it_is_not_right():
    assert verify(GRADIENT.exercise, GRADIENT.wrong[0], seed=1).hint == 1
    assert verify(GRADIENT.exercise, GRADIENT.right, seed=1).hint == 0
    assert 'hint("tensor.sq_norm", 1)' in verify(GRADIENT.exercise, GRADIENT.wrong[0], seed=1).text()


# --- how it is asked ---------------------------------------------------------------------------------------------


def test_directions_follow_the_inputs():
    shapes = []

    def spy(*args):
        shapes.append([np.shape(arg) for arg in args])

    verify(JVP.exercise, spy, seed=1)
    verify(VJP.exercise, spy, seed=1)
    assert shapes[0] == [(3, 5), (5,), (3, 5), (5,)]
    assert shapes[-1] == [(3, 5), (5,), (3,)]


def test_every_draw_is_another_point_and_no_integer_becomes_a_float():
    seen = []
    verify(VALUE.exercise, lambda z, label: seen.append((z.tolist(), label)) or 0.0, seed=1)
    points = {tuple(z) for z, _ in seen}
    assert len(points) == VALUE.exercise.draws
    assert all(isinstance(label, np.integer) for _, label in seen)


@pytest.mark.parametrize("draws", [1, 4])
def test_draws_is_the_number_of_points(draws):
    exercise = on_numbers(lambda xp, x: x**2, lambda rng: rng.normal(), draws=draws)
    verdict = verify(exercise, lambda x: 2 * x, seed=1)
    assert verdict.draws == draws
    assert f"at {'one point' if draws == 1 else f'{draws} points'}, against" in verdict.text()


def test_edge_point_is_asked_as_well():
    exercise = on_numbers(
        lambda xp, x: xp.sum(x**2), lambda rng: rng.uniform(1, 2, size=5), edge_inputs=lambda rng: {"x": -np.ones(5)}
    )
    assert verify(exercise, lambda x: 2 * x, seed=1).outcome == "right"
    assert verify(exercise, lambda x: 2 * np.abs(x), seed=1).outcome == "wrong"


def test_same_seed_same_verdict():
    for answer in (GRADIENT.right, *GRADIENT.wrong):
        assert verify(GRADIENT.exercise, answer, seed=3) == verify(GRADIENT.exercise, answer, seed=3)
    assert verify(SQUARES, lambda x: x, seed=3).blocks != verify(SQUARES, lambda x: x, seed=4).blocks


def test_a_seed_is_drawn_and_told():
    verdict = verify(SQUARES, lambda x: x**3)
    assert verify(SQUARES, lambda x: x**3, verdict.seed) == verdict
    assert f"seed {verdict.seed}" in verdict.text()


# --- forms of an answer ------------------------------------------------------------------------------------------

FORMS = {
    "array": lambda x: 2 * x,
    "list": lambda x: [2 * xi for xi in x],
    "tuple of numbers": lambda x: tuple(2 * xi for xi in x),
    "tuple of one": lambda x: (2 * x,),
    "list of one": lambda x: [2 * x],
    "row": lambda x: (2 * x)[None, :],
    "big-endian": lambda x: (2 * x).astype(">f8"),
    "strided": lambda x: np.repeat(2 * x, 2)[::2],
    "extended": lambda x: (2 * x).astype(np.longdouble),
}


@pytest.mark.parametrize("answer", FORMS.values(), ids=FORMS.keys())
def test_accepted_forms(answer):
    assert verify(SQUARES, answer, seed=1).outcome == "right"


@pytest.mark.parametrize("form", [float, np.float64, np.asarray, lambda d: [d], lambda d: (d,), lambda d: [[d]][0]])
def test_a_number_in_any_form(form):
    assert verify(NUMBER, lambda x: form(np.sin(x) + x * np.cos(x)), seed=1).outcome == "right"


def test_a_row_is_noted_and_a_column_is_not_accepted():
    row = verify(SQUARES, lambda x: (2 * x)[None, :], seed=1)
    assert row.notes == ("x: shape (1, 5) was read as (5,)",)
    column = verify(SQUARES, lambda x: (2 * x)[:, None], seed=1)
    assert column.outcome == "wrong"
    assert labels(column) == {"shape that only broadcasts"}


def test_integers_are_numbers():
    exercise = on_numbers(lambda xp, x: 3.0 * x, lambda rng: rng.normal())
    assert verify(exercise, lambda x: 3, seed=1).outcome == "right"


# --- not attempted -----------------------------------------------------------------------------------------------


def raising(exception):
    def answer(*args):
        raise exception

    return answer


@pytest.mark.parametrize("answer", [None, lambda x: None, raising(NotImplementedError("later"))])
def test_not_attempted(answer):
    verdict = verify(SQUARES, answer, seed=1)
    assert (verdict.outcome, verdict.mark, verdict.blocks, verdict.causes) == ("not attempted", 0.0, (), ())


def test_a_forgotten_return_is_pointed_out():
    assert "a `return` is missing" in verify(SQUARES, lambda x: print(end=""), seed=1).text()
    assert "return" not in verify(SQUARES, raising(NotImplementedError()), seed=1).text()


# --- whatever the answer does ------------------------------------------------------------------------------------


class UnprintableError(Exception):
    def __str__(self):
        raise ValueError


class Unwilling:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("not today")


class Rude(BaseException):
    pass


def recursing(x):
    return recursing(x)


ODD = {
    "string": (lambda x: "2x", "of type str"),
    "strings": (lambda x: ["a", "b"], "of type"),
    "complex": (lambda x: 2j * x, "complex; the right one is real"),
    "complex without need": (lambda x: 2 * x + 0j, "return the real part"),
    "object": (lambda x: object(), "of type object"),
    "dict": (lambda x: {"x": 2 * x}, "is a dict; expected an array, or a tuple of arrays in the order"),
    "function": (lambda x: np.sin, "of type ufunc"),
    "generator": (lambda x: (xi for xi in x), "is a generator; expected an array, or a tuple of arrays in the order"),
    "no array": (lambda x: Unwilling(), "not today"),
    "nothing in it": (lambda x: (), "0 arrays"),
    "too many": (lambda x: (x, x, x[:2]), "3 arrays"),
    "ragged": (lambda x: [[1.0, 2.0], [3.0]], "rows have different lengths"),
    "empty": (lambda x: [], "shape (0,)"),
    "not a number": (lambda x: x * np.nan, "5 of 5 entries are not finite"),
    "one infinite": (lambda x: np.where(x == x[0], np.inf, 2 * x), "1 of 5 entries are not finite"),
    "infinite in another shape": (lambda x: np.outer([np.inf, -np.inf], x), "shape (2, 5)"),
    "enormous": (lambda x: np.sign(x) * -1.7e308, "entries differ"),
    "too few parameters": (lambda: 1.0, "TypeError"),
    "too many parameters": (lambda x, y: x, "TypeError"),
    "exception": (lambda x: x[9], "IndexError"),
    "two lines": (raising(ValueError("first\nsecond")), "ValueError: first"),
    "nothing to say": (raising(ValueError()), "ValueError: no message"),
    "unprintable": (raising(UnprintableError()), "UnprintableError: no message"),
    "exit": (lambda x: sys.exit(3), "SystemExit"),
    "no Exception": (raising(Rude("rude")), "Rude: rude"),
    "recursion": (recursing, "RecursionError"),
    "memory": (lambda x: np.empty(2**59), "Error"),
    "no function": (np.arange(5.0), "of type ndarray; hand in the function itself"),
    "a number": (4.2, "of type float; hand in the function itself"),
    "Ellipsis": (..., "of type ellipsis"),
}


@pytest.mark.parametrize(("answer", "said"), ODD.values(), ids=ODD.keys())
def test_odd_answers_are_wrong_and_said_so_in_one_line(answer, said):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        verdict = verify(SQUARES, answer, seed=1)
    assert (verdict.outcome, verdict.mark) == ("wrong", 0.0)
    told = [line for line in verdict.details() if not line.startswith(("Cause", "Likely"))]
    assert len(told) == 1
    assert said in told[0]
    assert "\n" not in told[0]


def test_a_missing_return_is_no_blank():
    points = iter([False, True, False])
    verdict = verify(SQUARES, lambda x: None if next(points) else 2 * x, seed=1)
    assert verdict.outcome == "wrong"
    assert "returned nothing at 1 of 3 points" in verdict.problem


def test_ctrl_c_is_the_persons():
    with pytest.raises(KeyboardInterrupt):
        verify(SQUARES, raising(KeyboardInterrupt()), seed=1)


def endless(x):
    while True:
        pass


def endless_and_stubborn(x):
    with contextlib.suppress(BaseException):
        while True:
            pass
    while True:
        pass


@pytest.mark.parametrize("answer", [endless, endless_and_stubborn, lambda x: time.sleep(60)])
def test_an_endless_loop_is_stopped(answer):
    exercise = on_numbers(lambda xp, x: x**2, lambda rng: rng.normal(), limit_s=0.1)
    start = time.perf_counter()
    verdict = verify(exercise, answer, seed=1)
    assert time.perf_counter() - start < 5
    assert verdict.outcome == "wrong"
    assert "takes too long: it had not returned after 0.1 seconds" in verdict.problem


def test_judging_works_in_a_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(verify(SQUARES, lambda x: 2 * x, seed=1)))
    thread.start()
    thread.join()
    assert found[0].outcome == "right"


def test_the_random_state_is_left_alone():
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    verify(SQUARES, lambda x: 2 * x)
    assert np.array_equal(before, np.random.get_state()[1])


# --- how it reads ------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    VOID = frozenset({"br"})

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.said = [], set(), []

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.said.append(data)


TABLE = ("table", "caption", "thead", "tbody", "tr", "th", "td")


def some_verdicts():
    answers = (
        None,
        GRADIENT.right,
        *GRADIENT.wrong,
        lambda W, x: GRADIENT.right(W, x)[::-1],
        lambda W, x: (GRADIENT.right(W, x)[0], (2 * W.T @ (W @ x))[None]),
        raising(ValueError("<script>alert('&')</script>")),
        lambda W, x: "<b>",
    )
    return [verify(GRADIENT.exercise, answer, seed=2) for answer in answers]


def test_text_starts_with_outcome_and_mark():
    for verdict in some_verdicts():
        first, *rest = verdict.text().splitlines()
        assert first == verdict.headline()
        assert f"{verdict.mark:g} of 4" in first
        assert all(line.startswith("  ") for line in rest)


def test_text_of_a_wrong_entry_names_it_and_the_witnesses():
    def answer(W, x):
        dW, dx = GRADIENT.right(W, x)
        dW[1, 2] += 0.5
        return dW, dx

    verdict = verify(GRADIENT.exercise, answer, seed=2)
    (W, _) = verdict.blocks
    assert (W.differ, W.entries, W.worst.index) == (1, 15, (1, 2))
    assert W.worst.yours - W.worst.witnesses["PyTorch autograd"] == pytest.approx(0.5)
    assert W.worst.witnesses["finite differences"] == pytest.approx(W.worst.witnesses["PyTorch autograd"])
    assert "1 of 15 entries differ: [1, 2]" in verdict.text()
    assert "Furthest off: entry [1, 2] of W at point 1 of 3" in verdict.text()
    assert "Only entry [1, 2] is wrong" in verdict.text()


def test_html_is_closed_escaped_and_says_the_same():
    for verdict in some_verdicts():
        page = Tags()
        page.feed(verdict.html())
        page.close()
        assert page.open == []
        said = " ".join("\n".join(page.said).split())
        assert page.seen <= {"div", "strong", "ul", "li", "small", "pre", *TABLE}
        for line in verdict.text().splitlines():
            assert all(part.strip(" :") in said for part in line.split("   ")), line


def test_json_round_trip():
    for verdict in some_verdicts():
        again = Verdict.from_json(verdict.json())
        assert again == verdict
        assert (again.text(), again.html(), again.draws) == (verdict.text(), verdict.html(), verdict.draws)
        assert json.loads(verdict.json())["outcome"] == verdict.outcome


def test_a_seed_that_is_not_to_be_known_is_not_told():
    assert "seed" not in replace(verify(SQUARES, lambda x: x, seed=91), seed=None).text()


# --- answers that are numbers ------------------------------------------------------------------------------------


def by_hand(**more):
    return Exercise(
        id="by.hand",
        function=lambda xp, x, y: xp.sum(x * y**2),
        given={"x": [1.5, -2.25], "y": 0.7},
        wrt=("x", "y"),
        points=2,
        **more,
    )


EXACT = ([0.49, 0.49], -1.05)


@pytest.mark.parametrize(
    "answer", [EXACT, list(EXACT), (np.array([0.49, 0.49]), np.float64(-1.05)), ([[0.49, 0.49]], [-1.05])]
)
def test_numbers_by_hand(answer):
    for exercise in (by_hand(), by_hand(decimals=2)):
        verdict = verify(exercise, answer, seed=1)
        assert (verdict.outcome, verdict.mark, verdict.draws) == ("right", 2.0, 1)


def test_decimals_allow_half_a_unit_of_the_last_digit():
    exercise = by_hand(decimals=2)
    assert verify(exercise, ([0.4949, 0.4851], -1.05), seed=1).outcome == "right"
    assert verify(by_hand(), ([0.4949, 0.4851], -1.05), seed=1).outcome == "wrong"
    too_far = verify(exercise, ([0.4951, 0.49], -1.05), seed=1)
    assert (too_far.outcome, too_far.mark, labels(too_far)) == ("wrong", 1.0, {"a small relative error"})
    assert "Off in the last digit" in too_far.text()
    assert not verify(exercise, ([0.55, 0.49], -1.05), seed=1).causes


def test_numbers_by_hand_are_explained():
    assert labels(verify(by_hand(decimals=2), ([-0.49, -0.49], 1.05), seed=1)) == {"sign"}
    assert labels(verify(by_hand(decimals=2), ([0.98, 0.98], -1.05), seed=1)) == {"factor 2 too many"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("0.49", "Your answer is of type str"),
        (3j, "Your answer is complex"),
        (lambda x, y: EXACT, "of type function; hand in the numbers themselves"),
        (0.49, "Your answer is one number; expected 2 arrays, in this order: x (2,), y (a number)."),
        (([np.nan, 0.49], -1.05), "1 of 2 entries are not finite"),
    ],
)
def test_odd_numbers(answer, said):
    verdict = verify(by_hand(), answer, seed=1)
    assert verdict.outcome == "wrong"
    assert said in verdict.text()


def test_numbers_left_blank():
    assert verify(by_hand(), None, seed=1).outcome == "not attempted"


def test_jacobian_of_several_outputs_and_axes():
    exercise = Exercise(
        id="three.axes",
        function=lambda xp, W, x: W @ x,
        inputs=lambda rng: {"W": rng.normal(size=(3, 5)), "x": rng.normal(size=5)},
        wrt=("W", "x"),
        asks="jacobian",
    )
    assert verify(exercise, lambda W, x: (np.einsum("ij,k->ijk", np.eye(3), x), W), seed=1).outcome == "right"
    permuted = verify(exercise, lambda W, x: (np.einsum("ij,k->jki", np.eye(3), x), W), seed=1)
    assert (permuted.mark, labels(permuted)) == (0.5, {"axes permuted"})
    assert verify(JACOBIAN.exercise, lambda W, x: JACOBIAN.right(W, x)[:2], seed=1).outcome == "wrong"
