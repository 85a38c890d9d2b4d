"""Whatever kind an exercise is of, it is judged here."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from grading.verify import judge as derivatives
from grading.verify.exercise import Exercise
from grading.verify.item import Item
from grading.verify.respondent import Handed, HomeRespondent, Respondent
from grading.verify.verdict import Outcome, Verdict


class Judged(Item, ABC):
    """An exercise that judges its own answers; a class for each kind of answer."""

    @abstractmethod
    def judge(self, handed: Handed, respondent: Respondent, seed: int) -> Verdict:
        """The verdict on what was handed in; never raises because of what that is."""

    def fault(self, seed: int) -> str:
        """Why the exercise itself cannot be judged with this seed; empty if it can."""
        return ""

    def verdict(self, outcome: Outcome, seed: int, **found: Any) -> Verdict:
        """A verdict on this exercise, without a mark unless `found` has one."""
        found.setdefault("mark", 0.0)
        return Verdict(self.id, outcome, points=self.points, seed=seed, **found)


def verify(item: Item, answer: Any, seed: int | None = None, said: Mapping[str, Any] | None = None) -> Verdict:
    """Judge an answer in this process; `said` is what was handed in beside it, by name.

    The same seed gives the same verdict; left out, one is drawn, and the verdict tells it.
    """
    fresh_seed = secrets.randbits(31) if seed is None else seed
    return judge(item, Handed.of(answer, said), HomeRespondent(answer, said), fresh_seed)


def judge(item: Item, handed: Handed, respondent: Respondent, seed: int) -> Verdict:
    """Judge what was handed in, asking whoever answers for it.

    Raises
    ------
    TypeError : an exercise of no known kind
    """
    if isinstance(item, Exercise):
        return derivatives.judge(item, handed, respondent, seed)
    return _judged(item).judge(handed, respondent, seed)


def fault_of(item: Item, seed: int) -> str:
    """Why an exercise cannot be judged with this seed; empty if it can."""
    return derivatives.fault_of(item, seed) if isinstance(item, Exercise) else _judged(item).fault(seed)


def _judged(item: Item) -> Judged:
    if isinstance(item, Judged):
        return item
    raise TypeError(f"{type(item).__name__} is no kind of exercise that can be judged")
