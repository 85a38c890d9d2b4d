"""What the kinds of answers other than derivatives show: statements, and verdicts on right and wrong answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from grading.answers import verify
from grading.answers.bug import BugExercise
from grading.answers.choice import ChoiceExercise
from grading.answers.graph import GraphExercise
from grading.answers.keys import WHOLE, Key
from grading.answers.number import NumberExercise
from grading.answers.prediction import Prediction
from grading.answers.table import VALUE, TableExercise, adjoint, tangent
from grading.notebook.session import statement_of
from grading.notebook.shown import Result, Revealed
from grading.verify import Exercise

SEED = 17
Shown = Iterator[tuple[str, Any]]


def kinds() -> Shown:
    """A name and an object for each thing that is shown."""
    yield from _graphs()
    yield from _tables()
    yield from _choices_and_numbers()
    yield from _bugs()
    yield from _predictions()


def _graphs() -> Shown:
    steps = {"a": ("mul", "x", "y"), "b": ("sin", "x"), "c": ("add", "a", "b"), "f": ("mul", "a", "c")}

    def function(xp: Any, x: Any, y: Any) -> Any:
        a = x * y
        return a * (a + xp.sin(x))

    exercise = GraphExercise(
        "kind.graph",
        function,
        lambda rng: {"x": rng.uniform(0.5, 1.5), "y": rng.normal()},
        outputs=("f",),
        prescribed=True,
        steps=steps,
        points=5,
        hints=("Which value is used twice?",),
    )
    copied = steps | {"a2": ("mul", "x", "y"), "f": ("mul", "a2", "c")}
    answers = {
        "right": steps,
        "a copy": copied,
        "another function": steps | {"b": ("cos", "x")},
        "a circle": steps | {"a": ("mul", "x", "f")},
        "not attempted": None,
    }
    for name, answer in answers.items():
        yield f"graph, {name}", Result(verify(exercise, answer, SEED))


def _tables() -> Shown:
    exercise = TableExercise(
        "kind.table",
        given={"x1": 2.0, "x2": 1.0},
        rows={
            "v0": lambda x1: x1,
            "v1": lambda x2: x2,
            "v2": lambda v1: 2 * v1,
            "v3": lambda xp, v2: xp.exp(v2),
            "v4": lambda v0, v3: v0 * v3,
        },
        columns={"value": VALUE, "tangent": tangent(x2=1), "adjoint": adjoint("v4")},
        decimals=3,
        points=15,
        statement="Fill in the table for $l = x_1 e^{2 x_2}$.",
    )
    answer = {
        "v0": {"value": 2, "tangent": 0, "adjoint": 7.389},
        "v1": {"value": 1, "tangent": 1, "adjoint": 29.556},
        "v2": {"value": 2, "tangent": 2, "adjoint": 14.778},
        "v3": {"value": 7.389, "tangent": 14.778, "adjoint": 2},
        "v4": {"value": 14.778, "tangent": 29.556, "adjoint": 1},
    }
    slip = answer | {"v3": {"value": 6.389, "tangent": 14.778, "adjoint": None}}
    yield "statement with a table", statement_of(exercise)
    for name, filled in {"right": answer, "a slip": slip, "no table": "v0 = 2"}.items():
        yield f"table, {name}", Result(verify(exercise, filled, SEED))


def _choices_and_numbers() -> Shown:
    choice = ChoiceExercise(
        "kind.choice",
        {"a": "One pass per input.", "b": "One pass per output.", "c": "It depends on $n$."},
        statement="How many passes does a Jacobian take in reverse mode?",
        points=2,
        hints=("Count.",),
    )
    keyed = choice.with_key(Key.of(choice.salt, choice.parts("b"), [("a", "That is forward mode.")]))
    yield "statement with options", statement_of(keyed)
    for answer in ("b", "a", "c", "all of them"):
        yield f"choice, {answer}", Result(verify(keyed, answer, SEED))
    number = NumberExercise("kind.number", value=lambda: 2 / 3, decimals=3, points=2)
    for answer in (0.667, -0.667, "two thirds"):
        yield f"number, {answer}", Result(verify(number, answer, SEED))


def _bugs() -> Shown:
    asked = Exercise(
        id="kind.bug",
        function=lambda xp, W, x: xp.sum((W @ x) ** 2),
        inputs=lambda rng: {"W": rng.normal(size=(3, 5)), "x": rng.normal(size=5)},
        wrt=("W",),
        points=4,
        statement="This is to return the gradient with respect to $W$.",
    )
    bug = BugExercise(asked, code="\ndef gradient(W, x):\n    r = W @ x\n    g = -2 * r\n    return np.outer(g, x)\n")
    keyed = bug.with_key(Key.of(bug.salt, {WHOLE: 3}, ()))

    def mended(W: Any, x: Any) -> Any:
        return 2 * np.outer(W @ x, x)

    yield "statement with code", statement_of(keyed)
    yield "bug, right", Result(verify(keyed, mended, SEED, {"line": 3}))
    yield "bug, another line", Result(verify(keyed, mended, SEED, {"line": 4}))
    yield "bug, not mended", Result(verify(keyed, lambda W, x: -mended(W, x), SEED, {"line": 3}))


def _predictions() -> Shown:
    guess = Prediction("kind.guess", form="shape", statement="What shape will `W @ x` have?")
    yield "prediction", Result(verify(guess, (3, 5), SEED))
    yield "prediction, malformed", Result(verify(guess, "large", SEED))
    yield "revealed, as predicted", Revealed("kind.guess", "(3, 5)", "(3, 5)", True)
    yield "revealed, otherwise", Revealed("kind.guess", "40", "80", False, "2 times too little")
    yield "revealed, not predicted", Revealed("kind.guess")
