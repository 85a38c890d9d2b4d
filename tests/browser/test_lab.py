"""A student's session in a real JupyterLab, in a real browser."""

from __future__ import annotations

from axe import violations
from lab import Notebook
from reader import SCHEMES, asked_for, photograph, read_offline, too_wide

from grading.course.pages import write_page

ANSWER, CHECK, HINT, PROGRESS = "chain-one_number-answer", "chain-one_number", "code-e08ba5cb-1", "code-97413160-1"


def test_a_student_works_on_a_fresh_sheet(fresh: Notebook) -> None:
    fresh.open()
    run_it_untouched(fresh)
    answer_wrongly(fresh)
    open_a_hint(fresh)
    mend_it(fresh)
    practise_and_compare(fresh)
    see_the_progress(fresh)
    validate_it_unfinished(fresh)
    read_it_untrusted(fresh)
    read_it_exported(fresh)


def test_what_is_shown_loses_nothing_where_it_is_not_trusted(everything: tuple[Notebook, Notebook]) -> None:
    trusted, untrusted = everything
    trusted.open()
    said = trusted.said()
    untrusted.open()
    with untrusted.whole():
        assert untrusted.said() == said
        assert untrusted.shut_out() == []
        assert untrusted.cut_outputs() == []


def test_validate_finds_nothing_wrong_with_the_solution(solved: Notebook) -> None:
    solved.open()
    assert "Success! Your notebook passes all the tests." in solved.validate()
    solved.picture("validate-solved")


def run_it_untouched(notebook: Notebook) -> None:
    notebook.run_all()
    notebook.expect_output("setup", "Setup complete")
    notebook.page.locator(".jp-MarkdownOutput mjx-container").first.wait_for(state="attached")
    assert len(notebook.checks()) >= 10
    for check in notebook.checks():
        notebook.expect_output(check, "Not attempted yet")
    assert notebook.output("chain-paths_by_hand-answer").count() == 0
    notebook.picture("fresh")


def answer_wrongly(notebook: Notebook) -> None:
    notebook.type_answer(ANSWER, "return np.cos(a * x**2) * a * x")
    notebook.run(CHECK)
    notebook.expect_output(CHECK, "Not right yet")
    notebook.expect_output(CHECK, "a factor 2 forgotten")
    assert notebook.cut_outputs() == []
    notebook.picture("wrong")
    notebook.use_theme("JupyterLab Dark")
    notebook.picture("wrong-dark")


def open_a_hint(notebook: Notebook) -> None:
    notebook.expect_output(CHECK, 'Next: hint("chain.one_number", 2)')
    notebook.type_answer(HINT, 'hint("chain.one_number", 2)')
    notebook.expect_output(HINT, "The derivative of the outer function is taken at u")
    first = notebook.output(HINT).locator("details").first
    assert first.get_attribute("open") is None
    first.locator("summary").click()
    notebook.expect_output(HINT, "Name the inner function")
    assert first.get_attribute("open") is not None
    notebook.picture("hint-dark")
    first.locator("summary").click()


def mend_it(notebook: Notebook) -> None:
    notebook.type_answer(ANSWER, "return np.cos(a * x**2) * 2 * a * x")
    notebook.run(CHECK)
    notebook.expect_output(CHECK, "Right: chain.one_number, 1 of 1")
    notebook.picture("right-dark")
    notebook.use_theme("JupyterLab Light")
    notebook.picture("right")
    notebook.save()
    assert "* 2 * a * x" in notebook.path.read_text(encoding="utf-8")


def practise_and_compare(notebook: Notebook) -> None:
    shown = notebook.add_cell('practice("chain.one_number").check(one_number)')
    assert "Right: chain.one_number" in shown.inner_text()
    shown = notebook.add_cell('compare("chain.one_number", one_number)')
    assert "you return what the course's own lines return" in shown.inner_text()
    shown = notebook.add_cell('compare("chain.one_number", lambda x, a: x)')
    assert "the first that differs is" in shown.inner_text()
    notebook.picture("compare", shown)


def see_the_progress(notebook: Notebook) -> None:
    notebook.run(PROGRESS)
    notebook.expect_output(PROGRESS, "1 of 21 exercises right")
    assert notebook.page.get_by_role("progressbar").last.get_attribute("value") == "1"
    assert notebook.cut_outputs() == []
    assert notebook.shut_out() == []
    notebook.picture("progress")
    notebook.save()


def validate_it_unfinished(notebook: Notebook) -> None:
    said = notebook.validate()
    assert "The following cell failed" in said
    assert "Not attempted yet: chain.jacobian, 0 of 2" in said
    assert "chain.one_number" not in said
    notebook.picture("validate-unfinished")


def read_it_untrusted(notebook: Notebook) -> None:
    """What JupyterLab strips from a page that it does not trust does not take the meaning with it."""
    trusted = notebook.said()
    copy = notebook.from_elsewhere()
    copy.open()
    copy.page.locator(".jp-StatusItem-trust, [title*='not trusted']").first.wait_for()
    assert copy.said() == trusted
    assert copy.cut_outputs() == []
    assert copy.shut_out() == []
    copy.picture("untrusted", copy.output(CHECK))
    copy.picture("untrusted-end", copy.output(copy.ids()[-1]))


def read_it_exported(notebook: Notebook) -> None:
    """As a page on a computer without network."""
    page = write_page(notebook.path, notebook.pictures)
    for scheme in SCHEMES:
        with read_offline(notebook.browser, page, scheme) as reader:
            said = reader.locator("body").inner_text()
            assert "Right: chain.one_number, 1 of 1" in said
            assert "1 of 21 exercises right" in said
            assert "the first that differs is" in said
            assert violations(reader) == []
            assert too_wide(reader) == []
            assert asked_for(reader) == []
            photograph(reader, notebook.pictures, f"exported-{scheme}")
