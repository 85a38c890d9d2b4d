"""Single faults that are tried last: rows left out, factors too many, other operands, entries beside the right ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, combinations

import numpy as np

from grading.verify.activations import activations, sigmoid, softmax
from grading.verify.exercise import Array
from grading.verify.faults import Blocks, Edit, Edits, Recorded
from grading.verify.suspects import Group, Suspect, candidates, fixed, operand, planted


def far_fetched(recorded: Recorded) -> Iterator[Group]:
    """What is tried after everything that can be seen on the arrays."""
    yield _masked_rows(recorded)
    yield _extra_factors(recorded)
    yield chain(_other_operands(recorded), _rolled(recorded))
    yield _crossed(recorded)


def _masked_rows(recorded: Recorded) -> Iterator[Suspect]:
    """Only the first or last row of a batch used, or all but one; of later axes all but one."""
    for i in range(recorded.count, recorded.last + 1):
        shape = recorded.value(i).shape
        for row, which in ((0, "first"), (-1, "last")):
            for axis, length in enumerate(shape):
                if length > 2:
                    what = "row" if axis == 0 else f"entry along axis {axis}"
                    text = f"The {which} {what} of {recorded.say(i)} is left out."
                    yield planted("off by one", text, partial(_row_left_out, i, row, axis))
            for mean in (False, True) if shape and shape[0] > 2 else ():
                last = row == -1  # a loop that overwrites what it should add to ends there
                yield planted(
                    "a path or term dropped" if last else "wrong for batches",
                    f"Only the {which} row of {recorded.say(i)} is used: "
                    + (
                        "the others are overwritten, not added."
                        if last
                        else "the other rows of the batch count as well."
                    ),
                    partial(_row_alone, i, row, mean),
                )
            if len(shape) > 1:
                text = f"Only the {which} entry of {recorded.say(i)} is used: the others are overwritten, not added."
                yield planted("a path or term dropped", text, partial(_entry_alone, i, row))


def _row_alone(i: int, row: int, mean: bool, recorded: Recorded) -> Edits:
    mask = np.zeros_like(recorded.value(i), dtype=np.float64)
    mask[row] = len(mask) if mean else 1.0
    return [Edit(i, i, times=mask)]


def _entry_alone(i: int, place: int, recorded: Recorded) -> Edits:
    mask = np.zeros(recorded.value(i).size)
    mask[place] = 1.0
    return [Edit(i, i, times=mask.reshape(recorded.value(i).shape))]


def _row_left_out(i: int, row: int, axis: int, recorded: Recorded) -> Edits:
    mask = np.ones_like(recorded.value(i), dtype=np.float64)
    np.moveaxis(mask, axis, 0)[row] = 0.0
    return [Edit(i, i, times=mask)]


def _other_operands(recorded: Recorded) -> Iterator[Suspect]:
    """Products whose other factor is another array: not transposed, reshaped, before the activation, or missing."""
    arguments: dict[int | None, str] = {upper: recorded.say(base) for upper, base, _ in activations(recorded)}
    for i, slot, parent in recorded.edges:
        rule, parents, args, _, _ = recorded.lines[i]
        if rule is None or (rule.name != "multiply" and rule.kind != "multilinear"):
            continue
        for other in range(len(args)):
            if other != slot:
                if rule.kind == "multilinear":
                    yield from _turned_operands(recorded, (i, slot, parent), other)
                yield from _exchanged_operands(recorded, (i, slot, parent), other, arguments.get(parents[other]))


Edge = tuple[int, int, int]


def _turned_operands(recorded: Recorded, edge: Edge, other: int) -> Iterator[Suspect]:
    name, shape = operand(recorded, edge[0], other), np.shape(recorded.lines[edge[0]][2][other])
    yield planted(
        "inner derivative forgotten",
        f"The factor {name} is missing: what passes through a product is multiplied by it.",
        partial(_with_operand, edge, other, np.ones_like),
    )
    if len(shape) == 2:
        yield planted(
            "reshape for transpose",
            f"{name} was reshaped where its transpose was meant.",
            partial(_with_operand, edge, other, lambda a: a.reshape(a.shape[::-1]).T),
        )
    if len(shape) == 2 and shape[0] == shape[1]:
        yield planted(
            "transposed",
            f"Transpose {name}, or do not: going back, a product with a matrix needs its transpose.",
            partial(_with_operand, edge, other, np.transpose),
        )


def _exchanged_operands(recorded: Recorded, edge: Edge, other: int, inner: str | None) -> Iterator[Suspect]:
    name, shape = operand(recorded, edge[0], other), np.shape(recorded.lines[edge[0]][2][other])
    for number, (said, value) in enumerate(recorded.pool):
        if value.shape == shape and said != name:
            label = "activation derivative at the wrong point" if said == inner else "another derivative"
            yield planted(label, f"{said} stands where {name} belongs.", partial(_with_pool, edge, other, number))


def _crossed(recorded: Recorded) -> Iterator[Suspect]:
    """The other factors of two products, each in the place of the other."""
    edges = [(i, slot, parent) for i, slot, parent in recorded.edges if recorded.names_of_rules[i] == "multiply"]
    for one, two in combinations(edges[:_MOST_CROSSED], 2):
        names = [operand(recorded, i, 1 - slot) for i, slot, _ in (one, two)]
        if one[0] != two[0] and names[0] != names[1]:
            text = f"{names[0]} and {names[1]} have changed places in the derivatives of {recorded.say(one[0])} and "
            yield planted("another derivative", text + f"{recorded.say(two[0])}.", partial(_with_each_other, one, two))


_MOST_CROSSED = 30


def _with_each_other(one: Edge, two: Edge, recorded: Recorded) -> Edits:
    first, second = (np.asarray(recorded.lines[i][2][1 - slot]) for i, slot, _ in (one, two))
    if first.shape != second.shape:
        raise ValueError("the mistake cannot be made here")
    return [
        *_with_operand(one, 1 - one[1], lambda _: second, recorded),
        *_with_operand(two, 1 - two[1], lambda _: first, recorded),
    ]


def _with_operand(edge: Edge, other: int, turn: Callable[[Array], Array], recorded: Recorded) -> Edits:
    i, slot, parent = edge
    args = list(recorded.lines[i][2])
    args[other] = turn(np.asarray(args[other]))
    return [Edit(i, parent, slot, at=(tuple(args), recorded.lines[i][4]))]


def _with_pool(edge: Edge, other: int, number: int, recorded: Recorded) -> Edits:
    return _with_operand(edge, other, lambda _: recorded.pool[number][1], recorded)


def _rolled(recorded: Recorded) -> Iterator[Suspect]:
    for i, slot, parent in recorded.edges:
        rule = recorded.lines[i][0]
        if rule is not None and rule.name == "getitem" and recorded.asks != "jacobian":
            for by in (1, -1):
                for axis in range(recorded.value(parent).ndim):
                    yield planted(
                        "off by one",
                        f"What comes back from {recorded.say(i)} goes to entries one too far on or back.",
                        fixed(Edit(i, parent, slot, law=partial(_moved_on, by, axis))),
                    )


def _moved_on(by: int, axis: int, moving: Array, passed: Array) -> Array:
    return np.roll(passed, by, axis=axis)


# What may have come in by multiplication: a factor too many, one left out, a sign.
_FACTORS: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "{}": ("an extra factor", lambda v: v),
    "1 / {}": ("inner derivative forgotten", lambda v: 1 / v),
    "sign({})": ("wrong for negative inputs", np.sign),
    "{} * (1 - {})": ("an extra factor", lambda v: v * (1 - v)),
    "1 / sigmoid'({})": ("inner derivative forgotten", lambda v: 1 / (sigmoid(v) * (1 - sigmoid(v)))),
    "1 / tanh'({})": ("inner derivative forgotten", lambda v: np.cosh(v) ** 2),
    "1 / exp({})": ("inner derivative forgotten", lambda v: np.exp(-v)),
    "1 - {}**2": ("an extra factor", lambda v: 1 - v * v),
    "sigmoid'({})": ("an extra factor", lambda v: sigmoid(v) * (1 - sigmoid(v))),
    "({} > 0)": ("an extra factor", lambda v: 1.0 * (v > 0)),
    "tanh'({})": ("an extra factor", lambda v: 1 - np.tanh(v) ** 2),
    "sigmoid({})": ("an extra factor", sigmoid),
    "softmax({})": ("an extra factor", lambda v: softmax(v) if v.ndim else v),
    "softmax'({})": ("an extra factor", lambda v: softmax(v) * (1 - softmax(v)) if v.ndim else v),
}
_TEXTS = {
    "an extra factor": "What passes {} is multiplied by {}, which does not belong there.",
    "a path or term dropped": "What passes {} is dropped: it comes out multiplied by {}.",
    "inner derivative forgotten": "What passes {} lacks a factor that belongs there: it comes out multiplied by {}.",
    "wrong for negative inputs": "What passes {} has the wrong sign where the argument of {} is negative.",
}


def _extra_factors(recorded: Recorded) -> Iterator[Suspect]:
    """Everything that passes a line multiplied by something that stands on the list, or by an activation's slope."""
    for i in range(recorded.last, -1, -1):
        for number, name in candidates(recorded, i):
            for written, (label, factor) in _FACTORS.items():
                if written == "1 / {}" and not _is_factor(recorded, number):
                    label = "an extra factor"
                if written == "({} > 0)" and recorded.names_of_rules[i] in ("where", "absolute", "subtract"):
                    label = "a path or term dropped"
                said = written.replace("{}", name if " " not in name else f"({name})")
                text = _TEXTS[label].format(recorded.say(i), said)
                yield planted(label, text, partial(_times_pool, i, number, factor), certainty=0.8)


def _is_factor(recorded: Recorded, number: int) -> bool:
    """Whether something is multiplied on the list by this value, which may therefore have been forgotten."""
    value = recorded.pool[number][1]
    products = (i for i, name in enumerate(recorded.names_of_rules) if name in ("multiply", "matmul", "einsum"))
    return any(np.array_equal(value, arg) for i in products for arg in recorded.lines[i][2])


def _times_pool(i: int, number: int, factor: Callable[[Array], Array], recorded: Recorded) -> Edits:
    value = np.asarray(recorded.pool[number][1], dtype=np.float64)
    return [Edit(i, i, times=np.broadcast_to(factor(value), recorded.value(i).shape))]


def other_directions(recorded: Recorded) -> Iterator[Suspect]:
    """The cotangent or the tangents left out, or the inputs in their place."""
    what = "The cotangent does" if recorded.asks == "vjp" else "The tangents do"
    if recorded.asks in ("vjp", "jvp"):
        text = f"{what} not enter: the Jacobian is multiplied by ones."
        yield Suspect("inner derivative forgotten", text, _along_ones)
    if recorded.asks in ("gradient", "vjp", "jvp"):
        what = "comes along to" if recorded.asks == "jvp" else "comes back to"
        for i in range(recorded.count, recorded.last):
            text = f"What {what} {recorded.say(i)} is missing: ones stand in its place."
            yield planted("inner derivative forgotten", text, partial(_from_ones, i))
    if recorded.asks == "jvp":
        text = "The inputs stand where their tangents belong."
        yield Suspect("another derivative", text, lambda r: r.along(r.question.primals).answer())
        for i, slot, parent in recorded.edges:
            text = f"What comes to {recorded.say(i)} is missing: the tangents end there, and 1 goes on."
            edit = Edit(i, parent, slot, law=lambda moving, passed: np.ones_like(passed))
            yield planted("inner derivative forgotten", text, fixed(edit))


def _from_ones(line: int, recorded: Recorded) -> Edits:
    moving = np.asarray(recorded.flow()[line])
    if np.ptp(moving) == 0 and moving.ndim:
        raise ValueError("a number instead of another one is a matter of scale")
    return [Edit(line, line, times=1 / moving)]


def _along_ones(recorded: Recorded) -> Blocks:
    return recorded.along(tuple(np.ones_like(direction) for direction in recorded.question.directions)).answer()
