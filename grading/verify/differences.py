"""Finite differences: a witness that knows nothing but the function's values, and says how far it can be trusted.

Central differences over a ladder of steps, each a quarter of the one before, with one Richardson level. Of the rungs
each entry takes the one with the smallest bar: the change to the rungs beside it plus the rounding of the function's
values (Ridders 1982; Press et al., Numerical Recipes, section 5.7). The ladder is left where more rungs would not help.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from grading.verify.exercise import Array
from grading.verify.sampling import Question
from grading.verify.tolerance import UNIT_ROUNDOFF, Blocks

_FIRST_STEP = 2.0**-4
_STEP_FACTOR = 4.0
_STEPS = 11
_FEWEST_STEPS = 4  # as many as a bar needs
_GOOD_BAR = 1e-8  # relative: a bar as small as this needs no better one
_SURE_BAR = 1e-3  # relative: with a larger bar there is nothing to say
_KINK_GAP = 1e-3  # one-sided slopes that differ by more, relative to their size, and do not approach each other
_FULL = 64  # coordinates up to which each gets its own slope; beyond, few do, and random directions do
_SAMPLED = 1  # coordinates of a larger question that get a slope of their own, at each point
_PROBES = 2  # and random directions of all its blocks together


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
    """Slopes per entry (bar infinite where none was taken or none can be trusted), kinks, and probes."""

    blocks: Blocks
    bars: Blocks
    kinks: Blocks
    probes: tuple[Probe, ...] = ()

    @property
    def is_smooth(self) -> bool:
        """Whether no kink was met."""
        return not any(np.any(kinks) for kinks in self.kinks)


def differences(question: Question) -> Differences:
    """Slopes along every coordinate of every block; of many, along a few and along random directions of all blocks."""
    primals = question.primals
    if question.exercise.asks == "jvp":
        slope = _along_tangents(question)
        return Differences((slope.value,), (_trusted(slope.value, slope.bar, slope.value),), (slope.kink,))
    evaluate = _evaluation(question)
    middle = evaluate(*primals)
    second = question.exercise.asks == "hessian_diagonal"
    sampled = sampled_places(question)
    slopes = {place: _coordinate(evaluate, middle, primals, place, second) for place in sampled}
    found = _assembled(np.shape(middle), primals, slopes)
    if second or len(sampled) == sum(np.size(primal) for primal in primals):
        return found
    rng = _rng(question)
    probes = tuple(_probe(evaluate, middle, primals, rng) for _ in range(_PROBES))
    return Differences(found.blocks, found.bars, found.kinks, probes)


def entry_slope(question: Question, block: int, index: tuple[int, ...]) -> tuple[float, float]:
    """Slope and bar of one entry of a block; for a Jacobian the index is that of the output, then of the input."""
    if question.exercise.asks == "jvp":
        slope, where = _along_tangents(question), index
    else:
        evaluate, primals = _evaluation(question), question.primals
        middle = evaluate(*primals)
        where, place = index[: middle.ndim], index[middle.ndim :]
        second = question.exercise.asks == "hessian_diagonal"
        slope = _coordinate(evaluate, middle, primals, (block, place), second)
    return float(slope.value[where]), float(slope.bar[where])


def one_sided(question: Question, block: int, index: tuple[int, ...]) -> tuple[float, float, float]:
    """The slopes of one entry to the left and to the right, and their bar: what a kink leaves to convention."""
    along, middle, where, size = _line(question, block, index)
    sides, bars = [], []
    for sign in (-1.0, 1.0):
        steps = [size * 2.0**-power for power in (12, 14, 16)]
        raw = [sign * (along(sign * step)[where] - middle[where]) / step for step in steps]
        fine = [(4 * raw[k + 1] - raw[k]) / 3 for k in (0, 1)]
        sides.append(float(fine[1]))
        bars.append(float(abs(fine[1] - fine[0]) + 8 * UNIT_ROUNDOFF * abs(middle[where]) / steps[-1]))
    return sides[0], sides[1], max(bars)


def size_of(primal: Array) -> Array:
    """What counts as a large change of each entry: its own size, or that of its neighbours, or 1 where all are zero."""
    return np.maximum(np.abs(primal), _rms(primal) or 1.0)


def at(block: Array, index: tuple[int, ...]) -> Array:
    """A view of what belongs to one coordinate of an input: the output's axes stay."""
    place: Any = (..., *index)
    view: Array = block[place]
    return view


def _rms(block: Array) -> float:
    return float(np.sqrt(np.mean(np.square(block)))) if np.size(block) else 0.0


def _line(
    question: Question, block: int, index: tuple[int, ...]
) -> tuple[Callable[[float], Array], Array, tuple[int, ...], float]:
    """The function along the line that an entry belongs to, its value, where the entry is in it, and a large step."""
    evaluate, primals = _evaluation(question), question.primals
    middle = evaluate(*primals)
    if question.exercise.asks == "jvp":
        unit, _ = _unit_tangents(question)
        return lambda t: evaluate(*(p + t * d for p, d in zip(primals, unit, strict=True))), middle, index, 1.0
    where, place = index[: middle.ndim], index[middle.ndim :]
    return _along(evaluate, primals, block, place), middle, where, float(size_of(primals[block])[place])


# --- which lines through the point -------------------------------------------------------------------------------

Place = tuple[int, tuple[int, ...]]  # a block and an index into it


def _rng(question: Question) -> np.random.Generator:
    """Random numbers that belong to the point."""
    return np.random.default_rng(zlib.crc32(b"".join(np.asarray(primal).tobytes() for primal in question.primals)))


def sampled_places(question: Question) -> list[Place]:
    """All coordinates of a small question, some of a large one."""
    sizes = [np.size(primal) for primal in question.primals]
    total = sum(sizes)
    numbers = range(total) if total <= _FULL else sorted(_rng(question).choice(total, _SAMPLED, replace=False))
    starts = np.cumsum([0, *sizes])
    places = []
    for number in numbers:
        block = int(np.searchsorted(starts, number, side="right")) - 1
        index = np.unravel_index(number - starts[block], np.shape(question.primals[block]))
        places.append((block, tuple(int(i) for i in index)))
    return places


def _evaluation(question: Question) -> Callable[..., Array]:
    """The function's value as float64; for "vjp" its product with the cotangent."""
    function, directions = question.exercise.of_wrt(question.point), question.directions
    if question.exercise.asks == "vjp":
        return lambda *moved: np.asarray(np.sum(np.asarray(function(*moved), dtype=np.float64) * directions[0]))
    return lambda *moved: np.asarray(function(*moved), dtype=np.float64)


def _along(evaluate: Callable[..., Array], primals: Blocks, block: int, index: tuple[int, ...]) -> Any:
    """The function along one coordinate axis through the point."""

    def moved(by: float) -> Array:
        entry = np.array(primals[block])
        entry[index] += by
        return evaluate(*primals[:block], entry[()], *primals[block + 1 :])

    return moved


def _coordinate(evaluate: Callable[..., Array], middle: Array, primals: Blocks, place: Place, second: bool) -> Slope:
    block, index = place
    size = float(size_of(primals[block])[index])
    return _slope(_along(evaluate, primals, block, index), middle, size, 2 if second else 1)


def _unit_tangents(question: Question) -> tuple[Blocks, float]:
    scale = max(float(np.max(np.abs(d), initial=0.0)) for d in question.directions) or 1.0
    return tuple(direction / scale for direction in question.directions), scale


def _along_tangents(question: Question) -> Slope:
    evaluate, primals = _evaluation(question), question.primals
    unit, scale = _unit_tangents(question)

    def along(t: float) -> Array:
        return evaluate(*(p + t * d for p, d in zip(primals, unit, strict=True)))

    slope = _slope(along, evaluate(*primals), 1.0, 1)
    return Slope(slope.value * scale, slope.bar * scale, slope.kink)


def _probe(evaluate: Callable[..., Array], middle: Array, primals: Blocks, rng: np.random.Generator) -> Probe:
    """The slope along a random direction in which every entry moves by about its size over root n, n to a block."""
    directions = tuple(
        rng.uniform(-1, 1, np.shape(primal)) * (size_of(primal) / np.sqrt(max(np.size(primal), 1)))
        for primal in primals
    )

    def along(t: float) -> Array:
        return evaluate(*(primal + t * d for primal, d in zip(primals, directions, strict=True)))

    slope = _slope(along, middle, 1.0, 1)
    return Probe(directions, slope.value, _trusted(slope.value, np.where(slope.kink, np.inf, slope.bar), slope.value))


# --- one line ----------------------------------------------------------------------------------------------------


def _slope(along: Callable[[float], Array], middle: Array, size: float, order: int) -> Slope:
    """First or second derivative at t = 0 of an array-valued function of one number."""
    sides: list[tuple[Array, Array]] = []
    raw: list[Array] = []
    refined: list[Array] = []
    steps: list[float] = []
    best, best_bar = np.zeros_like(middle), np.full_like(middle, np.inf)
    for rung in range(_STEPS):
        step = size * _FIRST_STEP / _STEP_FACTOR**rung
        up, down = along(step), along(-step)
        steps.append(step)
        sides.append((up, down))
        raw.append(_central(up, middle, down, step, order))
        if rung:
            refined.append((_STEP_FACTOR**2 * raw[-1] - raw[-2]) / (_STEP_FACTOR**2 - 1))
        if rung >= _FEWEST_STEPS - 1:
            best, best_bar, done = _better(best, best_bar, refined, sides, middle, steps, order)
            if done:
                break
    flat = _is_flat(sides, middle)
    best, best_bar = np.where(flat, 0.0, best), np.where(flat, 8 * UNIT_ROUNDOFF * np.abs(middle) / steps[0], best_bar)
    return Slope(best, best_bar, ~_is_smooth(sides, middle, steps, order))


def _better(
    best: Array,
    best_bar: Array,
    refined: list[Array],
    sides: list[tuple[Array, Array]],
    middle: Array,
    steps: list[float],
    order: int,
) -> tuple[Array, Array, bool]:
    """Value and bar with the last rung but one taken in, and whether the ladder may be left."""
    up, down = sides[-2]
    noise = 8 * UNIT_ROUNDOFF * (np.abs(up) + np.abs(middle) + np.abs(down)) / steps[-2] ** order
    # the larger of the changes from the rung above and to the rung below: one alone may be small by accident
    bar = np.maximum(np.abs(refined[-2] - refined[-3]), np.abs(refined[-1] - refined[-2])) + noise
    shows = (up != middle) | (down != middle)  # a step too short to show in the value says nothing
    better = (bar < best_bar) & shows
    best, best_bar = np.where(better, refined[-2], best), np.where(better, bar, best_bar)
    good = (best_bar <= _GOOD_BAR * np.abs(best)) | (noise > best_bar) | _is_flat(sides, middle)
    return best, best_bar, bool(np.all(good) and np.all(_is_smooth(sides, middle, steps, order)))


def _is_flat(sides: list[tuple[Array, Array]], middle: Array) -> Array:
    """Where no step shows in the function's value."""
    return np.asarray(~np.any([(up != middle) | (down != middle) for up, down in sides], axis=0))


def _central(up: Array, middle: Array, down: Array, step: float, order: int) -> Array:
    return np.asarray((up - down) / (2 * step) if order == 1 else (up - 2 * middle + down) / step**2)


def _is_smooth(sides: list[tuple[Array, Array]], middle: Array, steps: list[float], order: int) -> Array:
    """Where the derivatives on the two sides approach each other; at a kink their gap stays as the step shrinks."""
    last = len(steps) - (3 if len(steps) == _STEPS else 1)  # the shortest steps of all drown in rounding
    right, left = (_one_sided(sides, middle, steps, last, order, sign) for sign in (1, -1))
    wide_right, wide_left = (_one_sided(sides, middle, steps, last - 1, order, sign) for sign in (1, -1))
    noise = 32 * UNIT_ROUNDOFF * np.abs(middle) / steps[last] ** order
    near = np.abs(right - left) <= _KINK_GAP * np.maximum(np.abs(right), np.abs(left)) + noise
    return np.asarray(near | (np.abs(right - left) < 0.5 * np.abs(wide_right - wide_left)))


def _one_sided(
    sides: list[tuple[Array, Array]], middle: Array, steps: list[float], rung: int, order: int, sign: int
) -> Array:
    """The slope on one side at a rung, or the second derivative from this rung and the one above."""
    ahead, step = sides[rung][0 if sign > 0 else 1], steps[rung]
    slope = (ahead - middle) / step
    if order == 1:
        return np.asarray(sign * slope)
    wide_step = steps[rung - 1]
    wide_slope = (sides[rung - 1][0 if sign > 0 else 1] - middle) / wide_step
    return np.asarray(2 * (wide_slope - slope) / (wide_step - step))


def _trusted(values: Array, bars: Array, block: Array) -> Array:
    """The bars, infinite where they are too large to say anything."""
    return np.where(bars <= _SURE_BAR * np.maximum(np.abs(values), _rms(block)), bars, np.inf)


def _assembled(out: tuple[int, ...], primals: Blocks, slopes: dict[Place, Slope]) -> Differences:
    """Slopes, one per coordinate, in arrays of the shape that the exercise asks for: the output's axes come first."""
    blocks, bars, kinks = [], [], []
    for block, primal in enumerate(primals):
        value = np.zeros(out + np.shape(primal))
        bar, kink = np.full(value.shape, np.inf), np.zeros(value.shape, dtype=bool)
        for (owner, index), slope in slopes.items():
            if owner == block:
                at(value, index)[...], at(bar, index)[...], at(kink, index)[...] = slope.value, slope.bar, slope.kink
        blocks.append(value)
        bars.append(_trusted(value, np.where(kink, np.inf, bar), value[np.isfinite(bar)]))
        kinks.append(kink)
    return Differences(tuple(blocks), tuple(bars), tuple(kinks))
