"""A course of two sheets that are built in no time: one choice each, and a file of numbers that is read."""

from __future__ import annotations

import shutil
from pathlib import Path

from classroom import ROOT

from grading.course.layout import CONFIG, Course

TINY = ("01_small", "02_other")
DATA = "numbers.csv"

_DECLARATION = """
from grading.answers.choice import ChoiceExercise
from grading.sheets import Sheet


def sheet(variant):
    return Sheet("{title}", (ChoiceExercise(id="{topic}.way", options={{"a": "This.", "b": "That."}}, points=2),))
"""
_MASTER = """# %% [markdown]
# # {title}
# A formula: $x^2$.

# %% setup=true
from grading.notebook import check, open_sheet

open_sheet("{name}")

# %%
numbers = [float(line) for line in open("numbers.csv")]
print(f"{{sum(numbers):.6g}}")

# %% answer="{topic}.way"
way = None
### BEGIN SOLUTION
way = "a"
### END SOLUTION

# %% check="{topic}.way"
check("{topic}.way", way)
"""


def tiny_course(folder: Path) -> Course:
    """The course, not built yet."""
    (folder / "sheets").mkdir(parents=True)
    shutil.copyfile(ROOT / CONFIG, folder / CONFIG)
    course = Course(folder)
    for name in TINY:
        words = {"name": name, "topic": name[3:], "title": f"The {name[3:]} sheet"}
        (folder / "sheets" / f"{name[3:]}.py").write_text(_DECLARATION.format(**words))
        course.master(name).parent.mkdir(parents=True)
        course.master(name).write_text(_MASTER.format(**words))
        (course.solutions / name / DATA).write_text("1\n2.5\n")
    return course


def contents(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, but for what Python and the record of a set leave."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files if "__pycache__" not in path.parts}
