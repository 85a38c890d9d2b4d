"""Second derivatives of layered networks: one walk up the list that carries a gradient and a curvature together.

With y = f(x), the curvature h of a loss in y comes to x as f'^2 h + f'' g, where g is the adjoint of y, and f' and f''
are read off the rules. Carried as one number per entry this is the diagonal of Becker & LeCun (1989, "Improving the
convergence of back-propagation learning with second order methods"). Carried exactly it is a matrix per layer and
sample, kept here as

    H = diag(d) + sum_r s_r u_r u_r^T

in which every u_r goes up the list as an adjoint does, through any rule and any fan-out. A line that mixes entries (a
product with weights, a sum) first turns d into further u_r, one per unit; a method that leaves something out adds the
diagonal of the u_r to d and forgets them. So one number leads from one end to the other:

keep        what is exact
None        nothing beside diagonals: formula (2) at every line, `becker_lecun`
0           the loss, down to the diagonal of the network's output: `hesscale` (Elsayed et al. 2022, arXiv 2210.11639)
q           full matrices in the top q layers; 1 costs one more matrix-vector product (`low_rank`)
>= depth    everything

Samples of a batch do not meet before the loss sums them, so one u_r serves all of them, with an s_r for each. What is
left out besides the off-diagonals of layers (a value used twice, one input in two arguments, samples that meet) is
named and measured in `dropped`. docs/curvature.md has the derivation, and what is assumed.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff.batch import Batch
from autodiff.functions import LOGSUMEXP, largest
from autodiff.modes import Dual, jvp, on_tape, ones, positions, project, scalar, spread, trace, zeros
from autodiff.probing import Argnums, columns
from autodiff.rule import TABLE, Array, Elementwise, Function, Linear, Multilinear, Reduction, call, reduced_size
from autodiff.rule import keep as kept
from autodiff.tape import LEVELS, RefusalError, Tape, Var, strip

MOVES = {np.reshape, np.transpose, np.concatenate, "astype"}  # every entry goes to one place
PICKS = MOVES | {np.broadcast_to, np.where, "getitem"}  # every entry comes from one place
SPREADS = {np.broadcast_to, np.where, "getitem"}  # some of those entries may go to several
SUMS = {np.sum, np.mean, np.cumsum, "scatter"}
EVERYTHING = 10**9


class NotLayeredError(RefusalError):
    """The list holds what a walk cannot carry, or cannot carry exactly where that was asked."""


class Dropped(NamedTuple):
    """A cross term that was left out: at which line of the list, of which rule, and why.

    size is its absolute sum, relative to what was kept there; for samples that meet, the number of others each meets.
    """

    line: int
    rule: str
    why: str
    size: float


class Layer(NamedTuple):
    """A product with weights: its derivatives are those of the pre-activation, since a bias changes none.

    All have the shape of the product. diagonal = squared + bent, the two terms of formula (2):
    squared = f'^2 sum_k w_kj^2 d_k and bent = f'' sum_k w_kj g_k; in the output layer bent is all.
    """

    line: int
    gradient: Array
    diagonal: Array
    squared: Array
    bent: Array


class Curvature(NamedTuple):
    """What one walk found. Per argument: arrays of its shape, or tuples of them; layers from the output down.

    squared and bent, the two terms of the diagonal, are None unless they were asked for.
    """

    value: Array
    gradient: Any
    diagonal: Any
    squared: Any
    bent: Any
    layers: list[Layer]
    dropped: list[Dropped]


# --- f' and f'' from the rules ---------------------------------------------------------------------------------------


def slopes(rule: Any, slots: Sequence[int], y: Array, args: Any) -> Any:
    """(f', f'') of an elementwise rule when the arguments `slots` are one variable; f'' is None where it is 0.

    f'' is the derivative of the rule's formula for f': the formula is applied to numbers with tangents.
    """
    formulas = [rule.formulas[slot] for slot in slots]
    if not any(map(callable, formulas)):
        return sum(formulas), None
    lines = straight_lines(rule) if len(args) == 1 else None
    if lines is not None:
        values = [y, *args]
        for number, operation, places in lines[0]:
            values.append(operation(*[values[k] for k in places]) if operation else number)
        return values[lines[1]], values[lines[2]] if lines[2] is not None else None
    level = next(LEVELS)
    first = added([f(y, *args) if callable(f) else f for f in formulas])
    moved = [Dual(a, ones(a), level) if k in slots else a for k, a in enumerate(args)]
    bends = [f(Dual(y, ones(y) * first, level), *moved) for f in formulas if callable(f)]
    return first, added([b.tangent if isinstance(b, Dual) and b.level == level else None for b in bends])


@functools.cache
def straight_lines(rule: Any) -> Any:
    """The formulas for f' and f'' of a function of one variable, recorded once, to be replayed on values [y, x, ...].

    Each step appends a number, or an operation on values at earlier places; then come the places of f' and f''.
    None for a formula that looks at its values: it is recorded at two at once, and what differs is no constant.
    """
    x, level, tape = np.linspace(rule.domain[0], rule.domain[1], 2), next(LEVELS), Tape()
    places, steps, times = [0, 1], [], TABLE[np.multiply].evaluate

    def place(*step: Any) -> int:
        if step not in steps:
            steps.append(step)
        return steps.index(step) + 2

    def place_of(a: Any) -> int:
        if isinstance(a, Var):
            return places[a.index]
        numbers = {float(n) for n in np.ravel(a)}
        if len(numbers) > 1 or np.result_type(a).kind == "b":
            raise ValueError("not a constant")
        return place(numbers.pop(), None, ())

    try:
        primal, argument = tape.input(rule.evaluate(x)), tape.input(x)
        first = rule.formulas[0](primal, argument)
        bend = rule.formulas[0](Dual(primal, first, level), Dual(argument, np.ones(2), level))
        for step, parents, args, params, _ in tape.records[2:]:
            operands = tuple(place_of(a) if p is None else places[p] for p, a in zip(parents, args, strict=True))
            others = [k for k in operands if k != place(1.0, None, ())] if step and step.evaluate is times else operands
            places.append(others[0] if len(others) < len(operands) else place(None, step and step.evaluate, operands))
            if params:
                return None
        return steps, place_of(first), place_of(bend.tangent) if isinstance(bend, Dual) else None
    except (ValueError, TypeError):
        return None


def added(terms: Sequence[Array | None]) -> Any:
    """The sum of those that are not None; None if there is none."""
    result = None
    for term in terms:
        if term is not None:
            result = term if result is None else result + term
    return result


def scaled(x: Array, factor: Array) -> Array:
    """x * factor, and x itself for the number 1."""
    return x if factor.__class__ is int and factor == 1 else x * factor


def reduction_slopes(i: int, rule: Any, y: Array, x: Array, params: Any) -> tuple[Array, Any, Array, Any]:
    """inner', inner'', outer', outer'' of a reduction y = outer(sum of inner(x)): of logsumexp, and of weighted sums
    whose weights stay as they are, as those of np.max do. Raises NotLayeredError for others."""
    if rule is LOGSUMEXP:
        shifted = x - largest(strip(x), params["axis"])
        terms = np.exp(shifted)
        whole = np.sum(terms, axis=params["axis"], keepdims=True)
        inner, outer = TABLE[np.exp], TABLE[np.log]
        return *slopes(inner, [0], terms, (shifted,)), *slopes(outer, [0], np.log(whole), (whole,))
    if isinstance(rule, Reduction):
        level, above = next(LEVELS), kept(y, x, params["axis"])
        weights = rule.formulas[0](Dual(above, ones(above), level), Dual(x, ones(x), level), **params)
        if not isinstance(weights, Dual):
            return weights, None, 1, None
    raise no_rule(i, rule)


def no_rule(i: int, rule: Any) -> NotLayeredError:
    """The refusal for an operation whose curvature cannot be carried along a list."""
    return NotLayeredError(
        f"line {i} ({rule.name}): there is no rule for carrying a curvature through this operation.\n"
        "Move it out of the function, or ask for hessian_diagonal(f), which then takes one column at a time."
    )


# --- what the list looks like ----------------------------------------------------------------------------------------


class Plan(NamedTuple):
    """Per line of a list:

    uses     its traced arguments, each a list of slots: an elementwise rule may have one variable in several
    product, mixer   whether it is a product, or else adds up entries
    roots    the inputs it depends on, as bits
    active   whether it comes after a product; what does not is a function of weights alone
    tangled  whether, since the last product, entries were mixed, or one value came to be used twice
    mixes    the same, counting products of activations as well: whether off-diagonals can matter further up
    and for all: the roots that enter several activations (`tied`), and the number of the first product.
    """

    uses: list[list[list[int]]]
    product: list[bool]
    mixer: list[bool]
    roots: list[int]
    active: list[bool]
    tangled: list[bool]
    mixes: list[bool]
    tied: int
    first: int


@functools.lru_cache(maxsize=256)
def planned(lines: tuple[tuple[Any, tuple[int | None, ...], tuple[int, ...]], ...]) -> Plan:
    """The plan of a list with these rules, parents and shapes."""
    plan = Plan([], [], [], [], [], [], [], 0, 0)
    tied = entered = 0
    for i, (rule, parents, shape) in enumerate(lines):
        traced = [p for p in parents if p is not None]
        acting, product = [p for p in traced if plan.active[p]], isinstance(rule, Multilinear)
        active = product or bool(acting)
        for p in set(traced) - set(acting) if active else ():
            tied, entered = tied | (entered & plan.roots[p]), entered | plan.roots[p]
        simple = isinstance(rule, Elementwise)
        mixer = not (rule is None or product or simple or rule.key in PICKS)
        meeting = any(plan.roots[p] & plan.roots[q] for p, q in itertools.combinations(traced, 2))
        again = (rule is not None and rule.key in SPREADS) or (simple and any(lines[p][2] != shape for p in acting))
        meeting = meeting or product or mixer or again
        slots = [k for k, p in enumerate(parents) if p is not None]
        plan.uses.append(
            [[k for k in slots if parents[k] == p] for p in dict.fromkeys(traced)] if simple else [[k] for k in slots]
        )
        plan.product.append(product)
        plan.mixer.append(mixer)
        plan.roots.append(functools.reduce(lambda bits, p: bits | plan.roots[p], traced, 0) if traced else 1 << i)
        plan.active.append(active)
        plan.tangled.append(not product and (meeting or any(plan.tangled[p] for p in acting)))
        plan.mixes.append(bool(acting) and (meeting or any(plan.mixes[p] for p in acting)))
    products = [i for i, (rule, _, _) in enumerate(lines) if isinstance(rule, Multilinear)]
    return plan._replace(tied=tied, first=min(products, default=0))


def keeps_samples(rule: Any, slot: int, args: Any, params: Any, y: Array) -> bool:
    """Whether row n of y depends, of argument `slot`, on row n alone."""
    a, key = args[slot], rule.key
    if not a.ndim or not y.ndim or a.shape[0] != y.shape[0]:
        return False
    if key is np.matmul:
        other = args[1 - slot]
        return bool(a.ndim == other.ndim > 2 or (slot == 0 and a.ndim > 1 and other.ndim <= 2))
    if key is np.einsum:
        left, right = params["subscripts"].split("->")
        return [right[:1] == term[:1] for term in left.split(",")] == [k == slot for k in range(len(args))]
    if "axis" in params:
        return 0 not in params["axis"] if isinstance(params["axis"], tuple) else params["axis"] != 0
    if key == "getitem":
        index = params["index"]
        first = index[0] if isinstance(index, tuple) and index else index
        same = np.arange(len(a))
        return isinstance(first, (slice, np.ndarray)) and np.array_equal(same[first], same)
    if key is np.transpose:
        return bool(params["axes"][0] == 0)
    if key is np.reshape:
        return bool(params["order"] == "C")
    return bool(a.ndim == y.ndim)


def used_once(rule: Any, slot: int, args: Any, params: Any, y: Array, samples: int) -> bool:
    """Whether each entry of argument `slot`, of weights, goes into one entry of y for each sample."""
    a = args[slot]
    if isinstance(rule, Elementwise):
        return bool(((1,) * (y.ndim - a.ndim) + a.shape)[samples:] == y.shape[samples:])
    if rule.key is np.matmul:
        return bool(y.ndim == samples + a.ndim - 1 if slot else args[1].ndim == 1 and not samples)
    if rule.key is np.einsum:
        left, right = params["subscripts"].split("->")
        return set(right[samples:]) <= set(left.split(",")[slot])
    index = params.get("index", ())
    parts = index if isinstance(index, tuple) else (index,)
    return rule.key in MOVES or (rule.key == "getitem" and not any(isinstance(k, (list, np.ndarray)) for k in parts))


def squares_known(rule: Any, params: Any) -> bool:
    """Whether the squared Jacobian of a linear rule is its transpose with squared factors: each entry one product."""
    if rule.key is np.einsum:
        left, right = params["subscripts"].split("->")
        terms = left.split(",")
        return len(terms) == 2 and all(set(a) <= set(b) | set(right) for a, b in (terms, terms[::-1]))
    return rule.key is np.matmul or rule.key in PICKS or rule.key in SUMS


# --- the walk --------------------------------------------------------------------------------------------------------


class Walk:
    """The state of a walk. Per line: the adjoint g, d in two terms, and the u_r in groups, whose s_r are in `s`."""

    def __init__(self, tape: Tape, keep: int | None, bending: bool, terms: bool, output: Any) -> None:
        n = len(tape)
        self.lines: list[Any] = tape.records
        self.plan = planned(tuple([(record[0], record[1], record[4].shape) for record in self.lines]))
        self.keep, self.exact = -1 if keep is None else keep, keep == EVERYTHING
        self.bending, self.terms, self.output = bending, terms, output
        self.g: list[Any] = [None] * n
        self.squared: list[Any] = [None] * n
        self.bent: list[Any] = [None] * n
        self.u: list[dict[int, Array]] = [{} for _ in range(n)]
        self.s: list[Array] = []
        self.level = [0] * n  # products between the line and the end of the list
        self.layers: list[Layer] = []
        self.dropped: list[Dropped] = []
        _, parents, args, _, y = self.lines[self.plan.first]
        rows = y.ndim > 1 or (y.ndim == 1 and parents[:1] == (None,) and args[0].ndim == 2)
        self.batch = y.shape[0] if rows else 0  # rows of the first product, or 0: one sample

    def up(self, index: int, seed: Array) -> None:
        """From line `index` to the inputs, where everything is then found."""
        self.g[index] = seed
        for i in range(index, -1, -1):
            rule, parents = self.lines[i][:2]
            if rule is None or self.g[i] is None:
                continue
            below = self.level[i] + self.plan.product[i]
            for p in parents:
                if p is not None and self.level[p] < below:
                    self.level[p] = below
            self.visit(i)
            self.g[i] = self.squared[i] = self.bent[i] = None
            self.u[i] = {}

    def give(self, to: list[Any], p: int, term: Array, like: Array) -> None:
        """Add to what line p has, through the gate."""
        term, before = project(term, like), to[p]
        to[p] = term if before is None else before + term

    # What is carried, and in which form.

    def samples(self, i: int) -> int:
        """1 if axis 0 of line i is taken for that of the batch, else 0; every step of a u_r is checked for it."""
        y = self.lines[i][4]
        return int(self.plan.active[i] and y.ndim > 0 and y.shape[0] == self.batch)

    def whole(self, i: int) -> bool:
        """Whether the matrix at line i is wanted, and not its diagonal alone."""
        return self.level[i] < self.keep or self.level[i] == 0 <= self.keep

    def full(self, i: int) -> bool:
        """Whether off-diagonals that line i makes are kept: not where nothing further up can bring them back."""
        mixing = self.plan.mixes if self.keep else self.plan.tangled
        needed = bool(self.u[i]) or any(p is not None and mixing[p] for p in self.lines[i][1])
        return self.whole(i) and needed and self.plan.active[i]

    def apart(self, i: int) -> bool:
        """Whether at line i no sample of the batch depends on another."""
        rule, parents, args, params, y = self.lines[i]
        samples = self.samples(i)
        return all(
            samples == self.samples(p) and (not samples or keeps_samples(rule, slot, args, params, y))
            for slot, p in enumerate(parents)
            if p is not None and self.plan.active[p]
        )

    def bends(self, i: int) -> bool:
        """Whether f'' g counts at line i: for Gauss and Newton only in the loss."""
        return self.bending or self.level[i] == 0

    def curved(self, i: int) -> bool:
        """Whether there is any curvature at line i."""
        return self.squared[i] is not None or self.bent[i] is not None or bool(self.u[i])

    def spanned(self, i: int) -> Any:
        """The diagonal of sum_r s_r u_r u_r^T at line i."""
        return added([np.sum(wide(self.s[k], u) * u * u, axis=0) for k, u in self.u[i].items()])

    def diagonal(self, i: int) -> Array:
        """The whole diagonal at line i."""
        d = added([self.squared[i], self.bent[i], self.spanned(i)])
        return np.zeros_like(self.g[i]) if d is None else d

    def spill(self, i: int) -> None:
        """Turn d into u_r, one per unit: its off-diagonals are kept from here on."""
        d = added([self.squared[i], self.bent[i]])
        if d is not None:
            self.add_group({i: 1.0}, d, d.shape, self.samples(i))
            self.squared[i] = self.bent[i] = None

    def add_group(self, factors: dict[int, Array], s: Array, shape: tuple[int, ...], samples: int) -> None:
        """One u_r per unit of an array of this shape, times a factor on each of several lines; s holds the s_r."""
        n = math.prod(shape[samples:])
        unit = np.reshape(np.eye(n, dtype=s.dtype), (n, *(1,) * samples, *shape[samples:]))
        for p, factor in factors.items():
            u = Batch(factor * np.broadcast_to(unit, (n, *shape)), next(LEVELS))
            self.u[p][len(self.s)] = project(u, self.lines[p][4]).value
        s = np.broadcast_to(s, shape)
        self.s.append(np.transpose(np.reshape(s, (shape[0], n))) if samples else np.reshape(s, n))

    def collapse(self, i: int) -> None:
        """Turn the u_r into a part of d: what they hold beside the diagonal is left out."""
        for group, u in self.u[i].items():
            for j in range(i):
                if group in self.u[j]:
                    size = beside(self.s[group], u, self.u[j][group])
                    self.drop(i, f"a value used twice, the other time on the way to line {j}", size)
        self.squared[i], self.u[i] = added([self.squared[i], self.spanned(i)]), {}

    def drop(self, i: int, why: str, size: float) -> None:
        """Report what is left out; raises NotLayeredError where nothing may be."""
        name = self.lines[i][0].name
        if self.exact:
            raise NotLayeredError(f"line {i} ({name}): {why}; this cannot be carried exactly.")
        self.dropped.append(Dropped(i, name, why, size))

    # Arguments that depend on one another.

    def joint(self, i: int) -> None:
        """Two arguments of line i with an input in common: their cross term, as u_r or into the report."""
        rule, parents, _, _, y = self.lines[i]
        plan, simple = self.plan, isinstance(rule, Elementwise)
        for a, b in itertools.combinations([k for k, p in enumerate(parents) if p is not None], 2):
            p, q = parents[a], parents[b]
            common = plan.roots[p] & plan.roots[q]
            bent = callable(rule.formulas[a]) if simple else plan.product[i]
            if not common or (simple and p == q) or not (bent or self.curved(i)):
                continue
            possible = plan.active[p] and plan.active[q] and not plan.product[i] and self.apart(i)
            if not (possible and self.whole(i)) or (self.exact and common & plan.tied):
                size = self.crossing(i, a, b)
                kept_here = self.crossing(i, a, a) + self.crossing(i, b, b)
                if size or self.exact:
                    why = "one value in two arguments" if p == q else f"lines {p} and {q} depend on one input"
                    self.drop(i, why, 2 * size / kept_here if kept_here else math.inf)
                continue
            if simple and bent and self.bends(i):
                mixed = self.bend(i, a, b)
                for sign in (1.0, -1.0):  # f_ab u v = ((u + v)^2 - (u - v)^2) f_ab / 4, twice
                    self.add_group({p: 1.0, q: sign}, sign * mixed / 2, y.shape, self.samples(i))
            self.spill(i)

    def bend(self, i: int, a: int, b: int) -> Array:
        """The change of argument a's adjoint with argument b, g held: f_ab g, summed over b's entries."""
        rule, _, args, params, _ = self.lines[i]

        def pulled(x: Array) -> Array:
            moved = (*args[:b], x, *args[b + 1 :])
            return rule.vjp(a, self.g[i], call(rule, moved, params), moved, params)

        return jvp(pulled, (args[b],), (ones(args[b]),))[1]

    def crossing(self, i: int, a: int, b: int) -> float:
        """The absolute sum, row by row, of the curvature between arguments a and b that line i makes."""
        rule, _, args, params, y = self.lines[i]
        step = [ones(x) if k == b else None for k, x in enumerate(args)]
        through = rule.vjp(a, self.diagonal(i) * spread(rule.jvp(step, y, args, params), y), y, args, params)
        return float(np.sum(np.abs(project(through + self.bend(i, a, b), args[a]))))

    # One line.

    def visit(self, i: int) -> None:
        """Everything that line i has, to its arguments."""
        line, plan = self.lines[i], self.plan
        _, parents, args, _, _ = line
        uses = plan.uses[i]
        if len(uses) > 1:
            self.joint(i)
        if plan.product[i]:
            self.layer(i)
        curved = self.curved(i)
        if curved and (plan.product[i] or plan.mixer[i] or self.u[i] or self.keep > 0):
            self.settle(i)
        g, bends = self.g[i], self.bends(i)
        for slots in uses:
            p, like = parents[slots[0]], args[slots[0]]
            pull, squares, second, tie = local(i, line, slots)
            self.give(self.g, p, pull(g), like)
            if curved:
                self.carry(i, slots[0], pull, squares)
            if second is not None and bends:
                self.give(self.bent, p, second(g), like)
            if tie is not None and bends:
                self.tie(i, p, like, *tie(g))

    def settle(self, i: int) -> None:
        """At a line that mixes entries: turn d into u_r, or u_r into d. Where samples meet: u_r into d."""
        parents = self.lines[i][1]
        if self.plan.product[i]:
            if self.level[i] < self.keep - 1 and any(p is not None and self.plan.mixes[p] for p in parents):
                self.spill(i)
            elif self.u[i] and self.level[i] >= self.keep:
                self.collapse(i)
        elif self.plan.mixer[i]:
            self.spill(i) if self.full(i) else self.collapse(i)
        if (self.u[i] or self.plan.mixer[i] or self.keep > 0) and not self.apart(i):
            self.drop(i, "rows of the batch meet", self.batch - 1)
            self.collapse(i)

    def carry(self, i: int, slot: int, pull: Function, squares: Function) -> None:
        """d and the u_r of line i to its argument `slot`; to weights, which add samples up, u_r as squares."""
        rule, parents, args, params, y = self.lines[i]
        p, like, squared, bent = parents[slot], args[slot], self.squared[i], self.bent[i]
        weights = self.keep >= 0 and not self.plan.active[p]
        if weights:
            if (self.keep > 0 or self.u[i]) and not used_once(rule, slot, args, params, y, self.samples(i)):
                kept_here = float(np.sum(np.abs(squares(self.diagonal(i)))))
                size = self.crossing(i, slot, slot) / kept_here if kept_here and not self.exact else math.inf
                self.drop(i, "weights that enter several entries of a sample, or one another", size)
            squared = added([squared, self.spanned(i)])
        if self.terms and self.plan.product[i] and self.level[i] == 0:
            squared, bent = None, added([squared, bent])
        if self.plan.product[i] and (not self.terms or self.plan.active[p]):
            squared, bent = added([squared, bent]), None
        if squared is not None:
            self.give(self.squared, p, squares(squared), like)
        if bent is not None:
            self.give(self.bent, p, squares(bent), like)
        for group, u in () if weights else self.u[i].items():
            v = project(pull(Batch(u, next(LEVELS))), like).value
            before = self.u[p].get(group)
            self.u[p][group] = v if before is None else before + v

    def tie(self, i: int, p: int, like: Array, inner: Array, size: Array) -> None:
        """Curvature size * inner inner^T that a reduction makes, of terms it adds up."""
        if not self.apart(i):
            self.drop(i, "rows of the batch meet", self.batch - 1)
        elif self.full(i):
            self.add_group({p: inner}, size, size.shape, self.samples(p))
            return
        self.give(self.bent, p, size * inner * inner, like)

    def layer(self, i: int) -> None:
        """Note the curvature of a pre-activation; with an output given, take that for the first one's."""
        if self.output is not None and not self.layers:
            shape = self.lines[i][4].shape
            self.squared[i], self.bent[i], self.u[i] = None, np.broadcast_to(self.output, shape), {}
        squared, bent = added([self.squared[i], self.spanned(i)]), self.bent[i]
        whole = added([squared, bent])
        if self.level[i] == 0:
            squared, bent = None, whole
        if not self.u[i]:
            self.squared[i], self.bent[i] = (squared, bent) if self.terms else (whole, None)
        found = [np.zeros_like(self.g[i]) if d is None else d for d in (whole, squared, bent)]
        self.layers.append(Layer(i, self.g[i], *found))


def local(i: int, line: Any, slots: Sequence[int]) -> tuple[Function, Function, Function | None, Function | None]:
    """What line i does to its argument `slots`: the transposed Jacobian, that with squared entries, and of an adjoint g
    the curvature that bends make of it, as a diagonal and, for a reduction, as a vector and its factors."""
    rule, _, args, params, y = line
    slot = slots[0]
    if isinstance(rule, Elementwise):
        first, second = slopes(rule, slots, y, args)
        bend = None if second is None else lambda g: g * second
        return lambda g: scaled(g, first), lambda d: scaled(scaled(d, first), first), bend, None
    if isinstance(rule, Linear):

        def squares(d: Array) -> Array:
            if not squares_known(rule, params):
                raise no_rule(i, rule)
            if isinstance(rule, Multilinear):
                factors = tuple(a if k == slot else squared_factor(a, y) for k, a in enumerate(args))
                return rule.vjp(slot, d, y, factors, params)
            return rule.vjp(
                slot, d / reduced_size(args[0], params["axis"]) if rule.key is np.mean else d, y, args, params
            )

        return lambda g: rule.vjp(slot, g, y, args, params), squares, None, None
    (x,), axis = args, params.get("axis")
    inner, inner2, outer, outer2 = reduction_slopes(i, rule, y, x, params)
    return (
        lambda g: rule.vjp(0, g, y, args, params),
        lambda d: kept(d, x, axis) * (outer * inner) ** 2,
        None if inner2 is None else lambda g: kept(g, x, axis) * outer * inner2,
        None if outer2 is None else lambda g: (inner, kept(g, x, axis) * outer2),
    )


def wide(s: Array, u: Array) -> Array:
    """s, one number per u_r and sample, so that it multiplies u."""
    return np.reshape(s, s.shape + (1,) * (u.ndim - s.ndim))


def squared_factor(a: Array, y: Array) -> Array:
    """a^2, in a type that holds it."""
    return a * a if a.dtype.kind == "f" else np.square(a.astype(y.dtype))


def beside(s: Array, u: Array, v: Array) -> float:
    """The absolute sum of sum_r s_r u_r v_r^T, beside its diagonal if v is u, over that of the diagonals of u and v."""
    sums = [np.sum(np.abs(a), axis=tuple(range(s.ndim, a.ndim))) for a in (u, v)]
    diagonals = float(sum(np.sum(np.abs(wide(s, a)) * a * a) for a in (u, v)))
    whole = 2 * float(np.sum(np.abs(s) * sums[0] * sums[1]))
    return (whole - diagonals * (u is v)) / diagonals if diagonals else 0.0


# --- what one asks for -----------------------------------------------------------------------------------------------


def walk(
    f: Function,
    argnums: Argnums,
    args: Sequence[Any],
    keep: int | None,
    *,
    bending: bool = True,
    terms: bool = False,
    output: Any = None,
) -> Curvature:
    """One evaluation of f, and one walk over its list."""
    wanted = positions(argnums, args)
    tape, y = trace(f, args, wanted)
    scalar(y)
    state = Walk(tape, keep, bending, terms, output)
    if on_tape(y, tape):
        state.up(y.index, ones(y.value))

    def each(*parts: list[Any]) -> Any:
        found: list[Array] = []
        for k in range(len(wanted)):
            a = added([part[k] for part in parts])
            a = zeros(tape.records[k][4]) if a is None else a
            shared = type(a) is np.ndarray and (a.base is not None or any(a is other for other in found))
            found.append(a.copy() if shared else a)
        return found[0] if isinstance(argnums, (int, np.integer)) else tuple(found)

    squared, bent = (each(state.squared), each(state.bent)) if terms else (None, None)
    whole, value = each(state.squared, state.bent), y.value if on_tape(y, tape) else y
    return Curvature(value, each(state.g), whole, squared, bent, state.layers, state.dropped)


def becker_lecun(
    f: Function, argnums: Argnums = 0, terms: bool = False, output: Array | None = None
) -> Callable[..., Curvature]:
    """A function that returns value, gradient and Becker-LeCun diagonal of f, which returns one number.

    Only diagonals are carried. With terms=True the diagonal comes as its two terms as well, `squared` and `bent`.
    output: the diagonal to start from at the network's output, in place of the loss's own. Raises RefusalError for
    operations that cannot carry a curvature. Source: Becker & LeCun 1989.
    """
    return lambda *args: walk(f, argnums, args, None, terms=terms, output=output)


def hesscale(f: Function, argnums: Argnums = 0, keep: int = 0, terms: bool = False) -> Callable[..., Curvature]:
    """As `becker_lecun`, with the loss taken exactly, and full matrices in the top `keep` layers.

    keep=0 is HesScale (Elsayed et al. 2022, arXiv 2210.11639). From the number of hidden layers on the diagonal is
    exact, unless `dropped` names something.
    """
    return lambda *args: walk(f, argnums, args, keep, terms=terms)


def low_rank(f: Function, argnums: Argnums = 0) -> Callable[..., Curvature]:
    """`hesscale` with keep=1: diag(W^T (diag p - p p^T) W) = (W^2)^T p - (W^T p)^2 below a cross-entropy."""
    return hesscale(f, argnums, keep=1)


def gauss_newton_diagonal(f: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the exact diagonal of the generalised Gauss-Newton matrix J^T H J, per argument.

    H is the Hessian of the loss in the network's output, so what the activations bend is left out (Schraudolph 2002).
    Raises NotLayeredError, a RefusalError, where the list of f has no such layers.
    """
    return lambda *args: walk(f, argnums, args, EVERYTHING, bending=False).diagonal


def hessian_diagonal(f: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the exact diagonal of the Hessian of f, which returns one number, per argument.

    By matrices of layers, O(W^1.5) for W weights in square layers; where the list of f has no such layers (weights used
    in several of them, samples that meet, an operation without a rule), by `columns`, O(W^2).
    """

    def diagonal(*args: Any) -> Any:
        try:
            return walk(f, argnums, args, EVERYTHING).diagonal
        except NotLayeredError:
            return columns(f, argnums)(*args)

    return diagonal


def neuron_blocks(f: Function, argnums: Argnums = 0) -> Function:
    """A function that returns, per weight matrix, the exact blocks of the Hessian that belong to one neuron each.

    For W of (inputs, units) in X @ W, or of (units, inputs) in W @ x: the array (units, inputs, inputs) of
    sum_n H_n[j, j] z_n z_n^T. Raises RefusalError for arguments that are no such matrix, or a list without layers.
    """

    def blocks(*args: Any) -> Any:
        wanted = positions(argnums, args)
        tape, y = trace(f, args, wanted)
        scalar(y)
        state = Walk(tape, EVERYTHING, True, False, None)
        state.up(y.index, ones(y.value))
        found: dict[int, Array] = {}
        for layer in state.layers:
            rule, parents, factors, _, out = tape.records[layer.line]
            for slot, p in enumerate(parents):
                if (
                    p is not None
                    and p < len(wanted)
                    and rule is TABLE[np.matmul]
                    and out.ndim == 1 + slot * (out.ndim - 1)
                ):
                    z, h = np.atleast_2d(factors[1 - slot]), np.atleast_2d(layer.diagonal)
                    found[p] = found.get(p, 0) + np.einsum("nj,ni,nk->jik", h, z, z)
        if len(found) < len(wanted):
            raise RefusalError("neuron_blocks takes the weight matrices of layers X @ W or W @ x, and nothing else.")
        return found[0] if isinstance(argnums, (int, np.integer)) else tuple(found[k] for k in range(len(wanted)))

    return blocks
