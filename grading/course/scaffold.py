"""A new sheet to begin with: a declaration and a master that build as they are, to be written over."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

from grading.course.layout import CONFIG, Course, CourseError

_TEMPLATES = files("grading.course") / "templates" / "new"
_NAME = re.compile(r"\d\d_[a-z][a-z0-9_]{0,39}")  # the topic begins the exercises' ids, and those must fit a cell's
_CONFIG_TEXT = """from grading.course.settings import configure

c = get_config()
c.CourseDirectory.course_id = {course_id}
configure(c)
"""


def the_course(name: str) -> Course:
    """The course that a new sheet goes into.

    Raises
    ------
    CourseError : there is none; the message says how to begin one
    """
    try:
        return Course.find()
    except CourseError as error:
        raise CourseError(f"{error} To make this folder one: gradsheet new --course {name}") from None


def begin_course(folder: Path) -> Course:
    """Make a folder a course, by writing the file that says so.

    Raises
    ------
    CourseError : it is one, or lies in one
    """
    try:
        found = Course.find(folder)
    except CourseError:
        (folder / CONFIG).write_text(_CONFIG_TEXT.format(course_id=json.dumps(folder.resolve().name)), encoding="utf-8")
        return Course(folder.resolve())
    raise CourseError(
        f"{found.root} is a course already, since {CONFIG} is there: leave out --course, or begin in a folder outside"
    )


def new_sheet(course: Course, name: str) -> tuple[Path, Path]:
    """Write a sheet's declaration and its master; returns their paths. Nothing that is there is overwritten.

    Raises
    ------
    CourseError : the name is none, its number or topic is taken, or one of the files is there already
    """
    check_name(name)
    topic, written = name[3:], (declaration_path(course, name), course.master(name))
    _check_free(course, name)
    for path in written:
        if path.exists():
            raise CourseError(f"{path} is there already and is left as it is")
    words = {"00_my_topic": name, "my_topic": topic, "My title": topic.replace("_", " ").capitalize()}
    for path, template in zip(written, ("declaration.txt", "master.txt"), strict=True):
        text = (_TEMPLATES / template).read_text(encoding="utf-8")
        for placeholder, word in words.items():
            text = text.replace(placeholder, word)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return written


def check_name(name: str) -> None:
    """Raise CourseError for what cannot be the name of a sheet."""
    if not _NAME.fullmatch(name):
        raise CourseError(
            f"{name!r} cannot be the name of a sheet: two digits, _ and a topic of at most 40 small letters, digits "
            "and _, such as 02_my_topic"
        )


def declaration_path(course: Course, name: str) -> Path:
    """Where a course's own sheets are declared: in `sheets/`, or in the package where the course is its repository."""
    package = course.root / "grading" / "sheets"
    return (package if package.is_dir() else course.root / "sheets") / f"{name[3:]}.py"


def _check_free(course: Course, name: str) -> None:
    """A number and a topic belong to one sheet: by either alone it is found."""
    folders = [*course.solutions.glob("*"), *course.assignments.glob("*")]
    known = sorted({folder.name for folder in folders if folder.is_dir()})
    for other in known:
        if other == name:
            raise CourseError(f"{name} is there already and is left as it is")
        if other[:2] == name[:2]:
            following = max(int(one[:2]) for one in known if one[:2].isdecimal()) + 1
            raise CourseError(f"the number {name[:2]} is taken by {other}; the next one is {following:02d}")
        if other[3:] == name[3:]:
            raise CourseError(f"the topic {name[3:]} is taken by {other}; choose another")
