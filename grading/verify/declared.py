"""Mistakes that an exercise knows of itself: wrong answers with what to tell whoever gives the same numbers."""

from __future__ import annotations

from functools import partial

from grading.verify.catalogue import ALMOST_SURE, Observation, Seen, equals
from grading.verify.contract import split_blocks
from grading.verify.exercise import Array, WrongAnswer
from grading.verify.further import quietly
from grading.verify.respondent import HomeRespondent
from grading.verify.trial import Found


def declared(wrong: list[Seen]) -> list[Found]:
    """The first known wrong answer that has the same numbers at all points, in some of the blocks or in all."""
    for known in wrong[0][0].question.exercise.wrong_answers:
        fits = equals(partial(_block_of, known))
        if blocks := [seen for seen in wrong if all(map(fits, seen))]:
            return [Found(known.because, known.because, ALMOST_SURE, blocks)]
    return []


def _block_of(known: WrongAnswer, one: Observation) -> Array | None:
    """What a known wrong answer has in the place of a block; None if it has no such block."""
    reply = quietly(HomeRespondent(known.answer), one.question)
    blocks = split_blocks(reply, one.expected)
    return None if isinstance(blocks, str) or reply.error is not None else blocks[one.block]
