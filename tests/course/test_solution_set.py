"""The set of solutions: made anew byte for byte, executing only what changed, and overwriting nobody's file."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from needs import needs_browser
from tiny import DATA, TINY, contents, tiny_course

from grading.cli import main
from grading.course import printing
from grading.course.layout import Course, CourseError
from grading.course.pages import page_of
from grading.course.printing import find_browser, print_page

SET = "solution-set"
Run = Callable[..., tuple[int, list[str], str]]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return tiny_course(tmp_path_factory.mktemp("tiny") / "course")


@pytest.fixture
def run(course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`gradsheet solutions` in the course: its status, the lines it prints, and what it complains of."""
    monkeypatch.chdir(course.root)

    def solutions(*options: str) -> tuple[int, list[str], str]:
        status = main(["solutions", "--processes", "1", *options])
        said = capsys.readouterr()
        return status, said.out.splitlines(), said.err

    return solutions


def links(page: Path) -> list[str]:
    """Where a page leads to."""
    found = []

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(value for key, value in attrs if key in ("href", "src") and value)

    Links().feed(page.read_text(encoding="utf-8"))
    return found


def test_a_set_is_made_and_made_anew_byte_for_byte(course: Course, run: Run) -> None:
    status, lines, _ = run("--no-pdf")
    assert status == 0
    assert [line.partition(":")[0] for line in lines] == [*TINY, "Index"]
    made = contents(course.root / SET)
    assert set(links(course.root / SET / "index.html")) == {f"{n}.{kind}" for n in TINY for kind in ("html", "ipynb")}
    for name in TINY:
        assert made[f"{name}.ipynb"] == course.solution(name).read_bytes()

    status, lines, _ = run("--no-pdf")
    assert lines[:2] == [f"{name}: nothing has changed; page" for name in TINY]
    assert contents(course.root / SET) == made
    run("--no-pdf", "--to", "elsewhere")
    assert contents(course.root / "elsewhere") == made


def test_only_what_changed_is_executed_again(course: Course, run: Run) -> None:
    run("--no-pdf")
    (course.solutions / TINY[1] / DATA).write_text("7\n0.25\n")
    _, lines, _ = run("--no-pdf")
    assert lines[:2] == [f"{TINY[0]}: nothing has changed; page", f"{TINY[1]}: executed; page"]
    assert "7.25" in (course.root / SET / f"{TINY[1]}.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", [f"{TINY[0]}.html", f"{TINY[0]}.ipynb", "index.html"])
@pytest.mark.parametrize("was_made", [True, False])
def test_what_a_person_wrote_is_never_overwritten(file: str, was_made: bool, run: Run, tmp_path: Path) -> None:
    if was_made:
        run("--no-pdf", "--to", str(tmp_path))
    (tmp_path / file).write_text("mine")
    status, lines, complaint = run("--no-pdf", "--to", str(tmp_path))
    assert status == 1
    assert (tmp_path / file).read_text() == "mine"
    assert complaint == (
        f"gradsheet: {tmp_path / file} was not made here, or was changed; move it, or choose another folder with --to\n"
    )
    assert any(line.startswith(TINY[1]) for line in lines)


def test_a_page_has_no_script_and_no_solution_marks_and_asks_for_nothing(course: Course, run: Run) -> None:
    run("--no-pdf")
    text = (course.root / SET / f"{TINY[0]}.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "BEGIN SOLUTION" not in text
    assert "<title>The small sheet</title>" in text
    assert "<msup>" in text
    assert [link for link in links(course.root / SET / f"{TINY[0]}.html") if not link.startswith(("#", "data:"))] == []


# --- PDF ---------------------------------------------------------------------------------------------------------


def test_without_a_browser_the_pages_are_made_and_that_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    status, lines, complaint = run()
    assert status == 0
    assert lines[0].endswith("; page")
    assert complaint.startswith("gradsheet: no PDF, as there is no Chromium on PATH (chromium, ")
    assert complaint.endswith("the pages were made\n")
    assert complaint.count("\n") == 1
    assert run("--pdf")[0] == 1
    assert run("--no-pdf")[::2] == (0, "")


def fake_browser(folder: Path, body: str) -> str:
    """A program that is called as a browser is."""
    path = folder / "chromium"
    find_pdf = 'for o in "$@"; do case "$o" in --print-to-pdf=*) pdf="${o#*=}";; esac; done'
    path.write_text(f"#!/bin/sh\n{find_pdf}\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_pdfs_are_kept_printed_again_and_removed_with_their_pages(
    course: Course, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_browser(tmp_path, f'echo once >> {tmp_path}/log; echo "%PDF $(wc -l < {tmp_path}/log)" > "$pdf"')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    to, printed = tmp_path / "set", lambda: len((tmp_path / "log").read_text().splitlines())
    assert run("--to", str(to))[1][0].endswith("; page and PDF")
    assert f"{TINY[0]}.pdf" in links(to / "index.html")
    run("--to", str(to))
    assert printed() == 2
    (course.solutions / TINY[0] / DATA).write_text("11\n")
    assert run(TINY[0], "--no-pdf", "--to", str(to))[1][0].endswith("; page")
    assert not (to / f"{TINY[0]}.pdf").exists()
    assert f"{TINY[0]}.pdf" not in links(to / "index.html")
    run("--to", str(to))
    assert printed() == 3
    assert f"{TINY[0]}.pdf" in links(to / "index.html")


@pytest.mark.parametrize(("body", "said"), [("echo no display >&2", "no display"), ("exec sleep 9", "more than 1 s")])
def test_a_browser_that_does_not_print_is_one_line(
    body: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "_PRINT_S", 1)
    (tmp_path / "page.html").write_text("<p>words</p>")
    with pytest.raises(CourseError, match=rf"did not print .*page.html: .*{said}") as refusal:
        print_page(fake_browser(tmp_path, body), tmp_path / "page.html")
    assert "\n" not in str(refusal.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chromium", "page.html"]


def test_a_real_browser_prints(tmp_path: Path) -> None:
    needs_browser()
    (tmp_path / "page.html").write_text("<!DOCTYPE html><title>The title</title><h1>Heading</h1>")
    pdf = print_page(find_browser(), tmp_path / "page.html")
    assert pdf.startswith(b"%PDF-")
    assert b"/Title (The title)" in pdf
    assert b"/StructTreeRoot" in pdf
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


# --- formulas in what a cell shows -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "formulas"),
    {
        r"<p>$v_3 = \bar{a} \cdot b$ and $x &lt; y$</p>": 2,
        "<pre>$a$ and $b$</pre>": 0,
        "<code>$a$</code> $b$": 1,
        '<a title="$a$ $b$">5 $ alone</a>': 0,
        "<p>costs 5 $</p><p>and 6 $</p>": 0,
    }.items(),
)
def test_formulas_in_an_output_are_mathml(shown: str, formulas: int, tmp_path: Path) -> None:
    output = nbformat.v4.new_output("display_data", data={"text/html": shown})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("show()", outputs=[output])])
    nbformat.write(notebook, tmp_path / "shown.ipynb")
    page = page_of(tmp_path / "shown.ipynb")
    assert len(re.findall("<math", page)) == formulas
    assert formulas or shown in page
