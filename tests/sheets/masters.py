"""Every sheet of the course, rehearsed once in each of a few variants."""

from functools import cache
from pathlib import Path

import nbformat
import numpy as np

import autodiff
from grading.course.layout import Course
from grading.course.rehearsal import Rehearsal
from grading.notebook.session import statement_of
from grading.sheets import Variant

COURSE = Course(Path(__file__).parents[2])
NAMES = COURSE.sheet_names()
VARIANTS = [Variant(0), Variant(1), Variant(2027, "student-01")]


@cache
def rehearsal(name, variant=VARIANTS[0]):
    """The master as executed for a variant; several tests ask for the same."""
    return Rehearsal(COURSE, name, variant)


@cache
def released(name):
    """The cells that students get, by id."""
    return {cell.id: cell for cell in nbformat.read(COURSE.assignment(name), as_version=4).cells}


def stub_of(name, item):
    """An answer cell as students get it."""
    return released(name)[item.answer_cell_id].source


def solution_lines(source):
    """The lines of an answer cell that students must not get: between BEGIN and END, and not above or below as well."""
    inside, outside, hidden = set(), set(), False
    for line in source.splitlines():
        if "### BEGIN SOLUTION" in line or "### END SOLUTION" in line:
            hidden = "BEGIN" in line
        else:
            (inside if hidden else outside).add(line.strip())
    return inside - outside - {""}


def answer_to(item, source):
    """What an answer cell that needs nothing before it gives to an exercise, which may be a student's own."""
    names = {"np": np, "autodiff": autodiff, "task": statement_of(item)}
    exec(source, names)
    return names[item.id.rpartition(".")[2]]
