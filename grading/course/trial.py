"""A student's notebook tried out: run from top to bottom in a fresh kernel, with the verdicts that its checks gave."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from grading.course.layout import CourseError
from grading.course.restored import grade_id, restore, source_of
from grading.course.start import is_anonymous, release_of, sheet_of
from grading.notebook.session import VERDICTS_VARIABLE, read_variant, sheet_folders
from grading.notebook.standing import Progress
from grading.notebook.state import NOTES_VARIABLE
from grading.sheets import Prose, Sheet, load_sheet
from grading.trusted.kernel import OwnKernelManager, scratch_folders
from grading.trusted.sandbox import Folders
from grading.verify import Verdict

_CELL_S = 60  # that a cell may take
_LONGEST_LINE = 60  # characters of a cell by which it is known
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Trial:
    """What a run came to: the last verdict on each exercise, and the cells that ended in an error, a line each."""

    sheet: Sheet
    verdicts: dict[str, Verdict]
    errors: tuple[str, ...]

    @property
    def progress(self) -> Progress:
        """Where the sheet stands."""
        return Progress.of(self.sheet, self.verdicts)

    def text(self) -> str:
        """Every verdict that is not right, what failed, and where the sheet stands."""
        said = [
            verdict.text() for verdict in self.verdicts.values() if verdict.outcome not in ("right", "not attempted")
        ]
        return "\n\n".join([*said, *(["\n".join(self.errors)] if self.errors else []), self.progress.text()])


@dataclass(frozen=True)
class SubmitCheck:
    """What the marking will see of a notebook: `trial` is its run, `remarks` what to look at before handing it in."""

    trial: Trial
    remarks: tuple[str, ...]

    def text(self) -> str:
        """The run, then the remarks, or that there is nothing to remark on."""
        remarks = [f"Look at this: {remark}" for remark in self.remarks] or ["Nothing was left out by accident."]
        return "\n".join([self.trial.text(), "", *remarks])


def try_out(path: Path, tell: Told = lambda number, total: None) -> Trial:
    """Run a notebook as it lies there and collect what its checks say; nothing is written.

    Raises
    ------
    CourseError : there is no such notebook, or it is none of a sheet's
    """
    return _run(read_notebook(path), path, tell)


def submit_check(path: Path, tell: Told = lambda number, total: None) -> SubmitCheck:
    """Run a notebook as the marking will: with the release's own graded cells, in a fresh kernel; nothing is written.

    Raises
    ------
    CourseError : there is no such notebook, or no release of its sheet
    """
    handed_in, release = read_notebook(path), release_of(sheet_of(path))
    notebook, mended = restore(handed_in, release)
    trial = _run(notebook, path, tell)
    blank = [v.exercise for v in trial.verdicts.values() if v.outcome == "not attempted"]
    unheard = [item.id for item in trial.sheet.checked if item.id not in trial.verdicts]
    remarks = [*mended, *_unanswered_prose(trial.sheet, notebook, release)]
    remarks += [f"not attempted: {', '.join(blank)}"] if blank else []
    remarks += [f"never checked, since its cell did not get that far: {', '.join(unheard)}"] if unheard else []
    remarks += trial.errors
    if is_anonymous(path):
        remarks.append(
            "this copy does not know whose it is, so its own numbers are not yours: gradsheet start --student"
        )
    return SubmitCheck(trial, tuple(remarks))


def _unanswered_prose(sheet: Sheet, notebook: NotebookNode, release: NotebookNode) -> list[str]:
    """Answers in words that still are what was released."""
    released = {grade_id(cell): source_of(cell) for cell in release.cells}
    answers = {grade_id(cell): source_of(cell) for cell in notebook.cells if grade_id(cell)}
    blank = [item.id for item in sheet.exercises if isinstance(item, Prose) if not _differs(item, answers, released)]
    return [f"nothing written yet: {', '.join(blank)}"] if blank else []


def _differs(item: Prose, answers: dict[str, str], released: dict[str, str]) -> bool:
    answer = answers.get(item.cell_id, "").strip()
    return bool(answer) and answer != released.get(item.cell_id, "").strip()


def read_notebook(path: Path) -> NotebookNode:
    """A notebook as it lies there.

    Raises
    ------
    CourseError : there is none, or it is none
    """
    try:
        return nbformat.read(path, as_version=4)
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}") from None
    except Exception as error:  # nbformat has no one name for what is no notebook
        raise CourseError(f"{path} is not a notebook: {str(error).splitlines()[0]}") from None


class _Client(NotebookClient):
    """Runs a notebook in this interpreter's own kernel, whatever the notebook names."""

    folders: Folders

    def create_kernel_manager(self) -> OwnKernelManager:
        self.km = OwnKernelManager(self.folders)
        return self.km


def _run(notebook: NotebookNode, path: Path, tell: Told) -> Trial:
    folder, name = path.resolve().parent, sheet_of(path)
    variant = read_variant(folder, name)
    sheet = load_sheet(name, variant, sheet_folders(folder))
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    with scratch_folders() as folders, tempfile.TemporaryDirectory() as scratch:
        verdicts = Path(scratch) / "verdicts"
        client = _Client(
            notebook,
            timeout=_CELL_S,
            allow_errors=True,
            record_timing=False,
            resources={"metadata": {"path": str(folder)}},
            shutdown_kernel="immediate",
        )
        client.folders = folders
        client.on_cell_start = lambda cell, cell_index: tell(_place(codes, cell), len(codes))
        stopped = _executed(client, {VERDICTS_VARIABLE: str(verdicts), NOTES_VARIABLE: "off"})
        said = verdicts.read_text(encoding="utf-8").splitlines() if verdicts.exists() else []
    heard = (Verdict.from_json(line) for line in said)
    return Trial(sheet, {verdict.exercise: verdict for verdict in heard}, (*_errors(codes), *stopped))


def _place(codes: list[NotebookNode], cell: NotebookNode) -> int:
    return next((number for number, code in enumerate(codes, 1) if code is cell), 0)


def _executed(client: _Client, environment: dict[str, str]) -> list[str]:
    """Run all cells; why the run ended early, if it did."""
    try:
        asyncio.run(client.async_execute(env=os.environ | environment))
    except CellTimeoutError:
        return [f"a cell ran for more than {_CELL_S} seconds; what stands below it was not run"]
    except DeadKernelError:
        return ["the kernel died; what stands below was not run"]
    return []


def _errors(codes: list[NotebookNode]) -> list[str]:
    """A line for each cell that ended in an error."""
    found: list[str] = []
    for cell in codes:
        first = next((line.strip() for line in source_of(cell).splitlines() if line.strip()), "")
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                found.append(f"the code cell that begins {first[:_LONGEST_LINE]!r} stops with {_line_of(output)}")
    return found


def _line_of(output: Any) -> str:
    lines = str(output.get("evalue", "")).strip().splitlines()
    return ": ".join([str(output.get("ename", "an error")), *lines[:1]])
