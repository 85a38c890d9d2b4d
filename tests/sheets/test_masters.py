"""Every sheet against its own master: solutions, stubs and known answers get what they must, and enough are known."""

import pytest
from masters import COURSE, NAMES, VARIANTS, rehearsal, released, solution_lines, stub_of

from grading.answers import fault_of
from grading.answers.bug import BugExercise
from grading.answers.prediction import Prediction
from grading.course.master import Attempt, read_attempts
from grading.course.proof import misjudged
from grading.notebook.session import PUBLIC_SEED
from grading.sheets import Prose, Variant, load_sheet
from grading.verify import Verdict
from grading.verify.lint import lint

ATTEMPTS = [(name, attempt) for name in NAMES for attempt in read_attempts(COURSE, name)]
ITEMS = [(name, item.id) for name in NAMES for item in load_sheet(name).checked]
SEEDS = (PUBLIC_SEED, 1, 2**31 - 1)


def in_variants(cases, described):
    """Each case in the released variant, and in two more in the sweep."""
    return [
        pytest.param(
            *case, variant, id=f"{described(*case)}-{variant.number}", marks=[pytest.mark.sweep] * bool(number)
        )
        for number, variant in enumerate(VARIANTS)
        for case in cases
    ]


def exercise_of(name, exercise):
    return exercise


def attempt_of(name, attempt):
    return f"{attempt.exercise}-{attempt.expect}-{attempt.cause or 'unnamed'}"


@pytest.mark.parametrize(("name", "exercise", "variant"), in_variants(ITEMS, exercise_of))
def test_the_solution_is_right(name, exercise, variant):
    run = rehearsal(name, variant)
    solution = Attempt(exercise, "right", run.items[exercise].points, "", run.solutions[exercise])
    for seed in SEEDS:
        assert misjudged(solution, run.judged(exercise, solution.source, seed)) == ""


@pytest.mark.parametrize(("name", "exercise", "variant"), in_variants(ITEMS, exercise_of))
def test_the_untouched_stub_is_not_attempted(name, exercise, variant):
    run = rehearsal(name, variant)
    verdict = run.judged(exercise, stub_of(name, run.items[exercise]), PUBLIC_SEED)
    assert (verdict.outcome, verdict.mark) == ("not attempted", 0.0)


@pytest.mark.parametrize(("name", "attempt", "variant"), in_variants(ATTEMPTS, attempt_of))
def test_a_known_answer_gets_what_it_must(name, attempt, variant):
    for seed in SEEDS[:2]:
        verdict = rehearsal(name, variant).judged(attempt.exercise, attempt.source, seed)
        assert misjudged(attempt, verdict) == ""
        assert Verdict.from_json(verdict.json()) == verdict


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("name", NAMES)
def test_a_variant_can_be_judged_and_lets_no_mistake_hide(name, number):
    for item in load_sheet(name, Variant(number, f"student-{number:02d}")).checked:
        assert fault_of(item, number) == "", item.id
        assert not lint(item.mended if isinstance(item, BugExercise) else item)


@pytest.mark.parametrize("name", NAMES)
def test_hints_are_ladders_that_do_not_begin_with_the_code(name):
    for item in load_sheet(name).checked:
        assert len(item.hints) == (0 if isinstance(item, Prediction) else 3), item.id
        assert not item.hints or "np." not in item.hints[0], item.id


@pytest.mark.parametrize("name", NAMES)
def test_known_answers_are_all_different(name):
    sources = [attempt.source for attempt in read_attempts(COURSE, name)] + list(rehearsal(name).solutions.values())
    assert len(set(sources)) == len(sources)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_solution_is_released(name):
    run, cells = rehearsal(name), released(name)
    text = "\n".join(cell.source for cell in cells.values())
    for item in run.items.values():
        given = {line.strip() for line in stub_of(name, item).splitlines()}
        hidden = solution_lines(run.solutions[item.id])
        assert hidden, item.id
        assert hidden.isdisjoint(given), item.id
        assert not hidden <= {line.strip() for line in text.splitlines()}, item.id
    keys = COURSE.assignment(name).with_name("keys.json")
    everything = text + (keys.read_text() if keys.exists() else "")
    assert not [attempt for attempt in run.attempts if attempt.source in text]
    assert not [attempt for attempt in run.attempts if attempt.because and attempt.because in everything]
    assert not [item for item in run.sheet.exercises if isinstance(item, Prose) and item.rubric[:40] in text]
