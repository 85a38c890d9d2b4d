"""The walks: what they return, how they nest, and what they leave behind (nothing)."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad

A, V = np.arange(6.0).reshape(2, 3) / 3 - 0.7, np.array([0.3, -1.2, 2.0])


def f(x):
    return np.sum(np.sin(x) * x**3)


def df(x):
    return np.cos(x) * x**3 + 3 * np.sin(x) * x**2


def test_gradient_and_value():
    value, g = ad.value_and_grad(f)(V)
    assert value == f(V)
    np.testing.assert_allclose(g, df(V), rtol=1e-14)
    np.testing.assert_array_equal(ad.grad(f)(V), g)


@pytest.mark.parametrize("x", [3, True, np.int32(3), 3.0, np.array(3), np.array(3.0), np.float32(3), np.float64(3)])
def test_scalars_of_every_sort(x):
    g = ad.grad(lambda x: x * x * 0.5)(x)
    assert np.shape(g) == ()
    assert g == 1.0 * x
    assert g.dtype == (np.float32 if isinstance(x, np.float32) else np.float64)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_survives_constants_of_another(dtype):
    x = V.astype(dtype)
    for h in (
        lambda x: np.sum(x * V),
        lambda x: np.sum(x * 2.0),
        lambda x: np.mean(np.float64(2) * x),
        lambda x: x[0] * 3,
    ):
        assert ad.grad(h)(x).dtype == dtype
    assert ad.jvp(np.sin, (x,), (V,))[1].dtype == dtype


def test_integer_arrays_count_as_float64():
    g = ad.grad(lambda x: np.sum(x * x))(np.array([1, 2, 3]))
    assert g.dtype == np.float64
    np.testing.assert_array_equal(g, [2, 4, 6])
    np.testing.assert_array_equal(ad.grad(lambda x: np.sum(x * x))([1, 2, 3]), [2, 4, 6])


def test_argnums():
    def h(a, b, c):
        return np.sum(a * b) * c

    a, b = ad.grad(h, (0, 1))(V, V + 1, 2.0)
    np.testing.assert_array_equal(a, 2 * (V + 1))
    np.testing.assert_array_equal(b, 2 * V)
    assert ad.grad(h, -1)(V, V, 2.0) == np.sum(V * V)
    assert ad.grad(h, np.int64(2))(V, V, 2.0) == np.sum(V * V)
    (only,) = ad.grad(h, (2,))(V, V, 2.0)
    assert only == np.sum(V * V)
    assert ad.grad(lambda x, label: x * len(label), 0)(2.0, "abc") == 3


def test_unused_arguments_have_gradient_zero():
    a, b = ad.grad(lambda a, b: np.sum(a), (0, 1))(V.astype(np.float32), A)
    assert b.shape == A.shape
    assert not b.any()
    np.testing.assert_array_equal(ad.grad(lambda x: 3.0)(V), np.zeros(3))
    np.testing.assert_array_equal(ad.jvp(lambda x: np.ones(2), (V,), (V,))[1], np.zeros(2))
    assert ad.jacobian(lambda x: np.ones(2))(A).shape == (2, 2, 3)
    assert a.dtype == np.float32


def test_adjoint_not_computed_is_none():
    tape, y = ad.record(lambda x: (np.exp(x), np.sin(x))[1] * 2, 1.0)
    adjoints = ad.backward(tape, y.index, np.float64(1), keep=True)
    names = [line.rule.name if line.rule else "input" for line in tape]
    assert names == ["input", "exp", "sin", "multiply"]
    assert adjoints[1] is None
    assert adjoints[2] == 2
    assert adjoints[0] == 2 * np.cos(1.0)


def test_the_list_reads_like_a_computation():
    tape, y = ad.record(lambda x, w: np.sum(x * w) + 1, V, V)
    assert str(tape).splitlines()[2:] == [
        "v2 = multiply(v0, v1)",
        "v3 = sum(v2, axis=(0,), keepdims=False)",
        "v4 = add(v3, 1)",
    ]
    assert tape[2].parents == (0, 1)
    assert tape[4].parents == (3, None)
    assert all(p is None or p < i for i, line in enumerate(tape) for p in line.parents)
    assert tape[y.index].value == y.value


def test_the_reverse_walk_can_be_recorded():
    tape, g = ad.record(ad.grad(lambda x: x**3), 2.0)
    assert g.value == 12
    assert ad.backward(tape, g.index, np.float64(1))[0] == 12


def test_pullback_is_reusable_and_keeps_its_own_copies():
    x = V.copy()
    value, pullback = ad.vjp(lambda x: np.sin(x) * x, x)
    first = pullback(np.ones(3))[0].copy()
    x[:] = 99
    value[:] = 99
    np.testing.assert_array_equal(pullback(np.ones(3))[0], first)
    np.testing.assert_allclose(pullback(2 * np.ones(3))[0], 2 * first)


def test_results_are_the_callers_own():
    w = np.ones(3)
    (a, b) = ad.vjp(lambda a, b: a + b, V, V)[1](w)
    a *= 2
    np.testing.assert_array_equal(b, np.ones(3))
    np.testing.assert_array_equal(w, np.ones(3))
    g = ad.grad(np.sum)(V)
    g += 1
    (h,) = ad.vjp(lambda x: x.T, A)[1](A.T)
    h += 1
    np.testing.assert_array_equal(A, np.arange(6.0).reshape(2, 3) / 3 - 0.7)
    given = np.ones(3)
    for result in ad.jvp(lambda x: x, (given,), (given,)):
        result[0] = 7
    np.testing.assert_array_equal(given, np.ones(3))


def test_a_variable_used_many_times():
    def fan(x):
        for _ in range(5):
            x = x * x * 0.5 + x
        return np.sum(x)

    t = torch.tensor(V, requires_grad=True)
    x = t
    for _ in range(5):
        x = x * x * 0.5 + x
    x.sum().backward()
    np.testing.assert_allclose(ad.grad(fan)(V), t.grad, rtol=1e-12)
    tape, y = ad.record(lambda x: np.sum(x + x + x + x + x), V)
    adjoints = ad.backward(tape, y.index, np.float64(1), keep=True)
    assert [np.unique(g).tolist() for g in adjoints] == [[5], [1], [1], [1], [1], [1]]


@pytest.mark.parametrize("outer", [ad.grad, lambda h: lambda x: ad.jvp(h, (x,), (1.0,))[1]])
@pytest.mark.parametrize("inner", [ad.grad, lambda h: lambda x: ad.jvp(h, (x,), (1.0,))[1]])
def test_perturbations_are_not_confused(outer, inner):
    assert outer(lambda x: x * inner(lambda y: x + y)(1.0))(1.0) == 1
    assert outer(lambda x: x * inner(lambda y: x * y * y)(x))(3.0) == 4 * 3**3 * 0 + 6 * 3**2
    assert outer(lambda x: inner(lambda y: x)(2.0) + x)(1.0) == 1


FORMS = {"reverse": ad.grad, "forward": lambda h: lambda x: ad.jvp(h, (x,), (1.0,))[1]}


@pytest.mark.parametrize("orders", list(itertools.product(FORMS, repeat=4)), ids="-".join)
def test_any_order_of_nesting(orders):
    h = np.sin
    for order, expected in zip(orders, (np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin), strict=True):
        h = FORMS[order](h)
        assert abs(h(0.7) - expected(0.7)) < 1e-14

    def k(x):
        return np.exp(x * x) / (1 + x)

    for order in orders[:3]:
        k = FORMS[order](k)
    t = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    y = torch.exp(t * t) / (1 + t)
    for _ in range(3):
        (y,) = torch.autograd.grad(y, t, create_graph=True)
    assert abs(k(0.4) - y.item()) < 1e-11


@pytest.mark.parametrize("returned", [object(), {1.0}, (i for i in ()), lambda: 0.0, 1j, "text", None, [1.0]])
def test_what_is_no_array_has_no_derivative(returned):
    for walk in (ad.grad, ad.jacobian, lambda f: lambda x: ad.vjp(f, x), lambda f: lambda x: ad.jvp(f, (x,), (x,))):
        with pytest.raises(ad.RefusalError, match="the function returned"):
            walk(lambda x: returned)(2.0)


def test_levels_do_not_depend_on_what_failed_before():
    def broken(x):
        ad.grad(lambda y: y * x / (1 // 0))(2.0)
        return x

    for call in (ad.grad(broken), lambda x: ad.jvp(broken, (x,), (1.0,))):
        with pytest.raises(ZeroDivisionError):
            call(1.0)
    assert ad.grad(ad.grad(lambda x: x**3))(2.0) == 12

    def catches(x):
        try:
            ad.grad(lambda y: y * x / (1 // 0))(2.0)
        except ZeroDivisionError:
            return x * x
        return x

    assert ad.grad(catches)(3.0) == 6


@pytest.mark.parametrize("length", [20_000])
def test_long_chains(length):
    def chain(x):
        for _ in range(length):
            x = x * 1.0001
        return x

    expected = 1.0001**length
    assert abs(ad.grad(chain)(1.0) / expected - 1) < 1e-10
    assert abs(ad.jvp(chain, (1.0,), (1.0,))[1] / expected - 1) < 1e-10


def test_pushing_keeps_no_list():
    with pytest.raises(AttributeError):
        ad.jvp(lambda x: x.tape, (1.0,), (1.0,))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 3), max_size=2), st.lists(st.integers(1, 3), max_size=2))
def test_jacobian_shape_and_modes(out_shape, in_shape):
    rng = np.random.default_rng(0)
    x, n, m = rng.normal(size=in_shape), int(np.prod(in_shape)), int(np.prod(out_shape))
    M = rng.normal(size=(m, n))

    def h(x):
        return np.reshape(M @ np.sin(np.reshape(x, -1)), out_shape)

    expected = np.reshape(M * np.cos(np.ravel(x)), (*out_shape, *in_shape))
    for mode in ("forward", "reverse", None):
        found = ad.jacobian(h, mode=mode)(x)
        assert found.shape == (*out_shape, *in_shape)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("mode", ["forward", "reverse", None])
def test_jacobian_of_several_arguments(mode):
    W, x = A, V
    dW, dx = ad.jacobian(lambda W, x: W @ x, (0, 1), mode)(W, x)
    np.testing.assert_array_equal(dx, W)
    np.testing.assert_array_equal(dW, np.einsum("ik,j->ikj", np.eye(2), x))
    assert ad.jacobian(lambda x: x * 2, mode=mode)(V.astype(np.float32)).dtype == np.float32
    assert ad.jacobian(lambda x: x, mode=mode)(np.zeros((0, 2))).shape == (0, 2, 0, 2)


def test_hessian_and_products_agree_with_torch():
    def h(x):
        return np.sum(np.sin(x) * np.exp(x[::-1])) + np.prod(x)

    def theirs(x):
        return torch.sum(torch.sin(x) * torch.exp(x.flip(0))) + torch.prod(x)

    expected = torch.autograd.functional.hessian(theirs, torch.tensor(V)).numpy()
    found = ad.hessian(h)(V)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    u = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(ad.hvp(h, V, u), expected @ u, rtol=1e-12)
    np.testing.assert_allclose(ad.grad(lambda x: ad.jvp(h, (x,), (u,))[1])(V), expected @ u, rtol=1e-12)
    np.testing.assert_allclose(ad.grad(lambda x: np.sum(ad.grad(h)(x) * u))(V), expected @ u, rtol=1e-12)


def test_hessian_of_several_arguments():
    W, x = A, V

    def h(W, x):
        return np.sum(np.tanh(W @ x))

    blocks = ad.hessian(h, (0, 1))(W, x)
    assert [[b.shape for b in row] for row in blocks] == [[(2, 3, 2, 3), (2, 3, 3)], [(3, 2, 3), (3, 3)]]
    np.testing.assert_allclose(blocks[0][1], np.moveaxis(blocks[1][0], 0, -1), rtol=1e-12)
    dW, dx = ad.hvp(h, (W, x), (W + 1, x - 1))
    np.testing.assert_allclose(dW, np.tensordot(blocks[0][0], W + 1, 2) + blocks[0][1] @ (x - 1), rtol=1e-12)
    np.testing.assert_allclose(dx, np.tensordot(blocks[1][0], W + 1, 2) + blocks[1][1] @ (x - 1), rtol=1e-12)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.data())
def test_the_gate(data):
    full = data.draw(st.lists(st.integers(1, 3), max_size=3))
    kept = data.draw(st.integers(0, len(full)))
    shape = [1 if data.draw(st.booleans()) else n for n in full[len(full) - kept :]]
    g = np.random.default_rng(0).normal(size=full)
    found = ad.project(g, np.zeros(shape, np.float32))
    assert found.shape == tuple(shape)
    assert found.dtype == np.float32
    assert abs(found.sum() - g.sum()) < 1e-4


@pytest.mark.parametrize(("g", "like"), [((2,), (3,)), ((), (3,)), ((2, 3), (2,)), ((3,), (2, 3))])
def test_the_gate_refuses_what_no_broadcast_explains(g, like):
    with pytest.raises(ValueError, match="does not belong"):
        ad.project(np.zeros(g), np.zeros(like))


def test_network_against_torch():
    rng = np.random.default_rng(3)
    X, labels = rng.normal(size=(5, 4)), np.array([0, 2, 1, 1, 0])
    P = [rng.normal(size=s) for s in ((4, 6), (6,), (6, 3), (3,))]

    def loss(W, b, U, c):
        return ad.cross_entropy(np.tanh(X @ W + b) @ U + c, labels)

    T = [torch.tensor(p, requires_grad=True) for p in P]
    t = torch.nn.functional.cross_entropy(torch.tanh(torch.tensor(X) @ T[0] + T[1]) @ T[2] + T[3], torch.tensor(labels))
    t.backward()
    for g, p in zip(ad.grad(loss, (0, 1, 2, 3))(*P), T, strict=True):
        np.testing.assert_allclose(g, p.grad, rtol=1e-10, atol=1e-14)


def test_traced_arrays_answer_like_arrays():
    def h(x):
        assert (x.shape, x.ndim, x.size, len(x), x.dtype) == ((2, 3), 2, 6, 2, np.dtype(float))
        assert f"{x[0, 0]:.2f}" == "-0.70"
        assert "Var" in repr(x)
        y = x.T.reshape(2, 3) + x.reshape((3, 2)).transpose() + x.swapaxes(0, 1).T + x.mT.transpose(1, 0)
        y = y + x.copy() - 2 * x / 3 + (1 - x) ** 2 // 5 + 2**x + abs(-x) % 7 + (+x)
        rows = list(y)
        return (
            np.sum(np.stack(rows)) + x.mean() + x.max() + x.min() + x.var() + x.std() + x.prod() + x.ravel()[x.argmax()]
        )

    def t(x):
        y = x.T.reshape(2, 3) + x.reshape(3, 2).T + x + x + x - 2 * x / 3 + 2**x + x.abs() + x
        return y.sum() + x.mean() + x.max() + x.min() + x.var(correction=0) + x.std(correction=0) + x.prod() + x.max()

    expected = torch.autograd.functional.jacobian(t, torch.tensor(A))
    np.testing.assert_allclose(ad.grad(h)(A), expected, rtol=1e-12)


def test_importing_is_light():
    code = (
        "import sys, autodiff; sys.exit(any(m.split('.')[0] in ('torch', 'IPython', 'grading') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_tour_runs():
    import doctest

    for module in (ad, sys.modules["autodiff.modes"], sys.modules["autodiff.tensors"]):
        assert doctest.testmod(module, extraglobs={"np": np}).failed == 0
