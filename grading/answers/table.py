"""Answers that are tables: the values, tangents and adjoints of an evaluation, row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Literal

import numpy as np

from autodiff.tape import RefusalError
from grading.answers.cells import FormError, read
from grading.answers.judging import Judged
from grading.answers.paper import Column, Paper, Place, Status
from grading.answers.rounding import Rounding
from grading.answers.slips import explain
from grading.answers.trace import Numbers, Trace, bound, declared, recorded, takes_xp
from grading.answers.written import figure
from grading.verify import Exercise
from grading.verify.item import ExerciseError, is_number
from grading.verify.judge import fault_of
from grading.verify.respondent import Handed, Respondent
from grading.verify.verdict import Cause, Outcome, Verdict

_MOST_DECIMALS = 12
_MOST_ROWS = 200
_MOST_EXPLAINED = 6  # places


@dataclass(frozen=True)
class Asked:
    """What a column is to hold; made by `tangent` and `adjoint`, and `VALUE`."""

    kind: Literal["value", "tangent", "adjoint"]
    direction: Mapping[str, float] | None = None
    output: int | str = 0


VALUE = Asked("value")


def tangent(**direction: float) -> Asked:
    """Tangents when the inputs move like this: `tangent(x2=1)` are the derivatives of every row in x2."""
    return Asked("tangent", direction=direction)


def adjoint(output: int | str = 0) -> Asked:
    """Adjoints of an output, by its number from 0 or by the name of its row: the derivatives of it in every row."""
    return Asked("adjoint", output=output)


@dataclass(frozen=True)
class TableExercise(Judged):
    """A table of what happens on the way to a function's value, and to its derivatives, filled in by hand.

    Parameters
    ----------
    id, points, statement, hints, limit_s : as of every exercise. Where there is a `statement`, `show(id)` shows it with
        the empty table under it
    given : the point, a number for each input
    function : `(xp, *inputs)` or `(*inputs)` -> a number or a tuple of numbers; its recorded lines are the rows
    rows : names for these lines, in their order (v0, v1, ... if none are given). Or a mapping that prescribes the rows
        one by one, each a function of inputs and rows above it: {"v0": lambda x: x, "v1": lambda xp, v0: xp.exp(v0)}.
        `function` may then be left out; if it is there, its values must be among the rows. Over `xp` PyTorch is a
        witness as well; rows that call NumPy by its name should then not be mixed with rows that take `xp`
    columns : what is asked of every row, by title: `VALUE`, `tangent(x=1)`, `adjoint("v8")`
    decimals : to which numbers are printed
    carried : what a place that is wrong but follows from the student's own rows earns, from 0 to 1

    Raises
    ------
    ExerciseError : an inconsistent declaration, rows that are arrays or are not finite at the point
    """

    id: str
    given: Mapping[str, Any]
    function: Callable[..., Any] | None = None
    rows: Mapping[str, Callable[..., Any]] | tuple[str, ...] = ()
    columns: Mapping[str, Asked] = field(default_factory=lambda: {"value": VALUE})
    decimals: int = 3
    points: float = 1.0
    carried: float = 1.0
    statement: str = ""
    hints: tuple[str, ...] = ()
    limit_s: float = 5.0

    def __post_init__(self) -> None:
        self.check_item()
        _check_fields(self)
        try:
            with np.errstate(all="ignore"):  # what is not finite is refused by name
                titled = self.titled
        except (ValueError, RefusalError) as error:
            raise self.refusal(str(error)) from error
        except Exception as error:
            raise self.refusal(f"the rows fail at the given point: {type(error).__name__}: {error}") from error
        _check_table(self, titled)

    @cached_property
    def trace(self) -> Trace:
        """The rows with their values."""
        inputs = {name: float(value) for name, value in self.given.items()}
        if not isinstance(self.rows, Mapping):
            if self.function is None:
                raise ValueError("declare a function, or rows one by one")
            return recorded(self.function, inputs, self.rows)
        trace = declared(self.rows, inputs)
        return trace if self.function is None else _with_outputs(trace, self.function)

    @cached_property
    def titled(self) -> dict[str, Column]:
        """The columns with their true numbers, by title."""
        return {title: self._column(title, asked) for title, asked in self.columns.items()}

    @property
    def shown(self) -> str:
        """The statement with the table to be filled in; empty where the notebook's own text has it."""
        if not self.statement:
            return ""
        head = ["row", "is", *self.columns]
        rows = [[row.name, f"`{row.what}`", *(" " for _ in self.columns)] for row in self.trace.rows]
        lines = [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
        return "\n".join([self.statement, "", *lines])

    def _column(self, title: str, asked: Asked) -> Column:
        trace = self.trace
        if asked.kind == "value":
            return Column(title, "value", trace.values)
        if asked.kind == "tangent":
            direction = asked.direction or {}
            if unknown := [name for name in direction if name not in trace.inputs]:
                raise ValueError(f"column '{title}': '{unknown[0]}' is no input; they are {', '.join(trace.inputs)}")
            return Column(title, "tangent", trace.tangents(direction))
        output = asked.output
        if isinstance(output, int):
            if not 0 <= output < len(trace.outputs):
                raise ValueError(f"column '{title}': there are {len(trace.outputs)} outputs, counted from 0")
            output = trace.outputs[output]
        if output not in [row.name for row in trace.rows]:
            raise ValueError(f"column '{title}': there is no row '{output}'")
        return Column(title, "adjoint", trace.adjoints(output), output)

    def fault(self, seed: int) -> str:
        """Why the table cannot be judged: the witnesses do not agree on the Jacobian that it leads to."""

        def ends(xp: Any, *inputs: Any) -> Any:
            return xp.stack([_at_rows(self, xp, inputs)[name] for name in self.trace.outputs])

        given = {name: float(value) for name, value in self.given.items()}
        function = ends if self._takes_xp else partial(ends, np)
        try:
            return fault_of(Exercise(self.id, function, given=given, wrt=tuple(given), asks="jacobian"), seed)
        except ExerciseError as error:
            return str(error)

    @property
    def _takes_xp(self) -> bool:
        """Whether PyTorch can be a witness: the function, or else some row, is written over an array namespace."""
        rows = self.rows.values() if isinstance(self.rows, Mapping) else ()
        return any(map(takes_xp, rows if self.function is None else [self.function]))

    def judge(self, handed: Handed, respondent: Respondent, seed: int) -> Verdict:
        """Every place is right, follows from the student's own rows, or is wrong; each is worth as much."""
        if handed.kind == "nothing":
            return self.verdict("not attempted", seed)
        if handed.kind == "function":
            problem = "The answer is a function; hand in the table itself, with a number in every place."
            return self.verdict("wrong", seed, problem=problem)
        told = respondent.tell(None, self.limit_s)
        if told.error is not None:
            said = told.error.message or "not there yet"
            is_form = told.error.kind == "type"
            return self.verdict(
                "wrong", seed, problem=f"Your table {'is' if is_form else 'could not be read:'} {said}."
            )
        try:
            cells, notes = read(told.data, [row.name for row in self.trace.rows], list(self.columns))
        except FormError as error:
            return self.verdict("wrong", seed, problem=str(error), hint=self._hint)
        with np.errstate(all="ignore"):  # numbers that a slip led to may overflow
            return self._judged(Paper(self.trace, self.titled, Rounding(self.decimals), cells), notes, seed)

    @property
    def _hint(self) -> int:
        return 1 if self.hints else 0

    def _judged(self, paper: Paper, notes: list[str], seed: int) -> Verdict:
        said = list(paper.status.values())
        if all(status == "not attempted" for status in said):
            return self.verdict("not attempted", seed)
        if fault := self.fault(seed):
            problem = f"The exercise cannot be judged: {fault}."
            return self.verdict("fault", seed, mark=float(self.points), problem=problem)
        worth: dict[Status, float] = {"right": 1.0, "follows": self.carried}
        share = sum(worth.get(status, 0.0) for status in said) / len(said)
        outcome: Outcome = "right" if all(status == "right" for status in said) else "wrong"
        wrong = [place for place in paper.order() if paper.status[place] == "wrong"]
        return self.verdict(
            outcome,
            seed,
            mark=float(self.points * share),
            problem=_problem(paper, wrong[0]) if wrong else "",
            causes=_causes(paper, wrong),
            notes=(*notes, *_notes(paper, self.carried)),
            hint=self._hint if outcome == "wrong" else 0,
            figures=(figure(paper),),
        )


def _problem(paper: Paper, place: Place) -> str:
    """The first row that is wrong, what it is, and what of the student's own it was compared with."""
    column, row = paper.columns[place[0]], paper.rows[place[1]]
    cell = paper.cells[place]
    if cell.number is None:
        return f"{column.of(row.name)} is {cell.shown}; a number is asked for there."
    numbers = [(name, paper.cells[title, name].number) for title, name in paper.needs(column, row)]
    own = " and ".join(f"{name} = {number:.12g}" for name, number in numbers if number is not None)
    if column.kind != "value" and own:
        own = f"{column.kind}{'s' if ' and ' in own else ''} {own}"
    what = f"{row.name} = {row.what}"
    if column.kind != "value":
        used = ", ".join(dict.fromkeys(child.name for child, _ in paper.trace.uses[row.name])) or "no other row"
        what = f"{column.of(row.name)} ({what if column.kind == 'tangent' else f'used in {used}'})"
    return f"{what}: {f'with your {own} the number' if own else 'your number'} {cell.shown} does not follow."


def _causes(paper: Paper, wrong: list[Place]) -> tuple[Cause, ...]:
    """The mistakes behind wrong places: behind the first of each column, then behind the next ones."""
    first = {title: place for place in reversed(wrong) for title in [place[0]]}
    looked_at = dict.fromkeys([*(place for place in wrong if first[place[0]] == place), *wrong])
    return tuple(cause for place in list(looked_at)[:_MOST_EXPLAINED] for cause in explain(paper, place))


def _notes(paper: Paper, carried: float) -> list[str]:
    """What is carried on from a slip, and what is not there."""
    earned = "the slip costs nothing there" if carried == 1 else f"that earns {carried:.0%} of their marks"
    notes = []
    for title in paper.columns:
        by_status: dict[Status, list[str]] = {}
        for name in paper.rows:
            by_status.setdefault(paper.status[title, name], []).append(name)
        if following := by_status.get("follows"):
            notes.append(f"{title}: from your own rows {', '.join(following)} would be right; {earned}")
        if idle := by_status.get("idle"):
            notes.append(
                f"{title}: what comes of a wrong 0 is 0 whatever one does; it earns nothing in {', '.join(idle)}"
            )
        if absent := by_status.get("not attempted"):
            notes.append(f"{title}: not attempted{'' if len(absent) == len(paper.rows) else ' ' + ', '.join(absent)}")
    return notes


def _at_rows(exercise: TableExercise, xp: Any, inputs: tuple[Any, ...]) -> dict[str, Any]:
    """The outputs by name, over an array namespace."""
    if exercise.function is not None:
        values = bound(exercise.function, xp)(*inputs)
        return dict(zip(exercise.trace.outputs, values if isinstance(values, tuple | list) else (values,), strict=True))
    assert isinstance(exercise.rows, Mapping)
    found = dict(zip(exercise.given, inputs, strict=True))
    for row, function in zip(exercise.trace.rows, exercise.rows.values(), strict=True):
        found[row.name] = bound(function, xp)(*(found[p] for p in row.parents))
    return found


def _with_outputs(trace: Trace, function: Callable[..., Any]) -> Trace:
    """A trace whose outputs are the rows that have a function's values, at the point and beside it.

    Raises
    ------
    ValueError : no row has one of the function's values
    """
    rng = np.random.default_rng(0)
    points: list[Numbers] = [trace.inputs]
    points += [{name: x + 0.01 * rng.uniform(0.5, 1.0) for name, x in trace.inputs.items()} for _ in range(2)]
    returned = [bound(function)(*map(np.float64, point.values())) for point in points]
    wanted = [values if isinstance(values, tuple | list) else (values,) for values in returned]
    tables = [trace.at(point) for point in points]
    outputs = []
    for number in range(len(wanted[0])):
        ends = [float(values[number]) for values in wanted]
        fitting = [
            row.name
            for row in trace.rows
            if np.allclose([table[row.name] for table in tables], ends, rtol=1e-12, atol=1e-300)
        ]
        if not fitting:
            raise ValueError(f"no row has the value of the function's output {number}; the rows compute something else")
        outputs.append(fitting[-1])
    return Trace(trace.inputs, trace.rows, tuple(outputs))


def _check_fields(exercise: TableExercise) -> None:
    refuse = exercise.refusal
    if not exercise.given or not all(map(_is_finite_number, exercise.given.values())):
        raise refuse("given must have a finite number for each input")
    if type(exercise.decimals) is not int or not 0 <= exercise.decimals <= _MOST_DECIMALS:
        raise refuse(f"decimals={exercise.decimals!r} must be a whole number from 0 to {_MOST_DECIMALS}")
    if not (is_number(exercise.carried) and 0 <= exercise.carried <= 1):
        raise refuse(f"carried={exercise.carried!r} must be a number from 0 to 1")
    if not (is_number(exercise.limit_s) and exercise.limit_s > 0):
        raise refuse(f"limit_s={exercise.limit_s!r} must be a number of seconds above zero")
    if (
        not isinstance(exercise.columns, Mapping)
        or not exercise.columns
        or not all(isinstance(asked, Asked) for asked in exercise.columns.values())
    ):
        raise refuse("columns must be VALUE, tangent(...) or adjoint(...), each by a title")
    if [asked.kind for asked in exercise.columns.values()].count("value") > 1:
        raise refuse("there are two columns of values")


def _is_finite_number(value: Any) -> bool:
    return np.ndim(value) == 0 and np.asarray(value).dtype.kind in "iuf" and bool(np.isfinite(value))


def _check_table(exercise: TableExercise, titled: dict[str, Column]) -> None:
    refuse = exercise.refusal
    names = [row.name for row in exercise.trace.rows]
    if len(set(names)) < len(names) or set(names) & set(titled):
        raise refuse("two rows, or a row and a column, have the same name")
    if len(names) > _MOST_ROWS:
        raise refuse(f"{len(names)} rows are too many to be filled in by hand")
    for column in titled.values():
        for name in names:
            if not np.isfinite(column.true[name]):
                raise refuse(f"{column.of(name)} is not finite at the given point")
