"""Where an answer is asked: fresh points from a seed, the exercise's edge points, or its published point."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from grading.verify.exercise import Array, Exercise, Point, as_point, draw

_EDGE = 2**16  # keeps the edge point's random numbers apart from those of the fresh points
_PUBLISHED = 2**17  # and the directions of the published one
_REDRAW = 2**20  # and a redrawn point's from those of the first draw


@dataclass(frozen=True)
class Question:
    """One point at which the exercise is asked, with the directions that the judge adds.

    `directions` holds one tangent per differentiated input for "jvp", the one cotangent for "vjp", and is empty
    otherwise.
    """

    exercise: Exercise
    point: Point
    directions: tuple[Array, ...] = ()

    @property
    def args(self) -> tuple[Array, ...]:
        """What the answer is called with: the inputs in their order, then the directions."""
        return (*self.point.values(), *self.directions)

    @property
    def primals(self) -> tuple[Array, ...]:
        """The differentiated inputs, in the order of `wrt`."""
        return tuple(self.point[name] for name in self.exercise.wrt)

    def at(self, primals: tuple[Array, ...]) -> Question:
        """The same question, same directions, with other values of the differentiated inputs."""
        moved = self.point | dict(zip(self.exercise.wrt, primals, strict=True))
        return Question(self.exercise, moved, self.directions)


def fresh_question(exercise: Exercise, seed: int, number: int, redraw: int = 0) -> Question:
    """The question at fresh point `number`: the same on every machine for the same exercise, seed and number.

    `redraw` asks for another point in the place of one at which the function has no derivative.
    """
    rng = _generator(exercise, seed, number + _REDRAW * redraw)
    return _question(exercise, draw(exercise, rng), rng)


def edge_question(exercise: Exercise, seed: int) -> Question | None:
    """The question at a point of the exercise's edge sampler, if it declares one."""
    if exercise.edge_inputs is None:
        return None
    rng = _generator(exercise, seed, _EDGE)
    return _question(exercise, as_point(exercise.edge_inputs(rng)), rng)


def published_question(exercise: Exercise, seed: int) -> Question | None:
    """The question at the point that the source prints, if the exercise names one."""
    if exercise.published is None:
        return None
    return _question(exercise, as_point(exercise.published), _generator(exercise, seed, _PUBLISHED))


def mixed_question(one: Question, other: Question) -> Question | None:
    """A question whose differentiated inputs are those of one point, and whose other arguments are the other's.

    Where all inputs are differentiated the first of them is the one point's. None if there is but one argument, or if
    the shapes do not fit each other.
    """
    exercise = one.exercise
    taken = exercise.wrt if len(exercise.wrt) < len(one.point) else exercise.wrt[:1]
    point = {name: (one if name in taken else other).point[name] for name in one.point}
    if len(other.args) < 2 or any(np.shape(point[name]) != np.shape(other.point[name]) for name in taken):
        return None
    return Question(exercise, point, other.directions)


def _generator(exercise: Exercise, seed: int, number: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(exercise.id.encode()), number])


def _question(exercise: Exercise, point: Point, rng: np.random.Generator) -> Question:
    shapes: list[tuple[int, ...]] = []
    if exercise.asks == "jvp":
        shapes = [np.shape(point[name]) for name in exercise.wrt]
    elif exercise.asks == "vjp":
        shapes = [exercise.value_at(point).shape]
    return Question(exercise, point, tuple(np.asarray(rng.normal(size=shape))[()] for shape in shapes))
