"""A sheet that is open at home: it judges here, in this process."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from grading.answers import verify
from grading.answers.keys import KeysError, read_keys
from grading.answers.prediction import Prediction
from grading.notebook.predicting import Predictions
from grading.notebook.shown import ANONYMOUS, Opened, Result, Revealed, Statement
from grading.notebook.state import Notes
from grading.sheets import Prose, Sheet, SheetError, Variant, load_sheet
from grading.verify import Verdict
from grading.verify.item import Item

PUBLIC_SEED = 17  # of the checks that students run; grading draws its own
SHEET_FILE = "sheet.json"
VALIDATING_VARIABLE = "NBGRADER_VALIDATING"  # set by nbgrader's Validate
_VALIDATE_WIDTH = 72  # characters
SHEETS_FOLDER = "sheets"  # beside a notebook, for sheets that are not part of the package


class HomeSession:
    """A sheet on the student's own computer; judged in this process with the public seed."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.variant = read_variant(folder, name)
        self.sheet = _with_keys(load_sheet(name, self.variant, sheet_folders(folder)), folder, name, self.variant)
        self._predictions = Predictions(Notes(folder))

    def opened(self) -> Opened:
        """What `open_sheet` shows."""
        return Opened.of(self.sheet, self.variant.student)

    def statement(self, exercise_id: str) -> Statement:
        """The exercise's statement, for this student."""
        item = self.sheet[exercise_id]
        statement = statement_of(item)
        is_anothers = not self.variant.student and isinstance(item, Item) and item.is_personal
        return replace(statement, warning=ANONYMOUS) if is_anothers else statement

    def hints(self, exercise_id: str) -> tuple[str, ...]:
        """The exercise's hints, from where to look to nearly the answer."""
        item = self.sheet[exercise_id]
        return () if isinstance(item, Prose) else item.hints

    def check(self, exercise_id: str, answer: Any, said: Mapping[str, Any] | None = None) -> Result:
        """Judge an answer here."""
        item = self.sheet[exercise_id]
        if isinstance(item, Prose):
            raise SheetError(f"'{exercise_id}' is read and marked by a person; there is nothing to check")
        return self._result(verify(item, answer, PUBLIC_SEED, said))

    def predict(self, exercise_id: str, answer: Any) -> Result:
        """Write a prediction down, if it is the first one."""
        return self._result(self._predictions.predict(self._prediction(exercise_id), answer, PUBLIC_SEED))

    def reveal(self, exercise_id: str, happened: tuple[Any, ...]) -> Revealed:
        """What was predicted first, beside what happened."""
        return self._predictions.reveal(self._prediction(exercise_id), happened)

    def _prediction(self, exercise_id: str) -> Prediction:
        item = self.sheet[exercise_id]
        if not isinstance(item, Prediction):
            raise SheetError(f"'{exercise_id}' is no prediction; use check('{exercise_id}', ...)")
        return item

    def _result(self, verdict: Verdict) -> Result:
        result = Result(verdict)
        if VALIDATING_VARIABLE in os.environ and result.verdict.mark < result.verdict.points:
            # Validate shows what stands on stderr; without it, it says "partial credit" whatever is wrong.
            print(_wrapped(result.text()), file=sys.stderr)
        return result


def _with_keys(sheet: Sheet, folder: Path, name: str, variant: Variant) -> Sheet:
    """The sheet with the keys that lie beside the notebook, or with the reason why there are none."""
    if not sheet.keyed:
        return sheet
    try:
        return sheet.with_keys(read_keys(folder, name, variant.number))
    except KeysError as error:
        return sheet.with_keys({}, str(error))


def _wrapped(text: str) -> str:
    """`text` in lines short enough for Validate's window, which does not break them."""
    lines = (textwrap.fill(line, _VALIDATE_WIDTH, subsequent_indent="    ") for line in text.splitlines())
    return "\n".join(lines)


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
        belongs_to = data.get("sheet", name)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise SheetError(f"{path} cannot be read ({error}); delete it to work on the standard sheet") from None
    if belongs_to != name:
        raise SheetError(f"{path} belongs to {belongs_to}, not to {name}; give each sheet a folder of its own")
    return variant


def sheet_folders(folder: Path) -> list[Path]:
    """Folders of sheets that are not part of the package: `sheets/` beside the notebook or in a folder above it."""
    return [path / SHEETS_FOLDER for path in (folder, *folder.parents) if (path / SHEETS_FOLDER).is_dir()]
