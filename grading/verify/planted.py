"""Planted faults beside wrong answers: in which order they are tried, and which of those that fit are named."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from grading.verify import shares
from grading.verify.arrangements import arrangements
from grading.verify.broadcasts import broadcasts
from grading.verify.catalogue import Seen
from grading.verify.exponents import exponents
from grading.verify.far_fetched import far_fetched, other_directions
from grading.verify.faults import Recorded
from grading.verify.laws import laws
from grading.verify.maxima import maxima
from grading.verify.misread import Written, misread
from grading.verify.oneway import cases, half_misread, mistaken_inputs, other_values, spread, unsummed
from grading.verify.pairs import pairs
from grading.verify.prepared import prepared, trials_of_all_inputs
from grading.verify.stale import stale
from grading.verify.steps import steps
from grading.verify.suspects import Group, other_inputs, skipped_activations, suspects
from grading.verify.trial import Found, Trial, trials, trials_of_values
from grading.verify.walks import walks

_COUNTED_AFTER = 5  # the groups of suspects that are believed before a path is said to be there twice or half
_PATIENCE_FOR_PAIRS = 50_000  # fewer, since each explains more


def planted_faults(wrong: list[Seen]) -> list[Found]:
    """The likelier single faults that explain blocks: one that explains all of them, or else the best for each."""
    return [one for trial in trials(wrong) for one in _first(trial, _likely(trial))]


def activation_faults(wrong: list[Seen]) -> list[Found]:
    """Activations whose derivative was forgotten: believed before anything else that gives the same numbers."""
    return [
        one for trial in trials(wrong) for one in _first(trial, iter([trial.of(skipped_activations(trial.lists[0]))]))
    ]


def arrangement_faults(wrong: list[Seen]) -> list[Found]:
    """Factors of matrix products that are arranged otherwise on the way back."""
    return [one for trial in trials(wrong) for one in _first(trial, iter([trial.of(arrangements(trial.lists[0]))]))]


def faults_of_walks(wrong: list[Seen]) -> list[Found]:
    """Faults that are made at every line of a kind, in lists that may differ from point to point.

    Nobody's machine walks the list of a gradient for second derivatives.
    """
    is_first = wrong[0][0].question.exercise.asks != "hessian_diagonal"
    tried = trials(wrong, of_one_make=False) if is_first else iter(())
    return [one for trial in tried for one in _first(trial, map(trial.of, walks(trial.lists)))]


def far_fetched_faults(wrong: list[Seen]) -> list[Found]:
    """Faults that are believed only where nothing simpler explains a block."""
    return [one for trial in trials(wrong) for one in _first(trial, _unlikely(trial))]


def pairs_of_faults(wrong: list[Seen]) -> list[Found]:
    """Two faults at once, where no single one explains a block."""
    found = []
    for trial in trials(wrong):
        trial.patience = _PATIENCE_FOR_PAIRS
        found += _first(trial, chain([shares.two_paths(trial)], map(trial.of, pairs(trial.lists[0]))))
    return found


def misread_functions(wrong: list[Seen]) -> list[Found]:
    """The value, or the right derivative, of a function that differs from the exercise's at one line."""
    exercise = wrong[0][0].question.exercise
    tried = trials_of_values(wrong) if exercise.asks == "value" else trials(wrong)
    found = [one for trial in tried for one in _first(trial, map(trial.of, _misread(trial.lists[0])))]
    for trial in trials_of_all_inputs(wrong) if not found else ():
        found += _first(trial, iter([trial.of(prepared(trial.lists[0], len(exercise.wrt)))]))
    return found


def _misread(recorded: Recorded) -> Iterator[Group]:
    yield from misread(recorded)
    if not isinstance(recorded, Written):
        yield half_misread(recorded)
        yield unsummed(recorded)
        yield spread(recorded)
        yield other_values(recorded)


def _first(trial: Trial, groups: Iterator[list[Found]]) -> list[Found]:
    found: list[Found] = []
    for group in groups:
        found += group
        if any(len(one.blocks) == len(trial.wrong) for one in group):
            break
    return _best(trial.wrong, found)


def _likely(trial: Trial) -> Iterator[list[Found]]:
    counted = shares.paths(trial)
    first = [one for one in counted if one.label in shares.PLAIN[:3]]
    yield first
    for number, group in enumerate(suspects(trial.lists[0])):
        if number == 1:
            yield trial.of(laws(trial.lists[0]))
            yield trial.of(chain(maxima(trial.lists[0]), exponents(trial.lists[0])))
        if number == 2:
            yield trial.of(cases(trial.lists[0]))
        if number == _COUNTED_AFTER:
            yield [one for one in counted if one not in first]
            yield trial.of(other_inputs(trial.lists[0]))
        yield trial.of(group)
    yield trial.of(other_directions(trial.lists[0]))


def _unlikely(trial: Trial) -> Iterator[list[Found]]:
    yield trial.of(steps(trial.lists[0]))
    yield trial.of(broadcasts(trial.lists[0]))
    yield trial.of(mistaken_inputs(trial.lists[0]))
    for group in far_fetched(trial.lists[0]):
        yield trial.of(group)
    yield shares.terms(trial)
    yield trial.of(stale(trial.lists[0]))


def _best(wrong: list[Seen], found: list[Found]) -> list[Found]:
    """For every block the mistake that explains most blocks, and one of another name that explains as many."""
    chosen: list[Found] = []
    for seen in wrong:
        fitting = [one for one in found if any(seen is block for block in one.blocks)]
        most = max((len(one.blocks) for one in fitting), default=0)
        labels: dict[str, Found] = {}
        for one in fitting:
            if len(one.blocks) == most:
                labels.setdefault(one.label, one)
        chosen += [one for one in list(labels.values())[:2] if one not in chosen]
    return chosen
