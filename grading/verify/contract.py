"""What every answer owes, whatever its values: its form, arguments left alone, the same answer twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grading.verify.exercise import Array
from grading.verify.respondent import Reply
from grading.verify.tolerance import Blocks
from grading.verify.verdict import Cause


def split_blocks(reply: Reply, expected: Blocks) -> Blocks | str:
    """The reply's arrays, one per expected block; or one line saying why they cannot be told apart."""
    values = reply.values
    if len(values) == len(expected):
        return values
    if len(values) == 1 and values[0].ndim and len(values[0]) == len(expected):
        return tuple(values[0])  # a list of equal-shaped arrays arrives stacked
    if len(expected) == 1 and (len(values), *_common_shape(values)) == expected[0].shape:
        return (np.stack(values),)  # a tuple of rows, where a list of them would do as well
    if len(values) > 1 and len(expected) == 1 and reply.form is not None and reply.form.container == "list":
        return "it returned a list whose rows have different lengths; expected one array"
    wanted = "one array" if len(expected) == 1 else f"a tuple of {len(expected)} arrays"
    got = "one array" if len(values) == 1 else f"{len(values)} arrays"
    return f"it returned {got}; expected {wanted}"


def _common_shape(values: Blocks) -> tuple[int, ...]:
    shapes = {value.shape for value in values}
    return shapes.pop() if len(shapes) == 1 else (-1,)


def with_shape(value: Array, shape: tuple[int, ...]) -> tuple[Array | None, str]:
    """The value in the wanted shape and a note, or None and what is wrong.

    A row (1, n) is taken for a vector (n,), since both say the same; a column (n, 1) is not, since it broadcasts.
    """
    if value.shape == shape:
        return value, ""
    if value.shape == (1, *shape):
        return value[0], f"shape {value.shape} was read as {shape}"
    return None, f"shape {value.shape}; expected {shape}"


def changed_arguments(before: Sequence[Array], after: Sequence[Array], names: Sequence[str]) -> list[str]:
    """Names of the arguments that a call altered."""
    return [name for name, sent, kept in zip(names, before, after, strict=True) if not _equal(sent, kept)]


def same_values(first: Sequence[Array], second: Sequence[Array]) -> bool:
    """Whether two replies are equal to the last bit."""
    return len(first) == len(second) and all(_equal(one, two) for one, two in zip(first, second, strict=True))


def _equal(one: Array, two: Array) -> bool:
    """Whether two arrays are equal to the last bit; looking for nan takes longer, so it comes second."""
    return np.array_equal(one, two) or np.array_equal(one, two, equal_nan=True)


def changes_arguments(names: Sequence[str]) -> Cause:
    """The function altered what it was given."""
    mend = f"`{names[0]} = {names[0]}.copy()`" if names[0].isidentifier() else "`.copy()`"
    which = " and ".join(names)
    return Cause("changes its arguments", f"Your function changes {which} in place. Work on a copy: {mend}.", 1.0)


TWO_CALLS_DISAGREE = Cause(
    "two calls disagree",
    "Called twice with the same arguments, your function gives two different answers. Something is kept between calls.",
    1.0,
)
OVERWRITES_EARLIER = Cause(
    "overwrites an earlier answer",
    "A later call changes the array that an earlier call returned. Return a new array each time.",
    1.0,
)
