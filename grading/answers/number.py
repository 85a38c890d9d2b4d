"""Answers that are one number, a count or a shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from grading.answers.keys import NO_KEY, WHOLE, Key, Keyed, Parts
from grading.answers.rounding import Rounding
from grading.answers.slips import KNOWN
from grading.verify.item import is_number
from grading.verify.plain import Plain, is_finite
from grading.verify.precision import misrounded
from grading.verify.respondent import Handed, Respondent
from grading.verify.verdict import Cause, Verdict

Kind = Literal["number", "count", "shape"]

_MOST_DECIMALS = 12
_FARTHEST = 9  # places that a decimal point is moved by mistake
_EXAMPLES: dict[Kind, str] = {"number": "0.125", "count": "12", "shape": "(3, 5)"}
_WORDS: dict[Kind, str] = {"number": "a number", "count": "a whole number", "shape": "a shape"}


@dataclass(frozen=True)
class NumberExercise(Keyed):
    """A question whose answer is one number to some decimals, a count, or the shape of an array.

    Parameters
    ----------
    id, points, statement, given, hints, limit_s : as of every exercise
    asks : "number", "count" (a whole number) or "shape" (whole numbers, one per axis)
    value : computes the right answer: `lambda: Cost(f, x).vjp.flops`. None where nothing can: the answer of the
        master's solution is then the key
    decimals : of a number, to which it is asked
    mistakes : known wrong answers by what is wrong with them, computed as well:
        {"this counts the additions too": lambda: ...}

    Raises
    ------
    ExerciseError : an inconsistent declaration
    """

    id: str
    value: Callable[[], Any] | None = None
    asks: Kind = "number"
    decimals: int | None = None
    mistakes: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    points: float = 1.0
    statement: str = ""
    given: Mapping[str, Any] | None = None
    hints: tuple[str, ...] = ()
    limit_s: float = 5.0
    key: Key | str = field(default=NO_KEY, repr=False)

    def __post_init__(self) -> None:
        self.check_item()
        if self.asks not in get_args(Kind):
            raise self.refusal(f"asks={self.asks!r} is not one of {', '.join(get_args(Kind))}")
        if self.value is not None and not callable(self.value):
            raise self.refusal("value is a function without arguments, such as lambda: 2 * 3 * 5")
        if self.asks != "number" and self.decimals is not None:
            raise self.refusal(f"decimals belongs to a number; {_WORDS[self.asks]} has none")
        if self.asks == "number" and (type(self.decimals) is not int or not 0 <= self.decimals <= _MOST_DECIMALS):
            raise self.refusal(f"decimals={self.decimals!r} must be a whole number from 0 to {_MOST_DECIMALS}")
        if not (is_number(self.limit_s) and self.limit_s > 0):
            raise self.refusal(f"limit_s={self.limit_s!r} must be a number of seconds above zero")
        if not all(isinstance(text, str) and callable(wrong) for text, wrong in self.mistakes.items()):
            raise self.refusal("mistakes has functions without arguments, each by what is wrong with what it gives")

    @property
    def needs_key(self) -> bool:
        """Whether nothing computes the right answer."""
        return self.value is None

    @property
    def is_personal(self) -> bool:
        """Whether it may differ from student to student; a key is everybody's."""
        return bool(self.statement) and not self.needs_key

    def about(self) -> Plain:
        """What is asked, and to how many decimals."""
        return [self.asks, self.decimals]

    def parts(self, said: Plain) -> Parts:
        """The answer in one form: 3.0 is the count 3, and a number has its decimals.

        Raises
        ------
        ValueError : it is no number, no count or no shape
        """
        return {WHOLE: self._read(said)}

    def fault(self, seed: int) -> str:
        """Why there is no right answer to compare with: it cannot be computed, or is not what is asked for."""
        if self.value is None:
            return ""
        computed = {"value": self.value} | {f"the mistake '{text}'": wrong for text, wrong in self.mistakes.items()}
        for name, compute in computed.items():
            try:
                self._computed(compute)
            except Exception as error:
                return f"{name}: {type(error).__name__}: {error}"
        return ""

    def judge(self, handed: Handed, respondent: Respondent, seed: int) -> Verdict:
        """Right or wrong; what is wrong, where the answer is a known mistake or a misprint of the right one."""
        if handed.kind == "nothing":
            return self.verdict("not attempted", seed)
        if handed.kind == "function":
            return self.verdict("wrong", seed, problem=f"The answer is a function; {self._wanted()}.")
        parts = self.read(respondent.tell(None, self.limit_s))
        if isinstance(parts, str):
            return self.verdict("wrong", seed, problem=f"This is no answer: {parts}.")
        yours = parts[WHOLE]
        if self.value is None:
            return self._opened(yours, seed)
        if fault := self.fault(seed):
            problem = f"The exercise cannot be judged: {fault}."
            return self.verdict("fault", seed, mark=float(self.points), problem=problem)
        right = self._computed(self.value)
        if self._same(yours, right):
            return self.verdict("right", seed, mark=float(self.points))
        known = [text for text, wrong in self.mistakes.items() if self._same(yours, self._computed(wrong))]
        causes = [Cause(KNOWN, text, 1.0) for text in known] or self._misprint(yours, right)
        return self._wrong(seed, causes=tuple(causes))

    def _opened(self, yours: Plain, seed: int) -> Verdict:
        """The verdict where the answer is known by a key alone."""
        if isinstance(self.key, str):
            return self.no_key(seed)
        if self.key.fits(yours):
            return self.verdict("right", seed, mark=float(self.points))
        return self._wrong(seed, problem=self.key.why(yours))

    def _wrong(self, seed: int, **found: Any) -> Verdict:
        return self.verdict("wrong", seed, hint=1 if self.hints else 0, **found)

    def _wanted(self) -> str:
        return f"hand in {_WORDS[self.asks]}, such as {_EXAMPLES[self.asks]}"

    # --- reading -----------------------------------------------------------------------------------------------------

    def _read(self, said: Plain) -> Any:
        """An answer in one form; raises ValueError for what is none."""
        if isinstance(said, str):
            raise ValueError(f"it is a text; {self._wanted()}, without quotes")
        if self.asks == "shape":
            return self._shape(said)
        if isinstance(said, list) and len(said) == 1:
            said = said[0]  # an array with one entry
        if not is_finite(said):
            raise ValueError(f"it is {_kind(said)}; {self._wanted()}")
        return self._counted(said) if self.asks == "count" else self._printed(said)

    def _counted(self, said: Any) -> int:
        if said != int(said):
            raise ValueError(f"{said:g} is no whole number, and what can be counted is")
        return int(said)

    def _printed(self, said: Any) -> float:
        """A number; where it is to open a key, with its decimals."""
        return float(np.round(float(said), self.decimals or 0)) + 0.0 if self.needs_key else float(said)

    def _shape(self, said: Plain) -> list[int]:
        """A shape as a list of whole numbers; a number alone is one axis, as it is in NumPy."""
        sizes: list[Any] = said if isinstance(said, list) else [said]
        for size in sizes:
            if not is_finite(size):
                raise ValueError(f"{_kind(size)} is no length of an axis; {self._wanted()}")
            if size != int(size) or size < 0:
                raise ValueError(f"{size:g} is no length of an axis; {self._wanted()}")
        return [int(size) for size in sizes]

    def _computed(self, compute: Callable[[], Any]) -> Any:
        """What the declaration computes, in the form of an answer; raises ValueError if it cannot be one."""
        value = compute()
        array = np.asarray(value)
        if array.dtype.kind not in "iuf" and not (self.asks == "shape" and array.size == 0):
            raise ValueError(f"{value!r} is not {_WORDS[self.asks]}")
        return self._read(array.tolist())

    # --- comparing ---------------------------------------------------------------------------------------------------

    def _same(self, yours: Any, other: Any) -> bool:
        """Whether an answer is this one, as far as it is asked for."""
        return bool(yours == other if self.decimals is None else Rounding(self.decimals).admits(yours, (other, other)))

    def _misprint(self, yours: Any, right: Any) -> list[Cause]:
        """What is wrong with an answer that is nearly the right one."""
        return _of_shape(yours, right) if self.asks == "shape" else _of_number(yours, right, self.decimals)


def _of_number(yours: float, right: float, decimals: int | None) -> list[Cause]:
    """A number that is another one written down differently; the first that fits."""
    if not right or not yours:
        return []
    if decimals is not None:
        told = misrounded(np.asarray(yours), np.asarray(right), decimals)
        if told:
            return [Cause("rounding", told, 1.0)]
    close = 1e-9 if decimals is None else Rounding(decimals).half / abs(right)
    if abs(yours + right) <= close * abs(right):
        return [Cause("sign", "the sign is wrong", 1.0)]
    power = round(math.log10(abs(yours)) - math.log10(abs(right)))
    if 0 < abs(power) <= _FARTHEST and close < 0.05 and abs(yours / 10.0**power - right) <= close * abs(right):
        much = f"{10 ** abs(power)} times too {'large' if power > 0 else 'small'}"
        return [Cause("power of ten", f"the decimal point is in another place: {much}", 1.0)]
    return []


def _of_shape(yours: list[Any], right: list[Any]) -> list[Cause]:
    """A shape with the right lengths in other places, or the right number of entries."""
    if len(yours) == len(right) > 1 and yours == right[::-1]:
        return [Cause("transposed", "transposed: these are the right lengths in the opposite order", 1.0)]
    if sorted(yours) == sorted(right):
        return [Cause("axes permuted", "these are the right lengths in another order", 1.0)]
    if [n for n in yours if n != 1] == [n for n in right if n != 1]:
        return [Cause("shape that only broadcasts", "right but for axes of length 1", 1.0)]
    if math.prod(yours) == math.prod(right):
        return [Cause("reshape for transpose", "the right number of entries, but in other axes", 1.0)]
    return []


def _kind(said: Plain) -> str:
    """What somebody handed in that is no finite number, in a word or two."""
    if isinstance(said, float):
        return "not finite" if math.isinf(said) else "not a number (nan)"
    words = {bool: "a truth value", list: "a list", dict: "a dict", str: "a text", type(None): "nothing"}
    return words.get(type(said), "no number")
