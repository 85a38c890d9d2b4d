"""autodiff beside HIPS autograd, MyGrad and PyTorch: `python -m benchmarks.autodiff`, or `make bench`.

One process, one thread, interleaved rounds; a figure is the median, over the rounds, of the time divided by that of the
same computation written by hand in NumPy in the same round. Every gradient is compared with the hand-written one before
anything is timed. Peers that are not installed are left out: `pip install '.[bench]'` brings them.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
    compiled_bar: float = 1.0


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
    compiled = ad.compile(ours, *P)
    engines: Calls = {"ours": lambda: ours(*P)[1], "compiled": lambda: compiled(*P)[1]}
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
    task = Task(name, bar, lambda: network_by_hand(X, rows, labels, P, tanh)[1], engines)
    task.compiled_bar = 0.98 if dtype == np.float64 else 1.0
    return task


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
    compiled = ad.compile(ours, x)
    engines: Calls = {"ours": lambda: ours(x), "compiled": lambda: compiled(x)}
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
            call()  # so that all find the caches as they left them, not as the one before did
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
    columns = ["HIPS", "MyGrad", "torch"]
    heads = ["bar", "ours", "bar", "compiled"]
    print(f"{'gradient of ...':45}{'by hand':>10}" + "".join(f"{c:>9}" for c in heads + columns))
    within = True
    for task in tasks():
        for call in task.engines.values():
            agrees(call(), task.by_hand())
        seconds, ratios = medians(task.by_hand, task.engines, rounds, task.inner)
        cells = "".join(f"{ratios[c]:9.2f}" if c in ratios else f"{'-':>9}" for c in columns)
        own = f"{task.bar:9.2f}{ratios['ours']:9.2f}{task.compiled_bar:9.2f}{ratios['compiled']:9.3f}"
        print(f"{task.name:45}{seconds * 1e6:8.0f}us{own}{cells}")
        within &= ratios["ours"] <= task.bar and ratios["compiled"] <= task.compiled_bar
    return within


# --- Jacobians -------------------------------------------------------------------------------------------------------


def jacobian_tasks() -> list[tuple[str, Any, Callable[[Any, Any, Any], Any], Any, Any]]:
    """(name, x, f over a namespace with its constants, the constants, the Jacobian by hand)."""
    rng = np.random.default_rng(0)
    W, b, U, c = (rng.normal(size=s) / 10 for s in ((784, 128), (128,), (128, 10), (10,)))
    M, x, z = rng.normal(size=(64, 64)) / 8, rng.normal(size=784), rng.normal(size=64)
    X = rng.normal(size=(8, 784))

    def logits(xp: Any, x: Any, constants: Any) -> Any:
        W, b, U, c = constants
        return xp.tanh(x @ W + b) @ U + c

    def by_hand(x: Any) -> Any:
        h = np.tanh(x @ W + b)
        return ((1 - h * h)[:, None] * U).T @ W.T

    batch = np.zeros((8, 10, 8, 784))
    for i, row in enumerate(X):
        batch[i, :, i] = by_hand(row)
    mapped = np.cos(M @ z)[:, None] * M * z[:, None] + np.diag(np.sin(M @ z))
    return [
        ("logits (10,) of the network in its input (784,)", x, logits, (W, b, U, c), by_hand(x)),
        ("the same for a batch of 8", X, logits, (W, b, U, c), batch),
        ("sin(M x) * x, 64 to 64", z, lambda xp, x, constants: xp.sin(constants[0] @ x) * x, (M,), mapped),
    ]


def jacobian_calls(x: Any, f: Callable[[Any, Any, Any], Any], constants: Any) -> Calls:
    """The Jacobian of f by every engine installed."""
    calls: Calls = {"ours": lambda: ad.jacobian(lambda x: f(np, x, constants))(x)}
    if hips:
        calls["HIPS"] = lambda: hips.jacobian(lambda x: f(anp, x, constants))(x)
    if torch:
        t, tensors = torch.tensor(x), [torch.tensor(p) for p in constants]
        calls["jacrev"] = lambda: torch.func.jacrev(lambda x: f(torch, x, tensors))(t)
        calls["jacfwd"] = lambda: torch.func.jacfwd(lambda x: f(torch, x, tensors))(t)
    return calls


def jacobians(rounds: int) -> bool:
    """Whole Jacobians, in microseconds; returns whether ours takes no longer than PyTorch's faster one."""
    columns = ["ours", "HIPS", "jacrev", "jacfwd"]
    print(f"\n{'Jacobian of ... (us)':52}" + "".join(f"{c:>10}" for c in columns))
    within = True
    for name, x, f, constants, expected in jacobian_tasks():
        calls = jacobian_calls(x, f, constants)
        for call in calls.values():
            agrees(call(), expected)
        seconds, ratios = medians(calls.pop("ours"), calls, max(rounds // 5, 10))
        cells = {"ours": seconds, **{column: ratio * seconds for column, ratio in ratios.items()}}
        print(f"{name:52}" + "".join(f"{cells[c] * 1e6:10.0f}" if c in cells else f"{'-':>10}" for c in columns))
        within &= all(ratios[c] >= 1 for c in ("jacrev", "jacfwd") if c in ratios)
    return within


# --- length, memory, import ------------------------------------------------------------------------------------------


def lengths() -> None:
    """Time per operation of a gradient, for lists of different length."""
    print(f"\n{'gradient of a chain of ... sines of a float':45}{'us per operation':>18}")
    for length in (100, 1_000, 20_000):
        gradient = ad.grad(repeated(np.sin, length))
        seconds = min(timed(lambda g=gradient: g(0.7)) for _ in range(7))
        print(f"{length:45,}{seconds / length * 1e6:18.2f}")


def timed(call: Callable[[], Any]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def our_peak(call: Callable[[], Any]) -> float:
    """The most memory that was in use at once during a call, in MB, beyond what was before."""
    call()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    call()
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return peak / 2**20


def torch_peak(call: Callable[[], Any]) -> float:
    """The same of PyTorch, whose profiler reports every allocation and release."""
    call()
    with torch.profiler.profile(profile_memory=True, activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        result = call()
    now = peak = 0
    events = [e for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]
    for event in sorted(events, key=lambda e: e.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    del result
    return peak / 2**20


def memory() -> None:
    """Peak memory of a gradient."""
    print(f"\n{'peak memory of the gradient of ... (MB)':45}{'ours':>10}{'torch':>10}")
    network = network_task(np.float64, True, 0)
    x = np.linspace(0, 1, 100_000)
    chain = step_task("50 sines of a vector of 100,000", 0, x, 50, None, lambda xp: lambda x: xp.sin(x))
    for task in (network, chain):
        theirs = f"{torch_peak(task.engines['torch']):10.2f}" if torch else f"{'-':>10}"
        print(f"{task.name:45}{our_peak(task.engines['ours']):10.2f}{theirs}")


def imports() -> bool:
    """What `import autodiff` costs once NumPy is there; returns whether that is under 40 ms."""
    code = "import time, numpy; t = time.perf_counter(); import autodiff; print(time.perf_counter() - t)"
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(7)
    ]
    print(f"\nimport autodiff, over import numpy: {statistics.median(runs) * 1e3:.1f} ms (bar: 40)")
    return statistics.median(runs) < 0.04


def main() -> int:
    """Print everything; the exit status says whether the bars were met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100, help="interleaved rounds per task (default 100)")
    rounds = parser.parse_args().rounds
    within = [table(rounds), jacobians(rounds)]
    lengths()
    memory()
    within.append(imports())
    print("\nevery bar met" if all(within) else "\nNOT every bar met")
    return 0 if all(within) else 1


if __name__ == "__main__":
    sys.exit(main())
