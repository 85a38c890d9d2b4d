"""What a notebook calls: `open_sheet` once, then the others with an exercise's id (docs/notebook.md)."""

from grading.notebook.calls import check, compare, hint, open_sheet, practice, predict, progress, reveal, show
from grading.notebook.figures import Picture, picture
from grading.notebook.shown import Hint, Opened, Result, Revealed, Statement

__all__ = [
    "Hint",
    "Opened",
    "Picture",
    "Result",
    "Revealed",
    "Statement",
    "check",
    "compare",
    "hint",
    "open_sheet",
    "picture",
    "practice",
    "predict",
    "progress",
    "reveal",
    "show",
]
