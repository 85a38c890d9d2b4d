"""The keys of a sheet: its master's own answers, asked for in a kernel, with every known answer tried on them."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from grading.answers.judging import Judged
from grading.answers.keys import WHOLE, Key, Keyed, Parts
from grading.course.execution import run
from grading.course.layout import Course
from grading.course.master import SOLUTION_MARKS, Attempt, BuildError
from grading.notebook.calls import CHANNEL_VARIABLE
from grading.notebook.session import sheet_folders
from grading.sheets import Sheet, Variant, load_sheet
from grading.trusted.channel import AnswerDesk
from grading.trusted.kernel import scratch_folders
from grading.verify import Verdict
from grading.verify.item import Item
from grading.verify.plain import Plain, plain
from grading.verify.respondent import Handed, Respondent

_STUDENTS = 12  # that are asked for, to see whether an exercise differs between students
_SEED = 0  # of the points at which functions are tried


def make_keys(
    course: Course, name: str, number: int, sheet: Sheet, notebook: NotebookNode, attempts: list[Attempt]
) -> dict[str, Key]:
    """The key to each exercise of a sheet, in its variant `number`, that needs one, by id.

    Raises
    ------
    BuildError : an exercise differs between students, the solution gives no key or does not fit it, or a known answer
        does not come to what the master says of it
    """
    path = course.master(name)
    if not sheet.keyed:
        return {}
    _check_same_for_all(course, name, number, sheet)
    trials = {item.id: _Trials(item, path) for item in sheet.keyed}
    cells = list(_cells(notebook, sheet, attempts))
    _try(cells, trials, sheet, course.solutions / name)
    sources = {cell.id: cell.source for cell in notebook.cells}
    return {item.id: trials[item.id].key(sources[item.answer_cell_id]) for item in sheet.keyed}


def _check_same_for_all(course: Course, name: str, number: int, sheet: Sheet) -> None:
    for student in range(_STUDENTS):
        theirs = load_sheet(name, Variant(number, f"student-{student}"), sheet_folders(course.root))
        for item in sheet.keyed:
            if _asked(theirs[item.id]) != _asked(item):
                path = course.master(name)
                raise BuildError(f"{path}: {item.id} has one key for all, and so must be the same for every student")


def _asked(item: Any) -> Plain:
    """What a student is asked."""
    return [item.about(), item.shown, plain(dict(item.given or {}))] if isinstance(item, Keyed) else None


@dataclass(frozen=True)
class _Cell:
    """A cell to run; where it checks an answer to an exercise that has a key, whose answer that is."""

    node: NotebookNode
    exercise: str = ""
    attempt: Attempt | None = None


def _cells(notebook: NotebookNode, sheet: Sheet, attempts: list[Attempt]) -> Iterator[_Cell]:
    """The solution's code; after each answer that has a key its other known answers, and then the solution's again."""
    keyed: dict[str, Item] = {item.cell_id: item for item in sheet.keyed}
    sources = {cell.id: cell.source for cell in notebook.cells}
    for node in notebook.cells:
        item = keyed.get(node.id)
        if node.cell_type == "code":
            yield _Cell(deepcopy(node), item.id if item else "")
        if item is not None:
            for attempt in attempts:
                if attempt.exercise == item.id:
                    yield _Cell(nbformat.v4.new_code_cell(attempt.source))
                    yield _Cell(nbformat.v4.new_code_cell(node.source), item.id, attempt)
            yield _Cell(nbformat.v4.new_code_cell(sources[item.answer_cell_id]))


def _try(cells: list[_Cell], trials: dict[str, _Trials], sheet: Sheet, folder: Path) -> None:
    """Run the cells, and note what each known answer comes to."""

    def before(cell: NotebookNode, cell_index: int) -> None:
        if cells[cell_index].exercise:
            desk.expect(trials[cells[cell_index].exercise])

    def after(cell: NotebookNode, cell_index: int, **unused: Any) -> None:
        if cells[cell_index].exercise:
            trials[cells[cell_index].exercise].note(desk.collect(), cells[cell_index].attempt)

    tried = nbformat.v4.new_notebook(cells=[cell.node for cell in cells])
    with scratch_folders() as scratch, AnswerDesk(scratch.channel, sheet, "", _SEED) as desk:
        hooks = {"on_cell_execute": before, "on_cell_executed": after}
        run(tried, folder, scratch, {CHANNEL_VARIABLE: str(scratch.channel)}, **hooks)


class _Trials(Judged):
    """Stands in for an exercise while its known answers are tried; the first of them, the solution's, makes the key."""

    def __init__(self, item: Keyed, path: Path) -> None:
        self._item, self._path = item, path
        self.id, self.points = item.id, item.points
        self._right: Parts = {}
        self._said: Parts | str = ""
        self._because: list[tuple[Plain, str]] = []

    def judge(self, handed: Handed, respondent: Respondent, seed: int) -> Verdict:
        """The exercise's own verdict, as soon as there is a key."""
        self._said = self._item.read(respondent.tell(None, 5.0))
        if not self._right:
            if isinstance(self._said, str):
                return self.verdict("wrong", seed, problem=f"it gives no key: {self._said}.")
            self._right = self._said
            self._item = self._item.with_key(Key.of(self._item.salt, self._right))
        return self._item.judge(handed, respondent, seed)

    def note(self, verdict: Verdict | None, attempt: Attempt | None) -> None:
        """Compare a verdict with what the master says of the answer (None: of the solution)."""
        expected, is_right = (self.points, True) if attempt is None else (attempt.mark, attempt.expect == "right")
        if verdict is None or verdict.mark != expected or (verdict.outcome == "right") != is_right:
            whose = "the solution" if attempt is None else f"the attempt {' '.join(attempt.source.split())[:60]!r}"
            found = "nothing was checked" if verdict is None else " ".join(verdict.text().split())
            raise BuildError(f"{self._path}: {whose} of {self.id} does not come to {expected:g} points: {found}")
        if attempt is not None and attempt.because:
            self._explain(attempt)

    def _explain(self, attempt: Attempt) -> None:
        where = f"{self._path}: because={attempt.because!r} of {self.id}"
        if isinstance(self._said, str):
            raise BuildError(f"{where} needs an answer that can be given: {self._said}")
        whole = self._said[WHOLE]
        if whole == self._right[WHOLE]:
            raise BuildError(f"{where} would be said of {whole!r}, which is right")
        if any(whole == known for known, _ in self._because):
            raise BuildError(f"{where} is the second that is said of {whole!r}; one will do")
        self._because.append((whole, attempt.because))

    def key(self, source: str) -> Key:
        """The key, with what is wrong with the wrong answers; `source` is the code of the solution's answer."""
        own = "\n".join(line for line in source.splitlines() if line.strip() not in SOLUTION_MARKS)
        if misfit := self._item.misfit(own, self._right):
            raise BuildError(f"{self._path}: {self.id}: {misfit}")
        return Key.of(self._item.salt, self._right, self._because)
