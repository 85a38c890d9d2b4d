"""What a sheet promises of its exercises, put to the proof in any variant, without a kernel.

The solution is right, the untouched stub is not attempted, every known answer comes to what the master says of it, no
exercise is at fault, and nothing of the solution is released. An exercise is known well enough when three wrong answers
(or all, where there are fewer) and an unusual right one are declared. Of what is computed, three have causes that are
named, and every other wrong answer has one or says why none can be named (`unnamed=`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import nbformat

from grading.answers import fault_of
from grading.answers.choice import ChoiceExercise
from grading.answers.prediction import Prediction
from grading.course.freshness import require_built
from grading.course.layout import Course
from grading.course.master import AS_WRITTEN, SOLUTION_MARKS, Attempt, read_attempts, read_master, solutions_in
from grading.course.rehearsal import Rehearsal
from grading.notebook.session import PUBLIC_SEED
from grading.sheets import Prose, Sheet, Variant
from grading.verify import Verdict
from grading.verify.item import Item

ENOUGH_WRONG, ENOUGH_RIGHT = 3, 1


def prove(course: Course, name: str, variants: int, seeds: int = 1) -> Iterator[tuple[str, list[str]]]:
    """What is wrong with a sheet: with what is released of it, then with its released variant and the next ones, each
    for a student of its own; with more `seeds` than one, whether each can be judged at the points of all of them.

    Raises
    ------
    BuildError : the sheet has changed since it was built, or its master cannot be read
    """
    require_built(course, name)
    yield "what is released", list(leaks(course, name))
    first = course.variant(name)
    yield f"variant {first}", list(faults(course, name, Variant(first), PUBLIC_SEED, seeds))
    for number in range(first + 1, first + variants):
        student = f"student-{number:02d}"
        yield f"variant {number} for {student}", list(faults(course, name, Variant(number, student), number, seeds))


# --- what every answer comes to ------------------------------------------------------------------------------------


def known_answers(course: Course, name: str) -> list[Attempt]:
    """All answers of which a sheet says what they come to: the solution's, the untouched cells', the attempts.

    Raises
    ------
    BuildError : an attempt in the master says what cannot be
    """
    solutions, released = solutions_in(read_master(course, name)), _released(course, name)
    items = course.declared(name).checked
    solved = [Attempt(item.id, "right", item.points, "", solutions[item.id]) for item in items]
    untouched = [Attempt(item.id, "not attempted", 0.0, "", released[item.answer_cell_id]) for item in items]
    return [*solved, *untouched, *read_attempts(course, name)]


def _released(course: Course, name: str) -> dict[str, str]:
    """The source of every cell that students get, by the cell's id."""
    return {cell.id: cell.source for cell in nbformat.read(course.assignment(name), as_version=4).cells}


def faults(course: Course, name: str, variant: Variant, seed: int, seeds: int = 1) -> Iterator[str]:
    """Where a sheet in one variant is not what it promises, a line each; known answers are judged with the first of
    the seeds, whether there is a fault is asked of all."""
    try:
        rehearsal = Rehearsal(course, name, variant)
    except Exception as error:  # a declaration may fail in any way at numbers that nobody has seen
        yield " ".join(f"it cannot be set up: {type(error).__name__}: {error}".split())
        return
    for item in rehearsal.items.values():
        for number in range(seed, seed + seeds):
            if fault := fault_of(item, number):
                yield f"{item.id} cannot be judged at the points of seed {number}: {fault}"
    for answer in known_answers(course, name):
        if wrong := misjudged(answer, rehearsal.judged(answer.exercise, answer.source, seed)):
            yield f"{answer.exercise}: {_whose(answer)}: {wrong}"


def misjudged(attempt: Attempt, verdict: Verdict) -> str:
    """In what a verdict is not what is said of a known answer; empty if it is."""
    told = " ".join(verdict.text().split())
    named = {cause.label for cause in verdict.causes}
    if verdict.outcome != attempt.expect:
        return f"{verdict.outcome} where {attempt.expect} is expected: {told}"
    if not math.isclose(verdict.mark, attempt.mark, abs_tol=AS_WRITTEN):
        return f"earns {verdict.mark:g} where {attempt.mark:g} is expected: {told}"
    if (attempt.causes or attempt.unnamed or attempt.expect != "wrong") and named != attempt.causes:
        wanted = ", ".join(sorted(attempt.causes)) or "none"
        return f"its causes are to be {wanted}, and are {', '.join(sorted(named)) or 'none'}: {told}"
    if attempt.because not in verdict.text():
        return f"is not told {attempt.because!r}: {told}"
    return ""


def _whose(answer: Attempt) -> str:
    return f"{answer.expect} answer {' '.join(answer.source.split())[:60]!r}"


# --- whether enough is known -----------------------------------------------------------------------------------------


def shortfalls(sheet: Sheet, attempts: list[Attempt]) -> Iterator[str]:
    """The exercises of which too little is known, and what is lacking, a line each. Predictions need nothing: whatever
    is predicted earns its marks."""
    computed = {item.id for item in sheet.checked} - {item.id for item in sheet.keyed}
    for item in sheet.checked:
        if isinstance(item, Prediction):
            continue
        known = [attempt for attempt in attempts if attempt.exercise == item.id]
        wrong = [attempt for attempt in known if attempt.expect == "wrong"]
        named = [attempt for attempt in wrong if attempt.cause or item.id not in computed]
        enough = min(ENOUGH_WRONG, _wrong_options(item))
        if len(named) < enough:
            what = "whose causes are named" if item.id in computed else "known"
            yield f"{item.id}: wrong answers {what}: {len(named)}; it is known well enough with {enough}"
        if len(known) - len(wrong) < ENOUGH_RIGHT:
            yield f"{item.id}: no unusual right answer is known"
        for attempt in wrong:
            if attempt not in named and not attempt.unnamed:
                yield f"{item.id}: {_whose(attempt)} has no cause= (nor unnamed=)"


def _wrong_options(item: Item) -> float:
    """How many wrong answers there can be."""
    if isinstance(item, ChoiceExercise) and not item.several:
        return len(item.options) - 1
    return math.inf


# --- what is released --------------------------------------------------------------------------------------------


def leaks(course: Course, name: str) -> Iterator[str]:
    """What students get and must not get, a line each."""
    released, solutions = _released(course, name), solutions_in(read_master(course, name))
    everywhere = _lines("\n".join(released.values()))
    for item in course.declared(name).checked:
        hidden = hidden_lines(solutions[item.id])
        if hidden & _lines(released[item.answer_cell_id]):
            yield f"{item.id}: a line of the solution stands in the answer cell that students get"
        elif hidden <= everywhere:
            yield f"{item.id}: every line of the solution stands somewhere in the notebook that students get"
    folder = course.assignments / name
    yield from (f"{path} is handed out with the notebook" for path in sorted(folder.rglob("*.py")))
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.json"))]
    text = "\n".join([*released.values(), *texts])
    yield from (f"{what} is handed out: {secret[:60]!r}" for what, secret in _secrets(course, name) if secret in text)


def _secrets(course: Course, name: str) -> Iterator[tuple[str, str]]:
    """What must not be read anywhere, and what it is."""
    yield from (("a mark of a solution region", mark) for mark in SOLUTION_MARKS)
    for attempt in read_attempts(course, name):
        yield f"an attempt at {attempt.exercise}", attempt.source
        if attempt.because:
            yield f"a sentence on {attempt.exercise}", attempt.because
    for item in course.declared(name).exercises:
        if isinstance(item, Prose) and item.rubric:
            yield f"the rubric of {item.id}", item.rubric


def hidden_lines(source: str) -> set[str]:
    """The lines of an answer cell that only the solution has: between BEGIN and END, and not above or below as well."""
    inside: list[str] = []
    outside: list[str] = []
    lines = outside
    for line in source.splitlines():
        if line.strip() in SOLUTION_MARKS:
            lines = inside if line.strip() == SOLUTION_MARKS[0] else outside
        else:
            lines.append(line)
    return _lines("\n".join(inside)) - _lines("\n".join(outside))


def _lines(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines()} - {""}
