"""What somebody expects before running a cell: written down first, then held beside what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from grading.answers.choice import one_of, tidy, with_options
from grading.answers.judging import Judged
from grading.verify.plain import Plain, is_finite, plain
from grading.verify.respondent import Handed, Respondent, describe_exception
from grading.verify.verdict import Verdict

Form = Literal["shape", "count", "sign", "number", "choice"]
_WORDING = "Written down"
_SIGNS = {"+": "+", "positive": "+", "-": "-", "−": "-", "negative": "-", "0": "0", "zero": "0"}
_LARGEST_COUNT = 10**300  # as a float holds it
_NEAR = 0.05  # of what happened: a guess that is no further off is as good as any
_MOST_AXES = 32


@dataclass(frozen=True)
class Beside:
    """A prediction beside what happened, in words; `agrees` is None where the two cannot be compared."""

    predicted: str
    happened: str
    agrees: bool | None
    remark: str = ""


@dataclass(frozen=True)
class Prediction(Judged):
    """What is to be predicted before a cell is run. It earns its marks by being well formed, whatever happens then.

    Parameters
    ----------
    id, points, statement, given, hints : as of every exercise
    form : "shape" (a tuple of whole numbers), "count" (a whole number), "sign" ('+', '-' or '0'), "number", or "choice"
    options : for a choice: what each option says, by its name
    happens : what will happen, computed when it is revealed, where the notebook does not hand it in itself

    Raises
    ------
    ExerciseError : an inconsistent declaration
    """

    id: str
    form: Form
    options: Mapping[str, str] = field(default_factory=dict)
    happens: Callable[[], Any] | None = None
    points: float = 1.0
    statement: str = ""
    given: Mapping[str, Any] | None = None
    hints: tuple[str, ...] = ()
    limit_s: float = 5.0

    def __post_init__(self) -> None:
        self.check_item()
        if self.form not in get_args(Form):
            raise self.refusal(f"form={self.form!r} is not one of {', '.join(get_args(Form))}")
        if not isinstance(self.options, Mapping):
            raise self.refusal("options must be texts by name, such as {'a': 'Twice as many.', 'b': 'As many.'}")
        if (self.form == "choice") != (len(self.options) > 1):
            raise self.refusal("options belong to form='choice', at least two of them")
        if len({tidy(name) for name in self.options}) < len(self.options):
            raise self.refusal(f"two of the options {', '.join(self.options)} differ only by signs or capitals")

    @property
    def shown(self) -> str:
        """The statement with the options under it; empty where the notebook's own text has them."""
        return with_options(self.statement, self.options)

    def fault(self, seed: int) -> str:
        """Why what happens cannot be told; empty if it can, or is handed in."""
        if self.happens is None:
            return ""
        try:
            self.happened()
        except Exception as error:
            return f"what happens cannot be told: {error}"
        return ""

    def judge(self, handed: Handed, respondent: Respondent, seed: int) -> Verdict:
        """Full marks for anything that could happen."""
        if handed.kind == "nothing":
            return self.verdict("not attempted", seed)
        told = respondent.tell(None, self.limit_s)
        try:
            if told.error is not None:
                raise ValueError(f"it is {told.error.message}" if told.error.kind == "type" else told.error.message)
            value = self.well_formed(told.data)
        except ValueError as error:
            return self.verdict("wrong", seed, problem=f"This predicts nothing: {error}.")
        note = f"you predict {self.in_words(value)}; a prediction counts for being made, not for coming true"
        return self.verdict("right", seed, mark=float(self.points), notes=(note,), wording=_WORDING)

    def well_formed(self, said: Plain) -> Plain:
        """A prediction in one form, however it was written.

        Raises
        ------
        ValueError : nothing of that form; the message says so to the student
        """
        if self.form == "choice":
            return one_of(said, self.options)
        return _READERS[self.form](said)

    def happened(self, *outcome: Any) -> Plain:
        """What happened, in the form of a prediction: of an array where a shape was to be predicted, its shape.

        Raises
        ------
        ValueError, TypeError : nothing of that form; or whatever the declaration raises that is to compute it
        """
        (value,) = outcome or (self.happens and self.happens(),)
        return self.well_formed(plain(getattr(value, "shape", value) if self.form == "shape" else value))

    def in_words(self, value: Plain) -> str:
        """A prediction as one reads it."""
        if isinstance(value, list):
            return f"({', '.join(map(str, value))}{',' if len(value) == 1 else ''})"
        if self.form == "choice":
            return f"{value}: {self.options[str(value)]}"
        if isinstance(value, int | float):
            return f"{value:g}" if isinstance(value, float) else str(value)
        return {"+": "+ (positive)", "-": "- (negative)"}.get(str(value), str(value))

    def beside(self, predicted: Plain, *outcome: Any) -> Beside:
        """A well-formed prediction beside what happened, whatever that is; left out, it is computed."""
        said = self.in_words(predicted)
        try:
            happened = self.happened(*outcome)
        except Exception as error:  # what happened may be anything at all
            is_ours = bool(outcome) and isinstance(error, ValueError | TypeError)
            why = str(error) if is_ours else describe_exception(error)
            return Beside(said, f"nothing to compare it with ({why})", None)
        agrees, remark = predicted == happened, ""
        if not agrees and isinstance(predicted, int | float) and isinstance(happened, int | float):
            near, remark = _how_near(predicted, happened)
            agrees = near and self.form == "number"
        return Beside(said, self.in_words(happened), agrees, remark)


def _how_near(predicted: float, happened: float) -> tuple[bool, str]:
    """Whether a guess is near enough, and how far it is off."""
    if abs(predicted - happened) <= _NEAR * abs(happened):
        return True, f"within {_NEAR:.0%}"
    if predicted * happened < 0:
        return False, "of another sign"
    if predicted == 0 or happened == 0:
        return False, ""
    if abs(predicted) > abs(happened):
        return False, f"{predicted / happened:.3g} times as much"
    return False, f"{happened / predicted:.3g} times too little"


def _shape(said: Plain) -> Plain:
    if isinstance(said, list) and len(said) <= _MOST_AXES and all(_is_count(size) for size in said):
        return said
    raise ValueError("a shape is a tuple of whole numbers, such as (3, 4); of a single number it is ()")


def _count(said: Plain) -> Plain:
    if isinstance(said, float) and said.is_integer():
        said = int(said)
    if _is_count(said):
        return said
    raise ValueError("a count is a whole number, zero or more")


def _is_count(said: Plain) -> bool:
    return isinstance(said, int) and not isinstance(said, bool) and 0 <= said < _LARGEST_COUNT


def _sign(said: Plain) -> Plain:
    if is_finite(said) and isinstance(said, int | float):
        return "+" if said > 0 else "-" if said < 0 else "0"
    if isinstance(said, str) and said.strip().casefold() in _SIGNS:
        return _SIGNS[said.strip().casefold()]
    raise ValueError("a sign is '+', '-' or '0'")


def _number(said: Plain) -> Plain:
    if is_finite(said) and isinstance(said, int | float) and abs(said) < _LARGEST_COUNT:
        return said
    raise ValueError("a number is asked for, and it is to be finite")


_READERS: dict[str, Callable[[Plain], Plain]] = {"shape": _shape, "count": _count, "sign": _sign, "number": _number}
