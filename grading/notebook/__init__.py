"""What a notebook calls: `open_sheet` once, then `show`, `check` and `hint` with an exercise's id."""

from grading.notebook.calls import check, hint, open_sheet, show
from grading.notebook.shown import Hint, Opened, Result, Statement

__all__ = ["Hint", "Opened", "Result", "Statement", "check", "hint", "open_sheet", "show"]
