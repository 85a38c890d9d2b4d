"""The table, the formulas in it, and the walk one step at a time."""

import base64
import html.parser
import itertools
import re

import numpy as np
import pytest
import torch
from row_cases import cases

import autodiff as ad
from autodiff import show
from autodiff.formula import summary, text
from autodiff.listing import listing
from autodiff.rule import TABLE

X1, X2 = 2.0, 1.0
A, V = np.arange(6.0).reshape(2, 3) / 3 - 0.7, np.array([0.3, -1.2, 2.0])


def toy(x1, x2):
    return np.exp(2 * x2) + x1 * np.sin(3 * x2**2), x1 * x2 + ad.sigmoid(x2)


def layer(W, x, b):
    return np.sum(np.tanh(W @ x + b) ** 2)


def column(table, title):
    return [row.derivatives[title] for row in table.rows]


# --- the table -------------------------------------------------------------------------------------------------------


def test_the_published_table():
    """Values, tangents in both directions and adjoints of both outputs at (2, 1), to the decimals in print."""
    t = show.table(toy, X1, X2, tangent={"dx1": (1.0, 0.0), "dx2": (0.0, 1.0)})
    assert [row.line for row in t.rows] == [f"v{i}" for i in range(12)]
    values = [2, 1, 2, 7.389, 1, 3, 0.141, 0.282, 7.671, 2, 0.731, 2.731]
    by_x1 = [1, 0, 0, 0, 0, 0, 0, 0.141, 0.141, 1, 0, 1]
    by_x2 = [0, 1, 2, 14.778, 2, 6, -5.940, -11.880, 2.898, 2, 0.197, 2.197]
    of_y1 = [0.141, 2.898, 7.389, 1, -5.940, -1.980, 2, 1, 1, None, None, None]
    of_y2 = [1, 2.197, None, None, None, None, None, None, None, 1, 1, 1]
    np.testing.assert_allclose([row.value for row in t.rows], values, atol=5e-4)
    np.testing.assert_allclose(column(t, "dx1"), by_x1, atol=5e-4)
    np.testing.assert_allclose(column(t, "dx2"), by_x2, atol=5e-4)
    for title, expected in (("adjoint of v8", of_y1), ("adjoint of v11", of_y2)):
        for found, number in zip(column(t, title), expected, strict=True):
            assert (found is None) == (number is None)
            assert found is None or abs(found - number) < 5e-4


def test_lines_are_those_of_the_printed_tape():
    tape, y = ad.record(layer, A, V, V[:2])
    t = show.table(layer, A, V, V[:2])
    assert [row.line for row in t.rows] == [line.split(" = ")[0] for line in str(tape).split("\n")]
    assert [row.what for row in t.rows] == ["W", "x", "b", "W @ x", "v3 + b", "tanh(v4)", "v5 ** 2", "sum(v6)"]
    assert [row.what for row in show.table(tape).rows] == [row.what for row in show.table(y).rows]
    assert show.table(y).rows[3].what == "v0 @ v1"


def test_adjoints_are_those_of_backward_to_the_last_bit():
    tape, y = ad.record(layer, A, V, V[:2])
    adjoints = ad.backward(tape, y.index, np.float64(1), keep=True)
    for found, expected in zip(column(show.table(layer, A, V, V[:2]), "adjoint"), adjoints, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_tangents_are_those_of_jvp():
    direction = (A[::-1], V[::-1], V[1:])
    t = show.table(layer, A, V, V[:2], tangent=direction)
    assert column(t, "tangent")[-1] == ad.jvp(layer, (A, V, V[:2]), direction)[1]
    one = show.table(lambda x: x**3, 2.0, tangent=1.0)
    assert column(one, "tangent") == [1.0, 12.0]


def test_a_walk_not_taken_reads_not_computed_and_never_0():
    for shown in (show.table(toy, X1, X2, reverse=False), show.table(lambda x, y: (np.exp(x), x)[1] * 1.0, 2.0, 3.0)):
        assert "not computed" in str(shown)
        for row in shown.rows:
            for cell, value in zip(row.cells()[3:-1], row.derivatives.values(), strict=True):
                assert (cell == "not computed") == (value is None)
    unused = show.table(lambda x, y: x * 2, 2.0, 3.0)
    assert column(unused, "adjoint") == [2.0, None, 1.0]
    flat = show.table(lambda x: np.sign(x) * x, 2.0)
    assert "not computed" not in str(flat)


def test_a_cotangent_and_the_sum_of_an_array():
    w = np.array([1.0, -2.0])
    expected = ad.vjp(lambda W: W @ V, A)[1](w)[0]
    np.testing.assert_array_equal(column(show.table(lambda W: W @ V, A, cotangent=w), "adjoint")[0], expected)
    summed = ad.grad(lambda W: np.sum(W @ V))(A)
    np.testing.assert_array_equal(column(show.table(lambda W: W @ V, A), "adjoint of sum(v1)")[0], summed)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: show.table(lambda x: 1.0, 2.0), "does not depend"),
        (lambda: show.table(layer, A, V, V[:2], tangent=(A, V)), "one tangent per argument: 3, not 2"),
        (lambda: show.table(layer, A, V, V[:2], tangent=(V, V, V[:2])), "tangent 0 has shape"),
        (lambda: show.table(np.sin, V, cotangent=A), "cotangent has shape"),
        (lambda: next(show.steps(toy, X1, X2, output=2)), r"has 2 output\(s\)"),
        (lambda: show.graph(ad.Tape()), "does not depend"),
        (lambda: show.table(lambda x, how: x, 1.0, "fast"), "argument 1"),
        (lambda: show.table(toy, x1=X1, x2=X2), "x1, x2: no option here"),
        (lambda: show.steps(toy, X1, X2, tangent=(1.0, 0.0)), "tangent: no option here"),
        (lambda: show.graph(toy, X1, X2, names=["x"]), "names= takes 2, not 1"),
        (lambda: show.table(toy, X1, X2, cotangent=(1.0, 0.0, 0.0)), "3 entries for 2 recorded outputs"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ad.RefusalError, match=message):
        call()


def test_a_cotangent_for_all_outputs():
    J = np.array([ad.grad(lambda *x: toy(*x)[0], (0, 1))(X1, X2), ad.grad(lambda *x: toy(*x)[1], (0, 1))(X1, X2)])
    for w in ((1.0, 0.0), (0.5, -2.0)):
        t = show.table(toy, X1, X2, cotangent=w)
        expected = w @ J
        np.testing.assert_allclose(column(t, "adjoint of all outputs")[:2], expected, rtol=1e-14)
    twice = show.table(lambda x: ((y := x * x), y), 3.0, cotangent=(1.0, 2.0))
    assert column(twice, "adjoint of all outputs") == [18.0, 3.0]


@pytest.mark.parametrize("x", [1.0, -1.0, 0.0, np.array([1.0, 2.0]), np.array([1.0, -2.0]), np.zeros(2)])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.where(x > 0, x, x**2),
        lambda x: np.where(x > 0, x, 2.0) * np.where(x > 9, x, 2.0),
        lambda x: np.maximum(x, x * 1) + np.minimum(0, x),
        lambda x: np.clip(x, 0, 1),
        ad.relu,
    ],
)
def test_choices_that_fall_the_same_way_everywhere(f, x):
    for shown in (show.table(f, x), show.backprop_graph(f, x), show.gradient_graph(f, x), show.stepper(f, x)):
        assert "<" in shown._repr_html_()


def test_lines_are_shown_as_they_were_computed():
    """Only derivatives are simplified: a line that does nothing is still a line."""
    t = show.table(lambda x: np.where(True, x * 1 - 0, 0) ** 1 * -1, 2.0)
    assert [row.what for row in t.rows] == ["x", "x * 1", "v1 - 0", "where(True, v2, 0)", "v3 ** 1", "v4 * (-1)"]


def test_argnums_leave_the_rest_alone():
    said = show.table(lambda X, W: X @ W + np.sum(X * W.T), A, A.T, argnums=1)
    assert [row.what for row in said.rows[:4]] == ["W", "X @ W", "W.T", "X * v2"]
    assert said.rows[3].latex[1] == r"\bar{v}_{2} \mathrel{+}= \bar{v}_{3} \odot X"
    labels = np.array([0, 2])
    t = show.table(ad.cross_entropy, A, labels, argnums=0)
    assert [row.what for row in t.rows[:1]] == ["logits"]
    np.testing.assert_array_equal(column(t, "adjoint")[0], ad.grad(ad.cross_entropy)(A, labels))


def test_names():
    assert show.graph(lambda v1, x: v1 * x, 1.0, 2.0).nodes[0].label == "v0"  # v1 is another line
    assert [n.label for n in show.graph(lambda *xs: xs[0] * xs[1], 1.0, 2.0).nodes[:2]] == ["xs0", "xs1"]
    assert [n.label for n in show.graph(np.multiply, 1.0, 2.0, names=["a", "b"]).nodes[:2]] == ["a", "b"]
    assert show.graph(lambda x, y=2.0: x * y, 1.0).nodes[0].label == "x"
    odd = show.table(np.multiply, 1.0, 2.0, names=["a|b", "c\nd"]).markdown().split("\n")
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in odd} == {len(odd[0].split("|")) - 1}
    assert len(odd) == 5


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, int, bool])
def test_every_dtype(dtype):
    t = show.table(lambda x: np.sum(x * x), np.ones(3, dtype), tangent=(np.ones(3),))
    kind = dtype if np.dtype(dtype).kind == "f" else float
    assert all(g.dtype == kind for row in t.rows for g in (row.value, *row.derivatives.values()))


def test_inside_another_derivative():
    seen = []

    def f(x):
        seen.append(str(show.table(lambda z: z * z, x)))
        return x * x

    assert ad.grad(f)(3.0) == 6.0
    assert "z * z  9" in seen[0]


def test_a_gradient_is_a_list_too():
    t = show.table(ad.grad(lambda x: x**3), 2.0, names=["x"])
    assert t.rows[-1].value == 12.0
    assert column(t, "adjoint")[0] == 12.0


def test_summaries():
    assert summary(np.float64(0.1) + 0.2) == "0.3"
    assert summary(np.float64(0.1) + 0.2, 17) == "0.30000000000000004"
    assert summary(-0.0) + summary(np.array([-0.0, -1e-20])) == "0[0, -1e-20]"
    assert summary(np.float32(0.1)) == "0.1"
    assert summary(1 / 3, 4) == "0.3333"
    assert summary(A) == "[[-0.7, -0.3667, -0.03333], [0.3, 0.6333, 0.9667]]"
    assert summary(np.zeros((64, 10))) == "(64, 10) [0, 0, 0, ...]"
    assert summary(np.zeros((0, 3))) == "(0, 3) []"
    assert summary(np.array([True, False])) == "[True, False]"


# --- the formulas ----------------------------------------------------------------------------------------------------


NAMES = {rule.name: rule.evaluate for rule in TABLE.values()} | {
    "True": True,
    "reshape": lambda x, shape: np.reshape(x, shape),
    "sum": lambda x, axis=None, keepdims=False: np.sum(x, axis=axis, keepdims=keepdims),
    "mean": lambda x, axis=None, keepdims=False: np.mean(x, axis=axis, keepdims=keepdims),
    "broadcast_to": lambda x: x,
    "where": np.where,
    "logsumexp": lambda x, axis=None, keepdims=False: ad.logsumexp(x, axis, keepdims),
}
ELEMENTWISE = [rule for rule in TABLE.values() if rule.kind == "elementwise" and rule.bind is None]


def evaluated(term, values):
    return eval(text(term), {}, NAMES | values)


@pytest.mark.parametrize("rule", ELEMENTWISE, ids=lambda rule: rule.name)
def test_formulas_say_what_the_rule_does(rule):
    """The text of a line and of its derivatives is Python: it has the value that the walk computes."""
    from autodiff.testing import generated

    f, args = generated(rule)[-1]
    source = listing(f, *args, names="abc"[: len(args)])
    values = {name: np.float64(a) for name, a in zip("abc", args, strict=False)}
    line = source.named(len(args))
    np.testing.assert_allclose(evaluated(line.definition(), values), line.line.value, rtol=1e-5)
    values[line.name] = line.line.value
    for step in source.walk():
        for _, slot, term in step.added:
            formula = line.pulled("g")[slot]
            np.testing.assert_allclose(evaluated(formula, values | {"g": step.adjoint}), term, rtol=1e-5)
    dotted = {f"d{name}": 1.0 for name in "abc"}
    pushed = evaluated(line.pushed("d{}".format), values | dotted)
    np.testing.assert_allclose(pushed, ad.jvp(f, args, [1.0] * len(args))[1], rtol=1e-5)


def test_formulas_of_products_and_sums():
    B = np.arange(6.0).reshape(3, 2)

    def f(A, B):
        return np.mean(np.sum(np.square(A @ B.T @ B - 0.5), axis=0) / (A @ A.T))

    source = listing(f, A[:, :2], B)
    values = {source.names[i]: line.value for i, line in enumerate(source.tape)}
    for step in source.walk():
        for _, slot, term in step.added:
            found = evaluated(step.named.pulled("g")[slot], values | {"g": step.adjoint})
            np.testing.assert_allclose(np.broadcast_to(found, term.shape), term, rtol=1e-5)


@pytest.mark.parametrize(
    "key", [key for key, rule in TABLE.items() if rule.kind != "composite"], ids=lambda k: TABLE[k].name
)
def test_every_row_of_the_table_can_be_shown(key):
    """Whatever the operation: table, formulas, graphs and steps come out, and their adjoints are those of backward."""
    f, args = next(iter(cases(TABLE[key])))
    t = show.table(f, *args, tangent=tuple(np.ones(np.shape(x)) for x in args))
    for formula in itertools.chain.from_iterable(row.latex for row in t.rows):
        assert formula.count("{") == formula.count("}")
        assert formula.count(r"\left") == formula.count(r"\right")
        assert not re.search(r"_\{[^{}]*\}_\{|\^\{[^{}]*\}\^\{", formula), "a double index"
        assert "$" not in formula
    assert "<table>" in t._repr_html_()
    adjoints = ad.vjp(f, *args)[1](np.ones(np.shape(f(*args))))
    last = list(show.steps(f, *args))[-1].adjoints
    for i, g in enumerate(adjoints):
        np.testing.assert_array_equal(g, 0 if last[f"v{i}"] is None else last[f"v{i}"])
    assert show.gradient_graph(f, *args).svg().startswith("<svg")
    assert show.backprop_graph(f, *args).svg().startswith("<svg")


def test_formulas_in_latex():
    rows = show.table(lambda W, x: np.sum(ad.relu(W @ x)), A, A.T, tangent=(A, A.T)).rows
    assert rows[2].latex == (
        r"v_{2} = W\,x",
        r"\dot{v}_{2} = \dot{W}\,x + W\,\dot{x}",
        r"\bar{W} \mathrel{+}= \bar{v}_{2}\,x^{\top}",
        r"\bar{x} \mathrel{+}= W^{\top}\,\bar{v}_{2}",
    )
    assert rows[3].latex[-1] == r"\bar{v}_{2} \mathrel{+}= \bar{v}_{3} \odot [v_{2} \gt 0]"
    assert rows[4].latex[-1] == r"\bar{v}_{3} \mathrel{+}= \mathbf{1}\,\bar{v}_{4}"
    division = show.table(lambda a, b_1, rate: a / b_1 - 1 / rate, 1.0, 2.0, 3.0).rows
    assert division[3].latex == (
        r"v_{3} = \frac{a}{\mathrm{b\_}_{1}}",
        r"\bar{a} \mathrel{+}= \frac{\bar{v}_{3}}{\mathrm{b\_}_{1}}",
        r"\bar{\mathrm{b\_}}_{1} \mathrel{+}= \bar{v}_{3} \cdot \frac{-v_{3}}{\mathrm{b\_}_{1}}",
    )
    assert division[5].latex[2] == r"\bar{v}_{4} \mathrel{+}= -\bar{v}_{5}"


# --- what the table looks like ---------------------------------------------------------------------------------------


class Cells(html.parser.HTMLParser):
    """The texts of the cells of every row of an HTML table."""

    def __init__(self, source):
        super().__init__()
        self.rows, self.open = [], []
        self.feed(source)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag != "br":
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            assert tag == "td" or dict(attrs)["scope"] in ("row", "col")
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.rows[-1][-1] += data


def test_html_and_markdown_have_the_same_cells():
    t = show.table(
        lambda x, y: np.copysign(np.where(np.array([True, False]), np.abs(x), y), np.maximum(y, 0)), V[:2], V[1:]
    )
    assert any("|" in cell for row in t.rows for cell in row.cells())
    shown = Cells(t._repr_html_()).rows
    for row, cells in zip(t.rows, shown[1:], strict=True):
        assert [*cells[:-1], cells[-1].split("$")[0]] == row.cells()
        assert cells[-1].split("$")[1::2] == list(row.latex)
        assert all(formula in t.text(formulas=True) for formula in row.latex)
    lines = t.markdown().split("\n")
    assert len(lines) == len(t.rows) + 2
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {len(shown[0]) + 1}


def test_names_are_escaped():
    t = show.table(np.multiply, 2.0, 3.0, names=["<b>", "a&b"])
    row = Cells(t._repr_html_()).rows[3]
    assert row[1] == "<b> * a&b"
    assert row[-1].count("<b>") == 3
    assert "<b>" not in show.stepper(np.multiply, 2.0, 3.0, names=["<b>", "a&b"])._repr_html_()


# --- one step at a time ----------------------------------------------------------------------------------------------


def test_steps_account_for_every_adjoint():
    walk = list(show.steps(layer, A, V, V[:2]))
    sums = {}
    for step in walk:
        for line, _, term in step.added:
            sums[line] = sums[line] + term if line in sums else term
        assert step.adjoints[step.line] is step.adjoint or np.array_equal(step.adjoints[step.line], step.adjoint)
        for line, g in step.adjoints.items():
            assert (g is None) == (line not in sums and line != walk[0].line)
            assert line not in sums or np.array_equal(g, sums[line])
    W, x, b = (torch.tensor(a, requires_grad=True) for a in (A, V, V[:2]))
    torch.sum(torch.tanh(W @ x + b) ** 2).backward()
    for line, witness in (("v0", W), ("v1", x), ("v2", b)):
        np.testing.assert_allclose(walk[-1].adjoints[line], witness.grad.numpy(), rtol=1e-13)


def test_a_step_says_what_it_does():
    first, second, *_ = show.steps(toy, X1, X2)
    assert str(first).startswith("v8 = v3 + v7: its adjoint is complete, 1. add: a sum passes the adjoint")
    assert "\n  - of x1, through its first argument: 0.14112, now 0.14112\n  - of v6, through its sec" in str(second)
    assert [line for line, g in second.adjoints.items() if g is not None] == ["v0", "v3", "v6", "v7", "v8"]


def test_steps_leave_the_tape_and_earlier_steps_alone():
    tape, y = ad.record(lambda x: np.sum(x + x + x), V)
    first, *rest = show.steps(y)
    assert all(first.adjoints[f"v{i}"] is None for i in (0, 1))
    np.testing.assert_array_equal(rest[-1].adjoints["v0"], [3, 3, 3])
    np.testing.assert_array_equal(list(show.steps(tape))[-1].adjoint, [3, 3, 3])


@pytest.mark.parametrize("count", [3, 60])
def test_the_stepper_needs_no_script(count):
    def chain(x):
        for _ in range(count):
            x = np.sin(x)
        return x

    shown = show.stepper(chain, 1.0)._repr_html_()
    assert shown.count("<details") == shown.count("</details>") == shown.count("<summary") == count + 1
    pictures = [base64.b64decode(data).decode() for data in re.findall(r"base64,([^\"]+)", shown)]
    if count == 3:
        assert [picture.count("no adjoint yet") for picture in pictures] == [2, 1, 0, 0]
        assert "v2: adj " in pictures[1]
    else:
        assert "not computed" in shown
    assert not re.search(r"<script|<style|javascript|\son\w+=", shown)
    assert len(shown) < 200_000
