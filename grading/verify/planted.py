"""Planted faults beside wrong answers: in which order they are tried, and which of those that fit are named."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from grading.verify import shares
from grading.verify.arrangements import arrangements
from grading.verify.catalogue import Seen
from grading.verify.far_fetched import far_fetched, other_directions
from grading.verify.faults import Recorded
from grading.verify.laws import laws
from grading.verify.messages import messages
from grading.verify.misread import Written, misread
from grading.verify.numbers import numbers
from grading.verify.oneway import cases, half_misread, misread_values, mistaken_inputs, other_values, spread, unsummed
from grading.verify.pairs import pairs
from grading.verify.stale import stale
from grading.verify.steps import steps
from grading.verify.suspects import Group, other_inputs, skipped_activations, suspects
from grading.verify.trial import Found, Trial, trials, trials_of_values, varied, with_data
from grading.verify.variations import variations

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


def far_fetched_faults(wrong: list[Seen]) -> list[Found]:
    """Faults that are believed only where nothing simpler explains a block."""
    return [one for trial in trials(wrong) for one in _first(trial, _unlikely(trial))]


def faulty_messages(wrong: list[Seen]) -> list[Found]:
    """What one line passes on made of other values, or in another order."""
    return [one for trial in trials(wrong) for one in _first(trial, iter([trial.of(messages(trial))]))]


def wrong_numbers(wrong: list[Seen]) -> list[Found]:
    """Constants that are others, and arguments that are multiples of what they should be."""
    return [one for trial in trials(wrong) for one in _first(trial, iter([trial.of(numbers(trial))]))]


def faults_in_variations(wrong: list[Seen]) -> list[Found]:
    """Single faults on lists of the same function that are written in another way."""
    found: list[Found] = []
    for trial in trials(wrong):
        for variation in variations(trial.lists[0]):
            other = varied(trial, variation)
            if other is not None and not found:
                found = _first(other, _on_any_list(other))
    return found


def _on_any_list(trial: Trial) -> Iterator[list[Found]]:
    yield from _likely(trial)
    yield trial.of(unsummed(trial.lists[0]))
    trial.rest()
    yield trial.of(messages(trial))


def pairs_of_faults(wrong: list[Seen]) -> list[Found]:
    """Two faults at once, where no single one explains a block."""
    found = []
    for trial in trials(wrong):
        trial.patience = _PATIENCE_FOR_PAIRS
        found += _first(trial, chain([shares.two_paths(trial)], map(trial.of, pairs(trial.lists[0]))))
    return found


def misread_functions(wrong: list[Seen]) -> list[Found]:
    """The value, or the right derivative, of a function that differs from the exercise's at one line."""
    tried = trials_of_values(wrong) if wrong[0][0].question.exercise.asks == "value" else trials(wrong)
    return [one for trial in tried for one in _first(trial, map(trial.of, _misread(trial.lists[0])))]


def slips_in_data(wrong: list[Seen]) -> list[Found]:
    """The right derivative of a function that makes something else of its data."""
    tried = (other for trial in trials(wrong) if (other := with_data(trial)) is not None)
    return [
        one
        for trial in tried
        for one in _first(trial, chain(map(trial.of, misread(trial.lists[0])), iter([trial.of(numbers(trial))])))
    ]


def _misread(recorded: Recorded) -> Iterator[Group]:
    yield from misread(recorded)
    if not isinstance(recorded, Written):
        yield half_misread(recorded)
        yield unsummed(recorded)
        yield spread(recorded)
        yield other_values(recorded)
        yield misread_values(recorded)


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
        if number == 2:
            yield trial.of(cases(trial.lists[0]))
        if number == _COUNTED_AFTER:
            yield [one for one in counted if one not in first]
            yield _of_all(trial, trial.of(other_inputs(trial.lists[0])))
        yield trial.of(group)
    yield trial.of(other_directions(trial.lists[0]))


def _of_all(trial: Trial, found: list[Found]) -> list[Found]:
    """Those that explain everything: an input that is wrong everywhere is wrong in all that is asked."""
    return [one for one in found if len(one.blocks) == len(trial.wrong)]


def _unlikely(trial: Trial) -> Iterator[list[Found]]:
    yield trial.of(steps(trial.lists[0]))
    yield trial.of(mistaken_inputs(trial.lists[0]))
    for group in far_fetched(trial.lists[0]):
        trial.rest()
        yield trial.of(group)
    yield shares.terms(trial)
    trial.rest()
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
