"""A student's notebook tried out in the terminal: the same verdicts as in the notebook, and what would be left out."""

import nbformat
import pytest
from classroom import NAME, SHEET
from nbformat.v4 import new_code_cell

from grading import cli
from grading.answers import verify
from grading.course import doctor
from grading.course.layout import CourseError
from grading.course.start import sheet_of, start
from grading.course.trial import submit_check, try_out
from grading.notebook.session import PUBLIC_SEED

ANSWERS = {
    "chain.one_number": "def one_number(x, a):\n    return np.cos(a * x**2) * a * x",
    "chain.squared_loss": "def squared_loss(y, target):\n    return y - target",
    "chain.paths": "def paths(x, y):\n    return undefined_name",
}


@pytest.fixture
def copy(tmp_path):
    """A student's copy in which three exercises are answered, one of them right."""
    path, _ = start(NAME, tmp_path, "student-01")
    return edited(path, lambda notebook: answer(notebook, ANSWERS))


def edited(path, change):
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)
    return path


def answer(notebook, sources):
    by_id = {SHEET[name].answer_cell_id: source for name, source in sources.items()}
    for cell in notebook.cells:
        cell.source = by_id.get(cell.id, cell.source)


@pytest.mark.parametrize("command", ["check", "submit-check", "export"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file"),
        ("{", "is not a notebook"),
        ("{}", "is not a notebook"),
        ("3", "is not a"),
    ],
)
def test_what_is_no_notebook_is_told_in_one_line(tmp_path, capsys, command, content, said):
    path = tmp_path / "01_chain_rule.ipynb"
    if content is not None:
        path.write_text(content)
    assert cli.main([command, str(path)]) == 1
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_a_notebook_under_another_name_is_the_same_sheet(copy):
    renamed = copy.rename(copy.with_name("my answers (1).ipynb"))
    checked = submit_check(renamed)
    assert checked.trial.verdicts["chain.squared_loss"].outcome == "right"
    assert not any("my answers" in remark for remark in checked.remarks)


@pytest.mark.parametrize("content", ["{", "[]", '{"sheet": 3}', "[" * 100_000, None])
def test_without_a_word_beside_it_a_notebook_is_the_sheet_that_it_is_called(tmp_path, content):
    if content is not None:
        (tmp_path / "sheet.json").write_text(content)
    assert sheet_of(tmp_path / "02_topic.ipynb") == "02_topic"


def test_the_terminal_says_what_the_notebook_says_and_changes_nothing(copy):
    before = {path: path.read_bytes() for path in copy.parent.iterdir()}
    trial = try_out(copy)
    assert {path: path.read_bytes() for path in copy.parent.iterdir()} == before
    outcomes = {name: said.outcome for name, said in trial.verdicts.items()}
    assert {name: outcomes[name] for name in ANSWERS} == dict(zip(ANSWERS, ("wrong", "right", "wrong"), strict=True))
    assert set(outcomes) == {item.id for item in SHEET.checked}
    assert sum(outcome == "not attempted" for outcome in outcomes.values()) == len(outcomes) - 3
    names = {}
    exec("import numpy as np\n" + ANSWERS["chain.one_number"], names)
    here = verify(SHEET["chain.one_number"], names["one_number"], PUBLIC_SEED)
    assert trial.verdicts["chain.one_number"] == here
    assert here.text() in trial.text()
    assert "1 of 21 exercises right" in trial.text()


def test_what_a_cell_does_wrong_is_told_in_a_line(copy):
    def spoil(notebook):
        notebook.cells.insert(1, new_code_cell("1 / 0"))
        notebook.cells.append(new_code_cell("import os\nos._exit(1)"))

    trial = try_out(edited(copy, spoil))
    assert [line.split(":")[0] for line in trial.errors] == [
        "the code cell that begins '1 / 0' stops with ZeroDivisionError",
        "the kernel died; what stands below was not run",
    ]
    assert trial.verdicts["chain.squared_loss"].outcome == "right"


def test_what_would_be_left_out_by_accident_is_listed(copy):
    def spoil(notebook):
        kept = [cell for cell in notebook.cells if cell.id != SHEET["chain.jacobian"].cell_id]
        for cell in kept:
            if cell.id == SHEET["chain.weights"].cell_id:
                cell.source = "4.0"
        notebook.cells = kept

    found = submit_check(edited(copy, spoil))
    said = "\n".join(found.remarks)
    assert f"missing cells put back: 1 ({SHEET['chain.jacobian'].cell_id})" in said
    assert f"changes in locked cells undone: 1 ({SHEET['chain.weights'].cell_id})" in said
    assert "nothing written yet: chain.lemma" in said
    assert "not attempted: chain.jacobian, " in said
    assert "chain.squared_loss" not in said
    assert found.trial.verdicts["chain.weights"].outcome == "not attempted"


def test_a_finished_copy_has_nothing_to_look_at(tmp_path):
    path, _ = start(NAME, tmp_path, "student-01")
    solution = nbformat.read(f"solutions/{NAME}/{NAME}.ipynb", as_version=4)
    sources = {cell.id: cell.source for cell in solution.cells}

    def solve(notebook):
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("solution"):
                cell.source = sources[cell.id]

    found = submit_check(edited(path, solve))
    assert found.remarks == ()
    assert "Nothing was left out by accident." in found.text()


def test_a_copy_without_an_owner_is_told_so(tmp_path):
    path, _ = start(NAME, tmp_path)
    assert "does not know whose it is" in submit_check(path).text()


@pytest.mark.parametrize("content", [None, "no notebook", "{}", '{"cells": 3}'])
def test_what_is_no_notebook_is_refused_in_a_line(tmp_path, content):
    path = tmp_path / f"{NAME}.ipynb"
    if content is not None:
        path.write_text(content)
    with pytest.raises(CourseError) as refused:
        try_out(path)
    assert len(str(refused.value).splitlines()) == 1


def test_the_exit_status_says_whether_an_answer_is_wrong(copy, capsys):
    assert cli.main(["check", str(copy)]) == 1
    answer_right = dict.fromkeys(("chain.squared_loss",), ANSWERS["chain.squared_loss"])
    path, _ = start(NAME, copy.parent.parent / "other", "student-01")
    edited(path, lambda notebook: answer(notebook, answer_right))
    assert cli.main(["check", str(path)]) == 0
    assert cli.main(["submit-check", str(path)]) == 1
    assert "Look at this: not attempted" in capsys.readouterr().out


def test_the_doctor_finds_what_is_there(tmp_path, capsys):
    found = {finding.what: finding for finding in doctor.examine(tmp_path, grader=True)}
    assert {finding.state for finding in found.values()} == {"ok"}
    assert {"Python", "numpy", "matplotlib", "networkx", "kernel", "sandbox", "nbgrader"} <= set(found)


def test_the_doctor_says_what_is_missing_and_the_command_that_gets_it(tmp_path, monkeypatch, capsys):
    real = doctor.importlib.metadata.version

    def version(name):
        if name in ("torch", "jupyterlab"):
            raise doctor.importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(doctor.importlib.metadata, "version", version)
    monkeypatch.setattr(doctor, "unavailable_reason", lambda: "bubblewrap is not installed; apt-get install bubblewrap")
    monkeypatch.setattr(doctor.OwnKernelManager, "start_kernel", None)
    found = {finding.what: finding for finding in doctor.examine(tmp_path / "nowhere", grader=True)}
    assert (found["torch"].state, found["jupyterlab"].state) == ("optional", "missing")
    assert "pip install" in found["jupyterlab"].mend
    assert {name for name, finding in found.items() if finding.state == "missing"} == {
        "jupyterlab",
        "folder",
        "kernel",
        "sandbox",
    }
    assert cli.main(["doctor"]) == 1
    assert "pip install gradsheet" in capsys.readouterr().out
