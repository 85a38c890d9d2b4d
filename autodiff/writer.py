"""A recording written out as NumPy: names, expressions, statements.

One line for everything that has a name, is used twice or would make a line long; see docs/code.md.
"""

from __future__ import annotations

import math
import operator
import textwrap
from collections import Counter
from typing import Any

import numpy as np

from autodiff.naming import OURS
from autodiff.recording import CHOICES, RESERVED, Recording, operands
from autodiff.symbols import (
    OPERATORS,
    Guard,
    Origin,
    Symbol,
    astype,
    identity,
    is_reshaped,
    number,
    plain,
    scatter,
    sigmoid,
    symbols,
)
from autodiff.tape import RefusalError, path

WIDTH = 100  # no line is longer
LITERAL = 2048  # a constant array with more entries is passed in instead of being written out
NESTED = 4  # operations in one line

# How Python writes operators, and how tightly they bind.
SIGNS = "lt < 1, le <= 1, gt > 1, ge >= 1, eq == 1, ne != 1, or_ | 2, xor ^ 2, and_ & 2, add + 3, sub - 3, mul * 4, "
SIGNS += "truediv / 4, floordiv // 4, mod % 4, matmul @ 4, pow ** 6"
INFIX = {getattr(operator, o): (sign, int(binds)) for o, sign, binds in (s.split() for s in SIGNS.split(","))}
REDUCERS = {np.sum: "np.add.reduce", np.max: "np.maximum.reduce", np.min: "np.minimum.reduce"}  # without wrapper
PREFIX = {operator.neg: "-", operator.invert: "~"}
TIGHT, CALL = 5, 7  # how tightly a prefix, and a call, binds
UFUNCS = {op: ufunc for ufunc, op in OPERATORS.items()}
FREE = {np.transpose, operator.getitem, operator.neg, operator.invert}  # what does not count as an operation
# Operations that always make an array of their own.
FRESH = {*INFIX, *PREFIX, astype, scatter, sigmoid, np.where, np.concatenate}
FRESH |= {np.sum, np.prod, np.max, np.min, np.cumsum}
OTHER_BRANCH = 'raise ValueError("written for another branch than these arguments take")'


class Writer:
    """A recording as text; `buffers` are the arrays that results are written into, by step."""

    def __init__(self, recording: Recording, name: str, comments: bool = False, compiled: bool = False) -> None:
        self.recording, self.comments, self.compiled = recording, comments, compiled
        self.constants: dict[str, Any] = {}  # by name
        self.taken = {*RESERVED, *recording.names, name}
        self.counts: Counter[str] = Counter()  # of names with a number behind
        self.names: dict[int, str] = {id(s): n for s, n in zip(recording.symbols, recording.names, strict=True)}
        self.lines = self.own_lines()
        self.into = self.in_place()
        self.name_steps()
        self.buffers: dict[int, str] = {}

    def own_lines(self) -> set[int]:
        """The steps that get a line: named, used twice, an adjoint, or too much for the line of their only user."""
        steps = [step for step in self.recording.needed if type(step) is Symbol]
        if self.compiled:
            return set(map(id, steps))
        own: set[int] = set()
        cost: dict[int, int] = {}
        for step in steps:
            inside = [s for s in operands(step) if id(s) in cost and id(s) not in own]
            view = step.func is np.transpose or bool(new_axis(step))
            free = not inside and (view or step.func in FREE)
            cost[id(step)] = (0 if free else 1) + sum(cost[id(s)] for s in inside)
            while cost[id(step)] > NESTED and inside:
                largest = max(inside, key=lambda s: cost[id(s)])
                inside = [s for s in inside if s is not largest]
                own.add(id(largest))
                cost[id(step)] -= cost[id(largest)]
            many = self.recording.uses[id(step)] > 1 and not (view and not inside)
            of_named = any(o.primal.func == "argument" or id(o.primal) in own for o in step.origins)
            named = of_named or (step.label and step.label[0] < OURS)
            if many or named or step.func is scatter or isinstance(step.value, (tuple, list)):
                own.add(id(step))
        return own

    def in_place(self) -> dict[int, Symbol]:
        """Arrays that nothing else needs, by what is added to some of their entries in place."""
        steps = [s for s in self.recording.needed if type(s) is Symbol and s.func is scatter]
        bases = [(s.args[0], s) for s in steps if type(s.args[0]) is Symbol]
        return {id(b): s for b, s in bases if self.recording.uses[id(b)] == 1 and is_fresh(b)}

    # Names.

    def name_steps(self) -> None:
        """Names for everything with a line, in the order of the lines; what is changed in place keeps its name."""
        for step in self.recording.needed:
            if id(step) not in self.lines:
                continue
            x: Any = step.args[0] if step.func in (np.float64, astype, scatter) else None
            same = type(x) is Symbol and id(x) in self.names and self.recording.uses[id(x)] == 1
            if same and (id(x) in self.into or x.func == "argument"):
                self.names[id(step)] = self.names[id(x)]
            else:
                self.names[id(step)] = self.free_name(self.wanted_name(step))

    def wanted_name(self, step: Symbol) -> str:
        """What the user calls it; d_h for the adjoint of h, h_dot for its tangent; exp_z; else a letter."""
        while id(step) in self.into:
            step = self.into[id(step)]
        if step.label is not None:
            return step.label[1]
        origin = self.origin(step)
        if origin is not None:
            return derivative_name(origin.kind, self.names[id(origin.primal)])
        operand = self.names.get(id(step.args[0]), "") if len(symbols(step.args)) == 1 else ""
        if operand and step.func is operator.getitem and type(step.args[1]) is int:
            return f"{operand}{step.args[1]}"
        short = getattr(step.func, "__name__", "")
        if operand and len(f"{short}_{operand}") <= 10 and short.isalnum() and step.func not in INFIX:
            return f"{short}_{operand}"
        return {"adjoint": "g1", "tangent": "t1"}[step.origins[0].kind] if step.origins else "u1"

    def origin(self, step: Symbol) -> Origin | None:
        """What a step is the adjoint, or the tangent, of: rather a variable, or an argument, than a step in between."""

        def rank(origin: Origin) -> int:
            label = origin.primal.label
            return 0 if label and label[0] < OURS else 1 if self.is_argument(origin.primal) else 2

        return min((o for o in step.origins if id(o.primal) in self.names), key=rank, default=None)

    def is_argument(self, x: Symbol) -> bool:
        """Whether x is an argument, as it came or as the number it stands for."""
        return self.names.get(id(x)) in self.recording.names

    def free_name(self, wanted: str) -> str:
        """The name, or with a number behind it if it is taken."""
        wanted = wanted if wanted.isidentifier() else "u1"
        stem = wanted[0] if wanted in ("u1", "g1", "t1") else f"{wanted}_"
        name = wanted
        while name in self.taken:
            self.counts[stem] += 1
            name = f"{stem}{self.counts[stem]}"
        self.taken.add(name)
        return name

    # Expressions.

    def text(self, x: Any, tight: int = 0) -> str:
        """An operand; in parentheses if it binds less tightly than its place demands."""
        if type(x) is Symbol and x.func is not None:
            written, binds = (self.names[id(x)], CALL) if id(x) in self.names else self.expression(x)
        else:
            written, binds = self.constant(x.value if type(x) is Symbol else x)
        return f"({written})" if binds < tight else written

    def expression(self, x: Symbol) -> tuple[str, int]:
        """The right-hand side of a step, and how tightly it binds."""
        func, args, out = x.func, x.args, self.buffers.get(id(x))
        if out:
            return f"{path(UFUNCS.get(func, func))}({', '.join(map(self.text, args))}, out={out})", CALL
        if func in INFIX:
            sign, binds = INFIX[func]
            apart = sign == "**" or self.mixes(args[0], sign)  # nobody remembers what @ and * do to each other
            left, right = self.text(args[0], binds + apart), self.text(args[1], binds + 1)
            return (f"{left}**{right}" if sign == "**" else f"{left} {sign} {right}"), binds
        if func in PREFIX:
            return PREFIX[func] + self.text(args[0], TIGHT), TIGHT
        return self.call(x), CALL

    def mixes(self, x: Any, sign: str) -> bool:
        """Whether x would be written with another product sign than this, without parentheses."""
        within, binds = INFIX.get(x.func, ("", 0)) if type(x) is Symbol and id(x) not in self.names else ("", 0)
        return binds == 4 and (within == "@") != (sign == "@")

    def call(self, x: Symbol) -> str:
        """A call of a NumPy function, or what people write in its place."""
        func, args, axes = x.func, x.args, tuple(range(x.ndim)) if x.func is np.transpose else ()
        behind = ""
        if func is operator.getitem:
            behind = f"[{self.index(args[1])}]"
        elif func is astype:
            behind = f".astype({self.literal(args[1])})"
        elif axes and args[1] == axes[::-1]:
            behind = ".T"
        elif axes and args[1] == (*axes[:-2], axes[-1], axes[-2]):
            behind = ".mT"
        elif is_reshaped(x):
            behind = f"[{new_axis(x)}]" if new_axis(x) else f".reshape({', '.join(map(str, x.shape)) or '()'})"
        if behind:
            return self.text(args[0], CALL) + behind
        if self.compiled and func in REDUCERS and len(args) == 1 and x.kwargs.keys() <= {"axis"}:
            return f"{REDUCERS[func]}({self.text(args[0])}, {x.kwargs.get('axis')})"
        words = [self.text(a) for a in args] + [f"{k}={self.text(v)}" for k, v in x.kwargs.items()]
        return f"{'sigmoid' if func is sigmoid else known_path(func)}({', '.join(words)})"

    def index(self, index: Any) -> str:
        """What stands between brackets."""
        if isinstance(index, tuple) and index:
            return ", ".join(map(self.index, index)) + ("," if len(index) == 1 else "")
        if isinstance(index, slice):
            start, stop, step = ("" if b is None else str(b) for b in (index.start, index.stop, index.step))
            return f"{start}:{stop}" + (f":{step}" if step else "")
        return "..." if index is Ellipsis else self.text(index)

    # Constants.

    def constant(self, x: Any) -> tuple[str, int]:
        """A constant, and how tightly it binds; 0.015625 is written as 1 / 64."""
        if type(x) is float and len(repr(abs(x))) > 5 and 1e-6 < abs(x) < 4:
            for m in (1, 2, 3, 4):
                n = round(m / abs(x))
                if n > 1 and m / n == abs(x):
                    return f"{'-' * (x < 0)}{m} / {n}", 4
        written = self.literal(x)
        return written, TIGHT if written.startswith("-") else CALL

    def literal(self, x: Any) -> str:
        """A constant as Python writes it."""
        if isinstance(x, np.ndarray):
            return self.array(x)
        if isinstance(x, (list, tuple)):
            inside = ", ".join(map(self.text, x))
            return f"[{inside}]" if isinstance(x, list) else f"({inside}{',' * (len(x) == 1)})"
        if isinstance(x, np.generic):
            return f"np.{x.dtype.name}({self.literal(x.item())})" if x.dtype.kind in "fiu" else repr(x.item())
        if isinstance(x, float) and not math.isfinite(x):
            return "np.nan" if math.isnan(x) else "-np.inf" if x < 0 else "np.inf"
        if isinstance(x, np.dtype) or (isinstance(x, type) and issubclass(x, (np.generic, float, int))):
            return f"np.{np.dtype(x).name}"
        if x is None or x is Ellipsis or isinstance(x, (int, float, str, slice)):
            return repr(x)
        raise RefusalError(f"a {type(x).__name__} is part of the computation, and cannot be written as code.")

    def array(self, x: Any) -> str:
        """A constant array: by how it can be made, or by its name."""
        if not self.compiled and x.size != 1 and x.dtype.kind in "fiub":
            shape = x.shape[0] if x.ndim == 1 else x.shape
            makers = [f"zeros({shape}", f"ones({shape}"]
            if x.ndim == 1 and x.dtype.kind != "b":
                makers.append(f"arange({x.size}")
            if x.ndim == 2:
                makers.append(f"eye({x.shape[0]}" if len(set(x.shape)) == 1 else f"eye({x.shape[0]}, {x.shape[1]}")
            if x.size:
                makers.append(f"full({shape}, {self.literal(x.flat[0].item())}")
            for text in [f"np.{maker}{dtype})" for maker in makers for dtype in ("", dtype_word(x))]:
                made = eval(text, {"np": np})
                if (made.shape, made.dtype, made.tobytes()) == (x.shape, x.dtype, x.tobytes()):
                    return text
        for _, held in self.recording.program.names.values():
            if x.base is held and x.ndim > 1 and x.shape == held.shape[::-1] and x.strides == held.strides[::-1]:
                return f"{self.array(held)}.T"
        for name, held in self.constants.items():
            if identity(held) == identity(x):
                return name
        name = self.free_name(self.recording.program.names.get(id(x), ("c", x))[0])
        self.constants[name] = x
        return name

    # Statements.

    def body(self) -> list[str]:
        """The lines of the function, without the first and the last."""
        lines: list[str] = []
        for step in self.recording.needed:
            if isinstance(step, Guard):
                lines += self.guard(step)
            elif id(step) in self.lines:
                origin = None if step.label or self.is_argument(step) else self.origin(step)
                lines += commented(self.statement(step), origin.explain if origin and self.comments else "")
        return lines if self.compiled else lines + self.passed_on()

    def passed_on(self) -> list[str]:
        """Lines that say of what argument the adjoint of a variable is the adjoint too."""
        lines = []
        outputs = symbols(self.recording.outputs)
        for s in outputs:
            arguments = [o for o in s.origins if self.is_argument(o.primal)]
            if len(arguments) == 1 == sum(s is other for other in outputs) and id(s) in self.lines:
                name = derivative_name(arguments[0].kind, self.names[id(arguments[0].primal)])
                if name not in self.taken:
                    lines.append(f"{self.free_name(name)} = {self.names[id(s)]}")
                    self.names[id(s)] = name
        return lines

    def statement(self, step: Symbol) -> list[str]:
        """One line, or the two of an array to whose entries something is added."""
        name = self.names[id(step)]
        if step.func is not scatter:
            return fitted(f"{name} = ", self.expression(step)[0])
        base, x, index, shape = step.args
        lines = []
        if base is None:
            lines = [f"{name} = np.zeros({shape[0] if len(shape) == 1 else shape}{dtype_word(step)})"]
        elif id(base) not in self.names or self.names[id(base)] != name:
            text = self.text(base, CALL)
            ours = id(base) in self.into or (base.func is None and text not in self.constants)
            lines = fitted(f"{name} = ", self.text(base) if ours else f"{text}.copy()")
        c = number(x)
        minus = c is not None and c < 0
        if type(x) is Symbol and x.func is operator.neg and id(x) not in self.names:
            minus, x = True, x.args[0]
        added = self.text(x) if c is None else self.text(abs(c))
        if not names_entries_once(index, shape):
            parts = index if isinstance(index, tuple) else (index,)
            plainly = all(type(part) is Symbol or isinstance(part, (int, np.ndarray, list)) for part in parts)
            where = self.text(index) if plainly else f"np.s_[{self.index(index)}]"
            return [*lines, *fitted("", f"np.add.at({name}, {where}, {'-' * minus}{added})")]
        sign = "=" if base is None and not minus else "-=" if minus else "+="
        return [*lines, *fitted(f"{name}[{self.index(index)}] {sign} ", added)]

    def guard(self, guard: Guard) -> list[str]:
        """Refuse where Python would have been told something else."""
        what, refusal = self.text(guard.symbol, 2 * (guard.how == "value")), OTHER_BRANCH
        test = f"{what if guard.how == 'value' else f'np.shape({what})'} != {self.literal(guard.answer)}"
        if guard.how == "bool":
            test = f"not {self.text(guard.symbol, TIGHT)}" if guard.answer else what
        elif guard.how == "value" and what.isidentifier():
            refusal = f'raise ValueError("written for {what} = {guard.answer!r}")'
        return [f"if {test}:", f"    {refusal}"]

    def returned(self) -> str:
        """What is returned: arrays of the caller's own, whatever happens to the arguments and to later calls."""
        given: set[int] = set()

        def nested(x: Any) -> str:
            if type(x) is dict:
                return "{" + ", ".join(f"{k!r}: {nested(v)}" for k, v in x.items()) + "}"
            if type(x) is list or issubclass(type(x), tuple):
                inside = ", ".join(map(nested, x))
                return f"[{inside}]" if type(x) is list else f"({inside}{',' * (len(x) == 1)})"
            if type(x) is not Symbol or x.func is None:
                return self.text(x) + ".copy()" * (self.text(x).removesuffix(".T") in self.constants)
            shared = isinstance(x.value, np.ndarray) and (not is_fresh(x) or id(x) in given)
            given.add(id(x))
            return self.text(x, CALL) + ".copy()" if shared else self.text(x)

        outputs = self.recording.outputs
        return nested(outputs)[1:-1] if type(outputs) is tuple and len(outputs) > 1 else nested(outputs)


def derivative_name(kind: str, name: str) -> str:
    """The name of an adjoint or a tangent."""
    return f"d_{name}" if kind == "adjoint" else f"{name}_dot"


def dtype_word(x: Any) -> str:
    """The dtype as a further argument, where it goes without saying."""
    return "" if x.dtype == np.float64 else f", dtype=np.{x.dtype.name}"


def is_fresh(x: Symbol) -> bool:
    """Whether a step makes an array of its own, not possibly a view of another."""
    return x.func in FRESH or isinstance(x.func, np.ufunc) or (x.func is np.einsum and len(x.args) > 2)


def names_entries_once(index: Any, shape: tuple[int, ...]) -> bool:
    """Whether an index certainly names no entry twice, whatever the arguments."""
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [p for p in parts if isinstance(p, (np.ndarray, list)) and np.ndim(plain(p))]
    if not arrays or (len(parts) == 1 and np.asarray(plain(parts[0])).dtype.kind == "b"):
        return True
    if not symbols(index):
        places = np.arange(math.prod(shape)).reshape(shape)[index]
        return bool(np.unique(places).size == places.size)
    # Rows 0, 1, 2, ... each once: then it does not matter which columns.
    told = [np.asarray(p) for p in arrays if not symbols(p)]
    flat = all(np.ndim(plain(p)) == 1 for p in arrays) and all(p.dtype.kind in "iu" for p in told)
    return flat and any(np.all(p >= 0) and np.unique(p).size == p.size > 1 for p in told)


def fitted(head: str, expression: str) -> list[str]:
    """head + expression, in parentheses on several lines if one is too short."""
    if len(head + expression) <= WIDTH - 4:
        return [head + expression]
    inside = expression[1:-1] if head.endswith("np.array") or head.startswith("def ") else expression
    wrapped = textwrap.wrap(inside, WIDTH - 8, break_long_words=False, break_on_hyphens=False)
    return [f"{head}(", *(f"    {line}" for line in wrapped), ")"]


def commented(lines: list[str], comment: str) -> list[str]:
    """The lines with a comment: behind the last one, or above."""
    if comment and len(lines[-1]) + len(comment) + 8 <= WIDTH:
        return [*lines[:-1], f"{lines[-1]}  # {comment}"]
    return [*(f"# {line}" for line in textwrap.wrap(comment, WIDTH - 6)), *lines]


def new_axis(x: Symbol) -> str:
    """The index that does what a reshape does, if that only puts in axes of length 1: people write x[:, None]."""
    if not is_reshaped(x) or not x.args[0].shape or not x.size:
        return ""
    parts, rest = [], x.args[0].shape
    for n in x.shape:
        kept = rest[:1] == (n,)
        parts.append(":" if kept else "None")
        rest = rest[kept:]
    return ", ".join(parts) if "None" in parts and not rest else ""


def known_path(func: Any) -> str:
    """The name under which `np` has this function. Raises RefusalError if it has not."""
    written = path(func)
    found: Any = np
    for part in written.split(".")[1:]:
        found = getattr(found, part, None)
    if found is not func:
        raise RefusalError(f"{written} is not NumPy's, so code that imports NumPy alone cannot call it.")
    return written


def checks(recording: Recording) -> list[str]:
    """The lines that refuse arguments of other shapes, and other choices."""
    pairs = list(zip(recording.names, recording.args, strict=True))
    arrays = {n: np.shape(a) for n, a in pairs if type(a) not in CHOICES}
    asked = [f"{n}.shape" if shape else f"np.shape({n})" for n, shape in arrays.items()]  # a list has no shape
    lines = []
    if len(arrays) == 1:
        lines = [f"if {asked[0]} != {shape}:" for shape in arrays.values()]
    elif arrays:
        lines = fitted("shapes = ", f"[{', '.join(asked)}]")
        lines += fitted("if shapes != ", str(list(arrays.values())))
        lines[-1] += ":"
    lines += ['    raise ValueError("written for arguments of other shapes")'] * bool(arrays)
    for n, a in pairs:
        if type(a) in CHOICES:
            lines += [f"if {n} != {a!r}:", f'    raise ValueError("written for another {n}")']
    return lines
