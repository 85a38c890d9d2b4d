"""Functions of neural networks that NumPy has no name for, each stable at arguments of +-1e4, traced or plain.

Their losses follow the course: `half_squared_error` is a sum, `mse` and `cross_entropy` are means over the batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.rule import Array, Elementwise, Reduction, call
from autodiff.rules import axes_of
from autodiff.tape import RefusalError, operand, strip

SIGMOID = Elementwise(
    "sigmoid",
    "s(x) (1 - s(x)), with 1 - s(x) computed as s(-x), which keeps its digits",
    lambda y, x: y * sigmoid(-x),
    evaluate=lambda x: np.exp(-np.logaddexp(0, -x)),
)
RELU = Elementwise("relu", "1 where x > 0, else 0; 0 at 0", lambda y, x: x > 0, evaluate=lambda x: np.maximum(x, 0))


def largest(x: Array, axis: Any) -> Array:
    """The largest entries along axis, plain, to be taken out first; an infinite one is left to speak for itself."""
    highest = np.max(x, axis=axis, keepdims=True)
    return np.where(np.isfinite(highest), highest, 0)


def plain_logsumexp(x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    """log(sum(exp(x))) with the largest entry taken out first."""
    highest = largest(x, axis)
    with np.errstate(divide="ignore"):
        y = np.log(np.sum(np.exp(x - highest), axis=axis, keepdims=True)) + highest
    return y if keepdims else np.squeeze(y, axis=axis)


def shares(y: Array, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    """The softmax; exp(x - y) would lose the digits of a common offset."""
    terms = np.exp(x - largest(strip(x), axis))
    return terms / np.sum(terms, axis=axis, keepdims=True)


LOGSUMEXP = Reduction(
    "logsumexp",
    "each term gets its share of the sum: the softmax",
    shares,
    evaluate=plain_logsumexp,
)


def sigmoid(x: Any) -> Array:
    """1 / (1 + exp(-x)), elementwise; the shape of x."""
    return call(SIGMOID, (operand(x),), {})


def softplus(x: Any) -> Array:
    """log(1 + exp(x)), elementwise; the shape of x. Its derivative is the sigmoid."""
    return np.logaddexp(operand(x), 0)


def relu(x: Any) -> Array:
    """max(x, 0), elementwise; the shape of x. Its derivative at 0 is 0."""
    return call(RELU, (operand(x),), {})


def logsumexp(x: Any, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Array:
    """log(sum(exp(x))) along axis (all axes for None), as np.sum shapes it. Its gradient is the softmax."""
    x = as_array(x)
    return call(LOGSUMEXP, (x,), {"axis": axes_of(x, axis), "keepdims": keepdims})


def log_softmax(x: Any, axis: int = -1) -> Array:
    """x - logsumexp(x) along axis; the shape of x."""
    x = as_array(x)
    shifted = x - largest(strip(x), axis)  # a common offset would cost digits
    return shifted - logsumexp(shifted, axis=axis, keepdims=True)


def softmax(x: Any, axis: int = -1) -> Array:
    """exp(x) / sum(exp(x)) along axis; the shape of x."""
    return np.exp(log_softmax(x, axis=axis))


def half_squared_error(prediction: Any, target: Any) -> Array:
    """sum((prediction - target)^2) / 2, one number; its gradient is the residual. The shapes must be equal.

    Raises RefusalError for different shapes: (n,) against (n, 1) would silently compare everything with everything.
    """
    return 0.5 * np.sum(np.square(residual(prediction, target)))


def mse(prediction: Any, target: Any) -> Array:
    """mean((prediction - target)^2) over all entries, one number. Raises RefusalError for different shapes."""
    return np.mean(np.square(residual(prediction, target)))


def cross_entropy(logits: Any, labels: Any) -> Array:
    """The mean over the batch of -log softmax(logits)[label]: logits (n, k) or (k,), labels integers (n,) or ().

    One number; its gradient in the logits is (softmax - one-hot) / n. Raises RefusalError for labels that
    are not n integers from 0 to k - 1.
    """
    logits, labels = as_array(logits), as_array(labels)
    if labels.dtype.kind not in "iu" or labels.shape != logits.shape[:-1]:
        raise RefusalError(
            f"cross_entropy takes one class number per row of the logits: labels of shape {logits.shape[:-1]} and an\n"
            f"integer dtype. It was given shape {labels.shape}, dtype {labels.dtype}. "
            "For one-hot rows write np.argmax(rows, axis=-1)."
        )
    if labels.size and not (labels.min() >= 0 and labels.max() < logits.shape[-1]):
        raise RefusalError(
            f"cross_entropy: labels go from 0 to {logits.shape[-1] - 1}; found {labels.min()} to {labels.max()}."
        )
    rows = np.reshape(logits, (-1, logits.shape[-1]))
    chosen = rows[np.arange(labels.size), labels.ravel()]
    highest = largest(strip(rows), 1)
    return np.mean(logsumexp(rows - highest, axis=1) - (chosen - highest[:, 0]))


def linear_regulariser(hidden: Any, weights: Any) -> Array:
    """r^T h, summed over the rows of a batch: hidden (k,) or (n, k), weights (k,). One number; its gradient in h is r.

    Raises RefusalError for other shapes.
    """
    hidden, weights = as_array(hidden), as_array(weights)
    if weights.ndim != 1 or weights.shape != hidden.shape[-1:]:
        raise RefusalError(
            f"linear_regulariser takes one weight per hidden unit: weights of shape {hidden.shape[-1:]}, "
            f"not {weights.shape}."
        )
    return np.sum(hidden @ weights)


def residual(prediction: Any, target: Any) -> Array:
    """prediction - target, of equal shapes."""
    shapes = np.shape(strip(prediction)), np.shape(strip(target))
    if shapes[0] != shapes[1]:
        raise RefusalError(
            f"prediction has shape {shapes[0]} and target {shapes[1]}; a loss needs them equal. Reshape one of them."
        )
    return operand(prediction) - operand(target)


def as_array(x: Any) -> Array:
    """x with ndim and shape: traced arrays as they are."""
    x = operand(x)
    return x if hasattr(x, "shape") else np.asarray(x)
