"""Options by name: however they are written, whatever is handed in instead."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd import ODD

from grading.answers import fault_of, keys, verify
from grading.answers.choice import ChoiceExercise
from grading.answers.keys import Key
from grading.verify import ExerciseError, Verdict

OPTIONS = {"a": "Twice.", "b": "Once.", "c": "Never.", "both": "Both."}


@pytest.fixture(autouse=True, scope="module")
def quick():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(keys, "_ROUNDS", 1)
        keys._slow_hash.cache_clear()
        yield
    keys._slow_hash.cache_clear()


def one(right="b", because=(), **more):
    item = ChoiceExercise("pick.one", OPTIONS, points=3, **more)
    return item.with_key(Key.of(item.salt, item.parts(right), because))


def several(right, because=(), **more):
    item = ChoiceExercise("pick.some", OPTIONS, several=True, points=3, **more)
    return item.with_key(Key.of(item.salt, item.parts(list(right)), because))


@pytest.mark.parametrize("answer", ["b", "B", " b ", "(b)", "b)", "b.", ["b"], ("b",), {"b"}, ["b", "B"]])
def test_the_right_option_is_right_however_it_is_written(answer):
    assert verify(one(), answer, 1) == Verdict("pick.one", "right", 3.0, 3, 1)


@pytest.mark.parametrize("answer", ["a", "c", "BOTH", ["a"]])
def test_another_option_is_wrong(answer):
    verdict = verify(one(hints=("Count.",)), answer, 1)
    assert (verdict.outcome, verdict.mark, verdict.problem, verdict.hint) == ("wrong", 0.0, "", 1)


def test_why_is_told_to_who_gives_this_answer():
    exercise = one(because=[("a", "It is half of that.")])
    assert verify(exercise, "A", 1).problem == "It is half of that."
    assert [verify(exercise, answer, 1).problem for answer in ("b", "c")] == ["", ""]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("d", "'d' is none of the options, which are a, b, c, both"),
        (3, "'3' is none of the options, which are a, b, c, both"),
        (["a", "b"], "one option is asked for, and you named 2; they are a, b, c, both"),
        ("a, b", "'a, b' is none of the options, which are a, b, c, both"),
        ([], "one option is asked for, and you named 0; they are a, b, c, both"),
        (2.5, "name the option as a text; they are a, b, c, both"),
    ],
)
def test_what_is_no_option_is_told_the_options(answer, said):
    verdict = verify(one(), answer, 1)
    assert (verdict.outcome, verdict.problem) == ("wrong", f"This is no choice: {said}.")


def test_numbers_may_be_names():
    item = ChoiceExercise("pick.number", {"1": "one", "2": "two"})
    item = item.with_key(Key.of(item.salt, {"": "2"}))
    assert [verify(item, answer, 1).outcome for answer in (2, "2", [2], 1, True)] == ["right"] * 3 + ["wrong"] * 2


def test_true_and_false_may_be_names():
    item = ChoiceExercise("pick.truth", {"true": "It is.", "false": "It is not."})
    item = item.with_key(Key.of(item.salt, {"": "true"}))
    assert [verify(item, answer, 1).outcome for answer in (True, "True", False, 1)] == ["right"] * 2 + ["wrong"] * 2


def test_nothing_is_not_attempted():
    assert verify(one(), None, 1).outcome == "not attempted"
    assert verify(several("ab"), None, 1).outcome == "not attempted"


@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
@pytest.mark.parametrize("exercise", [one, lambda: several("ab", partial=True)], ids=["one", "several"])
def test_what_is_no_answer_gets_a_verdict_that_says_so(exercise, answer):
    verdict = verify(exercise(), answer, 1)
    assert verdict.outcome in ("wrong", "not attempted", "right")
    assert verdict.outcome == "right" or verdict.problem or verdict.notes
    assert "\n" not in verdict.problem
    assert len(verdict.text()) < 1500
    assert Verdict.from_json(verdict.json()) == verdict


# --- several -----------------------------------------------------------------------------------------------------

SUBSETS = [set(names) for size in range(5) for names in combinations(OPTIONS, size)]


@settings(deadline=None)
@given(right=st.sampled_from(SUBSETS), chosen=st.sampled_from(SUBSETS), how=st.sampled_from([set, sorted, tuple]))
def test_a_set_is_right_as_a_whole(right, chosen, how):
    verdict = verify(several(right), how(chosen), 1)
    assert (verdict.outcome, verdict.mark) == (("right", 3.0) if chosen == right else ("wrong", 0.0))


@settings(deadline=None)
@given(right=st.sampled_from(SUBSETS), chosen=st.sampled_from(SUBSETS))
def test_a_part_of_it_earns_its_part(right, chosen):
    verdict = verify(several(right, partial=True), chosen, 1)
    hits = len(right & chosen)
    due = 3.0 if chosen == right else 3 * max(0, hits - (len(chosen) - hits)) / len(right) if right else 0.0
    assert verdict.mark == pytest.approx(due)
    assert (verdict.outcome == "right") == (chosen == right)
    if chosen != right:
        assert verdict.mark < 3
        assert f"of the {len(chosen)} that you chose {hits} " in verdict.notes[0]
        assert ("not all that are right are among them" in verdict.notes[0]) == (hits < len(right))


@pytest.mark.parametrize("answer", ["a, b", "b a", "A;B", "a b a", ["a, b"], ["b", "(a)"]])
def test_several_may_be_written_in_one_text(answer):
    assert verify(several("ab"), answer, 1).outcome == "right"


def test_none_of_them_may_be_right():
    assert [verify(several(""), answer, 1).outcome for answer in (set(), [], "a")] == ["right", "right", "wrong"]


def test_the_order_of_the_options_is_no_part_of_the_key():
    there, back = several("ab"), ChoiceExercise("pick.some", dict(reversed(OPTIONS.items())), several=True)
    assert back.salt == there.salt
    assert verify(back.with_key(there.key), "a b", 1).outcome == "right"


def test_why_belongs_to_the_whole_set():
    exercise = several("ab", because=[(["a", "c"], "Not c.")], partial=True)
    assert verify(exercise, {"c", "a"}, 1).problem == "Not c."
    assert verify(exercise, "c", 1).problem == ""


# --- without a key, and as declared -----------------------------------------------------------------------------


def test_without_a_key_it_is_inconclusive_and_says_what_to_do():
    exercise = ChoiceExercise("pick.one", OPTIONS).with_key("keys.json is missing")
    verdict = verify(exercise, "b", 1)
    assert (verdict.outcome, verdict.mark) == ("inconclusive", 0.0)
    assert verdict.problem == (
        "This cannot be checked here: keys.json is missing. Put a fresh keys.json beside the notebook, from "
        "`gradsheet start ... --to ANOTHER-FOLDER`."
    )
    assert verify(exercise, None, 1).outcome == "not attempted"
    assert verify(exercise, "d", 1).outcome == "wrong"


def test_a_statement_is_shown_with_its_options():
    assert ChoiceExercise("pick.one", OPTIONS).shown == ""
    shown = ChoiceExercise("pick.one", OPTIONS, statement="How often?").shown
    assert shown.startswith("How often?\n\n- **a**: Twice.\n- **b**: Once.")
    assert not one().is_personal
    assert fault_of(one(), 1) == ""


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"options": {"a": "alone"}}, "at least two"),
        ({"options": ["a", "b"]}, "at least two"),
        ({"options": {"a": "x", "A": "y"}}, "differ only"),
        ({"options": {"a": "x", "a.": "y"}}, "differ only"),
        ({"options": {"a b": "x", "c": "y"}}, "must be a word"),
        ({"options": {"": "x", "c": "y"}}, "must be a word"),
        ({"options": {1: "x", 2: "y"}}, "must be a word"),
        ({"options": {"a": 1, "b": 2}}, "what it says a text"),
        ({"options": OPTIONS, "partial": True}, "partial belongs to several"),
        ({"options": OPTIONS, "points": -1}, "points"),
        ({"options": OPTIONS, "hints": "x"}, "hints"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused_in_one_line(declared, said):
    with pytest.raises(ExerciseError, match=said) as refused:
        ChoiceExercise(**({"id": "pick.one"} | declared))
    assert "\n" not in str(refused.value)
