"""The routes by which a notebook becomes a page that is read without a server."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode

from grading.course.feedback import FeedbackExporter
from grading.course.pages import write_page


def exported(notebook: NotebookNode, folder: Path) -> Path:
    """As `gradsheet export` makes it."""
    path = folder / "exported.ipynb"
    nbformat.write(notebook, path)
    return write_page(path, folder)


def converted(notebook: NotebookNode, folder: Path) -> Path:
    """As `jupyter nbconvert --to html` makes it."""
    return _written(HTMLExporter(), notebook, folder / "converted.html")


def given_back(notebook: NotebookNode, folder: Path) -> Path:
    """As `gradsheet grade` and `nbgrader generate_feedback` make it, of a sheet in which one cell is marked."""
    told = {
        "student": "student-01",
        "score": 1.0,
        "max_score": 2.0,
        "late_penalty": 0.5,
        "title": "A sheet",
        "waiting": 1,
    }
    notebook = copy.deepcopy(notebook)
    marked = {"grade": True, "grade_id": "a-b", "score": 1.0, "points": 2.0, "comment": "Good: $x^2$."}
    notebook.cells[2].metadata["nbgrader"] = marked | {
        "told": {"name": "a.b", "waiting": False, "rubric": "One point."}
    }
    return _written(FeedbackExporter(), notebook, folder / "feedback.html", {"nbgrader": told})


def _written(exporter: HTMLExporter, notebook: NotebookNode, page: Path, told: dict[str, object] | None = None) -> Path:
    text, _ = exporter.from_notebook_node(notebook, resources=told)
    page.write_text(text, encoding="utf-8")
    return page


ROUTES: dict[str, Callable[[NotebookNode, Path], Path]] = {
    "gradsheet export": exported,
    "nbconvert": converted,
    "feedback": given_back,
}
