"""What students get: the archive and the package are opened and looked into, and used as a student would."""

from __future__ import annotations

import ast
import base64
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import zipfile
import zlib

import nbformat
import pytest
from classroom import NAME, REPOSITORY, ROOT, cell_of, solved
from tiny import DATA, TINY, tiny_course

from grading.answers.graph import GraphExercise
from grading.course.build import build
from grading.course.bundle import FOLDER, write_bundle
from grading.course.layout import CourseError
from grading.course.master import BuildError
from grading.sheets import Prose

SHEETS = REPOSITORY.sheet_names()
CONVENTION = "a gradient has the shape of its"  # said in many places
TELLING = 6  # characters; a shorter line, such as "else:", tells nothing


def opened(data, under=""):
    """Every file of an archive by its path, and of the archives in it."""
    files = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        for path in archive.namelist():
            content = archive.read(path)
            files |= opened(content, f"{path}!") if path.endswith(".whl") else {under + path: content}
    return files


def in_package(files):
    """The files of the wheel in an archive, by their path in the wheel."""
    return {path.partition("!")[2]: data for path, data in files.items() if "!" in path}


def unsealed(module):
    """The text of a declaration that is folded up."""
    (folded,) = [node.value for node in ast.walk(ast.parse(module)) if isinstance(node, ast.Constant) and is_long(node)]
    return zlib.decompress(base64.b85decode(folded)).decode()


def is_long(node):
    return isinstance(node.value, str) and len(node.value) > 200 and " " not in node.value


def lines_of(text):
    return {line.strip() for line in text.splitlines() if len(line.strip()) >= TELLING}


def solutions():
    """The lines that only the solution has, by the exercise that they solve."""
    found = {}
    for name in SHEETS:
        items = {item.answer_cell_id: item for item in REPOSITORY.declared(name).checked}
        for cell in nbformat.read(REPOSITORY.solution(name), as_version=4).cells:
            above, begins, below = cell.source.partition("### BEGIN SOLUTION")
            if begins and cell.id in items:
                inside, _, after = below.partition("### END SOLUTION")
                found[items[cell.id].id] = lines_of(inside) - lines_of(above) - lines_of(after)
    return found


SOLUTIONS = solutions()
GRAPHS = {item.id for name in SHEETS for item in REPOSITORY.declared(name).checked if isinstance(item, GraphExercise)}


def telling(text):
    """The lines of solutions that stand in a text."""
    return lines_of(text) & set().union(*SOLUTIONS.values())


def solved_by(text):
    """The exercises whose whole solution stands in a text."""
    lines = lines_of(text)
    return {exercise for exercise, solution in SOLUTIONS.items() if solution and solution <= lines}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """The archive with all sheets of this course, and its files."""
    path = write_bundle(REPOSITORY, SHEETS, tmp_path_factory.mktemp("bundle") / "new" / "all.zip")
    return path, opened(path.read_bytes())


# --- what is in it ---------------------------------------------------------------------------------------------------


def test_every_sheet_is_in_it_as_it_was_released(bundle):
    _, files = bundle
    assert {path.split("/")[0].partition("!")[0] for path in files} == {FOLDER}
    for name in SHEETS:
        for path in REPOSITORY.assignments.joinpath(name).iterdir():
            assert files[f"{FOLDER}/{name}/{path.name}"] == path.read_bytes()
            assert in_package(files)[f"grading/assignments/{name}/{path.name}"] == path.read_bytes()


def test_solutions_are_known_to_this_test():
    assert len(SOLUTIONS) > 100
    assert min(len(solution) for solution in SOLUTIONS.values()) > 0
    assert solved_by("\n".join(SOLUTIONS["chain.jacobian"])) == {"chain.jacobian"}


def test_no_line_of_a_solution_is_in_the_package(bundle):
    modules = {path: data.decode() for path, data in in_package(bundle[1]).items() if path.endswith(".py")}
    assert len(modules) > 100
    assert {path: found for path, text in modules.items() if (found := telling(text))} == {}


def test_no_solution_is_in_a_notebook(bundle):
    for path, data in bundle[1].items():
        if path.endswith(".ipynb"):
            text = "\n".join(cell.source for cell in nbformat.reads(data.decode(), as_version=4).cells)
            assert not solved_by(text), path
            assert "SOLUTION" not in text


def test_folded_declarations_hold_what_the_judge_must_know_and_no_more(bundle):
    """Whether a graph is the one that was asked for can only be said by who knows it; nothing else is written down."""
    package = in_package(bundle[1])
    declarations = "\n".join(unsealed(package[f"grading/sheets/{name[3:]}.py"]) for name in SHEETS)
    assert solved_by(declarations) <= GRAPHS


def test_no_rubric_is_in_it(bundle):
    files = bundle[1]
    texts = [data.decode("utf-8", "replace") for data in files.values()]
    texts += [unsealed(in_package(files)[f"grading/sheets/{name[3:]}.py"]) for name in SHEETS]
    everything = "\n".join(texts)
    rubrics = [
        item.rubric for name in SHEETS for item in REPOSITORY.declared(name).exercises if isinstance(item, Prose)
    ]
    assert len(rubrics) > 5
    for rubric in rubrics:
        words = set(re.findall(r"\w+(?: \w+){6}", rubric)) - {CONVENTION}
        assert not [said for said in words if said in everything]


def test_nothing_of_the_instructors_is_in_it(bundle):
    paths = set(bundle[1])
    assert not [
        path
        for path in paths
        if re.search("solution|config|master|gradebook|marking|means|ledger|nbgrader|students", path)
    ]
    assert {path.rpartition("/")[2] for path in paths if "/course/" in path} == {
        f"{name}.py" for name in ("__init__", "doctor", "inert", "layout", "restored", "start", "trial")
    }


def test_keys_are_hashes_of_the_released_variant(bundle):
    for path, data in bundle[1].items():
        if path.endswith("keys.json"):
            keys = json.loads(data)
            assert keys["variant"] == json.loads(bundle[1][path.replace("keys.json", "sheet.json")])["variant"]
            for key in keys["keys"].values():
                assert key.keys() == {"salt", "opens", "sealed"} or key.keys() == {"salt", "opens"}
                assert all(re.fullmatch("[0-9a-f]{64}", opens) for opens in key["opens"].values())


def test_the_wheel_is_one(bundle):
    package = in_package(bundle[1])
    (record,) = [data.decode() for path, data in package.items() if path.endswith(".dist-info/RECORD")]
    assert {line.split(",")[0] for line in record.splitlines()} == set(package)
    (told,) = [data.decode() for path, data in package.items() if path.endswith(".dist-info/METADATA")]
    assert "Requires-Dist: numpy" in told
    assert "nbgrader" not in told


# --- as a student ----------------------------------------------------------------------------------------------------


def installed(bundle, folder):
    """An archive unpacked in an empty folder with its package installed there, and how Python runs with that alone."""
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    here = folder / FOLDER
    (wheel,) = here.glob("*.whl")
    offline = ["--quiet", "--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "install", *offline, "--target", here / "lib", wheel], check=True)

    def python(*arguments, cwd=here):
        environment = os.environ | {"PYTHONPATH": str(here / "lib")}
        run = subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        return run.stdout

    assert str(here) in python("-c", "import grading; print(grading.__file__)")
    return here, python


def test_a_student_starts_and_checks_an_answer(bundle, tmp_path):
    here, python = installed(bundle[0], tmp_path)
    (command,) = [
        line for line in (here / "README.md").read_text().splitlines() if line.startswith("$ gradsheet start")
    ]
    first = command.split()[3]
    assert first == SHEETS[0] == NAME
    python("-m", "grading.cli", "start", first, "--student", "ann")
    exercise = REPOSITORY.declared(NAME).checked[0]
    cells = [cell_of(solved(), cell_id).source for cell_id in ("setup", exercise.answer_cell_id, exercise.cell_id)]
    cells[-1] = cells[-1].replace("check(", "print(check(", 1) + ".text())"
    assert f"Right: {exercise.id}" in python("-c", "\n".join(cells), cwd=here / "work" / NAME)


def test_a_sheet_of_ones_own_is_in_the_package_and_a_notebook_can_be_run(tmp_path):
    course = tiny_course(tmp_path / "course")
    build(course, TINY[0], variant=5)
    for name in ("notes.json", "helper.py", "solution.html"):
        (course.assignments / TINY[0] / name).write_text("{}")
    with pytest.raises(CourseError, match=r"helper\.py is handed out"):
        write_bundle(course, TINY[:1], tmp_path / "b.zip")
    (course.assignments / TINY[0] / "helper.py").unlink()
    path = write_bundle(course, TINY[:1], tmp_path / "b.zip")
    released = {"01_small.ipynb", "keys.json", "sheet.json", DATA}
    assert {name.split("/")[2] for name in opened(path.read_bytes()) if f"{FOLDER}/{TINY[0]}/" in name} == released
    here, python = installed(path, tmp_path / "student")
    python("-m", "grading.cli", "start", "small", "--student", "ann")
    copy = here / "work" / TINY[0] / f"{TINY[0]}.ipynb"
    copy.write_text(copy.read_text().replace("way = None", 'way = \\"a\\"'))
    assert re.search(r"small\.way +✓ right +2 of 2", python("-m", "grading.cli", "check", str(copy)))
    assert json.loads(copy.with_name("sheet.json").read_text()) == {"sheet": TINY[0], "variant": 5, "student": "ann"}


# --- how it is made --------------------------------------------------------------------------------------------------


def test_the_same_sheets_give_the_same_bytes_and_others_another_version(tmp_path):
    once = write_bundle(REPOSITORY, SHEETS[:1], tmp_path / "one.zip").read_bytes()
    again = write_bundle(REPOSITORY, SHEETS[:1], tmp_path / "two.zip").read_bytes()
    assert once == again
    assert not [path for path in opened(once) if SHEETS[1] in path or SHEETS[1][3:] in path]
    other = write_bundle(REPOSITORY, SHEETS[:2], tmp_path / "one.zip").read_bytes()
    assert not {path for path in opened(once) if "dist-info" in path} & set(opened(other))


def test_what_cannot_be_handed_out_is_refused_in_a_line(course, tmp_path):
    def refusal(kind, to="b.zip", names=(NAME,)):
        with pytest.raises(kind) as error:
            write_bundle(course, names, tmp_path / to)
        assert "\n" not in str(error.value)
        assert not (tmp_path / to).exists()
        return str(error.value)

    assert "ends in .zip" in refusal(CourseError, "b.tar")
    assert "no sheet" in refusal(CourseError, names=())
    notebook = course.assignment(NAME).read_text()
    solution = max(SOLUTIONS["chain.jacobian"], key=len)
    leaky = notebook.replace("pass  # your answer here", json.dumps(solution)[1:-1])
    course.assignment(NAME).write_text(leaky)
    assert "a line of the solution stands" in refusal(CourseError)
    course.assignment(NAME).unlink()
    assert "gradsheet build" in refusal(BuildError)


def test_a_rubric_that_is_made_elsewhere_is_refused(tmp_path):
    course = tiny_course(tmp_path / "course")
    declaration = course.root / "sheets" / "small.py"
    text = declaration.read_text().replace(
        "import Sheet\n", "import Prose, Sheet\n\nWORDS = 'One point for courage.'\n"
    )
    declaration.write_text(text.replace("points=2),)", "points=2), Prose('small.why', 2, WORDS))"))
    course.master(TINY[0]).write_text(
        course.master(TINY[0]).read_text() + '\n# %% [markdown] prose="small.why"\n# Why?\n'
    )
    build(course, TINY[0])
    with pytest.raises(CourseError, match=r"the rubric of small\.why would be handed out"):
        write_bundle(course, TINY[:1], tmp_path / "b.zip")


# --- the package as pip builds it ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """What `pip wheel` makes of this repository, by path."""
    folder = tmp_path_factory.mktemp("wheel")
    here = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", *here, "-w", folder, ROOT], check=True
    )
    (wheel,) = folder.glob("*.whl")
    return opened(wheel.read_bytes())


def test_the_package_holds_no_solution(package):
    assert {path.split("/")[0].partition("-")[0] for path in package} == {"autodiff", "grading", "gradsheet"}
    masters = {f"{name}.{kind}" for name in SHEETS for kind in ("py", "html", "pdf")}
    assert not [path for path in package if path.rpartition("/")[2] in masters or "solutions/" in path]
    declarations = {f"grading/sheets/{name[3:]}.py" for name in SHEETS}
    for path, data in package.items():
        if path in declarations:
            assert solved_by(data.decode()) <= GRAPHS
        elif path.endswith(".py"):
            assert not telling(data.decode()), path
        elif path.endswith(".ipynb"):
            notebook = nbformat.reads(data.decode(), as_version=4)
            assert not solved_by("\n".join(cell.source for cell in notebook.cells)), path
