"""Exercises whose answer is a graph: of a computation, or of one that is extended by its gradient.

An answer is judged in three layers, each worth its share: whether it is a graph at all (`form`), whether it computes
the right values and adjoints at fresh points (`values`), and, where the decomposition is prescribed, whether it is the
reference's graph (`structure`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

import autodiff
from autodiff.listing import listing
from grading.answers import structure
from grading.answers.drawing import Drawing, DrawingError, StepError, read
from grading.answers.judging import Judged
from grading.answers.operations import Meter
from grading.answers.pictures import figure, side_by_side
from grading.answers.structure import Finding, Kinds
from grading.verify.bench import Bench, FaultError, benches_of
from grading.verify.compare import compare
from grading.verify.exercise import Array, Exercise, Point, Sampler, draw
from grading.verify.item import is_number
from grading.verify.plain import plain, steps
from grading.verify.respondent import AnswerError, Form, Handed, Reply, Respondent
from grading.verify.verdict import BlockResult, Cause, Figure, Outcome, Verdict

FORM, VALUES, STRUCTURE = "form", "values", "structure"
ACCEPTS = ("identity", "merged", "split")
_SHARES = {FORM: 0.1, VALUES: 0.5, STRUCTURE: 0.4}
_CALLED = {FORM: "well formed", VALUES: "values and adjoints", STRUCTURE: "the prescribed steps"}
_LARGEST_REFERENCE = 200  # steps
_POINTS_OF_KINDS = 6
_MOST_CAUSES = 4


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
        answer = _Answer(self, handed.kind == "function", respondent)
        try:
            answer.at(self._a_point(seed))
        except _NoGraphError as none:
            outcome: Outcome = "not attempted" if none.is_blank else "wrong"
            return self._with_hint(self.verdict(outcome, seed, problem=none.problem, causes=none.causes))
        try:
            benches = self._benches(seed)
        except FaultError as fault:
            problem = f"The exercise cannot be judged: {fault}."
            return self.verdict("fault", seed, mark=self.points, problem=problem)
        return self._with_hint(_Session(self, answer, benches, seed).verdict())

    def fault(self, seed: int) -> str:
        """Why the exercise cannot be judged with this seed; empty if it can."""
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

    def _benches(self, seed: int) -> list[tuple[list[Bench], list[Bench]]]:
        return [(benches_of(value, seed), benches_of(slope, seed)) for value, slope in self.asked]

    def _a_point(self, seed: int) -> tuple[Array, ...]:
        return tuple(draw(self.asked[0][0], np.random.default_rng(seed)).values())

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
            raise self.refusal(f"the reference has {len(drawing.steps)} steps; at most {_LARGEST_REFERENCE} can be drawn")
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


# --- the answer ------------------------------------------------------------------------------------------------------


class _NoGraphError(Exception):
    """What was handed in is no graph, or nothing at all."""

    def __init__(self, problem: str, further: tuple[str, ...] = (), is_blank: bool = False) -> None:
        self.problem, self.is_blank = problem, is_blank
        self.causes = tuple(Cause("no graph", text, 1.0) for text in further)


class _Answer:
    """The graph that was handed in: one for all points as data, of a function what it records at each point."""

    def __init__(self, exercise: GraphExercise, is_function: bool, respondent: Respondent) -> None:
        self._exercise, self._is_function, self._respondent = exercise, is_function, respondent
        self._read: dict[bytes, Drawing] = {}

    def at(self, args: tuple[Array, ...]) -> Drawing:
        """The graph at a point.

        Raises
        ------
        _NoGraphError : it is none
        """
        key = b"".join(np.asarray(arg).tobytes() for arg in args) if self._is_function else b""
        if key not in self._read:
            self._read[key] = self._recorded(args) if self._is_function else self._written()
        return self._read[key]

    def _recorded(self, args: tuple[Array, ...]) -> Drawing:
        limit = self._exercise.limit_s
        if not self._read:  # what a function does that is called plainly is easier to understand
            self._refuse(self._respondent.ask(args, limit).error)
        told = self._respondent.tell(args, limit)
        self._refuse(told.error)
        return self._of(told.data, in_order=True)

    def _written(self) -> Drawing:
        told = self._respondent.tell(None, self._exercise.limit_s)
        if told.error is not None and told.error.kind == "type":
            raise _NoGraphError(f"Your answer is {told.error.message}.")
        self._refuse(told.error)
        if told.data in (None, "", [], {}):
            raise _NoGraphError("", is_blank=True)
        return self._of(told.data, in_order=False)

    def _of(self, data: Any, in_order: bool) -> Drawing:
        try:
            return read(data, self._exercise.input_names, self._exercise.outputs, in_order)
        except DrawingError as error:
            raise _NoGraphError(f"This is no graph yet: {error.flaws[0]}.", error.flaws[1:]) from error

    def _refuse(self, error: AnswerError | None) -> None:
        if error is None or (error.kind == "type" and self._is_function):
            return  # several outputs of different shapes are no array, and need not be one
        if error.kind == "not attempted":
            raise _NoGraphError(error.message, is_blank=True)
        if error.kind == "time":
            raise _NoGraphError(f"Your function takes too long: {error.message}. Is there a loop that never ends?")
        raise _NoGraphError(f"Your function stopped with {error.message}")


# --- the layers ------------------------------------------------------------------------------------------------------


class _Session:
    """One graph before its benches."""

    def __init__(
        self, exercise: GraphExercise, answer: _Answer, benches: list[tuple[list[Bench], list[Bench]]], seed: int
    ) -> None:
        self.exercise, self.answer, self.benches, self.seed = exercise, answer, benches, seed
        self.drawing = answer.at(benches[0][0][0].question.args)
        self.failed: list[Finding] = []

    def verdict(self) -> Verdict:
        """What was found in all layers, and the mark."""
        exercise = self.exercise
        with np.errstate(all="ignore"):
            try:
                blocks, decided = self._values()
            except _NoGraphError as none:
                return exercise.verdict("wrong", self.seed, problem=none.problem, causes=none.causes)
            loose = self._form()
            values = sum(block.right for block in blocks) / len(blocks)
            found, accepted = self._structure() if exercise.prescribed or values < 1 else ([], [])
            if not exercise.prescribed and not self._is_mended_by(found):
                found = []
        earned = {FORM: float(not loose), VALUES: values, STRUCTURE: float(not found)}
        share = sum(worth * earned[layer] for layer, worth in exercise.worth.items())
        right = not loose and values == 1 and not found
        outcome: Outcome = "right" if right else "wrong" if decided or values == 1 else "inconclusive"
        told = [] if right else self._told(loose, found)
        return exercise.verdict(
            outcome,
            self.seed,
            mark=float(exercise.points if right else exercise.points * min(share, 1.0)),
            blocks=blocks,
            causes=tuple(Cause(finding.sort, f"{finding.text}.", 1.0) for finding in told),
            notes=(*(f"{finding.text}; here that is accepted" for finding in accepted), *self._tally(earned, right)),
            witnesses=tuple(said.witness for said in self.benches[0][1][0].witnesses),
            draws=exercise.draws,
            figures=self._figures(right, {name for finding in told for name in finding.nodes}),
        )

    def _form(self) -> list[Finding]:
        text = "your {} leads nowhere: no output is made from it"
        return [Finding("loose", text.format(self.drawing.said(name)), (name,)) for name in self.drawing.loose]

    # --- values and adjoints

    def _values(self) -> tuple[tuple[BlockResult, ...], bool]:
        """A result per output, and per adjoint of an input; and whether what is wrong was decided by two witnesses."""
        results: list[BlockResult] = []
        decided = False
        for number, (values, slopes) in enumerate(self.benches):
            for benches, work_out in ((values, self._value), (slopes, self._adjoints)):
                heard = [self._compared(bench, number, n, work_out) for n, bench in enumerate(benches, 1)]
                decided |= any(bench.decides and not all(r.right for r in h) for bench, h in zip(benches, heard, strict=True))
                results += [_worst(block) for block in zip(*heard, strict=True)]
        return tuple(results), decided

    def _compared(self, bench: Bench, number: int, point: int, work_out: Any) -> list[BlockResult]:
        output, exercise = self.exercise.outputs[number], bench.question.exercise
        names = [f"∂{output}/∂{name}" for name in exercise.wrt] if exercise.asks != "value" else [output]
        drawing = self.answer.at(tuple(bench.question.point.values()))
        try:
            reply = _reply(bench, work_out(drawing, bench, number))
        except StepError as error:
            self._note_failure(drawing, error)
            shapes = [np.shape(block) for block in bench.expected]
            return [BlockResult(n, False, s, problem="not computed") for n, s in zip(names, shapes, strict=True)]
        return [replace(r, name=n) for r, n in zip(compare(bench, reply, point).results, names, strict=True)]

    def _note_failure(self, drawing: Drawing, error: StepError) -> None:
        text = f"your {drawing.said(error.node)} cannot be computed: {error}"
        if all(text != finding.text for finding in self.failed):
            self.failed.append(Finding("failed", text, (error.node,)))

    def _value(self, drawing: Drawing, bench: Bench, number: int) -> tuple[Any, ...]:
        return (drawing.values(tuple(bench.question.point.values()), Meter())[drawing.outputs[number]],)

    def _adjoints(self, drawing: Drawing, bench: Bench, number: int) -> tuple[Any, ...]:
        """The walk back over the graph, by autodiff."""
        point, wrt = bench.question.point, bench.question.exercise.wrt

        def output(*primals: Any) -> Any:
            moved = point | dict(zip(wrt, primals, strict=True))
            return drawing.values(tuple(moved.values()), Meter())[drawing.outputs[number]]

        value, pullback = autodiff.vjp(output, *bench.question.primals)
        shape = bench.question.exercise.value_at(point).shape
        if np.shape(value) != shape:
            raise StepError(drawing.outputs[number], f"its shape is {np.shape(value)}, and {shape} is asked for")
        return pullback(bench.question.directions[0] if bench.question.directions else np.ones_like(value))

    # --- structure

    @cached_property
    def kinds(self) -> Kinds:
        """The kinds of nodes, by fresh points."""
        question = self.exercise.asked[0][0]
        points: list[Point] = [draw(question, np.random.default_rng([self.seed, k])) for k in range(_POINTS_OF_KINDS)]
        return Kinds(points)

    def _structure(self) -> tuple[list[Finding], list[Finding]]:
        """Where the steps are not those of the reference, and where they are not but may be."""
        mine, reference = self.drawing, self.exercise.reference
        if structure.is_same(mine, reference, self.kinds):
            return [], []
        in_their_steps, regroupings = structure.regrouped(mine, reference, self.kinds)
        accepted = [finding for finding in regroupings if finding.sort in self.exercise.accepts]
        found = [finding for finding in regroupings if finding not in accepted]
        if not structure.is_same(in_their_steps, reference, self.kinds):
            found += structure.differences(in_their_steps, reference, self.kinds)
        return found, accepted

    # --- what is told

    def _told(self, loose: list[Finding], found: list[Finding]) -> list[Finding]:
        """What is said of a graph that is not right, what comes first in it first."""
        astray = set(self.drawing.loose)
        steps = [finding for finding in found if not (finding.sort == "step" and astray.issuperset(finding.nodes))]
        return [*self.failed, *self._no_paths(), *steps, *loose][:_MOST_CAUSES]

    def _is_mended_by(self, found: list[Finding]) -> bool:
        """Whether the graph computes the right values with other steps where they are found to be wrong."""
        mended = {finding.nodes[0]: finding.mended for finding in found if finding.mended is not None}
        drawing = replace(self.drawing, steps=self.drawing.steps | mended)
        try:
            for number, (values, _) in enumerate(self.benches):
                for point, bench in enumerate(values, 1):
                    reply = _reply(bench, self._value(drawing, bench, number))
                    if not compare(bench, reply, point).is_right:
                        return False
        except StepError:
            return False
        return True

    def _no_paths(self) -> list[Finding]:
        """Inputs from which a path should lead to an output, and none does."""
        missing = []
        pairs = zip(self.exercise.outputs, self.drawing.outputs, self.exercise.reference.outputs, strict=True)
        for name, mine, theirs in pairs:
            there, here = _above(self.exercise.reference, theirs), _above(self.drawing, mine)
            for source in self.exercise.input_names:
                if source in there - here:
                    missing.append(Finding("path", f"there is no path from {source} to {name}", ()))
        return missing

    def _tally(self, earned: Mapping[str, float], right: bool) -> list[str]:
        if right:
            return []
        parts = [
            f"{_CALLED[layer]} {'✓' if earned[layer] == 1 else '✗'} {100 * worth * earned[layer]:.0f} of {100 * worth:.0f} %"
            for layer, worth in self.exercise.worth.items()
        ]
        return [", ".join(parts)]

    def _figures(self, right: bool, marked: set[str]) -> tuple[Figure, ...]:
        """The student's picture; the reference's beside it only where that gives nothing away, or is declared."""
        title = "Your graph" if right or not marked else "Your graph; where it differs is marked"
        own = figure(self.drawing, title, () if right else marked)
        if right or self.exercise.show_reference:
            told = "The prescribed graph" if self.exercise.prescribed else "One right graph"
            return (side_by_side(own, figure(self.exercise.reference, told)),)
        return (own,)


def _reply(bench: Bench, arrays: tuple[Any, ...]) -> Reply:
    """Arrays that were worked out here, as a reply to be compared."""
    values = tuple(np.asarray(array, dtype=np.float64) for array in arrays)
    return Reply(values, bench.question.args, Form("tuple", tuple("float64" for _ in values)), None, 0.0)


def _worst(results: tuple[BlockResult, ...]) -> BlockResult:
    """Of one block's results at all points the first that is wrong."""
    return next((result for result in results if not result.right), results[0])


def _above(drawing: Drawing, output: str) -> set[str]:
    """All that a node is made from."""
    found = {output}
    for name in reversed(drawing.steps):
        if name in found:
            found.update(drawing.steps[name].names())
    return found
