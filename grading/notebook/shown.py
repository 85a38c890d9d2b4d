"""What a notebook's calls show: each object is plain text for a terminal and HTML or Markdown for a notebook."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a kernel that is being marked has neither
    from grading.sheets import Sheet
    from grading.verify import Verdict

ANONYMOUS = (
    "WARNING: this copy does not know whose it is. Some exercises have numbers of your own, and it shows others. "
    "Before you answer those, run in a terminal: gradsheet start ... --student YOUR-ID"
)


_WIDTH = 72  # characters of plain text, which nbgrader's pages do not break


def filled(lines: Iterable[str]) -> str:
    """Sentences as plain text, broken where they are long."""
    return "\n".join(textwrap.fill(line, _WIDTH, subsequent_indent="  ", break_on_hyphens=False) for line in lines)


@dataclass(frozen=True)
class Opened:
    """What stands under the first cell of a notebook."""

    title: str
    checks: int
    by_hand: int
    points: float
    student: str
    warning: str = ""

    def __repr__(self) -> str:
        whose = f" for {self.student}" if self.student else ""
        marked = f"{self.checks} exercises are checked here"
        by_hand = f", {self.by_hand} marked by a person" if self.by_hand else ""
        lines = [f"Setup complete{whose}: {self.title}, {self.points:g} points; {marked}{by_hand}."]
        return filled([*lines, self.warning] if self.warning else lines)

    @classmethod
    def of(cls, sheet: Sheet, student: str) -> Opened:
        """What to show of a sheet opened by a student, who may have no id."""
        warning = ANONYMOUS if sheet.is_personal and not student else ""
        checks = len(sheet.checked)
        return cls(sheet.title, checks, len(sheet.exercises) - checks, sheet.points, student, warning)


@dataclass(frozen=True)
class Statement:
    """An exercise's statement, shown as Markdown. `given` holds its numbers by name, for use in a computation."""

    text: str
    given: dict[str, Any]
    warning: str = ""

    def __repr__(self) -> str:
        return "\n\n".join(filter(None, (self.text or "The statement stands in the notebook.", self.warning)))

    def _repr_markdown_(self) -> str:
        return repr(self)


@dataclass(frozen=True)
class Hint:
    """The ladder of hints up to the rung `number`, which is open."""

    ladder: tuple[str, ...]
    number: int

    @property
    def is_there(self) -> bool:
        """Whether there is such a rung."""
        return isinstance(self.number, int) and 1 <= self.number <= len(self.ladder)

    def text(self) -> str:
        """The hints as plain text, a line each."""
        if not self.ladder:
            return "There is no hint for this exercise."
        if not self.is_there:
            return f"There are hints 1 to {len(self.ladder)}."
        return "\n".join(f"{self._title(rung)}: {text}" for rung, text in self._opened())

    def _opened(self) -> list[tuple[int, str]]:
        return list(enumerate(self.ladder[: self.number], 1))

    def _title(self, rung: int) -> str:
        return f"Hint {rung} of {len(self.ladder)}"

    def __repr__(self) -> str:
        return filled(self.text().splitlines())

    def _repr_html_(self) -> str:
        if not self.is_there:
            return f"<p>{html.escape(self.text())}</p>"
        return "".join(
            f"<details{' open' if rung == self.number else ''}>"
            f'<summary style="cursor:pointer;padding:0.3em 0">{self._title(rung)}</summary>'
            f"<p>{html.escape(text)}</p></details>"
            for rung, text in self._opened()
        )


@dataclass(frozen=True)
class Said:
    """A line to the student, in the place of what was asked for."""

    line: str

    def text(self) -> str:
        """The line."""
        return self.line

    def __repr__(self) -> str:
        return self.line


@dataclass(frozen=True)
class Unchecked(Said):
    """A line in the place of a verdict: its plain text is a mark of nothing, which is what nbgrader reads."""

    def __repr__(self) -> str:
        return "0.0"

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.line)}</p>"


@dataclass(frozen=True)
class Silent:
    """What stands in the place of everything that is for a student alone, while a submission is marked."""

    given: dict[str, Any] = field(default_factory=dict)

    def check(self, answer: Any, **said: Any) -> Silent:
        """As practice has it; nothing is judged."""
        return self

    def text(self) -> str:
        """What is said instead."""
        return "Not shown while this notebook is marked."

    def __repr__(self) -> str:
        return self.text()


@dataclass(frozen=True)
class Result:
    """The verdict as a notebook shows it: its plain text is the mark, which is what nbgrader reads."""

    verdict: Verdict

    def __repr__(self) -> str:
        return repr(float(self.verdict.mark))

    def _repr_html_(self) -> str:
        return self.verdict.html()

    def text(self) -> str:
        """The explanation as plain text."""
        return self.verdict.text()


@dataclass(frozen=True)
class Revealed:
    """A prediction beside what happened, in words; without a prediction, that one is to be made first."""

    exercise: str
    predicted: str = ""
    happened: str = ""
    agrees: bool | None = None
    remark: str = ""

    def text(self) -> str:
        """Both as plain text."""
        if not self.predicted:
            return f'First predict: predict("{self.exercise}", ...). Then run this cell again.'
        lines = [f"You predicted: {self.predicted}", f"What happened: {self.happened}", self._comparison()]
        return "\n".join(filter(None, lines))

    def _comparison(self) -> str:
        word = {True: "✓ as predicted", False: "✗ otherwise than predicted", None: ""}[self.agrees]
        return f"{word} ({self.remark})" if self.remark else word

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        if not self.predicted:
            return f"<p>{html.escape(self.text())}</p>"
        rows = (("You predicted", self.predicted), ("What happened", self.happened), ("Compared", self._comparison()))
        cells = "".join(
            f'<tr><th scope="row" style="text-align:left">{name}</th>'
            f'<td style="text-align:left">{html.escape(said)}</td></tr>'
            for name, said in rows
            if said
        )
        return f"<table>{cells}</table>"


@dataclass(frozen=True)
class Heard:
    """What a notebook learns while it is being marked: that its answer was heard."""

    exercise: str

    def __repr__(self) -> str:
        return "0.0"

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.exercise)}: heard; the mark is kept elsewhere.</p>"
