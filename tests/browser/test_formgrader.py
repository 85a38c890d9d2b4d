"""Marking by hand in nbgrader's formgrader, in a browser: what is given there stands, and shows."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from classroom import NAME as SHEET_NAME
from classroom import SHEET as DECLARED
from classroom import cell_of, hand_in, make_course, solved
from conftest import TOKEN, _serve, _stop, _url
from needs import needs_sandbox

from grading.course.formgrade import ShowRubric
from grading.course.grade import grade, read_marks
from grading.course.layout import Course
from grading.course.nbgrader_api import nbgrader_api, open_gradebook, run_nbgrader
from grading.course.report import write_report
from grading.sheets import Prose

if TYPE_CHECKING:
    from playwright.sync_api import Page

PROSE = next(item for item in DECLARED.exercises if isinstance(item, Prose))
STUDENT = "Zoë Müller"
COMMENT = "Well argued; say why the order matters."


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A submission with words that wait for a person."""
    needs_sandbox()
    course = make_course(tmp_path_factory.mktemp("formgrader") / "course")
    notebook = solved()
    cell_of(notebook, PROSE.cell_id).source = "By the *chain rule*: $f'(g(x))\\,g'(x)$."
    hand_in(course, STUDENT, notebook)
    grade(course, SHEET_NAME)
    return course


@pytest.fixture(scope="module")
def formgrader(course: Course, tmp_path_factory: pytest.TempPathFactory, executable: str) -> Iterator[str]:
    """The address of a server with the course, as `jupyter lab` in its folder starts it."""
    assert executable
    home = tmp_path_factory.mktemp("home")
    with (home / "server.log").open("wb") as log:
        server = _serve(course.root, home, log)
        try:
            yield _url(server, home)
        finally:
            _stop(server)


def submission_id(course: Course) -> str:
    with open_gradebook(course) as book:
        return str(book.find_submission_notebook(SHEET_NAME, SHEET_NAME, STUDENT).id)


def give_by_hand(page: Page, url: str, submission: str, score: str, comment: str) -> None:
    """Open a submission, type a mark and a comment, and wait until they are saved."""
    page.route(lambda asked: not asked.startswith(url), lambda route: route.abort())  # MathJax, from the network
    page.goto(f"{url}login?next=%2Fapi%2Fstatus&token={TOKEN}")
    page.goto(f"{url}formgrader/submissions/{submission}/", wait_until="networkidle")
    page.locator(f"#{PROSE.cell_id}_extra_credit[placeholder]").wait_for()  # the marks so far have come
    mark = page.locator(f"#{PROSE.cell_id}")
    with page.expect_response(lambda reply: "/api/grade/" in reply.url and reply.request.method == "PUT"):
        mark.fill(score)
        mark.blur()
    with page.expect_response(lambda reply: "/api/comment/" in reply.url and reply.request.method == "PUT"):
        words = page.locator(f"#{PROSE.cell_id}-comment")
        words.fill(comment)
        words.blur()


def test_a_mark_and_a_comment_from_the_formgrader_stand_and_show(
    course: Course, formgrader: str, page: Page, pictures: Path
) -> None:
    before = {marks.student: marks for marks in read_marks(course, SHEET_NAME)}[STUDENT]
    assert before.by_cell[PROSE.cell_id] is None
    give_by_hand(page, formgrader, submission_id(course), "2.5", COMMENT)
    shown = page.locator("body").inner_text()
    assert "Rubric." in shown
    assert PROSE.rubric[:40] in shown
    page.locator(f"#{PROSE.cell_id}").scroll_into_view_if_needed()
    page.screenshot(path=str(pictures / "formgrader.png"))

    def stands() -> None:
        (marks,) = read_marks(course, SHEET_NAME)
        assert (marks.by_cell[PROSE.cell_id], marks.by_hand) == (2.5, {PROSE.cell_id})
        assert marks.score == before.score + 2.5
        with open_gradebook(course) as book:
            assert book.find_comment(PROSE.cell_id, SHEET_NAME, SHEET_NAME, STUDENT).comment == COMMENT

    stands()
    grade(course, SHEET_NAME, again=True)
    stands()

    run_nbgrader(lambda: nbgrader_api(course).generate_feedback(SHEET_NAME, force=True), "no feedback")
    page.unroute_all()
    page.goto(course.feedback_page(SHEET_NAME, STUDENT).as_uri())
    told = page.locator("body").inner_text()
    assert COMMENT in told
    assert "2.5" in told
    assert told.count(PROSE.rubric[:40]) == 1  # once it is marked, and not a second time from the formgrader's step
    page.get_by_text("Well argued").first.scroll_into_view_if_needed()
    page.screenshot(path=str(pictures / "feedback.png"))

    report = write_report(course, SHEET_NAME)
    with report.with_suffix(".csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert float(row[PROSE.id]) == 2.5
    assert float(row["total"]) == before.score + 2.5
    page.goto(report.as_uri())
    page.screenshot(path=str(pictures / "report.png"), full_page=True)


def test_no_page_of_a_students_has_the_rubric_before_it_is_marked(course: Course) -> None:
    """The step that shows it in the formgrader is in the configuration of every page."""
    notebook = nbformat.read(course.assignment(SHEET_NAME), as_version=4)
    same, _ = ShowRubric().preprocess(notebook, {"assignment_id": SHEET_NAME, "nbgrader": {}})
    assert same.cells == nbformat.read(course.assignment(SHEET_NAME), as_version=4).cells
