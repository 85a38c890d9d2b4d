"""What is known of a graph that was handed in: layer by layer whether it is right, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import replace
from functools import cached_property
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

import autodiff
from grading.answers import kinds, structure
from grading.answers.drawing import Drawing, DrawingError, StepError, read
from grading.answers.kinds import Kinds
from grading.answers.operations import Meter
from grading.answers.pictures import figure, side_by_side
from grading.answers.structure import NO_GRAPH, Finding
from grading.verify.bench import Bench
from grading.verify.catalogue import Observation
from grading.verify.compare import compare
from grading.verify.exercise import Array
from grading.verify.respondent import AnswerError, Form, Reply, Respondent
from grading.verify.scales import common_factor
from grading.verify.verdict import BlockResult, Cause, Figure, Outcome, Verdict

if TYPE_CHECKING:
    from grading.answers.graph import GraphExercise

FORM, VALUES, STRUCTURE = "form", "values", "structure"
Benches = list[tuple[list[Bench], list[Bench]]]  # for each output: of its value, and of its derivatives

_CALLED = {FORM: "well formed", VALUES: "values and adjoints", STRUCTURE: "the prescribed steps"}
_MOST_CAUSES = 4


class NoGraphError(Exception):
    """What was handed in is no graph, or nothing at all."""

    def __init__(self, problem: str, further: tuple[str, ...] = (), is_blank: bool = False) -> None:
        self.problem, self.is_blank = problem, is_blank
        self.causes = tuple(Cause(NO_GRAPH, text, 1.0) for text in further)


class Answer:
    """The graph that was handed in: one for all points as data, of a function what it records at each point."""

    def __init__(self, exercise: GraphExercise, is_function: bool, respondent: Respondent) -> None:
        self._exercise, self._is_function, self._respondent = exercise, is_function, respondent
        self._read: dict[bytes, Drawing] = {}

    def at(self, args: tuple[Array, ...]) -> Drawing:
        """The graph at a point.

        Raises
        ------
        NoGraphError : it is none
        """
        key = b"".join(np.asarray(arg).tobytes() for arg in args) if self._is_function else b""
        if key not in self._read:
            self._read[key] = self._recorded(args) if self._is_function else self._written()
        return self._read[key]

    def _recorded(self, args: tuple[Array, ...]) -> Drawing:
        limit = self._exercise.limit_s
        if not self._read:  # what a function does that is called plainly is easier to understand
            self._refuse(self._respondent.ask(args, limit).error)
        with redirect_stdout(StringIO()):  # what it prints has been seen
            told = self._respondent.tell(args, limit)
        self._refuse(told.error)
        return self._of(told.data, in_order=True)

    def _written(self) -> Drawing:
        told = self._respondent.tell(None, self._exercise.limit_s)
        if told.error is not None and told.error.kind == "type":
            raise NoGraphError(f"Your answer is {told.error.message}.")
        self._refuse(told.error)
        if told.data in (None, "", [], {}) or (isinstance(told.data, dict) and told.data.get("nodes") == []):
            raise NoGraphError("", is_blank=True)
        return self._of(told.data, in_order=False)

    def _of(self, data: Any, in_order: bool) -> Drawing:
        try:
            return read(data, self._exercise.input_names, self._exercise.outputs, in_order)
        except DrawingError as error:
            raise NoGraphError(f"This is no graph yet: {error.flaws[0]}.", error.flaws[1:]) from error

    def _refuse(self, error: AnswerError | None) -> None:
        if error is None or (error.kind == "type" and self._is_function):
            return  # several outputs of different shapes are no array, and need not be one
        if error.kind == "not attempted":
            raise NoGraphError(error.message, is_blank=True)
        if error.kind == "time":
            raise NoGraphError(f"Your function takes too long: {error.message}. Is there a loop that never ends?")
        raise NoGraphError(f"Your function stopped with {error.message}")


# --- the layers ------------------------------------------------------------------------------------------------------


class Session:
    """One graph before its benches."""

    def __init__(self, exercise: GraphExercise, answer: Answer, benches: Benches, seed: int) -> None:
        self.exercise, self.answer, self.benches, self.seed = exercise, answer, benches, seed
        self.drawing = answer.at(benches[0][0][0].question.args)
        self.failed: list[Finding] = []
        self.observed: dict[str, list[Observation]] = {}  # the values of every output, as far as they could be computed

    def verdict(self) -> Verdict:
        """What was found in all layers, and the mark."""
        exercise = self.exercise
        with np.errstate(all="ignore"):
            try:
                blocks, decided = self._values()
            except NoGraphError as none:
                return exercise.verdict("wrong", self.seed, problem=none.problem, causes=none.causes)
            loose = self._form()
            values = sum(block.right for block in blocks) / len(blocks)
            found, accepted = self._structure() if exercise.prescribed or values < 1 else ([], [])
            if not exercise.prescribed:
                accepted = []
                found = [finding for finding in found if finding.mended is not None]
                found = found if self._is_mended_by(found) else []
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
                for bench, blocks in zip(benches, heard, strict=True):
                    decided |= bench.decides and not all(block.right for block in blocks)
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
        compared = compare(bench, reply, point)
        if exercise.asks == "value":
            self.observed.setdefault(output, []).extend(compared.observations)
        return [replace(r, name=n) for r, n in zip(compared.results, names, strict=True)]

    def _note_failure(self, drawing: Drawing, error: StepError) -> None:
        if all(finding.nodes != (error.node,) for finding in self.failed):
            text = f"your {drawing.said(error.node)} cannot be computed: {error}"
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
        try:
            return pullback(bench.question.directions[0] if bench.question.directions else np.ones_like(value))
        except Exception as error:
            raise StepError(drawing.outputs[number], f"no adjoint can be walked back from it: {error}") from error

    # --- structure

    @cached_property
    def known(self) -> Kinds:
        """The kinds of nodes, by fresh points."""
        return Kinds(self.exercise.points_of(self.seed))

    def _structure(self) -> tuple[list[Finding], list[Finding]]:
        """Where the steps are not those of the reference, and where they are not but may be."""
        mine, reference = self.drawing, self.exercise.reference
        if kinds.is_same(mine, reference, self.known):
            return [], []
        in_their_steps, regroupings = structure.regrouped(mine, reference, self.known)
        accepted = [finding for finding in regroupings if finding.sort in self.exercise.accepts]
        found = [finding for finding in regroupings if finding not in accepted]
        if not kinds.is_same(in_their_steps, reference, self.known):
            found += structure.differences(in_their_steps, reference, self.known)
        return [finding.of_own_nodes() for finding in found], accepted

    # --- what is told

    def _told(self, loose: list[Finding], found: list[Finding]) -> list[Finding]:
        """What is said of a graph that is not right, what comes first in it first."""
        astray = set(self.drawing.loose)
        steps = [finding for finding in found if not (finding.sort == "step" and astray.issuperset(finding.nodes))]
        return [*self.failed, *self._no_paths(), *steps, *loose][:_MOST_CAUSES] or self._factors()

    def _factors(self) -> list[Finding]:
        """Outputs that are the same multiple of what they should be at all points."""
        found = []
        for output, seen in self.observed.items():
            times = common_factor(seen)
            if times is not None:
                text = f"{output} is {times:.6g} times what it should be: a factor is missing at some node, or too many"
                found.append(Finding("factor", text, ()))
        return found

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
        parts = []
        for layer, worth in self.exercise.worth.items():
            if not worth:
                continue
            sign = "✓" if earned[layer] == 1 else "✗"
            parts.append(f"{_CALLED[layer]} {sign} {100 * worth * earned[layer]:.0f} of {100 * worth:.0f} %")
        return [", ".join(parts)]

    def _figures(self, right: bool, marked: set[str]) -> tuple[Figure, ...]:
        """The student's picture; the reference's beside it only where that gives nothing away, or is declared."""
        title = "Your graph" if right or not marked else "Your graph; where it differs is marked"
        own = figure(self.drawing, title, () if right else marked)
        if right or self.exercise.show_reference:
            told = "The prescribed graph" if self.exercise.prescribed else "One right graph"
            lacking = self._lacking() if self.exercise.prescribed and not right else ()
            return (side_by_side(own, figure(self.exercise.reference, told, lacking)),)
        return (own,)

    def _lacking(self) -> set[str]:
        """The first nodes of the reference that are not in the graph."""
        mine, theirs = set(self.known.of(self.drawing).values()), self.known.of(self.exercise.reference)
        steps = self.exercise.reference.steps.items()
        missing = {name: step for name, step in steps if theirs[name] not in mine}
        return {name for name, step in missing.items() if missing.keys().isdisjoint(step.names())}


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
