"""nbgrader, called from Python: the course's own configuration, and failures as one line."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from grading.course.layout import CONFIG, Course, CourseError


def nbgrader_api(course: Course, *, gradebook: bool = True, submitted: str = "", sandbox: bool = True) -> NbGraderAPI:
    """nbgrader on this course, with the course's own configuration and what is given here on top of it."""
    config = course_config(course, gradebook=gradebook, submitted=submitted, sandbox=sandbox)
    log = logging.getLogger("gradsheet.nbgrader")
    log.propagate = False
    log.addHandler(logging.NullHandler())
    log.setLevel(logging.INFO)
    api = NbGraderAPI(config=config, log=log)
    api.coursedir = CourseDirectory(parent=api)
    return api


def course_config(course: Course, *, gradebook: bool = True, submitted: str = "", sandbox: bool = True) -> Config:
    """nbgrader's configuration for this course, with what is given here on top of it.

    Raises
    ------
    CourseError : the course's file cannot be read
    """
    config = _read_config(course)
    config.CourseDirectory.root = str(course.root)
    config.CourseDirectory.db_url = f"sqlite:///{course.gradebook}"
    if not gradebook:  # what nbgrader's own --no-db stands for
        config.GenerateAssignment.no_database = True
        config.SaveCells.enabled = False
    if submitted:
        config.CourseDirectory.submitted_directory = submitted
    if not sandbox:
        config.MarkedExecute.sandbox = False
    return config


def _read_config(course: Course) -> Config:
    try:
        return PyFileConfigLoader(CONFIG, path=str(course.root)).load_config()
    except Exception as error:
        raise CourseError(f"{course.root / CONFIG} cannot be read: {type(error).__name__}: {error}") from error


@contextmanager
def open_gradebook(course: Course) -> Iterator[Gradebook]:
    """The course's gradebook; made if there is none yet."""
    with _quietly(), nbgrader_api(course).gradebook as book:
        yield book


def renew_penalties(course: Course, name: str, students: list[str]) -> None:
    """Let nbgrader say again what these students lose for handing in late, as marks and dates are now."""
    penalties = AssignLatePenalties(config=course_config(course))
    told = {"assignment": name, "notebook": name, "db_url": f"sqlite:///{course.gradebook}"}
    with open_gradebook(course) as book:
        is_due = book.find_assignment(name).duedate is not None
    with _quietly():
        for student in students if is_due else []:
            penalties.preprocess(NotebookNode(cells=[]), {"nbgrader": told | {"student": student}})


def run_nbgrader(step: Callable[[], dict[str, Any]], failure: str) -> None:
    """Run one step of nbgrader's.

    Raises
    ------
    CourseError : the step failed; the message is one line, nbgrader's own last word in it
    KeyboardInterrupt : a person stopped it
    """
    with _quietly():
        result = step()
    if result.get("error", "").rstrip().endswith("KeyboardInterrupt"):  # nbgrader keeps it to itself
        raise KeyboardInterrupt
    if not result["success"]:
        raise CourseError(f"{failure}: {_last_word(result)}")


def _last_word(result: dict[str, Any]) -> str:
    """The most telling line of nbgrader's log: the exception that ended it."""
    lines = [line.strip() for line in f"{result.get('log', '')}\n{result.get('error', '')}".splitlines()]
    telling = [line for line in lines if "Error: " in line or "Exception: " in line]
    own = [line for line in telling if "NbGraderException" not in line]
    return ([*telling[-1:], *own[-1:]] or ["no reason given"])[-1]


@contextmanager
def _quietly() -> Iterator[None]:
    """nbgrader's libraries warn about each other, and it changes the current folder; a person sees neither."""
    here = os.getcwd()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            os.chdir(here)
