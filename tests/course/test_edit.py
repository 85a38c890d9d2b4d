"""A sheet while it is written: each change is shown, what fails is one line, and Ctrl-C ends it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from grading.course.edit import Told, _digests, _stamps
from grading.course.layout import Course
from grading.course.master import Attempt, read_master
from grading.course.scaffold import begin_course, new_sheet
from grading.verify import Verdict

NAME = "01_springs"
_PATIENCE_S = 120


@pytest.fixture
def course(tmp_path: Path) -> Course:
    course = begin_course(tmp_path)
    new_sheet(course, NAME)
    return course


class Watched:
    """`gradsheet edit` in a process of its own, and what it has said."""

    def __init__(self, course: Course) -> None:
        self.said, self.log = "", course.root / "log"
        command = [sys.executable, "-m", "grading.cli", "edit", "1"]
        self.process = subprocess.Popen(command, cwd=course.root, stdout=self.log.open("w"), stderr=subprocess.STDOUT)

    def until(self, sign: str) -> str:
        """What is said from now on until a line begins so."""
        ends = time.monotonic() + _PATIENCE_S
        while time.monotonic() < ends and self.process.poll() is None:
            fresh = self.log.read_text()[len(self.said) :]
            if found := re.search(rf"^{re.escape(sign)}.*\n", fresh, re.MULTILINE):
                self.said += fresh[: found.end()]
                return fresh[: found.end()]
            time.sleep(0.1)
        raise AssertionError(f"no line {sign!r}: {self.log.read_text()}")


@pytest.fixture
def watched(course: Course) -> Iterator[Watched]:
    watched = Watched(course)
    yield watched
    watched.process.kill()
    watched.process.wait()


def change(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


@pytest.mark.sweep
def test_each_change_is_shown_and_what_fails_is_one_line(course: Course, watched: Watched) -> None:
    master, declaration, page = course.master(NAME), course.root / "sheets" / "springs.py", course.root / "edit"
    first = watched.until("Page:")
    assert first.count("as declared") == 9
    assert (page / f"{NAME}.js").read_text() == f'shown("{stamp_in(page / f"{NAME}.html")}");\n'

    change(master, 'cause="sign"', 'cause="transposed"')
    second = watched.until("Page:")
    assert "springs.shape" not in second  # nothing about it has changed
    assert second.count("as declared") == 4
    assert "NOT SO       wrong  its causes are to be transposed, and are sign" in second
    assert "NOT SO" in (page / f"{NAME}.html").read_text()

    change(declaration, "return Sheet(", "return Shed(")
    third = watched.until("  to mend:")
    assert f"{declaration}, line 11: NameError: name 'Shed' is not defined" in third
    assert third.count("\n") == 2
    change(declaration, "return Shed(", "return Sheet(")
    change(
        master,
        'cause="transposed"\ndef gradient(W, x):\n    return -2',
        'cause="sign"\ndef gradient(W, x):\n    return -2',
    )
    assert "NOT SO" not in watched.until("Page:")

    watched.process.send_signal(signal.SIGINT)
    assert watched.process.wait(_PATIENCE_S) == 0
    assert "Traceback" not in watched.log.read_text()


def stamp_in(page: Path) -> str:
    (stamp,) = re.findall(r'stamp !== "(\w+)"', page.read_text())
    return str(stamp)


def test_a_cell_that_never_ends_is_left_behind_by_the_next_change(course: Course, watched: Watched) -> None:
    text = course.master(NAME).read_text()
    course.master(NAME).write_text(text + "\n# %%\nwhile True:\n    pass\n")
    watched.until("")
    course.master(NAME).write_text(text + "\n# %%\nimport os\n\nos._exit(3)\n")
    watched.until("  to mend: Python itself was ended by a cell")
    course.master(NAME).write_text(text + "\n# %%\nexit()\n")
    watched.until("  to mend: ")


def digests(course: Course) -> dict[str, str]:
    return _digests(course, NAME, read_master(course, NAME))


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("Say in two sentences", "Say in three sentences", set()),
        ("return -2 * np.outer", "return -3 * np.outer", {"springs.gradient"}),
        ('shape = "c"', 'shape = "(c)"', {"springs.shape"}),
        ('shape = "b"', 'shape = "B"', {"springs.shape"}),
        ("return 2 * np.outer(W @ x, x)", "return np.outer(2 * W @ x, x)", {"springs.gradient", "springs.shape"}),
        ("import numpy as np", "import numpy as np\nimport math", {"springs.gradient", "springs.shape"}),
    ],
)
def test_only_what_a_change_may_concern_is_judged_again(course: Course, old: str, new: str, again: set[str]) -> None:
    before = digests(course)
    change(course.master(NAME), old, new)
    after = digests(course)
    assert {exercise for exercise in after if after[exercise] != before[exercise]} == again


def test_a_change_of_the_declaration_or_of_the_data_concerns_all(course: Course) -> None:
    before, stamps = digests(course), _stamps(course, NAME)
    (course.solutions / NAME / "numbers.csv").write_text("1\n")
    between = digests(course)
    change(course.root / "sheets" / "springs.py", "points=3", "points=4")
    assert not set(before.values()) & set(between.values())
    assert not set(digests(course).values()) & set(between.values())
    (course.solutions / NAME / "keys.json").write_text("made by building")
    assert set(_stamps(course, NAME)) - set(stamps) == {course.solutions / NAME / "numbers.csv"}


def test_a_line_says_what_is_not_as_declared() -> None:
    answer, verdict = Attempt("a.b", "wrong", 0.0, "sign", "x"), Verdict("a.b", "wrong", 0.0, 3.0, 17)
    assert Told(answer, verdict, "").line() == "  as declared  wrong  0 of 3"
    assert Told(answer, verdict, "other").line() == "  NOT SO       wrong  other"
