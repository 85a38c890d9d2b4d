"""Wrong answers that are right by luck: the answer is asked again, at inputs of a special kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from grading.verify import contract
from grading.verify.budget import while_time
from grading.verify.exercise import Array, Exercise, Point
from grading.verify.respondent import Reply
from grading.verify.sampling import Question, fresh_question
from grading.verify.tolerance import Blocks, tolerance

Ask = Callable[[Question], Reply]
Change = Callable[[Point], Point]


Kind = tuple[str, str, Change]  # a label, a text, and inputs of that kind instead of those asked
Kinds = Callable[[Question], Iterator[Kind]]


def luck(
    kinds: Kinds, questions: Sequence[Question], blocks: Sequence[int], ask: Ask
) -> Iterator[tuple[str, str, set[int]]]:
    """(label, text, blocks) for each kind of inputs at which blocks that are wrong elsewhere are right.

    Points of a kind may miss the branch in which an answer goes wrong, so it has to be right at further ones as well.
    """
    for label, text, change in while_time(kinds(questions[0])):
        fine = set(blocks)
        for question in (*questions, *_further(questions[0].exercise)):
            if fine:
                fine &= _right_at(question, change, ask)
        if fine:
            yield label, text, fine


_FURTHER = 6  # points


def _further(exercise: Exercise) -> Iterator[Question]:
    """More points of an exercise, drawn where nobody else draws."""
    for number in range(_FURTHER):
        with suppress(Exception):
            yield fresh_question(exercise, _SEED, number)


_SEED = 2**31  # of no verdict


def same_when_rounded(questions: Sequence[Question], dtype: type, ask: Ask) -> bool:
    """Whether the answer does not notice that its arguments are rounded to another precision first."""
    for question in questions:
        coarse = _changed(question, lambda point: {name: _rounded(v, dtype) for name, v in point.items()})
        coarse = Question(coarse.exercise, coarse.point, tuple(_rounded(d, dtype) for d in coarse.directions))
        one, two = ask(question), ask(coarse)
        if one.error or two.error or not contract.same_values(one.values, two.values):
            return False
        if contract.same_values(question.args, coarse.args):
            return False  # nothing to notice
    return True


def _rounded(value: Any, dtype: type) -> Any:
    array = np.asarray(value)
    return array.astype(dtype).astype(array.dtype)[()] if array.dtype.kind == "f" else value


def share_of_error_moved(
    questions: Sequence[Question], block: int, step: float, ask: Ask, names: Sequence[str]
) -> float:
    """How much of a block's error is another one, once the inputs of these names have moved by a relative step.

    0 where that is not known, or where the right answer moves so much that its error has to.
    """
    before, change = 0.0, 0.0
    for question in questions:
        moved = nudged(question, step, names)
        try:
            (here, right), (there, new) = (_told(asked, block, ask) for asked in (question, moved))
        except Exception:
            return 0.0  # the function has no such inputs, or the answer no such block
        size = max(float(np.linalg.norm(right)), 1e-300)
        if not np.all(np.isfinite(here - there)) or np.linalg.norm(new - right) > _STEADY * size:
            return 0.0
        before += float(np.linalg.norm(here - right) / size) ** 2
        change += float(np.linalg.norm((there - new) - (here - right)) / size) ** 2
    return float(np.sqrt(change / before)) if before else 0.0


def nudged(question: Question, step: float, names: Sequence[str], number: int = 0) -> Question:
    """The question once the inputs of these names have moved by a relative step, each `number` another way."""
    return _changed(question, partial(_moved, np.random.default_rng(number), step, names))


_STEADY = 0.1  # the right answer may move so much of its size


def is_stuck(question: Question, block: int, ask: Ask) -> bool:
    """Whether an answer that is right at a question is wrong right beside it, once it has been asked elsewhere.

    Only what is differentiated is moved: an answer that makes something of labels may be right at whole numbers alone.
    """
    try:
        beside = nudged(question, _BESIDE, question.exercise.wrt)
        return block in _right_blocks(question, ask)[0] and block not in _right_blocks(beside, ask)[0]
    except Exception:
        return False  # the function has no such inputs


_BESIDE = 1e-6  # relative to the inputs: another question, but hardly another branch


def _moved(rng: np.random.Generator, step: float, names: Sequence[str], point: Point) -> Point:
    return point | {name: point[name] * (1 + step * rng.uniform(-1, 1, np.shape(point[name]))) for name in names}


def _told(question: Question, block: int, ask: Ask) -> tuple[Array, Array]:
    """A block of the answer and what is right, as vectors."""
    right = tolerance(question).blocks
    values = contract.split_blocks(ask(question), right)
    assert not isinstance(values, str)
    assert values[block].shape == right[block].shape
    return values[block].ravel(), right[block].ravel()


def works_when_square(questions: Sequence[Question], ask: Ask) -> bool:
    """Whether an answer that fails gives numbers where all lengths are equal."""
    for question in questions:
        try:
            asked = _changed(question, _square)
        except Exception:
            return False  # the function has no such inputs
        if contract.same_values(asked.args, question.args) or ask(asked).error is not None:
            return False
    return True


def telling(question: Question) -> Iterator[Kind]:
    """Kinds of inputs so special that an answer is hardly right there by another mistake."""
    point = question.point
    square = [name for name, value in point.items() if np.ndim(value) == 2 and len(set(np.shape(value))) == 1]
    for several in _subsets(square):
        yield (
            "right for symmetric inputs only",
            f"Your answer is right where {' and '.join(several)} {'are' if several[1:] else 'is'} symmetric, and wrong "
            "in general: a matrix and its transpose are not the same.",
            partial(_symmetric, several),
        )
    yield from _one_hots(question, targets=True)


def _subsets(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Each name alone, then all pairs, then all: what is enough is told, and no more."""
    for count in sorted({1, 2, len(names)}):
        yield from combinations(names, count)


def _symmetric(names: Sequence[str], point: Point) -> Point:
    return point | {name: (point[name] + point[name].T) / 2 for name in names}


def ordinary(question: Question) -> Iterator[Kind]:
    """Kinds of inputs at which answers may be right for many reasons: nothing better was found."""
    point = question.point
    yield from _one_hots(question, targets=False)
    for length in filter(partial(_is_batch, question), _batch_lengths(point)):
        names = " and ".join(name for name, value in point.items() if np.ndim(value) and len(value) == length)
        yield (
            "wrong for batches",
            f"Your answer is right for one row of {names}, and wrong for more.",
            partial(_one_row, point, length),
        )
    for name in real_inputs(point):
        yield _positive(name)
    if any(len(set(np.shape(value))) > 1 for value in point.values()):
        yield (
            "right for square shapes only",
            "Your answer is right where all lengths are equal, and wrong in general: which axis is which?",
            _square,
        )


def _one_hots(question: Question, targets: bool) -> Iterator[Kind]:
    """Rows with a single 1, in the place of targets, which are not negative, or of other inputs that do not move."""
    for name in real_inputs(question.point):
        value = question.point[name]
        if name in question.exercise.wrt or np.ndim(value) != 2 or bool(np.all(value >= 0)) != targets:
            continue
        yield _positive(name)  # one-hot rows are no sign of anything if their not being negative is enough
        yield (
            "right for zero or one-hot inputs only",
            f"Your answer is right where the rows of {name} are one-hot, and wrong in general.",
            partial(_with, name, _one_hot),
        )


def _positive(name: str) -> Kind:
    text = f"Your answer is right where {name} is positive, and wrong where some of it is negative."
    return "wrong for negative inputs", text, partial(_with, name, np.abs)


def real_inputs(point: Point) -> list[str]:
    return [name for name, value in point.items() if np.asarray(value).dtype.kind == "f"]


def _batch_lengths(point: Point) -> set[int]:
    """Lengths of first axes that no other axis has: those of a batch."""
    shapes = [np.shape(value) for value in point.values()]
    others = {n for shape in shapes for n in shape[1:]}
    return {shape[0] for shape in shapes if len(shape) > 1 and shape[0] > 1} - others


def _is_batch(question: Question, length: int) -> bool:
    """Whether first axes of this length are rows that add up, in a sum, a mean, or one of these beside other terms."""
    exercise, point = question.exercise, question.point

    def value(*rows: int) -> Array:
        return exercise.value_at({k: v[list(rows)] if np.ndim(v) and len(v) == length else v for k, v in point.items()})

    try:
        first, last, both = value(0, 0), value(length - 1, length - 1), value(0, length - 1)
    except Exception:
        return False
    return np.ndim(both) > 0 or bool(np.isclose(first + last, 2 * both, rtol=1e-9, atol=0))


def _one_row(sample: Point, length: int, point: Point) -> Point:
    """The first row of the batch that has this length at the sample; it differs between draws."""
    name = next(name for name, value in sample.items() if np.ndim(value) > 1 and len(value) == length)
    here = len(point[name])
    return {key: value[:1] if np.ndim(value) and len(value) == here else value for key, value in point.items()}


def _with(name: str, change: Callable[[Array], Array], point: Point) -> Point:
    return point | {name: change(point[name])}


def _one_hot(value: Array) -> Array:
    if np.ndim(value) == 0:
        return np.ones_like(value)
    hot = np.zeros_like(value)
    flat = hot.reshape(-1, hot.shape[-1])
    flat[np.arange(len(flat)), (2 * np.arange(len(flat)) + 1) % hot.shape[-1]] = 1.0  # no symmetric matrix
    return hot


def _square(point: Point) -> Point:
    """Every axis cut to the shortest one; those of length 1 stay, since of arrays of one entry anything is right."""
    least = min(n for value in point.values() for n in np.shape(value) if n > 1)
    return {name: np.asarray(value)[tuple(slice(least) for _ in np.shape(value))] for name, value in point.items()}


def _right_at(question: Question, change: Change, ask: Ask) -> set[int]:
    """The blocks that are right at the changed point, other than by having nothing in them."""
    try:
        asked = _changed(question, change)
        if contract.same_values(asked.args, question.args):
            return set()
        usual = tolerance(question).blocks
        fine, right = _right_blocks(asked, ask)
    except Exception:
        return set()  # the function has no such inputs
    return {n for n in fine if np.any(right[n]) and _filled(right[n]) >= _SHOWS * _filled(usual[n])}


def _right_blocks(question: Question, ask: Ask) -> tuple[set[int], Blocks]:
    """Which blocks of the answer are right at a question, and what is right."""
    measured, reply = tolerance(question), ask(question)
    values = contract.split_blocks(reply, measured.blocks) if reply.error is None else ""
    if isinstance(values, str):
        return set(), measured.blocks
    triples = zip(values, measured.blocks, measured.allowed, strict=True)
    fine = {
        number
        for number, (value, right, bar) in enumerate(triples)
        if value.shape == right.shape and np.all(np.abs(value - right) <= 4 * np.max(bar, initial=0.0))
    }
    return fine, measured.blocks


_SHOWS = 0.5  # of the share of entries that are usually not zero, or the point shows too little


def _filled(values: Array) -> float:
    """Which share of the entries is not zero."""
    return float(np.count_nonzero(values) / max(values.size, 1))


def _changed(question: Question, change: Change) -> Question:
    point = {name: np.array(value)[()] for name, value in change(question.point).items()}
    exercise, directions = question.exercise, question.directions
    shapes = [np.shape(point[name]) for name in exercise.wrt]
    if exercise.asks == "vjp":
        shapes = [exercise.value_at(point).shape]
    cut = tuple(np.asarray(d)[tuple(map(slice, s))][()] for d, s in zip(directions, shapes, strict=False))
    return Question(exercise, point, cut)
