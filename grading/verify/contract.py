"""What every answer owes, whatever its values: its form, arguments left alone, the same answer twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from grading.verify.exercise import Array
from grading.verify.respondent import Reply
from grading.verify.sampling import Question
from grading.verify.tolerance import Blocks
from grading.verify.verdict import Cause

_MOST_NUMBERS = 12  # that are shown of the inputs


def split_blocks(reply: Reply, expected: Blocks, names: Sequence[str] = ()) -> Blocks | str:
    """The reply's arrays, one per expected block; or one line saying what came instead of those of these names."""
    values = reply.values
    is_list = reply.form is not None and reply.form.container == "list"
    if len(values) == len(expected):
        is_one = is_list and len(values) == 1 and expected[0].ndim > 1 and values[0].shape == (1, *expected[0].shape)
        return tuple(values[0]) if is_one else values  # a list of one array is that array
    is_stack = is_list or len({block.shape for block in expected}) == 1
    if len(values) == 1 and values[0].ndim and len(values[0]) == len(expected) and is_stack:
        return tuple(values[0])  # a list of equal-shaped arrays arrives stacked
    if len(expected) == 1 and (len(values), *_common_shape(values)) == expected[0].shape:
        return (np.stack(values),)  # a tuple of rows, where a list of them would do as well
    if len(values) > 1 and len(expected) == 1 and is_list:
        return "a list whose rows have different lengths; expected one array"
    named = _shapes(dict(zip(names, expected, strict=False)))
    in_order = f", in this order: {named}" if len(expected) > 1 and named else ""
    return f"{_counted(values)}; expected {_counted(expected)}{in_order}"


def _counted(blocks: Blocks) -> str:
    if len(blocks) != 1:
        return f"{len(blocks)} {'numbers' if blocks and not any(map(np.ndim, blocks)) else 'arrays'}"
    return f"one array of shape {blocks[0].shape}" if np.ndim(blocks[0]) else "one number"


def _shapes(named: Mapping[str, Array]) -> str:
    return ", ".join(f"{name} {np.shape(value) or '(a number)'}" for name, value in named.items())


def arguments(question: Question) -> dict[str, Array]:
    """What an answer is called with, by name: the inputs and, as they are called in words, the judge's directions."""
    named = ["the cotangent"] if question.exercise.asks == "vjp" else []
    named = named or [f"the tangent of {name}" for name in question.exercise.wrt]
    directions = dict(zip(named, question.directions, strict=False))
    return dict(question.point) | directions


def called_with(question: Question) -> str:
    """What an answer was called with, by name and shape."""
    return _shapes(arguments(question))


def inputs_of(question: Question) -> str:
    """The arguments themselves if they are few numbers, or else their shapes."""
    named = arguments(question)
    if sum(np.size(value) for value in named.values()) > _MOST_NUMBERS:
        return _shapes(named)
    return ", ".join(f"{name} = {_numbers(value)}" for name, value in named.items())


def _numbers(value: Array) -> str:
    """Numbers to six digits, in the brackets in which NumPy reads them."""
    return f"[{', '.join(map(_numbers, value))}]" if np.ndim(value) else f"{value:.6g}"


def _common_shape(values: Blocks) -> tuple[int, ...]:
    shapes = {value.shape for value in values}
    return shapes.pop() if len(shapes) == 1 else (-1,)


def with_shape(value: Array, shape: tuple[int, ...]) -> tuple[Array | None, str]:
    """The value in the wanted shape and a note, or None and what is wrong.

    A row (1, n) is taken for a vector (n,), since both say the same, and (1,) for a number; a column (n, 1) is not,
    since it broadcasts, nor anything with more axes.
    """
    if value.shape == shape:
        return value, ""
    if value.shape == (1, *shape) and len(shape) < 2:
        return value[0], f"shape {value.shape} was read as {shape}"
    if not value.ndim:
        return None, f"one number; expected an array of shape {shape}"
    return None, f"shape {value.shape}; expected {shape or 'one number'}{_too_many(value.shape, shape)}"


def _too_many(given: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """Which axis to leave out of a shape to have the wanted one, if it is one of length 1 or the only one."""
    axes = [axis for axis in range(len(given)) if given[:axis] + given[axis + 1 :] == shape]
    return f": axis {axes[0]} is too many" if axes and (len(axes) == 1 or given[axes[0]] == 1) else ""


def changed_arguments(before: Sequence[Array], after: Sequence[Array], names: Sequence[str]) -> list[str]:
    """Names of the arguments that a call altered."""
    return [name for name, sent, kept in zip(names, before, after, strict=True) if not _equal(sent, kept)]


def same_values(first: Sequence[Array], second: Sequence[Array]) -> bool:
    """Whether two replies are equal to the last bit."""
    return len(first) == len(second) and all(_equal(one, two) for one, two in zip(first, second, strict=True))


def _equal(one: Array, two: Array) -> bool:
    """Whether two arrays are equal to the last bit; looking for nan takes longer, so it comes second."""
    return one.shape == two.shape and (bool((one == two).all()) or np.array_equal(one, two, equal_nan=True))


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
KEEPS_ANSWERS = Cause(
    "an earlier answer returned",
    "Your function returns what it has kept from an earlier call: where one argument is as it was then, "
    "the others may be new.",
    1.0,
)
