"""A gradient in the memory of a square root: what was forgotten is computed again.

Reverse mode keeps every value. Through a chain of d steps it is enough to keep every k-th state, and to record the k
steps from there again when the walk comes back: d/k states and a list of k steps, least for k = sqrt(d), for at most
one evaluation more (Griewank & Walther 2008, chapter 12; Chen et al. 2016, "Training deep nets with sublinear memory
cost").
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from autodiff.modes import gradients, lift, on_tape, ones, scalar, trace
from autodiff.rule import Array
from autodiff.tape import RefusalError

Step = tuple[Callable[..., Any], tuple[Any, ...]]


def checkpointed(
    steps: Sequence[Callable[..., Any]], x: Any, weights: Sequence[tuple[Any, ...]] | None = None
) -> tuple[Array, Array, list[tuple[Array, ...]]]:
    """(value, gradient in x, gradients in the weights of each step) of the chain steps[-1](... steps[0](x)).

    steps[i] takes the state and the arrays weights[i] (by default none) and returns the next state; the last one is a
    number. Most steps run twice, and must do the same both times. The results are those of `grad` to the last bit, in
    the memory of about 2 sqrt(len(steps)) states. Raises RefusalError without steps, or for weights of another number.
    """
    own = [()] * len(steps) if weights is None else [tuple(part) for part in weights]
    if not steps or len(own) != len(steps):
        raise RefusalError(f"a chain of {len(steps)} step(s) was given weights for {len(own)}: one tuple for each.")
    chain, every = list(zip(steps, own, strict=True)), math.isqrt(len(steps) - 1) + 1
    *before, last = (chain[start : start + every] for start in range(0, len(chain), every))
    states = [lift(x, "argument 0")]
    for segment in before:
        states.append(run(segment)(states[-1], *flat(segment)))
    value = g = None
    found: list[Array] = []
    for segment in (last, *reversed(before)):
        args = (states.pop(), *flat(segment))
        tape, y = trace(run(segment), args, range(len(args)))
        if segment is last:
            scalar(y)
            value = y.value if on_tape(y, tape) else lift(y, "the value of the function")
            g = ones(value)
        g, *inner = gradients(tape, y, g, len(args))
        found = inner + found
        del tape, y  # before the next list is recorded
    rest = iter(found)
    return value, g, [tuple(islice(rest, len(part))) for part in own]


def run(segment: Sequence[Step]) -> Callable[..., Any]:
    """Some steps as a function of the state and of all their weights in a row."""

    def steps(state: Any, *weights: Any) -> Any:
        rest = iter(weights)
        for step, own in segment:
            state = step(state, *islice(rest, len(own)))
        return state

    return steps


def flat(segment: Sequence[Step]) -> list[Any]:
    """The weights of some steps in a row."""
    return [w for _, own in segment for w in own]
