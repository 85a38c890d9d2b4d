"""Sheet 4, network gradients: what is asked. The statements and solutions stand in its master text.

Sources, by the numbers of the seed sheets: the network with one hidden layer S1-3.1; the network with a regulariser on
its hidden layer S3-2; parameters and errors S2-9, S2-12; the network whose biases are rows of its weights S4-1 to S4-3.
Published lines that are wrong, and are exercises here: S1-3.1b.1, S1-3.1d.3, S1-3.1d.6, S3-2b.4, S4-1.4, S4-3.g1,
S4-3.g3, S4-3.g4, S4-3.h1, S4-3.h3, S4-3.h5 and S4-3.h8.

A gradient has the shape of its variable, batch rows come first, relu'(0) = 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from grading.answers.bug import BugExercise
from grading.answers.choice import ChoiceExercise
from grading.answers.graph import GraphExercise
from grading.answers.number import NumberExercise
from grading.answers.prediction import Prediction
from grading.answers.table import VALUE, TableExercise, adjoint
from grading.sheets.sheet import Prose, Sheet, Variant
from grading.verify import Exercise
from grading.verify.item import Item

Items = tuple[Item | Prose, ...]

_SIZES = (3, 5, 6, 7)
# Numbers of inputs and of hidden units: with a unit more for the bias each, all lengths stay distinct.
_WITH_BIAS = (5, 7, 10)
_BATCHES = (3, 9, 12)
_ONE_OUTPUT = "the network has one output, as in the source"
_ONE_PRICE = "one price per passenger: W2 has one column, as in the source"


def sheet(variant: Variant) -> Sheet:
    """Gradients of whole networks: by layer, by function, and with biases that are rows of the weights."""
    few, some, many = (int(size) for size in variant.rng("network_gradients sizes").permutation(_SIZES)[:3])
    features, units = (int(size) for size in variant.rng("network_gradients concat").permutation(_WITH_BIAS)[:2])
    return Sheet(
        "Network gradients",
        (
            *_one_hidden_layer(variant, few, some),
            *_regularised_graph(few, some, many),
            *_regularised_adjoints(few, some, many),
            *_regularised_whole(few, some, many),
            *_bias_row(variant, features, units),
            *_back_to_the_second_layer(units),
            *_back_to_the_first_layer(units),
            *_whole_network(features, units),
            *_training(),
        ),
    )


# --- one hidden layer ------------------------------------------------------------------------------------------------


def _sigmoid(xp: Any, a: Any) -> Any:
    return 1 / (1 + xp.exp(-a))


def _one_layer(xp: Any, W0: Any, b0: Any, W1: Any, b1: Any, x: Any) -> Any:
    return xp.sum(W1 @ _sigmoid(xp, W0 @ x + b0)) + b1


def _one_hidden_layer(variant: Variant, inputs: int, units: int) -> Items:
    def draw(rng: np.random.Generator) -> dict[str, Any]:
        return {
            "W0": rng.normal(size=(units, inputs)),
            "b0": rng.normal(size=units),
            "W1": rng.normal(size=(1, units)),
            "b1": rng.normal(),
            "x": rng.normal(size=inputs),
        }

    return (
        _small_network(variant),
        Exercise(
            id="net.outer",
            function=_one_layer,
            inputs=draw,
            wrt=("W1", "b1"),
            sizes_fixed=_ONE_OUTPUT,
            points=2,
            hints=(
                "y = W1 z + b1 is linear in W1 and in b1. What stands beside each of them?",
                "The gradient in W1 has the shape of W1: one row, h columns. That in b1 is a number.",
                "The entries are those of z. z[None, :] turns a vector into one row.",
            ),
        ),
        Exercise(
            id="net.inner",
            function=_one_layer,
            inputs=draw,
            wrt=("W0", "b0"),
            sizes_fixed=_ONE_OUTPUT,
            points=4,
            hints=(
                "Row i of W0 and entry i of b0 reach y through unit i alone. Do one unit first.",
                "Unit i gives W1[0, i] z_i (1 - z_i) for its bias, and this times x for its row of weights.",
                "All units at once: a vector of length h for b0, and its outer product with x for W0. "
                "W1[0] is that row as a vector.",
            ),
        ),
        Prediction(id="net.bias_shape", form="shape", points=1),
        ChoiceExercise(
            id="net.misprint",
            options={
                "a": "$[W_1 \\circ z \\circ (1-z)]\\, x^T$, as printed",
                "b": "$[W_1^T \\circ z \\circ (1-z)]\\, x^T$",
                "c": "$x\\, [W_1^T \\circ z \\circ (1-z)]^T$",
                "d": "$W_1^T\\, [z \\circ (1-z)]^T\\, x$",
            },
            points=1,
            hints=(
                "Write the shape under every factor.",
                "The product by entries needs factors of one shape; a column times a row is a matrix.",
                "The result has h rows and d columns, like W0.",
            ),
        ),
        Prose(
            id="net.layouts",
            points=3,
            rubric=(
                "1 point: in 'a gradient has the shape of its variable' the first line must be the row z^T, 1 x h. "
                "1 point: a column z for W1 is the layout of the transposed variable, in which the second would be "
                "d x h; so no one layout has both. 1 point: what goes wrong: an update W1 - rate * z with a column "
                "broadcasts to h x h without an error (or the sizes do not fit)."
            ),
        ),
    )


_POINTS = (-1.5, -0.8, 0.4, 0.6, 1.4, 1.8)
_WEIGHTS = (-1.2, -0.7, -0.3, 0.5, 0.9, 1.1, 1.6)


def _small_numbers(rng: np.random.Generator) -> dict[str, float]:
    """A point and weights; drawn again where a unit's adjoint, u, is its value but for the decimal point."""
    while True:
        x1, x2 = map(float, rng.permutation(_POINTS)[:2])
        w11, w12, w21, w22, u1, u2 = map(float, rng.permutation(_WEIGHTS)[:6])
        units = (w11 * x1 + w12 * x2, u1), (w21 * x1 + w22 * x2, u2)
        if all(abs(_sigmoid(np, a) - u / 10) > 0.001 for a, u in units):
            return {"x1": x1, "x2": x2, "w11": w11, "w12": w12, "w21": w21, "w22": w22, "u1": u1, "u2": u2}


def _small_network(variant: Variant) -> TableExercise:
    given = _small_numbers(variant.own_rng("net.small"))
    told = ", ".join(f"{name} = {value:g}" for name, value in given.items())
    return TableExercise(
        id="net.small",
        given=given,
        rows={
            "a1": lambda x1, x2, w11, w12: w11 * x1 + w12 * x2,
            "a2": lambda x1, x2, w21, w22: w21 * x1 + w22 * x2,
            "z1": lambda xp, a1: _sigmoid(xp, a1),
            "z2": lambda xp, a2: _sigmoid(xp, a2),
            "y": lambda u1, u2, z1, z2: u1 * z1 + u2 * z2,
        },
        columns={"value": VALUE, "adjoint": adjoint("y")},
        decimals=3,
        points=5,
        statement=(
            f"Two inputs, two sigmoid units, one output, no biases: {told}. Fill in the values from top to bottom and "
            "the adjoints of y from bottom to top, to three decimals."
        ),
        hints=(
            "Values first: you need z1 and z2 before you can go back.",
            "y is u1 z1 + u2 z2, so the adjoint of z1 is u1. Through the sigmoid it is multiplied by its slope.",
            "The adjoint of a1 is u1 z1 (1 - z1).",
        ),
    )


# --- a regulariser on the hidden layer -------------------------------------------------------------------------------


def _regularised(xp: Any, x: Any, W1: Any, b1: Any, W2: Any, b2: Any, r: Any, s: Any) -> Any:
    h = xp.tanh(W1 @ x + b1)
    return xp.sum(r * h) + 0.5 * xp.sum((W2 @ h + b2 - s) ** 2)


def _draw_regularised(inputs: int, units: int, outputs: int) -> Callable[[np.random.Generator], dict[str, Any]]:
    def draw(rng: np.random.Generator) -> dict[str, Any]:
        return {
            "x": rng.normal(size=inputs),
            "W1": rng.normal(size=(units, inputs)) / 2,
            "b1": rng.normal(size=units),
            "W2": rng.normal(size=(outputs, units)),
            "b2": rng.normal(size=outputs),
            "r": rng.normal(size=units),
            "s": rng.normal(size=outputs),
        }

    return draw


def _regularised_graph(inputs: int, units: int, outputs: int) -> Items:
    return (
        GraphExercise(
            "net.graph",
            _regularised,
            _draw_regularised(inputs, units, outputs),
            outputs=("L",),
            wrt=("x", "W1", "b1", "W2", "b2"),
            prescribed=True,
            steps={
                "z": "W1 @ x + b1",
                "h": "tanh(z)",
                "y": "W2 @ h + b2",
                "R": "sum(r * h)",
                "E": "sum((y - s)**2) / 2",
                "L": "E + R",
            },
            points=3,
            hints=(
                "Six steps: z, h, y, R, E and L. Which of them is used by two others?",
                "R is a sum over r * h; E is half the sum of the squares of y - s.",
                "'z': 'W1 @ x + b1' is the first line, 'L': 'E + R' the last.",
            ),
        ),
    )


def _regularised_adjoints(inputs: int, units: int, outputs: int) -> Items:
    return (
        Exercise(
            id="net.y_bar",
            function=lambda xp, y, s: 0.5 * xp.sum((y - s) ** 2),
            inputs=lambda rng: {"y": rng.normal(size=outputs), "s": rng.normal(size=outputs)},
            wrt=("y",),
            points=1,
            hints=(
                "E grows where y moves away from s.",
                "The 2 of the square and the half cancel.",
                "The difference of y and s; which way round?",
            ),
        ),
        Exercise(
            id="net.h_bar",
            function=lambda xp, h, r, W2, b2, s: xp.sum(r * h) + 0.5 * xp.sum((W2 @ h + b2 - s) ** 2),
            inputs=lambda rng: {
                "h": rng.uniform(-1, 1, size=units),
                "r": rng.normal(size=units),
                "W2": rng.normal(size=(outputs, units)),
                "b2": rng.normal(size=outputs),
                "s": rng.normal(size=outputs),
            },
            wrt=("h",),
            points=3,
            hints=(
                "Two arrows leave h in the graph: two contributions arrive at its adjoint.",
                "One is the gradient of R in h. The other is ȳ, sent back through W2.",
                "Compute y first; the sum of r and W2ᵀ ȳ.",
            ),
        ),
        Exercise(
            id="net.z_bar",
            function=lambda xp, z: xp.tanh(z),
            inputs=lambda rng: {"z": rng.normal(size=units)},
            wrt=("z",),
            asks="vjp",
            points=1,
            hints=(
                "Unit i of h depends on z_i alone.",
                "Every entry of h̄ is multiplied by the slope of tanh at that entry of z.",
                "The slope is 1 - tanh².",
            ),
        ),
    )


def _regularised_whole(inputs: int, units: int, outputs: int) -> Items:
    draw = _draw_regularised(inputs, units, outputs)
    return (
        Exercise(
            id="net.x_bar",
            function=_regularised,
            inputs=draw,
            wrt=("x",),
            points=3,
            hints=(
                "You have every piece: forward to y, then back through the four adjoints.",
                "ȳ, then h̄, then z̄ as in the exercises above; one more matrix leads from z to x.",
                "x̄ is W1ᵀ z̄.",
            ),
        ),
        ChoiceExercise(
            id="net.misprint_factor",
            options={
                "a": "$(\\partial y / \\partial h)^T\\, \\bar E$",
                "b": "$(\\partial y / \\partial h)\\, \\bar y$",
                "c": "$(\\partial y / \\partial h)^T\\, \\bar y$",
                "d": "$(\\partial y / \\partial h)\\, \\bar E$, as printed",
            },
            points=2,
            hints=(
                "The arrow from h leads to y. Whose adjoint arrives along it?",
                "∂y/∂h is M × K, and h̄ has K entries. What has to stand to its right?",
                "An adjoint travels back by the transposed Jacobian.",
            ),
        ),
        Exercise(
            id="net.parameters",
            function=_regularised,
            inputs=draw,
            wrt=("W1", "b1", "W2", "b2"),
            points=4,
            hints=(
                "b1 and W1 enter at z, b2 and W2 at y: start from z̄ and ȳ.",
                "The adjoint of a bias is the adjoint of what it is added to.",
                "The gradient in a matrix is the adjoint on its left times the vector on its right: an outer product.",
            ),
        ),
        Exercise(
            id="net.tied",
            function=lambda xp, W, x: 0.5 * xp.sum((W.T @ xp.tanh(W @ x) - x) ** 2),
            inputs=lambda rng: {"W": rng.normal(size=(units, inputs)) / 2, "x": rng.normal(size=inputs)},
            wrt=("W",),
            points=4,
            hints=(
                "W is used twice. Pretend that these are two matrices, and find the gradient in each.",
                "In y = Vᵀ h, the gradient in V has the entries h_i ȳ_j. The two gradients have the same shape.",
                "They are added: one is an outer product of h and ȳ, the other one of z̄ and x.",
            ),
        ),
    )


# --- biases as rows of the weights -----------------------------------------------------------------------------------


def _with_ones(xp: Any, M: Any) -> Any:
    return xp.concat([M, xp.ones_like(M[:, :1])], axis=1)


def _relu(xp: Any, a: Any) -> Any:
    return xp.where(a > 0, a, xp.zeros_like(a))


def _price(xp: Any, X: Any, W1: Any, W2: Any) -> Any:
    return _with_ones(xp, _relu(xp, _with_ones(xp, X) @ W1)) @ W2


def _squared_error(xp: Any, X: Any, W1: Any, W2: Any, y: Any) -> Any:
    return xp.mean((_price(xp, X, W1, W2) - y) ** 2)


def _batch(rng: np.random.Generator) -> int:
    return int(rng.choice(_BATCHES))


def _draw_network(features: int, units: int) -> Callable[[np.random.Generator], dict[str, Any]]:
    def draw(rng: np.random.Generator) -> dict[str, Any]:
        n = _batch(rng)
        return {
            "X": rng.normal(size=(n, features)),
            "W1": rng.normal(size=(features + 1, units)),
            "W2": rng.normal(size=(units + 1, 1)),
            "y": rng.normal(size=(n, 1)),
        }

    return draw


def _bias_row(variant: Variant, features: int, units: int) -> Items:
    def draw(rng: np.random.Generator) -> dict[str, Any]:
        return {name: array for name, array in _draw_network(features, units)(rng).items() if name != "y"}

    return (
        _edges(variant),
        Exercise(
            id="net.price",
            function=_price,
            inputs=draw,
            asks="value",
            sizes_fixed=_ONE_PRICE,
            points=2,
            hints=(
                "From the inside out: which is applied first, W1 or the ReLU?",
                "A column of ones is appended twice: to X, and to what the ReLU gives.",
                "np.hstack([X, np.ones((len(X), 1))]) appends the column.",
            ),
        ),
        _loss_graph(features, units),
        Prediction(
            id="net.switched_on",
            form="choice",
            options={"a": "about a quarter", "b": "about a half", "c": "about three quarters", "d": "all of them"},
            points=1,
        ),
    )


def _edges(variant: Variant) -> NumberExercise:
    rng = variant.own_rng("net.edges")
    features, units = int(rng.choice([3, 5, 6])), int(rng.choice([4, 7, 8, 9]))
    inner, outer = (features + 1) * units, units + 1
    return NumberExercise(
        id="net.edges",
        asks="count",
        given={"features": features, "units": units},
        value=lambda: inner + outer,
        mistakes={
            "no arrow leads into a node that is always 1": lambda: (features + 1) * (units + 1) + outer,
            "these are the arrows without the nodes for the biases": lambda: features * units + units,
            "these are the arrows into the hidden units alone": lambda: inner,
            "the output has a bias, too": lambda: inner + units,
        },
        points=1,
        statement=(
            f"Draw the network with {features} features, {units} hidden units and one output, with a node that is "
            "always 1 beside the features and another one beside the hidden units. How many arrows (weights) has it?"
        ),
        hints=(
            "Count the arrows that lead into one hidden unit, then those that lead into the output.",
            "Arrows leave the nodes that are 1, but none leads into them.",
            "(features + 1) times units, and units + 1.",
        ),
    )


def _loss_graph(features: int, units: int) -> GraphExercise:
    def loss(xp: Any, X: Any, b: Any, W1: Any, W2: Any, y: Any, n: Any) -> Any:
        C = _relu(xp, xp.concat([X, b], axis=1) @ W1)
        return xp.sum((xp.concat([C, b], axis=1) @ W2 - y) ** 2) / n

    def draw(rng: np.random.Generator) -> dict[str, Any]:
        point = _draw_network(features, units)(rng)
        n = len(point["X"])
        return {name: point[name] for name in ("X", "W1", "W2", "y")} | {"b": np.ones((n, 1)), "n": float(n)}

    order = ("X", "b", "W1", "W2", "y", "n")
    return GraphExercise(
        "net.loss_graph",
        loss,
        lambda rng: _in_order(draw(rng), order),
        outputs=("L",),
        wrt=("W1", "W2"),
        prescribed=True,
        steps={
            "A": "concat(X, b, axis=1)",
            "B": "A @ W1",
            "C": "relu(B)",
            "D": "concat(C, b, axis=1)",
            "E": "D @ W2",
            "F": "E - y",
            "G": "F**2",
            "H": "sum(G)",
            "L": "H / n",
        },
        points=3,
        hints=(
            "Nine steps, A to L, one operation each. Six things come from outside: X, b, W1, W2, y and n.",
            "The column of ones b is appended twice, to X and to C.",
            "'A': 'concat(X, b, axis=1)', 'B': 'A @ W1', and so on; at the end 'H': 'sum(G)', 'L': 'H / n'.",
        ),
    )


def _in_order(point: dict[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    return {name: point[name] for name in order}


def _back_to_the_second_layer(units: int) -> Items:
    def column(rng: np.random.Generator, n: int) -> np.ndarray:
        return rng.normal(size=(n, 1))

    def errors(rng: np.random.Generator) -> dict[str, Any]:
        n = _batch(rng)
        return {"E": column(rng, n), "y": column(rng, n)}

    def second_layer(rng: np.random.Generator) -> dict[str, Any]:
        n = _batch(rng)
        D = np.hstack([np.maximum(rng.normal(size=(n, units)), 0), np.ones((n, 1))])
        return {"D": D, "W2": rng.normal(size=(units + 1, 1)), "y": column(rng, n)}

    return (
        Exercise(
            id="net.E_bar",
            function=lambda xp, E, y: xp.mean((E - y) ** 2),
            inputs=errors,
            wrt=("E",),
            sizes_fixed=_ONE_PRICE,
            points=2,
            hints=(
                "L̄ = 1. Go back one step at a time: H, G, F, E.",
                "H̄ = 1/n, every entry of Ḡ is H̄, and F̄ = 2 F Ḡ, entry by entry.",
                "2/n times F; n is the number of rows.",
            ),
        ),
        Exercise(
            id="net.W2_bar",
            function=lambda xp, D, W2, y: xp.mean((D @ W2 - y) ** 2),
            inputs=second_layer,
            wrt=("W2",),
            sizes_fixed=_ONE_PRICE,
            points=2,
            hints=(
                "E = D W2. The gradient has the shape of W2: a column.",
                "Which product of D and Ē has that shape? The sum over passengers is in it already.",
                "Dᵀ Ē, with Ē from the exercise before.",
            ),
        ),
    )


def _back_to_the_first_layer(units: int) -> Items:
    def on_and_off(rng: np.random.Generator) -> dict[str, Any]:
        n = _batch(rng)
        return {"B": rng.choice([-1, 1], size=(n, units)) * rng.uniform(0.2, 2, size=(n, units))}

    def at_the_kink(rng: np.random.Generator) -> dict[str, Any]:
        B = on_and_off(rng)["B"]
        B[::2, ::2] = 0.0
        return {"B": B}

    return (
        Exercise(
            id="net.selector",
            function=lambda xp, c: xp.concat([c, xp.ones_like(c[:1])]),
            inputs=lambda rng: {"c": rng.normal(size=units)},
            wrt=("c",),
            asks="jacobian",
            points=3,
            hints=(
                "One row per entry of d, one column per entry of c: how many are there of each?",
                "The first h entries of d are those of c. The last one is 1, whatever c is.",
                "An identity matrix, and one more row under it.",
            ),
        ),
        Exercise(
            id="net.C_bar",
            function=_with_ones,
            inputs=lambda rng: {"C": rng.normal(size=(_batch(rng), units))},
            wrt=("C",),
            asks="vjp",
            points=3,
            hints=(
                "D̄ has a column more than C. Where did that column of D come from?",
                "Row by row: c̄ = d̄ S, with the Jacobian S of the exercise before. What does S do to a row?",
                "Keep all columns of D̄ but the last.",
            ),
        ),
        Exercise(
            id="net.B_bar",
            function=_relu,
            inputs=on_and_off,
            edge_inputs=at_the_kink,
            wrt=("B",),
            asks="vjp",
            at_kinks="wrong",
            points=2,
            hints=(
                "Entry by entry: the slope of the ReLU is 1 or 0.",
                "What decides is the sign of B, not that of C̄. At 0 the slope is 0 in this course.",
                "C̄ where B > 0, and 0 elsewhere.",
            ),
        ),
    )


_ADDED_ONES = """
def gradient(X, W1, W2, y):
    n = len(X)
    A = np.pad(X, ((0, 0), (0, 1))) + 1
    B = A @ W1
    D = np.pad(np.maximum(B, 0), ((0, 0), (0, 1)), constant_values=1)
    E_bar = 2 / n * (D @ W2 - y)
    C_bar = E_bar @ W2[:-1].T
    B_bar = np.where(B > 0, C_bar, 0)
    return A.T @ B_bar
"""


def _whole_network(features: int, units: int) -> Items:
    draw = _draw_network(features, units)
    return (
        Exercise(
            id="net.gradients",
            function=_squared_error,
            inputs=draw,
            wrt=("W1", "W2"),
            sizes_fixed=_ONE_PRICE,
            shares={"W1": 3, "W2": 1},
            points=4,
            hints=(
                "Forward: A to E, and keep them. Back: Ē, D̄, C̄, B̄, in this order.",
                "D̄ = Ē W2ᵀ; then the step through concat, then the ReLU. B = A W1 is a product like E = D W2.",
                "The gradient in W1 is Aᵀ B̄, with A, not X: the last row of W1 holds the biases.",
            ),
        ),
        ChoiceExercise(
            id="net.misprints",
            options={
                "a": "$\\partial L / \\partial H = 1/n$",
                "b": "$\\partial H / \\partial G = \\sum^n$",
                "c": "$\\partial G / \\partial F = 2F$, with $n$ entries",
                "d": "$\\partial E / \\partial W_2 = D$, leaving out axes of length 1",
                "e": "$\\partial B_{ij} / \\partial (W_1)_{ij} = A_{ij}$",
                "f": "$\\partial C_{ij} / \\partial B_{ij} = 1$ where $B_{ij} > 0$, else 0",
                "g": "$\\partial L / \\partial W_2 = (\\partial L / \\partial H) \\cdots "
                "(\\partial F / \\partial E)\\, (\\partial E / \\partial (W_2)_j)$",
                "h": "$\\partial L / \\partial (W_1)_{ij} = (\\partial L / \\partial B_{ij})\\, "
                "(\\partial B_{ij} / \\partial (W_1)_{ij})$",
            },
            several=True,
            partial=True,
            points=5,
            hints=(
                "For each line: what shape has this derivative? Output axes first, then input axes.",
                "G has n entries, each of which is the square of one of F. B_ij is row i of A times column j of W1.",
                "Five are wrong: one is no number at all, one is no matrix, one has a wrong index, one has two sides "
                "of different shapes, and one forgets that every sample uses the same weight.",
            ),
        ),
        Prose(
            id="net.mended",
            points=4,
            rubric=(
                "Two lines, 2 points each: 1 for the right one and 1 for why. b: H is a sum of n numbers, so dH/dG is "
                "a row of n ones, 1 x n; an operator sign is no derivative (kept beside F^T D it sums twice: n times "
                "too large). c: G is taken entry by entry, so dG/dF is the n x n matrix diag(2F); 2F^T is dH/dF. e: "
                "B_ij = sum_l A_il W1_lj, so dB_kj/dW1_ij = A_ki for every sample k (for equal indices A_ii), and "
                "the gradient in W1_ij is a sum over samples, not one entry (that is h, too). g: a whole gradient on "
                "the left, one entry of it on the right; the last factor must be dE/dW2."
            ),
        ),
        BugExercise(
            Exercise(
                id="net.added",
                function=_squared_error,
                inputs=draw,
                wrt=("W1",),
                sizes_fixed=_ONE_PRICE,
                points=4,
                statement=(
                    "A published solution ends with $X + J$, $J$ being all ones, where $X$ with a column of ones "
                    "appended is meant. Somebody made the shapes fit: "
                    "`np.pad(M, ((0, 0), (0, 1)), constant_values=c)` appends a column of `c`, or of 0. The function "
                    "is to return the gradient in $W_1$. Which line is wrong? Mend it."
                ),
                hints=(
                    "Print every intermediate array for a small X, and compare it with what its name promises.",
                    "What is to be 1, and what is to be left alone?",
                    "Look at how D gets its last column.",
                ),
            ),
            code=_ADDED_ONES,
        ),
    )


# --- training --------------------------------------------------------------------------------------------------------


def _training() -> Items:
    return (Prediction(id="net.trained", form="number", points=1),)
