"""A notebook in JupyterLab, as a student handles it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

WIDTHS = (1280, 800)
_TROUBLE = ("application/vnd.jupyter.stderr", "application/vnd.jupyter.error")
_TOO_WIDE = "outputs => outputs.filter(o => o.scrollWidth > o.clientWidth).map(o => o.innerText)"


@dataclass(frozen=True)
class Notebook:
    """One notebook, open in one browser page."""

    page: Page
    path: Path
    url: str
    pictures: Path

    def open(self) -> None:
        """Open it and wait for its kernel."""
        self.page.goto(self.url)
        self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook").wait_for()
        self.wait_for_idle()

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
        """The outputs that are too wide for a narrow window."""
        with self._width(min(WIDTHS)):
            return list(self.page.locator(".jp-Notebook .jp-OutputArea-output").evaluate_all(_TOO_WIDE))

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

    def picture(self, name: str) -> None:
        """Photograph the window, wide and narrow."""
        for width in WIDTHS:
            with self._width(width):
                self.page.screenshot(path=self.pictures / f"{name}-{width}.png")

    def ids(self) -> list[str]:
        """The cells' ids, in order."""
        return [str(cell["id"]) for cell in self._cells()]

    def checks(self) -> list[str]:
        """The ids of the cells that check an answer."""
        return [str(cell["id"]) for cell in self._cells() if "".join(cell["source"]).startswith("check(")]

    @contextmanager
    def _width(self, width: int) -> Iterator[None]:
        before = self.page.viewport_size
        assert before is not None
        self.page.set_viewport_size({"width": width, "height": before["height"]})
        yield
        self.page.set_viewport_size(before)

    def _cells(self) -> list[dict[str, Any]]:
        return list(json.loads(self.path.read_text(encoding="utf-8"))["cells"])
