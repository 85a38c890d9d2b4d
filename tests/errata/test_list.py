"""The page of errata and the tests that show them name the same rows."""

import importlib
import inspect
import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "errata.md"


def shown():
    """The rows that some test says it shows."""
    rows = []
    for path in sorted(HERE.glob("test_*.py")):
        for _, test in inspect.getmembers(importlib.import_module(path.stem), inspect.isfunction):
            rows += getattr(test, "corrects", ())
    return rows


def test_every_row_of_the_page_is_shown_once_and_nothing_else_is():
    listed = re.findall(r"^\| ([SX]\d?-\S+) \|", PAGE.read_text(), re.MULTILINE)
    assert len(listed) == len(set(listed)) > 40
    assert sorted(shown()) == sorted(listed)
