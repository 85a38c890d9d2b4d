"""Sheet 6, forward and reverse mode: what is asked. The statements and solutions stand in its master text.

Sources, by the numbers of the seed sheets: other ways to a gradient S1-3.3; passes S3-1c.0, S3-1d.0, S3-1e.0; what a
framework records S4-4, adjoints that add up T-7. Costs are counted by `autodiff.Cost` and `autodiff.eliminate`, with
the edge model of Griewank & Walther, Evaluating Derivatives, 2nd ed. 2008. Conventions: a gradient has the shape of its
variable, a Jacobian has the output's axes first, vec is row-major.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from autodiff import Cost, ScalarGraph, colour, crossover, eliminate
from grading.answers.bug import BugExercise
from grading.answers.choice import ChoiceExercise
from grading.answers.graph import GraphExercise
from grading.answers.number import NumberExercise
from grading.answers.prediction import Prediction
from grading.answers.table import TableExercise, adjoint, tangent
from grading.sheets.sheet import Prose, Sheet, Variant
from grading.verify import Exercise
from grading.verify.item import Item

# Sizes are drawn from these: all distinct, and none that could be taken for a factor 1, 2 or 1/2.
_SIZES = (3, 5, 6, 7)
_ROUNDOFF = 2.0**-53


def sheet(variant: Variant) -> Sheet:
    """From difference quotients to both modes, what they cost, and a machine of the student's own."""
    inner, outer = (int(size) for size in variant.rng("forward_and_reverse sizes").permutation(_SIZES)[:2])
    return Sheet(
        "Forward and reverse mode",
        (
            *_differences(variant),
            _complex_step(inner, outer),
            *_both_ways(variant),
            *_brackets(variant),
            *_passes(),
            *_memory(variant),
            *_other_orders(variant),
            *_recorded(variant),
            *_rules(inner, outer),
            *_walks(),
            _layer(inner, outer),
        ),
        forbids=("jvp", "vjp", "grad", "value_and_grad", "jacobian"),
    )


def _one_of(variant: Variant, exercise: str, choices: Sequence[Any]) -> Any:
    """A student's own one of several tasks."""
    return choices[int(variant.own_rng(exercise).integers(len(choices)))]


# --- other ways to a gradient ----------------------------------------------------------------------------------------


def _differences(variant: Variant) -> tuple[Item, ...]:
    h, d = _one_of(variant, "modes.evaluations", [(5, 7), (6, 9), (7, 11), (9, 12), (11, 6), (12, 5)])
    height, bend = _one_of(variant, "modes.best_step", list(product((0.3, 5.0, 60.0), (0.7, 8.0, 300.0))))
    both = f"$W$ of shape $({h}, {d})$ and $b$ of shape $({h},)$"
    return (
        Prediction(
            id="modes.guess_error",
            form="choice",
            options={
                "a": "The smaller the step, the smaller the error, all the way down.",
                "b": "The error falls at first, and rises again when the step gets very small.",
                "c": "From some step on, the error stays as it is.",
            },
            happens=_what_the_error_does,
        ),
        NumberExercise(
            id="modes.best_step",
            decimals=2,
            value=lambda: math.log10(2 * math.sqrt(_ROUNDOFF * height / bend)),
            mistakes={
                "the two parts of the bound are not these: half of the bend, twice the height": lambda: math.log10(
                    math.sqrt(_ROUNDOFF * height / bend)
                ),
                "the square root is missing": lambda: math.log10(4 * _ROUNDOFF * height / bend),
                "the logarithm to base 10 is asked": lambda: math.log(2 * math.sqrt(_ROUNDOFF * height / bend)),
                "height and bend are exchanged": lambda: math.log10(2 * math.sqrt(_ROUNDOFF * bend / height)),
            },
            points=2,
            given={"F": height, "M": bend},
            statement=(
                f"Of a function you know that $F = |f(x)| = {height:g}$ and $M = |f''(x)| = {bend:g}$. At which step "
                "$\\varepsilon$ is the bound $\\tfrac12 M \\varepsilon + 2uF/\\varepsilon$ smallest, with $u = "
                "2^{-53}$? Give $\\log_{10} \\varepsilon$ with two decimals."
            ),
            hints=(
                "One part of the bound grows with the step, one shrinks. Where is its derivative zero?",
                "M/2 = 2uF/ε² at the best step.",
                "The best step is 2 √(uF/M).",
            ),
        ),
        NumberExercise(
            id="modes.evaluations",
            asks="count",
            value=lambda: h * d + h + 1,
            mistakes={
                "each quotient needs a second value, too, that of the point itself": lambda: h * d + h,
                "that is what central differences take": lambda: 2 * (h * d + h),
                "b has entries of its own, and each wants a step": lambda: h * d + 1,
            },
            points=1,
            given={"h": h, "d": d},
            statement=(
                f"A loss depends on {both}. How often must it be evaluated for its gradient in all these entries by "
                "one-sided differences $\\big(f(x + \\varepsilon e_i) - f(x)\\big)/\\varepsilon$, if no value is "
                "computed twice?"
            ),
            hints=(
                "How many entries are there to move, one after the other?",
                "Each quotient has two values in it. Which of them do all quotients share?",
                "All entries of W, all entries of b, and the point itself.",
            ),
        ),
    )


def _what_the_error_does() -> str:
    """The option that is true of a one-sided difference of exp(sin(3x)) at 0.8."""

    def error(step: float) -> float:
        f, slope = (lambda x: math.exp(math.sin(3 * x))), 3 * math.cos(2.4) * math.exp(math.sin(2.4))
        return abs((f(0.8 + step) - f(0.8)) / step - slope)

    long, middle, short = error(1e-2), error(1e-8), error(1e-15)
    return "b" if middle < min(long, short) else "a" if short < middle else "c"


def _complex_step(inner: int, outer: int) -> Item:
    def wave(xp: Any, A: Any, x: Any) -> Any:
        return xp.sin(A @ x) * xp.exp(A @ x / 3)

    return Exercise(
        id="modes.complex_step",
        function=wave,
        inputs=lambda rng: {"A": rng.normal(size=(outer, inner)), "x": rng.normal(size=inner)},
        wrt=("x",),
        asks="jvp",
        points=2,
        hints=(
            "The direction dx enters at x, multiplied by a tiny imaginary step.",
            "f(x + i h dx) = f(x) + i h J dx + terms with h² and more: which part of it do you want?",
            "np.imag of wave(A, x + 1j * h * dx), divided by h.",
        ),
    )


# --- both ways through one list --------------------------------------------------------------------------------------


def _is_telling(x1: float, x2: float, u: tuple[float, float]) -> bool:
    """Whether no row's tangent or slope is 0 or nearly 1, so that a factor left out shows, nor a single derivative."""
    product_moves = u[0] * x2 + x1 * u[1]
    numbers = (product_moves, product_moves + u[0], math.cos(x1 * x2), math.sin(x1 * x2), x1 * x2 + x1)
    is_single = any(abs(abs(product_moves) - abs(slope)) < 0.05 for slope in (x1, x2))
    return not is_single and all(abs(number) > 0.1 and abs(abs(number) - 1) > 0.05 for number in numbers)


_TABLES = [
    task
    for task in product((0.7, 1.3, 1.7, 2.2), (-0.6, 0.8, 1.4), ((3.0, -2.0), (-1.5, 2.5), (0.5, -3.0)))
    if _is_telling(*task)
]


def _both_ways(variant: Variant) -> tuple[Item, ...]:
    x1, x2, (u1, u2) = _one_of(variant, "modes.table", _TABLES)
    return (
        TableExercise(
            id="modes.table",
            given={"x1": x1, "x2": x2, "u1": u1, "u2": u2},
            rows={
                "v0": lambda x1: x1,
                "v1": lambda x2: x2,
                "v2": lambda v0, v1: v0 * v1,
                "v3": lambda xp, v2: xp.sin(v2),
                "v4": lambda v2, v0: v2 + v0,
                "v5": lambda v3, v4: v3 * v4,
            },
            columns={"tangent": tangent(x1=u1, x2=u2), "adjoint": adjoint("v5")},
            points=6,
            statement=(
                f"Take $x = ({x1:g}, {x2:g})$. Fill in the tangent of every row when $x$ moves along $u = ({u1:g}, "
                f"{u2:g})$, and the adjoint of every row with respect to $v_5$; three decimals."
            ),
            hints=(
                "Write the values beside the rows first. Tangents go down the list, adjoints go up.",
                "v0 and v2 are used twice: their adjoints have two contributions.",
                "v̄3 = v4 and v̄4 = v3; v̄2 = v̄4 + cos(v2) v̄3; v̄0 = v̄4 + v1 v̄2.",
            ),
        ),
        BugExercise(
            Exercise(
                id="modes.bug",
                function=lambda xp, w, x: xp.sum(xp.sin(w * xp.tanh(x))),
                inputs=lambda rng: {"w": rng.normal(size=5), "x": rng.normal(size=5)},
                wrt=("w", "x"),
                points=4,
                statement=(
                    "This function is to return the gradients of $\\sum_i \\sin(w_i \\tanh x_i)$ in $w$ and in $x$. "
                    "Which line is wrong? Change that line alone."
                ),
                hints=(
                    "Play it through with letters: which value does the name z stand for in each line?",
                    "One of the two gradients is right. So the fault is on the way of the other one alone.",
                    "The slope of tanh at x is 1 minus the square of tanh(x). Is z still that?",
                ),
            ),
            code="""
            def gradient(w, x):
                z = np.tanh(x)
                kept = z
                z = w * z
                z_bar = np.cos(z)
                w_bar = z_bar * kept
                z_bar = z_bar * w
                x_bar = z_bar * (1 - z**2)
                return w_bar, x_bar
            """,
        ),
    )


# --- brackets --------------------------------------------------------------------------------------------------------


def _brackets(variant: Variant) -> tuple[Item, ...]:
    h, d = _one_of(variant, "modes.brackets", [(5, 3), (5, 7), (6, 5), (6, 7), (7, 3), (7, 5), (7, 9), (9, 5), (9, 6)])
    reverse, forward = h * h + h * h * d, h * h * h * d + h * h * d
    given = {"h": h, "d": d}
    factors = f"With $h = {h}$ hidden units and $d = {d}$ inputs the factors have shapes $(1, {h})$, $({h}, {h})$ and "
    factors += f"$({h}, {h * d})$."
    return (
        NumberExercise(
            id="modes.brackets",
            asks="count",
            value=lambda: forward - reverse,
            mistakes={
                "that is all that A (B C) takes; take off what (A B) C takes": lambda: forward,
                "that is all that (A B) C takes; how many more are it the other way?": lambda: reverse,
                "this counts additions as well": lambda: 2 * (forward - reverse),
                "the last factor has h rows and hd columns": lambda: forward - h * h - h * d,
                "A (B C) has two products in it; the row A has to be multiplied, too": lambda: h * h * h * d - reverse,
            },
            points=2,
            given=given,
            statement=(
                f"{factors} How many multiplications **more** does $A\\,(B\\,C)$ take than $(A\\,B)\\,C$, "
                "every entry taken as a number?"
            ),
            hints=(
                "A product of shapes (m, k) and (k, n) takes one multiplication for each m, k and n.",
                "Two products each: first 1 × h by h × h in the one order, h × h by h × hd in the other. What is left?",
                "h·h·hd + h·hd in the one order, h·h + h·hd in the other.",
            ),
        ),
        NumberExercise(
            id="modes.structured",
            asks="count",
            value=lambda: h + h * d,
            mistakes={
                "that is what it takes with every entry a number": lambda: reverse,
                "B is diagonal: h numbers": lambda: h * h + h * d,
                "A B has to be computed, too": lambda: h * d,
            },
            points=2,
            given=given,
            statement=(
                f"Again $h = {h}$, $d = {d}$; but now $B$ is known to be diagonal, and row $i$ of $C$ to be zero but "
                "for $x^T$ in the columns that belong to row $i$ of $W$. How many multiplications does "
                "$(A\\,B)\\,C$ take, if none has a known zero in it?"
            ),
            hints=(
                "How many numbers of B are not known to be zero? And of C?",
                "A times a diagonal is a product entry by entry.",
                "A B has h entries, and each of them meets the d entries of x once.",
            ),
        ),
    )


def _where_the_modes_tie() -> int:
    """The number of inputs at which the modes cost the same for 24 outputs of a network."""

    def network(n: int, m: int) -> tuple[Any, ...]:
        A, B = np.ones((32, n)), np.ones((m, 32))
        return lambda x: B @ np.tanh(A @ x), np.ones(n)

    rows = crossover(network, [(n, 24) for n in range(1, 49)])
    return next(n for n, _, _, _, cheaper in rows if cheaper == "either")


def _passes() -> tuple[Item, ...]:
    return (
        Prediction(id="modes.guess_crossover", form="count", happens=_where_the_modes_tie),
        ChoiceExercise(
            id="modes.cheaper",
            options={
                "a": "the gradient of one loss in 60,000 weights",
                "b": "how each of 300 outputs changes with one temperature",
                "c": "J v for one direction v, of a map from 500 numbers to 500",
                "d": "the whole Jacobian of a map from 40 numbers to 3",
                "e": "one row of the Jacobian of a map from 500 numbers to 500",
            },
            several=True,
            partial=True,
            points=2,
            hints=(
                "Count passes: what does one pass forward give, what one pass back?",
                "A tangent gives J v, a column of J if v is a unit vector; an adjoint gives wᵀ J, a row.",
                "Two of the five take a single pass forward and many back.",
            ),
        ),
    )


# --- memory ----------------------------------------------------------------------------------------------------------


def _numbers_held(walk: str, depth: int, width: int) -> int:
    """The numbers held at the worst moment of a walk along a chain of steps."""

    def chain(x: Any) -> Any:
        for _ in range(depth):
            x = np.tanh(x)
        return x

    return int(getattr(Cost(chain, np.ones(width)), walk).peak_live_floats)


def _memory(variant: Variant) -> tuple[Item | Prose, ...]:
    depth, width = _one_of(variant, "modes.memory", list(product((5, 7, 9, 11), (10, 30, 60))))

    def numbers(walk: str) -> int:
        return _numbers_held(walk, depth, width)

    return (
        NumberExercise(
            id="modes.memory",
            asks="count",
            value=lambda: numbers("vjp"),
            mistakes={
                "the list alone; on the way back there are adjoints beside it": lambda: depth * width,
                "that is forward mode with one tangent": lambda: numbers("jvp"),
                "one adjoint beside the list: but a step needs the one it reads and the one it writes": lambda: (
                    (depth + 1) * width
                ),
            },
            points=2,
            given={"d": depth, "w": width},
            statement=(
                f"A chain of {depth} steps, each a $\\tanh$ of all entries, on {width} numbers. How many numbers are "
                "held at the worst moment of a reverse walk with one adjoint? By the rules above: the list keeps the "
                "value of every step, the argument belongs to the caller, an adjoint is held until it is spent, and a "
                "step holds the adjoint that it reads and the one that it writes together."
            ),
            hints=(
                "How many numbers are on the list when the way down is over?",
                "On the way up two adjoints are there at once: the one that is read and the one that is written.",
                "(steps + 2) times the width.",
            ),
        ),
        Prose(
            id="modes.memory_in_print",
            points=4,
            rubric=(
                "1 point: the matrix product belongs to carrying all tangents at once (B C, h rows and hd columns). "
                "1 point: the small memory belongs to carrying one tangent at a time, which takes hd passes. 1 point: "
                "numbers of one's own, such as h·hd for the matrix against h activations that reverse mode keeps. "
                "1 point: a mended statement that says for which implementation it holds, or that trades passes for "
                "memory."
            ),
        ),
    )


# --- other orders ----------------------------------------------------------------------------------------------------


def products_of(shape: Sequence[int]) -> int:
    """The fewest multiplications for a product of matrices of shapes (shape[0], shape[1]), (shape[1], shape[2]), ..."""
    if len(shape) < 3:
        return 0
    ends = range(1, len(shape) - 1)
    return min(products_of(shape[: k + 1]) + products_of(shape[k:]) + shape[0] * shape[k] * shape[-1] for k in ends)


def from_left(shape: Sequence[int]) -> int:
    """The multiplications if the product is begun at its first factor, as reverse mode does."""
    return sum(shape[0] * shape[k] * shape[k + 1] for k in range(1, len(shape) - 1))


def from_right(shape: Sequence[int]) -> int:
    """The multiplications if the product is begun at its last factor, as forward mode does."""
    return from_left(shape[::-1])


_CHAINS = [
    shape
    for shape in product((5, 6, 9), (20, 30), (3, 4), (20, 25), (7, 8))
    if products_of(shape) < 0.8 * min(from_left(shape), from_right(shape))
]

# Graphs with two inputs and two outputs on which neither mode is the cheapest way; the last two vertices are outputs.
_GRAPHS = (
    "x1 a, x2 a, a b, a c, b c, c d, x2 y1, d y1, a y2",
    "x1 a, x2 a, a b, a c, b c, x2 d, c y1, a y2, d y2",
    "x1 a, x2 a, x1 b, a c, a d, c d, b y1, b y2, d y2",
    "x1 a, x2 a, a b, a c, b d, c d, a y1, a y2, d y2",
    "x1 a, x2 a, a b, a c, b c, x1 d, c d, d y1, x1 y2",
    "x1 a, x2 a, a b, a c, a d, c d, b y1, x2 y2, d y2",
    "x2 a, a b, a c, b d, c d, x1 d, x2 d, d y1, d y2",
    "x1 a, a b, b c, b d, c d, x1 y2, x2 d, d y1, d y2",
)


def graph_of(text: str) -> ScalarGraph:
    """The graph of edges written as "x1 a, a y1", with a slope for each."""
    edges = [tuple(edge.split()) for edge in text.split(", ")]
    slopes = [0.5 + 0.25 * number for number in range(len(edges))]
    whole = tuple((source, target, slope) for (source, target), slope in zip(edges, slopes, strict=True))
    return ScalarGraph(("x1", "x2"), ("y1", "y2"), whole)


def pattern_of(offsets: Sequence[int], rows: int) -> Any:
    """Which x_j each y_i depends on: those with j - i among the offsets."""
    filled = np.zeros((rows, rows + max(offsets)))
    for row, offset in product(range(rows), offsets):
        filled[row, row + offset] = 1
    return filled


def _other_orders(variant: Variant) -> tuple[Item, ...]:
    shape = _one_of(variant, "modes.chain_order", _CHAINS)
    edges = _one_of(variant, "modes.elimination", _GRAPHS)
    offsets, rows = _one_of(
        variant, "modes.colours", list(product([(0, 1, 3), (0, 2, 3), (0, 1, 2, 4), (0, 2, 3, 4)], (20, 30, 50)))
    )
    graph, pattern = graph_of(edges), pattern_of(offsets, rows)
    matrices = ", ".join(f"${name}$ of $({m}, {n})$" for name, m, n in zip("ABCD", shape, shape[1:], strict=False))
    terms = ", ".join("x_i" if offset == 0 else f"x_{{i+{offset}}}" for offset in offsets)
    arrows = ", ".join(edge.replace(" ", " → ") for edge in edges.split(", "))
    return (
        NumberExercise(
            id="modes.chain_order",
            asks="count",
            value=lambda: products_of(shape),
            mistakes={
                "from the left, as reverse mode does; there is a cheaper one": lambda: from_left(shape),
                "from the right, as forward mode does; there is a cheaper one": lambda: from_right(shape),
                "one product is missing: the two halves have to be multiplied": lambda: (
                    shape[0] * shape[1] * shape[2] + shape[2] * shape[3] * shape[4]
                ),
            },
            points=2,
            given={"sizes": list(shape)},
            statement=(
                f"Four Jacobians are to be multiplied, $A\\,B\\,C\\,D$: {matrices}. What is the smallest number of "
                "multiplications, over all ways to set the brackets?"
            ),
            hints=(
                "There are five ways to set the brackets. Where is the chain narrow?",
                "Cut the chain where it is narrowest, and multiply each side by itself first.",
                "(A B)(C D): three products. Compare with going from either end.",
            ),
        ),
        NumberExercise(
            id="modes.elimination",
            asks="count",
            value=lambda: eliminate(graph, "optimal")[1],
            mistakes={
                "that is forward mode's order; another one is cheaper": lambda: eliminate(graph, "forward")[1],
                "that is reverse mode's order; another one is cheaper": lambda: eliminate(graph, "reverse")[1],
                "this counts edges": lambda: len(graph.edges),
            },
            points=3,
            given={"edges": edges},
            statement=(
                f"The graph has the edges {arrows}. Its inputs are x1 and x2, its outputs y1 and y2. How many "
                "multiplications does the cheapest order of elimination take?"
            ),
            hints=(
                "A vertex with one edge in, or one edge out, is cheap. Which are there?",
                "Begin in the middle: after each elimination count edges in and edges out of what is left anew.",
                "Edges that come to lie between the same two vertices add up to one. Let one vertex alone until "
                "last: the one with the most edges.",
            ),
        ),
        NumberExercise(
            id="modes.colours",
            asks="count",
            value=lambda: int(max(colour(pattern))) + 1,
            mistakes={
                "entries of a row: they clash, but so do others": lambda: len(offsets),
                "one for each input; many columns have no row in common": lambda: rows + max(offsets),
                "one for each output is what reverse mode takes, without any colours": lambda: rows,
            },
            points=2,
            given={"offsets": list(offsets), "rows": rows},
            statement=(
                f"Each $y_i$, $i = 0, \\dots, {rows - 1}$, depends on ${terms}$ alone. What is the smallest number of "
                "forward passes that gives the whole Jacobian?"
            ),
            hints=(
                "Which columns have a row in common with column 0? With column 5?",
                "Columns j and k clash if their distance is a difference of two of the offsets.",
                "All distances from 1 up to the largest offset occur: so many neighbours in a row clash, each with "
                "each, and one more.",
            ),
        ),
    )


# --- what is recorded ------------------------------------------------------------------------------------------------


def _recorded(variant: Variant) -> tuple[Item | Prose, ...]:
    x, k = _one_of(variant, "modes.accumulated", list(product((1.5, 2.5, 3.5), (-4.0, 3.0, 7.0))))

    def traced(xp: Any, x: Any, k: Any) -> Any:
        a = x * k
        return a * xp.sin(a) + x

    return (
        GraphExercise(
            id="modes.recorded",
            function=traced,
            inputs=lambda rng: {"x": rng.uniform(0.5, 2.0), "k": -rng.uniform(0.5, 2.0)},
            outputs=("y",),
            prescribed=True,
            shares={"form": 1, "values": 4, "structure": 3},
            points=4,
            hints=(
                "One line of the trace is one operation. Which of them is used by two others?",
                "Read from the end: [0] is y. [3] was made from x and from something without a gradient, which is k.",
                "a = x * k is [3]; the sine takes a, and [1] takes a and the sine.",
            ),
        ),
        ChoiceExercise(
            id="modes.in_print",
            options={
                "1": "the first sentence",
                "2": "the second sentence",
                "3": "the third sentence",
                "4": "the fourth sentence",
            },
            points=1,
            hints=(
                "Which of the sentences can be held against a line of the trace?",
                "Look at what y.grad_fn prints, and before which call.",
                "When were the nodes [0] to [4] there?",
            ),
        ),
        Prose(
            id="modes.in_print_mended",
            points=2,
            rubric=(
                "1 point: the graph is recorded while the forward pass runs; backward() walks it (and frees what it "
                "kept). "
                "1 point: the line of the trace that shows it: y.grad_fn is there, and x.grad is still None, before "
                "backward() is called."
            ),
        ),
        ChoiceExercise(
            id="modes.leaves",
            options={"X": "the data X", "y": "the targets y", "W1": "W1", "W2": "W2", "P": "X @ W1", "L": "the loss"},
            several=True,
            partial=True,
            points=2,
            hints=(
                "A leaf of the recorded graph is where the walk ends and a gradient is put down.",
                "In the trace above, what did k become, for which no gradient was asked?",
                "Only what was made by hand *and* asks for a gradient.",
            ),
        ),
        NumberExercise(
            id="modes.accumulated",
            decimals=2,
            value=lambda: 2 * x + k,
            mistakes={
                "that is the gradient of y2 alone; backward() adds to what is there": lambda: k,
                "that is the gradient of y1 alone": lambda: 2 * x,
                "that is the product of the two": lambda: 2 * x * k,
            },
            points=1,
            given={"x": x, "k": k},
            statement=(
                f"With `x = torch.tensor({x:g}, requires_grad=True)`, `y1 = x**2` and `y2 = {k:g} * x`, somebody "
                "calls `y1.backward()`, then `y2.backward()`, and takes `x.grad` for $\\partial y_2/\\partial x$. What "
                "number is it? Give two decimals."
            ),
            hints=(
                "What does x.grad hold after the first call?",
                "Where a value is used twice, contributions are added. How is the machine to know that this is "
                "another walk?",
                "The sum of the two derivatives.",
            ),
        ),
    )


# --- the machine, extended -------------------------------------------------------------------------------------------


def running_squares(xp: Any, x: Any) -> Any:
    """t_i = x_0² + ... + x_i²."""
    return xp.cumsum(x**2, 0)


def _rules(inner: int, outer: int) -> tuple[Item, ...]:
    def at_zero(rng: np.random.Generator) -> dict[str, Any]:
        x = rng.normal(size=inner)
        x[rng.integers(inner)] = 0
        return {"x": x}

    return (
        Exercise(
            id="modes.rule_jvp",
            function=running_squares,
            inputs=lambda rng: {"x": rng.normal(size=inner)},
            edge_inputs=at_zero,
            wrt=("x",),
            asks="jvp",
            points=2,
            hints=(
                "Differentiate one entry of t along dx.",
                "The tangent of a sum is the sum of the tangents; that of x² is 2 x dx.",
                "A running sum again: np.cumsum of something.",
            ),
        ),
        Exercise(
            id="modes.rule_vjp",
            function=running_squares,
            inputs=lambda rng: {"x": rng.normal(size=inner)},
            edge_inputs=at_zero,
            wrt=("x",),
            asks="vjp",
            points=3,
            hints=(
                "Which entries of t does x[k] go into? Their adjoints come back to it.",
                "x[k] is in t[k] and in all that follow: add up w from k to the end.",
                "A running sum from the other end: w[::-1].cumsum()[::-1].",
            ),
        ),
    )


def run_list(xp: Any, x: Any, op: Any, left: Any, right: Any) -> Any:
    """The value of the last line: lines 0, 1, ... are the entries of x, then one line for each entry of op."""
    v = [x[k] for k in range(x.shape[0])]
    for code, a, b in zip(op, left, right, strict=True):
        first, second = v[int(a)], v[int(b)]
        v.append(_OPERATIONS[int(code)](xp, first, second))
    return v[-1]


_OPERATIONS = (
    lambda xp, a, b: a + b,
    lambda xp, a, b: a * b,
    lambda xp, a, b: xp.sin(a),
    lambda xp, a, b: xp.tanh(a),
)
# Operation and arguments of the lines after three inputs, as the sheet draws them; v3 and v5 are used twice.
_LINES = ((1, 0, 1), (2, 3, 3), (0, 3, 2), (1, 4, 5), (0, 6, 5))


def _walks() -> tuple[Item, ...]:
    return (
        Exercise(
            id="modes.walk",
            function=run_list,
            inputs=_the_list_drawn,
            wrt=("x",),
            points=4,
            hints=(
                "One adjoint per line, all zero but that of the last. Then go up, line by line.",
                "A line gives each of its arguments its own adjoint times the partial derivative there, and what comes "
                "is added.",
                "For a product: bar[a] += bar[i] * v[b] and bar[b] += bar[i] * v[a].",
            ),
        ),
        Exercise(
            id="modes.any_list",
            function=run_list,
            inputs=_random_list,
            wrt=("x",),
            points=3,
            draws=6,
            hints=(
                "Your walk of the exercise before does nearly all of it.",
                "One case more on the way down and one on the way up; and what comes to a line is added, always.",
                "bar[a] += bar[i] * (1 - v[i] ** 2), v[i] being the tanh itself.",
            ),
        ),
    )


def _away_from_zero(rng: np.random.Generator, size: int) -> Any:
    return rng.uniform(0.5, 1.4, size=size) * rng.choice([-1, 1], size=size)


def _the_list_drawn(rng: np.random.Generator) -> dict[str, Any]:
    op, left, right = (np.array(column) for column in zip(*_LINES, strict=True))
    return {"x": _away_from_zero(rng, 3), "op": op, "left": left, "right": right}


def _random_list(rng: np.random.Generator) -> dict[str, Any]:
    """Nine lines on three inputs: each uses the one before it and one further up; one product takes a line twice."""
    lines = np.arange(3, 12)
    op = rng.permutation([0, 0, 0, 1, 1, 1, 2, 2, 3])
    left = np.concatenate([rng.integers(0, 3, size=1), lines[:-1]])
    right = np.array([rng.integers(0, line) for line in lines])
    square = rng.choice(np.flatnonzero(op == 1))
    right[square] = left[square]
    return {"x": _away_from_zero(rng, 3), "op": op, "left": left, "right": right}


def _layer(inner: int, outer: int) -> Item:
    def layer(xp: Any, W: Any, b: Any, x: Any) -> Any:
        a = W @ x + b
        return a * running_squares(xp, a)

    return Exercise(
        id="modes.layer",
        function=layer,
        inputs=lambda rng: {
            "W": rng.normal(size=(outer, inner)) / 2,
            "b": rng.normal(size=outer),
            "x": rng.normal(size=inner),
        },
        wrt=("W", "b", "x"),
        asks="vjp",
        shares={"W": 2, "b": 1, "x": 1},
        points=4,
        hints=(
            "a is used twice: by the product, and by the running squares. So its adjoint has two parts.",
            "The product gives a the adjoint w * t, and t the adjoint w * a; your rule takes the latter on.",
            "b gets the adjoint of a; W gets it times x, as an outer product; x gets W transposed times it.",
        ),
    )
