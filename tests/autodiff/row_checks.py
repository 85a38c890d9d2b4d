"""What must hold for an operation, checked by witnesses that do not share its formula.

`check(f, args)` raises AssertionError, naming the property, unless f is differentiated rightly at args:
the tangent against Richardson-extrapolated differences of f, the adjoint against the tangent (<w, J u> = <J^T w, u>),
shapes, dtypes, and the same once more for the gradient of f.

`CASES` has calls for every row of the table whose arguments are not just numbers to be drawn from a domain.
"""

import numpy as np

import autodiff as ad
from autodiff.rule import REAL, TABLE, Elementwise, call


def sample(shape=(), domain=REAL, seed=0, dtype=float):
    """Distinct numbers inside the domain, none of them 0, an integer or a half-integer: no kink, no tie, no jump."""
    low, high = domain
    size = int(np.prod(shape))
    places = np.random.default_rng(seed).permutation(max(size, 97))[:size]
    offset = (0.31, 0.44, 0.56, 0.69, 0.81)[seed % 5]  # away from eighths, where the half-integers of REAL lie
    return np.reshape(low + (high - low) * (places + offset) / max(size, 97), shape).astype(dtype)[()]


def dot(a, b):
    return float(np.sum(np.asarray(a) * np.asarray(b)))


def differences(f, args, tangents, h=1e-3):
    """d/dt f(args + t tangents) at 0: central differences of steps h and h/2, extrapolated (Richardson)."""

    def central(step):
        up = f(*(x + step * t for x, t in zip(args, tangents, strict=True)))
        down = f(*(x - step * t for x, t in zip(args, tangents, strict=True)))
        return (up - down) / (2 * step)

    return (4 * central(h / 2) - central(h)) / 3


def close(found, expected, what, rtol=1e-6):
    scale = 1 + np.max(np.abs(expected), initial=0)
    worst = np.max(np.abs(np.asarray(found) - expected), initial=0) / scale
    assert worst < rtol, f"{what}: off by {worst:.2g} relative to {scale:.2g}"


def check_first(f, args):
    """Value, tangent, adjoint, shapes and dtypes of f at float64 args."""
    rng = np.random.default_rng(1)
    tangents = [rng.uniform(0.5, 1.0, np.shape(x)) * rng.choice([-1, 1], np.shape(x)) for x in args]
    plain = f(*args)
    value, tangent = ad.jvp(f, args, tangents)
    again, pullback = ad.vjp(f, *args)
    close(value, plain, "the value while pushing", 1e-14)
    close(again, plain, "the value while recording", 1e-14)
    assert np.shape(tangent) == np.shape(plain), f"the tangent has shape {np.shape(tangent)}, not {np.shape(plain)}"
    close(tangent, differences(f, args, tangents), "the tangent against differences")
    w = rng.uniform(0.5, 1.0, np.shape(plain)) * rng.choice([-1, 1], np.shape(plain))
    adjoints = pullback(w)
    for x, g in zip(args, adjoints, strict=True):
        assert np.shape(g) == np.shape(x), f"the adjoint has shape {np.shape(g)}, not {np.shape(x)}"
        assert g.dtype == np.float64
    here, there = dot(w, tangent), sum(dot(g, u) for g, u in zip(adjoints, tangents, strict=True))
    assert abs(here - there) <= 1e-10 * (1 + abs(here)), f"<w, J u> = {here} but <J^T w, u> = {there}"
    return w


def check(f, args, second=True):
    """`check_first` for f, for the gradient of <w, f>, and the dtypes of f at float32 args."""
    args = tuple(np.asarray(x, float)[()] for x in args)
    w = check_first(f, args)
    check_float32(f, args, w)
    if second:
        for i in range(len(args)):
            check_first(ad.grad(lambda *xs: np.sum(w * f(*xs)), i), args)


def check_float32(f, args, w):
    """float32 in, float32 out, and the numbers those of float64."""
    narrow = tuple(np.asarray(x, np.float32)[()] for x in args)
    exact = ad.vjp(f, *args)[1](w)
    value, pullback = ad.vjp(f, *narrow)
    for g, e in zip(pullback(np.asarray(w, value.dtype)), exact, strict=True):
        assert g.dtype == np.float32, f"the adjoint of a float32 argument is {g.dtype}"
        close(g, e, "the float32 adjoint", 2e-3)
    pushed, tangent = ad.jvp(f, narrow, narrow)
    assert tangent.dtype == pushed.dtype, f"a {pushed.dtype} value has a {tangent.dtype} tangent"


def as_written(rule):
    """The function that students write for this row."""
    return rule.key if callable(rule.key) else lambda *args: call(rule, args, {})


def domains(rule):
    """One interval per argument."""
    count = len(rule.partials)
    return rule.domain if isinstance(rule.domain[0], tuple) else (rule.domain,) * count


def regular(n, batch=(), seed=0):
    """Well-conditioned square matrices."""
    return sample((*batch, n, n), (-0.5, 0.5), seed) + 2 * np.eye(n)


A, B, V, T = sample((3, 4)), sample((4, 2), seed=1), sample((4,), seed=2), sample((2, 3, 4), seed=3)
FLAT = [0, 1, (0, 1), -1, (-1, -3), None]
along = [
    lambda f, axis=axis, k=k: (lambda x: f(x, axis=axis, keepdims=k), (T,)) for axis in FLAT for k in (False, True)
]


def reductions(f):
    return [make(f) for make in along] + [(lambda x: f(x), (sample(),)), (lambda x: f(x), (A,))]


MASK = np.array([[True, False, True, True], [False, False, True, False], [True, True, False, True]])
CASES = {
    np.where: [
        (lambda a, b: np.where(MASK, a, b), (A, V)),
        (lambda a, b: np.where(MASK, a, b), (sample(), sample((3, 1), seed=1))),
        (lambda a: np.where(MASK, a, 0.0), (V,)),
    ],
    **{f: reductions(f) for f in (np.sum, np.mean, np.prod, np.max, np.amax, np.min, np.amin, np.var, np.std)},
    "logsumexp": reductions(ad.logsumexp),
    "euclidean": [
        (lambda x, a=a, k=k: np.linalg.norm(x, axis=a, keepdims=k), (T,)) for a in (0, -1, (0, 2)) for k in (0, 1)
    ],
    np.cumsum: [(lambda x, a=a: np.cumsum(x, axis=a), (T,)) for a in (None, 0, 1, -1)],
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
    np.copy: [(np.copy, (A,))],
    np.concatenate: [(lambda a, b, ax=ax: np.concatenate([a, b, a], axis=ax), (A, A + 1)) for ax in (0, 1, -1, None)]
    + [(lambda a: np.concatenate([a, np.ones((2, 4))]), (A,))],
    np.stack: [(lambda a, b, ax=ax: np.stack([a, b, b], axis=ax), (A, A + 1)) for ax in (0, 1, 2, -1)]
    + [(lambda a, b: np.stack([a, b, 1.0]), (2.0, 3.0))],
    np.hstack: [(lambda a, b: np.hstack([a, b]), p) for p in ((V, V[:2]), (A, A[:, :2]), (2.0, 3.0))],
    np.vstack: [(lambda a, b: np.vstack([a, b]), p) for p in ((V, A), (A, A[:2]))],
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
    np.linalg.det: [(np.linalg.det, (regular(3),)), (np.linalg.det, (regular(2, (3,)),))],
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
    np.maximum: [(np.maximum, (A, V)), (lambda x: np.maximum(x, 0.0), (A,)), (lambda x: np.maximum(0.0, x), (A,))],
    np.minimum: [(np.minimum, (A, V)), (lambda x: np.minimum(x, 0.5), (A,)), (lambda x: np.minimum(0.5, x), (A,))],
    "threshold_below": [(lambda x: np.maximum(x, 0.3), (A,))],
    "threshold_above": [(lambda x: np.minimum(x, 0.3), (A,))],
}


def cases(rule):
    """Calls (f, args) that exercise one row of the table."""
    if rule.key in CASES:
        return CASES[rule.key]
    if not isinstance(rule, Elementwise):
        raise LookupError(f"{rule!r} has no cases: add some to CASES")
    f, where = as_written(rule), domains(rule)
    shapes = [[(3, 1), (1, 4), (4,)], [(), (2, 3), (3,)], [(2, 3), (), (2, 1)], [(), (), ()]]
    return [(f, tuple(sample(s, d, k) for k, (s, d) in enumerate(zip(row, where, strict=False)))) for row in shapes]
