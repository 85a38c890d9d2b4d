"""A function run once on symbols: the steps that its outputs need, its arguments and their names."""

from __future__ import annotations

import builtins
import contextlib
import inspect
import keyword
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.naming import Watch
from autodiff.program import Program
from autodiff.symbols import Guard, Symbol, symbols
from autodiff.tape import RefusalError

RESERVED = {"np", "pool", "buffers", "order", "shapes", "sigmoid", *keyword.kwlist, *dir(builtins)}
CHOICES = {type(None), str, bool}  # arguments that are no arrays but choices, which the code is for


class Recording:
    """The steps of f at an example, and what it returned."""

    def __init__(self, f: Callable[..., Any], args: Sequence[Any], names: Sequence[str]) -> None:
        self.program, self.args = Program(), args
        self.names: list[str] = []
        for name in names:
            while name in RESERVED or name in self.names:
                name += "_"
            self.names.append(name)
        self.symbols = [self.argument(a, n) for a, n in zip(args, self.names, strict=True)]
        with Watch(self.program), np.errstate(all="ignore"):
            self.outputs = f(*self.symbols)
        # The steps that outputs and guards need, in order, and how often each symbol is used.
        self.uses: Counter[int] = Counter(id(s) for s in symbols(self.outputs))
        self.needed: list[Any] = []
        for step in reversed(self.program.steps):
            if isinstance(step, Guard) or self.uses[id(step)]:
                self.needed.append(step)
                self.uses.update(map(id, operands(step)))
        self.needed.reverse()

    def argument(self, a: Any, name: str) -> Any:
        """The symbol for an argument; a choice is itself."""
        if type(a) in CHOICES:
            return a
        if type(a) is np.ndarray or isinstance(a, (np.generic, int, float)):
            return Symbol(self.program, "argument", (name,), {}, a)
        raise RefusalError(
            f"argument {name} is a {type(a).__name__}. Code is written for arrays and numbers as separate arguments:\n"
            "pass np.array(...) for a list, and the entries of a tuple or dict one by one."
        )


def operands(step: Symbol | Guard) -> list[Symbol]:
    """The symbols that a step is computed from."""
    return [step.symbol] if isinstance(step, Guard) else symbols((step.args, step.kwargs))


def parameters(f: Callable[..., Any], count: int) -> list[str]:
    """The names of the first arguments of f, looking through grad and its kin at the function inside."""
    names: list[str] = []
    with contextlib.suppress(TypeError, ValueError):
        found = inspect.signature(f).parameters.values()
        names = [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        inside = [] if names else [g for g in inspect.getclosurevars(f).nonlocals.values() if callable(g)]
        if inside:
            return parameters(inside[0], count)
    return (names + [f"x{i}" for i in range(count)])[:count]
