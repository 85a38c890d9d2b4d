"""What a right method loses by rounding where it is accurate to the size of an array, or by squaring a condition.

An inverse by singular values, a convolution by Fourier transforms, normal equations: they solve the exercise, and miss
the tolerance of single entries at points here and there. A wrong formula does so at most points; and as it is smooth,
its error stays what it is when the inputs move by their last digits, while rounding makes another one.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from grading.verify import contract
from grading.verify.bench import Bench
from grading.verify.catalogue import Observation
from grading.verify.compare import Compared, allowed
from grading.verify.exercise import Array
from grading.verify.further import Hearing
from grading.verify.probes import nudged
from grading.verify.tolerance import derivative, measured_inputs
from grading.verify.verdict import BlockResult

# How far off rounding may put an entry, relative to the largest one, is the square of what the tolerance allows to that
# one, in units of its last digits: a method that squares the condition loses so much. Half of the digits must be left.
_SQUARE = 2.0**50
_HALF = 2.0**-26
_LAST_DIGITS = 1e-11  # relative: a move that changes every rounding, and hardly an error that is none
_MOVES = 4
_SHARE = 0.5  # of the points: a method that differs at so many is wrong
_CHANGE = 1 / 128  # of an error, that shows it to be rounding: of 128 last bits one changes


def excuse_rounding(hearing: Hearing) -> list[str]:
    """Take for right the blocks that differ by rounding alone, at fewer than half of the points; a note on each.

    Where a block may be one of these, all the further points are asked.
    """
    blocks = range(len(hearing.exercise.block_names))
    if not any(_is_all_rounding(hearing, block) for block in blocks) or not all(map(hearing.add, hearing.fresh)):
        return []
    notes = []
    for block in filter(partial(_is_all_rounding, hearing), blocks):
        wrong = [number for number, point in enumerate(hearing.heard) if not point.results[block].right]
        if len(wrong) < _SHARE * len(hearing.heard):
            notes.append(_note(hearing, block, wrong))
            for number in wrong:
                hearing.heard[number] = _taken_for_right(hearing.heard[number], block)
    return notes


def _is_all_rounding(hearing: Hearing, block: int) -> bool:
    """Whether a block differs at some point, and wherever it does by rounding."""
    is_right = all(point.results[block].right for point in hearing.heard)
    return not is_right and all(_is_rounding(hearing, number, block) for number in range(len(hearing.heard)))


def _is_rounding(hearing: Hearing, number: int, block: int) -> bool:
    """Whether nothing in a block at a point differs but by so little, and by other amounts right beside the point."""
    point, bench = hearing.heard[number], hearing.benches[number]
    if point.results[block].right:
        return True
    seen = point.observations[block]
    if not seen.comparable:
        return False
    error = seen.yours - bench.tolerance.blocks[block]
    wrong = np.abs(seen.yours - seen.right) > allowed(bench, block)
    most = _most(seen)
    if not np.all(np.abs(error[wrong]) <= most):
        return False
    others = [_error(hearing, bench, block, move) for move in range(_MOVES)]
    if not all(other is not None and np.all(np.abs(other[wrong]) <= most) for other in others):
        return False
    changes = [np.abs(other - error)[wrong] for other in others if other is not None]
    return bool(np.all(np.max(changes, axis=0) >= _CHANGE * np.abs(error[wrong])))


def _most(seen: Observation) -> float:
    """The largest error of an entry that may be rounding."""
    size, bar = (float(np.max(np.abs(values), initial=0.0)) for values in (seen.right, seen.tolerance))
    return size * min(_HALF, _SQUARE * (bar / size) ** 2) if size else 0.0


def _error(hearing: Hearing, bench: Bench, block: int, number: int) -> Array | None:
    """A block's error once the inputs have moved by their last digits; None if there is none to be had."""
    names = hearing.exercise.wrt or measured_inputs(bench.question)
    question = nudged(bench.question, _LAST_DIGITS, names, number)
    try:
        right = derivative(question)
    except Exception:
        return None  # the point lies at the edge of the function's domain
    values = contract.split_blocks(hearing.ask(question), right)
    shaped = None if isinstance(values, str) else contract.with_shape(values[block], np.shape(right[block]))[0]
    return None if shaped is None else np.asarray(shaped - right[block])


def _taken_for_right(point: Compared, block: int) -> Compared:
    results = list(point.results)
    results[block] = BlockResult(results[block].name, True, results[block].shape, entries=results[block].entries)
    return replace(point, results=tuple(results))


def _note(hearing: Hearing, block: int, wrong: list[int]) -> str:
    """At how many points rounding shows, and how many digits are left of the entry that has fewest."""
    seen = [hearing.heard[number].observations[block] for number in wrong]
    lost = [np.where(o.differs, np.abs(o.yours - o.right), 0.0) / np.maximum(np.abs(o.right), 2.0**-1022) for o in seen]
    most = max(lost, key=np.max)
    index, share = [int(axis) for axis in np.unravel_index(np.argmax(most), most.shape)], float(np.max(most))
    entry = f"entry {index} of {seen[0].name}" if index else seen[0].name
    digits = f"{int(-np.log10(share))} correct digits" if share < 0.1 else "hardly a correct digit"
    points = f"at {len(wrong)} of {len(hearing.heard)} points"
    return f"right, but rounding in your way of computing it shows {points}, where {entry} has {digits}"
