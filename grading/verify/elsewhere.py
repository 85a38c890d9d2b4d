"""Answers that are something else than what was asked: a value on the way, or a derivative of or in something else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from grading.verify.budget import while_time
from grading.verify.catalogue import ALMOST_SURE, Seen, within
from grading.verify.exercise import Array, Asks
from grading.verify.faults import Recorded
from grading.verify.sampling import Question
from grading.verify.trial import Found, recorded_at


def elsewhere(wrong: list[Seen]) -> list[Found]:
    """Blocks that are a value of the function's list, or the derivative of or with respect to something else."""
    exercise = wrong[0][0].question.exercise
    if exercise.asks == "value":
        return []
    lists = [recorded for seen in wrong[0] if (recorded := recorded_at(seen.question, None)) is not None]
    if len(lists) < len(wrong[0]) or len({recorded.names_of_rules for recorded in lists}) > 1:
        return []
    if exercise.asks == "jacobian":
        return [found for seen in wrong if (found := _thing(seen, list(while_time(_jacobians(lists))))) is not None]
    things = [*while_time(_other_derivatives(wrong[0])), *_values(lists)]
    if exercise.asks != "hessian_diagonal":
        things += _on_the_way(lists)
    return [found for seen in wrong if (found := _thing(seen, [*things, _ones(seen)])) is not None]


Thing = tuple[str, str, list[Array]]  # a label, a text, and what it is at each point


def _thing(seen: Seen, things: list[Thing]) -> Found | None:
    for label, text, values in things:
        if all(v.shape == one.yours.shape and within(one.yours, v, one) for v, one in zip(values, seen, strict=True)):
            return Found(label, text, ALMOST_SURE, [seen])
    return None


def _ones(seen: Seen) -> Thing:
    text = "You returned ones: nothing that the derivative is multiplied by is there."
    return "inner derivative forgotten", text, [np.ones(one.right.shape) for one in seen]


def _jacobians(lists: list[Recorded]) -> Iterator[Thing]:
    for line in range(lists[0].count, lists[0].last):
        text = f"You returned the Jacobian with respect to {lists[0].say(line)}: the chain rule goes on from there."
        yield "inner derivative forgotten", text, [recorded.jacobian_in(line) for recorded in lists]


def _values(lists: list[Recorded]) -> Iterator[Thing]:
    for line in range(lists[0].count, lists[0].last + 1):
        text = f"You returned {lists[0].say(line)}, a value on the way, not a derivative."
        yield "the value instead of its derivative", text, [recorded.value(line) for recorded in lists]


def _on_the_way(lists: list[Recorded]) -> Iterator[Thing]:
    """The adjoint of a line, or its tangent where tangents are pushed forward."""
    flows = [recorded.flow() for recorded in lists]
    text = "You returned the derivative with respect to {}."
    if lists[0].asks == "jvp":
        text = "You returned the tangent of {}: push it through the steps that follow."
    for line in range(lists[0].last):
        if all(flow[line] is not None for flow in flows):
            values = [np.asarray(flow[line], dtype=np.float64) for flow in flows]
            yield "another derivative", text.format(lists[0].say(line)), values


def _other_derivatives(seen: Seen) -> Iterator[Thing]:
    """Gradients in the inputs that are not asked for, and derivatives of another order."""
    exercise, point = seen[0].question.exercise, seen[0].question.point
    if exercise.asks not in ("gradient", "hessian_diagonal"):
        return
    text = "You returned the derivative with respect to {}."
    orders: dict[str, tuple[Asks, str]] = {
        "gradient": ("hessian_diagonal", "second"),
        "hessian_diagonal": ("gradient", "first"),
    }
    for name, value in point.items():
        if np.asarray(value).dtype.kind == "f":
            other, which = orders[exercise.asks]
            derivatives = _derivatives(seen, name, other)
            yield "another derivative", f"You returned the {which} derivative.", derivatives
            if exercise.asks == "hessian_diagonal":
                yield (
                    "another derivative",
                    "You returned the square of the first derivative.",
                    [d * d for d in derivatives],
                )
            if name not in exercise.wrt:
                yield "another derivative", text.format(name), _derivatives(seen, name, exercise.asks)


def _derivatives(seen: Seen, name: str, asks: Asks) -> list[Array]:
    """The gradient, or the Hessian's diagonal, in one input at every point; nothing that fits where there is none."""
    try:
        return [_derivative(one.question, name, asks) for one in seen]
    except (AttributeError, TypeError, ValueError):
        return [np.empty(0) for _ in seen]


def _derivative(question: Question, name: str, asks: Asks) -> Array:
    other = replace(question.exercise, wrt=(name,), asks=asks)
    return Recorded(Question(other, question.point), 0 if asks == "hessian_diagonal" else None).answer()[0]
