"""Ordinary NumPy functions x shapes x axes, by autodiff and by HIPS autograd: `python -m benchmarks.sweep`.

A check is one call with one array argument. It is right if the pullback of a random w has the shape of the argument and
<J^T w, u> is what differences say of <w, J u>, and if the pushed tangent is J u; wrong if not; raising if it raises.
Every engine is asked in the same words, HIPS autograd through its own `autograd.numpy`.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.testing import differences, dot, sample

Function = Callable[[Any, Any], Any]  # of an array namespace and an array
Case = tuple[str, Function, Any]

SHAPES = [(), (3,), (1, 3), (3, 4), (2, 3, 4)]
UNARY = [
    "exp",
    "expm1",
    "exp2",
    "sin",
    "cos",
    "tanh",
    "sinh",
    "cosh",
    "arctan",
    "arcsinh",
    "square",
    "negative",
    "absolute",
    "sinc",
    "floor",
    "ceil",
    "sign",
    "rint",
]
POSITIVE = ["log", "log1p", "log2", "log10", "sqrt", "reciprocal"]
WITHIN_ONE = ["arcsin", "arccos", "arctanh", "tan"]
BINARY = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "power",
    "maximum",
    "minimum",
    "logaddexp",
    "arctan2",
    "hypot",
    "fmax",
    "fmin",
]
PAIRS = [((3,), (3,)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((), (2, 3)), ((2, 3, 4), (1, 4)), ((1,), (3, 4))]
REDUCTIONS = ["sum", "mean", "prod", "max", "min", "var", "std"]
MASK = np.array([[True, False, True, True], [False, False, True, False], [True, True, False, True]])


def axes(ndim: int) -> list[Any]:
    """Every way to name axes of an array: none, one from either end, pairs."""
    single = list(range(-ndim, ndim))
    return [None, *single, *itertools.combinations(range(ndim), 2), *([(-1, 0)] if ndim > 1 else [])]


def elementwise() -> Iterator[Case]:
    """Functions of one entry, and of two that broadcast, in either argument."""
    for names, domain in ((UNARY, (-2.0, 2.0)), (POSITIVE, (0.3, 3.0)), (WITHIN_ONE, (-0.9, 0.9))):
        for name, shape in itertools.product(names, SHAPES):
            yield f"{name}{shape}", lambda xp, x, n=name: getattr(xp, n)(x), sample(shape, domain)
    for name, pair in itertools.product(BINARY, PAIRS):
        a, b = (sample(s, (0.3, 3.0), k) for k, s in enumerate(pair))
        yield f"{name}{pair}, first", lambda xp, x, n=name, b=b: getattr(xp, n)(x, b), a
        yield f"{name}{pair}, second", lambda xp, x, n=name, a=a: getattr(xp, n)(a, x), b
        yield f"{name}{pair}, both", lambda xp, x, n=name, a=a: getattr(xp, n)(x, 0.3 * xp.cos(x) + a), b
    for shape in ((3, 4), (4,), (3, 1), (1,), ()):
        yield f"where{shape}", lambda xp, x: xp.where(MASK, x, 0.0), sample(shape)
        yield f"where otherwise{shape}", lambda xp, x: xp.where(MASK, 1.0, x), sample(shape)
        yield f"clip{shape}", lambda xp, x: xp.clip(x, -1.01, 1.01), sample(shape)


def along_axes() -> Iterator[Case]:
    """Reductions, scans, sorting, norms."""
    for shape in SHAPES:
        x = sample(shape, seed=1)
        for axis in axes(len(shape)):
            for name, keepdims in itertools.product(REDUCTIONS, (False, True)):
                if name == "std" and np.size(x) == np.size(np.sum(x, axis=axis)):
                    continue  # the deviation of one number has a kink
                how = {"axis": axis, "keepdims": keepdims}
                yield f"{name}{shape} {how}", lambda xp, x, n=name, how=how: getattr(xp, n)(x, **how), x
            if axis is None or isinstance(axis, int):
                yield f"cumsum{shape} {axis}", lambda xp, x, a=axis: xp.cumsum(x, axis=a), x
                yield f"cumprod{shape} {axis}", lambda xp, x, a=axis: xp.cumprod(x, axis=a), x
                if shape:
                    yield f"sort{shape} {axis}", lambda xp, x, a=axis: xp.sort(x, axis=a), x
            if shape and (axis is None or isinstance(axis, int)) and (axis is not None or len(shape) < 3):
                yield f"norm{shape} {axis}", lambda xp, x, a=axis: xp.linalg.norm(x, axis=a), x


def arranged() -> Iterator[Case]:
    """Reshaping, moving, repeating, joining, indexing."""
    for shape in SHAPES[1:]:
        x, n = sample(shape, seed=2), len(shape)
        for axis in range(-n, n):
            yield f"repeat{shape} {axis}", lambda xp, x, a=axis: xp.repeat(x, 2, axis=a), x
            yield f"flip{shape} {axis}", lambda xp, x, a=axis: xp.flip(x, a), x
            yield f"roll{shape} {axis}", lambda xp, x, a=axis: xp.roll(x, 1, axis=a), x
            yield f"expand_dims{shape} {axis}", lambda xp, x, a=axis: xp.expand_dims(x, a), x
            yield f"concatenate{shape} {axis}", lambda xp, x, a=axis: xp.concatenate([x, 2 * x], axis=a), x
            yield f"stack{shape} {axis}", lambda xp, x, a=axis: xp.stack([x, 2 * x], axis=a), x
            yield f"take{shape} {axis}", lambda xp, x, a=axis: xp.take(x, np.array([0, 0]), axis=a), x
            yield f"diff{shape} {axis}", lambda xp, x, a=axis: xp.diff(x, axis=a), x
            yield f"array_split{shape} {axis}", lambda xp, x, a=axis: xp.array_split(x, 2, axis=a)[0], x
        for order in itertools.permutations(range(n)):
            for signed in {order, tuple(i - n for i in order), (order[0] - n, *order[1:])}:
                yield f"transpose{shape} {signed}", lambda xp, x, o=signed: xp.transpose(x, o), x
        for reps in (2, (2, 1), (1, 2, 2)):
            yield f"tile{shape} {reps}", lambda xp, x, r=reps: xp.tile(x, r), x
        yield f"roll{shape} flat", lambda xp, x: xp.roll(x, 2), x
        yield f"roll{shape} twice", lambda xp, x, n=n: xp.roll(x, (1, 1), axis=(0, n - 1)), x
        yield f"repeat{shape} flat", lambda xp, x: xp.repeat(x, 3), x
        yield f"broadcast_to{shape}", lambda xp, x, s=shape: xp.broadcast_to(x, (2, *s)), x
        yield f"ravel{shape}", lambda xp, x: xp.ravel(x), x
        yield f"ravel{shape} F", lambda xp, x: xp.ravel(x, order="F"), x
        yield f"reshape{shape} F", lambda xp, x: xp.reshape(x, (-1,), order="F"), x
        yield f"squeeze{shape}", lambda xp, x: xp.squeeze(x), x
        yield f"pad{shape}", lambda xp, x: xp.pad(x, 1, mode="constant"), x
        yield (
            f"pad{shape} reflect",
            lambda xp, x, s=shape: xp.pad(x, [(0, min(k - 1, 1)) for k in s], mode="reflect"),
            x,
        )
        for index in (0, -1, slice(None, None, -1), None, Ellipsis, [0, 0], (Ellipsis, 0), (Ellipsis, [2, 0, 2])):
            yield f"index{shape} {index}", lambda xp, x, i=index: x[i], x
        if n > 1:
            yield f"swapaxes{shape}", lambda xp, x: xp.swapaxes(x, 0, -1), x
            yield f"moveaxis{shape}", lambda xp, x: xp.moveaxis(x, -1, 0), x
            yield f"rot90{shape}", lambda xp, x: xp.rot90(x), x
            for k in (0, 1, -1):
                yield f"tril{shape} {k}", lambda xp, x, k=k: xp.tril(x, k), x
                yield f"triu{shape} {k}", lambda xp, x, k=k: xp.triu(x, k), x
                yield f"diagonal{shape} {k}", lambda xp, x, k=k: xp.diagonal(x, k), x
                yield f"trace{shape} {k}", lambda xp, x, k=k: xp.trace(x, k), x
        if n < 3:
            for k in (0, 1, -1):
                yield f"diag{shape} {k}", lambda xp, x, k=k: xp.diag(x, k), x
    yield "tile() 3", lambda xp, x: xp.tile(x, 3), sample()


def products() -> Iterator[Case]:
    """Products of two arrays, in either argument, and linear algebra."""
    shapes = {"v": (4,), "A": (3, 4), "B": (4, 5), "T": (2, 3, 4), "S": (2, 4, 5), "n": ()}
    arrays = {name: sample(shape, seed=k) for k, (name, shape) in enumerate(shapes.items())}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        *(("matmul", pair, {}) for pair in ("vv", "Av", "vB", "AB", "TB", "TS", "Tv", "AS")),
        *(("dot", pair, {}) for pair in ("vv", "Av", "vB", "AB", "TB", "TS", "Tv", "nA", "An")),
        *(("inner", pair, {}) for pair in ("vv", "AA", "TA", "vT", "nA")),
        *(("outer", pair, {}) for pair in ("vv", "AB", "vA", "nv")),
        *(("kron", pair, {}) for pair in ("vv", "AB", "vA", "TA")),
        *(("vdot", pair, {}) for pair in ("vv", "AA")),
        ("tensordot", "AB", {"axes": 1}),
        ("tensordot", "TS", {"axes": ([2], [1])}),
        ("tensordot", "TS", {"axes": ((-1, 0), (1, 0))}),
        ("tensordot", "TA", {"axes": ((1, 2), (0, 1))}),
        ("tensordot", "vv", {"axes": 0}),
    ]
    for name, pair, how in calls:
        a, b = (arrays[letter] for letter in pair)
        yield f"{name} {pair} {how} left", lambda xp, x, n=name, b=b, h=how: getattr(xp, n)(x, b, **h), a
        yield f"{name} {pair} {how} right", lambda xp, x, n=name, a=a, h=how: getattr(xp, n)(a, x, **h), b
    for subscripts, letters in [
        ("ij,jk->ik", "AB"),
        ("ij,jk", "AB"),
        ("tij,jk->tik", "TB"),
        ("...ij,jk->...ik", "TB"),
        ("i,i->", "vv"),
        ("i,j->ij", "vv"),
        ("ij,ij->j", "AA"),
        ("tij,ij->", "TA"),
    ]:
        a, b = (arrays[letter] for letter in letters)
        yield f"einsum {subscripts} left", lambda xp, x, s=subscripts, b=b: xp.einsum(s, x, b), a
        yield f"einsum {subscripts} right", lambda xp, x, s=subscripts, a=a: xp.einsum(s, a, x), b
    square = sample((3, 3), (-0.5, 0.5)) + 2 * np.eye(3)
    for subscripts in ("ii->", "ii->i", "ij->ji", "ij->", "ij->i", "ii"):
        yield f"einsum {subscripts}", lambda xp, x, s=subscripts: xp.einsum(s, x), square
    for x in (square, np.stack([square, square + 0.1])):
        turned = (-1, -2)
        yield f"inv{x.shape}", lambda xp, x: xp.linalg.inv(x), x
        yield f"det{x.shape}", lambda xp, x: xp.linalg.det(x), x
        yield f"slogdet{x.shape}", lambda xp, x: xp.linalg.slogdet(x)[1], x
        yield f"solve{x.shape}", lambda xp, x: xp.linalg.solve(x, np.ones((3, 2))), x
        yield f"cholesky{x.shape}", lambda xp, x, t=turned: xp.linalg.cholesky(x @ xp.swapaxes(x, *t)), x
        yield (
            f"eigh{x.shape}",
            lambda xp, x, t=turned: xp.linalg.eigh(x + xp.swapaxes(x, *t))[0],
            x + np.diag([0, 1, 3]),
        )
    yield "solve, right", lambda xp, x: xp.linalg.solve(square, x), sample((3,))


def cases() -> Iterator[Case]:
    """All of them."""
    return itertools.chain(elementwise(), along_axes(), arranged(), products())


Engine = tuple[Any, Callable[..., Any], Callable[..., Any]]


def ours() -> Engine:
    """NumPy itself, a pullback and a push."""
    return np, lambda f, x, w: ad.vjp(f, x)[1](w)[0], lambda f, x, u: ad.jvp(f, (x,), (u,))[1]


def hips() -> Engine | None:
    """The same of HIPS autograd, if it is installed."""
    try:
        core, anp = importlib.import_module("autograd.core"), importlib.import_module("autograd.numpy")
        forward = importlib.import_module("autograd.differential_operators").make_jvp
    except ImportError:
        return None
    importlib.import_module("autograd.numpy.linalg")
    return anp, lambda f, x, w: core.make_vjp(f, x)[0](w), lambda f, x, u: forward(f)(x)(u)[1]


def verdicts(engine: Engine, case: Case) -> list[str]:
    """What became of the pullback and of the push: right, wrong or raises, each."""
    xp, pull, push = engine
    _, f, x = case
    rng = np.random.default_rng(0)
    w, u = (rng.uniform(0.5, 1.0, np.shape(z)) * rng.choice([-1, 1], np.shape(z)) for z in (f(np, x), x))
    slope = differences(lambda x: f(np, x), (x,), (u,))
    found = []
    for derivative, seed in ((pull, w), (push, u)):
        try:
            g = derivative(lambda x: f(xp, x), x, seed)
            against, like = (u, x) if seed is w else (w, slope)
            right = np.shape(g) == np.shape(like) and abs(dot(g, against) - dot(w, slope)) < 1e-6 * (
                1 + np.sum(np.abs(slope))
            )
            found.append("right" if right else "wrong")
        except Exception:  # whatever an engine raises is what is counted here
            found.append("raises")
    return found


def sweep(engine: Engine) -> tuple[Counter[str], list[str]]:
    """How many checks went how, and which did not go right."""
    counts: Counter[str] = Counter()
    troubles = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in cases():
            for mode, verdict in zip(("reverse", "forward"), verdicts(engine, case), strict=True):
                counts[f"{mode} {verdict}"] += 1
                if verdict != "right":
                    troubles.append(f"{verdict:7} {mode:8} {case[0]}")
    return counts, troubles


def main() -> int:
    """Print a table; the exit status says whether ours was right throughout."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="name every check that did not go right")
    listing = parser.parse_args().list
    trouble_of_ours = []
    print(
        f"{'':16}"
        + "".join(f"{mode + ' ' + v:>16}" for mode in ("reverse", "forward") for v in ("right", "wrong", "raises"))
    )
    for name, engine in (("ours", ours()), ("HIPS autograd", hips())):
        if engine is None:
            print(f"{name:16} is not installed")
            continue
        counts, troubles = sweep(engine)
        print(
            f"{name:16}"
            + "".join(
                f"{counts[f'{mode} {v}']:16}" for mode in ("reverse", "forward") for v in ("right", "wrong", "raises")
            )
        )
        if listing:
            print("\n".join(troubles))
        trouble_of_ours += troubles if name == "ours" else []
    return 1 if trouble_of_ours else 0


if __name__ == "__main__":
    sys.exit(main())
