"""A prediction earns its marks by being one, and is then held beside what happened."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd import ODD

from grading.answers import fault_of, verify
from grading.answers.prediction import Prediction
from grading.verify import ExerciseError, Verdict

OPTIONS = {"f": "Forward mode.", "r": "Reverse mode."}


def predicted(form, **more):
    return Prediction("guess.it", form, points=2, options=OPTIONS if form == "choice" else {}, **more)


FORMS = {form: predicted(form) for form in ("shape", "count", "sign", "number", "choice")}
GOOD = [
    ("shape", (3, 4), [3, 4]),
    ("shape", [3, 0], [3, 0]),
    ("shape", (), []),
    ("shape", np.array([2, 3]), [2, 3]),
    ("shape", np.zeros((3, 4)).shape, [3, 4]),
    ("count", 0, 0),
    ("count", 12.0, 12),
    ("count", np.int8(5), 5),
    ("sign", "+", "+"),
    ("sign", " Negative", "-"),
    ("sign", -2.5, "-"),
    ("sign", 0, "0"),
    ("sign", np.float32(1), "+"),
    ("number", -1e-300, -1e-300),
    ("number", 3, 3),
    ("choice", "R", "r"),
    ("choice", ["f"], "f"),
]
BAD = [
    ("shape", 3),
    ("shape", (3.5, 2)),
    ("shape", (-1, 2)),
    ("shape", (True, 2)),
    ("shape", "(3, 4)"),
    ("shape", ((3, 4),)),
    ("shape", [1] * 33),
    ("count", -1),
    ("count", 2.5),
    ("count", True),
    ("count", "12"),
    ("sign", "up"),
    ("sign", float("nan")),
    ("sign", ["+"]),
    ("number", float("inf")),
    ("number", "3"),
    ("number", True),
    ("number", [3.0]),
    ("choice", "x"),
    ("choice", ["f", "r"]),
]


@pytest.mark.parametrize(("form", "answer", "kept"), GOOD)
def test_what_could_happen_earns_everything(form, answer, kept):
    verdict = verify(FORMS[form], answer, 1)
    assert (verdict.outcome, verdict.mark) == ("right", 2.0)
    assert verdict.headline() == "✓ Written down: guess.it, 2 of 2 points"
    assert FORMS[form].in_words(kept) in verdict.notes[0]
    assert FORMS[form].well_formed(kept) == kept  # as it is read from the notes
    assert Verdict.from_json(verdict.json()) == verdict


@pytest.mark.parametrize(("form", "answer"), BAD)
def test_what_could_not_earns_nothing_and_says_what_could(form, answer):
    verdict = verify(FORMS[form], answer, 1)
    assert (verdict.outcome, verdict.mark) == ("wrong", 0.0)
    assert verdict.problem.startswith("This predicts nothing: ")
    assert verdict.headline().startswith("✗ Not right yet")


@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
@pytest.mark.parametrize("form", FORMS)
def test_whatever_is_handed_in_gets_a_verdict(form, answer):
    verdict = verify(FORMS[form], answer, 1)
    assert verdict.outcome in ("right", "wrong")
    assert len(verdict.text()) < 1500
    # and may be what happened: held beside a prediction it says something, and nothing is raised
    good = next(kept for name, _, kept in GOOD if name == form)
    beside = FORMS[form].beside(good, answer)
    assert beside.predicted
    assert beside.happened
    assert (beside.agrees is None) == beside.happened.startswith("nothing to compare it with")


def test_nothing_is_not_attempted():
    assert {verify(item, None, 1).outcome for item in FORMS.values()} == {"not attempted"}


@pytest.mark.parametrize(
    ("form", "guess", "happened", "agrees", "remark"),
    [
        ("shape", [3, 4], np.zeros((3, 4)), True, ""),
        ("shape", [4, 3], np.zeros((3, 4)), False, ""),
        ("shape", [3, 4], (3, 4), True, ""),
        ("shape", [], np.float64(2.0), True, ""),
        ("sign", "-", np.float64(-3), True, ""),
        ("sign", "0", 1e-300, False, ""),
        ("count", 20, 20, True, ""),
        ("count", 20, 21, False, "within 5%"),
        ("count", 60, 20, False, "3 times as much"),
        ("number", 100, 104.0, True, "within 5%"),
        ("number", 10.0, 40.0, False, "4 times too little"),
        ("number", -1.0, 1.0, False, "of another sign"),
        ("number", 0, 1.0, False, ""),
        ("choice", "f", "F", True, ""),
        ("choice", "f", "r", False, ""),
    ],
)
def test_a_prediction_beside_what_happened(form, guess, happened, agrees, remark):
    beside = FORMS[form].beside(guess, happened)
    assert (beside.agrees, beside.remark) == (agrees, remark)


@settings(deadline=None)
@given(guess=st.floats(-1e200, 1e200), happened=st.floats(-1e200, 1e200))
def test_numbers_are_compared_without_trouble(guess, happened):
    beside = FORMS["number"].beside(guess, happened)
    assert beside.agrees == (abs(guess - happened) <= 0.05 * abs(happened))


def test_a_statement_is_shown_with_its_options():
    assert predicted("choice", statement="Which?").shown == "Which?\n\n- **f**: Forward mode.\n- **r**: Reverse mode."
    assert predicted("count", statement="How many?").shown == "How many?"
    assert predicted("choice").shown == ""


def test_in_words():
    assert [FORMS["shape"].in_words(shape) for shape in ([], [3], [3, 4])] == ["()", "(3,)", "(3, 4)"]
    assert FORMS["choice"].in_words("f") == "f: Forward mode."
    assert FORMS["sign"].in_words("-") == "- (negative)"


def test_what_happens_may_be_computed():
    told = predicted("shape", happens=lambda: np.zeros((2, 7)))
    assert told.beside([2, 7]).agrees
    assert fault_of(told, 1) == ""
    assert "what happens cannot be told" in fault_of(predicted("shape", happens=lambda: 1 / 0), 1)
    assert "what happens cannot be told" in fault_of(predicted("count", happens=lambda: -1), 1)
    assert FORMS["shape"].beside([2, 7]).agrees is None


@pytest.mark.parametrize("happened", [1, "text", {}, object(), (2, -1)])
def test_what_cannot_have_happened_is_told_without_the_lines_that_found_it(happened):
    told = FORMS["shape"].beside([2, 7], happened)
    assert told.agrees is None
    assert told.happened.startswith("nothing to compare it with (")
    assert "prediction.py" not in told.happened
    assert "Error" not in told.happened


def test_a_prediction_that_takes_for_ever_is_told_in_whole_sentences():
    class Endless(list):
        def __iter__(self):
            while True:
                pass

    told = verify(predicted("shape", limit_s=0.1), Endless([1]), 3)
    assert "This predicts nothing: it had not ended after 0.1 seconds." in told.text()


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"form": "colour"}, "is not one of shape, count"),
        ({"form": "choice"}, "options belong to form='choice'"),
        ({"form": "choice", "options": ["a", "b"]}, "options must be texts by name"),
        ({"form": "count", "options": OPTIONS}, "options belong to form='choice'"),
        ({"form": "choice", "options": {"a": "x", "A": "y"}}, "differ only"),
        ({"form": "count", "points": float("nan")}, "points"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused_in_one_line(declared, said):
    with pytest.raises(ExerciseError, match=said) as refused:
        Prediction("guess.it", **declared)
    assert "\n" not in str(refused.value)
