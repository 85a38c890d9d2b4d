"""Sheet 5, initialisation symmetry: what is asked. The statements and solutions stand in its master text.

Source, by the numbers of the seed sheets: S1-3.2a to S1-3.2c, with the trap T-3 (at zero many wrong formulas give the
right zeros: what is asked there is asked at other constants and at generic points as well). The network is the one of
S1-3.1, one output unit, `W1` a row. Conventions: a gradient has the shape of its variable, relu'(0) = 0.
"""

from __future__ import annotations

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

# Sizes are drawn from these: all distinct, and none that could be taken for a factor 1, 2 or 1/2.
_SIZES = (3, 5, 6, 7)
_ONE_OUTPUT = "the network has one output unit, so W1 is one row"


def sheet(variant: Variant) -> Sheet:
    """Equal units stay equal: from all zeros, by induction, to one unit; and what breaks the symmetry."""
    inner, hidden = (int(size) for size in variant.rng("initialisation_symmetry sizes").permutation(_SIZES)[:2])
    return Sheet(
        "Initialisation symmetry",
        (
            *_all_zero(inner, hidden),
            *_equal_units(variant),
            *_for_ever(variant),
            *_one_unit(inner, hidden),
            *_planted_bug(inner, hidden),
            *_breaking(inner, hidden),
        ),
    )


# --- networks and the points at which they are asked ---------------------------------------------------------------


def _sigmoid(xp: Any, a: Any) -> Any:
    return 1 / (1 + xp.exp(-a))


def _relu(xp: Any, a: Any) -> Any:
    return xp.where(a > 0, a, xp.zeros_like(a))


def _network(xp: Any, W0: Any, b0: Any, W1: Any, b1: Any, x: Any) -> Any:
    return (W1 @ _sigmoid(xp, W0 @ x + b0))[0] + b1


def _generic(rng: np.random.Generator, inner: int, hidden: int) -> dict[str, Any]:
    """A point without any symmetry."""
    return {
        "W0": rng.normal(size=(hidden, inner)),
        "b0": rng.normal(size=hidden),
        "W1": rng.normal(size=(1, hidden)),
        "b1": rng.normal(),
        "x": rng.normal(size=inner),
    }


def _constant(c: float, x: Any, hidden: int) -> dict[str, Any]:
    """The point at which all weights and biases are c."""
    return {
        "W0": np.full((hidden, len(x)), c),
        "b0": np.full(hidden, c),
        "W1": np.full((1, hidden), c),
        "b1": c,
        "x": x,
    }


def _any_constant(rng: np.random.Generator, inner: int, hidden: int) -> dict[str, Any]:
    return _constant(float(rng.choice([-1, 1]) * rng.uniform(0.3, 1.2)), rng.normal(size=inner), hidden)


# --- what is asked, section by section -----------------------------------------------------------------------------


def _all_zero(inner: int, hidden: int) -> Items:
    return (
        Prediction(
            id="symmetry.guess_dependence",
            form="choice",
            options={
                "none": "none of the four depends on x",
                "first": "those of the first layer do",
                "all": "all but the last, that of b1",
            },
            points=1,
        ),
        Exercise(
            id="symmetry.gradients",
            function=_network,
            inputs=lambda rng: _generic(rng, inner, hidden),
            edge_inputs=lambda rng: _any_constant(rng, inner, hidden),
            published=_constant(0.0, np.linspace(-1.5, 2.0, inner), hidden),
            wrt=("W0", "b0", "W1", "b1"),
            points=4,
            sizes_fixed=_ONE_OUTPUT,
            hints=(
                "Begin at the end: y = W1 z + b1. What does y change by if W1[0, i] does, and if z[i] does?",
                "The error at pre-activation i is W1[0, i] times the slope of the sigmoid, z[i] (1 - z[i]).",
                "That vector is the gradient in b0; the one in W0 is its outer product with x, h rows by d columns.",
            ),
        ),
        ChoiceExercise(
            id="symmetry.printed",
            statement=(
                "Here is what a published solution says about the network with all weights and biases zero, line by "
                "line and in other words. Two of the lines are wrong. Which?"
            ),
            options={
                "A": "Every hidden unit has the value $z_i = \\tfrac12$, whatever $x$ is.",
                "B": "The output is $y = 0$, whatever $x$ is.",
                "C": "Of the gradients of $y$ in $W^{(0)}, b^{(0)}, W^{(1)}, b^{(1)}$, some are in terms of $x$.",
                "D": "The gradient in $W^{(0)}$ is zero, because a factor $W^{(1)}_{1i} = 0$ stands in every row.",
                "E": "To unit $i$ belong a weight $W^{(1)}_i$ and a bias $b^{(1)}_i$; they are equal for all $i$.",
            },
            several=True,
            partial=True,
            points=2,
            hints=(
                "Check each line with the shapes of the four parameters, and with your function at zero.",
                "Which of the parameters has an entry for each hidden unit?",
                "One line promises an x that a factor 0 has removed; the other gives an index to a single number.",
            ),
        ),
        Prose(
            id="symmetry.mended",
            points=3,
            rubric=(
                "1 point: at zero none of the four depends on x (half a row of ones, 1, 0, 0), since x enters with the "
                "factor W1 = 0. 1 point: for a constant c other than 0 it does: the gradient in W0 is c z (1 - z) in "
                "every row, times x. 1 point: b1 is one number; what belongs to unit i is row i of W0, b0_i and W1_1i."
            ),
        ),
    )


def _equal_units(variant: Variant) -> Items:
    output, table = _constant_of_ones_own(variant), _units_of_ones_own(variant)
    one = _contribution(output["c"], np.sum(output["x"]) + 1)
    return (
        NumberExercise(
            id="symmetry.constant_output",
            given=output,
            decimals=3,
            value=lambda: output["units"] * one + output["c"],
            mistakes={
                "this counts one hidden unit; there are several": lambda: one + output["c"],
                "the output has a bias, too": lambda: output["units"] * one,
                "a hidden unit has a bias, too": lambda: (
                    output["units"] * _contribution(output["c"], np.sum(output["x"])) + output["c"]
                ),
            },
            points=2,
            statement=(
                f"All weights and biases of a network with {output['units']} hidden units are $c = {output['c']:g}$. "
                f"What is its output $y$ for the input $x = ({', '.join(f'{value:g}' for value in output['x'])})$? "
                "Give three decimals."
            ),
            hints=(
                "Begin with the pre-activation of one hidden unit; the others have the same.",
                "The pre-activation is c times the sum of the inputs, plus the bias c.",
                "y is the number of units times c times the activation, plus c once more.",
            ),
        ),
        TableExercise(
            id="symmetry.table",
            given=table,
            rows={
                "a1": lambda w1, x: w1 * x,
                "a2": lambda w2, x: w2 * x,
                "a3": lambda w3, x: w3 * x,
                "z1": lambda xp, a1: _sigmoid(xp, a1),
                "z2": lambda xp, a2: _sigmoid(xp, a2),
                "z3": lambda xp, a3: _sigmoid(xp, a3),
                "y": lambda v1, z1, v2, z2, v3, z3: v1 * z1 + v2 * z2 + v3 * z3,
                "L": lambda y, t: 0.5 * (y - t) ** 2,
            },
            columns={"value": VALUE, "adjoint": adjoint("L")},
            decimals=3,
            points=8,
            statement=(
                f"Three hidden units see one number $x = {table['x']:g}$, with the weights "
                f"$w_1 = {table['w1']:g}$, $w_2 = {table['w2']:g}$, $w_3 = {table['w3']:g}$ and no biases; the output "
                f"weights are $v_1 = {table['v1']:g}$, $v_2 = {table['v2']:g}$, $v_3 = {table['v3']:g}$. The loss is "
                f"$L = \\tfrac12 (y - t)^2$ with $t = {table['t']:g}$. Fill in the values, from the top down, and the "
                "adjoints of $L$, from the bottom up; three decimals."
            ),
            hints=(
                "Units 1 and 3 have the same numbers: after working out one of them you have both.",
                "The adjoint of y is y - t; that of z_i is v_i times it; that of a_i has the slope of the sigmoid too.",
                "The adjoint of a_i is (y - t) v_i z_i (1 - z_i). The adjoint of L is 1.",
            ),
        ),
        Prediction(id="symmetry.guess_rows", form="count", points=1),
        ChoiceExercise(
            id="symmetry.what_is_equal",
            options={
                "z": "All hidden units have the same value, for every input.",
                "rows": "All rows of W0 are equal.",
                "entries": "All entries of W0 are equal.",
                "b0": "All entries of b0 are equal.",
                "W1": "All entries of W1 are equal.",
                "layers": "The entries of b0 equal those of W1.",
            },
            several=True,
            partial=True,
            points=2,
            hints=(
                "Look at the pictures of W0 above, after one step and after ten.",
                "Row i of the gradient in W0 is a number of unit i, times x. What differs along that row?",
                "Units stay equal to each other. Nothing makes the weights of one unit equal to each other.",
            ),
        ),
    )


def _contribution(c: float, inputs: float) -> float:
    """What one of the hidden units adds to the output: c times the sigmoid of c times the sum of what goes in."""
    return float(c * _sigmoid(np, c * inputs))


def _constant_of_ones_own(variant: Variant) -> dict[str, Any]:
    """c, x and the number of units; the pre-activation is neither 0 nor so large that the sigmoid is flat."""
    tasks = [
        {"c": c, "x": np.array(x), "units": units}
        for c in (-0.8, -0.6, -0.4, 0.4, 0.6, 0.8)
        for x in ((2.0, -1.0, 0.5), (1.5, 0.5, -3.5), (-1.0, 3.0, -0.5), (0.5, -2.5, 3.5), (-2.5, -0.5, 1.0))
        for units in (3, 5, 6, 7)
    ]
    return tasks[variant.own_rng("symmetry.constant_output").integers(len(tasks))]


def _units_of_ones_own(variant: Variant) -> dict[str, float]:
    """Three units of which the first and the third are equal, and the second clearly another."""
    rng = variant.own_rng("symmetry.table")
    w, v = float(rng.choice([0.4, 0.6, 0.8])), float(rng.choice([0.7, 0.9, 1.2]))
    other_w, other_v = float(rng.choice([-0.9, -0.7, -0.5])), float(rng.choice([-1.1, 0.5, 1.6]))
    x, t = float(rng.choice([1.5, 2.5, 3.0])), float(rng.choice([-1.0, -0.5]))
    return {"x": x, "t": t, "w1": w, "w2": other_w, "w3": w, "v1": v, "v2": other_v, "v3": v}


def _for_ever(variant: Variant) -> Items:
    rng = variant.own_rng("symmetry.moved")
    inputs, units = (int(size) for size in rng.permutation([3, 5, 6, 7, 8, 9])[:2])
    return (
        Prose(
            id="symmetry.induction",
            points=5,
            rubric=(
                "1 point: the claim says what is equal (for all units i: row i of W0, b0_i and W1_1i) and for which "
                "k. 1 point: the start. 1 point: equal parameters give equal pre-activations and activations for "
                "every input. 1 point: hence equal gradients of the loss, as the error at the output has no index "
                "i. 1 point: equal numbers minus equal numbers are equal, which is the claim for k + 1; nowhere was "
                "the value of the constant used, nor that entries within a row are equal."
            ),
        ),
        NumberExercise(
            id="symmetry.moved",
            asks="count",
            value=lambda: _moved(inputs, units, steps=1),
            mistakes={
                "this counts all parameters; look at those whose gradient at zero has a factor 0": lambda: _moved(
                    inputs, units, steps=2
                ),
                "this counts the parameters that stay where they are": lambda: units * (inputs + 1),
                "this leaves out a bias": lambda: units,
            },
            points=2,
            given={"inputs": inputs, "units": units},
            statement=(
                f"A network with {inputs} inputs, {units} hidden units (sigmoid) and one output has all weights and "
                "biases zero. It makes **one** step of gradient descent on $L = \\tfrac12 (y - t)^2$, with $t \\neq 0$ "
                "and an $x$ without zeros. How many of its parameters are not zero any more?"
            ),
            hints=(
                "The gradient of L is (y - t) times the gradient of y; y - t is not zero here.",
                "At zero the gradients of y are: half a row of ones, 1, zeros and zeros. Which is which?",
                "Only the output layer moves in the first step: its weights and its bias.",
            ),
        ),
        ChoiceExercise(
            id="symmetry.stuck",
            options={
                "sigmoid": "1 / (1 + exp(-a))",
                "tanh": "tanh(a)",
                "relu": "max(a, 0)",
                "softplus": "log(1 + exp(a))",
                "sine": "sin(a)",
            },
            several=True,
            partial=True,
            points=3,
            hints=(
                "The output weights move if the hidden units have another value than 0.",
                "If neither the output weights nor what lies below can move, only b1 is left.",
                "Take the value of each function at a = 0.",
            ),
        ),
    )


def _moved(inputs: int, units: int, steps: int) -> int:
    """How many parameters of a network that starts at zero are not zero after so many steps on one sample."""
    x, target, rate = np.arange(1.0, inputs + 1), 1.0, 0.1
    W0, b0, W1, b1 = np.zeros((units, inputs)), np.zeros(units), np.zeros(units), 0.0
    for _ in range(steps):
        z = _sigmoid(np, W0 @ x + b0)
        error = W1 @ z + b1 - target
        below = error * W1 * z * (1 - z)
        W0, b0, W1, b1 = W0 - rate * np.outer(below, x), b0 - rate * below, W1 - rate * error * z, b1 - rate * error
    return sum(int(np.count_nonzero(moved)) for moved in (W0, b0, W1, b1))


def _one_unit(inner: int, hidden: int) -> Items:
    def output(xp: Any, w: Any, b: Any, v: Any, b1: Any, x: Any) -> Any:
        return xp.sum(v) * _sigmoid(xp, w @ x + b) + b1

    def loss(xp: Any, w: Any, b: Any, v: Any, b1: Any, x: Any, t: Any) -> Any:
        return 0.5 * (output(xp, w, b, v, b1, x) - t) ** 2

    def draw(rng: np.random.Generator) -> dict[str, Any]:
        vectors = {"w": rng.normal(size=inner), "b": rng.normal(), "v": rng.normal(size=hidden), "b1": rng.normal()}
        return vectors | {"x": rng.normal(size=inner)}

    def draw_constant(rng: np.random.Generator) -> dict[str, Any]:
        c = float(rng.choice([-1, 1]) * rng.uniform(0.3, 1.2))
        return {"w": np.full(inner, c), "b": c, "v": np.full(hidden, c), "b1": c, "x": rng.normal(size=inner)}

    return (
        Exercise(
            id="symmetry.one_unit",
            function=output,
            inputs=draw,
            edge_inputs=draw_constant,
            asks="value",
            points=2,
            hints=(
                "All hidden units have the same value z. Compute it once.",
                "Take z out of the sum over the units.",
                "What is left of the sum is the sum of the output weights.",
            ),
        ),
        GraphExercise(
            id="symmetry.graph",
            function=lambda xp, w, x, b, v1, v2, v3, c: (v1 + v2 + v3) * _sigmoid(xp, w * x + b) + c,
            inputs=lambda rng: {name: float(rng.normal()) for name in ("w", "x", "b", "v1", "v2", "v3", "c")},
            outputs=("y",),
            prescribed=True,
            steps={"a": "w * x + b", "z": "sigmoid(a)", "s": "v1 + v2 + v3", "y": "s * z + c"},
            accepts=("identity", "split"),
            points=3,
            hints=(
                "Write one line per node: name, and the formula it is computed by.",
                "Four nodes: a and z of the one hidden unit, the sum s of the output weights, and y.",
                'Begin with "a = w * x + b; z = sigmoid(a)".',
            ),
        ),
        Exercise(
            id="symmetry.shared_row",
            function=loss,
            inputs=lambda rng: draw(rng) | {"t": rng.normal()},
            edge_inputs=lambda rng: draw_constant(rng) | {"t": rng.normal()},
            wrt=("w", "b"),
            points=3,
            hints=(
                "w stands in every hidden unit: on how many paths does it reach the loss?",
                "Contributions of paths add up; those of unit i have the factor v[i].",
                "Error at the output, times the sum of v, times z (1 - z), times x.",
            ),
        ),
        ChoiceExercise(
            id="symmetry.step_sizes",
            options={
                "same": "$\\eta$ for $w$ and $b$, $\\eta$ for $s$",
                "up-down": "$h\\eta$ for $w$ and $b$, $\\eta/h$ for $s$",
                "down-up": "$\\eta/h$ for $w$ and $b$, $h\\eta$ for $s$",
                "down-down": "$\\eta/h$ for $w$, $b$ and $s$",
            },
            points=2,
            hints=(
                "Write down how much each W1_1i changes in one step of the big network, and then their sum.",
                "Row i of W0 changes by its own gradient, with the factor v. Which factor has the small network's?",
                "The sum of h equal changes is h times one; and the small network's gradient in w has s = h v for v.",
            ),
        ),
    )


def _planted_bug(inner: int, hidden: int) -> Items:
    def loss(xp: Any, W0: Any, b0: Any, W1: Any, b1: Any, X: Any, t: Any) -> Any:
        z = xp.tanh(X @ W0.T + b0)
        return 0.5 * xp.mean((z @ W1[0] + b1 - t) ** 2)

    def draw(rng: np.random.Generator) -> dict[str, Any]:
        rows = int(rng.choice([8, 9, 10, 11]))
        point = _generic(rng, inner, hidden)
        del point["x"]
        return point | {"X": rng.normal(size=(rows, inner)), "t": rng.normal(size=rows)}

    def draw_zero(rng: np.random.Generator) -> dict[str, Any]:
        point = draw(rng)
        return {name: value if name in ("X", "t") else np.zeros_like(value) for name, value in point.items()}

    return (
        BugExercise(
            Exercise(
                id="symmetry.bug",
                function=loss,
                inputs=draw,
                edge_inputs=draw_zero,
                wrt=("W0", "b0", "W1", "b1"),
                points=4,
                sizes_fixed=_ONE_OUTPUT,
                statement=(
                    "This is to return the gradients of $L = \\frac{1}{2n} \\sum_k (y_k - t_k)^2$ for the network "
                    "with $\\tanh$ in its hidden layer; the $n$ samples are the rows of $X$. One line is wrong."
                ),
                hints=(
                    "At zero, W0 and b0 have gradients with a factor W1 = 0. Which line can then say anything?",
                    "Compare each line with the forward pass that it goes back through.",
                    "The derivative of tanh, from its value z, is 1 - z².",
                ),
            ),
            code="""
            def loss_gradients(W0, b0, W1, b1, X, t):
                z = np.tanh(X @ W0.T + b0)
                error = (z @ W1[0] + b1 - t) / len(t)
                below = np.outer(error, W1) * (1 - z)
                dW0 = below.T @ X
                db0 = below.sum(axis=0)
                dW1 = (error @ z)[None, :]
                db1 = error.sum()
                return dW0, db0, dW1, db1
            """,
        ),
    )


def _breaking(inner: int, hidden: int) -> Items:
    def network(xp: Any, W0: Any, b0: Any, W1: Any, x: Any) -> Any:
        return (W1 @ _relu(xp, W0 @ x + b0))[0]

    def draw(rng: np.random.Generator) -> dict[str, Any]:
        """Some units on and some off, none of them near the kink."""
        point = _generic(rng, inner, hidden)
        signs = rng.permutation(np.arange(hidden) % 2 * 2 - 1)
        b0 = signs * rng.uniform(0.3, 2.0, size=hidden) - point["W0"] @ point["x"]
        return {"W0": point["W0"], "b0": b0, "W1": point["W1"], "x": point["x"]}

    def draw_dead(rng: np.random.Generator) -> dict[str, Any]:
        """The first layer zero and the second random: every unit stands on its kink."""
        point = draw(rng)
        return point | {"W0": np.zeros((hidden, inner)), "b0": np.zeros(hidden)}

    return (
        ChoiceExercise(
            id="symmetry.breaks",
            options={
                "b0": "b0 starts with random numbers; all else is constant.",
                "W1": "W1 starts with random numbers; all else is constant.",
                "b1": "b1 starts with a random number; all else is constant.",
                "batches": "Each step uses other samples, drawn at random.",
                "dropout": "In each step every hidden unit is left out or not, each by a coin of its own.",
                "momentum": "Each step adds nine tenths of the step before it (gradient descent with momentum).",
                "noise": "Random numbers are added to the inputs x in each step.",
            },
            several=True,
            partial=True,
            points=3,
            hints=(
                "Ask of each: does it treat two hidden units differently?",
                "What is random but the same for all units keeps them equal.",
                "Three of the seven give some unit a number that another unit does not have.",
            ),
        ),
        Exercise(
            id="symmetry.relu",
            function=network,
            inputs=draw,
            edge_inputs=draw_dead,
            wrt=("W0", "W1"),
            at_kinks="wrong",
            points=3,
            sizes_fixed=_ONE_OUTPUT,
            hints=(
                "Take your function `gradients` and change what belongs to the activation.",
                "The slope of the ReLU is 1 where the pre-activation is positive and 0 elsewhere, also at 0.",
                "Row i of dW0 is W1[0, i] x where unit i is on, and zero elsewhere; dW1 is the row of activations.",
            ),
        ),
        Prediction(
            id="symmetry.guess_noise",
            form="choice",
            options={
                "back": "they become equal again",
                "same": "the differences stay as small as they are",
                "apart": "the differences grow, until the units are as different as from a random start",
            },
            points=1,
        ),
        Prose(
            id="symmetry.experiment",
            points=4,
            rubric=(
                "1 point: the constant start and the one unit have the same curve, to the last digit that can be seen, "
                "and why (the equivalent network with its step sizes). 1 point: reads off the pictures that rows are "
                "equal while pixels within a row are not. 1 point: small noise: the difference grows roughly like a "
                "straight line on the logarithmic axis (exponentially), and the loss leaves the plateau when the "
                "units have parted. 1 point: a conclusion on what to do (random weights in the first layer), with the "
                "numbers of the held-out digits."
            ),
        ),
    )
