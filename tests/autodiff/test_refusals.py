"""What cannot be differentiated or recorded is refused, and the message says what to write instead."""

import copy
import math

import numpy as np
import pytest

import autodiff as ad
from autodiff import RefusalError

V, M = np.array([1.0, 2.0, 3.0]), np.eye(2)


def fill(x):
    x[0] = 1.0
    return x


def fill_plain(x):
    a = np.zeros(3)
    a[:] = x
    return a


def add_into_plain(x):
    a = np.zeros(3)
    a += x
    return a


REFUSED = {
    "float": (lambda x: float(x), 1.0, "np.sin"),
    "int": (lambda x: int(x), 1.0, "Use x itself"),
    "complex": (lambda x: complex(x), 1.0, "Use x itself"),
    "item": (lambda x: x.item(), 1.0, "Use x itself"),
    "tolist": (lambda x: x.tolist(), V, "Use x itself"),
    "math": (lambda x: math.sin(x), 1.0, "np.sin"),
    "range": (lambda x: range(x), 1.0, "plain integer"),
    "index": (lambda x: V[x], 1.0, "plain integer"),
    "traced index": (lambda x: x[x], V, "plain integers"),
    "assignment": (fill, V, "np.where"),
    "deletion": (lambda x: x.__delitem__(0), V, "np.where"),
    "sorting in place": (lambda x: x.sort(), V, "np.sort"),
    "filling": (lambda x: x.fill(1.0), V, "np.where"),
    "adding to an entry": (lambda x: x.__setitem__(0, x[0] + 1), V, "np.where"),
    "padding that is not linear": (lambda x: np.pad(x, 1, "median"), V, "np.concatenate"),
    "svd": (lambda x: np.linalg.svd(x), M, "eigh"),
    "qr": (lambda x: np.linalg.qr(x), M, "cholesky"),
    "weights": (lambda x: np.average(x, weights=V[:2]), V, "weights"),
    "assignment into a plain array": (fill_plain, V, "np.stack"),
    "in place": (add_into_plain, V, "a = a + x"),
    "np.array": (lambda x: np.array([x, x]), V, "np.stack"),
    "np.asarray": (lambda x: np.asarray(x), V, "np.stack"),
    "list operand": (lambda x: x * [x, x, x], V, "np.stack"),
    "complex operand": (lambda x: np.sum(np.abs(x * np.array([1j, 2, 3]))), V, "imaginary"),
    "text operand": (lambda x: x + "a", V, "real numbers"),
    "out": (lambda x: np.exp(x, out=np.zeros(3)), V, "new array"),
    "where": (lambda x: np.exp(x, where=V > 1), V, "np.where"),
    "reduce": (lambda x: np.add.reduce(x), V, "np.sum"),
    "keyword": (lambda x: np.sum(x, initial=3.0), V, "np.sum of a traced array takes only"),
    "into an array that is there": (lambda x: np.take(x, [0], out=np.zeros(1)), V, "leave out= away"),
    "filling with a traced number": (lambda x: np.full_like(V, x[0]), V, "x * np.ones"),
    "no rule": (lambda x: np.fft.fft(x), V, "np.fft.fft has no rule"),
    "no rule, ufunc": (lambda x: np.spacing(x), V, "np.spacing has no rule"),
    "advice": (lambda x: np.quantile(x, 0.3), V, "np.sort"),
    "memory order": (lambda x: np.reshape(x, (3, 1), order="A"), V, "'C' and 'F'"),
    "nuclear norm": (lambda x: np.linalg.norm(x, "nuc"), M, "singular value"),
    "einsum by numbers": (lambda x: np.einsum(x, [0, 1]), M, "as a string"),
    "iteration of a number": (lambda x: list(x), 1.0, "0-d"),
    "integer type": (lambda x: x.astype(int), V, "np.rint"),
    "returns a tuple": (lambda x: (x, x), 1.0, "np.stack"),
    "returns nothing": (lambda x: None, 1.0, "one array"),
    "not a scalar": (lambda x: x * 2, V, "jacobian"),
    "complex argument": (lambda x: x, 1j, "real"),
    "text argument": (lambda x: x, "a", "real"),
    "list of arrays": (lambda x: x[0], [V, V], "argnums"),
    "dictionary": (lambda x: x["W"], {"W": V}, "argnums"),
    "losses of different shapes": (lambda x: ad.mse(x, V[:, None]), V, "equal"),
    "regulariser": (lambda x: ad.linear_regulariser(x, V), M, "one weight per hidden unit"),
    "labels": (lambda x: ad.cross_entropy(x, V[:2]), M, "integer"),
    "label range": (lambda x: ad.cross_entropy(x, np.array([0, 2])), M, "0 to 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusal_advises(name):
    f, x, advice = REFUSED[name]
    with pytest.raises(TypeError) as caught:
        ad.grad(f)(x)
    assert advice in str(caught.value)
    assert 1 <= len(str(caught.value).splitlines()) <= 2
    # The same in forward mode, and below another derivative.
    if name not in {"returns a tuple", "not a scalar", "returns nothing"}:
        with pytest.raises(TypeError):
            ad.jvp(f, (x,), (x,))
        with pytest.raises(TypeError):
            ad.grad(ad.grad(f))(x)


def test_assigning_a_number_names_the_cause():
    def f(x):
        a = np.zeros(3)
        a[0] = x
        return a

    for walk in (ad.grad(f), lambda x: ad.jvp(f, (x,), (x,))):
        with pytest.raises(RefusalError, match=r"np\.stack"):
            walk(1.0)


@pytest.mark.parametrize(
    ("call", "advice"),
    [
        (lambda: ad.grad(np.sum, 1)(V), "argnums=1"),
        (lambda: ad.grad(np.dot, (0, -2))(V, V), "twice"),
        (lambda: ad.jvp(np.sin, V, V), "two tuples"),
        (lambda: ad.jvp(np.sin, (V,), (V[:2],)), "shape"),
        (lambda: ad.vjp(np.sin, V)[1](V[:2]), "shape"),
        (lambda: ad.jacobian(np.sin, mode="backwards"), "forward"),
        (lambda: ad.record(lambda x: 1.0, V), "does not depend"),
        (lambda: ad.vec_jacobian(np.zeros((2, 2)), 3), "2 axes"),
        (lambda: ad.vec_jacobian(np.zeros((2, 2)), -1), "2 axes"),
    ],
)
def test_wrong_calls(call, advice):
    with pytest.raises(RefusalError, match=advice):
        call()


def test_a_traced_array_outside_its_function():
    kept = []

    def f(x):
        kept.append(x)
        if len(kept) > 1:
            raise ZeroDivisionError
        return x * x

    ad.grad(f)(2.0)
    with pytest.raises(ZeroDivisionError):
        ad.grad(f)(3.0)
    for x, value in zip(kept, (2.0, 3.0), strict=True):
        assert x.value == value
        for use in (lambda x=x: x + 1, lambda x=x: np.sin(x), lambda x=x: ad.grad(lambda z: z * x)(1.0)):
            with pytest.raises(RefusalError, match="has returned"):
                use()


def test_what_is_allowed():
    def f(x):
        y = x
        y += 1  # rebinding, not writing
        y *= 2
        if x[0] > 0 and x.any() and not np.isnan(x).any():
            y = y + np.zeros_like(x) + len(x) + x.ndim + np.size(x)
        assert copy.deepcopy(x) is x
        y += x.real - divmod(x, 2)[1] - round(x, 1)
        assert (x == x).dtype == bool
        assert type(x > 0) is np.ndarray
        assert bool(x[0])
        return np.sum(y, out=None, dtype=None)

    np.testing.assert_array_equal(ad.grad(f)(V + 0.25), [2, 2, 2])


@pytest.mark.parametrize(
    ("subscripts", "x"), [("ii->i", np.ones((1, 3))), ("ij->ji", np.ones(3)), ("i,i->", np.ones(3))]
)
def test_einsum_refuses_what_numpy_refuses(subscripts, x):
    with pytest.raises(ValueError, match="operand"):
        np.einsum(subscripts, x)
    with pytest.raises(ValueError, match=r"np\.einsum"):
        ad.vjp(lambda x: np.einsum(subscripts, x), x)


def test_error_of_the_function_itself_passes_through():
    with pytest.raises(ZeroDivisionError):
        ad.grad(lambda x: x / (1 // 0))(1.0)
    with pytest.raises(np.exceptions.AxisError):
        ad.grad(lambda x: np.sum(x, axis=3))(V)
