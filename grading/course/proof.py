"""What a sheet promises of its exercises, put to the proof: what every known answer comes to, and whether enough is
known.

An exercise is known well enough when three wrong answers and an unusual right one are declared in the master, and of
what is computed each wrong one names its cause, or says why none can be named (`unnamed=`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from grading.answers.prediction import Prediction
from grading.course.master import Attempt
from grading.sheets import Sheet
from grading.verify import Verdict

ENOUGH_WRONG, ENOUGH_RIGHT = 3, 1
_AS_WRITTEN = 5.1e-5  # marks in a master have four decimals


def misjudged(attempt: Attempt, verdict: Verdict) -> str:
    """In what a verdict is not what the master says of a known answer; empty if it is."""
    told = " ".join(verdict.text().split())
    named = {cause.label for cause in verdict.causes}
    if verdict.outcome != attempt.expect:
        return f"{verdict.outcome} where {attempt.expect} is expected: {told}"
    if not math.isclose(verdict.mark, attempt.mark, abs_tol=_AS_WRITTEN):
        return f"earns {verdict.mark:g} where {attempt.mark:g} is expected: {told}"
    if (attempt.causes or attempt.unnamed or attempt.expect == "right") and named != attempt.causes:
        wanted = ", ".join(sorted(attempt.causes)) or "none"
        return f"its causes are to be {wanted}, and are {', '.join(sorted(named)) or 'none'}: {told}"
    if attempt.because not in verdict.text():
        return f"is not told {attempt.because!r}: {told}"
    return ""


def shortfalls(sheet: Sheet, attempts: list[Attempt]) -> Iterator[str]:
    """The exercises of which too little is known, and what is lacking, a line each. Predictions need nothing: whatever
    is predicted earns its marks."""
    computed = {item.id for item in sheet.checked} - {item.id for item in sheet.keyed}
    for item in sheet.checked:
        if isinstance(item, Prediction):
            continue
        known = [attempt for attempt in attempts if attempt.exercise == item.id]
        wrong = [attempt for attempt in known if attempt.expect == "wrong"]
        silent = [attempt for attempt in wrong if not (attempt.cause or attempt.unnamed) and item.id in computed]
        if len(wrong) < ENOUGH_WRONG:
            yield f"{item.id}: {len(wrong)} wrong answers are known, {ENOUGH_WRONG} are needed"
        if len(known) - len(wrong) < ENOUGH_RIGHT:
            yield f"{item.id}: no unusual right answer is known"
        for attempt in silent:
            yield f"{item.id}: a wrong answer without cause= (or unnamed=): {_whose(attempt)}"


def _whose(attempt: Attempt) -> str:
    return " ".join(attempt.source.split())[:160]
