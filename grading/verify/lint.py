"""What about an exercise lets mistakes hide: sizes that cannot be told apart, one sign, few points, a witness less."""

from __future__ import annotations

import numpy as np

from grading.verify.exercise import Exercise, Point, draw
from grading.verify.item import Item
from grading.verify.oracles import torch_refusal
from grading.verify.sampling import fresh_question

_FEWEST_DRAWS = 3
_AMBIGUOUS = (1, 2, 4)  # lengths that could be taken for a plain factor, or its square
_TRIALS = 8
_WAIVED = "; take another, or say in sizes_fixed why not"


def lint(exercise: Item) -> tuple[str, ...]:
    """What to change in an exercise, a line each; empty if nothing hides mistakes.

    Sizes of axes should differ and be none of 1, 2 and 4, or a transpose, a sum and a factor cannot be told apart.
    Where the source fixes them, `sizes_fixed` says so, and it is the batch that should vary from draw to draw.
    """
    if not isinstance(exercise, Exercise) or exercise.is_data:
        return ()
    points = [draw(exercise, np.random.default_rng([seed, 1])) for seed in range(_TRIALS)]
    found = []
    if exercise.draws < _FEWEST_DRAWS:
        found.append(f"{exercise.draws} fresh points; with fewer than {_FEWEST_DRAWS} some wrong answers look right")
    found += _batches(points) if exercise.sizes_fixed else _sizes(points[0])
    found += [
        f"{name} is never negative: a wrong sign of |{name}| would not show; draw both signs, or use edge_inputs"
        for name in exercise.wrt
        if exercise.edge_inputs is None and all(np.all(point[name] > 0) for point in points)
    ]
    if refusal := torch_refusal(fresh_question(exercise, 0, 0)):
        found.append(f"PyTorch is no witness, since the function fails in it: {refusal}")
    if all(np.array_equal(points[0][name], point[name]) for name in points[0] for point in points[1:]):
        found.append("every draw is the same point")
    return tuple(f"{exercise.id}: {line}" for line in found)


def _batches(points: list[Point]) -> list[str]:
    """Batch rows come first: what several inputs of two axes or more have in common there."""
    lengths = [[np.shape(value)[0] for value in point.values() if np.ndim(value) > 1] for point in points]
    shared = [{length for length in row if row.count(length) > 1} for row in lengths]
    if shared[0] and all(other == shared[0] for other in shared):
        return [f"the batch has {', '.join(map(str, shared[0]))} rows in every draw; let it vary between draws"]
    return []


def _sizes(point: Point) -> list[str]:
    """Within each input: an axis that two inputs share has to be as long in both."""
    found = []
    for name, value in point.items():
        shape = np.shape(value)
        if len(set(shape)) < len(shape):
            found.append(f"{name} has shape {shape}: equal axes hide a transpose{_WAIVED}")
        found += [
            f"{name} has an axis of length {size}, which can be taken for a factor{_WAIVED}"
            for size in sorted(set(shape) & set(_AMBIGUOUS))
        ]
    return found
