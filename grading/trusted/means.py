"""By which means an answer was found: what a person should look at. No mark depends on it."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Collection, Iterator, Mapping

# Ways round an import that is not there, and to what is outside the notebook. Honest answers need none of them.
_ROUNDABOUT = """
    __builtins__ __import__ __loader__ _getframe ctypes eval exec get_ipython gc importlib inspect marshal
    multiprocessing pickle pkgutil runpy settrace socket subprocess sys
"""


def remarks(source: str, forbidden: Collection[str], calls: Mapping[str, int]) -> list[str]:
    """What there is to look at in an answer, a few words each.

    Parameters
    ----------
    source : of the answer's cell
    forbidden : the modules and functions that the sheet forbids; where there are none, difference quotients may be used
    calls : how often each of these was called while the answer was asked
    """
    words = list(_words(source))
    mentioned = sorted(set(words) & {*_ROUNDABOUT.split(), *forbidden})
    found = [f"mentions {name}" for name in mentioned]
    found += [f"calls {name} ({count} times)" for name, count in calls.items() if count]
    if forbidden and _has_difference(words):
        found.append("looks like a difference quotient")
    if forbidden and any(word[0].isdigit() and word[-1] in "jJ" for word in words):
        found.append("computes with complex numbers")
    return found


def _words(source: str) -> Iterator[str]:
    """The words and signs of a source, as far as it can be read as Python."""
    skipped = (tokenize.COMMENT, tokenize.STRING, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type not in skipped and token.string:
                yield token.string
    except (tokenize.TokenError, SyntaxError, ValueError):
        return


def _has_difference(words: list[str]) -> bool:
    """Whether the value of a call is taken from the value of another call of the same function."""
    opened: list[str] = []  # what stands before each bracket that is open
    for place, word in enumerate(words):
        if word in ("(", "[", "{"):
            opened.append(words[place - 1] if place and word == "(" else "")
        elif word in (")", "]", "}") and opened:
            called = opened.pop()
            if called.isidentifier() and words[place + 1 : place + 4] == ["-", called, "("]:
                return True
    return False
