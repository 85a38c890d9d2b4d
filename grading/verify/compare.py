"""One reply beside what was expected at one point: which entries are right, and what is said of those that are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grading.verify import contract
from grading.verify.bench import Bench
from grading.verify.diagnose import Observation
from grading.verify.differences import entry_slope
from grading.verify.exercise import Array, Ruling
from grading.verify.kinks import is_subgradient
from grading.verify.layout import heat_map, places
from grading.verify.oracles import DIFFERENCES
from grading.verify.quotients import is_quotient
from grading.verify.respondent import Reply
from grading.verify.tolerance import UNIT_ROUNDOFF, Blocks
from grading.verify.verdict import BlockResult, Worst

_SINGLE_ULPS = 64  # of float32, of the numbers that go into an entry
_DIFFERENCE = 1e-4  # relative to the largest entry: a difference quotient, with a step that is not absurd


@dataclass(frozen=True)
class Compared:
    """A reply at one point: a result and an observation per block, and which entries were really seen to be right."""

    results: tuple[BlockResult, ...]
    observations: tuple[Observation, ...]
    shown: Blocks
    notes: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """Whether every block is."""
        return all(result.right for result in self.results)


def compare(bench: Bench, reply: Reply, number: int) -> Compared:
    """The reply at point `number`, block by block; it has as many blocks as were expected."""
    values = contract.split_blocks(reply, bench.expected)
    assert not isinstance(values, str)  # replies of another form were turned away before
    compared = [_Block(bench, block, number).compare(value) for block, value in enumerate(values)]
    return Compared(
        tuple(result for result, _, _, _ in compared),
        tuple(seen for _, seen, _, _ in compared),
        tuple(shown for _, _, shown, _ in compared),
        tuple(note for _, _, _, notes in compared for note in notes),
    )


def allowed(bench: Bench, block: int) -> Array:
    """How far each entry may be off: the tolerance, and half a unit of the last digit asked for."""
    decimals = bench.question.exercise.decimals
    rounding = 0.0 if decimals is None else 0.5 * 10.0**-decimals
    return np.asarray(bench.tolerance.allowed[block] + rounding)


@dataclass(frozen=True)
class _Block:
    """One array of the answer at one point."""

    bench: Bench
    block: int
    number: int

    @property
    def name(self) -> str:
        return self.bench.question.exercise.block_names[self.block]

    @property
    def expected(self) -> Array:
        return self.bench.expected[self.block]

    def compare(self, value: Array) -> tuple[BlockResult, Observation, Array, list[str]]:
        shaped, said = contract.with_shape(value, self.expected.shape)
        yours = np.asarray(value if shaped is None else shaped, dtype=np.float64)
        bench, block, shape = self.bench, self.block, self.expected.shape
        off = allowed(bench, block)
        # no mistake is read into what cannot be seen
        decided = off if bench.tolerance.is_clear else np.where(np.isfinite(off), off, 0.0)
        seen = Observation(bench.question, block, yours, bench.expected, decided)
        nothing = np.zeros(shape, dtype=bool)
        if shaped is None:
            return BlockResult(self.name, False, shape, problem=said), seen, nothing, []
        notes = [f"{self.name}: {said}"] if said else []
        if not np.all(np.isfinite(yours)):
            return BlockResult(self.name, False, shape, problem=_unfinite(yours)), seen, nothing, notes
        wrong = np.abs(yours - self.expected) > off
        forgiven, more = self._forgiven(wrong, yours)
        shown = ~wrong if bench.tolerance.is_clear else ~wrong & ~bench.tolerance.lost(block)
        if forgiven:
            shown = shown | (wrong if more != _ON_A_KINK else nothing)
            more = "" if self._ruling(more) == "right" else more
            notes += [f"{self.name}: {more}"] if more else []
        result = self._result(nothing if forgiven else wrong, yours)
        return result, seen, shown, notes

    def _forgiven(self, wrong: Array, yours: Array) -> tuple[bool, str]:
        """Whether the exercise lets pass what is wrong, and as what."""
        exercise, bench = self.bench.question.exercise, self.bench
        if not np.any(wrong):
            return False, ""
        kinks = bench.witnesses[-1].kinks
        is_measured = not bench.witnesses[-1].probes  # of a large question only directions were
        is_on_kink = bool(kinks) and not np.any(wrong & ~kinks[self.block]) if is_measured else bench.is_declared
        if exercise.at_kinks != "wrong" and is_on_kink and is_subgradient(bench.question, self.block, wrong, yours):
            return True, _ON_A_KINK
        said = self._imprecise(yours)
        return bool(said), said

    def _imprecise(self, yours: Array) -> str:
        """What the exercise accepts that is right to a few digits; what can be told to be the other kind is not."""
        bench, off, ulps = self.bench, np.abs(yours - self.expected), _SINGLE_ULPS * 2.0**-24 / (128 * UNIT_ROUNDOFF)
        near = {
            _IN_SINGLE: np.all(off <= ulps * bench.tolerance.allowed[self.block]),
            _AS_DIFFERENCE: np.all(off <= _DIFFERENCE * np.max(np.abs(self.expected))),
        }
        accepted = [said for said, is_near in near.items() if is_near and self._ruling(said) != "wrong"]
        if not accepted:
            return ""
        if np.array_equal(yours, yours.astype(np.float32)):
            told = _IN_SINGLE
        elif is_quotient(bench.question, self.block, yours, self.expected):
            told = _AS_DIFFERENCE
        else:
            return _IMPRECISE
        return told if told in accepted else ""

    def _ruling(self, said: str) -> Ruling:
        exercise = self.bench.question.exercise
        rulings = {
            _ON_A_KINK: exercise.at_kinks,
            _IN_SINGLE: exercise.single_precision,
            _AS_DIFFERENCE: exercise.finite_differences,
        }
        return rulings.get(said, "right with a note")

    def _result(self, wrong: Array, yours: Array) -> BlockResult:
        shape, differ = self.expected.shape, int(np.sum(wrong))
        if not differ:
            return BlockResult(self.name, True, shape, entries=yours.size)
        off = np.where(wrong, np.abs(yours - self.expected), -1.0)
        index = tuple(int(axis) for axis in np.unravel_index(np.argmax(off), shape))
        is_data = self.bench.question.exercise.is_data
        is_all = not is_data and not np.all(wrong) and np.all(wrong | (self.expected == 0))
        return BlockResult(
            self.name,
            False,
            shape,
            entries=yours.size,
            differ=differ,
            worst=self._worst(index, float(yours[index])),
            heat=heat_map(wrong, off, None if is_data else np.abs(self.expected)),
            where="all that are not 0" if is_all else places(wrong),
        )

    def _worst(self, index: tuple[int, ...], yours: float) -> Worst:
        """The worst entry with what the witnesses say of it; of an answer that is data, without."""
        question, first, measured = self.bench.question, self.bench.witnesses[0], self.bench.witnesses[-1]
        if question.exercise.is_data:
            return Worst(index, self.number, yours, {}, 0.0)
        told = {first.witness: float(first.blocks[self.block][index])}
        value, bar = float(measured.blocks[self.block][index]), float(measured.bars[self.block][index])
        if measured.witness == DIFFERENCES and not np.isfinite(bar):
            value, bar = entry_slope(question, self.block, index)
        inputs = contract.inputs_of(question)
        return Worst(index, self.number, yours, told | {measured.witness: value}, bar, self._kind(), inputs)

    def _kind(self) -> str:
        """What is special about the point. Of those that an exercise declares the edge point comes first."""
        exercise = self.bench.question.exercise
        if not self.bench.is_declared:
            return ""
        return "edge case" if exercise.edge_inputs and self.number == exercise.draws + 1 else "as given"


def _unfinite(yours: Array) -> str:
    wrong = ~np.isfinite(yours)
    if yours.ndim == 0:
        return f"{yours:g} is not a finite number"
    said = f"{int(np.sum(wrong))} of {yours.size} entries are not finite"
    return f"{said}: {where}" if not np.all(wrong) and (where := places(wrong)) else said


_ON_A_KINK = "at a kink you took another of the derivatives that may be taken there"
_IN_SINGLE = "right to single precision only: something was computed in float32"
_IMPRECISE = "right to a few digits only: float32 or a difference quotient; the exact formula has all of them"
_AS_DIFFERENCE = "right to the digits that a difference quotient has; the exact formula has all of them"
