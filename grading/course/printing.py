"""A page as PDF, printed by a browser that has no window."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from grading.course.layout import CourseError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PRINT_S = 120  # that one page may take
_OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
)


def find_browser() -> str:
    """The path of a browser that prints; empty if there is none on PATH."""
    return next(filter(None, map(shutil.which, BROWSERS)), "")


def print_page(browser: str, page: Path) -> bytes:
    """The PDF of an HTML page.

    Raises
    ------
    CourseError : the browser made none
    """
    # beside the page: some installations of the browser see no other folder for temporary files
    with tempfile.TemporaryDirectory(prefix="printing-", dir=page.parent) as scratch:
        made = Path(scratch, "made.pdf").absolute()
        as_root = ["--no-sandbox"] if os.geteuid() == 0 else []  # as containers have it; the page is our own
        options = [*_OPTIONS, *as_root, f"--user-data-dir={Path(scratch, 'profile').absolute()}"]
        command = [browser, *options, f"--print-to-pdf={made}", page.absolute().as_uri()]
        try:
            run = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_PRINT_S)
            said = run.stderr.strip().splitlines()[-1:]
        except subprocess.TimeoutExpired:
            said = [f"it took more than {_PRINT_S} s"]
        if not made.exists():
            raise CourseError(f"{browser} did not print {page}: {' '.join(said) or 'no reason given'}")
        return made.read_bytes()
