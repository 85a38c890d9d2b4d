"""What is committed is what the masters, declarations and data say; and whatever is not is noticed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from classroom import REPOSITORY, ROOT
from tiny import DATA, TINY, contents, tiny_course

from grading.cli import main
from grading.course.build import BuildError, build, compose, release
from grading.course.freshness import is_current, require_built, source_digest
from grading.course.layout import CONFIG, Course
from grading.course.master import read_master
from grading.course.printed import long_numbers

SHEETS = REPOSITORY.sheet_names()
WITH_DATA = "05_initialisation_symmetry"


def copy_of(folder: Path, *names: str) -> Course:
    """Some sheets of the repository's course, in a course of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ROOT / CONFIG, folder / CONFIG)
    for part in ("solutions", "assignments"):
        for name in names:
            shutil.copytree(ROOT / part / name, folder / part / name, ignore=shutil.ignore_patterns("__pycache__"))
    return Course(folder)


def stale(course: Course, name: str) -> list[str]:
    """What of a sheet is not as its master, its declaration and its data make it, as far as can be seen at rest."""
    found = []
    if not is_current(course, name, source_digest(course, name, course.variant(name))):
        found.append("not made from this, or not the same beside both notebooks")
    composed = compose(read_master(course, name), course.declared(name), course.master(name))
    solution = nbformat.read(course.solution(name), as_version=4)
    if [asked(cell) for cell in composed.cells] != [asked(cell) for cell in solution.cells]:
        found.append("the solution has other cells")
    before = contents(course.assignments)
    release(course, name)
    if contents(course.assignments) != before:
        found.append("the assignment is another")
    return found


def asked(cell: nbformat.NotebookNode) -> tuple[str, str, dict[str, object]]:
    return cell.id, cell.source, cell.metadata


@pytest.mark.parametrize("name", SHEETS)
def test_what_is_committed_is_what_the_masters_say(name: str, tmp_path: Path) -> None:
    assert stale(copy_of(tmp_path, name), name) == []


def replaced(old: str, new: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


CHANGES: dict[str, tuple[list[str], Callable[[Path], None]]] = {
    "the master": ([f"solutions/{WITH_DATA}/{WITH_DATA}.py"], replaced("# ", "# Anew: ")),
    "a known answer": ([f"solutions/{WITH_DATA}/{WITH_DATA}.py"], replaced('because="', 'because="Oh. ')),
    "the data": ([f"solutions/{WITH_DATA}/digits.csv"], replaced("0", "1")),
    "the data handed out": ([f"assignments/{WITH_DATA}/digits.csv"], replaced("0", "1")),
    "both": ([f"{part}/{WITH_DATA}/digits.csv" for part in ("solutions", "assignments")], replaced("0", "1")),
    "data that are gone": ([f"assignments/{WITH_DATA}/digits.csv"], Path.unlink),
    "the keys": ([f"solutions/{WITH_DATA}/keys.json"], replaced('"salt": "', '"salt": "00')),
    "the keys handed out": ([f"assignments/{WITH_DATA}/keys.json"], replaced('"salt": "', '"salt": "00')),
    "both keys": (
        [f"{part}/{WITH_DATA}/keys.json" for part in ("solutions", "assignments")],
        replaced('"sealed": [', '"sealed": ["00", '),
    ),
    "the variant": ([f"assignments/{WITH_DATA}/sheet.json"], replaced('"variant": 0', '"variant": 1')),
    "a solution's cell": ([f"solutions/{WITH_DATA}/{WITH_DATA}.ipynb"], replaced("import numpy", "import  numpy")),
    "an assignment's cell": ([f"assignments/{WITH_DATA}/{WITH_DATA}.ipynb"], replaced("import numpy", "import  numpy")),
    "no assignment": ([f"assignments/{WITH_DATA}/{WITH_DATA}.ipynb"], Path.unlink),
    "half a solution": ([f"solutions/{WITH_DATA}/{WITH_DATA}.ipynb"], lambda path: path.write_text("{")),
}


@pytest.mark.parametrize(("paths", "change"), CHANGES.values(), ids=CHANGES)
def test_whatever_is_stale_is_noticed(paths: list[str], change: Callable[[Path], None], tmp_path: Path) -> None:
    course = copy_of(tmp_path, WITH_DATA)
    for path in paths:
        change(course.root / path)
    assert noticed(course)


def noticed(course: Course) -> bool:
    """At a glance, or else by making the notebooks once more."""
    digest = source_digest(course, WITH_DATA, course.variant(WITH_DATA))
    return not is_current(course, WITH_DATA, digest) or bool(stale(course, WITH_DATA))


# --- what a notebook keeps ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHEETS)
def test_a_solution_keeps_nothing_that_passes(name: str) -> None:
    notebook = nbformat.read(REPOSITORY.solution(name), as_version=4)
    assert list(volatile(notebook)) == []
    assert list(long_numbers(notebook)) == []


def volatile(notebook: nbformat.NotebookNode) -> Iterator[str]:
    """What would be another the next time: times, versions, addresses, temporary files."""
    if notebook.metadata.language_info != {"name": "python"}:
        yield "the version of Python"
    for cell in notebook.cells:
        yield from (f"metadata {key} of {cell.id}" for key in cell.metadata if key != "nbgrader")
        for output in cell.get("outputs", []):
            shown = re.sub(r'src="data:[^"]*"', "", str(output))
            yield from re.findall(r"\b0x[0-9a-f]{6,}|/tmp/\S*|<Figure [^>]*>", shown)
            yield from (f"output metadata {key}" for key in output.get("metadata", {}))


@pytest.mark.parametrize("said", ["<object at 0x7f01de3c8a90>", "/tmp/ipykernel_12/34.py:1: UserWarning: no"])
def test_what_passes_is_found(said: str) -> None:
    output = nbformat.v4.new_output("stream", text=said)
    timed = nbformat.v4.new_code_cell("x", outputs=[output], metadata={"execution": {"shell.execute_reply": "now"}})
    about = {"language_info": {"name": "python", "version": "3.11.9"}}
    assert len(list(volatile(nbformat.v4.new_notebook(cells=[timed], metadata=about)))) == 3


@pytest.mark.parametrize(
    ("shown", "is_long"),
    {
        "1.23456": False,
        "0.0000123456": False,
        "1.234567": True,
        "-1.234567e-05": True,
        "1309000 rows": False,
        "digits.csv": False,
        "a 12345.67 b": True,
        "v1.2345678": False,
    }.items(),
)
@pytest.mark.parametrize("kind", ["text", "text/plain", "text/html"])
def test_numbers_of_more_than_six_digits_are_found(shown: str, is_long: bool, kind: str) -> None:
    if kind == "text":
        output = nbformat.v4.new_output("stream", text=shown)
    else:
        said = f'<p title="0.123456789">{shown}</p>' if kind == "text/html" else shown
        output = nbformat.v4.new_output("display_data", data={kind: said})
    found = list(long_numbers(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("f(x)", outputs=[output])])))
    assert bool(found) == is_long
    assert all("'f(x)'" in line for line in found)


# --- what is built again -----------------------------------------------------------------------------------------


def test_two_processes_make_what_one_makes_and_data_count_as_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = (tiny_course(tmp_path / folder) for folder in ("one", "two"))
    for course, processes in ((one, "1"), (two, "2")):
        monkeypatch.chdir(course.root)
        assert main(["build", "--processes", processes]) == 0
    said = capsys.readouterr().out.splitlines()
    assert sorted(said) == sorted([f"{name}: solution and assignment made" for name in TINY] * 2)
    assert contents(two.root) == contents(one.root)

    require_built(one, TINY[0])
    (one.solutions / TINY[0] / DATA).write_text("4\n")
    with pytest.raises(BuildError, match="01_small has changed since it was built; run `gradsheet build 01_small`"):
        require_built(one, TINY[0])
    assert build(one, TINY[0], only_if_changed=True)
    assert (one.assignments / TINY[0] / DATA).read_text() == "4\n"
    assert "4\\n" in one.solution(TINY[0]).read_text()
    assert not build(one, TINY[0], only_if_changed=True)


def test_a_sheet_that_fails_keeps_the_others_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    course = tiny_course(tmp_path)
    replaced("numbers =", "no_such_name\nnumbers =")(course.master(TINY[0]))
    monkeypatch.chdir(course.root)
    assert main(["build"]) == 1
    said = capsys.readouterr()
    assert said.out == "02_other: solution and assignment made\n"
    assert said.err.startswith("gradsheet: 01_small: a cell of the solution fails: NameError")
    assert said.err.count("\n") == 1
    assert not course.solution(TINY[0]).exists()


def test_what_is_forbidden_and_stands_in_the_solution_itself_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    course = tiny_course(tmp_path)
    monkeypatch.chdir(course.root)
    for topic, forbidden in (("small", "way"), ("other", "ways")):
        replaced("points=2),)", f'points=2),), forbids=("{forbidden}",)')(course.root / "sheets" / f"{topic}.py")
    assert main(["build", "--processes", "1"]) == 0
    warnings = [line for line in capsys.readouterr().out.splitlines() if "warning" in line]
    assert warnings == [
        "  warning: small.way: the solution itself would be shown to a person, since it mentions way; see forbids"
    ]


def test_what_is_handed_out_of_a_course_of_ones_own_is_all_that_students_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    course, students = tiny_course(tmp_path / "mine"), tmp_path / "theirs"
    build(course, TINY[0])
    shutil.copytree(course.assignments, students / "assignments")
    shutil.copyfile(course.root / CONFIG, students / CONFIG)
    monkeypatch.chdir(students)
    assert main(["start", "1", "--to", "work"]) == 1
    assert "sheets/small.py, beside the notebook or in a folder above" in capsys.readouterr().err
    shutil.copytree(course.root / "sheets", students / "sheets")
    assert main(["start", "1", "--to", "again"]) == 0
    assert main(["check", f"again/{TINY[0]}/{TINY[0]}.ipynb"]) == 0
    assert main(["submit-check", f"again/{TINY[0]}/{TINY[0]}.ipynb"]) == 1
    assert "not attempted: small.way" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    return Sheet", "    return Shet", "line 7: NameError: name 'Shet' is not defined"),
        ("def sheet", "Shet\n\n\ndef sheet", "line 6: NameError: name 'Shet' is not defined"),
        ("def sheet(variant)", "def sheet(variant", "SyntaxError: '(' was never closed"),
        ("points=2", "point=2", "line 7: TypeError: "),
    ],
)
def test_a_slip_in_a_declaration_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    course = tiny_course(tmp_path)
    replaced(old, new)(course.root / "sheets" / "small.py")
    monkeypatch.chdir(course.root)
    assert main(["build", "1"]) == 1
    told = capsys.readouterr().err
    assert "small.py" in told
    assert said in told
    assert told.count("\n") == 1


@pytest.mark.sweep
def test_the_whole_course_is_made_anew_byte_for_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course = copy_of(tmp_path, *SHEETS)
    committed = contents(course.root)
    monkeypatch.chdir(course.root)
    assert main(["build"]) == 0
    assert contents(course.root) == committed
