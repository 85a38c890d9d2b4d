"""How far an answer may be off: what the last bits of everything that goes into it can change.

Two right formulas for one derivative differ by roundings. How much they may differ is a property of the exercise at
the point, and is measured rather than chosen: the function's list is evaluated again with every value on it, and every
adjoint on the way back, moved in its last bits (Monte Carlo arithmetic: Parker 1997, "Monte Carlo arithmetic:
exploiting randomness in floating-point arithmetic"). What entry i of the answer does in reply is its own error bound,
as a running error analysis would find it (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.3):
cancellation, ill-conditioned systems and the sizes of the terms of a sum are in it, other entries are not.

Where a unit saturates there is more. The list has the slope of 1 / (1 + e^-a) as a product that keeps all of its
digits; the textbook's y (1 - y) has as many as 1 - y has left. Both are right, and no rounding of the one shows the
other's. So at lines that saturate exponentially the slope is also moved by what the last bits of the values made from
it do not show. A logarithm's slope is treated alike: 1 / s may come as e^-(m + log s), with the digits that m left.

A sum of n terms taken one after another is off by about sqrt(n) units in the last place, more than the moves of its
terms if there are many (Higham & Mary 2019, "A new approach to probabilistic rounding error analysis").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np

from autodiff.modes import backward, grad, on_tape, ones, project, trace, zeros
from autodiff.rule import Args, Elementwise, Params, Rule
from autodiff.tape import Tape, Var, strip
from grading.verify.exercise import Array
from grading.verify.sampling import Question

Blocks = tuple[Array, ...]
UNIT_ROUNDOFF = 2.0**-53

# An answer may be what comes out when all that goes into it is this many units in the last place away. Right answers of
# many forms stay well below, the smallest wrong ones far above: see docs/verification.md.
_ULPS = 128
_SHAKE = 2.0**-46  # how far values are moved: as far, so that what shows is what such a step does
_SHAKES = 3
_SATURATED_ULPS = 16  # of a saturated unit's value: what may be lost of its slope
_HIDING = 2.0**-20  # saturation hides an entry's digits where it may cost it more than this fraction of itself
_LOSING = 2.0**-2  # and the whole entry here
_UNKNOWN = 2.0**10  # how much more is allowed where another engine hides what goes on inside the function
_VALUE_ULPS = 8  # of what goes into it: how far the function's value may be off
_SHIFTED = 2.0**10  # times the rounding of a value: so far may it be off with another number taken out and put back
_SMALLEST = 2.0**-1022  # smaller numbers have lost bits, whatever the formula

# Lines whose value is one of their arguments, or counts: nothing is rounded, and some rules compare value and argument.
_EXACT = frozenset(
    {
        *(np.max, np.amax, np.min, np.amin, np.maximum, np.minimum, np.fmax, np.fmin, np.clip, np.where),
        *(np.absolute, np.fabs, np.copysign, np.negative, np.positive, np.conjugate, np.sign, np.heaviside),
        *(np.floor, np.ceil, np.rint, np.trunc, np.fix, np.floor_divide),
        *(np.reshape, np.transpose, np.broadcast_to, np.concatenate, "getitem"),
    }
)
# Lines whose slope falls off exponentially, with the argument in which it does (None: in each).
_SATURATING = {np.exp: 0, np.exp2: 0, np.expm1: 0, np.tanh: 0, np.power: 1, np.logaddexp: None, np.logaddexp2: None}
# Lines whose slope may be had from their value: how much of it one unit of the value is, as a function of the argument.
_LOGARITHMS: dict[Any, Callable[[Array], Array]] = {
    **dict.fromkeys((np.log, np.log2, np.log10), lambda a: 1 / np.abs(a)),
    np.log1p: lambda a: 1 / np.abs(1 + a),
}
_MAXIMA = frozenset({np.max, np.amax, np.min, np.amin})
# What is computed on the way to a line's value, in units of its adjoint: 1 + x for log1p, e^x for expm1.
_WITHIN: dict[Any, Callable[[Array], Array]] = {
    **dict.fromkeys((np.log1p, np.logaddexp, np.logaddexp2), np.ones_like),
    np.expm1: lambda y: y + 1,
}


@dataclass(frozen=True)
class Tolerance:
    """How far each entry of an answer may be off, and how much of that is owed to saturated units alone.

    `blocks` is the answer as it is read off the list, `tape` that list, and `noise` how far rounding may put the
    function's own value off: finite differences see nothing below. `is_clear`: nothing is hidden anywhere.
    """

    blocks: Blocks
    allowed: Blocks
    owed: Blocks
    noise: Array
    tape: Tape
    is_clear: bool = False

    def hidden(self, block: int) -> Array:
        """Which entries of a block have digits that cannot be seen at this point, since a unit saturates."""
        if self.is_clear:
            return np.zeros(np.shape(self.blocks[block]), dtype=bool)
        is_hidden = self.owed[block] > _HIDING * np.abs(self.blocks[block])
        return np.asarray(is_hidden | ~np.isfinite(self.allowed[block]))

    def lost(self, block: int) -> Array:
        """Which entries cannot be seen at all, not even their sign."""
        if self.is_clear:
            return np.zeros(np.shape(self.blocks[block]), dtype=bool)
        is_lost = self.owed[block] > _LOSING * np.abs(self.blocks[block])
        return np.asarray(is_lost | ~np.isfinite(self.allowed[block]))


def tolerance(question: Question) -> Tolerance:
    """The tolerance at a point: arrays shaped like the answer's, infinite where a value moved leaves its domain.

    With u the unit roundoff and R_i the largest reaction of entry i to relative changes of size 1 in every value on
    the list, in every adjoint, and in the slopes of saturated units, entry i may differ by K u (|o_i| + R_i), where K
    is 128, or the square root of the largest number of entries on the list.
    """
    smallest = _ULPS * _SMALLEST
    with np.errstate(all="ignore"):
        computed = _computations(question)
        longest = max(record[4].size for computation in computed for record in computation.tape.records)
        scale = max(_ULPS, np.sqrt(longest)) * UNIT_ROUNDOFF
        base = _joined(computation.blocks() for computation in computed)
        entries = _flat(base)
        sizes = np.abs(entries)
        shaken = [_shaken(computed, number) for number in range(_SHAKES)]
        reaction = _largest(entries, [each for each, _ in shaken])
        held = [computation.with_shifts_held() for computation in computed]
        if any(one is not other for one, other in zip(held, computed, strict=True)):
            reaction = np.maximum(reaction, _reaction_of(held))
        allowed = scale * (sizes + reaction) + smallest
        if question.exercise.engine:
            allowed = _UNKNOWN * allowed + _flat(tuple(np.full_like(b, scale * _size(b)) for b in base))
        owed = np.zeros_like(allowed)
        is_clear = not np.any(allowed > _HIDING * sizes + smallest)
        if not is_clear:
            owed = scale * _largest(entries, [_shaken(computed, number, moves=False)[0] for number in range(_SHAKES)])
    is_second = question.exercise.asks == "hessian_diagonal"
    noise = value_noise(question) if is_second else _noise(computed[0], [value for _, value in shaken])
    return Tolerance(base, _parted(allowed, base), _parted(owed, base), noise, computed[0].tape, is_clear)


def derivative(question: Question) -> Blocks:
    """The answer as it is read off the list, without a tolerance: shaped as the answer's arrays."""
    with np.errstate(all="ignore"):
        return _joined(computation.blocks() for computation in _computations(question))


def value_noise(question: Question) -> Array:
    """How far rounding may put the function's own value off, entrywise."""
    with np.errstate(all="ignore"):
        tape, output = _traced(question, lambda function: function)
        computation = _Computation(tape, output, lambda tape, output: (strip(output),))
        return _noise(computation, [computation.shaken(number).value for number in range(_SHAKES)])


def _shaken(computed: list[_Computation], number: int, moves: bool = True) -> tuple[Array, Array]:
    """The answer's entries and the first list's output after one shake; the list itself is not kept."""
    shaken = [computation.shaken(number, moves) for computation in computed]
    return _flat(_joined(each.blocks() for each in shaken)), shaken[0].value


def _reaction_of(held: list[_Computation]) -> Array:
    """What the entries do where a largest entry that is taken out is a constant, as to who knows that it cancels.

    At the largest entry of softmax(z) the sum of all others' adjoints then comes about as the difference of two large
    numbers, as in p (c - p.c); the list that differentiates the maximum has it to all digits. So it has what is lost in
    the last bits of m + log s, of which exp(z - (m + log s)) is made.
    """
    shaken = [_shaken(held, number)[0] for number in range(_SHAKES)]
    return _largest(_flat(_joined(computation.blocks() for computation in held)), shaken)


def _noise(computation: _Computation, moved: list[Array]) -> Array:
    value = computation.value
    with np.errstate(all="ignore"):
        reaction = _largest(value, moved)
    return np.asarray(_VALUE_ULPS * UNIT_ROUNDOFF * (np.abs(value) + np.where(np.isfinite(reaction), reaction, 0.0)))


def _joined(parts: Iterator[Blocks]) -> Blocks:
    return tuple(block for part in parts for block in part)


def _flat(blocks: Blocks) -> Array:
    """The entries of all blocks, one after another."""
    return np.concatenate([np.ravel(block) for block in blocks])


def _parted(entries: Array, like: Blocks) -> Blocks:
    """Entries that follow one another, in blocks of these shapes again."""
    ends = accumulate(block.size for block in like)
    return tuple([entries[e - block.size : e].reshape(block.shape) for e, block in zip(ends, like, strict=True)])


def _size(block: Array) -> float:
    return float(np.max(np.abs(block), initial=0.0))


def _largest(base: Array, moved: list[Array]) -> Array:
    """Per entry the largest change, relative to the size of the shake; infinite where there is no value any more."""
    change = np.abs(moved[0] - base)
    for other in moved[1:]:
        change = np.maximum(change, np.abs(other - base))  # nan stays nan
    return np.where(np.isnan(change), np.inf, change / _SHAKE)


# --- the list, and what is read off it ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Computation:
    """A list with its output, and how blocks of the answer are read off it."""

    tape: Tape
    output: Any
    read: Callable[[Tape, Any], Blocks]

    @cached_property
    def saturated(self) -> set[int]:
        """The lines that saturate, and those that are made of one of them entry by entry."""
        found: set[int] = set()
        for line, (rule, parents, *_) in enumerate(self.tape.records):
            if isinstance(rule, Elementwise) and (
                rule.key in _SATURATING or rule.key in _LOGARITHMS or not found.isdisjoint(parents)
            ):
                found.add(line)
        return found

    def with_shifts_held(self) -> _Computation:
        """The same list, but nothing is passed back through maxima that make no difference; itself if there are none.

        They are taken out and put back, or cancel, as in exp(z - max(z)) / sum(exp(z - max(z))).
        """
        held = Tape()
        for line, (rule, parents, *rest) in enumerate(self.tape.records):
            is_held = rule is not None and rule.key in _MAXIMA and self._is_shift(line)
            held.records.append((rule, (None,) * len(parents) if is_held else parents, *rest))
        if all(one[1] == other[1] for one, other in zip(held.records, self.tape.records, strict=True)):
            return self
        return _Computation(held, Var(self.output.value, held, self.output.index), self.read)

    def _is_shift(self, line: int) -> bool:
        """Whether what the list comes to is the same, but for rounding, with something added to one of its lines."""
        if not on_tape(self.output, self.tape):
            return False
        values = [value for *_, value in self.tape.records]
        values[line] = values[line] + _Noise(0).drawn(values[line])
        for later, (rule, parents, args, params, _) in enumerate(self.tape.records):
            if rule is not None and any(p is not None and p >= line for p in parents):
                inner = zip(parents, args, strict=True)
                values[later] = rule.evaluate(*(a if p is None else values[p] for p, a in inner), **params)
        rounding = _noise(self, [self.shaken(0).value])
        return bool(np.all(np.abs(values[self.output.index] - self.value) <= _SHIFTED * rounding))

    @property
    def value(self) -> Array:
        """What the list comes to."""
        return np.asarray(strip(self.output), dtype=np.float64)

    @cached_property
    def moves(self) -> list[tuple[tuple[bool, ...], float]]:
        """Of each line: which arguments are not from the list and have last bits of their own; its value's rounding."""
        return [
            (tuple([p is None and not _is_exact(arg) for p, arg in zip(parents, args, strict=True)]), _rounding(rule))
            for rule, parents, args, _, _ in self.tape.records
        ]

    def blocks(self) -> Blocks:
        """Blocks of the answer, as float64."""
        return tuple([np.asarray(block, dtype=np.float64) for block in self.read(self.tape, self.output)])

    def shaken(self, number: int, moves: bool = True) -> _Computation:
        """The list evaluated again with every value moved, which when walked moves every adjoint, and blunts slopes.

        The value of a unit that may saturate is moved less: it is good to a few units in the last place, and its slope
        may be made of it. With moves=False only slopes are blunted.
        """
        noise, tape = _Noise(number), _ShakenTape()
        values: list[Array] = []
        for line, (rule, parents, args, params, value) in enumerate(self.tape.records):
            if moves:
                data, rounding = self.moves[line]
                if rule is not None:
                    inner = zip(parents, args, data, strict=True)
                    args = tuple([values[p] if p is not None else noise.moved(a) if d else a for p, a, d in inner])
                    value = rule.evaluate(*args, **params)
                value = noise.moved(value, rounding)
            values.append(value)
            sizes = tape.sizes if line in self.saturated else None
            shaken = None if rule is None else _Shaken(rule, line, parents, noise, moves, sizes)
            tape.records.append((shaken, parents, args, params, value))
        if not on_tape(self.output, self.tape):
            return self  # a constant
        return _Computation(tape, Var(values[self.output.index], tape, self.output.index), self.read)


def measured_inputs(question: Question) -> tuple[str, ...]:
    """Names of the inputs that are not differentiated, but are data with last bits: no counts, labels or masks."""
    point, wrt = question.point, question.exercise.wrt
    return tuple(n for n, v in point.items() if n not in wrt and v.dtype.kind == "f" and not _is_exact(v))


def _is_exact(value: Any) -> bool:
    """Whether a number that is not differentiated means what it says: a count, a label, an exponent, a mask, a literal.

    A matrix of other whole numbers is taken for data, which has last bits.
    """
    if type(value) is not np.ndarray or value.dtype.kind != "f":
        return not isinstance(value, np.floating) or bool(value == np.rint(value))
    is_whole = bool(np.all(value == np.rint(value)))
    return is_whole and (value.ndim < 2 or bool(np.all(np.abs(value) <= 1)))


def _rounding(rule: Rule | None) -> float:
    """How much of a shake a line's value is moved by; all of it, if it is an input."""
    if rule is None or rule.key not in _EXACT:
        return _SATURATED_ULPS / _ULPS if rule is not None and rule.key in _SATURATING else 1.0
    return 0.0


class _ShakenTape(Tape):
    """A list of shaken rules, with what they tell each other in the course of one walk."""

    __slots__ = ("sizes",)

    def __init__(self) -> None:
        super().__init__()
        self.sizes: dict[int, Array] = {}


def _walked(tape: Tape, output: Any, seed: Array, count: int) -> list[Array]:
    """The adjoints of the first `count` lines for one seed."""
    if isinstance(tape, _ShakenTape):
        tape.sizes.clear()
    adjoints = backward(tape, output.index, seed) if on_tape(output, tape) else []
    found = [*adjoints[:count], *[None] * (count - len(adjoints))]
    return [zeros(tape.records[k][4]) if adjoint is None else adjoint for k, adjoint in enumerate(found)]


class _Noise:
    """Random numbers between 1/2 and 1 of either sign: one that nearly vanishes would hide what it belongs to."""

    _POOL = np.random.default_rng(0).uniform(0.5, 1.0, 2**15) * np.random.default_rng(1).choice([-1.0, 1.0], 2**15)
    _FACTORS = 1 + _SHAKE * _POOL

    def __init__(self, number: int) -> None:
        self._place = 7919 * (number + 1)

    def drawn(self, like: Array, pool: Array = _POOL) -> Any:
        """The next numbers of the pool, as many as an array has entries and in its shape."""
        start = self._place
        end = start + like.size
        if end > len(pool):
            start %= 97
            end = start + like.size
            pool = pool if end <= len(pool) else np.resize(pool, end)
        self._place = end
        shape = like.shape
        if not shape:
            return pool[start]
        numbers = pool[start:end]
        return numbers if len(shape) == 1 else numbers.reshape(shape)

    def moved(self, value: Array, share: float = 1.0) -> Any:
        """The value with every entry moved by up to the size of a shake, or a share of it, if they are real numbers."""
        if not share or value.dtype.kind != "f":
            return value
        if share != 1.0:
            return value * (1 + share * _SHAKE * self.drawn(value))
        return value * self.drawn(value, self._FACTORS)


class _Shaken(Rule):
    """A rule that moves the adjoints it is given, and knows a saturated unit's slope only as far as values show it.

    sizes[i] is the largest |adjoint * value| among the lines to which line i leads entry by entry: what one unit in the
    last place of them is worth; None for a line that is not made of such a unit.
    """

    __slots__ = ("given", "line", "moved", "moves", "noise", "parents", "rule", "sizes")

    def __init__(
        self,
        rule: Rule,
        line: int,
        parents: tuple[int | None, ...],
        noise: _Noise,
        moves: bool,
        sizes: dict[int, Array] | None,
    ) -> None:
        self.rule, self.line, self.parents = rule, line, parents
        self.noise, self.moves, self.sizes = noise, moves, sizes
        self.given: Any = None

    def vjp(self, slot: int, g: Array, y: Array, args: Args, params: Params) -> Array:
        """The rule's, of an adjoint moved in its last bits, and what saturation may hide of it."""
        if g is not self.given:  # the same for all slots
            self.given, self.moved = g, self.noise.moved(g) if self.moves else g
        term: Array = self.rule.vjp(slot, self.moved, y, args, params)
        if self.sizes is None or _is_flat(self.rule, slot):
            return term
        blunted: Array = term + self._unseen(slot, g, y, args[slot], self.sizes)
        return blunted

    def _unseen(self, slot: int, g: Array, y: Array, a: Array, sizes: dict[int, Array]) -> Any:
        """Zero but for a logarithm and a line that saturates.

        The argument of the latter counts up to 1: near 0 a flat value is no saturation.
        """
        key, parent = self.rule.key, self.parents[slot]
        size = np.maximum(np.abs(g * y), sizes.get(self.line, 0.0))
        if key in _WITHIN:
            size = np.maximum(size, np.abs(g * _WITHIN[key](y)))
        if parent is not None:
            sizes[parent] = np.maximum(sizes.get(parent, 0.0), project(size, a))
        if key in _LOGARITHMS:
            lost = _LOGARITHMS[key](a)
        elif key in _SATURATING and _SATURATING[key] in (None, slot):
            lost = np.minimum(np.abs(a), 1)
        else:
            return 0.0
        unseen = _SHAKE * _SATURATED_ULPS / _ULPS * size * lost
        return unseen * self.noise.drawn(unseen)


def _is_flat(rule: Rule, slot: int) -> bool:
    """Whether the derivative in this argument is 0 everywhere."""
    partial = rule.formulas[slot]
    return isinstance(partial, int) and partial == 0


# --- one list per derivative that is asked for --------------------------------------------------------------------


def _computations(question: Question) -> list[_Computation]:
    """The lists that the answer can be read off: one, or for second derivatives one per block."""
    exercise = question.exercise
    if exercise.asks == "hessian_diagonal":
        return [_of_slopes(question, block) for block in range(len(exercise.wrt))]
    tape, output = _traced(question, lambda function: function)
    return [_Computation(tape, output, _reader(question))]


def _of_slopes(question: Question, block: int) -> _Computation:
    def read(tape: Tape, slopes: Any) -> Blocks:
        diagonal = np.zeros(np.shape(strip(slopes)))
        for index, seed in _units(slopes):
            diagonal[index] = np.asarray(_walked(tape, slopes, seed, block + 1)[block])[index]
        return (diagonal,)

    return _Computation(*_traced(question, lambda function: grad(function, block)), read)


def _reader(question: Question) -> Callable[[Tape, Any], Blocks]:
    """What is read off the list of the function itself."""
    asks, directions, count = question.exercise.asks, question.directions, len(question.exercise.wrt)
    if asks == "value":
        return lambda tape, output: (strip(output),)
    if asks == "gradient":
        return lambda tape, output: tuple(_walked(tape, output, ones(np.asarray(strip(output))), count))
    if asks == "vjp":
        return lambda tape, output: tuple(_walked(tape, output, directions[0], count))
    if asks == "jacobian":
        return lambda tape, output: _jacobians(tape, output, count)
    return lambda tape, output: (_pushed(tape, output, directions),)


def _jacobians(tape: Tape, output: Any, count: int) -> Blocks:
    shape = np.shape(strip(output))
    rows = [_walked(tape, output, seed, count) for _, seed in _units(output)]
    inputs = [np.shape(tape.records[k][4]) for k in range(count)]
    return tuple(np.reshape([row[k] for row in rows], shape + inputs[k]) for k in range(count))


def _pushed(tape: Tape, output: Any, directions: tuple[Array, ...]) -> Array:
    """The Jacobians times the tangents, row by row: together they may be too large to be kept."""
    pushed = np.zeros(np.shape(strip(output)))
    for index, seed in _units(output):
        rows = _walked(tape, output, seed, len(directions))
        pushed[index] = sum(np.vdot(row, direction) for row, direction in zip(rows, directions, strict=True))
    return pushed


def _units(output: Any) -> Iterator[tuple[tuple[int, ...], Array]]:
    """Each index of an array, and the array that is 1 there."""
    shape = np.shape(strip(output))
    for index in np.ndindex(shape):
        seed = np.zeros(shape)
        seed[index] = 1.0
        yield index, seed[()]


def _traced(question: Question, of: Callable[[Callable[..., Any]], Callable[..., Any]]) -> tuple[Tape, Any]:
    """The list of `of(function)`, on which the differentiated inputs come first, then the others that are data.

    An input that is not differentiated may be used in ways that cannot be recorded; it is then left as it is.
    """
    exercise, point = question.exercise, question.point
    others = measured_inputs(question)

    def record(names: tuple[str, ...]) -> tuple[Tape, Any]:
        return trace(of(exercise.of_inputs(names, point)), [point[name] for name in names], range(len(names)))

    try:
        return record(exercise.wrt + others)
    except Exception:
        return record(exercise.wrt)
