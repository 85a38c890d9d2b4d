"""Right answers pass in every form; one entry off by a millionth does not, wherever right forms agree that well."""

import numpy as np
import pytest
from forms import PROBLEMS, one_entry_off

from grading.verify import verify
from grading.verify.bench import benches_of

_AGREE = 1e-9  # right forms that differ by more leave no room to see a millionth
_ILL_CONDITIONED = {"form.hilbert"}  # the last bits of its matrix are worth more than a millionth of the answer
_CORNERS = {"smallest": np.nanargmin, "largest": np.nanargmax}


def blocks(answer, question):
    returned = answer(*question.args)
    return [np.asarray(block) for block in (returned if isinstance(returned, tuple) else (returned,))]


def spread(problem, seed):
    """The largest relative difference between right forms, over all points and entries of the last block."""
    worst = 0.0
    for bench in benches_of(problem.exercise, seed):
        said = [blocks(answer, bench.question)[-1] for answer in problem.answers]
        sizes = np.max(np.abs(said), axis=0)
        gaps = np.max(said, axis=0) - np.min(said, axis=0)
        worst = max(worst, float(np.max(np.where(sizes > 0, gaps / np.where(sizes > 0, sizes, 1), 0))))
    return worst


def check(problem, seed):
    for answer in problem.answers:
        verdict = verify(problem.exercise, answer, seed)
        assert (verdict.outcome, verdict.causes) == ("right", ()), verdict.text()
    if problem.exercise.id in _ILL_CONDITIONED or len(problem.answers) == 1 or spread(problem, seed) > _AGREE:
        return
    for name, which in _CORNERS.items():
        verdict = verify(problem.exercise, one_entry_off(problem.answers[0], 1e-6, which), seed)
        assert verdict.outcome == "wrong", f"{name} entry: {verdict.text()}"


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.exercise.id)
def test_right_forms_pass_and_a_millionth_does_not(problem):
    check(problem, 0)


def test_most_forms_leave_room_to_see_a_millionth():
    assert sum(len(p.answers) > 1 and spread(p, 0) <= _AGREE for p in PROBLEMS) > 0.75 * len(PROBLEMS)


NAMED = {problem.exercise.id: problem for problem in PROBLEMS}


@pytest.mark.parametrize("name", ["form.unequally-saturated", "form.sigmoid-8", "form.standardised-1000"])
def test_the_forms_that_need_most_room(name):
    """Over many points, since what is measured at random must hold at each."""
    for seed in range(1, 16):
        for answer in NAMED[name].answers:
            verdict = verify(NAMED[name].exercise, answer, seed)
            assert verdict.outcome == "right", verdict.text()


@pytest.mark.sweep
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.exercise.id)
def test_right_forms_pass_at_many_seeds(problem):
    for seed in range(1, 20):
        check(problem, seed)
