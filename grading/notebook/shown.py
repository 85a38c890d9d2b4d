"""What a notebook's calls show: each object is plain text for a terminal and HTML or Markdown for a notebook."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

from grading.verify import Verdict


@dataclass(frozen=True)
class Opened:
    """What stands under the first cell of a notebook."""

    title: str
    checks: int
    points: float
    student: str

    def __repr__(self) -> str:
        whose = f" for {self.student}" if self.student else ""
        return f"Setup complete{whose}: {self.title}, {self.checks} checks, {self.points:g} points"


@dataclass(frozen=True)
class Statement:
    """An exercise's statement, shown as Markdown. `given` holds its numbers by name, for use in a computation."""

    text: str
    given: dict[str, Any]

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text


@dataclass(frozen=True)
class Hint:
    """One rung of the ladder of hints."""

    ladder: tuple[str, ...]
    number: int

    def text(self) -> str:
        """The hint as plain text."""
        if not self.ladder:
            return "There is no hint for this exercise."
        if not 1 <= self.number <= len(self.ladder):
            return f"There are hints 1 to {len(self.ladder)}."
        return f"{self._title()}: {self.ladder[self.number - 1]}"

    def _title(self) -> str:
        return f"Hint {self.number} of {len(self.ladder)}"

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        if not 1 <= self.number <= len(self.ladder):
            return f"<p>{html.escape(self.text())}</p>"
        hint = html.escape(self.ladder[self.number - 1])
        return f"<details open><summary>{self._title()}</summary>{hint}</details>"


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
