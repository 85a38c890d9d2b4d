"""A recording written out as NumPy: names, expressions, statements.

One line for everything that has a name, is used twice or would make a line long; see docs/code.md.
"""

from __future__ import annotations

import builtins
import contextlib
import inspect
import keyword
import math
import operator
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from autodiff.symbols import (
    OPERATORS,
    OURS,
    Guard,
    Origin,
    Program,
    Symbol,
    Watch,
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


# --- recording -------------------------------------------------------------------------------------------------------


class Recording:
    """The steps of f at an example, and what it returned."""

    def __init__(self, f: Callable[..., Any], args: Sequence[Any], names: Sequence[str]) -> None:
        self.program, self.args = Program(), args
        self.names: list[str] = []
        for name in names:
            while name in RESERVED or name in self.names:
                name += "_"
            self.names.append(name)
        given = zip(args, self.names, strict=True)
        self.symbols = [a if type(a) in CHOICES else self.program.argument(n, taken(a, n)) for a, n in given]
        named_constants(f, self.program.names, 3)
        with Watch(self.program), np.errstate(all="ignore"):
            self.outputs = f(*self.symbols)
        self.needed, self.uses = self.reached()

    def reached(self) -> tuple[list[Any], Counter[int]]:
        """The steps that outputs and guards need, in order, and how often each symbol is used."""
        uses: Counter[int] = Counter(id(s) for s in symbols(self.outputs))
        needed: list[Any] = []
        for step in reversed(self.program.steps):
            if isinstance(step, Guard) or uses[id(step)]:
                needed.append(step)
                used = [step.symbol] if isinstance(step, Guard) else symbols((step.args, step.kwargs))
                uses.update(map(id, used))
        return needed[::-1], uses


RESERVED = {"np", "pool", "buffers", "order", "shapes", "sigmoid", *keyword.kwlist, *dir(builtins)}
CHOICES = {type(None), str, bool}  # arguments that are no arrays but choices, which the code is for


def taken(a: Any, name: str) -> Any:
    """An argument that can be a symbol."""
    if type(a) is np.ndarray or isinstance(a, (np.generic, int, float)):
        return a
    raise RefusalError(
        f"argument {name} is a {type(a).__name__}. Code is written for arrays and numbers as separate arguments:\n"
        "pass np.array(...) for a list, and the entries of a tuple or dict one by one."
    )


def parameters(f: Callable[..., Any], count: int) -> list[str]:
    """The names of the first arguments of f, looking through grad and its kin at the function inside."""
    try:
        found = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        found = []
    names = [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    inside = [] if names else [held for _, held in surroundings(f) if callable(held)]
    return parameters(inside[0], count) if inside else (names + [f"x{i}" for i in range(count)])[:count]


def surroundings(f: Any) -> Iterator[tuple[str, Any]]:
    """The variables around a function that it refers to, and what they hold."""
    code = getattr(f, "__code__", None)
    for name, cell in zip(code.co_freevars, f.__closure__ or (), strict=True) if code else ():
        with contextlib.suppress(ValueError):  # nothing yet
            yield name, cell.cell_contents


def named_constants(f: Any, names: dict[int, tuple[str, Any]], depth: int) -> None:
    """What f, and the functions it refers to, call the arrays they refer to."""
    around = getattr(f, "__globals__", {})
    outer = [(n, around[n]) for n in f.__code__.co_names if n in around] if around and depth else []
    for name, held in (*surroundings(f), *outer) if depth else ():
        if type(held) is np.ndarray:
            names.setdefault(id(held), (name, held))
        elif inspect.isfunction(held) and not str(held.__module__).startswith("numpy"):
            named_constants(held, names, depth - 1)


# --- writing ---------------------------------------------------------------------------------------------------------


class Writer:
    """A recording as text."""

    def __init__(self, recording: Recording, name: str, comments: bool = False, buffered: bool = False) -> None:
        self.recording, self.comments, self.buffered = recording, comments, buffered
        self.constants: dict[str, Any] = {}  # by name
        self.names: dict[int, str] = {}
        self.taken = {*RESERVED, *recording.names, name}
        self.counts: Counter[str] = Counter()  # of names with a number behind
        self.names |= {id(s): n for s, n in zip(recording.symbols, recording.names, strict=True)}
        self.lines = self.own_lines()
        self.into = self.in_place()
        self.name_steps()
        self.buffers: dict[int, str] = {}
        self.shapes: dict[str, Any] = {}  # of the buffers, by name

    def own_lines(self) -> set[int]:
        """The steps that get a line: named, used twice, an adjoint, or too much for the line of their only user."""
        own: set[int] = set()
        cost: dict[int, int] = {}
        for step in self.recording.needed:
            if isinstance(step, Guard):
                continue
            inside = [s for s in symbols((step.args, step.kwargs)) if id(s) in cost and id(s) not in own]
            free = not inside and (step.func in FREE or new_axis(step))
            cost[id(step)] = (0 if free else 1) + sum(cost[id(s)] for s in inside)
            while cost[id(step)] > NESTED and inside:
                largest = max(inside, key=lambda s: cost[id(s)])
                inside = [s for s in inside if s is not largest]
                own.add(id(largest))
                cost[id(step)] -= cost[id(largest)]
            view = step.func is np.transpose or bool(new_axis(step))
            many = self.recording.uses[id(step)] > 1 and not (view and not inside)
            told = (step.label and step.label[0] < OURS) or any(
                o.primal.func == "argument" or id(o.primal) in own for o in step.origins
            )
            if many or told or step.func is scatter or isinstance(step.value, (tuple, list)):
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
            x: Any = step.args[0] if step.func in (np.float64, astype, operator.getitem, scatter) else None
            same = type(x) is Symbol and id(x) in self.names and self.recording.uses[id(x)] == 1
            if same and (id(x) in self.into or (x.func == "argument" and step.func is not operator.getitem)):
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
            name = self.names[id(origin.primal)]
            return f"d_{name}" if origin.kind == "adjoint" else f"{name}_dot"
        if step.func is operator.getitem and type(step.args[1]) is int and id(step.args[0]) in self.names:
            return f"{self.names[id(step.args[0])]}{step.args[1]}"
        short = getattr(step.func, "__name__", "")
        operand = self.names.get(id(step.args[0]), "") if len(symbols(step.args)) == 1 else ""
        if operand and len(f"{short}_{operand}") <= 10 and short.isalnum() and step.func not in INFIX:
            return f"{short}_{operand}"
        return {"adjoint": "g1", "tangent": "t1"}.get(step.origins[0].kind if step.origins else "", "v1")

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
        wanted = wanted if wanted.isidentifier() else "v1"
        stem = wanted.rstrip("0123456789") if wanted in ("v1", "g1", "t1") else f"{wanted}_"
        name = wanted
        while name in self.taken:
            self.counts[stem] += 1
            name = f"{stem}{self.counts[stem]}"
        self.taken.add(name)
        return name

    # Expressions.

    def text(self, x: Any, tight: int = 0) -> str:
        """An operand; in parentheses if it binds less tightly than its place demands."""
        if type(x) is not Symbol:
            written, binds = fraction(x) if type(x) is float else ("", 0)
            written, binds = (written, binds) if written else (self.literal(x), CALL)
            return f"({written})" if binds < tight or (written.startswith("-") and tight > TIGHT) else written
        if x.func is None:
            return self.literal(x.value)
        if id(x) in self.names:
            return self.names[id(x)]
        written, binds = self.expression(x)
        return f"({written})" if binds < tight else written

    def expression(self, x: Symbol) -> tuple[str, int]:
        """The right-hand side of a step, and how tightly it binds."""
        func, args = x.func, x.args
        out = self.buffers.get(id(x))
        if out and (func in UFUNCS or isinstance(func, np.ufunc)):
            return f"{path(UFUNCS.get(func, func))}({', '.join(map(self.text, args))}, out={out})", CALL
        if func in INFIX:
            sign, binds = INFIX[func]
            apart = sign == "**" or self.mixes(args[0], sign)  # nobody remembers what @ and * do to each other
            left, right = self.text(args[0], binds + apart), self.text(args[1], binds + 1)
            return (f"{left}**{right}" if sign == "**" else f"{left} {sign} {right}"), binds
        if func in PREFIX:
            return PREFIX[func] + self.text(args[0], TIGHT), TIGHT
        if func is operator.getitem:
            return f"{self.text(args[0], CALL)}[{self.index(args[1])}]", CALL
        if func is astype:
            return f"{self.text(args[0], CALL)}.astype({self.literal(args[1])})", CALL
        return self.called(x), CALL

    def mixes(self, x: Any, sign: str) -> bool:
        """Whether x would be written with another product sign than this, without parentheses."""
        within, binds = INFIX.get(x.func, ("", 0)) if type(x) is Symbol and id(x) not in self.names else ("", 0)
        return binds == 4 and (within == "@") != (sign == "@")

    def called(self, x: Symbol) -> str:
        """A call of a NumPy function, some by the names people know better."""
        func, args, kwargs = x.func, x.args, x.kwargs
        if func is np.transpose and args[1] == tuple(range(x.ndim))[::-1]:
            return f"{self.text(args[0], CALL)}.T"
        if func is np.transpose and args[1] == (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2):
            return f"{self.text(args[0], CALL)}.mT"
        if new_axis(x):
            return f"{self.text(args[0], CALL)}[{new_axis(x)}]"
        if is_reshaped(x):
            return f"{self.text(args[0], CALL)}.reshape({', '.join(map(str, x.shape)) or '()'})"
        if func is sigmoid:
            return f"sigmoid({self.text(args[0])})"
        if self.buffered and func in REDUCERS and len(args) == 1 and kwargs.keys() <= {"axis"}:
            return f"{REDUCERS[func]}({self.text(args[0])}, {kwargs.get('axis')})"
        words = [self.text(a) for a in args] + [f"{k}={self.text(v)}" for k, v in kwargs.items()]
        return f"{known_path(func)}({', '.join(words)})"

    def index(self, index: Any) -> str:
        """What stands between brackets."""
        if isinstance(index, tuple) and index:
            return ", ".join(map(self.index, index)) + ("," if len(index) == 1 else "")
        if isinstance(index, slice):
            start, stop, step = ("" if b is None else str(b) for b in (index.start, index.stop, index.step))
            return f"{start}:{stop}" + (f":{step}" if step else "")
        return "..." if index is Ellipsis else self.text(index)

    # Constants.

    def literal(self, x: Any) -> str:
        """A constant as Python writes it."""
        if isinstance(x, np.ndarray):
            return self.named_array(x) if self.buffered else self.array(x)
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
        """A constant array: by how it can be made, or by its name after it has been written out once."""
        kind = "" if x.dtype == np.float64 else f", dtype={self.literal(x.dtype)}"
        shape = str(x.shape[0] if x.ndim == 1 else x.shape)
        entry = number(x) if x.size else 0
        if entry is not None and x.size != 1:
            if entry in (0, 1):
                return f"np.{'ones' if entry else 'zeros'}({shape}{kind})"
            return f"np.full({shape}, {self.literal(x.flat[0].item())}{kind})"
        if x.dtype in (np.int64, np.float64) and x.size > 2 and np.array_equal(x, np.arange(x.size)):
            return f"np.arange({self.literal(x.dtype.type(x.size).item())})"
        if x.ndim == 2 and x.size > 1 and np.array_equal(x, np.eye(*x.shape)):
            return f"np.eye({x.shape[0]}{'' if x.shape[0] == x.shape[1] else f', {x.shape[1]}'}{kind})"
        return self.named_array(x)

    def named_array(self, x: Any) -> str:
        """The name of a constant array; equal ones are one."""
        for _, held in self.recording.program.names.values():
            if x.base is held and x.ndim > 1 and x.shape == held.shape[::-1] and x.strides == held.strides[::-1]:
                return f"{self.array(held)}.T"
        for name, held in self.constants.items():
            if held is x or identity(held) == identity(x):
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
                origin = self.origin(step)
                lines += commented(self.statement(step), origin.explain if origin and self.comments else "")
        return lines + self.passed_on()

    def passed_on(self) -> list[str]:
        """Lines that say of what argument the adjoint of a variable is the adjoint too."""
        lines = []
        outputs = Counter(id(s) for s in symbols(self.recording.outputs) if id(s) in self.lines)
        for s in symbols(self.recording.outputs):
            arguments = [self.names[id(o.primal)] for o in s.origins if self.is_argument(o.primal)]
            if len(arguments) == 1 == outputs[id(s)] and not self.buffered:
                name = f"d_{arguments[0]}" if s.origins[0].kind == "adjoint" else f"{arguments[0]}_dot"
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
            dtype = "" if step.dtype == np.float64 else f", dtype={self.literal(step.dtype)}"
            lines = [f"{name} = np.zeros({shape[0] if len(shape) == 1 else shape}{dtype})"]
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
            where = f"np.s_[{self.index(index)}]" if not plainly else self.text(index)
            return [*lines, *fitted("", f"np.add.at({name}, {where}, {'-' * minus}{added})")]
        sign = "=" if base is None and not minus else "-=" if minus else "+="
        return [*lines, *fitted(f"{name}[{self.index(index)}] {sign} ", added)]

    def guard(self, guard: Guard) -> list[str]:
        """Refuse where Python would have been told something else."""
        what = self.text(guard.symbol)
        if guard.how == "bool":
            test = f"not {self.text(guard.symbol, TIGHT)}" if guard.answer else what
        else:
            test = f"{what if guard.how == 'index' else f'np.shape({what})'} != {guard.answer!r}"
        return [f"if {test}:", f"    raise {OTHER_BRANCH}"]

    def returned(self) -> str:
        """What is returned: arrays of the caller's own, whatever happens to the arguments and to later calls."""
        given: set[int] = set()

        def leaf(x: Any) -> str:
            if type(x) is not Symbol or x.func is None:
                return self.text(x) + ".copy()" * (self.text(x) in self.constants)
            shared = isinstance(x.value, np.ndarray) and (not is_fresh(x) or id(x) in given)
            given.add(id(x))
            return self.text(x, CALL) + ".copy()" if shared else self.text(x)

        def nested(x: Any) -> str:
            if type(x) is dict:
                return "{" + ", ".join(f"{k!r}: {nested(v)}" for k, v in x.items()) + "}"
            if type(x) not in (list, tuple):
                return leaf(x)
            inside = ", ".join(map(nested, x))
            return f"[{inside}]" if type(x) is list else f"({inside}{',' * (len(x) == 1)})"

        outputs = self.recording.outputs
        return nested(outputs)[1:-1] if type(outputs) is tuple and len(outputs) > 1 else nested(outputs)


SIGMOID = '''def sigmoid(x):
    """1 / (1 + exp(-x)), for large |x| too."""
    return np.exp(-np.logaddexp(0, -x))


'''
OTHER_BRANCH = 'ValueError("written for another branch than these arguments take")'


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
    if not comment:
        return lines
    if len(lines[-1]) + len(comment) + 8 <= WIDTH:
        return [*lines[:-1], f"{lines[-1]}  # {comment}"]
    return [*(f"# {line}" for line in textwrap.wrap(comment, WIDTH - 6)), *lines]


def fraction(x: float) -> tuple[str, int]:
    """The constant 0.015625 as 1 / 64, and how tightly that binds; nothing for what is shorter as it is."""
    if len(repr(abs(x))) > 5 and math.isfinite(x):
        for m in (1, 2, 3, 4):
            n = round(m / abs(x)) if abs(x) > 1e-9 else 0
            if 1 < n < 2**20 and m / n == abs(x):
                return f"{'-' * (x < 0)}{m} / {n}", 4
    return "", 0


def new_axis(x: Symbol) -> str:
    """The index that does what a reshape does, if that only puts in axes of length 1: people write x[:, None]."""
    if not is_reshaped(x) or not x.args[0].shape:
        return ""
    parts, rest = [], list(x.args[0].shape)
    for n in x.shape:
        if rest and rest[0] == n:
            parts.append(":")
            rest.pop(0)
        elif n != 1:
            return ""
        else:
            parts.append("None")
    return "" if rest or x.ndim == x.args[0].ndim else ", ".join(parts)


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
    arrays = [(n, np.shape(a)) for n, a in pairs if type(a) not in CHOICES]
    lines = []
    if len(arrays) == 1:
        lines = [f"if np.shape({arrays[0][0]}) != {arrays[0][1]}:"]
    elif arrays:
        found = ", ".join(n for n, _ in arrays)
        lines += fitted("shapes = ", f"[np.shape(a) for a in ({found})]")
        lines += fitted("if shapes != ", str([shape for _, shape in arrays]))
        lines[-1] += ":"
    if arrays:
        lines.append('    raise ValueError("written for arguments of other shapes")')
    for n, a in pairs:
        if type(a) in CHOICES:
            lines += [f"if {n} != {a!r}:", f'    raise ValueError("written for another {n}")']
    return lines
