"""A right graph is right however it is written down; a wrong one is told where; nothing that is handed in raises."""

import random
import re
import sys
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from graphs import (
    BACK,
    BACK_DRAWN,
    EXTENDED,
    FREE,
    NETWORK,
    NETWORK_STEPS,
    ONE,
    ORDERED,
    PAIR,
    PAIR_STEPS,
    SMALL,
    SMALL_STEPS,
    TOY,
    TOY_STEPS,
    TWO,
    causes,
    made,
    pair,
    sorts,
    toy,
    two_numbers,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import autodiff
from autodiff import show
from autodiff.graph import Graph
from grading.answers import fault_of, layers, verify
from grading.answers.drawing import read
from grading.answers.graph import GraphExercise
from grading.answers.kinds import Kinds, is_same
from grading.answers.operations import OPERATIONS
from grading.verify import Verdict
from grading.verify.exercise import ExerciseError

SEED = 3
few = settings(max_examples=12, deadline=None)
RANDOM = st.tuples(st.integers(0, 10**6), st.integers(5, 11))


def outcome(exercise, answer, seed=SEED):
    return verify(exercise, answer, seed).outcome


# --- the exercises of the course -------------------------------------------------------------------------------------


def toy_by_code(x, y):
    return toy(np, x, y)


def pair_by_code(x1, x2):
    v6 = np.sin(3 * x2**2)
    return np.exp(2 * x2) + x1 * v6, x1 * x2 + autodiff.sigmoid(x2)


RIGHT = {
    "toy, formulas": (TOY, TOY_STEPS),
    "toy, lines": (TOY, "z1 = exp(-y)\nz2 = x^2 + y^2 + 1\nz3 = x**3; p = 2*z3 + 6*z1/z2"),
    "toy, nodes": (
        TOY,
        {
            "nodes": ["x", "y", ["z1", "np.exp(-y)"], ["z2", "y**2+x**2+1"], ["z3", "^3"], ["p", "6*z1/z2 + 2*z3"]],
            "edges": [["y", "z1"], ["x", "z2"], ["y", "z2"], ["x", "z3"], ["z1", "p"], ["z2", "p"], ["z3", "p"]],
        },
    ),
    "pair": (PAIR, PAIR_STEPS),
    "pair, by code": (PAIR, pair_by_code),
    "pair, a picture": (PAIR, show.graph(pair_by_code, 2.0, 1.0)),
    "network": (NETWORK, NETWORK_STEPS),
    "network, without its parameters": (
        NETWORK,
        {
            "nodes": [
                ["x", "input"],
                *([name, step] for name, step in NETWORK_STEPS.items() if name != "L"),
                ["L", "+"],
            ],
            "edges": ["x->z", "z->h", "h->y", "h->R", "y->E", "E->L", "R->L"],
        },
    ),
    "back": (BACK, {"ax": "a3*v2", "a2": "a3*x", "ay": "a2*cos(y)"}),
    "back, factors at the edges": (BACK, BACK_DRAWN),
    "extended": (EXTENDED, {"h2": "sin(h1)", "l": "h2**2", "g": "2*h2", "c": "cos(h1)", "dl_dh1": "g*c"}),
    "small": (SMALL, SMALL_STEPS),
    "small, lists of arguments": (SMALL, {"a": ("mul", ["x", "y"]), "b": ("sine", ["a"]), "f": ("minus", ["a", "b"])}),
    "small, infix": (SMALL, {"a": ("x", "*", "y"), "b": "sin(a)", "f": ("a", "-", "b")}),
    "small, other output": (SMALL, {"a": "x*y", "b": "sin(a)", "end": "a - b"}),
    "small, output said": (SMALL, {"a": "x*y", "b": "sin(a)", "end": "a - b", "output": "end"}),
    "small, inputs of other names": (SMALL, {"v0": "input", "v1": ("input",), "a": "v0*v1", "b": "sin(a)", "f": "a-b"}),
    "small, letters of every sort": (SMALL, {"ā": "x*y", "ﬁ": "sin(ā)", "var": "ā", "f": "var - ﬁ"}),
    "small, edges by slot": (
        SMALL,
        {
            "nodes": [{"id": 1, "op": "mul"}, {"id": 2, "op": "sin"}, {"id": "f", "op": "sub"}],
            "edges": [["x", 1, 0], ["y", 1, 1], [1, 2, 0], [2, "f", 1], [1, "f", 0]],
        },
    ),
    "free, in one step": (FREE, {"f": "x*y - sin(x*y)"}),
    "free, in many": (FREE, {"a": "x*y", "a2": "y*x", "b": "sin(a2)", "n": "-b", "f": ("+", "a", "n")}),
}


@pytest.mark.parametrize(("exercise", "answer"), RIGHT.values(), ids=RIGHT)
def test_a_right_graph_is_right_in_every_form(exercise, answer):
    verdict = verify(exercise, answer, SEED)
    assert (verdict.outcome, verdict.mark, verdict.causes) == ("right", exercise.points, ())
    assert verdict.blocks
    assert all(block.right for block in verdict.blocks)
    assert "The prescribed graph" in verdict.text() or "One right graph" in verdict.text()


# What is told, and what the picture marks.
WRONG = {
    "swapped": (SMALL, SMALL_STEPS | {"f": ("sub", "b", "a")}, "the arguments are swapped: your f = sub(b, a)"),
    "another operation": (SMALL, SMALL_STEPS | {"b": ("cos", "a")}, "your b = cos(a): something else is made of a"),
    "another argument": (SMALL, SMALL_STEPS | {"f": ("sub", "a", "y")}, "its second argument, y, is not the right"),
    "another node in a formula": (
        NETWORK,
        NETWORK_STEPS | {"R": "dot(r, z)"},
        "your R = dot(r, z): its second argument",
    ),
    "another node among several": (
        NETWORK,
        NETWORK_STEPS | {"z": "W1 @ x + r"},
        "your z = W1 @ x + r: r is not the right node",
    ),
    "a copy": (
        SMALL,
        SMALL_STEPS | {"a2": ("mul", "y", "x"), "b": ("sin", "a2")},
        "mul(x, y) is computed twice: a and a2 are the same; draw it once",
    ),
    "another number": (TOY, TOY_STEPS | {"z3": "x**2"}, "your z3 = x**2: the operation is right, the number in it"),
    "something left out": (TOY, TOY_STEPS | {"z2": "1 + x**2"}, "your z2 = 1 + x**2: something that goes into it is"),
    "something too much": (TOY, TOY_STEPS | {"z1": "exp(-y) + x"}, "something goes into it that does not belong"),
    "a square": (
        EXTENDED,
        {"h2": "sin(h1)", "l": "h2*h2", "g": "2*h2", "c": "cos(h1)", "dl_dh1": "g*c"},
        "your l = h2*h2",
    ),
    "no path": (SMALL, {"a": ("mul", "x", "x"), "b": "sin(a)", "f": "a-b"}, "there is no path from y to f"),
    "loose": (SMALL, SMALL_STEPS | {"d": "a + b"}, "your d = a + b leads nowhere"),
    "split": (SMALL, SMALL_STEPS | {"n": "-b", "f": "a + n"}, "n and f are to be one step together"),
    "merged": (SMALL, {"a": "x*y", "f": "a - sin(a)"}, "your f = a - sin(a) does in one step what are to be two"),
    "shapes": (NETWORK, NETWORK_STEPS | {"z": "x @ W1 + b1"}, "your z = x @ W1 + b1 cannot be computed"),
    "free, swapped": (FREE, SMALL_STEPS | {"f": "b - a"}, "the arguments are swapped: your f = b - a"),
    "free, another operation": (FREE, SMALL_STEPS | {"b": "cos(a)"}, "your b = cos(a): something else is made of a"),
}


@pytest.mark.parametrize(("exercise", "answer", "told"), WRONG.values(), ids=WRONG)
def test_a_wrong_graph_is_told_where(exercise, answer, told):
    verdict = verify(exercise, answer, SEED)
    assert verdict.outcome == "wrong"
    assert verdict.mark < exercise.points
    assert told in causes(verdict)
    place = re.search(r"your (\w+)", told)
    if place:
        assert re.search(rf"^  {place[1]} = .*✗ look here$", verdict.figures[0].text, re.M)
    assert "prescribed graph" not in verdict.text()
    assert Verdict.from_json(verdict.json()) == verdict


def test_an_output_that_is_a_multiple_of_the_right_one_is_told(monkeypatch):
    exercise = GraphExercise(
        "graph.multiple",
        lambda xp, x, y: (y * xp.sin(x), 3 * y * xp.cos(x)),
        two_numbers_as("x", "y"),
        outputs=("s", "c"),
    )
    right = {"s": "y*sin(x)", "c": "3*y*cos(x)"}
    assert outcome(exercise, right) == "right"
    assert sorts(exercise, right | {"c": "y*cos(x)"}) == ["factor"]
    assert "c is 0.333333 times what it should be" in causes(verify(exercise, right | {"c": "y*cos(x)"}, SEED))
    assert sorts(exercise, right | {"c": "y*cos(x) + x"}) == []
    monkeypatch.setattr(layers, "common_factor", lambda seen: None)
    assert sorts(exercise, right | {"c": "y*cos(x)"}) == []


def test_a_node_that_feeds_too_little_is_told():
    inputs = two_numbers_as("x", "w")
    options = {"outputs": ("y", "z"), "prescribed": True}
    fed_twice = GraphExercise("graph.fed", lambda xp, x, w: (xp.sin(w) * x, xp.cos(w)), inputs, **options)
    told = causes(verify(fed_twice, {"s": "sin(w)", "y": "s*x", "z": "cos(x)"}, SEED))
    assert "your z = cos(x): its first argument, x, is not the right node" in told
    three = GraphExercise("graph.three", lambda xp, x, w: xp.sin(w) * x + w, inputs, prescribed=True)
    verdict = verify(three, {"s": "sin(w)", "f": "s*x"}, SEED)
    assert "your w feeds one operation; it should feed two" in causes(verdict)


def test_an_output_that_is_left_out_is_missed():
    four = {"a": "x * y", "b": "sin(x)", "c": "a + b", "l": "a * c"}
    exercise = GraphExercise(
        "graph.four",
        lambda xp, x, y: x * y * (x * y + xp.sin(x)),
        two_numbers_as("x", "y"),
        outputs=("l",),
        prescribed=True,
        steps=four,
    )
    without = {name: step for name, step in four.items() if name != "l"}
    assert "the output l is missing: your graph ends with c" in causes(verify(exercise, without, SEED))
    for right in (four, {name if name != "l" else "end": step for name, step in four.items()}):
        assert verify(exercise, right, SEED).outcome == "right"
    twice = causes(verify(exercise, {"b": "sin(x)", "c": "x*y + b", "l": "x*y*c"}, SEED))
    assert "multiply of x and y is computed twice: in c and l; draw it once" in twice
    assert "(part" not in twice


def test_a_share_of_nothing_is_not_counted_up():
    unformed = replace(TOY, shares={"form": 0, "values": 1, "structure": 1})
    notes = " ".join(verify(unformed, TOY_STEPS | {"z3": "x**2"}, SEED).notes)
    assert "of 50 %" in notes
    assert "well formed" not in notes


def two_numbers_as(*names):
    return lambda rng: dict(zip(names, rng.uniform(0.5, 1.5, 2), strict=True))


def test_what_a_mistake_entails_is_not_told_again():
    assert sorts(NETWORK, NETWORK_STEPS | {"h": "sigmoid(b1 * r)"}).count("step") == 1
    assert sorts(NETWORK, NETWORK_STEPS | {"h": "tanh(z)"}) == ["operation"]
    assert sorts(TOY, TOY_STEPS | {"z1": "exp(y)", "z3": "x**2"}) == ["operation", "constant"]


# --- marks -----------------------------------------------------------------------------------------------------------


def test_outputs_under_other_names_are_taken_in_the_order_in_which_they_are_written():
    first = "v2 = 2*x2; v3 = exp(v2); v4 = x2**2; v5 = 3*v4; v6 = sin(v5); v7 = x1*v6; v8 = v3 + v7"
    second = "v9 = x1*x2; v10 = sigmoid(x2); v11 = v9 + v10"
    assert outcome(PAIR, f"{first}\n{second}") == "right"
    assert outcome(PAIR, f"{second}\n{first}") == "wrong"


def test_every_layer_has_its_share():
    exercise = replace(SMALL, points=10.0)
    mark = {name: verify(exercise, answer, SEED).mark for name, answer in {
        "all": SMALL_STEPS,
        "structure": SMALL_STEPS | {"n": "-b", "f": "a + n"},
        "values": SMALL_STEPS | {"f": "b - a"},
        "form": SMALL_STEPS | {"d": "a + b"},
        "none": {"f": "q"},
    }.items()}  # fmt: skip
    assert mark == pytest.approx({"all": 10, "structure": 6, "values": 1, "form": 5, "none": 0})


def test_shares_are_declared_and_what_is_right_counts():
    exercise = replace(PAIR, shares={"form": 0, "values": 1, "structure": 1})
    half = verify(exercise, PAIR_STEPS | {"y2": ("-", "v9", "v10")}, SEED)
    right = [block.name for block in half.blocks if block.right]
    assert right == ["y1", "∂y1/∂x1", "∂y1/∂x2", "∂y2/∂x1"]
    assert half.mark == pytest.approx(0.5 * 4 / 6)
    assert set(FREE.worth) == {"form", "values"}
    assert sum(FREE.worth.values()) == pytest.approx(1)


def test_what_is_accepted_is_right_with_a_note():
    split, merged = SMALL_STEPS | {"n": "-b", "f": "a + n"}, {"a": "x*y", "f": "a - sin(a)"}
    passing = SMALL_STEPS | {"i": "a", "f": "i - b"}
    for sort, answer in {"split": split, "merged": merged, "identity": passing}.items():
        strict, tolerant = replace(SMALL, accepts=()), replace(SMALL, accepts=(sort,))
        assert sort in sorts(strict, answer)
        verdict = verify(tolerant, answer, SEED)
        assert (verdict.outcome, verdict.mark) == ("right", 1.0)
        assert any("here that is accepted" in note for note in verdict.notes)
    assert outcome(SMALL, passing) == "right"


def test_the_hint_is_named_only_where_it_helps():
    assert verify(TOY, TOY_STEPS, SEED).hint == 0
    assert verify(TOY, {"p": "x"}, SEED).hint == 1
    assert verify(TOY, None, SEED).hint == 0


def test_the_reference_is_shown_only_where_that_is_declared():
    wrong = SMALL_STEPS | {"f": "b - a"}
    hidden, shown = verify(SMALL, wrong, SEED), verify(replace(SMALL, show_reference=True), wrong, SEED)
    assert hidden.html().count("<img") == 1
    assert shown.html().count("<img") == verify(SMALL, SMALL_STEPS, SEED).html().count("<img") == 2
    assert 'alt="Your graph; where it differs is marked' in hidden.html()
    assert re.findall(r"^ +(\w+) = .*look here$", shown.text(), re.M) == ["f", "f"]  # in both
    assert "2 of them highlighted" in hidden.html()  # the edges into f: a band, not a colour alone


def test_the_same_seed_gives_the_same_verdict():
    for answer in (SMALL_STEPS, SMALL_STEPS | {"f": "b - a"}, {"f": "x"}):
        assert verify(SMALL, answer, SEED) == verify(SMALL, answer, SEED)
    assert fault_of(SMALL, SEED) == ""


# --- code that records its graph -------------------------------------------------------------------------------------


def test_code_is_judged_by_what_it_records():
    assert outcome(SMALL, lambda x, y: (a := x * y) - np.sin(a)) == "right"
    assert "copy" in sorts(SMALL, lambda x, y: x * y - np.sin(x * y))
    assert outcome(FREE, lambda x, y: x * y - np.sin(x * y)) == "right"
    assert outcome(FREE, lambda p, q: p * q - np.sin(p * q)) == "right"
    assert outcome(FREE, lambda y, x: x / y) == "wrong"


def test_a_number_in_the_place_of_a_node_has_the_value_and_no_adjoint():
    def detached(x, y):
        a = x * y
        return a - np.sin(a.value if hasattr(a, "value") else a)

    verdict = verify(FREE, detached, SEED)
    assert verdict.outcome == "wrong"
    assert [block.right for block in verdict.blocks] == [True, False, False]


def test_code_with_choices_is_judged_where_it_chooses():
    relu = GraphExercise(
        "graph.relu", lambda xp, x: xp.sum(xp.where(x > 0, x, 0 * x)), lambda rng: {"x": rng.normal(size=5)}
    )
    assert outcome(relu, lambda x: np.sum(np.where(x > 0, x, 0))) == "right"
    assert outcome(relu, lambda x: np.sum(x[x > 0])) == "right"
    assert outcome(relu, {"h": "relu(x)", "f": "sum(h)"}) == "right"
    assert outcome(relu, lambda x: np.sum(np.abs(x))) == "wrong"


def endless(x, y):
    while True:
        pass


def stub(x, y): ...


def unwritten(x, y):
    raise NotImplementedError


def raising(x, y):
    raise ValueError("no idea")


CODE = {
    "stub": (stub, "not attempted", ""),
    "unwritten": (unwritten, "not attempted", ""),
    "raising": (raising, "wrong", "ValueError: no idea"),
    "endless": (endless, "wrong", "takes too long"),
    "another signature": (lambda x: x, "wrong", "TypeError"),
    "no numbers": (lambda x, y: "x", "wrong", "str"),
    "a constant": (lambda x, y: 1.0, "wrong", "does not depend"),
    "two values": (lambda x, y: (x, y), "wrong", "2 outputs"),
    "a huge value": (lambda x, y: x * np.ones(6000), "wrong", "too large"),
    "an exit": (lambda x, y: exit(1), "wrong", "SystemExit"),
    "an unknown operation": (lambda x, y: np.linalg.cholesky(np.array([[2.0 + x * x]]))[0, 0], "wrong", ""),
}


@pytest.mark.parametrize(("answer", "expected", "told"), CODE.values(), ids=CODE)
def test_code_that_records_nothing_is_told(answer, expected, told):
    verdict = verify(replace(FREE, limit_s=0.3), answer, SEED)
    assert (verdict.outcome, verdict.mark) == (expected, 0)
    assert told in verdict.text()


# --- what is no graph ------------------------------------------------------------------------------------------------


class Odd:
    __hash__ = None


MALFORMED = {
    "a text": ("hello", "hello is no step"),
    "a number": (3.0, "this is the number 3.0"),
    "nan": (float("nan"), "nan"),
    "true": (True, "a truth value"),
    "an object": (Odd(), "of type Odd"),
    "a set": ({"a", "b"}, "is no step; write for instance"),
    "object inside": ({"f": Odd()}, "of type Odd"),
    "keys that are no names": ({(1, 2): "x"}, "a key of type tuple"),
    "a list of numbers": ([1, 2, 3], "1 is no step"),
    "an array": (np.ones((2, 2)), "is no step"),
    "half an operation": ({"f": ("mul", "x")}, "f is a mul of 1 argument; multiply takes two arguments or more"),
    "too many arguments": ({"f": ("sin", "x", "y")}, "sin takes one argument"),
    "unknown operation": ({"f": ("sni", "x")}, "near it are sin"),
    "unheard of": ({"f": ("qqqqq", "x")}, "which is not known"),
    "undefined": ({"alpha": "sin(x)", "f": "x * alpa"}, "alpa, which is defined nowhere; perhaps alpha is meant"),
    "letters side by side": ({"a": "xy", "f": "a + x"}, "xy, which is defined nowhere; a product is written x * y"),
    "a circle": ({"a": ("sin", "b"), "b": ("cos", "a"), "f": "a"}, "go in a circle"),
    "itself": ({"f": ("sin", "f")}, "f → f go in a circle"),
    "no output": ({"a": "x*y", "b": "x+y"}, "the output f is not among the nodes"),
    "a constant output": ({"f": 3}, "the output f is a constant"),
    "an input remade": ({"x": "sin(x)", "f": "x"}, "x is an input"),
    "a foreign input": ({"q": ("input",), "f": "q"}, "the inputs are x, y"),
    "nothing in a node": ({"f": None}, "f has nothing for an operand"),
    "nan in a node": ({"f": ("mul", "x", float("nan"))}, "f has the number nan"),
    "inf in a node": ({"f": "1e999 * x"}, "f = 1e999 * x"),
    "an infinite constant": ({"c": "1/0", "f": "c*x"}, "no finite number"),
    "a huge power": ({"f": "9**9**9**9 * x"}, "no finite number"),
    "ragged": ({"f": ("mul", "x", [[1], [2, 3]])}, "no array of numbers"),
    "no name": ({"": "x", "f": "x"}, "no name"),
    "a numbered name": ({"1": "x", "f": "x"}, "reads as a number"),
    "not python": ({"f": "x +"}, "is no formula"),
    "an attack": ({"f": "__import__('os').system('true')"}, "cannot have"),
    "a lambda": ({"f": "(lambda: x)()"}, "cannot have"),
    "deep": ({"f": "-" * 200 + "x"}, "inside each other"),
    "brackets": ({"f": "(" * 140 + "x" + ")" * 140}, ""),
    "long": ({"f": "x+" * 400 + "x"}, "longer than"),
    "nothing but zero bytes": ({"f": "\0"}, "no formula"),
    "nested": ({"f": ["sin"] * 3}, "defined nowhere"),
    "deeper than data may be": ({"f": [[[[[[[[[["x"]]]]]]]]]]}, "too large"),
    "nodes of nothing": ({"nodes": [None], "edges": []}, "is no node"),
    "edges of nothing": ({"nodes": ["x", ["f", "sin"]], "edges": [None, 3]}, "is no edge"),
    "an edge to nowhere": ({"nodes": ["x", ["f", "sin"]], "edges": [["x", "g"]]}, "g, which is no node"),
    "two of a name": ({"nodes": [["f", "sin"], ["f", "cos"]], "edges": [["x", "f"]]}, "two nodes are called f"),
    "no operation": ({"nodes": ["f"], "edges": [["x", "f"]]}, "f has no operation"),
    "an operation that is none": ({"nodes": [{"id": "f", "op": [1]}], "edges": [["x", "f"]]}, ""),
    "another formula": ({"nodes": [["f", "x*y"], ["g", "sin"]], "edges": [["g", "f"], ["x", "g"]]}, "not those of its"),
    "parameters of no use": ({"f": ("sum", "x", {"axis": "q"})}, ""),
    "a picture of a gradient": (show.gradient_graph(lambda x, y: x * y, 1.0, 2.0), "the picture of a way back"),
    "ten thousand nodes": ({f"n{k}": ("sin", f"n{k - 1}" if k else "x") for k in range(10_000)}, "too large"),
}  # fmt: skip


@pytest.mark.parametrize("exercise", [SMALL, FREE], ids=["prescribed", "free"])
@pytest.mark.parametrize(("answer", "told"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_graph_is_told(exercise, answer, told):
    verdict = verify(exercise, answer, SEED)
    assert verdict.outcome == "wrong"
    assert verdict.mark < 1
    assert told in verdict.text()
    verdict.html()


@pytest.mark.parametrize("answer", [None, {}, [], "", ..., {"nodes": [], "edges": []}], ids=repr)
def test_nothing_handed_in_is_no_attempt(answer):
    verdict = verify(SMALL, answer, SEED)
    assert (verdict.outcome, verdict.mark) == ("not attempted", 0)


LARGE = {
    "a chain": {f"n{k}": ("sin", f"n{k - 1}" if k else "x") for k in range(300)} | {"f": "n299 * y"},
    "copies": {f"n{k}": ("sin", "x") for k in range(300)} | {"f": ("add", *(f"n{k}" for k in range(60)))},
    "a doubling": {f"n{k}": f"n{k - 1} + n{k - 1}" if k else "x + y" for k in range(300)} | {"f": "n299"},
    "growing values": {"n0": "stack(x, y)", "f": "sum(n39)"}
    | {f"n{k}": f"outer(n{k - 1}, n{k - 1})" for k in range(1, 40)},
    "a large shape": {"a": ("broadcast_to", "x", {"shape": [10**6, 10**6]}), "f": "sum(a)"},
    "a full house": {f"n{k}": ("add", f"n{k - 1}" if k else "x", "y") for k in range(300)} | {"f": "n299"},
}  # fmt: skip


@pytest.mark.parametrize("exercise", [SMALL, FREE], ids=["prescribed", "free"])
@pytest.mark.parametrize("answer", LARGE.values(), ids=LARGE)
def test_a_large_graph_does_not_explode(exercise, answer):
    assert verify(exercise, answer, SEED).outcome == "wrong"


WORDS = st.sampled_from(
    ["x", "y", "a", "f", "mul", "sin", "sub", "^2", "input", "x*y", "a - x", "->", "nodes", "op", ""]
)
LEAVES = st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | WORDS | st.text(max_size=5)
NAMES = st.sampled_from(["a", "b", "f", "x", "nodes", "edges", "id", "op", "outputs", "args", "axis", "value", "slice"])
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)


@settings(max_examples=150, deadline=None)
@given(ANYTHING)
def test_whatever_data_are_handed_in_nothing_is_raised(data):
    for exercise in (SMALL, FREE):
        verdict = verify(exercise, data, SEED)
        assert verdict.outcome in ("not attempted", "wrong", "right")
        verdict.html()


VECTORS = GraphExercise(
    "graph.vectors",
    lambda xp, x, y: xp.sin(x) * y + xp.sum(x),
    lambda rng: {"x": rng.normal(size=3), "y": rng.normal(size=3)},
    prescribed=True,
)
STEPS = st.one_of(
    st.tuples(WORDS, LEAVES, LEAVES),
    st.tuples(st.sampled_from(sorted(OPERATIONS)), st.sampled_from("xya"), st.sampled_from("xyb")),
    st.tuples(st.sampled_from(sorted(OPERATIONS)), st.sampled_from("xya"), st.dictionaries(NAMES, LEAVES, max_size=1)),
    st.tuples(st.sampled_from(sorted(OPERATIONS)), st.sampled_from("xya")),
)


@settings(max_examples=100, deadline=None)
@given(STEPS, STEPS, STEPS)
def test_whatever_steps_are_written_nothing_is_raised(a, b, f):
    for exercise in (FREE, VECTORS):
        verdict = verify(exercise, {"a": a, "b": b, "f": f}, SEED)
        assert verdict.outcome in ("wrong", "right", "inconclusive")
        verdict.html()


def test_a_picture_by_hand_is_a_graph_too():
    nodes = [{"id": "x"}, {"id": "y"}, {"id": "a", "op": "mul"}, {"id": "b", "op": "sin"}, {"id": "f", "op": "sub"}]
    edges = [["x", "a", 0], ["y", "a", 1], ["a", "b", 0], ["a", "f", 0], ["b", "f", 1]]
    drawn = Graph.from_data({"nodes": nodes, "edges": edges})
    assert outcome(SMALL, drawn) == "right"


# --- declarations ----------------------------------------------------------------------------------------------------

REFUSED = {
    "outputs": ({"outputs": ()}, "outputs"),
    "two of a name": ({"outputs": ("f", "f")}, "names an output twice"),
    "too many outputs": ({"outputs": ("f", "g")}, "fails on its own inputs"),
    "accepts": ({"accepts": ("anything",)}, "accepts names 'anything'"),
    "shares": ({"shares": {"beauty": 1}}, "shares names 'beauty'"),
    "no shares": ({"shares": {"form": 0, "values": 0}}, "not all be zero"),
    "half a reference": ({"steps": {"f": ("mul", "x")}}, "the reference is no graph"),
    "another reference": ({"steps": {"f": "x + y"}}, "do not compute f"),
    "points": ({"points": -1}, "points"),
}


@pytest.mark.parametrize(("options", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_declaration_that_cannot_be_is_refused(options, reason):
    with pytest.raises(ExerciseError, match=reason):
        replace(FREE, **options)


def test_an_exercise_that_cannot_be_judged_costs_nobody_a_point():
    nowhere = GraphExercise("graph.nowhere", lambda xp, x: xp.log(x), lambda rng: {"x": 1.0 if once(rng) else -1.0})
    assert fault_of(nowhere, SEED)
    verdict = verify(nowhere, {"f": "log(x)"}, SEED)
    assert (verdict.outcome, verdict.mark) == ("fault", 1.0)
    assert outcome(nowhere, None) == "not attempted"


def test_a_point_that_cannot_be_drawn_costs_nobody_a_point():
    def drawn(rng):
        if not once(rng):
            raise RuntimeError("no more points")
        return {"x": 1.0}

    nowhere = GraphExercise("graph.undrawn", lambda xp, x: xp.log(x), drawn)
    for answer in ({"f": "log(x)"}, np.log):
        assert verify(nowhere, answer, SEED).outcome == "fault"
    assert "no more points" in fault_of(nowhere, SEED)


def test_labels_are_no_real_inputs():
    classes = GraphExercise(
        "graph.classes",
        lambda z, labels: autodiff.cross_entropy(z, labels),
        lambda rng: {"z": rng.normal(size=(5, 3)), "labels": rng.integers(0, 3, 5)},
        steps={"f": ("cross_entropy", "z", "labels")},
        prescribed=True,
    )
    assert outcome(classes, {"f": "cross_entropy(z, labels)"}) == "right"
    assert [block.name for block in verify(classes, {"f": "mean(z)"}, SEED).blocks] == ["f", "∂f/∂z"]
    assert "your f = cross_entropy(z, z) cannot be computed" in causes(
        verify(classes, {"f": "cross_entropy(z, z)"}, SEED)
    )


def test_what_code_prints_is_seen_once(capsys):
    def talking(x, y):
        print("here")
        return x * y - np.sin(x * y)

    assert outcome(FREE, talking) == "right"
    assert capsys.readouterr().out == "here\n"


def once(rng):
    """Whether this is the point at which a declaration is tried out."""
    return rng.bit_generator.state == np.random.default_rng(0).bit_generator.state


# --- random graphs ---------------------------------------------------------------------------------------------------


def relabelled(graph, rng):
    """The same graph under other names, in another order, with commuting arguments swapped, in one of the forms."""
    names = {name: f"q{k}" for k, name in enumerate(rng.sample(list(graph.steps), len(graph.steps)))} | {"f": "f"}
    steps = {}
    for name, (operation, *operands) in graph.steps.items():
        moved = [names.get(operand, operand) for operand in operands]
        if operation not in ORDERED and rng.random() < 0.5:
            moved.reverse()
        steps[names[name]] = (operation, *moved)
    steps = dict(rng.sample(list(steps.items()), len(steps)))
    form = rng.choice(["steps", "formulas", "edges"])
    if form == "steps":
        return steps
    if form == "formulas":
        return {name: f"{operation}({', '.join(operands)})" for name, (operation, *operands) in steps.items()}
    edges = [[o, name, slot] for name, (_, *operands) in steps.items() for slot, o in enumerate(operands)]
    return {"nodes": [[name, step[0]] for name, step in steps.items()], "edges": rng.sample(edges, len(edges))}


@few
@given(RANDOM)
def test_a_graph_under_other_names_is_the_same(drawn):
    graph = made(*drawn)
    verdict = verify(graph.exercise(), relabelled(graph, random.Random(drawn[0])), SEED)
    assert verdict.outcome == "right", verdict.text()


def redirected(graph, rng):
    name = rng.choice([n for n in graph.steps if n != "n0"])
    operation, *operands = graph.steps[name]
    known = ["x", "y", *list(graph.steps)[: list(graph.steps).index(name)]]
    slot = rng.randrange(len(operands))
    operands[slot] = rng.choice([other for other in known if other not in operands])
    return name, graph.steps | {name: (operation, *operands)}


def swapped(graph, rng):
    name = rng.choice([n for n, step in graph.steps.items() if step[0] in ORDERED])
    operation, one, other = graph.steps[name]
    return name, graph.steps | {name: (operation, other, one)}


def duplicated(graph, rng):
    name = rng.choice([n for n in graph.steps if len(graph.users(n)) > 1])
    user = rng.choice(graph.users(name))
    step = tuple("copy_of_it" if part == name else part for part in graph.steps[user])
    return name, {"copy_of_it": graph.steps[name]} | graph.steps | {user: step}


def dropped(graph, rng):
    name = rng.choice([n for n, step in graph.steps.items() if len(step) > 2])
    return name, graph.steps | {name: graph.steps[name][:2]}


def with_another_operation(graph, rng):
    name = rng.choice(list(graph.steps))
    operation, *operands = graph.steps[name]
    others = [other for other in (ONE if len(operands) == 1 else TWO) if other != operation]
    return name, graph.steps | {name: (rng.choice(others), *operands)}


EDITS = {
    "redirected": redirected,
    "swapped": swapped,
    "duplicated": duplicated,
    "dropped": dropped,
    "operation": with_another_operation,
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
@few
@given(RANDOM)
def test_a_graph_with_one_edit_is_wrong_and_the_place_is_told(edit, drawn):
    graph = made(*drawn)
    try:
        name, answer = edit(graph, random.Random(drawn[0]))
    except IndexError:  # there is no such place
        assume(False)
    verdict = verify(graph.exercise(), answer, SEED)
    assert verdict.outcome == "wrong", verdict.text()
    assert re.search(rf"\b{name}\b", causes(verdict)), verdict.text()


def as_networkx(steps):
    """A graph by what it says: operations at nodes, places at edges where their order counts."""
    out = nx.MultiDiGraph()
    for name in ("x", "y"):
        out.add_node(name, says=name)
    for name, (operation, *_) in steps.items():
        out.add_node(name, says=(operation, name == "f"))
    for name, (operation, *operands) in steps.items():
        for slot, operand in enumerate(operands):
            out.add_edge(operand, name, slot=slot if operation in ORDERED else -1)
    return out


def slots_of(edges):
    return sorted(edge["slot"] for edge in edges.values())


@few
@given(RANDOM, st.sampled_from(["redirected", "swapped", "duplicated", "operation"]))
def test_what_nodes_make_says_the_same_as_what_they_are_called(drawn, edit):
    graph, rng = made(*drawn), random.Random(drawn[0])
    try:
        other = EDITS[edit](graph, rng)[1]
    except IndexError:
        assume(False)
    points = [{"x": rng.uniform(0.5, 1.5), "y": rng.gauss(0, 1)} for _ in range(6)]
    drawings = [read({n: list(s) for n, s in g.items()}, ("x", "y"), ("f",)) for g in (graph.steps, other)]
    pairs = zip((graph.steps, other), drawings, strict=True)
    drawn_by_name = [as_networkx({name: g[name] for name in drawing.steps}) for g, drawing in pairs]
    by_name = nx.is_isomorphic(
        *drawn_by_name,
        node_match=lambda a, b: a["says"] == b["says"],
        edge_match=lambda a, b: slots_of(a) == slots_of(b),
    )
    assert is_same(*drawings, Kinds(points)) == by_name


def ring(*groups):
    """Six copies of one node, added in pairs along rings, and all of it added up."""
    steps = {f"b{k}": ["sin", "x"] for k in range(6)}
    pairs = [(group[k], group[(k + 1) % len(group)]) for group in groups for k in range(len(group))]
    steps |= {f"c{k}": ["add", f"b{i}", f"b{j}"] for k, (i, j) in enumerate(pairs)}
    return read(steps | {"f": ["add", *(f"c{k}" for k in range(6))]}, ("x",), ("f",))


def test_graphs_whose_nodes_all_look_alike_are_told_apart():
    one, two, turned = ring(range(6)), ring(range(3), range(3, 6)), ring([2, 4, 0, 5, 3, 1])
    kinds = Kinds([{"x": 0.1 * k} for k in range(6)])
    assert is_same(one, turned, kinds)
    assert not is_same(one, two, kinds)


def test_pair_is_what_the_course_declares():
    assert pair(np, 2.0, 1.0) == pytest.approx((7.671296, 2.731059), abs=1e-6)
    assert two_numbers(np.random.default_rng(0)).keys() == {"x", "y"}


def test_where_networkx_is_missing_a_graph_is_not_decided(monkeypatch):
    monkeypatch.setitem(sys.modules, "networkx", None)
    verdict = verify(TOY, TOY_STEPS, SEED)
    assert (verdict.outcome, verdict.mark) == ("inconclusive", 0)
    assert "pip install networkx" in verdict.text()
