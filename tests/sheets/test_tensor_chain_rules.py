"""Sheet 3: what it says of lines in print holds, and its numbers hide nothing."""

import nbformat
import numpy as np
import pytest
from masters import VARIANTS
from nbclient import NotebookClient

import autodiff
from autodiff import contract, unvec, vec, vec_jacobian
from grading.answers import verify
from grading.answers.prediction import Prediction
from grading.course.start import start
from grading.sheets import Variant, load_sheet
from grading.trusted.kernel import OwnKernelManager, scratch_folders

NAME = "03_tensor_chain_rules"
BY_HAND = ("tensor.shapes", "tensor.square_norm_table", "tensor.nonzeros")


def sheet_of(variant):
    return load_sheet(NAME, variant)


def test_predictions_count_for_being_made():
    for name in ("tensor.axes_guess", "tensor.doubling"):
        item = sheet_of(VARIANTS[0])[name]
        assert isinstance(item, Prediction)
        assert verify(item, (3, 5) if item.form == "shape" else 8, 0).mark == item.points
        assert verify(item, "no idea", 0).mark == 0


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
