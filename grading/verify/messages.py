"""What one line passes on to another made of other values, or put in another order.

If all is right but one such message, the answer is linear in it. So it need not be walked for each thing that a student
can have taken for the message: all products of two values, or of functions of them, are compared at once with what the
answer has instead, in one product of matrices, and only those that fit are planted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from grading.verify.activations import sigmoid
from grading.verify.budget import while_time
from grading.verify.catalogue import Seen
from grading.verify.exercise import Array
from grading.verify.faults import Edit, Edits, Recorded, closed
from grading.verify.suspects import Group, Suspect, operand, planted
from grading.verify.trial import Trial

_MOST_NUMBERS = 100  # of a message
_MOST_FACTORS = 250  # of which each is multiplied by each
_MOST_SAID = 6  # explanations of one message that are tried at all points
_CERTAINTY = 0.8
FORM = "activation derivative of the wrong form"
FORGOTTEN = "inner derivative forgotten"


def messages(trial: Trial) -> Group:
    """What could have come along each way instead of what should, where that accounts for wrong blocks."""
    if trial.lists[0].asks not in ("gradient", "vjp", "jvp", "jacobian"):
        return
    tables: dict[tuple[int, ...], Table] = {}
    telling = [k for k, seen in enumerate(trial.wrong) if not _is_one_number(seen)]
    alone = [[k] for k in telling]
    for blocks in [telling, *alone] if len(telling) > 1 else alone:
        for message in while_time(_ways(trial.lists[0])):
            asked = _asked(trial, message, blocks)
            if asked is not None:
                shape = message.right.shape
                if shape not in tables:
                    tables[shape] = Table(trial.lists[0], shape)
                yield from _explanations(message, asked, tables[shape])


def _is_one_number(seen: Seen) -> bool:
    """Whether an answer is the same number in all places at all points: nothing else is to be seen in it."""
    return len(np.unique(np.concatenate([np.ravel(one.yours) for one in seen]))) == 1


@dataclass(frozen=True)
class Message:
    """What passes a line, or what one line passes on to another, in the direction of the walk."""

    recorded: Recorded
    upper: int
    base: int
    slot: int | None

    @property
    def end(self) -> int:
        """The line at which it arrives."""
        return self.upper if self.recorded.asks == "jvp" else self.base

    @property
    def said(self) -> str:
        """What to call it."""
        line, passed = self.recorded.say(self.upper), self.recorded.asks == "jvp"
        if self.upper == self.base:
            return f"What {'comes along' if passed else 'comes back'} to {line}"
        name = operand(self.recorded, self.upper, self.slot or 0)
        return f"What comes along from {name} to {line}" if passed else f"What comes back to {name} from {line}"

    def edit(self, **change: Any) -> Edit:
        """A fault in this message alone."""
        return Edit(self.upper, self.base, self.slot, **change)

    @cached_property
    def right(self) -> Array:
        """What it should be; ones if it is a Jacobian, of which the factor is asked for."""
        shape = self.recorded.value(self.end).shape
        if self.recorded.asks == "jacobian":
            return np.ones(shape)
        there, without = (self.recorded.flow(edits)[self.end] for edits in ((), [self.edit(times=0.0)]))
        without = 0.0 if without is None else without
        return np.broadcast_to(np.asarray(there if self.upper == self.base else there - without), shape)

    def moving(self, recorded: Recorded) -> Array | None:
        """What it is made of: the flow at the line before, if it has the same shape."""
        if self.upper == self.base or recorded.asks == "jacobian":
            return None
        flow = recorded.flow()[self.base if recorded.asks == "jvp" else self.upper]
        alike = flow is not None and np.shape(flow) == recorded.value(self.end).shape
        return np.asarray(flow) if alike else None


def _ways(recorded: Recorded) -> Iterator[Message]:
    """What each line adds to the flow at another, and the flow at lines to which several add."""
    down = recorded.asks == "jvp"
    for line in range(recorded.last, -1, -1):
        if recorded.value(line).size > _MOST_NUMBERS or not recorded.depends(recorded.last, line):
            continue
        adding = [path for path in recorded.paths if path[0 if down else 2] == line]
        if recorded.asks == "jacobian" or (len(adding) != 1 and line < recorded.last):
            yield Message(recorded, line, line, None)
        if recorded.asks != "jacobian":
            yield from (Message(recorded, upper, base, slot) for upper, slot, base in adding)


# --- what the answer has instead of a message ------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What a message must be: `carried @ message.ravel()` is `target`, as far as numbers tell."""

    carried: Array
    target: Array
    doubt: Array

    def is_met(self, message: Array) -> bool:
        """Whether a message is such."""
        made = self.carried @ np.asarray(message, dtype=np.float64).ravel()
        return bool(np.all(np.abs(made - self.target) <= self.doubt))

    @cached_property
    def projected(self) -> tuple[Array, Array]:
        """Two mixtures of the equations, or the only one."""
        rows = len(self.target)
        weights = np.cos(np.outer(np.arange(1, 3 if rows > 1 else 2), np.arange(1, rows + 1)))
        scale = 1 / np.maximum(np.max(np.abs(self.target)), 1e-300)
        return weights @ self.carried * scale, weights @ self.target * scale


def _asked(trial: Trial, message: Message, blocks: list[int]) -> Asked | None:
    """What these wrong blocks ask of a message at the first point; None if it does not reach them all."""
    recorded = trial.lists[0]
    rest = recorded.answer([message.edit(times=0.0)])
    seen = [(trial.wrong[k][0], trial.numbers[k]) for k in blocks]
    parts = [_carried(message, number) for _, number in seen]
    target = np.concatenate([(one.yours - rest[number]).ravel() for one, number in seen])
    if not all(np.any(part) for part in parts) or not np.all(np.isfinite(target)):
        return None
    doubt = [np.broadcast_to(one.doubt, one.yours.size) + _SAME * np.abs(one.yours).ravel() for one, _ in seen]
    return Asked(np.concatenate(parts), target, np.concatenate(doubt))


def _carried(message: Message, block: int) -> Array:
    """What each entry of a message adds to an answer's entries, one column for each."""
    recorded, end = message.recorded, message.end
    size = recorded.value(end).size
    if recorded.asks == "jvp":
        return recorded.jacobian_in(end).reshape(-1, size)
    inner = recorded.jacobian_in(block, end).reshape(size, -1)
    if recorded.asks != "jacobian":
        return inner.T
    outer = recorded.jacobian_in(end).reshape(-1, size)
    return np.asarray(outer[:, None, :] * inner.T[None, :, :]).reshape(-1, size)


# --- what it can have been made of -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Factor:
    """A function of a value on the list, in the shape of a message."""

    written: str
    name: str
    cost: float
    number: int | None  # in the pool; None for the number 1
    function: Function

    def at(self, recorded: Recorded) -> Array:
        """What it is at a point."""
        return np.ones(()) if self.number is None else self.function(recorded.pool[self.number][1].astype(np.float64))

    @property
    def said(self) -> str:
        """How it is written."""
        return self.written.replace("{}", self.name if "({})" in self.written else closed(self.name))


Function = Callable[[Array], Array]
_INVERTED: dict[str, tuple[float, Function]] = {  # with what it costs to think of them
    "{}": (1.0, lambda v: v),
    "{}**2": (2.0, lambda v: v**2),
    "{}**3": (3.0, lambda v: v**3),
    "sqrt({})": (2.5, np.sqrt),
    "(1 - {})": (2.0, lambda v: 1 - v),
    "(1 + {})": (2.0, lambda v: 1 + v),
    "(1 - {}**2)": (2.5, lambda v: 1 - v * v),
    "(1 + {}**2)": (2.5, lambda v: 1 + v * v),
    "exp({})": (2.5, np.exp),
    "log({})": (2.5, np.log),
    "sin({})": (2.5, np.sin),
    "cos({})": (2.5, np.cos),
    "sigmoid({})": (2.5, sigmoid),
    "sigmoid(-{})": (2.5, lambda v: sigmoid(-v)),
    "tanh'({})": (2.5, lambda v: 1 - np.tanh(v) ** 2),
}
_NOT_INVERTED: dict[str, tuple[float, Function]] = {
    "sign({})": (2.0, np.sign),
    "abs({})": (2.0, np.abs),
    "({} > 0)": (2.0, lambda v: 1.0 * (v > 0)),
    "tanh({})": (2.5, np.tanh),
}
_TOTALS: dict[str, tuple[float, Function]] = {
    "sum({})": (2.0, np.sum),
    "mean({})": (2.0, np.mean),
    "norm({})": (2.5, lambda v: np.sqrt(np.sum(v * v))),
}
_TIMES = (1.0, -1.0, 2.0, 0.5, -2.0, -0.5, 4.0, 0.25, 3.0, 1 / 3)
_ONE = Factor("1", "1", 0.0, None, np.ones_like)
_SAME = 1e-8


def _functions() -> Iterator[tuple[str, float, Function]]:
    for written, (cost, of) in _INVERTED.items():
        yield written, cost, of
        yield f"1 / {written}", cost, partial(_one_over, of)
    for written, (cost, of) in _NOT_INVERTED.items():
        yield written, cost, of


def _one_over(of: Function, v: Array) -> Array:
    return 1 / of(v)


def _factors(recorded: Recorded, shape: tuple[int, ...]) -> Iterator[Factor]:
    """Everything a message of a shape may have been multiplied by, what is simple first."""
    yield _ONE
    pool = [(k, name, value.shape) for k, (name, value) in enumerate(recorded.pool) if value.dtype.kind in "fiub"]
    fitting = [(number, name) for number, name, own in pool if _stretches(own, shape)]
    for written, cost, of in sorted(_functions(), key=lambda each: each[1]):
        yield from (Factor(written, name, cost, number, of) for number, name in fitting)
    for written, (cost, total) in _TOTALS.items():
        yield from (Factor(written, name, cost, number, total) for number, name, own in pool if own and not shape)


def _stretches(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False


class Table:
    """The factors that may be in a message of a shape, with their values in that shape, one column each."""

    def __init__(self, recorded: Recorded, shape: tuple[int, ...]) -> None:
        self.factors: list[Factor] = []
        columns: dict[bytes, Array] = {}
        for factor in _factors(recorded, shape):
            value = np.broadcast_to(factor.at(recorded), shape).ravel().astype(np.float64)
            if np.all(np.isfinite(value)) and np.any(value) and value.tobytes() not in columns:
                columns[value.tobytes()] = value
                self.factors.append(factor)
            if len(columns) == _MOST_FACTORS:
                break
        self.values = np.stack(list(columns.values()), axis=1)

    def products(self, asked: Asked, base: Array) -> list[Product]:
        """Products of a base, a plain number and two factors that are what is asked, simplest first."""
        carried, target = asked.projected
        made = [self.values.T @ ((row * base.ravel())[:, None] * self.values) for row in carried]
        if len(made) > 1:  # in proportion to each other, whatever the number
            fits = np.abs(made[0] * target[1] - made[1] * target[0]) <= _NEAR * np.abs(made[0] * target[1])
        else:
            fits = np.any(
                [np.abs(times * made[0] - target[0]) <= _NEAR * np.abs(target[0]) for times in _TIMES], axis=0
            )
        found: list[tuple[float, int, Product]] = []
        for one, two in np.argwhere(np.triu(fits)):
            ratio = target[0] / made[0][one, two]
            times = min(_TIMES, key=lambda each: abs(each - ratio))
            if abs(ratio - times) <= _NEAR * abs(times):
                product = Product(times, self.factors[one], self.factors[two])
                found.append((product.cost, len(found), product))
        least = [product for _, _, product in sorted(found)[:_MOST_TRIED]]
        return [product for product in least if asked.is_met(base * product.value(base.shape, self))]


_NEAR = 1e-7
_MOST_TRIED = 60


@dataclass(frozen=True)
class Product:
    """A plain number times two factors."""

    times: float
    one: Factor
    two: Factor

    @property
    def cost(self) -> float:
        """How far-fetched it is."""
        alike = self.one.number == self.two.number or _ONE in (self.one, self.two)
        return self.one.cost + self.two.cost + (0 if alike else 0.5) + _COSTS.get(self.times, 1.5)

    def at(self, recorded: Recorded) -> Array:
        """What it is at a point."""
        return np.asarray(self.times * self.one.at(recorded) * self.two.at(recorded))

    def value(self, shape: tuple[int, ...], table: Table) -> Array:
        """What it is where the table was made."""
        columns = [table.values[:, table.factors.index(factor)] for factor in (self.one, self.two)]
        return np.asarray(self.times * columns[0] * columns[1]).reshape(shape)

    @property
    def said(self) -> str:
        """How it is written."""
        number = {-1.0: "-", 1.0: ""}.get(self.times, f"{self.times:.4g} * ")
        above = [f.said for f in (self.one, self.two) if f is not _ONE and not f.written.startswith("1 / ")]
        below = [f.said[4:] for f in (self.one, self.two) if f.written.startswith("1 / ")]
        if not above and not below:
            return f"{self.times:.4g}"
        top = number + " * ".join(above) if above else number.removesuffix(" * ") + ("" if number[-1:] == " " else "1")
        return " / ".join([top, *below])


_COSTS = {1.0: 0.0, -1.0: 1.0}


# --- what it is called -----------------------------------------------------------------------------------------------


def _explanations(message: Message, asked: Asked, table: Table) -> Group:
    recorded, right = message.recorded, message.right
    if recorded.asks != "jacobian":
        for label, text, law in _orders(right.shape):
            if asked.is_met(law(right)):
                yield _lawful(message, label, f"{message.said} {text}.", law)
    found = [(product.cost, 1, _of_factor(message, product)) for product in table.products(asked, right)]
    moving = message.moving(recorded)
    if moving is not None:
        found += [(product.cost, 0, _of_slope(message, product)) for product in table.products(asked, moving)]
    if recorded.asks != "jacobian":
        found += [
            (product.cost, 2, _of_values(message, product)) for product in table.products(asked, np.ones(right.shape))
        ]
        beside = Asked(asked.carried, asked.target - asked.carried @ right.ravel(), asked.doubt)
        found += [
            (product.cost + 1, 3, _of_term(message, product))
            for product in table.products(beside, np.ones(right.shape))
        ]
    for _, _, suspect in sorted(found, key=lambda each: each[:2])[:_MOST_SAID]:
        yield suspect


def _of_slope(message: Message, product: Product) -> Suspect:
    """A line's own derivative written down as something else."""
    recorded = message.recorded
    where, name = recorded.say(message.upper), operand(recorded, message.upper, message.slot or 0)
    label, text = FORM, f"is not {product.said}."
    if product.one is product.two is _ONE:
        label, text = FORGOTTEN, f"is missing: {product.said} stands in its place."
    text = f"The derivative of {where} with respect to {name} {text}"
    return planted(
        label, text, lambda at: [message.edit(law=lambda moving, passed: moving * product.at(at))], _CERTAINTY
    )


def _of_values(message: Message, product: Product) -> Suspect:
    """Other values in the place of a message."""
    label = FORGOTTEN if product.one is product.two is _ONE else FORM
    text = f"{message.said} is {product.said}, which it should not be."

    def edits(at: Recorded) -> Edits:
        return [message.edit(law=lambda moving, passed: np.zeros_like(passed) + product.at(at))]

    return planted(label, text, edits, _CERTAINTY)


def _of_term(message: Message, product: Product) -> Suspect:
    """Something added to a message."""
    text = f"To {message.said[0].lower()}{message.said[1:]} {product.said} is added, which does not belong there."
    return planted(
        "an extra term", text, lambda at: [message.edit(law=lambda moving, passed: passed + product.at(at))], _CERTAINTY
    )


def _of_factor(message: Message, product: Product) -> Suspect:
    """A message multiplied by what does not belong there."""
    one, two = product.one, product.two
    text = f"{message.said} is multiplied by {product.said}, which does not belong there."
    label = "an extra factor"
    stands, belongs = (two, one) if one.written.startswith("1 / ") else (one, two)
    if one is two is _ONE:
        label, text = "coefficient of one term", f"{message.said} is there {product.times:.4g} times instead of once."
    elif all(factor is _ONE or factor.written.startswith("1 / ") for factor in (one, two)):
        label = FORGOTTEN
        text = f"{message.said} lacks a factor that belongs there: it comes out multiplied by {product.said}."
    elif one.number == two.number and {one.written, two.written} <= _OF_POWERS:
        label = "wrong power"
    elif belongs.written == f"1 / {stands.written}":
        label = "another derivative" if stands.written == "{}" else "activation derivative at the wrong point"
        text = f"{message.said} has {stands.said} where {belongs.said[4:]} belongs."
    return planted(label, text, lambda at: [message.edit(times=product.at(at))], _CERTAINTY)


_OF_POWERS = {*(f"{over}{power}" for over in ("", "1 / ") for power in ("{}", "{}**2", "{}**3", "sqrt({})")), "1"}


# --- the right numbers in another arrangement ------------------------------------------------------------------------


def _orders(shape: tuple[int, ...]) -> Iterator[tuple[str, str, Function]]:
    if not shape:
        return
    if len(shape) == 2 and shape[0] == shape[1]:
        yield "transposed", "is transposed", np.transpose
    if len(shape) == 2:
        yield "reshape for transpose", "is put in another order", lambda m: m.T.reshape(m.shape)
        yield "reshape for transpose", "is put in another order", lambda m: m.reshape(m.shape[::-1]).T
    for axis in range(len(shape)):
        along = f" along axis {axis}" if len(shape) > 1 else ""
        yield "off by one", f"is in reverse order{along}", partial(np.flip, axis=axis)
        yield "off by one", f"is one place too far on{along}", partial(np.roll, shift=1, axis=axis)
        yield "off by one", f"is one place too far back{along}", partial(np.roll, shift=-1, axis=axis)
        yield "off by one", f"is one place too far on{along}", partial(_shifted, 1, axis)
        yield "off by one", f"is one place too far back{along}", partial(_shifted, -1, axis)
        yield "off by one", f"lacks its first entry{along}", partial(_without, 0, axis)
        yield "off by one", f"lacks its last entry{along}", partial(_without, -1, axis)
        yield "summed too much", f"is summed{along}, and the sum goes to all", partial(_total, np.sum, (axis,))
        yield "summed too much", f"is averaged{along}, and the mean goes to all", partial(_total, np.mean, (axis,))
        yield "wrong axis", f"is summed up{along}", partial(np.cumsum, axis=axis)
    every = tuple(range(len(shape)))
    if len(shape) > 1:
        yield "summed too much", "is summed over all, and the sum goes to all", partial(_total, np.sum, every)
        yield "summed too much", "is averaged over all, and the mean goes to all", partial(_total, np.mean, every)
    yield "an extra term", "has its mean taken off", lambda m: m - np.mean(m)
    yield "wrong for negative inputs", "has lost its sign", np.abs
    yield "ReLU mask from the wrong quantity", "is cut off where it is negative", lambda m: np.maximum(m, 0.0)
    yield "another derivative", "is squared", np.square
    yield "another derivative", "is replaced by its sign", np.sign


def _shifted(by: int, axis: int, m: Array) -> Array:
    return _without(0 if by > 0 else -1, axis, np.roll(m, by, axis))


def _without(place: int, axis: int, m: Array) -> Array:
    kept = np.array(m, dtype=np.float64)
    np.moveaxis(kept, axis, 0)[place] = 0.0
    return kept


def _total(of: Callable[..., Array], axes: tuple[int, ...], m: Array) -> Array:
    return np.broadcast_to(of(m, axis=axes, keepdims=True), m.shape)


def _lawful(message: Message, label: str, text: str, law: Function) -> Suspect:
    return planted(label, text, lambda at: [message.edit(law=lambda moving, passed: law(np.asarray(passed)))])
