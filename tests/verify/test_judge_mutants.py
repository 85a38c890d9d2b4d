"""The judge is itself judged: break one piece of it at a time, and the battery of known answers must notice."""

import importlib
from dataclasses import replace

import numpy as np
import pytest
import test_behaviour
import test_forms
import test_policy
import test_rounding
import test_tolerance
import test_witnesses
from judged import judge_holds

from grading.verify import (
    Exercise,
    bench,
    catalogue,
    compare,
    contract,
    differences,
    further,
    kinks,
    oracles,
    respondent,
    rounding,
    tolerance,
)

judge = importlib.import_module("grading.verify.judge")  # the package's own `judge` is the function
diagnose = importlib.import_module("grading.verify.diagnose")
TOLERANCE = tolerance.tolerance


def scaled(witness, factor):
    def wrong(*known):
        said = witness(*known)
        return replace(said, blocks=tuple(factor * block for block in said.blocks))

    return wrong


def without_bars(*known):
    said = oracles.difference_witness(*known)
    return replace(said, bars=tuple(0 * bar for bar in said.bars))


def always_right(*known):
    seen = compare.compare(*known)
    return replace(seen, results=tuple(replace(r, right=True, differ=0, worst=None, problem="") for r in seen.results))


def allowing(change):
    def mutant(question):
        measured = TOLERANCE(question)
        return replace(measured, allowed=tuple(map(change, measured.allowed)))

    return mutant


def right_in_any_shape(value, shape):
    return np.resize(value, shape), ""


MUTANTS = {
    "huge tolerance": (bench, "tolerance", allowing(lambda block: block + 1e-4)),
    "loose tolerance": (bench, "tolerance", allowing(lambda block: 1e8 * block)),
    "no tolerance": (bench, "tolerance", allowing(lambda block: 0 * block)),
    "one tolerance for all entries": (bench, "tolerance", allowing(lambda block: 0 * block + np.max(block))),
    "fewer ulps": (tolerance, "_ULPS", 1e-3),
    "more ulps": (tolerance, "_ULPS", 2**30),
    "values not moved": (tolerance._Noise, "moved", lambda self, value, share=1.0: value),
    "saturation forgotten": (tolerance, "_SATURATING", {}),
    "saturation unlimited": (tolerance, "_SATURATED_ULPS", 2.0**40),
    "compares as right": (further, "compare", always_right),
    "a single point condemns": (judge, "_is_single", lambda hearing: False),
    "no further points": (further, "_FURTHER", 0),
    "any shape": (contract, "with_shape", right_in_any_shape),
    "no row for a vector": (contract, "with_shape", lambda v, s: (v, "") if v.shape == s else (None, "shape")),
    "torch wrong": (bench, "torch_witness", scaled(oracles.torch_witness, 1 + 1e-9)),
    "torch of other sign": (bench, "torch_witness", scaled(oracles.torch_witness, -1)),
    "autodiff wrong": (bench, "autodiff_witness", scaled(oracles.autodiff_witness, 1 + 1e-9)),
    "differences wrong": (bench, "difference_witness", scaled(oracles.difference_witness, 1 + 1e-5)),
    "all wrong alike": (oracles, "_as_float64", lambda block: np.array(block, dtype=np.float64) * 2),
    "torch in float32": (oracles, "_as_float64", lambda block: np.array(block, dtype=np.float32).astype(float)),
    "arguments not compared": (contract, "changed_arguments", lambda before, after, names: []),
    "arguments always changed": (contract, "changed_arguments", lambda before, after, names: ["W"]),
    "calls not compared": (contract, "same_values", lambda first, second: True),
    "calls never agree": (contract, "same_values", lambda first, second: False),
    "no behaviour": (judge, "_breaches", lambda *args: []),
    "nothing explained": (judge, "diagnose", lambda blocks, ask: diagnose.Diagnosis()),
    "everything explained": (catalogue, "within", lambda values, predicted, seen: True),
    "no copies of arguments": (respondent, "copied", lambda value: value),
    "no splitting of lists": (contract, "split_blocks", lambda reply, expected, *names: reply.values[: len(expected)]),
}


def notices():
    """Whether the battery fails, by a verdict that is wrong or by the judge falling over."""
    try:
        return not judge_holds()
    except (AttributeError, IndexError, TypeError, ValueError):
        return True


def test_the_judge_holds():
    assert judge_holds()


@pytest.mark.parametrize(("module", "name", "broken"), MUTANTS.values(), ids=MUTANTS.keys())
def test_a_broken_judge_is_noticed(module, name, broken, monkeypatch):
    monkeypatch.setattr(module, name, broken)
    assert notices()


def unexcused(test):
    """Run a test of the tolerance alone: what it refuses could still be excused as rounding."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(judge, "excuse_rounding", lambda hearing: [])
        test()


# Pieces that the battery does not reach, each with the test that has to fail without it.
PIECES = {
    "kinks excuse everything": (
        (compare, "is_subgradient", lambda *known: True),
        lambda: test_policy.test_what_lies_outside_the_subdifferential_is_wrong(2.0),
    ),
    "kinks excuse nothing": (
        (compare, "is_subgradient", lambda *known: False),
        lambda: test_policy.test_another_element_of_the_subdifferential("right", 0.5),
    ),
    "kinks are not seen": (
        (kinks, "_choices", lambda tape: iter(())),
        test_policy.test_a_point_beside_a_kink_is_drawn_again,
    ),
    "points are not drawn again": ((bench, "_REDRAWS", 1), test_policy.test_saturated_points_are_drawn_again),
    "saturation hides nothing": (
        (tolerance.Tolerance, "lost", lambda self, block: np.zeros(self.blocks[block].shape, bool)),
        test_policy.test_where_all_is_saturated_nothing_is_proved,
    ),
    "every block worth the same": (
        (Exercise, "block_shares", property(lambda self: (1 / len(self.wrt),) * len(self.wrt))),
        test_policy.test_shares_of_the_blocks,
    ),
    "single precision is single precision": (
        (compare, "_SINGLE_ULPS", 1e-9),
        lambda: test_policy.test_answers_with_few_digits(
            "single_precision", lambda x: test_policy.slope(x.astype(np.float32)), "right"
        ),
    ),
    "single precision excuses a per cent": (
        (compare, "_SINGLE_ULPS", 1e9),
        lambda: test_policy.test_answers_with_few_digits(
            "single_precision", lambda x: test_policy.slope(x.astype(np.float32)), "right"
        ),
    ),
    "a difference excuses a per cent": (
        (compare, "_DIFFERENCE", 0.1),
        lambda: test_policy.test_answers_with_few_digits("finite_differences", test_policy.quotient, "right"),
    ),
    "witnesses always agree": (
        (bench, "agree", lambda one, other, slack: True),
        lambda: test_witnesses.test_a_fault_is_the_exercises(*test_witnesses.FAULTS["other function in torch"]),
    ),
    "a smooth bend is a kink": (
        (kinks, "_jumps", lambda *known: True),
        lambda: test_witnesses.test_a_smooth_bend_excuses_nothing(*test_witnesses.BENDS["root"], 1e7),
    ),
    "long steps are believed": (
        (differences._Ladder, "climb_closely", lambda self, size: self.climb(size, differences._CLOSE_STEPS)),
        lambda: test_witnesses.test_differences_that_move_as_steps_get_shorter_blame_nobody(
            *test_witnesses.ALIASED["waves on a ramp"]
        ),
    ),
    "short steps are not taken": (
        (differences, "_CLOSE_STEPS", 8),
        lambda: test_witnesses.test_differences_that_move_as_steps_get_shorter_blame_nobody(
            *test_witnesses.ALIASED["waves on a ramp"]
        ),
    ),
    "no spot checks": ((further, "_SPOT_CHECKS", (0, 0)), test_policy.test_what_fails_at_half_of_the_points_is_wrong),
    "differences look at nothing": (
        (differences, "_KINK_GAP", 1e9),
        test_witnesses.test_finite_differences_say_when_they_cannot_tell,
    ),
    "few of a value's last bits": (
        (tolerance, "_SATURATED_ULPS", 1),
        lambda: unexcused(lambda: test_forms.test_the_forms_that_need_most_room("form.unequally-saturated")),
    ),
    "counts have last bits": (
        (tolerance, "_is_exact", lambda value: False),
        lambda: test_tolerance.test_numbers_that_mean_what_they_say(*test_tolerance.COUNTS["an exponent"]),
    ),
    "logarithms keep their digits": (
        (tolerance, "_LOGARITHMS", {}),
        lambda: unexcused(lambda: test_tolerance.test_a_logarithms_slope_may_come_from_its_value(600)),
    ),
    "a maximum taken out of a softmax is never left out": (
        (tolerance, "_MAXIMA", frozenset()),
        lambda: unexcused(
            lambda: test_tolerance.test_a_maximum_taken_out_of_a_softmax_asks_no_more_than_without_it(10)
        ),
    ),
    "maxima hide what a shift has lost": (
        (tolerance, "_MAXIMA", frozenset()),
        lambda: unexcused(
            lambda: test_tolerance.test_a_shifted_logarithms_digits_are_lost_at_the_largest_entry_too(
                *test_tolerance.SHIFTED["a vector"], 1e4
            )
        ),
    ),
    "fine waves are faults": (
        (bench, "fine", np.zeros_like),
        lambda: test_witnesses.test_waves_that_drown_in_the_functions_rounding_blame_nobody(
            "gradient", lambda x: 2 * x + np.cos(x), lambda x: 2 * x - np.cos(x), 1e7
        ),
    ),
    "curvature by the function alone": (
        (bench, "second_difference_witness", lambda question: None),
        lambda: test_witnesses.test_waves_that_drown_in_the_functions_rounding_blame_nobody(
            "hessian_diagonal", lambda x: 2 - np.sin(x), lambda x: 2 + np.sin(x), 1e7
        ),
    ),
    "the complex step is not heard alone": (
        (bench, "is_on_kink", lambda question, tape: True),
        lambda: test_witnesses.test_autodiff_and_the_complex_step_decide_together(
            *test_witnesses.UNSEEN_BY_DIFFERENCES["a deviation far out"]
        ),
    ),
    "differences without bars": (
        (bench, "difference_witness", without_bars),
        test_witnesses.test_differences_of_what_lies_far_off_have_wide_bars,
    ),
    "nothing is asked beside a point": (
        (further, "_BESIDE", ()),
        test_policy.test_numbers_that_are_not_finite_at_one_point_are_looked_for_beside_it,
    ),
    "few spot checks": (
        (further, "_SPOT_CHECKS", (0, 0)),
        test_behaviour.test_numbers_that_are_not_finite_at_some_points,
    ),
    "spot checks look at numbers alone": (
        (further, "_SPOT_CHECKS", (0, 0)),
        test_behaviour.test_an_argument_changed_at_some_points_has_changed,
    ),
    "nothing is asked where points meet": (
        (judge, "keeps_answers", lambda hearing: False),
        lambda: test_behaviour.test_activations_kept_by_the_data(0),
    ),
    "nothing is asked far from where points meet": (
        (further, "_FAR", 0.0),
        lambda: test_behaviour.test_an_answer_kept_by_one_rounded_argument(0, 2),
    ),
    "nothing is asked next to where points meet": (
        (further, "nudged", lambda question, *known: question),
        lambda: test_behaviour.test_activations_kept_by_the_data(0),
    ),
    "rounding is no excuse": (
        (judge, "excuse_rounding", lambda hearing: []),
        lambda: test_rounding.test_methods_that_lose_digits_here_and_there(*test_rounding.METHODS[3]),
    ),
    "rounding is accurate to the entry": (
        (rounding, "_SQUARE", 0.0),
        lambda: test_rounding.test_methods_that_lose_digits_here_and_there(*test_rounding.METHODS[3]),
    ),
    "rounding need not change": ((rounding, "_CHANGE", 0.0), test_rounding.test_a_branch_is_no_rounding),
    "rounding may be of any size": (
        (rounding, "_SQUARE", 2.0**100),
        test_rounding.test_differences_are_not_excused_where_they_are_few,
    ),
    "rounding may show everywhere": (
        (rounding, "_SHARE", 2.0),
        lambda: test_rounding.test_small_entries_beside_large_ones_do_not_hide(
            test_rounding.TWINS["as random as may be"]
        ),
    ),
    "bars without rounding": (
        (tolerance, "_VALUE_ULPS", 0),
        lambda: test_witnesses.test_differences_stay_within_ten_bars("gradient", 1e-3),
    ),
}


@pytest.mark.parametrize(("broken", "test"), PIECES.values(), ids=PIECES.keys())
def test_a_piece_that_is_broken_is_noticed(broken, test, monkeypatch):
    test()
    monkeypatch.setattr(*broken)
    with pytest.raises(AssertionError):
        test()
