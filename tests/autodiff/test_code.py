"""Code written from lists: it gives what the walks give, refuses where it would not, and reads as people write."""

import ast
import contextlib
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from row_cases import cases

import autodiff as ad
from autodiff.code import source, tangent_source
from autodiff.rule import TABLE
from autodiff.testing import direction, sample
from autodiff.writer import LITERAL

RNG = np.random.default_rng(5)
X, LABELS, TARGET = RNG.normal(size=(7, 4)), RNG.integers(0, 3, 7), RNG.normal(size=(7, 3))
PARAMETERS = [RNG.normal(size=shape) for shape in ((4, 5), (5,), (5, 3), (3,))]
VECTOR = np.array([0.5, -1.5, 2.0, 0.25])


def loaded(text):
    """The function a text defines, with nothing to lean on but the text."""
    namespace = {}
    exec(str(text), namespace)
    functions = [f for f in ast.parse(text).body if isinstance(f, ast.FunctionDef)]
    assert {line for line in text.splitlines() if "import" in line} == {"import numpy as np"}
    assert max(map(len, text.splitlines())) <= 100
    return lambda *args: namespace[functions[-1].name](*args, **text.constants)


def same_bits(found, expected):
    many = isinstance(expected, tuple)
    for a, b in zip(found if many else (found,), expected if many else (expected,), strict=True):
        assert (np.shape(a), np.asarray(a).dtype) == (np.shape(b), np.asarray(b).dtype)
        np.testing.assert_array_equal(a, b)


def body(text):
    """What a function does: its statements as text, without the checks of its arguments."""
    function = [f for f in ast.parse(text).body if isinstance(f, ast.FunctionDef)][-1]
    lines = [ast.unparse(s) for s in function.body[1:] if not isinstance(s, ast.If)]
    return [line for line in lines if not line.startswith("shapes = ")]


def network(activation, loss):
    """A network with one hidden layer, as a function of its parameters."""

    def value(W1, b1, W2, b2):
        h = activation(X @ W1 + b1)
        z = h @ W2 + b2
        return loss(z)

    return value


LOSSES = {"ce": lambda z: ad.cross_entropy(z, LABELS), "mse": lambda z: ad.mse(z, TARGET)}
NETWORKS = {
    f"{name} {loss}": network(activation, LOSSES[loss])
    for name, activation in {"tanh": np.tanh, "sigmoid": ad.sigmoid, "relu": ad.relu, "softplus": ad.softplus}.items()
    for loss in LOSSES
}


def regularised(x, W1, b1, W2, b2, s, r):
    z = W1 @ x + b1
    h = ad.sigmoid(z)
    y = W2 @ h + b2
    return 0.5 * np.sum((y - s) ** 2) + r @ h


def bias_row(W1, W2, data, y):
    b = np.ones((len(data), 1))
    hidden = ad.relu(np.concatenate([data, b], axis=1) @ W1)
    F = np.concatenate([hidden, b], axis=1) @ W2 - y
    return np.sum(F**2) / len(data)


def layered(x, y):
    z1 = np.exp(-y)
    z2 = 1 + x**2 + y**2
    return 6 * z1 / z2 + 2 * x**3


LEDGER = [
    (lambda x: np.exp(2 * x[1]) + x[0] * np.sin(3 * x[1] ** 2), (np.array([2.0, 1.0]),)),
    (lambda x: x[0] * x[1] + ad.sigmoid(x[1]), (np.array([2.0, 1.0]),)),
    (layered, (0.7, -0.4)),
    (lambda x, y: (x * y) * (x * y + np.sin(x)), (0.7, -0.4)),
    (lambda W, x: np.sum((W @ x) ** 2), (sample((3, 4)), VECTOR)),
    (lambda A, B: np.trace(B @ A), (sample((3, 4)), sample((4, 3), seed=1))),
    (lambda W1, b1, w2, x: w2 @ ad.sigmoid(W1 @ x + b1), (sample((5, 4)), sample((5,)), sample((5,), seed=2), VECTOR)),
    (regularised, (VECTOR, *(sample(s, seed=2) for s in ((5, 4), (5,), (3, 5), (3,), (3,), (5,))))),
    (bias_row, (sample((4, 4)), sample((5, 1)), sample((6, 3), seed=1), sample((6, 1), seed=2))),
    (lambda z: np.max(z) + np.log(np.sum(np.exp(z - np.max(z)))) - z[2], (VECTOR,)),
    (lambda y, s: 0.5 * np.sum((y - s) ** 2), (VECTOR, VECTOR[::-1].copy())),
    (lambda A, B, x: np.sum(np.sin(A @ np.tanh(B @ x))), (sample((3, 5)), sample((5, 4)), VECTOR)),
]


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_to_the_last_bit(name):
    f = NETWORKS[name]
    text = ad.gradient_source(f, *PARAMETERS, argnums=(0, 1, 2, 3))
    same_bits(loaded(text)(*PARAMETERS), ad.grad(f, (0, 1, 2, 3))(*PARAMETERS))
    other = [p + 0.25 for p in PARAMETERS]
    same_bits(loaded(text)(*other), ad.grad(f, (0, 1, 2, 3))(*other))


@pytest.mark.parametrize(("f", "args"), LEDGER)
def test_functions_of_the_sheets_to_the_last_bit(f, args):
    every = tuple(range(len(args)))
    same_bits(loaded(ad.gradient_source(f, *args, argnums=every))(*args), ad.grad(f, every)(*args))
    tangents = [direction(RNG, x) for x in args]
    text = tangent_source(f, *args, argnums=every)
    same_bits(loaded(text)(*args, *tangents), ad.jvp(f, args, tangents)[1])


def row(rule, some):
    for f, args in cases(rule)[some]:
        args = tuple(np.asarray(x, float)[()] for x in args)
        w = direction(np.random.default_rng(1), f(*args))
        every = tuple(range(len(args)))

        def weighted(*xs, f=f, w=w):
            return np.sum(w * f(*xs))

        text = ad.gradient_source(weighted, *args, argnums=every)
        same_bits(loaded(text)(*args), ad.grad(weighted, every)(*args))
        tangents = [direction(RNG, x) for x in args]
        same_bits(loaded(tangent_source(f, *args, argnums=every))(*args, *tangents), ad.jvp(f, args, tangents)[1])
        ad.compile(ad.grad(weighted, every), *args)


@pytest.mark.parametrize("rule", TABLE.values(), ids=lambda rule: str(rule.name))
def test_row(rule):
    row(rule, slice(1))


@pytest.mark.sweep
@pytest.mark.parametrize("rule", TABLE.values(), ids=lambda rule: str(rule.name))
def test_row_all_calls(rule):
    row(rule, slice(1, None))


def test_other_arguments_than_the_example():
    """Comparisons, indices and orders are computed, not remembered."""

    def f(x, i):
        y = np.sort(np.maximum(x, 0.1)) + np.where(x > 0, x, 2 * x)
        return np.sum(y[i] ** 2) + np.max(x) + np.prod(x) + np.linalg.norm(x)

    run = loaded(ad.gradient_source(f, VECTOR, np.array([0, 1, 1])))
    compiled = ad.compile(ad.grad(f), VECTOR, np.array([0, 1, 1]))
    for _ in range(20):
        x, i = RNG.normal(size=4), RNG.integers(-4, 4, 3)
        same_bits(run(x, i), ad.grad(f)(x, i))
        np.testing.assert_allclose(compiled(x, i), ad.grad(f)(x, i), rtol=1e-12)
    assert len(compiled.runs) == 1


def test_reads_as_a_person_writes():
    def loss(W, b, x):
        z = W @ x + b
        h = np.tanh(z)
        return np.sum(h)

    assert body(ad.gradient_source(loss, sample((3, 4)), sample((3,)), VECTOR, argnums=(0, 1, 2))) == [
        "z = W @ x + b",
        "h = np.tanh(z)",
        "d_z = 1 - h * h",
        "d_W = d_z[:, None] * x",
        "d_x = W.T @ d_z",
        "d_b = d_z",
        "return (d_W, d_b, d_x)",
    ]


def test_constants_are_folded():
    assert body(ad.gradient_source(lambda x: np.sum(2 * 0.5 * x * x), VECTOR)) == ["d_x = 2 * x", "return d_x"]
    assert body(ad.gradient_source(lambda x, y: x * y, 2, 1)) == ["return np.float64(y)"]
    assert body(ad.gradient_source(lambda x: 2 * (0.5 * x), 3.0)) == ["return np.float64(1.0)"]
    assert body(ad.gradient_source(lambda x: np.sum(x * x * 0.5 + x), VECTOR)) == ["d_x = 1 + x", "return d_x"]


def test_what_would_round_differently_is_not_folded():
    def f(x):
        return np.sum(0.1 * (0.7 * x)) + np.sum(0.3 * np.log(x) + 0.7 / (1.3 * x)) + np.sum((x * 0.1) ** 2 * 0.7)

    for x in (np.linspace(0.1, 9, 50), np.linspace(0.1, 9, 50, dtype=np.float32)):
        same_bits(loaded(ad.gradient_source(f, x))(x), ad.grad(f)(x))


def test_dtypes_are_those_of_the_walk():
    wide, narrow = np.full(4, 2.0), VECTOR.astype(np.float32)
    for f in (lambda x: np.sum(x * wide), lambda x: np.sum(x * np.float64(2) + 1), lambda x: np.mean(x.astype(float))):
        same_bits(loaded(source(ad.value_and_grad(f), narrow))(narrow), ad.value_and_grad(f)(narrow))


def test_negative_constants_and_orders_of_reshaping():
    def f(x):
        y = np.sin(-0.3 + x) + np.sum(-3 * x) / 7
        return np.sum(np.sin(y.reshape(2, 6).reshape((3, 4), order="F")) * np.arange(4)) + (-0.3)

    x = np.linspace(-1, 1, 12)
    same_bits(loaded(source(ad.value_and_grad(f), x))(x), ad.value_and_grad(f)(x))


def test_adding_in_place_leaves_others_alone():
    def once(x, y):
        return np.sum((x + y) ** 2) + x[0] * 3

    def often(x, y):
        return once(x, y) + np.sum(x[[1, 1, 2]]) + y[-1]

    for f in (once, often):
        args = VECTOR, VECTOR + 1
        same_bits(loaded(ad.gradient_source(f, *args, argnums=(0, 1)))(*args), ad.grad(f, (0, 1))(*args))


def test_a_number_is_picked_from():
    def f(x):
        return np.sum(x[x > 0] * 3) + x * x

    same_bits(loaded(ad.gradient_source(f, 2.0))(3.0), ad.grad(f)(3.0))


def test_common_values_once_and_dead_ones_never():
    text = ad.gradient_source(lambda x: np.sum(np.exp(np.sin(x)) * np.sin(x)) + np.sum(np.cos(3 * x[0] - x[0])), VECTOR)
    assert text.count("np.sin(x)") == 1
    assert "np.log" not in ad.gradient_source(lambda x: np.log(np.sum(x)), VECTOR)


def test_names():
    def f(np_, lambda_, x):
        for _ in range(2):
            x = np.sin(x * np_)
        d_x = np.sum(x * lambda_)
        return d_x * d_x

    text = ad.gradient_source(f, 2.0, 3.0, VECTOR, argnums=(0, 1, 2))
    same_bits(loaded(text)(2.0, 3.0, VECTOR), ad.grad(f, (0, 1, 2))(2.0, 3.0, VECTOR))
    assert "x_1 = np.sin(" in text
    namespace = {"numpy": np}
    exec("gradient = numpy.arange(5, 9) / 7", namespace)
    exec("def g(np, pool, sum):\n    return numpy.sum((np * gradient) ** 2 * pool) + sum", namespace)
    same_bits(
        loaded(ad.gradient_source(namespace["g"], VECTOR, 2.0, 1.0, argnums=(0, 1)))(VECTOR, 2.0, 1.0),
        ad.grad(namespace["g"], (0, 1))(VECTOR, 2.0, 1.0),
    )


def test_a_variable_that_holds_nothing_yet():
    def f(x):
        return np.sum(x * x) if x.ndim else later(x)

    text = ad.gradient_source(f, VECTOR)
    same_bits(loaded(text)(VECTOR), ad.grad(f)(VECTOR))

    def later(x):
        return x


def test_comments_are_the_rules_in_words():
    text = ad.gradient_source(lambda x: np.sum(np.tanh(x) ** 2), VECTOR, comments=True)
    assert "# tanh' = 1 - tanh^2" in text

    lines = ad.gradient_source(lambda x, y: x * y + y**x, 2.0, 3.0, argnums=(0, 1), comments=True).splitlines()
    assert not any("#" in line for line in lines if "x = " in line and "d_" not in line)
    assert any(", plus the other factor" in line for line in lines)


def test_an_adjoint_has_the_name_of_what_it_is_the_adjoint_of():
    text = ad.gradient_source(lambda a: np.sum(a * a * a) + a @ a, VECTOR)
    assert body(text) == ["d_a = 2 * a + 3 * (a * a)", "return d_a"]


def test_lists_are_refused():
    for f, args in [(lambda x: np.sum(x**2), (VECTOR,)), (lambda x, y: np.sum(x) * y, (VECTOR, 2.0))]:
        with pytest.raises(AttributeError, match="shape"):
            loaded(ad.gradient_source(f, *args))([1.0, 2.0, 3.0, 4.0], *args[1:])
    with pytest.raises(ValueError, match="written for"):
        loaded(ad.gradient_source(lambda x: x**2, 2.0))([2.0])


def test_what_is_returned_shares_no_memory_with_what_was_captured():
    def f(x):
        return BIG.T, (BIG, BIG[::2]), x

    text = source(f, VECTOR)
    for returned in (ad.compile(f)(VECTOR), loaded(text)(VECTOR)):
        for a in (returned[0], *returned[1]):
            assert not np.shares_memory(a, BIG)


def test_named_tuples_come_as_tuples():
    A = np.diag(VECTOR)
    for found in (loaded(source(np.linalg.slogdet, A))(A), ad.compile(np.linalg.slogdet)(A)):
        assert found == tuple(np.linalg.slogdet(A))


def test_captured_arrays():
    small, large = np.array([1.0, -2.0, np.inf, 0.0]), RNG.normal(size=(LITERAL // 4 + 1, 4))

    def f(x):
        return np.sum((large @ x) ** 2) + np.sum(np.minimum(x, small))

    text = ad.gradient_source(f, VECTOR)
    assert set(text.constants) == {"large"}
    assert text.endswith("\n\n\nsmall = np.array([1.0, -2.0, np.inf, 0.0])\n")
    same_bits(loaded(text)(VECTOR), ad.grad(f)(VECTOR))


@pytest.mark.parametrize(
    "derivative",
    [
        lambda f: ad.grad(lambda x: np.sum(ad.grad(f)(x) ** 2)),
        lambda f: ad.hessian(f),
        lambda f: ad.jacobian(lambda x: np.sin(x) * f(x)),
        lambda f: lambda x: ad.hvp(f, x, np.ones(4)),
        lambda f: lambda x, v: ad.jvp(ad.grad(f), (x,), (v,)),
        lambda f: ad.value_and_grad(f),
        lambda f: f,
    ],
)
def test_derivatives_of_derivatives(derivative):
    def f(x):
        y = np.tanh(x) * x[::-1]
        return np.sum(y**3) / np.std(x) + np.linalg.norm(x)

    g = derivative(f)
    args = (VECTOR, VECTOR[::-1] + 1)[: getattr(g, "__code__", f.__code__).co_argcount or 1]
    expected = every(g(*args))
    for found in (every(loaded(source(g, *args))(*args)), every(ad.compile(g, *args)(*args))):
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13)


def every(results):
    """Results as a tuple."""
    return results if isinstance(results, tuple) else (results,)


def test_the_page_shows_what_is_written():
    page = (Path(__file__).parents[2] / "docs" / "code.md").read_text(encoding="utf-8")
    block = page.split("```python\n")[1].split("```")[0]
    calls, shown = block.split(">>> print(", 1)
    namespace = {}
    exec("\n".join(line[4:] for line in calls.splitlines()), namespace)
    call, text = shown.split(")\n", 1)
    assert str(eval(call, namespace)).strip() == text.strip()


# --- refusals --------------------------------------------------------------------------------------------------------


def test_text_refuses_other_shapes_and_branches():
    def f(x, n, mode):
        y = x if np.sum(x) > 0 else 2 * x
        for _ in range(n):
            y = y * x
        return np.mean(y[y > -50]) if mode == "mean" else np.sum(y)

    run = loaded(ad.gradient_source(f, VECTOR, 2, "mean"))
    same_bits(run(VECTOR + 1, 2, "mean"), ad.grad(f)(VECTOR + 1, 2, "mean"))
    for wrong in [(VECTOR[:3], 2, "mean"), (-VECTOR, 2, "mean"), (VECTOR, 3, "mean"), (VECTOR, 2, "sum")]:
        with pytest.raises(ValueError, match="written for"):
            run(*wrong)
    with pytest.raises(ValueError, match="written for"):
        run(np.array([9.0, -8.0, 1, 1]), 2, "mean")  # another number of entries is picked


DECIDED = [
    lambda x, n: np.sum(x, axis=n),
    lambda x, n: x.max((n,)),
    lambda x, n: np.add.reduce(x, axis=n),
    lambda x, n: np.reshape(x, (n + 1, -1)),
    lambda x, n: np.expand_dims(x, n) * np.size(x, n),
    lambda x, n: np.zeros_like(x, shape=(n + 1, 4)) + n,
    lambda x, n: np.concatenate([x] * (n + 1), axis=n) + np.arange(n + 1)[-1],
    lambda x, n: x if n in {1, 6} else -x,
    lambda x, n: {"0": x, "1": -x}[f"{n}"] * np.float64(n),
    lambda x, n: -x if f"{x[0, 0]:.0f}" == str(n) else np.sum(x),
    lambda x, n: np.take(x, n, axis=0) * x[:, n] + n**2 * x[0, 0],
]


@pytest.mark.parametrize("f", DECIDED)
def test_an_integer_that_says_what_to_do_is_guarded(f):
    x = np.array([[0.0, 1.5], [2.0, 3.0]])
    compiled, run = ad.compile(f), loaded(source(f, x, 1))
    for given, n in [(x, 0), (x, 1), (x + 1, 1), (x, 0)]:
        same_bits(compiled(given, n), f(given, n))
        with contextlib.suppress(ValueError):
            same_bits(run(given, n), f(given, n))
    same_bits(run(x, 1), f(x, 1))


def test_an_integer_that_is_guarded_is_known_from_there_on():
    text = source(lambda x, n: x * np.arange(n)[n - 1] + n + 1, VECTOR, 3)
    assert text.count("written for") == 2
    assert body(text) == ["return x * 2 + 3 + 1"]


def test_an_integer_that_is_computed_with_is_not():
    compiled = ad.compile(lambda x, n: n * x + x**n + x[n] + np.where(x > n, x, n))
    for n in range(3):
        compiled(VECTOR, n)
    assert sum(map(len, compiled.runs.values())) == 1


def in_place(x):
    y = 2 * x
    y += 1
    return y


CALLS = iter(range(100))


def counted(x):
    return x * next(CALLS)


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (lambda x: x * float(np.max(x)), (VECTOR,)),
        (lambda x, y: np.sum(x) * float(y), (VECTOR, 2.0)),
        (lambda x, i: np.eye(4)[i] @ x, (VECTOR, np.array([1, 0]))),
        (in_place, (VECTOR,)),
        (lambda x: np.fill_diagonal(x, 0) or x, (np.eye(2),)),
        (lambda x: np.add(x, 1, out=x), (np.eye(2),)),
        (lambda x: np.sum(x, out=np.zeros(())), (np.eye(2),)),
        (counted, (VECTOR,)),
        (lambda x: np.sum(x) + np.random.default_rng().normal(), (VECTOR,)),
        (lambda x: x if next(CALLS) % 2 and np.sum(x) > 0 else -x, (VECTOR,)),
        (lambda xs: xs[0], ([VECTOR],)),
        (lambda x: np.asarray(x) + 1, (VECTOR,)),
        (lambda x: {"a": object()}, (VECTOR,)),
        (lambda x: x if str(x) == "" else -x, (VECTOR,)),
        (lambda x: np.ones(3) if x.nbytes else x, (VECTOR,)),
        (lambda x: np.multiply.outer(x, x), (VECTOR,)),
        (lambda x: round(x), (2.5,)),
        (lambda x, s: np.reshape(x, s), (VECTOR, np.array([2, 2]))),
        (lambda x, s: np.zeros_like(x, shape=s), (VECTOR, np.array([2, 2]))),
        (lambda x: np.frompyfunc(abs, 1, 1)(x), (VECTOR,)),
    ],
)
def test_what_cannot_be_written_is_refused(f, args):
    with pytest.raises(ad.RefusalError):
        source(f, *args)


def test_an_exception_leaves_nothing_behind():
    before = sys.gettrace()
    with pytest.raises(ZeroDivisionError):
        ad.gradient_source(lambda x: x / 0 if x is None else 1 / 0, VECTOR)
    assert sys.gettrace() is before


# --- compiled --------------------------------------------------------------------------------------------------------


def test_compiled_records_afresh():
    recorded = []

    def f(x):
        recorded.append(np.shape(x))
        return np.sum(np.sin(x)) if np.sum(x) > 0 else np.sum(x * x)

    compiled = ad.compile(ad.grad(f))
    for x in [VECTOR, -VECTOR, VECTOR[:2], VECTOR.astype(np.float32), 0.5, np.float32(0.5), np.array(0.5), VECTOR + 1]:
        found, expected = compiled(x), ad.grad(f)(x)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    calls = len(recorded)
    for x in [VECTOR, -VECTOR, VECTOR[:2] - 3, 0.25]:
        compiled(x)
    assert len(recorded) == calls


def test_compiled_knows_dtypes():
    compiled = ad.compile(ad.grad(lambda x: x[0] * x[1]))
    for dtype in (np.float64, np.float32, np.int64, np.float16):
        x = VECTOR.astype(dtype)
        same_bits(compiled(x), ad.grad(lambda x: x[0] * x[1])(x))


def test_compiled_knows_choices_and_counts():
    def f(x, mode, n):
        picked = x[np.nonzero(x > 0)]
        return np.mean(picked) * n if mode == "mean" else np.sum(x ** len(range(n)))

    compiled = ad.compile(ad.grad(f))
    for x in (VECTOR, -VECTOR, np.abs(VECTOR), VECTOR * 2):
        for mode, n in (("mean", 2), ("sum", 2), ("mean", 3), ("sum", 3)):
            np.testing.assert_allclose(compiled(x, mode, n), ad.grad(f)(x, mode, n), rtol=1e-12)


def test_compiled_takes_keywords():
    def f(x, power=2, *, scale=None):
        return np.sum(x) ** power

    compiled = ad.compile(f)
    assert compiled(power=3, x=VECTOR) == f(VECTOR, 3)
    with pytest.raises(ad.RefusalError, match="keyword-only"):
        compiled(VECTOR, scale=2.0)
    assert ad.compile(ad.grad(f))(x=VECTOR).shape == VECTOR.shape


def test_compiled_keeps_a_bounded_number():
    compiled = ad.compile(ad.grad(np.sum))
    for n in range(40):
        compiled(np.ones(n + 1))
    assert sum(map(len, compiled.runs.values())) == compiled.limit


BIG = RNG.normal(size=(60, 80))


def wide(x, y):
    h = np.tanh(x @ y)
    return np.sum(np.exp(h) * h + np.sin(h)), x.T, h, h


def test_compiled_returns_fresh_arrays_and_changes_nothing():
    compiled = ad.compile(wide, BIG, BIG.T)
    args = BIG.copy(), BIG.T.copy()
    first = compiled(*args)
    kept = [np.copy(a) for a in first]
    arrays = [a for a in (*first, *compiled(*args), *args) if np.ndim(a)]
    for i, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[i + 1 :])
        a.flags.writeable or pytest.fail("read-only")
    compiled(args[0] + 1, args[1])
    for a, b, c in zip(first, kept, wide(*args), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, c, rtol=1e-12)
    np.testing.assert_array_equal(args[0], BIG)


@pytest.mark.parametrize("f", [lambda x: np.sum(x), lambda x: np.sum(x * BIG[0, :4]), lambda x: x[0] * 1.0])
def test_gradients_that_are_constants_are_fresh(f):
    compiled = ad.compile(ad.grad(f), VECTOR)
    compiled(VECTOR)[...] = 7
    np.testing.assert_array_equal(compiled(VECTOR), ad.grad(f)(VECTOR))


def test_buffers_are_not_reused_under_a_view():
    def f(x):
        h = np.tanh(x)
        v = h.T
        a = np.sin(x)
        b = np.exp(a)
        return v @ b, np.sum(a)

    compiled = ad.compile(f, BIG)
    for _ in range(2):
        for found, expected in zip(compiled(BIG), f(BIG), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_compiled_in_threads():
    compiled = ad.compile(ad.grad(lambda x: np.sum(np.tanh(x @ BIG) ** 2)), BIG.T)
    inputs = [BIG.T * k for k in np.linspace(0.1, 1, 8)]
    expected, found = [compiled(x) for x in inputs], [None] * 8

    def run(k):
        for _ in range(20):
            found[k] = compiled(inputs[k])

    threads = [threading.Thread(target=run, args=(k,)) for k in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_compiled_function_can_be_differentiated_and_compiled():
    compiled = ad.compile(lambda x: np.sum(x**3))
    compiled(VECTOR)
    np.testing.assert_allclose(ad.grad(compiled)(VECTOR), 3 * VECTOR**2)
    np.testing.assert_allclose(ad.compile(ad.grad(compiled))(VECTOR), 3 * VECTOR**2)


def test_large_networks_compiled():
    f = network(np.tanh, LOSSES["ce"])
    g = ad.value_and_grad(lambda W1, b1, W2, b2: f(W1, b1, W2, b2) + np.sum(W1**2), (0, 1, 2, 3))
    P = [RNG.normal(size=s) for s in ((4, 300), (300,), (300, 3), (3,))]
    compiled = ad.compile(g, *P)
    for _ in range(3):
        P = [p + 0.1 for p in P]
        (value, found), (expected_value, expected) = compiled(*P), g(*P)
        np.testing.assert_allclose(value, expected_value, rtol=1e-12)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
