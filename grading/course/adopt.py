"""A student's wrong answer as a known one: it goes into the master, with what is wrong with it, and is tried there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grading.answers.keys import Keyed
from grading.course.build import build
from grading.course.layout import Course, CourseError
from grading.course.master import SOLUTION_MARKS, Attempt, read_attempts
from grading.course.proof import misjudged
from grading.course.rehearsal import Rehearsal
from grading.course.replay import find_marked
from grading.notebook.session import PUBLIC_SEED
from grading.sheets import Variant
from grading.verify.exercise import Exercise


@dataclass(frozen=True)
class Adoption:
    """A wrong answer that is to be known, and what whoever gives one with the same numbers is told."""

    course: Course
    sheet: str
    attempt: Attempt

    @property
    def master(self) -> Path:
        """The text that it goes into."""
        return self.course.master(self.sheet)

    def cell(self) -> str:
        """The answer as a cell of the master."""
        says = json.dumps(self.attempt.because, ensure_ascii=False)
        mark = f" mark={self.attempt.mark:g}" if self.attempt.mark else ""
        header = f'# %% attempt="{self.attempt.exercise}" expect="wrong"{mark} because={says}'
        return f"{header}\n{self.attempt.source}\n\n\n"

    def shown(self) -> str:
        """The cell for whoever is to read it: nothing in it can hide, since what is no plain letter is written out."""
        plain = (sign if sign == "\n" or 32 <= ord(sign) < 127 else ascii(sign)[1:-1] for sign in self.cell().rstrip())
        return "".join(plain)

    def write(self) -> None:
        """Put it into the master, try it there, and build the sheet again; the master is left as it was if it fails.

        From here on the answer's code is run like the instructor's own, without a sandbox.

        Raises
        ------
        CourseError : it is not what it was for the student, as where it needs what only that notebook defines
        """
        before = self.master.read_text(encoding="utf-8")
        try:
            self.master.write_text(_inserted(before, self.attempt.exercise, self.cell()), encoding="utf-8")
            self._check()
            build(self.course, self.sheet)
        except BaseException:
            self.master.write_text(before, encoding="utf-8")
            raise

    def _check(self) -> None:
        if self.attempt not in read_attempts(self.course, self.sheet):
            raise CourseError("the answer cannot stand in a master: it holds a line that begins a cell, or a magic")
        rehearsal = Rehearsal(self.course, self.sheet, Variant(self.course.variant(self.sheet)))
        verdict = rehearsal.judged(self.attempt.exercise, self.attempt.source, PUBLIC_SEED)
        if wrong := misjudged(self.attempt, verdict):
            raise CourseError(f"it is not known again: {wrong}")


def adopt(course: Course, student: str, exercise: str, because: str, sheet: str = "") -> Adoption:
    """What would go into the master; nothing is run or written.

    Raises
    ------
    CourseError : the answer was not marked, is not wrong, or is to an exercise that cannot know wrong answers
    """
    marked = find_marked(course, student, exercise, sheet)
    item, verdict = marked.item, marked.entry.verdict
    if not because.strip() or not because.isprintable():
        raise CourseError("say in one line, in --because, what is wrong with the answer")
    if not (isinstance(item, Exercise) or (isinstance(item, Keyed) and item.needs_key)):
        raise CourseError(
            f"{item.id} is neither a derivative nor has it a key; wrong answers to it cannot be known again"
        )
    if verdict.outcome != "wrong" or (isinstance(item, Exercise) and not verdict.blocks):
        raise CourseError(f"{student}'s answer to {item.id} has no wrong numbers: {verdict.headline()}")
    source = next(cell.source for cell in marked.notebook.cells if cell.get("id") == item.answer_cell_id)
    lines = [line for line in source.splitlines() if line.strip() not in SOLUTION_MARKS]
    return Adoption(
        course, marked.sheet, Attempt(item.id, "wrong", verdict.mark, "", "\n".join(lines).strip("\n"), because.strip())
    )


def _inserted(text: str, exercise: str, cell: str) -> str:
    """A master with a cell below the check of an exercise and the attempts that are there."""
    cells = list(_cells(text))
    own = [number for number, one in enumerate(cells) if one.startswith("# %%") and _is_about(one, exercise)]
    return "".join([*cells[: own[-1] + 1], cell, *cells[own[-1] + 1 :]])


def _is_about(cell: str, exercise: str) -> bool:
    header = cell.partition("\n")[0]
    return f'check="{exercise}"' in header or f'attempt="{exercise}"' in header


def _cells(text: str) -> Iterator[str]:
    """The cells of a percent script as they are written."""
    found: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("# %%") and found:
            yield "".join(found)
            found = []
        found.append(line)
    yield "".join(found)
