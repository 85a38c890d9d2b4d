"""autodiff beside HIPS autograd, MyGrad and PyTorch: `python -m benchmarks.autodiff`, or `make bench`.

One process, one thread, interleaved rounds; a figure is the median, over the rounds, of the time divided by that of the
same computation written by hand in NumPy in the same round. Every gradient is compared with the hand-written one before
anything is timed. Peers that are not installed are left out: `pip install '.[bench]'` brings them.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is imported: BLAS reads them once

import numpy as np

import autodiff as ad

Calls = dict[str, Callable[[], Any]]


def optional(name: str) -> Any:
    """A module, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


anp, mg, torch = optional("autograd.numpy"), optional("mygrad"), optional("torch")
hips = optional("autograd") if anp else None
if torch:
    torch.set_num_threads(1)


@dataclass
class Task:
    """One computation, differentiated by hand and by every engine installed."""

    name: str
    bar: float
    by_hand: Callable[[], Any]
    engines: Calls
    inner: int = 1  # calls per measurement


# --- the network -----------------------------------------------------------------------------------------------------


def network_by_hand(X: Any, rows: Any, labels: Any, P: Any, tanh: bool) -> Any:
    """Mean cross-entropy of softmax(act(X W1 + b1) W2 + b2): loss and four gradients, the obvious way."""
    W1, b1, W2, b2 = P
    n = X.shape[0]
    before = X @ W1 + b1
    h = np.tanh(before) if tanh else np.maximum(before, 0)
    z = h @ W2 + b2
    e = np.exp(z)
    s = e.sum(axis=1)
    loss = np.mean(np.log(s) - z[rows, labels])
    dz = e / s[:, None]
    dz[rows, labels] -= 1
    dz /= n
    dh = dz @ W2.T
    da = dh * (1 - h * h) if tanh else dh * (before > 0)
    return loss, (X.T @ da, da.sum(axis=0), h.T @ dz, dz.sum(axis=0))


def network(xp: Any, X: Any, rows: Any, labels: Any, tanh: bool) -> Callable[..., Any]:
    """The same loss over an array namespace."""

    def loss(W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        before = xp.matmul(X, W1) + b1
        h = xp.tanh(before) if tanh else xp.maximum(before, 0)
        z = xp.matmul(h, W2) + b2
        return xp.mean(xp.log(xp.sum(xp.exp(z), axis=1)) - z[rows, labels])

    return loss


def network_task(dtype: Any, tanh: bool, bar: float) -> Task:
    """784-128-10, batch 64."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(64, 784)).astype(dtype)
    rows, labels = np.arange(64), rng.integers(0, 10, 64)
    P = [
        (rng.normal(size=s) / np.sqrt(s[0] if len(s) > 1 else 10)).astype(dtype)
        for s in ((784, 128), (128,), (128, 10), (10,))
    ]
    ours = ad.value_and_grad(network(np, X, rows, labels, tanh), (0, 1, 2, 3))
    engines: Calls = {"ours": lambda: ours(*P)[1]}
    if hips:
        theirs = hips.value_and_grad(lambda P: network(anp, X, rows, labels, tanh)(*P))
        engines["HIPS"] = lambda: theirs(P)[1]
    if mg:

        def mygrad() -> Any:
            T = [mg.tensor(p) for p in P]
            network(mg, X, rows, labels, tanh)(*T).backward()
            return [t.grad for t in T]

        engines["MyGrad"] = mygrad
    if torch:
        tensors = [torch.tensor(p, requires_grad=True) for p in P]
        A, r, c = torch.tensor(X), torch.tensor(rows), torch.tensor(labels)

        def by_torch() -> Any:
            W1, b1, W2, b2 = tensors
            before = A @ W1 + b1
            z = (torch.tanh(before) if tanh else torch.relu(before)) @ W2 + b2
            loss = torch.mean(torch.log(torch.sum(torch.exp(z), dim=1)) - z[r, c])
            return torch.autograd.grad(loss, tensors)

        engines["torch"] = by_torch
    name = f"network 784-128-10, {np.dtype(dtype).name} {'tanh' if tanh else 'relu'}"
    return Task(name, bar, lambda: network_by_hand(X, rows, labels, P, tanh)[1], engines)


# --- chains ----------------------------------------------------------------------------------------------------------


def chain_by_hand(x: float) -> Any:
    """50 nested sines of a float, and the derivative."""
    inner = []
    for _ in range(50):
        inner.append(x)
        x = np.sin(x)
    g = 1.0
    for v in reversed(inner):
        g = g * np.cos(v)
    return g


def fan_by_hand(x: Any) -> Any:
    """Sixteen times x*x/2 + x, whose derivative is x + 1."""
    inner = []
    for _ in range(16):
        inner.append(x)
        x = x * x * 0.5 + x
    g = np.ones_like(x)
    for v in reversed(inner):
        g = g * (v + 1)
    return g


def repeated(step: Callable[[Any], Any], times: int) -> Callable[[Any], Any]:
    """step(step(... x)), summed to one number if it is not one."""

    def f(x: Any) -> Any:
        for _ in range(times):
            x = step(x)
        return x.sum() if x.shape else x

    return f


def step_task(
    name: str, bar: float, x: Any, times: int, by_hand: Any, step: Callable[[Any], Callable[[Any], Any]]
) -> Task:
    """A step written over a namespace, repeated."""
    ours = ad.grad(repeated(step(np), times))
    engines: Calls = {"ours": lambda: ours(x)}
    if hips:
        theirs = hips.grad(repeated(step(anp), times) if np.ndim(x) else lambda x: fold(step(anp), times, x))
        engines["HIPS"] = lambda: theirs(x)
    if mg:

        def mygrad() -> Any:
            t = mg.tensor(x)
            repeated(step(mg), times)(t).backward()
            return t.grad

        engines["MyGrad"] = mygrad
    if torch:
        t = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        engines["torch"] = lambda: torch.autograd.grad(repeated(step(torch), times)(t), t)[0]
    return Task(name, bar, lambda: by_hand(x), engines, inner=5)


def fold(step: Callable[[Any], Any], times: int, x: Any) -> Any:
    """step(step(... x))."""
    for _ in range(times):
        x = step(x)
    return x


def tasks() -> list[Task]:
    """The four, in the order of the table."""
    return [
        network_task(np.float64, True, 1.15),
        network_task(np.float32, False, 1.25),
        step_task("chain of 50 np.sin of a float", 6.5, 0.7, 50, chain_by_hand, lambda xp: lambda x: xp.sin(x)),
        step_task(
            "16 times x*x*0.5 + x, 10-vector",
            5.0,
            np.linspace(0.01, 0.1, 10),
            16,
            fan_by_hand,
            lambda xp: lambda x: x * x * 0.5 + x,
        ),
    ]


# --- measuring -------------------------------------------------------------------------------------------------------


def agrees(found: Any, expected: Any) -> None:
    """Raise AssertionError unless two gradients, or two tuples of them, are the same."""
    many = isinstance(expected, tuple)
    for a, b in zip(found if many else [found], expected if many else [expected], strict=True):
        narrow = np.asarray(b).dtype == np.float32
        np.testing.assert_allclose(np.asarray(a), b, rtol=1e-4 if narrow else 1e-9, atol=1e-5 if narrow else 1e-12)


def medians(base: Callable[[], Any], calls: Calls, rounds: int, inner: int = 1) -> tuple[float, dict[str, float]]:
    """Seconds of `base`, and the median ratio of every call to it, over interleaved rounds."""
    everything = {"": base, **calls}
    for call in everything.values():
        for _ in range(3):
            call()
    times: dict[str, list[float]] = {name: [] for name in everything}
    gc.disable()
    for _ in range(rounds):
        for name, call in everything.items():
            start = time.perf_counter()
            for _ in range(inner):
                call()
            times[name].append((time.perf_counter() - start) / inner)
        gc.collect(0)
    gc.enable()
    ratios = {name: statistics.median(t / b for t, b in zip(times[name], times[""], strict=True)) for name in calls}
    return statistics.median(times[""]), ratios


def table(rounds: int) -> bool:
    """The four tasks; returns whether ours is within every bar."""
    columns = ["ours", "HIPS", "MyGrad", "torch"]
    print(f"{'gradient of ...':45}{'by hand':>10}{'bar':>7}" + "".join(f"{c:>9}" for c in columns))
    within = True
    for task in tasks():
        for call in task.engines.values():
            agrees(call(), task.by_hand())
        seconds, ratios = medians(task.by_hand, task.engines, rounds, task.inner)
        cells = "".join(f"{ratios[c]:9.2f}" if c in ratios else f"{'-':>9}" for c in columns)
        print(f"{task.name:45}{seconds * 1e6:8.0f}us{task.bar:7.2f}{cells}")
        within &= ratios["ours"] <= task.bar
    return within


def main() -> int:
    """Print everything; the exit status says whether the bars were met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100, help="interleaved rounds per task (default 100)")
    rounds = parser.parse_args().rounds
    within = table(rounds)
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
