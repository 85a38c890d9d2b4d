"""Tables as students fill them in: the course's function, and random lists, worked out without autodiff.

A step is (formula, its partial derivatives), in terms of {a} and {b}; a student rounds as a style says.
"""

import math
from dataclasses import dataclass

from hypothesis import strategies as st

from grading.answers.table import VALUE, TableExercise, adjoint, tangent

DECIMALS = 3

# The two-input, two-output function of the sheet, row by row as it prints them.
SHEET = {
    "v0": ("x1", {"x1": "1"}),
    "v1": ("x2", {"x2": "1"}),
    "v2": ("2 * v1", {"v1": "2"}),
    "v3": ("xp.exp(v2)", {"v2": "v3"}),
    "v4": ("v1 ** 2", {"v1": "2 * v1"}),
    "v5": ("3 * v4", {"v4": "3"}),
    "v6": ("xp.sin(v5)", {"v5": "xp.cos(v5)"}),
    "v7": ("v0 * v6", {"v0": "v6", "v6": "v0"}),
    "v8": ("v3 + v7", {"v3": "1", "v7": "1"}),
    "v9": ("v1 * v0", {"v1": "v0", "v0": "v1"}),
    "v10": ("1 / (1 + xp.exp(-v1))", {"v1": "v10 * (1 - v10)"}),
    "v11": ("v10 + v9", {"v10": "1", "v9": "1"}),
}
# p(x, y) = 6 exp(-y) / (1 + x^2 + y^2) + 2 x^3, as its sheet takes it apart.
TOY = {
    "z1": ("xp.exp(-y)", {"y": "-z1"}),
    "z2": ("1 + x ** 2 + y ** 2", {"x": "2 * x", "y": "2 * y"}),
    "z3": ("x ** 3", {"x": "3 * x ** 2"}),
    "z4": ("6 * z1 / z2 + 2 * z3", {"z1": "6 / z2", "z2": "-6 * z1 / z2 ** 2", "z3": "2"}),
}


def sheet_function(xp, x1, x2):
    return xp.exp(2 * x2) + x1 * xp.sin(3 * x2**2), x1 * x2 + 1 / (1 + xp.exp(-x2))


def rows_of(steps):
    """The rows as a sheet declares them."""
    return {name: eval(f"lambda xp, {', '.join(partials)}: {formula}") for name, (formula, partials) in steps.items()}


@dataclass
class Student:
    """Fills in a table, rounding on the way or only when printing; `slips` are (column, row): the number written."""

    steps: dict
    given: dict
    rounds: bool = False
    slips: dict = None

    def write(self, column, name, number):
        """What goes into the table, and what is computed with from here on."""
        number = (self.slips or {}).get((column, name), number)
        self.printed[column][name] = round(number, DECIMALS)
        self.known[column][name] = round(number, DECIMALS) if self.rounds else number

    def between(self, number):
        return round(number, DECIMALS) if self.rounds else number

    def fill(self, direction, output):
        self.printed, self.known = {"value": {}, "tangent": {}, "adjoint": {}}, {"tangent": dict(direction)}
        self.known |= {"value": dict(self.given), "adjoint": {}}
        for name, (formula, _) in self.steps.items():
            self.write("value", name, eval(formula, {"xp": math}, self.known["value"]))
        slopes = {
            (name, p): self.between(eval(slope, {"xp": math}, self.known["value"]))
            for name, (_, partials) in self.steps.items()
            for p, slope in partials.items()
        }
        for name, (_, partials) in self.steps.items():
            summands = [self.between(slopes[name, p] * self.known["tangent"][p]) for p in partials]
            self.write("tangent", name, sum(summands))
        for name in reversed(self.steps):
            uses = [child for child, (_, partials) in self.steps.items() if name in partials]
            summands = [self.between(slopes[child, name] * self.known["adjoint"][child]) for child in uses]
            self.write("adjoint", name, sum(summands) + (name == output))
        return {name: {column: self.printed[column][name] for column in self.printed} for name in self.steps}


def exercise(steps, given, direction, output, columns=("value", "tangent", "adjoint"), **more):
    asked = {"value": VALUE, "tangent": tangent(**direction), "adjoint": adjoint(output)}
    return TableExercise(
        id="trace.table",
        given=given,
        rows=rows_of(steps),
        columns={title: asked[title] for title in columns},
        decimals=DECIMALS,
        points=len(steps) * len(columns),
        **more,
    )


KINDS = (
    ("{a} + {b}", ("1", "1")),
    ("{a} - {b}", ("1", "-1")),
    ("{a} * {b}", ("{b}", "{a}")),
    ("{a} / (2 + {b} ** 2)", ("1 / (2 + {b} ** 2)", "-2 * {a} * {b} / (2 + {b} ** 2) ** 2")),
    ("3 * {a}", ("3",)),
    ("xp.sin({a})", ("xp.cos({a})",)),
    ("xp.exp(-({a} ** 2))", ("-2 * {a} * {v}",)),
    ("{a} ** 2", ("2 * {a}",)),
    ("xp.tanh({a})", ("1 - {v} ** 2",)),
)


@st.composite
def lists(draw):
    """Random rows over two inputs, and the point: inputs first, then steps, so that everything leads somewhere."""
    number = st.integers(-250, 250).map(lambda n: (n + 0.5) / 100)
    given = {"x": draw(number), "y": draw(number)}
    steps = {"v0": ("x", {"x": "1"}), "v1": ("y", {"y": "1"})}
    for k in range(2, draw(st.integers(4, 9))):
        formula, slopes = draw(st.sampled_from(KINDS))
        names = draw(st.permutations(list(steps)))[: len(slopes)]
        letters = dict(zip("ab", names, strict=False)) | {"v": f"v{k}"}
        partials = {name: slope.format(**letters) for name, slope in zip(names, slopes, strict=True)}
        steps[f"v{k}"] = (formula.format(**letters), partials)
    return steps, given
