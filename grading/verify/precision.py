"""Precision: right, but not to the last digits; or no numbers at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from grading.verify.catalogue import LIKELY, NEARLY_RIGHT, Mistake, Seen, always, relative_error
from grading.verify.exercise import Array
from grading.verify.quotients import is_quotient


def unfinite(seen: Seen) -> Iterator[Mistake]:
    """NaN or inf where a number was expected."""
    if all(one.yours.shape == () != one.right.shape and np.isnan(one.yours) for one in seen):
        yield Mistake("not finite", f"Nothing was returned for {seen[0].name}: None, or nan, in its place.", always)
    elif any(one.yours.size and not np.all(np.isfinite(one.yours)) for one in seen):
        yield Mistake(
            "not finite",
            f"Some entries are nan or inf: {_where_not_finite(seen)}.",
            always,
        )


def _where_not_finite(seen: Seen) -> str:
    bad = sum(not np.all(np.isfinite(one.yours)) for one in seen)
    said = f"at {bad} of {len(seen)} points"
    for name in seen[0].question.point:
        pairs = [(np.asarray(one.question.point[name]), one.yours) for one in seen]
        if all(value.shape == yours.shape and value.dtype.kind == "f" for value, yours in pairs) and all(
            np.all(value[~np.isfinite(yours)] < 0) for value, yours in pairs
        ):
            said += f", all of them where {name} is negative"
    return said


def precision(seen: Seen, rounded: Callable[[type], bool]) -> Iterator[Mistake]:
    """Right to some digits, in a way that tells why; `rounded(dtype)`: is the answer to rounded arguments the same?"""
    if seen[0].question.exercise.is_data:
        return  # numbers found by hand are rounded, not computed in another precision
    error = max(map(relative_error, seen))
    for label, dtype, digits, most in (
        ("single precision", np.float32, "seven", NEARLY_RIGHT),
        ("half precision", np.float16, "three", 3e-2),
    ):
        varied = np.unique(np.concatenate([one.yours.ravel() for one in seen])).size > 1  # a constant may be short
        if error < most and varied and (all(_is_of(one.yours, dtype) for one in seen) or rounded(dtype)):
            yield Mistake(
                label,
                f"Your numbers are right to about {digits} digits only: something was computed in {dtype.__name__}.",
                always,
            )
            return
    if error < 0.1 and all(is_quotient(one.question, one.block, one.yours, one.right) for one in seen):
        yield Mistake("a finite difference", _QUOTIENT, always)


_QUOTIENT = (
    "Your numbers are close but not exact, as a difference quotient would give them; the exact formula is asked."
)


def imprecision(seen: Seen) -> Iterator[Mistake]:
    """Right to some digits, for a reason that does not show."""
    error = max(map(relative_error, seen))
    if seen[0].question.exercise.is_data:
        return
    if 1e-9 < error < NEARLY_RIGHT and seen[0].question.exercise.asks != "hessian_diagonal":
        yield Mistake(
            "single precision",
            "Your numbers are right to about seven digits only: float32 on the way, or a difference quotient.",
            always,
            LIKELY,
        )
    elif error < 1e-3:
        yield Mistake("a finite difference", _QUOTIENT, always, LIKELY)


def _is_of(values: Array, dtype: type) -> bool:
    with np.errstate(over="ignore"):
        return bool(np.array_equal(values, values.astype(dtype).astype(np.float64)))
