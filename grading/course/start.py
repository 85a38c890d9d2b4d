"""A student's own copy of a sheet."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import nbformat
from nbformat import NotebookNode

import grading
from grading.course.layout import Course, CourseError, write_sheet_file
from grading.notebook.session import SHEET_FILE, read_variant, sheet_folders
from grading.sheets import load_sheet

# In an installed package the students' notebooks lie inside it; in a checkout they lie in the course.
_PACKAGED = Path(grading.__path__[0])


def start(sheet: str, to: Path, student: str = "", if_missing: bool = False) -> tuple[Path, bool]:
    """Copy a sheet's notebook into `to`/<sheet>/; returns the copy, and whether it is new.

    A copy that does not know whose it is learns it from `student`; its notebook is left as it is.

    Raises
    ------
    CourseError : there is a copy already (unless `if_missing`), or no such sheet
    """
    course = _source()
    name = course.require_sheet(sheet)
    folder = to / name
    copy = folder / f"{name}.ipynb"
    if copy.exists():
        theirs = read_variant(folder, name)
        if student and not theirs.student:  # the notebook stays as it is; only whose it is was not known
            write_sheet_file(folder, name, theirs.number, student)
            return copy, False
        if if_missing:
            return copy, False
        raise CourseError(f"{copy} is there already and is left as it is; choose another folder with --to")
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(course.assignment(name).parent.iterdir()):
        if path.is_file() and not (folder / path.name).exists():
            shutil.copyfile(path, folder / path.name)
    write_sheet_file(folder, name, course.variant(name), student)
    return copy, True


def release_of(name: str) -> NotebookNode:
    """The notebook of a sheet as it was released.

    Raises
    ------
    CourseError : no such sheet
    """
    course = _source()
    return nbformat.read(course.assignment(course.require_sheet(name)), as_version=4)


def sheet_of(copy: Path) -> str:
    """The sheet that a notebook is a copy of, as `sheet.json` beside it says; else its own name, which can change."""
    try:
        name = json.loads((copy.parent / SHEET_FILE).read_text(encoding="utf-8"))["sheet"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return copy.stem
    return name if isinstance(name, str) else copy.stem


def is_anonymous(copy: Path) -> bool:
    """Whether a copy has exercises that differ between students, and does not know whose it is."""
    name = sheet_of(copy)
    variant = read_variant(copy.parent, name)
    return not variant.student and load_sheet(name, variant, sheet_folders(copy.parent.resolve())).is_personal


def open_lab(notebook: Path) -> NoReturn:
    """Become JupyterLab with this notebook open, so that Ctrl-C is answered by it alone."""
    as_root = ["--allow-root"] if os.geteuid() == 0 else []  # as containers have it
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", str(notebook), *as_root])


def _source() -> Course:
    """The course we are in, or the sheets that came with the package."""
    try:
        return Course.find()
    except CourseError:
        if (_PACKAGED / "assignments").is_dir():
            return Course(_PACKAGED)
        raise
