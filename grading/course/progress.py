"""Grading as a person watches it: a line per submission, what remains, and a summary."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from rich.console import Console
from rich.markup import escape

from grading.course.grade import grade, handed_in, sheets_handed_in
from grading.course.layout import Course, CourseError
from grading.course.tally import Tally
from grading.trusted.ledger import FAILED, GRADED, SET_ASIDE, Intake

_WARNING = (
    "WITHOUT A SANDBOX: submissions run unprotected and can read, change and send anything on this computer. "
    "Do this only with notebooks that you trust."
)
_LOOKED_BACK = 20  # submissions by which it is guessed how long the others take
_HEADINGS = {SET_ASIDE: "Set aside, until something else is handed in", FAILED: "To be tried again at the next grading"}


@dataclass
class _Progress:
    console: Console
    total: int
    started: float = field(default_factory=time.monotonic)
    done: list[tuple[str, Intake]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._times = deque([self.started], maxlen=_LOOKED_BACK + 1)

    def tell(self, sheet: str, intake: Intake, *unused: int) -> None:
        """Print what became of one submission, and how long the others may take."""
        self.done.append((sheet, intake))
        self._times.append(time.monotonic())
        said = f"{len(self.done):>4}/{self.total}  {intake.student:<20} {intake.state:<10} {intake.reason}".rstrip()
        left = self._left()
        self._print(escape(said) + (f"  [dim]about {left}[/dim]" if left else ""))

    def _left(self) -> str:
        """How long the others may take, by the latest ones; empty where there is next to nothing left."""
        seconds = (self._times[-1] - self._times[0]) / (len(self._times) - 1) * (self.total - len(self.done))
        if seconds < 1:
            return ""
        return f"{seconds:.0f} s to go" if seconds < 120 else f"{seconds / 60:.0f} min to go"

    def summary(self) -> Iterator[str]:
        """How many were graded; what was not, and why."""
        counts = Counter(intake.state for _, intake in self.done)
        parts = [f"{counts[state]} {state}" for state in (GRADED, SET_ASIDE, FAILED) if counts[state]]
        yield f"{', '.join(parts)} in {time.monotonic() - self.started:.0f} s"
        for state, heading in _HEADINGS.items():
            lines = [
                f"  {intake.student}, {name}: {intake.reason}" for name, intake in self.done if intake.state == state
            ]
            yield from [f"{heading}:", *lines] if lines else []

    def say(self, line: str) -> None:
        """Print a line as it is."""
        self._print(escape(line))

    def _print(self, line: str) -> None:
        self.console.print(line, highlight=False, soft_wrap=True)


def grade_with_progress(
    course: Course, names: Sequence[str] = (), student: str = "", sandbox: bool = True, again: bool = False
) -> int:
    """Grade some sheets (by default all for which something was handed in) and print what happens.

    Returns 1 if marking broke down somewhere, else 0.

    Raises
    ------
    CourseError : nothing was handed in for one of these sheets; if there is one alone, what `grade` raises
    """
    console = Console()
    warn_if_unprotected(console, sandbox)
    names = names or sheets_handed_in(course, student)
    progress = _Progress(console, sum(len(handed_in(course, name, student)) for name in names))
    broken = False
    for name in names:
        if len(names) > 1:
            progress.say(name)
        try:
            grade(course, name, only=student, sandbox=sandbox, again=again, tell=partial(progress.tell, name))
        except CourseError as error:
            if len(names) == 1:
                raise
            progress.say(f"  {error}")
            broken = True
    for line in [*progress.summary(), *_needing_a_person(course, names)]:
        progress.say(line)
    progress.say(f"Gradebook: {course.gradebook}\nFeedback:  {course.root / 'feedback'}")
    return int(broken or any(intake.state == FAILED for _, intake in progress.done))


def _needing_a_person(course: Course, names: Sequence[str]) -> Iterator[str]:
    """How many answers are to be marked by hand or looked at, in one line; none if there is nothing to do."""
    counts: Counter[str] = Counter()
    for name in names:
        for task in Tally.of(course, name).tasks:
            counts[task.why] += len(task.students)
    said = [f"{number} {why}" for why, number in counts.items() if why not in _HEADINGS]
    if said:
        yield f"Needing a person: {', '.join(said)}; see `gradsheet report`"


def warn_if_unprotected(console: Console, sandbox: bool) -> None:
    """Say loudly that submissions run without a sandbox, where they do."""
    if not sandbox:
        console.print(_WARNING, style="bold red", soft_wrap=True)
