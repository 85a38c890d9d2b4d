"""A student's own copy of a sheet."""

from __future__ import annotations

import shutil
from pathlib import Path

import grading
from grading.course.layout import Course, CourseError, write_sheet_file
from grading.notebook.session import read_variant

# In an installed package the students' notebooks lie inside it; in a checkout they lie in the course.
_PACKAGED = Path(grading.__path__[0])


def start(sheet: str, to: Path, student: str = "", if_missing: bool = False) -> tuple[Path, bool]:
    """Copy a sheet's notebook into `to`/<sheet>/; returns the copy, and whether it is new.

    Raises
    ------
    CourseError : there is a copy already (unless `if_missing`), or no such sheet
    """
    course = _source()
    name = course.require_sheet(sheet)
    folder = to / name
    copy = folder / f"{name}.ipynb"
    if copy.exists():
        if if_missing:
            return copy, False
        raise CourseError(f"{copy} is there already and is left as it is; choose another folder with --to")
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(course.assignment(name).parent.iterdir()):
        if path.is_file() and not (folder / path.name).exists():
            shutil.copyfile(path, folder / path.name)
    write_sheet_file(folder, name, read_variant(course.assignments / name).number, student)
    return copy, True


def _source() -> Course:
    """The course we are in, or the sheets that came with the package."""
    try:
        return Course.find()
    except CourseError:
        if (_PACKAGED / "assignments").is_dir():
            return Course(_PACKAGED)
        raise
