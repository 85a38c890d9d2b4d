"""Students' ids: how they are written, which cannot be used, and which would be taken for one another."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_PATTERN = set("*?[")
_LONGEST = 255  # bytes of a folder's name


def as_id(text: str) -> str:
    """An id with its letters composed (Unicode NFC): some computers take the umlauts of a folder's name apart."""
    return unicodedata.normalize("NFC", text)


def unfit_id(student: str) -> str:
    """Why an id cannot be a folder that nbgrader works on, in one line; empty if it can."""
    if set(student) & _PATTERN:
        return "the name holds *, ? or [, which nbgrader takes for a pattern"
    if student != student.strip() or not student.isprintable():
        return "the name begins or ends with a blank, or holds signs that cannot be printed"
    if "/" in student or "\\" in student or student in (".", ".."):
        return "no folder can have this name on every computer, as it holds a slash or is made of dots"
    if len(student.encode("utf-8", "surrogateescape")) > _LONGEST:
        return f"no folder can have this name, as it is longer than {_LONGEST} bytes"
    return ""


def likeness(student: str) -> str:
    """What two ids share that a person, or a computer that minds neither case nor accents' form, takes for one."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", student).casefold()).split())


def alike_in(student: str, others: Iterable[str]) -> str:
    """The other id that this one would be taken for; empty if there is none."""
    return next((other for other in others if other != student and likeness(other) == likeness(student)), "")


def printable(student: str) -> str:
    """An id as it can be printed."""
    return student if student.isprintable() else ascii(student)[1:-1]
