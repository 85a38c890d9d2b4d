"""Planted faults beside wrong answers: which single fault of the recorded list reproduces them, at every point."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from grading.verify.catalogue import ALMOST_SURE, LIKELY, Seen, within
from grading.verify.exercise import Array, Asks
from grading.verify.far_fetched import far_fetched
from grading.verify.faults import Blocks, Edit, Recorded
from grading.verify.laws import laws
from grading.verify.misread import Written, misread
from grading.verify.oneway import cases, half_misread, mistaken_inputs, other_values, unsummed
from grading.verify.pairs import pairs
from grading.verify.sampling import Question
from grading.verify.suspects import (
    Group,
    Suspect,
    is_quotient,
    operand,
    other_inputs,
    related,
    skipped_activations,
    suspects,
)

_COUNTED_AFTER = 5  # the groups of suspects that are believed before a path is said to be there twice or half
_PATIENCE = 150_000  # so many lines of small arrays are walked for one answer: a second or two
_PATIENCE_FOR_PAIRS = 40_000
_SMALL = 2000  # entries of an array whose size does not matter yet
_DROWNS = 1e6  # a term so many times larger than the right answer leaves too few of its digits to be sure
# What may be wrong with a path, the simplest first.
_PLAIN = (
    *("a path or term dropped", "quotient rule misapplied", "sign of one term", "sum for mean", "mean for sum"),
    "coefficient of one term",
)
_SIMPLE = (2.0, 0.5, 3.0, 1 / 3, 4.0, 0.25, -2.0, -0.5, 1.5, 2 / 3)  # numbers of times that need no other evidence


@dataclass(frozen=True)
class Found:
    """One mistake, and the blocks that it explains."""

    label: str
    text: str
    certainty: float
    blocks: list[Seen]


def planted_faults(wrong: list[Seen]) -> list[Found]:
    """The likelier single faults that explain blocks: one that explains all of them, or else the best for each."""
    return [one for trial in _trials(wrong) for one in _first(trial, _likely(trial))]


def activation_faults(wrong: list[Seen]) -> list[Found]:
    """Activations whose derivative was forgotten: believed before anything else that gives the same numbers."""
    return [
        one for trial in _trials(wrong) for one in _first(trial, iter([trial.of(skipped_activations(trial.lists[0]))]))
    ]


def far_fetched_faults(wrong: list[Seen]) -> list[Found]:
    """Faults that are believed only where nothing simpler explains a block."""
    return [one for trial in _trials(wrong) for one in _first(trial, _unlikely(trial))]


def pairs_of_faults(wrong: list[Seen]) -> list[Found]:
    """Two faults at once, where no single one explains a block."""
    found = []
    for trial in _trials(wrong):
        trial.patience = _PATIENCE_FOR_PAIRS
        found += _first(trial, map(trial.of, pairs(trial.lists[0])))
    return found


def misread_functions(wrong: list[Seen]) -> list[Found]:
    """The value, or the right derivative, of a function that differs from the exercise's at one line."""
    trials = _of_values(wrong) if wrong[0][0].question.exercise.asks == "value" else _trials(wrong)
    return [one for trial in trials for one in _first(trial, map(trial.of, _misread(trial.lists[0])))]


def _misread(recorded: Recorded) -> Iterator[Group]:
    yield from misread(recorded)
    if not isinstance(recorded, Written):
        yield half_misread(recorded)


def _of_values(wrong: list[Seen]) -> Iterator[Trial]:
    """A value beside its lists; it may have any shape, since a slip on the way may change it."""
    lists = [written for seen in wrong[0] if (written := _written(seen.question)) is not None]
    if len(lists) == len(wrong[0]) and len({written.names_of_rules for written in lists}) == 1:
        yield Trial(lists, wrong, None)


def _written(question: Question) -> Written | None:
    try:
        return Written(question)
    except (AttributeError, TypeError, ValueError):
        return None  # it has no real inputs, or operations that are not on the list


def _trials(wrong: list[Seen]) -> Iterator[Trial]:
    """The blocks that can be compared, beside their lists; of a Hessian's diagonal every block has its own."""
    exercise = wrong[0][0].question.exercise
    wrong = [seen for seen in wrong if all(one.comparable for one in seen)]
    if not wrong or exercise.asks == "value":
        return
    for blocks in [[seen] for seen in wrong] if exercise.asks == "hessian_diagonal" else [wrong]:
        block = blocks[0][0].block if exercise.asks == "hessian_diagonal" else None
        lists = [recorded for seen in blocks[0] if (recorded := _recorded(seen.question, block)) is not None]
        if len(lists) == len(blocks[0]) and len({recorded.names_of_rules for recorded in lists}) == 1:
            yield Trial(lists, blocks, block)


def _recorded(question: Question, block: int | None) -> Recorded | None:
    try:
        return Recorded(question, block)
    except (AttributeError, TypeError, ValueError):
        return None  # it depends on none of its inputs


def _first(trial: Trial, groups: Iterator[list[Found]]) -> list[Found]:
    found: list[Found] = []
    for group in groups:
        found += group
        if any(len(one.blocks) == len(trial.wrong) for one in group):
            break
    return _best(trial.wrong, found)


def _likely(trial: Trial) -> Iterator[list[Found]]:
    paths = trial.of_paths()
    first = [one for one in paths if one.label in _PLAIN[:3]]
    yield first
    for number, group in enumerate(suspects(trial.lists[0])):
        if number == 1:
            yield trial.of(laws(trial.lists[0]))
        if number == 2:
            yield trial.of(cases(trial.lists[0]))
        if number == _COUNTED_AFTER:
            yield [one for one in paths if one not in first]
            yield trial.of(other_inputs(trial.lists[0]))
        yield trial.of(group)


def _unlikely(trial: Trial) -> Iterator[list[Found]]:
    for again in (mistaken_inputs, other_values, unsummed):
        yield trial.of(again(trial.lists[0]))
    for group in far_fetched(trial.lists[0]):
        yield trial.of(group)
    yield trial.of_terms()


def elsewhere(wrong: list[Seen]) -> list[Found]:
    """Blocks that are a value of the function's list, or the derivative of or with respect to something else."""
    exercise = wrong[0][0].question.exercise
    if exercise.asks == "value":
        return []
    lists = [recorded for seen in wrong[0] if (recorded := _recorded(seen.question, None)) is not None]
    if len(lists) < len(wrong[0]) or len({recorded.names_of_rules for recorded in lists}) > 1:
        return []
    if exercise.asks == "jacobian":
        return [found for seen in wrong if (found := _thing(seen, list(_jacobians(lists)))) is not None]
    things = [*_other_derivatives(wrong[0]), *_values(lists)]
    if exercise.asks != "hessian_diagonal":
        things += _adjoints(lists)
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


def _adjoints(lists: list[Recorded]) -> Iterator[Thing]:
    flows = [recorded.flow() for recorded in lists]
    for line in range(lists[0].last):
        if all(flow[line] is not None for flow in flows):
            text = f"You returned the derivative with respect to {lists[0].say(line)}."
            yield "another derivative", text, [np.asarray(flow[line], dtype=np.float64) for flow in flows]


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


def _best(wrong: list[Seen], found: list[Found]) -> list[Found]:
    """For every block the mistake that explains most blocks, and one of another name that explains as many."""
    chosen: list[Found] = []
    for seen in wrong:
        fitting = [one for one in found if any(seen is block for block in one.blocks)]
        most = max((len(one.blocks) for one in fitting), default=0)
        labels: dict[str, Found] = {}
        for one in fitting:
            if len(one.blocks) == most:
                labels.setdefault(one.label, one)
        chosen += [one for one in list(labels.values())[:2] if one not in chosen]
    return chosen


class Trial:
    """The lists at all points, the wrong blocks there, and how predictions are compared with them."""

    def __init__(self, lists: Sequence[Recorded], wrong: list[Seen], block: int | None) -> None:
        self.lists, self.wrong = lists, wrong
        self.numbers = [0 if block is not None else seen[0].block for seen in wrong]
        self.plain = [recorded.answer() for recorded in lists]
        self.patience = _PATIENCE
        self.effort = sum(1 + recorded_line[4].size / _SMALL for recorded_line in lists[0].lines)

    def of(self, group: Iterator[Suspect]) -> list[Found]:
        """The suspects that reproduce some wrong block at every point; no more of them than there is patience for."""
        found = []
        for suspect in group:
            self.patience -= self.effort
            if self.patience < 0:
                break
            blocks = list(range(len(self.wrong)))
            for point, recorded in enumerate(self.lists):
                predicted = _try(suspect, recorded)
                blocks = [k for k in blocks if predicted is not None and self._fits(predicted, k, point)]
                if not blocks:
                    break
            if blocks:
                found.append(Found(suspect.label, suspect.text, suspect.certainty, [self.wrong[k] for k in blocks]))
        return found

    def _fits(self, predicted: Blocks, k: int, point: int) -> bool:
        seen, values = self.wrong[k][point], predicted[self.numbers[k]]
        return values.shape == seen.yours.shape and within(seen.yours, values, seen)

    def of_paths(self) -> list[Found]:
        """Ways through the list whose share of the derivative is in the answer a wrong number of times."""
        found: dict[Told, list[Seen]] = {}
        for i, slot, parent in self.lists[0].paths:
            lost = [Edit(i, parent, slot, times=0.0)]
            without = [recorded.answer(lost) for recorded in self.lists]
            for seen, number in zip(self.wrong, self.numbers, strict=True):
                shares = [a[number] - b[number] for a, b in zip(self.plain, without, strict=True)]
                told = _said_of_path(self.lists[0], i, slot, shares, seen)
                if told is not None and not any(seen is block for block in found.setdefault(told, [])):
                    found[told].append(seen)
        return sorted((Found(*told, blocks) for told, blocks in found.items()), key=lambda one: _PLAIN.index(one.label))

    def of_terms(self) -> list[Found]:
        """Something that stands on the list, or a constant, added to the right answer."""
        found = []
        for seen in self.wrong:
            for number in range(-1, len(self.lists[0].pool)):
                name = "1" if number < 0 else self.lists[0].pool[number][0]
                terms = [
                    _in_shape(np.ones(()) if number < 0 else recorded.pool[number][1], one.right)
                    for one, recorded in zip(seen, self.lists, strict=True)
                ]
                ratio = _best_ratio(seen, terms)
                if ratio is not None and _adds_up(seen, terms, [ratio] * len(seen)):
                    found.append(
                        Found("an extra term", f"There is a term too many: {ratio:.6g} times {name}.", LIKELY, [seen])
                    )
        return found


def _in_shape(term: Array, like: Array) -> Array:
    """A number or an array in the shape of another, if it is a number or has that shape."""
    return np.broadcast_to(term, like.shape).astype(np.float64) if term.shape in ((), like.shape) else np.empty(0)


def _try(suspect: Suspect, recorded: Recorded) -> Blocks | None:
    try:
        return suspect.answer(recorded)
    except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError):
        return None  # the mistake cannot be made there: shapes that do not fit


def _best_ratio(seen: Seen, terms: list[Array]) -> float | None:
    """How many times the terms are in the answer beside the right one, where that shows best; None if nowhere."""
    best, ratio = 0.0, None
    for one, term in zip(seen, terms, strict=True):
        if term.shape != one.right.shape or not term.size or not np.all(np.isfinite(term)):
            return None
        largest = np.unravel_index(np.argmax(np.abs(term)), term.shape)
        shows = abs(term[largest]) / max(one.doubt, 1e-300)
        if shows > max(best, 1.0):
            best, ratio = shows, float((one.yours[largest] - one.right[largest]) / term[largest])
    return ratio


def _adds_up(seen: Seen, terms: list[Array], ratios: Sequence[float]) -> bool:
    """Whether the answer is the right one and so many times the terms, at every point."""
    return all(
        np.max(np.abs(ratio * term), initial=0.0) <= _DROWNS * max(np.max(np.abs(one.right), initial=0.0), one.doubt)
        and within(one.yours, one.right + ratio * term, one)
        for one, term, ratio in zip(seen, terms, ratios, strict=True)
    )


Told = tuple[str, str, float]  # a label, a text, a certainty


def _said_of_path(recorded: Recorded, i: int, slot: int | None, shares: list[Array], seen: Seen) -> Told | None:
    """What is wrong with a way through the list, if the answer has its share a wrong number of times."""
    ratio = _best_ratio(seen, shares)
    if ratio is None or all(within(share, one.right, one) for share, one in zip(shares, seen, strict=True)):
        return None  # it is nothing, or all there is: a matter of scale

    def times(*counts: float) -> bool:
        return _adds_up(seen, shares, [count - 1 for count in counts * (len(seen) if len(counts) == 1 else 1)])

    rule = recorded.lines[i][0]
    assert rule is not None
    where, term, both = recorded.say(i), operand(recorded, i, slot or 0), related(recorded, i)
    if times(0.0):
        if both or (recorded.asks == "jvp" and slot is not None and len(set(recorded.lines[i][1]) - {None}) > 1):
            return (
                "a path or term dropped",
                f"One term of the derivative of {where} is missing: the one through {term}.",
                ALMOST_SURE,
            )
        return "a path or term dropped", f"The path through {where} is missing.", ALMOST_SURE
    if times(-1.0):
        if rule.name == "divide" and slot == 1 and is_quotient(recorded, i):
            return "quotient rule misapplied", "The second term of the quotient rule has a minus.", ALMOST_SURE
        return "sign of one term", f"The term that comes through {term} in {where} has the wrong sign.", ALMOST_SURE
    for text, label, counts in _lengths(seen, rule.name):
        if times(*counts):
            return label, text, ALMOST_SURE
    simple = next((count for count in _SIMPLE if abs(count - 1 - ratio) < 1e-6 and times(count)), None)
    count = 1 + ratio if simple is None else simple
    if simple is None and (len(seen) < 2 or not times(count) or abs(ratio) < 1e-3):
        return None
    text = f"The term that comes through {term} in {where} is there {count:.4g} times instead of once."
    return "coefficient of one term", text, LIKELY if simple is None else ALMOST_SURE


def _lengths(seen: Seen, rule: str) -> Iterator[tuple[str, str, list[float]]]:
    """Lengths of axes, and what it means if a term is there so many times, or that fraction of once."""
    for name, value in seen[0].question.point.items():
        for axis in range(np.ndim(value)):
            lengths = [float(np.shape(one.question.point[name])[axis]) for one in seen]
            if min(lengths) > 2 and (len(set(lengths)) > 1 or rule in ("mean", "sum", "divide")):
                where = f"over axis {axis} of {name}, which it should not be."
                yield f"One term was summed {where}", "sum for mean", lengths
                yield f"One term was averaged {where}", "mean for sum", [1 / n for n in lengths]
