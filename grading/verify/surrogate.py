"""An approximation is no derivative of the loss; this is the function whose derivative it is.

Recursions that carry curvature back through a network and drop its off-diagonal parts (Becker & LeCun 1988, "Improving
the convergence of back-propagation learning with second order methods") replace the diagonal h_l of a layer's Hessian
by h'(a_l)^2 (w^2)^T d + h''(a_l) w^T g. No loss has that for its second derivative, so nothing but the recursion itself
could be a witness. But it is the exact diagonal of the Hessian, in a_l, of the surrogate

    sum_k [ g_k a_k(a_l) + d_k (a_k(a_l) - abar_k)^2 / 2 ],    abar_k = a_k at the current a_l held fixed,

with g and d the gradient and the diagonal at the next layer. This one every witness can differentiate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from grading.verify.exercise import Sampler

Layer = Callable[..., Any]


def surrogate(layer: Layer) -> Callable[..., Any]:
    """The surrogate of `layer(xp, a, *weights)`, as the function of an exercise: (xp, a, g, d, abar, *weights)."""

    def function(xp: Any, a: Any, g: Any, d: Any, abar: Any, *weights: Any) -> Any:
        value = layer(xp, a, *weights)
        return xp.sum(g * value + d * (value - abar) ** 2 / 2)

    return function


def surrogate_inputs(layer: Layer, inputs: Sampler) -> Sampler:
    """The sampler that goes with it, made of one that draws a, g, d and then the weights, in this order."""

    def draw(rng: np.random.Generator) -> Mapping[str, Any]:
        point = dict(inputs(rng))
        (first, a), *carried = list(point.items())[:3]
        weights = dict(list(point.items())[3:])
        return {first: a, **dict(carried), "abar": layer(np, a, *weights.values()), **weights}

    return draw
