"""What a notebook's calls show and say, in a kernel at home."""

import html
import json
import re

import pytest
from classroom import NAME, SHEET

from grading.course.start import is_anonymous, start
from grading.notebook import check, compare, hint, open_sheet, practice, predict, reveal, show
from grading.notebook.session import read_variant
from grading.sheets import SheetError, Variant, load_sheet


@pytest.fixture
def copy_of(tmp_path, monkeypatch):
    """A student's copy of the sheet, with its folder as the current one."""

    def make(student=""):
        path, _ = start(NAME, tmp_path, student)
        monkeypatch.chdir(path.parent)
        return path

    return make


def test_a_copy_without_an_owner_warns_wherever_numbers_are_shown(copy_of):
    path = copy_of()
    assert is_anonymous(path)
    assert "does not know whose it is" in repr(open_sheet(NAME))
    assert "does not know whose it is" in repr(show("chain.paths_by_hand"))


def test_a_copy_with_an_owner_does_not(copy_of):
    path = copy_of("student-07")
    assert not is_anonymous(path)
    assert "WARNING" not in repr(open_sheet(NAME)) + repr(show("chain.paths_by_hand"))
    assert "for student-07" in repr(open_sheet(NAME))


def test_a_copy_learns_whose_it_is_and_its_notebook_is_left_alone(tmp_path):
    path, _ = start(NAME, tmp_path)
    path.write_text("work of hours")
    again, is_new = start(NAME, tmp_path, "student-07")
    assert (again, is_new, path.read_text()) == (path, False, "work of hours")
    assert read_variant(path.parent, NAME).student == "student-07"


def test_the_numbers_are_the_students_own(copy_of):
    copy_of("student-07")
    open_sheet(NAME)
    mine = show("chain.paths_by_hand").given
    x, y, k = mine.values()
    assert repr(check("chain.paths_by_hand", 2 * x * y * (y + k))) == "2.0"


def test_no_exchange_gives_somebody_the_mark():
    for number in range(60):
        item = load_sheet(NAME, Variant(0, f"student-{number}"))["chain.paths_by_hand"]
        x, y, k = item.given.values()
        right = 2 * x * y * (y + k)
        for other in (2 * y * x * (x + k), x * x * (2 * y + k), y * (x * y + k * x) + k * x * y, -right, 0.0):
            assert abs(other - right) > 1e-3
        assert round(right, 3) == pytest.approx(right, abs=1e-12)


def test_the_verdict_on_a_number_does_not_tell_it(copy_of):
    copy_of("student-07")
    open_sheet(NAME)
    x, y, k = show("chain.paths_by_hand").given.values()
    said = check("chain.paths_by_hand", 12345.0).text()
    assert f"{2 * x * y * (y + k):g}" not in said


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: check("jacobian", None), "did you mean 'chain.jacobian'?"),
        (lambda: check("chain.jakobian", None), "did you mean 'chain.jacobian'?"),
        (lambda: check("chain.lemma", "words"), "marked by a person"),
        (lambda: predict("chain.jakobian", 3), "did you mean 'chain.jacobian'?"),
        (lambda: predict("chain.jacobian", 3), "use check('chain.jacobian', ...)"),
    ],
)
def test_where_nothing_can_be_checked_a_line_says_why_and_nbgrader_reads_no_mark(copy_of, call, said):
    copy_of()
    open_sheet(NAME)
    told = call()
    assert repr(told) == "0.0"
    assert said in told.text()
    assert "\n" not in told.text()
    assert told.text() in html.unescape(told._repr_html_())


@pytest.mark.parametrize("call", [show, hint, practice, reveal, lambda name: compare(name, None)])
@pytest.mark.parametrize("name", ["chain.jakobian", "jacobian"])
def test_a_slip_in_an_exercises_name_stops_no_run(copy_of, call, name):
    copy_of()
    open_sheet(NAME)
    assert "did you mean 'chain.jacobian'?" in repr(call(name))


@pytest.mark.parametrize("call", [show, hint, practice, reveal, lambda name: compare(name, None)])
@pytest.mark.parametrize(
    "item", SHEET.exercises[:1] + tuple(item for item in SHEET.exercises if item.id == "chain.lemma")
)
def test_no_kind_of_exercise_stops_a_run(copy_of, call, item):
    copy_of()
    open_sheet(NAME)
    assert repr(call(item.id))


def test_another_sheet_is_refused_in_one_line_without_a_traceback(copy_of):
    copy_of()
    with pytest.raises(SheetError) as slip:
        open_sheet("99_nothing")
    (line,) = slip.value._render_traceback_()
    assert "belongs to 01_chain_rule, not to 99_nothing" in line


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"variant": 1e400}', '{"variant": -1}', '{"student": "\\ud800"}', "[" * 100_000, '{"variant": "x"}'],
)
def test_a_garbled_sheet_json_is_told_in_one_line(copy_of, content):
    path = copy_of()
    (path.parent / "sheet.json").write_text(content)
    with pytest.raises(SheetError, match=r"sheet\.json cannot be read") as refused:
        open_sheet(NAME)
    assert "\n" not in str(refused.value)


def test_the_sheet_json_of_another_sheet_is_noticed(copy_of):
    path = copy_of()
    (path.parent / "sheet.json").write_text(json.dumps({"sheet": "02_other", "variant": 0}))
    with pytest.raises(SheetError, match="belongs to 02_other"):
        open_sheet(NAME)


def test_the_hint_to_open_comes_after_those_that_were(copy_of):
    copy_of()
    open_sheet(NAME)

    def offered():
        return re.findall(r"hint\(.*\)", check("chain.one_number", lambda x, a: x).text())

    assert offered() == ['hint("chain.one_number", 1)']
    hint("chain.one_number", 2)
    hint("chain.one_number", 1)
    hint("chain.jacobian", 3)
    assert offered() == ['hint("chain.one_number", 3)']
    hint("chain.one_number", 3)
    assert offered() == []


def test_hints_lead_from_first_to_last(copy_of):
    copy_of()
    open_sheet(NAME)
    for exercise in SHEET.checked:
        for number, text in enumerate(exercise.hints, 1):
            assert text in hint(exercise.id, number).text()
    assert "There are hints 1 to 3" in hint("chain.jacobian", 4).text()
