"""nbgrader's formgrader: what the person who marks words is to look for stands above the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from grading.course.layout import Course
from grading.sheets import Prose


class ShowRubric(Preprocessor):
    """Puts an exercise's rubric above its answer, in the formgrader alone: on students' pages it does nothing."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Add a cell above each answer that a person marks, if this is a submission in the formgrader."""
        if "submission_id" not in resources:
            return nb, resources
        # The formgrader is served from the course's folder or one above it, and tells where the notebook is.
        sheet = Course.find(Path(resources["metadata"]["path"])).declared(resources["assignment_id"])
        rubrics = {item.cell_id: item.rubric for item in sheet.exercises if isinstance(item, Prose)}
        cells = []
        for cell in nb.cells:
            if rubric := rubrics.get(cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "")):
                cells.append(new_markdown_cell(f"**Rubric.** {rubric}"))
            cells.append(cell)
        nb.cells = cells
        return nb, resources
