"""Marks come from the judge, whatever a submission prints, patches or pretends: a dozen of them, graded at once."""

import json
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from classroom import FULL, NAME, SHEET, append, hand_in, insert, make_course, solved, untouched
from nbformat import NotebookNode
from needs import needs_sandbox

from grading.course.grade import grade, read_marks
from grading.course.marking import _GRADED_CELL_S, _unanswered
from grading.trusted.ledger import FAILED, GRADED, Ledger

NOTHING = dict.fromkeys(FULL, 0.0)
FIRST, MIDDLE = SHEET["chain.one_number"], SHEET["chain.cross_entropy"]
BEFORE_MIDDLE = {
    item.id: item.points if number < SHEET.checked.index(MIDDLE) else 0.0 for number, item in enumerate(SHEET.checked)
}
SLEEP = "86397.25"

FAKE_RESULTS = """
ip = get_ipython()

def pretend(*unused):
    content = {"data": {"text/plain": "99.0"}, "metadata": {}, "execution_count": 1}
    ip.kernel.session.send(ip.kernel.iopub_socket, "execute_result", content, parent=ip.kernel.get_parent())

ip.events.register("pre_run_cell", pretend)
ip.display_formatter.format = lambda *unused, **ignored: ({"text/plain": "99.0"}, {})
"""

PATCHED_SESSION = """
from grading.notebook import calls, graded, shown
heard = graded.GradedSession.check

def check_all_right(self, exercise_id, answer):
    heard(self, exercise_id, None)
    return 5.0

graded.GradedSession.check = check_all_right
shown.Heard.__repr__ = lambda self: "5.0"
"""

PATCHED_NUMPY = """
np.abs = np.sum = lambda *unused, **ignored: 0.0
np.array_equal = np.allclose = lambda *unused, **ignored: True
"""

SLOPPY_TEXT = """
print("half a \\ud83d smiley")
raise ValueError("half a \\ud83d smiley")
"""

NOT_TO_BE_STOPPED = """
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
"""

LEAVES_PROCESSES = f"""
import subprocess
subprocess.Popen(["sleep", "{SLEEP}"], start_new_session=True)
"""

LOOKS_AROUND = """
import os
print("here:", sorted(os.listdir(".")))
"""

MALFORMED = """
ip = get_ipython()
for content in ({}, {"name": "stdout"}, {"name": 3, "text": 4}):
    ip.kernel.session.send(ip.kernel.iopub_socket, "stream", content, parent=ip.kernel.get_parent())
"""

WRITES_TO_THE_GRADER = """
import os, time
open(os.path.dirname(os.environ["GRADSHEET_CHANNEL"]) + "/shared/x", "w")
time.sleep(2)
"""

SHOWS_ITSELF = """def one_number(x, a, shown=[]):
    from IPython.display import display
    if not shown:
        shown.append(display(".", display_id="k"))
    return 0.0
"""

FORGES_WHAT_IT_SHOWED = """
get_ipython().display_pub.publish(
    data={"text/plain": "1.0", "text/html": "<b>Right</b>"}, metadata={}, transient={"display_id": "k"}, update=True
)
"""

STEPS = """steps = []


def one_number(x, a):
    from IPython.display import display
    steps.append(display("step", display_id=True))
    return 2 * a * x * np.cos(a * x**2)
"""

UPDATES_ITS_STEPS = """
for step in steps:
    step.update("done")
"""

STDERR = """def one_number(x, a):
    import sys, warnings
    print(99.0)
    print("careful", file=sys.stderr)
    warnings.warn("this is deprecated")
    return 2 * a * x * np.cos(a * x**2)
"""

WRONG = "def one_number(x, a):\n    return 1.0"

CRAFTED = {
    "prints to stderr": (lambda: solved(one_number=STDERR), FULL),
    "fakes results": (lambda: insert(untouched(), FAKE_RESULTS), NOTHING),
    "patches check": (
        lambda: insert(
            untouched(),
            "from grading import notebook\nnotebook.check = check = lambda *unused: 5.0",
            before=FIRST.answer_cell_id,
        ),
        NOTHING,
    ),
    "patches the session": (lambda: insert(untouched(), PATCHED_SESSION, before=FIRST.answer_cell_id), NOTHING),
    "patches numpy": (
        lambda: insert(solved(one_number=WRONG), PATCHED_NUMPY, before=FIRST.cell_id),
        None,
    ),
    "kills the kernel": (
        lambda: insert(solved(), "import os\nos._exit(1)", before=MIDDLE.answer_cell_id),
        BEFORE_MIDDLE,
    ),
    "writes to the grader": (
        lambda: insert(solved(), WRITES_TO_THE_GRADER, before=MIDDLE.answer_cell_id),
        FULL,
    ),
    "an endless loop of their own": (lambda: insert(solved(), "while True:\n    pass"), FULL),
    "a loop that cannot be stopped": (
        lambda: insert(solved(), NOT_TO_BE_STOPPED, before=MIDDLE.answer_cell_id),
        BEFORE_MIDDLE,
    ),
    "half characters": (
        lambda: insert(solved(one_number=f"def one_number(x, a):{SLOPPY_TEXT}".replace("\n", "\n    ")), SLOPPY_TEXT),
        FULL | {FIRST.id: 0.0},
    ),
    "floods the output": (
        lambda: insert(solved(), "for _ in range(100_000):\n    print('spam ' * 20)"),
        FULL,
    ),
    "looks around": (lambda: append(insert(solved(), LOOKS_AROUND), LEAVES_PROCESSES), FULL),
    "sends malformed messages": (lambda: insert(solved(), MALFORMED, before=MIDDLE.answer_cell_id), BEFORE_MIDDLE),
    "forges what it displayed": (
        lambda: append(insert(solved(one_number=SHOWS_ITSELF), "1", before=MIDDLE.cell_id), FORGES_WHAT_IT_SHOWED),
        FULL | {FIRST.id: 0.0},
    ),
    "updates what it displayed": (lambda: append(solved(one_number=STEPS), UPDATES_ITS_STEPS), FULL),
    "links to the gradebook": (lambda: insert(solved(), LOOKS_AROUND), FULL),
    "says it is somebody else": (solved, FULL),
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """What became of the course after all of them were graded in one run."""
    needs_sandbox()
    course = make_course(tmp_path_factory.mktemp("marking") / "course", quick=True)
    for student, (make, _) in CRAFTED.items():
        hand_in(course, student, make())
    hand_in(course, "says it is somebody else", '{"student": "prints to stderr", "variant": 7}', "sheet.json")
    hand_in(course, "looks around", "print('mine')", "helper.py")
    (course.submitted / "links to the gradebook" / NAME / "book.db").symlink_to(course.gradebook)
    hand_in(course, "shadows a module", solved())
    hand_in(course, "shadows a module", "raise ImportError('mine')", "numpy.py")
    run = SimpleNamespace(course=course, took={})
    started = [time.monotonic()]

    def tell(intake, number, total):
        started.append(time.monotonic())
        run.took[intake.student] = started[-1] - started[-2]

    run.intakes = {intake.student: intake for intake in grade(course, NAME, tell=tell)}
    run.by_student = {marks.student: marks for marks in read_marks(course, NAME)}
    return run


def autograded(graded, student):
    return nbformat.read(graded.course.autograded_folder(NAME, student) / f"{NAME}.ipynb", as_version=4)


def printed(cell):
    return "".join(output.get("text", "") for output in cell.outputs)


@pytest.mark.parametrize("student", [student for student, (_, marks) in CRAFTED.items() if marks is not None])
def test_the_mark_is_the_judges(graded, student):
    assert graded.intakes[student].state == GRADED, graded.intakes[student]
    _, expected = CRAFTED[student]
    marks = graded.by_student[student].by_cell
    assert {item.id: marks[item.cell_id] for item in SHEET.checked} == expected
    verdicts = Ledger(graded.course.ledger).verdicts(NAME)[student]
    assert {name: verdict.mark for name, verdict in verdicts.items()} == expected


def test_patching_numpy_makes_nothing_wrong_right(graded):
    assert graded.by_student["patches numpy"].by_cell[FIRST.cell_id] == 0


def what_is_here(graded, student):
    """What a submission saw when it looked around."""
    return next(printed(cell) for cell in autograded(graded, student).cells if "os.listdir" in cell.source)


def test_a_link_leads_nowhere(graded):
    seen = what_is_here(graded, "links to the gradebook")
    assert "here:" in seen
    assert "book.db" not in seen


def test_a_first_cell_that_fails_is_no_zero(graded):
    intake = graded.intakes["shadows a module"]
    assert intake.state == FAILED
    assert "the first cell fails: ImportError: mine" in intake.reason


def test_a_loop_that_cannot_be_stopped_ends_before_a_graded_cell_would(graded):
    assert graded.took["a loop that cannot be stopped"] < _GRADED_CELL_S


def test_no_process_is_left(graded):
    running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [line for line in running if SLEEP.encode() in line]


def test_a_submission_sees_its_own_files_alone(graded):
    assert what_is_here(graded, "looks around").strip() == "here: ['helper.py']"


def test_the_student_is_who_the_gradebook_says(graded):
    notebook = autograded(graded, "says it is somebody else")
    setup = next(cell for cell in notebook.cells if cell.id == "setup")
    assert "for says it is somebody else:" in json.dumps(setup.outputs)


def test_a_flood_is_cut(graded):
    path = graded.course.autograded_folder(NAME, "floods the output") / f"{NAME}.ipynb"
    assert path.stat().st_size < 2**20


def test_each_graded_cell_has_one_result_and_nothing_on_stderr(graded):
    for student in CRAFTED:
        for cell in autograded(graded, student).cells:
            if cell.id in {item.cell_id for item in SHEET.checked}:
                kinds = [output.output_type for output in cell.outputs]
                assert kinds.count("execute_result") == 1
                assert "error" not in kinds
                assert "stderr" not in [output.get("name") for output in cell.outputs]


def test_a_student_is_told_why_nothing_was_checked(graded):
    verdicts = Ledger(graded.course.ledger).verdicts(NAME)
    assert "without asking" in verdicts["patches check"][FIRST.id].problem
    assert "kernel died" in verdicts["kills the kernel"][MIDDLE.id].problem


def test_a_student_is_told_of_which_limit_the_submission_was_ended():
    said = _unanswered(FIRST, NotebookNode(outputs=[]), True, "it used more than 7 MiB of memory")
    assert "was ended before this was checked: it used more than 7 MiB of memory." in said.problem


def test_the_seed_of_the_marking_is_nowhere_in_the_feedback(graded):
    seed = Ledger(graded.course.ledger).seed(NAME, 0)
    for student in ("prints to stderr", "patches numpy"):
        assert str(seed) not in graded.course.feedback_page(NAME, student).read_text(encoding="utf-8")
