"""A student's feedback: nbgrader's page in our template, which needs no network and runs no script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import NbGraderPreprocessor

from grading.course.layout import Course
from grading.course.pages import PageExporter
from grading.sheets import Prose


class FeedbackExporter(PageExporter):
    """The page of a marked notebook; set as `c.GenerateFeedback.exporter_class`."""

    pages = "feedback"
    headings_above = 1  # the page's own stands above those of the notebook


class TellMarks(NbGraderPreprocessor):
    """Puts what the page says of the marks into the notebook; runs after nbgrader's GetGrades."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Name the exercises, show a rubric where a person has marked, and drop the sources of graded checks."""
        told = resources["nbgrader"]
        sheet = Course(Path.cwd()).declared(told["assignment"], told["student"])  # nbgrader works in the course's root
        rubrics = {item.cell_id: item.rubric for item in sheet.exercises if isinstance(item, Prose)}
        names = {item.cell_id: item.id for item in sheet.exercises}
        told |= {"title": sheet.title, "waiting": 0}
        resources["metadata"]["name"] = f"{sheet.title}: feedback for {told['student']}"
        with Gradebook(told["db_url"]) as book:
            for cell in _graded(nb):
                details = cell.metadata.nbgrader
                by_hand = _by_hand(book, details.grade_id, told)
                details["told"] = {
                    "name": names.get(details.grade_id, details.grade_id),
                    "waiting": by_hand == "waiting",
                    "rubric": rubrics.get(details.grade_id, "") if by_hand == "given" else "",
                }
                told["waiting"] += by_hand == "waiting"
                if cell.cell_type == "code" and not details.solution:
                    cell.source = ""
        return nb, resources


def _graded(nb: NotebookNode) -> Iterator[NotebookNode]:
    return (cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade"))


def _by_hand(book: Gradebook, cell: str, told: dict[str, str]) -> str:
    """Whether a person has given this mark, is still to give it, or neither."""
    try:
        grade = book.find_grade(cell, told["notebook"], told["assignment"], told["student"])
    except MissingEntry:
        return ""
    if grade.manual_score is not None:
        return "given"
    return "waiting" if grade.needs_manual_grade else ""
