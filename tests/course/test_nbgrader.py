"""nbgrader's own commands, unmodified, on a course of ours; as a person types them, in an environment not activated."""

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from classroom import FULL, NAME, REPOSITORY, SHEET, cell_of, hand_in, insert, make_course, solved, twin, untouched
from needs import needs_sandbox

from grading.course.grade import grade, read_marks
from grading.course.start import start
from grading.sheets import Prose
from grading.trusted.ledger import GRADED

NBGRADER = Path(sysconfig.get_path("scripts")) / "nbgrader"
WRONG = "def one_number(x, a):\n    return -2 * a * x * np.cos(a * x**2)"


def nbgrader(folder, *command):
    """What nbgrader said; it ended well, and without a traceback."""
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "JUPYTER_CONFIG_DIR": str(folder / ".jupyter"),
    } | {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
    run = subprocess.run(
        [str(NBGRADER), *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    said = run.stdout + run.stderr
    assert run.returncode == 0, said
    assert "Traceback" not in said
    return said


def copied_check():
    notebook = solved()
    place = [cell.id for cell in notebook.cells].index("chain-paths")
    notebook.cells.insert(place, twin(notebook.cells[place]))
    notebook.cells[place]["id"] = "copy"
    return notebook


@pytest.fixture(scope="module")
def driven(tmp_path_factory):
    """A course that nbgrader's commands took all the way."""
    needs_sandbox()
    course = make_course(tmp_path_factory.mktemp("nbgrader") / "course")
    hand_in(course, "student-01", solved(one_number=WRONG))
    hand_in(course, "student-02", copied_check())
    hand_in(course, "student-03", insert(untouched(), "import os\nos._exit(1)"))
    shutil.rmtree(course.assignments)
    commands = {
        "generate_assignment": [NAME],
        "autograde": [NAME],
        "generate_feedback": [NAME],
        "export": ["--to=grades.csv"],
    }
    said = {name: nbgrader(course.root, name, *rest) for name, rest in commands.items()}
    return SimpleNamespace(course=course, said=said, marks=read_marks(course, NAME))


def test_generate_assignment_makes_what_is_committed(driven):
    made, committed = (
        {path.name: path.read_bytes() for path in (course.assignments / NAME).iterdir()}
        for course in (driven.course, REPOSITORY)
    )
    assert made == committed


def test_autograde_marks_everybody(driven):
    scores = {marks.student: marks.score for marks in driven.marks}
    everything = sum(FULL.values())
    assert scores == {"student-01": everything - 1, "student-02": everything, "student-03": 0}


def test_feedback_is_made_for_everybody(driven):
    for student in ("student-01", "student-02", "student-03"):
        assert driven.course.feedback_page(NAME, student).exists()


def test_export_has_the_marks(driven):
    lines = (driven.course.root / "grades.csv").read_text().splitlines()
    assert len(lines) == 4
    assert any("student-01" in line and f"{sum(FULL.values()) - 1}" in line for line in lines)


def test_the_marks_are_those_of_gradsheet(driven):
    """Graded once more, with the seed that is in the ledger."""
    intakes = grade(driven.course, NAME, again=True)
    assert {intake.state for intake in intakes} == {GRADED}
    assert read_marks(driven.course, NAME) == driven.marks


def answered():
    """Everything right, the words too: Validate asks for those as well."""
    notebook = solved()
    for item in SHEET.exercises:
        if isinstance(item, Prose):
            cell_of(notebook, item.cell_id).source = "By the chain rule."
    return notebook


@pytest.mark.parametrize(("make", "said"), [(untouched, "FAILED"), (answered, "Success")], ids=["untouched", "right"])
def test_validate(make, said, course, tmp_path, monkeypatch):
    monkeypatch.chdir(course.root)
    path, _ = start(NAME, tmp_path / "work")
    nbformat.write(make(), path)
    assert said in nbgrader(path.parent, "validate", path.name)
