"""The sweep of the benchmarks: nothing wrong, nothing raising, and a wrong engine would be seen."""

import pytest

from benchmarks import sweep


@pytest.mark.parametrize("family", [sweep.elementwise, sweep.along_axes, sweep.arranged, sweep.products])
def test_nothing_wrong_and_nothing_raising(family):
    engine, troubles, checks = sweep.ours(), [], 0
    for case in family():
        checks += 1
        troubles += [(verdict, case[0]) for verdict in sweep.verdicts(engine, case) if verdict != "right"]
    assert troubles == []
    assert checks > 60


def test_the_sweep_sees_what_is_wrong():
    xp, pull, push = sweep.ours()
    twice = xp, lambda f, x, w: 2 * pull(f, x, w), push
    flat = xp, lambda f, x, w: pull(f, x, w).ravel(), push
    broken = xp, lambda f, x, w: 1 / 0, lambda f, x, u: push(f, x, u) + 1e-3
    case = next(sweep.arranged())
    assert sweep.verdicts(sweep.ours(), case) == ["right", "right"]
    assert sweep.verdicts(twice, case) == ["wrong", "right"]
    assert sweep.verdicts(broken, case) == ["raises", "wrong"]
    matrix = next(case for case in sweep.products() if case[0].startswith("matmul AB"))
    assert sweep.verdicts(flat, matrix) == ["wrong", "right"]
