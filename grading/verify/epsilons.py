"""A small number that was added somewhere, such as 1e-8 in a denominator, so that the answer is nearly right."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from autodiff.rule import Args, Params, Rule, call
from grading.verify.budget import while_time
from grading.verify.catalogue import ALMOST_SURE, Seen, relative_error, within
from grading.verify.faults import Blocks, Recorded
from grading.verify.trial import Found, Trial, trials

_NEAR = 1e-2  # a larger error is no matter of a small number
_STEP = 1e-6  # by which a line is moved to see what that changes
_LEAST, _MOST = 1e-16, 1e-2


def epsilons(wrong: list[Seen]) -> list[Found]:
    """Blocks that are right once a round small number is added to one line of the list, on the way and back."""
    found = []
    for trial in trials(wrong):
        for k, seen in enumerate(trial.wrong):
            if all(relative_error(one) < _NEAR for one in seen):
                found += [one for one in [_of_block(trial, k, seen)] if one is not None]
    return found


def _of_block(trial: Trial, k: int, seen: Seen) -> Found | None:
    number = trial.numbers[k]
    for line in while_time(range(trial.lists[0].count, trial.lists[0].last)):
        if trial.lists[0].value(line).dtype.kind != "f":
            continue
        small = _round(_estimate(trial.lists[0], line, number, seen))
        if small and all(
            within(one.yours, _with(recorded, line, small)[number], one)
            for one, recorded in zip(seen, trial.lists, strict=True)
        ):
            said = f"Your numbers are those of a function in which {small:g} is added to {trial.lists[0].say(line)}."
            return Found("a small relative error", said, ALMOST_SURE, [seen])
    return None


def _estimate(recorded: Recorded, line: int, number: int, seen: Seen) -> float:
    """How much must be added for the entry that is off most."""
    off = seen[0].yours - seen[0].right
    place = int(np.argmax(np.abs(off)))
    step = _STEP * float(np.max(np.abs(recorded.value(line)), initial=0.0))
    moved = (_with(recorded, line, step)[number] - _with(recorded, line, -step)[number]).flat[place]
    return float(off.flat[place] / moved * 2 * step) if moved else 0.0


def _round(number: float) -> float:
    """The power of ten, or half of one, that a number nearly is; 0 if it is none."""
    if not _LEAST < abs(number) < _MOST:
        return 0.0
    nearest = float(f"{number:.0e}")
    return nearest if abs(nearest - number) < 0.05 * abs(number) and f"{abs(nearest):e}"[0] in "125" else 0.0


def _with(recorded: Recorded, line: int, small: float) -> Blocks:
    return recorded.replayed({line: partial(_added, small)}).answer()


def _added(small: float, rule: Rule, args: Args, params: Params) -> Any:
    return call(rule, args, params) + small
