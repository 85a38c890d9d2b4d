"""A list turned back into code: straight-line NumPy that a person might have written, and functions compiled from it.

    >>> import numpy as np
    >>> def f(x):
    ...     y = np.sin(x)
    ...     return np.sum(y * y)
    >>> fast = compile(grad(f), np.array([0.5, 1.0]))
    >>> fast(np.array([0.0, 0.25]))
    array([0.        , 0.47942554])

`symbols.py` records a function, or its derivative, as steps, `writer.py` writes them out. docs/code.md says what is
kept, folded, reordered and guarded.
"""

from __future__ import annotations

import functools
import inspect
import operator
import re
import textwrap
import timeit
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.modes import grad, jvp, lift, positions
from autodiff.recording import CHOICES, RESERVED, Recording, operands, parameters
from autodiff.symbols import Symbol, leaves, sigmoid, symbols
from autodiff.tape import RefusalError, Traced
from autodiff.writer import LITERAL, UFUNCS, Writer, checks, fitted, is_fresh

LARGE = 2**13  # bytes from which on a buffer is worth keeping
FOREVER = 2**60  # when a result is needed that is given away
SIGMOID = '''def sigmoid(x):
    """1 / (1 + exp(-x)), for large |x| too."""
    return np.exp(-np.logaddexp(0, -x))


'''


# --- text ------------------------------------------------------------------------------------------------------------


class Source(str):
    """A text; `constants` are the arrays, too large to be written out, that it takes as keyword arguments."""

    constants: dict[str, Any]

    def _repr_markdown_(self) -> str:
        """As code, in a notebook."""
        return f"```python\n{self}```"


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
    """grad(f, argnums), by default in the first argument alone, as `source` writes it; comments: each rule in words."""
    about = f"The gradient of {spoken(f)}, step by step."
    return source(grad(f, argnums), *example, name="gradient", about=about, comments=comments)


def tangent_source(
    f: Callable[..., Any], *example: Any, argnums: int | Sequence[int] = 0, comments: bool = False
) -> Source:
    """Forward mode, by default in the first argument alone: tangent(*args, *tangents of args[argnums]), as `source`."""
    wanted = positions(argnums, example)
    names = parameters(f, len(example))

    def tangent(*given: Any) -> Any:
        args = list(given[: len(example)])

        def along(*moving: Any) -> Any:
            for i, x in zip(wanted, moving, strict=True):
                args[i] = x
            return f(*args)

        return jvp(along, tuple(args[i] for i in wanted), given[len(example) :])[1]

    tangents = [np.ones_like(lift(example[i], f"argument {i}")) for i in wanted]
    recording = Recording(tangent, [*example, *tangents], names + [f"{names[i]}_dot" for i in wanted])
    return written(tangent, recording, "tangent", f"The tangent of {spoken(f)}, step by step.", comments)


def written(f: Callable[..., Any], recording: Recording, name: str, about: str, comments: bool) -> Source:
    """A recording of f as the text of a function that needs only NumPy, and has been seen to give what f gives."""
    writer = Writer(recording, name, comments)
    body, returned = writer.body(), writer.returned()
    large = {n: c for n, c in writer.constants.items() if c.size > LITERAL}
    signature = ", ".join([*recording.names, *(["*"] if large else []), *large])
    lines = [f'"""{about}"""', *checks(recording), *body, *fitted("return ", returned)]
    text = "\n".join(fitted(f"def {name}", f"({signature})")) + ":\n" + textwrap.indent("\n".join(lines), "    ") + "\n"
    if any(step.func is sigmoid for step in recording.needed if type(step) is Symbol):
        text = SIGMOID + text
    after: list[str] = []
    for constant, x in writer.constants.items():
        if constant not in large:
            dtype = "" if x.dtype in (np.float64, np.int64, np.bool_) else f", dtype={writer.literal(x.dtype)}"
            after += fitted(f"{constant} = np.array", f"({writer.literal(x.tolist())}{dtype})")
    source = Source("import numpy as np\n\n\n" + text + "\n\n" * bool(after) + "".join(f"{line}\n" for line in after))
    source.constants = large
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    check(functools.partial(namespace[name], **large), f, recording.args)
    return source


def check(run: Callable[..., Any], f: Callable[..., Any], example: Sequence[Any]) -> None:
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
            "the code written for this function does not give what the function gives, called a second time: random\n"
            "numbers, counters and the like have to be arguments; for type(x) is ..., write isinstance(x, ...)."
        )


def same(found: Any, expected: Any) -> bool:
    """Whether two results are one, to rounding."""
    a, e = np.asarray(found), np.asarray(expected)
    if a.shape != e.shape or a.dtype != e.dtype or e.dtype.kind not in "fc":
        return a.dtype == e.dtype and np.array_equal(a, e)
    rough = {2: 1e-1, 4: 1e-3}.get(e.dtype.itemsize, 1e-7) if e.dtype.kind == "f" else 0
    scale = np.max(np.abs(e[np.isfinite(e)]), initial=1e-8)
    return np.allclose(a, e, 0, rough * scale, equal_nan=True)


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

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs:
            bound = inspect.signature(self.f).bind(*args, **kwargs)
            bound.apply_defaults()
            if kwargs.keys() & bound.kwargs.keys():
                raise RefusalError("a compiled function takes no keyword-only arguments: compile lambda x: f(x, k=2).")
            args = bound.args
        kinds = [(a.shape, a.dtype) if type(a) is np.ndarray else (type(a), *[a] * (type(a) in CHOICES)) for a in args]
        key = tuple(kinds)
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
        check(run, self.f, args)
        self.runs[key] = (run, *self.runs.get(key, ()))[: self.limit]
        if len(self.runs) > self.limit:
            self.runs.pop(next(iter(self.runs)), None)
        return run


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
    writer = Writer(recording, "run", compiled=True)
    buffers = allocate(writer)
    lines = [*writer.body(), *["pool.append(buffers)"] * bool(buffers), f"return {writer.returned()}"]
    if buffers:
        made = ", ".join(f"np.empty({shape}, {writer.literal(dtype)}, order)" for shape, dtype in buffers.values())
        taking = ["try:", "    buffers = pool.pop()", "except IndexError:", f"    buffers = [{made}]"]
        lines = [*taking, f"[{', '.join(buffers)}] = buffers", *lines]
    text = f"def run({', '.join(recording.names)}):\n" + textwrap.indent("\n".join(lines), "    ") + "\n"
    known = {"np": np, "sigmoid": sigmoid, **writer.constants, "ValueError": OtherBranchError}
    calls = re.compile(r"\bnp(?:\.\w+)+(?=\()")
    known |= {call.replace(".", "_"): eval(call) for call in set(calls.findall(text))}  # looked up once
    code = calls.sub(lambda call: call[0].replace(".", "_"), text)
    runs: list[Callable[..., Any]] = []
    for order in "CF" if any(len(shape) > 1 for shape, _ in buffers.values()) else "C":
        namespace = {**known, "pool": [], "order": order}
        exec(code, namespace)
        namespace["run"].__doc__ = text
        runs.append(namespace["run"])
    once = [functools.partial(run, *recording.args) for run in runs if len(runs) > 1]
    seconds = [min(timeit.repeat(run, number=1, repeat=9)) for run in once] or [0.0]
    return runs[seconds[-1] < 0.98 * seconds[0]]


def allocate(writer: Writer) -> dict[str, Any]:
    """Buffers for large results: in place of an operand that is not needed any more, or a free one, or a new one.

    They are noted in writer.buffers; returned are the shape and dtype of each, by name.
    """
    buffers: dict[str, Any] = {}
    owners: dict[int, str] = {}
    last = last_needs(writer.recording)
    for i, step in enumerate(writer.recording.needed):
        takes_out = type(step) is Symbol and (step.func in UFUNCS or isinstance(step.func, np.ufunc))
        if not takes_out or not isinstance(step.value, np.ndarray) or step.value.nbytes < LARGE:
            continue
        if last[id(step)] == FOREVER or id(step) in writer.into:
            continue
        form = (step.shape, step.dtype)
        inputs = [] if step.func is operator.matmul else list(map(id, operands(step)))
        spent = [s for s in owners if last[s] < i or (last[s] == i and s in inputs)]
        fitting = [s for s in spent if buffers[owners[s]] == form]
        if fitting:
            name = owners.pop(max(fitting, key=lambda s: last[s]))
        else:
            name = writer.free_name("buffer")
            buffers[name] = form
        owners[id(step)] = writer.buffers[id(step)] = name
    return buffers


def last_needs(recording: Recording) -> dict[int, int]:
    """The number of the step that needs a symbol, or a view of it, last."""
    last = {id(s): FOREVER for s in symbols(recording.outputs)}
    for i, step in reversed(list(enumerate(recording.needed))):
        passed_on = type(step) is Symbol and not is_fresh(step)  # a view, perhaps: what it looks at is needed as long
        for s in operands(step):
            last[id(s)] = max(last.get(id(s), 0), last[id(step)] if passed_on else i)
    return last
