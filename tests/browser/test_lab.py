"""A student's session in a real JupyterLab, in a real browser."""

from __future__ import annotations

from lab import Notebook

ANSWER, CHECK = "chain-one_number-answer", "chain-one_number"


def test_a_student_works_on_a_fresh_sheet(fresh: Notebook) -> None:
    fresh.open()
    run_it_untouched(fresh)
    answer_wrongly(fresh)
    mend_it(fresh)
    validate_it_unfinished(fresh)


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


def mend_it(notebook: Notebook) -> None:
    notebook.type_answer(ANSWER, "return np.cos(a * x**2) * 2 * a * x")
    notebook.run(CHECK)
    notebook.expect_output(CHECK, "Right: chain.one_number, 1 of 1")
    notebook.picture("right-dark")
    notebook.use_theme("JupyterLab Light")
    notebook.picture("right")
    notebook.save()
    assert "* 2 * a * x" in notebook.path.read_text(encoding="utf-8")


def validate_it_unfinished(notebook: Notebook) -> None:
    said = notebook.validate()
    assert "The following cell failed" in said
    assert "Not attempted yet: chain.jacobian, 0 of 2" in said
    assert "chain.one_number" not in said
    notebook.picture("validate-unfinished")
