"""Calls for every row of the table whose arguments are not just numbers to be drawn from a domain."""

import numpy as np

from autodiff.rule import TABLE, call
from autodiff.testing import generated, sample


def regular(n, batch=(), seed=0):
    """Well-conditioned square matrices."""
    return sample((*batch, n, n), (-0.5, 0.5), seed) + 2 * np.eye(n)


A, B, V, T = sample((3, 4)), sample((4, 2), seed=1), sample((4,), seed=2), sample((2, 3, 4), seed=3)


def positive(n, batch=()):
    """Well-conditioned symmetric matrices with distinct eigenvalues."""
    a = sample((*batch, n, n), (-0.3, 0.3), 1)
    return a + np.swapaxes(a, -1, -2) + np.diag(np.arange(2.0, n + 2))


def even(a):
    """The symmetric part, so that differences of entries alone are differences of symmetric matrices."""
    return (a + np.swapaxes(a, -1, -2)) / 2


def along(f):
    return [(lambda x, a=a: f(x, axis=a), (T,)) for a in (None, 0, 1, -1)]


def pieces(f, *how, x=None):
    """np.split and its kin, each piece weighted differently."""
    return [(lambda x, h=h: np.concatenate([np.ravel(p) * (k + 2) for k, p in enumerate(f(x, *h))]), (x,)) for h in how]


MASK = np.array([[True, False, True, True], [False, False, True, False], [True, True, False, True]])
CASES = {
    np.where: [
        (lambda a, b: np.where(MASK, a, b), (A, V)),
        (lambda a, b: np.where(MASK, a, b), (sample(), sample((3, 1), seed=1))),
        (lambda a: np.where(MASK, a, 0.0), (V,)),
    ],
    "euclidean": [
        (lambda x, a=a, k=k: np.linalg.norm(x, axis=a, keepdims=k), (T,)) for a in (0, -1, (0, 2)) for k in (0, 1)
    ],
    np.heaviside: [
        (np.heaviside, (A, V)),
        (np.heaviside, (V, A)),
        (lambda b: np.heaviside(np.array([0.0, 1.0, -1.0, 0.0]), b), (A,)),
    ],
    np.matvec: [(np.matvec, (A, V)), (np.matvec, (T, A[:2]))],
    np.vecmat: [(np.vecmat, (V, B)), (np.vecmat, (A[:2, :3], T))],
    np.cumsum: along(np.cumsum),
    np.cumprod: [*along(np.cumprod), (np.cumprod, (sample((1,)),)), (np.cumprod, (np.array([2.0, 0, 3, 0, 1.5]),))],
    **{
        f: [
            case
            for a in (0, 1, (0, 2), -1, None)
            for case in (
                (lambda x, a=a, f=f: f(x, axis=a), (T,)),
                (lambda x, a=a, f=f: f(x, axis=a, keepdims=True, ddof=1), (T,)),
            )
        ]
        for f in (np.var, np.std)
    },
    np.median: [
        (lambda x, a=a, k=k: np.median(x, axis=a, keepdims=k), (T,))
        for a in (None, 0, 1, -1, (0, -1), (2, 0, 1))
        for k in (0, 1)
    ],
    np.nansum: [
        *along(np.nansum),
        (lambda x: np.nansum(np.where(np.isnan(np.array([1, np.nan])), np.nan, x)), (V[:2],)),
    ],
    np.real: [(np.real, (A,))],
    np.imag: [(lambda x: x * np.imag(x) + x.imag, (A,))],
    np.full_like: [(lambda x: np.full_like(x, x[0, 0]) * x, (A,)), (lambda x: np.full_like(x, x[0]), (A,))],
    np.sinc: [(np.sinc, (A,)), (np.sinc, (np.array([0.0, 1e-9, 1e-3, 0.3, 0.33, 0.5]),))],
    np.cross: [(np.cross, (A[:, :3], V[:3]))],
    np.linalg.cross: [(np.linalg.cross, (V[:3], V[1:]))],
    np.linalg.matrix_norm: [(lambda x, o=o: np.linalg.matrix_norm(x, ord=o), (T,)) for o in ("fro", 1, -np.inf)],
    np.unstack: [(lambda x, a=a: np.unstack(x, axis=a)[1] * 2 + np.unstack(x, axis=a)[0], (T,)) for a in (0, -1)],
    np.diff: [(lambda x, n=n, a=a: np.diff(x, n, a), (T,)) for n in (1, 2) for a in (0, -1)],
    np.ptp: along(np.ptp),
    np.average: [
        *along(np.average),
        (lambda x, w: np.average(x, weights=w), (A, A + 5)),
        (lambda x, w: np.average(x, axis=-1, weights=w), (T, V + 5)),
        (lambda x, w: np.average(x, axis=1, weights=w), (T, T + 5)),
        (lambda x: np.average(x, axis=0, weights=[1.0, 2, 3]), (A,)),
    ],
    np.matmul: [
        (np.matmul, pair)
        for pair in [
            (A, B),
            (V, V + 1),
            (A, V),
            (V, B),
            (T, B),
            (V, T.swapaxes(1, 2)),
            (T, V),
            (A, T.swapaxes(1, 2)),
            (T[:, None], sample((3, 4, 2), seed=4)),
            (T[:1], sample((5, 4, 2), seed=4)),
            (sample((1, 1)), sample((1, 3))),
        ]
    ],
    np.dot: [
        (np.dot, pair)
        for pair in [(A, B), (V, V), (A, V), (2.0, A), (T, V), (T, B), (V, T.swapaxes(1, 2)), (T, sample((5, 4, 2)))]
    ],
    np.vdot: [(np.vdot, (A, A + 1)), (np.vdot, (V, V))],
    np.inner: [(np.inner, pair) for pair in [(V, V), (A, T), (T, V), (3.0, A)]],
    np.outer: [(np.outer, pair) for pair in [(V, sample((3,))), (A, B), (2.0, V)]],
    np.kron: [(np.kron, pair) for pair in [(A, B), (V, V), (V, A), (T, V), (2.0, A)]],
    np.tensordot: [
        (lambda a, b, axes=axes: np.tensordot(a, b, axes), pair)
        for axes, pair in [
            (1, (A, B)),
            (0, (V, A)),
            (2, (T, sample((3, 4, 5)))),
            (((0, 2), (2, 0)), (T, sample((4, 5, 2)))),
            (([2, 0], [1, 2]), (T, sample((5, 4, 2)))),
            ((-1, 0), (T, B)),
            (3, (T, T)),
        ]
    ],
    np.einsum: [
        (lambda *xs, s=s: np.einsum(s, *xs), xs)
        for s, xs in [
            ("ij,jk->ik", (A, B)),
            ("ij,jk->ik", (sample((3, 1)), B)),
            ("ij,jk->ik", (A, sample((1, 2)))),
            ("i,i->", (sample((1,)), V)),
            ("ij,ij->j", (sample((1, 4)), A)),
            ("ij,ij->", (sample((3, 1)), sample((1, 4)))),
            ("ii,i->", (sample((1, 1)), V)),
            ("...i,...i->...", (sample((3, 1)), A)),
            ("ij,jk", (A, B)),
            ("ii", (A[:, :3],)),
            ("ii->i", (A[:, :3],)),
            ("ij->ji", (A,)),
            ("ij->", (A,)),
            ("ij->j", (A,)),
            ("...j,jk->...k", (T, B)),
            ("...ij,...j", (T, V)),
            ("i,j,k->kij", (V, V[:2], V[:3])),
            ("iij->j", (sample((3, 3, 2)),)),
            ("ij,ij->i", (A, A[:1])),
            ("...,...->...", (A, V)),
            ("i,i,i->", (V, V, V)),
            ("ij,kj->ik", (A, A + 1)),
            ("iji->j", (sample((2, 3, 2)),)),
            (" b i j , b j -> b i ", (T, sample((2, 4)))),
            ("iii->i", (sample((2, 2, 2)),)),
            ("ba", (A,)),
            ("i,->i", (V, 2.0)),
        ]
    ],
    np.reshape: [(lambda x, s=s, o=o: np.reshape(x, s, order=o), (T,)) for s in ((4, 6), -1, (2, -1)) for o in "CF"],
    np.ravel: [(lambda x, o=o: np.ravel(x, order=o), (T,)) for o in "CF"],
    np.transpose: [(lambda x, a=a: np.transpose(x, a), (T,)) for a in (None, (1, 2, 0), (-1, 0, -2), (2, 0, 1))]
    + [(lambda x: np.transpose(x, (-1, 0)), (A[:, :3],)), (lambda x: x.T, (A,)), (np.transpose, (V,))],
    np.broadcast_to: [(lambda x: np.broadcast_to(x, (5, 3, 4)), (x,)) for x in (A, V, sample((3, 1)), sample())],
    "astype": [(lambda x: x.astype(np.float64), (A,))],
    np.swapaxes: [(lambda x: np.swapaxes(x, 0, -1), (T,))],
    np.moveaxis: [(lambda x, s=s, d=d: np.moveaxis(x, s, d), (T,)) for s, d in ((0, -1), (-1, 0), ((0, 1), (-1, 0)))],
    np.matrix_transpose: [(np.matrix_transpose, (T,))],
    np.expand_dims: [(lambda x, a=a: np.expand_dims(x, a), (A,)) for a in (0, -1, 1, (0, -1), (1, 2))],
    np.squeeze: [(lambda x, a=a: np.squeeze(x, a), (sample((1, 3, 1)),)) for a in (None, 0, -1, (0, 2))],
    np.atleast_1d: [(np.atleast_1d, (x,)) for x in (2.0, V)],
    np.atleast_2d: [(np.atleast_2d, (x,)) for x in (2.0, V, A)],
    np.atleast_3d: [(np.atleast_3d, (x,)) for x in (2.0, V, A)],
    np.rollaxis: [(lambda x: np.rollaxis(x, 2), (T,)), (lambda x: np.rollaxis(x, 1, 3), (T,))],
    np.copy: [(np.copy, (A,))],
    np.concatenate: [(lambda a, b, ax=ax: np.concatenate([a, b, a], axis=ax), (A, A + 1)) for ax in (0, 1, -1, None)]
    + [(lambda a: np.concatenate([a, np.ones((2, 4))]), (A,))],
    np.stack: [(lambda a, b, ax=ax: np.stack([a, b, b], axis=ax), (A, A + 1)) for ax in (0, 1, 2, -1)]
    + [(lambda a, b: np.stack([a, b, 1.0]), (2.0, 3.0))],
    np.hstack: [(lambda a, b: np.hstack([a, b]), p) for p in ((V, V[:2]), (A, A[:, :2]), (2.0, 3.0))],
    np.vstack: [(lambda a, b: np.vstack([a, b]), p) for p in ((V, A), (A, A[:2]))],
    np.dstack: [(lambda a, b: np.dstack([a, b]), p) for p in ((V, V), (A, A + 1))],
    np.append: [(np.append, (V, A)), (lambda a, b: np.append(a, b, axis=0), (A, A[:1]))],
    np.split: pieces(np.split, (2,), ([1, 3],), x=V) + pieces(np.split, (3, 1), ([1], -1), ([1, 1, 5], -1), x=T),
    np.array_split: pieces(np.array_split, (3,), x=V) + pieces(np.array_split, (2, -1), (5, 1), x=T),
    np.hsplit: pieces(np.hsplit, (2,), x=V) + pieces(np.hsplit, ([1],), x=A),
    np.vsplit: pieces(np.vsplit, (3,), ([1],), x=A),
    np.dsplit: pieces(np.dsplit, (2,), ([1, 2],), x=T),
    np.pad: [
        (lambda x, w=w, m=m: np.pad(x, w, m), (A,))
        for m in ("constant", "edge", "reflect", "symmetric", "wrap")
        for w in (1, (2, 0), ((0, 1), (2, 2)), ((3, 0), (4, 5)))
    ]
    + [
        (lambda x: np.pad(x, 2, constant_values=7.0), (V,)),
        (lambda x: np.pad(x, ((1, 2), (0, 1)), constant_values=((1, 2), (3, 4))), (A,)),
        (lambda x: np.pad(x, 3, "reflect", reflect_type="even"), (V,)),
    ],
    np.delete: [(lambda x: np.delete(x, [0, 2], axis=1), (T,)), (lambda x: np.delete(x, 1), (A,))],
    np.resize: [(lambda x: np.resize(x, (5, 4)), (A,))],
    np.rot90: [(np.rot90, (A,)), (lambda x: np.rot90(x, -1, (0, 2)), (T,))],
    np.column_stack: [(lambda a, b: np.column_stack([a, b]), p) for p in ((V, V), (V[:3], A), (A, A))],
    "getitem": [
        (lambda x, i=i: x[i], (T,))
        for i in [
            1,
            -1,
            slice(None, None, 2),
            slice(None, None, -1),
            Ellipsis,
            None,
            (0, 1, 2),
            (Ellipsis, 1),
            (slice(1), None, 2),
            [0, 1, 1, 0],
            (np.array([0, 1, 1]), np.array([2, 2, 2])),
            T > 0,
            np.array([True, False]),
            (Ellipsis, [3, 3, 0]),
            (slice(None), np.array([[0, 2], [2, 2]]), slice(1, 3)),
            np.array([-1, 0, -1]),
        ]
    ],
    "scatter": [
        (lambda x, i=i: call(TABLE["scatter"], (x,), {"index": i, "shape": (4, 4)}), (x,))
        for i, x in [([0, 1, 1], A), (slice(0, 3), A), (np.eye(4, dtype=bool), V), ((0, [1, 1, 1, 3]), V)]
    ],
    np.flip: [(lambda x, a=a: np.flip(x, a), (T,)) for a in (None, 0, -1, (0, 2))],
    np.fliplr: [(np.fliplr, (A,))],
    np.flipud: [(np.flipud, (A,))],
    np.roll: [
        (lambda x, s=s, a=a: np.roll(x, s, a), (T,))
        for s, a in ((1, None), (-2, 1), (5, -1), ((1, 2), (0, -1)), (1, (0, 1)))
    ],
    np.repeat: [
        (lambda x, r=r, a=a: np.repeat(x, r, a), (A,)) for r, a in ((2, None), (2, 0), (3, -1), ([1, 0, 2], 0))
    ],
    np.tile: [(lambda x, r=r: np.tile(x, r), (x,)) for r in (2, (2, 1), (2, 1, 3), (0, 2)) for x in (A, V)],
    np.tril: [(lambda x, k=k: np.tril(x, k), (x,)) for k in (0, 1, -1) for x in (A, T)],
    np.triu: [(lambda x, k=k: np.triu(x, k), (x,)) for k in (0, 1, -1) for x in (A, T)],
    np.vecdot: [(np.vecdot, (A, V)), (np.vecdot, (T, A))],
    np.cumulative_sum: [(np.cumulative_sum, (V,)), (lambda x: np.cumulative_sum(x, axis=1), (T,))],
    np.take: [(lambda x, a=a: np.take(x, [0, 2, 2], a), (A,)) for a in (None, 0, 1, -1)],
    np.take_along_axis: [(lambda x, a=a: np.take_along_axis(x, np.argsort(T, a), a), (T,)) for a in (0, 1, -1)],
    np.sort: [(lambda x, a=a: np.sort(x, axis=a), (T,)) for a in (None, 0, -1, -2)],
    np.diagonal: [(lambda x, o=o: np.diagonal(x, o), (T,)) for o in (0, 1, -1)]
    + [(lambda x: np.diagonal(x, 1, -1, 0), (T,))],
    np.trace: [(lambda x, o=o: np.trace(x, o), (A,)) for o in (0, 1, -2)]
    + [(lambda x: np.trace(x, axis1=-1, axis2=1), (T,))],
    np.diag: [(lambda x, k=k: np.diag(x, k), (x,)) for x in (V, A, A.T) for k in (0, 1, -1)],
    np.diagflat: [(np.diagflat, (A,)), (lambda x: np.diagflat(x, -1), (V,))],
    np.cumulative_prod: [(np.cumulative_prod, (V,)), (lambda x: np.cumulative_prod(x, axis=1), (T,))],
    np.linalg.vecdot: [(np.linalg.vecdot, (T, V)), (lambda a, b: np.linalg.vecdot(a, b, axis=0), (A, A + 1))],
    np.linalg.outer: [(np.linalg.outer, (V, V[:3]))],
    np.linalg.matmul: [(np.linalg.matmul, (T, B))],
    np.linalg.tensordot: [(lambda a, b: np.linalg.tensordot(a, b, axes=1), (A, B))],
    np.linalg.matrix_transpose: [(np.linalg.matrix_transpose, (T,))],
    np.linalg.diagonal: [(lambda x, o=o: np.linalg.diagonal(x, offset=o), (T,)) for o in (0, 1, -1)],
    np.linalg.trace: [(lambda x, o=o: np.linalg.trace(x, offset=o), (T,)) for o in (0, 1, -1)],
    np.linalg.vector_norm: [
        (lambda x, a=a, k=k, o=o: np.linalg.vector_norm(x, axis=a, keepdims=k, ord=o), (A,))
        for a in (None, 0, -1)
        for k in (False, True)
        for o in (1, 2, 3)
    ],
    np.linalg.inv: [(np.linalg.inv, (regular(3),)), (np.linalg.inv, (regular(2, (3,)),))],
    np.linalg.det: [
        *((np.linalg.det, (m,)) for m in (np.ones((3, 3)), np.zeros((2, 2)), np.array([[0.0]]), np.diag([1.0, 0, 2]))),
        (np.linalg.det, (regular(3),)),
        (np.linalg.det, (regular(2, (3,)),)),
    ],
    np.linalg.slogdet: [(lambda x: np.linalg.slogdet(x)[1], (m,)) for m in (regular(3), -regular(3), regular(2, (3,)))],
    "logabsdet": [(lambda x: np.linalg.slogdet(x).logabsdet, (m,)) for m in (regular(3), regular(2, (3,)))],
    np.linalg.cholesky: [
        (lambda x, u=u: np.linalg.cholesky(even(x), upper=u), (m,))
        for m in (positive(3), positive(2, (3,)))
        for u in (False, True)
    ],
    np.linalg.eigvalsh: [(lambda x: np.linalg.eigvalsh(even(x)), (m,)) for m in (positive(3), positive(2, (3,)))],
    np.linalg.eigh: [
        (lambda x, u=u: np.linalg.eigh(even(x), u).eigenvectors, (m,))
        for m in (positive(3), positive(2, (3,)))
        for u in "LU"
    ],
    "eigh": [(lambda x: np.linalg.eigh(even(x))[1] @ np.linalg.eigh(even(x))[0], (positive(4),))],
    np.linalg.matrix_power: [(lambda x, n=n: np.linalg.matrix_power(x, n), (regular(3),)) for n in (0, 1, 3, -2)],
    np.linalg.multi_dot: [(lambda a, b, c: np.linalg.multi_dot([a, b, c]), (A, B, B.T))],
    np.linalg.solve: [
        (np.linalg.solve, pair)
        for pair in [
            (regular(4), V),
            (regular(4), B),
            (regular(4, (3,)), sample((3, 4, 2))),
            (regular(4, (3,)), V),
            (regular(4), sample((3, 4, 2))),
        ]
    ]
    + [(lambda a: np.linalg.solve(a, V), (regular(4),)), (lambda b: np.linalg.solve(regular(4), b), (V,))],
    np.linalg.norm: [
        (lambda x, o=o, a=a, k=k: np.linalg.norm(x, o, a, k), (T,))
        for k in (False, True)
        for o, a in [
            (None, None),
            (None, 1),
            (2, -1),
            ("fro", (0, 1)),
            (None, (-1, 0)),
            (1, 0),
            (3, -1),
            (np.inf, 1),
            (-np.inf, 1),
            (1, (0, 1)),
            (np.inf, (0, 2)),
            (-1, (1, 2)),
            (-np.inf, (-1, 0)),
            (1.5, 2),
            (0, 1),
        ]
    ]
    + [(np.linalg.norm, (V,)), (lambda x: np.linalg.norm(x, 1), (A,))],
}


def cases(rule):
    """Calls (f, args) that exercise one row of the table."""
    return CASES[rule.key] if rule.key in CASES else generated(rule)


CASES["solve"] = CASES[np.linalg.solve]
CASES["cholesky"] = CASES[np.linalg.cholesky]
