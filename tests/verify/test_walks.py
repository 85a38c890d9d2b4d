"""Machines that walk lists: a rule that is wrong is named, whichever list a point has."""

import importlib

import numpy as np
import pytest

from grading.verify import Exercise, verify, walks

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

SUBTRACT, MULTIPLY, EXP, COS = range(4)
OPERATIONS = (
    lambda xp, u, v: u - v,
    lambda xp, u, v: u * v,
    lambda xp, u, v: xp.exp(u / 4),
    lambda xp, u, v: xp.cos(u),
)


def evaluated(xp, x, op, left, right):
    v = [x[k] for k in range(len(x))]
    for code, a, b in zip(op, left, right, strict=True):
        v.append(OPERATIONS[int(code)](xp, v[int(a)], v[int(b)]))
    return v[-1]


def drawn(rng):
    """Each line takes the one before it and another; one product takes a line twice."""
    op = rng.permutation([SUBTRACT, SUBTRACT, MULTIPLY, MULTIPLY, MULTIPLY, EXP, COS])
    lines = np.arange(3, 10)
    left, right = np.append(rng.integers(0, 3), lines[:-1]), np.array([rng.integers(0, n) for n in lines])
    square = np.flatnonzero(op == MULTIPLY)[-1]
    right[square] = left[square]
    return {"x": rng.uniform(0.5, 1.4, 3) * rng.choice([-1, 1], 3), "op": op, "left": left, "right": right}


LISTS = Exercise("own.lists", evaluated, drawn, wrt=("x",), draws=5, sizes_fixed="lists")


def walking(product=lambda u, v: (v, u), cos=lambda u, y: -np.sin(u), minus=-1, adds=True, twice=2):
    """The walk back, with rules that may be wrong."""

    def walk(x, op, left, right):
        v = [*x]
        for code, a, b in zip(op, left, right, strict=True):
            v.append([v[a] - v[b], v[a] * v[b], np.exp(v[a] / 4), np.cos(v[a])][code])
        bar = np.zeros(len(v))
        bar[-1] = 1
        for i in range(len(v) - 1, len(x) - 1, -1):
            code, a, b = op[i - len(x)], left[i - len(x)], right[i - len(x)]
            slopes = [(1, minus), product(v[a], v[b]), (v[i] / 4, 0), (cos(v[a], v[i]), 0)][code]
            uses = 1 if code in (EXP, COS) or (code == MULTIPLY and a == b and twice == 1) else 2
            for k, slope in [(a, slopes[0]), (b, slopes[1])][:uses]:
                bar[k] = slope * bar[i] + (bar[k] if adds else 0)
        return bar[: len(x)]

    return walk


CASES = {
    "overwritten": ({"adds": False}, "a path or term dropped", "overwritten instead of added"),
    "own factors": ({"product": lambda u, v: (u, v)}, "product rule misapplied", "have changed places"),
    "no factors": ({"product": lambda u, v: (1, 1)}, "product rule misapplied", "missing in every product"),
    "once": ({"twice": 1}, "a path or term dropped", "counts once only"),
    "no slope": ({"cos": lambda u, y: 1}, "activation derivative forgotten", "derivative of cos is missing"),
    "its sign": ({"cos": lambda u, y: np.sin(u)}, "sign of one term", "cos has the wrong sign"),
    "another form": ({"cos": lambda u, y: np.cos(u)}, "activation derivative of the wrong form", "cos is not"),
    "at its value": (
        {"cos": lambda u, y: -np.sin(y)},
        "activation derivative at the wrong point",
        "cos is taken at its value",
    ),
    "a sign": ({"minus": 1}, "sign of one term", "to its second argument has the wrong sign"),
    "nothing": ({"minus": 0}, "a path or term dropped", "to its second argument is missing"),
}


@pytest.mark.parametrize(("slip", "label", "said"), CASES.values(), ids=CASES)
def test_a_wrong_rule_is_named(slip, label, said):
    verdict = verify(LISTS, walking(**slip), seed=4)
    assert verdict.outcome == "wrong"
    assert verdict.causes, verdict.text()
    assert verdict.causes[0].label == label, verdict.text()
    assert said in verdict.causes[0].text


def test_the_right_walk_is_right():
    verdict = verify(LISTS, walking(), seed=4)
    assert (verdict.outcome, verdict.causes) == ("right", ())


def test_another_mistake_is_not_taken_for_one_of_these():
    verdict = verify(LISTS, walking(product=lambda u, v: (v, u * 1.37)), seed=4)
    assert (verdict.outcome, verdict.causes) == ("wrong", ())


def sums_of_products(xp, D, e):
    """Node i is e_i and what it makes of the nodes before it; some of them it does not use."""
    v = []
    for i in range(len(e)):
        v.append(e[i] + sum(D[i, j] * v[j] for j in range(i)))
    return v[-1]


def triangle(rng):
    D = np.tril(rng.uniform(0.5, 1.5, (6, 6)) * rng.choice([-1, 1], (6, 6)), -1)
    return {"D": np.where(np.tril(rng.random((6, 6)) < 0.4, -2), 0.0, D), "e": rng.normal(size=6)}


@pytest.mark.parametrize("skips", [False, True], ids=["every pair of nodes", "those with an arrow"])
def test_what_is_overwritten_is_named_with_arrows_that_are_not_there(skips):
    def overwriting(D, e):
        bar = np.append(np.zeros(5), 1.0)
        for i in reversed(range(6)):
            for j in range(i):
                bar[j] = D[i, j] * bar[i] if D[i, j] or not skips else bar[j]
        return bar

    asked = Exercise("own.nodes", sums_of_products, triangle, wrt=("e",), sizes_fixed="a matrix of arrows")
    verdict = verify(asked, overwriting, seed=1)
    assert "overwritten instead of added" in verdict.causes[0].text, verdict.text()


BROKEN = {
    "overwritten": ("_overwritten", lambda: iter(())),
    "own factors": ("_by_own_factor", lambda recorded, place: None),
    "no factors": ("_by_one", lambda recorded, place: None),
    "no slope": ("_by_one", lambda recorded, place: None),
    "once": ("_twice_counted_once", lambda name, recorded: []),
    "its sign": ("_times", lambda slot, factor, recorded, place: None),
    "another form": ("_by_form", lambda slope, recorded, place: None),
    "at its value": ("_at_value", lambda recorded, place: None),
    "a sign": ("_times", lambda slot, factor, recorded, place: None),
    "nothing": ("_of_two", lambda name: iter(())),
}


@pytest.mark.parametrize(("case", "piece", "instead"), [(c, *p) for c, p in BROKEN.items()], ids=BROKEN)
def test_each_piece_is_needed(case, piece, instead, monkeypatch):
    monkeypatch.setattr(walks, piece, instead)
    slip, label, said = CASES[case]
    causes = verify(LISTS, walking(**slip), seed=4).causes
    assert not (causes and causes[0].label == label and said in causes[0].text)


def test_lists_of_one_make_alone_would_not_do(monkeypatch):
    planted = importlib.import_module("grading.verify.planted")
    trials = planted.trials
    monkeypatch.setattr(planted, "trials", lambda wrong, of_one_make=True: trials(wrong))
    assert verify(LISTS, walking(adds=False), seed=4).causes == ()
