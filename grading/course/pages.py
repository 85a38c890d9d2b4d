"""A notebook as one HTML page that needs no network: no script, formulas as MathML, colours that stand out."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import pass_context
from latex2mathml.converter import convert
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from grading.course.master import SOLUTION_MARKS
from grading.course.trial import read_notebook

_CODE_OR_FORMULA = re.compile(r"(?P<code><(pre|code)\b.*?</\2>|<[^>]*>)|\$(?P<formula>[^$<>]+)\$", re.DOTALL)
_TEMPLATES = Path(__file__).parent / "templates"


class _Renderer(IPythonRenderer):
    """Markdown in which formulas are MathML, which browsers and screen readers know without a script."""

    below = 0  # how many levels of headings there are above those of the text

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        return str(super().heading(text, min(6, level + self.below), **attrs))

    def inline_math(self, body: str) -> str:
        return _mathml(body, "inline")

    def block_math(self, body: str) -> str:
        return _mathml(body, "block")

    def latex_environment(self, name: str, body: str) -> str:
        return _mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", "block")


def _mathml(formula: str, display: str) -> str:
    """A formula as MathML with its source as annotation; the source itself where it cannot be read."""
    try:
        return convert(formula.strip(), display=display)
    except Exception:  # the converter has no one name for what it cannot read
        return f"<code>{html.escape(formula)}</code>"


def formula_as_html(latex: str) -> str:
    """A formula as an output has it, between its dollars or not, as MathML."""
    return _mathml(latex.strip().strip("$"), "block")


def _with_mathml(page: str) -> str:
    """HTML with its formulas as MathML; as for MathJax, a dollar in code is a dollar."""

    def read(found: re.Match[str]) -> str:
        return found["code"] or _mathml(html.unescape(found["formula"]), "inline")

    return _CODE_OR_FORMULA.sub(read, page)


class PageExporter(HTMLExporter):
    """nbconvert's page of a notebook, in our template."""

    pages = "page"
    headings_above = 0

    def __init__(self, **kwargs: Any) -> None:
        where = [str(_TEMPLATES)]
        super().__init__(template_name=self.pages, extra_template_basedirs=where, extra_template_paths=where, **kwargs)

    def default_filters(self) -> Iterator[tuple[str, Any]]:
        """nbconvert's, and one that makes MathML of a formula that is an output."""
        yield from super().default_filters()
        yield "formula", formula_as_html

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Markdown to HTML, as nbconvert does it but for the formulas."""
        return as_html(source, context.get("cell", {}).get("attachments", {}), self.headings_above)


def as_html(source: str, attachments: dict[str, Any] | None = None, headings_above: int = 0) -> str:
    """Markdown as HTML, with its formulas as MathML."""
    renderer = _Renderer(escape=False, attachments=attachments or {}, exclude_anchor_links=True)
    renderer.below = headings_above
    return str(MarkdownWithMath(renderer=renderer).render(source))


def write_page(notebook: Path, to: Path) -> Path:
    """Write a notebook, as it lies there, as `to`/<name>.html; returns the page.

    Raises
    ------
    CourseError : there is no such notebook
    """
    body = page_of(notebook)
    to.mkdir(parents=True, exist_ok=True)
    page = to / f"{notebook.stem}.html"
    page.write_text(body, encoding="utf-8")
    return page


def page_of(notebook: Path) -> str:
    """The HTML of a notebook as it lies there, without the lines that mark its solutions.

    Raises
    ------
    CourseError : there is no such notebook
    """
    read = read_notebook(notebook)
    for cell in read.cells:
        kept = (line for line in cell.source.splitlines() if line.strip() not in SOLUTION_MARKS)
        cell.source = "\n".join(kept)
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                output.data["text/html"] = _with_mathml(output.data["text/html"])
    title = next(_headings(read), notebook.stem)
    body, _ = PageExporter().from_notebook_node(read, resources={"metadata": {"name": title}})
    return str(body)


def _headings(notebook: NotebookNode) -> Iterator[str]:
    """The main headings of a notebook."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield from (line[2:].strip() for line in cell.source.splitlines() if line.startswith("# "))
