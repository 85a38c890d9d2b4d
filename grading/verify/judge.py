"""The judge: puts an answer beside the witnesses at fresh points and says what it found."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grading.verify import contract
from grading.verify.diagnose import Diagnosis, Observation, diagnose, when_it_fails
from grading.verify.exercise import Array, Exercise
from grading.verify.oracles import (
    Blocks,
    Testimony,
    autodiff_witness,
    difference_witness,
    tolerance,
    torch_witness,
)
from grading.verify.respondent import Handed, HomeRespondent, Reply, Respondent
from grading.verify.sampling import Question, edge_question, fresh_question
from grading.verify.verdict import BlockResult, Cause, Outcome, Verdict, Worst

_REDRAWS = 5  # at most so often is a point replaced at which the function has no derivative
_BARS = 10  # witnesses contradict each other if they are further apart than this many error bars
_BREACH_SHARE = 0.5  # what right values are worth if the function does something it must not do besides


def verify(exercise: Exercise, answer: Any, seed: int | None = None) -> Verdict:
    """Judge an answer: a function of the exercise's inputs, or the numbers themselves where the exercise gives a point.

    Parameters
    ----------
    exercise : what is asked
    answer : called as `answer(*inputs)`, in their declared order, with the judge's directions after them; returns an
        array, or a tuple of arrays in the order of `wrt`. None, returning None and NotImplementedError all read as
        "not attempted"
    seed : draws the points; the same seed gives the same verdict. Left out, one is drawn, and the verdict tells it

    Returns
    -------
    Verdict : never raises because of what the answer does
    """
    fresh_seed = secrets.randbits(31) if seed is None else seed
    return judge(exercise, Handed.of(answer), HomeRespondent(answer), fresh_seed)


def judge(exercise: Exercise, handed: Handed, respondent: Respondent, seed: int) -> Verdict:
    """Judge what was handed in, asking whoever answers for it; `verify` is this for an answer in this process."""
    session = _Session(exercise, seed)
    if handed.kind == "nothing":
        return session.verdict("not attempted")
    if (handed.kind == "data") != exercise.is_data:
        wanted = "the numbers themselves" if exercise.is_data else "the function itself, without calling it"
        return session.verdict("wrong", problem=f"The answer is of type {handed.type_name}; hand in {wanted}.")
    try:
        benches = _benches(exercise, seed)
    except _FaultError as fault:
        if _is_blank(exercise, respondent, seed):
            return session.verdict("not attempted")
        return session.verdict("fault", mark=exercise.points, problem=f"The exercise cannot be judged: {fault}.")
    return _examine(session, respondent, benches)


def fault_of(exercise: Exercise, seed: int) -> str:
    """Why an exercise cannot be judged at the points of a seed; empty if it can."""
    try:
        _benches(exercise, seed)
    except _FaultError as fault:
        return str(fault)
    return ""


def _is_blank(exercise: Exercise, respondent: Respondent, seed: int) -> bool:
    """Whether there is no answer at all: a fault costs nobody a point, and should earn none for a blank either.

    Where not even a point can be drawn nobody can be asked, and everybody is taken to have answered.
    """
    try:
        question = fresh_question(exercise, seed, 0)
    except Exception:
        return False
    error = respondent.ask(question.args, exercise.limit_s).error
    return error is not None and error.kind == "not attempted"


class _FaultError(Exception):
    """The exercise cannot be judged: its function fails, or its witnesses contradict each other."""


@dataclass(frozen=True)
class _Bench:
    """Everything known about one point before the answer is heard."""

    question: Question
    witnesses: tuple[Testimony, ...]
    expected: Blocks
    tolerance: Blocks

    @property
    def allowed(self) -> Blocks:
        """How far each entry of an answer may be off: the tolerance, and half a unit of the last digit asked for."""
        decimals = self.question.exercise.decimals
        rounding = 0.0 if decimals is None else 0.5 * 10.0**-decimals
        return tuple(block + rounding for block in self.tolerance)

    @property
    def decides(self) -> bool:
        """Whether two witnesses have something to say here."""
        return sum(said.conclusive for said in self.witnesses) > 1


@dataclass(frozen=True)
class _Session:
    """What every verdict of one examination shares."""

    exercise: Exercise
    seed: int

    def verdict(self, outcome: Outcome, **found: Any) -> Verdict:
        found.setdefault("mark", 0.0)
        return Verdict(self.exercise.id, outcome, points=self.exercise.points, seed=self.seed, **found)


# --- before the answer: points and what the witnesses say there --------------------------------------------------


def _benches(exercise: Exercise, seed: int) -> list[_Bench]:
    """One bench per point. A fresh point at which the function has no derivative is drawn again."""
    draws = 1 if exercise.is_data else exercise.draws
    benches = [_fresh_bench(exercise, seed, number) for number in range(draws)]
    edge = _guarded(exercise, lambda: edge_question(exercise, seed))
    if edge is not None:
        benches.append(_bench(edge))
    for bench in benches:
        _check_agreement(bench)
    return benches


def _fresh_bench(exercise: Exercise, seed: int, number: int) -> _Bench:
    redraws = 1 if exercise.is_data else _REDRAWS
    for redraw in range(redraws):
        question = _guarded(exercise, lambda redraw=redraw: fresh_question(exercise, seed, number, redraw))
        bench = _bench(question)
        if bench.witnesses[-1].conclusive:
            break
    return bench


def _guarded(exercise: Exercise, draw: Any) -> Any:
    try:
        return draw()
    except Exception as error:
        raise _FaultError(f"its inputs could not be drawn: {type(error).__name__}: {error}") from error


def _bench(question: Question) -> _Bench:
    try:
        with np.errstate(all="ignore"):
            heard = (torch_witness(question), autodiff_witness(question), difference_witness(question))
            witnesses = tuple(testimony for testimony in heard if testimony is not None)
            expected = witnesses[0].blocks
            allowed = tolerance(question, expected)
            value = question.exercise.value_at(question.point)
    except Exception as error:
        raise _FaultError(f"a witness fails on it: {type(error).__name__}: {error}") from error
    if not np.all(np.isfinite(value)):
        raise _FaultError("its function has no finite value at a point that was drawn")
    if not all(np.all(np.isfinite(block)) for block in expected):
        raise _FaultError(f"{witnesses[0].witness} finds values that are not finite")
    return _Bench(question, witnesses, expected, allowed)


def _check_agreement(bench: _Bench) -> None:
    """Every conclusive witness must agree with the first one, to the sum of their error bars."""
    first = bench.witnesses[0]
    for other in bench.witnesses[1:]:
        if not other.conclusive:
            continue
        for one, two, bar, slack in zip(first.blocks, other.blocks, other.bars, bench.tolerance, strict=True):
            if one.shape != two.shape or not np.all(np.abs(one - two) <= _BARS * (bar + slack)):
                raise _FaultError(f"{first.witness} and {other.witness} contradict each other")


# --- the answer --------------------------------------------------------------------------------------------------


def _examine(session: _Session, respondent: Respondent, benches: list[_Bench]) -> Verdict:
    exercise = session.exercise
    known = {"witnesses": tuple(said.witness for said in benches[0].witnesses), "draws": len(benches)}
    replies: list[Reply] = []
    silent = 0
    for bench in benches:
        reply = respondent.ask(bench.question.args, exercise.limit_s)
        if reply.error is not None and reply.error.kind != "not attempted":
            causes = _why_it_fails(reply, respondent, benches)
            return session.verdict("wrong", problem=_problem(reply, exercise.is_data), causes=causes, **known)
        silent += reply.error is not None
        replies.append(reply)
    if silent == len(benches):
        return session.verdict("not attempted", problem=replies[0].error.message if replies[0].error else "")
    if silent:
        problem = f"Your function returned nothing at {silent} of {len(benches)} points. Is a `return` missing?"
        return session.verdict("wrong", problem=problem, **known)
    return _weigh(session, respondent, benches, replies, known)


def _why_it_fails(reply: Reply, respondent: Respondent, benches: list[_Bench]) -> tuple[Cause, ...]:
    """What an exception may come from, if the function does work for other inputs."""
    if reply.error is None or reply.error.kind != "raised" or benches[0].question.exercise.is_data:
        return ()
    return when_it_fails([bench.question for bench in benches], _asking(respondent))


def _asking(respondent: Respondent) -> Callable[[Question], Reply]:
    return lambda question: respondent.ask(question.args, question.exercise.limit_s)


def _weigh(
    session: _Session, respondent: Respondent, benches: list[_Bench], replies: list[Reply], known: dict[str, Any]
) -> Verdict:
    exercise = session.exercise
    for bench, reply in zip(benches, replies, strict=True):
        if isinstance(malformed := contract.split_blocks(reply, bench.expected), str):
            return session.verdict(
                "wrong", problem=f"Your function gave another number of results: {malformed}.", **known
            )
    heard = zip(benches, replies, strict=True)
    with np.errstate(all="ignore"):  # the student's numbers may overflow; that is not to end on their screen
        seen = [_compare_point(bench, reply, number) for number, (bench, reply) in enumerate(heard, 1)]
        blocks = tuple(_worst_of(results) for results in zip(*(point.results for point in seen), strict=True))
    breaches = [] if exercise.is_data else _breaches(exercise, respondent, benches, replies)
    mistakes = _diagnosis(seen, blocks, respondent)
    share = sum(block.right for block in blocks) / len(blocks)
    right = share == 1.0 and not breaches
    undecided = share < 1.0 and not breaches and _is_undecided(benches, seen)
    mark = exercise.points * share * (_BREACH_SHARE if breaches else 1.0)
    causes = () if undecided else (*breaches, *mistakes.causes)
    facts = () if undecided else mistakes.known
    notes = sorted({note for point in seen for note in point.notes} | set(_witness_notes(benches))) + list(facts)
    hint = 1 if exercise.hints and share < 1.0 and not undecided else 0
    return session.verdict(
        "right" if right else "inconclusive" if undecided else "wrong",
        mark=float(mark),
        blocks=blocks,
        causes=causes,
        notes=tuple(notes),
        hint=hint,
        **known,
    )


def _is_undecided(benches: list[_Bench], seen: list[_PointResult]) -> bool:
    """Whether values differ, but only where a single witness is left, which is not enough to call them wrong."""
    pairs = [(bench, result) for bench, point in zip(benches, seen, strict=True) for result in point.results]
    return all(result.right or (result.worst is not None and not bench.decides) for bench, result in pairs)


def _problem(reply: Reply, is_data: bool) -> str:
    assert reply.error is not None
    if reply.error.kind == "time":
        return f"Your function takes too long: {reply.error.message}. Is there a loop that never ends?"
    if reply.error.kind == "raised":
        return f"Your function stopped with {reply.error.message}"
    what = "Your answer" if is_data else "What your function returned"
    return f"{what} is {reply.error.message}."


def _witness_notes(benches: list[_Bench]) -> list[str]:
    exercise = benches[0].question.exercise
    names = {said.witness for said in benches[0].witnesses}
    if "PyTorch autograd" in names:
        return []
    reason = "is not installed" if exercise.takes_xp else "is left out, since the function is plain NumPy"
    return [f"PyTorch {reason}; {' and '.join(said.witness for said in benches[0].witnesses)} agree"]


# --- values ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _PointResult:
    results: tuple[BlockResult, ...]
    observations: tuple[Observation, ...]
    notes: tuple[str, ...]


def _compare_point(bench: _Bench, reply: Reply, number: int) -> _PointResult:
    values = contract.split_blocks(reply, bench.expected)
    assert not isinstance(values, str)  # malformed replies were turned away before
    compared = [_compare_block(bench, block, value, number) for block, value in enumerate(values)]
    observations = tuple(_observe(bench, block, value) for block, value in enumerate(values))
    return _PointResult(
        tuple(result for result, _ in compared), observations, tuple(note for _, note in compared if note)
    )


def _observe(bench: _Bench, block: int, value: Array) -> Observation:
    shaped, _ = contract.with_shape(value, bench.expected[block].shape)
    yours = np.asarray(value if shaped is None else shaped, dtype=np.float64)
    return Observation(bench.question, block, yours, bench.expected, bench.allowed[block])


def _compare_block(bench: _Bench, block: int, value: Array, number: int) -> tuple[BlockResult, str]:
    name = bench.question.exercise.block_names[block]
    expected, allowed = bench.expected[block], bench.allowed[block]
    shaped, said = contract.with_shape(value, expected.shape)
    if shaped is None:
        return BlockResult(name, False, expected.shape, problem=said), ""
    note = f"{name}: {said}" if said else ""
    shaped = shaped.astype(np.float64)
    if not np.all(np.isfinite(shaped)):
        bad = int(np.sum(~np.isfinite(shaped)))
        return BlockResult(name, False, expected.shape, problem=f"{bad} of {shaped.size} entries are not finite"), note
    excess = np.abs(shaped - expected) - allowed
    differ = int(np.sum(excess > 0))
    if not differ:
        return BlockResult(name, True, expected.shape, entries=shaped.size), note
    index = tuple(int(axis) for axis in np.unravel_index(np.argmax(excess), expected.shape))
    told = () if bench.question.exercise.is_data else (bench.witnesses[0], bench.witnesses[-1])
    worst = Worst(
        index,
        number,
        float(shaped[index]),
        {said.witness: float(said.blocks[block][index]) for said in told},
        float(bench.witnesses[-1].bars[block][index]),
    )
    return BlockResult(name, False, expected.shape, entries=shaped.size, differ=differ, worst=worst), note


def _worst_of(results: Sequence[BlockResult]) -> BlockResult:
    """Of one block's results at all points the one to tell: the first that is wrong."""
    return next((result for result in results if not result.right), results[0])


def _diagnosis(seen: list[_PointResult], blocks: tuple[BlockResult, ...], respondent: Respondent) -> Diagnosis:
    """Explanations of the blocks that are wrong; the answer may be asked again, to see what it gets right by luck."""
    if all(block.right for block in blocks) or not all(point.observations for point in seen):
        return Diagnosis()
    observed = [[point.observations[number] for point in seen] for number in range(len(blocks))]
    return diagnose(observed, _asking(respondent))


# --- behaviour ---------------------------------------------------------------------------------------------------


def _breaches(exercise: Exercise, respondent: Respondent, benches: list[_Bench], replies: list[Reply]) -> list[Cause]:
    """What the function does that it must not, whatever its values."""
    found = []
    last = "its last argument (the cotangent)"
    directions = [last] if exercise.asks == "vjp" else [f"the tangent of {name}" for name in exercise.wrt]
    names = [*benches[0].question.point, *directions[: len(benches[0].question.directions)]]
    altered: dict[str, None] = {}
    for bench, reply in zip(benches, replies, strict=True):
        altered |= dict.fromkeys(contract.changed_arguments(bench.question.args, reply.args_after, names))
    if altered:
        found.append(contract.changes_arguments(list(altered)))
    again = respondent.ask(benches[0].question.args, exercise.limit_s)
    if not contract.same_values(again.values, replies[0].values):
        found.append(contract.TWO_CALLS_DISAGREE)
    elif any(not contract.same_values(respondent.reread(n), reply.values) for n, reply in enumerate(replies)):
        found.append(contract.OVERWRITES_EARLIER)
    return found
