"""How good, and how dear, diagonals of the Hessian are: `python -m benchmarks.curvature [--plots FOLDER]`.

Accuracy: the median over 10 random networks 6-[8]^d-4 with tanh, batch 32, of the relative L1 error and of Spearman's
rank correlation with the exact diagonal; the smallest and largest error in brackets. Weights are normal with variance
1 / inputs, biases normal with standard deviation 0.1; trained networks have had 1,000 steps of gradient descent.

Cost: time and counted flops in units of the gradient of the same engine, in one process on one thread, interleaved;
a time is the median of the ratios. BackPACK is measured where it is installed (`pip install backpack-for-pytorch`).
"""

from __future__ import annotations

import argparse
import copy
import importlib
import itertools
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad

Cell = tuple[str, str, int]  # "init" or "trained", loss, hidden layers
CELLS: list[Cell] = [
    *(("init", loss, depth) for loss in ("L2", "CE") for depth in (1, 2, 4)),
    *(("trained", "CE", depth) for depth in (2, 4)),
]
NETS = 10


def optional(name: str) -> Any:
    """A module, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


class Network:
    """A network with random weights P, data and a loss, as a function of P."""

    def __init__(self, seed: int, sizes: list[int], loss: str = "CE", batch: int = 32) -> None:
        rng = np.random.default_rng(seed)
        self.P: list[Any] = []
        for n, m in itertools.pairwise(sizes):
            self.P += [rng.normal(size=(n, m)) / np.sqrt(n), rng.normal(size=m) * 0.1]
        self.X = rng.normal(size=(batch, sizes[0]))
        self.labels, self.targets = rng.integers(0, sizes[-1], batch), rng.normal(size=(batch, sizes[-1]))
        self.loss, self.argnums = loss, tuple(range(len(self.P)))

    def outputs(self, *P: Any) -> Any:
        """What goes into the loss."""
        h = self.X
        for W, b in zip(P[0:-2:2], P[1:-2:2], strict=True):
            h = np.tanh(h @ W + b)
        return h @ P[-2] + P[-1]

    def __call__(self, *P: Any) -> Any:
        z = self.outputs(*P)
        if self.loss == "CE":
            return ad.cross_entropy(z, self.labels)
        return ad.half_squared_error(z, self.targets) / len(self.X)

    def at(self, P: Any) -> Network:
        """The same network with other weights."""
        other = copy.copy(self)
        other.P = list(P)
        return other

    def train(self, steps: int = 1000, rate: float = 0.5) -> None:
        """Plain gradient descent."""
        gradient = ad.grad(self, self.argnums)
        for _ in range(steps):
            self.P = [p - rate * g for p, g in zip(self.P, gradient(*self.P), strict=True)]


# --- accuracy --------------------------------------------------------------------------------------------------------


def elementwise_softmax(net: Network) -> Any:
    """Becker-LeCun with each output of the softmax taken for a function of its own input alone."""
    output = None
    if net.loss == "CE":
        p = ad.softmax(net.outputs(*net.P))
        output = np.eye(p.shape[1])[net.labels] * p * (1 - p) / len(p)
    return ad.becker_lecun(net, net.argnums, output=output)(*net.P)


def squared_gradient(net: Network) -> Any:
    """What some optimisers take for curvature."""
    return tuple(g * g for g in ad.grad(net, net.argnums)(*net.P))


def method(make: Any, **how: Any) -> Callable[[Network], Any]:
    """One of autodiff's diagonals as a function of a network."""
    return lambda net: make(net, net.argnums, **how)(*net.P)


def without_bends(net: Network) -> Any:
    """HesScale without what the activations bend."""
    walk = importlib.import_module("autodiff.curvature").walk
    return walk(net, net.argnums, net.P, 0, bending=False)


METHODS: dict[str, Callable[[Network], Any]] = {
    "Becker-LeCun, softmax elementwise": elementwise_softmax,
    "Becker-LeCun": method(ad.becker_lecun),
    "HesScale": method(ad.hesscale),
    "low rank, q=1": method(ad.low_rank),
    "full, q=2": method(ad.hesscale, keep=2),
    "full, q=3": method(ad.hesscale, keep=3),
    "HesScale, Gauss-Newton": without_bends,
    "Gauss-Newton": method(ad.gauss_newton_diagonal),
    "squared gradient": squared_gradient,
    "Hutchinson 1": method(ad.hutchinson, samples=1),
    "Hutchinson 10": method(ad.hutchinson, samples=10),
    "Hutchinson 100": method(ad.hutchinson, samples=100),
    "XDiag 10": method(ad.xdiag, samples=10),
    "XDiag 100": method(ad.xdiag, samples=100),
}


def networks(cell: Cell, count: int = NETS) -> list[Network]:
    """The networks of one cell of the table."""
    state, loss, depth = cell
    nets = [Network(seed, [6, *[8] * depth, 4], loss) for seed in range(count)]
    for net in nets:
        if state == "trained":
            net.train()
    return nets


def accuracy(cells: list[Cell], count: int = NETS) -> dict[str, dict[Cell, list[dict[str, Any]]]]:
    """For every method and cell, what `compare` says of each network."""
    found: dict[str, dict[Cell, list[dict[str, Any]]]] = {name: {cell: [] for cell in cells} for name in METHODS}
    for cell in cells:
        for net in networks(cell, count):
            exact = ad.hessian_diagonal(net, net.argnums)(*net.P)
            for name, diagonal in METHODS.items():
                found[name][cell].append(ad.compare(diagonal(net), exact))
    return found


def accuracy_table(found: dict[str, dict[Cell, list[dict[str, Any]]]]) -> str:
    """One row per method, one column per number of hidden layers; one table per state and loss."""
    tables = []
    for state, loss in dict.fromkeys(cell[:2] for cell in next(iter(found.values()))):
        cells = [cell for cell in next(iter(found.values())) if cell[:2] == (state, loss)]
        head = "".join(f"{f'{cell[2]} hidden':>26}" for cell in cells)
        lines = [f"{f'{loss}, {state}':34}{head}"]
        for name, row in found.items():
            if not (loss == "L2" and "softmax" in name):  # half squared error has no softmax
                lines.append(f"{name:34}" + "".join(f"{summary(row[cell]):>26}" for cell in cells))
        tables.append("\n".join(lines))
    return "\n\n".join(tables)


def summary(reports: list[dict[str, Any]]) -> str:
    """Median error (smallest-largest) and median rank correlation."""
    errors = [report["relative L1"] for report in reports]
    rank = statistics.median(report["Spearman"] for report in reports)
    return f"{statistics.median(errors):.3f} ({min(errors):.2f}-{max(errors):.2f}) {rank:5.2f}"


# --- cost ------------------------------------------------------------------------------------------------------------

Calls = dict[str, Callable[[], Any]]


def our_calls(net: Network) -> Calls:
    """The gradient first: the unit."""
    gradient = ad.value_and_grad(net, net.argnums)
    names = ("Becker-LeCun", "HesScale", "low rank, q=1", "Hutchinson 10")
    exact = ad.hessian_diagonal(net, net.argnums)
    calls: Calls = {"gradient": lambda: gradient(*net.P)}
    calls |= {name: lambda name=name: METHODS[name](net) for name in names}
    return calls | {"exact diagonal": lambda: exact(*net.P)}


def backpack_calls(net: Network) -> Calls:
    """BackPACK's on the same network in PyTorch; none where it is not installed."""
    torch, backpack = optional("torch"), optional("backpack")
    if not (torch and backpack):
        return {}
    torch.set_num_threads(1)
    sizes = [net.P[0].shape[0], *(W.shape[1] for W in net.P[::2])]
    layers: list[Any] = []
    for k, (n, m) in enumerate(itertools.pairwise(sizes)):
        linear = torch.nn.Linear(n, m, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(net.P[2 * k].T))
            linear.bias.copy_(torch.tensor(net.P[2 * k + 1]))
        layers += [linear, torch.nn.Tanh()]
    bare, bare_loss = torch.nn.Sequential(*layers[:-1]), torch.nn.CrossEntropyLoss()
    model, loss = backpack.extend(copy.deepcopy(bare)), backpack.extend(copy.deepcopy(bare_loss))
    X, labels = torch.tensor(net.X), torch.tensor(net.labels)

    def plain() -> None:
        bare.zero_grad()
        bare_loss(bare(X), labels).backward()

    def diagonal() -> Any:
        model.zero_grad()
        with backpack.backpack(backpack.extensions.DiagHessian()):
            loss(model(X), labels).backward()
        return tuple(p.diag_h.numpy().T for p in model.parameters())

    warnings.filterwarnings("ignore", message="Full backward hook is firing")
    exact = ad.hessian_diagonal(net, net.argnums)(*net.P)
    for a, b in zip(diagonal(), exact, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)
    return {"gradient": plain, "BackPACK DiagHessian": diagonal}


def ratios(calls: Calls, rounds: int = 41) -> dict[str, float]:
    """Times in units of the first call's, each the median over interleaved rounds."""
    if not calls:
        return {}
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    unit = times[next(iter(calls))]
    return {name: statistics.median(t / u for t, u in zip(ts, unit, strict=True)) for name, ts in times.items()}


def flops(call: Callable[..., Any], P: list[Any]) -> int:
    """Every operation on every entry, counted while the code runs."""

    def flat(*arrays: Any) -> Any:
        found = call(*arrays)
        parts = found.diagonal if hasattr(found, "_fields") else found
        return tuple(parts) if isinstance(parts, tuple) else parts

    return int(importlib.import_module("autodiff.cost").counted(flat, *P)[1].flops)


def cost_table(net: Network) -> str:
    """Times, and flops where they can be counted, in units of a gradient."""
    lines = [f"{'':34}{'time':>10}{'flops':>10}"]
    unit = flops(ad.grad(net, net.argnums), net.P) if optional("autodiff.cost") else 0
    makes = {"Becker-LeCun": ad.becker_lecun, "HesScale": ad.hesscale, "low rank, q=1": ad.low_rank}
    makes |= {"gradient": ad.grad, "exact diagonal": ad.hessian_diagonal}
    makes["Hutchinson 10"] = lambda f, argnums: ad.hutchinson(f, argnums, samples=10)
    for name, ratio in {**ratios(our_calls(net)), **ratios(backpack_calls(net))}.items():
        counted = f"{flops(makes[name](net, net.argnums), net.P) / unit:.2f}" if unit and name in makes else ""
        lines.append(f"{name:34}{ratio:10.2f}{counted or '-':>10}")
    return "\n".join(lines)


def exponents() -> str:
    """How the flops grow with the number of weights, in networks n-n-n-n: the slope over the last widths."""
    if not optional("autodiff.cost"):
        return "flops are counted by autodiff.cost, which is not there"
    lines = []
    for name, make, widths in (
        ("gradient", ad.grad, (128, 256, 512)),
        ("Becker-LeCun, HesScale", ad.becker_lecun, (128, 256, 512)),
        ("exact diagonal", ad.hessian_diagonal, (128, 256, 512)),
        ("full Hessian", ad.hessian_matrix, (6, 9, 13)),
    ):
        nets = [Network(0, [n] * 4, batch=1) for n in widths]
        counts = [flops(make(net, net.argnums), net.P) for net in nets]
        weights = [sum(p.size for p in net.P) for net in nets]
        lines.append(f"{name:34}{np.polyfit(np.log(weights), np.log(counts), 1)[0]:10.2f}")
    return "\n".join(lines)


def main() -> None:
    """Print the tables; draw, if asked to."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument(
        "--plots", type=Path, metavar="FOLDER", help="also draw the pictures, as PNG (needs matplotlib)"
    )
    folder = arguments.parse_args().plots
    found = accuracy(CELLS)
    networks = f"{NETS} networks 6-[8]^d-4, tanh, batch 32, d hidden layers"
    print(f"Relative L1 error (smallest-largest) and Spearman: {networks}\n\n{accuracy_table(found)}\n")
    print(
        "Cost in gradients on 64-64-10 (one hidden layer, tanh, cross-entropy), batch 32; - where nothing counts flops"
    )
    print(f"\n{cost_table(Network(0, [64, 64, 10]))}\n")
    print("Exponent of the flops in the number of weights: n-n-n-n, batch 1, n = 128 to 512 (full Hessian: 6 to 13)")
    print(f"\n{exponents()}")
    if folder:
        importlib.import_module("benchmarks.curvature_plots").draw(folder, found)


if __name__ == "__main__":
    main()
