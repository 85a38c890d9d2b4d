"""What the benchmarks compare is right: every engine installed, on every task, against the hand-written derivative."""

import numpy as np
import pytest

from benchmarks import autodiff as bench

TASKS = bench.tasks()


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_gradients_are_those_by_hand(task):
    assert "ours" in task.engines
    for gradient in task.engines.values():
        bench.agrees(gradient(), task.by_hand())


@pytest.mark.parametrize("task", bench.jacobian_tasks()[::2], ids=lambda task: task[0])
def test_jacobians_are_those_by_hand(task):
    _, x, f, constants, expected = task
    bench.agrees(bench.jacobian_calls(x, f, constants)["ours"](), expected)


def test_a_wrong_gradient_is_not_timed():
    with pytest.raises(AssertionError):
        bench.agrees(TASKS[0].by_hand()[::-1], TASKS[0].by_hand())
    with pytest.raises(AssertionError):
        bench.agrees(1.001 * TASKS[2].by_hand(), TASKS[2].by_hand())


def test_medians_are_ratios_to_the_base():
    seconds, ratios = bench.medians(lambda: np.ones(10), {"same": lambda: np.ones(10)}, rounds=20, inner=20)
    assert seconds > 0
    assert 0.2 < ratios["same"] < 5
