"""Several processes that run and judge submissions, while one alone writes down what they find."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import nbformat

from grading.course.layout import Course, CourseError
from grading.course.marking import Marked, MarkedExecute, announce, digest_of
from grading.course.nbgrader_api import course_config
from grading.trusted.inside.apart import die_with
from grading.trusted.sandbox import SandboxUnavailableError
from grading.trusted.warm import end_zygote

_END_S = 30.0  # for a worker to end by itself


class Workers:
    """Processes that mark what they are given; `announce` lets the results be found when they are needed."""

    def __init__(self, course: Course, sandbox: bool, number: int) -> None:
        context = multiprocessing.get_context("fork")
        self._workers = []
        for _ in range(number):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, course.root, sandbox, os.getpid()), daemon=True)
            process.start()
            theirs.close()
            self._workers.append((process, ours))
        self._given = 0
        config = course_config(course, sandbox=sandbox)
        self._patience_s = 2 * MarkedExecute(config=config).total_timeout  # it may have to run a submission twice

    def give(self, name: str, student: str, notebook: Path, seed: int) -> None:
        """Have a collected notebook marked; by turns, as they are asked for in this order."""
        if not self._workers:
            return
        process, pipe = self._workers[self._given % len(self._workers)]
        self._given += 1
        number = self._given
        try:
            pipe.send((number, name, student, notebook, seed))
        except OSError:
            return  # it has died, and this process does its work
        digest = digest_of(nbformat.read(notebook, as_version=4))
        announce((name, student, digest), lambda: self._result(process, pipe, number))

    def _result(self, process: BaseProcess, pipe: Connection, number: int) -> Marked | None:
        """What came of the piece of work with this number; None if its worker has died.

        Raises
        ------
        CourseError : it took far longer than a submission may take; its worker is ended
        """
        try:
            while True:
                if not pipe.poll(self._patience_s):
                    process.kill()
                    raise CourseError(f"marking it took more than {self._patience_s} seconds, and was ended")
                of, heard = pipe.recv()
                if of == number:  # or else nobody wanted it
                    break
        except (EOFError, OSError):
            return None
        if isinstance(heard, Exception):
            raise heard
        notebook, verdicts, remarks = heard
        return Marked(nbformat.from_dict(notebook), verdicts, remarks)

    def end(self) -> None:
        """End them; what they have not finished is not needed any more."""
        for process, pipe in self._workers:
            pipe.close()
            process.terminate()
        for process, _ in self._workers:
            process.join(_END_S)
            process.kill()


def _work(pipe: Connection, root: Path, sandbox: bool, parent: int) -> None:
    """A worker's life."""
    die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who interrupts the marking ends the workers with it
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit())
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)  # of the threads that it may have started, this process has none
    os.chdir(root)
    config = course_config(Course(root), submitted=Course(root).collected.name, sandbox=sandbox)
    try:
        while True:
            number, *asked = pipe.recv()
            pipe.send((number, _marked(Course(root), MarkedExecute(config=config), *asked)))
    except (EOFError, OSError):
        pass
    finally:
        end_zygote()


def _marked(
    course: Course, execute: MarkedExecute, name: str, student: str, notebook: Path, seed: int
) -> Exception | tuple[dict[str, object], list[object], list[object]]:
    try:
        marked = execute.mark(nbformat.read(notebook, as_version=4), course, name, student, seed)
    except (CourseError, SandboxUnavailableError) as error:
        return error
    except Exception as error:  # it is told where the submission is graded, and may not know how to travel
        return CourseError(f"{type(error).__name__}: {error}")
    return dict(marked.notebook), list(marked.verdicts), list(marked.remarks)
