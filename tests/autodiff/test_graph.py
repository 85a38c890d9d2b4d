"""Pictures of graphs: what they show, and that no edge runs through a node and nothing overlaps, read off the SVG."""

import base64
import html
import re
import xml.etree.ElementTree as ET
from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff.graph import Edge, Graph, Node, backprop_graph, gradient_graph, graph
from autodiff.layout import Arrow, lay_out

RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(8, 5)), RNG.integers(0, 3, 8)
PARAMETERS = [RNG.normal(size=shape) for shape in ((5, 4), (4,), (4, 4), (4,), (4, 3), (3,))]


def toy(x1, x2):
    return np.exp(2 * x2) + x1 * np.sin(3 * x2**2), x1 * x2 + ad.sigmoid(x2)


def rational(x, y):
    return 6 * np.exp(-y) / (1 + x**2 + y**2) + 2 * x**3


def network(W1, b1, W2, b2, W3, b3):
    hidden = ad.sigmoid(np.tanh(X @ W1 + b1) @ W2 + b2)
    return ad.cross_entropy(hidden @ W3 + b3, LABELS)


def drawn_by_hand(edges):
    ids = list(dict.fromkeys(end for edge in edges for end in edge[:2]))
    return Graph.from_data({"nodes": [{"id": name, "op": "any"} for name in ids], "edges": edges})


RATIONAL_BY_HAND = [
    *(["x", "z2", 0], ["x", "z3", 0], ["y", "z1", 0], ["y", "z2", 1]),
    *(["z1", "z4", 0], ["z2", "z4", 1], ["z3", "z4", 2]),
]
NETWORK_BY_HAND = [
    *(["X", "A", 0], ["b", "A", 1], ["A", "B", 0], ["W1", "B", 1], ["B", "C", 0], ["C", "D", 0], ["b", "D", 1]),
    *(["D", "E", 0], ["W2", "E", 1], ["E", "F", 0], ["y", "F", 1], ["F", "G", 0], ["G", "H", 0], ["H", "L", 0]),
]
SOME = np.array([0.3, -1.2, 2.0])
GRAPHS = {
    "toy": lambda: graph(toy, 2.0, 1.0),
    "toy with constants and values": lambda: graph(toy, 2.0, 1.0, constants=True, values=True),
    "toy backwards": lambda: backprop_graph(toy, 2.0, 1.0, output=1, values=True),
    "toy and its gradient": lambda: gradient_graph(toy, 2.0, 1.0, values=True),
    "rational": lambda: graph(rational, 2.0, 1.0, values=True).highlight("y"),
    "rational by hand": lambda: drawn_by_hand(RATIONAL_BY_HAND),
    "rational backwards": lambda: backprop_graph(rational, 2.0, 1.0),
    "rational and its gradient": lambda: gradient_graph(rational, 2.0, 1.0),
    "network by hand": lambda: drawn_by_hand(NETWORK_BY_HAND),
    "network": lambda: graph(network, *PARAMETERS, values=True),
    "network backwards": lambda: backprop_graph(network, *PARAMETERS),
    "network and its gradient": lambda: gradient_graph(network, *PARAMETERS),
    "the gradient's own list": lambda: graph(ad.grad(network), *PARAMETERS),
    "one node": lambda: graph(lambda x: x, SOME),
    "an input nobody uses": lambda: graph(lambda x, y, z: x * z, 1.0, 2.0, 3.0),
    "one variable in two slots": lambda: graph(lambda x: x * x, 3.0),
    "in two slots, much later": lambda: graph(lambda x: np.sin(np.exp(x)) * x / x, 3.0),
    "many arguments": lambda: graph(lambda *xs: np.stack(xs), *range(20)),
    "one value, many uses": lambda: graph(lambda x: sum(x * k for k in range(2, 14)), 1.0),
    "long names": lambda: graph(lambda the_weights_of_the_very_first_layer_of_all, naïve, 名前: 名前 * naïve, *SOME),
    "parallel chains": lambda: graph(lambda *xs: sum(np.sin(np.exp(x) + x) for x in xs), *range(8)),
}


# --- the geometry, from the SVG itself -------------------------------------------------------------------------------

SVG = "{http://www.w3.org/2000/svg}"


def box_of(shape):
    if shape.tag == SVG + "polygon":
        points = np.array([[float(c) for c in pair.split(",")] for pair in shape.get("points").split()])
        return (*points.min(axis=0), *points.max(axis=0))
    x, y, width, height = (float(shape.get(name)) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def text_box(element):
    width, size = float(element.get("textLength")), float(element.get("font-size"))
    x = float(element.get("x")) - (width / 2 if element.get("text-anchor") == "middle" else 0)
    return x, float(element.get("y")) - 0.75 * size, x + width, float(element.get("y")) + 0.2 * size


def flattened(d):
    """The points of a path of M, L and C commands, curves as 24 chords."""
    points = []
    for command, rest in re.findall(r"([MLC])([^MLC]*)", d):
        numbers = np.array(rest.split(), float).reshape(-1, 2)
        if command == "C":
            t = np.linspace(0, 1, 25)[1:, None]
            a, (b, c, e) = points[-1], numbers
            points += list((1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t**2 * (1 - t) * c + t**3 * e)
        else:
            points += list(numbers)
    return np.array(points)


def enters(points, box):
    """Whether a polyline passes through the inside of a box; along its border does not count."""
    x0, y0, x1, y1 = box[0] + 0.2, box[1] + 0.2, box[2] - 0.2, box[3] - 0.2
    for a, b in pairwise(points):
        low, high = 0.0, 1.0
        for start, step, least, most in ((a[0], b[0] - a[0], x0, x1), (a[1], b[1] - a[1], y0, y1)):
            if step == 0:
                low, high = (low, high) if least <= start <= most else (1.0, 0.0)
            else:
                ends = sorted(((least - start) / step, (most - start) / step))
                low, high = max(low, ends[0]), min(high, ends[1])
        if low <= high:
            return True
    return False


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def inside(small, large):
    return small[0] >= large[0] and small[1] >= large[1] and small[2] <= large[2] and small[3] <= large[3]


def grown(box, margin):
    return box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin


def check_geometry(g):
    root = ET.fromstring(g.svg())
    groups = root.findall(SVG + "g")
    nodes = [box_of(next(e for e in group if e.tag != SVG + "text")) for group in groups]
    edges = [flattened(e.get("d")) for e in root.findall(SVG + "path") if "edge" in e.get("class").split()]
    heads = [e for e in root.findall(SVG + "path") if "head" in e.get("class").split()]
    labels = [text_box(e) for e in root.findall(SVG + "text")]
    page = (0, 0, float(root.get("width")), float(root.get("height")))
    assert len(nodes) == len(g.nodes)
    assert len(edges) == len(g.edges)
    for group, node in zip(groups, nodes, strict=True):
        assert all(inside(text_box(text), node) for text in group.findall(SVG + "text")), "a label leaves its node"
    for a, b in combinations(nodes + labels, 2):
        assert not overlap(a, b), "two nodes or labels overlap"
    assert all(inside(box, page) for box in nodes + labels)
    number = {node.id: k for k, node in enumerate(g.nodes)}
    for k, points in enumerate(edges):
        for box in nodes + labels:
            assert not enters(points, box), f"{g.edges[k]} runs through a node or a label"
        for end, name in ((points[0], g.edges[k].source), (points[-1], g.edges[k].target)):
            x0, y0, x1, y1 = nodes[number[name]]
            assert x0 <= end[0] <= x1, "an edge does not end at its node"
            assert min(abs(end[1] - y0), abs(end[1] - y1)) < 0.2, "an edge does not end at its node"
        others = [box for box, node in zip(nodes, g.nodes, strict=True) if node.id not in g.edges[k][:2]]
        assert not any(enters(points, grown(box, 4)) for box in others), f"{g.edges[k]} runs along a node"
        head = flattened(heads[k].get("d").rstrip("Z"))
        assert np.all(np.abs(head - points[-1]) < 9), "the head is not at the end"
        assert not enters(head, nodes[number[g.edges[k].target]]), "the head is hidden"
    routes = {tuple(points.ravel()) for points in edges}
    assert len(routes) == len(edges), "two edges are drawn as one"


@pytest.mark.parametrize("name", GRAPHS)
def test_no_edge_runs_through_a_node_and_nothing_overlaps(name):
    check_geometry(GRAPHS[name]())


@st.composite
def dags(draw):
    """Any DAG: long edges, repeated edges, several components, nodes nobody uses, labels on edges, gradient nodes."""
    count = draw(st.integers(1, 24))
    forward = draw(st.sampled_from([count, count // 2]))  # what comes after the computation is its gradient
    kinds = ["operation" if k < forward else draw(st.sampled_from(["adjoint", "partial"])) for k in range(count)]
    nodes = [Node(f"n{k}", "op", "x" * draw(st.integers(0, 12)), kinds[k]) for k in range(count)]
    edges = []
    for target in range(1, count):
        near = draw(st.booleans())
        sources = draw(st.lists(st.integers(max(0, target - 3) if near else 0, target - 1), max_size=4))
        labels = [draw(st.sampled_from(["", "", "2 * x", "cos(v5)"])) for _ in sources]
        edges += [
            Edge(f"n{s}", f"n{target}", k, label) for k, (s, label) in enumerate(zip(sources, labels, strict=True))
        ]
    return Graph(tuple(nodes), tuple(edges))


@settings(max_examples=40, deadline=None)
@given(dags())
def test_any_graph(g):
    check_geometry(g)


@settings(max_examples=15, deadline=None)
@given(dags())
def test_the_same_graph_is_the_same_picture(g):
    assert g.svg() == Graph(g.nodes, g.edges).svg()


def test_the_data_of_the_layout_are_those_of_the_picture():
    g = GRAPHS["network and its gradient"]()
    layout, root = g.layout(), ET.fromstring(g.svg())
    paths = [e.get("d") for e in root.findall(SVG + "path") if "edge" in e.get("class").split()]
    for route, d in zip(layout.routes, paths, strict=True):
        ends = flattened(d)[[0, -1]]
        np.testing.assert_allclose(ends, [route[0], route[-1]], atol=0.06)
    shapes = [box_of(next(iter(group))) for group in root.findall(SVG + "g")]
    for box, shape in zip(layout.boxes, shapes, strict=True):
        np.testing.assert_allclose(shape, (box.x, box.y, box.x + box.width, box.y + box.height), atol=0.11)


def test_long_edges_are_straight_between_their_ends():
    """From the first layer passed to the last x does not change, unless two long edges cross: hardly ever here."""
    bent = count = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        arrows = [Arrow(int(rng.integers(0, k)), k, slot) for k in range(1, 40) for slot in range(rng.integers(1, 4))]
        long = [route for route in lay_out([(60.0, 40.0)] * 40, arrows).routes if len(route) > 6]
        bent += sum(len({round(x, 6) for x, _ in route[2:-2]}) > 1 for route in long)
        count += len(long)
    assert bent < count / 50


def test_a_deep_network_stands_upright():
    def deep(x, *weights):
        for W in weights:
            x = np.tanh(x @ W)
        return x

    layout = graph(deep, np.ones((2, 2)), *[np.eye(2)] * 40).layout()
    assert layout.width < 300
    assert layout.height > 3000


def test_arguments_arrive_in_their_order_from_left_to_right():
    g = GRAPHS["many arguments"]()
    arrivals = {edge.slot: g.layout().routes[k][-1][0] for k, edge in enumerate(g.edges) if edge.target == "v40"}
    assert [arrivals[slot] for slot in range(20)] == sorted(arrivals.values())


def test_inputs_stand_in_their_order_where_that_costs_no_crossing():
    for f in (lambda x, y: np.sin(y) + x * y, lambda x, y: np.log(y) / x + x * y, lambda x, y, z: x * z):
        g = graph(f, *range(1, 4)[: f.__code__.co_argcount])
        places = [box.x for box, node in zip(g.layout().boxes, g.nodes, strict=True) if node.kind == "input"]
        assert places == sorted(places)


def test_large_graphs_are_drawn_and_huge_ones_refused():
    def chain(x, count):
        for _ in range(count):
            x = np.sin(x)
        return x

    assert graph(chain, 1.0, 299, argnums=0).layout().height > 299 * 50
    long_edges = [[f"n{k}", "n2000", k] for k in range(1999)]
    with pytest.raises(ValueError, match="too large"):
        drawn_by_hand([*([f"n{k}", f"n{k + 1}", 0] for k in range(2000)), *long_edges]).layout()


# --- what the graph says ---------------------------------------------------------------------------------------------


def as_networkx(g):
    out = nx.MultiDiGraph()
    out.add_nodes_from((node.id, {"op": node.op}) for node in g.nodes)
    out.add_edges_from((edge.source, edge.target, {"slot": edge.slot}) for edge in g.edges)
    return out


def test_the_toy_graph_is_the_published_one():
    edges = {(int(edge.source[1:]), int(edge.target[1:])) for edge in graph(toy, 2.0, 1.0).edges}
    assert edges == {
        *((1, 2), (2, 3), (1, 4), (4, 5), (5, 6), (0, 7), (6, 7), (7, 8), (3, 8)),
        *((0, 9), (1, 9), (1, 10), (9, 11), (10, 11)),
    }


def test_lines_and_edges_are_those_of_the_tape():
    tape, _ = ad.record(network, *PARAMETERS)
    g = graph(network, *PARAMETERS)
    assert [node.op for node in g.nodes] == [line.rule.name if line.rule else "input" for line in tape]
    expected = [
        (f"v{p}", f"v{i}", slot) for i, line in enumerate(tape) for slot, p in enumerate(line.parents) if p is not None
    ]
    assert [edge[:3] for edge in g.edges] == expected
    assert [node.label for node in g.nodes][:6] == ["W1", "b1", "W2", "b2", "W3", "b3"]
    assert graph(tape).data() == g.data()


def test_one_variable_in_two_slots_is_two_edges():
    assert graph(lambda x: x * x, 3.0).edges == (Edge("v0", "v1", 0), Edge("v0", "v1", 1))


def test_constants_are_drawn_on_request():
    def f(x):
        return 2 * x - np.array([1.0, 2.0])

    assert [node.kind for node in graph(f, 1.0).nodes] == ["input", "operation", "output"]
    shown = graph(f, 1.0, constants=True)
    assert [node.label for node in shown.nodes if node.kind == "constant"] == ["2", "[1, 2]"]
    assert Edge("c1.0", "v1", 0) in shown.edges


def test_data_make_the_graph_again():
    g = graph(toy, 2.0, 1.0)
    assert Graph.from_data(g.data()).data() == g.data()
    same = {"node_match": lambda a, b: a["op"] == b["op"], "edge_match": lambda a, b: a[0]["slot"] == b[0]["slot"]}
    assert nx.is_isomorphic(as_networkx(g), as_networkx(Graph.from_data(g.data())), **same)


def test_data_by_hand_may_be_empty_or_numbered():
    assert "0 nodes" in Graph.from_data({"nodes": [], "edges": []})._repr_html_()
    numbered = Graph.from_data({"nodes": [{"id": 1}, {"id": 2, "op": "exp"}], "edges": [[1, 2, 0]]})
    assert numbered.data()["edges"] == [["1", "2", 0]]
    check_geometry(numbered)


def test_operations_with_constants_say_their_formula():
    assert [n.note for n in graph(toy, 2.0, 1.0).nodes[2:5]] == ["v2 = 2 * x2", "", "v4 = x2 ** 2"]
    assert graph(toy, 2.0, 1.0, values=True).nodes[4].note == "v4 = x2 ** 2 = 1"
    assert "of v11" in backprop_graph(toy, 2.0, 1.0, output=1).alt()


@pytest.mark.parametrize(
    ("edges", "message"),
    [([["a", "b", 0], ["b", "a", 0]], "circle"), ([["a", "a", 0]], "circle")],
)
def test_a_circle_is_no_computation(edges, message):
    with pytest.raises(ValueError, match=message):
        drawn_by_hand(edges).layout()


def test_an_edge_needs_its_ends_and_a_node_its_own_id():
    with pytest.raises(ValueError, match="no node"):
        Graph((Node("a", "input"),), (Edge("a", "b"),))
    with pytest.raises(ValueError, match="same id"):
        Graph((Node("a", "input"), Node("a", "input")), ())


def paths(g, source, target):
    """All paths as edges, from an independent witness."""
    edges = {edge[:3]: edge for edge in g.edges}
    numbered = nx.MultiDiGraph()
    numbered.add_edges_from((edge.source, edge.target, edge.slot) for edge in g.edges)
    return [[edges[e] for e in path] for path in nx.all_simple_edge_paths(numbered, source, target)]


def test_highlighted_is_what_lies_on_a_path():
    g, first = graph(rational, 2.0, 1.0), graph(toy, 2.0, 1.0)
    assert {g.edges[k] for k in g.highlight("y").marked} == {e for path in paths(g, "v1", "v12") for e in path}
    assert g.highlight("v12", "x").marked == frozenset()
    assert graph(lambda x: x * x, 3.0).highlight("x").marked == {0, 1}
    assert {first.edges[k].target for k in first.highlight("x2", "v8").marked} == {f"v{i}" for i in range(2, 9)}


def test_exponentially_many_paths_are_highlighted_at_once():
    def doubling(x):
        for _ in range(60):
            x = x + x
        return x

    assert len(graph(doubling, 1.0).highlight("x").marked) == 120


def test_sum_over_paths_of_products_of_partials_is_the_derivative():
    g = backprop_graph(rational, 2.0, 1.0)
    values = {f"v{i}": float(line.value) for i, line in enumerate(ad.record(rational, 2.0, 1.0)[0])}
    names = values | {"x": 2.0, "y": 1.0, "exp": np.exp, "log": np.log}
    for name, number in (("adj v0", 0), ("adj v1", 1)):
        products = [
            np.prod([eval(edge.label, {}, names) for edge in path])  # the labels are Python
            for path in paths(g, "adj v12", name)
        ]
        assert len(products) == 2
        np.testing.assert_allclose(sum(products), ad.grad(rational, number)(2.0, 1.0), rtol=1e-12)


def test_a_name_that_nothing_has_is_refused():
    with pytest.raises(KeyError, match="'W9' names 0 nodes; the nodes are x, y, v2, "):
        graph(rational, 2.0, 1.0).highlight("W9")


def test_gradient_nodes_have_the_gradients_values_and_depend_on_what_they_are_computed_from():
    g = gradient_graph(rational, 2.0, 1.0)
    node = {n.id: n for n in g.nodes}
    np.testing.assert_array_equal(node["adj v0"].value, ad.grad(rational, 0)(2.0, 1.0))
    np.testing.assert_array_equal(node["adj v1"].value, ad.grad(rational, 1)(2.0, 1.0))
    partials = {n.id: {edge.source for edge in g.edges if edge.target == n.id} for n in g.nodes if n.kind == "partial"}
    assert partials == {
        "∂v3/∂v2": {"adj v3", "v3"},
        "∂v5/∂x": {"adj v5", "v0"},
        "∂v7/∂y": {"adj v7", "v1"},
        "∂v9/∂v4": {"adj v9", "v8"},
        "∂v9/∂v8": {"adj v9", "v8", "v9"},
        "∂v10/∂x": {"adj v10", "v0"},
    }
    assert {n.id for n in g.nodes if n.kind == "adjoint"} == {f"adj v{i}" for i in range(13)}


def test_every_adjoint_can_be_computed_from_what_the_picture_says():
    """The sum of what arrives: an adjoint times the label of its edge, or the product that stands in a node."""
    g = gradient_graph(rational, 2.0, 1.0)
    named = {n.id: (n.label if n.kind == "adjoint" else n.id).replace("\u0304", "_bar") for n in g.nodes}
    values = {named[n.id]: n.value for n in g.nodes if n.kind != "partial"} | {"x": 2.0, "y": 1.0}
    for node in g.nodes:
        arriving = []
        for edge in g.edges if node.kind == "adjoint" else ():
            if edge.target == node.id:
                by = next(n for n in g.nodes if n.id == edge.source)
                said = by.label.replace("\u0304", "_bar") + f" * ({edge.label})" * bool(edge.label)
                arriving.append(eval(said, {}, values))
        assert not arriving or sum(arriving) == pytest.approx(node.value, rel=1e-13)


def test_two_slots_of_one_variable_give_two_partials():
    ids = [node.id for node in gradient_graph(lambda x: x * x, 3.0).nodes if node.kind == "partial"]
    assert ids == ["∂v1/∂x in slot 0", "∂v1/∂x in slot 1"]


def test_a_partial_that_compares_values_depends_on_them():
    g = gradient_graph(lambda x, g: np.maximum(x, g) + ad.relu(x), 2.0, 1.0)
    sources = {name: {edge.source for edge in g.edges if edge.target == name} for name in ("∂v2/∂g", "∂v3/∂x")}
    assert sources == {"∂v2/∂g": {"adj v2", "v0", "v1", "v2"}, "∂v3/∂x": {"adj v3", "v0"}}


def test_the_reverse_walk_draws_only_where_it_comes():
    g = backprop_graph(toy, 2.0, 1.0, output=0)
    assert {node.id for node in g.nodes} == {f"adj v{i}" for i in range(9)}
    labels = {(e.source, e.target): e.label for e in g.edges}
    assert labels["adj v6", "adj v5"] == "cos(v5)"
    assert labels["adj v7", "adj v0"] == "v6"


# --- what comes out --------------------------------------------------------------------------------------------------


def test_the_picture_is_an_image_with_its_description():
    shown = graph(rational, 2.0, 1.0)._repr_html_()
    alt, data = re.fullmatch(
        r'<img alt="([^"]+)" style="[^"]*" src="data:image/svg\+xml;base64,([^"]+)">', shown
    ).groups()
    assert "13 nodes, 14 edges" in html.unescape(alt)
    assert "v9 divide (operation, from v4, v8)" in html.unescape(alt)
    ET.fromstring(base64.b64decode(data))


def test_colours_for_light_and_dark_and_never_colour_alone():
    svg = gradient_graph(rational, 2.0, 1.0).highlight("y").svg()
    style = ET.fromstring(svg).find(SVG + "style").text
    light, dark = style.split("@media (prefers-color-scheme:dark)")
    for kind in ("page", "label", "note", "node", "input", "output", "adjoint", "partial", "edge", "gradient"):
        assert f".{kind}{{" in light
        assert f".{kind}{{" in dark
    assert all("stroke-dasharray" in re.search(rf"\.{kind}{{([^}}]*)}}", light)[1] for kind in ("adjoint", "gradient"))


def luminance(colour):
    colour = colour * 2 if len(colour) == 3 else colour
    parts = np.array([int(colour[k : k + 2], 16) / 255 for k in (0, 2, 4)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_wcag_in_both_schemes():
    style = ET.fromstring(graph(rational, 2.0, 1.0).svg()).find(SVG + "style").text
    for scheme in style.split("@media (prefers-color-scheme:dark)"):
        fill = dict(re.findall(r"\.([\w-]+){fill:#(\w+)", scheme))
        stroke = dict(re.findall(r"\.([\w-]+){[^}]*stroke:#(\w+)", scheme))
        for ground in ("page", "node", "input", "output", "adjoint", "partial"):
            assert contrast(fill["label"], fill[ground]) >= 7
            assert contrast(fill["note"], fill[ground]) >= 4.5
        for line in ("node", "input", "output", "adjoint", "partial", "edge", "gradient", "constant"):
            assert contrast(stroke[line], fill["page"]) >= 3


def test_names_are_escaped_everywhere():
    nasty = Graph((Node("a", "input", '<b>"&\x00\n|]'), Node('b"\\', "op")), (Edge("a", 'b"\\', 0, '"<&'),))
    check_geometry(nasty)
    assert "<b>" not in nasty.svg() + nasty._repr_html_()
    assert nasty.to_dot().count("\n") == 4
    assert "<b>" not in nasty.to_mermaid()


def test_dot_and_mermaid_say_the_same_graph():
    g = gradient_graph(toy, 2.0, 1.0)
    assert g.to_dot().count(" -> ") == len(g.edges)
    assert len(re.findall(r"-->", g.to_mermaid())) == len(g.edges)
    read = re.findall(r'^  "([^"]+)" -> "([^"]+)"', g.to_dot(), re.MULTILINE)
    assert read == [(edge.source, edge.target) for edge in g.edges]
