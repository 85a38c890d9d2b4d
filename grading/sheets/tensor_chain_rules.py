"""Sheet 3, tensor chain rules: what is asked. The statements and solutions stand in its master text.

Sources, by the numbers of the seed sheets: axes of gradients and Jacobians S0-N5, S1-1b.1; contraction S0-3.0; the
chain rule through a vector and through a matrix S0-3.1, S0-3.3; |Wx|^2 and tr(BA) S0-3.2, S0-3.4; vec S1-1b.2. Two of
the sources' lines are exercises themselves: a product that is named after the length of an axis, and a vec whose order
is not said. Conventions: a gradient has the shape of its variable, a Jacobian has the output's axes first, vec goes row
by row, and so do the samples of a batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from grading.answers.bug import BugExercise
from grading.answers.choice import ChoiceExercise
from grading.answers.graph import GraphExercise
from grading.answers.number import NumberExercise
from grading.answers.prediction import Prediction
from grading.answers.table import VALUE, TableExercise, adjoint
from grading.sheets.sheet import Prose, Sheet, Variant
from grading.verify import Exercise
from grading.verify.item import Item

# Sizes are drawn from these: all distinct, and none that could be taken for a factor 1, 2 or 1/2.
_SIZES = (3, 5, 6, 7)

Items = tuple[Item | Prose, ...]


def sheet(variant: Variant) -> Sheet:
    """Jacobians with three and four axes, the contraction that makes gradients of them, vec and its two orders."""
    sizes = tuple(int(size) for size in variant.rng("tensor_chain_rules sizes").permutation(_SIZES))
    return Sheet(
        "Tensor chain rules",
        (
            *_axes(variant),
            *_three_axes(*sizes[:2]),
            *_contraction(*sizes[:2]),
            *_through_a_vector(variant, *sizes[:2]),
            *_four_axes(*sizes[:3]),
            *_price(variant),
            *_vec(*sizes[:2]),
            *_kronecker(*sizes),
            *_letters(*sizes),
        ),
    )


def _normal(**shapes: int | tuple[int, ...]) -> Callable[[np.random.Generator], dict[str, Any]]:
    """Draws arrays of these shapes, entries of both signs."""
    return lambda rng: {name: rng.normal(size=shape) for name, shape in shapes.items()}


def _sizes_of_ones_own(variant: Variant, what: str) -> tuple[int, int, int]:
    """Three different sizes for an exercise on paper."""
    p, m, n = (int(size) for size in variant.own_rng(what).permutation([3, 5, 6, 7, 8, 9])[:3])
    return p, m, n


def _axes(variant: Variant) -> Items:
    p, m, n = _sizes_of_ones_own(variant, "tensor.shapes")
    return (
        Prediction(id="tensor.axes_guess", form="shape", points=1),
        NumberExercise(
            id="tensor.shapes",
            asks="shape",
            value=lambda: (p, n, m, n),
            mistakes={
                "these are the axes of the input first; the output's come first": lambda: (m, n, p, n),
                "this is the shape of the input; a gradient has it, and the output here is no number": lambda: (m, n),
                "this is the shape of the output; every entry of it has a derivative in every entry of A": lambda: (
                    p,
                    n,
                ),
                "the first two axes are those of B; they should be those of Y": lambda: (p, m, m, n),
                "these are matrices of vecs; nothing has been flattened here": lambda: (p * n, m * n),
            },
            given={"B": [p, m], "A": [m, n]},
            points=2,
            statement=(
                f"Let $B$ be ${p} \\times {m}$, let $A$ be ${m} \\times {n}$, and $Y = B A$. "
                "What is the shape of the Jacobian of $Y$ in $A$? Answer with a tuple of whole numbers."
            ),
            hints=(
                "Which shape has the output? Which has the input?",
                "The axes of the output first, then those of the input.",
                "Four numbers: the rows and columns of B A, then the rows and columns of A.",
            ),
        ),
    )


def _three_axes(m: int, n: int) -> Items:
    return (
        Exercise(
            id="tensor.affine",
            function=lambda xp, W, x, b: W @ x + b,
            inputs=_normal(W=(m, n), x=n, b=m),
            wrt=("W",),
            asks="jacobian",
            points=2,
            hints=(
                "Write y[i] as a sum over the entries of W. Which row of W is in it?",
                "The derivative of y[i] in W[j, k] is 0 unless j is i. What is it then?",
                "δ_ij x_k: np.eye(len(W)) has the first two axes, x the third.",
            ),
        ),
        Exercise(
            id="tensor.gram",
            function=lambda xp, W, x: W.T @ (W @ x),
            inputs=_normal(W=(m, n), x=n),
            wrt=("W",),
            asks="jacobian",
            points=3,
            hints=(
                "W stands there twice: two contributions, which are added.",
                "Hold the second W: that is the worked example, with u = W x. Hold the first: that is tensor.affine.",
                "The entry (i, j, k) is δ_ik (Wx)_j + W_ji x_k.",
            ),
        ),
    )


def _contraction(m: int, n: int) -> Items:
    return (
        Exercise(
            id="tensor.by_name",
            function=lambda xp, e, J: xp.einsum("o,roc->rc", e, J),
            inputs=_normal(e=m, J=(m, m, n)),
            asks="value",
            points=2,
            sizes_fixed="two axes of one length are what the exercise is about",
            hints=(
                "Which axis of J is called like the axis of e?",
                "Sum over the second axis of J; the first has the same length and is not meant.",
                'contract(e, "out", J, ..., over="out"), with the three names of J in their order.',
            ),
        ),
        ChoiceExercise(
            id="tensor.print_lengths",
            options={
                "order": "The factors must be exchanged: the Jacobian stands on the left.",
                "name": "A length does not name an axis: what is summed over has to be an index of $y$.",
                "more": "The sum must go over $d_1$ and $d_2$ as well.",
                "fine": "Nothing: the line is right as it stands.",
            },
            points=2,
            hints=(
                "Compare the two lines: what stands below the × in each?",
                "Which axes of T may be meant, if T is 5 × 5 × 3?",
                "In one line an index stands below the ×, in the other a number.",
            ),
        ),
    )


def _through_a_vector(variant: Variant, m: int, n: int) -> Items:
    return (
        Prose(
            id="tensor.chain_rule",
            points=4,
            rubric=(
                "1 point: starts from the derivative of L in one entry W_jk and says that L depends on it through "
                "every y_i (or Y_ij). 1 point: the chain rule for one number as a sum over i. 1 point: recognises "
                "entry (j, k) of the contraction over the named index, and that the axes that remain are those of W. "
                "1 point: the case of a matrix Y, with a sum over both of its indices; nothing else changes."
            ),
        ),
        Exercise(
            id="tensor.square_norm",
            function=lambda xp, W, x: xp.sum((W @ x) ** 2),
            inputs=_normal(W=(m, n), x=n),
            wrt=("W",),
            points=2,
            hints=(
                "Two derivatives: that of the squared length in y, and that of y in W, from tensor.affine.",
                "Contract 2 y with δ_ij x_k over i. What does the δ do to a sum over i?",
                "The sum leaves 2 y_j x_k, an outer product.",
            ),
        ),
        _square_norm_table(variant),
        GraphExercise(
            "tensor.gradient_graph",
            _loss_and_gradient,
            _normal(W=(m, n), x=n),
            outputs=("L", "dW"),
            steps={"y": "W @ x", "L": "sum(y ** 2)", "g": "2 * y", "dW": "outer(g, x)"},
            points=3,
            hints=(
                "Four steps: two of the computation, two of the gradient.",
                "The gradient in y is a node, and so is the gradient in W; each is made of nodes that are there.",
                "dW is outer(g, x), and g is twice y.",
            ),
        ),
    )


def _loss_and_gradient(xp: Any, W: Any, x: Any) -> Any:
    y = W @ x
    return xp.sum(y**2), (2 * y)[:, None] * x


def _square_norm_table(variant: Variant) -> TableExercise:
    """|Wx|^2 entry by entry: six weights row by row, three inputs that are held."""
    numbers = _table_of_ones_own(variant)
    given = dict(zip(("w00", "w01", "w02", "w10", "w11", "w12", "x0", "x1", "x2"), numbers, strict=True))
    w, x = numbers[:6], numbers[6:]
    return TableExercise(
        id="tensor.square_norm_table",
        given=given,
        rows={
            "v0": lambda w00: w00,
            "v1": lambda w01: w01,
            "v2": lambda w02: w02,
            "v3": lambda w10: w10,
            "v4": lambda w11: w11,
            "v5": lambda w12: w12,
            "y0": lambda v0, v1, v2, x0, x1, x2: v0 * x0 + v1 * x1 + v2 * x2,
            "y1": lambda v3, v4, v5, x0, x1, x2: v3 * x0 + v4 * x1 + v5 * x2,
            "L": lambda y0, y1: y0**2 + y1**2,
        },
        columns={"value": VALUE, "adjoint": adjoint("L")},
        decimals=2,
        points=4.5,
        statement=(
            f"$W = \\begin{{pmatrix}} {w[0]:g} & {w[1]:g} & {w[2]:g} \\\\ {w[3]:g} & {w[4]:g} & {w[5]:g} "
            f"\\end{{pmatrix}}$ and $x = ({x[0]:g}, {x[1]:g}, {x[2]:g})$. Fill in the values and the adjoints of "
            "$L = \\lVert Wx \\rVert^2$; $v_0, \\dots, v_5$ are the entries of $W$, row by row, and $x$ is held."
        ),
        hints=(
            "The values from top to bottom, then the adjoints from bottom to top: that of L is 1.",
            "Each entry of W is used once, in one entry of y.",
            "The adjoint of y0 is 2 y0; that of v1 is it times x1.",
        ),
    )


def _table_of_ones_own(variant: Variant) -> tuple[float, ...]:
    """Six weights and three inputs such that no adjoint of the table has the size of another number in it."""
    rng = variant.own_rng("tensor.square_norm_table")
    while True:
        w, x = rng.permutation([-3, -2, -1, 2, 3, 4]).reshape(2, 3), rng.permutation([-2.5, -0.5, 1.5, 3.5])[:3]
        y = w @ x
        sizes = np.abs([*np.ravel(np.outer(2 * y, x)), *(2 * y), *y, y @ y, *x, *range(5)])
        if len(set(sizes)) == sizes.size and y @ y < 300:
            return tuple(float(number) for number in (*np.ravel(w), *x))


def _four_axes(p: int, m: int, n: int) -> Items:
    return (
        ChoiceExercise(
            id="tensor.four_axes",
            statement=(
                "$A$ and $Y = BA$ are matrices, and $L = \\operatorname{tr} Y$. Somebody says: *the derivative of a "
                "matrix in a matrix has four axes, so the program that gave me a gradient of the shape of $A$ is "
                "wrong.* What do you answer?"
            ),
            options={
                "lost": "Right. The program summed over two axes that should have been kept.",
                "two": "There are two derivatives. That of $Y$ has 2 + 2 axes, that of the number $L$ has 0 + 2.",
                "matrix": "No derivative here has four axes: that of $BA$ in $A$ is the matrix $B^\\top$.",
                "flat": "It depends on whether $A$ was flattened; with `vec` the gradient would have one axis more.",
            },
            points=2,
            hints=(
                "Which output, which input? Ask that of each of the two derivatives that are spoken of.",
                "The number of axes is that of the output plus that of the input.",
                "A number has no axes.",
            ),
        ),
        Exercise(
            id="tensor.product",
            function=lambda xp, B, A: B @ A,
            inputs=_normal(B=(p, m), A=(m, n)),
            wrt=("A",),
            asks="jacobian",
            points=3,
            hints=(
                "Write Y[i, j] as a sum. Which column of A is in it?",
                "The derivative of Y[i, j] in A[k, l] is 0 unless l is j. What is it then?",
                "B_ik δ_jl: two matrices without a common index, in the order i j k l.",
            ),
        ),
        Exercise(
            id="tensor.trace",
            function=lambda xp, B, A: xp.sum((B @ A) * xp.eye(n)),
            inputs=_normal(B=(n, m), A=(m, n)),
            wrt=("A",),
            points=2,
            hints=(
                "The trace takes the matrix Y = B A to a number: what is its derivative in Y[i, j]?",
                "Contract δ_ij with B_ik δ_jl over i and j.",
                "B_lk is left, in row k and column l: which matrix is that?",
            ),
        ),
        Exercise(
            id="tensor.quadratic",
            function=lambda xp, S, A: xp.sum(A * (S @ A)),
            inputs=lambda rng: _square(rng, n),
            wrt=("A",),
            points=3,
            sizes_fixed="S stands between a matrix and its own transpose",
            hints=(
                "A stands there twice: two contributions, which are added.",
                "Hold one of the two and use tensor.trace; tr(XY) = tr(YX) brings it to the right place.",
                "One contribution is S A. The other has the transpose of S.",
            ),
        ),
    )


def _square(rng: np.random.Generator, n: int) -> dict[str, Any]:
    """A square matrix of any size beside one that it multiplies."""
    m = int(rng.choice([size for size in _SIZES if size != n]))
    return _normal(S=(m, m), A=(m, n))(rng)


def _price(variant: Variant) -> Items:
    p, m, n = _sizes_of_ones_own(variant, "tensor.nonzeros")
    return (
        NumberExercise(
            id="tensor.nonzeros",
            asks="count",
            value=lambda: p * m * n,
            mistakes={
                "these are all entries, with the zeros": lambda: p * n * m * n,
                "these are the entries of B; each of them stands in the Jacobian more than once": lambda: p * m,
                "these are the entries of A": lambda: m * n,
                "these are the entries of Y; each of them depends on more than one entry of A": lambda: p * n,
            },
            given={"B": [p, m], "A": [m, n]},
            points=1,
            statement=(
                f"Let $B$ be ${p} \\times {m}$ without zeros, let $A$ be ${m} \\times {n}$, and $Y = B A$. "
                "How many entries of the Jacobian of $Y$ in $A$ are not zero?"
            ),
            hints=(
                "Which entries has B_ik δ_jl at all?",
                "How many i, j and k are there? And then how many l for which it is not zero?",
                "Rows of B times columns of B times columns of A.",
            ),
        ),
        Prediction(id="tensor.doubling", form="count", points=1),
    )


_UNVEC = """
def gradient(W, x):
    m, n = W.shape
    w = W.reshape(m * n)
    J = np.kron(np.eye(m), x)
    y = J @ w
    row = 2 * y @ J
    return row.reshape(n, m).T
"""


def _vec(m: int, n: int) -> Items:
    return (
        Exercise(
            id="tensor.vec_row",
            function=lambda xp, w, x: xp.reshape(w, (-1, x.shape[0])) @ x,
            inputs=_normal(w=m * n, x=n),
            wrt=("w",),
            asks="jacobian",
            points=2,
            hints=(
                "Which entries of w make row i of W?",
                "Row i of the Jacobian has x at the places of row i of W and 0 elsewhere.",
                "Blocks on a diagonal: np.kron of an identity and x.",
            ),
        ),
        Exercise(
            id="tensor.vec_column",
            function=lambda xp, w, x: xp.reshape(w, (x.shape[0], -1)).T @ x,
            inputs=_normal(w=m * n, x=n),
            wrt=("w",),
            asks="jacobian",
            points=2,
            hints=(
                "Which entries of w make column k of W?",
                "The block of columns that belongs to column k of W is x_k times an identity.",
                "The same two factors as in tensor.vec_row, in the other order.",
            ),
        ),
        BugExercise(
            Exercise(
                id="tensor.unvec_bug",
                function=lambda xp, W, x: xp.sum((W @ x) ** 2),
                inputs=_normal(W=(m, n), x=n),
                wrt=("W",),
                statement=(
                    "This is to return the gradient of $\\lVert Wx \\rVert^2$ in $W$, by way of vec. "
                    "One line is wrong; the others are right, and fit together."
                ),
                points=4,
                hints=(
                    "Say for each line what shape its result has, and in which order its entries stand.",
                    "W was taken apart row by row. How is the result put together?",
                    "Column by column: that undoes the other vec.",
                ),
            ),
            code=_UNVEC,
        ),
        Prose(
            id="tensor.print_vec",
            points=3,
            rubric=(
                "1 point: the order of vec is not said, and there are two. 1 point: what comes of it, with an example: "
                "the Jacobian of Wx is I⊗xᵀ for one order and xᵀ⊗I for the other, or a gradient put together in the "
                "other order is another matrix. 1 point: a mended line that says the order and that it is the same "
                "both ways; and that either order is right (the gradient does not depend on it)."
            ),
        ),
    )


def _kronecker(p: int, q: int, r: int, s: int) -> Items:
    return (
        Exercise(
            id="tensor.sandwich_matrix",
            function=lambda xp, A, B, v: xp.reshape(A @ xp.reshape(v, (A.shape[1], B.shape[0])) @ B, (-1,)),
            inputs=_normal(A=(p, q), B=(r, s), v=q * r),
            wrt=("v",),
            asks="jacobian",
            points=2,
            hints=(
                "First the Jacobian with four axes: the derivative of Y[i, l] in X[j, k].",
                "It is A_ij B_kl. Which of the two factors has the output's second index in front?",
                "np.kron(C, D) has C_ij D_lk in row (i, l) and column (j, k): C is A, and D_lk is B_kl.",
            ),
        ),
        Exercise(
            id="tensor.sandwich",
            function=lambda xp, A, X, B: A @ X @ B,
            inputs=_normal(A=(p, q), X=(q, r), B=(r, s)),
            wrt=("X",),
            asks="vjp",
            points=2,
            hints=(
                "Contract G_il with A_ij B_kl over i and l.",
                "The sum over i is a product with A, the sum over l one with B. On which sides, which transposed?",
                "The shapes leave one way to write it: (q × p)(p × s)(s × r).",
            ),
        ),
    )


def _letters(batch: int, inner: int, outer: int, other: int) -> Items:
    def draw(rng: np.random.Generator) -> dict[str, Any]:
        return {
            "X": rng.normal(size=(batch, inner)),
            "W": rng.normal(size=(inner, outer)) / math.sqrt(inner),
            "target": rng.normal(size=(batch, outer)),
        }

    return (
        Exercise(
            id="tensor.batch_layer",
            function=lambda xp, X, W, target: 0.5 * xp.sum((xp.tanh(X @ W) - target) ** 2),
            inputs=draw,
            wrt=("W",),
            points=3,
            hints=(
                "Name the axes: X has sample and in, W has in and out, Y has sample and out.",
                "Back through the loss, then through tanh entry by entry; then over which name is there a sum?",
                "Over the samples: that is Xᵀ times the error at the pre-activations.",
            ),
        ),
        Exercise(
            id="tensor.bilinear",
            function=lambda xp, T, x, z: xp.einsum("oij,i,j->o", T, x, z),
            inputs=_normal(T=(outer, inner, other), x=inner, z=other),
            wrt=("T", "x", "z"),
            asks="vjp",
            points=3,
            hints=(
                "Three gradients, one with three axes. Which letters has each?",
                "The cotangent has the letter o. Exchange it with the operand that you differentiate in.",
                'The first is np.einsum("o,i,j->oij", g, x, z).',
            ),
        ),
    )
