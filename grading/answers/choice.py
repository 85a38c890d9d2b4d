"""Answers that name one option, or several."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from grading.answers.keys import NO_KEY, WHOLE, Key, Keyed, Parts
from grading.verify.plain import Plain
from grading.verify.respondent import Handed, Respondent
from grading.verify.verdict import Verdict

_BETWEEN_NAMES = re.compile(r"[\s,;]+")
_AROUND_NAMES = " \t\n().:"


@dataclass(frozen=True)
class ChoiceExercise(Keyed):
    """A question with options. The right one is what the master's solution says.

    Parameters
    ----------
    id, points, statement, given, hints : as of every exercise. Where there is a `statement`, `show(id)` shows it with
        the options under it; where there is none, the notebook's own text is to hold both
    options : what each option says, in Markdown, by its name: {"a": "Twice as many.", "b": "As many."}
    several : any number of options may be right; the answer is then a set or a list of names
    partial : with `several`, each right option chosen earns its part of the marks and each wrong one chosen takes as
        much away; otherwise the choice is right as a whole or not at all

    Raises
    ------
    ExerciseError : an inconsistent declaration
    """

    id: str
    options: Mapping[str, str]
    several: bool = False
    partial: bool = False
    points: float = 1.0
    statement: str = ""
    given: Mapping[str, Any] | None = None
    hints: tuple[str, ...] = ()
    limit_s: float = 5.0
    key: Key | str = field(default=NO_KEY, repr=False)

    def __post_init__(self) -> None:
        self.check_item()
        names = list(self.options)
        if len(names) < 2 or not isinstance(self.options, Mapping):
            raise self.refusal("options must be at least two, such as {'a': 'Twice as many.', 'b': 'As many.'}")
        for name, text in self.options.items():
            if not (isinstance(name, str) and isinstance(text, str) and tidy(name) and not _BETWEEN_NAMES.search(name)):
                raise self.refusal(f"the option {name!r} must be a word, and what it says a text")
        if len({tidy(name) for name in names}) < len(names):
            raise self.refusal(f"two of the options {', '.join(names)} differ only by signs or capitals")
        if self.partial and not self.several:
            raise self.refusal("partial belongs to several=True: one option is right or wrong")

    @property
    def shown(self) -> str:
        """The statement with the options under it; empty where the notebook's own text has them."""
        return with_options(self.statement, self.options)

    def about(self) -> Plain:
        """The options: where they change, the key is another one."""
        return [dict(self.options), self.several]

    def parts(self, said: Plain) -> Parts:
        """The choice as a whole, and of several options whether each is chosen.

        Raises
        ------
        ValueError : it names something that is no option, or one too many
        """
        if not self.several:
            return {WHOLE: one_of(said, self.options)}
        chosen = named(said, self.options, split=True)
        return {WHOLE: sorted(chosen)} | {name: name in chosen for name in self.options}

    def judge(self, handed: Handed, respondent: Respondent, seed: int) -> Verdict:
        """Right where the key opens; the reason, where the choice is one that the key knows to be wrong."""
        if handed.kind == "nothing":
            return self.verdict("not attempted", seed)
        parts = self.read(respondent.tell(None, self.limit_s))
        if isinstance(parts, str):
            return self.verdict("wrong", seed, problem=f"This is no choice: {parts}.")
        if isinstance(self.key, str):
            return self.no_key(seed)
        if self.key.fits(parts[WHOLE]):
            return self.verdict("right", seed, mark=float(self.points))
        found = {"problem": self.key.why(parts[WHOLE]), "hint": 1 if self.hints else 0}
        return self.verdict("wrong", seed, **found, **(self._earned(parts, self.key) if self.partial else {}))

    def _earned(self, parts: Parts, key: Key) -> dict[str, Any]:
        """What a choice of several earns that is not right as a whole."""
        right = [name for name in self.options if key.fits(True, name)]
        chosen = [name for name in self.options if parts[name]]
        hits = len(set(right) & set(chosen))
        share = max(0, 2 * hits - len(chosen)) / len(right) if right else 0.0
        count = f"of the {len(chosen)} that you chose {hits} {'is' if hits == 1 else 'are'} right"
        missing = "; not all that are right are among them" if hits < len(right) else ""
        return {"mark": float(self.points * share), "notes": (count + missing,)}


def with_options(statement: str, options: Mapping[str, str]) -> str:
    """A statement in Markdown with the options under it; nothing where there is no statement."""
    listed = "\n".join(f"- **{name}**: {text}" for name, text in options.items())
    return f"{statement}\n\n{listed}".rstrip() if statement else ""


def one_of(said: Plain, options: Mapping[str, str]) -> str:
    """The one option that is named.

    Raises
    ------
    ValueError : it is none, or there are several
    """
    chosen = named(said, options)
    if len(chosen) != 1:
        raise ValueError(f"one option is asked for, and you named {len(chosen)}; they are {', '.join(options)}")
    return chosen[0]


def named(said: Plain, options: Mapping[str, str], split: bool = False) -> list[str]:
    """The options that are named, each once and in their order; with `split`, a text may name several: "a, c".

    Raises
    ------
    ValueError : something that is none of the options
    """
    known = {tidy(name): name for name in options}
    found = set()
    for item in said if isinstance(said, list) else [said]:
        if not isinstance(item, str | int):
            raise ValueError(f"name the option as a text; they are {', '.join(options)}")
        written = str(item)
        words = _BETWEEN_NAMES.split(written.strip()) if split and tidy(written) not in known else [written]
        for word in words:
            if tidy(word) not in known:
                raise ValueError(f"{word[:40]!r} is none of the options, which are {', '.join(options)}")
            found.add(known[tidy(word)])
    return [name for name in options if name in found]


def tidy(name: str) -> str:
    """A name as it is compared: "b", "B", " (b) " and "b." are the same."""
    return name.strip(_AROUND_NAMES).casefold()
