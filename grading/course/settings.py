"""What nbgrader must be told so that it works on our courses: where things lie, and which of its steps are ours."""

from __future__ import annotations

import os
import sysconfig
from typing import Any

# What lies beside a master but is not handed out: nbgrader's own list, what instructors make, and what a kernel leaves.
NOT_HANDED_OUT = (
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    "feedback",
    "*.py",
    "*.html",
    "*.pdf",
    "notes.json",
    "notes.damaged*",
)


def configure(c: Any) -> None:
    """Set up nbgrader's configuration object; called from a course's `nbgrader_config.py`."""
    c.CourseDirectory.source_directory = "solutions"
    c.CourseDirectory.release_directory = "assignments"
    c.CourseDirectory.ignore = list(NOT_HANDED_OUT)

    # A stub that does nothing: an untouched notebook runs to its end, and its answers read as "not attempted".
    c.ClearSolutions.code_stub = {"python": "pass  # your answer here"}
    c.ClearSolutions.text_stub = "*Your answer here.*"

    # RestoreRelease stands in for DeduplicateIds, whose repair of a copied cell stops the whole batch.
    c.Autograde.sanitize_preprocessors = [
        "nbgrader.preprocessors.ClearOutput",
        "grading.course.intake.RestoreRelease",
        "nbgrader.preprocessors.OverwriteKernelspec",
        "nbgrader.preprocessors.OverwriteCells",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    # MarkedExecute stands in for Execute: it runs the submission in a sandbox and takes every mark from the judge.
    c.Autograde.autograde_preprocessors = [
        "grading.course.marking.MarkedExecute",
        "nbgrader.preprocessors.LimitOutput",
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    # Pages that show formulas without a network and tell rubrics, without a script and the source of graded checks.
    c.GenerateFeedback.exporter_class = "grading.course.feedback.FeedbackExporter"
    c.GenerateFeedback.preprocessors = ["nbgrader.preprocessors.GetGrades", "grading.course.feedback.TellMarks"]
    # The formgrader shows rubrics to who marks; the step does nothing on any other page.
    c.HTMLExporter.preprocessors = ["grading.course.formgrade.ShowRubric"]
    # nbgrader's own exporter writes names as they are, with the commas and formulas in them.
    c.ExportApp.plugin_class = "grading.course.exports.CsvExport"
    # nbgrader calls alembic by its bare name, also where this environment was not activated.
    path, scripts = os.environ.get("PATH", ""), sysconfig.get_path("scripts")
    if scripts not in path.split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([scripts, path])
