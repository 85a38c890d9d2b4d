"""The solutions as a set to hand out: for each sheet the executed notebook, a page and its print; and an index."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from grading.course.build import build
from grading.course.layout import Course, CourseError
from grading.course.pages import page_of
from grading.course.printing import print_page
from grading.course.rendered import rendered

_RECORDS = ".made"
_KINDS = {"html": "page", "pdf": "PDF", "ipynb": "notebook"}


@dataclass(frozen=True)
class Files:
    """The files `name`.* in the folder of a set, and a record of those made here: no others are ever overwritten."""

    folder: Path
    name: str

    def path(self, kind: str) -> Path:
        """Where the file of a kind ("html") lies."""
        return self.folder / f"{self.name}.{kind}"

    def has(self, kind: str, source: str = "") -> bool:
        """Whether a file is there as it was made; with `source`, made from what had this digest."""
        digest, made_from = self._record().get(kind, ("", ""))
        path = self.path(kind)
        return path.exists() and _digest(path.read_bytes()) == digest and source in ("", made_from)

    def write(self, kind: str, data: bytes, source: str) -> None:
        """Write a file that was made from what had the digest `source`.

        Raises
        ------
        CourseError : there is a file of that name which is somebody else's
        """
        path = self.path(kind)
        if path.exists() and path.read_bytes() != data and not self.has(kind):
            raise CourseError(f"{path} was not made here, or was changed; move it, or choose another folder with --to")
        self._records.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        record = self._record() | {kind: [_digest(data), source]}
        self._records.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    def remove(self, kind: str) -> None:
        """Remove a file, if it is as it was made."""
        if self.has(kind):
            self.path(kind).unlink()

    @property
    def _records(self) -> Path:
        return self.folder / _RECORDS / f"{self.name}.json"

    def _record(self) -> dict[str, list[str]]:
        try:
            return dict(json.loads(self._records.read_text(encoding="utf-8")))
        except (OSError, ValueError):  # not there, or half written: then nothing is ours
            return {}


def add_solution(name: str, course: Course, folder: Path, browser: str) -> str:
    """Bring one sheet's files in the set up to date, and before that its solution; what was made, in words.

    Without a browser there is no PDF, and one of an older page is removed.

    Raises
    ------
    BuildError : the solution cannot be built
    CourseError : a file in the folder is somebody else's, or the browser does not print
    """
    built = build(course, name, only_if_changed=True)
    files, notebook, page = Files(folder, name), course.solution(name).read_bytes(), page_of(course.solution(name))
    files.write("ipynb", notebook, _digest(notebook))
    files.write("html", page.encode(), _digest(notebook))
    source = _digest(page.encode())
    if not files.has("pdf", source):
        files.remove("pdf")
        if browser:
            files.write("pdf", print_page(browser, files.path("html")), source)
    made = " and PDF" if files.has("pdf") else ""
    return f"{'executed' if built else 'nothing has changed'}; page{made}"


def write_index(course: Course, folder: Path) -> Path:
    """Write the page with links to everything in the set; returns it.

    Raises
    ------
    CourseError : there is such a page, and it is somebody else's
    """
    found = {name: [kind for kind in _KINDS if Files(folder, name).has(kind)] for name in course.sheet_names()}
    sheets = [(name, course.declared(name), kinds) for name, kinds in found.items() if kinds]
    page = rendered("solutions.html", sheets=sheets, labels=_KINDS).encode()
    index = Files(folder, "index")
    index.write("html", page, _digest(page))
    return index.path("html")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
