"""The first process of a sandbox that marks many submissions, one after another: it is forked for each of them.

It has imported what a notebook needs and never computes; it holds no secret, and nothing that a submission could reach.
A submission's own processes have a namespace of their own, whose first process does nothing, and which a keeper outside
of it ends: when the grader says so or is gone, or when the submission has ended.
"""

from __future__ import annotations

import base64
import os
import random
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NoReturn

from grading.notebook import wire
from grading.trusted.inside import apart
from grading.trusted.inside.cells import Notebook

_IMPORTED = ("numpy", "matplotlib.pyplot", "grading.notebook", "autodiff")
_INTERRUPT = b"i"
_READY = b"r"


@dataclass(frozen=True)
class _Settings:
    """What the grader says once: where things lie, the limits by name, and the filter of system calls."""

    room: apart.Room
    limits: dict[str, int]
    program: bytes

    @classmethod
    def of(cls, said: dict[str, Any]) -> _Settings:
        return cls(apart.Room(**said["room"]), said["limits"], base64.b64decode(said["program"]))


def main(number: int) -> None:
    """Serve the grader at the other end of an open socket until it hangs up."""
    grader = socket.socket(fileno=number)
    settings = _Settings.of(wire.receive(grader))
    apart.prepare()
    notebook = Notebook.instance()
    notebook.initialize(["--HistoryManager.hist_file=:memory:", "-f", sys.argv[2]])
    for name in _IMPORTED:
        with suppress(ImportError):  # what a sheet forbids is not there
            import_module(name)
    apart.set_readable(False)
    modules = sorted({name.partition(".")[0] for name in sys.modules})
    wire.send(grader, {"type": "ready", "language_info": notebook.kernel.language_info, "modules": modules})
    while True:
        request, connections, _, _ = socket.recv_fds(grader, 1, 2)
        if not request:
            return
        zygote, keeper = os.getpid(), os.fork()
        if keeper == 0:
            _guarded(_keep, settings, notebook, zygote, *connections)
        for connection in connections:
            os.close(connection)
        _, status = os.waitpid(keeper, 0)
        wire.send(grader, {"type": "ended", "status": os.waitstatus_to_exitcode(status)})


def _guarded(function: Any, *args: Any) -> NoReturn:
    """What a forked process does, and nothing beyond it."""
    try:
        function(*args)
        os._exit(0)
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
        os._exit(1)


def _keep(settings: _Settings, notebook: Notebook, zygote: int, control: int, cells: int) -> None:
    """Set up a place for one submission, start it, and end every process of it when its time has come."""
    apart.close_all_but({control, cells})
    apart.die_with(zygote)
    apart.set_readable(True)  # or its own maps could not be written; nobody is there who could look
    apart.leave()
    apart.set_readable(False)
    reading, writing = os.pipe()
    first = os.fork()
    if first == 0:
        _guarded(_hold_the_place, settings.room, writing)
    os.close(writing)
    if os.read(reading, 1) != _READY:
        raise OSError("no place could be made for a submission")
    os.close(reading)
    submission = os.fork()
    if submission == 0:
        os.close(control)
        _guarded(_submit, settings, notebook, cells)
    os.close(cells)
    os.write(control, _READY)
    _wait(control, submission)
    os.kill(first, signal.SIGKILL)  # and with it every process of the namespace
    os.waitpid(submission, 0)
    os.waitpid(first, 0)  # returns when all of them are gone


def _wait(control: int, submission: int) -> None:
    """Until the submission has ended, or the grader hangs up; when the grader asks, its cell is interrupted."""
    ended = os.pidfd_open(submission)
    while True:
        there, _, _ = select.select([control, ended], [], [])
        if ended in there:
            return
        if os.read(control, 1) != _INTERRUPT:
            return
        os.kill(submission, signal.SIGINT)


def _hold_the_place(room: apart.Room, writing: int) -> None:
    """The first process of a namespace: it makes the place, and then does nothing but take in orphans."""
    os.setsid()
    apart.die_with(0)  # a parent in another namespace has no number here
    apart.close_all_but({writing})
    apart.furnish(room)
    apart.give_up_rights()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.write(writing, _READY)
    os.close(writing)
    while True:
        signal.pause()


def _submit(settings: _Settings, notebook: Notebook, cells: int) -> None:
    """Become the submission: from here on nothing can be trusted."""
    os.setsid()  # or a signal to its group would reach the keeper and the zygote
    os.chdir(settings.room.work)
    apart.close_all_but({cells})
    apart.hold_to(settings.limits)
    apart.give_up_rights()
    apart.set_readable(True)
    apart.filter_calls(settings.program)
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    notebook.serve(socket.socket(fileno=cells))


if __name__ == "__main__":
    main(int(sys.argv[1]))
