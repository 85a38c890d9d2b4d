"""What is known at a point before the answer is heard: the question, what the witnesses say, how far one may be off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grading.verify.exercise import Exercise
from grading.verify.kinks import is_near_kink, is_on_kink
from grading.verify.oracles import (
    DIFFERENCES,
    Testimony,
    agree,
    autodiff_witness,
    complex_witness,
    difference_witness,
    fine,
    second_difference_witness,
    torch_witness,
)
from grading.verify.sameness import what_it_is
from grading.verify.sampling import Question, edge_question, fresh_question, published_question
from grading.verify.tolerance import Blocks, Tolerance, tolerance

_MOST_KEPT = 256  # exercises with a seed; a sheet has some twenty
_REDRAWS = 5  # at most so often is a point replaced at which the function has no derivative, or its digits do not show


class FaultError(Exception):
    """The exercise cannot be judged: its function fails, or its witnesses contradict each other."""


class OutsideError(FaultError):
    """Its function has no finite value at the point: it lies outside the domain."""


@dataclass(frozen=True)
class Bench:
    """Everything known about one point before the answer is heard. `is_declared`: the exercise names the point."""

    question: Question
    witnesses: tuple[Testimony, ...]
    expected: Blocks
    tolerance: Tolerance
    is_declared: bool = False

    @property
    def decides(self) -> bool:
        """Whether two witnesses have something to say here, or one, on a kink where the exercise fixes the rest."""
        is_agreed = self.is_declared and self.question.exercise.at_kinks == "wrong"
        is_on_kink = any(np.any(kinks) for kinks in self.witnesses[-1].kinks)
        return (is_agreed and is_on_kink) or sum(said.conclusive for said in self.witnesses) > 1

    @property
    def flaws(self) -> tuple[bool, int]:
        """What speaks against asking here: a kink at the point or beside it, and digits that saturation hides."""
        is_kink = not self.witnesses[-1].conclusive or is_near_kink(self.question, self.tolerance.tape)
        if self.tolerance.is_clear:
            return is_kink, 0
        return is_kink, sum(int(np.sum(self.tolerance.hidden(block))) for block in range(len(self.expected)))


@dataclass
class _Kept:
    """What was found for an exercise and a seed, and whether it is to be kept."""

    users: int = 0
    benches: dict[Any, list[Bench]] = field(default_factory=dict)


_KEPT = _Kept()


@contextmanager
def keeping_benches() -> Iterator[None]:
    """Within, the witnesses are asked once for an exercise and a seed: a class sits the same points.

    What was found is kept from one use to the next in this process, of the last exercises alone.
    """
    _KEPT.users += 1
    try:
        yield
    finally:
        _KEPT.users -= 1


def benches_of(exercise: Exercise, seed: int) -> list[Bench]:
    """One bench per point: fresh ones, then those that the exercise declares."""
    if not _KEPT.users:
        return _benches_of(exercise, seed)
    asked = what_it_is(exercise), seed
    if asked not in _KEPT.benches:
        _KEPT.benches[asked] = _benches_of(exercise, seed)
        if len(_KEPT.benches) > _MOST_KEPT:
            del _KEPT.benches[next(iter(_KEPT.benches))]
    return list(_KEPT.benches[asked])


def _benches_of(exercise: Exercise, seed: int) -> list[Bench]:
    if exercise.is_data:
        return [bench_at(_guarded(exercise, lambda: fresh_question(exercise, seed, 0)), is_declared=True)]
    questions = [
        _guarded(exercise, lambda number=number: fresh_question(exercise, seed, number))
        for number in range(exercise.draws)
    ]
    try:
        first: list[Bench] | list[None] = _benches_at(questions)
    except FaultError:  # perhaps at points that are drawn again
        first = [None] * len(questions)
    benches = [fresh_bench(exercise, seed, number, bench) for number, bench in enumerate(first)]
    for at in (edge_question, published_question):
        question = _guarded(exercise, lambda at=at: at(exercise, seed))
        if question is not None:
            benches.append(bench_at(question, is_declared=True))
    return benches


def fresh_bench(exercise: Exercise, seed: int, number: int, first: Bench | None = None) -> Bench:
    """The bench at a fresh point; of several draws the one at which most can be seen.

    `first` is the bench at the first draw, if it is there. Raises FaultError, or OutsideError if none of the draws lies
    in the function's domain.
    """
    best: tuple[tuple[bool, int], Bench] | None = None
    outside: OutsideError | None = None
    for redraw in range(_REDRAWS):
        try:
            bench = first if first and not redraw else _redrawn(exercise, seed, number, redraw)
        except OutsideError as error:
            outside = error
            continue
        flaws = bench.flaws
        if best is None or flaws < best[0]:
            best = flaws, bench
        if not any(flaws):
            break
    if best is None:
        assert outside is not None
        raise outside
    return best[1]


def _redrawn(exercise: Exercise, seed: int, number: int, redraw: int) -> Bench:
    return bench_at(_guarded(exercise, lambda: fresh_question(exercise, seed, number, redraw)))


def _guarded(exercise: Exercise, draw: Any) -> Any:
    try:
        return draw()
    except Exception as error:
        raise FaultError(f"its inputs could not be drawn: {type(error).__name__}: {error}") from error


def bench_at(question: Question, is_declared: bool = False) -> Bench:
    """All that is known at one point. Raises FaultError, or OutsideError where the function has no finite value."""
    (bench,) = _benches_at([question], is_declared)
    return bench


def _benches_at(questions: list[Question], is_declared: bool = False) -> list[Bench]:
    """The benches at some points: one witness after the other at all of them, which is faster than the other way."""
    try:
        with np.errstate(all="ignore"):
            allowed = [tolerance(question) for question in questions]
            by_torch = [torch_witness(question) for question in questions]
            heard = [_witnesses(*known) for known in zip(questions, allowed, by_torch, strict=True)]
    except Exception as error:
        raise FaultError(f"a witness fails on it: {type(error).__name__}: {error}") from error
    for witnesses, tolerated in zip(heard, allowed, strict=True):
        _check(witnesses, tolerated)
    known = zip(questions, heard, allowed, strict=True)
    return [Bench(question, said, said[0].blocks, tolerated, is_declared) for question, said, tolerated in known]


def _witnesses(question: Question, allowed: Tolerance, by_torch: Testimony | None) -> tuple[Testimony, ...]:
    """All that have something to say at a point: first one that differentiates by rule, last finite differences."""
    by_tape = autodiff_witness(allowed, question.exercise.engine)
    measured = _measured(question, by_torch or by_tape, allowed)
    # of a large question it could only say again what finite differences say of a few entries
    is_needed = by_torch is None or not measured.probes
    by_step = _by_step(question, measured, by_tape, allowed) if is_needed else None
    return tuple(said for said in (by_torch, by_tape, by_step, measured) if said is not None)


def _check(witnesses: tuple[Testimony, ...], allowed: Tolerance) -> None:
    """Raise what speaks against a point: no finite value, or witnesses that contradict each other."""
    if not np.all(np.isfinite(allowed.noise)):
        raise OutsideError("its function has no finite value at a point that was drawn")
    if not all(np.all(np.isfinite(block)) for block in witnesses[0].blocks):
        raise FaultError(f"{witnesses[0].witness} finds values that are not finite")
    _check_agreement(witnesses, allowed.allowed)


def _measured(question: Question, first: Testimony, allowed: Tolerance) -> Testimony:
    """Finite differences; where they contradict the first witness, once more and closely, before anybody is blamed.

    Second derivatives of which those of the function say nothing, and that are on no kink, are had from the gradient.
    """
    measured = difference_witness(question, allowed.noise)
    is_second = question.exercise.asks == "hessian_diagonal"
    if agree(first, measured, _slack(measured, allowed.allowed)):
        if not is_second or measured.conclusive or any(np.any(kinks) for kinks in measured.kinks):
            return measured
        by_gradient = second_difference_witness(question)
        return by_gradient if by_gradient is not None and by_gradient.conclusive else measured
    by_gradient = second_difference_witness(question) if is_second else None
    return by_gradient or difference_witness(question, allowed.noise, True)


def _by_step(question: Question, measured: Testimony, by_tape: Testimony, allowed: Tolerance) -> Testimony | None:
    """The complex step; on a kink it follows conventions of its own, and finite differences alone can vouch for it."""
    is_vouched = measured.conclusive and agree(by_tape, measured, allowed.allowed)
    if is_vouched or is_on_kink(question, allowed.tape):
        return complex_witness(question, measured)
    return complex_witness(question, measured, by_tape, allowed.allowed)


def _slack(measured: Testimony, allowed: Blocks) -> Blocks:
    """The tolerance; on a kink each rule takes its own convention, so there nothing is compared."""
    if not any(np.any(block) for block in measured.kinks):
        return allowed
    return tuple(np.where(kink, np.inf, block) for kink, block in zip(measured.kinks, allowed, strict=True))


def _check_agreement(witnesses: tuple[Testimony, ...], allowed: Blocks) -> None:
    """Every witness must agree with the first one, to the sum of their error bars.

    Finite differences come last; where two others agree, what they see must be more than fine waves.
    """
    first, slack = witnesses[0], _slack(witnesses[-1], allowed)
    for other in witnesses[1:]:
        if agree(first, other, slack):
            continue
        if other.witness == DIFFERENCES and len(witnesses) > 2:
            wider = tuple(more + fine(block) for more, block in zip(slack, first.blocks, strict=True))
            if agree(first, other, wider):
                continue
        raise FaultError(f"{first.witness} and {other.witness} contradict each other")
