"""What keeps a notebook going that is run from its first cell to its last, with nobody there to start it again."""

from __future__ import annotations

import sys
from typing import Any

# What a kernel is started with, so that this is so before the first cell.
START = "__import__('grading.notebook.steady', fromlist=['steady']).steady(get_ipython());"


def steady(shell: Any) -> None:
    """Let a kernel's shell go on after `exit`, and after a cell that closed the streams to which it prints.

    A kernel takes a moment to leave: which cells after an `exit` are still run would be chance.
    """
    streams = sys.stdout, sys.stderr

    def mend(result: Any) -> None:
        if not _can_be_used(sys.stdout):
            sys.stdout = streams[0]
        if not _can_be_used(sys.stderr):
            sys.stderr = streams[1]

    shell.ask_exit = lambda: None
    shell.events.register("post_run_cell", mend)


def _can_be_used(stream: Any) -> bool:
    try:
        stream.flush()
    except Exception:  # whatever was put there
        return False
    return True
