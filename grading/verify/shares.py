"""What an answer is made of: the right one, and parts of it, or other terms, so and so many times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, islice

import numpy as np

from grading.verify.budget import while_time
from grading.verify.catalogue import ALMOST_SURE, LIKELY, Seen, within
from grading.verify.exercise import Array
from grading.verify.faults import Edit, Recorded
from grading.verify.suspects import is_quotient, operand, related
from grading.verify.trial import Found, Trial

_DROWNS = 1e6  # a term so many times larger than the right answer leaves too few of its digits to be sure
# What may be wrong with a path, the simplest first.
PLAIN = (
    *("a path or term dropped", "quotient rule misapplied", "sign of one term", "sum for mean", "mean for sum"),
    "coefficient of one term",
)
_SIMPLE = (2.0, 0.5, 3.0, 1 / 3, 4.0, 0.25, -2.0, -0.5, 1.5, 2 / 3)  # numbers of times that need no other evidence


def paths(trial: Trial) -> list[Found]:
    """Ways through the list whose share of the derivative is in the answer a wrong number of times."""
    found: dict[Told, list[Seen]] = {}
    for i, slot, parent in while_time(trial.lists[0].paths):
        lost = [Edit(i, parent, slot, times=0.0)]
        without = [recorded.answer(lost) for recorded in trial.lists]
        for seen, number in zip(trial.wrong, trial.numbers, strict=True):
            shares = [a[number] - b[number] for a, b in zip(trial.plain, without, strict=True)]
            told = _said_of_path(trial.lists[0], i, slot, shares, seen)
            if told is not None and not any(seen is block for block in found.setdefault(told, [])):
                found[told].append(seen)
    return sorted((Found(*told, blocks) for told, blocks in found.items()), key=lambda one: PLAIN.index(one.label))


def terms(trial: Trial) -> list[Found]:
    """Something that stands on the list, a constant, or a part of another derivative, added to the right answer."""
    found = []
    for seen, block in zip(trial.wrong, trial.numbers, strict=True):
        for name, parts in while_time(_additions(trial, seen, block)):
            ratio = None if _is_in_proportion(parts, seen) else _best_ratio(seen, parts)
            if ratio is not None and _adds_up(seen, parts, [ratio] * len(seen)):
                text = f"There is a term too many: {ratio:.6g} times {name}."
                found.append(Found("an extra term", text, LIKELY, [seen]))
        spread = _spread_out(trial, seen, block)
        found += [] if spread is None else [spread]
    return found


def _spread_out(trial: Trial, seen: Seen, block: int) -> Found | None:
    """A term whose entries were summed, and the sum added to each of them: ones in the place of the identity."""
    for said, parts in _parts(trial, block):
        if seen[0].right.ndim and all(
            within(one.yours, one.right - part + np.sum(part), one) for one, part in zip(seen, parts, strict=True)
        ):
            text = f"What comes {said} is summed, and the sum added to every entry: ones where the identity belongs."
            return Found("an extra term", text, ALMOST_SURE, [seen])
    return None


def _additions(trial: Trial, seen: Seen, block: int) -> Iterator[tuple[str, list[Array]]]:
    """What may have been added, and what it is at every point."""

    def shaped(values: list[Array]) -> list[Array]:
        return [_in_shape(value, one.right) for value, one in zip(values, seen, strict=True)]

    yield "1", shaped([np.ones(())] * len(seen))
    for number, (name, _) in enumerate(trial.lists[0].pool):
        yield name, shaped([recorded.pool[number][1] for recorded in trial.lists])
    inputs = [(name, value) for name, value in seen[0].question.point.items() if np.asarray(value).dtype.kind == "f"]
    for one, two in combinations([name for name, _ in inputs], 2):
        points = [each.question.point for each in seen]
        if any(np.ndim(points[0][name]) == 0 for name in (one, two)):
            yield f"{one} * {two}", shaped([np.asarray(point[one] * point[two]) for point in points])
    for other, name in enumerate(trial.lists[0].names if trial.lists[0].asks != "jvp" else ()):
        if other != block and trial.plain[0][other].shape == seen[0].right.shape:
            yield f"the derivative in {name}", shaped([plain[other] for plain in trial.plain])
            for said, parts in _parts(trial, other):
                yield f"the part of the derivative in {name} that comes {said}", shaped(parts)


def _parts(trial: Trial, block: int) -> Iterator[tuple[str, list[Array]]]:
    """Every path's share of a derivative at every point."""
    for i, slot, parent in trial.lists[0].paths:
        lost = [Edit(i, parent, slot, times=0.0)]
        pairs = zip(trial.plain, trial.lists, strict=True)
        said = f"through {operand(trial.lists[0], i, slot or 0)} in {trial.lists[0].say(i)}"
        yield said, [plain[block] - recorded.answer(lost)[block] for plain, recorded in pairs]


# --- two paths at once -----------------------------------------------------------------------------------------------

_MOST = 40  # so many paths are tried with each other


def two_paths(trial: Trial) -> list[Found]:
    """Two paths whose shares are in the answer a wrong number of times each."""
    found = []
    for seen, block in zip(trial.wrong, trial.numbers, strict=True):
        parts = list(while_time(islice(_distinct(seen, _parts(trial, block)), _MOST)))
        for (said, one), (also, two) in while_time(combinations(parts, 2)):
            counts = _counts(seen, one, two) or _counts_of_few(seen, one, two)
            if counts is None:
                continue
            told = [_times(seen, times) for times in counts]
            if told[0] is not None and told[1] is not None:
                text = f"Two mistakes: what comes {said} {told[0][1]}, and what comes {also} {told[1][1]}."
                found.append(Found(told[0][0], text, 0.8, [seen]))
                break
    return found


def _distinct(seen: Seen, parts: Iterator[tuple[str, list[Array]]]) -> Iterator[tuple[str, list[Array]]]:
    """Those that are neither nothing, nor all, nor one of those before."""
    known = [np.zeros(seen[0].right.shape), seen[0].right]
    for said, values in parts:
        if not any(within(values[0], other, seen[0]) for other in known):
            known.append(values[0])
            yield said, values


def _counts(seen: Seen, one: list[Array], two: list[Array]) -> list[list[float]] | None:
    """How many times two shares are in the answer, at every point, if it is the right one but for that."""
    counts: list[list[float]] = [[], []]
    for point, a, b in zip(seen, one, two, strict=True):
        columns = np.stack([a.ravel(), b.ravel()], axis=1)
        if len(columns) < 3 or not np.all(np.isfinite(columns)):
            return None
        ratios = np.linalg.lstsq(columns, (point.yours - point.right).ravel(), rcond=None)[0]
        if not within(point.yours, point.right + ratios[0] * a + ratios[1] * b, point):
            return None
        for count, ratio in zip(counts, ratios, strict=True):
            count.append(1 + float(ratio))
    return counts


def _counts_of_few(seen: Seen, one: list[Array], two: list[Array]) -> list[list[float]] | None:
    """The same for one or two numbers, which do not tell two counts: one of them is of those that are usual."""
    if len(seen) < 3 or seen[0].right.size > 2:
        return None
    for first in _usual(seen):
        second = [
            1 + float(np.sum((point.yours - point.right - (count - 1) * a) * b) / max(np.sum(b * b), 1e-300))
            for point, a, b, count in zip(seen, one, two, first, strict=True)
        ]
        fitting = zip(seen, one, two, first, second, strict=True)
        if _times(seen, second) and all(
            within(point.yours, point.right + (count - 1) * a + (other - 1) * b, point)
            for point, a, b, count, other in fitting
        ):
            return [first, second]
    return None


def _usual(seen: Seen) -> Iterator[list[float]]:
    """How many times a share may be there by a plain mistake, at every point."""
    for count in (0.0, -1.0, *_SIMPLE):
        yield [count] * len(seen)
    for name, value in seen[0].question.point.items():
        numbers = [[float(n) for n in (*np.shape(one.question.point[name]),)] for one in seen]
        if np.ndim(value) == 0:
            numbers = [[float(one.question.point[name])] for one in seen]
        for row in zip(*numbers, strict=True):
            if all(row):
                yield list(row)
                yield [1 / n for n in row]


def _times(seen: Seen, counts: list[float]) -> tuple[str, str] | None:
    """A label, and in words what it means that something is there so many times at every point."""

    def are(times: Sequence[float]) -> bool:
        return bool(np.allclose(counts, times, rtol=1e-7, atol=1e-7))

    if are([0.0]):
        return "a path or term dropped", "is missing"
    if are([-1.0]):
        return "sign of one term", "has the wrong sign"
    for name, value in seen[0].question.point.items():
        for axis in range(np.ndim(value)):
            lengths = [float(np.shape(one.question.point[name])[axis]) for one in seen]
            if min(lengths) > 2 and are(lengths):
                return "sum for mean", f"is multiplied by the length of axis {axis} of {name}"
            if min(lengths) > 2 and are([1 / n for n in lengths]):
                return "mean for sum", f"is divided by the length of axis {axis} of {name}"
    for name, value in seen[0].question.point.items():
        if np.ndim(value) == 0 and len(seen) > 1:
            numbers = [float(one.question.point[name]) for one in seen]
            for power in (1, -1, 2, -2):
                if all(numbers) and are([number**power for number in numbers]):
                    return "wrong power", f"is multiplied by {name}**{power}"
    for count in _SIMPLE:
        if are([count]):
            return "coefficient of one term", f"is there {count:.4g} times"
    return None


# --- how it is measured ----------------------------------------------------------------------------------------------


def _is_in_proportion(parts: list[Array], seen: Seen) -> bool:
    """Whether parts are a multiple of the right answer: so many times more of them is a matter of scale."""
    if any(part.shape != one.right.shape or not np.any(part) for part, one in zip(parts, seen, strict=True)):
        return False
    times = [np.vdot(part, one.right) / np.vdot(part, part) for part, one in zip(parts, seen, strict=True)]
    alike = zip(times, parts, seen, strict=True)
    return bool(np.ptp(times) <= 1e-6 * abs(times[0])) and all(
        within(n * part, one.right, one) for n, part, one in alike
    )


def _in_shape(term: Array, like: Array) -> Array:
    """A number or an array in the shape of another, if it is a number or has that shape."""
    return np.broadcast_to(term, like.shape).astype(np.float64) if term.shape in ((), like.shape) else np.empty(0)


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
            return label, text, ALMOST_SURE if len(set(counts)) > 1 else LIKELY  # it may be any number of that size
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
                length = f"the length of axis {axis} of {name}"
                yield f"One term is too large by {length}, as a sum is beside its mean.", "sum for mean", lengths
                yield (
                    f"One term is too small by {length}, as a mean is beside its sum.",
                    "mean for sum",
                    [1 / n for n in lengths],
                )
