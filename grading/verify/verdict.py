"""The verdict on one answer, and how it reads: as text, as HTML, as JSON."""

from __future__ import annotations

import html
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from grading.verify.exercise import Array

Outcome = Literal["not attempted", "right", "wrong", "inconclusive", "fault"]

_HEADLINES: dict[Outcome, str] = {
    "not attempted": "Not attempted yet",
    "right": "Right",
    "wrong": "Not right yet",
    "inconclusive": "Cannot be decided here",
    "fault": "The exercise itself is at fault, not your answer",
}
# A shape and a word beside the colour, so that no one has to see the colour.
_SIGNS: dict[Outcome, str] = {"not attempted": "○", "right": "✓", "wrong": "✗", "inconclusive": "?", "fault": "!"}
# Each stands out from a white page and from a black one.
_COLOURS: dict[Outcome, str] = {
    "not attempted": "#767676",
    "right": "#009e73",
    "wrong": "#d55e00",
    "inconclusive": "#0072b2",
    "fault": "#b0588d",
}


# How much an entry of a matrix is off, as a bar of that height; the first is for entries that are right.
_HEAT = {"·": "right", "▁": "off by less than 1 %", "▄": "off by less than half", "█": "off by half or more"}
_RIGHT, _WRONG = "·", "×"
_SLIGHTLY, _PARTLY = 0.01, 0.5
_WIDEST_MAP = (32, 64)  # rows and columns that a map may have


@dataclass(frozen=True)
class Cause:
    """A mistake that reproduces the student's numbers: a short name, what it is and how to mend it, and how sure."""

    label: str
    text: str
    certainty: float


@dataclass(frozen=True)
class Worst:
    """The entry that is furthest off, at the point where it is.

    `witnesses` is empty where the numbers themselves are the answer: a verdict never gives the answer away.
    """

    index: tuple[int, ...]
    point: int
    yours: float
    witnesses: dict[str, float]
    bar: float


@dataclass(frozen=True)
class BlockResult:
    """One array of the answer: whether it is right, and if not, how it differs.

    `heat` has a line per row of a matrix, and in it a sign per entry: how far off each of them is.
    """

    name: str
    right: bool
    shape: tuple[int, ...]
    entries: int = 0
    differ: int = 0
    problem: str = ""
    worst: Worst | None = None
    heat: tuple[str, ...] = ()

    def line(self) -> str:
        """What there is to say about this array, in one line."""
        if self.right:
            return f"{self.name}: right, shape {self.shape}"
        if self.problem:
            return f"{self.name}: {self.problem}"
        worst = _worst(self.worst) if self.worst else ""
        if self.shape == ():
            return f"{self.name}: {worst}"
        said = f"{self.name}: shape {self.shape} is right; {self.differ} of {self.entries} entries differ"
        return f"{said}, worst {worst}" if worst else said


@dataclass(frozen=True)
class Figure:
    """Something to look at beside the words: a picture or a table, as text and as HTML that needs no script."""

    text: str
    html: str


@dataclass(frozen=True)
class Verdict:
    """What the judge found.

    Attributes
    ----------
    outcome : "not attempted", "right", "wrong", "inconclusive" or "fault" (the witnesses contradict each other, or
        the exercise failed; whoever attempted it gets full marks)
    mark : marks earned, a plain float from 0 to `points`
    causes : mistakes that reproduce the student's numbers, likeliest first
    problem : one line, where there are no values to compare (an exception, a time-out, a result without numbers)
    notes : one line each, on what was accepted or left out
    hint : number of the hint to open next, 0 for none
    seed : reproduces the verdict; None where the seed is not to be known
    wording : what the headline says in place of the outcome's own words
    """

    exercise: str
    outcome: Outcome
    mark: float
    points: float
    seed: int | None
    blocks: tuple[BlockResult, ...] = ()
    causes: tuple[Cause, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()
    witnesses: tuple[str, ...] = ()
    hint: int = 0
    draws: int = field(default=0, compare=False)
    figures: tuple[Figure, ...] = ()
    wording: str = ""

    def headline(self) -> str:
        """Outcome and mark in one line."""
        unit = "point" if self.points == 1 else "points"
        marks = f"{self.mark:g} of {self.points:g} {unit}"
        return f"{_SIGNS[self.outcome]} {self.wording or _HEADLINES[self.outcome]}: {self.exercise}, {marks}"

    def details(self) -> list[str]:
        """Everything else there is to say, a line each."""
        lines = [self.problem] if self.problem else []
        lines += [f"{_sureness(cause.certainty)}: {cause.text}" for cause in self.causes]
        if self.outcome in ("wrong", "inconclusive"):
            lines += [block.line() for block in self.blocks]
        lines += [f"Note: {note}" for note in self.notes]
        if self.hint:
            lines.append(f'Next: hint("{self.exercise}", {self.hint})')
        return lines

    def maps(self) -> list[BlockResult]:
        """The matrices of which some entries are wrong, and not so many that a map of them could not be read."""
        return [block for block in self.blocks if block.heat] if self.outcome in ("wrong", "inconclusive") else []

    def text(self) -> str:
        """The verdict as plain text."""
        lines = [self.headline(), *(f"  {line}" for line in self.details())]
        for block in self.maps():
            lines += [f"  {_heat_legend(block)}", *(f"    {' '.join(row)}" for row in block.heat)]
        lines += [f"  {line}" for figure in self.figures for line in figure.text.splitlines()]
        basis = self._basis()
        return "\n".join([*lines, f"  {basis}"] if basis else lines)

    def html(self) -> str:
        """The verdict as HTML that survives an untrusted notebook: no script, no style sheet, no colour needed."""
        colour = _COLOURS[self.outcome]
        items = "".join(f"<li>{html.escape(line)}</li>" for line in self.details())
        basis = self._basis()
        return (
            f'<div role="status" style="border-left:4px solid {colour};padding:0.2em 0.8em;margin:0.3em 0">'
            f"<div><strong>{html.escape(self.headline())}</strong></div>"
            + (f'<ul style="margin:0.3em 0">{items}</ul>' if items else "")
            + "".join(map(_heat_html, self.maps()))
            + "".join(figure.html for figure in self.figures)
            + (f"<div><small>{html.escape(basis)}</small></div>" if basis else "")
            + "</div>"
        )

    def json(self) -> str:
        """The verdict as JSON; `Verdict.from_json` reads it back."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Verdict:
        """The verdict that `json` wrote."""
        data: dict[str, Any] = json.loads(text)
        return cls(
            **data
            | {
                "blocks": tuple(_block(block) for block in data["blocks"]),
                "causes": tuple(Cause(**cause) for cause in data["causes"]),
                "notes": tuple(data["notes"]),
                "witnesses": tuple(data["witnesses"]),
                "figures": tuple(Figure(**figure) for figure in data.get("figures", ())),
            }
        )

    def _basis(self) -> str:
        """What the verdict rests on, and how to get it again."""
        if not self.blocks:
            return ""
        where = "one point" if self.draws == 1 else f"{self.draws} points"
        basis = f"at {where}, against {', '.join(self.witnesses)}"
        return f"Checked {basis}" if self.seed is None else f"Public checks {basis}; seed {self.seed}"


def _block(data: dict[str, Any]) -> BlockResult:
    worst = data["worst"]
    if worst is not None:
        worst = Worst(**worst | {"index": tuple(worst["index"])})
    heat = tuple(data.get("heat", ()))
    return BlockResult(**data | {"shape": tuple(data["shape"]), "worst": worst, "heat": heat})


def heat_map(wrong: Array, off: Array, size: Array | None) -> tuple[str, ...]:
    """A line per row of a matrix with a sign per entry: right, or off by how much of its size (None: not to be told).

    Nothing for a matrix that is too large to be read, or of which all entries would look alike.
    """
    if wrong.ndim != 2 or min(wrong.shape) < 2 or wrong.shape[0] > _WIDEST_MAP[0] or wrong.shape[1] > _WIDEST_MAP[1]:
        return ()
    if size is None:
        level, signs = wrong.astype(int), [_RIGHT, _WRONG]
    else:
        level, signs = np.where(wrong, 1 + (off > _SLIGHTLY * size) + (off > _PARTLY * size), 0), list(_HEAT)
    return tuple("".join(signs[entry] for entry in row) for row in level) if np.ptp(level) else ()


def _heat_legend(block: BlockResult) -> str:
    """What the signs of a map mean, of those that are in it."""
    used = set("".join(block.heat))
    return f"{block.name}: " + ", ".join(
        f"{sign} {meaning}" for sign, meaning in (_HEAT | {_WRONG: "not right"}).items() if sign in used
    )


def _heat_html(block: BlockResult) -> str:
    """The map as a picture made of characters, with the same in words for who cannot see it."""
    rows = [f"row {i}: {_columns(row)}" for i, row in enumerate(block.heat) if row.strip(_RIGHT)]
    spoken = html.escape(f"Entries of {block.name} that differ, counted from 0. {'; '.join(rows)}")
    drawn = "\n".join(" ".join(row) for row in block.heat)
    return (
        f'<div style="margin:0.3em 0"><div><small>{html.escape(_heat_legend(block))}</small></div>'
        f'<pre role="img" aria-label="{spoken}" style="margin:0.2em 0;line-height:1.5">{drawn}</pre></div>'
    )


def _columns(row: str) -> str:
    differ = [j for j, sign in enumerate(row) if sign != _RIGHT]
    return "all" if len(differ) == len(row) else "columns " + ", ".join(map(str, differ))


def _worst(worst: Worst) -> str:
    if not worst.witnesses:
        return f"{worst.yours:g} is not right"
    where = f"[{', '.join(map(str, worst.index))}] " if worst.index else ""
    digits = _telling_digits(worst)
    said = "; ".join(
        f"{name} cannot say (kink)"
        if name == "finite differences" and not np.isfinite(worst.bar)
        else f"{name} {value:.{digits}g}" + (f" ± {worst.bar:.0e}" if name == "finite differences" else "")
        for name, value in worst.witnesses.items()
    )
    return f"{where}at point {worst.point}: yours {worst.yours:.{digits}g}; {said}"


def _telling_digits(worst: Worst) -> int:
    """How many digits show that the numbers differ; six, where those do."""
    expected = next(iter(worst.witnesses.values()))
    return next((n for n in (6, 9, 12) if f"{worst.yours:.{n}g}" != f"{expected:.{n}g}"), 17)


def _sureness(certainty: float) -> str:
    return "Cause" if certainty >= 0.9 else "Likely"
