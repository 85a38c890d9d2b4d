"""Sheet 2, computational graphs: what is asked. Other statements than these stand in the master text.

Sources, by the numbers of the seed sheets: the function with two inputs and two outputs, its graph, its graph of
adjoints and its tables S3-1; the toy function S1-4; sums over paths and a graph extended by its gradient S0-1; the
graph over vectors S3-2a. Rows are counted from v0, as the source counts them.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product
from typing import Any

import numpy as np

from grading.answers.bug import BugExercise
from grading.answers.choice import ChoiceExercise
from grading.answers.graph import GraphExercise
from grading.answers.number import NumberExercise
from grading.answers.prediction import Prediction
from grading.answers.table import VALUE, TableExercise, adjoint, tangent
from grading.sheets.sheet import Prose, Sheet, Variant
from grading.verify import Exercise
from grading.verify.item import Item

_SIZES = (3, 5, 6, 7)
_NODES = ("x", "a", "b", "c", "d", "l")

Edges = dict[tuple[str, str], int]


def sheet(variant: Variant) -> Sheet:
    """Graphs of computations: evaluated, differentiated forwards and backwards, drawn, and read."""
    return Sheet(
        "Computational graphs",
        (
            *_drawing(variant),
            *_forwards(),
            *_backwards(variant),
            *_both_ways(variant),
            *_toy(variant),
            *_paths(variant),
            *_gradient_as_graph(variant),
            *_vectors(variant),
        ),
    )


# --- the function with two inputs and two outputs --------------------------------------------------------------------

# Its rows, as the source takes it apart.
_ROWS: dict[str, Callable[..., Any]] = {
    "v0": lambda x1: x1,
    "v1": lambda x2: x2,
    "v2": lambda v1: 2 * v1,
    "v3": lambda xp, v2: xp.exp(v2),
    "v4": lambda v1: v1**2,
    "v5": lambda v4: 3 * v4,
    "v6": lambda xp, v5: xp.sin(v5),
    "v7": lambda v0, v6: v0 * v6,
    "v8": lambda v3, v7: v3 + v7,
    "v9": lambda v0, v1: v0 * v1,
    "v10": lambda xp, v1: 1 / (1 + xp.exp(-v1)),
    "v11": lambda v9, v10: v9 + v10,
}
_TANGENTS = {"d/dx1": tangent(x1=1), "d/dx2": tangent(x2=1)}
_ADJOINTS = {"of y1": adjoint("v8"), "of y2": adjoint("v11")}


def _pair(xp: Any, x1: Any, x2: Any) -> tuple[Any, Any]:
    return xp.exp(2 * x2) + x1 * xp.sin(3 * x2**2), x1 * x2 + 1 / (1 + xp.exp(-x2))


def _near(rng: np.random.Generator) -> dict[str, Any]:
    return {"x1": rng.normal(), "x2": rng.uniform(0.3, 1.2) * rng.choice([-1, 1])}


def _drawing(variant: Variant) -> tuple[Item | Prose, ...]:
    shared, formula, parts = _own_function(variant)
    return (
        Prediction(id="graphs.guess_arrows", form="count", happens=lambda: 14),
        GraphExercise(
            "graphs.draw",
            _pair,
            _near,
            outputs=("y1", "y2"),
            prescribed=True,
            steps={
                "v2": "2 * x2",
                "v3": "exp(v2)",
                "v4": "x2**2",
                "v5": "3 * v4",
                "v6": "sin(v5)",
                "v7": "x1 * v6",
                "y1": "v3 + v7",
                "v9": "x1 * x2",
                "v10": "sigmoid(x2)",
                "y2": "v9 + v10",
            },
            points=4,
            hints=(
                "Which operation is carried out last in y1? And before that?",
                "One node for each operation; a factor such as the 2 in 2·x2 belongs to its node.",
                "y1 = v3 + v7 with v3 = exp(v2) and v7 = x1 * v6; now v2, v6 and what v6 is made of.",
            ),
        ),
        GraphExercise(
            "graphs.own_graph",
            shared,
            lambda rng: {"x": rng.uniform(0.4, 1.4), "y": rng.normal()},
            prescribed=True,
            given=parts,
            points=3,
            statement=(
                f"Draw the graph of\n\n$$f(x, y) = {formula}$$\n\none node per operation, and every value computed "
                "once. The inputs are `x` and `y`, the output is `f`."
            ),
            hints=(
                "Which part of the formula stands there twice?",
                "That part is one node with two arrows leaving it.",
                "Four nodes: a, made of x and y; b, made of a; one made of a and b; and f.",
            ),
        ),
    )


def _own_function(variant: Variant) -> tuple[Callable[..., Any], str, dict[str, str]]:
    """A function in which one value is used twice, its formula, and what that is made of."""
    inner: dict[str, Callable[[Any, Any], Any]] = {
        "x\\,y": lambda x, y: x * y,
        "x + y": lambda x, y: x + y,
        "x - y": lambda x, y: x - y,
    }
    signs: dict[str, Callable[[Any, Any], Any]] = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
    }
    outer = ("sin", "cos", "tanh", "exp")
    chosen = list(product(inner, outer, signs, ("x", "y")))
    a_text, name, sign, factor = chosen[variant.own_rng("graphs.own_graph").integers(len(chosen))]

    def function(xp: Any, x: Any, y: Any) -> Any:
        a = inner[a_text](x, y)
        c = signs[sign](a, getattr(xp, name)(a))
        return c * (x if factor == "x" else y)

    formula = f"\\big(({a_text}) {sign} \\{name}({a_text})\\big)\\,{factor}"
    return function, formula, {"inner": a_text.replace("\\,", " * "), "outer": name, "sign": sign, "factor": factor}


def _forwards() -> tuple[Item | Prose, ...]:
    at = {"x1": 2.0, "x2": 1.0}
    return (
        TableExercise(
            id="graphs.trace",
            given=at,
            rows=_ROWS,
            function=_pair,
            points=3,
            statement="The values at $x_1 = 2$, $x_2 = 1$, to three decimals.",
            hints=(
                "Top to bottom: each row uses rows above it alone.",
                "Angles are in radians; σ(v) = 1 / (1 + exp(-v)).",
                "v3 = exp(2) = 7.389 and v5 = 3, so v6 = sin(3).",
            ),
        ),
        Prediction(id="graphs.guess_sign", form="sign"),
        TableExercise(
            id="graphs.forward",
            given=at,
            rows=_ROWS,
            function=_pair,
            columns=_TANGENTS,
            points=6,
            statement="The tangents at $x_1 = 2$, $x_2 = 1$, to three decimals: one column for each input.",
            hints=(
                "Each column starts with 1 at its own input and 0 at the other one.",
                "A row's tangent is the sum, over what it is made of, of the local derivative times that tangent.",
                "d/dx2: v6 has cos(3) times 6, and v8 the sum of the tangents of v3 and v7.",
            ),
        ),
        ChoiceExercise(
            id="graphs.print_forward",
            several=True,
            partial=True,
            options={f"v{number}": f"the row v{number}" for number in range(2, 12)},
            points=2,
            hints=(
                "Hold it beside your own column.",
                "A number that is printed and a number that follows from the printed ones need not be the same.",
                "Look at the sign of cos(3), and at what is made from it.",
            ),
        ),
    )


def _backwards(variant: Variant) -> tuple[Item | Prose, ...]:
    at = {"x1": 2.0, "x2": 1.0}
    return (
        GraphExercise(
            "graphs.draw_back",
            _pair_back,
            lambda rng: {name: rng.normal() for name in ("v0", "v1", "v3", "v5", "v6", "v10", "a8", "a11")},
            outputs=("a0", "a1"),
            wrt=("a8", "a11"),
            prescribed=True,
            steps=_PAIR_BACK,
            points=4,
            hints=(
                "Turn every arrow of the graph round: from v2 → v3 comes a3 → a2.",
                "The factor at an arrow is the derivative of the old arrow's head in its tail.",
                "Four arrows end at a1: from a2 with 2, from a4 with 2*v1, and those from a9 and a10.",
            ),
        ),
        TableExercise(
            id="graphs.reverse",
            given=at,
            rows=_ROWS,
            function=_pair,
            columns=_ADJOINTS,
            points=6,
            statement=(
                "The adjoints at $x_1 = 2$, $x_2 = 1$, to three decimals: one column for each output, "
                "$y_1 = v_8$ and $y_2 = v_{11}$."
            ),
            hints=(
                "Bottom to top: start with 1 at the output of the column and 0 at the other one.",
                "An adjoint is the sum, over the rows that use the value, of their adjoint times the local derivative.",
                "v1 is used in v2, v4, v9 and v10: four contributions, some of them 0.",
            ),
        ),
        ChoiceExercise(
            id="graphs.print_reverse",
            options={f"v{number}": f"the row v{number}" for number in range(12)},
            points=1,
            hints=(
                "Hold it beside your own column.",
                "Which printed number does not follow from the adjoint that it is made from?",
                "v8 = v3 + v7 passes its adjoint on to both.",
            ),
        ),
        Prose(
            id="graphs.why_printed",
            points=3,
            rubric=(
                "1 point: forward table: a minus sign was lost in v6 (cos 3 < 0) and carried to v7, while v8 was "
                "computed with the right sign; reverse table: 1·1 is not 0 while the next row uses 1. 1 point: the "
                "final Jacobian is right because the numbers that were used were not those that were printed. 1 point: "
                "a check that finds it: computing each row again from the printed ones, or a difference quotient for a "
                "row. Comparing the two Jacobians earns nothing here: both are right."
            ),
        ),
        Exercise(
            id="graphs.walk_back",
            function=lambda xp, x1, x2: xp.stack(list(_pair(xp, x1, x2))),
            inputs=_near,
            wrt=("x1", "x2"),
            asks="vjp",
            published={"x1": 2.0, "x2": 1.0},
            points=4,
            sizes_fixed="the source's function has two outputs",
            hints=(
                "First all values v2 to v11, then the adjoints from the last row to the first.",
                "Start with v8's adjoint w[0] and v11's adjoint w[1]: one walk for both rows, weighted.",
                "x2's adjoint: 2·v̄2 + 2·v1·v̄4 + v0·v̄9 + v10·(1 - v10)·v̄10.",
            ),
        ),
        BugExercise(
            Exercise(
                id="graphs.bug",
                function=lambda xp, x, y: (x * y + xp.sin(x)) * xp.exp(x * y),
                inputs=lambda rng: {"x": rng.uniform(0.4, 1.5), "y": -rng.uniform(0.4, 1.5)},
                edge_inputs=lambda rng: {"x": -rng.uniform(0.4, 1.5), "y": rng.uniform(0.4, 1.5)},
                wrt=("x", "y"),
                points=4,
                statement=(
                    "This is to return the derivatives of $(xy + \\sin x)\\,e^{xy}$ in $x$ and $y$, by a walk back "
                    "over $a = xy$, $b = \\sin x$, $c = a + b$, $d = e^a$, $l = c\\,d$."
                ),
                hints=(
                    "Which values are used more than once?",
                    "Where a value is used twice, the second contribution has to be added to the first.",
                    "a is used in c and in d. What has become of the contribution by way of d?",
                ),
            ),
            code="""
            def gradient(x, y):
                a = x * y
                b = np.sin(x)
                c = a + b
                d = np.exp(a)
                c_bar = d
                d_bar = c
                a_bar = d * d_bar
                a_bar = c_bar
                b_bar = c_bar
                x_bar = y * a_bar
                y_bar = x * a_bar
                x_bar += np.cos(x) * b_bar
                return x_bar, y_bar
            """,
        ),
    )


_PAIR_BACK = {
    "nodes": ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10", "a11"],
    "edges": [
        ["a8", "a7", 0, "1"],
        ["a8", "a3", 0, "1"],
        ["a7", "a6", 0, "v0"],
        ["a6", "a5", 0, "cos(v5)"],
        ["a5", "a4", 0, "3"],
        ["a3", "a2", 0, "v3"],
        ["a11", "a9", 0, "1"],
        ["a11", "a10", 0, "1"],
        ["a2", "a1", 0, "2"],
        ["a4", "a1", 1, "2*v1"],
        ["a9", "a1", 2, "v0"],
        ["a10", "a1", 3, "v10*(1 - v10)"],
        ["a7", "a0", 0, "v6"],
        ["a9", "a0", 1, "v1"],
    ],
}


def _pair_back(xp: Any, v0: Any, v1: Any, v3: Any, v5: Any, v6: Any, v10: Any, a8: Any, a11: Any) -> tuple[Any, Any]:
    """The adjoints of both inputs from those of both outputs."""
    a4 = 3 * xp.cos(v5) * v0 * a8
    return a8 * v6 + a11 * v1, 2 * v3 * a8 + 2 * v1 * a4 + v0 * a11 + v10 * (1 - v10) * a11


def _own_point(variant: Variant) -> dict[str, float]:
    """A point at which no number of a table is near 0 or another row's, but for those that have to be."""
    points = list(product((-1.7, -1.3, -0.8, 0.7, 1.4, 1.6, 2.3), (-0.9, -0.8, -0.5, 0.4, 0.5, 0.6, 0.8, 0.9, 1.2)))
    good = [point for point in points if _is_telling(*point)]
    x1, x2 = good[variant.own_rng("graphs.own_tables").integers(len(good))]
    return {"x1": x1, "x2": x2}


def _is_telling(x1: float, x2: float) -> bool:
    """Whether the rows have values of distinct sizes, and slopes, none of them hidden by three decimals."""
    exponential, angle = np.exp(2 * x2), 3 * x2**2
    values = np.abs([x1, x2, 2 * x2, exponential, x2**2, angle, np.sin(angle), x1 * np.sin(angle), x1 * x2])
    gaps = np.abs(values[:, None] - values) + np.eye(len(values))
    slopes = np.abs([np.cos(angle), np.sin(angle), 2 * exponential + 6 * x1 * x2 * np.cos(angle)])
    return bool(gaps.min() > 0.03 and slopes.min() > 0.1)


def _both_ways(variant: Variant) -> tuple[Item | Prose, ...]:
    given = _own_point(variant)
    return (
        TableExercise(
            id="graphs.own_tables",
            given=given,
            rows=_ROWS,
            function=_pair,
            columns={"value": VALUE, "d/dx2": _TANGENTS["d/dx2"], "of y1": _ADJOINTS["of y1"]},
            points=5,
            statement=(
                f"The three columns at a point of your own, $x_1 = {given['x1']:g}$, $x_2 = {given['x2']:g}$, to "
                "three decimals."
            ),
            hints=(
                "Write each row once, in code; every column is then a few lines.",
                "Nothing that was 1 by chance at (2, 1) is 1 here: 2·v1 is not 2, and v1² is not v1.",
                "The tangent of v4 is 2·v1 times that of v1; the adjoint of v1 has 2·v1 times that of v4.",
            ),
        ),
        ChoiceExercise(
            id="graphs.passes",
            options={
                "a": "1 for the values, 7 forwards, 3 backwards",
                "b": "1 for the values, 3 forwards, 7 backwards",
                "c": "7 for the values, 7 forwards, 3 backwards",
                "d": "1 for the values, 1 forwards, 1 backwards",
            },
            points=1,
            hints=(
                "What does one column of tangents belong to: an input or an output?",
                "A pass forwards gives a column of the Jacobian, a walk back gives a row.",
                "The Jacobian has three rows and seven columns.",
            ),
        ),
    )


# --- the toy function ------------------------------------------------------------------------------------------------


def _toy_function(xp: Any, x: Any, y: Any) -> Any:
    return 6 * xp.exp(-y) / (1 + x**2 + y**2) + 2 * x**3


def _toy(variant: Variant) -> tuple[Item | Prose, ...]:
    places = list(product((-1.4, -0.6, 0.7, 1.3, 1.6), (-0.8, -0.4, 0.3, 0.6, 0.9)))
    x, y = places[variant.own_rng("graphs.toy_table").integers(len(places))]
    return (
        GraphExercise(
            "graphs.toy_draw",
            _toy_function,
            lambda rng: {"x": rng.uniform(0.4, 1.4), "y": rng.normal()},
            outputs=("p",),
            prescribed=True,
            steps={"z1": "exp(-y)", "z2": "1 + x**2 + y**2", "z3": "x**3", "p": "6*z1/z2 + 2*z3"},
            points=3,
            hints=(
                "Four nodes: one exponential, one denominator, one cube, and the last one.",
                "A node may do several operations: write its formula.",
                'z2 is "1 + x**2 + y**2", and p is made of z1, z2 and z3 alone.',
            ),
        ),
        TableExercise(
            id="graphs.toy_table",
            given={"x": x, "y": y},
            rows={
                "z1": lambda xp, y: xp.exp(-y),
                "z2": lambda x, y: 1 + x**2 + y**2,
                "z3": lambda x: x**3,
                "z4": lambda z1, z2, z3: 6 * z1 / z2 + 2 * z3,
            },
            columns={"value": VALUE, "adjoint": adjoint("z4")},
            points=3,
            statement=f"Values, and adjoints of $p = z_4$, at $x = {x:g}$, $y = {y:g}$, to three decimals.",
            hints=(
                "The local derivatives of z4 in z1, z2 and z3 are all that is asked for here.",
                "z2 is a denominator: its derivative has a minus sign and a square.",
                "The adjoints are 6/z2, -6·z1/z2² and 2.",
            ),
        ),
        Exercise(
            id="graphs.toy_gradient",
            function=_toy_function,
            inputs=lambda rng: {"x": rng.uniform(0.3, 1.5), "y": -rng.uniform(0.3, 1.5)},
            edge_inputs=lambda rng: {"x": -rng.uniform(0.3, 1.5), "y": rng.uniform(0.3, 1.5)},
            wrt=("x", "y"),
            points=3,
            hints=(
                "On how many paths does x reach p? And y?",
                "x̄ has a contribution by way of z2 and one by way of z3; ȳ by way of z1 and of z2.",
                "The derivative of z1 = exp(-y) in y is -z1.",
            ),
        ),
        ChoiceExercise(
            id="graphs.print_toy",
            options={
                "a": "its value is wrong: a sign is missing",
                "b": "its value is right, but it computes again what is stored already",
                "c": "its value is wrong: the path by way of z2 is missing",
                "d": "its value is right at y = 0 only",
            },
            points=1,
            hints=(
                "Put numbers into it, and compare with your own function.",
                "What was it to be written in?",
                "exp(-y) has a name.",
            ),
        ),
    )


# --- paths -----------------------------------------------------------------------------------------------------------


def _paths(variant: Variant) -> tuple[Item | Prose, ...]:
    edges = _own_edges(variant)
    head = " | ".join(f"${u} \\to {v}$" for u, v in edges)
    arrows = f"| {head} |\n|{' --- |' * len(edges)}\n| {' | '.join(f'${slope}$' for slope in edges.values())} |"
    nodes = int(variant.rng("graphs.walk").choice((5, 6, 7)))
    count, total = _total(dict.fromkeys(edges, 1)), _total(edges)
    return (
        NumberExercise(
            id="graphs.paths_sum",
            asks="count",
            value=lambda: total,
            mistakes={
                "this is the path over all nodes alone; others were overwritten, or left out": lambda: _longest(edges),
                "this is the number of paths; each contributes the product along it": lambda: count,
            },
            given={"nodes": list(_NODES), "edges": [[u, v, slope] for (u, v), slope in edges.items()]},
            points=3,
            statement=(
                f"The nodes are ${', '.join(_NODES)}$, and these are the arrows with their local derivatives:\n\n"
                f"{arrows}\n\nWhat is the derivative of $l$ in $x$? (It is a whole number.)"
            ),
            hints=(
                "No need to list the paths: walk back from l.",
                "Write 1 at l; then at each node, from the back, the sum over its arrows of head times derivative.",
                "d has one arrow, to l: its adjoint is that arrow's local derivative.",
            ),
        ),
        Exercise(
            id="graphs.walk",
            function=_last_value,
            inputs=lambda rng: {"D": _local_derivatives(rng, nodes), "e": rng.normal(size=nodes)},
            wrt=("e",),
            points=4,
            sizes_fixed="a graph has as many local derivatives as pairs of its nodes",
            hints=(
                "Start with zeros and a 1 at the last node; go from the last node to the first.",
                "When you come to node i, its adjoint is complete; it passes D[i, j] times it on to node j.",
                "Two loops; in the inner one, bar[j] += D[i, j] * bar[i].",
            ),
        ),
        Prediction(id="graphs.guess_paths", form="count", happens=lambda: 2**20),
    )


def _own_edges(variant: Variant) -> Edges:
    """The arrows of a graph of one's own with their local derivatives; its answer is that of no mistake."""
    rng = variant.own_rng("graphs.paths")
    while True:
        pairs = [(u, v) for i, u in enumerate(_NODES) for v in _NODES[i + 1 :]]
        steps = {pair for pair in pairs if _NODES.index(pair[1]) == _NODES.index(pair[0]) + 1}
        further = [pair for pair in pairs if pair not in steps]
        chosen = steps | {further[k] for k in rng.choice(len(further), size=4, replace=False)}
        edges = {pair: int(rng.choice((-3, -2, 2, 3, 5))) for pair in pairs if pair in chosen}
        count, total = _total(dict.fromkeys(edges, 1)), _total(edges)
        others = {_longest(edges), count}
        if 5 <= count <= 9 and count != len(edges) and 10 <= abs(total) <= 300 and not {total, -total} & others:
            return edges


def _total(edges: Edges) -> int:
    """The sum over all paths of the products along them."""
    bar = dict.fromkeys(_NODES, 0) | {_NODES[-1]: 1}
    for v in reversed(_NODES):
        for u in _NODES:
            bar[u] += edges.get((u, v), 0) * bar[v]
    return bar[_NODES[0]]


def _longest(edges: Edges) -> int:
    """The product along the path over all nodes."""
    result = 1
    for pair in pairwise(_NODES):
        result *= edges[pair]
    return result


def _last_value(xp: Any, D: Any, e: Any) -> Any:
    """The last of the values v_i = e_i + sum_j D_ij v_j."""
    values: list[Any] = []
    for i in range(len(e)):
        value = e[i]
        for j in range(i):
            value = value + D[i, j] * values[j]
        values.append(value)
    return values[-1]


def _local_derivatives(rng: np.random.Generator, nodes: int) -> np.ndarray[Any, Any]:
    """Local derivatives of a random graph: each node uses the one before it, and some others."""
    D = np.tril(rng.uniform(0.4, 1.6, size=(nodes, nodes)) * rng.choice([-1, 1], size=(nodes, nodes)), -1)
    absent = np.tril(rng.random((nodes, nodes)) < 0.4, -2)
    return np.where(absent, 0.0, D)


# --- the gradient as a graph, and graphs over vectors ----------------------------------------------------------------

# A function, its derivative, and the function in LaTeX, all with {} in the place of the argument.
_INNER = {"sin": ("sin({})", "cos({})", "\\sin {}"), "cube": ("{}**3", "3*{}**2", "{}^3")}
_OUTER = {
    "square": ("{}**2", "2*{}", "{}^2"),
    "cos": ("cos({})", "-sin({})", "\\cos {}"),
    "exp2": ("exp(2*{})", "2*exp(2*{})", "e^{{2{}}}"),
}


def _gradient_as_graph(variant: Variant) -> tuple[Item | Prose, ...]:
    pairs = list(product(_INNER, _OUTER))
    inner, outer = pairs[variant.own_rng("graphs.extended").integers(len(pairs))]
    g, dg, g_tex = _INNER[inner]
    q, dq, q_tex = _OUTER[outer]
    steps = {
        "h2": g.format("h1"),
        "l": q.format("h2"),
        "dl_dh2": dq.format("h2"),
        "dh2_dh1": dg.format("h1"),
        "dl_dh1": "dl_dh2 * dh2_dh1",
    }

    def extended(xp: Any, h1: Any) -> tuple[Any, Any]:
        h2, local = (xp.sin(h1), xp.cos(h1)) if inner == "sin" else (h1**3, 3 * h1**2)
        values = {
            "square": lambda: (h2**2, 2 * h2),
            "cos": lambda: (xp.cos(h2), -xp.sin(h2)),
            "exp2": lambda: (xp.exp(2 * h2), 2 * xp.exp(2 * h2)),
        }
        last, slope = values[outer]()
        return last, slope * local

    return (
        GraphExercise(
            "graphs.extended",
            extended,
            lambda rng: {"h1": rng.uniform(-1.2, 1.2)},
            outputs=("l", "dl_dh1"),
            prescribed=True,
            given={"h2": g.format("h1"), "l": q.format("h2")},
            steps=steps,
            points=3,
            statement=(
                f"The computation is $h_2 = {g_tex.format('h_1')}$, $\\;l = {q_tex.format('h_2')}$. Draw it, extended "
                "by one node for each of $\\partial l/\\partial h_2$, $\\partial h_2/\\partial h_1$ and "
                "$\\partial l/\\partial h_1$. The input is `h1`, the outputs are `l` and `dl_dh1`."
            ),
            hints=(
                "Which value does each of the two local derivatives use?",
                "dl_dh2 is made of h2, dh2_dh1 of h1, and the last node of these two.",
                "Five nodes: h2, l, dl_dh2, dh2_dh1, and dl_dh1 = dl_dh2 * dh2_dh1.",
            ),
        ),
    )


def _network(xp: Any, x: Any, W1: Any, b1: Any, W2: Any, b2: Any, s: Any, r: Any) -> Any:
    h = 1 / (1 + xp.exp(-(W1 @ x + b1)))
    return xp.sum((W2 @ h + b2 - s) ** 2) / 2 + xp.sum(r * h)


def _vectors(variant: Variant) -> tuple[Item | Prose, ...]:
    n, k, m = (int(size) for size in variant.rng("graphs sizes").permutation(_SIZES)[:3])
    shapes: dict[str, Any] = {"x": n, "W1": (k, n), "b1": k, "W2": (m, k), "b2": m, "s": m, "r": k}
    return (
        GraphExercise(
            "graphs.network",
            _network,
            lambda rng: {name: rng.normal(size=shape) for name, shape in shapes.items()},
            outputs=("L",),
            wrt=("x", "W1", "r"),
            prescribed=True,
            steps={
                "z": "W1 @ x + b1",
                "h": "sigmoid(z)",
                "y": "W2 @ h + b2",
                "E": "sum((y - s)**2) / 2",
                "R": "dot(r, h)",
                "L": "E + R",
            },
            points=3,
            hints=(
                "Six nodes beside x: which of them uses two others?",
                "h is used twice: on its way to y, and in R.",
                'Formulas: "z": "W1 @ x + b1", "h": "sigmoid(z)", and "E": "sum((y - s)**2) / 2".',
            ),
        ),
    )
