"""What is handed in, mended: the release's cells and the student's answers, whatever happened to the file."""

import copy
import json
import random

import nbformat
import pytest
from classroom import NAME, cell_of, hand_in, solved, tree_digest, twin, untouched
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from grading.course import intake
from grading.course.intake import SetAsideError, Submission, collect, submissions, unfit
from grading.course.restored import restore

RELEASE = untouched()
IDS = [cell.id for cell in RELEASE.cells if "nbgrader" in cell.metadata]
ANSWERS = {cell.id for cell in RELEASE.cells if cell.metadata.get("nbgrader", {}).get("solution")}
OWN = "mine = 'kept whatever happens'"


# --- restore -----------------------------------------------------------------------------------------------------


def duplicate(notebook, rng):
    place = rng.randrange(len(notebook.cells))
    notebook.cells.insert(rng.randrange(len(notebook.cells) + 1), twin(notebook.cells[place]))


def delete(notebook, rng):
    del notebook.cells[rng.randrange(len(notebook.cells))]


def reorder(notebook, rng):
    rng.shuffle(notebook.cells)


def strip_metadata(notebook, rng):
    rng.choice(notebook.cells)["metadata"] = nbformat.NotebookNode()


def strip_id(notebook, rng):
    rng.choice(notebook.cells).pop("id", None)


def odd_metadata(notebook, rng):
    odd = [None, 3, "text", [], {"nbgrader": None}, {"nbgrader": []}, {"nbgrader": {"grade_id": 7}}, {"nbgrader": {}}]
    rng.choice(notebook.cells)["metadata"] = nbformat.from_dict(rng.choice(odd))


def edit_locked(notebook, rng):
    rng.choice(notebook.cells)["source"] = "check = lambda *unused: 99.0"


def split_source(notebook, rng):
    cell = rng.choice(notebook.cells)
    if isinstance(cell.get("source"), str):
        cell["source"] = cell["source"].splitlines(keepends=True)


def claim_points(notebook, rng):
    cell = rng.choice(notebook.cells)
    cell["metadata"] = nbformat.from_dict(
        {"nbgrader": {"grade_id": rng.choice(IDS), "grade": True, "solution": True, "points": 99, "locked": False}}
    )


def change_type(notebook, rng):
    rng.choice(notebook.cells)["cell_type"] = rng.choice(["code", "markdown", "raw", "heading"])


def add_own(notebook, rng):
    cell = new_code_cell(OWN) if rng.random() < 0.5 else new_markdown_cell(OWN)
    notebook.cells.insert(rng.randrange(len(notebook.cells) + 1), cell)


MISHAPS = [
    duplicate,
    delete,
    reorder,
    strip_metadata,
    strip_id,
    odd_metadata,
    edit_locked,
    split_source,
    claim_points,
    change_type,
    add_own,
]


def text(cell):
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(MISHAPS), max_size=8), st.integers(0, 2**32))
def test_whatever_happened_the_release_is_there_and_no_code_is_lost(mishaps, seed):
    rng = random.Random(seed)
    damaged = solved()
    for mishap in mishaps:
        if damaged.cells:
            mishap(damaged, rng)
    before = copy.deepcopy(damaged)
    restored, _ = restore(damaged, RELEASE)
    assert damaged == before

    nbformat.validate(nbformat.from_dict(json.loads(nbformat.writes(restored))))
    graded = [cell for cell in restored.cells if "nbgrader" in cell.metadata]
    assert [cell.id for cell in graded] == IDS
    for cell, release in zip(graded, (cell_of(RELEASE, name) for name in IDS), strict=True):
        assert cell.metadata == release.metadata
        assert cell.cell_type == release.cell_type
        if release.id not in ANSWERS:
            assert cell.source == release.source
    kept = [cell.source for cell in restored.cells]
    own = [text(cell) for cell in before.cells if cell.get("id") is None or OWN in text(cell)]
    assert all(source in kept for source in own if OWN in source)
    assert restore(restored, RELEASE) == (restored, [])


def test_an_untouched_notebook_needs_no_mending():
    restored, notes = restore(untouched(), RELEASE)
    assert notes == []
    assert [cell.source for cell in restored.cells if "nbgrader" in cell.metadata] == [
        cell_of(RELEASE, name).source for name in IDS
    ]


def test_answers_are_the_students():
    notebook = solved(one_number="def one_number(x, a):\n    return 42.0")
    restored, _ = restore(notebook, RELEASE)
    for name in ANSWERS:
        assert cell_of(restored, name).source == cell_of(notebook, name).source


@pytest.mark.parametrize("name", ["chain-one_number-answer", "chain-one_number"])
def test_a_copied_cell_counts_once_and_is_told(name):
    notebook = solved()
    notebook.cells.append(twin(cell_of(notebook, name)))
    restored, notes = restore(notebook, RELEASE)
    assert [cell.id for cell in restored.cells].count(name) == 1
    assert notes == ["copied cells kept as ordinary cells: 1"]
    assert text(notebook.cells[-1]) == restored.cells[-1].source


def test_deleted_cells_are_put_back():
    notebook = solved()
    notebook.cells = [cell for cell in notebook.cells if not cell.id.startswith("chain-paths")]
    restored, notes = restore(notebook, RELEASE)
    assert [cell.id for cell in restored.cells if "nbgrader" in cell.metadata] == IDS
    gone = [name for name in IDS if name.startswith("chain-paths")]
    assert notes == [f"missing cells put back: 5 ({', '.join(gone)})"]


def test_own_cells_stay_behind_the_cell_they_followed():
    notebook = solved()
    place = [cell.id for cell in notebook.cells].index("chain-paths-answer")
    notebook.cells.insert(place + 1, new_code_cell(OWN))
    notebook.cells.insert(0, new_code_cell("first = 1"))
    restored, _ = restore(notebook, RELEASE)
    assert restored.cells[0].source == "first = 1"
    place = [cell.id for cell in restored.cells].index("chain-paths-answer")
    assert restored.cells[place + 1].source == OWN


def test_a_notebook_of_another_sheet_keeps_its_cells_as_ordinary_ones():
    other = nbformat.v4.new_notebook(cells=[new_code_cell(OWN), new_markdown_cell("words")])
    restored, notes = restore(other, RELEASE)
    assert [cell.source for cell in restored.cells[:2]] == [OWN, "words"]
    assert notes == [f"missing cells put back: {len(IDS)} ({', '.join(IDS[:5])}, and {len(IDS) - 5} more)"]


# --- collect -----------------------------------------------------------------------------------------------------


def set_aside(course, student="student-01"):
    """The reason why a submission is set aside."""
    (submission,) = [one for one in submissions(course, NAME) if one.student == student]
    before = tree_digest(submission.folder)
    with pytest.raises(SetAsideError) as refused:
        collect(course, NAME, submission, RELEASE)
    assert tree_digest(submission.folder) == before
    assert "\n" not in str(refused.value)
    return str(refused.value)


def collected(course, student="student-01"):
    """The notebook that a submission became, and what was noted."""
    (submission,) = [one for one in submissions(course, NAME) if one.student == student]
    before = tree_digest(submission.folder)
    collect(course, NAME, submission, RELEASE)
    assert tree_digest(submission.folder) == before
    return nbformat.read(submission.notebook, as_version=4), submission.notes


KNOWN = {"cell_type": "code", "id": "setup", "metadata": {}, "outputs": [], "execution_count": None, "source": ""}
CELL = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None, "source": "x = 1"}


def as_json(cells, **top):
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **top})


UNREADABLE = {
    "empty": ("", "is not a notebook"),
    "spaces": ("  \n", "is not a notebook"),
    "not JSON": ("<html>please log in</html>", "is not a notebook: line 1 is not JSON"),
    "cut off": (nbformat.writes(RELEASE)[:2000], "is not JSON"),
    "no Unicode": (b"\xff\xfe\x00\xd8" * 20 + b"\xff", "is not text"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "is not text"),
    "a JSON list": ("[1, 2]", "is not a notebook"),
    "a JSON number": ("7", "is not a notebook"),
    "another JSON": ('{"a": 1}', "holds no list of cells"),
    "cells null": (as_json(None), "is not a notebook"),
    "cells a text": (as_json("none"), "is not a notebook"),
    "cells of numbers": (as_json([1, 2]), "is not a notebook"),
    "cells of null": (as_json([None]), "is not a notebook"),
    "no cells": ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "is not a notebook"),
    "no cell type": (as_json([{"source": "x", "metadata": {}}]), "is not a notebook"),
    "a source of numbers": (as_json([CELL | {"source": 7}]), "cells that are no cells"),
    "a version in words": (as_json([], nbformat="four"), "is not a notebook"),
    "version null": (as_json([], nbformat=None), "is not a notebook"),
    "a broken old one": ('{"nbformat": 3, "worksheets": 4}', "is not a notebook"),
    "nested without end": ("[" * 100_000, "is not a notebook"),
    "another notebook": (as_json([CELL]), "holds none of the sheet's cells"),
    "no cells at all": (as_json([]), "holds none of the sheet's cells"),
    "a huge number": ("9" * 10_000, "is not a notebook"),
}


@pytest.mark.parametrize(("content", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_notebook_is_set_aside_with_a_reason(course, content, reason):
    hand_in(course, "student-01", content)
    said = set_aside(course)
    assert f"{NAME}.ipynb" in said
    assert reason in said


def test_an_empty_folder_is_set_aside(course):
    hand_in(course, "student-01", "notes", "notes.txt")
    assert set_aside(course) == f"no notebook in {NAME}/"


def test_a_folder_called_like_the_notebook_is_no_notebook(course):
    (hand_in(course, "student-01", "x", "notes.txt") / f"{NAME}.ipynb").mkdir()
    assert set_aside(course) == f"no notebook in {NAME}/"


def test_a_link_is_not_followed(course):
    folder = hand_in(course, "student-01", "x", "notes.txt")
    (folder / f"{NAME}.ipynb").symlink_to(course.solution(NAME))
    assert set_aside(course) == f"no notebook in {NAME}/"


def test_of_several_notebooks_the_named_one_is_taken(course):
    hand_in(course, "student-01", solved())
    hand_in(course, "student-01", untouched(), "draft.ipynb")
    notebook, notes = collected(course)
    assert notes == [f"only {NAME}.ipynb was marked, not draft.ipynb beside it"]
    assert "np.cos" in cell_of(notebook, "chain-one_number-answer").source


def test_of_several_notebooks_none_is_guessed(course):
    hand_in(course, "student-01", solved(), "one.ipynb")
    hand_in(course, "student-01", untouched(), "two.ipynb")
    assert "2 notebooks and none is called" in set_aside(course)


def test_a_renamed_notebook_is_taken_and_told(course):
    hand_in(course, "student-01", solved(), "sheet 1 (final) ü.ipynb")
    _, notes = collected(course)
    assert notes == [f"sheet 1 (final) ü.ipynb was taken for {NAME}.ipynb"]


def test_a_huge_notebook_is_set_aside_unread(course, monkeypatch):
    hand_in(course, "student-01", b"")
    path = course.submitted / "student-01" / NAME / f"{NAME}.ipynb"
    with path.open("wb") as file:
        file.truncate(70 * 2**20)
    assert "is larger than 64 MiB; clear its outputs" in set_aside(course)


def test_a_notebook_of_too_many_parts_is_set_aside_before_it_is_taken_apart(course, monkeypatch):
    monkeypatch.setattr(intake, "_MOST_PARTS", 10_000)
    hand_in(course, "student-01", '{"cells": [' + "[]," * 10_000 + "[]]}")
    assert "too many parts; clear its outputs" in set_aside(course)


def test_what_a_notebook_has_printed_may_be_much(course):
    notebook = solved()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [new_output("stream", text="x, y\n" * 2000)] * 9
    hand_in(course, "student-01", notebook)
    assert [cell.source for cell in collected(course)[0].cells] == [cell.source for cell in solved().cells]


def test_a_notebook_that_may_not_be_read_is_set_aside(course, monkeypatch):
    folder = hand_in(course, "student-01", solved())
    _forbid(monkeypatch, folder / f"{NAME}.ipynb")
    (submission,) = submissions(course, NAME)
    with pytest.raises(SetAsideError, match="cannot be read: Permission denied"):
        collect(course, NAME, submission, RELEASE)


def _forbid(monkeypatch, forbidden):
    """As if this file belonged to somebody else; for the superuser nothing is forbidden."""
    read_bytes = type(forbidden).read_bytes

    def refuse(path, *args, **options):
        if path == forbidden:
            raise PermissionError(13, "Permission denied", str(path))
        return read_bytes(path, *args, **options)

    monkeypatch.setattr(type(forbidden), "read_bytes", refuse)


def test_sources_may_be_lists_and_metadata_may_be_missing(course):
    cells = [{"cell_type": "code", "source": ["x = 1\n", "y = 2"]}, {"cell_type": "markdown", "source": "words"}, KNOWN]
    hand_in(course, "student-01", as_json(cells))
    notebook, _ = collected(course)
    assert notebook.cells[0].source == "x = 1\ny = 2"
    assert notebook.cells[1].source == "words"


def test_half_characters_do_not_stop_the_batch(course):
    hand_in(course, "student-01", as_json([CELL | {"source": "x = 'half a \ud83d smiley'"}, KNOWN]))
    notebook, _ = collected(course)
    assert "half a" in notebook.cells[0].source


def test_a_byte_order_mark_is_read_over(course):
    hand_in(course, "student-01", b"\xef\xbb\xbf" + nbformat.writes(solved()).encode())
    assert collected(course)[1] == []


def test_an_old_notebook_is_read(course):
    old = nbformat.convert(solved(), 3)
    hand_in(course, "student-01", nbformat.writes(old, version=3))
    notebook, _ = collected(course)
    assert [cell.id for cell in notebook.cells if "nbgrader" in cell.metadata] == IDS
    assert "np.cos" in cell_of(notebook, "chain-one_number-answer").source


def test_files_beside_are_collected_but_no_links_and_nothing_of_ours(course):
    folder = hand_in(course, "student-01", solved())
    hand_in(course, "student-01", "x = 1", "helper.py")
    hand_in(course, "student-01", '{"student": "student-02"}', "sheet.json")
    (folder / "data").mkdir()
    (folder / "data" / "täble 1.csv").write_text("1,2")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "helper.pyc").write_bytes(b"x")
    (folder / "secret").symlink_to("/etc/passwd")
    (folder / "everything").symlink_to("/etc")
    with (folder / "film.mp4").open("wb") as file:
        file.truncate(11 * 2**20)
    hand_in(course, "student-01", '{"keys": {}}', "keys.json")
    _, notes = collected(course)
    assert "1 files beyond 10 MiB in all left out" in notes
    made = course.collected / "student-01" / NAME
    assert {str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()} == {
        f"{NAME}.ipynb",
        "helper.py",
        "data/täble 1.csv",
    }


def test_what_was_collected_before_does_not_linger(course):
    folder = hand_in(course, "student-01", solved())
    hand_in(course, "student-01", "x = 1", "helper.py")
    collected(course)
    (folder / "helper.py").unlink()
    collected(course)
    assert not (course.collected / "student-01" / NAME / "helper.py").exists()


def test_submissions_are_found_by_student(course):
    for student in ("student-02", "Übung macht (Meister)", "[1]", "student-01", 'o\'neil "x"'):
        hand_in(course, student, solved())
    (course.submitted / "student-03").mkdir()
    (course.submitted / "student-04").mkdir()
    (course.submitted / "student-04" / NAME).write_text("not a folder")
    assert {one.student for one in submissions(course, NAME)} == {
        "student-01",
        "student-02",
        "Übung macht (Meister)",
        "[1]",
        'o\'neil "x"',
    }


# --- folders that should not even be read ------------------------------------------------------------------------


def deep(folder):
    for _ in range(60):
        folder = folder / ("d" * 40)
        folder.mkdir()


def huge(folder):
    with (folder / "big.bin").open("wb") as file:
        file.truncate(2**40)


def many(folder):
    for number in range(300):
        (folder / str(number)).mkdir()


@pytest.mark.parametrize("make", [deep, huge, many])
def test_what_is_too_much_is_not_read(tmp_path, make):
    make(tmp_path)
    reason = unfit(Submission("student-01", tmp_path))
    assert "hand in the notebook alone" in reason
    assert "\n" not in reason


@pytest.mark.parametrize("name", ["a\nb", " student-01", "student-01 ", "m\udcff", "*", "a[1]"])
def test_names_that_would_lead_astray_are_refused(tmp_path, name):
    assert "rename the folder" in unfit(Submission(name, tmp_path))


def test_a_link_to_somebody_elses_work_is_refused(tmp_path):
    (tmp_path / "student-01" / "sheet").mkdir(parents=True)
    (tmp_path / "student-02").symlink_to(tmp_path / "student-01")
    assert "link" in unfit(Submission("student-02", tmp_path / "student-02" / "sheet"))
    assert unfit(Submission("student-01", tmp_path / "student-01" / "sheet")) == ""


def test_endless_prose_is_cut_before_it_becomes_a_page():
    notebook = untouched()
    notebook.cells.append(new_markdown_cell("\\begin{a}" * 30_000))
    restored, _ = restore(notebook, RELEASE)
    assert max(len(cell.source.replace("\n", "")) for cell in restored.cells) <= 50_000


def test_pictures_in_ones_words_are_kept_and_nothing_else_that_was_attached():
    notebook = untouched()
    picture, script = {"image/png": "iVBORw0KGgo=", "text/html": "<script>"}, {"image/svg+xml": "<svg onload=x>"}
    notebook.cells.append(new_markdown_cell("![a](attachment:a.png) ![b](attachment:b.svg)"))
    notebook.cells[-1]["attachments"] = {"a.png": picture, "b.svg": script, "c": 3}
    for _ in range(2):  # marking mends what was mended
        notebook, _ = restore(notebook, RELEASE)
    assert notebook.cells[-1].attachments == {"a.png": {"image/png": "iVBORw0KGgo="}}
    assert notebook.cells[-1].source == "![a](attachment:a.png) ![b](attached:b.svg)"


def test_of_cells_without_end_the_first_are_kept(monkeypatch):
    notebook = untouched()
    words = [cell for cell in notebook.cells if "nbgrader" not in cell.metadata]
    monkeypatch.setattr("grading.course.restored._MOST_OWN", len(words) + 3)
    notebook.cells += [new_code_cell(f"x = {number}") for number in range(5)]
    restored, notes = restore(notebook, RELEASE)
    assert [cell.source for cell in restored.cells[-3:]] == ["x = 0", "x = 1", "x = 2"]
    assert notes == [f"2 cells beyond the first {len(words) + 3} of their own left out"]


def test_of_code_without_end_the_longest_is_left_out(monkeypatch):
    notebook = solved()
    short = max(len(cell.source) for cell in notebook.cells)
    code = sum(len(cell.source) for cell in notebook.cells if cell.cell_type == "code")
    monkeypatch.setattr("grading.course.restored._MOST_CODE", code + short)
    notebook.cells += [new_code_cell("x = 1\n" * short), new_code_cell("y = 1")]
    restored, notes = restore(notebook, RELEASE)
    assert [cell.source for cell in restored.cells[-2:]] == [f"# left out: {6 * short} characters", "y = 1"]
    assert "np.cos" in cell_of(restored, "chain-one_number-answer").source
    assert any(note.startswith("the longest 1 code cells left out") for note in notes)
    assert restore(restored, RELEASE)[0] == restored
