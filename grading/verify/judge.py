"""The judge: puts an answer beside the witnesses at fresh points and says what it found."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grading.verify import contract
from grading.verify.bench import Bench, FaultError, benches_of
from grading.verify.diagnose import Diagnosis, diagnose, when_it_fails
from grading.verify.exercise import Exercise
from grading.verify.further import Hearing, confirm, keeps_answers, quietly, spot_check
from grading.verify.oracles import torch_refusal
from grading.verify.respondent import AnswerError, Handed, HomeRespondent, Reply, Respondent
from grading.verify.rounding import excuse_rounding
from grading.verify.sampling import Question, fresh_question
from grading.verify.tolerance import Blocks
from grading.verify.verdict import BlockResult, Cause, Outcome, Verdict

_ASKING_S = 5.0  # seconds of an answer's time that may go into explaining it


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
        benches = benches_of(exercise, seed)
    except FaultError as fault:
        if _is_blank(exercise, respondent, seed):
            return session.verdict("not attempted")
        return session.verdict("fault", mark=exercise.points, problem=f"The exercise cannot be judged: {fault}.")
    return _examine(session, respondent, benches)


def fault_of(exercise: Exercise, seed: int) -> str:
    """Why an exercise cannot be judged at the points of a seed; empty if it can."""
    try:
        benches = benches_of(exercise, seed)
    except FaultError as fault:
        return str(fault)
    seen = [tuple(~bench.tolerance.lost(block) for block in range(len(bench.expected))) for bench in benches]
    return _not_shown(benches, seen)


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


@dataclass(frozen=True)
class _Session:
    """What every verdict of one examination shares."""

    exercise: Exercise
    seed: int

    def verdict(self, outcome: Outcome, **found: Any) -> Verdict:
        found.setdefault("mark", 0.0)
        return Verdict(self.exercise.id, outcome, points=self.exercise.points, seed=self.seed, **found)


# --- the answer --------------------------------------------------------------------------------------------------


def _examine(session: _Session, respondent: Respondent, benches: list[Bench]) -> Verdict:
    exercise = session.exercise
    known: dict[str, Any] = {}
    if not exercise.is_data:  # whose numbers are the same at any seed
        known = {"witnesses": tuple(said.witness for said in benches[0].witnesses), "draws": len(benches)}
    replies: list[Reply] = []
    silent = 0
    for bench in benches:
        reply = respondent.ask(bench.question.args, exercise.limit_s)
        if reply.error is not None and reply.error.kind != "not attempted":
            causes = _why_it_fails(reply, respondent, benches)
            return session.verdict("wrong", problem=_problem(bench.question, reply), causes=causes, **known)
        silent += reply.error is not None
        replies.append(reply)
    if silent == len(benches):
        return session.verdict("not attempted", problem=replies[0].error.message if replies[0].error else "")
    if silent:
        problem = f"Your function returned nothing at {silent} of {len(benches)} points. Is a `return` missing?"
        return session.verdict("wrong", problem=problem, **known)
    for bench, reply in zip(benches, replies, strict=True):
        malformed = contract.split_blocks(reply, bench.expected, exercise.block_names)
        if isinstance(malformed, str):
            said = "Your answer is" if exercise.is_data else "Your function returned"
            return session.verdict("wrong", problem=f"{said} {malformed}.")
    return _weigh(session, respondent, benches, replies)


def _weigh(session: _Session, respondent: Respondent, benches: list[Bench], replies: list[Reply]) -> Verdict:
    """The verdict on replies that have values."""
    exercise = session.exercise
    with np.errstate(all="ignore"):  # the student's numbers may overflow; that is not to end on their screen
        hearing = Hearing(exercise, session.seed, respondent, benches, replies)
        doubt, is_kept, rounded = "", False, []
        if not exercise.is_data:
            rounded = excuse_rounding(hearing)
            if hearing.is_right:
                is_kept = keeps_answers(hearing)
            if hearing.is_right and (failed := spot_check(hearing)) is not None:
                return session.verdict("wrong", problem=_problem(*failed), draws=len(benches))
            if _is_single(hearing):
                doubt = confirm(hearing)
        blocks = tuple(_worst_of(results) for results in zip(*(point.results for point in hearing.heard), strict=True))
    breaches = [] if exercise.is_data else _breaches(hearing, is_kept)
    mistakes = _diagnosis(hearing, blocks)
    share = sum(part for part, block in zip(exercise.block_shares, blocks, strict=True) if block.right)
    is_right = all(block.right for block in blocks)
    if not is_right and not doubt and _is_undecided(hearing):
        doubt = "a single witness could speak where your values differ"
    if is_right:
        doubt = _not_shown(benches, [point.shown for point in hearing.heard])
    notes = sorted({note for point in hearing.heard for note in point.notes} | {*rounded, *_witness_notes(benches)})
    if breaches:
        outcome: Outcome = "wrong"
        if share and exercise.breach_share < 1:
            notes.append(f"right values earn {exercise.breach_share:.0%} of their marks until this is mended")
    else:
        outcome = "inconclusive" if doubt else "right" if is_right else "wrong"
    undecided = outcome == "inconclusive"
    return session.verdict(
        outcome,
        mark=float(exercise.points * min(share, 1.0) * (exercise.breach_share if breaches else 1.0)),
        blocks=blocks,
        causes=() if undecided else (*breaches, *mistakes.causes),
        known=() if undecided else mistakes.known,
        problem=f"Not decided: {doubt}." if undecided else "",
        notes=tuple(notes),
        hint=1 if exercise.hints and not is_right and not undecided else 0,
        witnesses=tuple(said.witness for said in benches[0].witnesses),
        draws=len(benches),
    )


def _is_single(hearing: Hearing) -> bool:
    """Whether the values differ at one point only, and that one is not declared by the exercise."""
    points = zip(hearing.benches, hearing.heard, strict=True)
    wrong = [bench for bench, point in points if not point.is_right]
    return len(wrong) == 1 and not wrong[0].is_declared


def _not_shown(benches: list[Bench], shown: list[Blocks]) -> str:
    """Why right values prove nothing: an array of which nothing can be seen at any point; empty if all is well."""
    for number, name in enumerate(benches[0].question.exercise.block_names):
        if not any(
            bench.expected[number].size == 0 or np.any(seen[number]) for bench, seen in zip(benches, shown, strict=True)
        ):
            return f"at every point {name} is on a kink or saturated, so that its values cannot be checked"
    return ""


def _is_undecided(hearing: Hearing) -> bool:
    """Whether values differ, but only where a single witness is left, which is not enough to call them wrong."""
    points = zip(hearing.benches, hearing.heard, strict=True)
    pairs = [(bench, result) for bench, point in points for result in point.results]
    return all(result.right or (result.worst is not None and not bench.decides) for bench, result in pairs)


def _problem(question: Question, reply: Reply) -> str:
    """Why there are no values, in one line; of a function that stopped also what it was called with."""
    assert reply.error is not None
    if reply.error.kind == "time":
        return f"Your function takes too long: {reply.error.message}. Is there a loop that never ends?"
    if reply.error.kind == "raised":
        called = contract.called_with(question)
        return f"Your function stopped with {reply.error.message}. It is called with {called}."
    what = "Your answer" if question.exercise.is_data else "What your function returned"
    return f"{what} is {reply.error.message}."


def _witness_notes(benches: list[Bench]) -> list[str]:
    exercise = benches[0].question.exercise
    names = [said.witness for said in benches[0].witnesses]
    if "PyTorch autograd" in names or exercise.engine:
        return []
    refusal = torch_refusal(benches[0].question)
    reason = "is not installed" if exercise.takes_xp else "is left out, since the function is plain NumPy"
    reason = f"is left out, since the function fails in it ({refusal})" if refusal else reason
    return [f"PyTorch {reason}; {', '.join(names[:-1])} and {names[-1]} agree"]


def _worst_of(results: Sequence[BlockResult]) -> BlockResult:
    """Of one block's results at all points the one to tell: the first that is wrong."""
    return next((result for result in results if not result.right), results[0])


def _diagnosis(hearing: Hearing, blocks: tuple[BlockResult, ...]) -> Diagnosis:
    """Explanations of the blocks that are wrong; the answer may be asked again, to see what it gets right by luck."""
    wrong = [number for number, block in enumerate(blocks) if not block.right]
    observed = [[point.observations[number] for point in hearing.heard] for number in wrong]
    return diagnose(observed, _asking(hearing.respondent), len(blocks))


def _why_it_fails(reply: Reply, respondent: Respondent, benches: list[Bench]) -> tuple[Cause, ...]:
    """What an exception may come from, if the function does work for other inputs."""
    if reply.error is None or reply.error.kind != "raised" or benches[0].question.exercise.is_data:
        return ()
    return when_it_fails([bench.question for bench in benches], _asking(respondent))


def _asking(respondent: Respondent) -> Callable[[Question], Reply]:
    """Further questions, as long as the answers to them do not take long together."""
    spent = 0.0

    def ask(question: Question) -> Reply:
        nonlocal spent
        if spent > _ASKING_S:
            return Reply((), (), None, AnswerError("time", "it has been asked enough"), 0.0)
        reply = quietly(respondent, question)
        spent += reply.seconds
        return reply

    return ask


# --- behaviour ---------------------------------------------------------------------------------------------------


def _breaches(hearing: Hearing, is_kept: bool) -> list[Cause]:
    """What the function does that it must not, whatever its values."""
    found = []
    asked = [(bench.question, reply) for bench, reply in zip(hearing.benches, hearing.replies, strict=True)]
    names = list(contract.arguments(asked[0][0]))
    altered: dict[str, None] = {}
    for question, reply in (*asked, *hearing.spots):
        altered |= dict.fromkeys(contract.changed_arguments(question.args, reply.args_after, names))
    if altered:
        found.append(contract.changes_arguments(list(altered)))
    if is_kept:
        return [*found, contract.KEEPS_ANSWERS]
    # the first point after the last one, and the last one after the first: no call may know of the one before
    again = [(hearing.ask(question).values, reply.values) for question, reply in (asked[0], asked[-1])]
    earlier = [reply.values for _, reply in asked[: hearing.first]]
    if not all(contract.same_values(*values) for values in again):
        found.append(contract.TWO_CALLS_DISAGREE)
    elif any(not contract.same_values(hearing.respondent.reread(n), values) for n, values in enumerate(earlier)):
        found.append(contract.OVERWRITES_EARLIER)
    return found
