"""Predictions at home: the first one is written down beside the notebook, and revealed beside what happened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from grading.answers import verify
from grading.answers.prediction import Prediction
from grading.notebook.shown import Revealed
from grading.notebook.state import Notes
from grading.sheets import SheetError
from grading.verify import Verdict
from grading.verify.plain import Plain, plain

_TOPIC = "predictions"


class Predictions:
    """What was predicted in one copy of a sheet: the first time counts, in whichever session that was."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._now: dict[str, Plain] = {}  # where nothing can be written down

    def predict(self, item: Prediction, answer: Any, seed: int) -> Verdict:
        """The verdict on a prediction; if it is one, it is kept unless there is an earlier one."""
        verdict = verify(item, answer, seed)
        if verdict.outcome != "right":
            return verdict
        value = item.well_formed(plain(answer))
        first = self.first(item)
        if first is None:
            self._now[item.id] = value
            kept = self._notes.put(_TOPIC, item.id, value)
            lost = "it could not be written down beside the notebook, and lasts until the kernel ends"
            return verdict if kept or self._notes.is_off else replace(verdict, notes=(*verdict.notes, lost))
        if first == value:
            return verdict
        stands = f"your first prediction stands: {item.in_words(first)}; running the cell again does not replace it"
        return replace(verdict, notes=(*verdict.notes, stands))

    def first(self, item: Prediction) -> Plain:
        """What was predicted first; None if nothing was, or what is written down is no such prediction."""
        try:
            return item.well_formed(self._notes.get(_TOPIC, item.id))
        except ValueError:
            return self._now.get(item.id)

    def reveal(self, item: Prediction, happened: tuple[Any, ...]) -> Revealed:
        """The first prediction beside what happened, which may be left to the declaration.

        Raises
        ------
        SheetError : nobody says what happened
        """
        first = self.first(item)
        if first is None:
            return Revealed(item.id)
        if not happened and item.happens is None:
            raise SheetError(f"reveal('{item.id}', ...) needs what happened: the exercise does not compute it")
        beside = item.beside(first, *happened[:1])
        return Revealed(item.id, beside.predicted, beside.happened, beside.agrees, beside.remark)
