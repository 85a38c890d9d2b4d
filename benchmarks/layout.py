"""How long pictures of about 300 nodes take: `python -m benchmarks.layout`. Best of three, in seconds, SVG included."""

from __future__ import annotations

import random
import time
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.graph import Graph, gradient_graph, graph

RNG = np.random.default_rng(0)


def chain(x: Any, count: int) -> Any:
    """One line after the other."""
    for _ in range(count):
        x = np.sin(x)
    return x


def network(x: Any, *parameters: Any) -> Any:
    """tanh layers, four lines each."""
    for W, b in zip(parameters[::2], parameters[1::2], strict=True):
        x = np.tanh(x @ W + b)
    return np.sum(x * x)


def layers(count: int) -> list[Any]:
    """A batch of two, and weights and biases."""
    return [RNG.normal(size=(2, 3)), *(RNG.normal(size=s) for _ in range(count) for s in ((3, 3), (3,)))]


def random_graph(degree: int, reach: int) -> Graph:
    """300 nodes with up to `degree` arguments each, from among the `reach` nodes before."""
    rng = random.Random(degree)
    edges = [
        [str(rng.randrange(max(0, k - reach), k)), str(k), slot]
        for k in range(1, 300)
        for slot in range(rng.randint(1, degree))
    ]
    return Graph.from_data({"nodes": [{"id": str(k), "op": "any"} for k in range(300)], "edges": edges})


def main() -> None:
    """Print the table."""
    graphs = {
        "chain": graph(chain, 1.0, 299, argnums=0),
        "network": graph(network, *layers(59)),
        "network and its gradient": gradient_graph(network, *layers(45)),
        "the gradient's own list": graph(ad.grad(network), *layers(30)),
        "the gradient of a chain, own list": graph(ad.grad(lambda x: chain(x, 100)), 1.0),
        "random, near": random_graph(3, 20),
        "random, far": random_graph(4, 300),
    }
    for name, drawing in graphs.items():
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            drawing.svg()
            seconds.append(time.perf_counter() - start)
        print(f"{name:36}{len(drawing.nodes):5} nodes{len(drawing.edges):5} edges{min(seconds):8.2f} s")


if __name__ == "__main__":
    main()
