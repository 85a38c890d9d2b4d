"""Which mistake explains a wrong answer: every entry of the catalogue is a hypothesis that is tested, never a guess.

First come mistakes that can be seen on the arrays themselves (`catalogue.py`), then single faults planted in the
recorded list of the function (`suspects.py`, `planted.py`), then what the function gets right by luck (`probes.py`).
Where nothing fits, no mistake is named, and what is known is said: which entries are wrong, and at which inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from grading.verify import catalogue
from grading.verify.catalogue import FAMILIES, LIKELY, MISTAKES, Family, Observation, Seen
from grading.verify.planted import Found, activation_faults, elsewhere, far_fetched_faults, planted_faults
from grading.verify.probes import Ask, Kinds, luck, ordinary, same_when_rounded, telling, zeros
from grading.verify.sampling import Question
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


def diagnose(blocks: Sequence[Seen], ask: Ask | None = None, of: int | None = None) -> Diagnosis:
    """What explains the wrong ones among `of` blocks of an answer, each observed at all points.

    A block so near to the right one that a prediction would fit which hardly differs from that has nothing to explain.
    `ask` puts further questions to the answer; without it nothing is said of luck.
    """
    count = len(blocks) if of is None else of
    wrong = [seen for seen in blocks if not all(map(catalogue.is_near, seen))]
    found: list[Found] = []
    for step in _STEPS:
        silent = _silent(wrong, found)
        if silent:
            # the student's numbers may overflow, and an explanation that fails must not cost the verdict
            with np.errstate(all="ignore"), suppress(Exception):
                found += step(silent, ask)
    known: dict[str, list[str]] = {}
    for seen in _silent(wrong, found):
        for text in _known(seen, ask):
            known.setdefault(text, []).append(seen[0].name)
    told = (text if count == 1 else f"{', '.join(names)}: {text}" for text, names in known.items())
    return Diagnosis(_causes(found, count), tuple(told))


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
    return ()


# --- the steps -----------------------------------------------------------------------------------------------------


def _on_arrays(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    steps = (catalogue.unfinite, catalogue.layout, catalogue.wrong_axis, catalogue.blanks, catalogue.scales)
    return _catalogued(wrong, steps)


def _on_the_list(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return planted_faults(wrong)


def _on_places(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return _catalogued(wrong, (catalogue.places, catalogue.signs))


def _on_targets(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return _catalogued(wrong, (catalogue.targets,))


def _on_activations(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return activation_faults(wrong)


def _elsewhere(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return elsewhere(wrong)


def _far_fetched(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return far_fetched_faults(wrong)


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


def _on_scale(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    return _catalogued(wrong, (catalogue.constants, catalogue.imprecision))


def _on_last_digits(wrong: list[Seen], ask: Ask | None) -> list[Found]:
    questions = [one.question for one in wrong[0]]

    def rounded(dtype: type) -> bool:
        return ask is not None and same_when_rounded(questions, dtype, ask)

    return _catalogued(wrong, (lambda seen: catalogue.precision(seen, rounded),))


def _catalogued(wrong: list[Seen], families: Sequence[Family]) -> list[Found]:
    return [
        Found(mistake.label, mistake.text, mistake.certainty, [seen])
        for seen in wrong
        for mistake in catalogue.first_fitting(seen, families)
    ]


# What is tried, in this order, for the blocks that nothing before explains.
_STEPS = (
    *(_on_arrays, _on_last_digits, _on_activations, _on_targets, _by_telling_luck, _on_the_list, _on_places),
    *(_elsewhere, _far_fetched, _on_scale, _by_luck),
)

# --- what is known where nothing fits --------------------------------------------------------------------------------


def _known(seen: Seen, ask: Ask | None) -> Iterator[str]:
    """What can be said of a wrong block without naming a mistake."""
    if not all(one.comparable for one in seen):
        return
    points = [one for one in seen if np.any(one.differs)]
    if len(points) < len(seen):
        yield f"right at {len(seen) - len(points)} of {len(seen)} points."
    for said in (_where(points), _which_signs(points), _proportion(points)):
        if said:
            yield said
    if ask is not None and not seen[0].question.exercise.is_data:
        with np.errstate(all="ignore"):
            for _, text, _ in luck(zeros, [one.question for one in seen], [seen[0].block], ask):
                yield text


def _where(points: Seen) -> str:
    """The part of a matrix in which all wrong entries are."""
    if len({one.right.shape for one in points}) > 1 or not points[0].right.ndim:
        return ""
    wrong = np.any([one.differs for one in points], axis=0)
    if wrong.ndim == 2 and len(set(wrong.shape)) == 1:
        diagonal = np.eye(len(wrong), dtype=bool)
        if not np.any(wrong & diagonal):
            return "wrong off the diagonal only."
        if not np.any(wrong & ~diagonal):
            return "wrong on the diagonal only."
    for axis, kind in enumerate(
        ("rows", "columns")[: wrong.ndim] if wrong.ndim == 2 else ("entries",) * (wrong.ndim == 1)
    ):
        hit = np.unique(np.nonzero(wrong)[axis])
        if len(hit) < wrong.shape[axis]:
            return f"wrong in {kind} {', '.join(map(str, hit))} only, of {wrong.shape[axis]}, over all points."
    return ""


def _which_signs(points: Seen) -> str:
    """An input at whose entries of one sign alone the answer is wrong."""
    for name in points[0].question.point:
        pairs = [(np.asarray(one.question.point[name]), one.differs) for one in points]
        if any(value.shape != differs.shape for value, differs in pairs) or sum(v.size for v, _ in pairs) < 6:
            continue
        for sign, word in ((1, "positive"), (-1, "negative")):
            if all(np.all(sign * value[differs] > 0) for value, differs in pairs):
                return f"wrong only where {name} is {word}."
    return ""


def _proportion(points: Seen) -> str:
    """Whether the answer is proportional to the right one at each point."""
    factors = []
    for one in points:
        if one.right.size < 3 or not np.any(one.right):
            return ""
        factor = float(np.vdot(one.right, one.yours) / np.vdot(one.right, one.right))
        if not catalogue.within(one.yours, factor * one.right, one):
            return ""
        factors.append(f"{factor:.4g}")
    if points[0].question.exercise.is_data:
        return "proportional to the right answer."  # by how much would give that away
    if len(set(factors)) == 1:
        return f"{factors[0]} times the right answer wherever it differs."
    return f"proportional to the right answer at each point, with the factors {', '.join(factors)}."
