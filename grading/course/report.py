"""A report on the class: one page, and the same as CSV and JSON; what it says is in `sections`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from grading.course.layout import Course, CourseError
from grading.course.pages import as_html
from grading.course.rendered import rendered
from grading.course.sections import Section, overview_of, section_of
from grading.course.tables import Table
from grading.course.tally import Tally

ALL = "class"  # what a report on several sheets is called
_MOST_NAMED = 8  # students in a cell; the others are behind "and n more"


def write_report(course: Course, *names: str) -> Path:
    """Write `report/<sheet>.html` on one sheet, or on several `report/class.html` with an overview; returns the page.

    Beside it lie `.json` with the same tables, and each table as CSV: `<sheet>.csv` has the marks,
    `<sheet>-mistakes.csv` the mistakes, and so on; `class.csv` and `class-*.csv` what is said of all sheets together.

    Raises
    ------
    CourseError : nothing was marked yet on one of these sheets
    """
    tallies = [Tally.of(course, name) for name in names]
    sections = [section_of(tally) for tally in tallies]
    if len(names) != 1:
        sections.insert(0, overview_of(tallies))
    course.report.mkdir(exist_ok=True)
    for section in sections:
        for table in section.tables:
            table.write_csv(course.report / csv_name(section, table))
    page = course.report / f"{names[0] if len(names) == 1 else ALL}.html"
    page.write_text(_page(course, sections, tallies), encoding="utf-8")
    page.with_suffix(".json").write_text(_json(sections), encoding="utf-8")
    return page


def marked_sheets(course: Course) -> list[str]:
    """The sheets of which something was marked.

    Raises
    ------
    CourseError : there is none
    """
    found = [name for name in course.sheet_names() if Tally.has(course, name)]
    if not found:
        raise CourseError("nothing was marked yet; run `gradsheet grade`")
    return found


def csv_name(section: Section, table: Table) -> str:
    """The name of a table's own file."""
    return f"{section.name}.csv" if table.key == "marks" else f"{section.name}-{table.key}.csv"


def _json(sections: Sequence[Section]) -> str:
    said = [
        {
            "name": section.name,
            "title": section.title,
            "lead": section.lead,
            "tables": {table.key: table.plain() for table in section.tables},
        }
        for section in sections
    ]
    return json.dumps({"sections": said}, indent=1, ensure_ascii=False) + "\n"


def _page(course: Course, sections: Sequence[Section], tallies: Sequence[Tally]) -> str:
    title = f"{sections[0].title}: report on the class" if len(sections) == 1 else "Report on the class"
    return rendered(
        "report.html",
        filters={"number": _number, "share": _share},
        title=title,
        sections=sections,
        hints={tally.name: _ladders(tally) for tally in tallies},
        csv_name=csv_name,
        feedback=lambda name, student: _feedback(course, name, student),
        most_named=_MOST_NAMED,
    )


def _ladders(tally: Tally) -> dict[str, list[str]]:
    """The hints of those exercises of which a hint is spoken, as HTML."""
    spoken_of = {row.exercise for row in tally.mistakes if row.hint} | {exercise for exercise, _, _ in tally.hints}
    return {item.id: list(map(as_html, item.hints)) for item in tally.sheet.checked if item.id in spoken_of}


def _feedback(course: Course, name: str, student: str) -> str:
    """Where a student's feedback lies, as seen from the report; empty if there is none."""
    page = course.feedback_page(name, student)
    return quote(f"../{page.relative_to(course.root).as_posix()}") if page.is_file() else ""


def _number(value: Any) -> str:
    """A number with two decimals where it needs them; what is no number, as it is."""
    if isinstance(value, str):
        return value
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"
