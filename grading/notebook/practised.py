"""An exercise once more, with numbers that nobody was given, and without marks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from grading.answers import verify
from grading.sheets import Variant
from grading.verify import Verdict
from grading.verify.item import Item

_FIRST = 1_000_000  # variants from here on are for practice; no course releases them
MOST_PRACTICE = 1_000_000


@dataclass(frozen=True)
class Practised:
    """A verdict that earns nothing."""

    verdict: Verdict

    def text(self) -> str:
        """The explanation as plain text."""
        return self.verdict.text()

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return self.verdict.html()


@dataclass(frozen=True)
class Practice:
    """One fresh variant of an exercise: its statement, its numbers, and a check of answers to it."""

    item: Item
    number: int

    @property
    def given(self) -> dict[str, Any]:
        """The numbers of the statement, by name."""
        return dict(self.item.given or {})

    def check(self, answer: Any, **said: Any) -> Practised:
        """Judge an answer to this variant, as often as you like."""
        verdict = verify(self.item, answer, _FIRST + self.number, said)
        return Practised(replace(verdict, points=0.0, mark=0.0, hint=0))

    def __repr__(self) -> str:
        asked = self.item.statement or "The same question; your answer is checked at points that no check has used."
        return f"{asked}\n\nPractice {self.number} of {self.item.id}, without marks: `again.check(...)`"

    def _repr_markdown_(self) -> str:
        return repr(self)


def practice_variant(number: int) -> Variant:
    """The variant of a sheet for the `number`-th practice."""
    return Variant(_FIRST + number, f"practice {number}")
