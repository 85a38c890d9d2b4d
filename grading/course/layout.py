"""Where everything of a course lies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from grading.answers.keys import Key, KeysError, read_keys
from grading.notebook.session import SHEET_FILE, read_variant, sheet_folders
from grading.sheets import Sheet, Variant, load_sheet

CONFIG = "nbgrader_config.py"


class CourseError(ValueError):
    """The course cannot do what was asked; the message says what is missing and what to do."""


@dataclass(frozen=True)
class Course:
    """A course directory: nbgrader's, with our masters in `solutions/` and our ledger beside the gradebook."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Course:
        """The course that `start` (the current folder) lies in.

        Raises
        ------
        CourseError : there is none
        """
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if (folder / CONFIG).exists():
                return cls(folder)
        raise CourseError(f"{here} is not inside a course: no {CONFIG} here or above. Change into your course folder.")

    @property
    def solutions(self) -> Path:
        """Masters, and the executed solutions made from them."""
        return self.root / "solutions"

    @property
    def assignments(self) -> Path:
        """What students get."""
        return self.root / "assignments"

    @property
    def submitted(self) -> Path:
        """What students handed in, as `submitted/<student>/<sheet>/`; only read."""
        return self.root / "submitted"

    @property
    def collected(self) -> Path:
        """Submissions brought into the form that nbgrader expects; made anew at each grading."""
        return self.root / "collected"

    @property
    def roster(self) -> Path:
        """Who is in the class, if the course says so."""
        return self.root / "students.csv"

    @property
    def ledger(self) -> Path:
        """The grader's own record."""
        return self.root / "ledger.db"

    @property
    def gradebook(self) -> Path:
        """nbgrader's gradebook."""
        return self.root / "gradebook.db"

    @property
    def report(self) -> Path:
        """The class reports."""
        return self.root / "report"

    @property
    def replayed(self) -> Path:
        """Pages of single answers, looked at once more."""
        return self.root / "replay"

    def autograded_folder(self, name: str, student: str) -> Path:
        """Where nbgrader writes one marked submission."""
        return self.root / "autograded" / student / name

    def feedback_page(self, name: str, student: str) -> Path:
        """One student's feedback."""
        return self.root / "feedback" / student / name / f"{name}.html"

    def master(self, name: str) -> Path:
        """The text that a sheet is made from."""
        return self.solutions / name / f"{name}.py"

    def solution(self, name: str) -> Path:
        """A sheet's executed solution."""
        return self.solutions / name / f"{name}.ipynb"

    def assignment(self, name: str) -> Path:
        """A sheet as students get it."""
        return self.assignments / name / f"{name}.ipynb"

    def sheet_names(self) -> list[str]:
        """The course's sheets, in order."""
        return sorted(path.parent.name for path in self.solutions.glob("*/*.py") if path.stem == path.parent.name)

    def require_sheet(self, name: str) -> str:
        """The full name of a sheet given in full, as its number or as its topic.

        Raises
        ------
        CourseError : there is no such sheet
        """
        known = self.sheet_names() or sorted(path.parent.name for path in self.assignments.glob("*/*.ipynb"))
        matches = [full for full in known if name in (full, full[3:], full[:2], full[:2].lstrip("0"))]
        if len(matches) == 1:
            return matches[0]
        raise CourseError(f"no sheet '{name}' in {self.root}; there is {', '.join(known) or 'none yet'}")

    def variant(self, name: str) -> int:
        """The number of the variant that was released."""
        return read_variant(self.assignments / name, name).number

    def sheet(self, name: str, student: str = "") -> Sheet:
        """A sheet as it was released, for one student, with the release's own keys.

        Raises
        ------
        CourseError : it needs keys, and they are missing or do not fit
        """
        sheet = self.declared(name, student)
        if not sheet.keyed:
            return sheet
        folder = self.assignments / name
        try:
            sheet = sheet.with_keys(read_keys(folder, name, self.variant(name)))
            for item in sheet.keyed:
                if not isinstance(item.key, Key):
                    raise KeysError(f"{item.id}: {item.key}")
        except KeysError as error:
            raise CourseError(f"{folder}: {error}; run `gradsheet build {name}`") from None
        return sheet

    def declared(self, name: str, student: str = "") -> Sheet:
        """A sheet's declaration, for the variant that was released, without keys."""
        return load_sheet(name, Variant(self.variant(name), student), sheet_folders(self.root))


def write_sheet_file(folder: Path, name: str, number: int, student: str = "") -> None:
    """Write `sheet.json`, from which the notebook beside it knows its variant and student."""
    data: dict[str, object] = {"sheet": name, "variant": number}
    if student:
        data["student"] = student
    (folder / SHEET_FILE).write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
