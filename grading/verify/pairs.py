"""Two single faults at once: tried last, since two mistakes explain more than one does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice

import numpy as np

from grading.verify.budget import while_time
from grading.verify.faults import Blocks, Edit, Edits, Recorded
from grading.verify.laws import laws
from grading.verify.suspects import Group, Suspect, evaluated_elsewhere, fixed, forgotten, misapplied, operand, planted

_MOST = 120  # so many faults are tried with each other
_CERTAINTY = 0.8


def pairs(recorded: Recorded) -> Iterator[Group]:
    """Two of the likeliest faults, or one of them and a factor; those that are likelier first."""
    singles = _distinct(recorded, islice(_plausible(recorded), 2 * _MOST))[:_MOST]
    yield _scaled(recorded, singles)
    couples = (
        (i, k) for total in range(1, 2 * len(singles)) for i in range(total) if i < (k := total - i) < len(singles)
    )
    group = (_both(singles[i], singles[k]) for i, k in couples)
    while some := list(islice(group, 100)):
        yield iter(some)


def _plausible(recorded: Recorded) -> Iterator[Suspect]:
    """Faults that are made often, and so perhaps together."""
    yield from _of_paths(recorded, 0.0, "a path or term dropped", "The path through {1} in {0} is missing.")
    yield from forgotten(recorded)
    yield from _of_paths(recorded, -1.0, "sign of one term", "What comes through {1} in {0} has the wrong sign.")
    yield from _transposed(recorded)
    yield from laws(recorded)
    yield from misapplied(recorded)
    yield from evaluated_elsewhere(recorded)
    yield from _of_paths(recorded, 2.0, "coefficient of one term", "What comes through {1} in {0} is there twice.")
    yield from _of_paths(recorded, 0.5, "coefficient of one term", "Of what comes through {1} in {0} half is missing.")


def _transposed(recorded: Recorded) -> Group:
    """Square factors of products that are not transposed on the way back."""
    for i, slot, parent in recorded.edges:
        other = np.asarray(recorded.lines[i][2][1 - slot]) if recorded.names_of_rules[i] == "matmul" else np.empty(0)
        if other.ndim == 2 and other.shape[0] == other.shape[1]:
            said = f"In the derivative of {recorded.say(i)}, {operand(recorded, i, 1 - slot)} has to be transposed."
            yield planted("transposed", said, partial(_not_transposed, i, slot, parent))


def _not_transposed(i: int, slot: int, parent: int, recorded: Recorded) -> Edits:
    args = list(recorded.lines[i][2])
    args[1 - slot] = np.transpose(args[1 - slot])
    return [Edit(i, parent, slot, at=(tuple(args), recorded.lines[i][4]))]


def _of_paths(recorded: Recorded, times: float, label: str, text: str) -> Group:
    for i, slot, parent in recorded.paths:
        said = text.format(recorded.say(i), operand(recorded, i, slot or 0))
        yield planted(label, said, fixed(Edit(i, parent, slot, times=times)))


def _distinct(recorded: Recorded, suspects: Iterator[Suspect]) -> list[Suspect]:
    """Those that change the answer, and each other way once."""
    kept: list[Suspect] = []
    known = [recorded.answer()]
    for suspect in while_time(suspects):
        try:
            answer = suspect.answer(recorded)
        except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError):
            continue
        if suspect.edits is not None and not any(all(map(_same, answer, other)) for other in known):
            kept.append(suspect)
            known.append(answer)
    return kept


def _same(one: np.ndarray, two: np.ndarray) -> bool:
    return bool(np.allclose(one, two, rtol=1e-9, atol=0.0, equal_nan=True))


def _both(one: Suspect, two: Suspect) -> Suspect:
    edits = (one.edits, two.edits)

    def answer(recorded: Recorded) -> Blocks:
        return recorded.answer([*chain.from_iterable(of(recorded) for of in edits if of is not None)])

    return Suspect(one.label, f"Two mistakes: {_small(one.text)} And {_small(two.text)}", answer, _CERTAINTY)


def _small(text: str) -> str:
    """A sentence that goes on after a colon."""
    return text[0].lower() + text[1:] if text.startswith(("The ", "In ", "What ", "Going ", "Of ")) else text


Factor = Callable[[Recorded], float]


def _scaled(recorded: Recorded, singles: list[Suspect]) -> Group:
    for one in singles:
        for text, factor in _factors(recorded):
            said = f"Two mistakes: {_small(one.text)} And every entry {text}."
            yield Suspect(one.label, said, partial(_times, one, factor), _CERTAINTY)


def _times(one: Suspect, factor: Factor, recorded: Recorded) -> Blocks:
    return tuple(factor(recorded) * block for block in one.answer(recorded))


def _factors(recorded: Recorded) -> Iterator[tuple[str, Factor]]:
    yield "is there twice", lambda recorded: 2.0
    yield "is half of what it should be", lambda recorded: 0.5
    for name, value in recorded.question.point.items():
        for axis in range(np.ndim(value)):
            yield f"is multiplied by the length of axis {axis} of {name}", partial(_length, name, axis, 1)
            yield f"is divided by the length of axis {axis} of {name}", partial(_length, name, axis, -1)


def _length(name: str, axis: int, exponent: int, recorded: Recorded) -> float:
    return float(np.shape(recorded.question.point[name])[axis]) ** exponent
