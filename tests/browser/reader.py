"""A page as somebody reads it who has no network: in light or dark, in a wide window or a narrow one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lab import HEIGHT, TOO_WIDE, WIDTHS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SCHEMES = ("light", "dark")
PICTURES_VARIABLE = "GRADSHEET_SCREENSHOTS"


@contextmanager
def read_offline(browser: Browser, page: Path, scheme: str) -> Iterator[Page]:
    """The page in a context of its own, without network."""
    context = browser.new_context(viewport={"width": max(WIDTHS), "height": HEIGHT}, color_scheme=scheme)
    context.set_offline(True)
    reader = context.new_page()
    reader.goto(page.as_uri())
    yield reader
    context.close()


def asked_for(reader: Page) -> list[str]:
    """What a page asked for beside itself, whether it came or not."""
    urls = reader.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    return [url for url in urls if not url.startswith("data:")]


def too_wide(reader: Page) -> list[str]:
    """What is cut, runs over or has to be scrolled sideways, in each of the windows."""
    found = []
    for width in WIDTHS:
        reader.set_viewport_size({"width": width, "height": HEIGHT})
        found += reader.locator("body").evaluate_all(TOO_WIDE)
    return found


def photograph(reader: Page, folder: Path, name: str) -> None:
    """The whole page, wide and narrow, where somebody wants to look at it."""
    if PICTURES_VARIABLE not in os.environ:
        return
    for width in WIDTHS:
        reader.set_viewport_size({"width": width, "height": HEIGHT})
        reader.screenshot(path=folder / f"{name}-{width}.png", full_page=True)
