"""A sheet with each kind that has a key, and a prediction: built, released, taken home, handed in and marked."""

import json
import shutil
from dataclasses import replace

import nbformat
import pytest
from kinds_course import DECLARATION, MASTER, NAME, make_kinds_course, write_course
from needs import needs_sandbox

from grading.answers.keys import KEYS_FILE, Key
from grading.course import keying
from grading.course.build import BuildError, build
from grading.course.freshness import require_built
from grading.course.grade import grade, read_marks
from grading.course.layout import CourseError
from grading.course.master import Attempt, read_attempts
from grading.course.simulated import simulated_class
from grading.course.start import start
from grading.notebook import check, open_sheet, predict, show
from grading.notebook.state import NOTES_FILE
from grading.verify import Verdict
from grading.verify.respondent import Handed, HomeRespondent


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return make_kinds_course(tmp_path_factory.mktemp("kinds"))


@pytest.fixture
def home(course, tmp_path, monkeypatch):
    """A student's copy; returns its folder."""
    shutil.copytree(course.root / "sheets", tmp_path / "sheets")
    monkeypatch.chdir(course.root)
    copy, _ = start(NAME, tmp_path)
    monkeypatch.chdir(copy.parent)
    return copy.parent


# --- built -------------------------------------------------------------------------------------------------------


def test_the_keys_go_out_with_the_notebook_and_nothing_else_does(course):
    assert {path.name for path in (course.assignments / NAME).iterdir()} == {f"{NAME}.ipynb", "sheet.json", KEYS_FILE}
    released = (course.assignments / NAME / KEYS_FILE).read_text()
    assert released == (course.solutions / NAME / KEYS_FILE).read_text()
    assert set(json.loads(released)["keys"]) == {"kinds.one", "kinds.some", "kinds.bug"}
    said = released + course.assignment(NAME).read_text()
    for attempt in read_attempts(course, NAME):
        assert not attempt.because or attempt.because not in said
    assert not (course.solutions / NAME / NOTES_FILE).exists()


@pytest.mark.sweep
def test_a_second_build_gives_the_same_bytes(course, tmp_path):
    make_kinds_course(tmp_path)
    for folder in ("solutions", "assignments"):
        for path in (course.root / folder / NAME).iterdir():
            assert (tmp_path / folder / NAME / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_released_sheet_has_its_keys(course):
    sheet = course.sheet(NAME, "student-01")
    assert all(isinstance(item.key, Key) for item in sheet.keyed)
    assert not sheet.is_personal
    require_built(course, NAME)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "keys.json is missing; run `gradsheet build 01_kinds`"),
        (lambda path: path.write_text("{"), "keys.json is damaged; run"),
        (lambda path: path.write_text(path.read_text().replace("01_kinds", "02_other")), "belongs to another sheet"),
        (
            lambda path: path.write_text(path.read_text().replace("kinds.one", "kinds.two")),
            "kinds.one: keys.json has no",
        ),
        (lambda path: path.write_text(path.read_text().replace('salt": "', 'salt": "0')), "another version"),
    ],
)
def test_without_the_right_keys_nothing_is_graded(course, spoil, said):
    path = course.assignments / NAME / KEYS_FILE
    kept = path.read_bytes()
    try:
        spoil(path)
        with pytest.raises(CourseError, match=said) as refused:
            course.sheet(NAME, "student-01")
        assert "\n" not in str(refused.value)
    finally:
        path.write_bytes(kept)


# --- at home -----------------------------------------------------------------------------------------------------


def test_at_home_the_copy_checks_itself(home):
    open_sheet(NAME)
    assert repr(check("kinds.one", "B")) == "2.0"
    assert "That is the way of forward mode." in check("kinds.one", "a").text()
    assert repr(check("kinds.some", {"scale"})) == "2.0"
    assert repr(check("kinds.bug", None, line=3)) == "2.0"
    assert repr(predict("kinds.guess", (1,))) == "1.0"
    assert json.loads((home / NOTES_FILE).read_text()) == {"predictions": {"kinds.guess": [1]}}
    assert "WARNING" not in repr(show("kinds.bug"))
    assert "3      g = -2 * r" in repr(show("kinds.bug"))
    assert "- **square**: $x^2$" in repr(show("kinds.some"))


@pytest.mark.parametrize(("content", "said"), [(None, "missing"), ("{", "damaged"), ('{"sheet": "02_x"}', "damaged")])
def test_without_a_key_a_check_is_inconclusive(home, content, said):
    (home / KEYS_FILE).unlink() if content is None else (home / KEYS_FILE).write_text(content)
    open_sheet(NAME)
    for result in (check("kinds.one", "b"), check("kinds.some", "sum"), check("kinds.bug", lambda W, x: W, line=3)):
        assert result.verdict.outcome == "inconclusive"
        assert repr(result) == "0.0"
        assert result.verdict.problem.startswith(f"This cannot be checked here: keys.json is {said}. Put a fresh")
    assert repr(predict("kinds.guess", (1,))) == "1.0"


# --- what cannot be built ----------------------------------------------------------------------------------------


def test_an_exercise_that_differs_between_students_has_no_key(tmp_path):
    own = DECLARATION.replace("options=LONG", "options=LONG | {'c': str(variant.own_rng('x').integers(1000))}")
    assert own != DECLARATION
    course = write_course(tmp_path, declaration=own)
    with pytest.raises(BuildError, match=r"kinds\.one has one key for all, and so must be the same for every student"):
        build(course, NAME)
    assert not (tmp_path / "assignments").exists()


def test_a_sentence_belongs_to_a_wrong_answer_to_an_exercise_with_a_key(tmp_path):
    guess = '\n# %% attempt="kinds.guess" expect="wrong" because="No."\nguess = (1,)\n'
    right = '\n# %% attempt="kinds.one" expect="right" because="Yes."\none = "b"\n'
    for number, more in enumerate((guess, right)):
        course = write_course(tmp_path / str(number), master=MASTER + more)
        with pytest.raises(BuildError, match="because= is for a wrong answer to a derivative, or"):
            read_attempts(course, NAME)


def trials(course, right="b"):
    """The trials of the first choice, after the solution's answer."""
    found = keying._Trials(course.declared(NAME)["kinds.one"], course.master(NAME))
    found.note(answered(found, right), None)
    return found


def answered(trials, answer):
    return trials.judge(Handed.of(answer), HomeRespondent(answer), 0)


WRONG = Attempt("kinds.one", "wrong", 0.0, "", 'one = "a"', "Why.")


@pytest.mark.parametrize(
    ("attempt", "answer", "said"),
    [
        (WRONG, "b", "does not come to 0 points: ✓ Right"),
        (replace(WRONG, mark=1.0), "a", "does not come to 1 points: ✗ Not right yet"),
        (replace(WRONG, expect="right", mark=2.0, because=""), "a", "does not come to 2 points"),
        (replace(WRONG, mark=2.0), "b", "does not come to 2 points"),
        (WRONG, "d", "needs an answer that can be given"),
    ],
)
def test_an_attempt_that_is_not_what_it_says_is_told_in_one_line(course, attempt, answer, said):
    tried = trials(course)
    with pytest.raises(BuildError, match=said) as refused:
        tried.note(answered(tried, answer), attempt)
    assert "\n" not in str(refused.value)
    with pytest.raises(BuildError, match="nothing was checked"):
        tried.note(None, attempt)


def test_one_sentence_for_one_answer(course):
    tried = trials(course)
    tried.note(answered(tried, "a"), WRONG)
    with pytest.raises(BuildError, match="is the second that is said of 'a'"):
        tried.note(answered(tried, ["A"]), WRONG)
    assert tried.key("").why("a") == "Why."


@pytest.mark.parametrize("answer", [None, "d", ["a", "b"], 3.0])
def test_a_solution_that_is_no_answer_gives_no_key(course, answer):
    with pytest.raises(BuildError, match=r"the solution of kinds\.one does not come to 2 points"):
        trials(course, answer)


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('one = "b"', 'one = "d"', "the solution of kinds.one does not come to 2 points"),
        ('because="And what', 'mark=3 because="And what', "of kinds.some does not come to"),
        (
            "    g = 2 * r\n    return np.outer(g, x)\n\n\n### END",
            "    return 2 * np.outer(r, x)\n\n\n### END",
            "in line 3",
        ),
        (
            "line = 3\n\n\ndef gradient(W, x):\n    r",
            "line = 2\n\n\ndef gradient(W, x):\n    r",
            "of kinds.bug does not come to",
        ),
        ("gradient, line=line", "gradient", "the solution of kinds.bug does not come to 4 points"),
    ],
)
def test_a_master_that_does_not_fit_is_refused_and_replaces_nothing(tmp_path, old, new, said):
    assert MASTER.count(old) >= 1
    course = write_course(tmp_path, master=MASTER.replace(old, new, 1))
    with pytest.raises(BuildError, match=said) as refused:
        build(course, NAME)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "assignments").exists()
    assert not (tmp_path / "solutions" / NAME / KEYS_FILE).exists()


# --- marked ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def marked(course):
    """Three of the simulated class; the last hands in keys of its own, by which its wrong choice would be right."""
    needs_sandbox()
    by_deed = {one.does: one for one in simulated_class(course, NAME)}
    chosen = [
        by_deed["everything right, the prose too"],
        by_deed["everything wrong, in named ways"],
        by_deed["handed in untouched"],
    ]
    for one in chosen:
        one.write(course.submitted / one.student / NAME)
    item = course.declared(NAME)["kinds.one"]
    forged = json.loads((course.assignments / NAME / KEYS_FILE).read_text())
    forged["keys"]["kinds.one"]["opens"] = dict(Key.of(item.salt, item.parts("a")).opens)
    (course.submitted / chosen[1].student / NAME / KEYS_FILE).write_text(json.dumps(forged))
    (course.submitted / chosen[1].student / NAME / NOTES_FILE).write_text('{"predictions": {"kinds.guess": [98765]}}')
    grade(course, NAME)
    return course, chosen


def test_everybody_gets_the_marks_that_are_due(marked):
    course, chosen = marked
    got = {marks.student: marks.by_cell for marks in read_marks(course, NAME)}
    for one in chosen:
        assert got[one.student] == {name.replace(".", "-"): mark for name, mark in one.marks.items()}, one.does


def test_the_feedback_says_why(marked):
    course, chosen = marked
    page = course.feedback_page(NAME, chosen[1].student).read_text()
    notebook = nbformat.read(course.autograded_folder(NAME, chosen[1].student) / f"{NAME}.ipynb", as_version=4)
    graded = {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}
    for said in (
        "That is the way of forward mode.",
        "Line 4, which you named, is not where",
        "as it should be.",
        "Written down",
    ):
        assert said in page
    for name in ("kinds-guess", "kinds-one", "kinds-some", "kinds-bug"):
        (output,) = graded[name]
        float(output.data["text/plain"])
    # a prediction of an earlier day is not looked at
    assert "98765" not in page


def test_a_verdict_is_kept_with_its_words(marked):
    course, chosen = marked
    verdict = Verdict("kinds.guess", "right", 1.0, 1.0, None, wording="Written down")
    assert Verdict.from_json(verdict.json()) == verdict
    assert "✓ Written down" in course.feedback_page(NAME, chosen[0].student).read_text()
