"""Counts against hand counts, graphs of known size, formulas of the literature, and what really runs."""

import doctest
import math
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from row_cases import cases

import autodiff as ad
from autodiff.cost import Meter, work
from autodiff.rule import TABLE, Linear
from autodiff.testing import close, sample

# --- the two toy graphs, counted by hand -----------------------------------------------------------------------------


def trace_table(x1, x2):
    """v2 = 2 v1, v3 = exp v2, v4 = v1^2, v5 = 3 v4, v6 = sin v5, v7 = v0 v6, v8 = v3 + v7; v9 = v0 v1, v10 = s(v1).

    x1 is v0 and x2 is v1; v8 and v11 = v9 + v10 are the values.
    """
    return np.exp(2 * x2) + x1 * np.sin(3 * x2**2), x1 * x2 + ad.sigmoid(x2)


def by_steps(x, y):
    """z1 = exp(-y), z2 = 1 + x^2 + y^2, z3 = x^3, p = 6 z1 / z2 + 2 z3."""
    return 6 * np.exp(-y) / (1 + x**2 + y**2) + 2 * x**3


def test_the_graph_of_the_trace_table_by_hand():
    cost = ad.Cost(trace_table, 2.0, 1.0)
    assert (cost.inputs, cost.outputs, cost.edges) == (2, 2, 14)
    assert cost.evaluation == ad.Counts(primal=10, transcendental=3, peak_live_floats=4)  # exp, sin, sigmoid
    # Edges without a constant on them: e^v2, 2 x2, cos v5, v6, x1, x2, x1, s'. The others are 2, 3 and ones.
    assert (cost.vjp.primal, cost.vjp.partial, cost.vjp.propagate) == (10, 8, 14)
    assert cost.vjp.tape_floats == 10
    assert (cost.jvp.forward_passes, cost.jvp.reverse_passes) == (1, 0)
    assert (cost.vjp.forward_passes, cost.vjp.reverse_passes) == (0, 1)
    for mode, passes in (("forward", "forward_passes"), ("reverse", "reverse_passes")):
        found = cost.jacobian(mode)
        assert (found.primal, found.partial, found.propagate, getattr(found, passes)) == (10, 8, 28, 2)
    assert cost.cheaper == "either"


def test_the_graph_of_a_decomposition_by_hand():
    cost = ad.Cost(by_steps, 1.0, 2.0)
    # -y, exp, x^2, 1 + x^2, y^2, +, 6 z1, /, x^3, 2 z3, +: eleven lines, with sixteen edges less three constant terms.
    assert (cost.inputs, cost.outputs, cost.edges) == (2, 1, 14)
    assert cost.evaluation.primal == 11
    assert cost.evaluation.transcendental == 1  # whole powers are products
    assert cost.vjp.partial == 6  # exp, x^2, y^2, x^3, and / in both arguments
    assert cost.jacobian("forward").propagate == 28
    assert cost.jacobian("reverse").propagate == 14
    assert cost.cheaper == "reverse"
    assert cost.vjp.tape_floats == 11


def test_a_variable_in_two_slots_has_two_edges():
    assert ad.Cost(lambda x: x * x, 3.0).edges == 2
    assert ad.Cost(lambda x: x + x, 3.0).vjp.partial == 0


# --- random graphs ---------------------------------------------------------------------------------------------------


def random_function(seed):
    """(f, n, m, E, lines): a random graph of numbers, and its size by construction; every line is used later."""
    rng = np.random.default_rng(seed)
    n, m, lines = (int(k) for k in rng.integers([1, 1, 4], [6, 6, 20]))
    program = []
    for i in range(n, n + lines):
        program.append([i - 1, int(rng.integers(i))][: int(rng.integers(1, 3))])
    outputs = [n + lines - 1, *(int(k) for k in rng.integers(n, n + lines, m - 1))]

    def f(*x):
        v = list(x)
        for sources in program:
            v.append(np.sin(v[sources[0]]) if len(sources) == 1 else v[sources[0]] * v[sources[1]])
        return tuple(v[i] for i in outputs)

    return f, n, m, sum(map(len, program)), lines


@pytest.mark.parametrize("seed", range(40))
def test_n_passes_down_cost_n_E_and_m_passes_up_cost_m_E(seed):
    f, n, m, edges, lines = random_function(seed)
    cost = ad.Cost(f, *sample((n,), seed=seed))
    assert (cost.inputs, cost.outputs, cost.edges) == (n, m, edges)
    forward, reverse = cost.jacobian("forward"), cost.jacobian("reverse")
    assert (forward.propagate, forward.forward_passes, forward.reverse_passes) == (n * edges, n, 0)
    assert (reverse.propagate, reverse.forward_passes, reverse.reverse_passes) == (m * edges, 0, m)
    assert forward.primal == reverse.primal == cost.evaluation.primal == lines
    assert forward.partial == reverse.partial == edges
    assert reverse.tape_floats == lines
    assert cost.cheaper == ("either" if n == m else "forward" if n < m else "reverse")
    assert cost.vjp.primal + cost.vjp.partial + cost.vjp.propagate <= 5 * cost.evaluation.primal


def test_a_gradient_costs_at_most_five_functions_and_exactly_five_for_a_product():
    cost = ad.Cost(lambda *x: math.prod(x[1:], start=x[0]), *sample((8,))).vjp
    assert cost.primal + cost.partial + cost.propagate == 5 * cost.primal == 35


def test_lines_that_no_value_depends_on_are_passed_on_the_way_down_only():
    def f(x):
        np.sin(np.sin(x))
        return x * 3

    cost = ad.Cost(f, 1.0)
    assert (cost.jvp.propagate, cost.vjp.propagate) == (3, 1)


# --- arrays ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("m", "k", "n"), [(2, 3, 4), (5, 1, 7), (1, 1, 1)])
def test_a_product_of_matrices(m, k, n):
    cost = ad.Cost(np.matmul, np.ones((m, k)), np.ones((k, n)))
    assert cost.evaluation == ad.Counts(matmul_flops=2 * m * k * n, peak_live_floats=m * n)
    assert cost.vjp.matmul_flops == cost.jvp.matmul_flops == 6 * m * k * n
    assert ad.Cost(np.matmul, np.ones((m, k)), np.ones((k, n)), argnums=1).vjp.matmul_flops == 4 * m * k * n
    assert ad.Cost(lambda A, B: np.einsum("ij,jk->ik", A, B), np.ones((m, k)), np.ones((k, n))).vjp == cost.vjp


def test_einsum_multiplies_and_adds_only_where_letters_are_summed():
    W, x = np.ones((3, 4)), np.ones(4)
    for subscripts, arrays, flops in (
        ("ij,j->i", (W, x), 24),
        ("ij,j->ij", (W, x), 12),
        (",i->i", (2.0, x), 4),
        ("ij->j", (W,), 12),
        ("ij->ji", (W,), 0),
        ("i,ij,j->", (x[:3], W, x), 36),
    ):
        assert ad.counted(lambda *a, s=subscripts: np.einsum(s, *a), *arrays)[1].matmul_flops == flops


def test_solving_a_system_by_elimination():
    A, B = np.eye(6) + 0.1, np.ones((6, 2))
    assert ad.Cost(np.linalg.solve, A, B).evaluation.matmul_flops == 2 * 6**3 // 3 + 2 * 6**2 * 2
    assert ad.Cost(np.linalg.inv, np.stack([A, A])).evaluation.matmul_flops == 2 * 2 * 6**3


OPERATIONS = {
    "elementwise": (lambda x: np.tanh(x), 12, 12, 12),
    "broadcast": (lambda x: x * x[0], 12, 24, 24),
    "a sum": (lambda x: np.sum(x), 11, 0, 12),
    "sums": (lambda x: np.sum(x, axis=0), 8, 0, 12),
    "a mean": (lambda x: np.mean(x, axis=1), 9 + 3, 0, 12),
    "a maximum": (lambda x: np.max(x), 11, 0, 12),
    "products": (lambda x: np.prod(x, axis=1), 9, 12, 12),
    "running sums": (lambda x: np.cumsum(x, axis=0), 8, 0, 12),
    "a shape": (lambda x: x.T.reshape(2, 6)[::-1], 0, 0, 0),
    "a join": (lambda x: np.concatenate([x, x]), 0, 0, 0),
    "a choice": (lambda x: np.where(x > 0, x, 0.0), 0, 0, 0),
    "a constant factor": (lambda x: 3 * x, 12, 0, 12),
    "a division by a constant": (lambda x: x / 3, 12, 0, 12),
    "a kink": (lambda x: ad.relu(x), 12, 0, 12),
    "a norm": (lambda x: np.linalg.norm(x), 12 + 11 + 1, 12, 12),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_one_operation_on_three_times_four(name):
    f, primal, partial, propagate = OPERATIONS[name]
    found = ad.Cost(f, sample((3, 4)) + 3).vjp
    assert (found.primal, found.partial, found.propagate) == (primal, partial, propagate)


def test_transcendental_calls():
    x = sample((3,)) + 3
    assert ad.Cost(np.sin, x).vjp.transcendental == 6  # sin, and cos for its derivative
    assert ad.Cost(np.exp, x).vjp.transcendental == 3  # exp is its own
    assert ad.Cost(lambda x: x**3 / np.sqrt(x), x).vjp.transcendental == 0
    assert ad.Cost(lambda x: x**0.5, x).evaluation.transcendental == 3


@pytest.mark.parametrize("rule", TABLE.values(), ids=lambda rule: str(rule.name))
def test_every_row_of_the_table_has_a_cost(rule):
    """And running it on counting arrays gives its value and the count of its evaluation."""
    for f, args in cases(rule):
        args = tuple(np.asarray(x, float)[()] for x in args)
        cost, (value, counts) = ad.Cost(f, *args), ad.counted(f, *args)
        close(value, f(*args), "the value", 1e-13)
        assert replace(counts, peak_live_floats=0) == replace(cost.evaluation, peak_live_floats=0)
        assert cost.vjp.tape_floats >= 0
        assert cost.jvp.propagate >= cost.vjp.propagate


def test_an_operation_without_a_count_is_refused():
    rule = Linear.__new__(Linear)  # not through __init__, which would put it into the table
    rule.key = rule.name = "unheard of"
    with pytest.raises(ad.RefusalError, match="no count is defined for unheard of"):
        work(rule, (np.ones(3),), {}, np.ones(3))


# --- modes and their crossover ---------------------------------------------------------------------------------------


def layer(n, m, hidden=32):
    A, B = sample((hidden, n)), sample((m, hidden), seed=1)
    return lambda x: B @ np.tanh(A @ x), sample((n,))


def test_the_modes_cross_where_there_are_as_many_variables_as_values():
    found = ad.crossover(layer, [(1, 64), (4, 64), (15, 16), (16, 16), (17, 16), (64, 4), (64, 1)])
    assert [row[-1] for row in found] == ["forward"] * 3 + ["either"] + ["reverse"] * 3
    for n, m, forward, reverse, _ in found:
        once = 2 * 32 * n + 32 + 2 * 32 * m  # two products and tanh
        assert forward == once + 32 + n * (once - 32 + 64)
        assert reverse == once + 32 + m * (once - 32 + 64)


def test_flops_of_the_whole_jacobian_are_those_that_run():
    """The products of a batched walk, counted as they happen, with nothing constant among them."""
    A, B, x = sample((7, 5)), sample((3, 7), seed=1), sample((5,), seed=2)

    def f(A, B, x):
        return B @ np.tanh(A @ x)

    cost = ad.Cost(f, A, B, x, argnums=2)
    for mode in ("forward", "reverse"):
        ran = ad.counted(lambda *args, mode=mode: ad.jacobian(f, 2, mode)(*args), A, B, x)[1]
        assert ran.matmul_flops == cost.jacobian(mode).matmul_flops


def test_the_hessian_is_n_tangents_over_the_gradient():
    x = sample((6,))

    def f(x):
        return np.sum(np.tanh(x) ** 2)

    cost = ad.Cost(f, x)
    inner = ad.Cost(ad.grad(f), x)
    one, whole = cost.hessian(1), cost.hessian()
    assert whole.propagate == 6 * one.propagate == 6 * inner.jvp.propagate
    assert whole.primal == one.primal == inner.evaluation.primal
    assert (whole.forward_passes, whole.reverse_passes, one.forward_passes) == (6, 1, 1)
    assert one.tape_floats == 2 * cost.vjp.tape_floats
    assert one.peak_live_floats == 2 * cost.vjp.peak_live_floats
    with pytest.raises(ad.RefusalError, match="one number"):
        ad.Cost(np.sin, x).hessian()


# --- memory ----------------------------------------------------------------------------------------------------------


def chain(depth):
    def f(x):
        for _ in range(depth):
            x = np.tanh(x)
        return x

    return f


@pytest.mark.parametrize("depth", [3, 10, 50])
def test_a_chain_holds_two_four_or_depth_and_two_states(depth):
    cost = ad.Cost(chain(depth), np.ones(7))
    assert cost.evaluation.peak_live_floats == 2 * 7
    assert cost.jvp.peak_live_floats == 4 * 7
    assert cost.vjp.peak_live_floats == (depth + 2) * 7
    assert ad.counted(chain(depth), np.ones(7))[1].peak_live_floats == 2 * 7  # by reference counts


def slope(depths, peaks):
    return np.polyfit(np.log(depths), np.log(peaks), 1)[0]


def test_what_is_really_held_grows_with_depth_to_the_zeroth_first_and_half_power():
    depths, x = [64, 256, 1024], np.ones(5)

    def peak(f):
        return ad.counted(f, x)[1].peak_live_floats

    down = [peak(lambda x, d=d: ad.jvp(chain(d), (x,), (x,))) for d in depths]
    up = [peak(ad.grad(lambda x, d=d: np.sum(chain(d)(x)))) for d in depths]
    back = [peak(lambda x, d=d: ad.checkpointed([np.tanh] * d + [np.sum], x)[:2]) for d in depths]
    assert len(set(down)) == 1
    assert slope(depths, up) == pytest.approx(1, abs=0.03)
    assert slope(depths, back) == pytest.approx(0.5, abs=0.06)
    assert all(ad.Cost(chain(d), x).vjp.peak_live_floats <= found for d, found in zip(depths, up, strict=True))


def test_views_hold_nothing_and_keep_what_they_show():
    x = np.ones((4, 5))
    assert ad.Cost(lambda x: np.tanh(x).T.reshape(5, 4)[1:].T, x).vjp.tape_floats == 20
    assert ad.Cost(lambda x: x.T[0], x).vjp.tape_floats == 0

    def f(x):
        first = np.exp(x)[0]  # shows twenty numbers, though five are asked for
        return first * np.sum(np.sin(x))

    def g(x):
        y = np.exp(x)
        first, second = y[0], y[1]
        return first * second * y

    assert ad.Cost(f, x).evaluation.peak_live_floats == ad.counted(f, x)[1].peak_live_floats == 20 + 20 + 1
    assert ad.Cost(g, x).evaluation.peak_live_floats == ad.counted(g, x)[1].peak_live_floats == 20 + 5 + 20


# --- counting what runs ----------------------------------------------------------------------------------------------


def test_code_that_knows_nothing_of_lists():
    def power_iteration(A, x):
        for _ in range(5):
            x = A @ x
            x = x / np.sqrt(np.sum(x * x))
        return [x, {"unused": 1}]

    A, x = sample((4, 4)), sample((4,))
    (found, rest), counts = ad.counted(power_iteration, A, x)
    np.testing.assert_array_equal(found, power_iteration(A, x)[0])
    assert rest == {"unused": 1}
    assert counts.matmul_flops == 5 * 2 * 16
    assert counts.primal == 5 * (4 + 3 + 1 + 4)
    assert counts == ad.counted(power_iteration, A, x)[1]


def test_brackets_of_a_chain_of_jacobians():
    """dy/dz dz/dv dv/dW, of shapes 1 x h, h x h, h x hd: h^2 + h^2 d or h^3 d + h^2 d products."""
    h, d = 5, 3
    factors = sample((1, h)), sample((h, h)), sample((h, h * d))
    assert ad.counted(lambda a, b, c: (a @ b) @ c, *factors)[1].matmul_flops == 2 * (h * h + h * h * d)
    assert ad.counted(lambda a, b, c: a @ (b @ c), *factors)[1].matmul_flops == 2 * (h * h * h * d + h * h * d)


def test_evaluations_for_differences_forward_mode_and_reverse_mode():
    def f(x):
        return np.sum(np.exp(x)) / np.prod(np.exp(x))

    def differences(x):
        y = f(x)
        return [(f(x + 1e-6 * unit) - y) / 1e-6 for unit in np.eye(len(x))]

    for n in (3, 10):
        x = sample((n,))
        once = ad.counted(f, x)[1].transcendental
        assert ad.counted(differences, x)[1].transcendental == (n + 1) * once
        assert ad.counted(lambda x: [ad.jvp(f, (x,), (u,)) for u in np.eye(len(x))], x)[1].transcendental == n * once
        assert ad.counted(ad.grad(f), x)[1].transcendental == once


def test_a_network_given_as_a_dict():
    value, counts = ad.counted(lambda p: {"y": np.tanh(p["x"] @ p["W"])}, {"x": sample((4,)), "W": sample((4, 3))})
    np.testing.assert_array_equal(value["y"], np.tanh(sample((4,)) @ sample((4, 3))))
    assert (counts.matmul_flops, counts.transcendental) == (24, 3)


def test_a_network_given_as_lists():
    params = [(sample((3, 4)), sample((4,))), (sample((4, 2)), sample((2,)))]

    def f(params, x):
        for W, b in params:
            x = np.tanh(x @ W + b)
        return np.sum(x)

    class Batch(NamedTuple):
        inputs: np.ndarray

    value, counts = ad.counted(lambda params, batch: f(params, batch.inputs), params, Batch(sample((5, 3))))
    assert value == f(params, sample((5, 3)))
    assert counts.matmul_flops == 2 * 5 * (12 + 8)
    assert counts.primal == 2 * 5 * (4 + 2) + 5 * 2 - 1
    assert counts.transcendental == 5 * (4 + 2)


def test_derivatives_inside_and_outside():
    def f(x):
        return np.sum(np.sin(x) * x)

    x = sample((3,))
    value, first = ad.counted(ad.grad(f), x)
    np.testing.assert_array_equal(value, ad.grad(f)(x))
    assert first.transcendental == 6
    assert ad.counted(lambda x: ad.hvp(f, x, x), x)[1].transcendental > 6
    # Counting inside a derivative leaves it as it is.
    np.testing.assert_array_equal(ad.grad(lambda x: ad.counted(f, x)[0])(x), ad.grad(f)(x))
    np.testing.assert_array_equal(ad.hvp(lambda x: ad.counted(f, x)[0], x, x), ad.hvp(f, x, x))
    np.testing.assert_array_equal(
        ad.grad(lambda x: ad.counted(lambda z: np.sum(np.sin(z) * x), x)[0])(x), ad.grad(f)(x)
    )


def test_only_what_depends_on_a_watched_array_counts():
    A = sample((4, 4))
    assert ad.counted(lambda x: np.sum(A @ A @ A), sample((4,)))[1] == ad.Counts()
    assert ad.counted(lambda x: np.sum(x @ A), sample((4,)))[1].matmul_flops == 32


def test_two_meters_count_apart_and_an_exception_leaves_nothing_behind():
    outer = Meter()
    x = outer.watch(sample((3,)))
    value, inner = ad.counted(lambda x: np.sin(x) * 2, x)
    assert inner.primal == outer.counts.primal == 6
    assert outer.live == 3
    del value
    with pytest.raises(ZeroDivisionError):
        ad.counted(lambda x: np.exp(x)[0] + 1 // 0, x)
    assert outer.counts.primal == 9
    assert ad.counted(np.exp, sample((3,)))[1].primal == 3


# --- odd arguments ---------------------------------------------------------------------------------------------------


def test_odd_arguments():
    assert ad.Cost(lambda x: 3.0, 1.0).vjp == ad.Counts(reverse_passes=1)
    assert ad.Cost(lambda x: x, np.ones(3)).jacobian("reverse") == ad.Counts(reverse_passes=3, peak_live_floats=9)
    assert ad.Cost(lambda x, y: np.sin(x), np.ones(3), np.ones(4)).jacobian("forward").propagate == 7 * 3
    assert ad.Cost(np.sum, np.ones(0)).jvp == ad.Counts(forward_passes=1, peak_live_floats=2)
    assert ad.Cost(np.square, np.arange(3)).vjp == ad.Cost(np.square, np.arange(3.0)).vjp
    assert ad.Cost(np.square, np.ones(3, np.float32)).vjp == ad.Cost(np.square, np.ones(3)).vjp
    assert ad.Cost(lambda x: np.sin(x) if x > 0 else x, -1.0).evaluation.primal == 0
    for broken in ({"argnums": 2}, {"argnums": (0, 0)}):
        with pytest.raises(ad.RefusalError, match="argnums"):
            ad.Cost(np.sin, 1.0, **broken)
    with pytest.raises(ad.RefusalError, match="modes"):
        ad.Cost(np.sin, 1.0).jacobian("sideways")


def test_counts_add_up_and_print():
    one = ad.Cost(np.sin, np.ones(3)).vjp
    assert one + one == 2 * one
    text = str(ad.Cost(lambda x: np.sum(np.sin(x)), np.ones(3)))
    rows = text.splitlines()
    assert len(rows) == 8
    assert len(set(map(len, rows))) == 1
    assert "matmul_flops" not in text  # nothing to show
    assert rows[1].split()[0] == "evaluation"
    assert "Hessian" not in str(ad.Cost(np.sin, np.ones(3)))


def test_the_page_about_costs_is_true():
    page = Path(__file__).parents[2] / "docs" / "cost.md"
    found = doctest.testfile(str(page), module_relative=False)
    assert (found.failed, found.attempted > 20) == (0, True)


def test_one_number_in_a_tuple_has_a_hessian():
    assert str(ad.Cost(lambda x: (x * x,), 1.0)) == str(ad.Cost(lambda x: x * x, 1.0))
