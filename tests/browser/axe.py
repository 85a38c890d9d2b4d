"""What axe-core finds on a page: violations of WCAG 2, levels A and AA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from playwright.sync_api import Page

_RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
}


def violations(page: Page, within: str | dict[str, list[str]] | None = None) -> list[str]:
    """A line per element that violates a rule: on the whole page, or within a selector or axe's context."""
    found = Axe().run(page, within, _RULES).response["violations"]
    return [f"{rule['id']}: {node['html'][:300]}" for rule in found for node in rule["nodes"]]
