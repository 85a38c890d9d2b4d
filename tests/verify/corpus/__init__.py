"""Answers as students write them, right and wrong, each wrong one with the mistake that was made in it.

`development` and `development_more` were looked at while the diagnosis was built; `held_out` was written before it and
was not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grading.verify import Exercise

Answer = Callable[..., Any]


@dataclass(frozen=True)
class Wrong:
    """An answer with one mistake: what it is called in the catalogue, and the answer.

    An answer that keeps something between calls is made anew whenever it is asked for: `makes` says how.
    """

    label: str
    makes: Callable[[], Answer] | Answer
    keeps: bool = False

    @property
    def answer(self) -> Answer:
        """The answer, that has not been called before."""
        return self.makes() if self.keeps else self.makes


@dataclass(frozen=True)
class Problem:
    """An exercise with answers to it; `awkward` where right formulas are hard to tell from wrong ones."""

    exercise: Exercise
    right: tuple[Answer, ...]
    wrong: tuple[Wrong, ...]
    awkward: bool = False


def sizes(rng, *choices):
    """One length per group of choices: a batch that is not always of the same size."""
    return tuple(int(rng.choice(group)) for group in choices)
