"""A student's function beside what the course writes for the same derivative, by the values that both compute."""

from __future__ import annotations

import ast
import html
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import autodiff
from grading.notebook.traced import Bound, bindings, lines_of
from grading.verify.exercise import Array, Exercise
from grading.verify.respondent import TimeLimitReached, describe_exception, overrun, time_limit
from grading.verify.sampling import Question, edge_question, fresh_question, published_question

_CLOSE = 1e-9  # of the largest entry; both sides compute with sixteen digits
_KEPT_BACK = "..."
_LINES = "font-family:monospace;white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere"


@dataclass(frozen=True)
class Line:
    """A line of code, and what the other side has of it; `differs` marks the first adjoint that it does not have."""

    text: str
    note: str = ""
    differs: bool = False


@dataclass(frozen=True)
class Comparison:
    """Both texts, line by line; `said` is the finding in a sentence."""

    exercise: str
    said: str
    yours: tuple[Line, ...] = ()
    courses: tuple[Line, ...] = ()

    def text(self) -> str:
        """The comparison as plain text."""
        parts = [f"{self.exercise}: {self.said}"]
        for title, lines in (("Yours", self.yours), ("The course's", self.courses)):
            if lines:
                parts += ["", title, *(f"  {_sign(line)} {line.text}{_noted(line)}" for line in lines)]
        return "\n".join(parts)

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        said = f"<p><strong>{html.escape(self.exercise)}</strong>: {html.escape(self.said)}</p>"
        columns = [("Yours", self.yours), ("The course's", self.courses)]
        return said + "".join(_column(title, lines) for title, lines in columns if lines)


def compare(exercise: Exercise, function: Callable[..., Any], seed: int) -> Comparison:
    """Put a student's function beside the derivative that the course writes down, at the first point where they differ.

    Never raises because of what the function does.
    """
    refused = partial(Comparison, exercise.id)
    if exercise.is_data or not callable(function):
        return refused("only an answer that is a function can be compared, without calling it")
    found = None
    for question in _questions(exercise, seed):
        try:
            text, reference = _reference(exercise, question)
        except autodiff.RefusalError as reason:
            return refused(f"the course's own lines cannot be written down here: {reason}")
        yours = _followed(function, question)
        if isinstance(yours, str):
            return refused(yours)
        found = _compared(exercise, _own_lines(function, yours), yours, text, reference)
        if any(line.differs for line in found.courses):
            break
    return found or refused("there is no point at which to compare")


def _followed(function: Callable[..., Any], question: Question) -> list[Bound] | str:
    """What the lines of a student's function give, or why it did not come to its end."""
    limit_s = question.exercise.limit_s
    try:
        with time_limit(limit_s):
            return bindings(function, [np.copy(arg)[()] for arg in question.args])
    except TimeLimitReached:
        return f"your function takes too long: {overrun(limit_s)}"
    except KeyboardInterrupt:
        raise  # the person at the keyboard, not the function
    except BaseException as error:
        return f"your function stopped with {describe_exception(error, calls=2)}"


def _questions(exercise: Exercise, seed: int) -> list[Question]:
    """The points of a check; an answer may be right at most of them."""
    fresh = [fresh_question(exercise, seed, number) for number in range(exercise.draws)]
    declared = [edge_question(exercise, seed), published_question(exercise, seed)]
    return [*fresh, *(question for question in declared if question is not None)]


def _reference(exercise: Exercise, question: Question) -> tuple[list[str], list[Bound]]:
    """The text of the course's own function, emptied of what checks its arguments, and what each of its lines gives."""
    source = _source(exercise, question)
    namespace: dict[str, Any] = {}
    exec(compile(source, "<the course's own lines>", "exec"), namespace)
    tree = ast.parse(source)
    written = next(node for node in reversed(tree.body) if isinstance(node, ast.FunctionDef))
    told = _preamble(written)
    numbered = enumerate(source.splitlines()[: written.end_lineno], 1)
    lines = ["" if number in told else text for number, text in numbered if number >= written.lineno]
    return lines, bindings(namespace[written.name], question.args, **source.constants)


def _source(exercise: Exercise, question: Question) -> Any:
    """The derivative that is asked, as text."""
    names = list(question.point)
    wanted = tuple(names.index(name) for name in exercise.wrt)
    function: Any = partial(exercise.function, np) if exercise.takes_xp else exercise.function
    inputs = list(question.point.values())
    if exercise.asks == "gradient":
        return autodiff.gradient_source(function, *inputs, argnums=wanted)
    if exercise.asks == "vjp":
        return autodiff.gradient_source(_pulled_back(function, names), *question.args, argnums=wanted)
    if exercise.asks == "jvp":
        return autodiff.tangent_source(function, *inputs, argnums=wanted)
    raise autodiff.RefusalError(f"for a {exercise.asks.replace('_', ' ')} there are no adjoints to compare")


def _pulled_back(function: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    """The scalar function <w, f>, whose gradient is the vjp of f with w; its parameters are called as those of f."""

    def pulled_back(*args: Any) -> Any:
        return np.sum(args[-1] * function(*args[:-1]))

    kinds = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in (*names, "cotangent")]
    pulled_back.__dict__["__signature__"] = inspect.Signature(kinds)
    return pulled_back


def _preamble(function: ast.FunctionDef) -> set[int]:
    """The lines of a generated function that only say and check what it is for."""
    parameters = {argument.arg for argument in function.args.args}
    told = set()
    for statement in function.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        names = {target.id for target in targets if isinstance(target, ast.Name)}
        if isinstance(statement, ast.Expr | ast.If) or names & (parameters | {"shapes"}):
            told |= set(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
    return told


def _own_lines(function: Callable[..., Any], yours: list[Bound]) -> list[str]:
    """A student's text; the names alone, where it cannot be read any more."""
    lines = lines_of(function)
    return lines if len(lines) > max((bound.line for bound in yours), default=0) else []


def _compared(
    exercise: Exercise, own: list[str], yours: list[Bound], written: list[str], reference: list[Bound]
) -> Comparison:
    """Both texts with their notes, the course's up to the first adjoint that is missing among one's own values."""
    met = [(bound, _found(bound, yours)) for bound in reference if bound.name and not _is_index(bound)]
    met += _returned([bound for bound in reference if not bound.name], [bound for bound in yours if not bound.name])
    first = _first_missing(met, _needed("\n".join(written)))
    if all(match is not None for bound, match in met if not bound.name):
        said, first = "you return what the course's own lines return.", None
    elif first is None:
        said = "every step of the course's is among your values; what you return is not the same."
    else:
        said = f"the first that differs is {_told(first.name)}. What follows is kept back until it agrees."
    back = {bound.name: f"your {match.name}" if match.name else "what you return" for bound, match in met if match}
    forth = {id(match): bound.name for bound, match in met if match and bound.name}
    return Comparison(exercise.id, said, _yours(own, yours, forth), _courses(written, reference, back, first))


def _first_missing(met: list[tuple[Bound, Bound | None]], needs: dict[str, set[str]]) -> Bound | None:
    """The first adjoint that is not among one's own values, nor inside an expression whose value is."""
    inside = set().union(*(needs[bound.name] for bound, match in met if match is not None))
    lost = (bound for bound, match in met if match is None and bound.name not in inside)
    return next((bound for bound in lost if _is_carried(bound.name)), None)


def _yours(own: list[str], yours: list[Bound], forth: dict[int, str]) -> tuple[Line, ...]:
    """One's own lines, each with the names of the course's values that it computes."""
    notes: dict[int, dict[str, None]] = {}
    for bound in yours:
        if id(bound) in forth:
            notes.setdefault(bound.line, {})[forth[id(bound)]] = None
    return tuple(Line(text, ", ".join(notes.get(number, {}))) for number, text in enumerate(own))


def _courses(written: list[str], reference: list[Bound], back: dict[str, str], first: Bound | None) -> tuple[Line, ...]:
    """The course's lines up to the first that differs; of that one only the name."""
    notes = {bound.line: back[bound.name] for bound in reference if bound.name in back}
    lines: list[Line] = []
    for number, text in enumerate(written):
        if first is not None and number == first.line:
            indent = text[: len(text) - len(text.lstrip())]
            head = f"{first.name} =" if first.name else "return"
            return (*lines, Line(f"{indent}{head} {_KEPT_BACK}", "not among your values", differs=True))
        lines += [Line(text, notes.get(number, ""))] if text else []
    return tuple(lines)


def _found(bound: Bound, others: list[Bound]) -> Bound | None:
    """The first of the others with the same value, in the same shape or one that differs by ones or a transposition."""
    return next((other for other in others if _same(bound.value, other.value)), None)


def _returned(wanted: list[Bound], yours: list[Bound]) -> list[tuple[Bound, Bound | None]]:
    """What is returned has to agree in number, order and shape as well; a vector may be a row, as in the judge."""
    if len(wanted) != len(yours):
        return [(bound, None) for bound in wanted]
    pairs = zip(wanted, yours, strict=True)
    shaped = [(a, b, b.value.shape in (a.value.shape, (1, *a.value.shape))) for a, b in pairs]
    return [(a, b if fits and _same(a.value, b.value) else None) for a, b, fits in shaped]


def _same(value: Array, other: Array) -> bool:
    for turned in (other, other.T):
        if turned.squeeze().shape == value.squeeze().shape:
            scale = np.max(np.abs(value), initial=0.0)
            if np.allclose(turned.squeeze(), value.squeeze(), rtol=0, atol=_CLOSE * scale):
                return True
    return False


def _needed(source: str) -> dict[str, set[str]]:
    """For each name that a straight-line function assigns, all names that its value was computed from."""
    function = ast.parse(source).body[0]
    needs: dict[str, set[str]] = {}
    for statement in ast.walk(function):
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            direct = {node.id for node in ast.walk(statement.value) if isinstance(node, ast.Name)}
            needs[statement.targets[0].id] = direct.union(*(needs.get(name, set()) for name in direct))
    return _Default(needs)


class _Default(dict[str, set[str]]):
    """Names that nothing assigns, such as arguments, need nothing."""

    def __missing__(self, name: str) -> set[str]:
        return set()


def _is_carried(name: str) -> bool:
    """Whether a name of the course's text is an adjoint or a tangent; what it returns without a name is one."""
    return not name or name.startswith("d_") or name.endswith("_dot") or (name[:1] in "gt" and name[1:].isdigit())


def _is_index(bound: Bound) -> bool:
    """Whether a value may be an index or a code: whole numbers are found among anybody's values, and say nothing."""
    return not _is_carried(bound.name) and bool(np.all(bound.value == np.round(bound.value)))


def _told(name: str) -> str:
    if not name:
        return "what is returned"
    if name.endswith("_dot"):
        return f"{name}, the tangent of {name.removesuffix('_dot')}"
    return f"{name}, the adjoint of {name.removeprefix('d_') if name.startswith('d_') else 'a step without a name'}"


def _sign(line: Line) -> str:
    return "▸" if line.differs else "=" if line.note else " "


def _noted(line: Line) -> str:
    return f"    # {line.note}" if line.note else ""


def _column(title: str, lines: tuple[Line, ...]) -> str:
    drawn = "\n".join(f"{_sign(line)} {line.text}{_noted(line)}" for line in lines)
    return (
        '<div style="display:inline-block;vertical-align:top;max-width:100%;box-sizing:border-box;padding-right:2em">'
        f"<div><strong>{html.escape(title)}</strong></div>"
        f'<pre style="margin:0.2em 0;{_LINES}">{html.escape(drawn)}</pre></div>'
    )
