"""Grading as a person watches it: a line per submission, what remains, and a summary."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape

from grading.course.grade import grade
from grading.course.layout import Course
from grading.trusted.ledger import FAILED, GRADED, SET_ASIDE, Intake

_WARNING = (
    "WITHOUT A SANDBOX: submissions run unprotected and can read, change and send anything on this computer. "
    "Do this only with notebooks that you trust."
)


@dataclass
class _Progress:
    console: Console
    started: float = field(default_factory=time.monotonic)
    counts: Counter[str] = field(default_factory=Counter)

    def tell(self, intake: Intake, number: int, total: int) -> None:
        """Print what became of one submission, and how long the others may take."""
        self.counts[intake.state] += 1
        spent = time.monotonic() - self.started
        remaining = spent / number * (total - number)
        said = f"{number:>4}/{total}  {intake.student:<20} {intake.state:<10} {intake.reason}".rstrip()
        left = f"about {remaining:.0f} s to go" if number < total and remaining >= 1 else ""
        said = escape(said)
        self.console.print(f"{said}  [dim]{left}[/dim]" if left else said, highlight=False, soft_wrap=True)

    def summary(self) -> str:
        """Everything in one line."""
        parts = [f"{self.counts[state]} {state}" for state in (GRADED, SET_ASIDE, FAILED) if self.counts[state]]
        return f"{', '.join(parts)} in {time.monotonic() - self.started:.0f} s"


def grade_with_progress(course: Course, name: str, student: str, sandbox: bool, again: bool) -> int:
    """Grade a sheet and print what happens; returns 1 if marking broke down somewhere, else 0."""
    console = Console()
    warn_if_unprotected(console, sandbox)
    progress = _Progress(console)
    intakes = grade(course, name, only=student, sandbox=sandbox, again=again, tell=progress.tell)
    console.print(progress.summary())
    console.print(
        f"Gradebook: {course.gradebook}\nFeedback:  {course.root / 'feedback'}",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    return int(any(intake.state == FAILED for intake in intakes))


def warn_if_unprotected(console: Console, sandbox: bool) -> None:
    """Say loudly that submissions run without a sandbox, where they do."""
    if not sandbox:
        console.print(_WARNING, style="bold red", soft_wrap=True)
