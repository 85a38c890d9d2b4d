"""Counts instead of seconds: whole numbers that are the same on every machine and can be worked out by hand.

`Cost`     records a function and adds up what each walk over its list has to do, by the edge model (Griewank & Walther
           2008, chapter 3): a line costs its operation; an argument that is no constant is an edge, which costs an
           elementary derivative, and a multiply-add for every tangent or adjoint that is pushed through it.
`counted`  runs any NumPy code on arrays that count what is done with them: derivatives of any order, or code that does
           not know of lists.

What counts as one is said at `work`, `edge` and `Meter`; docs/cost.md has examples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from typing import Any

import numpy as np

from autodiff.modes import grad, lift, on_tape, positions, single, traced
from autodiff.rule import Args, Array, Elementwise, Params, Reduction, Rule, call, keep
from autodiff.tape import LEVELS, Line, RefusalError, Tape, Traced, strip


@dataclass(frozen=True)
class Counts:
    """What a computation costs. Counts can be added, and multiplied by an integer from the left.

    primal            operations on entries that evaluate: one per entry of an elementwise result, n - 1 to add up n
    partial           elementary derivatives to evaluate: one per edge and entry, none where it is a constant
    propagate         multiply-adds that push tangents or adjoints through edges: one per edge, entry and pass
    matmul_flops      multiplications and additions in products of matrices: 2mnk for (m, n) @ (n, k)
    transcendental    calls of exp, sin, tanh and the like, for values and for elementary derivatives
    forward_passes    tangents pushed down the list
    reverse_passes    adjoints pushed up the list
    tape_floats       numbers that the list keeps for a reverse walk
    peak_live_floats  the most numbers held at any one time; arguments belong to the caller and are not counted
    """

    primal: int = 0
    partial: int = 0
    propagate: int = 0
    matmul_flops: int = 0
    transcendental: int = 0
    forward_passes: int = 0
    reverse_passes: int = 0
    tape_floats: int = 0
    peak_live_floats: int = 0

    @property
    def flops(self) -> int:
        """All arithmetic in one number; a multiply-add is two, as it is in matmul_flops."""
        return self.primal + self.partial + 2 * self.propagate + self.matmul_flops

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __rmul__(self, times: int) -> Counts:
        return Counts(*(times * n for n in astuple(self)))

    def __str__(self) -> str:
        return table({"": self})


def table(rows: dict[str, Counts]) -> str:
    """Counts as text, one row each, without the columns in which all are zero."""
    columns = [["", *rows]]
    for field in fields(Counts):
        numbers = [getattr(counts, field.name) for counts in rows.values()]
        if any(numbers):
            columns.append([field.name, *map(str, numbers)])
    wide = [[cell.rjust(max(map(len, column))) for cell in column] for column in columns]
    return "\n".join("  ".join(cells) for cells in zip(*wide, strict=True))


# --- what an operation costs -----------------------------------------------------------------------------------------

TRANSCENDENTAL = """exp expm1 exp2 log log1p log2 log10 logaddexp logaddexp2 power float_power sigmoid
    sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh"""
MOVES = {np.reshape, np.transpose, np.broadcast_to, np.concatenate, np.where, "astype", "getitem", "scatter"}


def shape(a: Array) -> tuple[int, ...]:
    """The shape of anything an operation may be given."""
    return np.shape(strip(a))


# What elimination solves, in thirds of n^3: the leading terms in Golub & Van Loan, Matrix Computations, 4th ed. 2013.
CUBES = {"solve": 2, np.linalg.inv: 6, np.linalg.det: 2, "logabsdet": 2, "cholesky": 1, "eigh": 27}
PRODUCTS = {np.matmul, np.einsum, *CUBES}


def product(rule: Rule, args: Args, params: Params, size: int) -> int:
    """The flops of a product of matrices with `size` entries, or of what elimination solves."""
    if rule.key is np.einsum:
        left, right = params["subscripts"].split("->")
        lengths = {
            c: k for term, a in zip(left.split(","), args, strict=True) for c, k in zip(term, shape(a), strict=True)
        }
        return math.prod(lengths.values()) * (len(args) - 1 + (len(lengths) > len(right)))
    n = shape(args[0])[-1]
    substitution = 2 * size * n  # as much as a product
    if rule.key is np.matmul:
        return substitution
    return CUBES[rule.key] * math.prod(shape(args[0])) * n // 3 + (substitution if rule.key == "solve" else 0)


def work(rule: Rule, args: Args, params: Params, y: Array) -> Counts:
    """The cost of y = rule(*args, **params) by itself.

    Elementwise: 1 per entry of y. What only moves entries: 0. Sums and other reductions: 1 per entry that is joined to
    another; a mean also divides, a norm squares and takes roots, a logsumexp takes exp and log. Products: matmul_flops,
    for einsum the multiplications and an addition for every combination of its letters.
    Raises RefusalError for an operation for which no count is defined.
    """
    size = math.prod(shape(y))
    if isinstance(rule, Elementwise):
        whole = rule.key is np.power and type(args[1]) in (int, float) and float(args[1]).is_integer()
        return Counts(primal=size, transcendental=size if rule.name in TRANSCENDENTAL.split() and not whole else 0)
    if rule.key in MOVES:
        return Counts()
    if rule.key in PRODUCTS:
        return Counts(matmul_flops=product(rule, args, params, size))
    if rule.key is np.cumsum:
        return Counts(primal=size - size // max(shape(y)[params["axis"]], 1))
    if not isinstance(rule, Reduction) and rule.key not in (np.sum, np.mean):
        raise RefusalError(f"no count is defined for {rule.name}. Write it with other operations.")
    entries = math.prod(shape(args[0]))
    more = entries + size if rule.key in ("logsumexp", "euclidean") else size if rule.key is np.mean else 0
    return Counts(primal=max(entries - size, 0) + more, transcendental=more if rule.key == "logsumexp" else 0)


def edge(line: Line, slot: int) -> tuple[Counts, Counts]:
    """(once, per pass): the elementary derivative of a line in one argument, and pushing a tangent or adjoint through.

    Elementwise: 1 and 1 per entry of the result. Sums and other reductions: 1 and 1 per entry that is reduced. No
    derivative is counted where it depends on constants and comparisons alone. What only moves entries: 0. Products,
    inverses, determinants and the like: the flops of the operation, in either mode.
    """
    rule, parents, args, params, y = line
    if rule is None or rule.key in MOVES:
        return Counts(), Counts()
    if rule.key in PRODUCTS:
        return Counts(), work(rule, args, params, y)
    meter = Meter()
    y = meter.watch(y)
    variables = tuple(a if p is None else meter.watch(a) for a, p in zip(args, parents, strict=True))
    derivative: Any = None
    if isinstance(rule, Reduction):
        derivative = rule.formulas[0](keep(y, args[0], params["axis"]), *variables, **params)
    elif isinstance(rule, Elementwise) and callable(rule.formulas[slot]):
        derivative = rule.formulas[slot](y, *variables)
    entries = math.prod(shape(y if isinstance(rule, Elementwise) else args[slot]))
    evaluated = entries if isinstance(derivative, Counted) else 0
    return Counts(partial=evaluated, transcendental=meter.counts.transcendental), Counts(propagate=entries)


# --- counting what runs ----------------------------------------------------------------------------------------------


class Meter:
    """Counts every operation that depends on a watched array, as `work` does; all of it is primal.

    Operations among other arrays are free: they could be done once and for all. Live floats are those of arrays that
    something still refers to; an array that shares the memory of another has none of its own.
    """

    def __init__(self) -> None:
        self.level = next(LEVELS)  # derivatives that start later lie further inside, and compute with what is counted
        self.done = Counts()
        self.live = self.peak = 0

    def watch(self, x: Any) -> Any:
        """x as an array whose operations are counted, integers as float64; arrays in lists, tuples and dicts each."""
        parts = (list, tuple, dict, np.ndarray, Traced)
        if isinstance(x, dict) or (isinstance(x, (list, tuple)) and any(isinstance(part, parts) for part in x)):
            return mapped(self.watch, x)
        return Counted(lift(x, "an argument"), self, Lease(self, 0))

    def plain(self, y: Any) -> Any:
        """y as it would be without the meter; arrays in lists, tuples and dicts each."""
        if isinstance(y, (list, tuple, dict)):
            return mapped(self.plain, y)
        return y.value if isinstance(y, Counted) and y.meter is self else y

    @property
    def counts(self) -> Counts:
        """Everything up to now."""
        return replace(self.done, peak_live_floats=self.peak)


class Lease:
    """Numbers held in memory for as long as something refers to this."""

    __slots__ = ("meter", "size")

    def __init__(self, meter: Meter, size: int) -> None:
        self.meter, self.size = meter, size
        meter.live += size
        meter.peak = max(meter.peak, meter.live)

    def __del__(self) -> None:
        self.meter.live -= self.size


class Counted(Traced):
    """An array that a meter watches."""

    __slots__ = ("lease", "level", "meter")

    def __init__(self, value: Array, meter: Meter, lease: Lease) -> None:
        self.value, self.meter, self.lease, self.level = value, meter, lease, meter.level

    def emit(self, rule: Rule, args: Args, params: Params) -> Counted:
        """Carry it out, and count."""
        meter = self.meter
        inner = meter.plain(args)
        y = call(rule, inner, params)
        meter.done += work(rule, inner, params, y)
        home = memory(y)
        shared = (a.lease for a, x in zip(args, inner, strict=True) if a is not x and memory(x) is home)
        return Counted(y, meter, next(shared, None) or Lease(meter, home.size))


def memory(a: Array) -> Array:
    """The array that owns the memory of a: a itself, unless it is a view."""
    a = strip(a)
    while isinstance(a.base, np.ndarray):
        a = a.base
    return a


def mapped(f: Callable[..., Any], parts: Any) -> Any:
    """f of each part of a list, a tuple, a NamedTuple or a dict, in one of the same kind."""
    if isinstance(parts, dict):
        return {key: f(part) for key, part in parts.items()}
    return type(parts)._make(map(f, parts)) if hasattr(parts, "_make") else type(parts)(map(f, parts))


def counted(f: Callable[..., Any], *args: Any) -> tuple[Any, Counts]:
    """(f(*args), what it took): f run on arrays that count. args are arrays, or lists, tuples or dicts of arrays.

    f is any code that could be recorded, and may take derivatives: counted(grad(f), x). What is to be counted has to
    depend on the args; see `Meter`. Raises RefusalError for what could not be recorded.
    """
    meter = Meter()
    y = meter.plain(f(*map(meter.watch, args)))
    return y, meter.counts


# --- counting what the walks over a list have to do ------------------------------------------------------------------


class Cost:
    """The cost of f and of its derivatives at args, from one recording. print(Cost(f, *args)) shows them all.

    f returns one array or a tuple; args[i] for i in argnums (all by default) are the variables, integers as float64.

    inputs, outputs  n and m: the entries of the variables, and of the values
    edges            E: the multiply-adds of one tangent; in forward mode lines that no value depends on have edges too
    evaluation       f alone, every value held until its last use, the operands of a step together with its result
    jvp, vjp         f with one tangent; f with one adjoint, which for one number is the gradient
    """

    def __init__(self, f: Callable[..., Any], *args: Any, argnums: int | Sequence[int] | None = None) -> None:
        self.f, self.args = f, args
        self.argnums = positions(range(len(args)) if argnums is None else argnums, args)
        tape, values = listed(f, args, self.argnums)
        ends = [y.index for y in values if on_tape(y, tape)]
        self.shapes = [shape(y) for y in values]
        self.inputs = sum(math.prod(shape(tape[i].value)) for i in range(len(self.argnums)))
        self.outputs = sum(map(math.prod, self.shapes))
        self.live, self.list = values_peak(tape, ends)
        self.adjoints, visited = adjoints_peak(tape, ends)
        self.down, self.up = through(tape, range(len(tape))), through(tape, visited)
        self.edges = self.down[1].propagate
        done = sum((work(li.rule, li.args, li.params, li.value) for li in tape if li.rule is not None), Counts())
        self.evaluation = replace(done, peak_live_floats=self.live)
        self.jvp, self.vjp = self.push(1), self.pull(1)

    def push(self, tangents: int) -> Counts:
        """Forward mode: tangents carried beside one evaluation that keeps no list."""
        done = self.evaluation + self.down[0] + tangents * self.down[1]
        return replace(done, forward_passes=tangents, peak_live_floats=(1 + tangents) * self.live)

    def pull(self, adjoints: int) -> Counts:
        """Reverse mode: adjoints, each held until it is spent, while the list is held."""
        done = self.evaluation + self.up[0] + adjoints * self.up[1]
        peak = self.list + adjoints * self.adjoints
        return replace(done, reverse_passes=adjoints, tape_floats=self.list, peak_live_floats=peak)

    def jacobian(self, mode: str) -> Counts:
        """The Jacobian by n tangents (mode "forward") or m adjoints ("reverse"), zeros multiplied like any number."""
        if mode not in ("forward", "reverse"):
            raise RefusalError(f'jacobian({mode!r}): the modes are "forward" and "reverse".')
        return self.push(self.inputs) if mode == "forward" else self.pull(self.outputs)

    @property
    def cheaper(self) -> str:
        """The mode with fewer flops for the Jacobian: "forward", "reverse", or "either"."""
        forward, reverse = self.jacobian("forward").flops, self.jacobian("reverse").flops
        return "either" if forward == reverse else "forward" if forward < reverse else "reverse"

    def hessian(self, tangents: int | None = None) -> Counts:
        """The Hessian: n tangents, or so many (1: times a vector), over the gradient; all that is held has tangents.

        Raises RefusalError if the value is not one number.
        """
        if self.shapes != [()]:
            raise RefusalError(f"second derivatives are those of one number, not of values of shapes {self.shapes}.")

        def number(*args: Any) -> Any:
            y = self.f(*args)
            return y[0] if isinstance(y, tuple) else y

        def gradient(*args: Any) -> Any:
            return np.concatenate([np.ravel(g) for g in grad(number, self.argnums)(*args)])

        passes = self.inputs if tangents is None else tangents
        done, beside = Cost(gradient, *self.args, argnums=self.argnums).push(passes), 1 + passes
        peak = beside * self.vjp.peak_live_floats
        return replace(done, reverse_passes=1, tape_floats=beside * self.list, peak_live_floats=peak)

    def __str__(self) -> str:
        rows = {"evaluation": self.evaluation, "jvp": self.jvp, "vjp": self.vjp}
        rows |= {f"Jacobian, {mode}": self.jacobian(mode) for mode in ("forward", "reverse")}
        return table(rows | {"Hessian v": self.hessian(1), "Hessian": self.hessian()} if self.shapes == [()] else rows)


def listed(f: Callable[..., Any], args: Sequence[Any], argnums: Sequence[int]) -> tuple[Tape, list[Any]]:
    """As `trace`, for a function that returns one array or a tuple of them: the list, and the values."""
    tape, y = traced(f, args, argnums)
    return tape, [single(part) for part in (y if isinstance(y, tuple) else (y,))]


def through(tape: Tape, lines: Iterable[int]) -> tuple[Counts, Counts]:
    """(once, per pass) of all edges into these lines."""
    edges = [edge(tape[i], slot) for i in lines for slot, p in enumerate(tape[i].parents) if p is not None]
    return sum((once for once, _ in edges), Counts()), sum((each for _, each in edges), Counts())


def values_peak(tape: Tape, ends: list[int]) -> tuple[int, int]:
    """The most numbers that values take if each is let go after its last use, and the numbers of all of them.

    Views take none; the memory that they show is used when they are.
    """
    first: dict[int, int] = {}
    owners = [first.setdefault(id(memory(line.value)), i) for i, line in enumerate(tape)]
    sizes = [memory(x.value).size * (owners[i] == i and x.rule is not None) for i, x in enumerate(tape)]
    used = [{owners[i], *(owners[p] for p in line.parents if p is not None)} for i, line in enumerate(tape)]
    last = {owner: i for i, together in enumerate(used) for owner in together}
    last |= {owners[end]: len(tape) for end in ends}
    live = peak = 0
    for i, together in enumerate(used):
        live += sizes[i]
        peak = max(peak, live)
        live -= sum(sizes[owner] for owner in together if last[owner] == i)
    return peak, sum(sizes)


def adjoints_peak(tape: Tape, ends: list[int]) -> tuple[int, list[int]]:
    """The most numbers that adjoints take on the way up from these lines, and the lines on that way."""
    sizes = [math.prod(shape(line.value)) for line in tape]
    held, way = set(ends), []
    peak = live = sum(sizes[i] for i in held)
    for i in range(len(tape) - 1, -1, -1):
        if i in held and tape[i].rule is not None:
            way.append(i)
            new = {p for p in tape[i].parents if p is not None} - held
            held |= new
            live += sum(sizes[p] for p in new)
            peak = max(peak, live)
            live -= sizes[i]
    return peak, way


def crossover(
    family: Callable[[int, int], tuple[Any, ...]], sizes: Iterable[tuple[int, int]]
) -> list[tuple[int, int, int, int, str]]:
    """(n, m, flops of the Jacobian in forward mode, in reverse mode, the cheaper mode) for functions of a family.

    family(n, m) returns a function of n variables with m values, and its arguments: (f, *args).
    """
    costs = [(n, m, Cost(*family(n, m))) for n, m in sizes]
    return [(n, m, c.jacobian("forward").flops, c.jacobian("reverse").flops, c.cheaper) for n, m, c in costs]
