"""Every statement of the course's sources is on the page of coverage, and what that page names exists."""

import re
from pathlib import Path

import pytest

from grading.sheets import Prose, Variant, load_sheet

ROOT = Path(__file__).parents[2]
ROW = re.compile(
    r"^\| (?P<id>[STX]\d?-\S+) \| (?P<says>[^|]+) \| (?P<taught>[^|]+) \| (?P<checked>[^|]+) \|$", re.MULTILINE
)
PAGE = (ROOT / "docs" / "coverage.md").read_text()
ROWS = {row["id"]: row for row in ROW.finditer(PAGE)}
MASTERS = {path.parent.name: path.read_text() for path in sorted(ROOT.glob("solutions/*/*.py"))}
SHEETS = {name: load_sheet(name, Variant()) for name in MASTERS}
EXERCISES = {item.id: name for name, sheet in SHEETS.items() for item in sheet.exercises}


def statements():
    """The sources' statements, by the numbers under which they were checked one by one."""
    series = "N1 N2 N3 N4 N5 1a 1a.f 1b 1b.f 2.0a 2.0b 2.1 2.2 2.3a 2.3b 3.0a 3.0b 3.0c 3.1 3.2 3.3 3.4"
    yield from (f"S0-{number}" for number in series.split())
    section = {"1a.": 5, "1b.": 2, "3.1a.": 2, "3.1b.": 2, "3.3a.": 4, "3.3c.": 7, "4a.": 2, "4b.": 6, "3.2a.": 2}
    yield from (f"S1-{part}{number}" for part, last in section.items() for number in range(1, last + 1))
    yield from ("S1-3.1.0", "S1-3.1c", "S1-3.3b")
    yield from (f"S1-3.1d.{number}" for number in range(7))
    yield from (f"S1-3.2b.{number}" for number in range(5))
    yield from (f"S1-3.2c.{number}" for number in range(6))
    lecture = "1 2 3 4 5 6a 6b 7 8 9a 9b 10a 10b 10c 10d 11a 11b 11c 12a 12b 12c 12d 13 14"
    yield from (f"S2-{number}" for number in lecture.split())
    assignment = "0.date 1.0 1a 1b 1c.0 1c.ans 1d.0 1d.rules 1d.ans 1e.0 1e.ans 2.0 2.L 2a"
    yield from (f"S3-{number}" for number in assignment.split())
    tables = ("1c.", "1d.dx1.", "1d.dx2.", "1e.y1.", "1e.y2.")
    yield from (f"S3-{table}v{row}" for table in tables for row in range(12))
    yield from (f"S3-1d.dx{column}.y{row}" for column in (1, 2) for row in (1, 2))
    yield from (f"S3-2b.{number}" for number in range(1, 8))
    yield from (f"S4-1.{number}" for number in range(7))
    yield from ("S4-2", *(f"S4-3.f{node}" for node in "LHGFEDCBA"))
    yield from (f"S4-3.{part}{number}" for part in "gh" for number in range(1, 9))
    yield from (f"S4-4.{number}" for number in range(3))
    yield from (f"X-{number}" for number in (1, 2, 3))
    yield from (f"T-{number}" for number in range(1, 8))


def test_every_statement_has_its_row():
    assert len(set(statements())) == 230
    assert sorted(ROWS) == sorted(statements())
    assert len(ROW.findall(PAGE)) == len(ROWS), "a row stands twice"


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_a_row_names_exists(row):
    named = re.findall(r"`(\w+\.\w+)`", row["taught"] + row["checked"])
    assert not [exercise for exercise in named if exercise not in EXERCISES]
    for number, section in re.findall(r"(\d) §(\d+)", row["taught"]):
        master = next(text for name, text in MASTERS.items() if int(name[:2]) == int(number))
        assert f"\n# ## {section}. " in master
    for number, exercise in re.findall(r"(\d) `(\w+\.\w+)`", row["taught"]):
        assert EXERCISES[exercise].startswith(f"0{number}_")


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_row_is_checked_by_an_exercise_or_says_why_not(row):
    """An exercise that is judged; else `in words`, `in the notebook` or `not taught`, each with its reason."""
    judged = [each for each in re.findall(r"`(\w+\.\w+)`", row["checked"]) if not is_prose(each)]
    assert judged or re.match(r"(in words|in the notebook|not taught): \S+", row["checked"])


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_a_person_marks_is_said_to_be_in_words(row):
    judged = row["checked"].partition("in words")[0]
    assert not [each for each in re.findall(r"`(\w+\.\w+)`", judged) if is_prose(each)]


def is_prose(exercise):
    return isinstance(SHEETS[EXERCISES[exercise]][exercise], Prose)


def test_what_is_wrong_in_print_is_marked_and_nothing_else():
    errata = re.findall(r"^\| ([SX]\d?-\S+) \|", (ROOT / "docs" / "errata.md").read_text(), re.MULTILINE)
    assert sorted(errata) == sorted(name for name, row in ROWS.items() if "(erratum)" in row["says"])
