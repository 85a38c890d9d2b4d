"""A computation as a list: traced arrays, the lines they leave behind, and the refusals that advise.

Wengert (1964) wrote every computation as a list of elementary steps, each using only earlier ones. `Tape` is that list:
append-only, flat, in the order of evaluation, so that going down it evaluates, going up it differentiates, and nothing
ever needs sorting or recursion.

A `Var` looks like an array to NumPy. NumPy hands every call on it to `__array_ufunc__` or `__array_function__`
(NEP 13, NEP 18), which look the operation up in `rule.TABLE`, evaluate it on the plain values and append one line.

Nesting. Every tape gets the next number of one counter as its level: a derivative that starts later lies further
inside. When levels meet in one operation, the highest one records, and sees everything below as constants; the values
it computes with may themselves be traced one level below, and record there. So derivatives of derivatives need nothing
special, and two derivatives cannot be taken for one another ("perturbation confusion", Siskind & Pearlmutter 2005).
Levels are never given back, so an exception inside a traced function leaves nothing to repair.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from autodiff.rule import PLAIN, TABLE, Args, Array, Params, Rule, call

LEVELS = itertools.count(1)
NO_PARAMS: dict[str, Any] = {}
FINISHED = (
    "a traced array is used after the function it was traced in has returned (kept in a list or a global?).\n"
    "Return what you need from the function; read a plain array off it with x.value."
)
NEUTRAL = {"out": None, "dtype": None, "where": True}  # keywords that, with these values, ask for nothing

# NumPy functions whose results are facts about values (shapes, orders, comparisons), not functions to differentiate.
FACTS: set[Any] = set()

# Functions without a rule whose users can be told exactly what to write.
ADVICE: dict[Any, str] = {}


class RefusalError(TypeError):
    """What was asked cannot be differentiated or recorded; the message says what to write instead."""


class Line(NamedTuple):
    """One elementary step: value = rule(*args, **params).

    parents[k] is the line that args[k] came from, or None if it is a constant. An input has rule None.
    """

    rule: Rule | None
    parents: tuple[int | None, ...]
    args: Args
    params: Params
    value: Array


class Finished(list[Any]):
    """The lines of a tape whose function has returned."""

    def append(self, record: Any) -> None:
        """Refuse."""
        raise RefusalError(FINISHED)


class Tape:
    """The list of lines of one evaluation; `tape[i]` and iteration give `Line`s.

    `records` holds the same lines as bare tuples: building a tuple costs a quarter of building a Line.
    The list keeps every intermediate value alive as long as it lives itself: that is the memory reverse mode costs.
    """

    __slots__ = ("level", "records")

    def __init__(self) -> None:
        self.level = next(LEVELS)
        self.records: list[tuple[Rule | None, tuple[int | None, ...], tuple[Array, ...], Params, Array]] = []

    def input(self, value: Array) -> Var:
        """Append an input line and return the Var that stands for it; the value is taken as it is."""
        self.records.append((None, (), (), NO_PARAMS, value))
        return Var(value, self, len(self.records) - 1)

    def finish(self) -> None:
        """Let no more lines be appended: what is computed from here on belongs to no derivative."""
        self.records = Finished(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Line:
        return Line(*self.records[index])

    def __iter__(self) -> Iterator[Line]:
        return (Line(*record) for record in self.records)

    def __str__(self) -> str:
        return "\n".join(f"v{i} = {written(line)}" for i, line in enumerate(self))


def both_ways(ufunc: Any) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """A binary operator and its reflection, for a traced array on the left and on the right."""
    return lambda x, other: binary(TABLE[ufunc], x, other), lambda x, other: binary(TABLE[ufunc], other, x)


def comparison(ufunc: Any) -> Callable[[Any, Any], Any]:
    """A comparison operator: a fact about values, so the answer is a plain boolean array."""
    return lambda self, other: ufunc(strip(self), strip(other))


def method(function: Any) -> Callable[..., Any]:
    """The NumPy function as a method, with the traced array for its first argument."""
    return lambda self, *args, **kwargs: function(self, *args, **kwargs)


class Traced:
    """What all traced arrays share: they answer like a NumPy array and hand every operation to `emit`.

    value  the plain array, or an array traced one level further out
    level  which derivative this one belongs to; the highest level records
    """

    __slots__ = ("value",)
    value: Array
    level: Any

    def emit(self, rule: Rule, args: Args, params: Params) -> Any:
        """Carry out rule(*args, **params) at this level; some of args are traced at it, the others are constants."""
        raise NotImplementedError

    # What NumPy calls.

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if ufunc in FACTS and method == "__call__":
            return ufunc(*map(strip, inputs), **kwargs)
        name = f"np.{ufunc.__name__}"
        if method != "__call__":
            raise RefusalError(
                f"{name}.{method} is not recorded. Write the array function instead, e.g. np.sum for np.add.reduce."
            )
        kwargs = {k: v for k, v in kwargs.items() if k not in NEUTRAL or v is not NEUTRAL[k]}
        if "out" in kwargs:
            raise RefusalError(
                f"{name} cannot write a traced array into an existing one (out=, or a plain array on the left of +=).\n"
                "Make a new array instead: a = a + x, not a += x."
            )
        if kwargs and getattr(TABLE.get(ufunc), "direct", True):
            raise RefusalError(
                f"{name} of a traced array does not take {', '.join(kwargs)}. Leave it out, or use np.where."
            )
        return dispatch(ufunc, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in FACTS:
            return func(*strip_all(args), **{k: strip_all(v) for k, v in kwargs.items()})
        if kwargs:
            kwargs = {k: v for k, v in kwargs.items() if k not in NEUTRAL or v is not NEUTRAL[k]}
        return dispatch(func, args, kwargs)

    # What the array looks like.

    shape, dtype, ndim, size = (property(attrgetter(f"value.{name}")) for name in ("shape", "dtype", "ndim", "size"))

    T = property(lambda self: dispatch(np.transpose, (self,), {}))
    real, imag = property(method(np.real)), property(method(np.imag))

    @property
    def mT(self) -> Any:
        """The transpose of the last two axes."""
        return dispatch(np.swapaxes, (self, -1, -2), {})

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise RefusalError("a traced 0-d array cannot be iterated over. Use it as the number it is.")
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self.value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({strip(self)!r})"

    def __format__(self, spec: str) -> str:
        return format(strip(self), spec) if spec else repr(self)

    # Python's operators, and the methods that are the NumPy function of the same name.

    __add__, __radd__ = both_ways(np.add)
    __sub__, __rsub__ = both_ways(np.subtract)
    __mul__, __rmul__ = both_ways(np.multiply)
    __truediv__, __rtruediv__ = both_ways(np.divide)
    __floordiv__, __rfloordiv__ = both_ways(np.floor_divide)
    __mod__, __rmod__ = both_ways(np.remainder)
    __pow__, __rpow__ = both_ways(np.power)
    __matmul__, __rmatmul__ = both_ways(np.matmul)
    __neg__, __pos__, __abs__ = method(np.negative), method(np.positive), method(np.absolute)
    __round__ = method(np.round)
    __divmod__, __rdivmod__ = lambda x, other: (x // other, x % other), lambda x, other: (other // x, other % x)
    __lt__, __le__, __gt__, __ge__ = map(comparison, (np.less, np.less_equal, np.greater, np.greater_equal))
    __eq__, __ne__ = comparison(np.equal), comparison(np.not_equal)

    sum, mean, prod, max, min = map(method, (np.sum, np.mean, np.prod, np.max, np.min))
    var, std, clip, round, conj = map(method, (np.var, np.std, np.clip, np.round, np.conjugate))
    conjugate = conj
    cumsum, cumprod = map(method, (np.cumsum, np.cumprod))
    dot, trace, diagonal, repeat, take = map(method, (np.dot, np.trace, np.diagonal, np.repeat, np.take))
    ravel, flatten, swapaxes, squeeze, copy = map(method, (np.ravel, np.ravel, np.swapaxes, np.squeeze, np.copy))
    argmax, argmin, argsort, any, all = map(method, (np.argmax, np.argmin, np.argsort, np.any, np.all))

    # Methods that are not the NumPy function of the same name.

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        """As of an array: x.reshape(2, 3) or x.reshape((2, 3))."""
        return dispatch(np.reshape, (self, shape[0] if len(shape) == 1 else shape), {"order": order})

    def transpose(self, *axes: Any) -> Any:
        """As of an array: x.transpose(), x.transpose(1, 0) or x.transpose((1, 0))."""
        return dispatch(np.transpose, (self, axes[0] if len(axes) == 1 else axes or None), {})

    def astype(self, dtype: Any) -> Any:
        """A copy in another floating-point type; the gradient comes back in the type of this one."""
        if np.dtype(dtype).kind != "f":
            raise RefusalError(f"x.astype({np.dtype(dtype)}) has no derivative. Keep x a float, or round with np.rint.")
        return call(TABLE["astype"], (self,), {"dtype": np.dtype(dtype)})

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self  # never changed, so its own copy; another one would not be on the list

    def __getitem__(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        if any(isinstance(part, Traced) for part in parts):
            raise RefusalError("x[i] with a traced i: an index has no derivative. Compute i from plain integers.")
        return call(TABLE["getitem"], (self,), {"index": index})

    # Refusals.

    def changed(self, *args: Any, **kwargs: Any) -> None:
        """What x[i] = ..., x.fill(...), x.sort() and their like come to."""
        raise RefusalError(
            "x[i] = ... would overwrite a value that the record of the computation still needs (x.sort() as well).\n"
            "Build a new array instead: np.where(mask, new, x), np.concatenate or np.stack; np.sort(x)."
        )

    __setitem__ = __delitem__ = fill = put = sort = partition = resize = setfield = changed

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RefusalError(
            "a traced array cannot become a plain one, go into one or index one: np.array([x, y]), np.asarray(x),\n"
            "a[i] = x, a[x]. Write np.stack([x, y]) or np.concatenate; compute an index from plain integers."
        )

    def __float__(self) -> float:
        raise RefusalError(
            "float(x), int(x), x.item(), math.sin(x) or a[i] = x would turn a traced array into a bare number and\n"
            "lose its record. Use x itself, np.sin(x), np.stack instead of filling an array; x.value to print it."
        )

    def __index__(self) -> int:
        raise RefusalError(
            "a traced array was used as an index or a count, which has no derivative. Use a plain integer."
        )

    __int__ = __complex__ = item = tolist = __float__


class Var(Traced):
    """A traced array of reverse mode: the value of line `index` of `tape`."""

    __slots__ = ("index", "tape")

    def __init__(self, value: Array, tape: Tape, index: int) -> None:
        self.value = value
        self.tape = tape
        self.index = index

    level = property(attrgetter("tape.level"))

    def emit(self, rule: Rule, args: Args, params: Params) -> Var:
        """Evaluate on the values, append one line."""
        tape = self.tape
        inner, parents = [], []
        for a in args:
            ours = a.__class__ is Var and a.tape is tape
            inner.append(a.value if ours else a)
            parents.append(a.index if ours else None)
        values = tuple(inner)
        y = call(rule, values, params)
        tape.records.append((rule, tuple(parents), values, params, y))
        return Var(y, tape, len(tape.records) - 1)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        # The paths nearly every line takes, written out: one or two arguments, nothing unusual asked.
        rule = TABLE.get(ufunc)
        if rule is not None and rule.direct and not kwargs and method == "__call__":
            if len(inputs) == 2:
                return binary(rule, *inputs)
            if len(inputs) == 1:
                tape, value = self.tape, self.value
                y = ufunc(value)
                records = tape.records
                records.append((rule, (self.index,), (value,), NO_PARAMS, y))
                return Var(y, tape, len(records) - 1)
        return super().__array_ufunc__(ufunc, method, *inputs, **kwargs)


def binary(rule: Rule, a: Any, b: Any) -> Any:
    """rule(a, b) of Python's operators; the everyday pairings are written out, the rest goes the general way."""
    parents: tuple[int | None, ...]
    if type(a) is Var:
        if type(b) is Var:
            if a.tape is not b.tape:
                return call(rule, (a, b), NO_PARAMS)
            tape, parents, x, y = a.tape, (a.index, b.index), a.value, b.value
        elif type(b) in PLAIN:
            tape, parents, x, y = a.tape, (a.index, None), a.value, b
        else:
            return call(rule, (a, operand(b)), NO_PARAMS)
    elif type(a) in PLAIN and type(b) is Var:
        tape, parents, x, y = b.tape, (None, b.index), a, b.value
    else:
        return call(rule, (operand(a), operand(b)), NO_PARAMS)
    value = rule.evaluate(x, y)
    records = tape.records
    records.append((rule, parents, (x, y), NO_PARAMS, value))
    return Var(value, tape, len(records) - 1)


def dispatch(func: Any, args: Any, kwargs: Any) -> Any:
    """func(*args, **kwargs) by its row in the table, or the refusal that says why not."""
    rule = TABLE.get(func)
    if rule is None:
        raise RefusalError(unsupported(func))
    if kwargs.get("out") is not None:
        raise RefusalError(f"{path(func)} cannot write a traced array into an existing one: leave out= away.")
    if rule.direct:
        args, kwargs = by_position(func, args, kwargs) if kwargs else (args, kwargs)
        return call(rule, tuple(operand(a) for a in args), kwargs)
    signature = rule.evaluate if rule.bind is None else rule.bind
    try:
        bound = signature(*args, **kwargs)
    except TypeError:
        args, kwargs = by_position(func, args, kwargs)
        check_callable(signature, args, kwargs, func)
        bound = signature(*args, **kwargs)
    if rule.bind is None:
        return bound
    arrays, params = bound
    return call(rule, tuple(operand(a) for a in arrays), params)


def by_position(func: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The arguments with those that NumPy's own signature knows by a name put in their places, as far as it can say."""
    try:
        bound = inspect.signature(func).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return args, kwargs
    return bound.args, bound.kwargs


def check_callable(signature: Callable[..., Any], args: Any, kwargs: Any, func: Any) -> None:
    """Raise RefusalError for arguments that NumPy takes and a traced array does not."""
    accepted = inspect.signature(signature)
    try:
        accepted.bind(*args, **kwargs)
    except TypeError as reason:
        names = ", ".join(accepted.parameters)
        raise RefusalError(f"{path(func)} of a traced array takes only ({names}): {reason}.") from reason


def unsupported(func: Any) -> str:
    """The message for a function without a rule."""
    advice = ADVICE.get(
        func, "Write it with operations that have a rule (autodiff.TABLE lists them), or keep it to plain arrays."
    )
    return f"{path(func)} has no rule, so a traced array cannot pass through it.\n{advice}"


def path(func: Any) -> str:
    """A NumPy function as people write it: np.linalg.svd."""
    module = str(getattr(func, "__module__", None) or "numpy").replace("numpy", "np", 1)
    return f"{module}.{getattr(func, '__name__', func)}"


def operand(a: Any) -> Any:
    """a as it goes on a tape: traced arrays and plain ones as they are, lists and the like as arrays."""
    if a.__class__ in PLAIN or isinstance(a, Traced):
        return a
    array = np.asarray(a)
    if array.dtype.kind not in "fiub":
        raise RefusalError(
            f"an operand of type {type(a).__name__} (dtype {array.dtype}) meets a traced array. Use real numbers."
        )
    return array


def strip(a: Any) -> Any:
    """The plain value under any number of levels; anything else as it is."""
    while isinstance(a, Traced):
        a = a.value
    return a


def strip_all(a: Any) -> Any:
    """`strip` for the arguments of a call: also inside lists and tuples."""
    return type(a)(map(strip_all, a)) if type(a) in (list, tuple) else strip(a)


def written(line: Line) -> str:
    """The right-hand side of a line, as text: `multiply(v0, v1)`, `sum(v2, axis=(0,))`, `input (3,)`."""
    if line.rule is None:
        return f"input {strip(line.value).shape}"
    args = [repr(strip(a)) if p is None else f"v{p}" for p, a in zip(line.parents, line.args, strict=True)]
    return f"{line.rule.name}({', '.join(args + [f'{k}={v!r}' for k, v in line.params.items()])})"
