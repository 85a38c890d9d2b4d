"""What every answer owes whatever its values: arguments left alone, the same answer twice, earlier answers kept."""

import numpy as np
import pytest
from judged import CASES, GRADIENT, JACOBIAN, JVP, VJP, changing, drifting, into_one_buffer, labels

from grading.verify import verify


@pytest.mark.parametrize("case", CASES[:5], ids=lambda case: case.exercise.asks)
def test_changed_arguments_cost_half(case):
    verdict = verify(case.exercise, changing(case.right), seed=1)
    assert labels(verdict) == {"changes its arguments"}
    assert (verdict.outcome, verdict.mark) == ("wrong", case.exercise.points / 2)
    assert all(block.right for block in verdict.blocks)
    first = next(iter(case.exercise.inputs(np.random.default_rng(0))))
    assert f"changes {first} in place" in verdict.text()


def test_all_changed_arguments_are_named():
    def spoils(W, x, dW, dx):
        returned = JVP.right(W, x, dW, dx)
        x[0] = dx[0] = 0.0
        return returned

    assert "changes x and the tangent of x in place" in verify(JVP.exercise, spoils, seed=1).text()

    def spoils_cotangent(W, x, w):
        returned = VJP.right(W, x, w)
        w.sort()
        return returned

    assert "changes the cotangent in place" in verify(VJP.exercise, spoils_cotangent, seed=1).text()


def test_an_argument_made_another_shape_has_changed():
    def flattens(W, x):
        returned = JACOBIAN.right(W, x)
        W.shape = (W.size,)
        return returned

    assert labels(verify(JACOBIAN.exercise, flattens, seed=1)) == {"changes its arguments"}


def test_an_argument_changed_and_put_back_has_not_changed():
    def borrows(W, x):
        W *= 2.0
        W /= 2.0
        return JACOBIAN.right(W, x)

    assert verify(JACOBIAN.exercise, borrows, seed=1).outcome == "right"


def test_an_answer_made_in_the_argument_is_right_but_for_the_argument():
    def reuses(W, x):
        W *= (1 - np.tanh(W @ x) ** 2)[:, None]
        return W

    verdict = verify(JACOBIAN.exercise, reuses, seed=1)
    assert (labels(verdict), verdict.mark) == ({"changes its arguments"}, 1.0)


def test_two_calls_that_disagree():
    verdict = verify(JACOBIAN.exercise, drifting(JACOBIAN.right), seed=1)
    assert (verdict.outcome, verdict.mark, labels(verdict)) == ("wrong", 1.0, {"two calls disagree"})


def test_a_second_call_that_fails_disagrees():
    asked = []

    def once(*args):
        asked.append(args)
        if len(asked) > JACOBIAN.exercise.draws + 2:  # two more points are asked for finite numbers
            raise RuntimeError("enough")
        return JACOBIAN.right(*args)

    assert labels(verify(JACOBIAN.exercise, once, seed=1)) == {"two calls disagree"}


def test_values_from_an_earlier_call():
    kept = []

    def cached(*args):
        kept.append(JACOBIAN.right(*args))
        return kept[0]

    verdict = verify(JACOBIAN.exercise, cached, seed=1)
    assert verdict.outcome == "wrong"
    assert verdict.mark == 0.0
    assert verdict.blocks[0].worst.point == 2


def test_a_buffer_that_a_later_call_overwrites():
    verdict = verify(JACOBIAN.exercise, into_one_buffer(JACOBIAN.right), seed=1)
    assert (verdict.outcome, verdict.mark, labels(verdict)) == ("wrong", 1.0, {"overwrites an earlier answer"})


def test_a_list_that_a_later_call_spoils():
    returned = []

    def spoils(*args):
        if returned:
            returned[0][0] = "gone"
        returned.append(JACOBIAN.right(*args).tolist())
        return returned[-1]

    assert labels(verify(JACOBIAN.exercise, spoils, seed=1)) == {"overwrites an earlier answer"}


def test_nothing_kept_is_nothing_overwritten():
    workspace = np.zeros((3, 5))

    def copies(*args):
        workspace[...] = JACOBIAN.right(*args)
        return workspace.copy()

    assert verify(JACOBIAN.exercise, copies, seed=1).outcome == "right"


def test_a_breach_and_a_mistake_are_both_told():
    verdict = verify(GRADIENT.exercise, changing(lambda W, x: (-GRADIENT.right(W, x)[0], GRADIENT.right(W, x)[1])), 1)
    assert labels(verdict) == {"changes its arguments", "sign"}
    assert verdict.mark == GRADIENT.exercise.points / 4
