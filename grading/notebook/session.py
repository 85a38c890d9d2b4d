"""A sheet that is open at home: it judges here, in this process."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from grading.answers import verify
from grading.answers.keys import Keyed, KeysError, read_keys
from grading.answers.prediction import Prediction
from grading.notebook.comparison import Comparison, compare
from grading.notebook.practised import MOST_PRACTICE, Practice, practice_variant
from grading.notebook.predicting import Predictions
from grading.notebook.shown import ANONYMOUS, Hint, Opened, Result, Revealed, Said, Statement, Unchecked
from grading.notebook.standing import Progress
from grading.notebook.state import Notes
from grading.sheets import Prose, Sheet, SheetError, Variant, load_sheet
from grading.verify import Exercise, Verdict
from grading.verify.item import Item

PUBLIC_SEED = 17  # of the checks that students run; grading draws its own
SHEET_FILE = "sheet.json"
VERDICTS_VARIABLE = "GRADSHEET_VERDICTS"  # a file to which each verdict is added, a line of JSON each
VALIDATING_VARIABLE = "NBGRADER_VALIDATING"  # set by nbgrader's Validate
_VALIDATE_WIDTH = 72  # characters
SHEETS_FOLDER = "sheets"  # beside a notebook, for sheets that are not part of the package

Asked = ParamSpec("Asked")
Shown = TypeVar("Shown")
Line = TypeVar("Line")


def _told(line: Callable[[str], Line]) -> Callable[[Callable[Asked, Shown]], Callable[Asked, Shown | Line]]:
    """Where a call names no exercise, or one of another kind, a line says so, and Run All goes on."""

    def told(call: Callable[Asked, Shown]) -> Callable[Asked, Shown | Line]:
        @wraps(call)
        def called(*asked: Asked.args, **named: Asked.kwargs) -> Shown | Line:
            try:
                return call(*asked, **named)
            except SheetError as slip:
                return line(str(slip))

        return called

    return told


class HomeSession:
    """A sheet on the student's own computer; judged in this process with the public seed."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.variant = read_variant(folder, name)
        self._folders = sheet_folders(folder)
        self.sheet = _with_keys(load_sheet(name, self.variant, self._folders), folder, name, self.variant)
        self.notes = Notes(folder)
        self.verdicts: dict[str, Verdict] = {}  # the last one on each exercise, since the sheet was opened
        self._practised: dict[str, int] = {}
        self._predictions = Predictions(self.notes)

    def opened(self) -> Opened:
        """What `open_sheet` shows."""
        return Opened.of(self.sheet, self.variant.student)

    @_told(lambda line: Statement(line, {}))
    def statement(self, exercise_id: str) -> Statement:
        """The exercise's statement, for this student."""
        item = self.sheet[exercise_id]
        statement = statement_of(item)
        is_anothers = not self.variant.student and isinstance(item, Item) and item.is_personal
        return replace(statement, warning=ANONYMOUS) if is_anothers else statement

    @_told(Unchecked)
    def check(self, exercise_id: str, answer: Any, said: Mapping[str, Any] | None = None) -> Result:
        """Judge an answer here."""
        item = self.sheet[exercise_id]
        if isinstance(item, Prose):
            raise SheetError(f"'{exercise_id}' is read and marked by a person; there is nothing to check")
        return self._result(item, verify(item, answer, PUBLIC_SEED, said))

    @_told(Unchecked)
    def predict(self, exercise_id: str, answer: Any) -> Result:
        """Write a prediction down, if it is the first one."""
        item = self._prediction(exercise_id)
        return self._result(item, self._predictions.predict(item, answer, PUBLIC_SEED))

    @_told(Said)
    def reveal(self, exercise_id: str, happened: tuple[Any, ...]) -> Revealed:
        """What was predicted first, beside what happened."""
        return self._predictions.reveal(self._prediction(exercise_id), happened)

    def _prediction(self, exercise_id: str) -> Prediction:
        item = self.sheet[exercise_id]
        if not isinstance(item, Prediction):
            raise SheetError(f"'{exercise_id}' is no prediction; use check('{exercise_id}', ...)")
        return item

    def _result(self, item: Item, found: Verdict) -> Result:
        verdict = self._with_next_hint(found, len(item.hints))
        self.verdicts[item.id] = verdict
        _write_down(verdict)
        result = Result(verdict)
        if VALIDATING_VARIABLE in os.environ and result.verdict.mark < result.verdict.points:
            # Validate shows what stands on stderr; without it, it says "partial credit" whatever is wrong.
            print(_wrapped(result.text()), file=sys.stderr)
        return result

    def _with_next_hint(self, verdict: Verdict, rungs: int) -> Verdict:
        """The verdict, which names the first rung that has not been opened; none after the last."""
        following = self._opened(verdict.exercise) + 1
        return replace(verdict, hint=following if verdict.hint and following <= rungs else 0)

    @_told(Said)
    def hint(self, exercise_id: str, number: int | None) -> Hint:
        """The ladder up to a rung; up to where it was opened before, where none is named."""
        item = self.sheet[exercise_id]
        ladder = () if isinstance(item, Prose) else item.hints
        opened = min(self._opened(exercise_id), len(ladder))
        shown = Hint(ladder, max(1, opened) if number is None else number)
        if shown.is_there and shown.number > opened:
            self.notes.put("hints", exercise_id, shown.number)
        return shown

    def _opened(self, exercise_id: str) -> int:
        """The highest rung that was opened, as far as the notes beside the notebook know."""
        opened = self.notes.get("hints", exercise_id)
        return opened if isinstance(opened, int) else 0

    @_told(Said)
    def practice(self, exercise_id: str, number: int | None) -> Practice | Said:
        """The exercise once more; only after it is solved, since its numbers would distract."""
        solved = self.verdicts.get(self.sheet[exercise_id].id)
        if solved is None or solved.outcome != "right":
            return Said(f'Practice comes after solving: first check("{exercise_id}", ...) has to say "right".')
        if number is not None and not (type(number) is int and 0 < number < MOST_PRACTICE):
            return Said(f"The variants for practice are numbered from 1 to {MOST_PRACTICE - 1}.")
        self._practised[exercise_id] = self._practised.get(exercise_id, 0) + 1 if number is None else number
        variant = practice_variant(self._practised[exercise_id])
        fresh = load_sheet(self.name, variant, self._folders)[exercise_id]
        if isinstance(fresh, Prediction) or (isinstance(fresh, Keyed) and fresh.needs_key):
            return Said(f"'{exercise_id}' asks the same every time; there is nothing to practise with.")
        if not isinstance(fresh, Item):
            return Said(f"'{exercise_id}' is read by a person; there is nothing to practise with.")
        return Practice(fresh, self._practised[exercise_id])

    @_told(Said)
    def compare(self, exercise_id: str, function: Any) -> Comparison | Said:
        """A function beside the course's own lines."""
        item = self.sheet[exercise_id]
        if not isinstance(item, Exercise):
            return Said(f"'{exercise_id}' asks for no derivative; there are no lines to compare.")
        return compare(item, function, PUBLIC_SEED)

    def progress(self) -> Progress:
        """Where the sheet stands."""
        return Progress.of(self.sheet, self.verdicts)


def _write_down(verdict: Verdict) -> None:
    """Add a verdict to the file that whoever started this kernel asks for."""
    if path := os.environ.get(VERDICTS_VARIABLE):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(verdict.json() + "\n")


def _with_keys(sheet: Sheet, folder: Path, name: str, variant: Variant) -> Sheet:
    """The sheet with the keys that lie beside the notebook, or with the reason why there are none."""
    if not sheet.keyed:
        return sheet
    try:
        return sheet.with_keys(read_keys(folder, name, variant.number))
    except KeysError as error:
        return sheet.with_keys({}, str(error))


def _wrapped(text: str) -> str:
    """`text` in lines short enough for Validate's window, which does not break them; tables and maps as they are."""
    return "\n".join(
        line if line.startswith("    ") else textwrap.fill(line, _VALIDATE_WIDTH, subsequent_indent="    ")
        for line in text.splitlines()
    )


def statement_of(item: Item | Prose) -> Statement:
    """The statement of an exercise; empty for prose, whose statement stands in the notebook."""
    if isinstance(item, Prose):
        return Statement("", {})
    return Statement(item.shown, dict(item.given or {}))


def read_variant(folder: Path, name: str) -> Variant:
    """The variant of a sheet that `sheet.json` in `folder` names; the standard one where there is no such file.

    Raises
    ------
    SheetError : the file cannot be read, or belongs to another sheet
    """
    path = folder / SHEET_FILE
    if not path.exists():
        return Variant()
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        variant = Variant(int(data.get("variant", 0)), str(data.get("student", "")))
        variant.student.encode()  # an id of half characters could not be shown
        if variant.number < 0:
            raise ValueError(f"variant {variant.number} is below zero")
        belongs_to = data.get("sheet", name)
    except (OSError, ValueError, AttributeError, TypeError, OverflowError, RecursionError) as error:
        raise SheetError(f"{path} cannot be read ({error}); delete it to work on the standard sheet") from None
    if belongs_to != name:
        raise SheetError(f"{path} belongs to {belongs_to}, not to {name}; give each sheet a folder of its own")
    return variant


def sheet_folders(folder: Path) -> list[Path]:
    """Folders of sheets that are not part of the package: `sheets/` beside the notebook or in a folder above it."""
    return [path / SHEETS_FOLDER for path in (folder, *folder.parents) if (path / SHEETS_FOLDER).is_dir()]
