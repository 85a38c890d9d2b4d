"""The first prediction stands, is revealed beside what happened, and is for nobody's mark."""

import json

import numpy as np
import pytest

from grading.notebook import open_sheet, predict, reveal
from grading.notebook.shown import Revealed
from grading.notebook.state import NOTES_FILE, NOTES_VARIABLE

DECLARATION = """
from grading.answers.prediction import Prediction
from grading.sheets import Sheet
from grading.verify import Exercise


def sheet(variant):
    return Sheet(
        "Guesses",
        (
            Prediction("guess.shape", "shape"),
            Prediction("guess.cost", "count", happens=lambda: 12, points=2),
            Exercise("guess.not", lambda xp, x: x**2, lambda rng: {"x": rng.normal()}, ("x",)),
        ),
    )
"""


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A student's folder; calling it is what running the first cell of a new kernel is."""
    (tmp_path / "sheets").mkdir()
    (tmp_path / "sheets" / "guesses.py").write_text(DECLARATION)
    monkeypatch.chdir(tmp_path)
    open_sheet("01_guesses")
    return tmp_path


def again():
    open_sheet("01_guesses")


def noted(copy):
    return json.loads((copy / NOTES_FILE).read_text())["predictions"]


def test_the_first_one_is_written_down_and_stands(copy):
    first = predict("guess.shape", (3, 4))
    assert repr(first) == "1.0"
    assert "stands" not in first.text()
    assert noted(copy) == {"guess.shape": [3, 4]}
    assert "stands" not in predict("guess.shape", [3, 4]).text()
    again()
    second = predict("guess.shape", (4, 3))
    assert repr(second) == "1.0"
    assert "your first prediction stands: (3, 4); running the cell again does not replace it" in second.text()
    assert noted(copy) == {"guess.shape": [3, 4]}
    shown = reveal("guess.shape", np.zeros((4, 3)))
    assert repr(shown) == "You predicted: (3, 4)\nWhat happened: (4, 3)\n✗ otherwise than predicted"
    for said in ("You predicted", "(3, 4)", "(4, 3)", "✗ otherwise", 'scope="row"'):
        assert said in shown._repr_html_()


def test_nothing_is_revealed_before(copy):
    shown = reveal("guess.cost")
    assert "12" not in repr(shown) + shown._repr_html_()
    assert repr(shown) == 'First predict: predict("guess.cost", ...). Then run this cell again.'
    predict("guess.cost", "many")
    predict("guess.cost", None)
    assert not (copy / NOTES_FILE).exists()
    assert "First predict" in repr(reveal("guess.cost"))
    predict("guess.cost", 12)
    assert repr(reveal("guess.cost")) == "You predicted: 12\nWhat happened: 12\n✓ as predicted"


@pytest.mark.parametrize("answer", [None, "many", -1, [1, 2], object(), float("nan")])
def test_what_is_no_prediction_has_no_mark(copy, answer):
    assert repr(predict("guess.cost", answer)) == "0.0"


def test_what_happened_may_be_anything(copy):
    predict("guess.shape", (3,))
    for odd in (None, object(), "text", 3j, lambda: 1, [[[]]]):
        assert "nothing to compare it with" in repr(reveal("guess.shape", odd))


def test_what_is_shown_is_text_and_no_code():
    shown = Revealed("guess.shape", "<b>one</b>", "<i>other</i>", False, "<u>far</u>")._repr_html_()
    assert not [tag for tag in ("<b>", "<i>", "<u>") if tag in shown]


def test_damaged_notes_are_kept_and_the_prediction_is_made(copy):
    (copy / NOTES_FILE).write_text("{not JSON")
    assert "First predict" in repr(reveal("guess.cost"))
    predict("guess.cost", 3)
    assert noted(copy) == {"guess.cost": 3}
    assert (copy / "notes.damaged-1.json").read_text() == "{not JSON"


@pytest.mark.parametrize("found", [None, "x", [1], -4, {"first": 3}])
def test_a_note_that_is_no_prediction_is_none(copy, found):
    (copy / NOTES_FILE).write_text(json.dumps({"predictions": {"guess.cost": found}, "hints": {"a": 1}}))
    assert "First predict" in repr(reveal("guess.cost"))
    assert "stands" not in predict("guess.cost", 7).text()
    assert json.loads((copy / NOTES_FILE).read_text()) == {"predictions": {"guess.cost": 7}, "hints": {"a": 1}}


def test_where_nothing_can_be_written_it_lasts_as_long_as_the_kernel(copy, monkeypatch):
    def refused(*unused, **more):
        raise PermissionError

    monkeypatch.setattr("pathlib.Path.write_text", refused)
    assert "could not be written down" in predict("guess.cost", 11).text()
    assert "stands: 11" in predict("guess.cost", 12).text()
    assert "You predicted: 11" in repr(reveal("guess.cost"))


def test_a_run_that_is_to_leave_nothing_still_reveals(copy, monkeypatch):
    monkeypatch.setenv(NOTES_VARIABLE, "off")
    again()
    assert "could not" not in predict("guess.cost", 11).text()
    assert "You predicted: 11" in repr(reveal("guess.cost"))
    assert not (copy / NOTES_FILE).exists()


def test_what_the_author_mistook_is_told(copy):
    assert "'guess.not' is no prediction; use check" in predict("guess.not", 3).text()
    assert "is no prediction" in reveal("guess.not", 3).text()
    predict("guess.shape", (3,))
    assert "needs what happened" in reveal("guess.shape").text()
