"""Marks a notebook while it runs: nbgrader's Execute step, with each graded cell's output taken from the judge."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute
from nbgrader.utils import is_grade, is_solution
from traitlets import Bool, Integer, default

from grading.course.intake import copy_files
from grading.course.layout import Course
from grading.notebook.shown import Result
from grading.sheets import Sheet
from grading.trusted.channel import AnswerDesk
from grading.trusted.kernel import SubmissionKernelManager, channel_path, submission_folder
from grading.trusted.ledger import Ledger
from grading.trusted.sandbox import require_sandbox
from grading.verify import Exercise, Verdict

_NOT_A_KERNELS_WORDS = (KeyError, TypeError, AttributeError, ValueError)  # what nbclient makes of forged messages
_GRADED_CELL_S = 60  # several questions, each with a limit of its own


class MarkedExecute(Execute):
    """Runs a submission in the sandbox and writes each graded cell's mark from the judge's verdict.

    What the kernel printed in a graded cell is kept only as text; what it pretended its result to be is dropped.
    """

    sandbox = Bool(True, help="Run submissions in the sandbox; without one, grading refuses to start.").tag(config=True)
    timeout = Integer(10, help="Seconds that a cell which is not graded may take.", allow_none=True).tag(config=True)

    @default("shutdown_kernel")
    def _stop_at_once(self) -> str:
        return "immediate"

    def preprocess(self, nb: NotebookNode, resources: Any, km: Any = None) -> tuple[NotebookNode, Any]:
        """Run the notebook, mark it, and write the verdicts into the ledger."""
        if self.sandbox:
            require_sandbox()
        told = resources["nbgrader"]
        course = Course(Path.cwd())  # nbgrader works in the course's root
        name, student = told["assignment"], told["student"]
        sheet = course.sheet(name, student)
        ledger = Ledger(course.ledger)
        seed = ledger.seed(name, course.variant(name))
        digest = digest_of(nb)
        with self._kernel_side(course.autograded_folder(name, student), sheet, student, seed):
            # nbgrader leaves Python files out, so that no master is ever handed out; a student's own belong here
            copy_files(self._handed_in(course, name, student), self._scratch / "work", "*.py")
            nb, resources = super().preprocess(nb, resources, km)
        ledger.add(name, student, digest, seed, list(self._verdicts.values()))
        return nb, resources

    def _handed_in(self, course: Course, name: str, student: str) -> Path:
        submitted = self.config.CourseDirectory.get("submitted_directory", course.submitted.name)
        return course.root / submitted / student / name

    @contextmanager
    def _kernel_side(self, beside: Path, sheet: Sheet, student: str, seed: int) -> Iterator[None]:
        self._exercises = {exercise.cell_id: exercise for exercise in sheet.checked}
        self._verdicts: dict[str, Verdict] = {}
        self._dead = False
        with (
            submission_folder(beside) as self._scratch,
            AnswerDesk(channel_path(self._scratch), sheet, student, seed) as self._desk,
        ):
            self.timeout_func = lambda cell: _GRADED_CELL_S if self._exercise_of(cell) else self.timeout
            yield

    def create_kernel_manager(self) -> SubmissionKernelManager:
        """The submission's own kernel manager; the notebook's metadata has no say in it."""
        self.km = SubmissionKernelManager(self._scratch, self.sandbox)
        return self.km

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> tuple[NotebookNode, Any]:
        """Run one cell; if it is a graded one, put the verdict in place of what it printed."""
        exercise = self._exercise_of(cell)
        if exercise is None:
            self._run(cell, resources, index)
            return cell, resources
        self._desk.expect(exercise)
        self._run(cell, resources, index)
        verdict = self._desk.collect() or _unanswered(exercise, cell, self._dead)
        self._verdicts[exercise.id] = verdict
        cell["outputs"] = [*_printed(cell), _mark_output(verdict, cell.get("execution_count"))]
        return cell, resources

    def _exercise_of(self, cell: NotebookNode) -> Exercise | None:
        if cell.cell_type != "code" or not is_grade(cell) or is_solution(cell):
            return None
        return self._exercises.get(cell.metadata.nbgrader.grade_id)

    def _run(self, cell: NotebookNode, resources: Any, index: int) -> None:
        """Run a cell; once the kernel has died or makes no sense, the cells after it are left as they are."""
        if self._dead:
            return
        try:
            super().preprocess_cell(cell, resources, index)
        except (DeadKernelError, CellTimeoutError, *_NOT_A_KERNELS_WORDS):
            self._dead = True


def digest_of(nb: NotebookNode) -> str:
    """A digest of what a submission says: the source of its cells, whatever was printed under them."""
    text = "\0".join(f"{cell.cell_type}\1{cell.source}" for cell in nb.cells)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _unanswered(exercise: Exercise, cell: NotebookNode, dead: bool) -> Verdict:
    """The verdict where no answer came: the cell did not get as far as the check."""
    errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
    if dead:
        problem = "The kernel died, or could not be stopped, before this was checked."
    elif errors:
        problem = f"This could not be checked: {errors[0].ename}: {errors[0].evalue}"
    else:
        problem = "This cell ran without asking for a check."
    return Verdict(exercise.id, "wrong", 0.0, exercise.points, None, problem=problem)


def _printed(cell: NotebookNode) -> list[NotebookNode]:
    """What was printed while a graded cell ran, as plain text: nbgrader takes anything on stderr for a failure."""
    text = "".join(output.text for output in cell.get("outputs", []) if output.output_type == "stream")
    return [new_output("stream", name="stdout", text=text)] if text else []


def _mark_output(verdict: Verdict, count: int | None) -> NotebookNode:
    """The one result of a graded cell: its plain text is the mark that nbgrader reads."""
    result = Result(replace(verdict, seed=None))  # the seed of the marking is not for students
    data = {"text/plain": repr(result), "text/html": result._repr_html_()}
    return new_output("execute_result", data=data, execution_count=count)
