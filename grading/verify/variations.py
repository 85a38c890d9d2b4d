"""The same function written in another way: its list as somebody differentiates it who knows it by another formula.

A mistake that is one fault there may be many, or none that can be planted, on the list as the exercise has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from autodiff.rule import Args, Params, Rule, call
from autodiff.tape import Var
from grading.verify.activations import activations, sigmoid
from grading.verify.exercise import Array
from grading.verify.faults import Change, Edit, Recorded

Variation = Callable[[Recorded], Change]  # what comes in the place of lines, which leaves the value as it is


def variations(recorded: Recorded) -> Iterator[Variation]:
    """How else the function may be written."""
    for several in ([*_vanishing(recorded)], [*_moduli(recorded)]):
        if several:
            yield partial(_all_at_once, several)
    yield from _cross_entropies(recorded)


def _all_at_once(several: list[Variation], recorded: Recorded) -> Change:
    return {line: put for variation in several for line, put in variation(recorded).items()}


# --- ways through which nothing comes in the end ---------------------------------------------------------------------


def _vanishing(recorded: Recorded) -> Iterator[Variation]:
    """Two steps in a row whose share of the derivative is nothing, as the mean's in sum((x - mean(x))**2)."""
    if recorded.asks == "jvp":
        return
    plain = recorded.answer()
    users: dict[int, set[int]] = {}
    for i, _, parent in recorded.edges:
        users.setdefault(parent, set()).add(i)
    for middle, slot, base in recorded.edges:
        for upper in sorted(users.get(middle, ())):
            if len(users[middle]) > 1 and len(set(recorded.lines[middle][1])) > 1:
                lost = [Edit(upper, base, through=middle, times=0.0)]
                if all(map(_close, plain, recorded.answer(lost))):
                    yield partial(_held, upper, middle, slot)


def _held(upper: int, middle: int, slot: int, recorded: Recorded) -> Change:
    """One line's operand made once more of a constant."""
    kept: list[tuple[Rule, Args, Params, Any]] = []

    def keep(rule: Rule, args: Args, params: Params) -> Any:
        value = call(rule, args, params)
        kept.append((rule, args, params, value))
        return value

    def use(rule: Rule, args: Args, params: Params) -> Any:
        of, inner, how, value = kept[-1]
        still = call(of, tuple(_plain(a) if k == slot else a for k, a in enumerate(inner)), how)
        return call(rule, tuple(still if a is value else a for a in args), params)

    return {middle: keep, upper: use}


def _plain(arg: Any) -> Array:
    return np.asarray(arg.value if isinstance(arg, Var) else arg)


def _close(one: Array, two: Array) -> bool:
    return bool(np.max(np.abs(one - two), initial=0.0) <= 1e-12 * np.max(np.abs(one), initial=0.0))


# --- what is never negative is its own absolute value ----------------------------------------------------------------


def _moduli(recorded: Recorded) -> Iterator[Variation]:
    """The absolute value of what is cut off at zero, or a power."""
    names = recorded.names_of_rules
    for i, _, parent in recorded.edges:
        if names[i] in ("absolute", "fabs") and names[parent] in ("maximum", "where", "exp", "square", "logaddexp"):
            yield partial(_without_modulus, i)


def _without_modulus(line: int, recorded: Recorded) -> Change:
    below = np.any(np.asarray(recorded.lines[line][2][0]) < 0)
    return {} if below else {line: _itself}


def _itself(rule: Rule, args: Args, params: Params) -> Any:
    return args[0] + 0.0


# --- log(1 + exp(z)) and z as logarithms of a probability ------------------------------------------------------------


def _cross_entropies(recorded: Recorded) -> Iterator[Variation]:
    """softplus(z) - y z as -y log(p) - (1 - y) log(1 - p), where p = sigmoid(z)."""
    for upper, base, which in activations(recorded):
        if which.name != "softplus" or base < recorded.count or np.any(np.abs(recorded.value(base)) > _SATURATED):
            continue
        weighing = [
            i
            for i, _, parent in recorded.edges
            if parent == base and recorded.names_of_rules[i] == "multiply" and not recorded.depends(upper, i)
        ]
        if weighing:
            yield partial(_of_probability, upper, base, tuple(weighing))


_SATURATED = 15.0  # an argument so large leaves few digits of 1 - p


def _of_probability(upper: int, base: int, weighing: tuple[int, ...], recorded: Recorded) -> Change:
    made: dict[str, Any] = {}

    def argument(rule: Rule, args: Args, params: Params) -> Any:
        made["z"] = call(rule, args, params)
        made["p"] = sigmoid(made["z"])
        made["log"], made["other"] = np.log(made["p"]), np.log(1 - made["p"])
        return made["z"]

    def softplus(rule: Rule, args: Args, params: Params) -> Any:
        return -made["other"]

    def weighed(rule: Rule, args: Args, params: Params) -> Any:
        odds = made["log"] - made["other"]
        return call(rule, tuple(odds if a is made["z"] else a for a in args), params)

    return {base: argument, upper: softplus, **dict.fromkeys(weighing, weighed)}
