"""The same work for several sheets, in several processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import TypeVar

from grading.course.layout import CourseError

Outcome = TypeVar("Outcome")


def for_each(
    names: Sequence[str], work: Callable[[str], Outcome], processes: int
) -> Iterator[tuple[str, Outcome | Exception]]:
    """Each sheet's name and what `work` made of it, as they are done; what a person can mend is handed on, not raised.

    With more than one process and sheet, `work` and its outcome must be picklable.

    Raises
    ------
    CourseError : one of the processes was ended from outside
    """
    if min(len(names), processes) < 2:
        yield from ((name, _outcome(partial(work, name))) for name in names)
        return
    # started anew: a copy of this process would share its threads' locks
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, signal.signal, (signal.SIGINT, signal.SIG_DFL)) as pool:
        started = {pool.submit(work, name): name for name in names}
        try:
            yield from ((started[done], _outcome(done.result)) for done in as_completed(started))
        except BrokenProcessPool:
            raise CourseError("a process ended before its sheet was done; is there enough memory?") from None
        finally:
            _abandon(list(started))


def _outcome(work: Callable[[], Outcome]) -> Outcome | Exception:
    try:
        return work()
    except (ValueError, OSError) as error:
        return error


def _abandon(futures: Sequence[Future[Outcome]]) -> None:
    for future in futures:
        future.cancel()
