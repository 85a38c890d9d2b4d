"""Sheet 1, the chain rule: what is asked. The statements and solutions stand in its master text.

Sources, by the numbers of the seed sheets: Jacobians and composition S1-1a, S2-4 to S2-7; ridge layers S2-10; loss
gradients S2-11; activity backpropagation S2-3, S2-9, S2-12; computations with shared values and the gradient as a graph
S0-1a, S0-1b; steepest and stochastic descent S2-2. Two of the sources' lines are exercises themselves: negative
gradients at the output, and a weight that is said to act on one unit only. Conventions: a gradient has the shape of its
variable, a Jacobian has the output's axes first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from grading.answers.bug import BugExercise
from grading.answers.choice import ChoiceExercise
from grading.answers.graph import GraphExercise
from grading.answers.prediction import Prediction
from grading.sheets.sheet import Prose, Sheet, Variant
from grading.verify import Exercise
from grading.verify.item import Item

Items = tuple[Item | Prose, ...]

# Sizes are drawn from these: all distinct, and none that could be taken for a factor 1, 2 or 1/2.
_SIZES = (3, 5, 6, 7)


def sheet(variant: Variant) -> Sheet:
    """The chain rule, from the derivative of a composition to backpropagation through layers and shared values."""
    inner, middle, outer, last = (int(size) for size in variant.rng("chain_rule sizes").permutation(_SIZES))
    return Sheet(
        "The chain rule",
        (
            *_one_number(variant),
            *_jacobians(inner, middle, outer),
            *_layers(inner, outer),
            *_losses(outer),
            *_backwards(inner, middle, outer),
            *_three_layers(inner, middle, outer, last),
            *_shared_values(variant),
            Prediction(
                id="chain.guess_descent",
                form="choice",
                options={"all": "with all samples", "one": "with one sample", "both": "in both"},
            ),
        ),
    )


def _one_number(variant: Variant) -> Items:
    return (
        Exercise(
            id="chain.one_number",
            function=lambda xp, x, a: xp.sin(a * x**2),
            inputs=lambda rng: {"x": rng.uniform(0.5, 2.0), "a": rng.uniform(0.3, 1.5)},
            edge_inputs=lambda rng: {"x": -rng.uniform(0.5, 2.0), "a": rng.uniform(0.3, 1.5)},
            wrt=("x",),
            points=1,
            hints=(
                "Name the inner function u = a x². What is the outer one?",
                "The derivative of the outer function is taken at u, and is multiplied by du/dx.",
                "The cosine of the inner value, times the derivative of a x² in x.",
            ),
        ),
    )


def _jacobians(inner: int, middle: int, outer: int) -> Items:
    def composition(xp: Any, A: Any, B: Any, x: Any) -> Any:
        return xp.sin(A @ xp.tanh(B @ x))

    def draw(rng: np.random.Generator) -> dict[str, Any]:
        return {
            "A": rng.normal(size=(outer, middle)),
            "B": rng.normal(size=(middle, inner)) / 2,
            "x": rng.normal(size=inner),
        }

    return (
        Exercise(
            id="chain.jacobian",
            function=lambda xp, x: xp.stack([x[0] * x[1], xp.sin(x[1]), x[2] ** 2, x[0] + x[2], xp.exp(x[0] * x[2])]),
            inputs=lambda rng: {"x": rng.uniform(0.3, 1.2, size=3) * rng.choice([-1, 1], size=3)},
            wrt=("x",),
            asks="jacobian",
            points=2,
            hints=(
                "One row per component of F, one column per component of x: what shape is that?",
                "Differentiate one component at a time; its partial derivatives are one row.",
                "The first row is (x[1], x[0], 0).",
            ),
        ),
        Exercise(
            id="chain.composition",
            function=composition,
            inputs=draw,
            wrt=("x",),
            asks="jacobian",
            points=3,
            hints=(
                "H(z) = sin(A z) and G(x) = tanh(B x): write down the Jacobian of each alone.",
                "J of H∘G is J_H, taken at z = G(x), times J_G, in this order.",
                "A vector times a matrix from the left, entry by row: v[:, None] * A is diag(v) A.",
            ),
        ),
        Prose(
            id="chain.lemma",
            points=4,
            rubric=(
                "1 point: states what J_G and J_H are and their shapes. 1 point: component chain rule, summed over the "
                "middle index. 1 point: recognises the sum as an entry of the product J_H J_G. 1 point: says at which "
                "points the two Jacobians are taken and that both maps must be differentiable there."
            ),
        ),
        Exercise(
            id="chain.push_forward",
            function=composition,
            inputs=draw,
            wrt=("x",),
            asks="jvp",
            points=2,
            hints=(
                "The tangent dx enters at x. What is the tangent of B x?",
                "Carry a pair through each step: the value and its tangent.",
                "tanh multiplies the tangent by 1 - tanh²; sin multiplies it by cos.",
            ),
        ),
        Exercise(
            id="chain.function_of_a_map",
            function=lambda xp, B, x: 0.5 * xp.sum(xp.sin(B @ x) ** 2),
            inputs=lambda rng: {"B": rng.normal(size=(middle, inner)), "x": rng.normal(size=inner)},
            wrt=("x",),
            points=2,
            hints=(
                "The outer function takes a vector to a number: its gradient is a row times the inner Jacobian.",
                "Gradient in z of half the sum of squares: z itself.",
                "The gradient has the shape of x: Bᵀ times a vector.",
            ),
        ),
    )


def _layers(inner: int, outer: int) -> Items:
    return (
        Exercise(
            id="chain.tanh_layer",
            function=_tanh_layer,
            inputs=lambda rng: _layer(rng, outer, inner),
            wrt=("x",),
            asks="jacobian",
            points=2,
            hints=(
                "Component i of the layer depends on x only through its own pre-activation.",
                "Row i is tanh' at that pre-activation times row i of W.",
                "Scale the rows of W, not its columns; the slope of tanh is 1 minus the square of its value.",
            ),
        ),
        Prediction(id="chain.guess_rows", form="count"),
        Exercise(
            id="chain.relu_layer",
            function=lambda xp, W, b, x: _relu(xp, W @ x + b),
            inputs=lambda rng: _half_active_layer(rng, outer, inner),
            edge_inputs=lambda rng: _layer_at_the_kink(rng, outer, inner),
            wrt=("x",),
            asks="jacobian",
            at_kinks="wrong",
            points=2,
            hints=(
                "What is the derivative of the ReLU where its argument is negative?",
                "It is decided row by row: a unit that is off contributes nothing at all.",
                "Each row of the Jacobian is that row of W, or zero.",
            ),
        ),
    )


def _tanh_layer(xp: Any, W: Any, b: Any, x: Any) -> Any:
    return xp.tanh(W @ x + b)


def _layer(rng: np.random.Generator, outer: int, inner: int) -> dict[str, Any]:
    return {"W": rng.normal(size=(outer, inner)), "b": rng.normal(size=outer), "x": rng.normal(size=inner)}


def _relu(xp: Any, a: Any) -> Any:
    return xp.where(a > 0, a, xp.zeros_like(a))


def _half_active_layer(rng: np.random.Generator, outer: int, inner: int) -> dict[str, Any]:
    """A layer in which some units are on and some are off, none of them near the kink."""
    W, x = rng.normal(size=(outer, inner)), rng.normal(size=inner)
    signs = rng.permutation(np.arange(outer) % 2 * 2 - 1)
    pre_activations = signs * rng.uniform(0.3, 2.0, size=outer)
    return {"W": W, "b": pre_activations - W @ x, "x": x}


def _layer_at_the_kink(rng: np.random.Generator, outer: int, inner: int) -> dict[str, Any]:
    """A layer one of whose pre-activations is exactly zero: whole numbers, so that nothing is rounded."""
    W, x = rng.integers(-3, 4, size=(outer, inner)).astype(float), rng.integers(1, 4, size=inner).astype(float)
    pre_activations = rng.permutation(np.arange(outer) - outer // 2).astype(float)
    return {"W": W, "b": pre_activations - W @ x, "x": x}


def _cross_entropy(xp: Any, z: Any, label: Any) -> Any:
    highest = xp.max(z)
    return highest + xp.log(xp.sum(xp.exp(z - highest))) - z[label]


def _losses(outer: int) -> Items:
    return (
        Exercise(
            id="chain.squared_loss",
            function=lambda xp, y, target: 0.5 * xp.sum((target - y) ** 2),
            inputs=lambda rng: {"y": rng.normal(size=outer), "target": rng.normal(size=outer)},
            wrt=("y",),
            points=1,
            hints=(
                "The loss grows as y moves away from the target: which sign must the gradient have?",
                "The inner derivative of target - y in y is -1.",
                "One of the two carries a plus sign. Which?",
            ),
        ),
        Exercise(
            id="chain.cross_entropy",
            function=_cross_entropy,
            inputs=lambda rng: {"z": rng.normal(size=outer) * 2, "label": rng.integers(outer)},
            edge_inputs=lambda rng: {"z": 900 + rng.normal(size=outer) * 2, "label": rng.integers(outer)},
            wrt=("z",),
            points=2,
            hints=(
                "Two terms: the logarithm of a sum, and one single entry of z.",
                "The gradient of log(sum(exp(z))) is the vector of probabilities.",
                "Probabilities, minus 1 at the place of the label.",
            ),
        ),
    )


def _backwards(inner: int, middle: int, outer: int) -> Items:
    def layer_loss(xp: Any, W: Any, b: Any, x: Any, target: Any) -> Any:
        return 0.5 * xp.sum((_tanh_layer(xp, W, b, x) - target) ** 2)

    def network_loss(xp: Any, W1: Any, W2: Any, x: Any, target: Any) -> Any:
        return 0.5 * xp.sum((W2 @ xp.tanh(W1 @ x) - target) ** 2)

    return (
        Exercise(
            id="chain.error_through_layer",
            function=_tanh_layer,
            inputs=lambda rng: _layer(rng, outer, inner),
            wrt=("x",),
            asks="vjp",
            points=2,
            hints=(
                "The error row at the layer's output times the layer's Jacobian is the error row at its input.",
                "You have that Jacobian from the exercise on the tanh layer.",
                "First scale the error by 1 - tanh², then multiply by Wᵀ.",
            ),
        ),
        Exercise(
            id="chain.error_at_input",
            function=network_loss,
            inputs=lambda rng: {
                "W1": rng.normal(size=(middle, inner)),
                "W2": rng.normal(size=(outer, middle)),
                "x": rng.normal(size=inner),
                "target": rng.normal(size=outer),
            },
            wrt=("x",),
            points=3,
            hints=(
                "Four steps: forward pass, error at the output, error through each layer.",
                "Start with e = y - target and go back through W2, then through tanh, then through W1.",
                "Three steps from e: W2 transposed, one slope per hidden unit, W1 transposed.",
            ),
        ),
        ChoiceExercise(
            id="chain.print_sign",
            options={
                "a": "nothing: whoever steps along these gradients is only slower",
                "b": "all gradients have the wrong sign; $e^L$ is $y - t$, or softmax(z) minus 1 at the label",
                "c": "the first line is wrong, the second is right",
                "d": "only the gradient at the input is wrong, since the sign is lost at each layer",
            },
            points=1,
            hints=(
                "What is the gradient of the squared loss in y? You have it from chain.squared_loss.",
                "The way back is linear: put -e in, and what comes out?",
                "Both lines are right as they stand, minus sign and all; they are not the e that the recursion needs.",
            ),
        ),
        Exercise(
            id="chain.weights",
            function=layer_loss,
            inputs=lambda rng: _layer(rng, outer, inner) | {"target": rng.normal(size=outer)},
            wrt=("W", "b"),
            points=4,
            hints=(
                "W[i, j] acts on unit i alone, through its pre-activation.",
                "Error times tanh' gives the error at the pre-activations; that is already the gradient in b.",
                "The gradient in W has an entry for each pair of a unit's error and an input: an outer product.",
            ),
        ),
    )


def _three_layers(inner: int, middle: int, outer: int, last: int) -> Items:
    def loss(xp: Any, W1: Any, W2: Any, W3: Any, x: Any, target: Any) -> Any:
        return 0.5 * xp.sum((W3 @ xp.tanh(W2 @ xp.tanh(W1 @ x)) - target) ** 2)

    return (
        ChoiceExercise(
            id="chain.print_influence",
            options={
                "a": "as it stands: no other unit of the network notices",
                "b": "directly it acts on unit i of its layer only; later, all units that i feeds move, too",
                "c": "it acts on all units of its layer, since they share the input",
                "d": "a bias acts on one unit, a weight on two: those that it connects",
            },
            points=1,
            hints=(
                "Follow the weight through the forward pass: what does it change first?",
                "And what is made of the unit that it changes?",
                "Tell a direct influence from one by way of something else.",
            ),
        ),
        BugExercise(
            Exercise(
                id="chain.bug",
                function=loss,
                inputs=lambda rng: {
                    "W1": rng.normal(size=(middle, inner)) / 2,
                    "W2": rng.normal(size=(outer, middle)) / 2,
                    "W3": rng.normal(size=(last, outer)),
                    "x": rng.normal(size=inner),
                    "target": rng.normal(size=last),
                },
                wrt=("W1", "W2", "W3"),
                shares={"W1": 1, "W2": 0, "W3": 0},  # the others are right in the faulty code, too
                points=4,
                statement=(
                    "This is to return the gradients of $\\tfrac12 \\lVert W_3 \\tanh(W_2 \\tanh(W_1 x)) - t "
                    "\\rVert^2$ in $W_1$, $W_2$ and $W_3$. Its `e` are errors at activations, its `d` errors at "
                    "pre-activations."
                ),
                hints=(
                    "Go through the errors from the last layer to the first: is each made of the one behind it?",
                    "On its way through a layer an error meets the slopes first, then the weights.",
                    "e1 is made of something at the pre-activations of layer 2. Which of the two is that?",
                ),
            ),
            code="""
            def gradient(W1, W2, W3, x, target):
                x1 = np.tanh(W1 @ x)
                x2 = np.tanh(W2 @ x1)
                e3 = W3 @ x2 - target
                e2 = W3.T @ e3
                d2 = e2 * (1 - x2**2)
                e1 = W2.T @ e2
                d1 = e1 * (1 - x1**2)
                return np.outer(d1, x), np.outer(d2, x1), np.outer(e3, x2)
            """,
        ),
    )


def _numbers_of_ones_own(variant: Variant) -> tuple[float, float, float]:
    """x, y and k for `chain.paths_by_hand`, such that no other derivative and no exchange of x and y gives the answer,
    and that each path matters.

    The derivative 2xy(y + k) has at most three decimals.
    """
    tasks = [
        (x, y, float(k))
        for x in (0.7, 0.9, 1.3, 1.7, 2.3)
        for y in (-1.4, -0.6, 0.6, 1.1, 1.4, 2.2)
        for k in range(2, 7)
        if abs(2 * y * (y + k) - x * (2 * y + k)) > 0.1  # the derivative in x is not the one in y
        and x * y**2 > 0.5  # what comes over one path is so much that three decimals tell whether it is missing
    ]
    return tasks[variant.own_rng("chain.paths_by_hand").integers(len(tasks))]


def _shared_values(variant: Variant) -> Items:
    x, y, k = _numbers_of_ones_own(variant)

    def by_hand(xp: Any, x: Any, y: Any, k: Any) -> Any:
        a = x * y
        return a * (a + k * x)

    def shared(xp: Any, x: Any, y: Any) -> Any:
        a = x * y
        return a * (a + xp.sin(x))

    return (
        GraphExercise(
            "chain.draw",
            shared,
            lambda rng: {"x": rng.uniform(0.4, 2.0), "y": -rng.uniform(0.4, 2.0)},
            outputs=("l",),
            prescribed=True,
            steps={"a": "x * y", "b": "sin(x)", "c": "a + b", "l": "a * c"},
            points=3,
            hints=(
                "Which values are made of x? Which of a?",
                "One node for each of the four equations; a value that is used twice is one node with two arrows.",
                'The first two are "a": "x * y" and "b": "sin(x)".',
            ),
        ),
        Exercise(
            id="chain.paths",
            function=shared,
            inputs=lambda rng: {"x": rng.uniform(0.4, 2.0), "y": -rng.uniform(0.4, 2.0)},
            edge_inputs=lambda rng: {"x": -rng.uniform(0.4, 2.0), "y": rng.uniform(0.4, 2.0)},
            wrt=("x", "y"),
            points=3,
            hints=(
                "Look at your graph. On how many paths does x reach l?",
                "Every path contributes the product of the derivatives along it; the contributions are added.",
                "a reaches l twice: directly, and by way of c. Its adjoint is c + a.",
            ),
        ),
        Exercise(
            id="chain.paths_by_hand",
            function=by_hand,
            given={"x": x, "y": y, "k": k},
            wrt=("x",),
            decimals=3,
            points=2,
            statement=(
                f"Let $a = x\\,y$, $\\;b = {k:g}\\,x$, $\\;c = a + b$ and $l = a\\,c$. At $x = {x:g}$, $y = {y:g}$: "
                "what is $\\partial l/\\partial x$? Give three decimals."
            ),
            hints=(
                "Compute a, b and c first, then the adjoints from l backwards.",
                "The adjoint of a has two contributions, and so has that of x.",
                "x̄ = y ā + k b̄, where b̄ = c̄ = a.",
            ),
        ),
        Exercise(
            id="chain.gradient_again",
            function=lambda xp, x: xp.sum(x * xp.sin(x)),
            inputs=lambda rng: {"x": rng.uniform(0.4, 2.5, size=5) * rng.choice([-1, 1], size=5)},
            wrt=("x",),
            asks="hessian_diagonal",
            points=2,
            hints=(
                "The gradient is computed by a graph of its own, so it can be differentiated again.",
                "The gradient's entries are sin(x) + x cos(x).",
                "Mind the product rule in the second term.",
            ),
        ),
    )
