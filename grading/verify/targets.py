"""Target: the right derivative of something else, or nothing that was computed from these arguments."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from grading.verify.catalogue import Mistake, Predict, Seen, always, equals, is_near


def blanks(seen: Seen) -> Iterator[Mistake]:
    """Nothing computed, another block's answer, or an answer kept from an earlier call."""
    first = seen[0]
    names = first.question.exercise.block_names
    yield Mistake(
        "zeros",
        "Everything you returned is zero.",
        equals(lambda one: np.zeros_like(one.yours) if one.yours.size else None),
    )
    for other, name in enumerate(names):
        if other != first.block:
            yield Mistake(
                "blocks exchanged",
                f"What you returned for {names[first.block]} is the answer for {name}.",
                equals(_block(other)),
            )
    if is_near(first) and _never_changes(seen):
        yield Mistake(
            "an earlier answer returned",
            "Your function returns again what it returned the first time. Compute from the arguments of every call.",
            always,
        )


def targets(seen: Seen) -> Iterator[Mistake]:
    """Something else that can be computed from the same inputs."""
    first = seen[0]
    for name in first.question.point:
        yield Mistake("an input returned", f"You returned {name} itself.", equals(_input(name)))
    for number, _ in enumerate(first.question.directions):
        what = "cotangent" if first.question.exercise.asks == "vjp" else "tangent"
        yield Mistake("an input returned", f"You returned the {what} itself.", equals(_direction(number)))
    if first.question.exercise.asks != "value":
        yield Mistake(
            "the value instead of its derivative",
            "You returned the function's value, not its derivative.",
            equals(lambda one: one.question.exercise.value_at(one.question.point)),
        )
    if _never_changes(seen) and np.ptp(first.yours) > 0:
        yield Mistake(
            "numbers pasted in",
            "You returned the same numbers at every point, whatever the arguments were.",
            always,
        )


def _never_changes(seen: Seen) -> bool:
    """Whether the same numbers came at every point although others were expected."""
    first, *later = seen
    return (
        bool(later)
        and all(np.array_equal(one.yours, first.yours) for one in later)
        and not all(np.array_equal(one.right, first.right) for one in later)
    )


def _block(number: int) -> Predict:
    return lambda seen: seen.expected[number]


def _input(name: str) -> Predict:
    return lambda seen: np.asarray(seen.question.point[name])


def _direction(number: int) -> Predict:
    return lambda seen: np.asarray(seen.question.directions[number])
