"""What one verdict costs, in gradients of PyTorch, beside torch.autograd.gradcheck: `python -m benchmarks.judge`.

The question is the gradient of a 64-64-10 network (4,810 parameters), the answer backpropagation by hand. A verdict
takes three fresh points, all witnesses, the tolerance and the contract; the answer's own calls are counted in. A figure
is the median over rounds of the time divided by that of one PyTorch gradient of the same loss in the same round.
Beside it: whether one entry of the 4,810 is found that is off by a millionth, and one that is doubled.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from grading.verify import Exercise, verify

BAR = 60.0
BATCH = 8


def loss(xp: Any, W: Any, b: Any, V: Any, c: Any, X: Any, T: Any) -> Any:
    """Mean cross-entropy of softmax(tanh(X W + b) V + c) with one-hot targets."""
    z = xp.tanh(X @ W + b) @ V + c
    return xp.mean(xp.log(xp.sum(xp.exp(z), axis=1)) - xp.sum(T * z, axis=1))


def draw(rng: np.random.Generator) -> dict[str, Any]:
    """Weights of the usual size, and a batch."""
    return {
        "W": rng.normal(size=(64, 64)) / 8,
        "b": rng.normal(size=64) / 8,
        "V": rng.normal(size=(64, 10)) / 8,
        "c": rng.normal(size=10) / 8,
        "X": rng.normal(size=(BATCH, 64)),
        "T": np.eye(10)[rng.integers(10, size=BATCH)],
    }


NETWORK = Exercise(id="bench.network", function=loss, inputs=draw, wrt=("W", "b", "V", "c"))


def by_hand(W: Any, b: Any, V: Any, c: Any, X: Any, T: Any) -> tuple[Any, ...]:
    """Backpropagation."""
    H = np.tanh(X @ W + b)
    e = np.exp(H @ V + c)
    E = (e / e.sum(axis=1, keepdims=True) - T) / len(X)
    D = E @ V.T * (1 - H * H)
    return X.T @ D, D.sum(axis=0), H.T @ E, E.sum(axis=0)


def off(factor: float) -> Callable[..., tuple[Any, ...]]:
    """The same with one entry of W's gradient multiplied by a factor."""

    def answer(*args: Any) -> tuple[Any, ...]:
        dW, *rest = by_hand(*args)
        dW[17, 23] *= factor
        return (dW, *rest)

    return answer


def torch_calls(torch: Any) -> tuple[Callable[[], Any], Callable[[bool, float], bool]]:
    """One gradient by PyTorch, and gradcheck of a function whose backward pass is ours, or off by a factor."""
    xp = importlib.import_module("array_api_compat.torch")
    point = {name: torch.from_numpy(value) for name, value in draw(np.random.default_rng(0)).items()}
    leaves = [point[name].requires_grad_() for name in NETWORK.wrt]
    X, T = point["X"], point["T"]

    def gradient() -> Any:
        return torch.autograd.grad(loss(xp, *leaves, X, T), leaves)

    class Ours(torch.autograd.Function):
        factor = 1.0

        @staticmethod
        def forward(ctx: Any, *weights: Any) -> Any:
            ctx.save_for_backward(*weights)
            return loss(xp, *weights, X, T)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            arrays = [w.detach().numpy() for w in (*ctx.saved_tensors, X, T)]
            return tuple(g * torch.from_numpy(block) for block in off(Ours.factor)(*arrays))

    def gradcheck(fast: bool, factor: float = 1.0) -> bool:
        Ours.factor = factor
        check = torch.autograd.gradcheck
        return bool(check(Ours.apply, leaves, fast_mode=fast, raise_exception=False))

    return gradient, gradcheck


def seconds(call: Callable[[], Any], times: int = 1) -> float:
    """Processor time of one call, over a few: the machine may be busy with other things."""
    start = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - start) / times


def main() -> int:
    """Print the table; the exit status says whether a verdict stays within the bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30, help="interleaved rounds (default 30)")
    rounds = parser.parse_args().rounds
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        print("PyTorch is not installed: pip install '.[bench]'")
        return 1
    torch.set_num_threads(1)
    gradient, gradcheck = torch_calls(torch)
    calls: dict[str, tuple[Callable[[float], bool], int]] = {
        "verify": (lambda factor: verify(NETWORK, off(factor), seed=1).outcome == "right", rounds),
        "gradcheck, fast mode": (lambda factor: gradcheck(True, factor), rounds),
        "gradcheck": (lambda factor: gradcheck(False, factor), 1),
    }
    print(f"{'':24}{'gradients of torch':>20}{'off by 1e-6':>14}{'doubled':>10}")
    costs = {}
    for name, (call, times) in calls.items():
        call(1.0)
        ratios = [seconds(lambda call=call: call(1.0)) / seconds(gradient, 10) for _ in range(times)]
        costs[name] = statistics.median(ratios)
        found = ["passed" if call(factor) else "found" for factor in (1 + 1e-6, 2.0)]
        print(f"{name:24}{costs[name]:20.0f}{found[0]:>14}{found[1]:>10}")
    print(f"\none verdict: {costs['verify']:.0f} gradients (bar: {BAR:.0f})")
    return 0 if costs["verify"] <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
