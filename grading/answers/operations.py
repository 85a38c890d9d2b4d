"""The operations that a graph may be made of: what they are called, how many arguments they take, what they compute.

They are autodiff's own, under the names of its table and those that people write (`*`, `times`, `^2`, `matvec`, `σ`).
A graph is evaluated on the judge's side, so an operation is none that could make much of little (`tile`, `repeat`),
and what it would cost is known before it is carried out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import numpy as np

import autodiff
from autodiff.tape import strip

Params = Mapping[str, Any]
ANY_NUMBER = 64  # of arguments, for operations that take several
IDENTITY = "identity"

_MOST_ENTRIES = 2**20  # of one value


@dataclass(frozen=True)
class Operation:
    """One operation: its name, the function that records it, and the least and the greatest number of arguments."""

    name: str
    function: Callable[..., Any]
    fewest: int
    most: int

    def takes(self) -> str:
        """How many arguments it takes, in words."""
        words = {1: "one argument", 2: "two arguments", 3: "three arguments"}
        return words.get(self.fewest, str(self.fewest)) + (" or more" if self.most == ANY_NUMBER else "")


class TooLargeError(ValueError):
    """A value, or a whole evaluation, is larger than any answer needs."""


@dataclass
class Meter:
    """Counts what evaluations of graphs cost, and ends them where that is more than an answer needs."""

    most: int = 2**26  # multiplications, and four for each entry that is made
    work: int = field(default=0)

    def charge(self, name: str, shapes: list[tuple[int, ...]], params: Params) -> None:
        """Raise TooLargeError before an operation that would make too much, or take too long."""
        entries, work = _cost(name, shapes, params)
        self.work += max(work, 4 * entries)
        if entries > _MOST_ENTRIES or self.work > self.most:
            raise TooLargeError("it makes values larger than the exercise has any use for")


def _cost(name: str, shapes: list[tuple[int, ...]], params: Params) -> tuple[int, int]:
    """At most how many entries the value has, and how much work it is."""
    sizes = [math.prod(shape) for shape in shapes] or [1]
    if name in _ELEMENTWISE:
        entries = math.prod(map(max, zip(*_aligned(shapes), strict=True)))
        return entries, entries
    if name in _NO_LARGER:
        return sum(sizes), sum(sizes)
    if name == "broadcast_to":
        entries = math.prod(int(n) for n in np.atleast_1d(params.get("shape", ())))
        return entries, entries
    if name in _PRODUCTS and all(shapes):
        inner = max(shapes[0][-1], 1)
        entries = math.prod(sizes) // inner**2
        return entries, entries * inner
    if name == "einsum":
        return _cost_of_einsum(str(params.get("subscripts", "")), shapes)
    if name == "getitem":
        index = params.get("index", ())
        parts = index if isinstance(index, tuple) else (index,)
        picked = sum(part.size for part in parts if isinstance(part, np.ndarray)) or 1
        return sizes[0] * picked, sizes[0] * picked
    if name in _OF_MATRICES:
        return max(sizes), max(sizes) ** 2
    return math.prod(sizes), math.prod(sizes)


def _cost_of_einsum(subscripts: str, shapes: list[tuple[int, ...]]) -> tuple[int, int]:
    terms, _, out = subscripts.replace(" ", "").partition("->")
    if "." in subscripts:
        return math.prod(map(math.prod, shapes)), math.prod(map(math.prod, shapes))
    pairs = zip(terms.split(","), shapes, strict=True)
    length = {letter: n for term, shape in pairs for letter, n in zip(term, shape, strict=True)}
    return math.prod(length.get(letter, 1) for letter in out or length), math.prod(length.values())


def _aligned(shapes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    longest = max(map(len, shapes), default=0)
    return [(1,) * (longest - len(shape)) + shape for shape in shapes]


# What NumPy raises for operands and parameters that do not fit each other.
MISFITS = (ArithmeticError, IndexError, MemoryError, TypeError, ValueError)


def carry_out(name: str, args: list[Any], params: Params, meter: Meter) -> Any:
    """The value of an operation on arrays, plain or traced. Raises MISFITS for what does not fit."""
    meter.charge(name, [np.shape(strip(arg)) for arg in args], params)
    return OPERATIONS[name].function(*args, **params)


def _where(a: Any, b: Any, condition: Any) -> Any:
    return np.where(np.asarray(condition, dtype=bool), a, b)


def _several(function: Any) -> Callable[..., Any]:
    """A sum or a product of two or more."""

    def of_all(*args: Any) -> Any:
        value = args[0]
        for arg in args[1:]:
            value = function(value, arg)
        return value

    return of_all


def _in_one_list(function: Any) -> Callable[..., Any]:
    return lambda *args, axis=0: function(args, axis=axis)


_OF_ONE: tuple[Any, ...] = (
    *(np.sum, np.mean, np.prod, np.max, np.min, np.amax, np.amin, np.std, np.var, np.cumsum, np.trace, np.linalg.norm),
    *(np.ravel, np.transpose, np.reshape, np.squeeze, np.expand_dims, np.broadcast_to, np.round),
    *(np.linalg.inv, np.linalg.det),
    *(autodiff.sigmoid, autodiff.relu, autodiff.softplus, autodiff.softmax, autodiff.log_softmax, autodiff.logsumexp),
)
_OF_TWO: tuple[Any, ...] = (
    *(np.matmul, np.dot, np.vdot, np.inner, np.outer, np.linalg.solve),
    *(autodiff.mse, autodiff.half_squared_error, autodiff.cross_entropy, autodiff.linear_regulariser),
)


def _vocabulary() -> dict[str, Operation]:
    """All operations by their names."""
    rules = list(autodiff.TABLE.values())
    arity = {rule.name: rule.key.nin for rule in rules if rule.kind == "elementwise" and isinstance(rule.key, np.ufunc)}
    functions: dict[str, Any] = {rule.name: rule.key for rule in rules if rule.name in arity}
    for count, group in ((1, _OF_ONE), (2, _OF_TWO)):
        functions |= {function.__name__: function for function in group}
        arity |= dict.fromkeys((function.__name__ for function in group), count)
    found = {name: Operation(name, functions[name], count, count) for name, count in arity.items()}
    found["add"] = Operation("add", _several(np.add), 2, ANY_NUMBER)
    found["multiply"] = Operation("multiply", _several(np.multiply), 2, ANY_NUMBER)
    found["clip"] = Operation("clip", np.clip, 1, 3)
    found["concatenate"] = Operation("concatenate", _in_one_list(np.concatenate), 1, ANY_NUMBER)
    found["stack"] = Operation("stack", _in_one_list(np.stack), 1, ANY_NUMBER)
    found["einsum"] = Operation("einsum", lambda *args, subscripts: np.einsum(subscripts, *args), 1, 4)
    found["getitem"] = Operation("getitem", lambda x, index: x[index], 1, 1)
    found["where"] = Operation("where", _where, 2, 2)
    found["astype"] = Operation("astype", lambda x: x, 1, 1)
    found["euclidean"] = Operation("euclidean", lambda x, **params: np.linalg.norm(x, **params), 1, 1)
    found[IDENTITY] = Operation(IDENTITY, lambda x: x, 1, 1)
    found["cube"] = Operation("cube", lambda x: np.power(x, 3), 1, 1)
    return found


OPERATIONS = _vocabulary()
_ELEMENTWISE = {name for name, op in OPERATIONS.items() if isinstance(op.function, np.ufunc) and name != "matmul"}
_ELEMENTWISE |= {"add", "multiply", "clip", "where", "sigmoid", "relu", "softplus", "round", "cube"}
_NO_LARGER = {"sum", "mean", "prod", "max", "min", "amax", "amin", "std", "var", "ravel", "transpose", "reshape"}
_NO_LARGER |= {"squeeze", "expand_dims", "cumsum", "trace", "norm", "euclidean", "logsumexp", "softmax", "log_softmax"}
_NO_LARGER |= {"concatenate", "stack", "getitem", "astype", IDENTITY, "mse", "half_squared_error", "cross_entropy"}
_NO_LARGER |= {"linear_regulariser", "vdot"}
_PRODUCTS = ("matmul", "dot", "inner")
_OF_MATRICES = ("inv", "det", "solve")

_SYNONYMS = {
    "add": "+ plus sum_of addition",
    "subtract": "- − sub minus difference diff subtraction",
    "multiply": "* · × ∗ mul mult times product hadamard ⊙ elementwise_product multiplication",
    "divide": "/ ÷ : div quotient over ratio division true_divide",
    "power": "** ^ pow to_the_power",
    "square": "sq squared sqr",
    "cube": "cubed",
    "negative": "neg negate minus_sign opposite",
    "matmul": "@ mm mv matvec matrix_product matmult matrix_multiply vecmat",
    "exp": "exponential e^ exp()",
    "log": "ln logarithm",
    "sigmoid": "σ sigma logistic sigm expit",
    "sqrt": "√ root square_root",
    "absolute": "abs |.| modulus",
    "reciprocal": "recip inverse 1/x one_over",
    "sum": "Σ ∑ reduce_sum total sum_all",
    "mean": "avg average",
    "tanh": "hyperbolic_tangent",
    "sin": "sine",
    "cos": "cosine",
    "tan": "tangent",
    "relu": "rectifier positive_part",
    "transpose": "T .T ᵀ",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    IDENTITY: "id copy = assign pass same",
    "outer": "outer_product ⊗",
    "dot": "inner_product dot_product scalar_product",
    "concatenate": "concat cat",
    "getitem": "[] index pick entry",
    "half_squared_error": "l2_error",
    "mse": "mean_squared_error",
}
_NAMES = {word: name for name, words in _SYNONYMS.items() for word in words.split()}
_OF_SEVERAL = {"sum": "add", "prod": "multiply", "max": "maximum", "min": "minimum"}
_SIGNS_OF_MINUS = ("-", "−", "minus")
_NUMBER = r"[-−]?(?:\d+\.?\d*|\.\d+)"
_WITH_NUMBER = re.compile(rf"(?P<sign>\*\*|[-−+*·×/^])\s*\(?(?P<number>{_NUMBER})\)?")
_NUMBER_FIRST = re.compile(rf"(?P<number>{_NUMBER})\s*(?P<sign>\*\*|[-−+*·×/^]|)")


def meant(word: str, count: int) -> tuple[str, list[float], list[float]] | None:
    """The operation that a word names for `count` arguments, and numbers before and behind these; None for none.

    `sum` of one argument sums its entries, of several adds them; `^2` and `2*` bring a number of their own.
    """
    said = word.strip()
    said = re.sub(r"^(np|numpy|xp|torch|autodiff)\.(linalg\.)?", "", said)
    lower = said.lower().replace(" ", "_").removesuffix("()")
    name = lower if lower in OPERATIONS else _NAMES.get(said) or _NAMES.get(lower)
    if name is not None:
        if count > 1:
            name = _OF_SEVERAL.get(name, name)
        return ("negative" if count == 1 and said in _SIGNS_OF_MINUS else name), [], []
    if count == 1 and (match := _WITH_NUMBER.fullmatch(said)):
        return _NAMES[match["sign"]], [], [_number(match["number"])]
    if count == 1 and (match := _NUMBER_FIRST.fullmatch(said)):
        return _NAMES[match["sign"] or "*"], [_number(match["number"])], []
    return None


def near(word: str) -> list[str]:
    """Names of operations that look like a word that is none."""
    known = sorted({*OPERATIONS, *_NAMES})
    return get_close_matches(word.strip().lower(), known, 3, 0.5)


def _number(text: str) -> float:
    return float(text.replace("−", "-"))
