"""The judge is itself judged: break one piece of it at a time, and the battery of known answers must notice."""

import importlib
from dataclasses import replace

import numpy as np
import pytest
from judged import judge_holds

from grading.verify import catalogue, contract, oracles, respondent

judge = importlib.import_module("grading.verify.judge")  # the package's own `judge` is the function
diagnose = importlib.import_module("grading.verify.diagnose")
COMPARE = judge._compare_block
TOLERANCE = oracles.tolerance


def scaled(witness, factor):
    def wrong(question):
        said = witness(question)
        return replace(said, blocks=tuple(factor * block for block in said.blocks))

    return wrong


def without_bars(question):
    said = oracles.difference_witness(question)
    return replace(said, bars=tuple(0 * bar for bar in said.bars))


def always_right(bench, block, value, number):
    result, note = COMPARE(bench, block, value, number)
    return replace(result, right=True, differ=0, worst=None, problem=""), note


def right_in_any_shape(value, shape):
    return np.resize(value, shape), ""


MUTANTS = {
    "huge tolerance": (judge, "tolerance", lambda q, e: tuple(b + 1e-4 for b in TOLERANCE(q, e))),
    "loose tolerance": (judge, "tolerance", lambda q, e: tuple(1e8 * b for b in TOLERANCE(q, e))),
    "no tolerance": (judge, "tolerance", lambda q, e: tuple(0 * b for b in TOLERANCE(q, e))),
    "fewer ulps": (oracles, "_ULPS", 1e-3),
    "saturation forgotten": (oracles, "_LARGEST_UNSEEN", 0.0),
    "saturation unlimited": (oracles, "_LARGEST_UNSEEN", 1.0),
    "compares as right": (judge, "_compare_block", always_right),
    "any shape": (contract, "with_shape", right_in_any_shape),
    "no row for a vector": (contract, "with_shape", lambda v, s: (v, "") if v.shape == s else (None, "shape")),
    "torch wrong": (judge, "torch_witness", scaled(oracles.torch_witness, 1 + 1e-9)),
    "torch of other sign": (judge, "torch_witness", scaled(oracles.torch_witness, -1)),
    "autodiff wrong": (judge, "autodiff_witness", scaled(oracles.autodiff_witness, 1 + 1e-9)),
    "differences wrong": (judge, "difference_witness", scaled(oracles.difference_witness, 1 + 1e-5)),
    "differences without bars": (judge, "difference_witness", without_bars),
    "all wrong alike": (oracles, "_as_float64", lambda block: np.array(block, dtype=np.float64) * 2),
    "torch in float32": (oracles, "_as_float64", lambda block: np.array(block, dtype=np.float32).astype(float)),
    "arguments not compared": (contract, "changed_arguments", lambda before, after, names: []),
    "arguments always changed": (contract, "changed_arguments", lambda before, after, names: ["W"]),
    "calls not compared": (contract, "same_values", lambda first, second: True),
    "calls never agree": (contract, "same_values", lambda first, second: False),
    "no behaviour": (judge, "_breaches", lambda *args: []),
    "nothing explained": (judge, "diagnose", lambda blocks, ask: diagnose.Diagnosis()),
    "everything explained": (catalogue, "within", lambda values, predicted, seen: True),
    "no copies of arguments": (respondent, "deepcopy", lambda value: value),
    "no splitting of lists": (contract, "split_blocks", lambda reply, expected: reply.values[: len(expected)]),
    "breach costs nothing": (judge, "_BREACH_SHARE", 1.0),
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
