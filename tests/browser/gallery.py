"""Everything the house shows, once: each kind of output as a notebook keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import nbformat
import numpy as np
from classroom import SHEET
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from shown_kinds import kinds

import autodiff
from autodiff import show as drawn
from grading.notebook.comparison import compare
from grading.notebook.practised import Practice
from grading.notebook.shown import Heard, Hint, Opened, Result, Statement
from grading.notebook.standing import Progress
from grading.verify import Exercise, verify

_FORMS = ("html", "markdown")


def gallery() -> NotebookNode:
    """A notebook with a heading and an output per entry, as if it had been run."""
    return _notebook((name, bundle(shown)) for name, shown in outputs())


def page_of(fragment: str) -> NotebookNode:
    """A notebook that shows this piece of HTML."""
    return _notebook([("a fragment", {"text/html": fragment})])


def _notebook(entries: Iterable[tuple[str, dict[str, str]]]) -> NotebookNode:
    cells = [new_markdown_cell("# Everything that is shown", id="title")]
    for number, (name, data) in enumerate(entries):
        cells.append(new_markdown_cell(f"## {name}", id=f"name-{number}"))
        output = new_output("execute_result", data=data, execution_count=1)
        cells.append(new_code_cell("look(at_it)", id=f"shown-{number}", outputs=[output], execution_count=1))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
    nbformat.validate(notebook)
    return notebook


def bundle(shown: Any) -> dict[str, str]:
    """What IPython would store of an object."""
    data = {"text/plain": repr(shown)}
    for form in _FORMS:
        if (method := getattr(shown, f"_repr_{form}_", None)) is not None:
            data[f"text/{form}"] = method()
    return data


def outputs() -> Iterator[tuple[str, Any]]:
    """A name and an object for each thing that is shown."""
    yield from _calls()
    yield from _verdicts()
    yield from kinds()
    yield from _computations()


def _calls() -> Iterator[tuple[str, Any]]:
    yield "opened", Opened.of(SHEET, "")
    yield "statement", Statement(SHEET["chain.paths_by_hand"].statement, {})
    yield "hints", Hint(SHEET["chain.paths"].hints, 2)
    yield "no such hint", Hint(SHEET["chain.paths"].hints, 7)
    yield "practice", Practice(SHEET["chain.paths"], 3)
    yield "practice, judged", Practice(SHEET["chain.paths"], 3).check(_swapped)
    yield "compared, different", compare(SHEET["chain.paths"], _swapped, 1)
    yield "compared, the same", compare(SHEET["chain.paths"], _paths, 1)
    yield "compared, long lines", compare(SHEET["chain.paths"], _in_long_lines, 1)
    judged = {"chain.paths": _swapped, "chain.one_number": _one_number, "chain.jacobian": _not_begun}
    yield "progress", Progress.of(SHEET, {name: verify(SHEET[name], answer, 1) for name, answer in judged.items()})
    yield "while marking", Heard("chain.paths")


def _paths(x: Any, y: Any) -> Any:
    a = x * y
    c = a + np.sin(x)
    return y * (a + c) + a * np.cos(x), x * (a + c)


def _swapped(x: Any, y: Any) -> Any:
    return _paths(x, y)[::-1]


def _in_long_lines(x: Any, y: Any) -> Any:
    return y * (x * y + np.sin(x)) + x * y * y + x * y * np.cos(x), x * (x * y + np.sin(x)) + x * y * x + 0 * np.sin(x)


def _one_number(x: Any, a: Any) -> Any:
    return 2 * a * x * np.cos(a * x**2)


def _not_begun(*point: Any) -> Any:
    pass


def _verdicts() -> Iterator[tuple[str, Result]]:
    """A verdict of every outcome, and of a wrong one with everything that can stand in it."""
    layer = Exercise(
        id="shown.layer",
        function=lambda xp, W, x: xp.sum(xp.tanh(W @ x) ** 2),
        inputs=lambda rng: {"W": rng.normal(size=(5, 7)), "x": rng.normal(size=7)},
        wrt=("W", "x"),
        points=4,
        hints=("Look at the shapes.",),
    )

    def right(W: Any, x: Any) -> Any:
        t = np.tanh(W @ x)
        return np.outer(2 * t * (1 - t**2), x), W.T @ (2 * t * (1 - t**2))

    def in_places(W: Any, x: Any) -> Any:
        dW, dx = right(W, x)
        dW[1] *= 2
        dW[0, 3] *= 1.001
        dW[2:4, 1:3] *= 0.8
        return dW, 3 * dx

    def broken(W: Any, x: Any) -> Any:
        raise ValueError("operands could not be broadcast together with shapes (5,7) (5,)")

    def unbroken(W: Any, x: Any) -> Any:
        raise KeyError("k" * 300)

    answers = {
        "right": right,
        "not attempted": _not_begun,
        "wrong, a cause": lambda W, x: tuple(-block for block in right(W, x)),
        "wrong, in places": in_places,
        "wrong, shapes": lambda W, x: (right(W, x)[0].T, right(W, x)[1]),
        "wrong, an exception": broken,
        "wrong, an exception without a blank": unbroken,
    }
    for name, answer in answers.items():
        yield f"verdict: {name}", Result(verify(layer, answer, 1))
    wide = Exercise(
        id="shown.wide",
        function=lambda xp, W: xp.sum(xp.tanh(W) ** 2),
        inputs=lambda rng: {"W": rng.normal(size=(24, 61))},
        wrt=("W",),
        points=4,
    )
    steps = np.arange(24 * 61).reshape(24, 61) % 17 == 0
    yield "verdict: a wide map", Result(verify(wide, lambda W: 2 * np.tanh(W) * (1 - np.tanh(W) ** 2) + steps, 1))
    yield "verdict: a number of one's own", Result(verify(SHEET["chain.paths_by_hand"], 3.25, 1))
    on_a_kink = Exercise(
        id="shown.kink", function=lambda x: np.abs(x), inputs=lambda rng: {"x": 0.0 * rng.normal()}, wrt=("x",)
    )
    yield "verdict: cannot be decided", Result(verify(on_a_kink, lambda x: 1.0, 3))
    draws = iter([1.5])  # the declaration is tried out with it
    exhausted = Exercise(
        id="shown.fault", function=lambda xp, x: xp.sin(x), inputs=lambda rng: {"x": next(draws)}, wrt=("x",)
    )
    yield "verdict: a fault", Result(verify(exhausted, np.cos, 3))


def _computations() -> Iterator[tuple[str, Any]]:
    def f(x1: Any, x2: Any) -> Any:
        return np.exp(2 * x2) + x1 * np.sin(3 * x2**2)

    point = (2.0, 1.0)
    yield "table of a list", drawn.table(f, *point, tangent=(1.0, 0.0))
    yield "graph", drawn.graph(f, *point, values=True).highlight("x2")
    yield "graph, the way back", drawn.backprop_graph(f, *point)
    yield "graph of a gradient", drawn.gradient_graph(f, *point)
    yield "steps", drawn.stepper(f, *point)
    yield "gradient as code", autodiff.gradient_source(f, *point)
