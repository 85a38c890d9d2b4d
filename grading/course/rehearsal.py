"""A master executed in this process, without a kernel: what its answers hand in, and what the judge says of them.

Every answer is handed in by the sheet's own graded cell, in the state that the notebook is in there; no answer sees
what another one left behind.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stdout
from copy import copy
from dataclasses import replace
from functools import lru_cache, partial
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from nbformat import NotebookNode

from grading.answers import verify
from grading.answers.keys import WHOLE, Key, Keyed, Parts
from grading.course.freshness import source_digest
from grading.course.layout import Course
from grading.course.master import BuildError, read_attempts, read_master, solutions_in
from grading.notebook.session import sheet_folders, statement_of
from grading.notebook.shown import Statement
from grading.sheets import Sheet, Variant, load_sheet
from grading.verify import Verdict
from grading.verify.exercise import Exercise, WrongAnswer
from grading.verify.item import Item
from grading.verify.respondent import HomeRespondent

Names = dict[str, Any]

_HANDED_IN_BY = ("check", "predict")
_SHOWING = ("open_sheet", "hint", "reveal", "compare", "practice", "progress")  # to nobody, here
_LIMIT_S = 5.0


class Rehearsal:
    """One sheet of a course in one variant, for one student.

    sheet : its declaration, with keys made from the master's own answers
    items : what of it is checked, by id
    solutions : the code of the master's answers, by id
    names : what the notebook has defined at its end

    Raises
    ------
    BuildError : a cell of the solution fails, or gives no key
    """

    def __init__(self, course: Course, name: str, variant: Variant) -> None:
        self._declared = partial(load_sheet, name, folders=sheet_folders(course.root))
        self._variant, self.sheet = variant, self._declared(variant)
        self._attempts = read_attempts(course, name)
        self._folder = course.solutions / name
        self._where = f"{course.master(name)}, variant {variant.number} {variant.student}".rstrip()
        master = read_master(course, name)
        cells = [cell for cell in master.cells if cell.cell_type == "code"]
        self.solutions = solutions_in(master)
        self._shows = {cell.metadata["show"]: cell.source for cell in cells if "show" in cell.metadata}
        self._graded = {cell.metadata["check"]: cell.source for cell in cells if "check" in cell.metadata}
        self._names_at: dict[str, Names] = {}
        self.names = self._executed(cells)
        self._keys = {item.id: self._key(item) for item in self.sheet.keyed}
        self.sheet = self.sheet.with_keys(self._keys)
        self.items = self._items()

    def of_student(self, student: str) -> Rehearsal:
        """The same for another student: what is one's own is shown anew where it is answered, nothing else is run."""
        other = copy(self)
        other.sheet = self._declared(replace(self._variant, student=student)).with_keys(self._keys)
        other.items = other._items()
        return other

    def judged(self, exercise: str, source: str, seed: int) -> Verdict:
        """The verdict on what is handed in when `source` stands in the exercise's answer cell."""
        answer, said = self._handed_in(exercise, source)
        with warnings.catch_warnings():  # a wrong answer may overflow; what NumPy says of it is for its author
            warnings.simplefilter("ignore", RuntimeWarning)
            return verify(self.items[exercise], answer, seed, said)

    def _executed(self, cells: list[NotebookNode]) -> Names:
        """What the notebook has defined at its end; what it has at each answer is kept."""
        names: Names = {}
        stand_ins: Names = {"show": self._statement} | dict.fromkeys((*_HANDED_IN_BY, *_SHOWING), _shows_nothing)
        with patch.multiple("grading.notebook", **stand_ins), _as_in_its_kernel(self._folder):
            for cell in cells:
                if {"attempt", "check"} & cell.metadata.keys():
                    continue
                if "answer" in cell.metadata:
                    self._names_at[cell.metadata["answer"]] = dict(names)
                self._run(cell.source, names)
        return names

    def _handed_in(self, exercise: str, source: str) -> tuple[Any, dict[str, Any]]:
        """What the graded cell hands in, and what is said beside it."""
        handed: list[tuple[Any, dict[str, Any]]] = []

        def hear(_: str, answer: Any, **said: Any) -> None:
            handed.append((answer, said))

        names = self._names_at[exercise] | dict.fromkeys(_HANDED_IN_BY, hear) | {"show": self._statement}
        with _as_in_its_kernel(self._folder):
            self._run(self._shows.get(exercise, ""), names)
            self._run(source, names)
            self._run(self._graded[exercise], names)
        return handed[0]

    def _run(self, source: str, names: Names) -> None:
        try:
            exec(source, names)
        except Exception as error:
            first = " ".join(source.split())[:60]
            raise BuildError(f"{self._where}: the cell {first!r} fails: {type(error).__name__}: {error}") from error

    def _statement(self, exercise: str) -> Statement:
        return statement_of(self.sheet[exercise])

    def _items(self) -> dict[str, Item]:
        """What is checked; of derivatives with the wrong answers of which the master says what is wrong with them."""
        return {item.id: self._explained(item) if isinstance(item, Exercise) else item for item in self.sheet.checked}

    def _explained(self, item: Exercise) -> Exercise:
        explained = [one for one in self._attempts if one.exercise == item.id and one.because]
        known = (WrongAnswer(self._handed_in(item.id, one.source)[0], one.because) for one in explained)
        return replace(item, wrong_answers=tuple(known)) if explained else item

    # --- keys

    def _key(self, item: Keyed) -> Key:
        right = self._parts(item, self.solutions[item.id])
        explained = [one for one in self._attempts if one.exercise == item.id and one.because]
        because = [(self._parts(item, one.source)[WHOLE], one.because) for one in explained]
        return Key.of(item.salt, right, because)

    def _parts(self, item: Keyed, source: str) -> Parts:
        said = item.read(HomeRespondent(*self._handed_in(item.id, source)).tell(None, _LIMIT_S))
        if isinstance(said, str):
            raise BuildError(f"{self._where}: an answer of {item.id} gives no key: {said}")
        return said


def with_wrong_answers(course: Course, name: str, sheet: Sheet, student: str) -> Sheet:
    """A sheet for a student whose derivatives know what the master says of wrong answers to them; as it is where the
    master says nothing, or is not there.

    Raises
    ------
    BuildError : the master cannot be read, or fails
    """
    if not course.master(name).exists():
        return sheet
    number = course.variant(name)
    rehearsal = _explaining(course, name, number, source_digest(course, name, number))
    if rehearsal is None:
        return sheet
    items = rehearsal.of_student(student).items
    known = {key: item.wrong_answers for key, item in items.items() if isinstance(item, Exercise)}
    told = (replace(i, wrong_answers=known[i.id]) if isinstance(i, Exercise) else i for i in sheet.exercises)
    return replace(sheet, exercises=tuple(told))


@lru_cache(maxsize=8)
def _explaining(course: Course, name: str, variant: int, digest: str) -> Rehearsal | None:
    """The rehearsal of a sheet made from what has this digest, if it explains a wrong answer to a derivative."""
    sheet = course.declared(name)
    if any(one.because and isinstance(sheet[one.exercise], Exercise) for one in read_attempts(course, name)):
        return Rehearsal(course, name, Variant(variant))
    return None


def _shows_nothing(*shown: Any, **more: Any) -> None:
    """Stands in for what a notebook calls to show something."""


@contextmanager
def _as_in_its_kernel(folder: Path) -> Iterator[None]:
    """In the sheet's folder, where its data are; pictures are drawn, but no window is opened, and nothing printed."""
    os.environ.setdefault("MPLBACKEND", "agg")
    with chdir(folder), redirect_stdout(StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
