"""A course of one small sheet, built from its text."""

from classroom import ROOT
from hostile import DECLARATION, MASTER, NAME

from grading.course.build import build
from grading.course.layout import CONFIG, Course


def make_small_course(root, timeout_s=2):
    """The course; in it a cell of the student's own may take 2 seconds."""
    (root / "solutions" / NAME).mkdir(parents=True)
    (root / "sheets").mkdir()
    (root / "sheets" / "small.py").write_text(DECLARATION)
    (root / "solutions" / NAME / f"{NAME}.py").write_text(MASTER)
    (root / CONFIG).write_text((ROOT / CONFIG).read_text() + f"\nc.MarkedExecute.timeout = {timeout_s}\n")
    course = Course(root)
    build(course, NAME)
    return course
