# %% [markdown]
# # Sheet 3: tensor chain rules
#
# The weights of a layer are a matrix, its output is a vector or, for a batch, a matrix. What is the derivative of a
# matrix in a matrix? On this sheet you count its axes, write it down entry by entry, sum it away again, and see why no
# program ever stores it. Plan 120 to 150 minutes; sections 7 to 9 can wait for a second sitting.
#
# **After this sheet you can**
#
# 1. say how many axes a derivative has, and in which order (`tensor.axes_guess`, `tensor.shapes`, `tensor.four_axes`);
# 2. write down Jacobians with three and four axes, entry by entry (`tensor.affine`, `tensor.gram`, `tensor.product`);
# 3. sum over named axes, and find a line in print that names them badly (`tensor.by_name`, `tensor.print_lengths`);
# 4. derive the chain rule for vectors and matrices in between, and use it (`tensor.chain_rule`, `tensor.square_norm`,
#    `tensor.square_norm_table`, `tensor.gradient_graph`, `tensor.trace`, `tensor.quadratic`);
# 5. say what a Jacobian with four axes costs and how few of its entries matter (`tensor.nonzeros`, `tensor.doubling`);
# 6. flatten a matrix in either order and get back (`tensor.vec_row`, `tensor.vec_column`, `tensor.unvec_bug`,
#    `tensor.print_vec`);
# 7. see Kronecker products behind linear maps of matrices (`tensor.sandwich_matrix`, `tensor.sandwich`);
# 8. differentiate whatever `einsum` can write (`tensor.batch_layer`, `tensor.bilinear`).
#
# `check` compares as often as you like, `hint("tensor.gram", 1)` to `3` help and cost nothing, `progress()` at the end
# says what is done. Before some cells you are asked to predict what they show: a prediction counts for being made, not
# for coming true.
#
# **The convention of the course.** A gradient has the shape of its variable. A Jacobian has the axes of the output
# first, then those of the input. Counting starts at 0, as in Python.

# %% setup=true
import numpy as np

from grading.notebook import check, compare, hint, open_sheet, picture, practice, predict, progress, reveal, show

open_sheet("03_tensor_chain_rules")

# %% [markdown]
# One more cell to run: it draws a Jacobian as tiles. There is no need to read it.

# %%
import matplotlib.pyplot as plt

import autodiff
from autodiff import contract


def heat(axis, matrix, largest):
    """A matrix as coloured squares with its numbers: red is positive, blue negative."""
    axis.imshow(matrix, cmap="RdBu_r", vmin=-2 * largest, vmax=2 * largest)
    for (row, column), entry in np.ndenumerate(matrix):
        axis.text(column, row, f"{entry:g}", ha="center", va="center", color="0.6" if entry == 0 else "black")
    axis.set(xticks=[], yticks=[])


def tiles(J, output, alt):
    """One tile per entry of the output; each has the shape of the input, and is the gradient of that entry."""
    grid = J if J.ndim == 4 else J[None]
    (rows, columns), (height, width) = grid.shape[:2], grid.shape[2:]
    size = (0.42 * (width + 0.7) * columns, 0.42 * (height + 0.9) * rows)
    figure, axes = plt.subplots(rows, columns, squeeze=False, figsize=size, layout="constrained")
    for (row, column), axis in np.ndenumerate(axes):
        heat(axis, grid[row, column], np.abs(J).max())
        axis.set_title(f"{output}[{row}, {column}]" if J.ndim == 4 else f"{output}[{column}]", fontsize=9)
    return picture(figure, alt=alt)


# %% [markdown]
# ## 1. How many axes has a derivative?
#
# ### Exercise `tensor.axes_guess` (1 point, a prediction)
#
# `W` is 3 × 5 and `X` is 5 × 7. What shape will the Jacobian of `W @ X` in `W` have? Write down what you expect, as a
# tuple; then run the cells.

# %% answer="tensor.axes_guess"
axes_guess = None
### BEGIN SOLUTION
axes_guess = (3, 7, 3, 5)
### END SOLUTION

# %% check="tensor.axes_guess"
predict("tensor.axes_guess", axes_guess)

# %%
X = np.ones((5, 7))
reveal("tensor.axes_guess", autodiff.jacobian(lambda W: W @ X)(np.ones((3, 5))))

# %% [markdown]
# Every entry of the output has a derivative in every entry of the input. To find it again, one needs the indices of
# both. So the Jacobian of $y$ in $x$ has **the axes of $y$ followed by the axes of $x$**:
#
# | output | input | Jacobian | example |
# |---|---|---|---|
# | number | vector, $n$ | $n$ | a gradient |
# | number | matrix, $m \times n$ | $m \times n$ | the gradient of a loss in weights |
# | vector, $p$ | vector, $n$ | $p \times n$ | the matrix of sheet 1 |
# | vector, $p$ | matrix, $m \times n$ | $p \times m \times n$ | $Wx + b$ in $W$ |
# | matrix, $p \times q$ | matrix, $m \times n$ | $p \times q \times m \times n$ | $WX$ in $W$ |
#
# That is the whole rule. A number has no axes, and so "a gradient has the shape of its variable" is its first case.
#
# In numbers, for a matrix $W$ of shape 3 × 5:

# %%
W, x, X = np.ones((3, 5)), np.ones(5), np.ones((5, 7))
for what, f in {"sum of W": np.sum, "W x": lambda W: W @ x, "W X": lambda W: W @ X}.items():
    print(f"{what:>8}: output {np.shape(f(W))}, input {W.shape}, Jacobian {autodiff.jacobian(f)(W).shape}")

# %% [markdown]
# A warning for when you read elsewhere: many texts keep the gradient of a number in a *vector* as a row, $1 \times n$,
# and in the same breath the gradient in a *matrix* in the shape of the matrix. For a matrix with one column the two
# habits contradict each other: is it $1 \times n$ or $n \times 1$? Here nothing has to be remembered: it is the shape
# of the variable.
#
# ### Exercise `tensor.shapes` (2 points)

# %% show="tensor.shapes"
task = show("tensor.shapes")
task

# %% answer="tensor.shapes"
shapes = None
### BEGIN SOLUTION
(p, _), (m, n) = task.given["B"], task.given["A"]
shapes = (p, n, m, n)
### END SOLUTION

# %% check="tensor.shapes"
check("tensor.shapes", shapes)

# %% attempt="tensor.shapes" expect="right"
B, A = (np.zeros(task.given[name]) for name in "BA")
shapes = [*(B @ A).shape, *A.shape]

# %% attempt="tensor.shapes" expect="wrong" cause="a known mistake"
(p, _), (m, n) = task.given["B"], task.given["A"]
shapes = (m, n, p, n)

# %% attempt="tensor.shapes" expect="wrong" cause="a known mistake"
shapes = tuple(task.given["A"])

# %% attempt="tensor.shapes" expect="wrong" cause="a known mistake"
(p, m), (_, n) = task.given["B"], task.given["A"]
shapes = (p, m, m, n)

# %% attempt="tensor.shapes" expect="wrong" cause="a known mistake"
(p, _), (m, n) = task.given["B"], task.given["A"]
shapes = (p * n, m * n)

# %% [markdown]
# ## 2. Entry by entry: Jacobians with three axes
#
# Nobody has to picture a cube. **Write one entry of the output as a sum, and differentiate it in one entry of the
# input.** The symbol $\delta_{ik}$ is 1 if $i = k$ and 0 otherwise; as an array it is the identity matrix, `np.eye`.
#
# **Example.** $y = W^\top u$ with a matrix $W$ and a vector $u$, which is held:
#
# $$ y_i = \sum_j W_{ji}\, u_j, \qquad T_{ijk} = \frac{\partial y_i}{\partial W_{jk}} = u_j\, \delta_{ik}. $$
#
# Only column $i$ of $W$ goes into $y_i$; that is what $\delta_{ik}$ says. With numbers, and beside it what the course's
# own package finds from the function alone:

# %%
W = np.array([[1.0, 0.0, 2.0], [3.0, -1.0, 1.0]])
u = np.array([2.0, -1.0])
by_hand = np.einsum("j,ik->ijk", u, np.eye(3))
T = autodiff.jacobian(lambda W: W.T @ u)(W)
print("y =", W.T @ u, "  shape of T:", T.shape, "  equal:", np.array_equal(by_hand, T))

# %% [markdown]
# `np.einsum("j,ik->ijk", u, np.eye(3))` is the formula in letters: behind the arrow stand the indices of the result, in
# front of it those of the factors. Where a letter is missing behind the arrow, it is summed over. As a picture, $T$ is
# one tile per entry of $y$, each of the shape of $W$: **the gradients of $y_0$, $y_1$ and $y_2$ side by side.**

# %%
tiles(
    T,
    "y",
    alt="Three tiles of two rows and three columns, for y[0], y[1] and y[2]. "
    "Tile i has u = (2, -1) in its column i and 0 elsewhere.",
)

# %% [markdown]
# ### Exercise `tensor.affine` (2 points)
#
# For a layer without activation, $y = Wx + b$, return the Jacobian of $y$ in $W$: an array with three axes.


# %% answer="tensor.affine"
def affine(W, x, b):
    ### BEGIN SOLUTION
    return np.einsum("ij,k->ijk", np.eye(len(W)), x)
    ### END SOLUTION


# %% check="tensor.affine"
check("tensor.affine", affine)


# %% attempt="tensor.affine" expect="right"
def affine(W, x, b):
    rows, columns = W.shape
    T = np.zeros((rows, rows, columns))
    for i in range(rows):
        T[i, i] = x
    return T


# %% attempt="tensor.affine" expect="right"
def affine(W, x, b):
    return np.kron(np.eye(len(W)), x).reshape(len(W), *W.shape)


# %% attempt="tensor.affine" expect="wrong" cause="summed too much"
def affine(W, x, b):
    return np.ones((len(W), len(W), 1)) * x


# %% attempt="tensor.affine" expect="wrong" cause="axes permuted"
def affine(W, x, b):
    return np.einsum("ij,k->kij", np.eye(len(W)), x)


# %% attempt="tensor.affine" expect="wrong" cause="shape that only broadcasts"
def affine(W, x, b):
    return np.kron(np.eye(len(W)), x)


# %% [markdown]
# ### Exercise `tensor.gram` (3 points)
#
# Now $W$ is used twice: $y = W^\top (W x)$. Return the Jacobian of $y$ in $W$. Contributions add, as on sheet 1: hold
# one $W$, then the other. If you are stuck:

# %%
hint("tensor.gram", 1)


# %% answer="tensor.gram"
def gram(W, x):
    ### BEGIN SOLUTION
    first = np.einsum("j,ik->ijk", W @ x, np.eye(W.shape[1]))
    second = np.einsum("ji,k->ijk", W, x)
    return first + second
    ### END SOLUTION


# %% check="tensor.gram"
check("tensor.gram", gram)


# %% attempt="tensor.gram" expect="right"
def gram(W, x):
    rows, columns = W.shape
    T = np.zeros((columns, rows, columns))
    for i in range(columns):
        T[i, :, i] = W @ x
        T[i] += np.outer(W[:, i], x)
    return T


# %% attempt="tensor.gram" expect="wrong" cause="a path or term dropped"
def gram(W, x):
    return np.einsum("j,ik->ijk", W @ x, np.eye(W.shape[1]))


# %% attempt="tensor.gram" expect="wrong" cause="a path or term dropped"
def gram(W, x):
    return np.einsum("ji,k->ijk", W, x)


# %% attempt="tensor.gram" expect="wrong" cause="a path or term dropped"
def gram(W, x):
    return 2 * np.einsum("ji,k->ijk", W, x)


# %% attempt="tensor.gram" expect="wrong" cause="axes permuted"
def gram(W, x):
    T = np.einsum("j,ik->ijk", W @ x, np.eye(W.shape[1])) + np.einsum("ji,k->ijk", W, x)
    return T.transpose(1, 2, 0)


# %% [markdown]
# ## 3. Contraction: a sum over axes that have names
#
# A product of matrices sums over one index that both have: $(PQ)_{ik} = \sum_j P_{ij} Q_{jk}$. With more axes nothing
# changes, except that one has to say **which** axes are summed over. Let $P$ have the axes $i \dots j \dots$ and $Q$
# the axes $j \dots k \dots$; then
#
# $$ (P \times_{j \dots} Q)_{i \dots k \dots} = \sum_{j \dots} P_{i \dots j \dots}\, Q_{j \dots k \dots}. $$
#
# The axes that are summed over vanish; the others of $P$, then the others of $Q$ remain. $P$ may have no others at all,
# and the sum may go over no axis; then it is an outer product. In the course's package axes have names, which may be
# words:

# %%
P, Q = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0]]), np.array([5.0, 1.0, 2.0])
print("over one axis:", contract(P, "row column", Q, "column", over="column"), "= P @ Q")
print("over two axes:", contract(P, "row column", P, "row column", over="row column"), "= np.sum(P * P)")
print("over none has the shape", contract(P, "row column", Q, "other", over="").shape)

# %% [markdown]
# `np.einsum` does the same with letters, and `np.tensordot` with the numbers of the axes.
#
# **A length is not a name.** Two axes of equal length are two axes. Here is an array of shape 3 × 3 × 2 with the axes
# `i` (which tile), `j` (which row) and `k` (which column), and weights for an axis of length 3:

# %%
cube = np.array([[[1, 0], [2, 0], [3, 0]], [[0, 5], [0, 6], [0, 7]], [[1, -1], [1, -1], [1, -1]]])
weights = np.array([1, 2, -1])
tiles(
    cube,
    "cube",
    alt="Three tiles of three rows and two columns. Rows of the first: (1, 0), (2, 0), (3, 0); "
    "of the second: (0, 5), (0, 6), (0, 7); of the third: three times (1, -1).",
)

# %%
print("over i, tiles are added up:\n", contract(weights, "i", cube, "i j k", over="i"))
print("over j, the rows of each tile are added up:\n", contract(weights, "j", cube, "i j k", over="j"))

# %% [markdown]
# Both sums run over an axis of length 3, both results have the shape 3 × 2, and they are different.
#
# ### Exercise `tensor.by_name` (2 points)
#
# A program hands you an error `e` with one axis, `out`, and a Jacobian `J` whose axes it calls `row`, `out`, `column`,
# in this order. As it happens, `row` and `out` are equally long. Return the contraction over `out`. You may use
# `contract`, `np.einsum` or `np.tensordot`.


# %% answer="tensor.by_name"
def by_name(e, J):
    ### BEGIN SOLUTION
    return contract(e, "out", J, "row out column", over="out")
    ### END SOLUTION


# %% check="tensor.by_name"
check("tensor.by_name", by_name)


# %% attempt="tensor.by_name" expect="right"
def by_name(e, J):
    return np.tensordot(e, J, (0, 1))


# %% attempt="tensor.by_name" expect="right"
def by_name(e, J):
    return e @ J


# %% attempt="tensor.by_name" expect="wrong" unnamed="the other axis of that length"
def by_name(e, J):
    return np.einsum("i,ijk->jk", e, J)


# %% attempt="tensor.by_name" expect="wrong" cause="summed too much"
def by_name(e, J):
    return np.einsum("o,roc->r", e, J)


# %% attempt="tensor.by_name" expect="wrong" cause="transposed"
def by_name(e, J):
    return np.einsum("o,roc->cr", e, J)


# %% attempt="tensor.by_name" expect="wrong" cause="not summed"
def by_name(e, J):
    return np.einsum("o,roc->roc", e, J)


# %% [markdown]
# ### Find the error in print: `tensor.print_lengths` (2 points)
#
# A published exercise defines, for tensors $P$ and $Q$, the product $P \times_{j_1, \dots, j_b} Q$ as the sum over the
# indices $j_1, \dots, j_b$, as above. It then takes $y(W)$ with $W \in \mathbb{R}^{d_1 \times d_2}$, $y \in
# \mathbb{R}^{d_3}$, the tensor $T_{ijk} = \partial y_i / \partial W_{jk}$ of shape $d_3 \times d_1 \times d_2$, and a
# number $L(y)$, and prints
#
# $$ \frac{\partial L}{\partial W} = \frac{\partial L}{\partial y} \times_{d_3} \frac{\partial y}{\partial W}. $$
#
# What is wrong with this line? For $y = Wx$, by the way, $d_3 = d_1$.
#
# - **order**: the factors must be exchanged: the Jacobian stands on the left.
# - **name**: a length does not name an axis: what is summed over has to be an index of $y$.
# - **more**: the sum must go over $d_1$ and $d_2$ as well.
# - **fine**: nothing: the line is right as it stands.

# %% answer="tensor.print_lengths"
print_lengths = None
### BEGIN SOLUTION
print_lengths = "name"
### END SOLUTION

# %% check="tensor.print_lengths"
check("tensor.print_lengths", print_lengths)

# %% attempt="tensor.print_lengths" expect="right"
print_lengths = ["(Name)"]

# %% attempt="tensor.print_lengths" expect="wrong" because="The axis of y is last on the left and first on the right."
print_lengths = "order"

# %% attempt="tensor.print_lengths" expect="wrong" because="Those axes are W's, and the gradient keeps them."
print_lengths = "more"

# %% attempt="tensor.print_lengths" expect="wrong" because="By the definition an index belongs below the ×, no length."
print_lengths = "fine"

# %% [markdown]
# Why be so strict about a small sign? The cell with `cube` shows it: a sum over an axis that was not meant can have the
# right shape and wrong numbers, and then no test of shapes finds it.
#
# ## 4. Through a vector
#
# Let $W \mapsto y(W) \mapsto L(y)$ with a vector $y$ and a number $L$. Once more in tiles: the gradient of $L$ in $W$
# is **the sum of the tiles, each weighted by $\partial L / \partial y_i$.**
#
# **Example.** As before $y = W^\top u$, and $L = \tfrac12 \sum_i y_i^2$, so that $\partial L/\partial y = y$.

# %%
y = W.T @ u
gradient = contract(y, "i", T, "i j k", over="i")
print("weights y =", y)
print("weighted sum of the tiles:\n", gradient)
print("autodiff's gradient:\n", autodiff.grad(lambda W: np.sum((W.T @ u) ** 2) / 2)(W))

# %%
figure, axes = plt.subplots(1, 4, figsize=(6.6, 1.1), layout="constrained")
largest = np.abs(gradient).max()
for i, axis in enumerate(axes[:3]):
    heat(axis, y[i] * T[i] + 0.0, largest)
    axis.set_title(f"{y[i]:g} · tile {i}", fontsize=9)
    axis.text(1.25, 0.5, "+" if i < 2 else "=", transform=axis.transAxes, ha="center", va="center")
heat(axes[3], gradient, largest)
axes[3].set_title("gradient in W", fontsize=9)
picture(figure, alt="The three tiles, times -1, 1 and 3; their sum is the gradient of L in W.")

# %% [markdown]
# Beware of one more habit. If $\partial L / \partial y$ is kept as a row, $1 \times m$, as many texts do, that axis of
# length 1 survives the contraction, and the "gradient" has an axis too many, which a step of gradient descent hands on
# to the weights:

# %%
row = y[None, :]
too_many = contract(row, "one i", T, "i j k", over="i")
print("gradient:", too_many.shape, " W:", W.shape, " W after a step:", (W - 0.1 * too_many).shape)

# %% [markdown]
# ### Exercise `tensor.chain_rule` (4 points, in words)
#
# Show that $\partial L/\partial W$ is the contraction of $\partial L/\partial y$ with the Jacobian $\partial y/\partial
# W$: first for a vector $y$, over its index $i$; then for a matrix $Y$, over its indices $i$ and $j$. Start from the
# derivative of $L$ in one entry of $W$.

# %% [markdown] prose="tensor.chain_rule"
# ### BEGIN SOLUTION
# Fix one entry $W_{jk}$ and let it alone move. Every $y_i$ may depend on it, and $L$ depends on it through all of them
# and in no other way. So by the chain rule for numbers the contributions add:
#
# $$ \frac{\partial L}{\partial W_{jk}} = \sum_i \frac{\partial L}{\partial y_i}\, \frac{\partial y_i}{\partial W_{jk}}
# = \sum_i \frac{\partial L}{\partial y_i}\, T_{ijk}. $$
#
# The right-hand side is the entry $(j, k)$ of the contraction over the index $i$ of $y$. What remains are the axes of
# $W$: the gradient has the shape of $W$.
#
# For a matrix $Y$ only the way of counting its entries changes. With $T_{ijkl} = \partial Y_{ij} / \partial W_{kl}$,
#
# $$ \frac{\partial L}{\partial W_{kl}} = \sum_{i} \sum_{j} \frac{\partial L}{\partial Y_{ij}}\, T_{ijkl}, $$
#
# which is the contraction over both indices of $Y$.
# ### END SOLUTION

# %% [markdown]
# ### Exercise `tensor.square_norm` (2 points)
#
# Let $L = \lVert y \rVert^2$ with $y = Wx$. Contract the derivative of $L$ in $y$ with your Jacobian from
# `tensor.affine`, on paper: what does $\delta_{ij}$ do to the sum? Return the gradient of $L$ in $W$, without any array
# of three axes.


# %% answer="tensor.square_norm"
def square_norm(W, x):
    ### BEGIN SOLUTION
    return np.outer(2 * (W @ x), x)
    ### END SOLUTION


# %% check="tensor.square_norm"
check("tensor.square_norm", square_norm)


# %% attempt="tensor.square_norm" expect="right"
def square_norm(W, x):
    T = np.einsum("ij,k->ijk", np.eye(len(W)), x)
    return contract(2 * W @ x, "i", T, "i j k", over="i")


# %% attempt="tensor.square_norm" expect="right"
def square_norm(W, x):
    return 2 * W @ x[:, None] @ x[None, :]


# %% attempt="tensor.square_norm" expect="wrong" cause="factor 2 missing"
def square_norm(W, x):
    return np.outer(W @ x, x)


# %% attempt="tensor.square_norm" expect="wrong" cause="transposed"
def square_norm(W, x):
    return 2 * np.outer(x, W @ x)


# %% attempt="tensor.square_norm" expect="wrong" cause="inner derivative forgotten"
def square_norm(W, x):
    return np.tile(2 * (W @ x)[:, None], (1, len(x)))


# %% attempt="tensor.square_norm" expect="wrong" cause="shape that only broadcasts"
def square_norm(W, x):
    T = np.einsum("ij,k->ijk", np.eye(len(W)), x)
    return contract(2 * (W @ x)[None, :], "one i", T, "i j k", over="i")


# %% [markdown]
# ### Exercise `tensor.square_norm_table` (4.5 points)
#
# The same by hand, entry by entry, with numbers of your own. The adjoint of a row is the derivative of $L$ in it; those
# of $v_0$ to $v_5$ are the entries of the gradient in $W$, row by row.

# %% show="tensor.square_norm_table"
task = show("tensor.square_norm_table")
task

# %% answer="tensor.square_norm_table"
square_norm_table = {
    "v0": {"value": None, "adjoint": None},
    "v1": {"value": None, "adjoint": None},
    "v2": {"value": None, "adjoint": None},
    "v3": {"value": None, "adjoint": None},
    "v4": {"value": None, "adjoint": None},
    "v5": {"value": None, "adjoint": None},
    "y0": {"value": None, "adjoint": None},
    "y1": {"value": None, "adjoint": None},
    "L": {"value": None, "adjoint": None},
}
### BEGIN SOLUTION
numbers = list(task.given.values())
weights, held = np.reshape(numbers[:6], (2, 3)), np.array(numbers[6:])
outputs = weights @ held
values = [*weights.ravel(), *outputs, outputs @ outputs]
adjoints = [*np.outer(2 * outputs, held).ravel(), *(2 * outputs), 1.0]
square_norm_table = {
    row: {"value": value, "adjoint": adjoint}
    for row, value, adjoint in zip(square_norm_table, values, adjoints, strict=True)
}
### END SOLUTION

# %% check="tensor.square_norm_table"
check("tensor.square_norm_table", square_norm_table)

# %% attempt="tensor.square_norm_table" expect="right"
weights, held = np.reshape(list(task.given.values())[:6], (2, 3)), np.array(list(task.given.values())[6:])
outputs = weights @ held
square_norm_table = [
    [float(value), float(adjoint)]
    for value, adjoint in zip(
        [*weights.ravel(), *outputs, outputs @ outputs],
        [*np.outer(2 * outputs, held).ravel(), *(2 * outputs), 1],
        strict=True,
    )
]

# %% attempt="tensor.square_norm_table" expect="wrong" mark=4 cause="sign"
weights, held = np.reshape(list(task.given.values())[:6], (2, 3)), np.array(list(task.given.values())[6:])
outputs = weights @ held
values = [*weights.ravel(), *outputs, outputs @ outputs]
adjoints = [*np.outer(2 * outputs, held).ravel(), *(2 * outputs), 1]
adjoints[:8] = np.negative(adjoints[:8])
square_norm_table = [[float(value), float(adjoint)] for value, adjoint in zip(values, adjoints, strict=True)]

# %% attempt="tensor.square_norm_table" expect="wrong" mark=4.25 cause="zeros"
weights, held = np.reshape(list(task.given.values())[:6], (2, 3)), np.array(list(task.given.values())[6:])
outputs = weights @ held
values = [*weights.ravel(), *outputs, outputs @ outputs]
adjoints = [*np.outer(2 * outputs, held).ravel(), *(2 * outputs), 1]
adjoints[4] = 0
square_norm_table = [[float(value), float(adjoint)] for value, adjoint in zip(values, adjoints, strict=True)]

# %% attempt="tensor.square_norm_table" expect="wrong" mark=4.25 cause="the value instead of its derivative"
weights, held = np.reshape(list(task.given.values())[:6], (2, 3)), np.array(list(task.given.values())[6:])
outputs = weights @ held
values = [*weights.ravel(), *outputs, outputs @ outputs]
adjoints = [*np.outer(2 * outputs, held).ravel(), *(2 * outputs), 1]
adjoints[8] = values[8]
square_norm_table = [[float(value), float(adjoint)] for value, adjoint in zip(values, adjoints, strict=True)]

# %% [markdown]
# ### Exercise `tensor.gradient_graph` (3 points)
#
# A gradient is computed like everything else, so it has a graph. Here is the one of $\lVert Wx \rVert^2$ alone:

# %%
from autodiff import show as draw

draw.graph(lambda W, x: np.sum((W @ x) ** 2), W, np.array([1.0, 2.0, -1.0]))

# %% [markdown]
# Draw the graph that computes **both** the loss `L` and its gradient `dW` from `W` and `x`: extend the picture by the
# nodes of the gradient, each made of nodes that are there. Write it as a dict with a formula or a step for each node,
# for instance `{"y": "W @ x", ...}`; `outer(a, b)` is the outer product of two vectors.

# %% answer="tensor.gradient_graph"
gradient_graph = None
### BEGIN SOLUTION
gradient_graph = {"y": "W @ x", "L": "sum(y ** 2)", "g": "2 * y", "dW": "outer(g, x)"}
### END SOLUTION

# %% check="tensor.gradient_graph"
check("tensor.gradient_graph", gradient_graph)

# %% attempt="tensor.gradient_graph" expect="right"
gradient_graph = {
    "y": ("matmul", "W", "x"),
    "s": ("mul", "y", "y"),
    "L": ("sum", "s"),
    "g": ("add", "y", "y"),
    "dW": ("outer", "g", "x"),
}

# %% attempt="tensor.gradient_graph" expect="wrong" mark=1.75 cause="factor"
gradient_graph = {"y": "W @ x", "L": "sum(y ** 2)", "dW": "outer(y, x)"}

# %% attempt="tensor.gradient_graph" expect="wrong" cause="failed, swapped" mark=1.75
gradient_graph = {"y": "W @ x", "L": "sum(y ** 2)", "g": "2 * y", "dW": "outer(x, g)"}

# %% attempt="tensor.gradient_graph" expect="wrong" cause="operation" mark=1.75
gradient_graph = {"y": "W @ x", "L": "sum(y ** 2)", "g": "y ** 2", "dW": "outer(g, x)"}

# %% attempt="tensor.gradient_graph" expect="wrong" cause="failed, argument" mark=1.75
gradient_graph = {"y": "W @ x", "L": "sum(y ** 2)", "g": "2 * y", "dW": "outer(g, y)"}

# %% attempt="tensor.gradient_graph" expect="wrong" unnamed="an output is missing; the verdict says so"
gradient_graph = {"y": "W @ x", "L": "sum(y ** 2)"}

# %% [markdown]
# ## 5. Through a matrix
#
# ### Exercise `tensor.four_axes` (2 points)
#
# Decide first, then read on.

# %% show="tensor.four_axes"
show("tensor.four_axes")

# %% answer="tensor.four_axes"
four_axes = None
### BEGIN SOLUTION
four_axes = "two"
### END SOLUTION

# %% check="tensor.four_axes"
check("tensor.four_axes", four_axes)

# %% attempt="tensor.four_axes" expect="right"
four_axes = "(two)"

# %% attempt="tensor.four_axes" expect="wrong" because="Those were the axes of Y; L is a number and has none."
four_axes = "lost"

# %% attempt="tensor.four_axes" expect="wrong" because="B transposed is the gradient of tr(BA), a number."
four_axes = "matrix"

# %% attempt="tensor.four_axes" expect="wrong" because="Flattening joins axes: it cannot add one."
four_axes = "flat"

# %% [markdown]
# **"The derivative of a matrix in a matrix should have four axes."** It has. The gradient of a loss is another
# derivative. Three of them take part, and it helps to write down the axes of each:
#
# | derivative | axes of the output | axes of the input | together | does a program store it? |
# |---|---|---|---|---|
# | $\partial L / \partial Y$ | 0 | 2 | 2 | yes |
# | $\partial Y / \partial A$ | 2 | 2 | **4** | no |
# | $\partial L / \partial A$ | 0 | 2 | 2 | yes |
#
# The chain rule leads from the first to the third by way of the second. What it sums over are exactly the two axes of
# $Y$, as input of $L$ and as output of $A$: $(0 + 2)$ and $(2 + 2)$ leave $0 + 2$. Nothing is lost: the four axes are
# there in between, and in the next section you will see why one does well not to build them.
#
# **Example.** $Y = W X$, differentiated in $W$:
#
# $$ Y_{ij} = \sum_l W_{il}\, X_{lj}, \qquad T_{ijkl} = \frac{\partial Y_{ij}}{\partial W_{kl}} = \delta_{ik} X_{lj}. $$
#
# Four axes are a matrix of matrices: in row $i$ and column $j$ stands the gradient of $Y_{ij}$, a tile of the shape of
# $W$.

# %%
X = np.array([[1.0, 2.0], [-1.0, 3.0], [5.0, -2.0]])
T = autodiff.jacobian(lambda W: W @ X)(W)
print("W is", W.shape, " Y is", (W @ X).shape, " the Jacobian is", T.shape)
print("by the formula:", np.array_equal(T, np.einsum("ik,lj->ijkl", np.eye(2), X)))
tiles(
    T,
    "Y",
    alt="Two rows and two columns of tiles, each two by three. "
    "Tile [i, j] has column j of X in its row i, 0 elsewhere.",
)

# %% [markdown]
# Given weights $G_{ij} = \partial L / \partial Y_{ij}$ for the tiles, their weighted sum is the gradient. The
# $\delta_{ik}$ picks one term of the sum over $i$, and what is left is a product of two matrices:
#
# $$ \sum_{i, j} G_{ij}\, \delta_{ik}\, X_{lj} = \sum_j G_{kj} X_{lj} = (G X^\top)_{kl}. $$

# %%
G = np.array([[1.0, -1.0], [0.5, 2.0]])
print("weighted sum of the tiles:\n", contract(G, "i j", T, "i j k l", over="i j"))
print("G @ X.T:\n", G @ X.T)
tiles(G[:, :, None, None] * T + 0.0, "G · tile", alt="The same tiles, times their weights 1, -1, 0.5 and 2.")

# %% [markdown]
# ### Exercise `tensor.product` (3 points)
#
# Return the Jacobian of $Y = B A$ in $A$: four axes, those of $Y$ first. Here $A$ stands on the right. Write one entry
# of $Y$ as a sum, and differentiate it in one entry of $A$.


# %% answer="tensor.product"
def product(B, A):
    ### BEGIN SOLUTION
    return np.einsum("ik,jl->ijkl", B, np.eye(A.shape[1]))
    ### END SOLUTION


# %% check="tensor.product"
check("tensor.product", product)


# %% attempt="tensor.product" expect="right"
def product(B, A):
    (p, m), n = B.shape, A.shape[1]
    return np.kron(B, np.eye(n)).reshape(p, n, m, n)


# %% attempt="tensor.product" expect="right"
def product(B, A):
    return contract(B, "i k", np.eye(A.shape[1]), "j l", over="").transpose(0, 2, 1, 3)


# %% attempt="tensor.product" expect="wrong" cause="axes permuted"
def product(B, A):
    return np.einsum("ik,jl->klij", B, np.eye(A.shape[1]))


# %% attempt="tensor.product" expect="wrong" cause="axes permuted"
def product(B, A):
    return np.einsum("ik,jl->ikjl", B, np.eye(A.shape[1]))


# %% attempt="tensor.product" expect="wrong" cause="summed too much"
def product(B, A):
    return np.einsum("ik,jl->ijkl", B, np.ones((A.shape[1], A.shape[1])))


# %% [markdown]
# ### Exercise `tensor.trace` (2 points)
#
# Let $L = \operatorname{tr}(BA)$, with $A$ of $m$ rows and $n$ columns and $B$ of $n$ rows and $m$ columns. What is
# $\partial \operatorname{tr}(Y) / \partial Y_{ij}$? Contract it with your Jacobian, on paper, and return the gradient
# in $A$. (If all matrices were square, one wrong answer would have the right shape; here it has not.)


# %% answer="tensor.trace"
def trace(B, A):
    ### BEGIN SOLUTION
    return B.T
    ### END SOLUTION


# %% check="tensor.trace"
check("tensor.trace", trace)


# %% attempt="tensor.trace" expect="right"
def trace(B, A):
    identity = np.eye(len(B))
    return contract(identity, "i j", np.einsum("ik,jl->ijkl", B, identity), "i j k l", over="i j")


# %% attempt="tensor.trace" expect="wrong" cause="transposed"
def trace(B, A):
    return B


# %% attempt="tensor.trace" expect="wrong" cause="an input returned"
def trace(B, A):
    return A


# %% attempt="tensor.trace" expect="wrong" cause="summed too much"
def trace(B, A):
    return np.tile(B.sum(axis=0)[:, None], (1, A.shape[1]))


# %% attempt="tensor.trace" expect="wrong" cause="reshape for transpose"
def trace(B, A):
    return B.reshape(A.shape)


# %% [markdown]
# ### Exercise `tensor.quadratic` (3 points)
#
# Let $L = \operatorname{tr}(A^\top S A)$ with a square matrix $S$ that need not be symmetric. Return the gradient in
# $A$.


# %% answer="tensor.quadratic"
def quadratic(S, A):
    ### BEGIN SOLUTION
    return (S + S.T) @ A
    ### END SOLUTION


# %% check="tensor.quadratic"
check("tensor.quadratic", quadratic)


# %% attempt="tensor.quadratic" expect="right"
def quadratic(S, A):
    return np.einsum("ij,jk->ik", S, A) + np.einsum("ij,ik->jk", S, A)


# %% attempt="tensor.quadratic" expect="wrong" cause="right for symmetric inputs only"
def quadratic(S, A):
    return 2 * S @ A


# %% attempt="tensor.quadratic" expect="wrong" cause="a path or term dropped"
def quadratic(S, A):
    return S @ A


# %% attempt="tensor.quadratic" expect="wrong" cause="a path or term dropped"
def quadratic(S, A):
    return S.T @ A


# %% attempt="tensor.quadratic" expect="wrong" cause="sign"
def quadratic(S, A):
    return -(S + S.T) @ A


# %% [markdown]
# ## 6. An experiment: the price of four axes
#
# How much of a Jacobian with four axes is there at all? In the example $T_{ijkl} = \delta_{ik} X_{lj}$ every tile has
# one row that is not zero:

# %%
print("entries:", T.size, " not zero:", np.count_nonzero(T), " different numbers in them: the", X.size, "of X")

# %% [markdown]
# ### Exercise `tensor.nonzeros` (1 point)

# %% show="tensor.nonzeros"
task = show("tensor.nonzeros")
task

# %% answer="tensor.nonzeros"
nonzeros = None
### BEGIN SOLUTION
(p, m), (_, n) = task.given["B"], task.given["A"]
nonzeros = p * m * n
### END SOLUTION

# %% check="tensor.nonzeros"
check("tensor.nonzeros", nonzeros)

# %% attempt="tensor.nonzeros" expect="right"
B, n = np.ones(task.given["B"]), task.given["A"][1]
nonzeros = np.count_nonzero(np.kron(B, np.eye(n)))

# %% attempt="tensor.nonzeros" expect="wrong" cause="a known mistake"
(p, m), (_, n) = task.given["B"], task.given["A"]
nonzeros = p * n * m * n

# %% attempt="tensor.nonzeros" expect="wrong" cause="a known mistake"
(p, m), (_, n) = task.given["B"], task.given["A"]
nonzeros = p * m

# %% attempt="tensor.nonzeros" expect="wrong" cause="a known mistake"
(p, m), (_, n) = task.given["B"], task.given["A"]
nonzeros = p * n

# %% [markdown]
# ### Exercise `tensor.doubling` (1 point, a prediction)
#
# $A$, $B$ and $G$ are $n \times n$, and the gradient is had in two ways: by contracting $G$ with the Jacobian of four
# axes, and as the product $B^\top G$. When $n$ is doubled, how many times as many multiplications and additions does
# the *first* way take?

# %% answer="tensor.doubling"
doubling = None
### BEGIN SOLUTION
doubling = 16
### END SOLUTION

# %% check="tensor.doubling"
predict("tensor.doubling", doubling)


# %%
def over_two_axes(error, jacobian):
    return contract(error, "i j", jacobian, "i j k l", over="i j")


sizes = np.array([3, 6, 12, 24])
work = {"by way of four axes": [], "as a product of matrices": []}
for n in sizes:
    rng = np.random.default_rng(0)
    error, factor = rng.normal(size=(2, n, n))
    large = np.einsum("ik,jl->ijkl", factor, np.eye(n))
    by_axes, counts = autodiff.counted(over_two_axes, error, large)
    work["by way of four axes"].append(counts.matmul_flops)
    by_product, counts = autodiff.counted(np.matmul, factor.T, error)
    work["as a product of matrices"].append(counts.matmul_flops)
    assert np.allclose(by_axes, by_product)
for way, counts in work.items():
    print(f"{way}: {counts}")

# %%
reveal("tensor.doubling", work["by way of four axes"][-1] // work["by way of four axes"][-2])

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for (way, counts), style in zip(work.items(), ("o-", "s--"), strict=True):
    slope = np.polyfit(np.log(sizes), np.log(counts), 1)[0]
    left.loglog(sizes, counts, style, label=f"{way}: slope {slope:.0f}")
left.set(xlabel="n", title="multiplications and additions")
right.loglog(sizes, sizes**4.0, "o-", label="Jacobian")
right.loglog(sizes, sizes**3.0, "^:", label="its entries that are not 0")
right.loglog(sizes, sizes**2.0, "s--", label="gradient")
right.set(xlabel="n", title="numbers to be stored")
for axis in (left, right):
    axis.set_xticks(sizes, map(str, sizes), minor=False)
    axis.minorticks_off()
    axis.legend(fontsize=8)
picture(
    figure,
    alt="Two plots over n from 3 to 24, both logarithmic. Work grows with slope 4 by way of four "
    "axes and with slope 3 as a product of matrices. The Jacobian has n to the 4 entries, "
    "n to the 3 of them not zero, the gradient n squared.",
)

# %% [markdown]
# For a layer of 1000 units the Jacobian would have $10^{12}$ entries, 8 terabytes, nearly all of them zero. So the
# reverse walk does not build it: a rule for `@` *contracts without building*, and that is what $G X^\top$ and $B^\top
# G$ are. The four axes are for your paper, where they make the derivation safe; the product is for the program.
#
# ## 7. vec, and its two orders
#
# Some prefer to stay with matrices: flatten $W$ into a vector, and the Jacobian is an ordinary matrix again. This
# works, and has one trap: **a matrix can be flattened in two orders.** Row by row (the convention of this course, and
# NumPy's own), or column by column (that of many books, and of Fortran, MATLAB and Julia):

# %%
print("by rows:   ", autodiff.vec(W))
print("by columns:", autodiff.vec(W, order="column"))

# %% [markdown]
# Both have a way back, and these are not the same either. `np.reshape` reads and writes by rows, unless it is told
# `order="F"`. By rows, $W_{jk}$ has the place $j n + k$ in the vector ($n$ columns); by columns, $j + k m$ ($m$ rows).
#
# To write the Jacobians down one needs blocks. The **Kronecker product** $C \otimes D$ puts a multiple of $D$ into the
# place of every entry of $C$:

# %%
C, D = np.array([[1, 2], [0, -1]]), np.array([[10, 20, 30]])
print(np.kron(C, D))

# %% [markdown]
# Its entries are products of an entry of each: in row $(i, l)$ and column $(j, k)$ stands $C_{ij} D_{lk}$, where the
# row is counted with $l$ running faster, and the column with $k$ running faster.
#
# **Example.** $y = W^\top u$ has $T_{ijk} = u_j\, \delta_{ik}$. By rows, the columns of the matrix are counted by $(j,
# k)$ with $k$ running faster: $u^\top \otimes I$. By columns, $j$ runs faster: $I \otimes u^\top$. The same numbers, in
# columns that have been exchanged:

# %%
T = autodiff.jacobian(lambda W: W.T @ u)(W)
by_rows = autodiff.vec_jacobian(T, 1)
by_columns = autodiff.vec_jacobian(T, 1, order="column")
print("by rows:", np.array_equal(by_rows, np.kron(u, np.eye(3))))
print("by columns:", np.array_equal(by_columns, np.kron(np.eye(3), u)))
figure, axes = plt.subplots(1, 2, figsize=(6, 1.9), layout="constrained")
for axis, matrix, order in zip(axes, (by_rows, by_columns), ("rows", "columns"), strict=True):
    heat(axis, matrix, np.abs(matrix).max())
    axis.set_title(f"W flattened by {order}", fontsize=9)
picture(
    figure,
    alt="Two matrices of three rows and six columns. By rows: 2 times the identity, then -1 times it. "
    "By columns: the pair (2, -1) three times along the diagonal.",
)

# %% [markdown]
# ### Exercise `tensor.vec_row` (2 points)
#
# `w` is a matrix $W$, flattened **by rows**, and $y = Wx$. Return the Jacobian of $y$ in `w`: a matrix with a column
# for each entry of `w`. You are given `w` and `x`; the number of rows of $W$ is `len(w) // len(x)`.


# %% answer="tensor.vec_row"
def vec_row(w, x):
    ### BEGIN SOLUTION
    return np.kron(np.eye(len(w) // len(x)), x)
    ### END SOLUTION


# %% check="tensor.vec_row"
check("tensor.vec_row", vec_row)


# %% attempt="tensor.vec_row" expect="right"
def vec_row(w, x):
    m, n = len(w) // len(x), len(x)
    J = np.zeros((m, m * n))
    for i in range(m):
        J[i, i * n : (i + 1) * n] = x
    return J


# %% attempt="tensor.vec_row" expect="wrong" cause="axes permuted, reshape for transpose"
def vec_row(w, x):
    return np.kron(x, np.eye(len(w) // len(x)))


# %% attempt="tensor.vec_row" expect="wrong" cause="transposed"
def vec_row(w, x):
    return np.kron(np.eye(len(w) // len(x)), x[:, None])


# %% attempt="tensor.vec_row" expect="wrong" cause="summed too much"
def vec_row(w, x):
    return np.kron(np.ones((len(w) // len(x), len(w) // len(x))), x)


# %% [markdown]
# ### Exercise `tensor.vec_column` (2 points)
#
# The same with `w` flattened **by columns**.


# %% answer="tensor.vec_column"
def vec_column(w, x):
    ### BEGIN SOLUTION
    return np.kron(x, np.eye(len(w) // len(x)))
    ### END SOLUTION


# %% check="tensor.vec_column"
check("tensor.vec_column", vec_column)


# %% attempt="tensor.vec_column" expect="right"
def vec_column(w, x):
    return np.hstack([entry * np.eye(len(w) // len(x)) for entry in x])


# %% attempt="tensor.vec_column" expect="wrong" cause="axes permuted"
def vec_column(w, x):
    return np.kron(np.eye(len(w) // len(x)), x)


# %% attempt="tensor.vec_column" expect="wrong" cause="transposed"
def vec_column(w, x):
    return np.kron(x, np.eye(len(w) // len(x))).T


# %% attempt="tensor.vec_column" expect="wrong" cause="numbers pasted in"
def vec_column(w, x):
    return np.hstack([np.eye(len(w) // len(x))] * len(x))


# %% [markdown]
# ### Exercise `tensor.unvec_bug` (4 points)
#
# Find the line that is wrong, and mend the function. Both count.

# %% show="tensor.unvec_bug"
show("tensor.unvec_bug")


# %% answer="tensor.unvec_bug"
def gradient(W, x):
    m, n = W.shape
    w = W.reshape(m * n)
    J = np.kron(np.eye(m), x)
    y = J @ w
    row = 2 * y @ J
    return row.reshape(n, m).T


line = None
### BEGIN SOLUTION
line = 7


def gradient(W, x):
    m, n = W.shape
    w = W.reshape(m * n)
    J = np.kron(np.eye(m), x)
    y = J @ w
    row = 2 * y @ J
    return row.reshape(m, n)


### END SOLUTION

# %% check="tensor.unvec_bug"
check("tensor.unvec_bug", gradient, line=line)

# %% attempt="tensor.unvec_bug" expect="right"
line = "7"


def gradient(W, x):
    return (2 * (W @ x) @ np.kron(np.eye(len(W)), x)).reshape(W.shape)


# %% attempt="tensor.unvec_bug" expect="wrong" mark=2 because="w has the rows of W one by one, and each meets x."
line = 4


def gradient(W, x):
    m, n = W.shape
    return (2 * (W @ x) @ np.kron(np.eye(m), x)).reshape(m, n)


# %% attempt="tensor.unvec_bug" expect="wrong" mark=2 cause="shape that only broadcasts"
line = 7


def gradient(W, x):
    m, n = W.shape
    return (2 * (W @ x) @ np.kron(np.eye(m), x)).reshape(n, m)


# %% attempt="tensor.unvec_bug" expect="wrong" mark=2 because="The derivative of y squared is 2 y."
line = 6


def gradient(W, x):
    m, n = W.shape
    return (2 * (W @ x) @ np.kron(np.eye(m), x)).reshape(m, n)


# %% [markdown]
# ### Find the error in print: `tensor.print_vec` (3 points, in words)
#
# A published solution says, in short, of a function $g$ from $p \times q$ matrices to vectors of length $n$: *the
# derivative has three axes. In practice one flattens $W$ to a vector $\operatorname{vec}(W)$ with $pq$ entries; the
# Jacobian is then an ordinary $n \times pq$ matrix, the chain rule a product of matrices, and the result is turned back
# into a matrix for the update.*
#
# What does this leave open that makes a program wrong? Give an example, and mend the sentence.

# %% [markdown] prose="tensor.print_vec"
# ### BEGIN SOLUTION
# The order of $\operatorname{vec}$ is not said, and there are two. The matrix of shape $n \times pq$ depends on it: for
# $g(W) = Wx$ it is $I \otimes x^\top$ if the rows of $W$ follow each other, and $x^\top \otimes I$ if the columns do.
# Both have the same shape, so nothing fails. If the row that comes out is then put together in the other order, the
# result has the shape of $W$ with the entries in wrong places: for $W$ of shape $2 \times 3$ the row $(1, 2, 3, 4, 5,
# 6)$ is
#
# $$ \begin{pmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \end{pmatrix} \text{ by rows, and } \begin{pmatrix} 1 & 3 & 5 \\ 2 & 4 & 6
# \end{pmatrix} \text{ by columns.} $$
#
# Mended: *one flattens $W$ in a fixed order, say row by row, takes the Jacobian in that vector, and puts the gradient
# together again **in the same order**.* Which of the two does not matter; the gradient is the same.
# ### END SOLUTION

# %% [markdown]
# ## 8. Kronecker products: structure worth keeping
#
# A linear map of matrices, $X \mapsto A X B$, has the Jacobian $\partial Y_{il} / \partial X_{jk} = A_{ij} B_{kl}$: a
# product of an entry of $A$ and an entry of $B$. As a matrix between vecs it is a Kronecker product. **Example**, with
# only one factor and everything flattened by rows: $X \mapsto A X$ has $A \otimes I$, since $A$ mixes rows, and column
# goes to column; $X \mapsto X B$ does the same to every row of $X$, and has blocks on the diagonal.

# %%
A, B = np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([[3.0, 1.0, 0.0], [5.0, 0.0, -2.0]])
left = autodiff.structured_jacobian(lambda X: A @ X)(np.zeros((2, 2)))
right = autodiff.structured_jacobian(lambda X: X @ B)(np.zeros((2, 2)))
print(left, right, sep="\n")
figure, axes = plt.subplots(1, 2, figsize=(4.6, 2.7), layout="constrained")
for axis, structured, title in zip(axes, (left, right), ("X to AX", "X to XB"), strict=True):
    heat(axis, structured.matrix(), 5.0)
    axis.set_title(title, fontsize=9)
picture(
    figure,
    alt="Two matrices. X to AX, four by four: every entry of A is a multiple of the identity. "
    "X to XB, six by four: two equal blocks of three by two on the diagonal, B transposed.",
)

# %% [markdown]
# The course's package keeps such a Jacobian as its two factors, which is why it prints `Kronecker`: two small matrices
# tell all of a large one. (That of an entry-by-entry function is `Diagonal`, and kept as its diagonal.)

# %% [markdown]
# ### Exercise `tensor.sandwich_matrix` (2 points)
#
# `v` is a matrix $X$, flattened **by rows**. Return the Jacobian of $\operatorname{vec}(AXB)$, by rows as well, in `v`.
# Books with the other order print $B^\top \otimes A$. What is it here?


# %% answer="tensor.sandwich_matrix"
def sandwich_matrix(A, B, v):
    ### BEGIN SOLUTION
    return np.kron(A, B.T)
    ### END SOLUTION


# %% check="tensor.sandwich_matrix"
check("tensor.sandwich_matrix", sandwich_matrix)


# %% attempt="tensor.sandwich_matrix" expect="right"
def sandwich_matrix(A, B, v):
    T = np.einsum("ij,kl->iljk", A, B)
    return T.reshape(len(A) * B.shape[1], -1)


# %% attempt="tensor.sandwich_matrix" expect="wrong" cause="axes permuted"
def sandwich_matrix(A, B, v):
    return np.kron(B.T, A)


# %% attempt="tensor.sandwich_matrix" expect="wrong" cause="shape that only broadcasts"
def sandwich_matrix(A, B, v):
    return np.einsum("ij,kl->iljk", A, B)


# %% attempt="tensor.sandwich_matrix" expect="wrong" cause="transposed"
def sandwich_matrix(A, B, v):
    return np.kron(A, B.T).T


# %% [markdown]
# ### Exercise `tensor.sandwich` (2 points)
#
# Now without vec. $G$ is the gradient of some loss in $Y = AXB$. Return the gradient of that loss in $X$, as a product
# of three matrices.


# %% answer="tensor.sandwich"
def sandwich(A, X, B, G):
    ### BEGIN SOLUTION
    return A.T @ G @ B.T
    ### END SOLUTION


# %% check="tensor.sandwich"
check("tensor.sandwich", sandwich)


# %% attempt="tensor.sandwich" expect="right"
def sandwich(A, X, B, G):
    return (G.ravel() @ np.kron(A, B.T)).reshape(X.shape)


# %% attempt="tensor.sandwich" expect="wrong" cause="transposed"
def sandwich(A, X, B, G):
    return B @ G.T @ A


# %% attempt="tensor.sandwich" expect="wrong" cause="the value instead of its derivative"
def sandwich(A, X, B, G):
    return A @ X @ B


# %% attempt="tensor.sandwich" expect="wrong" cause="off by one"
def sandwich(A, X, B, G):
    return (G.ravel() @ np.kron(A, B.T)).reshape(X.shape, order="F")


# %% [markdown]
# ## 9. Letters: what einsum can write
#
# With a letter for each axis all of this becomes mechanical. **Example.** `Y = np.einsum("il,lj->ij", W, X)` is $WX$.
# For the gradient in `W`, the operand `W` and the output change places: what goes in is the gradient `G` in `Y`, with
# the letters `ij`; what comes out has the letters of `W`.

# %%
X, G = np.array([[1.0, 2.0], [-1.0, 3.0], [5.0, -2.0]]), np.array([[1.0, -1.0], [0.5, 2.0]])
print(np.einsum("ij,lj->il", G, X), "= G @ X.T")


def legs(axis, names, letters, title):
    """Two arrays as circles and their axes as lines; the axis between the two is summed over."""
    axis.plot([0, 3], [0, 0], color="black", linewidth=1, zorder=0)
    for place, name in zip((1, 2), names, strict=True):
        axis.add_patch(plt.Circle((place, 0), 0.24, facecolor="white", edgecolor="black"))
        axis.text(place, 0, name, ha="center", va="center")
    for place, letter in zip((0.4, 1.5, 2.6), letters, strict=True):
        axis.text(place, 0.1, letter, ha="center", style="italic")
    axis.set(xlim=(0, 3), ylim=(-0.4, 0.4), aspect="equal", title=title)
    axis.axis("off")


figure, axes = plt.subplots(1, 3, figsize=(7.5, 1.2), layout="constrained")
legs(axes[0], "WX", "ilj", "Y")
legs(axes[1], "GX", "ijl", "gradient in W")
legs(axes[2], "WG", "lij", "gradient in X")
picture(
    figure,
    alt="Three rows of two circles that are joined, each with one more loose end. Y: W with i, l between, X with j. "
    "Gradient in W: G with i, j between, X with l. Gradient in X: W with l, i between, G with j.",
)

# %% [markdown]
# An array is a circle, each of its axes a line; a line between two circles is summed over, and the loose ends are the
# axes of the result. Put `G` in the place of the operand that you differentiate in, and join it to the others by its
# own letters: what is then loose are the axes of that operand.
#
# Why this is right: the entry of the output is a sum of products, in which $W_{il}$ has the other factors as its
# derivative, and a contraction over the letters of the output follows. (It needs every letter of the operand to occur
# elsewhere; a letter that only the operand has was summed on its own, and each of its entries gets the same.)
#
# A **batch** is one more letter. The samples share the weights, so for the weights its letter is summed over, and for
# the inputs it is not.
#
# ### Exercise `tensor.batch_layer` (3 points)
#
# A layer for a batch, samples in rows: $Y = \tanh(XW)$, and $L = \tfrac12 \sum_{n, o} (Y_{no} - t_{no})^2$. Return the
# gradient of $L$ in $W$.


# %% answer="tensor.batch_layer"
def batch_layer(X, W, target):
    ### BEGIN SOLUTION
    Y = np.tanh(X @ W)
    error = (Y - target) * (1 - Y**2)
    return contract(X, "sample in", error, "sample out", over="sample")
    ### END SOLUTION


# %% check="tensor.batch_layer"
check("tensor.batch_layer", batch_layer)


# %% attempt="tensor.batch_layer" expect="right"
def batch_layer(X, W, target):
    Y = np.tanh(X @ W)
    return sum(np.outer(x, (y - t) * (1 - y**2)) for x, y, t in zip(X, Y, target, strict=True))


# %% attempt="tensor.batch_layer" expect="wrong" cause="mean for sum"
def batch_layer(X, W, target):
    Y = np.tanh(X @ W)
    return X.T @ ((Y - target) * (1 - Y**2)) / len(X)


# %% attempt="tensor.batch_layer" expect="wrong" cause="activation derivative forgotten"
def batch_layer(X, W, target):
    return X.T @ (np.tanh(X @ W) - target)


# %% attempt="tensor.batch_layer" expect="wrong" cause="not summed"
def batch_layer(X, W, target):
    Y = np.tanh(X @ W)
    return np.einsum("ni,no->nio", X, (Y - target) * (1 - Y**2))


# %% attempt="tensor.batch_layer" expect="wrong" cause="transposed"
def batch_layer(X, W, target):
    Y = np.tanh(X @ W)
    return ((Y - target) * (1 - Y**2)).T @ X


# %% [markdown]
# ### Exercise `tensor.bilinear` (3 points)
#
# Weights with three axes: $y_o = \sum_{ij} T_{oij}\, x_i\, z_j$ couples two inputs, as `np.einsum("oij,i,j->o", T, x,
# z)` writes it. Given the gradient `g` of a loss in $y$, return its gradients in `T`, `x` and `z` as a tuple. Each
# counts for a third of the marks.


# %% answer="tensor.bilinear"
def bilinear(T, x, z, g):
    ### BEGIN SOLUTION
    dT = np.einsum("o,i,j->oij", g, x, z)
    dx = np.einsum("o,oij,j->i", g, T, z)
    dz = np.einsum("o,oij,i->j", g, T, x)
    return dT, dx, dz
    ### END SOLUTION


# %% check="tensor.bilinear"
check("tensor.bilinear", bilinear)


# %% attempt="tensor.bilinear" expect="right"
def bilinear(T, x, z, g):
    M = np.tensordot(g, T, 1)
    return g[:, None, None] * np.outer(x, z), M @ z, M.T @ x


# %% attempt="tensor.bilinear" expect="wrong" mark=1 cause="inner derivative forgotten"
def bilinear(T, x, z, g):
    return np.einsum("o,i,j->oij", g, x, z), np.einsum("oij,j->i", T, z), np.einsum("oij,i->j", T, x)


# %% attempt="tensor.bilinear" expect="wrong" mark=2 cause="axes permuted"
def bilinear(T, x, z, g):
    return np.einsum("o,i,j->ijo", g, x, z), np.einsum("o,oij,j->i", g, T, z), np.einsum("o,oij,i->j", g, T, x)


# %% attempt="tensor.bilinear" expect="wrong" mark=1 cause="blocks exchanged"
def bilinear(T, x, z, g):
    return np.einsum("o,i,j->oij", g, x, z), np.einsum("o,oij,i->j", g, T, x), np.einsum("o,oij,j->i", g, T, z)


# %% [markdown]
# ## What to take along
#
# - A Jacobian has the axes of its output, then those of its input. A number has none, so a gradient has the shape of
#   its variable.
# - A derivative with many axes is found entry by entry: write one entry as a sum, differentiate it in one entry, and
#   let the δ say what is 0.
# - The chain rule sums over the axes of what lies in between, all of them and by their names. A length is no name.
# - The derivative of a matrix in a matrix has four axes. It belongs on paper; programs contract it without building it,
#   by products such as $G X^\top$.
# - vec has two orders. Either is right, if it is the same on the way there and back.
# - A gradient of an `einsum` is an `einsum`: operand and output change places.

# %%
progress()
