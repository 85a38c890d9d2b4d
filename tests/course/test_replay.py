"""One answer looked at once more: the inputs, the verdict and the picture are those of the marking."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest
from classroom import ROOT
from needs import needs_sandbox

from grading.cli import main
from grading.course.adopt import Adoption, adopt
from grading.course.build import build
from grading.course.grade import grade
from grading.course.layout import CONFIG, Course, CourseError
from grading.course.master import Attempt, read_attempts
from grading.course.proof import faults
from grading.course.replay import Replay, replay
from grading.sheets import Variant
from grading.trusted.ledger import Ledger

NAME = "01_kinds"
DECLARATION = """
from grading.answers.choice import ChoiceExercise
from grading.answers.graph import GraphExercise
from grading.answers.table import VALUE, TableExercise, tangent
from grading.sheets import Prose, Sheet
from grading.verify import Exercise

def sheet(variant):
    x = float(variant.own_rng("t").choice([0.5, 1.5, 2.5]))
    return Sheet("Kinds", (
        Exercise(id="kinds.norm", function=lambda xp, W, x: xp.sum((W @ x) ** 2), wrt=("W",), points=2, draws=2,
            inputs=lambda rng: {"W": rng.normal(size=(3, 5)), "x": rng.normal(size=5)}),
        TableExercise(id="kinds.table", given={"x": x, "y": 1.0}, statement=f"Fill in the table at $x = {x:g}$.",
            rows={"v0": lambda x: x, "v1": lambda y: y, "v2": lambda v0, v1: v0 * v1},
            columns={"value": VALUE, "tangent": tangent(x=1)}, points=6),
        GraphExercise("kinds.graph", lambda xp, x, y: x * y - xp.sin(x * y), points=4,
            inputs=lambda rng: {"x": rng.uniform(0.5, 1.5), "y": rng.normal()}),
        ChoiceExercise(id="kinds.way", options={"a": "This.", "b": "That."}, points=1),
        Prose(id="kinds.why", points=1, rubric="1 point for it"),
    ))
"""
MASTER = """# %% setup=true
import numpy as np

from grading.notebook import check, open_sheet, show

open_sheet("01_kinds")
scale = 2

# %% answer="kinds.norm"
def norm(W, x):
    ### BEGIN SOLUTION
    return scale * np.outer(W @ x, x)
    ### END SOLUTION

# %% check="kinds.norm"
check("kinds.norm", norm)

# %% show="kinds.table"
task = show("kinds.table")

# %% answer="kinds.table"
table = None
### BEGIN SOLUTION
x, y = task.given["x"], task.given["y"]
table = np.round([[x, 1], [y, 0], [x * y, y]], 3)
### END SOLUTION

# %% check="kinds.table"
check("kinds.table", table)

# %% answer="kinds.graph"
drawn = None
### BEGIN SOLUTION
drawn = {"a": ("mul", "x", "y"), "b": ("sin", "a"), "f": ("sub", "a", "b")}
### END SOLUTION

# %% check="kinds.graph"
check("kinds.graph", drawn)

# %% answer="kinds.way"
way = None
### BEGIN SOLUTION
way = "a"
### END SOLUTION

# %% check="kinds.way"
check("kinds.way", way)

# %% [markdown] prose="kinds.why"
# ### BEGIN SOLUTION
# Because.
# ### END SOLUTION
"""
NORM, TABLE, GRAPH, WAY = "kinds.norm", "kinds.table", "kinds.graph", "kinds.way"
WRONG = {
    NORM: "def norm(W, x):\n    print(repr(x.tolist()))\n    return -scale * np.outer(W @ x, x)",
    TABLE: "x, y = task.given['x'], task.given['y']\ntable = [[x, 1], [y, 1], [x * y, 7]]",
    GRAPH: 'drawn = {"a": ("mul", "x", "y"), "b": ("cos", "a"), "f": ("sub", "a", "b")}',
    WAY: 'way = "b"',
}
FAILING = {
    NORM: "def norm(W, x):\n    raise ValueError('no <b>idea</b> \\x1b[31m')",
    TABLE: "table = undefined",
    GRAPH: "drawn = object()",
    WAY: "def broken(:",
}
HANDED_IN = {"student-01": {}, "student-02": WRONG, "stüdent <i>": FAILING}
OUTCOMES = {"student-01": "right", "student-02": "wrong", "stüdent <i>": "wrong"}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course in which three students handed in, and were marked."""
    needs_sandbox()
    root = tmp_path_factory.mktemp("replay")
    course = Course(root)
    (root / "sheets").mkdir()
    (root / "sheets" / "kinds.py").write_text(DECLARATION)
    course.master(NAME).parent.mkdir(parents=True)
    course.master(NAME).write_text(MASTER)
    (root / CONFIG).write_text((ROOT / CONFIG).read_text())
    build(course, NAME)
    for student, answers in HANDED_IN.items():
        notebook = nbformat.read(course.solution(NAME), as_version=4)
        for cell in notebook.cells:
            cell.source = {f"{key.replace('.', '-')}-answer": text for key, text in answers.items()}.get(
                cell.id, cell.source
            )
        folder = course.submitted / student / NAME
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{NAME}.ipynb")
    grade(course, NAME, processes=1)
    return course


@pytest.mark.parametrize("exercise", [NORM, TABLE, GRAPH, WAY])
@pytest.mark.parametrize("student", HANDED_IN)
def test_the_verdict_is_that_of_the_marking(course: Course, student: str, exercise: str) -> None:
    found = replay(course, student, exercise)
    marked = Ledger(course.ledger).verdicts(NAME)[student][exercise]
    assert found.verdict.outcome == OUTCOMES[student]
    assert found.verdict == found.marked == marked
    assert found.verdict.json() == marked.json()
    assert found.verdict.figures == marked.figures
    assert HANDED_IN[student].get(exercise, "### BEGIN SOLUTION") in found.answer


def test_a_table_comes_with_its_picture_and_its_numbers(course: Course) -> None:
    found = replay(course, "student-02", TABLE)
    x = {"x": float(course.sheet(NAME, "student-02")[TABLE].given["x"]), "y": 1.0}
    assert [{name: float(value) for name, value in point.items()} for point in found.inputs] == [x]
    assert found.verdict.figures
    page = found.write(course.replayed).read_text()
    assert all(figure.html in page for figure in found.verdict.figures)


def test_the_inputs_are_those_that_the_answer_was_asked(course: Course) -> None:
    """The answer prints what it is called with."""
    found = replay(course, "student-02", NORM)
    printed = {tuple(eval(line)) for line in found.printed.splitlines()}
    assert len(found.inputs) == 2
    assert {tuple(point["x"].tolist()) for point in found.inputs} <= printed
    assert all(np.shape(point["W"]) == (3, 5) for point in found.inputs)


def test_page_and_terminal_take_nothing_from_a_submission_for_theirs(course: Course) -> None:
    found = replay(course, "stüdent <i>", NORM)
    page = found.write(course.replayed).read_text()
    assert "no &lt;b&gt;idea" in page
    assert "<script" not in page
    assert not re.search(r"<b>|<i>", page)
    assert "default-src 'none'" in page
    assert "\x1b" not in found.text()


def test_it_runs_in_the_sandbox(course: Course, tmp_path: Path) -> None:
    """What an answer writes outside of its own folder is not there afterwards."""
    mark = tmp_path / "was_here"
    reached = course.autograded_folder(NAME, "student-01") / f"{NAME}.ipynb"
    before, entry = reached.read_bytes(), Ledger(course.ledger).latest(NAME, "student-01", NORM)
    assert entry is not None
    writes = f"open({str(mark)!r}, 'w').write('x')"
    submitted = course.submitted / "student-01" / NAME / f"{NAME}.ipynb"
    handed_in = submitted.read_bytes()
    try:
        submitted.write_bytes(handed_in.replace(b"scale = 2", f"scale = 2; {writes}".encode()))
        notebook = nbformat.read(course.solution(NAME), as_version=4)
        place = next(n for n, cell in enumerate(notebook.cells) if cell.id == "kinds-norm-answer")
        notebook.cells[place].source = f"def norm(W, x):\n    {writes}\n    return 2 * np.outer(W @ x, x)"
        nbformat.write(notebook, submitted)
        grade(course, NAME, only="student-01", processes=1)
        assert not mark.exists()
        found = replay(course, "student-01", NORM)
        assert found.is_same
        assert "Error" in found.verdict.problem
        assert not mark.exists()
    finally:
        submitted.write_bytes(handed_in)
        grade(course, NAME, only="student-01", processes=1)
        assert reached.read_bytes() == before


def test_another_verdict_is_told_and_fails(
    course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(course.root)
    assert main(["replay", "student-02", "norm", "--sheet", "1"]) == 0
    assert "This is the verdict of the marking, word for word." in capsys.readouterr().out
    monkeypatch.setattr(Replay, "is_same", property(lambda self: self.verdict.mark > 5))
    assert main(["replay", "student-02", NORM]) == 1
    assert "This is NOT what the marking said" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("student", "exercise", "said"),
    [
        ("student-2", NORM, "nothing of 'student-2' was marked for 01_kinds; did you mean 'student-02'?"),
        ("student-02", "kinds.nrom", "no exercise 'kinds.nrom'; did you mean 'kinds.norm'?"),
        ("student-02", "why", "kinds.why is marked by a person"),
        ("../student-02", NORM, "nothing of '../student-02' was marked"),
    ],
)
def test_what_cannot_be_replayed_is_told_in_one_line(course: Course, student: str, exercise: str, said: str) -> None:
    with pytest.raises(CourseError, match=re.escape(said)) as refusal:
        replay(course, student, exercise)
    assert "\n" not in str(refusal.value)


def test_what_was_changed_since_is_refused(course: Course) -> None:
    path = course.autograded_folder(NAME, "student-02") / f"{NAME}.ipynb"
    before = path.read_bytes()
    path.write_bytes(before.replace(b"-scale", b"-3"))
    try:
        with pytest.raises(CourseError, match="is not what was marked any more; run `gradsheet grade"):
            replay(course, "student-02", NORM)
    finally:
        path.write_bytes(before)


# --- a wrong answer that is to be known ------------------------------------------------------------------------------

WHY = 'The "minus" was taken\\along.'


@pytest.fixture
def mine(course: Course, tmp_path: Path) -> Course:
    """A copy of the course, to be changed."""
    shutil.copytree(course.root, tmp_path / "mine")
    return Course(tmp_path / "mine")


def test_a_wrong_answer_is_known_again_when_the_class_is_marked_again(mine: Course) -> None:
    for exercise in (NORM, WAY):
        adopt(mine, "student-02", exercise, WHY).write()
    (known,) = [one for one in read_attempts(mine, NAME) if one.exercise == NORM]
    assert (known.expect, known.because, known.source) == ("wrong", WHY, WRONG[NORM])
    assert [line for number in (0, 1) for line in faults(mine, NAME, Variant(number), 5)] == []
    grade(mine, NAME, again=True, processes=1)
    second, first = (Ledger(mine.ledger).verdicts(NAME)[student] for student in ("student-02", "student-01"))
    assert [cause.text for cause in second[NORM].causes] == [WHY]
    assert second[WAY].problem == WHY
    assert {verdict.outcome for verdict in first.values()} == {"right"}
    assert replay(mine, "student-02", NORM).is_same
    assert WHY not in mine.assignment(NAME).read_text() + (mine.assignments / NAME / "keys.json").read_text()


@pytest.mark.parametrize(
    ("student", "exercise", "because", "said"),
    [
        ("student-01", NORM, WHY, "student-01's answer to kinds.norm has no wrong numbers: ✓ Right"),
        ("stüdent <i>", NORM, WHY, "has no wrong numbers: ✗ Not right yet"),
        ("student-2", NORM, WHY, "nothing of 'student-2' was marked"),
        ("student-02", TABLE, WHY, "is neither a derivative nor has it a key"),
        ("student-02", NORM, " ", "say in one line, in --because, what is wrong"),
        ("student-02", NORM, "a\nb", "say in one line, in --because, what is wrong"),
    ],
)
def test_what_cannot_be_known_is_told(course: Course, student: str, exercise: str, because: str, said: str) -> None:
    before = course.master(NAME).read_bytes()
    with pytest.raises(CourseError, match=re.escape(said)):
        adopt(course, student, exercise, because)
    assert course.master(NAME).read_bytes() == before


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def norm(W, x):\n    return helper(W, x)", "it is not known again"),
        ("norm = helper", "fails: NameError"),
        ("def norm(W, x):\n    return scale * np.outer(W @ x, x)", "right where wrong is expected"),
        ("# %%\ndef norm(W, x):\n    return -W", "it holds a line that begins a cell"),
    ],
)
def test_what_is_not_known_again_leaves_the_master_as_it_was(course: Course, source: str, said: str) -> None:
    before = course.master(NAME).read_bytes()
    with pytest.raises(CourseError, match=said):
        Adoption(course, NAME, Attempt(NORM, "wrong", 0.0, "", source, WHY)).write()
    assert course.master(NAME).read_bytes() == before


def test_nothing_is_taken_over_unread(
    course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(course.root)
    monkeypatch.setattr("builtins.input", lambda question: "")
    before = course.master(NAME).read_bytes()
    assert main(["known-mistake", "student-02", NORM, "--because", WHY]) == 1
    said = capsys.readouterr()
    assert "return -scale * np.outer(W @ x, x)" in said.out
    assert "WITHOUT A SANDBOX" in said.out
    assert said.err == "gradsheet: nothing was changed\n"
    assert course.master(NAME).read_bytes() == before


def test_nothing_hides_from_who_reads_it(course: Course) -> None:
    hidden = "x = 1\r\x1b[8m\u202e = 2 # \N{CYRILLIC SMALL LETTER A}"
    shown = Adoption(course, NAME, Attempt(NORM, "wrong", 0.0, "", hidden, WHY)).shown()
    assert r"x = 1\r\x1b[8m\u202e = 2 # \u0430" in shown
