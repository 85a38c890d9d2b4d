"""What marking costs beside stock nbgrader, on the same notebooks: `python -m benchmarks.marking [sheet] [number]`.

Stock nbgrader runs each notebook in a kernel without a sandbox, and its check cells judge there. Both commands mark
a few notebooks and then all of them: the difference is what a submission costs, and the rest the commands' own start.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from grading.course.layout import CONFIG, Course
from grading.course.simulated import simulated_class

_ROOT = Path(__file__).resolve().parent.parent
_FEW = 4
_STOCK = """
c = get_config()
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "assignments"
"""
_OURS = """
import sys
from pathlib import Path
from grading.course.grade import grade
from grading.course.layout import Course
grade(Course(Path.cwd()), sys.argv[1], pages=sys.argv[2] == "pages")
"""


@dataclass(frozen=True)
class Spent:
    """Seconds on the clock, and of processor time in all processes."""

    wall: float
    cpu: float

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.wall - other.wall, self.cpu - other.cpu)

    def each(self, number: int) -> Spent:
        """The same for one of so many."""
        return Spent(self.wall / number, self.cpu / number)


def course_of(folder: Path, name: str, number: int) -> Course:
    """A course with so many notebooks handed in: the answers of a simulated class, right and wrong ones by turns."""
    for part in ("solutions", "assignments"):
        shutil.copytree(_ROOT / part / name, folder / part / name)
    shutil.copy(_ROOT / CONFIG, folder / CONFIG)
    course = Course(folder)
    answering = [one for one in simulated_class(course, name) if list(one.files) == [f"{name}.ipynb"]][:12]
    for copy in range(number):
        answering[copy % len(answering)].write(course.submitted / f"student-{copy:03d}" / name)
    full = sum(one.mark == answering[0].mark for one in answering)
    print(f"{number} notebooks, {len(answering)} kinds: {full} all right, {len(answering) - full} with mistakes")
    return course


def spent_by(course: Course, *words: str) -> Spent:
    """What a command costs, run in the course's folder; it must succeed."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *words], cwd=course.root, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(time.perf_counter() - started, cpu)


def stock(folder: Path, name: str, number: int) -> Spent:
    """Stock `nbgrader autograde`."""
    course = course_of(folder, name, number)
    spent_by(course, "-m", "nbgrader", "generate_assignment", name, "--create", "--force")
    (folder / CONFIG).write_text(_STOCK)
    return spent_by(course, "-m", "nbgrader", "autograde", name, "--create")


def ours(folder: Path, name: str, number: int, pages: str) -> Spent:
    """`gradsheet grade`, with or without its feedback pages."""
    course = course_of(folder, name, number)
    return spent_by(course, "-c", _OURS, name, pages)


def main(name: str = "05_initialisation_symmetry", number: int = 40) -> None:
    """Measure, and print a table."""
    rows = {"stock nbgrader autograde": [], "gradsheet, marking": [], "gradsheet, marking and pages": []}
    with tempfile.TemporaryDirectory() as scratch:
        for count in (_FEW, number):
            root = Path(scratch) / str(count)
            rows["stock nbgrader autograde"].append(stock(root / "stock", name, count))
            rows["gradsheet, marking"].append(ours(root / "ours", name, count, "none"))
            rows["gradsheet, marking and pages"].append(ours(root / "pages", name, count, "pages"))
    print(f"\n{name}: seconds of one submission, on the clock and of processor time; and of the command's own start")
    first = None
    for what, (few, many) in rows.items():
        one = (many - few).each(number - _FEW)
        first = first or one
        start = few.wall - _FEW * one.wall
        print(f"{what:30} {one.wall:7.3f} {one.cpu:7.3f} {start:7.1f}   {first.wall / one.wall:5.1f} times as fast")


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(int, sys.argv[2:3]))
