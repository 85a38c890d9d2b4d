"""Which mistake explains a wrong answer: every entry of the catalogue is a hypothesis that is tested, never a guess.

First come mistakes that can be seen on the arrays themselves (`catalogue.py`), then single faults planted in the
recorded list of the function (`suspects.py`, `planted.py`), then what the function gets right by luck (`probes.py`).
Where nothing fits, no mistake is named, and what is known is said: which entries are wrong, and at which inputs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from grading.verify import catalogue, layouts, places, precision, scales, targets
from grading.verify.budget import Budget, Clock
from grading.verify.catalogue import ALMOST_SURE, FAMILIES, LIKELY, MISTAKES, Family, Mistake, Observation, Seen
from grading.verify.elsewhere import elsewhere
from grading.verify.epsilons import epsilons
from grading.verify.exercise import Array
from grading.verify.known import known
from grading.verify.planted import (
    activation_faults,
    arrangement_faults,
    far_fetched_faults,
    faults_of_walks,
    misread_functions,
    pairs_of_faults,
    planted_faults,
)
from grading.verify.probes import (
    Ask,
    Kinds,
    is_stuck,
    luck,
    ordinary,
    real_inputs,
    same_when_rounded,
    share_of_error_moved,
    telling,
    works_when_square,
)
from grading.verify.products import products
from grading.verify.sampling import Question
from grading.verify.trial import Found
from grading.verify.verdict import Cause

__all__ = ["FAMILIES", "MISTAKES", "Diagnosis", "Observation", "diagnose", "explain", "when_it_fails"]


@dataclass(frozen=True)
class Diagnosis:
    """The mistakes found, likeliest first, and what is known about blocks for which none was found."""

    causes: tuple[Cause, ...] = ()
    known: tuple[str, ...] = ()


def explain(observations: Seen, ask: Ask | None = None) -> tuple[Cause, ...]:
    """The mistakes that account for one block, observed at all points."""
    return diagnose([observations], ask).causes


def diagnose(
    blocks: Sequence[Seen], ask: Ask | None = None, of: int | None = None, clock: Clock = time.process_time
) -> Diagnosis:
    """What explains the wrong ones among `of` blocks of an answer, each observed at all points.

    A block so near to the right one that a prediction would fit which hardly differs from that has nothing to explain.
    `ask` puts further questions to the answer; without it nothing is said of luck. With _SEARCH_WORK done, or after
    _SEARCH_S seconds on `clock`, the search ends, likelier mistakes having been tried before others; what can be seen
    fast is still looked at.
    """
    count = len(blocks) if of is None else of
    wrong = [seen for seen in blocks if not all(map(catalogue.is_near, seen))]
    found: list[Found] = []
    search = Budget(_SEARCH_S, clock, _SEARCH_WORK)
    for step in _STEPS:
        silent = _silent(wrong, found)
        budget = Budget(_FAST_S, clock) if step in _FAST else search
        if silent and not budget.is_spent:
            # the student's numbers may overflow, and an explanation that fails must not cost the verdict
            with np.errstate(all="ignore"), suppress(Exception), budget.granted():
                found += _where_it_shows(step, silent, ask)
    told: dict[str, list[str]] = {}
    for seen in _silent(wrong, found):
        for text in known(seen):
            told.setdefault(text, []).append(seen[0].name)
    facts = (text if count == 1 else f"{', '.join(names)}: {text}" for text, names in told.items())
    return Diagnosis(_causes(found, count), tuple(facts))


Step = Callable[[list[Seen], Ask | None], list[Found]]


def _where_it_shows(step: Step, wrong: list[Seen], ask: Ask | None) -> list[Found]:
    """What a step finds if it looks first at points at which most is wrong, since others show neither kinks nor units;
    and else as they come, since where all is zero no unit is known for what it is."""
    near = [sum(map(catalogue.is_near, point)) for point in zip(*wrong, strict=True)]
    order = sorted(range(len(near)), key=near.__getitem__)
    if step in _IN_ORDER or near[0] == near[order[0]]:
        return step(wrong, ask)
    turned = [[seen[point] for point in order] for seen in wrong]
    return _of_originals(step(turned, ask), turned, wrong) or step(wrong, ask)


def _of_originals(found: list[Found], turned: list[Seen], wrong: list[Seen]) -> list[Found]:
    """What was found in blocks that stand for others, said of those."""
    originals = {id(changed): seen for changed, seen in zip(turned, wrong, strict=True)}
    return [replace(one, blocks=[originals[id(seen)] for seen in one.blocks]) for one in found]


def _silent(wrong: list[Seen], found: list[Found]) -> list[Seen]:
    """The blocks that nothing explains so far."""
    return [seen for seen in wrong if not any(seen is block for one in found for block in one.blocks)]


def _is_one_number(seen: Seen) -> bool:
    """Whether a block is one number at one point, which several mistakes may explain equally well."""
    return seen[0].question.exercise.is_data and sum(one.right.size for one in seen) == 1


# What is said of numbers worked out by hand, by family: how to turn them into the answer would give that away.
_CHECKS = {
    "layout": "Check the order and the shape of what you wrote.",
    "sign and scale": "Check signs and constant factors.",
    "calculus": "Check that every path, term and factor of the derivative is there.",
    "arrays": "Check sums and indices.",
    "wrong target": "Check that it is the derivative that is asked.",
}
_CHECK_ONE_NUMBER = "Check signs and constant factors, and that every path, term and factor of the derivative is there."


def _as_told(one: Found) -> tuple[str, str, float]:
    """Label, text and certainty of what was found; of an answer worked out by hand, where to look."""
    if not one.blocks[0][0].question.exercise.is_data:
        return one.label, one.text, one.certainty
    family = FAMILIES[one.label]
    if family in ("sign and scale", "calculus") and any(map(_is_one_number, one.blocks)):
        return one.label, _CHECK_ONE_NUMBER, LIKELY
    return one.label, _CHECKS.get(family, one.text), one.certainty


def _causes(found: list[Found], count: int) -> tuple[Cause, ...]:
    """Each mistake once, those first that explain most; with the names of its blocks unless it concerns all."""
    united: dict[tuple[str, str, float], list[Seen]] = {}
    for one in found:
        blocks = united.setdefault(_as_told(one), [])
        blocks += [seen for seen in one.blocks if not any(seen is block for block in blocks)]
    causes = []
    for (label, text, certainty), seen in sorted(united.items(), key=lambda item: -len(item[1])):
        names = ", ".join(block[0].name for block in seen)
        causes.append(Cause(label, text if len(seen) == count else f"{names}: {text}", certainty))
    return tuple(causes)


def when_it_fails(questions: Sequence[Question], ask: Ask) -> tuple[Cause, ...]:
    """Why a function that raises an exception may do so: it was written for inputs of one kind."""
    blocks = range(len(questions[0].exercise.block_names))
    with np.errstate(all="ignore"):
        kinds = list(luck(ordinary, questions, blocks, ask))
    for label, text, fine in kinds:
        if len(fine) == len(blocks) and label in ("right for square shapes only", "wrong for batches"):
            return (Cause(label, text, LIKELY),)
    if works_when_square(questions, ask):
        text = "Your function fails unless all lengths are equal: which axis is which?"
        return (Cause("right for square shapes only", text, LIKELY),)
    return ()


# --- the steps -----------------------------------------------------------------------------------------------------


def _on_arrays(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    steps = (precision.unfinite, precision.rounding, layouts.layout, layouts.wrong_axis, targets.blanks, scales.scales)
    return _catalogued(wrong, steps)


def _on_the_list(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return _evident(planted_faults(wrong), _FEW)


def _on_arrangements(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return _evident(arrangement_faults(wrong), _FEW)


def _on_products(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return _evident(products(wrong), _MANY)


def _on_walks(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return _evident(faults_of_walks(wrong), _MANY)


def _on_places(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return _catalogued(wrong, (places.places, places.one_place, places.signs))


def _on_targets(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return _catalogued(wrong, (targets.targets,))


def _on_activations(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return _evident(activation_faults(wrong), _FEW)


def _elsewhere(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return _evident(elsewhere(wrong), _MANY)


def _far_fetched(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return _evident(far_fetched_faults(wrong), _MANY)


def _misread(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return _evident(misread_functions(wrong), _MANY)


def _pairs(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return _evident(pairs_of_faults(wrong), _VERY_MANY)


def _two_mistakes(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    """A wrong sign, or a sum for a mean, beside another fault: both are said."""
    if wrong[0][0].question.exercise.is_data:
        return []
    for label, text, scaled in scales.beside_another(wrong[0]):
        turned = [[replace(one, yours=scaled(one)) for one in seen] for seen in wrong]
        found = [one for one in planted_faults(turned) if one.certainty >= ALMOST_SURE]
        if found:
            faults = _of_originals(found, turned, wrong)
            both = [seen for seen in wrong if any(seen is block for one in faults for block in one.blocks)]
            return [*faults, Found(label, text, ALMOST_SURE, both)]
    return []


def _by_epsilons(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return [] if wrong[0][0].question.exercise.is_data else epsilons(wrong)


def _by_memory(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    """What a first call left behind: right there, and wrong right beside it when it is asked again."""
    text = (
        "Your answer is right at its first call and wrong later, even right beside it: something is kept between calls."
    )
    return [
        Found("an earlier answer returned", text, ALMOST_SURE, [seen])
        for seen in wrong
        if ask is not None and catalogue.is_near(seen[0]) and is_stuck(seen[0].question, seen[0].block, ask)
    ]


def _by_telling_luck(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return _lucky(wrong, ask, telling)


def _by_luck(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return _lucky(wrong, ask, ordinary)


def _lucky(wrong: list[Seen], ask: Ask | None, kinds: Kinds) -> list[Found]:
    """Inputs of a kind for which the answer is right after all."""
    exercise = wrong[0][0].question.exercise
    if ask is None or exercise.is_data or exercise.asks == "value":
        return []
    questions = [one.question for one in wrong[0]]
    numbers = [
        seen[0].block
        for seen in wrong
        if sum(not catalogue.is_near(one) for one in seen) >= min(2, len(seen))
        and max(map(catalogue.relative_error, seen)) > catalogue.NEARLY_RIGHT  # where nothing is rounded that is right
    ]
    for label, text, fine in luck(kinds, questions, numbers, ask):
        return [Found(label, text, LIKELY, [seen for seen in wrong if seen[0].block in fine])]
    return []


# Of numbers worked out by hand, so many decimal digits must a fault explain: by how many faults are tried before it.
_FEW, _MANY, _VERY_MANY = 3.0, 4.0, 6.0


def _evident(found: list[Found], least: float) -> list[Found]:
    """Of mistakes that explain numbers worked out by hand, those that explain too many digits for an accident."""
    if not found or not found[0].blocks[0][0].question.exercise.is_data:
        return found
    digits: dict[str, float] = {}
    for one in found:
        digits[one.text] = digits.get(one.text, 0.0) + _digits(one.blocks)
    return [one for one in found if digits[one.text] >= least]


def _digits(blocks: Sequence[Seen]) -> float:
    """How many decimal digits of what is wrong a mistake accounts for that reproduces these blocks."""
    return sum(float(np.sum(np.log10(np.maximum(_off(one) / one.doubt, 1.0)))) for seen in blocks for one in seen)


def _off(one: Observation) -> Array:
    """How far off each entry is; of an array of another shape, how large it is."""
    return np.abs(one.yours - one.right) if one.yours.shape == one.right.shape else np.abs(one.yours)


def _on_scale(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    questions = [one.question for one in wrong[0]]

    def imprecise(seen: Seen) -> Iterator[Mistake]:
        def moved(step: float) -> float:
            """Of what is differentiated first: other inputs may have to stay what they are, as one-hot rows have."""
            if ask is None:
                return 0.0
            for names in (questions[0].exercise.wrt, real_inputs(questions[0].point)):
                share = share_of_error_moved(questions, seen[0].block, step, ask, names)
                if share >= precision.ANOTHER:
                    break
            return share

        return precision.imprecision(seen, moved)

    return _catalogued(wrong, (scales.constants, imprecise))


def _on_last_digits(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    questions = [one.question for one in wrong[0]]

    def rounded(dtype: type) -> bool:
        return ask is not None and same_when_rounded(questions, dtype, ask)

    return _catalogued(wrong, (lambda seen: precision.precision(seen, rounded),))


def _catalogued(wrong: list[Seen], families: Sequence[Family]) -> list[Found]:
    return [
        Found(mistake.label, mistake.text, mistake.certainty, [seen])
        for seen in wrong
        for mistake in catalogue.first_fitting(seen, families)
    ]


_IN_ORDER = (_on_arrays, _by_memory)  # what tells the first call from later ones
# What is tried, in this order, for the blocks that nothing before explains.
_STEPS = (
    *(_on_arrays, _by_epsilons, _on_last_digits, _by_memory, _on_activations, _on_targets, _on_arrangements),
    *(_by_telling_luck, _on_the_list, _on_places, _elsewhere, _on_products, _far_fetched, _on_walks, _misread),
    *(_two_mistakes, _on_scale, _pairs, _by_luck),
)
# For all of them together: lines of small arrays that are walked, which take about two seconds, and on a processor that
# is much slower, or where other things take long, an end nevertheless. A mistake that is found has been found before.
_SEARCH_WORK = 400_000
_SEARCH_S = 4.0
_FAST = (_on_scale, _by_luck)  # which are tried even then, since they take little
_FAST_S = 0.5
