"""A notebook in JupyterLab, as a student handles it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axe import violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

WIDTHS, HEIGHT = (1280, 800), 900
_HIGH = 20_000  # pixels
_TWO_FRAMES = "new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
_TROUBLE = ("application/vnd.jupyter.stderr", "application/vnd.jupyter.error")
OUTPUTS = ".jp-Notebook .jp-OutputArea-output"
# What is wider than its box, be it cut off, run over, or to be scrolled to. A table or a map may be scrolled by itself;
# within a formula MathJax sets parts over each other.
TOO_WIDE = """outputs => outputs.flatMap(output => [output, ...output.querySelectorAll('*')])
    .filter(e => e.clientWidth && e.scrollWidth > e.clientWidth + 1 && !e.parentElement.closest('mjx-container'))
    .filter(e => !(getComputedStyle(e).overflowX == 'auto' && (e.querySelector('table') || e.style.overflowX)))
    .map(e => `${e.outerHTML.slice(0, 120)}: ${e.scrollWidth} in ${e.clientWidth} px`)"""


@dataclass(frozen=True)
class Notebook:
    """One notebook, open in one browser page."""

    page: Page
    path: Path
    url: str
    pictures: Path

    @property
    def browser(self) -> Browser:
        """The browser that it is open in."""
        browser = self.page.context.browser
        assert browser is not None
        return browser

    def open(self) -> None:
        """Open it and wait for its kernel, and for what stands in it."""
        from playwright.sync_api import expect

        self.page.goto(self.url)
        self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook").wait_for()
        self.wait_for_idle()
        shown = sum(len(cell.get("outputs", ())) for cell in self._cells())
        expect(self.page.locator(OUTPUTS)).to_have_count(shown, timeout=20_000)

    def run_all(self) -> None:
        """Run > Run All Cells."""
        self.menu("Run", "Run All Cells")
        self.output(self.checks()[-1]).or_(self.trouble()).first.wait_for(timeout=40_000)
        assert self.trouble().all_inner_texts() == []
        self.wait_for_idle()

    def trouble(self) -> Locator:
        """Tracebacks, and what was written to stderr."""
        return self.page.locator(", ".join(f".jp-OutputArea-output[data-mime-type='{kind}']" for kind in _TROUBLE))

    def cut_outputs(self) -> list[str]:
        """The outputs of which something is cut or has to be scrolled to, in a wide window or a narrow one."""
        found = []
        for width in WIDTHS:
            with self.whole(width):
                found += self.page.locator(OUTPUTS).evaluate_all(TOO_WIDE)
        return found

    def use_theme(self, name: str) -> None:
        """Settings > Theme."""
        self.menu("Settings", "Theme", name)
        self.page.locator(f"body[data-jp-theme-name='{name}']").wait_for(state="attached")
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def menu(self, *labels: str) -> None:
        """Choose an entry of the menu bar."""
        self.page.locator(".lm-MenuBar-itemLabel", has_text=labels[0]).first.click()
        for label in labels[1:]:
            self.page.locator(".lm-Menu-itemLabel").get_by_text(label, exact=True).click()

    def wait_for_idle(self) -> None:
        """Wait until there is a kernel and it has nothing to do."""
        self.page.locator("#jp-main-statusbar").get_by_text("(ipykernel) | Idle").wait_for()

    def cell(self, cell_id: str) -> Locator:
        """A cell, by its id."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(self.ids().index(cell_id))

    def output(self, cell_id: str) -> Locator:
        """What stands under a cell."""
        return self.cell(cell_id).locator(".jp-OutputArea-output")

    def expect_output(self, cell_id: str, text: str) -> None:
        """Wait until `text` stands under a cell."""
        from playwright.sync_api import expect

        expect(self.output(cell_id)).to_contain_text(text, timeout=20_000)

    def type_answer(self, cell_id: str, line: str) -> None:
        """Replace the last line of a cell by typing, and run it."""
        last = self.cell(cell_id).locator(".cm-line").last
        last.click()
        self.page.keyboard.press("End")
        self.page.keyboard.press("Shift+Home")
        self.page.keyboard.type(line)
        self.page.keyboard.press("Control+Enter")

    def from_elsewhere(self) -> Notebook:
        """A copy of the saved notebook that JupyterLab has never seen, and so does not trust."""
        path = self.path.with_name("from_elsewhere.ipynb")
        notebook = json.loads(self.path.read_text(encoding="utf-8"))
        notebook["metadata"]["title"] = "the signature is of the content, so the content has to differ"
        path.write_text(json.dumps(notebook), encoding="utf-8")
        return replace(self, path=path, url=self.url.replace(self.path.name, path.name))

    def add_cell(self, line: str) -> Locator:
        """Write a line into a new cell at the end, and run it; returns what stands under it."""
        self.page.locator(".jp-Notebook .jp-Cell").last.locator(".jp-InputPrompt").click()
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("b")
        self.page.keyboard.press("Enter")
        self.page.keyboard.type(line)
        self.page.keyboard.press("Control+Enter")
        shown = self.page.locator(".jp-Notebook .jp-Cell").last.locator(".jp-OutputArea-output")
        shown.first.wait_for()
        return shown

    def said(self) -> list[str]:
        """The text of every output, its blanks aside."""
        with self.whole():
            return [" ".join(text.split()) for text in self.page.locator(OUTPUTS).all_inner_texts()]

    def shut_out(self) -> list[str]:
        """What is in the way of someone who cannot see, or use a mouse."""
        with self.whole():
            return violations(self.page, OUTPUTS)

    def run(self, cell_id: str) -> None:
        """Run one cell."""
        self.cell(cell_id).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")

    def save(self) -> None:
        """Save, and wait until it is saved."""
        self.menu("File", "Save Notebook")
        self.page.locator(".jp-mod-dirty").wait_for(state="detached")

    def validate(self) -> str:
        """Press Validate; returns what the dialog says."""
        self.page.get_by_role("button", name="Validate").click()
        dialog = self.page.locator(".jp-Dialog-content")
        dialog.wait_for(timeout=40_000)
        return dialog.inner_text()

    def picture(self, name: str, of: Locator | None = None) -> None:
        """Photograph the window, wide and narrow, with what is to be seen in it."""
        for width in WIDTHS:
            with self._window(width, HEIGHT):
                if of is not None:
                    of.last.scroll_into_view_if_needed()
                self.page.screenshot(path=self.pictures / f"{name}-{width}.png")

    def ids(self) -> list[str]:
        """The cells' ids, in order."""
        return [str(cell["id"]) for cell in self._cells()]

    def checks(self) -> list[str]:
        """The ids of the cells that check an answer."""
        return [str(cell["id"]) for cell in self._cells() if "".join(cell["source"]).startswith("check(")]

    @contextmanager
    def whole(self, width: int = max(WIDTHS)) -> Iterator[None]:
        """Look at it in a window so high that all of it is seen; what is out of sight is not laid out."""
        with self._window(width, _HIGH):
            self.page.evaluate(_TWO_FRAMES)
            yield

    @contextmanager
    def _window(self, width: int, height: int) -> Iterator[None]:
        before = self.page.viewport_size
        assert before is not None
        self.page.set_viewport_size({"width": width, "height": height})
        yield
        self.page.set_viewport_size(before)

    def _cells(self) -> list[dict[str, Any]]:
        return list(json.loads(self.path.read_text(encoding="utf-8"))["cells"])
