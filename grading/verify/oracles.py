"""The witnesses: who says what the answer is, without knowing of each other.

PyTorch autograd and autodiff differentiate the function by rule, each with its own rules. The complex step and finite
differences only evaluate it; the latter say how far they can be trusted, and never decide alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from grading.verify.differences import Differences, Place, Probe, at, differences, differences_of_gradient, rms
from grading.verify.exercise import Array
from grading.verify.sampling import Question
from grading.verify.tolerance import UNIT_ROUNDOFF as UNIT_ROUNDOFF
from grading.verify.tolerance import Blocks as Blocks
from grading.verify.tolerance import Tolerance, tolerance, value_noise

DIFFERENCES = "finite differences"
_COMPLEX_STEP = 2.0**-100  # so small that its square is no part of any number
# Relative: rules that two witnesses share are not wrong by so little; long steps that jump over fine waves may be.
_FINE = 1e-6
_BARS = 10  # witnesses contradict each other if they are further apart than this many error bars


@dataclass(frozen=True)
class Testimony:
    """What one witness says: an array per block, and how far off each entry may be; infinite where it cannot say.

    `conclusive` is false where the point itself leaves it without an answer: at a kink, or with bars as large as the
    values. `places` are the coordinates that were measured, if not all; `probes` are slopes along directions instead of
    axes; `kinks` marks entries with two one-sided slopes.
    """

    witness: str
    blocks: Blocks
    bars: Blocks
    conclusive: bool = True
    places: tuple[Place, ...] = ()
    probes: tuple[Probe, ...] = ()
    kinks: Blocks = ()


def torch_witness(question: Question) -> Testimony | None:
    """PyTorch autograd in float64; None where it is not installed, or cannot evaluate or differentiate the function."""
    said = _by_torch(question)
    return said if isinstance(said, Testimony) else None


def torch_refusal(question: Question) -> str:
    """Why PyTorch, though it is there and the function is written for it, says nothing; empty where it does."""
    said = _by_torch(question)
    return said if isinstance(said, str) else ""


class _FailsError(Exception):
    """The exercise's function fails on PyTorch's tensors."""


def _by_torch(question: Question) -> Testimony | str | None:
    torch, xp = _torch()
    if torch is None or not question.exercise.takes_xp:
        return None
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # or constants made by xp.asarray(0.1) and xp.full would be float32
    try:
        blocks = tuple(_as_float64(block.detach().numpy()) for block in _torch_blocks(question, torch, xp))
    except _FailsError as error:
        return _one_line(error.__cause__ or error)
    except RuntimeError as error:  # an operation without a derivative, or one that PyTorch forbids
        return _one_line(error)
    finally:
        torch.set_default_dtype(before)
    return Testimony("PyTorch autograd", blocks, _no_bars(blocks))


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"


def autodiff_witness(measured: Tolerance, engine: str = "") -> Testimony:
    """Our own tape: the answer read off the list of the tolerance; or, by way of it, another engine."""
    blocks = tuple(_as_float64(block) for block in measured.blocks)
    return Testimony(engine or "autodiff", blocks, _no_bars(blocks))


def difference_witness(question: Question, noise: Array | None = None, closely: bool = False) -> Testimony:
    """Central differences with an error bar (see `differences`); of a large question some entries and directions.

    `noise` is the rounding of the function's value, where it is known already; `closely` takes more and shorter steps.
    """
    if question.exercise.asks == "value":
        blocks: Blocks = (_as_float64(question.exercise.value_at(question.point)),)
        return Testimony("NumPy", blocks, tuple(8 * UNIT_ROUNDOFF * np.abs(block) for block in blocks))
    found = differences(question, value_noise(question) if noise is None else noise, closely)
    return _measured(found)


def second_difference_witness(question: Question) -> Testimony | None:
    """Differences of autodiff's gradient; None where those of the function say that it is another."""
    of_first = replace(question, exercise=replace(question.exercise, asks="gradient"))
    known = tolerance(of_first)
    first = difference_witness(of_first, known.noise, True)
    slack = tuple(more + fine(block) for more, block in zip(known.allowed, known.blocks, strict=True))
    if not agree(autodiff_witness(known), first, slack):
        return None
    said = _measured(differences_of_gradient(question, known.allowed))
    return replace(said, conclusive=said.conclusive and first.conclusive)


def fine(block: Array) -> Array:
    """How far differences may be off where long steps jump over waves too fine to show in the function's value."""
    return np.asarray(_FINE * np.maximum(np.abs(block), rms(block)))


def _measured(found: Differences) -> Testimony:
    return Testimony(
        DIFFERENCES, found.blocks, found.bars, found.is_conclusive, found.places, found.probes, found.kinks
    )


def complex_witness(
    question: Question, beside: Testimony, by_rule: Testimony | None = None, slack: Blocks = ()
) -> Testimony | None:
    """The complex step f'(x) = Im f(x + i h) / h: no difference is taken, so no digit is lost (Squire & Trapp 1998).

    None where the function is not analytic as it is written (it takes the modulus, or compares): that is seen when it
    fails on complex numbers, or says neither what finite differences say, `beside`, nor what is had `by_rule`.
    """
    if question.exercise.asks in ("value", "hessian_diagonal") or not (beside.conclusive or by_rule):
        return None
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            said = _complex_slopes(question, beside)
    except Exception:
        return None
    if not all(np.all(np.isfinite(block)) for block in said.blocks):
        return None
    is_measured = beside.conclusive and agree(said, beside, _no_bars(said.blocks))
    return said if is_measured or (by_rule is not None and agree(by_rule, said, slack)) else None


def agree(one: Testimony, other: Testimony, slack: Blocks) -> bool:
    """Whether two witnesses agree wherever both have something to say, to their error bars and the slack."""
    for block in {block for block, _ in other.places} if other.probes else range(len(other.blocks)):
        a, b, bar = one.blocks[block], other.blocks[block], (one.bars[block] + other.bars[block]) + slack[block]
        if a.shape != b.shape or np.any(np.abs(a - b) > _BARS * bar):
            return False
    for number, probe in enumerate(other.probes):
        along = one.probes[number].value if one.probes else _contracted(one.blocks, probe.directions)
        off = np.abs(along - probe.value)
        if not np.any(off > _BARS * probe.bar):
            continue
        loose = 0.0 if one.probes else _contracted(slack, probe.sizes)
        if np.any(off > _BARS * (probe.bar + loose)):
            return False
    return True


def _contracted(blocks: Blocks, directions: Blocks) -> Array:
    """Blocks of a gradient or of Jacobians, times one direction."""
    if all(np.shape(block) == np.shape(d) for block, d in zip(blocks, directions, strict=True)):
        return np.asarray(sum(np.vdot(block, d) for block, d in zip(blocks, directions, strict=True)))
    products = [np.tensordot(block, d, np.ndim(d)) for block, d in zip(blocks, directions, strict=True)]
    return np.asarray(np.sum(products, axis=0))


def _complex_slopes(question: Question, beside: Testimony) -> Testimony:
    """Along the tangents, along every coordinate that finite differences took, or along their probes.

    What the step h cuts off, h^2 times a third derivative, is seen only where the slope itself is 0. The bar is h, and
    holds unless the third derivative is larger than 6/h.
    """
    primals, asks = question.primals, question.exercise.asks
    function = question.exercise.of_wrt(question.point)

    def slope(*directions: Any) -> Array:
        moved = (p + 1j * _COMPLEX_STEP * d for p, d in zip(primals, directions, strict=True))
        value = np.asarray(function(*moved))
        imaginary = value.imag / _COMPLEX_STEP
        return np.asarray(np.sum(imaginary * question.directions[0]) if asks == "vjp" else imaginary)

    if asks == "jvp":
        pushed = slope(*question.directions)
        return Testimony("complex step", (pushed,), (np.full_like(pushed, _COMPLEX_STEP),))
    blocks = [np.zeros_like(block) for block in beside.blocks]
    bars = [np.full_like(block, np.inf) for block in beside.blocks]
    for block, index in beside.places:
        unit = [np.zeros(np.shape(primal)) for primal in primals]
        unit[block][index] = 1.0
        at(blocks[block], index)[...] = slope(*unit)
        at(bars[block], index)[...] = _COMPLEX_STEP
    slopes = [(probe.directions, slope(*probe.directions)) for probe in beside.probes]
    probes = tuple(Probe(directions, value, np.full_like(value, _COMPLEX_STEP)) for directions, value in slopes)
    return Testimony("complex step", tuple(blocks), tuple(bars), places=beside.places, probes=probes)


def _as_float64(block: Any) -> Array:
    return np.array(block, dtype=np.float64)


def _no_bars(blocks: Blocks) -> Blocks:
    """One zero for all entries of a block."""
    return (np.zeros(()),) * len(blocks)


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
    of_exercise = exercise.of_wrt(point, xp)

    def function(*moved: Any) -> Any:
        try:
            return of_exercise(*moved)
        except Exception as error:
            raise _FailsError from error

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
    leaves = tuple(primal.detach().requires_grad_() for primal in primals)
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
