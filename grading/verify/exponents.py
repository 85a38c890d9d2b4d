"""Powers whose exponent is no plain number: what is written for their derivatives in the base and in the exponent."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from grading.verify.exercise import Array
from grading.verify.faults import Edit, Edits, Recorded
from grading.verify.suspects import Group, planted

# What is written for the derivative of x**n in n.
_IN_EXPONENT: dict[str, Callable[[Array, Array], Array]] = {
    "n * x**(n - 1)": lambda x, n: n * x ** (n - 1),
    "n * x**(n - 1) * log(x)": lambda x, n: n * x ** (n - 1) * np.log(x),
    "x**(n - 1) * log(x)": lambda x, n: x ** (n - 1) * np.log(x),
    "x**n * log(n)": lambda x, n: x**n * np.log(n),
    "n * x**n": lambda x, n: n * x**n,
    "x**n * x": lambda x, n: x**n * x,
    "x**n / log(x)": lambda x, n: x**n / np.log(x),
}
# The same of its derivative in x, where the exponent is no plain number.
_IN_BASE: dict[str, Callable[[Array, Array], Array]] = {
    "x**n * log(x)": lambda x, n: x**n * np.log(x),
    "(n - 1) * x**(n - 2)": lambda x, n: (n - 1) * x ** (n - 2),
    "(n - 1) * x**(n - 1)": lambda x, n: (n - 1) * x ** (n - 1),
    "x**(n - 1)": lambda x, n: x ** (n - 1),
    "n * x**(n - 1) * log(x)": lambda x, n: n * x ** (n - 1) * np.log(x),
}


def exponents(recorded: Recorded) -> Group:
    """Powers whose exponent is no plain number: the rule for the base and that for the exponent mixed up."""
    for i, slot, parent in recorded.edges:
        if recorded.names_of_rules[i] in ("power", "float_power") and recorded.lines[i][1][1] is not None:
            for written, slope in (_IN_EXPONENT if slot else _IN_BASE).items():
                said = f"The derivative of x**n in {'n' if slot else 'x'} is not {written}, of {recorded.say(i)}."
                yield planted("wrong power", said, partial(_of_power, i, slot, parent, slope))


def _of_power(i: int, slot: int, parent: int, slope: Callable[[Array, Array], Array], recorded: Recorded) -> Edits:
    base, exponent = map(np.asarray, recorded.lines[i][2])
    return [Edit(i, parent, slot, instead=slope(base, exponent))]
