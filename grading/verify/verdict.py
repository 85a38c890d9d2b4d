"""The verdict on one answer, and how it reads: as text, as HTML, as JSON."""

from __future__ import annotations

import html
import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from grading.verify.layout import Map, Table, aligned
from grading.verify.oracles import DIFFERENCES

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


@dataclass(frozen=True)
class Cause:
    """A mistake that reproduces the student's numbers: a short name, what it is and how to mend it, and how sure."""

    label: str
    text: str
    certainty: float


@dataclass(frozen=True)
class Worst:
    """The entry that is furthest off, at the point where it is.

    `witnesses` is empty where the numbers themselves are the answer: a verdict never gives the answer away. `kind` says
    what is special about the point, `inputs` what the inputs are there, for whoever reckons it out by hand.
    """

    index: tuple[int, ...]
    point: int
    yours: float
    witnesses: dict[str, float]
    bar: float
    kind: str = ""
    inputs: str = ""


@dataclass(frozen=True)
class BlockResult:
    """One array of the answer: whether it is right, and if not, how it differs.

    `where` names the entries that differ, where they are few; `heat` has a line per row of a matrix, and in it a sign
    per entry: how far off each of them is.
    """

    name: str
    right: bool
    shape: tuple[int, ...]
    entries: int = 0
    differ: int = 0
    problem: str = ""
    worst: Worst | None = None
    heat: tuple[str, ...] = ()
    where: str = ""

    def line(self) -> str:
        """What there is to say about this array in one line; nothing of a single number beyond the number itself."""
        if self.right:
            return f"{self.name}: right, shape {self.shape}"
        if self.problem:
            return f"{self.name}: {self.problem}"
        if self.shape == ():
            return f"{self.name}: {self.worst.yours:g} is not right" if self.worst and not self.worst.witnesses else ""
        several = f"all {self.entries} entries differ" if self.entries > 1 else "its one entry differs"
        some = f"{self.differ} of {self.entries} entries differ"
        said = several if self.differ == self.entries else some + (f": {self.where}" if self.where else "")
        return f"{self.name}: shape {self.shape} is right; {said}"


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
    known : one line each, on arrays that are wrong and for which no mistake was found
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
    known: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    witnesses: tuple[str, ...] = ()
    hint: int = 0
    draws: int = field(default=0, compare=False)
    figures: tuple[Figure, ...] = ()
    wording: str = ""

    def headline(self) -> str:
        """Outcome, mark, and what is right already, in one line."""
        unit = "point" if self.points == 1 else "points"
        marks = f", {self.mark:g} of {self.points:g} {unit}" if self.points else ""
        said = f"{_SIGNS[self.outcome]} {self.wording or _HEADLINES[self.outcome]}: {self.exercise}{marks}"
        return f"{said}. {standing}" if (standing := self.standing()) else said

    def standing(self) -> str:
        """Which arrays are right already, in one sentence; nothing if none is, or if there is nothing else to say."""
        right = [block.name for block in self.blocks if block.right]
        if not right or self.outcome not in ("wrong", "inconclusive"):
            return ""
        if len(right) == len(self.blocks):
            return "The values are right."
        return f"{_listed(right)} {'is' if len(right) == 1 else 'are'} right."

    def details(self) -> list[str]:
        """Everything else that is said in sentences, a line each."""
        return [*self._found(), *self._advice()]

    def _found(self) -> list[str]:
        """What is wrong, and why."""
        lines = [self.problem] if self.problem else []
        lines += [f"{_sureness(cause.certainty)}: {cause.text}" for cause in self.causes]
        lines += [f"Known: {known}" for known in self.known]
        if self.outcome in ("wrong", "inconclusive"):
            lines += self._on_blocks()
        return lines

    def _on_blocks(self) -> list[str]:
        """A line per array that is wrong; one line for all those of which no entry is right."""
        wrong = [block for block in self.blocks if not block.right]
        all_wrong = [block.name for block in wrong if block.entries > 1 and block.differ == block.entries]
        if len(all_wrong) < 2:
            all_wrong = []
        lines = [block.line() for block in wrong if block.name not in all_wrong]
        together = [f"{_listed(all_wrong)}: the shapes are right; all entries differ"] if all_wrong else []
        return [line for line in (*together, *lines) if line]

    def _advice(self) -> list[str]:
        """What else to know, and what to do next."""
        lines = [f"Note: {note}" for note in self.notes]
        return [*lines, f'Next: hint("{self.exercise}", {self.hint})'] if self.hint else lines

    def maps(self) -> list[BlockResult]:
        """The matrices of which some entries are wrong, and not so many that a map of them could not be read."""
        return [block for block in self.blocks if block.heat] if self.outcome in ("wrong", "inconclusive") else []

    def tables(self) -> list[Table]:
        """The entries that are furthest off, beside what the witnesses say: a table per point at which they are."""
        if self.outcome not in ("wrong", "inconclusive"):
            return []
        told = [(block.name, block.worst) for block in self.blocks if block.worst and block.worst.witnesses]
        points = sorted({worst.point for _, worst in told})
        return [self._table([pair for pair in told if pair[1].point == point]) for point in points]

    def _table(self, told: list[tuple[str, Worst]]) -> Table:
        """A column per array; the name of a single one stands above the table."""
        worst = told[0][1]
        columns = [_column(worst) for _, worst in told]
        rows = tuple((name, tuple(column.get(name, "") for column in columns)) for name in columns[0])
        place = f"at point {worst.point}" + (f" of {self.draws}" if self.draws else "")
        place += f" ({worst.kind})" if worst.kind else ""
        if self.seed is not None and worst.inputs:  # or else the points are not to be known
            place += f", with {worst.inputs}"
        heads = tuple(_entry(*pair) for pair in told)
        if len(heads) > 1:
            return Table(f"Furthest off {place}", heads, rows)
        return Table(f"{f'Furthest off: {heads[0]}' if worst.index else f'For {heads[0]}'} {place}", ("",), rows)

    def text(self) -> str:
        """The verdict as plain text."""
        lines = [self.headline()]
        for said, shown in self._parts():
            lines.append(f"  {said}:" if shown else f"  {said}")
            lines += [f"    {line}" for line in (shown.text() if shown else ())]
        lines += [f"  {line}" for figure in self.figures for line in figure.text.splitlines()]
        basis = self._basis()
        return "\n".join([*lines, f"  {basis}"] if basis else lines)

    def html(self) -> str:
        """The verdict as HTML that survives an untrusted notebook: no script, no style sheet, no colour needed."""
        items = "".join(f"<li>{html.escape(said)}{shown.html() if shown else ''}</li>" for said, shown in self._parts())
        basis, edge = self._basis(), f"border-left:4px solid {_COLOURS[self.outcome]}"
        return (
            f'<div role="status" style="{edge};padding:0.2em 0.8em;margin:0.3em 0;overflow-wrap:break-word">'
            f"<div><strong>{html.escape(self.headline())}</strong></div>"
            + (f'<ul style="margin:0.3em 0">{items}</ul>' if items else "")
            + "".join(figure.html for figure in self.figures)
            + (f"<div><small>{html.escape(basis)}</small></div>" if basis else "")
            + "</div>"
        )

    def _parts(self) -> list[tuple[str, Table | Map | None]]:
        """The sentences in their order, each with what is shown below it."""
        parts: list[tuple[str, Table | Map | None]] = [(said, None) for said in self._found()]
        parts += [(table.caption, table) for table in self.tables()]
        drawn = (Map(block.name, block.heat, is_told=bool(block.where)) for block in self.maps())
        parts += [(each.legend(), each) for each in drawn]
        return parts + [(said, None) for said in self._advice()]

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
                "known": tuple(data.get("known", ())),
                "notes": tuple(data["notes"]),
                "witnesses": tuple(data["witnesses"]),
                "figures": tuple(Figure(**figure) for figure in data.get("figures", ())),
            }
        )

    def _basis(self) -> str:
        """What the verdict rests on, and how to get it again."""
        if not self.blocks:
            return f"Reproduce with seed {self.seed}" if self.draws and self.problem and self.seed is not None else ""
        where = "one point" if self.draws == 1 else f"{self.draws} points"
        basis = f"at {where}, against {', '.join(self.witnesses)}"
        return f"Checked {basis}" if self.seed is None else f"Public checks {basis}; seed {self.seed}"


def _block(data: dict[str, Any]) -> BlockResult:
    worst = data["worst"]
    if worst is not None:
        worst = Worst(**worst | {"index": tuple(worst["index"])})
    heat = tuple(data.get("heat", ()))
    return BlockResult(**data | {"shape": tuple(data["shape"]), "worst": worst, "heat": heat})


def _entry(name: str, worst: Worst) -> str:
    return f"entry {list(worst.index)} of {name}" if worst.index else name


def _column(worst: Worst) -> dict[str, str]:
    """What is said of one entry, by who says it."""
    said = dict(zip(("yours", *worst.witnesses), aligned([worst.yours, *worst.witnesses.values()]), strict=True))
    if DIFFERENCES in said:
        is_kink = not math.isfinite(worst.bar)
        said[DIFFERENCES] = "cannot say (kink)" if is_kink else f"{said[DIFFERENCES]} ± {worst.bar:.1g}"
    return said


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _sureness(certainty: float) -> str:
    return "Cause" if certainty >= 0.9 else "Likely"
