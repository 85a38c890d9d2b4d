"""One answer looked at once more: the inputs, the verdict and the picture are those of the marking."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from classroom import ROOT
from needs import needs_sandbox

from grading.cli import main
from grading.course.build import build
from grading.course.grade import grade
from grading.course.layout import CONFIG, Course, CourseError
from grading.course.replay import Replay, replay
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
HANDED_IN = {"anna": {}, "ben": WRONG, "Çem <i>": FAILING}
OUTCOMES = {"anna": "right", "ben": "wrong", "Çem <i>": "wrong"}


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
    found = replay(course, "ben", TABLE)
    x = {"x": float(course.sheet(NAME, "ben")[TABLE].given["x"]), "y": 1.0}
    assert [{name: float(value) for name, value in point.items()} for point in found.inputs] == [x]
    assert found.verdict.figures
    page = found.write(course.replayed).read_text()
    assert all(figure.html in page for figure in found.verdict.figures)


def test_the_inputs_are_those_that_the_answer_was_asked(course: Course) -> None:
    """The answer prints what it is called with."""
    found = replay(course, "ben", NORM)
    printed = {tuple(eval(line)) for line in found.printed.splitlines()}
    assert len(found.inputs) == 2
    assert {tuple(point["x"].tolist()) for point in found.inputs} <= printed
    assert all(np.shape(point["W"]) == (3, 5) for point in found.inputs)


def test_page_and_terminal_take_nothing_from_a_submission_for_theirs(course: Course) -> None:
    found = replay(course, "Çem <i>", NORM)
    page = found.write(course.replayed).read_text()
    assert "no &lt;b&gt;idea" in page
    assert "<script" not in page
    assert not re.search(r"<b>|<i>", page)
    assert "default-src 'none'" in page
    assert "\x1b" not in found.text()


def test_it_runs_in_the_sandbox(course: Course, tmp_path: Path) -> None:
    """What an answer writes outside of its own folder is not there afterwards."""
    mark = tmp_path / "was_here"
    reached = course.autograded_folder(NAME, "anna") / f"{NAME}.ipynb"
    before, entry = reached.read_bytes(), Ledger(course.ledger).latest(NAME, "anna", NORM)
    assert entry is not None
    writes = f"open({str(mark)!r}, 'w').write('x')"
    submitted = course.submitted / "anna" / NAME / f"{NAME}.ipynb"
    handed_in = submitted.read_bytes()
    try:
        submitted.write_bytes(handed_in.replace(b"scale = 2", f"scale = 2; {writes}".encode()))
        notebook = nbformat.read(course.solution(NAME), as_version=4)
        place = next(n for n, cell in enumerate(notebook.cells) if cell.id == "kinds-norm-answer")
        notebook.cells[place].source = f"def norm(W, x):\n    {writes}\n    return 2 * np.outer(W @ x, x)"
        nbformat.write(notebook, submitted)
        grade(course, NAME, only="anna", processes=1)
        assert not mark.exists()
        found = replay(course, "anna", NORM)
        assert found.is_same
        assert "Error" in found.verdict.problem
        assert not mark.exists()
    finally:
        submitted.write_bytes(handed_in)
        grade(course, NAME, only="anna", processes=1)
        assert reached.read_bytes() == before


def test_another_verdict_is_told_and_fails(
    course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(course.root)
    assert main(["replay", "ben", "norm", "--sheet", "1"]) == 0
    assert "This is the verdict of the marking, word for word." in capsys.readouterr().out
    monkeypatch.setattr(Replay, "is_same", property(lambda self: self.verdict.mark > 5))
    assert main(["replay", "ben", NORM]) == 1
    assert "This is NOT what the marking said" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("student", "exercise", "said"),
    [
        ("bem", NORM, "nothing of 'bem' was marked for 01_kinds; did you mean 'ben'?"),
        ("ben", "kinds.nrom", "no exercise 'kinds.nrom'; did you mean 'kinds.norm'?"),
        ("ben", "why", "kinds.why is marked by a person"),
        ("../ben", NORM, "nothing of '../ben' was marked"),
    ],
)
def test_what_cannot_be_replayed_is_told_in_one_line(course: Course, student: str, exercise: str, said: str) -> None:
    with pytest.raises(CourseError, match=re.escape(said)) as refusal:
        replay(course, student, exercise)
    assert "\n" not in str(refusal.value)


def test_what_was_changed_since_is_refused(course: Course) -> None:
    path = course.autograded_folder(NAME, "ben") / f"{NAME}.ipynb"
    before = path.read_bytes()
    path.write_bytes(before.replace(b"-scale", b"-3"))
    try:
        with pytest.raises(CourseError, match="is not what was marked any more; run `gradsheet grade"):
            replay(course, "ben", NORM)
    finally:
        path.write_bytes(before)
