"""One answer of one student once more, at the instructor's desk: the same code, inputs, verdict and picture.

The submission that was marked is run again in the sandbox, up to the exercise, and judged with the seed of the marking.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from nbformat import NotebookNode

from grading.answers.bug import BugExercise
from grading.answers.graph import GraphExercise
from grading.course.inert import printed_text
from grading.course.layout import Course, CourseError
from grading.course.marking import WITHOUT_SANDBOX_CELL_ID, MarkedExecute, digest_of
from grading.course.nbgrader_api import course_config
from grading.course.rendered import rendered
from grading.sheets import Prose, Sheet
from grading.trusted.ledger import Entry, Ledger
from grading.verify import Verdict
from grading.verify.bench import FaultError, benches_of
from grading.verify.contract import arguments
from grading.verify.exercise import Array, Exercise
from grading.verify.item import Item

_MOST_NUMBERS = 200  # of one input that are written out


@dataclass(frozen=True)
class Replay:
    """What a student answered, what the answer was asked, and what the judge says of it: now, and in the marking.

    `inputs` are the points at which a function is asked, or the numbers that the exercise gives, each by its name;
    `printed` is what the graded cell printed.
    """

    sheet: str
    student: str
    exercise: str
    statement: str
    answer: str
    inputs: tuple[dict[str, Array], ...]
    printed: str
    verdict: Verdict
    marked: Verdict

    @property
    def is_same(self) -> bool:
        """Whether the verdict is that of the marking, in every word and number."""
        return self.verdict == self.marked

    @property
    def comparison(self) -> str:
        """How the verdict compares with that of the marking."""
        if self.is_same:
            return "This is the verdict of the marking, word for word."
        return "This is NOT what the marking said, which was:"

    def text(self) -> str:
        """All of it as plain text, without signs that a terminal would obey."""
        parts = [f"{self.sheet}, {self.exercise}, answered by {self.student}:", _indented(self.answer)]
        for number, point in enumerate(self.inputs, 1):
            values = "\n".join(f"{name} = {_written(value, precision=6)}" for name, value in point.items())
            parts += [f"Inputs {number} of {len(self.inputs)}:", _indented(values)]
        parts += ["Printed:", _indented(self.printed)] if self.printed else []
        parts += [self.verdict.text(), self.comparison, *([] if self.is_same else [self.marked.text()])]
        return "".join(
            sign if sign.isprintable() or sign in "\n\t" else "\N{REPLACEMENT CHARACTER}" for sign in "\n".join(parts)
        )

    def write(self, folder: Path) -> Path:
        """Write all of it, pictures too, as a page `folder`/<student>/<exercise>.html; returns the page."""
        page = folder / self.student / f"{self.exercise}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        text = rendered("replay.html", replay=self, written=partial(_written, floatmode="unique"))
        page.write_text(text, encoding="utf-8", errors="replace")
        return page


def replay(course: Course, student: str, exercise: str, sheet: str = "", sandbox: bool = True) -> Replay:
    """Run and judge one student's answer as the marking did.

    Parameters
    ----------
    exercise : its id, or the last part of it
    sheet : the sheet it belongs to, where several have such an exercise

    Raises
    ------
    CourseError : the answer was never marked, or what was marked, or marked against, is not there any more
    SandboxUnavailableError : there is no sandbox, and none was not asked for
    """
    name, item = _marked_exercise(course, student, exercise, sheet)
    entry = Ledger(course.ledger).latest(name, student, item.id)
    if entry is None:
        raise CourseError(_nothing_marked(course, name, student, item.id))
    if entry.seed != Ledger(course.ledger).seed(name, course.variant(name)):
        raise CourseError(f"{student}'s {name} was marked in another variant than the one released now; grade it again")
    notebook = _up_to(item, _submission(course, name, student, entry))
    submitted = course.collected if (course.collected / student / name).is_dir() else course.submitted
    execute = MarkedExecute(config=course_config(course, submitted=submitted.name, sandbox=sandbox))
    ran = execute.mark(notebook, course, name, student, entry.seed)
    cells = {cell.get("id"): cell for cell in ran.notebook.cells}
    verdict = next(verdict for verdict in ran.verdicts if verdict.exercise == item.id)
    return Replay(
        sheet=name,
        student=student,
        exercise=item.id,
        statement=item.shown,
        answer=cells[item.answer_cell_id].source,
        inputs=_inputs(item, entry.seed),
        printed=printed_text(cells[item.cell_id].get("outputs", [])),
        verdict=Verdict.from_json(verdict.json()),
        marked=entry.verdict,
    )


def _marked_exercise(course: Course, student: str, exercise: str, sheet: str) -> tuple[str, Item]:
    """The sheet and the exercise that are meant.

    Raises
    ------
    CourseError : no sheet, or several, have such an exercise; or a person marks it
    """
    names = [course.require_sheet(sheet)] if sheet else course.sheet_names()
    sheets = {name: course.sheet(name, student) for name in names if course.assignment(name).exists()}
    found = [(name, item) for name, declared in sheets.items() for item in _called(declared, exercise)]
    if len(found) > 1:
        raise CourseError(f"several exercises are called {exercise}: {', '.join(item.id for _, item in found)}")
    if not found:
        near = get_close_matches(exercise, [item.id for declared in sheets.values() for item in declared.exercises], 1)
        raise CourseError(
            f"no exercise '{exercise}'" + (f"; did you mean '{near[0]}'?" if near else f" in {', '.join(names)}")
        )
    name, item = found[0]
    if isinstance(item, Prose):
        raise CourseError(f"{item.id} is marked by a person; there is nothing to replay")
    return name, item


def _called(sheet: Sheet, exercise: str) -> list[Item | Prose]:
    whole = [item for item in sheet.exercises if item.id == exercise]
    return whole or [item for item in sheet.exercises if item.id.split(".")[-1] == exercise]


def _nothing_marked(course: Course, name: str, student: str, exercise: str) -> str:
    marked = sorted(Ledger(course.ledger).verdicts(name)) if course.ledger.exists() else []
    if student in marked:
        return f"{exercise} was not marked yet in {student}'s {name}; run `gradsheet grade {name} --student {student}`"
    near = get_close_matches(student, marked, 1)
    return f"nothing of '{student}' was marked for {name}" + (f"; did you mean '{near[0]}'?" if near else "")


def _submission(course: Course, name: str, student: str, entry: Entry) -> NotebookNode:
    """The very notebook that was marked.

    Raises
    ------
    CourseError : it is not there, or is another by now
    """
    again = f"run `gradsheet grade {name} --student {student} --again`"
    path = course.autograded_folder(name, student) / f"{name}.ipynb"
    try:
        notebook = nbformat.read(path, as_version=4)
    except (OSError, ValueError) as error:
        raise CourseError(f"{path} cannot be read ({type(error).__name__}); {again}") from None
    notebook.cells = [cell for cell in notebook.cells if cell.get("id") != WITHOUT_SANDBOX_CELL_ID]
    if digest_of(notebook) != entry.submission:
        raise CourseError(f"{path} is not what was marked any more; {again}")
    return notebook


def _up_to(item: Item, notebook: NotebookNode) -> NotebookNode:
    """The notebook without what stands below an exercise's graded cell."""
    place = [cell.get("id") for cell in notebook.cells].index(item.cell_id)
    notebook.cells = notebook.cells[: place + 1]
    return notebook


def _inputs(item: Item, seed: int) -> tuple[dict[str, Array], ...]:
    """What an answer is asked at the points of a seed, or the numbers that the exercise gives."""
    asked = item.mended if isinstance(item, BugExercise) else item
    asked = asked.asked[0][0] if isinstance(asked, GraphExercise) else asked
    if not isinstance(asked, Exercise):
        return ({name: np.asarray(value) for name, value in item.given.items()},) if item.given else ()
    with suppress(FaultError):
        return tuple(arguments(bench.question) for bench in benches_of(asked, seed))
    return ()


def _written(value: Array, **digits: Any) -> str:
    """An input as Python reads it."""
    return np.array2string(np.asarray(value), separator=", ", threshold=_MOST_NUMBERS, **digits)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
