"""What a submission's marks rest on, so that a changed sheet is marked again only where it was touched.

A mark rests on everything that was handed in; of the release on the code outside of the exercises, the data, the
declaration, and on each exercise's own cells, points and key. Text between exercises and the master's solutions earn
no marks. If cells, points or the key of an exercise change, those are touched who have attempted it: of the others it
is known that they have nothing there to be judged.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from grading.answers.keys import KEYS_FILE
from grading.course.freshness import handed_out
from grading.course.layout import Course
from grading.notebook.session import sheet_folders
from grading.sheets.sheet import sheet_file


@dataclass(frozen=True)
class Grounds:
    """Digests: of each exercise's part of a sheet, and of all `else_` that marks rest on."""

    else_: str
    exercises: dict[str, str]

    @classmethod
    def of_release(cls, course: Course, name: str, release: NotebookNode) -> Grounds:
        """What all marks on a sheet rest on."""
        beside = handed_out(course.assignments / name)
        keys = json.loads(beside.pop(KEYS_FILE, b"{}")).get("keys", {})
        owner = {cell: item.id for item in course.declared(name).exercises for cell in item.cell_ids}
        own: dict[str, list[str]] = {exercise: [json.dumps(keys.get(exercise))] for exercise in owner.values()}
        others = [sheet_file(name, sheet_folders(course.root)).read_text(encoding="utf-8")]
        for cell in release.cells:
            said = f"{cell.source}\0{cell.metadata.get('nbgrader', {}).get('points')}"
            if exercise := owner.get(cell.get("id")):
                own[exercise].append(said)
            elif cell.cell_type == "code":
                others.append(said)
        data = [part for path, content in beside.items() for part in (path.encode(), content)]
        exercises = {exercise: digest_of(*map(str.encode, said)) for exercise, said in own.items()}
        return cls(digest_of(*map(str.encode, others), *data), exercises)

    def with_submission(self, folder: Path) -> Grounds:
        """What the marks of one submission rest on."""
        parts = [self.else_.encode()]
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                parts += [str(path.relative_to(folder)).encode("utf-8", "surrogateescape"), _contents(path)]
        return Grounds(digest_of(*parts), self.exercises)

    def touched_since(self, earlier: str) -> set[str] | None:
        """The exercises that have changed since these were the grounds; None if more than exercises has."""
        try:
            known = json.loads(earlier)
        except ValueError:
            return None
        if not isinstance(known, dict) or known.pop("", None) != self.else_ or known.keys() != self.exercises.keys():
            return None
        return {exercise for exercise, digest in self.exercises.items() if known[exercise] != digest}

    def __str__(self) -> str:
        return json.dumps({"": self.else_, **self.exercises}, sort_keys=True)


def digest_of(*parts: bytes) -> str:
    """A digest of these parts, and of where one ends and the next begins."""
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:24]


def _contents(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        return str(error).encode("utf-8", "surrogateescape")
