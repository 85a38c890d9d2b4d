"""A computation being written down: every NumPy call of a function, with its example value, as one list of steps.

A `Symbol` stands for an array further out than every derivative: rules, walks and the function itself compute with
symbols as with the plain arrays they stand for, and every NumPy call on one becomes a step. So the steps of grad(f)
are those of f and of its reverse walk, with the formulas of the table; forward mode and gradients of gradients come the
same way. Facts about values (comparisons, orders, indices) are steps too; where Python itself has to know one (an if, a
range, a data-dependent shape), what it was told becomes a `Guard`: the list is right only where the answer is the same.
An integer is a number where it is computed with, and guarded where it says what to do (an axis, a shape, a count).

Steps are simplified as they come (see `simpler`): the same step twice is one step, constants are folded where that
rounds nothing, and repeated terms are gathered (r + u + u is r + 2 u: the one rewrite that rounds differently).
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from autodiff.modes import lift, project
from autodiff.rule import TABLE, Custom, Elementwise, Linear, Multilinear, Reduction
from autodiff.rules import scatter as scattered
from autodiff.tape import FACTS, NEUTRAL, RefusalError, Traced, path, strip

# Python's operators, by the ufunc they call. np.power is not among them: x ** 2 is a square, np.power(x, 2) is not.
NAMES = "add add, subtract sub, multiply mul, divide truediv, matmul matmul, floor_divide floordiv, remainder mod, "
NAMES += "less lt, less_equal le, greater gt, greater_equal ge, equal eq, not_equal ne, negative neg, "
NAMES += "bitwise_and and_, bitwise_or or_, bitwise_xor xor, invert invert"
OPERATORS = {getattr(np, u): getattr(operator, o) for u, o in (pair.split() for pair in NAMES.split(","))}
ELEMENTWISE = {*OPERATORS.values(), np.where, np.maximum, np.minimum, np.logaddexp} - {operator.matmul}

# What depends on shapes and types alone is computed at once; what changes its argument cannot be written down.
OF_SHAPES = {np.zeros_like, np.ones_like, np.empty_like, np.shape, np.ndim, np.size, np.result_type, np.can_cast}
OF_SHAPES |= {np.iscomplexobj, np.isrealobj, np.shares_memory}
REDUCTIONS = {np.sum, np.prod, np.max, np.min, np.mean, np.all, np.any}
MUTATING = {np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis}
# They compute with all their operands; of other functions, an integer behind the first operand says what to do.
COMPUTING = {*ELEMENTWISE, operator.matmul, operator.pow, operator.getitem, np.clip, np.dot, np.result_type}
# Their results have shapes that depend on values; so may those of functions the table does not know.
DATA_SHAPED = {np.nonzero, np.flatnonzero, np.repeat, np.delete, np.resize, np.tile, np.pad}


def astype(x: Any, dtype: Any) -> Any:
    """x.astype(dtype)."""
    return x.astype(dtype)


def scatter(base: Any, x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Base (None for zeros) with x added at index; an entry that index names twice receives both."""
    added = scattered(x, index, shape)
    return added if base is None else base + added


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)), for large |x| too."""
    return np.exp(-np.logaddexp(0, -x))


class Origin(NamedTuple):
    """What a walk computed a symbol as: the adjoint or the tangent of another, by this rule."""

    kind: str
    primal: Symbol
    explain: str


class Guard(NamedTuple):
    """What Python was told about a symbol: how it asked ("bool", "value", "shape"), and the answer."""

    symbol: Symbol
    how: str
    answer: Any


def refused(self: Any, *args: Any, **kwargs: Any) -> Any:
    """What cannot be written down."""
    raise RefusalError(
        "x += 1, x[i] = 1, float(x), math.sin(x), np.asarray(x), x.item(), x.flat, round(x), f'{x}' and a[x] for a\n"
        "plain array a cannot be written down: they change an array, or take the numbers that x happens to be. Write\n"
        "x = x + 1, np.where, np.sin(x), np.ravel(x), np.round(x) or np.take(a, x, axis=0)."
    )


def told(function: Any, kinds: str = "fiub") -> Any:
    """The method that answers what Python asks a number of these kinds: the answer is relied on."""
    return lambda self, *args, **kwargs: function(self.known(kinds), *args, **kwargs)


class Symbol(NDArrayOperatorsMixin):
    """A step of a program: value = func(*args, **kwargs), and what it was at the example.

    To isinstance it is what it stands for: rules treat a Python number and an array differently.
    """

    level = 0  # further out than every derivative

    def __init__(self, program: Program, func: Any, args: Any, kwargs: Any, value: Any) -> None:
        self.program, self.func, self.args, self.kwargs, self.value = program, func, args, kwargs, value
        self.label: tuple[int, str] | None = None  # the depth of the frame that named it, and the name
        self.origins: list[Origin] = []

    __class__: Any = property(lambda self: type(self.value))
    shape = property(lambda self: np.shape(self.value))
    ndim = property(lambda self: np.ndim(self.value))
    size = property(lambda self: np.size(self.value))
    dtype = property(lambda self: np.asarray(self.value).dtype)

    def emit(self, rule: Any, args: Any, params: Any) -> Any:
        """An operation of the table, by the NumPy calls it consists of."""
        return rule.evaluate(*args, **params)

    def lifted(self, what: str) -> Any:
        """`modes.lift`: a floating-point array."""
        value = lift(self.value, what)
        if value is self.value:
            return self
        return self.astype(value.dtype) if self.ndim else self.program.add(type(value), (self,))

    def picked(self, x: Any, index: Any) -> Any:
        """`rules.picked`."""
        return self.program.add(operator.getitem, (x, index))

    def scattered(self, x: Any, index: Any, shape: tuple[int, ...]) -> Any:
        """`rules.scatter`."""
        return self.program.add(scatter, (None, x, index, shape))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(a, Traced) for a in inputs):
            return NotImplemented
        kwargs = {k: v for k, v in kwargs.items() if k not in NEUTRAL or v is not NEUTRAL[k]}
        if method == "reduce" and ufunc is np.add and kwargs.keys() <= {"axis", "keepdims"}:
            return self.program.add(np.sum, inputs, {"axis": 0, **kwargs})
        if method != "__call__":
            raise RefusalError(f"np.{ufunc.__name__}.{method}: write the array function, as np.max or np.cumsum.")
        if "out" in kwargs:
            refused(self)
        lists = {list, tuple, str}.intersection(map(type, inputs))
        if ufunc is np.multiply and lists and not self.ndim and self.dtype.kind in "iu":
            return operator.mul(*map(settled, inputs))  # a list, n times
        return self.program.add(ufunc, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(t, Traced) for t in types):
            return NotImplemented
        if func in OF_SHAPES:
            args, kwargs = decided(func, args, kwargs)
            value = func(*plain(args), **plain(kwargs))
            return self.program.constant(value) if func is np.ones_like else value
        if func in MUTATING or kwargs.get("out") is not None:
            refused(self)
        return self.program.add(func, args, kwargs)

    def __pow__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, Traced) else self.program.add(operator.pow, (self, other))

    def __rpow__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, Traced) else self.program.add(operator.pow, (other, self))

    def __getitem__(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        if any(isinstance(part, Traced) for part in parts):
            refused(self)
        # The bounds of a slice decide on a shape.
        known = [mapped(settled, part) if type(part) is slice else part for part in parts]
        return self.picked(self, tuple(known) if isinstance(index, tuple) else known[0])

    def astype(self, dtype: Any) -> Any:
        """As of an array."""
        return self.program.add(astype, (self, np.dtype(dtype)))

    def __bool__(self) -> bool:
        return bool(self.program.guarded(self, "bool", bool(self.value)))

    def known(self, kinds: str = "iub") -> Any:
        """The value of a 0-d array that Python, or NumPy, has to know; numbers of other kinds are refused."""
        if self.func is not None and (self.ndim or self.dtype.kind not in kinds):
            refused(self)
        self.program.guarded(self, "value", self.value if self.ndim else np.asarray(self.value).item())
        return self.value

    __hash__, __repr__, __str__, __format__ = map(told, (hash, repr, str, format))
    __index__, __int__, __float__, __array__ = (told(ask, "iub") for ask in (operator.index, int, float, np.array))

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    __complex__ = __setitem__ = __delitem__ = __round__ = refused
    item = tolist = fill = sort = put = resize = partition = is_integer = view = tobytes = byteswap = refused
    flat = nbytes = itemsize = strides = data = base = flags = property(refused)


BORROWED = "T mT reshape transpose sum mean prod max min var std clip round conj cumsum cumprod dot trace diagonal "
BORROWED += "repeat take ravel flatten swapaxes squeeze copy argmax argmin argsort any all conjugate real imag "
BORROWED += "__copy__ __deepcopy__ __divmod__ __rdivmod__"
for method_name in BORROWED.split():
    setattr(Symbol, method_name, vars(Traced)[method_name])


def settled(x: Any) -> Any:
    """An integer or boolean as NumPy has to know it: a bound of a slice, an axis, an entry of a shape."""
    return x.known() if type(x) is Symbol and not x.ndim and x.dtype.kind in "iub" else x


def decided(func: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The operands, with the integers known that are not computed with."""
    computed = len(args) if func in COMPUTING or isinstance(func, np.ufunc) else 2 if func is np.take else 1
    rest, kwargs = mapped(settled, (tuple(args[computed:]), kwargs))
    if (func is np.reshape or func in OF_SHAPES) and symbols((rest, kwargs)):
        raise RefusalError(f"{path(func)}: a shape s that is an array cannot be written down. Write tuple(s).")
    return (*args[:computed], *rest), kwargs


# --- operands --------------------------------------------------------------------------------------------------------


def mapped(function: Callable[[Any], Any], x: Any) -> Any:
    """The same nest of lists, tuples, slices and dicts, of function(leaf)."""
    if type(x) in (list, tuple) or hasattr(type(x), "_make"):
        return getattr(type(x), "_make", type(x))(mapped(function, e) for e in x)
    if type(x) is dict:
        return {k: mapped(function, e) for k, e in x.items()}
    if type(x) is slice:
        return slice(*(mapped(function, e) for e in (x.start, x.stop, x.step)))
    return function(x)


def plain(x: Any) -> Any:
    """The values in the place of symbols."""
    return mapped(lambda a: a.value if type(a) is Symbol else a, x)


def leaves(x: Any) -> list[Any]:
    """What a nest consists of, in order."""
    found: list[Any] = []
    mapped(found.append, x)
    return found


def symbols(x: Any) -> list[Symbol]:
    """The symbols among the leaves."""
    return [leaf for leaf in leaves(x) if type(leaf) is Symbol]


def identity(x: Any) -> str:
    """A key under which the same operands are found again: symbols and large arrays themselves, the rest by value."""

    def key(leaf: Any) -> Any:
        if type(leaf) is np.ndarray and leaf.size <= 64:
            return (leaf.shape, leaf.dtype, leaf.tobytes())
        return id(leaf) if type(leaf) in (np.ndarray, Symbol) else (type(leaf), repr(leaf))

    return repr(mapped(key, x))


def number(x: Any) -> int | float | None:
    """The Python number that a constant is throughout, or None."""
    value = x.value if type(x) is Symbol and x.func is None else x
    if type(value) is np.ndarray:
        value = value.flat[0] if value.size and (value == value.flat[0]).all() else None
    value = value.item() if issubclass(type(value), np.generic) else value
    if type(value) is float and value.is_integer() and abs(value) < 2**20 and (value or math.copysign(1, value) > 0):
        return int(value)
    return value if type(value) in (int, float) else None


def exact(a: float, b: float) -> bool:
    """Whether x * a * b is x * (a * b), to the last bit: one of them is a power of two."""
    return a * b != 0 and math.isfinite(a * b) and 0.5 in (abs(math.frexp(a)[0]), abs(math.frexp(b)[0]))


def is_known(x: Any) -> bool:
    """Whether x is constants, scattered: which is left as it is for what is added to it."""
    return type(x) is Symbol and x.func is scatter and x.args[0] is None and not any(s.func for s in symbols(x.args))


def is_reshaped(x: Any) -> bool:
    """Whether x is a reshape that keeps the order."""
    return type(x) is Symbol and x.func is np.reshape and len(x.args) == 2 and not x.kwargs


def is_led_by_ones(x: Symbol) -> bool:
    """Whether x is a reshape that only puts axes of length 1 in front, as broadcasting does by itself."""
    return is_reshaped(x) and x.shape == (1,) * (x.ndim - x.args[0].ndim) + x.args[0].shape


def is_vector(x: Any) -> bool:
    """Whether x is a vector made a row or a column."""
    return is_reshaped(x) and x.args[0].ndim == 1 and x.size == max(x.shape)


def alike(x: Any, value: Any) -> bool:
    """Whether symbol x has the shape and dtype of value."""
    return type(x) is Symbol and x.shape == np.shape(value) and x.dtype == np.asarray(value).dtype


def reshaping(index: Any, whole: bool) -> bool:
    """Whether an index only puts in or leaves out axes of length 1; `whole` says that it picks every entry."""
    parts = index if isinstance(index, tuple) else (index,)
    plainly = all(p is None or p is Ellipsis or (type(p) in (int, slice) and p in (0, slice(None))) for p in parts)
    return bool(whole and parts and plainly)


def data_shaped(func: Any, args: Any) -> bool:
    """Whether the shape of the result may depend on values."""
    if func is operator.getitem:
        return any(s.dtype.kind == "b" for s in symbols(args[1]))
    if func in DATA_SHAPED or (func is np.where and len(args) == 1):
        return True
    known = func in FACTS or func in TABLE or isinstance(func, (np.ufunc, type))
    return not known and getattr(func, "__module__", "") == "numpy"


# --- the list --------------------------------------------------------------------------------------------------------


class Program:
    """The steps of a computation and its guards, in the order in which they were met."""

    def __init__(self) -> None:
        self.steps: list[Symbol | Guard] = []
        self.seen: dict[Any, Any] = {}
        self.names: dict[int, tuple[str, Any]] = {}  # of constant arrays, by id; kept, so that ids stay theirs

    def constant(self, value: Any) -> Symbol:
        """A symbol for what does not depend on the arguments."""
        return Symbol(self, None, (), {}, value)

    def add(self, func: Any, args: Any, kwargs: Any = None) -> Any:
        """func(*args, **kwargs): a step, or the one that is the same; a tuple of them if it returns several arrays."""
        func, kwargs = OPERATORS.get(func, func), kwargs or {}
        args = mapped(lambda a: a.value if type(a) is Symbol and (id(a), "value") in self.seen else a, args)
        args, kwargs = (args, kwargs) if func is scatter else decided(func, args, kwargs)
        if func not in (operator.add, scatter):
            args = mapped(lambda a: self.constant(a.value) if is_known(a) else a, args)
        given, value = args, func(*plain(args), **plain(kwargs))
        func, args, kwargs = canonical(func, args, kwargs, value)
        if func is not scatter and all(s.func is None for s in symbols((args, kwargs))):
            return self.constant(value)
        if func in ELEMENTWISE:
            args = lighter(func, tuple(args), value)
        found: Any = placed(given[0], given[1], value) if func is operator.add else None
        found = simpler(self, func, args, kwargs, value) if found is None and args else found
        result = found if alike(found, value) else self.step(func, args, kwargs, value)
        if func is operator.add:
            pass_on_origins(result, *given)
        return self.parts(result) if isinstance(value, (tuple, list)) else result

    def step(self, func: Any, args: Any, kwargs: Any, value: Any) -> Symbol:
        """The step, or the earlier one that is the same."""
        key = (func, identity(args), identity(kwargs))
        if key not in self.seen:
            symbol = self.seen[key] = Symbol(self, func, args, kwargs, value)
            self.steps.append(symbol)
            if data_shaped(func, args) and not isinstance(value, (tuple, list)):
                self.guarded(symbol, "shape", symbol.shape)
        found: Symbol = self.seen[key]
        return found

    def parts(self, symbol: Symbol) -> Any:
        """The arrays of a step that returned several, as it returned them."""
        items = [self.step(operator.getitem, (symbol, i), {}, v) for i, v in enumerate(symbol.value)]
        if data_shaped(symbol.func, symbol.args):
            for item in items:
                self.guarded(item, "shape", item.shape)
        kind: Any = type(symbol.value)
        return kind._make(items) if hasattr(kind, "_make") else kind(items)

    def guarded(self, symbol: Symbol, how: str, answer: Any) -> Any:
        """The answer, which from here on the list relies on."""
        key = (id(symbol), how)
        if symbol.func is not None and key not in self.seen:
            self.seen[key] = answer
            self.steps.append(Guard(symbol, how, answer))
        return answer


def canonical(func: Any, args: Any, kwargs: dict[str, Any], value: Any) -> tuple[Any, Any, dict[str, Any]]:
    """One way to say it: reductions without what goes without saying, one reshape, one transpose, one sigmoid."""
    x = args[0] if args else None
    if type(x) is not Symbol or type(x.value) in (int, float):
        return func, args, kwargs
    same_size = not isinstance(value, (tuple, list)) and x.size == np.size(value)
    if func in REDUCTIONS and len(args) == 1 and kwargs.keys() <= {"axis", "keepdims"}:
        reshapes = same_size and x.ndim and func is np.sum and x.dtype.kind == "f"
        return (np.reshape, (x, np.shape(value)), {}) if reshapes else (func, args, reduction(x, **kwargs))
    order = (*args[1 if func is np.ravel else 2 :], kwargs.get("order", "C"))
    picks_all = func is operator.getitem and reshaping(args[1], same_size)
    if picks_all or func in (np.expand_dims, np.squeeze) or (func in (np.ravel, np.reshape) and {*order} == {"C"}):
        return np.reshape, (x, np.shape(value)), {}
    if func in (np.transpose, np.swapaxes, np.matrix_transpose):
        numbers = func(np.broadcast_to(0, range(2, 2 + x.ndim)), *args[1:], **kwargs).shape
        return np.transpose, (x, tuple(n - 2 for n in numbers)), {}
    if func is np.exp and x.func is operator.neg and type(x.args[0]) is Symbol and x.args[0].func is np.logaddexp:
        zero, z = x.args[0].args
        if number(zero) == 0 and type(z) is Symbol:
            return sigmoid, (z.program.add(operator.neg, (z,)),), {}
    return func, args, kwargs


def reduction(x: Symbol, axis: Any = None, keepdims: bool = False) -> dict[str, Any]:
    """The keywords of a reduction that say something."""
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    said: dict[str, Any] = {"keepdims": True} if keepdims else {}
    return said if len(axes) == x.ndim else {"axis": axes[0] if len(axes) == 1 else axes, **said}


# --- simplifications -------------------------------------------------------------------------------------------------


def lighter(func: Any, args: Any, value: Any) -> Any:
    """Operands with nothing but their shape to add: a constant array of equal entries, what was broadcast."""
    for i, a in enumerate(args):
        c = number(a)
        options = [] if c is None or type(a) is type(c) else [c] if type(a) is float else [c, float(c)]
        if type(a) is Symbol and (a.func is np.broadcast_to or is_led_by_ones(a)):
            options = [a.args[0]]
        for light in options:
            trial = (*args[:i], light, *args[i + 1 :])
            other = np.asarray(func(*plain(trial)))
            if other.shape == np.shape(value) and other.dtype == np.asarray(value).dtype:
                return lighter(func, trial, value)
    return args


def placed(a: Any, b: Any, value: Any) -> Any:
    """A scattered term, added where it belongs (a number has no places)."""
    for p, q in ((a, b), (b, a)) if np.ndim(value) else ():
        if type(q) is Symbol and q.func is scatter and q.args[0] is None and alike(p, value) and alike(q, value):
            return q.program.add(scatter, (p, *q.args[1:]))
    return None


def coefficient(x: Any) -> tuple[int | float, Any]:
    """(c, y) with x = c * y."""
    if type(x) is Symbol and x.func is operator.mul:
        for c, y in (x.args, x.args[::-1]):
            if type(c) in (int, float) and alike(y, x.value):
                return c, y
    return 1, x


def added(program: Program, a: Any, b: Any) -> Any:
    """Repeated terms as one with a factor; a + (-b) as a - b."""
    for (j, x), (k, y), rest in repeatable(a, b):
        if x is y and type(x) is Symbol:
            twice = program.add(operator.mul, (j + k, x))
            return twice if rest is None else program.add(operator.add, (rest, twice))
    for p, q in ((a, b), (b, a)):
        positive = negated(q)
        if positive is not None:
            return program.add(operator.sub, (p, positive))
    return None


def repeatable(a: Any, b: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Pairs of terms of a + b, as coefficients, and the third term if a or b is itself a sum."""
    yield coefficient(a), coefficient(b), None
    for p, q in ((a, b), (b, a)):
        if type(p) is Symbol and p.func is operator.add:
            for rest, term in (p.args, p.args[::-1]):
                yield coefficient(term), coefficient(q), rest


def simpler(program: Program, func: Any, args: Any, kwargs: dict[str, Any], value: Any) -> Any:
    """Another symbol of the same shape, dtype and bits (but for `added`), or None."""
    x, y = args[0], args[-1]
    if func is operator.add:
        return added(program, x, y)
    if func is operator.mul:
        for c, other in ((x, y), (y, x)):
            if type(c) in (int, float) and alike(other, value):
                return program.add(operator.neg, (other,)) if c == -1 else scaled(other, c)
            if type(c) is float and c == 1 and type(value) is np.float64:
                return program.add(np.float64, (other,))
    if func is operator.neg:
        return scaled(x, -1)
    if func is operator.sub and type(y) is Symbol and y.func is operator.neg:
        return program.add(operator.add, (x, y.args[0]))
    if func is operator.truediv and type(y) is int and y == 1 and settled(x) is not x:  # np.arange divides by its step
        return program.constant(value)
    if func is operator.truediv and type(y) in (int, float) and y and exact(y, 1 / y):
        return scaled(x, 1 / y)
    if func is operator.pow and type(y) is int and y in (0, 1):
        return x if y else program.constant(value)
    if func is operator.matmul and np.ndim(plain(x)) == 2 == np.ndim(plain(y)) and x.shape[1] == 1:
        return program.add(operator.mul, (x, y))  # a column times a row
    if func is operator.getitem and type(y) is tuple and not y and type(value) is type(x.value):
        return x
    if func is scatter and x is None and type(args[2]) is tuple and not args[2]:
        return args[1]
    if func is scatter and x is None and reshaping(args[2], np.size(plain(args[1])) == np.size(value)):
        return program.add(np.reshape, (args[1], np.shape(value)))
    if func is np.einsum:
        return without_ones(program, *args, **kwargs)
    return moved(func, x, args, value) if func in MOVES and kwargs.get("order", "C") == "C" else None


def without_ones(program: Program, subscripts: str, *operands: Any, **kwargs: Any) -> Any:
    """An einsum without a factor 1."""
    left, right = subscripts.split("->")
    kept = [(t, a) for t, a in zip(left.split(","), operands, strict=True) if t or number(a) != 1]
    if len(kept) == len(operands):
        return None
    return program.add(np.einsum, (",".join(t for t, _ in kept) + "->" + right, *(a for _, a in kept)), kwargs)


MOVES = {np.reshape, np.transpose, np.broadcast_to, np.copy, astype}


def moved(func: Any, x: Any, args: Any, value: Any) -> Any:
    """What changes nothing; two reshapes, or two transposes, in a row; a product with a column, as a vector."""
    if alike(x, value) and (func is not np.transpose or args[1] == tuple(range(x.ndim))):
        return x
    if func is np.transpose and x.func is func:
        return x.program.add(func, (x.args[0], tuple(x.args[1][i] for i in args[1])))
    if func is np.transpose and is_vector(x):
        return x.program.add(np.reshape, (x.args[0], np.shape(value)))
    if func is np.reshape and len(args) == 2 and is_reshaped(x):
        return x.program.add(func, (x.args[0], args[1]))
    if func is np.reshape and x.func is operator.matmul and np.ndim(value) == 1 and x.ndim == 2:
        a, b = x.args
        if x.shape[1] == 1 and is_vector(b):
            return x.program.add(operator.matmul, (a, b.args[0]))
        if x.shape[0] == 1 and is_vector(a):
            return x.program.add(operator.matmul, (a.args[0], b))
    return None


def scaled(x: Symbol, c: float, depth: int = 3) -> Any:
    """c * x with c taken into a constant factor of x, where that rounds nothing."""
    if c == 1:
        return x
    if x.func is operator.neg:
        return x.program.add(operator.mul, (number(-c), x.args[0]))
    if x.func not in (operator.mul, operator.truediv) or not depth:
        return None
    a, b = x.args
    pairs = ((a, b), (b, a))[: 2 if x.func is operator.mul else 1]
    for k, rest in pairs:
        if type(k) in (int, float) and (exact(c, k) if x.func is operator.mul else exact(c, c)):
            return x.program.add(x.func, (number(float(c * k)), rest))
    for k, rest in pairs if exact(c, c) else ():
        inner = scaled(k, c, depth - 1) if type(k) is Symbol else None
        if inner is not None:
            return x.program.add(x.func, (inner, rest))
    return None


def negated(x: Any) -> Any:
    """-x, if x is written with a minus in front."""
    if type(x) is not Symbol:
        return None
    first: Any = x
    depth = 2
    while type(first) is Symbol and first.func in (operator.mul, operator.truediv) and depth:
        first, depth = first.args[0], depth - 1
    minus = first < 0 if type(first) in (int, float) else first is x and x.func is operator.neg
    return scaled(x, -1) if minus else None


# --- names -----------------------------------------------------------------------------------------------------------

WALKS = {kind.vjp.__code__ for kind in (Elementwise, Linear, Reduction, Custom)}
PUSHES = {kind.jvp.__code__ for kind in (Elementwise, Linear, Multilinear, Reduction, Custom)}

DEFINITIONS = ("autodiff.functions", "autodiff.composed")  # ours, whose local variables have names worth keeping
OURS = 10**6  # deeper than any function of the user's


class Watch:
    """While it watches, symbols get the names of the local variables that hold them, and adjoints those of primals.

    It looks at local variables as lines are executed (sys.settrace); the name of the outermost function counts.
    """

    def __init__(self, program: Program) -> None:
        self.program = program

    def __enter__(self) -> None:
        self.before = sys.gettrace()
        sys.settrace(self.called)

    def __exit__(self, *error: Any) -> None:
        sys.settrace(self.before)

    def called(self, frame: Any, event: str, arg: Any) -> Any:
        """A function is entered: whether to watch it, and for what."""
        module = str(frame.f_globals.get("__name__", ""))
        if frame.f_code in WALKS or frame.f_code in PUSHES or frame.f_code is project.__code__:
            frame.f_trace_lines = False
            return self.walked
        if module.startswith(("numpy", "namedtuple_")) or (
            module.startswith("autodiff.") and module not in DEFINITIONS
        ):
            return None
        for name in frame.f_code.co_names if module not in DEFINITIONS else ():
            self.named(name, frame.f_globals.get(name))
        return self.at_line

    def named(self, name: str, held: Any) -> None:
        """What the user calls a constant array."""
        if type(held) is np.ndarray:
            self.program.names.setdefault(id(held), (name, held))

    def at_line(self, frame: Any, event: str, arg: Any) -> Any:
        """A line has been executed: what do the local variables hold?"""
        ours = frame.f_globals.get("__name__") in DEFINITIONS
        depth, back = (OURS if ours else 0), frame.f_back
        while back is not None:
            depth, back = depth + 1, back.f_back
        for name, held in frame.f_locals.items():
            symbol = strip(held)
            if type(symbol) is Symbol:
                named = symbol.func in (None, "argument") or (symbol.label is not None and symbol.label[0] <= depth)
                if not named and not (ours and len(name) < 4):
                    symbol.label = (depth, name)
            elif not ours:
                self.named(name, held)
        return self.at_line

    def walked(self, frame: Any, event: str, arg: Any) -> Any:
        """A rule, or the gate, returns an adjoint or a tangent: of what?"""
        if event == "return" and arg is not None:
            here = frame.f_locals
            if frame.f_code is project.__code__:
                originated(arg, "adjoint", here["like"], "")
            elif frame.f_code in PUSHES:
                originated(arg, "tangent", here["y"], here["self"].explain)
            elif not PUSHES & {frame.f_back.f_code, frame.f_back.f_back.f_code}:  # a loop may be a frame
                originated(arg, "adjoint", here["args"][here["slot"]], here["self"].explain)
        return self.walked


def originated(found: Any, kind: str, of: Any, explain: str) -> None:
    """Note what a symbol was computed as, if it has the shape for it."""
    symbol, primal = strip(found), strip(of)
    if type(symbol) is not Symbol or type(primal) is not Symbol or symbol.shape != primal.shape:
        return
    if all(o.primal is not primal for o in symbol.origins):
        symbol.origins.append(Origin(kind, primal, explain))


def pass_on_origins(total: Any, a: Any, b: Any) -> None:
    """Two contributions to one adjoint have been added: the sum is the adjoint, they are not."""
    if not type(total) is type(a) is type(b) is Symbol:
        return
    both = [(o, p) for o in a.origins for p in b.origins if o.primal is p.primal and o.kind == p.kind]
    for o, p in both:
        words = o.explain if p.explain in o.explain else f"{o.explain}, plus {p.explain}"
        total.origins.append(o._replace(explain=words))
        for term in (a, b):
            term.origins = [other for other in term.origins if other.primal is not o.primal]
