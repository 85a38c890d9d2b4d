"""A page on paper: in light colours, with nothing cut, nothing closed and no picture on two sheets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from gallery import gallery, page_of
from lab import TOO_WIDE
from reader import read_offline
from routes import exported

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

A4 = {"width": 658, "height": 964}  # what the margins leave, in CSS pixels


@contextmanager
def on_paper(browser: Browser, page: Path) -> Iterator[Page]:
    """A page as it is printed on a computer whose screen is dark."""
    with read_offline(browser, page, "dark") as reader:
        reader.emulate_media(media="print", color_scheme="dark")
        reader.set_viewport_size(A4)
        yield reader


def test_nothing_is_cut_on_paper(browser: Browser, tmp_path: Path) -> None:
    with on_paper(browser, exported(gallery(), tmp_path)) as reader:
        assert reader.locator("body").evaluate_all(TOO_WIDE) == []
        heights = reader.locator("img").evaluate_all("all => all.map(e => e.getBoundingClientRect().height)")
        assert max(heights) < A4["height"] / 2


@pytest.mark.parametrize(
    "fragment", ["<div style='width:1100px;overflow:hidden'>cut</div>", f"<table><tr>{'<td>wide' * 90}</table>"]
)
def test_what_is_cut_on_paper_is_found(fragment: str, browser: Browser, tmp_path: Path) -> None:
    with on_paper(browser, exported(page_of(fragment), tmp_path)) as reader:
        assert reader.locator("body").evaluate_all(TOO_WIDE) != []


def test_long_lines_are_wrapped_and_what_is_closed_is_open(browser: Browser, tmp_path: Path) -> None:
    fragment = f"<pre style='white-space:pre'>{'0' * 300}</pre><details><summary>a</summary><p id=in>b</p></details>"
    with on_paper(browser, exported(page_of(fragment), tmp_path)) as reader:
        assert reader.locator("body").evaluate_all(TOO_WIDE) == []
        assert reader.locator("#in").bounding_box()["height"] > 0


def test_paper_is_white(browser: Browser, tmp_path: Path) -> None:
    with on_paper(browser, exported(gallery(), tmp_path)) as reader:
        style = reader.evaluate(
            "[getComputedStyle(document.body), getComputedStyle(document.documentElement)]"
            ".map(s => [s.backgroundColor, s.color, s.colorScheme])"
        )
        assert style[0][:2] == ["rgb(255, 255, 255)", "rgb(27, 27, 27)"]
        assert style[1][2] == "light"


def test_pictures_and_rows_are_on_one_sheet_of_paper(browser: Browser, tmp_path: Path) -> None:
    with on_paper(browser, exported(gallery(), tmp_path)) as reader:
        for tag in ("img", "tr", "math"):
            inside = reader.locator(tag).evaluate_all("all => all.map(e => getComputedStyle(e).breakInside)")
            assert set(inside) == {"avoid"}
