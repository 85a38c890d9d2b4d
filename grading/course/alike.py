"""Submissions that are more alike than is usual in the class: a reason to look at two of them, not a verdict.

Two answers are compared as sequences of words: how many have to be taken out and put in to make one the other. Right
answers to a short question are alike by nature, so what is counted is held against what is usual between two
students in the same answers.
"""

from __future__ import annotations

import builtins
import io
import keyword
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

LEAST_STUDENTS = 5  # with an answer: of fewer nothing is known that would be usual
LEAST_WORDS = 40  # that usually differ between two: with fewer it may be chance
LEAST_USUAL = 0.1  # of the words: where all answers are nearly the same, none is a copy of another
SHARE = 0.25  # of what usually differs; pairs that differ by less are shown

_LONGEST = 20_000  # characters of one answer
_FIRST_SIGN = 0xE000  # words are compared as signs from here on: no sign is reserved there
_LAYOUT = (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT, tokenize.ENCODING)
_KEPT = frozenset(dir(builtins)) | frozenset(keyword.kwlist) | frozenset(keyword.softkwlist)

Answers = Mapping[str, tuple[str, ...]]  # a student's, as words, by notebook cell


@dataclass(frozen=True)
class Pair:
    """Two students, and of all words of what both answered the share that differs, and that usually would.

    `same_wrong` counts the wrong answers that are word for word the same in both.
    """

    one: str
    other: str
    differs: float
    usual: float
    same_wrong: int


def alike(answers: Mapping[str, Answers], wrong: Mapping[str, Collection[str]]) -> list[Pair]:
    """The pairs that differ by less than a quarter of what is usual, the most alike first.

    Parameters
    ----------
    answers : by student; what was not answered is left out
    wrong : the cells that each student answered wrongly
    """
    students = sorted(answers)
    counts = np.zeros((3, len(students), len(students)))  # words, those that differ, those that usually do
    for cell in sorted({cell for own in answers.values() for cell in own}):
        _count(counts, [place for place, student in enumerate(students) if answers[student].get(cell)], cell, answers)
    words, differ, usual = counts
    found = []
    shown = (differ < SHARE * usual) & (usual >= LEAST_WORDS) & (usual >= LEAST_USUAL * words)
    for one, other in zip(*np.nonzero(shown), strict=True):
        if one < other:
            both, of = (students[one], students[other]), words[one, other]
            shares = float(differ[one, other] / of), float(usual[one, other] / of)
            found.append(Pair(both[0], both[1], shares[0], shares[1], _same_wrong(*both, answers, wrong)))
    return sorted(found, key=lambda pair: (pair.differs / pair.usual, -pair.same_wrong, pair.one, pair.other))


def _count(counts: NDArray[np.float64], places: list[int], cell: str, answers: Mapping[str, Answers]) -> None:
    """Add what differs in one cell, for all pairs of those who answered it (`places` among the sorted students)."""
    if len(places) < LEAST_STUDENTS:
        return
    students = sorted(answers)
    texts = _as_signs(answers[students[place]][cell] for place in places)
    lengths = np.array([len(text) for text in texts])
    words = lengths[:, None] + lengths
    differ = cdist(texts, texts, scorer=Indel.distance, dtype=np.int64)
    usual = np.median((differ / words)[np.triu_indices(len(texts), 1)])
    counts[:, np.array(places)[:, None], places] += np.stack([words, differ, usual * words])


def _as_signs(answers: Iterable[tuple[str, ...]]) -> list[str]:
    """Each answer as a string with one sign per word: the same sign for the same word."""
    signs: dict[str, str] = {}
    return ["".join(signs.setdefault(word, chr(_FIRST_SIGN + len(signs))) for word in answer) for answer in answers]


def _same_wrong(one: str, other: str, answers: Mapping[str, Answers], wrong: Mapping[str, Collection[str]]) -> int:
    both = set(wrong.get(one, ())) & set(wrong.get(other, ()))
    return sum(bool(answers[one].get(cell)) and answers[one].get(cell) == answers[other].get(cell) for cell in both)


def words_of_code(source: str, given: str = "") -> tuple[str, ...]:
    """The words and signs of Python code, as far as it can be read, without comments, layout and docstrings.

    Names of the student's own are numbered as they appear, so that another name is no difference; what stands after a
    dot, what Python itself knows, and the names in `given`, which all students were handed, stay.
    """
    kept = _KEPT | set(re.findall(r"\w+", given))
    own: dict[str, str] = {}
    words: list[str] = []
    for token in _tokens(source[:_LONGEST]):
        is_own = token.type == tokenize.NAME and token.string not in kept and words[-1:] != ["."]
        words.append(own.setdefault(token.string, f"name {len(own) + 1}") if is_own else token.string)
    return tuple(words)


def _tokens(source: str) -> Iterator[tokenize.TokenInfo]:
    """What says something in a source; a string that is a statement by itself does not."""
    before = tokenize.NEWLINE  # what kind of token came last
    held: tokenize.TokenInfo | None = None  # a string at the beginning of a statement
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if held is not None and token.type not in (tokenize.NEWLINE, tokenize.COMMENT):
                yield held
            if token.type != tokenize.COMMENT:
                held = None
            if token.type == tokenize.STRING and before in _LAYOUT:
                held = token
            elif token.type not in _LAYOUT and token.string:
                yield token
            before = token.type
    except (tokenize.TokenError, SyntaxError, ValueError):
        return


def words_of_prose(text: str) -> tuple[str, ...]:
    """The words and formulas' signs of a text, in small letters."""
    return tuple(re.findall(r"\w+|[^\w\s]", text[:_LONGEST].casefold()))
