"""The simulated class of every sheet: what its marks are said to be follows from what is handed in."""

import nbformat
import pytest
from classroom import ROOT

from grading.course.layout import Course
from grading.course.simulated import simulated_class

COURSE = Course(ROOT)


@pytest.mark.parametrize("name", COURSE.sheet_names())
def test_of_a_kernel_killed_half_way_what_stands_above_has_its_marks(name):
    (killed,) = (one for one in simulated_class(COURSE, name) if "kills the kernel" in one.does)
    (text,) = killed.files.values()
    cells = nbformat.reads(text, as_version=4).cells
    end = next(number for number, cell in enumerate(cells) if "os._exit" in cell.source)
    above = {cell.id for cell in cells[:end]}
    points = {item.id: item.points for item in COURSE.sheet(name).checked if item.cell_id in above}
    assert {exercise: mark for exercise, mark in killed.marks.items() if mark} == points
    assert 0 < len(points) < len(killed.marks)
