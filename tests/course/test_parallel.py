"""Work for several sheets in several processes."""

import os

import pytest

from grading.course.layout import CourseError
from grading.course.parallel import for_each


@pytest.mark.parametrize("processes", [0, 1, 2, 3])
def test_each_is_done_and_what_can_be_mended_is_handed_on(processes):
    found = dict(for_each(["1", "x", "3"], int, processes))
    assert (found["1"], found["3"]) == (1, 3)
    assert isinstance(found["x"], ValueError)


def test_it_is_another_process_that_works():
    found = dict(for_each(["__import__('os').getpid()", "0"], eval, 2))
    assert found["__import__('os').getpid()"] != os.getpid()


def test_a_process_that_is_killed_is_told_in_one_line():
    with pytest.raises(CourseError, match="a process ended before its sheet was done"):
        list(for_each(["__import__('os')._exit(1)", "1"], eval, 2))


@pytest.mark.parametrize("processes", [1, 2])
def test_a_defect_is_no_complaint(processes):
    with pytest.raises(NameError):
        list(for_each(["no_such_name", "1"], eval, processes))
