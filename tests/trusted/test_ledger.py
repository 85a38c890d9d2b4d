"""The grader's own record."""

import multiprocessing
import sqlite3

import pytest

from grading.trusted import ledger as module
from grading.trusted.ledger import FAILED, GRADED, SET_ASIDE, Entry, Intake, Ledger
from grading.verify import Verdict


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger.db")


def verdict(exercise, mark):
    return Verdict(exercise, "right" if mark else "wrong", float(mark), 2.0, 17, problem="ä 'quoted' \"text\"")


def test_a_seed_is_drawn_once_and_kept(ledger, tmp_path):
    seed = ledger.seed("01_a", 0)
    assert ledger.seed("01_a", 0) == seed
    assert Ledger(tmp_path / "ledger.db").seed("01_a", 0) == seed


def test_each_release_has_a_seed_of_its_own(ledger, tmp_path):
    seeds = {ledger.seed("01_a", 0), ledger.seed("01_a", 2027), ledger.seed("02_b", 0)}
    seeds.add(Ledger(tmp_path / "another.db").seed("01_a", 0))
    assert len(seeds) == 4


def test_the_latest_verdict_counts(ledger):
    ledger.add("01_a", "student-01", "first", 17, [verdict("a.one", 0), verdict("a.two", 2)])
    ledger.add("01_a", "student-01", "second", 17, [verdict("a.one", 2)])
    ledger.add("01_a", "student-02", "first", 17, [verdict("a.one", 0)])
    ledger.add("02_b", "student-01", "first", 17, [verdict("b.one", 0)])
    assert ledger.verdicts("01_a") == {
        "student-01": {"a.one": verdict("a.one", 2), "a.two": verdict("a.two", 2)},
        "student-02": {"a.one": verdict("a.one", 0)},
    }


def test_verdicts_are_only_ever_added(ledger, tmp_path):
    for mark in (0, 2, 0):
        ledger.add("01_a", "student-01", "same", 17, [verdict("a.one", mark)])
    rows = sqlite3.connect(tmp_path / "ledger.db").execute("SELECT count(*) FROM verdict").fetchone()
    assert rows == (3,)


def test_the_same_is_not_said_twice(ledger, tmp_path):
    for _ in range(2):
        ledger.add("01_a", "student-01", "same", 17, [verdict("a.one", 2), verdict("a.two", 0)])
    ledger.add("01_a", "student-01", "same", 18, [verdict("a.one", 2)])
    rows = sqlite3.connect(tmp_path / "ledger.db").execute("SELECT count(*) FROM verdict").fetchone()
    assert rows == (3,)


def test_whoever_hands_in_an_earlier_submission_again_has_its_verdicts_again(ledger):
    for submission, mark in (("first", 2), ("second", 0), ("first", 2)):
        ledger.add("01_a", "student-01", submission, 17, [verdict("a.one", mark)])
    assert ledger.verdicts("01_a")["student-01"]["a.one"] == verdict("a.one", 2)
    assert ledger.latest("01_a", "student-01", "a.one") == Entry("first", 17, verdict("a.one", 2))
    assert ledger.latest("01_a", "student-02", "a.one") is None


def test_the_latest_remarks_stand(ledger):
    ledger.add("01_a", "student-01", "first", 17, [], [("a.one", "mentions exec"), ("a.two", "mentions eval")])
    assert ledger.remarks("01_a", "student-01") == ["a.one mentions exec", "a.two mentions eval"]
    ledger.add("01_a", "student-02", "first", 17, [], [("a.one", "mentions sys")])
    ledger.add("01_a", "student-01", "second", 17, [], [("a.two", "mentions os")])
    assert ledger.remarks("01_a", "student-01") == ["a.two mentions os"]
    assert ledger.remarks("02_b", "student-01") == []


def test_a_submission_is_done_once_it_was_marked(ledger):
    assert ledger.grounds("01_a", "student-01") == ""
    ledger.note_intake("01_a", "abc", Intake("student-01", GRADED, ""))
    assert ledger.grounds("01_a", "student-01") == "abc"
    assert ledger.grounds("01_a", "student-02") == ""
    assert ledger.grounds("02_b", "student-01") == ""


@pytest.mark.parametrize("state", [FAILED, SET_ASIDE])
def test_what_was_not_marked_is_tried_again(ledger, state):
    ledger.note_intake("01_a", "abc", Intake("student-01", state, "why"))
    assert ledger.grounds("01_a", "student-01") == ""


def test_another_judge_does_not_take_an_older_ones_word(ledger, monkeypatch):
    ledger.note_intake("01_a", "abc", Intake("student-01", GRADED, ""))
    monkeypatch.setattr(module, "JUDGE_VERSION", module.JUDGE_VERSION + 1)
    assert ledger.grounds("01_a", "student-01") == ""


def test_the_latest_intake_counts(ledger):
    ledger.note_intake("01_a", "abc", Intake("student-02", SET_ASIDE, "no notebook"))
    ledger.note_intake("01_a", "", Intake("student-01", FAILED, "it broke"))
    ledger.note_intake("01_a", "def", Intake("student-02", GRADED, ""))
    assert ledger.intakes("01_a") == [Intake("student-01", FAILED, "it broke"), Intake("student-02", GRADED, "")]


@pytest.mark.parametrize("name", ["student '; DROP TABLE verdict; --", "Ünï cödé", "[1]", "<script>", '"quoted"'])
def test_any_name_is_kept_as_it_is(ledger, name):
    ledger.add("01_a", name, "abc", 17, [verdict("a.one", 2)])
    ledger.note_intake("01_a", "abc", Intake(name, GRADED, ""))
    assert list(ledger.verdicts("01_a")) == [name]
    assert ledger.intakes("01_a") == [Intake(name, GRADED, "")]


def _write_many(path, student, queue):
    ledger = Ledger(path)
    queue.put(ledger.seed("01_a", 0))
    for number in range(20):
        ledger.add("01_a", student, str(number), 17, [verdict("a.one", number % 3)])
        ledger.note_intake("01_a", str(number), Intake(student, GRADED, ""))


def test_two_processes_can_write_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    students = ["student-01", "student-02"]
    writers = [context.Process(target=_write_many, args=[tmp_path / "l.db", name, queue]) for name in students]
    for writer in writers:
        writer.start()
    seeds = {queue.get(timeout=60) for _ in writers}
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    assert len(seeds) == 1
    assert [intake.student for intake in Ledger(tmp_path / "l.db").intakes("01_a")] == students
