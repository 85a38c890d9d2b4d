"""What a master text says, before anything is made from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import jupytext
from nbformat import NotebookNode

from grading.answers.slips import SLIPS
from grading.answers.structure import FINDINGS
from grading.course.layout import Course, CourseError
from grading.sheets import Sheet
from grading.verify.diagnose import MISTAKES
from grading.verify.exercise import Exercise

SOLUTION_MARKS = "### BEGIN SOLUTION", "### END SOLUTION"
AS_WRITTEN = 5.1e-5  # how far a mark may be from one in a master, which has four decimals
CAUSES = frozenset(MISTAKES) | SLIPS | FINDINGS  # all that a mistake can be called


class BuildError(CourseError):
    """A master text cannot be turned into notebooks; the message says where, and what to change."""


@dataclass(frozen=True)
class Attempt:
    """A known answer to an exercise: what it should come to, the marks it earns, and the causes that should be named.

    `because` is what is wrong with it, for whoever gives just this answer to an exercise that has a key, or one with
    the same numbers to a derivative; `unnamed` is the reason why no cause can be named, such as that it is a guess.
    """

    exercise: str
    expect: str
    mark: float
    cause: str
    source: str
    because: str = ""
    unnamed: str = ""

    @property
    def causes(self) -> frozenset[str]:
        """The names of all causes that should be named, and no others."""
        return frozenset(filter(None, self.cause.split(", ")))


def read_attempts(course: Course, name: str) -> list[Attempt]:
    """The known answers that a master declares, in its order. Right ones earn full marks, wrong ones `mark` or none.

    Raises
    ------
    BuildError : an attempt at an unknown exercise, with an unknown outcome or an unknown cause
    """
    sheet = course.declared(name)
    return [
        _attempt(cell, sheet, course.master(name))
        for cell in read_master(course, name).cells
        if "attempt" in cell.metadata
    ]


def _attempt(cell: NotebookNode, sheet: Sheet, path: Path) -> Attempt:
    exercise, expect = cell.metadata["attempt"], cell.metadata.get("expect", "wrong")
    cause, where = cell.metadata.get("cause", ""), f'{path}: attempt="{cell.metadata["attempt"]}"'
    if exercise not in {item.id for item in sheet.checked}:
        raise BuildError(f"{where} is at an exercise that the sheet does not declare")
    if expect not in ("right", "wrong"):
        raise BuildError(f'{where}: expect="{expect}" must be "right" or "wrong"')
    unnamed = cell.metadata.get("unnamed", "")
    if unnamed and (cause or expect != "wrong"):
        raise BuildError(f"{where}: unnamed= is for a wrong answer without a cause=")
    because = cell.metadata.get("because", "")
    is_explained = sheet[exercise] in sheet.keyed or isinstance(sheet[exercise], Exercise)
    if because and not (is_explained and expect == "wrong"):
        raise BuildError(f"{where}: because= is for a wrong answer to a derivative, or to an exercise that has a key")
    mark = sheet[exercise].points if expect == "right" else cell.metadata.get("mark", 0)
    attempt = Attempt(exercise, expect, float(mark), cause, cell.source, because, unnamed)
    if unknown := sorted(attempt.causes - CAUSES):
        known = ", ".join(sorted(CAUSES))
        raise BuildError(f'{where}: cause="{unknown[0]}" is not in the catalogue; it has {known}')
    return attempt


def read_master(course: Course, name: str) -> NotebookNode:
    """The cells of a master text.

    Raises
    ------
    BuildError : there is none
    """
    path = course.master(name)
    try:
        return jupytext.read(path, fmt="py:percent")
    except OSError as error:
        raise BuildError(f"{path} cannot be read: {error.strerror}") from None


def solutions_in(master: NotebookNode) -> dict[str, str]:
    """The code of a master's own answers, by exercise."""
    return {cell.metadata["answer"]: cell.source for cell in master.cells if "answer" in cell.metadata}
