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
    bad = [number for number, one in enumerate(seen) if not np.all(np.isfinite(one.yours))]
    exercise = seen[0].question.exercise
    is_edge = exercise.edge_inputs is not None and bad == [exercise.draws]  # the edge point follows the draws
    said = "at the edge case alone" if is_edge else f"at {len(bad)} of {len(seen)} points"
    for name in seen[0].question.point:
        pairs = [(np.asarray(one.question.point[name]), one.yours) for one in seen]
        if all(value.shape == yours.shape and value.dtype.kind == "f" for value, yours in pairs) and all(
            np.all(value[~np.isfinite(yours)] < 0) for value, yours in pairs
        ):
            said += f", all of them where {name} is negative"
    return said


def rounding(seen: Seen) -> Iterator[Mistake]:
    """Numbers found by hand that are the right ones, to fewer decimals than were asked or off in the last."""
    decimals = seen[0].question.exercise.decimals
    if decimals is not None and (text := misrounded(seen[0].yours, seen[0].right, decimals)):
        yield Mistake("a small relative error", f"{text.capitalize()}.", always)  # there is one point


def misrounded(yours: Array, right: Array, decimals: int) -> str:
    """What is wrong with numbers that are right but for how they were rounded; nothing if that is not all."""
    half = 0.5 * 10.0**-decimals
    if yours.shape != right.shape or np.any((yours == 0) & (np.abs(right) > half)):
        return ""
    if np.all(np.any([yours == np.round(right, fewer) for fewer in range(decimals + 1)], axis=0)):
        return f"right as far as it goes; give {decimals} decimals"
    off = np.abs(yours - right)
    if np.all((off <= half) | ((off < _NEAR * half) & (_NEAR * half < 0.1 * np.abs(right)))):
        return f"off in the last digit; keep more digits on the way, and round to {decimals} decimals at the end"
    return ""


_NEAR = 6  # halves of a unit in the last digit
Moved = Callable[[float], float]  # how much of the error is another one once all inputs move by this, relative to them


def precision(seen: Seen, rounded: Callable[[type], bool]) -> Iterator[Mistake]:
    """Right to some digits, in a way that tells why; `rounded(dtype)`: is the answer to rounded arguments the same?"""
    if seen[0].question.exercise.is_data:
        return  # numbers found by hand are rounded, not computed in another precision
    decimals = _decimals(seen)
    if decimals is not None:
        what = "whole numbers: is an array of integers used?" if decimals == 0 else f"{decimals} decimals."
        yield Mistake("a small relative error", f"Your numbers are the right ones, rounded to {what}", always)
        return
    error = max(map(relative_error, seen))
    for label, dtype, most in (("single precision", np.float32, NEARLY_RIGHT), ("half precision", np.float16, 3e-2)):
        varied = np.unique(np.concatenate([one.yours.ravel() for one in seen])).size > 1  # a constant may be short
        if error < most and varied and (all(_is_of(one.yours, dtype) for one in seen) or rounded(dtype)):
            yield Mistake(label, _COMPUTED[label], always)
            return
    if float(np.median([relative_error(one) for one in seen])) < 0.1 and all(
        is_quotient(one.question, one.block, one.yours, one.right) for one in seen
    ):
        yield Mistake("a finite difference", _QUOTIENT, always)


_COMPUTED = {
    "single precision": "Your numbers are right to about seven digits only: something was computed in float32.",
    "half precision": "Your numbers are right to about three digits only: something was computed in float16.",
}
_QUOTIENT = (
    "Your numbers are close but not exact, as a difference quotient would give them; the exact formula is asked."
)
ANOTHER = 0.3  # of the error, to be called another error
# Steps that change every rounding in a precision, and the largest relative error that it makes.
_ROUNDINGS = (("single precision", 4e-7, 1e-4), ("half precision", 4e-3, 3e-2))
_LONGER = 6.0  # times the step
_LEAST_OF_QUOTIENT = 1e-11  # a smaller relative error is no sign of one: right methods lose as much by rounding
_LAST_DIGITS = 1e-11  # a step that changes what is rounded in double precision, and nothing that is not
_CLOSE = 1e-3  # a relative error that is smaller comes from the right formula


def imprecision(seen: Seen, moved: Moved) -> Iterator[Mistake]:
    """Right to some digits; the error tells why by the steps at which it jumps.

    What is rounded in float32 or float16 is rounded otherwise once the inputs move by a few of its last bits, and not
    before; a difference of function values jumps as soon as anything moves; a wrong constant does not.
    """
    error = max(map(relative_error, seen))
    if seen[0].question.exercise.is_data or error >= _ROUNDINGS[-1][2]:
        return
    if _jumps(moved, _LAST_DIGITS):
        if error >= _LEAST_OF_QUOTIENT:
            yield Mistake("a finite difference", _QUOTIENT, always, LIKELY)
        return
    for label, step, most in _ROUNDINGS:
        if moved(step) >= ANOTHER:
            if not _jumps(moved, step):
                break
            if error < most:
                yield Mistake(label, _COMPUTED[label], always, LIKELY)
            return
    if error < _CLOSE:
        text = (
            f"Your numbers are off by a small part, at most {error:.0e} of the largest, and smoothly so: "
            "a small constant that does not belong there, or one that is not exact."
        )
        yield Mistake("a small relative error", text, always, LIKELY)


def _jumps(moved: Moved, step: float) -> bool:
    """Whether the error is another one after a step, and no more so after a longer one: what is rounded stays small.

    An answer that holds for its inputs alone, such as for weights whose sum is 1, is off by more the further they move.
    """
    change = moved(step)
    return change >= ANOTHER and moved(_LONGER * step) < _LONGER / 2 * change


def _decimals(seen: Seen) -> int | None:
    """To how many decimals the right numbers were rounded or cut off, if that is what came."""
    if not all(one.comparable for one in seen) or sum(one.right.size for one in seen) < _ENTRIES:
        return None
    whole = [np.abs(one.yours[one.yours == np.rint(one.yours)]) for one in seen]
    for decimals in range(0 if any(np.any(part > 1) for part in whole) else 1, 13):  # zeros and ones come by other ways
        unit = 10.0**decimals
        if all(
            any(np.array_equal(one.yours, cut(one.right * unit) / unit) for cut in (np.rint, np.trunc, np.floor))
            for one in seen
        ):
            return decimals
    return None


_ENTRIES = 6  # so few whole numbers may be near the right ones by accident


def _is_of(values: Array, dtype: type) -> bool:
    with np.errstate(over="ignore"):
        return bool(np.array_equal(values, values.astype(dtype).astype(np.float64)))
