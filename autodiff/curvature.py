"""Second derivatives of layered networks: one walk up the list that carries a gradient and a curvature together.

Going up, every line has its adjoint g and, beside it, the curvature of the loss in the line's value. With y = f(x) it
comes to x as f'^2 h + f'' g, where f' and f'' are read off the rules. Carried as one number per entry this is the
diagonal of Becker & LeCun (1989, "Improving the convergence of back-propagation learning with second order methods"):
everything beside the diagonal of a layer is left out, and the cost is that of two thirds of a gradient. Carried exactly it
is a matrix per layer and sample. Here that matrix is kept as

    H = diag(d) + sum_r s_r u_r u_r^T

in which every u_r goes up the list as an adjoint does, through any rule, any fan-out. A line that mixes entries (a
product with weights, a sum) turns the d before it into further u_r, one per unit; a method that leaves something out
adds the diagonal of the u_r to d and drops them. So one number, `keep`, leads from one end to the other:

keep        what is exact
None        nothing beside diagonals: formula (2) at every line (`becker_lecun`)
0           the loss, down to the diagonal of the network's output (`hesscale`; Elsayed et al. 2022, arXiv 2210.11639)
q           full matrices in the top q layers; 1 costs two matrix-vector products, since with one u_r per sample
            diag(W^T (diag p - p p^T) W) = (W^2)^T p - (W^T p)^2
>= depth    everything (`hessian_diagonal`)

Samples of a batch do not meet before the loss sums them, so one u_r serves all of them; lines where they do meet are
noticed. What is left out beyond a layer's off-diagonals (a value used twice, an argument in two slots, samples that
meet) is named and measured in `dropped`. docs/curvature.md has the derivation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff.batch import Batch, basis
from autodiff.functions import LOGSUMEXP, largest
from autodiff.jacobian import joined
from autodiff.modes import Dual, grad, jvp, lift, on_tape, ones, positions, project, scalar, spread, trace, zeros
from autodiff.rule import TABLE, Array, Elementwise, Linear, Multilinear, Reduction, Rule, call, reduced_size
from autodiff.rule import keep as kept
from autodiff.tape import LEVELS, RefusalError, Tape, strip

PICKS = {np.reshape, np.transpose, np.broadcast_to, np.concatenate, np.where, "astype", "getitem", "scatter"}
SUMS = {np.sum, np.mean, np.cumsum}
EVERYTHING = 10**9


class NotLayeredError(RefusalError):
    """An exact walk met what it cannot carry exactly."""


class Dropped(NamedTuple):
    """A cross term that was left out: at which line of the list, of which rule, why, and how large.

    size is the sum of its absolute values over that of what was kept there.
    """

    line: int
    rule: str
    why: str
    size: float


class Layer(NamedTuple):
    """One product with weights, y = inputs @ W or W @ inputs, whose derivatives are those of the pre-activation.

    gradient, diagonal and its two terms have the shape of y: diagonal = squared + bent, formula (2) with
    squared = f'^2 sum_k w_kj^2 d_k and bent = f'' sum_k w_kj g_k.
    """

    line: int
    inputs: Array
    gradient: Array
    diagonal: Array
    squared: Array
    bent: Array


class Curvature(NamedTuple):
    """What one walk found: per argument an array of its shape, or a tuple of them; layers from the output down.

    squared and bent, the two terms of the diagonal, are None unless they were asked for.
    """

    value: Array
    gradient: Any
    diagonal: Any
    squared: Any
    bent: Any
    layers: list[Layer]
    dropped: list[Dropped]


# --- what the list looks like, found on the way down -----------------------------------------------------------------


class Plan:
    """Per line: `roots`, the inputs it depends on, as bits; `active`, whether it is more than a function of weights,
    that is, comes after a product; `samples`, whether its axis 0 is that of the batch; `mixes`, whether entries of
    activations are mixed at it or before it. `tied`: the roots that enter more than one activation."""

    def __init__(self, tape: Tape) -> None:
        self.roots: list[int] = []
        self.active: list[bool] = []
        self.samples: list[bool] = []
        self.mixes: list[bool] = []
        self.tied = entered = 0
        pieces = disjoint_pieces(tape)
        for i, (rule, parents, args, params, y) in enumerate(tape.records):
            roots, active, entering = (1 << i if rule is None or i in pieces else 0), isinstance(rule, Multilinear), 0
            traced = [p for p in parents if p is not None] if rule else []
            for p in traced:
                active = active or self.active[p]
                roots |= 0 if i in pieces else self.roots[p]
            if active:
                for p in set(traced):
                    entering |= 0 if self.active[p] else self.roots[p]
                self.tied, entered = self.tied | (entered & entering), entered | entering
            self.roots.append(roots)
            self.active.append(active)
            self.samples.append(False)
            self.mixes.append(False)
            if active and rule is not None:
                self.samples[i] = any(
                    keeps_samples(rule, slot, args, params, y)
                    for slot, p in enumerate(parents)
                    if (self.samples[p] if p is not None and self.active[p] else starts_batch(rule, p, y))
                )
                self.mixes[i] = self.mixing(i, rule, parents, args, y)

    def mixing(self, i: int, rule: Rule, parents: tuple[int | None, ...], args: Any, y: Array) -> bool:
        """Whether an off-diagonal of the curvature at this line, or before it, can reach a diagonal that is asked."""
        acting = [p for p in parents if p is not None and self.active[p]]
        apart = isinstance(rule, Elementwise) or rule.key in PICKS
        for slot, p in enumerate(parents):
            if p is not None and not self.active[p] and spread_axes(args[slot], y, self.samples[i], apart):
                return True
        return len(acting) > 1 or any(self.mixes[p] or not apart for p in acting)

    def joint(self, parents: Sequence[int]) -> list[tuple[int, int]]:
        """The pairs of different lines among them that depend on a common input."""
        return [(p, q) for k, p in enumerate(parents) for q in parents[:k] if self.roots[p] & self.roots[q]]


def spread_axes(a: Array, y: Array, samples: bool, apart: bool) -> tuple[int, ...]:
    """The axes of y, that of the samples left out, along which one entry of the weights a is used again and again."""
    if not apart:
        return tuple(range(int(samples), y.ndim - 1))
    shape = (1,) * (y.ndim - a.ndim) + a.shape
    return tuple(k for k in range(int(samples), y.ndim) if k < len(shape) and shape[k] == 1 < y.shape[k])


def starts_batch(rule: Rule, parent: int | None, y: Array) -> bool:
    """Whether an operand that is no activation brings the samples in: constant rows in a product."""
    return parent is None and isinstance(rule, Multilinear) and y.ndim > 1


def keeps_samples(rule: Rule, slot: int, args: Any, params: Any, y: Array) -> bool:
    """Whether row n of y depends, of argument `slot`, on row n alone."""
    a, key = args[slot], rule.key
    ndim = getattr(a, "ndim", 0)
    if not ndim or not y.ndim or a.shape[0] != y.shape[0]:
        return False
    if isinstance(rule, Elementwise) or key is np.where or key is np.broadcast_to:
        return bool(ndim == y.ndim)
    if key is np.matmul:
        other = args[1 - slot]
        return bool(ndim == other.ndim > 2 or (slot == 0 and ndim > 1 and other.ndim <= 2))
    if key is np.einsum:
        left, right = params["subscripts"].split("->")
        return [right[0] in term for term in left.split(",")] == [k == slot for k in range(len(args))]
    if "axis" in params:
        return 0 not in np.atleast_1d(params["axis"])
    if key is np.transpose:
        return bool(params["axes"][0] == 0)
    if key == "getitem":
        index = params["index"]
        first = index[0] if isinstance(index, tuple) and index else index
        return isinstance(first, slice) and first == slice(None) or (
            isinstance(first, np.ndarray) and np.array_equal(first, np.arange(len(a)))
        )
    return key == "astype" or (key is np.reshape and params["order"] == "C")


def disjoint_pieces(tape: Tape) -> set[int]:
    """The lines that cut an input into pieces without overlap: each piece is a variable of its own."""
    uses: dict[int, list[int]] = {}
    for i, (rule, parents, _, _, _) in enumerate(tape.records):
        for p in parents:
            if p is not None and tape.records[p][0] is None:
                uses.setdefault(p, []).append(i)
    found: set[int] = set()
    for p, lines in uses.items():
        x = tape.records[p][4]
        if x.ndim and all(tape.records[i][0] is TABLE["getitem"] for i in lines):
            times = np.zeros(x.shape, int)
            for i in lines:
                np.add.at(times, tape.records[i][3]["index"], 1)
            if times.max(initial=0) <= 1:
                found.update(lines)
    return found


# --- the walk --------------------------------------------------------------------------------------------------------


def slopes(rule: Rule, slots: Sequence[int], y: Array, args: Any) -> tuple[Array, Array | None]:
    """f' and f'' of an elementwise rule when the arguments `slots` are one variable; None for f'' = 0.

    f'' is the derivative of the rule's formula for f': the formula is applied to numbers with tangents.
    """
    formulas = [rule.formulas[slot] for slot in slots]
    if not any(map(callable, formulas)):
        return sum(formulas), None
    first = added([f(y, *args) if callable(f) else f for f in formulas])
    level = next(LEVELS)
    moved = [Dual(a, ones(a), level) if k in slots else a for k, a in enumerate(args)]
    result = Dual(y, ones(y) * first, level)
    bends = [f(result, *moved) for f in formulas if callable(f)]
    second = [b.tangent for b in bends if isinstance(b, Dual) and b.level == level]
    return first, added(second) if second else None


def added(terms: Sequence[Array | None]) -> Any:
    """The sum of those that are not None; None if there is none."""
    result = None
    for term in terms:
        if term is not None:
            result = term if result is None else result + term
    return result


class Walk:
    """The state of a walk. Per line: the adjoint g, the two terms of d, and the u_r in groups, whose s_r are in `s`."""

    def __init__(self, tape: Tape, keep: int | None, bending: bool = True, terms: bool = False, top: Any = None) -> None:
        n = len(tape)
        self.tape, self.plan, self.bending, self.terms, self.top = tape, Plan(tape), bending, terms, top
        self.keep = -1 if keep is None else keep
        self.g: list[Array | None] = [None] * n
        self.squared: list[Array | None] = [None] * n
        self.bent: list[Array | None] = [None] * n
        self.u: list[dict[int, Array]] = [{} for _ in range(n)]
        self.s: list[Array] = []
        self.level = [0] * n
        self.layers: list[Layer] = []
        self.dropped: list[Dropped] = []

    def up(self, index: int, seed: Array) -> None:
        """From line `index` to the inputs, where everything is then found."""
        self.g[index] = seed
        for i in range(index, -1, -1):
            rule, parents = self.tape.records[i][:2]
            if rule is None or self.g[i] is None:
                continue
            below = self.level[i] + isinstance(rule, Multilinear)
            for p in parents:
                if p is not None and self.level[p] < below:
                    self.level[p] = below
            if isinstance(rule, Elementwise):
                self.elementwise(i)
            elif isinstance(rule, Linear):
                self.linear(i)
            else:
                self.reduction(i)
            self.g[i] = self.squared[i] = self.bent[i] = None
            self.u[i] = {}

    def give(self, to: list[Array | None], p: int, term: Array | None, like: Array) -> None:
        """Add to what line p has, through the gate."""
        if term is not None:
            term, before = project(term, like), to[p]
            to[p] = term if before is None else before + term

    def push(self, i: int, p: int, like: Array, pull: Callable[[Array], Array]) -> None:
        """The u_r of line i to its parent p; `pull` is the transposed Jacobian, for all of them at once."""
        for group, u in self.u[i].items():
            v = project(pull(Batch(u, next(LEVELS))), like).value
            before = self.u[p].get(group)
            self.u[p][group] = v if before is None else before + v

    # What is carried, and in which form.

    def exact(self) -> bool:
        """Whether nothing may be left out."""
        return self.keep >= EVERYTHING

    def full(self, i: int) -> bool:
        """Whether more than a diagonal is kept at line i."""
        return self.level[i] < self.keep or self.level[i] == 0 <= self.keep

    def curved(self, i: int) -> bool:
        """Whether there is any curvature at line i."""
        return self.squared[i] is not None or self.bent[i] is not None or bool(self.u[i])

    def spanned(self, i: int) -> Array | None:
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
            self.add_group({i: 1.0}, d, d.shape, self.plan.samples[i])
            self.squared[i] = self.bent[i] = None

    def add_group(self, factors: dict[int, Array], s: Array, shape: tuple[int, ...], samples: bool) -> None:
        """One u_r per unit of an array of this shape, times a factor on each of several lines; s holds the s_r."""
        n = math.prod(shape[samples:])
        unit = np.reshape(np.eye(n, dtype=s.dtype), (n, *(1,) * samples, *shape[samples:]))
        for p, factor in factors.items():
            like = self.tape.records[p][4]
            u = Batch(factor * np.broadcast_to(unit, (n, *shape)), next(LEVELS))
            self.u[p][len(self.s)] = project(u, like).value
        s = np.broadcast_to(s, shape)
        self.s.append(np.reshape(s, (len(s), n)).T if samples else np.reshape(s, n))

    def collapse(self, i: int) -> None:
        """Turn the u_r into a part of d: what they hold beside the diagonal is left out."""
        for group, u in self.u[i].items():
            for j in range(i):
                if group in self.u[j]:
                    self.drop(i, f"a value used twice: here and at line {j}", overlap(self.s[group], u, self.u[j][group]))
        self.squared[i], self.u[i] = added([self.squared[i], self.spanned(i)]), {}

    def drop(self, i: int, why: str, size: float) -> None:
        """Report what is left out; raises NotLayeredError where nothing may be."""
        rule = self.tape.records[i][0]
        if self.exact():
            raise NotLayeredError(f"line {i} ({rule and rule.name}): {why}; the walk cannot carry that exactly.")
        self.dropped.append(Dropped(i, rule.name if rule else "input", why, size))

    # Arguments that depend on one another.

    def joint(self, i: int) -> None:
        """Two arguments of line i with an input in common: their cross term, as u_r or into the report."""
        rule, parents, args, _, y = self.tape.records[i]
        simple, plan = isinstance(rule, Elementwise), self.plan
        pairs = [
            (a, b)
            for b, q in enumerate(parents)
            for a, p in enumerate(parents[:b])
            if p is not None and q is not None and plan.roots[p] & plan.roots[q] and not (simple and p == q)
        ]
        for a, b in pairs:
            p, q = parents[a], parents[b]
            assert p is not None and q is not None
            carried = self.full(i) and plan.active[p] and plan.active[q] and not isinstance(rule, Multilinear)
            if not carried or plan.roots[p] & plan.roots[q] & plan.tied:
                size = self.crossing(i, a, b)
                if size:
                    why = "one value in two arguments" if p == q else f"lines {p} and {q} depend on one input"
                    kept_here = self.crossing(i, a, a) + self.crossing(i, b, b)
                    self.drop(i, why, 2 * size / kept_here if kept_here else math.inf)
                continue
            if simple and (self.bending or self.level[i] == 0):
                mixed = self.bend(i, a, b)
                if np.any(mixed):
                    for sign in (1.0, -1.0):
                        self.add_group({p: 1.0, q: sign}, sign * mixed / 2, y.shape, plan.samples[i])
            self.spill(i)

    def bend(self, i: int, a: int, b: int) -> Array:
        """The change of argument a's adjoint with argument b, g held: f_ab g, summed over b's entries."""
        rule, _, args, params, _ = self.tape.records[i]
        assert rule is not None

        def pulled(x: Array) -> Array:
            moved = (*args[:b], x, *args[b + 1 :])
            return rule.vjp(a, self.g[i], call(rule, moved, params), moved, params)

        return jvp(pulled, (args[b],), (ones(args[b]),))[1]

    def crossing(self, i: int, a: int, b: int) -> float:
        """The absolute sum of the curvature between arguments a and b of line i, row by row."""
        rule, _, args, params, y = self.tape.records[i]
        assert rule is not None
        step: list[Array | None] = [None] * len(args)
        step[b] = ones(args[b])
        straight = rule.vjp(a, self.diagonal(i) * spread(rule.jvp(step, y, args, params), y), y, args, params)
        return float(np.sum(np.abs(project(straight + self.bend(i, a, b), args[a]))))

    # The rules.

    def elementwise(self, i: int) -> None:
        """f'^2 h + f'' g, entry by entry; every u_r is multiplied by f'."""
        rule, parents, args, _, y = self.tape.records[i]
        uses: dict[int, list[int]] = {}
        for slot, p in enumerate(parents):
            if p is not None:
                uses.setdefault(p, []).append(slot)
        if len(uses) > 1:
            self.joint(i)
        g, squared, bent = self.g[i], self.squared[i], self.bent[i]
        for p, slots in uses.items():
            like = args[slots[0]]
            first, second = slopes(rule, slots, y, args)
            self.give(self.g, p, scaled(g, first), like)
            if squared is not None or bent is not None or self.u[i]:
                again = scaled(first, first)
                self.give(self.squared, p, scaled(squared, again), like)
                self.give(self.bent, p, scaled(bent, again), like)
                self.carry(i, p, like, first)
            if second is not None and (self.bending or self.level[i] == 0):
                self.give(self.bent, p, g * second, like)

    def carry(self, i: int, p: int, like: Array, first: Array) -> None:
        """The u_r of an elementwise line to an activation; to weights their squares, each of one sample."""
        y = self.tape.records[i][4]
        if self.plan.active[p]:
            self.meet(i, p)
            self.push(i, p, like, lambda u: scaled(u, first))
        elif self.plan.active[i]:
            axes = tuple(k + 1 for k in spread_axes(like, y, self.plan.samples[i], True))
            for group, u in self.u[i].items():
                v = np.sum(scaled(u, first), axis=axes, keepdims=True)
                self.give(self.squared, p, np.sum(wide(self.s[group], v) * v * v, axis=0), like)
        elif self.exact() and like.shape != y.shape:
            self.drop(i, "weights meet before they are used", math.inf)

    def linear(self, i: int) -> None:
        """The squared entries of the transpose for d, the transpose itself for every u_r."""
        rule, parents, args, params, y = self.tape.records[i]
        product = isinstance(rule, Multilinear)
        for slot, p in enumerate(parents):
            if p is not None:
                self.give(self.g, p, rule.vjp(slot, self.g[i], y, args, params), args[slot])
        if product or self.curved(i):
            self.joint(i)
        if product:
            self.layer(i)
        if not self.curved(i):
            return
        self.prepare(i)
        for slot, p in enumerate(parents):
            if p is not None:
                self.diagonals(i, slot, p)
                if self.u[i] and self.plan.active[p]:
                    self.push(i, p, args[slot], lambda u, slot=slot: rule.vjp(slot, u, y, args, params))

    def diagonals(self, i: int, slot: int, p: int) -> None:
        """d of a linear line to its argument `slot`; to weights the diagonal of the u_r as well."""
        rule, _, args, params, y = self.tape.records[i]
        squared, bent = self.squared[i], self.bent[i]
        if not self.plan.active[p]:
            squared = added([squared, self.spanned(i)])
        if isinstance(rule, Multilinear) and (self.plan.active[p] or not self.terms):
            squared, bent = added([squared, bent]), None
        factors = tuple(a if k == slot else squared_factor(a, y) for k, a in enumerate(args))
        for to, d in ((self.squared, squared), (self.bent, bent)):
            if d is not None:
                d = d / reduced_size(args[0], params["axis"]) if rule.key is np.mean else d
                self.give(to, p, rule.vjp(slot, d, y, factors, params), args[slot])

    def prepare(self, i: int) -> None:
        """What a linear line does to d and the u_r before it passes them on."""
        rule, parents, args, params, y = self.tape.records[i]
        plan = self.plan
        if not squares_known(rule, params):
            raise unknown(i, rule)
        if isinstance(rule, Multilinear):
            if self.level[i] < self.keep - 1 and any(p is not None and plan.mixes[p] for p in parents):
                self.spill(i)
            elif self.level[i] >= self.keep:
                self.collapse(i)
        elif rule.key in SUMS:
            self.spill(i) if self.full(i) and plan.active[i] else self.collapse(i)
            if self.exact() and not plan.active[i]:
                self.drop(i, "weights meet before they are used", math.inf)
        for slot, p in enumerate(parents):
            if self.u[i] and p is not None:
                if plan.active[p]:
                    self.meet(i, p)
                elif spread_axes(args[slot], y, plan.samples[i], rule.key in PICKS):
                    self.drop(i, "a weight used at several places of one sample", self.beside(i))

    def meet(self, i: int, p: int) -> None:
        """Samples that depend on one another at line i: what they have in common is left out."""
        rule, parents, args, params, y = self.tape.records[i]
        plan = self.plan
        kept_apart = plan.samples[i] == plan.samples[p]
        if kept_apart and plan.samples[i]:
            kept_apart = all(keeps_samples(rule, k, args, params, y) for k, q in enumerate(parents) if q == p)
        if not kept_apart and self.u[i]:
            self.drop(i, "samples of the batch meet", self.beside(i))
            self.collapse(i)

    def beside(self, i: int) -> float:
        """How much the u_r hold beside the diagonal, relative to what is on it."""
        return sum(overlap(self.s[k], u, u) - 1 for k, u in self.u[i].items())

    def layer(self, i: int) -> None:
        """Note the curvature of a pre-activation; with an output given, take that for the first one's."""
        _, parents, args, _, y = self.tape.records[i]
        if self.top is not None and not self.layers:
            self.squared[i], self.bent[i], self.u[i] = None, np.broadcast_to(self.top, y.shape), {}
        data = [a for a, p in zip(args, parents, strict=True) if p is None or self.plan.active[p]]
        whole, bent = self.diagonal(i), self.bent[i]
        bent = whole if self.level[i] == 0 else np.zeros_like(whole) if bent is None else bent
        self.layers.append(Layer(i, data[0] if data else None, self.g[i], whole, whole - bent, bent))

    def reduction(self, i: int) -> None:
        """y = outer(sum of inner(x)): f'^2 h + f'' g for each of the three in turn, the sum tying its terms together."""
        rule, parents, args, params, y = self.tape.records[i]
        (p,), (x,) = parents, args
        self.give(self.g, p, rule.vjp(0, self.g[i], y, args, params), x)
        inner, inner2, outer, outer2 = reduction_slopes(i, rule, y, x, params)
        if not (self.bending or self.level[i] == 0):
            inner2 = outer2 = None
        full = self.full(i) and self.plan.active[i]
        if self.u[i] and full:
            self.meet(i, p)
            self.push(i, p, x, lambda u: rule.vjp(0, u, y, args, params))
        d = added([self.squared[i], self.bent[i], None if full else self.spanned(i)])
        g, axis = kept(self.g[i], x, params["axis"]), params["axis"]
        straight = None if d is None else scaled(kept(d, x, axis), scaled(outer, outer))
        if inner2 is not None:
            self.give(self.bent, p, g * outer * inner2, x)
        bent = None if outer2 is None else g * outer2
        tied = added([straight, bent])
        if tied is None:
            return
        if full and (not self.plan.samples[p] or 0 not in axis):
            self.add_group({p: inner}, tied, tied.shape, self.plan.samples[p])
        else:
            if self.keep >= 0:
                self.drop(i, "samples of the batch meet", reduced_size(x, axis) - 1)
            self.give(self.squared, p, scaled(straight, inner * inner), x)
            self.give(self.bent, p, scaled(bent, inner * inner), x)


# --- small things the walk is made of --------------------------------------------------------------------------------


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
    raise unknown(i, rule)


def unknown(i: int, rule: Any) -> NotLayeredError:
    """The refusal for an operation whose curvature cannot be carried along a list."""
    return NotLayeredError(
        f"line {i} ({rule.name}): this operation has no rule for carrying a curvature.\n"
        "hessian_diagonal(f) takes one Hessian-vector product per entry there; or move it out of f."
    )


def squares_known(rule: Any, params: Any) -> bool:
    """Whether the squared Jacobian of a linear rule is its transpose with squared factors: each entry one product."""
    if rule.key is np.einsum:
        left, right = params["subscripts"].split("->")
        terms = left.split(",")
        return len(terms) == 2 and all(set(a) <= set(b) | set(right) for a, b in (terms, terms[::-1]))
    return rule.key in PICKS or rule.key in SUMS or rule.key is np.matmul


def scaled(x: Array | None, factor: Array | None) -> Any:
    """x * factor; None if either is, x itself for the factor 1."""
    if x is None or factor is None:
        return None
    return x if isinstance(factor, int) and factor == 1 else x * factor


def squared_factor(a: Array, y: Array) -> Array:
    """a^2, in a type that holds it."""
    return a * a if a.dtype.kind == "f" else np.square(a.astype(y.dtype))


def wide(s: Array, u: Array) -> Array:
    """s, one number per u_r and sample, so that it multiplies u."""
    return np.reshape(s, s.shape + (1,) * (u.ndim - s.ndim))


def overlap(s: Array, u: Array, v: Array) -> float:
    """The absolute sum of sum_r s_r u_r v_r^T, at most, over that of the diagonals of both."""
    size = np.abs(s)
    sums = [np.sum(np.abs(a), axis=tuple(range(s.ndim, a.ndim))) for a in (u, v)]
    kept_there = [np.sum(size * np.sum(a * a, axis=tuple(range(s.ndim, a.ndim)))) for a in (u, v)]
    return float(2 * np.sum(size * sums[0] * sums[1]) / max(sum(kept_there), np.finfo(float).tiny))


# --- what one asks for -----------------------------------------------------------------------------------------------


def walk(f: Callable[..., Any], argnums: int | Sequence[int], args: Sequence[Any], keep: int | None, **how: Any) -> Curvature:
    """One evaluation of f and one walk over its list."""
    wanted = positions(argnums, args)
    tape, y = trace(f, args, wanted)
    scalar(y)
    state = Walk(tape, keep, **how)
    if on_tape(y, tape):
        state.up(y.index, ones(y.value))
    inputs = [tape.records[k][4] for k in range(len(wanted))]

    def each(*parts: list[Array | None]) -> Any:
        found = [given(added([part[k] for part in parts]), x) for k, x in enumerate(inputs)]
        return found[0] if isinstance(argnums, (int, np.integer)) else tuple(found)

    whole = each(state.squared, state.bent)
    terms = (each(state.squared), each(state.bent)) if state.terms else (None, None)
    value = y.value if on_tape(y, tape) else y
    return Curvature(value, each(state.g), whole, *terms, state.layers, state.dropped)


def given(a: Array | None, like: Array) -> Array:
    """An array of its own to hand out: zeros for None."""
    return zeros(like) if a is None else a.copy() if type(a) is np.ndarray else a


def becker_lecun(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, terms: bool = False, output: Array | None = None
) -> Callable[..., Curvature]:
    """A function that returns value, gradient and Becker-LeCun diagonal of f, which returns one number.

    Formula (2) at every line: only diagonals are carried. With terms=True the diagonal also comes as its two terms,
    `squared` and `bent`. output: the diagonal to start from at the network's output (its shape), in place of the
    loss's own. Raises RefusalError for operations that cannot carry a curvature. Source: Becker & LeCun 1989.
    """
    return lambda *args: walk(f, argnums, args, None, terms=terms, top=output)


def hesscale(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, keep: int = 0, terms: bool = False
) -> Callable[..., Curvature]:
    """As `becker_lecun`, with the loss taken exactly, and full matrices in the top `keep` layers.

    keep=0 is HesScale (Elsayed et al. 2022, arXiv 2210.11639); keep=1 adds what one matrix-vector product can; from
    the number of hidden layers on the diagonal is exact, unless `dropped` says otherwise.
    """
    return lambda *args: walk(f, argnums, args, keep, terms=terms)


def low_rank(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Curvature]:
    """`hesscale` with keep=1: diag(W^T (diag p - p p^T) W) = (W^2)^T p - (W^T p)^2 for a cross-entropy."""
    return hesscale(f, argnums, keep=1)


def gauss_newton_diagonal(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns the exact diagonal of the generalised Gauss-Newton matrix J^T H J, per argument.

    H is the Hessian of the loss in the network's output; what the activations bend is left out (Schraudolph 2002).
    Raises RefusalError where the list has no such layers.
    """
    return lambda *args: walk(f, argnums, args, EVERYTHING, bending=False).diagonal


def hessian_diagonal(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns the diagonal of the Hessian of f, which returns one number, per argument; exact.

    By layer matrices, O(W^1.5) for W weights in square layers; where the list of f has no such layers (weights that are
    used in several of them, samples that meet, an operation without a rule), by `columns`, O(W^2).
    """

    def diagonal(*args: Any) -> Any:
        try:
            return walk(f, argnums, args, EVERYTHING).diagonal
        except NotLayeredError:
            return columns(f, argnums)(*args)

    return diagonal


def columns(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The same, for any f: one Hessian-vector product per entry, many in one walk."""

    def diagonal(*args: Any) -> Any:
        wanted = positions(argnums, args)
        found = [column_by_column(grad(f, k), args, k) for k in wanted]
        return found[0] if isinstance(argnums, (int, np.integer)) else tuple(found)

    return diagonal


def column_by_column(gradient: Callable[..., Any], args: Sequence[Any], k: int) -> Array:
    """The diagonal of the Jacobian of a gradient in its argument k."""
    x, parts = lift(args[k], k), []
    for seed in basis(x, x.size):
        _, tangent = jvp(lambda z: gradient(*args[:k], z, *args[k + 1 :]), (x,), (seed,))
        parts.append(np.sum((tangent * seed).value, axis=tuple(range(1, x.ndim + 1))))
    return np.reshape(joined(parts, x), x.shape)
