"""What must hold for an operation, checked by witnesses that do not share its formula.

`check(f, args)` raises AssertionError, naming the property, unless f is differentiated rightly at args: the tangent
against Richardson-extrapolated differences of f, the adjoint against the tangent (<w, J u> = <J^T w, u>), shapes,
dtypes, and the same once more for the gradient of f.

`generated(rule)` are the calls a row of the table brings with it: an elementwise row samples its domain in shapes that
broadcast against each other, a reduction is taken along every axis. `check` over them is the row's test.

A dot-product test alone passes where both modes are wrong in the same way, as they are when both come from one formula;
differences alone do not see the reverse mode. Together they leave little room. The idea of testing rules from the table
that holds them is that of ChainRulesTestUtils.jl.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.jacobian import jacobian
from autodiff.modes import grad, jvp, vjp
from autodiff.rule import REAL, Array, Elementwise, Interval, Reduction, Rule, call
from autodiff.rules import axes_of

Function = Callable[..., Any]
Call = tuple[Function, tuple[Any, ...]]

# Shapes that broadcast against each other, for one, two or three arguments.
SHAPES: list[list[tuple[int, ...]]] = [[(3, 1), (1, 4), (4,)], [(), (2, 3), (3,)], [(2, 3), (), (2, 1)], [(), (), ()]]
AXES: list[Any] = [0, 1, (0, 1), -1, (-1, -3), None]


def sample(shape: tuple[int, ...] = (), domain: Interval = REAL, seed: int = 0, dtype: Any = float) -> Array:
    """Distinct numbers inside the domain, none of them 0, an integer or a half-integer: no kink, no tie, no jump."""
    low, high = domain
    size = int(np.prod(shape))
    places = np.random.default_rng(seed).permutation(max(size, 97))[:size]
    offset = (0.31, 0.44, 0.56, 0.69, 0.81)[seed % 5]  # away from eighths, where the half-integers of REAL lie
    return np.reshape(low + (high - low) * (places + offset) / max(size, 97), shape).astype(dtype)[()]


def dot(a: Array, b: Array) -> float:
    """<a, b>, the sum of the products of all entries."""
    return float(np.sum(np.asarray(a) * np.asarray(b)))


def differences(f: Function, args: Sequence[Array], tangents: Sequence[Array], h: float = 1e-3) -> Array:
    """d/dt f(args + t tangents) at 0: central differences of steps h and h/2, extrapolated (Richardson 1911)."""

    def central(step: float) -> Array:
        up = f(*(x + step * t for x, t in zip(args, tangents, strict=True)))
        down = f(*(x - step * t for x, t in zip(args, tangents, strict=True)))
        return (up - down) / (2 * step)

    return (4 * central(h / 2) - central(h)) / 3


def close(found: Array, expected: Array, what: str, rtol: float = 1e-6) -> None:
    """Raise AssertionError unless found is expected, relative to the largest entry (or 1)."""
    scale = 1 + np.max(np.abs(expected), initial=0)
    worst = np.max(np.abs(np.asarray(found) - expected), initial=0) / scale
    assert worst < rtol, f"{what}: off by {worst:.2g} relative to {scale:.2g}"


def direction(rng: Any, x: Array) -> Array:
    """Numbers of both signs, of the shape of x, none of them small or equal to 1."""
    return rng.uniform(0.5, 0.99, np.shape(x)) * rng.choice([-1, 1], np.shape(x))


def check_first(f: Function, args: Sequence[Array]) -> Array:
    """Value, tangent, adjoint, shapes and dtypes of f at float64 args; returns the cotangent that was used."""
    rng = np.random.default_rng(1)
    tangents = [direction(rng, x) for x in args]
    plain = f(*args)
    value, tangent = jvp(f, args, tangents)
    again, pullback = vjp(f, *args)
    close(value, plain, "the value while pushing", 1e-14)
    close(again, plain, "the value while recording", 1e-14)
    assert np.shape(tangent) == np.shape(plain), f"the tangent has shape {np.shape(tangent)}, not {np.shape(plain)}"
    close(tangent, differences(f, args, tangents), "the tangent against differences")
    w = direction(rng, plain)
    adjoints = pullback(w)
    for x, g in zip(args, adjoints, strict=True):
        assert np.shape(g) == np.shape(x), f"the adjoint has shape {np.shape(g)}, not {np.shape(x)}"
        assert g.dtype == np.float64, f"the adjoint of a float64 argument is {g.dtype}"
    here, there = dot(w, tangent), sum(dot(g, u) for g, u in zip(adjoints, tangents, strict=True))
    assert abs(here - there) <= 1e-10 * (1 + abs(here)), f"<w, J u> = {here} but <J^T w, u> = {there}"
    return w


def check_jacobian(f: Function, args: Sequence[Array], w: Array) -> None:
    """All rows at once, and all columns at once, are what one row and one column at a time are."""
    rng = np.random.default_rng(2)
    adjoints = vjp(f, *args)[1](w)
    for i, (x, g) in enumerate(zip(args, adjoints, strict=True)):
        tangents = [direction(rng, x) if k == i else np.zeros_like(z) for k, z in enumerate(args)]
        column = jvp(f, args, tangents)[1]
        for mode in ("forward", "reverse"):
            tensor = jacobian(f, i, mode)(*args)
            assert tensor.shape == np.shape(w) + np.shape(x), f"the {mode} Jacobian has shape {tensor.shape}"
            close(np.tensordot(w, tensor, np.ndim(w)), g, f"the rows of the {mode} Jacobian", 1e-10)
            close(np.tensordot(tensor, tangents[i], np.ndim(x)), column, f"the columns of the {mode} Jacobian", 1e-10)


def check(f: Function, args: Sequence[Any], second: bool = True) -> None:
    """Raise AssertionError unless f, of arrays to one array, is differentiated rightly at args (taken as float64).

    Checked are value, tangent, adjoint, their shapes and dtypes, float32 in and float32 out, whole Jacobians, and with
    second=True the first of these for the gradient of <w, f> too. f has to be smooth at args.
    """
    args = tuple(np.asarray(x, float)[()] for x in args)
    w = check_first(f, args)
    check_float32(f, args, w)
    check_jacobian(f, args, w)
    if second:
        for i in range(len(args)):
            check_first(grad(lambda *xs: np.sum(w * f(*xs)), i), args)


def check_float32(f: Function, args: Sequence[Array], w: Array) -> None:
    """float32 in, float32 out, and the numbers those of float64."""
    narrow = tuple(np.asarray(x, np.float32)[()] for x in args)
    exact = vjp(f, *args)[1](w)
    value, pullback = vjp(f, *narrow)
    for g, e in zip(pullback(np.asarray(w, value.dtype)), exact, strict=True):
        assert g.dtype == np.float32, f"the adjoint of a float32 argument is {g.dtype}"
        close(g, e, "the float32 adjoint", 2e-3)
    pushed, tangent = jvp(f, narrow, narrow)
    assert tangent.dtype == pushed.dtype, f"a {pushed.dtype} value has a {tangent.dtype} tangent"


def as_written(rule: Rule) -> Function:
    """The function that people write for this row."""
    return rule.key if callable(rule.key) else lambda *args: call(rule, args, {})


def domains(rule: Elementwise) -> tuple[Any, ...]:
    """One interval per argument."""
    return rule.domain if isinstance(rule.domain[0], tuple) else (rule.domain,) * len(rule.formulas)


def generated(rule: Rule) -> list[Call]:
    """The calls (f, args) that follow from the row itself.

    Raises LookupError for a row that is neither elementwise nor a reduction: what its arguments mean has to be told.
    """
    f = as_written(rule)
    if isinstance(rule, Elementwise):
        count = len(rule.formulas)
        return [(f, tuple(map(sample, shapes[:count], domains(rule), range(count)))) for shapes in SHAPES]
    if isinstance(rule, Reduction) or rule.key in (np.sum, np.mean):
        box, ways = sample((2, 3, 4), seed=3), list(itertools.product(AXES, (False, True)))
        if not callable(rule.key):
            params = [{"axis": axes_of(box, axis), "keepdims": keepdims} for axis, keepdims in ways]
            return [(lambda x, p=p: call(rule, (x,), p), (box,)) for p in params]
        along = [(lambda x, a=a, k=k: f(x, axis=a, keepdims=k), (box,)) for a, k in ways]
        return [*along, (f, (sample(),)), (f, (sample((3, 4)),))]
    raise LookupError(f"{rule!r} has no calls of its own: say how it is called")
