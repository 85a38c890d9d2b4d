"""How often an answer calls what it is to do without."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def calls_counted(names: Collection[str]) -> Iterator[dict[str, int]]:
    """Count the calls, from what runs inside, of functions with these names and into modules with these names.

    A call into a module counts once, however many calls follow within it. Code that wants to can keep calls from being
    counted: the numbers are for a person to look at, and no mark depends on them.
    """
    counts = dict.fromkeys(names, 0)
    before = sys.getprofile()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            module = _module(frame)
            if frame.f_code.co_name in counts:
                counts[frame.f_code.co_name] += 1
            elif module in counts and (frame.f_back is None or _module(frame.f_back) != module):
                counts[module] += 1

    if not counts:
        yield counts
        return
    sys.setprofile(note)
    try:
        yield counts
    finally:
        sys.setprofile(before)


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
