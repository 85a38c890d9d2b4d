"""The routes by which a notebook becomes a page that is read without a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbgrader.server_extensions import formgrader

from grading.course.pages import write_page

_FORMGRADER = Path(formgrader.__file__).parent


def exported(notebook: NotebookNode, folder: Path) -> Path:
    """As `gradsheet export` makes it."""
    path = folder / "exported.ipynb"
    nbformat.write(notebook, path)
    return write_page(path, folder)


def converted(notebook: NotebookNode, folder: Path) -> Path:
    """As `jupyter nbconvert --to html` makes it."""
    return _written(HTMLExporter(), notebook, folder / "converted.html")


def given_back(notebook: NotebookNode, folder: Path) -> Path:
    """In nbgrader's template of the feedback."""
    exporter = HTMLExporter(
        template_name="feedback",
        extra_template_basedirs=[str(_FORMGRADER / "templates")],
        extra_template_paths=[str(_FORMGRADER / "static/node_modules/bootstrap/dist/css")],
    )
    scores = {"notebook": "sheet", "score": 1.0, "max_score": 2.0, "late_penalty": 0.0}
    return _written(exporter, notebook, folder / "feedback.html", {"nbgrader": scores})


def _written(exporter: HTMLExporter, notebook: NotebookNode, page: Path, told: dict[str, object] | None = None) -> Path:
    text, _ = exporter.from_notebook_node(notebook, resources=told)
    page.write_text(text, encoding="utf-8")
    return page


ROUTES: dict[str, Callable[[NotebookNode, Path], Path]] = {
    "gradsheet export": exported,
    "nbconvert": converted,
    "nbgrader feedback": given_back,
}
