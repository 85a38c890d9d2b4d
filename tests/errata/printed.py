"""What the tests of published errors share: which row a test belongs to, and PyTorch's derivatives as NumPy arrays."""

import numpy as np
import torch


def corrects(*rows):
    """Mark a test as the one that shows the corrections of these rows of docs/errata.md."""

    def marked(test):
        test.corrects = rows
        return test

    return marked


def tensor(value):
    return torch.as_tensor(np.asarray(value, dtype=float))


def jacobian(function, at):
    """d function / d at by PyTorch, output axes first."""
    return torch.func.jacrev(function)(tensor(at)).numpy()


def gradient(function, at):
    """The gradient of a single number, in the shape of what it is taken in."""
    value = jacobian(function, at)
    assert value.shape == np.shape(at)
    return value


def sigmoid(v):
    return 1 / (1 + np.exp(-v))
