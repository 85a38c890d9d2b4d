"""What witnesses said is used again for the very same question, and for no other."""

import numpy as np
import pytest

from grading.verify import Exercise, verify
from grading.verify import bench as module
from grading.verify.sameness import what_it_is

SCALE = 2.0


def declared(factor=3.0, **changes):
    def helper(xp, x):
        return xp.sin(factor * x)

    details = {
        "id": "same.question",
        "function": lambda xp, x: xp.sum(helper(xp, x)) * SCALE,
        "inputs": lambda rng: {"x": rng.uniform(0.5, 2.0, size=3)},
        "wrt": ("x",),
        "points": 1.0,
    }
    return Exercise(**(details | changes))


def test_what_is_declared_alike_is_the_same():
    assert what_it_is(declared()) == what_it_is(declared())
    assert hash(what_it_is(declared())) == hash(what_it_is(declared()))


CHANGED = {
    "an enclosed value": {"factor": 4.0},
    "the sign of a zero": {"factor": -0.0},
    "the code": {"function": lambda xp, x: xp.sum(xp.cos(x))},
    "the inputs": {"inputs": lambda rng: {"x": rng.uniform(0.5, 2.5, size=3)}},
    "a number of draws": {"draws": 4},
    "a published point": {"published": {"x": np.array([1.0, 2.0, 3.0])}},
}


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
def test_what_differs_is_not(change):
    assert what_it_is(declared(**{"factor": 0.0} | change)) != what_it_is(declared(factor=0.0))


def test_a_global_that_was_changed_makes_another_question(monkeypatch):
    before = what_it_is(declared())
    monkeypatch.setitem(globals(), "SCALE", 5.0)
    assert what_it_is(declared()) != before


def test_functions_that_call_each_other_come_to_an_end():
    def even(n):
        return n == 0 or odd(n - 1)

    def odd(n):
        return n != 0 and even(n - 1)

    assert what_it_is(even) == what_it_is(even)


def test_what_is_not_known_is_the_same_as_itself_alone():
    thing = object()
    assert what_it_is(thing) == what_it_is(thing)
    assert what_it_is(thing) != what_it_is(object())


def test_a_class_asks_the_witnesses_once(monkeypatch):
    asked = []
    benches_at = module._benches_at
    monkeypatch.setattr(module, "_benches_at", lambda questions: asked.append(1) or benches_at(questions))
    with module.keeping_benches():
        right = [verify(declared(factor=7.0), lambda x: 14 * np.cos(7 * x), seed=5).outcome for _ in range(3)]
    assert right == ["right"] * 3
    assert len(asked) == 1
    with module.keeping_benches():
        verify(declared(factor=7.0), lambda x: 14 * np.cos(7 * x), seed=5)
        assert len(asked) == 1
        verify(declared(factor=7.0), lambda x: 14 * np.cos(7 * x), seed=6)
        assert len(asked) == 2
    verify(declared(factor=7.0), lambda x: 14 * np.cos(7 * x), seed=6)
    assert len(asked) == 3


def test_a_verdict_is_the_same_whether_witnesses_were_asked_or_remembered():
    def wrong(x):
        return 14 * np.sin(7 * x)

    fresh = verify(declared(factor=7.0), wrong, seed=5).json()
    with module.keeping_benches():
        assert [verify(declared(factor=7.0), wrong, seed=5).json() for _ in range(2)] == [fresh] * 2


def test_no_more_is_kept_than_a_sheet_needs(monkeypatch):
    monkeypatch.setattr(module, "_MOST_KEPT", 3)
    monkeypatch.setattr(module, "_KEPT", module._Kept())
    with module.keeping_benches():
        for seed in range(5):
            module.benches_of(declared(factor=7.0), seed)
    assert [seed for _, seed in module._KEPT.benches] == [2, 3, 4]
