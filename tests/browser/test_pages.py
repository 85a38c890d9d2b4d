"""Everything that is shown, on every kind of page that is read without a server: for everyone, and without network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe import violations
from gallery import gallery, page_of
from nbformat import NotebookNode
from reader import SCHEMES, asked_for, photograph, read_offline, too_wide
from routes import ROUTES

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Ours on a page of another's: not the prompts, nor the colours of code, nor the script for formulas.
_OURS = {"include": [".jp-OutputArea-output, .output_subarea"], "exclude": [".highlight"]}
_NO_ALT = "No description has been provided"  # what nbconvert says of a picture that says nothing
OUR_PAGE = "gradsheet export"
OUR_PAGES = (OUR_PAGE, "feedback")


@pytest.fixture(scope="module")
def notebook() -> NotebookNode:
    return gallery()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("route", ROUTES)
def test_nobody_is_shut_out(
    route: str, scheme: str, notebook: NotebookNode, browser: Browser, tmp_path: Path, pictures: Path
) -> None:
    page = ROUTES[route](notebook, tmp_path)
    with read_offline(browser, page, scheme) as reader:
        assert violations(reader, None if route in OUR_PAGES else _OURS) == []
        assert reader.locator(f"img[alt^='{_NO_ALT}'], img[alt='']").count() == 0
        assert too_wide(reader) == []
        assert route not in OUR_PAGES or asked_for(reader) == []
        photograph(reader, pictures, f"{route.replace(' ', '-')}-{scheme}")


def test_code_is_set_in_a_monospaced_font(browser: Browser, tmp_path: Path) -> None:
    page = ROUTES[OUR_PAGE](page_of("<pre><code>iiii</code></pre><pre>iiii</pre><code>iiii</code>"), tmp_path)
    with read_offline(browser, page, "light") as reader:
        fonts = reader.locator("pre, code").evaluate_all("all => all.map(e => getComputedStyle(e).fontFamily)")
        assert [font for font in fonts if "monospace" not in font] == []


@pytest.mark.parametrize(
    ("fragment", "rule"),
    {
        '<svg role="img" width="40" height="40"></svg>': "svg-img-alt",
        '<p style="color:#888;background:#999">grey on grey</p>': "color-contrast",
        "<details><summary style='line-height:9px;font-size:8px'>a</summary>b</details>" * 3: "target-size",
        "<table><tr><th scope='col'></th><td headers='gone'>1</td></tr></table>": "td-headers-attr",
    }.items(),
)
def test_a_barrier_is_found(fragment: str, rule: str, browser: Browser, tmp_path: Path) -> None:
    page = ROUTES[OUR_PAGE](page_of(fragment), tmp_path)
    with read_offline(browser, page, "light") as reader:
        assert {line.partition(":")[0] for line in violations(reader)} == {rule}


@pytest.mark.parametrize(
    "fragment", ["<pre style='white-space:pre'>" + "0" * 300, "<div style='width:1100px;overflow:hidden'>cut</div>"]
)
def test_what_is_cut_is_found(fragment: str, browser: Browser, tmp_path: Path) -> None:
    page = ROUTES[OUR_PAGE](page_of(fragment), tmp_path)
    with read_offline(browser, page, "light") as reader:
        assert too_wide(reader) != []


def test_what_needs_the_network_is_found(browser: Browser, tmp_path: Path) -> None:
    page = ROUTES[OUR_PAGE](page_of('<img alt="far away" src="https://example.org/a.png">'), tmp_path)
    with read_offline(browser, page, "light") as reader:
        assert asked_for(reader) == ["https://example.org/a.png"]
