"""Right methods that lose some entries' digits by rounding pass with a note; what is wrong by as little does not."""

import numpy as np
import pytest

from grading.verify import Exercise, verify

SCALES = np.array([1e9, 1e-8, 1.0, 1e4, 1e-3])


def exercise(name, function, inputs, wrt, **more):
    return Exercise(id=f"rounding.{name}", function=function, inputs=inputs, wrt=wrt, **more)


LOGDET = exercise(
    "logdet",
    lambda xp, A: xp.linalg.slogdet(A)[1] + 0.5 * xp.sum(A**2),
    lambda rng: {"A": rng.normal(size=(5, 5)) + 2 * np.diag([1.0, -1, 1, -1, 1])},
    ("A",),
)
CONVOLUTION = exercise(
    "convolution",
    lambda xp, x, k: xp.stack([xp.sum(x[i : i + 3] * k) for i in range(7)]),
    lambda rng: {"x": rng.normal(size=9), "k": rng.normal(size=3)},
    ("x", "k"),
    asks="vjp",
)
PRODUCTS = exercise(
    "products",
    lambda xp, x: xp.cumprod(x, axis=0),
    lambda rng: {"x": rng.normal(size=6)},
    ("x",),
    asks="vjp",
)


def by_singular_values(A):
    U, s, Vt = np.linalg.svd(A)
    return (U * (1 / s + s)) @ Vt


def by_normal_equations(A):
    return np.linalg.solve(A.T @ A, A.T).T + A


def by_fourier(x, k, g):
    n = 16
    G = np.fft.rfft(g, n)
    return np.fft.irfft(G * np.fft.rfft(k, n), n)[:9], np.fft.irfft(np.conj(G) * np.fft.rfft(x, n), n)[:3]


def by_logarithms(x, g):
    t = g * np.cumprod(np.sign(x)) * np.exp(np.cumsum(np.log(np.abs(x))))
    return (t.sum() - np.cumsum(t) + t) / x


METHODS = [
    (LOGDET, by_singular_values),
    (LOGDET, by_normal_equations),
    (CONVOLUTION, by_fourier),
    (PRODUCTS, by_logarithms),
]


@pytest.mark.parametrize(("asked", "method"), METHODS, ids=lambda value: getattr(value, "__name__", ""))
def test_methods_that_lose_digits_here_and_there(asked, method):
    verdicts = [verify(asked, method, seed) for seed in range(25)]
    assert {verdict.outcome for verdict in verdicts} == {"right"}
    noted = [note for verdict in verdicts for note in verdict.notes]
    assert noted
    assert all("rounding in your way of computing it shows at" in note for note in noted)
    assert len(noted) < 15


@pytest.mark.parametrize("part", [1e-13, 1e-12])
@pytest.mark.parametrize(("asked", "method"), METHODS[:2], ids=lambda value: getattr(value, "__name__", ""))
def test_a_small_part_too_much_is_wrong_in_these_too(asked, method, part):
    def off(*args):
        return method(*args) * (1 + part)

    assert {verify(asked, off, seed).outcome for seed in range(4)} == {"wrong"}


MIXED = exercise(
    "mixed",
    lambda xp, x, s: xp.sum(xp.sin(x / s) * s**2),
    lambda rng: {"x": SCALES * rng.normal(size=5), "s": SCALES},
    ("x",),
)
SMALL = SCALES == 1e-8


def slope(x, s=SCALES):
    return np.cos(x / s) * s


TWINS = {
    "a millionth": lambda x: slope(x) * (1 + 1e-6 * SMALL),
    "last digits": lambda x: slope(x) * (1 + 1e-12 * SMALL),
    "zero": lambda x: slope(x) * ~SMALL,
    "another function": lambda x: np.where(SMALL, np.sin(x / SCALES) * SCALES, slope(x)),
    "in float32": lambda x: np.where(SMALL, slope(x).astype(np.float32), slope(x)),
    "rounded to decimals": lambda x: np.round(slope(x), 12),
    "a constant in the denominator": lambda x: np.cos(x / (SCALES + 1e-16)) * SCALES,
    "lost in a sum": lambda x: (slope(x) + 1e9) - 1e9,
    "as random as may be": lambda x: slope(x) + 1e-9 * SMALL * np.modf(1e7 * np.sin(1e5 * x / SCALES))[0],
}


@pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS.keys())
def test_small_entries_beside_large_ones_do_not_hide(twin):
    assert {verify(MIXED, slope, seed).outcome for seed in range(4)} == {"right"}
    assert {verify(MIXED, lambda x, s: twin(x), seed).outcome for seed in range(4)} == {"wrong"}


def where_negative(x, s):
    return np.where(SMALL & (x < 0), 0.0, slope(x))


def test_a_branch_is_no_rounding():
    """Wrong at half of the points, and by the same part of itself right beside them."""
    outcomes = [verify(MIXED, where_negative, seed).outcome for seed in range(8)]
    assert outcomes.count("wrong") >= 6


def by_differences_far_out(x, step=1e-6):
    """The cube's slope, from differences where x lies far out: they round, but more than the exercise accounts for."""
    quotient = ((x + step) ** 3 - (x - step) ** 3) / (2 * step)
    return np.where(x < -1.3, quotient, 3 * x**2)


def test_differences_are_not_excused_where_they_are_few():
    cubes = exercise("cubes", lambda xp, x: xp.sum(x**3), lambda rng: {"x": rng.normal(size=5)}, ("x",))
    verdicts = [verify(cubes, by_differences_far_out, seed) for seed in range(6)]
    assert [verdict.outcome for verdict in verdicts].count("wrong") >= 3
    assert not any(verdict.notes for verdict in verdicts if verdict.outcome == "right")
