"""One verdict's points with what was heard at them, and what is asked beyond them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, field
from functools import partial
from io import StringIO
from itertools import chain

import numpy as np

from autodiff.tape import RefusalError
from grading.verify import contract
from grading.verify.bench import Bench, FaultError, bench_at, fresh_bench
from grading.verify.compare import Compared, compare
from grading.verify.exercise import Array, Exercise
from grading.verify.probes import nudged
from grading.verify.respondent import Reply, Respondent
from grading.verify.sampling import Question, fresh_question, mixed_question
from grading.verify.tolerance import Blocks, derivative, measured_inputs

# Further points at which an answer that is all right must at least give finite numbers: so many at least, and at most
# as long as they hold so few numbers together, each of which is a trial, and take so little time.
_SPOT_CHECKS = (2, 8)
_SPOT_NUMBERS = 10_000
_SPOT_S = 1.0
_BESIDE = (0.999, 1.001)  # times the inputs: beside a point
_FURTHER = 16  # further points at which a difference that was seen at few is looked for
_NEXT_TO = 1e-6  # relative to the inputs: other arguments, but hardly another branch
_FAR, _WAYS = 0.5, 8  # relative to the inputs: arguments with other first digits, of the same signs
_STALE = 1e-6  # relative to the largest entry: what was kept from another point is further off


@dataclass
class Hearing:
    """Who is asked, and at each point what is known of it, what was replied and how the two compare."""

    exercise: Exercise
    seed: int
    respondent: Respondent
    benches: list[Bench]
    replies: list[Reply]
    heard: list[Compared] = field(init=False)
    spots: list[tuple[Question, Reply]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.first = len(self.benches)  # points, asked before anything else
        pairs = zip(self.benches, self.replies, strict=True)
        self.heard = [compare(*pair, number) for number, pair in enumerate(pairs, 1)]
        self.fresh = self._fresh()

    @property
    def is_right(self) -> bool:
        """Whether every block is at every point."""
        return all(point.is_right for point in self.heard)

    def ask(self, question: Question) -> Reply:
        """One more reply."""
        return quietly(self.respondent, question)

    def add(self, bench: Bench, reply: Reply | None = None) -> bool:
        """Hear one more point, asking for the reply unless it is there; whether the reply could be compared."""
        reply = self.ask(bench.question) if reply is None else reply
        if reply.error is not None or isinstance(contract.split_blocks(reply, bench.expected), str):
            return False
        self.benches.append(bench)
        self.replies.append(reply)
        self.heard.append(compare(bench, reply, len(self.benches)))
        return True

    def _fresh(self) -> Iterator[Bench]:
        """Further fresh points, each of them once."""
        numbers = range(self.exercise.draws, self.exercise.draws + _FURTHER)
        return _possible(partial(fresh_bench, self.exercise, self.seed, number) for number in numbers)

    def beside_nonfinite(self) -> Iterator[Bench]:
        """Points beside the first wrong one if numbers were not finite there: they may be so in few places only."""
        wrong = next(number for number, point in enumerate(self.heard) if not point.is_right)
        question = self.benches[wrong].question
        is_finite = all(np.all(np.isfinite(value)) for value in self.replies[wrong].values)
        near = [question.at(tuple(p * factor for p in question.primals)) for factor in (() if is_finite else _BESIDE)]
        return _possible(partial(bench_at, question) for question in near)


def quietly(respondent: Respondent, question: Question) -> Reply:
    """One more reply; what the answer prints has been seen at the points before."""
    with redirect_stdout(StringIO()):
        return respondent.ask(question.args, question.exercise.limit_s)


def _possible(benches: Iterable[partial[Bench]]) -> Iterator[Bench]:
    for bench in benches:
        try:
            yield bench()
        except FaultError:
            continue


def spot_check(hearing: Hearing) -> tuple[Question, Reply] | None:
    """Ask for finite numbers at further points; the question and the reply if one has no numbers at all.

    Points are added to the hearing only where numbers that are not finite came up: nothing else is worked out there.
    """
    for question in _spots(hearing):
        reply = hearing.ask(question)
        hearing.spots.append((question, reply))
        if reply.error is None and all(np.all(np.isfinite(value)) for value in reply.values):
            continue
        try:
            further = [bench_at(question) for question, _ in hearing.spots]
        except FaultError:
            return None  # outside the function's domain, no answer is owed
        if reply.error is not None:
            return question, reply
        forms = [contract.split_blocks(r, bench.expected) for bench, (_, r) in zip(further, hearing.spots, strict=True)]
        if any(isinstance(form, str) for form in forms) or any(bench.flaws[0] for bench in further):
            return None  # on a kink convention decides
        for bench, (_, given) in zip(further, hearing.spots, strict=True):
            hearing.add(bench, given)
        return None
    return None


def _spots(hearing: Hearing) -> Iterator[Question]:
    """Questions that are none of the further points, as many as there is time for."""
    exercise, (fewest, most) = hearing.exercise, _SPOT_CHECKS
    first = exercise.draws + _FURTHER
    for number in range(most - len(hearing.spots)):
        numbers = sum(np.size(arg) for question, _ in hearing.spots for arg in question.args)
        seconds = sum(reply.seconds for _, reply in hearing.spots)
        if len(hearing.spots) >= fewest and (numbers > _SPOT_NUMBERS or seconds > _SPOT_S):
            return
        try:
            yield fresh_question(exercise, hearing.seed, first + number)
        except Exception:
            return


def confirm(hearing: Hearing) -> str:
    """Ask at further points until a second one shows a difference; why there is none, or nothing if there is.

    An answer that fails there is as different as can be.
    """
    for bench in chain(hearing.beside_nonfinite(), hearing.fresh):
        if not hearing.add(bench) or not hearing.heard[-1].is_right:
            return ""
    return f"your values differ at one of {len(hearing.benches)} points only"


def keeps_answers(hearing: Hearing) -> bool:
    """Whether an answer that was right is wrong where arguments of two points meet, and not next to there.

    Then it knows one argument again and returns what it has kept of it, although the others are new. What is wrong next
    to there too is not held against it: inputs may have been drawn to belong together. Unless it is right once they
    have moved far, in whatever way, as it is if an argument is known by its first digits.
    """
    fresh = [bench.question for bench in hearing.benches[: hearing.exercise.draws]]
    met = (mixed_question(one, other) for other in reversed(fresh) for one in fresh if one is not other)
    question = next((each for each in met if each is not None), None)
    reply = None if question is None else _spot(hearing, question)
    if question is None or reply is None:
        return False
    names = (*hearing.exercise.wrt, *measured_inputs(question))
    far = (nudged(question, _FAR, names, number) for number in range(_WAYS))
    if _spot(hearing, nudged(question, _NEXT_TO, names)) and any(_spot(hearing, each) for each in far):
        return False
    if not contract.same_values(hearing.ask(fresh[0]).values, hearing.replies[0].values):
        return False  # calls disagree whatever they ask
    try:
        bench = bench_at(question)
    except FaultError:
        return False
    return not bench.flaws[0] and not compare(bench, reply, 0).is_right


def _spot(hearing: Hearing, question: Question) -> Reply | None:
    """A reply if it is clearly off; else it is one more spot check, if the function has such inputs at all."""
    right = _derivative(question)
    if right is None or not all(np.all(np.isfinite(block)) for block in right):
        return None
    reply = hearing.ask(question)
    values = "" if reply.error else contract.split_blocks(reply, right)
    is_off = not isinstance(values, str) and any(_is_off(*pair) for pair in zip(values, right, strict=True))
    if is_off:
        return reply
    hearing.spots.append((question, reply))
    return None


def _derivative(question: Question) -> Blocks | None:
    """What is right there; None if the function is not made for such inputs."""
    try:
        question.exercise.value_at(question.point)
    except Exception:
        return None  # the function is the exercise's, and may refuse them as it likes
    with suppress(RefusalError):  # it takes a way that cannot be differentiated
        return derivative(question)
    return None


def _is_off(value: Array, right: Array) -> bool:
    shaped, _ = contract.with_shape(value, np.shape(right))
    return shaped is None or not np.all(np.abs(shaped - right) <= _STALE * np.max(np.abs(right), initial=0.0))
