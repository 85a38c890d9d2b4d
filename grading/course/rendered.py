"""The instructor's own pages, made from the templates beside this file; whatever is put into them is escaped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


def rendered(template: str, filters: Mapping[str, Callable[..., Any]] | None = None, **values: Any) -> str:
    """A template filled in; `filters` are those of its own."""
    pages = Environment(
        loader=PackageLoader("grading.course"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= filters or {}
    return pages.get_template(template).render(**values)
