"""The archive to hand out: the released sheets, the students' part of the package, and how to start.

The package goes in as a wheel: one command installs it with what it needs, `gradsheet start` and the kernel find it
from any folder, and a later archive takes its place. Packages beside the notebooks would only be found from there.
"""

from __future__ import annotations

import ast
import base64
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import autodiff
import grading
from grading.course.freshness import handed_out, require_built
from grading.course.layout import Course, CourseError
from grading.course.proof import leaks
from grading.course.wheel import archive, wheel
from grading.notebook.session import sheet_folders
from grading.sheets import Prose, Variant, load_sheet
from grading.sheets.sheet import sheet_file

FOLDER = "exercise-sheets"  # what the archive unpacks to
_WHOLE = ("autodiff", "grading/verify", "grading/answers", "grading/notebook")
_ALONE = (
    "grading/__init__.py",
    "grading/cli.py",
    "grading/sheets/__init__.py",
    "grading/sheets/sheet.py",
    *(f"grading/course/{name}.py" for name in ("__init__", "doctor", "inert", "layout", "restored", "start", "trial")),
    *(f"grading/trusted/{name}.py" for name in ("__init__", "kernel", "limits", "sandbox", "seccomp", "warm")),
    "grading/trusted/inside/__init__.py",
    "grading/trusted/inside/apart.py",
)
_SEALED = '''"""A sheet's declaration, folded up: whoever opens this file by chance reads no graph that is asked for."""

import base64
import linecache
import zlib

_TEXT = zlib.decompress(base64.b85decode("{folded}")).decode()
linecache.cache[__file__] = (len(_TEXT), None, _TEXT.splitlines(keepends=True), __file__)
exec(compile(_TEXT, __file__, "exec"))
'''
_START = """# How to start

You need Python 3.11 or newer. In this folder:

```console
$ python3 -m venv .venv && . .venv/bin/activate      # on Windows: python -m venv .venv, then .venv\\Scripts\\activate
$ pip install ./{wheel}
$ gradsheet start {first} --student YOUR-ID           # your own copy; the id that your instructor knows you by
$ jupyter lab work/{first}/{first}.ipynb
```

Write your answer, run the cell with `check(...)` below it, read what it says. Before you hand your notebook in:

```console
$ gradsheet submit-check work/{first}/{first}.ipynb   # what the marking will see of it
$ gradsheet doctor                                    # what this computer lacks, if something does not work
```

A newer archive is installed in the same way; your copies in `work/` are never overwritten.
The folders here hold the sheets as they were released, to look at:

{sheets}
"""


def write_bundle(course: Course, names: Sequence[str], to: Path) -> Path:
    """Write the archive with these sheets, the same bytes each time; returns it.

    Raises
    ------
    CourseError : there is no sheet, `to` is no name of an archive, or a sheet would give something away
    BuildError : a sheet was never built, or has changed since
    """
    if to.suffix != ".zip":
        raise CourseError(f"{to} is not the name of an archive; choose one that ends in .zip")
    if not names:
        raise CourseError(f"there is no sheet in {course.root} to hand out")
    released: dict[str, bytes] = {}
    package = dict(_modules())
    for name in names:
        released |= _released(course, name)
        package[f"grading/sheets/{name[3:]}.py"] = _sealed(_declaration(course, name))
    package |= {f"grading/assignments/{path}": data for path, data in released.items()}
    file, made = wheel(package, "Exercise sheets on backpropagation, for those who solve them")
    listed = "\n".join(f"- `{name}/`: {course.declared(name).title}" for name in names)
    start = _START.format(wheel=file, first=names[0], sheets=listed)
    contents = {**released, file: made, "README.md": start.encode()}
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_bytes(archive({f"{FOLDER}/{path}": data for path, data in contents.items()}))
    return to


def _released(course: Course, name: str) -> dict[str, bytes]:
    """A sheet's notebook and what lies beside it.

    Raises
    ------
    CourseError : something in it gives a solution away, or it holds keys of another variant
    """
    require_built(course, name)
    course.sheet(name)  # with the keys of this variant
    if found := list(leaks(course, name)):
        raise CourseError(f"{name} is not handed out: {found[0]}")
    files = {f"{name}/{path}": data for path, data in handed_out(course.assignments / name).items()}
    return {f"{name}/{name}.ipynb": course.assignment(name).read_bytes(), **files}


def _modules() -> Iterator[tuple[str, bytes]]:
    """What students need of the package besides declarations: what checks an answer, and their own commands."""
    roots = {"autodiff": Path(autodiff.__path__[0]), "grading": Path(grading.__path__[0])}
    for top, root in roots.items():
        for path in sorted(root.rglob("*")):
            inside = f"{top}/{path.relative_to(root).as_posix()}"
            is_wanted = inside in _ALONE or inside.startswith(tuple(f"{whole}/" for whole in _WHOLE))
            if is_wanted and path.is_file() and "__pycache__" not in path.parts:
                yield inside, path.read_bytes()


def _declaration(course: Course, name: str) -> str:
    """A sheet's declaration without its rubrics, which are for those who mark.

    Raises
    ------
    CourseError : a rubric is not written down where it is declared
    """
    path = sheet_file(name, sheet_folders(course.root))
    text = _without_rubrics(path.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / path.name).write_text(text, encoding="utf-8")
        sheet = load_sheet(name, Variant(course.variant(name)), [Path(folder)])
    for item in sheet.exercises:
        if isinstance(item, Prose) and item.rubric:
            raise CourseError(f"{path}: the rubric of {item.id} would be handed out; write it as rubric='...' in Prose")
    return text


def _without_rubrics(text: str) -> str:
    """Python text in which every argument called `rubric` is empty."""
    lines = text.encode().splitlines(keepends=True)  # columns of a syntax tree count bytes
    given = [
        word.value
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call)
        for word in call.keywords
        if word.arg == "rubric"
    ]
    for value in sorted(given, key=lambda value: value.lineno, reverse=True):
        first, last = value.lineno - 1, (value.end_lineno or value.lineno) - 1
        before, after = lines[first][: value.col_offset], lines[last][value.end_col_offset :]
        lines[first : last + 1] = [before + b'""' + after]
    return b"".join(lines).decode()


def _sealed(text: str) -> bytes:
    """A module that is this one when it is imported; what the judge must know at home does not lie open in it."""
    folded = base64.b85encode(zlib.compress(text.encode(), 9)).decode()
    return _SEALED.format(folded=folded).encode()
