"""A batch of hostile and of honest submissions: nobody gets a mark that is not due, and nobody loses one."""

import contextlib
import fcntl
import hashlib
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from classroom import ROOT
from hostile import FULL, HARM, HONEST, NAME, SLEEP, UNEARNED, Case
from needs import needs_sandbox
from small_course import make_small_course

from grading.course.grade import grade, read_marks
from grading.trusted.ledger import FAILED, GRADED, SET_ASIDE, Ledger

MIB = 2**20
ALL = UNEARNED | HARM | HONEST
LONGEST_S = 120  # of one submission, on a machine that does other things as well

# One of each kind, for the tests that run every time.
DOZEN = [
    "swaps-the-code-of-check",
    "answers-the-channel-itself",
    "another-display-hook",
    "torch-by-another-name",
    "imports-the-declaration",
    "a-number-of-its-own-mind",
    "more-points",
    "exits-while-it-is-asked",
    "a-process-that-hides",
    "all-the-memory",
    "the-network",
    "the-gradebook",
    "scripts-in-what-it-shows",
    "scripts-in-its-words",
    "json-without-end",
    "a-line-without-end",
    "an-answer-without-end",
    "attached-to-its-words",
    "plain",
    "a-copied-test-cell",
    "warnings",
    "exits-halfway",
    "names-of-ours-taken-again",
    "a-picture-in-its-words",
    "a-widget",
]


class Listener:
    """Somebody who notices when a submission gets through to the network."""

    def __init__(self):
        self.heard = 0
        self._sockets = [socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)]
        self.port = self._sockets[0].getsockname()[1]
        self.abstract = f"gradsheet-test-{os.getpid()}-{self.port}"
        self._sockets[1].bind(f"\0{self.abstract}")
        self._sockets[1].listen()
        for one in self._sockets:
            threading.Thread(target=self._listen, args=[one], daemon=True).start()

    def _listen(self, one):
        while True:
            try:
                one.accept()[0].close()
            except OSError:
                return
            self.heard += 1

    def close(self):
        for one in self._sockets:
            one.shutdown(socket.SHUT_RDWR)
            one.close()


def digest(*folders):
    """A digest of every name and every byte under these folders, without what Python keeps there for itself."""
    found = hashlib.sha256()
    paths = [path for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts]
    for path in sorted(paths):
        found.update(str(path).encode("utf-8", "surrogateescape"))
        if path.is_file() and not path.is_symlink():
            found.update(path.read_bytes())
    return found.hexdigest()


def prepare(cases, folder):
    """A course with these cases handed in, hostile and honest by turns, and what must not be touched."""
    course = make_small_course(folder / "course")
    canary = folder / "canary"
    canary.mkdir()
    (canary / "canary").write_text("the canary is alive")
    listener = Listener()
    release = nbformat.read(course.assignment(NAME), as_version=4)
    places = {
        "@ROOT@": str(course.root),
        "@CANARY@": str(canary),
        "@PACKAGE@": str(ROOT / "grading"),
        "@PORT@": str(listener.port),
        "@ABSTRACT@": listener.abstract,
    }
    students = {f"{hashlib.sha256(name.encode()).hexdigest()[:4]}-{name}": name for name in cases}
    for student, name in students.items():
        placed(cases[name], places).write(release, course.submitted / student / NAME)
        if name == "plain":
            (course.submitted / student / NAME / "link").symlink_to(course.root)
    watched = [course.submitted, course.solutions, course.assignments, course.root / "sheets", canary, ROOT / "grading"]
    return SimpleNamespace(course=course, students=students, listener=listener, watched=watched, canary=canary)


def placed(case, places):
    def put_in(notebook):
        for cell in notebook.cells:
            for name, value in places.items():
                cell.source = cell.source.replace(name, value)

    return replace(case, change=(*case.change, put_in))


def left_behind():
    """Scratch folders that nobody uses any more, and processes that a submission started."""
    left = [str(path.parent) for path in Path("/tmp").glob("gradsheet-*/lock") if not in_use(path)]
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            left += [path.parent.name] if SLEEP.encode() in path.read_bytes() else []
    return set(left)


def left_in_the_end(around):
    """What is new and stays: another test's folder has no lock for the moment in which it is removed."""
    for _ in range(20):
        left = left_behind() - around
        if not left:
            break
        time.sleep(0.5)
    return left


def in_use(path):
    """Whether somebody else, such as another test that runs at the same time, holds this lock."""
    try:
        with path.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def run(cases, folder, how):
    """Grade these cases in one batch, and note everything that may have come of it."""
    needs_sandbox()
    batch = prepare(cases, folder)
    before, around = digest(*batch.watched), left_behind()
    os.environ["GRADSHEET_TEST_SECRET"] = "the secret of the grader"
    try:
        how(batch)
    finally:
        del os.environ["GRADSHEET_TEST_SECRET"]
        batch.listener.close()
    batch.untouched = digest(*batch.watched) == before
    batch.left = left_in_the_end(around)
    by_student = {marks.student: marks.by_cell for marks in read_marks(batch.course, NAME)}
    batch.marks = {name: by_student.get(student, {}) for student, name in batch.students.items()}
    batch.student_of = {name: student for student, name in batch.students.items()}
    return batch


def with_gradsheet(batch):
    started = [time.monotonic()]
    batch.took = {}

    def tell(intake, number, total):
        started.append(time.monotonic())
        batch.took[batch.students[intake.student]] = started[-1] - started[-2]

    intakes = grade(batch.course, NAME, tell=tell)
    batch.intakes = {batch.students[intake.student]: intake for intake in intakes}


def with_plain_nbgrader(batch):
    """The commands that an instructor may type without ever having heard of ours."""
    for words in (["generate_assignment", NAME, "--create", "--force"], ["autograde", NAME, "--create"]):
        command = [sys.executable, "-m", "nbgrader", *words]
        batch.said = subprocess.run(command, cwd=batch.course.root, capture_output=True, text=True, check=False)
    feedback = [sys.executable, "-m", "nbgrader", "generate_feedback", NAME]
    subprocess.run(feedback, cwd=batch.course.root, capture_output=True, text=True, check=False)


def check_marks(batch, name):
    case: Case = ALL[name]
    got = {topic: batch.marks[name].get(f"small-{topic}") or 0.0 for topic in FULL}
    if case.at_most:
        assert all(got[topic] <= mark for topic, mark in case.marks.items()), got
    else:
        assert got == case.marks


def check_nothing_is_touched(batch):
    assert batch.listener.heard == 0
    assert batch.untouched
    assert batch.left == set()
    assert (batch.canary / "canary").read_text() == "the canary is alive"
    written = [batch.course.root / name for name in ("autograded", "feedback", "collected")]
    left = Counter()
    for folder in written:
        for path in folder.rglob("*"):
            left[path.relative_to(folder).parts[0]] += path.stat().st_size if path.is_file() else 0
    assert max(left.values()) < 64 * MIB  # of each; pages alone are a third of a MiB


def pages(batch, name):
    student = batch.student_of[name]
    found = [*(batch.course.root / "feedback" / student).rglob("*.html")]
    return "".join(path.read_text(encoding="utf-8") for path in found)


def check_pages(batch, name):
    """Nothing of the submission runs in its page, and nothing of the grader's stands there."""
    page = pages(batch, name)
    assert "<script>alert" not in page
    assert not re.search(r"\\(href|require)", re.sub(r"<pre.*?</pre>", "", page, flags=re.DOTALL))
    assert not re.search(r"<(iframe|img|svg)[^>]*(onerror|onload|javascript:)", page)
    assert 'href="javascript:' not in page.replace('a[href^="javascript:"]', "")
    for secret in ("the secret of the grader", "the canary is alive", "BEGIN SOLUTION"):
        assert secret not in page
    seed = str(Ledger(batch.course.ledger).seed(NAME, 0))
    assert seed not in page


# --- every time: one of each kind, with nbgrader's own commands --------------------------------------------------


@pytest.fixture(scope="module")
def dozen(tmp_path_factory):
    return run({name: ALL[name] for name in DOZEN}, tmp_path_factory.mktemp("dozen"), with_plain_nbgrader)


@pytest.mark.parametrize("name", DOZEN)
def test_plain_nbgrader_gives_the_marks_that_are_due(dozen, name):
    check_marks(dozen, name)
    check_pages(dozen, name)


def test_plain_nbgrader_lets_nothing_be_touched(dozen):
    check_nothing_is_touched(dozen)
    assert "Traceback" not in dozen.said.stdout


def test_there_are_enough_of_them():
    assert len(UNEARNED) + len(HARM) >= 60
    assert len(HONEST) >= 20


# --- the sweep: all of them --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def everybody(tmp_path_factory):
    return run(ALL, tmp_path_factory.mktemp("everybody"), with_gradsheet)


@pytest.mark.sweep
@pytest.mark.parametrize("name", ALL)
def test_everybody_gets_the_marks_that_are_due(everybody, name):
    check_marks(everybody, name)
    check_pages(everybody, name)
    assert everybody.took[name] < LONGEST_S


@pytest.mark.sweep
@pytest.mark.parametrize("name", HONEST)
def test_everybody_honest_is_graded(everybody, name):
    assert everybody.intakes[name].state == GRADED


@pytest.mark.sweep
def test_what_cannot_be_graded_is_told_in_a_line(everybody):
    for intake in everybody.intakes.values():
        assert intake.state in (GRADED, SET_ASIDE, FAILED)
        assert "\n" not in intake.reason
        assert "Traceback" not in intake.reason


@pytest.mark.sweep
def test_nothing_is_touched_by_all_of_them(everybody):
    check_nothing_is_touched(everybody)


@pytest.mark.sweep
def test_answers_by_forbidden_means_are_shown_to_a_person(everybody):
    for name in (
        "torch-by-another-name",
        "autodiff-through-importlib",
        "a-difference-quotient",
        "reads-the-callers-frames",
    ):
        assert "look at small.slope" in everybody.intakes[name].reason
