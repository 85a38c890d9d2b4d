"""The line by its key, the mended function by its witnesses, each on its own."""

import numpy as np
import pytest
from odd import ODD

from grading.answers import fault_of, verify
from grading.answers.bug import BugExercise
from grading.answers.keys import WHOLE, Key
from grading.verify import Exercise, ExerciseError, Verdict

CODE = """
def gradient(W, x):
    r = W @ x
    g = -2 * r
    return np.outer(g, x)
"""


def asked(**more):
    return Exercise(
        **{
            "id": "bugs.sign",
            "function": lambda xp, W, x: xp.sum((W @ x) ** 2),
            "inputs": lambda rng: {"W": rng.normal(size=(3, 5)), "x": rng.normal(size=5)},
            "wrt": ("W",),
            "points": 4,
            "draws": 2,
        }
        | more
    )


def bug(line=3, because=(), code=CODE, line_share=0.5, **more):
    item = BugExercise(asked(**more), code=code, line_share=line_share)
    return item.with_key(Key.of(item.salt, {WHOLE: line}, because))


BUG = bug()


def right(W, x):
    return 2 * np.outer(W @ x, x)


def transposed(W, x):
    return 2 * np.outer(x, W @ x)


def judged(answer, exercise=BUG, **said):
    return verify(exercise, answer, 1, said)


@pytest.mark.parametrize("line", [3, np.int64(3), 3.0, "3", "line 3", " Line 3 ", np.array(3)])
def test_both_right_is_right(line):
    verdict = judged(right, line=line)
    assert (verdict.outcome, verdict.mark, verdict.problem, verdict.hint) == ("right", 4.0, "", 0)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("line", [3, 2])
@pytest.mark.parametrize("function", [right, transposed])
def test_each_earns_its_share(share, line, function):
    verdict = judged(function, bug(line_share=share), line=line)
    due = 4 * (share * (line == 3) + (1 - share) * (function is right))
    assert verdict.mark == pytest.approx(due)
    assert type(verdict.mark) is float
    assert (verdict.outcome == "right") == (line == 3 and function is right)


def test_what_is_right_of_the_two_is_told():
    assert (
        judged(right, line=2).problem == "Line 2, which you named, is not where it goes wrong. Your function is right."
    )
    wrong = judged(transposed, line=3)
    assert wrong.problem == "Line 3 is where it goes wrong."
    assert [cause.label for cause in wrong.causes] == ["transposed"]
    assert wrong.blocks[0].problem
    both = judged(transposed, line=2)
    assert both.problem == "Line 2, which you named, is not where it goes wrong."
    assert (both.outcome, both.mark) == ("wrong", 0.0)


def test_why_it_is_not_that_line_is_told_to_who_named_it():
    exercise = bug(because=[(4, "The product is as it should be.")])
    assert "The product is as it should be." in judged(right, exercise, line=4).problem
    assert "as it should be" not in judged(right, exercise, line=2).problem + judged(right, exercise, line=3).problem


def same_again(W, x):
    return np.outer(-2 * (W @ x), x) * (1 + 1e-14)


@pytest.mark.parametrize("answer", [BUG.faulty, same_again], ids=["the faulty one", "the same written otherwise"])
def test_a_function_that_is_not_mended_is_told_so(answer):
    verdict = judged(answer, line=3)
    assert verdict.problem == "Line 3 is where it goes wrong. Your function still gives what the faulty one gives."
    assert (verdict.mark, verdict.causes) == (2.0, ())
    assert judged(answer).outcome == "not attempted"
    assert judged(answer, line=None).outcome == "not attempted"
    assert "still gives" not in judged(transposed, line=3).problem


def test_half_an_answer_is_judged_as_half():
    assert judged(right).problem.startswith('Name the line as a number, too: check("bugs.sign", ..., line=...).')
    assert judged(right).mark == judged(right, line=None).mark == 2.0
    only_line = judged(None, line=3)
    assert (only_line.outcome, only_line.mark) == ("wrong", 2.0)
    assert only_line.problem == "Line 3 is where it goes wrong. The function is not mended yet."
    assert judged(lambda W, x: None, line=3).mark == 2.0
    for nothing in (None, lambda W, x: None):
        assert judged(nothing).outcome == judged(nothing, line=None).outcome == "not attempted"


@pytest.mark.parametrize("line", [0, 5, -3, 3.5, "third", "", "3 or 4", True, [3], {"line": 3}, 10**200, "9" * 400])
def test_what_is_no_line_is_told_the_lines(line):
    verdict = judged(right, line=line)
    assert verdict.problem == "You named no line: line= is the number of one line, from 1 to 4. Your function is right."
    assert verdict.mark == 2.0
    assert judged(BUG.faulty, line=line).outcome == "wrong"


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_whatever_is_handed_in_gets_a_verdict(odd):
    for verdict in (judged(odd, line=3), judged(right, line=odd), judged(right, line=3, more=odd)):
        assert verdict.outcome in ("wrong", "right", "not attempted")
        assert verdict.outcome == "right" or verdict.problem or verdict.causes
        assert 0 <= verdict.mark <= 4
        assert len(verdict.text()) < 2500
        assert Verdict.from_json(verdict.json()) == verdict
    assert judged(right, line=odd).mark == 2.0


def raises(W, x):
    raise RuntimeError("no idea")


def prints(W, x):
    print("here")
    return right(W, x)


def exits(W, x):
    raise SystemExit


def huge(W, x):
    return np.zeros(10**6)


@pytest.mark.parametrize(
    ("answer", "mark"), [(raises, 2), (prints, 4), (exits, 2), (huge, 2), (lambda: 1, 2), (lambda W, x: "text", 2)]
)
def test_functions_that_misbehave(answer, mark, capsys):
    assert judged(answer, line=3).mark == mark


def test_a_function_that_hangs_is_stopped():
    def hangs(W, x):
        while True:
            pass

    verdict = judged(hangs, bug(limit_s=0.2), line=3)
    assert "takes too long" in verdict.problem
    assert verdict.mark == 2.0


def test_without_a_key_it_is_inconclusive():
    bare = BugExercise(asked(), code=CODE).with_key("keys.json is missing")
    assert judged(right, bare, line=3).outcome == "inconclusive"
    assert "keys.json is missing. Put a fresh" in judged(right, bare, line=3).problem
    assert judged(bare.faulty, bare).outcome == "not attempted"


def test_a_fault_of_the_function_is_a_fault_of_the_exercise():
    torn = bug(inputs=lambda rng: {"W": rng.normal(size=(3, 5)) / (rng.random() > 2 or 1), "x": _once(rng)})
    verdict = judged(right, torn, line=3)
    assert (verdict.outcome, verdict.mark) == ("fault", 4.0)
    assert judged(None, torn).outcome == "not attempted"


def _once(rng):
    """Inputs that can be drawn when the exercise is declared, and not later."""
    _once.drawn = getattr(_once, "drawn", 0) + 1
    return rng.normal(size=5) if _once.drawn < 2 else np.full(5, np.nan)


# --- as declared -------------------------------------------------------------------------------------------------


def test_it_is_shown_with_numbered_lines():
    shown = bug(statement="Look here.").shown
    assert shown.startswith("Look here.\n\n```text\n1  def gradient(W, x):\n2      r = W @ x\n")
    many = "def f(x):\n" + "    x = x + 1\n" * 10 + "    return x\n"
    assert "\n 9      x = x + 1\n10      x = x + 1\n" in bug(code=many).shown
    assert BUG.cell_ids == ("bugs-sign-show", "bugs-sign-answer", "bugs-sign")
    assert not BUG.is_personal


def test_the_code_must_be_wrong_and_must_end():
    assert [fault_of(BUG, seed) for seed in range(5)] == [""] * 5
    assert "planted fault does not show" in fault_of(bug(code=CODE.replace("-2", "2")), 0)
    assert "does not end" in fault_of(bug(code="def f(W, x):\n    while True:\n        pass", limit_s=0.2), 0)
    raising = bug(code="def f(W, x):\n    return np.outer(W, x) @ x")
    assert fault_of(raising, 0) == ""
    assert judged(raising.faulty, raising, line=2).mark == 0.0 or judged(raising.faulty, raising).mark == 0.0


SOLUTION = CODE.replace("-2", "2")


@pytest.mark.parametrize(
    ("solution", "fits"),
    [
        (SOLUTION, True),
        (SOLUTION.replace("gradient", "mended"), True),
        ("line = 3\n" + CODE + SOLUTION, True),
        (SOLUTION.replace("2 * r", "2 * r  # mended"), True),
        (CODE, False),
        (SOLUTION.replace("outer(g, x)", "outer(g, 1 * x)"), False),
        (CODE.replace("g, x", "-g, x"), False),
        (SOLUTION.replace("    r = W", "    # longer\n    r = W"), False),
        ("def gradient(W, x):\n    return 2 * np.outer(W @ x, x)", False),
        ("gradient = None", False),
    ],
)
def test_a_solution_mends_one_line_and_names_it(solution, fits):
    assert (BUG.misfit(solution, {WHOLE: 3}) == "") == fits


def test_a_solution_that_names_another_line_does_not_fit():
    assert (
        BUG.misfit(SOLUTION, {WHOLE: 2}) == "no function of its solution differs from the faulty code in line 2 alone"
    )


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"code": "def f(x: return"}, "code is not Python"),
        ({"code": "x = 1"}, "one function and nothing else"),
        ({"code": CODE + "\nx = 1"}, "one function and nothing else"),
        ({"code": ""}, "one function and nothing else"),
        ({"line_share": 1.5}, "line_share"),
        ({"line_share": float("nan")}, "line_share"),
        ({"inputs": None, "given": {"W": np.ones((3, 5)), "x": np.ones(5)}}, "declares inputs"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused_in_one_line(declared, said):
    with pytest.raises(ExerciseError, match=said) as refused:
        bug(**declared)
    assert "\n" not in str(refused.value)


def test_what_is_mended_is_an_exercise():
    with pytest.raises(TypeError, match="must answer an Exercise"):
        BugExercise("bugs.sign", code=CODE)
