"""What a notebook calls: `open_sheet` once, then the others with an exercise's id (docs/notebook.md)."""

from grading.notebook.calls import check, compare, hint, open_sheet, practice, progress, show
from grading.notebook.figures import Picture, picture
from grading.notebook.shown import Hint, Opened, Result, Statement

__all__ = [
    "Hint",
    "Opened",
    "Picture",
    "Result",
    "Statement",
    "check",
    "compare",
    "hint",
    "open_sheet",
    "picture",
    "practice",
    "progress",
    "show",
]
