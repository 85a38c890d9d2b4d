"""A notebook as one HTML page that needs no network: no script, formulas as MathML, colours that stand out."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from jinja2 import pass_context
from latex2mathml.converter import convert
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from grading.course.build import SOLUTION_MARKS
from grading.course.trial import read_notebook

_TEMPLATES = Path(__file__).parent / "templates"


class _Renderer(IPythonRenderer):
    """Markdown in which formulas are MathML, which browsers and screen readers know without a script."""

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


class PageExporter(HTMLExporter):
    """nbconvert's page of a notebook, in our template."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(template_name="page", extra_template_basedirs=[str(_TEMPLATES)], **kwargs)

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Markdown to HTML, as nbconvert does it but for the formulas."""
        attachments = context.get("cell", {}).get("attachments", {})
        renderer = _Renderer(escape=False, attachments=attachments, exclude_anchor_links=True)
        return str(MarkdownWithMath(renderer=renderer).render(source))


def write_page(notebook: Path, to: Path) -> Path:
    """Write a notebook, as it lies there, as `to`/<name>.html; returns the page.

    Raises
    ------
    CourseError : there is no such notebook
    """
    read = read_notebook(notebook)
    for cell in read.cells:
        kept = (line for line in cell.source.splitlines() if line.strip() not in SOLUTION_MARKS)
        cell.source = "\n".join(kept)
    body, _ = PageExporter().from_notebook_node(read, resources={"metadata": {"name": notebook.stem}})
    to.mkdir(parents=True, exist_ok=True)
    page = to / f"{notebook.stem}.html"
    page.write_text(body, encoding="utf-8")
    return page
