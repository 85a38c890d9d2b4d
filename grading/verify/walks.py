"""Walks over lists that go wrong by rule: at every line of one kind, wherever that stands.

Whoever writes a machine that walks lists of operations makes a mistake once, in one of its rules, and it shows at every
line that the rule is used for. The lists may differ from point to point: nothing here is about a certain line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain

import numpy as np

from autodiff.rule import Elementwise, Rule
from grading.verify.activations import ENTRYWISE_FORMS, FORMS, Slope, explained
from grading.verify.faults import Edit, Edits, Recorded
from grading.verify.suspects import Group, planted

Place = tuple[int, int, int]  # a line, a slot, and the line in that slot
Altered = Callable[[Recorded, Place], Edit | None]

_DROPPED = "a path or term dropped"


def walks(lists: Sequence[Recorded]) -> Iterator[Group]:
    """What may go wrong by rule, in any of these lists; what has a plainer name first."""
    rules = {line[0].name: line[0] for recorded in lists for line in recorded.lines if line[0] is not None}
    yield chain(_overwritten(), *map(_of_rule, rules.values()))
    yield chain.from_iterable(_of_forms(name) for name, rule in rules.items() if _is_function(rule))


def _of_rule(rule: Rule) -> Group:
    if rule.name in ("multiply", "matmul"):
        yield from _of_products(rule.name)
    if isinstance(rule, Elementwise) and len(rule.formulas) == 2:
        yield from _of_two(rule.name)
    if _is_function(rule):
        yield from _of_function(rule.name)


def _is_function(rule: Rule) -> bool:
    """Whether it is a function of single entries with a slope of its own."""
    return isinstance(rule, Elementwise) and len(rule.formulas) == 1 and callable(rule.formulas[0])


def _of_two(name: str) -> Group:
    """One argument of every such line, or that of a line that takes one value twice."""
    text = f"Where {name} takes one value twice, what comes back to it counts once only."
    yield planted(_DROPPED, text, partial(_twice_counted_once, name))
    for slot, which in enumerate(("first", "second")):
        text = f"What {name} passes on to its {which} argument is missing, wherever it is used."
        yield planted(_DROPPED, text, partial(_at_all, name, partial(_times, slot, 0.0)))
        text = f"What {name} passes on to its {which} argument has the wrong sign, wherever it is used."
        yield planted("sign of one term", text, partial(_at_all, name, partial(_times, slot, -1.0)))


def _of_products(name: str) -> Group:
    text = "The factors of a product have changed places: what goes on to each is multiplied by the other one."
    yield planted("product rule misapplied", text, partial(_at_all, name, _by_own_factor))
    text = "What passes through a product is multiplied by the other factor: that is missing in every product."
    yield planted("product rule misapplied", text, partial(_at_all, name, _by_one))


def _of_function(name: str) -> Group:
    """The derivative of a function of single entries, wherever that is used."""
    text = f"The derivative of {name} is missing, wherever it is used."
    yield planted("activation derivative forgotten", text, partial(_at_all, name, _by_one))
    for last, which in ((True, "last"), (False, "first")):
        text = f"The derivative of {name} is there at its {which} use alone, and missing at all others."
        yield planted("activation derivative forgotten", text, partial(_at_all_but, name, last))
    text = f"The derivative of {name} has the wrong sign, wherever it is used."
    yield planted("sign of one term", text, partial(_at_all, name, partial(_times, 0, -1.0)))
    text = f"The derivative of {name} is taken at its value, wherever it is used; it belongs at its argument."
    yield planted("activation derivative at the wrong point", text, partial(_at_all, name, _at_value))
    text = f"The derivative of {name} has the right form, but of its argument where its value belongs."
    yield planted("activation derivative at the wrong point", text, partial(_at_all, name, _at_exchanged))


def _of_forms(name: str) -> Group:
    for form, slope in {**ENTRYWISE_FORMS, **FORMS}.items():
        text = f"The derivative of {name} is not {explained(form, name)}."
        edits = partial(_at_all, name, partial(_by_form, slope))
        yield planted("activation derivative of the wrong form", text, edits)


# --- at every line of a kind -----------------------------------------------------------------------------------------


def _at_all(name: str, altered: Altered, recorded: Recorded) -> Edits:
    places = (place for place in recorded.edges if recorded.names_of_rules[place[0]] == name)
    return [edit for place in places if (edit := altered(recorded, place)) is not None]


def _at_all_but(name: str, last: bool, recorded: Recorded) -> Edits:
    edits = _at_all(name, _by_one, recorded)
    return edits[:-1] if last else edits[1:]


def _times(slot: int, factor: float, recorded: Recorded, place: Place) -> Edit | None:
    i, at, parent = place
    return Edit(i, parent, at, times=factor) if at == slot else None


def _by_one(recorded: Recorded, place: Place) -> Edit:
    i, slot, parent = place
    return Edit(i, parent, slot, instead=1.0)


def _by_own_factor(recorded: Recorded, place: Place) -> Edit:
    i, slot, parent = place
    return Edit(i, parent, slot, instead=recorded.value(parent))


def _by_form(slope: Slope, recorded: Recorded, place: Place) -> Edit:
    i, slot, parent = place
    return Edit(i, parent, slot, instead=slope(recorded.value(parent), recorded.value(i)))


def _at_value(recorded: Recorded, place: Place) -> Edit:
    i, slot, parent = place
    rule, y = recorded.lines[i][0], recorded.value(i)
    assert rule is not None
    return Edit(i, parent, slot, at=((y,), rule.evaluate(y)))


def _at_exchanged(recorded: Recorded, place: Place) -> Edit:
    """A slope that is made of the value, made of the argument instead: 1 - x**2 for 1 - y**2."""
    i, slot, parent = place
    return Edit(i, parent, slot, at=((recorded.value(i),), recorded.value(parent)))


def _twice_counted_once(name: str, recorded: Recorded) -> Edits:
    """The first slot of every such line left out, where both hold the same."""
    places = [place for place in recorded.edges if recorded.names_of_rules[place[0]] == name]
    return [Edit(i, parent, 0, times=0.0) for i, slot, parent in places if slot == 0 and (i, 1, parent) in places]


# --- what comes back to a value that is used more than once ----------------------------------------------------------


def _overwritten() -> Group:
    """One use alone counts, of every value that several lines use: that which a walk comes to last."""
    text = "Where a value is used several times, what comes back from its uses is overwritten instead of added."
    for skips_zeros in (False, True):
        yield planted(_DROPPED, text, partial(_one_use_each, skips_zeros))


def _one_use_each(skips_zeros: bool, recorded: Recorded) -> Edits:
    """All uses of every value left out but one: its second slot in the first line that takes it, or else the only one.

    Parts that are taken of an array are no uses of one value.
    """
    uses = (edge for edge in recorded.edges if recorded.names_of_rules[edge[0]] != "getitem")
    counted = [edge for edge in uses if not (skips_zeros and _passes_nothing(recorded, edge))]
    kept: dict[int, Place] = {}
    for i, slot, parent in counted:
        if parent not in kept or kept[parent][0] == i:
            kept[parent] = (i, slot, parent)
    return [Edit(i, parent, slot, times=0.0) for i, slot, parent in counted if kept[parent] != (i, slot, parent)]


def _passes_nothing(recorded: Recorded, edge: Place) -> bool:
    """Whether a line multiplies by a constant zero."""
    i, slot, _ = edge
    args = recorded.lines[i][2]
    return recorded.names_of_rules[i] == "multiply" and not np.any(np.asarray(args[1 - slot]))
