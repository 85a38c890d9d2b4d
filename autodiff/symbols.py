"""What a computation is written down with: every NumPy call on a `Symbol` is a step, with its example value.

A `Symbol` stands for an array further out than every derivative: rules, walks and the function itself compute with
symbols as with the plain arrays they stand for, and every NumPy call on one becomes a step. So the steps of grad(f)
are those of f and of its reverse walk, with the formulas of the table; forward mode and gradients of gradients come the
same way. Facts about values (comparisons, orders, indices) are steps too; where Python itself has to know one (an if, a
range, a data-dependent shape), what it was told becomes a `Guard`: the list is right only where the answer is the same.
An integer is a number where it is computed with, and guarded where it says what to do (an axis, a shape, a count).

`program` has the list that the steps make, `simplify` what is made simpler on the way, `naming` what steps are called.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from autodiff.modes import lift
from autodiff.rules import scatter as scattered
from autodiff.tape import NEUTRAL, RefusalError, Traced, path

if TYPE_CHECKING:
    from autodiff.program import Program

# Python's operators, by the ufunc they call. np.power is not among them: x ** 2 is a square, np.power(x, 2) is not.
NAMES = "add add, subtract sub, multiply mul, divide truediv, matmul matmul, floor_divide floordiv, remainder mod, "
NAMES += "less lt, less_equal le, greater gt, greater_equal ge, equal eq, not_equal ne, negative neg, "
NAMES += "bitwise_and and_, bitwise_or or_, bitwise_xor xor, invert invert"
OPERATORS = {getattr(np, u): getattr(operator, o) for u, o in (pair.split() for pair in NAMES.split(","))}
ELEMENTWISE = {*OPERATORS.values(), np.where, np.maximum, np.minimum, np.logaddexp} - {operator.matmul}

# What depends on shapes and types alone is computed at once; what changes its argument cannot be written down.
OF_SHAPES = {np.zeros_like, np.ones_like, np.empty_like, np.shape, np.ndim, np.size, np.result_type, np.can_cast}
OF_SHAPES |= {np.iscomplexobj, np.isrealobj, np.shares_memory}
MUTATING = {np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis}
# They compute with all their operands; of other functions, an integer behind the first operand says what to do.
COMPUTING = {*ELEMENTWISE, operator.matmul, operator.pow, operator.getitem, np.clip, np.dot, np.result_type}


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


def is_reshaped(x: Any) -> bool:
    """Whether x is a reshape that keeps the order."""
    return type(x) is Symbol and x.func is np.reshape and len(x.args) == 2 and not x.kwargs


def alike(x: Any, value: Any) -> bool:
    """Whether symbol x has the shape and dtype of value."""
    return type(x) is Symbol and x.shape == np.shape(value) and x.dtype == np.asarray(value).dtype
