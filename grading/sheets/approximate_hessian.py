"""Sheet 7, the approximate Hessian: what is asked. The statements and solutions stand in its master text.

Sources, by the numbers of the seed sheets: units and samples S0-2.0a, S0-2.0b; the second derivative in a weight and
its misprinted index S0-2.1; the recursion S0-2.2; its diagonal S0-2.3a and cost S0-2.3b; what hides mistakes there T-5
and T-6.
Beyond them: cross terms that are dropped, Gauss-Newton (Schraudolph 2002), Hutchinson (Bekas, Kokiopoulou & Saad 2007),
pruning (LeCun, Denker & Solla 1990).

An approximation is no derivative of the loss. One step of it is judged by the surrogate whose exact diagonal it is; a
whole network's is a value, which the tests hold against `autodiff.becker_lecun`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff
from grading.answers.bug import BugExercise
from grading.answers.choice import ChoiceExercise
from grading.answers.graph import GraphExercise
from grading.answers.number import NumberExercise
from grading.answers.prediction import Prediction
from grading.answers.table import VALUE, TableExercise, tangent
from grading.sheets.sheet import Prose, Sheet, Variant
from grading.verify import Exercise, surrogate, surrogate_inputs
from grading.verify.item import Item

# Sizes are drawn from these: all distinct, and none that could be taken for a factor 1, 2 or 1/2.
_SIZES = (3, 5, 6, 7)
_SQUARE = "a Hessian is square"

Items = tuple[Item | Prose, ...]


def sheet(variant: Variant) -> Sheet:
    """Second derivatives of a loss: exact, approximate, what they cost, and what they are good for."""
    sizes = tuple(int(size) for size in variant.rng("approximate_hessian sizes").permutation(_SIZES))
    return Sheet(
        "The approximate Hessian",
        (
            *_one_unit(variant, sizes),
            *_exact(variant),
            *_output(variant, sizes),
            *_dropped_terms(sizes),
            *_network(sizes),
            *_when_exact(variant),
            *_cost(variant),
            *_other_diagonals(variant, sizes),
            *_uses(variant),
        ),
    )


def _pick(tasks: list[Any], variant: Variant, what: str) -> Any:
    """One of the tasks, the student's own."""
    return tasks[variant.own_rng(what).integers(len(tasks))]


def _signed(rng: np.random.Generator, size: Any) -> Any:
    """Numbers of both signs, none near 0."""
    return rng.uniform(0.4, 1.6, size=size) * rng.choice([-1, 1], size=size)


# --- one unit and its weights ----------------------------------------------------------------------------------------


def _one_unit(variant: Variant, sizes: tuple[int, ...]) -> Items:
    inner, outer, batch, _ = sizes
    return (
        _one_weight(variant),
        ChoiceExercise(
            id="hessian.misprint",
            options={
                "a": "Each unit computes a weighted sum of its inputs, $a_j = \\sum_i w_{ji} z_i$.",
                "b": "The loss is a sum over samples, $L = \\sum_n L_n$, and so are its second derivatives.",
                "c": "Problem: compute $\\partial^2 L_n / \\partial w_{ii}^2$ as a function of $z_i^2$.",
                "d": "In a feed-forward network $z_i = h(a_i)$, unless unit $i$ is an input.",
            },
            points=1,
            statement="Four lines as they were handed out on a sheet of problems. One has a misprint. Which?",
            hints=(
                "Read every index aloud: which unit does it belong to, and is there such a weight?",
                "The first index of a weight is the unit it leads to, the second the unit it comes from.",
                "In a feed-forward network no unit feeds itself.",
            ),
        ),
        Prose(
            id="hessian.misprint_why",
            points=2,
            rubric=(
                "1 point: w_ii would be the weight of a unit to itself, which a feed-forward network does not have; "
                "meant is w_ji. 1 point: the mended statement, d²L_n/dw_ji² = (d²L_n/da_j²) z_i², per sample."
            ),
        ),
        Exercise(
            id="hessian.batch",
            function=lambda xp, W, Z, c: xp.sum(c * xp.sin(Z @ W.T)),
            inputs=lambda rng: {
                "W": rng.normal(size=(outer, inner)),
                "Z": _signed(rng, (batch, inner)),
                "c": _signed(rng, outer),
            },
            wrt=("W",),
            asks="hessian_diagonal",
            points=2,
            hints=(
                "Each row of Z is a sample with pre-activations of its own: D[n, j] is the curvature in a_j of "
                "sample n.",
                "Multiply for each sample, and add up the products: sum over n of D[n, j] times Z[n, i] squared.",
                "A sum over n with one factor from each matrix is a matrix product: D transposed times Z**2.",
            ),
        ),
    )


def _one_weight(variant: Variant) -> Exercise:
    tasks = [
        (w, z, v)
        for w in (-0.8, 0.6, 0.7, 1.2, 1.4, 1.6, 1.8)
        for z in (-2.5, -1.7, -1.3, 1.3, 1.7, 2.5, 3.0)
        for v in (-1.1, -0.7, 0.4, 0.9)
        if abs(w * z + v) > 0.7  # off the point where all derivatives in a vanish
        and _are_apart(6 * (w * z + v) * np.array([z**2, z, 1]), 3 * (w * z + v) ** 2 * z)
    ]
    w, z, v = _pick(tasks, variant, "hessian.one_weight")
    return Exercise(
        id="hessian.one_weight",
        function=lambda xp, w, z, v: (w * z + v) ** 3,
        given={"w": w, "z": z, "v": v},
        wrt=("w",),
        asks="hessian_diagonal",
        decimals=3,
        points=1,
        statement=(
            "A unit has the pre-activation $a = w z + v$, where $v$ is what its other inputs and its bias contribute, "
            f"and the loss is $L = a^3$. At $w = {w:g}$, $z = {z:g}$, $v = {v:g}$: what is "
            "$\\partial^2 L / \\partial w^2$? Give three decimals."
        ),
        hints=(
            "Compute a first. What is the second derivative of the loss in a alone?",
            "Each of the two derivatives in w brings a factor da/dw.",
            "6 a, times z twice.",
        ),
    )


def _are_apart(others: np.ndarray, number: float) -> bool:
    """Whether a number is none of the others, nor nearly so, nor half or double of one."""
    octaves = np.log2(np.abs(others / number))
    return bool(np.all(np.abs(octaves[:, None] - [-1, 0, 1]) > 0.22))


# --- the exact recursion ---------------------------------------------------------------------------------------------


def _exact(variant: Variant) -> Items:
    return (
        _two_units(variant),
        Prose(
            id="hessian.derivation",
            points=4,
            rubric=(
                "1 point: dL/da_j = h'(a_j) sum_k w_kj dL/da_k, with k over all units that j feeds. 1 point: the "
                "product rule, so that one term has h''. 1 point: dL/da_k depends on a_j through every a_k', so its "
                "derivative is sum over k' of the mixed second derivative times h'(a_j) w_k'j. 1 point: put "
                "together, and said that the weights do not depend on a_j."
            ),
        ),
        _exact_step(),
    )


def _two_units(variant: Variant) -> TableExercise:
    tasks = [
        (a, w1, w2)
        for a in (-1.5, -0.6, 0.7, 1.2)
        for w1 in (-0.5, 0.5, 1.5)
        for w2 in (-1.2, -0.4, 0.6)
        if abs(w1) != abs(w2)
    ]
    a, w1, w2 = _pick(tasks, variant, "hessian.two_units")
    return TableExercise(
        id="hessian.two_units",
        given={"a": a, "w1": w1, "w2": w2},
        rows={
            "s": lambda a: 2 * a,
            "z": lambda a: a**2,
            "a1": lambda w1, z: w1 * z,
            "a2": lambda w2, z: w2 * z,
            "g1": lambda a1, a2: 2 * a1 * a2,
            "g2": lambda a1, a2: a1**2 + 3 * a2**2,
            "B": lambda w1, w2, g1, g2: w1 * g1 + w2 * g2,
            "g": lambda s, B: s * B,
        },
        columns={"value": VALUE, "tangent": tangent(a=1)},
        decimals=4,
        points=4,
        statement=(
            "The unit $z = h(a) = a^2$ feeds two units, $a_1 = w_1 z$ and $a_2 = w_2 z$, and the loss is "
            "$L = a_1^2 a_2 + a_2^3$. The rows of the table are the list of its **gradient**, "
            f"$g = \\partial L / \\partial a = h'(a) \\sum_k w_k g_k$. At $a = {a:g}$, $w_1 = {w1:g}$, $w_2 = "
            f"{w2:g}$, fill "
            "in the values, and the tangents: the derivatives of all rows in $a$. The last of them is "
            "$\\partial^2 L / \\partial a^2$. Give four decimals."
        ),
        hints=(
            "Go down the values first. Then every tangent is made of the tangents of the rows that its row uses.",
            "g1, g2 and g are products of things that all move: mind the product rule.",
            "The tangent of g is that of s times B, plus s times that of B: the two terms of formula (1).",
        ),
    )


def _exact_step() -> Exercise:
    def function(xp: Any, a: Any, g: Any, H: Any, abar: Any, W: Any) -> Any:
        moved = W @ xp.sin(a) - abar
        return xp.sum(g * moved) + xp.sum(moved * (H @ moved)) / 2

    def inputs(rng: np.random.Generator) -> dict[str, Any]:
        units, fed = (int(size) for size in rng.permutation(_SIZES)[:2])
        H, a, W = rng.normal(size=(fed, fed)), rng.normal(size=units), rng.normal(size=(fed, units))
        return {"a": a, "g": rng.normal(size=fed), "H": (H + H.T) / 2, "abar": W @ np.sin(a), "W": W}

    return Exercise(
        id="hessian.exact_step",
        function=function,
        inputs=inputs,
        wrt=("a",),
        asks="hessian_diagonal",
        points=3,
        sizes_fixed=_SQUARE,
        hints=(
            "Two terms, one with h' squared and the whole matrix H, one with h'' and the gradient g.",
            "The double sum over k and k' for unit j is entry (j, j) of Wᵀ H W.",
            "np.sum(W * (H @ W), axis=0) is that diagonal; h' is the cosine, h'' minus the sine.",
        ),
    )


# --- the approximation -----------------------------------------------------------------------------------------------


def _tanh_layer(xp: Any, a: Any, W: Any) -> Any:
    return W @ xp.tanh(a)


def _sigmoid_layer(xp: Any, a: Any, W: Any) -> Any:
    return W @ (1 / (1 + xp.exp(-a)))


def _carried(fed: int, units: int) -> Callable[[np.random.Generator], dict[str, Any]]:
    """What one step of the approximation starts from."""
    return lambda rng: {
        "a": rng.normal(size=units),
        "g": rng.normal(size=fed),
        "d": rng.normal(size=fed),
        "W": rng.normal(size=(fed, units)),
    }


def _output(variant: Variant, sizes: tuple[int, ...]) -> Items:
    return (
        Exercise(
            id="hessian.output",
            function=lambda xp, z, label: xp.max(z) + xp.log(xp.sum(xp.exp(z - xp.max(z)))) - z[label],
            inputs=lambda rng: {"z": rng.normal(size=sizes[1]), "label": rng.integers(sizes[1])},
            edge_inputs=lambda rng: {"z": 900 + rng.normal(size=sizes[1]), "label": rng.integers(sizes[1])},
            wrt=("z",),
            asks="hessian_diagonal",
            points=2,
            hints=(
                "You know the gradient from sheet 1: the probabilities, minus 1 at the label. Differentiate it again.",
                "The label's term is linear in z, so its second derivative is 0. What remains is the slope of p_k in "
                "z_k.",
                "The derivative of p_k in z_k itself is p_k - p_k².",
            ),
        ),
        _left_out(variant),
    )


def _left_out(variant: Variant) -> NumberExercise:
    tasks = [
        (p, w)
        for p in ((0.5, 0.3, 0.2), (0.6, 0.3, 0.1), (0.7, 0.2, 0.1), (0.2, 0.3, 0.5), (0.1, 0.6, 0.3))
        for w in ((1.5, 1.2, 0.7), (1.4, -0.6, 1.1), (-0.8, 1.6, 1.3), (0.9, 1.7, -0.5))
    ]
    p, w = map(np.array, _pick(tasks, variant, "hessian.left_out"))

    def kept() -> Any:
        return np.sum(w**2 * p * (1 - p))

    def exact() -> Any:
        return np.sum(p * w**2) - np.sum(p * w) ** 2

    return NumberExercise(
        id="hessian.left_out",
        value=lambda: kept() - exact(),
        decimals=3,
        mistakes={
            "this is the sum that the approximation keeps": kept,
            "this is the exact double sum": exact,
            "this has each pair of k and k' once; the double sum has both orders": lambda: (kept() - exact()) / 2,
        },
        points=2,
        given={"p": p.tolist(), "w": w.tolist()},
        statement=(
            f"A unit feeds three scores with the weights $w = ({', '.join(f'{x:g}' for x in w)})$; the softmax gives "
            f"the probabilities $p = ({', '.join(f'{x:g}' for x in p)})$, and the loss is the cross-entropy. By how "
            "much is $\\sum_k w_k^2 H_{kk}$, which the approximation keeps, larger than the exact $\\sum_{k,k'} w_k "
            "w_{k'} H_{kk'}$? Give three decimals, with a minus sign if it is smaller."
        ),
        hints=(
            "The difference is what was dropped, with the opposite sign.",
            "Off the diagonal H_kk' = -p_k p_k'. There are six such pairs (k, k'), in both orders.",
            "2 (w1 w2 p1 p2 + w1 w3 p1 p3 + w2 w3 p2 p3).",
        ),
    )


_FAULTY = """
def curvature(a, g, d, abar, W):
    y = 1 / (1 + np.exp(-a))
    slope = y * (1 - y)
    bend = slope * (1 - y)
    squared = slope**2 * ((W**2).T @ d)
    bent = bend * (W.T @ g)
    return squared + bent
"""


def _dropped_terms(sizes: tuple[int, ...]) -> Items:
    units, fed, _, _ = sizes
    return (
        Exercise(
            id="hessian.approximate_step",
            function=surrogate(_tanh_layer),
            inputs=surrogate_inputs(_tanh_layer, _carried(fed, units)),
            wrt=("a",),
            asks="hessian_diagonal",
            points=3,
            hints=(
                "It is the exact step with a diagonal matrix for H: the double sum becomes a sum.",
                "Square the weights one by one, then multiply by the transposed matrix.",
                "With y = tanh(a): h' = 1 - y², h'' = -2 y (1 - y²).",
            ),
        ),
        _graph(),
        BugExercise(
            Exercise(
                id="hessian.bug",
                function=surrogate(_sigmoid_layer),
                inputs=surrogate_inputs(_sigmoid_layer, _carried(fed, units)),
                wrt=("a",),
                asks="hessian_diagonal",
                points=3,
                statement=(
                    "This is to be the same step below units with the sigmoid $h(a) = 1/(1 + e^{-a})$ instead of tanh. "
                    "One line is wrong. Which? Hand in its number, and the mended function."
                ),
                hints=(
                    "Take the lines one by one, and say what each quantity is meant to be.",
                    "Differentiate the slope y (1 - y) by the product rule.",
                    "In y (1 - y) two factors depend on a, so its derivative has two terms: y' (1 - y) and one more.",
                ),
            ),
            code=_FAULTY,
        ),
    )


def _graph() -> GraphExercise:
    def function(xp: Any, s1: Any, s2: Any, w1: Any, w2: Any, g1: Any, g2: Any, d1: Any, d2: Any) -> Any:
        G = w1 * g1 + w2 * g2
        return s1 * G, s1**2 * (w1**2 * d1 + w2**2 * d2) + s2 * G

    names = ("s1", "s2", "w1", "w2", "g1", "g2", "d1", "d2")
    return GraphExercise(
        "hessian.graph",
        function,
        lambda rng: {name: float(_signed(rng, ())) for name in names},
        outputs=("g", "d"),
        prescribed=True,
        steps={
            "G": "w1*g1 + w2*g2",
            "D": "w1**2*d1 + w2**2*d2",
            "g": "s1*G",
            "d": "s1**2*D + s2*G",
        },
        wrt=("s1", "w1", "g1"),
        accepts=("identity", "split"),
        shares={"form": 0, "values": 1, "structure": 1},
        points=2,
        hints=(
            "Four steps: two sums over the units above, then the gradient, then the curvature.",
            "One of the two sums goes into both outputs. Which?",
            "d uses s1, s2 and both sums.",
        ),
    )


# --- a whole network -------------------------------------------------------------------------------------------------


def approximate_diagonal(xp: Any, W1: Any, W2: Any, W3: Any, x: Any, target: Any) -> Any:
    """The approximate diagonal in W1 of half the squared error of W3 tanh(W2 tanh(W1 x)), for one sample."""
    z1 = xp.tanh(W1 @ x)
    z2 = xp.tanh(W2 @ z1)
    error = W3 @ z2 - target
    back2 = W3.T @ error
    d2 = (1 - z2**2) ** 2 * xp.sum(W3**2, axis=0) - 2 * z2 * (1 - z2**2) * back2
    back1 = W2.T @ ((1 - z2**2) * back2)
    d1 = (1 - z1**2) ** 2 * ((W2**2).T @ d2) - 2 * z1 * (1 - z1**2) * back1
    return d1[:, None] * x**2


def _network(sizes: tuple[int, ...]) -> Items:
    first, second, inputs, outputs = sizes
    return (
        Exercise(
            id="hessian.network",
            function=approximate_diagonal,
            inputs=lambda rng: {
                "W1": rng.normal(size=(first, inputs)) / 2,
                "W2": rng.normal(size=(second, first)) / 2,
                "W3": rng.normal(size=(outputs, second)) / 2,
                "x": rng.normal(size=inputs),
                "target": rng.normal(size=outputs),
            },
            asks="value",
            points=4,
            hints=(
                "Five parts: forward through the network, the pair (g, d) at the output, two steps back, the weights.",
                "At the output g = y - target and d = 1. A step gives d, and g as in any backward pass.",
                "At the end d of the first layer is one number per row of W1, and x² one per column.",
            ),
        ),
    )


# --- when it is exact, and what was dropped --------------------------------------------------------------------------


def _when_exact(variant: Variant) -> Items:
    return (
        Prediction(
            id="hessian.guess_layers",
            form="choice",
            options={
                "none": "In no layer.",
                "last": "In the output layer alone.",
                "two": "In the output layer and in the second hidden layer.",
                "all": "In all three layers.",
            },
            points=1,
            statement=(
                "A network has two hidden layers of tanh units, a softmax, and the cross-entropy. In which of its "
                "three layers is the approximate curvature of the pre-activations exactly the right one?"
            ),
        ),
        ChoiceExercise(
            id="hessian.when_exact",
            several=True,
            options={
                "a": "One hidden layer of tanh units, half the squared error.",
                "b": "One hidden layer of tanh units, softmax and cross-entropy.",
                "c": "Two hidden layers of tanh units, half the squared error.",
                "d": "Five hidden layers of one tanh unit each, one output, half the squared error.",
                "e": "Two hidden layers without activations (all linear), half the squared error.",
            },
            points=2,
            statement=(
                "Where is the approximate diagonal the exact one in **all** weights, whatever the weights are? Layers "
                "have several units unless it is said otherwise. Name all that apply."
            ),
            hints=(
                "Go back from the loss: where is the first layer whose Hessian has entries beside the diagonal?",
                "What is dropped is w_kj w_k'j H_kk' with k ≠ k': there must be two units k and k', and their H_kk'.",
                "Linear layers do have such entries: below W3 the Hessian of half the squared error is W3ᵀ W3.",
            ),
        ),
        _dropped(variant),
    )


def _dropped(variant: Variant) -> NumberExercise:
    tasks = [(x, c) for x in (-1.5, -0.7, 0.6, 1.1, 1.4) for c in (0.5, 1.5, 3.0)]
    x, c = _pick(tasks, variant, "hessian.dropped")

    def function(x: Any) -> Any:
        return np.sum((x + c * x**3) ** 2)

    def missing() -> float:
        at = np.array([x])
        return float(autodiff.hessian_diagonal(function)(at)[0] - autodiff.becker_lecun(function)(at).diagonal[0])

    return NumberExercise(
        id="hessian.dropped",
        value=missing,
        decimals=2,
        mistakes={
            "this is one of the two mixed terms; the other order counts as well": lambda: missing() / 2,
            "this is the exact second derivative; what is asked is how much of it is missing": lambda: float(
                autodiff.hessian_diagonal(function)(np.array([x]))[0]
            ),
        },
        points=2,
        given={"x": x, "c": c},
        statement=(
            f"Let $f(x) = (x + {c:g}\\,x^3)^2$. The walk meets the sum $u + v$ of $u = x$ and $v = {c:g}\\,x^3$, "
            f"carries a curvature to each of the two, and adds up what arrives at $x$. By how much is that less than "
            f"$f''(x)$ at $x = {x:g}$? Give two decimals."
        ),
        hints=(
            "Differentiate (u + v)² twice in x by the chain rule, and mark what comes from u alone and from v alone.",
            "What is missing is the mixed derivative in u and v, once in each order.",
            "2 · (d²L/du dv) · u' · v', with L = (u + v)².",
        ),
    )


# --- cost ------------------------------------------------------------------------------------------------------------


def _cost(variant: Variant) -> Items:
    rng = variant.own_rng("hessian.entries")
    n, m, k = (int(size) for size in rng.permutation([5, 8, 12, 20, 30])[:3])
    weights = n * m + m * k
    return (
        NumberExercise(
            id="hessian.entries",
            asks="count",
            value=lambda: weights * (weights + 1) // 2,
            mistakes={
                "this counts every entry off the diagonal twice": lambda: weights**2,
                "this is the number of weights, which is that of the diagonal's entries": lambda: weights,
                "this leaves out the diagonal": lambda: weights * (weights - 1) // 2,
            },
            points=1,
            given={"n": n, "m": m, "k": k},
            statement=(
                f"A network has {n} inputs, one hidden layer of {m} units, {k} outputs, and no biases. The Hessian of "
                "its loss in all weights is symmetric. How many different entries does it have?"
            ),
            hints=(
                "Count the weights first.",
                "The diagonal, and one of the two triangles beside it.",
                "W (W + 1) / 2 for W weights.",
            ),
        ),
        Prediction(
            id="hessian.guess_growth",
            form="number",
            points=1,
            statement=(
                "A network has three square layers of weights. All its layers are made twice as wide, so that it has "
                "four times as many weights. By what factor does the cost of the **exact diagonal** grow, by way of "
                "the matrices of layers?"
            ),
        ),
    )


# --- Gauss-Newton and Hutchinson -------------------------------------------------------------------------------------


def _other_diagonals(variant: Variant, sizes: tuple[int, ...]) -> Items:
    inputs, units, outputs, probes = sizes
    return (
        Exercise(
            id="hessian.gauss_newton",
            function=lambda xp, W1, W2, x: ((1 - xp.tanh(W1 @ x) ** 2) ** 2 * xp.sum(W2**2, axis=0))[:, None] * x**2,
            inputs=lambda rng: {
                "W1": rng.normal(size=(units, inputs)) / 2,
                "W2": rng.normal(size=(outputs, units)),
                "x": rng.normal(size=inputs),
            },
            asks="value",
            points=2,
            hints=(
                "Sum over the outputs k of the square of dy_k / dW1[j, i]. What is that derivative?",
                "dy_k / dW1[j, i] = W2[k, j] h'(a_j) x_i. Square it, and sum over k.",
                "The sum over k concerns W2 alone: np.sum(W2**2, axis=0).",
            ),
        ),
        Exercise(
            id="hessian.hutchinson",
            function=lambda xp, H, V: xp.mean(V * (V @ H), axis=0),
            inputs=lambda rng: _probes(rng, probes),
            asks="value",
            points=2,
            sizes_fixed=_SQUARE,
            hints=(
                "For one v: multiply H by it, then entry by entry by v again.",
                "The rows of V are the vectors. H is symmetric, so row s of V @ H is H times v_s.",
                "A mean over axis 0 of V * (V @ H).",
            ),
        ),
        _samples(variant),
    )


def _probes(rng: np.random.Generator, count: int) -> dict[str, Any]:
    """A symmetric matrix, and random signs in rows."""
    size = int(rng.choice([n for n in _SIZES if n != count]))
    H = rng.normal(size=(size, size))
    return {"H": (H + H.T) / 2, "V": rng.choice([-1.0, 1.0], size=(count, size))}


def _samples(variant: Variant) -> NumberExercise:
    tasks = [
        (own, off)
        for own in (20, 30, 40)  # in tenths, so that all sums are those of whole numbers
        for off in ((15, -7, 11), (-9, 13, 6), (21, -8, 3), (5, 17, -12))
        if sum(x * x for x in off) * 100 % own**2  # no tie
    ]
    own, off = _pick(tasks, variant, "hessian.samples")
    variance = sum(x * x for x in off)
    row = ", ".join(f"{x / 10:g}" for x in (own, *off))

    def needed(variance: float, target: float) -> int:
        return int(np.ceil(variance / target))

    return NumberExercise(
        id="hessian.samples",
        asks="count",
        value=lambda: needed(100 * variance, own**2),
        mistakes={
            "the diagonal entry itself does not vary: leave it out of the sum": lambda: needed(
                100 * (variance + own**2), own**2
            ),
            "the error falls as one over the root of S: mind the square": lambda: needed(10 * np.sqrt(variance), own),
            "so many make it as small as the entry; a tenth of the entry is asked": lambda: needed(variance, own**2),
        },
        points=1,
        given={"row": [x / 10 for x in (own, *off)]},
        statement=(
            f"The first row of a Hessian is $({row})$. The first entry of Hutchinson's estimate has a standard error "
            "of $\\sqrt{\\sum_{j \\ne 1} H_{1j}^2 / S}$ after $S$ samples. How many samples are needed until that is "
            "at most a tenth of $H_{11}$?"
        ),
        hints=(
            "Which entries of the row are in the sum, and which is not?",
            "Square both sides, and solve for S.",
            "S is at least the sum of squares divided by (H11 / 10)²; round up.",
        ),
    )


# --- what it is good for ---------------------------------------------------------------------------------------------


def _uses(variant: Variant) -> Items:
    return (
        _saliency(variant),
        Prediction(
            id="hessian.guess_pruning",
            form="choice",
            options={
                "magnitude": "The smallest weights, by |w|.",
                "approximate": "The smallest |d| w², with the approximate diagonal d.",
                "same": "It makes no difference that one could see.",
            },
            points=1,
            statement=(
                "A trained network has inputs of very different sizes. A fifth of its weights is set to 0, chosen by "
                "one of two rules. By which of them does the loss grow less?"
            ),
        ),
        Prose(
            id="hessian.good_enough",
            points=4,
            rubric=(
                "1 point: names what the approximation drops, and where (layers below two or more units whose "
                "Hessian is not diagonal). 1 point: reads the pruning plot: approximate and exact rank nearly alike, "
                "magnitude does not. 1 point: reads the plot of the steps, and says that signs are removed and a "
                "constant added, so that only the sizes need to be roughly right. 1 point: a case where it is not "
                "good enough, with a reason (its error itself matters, cross-entropy or many layers, weights used "
                "twice, directions that are not axes)."
            ),
        ),
    )


def _saliency(variant: Variant) -> NumberExercise:
    tasks = [
        (w, d)
        for w in ((-2.4, 0.3, 1.1, -0.9, 1.8), (0.6, 1.8, -0.4, 2.4, -1.5), (1.1, -0.3, -1.8, 0.9, 0.6))
        for d in itertools.permutations((0.05, 0.3, 0.8, 2.5, 6.0))
        if _is_telling(np.array(w), np.array(d))
    ]
    w, d = map(np.array, _pick(tasks, variant, "hessian.saliency"))
    table = "; ".join(f"weight {i}: $w = {w[i]:g}$, $d = {d[i]:g}$" for i in range(5))
    return NumberExercise(
        id="hessian.saliency",
        asks="count",
        value=lambda: np.argmin(d * w**2),
        mistakes={
            "this weight is the smallest, but the loss bends more there": lambda: np.argmin(np.abs(w)),
            "the loss bends least there, but the weight is large": lambda: np.argmin(d),
            "this is the one to be removed last": lambda: np.argmax(d * w**2),
        },
        points=1,
        given={"w": w.tolist(), "d": d.tolist()},
        statement=(
            f"A network is trained; five of its weights and the second derivatives of the loss in them are: {table}. "
            "Which is to be removed first (its number, 0 to 4)?"
        ),
        hints=(
            "How much does the loss grow, to second order, when a weight goes from w to 0?",
            "The first-order term is 0 at a minimum; the second-order one is half of d times the square of the step.",
            "Compute d w² for each; the smallest goes first.",
        ),
    )


def _is_telling(w: Any, d: Any) -> bool:
    """Whether saliency, size and curvature alone each say something else, with no near tie."""
    growth = np.sort(d * w**2)
    first = [np.argmin(d * w**2), np.argmin(np.abs(w)), np.argmin(d), np.argmin(d * np.abs(w))]
    return len(set(first[:3])) == 3 and bool(first[3] != first[0]) and growth[1] > 1.1 * growth[0]
