"""What a notebook offers beside checking: hints, practice, comparison, progress. None of it moves a mark."""

import json
import re
from dataclasses import replace
from functools import wraps
from pathlib import Path
from types import FunctionType

import numpy as np
import pytest
from classroom import NAME, SHEET

from grading.course.build import read_attempts
from grading.course.layout import Course
from grading.course.start import start
from grading.notebook import check, compare, hint, open_sheet, practice, progress, show
from grading.notebook.comparison import compare as compared
from grading.notebook.state import NOTES_FILE
from grading.notebook.traced import bindings
from grading.verify import Exercise, verify

COMPARABLE = [item for item in SHEET.checked if isinstance(item, Exercise) and item.asks in ("gradient", "vjp", "jvp")]
COMPARABLE = [item.id for item in COMPARABLE if not item.is_data]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A student's copy of the sheet, open, with its folder as the current one."""
    path, _ = start(NAME, tmp_path, "student-07")
    monkeypatch.chdir(path.parent)
    open_sheet(NAME)
    return path.parent


def right(x, a):
    return np.cos(a * x**2) * 2 * a * x


def wrong(x, a):
    return np.cos(a * x**2) * a * x


# --- hints -----------------------------------------------------------------------------------------------------------


def test_running_the_notebook_again_opens_no_further_hint(folder):
    assert hint("chain.one_number").number == 1
    hint("chain.one_number", 2)
    assert [hint("chain.one_number").number for _ in range(3)] == [2, 2, 2]
    assert hint("chain.jacobian").number == 1
    assert json.loads((folder / NOTES_FILE).read_text())["hints"] == {"chain.one_number": 2, "chain.jacobian": 1}


def test_a_failed_check_names_the_next_rung_and_none_after_the_last():
    named = []
    for opened in range(5):
        named.append(check("chain.one_number", wrong).verdict.hint)
        if opened:
            hint("chain.one_number", min(opened, 3))
    assert named == [1, 1, 2, 3, 0]
    assert check("chain.one_number", right).verdict.hint == 0


def test_hints_that_were_opened_do_not_move_a_mark():
    before = check("chain.one_number", right), check("chain.one_number", wrong)
    hint("chain.one_number", 3)
    after = check("chain.one_number", right), check("chain.one_number", wrong)
    assert list(map(repr, before)) == list(map(repr, after)) == ["1.0", "0.0"]


def test_only_the_rung_asked_for_stands_open():
    shown = hint("chain.one_number", 3)._repr_html_()
    assert (shown.count("<details"), shown.count("<details open>")) == (3, 1)
    assert shown.index("<details open>") > shown.rindex("<details>")


def test_a_rung_that_is_not_there_is_not_noted(folder):
    hint("chain.one_number", 9)
    hint("chain.one_number", -1)
    assert not (folder / NOTES_FILE).exists()


@pytest.mark.parametrize("number", ["2", 2.5, None, [], 10**400, float("nan")])
def test_a_rung_that_is_no_number_is_no_rung(number):
    assert hint("chain.one_number", number).text().startswith(("Hint 1 of 3", "There are hints 1 to 3"))


def test_notes_of_more_rungs_than_there_are_open_the_last(folder):
    (folder / NOTES_FILE).write_text('{"hints": {"chain.one_number": 1000000000}}')
    assert hint("chain.one_number").number == 3


# --- practice --------------------------------------------------------------------------------------------------------


def test_practice_comes_after_solving():
    assert "comes after solving" in practice("chain.one_number").text()
    check("chain.one_number", wrong)
    assert "comes after solving" in practice("chain.one_number").text()
    check("chain.one_number", right)
    assert practice("chain.one_number").number == 1


def solve_by_hand(given):
    x, y, k = given.values()
    return 2 * x * y * (y + k)


def test_practice_draws_numbers_nobody_was_given_and_gives_no_marks():
    mine = show("chain.paths_by_hand").given
    check("chain.paths_by_hand", solve_by_hand(mine))
    first, second = practice("chain.paths_by_hand"), practice("chain.paths_by_hand")
    assert len({tuple(given.values()) for given in (mine, first.given, second.given)}) == 3
    assert first.check(solve_by_hand(first.given)).verdict.outcome == "right"
    assert first.check(solve_by_hand(second.given)).verdict.outcome == "wrong"
    assert "point" not in first.check(solve_by_hand(first.given)).text().splitlines()[0]
    assert practice("chain.paths_by_hand", 1).given == first.given
    assert all(f"{value:g}" in repr(first) for value in first.given.values())


def test_practice_leaves_what_is_solved_as_it_is():
    check("chain.one_number", right)
    practice("chain.one_number").check(wrong)
    assert progress().marks == 1


@pytest.mark.parametrize("number", ["2", 2.5, True, [], 0, -(10**7), 10**400, float("nan")])
def test_practice_with_what_is_no_number_says_so(number):
    check("chain.one_number", right)
    assert "numbered from 1" in practice("chain.one_number", number).text()
    assert practice("chain.one_number").number == 1


@pytest.mark.parametrize("call", [check, compare])
@pytest.mark.parametrize("exercise", ["chain.one_numbr", None, 3, []])
def test_an_exercise_that_is_not_there_is_told_as_such(exercise, call):
    assert "has no exercise" in call(exercise, right).text()
    assert "has no exercise" in practice(exercise).text()


# --- progress --------------------------------------------------------------------------------------------------------


def test_progress_tells_what_was_checked_last():
    assert "0 of 21 exercises right, 0 of" in progress().summary()
    check("chain.one_number", right)
    check("chain.jacobian", None)
    rows = {row.exercise: row for row in progress().rows}
    assert (rows["chain.one_number"].state, rows["chain.one_number"].marks) == ("✓ right", "1 of 1")
    assert rows["chain.jacobian"].state == "○ not attempted"
    assert rows["chain.weights"].state == "not checked yet"
    assert rows["chain.lemma"].state == "marked by a person"
    check("chain.one_number", wrong)
    assert progress().marks == 0
    assert '<progress value="0"' in progress()._repr_html_()


# --- compare ---------------------------------------------------------------------------------------------------------


def answers(expect):
    """Known answers of the master's, by exercise."""
    found = []
    for attempt in read_attempts(Course.find(), NAME):
        if attempt.exercise in COMPARABLE and attempt.expect == expect:
            names = {"np": np}
            exec(attempt.source, names)
            written = [value for value in names.values() if isinstance(value, FunctionType)]
            found.append((SHEET[attempt.exercise], written[-1]))
    return found


@pytest.mark.parametrize("expect", ["right", "wrong"])
def test_known_answers_are_told_apart_by_what_they_return(expect, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    known = answers(expect)
    assert len(known) >= len(COMPARABLE)
    for exercise, function in known:
        blocks = verify(exercise, function, 3).blocks
        is_right = bool(blocks) and all(block.right for block in blocks)  # one may be wrong for what it does besides
        said = compared(exercise, function, 3).said
        assert said.startswith("you return what") == is_right, (exercise.id, said)


def weights(W, b, x, target):
    z = W @ x + b
    a = np.tanh(z)
    error = a - target
    dz = error * (1 - a)
    return np.outer(dz, x), dz


def test_the_first_adjoint_that_differs_is_marked_and_the_rest_kept_back():
    found = compare("chain.weights", weights)
    assert "first that differs is d_b" in found.said
    marked = [line for line in found.courses if line.differs]
    assert [line.text.strip() for line in marked] == ["d_b = ..."]
    assert found.courses[-1] is marked[0]
    assert "u1 * u1" not in found.text()
    noted = {line.text.strip(): line.note for line in found.yours}
    assert (noted["a = np.tanh(z)"], noted["error = a - target"]) == ("u1", "d_u1")


def test_steps_inside_one_expression_are_not_missed():
    def in_one(W, b, x, target):
        a = np.tanh(W @ x + b)
        dz = (a - target) * (1 - a**2)
        return np.outer(dz, x), 2 * dz

    found = compare("chain.weights", in_one)
    assert "what is returned" in found.said
    assert not any("d_u1 = ..." in line.text for line in found.courses)


def test_whole_numbers_of_the_courses_lines_are_found_nowhere():
    def picked(xp, x, which):
        return x[which[0]] ** 2 * x[which[1]]

    def by_hand(x, which):
        first, second = int(which[0]), int(which[1])
        bar = np.zeros(3)
        bar[first] += 2 * x[first] * x[second]
        bar[second] += x[first] ** 2
        return bar

    exercise = Exercise(
        id="to.pick",
        function=picked,
        inputs=lambda rng: {"x": rng.normal(size=3), "which": rng.permutation(3)[:2]},
        wrt=("x",),
    )
    found = compared(exercise, by_hand, 3)
    assert "you return what" in found.said
    assert [line.note for line in found.courses if line.note] == ["your bar", "what you return"]
    assert len([line for line in found.courses if "which[" in line.text]) == 2


@pytest.mark.parametrize("answer", [None, 3, "text", lambda: 1 / 0, lambda x, a: 1 / 0, lambda x, a: None])
def test_a_comparison_never_raises(answer):
    assert compare("chain.one_number", answer).text()


class Hostile:
    """A function that fails wherever it is looked at, but for its call."""

    def __call__(self, x, a):
        return self

    def __getattr__(self, name):
        raise RuntimeError("no")


def endless(x, a):
    while True:
        x = x + 1


def leaves(x, a):
    raise SystemExit


def raises(x, a):
    raise ValueError("here")


def keeps_odd_things(x, a):
    odd = Hostile()
    circle = [odd]
    circle.append(circle)
    return circle


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (endless, "your function takes too long: it had not returned after 0.2 seconds"),
        (leaves, "stopped with SystemExit"),
        (raises, 'here (line 3 of test_alongside.py: raise ValueError("here"))'),
        (keeps_odd_things, "the first that differs"),
        (Hostile(), "stopped with RuntimeError"),
        (dict, "stopped with TypeError"),
        (lambda x, a: np.zeros(10**6), "the first that differs"),
    ],
    ids=["endless", "leaves", "raises", "odd things", "hostile", "a class", "huge"],
)
def test_a_comparison_comes_to_an_end_and_says_where_the_function_did_not(answer, said):
    found = compared(replace(SHEET["chain.one_number"], limit_s=0.2), answer, 3).text()
    assert re.sub(r"line \d+ of", "line 3 of", said) in re.sub(r"line \d+ of", "line 3 of", found)
    assert "traced.py" not in found


def test_the_lines_of_a_decorated_function_are_its_own():
    @wraps(weights)
    def decorated(*args):
        return weights(*args)

    assert compare("chain.weights", decorated).yours == compare("chain.weights", weights).yours


def test_a_comparison_of_what_has_no_adjoints_says_so():
    assert "no adjoints to compare" in compare("chain.jacobian", lambda x: x).text()
    assert "no lines to compare" in compare("chain.lemma", lambda x: x).text()


def test_bindings_follow_loops_and_leave_callees_alone():
    def helper(x):
        hidden = [x + 100]
        return hidden[0]

    def looped(x):
        total = 0.0
        for k in range(3):
            total = total + helper(x * k)
        return total, "no number"

    found = [(bound.line, bound.name, float(bound.value)) for bound in bindings(looped, [2.0])]
    assert [value for line, name, value in found if name == "total"] == [0.0, 100.0, 202.0, 306.0]
    assert "hidden" not in {name for line, name, value in found}
    assert found[-1][1:] == ("", 306.0)
