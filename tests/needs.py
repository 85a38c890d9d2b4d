"""What a test needs beyond Python: it skips where that is missing, in one line, but never in continuous integration."""

import importlib.util
import os
import shutil

import pytest

from grading.trusted.sandbox import unavailable_reason

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def needs_sandbox() -> None:
    """Skip the calling test where there is no sandbox; where CI is set, fail it."""
    reason = unavailable_reason()
    if reason:
        _skip(f"no sandbox: {reason}")


def needs_browser() -> str:
    """The path of a browser to drive. Skip the calling test where there is none; where CI is set, fail it."""
    if importlib.util.find_spec("playwright") is None:
        _skip("no Playwright: pip install playwright")
    path = next(filter(None, map(shutil.which, _BROWSERS)), "")
    if not path:
        _skip("no Chromium: on Debian, apt-get install chromium")
    return path


def _skip(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
