"""The report says what gradebook and ledger hold: counted again here, from their own tables."""

import csv
import json
import re
import shutil
import sqlite3
from collections import Counter
from html import unescape
from types import SimpleNamespace
from urllib.parse import unquote

import numpy as np
import pytest
from classroom import NAME, SHEET, cell_of, make_course, solved, untouched
from recorded import PROSE, answer, enter_sheet, in_book, record

from grading.course.layout import Course, CourseError
from grading.course.report import marked_sheets, write_report
from grading.course.tally import LEAST_MARKED, NO_SPREAD, TOO_FEW, correlation
from grading.trusted.ledger import GRADED, SET_ASIDE, Intake, Ledger
from grading.verify import Verdict

STUDENTS = [f"student-{number:02d}" for number in range(1, 31)]
_MARKS = """
SELECT student.id, base_cell.name, coalesce(manual_score, auto_score, 0.0) + coalesce(extra_credit, 0.0)
FROM grade JOIN base_cell ON base_cell.id = grade.cell_id
JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
JOIN student ON student.id = submitted_assignment.student_id
"""
_PENALTIES = """
SELECT student_id, late_submission_penalty FROM submitted_notebook
JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
"""


def tables(page, section=NAME):
    """The tables of a section, as the JSON file has them."""
    said = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    return next(each for each in said["sections"] if each["name"] == section)["tables"]


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """A course whose gradebook knows the sheet, and nobody."""
    course = make_course(tmp_path_factory.mktemp("empty") / "course")
    enter_sheet(course)
    return course


@pytest.fixture
def course(empty, tmp_path):
    """A copy of it for one test."""
    shutil.copytree(empty.root, tmp_path / "course")
    return Course(tmp_path / "course")


@pytest.fixture(scope="module")
def whole(empty, tmp_path_factory):
    """A class of thirty, all marked by machine and by hand, with late penalties and extra credit; and its report."""
    folder = tmp_path_factory.mktemp("report") / "course"
    shutil.copytree(empty.root, folder)
    course = Course(folder)
    drawn = record(course, STUDENTS, seed=5)
    page = write_report(course, NAME)
    marks = {}
    for student, cell, mark in in_book(course, _MARKS):
        marks.setdefault(student, {})[cell] = mark
    return SimpleNamespace(course=course, drawn=drawn, page=page, tables=tables(page), marks=marks)


def test_marks_are_the_gradebooks(whole):
    penalties = dict(in_book(whole.course, _PENALTIES))
    assert len(whole.tables["marks"]) == len(whole.marks) == len(STUDENTS)
    for row in whole.tables["marks"]:
        own = whole.marks[row["student"]]
        assert row["total"] == pytest.approx(max(0.0, sum(own.values()) - penalties[row["student"]]))
        assert [row[item.id] for item in SHEET.exercises] == [own[item.cell_id] for item in SHEET.exercises]
    assert len(set(penalties.values())) > 1


def test_means_and_discrimination_are_those_of_the_gradebook(whole):
    matrix = np.array([[whole.marks[s][item.cell_id] for item in SHEET.exercises] for s in STUDENTS])
    for place, (item, row) in enumerate(zip(SHEET.exercises, whole.tables["exercises"], strict=True)):
        rest = matrix.sum(axis=1) - matrix[:, place]
        assert row["exercise"] == item.id
        assert row["mean mark"] == pytest.approx(matrix[:, place].mean() / item.points)
        assert row["discrimination"] == pytest.approx(np.corrcoef(matrix[:, place], rest)[0, 1])
        assert row["students"] == len(STUDENTS)


def test_outcomes_and_mistakes_are_those_of_the_verdicts(whole):
    outcomes, mistakes = Counter(), {}
    for student, one in whole.drawn.items():
        for verdict in one.verdicts.values():
            outcomes[verdict.exercise, verdict.outcome] += 1
            if verdict.outcome == "wrong":
                label = verdict.causes[0].label if verdict.causes else "not explained"
                mistakes.setdefault((verdict.exercise, label), []).append(student)
    for row in whole.tables["exercises"]:
        for outcome in ("right", "wrong", "not attempted", "inconclusive", "fault"):
            assert row[outcome] == outcomes[row["exercise"], outcome]
    found = {(row["exercise"], row["mistake"]): row["students"] for row in whole.tables["mistakes"]}
    assert found == mistakes
    often = [row["how often"] for row in whole.tables["mistakes"]]
    assert often == sorted(often, reverse=True)
    assert often == [len(row["students"]) for row in whole.tables["mistakes"]]


def test_who_has_not_attempted_what(whole):
    found = {row["exercise"]: row["students"] for row in whole.tables["missing"]}
    for item in SHEET.checked:
        skipped = [s for s, one in whole.drawn.items() if one.verdicts[item.id].outcome == "not attempted"]
        assert found.get(item.id, []) == skipped


def test_page_and_csv_say_the_same(whole):
    page = " ".join(re.sub("<[^>]*>", " ", unescape(whole.page.read_text(encoding="utf-8"))).split())
    for key, rows in whole.tables.items():
        path = whole.page.with_name(f"{NAME}.csv" if key == "marks" else f"{NAME}-{key}.csv")
        with path.open(newline="", encoding="utf-8") as file:
            in_file = list(csv.DictReader(file))
        assert len(in_file) == len(rows)
        for one, other in zip(in_file, rows, strict=True):
            for name, value in other.items():
                assert_same(one[name], value)
                if isinstance(value, str):
                    assert " ".join(value.split()) in page


def assert_same(text, value):
    """A cell of a CSV file and the same in JSON."""
    if value is None or isinstance(value, str):
        assert text == (value or "")
    elif isinstance(value, list):
        assert text.split("; ") == value
    else:
        assert float(text) == pytest.approx(value, rel=1e-5)


def test_all_links_lead_somewhere(whole):
    page = whole.page.read_text(encoding="utf-8")
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    links = [unquote(unescape(link)) for link in re.findall(r'href="([^"]*)"', page)]
    assert any(link.startswith("#hint-") for link in links)
    for link in links:
        assert link[1:] in ids if link.startswith("#") else (whole.page.parent / link).is_file()


def test_a_page_asks_for_nothing_and_runs_nothing(whole):
    page = whole.page.read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert not re.search(r"<script|https?://(?!www\.w3\.org/1998/Math/MathML)|\bon\w+=", page)


def test_a_mark_that_is_changed_in_the_gradebook_changes_the_report(course):
    record(course, STUDENTS[:10])
    before, item = tables(write_report(course, NAME)), SHEET.checked[0]
    with sqlite3.connect(course.gradebook) as book:
        book.execute(
            "UPDATE grade SET auto_score = auto_score + 1 WHERE id = (SELECT grade.id FROM grade "
            "JOIN base_cell ON base_cell.id = cell_id WHERE base_cell.name = ? LIMIT 1)",
            [item.cell_id],
        )
    after = tables(write_report(course, NAME))
    means = [
        next(row["mean mark"] for row in said["exercises"] if row["exercise"] == item.id) for said in (before, after)
    ]
    assert means[1] - means[0] == pytest.approx(1 / (10 * item.points))


# --- less than everything ----------------------------------------------------------------------------------------


def test_marks_by_hand_that_are_missing(course):
    drawn = record(course, STUDENTS[:12], everything_by_hand=False)
    said = tables(write_report(course, NAME))
    waiting = [student for student, one in drawn.items() if one.by_hand is None]
    assert 0 < len(waiting) < 12
    lemma = next(row for row in said["exercises"] if row["exercise"] == PROSE.id)
    assert (lemma["mean mark"], lemma["discrimination"]) == (None, "by hand")
    assert [row["students"] for row in said["person"] if row["exercise"] == PROSE.id] == [waiting]
    assert [row["student"] for row in said["marks"] if row[PROSE.id] is None] == waiting


def test_a_small_class_has_no_discrimination(course):
    record(course, STUDENTS[: LEAST_MARKED - 1])
    assert {row["discrimination"] for row in tables(write_report(course, NAME))["exercises"]} == {TOO_FEW}


def test_correlation_is_that_of_numpy_or_says_why_not():
    rng = np.random.default_rng(3)
    marks, rest = rng.normal(size=20), rng.normal(size=20)
    assert correlation(marks.tolist(), rest.tolist()) == pytest.approx(np.corrcoef(marks, rest)[0, 1])
    assert correlation([1.0] * 20, rest.tolist()) == NO_SPREAD
    assert correlation(marks[:7].tolist(), rest[:7].tolist()) == TOO_FEW


def test_faults_remarks_and_what_was_set_aside_need_a_person(course):
    record(course, STUDENTS[:3])
    ledger, item = Ledger(course.ledger), SHEET.checked[0]
    fault = Verdict(item.id, "fault", item.points, item.points, 1, problem="the witnesses disagree")
    undecided = Verdict(item.id, "inconclusive", 0.0, item.points, 1)
    ledger.add(NAME, STUDENTS[0], "digest", 1, [fault], [(item.id, "mentions eval")])
    ledger.add(NAME, STUDENTS[1], "digest", 1, [undecided])
    ledger.note_intake(NAME, "", Intake("late", SET_ASIDE, "no notebook"))
    said = {
        row["why"]: (row["exercise"], row["students"], row["details"])
        for row in tables(write_report(course, NAME))["person"]
    }
    assert said == {
        "at fault": (item.id, [STUDENTS[0]], "the witnesses disagree"),
        "not decided": (item.id, [STUDENTS[1]], ""),
        "to look at": (item.id, [STUDENTS[0]], "mentions eval"),
        SET_ASIDE: ("", ["late"], "no notebook"),
    }


def test_who_is_on_the_roster_and_has_handed_in_nothing(course):
    record(course, STUDENTS[:2])
    course.roster.write_text("id\n" + "\n".join(STUDENTS[:4]) + "\n")
    (row,) = [row for row in tables(write_report(course, NAME))["missing"] if row["exercise"].startswith("(")]
    assert row["students"] == STUDENTS[2:4]


def test_what_plain_nbgrader_has_marked_is_reported_too(course):
    drawn = record(course, STUDENTS[:3])
    with sqlite3.connect(course.ledger) as db:
        db.execute("DELETE FROM intake")
    assert [row["state"] for row in tables(write_report(course, NAME))["marks"]] == [GRADED] * len(drawn)


def test_a_name_is_a_name_everywhere(course):
    names = ['=cmd|"/C calc"!A0', "@SUM(1)", "-1+1", "+49 1", "<script>alert(1)</script>", "a'\"&b"]
    record(course, names)
    page = write_report(course, NAME)
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    with page.with_suffix(".csv").open(newline="", encoding="utf-8") as file:
        in_file = [row["student"] for row in csv.DictReader(file)]
    assert [name.removeprefix("'") for name in in_file] == sorted(names)
    assert not [name for name in in_file if name.startswith(("=", "+", "-", "@"))]
    assert [name for name in names if name not in unescape(text)] == []


# --- hints -------------------------------------------------------------------------------------------------------


def notes(course, student, text):
    folder = course.collected / student / NAME
    folder.mkdir(parents=True)
    (folder / "notes.json").write_text(text, encoding="utf-8")


def test_hints_are_counted_from_the_notes_that_came(course):
    record(course, STUDENTS[:4])
    first, second = SHEET.checked[:2]
    notes(course, STUDENTS[0], json.dumps({"hints": {first.id: 2, second.id: 1}}))
    notes(course, STUDENTS[1], json.dumps({"hints": {first.id: 1}, "predictions": {first.id: 3}}))
    page = write_report(course, NAME)
    assert [tuple(row.values()) for row in tables(page)["hints"]] == [
        (f"{first.id} 1", 2, STUDENTS[:2]),
        (f"{first.id} 2", 1, STUDENTS[:1]),
        (f"{second.id} 1", 1, STUDENTS[:1]),
    ]
    assert "2 of 4 submissions came with notes" in page.read_text(encoding="utf-8")


_NO_NOTES = [
    "no json",
    "[" * 100_000,
    '{"hints": 3}',
    '{"hints": {"chain.one_number": true, "no.such": 1, "chain.jacobian": -1, "chain.composition": "2"}}',
    '{"hints": {"chain.one_number": [1], "chain.jacobian": {"a": 1}, "chain.composition": 1e400}}',
]


def test_notes_may_say_anything(course):
    """What says nothing of hints counts for nothing, and who boasts has opened what there is."""
    item = SHEET.checked[0]
    record(course, STUDENTS[:6])
    for student, text in zip(STUDENTS, [*_NO_NOTES, json.dumps({"hints": {item.id: 10**30}})], strict=False):
        notes(course, student, text)
    found = tables(write_report(course, NAME))["hints"]
    assert [(row["hint"], row["students"]) for row in found] == [
        (f"{item.id} {rung}", [STUDENTS[5]]) for rung in range(1, len(item.hints) + 1)
    ]


# --- several sheets ----------------------------------------------------------------------------------------------


def test_the_class_as_a_whole(whole):
    names = marked_sheets(whole.course)
    page = write_report(whole.course, NAME, NAME)
    assert (names, page.name) == ([NAME], "class.html")
    overview = tables(page, "class")
    assert [row["marked"] for row in overview["sheets"]] == [len(STUDENTS)] * 2
    total = {row["student"]: row["total"] for row in whole.tables["marks"]}
    assert {row["student"]: row["total"] for row in overview["marks"]} == pytest.approx(
        {s: 2 * t for s, t in total.items()}
    )
    often = Counter()
    for row in whole.tables["mistakes"]:
        often[row["mistake"]] += 2 * row["how often"]
    assert {row["mistake"]: row["how often"] for row in overview["mistakes"]} == often


def test_nothing_marked_yet(course):
    with pytest.raises(CourseError, match="nothing was marked yet; run `gradsheet grade`"):
        marked_sheets(course)
    with pytest.raises(CourseError, match=f"nothing was marked for {NAME} yet"):
        write_report(course, NAME)


# --- more alike than usual ---------------------------------------------------------------------------------------


def of_ones_own(number, name, comment=""):
    """A notebook with one long answer, which no other number has."""
    terms = " + ".join(f"np.cos({k} * x) ** {k * number % 11}" for k in range(number, number + 20))
    notebook = untouched()
    source = f"def one_number(x, a):\n    {comment}\n    {name} = (\n{terms})\n    return {name} * a"
    cell_of(notebook, SHEET.checked[0].answer_cell_id).source = source
    return notebook


def test_a_copy_under_another_name_is_found(course):
    record(course, STUDENTS[:7])
    for number, student in enumerate(STUDENTS[:6]):
        answer(course, student, of_ones_own(number, "mine"))
    answer(course, STUDENTS[6], of_ones_own(3, "z", '"""All my own work."""  # really'))
    (row,) = tables(write_report(course, NAME))["alike"]
    assert (row["one"], row["other"]) == (STUDENTS[3], STUDENTS[6])
    assert row["words that differ"] == 0 < row["usual"]


def test_what_everybody_has_alike_is_no_copy(course):
    record(course, STUDENTS[:7])
    for number, student in enumerate(STUDENTS[:7]):
        answer(course, student, solved() if number % 2 else untouched())
    assert tables(write_report(course, NAME))["alike"] == []
