"""The judge of graphs is itself judged: break one piece of it, and the battery of known answers must notice."""

from dataclasses import replace

import networkx
import numpy as np
import pytest
from graphs import FREE, PAIR, PAIR_STEPS, SMALL, SMALL_STEPS, TOY, TOY_STEPS, causes
from test_graph_answers import (
    test_a_number_in_the_place_of_a_node_has_the_value_and_no_adjoint as adjoints_are_walked,
)
from test_graph_answers import test_every_layer_has_its_share as layers_have_shares
from test_graph_answers import test_graphs_whose_nodes_all_look_alike_are_told_apart as alike_are_told_apart
from test_graph_answers import test_the_reference_is_shown_only_where_that_is_declared as reference_is_hidden
from test_graph_answers import test_what_is_accepted_is_right_with_a_note as accepted_with_a_note

from grading.answers import drawing, forms, graph, kinds, layers, structure, verify
from grading.answers.kinds import Kinds
from grading.answers.layers import Session
from grading.answers.operations import OPERATIONS

SEED = 3
COPY = SMALL_STEPS | {"a2": ("mul", "y", "x"), "b": ("sin", "a2")}
KNOWN = [
    (SMALL, SMALL_STEPS, "right", ""),
    (SMALL, {"p": ("mul", "y", "x"), "q": ("sin", "p"), "f": ("sub", "p", "q")}, "right", ""),
    (TOY, TOY_STEPS | {"z2": "y**2 + x**2 + 1"}, "right", ""),
    (PAIR, PAIR_STEPS, "right", ""),
    (FREE, {"f": "x*y - sin(x*y)"}, "right", ""),
    (SMALL, COPY, "wrong", "a and a2 are the same"),
    (SMALL, SMALL_STEPS | {"f": ("sub", "b", "a")}, "wrong", "the arguments are swapped"),
    (SMALL, SMALL_STEPS | {"f": ("sub", "a", "y")}, "wrong", "its second argument, y"),
    (SMALL, SMALL_STEPS | {"b": ("cos", "a")}, "wrong", "look at the operation"),
    (SMALL, SMALL_STEPS | {"d": "a + b"}, "wrong", "leads nowhere"),
    (SMALL, {"a": ("mul", "x", "x"), "b": "sin(a)", "f": "a - b"}, "wrong", "no path from y to f"),
    (TOY, TOY_STEPS | {"z3": "x**2"}, "wrong", "the number in it is not"),
    (PAIR, PAIR_STEPS | {"y1": ("sub", "v3", "v7")}, "wrong", "y1"),
    (FREE, SMALL_STEPS | {"f": ("sub", "b", "a")}, "wrong", "the arguments are swapped"),
    (FREE, {"a": "x*y", "f": "a - sin(x)"}, "wrong", ""),
    (SMALL, {"a": ("sin", "b"), "b": ("cos", "a"), "f": "a"}, "wrong", "circle"),
    (SMALL, {"f": ("mul", "x")}, "wrong", "takes two arguments"),
    (SMALL, {"f": ("qqq", "x")}, "wrong", "not known"),
    (SMALL, {"f": "x * q"}, "wrong", "defined nowhere"),
    (SMALL, {"f": "1e400 * x + 1/0"}, "wrong", "f"),
]


def known_answers_are_judged():
    for exercise, answer, outcome, told in KNOWN:
        verdict = verify(exercise, answer, SEED)
        assert verdict.outcome == outcome, verdict.text()
        assert told in causes(verdict), verdict.text()
        assert (verdict.mark == exercise.points) == (outcome == "right")


BATTERY = (
    known_answers_are_judged,
    layers_have_shares,
    adjoints_are_walked,
    accepted_with_a_note,
    alike_are_told_apart,
    reference_is_hidden,
)


def always_right(bench, reply, point):
    expected = layers._reply(bench, bench.expected)
    return COMPARE(bench, expected, point)


COMPARE = layers.compare


def as_expected(session, graph, bench, number):
    return bench.expected


def all_of_one_kind(values, known):
    return True


MUTANTS = {
    "form is not looked at": (Session, "_form", lambda self: []),
    "values are not looked at": (layers, "compare", always_right),
    "adjoints are not looked at": (Session, "_adjoints", as_expected),
    "structure is not looked at": (Session, "_structure", lambda self: ([], [])),
    "every graph is the same": (kinds, "is_same", lambda mine, theirs, known: True),
    "no graph is the same": (kinds, "is_same", lambda mine, theirs, known: False),
    "colours are taken for a mapping": (networkx, "is_isomorphic", lambda *graphs, **how: True),
    "edges are not looked at": (kinds, "edges_of", lambda graph: []),
    "users are not looked at": (kinds, "_refined", lambda graphs, colours: [{"f": 0}, {"f": 0}]),
    "all steps are of one kind": (kinds, "_all_close", all_of_one_kind),
    "no steps are of one kind": (kinds, "_all_close", lambda values, known: False),
    "all stand-ins are 1": (Kinds, "_stand_ins", lambda self, values: [np.ones(np.shape(v)) for v in values]),
    "steps are not regrouped": (structure, "regrouped", lambda mine, theirs, known: (mine, [])),
    "nothing is explained": (structure, "differences", lambda mine, theirs, known: []),
    "swaps are not seen": (structure._Differences, "_swapped", lambda self, step: None),
    "redirections are not seen": (structure._Differences, "_redirected", lambda self, step: (None, 0)),
    "copies are not seen": (structure._Differences, "_copies", lambda self: None),
    "mends are not tried": (Session, "_is_mended_by", lambda self, found: False),
    "paths are not looked at": (Session, "_no_paths", lambda self: []),
    "circles are not seen": (drawing._Reader, "_sorted", lambda self, parsed: parsed),
    "operations mean nothing": (drawing, "meant", lambda word, count: None),
    "arity does not count": (drawing, "OPERATIONS", {n: replace(o, fewest=0) for n, o in OPERATIONS.items()}),
    "all operations are sums": (drawing, "meant", lambda word, count: ("add", [], [])),
    "the reference is shown": (Session, "_figures", lambda self, right, marked: SHOWN(self, True, marked)),
    "no graph is read": (forms.Entries, "_of_steps", lambda self, data: None),
}
SHOWN = Session._figures


BENCHES = graph.benches_of


@pytest.fixture(scope="module", autouse=True)
def _benches_are_kept():
    """What is known at a point does not change with the judge of graphs, and takes most of the time."""
    kept = {}

    def benches_of(exercise, seed):
        if (id(exercise), seed) not in kept:
            kept[id(exercise), seed] = exercise, BENCHES(exercise, seed)
        return kept[id(exercise), seed][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph, "benches_of", benches_of)
        yield


def holds():
    """Whether the battery passes: an exception is a failure too."""
    try:
        for check in BATTERY:
            check()
    except Exception:
        return False
    return True


def test_the_battery_holds():
    for check in BATTERY:
        check()


@pytest.mark.parametrize(("owner", "name", "broken"), MUTANTS.values(), ids=MUTANTS)
def test_a_broken_judge_is_noticed(monkeypatch, owner, name, broken):
    monkeypatch.setattr(owner, name, broken)
    assert not holds()
