"""What every exercise has, whatever kind of answer it asks for: an id, marks, hints, and its notebook cells."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

_ANSWER_SUFFIX = "-answer"
_SHOW_SUFFIX = "-show"
_LONGEST_CELL_ID = 64  # the notebook format's limit
LONGEST_ID = _LONGEST_CELL_ID - len(_ANSWER_SUFFIX)
_ID = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


class ExerciseError(ValueError):
    """An exercise cannot be declared as it stands; the message says which, and what to change."""


class Item:
    """An exercise that a machine marks; `Exercise` and every class of `grading.answers` is one.

    id : dot-separated name, unique within a sheet; its notebook cell carries it with '.' as '-'
    points : marks for a right answer
    statement : the question in Markdown, where `show(id)` is to show it: it may differ between students
    given : numbers of the statement by name, for use in a computation
    hints : from where to look to nearly the answer
    forbids : functions and modules that an answer must do without, beside what its sheet forbids: calls of them are
        counted while it is asked, and an answer that mentions or calls one is shown to a person
    """

    id: str
    points: float
    statement: str
    given: Mapping[str, Any] | None
    hints: tuple[str, ...]
    forbids: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """What `show(id)` shows, in Markdown; empty where the notebook's own text says it all."""
        return self.statement

    @property
    def is_personal(self) -> bool:
        """Whether it may differ from student to student."""
        return bool(self.statement)

    @property
    def cell_id(self) -> str:
        """The id of the exercise's graded notebook cell."""
        return self.id.replace(".", "-")

    @property
    def answer_cell_id(self) -> str:
        """The id of the notebook cell in which the student answers."""
        return self.cell_id + _ANSWER_SUFFIX

    @property
    def show_cell_id(self) -> str:
        """The id of the notebook cell that shows a statement which differs between students."""
        return self.cell_id + _SHOW_SUFFIX

    @property
    def cell_ids(self) -> tuple[str, ...]:
        """All the notebook cells that the exercise needs."""
        shown = (self.show_cell_id,) if self.shown else ()
        return (*shown, self.answer_cell_id, self.cell_id)

    def check_item(self) -> None:
        """Raise ExerciseError for an id, marks or hints that cannot be."""
        if not _ID.fullmatch(self.id):
            raise self.refusal("an id is words of letters, digits, - and _, joined by dots, such as 'tensor.sq_norm'")
        if len(self.id) > LONGEST_ID:
            raise self.refusal(f"the id is too long for a notebook cell; use at most {LONGEST_ID}")
        if not (is_number(self.points) and self.points >= 0):
            raise self.refusal(f"points={self.points!r} must be a finite number, zero or more")
        if not isinstance(self.hints, tuple):
            raise self.refusal("hints is a tuple of texts, such as ('Where to look.',)")
        if not (isinstance(self.forbids, tuple) and all(isinstance(name, str) for name in self.forbids)):
            raise self.refusal("forbids is a tuple of names, such as ('jacobian',)")

    def refusal(self, reason: str) -> ExerciseError:
        """The error that says which exercise cannot be declared, and why."""
        return ExerciseError(f"exercise {self.id!r}: {' '.join(reason.split())}")


def is_number(value: Any) -> bool:
    """Whether something is a finite Python number."""
    return isinstance(value, int | float) and math.isfinite(value)
