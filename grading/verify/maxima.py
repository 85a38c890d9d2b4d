"""Maxima along an axis whose adjoint is passed on to other entries than the largest ones."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from autodiff.rule import keep
from grading.verify.faults import Edit, Edits, Recorded
from grading.verify.suspects import Group, planted

_EXTREMES = ("max", "amax", "min", "amin")


def maxima(recorded: Recorded) -> Group:
    """Maxima whose adjoint goes to other entries than the largest ones of their own rows."""
    for i, slot, parent in recorded.edges:
        if recorded.names_of_rules[i] in _EXTREMES and recorded.asks != "jvp" and recorded.value(parent).ndim > 1:
            for other, where in _other_axes(recorded, i):
                text = f"What comes back to {recorded.say(i)} belongs to the largest entries along its own axis"
                label = "wrong axis" if other is not None else "summed too much"
                said = f"{text}, not to those {where}."
                yield planted(
                    label, said.replace("largest", _called(recorded, i)), partial(_passed, i, slot, parent, other)
                )


def _called(recorded: Recorded, i: int) -> str:
    return "largest" if recorded.names_of_rules[i] in ("max", "amax") else "smallest"


def _other_axes(recorded: Recorded, i: int) -> Iterator[tuple[int | None, str]]:
    args, params = recorded.lines[i][2:4]
    if len(params["axis"]) < np.ndim(args[0]):
        yield None, "of the whole array"
        for axis in range(np.ndim(args[0])):
            if axis not in params["axis"]:
                yield axis, f"along axis {axis}"


def _passed(i: int, slot: int, parent: int, axis: int | None, recorded: Recorded) -> Edits:
    _, _, args, params, _ = recorded.lines[i]
    x = np.asarray(args[slot])
    extreme = np.max if _called(recorded, i) == "largest" else np.min
    mask = 1.0 * (x == extreme(x, axis=axis, keepdims=True))
    return [Edit(i, parent, slot, law=lambda moving, passed: keep(moving, x, params["axis"]) * mask)]
