"""A sheet while it is being written: at each change of its files the student's view and what known answers come to."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import time
import webbrowser
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

import grading.sheets
from grading.answers import fault_of
from grading.course.build import build_and_tell, compose
from grading.course.layout import Course
from grading.course.master import Attempt, read_attempts, read_master
from grading.course.pages import page_of
from grading.course.proof import misjudged
from grading.course.rehearsal import Rehearsal
from grading.course.rendered import rendered
from grading.notebook.session import PUBLIC_SEED, sheet_folders
from grading.sheets import Variant
from grading.verify import Verdict

_EVERY_S = 0.3  # the files are looked at
_MADE = (".ipynb", ".json")  # what building writes beside the master

Known = dict[str, tuple[str, list["Told"]]]  # by exercise: a digest of all it depends on, and what was told
Stamps = dict[Path, tuple[int, int]]


@dataclass(frozen=True)
class Told:
    """A known answer and its verdict; `wrong` says in what that is not what the master says, empty if it is."""

    answer: Attempt
    verdict: Verdict
    wrong: str

    def line(self) -> str:
        """One line for the terminal."""
        if self.wrong:
            return f"  NOT SO       {self.answer.expect:<6} {self.wrong}"
        named = ", ".join(cause.label for cause in self.verdict.causes)
        return (
            f"  as declared  {self.answer.expect:<6} {self.verdict.mark:g} of {self.verdict.points:g}  {named}".rstrip()
        )


def edit(course: Course, name: str, once: bool = False, browse: bool = False) -> None:
    """Show a sheet anew whenever one of its files changes, until Ctrl-C; with `once` one time, and with `browse` in a
    browser as soon as there is a page.

    Each time is a process of its own, so that declarations are read afresh and nothing that goes wrong ends this one.
    A change while one is at work ends that one.
    """
    page, known, seen = course.root / "edit" / f"{name}.html", Known(), Stamps()
    try:
        while not (once and seen):
            if (now := _stamps(course, name)) != seen:
                seen = now
                known = _in_a_process(course, name, page, known, seen)
                browse = browse and not (page.exists() and webbrowser.open(page.as_uri()))
            time.sleep(_EVERY_S)
    except KeyboardInterrupt:
        print()


def _stamps(course: Course, name: str) -> Stamps:
    """When a sheet's files were changed, and how large they are."""
    topic = f"{name[3:]}.py"
    folders = [*sheet_folders(course.root), Path(grading.sheets.__path__[0])]
    declared = next((folder / topic for folder in folders if (folder / topic).exists()), course.root)
    beside = [path for path in course.master(name).parent.rglob("*") if path.suffix not in _MADE]
    stamps = {}
    for path in (declared, *beside):
        try:
            found = path.stat()
        except OSError:
            continue  # it has gone in this moment
        if path.is_file():
            stamps[path] = found.st_mtime_ns, found.st_size
    return stamps


def _in_a_process(course: Course, name: str, page: Path, known: Known, seen: Stamps) -> Known:
    """Show the sheet once; what is known of its exercises then."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, course, name, page, known))
    process.start()
    theirs.close()
    try:
        while process.is_alive() and not ours.poll(_EVERY_S):
            if _stamps(course, name) != seen:
                return known
        return dict(ours.recv())
    except EOFError:
        print("  to mend: Python itself was ended by a cell", flush=True)
        return known
    finally:
        process.kill()  # unless it has ended; its kernel notices
        process.join()


def _work(pipe: Connection, course: Course, name: str, page: Path, known: Known) -> None:
    """The life of the process that shows a sheet once: whatever is wrong with it is a line."""
    os.setsid()  # Ctrl-C is for the process that waits, which ends this one
    try:
        print(time.strftime("%H:%M:%S"), name, flush=True)
        known = dict(_judged(course, name, known))
        said = build_and_tell(name, course, None, only_if_changed=True)
        print(said, flush=True)
        _write_page(course, name, page, known)
        print(f"Page: {page}", flush=True)
    except (Exception, SystemExit) as error:  # a master and a declaration may fail in any way
        words = f"{error}" if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {error}"
        print(f"  to mend: {' '.join(words.split())}", flush=True)
    pipe.send(known)


# --- what known answers come to --------------------------------------------------------------------------------------


def _judged(course: Course, name: str, known: Known) -> Iterator[tuple[str, tuple[str, list[Told]]]]:
    """What the known answers to each exercise come to; told anew only where something it depends on has changed."""
    variant, master = Variant(course.variant(name)), read_master(course, name)
    compose(master, course.declared(name), course.master(name))  # says what is missing or doubled
    rehearsal = Rehearsal(course, name, variant)
    attempts = read_attempts(course, name)
    for exercise, digest in _digests(course, name, master).items():
        if known.get(exercise, ("",))[0] == digest:
            yield exercise, known[exercise]
            continue
        item = rehearsal.items[exercise]
        own = [attempt for attempt in attempts if attempt.exercise == exercise]
        answers = [Attempt(exercise, "right", item.points, "", rehearsal.solutions[exercise]), *own]
        verdicts = [rehearsal.judged(exercise, answer.source, PUBLIC_SEED) for answer in answers]
        told = [Told(*pair, misjudged(*pair)) for pair in zip(answers, verdicts, strict=True)]
        fault = fault_of(item, PUBLIC_SEED)
        lines = [f"  at fault: {fault}"] if fault else []
        print("\n".join([exercise, *lines, *(one.line() for one in told)]), flush=True)
        yield exercise, (digest, told)


def _digests(course: Course, name: str, master: NotebookNode) -> dict[str, str]:
    """For each exercise that is checked a digest of what its verdicts depend on: the declaration, what lies beside the
    master, the code above it, and its own known answers."""
    beside = {path: stamp for path, stamp in _stamps(course, name).items() if path != course.master(name)}
    above, found = hashlib.sha256(repr(beside).encode()), {}
    for cell in master.cells:
        if cell.cell_type == "code" and "attempt" not in cell.metadata:
            above.update(f"{dict(cell.metadata)}{cell.source}\0".encode())
        if "check" in cell.metadata:
            found[cell.metadata["check"]] = above.copy()
    for cell in master.cells:
        if (own := found.get(cell.metadata.get("attempt", ""))) is not None:
            own.update(f"{dict(cell.metadata)}{cell.source}\0".encode())
    return {exercise: own.hexdigest() for exercise, own in found.items()}


# --- the page --------------------------------------------------------------------------------------------------------


def _write_page(course: Course, name: str, page: Path, known: Known) -> None:
    """What students get, with what the solution's cells show, and under each check what known answers come to."""
    notebook = nbformat.read(course.assignment(name), as_version=4)
    shown = {cell.id: cell for cell in nbformat.read(course.solution(name), as_version=4).cells}
    checks = {item.cell_id: item.id for item in course.declared(name).checked}
    for cell in notebook.cells:
        if cell.id in checks:
            told = rendered("known.html", told=known[checks[cell.id]][1])
            cell.outputs = [new_output("display_data", {"text/html": told})]
        elif cell.cell_type == "code" and cell.id in shown:
            cell.outputs = shown[cell.id].outputs
    page.parent.mkdir(exist_ok=True)
    viewed = page.with_suffix(".ipynb")
    nbformat.write(notebook, viewed)
    text = page_of(viewed)
    viewed.unlink()
    stamp = hashlib.sha256(text.encode()).hexdigest()[:16]
    reload = rendered("reload.html", script=f"{name}.js", stamp=stamp)
    page.write_text(text.replace("</body>", f"{reload}</body>"), encoding="utf-8")
    page.with_suffix(".js").write_text(f'shown("{stamp}");\n', encoding="utf-8")
