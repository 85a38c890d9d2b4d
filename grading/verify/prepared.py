"""What a function makes of its other inputs alone, written down wrongly: targets, weights, matrices of constants.

On the list of what is differentiated these are constants. Here every real input is on the list, and the derivative is
the right one of a function of which one line was written down wrongly that leads from other inputs alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from grading.verify.catalogue import Seen
from grading.verify.faults import Blocks, Change, Recorded
from grading.verify.misread import slips
from grading.verify.sampling import Question
from grading.verify.suspects import Group, Suspect
from grading.verify.trial import Trial


def trials_of_all_inputs(wrong: list[Seen]) -> Iterator[Trial]:
    """The blocks beside lists that have every real input, if there are others than those that are differentiated."""
    exercise = wrong[0][0].question.exercise
    comparable = [seen for seen in wrong if all(one.comparable for one in seen)]
    others = _real_inputs(wrong[0][0].question)[len(exercise.wrt) :]
    if not comparable or not others or exercise.asks not in ("gradient", "vjp", "jacobian"):
        return
    lists = [_of_all(seen.question) for seen in comparable[0]]
    if len({recorded.names_of_rules for recorded in lists}) == 1:
        yield Trial(lists, comparable, None)


def _real_inputs(question: Question) -> tuple[str, ...]:
    """Those that are differentiated, in their order, then the others."""
    wrt, point = question.exercise.wrt, question.point
    return (*wrt, *(name for name, value in point.items() if value.dtype.kind == "f" and name not in wrt))


def _of_all(question: Question) -> Recorded:
    exercise, point = question.exercise, question.point
    whole = replace(exercise, wrt=_real_inputs(question), shares=None, edge_inputs=None, published=None)
    return Recorded(Question(whole, point, question.directions))


def prepared(recorded: Recorded, count: int) -> Group:
    """Slips at lines that none of the first `count` inputs leads to."""
    for line, found in slips(recorded).items():
        if not any(recorded.depends(line, k) for k in range(count)) and np.size(recorded.value(line)) > 1:
            for slip in found:
                yield Suspect(slip.label, slip.text, partial(_first_blocks, {line: slip.line}, count))


def _first_blocks(change: Change, count: int, recorded: Recorded) -> Blocks:
    return recorded.replayed(change).answer()[:count]
