"""A student's feedback page: marks, rubric and comment; no seed, no source of a check, nothing that runs."""

import re
import subprocess
import sys
from html import unescape
from itertools import pairwise

import pytest
from classroom import NAME, SHEET, append, cell_of, hand_in, make_course, solved
from needs import needs_sandbox
from recorded import PROSE

from grading.course.grade import grade
from grading.course.nbgrader_api import nbgrader_api, open_gradebook, run_nbgrader
from grading.trusted.ledger import Ledger

STUDENT = "Ünï <b>1"
COMMENT = "Well argued; but where is $J_G$ taken?"
WRONG = "def one_number(x, a):\n    return -2 * a * x * np.cos(a * x**2)"
WRITTEN = "By the chain rule <script>alert(1)</script> for $f\\circ g$ <img src=x onerror=alert(1)>"
OUTPUT = "from IPython.display import HTML, Latex\n\nHTML('<script>alert(2)</script>')"
FORMULA = "Latex(r'$\\alpha^2$')"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The course, and the page before and after a person has marked."""
    needs_sandbox()
    course = make_course(tmp_path_factory.mktemp("feedback") / "course")
    notebook = append(append(solved(one_number=WRONG), OUTPUT), FORMULA)
    notebook.cells[-1]["id"] = "appended-2"
    cell_of(notebook, PROSE.cell_id).source = WRITTEN
    hand_in(course, STUDENT, notebook)
    (intake,) = grade(course, NAME)
    assert intake.state == "graded", intake
    page = course.feedback_page(NAME, STUDENT)
    before = page.read_text(encoding="utf-8")
    with open_gradebook(course) as book:
        grade_ = book.find_grade(PROSE.cell_id, NAME, NAME, STUDENT)
        grade_.manual_score, grade_.needs_manual_grade = 2.5, False
        book.find_comment(PROSE.cell_id, NAME, NAME, STUDENT).manual_comment = COMMENT
        book.find_submission_notebook(NAME, NAME, STUDENT).late_submission_penalty = 3.0
        book.db.commit()
    run_nbgrader(lambda: nbgrader_api(course).generate_feedback(NAME, STUDENT, force=True), "no feedback")
    return course, before, page.read_text(encoding="utf-8")


def text_of(page):
    body = page[page.index("<body") :]
    return " ".join(unescape(re.sub("<[^>]*>", "", body)).split())


def test_it_says_whose_it_is_and_every_mark(pages):
    _, before, after = pages
    full = sum(item.points for item in SHEET.checked)
    said = f"For {STUDENT}. {full - 1:g} of {SHEET.points:g} points; 1 still to be marked by a person."
    assert said in text_of(before)
    said = f"For {STUDENT}. {full - 1 + 2.5 - 3:g} of {SHEET.points:g} points, after 3 taken off for handing in late."
    assert said in text_of(after)
    for item in SHEET.checked:
        mark = 0 if item.id == "chain.one_number" else item.points
        assert f"{item.id}: {mark:g} of {item.points:g} points" in text_of(after)
    assert f"{PROSE.id}: 2.5 of {PROSE.points:g} points" in text_of(after)


def test_rubric_and_comment_are_there_once_a_person_has_marked(pages):
    _, before, after = pages
    rubric = PROSE.rubric.split(".")[0]
    assert rubric not in text_of(before)
    assert rubric in text_of(after)
    assert "Well argued; but where is" in text_of(after)
    assert "<msub><mi>J</mi><mi>G</mi></msub>" in after


def test_the_verdict_is_there_and_the_source_of_its_check_is_not(pages):
    for page in pages[1:]:
        assert "Not right yet: chain.one_number" in page
        code = text_of(page)
        assert 'check("chain' not in code.replace("'", '"')
        assert "def one_number(x, a):" in code


def test_it_holds_no_seed(pages):
    course, *both = pages
    seed = str(Ledger(course.ledger).seed(NAME, 0))
    for page in both:
        assert "seed" not in page
        assert seed not in page


def test_nothing_in_it_runs_or_asks_for_anything(pages):
    for page in pages[1:]:
        assert not re.search(r"<script|<iframe|<object|<link|javascript:|<b>1", page)
        assert not re.search(r"<[^>]*\son\w+\s*=", page)
        assert not re.search(r'(src|href)="(?!data:|#)', page[page.index("<body") :])
        assert "default-src 'none'" in page


def test_formulas_are_mathml(pages):
    for page in pages[1:]:
        assert "<mi>α</mi><mn>2</mn>" in page.replace("&#x003B1;", "α")
        assert "MathJax" not in page
        without_code = re.sub("<(pre|code).*?</\\1>", "", page[page.index("<body") :], flags=re.DOTALL)
        assert not re.search(r"\$[^$<]*\\[a-z]+[^$<]*\$", without_code)


def test_its_language_and_its_headings(pages):
    for page in pages[1:]:
        assert '<html lang="en">' in page
        levels = [int(level) for level in re.findall(r"<h([1-6])", page)]
        assert levels.count(1) == 1 == levels[0]
        assert max(later - level for level, later in pairwise(levels)) <= 1
        (title,) = re.findall("<title>(.*?)</title>", page)
        assert unescape(title) == f"{SHEET.title}: feedback for {STUDENT}"


def test_every_link_leads_somewhere(pages):
    for page in pages[1:]:
        ids = set(re.findall(r'\bid="([^"]*)"', page))
        links = re.findall(r'href="#([^"]*)"', page)
        assert len(links) > len(SHEET.exercises) - 1
        assert [link for link in links if link not in ids] == []


def test_nbgraders_own_command_makes_the_same_page(pages):
    course, _, after = pages
    command = [sys.executable, "-m", "nbgrader", "generate_feedback", NAME, "--student", STUDENT, "--force"]
    subprocess.run(command, cwd=course.root, check=True, capture_output=True)
    assert course.feedback_page(NAME, STUDENT).read_text(encoding="utf-8") == after
