"""A throw-away course, and notebooks to hand in there."""

import copy
import hashlib
import shutil
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

from grading.course.layout import CONFIG, Course

ROOT = Path(__file__).resolve().parent.parent
NAME = "01_chain_rule"
REPOSITORY = Course(ROOT)
SHEET = REPOSITORY.sheet(NAME)
FULL = {item.id: item.points for item in SHEET.checked}


def make_course(folder, quick=False):
    """A copy of the repository's course; in a quick one a cell of the student's own may take 2 seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    text = (ROOT / CONFIG).read_text()
    (folder / CONFIG).write_text(text + ("\nc.MarkedExecute.timeout = 2\n" if quick else ""))
    for part in ("solutions", "assignments"):
        shutil.copytree(ROOT / part / NAME, folder / part / NAME, ignore=shutil.ignore_patterns("__pycache__"))
    return Course(folder)


def make_whole_course(folder):
    """A copy of the repository's course with all of its sheets."""
    for part in ("solutions", "assignments"):
        shutil.copytree(ROOT / part, folder / part)
    shutil.copy(ROOT / CONFIG, folder / CONFIG)
    return Course(folder)


def untouched():
    """The notebook as students get it."""
    return nbformat.read(REPOSITORY.assignment(NAME), as_version=4)


def solved(**answers):
    """The notebook with the solution in every answer cell, or with what is given for `topic` of `chain.topic`."""
    notebook, known = untouched(), {cell.id: cell.source for cell in _solution().cells}
    for item in SHEET.checked:
        cell_of(notebook, item.answer_cell_id).source = known[item.answer_cell_id]
    for topic, source in answers.items():
        cell_of(notebook, SHEET[f"chain.{topic}"].answer_cell_id).source = source
    return notebook


def _solution():
    return nbformat.read(REPOSITORY.solution(NAME), as_version=4)


def cell_of(notebook, cell_id):
    """The cell with this id."""
    return next(cell for cell in notebook.cells if cell.get("id") == cell_id)


def insert(notebook, source, before="setup"):
    """The notebook with a code cell of the student's own before the cell called `before`."""
    place = next(number for number, cell in enumerate(notebook.cells) if cell.get("id") == before)
    notebook.cells.insert(place, new_code_cell(source, id="inserted"))
    return notebook


def append(notebook, source):
    """The notebook with a code cell of the student's own at the end."""
    notebook.cells.append(new_code_cell(source, id="appended"))
    return notebook


def twin(cell):
    """A copy of a cell, as a person makes it who copies and pastes."""
    return copy.deepcopy(cell)


def hand_in(course, student, content, file=f"{NAME}.ipynb"):
    """Put a notebook, a text or bytes into a student's folder; returns the folder."""
    folder = course.submitted / student / NAME
    folder.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, str | bytes):
        content = nbformat.writes(content) + "\n"
    (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def tree_digest(folder):
    """A digest of every name and every byte under a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(str(path.relative_to(folder)).encode("utf-8", "surrogateescape"))
        if path.is_file() and not path.is_symlink():
            digest.update(path.read_bytes())
    return digest.hexdigest()
