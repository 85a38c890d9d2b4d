"""How far one is on a sheet: what was checked since it was opened, and what it is worth."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass

from grading.sheets import Prose, Sheet
from grading.verify import Verdict
from grading.verify.verdict import Outcome

_BY_HAND = "marked by a person"
_UNCHECKED = "not checked yet"
_LEFT, _RIGHT = (f"text-align:{side};padding:0.2em 0.8em 0.2em 0" for side in ("left", "right"))
_SAID: dict[Outcome, str] = {
    "right": "✓ right",
    "wrong": "✗ not right yet",
    "not attempted": "○ not attempted",
    "inconclusive": "? cannot be decided",
    "fault": "! at fault itself",
}


@dataclass(frozen=True)
class Row:
    """One exercise: where it stands, the marks it has by the public checks, and those it is worth."""

    exercise: str
    state: str
    mark: float | None
    points: float

    @property
    def marks(self) -> str:
        """Its marks as they are written."""
        return f"– of {self.points:g}" if self.mark is None else f"{self.mark:g} of {self.points:g}"


@dataclass(frozen=True)
class Progress:
    """Every exercise of a sheet in its order; the same as text and as HTML."""

    title: str
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, sheet: Sheet, verdicts: Mapping[str, Verdict]) -> Progress:
        """Where a sheet stands, by the last verdict on each exercise."""
        rows = []
        for item in sheet.exercises:
            verdict = verdicts.get(item.id)
            state = _SAID[verdict.outcome] if verdict else _BY_HAND if isinstance(item, Prose) else _UNCHECKED
            rows.append(Row(item.id, state, verdict.mark if verdict else None, item.points))
        return cls(sheet.title, tuple(rows))

    @property
    def checked_points(self) -> float:
        """What all exercises that a machine checks are worth."""
        return sum(row.points for row in self.rows if row.state != _BY_HAND)

    @property
    def marks(self) -> float:
        """What has been earned so far, by the public checks."""
        return sum(row.mark or 0.0 for row in self.rows)

    def summary(self) -> str:
        """The whole of it in one line."""
        by_machine = [row for row in self.rows if row.state != _BY_HAND]
        right = sum(row.state == _SAID["right"] for row in by_machine)
        by_hand = sum(row.points for row in self.rows) - self.checked_points
        more = f"; {by_hand:g} more are marked by a person" if by_hand else ""
        return (
            f"{self.title}: {right} of {len(by_machine)} exercises right, "
            f"{self.marks:g} of {self.checked_points:g} points by public checks{more}"
        )

    def text(self) -> str:
        """A line per exercise, and the summary."""
        width = max((len(row.exercise) for row in self.rows), default=0)
        states = max((len(row.state) for row in self.rows), default=0)
        lines = [f"  {row.exercise:<{width}}  {row.state:<{states}}  {row.marks}" for row in self.rows]
        return "\n".join([self.summary(), *lines])

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th scope="row" style="{_LEFT}"><code>{html.escape(row.exercise)}</code></th>'
            f'<td style="{_LEFT}">{row.state}</td><td style="{_RIGHT}">{row.marks}</td></tr>'
            for row in self.rows
        )
        said = html.escape(self.summary())
        return (
            f'<div role="status"><strong>{said}</strong></div>'
            f'<progress value="{self.marks:g}" max="{self.checked_points or 1:g}" aria-label="{said}" '
            f'style="width:100%;max-width:32em;margin:0.5em 0">{said}</progress>'
            f'<table><thead><tr><th scope="col" style="{_LEFT}">exercise</th>'
            f'<th scope="col" style="{_LEFT}">public checks say</th>'
            f'<th scope="col" style="{_RIGHT}">points</th></tr></thead><tbody>{rows}</tbody></table>'
        )
