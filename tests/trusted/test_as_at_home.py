"""What the marking says of an answer is what its student read at home, for the same seed."""

from dataclasses import replace

import pytest
from classroom import REPOSITORY, make_whole_course
from needs import needs_sandbox

from grading.course.grade import grade
from grading.course.simulated import simulated_class
from grading.course.start import start
from grading.course.trial import try_out
from grading.notebook.session import PUBLIC_SEED
from grading.trusted.ledger import Ledger

SHEETS = REPOSITORY.sheet_names()
A_FEW = ("everything right, in an unusual way", "right and wrong by turns", "an endless loop in one answer")


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A copy of the course, whose marking draws the seed that everybody knows."""
    needs_sandbox()
    whole = make_whole_course(tmp_path / "course")
    monkeypatch.setattr("grading.trusted.ledger.secrets.randbits", lambda bits: PUBLIC_SEED)
    monkeypatch.chdir(whole.root)
    return whole


def at_home(course, name, one, folder):
    """What the checks said in the student's own copy."""
    copy, _ = start(name, folder / one.student, one.student)
    copy.write_text(one.files[copy.name], encoding="utf-8")
    return try_out(copy).verdicts


def read(verdict):
    """Mark, outcome and words; a hint's number counts what was opened, and the marking does not tell the seed."""
    return verdict.mark, verdict.outcome, replace(verdict, hint=0, seed=None).text()


def differences(course, name, wanted, folder):
    """Where the marking read another verdict than the student, by what the submission is."""
    answering = [one for one in simulated_class(course, name) if list(one.files) == [f"{name}.ipynb"] and wanted(one)]
    for one in answering:
        one.write(course.submitted / one.student / name)
    grade(course, name, pages=False)
    marked = Ledger(course.ledger).verdicts(name)
    found, heard = {}, 0
    for one in answering:
        home = at_home(course, name, one, folder)
        heard += len(home)  # none where all of the checks were deleted
        found |= {
            (one.does, key): (read(said), read(marked[one.student][key]))
            for key, said in home.items()
            if read(said) != read(marked[one.student][key])
        }
    assert heard > len(answering)
    return found


def test_a_few_submissions_are_told_what_they_read_at_home(course, tmp_path):
    assert differences(course, SHEETS[0], lambda one: one.does in A_FEW, tmp_path / "home") == {}


@pytest.mark.sweep
def test_every_submission_to_a_sheet_is_told_what_it_read_at_home(course, tmp_path):
    """But where a cell of one's own ends the kernel or never ends, since at home nothing comes after it."""
    nothing_there = {
        *("a cell that kills the kernel half-way", "an endless loop in a cell of their own"),
        *("a notebook that is not JSON", "JSON that is no notebook"),
    }
    assert differences(course, SHEETS[1], lambda one: one.does not in nothing_there, tmp_path / "home") == {}


@pytest.mark.sweep
def test_another_seed_would_be_found(course, tmp_path, monkeypatch):
    monkeypatch.setattr("grading.trusted.ledger.secrets.randbits", lambda bits: PUBLIC_SEED + 1)
    assert differences(course, SHEETS[0], lambda one: one.does == A_FEW[1], tmp_path / "home")
