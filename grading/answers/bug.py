"""Code with one planted fault: the student names the line, and mends the function."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from grading.answers.keys import NO_KEY, WHOLE, Key, Keyed, Parts
from grading.verify import judge as derivatives
from grading.verify.exercise import Array, Exercise
from grading.verify.plain import Plain
from grading.verify.respondent import Handed, HomeRespondent, Reply, Respondent, Told
from grading.verify.verdict import Outcome, Verdict

_LAST_BITS = 1e-9  # by which the same sums may differ on two computers


@dataclass(frozen=True)
class BugExercise(Keyed):
    """A function with one line that is wrong. `check("bugs.sign", mended, line=4)` hands in both parts of the answer.

    The line is what the master's solution says; the mended function is judged as an answer to `mended`.

    Parameters
    ----------
    mended : the exercise that the mended function answers. Its id, points, statement, hints and what it forbids are
        this exercise's
    code : one function in NumPy (`np`), as the student sees it, with line numbers, where `show(id)` stands
    line_share : how much of the marks the line is worth; the rest is for the function

    Raises
    ------
    ExerciseError : an inconsistent declaration, or code that is not one function
    """

    mended: Exercise
    code: str
    line_share: float = 0.5
    key: Key | str = field(default=NO_KEY, repr=False)
    id: str = field(init=False)
    points: float = field(init=False)
    statement: str = field(init=False)
    given: Mapping[str, Any] | None = field(init=False, default=None)
    hints: tuple[str, ...] = field(init=False)
    forbids: tuple[str, ...] = field(init=False)
    faulty: Callable[..., Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.mended, Exercise):
            raise TypeError("BugExercise(Exercise(...), code=...): the mended function must answer an Exercise")
        for name in ("id", "points", "statement", "hints", "forbids"):
            object.__setattr__(self, name, getattr(self.mended, name))
        self.check_item()
        if self.mended.is_data:
            raise self.refusal("what is mended is a function, so its exercise declares inputs and no given point")
        if not 0 <= self.line_share <= 1:
            raise self.refusal(f"line_share={self.line_share!r} must be a number from 0 to 1")
        object.__setattr__(self, "code", textwrap.dedent(self.code).strip())
        object.__setattr__(self, "faulty", self._compiled())

    def _compiled(self) -> Callable[..., Any]:
        namespace: dict[str, Any] = {"np": np}
        try:
            statements = ast.parse(self.code).body
            if len(statements) != 1 or not isinstance(statements[0], ast.FunctionDef):
                raise self.refusal("code must be one function and nothing else; it has np for NumPy")
            exec(compile(self.code, f"<{self.id}>", "exec"), namespace)
        except SyntaxError as error:
            raise self.refusal(f"code is not Python: {error.msg} in line {error.lineno}") from None
        faulty: Callable[..., Any] = namespace[statements[0].name]
        return faulty

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of the faulty code; the first is number 1."""
        return tuple(self.code.splitlines())

    @property
    def shown(self) -> str:
        """The statement, and the faulty code with the numbers of its lines."""
        width = len(str(len(self.lines)))
        numbered = "\n".join(f"{number:{width}}  {line}".rstrip() for number, line in enumerate(self.lines, 1))
        return f"{self.statement}\n\n```text\n{numbered}\n```".lstrip()

    def about(self) -> Plain:
        """The code: where it changes, the key is another one."""
        return self.code

    def parts(self, said: Plain) -> Parts:
        """The number of the line.

        Raises
        ------
        ValueError : it is no number of a line
        """
        line = said.get("line") if isinstance(said, dict) else said
        if isinstance(line, str):
            digits = line.casefold().strip().removeprefix("line").strip()
            line = int(digits) if digits.isdecimal() and len(digits) < 10 else line
        if isinstance(line, float) and line.is_integer():
            line = int(line)
        if isinstance(line, bool) or not isinstance(line, int) or not 1 <= line <= len(self.lines):
            raise ValueError(f"line= is the number of one line, from 1 to {len(self.lines)}")
        return {WHOLE: line}

    def misfit(self, source: str, right: Parts) -> str:
        """Whether the solution mends the line that it names and no other."""
        functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
        mended = [(ast.get_source_segment(source, node) or "").splitlines() for node in functions]
        if any(_differ(self.lines, lines) == [right[WHOLE]] for lines in mended):
            return ""
        return f"no function of its solution differs from the faulty code in line {right[WHOLE]} alone"

    def fault(self, seed: int) -> str:
        """Why the exercise cannot be judged with this seed: the function cannot, or its fault does not show."""
        if reason := derivatives.fault_of(self.mended, seed):
            return reason
        recording = _Recording(HomeRespondent(self.faulty))
        found = derivatives.judge(self.mended, Handed.of(self.faulty), recording, seed)
        if recording.took_too_long:
            return "the faulty code does not end"
        return "" if found.outcome == "wrong" else f"the planted fault does not show: the code is {found.outcome}"

    def judge(self, handed: Handed, respondent: Respondent, seed: int) -> Verdict:
        """Both parts on their own: the line by the key, the function by its witnesses."""
        line = self._judged_line(respondent.tell(None, self.mended.limit_s))
        recording = _Recording(respondent)
        function = _judged_function(self.mended, handed, recording, seed)
        unchanged = function.outcome in ("wrong", "fault") and recording.all_like(self.faulty)
        if line.right is None and (unchanged or function.outcome == "not attempted") and not line.malformed:
            return self.verdict("not attempted", seed)
        if function.outcome == "fault":
            return function
        if isinstance(self.key, str):
            return self.no_key(seed)
        return self._both(line, function, unchanged)

    def _judged_line(self, told: Told) -> _Line:
        """What there is to say about the line that was named."""
        is_said = told.error is None and isinstance(told.data, dict) and told.data.get("line") is not None
        if not is_said:
            return _Line(None, f'Name the line as a number, too: check("{self.id}", ..., line=...).')
        parts = self.read(told)
        if isinstance(parts, str):
            return _Line(None, f"You named no line: {parts}.", malformed=True)
        line = parts[WHOLE]
        if isinstance(self.key, str):
            return _Line(False, "")
        if self.key.fits(line):
            return _Line(True, f"Line {line} is where it goes wrong.")
        return _Line(False, f"Line {line}, which you named, is not where it goes wrong. {self.key.why(line)}".strip())

    def _both(self, line: _Line, function: Verdict, unchanged: bool) -> Verdict:
        """One verdict of both parts."""
        mended = function.outcome == "right"
        said = [line.said, function.problem]
        if mended:
            said[1] = "Your function is right."
        elif unchanged:
            said[1] = "Your function still gives what the faulty one gives."
        elif function.outcome == "not attempted":
            said[1] = "The function is not mended yet."
        right = bool(line.right) and mended
        undecided: Outcome = "inconclusive" if function.outcome == "inconclusive" and line.right else "wrong"
        earned = self.line_share * bool(line.right) + (1 - self.line_share) * _share(function)
        return replace(
            function,
            outcome="right" if right else undecided,
            mark=float(self.points * (1.0 if right else earned)),
            problem="" if right else " ".join(filter(None, said)),
            causes=() if unchanged else function.causes,
            hint=1 if self.hints and not right else 0,
        )


@dataclass(frozen=True)
class _Line:
    """What is known of the line that was named: whether it is the one, None where none was."""

    right: bool | None
    said: str
    malformed: bool = False


class _Recording:
    """Passes questions on, and remembers what was asked and answered."""

    def __init__(self, respondent: Respondent) -> None:
        self._respondent = respondent
        self._heard: list[tuple[list[Any], Reply]] = []

    def ask(self, args: Sequence[Array], limit_s: float) -> Reply:
        reply = self._respondent.ask(args, limit_s)
        self._heard.append(([np.copy(arg)[()] for arg in args], reply))
        return reply

    def reread(self, number: int) -> tuple[Array, ...]:
        return self._respondent.reread(number)

    def tell(self, args: Sequence[Array] | None, limit_s: float) -> Told:
        return self._respondent.tell(args, limit_s)

    def all_like(self, function: Callable[..., Any]) -> bool:
        """Whether every answer was what this function answers."""
        twin = HomeRespondent(function)
        return bool(self._heard) and all(_is_like(reply, twin.ask(args, 1.0)) for args, reply in self._heard)

    @property
    def took_too_long(self) -> bool:
        """Whether an answer did not come in time."""
        return any(reply.error is not None and reply.error.kind == "time" for _, reply in self._heard)


def _is_like(one: Reply, two: Reply) -> bool:
    """Whether two replies say the same, but for how their sums were ordered."""
    if one.error or two.error:
        return one.error is not None and two.error is not None and one.error.kind == two.error.kind
    return len(one.values) == len(two.values) and all(
        a.shape == b.shape and np.allclose(a, b, rtol=_LAST_BITS, atol=0.0, equal_nan=True)
        for a, b in zip(one.values, two.values, strict=True)
    )


def _judged_function(exercise: Exercise, handed: Handed, respondent: Respondent, seed: int) -> Verdict:
    """The verdict on the function alone; where only a line was named, there is none yet."""
    if handed.type_name == "NoneType":
        handed = Handed("nothing", "NoneType")
    return derivatives.judge(exercise, handed, respondent, seed)


def _differ(lines: Sequence[str], others: Sequence[str]) -> list[int]:
    """The numbers of the lines in which two functions differ, whatever they are called; nothing if one is longer."""
    if len(lines) != len(others):
        return []
    pairs = zip(map(_nameless, lines), map(_nameless, others), strict=True)
    return [number for number, (one, other) in enumerate(pairs, 1) if one != other]


def _nameless(line: str) -> str:
    return re.sub(r"^def \w+", "def", line).rstrip()


def _share(function: Verdict) -> float:
    """How much of its marks a function has earned."""
    return function.mark / function.points if function.points else 0.0
