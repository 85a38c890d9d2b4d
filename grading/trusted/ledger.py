"""The grader's own record: the seed of each release, every verdict ever given, and what was set aside."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grading.verify import Verdict

# Raised whenever a change to the judge can change a mark: what an older judge said is then not reused.
JUDGE_VERSION = 1

GRADED = "graded"
SET_ASIDE = "set aside"  # nothing in it can be marked, until something else is handed in
FAILED = "failed"  # marking it broke down; it is tried again at the next grading

_SCHEMA = """
CREATE TABLE IF NOT EXISTS release (
    sheet TEXT NOT NULL, variant INTEGER NOT NULL, seed INTEGER NOT NULL,
    PRIMARY KEY (sheet, variant)
);
CREATE TABLE IF NOT EXISTS verdict (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    sheet TEXT NOT NULL, student TEXT NOT NULL, submission TEXT NOT NULL, judge INTEGER NOT NULL,
    seed INTEGER NOT NULL, exercise TEXT NOT NULL, verdict TEXT NOT NULL,
    given TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS intake (
    sheet TEXT NOT NULL, student TEXT NOT NULL, submission TEXT NOT NULL, judge INTEGER NOT NULL,
    state TEXT NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (sheet, student)
);
CREATE TABLE IF NOT EXISTS remark (
    sheet TEXT NOT NULL, student TEXT NOT NULL, exercise TEXT NOT NULL, remark TEXT NOT NULL
);
"""
_LATEST = """
SELECT verdict FROM verdict
WHERE sheet=? AND student=? AND submission=? AND judge=? AND seed=? AND exercise=? ORDER BY number DESC LIMIT 1
"""
_ADD = """
INSERT INTO verdict (sheet, student, submission, judge, seed, exercise, verdict) VALUES (?, ?, ?, ?, ?, ?, ?)
"""


@dataclass(frozen=True)
class Intake:
    """What became of a submission, and why in one line; for a graded one, what had to be mended in it."""

    student: str
    state: str
    reason: str


@dataclass(frozen=True)
class Entry:
    """A verdict as it was written down: on which submission, by its digest, and with which seed."""

    submission: str
    seed: int
    verdict: Verdict


class Ledger:
    """One SQLite file beside the gradebook. Verdicts are only ever added; the latest one counts."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=30)
        try:
            connection.executescript("PRAGMA journal_mode=WAL;" + _SCHEMA)
            with connection:
                yield connection
        finally:
            connection.close()

    def seed(self, sheet: str, variant: int) -> int:
        """The seed of a release's grading: drawn once, kept, and the same at every regrading."""
        with self._open() as db:
            db.execute("INSERT OR IGNORE INTO release VALUES (?, ?, ?)", (sheet, variant, secrets.randbits(53)))
            (seed,) = db.execute("SELECT seed FROM release WHERE sheet=? AND variant=?", (sheet, variant)).fetchone()
        return int(seed)

    def add(
        self,
        sheet: str,
        student: str,
        submission: str,
        seed: int,
        verdicts: list[Verdict],
        remarks: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Write down one submission's verdicts. `submission` is a digest of its contents.

        What was said of the same submission before is not said twice: a run that was stopped and goes on leaves the
        same record as one that was not. `remarks`, pairs of exercise and a few words, are for a person to look at;
        they take the place of earlier ones.
        """
        with self._open() as db:
            for said in verdicts:
                key = (sheet, student, submission, JUDGE_VERSION, seed, said.exercise)
                latest = db.execute(_LATEST, key).fetchone()
                if latest != (said.json(),):
                    db.execute(_ADD, (*key, said.json()))
            db.execute("DELETE FROM remark WHERE sheet=? AND student=?", (sheet, student))
            db.executemany("INSERT INTO remark VALUES (?, ?, ?, ?)", [(sheet, student, *pair) for pair in remarks])

    def verdicts(self, sheet: str) -> dict[str, dict[str, Verdict]]:
        """The latest verdicts, by student and exercise."""
        latest: dict[str, dict[str, Verdict]] = {}
        with self._open() as db:
            rows = db.execute("SELECT student, exercise, verdict FROM verdict WHERE sheet=? ORDER BY number", (sheet,))
            for student, exercise, verdict in rows:
                latest.setdefault(student, {})[exercise] = Verdict.from_json(verdict)
        return latest

    def latest(self, sheet: str, student: str, exercise: str) -> Entry | None:
        """The verdict that counts on one student's answer; None if there is none."""
        asked = "SELECT submission, seed, verdict FROM verdict WHERE sheet=? AND student=? AND exercise=?"
        with self._open() as db:
            row = db.execute(f"{asked} ORDER BY number DESC", (sheet, student, exercise)).fetchone()
        return Entry(row[0], row[1], Verdict.from_json(row[2])) if row else None

    def remarks(self, sheet: str, student: str) -> list[str]:
        """What a person should look at in a student's latest submission, in one line each."""
        with self._open() as db:
            rows = db.execute("SELECT exercise, remark FROM remark WHERE sheet=? AND student=?", (sheet, student))
            return [f"{exercise} {remark}" for exercise, remark in rows]

    def note_intake(self, sheet: str, submission: str, intake: Intake) -> None:
        """Write down what became of a submission, and a text by which it is known whether it has changed."""
        with self._open() as db:
            db.execute(
                "INSERT OR REPLACE INTO intake VALUES (?, ?, ?, ?, ?, ?)",
                (sheet, intake.student, submission, JUDGE_VERSION, intake.state, intake.reason),
            )

    def grounds(self, sheet: str, student: str) -> str:
        """What the marks of a student rest on; empty if nothing was marked by this version of the judge."""
        query = "SELECT submission FROM intake WHERE sheet=? AND student=? AND judge=? AND state=?"
        with self._open() as db:
            row = db.execute(query, (sheet, student, JUDGE_VERSION, GRADED)).fetchone()
        return str(row[0]) if row else ""

    def intakes(self, sheet: str) -> list[Intake]:
        """What became of every submission to a sheet, by student."""
        with self._open() as db:
            rows = db.execute("SELECT student, state, reason FROM intake WHERE sheet=? ORDER BY student", (sheet,))
            return [Intake(*row) for row in rows]
