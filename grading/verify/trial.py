"""Wrong blocks beside the lists of their function: which faults reproduce them, at every point."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from grading.verify.budget import while_time
from grading.verify.catalogue import Observation, Seen, within
from grading.verify.faults import Blocks, Recorded
from grading.verify.misread import Written
from grading.verify.sampling import Question
from grading.verify.suspects import Suspect
from grading.verify.tolerance import UNIT_ROUNDOFF

_PATIENCE = 150_000  # so many lines of small arrays are walked for one answer: a second or two


@dataclass(frozen=True)
class Found:
    """One mistake, and the blocks that it explains."""

    label: str
    text: str
    certainty: float
    blocks: list[Seen]


def trials_of_values(wrong: list[Seen]) -> Iterator[Trial]:
    """A value beside its lists; it may have any shape, since a slip on the way may change it."""
    lists = [written for seen in wrong[0] if (written := _written(seen.question)) is not None]
    if len(lists) == len(wrong[0]) and len({written.names_of_rules for written in lists}) == 1:
        yield Trial(lists, wrong, None)


def _written(question: Question) -> Written | None:
    try:
        return Written(question)
    except (AttributeError, TypeError, ValueError):
        return None  # it has no real inputs, or operations that are not on the list


def trials(wrong: list[Seen], of_one_make: bool = True) -> Iterator[Trial]:
    """The blocks that can be compared, beside their lists; of a Hessian's diagonal every block has its own.

    Unless lists of any make will do, they are of the same operations at all points.
    """
    exercise = wrong[0][0].question.exercise
    wrong = [seen for seen in wrong if all(one.comparable for one in seen)]
    if not wrong or exercise.asks == "value":
        return
    for blocks in [[seen] for seen in wrong] if exercise.asks == "hessian_diagonal" else [wrong]:
        block = blocks[0][0].block if exercise.asks == "hessian_diagonal" else None
        lists = [recorded for seen in blocks[0] if (recorded := recorded_at(seen.question, block)) is not None]
        are_alike = not of_one_make or len({recorded.names_of_rules for recorded in lists}) == 1
        if len(lists) == len(blocks[0]) and are_alike:
            yield Trial(lists, blocks, block)


def recorded_at(question: Question, block: int | None) -> Recorded | None:
    """The list at a point; None if the function depends on none of its inputs."""
    try:
        return Recorded(question, block)
    except (AttributeError, TypeError, ValueError):
        return None


class Trial:
    """The lists at all points, the wrong blocks there, and how predictions are compared with them."""

    def __init__(self, lists: Sequence[Recorded], wrong: list[Seen], block: int | None) -> None:
        self.lists, self.wrong = lists, wrong
        self.numbers = [0 if block is not None else seen[0].block for seen in wrong]
        self.plain = [recorded.answer() for recorded in lists]
        self.worst = [[_worst(one) for one in seen] for seen in wrong]
        self.patience: float = _PATIENCE

    def of(self, group: Iterator[Suspect]) -> list[Found]:
        """The suspects that reproduce some wrong block at every point; no more of them than there is patience for."""
        found = []
        for suspect in while_time(group):
            self.patience -= self.lists[0].effort
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
        seen, values, (place, doubt) = self.wrong[k][point], predicted[self.numbers[k]], self.worst[k][point]
        if values.shape != seen.yours.shape:
            return False
        if values.size and not abs(values.item(place) - seen.yours.item(place)) <= doubt:
            return False  # most faults are told from each other by one entry
        return within(seen.yours, values, seen)


def _worst(one: Observation) -> tuple[int, float]:
    """The entry that is off most, and how far a prediction of it may be off."""
    if one.yours.shape != one.right.shape or not one.yours.size:
        return 0, np.inf
    place = int(np.argmax(np.abs(one.yours - one.right)))
    return place, 2 * (one.doubt + 64 * UNIT_ROUNDOFF * abs(one.yours.item(place)))


def _try(suspect: Suspect, recorded: Recorded) -> Blocks | None:
    try:
        return suspect.answer(recorded)
    except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError):
        return None  # the mistake cannot be made there: shapes that do not fit
