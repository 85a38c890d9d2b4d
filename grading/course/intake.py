"""What students handed in, brought into a form that can be marked: the release's cells, the student's answers."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import parse_utc

from grading.answers.keys import KEYS_FILE
from grading.course.ids import as_id, unfit_id
from grading.course.layout import Course
from grading.course.restored import cell_name, grade_id, restore
from grading.notebook.session import SHEET_FILE

_LARGEST_NOTEBOOK = 64 * 2**20  # bytes, with its outputs
_MOST_PARTS = 2_000_000  # of a notebook's JSON: each takes many times the memory of the signs that write it
_SIGNS_OF_PARTS = (b"[", b"{", b'",')
_LARGEST_BESIDE = 10 * 2**20  # of all files beside the notebook; nbgrader keeps three copies of each
_LARGEST_SUBMISSION = 200 * 2**20
_MOST_FOLDERS = 200
_LONGEST_PATH = 2000
_NOT_COLLECTED = (SHEET_FILE, KEYS_FILE, ".ipynb_checkpoints", "__pycache__")


class SetAsideError(Exception):
    """A submission cannot be marked; the message says why in one line."""


@dataclass
class Submission:
    """One submission: where it lies, and after `collect` what had to be mended in it."""

    student: str
    folder: Path
    notebook: Path | None = None
    notes: list[str] = field(default_factory=list)


def submissions(course: Course, name: str) -> list[Submission]:
    """Everything handed in for a sheet, by student; the folder's name is the student's id."""
    folders = sorted(course.submitted.glob(f"*/{name}"))
    return [Submission(as_id(folder.parent.name), folder) for folder in folders if folder.is_dir()]


def unfit(submission: Submission) -> str:
    """Why nothing in this folder should even be read, in one line; empty if it may be."""
    folder = submission.folder
    if reason := unfit_id(submission.student):
        return f"{reason}; rename the folder"
    if folder.is_symlink() or folder.parent.is_symlink():
        return "the folder is a link to another one"
    total = 0
    for depth, (path, _, files) in enumerate(os.walk(folder)):
        total += sum(os.lstat(os.path.join(path, name)).st_size for name in files)
        if depth > _MOST_FOLDERS or total > _LARGEST_SUBMISSION or len(path) > _LONGEST_PATH:
            return (
                f"more than {_LARGEST_SUBMISSION // 2**20} MiB or {_MOST_FOLDERS} folders; hand in the notebook alone"
            )
    return ""


def collect(course: Course, name: str, submission: Submission, release: NotebookNode) -> None:
    """Write a submission, mended where it must be, to `collected/`; what was handed in is only read.

    Raises
    ------
    SetAsideError : there is no notebook in it, or what there is cannot be read
    """
    source = _find_notebook(submission, name)
    handed_in = _read_notebook(source)
    if not {cell_name(cell) for cell in handed_in.cells} & {grade_id(cell) for cell in release.cells} - {""}:
        raise SetAsideError(f"{source.name} holds none of the sheet's cells; is it another notebook?")
    notebook, notes = restore(handed_in, release)
    submission.notes += notes
    target = course.collected / submission.student / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    copy_files(source.parent, target)
    submission.notes += _too_large(source.parent)
    submission.notes += _without_bad_timestamp(target)
    submission.notebook = target / f"{name}.ipynb"
    submission.notebook.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", errors="replace")


def _find_notebook(submission: Submission, name: str) -> Path:
    found = sorted(path for path in submission.folder.glob("*.ipynb") if path.is_file() and not path.is_symlink())
    named = [path for path in found if path.stem == name]
    if named:
        others = ", ".join(path.name for path in found if path != named[0])
        submission.notes += [f"only {named[0].name} was marked, not {others} beside it"] if others else []
        return named[0]
    if not found:
        raise SetAsideError(f"no notebook in {submission.folder.name}/")
    if len(found) > 1:
        raise SetAsideError(f"{len(found)} notebooks and none is called {name}.ipynb; rename the right one")
    submission.notes.append(f"{found[0].name} was taken for {name}.ipynb")
    return found[0]


def _read_notebook(path: Path) -> NotebookNode:
    try:
        if path.stat().st_size > _LARGEST_NOTEBOOK:
            raise SetAsideError(f"{path.name} is larger than {_LARGEST_NOTEBOOK // 2**20} MiB; clear its outputs")
        written = path.read_bytes()
        if sum(map(written.count, _SIGNS_OF_PARTS)) > _MOST_PARTS:
            raise SetAsideError(f"{path.name} is made of too many parts; clear its outputs")
        data = json.loads(written)  # in whatever encoding of Unicode's, and with half characters
        notebook = nbformat.from_dict(_upgraded(data))
        if not all(isinstance(cell.source, str | list) and cell.cell_type for cell in notebook.cells):
            raise SetAsideError(f"{path.name} holds cells that are no cells")
        return notebook
    except UnicodeDecodeError:
        raise SetAsideError(f"{path.name} is not text, so it is no notebook") from None
    except json.JSONDecodeError as error:
        raise SetAsideError(f"{path.name} is not a notebook: line {error.lineno} is not JSON") from None
    except OSError as error:
        raise SetAsideError(f"{path.name} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError, OverflowError):
        raise SetAsideError(f"{path.name} is not a notebook: it is JSON, but holds no list of cells") from None


def _upgraded(data: Any) -> Any:
    """A notebook of an older format in the current one."""
    if not isinstance(data, dict) or "nbformat" not in data:
        raise ValueError("it has no nbformat")
    if int(data["nbformat"]) < 4:
        return nbformat.convert(nbformat.reads(json.dumps(data), as_version=int(data["nbformat"])), 4)
    return data


def _without_bad_timestamp(folder: Path) -> list[str]:
    """nbgrader reads when a submission came in from `timestamp.txt`, and gives up on one that holds no time."""
    path = folder / "timestamp.txt"
    if path.exists():
        try:
            parse_utc(path.read_text(encoding="utf-8").strip())
        except (ValueError, OverflowError):
            path.unlink()
            return ["timestamp.txt holds no time and was left out"]
    return []


def copy_files(folder: Path, to: Path, most: float = _LARGEST_BESIDE) -> None:
    """Copy what lies beside a notebook, and is fit to be copied: not more than so many bytes in all."""
    for file in files_beside(folder, most):
        copy = to / file.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def files_beside(folder: Path, most: float = _LARGEST_BESIDE) -> Iterator[Path]:
    """Other files than the notebook: no links, nothing of ours, and no file for which there is no room any more."""
    left = most
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_symlink() or not path.is_file() or path.suffix == ".ipynb" or set(parts) & set(_NOT_COLLECTED):
            continue
        size = path.stat().st_size
        if size <= left:
            left -= size
            yield path


def _too_large(folder: Path) -> list[str]:
    """A note on the files for which there is no room, if there are any."""
    fit = len(list(files_beside(folder)))
    left_out = len(list(files_beside(folder, math.inf))) - fit
    return [f"{left_out} files beyond {_LARGEST_BESIDE // 2**20} MiB in all left out"] if left_out else []


class RestoreRelease(NbGraderPreprocessor):
    """nbgrader's first look at a submission: `restore`, so that plain `nbgrader autograde` mends what we mend."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Put the release's cells in the place of the submission's."""
        course = Course(Path.cwd())  # nbgrader works in the course's root
        release = nbformat.read(course.assignment(resources["nbgrader"]["assignment"]), as_version=4)
        restored, notes = restore(nb, release)
        for note in notes:
            self.log.warning(note)
        return restored, resources
