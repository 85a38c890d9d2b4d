"""Functions compiled from lists: the text of `code.py`, with large results in buffers, for the arguments it has met.

>>> import numpy as np
>>> from autodiff import grad
>>> fast = compile(grad(lambda x: np.sum(np.sin(x))), np.zeros(3))
>>> fast(np.array([0.0, 1.0, 2.0]))
array([ 1.        ,  0.54030231, -0.41614684])
"""

from __future__ import annotations

import builtins
import functools
import operator
import re
import textwrap
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.code import CHOICES, UFUNCS, Recording, Writer, agree, is_fresh, parameters
from autodiff.listing import Guard, Symbol, sigmoid, symbols
from autodiff.tape import Traced

LARGE = 2**13  # bytes from which on a buffer is worth keeping
FOREVER = 2**60  # when a result is needed that is given away


class OtherBranchError(ValueError):
    """The code is for other branches than the one these arguments take."""


class Compiled:
    """A function with the results of f, from straight-line code for the arguments it has met.

    What it does is recorded at the first call with arguments of these shapes and dtypes, and again where a branch comes
    out differently; the last `limit` are kept, of both. Calls may overlap, in threads too: each has buffers of its own.
    """

    def __init__(self, f: Callable[..., Any], limit: int = 16) -> None:
        functools.update_wrapper(self, f)
        self.f, self.limit = f, limit
        self.runs: dict[Any, tuple[Callable[..., Any], ...]] = {}

    def __call__(self, *args: Any) -> Any:
        key = tuple([(a.shape, a.dtype) if type(a) is np.ndarray else form(a) for a in args])
        for run in self.runs.get(key, ()):
            try:
                return run(*args)
            except OtherBranchError:
                continue
        if any(isinstance(a, Traced) or type(a) is Symbol for a in args):
            return self.f(*args)
        return self.recorded(key, args)(*args)

    def recorded(self, key: Any, args: Any) -> Callable[..., Any]:
        """The code for these arguments, to be tried first; the oldest goes."""
        recording = Recording(self.f, args, parameters(self.f, len(args)))
        with np.errstate(all="ignore"):
            run = fast(recording)
        recording.listing.forget()
        agree(run, self.f, args)
        self.runs[key] = (run, *self.runs.get(key, ()))[: self.limit]
        if len(self.runs) > self.limit:
            self.runs.pop(next(iter(self.runs)), None)
        return run


def form(a: Any) -> Any:
    """What the code for an argument that is no array depends on: its type, and of a choice which one."""
    return (type(a), a) if type(a) in CHOICES else type(a)


def compile(f: Callable[..., Any], *example: Any) -> Compiled:
    """A fast function with the results of f (which may be a derivative), recorded now if an example is given."""
    compiled = Compiled(f)
    if example:
        compiled(*example)
    return compiled


def fast(recording: Recording) -> Callable[..., Any]:
    """The function of a recording, with large intermediate results in buffers that are kept for the next call.

    A product of matrices may take a tenth less time if its result is stored by columns, or a tenth more: that is tried.
    """
    writer = Writer(recording, "run", buffered=True)
    allocate(writer)
    lines = [*writer.body(), *["pool.append(buffers)"] * bool(writer.shapes), f"return {writer.returned()}"]
    if writer.shapes:
        made = ", ".join(f"np.empty({s}, {writer.literal(d)}, order)" for s, d in writer.shapes.values())
        taking = ["try:", "    buffers = pool.pop()", "except IndexError:", f"    buffers = [{made}]"]
        lines = [*taking, f"[{', '.join(writer.shapes)}] = buffers", *lines]
    text = f"def run({', '.join(recording.names)}):\n" + textwrap.indent("\n".join(lines), "    ") + "\n"
    known = {"np": np, "sigmoid": sigmoid, **writer.constants, "ValueError": OtherBranchError}
    calls = re.compile(r"\bnp(?:\.\w+)+(?=\()")
    known |= {call.replace(".", "_"): eval(call) for call in set(calls.findall(text))}  # looked up once
    code = builtins.compile(calls.sub(lambda call: call[0].replace(".", "_"), text), "<autodiff>", "exec")
    runs = []
    for order in "CF" if any(len(shape) > 1 for shape, _ in writer.shapes.values()) else "C":
        namespace = {**known, "pool": [], "order": order}
        exec(code, namespace)
        namespace["run"].__doc__ = text
        runs.append(namespace["run"])
    return runs[0] if len(runs) == 1 else faster(runs, recording.args)


def faster(runs: list[Callable[..., Any]], args: Sequence[Any]) -> Callable[..., Any]:
    """The second if it saves more than a fiftieth, measured in turns; else the first."""
    times: list[list[float]] = [[], []]
    for _ in range(9):
        for taken, run in zip(times, runs, strict=True):
            start = time.perf_counter()
            run(*args)
            taken.append(time.perf_counter() - start)
    return runs[min(times[1]) < 0.98 * min(times[0])]


# --- buffers ---------------------------------------------------------------------------------------------------------


def allocate(writer: Writer) -> None:
    """Buffers for large results: in place of an operand that is not needed any more, or a free one, or a new one."""
    steps, last = evaluated(writer)
    owners: dict[int, str] = {}
    for i, step in enumerate(steps):
        takes_out = step.func in UFUNCS or isinstance(step.func, np.ufunc)
        large = isinstance(step.value, np.ndarray) and step.value.nbytes >= LARGE
        if not (takes_out and large) or last.get(id(step), FOREVER) == FOREVER or id(step) in writer.into:
            continue
        form = (step.shape, step.dtype)
        operands = [] if step.func is operator.matmul else [id(s) for s in symbols(step.args)]
        spent = [s for s in owners if last[s] < i or (last[s] == i and s in operands)]
        fitting = [s for s in spent if writer.shapes[owners[s]] == form]
        if fitting:
            name = owners.pop(max(fitting, key=lambda s: last[s]))
        else:
            name = writer.free_name("buffer")
            writer.shapes[name] = form
        owners[id(step)] = writer.buffers[id(step)] = name


def evaluated(writer: Writer) -> tuple[list[Symbol], dict[int, int]]:
    """All operations in the order in which the text carries them out, and which of them needs each result last."""
    steps: list[Symbol] = []
    last: dict[int, int] = {}

    def need(s: Symbol, when: int) -> None:
        needed = [s]
        for s in needed:
            last[id(s)] = max(when, last.get(id(s), when))
            if not is_fresh(s):  # a view, perhaps: what it looks at is needed as long
                needed += symbols((s.args, s.kwargs))

    def visit(step: Symbol) -> None:
        used = symbols((step.args, step.kwargs))
        for s in used:
            inline(s)
        for s in used:
            need(s, len(steps))
        steps.append(step)

    def inline(s: Symbol) -> None:
        if s.func is not None and id(s) not in writer.names:
            visit(s)

    for step in writer.recording.needed:
        if isinstance(step, Guard):
            inline(step.symbol)
            need(step.symbol, len(steps))
        elif id(step) in writer.lines:
            visit(step)
    for s in symbols(writer.recording.outputs):
        inline(s)
        need(s, FOREVER)
    return steps, last
