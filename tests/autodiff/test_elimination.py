"""Elimination and colouring: published counts, brute force over all orders, and the dense Jacobian."""

import itertools
import math

import networkx as nx
import numpy as np
import pytest
from row_cases import cases

import autodiff as ad
from autodiff.elimination import ORDERS
from autodiff.rule import TABLE
from autodiff.testing import close, sample


def naumann(x0, x1):
    t = x0 * np.sin(x0 * x1)
    return np.cos(t), t / x1


def speelpenning(*x):
    return math.prod(x[1:], start=x[0])


def bottleneck(*x):
    t = np.tanh(sum(x[1:], start=x[0]))
    return tuple(np.sin(k * t) for k in range(1, 7))


def tanh_layer(n, m, hidden=4):
    A, B = sample((hidden, n)), sample((m, hidden), seed=1)
    return ad.scalar_graph(lambda x: B @ np.tanh(A @ x), sample((n,)))


def dense(f, *args):
    """The Jacobian by the walks, a matrix."""

    def flat(*args):
        y = f(*args)
        return np.concatenate([np.ravel(part) for part in (y if isinstance(y, tuple) else (y,))])

    parts = ad.jacobian(flat, tuple(range(len(args))))(*args)
    return np.concatenate([np.reshape(p, (len(p), np.size(x))) for p, x in zip(parts, args, strict=True)], axis=1)


# (f, inputs, edges, forward, reverse, markowitz, optimal). The first by hand, with a = x0 x1 and s = sin a: forward
# a 2, s 2, t 4; reverse t 4, s 2, a 4; greedy s 1, a 2, t 4. The second, backwards: two at each of six products.
KNOWN = {
    "Naumann": (naumann, 2, 8, 8, 10, 7, 7),
    "Speelpenning": (speelpenning, 8, 14, 27, 12, 17, 12),
    "bottleneck": (bottleneck, 6, 23, 92, 72, 56, 52),
}


@pytest.mark.parametrize("name", KNOWN)
def test_multiplications_of_known_graphs(name):
    f, n, edges, *expected = KNOWN[name]
    x = sample((n,)) / 4 + 1
    graph = ad.scalar_graph(f, *x)
    assert len(graph.edges) == edges
    for order, multiplications in zip(ORDERS, expected, strict=True):
        J, found = ad.eliminate(graph, order)
        assert found == multiplications
        close(J, dense(f, *x), order, 1e-13)


@pytest.mark.parametrize(
    ("n", "m", "edges", "counts"),
    [
        (2, 6, 80, (136, 168, 118)),
        (4, 4, 84, (212, 208, 144)),
        (6, 2, 88, (224, 152, 134)),
        (8, 1, 102, (252, 100, 132)),
    ],
)
def test_layers_show_that_greedy_is_not_always_best(n, m, edges, counts):
    graph = tanh_layer(n, m)
    assert len(graph.edges) == edges
    assert tuple(ad.eliminate(graph, order)[1] for order in ("forward", "reverse", "markowitz")) == counts


def test_zeros_skipped_or_not():
    def four(graph):
        return [ad.propagations(graph, mode, skip) for skip in (False, True) for mode in ("forward", "reverse")]

    assert four(ad.scalar_graph(naumann, 1.0, 2.0)) == [16, 16, 12, 13]
    assert four(ad.scalar_graph(speelpenning, *sample((8,)))) == [112, 14, 35, 14]
    assert four(ad.scalar_graph(bottleneck, *sample((6,)))) == [138, 138, 98, 78]
    assert four(tanh_layer(4, 4)) == [336, 336, 228, 216]
    with pytest.raises(ad.RefusalError, match="modes"):
        ad.propagations(tanh_layer(2, 2), "sideways")


def random_graph(seed, outputs_used=False):
    """Plain data: a random acyclic graph with named vertices, given in no particular order."""
    rng = np.random.default_rng(seed)
    names = [f"v{k}" for k in rng.permutation(9)]
    pairs = [(s, t) for s, t in itertools.combinations(range(9), 2) if t > 1 and rng.random() < 0.45]
    edges = [(names[s], names[t], float(rng.normal())) for s, t in pairs]
    edges += edges[:2]  # two between the same vertices
    outputs = (names[8], names[5], names[8]) if outputs_used else (names[8], names[7])
    if not outputs_used:
        edges = [edge for edge in edges if edge[0] != names[7]]
    order = rng.permutation(len(edges))
    return ad.ScalarGraph(tuple(names[:2]), outputs, tuple(edges[k] for k in order))


def by_paths(graph):
    """The sum over all paths of the product of what stands on their edges."""
    net = nx.MultiDiGraph()
    net.add_nodes_from((*graph.inputs, *graph.outputs))
    net.add_weighted_edges_from(graph.edges)

    def entry(y, x):
        paths = nx.all_simple_edge_paths(net, x, y) if x != y else [[]]
        return sum(math.prod(net.edges[edge]["weight"] for edge in path) for path in paths)

    return np.array([[entry(y, x) for x in graph.inputs] for y in graph.outputs])


@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("seed", range(15))
def test_every_order_gives_the_sum_over_all_paths(seed, used):
    graph = random_graph(seed, used)
    expected, vertices = by_paths(graph), graph.order()
    for order in (*ORDERS, vertices[::2] + vertices[1::2]):
        close(ad.eliminate(graph, order)[0], expected, str(order), 1e-12)
    np.testing.assert_array_equal(graph.sparsity(), expected != 0)


@pytest.mark.parametrize("seed", range(6))
def test_optimal_is_the_best_of_all_orders(seed):
    graph = random_graph(seed)
    best = min(ad.eliminate(graph, order)[1] for order in itertools.permutations(graph.order()))
    assert ad.eliminate(graph, "optimal")[1] == best
    assert ad.eliminate(graph, "markowitz")[1] >= best


def test_orders_that_are_none():
    graph = ad.scalar_graph(naumann, 1.0, 2.0)
    vertices = graph.order()
    *most, last = vertices
    for order in ("sideways", most, [*vertices, last], [*most, most[0]], [*most, 99]):
        with pytest.raises(ad.RefusalError, match="order="):
            ad.eliminate(graph, order)
    with pytest.raises(ad.RefusalError, match="circle"):
        ad.eliminate(
            ad.ScalarGraph(("x",), ("y",), (("x", "a", 1.0), ("a", "b", 1.0), ("b", "a", 1.0), ("b", "y", 1.0)))
        )
    with pytest.raises(ad.RefusalError, match="input"):
        ad.eliminate(ad.ScalarGraph(("x", "y"), ("y",), (("x", "y", 1.0),)))
    with pytest.raises(ad.RefusalError, match="too many"):
        ad.eliminate(tanh_layer(4, 4), "optimal")


def test_graphs_with_nothing_between():
    J, multiplications = ad.eliminate(ad.ScalarGraph(("x", "y"), ("z", "x"), (("x", "z", 2.0), ("x", "z", 3.0))))
    np.testing.assert_array_equal(J, [[5, 0], [1, 0]])
    assert multiplications == 0
    assert ad.eliminate(ad.scalar_graph(lambda x, y: (x * x, 2.0), 3.0, 1.0))[0].tolist() == [[6, 0], [0, 0]]
    assert ad.eliminate(ad.scalar_graph(lambda x: x, np.ones((2, 2))))[0].tolist() == np.eye(4).tolist()


WHOLE = {"inv", "solve", "det", "logabsdet", "cholesky", "eigh"}


@pytest.mark.parametrize("rule", TABLE.values(), ids=lambda rule: str(rule.name))
def test_every_row_of_the_table_comes_apart_or_says_that_it_does_not(rule):
    for f, args in cases(rule):
        args = tuple(np.asarray(x, float)[()] for x in args)
        tape = ad.record(f, *args)[0]
        if any(line.rule is not None and line.rule.name in WHOLE for line in tape):
            with pytest.raises(ad.RefusalError, match="does not come apart"):
                ad.scalar_graph(f, *args)
        else:
            close(ad.eliminate(ad.scalar_graph(f, *args))[0], dense(f, *args), rule.name, 1e-10)


# --- colours ---------------------------------------------------------------------------------------------------------


def arrow(n, column=False):
    pattern = np.eye(n, dtype=bool)
    pattern[0] = True
    pattern[:, 0] |= column
    return pattern


def tridiagonal(n):
    return np.abs(np.subtract.outer(np.arange(n), np.arange(n))) <= 1


def colours(pattern, by="columns"):
    """The number of colours, after a look at every pair that could share one."""
    found = ad.colour(pattern, by)
    lines = np.asarray(pattern, bool) if by == "rows" else np.asarray(pattern, bool).T
    for i, j in itertools.combinations(range(len(lines)), 2):
        assert found[i] != found[j] or not np.any(lines[i] & lines[j])
    return len(set(found.tolist()))


@pytest.mark.parametrize("n", [3, 4, 5, 6, 7, 12, 40])
def test_colours_of_known_patterns(n):
    assert colours(tridiagonal(n)) == colours(tridiagonal(n), "rows") == 3
    assert (colours(arrow(n)), colours(arrow(n), "rows")) == (n, 2)
    assert colours(arrow(n, column=True)) == colours(arrow(n, column=True), "rows") == n
    assert colours(np.eye(n)) == 1
    assert colours(np.zeros((2, n))) == 1


@pytest.mark.parametrize("seed", range(10))
def test_random_patterns_are_coloured_properly_and_not_much_above_the_fullest_row(seed):
    pattern = np.random.default_rng(seed).random((20, 30)) < 0.1
    fullest = int(np.max(np.sum(pattern, axis=1)))
    assert fullest <= colours(pattern) <= fullest + 3
    assert colours(pattern.T, "rows") == colours(pattern)


def heat(u):
    return u[1:-1] * (u[2:] - 2 * u[1:-1] + u[:-2]) + np.sin(u[1:-1])


def test_two_colours_where_going_from_left_to_right_would_take_six():
    edges = [(2 * i, 2 * j + 1) for i in range(6) for j in range(6) if i != j]  # all of one side with all but one
    pattern = np.zeros((len(edges), 12))
    for row, pair in enumerate(edges):
        pattern[row, pair] = 1
    assert colours(pattern) == 2


@pytest.mark.parametrize("by", ["columns", "rows", None])
@pytest.mark.parametrize(
    ("f", "x"),
    [
        (heat, sample((30,))),
        (lambda x: np.tanh(x) * np.sum(x, axis=0), sample((3, 4))),
        (lambda x: np.cumsum(x), sample((6,))),
        (np.sum, sample((5,))),
        (lambda x: x * 2, sample()),
        (lambda x: np.ones(3), sample((2,))),
        (np.sin, sample((0,))),
        (np.sin, sample((4,), dtype=np.float32)),
    ],
)
def test_decompressed_jacobians_are_the_dense_ones(f, x, by):
    found, expected = ad.sparse_jacobian(f, x, by=by), ad.jacobian(f)(x)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    close(found, expected, "the Jacobian", 1e-12 if x.dtype == float else 1e-6)


def test_three_passes_instead_of_thirty():
    calls = []

    def called(f):
        return lambda x: calls.append(f) or f(x)

    x = sample((30,))
    pattern = ad.scalar_graph(heat, x).sparsity()
    np.testing.assert_array_equal(pattern, tridiagonal(30)[1:-1])
    close(ad.sparse_jacobian(called(heat), x, pattern, "columns"), ad.jacobian(heat)(x), "three tangents", 1e-13)
    assert len(calls) == 1 + 3

    def arrow_of(x):
        return np.concatenate([np.reshape(np.sum(x * x), 1), np.sin(x[1:])])

    close(ad.sparse_jacobian(called(arrow_of), x, arrow(30)), ad.jacobian(arrow_of)(x), "two adjoints", 1e-13)
    assert len(calls) == 1 + 3 + 1


@pytest.mark.parametrize("by", ["columns", "rows"])
def test_sparse_jacobians_can_be_differentiated_again(by):
    x = sample((8,))
    found = ad.jacobian(lambda x: ad.sparse_jacobian(heat, x, by=by))(x)
    close(found, ad.jacobian(ad.jacobian(heat))(x), "second derivatives", 1e-12)


def test_patterns_that_do_not_fit():
    for pattern, by in ((np.eye(3), None), (np.eye(2), "diagonals")):
        with pytest.raises(ad.RefusalError, match=r"pattern|columns"):
            ad.sparse_jacobian(np.sin, np.ones(2), pattern, by)
    with pytest.raises(ad.RefusalError, match="matrix"):
        ad.colour(np.ones(3))


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("f", "axis"), [(np.max, 1), (np.min, 0), (np.max, None), (np.max, (0, 2))])
def test_ties_of_an_extreme_share_as_they_do_in_the_jacobian(f, axis, keepdims):
    x = np.random.default_rng(0).integers(0, 2, (2, 3, 4)).astype(float)

    def extreme(x):
        return f(np.maximum(x, 0) * 1.5, axis=axis, keepdims=keepdims)

    expected = ad.jacobian(extreme)(x)
    np.testing.assert_allclose(ad.sparse_jacobian(extreme, x), expected, rtol=1e-15)
    J, _ = ad.eliminate(ad.scalar_graph(extreme, x))
    np.testing.assert_allclose(J, expected.reshape(J.shape), rtol=1e-15)
