"""A submission's notebook with the release's cells: what the marking runs, and what a student can try beforehand."""

from __future__ import annotations

import json

import nbformat
from nbformat import NotebookNode

from grading.course.inert import inert_attachments, inert_text

_LONGEST_PROSE = 50_000  # characters of one Markdown cell; turning more into a page can take minutes
_MOST_CODE = 2_000_000  # characters in code cells together
_MOST_WORDS = 200_000  # characters in Markdown cells of a student's own
_MOST_OWN = 2000  # cells of a student's own
_MOST_NAMED = 5  # cells in a note; whoever deleted more knows it


def restore(submission: NotebookNode, release: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """The release's notebook with the student's answers, and the student's own cells where they stood.

    Graded and locked cells are the release's own. A cell that was copied keeps its code but counts only once; one that
    was deleted is put back; order and metadata are the release's. Returns the notebook and a note on each repair.
    """
    known = {grade_id(cell): cell for cell in release.cells if grade_id(cell)}
    answers, own_cells, copies, too_many = _sort_cells(submission, known)
    notes = [f"copied cells kept as ordinary cells: {copies}"] if copies else []
    notes += [f"{too_many} cells beyond the first {_MOST_OWN} of their own left out"] if too_many else []
    missing = [name for name in known if name not in answers]
    if missing:
        notes.append(f"missing cells put back: {_listed(missing)}")
    changed = [
        name for name, cell in answers.items() if _is_locked(known[name]) and source_of(cell) != known[name].source
    ]
    if changed:
        notes.append(f"changes in locked cells undone: {_listed(changed)}")
    restored = nbformat.v4.new_notebook(metadata=release.metadata)
    restored.cells = list(own_cells.get("", []))
    for name, cell in known.items():
        restored.cells.append(_restored(cell, answers.get(name)))
        restored.cells += own_cells.get(name, [])
    notes += _without_endless_code(restored)
    for number, cell in enumerate(restored.cells):
        cell["id"] = grade_id(cell) or f"own-{number}"
    return restored, notes


def _without_endless_code(notebook: NotebookNode) -> list[str]:
    """Take out the code for which there is no room, the longest cells first; a note if there was any."""
    codes = sorted((cell for cell in notebook.cells if cell.cell_type == "code"), key=lambda cell: len(cell.source))
    total, left_out = sum(len(cell.source) for cell in codes), 0
    while total > _MOST_CODE:
        cell = codes.pop()
        total -= len(cell.source)
        cell.source = f"# left out: {len(cell.source)} characters"
        left_out += 1
    return [f"the longest {left_out} code cells left out, of more than {_MOST_CODE} characters"] if left_out else []


def _listed(names: list[str]) -> str:
    """How many cells there are, and the first of them."""
    more = [f"and {len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
    return f"{len(names)} ({', '.join([*names[:_MOST_NAMED], *more])})"


def _sort_cells(
    submission: NotebookNode, known: dict[str, NotebookNode]
) -> tuple[dict[str, NotebookNode], dict[str, list[NotebookNode]], int, int]:
    """The student's version of each known cell; their own cells by the known cell they follow; how many are copies.

    Last, how many cells are too many to be kept.
    """
    answers: dict[str, NotebookNode] = {}
    own_cells: dict[str, list[NotebookNode]] = {}
    last, copies, own, words = "", 0, 0, _MOST_WORDS
    for cell in submission.cells:
        name = cell_name(cell)
        if name in known and name not in answers:
            answers[name] = cell
            last = name
            continue
        copies += name in known
        own += 1
        if own <= _MOST_OWN:
            mine = _plain(cell, words)
            words -= 0 if mine.cell_type == "code" else len(mine.source)
            own_cells.setdefault(last, []).append(mine)
    return answers, own_cells, copies, max(0, own - _MOST_OWN)


def cell_name(cell: NotebookNode) -> str:
    """Which cell of the release this one is, or claims to be: by its metadata, or else by its id."""
    return grade_id(cell) or str(cell.get("id", ""))


def grade_id(cell: NotebookNode) -> str:
    """The id under which nbgrader knows a cell; empty for one it does not know."""
    metadata = cell.get("metadata")
    details = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = details.get("grade_id") if isinstance(details, dict) else None
    return grade_id if isinstance(grade_id, str) else ""


def _is_locked(cell: NotebookNode) -> bool:
    return not cell.metadata.nbgrader.solution


def _restored(cell: NotebookNode, answer: NotebookNode | None) -> NotebookNode:
    """A cell of the release, with the student's source where the student answers."""
    restored = nbformat.from_dict(json.loads(json.dumps(cell)))
    if answer is not None and not _is_locked(cell):
        if cell.cell_type == "code":
            restored.source = source_of(answer)
        else:
            _put_words(restored, answer)
    return restored


def _plain(cell: NotebookNode, most: int) -> NotebookNode:
    """A student's own cell: its source alone; prose without what could run, and no more of it than a page can take."""
    if cell.cell_type == "code":
        return nbformat.v4.new_code_cell(source_of(cell))
    new = nbformat.v4.new_markdown_cell() if cell.cell_type == "markdown" else nbformat.v4.new_raw_cell()
    _put_words(new, cell, most)
    return new


def _put_words(cell: NotebookNode, written: NotebookNode, most: int = _LONGEST_PROSE) -> None:
    """Words of a student's, and the pictures in them, in a cell that is a page's."""
    pictures = inert_attachments(written.get("attachments")) if cell.cell_type == "markdown" else {}
    cell.source = inert_text(source_of(written)[: min(most, _LONGEST_PROSE)], pictures)
    if pictures:
        cell["attachments"] = pictures


def source_of(cell: NotebookNode) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(map(str, source))
