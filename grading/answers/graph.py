"""Exercises whose answer is a graph: of a computation, or of one that is extended by its gradient.

An answer is judged in three layers, each worth its share: whether it is a graph at all (`form`), whether it computes
the right values and adjoints at fresh points (`values`), and, where the decomposition is prescribed, whether it is the
reference's graph (`structure`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from autodiff.listing import listing
from grading.answers.drawing import Drawing, DrawingError, StepError, read
from grading.answers.judging import Judged
from grading.answers.layers import FORM, STRUCTURE, VALUES, Answer, Benches, NoGraphError, Session
from grading.answers.operations import Meter
from grading.verify.bench import FaultError, benches_of
from grading.verify.drawn import steps
from grading.verify.exercise import Array, Exercise, Point, Sampler, draw
from grading.verify.item import is_number
from grading.verify.plain import plain
from grading.verify.respondent import Handed, Respondent
from grading.verify.verdict import Outcome, Verdict

ACCEPTS = ("identity", "merged", "split")
_SHARES = {FORM: 0.1, VALUES: 0.5, STRUCTURE: 0.4}
_POINTS_OF_STEPS = 6
_LARGEST_REFERENCE = 200  # steps


@dataclass(frozen=True)
class GraphExercise(Judged):
    """Draw the graph of a function: as data, as a picture of `autodiff.show`, or by code that records it.

    Parameters
    ----------
    id : dot-separated name, unique within a sheet
    function : declared once over `xp`, as of an `Exercise`; returns an array, or a tuple of one per output
    inputs : `rng -> {name: array}`; draws one point. The names are those of the graph's inputs
    outputs : names of the outputs, which the statement should give
    wrt : the inputs whose adjoints are compared; all real ones if left out
    prescribed : whether the steps are those of the reference, or any that compute the same
    steps : the reference as somebody would hand it in, where one step is several operations or a gradient's; without
        it, the reference is what the function records
    accepts : differences in the steps that are let pass with a note: "identity" (a node that only passes on),
        "merged" (one step for several of the reference), "split" (several for one)
    shares : what form, values and structure are worth, in any unit; structure counts where steps are prescribed
    show_reference : whether the reference is shown beside a wrong answer; beside a right one it always is
    points, draws, statement, given, hints, limit_s : as of an `Exercise`

    Raises
    ------
    ExerciseError : an inconsistent declaration, or a function that cannot be recorded
    """

    id: str
    function: Callable[..., Any]
    inputs: Sampler
    outputs: tuple[str, ...] = ("f",)
    wrt: tuple[str, ...] = ()
    prescribed: bool = False
    steps: Mapping[str, Any] | None = None
    accepts: tuple[str, ...] = ("identity",)
    points: float = 1.0
    draws: int = 3
    shares: Mapping[str, float] | None = None
    show_reference: bool = False
    statement: str = ""
    given: Mapping[str, Any] | None = None
    hints: tuple[str, ...] = ()
    limit_s: float = 5.0
    asked: tuple[tuple[Exercise, Exercise], ...] = field(init=False, repr=False, compare=False, default=())
    reference: Drawing = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.check_item()
        self._check_fields()
        asked = tuple(self._asked_of(number) for number in range(len(self.outputs)))
        object.__setattr__(self, "asked", asked)
        object.__setattr__(self, "reference", self._referred())

    def judge(self, handed: Handed, respondent: Respondent, seed: int) -> Verdict:
        """The verdict on a graph; never raises because of what was handed in."""
        if handed.kind == "nothing" or handed.type_name == "ellipsis":
            return self.verdict("not attempted", seed)
        answer = Answer(self, handed.kind == "function", respondent)
        if fault := self._drawing_fault(seed):
            return self.verdict("fault", seed, mark=self.points, problem=f"The exercise cannot be judged: {fault}.")
        try:
            answer.at(self._a_point(seed))
        except NoGraphError as none:
            outcome: Outcome = "not attempted" if none.is_blank else "wrong"
            return self._with_hint(self.verdict(outcome, seed, problem=none.problem, causes=none.causes))
        try:
            benches = self._benches(seed)
        except FaultError as fault:
            problem = f"The exercise cannot be judged: {fault}."
            return self.verdict("fault", seed, mark=self.points, problem=problem)
        try:
            return self._with_hint(Session(self, answer, benches, seed).verdict())
        except ModuleNotFoundError as missing:
            advice = f"Run in a terminal: pip install {missing.name}"
            return self.verdict(
                "inconclusive", seed, problem=f"This cannot be checked without {missing.name}. {advice}"
            )

    def fault(self, seed: int) -> str:
        """Why the exercise cannot be judged with this seed; empty if it can."""
        if fault := self._drawing_fault(seed):
            return fault
        try:
            self._benches(seed)
        except FaultError as fault:
            return str(fault)
        return ""

    def _with_hint(self, verdict: Verdict) -> Verdict:
        return replace(verdict, hint=1) if self.hints and verdict.outcome == "wrong" else verdict

    @property
    def worth(self) -> dict[str, float]:
        """What each layer is worth of the marks; together 1."""
        shares = {layer: (self.shares or _SHARES).get(layer, 0.0) for layer in _SHARES}
        if not self.prescribed:
            del shares[STRUCTURE]
        return {layer: share / sum(shares.values()) for layer, share in shares.items()}

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of the inputs, in the function's order."""
        return self.reference.inputs

    def _benches(self, seed: int) -> Benches:
        return [(benches_of(value, seed), benches_of(slope, seed)) for value, slope in self.asked]

    def points_of(self, seed: int) -> list[Point]:
        """A few points of its own for looking at the steps."""
        rngs = [np.random.default_rng([seed, number]) for number in range(_POINTS_OF_STEPS)]
        return [draw(self.asked[0][0], rng) for rng in rngs]

    def _a_point(self, seed: int) -> tuple[Array, ...]:
        return tuple(self.points_of(seed)[0].values())

    def _drawing_fault(self, seed: int) -> str:
        try:
            self.points_of(seed)
        except Exception as error:
            return f"its inputs could not be drawn: {type(error).__name__}: {error}"
        return ""

    # --- the declaration

    def _check_fields(self) -> None:
        if not (isinstance(self.outputs, tuple) and self.outputs and all(isinstance(o, str) for o in self.outputs)):
            raise self.refusal(f"outputs={self.outputs!r} must be a tuple of names, such as ('f',)")
        if len(set(self.outputs)) < len(self.outputs):
            raise self.refusal(f"outputs={self.outputs} names an output twice")
        if unknown := [name for name in self.accepts if name not in ACCEPTS]:
            raise self.refusal(f"accepts names {unknown[0]!r}, which is not one of {', '.join(ACCEPTS)}")
        if unknown := [name for name in self.shares or () if name not in _SHARES]:
            raise self.refusal(f"shares names {unknown[0]!r}, which is not one of {', '.join(_SHARES)}")
        if not all(is_number(share) and share >= 0 for share in (self.shares or {}).values()):
            raise self.refusal("shares must be numbers, zero or more")
        counted = (FORM, VALUES, STRUCTURE) if self.prescribed else (FORM, VALUES)
        if not sum((self.shares or _SHARES).get(layer, 0.0) for layer in counted):
            raise self.refusal("shares must not all be zero")

    def _asked_of(self, number: int) -> tuple[Exercise, Exercise]:
        """The questions behind one output: its value, and its derivatives in the inputs."""
        function = self._output(number)
        common: dict[str, Any] = {"id": self.id, "function": function, "inputs": self.inputs}
        common |= {"draws": self.draws, "limit_s": self.limit_s}
        value = Exercise(**common, asks="value")
        point = draw(value, np.random.default_rng(0))
        wrt = self.wrt or tuple(name for name, array in point.items() if np.asarray(array).dtype.kind == "f")
        is_number = value.value_at(point).shape == ()
        return value, Exercise(**common, asks="gradient" if is_number else "vjp", wrt=wrt)

    def _output(self, number: int) -> Callable[..., Any]:
        """The function's output with that number, alone; it takes `xp` if the function does."""

        def chosen(returned: Any) -> Any:
            if len(self.outputs) == 1:
                return returned
            if not isinstance(returned, tuple) or len(returned) != len(self.outputs):
                raise self.refusal(f"the function has to return a tuple of {', '.join(self.outputs)}")
            return returned[number]

        def over(xp: Any, *args: Any) -> Any:
            return chosen(self.function(xp, *args))

        def plainly(*args: Any) -> Any:
            return chosen(self.function(*args))

        return over if _takes_xp(self.function) else plainly

    def _referred(self) -> Drawing:
        point = draw(self.asked[0][0], np.random.default_rng(0))
        names = tuple(point)
        function = _bound(self.function)
        try:
            if self.steps is None:
                recorded = steps(listing(function, *point.values(), names=names))
                drawing = read(plain(recorded), names, self.outputs, in_order=True)
                drawing = _renamed(drawing, self.outputs)
            else:
                drawing = read(plain(self.steps), names, self.outputs)
            values = drawing.values(tuple(point.values()), Meter())
        except (DrawingError, StepError, TypeError, ValueError) as error:
            raise self.refusal(f"the reference is no graph: {error}") from error
        for name, (value, _) in zip(drawing.outputs, self.asked, strict=True):
            expected = value.value_at(point)
            if np.shape(values[name]) != expected.shape or not np.allclose(values[name], expected, equal_nan=True):
                raise self.refusal(f"the steps of the reference do not compute {name}")
        if len(drawing.steps) > _LARGEST_REFERENCE:
            raise self.refusal(
                f"the reference has {len(drawing.steps)} steps; at most {_LARGEST_REFERENCE} can be drawn"
            )
        return drawing


def _takes_xp(function: Callable[..., Any]) -> bool:
    try:
        return list(inspect.signature(function).parameters)[:1] == ["xp"]
    except (TypeError, ValueError):
        return False


def _bound(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function over NumPy."""
    return (lambda *args: function(np, *args)) if _takes_xp(function) else function


def _renamed(drawing: Drawing, outputs: tuple[str, ...]) -> Drawing:
    """A recorded graph whose outputs are called what the exercise calls them."""
    names = {old: new for old, new in zip(drawing.outputs, outputs, strict=True) if old in drawing.steps}

    def renamed(operand: Any) -> Any:
        return names.get(operand, operand) if isinstance(operand, str) else operand

    new = {names.get(name, name): step.with_operands(renamed) for name, step in drawing.steps.items()}
    written = {names.get(name, name): text for name, text in (drawing.written or {}).items()}
    final = tuple(names.get(name, name) for name in drawing.outputs)
    return replace(drawing, steps=new, outputs=final, written=written)
