"""The witnesses: who says what the answer is, without knowing of each other.

PyTorch autograd and autodiff differentiate the function by rule, each with its own rules. Finite differences only
evaluate it, and say how far they can be trusted; they never decide alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

import autodiff
from grading.verify.exercise import Array
from grading.verify.sampling import Question

Blocks = tuple[Array, ...]
UNIT_ROUNDOFF = 2.0**-53

# How far the inputs are shaken, and how often, to learn how strongly the answer reacts to their last bits.
_SHAKE = 2.0**-36
_SHAKES = 6
# An answer may be the exact derivative at inputs that are this many units in the last place away. Correct answers of
# many forms stay well below, the smallest wrong ones far above: see docs/verification.md.
_ULPS = 256
# At most this fraction of an answer may be lost in the last bits of the function's value: below float32's.
_LARGEST_UNSEEN = 2.0**-27

_FIRST_STEP = 2.0**-4
_STEP_FACTOR = 4.0
_STEPS = 11
_KINK_GAP = 1e-3  # one-sided slopes that differ by more, relative to their size, and do not approach each other


@dataclass(frozen=True)
class Testimony:
    """What one witness says: an array per block, and how far off each entry may be.

    `conclusive` is false where the witness cannot say (a kink at the point, an error bar as large as the value).
    """

    witness: str
    blocks: Blocks
    bars: Blocks
    conclusive: bool = True


def torch_witness(question: Question) -> Testimony | None:
    """PyTorch autograd in float64; None where PyTorch is not installed or the function is written in NumPy alone."""
    torch, xp = _torch()
    if torch is None or not question.exercise.takes_xp:
        return None
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # or constants made by xp.asarray(0.1) and xp.full would be float32
    try:
        blocks = tuple(_as_float64(block.detach().numpy()) for block in _torch_blocks(question, torch, xp))
    finally:
        torch.set_default_dtype(before)
    return Testimony("PyTorch autograd", blocks, _no_bars(blocks))


def autodiff_witness(question: Question) -> Testimony:
    """Our own tape, over the same function run with NumPy."""
    blocks = tuple(_as_float64(block) for block in _autodiff_blocks(question))
    return Testimony("autodiff", blocks, _no_bars(blocks))


def difference_witness(question: Question) -> Testimony:
    """Central differences over a ladder of steps with one Richardson level, each entry with an error bar.

    Of the ladder's rungs each entry takes the one with the smallest bar: the change to the rungs beside it plus the
    rounding of the function's values (Ridders 1982; Press et al., Numerical Recipes, section 5.7).
    """
    if question.exercise.asks == "value":
        blocks: Blocks = (_as_float64(question.exercise.value_at(question.point)),)
        return Testimony("NumPy", blocks, tuple(8 * UNIT_ROUNDOFF * np.abs(block) for block in blocks))
    slopes = _difference_slopes(question)
    blocks, bars, smooth = _assemble(question, slopes)
    sure = all(np.all(bar <= 1e-3 * np.maximum(np.abs(b), _rms(b))) for b, bar in zip(blocks, bars, strict=True))
    return Testimony("finite differences", blocks, bars, smooth and sure)


def tolerance(question: Question, expected: Blocks) -> Blocks:
    """Entrywise: how much the answer itself changes when the inputs change in their last bits.

    With u the unit roundoff, S_i the largest relative reaction of entry i over a few shaken inputs and
    w_i = |o_i| + S_i, entry i may differ by K u (w_i + rms(w)). Where a unit saturates, 1 - tanh² and 1 / cosh² agree
    to the last bits of 1 only, which are many digits of the derivative: an entry may also differ by what moving the
    input by its own size would not show in the last K bits of the function's value, but by no more than a small
    fraction of itself.
    """
    rng = np.random.default_rng(0)
    bases = [_as_float64(block) for block in _autodiff_blocks(question)]
    reactions = [np.zeros_like(block) for block in expected]
    for _ in range(_SHAKES):
        shaken = _shaken(question, rng)
        for reaction, base, moved in zip(reactions, bases, _autodiff_blocks(shaken), strict=True):
            np.maximum(reaction, np.abs(np.asarray(moved) - base) / _SHAKE, out=reaction)
    weights = [np.abs(block) + reaction for block, reaction in zip(expected, reactions, strict=True)]
    conditioned = [_ULPS * UNIT_ROUNDOFF * (weight + _rms(weight)) for weight in weights]
    unseen = [_ULPS * UNIT_ROUNDOFF * scale for scale in _value_scales(question, expected)]
    most = [_LARGEST_UNSEEN * (np.abs(block) + _rms(block)) for block in expected]
    return tuple(one + np.minimum(two, cap) for one, two, cap in zip(conditioned, unseen, most, strict=True))


def _value_scales(question: Question, expected: Blocks) -> Blocks:
    """Per entry of the answer, the size of the function's value over the size of the input that it belongs to."""
    asks = question.exercise.asks
    if asks == "value":
        return tuple(np.zeros_like(block) for block in expected)
    value = np.abs(question.exercise.value_at(question.point)).astype(np.float64)
    sizes = [_size(primal) for primal in question.primals]
    if asks == "jvp":
        steps = [np.max(np.abs(d) / size, initial=0.0) for d, size in zip(question.directions, sizes, strict=True)]
        return (value * max(steps),)
    if asks == "vjp":
        value = np.asarray(np.sum(value * np.abs(question.directions[0])))
    power = 2 if asks == "hessian_diagonal" else 1
    return tuple(np.asarray(np.multiply.outer(value, 1 / size**power)) for size in sizes)


def _size(primal: Array) -> Array:
    """What counts as a large change of each entry: its own size, or that of its neighbours, or 1 where all are zero."""
    return np.maximum(np.abs(primal), _rms(primal) or 1.0)


def _shaken(question: Question, rng: np.random.Generator) -> Question:
    """The question at inputs whose last bits are different. What is asked a value for reacts to all of its inputs."""
    if question.exercise.asks != "value":
        return question.at(tuple(_shake(primal, rng) for primal in question.primals))
    moved = {name: _shake(value, rng) if value.dtype.kind == "f" else value for name, value in question.point.items()}
    return Question(question.exercise, moved)


def _shake(primal: Array, rng: np.random.Generator) -> Array:
    return np.asarray(primal * (1 + _SHAKE * rng.uniform(-1, 1, size=np.shape(primal))))[()]


def _rms(block: Array) -> float:
    return float(np.sqrt(np.mean(np.square(block)))) if block.size else 0.0


def _as_float64(block: Any) -> Array:
    return np.array(block, dtype=np.float64)


def _no_bars(blocks: Blocks) -> Blocks:
    return tuple(np.zeros_like(block) for block in blocks)


# --- autodiff ----------------------------------------------------------------------------------------------------


def _autodiff_blocks(question: Question) -> tuple[Any, ...]:
    exercise, primals = question.exercise, question.primals
    function = exercise.of_wrt(question.point)
    everything = tuple(range(len(primals)))
    if exercise.asks == "value":
        return (exercise.value_at(question.point),)
    if exercise.asks == "gradient":
        return tuple(autodiff.grad(function, argnums=everything)(*primals))
    if exercise.asks == "jacobian":
        return tuple(autodiff.jacobian(function, argnums=everything)(*primals))
    if exercise.asks == "jvp":
        return (autodiff.jvp(function, primals, question.directions)[1],)
    if exercise.asks == "vjp":
        return tuple(autodiff.vjp(function, *primals)[1](question.directions[0]))
    return tuple(_autodiff_hessian_diagonal(function, primals, block) for block in everything)


def _autodiff_hessian_diagonal(function: Callable[..., Any], primals: Blocks, block: int) -> Array:
    diagonal = np.zeros(np.shape(primals[block]))
    for index in np.ndindex(diagonal.shape):
        directions = [np.zeros(np.shape(primal)) for primal in primals]
        directions[block][index] = 1.0
        column = autodiff.hvp(function, primals, tuple(direction[()] for direction in directions))
        diagonal[index] = np.asarray(column[block])[index]
    return diagonal


# --- PyTorch -----------------------------------------------------------------------------------------------------


@cache
def _torch() -> tuple[Any, Any]:
    """PyTorch and its array namespace, or (None, None); imported on first use, since that takes a second."""
    try:
        import array_api_compat.torch as xp
        import torch
    except ImportError:
        return None, None
    return torch, xp


def _torch_blocks(question: Question, torch: Any, xp: Any) -> tuple[Any, ...]:
    exercise = question.exercise
    point = {name: torch.from_numpy(np.array(value)) for name, value in question.point.items()}
    primals = tuple(point[name] for name in exercise.wrt)
    directions = tuple(torch.from_numpy(np.array(direction)) for direction in question.directions)
    function = exercise.of_wrt(point, xp)
    if exercise.asks == "value":
        return (torch.as_tensor(function(*primals)),)
    functional = torch.autograd.functional
    if exercise.asks == "gradient":
        return _torch_gradient(function, primals, torch)
    if exercise.asks == "jacobian":
        return tuple(functional.jacobian(function, primals))
    if exercise.asks == "jvp":
        return (functional.jvp(function, primals, directions)[1],)
    if exercise.asks == "vjp":
        return tuple(functional.vjp(function, primals, directions[0])[1])
    return tuple(_torch_hessian_diagonal(function, primals, block, functional) for block in range(len(primals)))


def _torch_gradient(function: Callable[..., Any], primals: tuple[Any, ...], torch: Any) -> tuple[Any, ...]:
    leaves = tuple(primal.clone().requires_grad_() for primal in primals)
    value = torch.as_tensor(function(*leaves))
    if not value.requires_grad:
        return tuple(torch.zeros_like(primal) for primal in primals)
    gradients = torch.autograd.grad(value, leaves, allow_unused=True)
    return tuple(
        torch.zeros_like(primal) if gradient is None else gradient
        for primal, gradient in zip(primals, gradients, strict=True)
    )


def _torch_hessian_diagonal(function: Callable[..., Any], primals: tuple[Any, ...], block: int, functional: Any) -> Any:
    def of_block(value: Any) -> Any:
        return function(*primals[:block], value, *primals[block + 1 :])

    size = primals[block].numel()
    hessian = functional.hessian(of_block, primals[block]).reshape(size, size)
    return hessian.diagonal().reshape(primals[block].shape)


# --- finite differences ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Slope:
    """A derivative along one line through the point, with its bar, and whether both sides agree."""

    value: Array
    bar: Array
    smooth: bool


def _difference_slopes(question: Question) -> list[_Slope]:
    """Slopes along every coordinate of every block in turn; for "jvp" the one along the tangents."""
    exercise = question.exercise
    function = exercise.of_wrt(question.point)
    primals = question.primals

    def evaluate(*moved: Array) -> Array:
        value = np.asarray(function(*moved), dtype=np.float64)
        return np.asarray(np.sum(value * question.directions[0])) if exercise.asks == "vjp" else value

    if exercise.asks == "jvp":
        scale = max(float(np.max(np.abs(d), initial=0.0)) for d in question.directions) or 1.0
        unit = [direction / scale for direction in question.directions]
        slope = _slope(lambda t: evaluate(*(p + t * d for p, d in zip(primals, unit, strict=True))), 1.0, 1)
        return [_Slope(slope.value * scale, slope.bar * scale, slope.smooth)]
    order = 2 if exercise.asks == "hessian_diagonal" else 1
    slopes = []
    for block, primal in enumerate(primals):
        for index in np.ndindex(np.shape(primal)):
            size = float(_size(primal)[index])
            slopes.append(_slope(_along(evaluate, primals, block, index), size, order))
    return slopes


def _along(
    evaluate: Callable[..., Array], primals: Blocks, block: int, index: tuple[int, ...]
) -> Callable[[float], Array]:
    """The function along one coordinate axis through the point."""
    return lambda t: evaluate(*_moved(primals, block, index, t))


def _moved(primals: Blocks, block: int, index: tuple[int, ...], by: float) -> list[Array]:
    moved = list(primals)
    entry = np.array(primals[block])
    entry[index] += by
    moved[block] = entry[()]
    return moved


def _slope(along: Callable[[float], Array], size: float, order: int) -> _Slope:
    """First or second derivative at t = 0 of an array-valued function of one number."""
    middle = along(0.0)
    steps = [size * _FIRST_STEP / _STEP_FACTOR**rung for rung in range(_STEPS)]
    sides = [(along(step), along(-step)) for step in steps]
    raw = [_central(up, middle, down, step, order) for (up, down), step in zip(sides, steps, strict=True)]
    factor = _STEP_FACTOR**2
    refined = [(factor * fine - coarse) / (factor - 1) for coarse, fine in pairwise(raw)]
    best, best_bar = refined[1], np.full_like(refined[1], np.inf)
    seen = [(up != middle) | (down != middle) for up, down in sides]
    flat = ~np.any(seen, axis=0)
    for rung in range(1, len(refined) - 1):
        up, down = sides[rung + 1]
        noise = 8 * UNIT_ROUNDOFF * (np.abs(up) + np.abs(middle) + np.abs(down)) / steps[rung + 1] ** order
        # the larger of the changes from the rung above and to the rung below: one alone may be small by accident
        above, below = np.abs(refined[rung] - refined[rung - 1]), np.abs(refined[rung + 1] - refined[rung])
        bar = np.maximum(above, below) + noise
        better = (bar < best_bar) & (seen[rung + 1] | flat)  # a step too short to show in the value says nothing
        best, best_bar = np.where(better, refined[rung], best), np.where(better, bar, best_bar)
    return _Slope(best, best_bar, _is_smooth(sides, middle, steps))


def _central(up: Array, middle: Array, down: Array, step: float, order: int) -> Array:
    return np.asarray((up - down) / (2 * step) if order == 1 else (up - 2 * middle + down) / step**2)


def _is_smooth(sides: list[tuple[Array, Array]], middle: Array, steps: list[float]) -> bool:
    """Whether the slopes on the two sides approach each other; at a kink their gap stays as the step shrinks."""
    up, down = sides[-3]
    right, left = (up - middle) / steps[-3], (middle - down) / steps[-3]
    noise = 32 * UNIT_ROUNDOFF * np.abs(middle) / steps[-3]
    gap_allowed = _KINK_GAP * np.maximum(np.abs(right), np.abs(left)) + noise
    near = np.abs(right - left) <= gap_allowed
    wide_up, wide_down = sides[-5]
    wide_gap = np.abs(wide_up - 2 * middle + wide_down) / steps[-5]
    shrinking = np.abs(right - left) < 0.5 * wide_gap
    return bool(np.all(near | shrinking))


def _assemble(question: Question, slopes: list[_Slope]) -> tuple[Blocks, Blocks, bool]:
    """Slopes, one per coordinate, put into arrays of the shape that the exercise asks for."""
    smooth = all(slope.smooth for slope in slopes)
    if question.exercise.asks == "jvp":
        return (slopes[0].value,), (slopes[0].bar,), smooth
    blocks, bars = [], []
    remaining = iter(slopes)
    for primal in question.primals:
        shape = np.shape(primal)
        here = [next(remaining) for _ in np.ndindex(shape)]
        out = np.shape(here[0].value) if here else ()
        # one slope per coordinate: the coordinate's axes come last, after the output's
        blocks.append(np.stack([slope.value for slope in here], axis=-1).reshape(out + shape))
        bars.append(np.stack([slope.bar for slope in here], axis=-1).reshape(out + shape))
    return tuple(blocks), tuple(bars), smooth
