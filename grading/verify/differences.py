"""Finite differences: a witness that knows nothing but the function's values, and says how far it can be trusted.

Central differences over a ladder of steps, each a quarter of the one before, with one Richardson level. Of the rungs
each entry takes the one with the smallest bar: the change to the rungs beside it plus the rounding of the function's
values (Ridders 1982; Press et al., Numerical Recipes, section 5.7). The ladder is left where more rungs would not help.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autodiff.modes import grad
from grading.verify.exercise import Array
from grading.verify.sampling import Question
from grading.verify.tolerance import Blocks, value_noise

Line = Callable[[float], Array]
Place = tuple[int, tuple[int, ...]]  # a block and an index into it

_FIRST_STEP = 2.0**-4
_STEP_FACTOR = 4.0
_STEPS = 11
_CLOSE_STEPS = 30  # down to the last digit of any entry
_GOOD_BAR = 1e-7  # relative: a bar as small as this needs no better one
_SMALLEST_SIZE = 2.0**-20  # of an entry, relative to the others: smaller ones are as good as zero
_SURE_BAR = 1e-3  # relative: with a larger bar there is nothing to say
_KINK_GAP = 1e-3  # one-sided slopes that differ by more, relative to their size, and do not approach each other
_FULL = 64  # coordinates up to which each gets a slope of its own
_SAMPLED = 16  # coordinates of a larger question that get one, where directions cannot stand for them


@dataclass(frozen=True)
class Slope:
    """A derivative along a line through the point, with its bar; `kink` where the two sides do not agree."""

    value: Array
    bar: Array
    kink: Array


@dataclass(frozen=True)
class Probe:
    """The derivative along one direction of all differentiated inputs together, and how far off it may be."""

    directions: Blocks
    value: Array
    bar: Array

    @property
    def sizes(self) -> Blocks:
        """How far each entry moves."""
        return tuple(np.abs(direction) for direction in self.directions)


@dataclass(frozen=True)
class Differences:
    """Slopes per entry (bar infinite where none was taken or none can be trusted), kinks, and probes.

    `places` are the coordinates of which slopes were taken: all of them, or a few of many.
    """

    blocks: Blocks
    bars: Blocks
    kinks: Blocks
    places: tuple[Place, ...] = ()
    probes: tuple[Probe, ...] = ()

    @property
    def is_conclusive(self) -> bool:
        """Whether there was no kink, and a bar small enough wherever a slope was taken."""
        bars = [at(self.bars[block], index) for block, index in self.places] + [probe.bar for probe in self.probes]
        is_smooth = not any(np.any(kinks) for kinks in self.kinks)
        return is_smooth and all(np.all(np.isfinite(bar)) for bar in bars)


def differences(question: Question, noise: Array, closely: bool = False) -> Differences:
    """Slopes along every coordinate of every block; where there are many, along a random direction of all blocks.

    A random direction is as good a witness against any one of the entries, at the cost of one.

    `noise` is how far rounding may put the function's value off. `closely` takes every step down to the last digit, and
    trusts no slope that moves on the way: long steps may jump over what oscillates.
    """
    function = replace(_Function.of(question, noise), closely=closely)
    if question.exercise.asks == "jvp":
        slope = function.along_tangents()
        bar = _trusted(slope.value, np.where(slope.kink, np.inf, slope.bar), slope.value)
        return Differences((slope.value,), (bar,), (slope.kink,), ((0, ()),))
    found = _assembled(function.middle, question, {place: function.along_axis(*place) for place in _places(question)})
    is_whole = len(found.places) == sum(map(np.size, question.primals))
    is_second = question.exercise.asks == "hessian_diagonal"  # which is no sum over directions
    return found if is_whole or is_second else replace(found, probes=(function.probe(_rng(question)),))


def differences_of_gradient(question: Question, noise: Blocks) -> Differences:
    """The diagonal of the Hessian by differences of autodiff's gradient, taken closely.

    The gradient shows waves that are lost in the rounding of the function's value. `noise` is the rounding of its own.
    """
    slopes = {}
    for block in range(len(question.primals)):
        gradient = grad(question.exercise.of_wrt(question.point), block)
        function = _Function(question, lambda *moved, of=gradient: np.asarray(of(*moved)), noise[block], noise[block])
        function = replace(function, middle=function.evaluate(*question.primals))
        for place in _places(question):
            if place[0] == block:
                line, size = function.axis(*place)
                slope = _Ladder(line, function.middle, noise[block], 1).climb_closely(size)
                slopes[place] = Slope(*(at(part, place[1]) for part in (slope.value, slope.bar, slope.kink)))
    return _assembled(np.zeros(()), question, slopes)


def entry_slope(question: Question, block: int, index: tuple[int, ...]) -> tuple[float, float]:
    """Slope and bar of one entry of a block; for a Jacobian the index is that of the output, then of the input."""
    function = _Function.of(question, value_noise(question))
    if question.exercise.asks == "jvp":
        slope, where = function.along_tangents(), index
    else:
        where, place = function.parted(index)
        slope = function.along_axis(block, place)
    return float(slope.value[where]), float(slope.bar[where])


def one_sided(question: Question, block: int, index: tuple[int, ...]) -> tuple[float, float, float]:
    """The slopes of one entry to the left and to the right, and their bar: what a kink leaves to convention."""
    function = _Function.of(question, value_noise(question))
    where, place = function.parted(index)
    if question.exercise.asks == "jvp":
        along, size, where = function.tangent_line()[0], 1.0, index
    else:
        along, size = function.axis(block, place)
    middle, noise = function.middle[where], function.noise[where]
    sides, bars = [], []
    for sign in (-1.0, 1.0):
        steps = [size * 2.0**-power for power in (12, 14, 16)]
        raw = [sign * (along(sign * step)[where] - middle) / step for step in steps]
        fine = [(4 * raw[k + 1] - raw[k]) / 3 for k in (0, 1)]
        sides.append(float(fine[1]))
        bars.append(float(abs(fine[1] - fine[0]) + noise / steps[-1]))
    return sides[0], sides[1], max(bars)


def beside(question: Question, block: int, index: tuple[int, ...], by: float) -> Blocks:
    """The inputs, with the one of an entry moved by a share of its size; for "jvp" all of them along the tangents."""
    primals = question.primals
    if question.exercise.asks == "jvp":
        usual = max(float(np.max(size_of(primal), initial=0.0)) for primal in primals)
        longest = max(float(np.max(np.abs(d), initial=0.0)) for d in question.directions) or 1.0
        return tuple(p + by * usual / longest * d for p, d in zip(primals, question.directions, strict=True))
    moved = np.array(primals[block])
    place = index[len(index) - moved.ndim :]
    moved[place] += by * size_of(primals[block])[place]
    return (*primals[:block], moved[()], *primals[block + 1 :])


def size_of(primal: Array) -> Array:
    """What counts as a large change of each entry: its own size; for a zero that of its neighbours, or 1."""
    usual = rms(primal) or 1.0
    sizes = np.maximum(np.abs(primal), _SMALLEST_SIZE * usual)
    return np.where(primal == 0, usual, sizes) if not np.all(primal) else sizes


def at(block: Array, index: tuple[int, ...]) -> Array:
    """A view of what belongs to one coordinate of an input: the output's axes stay."""
    place: Any = (..., *index)
    view: Array = block[place]
    return view


def rms(block: Array) -> float:
    """The root of the mean square of its entries; 0 without any."""
    return float(np.sqrt(np.vdot(block, block) / block.size)) if block.size else 0.0


# --- which lines through the point -------------------------------------------------------------------------------


def _rng(question: Question) -> np.random.Generator:
    """Random numbers that belong to the point."""
    return np.random.default_rng([zlib.crc32(np.ravel(primal)[:64].tobytes()) for primal in question.primals])


def _places(question: Question) -> list[Place]:
    """The coordinates that get a slope of their own."""
    total = sum(map(np.size, question.primals))
    is_second = question.exercise.asks == "hessian_diagonal"
    if total <= _FULL:
        return [_place(question, number) for number in range(total)]
    if not is_second:
        return []
    return [_place(question, int(number)) for number in _rng(question).integers(total, size=_SAMPLED)]


def _place(question: Question, number: int) -> Place:
    """The coordinate of this number, counted through all blocks."""
    for block, primal in enumerate(question.primals):
        if number < np.size(primal):
            return block, tuple(int(i) for i in np.unravel_index(number, np.shape(primal)))
        number -= np.size(primal)
    raise IndexError(number)


# --- the function along a line -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Function:
    """The function at a point, with its value there and how far rounding may put that off."""

    question: Question
    evaluate: Callable[..., Array]
    middle: Array
    noise: Array
    closely: bool = False

    @classmethod
    def of(cls, question: Question, noise: Array) -> _Function:
        """Evaluates to float64; for "vjp" the product with the cotangent."""
        function = question.exercise.of_wrt(question.point)
        if question.exercise.asks != "vjp":
            return cls._with(question, lambda *moved: np.asarray(function(*moved), dtype=np.float64), noise)
        cotangent = question.directions[0]

        def contracted(*moved: Array) -> Array:
            return np.asarray(np.sum(np.asarray(function(*moved), dtype=np.float64) * cotangent))

        return cls._with(question, contracted, np.asarray(np.sum(noise * np.abs(cotangent))))

    @classmethod
    def _with(cls, question: Question, evaluate: Callable[..., Array], noise: Array) -> _Function:
        return cls(question, evaluate, evaluate(*question.primals), noise)

    @property
    def primals(self) -> Blocks:
        return self.question.primals

    def parted(self, index: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """An index into a block of the answer, as one into the output and one into the input."""
        return index[: self.middle.ndim], index[self.middle.ndim :]

    def axis(self, block: int, index: tuple[int, ...]) -> tuple[Line, float]:
        """The function along one coordinate axis through the point, and a large step on it."""
        primals = self.primals

        def moved(by: float) -> Array:
            entry = np.array(primals[block])
            entry[index] += by
            return self.evaluate(*primals[:block], entry[()], *primals[block + 1 :])

        return moved, float(size_of(primals[block])[index])

    def along(self, directions: Blocks) -> Line:
        """The function along any line through the point."""
        return lambda t: self.evaluate(*(p + t * d for p, d in zip(self.primals, directions, strict=True)))

    def along_axis(self, block: int, index: tuple[int, ...]) -> Slope:
        """Its slope, or for a diagonal of the Hessian its second derivative, along a coordinate axis."""
        line, size = self.axis(block, index)
        return self._slope(line, size, 2 if self.question.exercise.asks == "hessian_diagonal" else 1)

    def tangent_line(self) -> tuple[Line, float]:
        """The function along the tangents of the question, made as long as a large step, and how long they were."""
        scale = max(float(np.max(np.abs(d), initial=0.0)) for d in self.question.directions) or 1.0
        return self.along(tuple(direction / scale for direction in self.question.directions)), scale

    def along_tangents(self) -> Slope:
        """The slope along the tangents of the question."""
        line, scale = self.tangent_line()
        slope = self._slope(line, 1.0, 1)
        return Slope(slope.value * scale, slope.bar * scale, slope.kink)

    def probe(self, rng: np.random.Generator) -> Probe:
        """The slope along a random direction in which every entry moves by about its size over root n."""
        steps = [size_of(primal) / math.sqrt(max(primal.size, 1)) for primal in self.primals]
        directions = tuple(rng.uniform(-1, 1, step.shape) * step for step in steps)
        slope = self._slope(self.along(directions), 1.0, 1)
        bar = _trusted(slope.value, np.where(slope.kink, np.inf, slope.bar), slope.value)
        return Probe(directions, slope.value, bar)

    def _slope(self, line: Line, size: float, order: int) -> Slope:
        ladder = _Ladder(line, self.middle, self.noise, order)
        return ladder.climb_closely(size) if self.closely else ladder.climb(size)


class _Ladder:
    """First or second derivative at t = 0 of an array-valued function of one number, from steps ever shorter."""

    def __init__(self, line: Line, middle: Array, noise: Array, order: int) -> None:
        self._line, self._middle, self._noise, self._order = line, middle[()], noise[()], order
        self._steps: list[float] = []
        self._sides: list[tuple[Array, Array]] = []
        self._refined: list[Array] = []
        self._best, self._bar = np.zeros_like(middle), np.full_like(middle, np.inf)
        self._told: list[tuple[Array, Array, Array]] = []  # what each rung says, its bar, and the rounding in it
        self._shown: list[Array] = []  # where each rung shows in the function's value

    def climb_closely(self, size: float) -> Slope:
        """The same from all rungs down to the last digit; the bar is infinite where they do not say the same.

        Nothing but rounding moves the rungs below the best one, unless steps as long as the best jump over waves.
        """
        slope = self.climb(size, _CLOSE_STEPS)
        best = np.argmin([bar for _, bar, _ in self._told], axis=0)
        moves = [
            (rung > best) & (np.abs(here - slope.value) > noise + slope.bar)
            for rung, (here, _, noise) in enumerate(self._told)
        ]
        return replace(slope, bar=np.where(np.any(moves, axis=0), np.inf, slope.bar))

    def climb(self, size: float, steps: int = _STEPS) -> Slope:
        """The slope from the rung with the smallest bar; `size` is a large step."""
        coarse: Array | None = None
        for rung in range(steps):
            step = size * _FIRST_STEP / _STEP_FACTOR**rung
            self._steps.append(step)
            up, down = self._line(step)[()], self._line(-step)[()]
            self._sides.append((up, down))
            self._shown.append((up != self._middle) | (down != self._middle))
            raw = self._central()
            if coarse is not None:
                self._refined.append((_STEP_FACTOR**2 * raw - coarse) / (_STEP_FACTOR**2 - 1))
            coarse = raw
            if len(self._refined) > 2 and self._is_done() and steps == _STEPS:
                break
        flat = self._is_flat()
        bar = np.where(flat, self._noise / self._steps[0] ** self._order, self._bar)
        rungs = min(len(self._steps), _STEPS)
        last = rungs - (3 if rungs == _STEPS else 1)  # the shortest of all drown in rounding
        return Slope(np.where(flat, 0.0, self._best), bar, ~self._is_smooth(last))

    def _central(self) -> Array:
        (up, down), step, middle = self._sides[-1], self._steps[-1], self._middle
        slope: Array = (up - down) / (2 * step) if self._order == 1 else (up - 2 * middle + down) / step**2
        return slope

    def _is_done(self) -> bool:
        """Take the last rung but one in; whether shorter steps would not do better."""
        noise = self._noise / self._steps[-2] ** self._order
        # the larger of the changes from the rung above and to the rung below: one alone may be small by accident
        above, here, below = self._refined[-3:]
        bar = np.maximum(np.abs(here - above), np.abs(below - here)) + noise
        # a step too short to show in the value says nothing
        bar = np.where(self._shown[-2] & self._is_smooth(len(self._steps) - 2), bar, np.inf)
        self._told.append((here, bar, 2 * noise))
        better = bar < self._bar
        self._best, self._bar = np.where(better, here, self._best), np.where(better, bar, self._bar)
        good = (self._bar <= _GOOD_BAR * np.abs(self._best)) | (noise > self._bar) | self._is_flat()
        return bool(np.all(good))

    def _is_flat(self) -> Array:
        """Where no step shows in the function's value."""
        return np.asarray(~np.logical_or.reduce(self._shown))

    def _is_smooth(self, rung: int) -> Array:
        """Where the derivatives on the two sides approach each other; at a kink their gap stays as the step shrinks."""
        right, left = self._one_sided(rung, 0), self._one_sided(rung, 1)
        wide_gap = np.abs(self._one_sided(rung - 1, 0) - self._one_sided(rung - 1, 1))
        noise = 2 * self._noise / self._steps[rung] ** self._order
        near = np.abs(right - left) <= _KINK_GAP * np.maximum(np.abs(right), np.abs(left)) + noise
        return np.asarray(near | (np.abs(right - left) < 0.5 * wide_gap))

    def _one_sided(self, rung: int, side: int) -> Array:
        """The slope on one side at a rung, or the second derivative from this rung and the one above."""
        step, ahead = self._steps[rung], self._sides[rung][side]
        slope = (ahead - self._middle) / step
        if self._order == 1:
            return np.asarray(slope if side == 0 else -slope)
        wide_step, wide_ahead = self._steps[rung - 1], self._sides[rung - 1][side]
        return np.asarray(2 * ((wide_ahead - self._middle) / wide_step - slope) / (wide_step - step))


def _trusted(values: Array, bars: Array, block: Array) -> Array:
    """The bars, infinite where they are too large to say anything."""
    return np.where(bars <= _SURE_BAR * np.maximum(np.abs(values), rms(block)), bars, np.inf)


def _assembled(middle: Array, question: Question, slopes: dict[Place, Slope]) -> Differences:
    """Slopes, one per coordinate, in arrays of the shape that the exercise asks for: the output's axes come first."""
    blocks, bars, kinks = [], [], []
    for block, primal in enumerate(question.primals):
        value = np.zeros(middle.shape + np.shape(primal))
        bar, kink = np.full(value.shape, np.inf), np.zeros(value.shape, dtype=bool)
        for (owner, index), slope in slopes.items():
            if owner == block:
                at(value, index)[...], at(bar, index)[...], at(kink, index)[...] = slope.value, slope.bar, slope.kink
        if slopes:
            bar = _trusted(value, np.where(kink, np.inf, bar), value[np.isfinite(bar)])
        blocks.append(value)
        bars.append(bar)
        kinks.append(kink)
    return Differences(tuple(blocks), tuple(bars), tuple(kinks) if slopes else (), tuple(slopes))
