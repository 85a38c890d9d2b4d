"""Pictures of the curvature benchmark, as PNG: `python -m benchmarks.curvature --plots FOLDER` (needs matplotlib).

Colours are a grey and those of Okabe & Ito, which colour-blind readers can tell apart; every line has its own marker.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

import autodiff as ad
from benchmarks.curvature import METHODS, Cell, Network, flops, method, networks, optional, our_calls, ratios

mpl.use("Agg")
from matplotlib import pyplot as plt

BLACK, ORANGE, SKY, GREEN, GREY, BLUE, VERMILION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#707070", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
STYLES = {
    "HesScale": (BLUE, "o", "-"),
    "low rank, q=1": (SKY, "s", "-"),
    "full, q=2": (GREEN, "D", "-"),
    "Gauss-Newton": (ORANGE, "^", "--"),
    "Hutchinson 10": (GREY, "P", ":"),
    "Hutchinson 100": (PURPLE, "v", ":"),
    "XDiag 100": (VERMILION, "X", "-."),
    "exact diagonal": (BLACK, "*", "-"),
}
NAMES = {"init": "untrained", "trained": "trained"}
Found = dict[str, dict[Cell, list[dict[str, Any]]]]


def draw(folder: Path, found: Found) -> None:
    """All four pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    mpl.rcParams.update({"figure.dpi": 120, "font.size": 10, "axes.spines.top": False, "axes.spines.right": False})
    for name, picture in (
        ("hessian", hessians()),
        ("error-against-depth", error_against_depth()),
        ("error-against-q", error_against_q()),
        ("error-against-cost", error_against_cost(found)),
    ):
        picture.savefig(folder / f"{name}.png", bbox_inches="tight")
        plt.close(picture)
        print(folder / f"{name}.png")


def flat(parts: Any) -> Any:
    """Arrays of all arguments as one vector."""
    return np.concatenate([np.ravel(part) for part in parts])


def hessians() -> Any:
    """H exact, beside what a diagonal keeps of it, with signs, and the two diagonals entry against entry."""
    net = Network(0, [6, 8, 8, 4])
    H = ad.hessian_matrix(net, net.argnums)(*net.P)
    exact, found = np.diag(H), flat(METHODS["HesScale"](net).diagonal)
    figure, axes = plt.subplots(1, 3, figsize=(15, 4.8), constrained_layout=True)
    largest = np.abs(H).max()
    scale = mpl.colors.SymLogNorm(largest * 1e-2, vmin=-largest, vmax=largest)
    sizes = np.array([p.size for p in net.P])
    ends = np.cumsum(sizes)
    names = [f"{kind}{layer} ({sizes[2 * layer - 2 + (kind == 'b')]})" for layer in (1, 2, 3) for kind in "Wb"]
    for axis, matrix, title in (
        (axes[0], H, "exact: H"),
        (axes[1], np.diag(found), "HesScale: what it keeps (white: left out)"),
    ):
        image = axis.imshow(matrix, norm=scale, cmap="PuOr", interpolation="nearest")
        for end in ends[:-1]:
            axis.axhline(end - 0.5, color=BLACK, linewidth=0.4)
            axis.axvline(end - 0.5, color=BLACK, linewidth=0.4)
        axis.set_xticks(ends - sizes / 2, names, rotation=90, fontsize=8)
        axis.set_yticks(ends - sizes / 2, names, fontsize=8)
        axis.set_title(title)
        axis.spines[["top", "right"]].set_visible(True)
    bar = figure.colorbar(image, ax=axes[:2], shrink=0.9)
    bar.set_label(f"second derivative (linear between -{largest / 100:.1g} and {largest / 100:.1g})")
    axis, start = axes[2], 0
    layers = [(BLUE, "o", "first layer"), (ORANGE, "^", "second layer"), (GREEN, "s", "output layer")]
    for end, (colour, marker, label) in zip(ends[1::2], layers, strict=True):
        part = slice(start, end)
        axis.plot(exact[part], found[part], marker, color=colour, markersize=4, alpha=0.8, label=label)
        start = end
    limits = [min(exact.min(), found.min()), max(exact.max(), found.max())]
    axis.plot(limits, limits, color=BLACK, linewidth=0.8)
    axis.axhline(0, color=BLACK, linewidth=0.3)
    axis.axvline(0, color=BLACK, linewidth=0.3)
    axis.set(xlabel="exact diagonal", ylabel="HesScale", title="diagonal, entry against entry")
    axis.legend(frameon=False)
    return figure


def spread(
    axis: Any, xs: Any, reports: list[list[float]], name: str, style: tuple[str, str, str], place: float
) -> None:
    """Medians as a line, smallest and largest as bars; `place` sets methods side by side: none hides another."""
    colour, marker, line = style
    middles = [statistics.median(r) for r in reports]
    bars = [
        [m - min(r) for m, r in zip(middles, reports, strict=True)],
        [max(r) - m for m, r in zip(middles, reports, strict=True)],
    ]
    axis.errorbar(
        [x + place for x in xs], middles, yerr=bars, linestyle=line, marker=marker, markersize=5, color=colour,
        label=name, clip_on=False, capsize=2, elinewidth=0.8, linewidth=1.2,
    )  # fmt: skip


def errors(cell: Cell, makes: dict[str, Any]) -> dict[str, list[float]]:
    """The relative L1 errors of some methods on the networks of a cell."""
    found: dict[str, list[float]] = {name: [] for name in makes}
    for net in networks(cell):
        exact = ad.hessian_diagonal(net, net.argnums)(*net.P)
        for name, make in makes.items():
            found[name].append(ad.compare(make(net), exact)["relative L1"])
    return found


def error_against_depth() -> Any:
    """Every hidden layer adds a matrix whose off-diagonals are left out."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 4), sharey=True, constrained_layout=True)
    names = ("HesScale", "low rank, q=1", "full, q=2", "Gauss-Newton", "Hutchinson 100")
    depths = (1, 2, 3, 4, 5, 6)
    for axis, loss in zip(axes, ("L2", "CE"), strict=True):
        by_depth = [errors(("init", loss, depth), {name: METHODS[name] for name in names}) for depth in depths]
        for k, name in enumerate(names):
            spread(axis, depths, [found[name] for found in by_depth], name, STYLES[name], 0.12 * (k - 2))
        axis.set(xlabel="hidden layers", title=f"{loss}, untrained (bars: smallest and largest of 10)", xticks=depths)
    axes[0].set(ylabel="relative L1 error of the diagonal", ylim=(0, None))
    axes[1].legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def error_against_q() -> Any:
    """From HesScale to exact, one full layer matrix after another."""
    figure, axis = plt.subplots(figsize=(6, 4), constrained_layout=True)
    cells: list[tuple[Cell, tuple[str, str, str]]] = [
        (("init", "L2", 4), (BLUE, "o", "-")),
        (("init", "CE", 4), (ORANGE, "^", "--")),
        (("trained", "CE", 4), (GREEN, "s", "-.")),
    ]
    for k, (cell, style) in enumerate(cells):
        found = errors(cell, {str(q): method(ad.hesscale, keep=q) for q in range(5)})
        label = f"{cell[1]}, {NAMES[cell[0]]}"
        spread(axis, range(5), list(found.values()), label, style, 0.06 * (k - 1))
    axis.set(xlabel="q: full matrices in the top q layers", ylabel="relative L1 error of the diagonal", xticks=range(5))
    axis.set(title="four hidden layers: q = 0 is HesScale, q = 4 exact", ylim=(0, None))
    axis.legend(frameon=False)
    return figure


def prices(net: Network) -> dict[str, float]:
    """What a method costs, in gradients: by counted flops where they can be counted, else by time."""
    names = [name for name in STYLES if name in METHODS]
    if optional("autodiff.cost"):
        unit = flops(ad.grad(net, net.argnums), net.P)
        makes = {name: (lambda *P, name=name: METHODS[name](net.at(P))) for name in names}
        makes["exact diagonal"] = ad.hessian_diagonal(net, net.argnums)
        makes["XDiag 100"] = makes["Hutchinson 100"]  # as many products; what it does with them is not counted
        return {name: flops(make, net.P) / unit for name, make in makes.items()}
    calls = {"gradient": our_calls(net)["gradient"], "exact diagonal": our_calls(net)["exact diagonal"]}
    calls |= {name: (lambda name=name: METHODS[name](net)) for name in names}
    return {name: ratio for name, ratio in ratios(calls).items() if name != "gradient"}


def error_against_cost(found: Found) -> Any:
    """Down and to the left is better; what is exact lies on the floor, for a logarithm has no 0."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.4), sharey=True, constrained_layout=True)
    floor = 0.01
    for axis, cell in zip(axes, [("init", "CE", 4), ("trained", "CE", 4)], strict=True):
        for name, price in prices(networks(cell, 1)[0]).items():
            reports = [report["relative L1"] for report in found[name][cell]] if name in found else [0.0]
            middle, (colour, marker, _) = max(statistics.median(reports), floor), STYLES[name]
            bars = [[max(middle - min(reports), 0.0)], [max(max(reports) - middle, 0.0)]] if name in found else None
            axis.errorbar(
                [price], [middle], yerr=bars, color=colour, marker=marker, markersize=8, capsize=3,
                markeredgecolor=BLACK, markeredgewidth=0.4, label=name, clip_on=False, linestyle="",
            )  # fmt: skip
        unit = "flops" if optional("autodiff.cost") else "time"
        axis.set(xscale="log", yscale="log", ylim=(floor, 4))
        axis.set_xticks([2, 5, 10, 20, 50, 100, 200], ["2", "5", "10", "20", "50", "100", "200"])
        axis.set_yticks([floor, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2], ["0", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2"])
        axis.minorticks_off()
        axis.grid(axis="y", linewidth=0.3)
        axis.set(xlabel=f"cost, in gradients ({unit}, logarithmic)", title=f"6-8-8-8-8-4, CE, {NAMES[cell[0]]}")
    axes[0].set(ylabel="relative L1 error (logarithmic; 0 drawn on the floor)")
    axes[1].legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
