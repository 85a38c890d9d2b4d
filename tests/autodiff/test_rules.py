"""Every row of the table against witnesses that do not share its formula."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from row_cases import CASES, cases

import autodiff as ad
from autodiff.rule import REAL, TABLE, Elementwise
from autodiff.testing import as_written, check, close, domains, sample

ROWS = list(TABLE.values())
ELEMENTWISE = [rule for rule in ROWS if isinstance(rule, Elementwise)]
REDUCTIONS = [np.sum, np.mean, np.prod, np.max, np.min, np.var, np.std]
drawn = settings(max_examples=8, deadline=None, derandomize=True)


@pytest.mark.parametrize("rule", ROWS, ids=lambda rule: str(rule.name))
def test_row(rule):
    for f, args in cases(rule):
        check(f, args)


@pytest.mark.parametrize("rule", ROWS, ids=lambda rule: str(rule.name))
def test_row_says_what_it_is(rule):
    assert len(rule.explain) > 5
    assert rule.kind in {"elementwise", "linear", "multilinear", "reduction", "custom", "composite"}
    interval = rule.domain if isinstance(rule.domain[0], float) else rule.domain[0]
    assert interval[0] < interval[1]


@pytest.mark.parametrize("rule", ELEMENTWISE, ids=lambda rule: str(rule.name))
def test_elementwise_broadcasts(rule):
    where = domains(rule)

    @drawn
    @given(hnp.mutually_broadcastable_shapes(num_shapes=len(where), max_dims=3, max_side=3))
    def holds(shapes):
        args = [sample(s, d, k) for k, (s, d) in enumerate(zip(shapes.input_shapes, where, strict=True))]
        check(as_written(rule), args, second=False)

    holds()


@pytest.mark.parametrize("rule", [r for r in ELEMENTWISE if len(r.formulas) == 2], ids=lambda rule: str(rule.name))
def test_binary_with_a_constant(rule):
    f, (da, db) = as_written(rule), domains(rule)
    a, b = sample((3, 1), da), sample((2, 3, 2), db, 1)
    check(lambda x: f(x, b), (a,))
    check(lambda x: f(a, x), (b,))
    check(lambda x: f(x, float(b[0, 0, 0])), (a,))
    check(lambda x: f(float(a[0, 0]), x), (b,))
    check(lambda x: f(x, x), (sample((3,), (0.4, 0.8)),)) if f not in STEPS else None


STEPS = (np.remainder, np.fmod, np.floor_divide, np.maximum, np.minimum, np.fmax, np.fmin, np.copysign, np.heaviside)


@pytest.mark.parametrize("f", REDUCTIONS, ids=lambda f: f.__name__)
def test_reductions_along_drawn_axes(f):
    @drawn
    @given(st.data())
    def holds(data):
        shape = data.draw(hnp.array_shapes(max_dims=4, max_side=3))
        axis = data.draw(st.none() | hnp.valid_tuple_axes(len(shape)) | st.integers(-len(shape), len(shape) - 1))
        keepdims = data.draw(st.booleans())
        # The deviation of a single number, or of equal ones, sits on the kink of the root.
        if f is not np.std or np.size(np.zeros(shape)) // max(np.size(f(np.zeros(shape), axis=axis)), 1) > 1:
            check(lambda x: f(x, axis=axis, keepdims=keepdims), (sample(shape),), second=False)

    holds()


ALONG_ONE_AXIS = {
    "cumsum": lambda x, axis: np.cumsum(x, axis=axis),
    "cumprod": lambda x, axis: np.cumprod(x, axis=axis),
    "flip": lambda x, axis: np.flip(x, axis),
    "roll": lambda x, axis: np.roll(x, 2, axis),
    "repeat": lambda x, axis: np.repeat(x, 2, axis),
    "take": lambda x, axis: np.take(x, [0, 0], axis),
    "sort": lambda x, axis: np.sort(x, axis),
    "diff": lambda x, axis: np.diff(x, axis=axis),
    "concatenate": lambda x, axis: np.concatenate([x, x * x], axis),
    "stack": lambda x, axis: np.stack([x, x * x], axis),
    "expand_dims": lambda x, axis: np.expand_dims(x, axis),
    "array_split": lambda x, axis: np.array_split(x * x, 2, axis)[0],
    "moveaxis": lambda x, axis: np.moveaxis(x * x, axis, 0),
    "swapaxes": lambda x, axis: np.swapaxes(x * x, axis, -1),
    "logsumexp": ad.logsumexp,
    "softmax": ad.softmax,
    "norm": lambda x, axis: np.linalg.norm(x, axis=axis),
    "median": lambda x, axis: np.median(x, axis=axis),
}


@pytest.mark.parametrize("name", ALONG_ONE_AXIS)
def test_along_a_drawn_axis(name):
    @drawn
    @given(st.data())
    def holds(data):
        shape = data.draw(hnp.array_shapes(max_dims=4, max_side=3))
        axis = data.draw(st.integers(-len(shape), len(shape) - 1))
        check(lambda x: ALONG_ONE_AXIS[name](x, axis=axis), (sample(shape),), second=False)

    holds()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_indexing_with_drawn_indices(data):
    shape = data.draw(hnp.array_shapes(max_dims=3, max_side=4))
    kinds = hnp.basic_indices(shape, allow_newaxis=True) | hnp.integer_array_indices(shape)
    index = data.draw(kinds)
    check(lambda x: x[index], (sample(shape),), second=False)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, max_side=3))
def test_matmul_of_drawn_shapes(shapes):
    check(np.matmul, [sample(s, REAL, k) for k, s in enumerate(shapes.input_shapes)], second=False)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.data())
def test_transposition_with_drawn_signs(data):
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=4, max_side=3))
    order = data.draw(st.permutations(range(len(shape))))
    signed = [i - len(shape) if data.draw(st.booleans()) else i for i in order]
    check(lambda x: np.transpose(x, signed), (sample(shape),), second=False)


@pytest.mark.parametrize(
    "x", [np.array([0.0, 2.0, 3.0]), np.array([0.0, 0.0, 3.0]), np.array([[2.0, 0.0], [1.0, 4.0]])]
)
def test_product_with_zeros(x):
    check(lambda x: np.prod(x, axis=-1), (x,))


# --- PyTorch ---------------------------------------------------------------------------------------------------------

NAMES = {
    "arccos": "acos",
    "power": "pow",
    "reciprocal": "reciprocal",
    "rint": "round",
    "around": "round",
    "fabs": "abs",
}
NAMES |= {"conjugate": "conj", "degrees": "rad2deg", "radians": "deg2rad", "share": "divide"}
WITHOUT_TORCH = {"cbrt", "floor_divide", "heaviside"}


def both_gradients(ours, theirs, args):
    w = sample(np.shape(ours(*args)), REAL, 3)
    tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in args]
    expected = torch.autograd.grad(theirs(*tensors), tensors, torch.tensor(w), allow_unused=True)
    for g, e, x in zip(ad.vjp(ours, *args)[1](w), expected, args, strict=True):
        close(g, np.zeros(np.shape(x)) if e is None else e.numpy(), "the gradient against PyTorch", 1e-12)


@pytest.mark.parametrize("rule", ELEMENTWISE, ids=lambda rule: str(rule.name))
def test_elementwise_agrees_with_torch(rule):
    if rule.name in WITHOUT_TORCH:
        assert not hasattr(torch, rule.name) or rule.name in {"floor_divide", "heaviside"}
        return
    where = domains(rule)
    shapes = [(3, 1), (1, 4), (4,)][: len(where)]
    theirs = getattr(torch, NAMES.get(rule.name, rule.name))
    both_gradients(
        as_written(rule), theirs, [sample(s, d, k) for k, (s, d) in enumerate(zip(shapes, where, strict=True))]
    )


X, Y, SQUARE = sample((3, 4)), sample((2, 4, 3), seed=1), sample((3, 3), (-0.5, 0.5)) + 2 * np.eye(3)
LIKE_TORCH = {
    "matmul": (np.matmul, torch.matmul, (X, Y)),
    "tensordot": (lambda a, b: np.tensordot(a, b, 1), lambda a, b: torch.tensordot(a, b, 1), (X, Y.reshape(4, 6))),
    "einsum": (lambda a, b: np.einsum("ij,bjk->bik", a, b), lambda a, b: torch.einsum("ij,bjk->bik", a, b), (X, Y)),
    "prod": (lambda a: np.prod(a, axis=1), lambda a: torch.prod(a, 1), (X,)),
    "max": (lambda a: np.max(a, axis=-1), lambda a: torch.amax(a, -1), (X,)),
    "var": (lambda a: np.var(a, axis=0, ddof=1), lambda a: torch.var(a, 0), (X,)),
    "std": (lambda a: np.std(a, axis=(0, 1)), lambda a: torch.std(a, correction=0), (X,)),
    "cumsum": (lambda a: np.cumsum(a, axis=-1), lambda a: torch.cumsum(a, -1), (X,)),
    "norm": (np.linalg.norm, torch.linalg.norm, (X,)),
    "inv": (np.linalg.inv, torch.linalg.inv, (SQUARE,)),
    "det": (np.linalg.det, torch.linalg.det, (SQUARE,)),
    "solve": (np.linalg.solve, torch.linalg.solve, (SQUARE, X)),
    "kron": (np.kron, torch.kron, (X, SQUARE)),
    "roll": (lambda a: np.roll(a, 1, -1), lambda a: torch.roll(a, 1, -1), (X,)),
    "sort": (lambda a: np.sort(a, 0), lambda a: torch.sort(a, 0).values, (X,)),
    "cumprod": (lambda a: np.cumprod(a, 1), lambda a: torch.cumprod(a, 1), (X,)),
    "slogdet": (lambda a: np.linalg.slogdet(a)[1], lambda a: torch.linalg.slogdet(a)[1], (SQUARE,)),
    "cholesky": (lambda a: np.linalg.cholesky(a @ a.T), lambda a: torch.linalg.cholesky(a @ a.T), (SQUARE,)),
    "cholesky, as it is": (np.linalg.cholesky, torch.linalg.cholesky, (SQUARE @ SQUARE.T,)),
    "eigvalsh": (np.linalg.eigvalsh, torch.linalg.eigvalsh, (SQUARE @ SQUARE.T,)),
    "eigh": (
        lambda a: np.abs(np.linalg.eigh(a).eigenvectors),
        lambda a: torch.abs(torch.linalg.eigh(a).eigenvectors),
        (SQUARE @ SQUARE.T,),
    ),
    "matrix_power": (
        lambda a: np.linalg.matrix_power(a, -3),
        lambda a: torch.linalg.matrix_power(a, -3),
        (SQUARE,),
    ),
    "inner": (np.inner, torch.inner, (X, Y.swapaxes(1, 2))),
    "outer": (np.outer, torch.outer, (X[0], X[1])),
    "cross": (np.cross, torch.linalg.cross, (SQUARE, SQUARE + 1)),
    "diff": (lambda a: np.diff(a, 2), lambda a: torch.diff(a, 2), (X,)),
    "tril": (lambda a: np.tril(a, -1), lambda a: torch.tril(a, -1), (X,)),
    "rot90": (np.rot90, torch.rot90, (X,)),
    "tile": (lambda a: np.tile(a, (2, 1, 3)), lambda a: torch.tile(a, (2, 1, 3)), (X,)),
    "repeat": (lambda a: np.repeat(a, 3, -1), lambda a: torch.repeat_interleave(a, 3, -1), (X,)),
    "hsplit": (lambda a: np.hsplit(a, 2)[1], lambda a: torch.hsplit(a, 2)[1], (X,)),
    "pad": (
        lambda a: np.pad(a, ((0, 0), (2, 1)), "reflect"),
        lambda a: torch.nn.functional.pad(a, (2, 1), "reflect"),
        (X,),
    ),
    "pad with a constant": (
        lambda a: np.pad(a, ((0, 1), (2, 0)), constant_values=3.0),
        lambda a: torch.nn.functional.pad(a, (2, 0, 0, 1), value=3.0),
        (X,),
    ),
    "norm of order 3": (
        lambda a: np.linalg.norm(a, 3, axis=1),
        lambda a: torch.linalg.norm(a, 3, dim=1),
        (X,),
    ),
    "diag": (lambda a: np.diag(a, 1), lambda a: torch.diag(a, 1), (X,)),
}


@pytest.mark.parametrize("name", LIKE_TORCH)
def test_array_function_agrees_with_torch(name):
    both_gradients(*LIKE_TORCH[name])


KINKS = {
    "absolute at 0": (np.abs, torch.abs, (np.zeros(2),)),
    "norm at 0": (np.linalg.norm, torch.linalg.norm, (np.zeros(3),)),
    "ties of maximum": (np.maximum, torch.maximum, (np.ones(2), np.ones(2))),
    "ties of minimum": (np.minimum, torch.minimum, (np.ones(2), np.ones(2))),
    "ties of max": (np.max, torch.amax, (np.array([1.0, 3.0, 3.0]),)),
    "clip on its bounds": (
        lambda x: np.clip(x, 0, 1),
        lambda x: torch.clamp(x, 0, 1),
        (np.array([-1.0, 0.0, 0.5, 1.0, 2.0]),),
    ),
    "relu at 0": (ad.relu, torch.relu, (np.array([-1.0, 0.0, 1.0]),)),
    "0 to the power 0": (lambda x: x**0, lambda x: x**0, (np.zeros(2),)),
    "0 to a power": (np.power, torch.pow, (np.zeros(2), np.array([2.0, 3.0]))),
}


@pytest.mark.parametrize("name", KINKS)
def test_convention_where_there_is_no_derivative(name):
    both_gradients(*KINKS[name])


@pytest.mark.parametrize("f", [lambda x: np.maximum(x, 0), lambda x: np.maximum(0.0, x), ad.relu])
def test_threshold_at_zero_is_zero(f):
    x = np.array([-1.0, 0.0, 2.0])
    np.testing.assert_array_equal(ad.vjp(f, x)[1](np.ones(3))[0], [0, 0, 1])
    np.testing.assert_array_equal(ad.jvp(f, (x,), (np.ones(3),))[1], [0, 0, 1])
    assert ad.grad(f)(0.0) == 0


def test_every_row_is_exercised():
    assert set(CASES) <= set(TABLE)
    assert all(cases(rule) for rule in ROWS)


M = sample((2, 3))
EXTREME = {
    "norm of no length, cubic": (lambda x: np.linalg.norm(x, 3), np.zeros(3), np.zeros(3)),
    "norm with an entry 0": (lambda x: np.linalg.norm(x, 0.5), np.array([0.0, 1, 1]), np.array([0.0, 2, 2])),
    "angle of the origin": (lambda x: np.arctan2(x, x), 0.0, 0.0),
    "infinity to the power 0": (lambda x: x**0, np.inf, 0.0),
    "softplus far out": (lambda x: ad.softplus(x), np.inf, 1.0),
    "equal terms of a large sum": (lambda x: np.logaddexp(x, np.float32(1e8)), np.float32(1e8), 0.5),
    "a quotient that rounds up": (lambda x: np.remainder(1.0, x), 0.1, -np.floor_divide(1.0, 0.1)),
    "the same towards 0": (lambda x: np.fmod(1.0, x), 0.1, -np.floor_divide(1.0, 0.1)),
    "division by nothing": (lambda x: np.sum(x / 0.0), np.ones(2), np.full(2, np.inf)),
    "median of what is undefined": (np.median, np.array([1, np.nan, 3]), np.zeros(3)),
    "a filled array": (lambda x: np.sum(np.full_like(x, x[0])), np.ones(3), np.array([3.0, 0, 0])),
}


@pytest.mark.parametrize("name", EXTREME)
def test_extreme_arguments(name):
    f, x, expected = EXTREME[name]
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(ad.grad(f)(x), expected)
        if np.all(np.isfinite(expected)):  # else a column has 0 times infinity beside it
            np.testing.assert_array_equal(ad.jacobian(f, mode="forward")(x), expected)


def test_power_has_a_symmetric_hessian_at_exponent_0():
    found = ad.hessian(lambda p: p[0] ** p[1])(np.array([2.0, 0.0]))
    np.testing.assert_allclose(found, [[0, 0.5], [0.5, np.log(2) ** 2]], rtol=1e-15)


def test_second_derivative_of_a_nearly_singular_determinant():
    close(ad.hessian(np.linalg.det)(np.arange(1.0, 10).reshape(3, 3) / 10), expected_det_hessian(), "det", 1e-13)


def expected_det_hessian():
    """By the permutation symbol: d^2 det / dA_ij dA_kl = e_ikm e_jln A_mn."""
    e = np.zeros((3, 3, 3))
    for i, j, k in [(0, 1, 2), (1, 2, 0), (2, 0, 1)]:
        e[i, j, k], e[i, k, j] = 1, -1
    return np.einsum("ikm,jln,mn->ijkl", e, e, np.arange(1.0, 10).reshape(3, 3) / 10)


@pytest.mark.parametrize("order", [1, 2, 3, 0.5, -1, np.inf, -np.inf, 0])
def test_the_norm_of_an_array_as_one_vector(order):
    def together(x, k=False):
        return np.linalg.vector_norm(x, axis=(0, 1), keepdims=k, ord=order)

    assert together(M) == np.linalg.vector_norm(M.ravel(), ord=order)
    for keepdims in (False, True):
        value, pullback = ad.vjp(lambda x, k=keepdims: together(x, k), M)
        np.testing.assert_allclose(value, together(M, keepdims), rtol=1e-15)
        expected = ad.grad(lambda x: np.linalg.norm(x, order))(M.ravel()).reshape(M.shape)
        np.testing.assert_allclose(pullback(np.ones_like(value))[0], expected, rtol=1e-14)


NAMED = {
    "np.tile": lambda x: np.tile(A=x, reps=2),
    "np.rot90": lambda x: np.rot90(m=x),
    "np.sum": lambda x: np.sum(a=x, axis=1),
    "np.linalg.inv": lambda x: np.linalg.inv(a=x[:, :2]),
    "np.delete": lambda x: np.delete(arr=x, obj=0, axis=0),
    "np.vecdot": lambda x: np.vecdot(x, x, axis=0),
    "np.sort": lambda x: np.sort(x, kind="stable"),
    "np.ptp": lambda x: np.ptp(x, axis=0, keepdims=True),
    "np.average": lambda x: np.average([1, 2, 3], weights=x[0]),
    "np.atleast_2d": lambda x: np.atleast_2d(x[0], x)[0],
    "np.divmod": lambda x: divmod(3.5, x)[1],
    "a number's axis": lambda x: np.sum(np.max(x), axis=0),
}


@pytest.mark.parametrize("name", NAMED)
def test_arguments_by_the_names_that_numpy_gives_them(name):
    check(NAMED[name], (np.abs(M) + 0.3,))
