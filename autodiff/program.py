"""The list that a computation makes of its steps: each simplified as it comes, the same step twice being one step."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autodiff.rule import TABLE
from autodiff.simplify import canonical, lighter, placed, simpler
from autodiff.symbols import (
    ELEMENTWISE,
    OPERATORS,
    Guard,
    Symbol,
    alike,
    decided,
    identity,
    mapped,
    plain,
    scatter,
    symbols,
)
from autodiff.tape import FACTS

# Their results have shapes that depend on values; so may those of functions the table does not know.
DATA_SHAPED = {np.nonzero, np.flatnonzero, np.repeat, np.delete, np.resize, np.tile, np.pad}


def is_known(x: Any) -> bool:
    """Whether x is constants, scattered: which is left as it is for what is added to it."""
    return type(x) is Symbol and x.func is scatter and x.args[0] is None and not any(s.func for s in symbols(x.args))


def data_shaped(func: Any, args: Any) -> bool:
    """Whether the shape of the result may depend on values."""
    if func is operator.getitem:
        return any(s.dtype.kind == "b" for s in symbols(args[1]))
    if func in DATA_SHAPED or (func is np.where and len(args) == 1):
        return True
    known = func in FACTS or func in TABLE or isinstance(func, (np.ufunc, type))
    return not known and getattr(func, "__module__", "") == "numpy"


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
