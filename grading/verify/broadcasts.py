"""What comes back to something that was broadcast has to be summed: over the axes that were, and over no others."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from autodiff.rule import Elementwise
from grading.verify.exercise import Array
from grading.verify.faults import Edit, Edits, Recorded
from grading.verify.suspects import Group, planted

Edge = tuple[int, int, int]


def broadcasts(recorded: Recorded) -> Group:
    """Sums on the way back that are not taken, or taken over everything."""
    if recorded.asks == "jvp":
        return
    for edge in _broadcast(recorded):
        upper, _, small = edge
        comes = f"What comes back to {recorded.say(small)} from the entries of {recorded.say(upper)}"
        for base in _made_of(recorded, small, recorded.value(upper).shape):
            text = f"{comes} has to be summed; each of them goes on by itself."
            yield planted("not summed", text, partial(_each_by_itself, edge, base))
        if recorded.value(small).size > 1:
            text = f"{comes} is summed over all of them, not over the axes alone along which they share it."
            yield planted("summed too much", text, partial(_all_together, edge))


def _broadcast(recorded: Recorded) -> Iterator[Edge]:
    """Operands of entrywise lines that are used for several entries each."""
    for i, slot, parent in recorded.edges:
        size = recorded.value(parent).size
        if isinstance(recorded.lines[i][0], Elementwise) and size < recorded.value(i).size and parent >= recorded.count:
            yield i, slot, parent


def _made_of(recorded: Recorded, line: int, shape: tuple[int, ...]) -> Iterator[int]:
    """The inputs and lines of this shape that are reduced to a line."""
    reduced = {parent for i, _, parent in recorded.edges if not isinstance(recorded.lines[i][0], Elementwise)}
    for base in range(line):
        is_reduced = base < recorded.count or base in reduced
        if is_reduced and recorded.value(base).shape == shape and recorded.depends(line, base):
            yield base


def _each_by_itself(edge: Edge, base: int, recorded: Recorded) -> Edits:
    upper, slot, small = edge
    rule, _, args, params, y = recorded.lines[upper]
    slope = recorded.total_slope(small, base)
    assert rule is not None

    def law(moving: Any, passed: Any) -> Any:
        return passed + rule.vjp(slot, moving, y, args, params) * slope

    return [Edit(upper, small, slot, times=0.0), Edit(upper, base, law=law)]


def _all_together(edge: Edge, recorded: Recorded) -> Edits:
    upper, slot, small = edge

    def law(moving: Any, passed: Any) -> Array:
        return np.full(np.shape(passed), np.sum(passed))

    return [Edit(upper, small, slot, law=law)]
