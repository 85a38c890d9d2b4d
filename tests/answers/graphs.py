"""Graph exercises like those of the course, and random ones, with a second way to evaluate them."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from grading.answers import verify
from grading.answers.graph import GraphExercise


def two_numbers(rng):
    return {"x": rng.uniform(0.5, 1.5), "y": rng.normal()}


def toy(xp, x, y):
    return 6 * xp.exp(-y) / (1 + x**2 + y**2) + 2 * x**3


TOY_STEPS = {"z1": "exp(-y)", "z2": "1 + x**2 + y**2", "z3": "x**3", "p": "6*z1/z2 + 2*z3"}
TOY = GraphExercise("graph.toy", toy, two_numbers, outputs=("p",), prescribed=True, steps=TOY_STEPS, hints=("Look.",))


def pair(xp, x1, x2):
    return xp.exp(2 * x2) + x1 * xp.sin(3 * x2**2), x1 * x2 + 1 / (1 + xp.exp(-x2))


PAIR_STEPS = {
    "v2": ("*", 2, "x2"),
    "v3": ("exp", "v2"),
    "v4": ("^2", "x2"),
    "v5": ("3*", "v4"),
    "v6": ("sin", "v5"),
    "v7": ("mul", "x1", "v6"),
    "y1": ("add", "v3", "v7"),
    "v9": ("times", "x1", "x2"),
    "v10": ("σ", "x2"),
    "y2": ("+", "v9", "v10"),
}
PAIR = GraphExercise(
    "graph.pair",
    pair,
    lambda rng: {"x1": rng.normal(), "x2": rng.uniform(0.3, 1.2)},
    outputs=("y1", "y2"),
    prescribed=True,
    steps=PAIR_STEPS,
)

N, K, M = 4, 5, 3


def network(xp, x, W1, b1, W2, b2, s, r):
    h = 1 / (1 + xp.exp(-(W1 @ x + b1)))
    y = W2 @ h + b2
    return xp.sum((y - s) ** 2) / 2 + xp.sum(r * h)


def network_inputs(rng):
    shapes = {"x": N, "W1": (K, N), "b1": K, "W2": (M, K), "b2": M, "s": M, "r": K}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


NETWORK_STEPS = {
    "z": "W1 @ x + b1",
    "h": "sigmoid(z)",
    "y": "W2 @ h + b2",
    "E": "sum((y - s)**2) / 2",
    "R": "dot(r, h)",
    "L": ("add", "E", "R"),
}
NETWORK = GraphExercise(
    "graph.network", network, network_inputs, outputs=("L",), prescribed=True, steps=NETWORK_STEPS, wrt=("x", "W1", "r")
)

# The way back through f = x * sin(y), over the values of the way there: v2 = sin(y), v3 = x * v2.
BACK = GraphExercise(
    "graph.back",
    lambda xp, x, y, v2, a3: (a3 * v2, a3 * x * xp.cos(y)),
    lambda rng: {"x": rng.normal(), "y": rng.normal(), "v2": rng.normal(), "a3": rng.normal()},
    outputs=("ax", "ay"),
    prescribed=True,
    steps={"ax": "a3 * v2", "a2": "a3 * x", "ay": "a2 * cos(y)"},
)
BACK_DRAWN = {
    "nodes": ["a3", "ax", "a2", "ay"],
    "edges": [["a3", "ax", 0, "v2"], ["a3", "a2", 0, "x"], ["a2", "ay", 0, "cos(y)"]],
}

# h2 = sin(h1), l = h2^2, extended by the nodes of dl/dh1.
EXTENDED = GraphExercise(
    "graph.extended",
    lambda xp, h1: (xp.sin(h1) ** 2, 2 * xp.sin(h1) * xp.cos(h1)),
    lambda rng: {"h1": rng.normal()},
    outputs=("l", "dl_dh1"),
    prescribed=True,
    steps={
        "h2": ("sin", "h1"),
        "l": ("square", "h2"),
        "dl_dh2": ("2*", "h2"),
        "dh2_dh1": ("cos", "h1"),
        "dl_dh1": ("mul", "dl_dh2", "dh2_dh1"),
    },
)


def product_minus_sine(xp, x, y):
    a = x * y
    return a - xp.sin(a)


SMALL_STEPS = {"a": ("mul", "x", "y"), "b": ("sin", "a"), "f": ("sub", "a", "b")}
SMALL = GraphExercise("graph.small", product_minus_sine, two_numbers, prescribed=True)
FREE = GraphExercise("graph.free", product_minus_sine, two_numbers)


def causes(verdict):
    """What was told, in one text."""
    return " ".join([verdict.problem, *(cause.text for cause in verdict.causes)])


def sorts(exercise, answer, seed=3):
    """The labels of what was told."""
    return [cause.label for cause in verify(exercise, answer, seed).causes]


# --- random graphs ---------------------------------------------------------------------------------------------------

ONE = {"sin": np.sin, "cos": np.cos, "tanh": np.tanh, "arctan": np.arctan}
TWO = {"add": np.add, "multiply": np.multiply, "subtract": np.subtract}
ORDERED = ("subtract",)


@dataclass(frozen=True)
class Made:
    """A random graph: its steps in order, the last of them its output."""

    steps: dict[str, tuple[str, ...]]

    def key(self, name):
        operation, *operands = self.steps[name]
        return (operation, *(operands if operation in ORDERED else sorted(operands)))

    def users(self, name):
        return [user for user, step in self.steps.items() if name in step[1:]]

    def function(self, xp, x, y):
        """Its value, by another interpreter than the judge's."""
        known = {"x": x, "y": y}
        for name, (operation, *operands) in self.steps.items():
            values = [known[operand] for operand in operands]
            known[name] = getattr(xp, operation)(*values)
        return known["f"]

    def exercise(self, **options):
        return GraphExercise("graph.random", self.function, two_numbers, prescribed=True, **options)


def made(seed, size):
    """A graph in which every node leads to the output and none is another's copy."""
    rng, steps, seen = random.Random(seed), {}, set()

    def add(operation, *operands, name=""):
        graph = Made({"": (operation, *operands)})
        if graph.key("") in seen:
            return
        seen.add(graph.key(""))
        steps[name or f"n{len(steps)}"] = (operation, *operands)

    add("sin", "x")
    add("tanh", "y")
    while len(steps) < size:
        known = ["x", "y", *steps]
        if rng.random() < 0.4:
            add(rng.choice(list(ONE)), rng.choice(known))
        else:
            add(rng.choice(list(TWO)), *rng.sample(known, 2))
    ends = [name for name in steps if not Made(steps).users(name)]
    while len(ends) > 1:
        one, other = ends.pop(0), ends.pop(0)
        name = f"n{len(steps)}"
        steps[name] = ("subtract", one, other)
        ends.append(name)
    steps["f"] = ("arctan", ends[0])
    return Made(steps)
