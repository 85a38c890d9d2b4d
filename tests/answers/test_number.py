"""Numbers, counts and shapes: what is computed, what is known to be wrong, and what is a misprint."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodiff.cost import Cost
from grading.answers import fault_of, verify
from grading.answers.keys import WHOLE, Key
from grading.answers.number import NumberExercise
from grading.verify import ExerciseError

SEED = 3
SLOPE = NumberExercise(
    "ask.slope",
    lambda: 2.0 / 3,
    decimals=3,
    points=2,
    hints=("Where?",),
    mistakes={"this is the slope at the other end": lambda: 0.25},
)


def net(W, x):
    return np.sum(np.tanh(W @ x))


def cost():
    return Cost(net, np.ones((3, 5)), np.ones(5))


COUNT = NumberExercise(
    "ask.flops",
    lambda: cost().evaluation.matmul_flops,
    asks="count",
    mistakes={
        "this counts the multiplications alone": lambda: 15,
        "this counts what is done elementwise too": lambda: cost().evaluation.flops,
    },
)
SHAPE = NumberExercise("ask.shape", lambda: np.zeros((3, 5, 7)).shape, asks="shape")
KEYED = NumberExercise("ask.layers", asks="count", points=2)
KEY = Key.of(KEYED.salt, KEYED.parts(4), [(3, "the input is no layer")])


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        *((SLOPE, answer) for answer in (0.667, 2 / 3, np.float32(2 / 3), np.array(0.667), [0.667], 0.6665)),
        *((COUNT, answer) for answer in (30, 30.0, np.int8(30), np.float64(30), np.array([30]), (30,))),
        *((SHAPE, answer) for answer in ((3, 5, 7), [3, 5, 7], np.array([3, 5, 7]), (3.0, np.int64(5), 7))),
        (SHAPE, np.zeros((3, 5, 7)).shape),
        (NumberExercise("ask.scalar", lambda: (), asks="shape"), ()),
        (NumberExercise("ask.vector", lambda: (4,), asks="shape"), 4),
        (NumberExercise("ask.none", lambda: 0, asks="count"), 0),
        (NumberExercise("ask.whole", lambda: 12, decimals=0), 12),
    ],
)
def test_right_answers(asked, answer):
    verdict = verify(asked, answer, SEED)
    assert (verdict.outcome, verdict.mark) == ("right", asked.points), verdict.text()


WRONG = {
    "too few digits": (SLOPE, 0.67, "rounding"),
    "one digit": (SLOPE, 0.7, "rounding"),
    "cut off": (SLOPE, 0.666, "rounding"),
    "the last digit": (SLOPE, 0.668, "rounding"),
    "the sign": (SLOPE, -0.667, "sign"),
    "a place": (SLOPE, 6.667, "power of ten"),
    "three places": (SLOPE, 666.667, "power of ten"),
    "a known mistake": (SLOPE, 0.25, "a known mistake"),
    "a known count": (COUNT, 15, "a known mistake"),
    "another known count": (COUNT, 35, "a known mistake"),
    "a count's place": (COUNT, 3, "power of ten"),
    "transposed": (SHAPE, (7, 5, 3), "transposed"),
    "permuted": (SHAPE, (5, 3, 7), "axes permuted"),
    "an axis more": (SHAPE, (3, 5, 1, 7), "shape that only broadcasts"),
    "reshaped": (SHAPE, (15, 7), "reshape for transpose"),
}


@pytest.mark.parametrize(("asked", "answer", "label"), WRONG.values(), ids=WRONG)
def test_the_mistake_is_named(asked, answer, label):
    verdict = verify(asked, answer, SEED)
    assert (verdict.outcome, verdict.mark) == ("wrong", 0)
    assert [cause.label for cause in verdict.causes] == [label]
    assert verdict.hint == bool(asked.hints)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [(SLOPE, 0.5), (SLOPE, 0.0), (SLOPE, 1e300), (COUNT, 31), (COUNT, 0), (SHAPE, (3, 5)), (SHAPE, ()), (SHAPE, 3)],
)
def test_nothing_is_named_for_a_number_out_of_the_blue(asked, answer):
    verdict = verify(asked, answer, SEED)
    assert (verdict.outcome, verdict.causes) == ("wrong", ())


class Hostile:
    """Nothing that is asked of it goes well."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    __iter__ = __len__ = __repr__ = __float__ = __index__ = __array__ = lambda self, *_: 1 / 0


def deep(levels=10_000):
    nest = []
    for _ in range(levels):
        nest = [nest]
    return nest


def hang():
    while True:
        pass


MALFORMED = {
    "text": "3",
    "nan": math.nan,
    "inf": math.inf,
    "minus inf": -math.inf,
    "true": True,
    "numpy's true": np.True_,
    "complex": 3 + 0j,
    "dict": {},
    "set of strange things": {object()},
    "fraction": Fraction(1, 3),
    "object": object(),
    "hostile": Hostile(),
    "deep": deep(),
    "huge array": np.zeros(10**6),
    "huge number": 10**5000,
    "long list": [1] * 4000,
    "objects": np.array([None, object()]),
    "None inside": [None],
    "lists": [[3, 5], [7]],
    "function": lambda: 3,
    "hanging": hang,
    "type": int,
    "bytes": b"3",
}


@pytest.mark.parametrize("answer", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("asked", [SLOPE, COUNT, SHAPE, KEYED.with_key(KEY)], ids=lambda asked: asked.id)
def test_malformed_answers_are_told_so(asked, answer):
    verdict = verify(asked, answer, SEED)
    assert (verdict.outcome, verdict.mark) == ("wrong", 0)
    assert "RuntimeError" not in verdict.problem
    assert verdict.text()


def test_what_is_expected_is_said():
    assert "a whole number" in verify(COUNT, "3", SEED).problem
    assert "without quotes" in verify(SHAPE, "(3, 5, 7)", SEED).problem
    assert "truth value" in verify(COUNT, True, SEED).problem
    assert "no whole number" in verify(COUNT, 30.5, SEED).problem
    assert "-3 is no length" in verify(SHAPE, (-3, 5), SEED).problem


@pytest.mark.parametrize("asked", [SLOPE, COUNT, SHAPE, KEYED])
def test_none_is_no_attempt(asked):
    assert verify(asked, None, SEED).outcome == "not attempted"


# --- keys ----------------------------------------------------------------------------------------------------------


def test_what_nothing_computes_is_known_by_its_key():
    asked = KEYED.with_key(KEY)
    assert verify(asked, 4, SEED).mark == 2
    assert verify(asked, 4.0, SEED).outcome == "right"
    assert verify(asked, 5, SEED).outcome == "wrong"
    assert verify(asked, 3, SEED).problem == "the input is no layer"
    assert verify(KEYED, 4, SEED).outcome == "inconclusive"


def test_a_number_opens_its_key_however_many_digits_it_has():
    asked = NumberExercise("ask.measured", decimals=2)
    keyed = asked.with_key(Key.of(asked.salt, asked.parts(0.333)))
    for answer in (0.33, 1 / 3, np.float32(1 / 3), 0.3349):
        assert verify(keyed, answer, SEED).outcome == "right"
    for answer in (0.34, 0.32, -0.33, 0.3):
        assert verify(keyed, answer, SEED).outcome == "wrong"
    zero = asked.with_key(Key.of(asked.salt, {WHOLE: 0.0}))
    assert verify(zero, -0.001, SEED).outcome == "right"


# --- declarations --------------------------------------------------------------------------------------------------

REFUSED = {
    "an unknown kind": {"asks": "matrix"},
    "no decimals": {"decimals": None},
    "decimals of a count": {"asks": "count", "decimals": 2},
    "half a decimal": {"decimals": 1.5},
    "a value": {"value": 3.0},
    "a mistake": {"mistakes": {"sign": -3.0}},
    "no time": {"limit_s": 0},
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_a_declaration_that_cannot_be_is_refused(change):
    with pytest.raises(ExerciseError):
        NumberExercise(**{"id": "ask.bad", "value": lambda: 3.0, "decimals": 2} | change)


@pytest.mark.parametrize("value", [lambda: 1 / 0, lambda: "3", lambda: math.nan, lambda: [1.0, 2.0], lambda: None])
def test_what_cannot_be_computed_charges_nobody(value):
    asked = NumberExercise("ask.broken", value, decimals=2, points=3)
    assert fault_of(asked, SEED)
    assert verify(asked, 1.0, SEED).mark == 3
    assert verify(asked, 1.0, SEED).outcome == "fault"
    assert verify(asked, None, SEED).outcome == "not attempted"
    assert not fault_of(SLOPE, SEED)
    assert fault_of(NumberExercise("ask.mistake", lambda: 1, asks="count", mistakes={"half": lambda: 0.5}), SEED)


# --- properties ----------------------------------------------------------------------------------------------------


@given(st.floats(-1e6, 1e6), st.integers(0, 6), st.floats(-1, 1))
def test_half_a_unit_is_what_a_number_may_be_off(right, decimals, share):
    asked = NumberExercise("ask.any", lambda: right, decimals=decimals)
    unit = 10.0**-decimals
    assert verify(asked, round(right, decimals), SEED).outcome == "right"
    assert verify(asked, right + 0.48 * share * unit, SEED).outcome == "right"
    assert verify(asked, right + math.copysign(0.53 + abs(share), share) * unit, SEED).outcome == "wrong"


@given(st.lists(st.integers(0, 9), max_size=4), st.lists(st.integers(0, 9), max_size=4))
def test_a_shape_is_right_if_it_is_that_shape(right, answer):
    asked = NumberExercise("ask.any", lambda: tuple(right), asks="shape")
    assert (verify(asked, answer, SEED).outcome == "right") == (answer == right)
