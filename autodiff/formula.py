"""A line, and what its rule makes of it, as a formula: in NumPy's words and in LaTeX.

Nothing is typed a second time. The formulas of the table are plain NumPy, so a rule applied to `Spelled` arrays, which
carry a name beside their value, writes its own derivative down: `rule.vjp` gives the text of what an adjoint receives,
`rule.jvp` that of a tangent. The value decides what a formula asks of its operands (a shape, a tie, a zero), so what is
written is the formula as it is at this point.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autodiff.modes import project, spread
from autodiff.rule import Args, Array, Params, Rule, call
from autodiff.tape import LEVELS, Line, Traced, strip

Operator = tuple[int, str, tuple[int, ...]]  # precedence, template, the least precedence of each operand
ATOM = 9
NAME, CONSTANT = "name", "constant"
NOT_COMPUTED = "not computed"

TEXT: dict[str, Operator] = {
    "add": (1, "{} + {}", (1, 1)),
    "subtract": (1, "{} - {}", (1, 2)),
    "multiply": (2, "{} * {}", (2, 2)),
    "divide": (2, "{} / {}", (2, 3)),
    "floor_divide": (2, "{} // {}", (2, 3)),
    "remainder": (2, "{} % {}", (2, 3)),
    "matmul": (2, "{} @ {}", (2, 3)),
    "negative": (3, "-{}", (3,)),
    "power": (4, "{} ** {}", (5, 4)),
    ".T": (5, "{}.T", (5,)),
}
LATEX: dict[str, Operator] = {
    "add": TEXT["add"],
    "subtract": TEXT["subtract"],
    "multiply": (2, r"{} \cdot {}", (2, 2)),
    "entrywise": (2, r"{} \odot {}", (2, 2)),
    "divide": (5, r"\frac{{{}}}{{{}}}", (0, 0)),
    "matmul": (2, r"{}\,{}", (2, 3)),
    "negative": (2, "-{}", (2,)),
    "power": (4, "{}^{{{}}}", (5, 0)),
    "square": (4, "{}^{{2}}", (5,)),
    "reciprocal": (5, r"\frac{{1}}{{{}}}", (0,)),
    ".T": (4, r"{}^{{\top}}", (5,)),
    "inv": (4, "{}^{{-1}}", (5,)),
    "exp": (4, "e^{{{}}}", (0,)),
    "sqrt": (5, r"\sqrt{{{}}}", (0,)),
    "absolute": (ATOM, r"\left\lvert {} \right\rvert", (0,)),
    "sum": (2, r"\textstyle\sum {}", (3,)),
    "broadcast_to": (2, r"\mathbf{{1}}\,{}", (3,)),
    "sigmoid": (5, r"\sigma\left({}\right)", (0,)),
}
SIGNS = {
    "__lt__": ("<", r"\lt", np.less),
    "__le__": ("<=", r"\le", np.less_equal),
    "__gt__": (">", r"\gt", np.greater),
    "__ge__": (">=", r"\ge", np.greater_equal),
    "__eq__": ("==", "=", np.equal),
    "__ne__": ("!=", r"\ne", np.not_equal),
    "__and__": ("&", r"\wedge", np.logical_and),
    "__or__": ("|", r"\vee", np.logical_or),
}


@dataclass(frozen=True)
class Term:
    """One operation: its rule's name, its terms, its parameters; or with the head NAME or CONSTANT one of these.

    A name that stands for a line of the list has its number for a parameter.
    """

    head: str
    operands: tuple[Any, ...]
    params: Params
    ndim: int

    def lines(self) -> set[int]:
        """The numbers of the lines that stand in this term."""
        if self.head in (NAME, CONSTANT):
            return set(self.params.values())
        return {line for operand in self.operands for line in operand.lines()}

    def is_number(self, number: int) -> bool:
        """Whether this is a constant, and this number."""
        return self.head == CONSTANT and self.ndim == 0 and bool(self.operands[0] == number)


class Spelled(Traced):
    """A traced array that writes down, beside its value, the term it is."""

    __slots__ = ("level", "term")

    def __init__(self, value: Array, term: Term, level: int) -> None:
        self.value, self.term, self.level = value, term, level

    def emit(self, rule: Rule, args: Args, params: Params) -> Spelled:
        """Evaluate on the values, write down the operation."""
        y = call(rule, tuple(a.value if isinstance(a, Spelled) else a for a in args), params)
        return Spelled(y, simplified(rule.name, tuple(map(term_of, args)), params, y), self.level)


def fact(sign: str, ufunc: Any) -> Callable[[Spelled, Any], Spelled]:
    """A comparison that is written down as well as decided."""

    def decided(self: Spelled, other: Any) -> Spelled:
        holds = ufunc(strip(self), strip(other))
        return Spelled(holds, operation(sign, (self.term, term_of(other)), {}, holds), self.level)

    return decided


for method, (sign, in_latex, ufunc) in SIGNS.items():  # in LaTeX, Iverson's bracket: 1 where it holds, 0 elsewhere
    TEXT[sign] = (0, f"{{}} {sign} {{}}", (1, 1))
    LATEX[sign] = (ATOM, rf"[{{}} {in_latex} {{}}]", (1, 1))
    setattr(Spelled, method, fact(sign, ufunc))


def named(name: str, value: Array, line: int | None = None) -> Term:
    """A name, for a value."""
    return Term(NAME, (name,), {} if line is None else {"line": line}, np.ndim(strip(value)))


def term_of(a: Any) -> Term:
    """The term of a symbol or of a constant."""
    return a.term if isinstance(a, Spelled) else Term(CONSTANT, (strip(a),), {}, np.ndim(strip(a)))


def operation(head: str, operands: tuple[Term, ...], params: Params, value: Array) -> Term:
    """The term of one operation."""
    if head == "where":
        operands, params = (term_of(params["condition"]), *operands), {}
    return Term(head, operands, params, np.ndim(strip(value)))


def simplified(head: str, operands: tuple[Term, ...], params: Params, value: Array) -> Term:
    """`operation`, unless it does nothing: times 1, less 0, a choice that is the same everywhere. -x for x * -1."""
    first, last = operands[0], operands[-1]
    if head == "where" and len(np.unique(strip(params["condition"]))) == 1:
        return first if np.all(strip(params["condition"])) else last
    if head in ("multiply", "divide", "power") and last.is_number(1):
        return first
    if head == "multiply" and first.is_number(1):
        return last
    if head == "subtract" and last.head == CONSTANT and not np.any(last.operands[0]):
        return first
    if head == "multiply" and last.is_number(-1):
        return operation("negative", (first,), {}, value)
    if head == "multiply" and last.head == "divide" and last.operands[0].is_number(1):
        return operation("divide", (first, last.operands[1]), {}, value)
    return operation(head, operands, params, value)


# --- the formulas of a line ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Named:
    """A line, its number and its name, and the names of its arguments (None for a constant without one)."""

    index: int
    line: Line
    name: str
    parents: list[str | None]

    @property
    def id(self) -> str:
        """The line as the printed list numbers it."""
        return f"v{self.index}"

    @property
    def what(self) -> str:
        """What the line is: `x`, `W @ x`."""
        return text(self.definition())

    @property
    def words(self) -> str:
        """The rule in words."""
        return "an input" if self.line.rule is None else f"{self.line.rule.name}: {self.line.rule.explain}"

    def definition(self) -> Term:
        """The right-hand side."""
        if self.line.rule is None:
            return named(self.name, self.line.value)
        return operation(self.line.rule.name, self.operands(), self.line.params, self.line.value)

    def operands(self) -> tuple[Term, ...]:
        """The arguments, as names or constants."""
        arguments = zip(self.parents, self.line.args, self.line.parents, strict=True)
        return tuple(term_of(a) if name is None else named(name, a, parent) for name, a, parent in arguments)

    def pulled(self, adjoint: str) -> dict[int, Term]:
        """What the adjoint, called `adjoint`, adds to that of each argument, by slot."""
        level, args, y = self.symbols()
        rule, parents, _, params, _ = self.line
        g = Spelled(np.ones_like(y.value), named(adjoint, y.value), level)
        with np.errstate(all="ignore"):
            return {
                slot: term_of(project(rule.vjp(slot, g, y, args, params), args[slot].value))
                for slot, parent in enumerate(parents)
                if parent is not None and rule is not None
            }

    def pushed(self, tangent: Callable[[str], str]) -> Term:
        """The tangent, from those of the arguments, which `tangent` names."""
        level, args, y = self.symbols()
        if self.line.rule is None:
            return named(tangent(self.name), y.value)
        moving = [
            Spelled(np.ones_like(a.value), named(tangent(str(name)), a.value), level) if parent is not None else None
            for name, a, parent in zip(self.parents, args, self.line.parents, strict=True)
        ]
        with np.errstate(all="ignore"):
            return term_of(spread(self.line.rule.jvp(moving, y, args, self.line.params), y.value))

    def partial(self, slot: int) -> Term:
        """The derivative in one argument: what an adjoint g is multiplied by, or else what becomes of g."""
        term, g, one = self.pulled("g")[slot], named("g", self.line.value), term_of(1)
        if term == g:
            return one
        if term.head in ("multiply", "divide", "negative") and term.operands[0] == g:
            return simplified(term.head, (one, *term.operands[1:]), {}, self.line.value)
        return term

    def symbols(self) -> tuple[int, Args, Spelled]:
        """A fresh level; the arguments and the value as symbols of it. Constant numbers stay numbers."""
        level = next(LEVELS)
        terms, values = self.operands(), map(strip, self.line.args)
        args = tuple(
            Spelled(a, t, level) if t.ndim or t.head == NAME else a for a, t in zip(values, terms, strict=True)
        )
        value = strip(self.line.value)
        return level, args, Spelled(value, named(self.name, value, self.index), level)


# --- writing ---------------------------------------------------------------------------------------------------------


def text(term: Term) -> str:
    """A term in NumPy's words: `v1 * cos(x)`."""
    return written(term, in_latex=False)[0]


def latex(term: Term) -> str:
    r"""A term in LaTeX: `v_{1} \cdot \operatorname{cos}\left(x\right)`."""
    return written(term, in_latex=True)[0]


def written(term: Term, in_latex: bool) -> tuple[str, int]:
    """A term, and its precedence: by its operator, or as a function of its operands."""
    words = worded if in_latex else str
    if term.head == NAME:
        return name_in_latex(term.operands[0]) if in_latex else term.operands[0], ATOM
    if term.head == CONSTANT:
        shown = constant_text(term.operands[0])
        return words(shown) if term.ndim else shown, 3 if shown.startswith("-") else ATOM
    inner = [written(operand, in_latex) for operand in term.operands]
    if term.head == "getitem":
        return f"{bracketed(inner[0], 5)}[{words(index_text(term.params['index']))}]", 5
    head, params = notable(term)
    if in_latex and head == "multiply" and all(operand.ndim for operand in term.operands):
        head = "entrywise"
    operators = LATEX if in_latex else TEXT
    if params or head not in operators:
        arguments = ", ".join([*(part for part, _ in inner), *map(words, params)])
        function = rf"\operatorname{{{escaped(head)}}}\left({arguments}\right)" if in_latex else f"{head}({arguments})"
        return function, 5
    precedence, template, least = operators[head]
    parts = [bracketed(part, least[k], k > 0 and least[k] > 0) for k, part in enumerate(inner)]
    return template.format(*parts), precedence


def constant_text(a: Any) -> str:
    """A constant: a number, the entries of a small array, the shape of a large one."""
    return summary(a) if np.size(a) <= 6 else f"array{np.shape(a)}"


def bracketed(part: tuple[str, int], least: int, no_sign: bool = False) -> str:
    """A part of a formula, in parentheses if its operator binds less than asked, or a sign would follow a sign."""
    shown, precedence = part
    return f"({shown})" if precedence < least or (no_sign and shown.startswith("-")) else shown


def notable(term: Term) -> tuple[str, list[str]]:
    """The name of the operation and the parameters worth telling: those that are not what one would assume."""
    params, ndim = dict(term.params), term.operands[0].ndim
    if term.head == "transpose" and params.get("axes") == tuple(reversed(range(ndim))):
        return ".T", []
    if term.head == "broadcast_to":  # to the shape of what it is added to
        return term.head, []
    axis = params.get("axis")
    if isinstance(axis, tuple) and len(axis) in (1, ndim):
        params["axis"] = None if len(axis) == ndim else axis[0]
    told = {k: v for k, v in params.items() if v is not None and v is not False and not (k == "order" and v == "C")}
    return term.head, [f"{k}=[{index_text(v)}]" if k == "index" else f"{k}={setting(v)}" for k, v in told.items()]


def index_text(index: Any) -> str:
    """What stands between the brackets of x[...]."""
    if isinstance(index, tuple):
        return ", ".join(map(index_text, index))
    if isinstance(index, slice):
        ends = [index.start, index.stop] + ([] if index.step is None else [index.step])
        return ":".join("" if end is None else str(end) for end in ends)
    return "..." if index is Ellipsis else setting(index)


def setting(value: Any) -> str:
    """The value of a parameter."""
    return constant_text(np.asarray(value)) if isinstance(value, (list, np.ndarray)) else str(value)


def name_in_latex(name: str) -> str:
    r"""x, W_{1}, v_{12}, \mathrm{weights}; an accent given as a prefix ("bar:v1") goes over the letters alone."""
    accent, _, plain = name.rpartition(":")
    letters = plain.rstrip("0123456789")
    digits = plain[len(letters) :]
    letters = letters if len(letters) == 1 else rf"\mathrm{{{escaped(letters)}}}"
    over = rf"\{accent}{{{letters}}}" if accent else letters
    return f"{over}_{{{digits}}}" if digits else over


def worded(words: str) -> str:
    """Words inside LaTeX."""
    return rf"\text{{{escaped(words)}}}"


def escaped(words: str) -> str:
    """A text as LaTeX takes it, also in a table of Markdown, where a bar would end the cell."""
    return re.sub(r"([_%#&{}])", r"\\\1", words).replace("|", r"\vert{}")


def summary(a: Any, digits: int = 0) -> str:
    """A value in one short line: a number, a small array, or shape and first entries; -0.0 reads 0.

    digits: significant ones; 0: 6 of a number and 4 of the entries of an array.
    """
    if a is None:
        return NOT_COMPUTED
    array = np.asarray(strip(a))
    if array.ndim == 0:
        return f"{array[()]:z.{digits or 6}g}" if array.dtype.kind == "f" else str(array[()])
    shown = array if array.size <= 6 else array.ravel()[:3]
    number = f"{{:z.{digits or 4}g}}".format
    entries = np.array2string(shown, separator=", ", formatter={"float_kind": number}, max_line_width=10**6)
    entries = " ".join(entries.split()).replace("[ ", "[")
    return entries if 0 < array.size <= 6 else f"{array.shape} {entries[:-1]}{', ...' if array.size else ''}]"
