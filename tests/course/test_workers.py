"""Processes that mark: one that does not come to an end does not hold the others up."""

import multiprocessing
import time

import pytest
from classroom import ROOT

from grading.course.layout import Course, CourseError
from grading.course.workers import Workers


def test_a_worker_that_does_not_end_is_ended_and_told():
    workers = Workers(Course(ROOT), True, 0)
    assert workers._patience_s == 600  # twice the time of a submission
    workers._patience_s = 0.2
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=time.sleep, args=[600], daemon=True)
    process.start()
    with pytest.raises(CourseError, match=r"marking it took more than 0\.2 seconds, and was ended"):
        workers._result(process, ours, 1)
    process.join(30)
    assert process.exitcode == -9
    theirs.close()
    assert workers._result(process, ours, 2) is None  # what it had still to do is done without it


def test_what_nobody_waited_for_is_passed_over():
    workers = Workers(Course(ROOT), True, 0)
    ours, theirs = multiprocessing.Pipe()
    theirs.send((1, CourseError("of another")))
    theirs.send((2, CourseError("mine")))
    with pytest.raises(CourseError, match="mine"):
        workers._result(multiprocessing.current_process(), ours, 2)
