"""A list turned back into code: straight-line NumPy that a person might have written, and functions compiled from it.

    >>> import numpy as np
    >>> def f(x):
    ...     y = np.sin(x)
    ...     return np.sum(y * y)
    >>> print(gradient_source(f, np.array([0.5, 1.0])))
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def gradient(x):
        \"\"\"The gradient of f, step by step.\"\"\"
        if np.shape(x) != (2,):
            raise ValueError("written for arguments of other shapes")
        y = np.sin(x)
        d_y = 2 * y
        d_x = d_y * np.cos(x)
        return d_x
    <BLANKLINE>

    >>> fast = compile(grad(f), np.array([0.5, 1.0]))
    >>> fast(np.array([0.0, 0.25]))
    array([0.        , 0.47942554])

`symbols.py` records a function, or its derivative, as steps, `writer.py` writes them out. docs/code.md says what is
kept, folded, reordered and guarded.
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

from autodiff.modes import grad, jvp, lift, positions
from autodiff.symbols import Guard, Symbol, leaves, sigmoid, symbols
from autodiff.tape import RefusalError, Traced
from autodiff.writer import (
    CHOICES,
    LITERAL,
    RESERVED,
    SIGMOID,
    UFUNCS,
    Recording,
    Writer,
    checks,
    fitted,
    is_fresh,
    parameters,
)

LARGE = 2**13  # bytes from which on a buffer is worth keeping
FOREVER = 2**60  # when a result is needed that is given away


class Source(str):
    """A text; `constants` are the arrays, too large to be written out, that it takes as keyword arguments."""

    constants: dict[str, Any]


# --- text ------------------------------------------------------------------------------------------------------------


def source(f: Callable[..., Any], *example: Any, name: str = "", about: str = "", comments: bool = False) -> Source:
    """f as the text of a straight-line function that needs only NumPy; f may be a derivative, as grad(g).

    The text is for arguments of the example's shapes, and for the branches the example takes; it refuses others.
    """
    called = name or spoken(f).replace("the function", "function")
    recording = Recording(f, example, parameters(f, len(example)))
    return written(f, recording, called, about or f"{called}, step by step.", comments)


def spoken(f: Callable[..., Any]) -> str:
    """The name of f, if it has one that can be used."""
    name = str(getattr(f, "__name__", ""))
    return name if name.isidentifier() and name not in RESERVED else "the function"


def gradient_source(
    f: Callable[..., Any], *example: Any, argnums: int | Sequence[int] = 0, comments: bool = False
) -> Source:
    """grad(f, argnums) as `source` writes it, as a function called `gradient`; with comments, each rule in words."""
    about = f"The gradient of {spoken(f)}, step by step."
    return source(grad(f, argnums), *example, name="gradient", about=about, comments=comments)


def tangent_source(
    f: Callable[..., Any], *example: Any, argnums: int | Sequence[int] = 0, comments: bool = False
) -> Source:
    """Forward mode as `source` writes it: tangent(*args, *tangents of args[argnums]) is the tangent of f(*args)."""
    wanted = positions(argnums, example)
    names = parameters(f, len(example))

    def tangent(*given: Any) -> Any:
        args, tangents = list(given[: len(example)]), given[len(example) :]

        def along(*moving: Any) -> Any:
            for i, x in zip(wanted, moving, strict=True):
                args[i] = x
            return f(*args)

        return jvp(along, tuple(args[i] for i in wanted), tangents)[1]

    tangents = [np.ones_like(lift(example[i], f"argument {i}")) for i in wanted]
    recording = Recording(tangent, [*example, *tangents], names + [f"{names[i]}_dot" for i in wanted])
    return written(tangent, recording, "tangent", f"The tangent of {spoken(f)}, step by step.", comments)


def agree(run: Callable[..., Any], f: Callable[..., Any], example: Sequence[Any]) -> None:
    """Raise RefusalError unless the code gives what f gives, at the example and to rounding."""
    copies = [[a.copy() if type(a) is np.ndarray else a for a in example] for _ in range(2)]
    with np.errstate(all="ignore"):
        expected = leaves(f(*copies[0]))
        try:
            found = leaves(run(*copies[1]))
        except ValueError:  # of another branch
            found = []
    if len(found) != len(expected) or not all(map(same, found, expected)):
        raise RefusalError(
            "the code written for this function does not give what the function gives, called a second time.\n"
            "Random numbers, counters and what else changes from call to call have to be arguments."
        )


def same(found: Any, expected: Any) -> bool:
    """Whether two results are one, to rounding."""
    a, e = np.asarray(found), np.asarray(expected)
    if a.shape != e.shape or a.dtype != e.dtype:
        return False
    rough = {2: 1e-1, 4: 1e-3}.get(e.dtype.itemsize, 1e-7) if e.dtype.kind == "f" else 0
    scale = np.max(np.abs(e[np.isfinite(e)]), initial=1e-8) if e.dtype.kind == "f" else 0
    return np.allclose(a, e, 0, rough * scale, equal_nan=True) if e.dtype.kind in "fc" else np.array_equal(a, e)


def written(f: Callable[..., Any], recording: Recording, name: str, about: str, comments: bool) -> Source:
    """A recording of f as the text of a function that needs only NumPy, and has been seen to give what f gives."""
    writer = Writer(recording, name, comments)
    body, returned = writer.body(), writer.returned()
    large = {n: c for n, c in writer.constants.items() if c.size > LITERAL}
    signature = ", ".join([*recording.names, *(["*"] if large else []), *large])
    head = fitted(f"def {name}", f"({signature})")
    lines = [f'"""{about}"""', *checks(recording), *body, *fitted("return ", returned)]
    after: list[str] = []
    for constant, x in writer.constants.items():
        if x.size <= LITERAL:
            dtype = "" if x.dtype in (np.float64, np.int64, np.bool_) else f", dtype={writer.literal(x.dtype)}"
            after += fitted(f"{constant} = np.array", f"({writer.literal(x.tolist())}{dtype})")
    helper = SIGMOID * any(s.func is sigmoid for s in recording.needed if type(s) is Symbol)
    text = "import numpy as np\n\n\n" + helper + "\n".join(head) + ":\n" + textwrap.indent("\n".join(lines), "    ")
    source = Source(text + "\n" + "\n\n" * bool(after) + "".join(f"{line}\n" for line in after))
    source.constants = large
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    agree(functools.partial(namespace[name], **large), f, recording.args)
    return source


# --- compiled --------------------------------------------------------------------------------------------------------


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
        recording.program.forget()
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
