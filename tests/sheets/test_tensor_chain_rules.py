"""Sheet 3 against its own master: all answers get what they must, and what it says of lines in print holds."""

import ast
from collections import defaultdict
from functools import cache
from itertools import product
from pathlib import Path

import jupytext
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

import autodiff
from autodiff import contract, unvec, vec, vec_jacobian
from grading.answers import verify
from grading.answers.bug import BugExercise
from grading.answers.graph import GraphExercise
from grading.answers.keys import read_keys
from grading.answers.prediction import Prediction
from grading.course.build import read_attempts
from grading.course.layout import Course
from grading.course.start import start
from grading.notebook.session import PUBLIC_SEED, statement_of
from grading.sheets import Variant, load_sheet
from grading.trusted.kernel import OwnKernelManager, scratch_folders
from grading.verify import Verdict
from grading.verify.lint import lint

NAME = "03_tensor_chain_rules"
COURSE = Course(Path(__file__).parents[2])
VARIANTS = [Variant(0), Variant(1), Variant(2027, "student-01")]
CELLS = jupytext.read(COURSE.master(NAME), fmt="py:percent").cells
ANSWERS = {cell.metadata["answer"]: cell.source for cell in CELLS if "answer" in cell.metadata}
CHECKS = {cell.metadata["check"]: cell.source for cell in CELLS if "check" in cell.metadata}
ATTEMPTS = read_attempts(COURSE, NAME)
IDS = list(ANSWERS)
COMPUTED = [name for name in IDS if name not in ("tensor.axes_guess", "tensor.doubling")]
BY_HAND = ("tensor.shapes", "tensor.square_norm_table", "tensor.nonzeros")

# A wrong answer may overflow; what NumPy says of it is for the student.
pytestmark = pytest.mark.filterwarnings("ignore:.* encountered in :RuntimeWarning")


@cache
def sheet_of(variant):
    """The sheet with the keys that were built; they are the same for every variant."""
    return load_sheet(NAME, variant).with_keys(read_keys(COURSE.assignments / NAME, NAME, 0))


def judged(item, source, seed):
    """The verdict on what the check cell hands in after an answer cell has run."""
    names = {"np": np, "contract": contract, "task": statement_of(item)}
    exec(source, names)
    call = ast.parse(CHECKS[item.id]).body[0].value
    answer = names[call.args[1].id]
    said = {keyword.arg: names[keyword.value.id] for keyword in call.keywords}
    return verify(item, answer, seed, said)


def stub_of(source):
    """The answer cell as a student gets it."""
    head = source.partition("### BEGIN SOLUTION")[0].rstrip()
    return f"{head}\n    raise NotImplementedError" if "\n" not in head and head.startswith("def ") else head


def everything(names=IDS):
    return [pytest.param(variant, name, id=f"{name}-{variant.number}") for variant, name in product(VARIANTS, names)]


@pytest.mark.parametrize(("variant", "name"), everything())
def test_the_solution_is_right_and_nothing_is_at_fault(variant, name):
    item = sheet_of(variant)[name]
    for seed in range(2 if isinstance(item, GraphExercise) else 5):
        verdict = judged(item, ANSWERS[name], seed)
        assert (verdict.outcome, verdict.mark, verdict.causes) == ("right", item.points, ()), verdict.text()


@pytest.mark.parametrize("number", range(2, 8))
def test_the_solutions_of_further_variants_are_right(number):
    for item in sheet_of(Variant(number, "student-02")).checked:
        verdict = judged(item, ANSWERS[item.id], number)
        assert verdict.outcome == "right", verdict.text()


@pytest.mark.parametrize(("variant", "name"), everything())
def test_the_untouched_stub_is_not_attempted(variant, name):
    verdict = judged(sheet_of(variant)[name], stub_of(ANSWERS[name]), PUBLIC_SEED)
    assert (verdict.outcome, verdict.mark) == ("not attempted", 0.0)


def described(attempt):
    return f"{attempt.exercise}-{attempt.expect}-{attempt.cause or 'unnamed'}"


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.number)
@pytest.mark.parametrize("attempt", ATTEMPTS, ids=described)
def test_known_answers_get_what_they_must(attempt, variant):
    item = sheet_of(variant)[attempt.exercise]
    for seed in (PUBLIC_SEED, 2**31 - 1):
        verdict = judged(item, attempt.source, seed)
        assert (verdict.outcome, verdict.mark) == (attempt.expect, attempt.mark), verdict.text()
        if not isinstance(item, GraphExercise):  # what is wrong with a graph is told of its nodes
            named = {cause.label for cause in verdict.causes}
            assert named == ({attempt.cause} if attempt.cause else set()), verdict.text()
        if attempt.because:
            assert attempt.because in verdict.problem
        assert Verdict.from_json(verdict.json()) == verdict


def test_there_are_enough_known_answers():
    count = defaultdict(int)
    for attempt in ATTEMPTS:
        count[attempt.exercise, attempt.expect] += 1
    assert [name for name in COMPUTED if count[name, "right"] < 1 or count[name, "wrong"] < 3] == []


def test_known_answers_are_all_different():
    sources = [attempt.source for attempt in ATTEMPTS] + list(ANSWERS.values())
    assert len(set(sources)) == len(sources)


def test_predictions_count_for_being_made():
    for name in ("tensor.axes_guess", "tensor.doubling"):
        item = sheet_of(VARIANTS[0])[name]
        assert isinstance(item, Prediction)
        assert verify(item, (3, 5) if item.form == "shape" else 8, 0).mark == item.points
        assert verify(item, "no idea", 0).mark == 0


@pytest.mark.parametrize("number", range(6))
def test_nothing_lets_mistakes_hide(number):
    for item in sheet_of(Variant(number)).checked:
        assert lint(item.mended if isinstance(item, BugExercise) else item) == ()


@pytest.mark.parametrize("name", BY_HAND)
def test_numbers_by_hand_differ_between_students(name):
    given = {str(sheet_of(Variant(0, f"student-{student:02d}"))[name].given) for student in range(20)}
    assert len(given) > 12
    for student in range(20):
        item = sheet_of(Variant(0, f"student-{student:02d}"))[name]
        for value in np.ravel(list(item.given.values())):
            assert f"{value:g}" in item.statement


def test_known_mistakes_of_numbers_are_mistakes():
    for student in range(40):
        for name in ("tensor.shapes", "tensor.nonzeros"):
            item = sheet_of(Variant(3, f"student-{student:02d}"))[name]
            values = [item.value(), *(wrong() for wrong in item.mistakes.values())]
            assert len(set(values)) == len(values)


def test_the_adjoints_of_the_table_can_be_told_apart():
    for student in range(40):
        item = sheet_of(Variant(1, f"student-{student:02d}"))["tensor.square_norm_table"]
        numbers = list(item.given.values())
        y = np.reshape(numbers[:6], (2, 3)) @ numbers[6:]
        adjoints = np.abs([*np.outer(2 * y, numbers[6:]).ravel(), *(2 * y)])
        assert len(set(adjoints)) == adjoints.size
        assert adjoints.min() > 0


def test_hints_are_ladders():
    for item in sheet_of(VARIANTS[0]).checked:
        assert len(item.hints) == (0 if isinstance(item, Prediction) else 3), item.id


# --- what the sheet says of lines in print -----------------------------------------------------------------------


def test_a_length_does_not_name_an_axis():
    """Over the other axis of the same length the chain rule gives an array of the right shape with wrong numbers."""
    rng = np.random.default_rng(0)
    W, x = rng.normal(size=(5, 3)), rng.normal(size=3)
    T, g = autodiff.jacobian(lambda W: W @ x + (W @ x) ** 2)(W), rng.normal(size=5)
    T = T + rng.normal(size=T.shape)  # no longer symmetric in its first two axes
    over_y, over_rows = (contract(g, name, T, "i j k", over=name) for name in ("i", "j"))
    assert over_y.shape == over_rows.shape == W.shape
    assert not np.allclose(over_y, over_rows)


@pytest.mark.parametrize("order", ["row", "column"])
def test_either_order_of_vec_gives_the_gradient_if_it_is_kept(order):
    rng = np.random.default_rng(1)
    W, x = rng.normal(size=(3, 5)), rng.normal(size=5)
    T = autodiff.jacobian(lambda W: W @ x)(W)
    J = vec_jacobian(T, 1, order)
    assert np.array_equal(J, np.kron(np.eye(3), x) if order == "row" else np.kron(x, np.eye(3)))
    assert np.allclose(J @ vec(W, order), W @ x)
    row, right = 2 * (W @ x) @ J, 2 * np.outer(W @ x, x)
    other = "column" if order == "row" else "row"
    assert np.allclose(unvec(row, W.shape, order), right)
    assert unvec(row, W.shape, other).shape == W.shape
    assert not np.allclose(unvec(row, W.shape, other), right)


def test_a_row_leaves_an_axis_too_many():
    rng = np.random.default_rng(2)
    W, x = rng.normal(size=(3, 5)), rng.normal(size=5)
    T = autodiff.jacobian(lambda W: W @ x)(W)
    assert contract(2 * (W @ x)[None, :], "one i", T, "i j k", over="i").shape == (1, 3, 5)


# --- what is released --------------------------------------------------------------------------------------------


def solution_lines():
    """What stands between BEGIN and END in the master and nowhere outside."""
    inside = "\n".join(source.partition("### BEGIN SOLUTION")[2] for source in ANSWERS.values()).splitlines()
    outside = {line.strip() for source in ANSWERS.values() for line in stub_of(source).splitlines()}
    return {line.strip() for line in inside} - outside - {"", "### END SOLUTION"}


def test_no_solution_no_known_answer_and_no_key_is_released():
    released = nbformat.read(COURSE.assignment(NAME), as_version=4)
    text = "\n".join(cell.source for cell in released.cells)
    assert len(solution_lines()) > 30
    assert solution_lines().isdisjoint(line.strip() for line in text.splitlines())
    keys = (COURSE.assignments / NAME / "keys.json").read_text()
    for attempt in ATTEMPTS:
        assert attempt.source not in text
        assert not attempt.because or attempt.because not in text + keys


def test_the_untouched_notebook_runs_to_its_end(tmp_path):
    path, _ = start(NAME, tmp_path)
    notebook = nbformat.read(path, as_version=4)
    with scratch_folders() as folders:
        client = NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(path.parent)}})
        client.km = OwnKernelManager(folders)
        client.execute()
    outputs = {cell.id: cell.get("outputs", []) for cell in notebook.cells}
    assert "error" not in {output.output_type for shown in outputs.values() for output in shown}
    for item in sheet_of(VARIANTS[0]).checked:
        (output,) = outputs[item.cell_id]
        assert output.data["text/plain"] == "0.0"
    pictures = [o.data["text/html"] for shown in outputs.values() for o in shown if "<img" in str(o.get("data"))]
    assert len(pictures) >= 9
    assert all("alt=" in picture for picture in pictures)
