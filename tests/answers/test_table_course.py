"""Tables and numbers in a course: its master is built, and its known answers come to what it says of them."""

from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from kinds_course import NAME, write_course

from grading.answers import verify
from grading.course.build import build, read_attempts
from grading.notebook.session import statement_of

DECLARATION = """
from grading.answers.number import NumberExercise
from grading.answers.table import VALUE, TableExercise, tangent
from grading.sheets import Sheet

def sheet(variant):
    x = float(variant.own_rng("t").choice([0.5, 1.5, 2.5]))
    return Sheet("Tables", (
        TableExercise(id="kinds.table", given={"x": x, "y": 1.0}, statement=f"Fill in the table at $x = {x:g}$.",
            rows={"v0": lambda x: x, "v1": lambda y: y, "v2": lambda v0, v1: v0 * v1, "v3": lambda xp, v2: xp.sin(v2)},
            columns={"value": VALUE, "tangent": tangent(x=1)}, points=8),
        NumberExercise(id="kinds.count", asks="count", points=2),
        NumberExercise(id="kinds.shape", asks="shape", value=lambda: (3, 5), points=2),
    ))
"""
MASTER = """# %% setup=true
import numpy as np

from grading.notebook import check, hint, open_sheet, show

open_sheet("01_kinds")

# %% show="kinds.table"
task = show("kinds.table")
task

# %% answer="kinds.table"
table = None
### BEGIN SOLUTION
x, y = task.given["x"], task.given["y"]
table = np.round([[x, 1], [y, 0], [x * y, y], [np.sin(x * y), np.cos(x * y) * y]], 3)
### END SOLUTION

# %% check="kinds.table"
check("kinds.table", table)

# %% attempt="kinds.table" expect="wrong" mark=7 cause="sign"
x, y = task.given["x"], task.given["y"]
table = np.round([[x, 1], [y, 0], [x * y, y], [-np.sin(x * y), np.cos(x * y) * y]], 3)

# %% answer="kinds.count"
count = None
### BEGIN SOLUTION
count = 12
### END SOLUTION

# %% check="kinds.count"
check("kinds.count", count)

# %% attempt="kinds.count" expect="wrong" because="That leaves out the additions."
count = 6

# %% answer="kinds.shape"
shape = None
### BEGIN SOLUTION
shape = (3, 5)
### END SOLUTION

# %% check="kinds.shape"
check("kinds.shape", shape)

# %% attempt="kinds.shape" expect="wrong" cause="transposed"
shape = (5, 3)
"""


@pytest.mark.sweep
def test_a_course_with_tables_and_numbers(tmp_path):
    course = write_course(tmp_path, DECLARATION, MASTER)
    build(course, NAME)
    cells = {cell.id: cell for cell in nbformat.read(course.solution(NAME), 4).cells}
    marks = [cells[f"kinds-{name}"].outputs[-1]["data"]["text/plain"] for name in ("table", "count", "shape")]
    assert marks == ["8.0", "2.0", "2.0"]
    assert "| v3 | `sin(v2)` |   |   |" in cells["kinds-table-show"].outputs[-1]["data"]["text/markdown"]
    sheet, attempts = course.sheet(NAME), read_attempts(course, NAME)
    assert [attempt.exercise for attempt in attempts] == ["kinds.table", "kinds.count", "kinds.shape"]
    for attempt in attempts:
        names = {"np": np, "task": SimpleNamespace(given=statement_of(sheet[attempt.exercise]).given)}
        exec(attempt.source, names)
        verdict = verify(sheet[attempt.exercise], names[attempt.exercise.removeprefix("kinds.")], 1)
        assert verdict.mark == attempt.mark
        assert attempt.cause in ["", *(cause.label for cause in verdict.causes)]
        assert verdict.problem == "That leaves out the additions." or attempt.exercise != "kinds.count"
