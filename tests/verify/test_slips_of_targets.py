"""What is named in answers to other questions than a gradient, in slices, and in quotients of high order."""

import numpy as np
import pytest
from test_slips import exercise

from grading.verify import Exercise, layouts, misread, planted, probes, quotients, shares, suspects, targets, verify
from grading.verify.catalogue import ALMOST_SURE, LIKELY

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
CENTRAL = {2: (1 / 2,), 4: (2 / 3, -1 / 12), 6: (3 / 4, -3 / 20, 1 / 60)}


def layer(xp, W, x, t):
    return xp.mean((xp.tanh(x @ W) - t) ** 2)


def tilted(xp, x):
    return xp.tanh(x) * xp.sum(x)


LAYER = exercise("layer", layer, ("W",), W=(3, 4), x=(6, 3), t=(6, 4))
TILTED = exercise("tilted", tilted, ("x",), asks="vjp", x=6)
MOVED = exercise("moved", lambda xp, W, x: xp.tanh(W @ x), ("x",), asks="jvp", W=(4, 5), x=5)
LOSS = exercise("loss", lambda xp, W, x: xp.sum(xp.tanh(W @ x) ** 2), ("x",), asks="jvp", W=(4, 5), x=5)
VALUE = exercise("value", lambda xp, x, w: xp.sum(xp.log(1 + xp.exp(w * x))), (), asks="value", x=5, w=5)
SHARES = exercise("shares", lambda xp, z: xp.exp(z) / xp.sum(xp.exp(z)), ("z",), asks="jacobian", z=5)
STRIDE = exercise("stride", lambda xp, x, w: xp.sum(w * xp.sin(x[::2])), ("x",), x=8, w=4)
HIDDEN = exercise("hidden", lambda xp, x, W, v: xp.tanh(x @ W) @ v, ("W",), asks="vjp", x=(1, 3), W=(3, 4), v=4)
KRON = exercise("kron", lambda xp, A, x, B: xp.ravel(A @ xp.reshape(x, (3, 4)) @ B), ("x",), asks="jacobian",
                A=(2, 3), x=12, B=(4, 5))  # fmt: skip


def quotient(function, order, step):
    def at(a):
        out = np.zeros_like(a)
        for index in np.ndindex(a.shape):
            unit = np.zeros_like(a)
            unit[index] = step
            terms = (w * (function(a + k * unit) - function(a - k * unit)) for k, w in enumerate(CENTRAL[order], 1))
            out[index] = sum(terms) / step
        return out

    return at


def of_order(order, step):
    return lambda W, x, t: quotient(lambda w: layer(np, w, x, t), order, step)(W)


def from_second(x, w):
    back = np.zeros_like(x)
    back[1::2] = w * np.cos(x[1::2])
    return back


def softmax(z):
    return np.exp(z) / np.sum(np.exp(z))


WRONG = {
    "fourth order": (LAYER, of_order(4, 1e-3), "a finite difference"),
    "sixth order": (LAYER, of_order(6, 1e-2), "a finite difference"),
    "of a product": (TILTED, lambda x, v: quotient(lambda a: v @ tilted(np, a), 4, 1e-2)(x), "a finite difference"),
    "tangents left out": (MOVED, lambda W, x, v: 1 - np.tanh(W @ x) ** 2, "inner derivative forgotten"),
    "gradient": (LOSS, lambda W, x, v: 2 * np.tanh(W @ x) * (1 - np.tanh(W @ x) ** 2) @ W, "another derivative"),
    "slope for value": (VALUE, lambda x, w: w / (1 + np.exp(-w * x)), "another derivative"),
    "p(1 - p)": (SHARES, lambda z: softmax(z) * (1 - softmax(z)), "diagonal only"),
    "other half": (STRIDE, from_second, "off by one"),
}


def labels(made, answer, seed=0):
    return [cause.label for cause in verify(made, answer, seed=seed).causes]


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("seed", [0, 17])
def test_the_mistake_is_named(case, seed):
    made, answer, label = WRONG[case]
    assert labels(made, answer, seed)[:1] == [label]


MUTANTS = {
    "fourth order": (quotients, "_CENTRAL", ((1 / 2,),)),
    "sixth order": (quotients, "_CENTRAL", ((1 / 2,), (2 / 3, -1 / 12))),
    "of a product": (quotients, "_CENTRAL", ((1 / 2,),)),
    "tangents left out": (planted, "other_directions", lambda recorded: iter(())),
    "p(1 - p)": (layouts, "_of_matrix", lambda: iter(())),
    "gradient": (targets, "_jacobian", lambda name, one: np.zeros(1)),
    "slope for value": (targets, "_derivative", lambda name, one: np.zeros(1)),
    "other half": (misread, "_of_slices", lambda recorded, i: iter(())),
}


@pytest.mark.parametrize("case", MUTANTS)
def test_without_what_predicts_it_the_mistake_is_not_named(case, monkeypatch):
    made, answer, label = WRONG[case]
    module, name, broken = MUTANTS[case]
    monkeypatch.setattr(module, name, broken)
    assert labels(made, answer)[:1] != [label]


def test_an_identity_may_be_another_mistake_than_a_sum_along_the_wrong_axis():
    """Its columns have the sums of the right matrix, as those of many another one have."""
    made = exercise("halves", lambda xp, x: xp.concat([x / 2, x / 2]), ("x",), asks="jacobian", x=6)
    (cause,) = verify(made, lambda x: np.eye(6), seed=0).causes
    assert (cause.label, cause.certainty) == ("wrong axis", LIKELY)


def first_entry(x, W, v, c):
    """All that comes back goes by one weight, which is right where there is only one."""
    slope = (1 - np.tanh(x @ W) ** 2) * v * c[:, None]
    return x.T @ slope * (1 if W.size == 1 else W[0, 0])


def test_arrays_of_one_entry_are_no_square_matrices(monkeypatch):
    assert "right for square shapes only" not in labels(HIDDEN, first_entry)
    monkeypatch.setattr(
        probes, "_square", lambda point: {k: np.asarray(v)[(slice(1),) * np.ndim(v)] for k, v in point.items()}
    )
    assert "right for square shapes only" in labels(HIDDEN, first_entry)


def test_a_product_of_another_shape_is_no_sum_along_another_axis(monkeypatch):
    def untransposed(A, x, B):
        return np.kron(A, B)

    assert "wrong axis" not in labels(KRON, untransposed)
    monkeypatch.setattr(layouts, "_is_other_sum", lambda one: True)
    assert "wrong axis" in labels(KRON, untransposed)


TERMS = exercise("terms", lambda xp, A, x: xp.sum((A @ x) ** 2) + xp.sum(xp.sin(x)), ("x",), A=(6, 3), x=3)
SPREAD = Exercise(
    id="spread",
    function=lambda xp, x, s: xp.sum(xp.exp(-(x**2) / (2 * s**2))),
    inputs=lambda rng: {"x": rng.normal(size=7), "s": 0.5 + rng.random(7)},
    wrt=("x", "s"),
    sizes_fixed="what is tried does not depend on sizes",
)


def one_power_less(x, s):
    bell = np.exp(-(x**2) / (2 * s**2))
    return -bell * x / s, bell * x**2 / s**2


def test_what_could_as_well_be_another_mistake_is_not_said_to_be_sure(monkeypatch):
    def third(A, x):
        return 2 * A.T @ (A @ x) / 3 + np.cos(x)

    def certain(made, answer):
        return {cause.label: cause.certainty for cause in verify(made, answer, seed=0).causes}

    assert certain(TERMS, third) == {"mean for sum": LIKELY, "coefficient of one term": ALMOST_SURE}
    assert certain(SPREAD, one_power_less)["activation derivative at the wrong point"] == LIKELY
    monkeypatch.setattr(shares, "LIKELY", ALMOST_SURE)
    monkeypatch.setattr(suspects, "LIKELY", ALMOST_SURE)
    assert certain(TERMS, third)["mean for sum"] == ALMOST_SURE
    assert certain(SPREAD, one_power_less)["activation derivative at the wrong point"] == ALMOST_SURE
