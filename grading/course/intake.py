"""What students handed in, brought into a form that can be marked: the release's cells, the student's answers."""

from __future__ import annotations

import json
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

from grading.course.inert import inert_text
from grading.course.layout import Course
from grading.notebook.session import SHEET_FILE

_LARGEST_NOTEBOOK = 20 * 2**20  # bytes
_LARGEST_FILE = 10 * 2**20
_LARGEST_SUBMISSION = 200 * 2**20
_MOST_FOLDERS = 200
_LONGEST_PATH = 2000
_LONGEST_PROSE = 50_000  # characters of one Markdown cell; turning more into a page can take minutes
_NOT_COLLECTED = (SHEET_FILE, ".ipynb_checkpoints", "__pycache__")


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
    """Everything handed in for a sheet, by student."""
    folders = sorted(course.submitted.glob(f"*/{name}"))
    return [Submission(folder.parent.name, folder) for folder in folders if folder.is_dir()]


def unfit(submission: Submission) -> str:
    """Why nothing in this folder should even be read, in one line; empty if it may be."""
    student, folder = submission.student, submission.folder
    if set(student) & set("*?["):
        return "the folder's name holds *, ? or [, which nbgrader takes for a pattern; rename the folder"
    if student != student.strip() or not student.isprintable():
        return "the folder's name begins or ends with a blank, or holds signs that cannot be printed; rename the folder"
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
    if not {_name(cell) for cell in handed_in.cells} & {_grade_id(cell) for cell in release.cells} - {""}:
        raise SetAsideError(f"{source.name} holds none of the sheet's cells; is it another notebook?")
    notebook, notes = restore(handed_in, release)
    submission.notes += notes
    target = course.collected / submission.student / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    copy_files(source.parent, target)
    submission.notes += _without_bad_timestamp(target)
    submission.notebook = target / f"{name}.ipynb"
    submission.notebook.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", errors="replace")


def _find_notebook(submission: Submission, name: str) -> Path:
    found = sorted(path for path in submission.folder.glob("*.ipynb") if path.is_file() and not path.is_symlink())
    named = [path for path in found if path.stem == name]
    if named:
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
        data = json.loads(path.read_text(encoding="utf-8-sig"))
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


def copy_files(folder: Path, to: Path, pattern: str = "*") -> None:
    """Copy what was handed in beside a notebook."""
    for file in _files_beside(folder, pattern):
        copy = to / file.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def _files_beside(folder: Path, pattern: str) -> Iterator[Path]:
    """Other files that were handed in: no links, nothing large, nothing of ours."""
    for path in sorted(folder.rglob(pattern)):
        parts = path.relative_to(folder).parts
        if path.is_symlink() or not path.is_file() or path.suffix == ".ipynb" or set(parts) & set(_NOT_COLLECTED):
            continue
        if path.stat().st_size <= _LARGEST_FILE:
            yield path


def restore(submission: NotebookNode, release: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """The release's notebook with the student's answers, and the student's own cells where they stood.

    Graded and locked cells are the release's own. A cell that was copied keeps its code but counts only once; one that
    was deleted is put back; order and metadata are the release's. Returns the notebook and a note on each repair.
    """
    known = {_grade_id(cell): cell for cell in release.cells if _grade_id(cell)}
    answers, own_cells, copies = _sort_cells(submission, known)
    notes = [f"copied cells kept as ordinary cells: {copies}"] if copies else []
    missing = [name for name in known if name not in answers]
    if missing:
        notes.append(f"missing cells put back: {len(missing)}")
    changed = [
        name for name, cell in answers.items() if _is_locked(known[name]) and _source(cell) != known[name].source
    ]
    if changed:
        notes.append(f"changes in locked cells undone: {len(changed)}")
    restored = nbformat.v4.new_notebook(metadata=release.metadata)
    restored.cells = list(own_cells.get("", []))
    for name, cell in known.items():
        restored.cells.append(_restored(cell, answers.get(name)))
        restored.cells += own_cells.get(name, [])
    for number, cell in enumerate(restored.cells):
        cell["id"] = _grade_id(cell) or f"own-{number}"
    return restored, notes


def _sort_cells(
    submission: NotebookNode, known: dict[str, NotebookNode]
) -> tuple[dict[str, NotebookNode], dict[str, list[NotebookNode]], int]:
    """The student's version of each known cell; their own cells by the known cell they follow; how many are copies."""
    answers: dict[str, NotebookNode] = {}
    own_cells: dict[str, list[NotebookNode]] = {}
    last, copies = "", 0
    for cell in submission.cells:
        name = _name(cell)
        if name in known and name not in answers:
            answers[name] = cell
            last = name
            continue
        copies += name in known
        own_cells.setdefault(last, []).append(_plain(cell))
    return answers, own_cells, copies


def _name(cell: NotebookNode) -> str:
    """Which cell of the release this one is, or claims to be: by its metadata, or else by its id."""
    return _grade_id(cell) or str(cell.get("id", ""))


def _grade_id(cell: NotebookNode) -> str:
    """The id under which nbgrader knows a cell; empty for one it does not know."""
    metadata = cell.get("metadata")
    details = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = details.get("grade_id") if isinstance(details, dict) else None
    return grade_id if isinstance(grade_id, str) else ""


def _is_locked(cell: NotebookNode) -> bool:
    return not cell.metadata.nbgrader.solution


def _restored(cell: NotebookNode, answer: NotebookNode | None) -> NotebookNode:
    """A cell of the release, with the student's source where the student answers."""
    restored = nbformat.from_dict(json.loads(json.dumps(cell)))
    if answer is not None and not _is_locked(cell):
        answered = _source(answer)
        restored.source = answered if cell.cell_type == "code" else inert_text(answered[:_LONGEST_PROSE])
    return restored


def _plain(cell: NotebookNode) -> NotebookNode:
    """A student's own cell: its source alone; prose without what could run, and no more of it than a page can take."""
    if cell.cell_type == "code":
        return nbformat.v4.new_code_cell(_source(cell))
    new = nbformat.v4.new_markdown_cell if cell.cell_type == "markdown" else nbformat.v4.new_raw_cell
    return new(inert_text(_source(cell)[:_LONGEST_PROSE]))


def _source(cell: NotebookNode) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(map(str, source))


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
