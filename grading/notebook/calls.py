"""What a notebook calls. At home the answer is judged in this process; while marking, questions are passed on.

A kernel that is being marked has no more of the house than this needs: what is home's alone is imported there alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from grading.notebook.graded import GradedSession
from grading.notebook.shown import Heard, Hint, Opened, Revealed, Said, Silent, Statement, Unchecked

if TYPE_CHECKING:
    from grading.notebook.comparison import Comparison
    from grading.notebook.practised import Practice
    from grading.notebook.shown import Result
    from grading.notebook.standing import Progress

CHANNEL_VARIABLE = "GRADSHEET_CHANNEL"


class NotOpenError(ValueError):
    """No sheet is open in this kernel."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: the message, without the way it came."""
        return [str(self)]


class _Session(Protocol):
    def opened(self) -> Opened: ...
    def statement(self, exercise_id: str) -> Statement: ...
    def hint(self, exercise_id: str, number: int | None) -> Hint | Said: ...
    def check(
        self, exercise_id: str, answer: Any, said: Mapping[str, Any] | None = None
    ) -> Result | Heard | Unchecked: ...
    def predict(self, exercise_id: str, answer: Any) -> Result | Heard | Unchecked: ...
    def reveal(self, exercise_id: str, happened: tuple[Any, ...]) -> Revealed | Said: ...
    def practice(self, exercise_id: str, number: int | None) -> Practice | Said | Silent: ...
    def compare(self, exercise_id: str, function: Any) -> Comparison | Said | Silent: ...
    def progress(self) -> Progress | Silent: ...


_session: _Session | None = None


def open_sheet(name: str) -> Opened:
    """Open a sheet; the first cell of every notebook.

    Variant and student are read from `sheet.json` beside the notebook, which `gradsheet start` wrote.
    """
    global _session
    channel = os.environ.get(CHANNEL_VARIABLE)
    _session = GradedSession(name, channel) if channel else _at_home(name)
    return _session.opened()


def _at_home(name: str) -> _Session:
    from grading.notebook.session import HomeSession

    return HomeSession(name, Path.cwd())


def show(exercise_id: str) -> Statement:
    """The statement of an exercise that differs from student to student."""
    return _current().statement(exercise_id)


def hint(exercise_id: str, number: int | None = None) -> Hint | Said:
    """The hints of an exercise up to the `number`-th: 1 says where to look, the last nearly the answer.

    Without a number, as many as were opened before. No mark is lost by a hint.
    """
    return _current().hint(exercise_id, number)


def practice(exercise_id: str, number: int | None = None) -> Practice | Said | Silent:
    """A solved exercise once more, with fresh numbers and without marks: `again = practice(id)`, `again.check(answer)`.

    With a number, the same numbers again.
    """
    return _current().practice(exercise_id, number)


def compare(exercise_id: str, function: Any) -> Comparison | Said | Silent:
    """Your function beside the course's own lines for the same derivative, up to the first adjoint that differs."""
    return _current().compare(exercise_id, function)


def progress() -> Progress | Silent:
    """What is done on this sheet, what is right, and what it is worth."""
    return _current().progress()


def check(exercise_id: str, answer: Any, **said: Any) -> Result | Heard | Unchecked:
    """Check an answer. What comes back is the mark (as a number) and the explanation (on the screen) in one.

    What an exercise asks for beside a function is handed in by name: `check("bugs.sign", mended, line=4)`.

    Never raises because of the answer or the name of the exercise, so that Run All goes on.
    """
    return _current().check(exercise_id, answer, said)


def predict(exercise_id: str, answer: Any) -> Result | Heard | Unchecked:
    """Write down what you expect, before the cell that shows it. It earns its marks whether it comes true or not.

    The first prediction stands: running the cell again with another one does not replace it.
    """
    return _current().predict(exercise_id, answer)


def reveal(exercise_id: str, *happened: Any) -> Revealed | Said:
    """What was predicted, beside what happened: `reveal("cost.shape", result)`."""
    return _current().reveal(exercise_id, happened)


def _current() -> _Session:
    if _session is None:
        raise NotOpenError("no sheet is open: run the first cell of this notebook, the one with open_sheet(...)")
    return _session
