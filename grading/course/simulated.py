"""A simulated class: real notebooks made from a sheet's solution and its known answers, each with the mark it must get.

Nobody in it exists. Each student hands in one kind of thing that people hand in.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from grading.course.grade import Marks
from grading.course.layout import Course
from grading.course.master import AS_WRITTEN, SOLUTION_MARKS, Attempt, read_attempts
from grading.verify.item import Item

Sources = dict[str, str]
Change = Callable[[NotebookNode], None]


@dataclass(frozen=True)
class Simulated:
    """One simulated submission: what it is, the files it consists of, and the mark each exercise must get."""

    student: str
    does: str
    files: dict[str, str]
    marks: dict[str, float]

    @property
    def mark(self) -> float:
        """The mark of the whole submission."""
        return sum(self.marks.values())

    def write(self, folder: Path) -> None:
        """Write the files that this student hands in."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8")


def simulated_class(course: Course, name: str) -> list[Simulated]:
    """The simulated submissions to a sheet."""
    return _Maker(course, name).everybody()


def unexpected_marks(marks: list[Marks], simulated: list[Simulated]) -> dict[str, list[str]]:
    """Where somebody has another mark than a simulated student must get: exercises, by student."""
    in_book = {row.student: row.by_cell for row in marks}
    found = {}
    for one in simulated:
        got = in_book.get(one.student, {})
        found_at = {key: got.get(key.replace(".", "-")) or 0.0 for key in one.marks}
        wrong = [key for key, mark in one.marks.items() if not math.isclose(found_at[key], mark, abs_tol=AS_WRITTEN)]
        if wrong:
            found[one.student] = wrong
    return found


@dataclass
class _Maker:
    course: Course
    name: str
    made: list[Simulated] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.release = nbformat.read(self.course.assignment(self.name), as_version=4)
        solution = nbformat.read(self.course.solution(self.name), as_version=4)
        place = {cell.id: number for number, cell in enumerate(self.release.cells)}
        self.exercises = sorted(self.course.sheet(self.name).checked, key=lambda item: place[item.answer_cell_id])
        by_id = {cell.id: _without_marks(cell.source) for cell in solution.cells}
        self.solution: Sources = {item.id: by_id[item.answer_cell_id] for item in self.exercises}
        self.full = {item.id: item.points for item in self.exercises}
        self.attempts = read_attempts(self.course, self.name)
        functions = [item for item in self.exercises if _is_function(self.solution[item.id])]
        self.first, self.last = (functions or self.exercises)[0], (functions or self.exercises)[-1]

    def everybody(self) -> list[Simulated]:
        """All of them, in the order of their names."""
        self._answering()
        self._unfinished()
        self._failing()
        self._odd_but_honest()
        self._unreadable()
        return self.made

    # --- answers, right and wrong ---

    def _answering(self) -> None:
        self._add("everything right, the prose too", self.solution, self.full, self._answer_prose)
        for nth in range(2):
            self._add_attempts("everything right, in an unusual way", self._nth("right", nth))
        for nth in range(3):
            self._add_attempts("everything wrong, in named ways", self._nth("wrong", nth))
        for cause in ("sign", "transposed", "factor 2 too many", "changes its arguments"):
            if self._with_cause(cause):
                self._add_attempts(f"right but for one kind of mistake: {cause}", self._with_cause(cause))
        self._add_attempts("right and wrong by turns", self._nth("wrong", 0)[::2])

    def _answer_prose(self, notebook: NotebookNode) -> None:
        """Words in every cell that a person marks: worth nothing until then."""
        for cell in notebook.cells:
            if cell.cell_type == "markdown" and "nbgrader" in cell.metadata:
                cell.source = "By the chain rule for one number, applied to every component."

    def _nth(self, expect: str, nth: int) -> list[Attempt]:
        """For each exercise its `nth` known answer of a kind, starting again where there are fewer; none where there is
        none, and then the solution is handed in."""
        chosen = []
        for item in self.exercises:
            known = [attempt for attempt in self.attempts if (attempt.exercise, attempt.expect) == (item.id, expect)]
            chosen += [known[nth % len(known)]] if known else []
        return chosen

    def _with_cause(self, cause: str) -> list[Attempt]:
        return [attempt for attempt in self.attempts if cause in attempt.causes]

    # --- not done, or not to the end ---

    def _unfinished(self) -> None:
        half = self.exercises[: len(self.exercises) // 2]
        self._add(
            "half done", {item.id: self.solution[item.id] for item in half}, {item.id: item.points for item in half}
        )
        self._add("handed in untouched", {}, {})
        stubs = {item.id: _raising_stub(self.solution[item.id]) for item in self.exercises}
        self._add("stubs that raise NotImplementedError", stubs, {})

    # --- code that fails ---

    def _failing(self) -> None:
        first, last = self.first, self.last
        self._add_spoilt("a syntax error in one answer", first, "def answer(x:\n    return x")
        self._add_spoilt("an endless loop in one answer", last, _with_body(self.solution[last.id], "while True: pass"))
        self._add_spoilt(
            "an exception in one answer", last, _with_body(self.solution[last.id], "return undefined_name")
        )
        self._add(
            "an endless loop in a cell of their own", self.solution, self.full, _insert_first("while True:\n    pass")
        )
        middle = len(self.exercises) // 2
        before = {item.id: item.points for item in self.exercises[:middle]}
        killed = _insert_before(self.exercises[middle].answer_cell_id, "import os\n\nos._exit(1)")
        self._add("a cell that kills the kernel half-way", self.solution, before, killed)

    # --- odd, but honest ---

    def _odd_but_honest(self) -> None:
        first = self.first
        self._add("the notebook renamed", self.solution, self.full, file="my sheet (final).ipynb")
        self._add("a test cell copied", self.solution, self.full, _copy_cell(first.cell_id))
        self._add("an answer cell copied", self.solution, self.full, _copy_cell(first.answer_cell_id))
        self._add(
            "graded cells deleted", self.solution, self.full, _delete_cells({item.cell_id for item in self.exercises})
        )
        self._add("all notebook metadata lost", self.solution, self.full, _strip_metadata)
        self._add("cells in reverse order", self.solution, self.full, _reverse)
        chatty = {
            key: f"import warnings\n\n{source}\n\nwarnings.warn('look out')" for key, source in self.solution.items()
        }
        noisy = {**chatty, first.id: _noisy(self.solution[first.id])}
        self._add("warnings and prints everywhere", noisy, self.full)
        self._add(
            "own cells, and a mark of their own",
            self.solution,
            self.full,
            _insert_first("def repr(x): return '99.0'\n99.0"),
        )

    # --- nothing that can be marked ---

    def _unreadable(self) -> None:
        self._add_files("no notebook, only a note", {"answers.txt": "see the attached picture\n"})
        self._add_files("a notebook that is not JSON", {f"{self.name}.ipynb": "<html>login required</html>\n"})
        self._add_files("JSON that is no notebook", {f"{self.name}.ipynb": json.dumps({"cells": "none"})})

    # --- putting a submission together ---

    def _add_attempts(self, does: str, attempts: list[Attempt]) -> None:
        chosen = {attempt.exercise: attempt for attempt in attempts}
        sources = {**self.solution, **{key: attempt.source for key, attempt in chosen.items()}}
        self._add(does, sources, {**self.full, **{key: attempt.mark for key, attempt in chosen.items()}})

    def _add_spoilt(self, does: str, item: Item, source: str) -> None:
        self._add(does, {**self.solution, item.id: source}, {**self.full, item.id: 0.0})

    def _add(
        self, does: str, sources: Sources, marks: dict[str, float], change: Change | None = None, file: str = ""
    ) -> None:
        notebook = copy.deepcopy(self.release)
        for cell in notebook.cells:
            for item in self.exercises:
                if cell.id == item.answer_cell_id and item.id in sources:
                    cell.source = sources[item.id]
        if change is not None:
            change(notebook)
        self._add_files(does, {file or f"{self.name}.ipynb": nbformat.writes(notebook) + "\n"}, marks)

    def _add_files(self, does: str, files: dict[str, str], marks: dict[str, float] | None = None) -> None:
        everything = dict.fromkeys(self.full, 0.0) | (marks or {})
        self.made.append(Simulated(f"student-{len(self.made) + 1:02d}", does, files, everything))


def _without_marks(source: str) -> str:
    return "\n".join(line for line in source.splitlines() if line.strip() not in SOLUTION_MARKS)


def _is_function(source: str) -> bool:
    return source.lstrip().startswith("def ")


def _with_body(source: str, body: str) -> str:
    """A function with the solution's first line and another body."""
    return f"{source.splitlines()[0]}\n    {body}"


def _raising_stub(source: str) -> str:
    return _with_body(source, "raise NotImplementedError") if _is_function(source) else source.splitlines()[0]


def _noisy(source: str) -> str:
    if not _is_function(source):
        return f"print('called')\n{source}"
    head, _, body = source.partition("\n")
    return f"import sys\n\n\n{head}\n    print('called')\n    print('careful', file=sys.stderr)\n{body}"


def _insert_first(source: str) -> Change:
    return lambda notebook: notebook.cells.insert(0, new_code_cell(source, id="inserted"))


def _insert_before(cell_id: str, source: str) -> Change:
    def change(notebook: NotebookNode) -> None:
        place = [cell.id for cell in notebook.cells].index(cell_id)
        notebook.cells.insert(place, new_code_cell(source, id="inserted"))

    return change


def _copy_cell(cell_id: str) -> Change:
    def change(notebook: NotebookNode) -> None:
        place = [cell.id for cell in notebook.cells].index(cell_id)
        twin = copy.deepcopy(notebook.cells[place])
        twin["id"] = "copy"
        notebook.cells.insert(place + 1, twin)

    return change


def _delete_cells(cell_ids: set[str]) -> Change:
    def change(notebook: NotebookNode) -> None:
        notebook.cells = [cell for cell in notebook.cells if cell.id not in cell_ids]

    return change


def _strip_metadata(notebook: NotebookNode) -> None:
    notebook.metadata = NotebookNode()
    for cell in notebook.cells:
        cell.metadata = NotebookNode()


def _reverse(notebook: NotebookNode) -> None:
    notebook.cells = notebook.cells[::-1]
