"""The fast way and a real kernel for each submission: the same marks, verdicts and outputs."""

import json
import re
import shutil

import nbformat
import pytest
from classroom import REPOSITORY, make_whole_course
from hostile import HONEST, NAME, SOLUTION, Case
from needs import needs_sandbox
from small_course import make_small_course

from grading.course.grade import grade, read_marks
from grading.course.layout import CONFIG, Course
from grading.course.simulated import simulated_class, unexpected_marks
from grading.trusted.ledger import FAILED, Ledger

OF_ONE_RUN = re.compile(r"gradsheet-\w+|ipykernel_\d+")  # in the names of files: a folder, and a process's number
SHEETS = REPOSITORY.sheet_names()
SHOWS = """
import sys, warnings
import matplotlib.pyplot as plt
from IPython.display import HTML, Markdown, clear_output, display
print("printed"); print("loudly", file=sys.stderr); warnings.warn("careful")
handle = display("first", display_id=True)
plt.plot([1, 2, 3])
display(Markdown("*words*"), HTML("<b>bold</b>"))
"a result"
"""
ODD = {
    "shows things": SHOWS,
    "updates what it showed": 'handle.update("second")\nclear_output(wait=True)\nprint("after")',
    "calls programs": "import os\nx = os.system('echo from below')\n!echo from a shell",
    "uses magics": "%timeit -q -n1 -r1 pass\n%%capture\nprint('not seen')",
    "asks": "input('who? ')",
    "waits": "import asyncio\nawait asyncio.sleep(0)\nprint('waited')",
    "fails": "def f():\n    raise ValueError('mine')\nf()",
    "fails before it runs": "def f(:",
    "shows a widget": "from ipywidgets import Output\nout = Output()\ndisplay(out)\nwith out:\n    print('inside')",
    "looks around": "print(__name__, In[-1], _ih[0] == '', sorted(k for k in globals() if not k.startswith('_'))[:9])",
}


def marked(course, warm):
    """A copy of a course, marked one way: marks, what the ledger says, and what each cell shows."""
    folder = course.root.parent / f"warm-{warm}"
    shutil.copytree(course.root, folder)
    with (folder / CONFIG).open("a") as config:
        config.write(f"\nc.MarkedExecute.warm = {warm}\n")
    course = Course(folder)
    (name,) = {path.name for path in course.submitted.glob("*/*")}
    assert [one for one in grade(course, name) if one.state == FAILED] == []
    marks = {row.student: row.by_cell for row in read_marks(course, name)}
    verdicts = Ledger(course.ledger).verdicts(name)
    shown = {}
    for student in marks:
        for cell in nbformat.read(course.autograded_folder(name, student) / f"{name}.ipynb", as_version=4).cells:
            outputs = OF_ONE_RUN.sub("", json.dumps(cell.get("outputs")))
            shown[student, cell.id] = outputs, cell.get("execution_count")
    return marks, verdicts, shown


def are_alike(one, other):
    """Whether a cell shows the same, under the same number; one at which a submission dies may not be told its own."""
    (outputs, count), (others, number) = one, other
    return outputs == others and (count == number or None in (count, number))


def check_both_ways(course):
    name = next(course.submitted.glob("*/*")).name
    Ledger(course.ledger).seed(name, course.variant(name))
    fast, slow = marked(course, True), marked(course, False)
    assert fast[0] == slow[0] != {}
    assert fast[1] == slow[1]
    differ = {key: (fast[2][key], slow[2][key]) for key in slow[2] if not are_alike(fast[2][key], slow[2][key])}
    assert differ == {}, "\n".join(map(str, differ.items()))


def test_odd_cells_show_the_same(tmp_path):
    needs_sandbox()
    course = make_small_course(tmp_path / "course", timeout_s=20)
    release = nbformat.read(course.assignment(NAME), as_version=4)

    def change(notebook):
        notebook.cells += [nbformat.v4.new_code_cell(code) for code in ODD.values()]

    Case(SOLUTION, change=(change,)).write(release, course.submitted / "odd" / NAME)
    HONEST["plain"].write(release, course.submitted / "plain" / NAME)
    check_both_ways(course)


@pytest.mark.sweep
@pytest.mark.parametrize("name", SHEETS[::3])
def test_every_simulated_submission_gets_the_same(name, tmp_path):
    needs_sandbox()
    course = make_whole_course(tmp_path / "course")
    simulated = simulated_class(course, name)
    for one in simulated:
        one.write(course.submitted / one.student / name)
    check_both_ways(course)
    assert unexpected_marks(read_marks(Course(tmp_path / "warm-True"), name), simulated) == {}
