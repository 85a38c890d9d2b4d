"""Second derivatives of layered networks: one walk up the list that carries a curvature beside the adjoints.

With y = f(x), the curvature h of a loss in y comes to x as f'^2 h + f'' g, where g is the adjoint of y, and f' and f''
are read off the rules. What is carried is, per sample, H = diag(d) + sum_r s_r u_r u_r^T. Every u_r goes up the list as
an adjoint does, through any rule and any fan-out. A line that mixes entries (a product with weights, a sum) first turns
d into further u_r, one per unit; a method that leaves something out adds the diagonal of the u_r to d and forgets them.
`keep` says down to where nothing is left out: -1 nowhere (formula (2) at every line), 0 in the loss, q in the top q
layers. Samples do not meet before the loss sums them, so one u_r serves a whole batch, with an s_r for each. What is
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
from autodiff.functions import LOGSUMEXP
from autodiff.modes import Dual, backward, on_tape, ones, own, positions, project, scalar, spread, trace, zeros
from autodiff.probing import Argnums, columns
from autodiff.rule import Array, Elementwise, Function, Multilinear, Reduction, total
from autodiff.tape import LEVELS, RefusalError, strip

MOVES = {np.reshape, np.transpose, np.concatenate, "astype"}  # every entry goes to one place
PICKS = MOVES | {np.broadcast_to, np.where, "getitem"}  # every entry comes from one place
SUMS = {np.sum, np.mean, np.cumsum, "scatter", np.max, np.amax, np.min, np.amin, "logsumexp"}  # from several
EVERYTHING = 10**9
WRITTEN = {"euclidean": "np.linalg.norm", "logabsdet": "np.linalg.slogdet", "prod": "np.prod", "einsum": "np.einsum"}


def brief(x: Any) -> str:
    """The shape and norm of an array, or of each in a tuple: arrays of weights are too long to print."""
    if isinstance(x, tuple):
        return f"({', '.join(map(brief, x))})"
    return f"<shape {x.shape}, norm {np.linalg.norm(strip(x)):.3g}>"


class NotLayeredError(RefusalError):
    """The list holds what a walk cannot carry, or cannot carry exactly where that was asked."""


class Dropped(NamedTuple):
    """A cross term that was left out: at which line of the list, of which rule, and why.

    size is its absolute sum, relative to what was kept there (nan: not known); of samples that meet, how many others.
    """

    line: int
    rule: str
    why: str
    size: float


class Layer(NamedTuple):
    """A product with weights: its derivatives, of its shape, are those of the pre-activation: a bias changes none.

    diagonal = squared + bent: f'^2 sum_k w_kj^2 d_k and f'' sum_k w_kj g_k. In the output layer squared is 0, bent all,
    since it is the loss that bends there. argnum says which argument the weights are, if it is one alone.
    """

    line: int
    argnum: int | None
    gradient: Array
    diagonal: Array
    squared: Array
    bent: Array

    def __repr__(self) -> str:
        return f"Layer(line={self.line}, argnum={self.argnum}, diagonal={brief(self.diagonal)})"


class Curvature(NamedTuple):
    """What one walk found. Per argument: arrays of its shape, or tuples of them; layers from the output down.

    squared and bent, the terms of the diagonal, are None unless asked for. dropped names what was left out besides the
    off-diagonals of layers, which define the method: an empty one does not say that the diagonal is exact.
    """

    value: Array
    gradient: Any
    diagonal: Any
    squared: Any
    bent: Any
    layers: list[Layer]
    dropped: list[Dropped]

    def __repr__(self) -> str:
        parts = f"gradient={brief(self.gradient)}, diagonal={brief(self.diagonal)}, {len(self.layers)} layers"
        return f"Curvature(value={strip(self.value):.6g}, {parts}, dropped={self.dropped})"


# --- one line --------------------------------------------------------------------------------------------------------


def squares(line: Any, slots: Sequence[int]) -> Function:
    """The transposed Jacobian of a line in the argument at `slots`, with all its entries squared."""
    rule, _, args, params, y = line
    if rule.key is np.matmul:
        args = tuple(
            a if k in slots else np.square(a if a.dtype == y.dtype else a.astype(y.dtype)) for k, a in enumerate(args)
        )

    def pull(d: Array) -> Array:
        return total([rule.vjp(k, d, y, args, params) for k in slots])

    if isinstance(rule, Elementwise):
        if len(slots) == 1 and rule.formulas[slots[0]] == 1:
            return pull
        first = pull(ones(y))
        return lambda d: d * first * first
    if isinstance(rule, Reduction) or rule.key is np.mean:
        weights = pull(ones(y))
        return lambda d: weights * pull(d)
    return pull  # the entries are 0, 1, or squared already


def bend(line: Any, g: Array, into: Sequence[int], by: Sequence[int]) -> Any:
    """f'' g: how the adjoint of the arguments `into` changes while all entries of `by` grow at rate 1; None for 0."""
    rule, _, args, params, y = line
    if rule.key is np.matmul:
        moved = tuple(ones(a) if k in by else a for k, a in enumerate(args))
        return None if into == by else rule.vjp(into[0], g, y, moved, params)
    formulas = [rule.formulas[k] for k in into if isinstance(rule, Elementwise) and callable(rule.formulas[k])]
    if not formulas:
        return None
    level, rates = next(LEVELS), [ones(a) if k in by else None for k, a in enumerate(args)]
    value = Dual(y, spread(rule.jvp(rates, y, args, params), y), level)
    duals = [a if t is None else Dual(a, t, level) for a, t in zip(args, rates, strict=True)]
    changes = [d.tangent for f in formulas if isinstance(d := f(value, *duals), Dual) and d.level == level]
    return g * total(changes) if changes else None


def keeps_rows(line: Any, slot: int) -> bool:
    """Whether row n of a line depends, of argument `slot`, on row n alone."""
    rule, _, args, params, y = line
    a, index = args[slot], params.get("index")
    if not a.ndim or not y.ndim or a.shape[0] != y.shape[0]:
        return False
    if rule.key is np.matmul:
        return slot == 0 and a.ndim > 1 and args[1].ndim <= 2
    if rule.key == "getitem":
        first, rows = index[0] if isinstance(index, tuple) and index else index, np.arange(len(a))
        return isinstance(first, (slice, np.ndarray)) and np.array_equal(rows[first], rows)
    if rule.key is np.transpose:
        return bool(params["axes"][0] == 0)
    return bool(a.ndim == y.ndim and params.get("order") != "F" if "axis" not in params else np.all(params["axis"]))


def used_once(line: Any, slot: int, samples: int) -> bool:
    """Whether each entry of argument `slot`, of weights, goes into one entry of the line for each sample."""
    rule, _, args, params, y = line
    a, index = args[slot], params.get("index", ())
    if isinstance(rule, Elementwise):
        return bool(((1,) * (y.ndim - a.ndim) + a.shape)[samples:] == y.shape[samples:])
    if rule.key is np.matmul:
        return bool(y.ndim == samples + a.ndim - 1 if slot else args[1].ndim == 1 and not samples)
    parts = index if isinstance(index, tuple) else (index,)
    return rule.key in MOVES or (rule.key == "getitem" and not any(isinstance(k, (list, np.ndarray)) for k in parts))


def added(a: Array | None, b: Array | None) -> Any:
    """a + b, where None is nothing."""
    return b if a is None else a if b is None else a + b


def wide(s: Array, u: Array) -> Array:
    """s, one number per u_r and sample, so that it multiplies u."""
    return np.reshape(s, s.shape + (1,) * (u.ndim - s.ndim))


def relative(left_out: Array, stays: Array) -> float:
    """The absolute sum of what is left out over that of what stays; infinite beside nothing."""
    out, stay = float(np.sum(np.abs(left_out))), float(np.sum(np.abs(stays)))
    return out / stay if stay else math.inf * out if out else 0.0


# --- the walk --------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=256)
def survey(lines: tuple[Any, ...], within: bool) -> tuple[list[int], list[bool], list[bool], int]:
    """Of a list with these rules, parents and shapes, per line:

    roots   the inputs it depends on, as bits
    active  whether it comes after a product; what does not is a function of weights alone
    mixes   whether, after a product (the last one, `within` a layer), entries were mixed or used again:
            whether off-diagonals matter further up
    and for all, the roots that enter several activations.
    """
    roots, active, mixes, tied, entered = list[int](), list[bool](), list[bool](), 0, 0
    for i, (rule, parents, shape) in enumerate(lines):
        traced = [p for p in parents if p is not None]
        acting = [p for p in traced if active[p]]
        product, here, again = isinstance(rule, Multilinear), 0 if traced else 1 << i, False
        for p in traced:
            again, here = again or bool(here & roots[p]), here | roots[p]
        for p in set(traced).difference(acting) if product or acting else ():
            tied, entered = tied | (entered & roots[p]), entered | roots[p]
        moves = isinstance(rule, Elementwise) and all(lines[p][2] == shape for p in acting)
        again = again or not (moves or (rule and rule.key in MOVES)) or any(mixes[p] for p in acting)
        roots.append(here)
        active.append(product or bool(acting))
        mixes.append(again and bool(acting) and not (product and within))
    return roots, active, mixes, tied


class Walk:
    """The state of a walk. Per line: the adjoint g, d in its two terms, and the u_r in groups, whose s_r are in `s`.

    level is the number of products between a line and the end of the list, batch the number of samples, or 0.
    """

    def __init__(
        self, f: Any, argnums: Any, args: Any, keep: int, bending: bool = True, terms: bool = False, output: Any = None
    ) -> None:
        wanted = positions(argnums, args)
        tape, y = trace(f, args, wanted)
        scalar(y)
        n, self.inputs, self.owner = len(tape), len(wanted), {1 << k: a for k, a in enumerate(wanted)}
        self.lines: list[Any] = tape.records
        self.keep, self.exact = keep, keep == EVERYTHING
        self.bending, self.split, self.output = bending, terms, output
        self.squared: list[Any] = [None] * n
        self.bent: list[Any] = [None] * n
        self.u: list[dict[int, Array]] = [{} for _ in range(n)]
        self.s, self.mate = list[Array](), list[int]()  # mate: the group of v in u v^T, its own in u u^T
        self.level, self.lost = [0] * n, [False] * n  # lost: off-diagonals were left out before the walk came there
        key = tuple([(rule, parents, y.shape) for rule, parents, _, _, y in self.lines])
        self.roots, self.active, self.mixes, self.tied = survey(key, keep == 0)
        _, parents, args, _, first = self.lines[self.active.index(True) if any(self.active) else 0]
        rows = first.ndim > 1 or (first.ndim == 1 and parents[:1] == (None,) and args[0].ndim == 2)
        self.batch = first.shape[0] if rows else 0
        self.layers: list[Layer] = []
        self.dropped: list[Dropped] = []
        self.value, self.g = y, []
        if on_tape(y, tape):
            self.value, self.g = y.value, backward(tape, y.index, ones(y.value), keep=True)
        self.g += [None] * (n - len(self.g))
        for i in range(n - 1, -1, -1):
            if self.lines[i][0] is not None and self.g[i] is not None:
                self.visit(i)

    def visit(self, i: int) -> None:
        """Everything that line i has, to its arguments."""
        rule, parents, _, _, _ = self.lines[i]
        product, simple = rule.key is np.matmul, isinstance(rule, Elementwise)
        if not (simple or product or rule.key in PICKS or rule.key in SUMS):
            raise NotLayeredError(
                f"line {i} ({WRITTEN.get(rule.name, f'np.linalg.{rule.name}')}): no rule carries a curvature through.\n"
                "Move it out of the function, or ask for hessian_diagonal(f), which then takes one column at a time."
            )
        uses: dict[Any, list[int]] = {}  # an elementwise function may have one variable in several arguments
        for slot, p in enumerate(parents):
            if p is not None:
                uses.setdefault(p if simple else slot, []).append(slot)
                self.level[p] = max(self.level[p], self.level[i] + product)
        bends = product or rule is LOGSUMEXP or (simple and any(map(callable, rule.formulas)))
        if not bends and not self.curved(i):
            return
        for a, b in itertools.combinations(itertools.chain(*uses.values()), 2):
            if not simple or parents[a] != parents[b]:
                self.cross(i, a, b)
        if product:
            self.layer(i)
        curved = self.curved(i)
        if curved:
            self.settle(i)
        lost = self.lost[i] or (curved and not self.u[i] and (product or rule.key in SUMS or not self.active[i]))
        for slots in uses.values():
            self.lost[parents[slots[0]]] |= lost
            if curved:
                self.carry(i, slots)
            if bends and self.bends(i):
                self.create(i, slots)
        self.squared[i], self.bent[i], self.u[i] = None, None, {}

    # What is carried, and in which form.

    def samples(self, i: int) -> int:
        """1 if axis 0 of line i is taken for that of the batch, else 0; every step of a u_r is checked for it."""
        y = self.lines[i][4]
        return int(self.active[i] and y.ndim > 0 and y.shape[0] == self.batch)

    def apart(self, i: int) -> bool:
        """Whether at line i no sample of the batch depends on another."""
        samples = self.samples(i)
        return all(
            samples == self.samples(p) and (not samples or keeps_rows(self.lines[i], slot))
            for slot, p in enumerate(self.lines[i][1])
            if p is not None and self.active[p]
        )

    def full(self, i: int, level: int) -> bool:
        """Whether off-diagonals of line i are kept at this level, and can come back to a diagonal further up."""
        wanted = level < self.keep or level == 0 <= self.keep
        return wanted and self.active[i] and any(p is not None and self.mixes[p] for p in self.lines[i][1])

    def bends(self, i: int) -> bool:
        """Whether f'' g counts at line i: for Gauss and Newton only in the loss."""
        return self.bending or self.level[i] == 0

    def curved(self, i: int) -> bool:
        """Whether there is any curvature at line i."""
        return self.squared[i] is not None or self.bent[i] is not None or bool(self.u[i])

    def terms(self, i: int) -> tuple[Any, Any]:
        """The whole diagonal at line i in its two terms; what the loss makes is counted as bent."""
        squared, bent = self.squared[i], self.bent[i]
        for group, u in self.u[i].items():
            spanned = np.sum(wide(self.s[group], u) * u * self.u[i].get(self.mate[group], 0.0), axis=0)
            squared, bent = (added(squared, spanned), bent) if self.level[i] else (squared, added(bent, spanned))
        return squared, bent

    def diagonal(self, i: int) -> Array:
        """The whole diagonal at line i."""
        d = added(*self.terms(i))
        return np.zeros_like(self.g[i]) if d is None else d

    def give(self, to: list[Any], p: int, term: Array | None) -> None:
        """Add to what line p has, through the gate."""
        if term is not None:
            to[p] = added(to[p], project(term, self.lines[p][4]))

    def add_group(self, p: int, factor: Any, s: Array, samples: int, mate: int = 0) -> None:
        """One u_r per unit, times a factor, on line p; s holds the s_r, in the shape of the units."""
        n, units = math.prod(s.shape[samples:]), s.shape[samples:]
        unit = np.reshape(np.eye(n, dtype=s.dtype), (n, *(1,) * samples, *units))
        u = Batch(factor * np.broadcast_to(unit, (n, *s.shape)), next(LEVELS))
        self.u[p][len(self.s)] = project(u, self.lines[p][4]).value
        self.mate.append(len(self.s) + mate)
        self.s.append(np.transpose(np.reshape(s, (s.shape[0], n))) if samples else np.reshape(s, n))

    def spill(self, i: int) -> None:
        """Turn d into u_r, one per unit: its off-diagonals are kept from here on."""
        d = added(self.squared[i], self.bent[i])
        if d is not None:
            self.add_group(i, 1.0, d, self.samples(i))
            self.squared[i] = self.bent[i] = None

    def collapse(self, i: int) -> None:
        """Turn the u_r into a part of d: what they hold beside the diagonal is left out."""
        for group, j in itertools.product(self.u[i], range(i)):
            if self.mate[group] in self.u[j]:
                s, pair = self.s[group], (self.u[i][group], self.u[j][self.mate[group]])
                a, b = (np.sum(np.abs(u), axis=tuple(range(s.ndim, u.ndim))) for u in pair)
                size = relative(2 * s * a * b, self.diagonal(i))
                self.drop(i, f"a value used twice, the other time on the way to line {j}", size)
        (self.squared[i], self.bent[i]), self.u[i] = self.terms(i), {}

    def drop(self, i: int, why: str, size: float) -> None:
        """Report what is left out; raises NotLayeredError where nothing may be."""
        name = self.lines[i][0].name
        if self.exact:
            raise NotLayeredError(f"line {i} ({name}): {why}; this cannot be carried exactly.")
        self.dropped.append(Dropped(i, name, why, size))

    # What happens at a line.

    def cross(self, i: int, a: int, b: int) -> None:
        """Two arguments of line i: their cross term, if an input is common to both, as u_r or into the report."""
        line, (p, q) = self.lines[i], (self.lines[i][1][a], self.lines[i][1][b])
        common = self.roots[p] & self.roots[q]
        if not common:
            return
        bent: Any = bend(line, self.g[i], [a], [b]) if self.bends(i) else None
        if bent is None and not self.curved(i):
            return
        wanted = self.level[i] < self.keep or self.level[i] == 0 <= self.keep
        layered = self.active[p] and self.active[q] and not common & self.tied and line[0].key is not np.matmul
        if wanted and layered and self.apart(i):
            for to, mate in ((p, 1), (q, -1)) if bent is not None else ():  # f_ab (u v^T + v u^T), twice
                self.add_group(to, 1.0, np.broadcast_to(bent, line[4].shape), self.samples(i), mate)
            self.spill(i)
        else:
            why = "one value in two arguments" if p == q else f"lines {p} and {q} depend on one input"
            stays = np.abs(self.row_sums(i, a, a)).sum() + np.abs(self.row_sums(i, b, b)).sum()
            unknown = common & self.tied and (self.lost[i] or self.u[i])
            size = math.nan if unknown else relative(2 * self.row_sums(i, a, b), stays)
            if size or self.exact:
                self.drop(i, why, size)

    def row_sums(self, i: int, a: int, b: int) -> Array:
        """The curvature that line i makes between its arguments a and b, summed over the entries of b."""
        line: Any = self.lines[i]
        rule, _, args, params, y = line
        step = [ones(x) if k == b else None for k, x in enumerate(args)]
        through = rule.vjp(a, self.diagonal(i) * spread(rule.jvp(step, y, args, params), y), y, args, params)
        return project(added(through, bend(line, self.g[i], [a], [b])), args[a])

    def layer(self, i: int) -> None:
        """Note the curvature of a pre-activation; with an output given, take that for the first one's."""
        g: Any = self.g[i]
        if self.output is not None and not self.layers:
            if np.shape(self.output) not in ((), g.shape):
                raise RefusalError(f"output has shape {np.shape(self.output)}, and the network's output {g.shape}.")
            self.squared[i], self.bent[i], self.u[i] = None, np.broadcast_to(self.output, g.shape), {}
        squared, bent = self.terms(i)
        whole = added(squared, bent)
        roots = {self.roots[p] for p in self.lines[i][1] if p is not None and not self.active[p]}
        argnum = self.owner.get(roots.pop()) if len(roots) == 1 else None
        self.layers.append(Layer(i, argnum, g, *[np.zeros_like(g) if d is None else d for d in (whole, squared, bent)]))
        if not self.u[i] and not self.split:
            self.squared[i], self.bent[i] = whole, None

    def settle(self, i: int) -> None:
        """Where entries or samples mix: d becomes u_r if off-diagonals are kept from there, else u_r become d."""
        level, key = self.level[i], self.lines[i][0].key
        product, mixer = key is np.matmul, key in SUMS
        if (self.u[i] or mixer or self.keep > 0) and not self.apart(i):
            self.drop(i, "rows of the batch meet", self.batch - 1)
            self.collapse(i)
        elif (product and self.full(i, level + 1)) or (mixer and self.full(i, level)):
            self.spill(i)
        elif product and level >= self.keep:
            self.collapse(i)

    def carry(self, i: int, slots: Sequence[int]) -> None:
        """d and the u_r of line i to its argument at `slots`; to weights, which add up samples, u_r as squares."""
        line, slot, p = self.lines[i], slots[0], self.lines[i][1][slots[0]]
        rule, _, args, params, y = line
        pull, product, weights = squares(line, slots), rule.key is np.matmul, not self.active[p]
        # Below diagonals alone samples may be columns: W and b of W @ X + b are used once in each.
        full, turned = self.keep > 0 or self.u[i], args[slot].ndim == y.ndim == 2 and len(args[slot]) == len(y)
        if weights and (full or (self.lost[i] and not turned)) and not used_once(line, slot, self.samples(i)):
            self.drop(i, "weights that enter several entries of a sample, or one another", math.nan)
        squared, bent = self.terms(i) if weights else (self.squared[i], self.bent[i])
        if product and not (weights and self.split):
            squared, bent = added(squared, bent), None
        for to, d in ((self.squared, squared), (self.bent, bent)):
            self.give(to, p, None if d is None else pull(d))
        for group, u in () if weights else self.u[i].items():
            for slot in slots:
                v = project(rule.vjp(slot, Batch(u, next(LEVELS)), y, args, params), args[slot]).value
                self.u[p][group] = added(self.u[p].get(group), v)

    def create(self, i: int, slots: Sequence[int]) -> None:
        """The curvature f'' g that line i makes in its argument at `slots`."""
        line, p = self.lines[i], self.lines[i][1][slots[0]]
        g: Any = self.g[i]
        rule, _, args, params, y = line
        bent: Any = bend(line, g, slots, slots)
        if rule is LOGSUMEXP:  # g (diag(p) - p p^T)
            share, apart = rule.vjp(0, ones(y), y, args, params), self.apart(i)
            g = np.reshape(g, [1 if k in params["axis"] else n for k, n in enumerate(share.shape)])
            bent = g * share
            if not apart:
                self.drop(i, "rows of the batch meet", self.batch - 1)
            if apart and self.full(i, self.level[i]):
                self.add_group(p, share, -g, self.samples(p))
            else:
                bent = bent - g * share * share
                self.lost[p] = True
        self.give(self.bent, p, bent)


# --- what one asks for -----------------------------------------------------------------------------------------------


def alone(argnums: Argnums, found: Sequence[Any]) -> Any:
    """One array for one argument, a tuple for several."""
    return found[0] if isinstance(argnums, (int, np.integer)) else tuple(found)


def walk(f: Function, argnums: Argnums, args: Sequence[Any], keep: int, **how: Any) -> Curvature:
    """One evaluation of f, which returns one number, one `Walk` over its list, and what it found."""
    state = Walk(f, argnums, args, keep, **how)
    n = state.inputs

    def each(found: list[Any]) -> Any:
        return alone(argnums, [zeros(state.lines[k][4]) if a is None else own(a) for k, a in enumerate(found[:n])])

    terms = (each(state.squared), each(state.bent)) if state.split else (None, None)
    diagonal = list(map(added, state.squared[:n], state.bent[:n]))
    return Curvature(state.value, each(state.g), each(diagonal), terms[0], terms[1], state.layers, state.dropped)


def becker_lecun(
    f: Function, argnums: Argnums = 0, terms: bool = False, output: Array | None = None
) -> Callable[..., Curvature]:
    """A function that returns value, gradient and Becker-LeCun diagonal of f, which returns one number.

    With terms=True the diagonal comes as its two terms as well, `squared` and `bent`; output is a diagonal to start
    from at the network's output, not the loss's own. Raises RefusalError for operations that carry no curvature.
    Source: Becker & LeCun 1989, "Improving the convergence of back-propagation learning with second order methods".
    """
    return lambda *args: walk(f, argnums, args, -1, terms=terms, output=output)


def hesscale(f: Function, argnums: Argnums = 0, keep: int = 0, terms: bool = False) -> Callable[..., Curvature]:
    """As `becker_lecun`, with the loss taken exactly, and full matrices in the top `keep` layers.

    keep=0 is HesScale (Elsayed et al. 2022). From the number of hidden layers on it is exact but for what is `dropped`.
    """
    if not isinstance(keep, (int, np.integer)) or keep < 0:
        raise RefusalError(f"hesscale(keep={keep!r}): keep is a number of layers, 0 or more.")
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
        state = Walk(f, argnums, args, EVERYTHING)
        found: list[Any] = [None] * state.inputs
        for layer in state.layers:
            _, parents, factors, _, y = state.lines[layer.line]
            for slot, p in enumerate(parents):
                if p is not None and p < state.inputs and factors[slot].ndim == 2 and (slot == 1 or y.ndim == 1):
                    z, h = np.atleast_2d(factors[1 - slot]), np.atleast_2d(layer.diagonal)
                    found[p] = added(found[p], np.einsum("nj,ni,nk->jik", h, z, z))
        if any(block is None for block in found):
            raise RefusalError("neuron_blocks takes the weight matrices of layers X @ W or W @ x, and nothing else.")
        return alone(argnums, found)

    return blocks
