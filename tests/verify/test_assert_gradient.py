"""The judge in other people's tests: the same verdict and message, for NumPy, PyTorch and JAX arrays."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from grading.verify import ExerciseError, assert_gradient

W = np.array([[0.3, -1.2, 0.7], [2.1, -0.4, 0.9]])
X = np.array([0.5, -1.5, 2.5])


def loss(W, x):
    return np.sum(np.tanh(W @ x) ** 2)


def by_hand(W, x):
    y = np.tanh(W @ x)
    back = 2 * y * (1 - y * y)
    return np.outer(back, x), back @ W


def transposed(W, x):
    dW, dx = by_hand(W, x)
    return dW.T, dx


def test_a_right_gradient_passes():
    assert assert_gradient(loss, by_hand, W, X, seed=1).outcome == "right"


def test_samplers_and_arrays():
    verdict = assert_gradient(loss, by_hand, lambda rng: rng.normal(size=(2, 3)), X, seed=1)
    assert verdict.draws == 3
    assert assert_gradient(loss, by_hand, W, X, seed=1).draws == 4  # the arrays themselves as well


def test_a_wrong_one_fails_with_the_verdict_for_its_message():
    with pytest.raises(AssertionError) as failure:
        assert_gradient(loss, transposed, W, X, seed=1)
    message = str(failure.value)
    assert "transposed" in message
    assert message.splitlines()[0].endswith(". x is right.")
    assert "seed 1" in message


def test_one_wrong_entry_at_the_given_arrays_alone_fails():
    def wrong_there(W_, x):
        dW, dx = by_hand(W_, x)
        return dW, dx * (1 + 1e-6 * np.array_equal(W_, W))

    with pytest.raises(AssertionError, match="entries differ"):
        assert_gradient(loss, wrong_there, W, X, seed=1)


def test_one_argument_alone_and_declared_fields():
    assert assert_gradient(loss, lambda W, x: by_hand(W, x)[1], W, X, wrt=["x"], seed=1).outcome == "right"
    single = assert_gradient(
        lambda x: np.sum(x**3), lambda x: 3 * x.astype(np.float32) ** 2, X, seed=1, single_precision="right with a note"
    )
    assert "single precision" in single.text()


def test_xp_functions_have_torch_for_a_witness():
    verdict = assert_gradient(lambda xp, x: xp.sum(xp.sin(x)), np.cos, X, seed=1)
    assert verdict.witnesses[0] == "PyTorch autograd"


def test_jacobians_and_integers():
    def picked(x, index):
        return np.sin(x)[index] * x

    def jacobian(x, index):
        found = np.diag(np.full(len(x), np.sin(x[index])))
        found[:, index] += x * np.cos(x[index])
        return found

    assert assert_gradient(picked, jacobian, X, 1, asks="jacobian", seed=1).outcome == "right"


def test_what_nobody_can_differentiate_is_refused():
    with pytest.raises(ExerciseError, match="autodiff cannot differentiate"):
        assert_gradient(lambda x: 3.0 if isinstance(x, np.ndarray) else x.nothing(), lambda x: x, X, seed=1)


def wrong_sign(gradient):
    return lambda *args: tuple(-block for block in gradient(*args))


@pytest.mark.parametrize("wrong", [lambda x: x, lambda x: 0 * x, lambda x: 2 * np.abs(x)])
def test_zeros_hide_nothing(wrong):
    with pytest.raises(AssertionError, match="is not the gradient of the function"):
        assert_gradient(lambda x: np.sum(x**2), wrong, np.zeros(3), seed=1)


def test_a_bias_of_zeros_is_not_forgotten():
    def forgotten(W, b, x):
        y = np.tanh(W @ x)
        back = 2 * y * (1 - y * y)
        return np.outer(back, x), back

    with pytest.raises(AssertionError, match="entries differ"):
        assert_gradient(lambda W, b, x: np.sum(np.tanh(W @ x + b) ** 2), forgotten, W, np.zeros(2), X, wrt=["W", "b"])


NEAR_AN_EDGE = [
    (lambda x: np.sum(np.arcsin(x)), lambda x: 1 / np.sqrt(1 - x**2), np.array([0.3, -0.9, 0.5])),
    (lambda p: np.sum(np.log(1 - p)), lambda p: -1 / (1 - p), np.array([0.2, 0.99])),
    (lambda x: np.sum(x**1.5), lambda x: 1.5 * np.sqrt(x), np.array([0.0, 0.0, 2.0])),
]


@pytest.mark.parametrize(("f", "grad", "x"), NEAR_AN_EDGE)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_moves_stay_where_the_function_is_finite(f, grad, x, seed):
    assert assert_gradient(f, grad, x, seed=seed).outcome == "right"


def test_what_cannot_be_asked_is_said_in_one_line():
    for nothing in (np.arange(3), np.zeros(0)):
        with pytest.raises(ExerciseError, match="pass an array of floats"):
            assert_gradient(lambda x: np.sum(x**2), lambda x: 2 * x, nothing)
    with pytest.raises(TypeError, match="assert_gradient has no atol="):
        assert_gradient(lambda x: np.sum(x**2), lambda x: 2 * x, X, atol=1e-6)


def of_torch():
    torch = importlib.import_module("torch")

    def loss(W, x):
        return torch.sum(torch.tanh(torch.mv(W, x)) ** 2)

    def by_hand(W, x):
        y = torch.tanh(W.mv(x))
        back = 2 * y * (1 - y * y)
        return torch.outer(back, x), W.T.mv(back)

    return "PyTorch autograd", loss, by_hand, torch.from_numpy(X)


def of_jax():
    jax = importlib.import_module("jax")

    def loss(W, x):
        return jax.numpy.sum(jax.numpy.tanh(jax.lax.dot(W, x)) ** 2)

    def by_hand(W, x):
        y = jax.numpy.tanh(W @ x)
        back = 2 * y * (1 - y * y)
        return jax.numpy.outer(back, x), back @ W

    return "JAX", loss, by_hand, jax.numpy.asarray(X)


# JAX is half a gigabyte that nothing else here needs: its functions are tried where it is installed.
ENGINES = [engine for name, engine in (("torch", of_torch), ("jax", of_jax)) if importlib.util.find_spec(name)]


@pytest.mark.parametrize("engine", ENGINES)
def test_functions_of_other_engines(engine):
    name, loss, by_hand, x = engine()
    verdict = assert_gradient(loss, by_hand, W, x, seed=1)
    assert verdict.witnesses[0] == name
    assert verdict.witnesses[-1] == "finite differences"
    with pytest.raises(AssertionError, match="The sign is wrong"):
        assert_gradient(loss, wrong_sign(by_hand), W, X, seed=1)
    if name == "PyTorch autograd":  # JAX computes in single precision unless told otherwise
        with pytest.raises(AssertionError):
            assert_gradient(loss, lambda W, x: tuple(d * (1 + 1e-7) for d in by_hand(W, x)), W, X, seed=1)


PLUGGED = """
import numpy as np

def test_right(assert_gradient):
    assert_gradient(lambda x: np.sum(x ** 3), lambda x: 3 * x ** 2, np.array([0.5, -1.5, 2.5]))

def test_wrong(assert_gradient):
    assert_gradient(lambda x: np.sum(x ** 3), lambda x: 6 * x ** 2, np.array([0.5, -1.5, 2.5]))
"""


def test_the_fixture(tmp_path):
    (tmp_path / "test_plugged.py").write_text(PLUGGED)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    said = run.stdout
    assert "1 failed, 1 passed" in said, run.stderr
    assert "factor 2 too many" in said


def test_the_plugin_imports_nothing_before_it_is_used():
    code = "import sys, pytest, grading.pytest_plugin; print([m for m in ('numpy', 'autodiff') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


def test_a_function_that_refuses_what_is_outside_its_domain():
    def cubes(x):
        if np.any(x < 0):
            raise ValueError("negative")
        return np.sum(x**3)

    for seed in range(5):
        assert_gradient(cubes, lambda x: 3 * x * x, np.array([0.5, 1.7, 3.2]), seed=seed)
    with pytest.raises(AssertionError, match="is not the gradient"):
        assert_gradient(cubes, lambda x: 2 * x * x, np.array([0.5, 1.7, 3.2]), seed=1)
