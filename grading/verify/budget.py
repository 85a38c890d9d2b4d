"""How long the search for a mistake may take: its own time on the processor, by a clock that a test may replace."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Clock = Callable[[], float]
T = TypeVar("T")


class Budget:
    """So many seconds, from now on."""

    def __init__(self, seconds: float, clock: Clock = time.process_time) -> None:
        self._clock, self._end = clock, clock() + seconds

    @property
    def is_spent(self) -> bool:
        """Whether the time is over."""
        return self._clock() >= self._end

    @contextmanager
    def granted(self) -> Iterator[None]:
        """What runs inside works on this budget."""
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)


_CURRENT: ContextVar[Budget | None] = ContextVar("budget", default=None)


def while_time(things: Iterable[T]) -> Iterator[T]:
    """The things one by one, as long as there is time for another; without a budget all of them."""
    budget = _CURRENT.get()
    for thing in things:
        if budget is not None and budget.is_spent:
            return
        yield thing
