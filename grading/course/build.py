"""From a master text to the executed solution and the students' notebook, byte for byte the same each time.

A master is a jupytext percent script. What a cell is for stands in its header:

    # %% setup=true                          opens the sheet; locked
    # %% show="chain.paths_by_hand"          shows a statement that differs between students; locked
    # %% answer="chain.compose"              where the student answers; holds a BEGIN SOLUTION region
    # %% check="chain.compose"               the graded cell; locked
    # %% [markdown] prose="chain.derive"     an answer in words, marked by a person
    # %% attempt="chain.compose" expect="wrong" cause="transposed"
    # %% attempt="cost.cheaper" expect="wrong" because="The output is what is long here."
                                             a known answer, for trying out the exercise; never in a notebook
"""

from __future__ import annotations

import hashlib
import html
import re
import textwrap
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from grading.answers import fault_of
from grading.answers.keys import KEYS_FILE, write_keys
from grading.course.execution import execute
from grading.course.freshness import is_current, source_digest, stamp
from grading.course.keying import make_keys
from grading.course.layout import Course, write_sheet_file
from grading.course.master import SOLUTION_MARKS, BuildError, read_attempts, read_master, solutions_in
from grading.course.nbgrader_api import nbgrader_api, run_nbgrader
from grading.course.printed import long_numbers
from grading.notebook.session import sheet_folders
from grading.sheets import Prose, Sheet, Variant, load_sheet
from grading.sheets.sheet import SETUP_CELL_ID
from grading.trusted.means import remarks
from grading.verify.item import Item
from grading.verify.lint import lint

_ROLES = ("show", "answer", "check", "prose")
_SEEDS = 10  # at the points of so many seeds an exercise is tried before it is released
_LONGEST_COMPLAINT = 240  # characters of a verdict in an error; what comes first says most
_KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
_BEGIN, _END = SOLUTION_MARKS


def build(course: Course, name: str, variant: int | None = None, only_if_changed: bool = False) -> bool:
    """Regenerate one sheet's solution, keys and assignment; returns whether there was anything to do.

    `variant` changes the course to another set of the sheet; left out, the released one is kept.

    Raises
    ------
    BuildError : the master does not fit its declaration, or a cell of the solution fails
    """
    number = course.variant(name) if variant is None else variant
    digest = source_digest(course, name, number)
    if only_if_changed and is_current(course, name, digest):
        return False
    sheet = load_sheet(name, Variant(number), sheet_folders(course.root))
    notebook = compose(read_master(course, name), sheet, course.master(name))
    write_sheet_file(course.solutions / name, name, number)
    attempts = read_attempts(course, name)
    _check_exercises(sheet, course.master(name))
    keys = make_keys(course, name, number, sheet, notebook, attempts)
    with _restored_on_failure(course.solutions / name / KEYS_FILE):
        write_keys(course.solutions / name, name, number, keys)
        notebook.metadata["gradsheet"] = stamp(course, name, digest)
        execute(notebook, course.solutions / name)
        _check_solution(notebook, sheet, path=course.master(name))
    _write(course.solution(name), notebook)
    release(course, name)
    return True


def build_and_tell(name: str, course: Course, variant: int | None, only_if_changed: bool) -> str:
    """Build one sheet; returns what was made, and a line for whatever about it an instructor may want to mend.

    Raises
    ------
    BuildError : as `build`
    """
    made = build(course, name, variant, only_if_changed)
    warnings = [said for exercise in course.sheet(name).checked for said in lint(exercise)]
    warnings += _forbidden_to_all(course, name)
    warnings += long_numbers(nbformat.read(course.solution(name), as_version=4))
    said = "solution and assignment made" if made else "nothing has changed"
    return "\n".join([said, *(f"  warning: {warning}" for warning in warnings)])


def _forbidden_to_all(course: Course, name: str) -> Iterator[str]:
    """Where what is forbidden stands in the sheet's own solution, so that every honest answer would be looked at."""
    sheet, solutions = course.declared(name), solutions_in(read_master(course, name))
    for item in sheet.checked:
        forbids = sheet.forbidden_to(item)
        for remark in remarks(solutions.get(item.id, ""), forbids, {}) if forbids else ():
            yield f"{item.id}: the solution itself would be shown to a person, since it {remark}; see forbids"


def compose(master: NotebookNode, sheet: Sheet, path: Path) -> NotebookNode:
    """The solution notebook, not yet executed: nbgrader's metadata and stable cell ids in every cell.

    Raises
    ------
    BuildError : a cell or an exercise is missing, doubled or unknown
    """
    cells = [cell for cell in master.cells if "attempt" not in cell.metadata]
    _check_cells(cells, sheet, path)
    used: Counter[str] = Counter()
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": _KERNELSPEC, "language_info": {"name": "python"}})
    notebook.cells = [_dressed(cell, sheet, used) for cell in cells]
    return notebook


def _check_cells(cells: list[NotebookNode], sheet: Sheet, path: Path) -> None:
    found = Counter((role, cell.metadata[role]) for cell in cells for role in _ROLES if role in cell.metadata)
    wanted = [(role, item.id) for item in sheet.exercises for role in _roles_of(item)]
    for role, exercise in found:
        if (role, exercise) not in wanted:
            raise BuildError(f'{path}: a cell says {role}="{exercise}", which the sheet does not declare so')
    for role, exercise in wanted:
        if found[role, exercise] != 1:
            raise BuildError(f'{path}: {found[role, exercise]} cells {role}="{exercise}"; there must be exactly one')
    if sum("setup" in cell.metadata for cell in cells) != 1:
        raise BuildError(f"{path}: exactly one cell must be the setup cell, '# %% setup=true'")
    for cell in cells:
        if "answer" in cell.metadata and not (_BEGIN in cell.source and _END in cell.source):
            raise BuildError(f'{path}: the cell answer="{cell.metadata["answer"]}" has no {_BEGIN} ... {_END} region')


def _roles_of(item: Item | Prose) -> tuple[str, ...]:
    if isinstance(item, Prose):
        return ("prose",)
    return ("show", "answer", "check") if item.shown else ("answer", "check")


def _dressed(cell: NotebookNode, sheet: Sheet, used: Counter[str]) -> NotebookNode:
    """A cell with the id and the nbgrader metadata that its role asks for, and no other metadata."""
    meta = cell.metadata
    dressed = nbformat.v4.new_markdown_cell if cell.cell_type == "markdown" else nbformat.v4.new_code_cell
    if "setup" in meta:
        return dressed(cell.source, id=SETUP_CELL_ID, metadata={"nbgrader": _nbgrader(SETUP_CELL_ID, locked=True)})
    for role in _ROLES:
        if role in meta:
            details = _role_details(role, sheet[meta[role]])
            return dressed(cell.source, id=details["grade_id"], metadata={"nbgrader": details})
    digest = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
    used[digest] += 1
    return dressed(cell.source, id=f"{cell.cell_type}-{digest}-{used[digest]}")


def _role_details(role: str, item: Item | Prose) -> dict[str, Any]:
    if isinstance(item, Prose):
        return _nbgrader(item.cell_id, grade=True, solution=True, points=item.points)
    if role == "show":
        return _nbgrader(item.show_cell_id, locked=True)
    if role == "answer":
        return _nbgrader(item.answer_cell_id, solution=True)
    return _nbgrader(item.cell_id, grade=True, locked=True, points=item.points)


def _nbgrader(
    grade_id: str, *, grade: bool = False, solution: bool = False, locked: bool = False, points: float | None = None
) -> dict[str, Any]:
    details: dict[str, Any] = {
        "grade": grade,
        "grade_id": grade_id,
        "locked": locked,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    return details if points is None else details | {"points": float(points)}


@contextmanager
def _restored_on_failure(path: Path) -> Iterator[None]:
    """What a file held is put back if what is done with it fails."""
    before = path.read_bytes() if path.exists() else None
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        if before is not None:
            path.write_bytes(before)
        raise


def _check_exercises(sheet: Sheet, path: Path) -> None:
    """No exercise may be at fault: the witnesses must agree on it at many points."""
    for exercise in sheet.checked:
        for seed in range(_SEEDS):
            if fault := fault_of(exercise, seed):
                raise BuildError(f"{path}: {exercise.id} cannot be judged at the points of seed {seed}: {fault}")


def _check_solution(notebook: NotebookNode, sheet: Sheet, path: Path) -> None:
    """The master's own answers must earn full marks."""
    shown = {cell.id: output for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output}
    for exercise in sheet.checked:
        data = shown[exercise.cell_id].data if exercise.cell_id in shown else {}
        if data.get("text/plain") != repr(float(exercise.points)):
            said = " ".join(
                re.sub(r"<[^>]*>", " ", html.unescape(data.get("text/html", "nothing was checked"))).split()
            )
            brief = textwrap.shorten(said, _LONGEST_COMPLAINT, placeholder=" ...")
            raise BuildError(f"{path}: the solution of {exercise.id} is not right: {brief}")


def _write(path: Path, notebook: NotebookNode) -> None:
    nbformat.validate(notebook)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


def release(course: Course, name: str) -> None:
    """Let nbgrader make the students' notebook, without entering it into a gradebook."""
    api = nbgrader_api(course, gradebook=False)
    run_nbgrader(lambda: api.generate_assignment(name, force=True), f"nbgrader could not release {name}")
    path = course.assignment(name)
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if any(mark in cell.source for mark in SOLUTION_MARKS):
            raise BuildError(f"{path}: cell '{cell.id}' still holds a solution region; check its BEGIN and END lines")
