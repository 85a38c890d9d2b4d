"""How long the search for a mistake may take: so much work, which is the same on every processor, and at most so much
time on this one, by a clock that a test may replace."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Clock = Callable[[], float]
T = TypeVar("T")


class Budget:
    """So many seconds, from now on, and so much work."""

    def __init__(self, seconds: float, clock: Clock = time.process_time, work: float = math.inf) -> None:
        self._clock, self._end, self._left = clock, clock() + seconds, work

    @property
    def is_spent(self) -> bool:
        """Whether the work is done, or the time over."""
        return self._left <= 0 or self._clock() >= self._end

    def charge(self, work: float) -> None:
        """Take some work off what is left."""
        self._left -= work

    @contextmanager
    def granted(self) -> Iterator[None]:
        """What runs inside works on this budget."""
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)


_CURRENT: ContextVar[Budget | None] = ContextVar("budget", default=None)


def charge(work: float) -> None:
    """Say that so much work is done on the budget that there is, if there is one."""
    budget = _CURRENT.get()
    if budget is not None:
        budget.charge(work)


def while_time(things: Iterable[T]) -> Iterator[T]:
    """The things one by one, as long as the budget lasts; without one all of them."""
    budget = _CURRENT.get()
    for thing in things:
        if budget is not None and budget.is_spent:
            return
        yield thing
