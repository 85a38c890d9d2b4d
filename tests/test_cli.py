"""The command line: help that reads well, and errors that are one line and say what to do."""

import json
import subprocess
import sys

import pytest
from classroom import CONFIG, NAME, hand_in, untouched
from needs import needs_sandbox

from grading.cli import main
from grading.course.layout import CourseError
from grading.course.progress import _Progress
from grading.course.start import start
from grading.trusted import sandbox
from grading.trusted.ledger import GRADED, Intake

COMMANDS = ["start", "new", "edit", "build", "verify-course", "grade", "report", "replay", "demo"]


@pytest.fixture
def inside(course, monkeypatch):
    """A course, and we are in it."""
    monkeypatch.chdir(course.root)
    return course


def complaint(capsys, *argv):
    """What a command that fails says: one line on stderr, exit status 1."""
    assert main(argv) == 1
    said = capsys.readouterr()
    assert said.err.startswith("gradsheet: ")
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.out + said.err
    return said.err


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help_reads_well(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith("usage: gradsheet")
    assert "SUPPRESS" not in said
    assert "_SubParsersAction" not in said
    if not command:
        assert all(name in said.split() for name in COMMANDS)


def test_no_command_is_told(capsys):
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["build"], ["grade", "1"], ["report", "1"], ["demo"]])
def test_outside_a_course(command, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = complaint(capsys, *command)
    assert "is not inside a course" in said
    assert "Change into your course folder" in said


@pytest.mark.parametrize("command", [["build", "9"], ["grade", "9"], ["report", "9"], ["start", "9"]])
def test_an_unknown_sheet(command, capsys, inside):
    assert f"no sheet '9' in {inside.root}; there is {NAME}" in complaint(capsys, *command)


def test_nothing_handed_in(capsys, inside):
    needs_sandbox()
    assert "nothing was handed in for 01_chain_rule" in complaint(capsys, "grade", "1")


def test_nothing_marked_yet(capsys, inside):
    assert "run `gradsheet grade 01_chain_rule`" in complaint(capsys, "report", "chain_rule")


def test_no_sandbox(capsys, inside, monkeypatch):
    monkeypatch.setattr(sandbox, "unavailable_reason", lambda: "bubblewrap is not installed")
    hand_in(inside, "student-01", untouched())
    assert "no sandbox: bubblewrap is not installed. To grade without one" in complaint(capsys, "grade", "1")


@pytest.mark.parametrize("text", ["c = get_config(\n", "1 / 0\n", "import no_such_module_anywhere\n"])
def test_a_bad_configuration(text, capsys, inside):
    needs_sandbox()
    hand_in(inside, "student-01", untouched())
    (inside.root / CONFIG).write_text(text)
    assert f"{CONFIG} cannot be read" in complaint(capsys, "grade", "1")


@pytest.mark.parametrize("text", ["{", "[]", '{"variant": "many"}', '{"variant": null}', "\udcff"])
def test_a_bad_sheet_file(text, capsys, inside):
    (inside.assignments / NAME / "sheet.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    said = complaint(capsys, "report", "1")
    assert "sheet.json cannot be read" in said


def test_an_assignment_that_was_never_built(capsys, inside):
    needs_sandbox()
    hand_in(inside, "student-01", untouched())
    inside.assignment(NAME).unlink()
    assert "run `gradsheet build 01_chain_rule`" in complaint(capsys, "grade", "1")


def test_an_assignment_that_is_no_notebook(capsys, inside):
    needs_sandbox()
    hand_in(inside, "student-01", untouched())
    inside.assignment(NAME).write_text("nothing")
    complaint(capsys, "grade", "1")


def test_a_missing_package_is_named(capsys, monkeypatch, inside):
    monkeypatch.setitem(sys.modules, "grading.course.build", None)
    assert "pip install 'gradsheet[grader]'" in complaint(capsys, "build")


# --- a student's copy --------------------------------------------------------------------------------------------


def test_a_copy_is_made_once(capsys, inside, tmp_path):
    to = tmp_path / "my work"
    assert main(["start", "1", "--to", str(to), "--student", "Ünï-01"]) == 0
    copy = to / NAME / f"{NAME}.ipynb"
    assert copy.read_bytes() == inside.assignment(NAME).read_bytes()
    assert json.loads((to / NAME / "sheet.json").read_text(encoding="utf-8")) == {
        "sheet": NAME,
        "variant": 0,
        "student": "Ünï-01",
    }
    assert f"jupyter lab {copy}" in capsys.readouterr().out
    copy.write_text("my answers")
    assert "is there already and is left as it is" in complaint(capsys, "start", "chain_rule", "--to", str(to))
    assert copy.read_text() == "my answers"
    assert main(["start", "01", "--to", str(to), "--if-missing"]) == 0
    assert "You have a copy already" in capsys.readouterr().out
    assert copy.read_text() == "my answers"


def test_starting_overwrites_nothing_beside_the_notebook(inside, tmp_path):
    folder = tmp_path / NAME
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    start("1", tmp_path)
    assert (folder / "notes.txt").read_text() == "mine"


def test_a_folder_that_is_a_file_is_told(capsys, inside, tmp_path):
    (tmp_path / "file").write_text("")
    complaint(capsys, "start", "1", "--to", str(tmp_path / "file"))


def test_outside_a_course_and_without_packaged_sheets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("grading.course.start._PACKAGED", tmp_path)
    with pytest.raises(CourseError, match="is not inside a course"):
        start("1", tmp_path)


def test_the_packaged_sheets_are_found_outside_a_course(course, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (course.root / CONFIG).unlink()
    monkeypatch.setattr("grading.course.start._PACKAGED", course.root)
    copy, is_new = start("1", elsewhere / "work")
    assert is_new
    assert copy.exists()


# --- what is printed, and what is imported -----------------------------------------------------------------------


def test_progress_prints_any_name_as_it_is(capsys):
    from rich.console import Console

    _Progress(Console(), 1).tell(NAME, Intake("[bold]x", GRADED, "because [/dim] of [red]"))
    said = capsys.readouterr().out
    assert "[bold]x" in said
    assert "because [/dim] of [red]" in said


@pytest.mark.parametrize("module", ["grading.notebook", "grading.verify", "grading.cli"])
def test_a_students_imports_stay_light(module):
    script = f"import {module}, sys; print(*(name.partition('.')[0] for name in sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"torch", "nbgrader", "jupyter_client", "jupyterlab", "nbconvert", "nbformat", "nbclient", "sqlalchemy"}
    assert not heavy & set(run.stdout.split())


def test_the_command_itself_ends_without_a_traceback(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "grading.cli", "grade", "1"], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr.count("\n") == 1
