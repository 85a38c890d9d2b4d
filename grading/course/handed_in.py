"""What submissions tell beside their marks: the words of the answers, and what a student's notes say of hints."""

from __future__ import annotations

from pathlib import Path

import nbformat

from grading.course.alike import Answers, words_of_code, words_of_prose
from grading.course.layout import Course
from grading.course.restored import source_of
from grading.notebook.state import NOTES_FILE, Notes
from grading.sheets import Prose, Sheet


def opened_hints(course: Course, name: str, students: list[str], sheet: Sheet) -> dict[str, dict[str, int]]:
    """What the notes that were handed in say of hints, as far as it can be so."""
    most = {item.id: len(item.hints) for item in sheet.checked}
    found = {}
    for student in students:
        folder = course.collected / student / name
        if (folder / NOTES_FILE).is_file():
            said = Notes(folder).topic("hints")
            found[student] = {
                exercise: min(rung, most[exercise])
                for exercise, rung in said.items()
                if exercise in most and type(rung) is int and rung > 0
            }
    return found


def read_answers(course: Course, name: str, students: list[str], sheet: Sheet) -> dict[str, Answers]:
    """What each student wrote, as words, by cell; cells of their own are one more answer."""
    release = {cell.get("id"): source_of(cell) for cell in nbformat.read(course.assignment(name), as_version=4).cells}
    prose = {item.cell_id for item in sheet.exercises if isinstance(item, Prose)}
    cells = prose | {item.answer_cell_id for item in sheet.checked}
    return {
        student: _answers_in(path, release, cells, prose)
        for student in students
        if (path := course.autograded_folder(name, student) / f"{name}.ipynb").is_file()
    }


def _answers_in(path: Path, release: dict[str, str], cells: set[str], prose: set[str]) -> Answers:
    own: list[str] = []
    answers = {}
    for cell in nbformat.read(path, as_version=4).cells:
        source, given = source_of(cell), release.get(cell.get("id"))
        if given is None and cell.cell_type == "code":
            own.append(source)
        elif given is not None and cell.id in cells and source.strip() != given.strip():
            answers[cell.id] = words_of_prose(source) if cell.id in prose else words_of_code(source, given)
    return answers | {"": words_of_code("\n".join(own))}
