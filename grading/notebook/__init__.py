"""What a notebook calls: `open_sheet` once, then `show`, `check` and `hint` with an exercise's id."""

from grading.notebook.calls import check, hint, open_sheet, predict, reveal, show
from grading.notebook.shown import Hint, Opened, Result, Revealed, Statement

__all__ = [
    "Hint",
    "Opened",
    "Result",
    "Revealed",
    "Statement",
    "check",
    "hint",
    "open_sheet",
    "predict",
    "reveal",
    "show",
]
