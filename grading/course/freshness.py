"""Whether what was made of a sheet is still what its master, its declaration and its data would make."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import nbformat

from grading.answers.keys import KEYS_FILE
from grading.course.layout import Course
from grading.course.master import BuildError
from grading.course.settings import NOT_HANDED_OUT
from grading.notebook.session import SHEET_FILE, sheet_folders
from grading.sheets.sheet import sheet_file

_GENERATED = (KEYS_FILE, SHEET_FILE)


def source_digest(course: Course, name: str, variant: int) -> str:
    """A digest of all that a sheet is made from: master, declaration, the data beside the master, variant, package."""
    parts = [importlib.metadata.version("gradsheet").encode(), str(variant).encode()]
    parts += [course.master(name).read_bytes(), sheet_file(name, sheet_folders(course.root)).read_bytes()]
    for path, data in handed_out(course.solutions / name).items():
        if path not in _GENERATED:
            parts += [path.encode(), data]
    return _short(b"".join(hashlib.sha256(part).digest() for part in parts))


def stamp(course: Course, name: str, digest: str) -> dict[str, str]:
    """What a notebook keeps to be recognised by: the digest of its sources, and that of the keys beside it."""
    keys = course.solutions / name / KEYS_FILE
    return {"made_from": digest} | ({"keys": _short(keys.read_bytes())} if keys.exists() else {})


def is_current(course: Course, name: str, digest: str) -> bool:
    """Whether solution and assignment were both made from these sources, and what lies beside them is the same."""
    stamps = [_stamp_of(path) for path in (course.solution(name), course.assignment(name))]
    beside = [handed_out(folder / name) for folder in (course.solutions, course.assignments)]
    return stamps == [stamp(course, name, digest)] * 2 and beside[0] == beside[1]


def require_built(course: Course, name: str) -> None:
    """Make sure that what was released is what the declaration says now.

    Raises
    ------
    BuildError : the master, the declaration or the data have changed since the sheet was built
    """
    if not course.assignment(name).exists():
        raise BuildError(f"{course.assignment(name)} is missing; run `gradsheet build {name}`")
    made_from = _stamp_of(course.assignment(name)).get("made_from")
    if made_from and course.master(name).exists() and made_from != source_digest(course, name, course.variant(name)):
        raise BuildError(f"{name} has changed since it was built; run `gradsheet build {name}`")


def handed_out(folder: Path) -> dict[str, bytes]:
    """What lies beside a notebook and goes to the students with it, by its path."""
    return {path.as_posix(): (folder / path).read_bytes() for path in sorted(_beside(folder))}


def _beside(folder: Path) -> Iterator[Path]:
    for path in (found.relative_to(folder) for found in folder.rglob("*") if found.is_file()):
        ignored = any(fnmatch(part, pattern) for part in path.parts for pattern in NOT_HANDED_OUT)
        if not ignored and path.suffix != ".ipynb":
            yield path


def _stamp_of(path: Path) -> dict[str, Any]:
    try:
        return dict(nbformat.read(path, as_version=4).metadata.get("gradsheet", {}))
    except (OSError, ValueError):  # not there, or half written
        return {}


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
