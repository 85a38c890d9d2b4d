"""The whole way once, on a simulated class: build, hand in, grade, report."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from grading.course.build import build
from grading.course.grade import read_marks
from grading.course.layout import CONFIG, Course
from grading.course.progress import grade_with_progress
from grading.course.report import write_report
from grading.course.simulated import Simulated, simulated_class, unexpected_marks
from grading.trusted.sandbox import unavailable_reason


def demo(course: Course, name: str, to: Path) -> int:
    """Grade the simulated class in a course of its own in `to`; returns 0 if every mark is what it must be."""
    console = Console()
    started = time.monotonic()
    made = build(course, name, only_if_changed=True)
    console.print(f"Course built: {name}" if made else f"Course is up to date: {name}", highlight=False)
    playground = _playground(course, name, to)
    simulated = simulated_class(playground, name)
    for one in simulated:
        one.write(playground.submitted / one.student / name)
    console.print(f"{len(simulated)} simulated students handed in {name}", highlight=False)
    sandbox = not unavailable_reason()
    if not sandbox:
        console.print(f"No sandbox here: {unavailable_reason()}.", style="bold red", soft_wrap=True)
    failed = grade_with_progress(playground, [name], sandbox=sandbox)
    report = write_report(playground, name)
    as_expected = _show_marks(console, playground, name, simulated)
    console.print(f"Report:    {report}", soft_wrap=True, highlight=False)
    console.print(f"One page:  {playground.feedback_page(name, simulated[0].student)}", soft_wrap=True, highlight=False)
    console.print(f"Done in {time.monotonic() - started:.0f} s", highlight=False)
    return int(failed or not as_expected)


def _playground(course: Course, name: str, to: Path) -> Course:
    """A course of its own, so that a demonstration never touches real submissions and marks."""
    playground = Course(to.resolve())
    playground.root.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(course.root / CONFIG, playground.root / CONFIG)
    for theirs, ours in ((course.solutions, playground.solutions), (course.assignments, playground.assignments)):
        shutil.copytree(theirs / name, ours / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return playground


def _show_marks(console: Console, course: Course, name: str, simulated: list[Simulated]) -> bool:
    """A short table of what each did, got and must get; whether all marks are right."""
    marks = read_marks(course, name)
    scores = {row.student: row.score for row in marks}
    unexpected = unexpected_marks(marks, simulated)
    table = Table("student", "handed in", "mark", "must be", title=f"{name}: the simulated class")
    for column in table.columns[2:]:
        column.justify = "right"
    for one in simulated:
        style = "bold red" if one.student in unexpected else ""
        table.add_row(one.student, one.does, f"{scores.get(one.student, 0.0):g}", f"{one.mark:g}", style=style)
    console.print(table)
    right = len(simulated) - len(unexpected)
    console.print(f"{right} of {len(simulated)} marks are what they must be", highlight=False)
    return not unexpected
