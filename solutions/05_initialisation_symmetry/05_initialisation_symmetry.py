# %% [markdown]
# # Sheet 5: initialisation symmetry
#
# Before a network learns, its weights need some value. Zero seems modest, and it ruins the network, as any constant
# does: its hidden units are then equal, get equal gradients, and stay equal for ever. On this sheet you work out why,
# prove it, see what such a network still can do, and break the symmetry, on paper and on handwritten digits. Plan 120
# to 150 minutes. You need the chain rule for layers and weights (sheets 1 and 4).
#
# **After this sheet you can**
#
# 1. write down all gradients of a network with one hidden layer, evaluate them at a symmetric start, and find what is
#    wrong in a published solution (`symmetry.guess_dependence`, `symmetry.gradients`, `symmetry.printed`,
#    `symmetry.mended`);
# 2. say what is equal at a constant start and what is not (`symmetry.constant_output`, `symmetry.table`,
#    `symmetry.guess_rows`, `symmetry.what_is_equal`);
# 3. prove that it stays so, and say what moves at all (`symmetry.induction`, `symmetry.moved`, `symmetry.stuck`);
# 4. replace the network by one with a single hidden unit, and give it the right step sizes (`symmetry.one_unit`,
#    `symmetry.graph`, `symmetry.shared_row`, `symmetry.step_sizes`);
# 5. test gradients where mistakes show (`symmetry.bug`);
# 6. tell what breaks the symmetry, and see it happen (`symmetry.breaks`, `symmetry.relu`, `symmetry.guess_noise`,
#    `symmetry.experiment`).
#
# **One convention for the whole course.** A gradient has the shape of its variable. A Jacobian has one row per output
# and one column per input. The slope of the ReLU at 0 is 0.

# %% setup=true
import matplotlib.pyplot as plt
import numpy as np

import autodiff
from autodiff import show as draw
from grading.notebook import check, compare, hint, open_sheet, picture, practice, predict, progress, reveal, show

open_sheet("05_initialisation_symmetry")

# %% [markdown]
# ## 1. The network, and the start at zero
#
# All of this sheet is about one small network. It has $d$ inputs, $h$ hidden units and one output:
#
# $$ z = \sigma\big(W^{(0)} x + b^{(0)}\big) \in \mathbb{R}^h, \qquad y = W^{(1)} z + b^{(1)} \in \mathbb{R}, $$
#
# with $W^{(0)} \in \mathbb{R}^{h \times d}$, $b^{(0)} \in \mathbb{R}^h$, $W^{(1)} \in \mathbb{R}^{1 \times h}$ and one
# number $b^{(1)}$; $\sigma(a) = 1/(1 + e^{-a})$ is the sigmoid, whose slope is $\sigma'(a) = z (1 - z)$ where
# $z = \sigma(a)$. In code these are `W0`, `b0`, `W1`, `b1`.
#
# To **hidden unit** $i$ belong row $i$ of $W^{(0)}$ (the weights that lead into it), the number $b^{(0)}_i$, and the
# number $W^{(1)}_{1i}$ (the weight that leads out of it). In the picture they have one colour. $b^{(1)}$ belongs to no
# unit.


# %%
def network_picture(inputs, units):
    """Inputs on the left, hidden units in the middle, the output on the right; a colour for each hidden unit."""
    fig, ax = plt.subplots(figsize=(5.2, 2.8))

    def heights(count):
        return np.linspace(1, -1, count) if count > 1 else [0.0]

    for unit, y in enumerate(heights(units)):
        for below in heights(inputs):
            ax.plot([0, 1], [below, y], color=f"C{unit}", zorder=1)
        ax.plot([1, 2], [y, 0], color=f"C{unit}", linewidth=3, zorder=1)
        ax.scatter([1], [y], s=420, color=f"C{unit}", zorder=2)
        ax.text(1, y, f"$z_{unit + 1}$", ha="center", va="center", color="white")
    for number, y in enumerate(heights(inputs)):
        ax.scatter([0], [y], s=420, color="0.35", zorder=2)
        ax.text(0, y, f"$x_{number + 1}$", ha="center", va="center", color="white")
    ax.scatter([2], [0], s=420, color="0.35", zorder=2)
    ax.text(2, 0, "$y$", ha="center", va="center", color="white")
    ax.set(xlim=(-0.3, 2.3), ylim=(-1.4, 1.4))
    ax.axis("off")
    return fig


picture(
    network_picture(2, 3),
    "A network with two inputs, three hidden units and one output. The edges into and out of a unit have its colour.",
)

# %% [markdown]
# **Example.** Two inputs, three hidden units, everything zero. Whatever $x$ is, every pre-activation is
# $0 \cdot x_1 + 0 \cdot x_2 + 0 = 0$, so $z_i = \sigma(0) = \tfrac12$ for all $i$, and
# $y = 0 \cdot \tfrac12 + 0 \cdot \tfrac12 + 0 \cdot \tfrac12 + 0 = 0$. The network, run at two inputs:


# %%
def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def network(W0, b0, W1, b1, x):
    z = sigmoid(W0 @ x + b0)
    return W1[0] @ z + b1


zeros = (np.zeros((3, 2)), np.zeros(3), np.zeros((1, 3)), 0.0)
for x in (np.array([1.0, -2.0]), np.array([7.0, 0.3])):
    print(f"x = {x}: z = {sigmoid(zeros[0] @ x + zeros[1])}, y = {network(*zeros, x)}")

# %% [markdown]
# The output does not depend on $x$ here. And the gradients of $y$ in the four parameters?
#
# ### Prediction `symmetry.guess_dependence` (1 point)
#
# All weights and biases are zero. Which of the four gradients of $y$, in `W0`, `b0`, `W1` and `b1`, depend on $x$?
#
# - `"none"`: none of the four;
# - `"first"`: those of the first layer;
# - `"all"`: all but the last, that of $b^{(1)}$.
#
# Decide before you go on; a prediction counts for being made, not for coming true.

# %% answer="symmetry.guess_dependence"
guess_dependence = None
### BEGIN SOLUTION
guess_dependence = "none"
### END SOLUTION

# %% check="symmetry.guess_dependence"
predict("symmetry.guess_dependence", guess_dependence)

# %% attempt="symmetry.guess_dependence" expect="right"
guess_dependence = ["FIRST"]

# %% attempt="symmetry.guess_dependence" expect="wrong"
guess_dependence = "W0 and b0"

# %% attempt="symmetry.guess_dependence" expect="wrong"
guess_dependence = 4

# %% attempt="symmetry.guess_dependence" expect="wrong"
guess_dependence = {"first", "all"}

# %% [markdown]
# ### Exercise `symmetry.gradients` (4 points)
#
# Return the gradients of $y$ as a tuple `(dW0, db0, dW1, db1)`, each with the shape of its variable: $h \times d$, $h$,
# $1 \times h$ and a number. The function is asked at points without any symmetry, at constant starts, and at zero. At
# zero alone many wrong formulas would pass: there a factor 0 hides everything else. (These are `net.outer` and
# `net.inner` of sheet 4 in one; what you have there you may use here.) If you are stuck:

# %%
hint("symmetry.gradients", 1)


# %% answer="symmetry.gradients"
def gradients(W0, b0, W1, b1, x):
    ### BEGIN SOLUTION
    z = sigmoid(W0 @ x + b0)
    below = W1[0] * z * (1 - z)
    return np.outer(below, x), below, z[None, :], 1.0
    ### END SOLUTION


# %% check="symmetry.gradients"
check("symmetry.gradients", gradients)


# %% attempt="symmetry.gradients" expect="right"
def gradients(W0, b0, W1, b1, x):
    a = W0 @ x + b0
    slope = np.exp(-np.abs(a)) / (1 + np.exp(-np.abs(a))) ** 2
    db0 = np.diag(slope) @ W1.T
    return db0 @ x[None, :], db0[:, 0], 1 / (1 + np.exp(-a))[None, :], np.array(1.0)


# %% attempt="symmetry.gradients" expect="wrong" mark=2 cause="activation derivative of the wrong form"
def gradients(W0, b0, W1, b1, x):
    z = sigmoid(W0 @ x + b0)
    below = W1[0] * z
    return np.outer(below, x), below, z[None, :], 1.0


# %% attempt="symmetry.gradients" expect="wrong" mark=2 cause="activation derivative forgotten"
def gradients(W0, b0, W1, b1, x):
    z = sigmoid(W0 @ x + b0)
    return np.outer(W1[0], x), W1[0].copy(), z[None, :], 1.0


# %% attempt="symmetry.gradients" expect="wrong" mark=3 cause="transposed, shape that only broadcasts"
def gradients(W0, b0, W1, b1, x):
    z = sigmoid(W0 @ x + b0)
    below = W1[0] * z * (1 - z)
    return np.outer(below, x), below, z[:, None], 1.0


# %% attempt="symmetry.gradients" expect="wrong" cause="whole matrix for its diagonal" mark=3
def gradients(W0, b0, W1, b1, x):
    z = sigmoid(W0 @ x + b0)
    column = z[:, None]
    as_printed = W1 * column * (1 - column)
    return np.outer(W1[0] * z * (1 - z), x), as_printed, column.T, 1.0


# %% attempt="symmetry.gradients" expect="wrong" mark=1 cause="zeros"
def gradients(W0, b0, W1, b1, x):
    return np.zeros(W0.shape), np.zeros(b0.shape), np.full(W1.shape, 0.5), 1.0


# %% [markdown]
# Now the answer to the prediction: the course's own `autodiff` takes the four gradients at zero, at two inputs $x$.

# %%
four = autodiff.grad(network, argnums=(0, 1, 2, 3))
one, other = (four(*zeros, x) for x in (np.array([1.0, -2.0]), np.array([7.0, 0.3])))
for name, at_one, at_other in zip(("dW0", "db0", "dW1", "db1"), one, other, strict=True):
    same = "the same" if np.array_equal(at_one, at_other) else "another one"
    print(f"{name} = {np.array(at_one).tolist()}; at the other x {same}")
reveal("symmetry.guess_dependence", "none" if all(map(np.array_equal, one, other)) else "all")

# %% [markdown]
# Note the shapes: the gradient in `W1` is a row of halves, like `W1` itself. Solutions in print often say just
# "$z = \tfrac12$", a column or even a number; in this course that counts as the wrong shape.
#
# ### Exercise `symmetry.printed` (2 points): find the errors in print

# %% show="symmetry.printed"
show("symmetry.printed")

# %% [markdown]
# Name the two wrong lines, for instance `printed = {"A", "B"}`.

# %% answer="symmetry.printed"
printed = None
### BEGIN SOLUTION
printed = {"C", "E"}
### END SOLUTION

# %% check="symmetry.printed"
check("symmetry.printed", printed)

# %% attempt="symmetry.printed" expect="right"
printed = "e, c"

# %% attempt="symmetry.printed" expect="wrong" mark=1 because="C is one. The other has an index too many."
printed = ["C"]

# %% attempt="symmetry.printed" expect="wrong" mark=1 because="E is one. Compare the rest with your gradients."
printed = {"E"}

# %% attempt="symmetry.printed" expect="wrong" mark=0 because="C is one. D is right: look at W1 in your code."
printed = {"C", "D"}

# %% [markdown]
# ### Exercise `symmetry.mended` (3 points, in words)
#
# Mend the two lines. For the first, say why it is wrong at zero, and give the gradient in $W^{(0)}$ at a start where
# all weights and biases are some other constant $c$. For the second, say what does belong to unit $i$.

# %% [markdown] prose="symmetry.mended"
# ### BEGIN SOLUTION
# At zero none of the four gradients depends on $x$: they are $\mathbf 0$, $\mathbf 0$, $\tfrac12 \mathbf 1^\top$ and
# $1$. The input enters only through the gradient in $W^{(0)}$, and there it is multiplied by $W^{(1)}_{1i} = 0$. With
# another constant $c$ all $z_i$ have one value $z = \sigma(c \sum_j x_j + c)$, and
#
# $$ \frac{\partial y}{\partial W^{(0)}} = c\, z (1 - z)\, \mathbf 1\, x^\top, $$
#
# which does depend on $x$; its rows are equal, its columns are not.
#
# $b^{(1)}$ is a single number and has no index. What belongs to unit $i$ is row $i$ of $W^{(0)}$, the bias $b^{(0)}_i$
# and the weight $W^{(1)}_{1i}$; those are equal for all $i$.
# ### END SOLUTION

# %% [markdown]
# Indices in print deserve distrust elsewhere, too: in the same solution the bias of unit $i$ stands as $b^{(0)_i}$,
# with the $i$ inside the superscript, where $b^{(0)}_i$ is meant. And the gradient in $W^{(0)}$ is printed as
# $[W^{(1)} \circ z \circ (1 - z)]\, x^\top$, in which $W^{(1)}$ is a row and $z$ a column: it lacks a transpose. At
# zero nobody notices.
#
# ## 2. A constant start: what is equal, and what is not
#
# Nothing here is special about zero. Let all weights and biases be $c$. **Example.** $c = 0.5$, three units, $x = (1,
# -2)$: every pre-activation is $0.5 \cdot 1 + 0.5 \cdot (-2) + 0.5 = 0$, every $z_i$ is $\tfrac12$, and $y = 3 \cdot
# 0.5 \cdot \tfrac12 + 0.5 = 1.25$. Here is what the units do with their pre-activations $a_1, a_2, a_3$, as a graph and
# as a table. The column *adjoint* holds the derivatives of $y$: equal values are followed by equal
# adjoints.


# %%
def three_units(a1, a2, a3):
    return 0.5 * autodiff.sigmoid(a1) + 0.5 * autodiff.sigmoid(a2) + 0.5 * autodiff.sigmoid(a3) + 0.5


draw.graph(three_units, 0.0, 0.0, 0.0, values=True)

# %%
draw.table(three_units, 0.0, 0.0, 0.0)

# %% [markdown]
# ### Exercise `symmetry.constant_output` (2 points, by hand)

# %% show="symmetry.constant_output"
task = show("symmetry.constant_output")
task

# %% answer="symmetry.constant_output"
constant_output = None
### BEGIN SOLUTION
c, x, units = task.given["c"], task.given["x"], task.given["units"]
constant_output = round(units * c * sigmoid(c * (np.sum(x) + 1)) + c, 3)
### END SOLUTION

# %% check="symmetry.constant_output"
check("symmetry.constant_output", constant_output)

# %% attempt="symmetry.constant_output" expect="right"
c, x, units = task.given["c"], task.given["x"], task.given["units"]
constant_output = np.array(np.round(c + units * c / (1 + np.exp(-c - c * sum(x))), 3))

# %% attempt="symmetry.constant_output" expect="wrong" cause="a known mistake"
c, x, units = task.given["c"], task.given["x"], task.given["units"]
constant_output = round(c * sigmoid(c * (np.sum(x) + 1)) + c, 3)

# %% attempt="symmetry.constant_output" expect="wrong" cause="a known mistake"
c, x, units = task.given["c"], task.given["x"], task.given["units"]
constant_output = round(units * c * sigmoid(c * (np.sum(x) + 1)), 3)

# %% attempt="symmetry.constant_output" expect="wrong" cause="a known mistake"
c, x, units = task.given["c"], task.given["x"], task.given["units"]
constant_output = round(units * c * sigmoid(c * np.sum(x)) + c, 3)

# %% [markdown]
# ### Exercise `symmetry.table` (8 points, by hand)
#
# Symmetry is not all or nothing. In this network units 1 and 3 are equal, and unit 2 is another one. Watch what the
# adjoints do.

# %% show="symmetry.table"
task = show("symmetry.table")
task

# %% [markdown]
# Write a row as `"a1": {"value": ..., "adjoint": ...}`. A slip costs its own place only: what follows from it is right.

# %% answer="symmetry.table"
table = None
### BEGIN SOLUTION
g = task.given
w, v = np.array([g["w1"], g["w2"], g["w3"]]), np.array([g["v1"], g["v2"], g["v3"]])
a = w * g["x"]
z = sigmoid(a)
y = v @ z
error = y - g["t"]
values = [*a, *z, y, 0.5 * error**2]
adjoints = [*(error * v * z * (1 - z)), *(error * v), error, 1.0]
rows = ("a1", "a2", "a3", "z1", "z2", "z3", "y", "L")
table = {
    row: {"value": round(value, 3), "adjoint": round(adjoint, 3)}
    for row, value, adjoint in zip(rows, values, adjoints, strict=True)
}
### END SOLUTION

# %% check="symmetry.table"
check("symmetry.table", table)

# %% attempt="symmetry.table" expect="right"
g = task.given
a = [g["w1"] * g["x"], g["w2"] * g["x"], g["w3"] * g["x"]]
z = [sigmoid(one) for one in a]
y = g["v1"] * z[0] + g["v2"] * z[1] + g["v3"] * z[2]
v = [g["v1"], g["v2"], g["v3"]]
back = [(y - g["t"]) * one for one in v]
first = [*a, *z, y, (y - g["t"]) ** 2 / 2]
second = [*(b * s * (1 - s) for b, s in zip(back, z, strict=True)), *back, y - g["t"], 1]
table = np.round([first, second], 4).T

# %% attempt="symmetry.table" expect="wrong" mark=6.5 cause="inner derivative forgotten"
g = task.given
w, v = np.array([g["w1"], g["w2"], g["w3"]]), np.array([g["v1"], g["v2"], g["v3"]])
a = w * g["x"]
z = sigmoid(a)
y = v @ z
error = y - g["t"]
first = [*a, *z, y, 0.5 * error**2]
table = np.round([first, [*(error * v), *(error * v), error, 1.0]], 3).T

# %% attempt="symmetry.table" expect="wrong" mark=7.5 cause="sign"
g = task.given
w, v = np.array([g["w1"], g["w2"], g["w3"]]), np.array([g["v1"], g["v2"], g["v3"]])
a = w * g["x"]
z = sigmoid(a)
y = v @ z
error = y - g["t"]
first = [*a, *z, y, 0.5 * error**2]
table = np.round([first, [*(-error * v * z * (1 - z)), *(-error * v), -error, 1.0]], 3).T

# %% attempt="symmetry.table" expect="wrong" mark=6.5 cause="another row used"
g = task.given
w, v = np.array([g["w1"], g["w2"], g["w3"]]), np.array([g["v1"], g["v2"], g["v3"]])
a = w * g["x"]
z = sigmoid(a)
y = v @ z
error = y - g["t"]
first = [*a, *z, y, 0.5 * error**2]
table = np.round([first, [*(error * v * z * (1 - z)), *(error * z), error, 1.0]], 3).T

# %% [markdown]
# ### Prediction `symmetry.guess_rows` (1 point)
#
# Equal units have equal adjoints, and so their parameters move alike. Next, a network with six hidden units and seven
# inputs starts with all weights and biases 0.5 and makes 200 steps of gradient descent on ten random samples. How many
# **different rows** has `W0` then? (6, if no two are equal.)

# %% answer="symmetry.guess_rows"
guess_rows = None
### BEGIN SOLUTION
guess_rows = 1
### END SOLUTION

# %% check="symmetry.guess_rows"
predict("symmetry.guess_rows", guess_rows)

# %% attempt="symmetry.guess_rows" expect="right"
guess_rows = 6.0

# %% attempt="symmetry.guess_rows" expect="wrong"
guess_rows = "all"

# %% attempt="symmetry.guess_rows" expect="wrong"
guess_rows = 2.5

# %% attempt="symmetry.guess_rows" expect="wrong"
guess_rows = [1, 6]

# %% [markdown]
# This is gradient descent on $L = \frac{1}{2n} \sum_k (y_k - t_k)^2$; the samples are the rows of $X$. Sums over
# samples, inputs and units are written as `einsum`: `"nd,hd->nh"` is $\sum_d X_{nd} W_{hd}$.


# %%
def descend(parameters, X, t, rates=0.5):
    """One step of gradient descent; `rates` is one step size, or one for each of W0, b0, W1, b1."""
    W0, b0, W1, b1 = parameters
    z = sigmoid(np.einsum("nd,hd->nh", X, W0) + b0)
    error = (np.einsum("nh,h->n", z, W1[0]) + b1 - t) / len(t)
    below = error[:, None] * W1 * z * (1 - z)
    slopes = (np.einsum("nh,nd->hd", below, X), below.sum(axis=0), np.einsum("n,nh->h", error, z)[None, :], error.sum())
    rates = np.broadcast_to(rates, 4)
    return tuple(value - rate * slope for value, rate, slope in zip(parameters, rates, slopes, strict=True))


def constant_start(units, inputs, c):
    return np.full((units, inputs), c), np.full(units, c), np.full((1, units), c), c


rng = np.random.default_rng(5)
X, t = rng.normal(size=(10, 7)), rng.normal(size=10)
parameters = constant_start(6, 7, 0.5)
kept = {}
for number in range(201):
    if number in (0, 1, 10, 200):
        kept[number] = parameters[0]
    parameters = descend(parameters, X, t)

fig, axes = plt.subplots(1, 4, figsize=(9, 2.4), sharey=True)
for ax, (number, W0) in zip(axes, kept.items(), strict=True):
    ax.imshow(W0, vmin=-1.5, vmax=1.5, cmap="RdBu")
    ax.set(title=f"after {number} step{'s' * (number != 1)}", xlabel="input", xticks=range(7), yticks=range(6))
axes[0].set_ylabel("hidden unit")
picture(
    fig,
    "W0 after 0, 1, 10 and 200 steps from a constant start, a square per entry. At first all squares have one colour; "
    "later every column has its own, and all rows are equal.",
)

# %%
reveal("symmetry.guess_rows", len(np.unique(kept[200], axis=0)))

# %% [markdown]
# ### Exercise `symmetry.what_is_equal` (2 points)
#
# What is true after any number of steps from a start with all weights and biases $c$, on samples in general? Hand in
# the set of all names that apply.
#
# - `z`: all hidden units have the same value, for every input;
# - `rows`: all rows of $W^{(0)}$ are equal;
# - `entries`: all entries of $W^{(0)}$ are equal;
# - `b0`: all entries of $b^{(0)}$ are equal;
# - `W1`: all entries of $W^{(1)}$ are equal;
# - `layers`: the entries of $b^{(0)}$ equal those of $W^{(1)}$.

# %% answer="symmetry.what_is_equal"
what_is_equal = None
### BEGIN SOLUTION
what_is_equal = {"z", "rows", "b0", "W1"}
### END SOLUTION

# %% check="symmetry.what_is_equal"
check("symmetry.what_is_equal", what_is_equal)

# %% attempt="symmetry.what_is_equal" expect="right"
what_is_equal = "W1, b0, rows, z"

# %% attempt="symmetry.what_is_equal" expect="wrong" mark=1.5 because="The entries of a row see different inputs x_j."
what_is_equal = {"z", "rows", "entries", "b0", "W1"}

# %% attempt="symmetry.what_is_equal" expect="wrong" mark=1.5 because="And the weights that lead out of the units?"
what_is_equal = {"z", "rows", "b0"}

# %% attempt="symmetry.what_is_equal" expect="wrong" mark=1 because="At the start, yes. Are all gradients equal?"
what_is_equal = {"z", "rows", "entries", "b0", "W1", "layers"}

# %% [markdown]
# ## 3. For ever: the induction
#
# A picture of 200 steps is no proof for all. The claim: **if at some step all hidden units have equal parameters, they
# have equal parameters after the next step.** Then a start with equal units settles it for every step.
#
# Another way to see it: number the hidden units in another order, and the network computes the same function. If two
# units are equal, exchanging them changes nothing at all, so gradient descent, which knows nothing but the function,
# cannot tell them apart.
#
# ### Exercise `symmetry.induction` (5 points, in words)
#
# Prove it, for the loss $L = \frac{1}{2n} \sum_k (y_k - t_k)^2$ and steps of any size $\eta$. Say precisely what is
# claimed for step $k$, where the start enters, and which property of the gradients carries the step from $k$ to $k+1$.
# Does the proof use the value of the constant? Does it use that the weights *within* a row are equal?

# %% [markdown] prose="symmetry.induction"
# ### BEGIN SOLUTION
# *Claim for $k$*: after $k$ steps, row $i$ of $W^{(0)}$, $b^{(0)}_i$ and $W^{(1)}_{1i}$ are the same for all $i$; call
# them $w$, $b$ and $v$. *Start*, $k = 0$: all are filled with one constant.
#
# *Step*. Let the claim hold for $k$. For every sample $x$ all pre-activations are $w \cdot x + b$, so all $z_i$ have
# one value $z$. The error at the output, $e = (y - t)/n$, has no index $i$. Of one sample the gradients are
#
# $$ \frac{\partial L}{\partial W^{(1)}_{1i}} = e\,z, \qquad \frac{\partial L}{\partial b^{(0)}_i} = e\,v\,z(1-z),
# \qquad \frac{\partial L}{\partial W^{(0)}_{ij}} = e\,v\,z(1-z)\,x_j . $$
#
# No right-hand side has an $i$; sums over samples have none either. So every unit subtracts the same numbers from the
# same numbers, and the claim holds for $k + 1$. By induction it holds for every $k$.
#
# The constant's value was not used, and neither that the entries of $w$ are equal: the gradient in $W^{(0)}_{ij}$ does
# depend on $j$, through $x_j$, so after one step they differ. What is needed is that the *units* start equal.
# ### END SOLUTION

# %% [markdown]
# ### Exercise `symmetry.moved` (2 points)
#
# Zero is a constant like any other as to symmetry; as to what moves at all, it is the worst.

# %% show="symmetry.moved"
task = show("symmetry.moved")
task

# %% answer="symmetry.moved"
moved = None
### BEGIN SOLUTION
moved = task.given["units"] + 1
### END SOLUTION

# %% check="symmetry.moved"
check("symmetry.moved", moved)

# %% attempt="symmetry.moved" expect="right"
moved = float(1 + task.given["units"])

# %% attempt="symmetry.moved" expect="wrong" cause="a known mistake"
moved = task.given["units"] * (task.given["inputs"] + 2) + 1

# %% attempt="symmetry.moved" expect="wrong" cause="a known mistake"
moved = task.given["units"]

# %% attempt="symmetry.moved" expect="wrong" cause="a known mistake"
moved = task.given["units"] * (task.given["inputs"] + 1)

# %% [markdown]
# ### Exercise `symmetry.stuck` (3 points)
#
# With the sigmoid, the output weights are no longer zero after the first step, and the second step reaches the first
# layer. With some activations in place of the sigmoid that never happens: from a start at zero only $b^{(1)}$ ever
# moves. With which? Hand in the set of all names that apply.
#
# - `sigmoid`: $1/(1 + e^{-a})$;
# - `tanh`: $\tanh(a)$;
# - `relu`: $\max(a, 0)$;
# - `softplus`: $\log(1 + e^a)$;
# - `sine`: $\sin(a)$.

# %% answer="symmetry.stuck"
stuck = None
### BEGIN SOLUTION
stuck = {"tanh", "relu", "sine"}
### END SOLUTION

# %% check="symmetry.stuck"
check("symmetry.stuck", stuck)

# %% attempt="symmetry.stuck" expect="right"
stuck = ["sine", "relu", "tanh"]

# %% attempt="symmetry.stuck" expect="wrong" mark=1 because="It is the value at 0 that counts, not the slope."
stuck = {"relu"}

# %% attempt="symmetry.stuck" expect="wrong" mark=1 because="The sigmoid is 1/2 at 0: its output weights move."
stuck = {"sigmoid", "tanh", "relu", "softplus", "sine"}

# %% attempt="symmetry.stuck" expect="wrong" mark=2 because="Another one on the list has the value 0 at 0."
stuck = {"tanh", "relu"}

# %% [markdown]
# ## 4. Then it is one unit
#
# A network whose units are equal has $h$ of them and uses one. **Example.** Three units with the row $w = (1, -1)$ and
# bias $0$, output weights $2$, $-0.5$ and $1$, $b^{(1)} = 3$. At $x = (0.4, 0.4)$ all three have the value $\tfrac12$:
#
# $$ y = 2 \cdot \tfrac12 - 0.5 \cdot \tfrac12 + 1 \cdot \tfrac12 + 3 = (2 - 0.5 + 1) \cdot \tfrac12 + 3 = 4.25 . $$
#
# The value was taken out of the sum; what remains is a network with one hidden unit, whose output weight is the **sum**
# of the three. This needs equal rows and equal $b^{(0)}_i$ only: the output weights may differ.

# %%
W0, b0, W1, b1 = np.array([[1.0, -1.0]] * 3), np.zeros(3), np.array([[2.0, -0.5, 1.0]]), 3.0
three, one = network(W0, b0, W1, b1, np.array([0.4, 0.4])), (2 - 0.5 + 1) * sigmoid(0.0) + 3
print(f"three units: {three}, one unit: {one}")

# %%
picture(network_picture(2, 1), "The equivalent network: two inputs, a single hidden unit, one output.")

# %% [markdown]
# ### Exercise `symmetry.one_unit` (2 points)
#
# All rows of `W0` are the vector `w`, all entries of `b0` are the number `b`; the output weights are the
# vector `v` (the row $W^{(1)}$), any $h$ numbers. Return $y$, and compute **one** sigmoid only.


# %% answer="symmetry.one_unit"
def one_unit(w, b, v, b1, x):
    ### BEGIN SOLUTION
    return v.sum() * sigmoid(w @ x + b) + b1
    ### END SOLUTION


# %% check="symmetry.one_unit"
check("symmetry.one_unit", one_unit)


# %% attempt="symmetry.one_unit" expect="right"
def one_unit(w, b, v, b1, x):
    return float(sum(weight / (1 + np.exp(-sum(w * x) - b)) for weight in v) + b1)


# %% attempt="symmetry.one_unit" expect="wrong" cause="mean for sum"
def one_unit(w, b, v, b1, x):
    return v.mean() * sigmoid(w @ x + b) + b1


# %% attempt="symmetry.one_unit" expect="wrong" cause="sign"
def one_unit(w, b, v, b1, x):
    return -(v.sum() * sigmoid(w @ x + b) + b1)


# %% attempt="symmetry.one_unit" expect="wrong" cause="a path or term dropped"
def one_unit(w, b, v, b1, x):
    return v.sum() * sigmoid(w @ x) + b1


# %% [markdown]
# ### Exercise `symmetry.graph` (3 points)
#
# Below is the graph of a network with one input $x$ and three hidden units that share the weight $w$ and the bias $b$;
# $v_1, v_2, v_3$ are the output weights and $c$ is the output's bias. It computes the same number three times. Draw the
# graph of the equivalent network with **one** hidden unit: nodes `a` (pre-activation), `z` (activation), `s` (output
# weight) and `y` (output), from the inputs `w`, `x`, `b`, `v1`, `v2`, `v3`, `c`. Formulas will do, one for each node,
# such as `{"a": "w * x + b", ...}`; the sigmoid is called `sigmoid`.


# %%
def three_equal_units(w, x, b, v1, v2, v3, c):
    return (v1 * autodiff.sigmoid(w * x + b) + v2 * autodiff.sigmoid(w * x + b) + v3 * autodiff.sigmoid(w * x + b)) + c


draw.graph(three_equal_units, 0.5, 3.0, -0.7, 2.0, -0.5, 1.0, 3.0)

# %% answer="symmetry.graph"
graph = None
### BEGIN SOLUTION
graph = {"a": "w * x + b", "z": "sigmoid(a)", "s": "v1 + v2 + v3", "y": "s * z + c"}
### END SOLUTION

# %% check="symmetry.graph"
check("symmetry.graph", graph)

# %% attempt="symmetry.graph" expect="right"
graph = "s = v3 + v2 + v1; a = b + x*w; z = sigmoid(a); y = c + z*s"

# %% attempt="symmetry.graph" expect="wrong" cause="operation" mark=0.4875
graph = {"a": "w * x + b", "z": "sigmoid(a)", "s": "(v1 + v2 + v3) / 3", "y": "s * z + c"}

# %% attempt="symmetry.graph" expect="wrong" cause="edge, uses" mark=1.8
graph = {"a": "w * x + b", "z": "sigmoid(a)", "y": "v1 * z + v2 * z + v3 * z + c"}

# %% attempt="symmetry.graph" expect="wrong" cause="operation" mark=0.4875
graph = {"a": "w * x + b", "z": "sigmoid(a)", "s": "v1 * v2 * v3", "y": "s * z + c"}

# %% [markdown]
# ### Exercise `symmetry.shared_row` (3 points)
#
# Two different questions are easily mixed up: how the loss changes with *one* row of `W0`, and how it changes with the
# vector `w` that *all* rows share. Here it is the second. For $L = \tfrac12 (y - t)^2$, with the same network as in
# `symmetry.one_unit`, return the gradients in `w` and in `b`, as a tuple `(dw, db)`.


# %% answer="symmetry.shared_row"
def shared_row(w, b, v, b1, x, t):
    ### BEGIN SOLUTION
    z = sigmoid(w @ x + b)
    error = v.sum() * z + b1 - t
    db = error * v.sum() * z * (1 - z)
    return db * x, db
    ### END SOLUTION


# %% check="symmetry.shared_row"
check("symmetry.shared_row", shared_row)


# %% attempt="symmetry.shared_row" expect="right"
def shared_row(w, b, v, b1, x, t):
    W0, b0 = np.tile(w, (v.size, 1)), np.full(v.size, b)
    z = sigmoid(W0 @ x + b0)
    below = (v @ z + b1 - t) * v * z * (1 - z)
    return np.outer(below, x).sum(axis=0), below.sum()


# %% attempt="symmetry.shared_row" expect="wrong" cause="mean for sum"
def shared_row(w, b, v, b1, x, t):
    z = sigmoid(w @ x + b)
    db = (v.sum() * z + b1 - t) * v.mean() * z * (1 - z)
    return db * x, db


# %% attempt="symmetry.shared_row" expect="wrong" cause="sign"
def shared_row(w, b, v, b1, x, t):
    z = sigmoid(w @ x + b)
    db = (t - v.sum() * z - b1) * v.sum() * z * (1 - z)
    return db * x, db


# %% attempt="symmetry.shared_row" expect="wrong" cause="activation derivative forgotten"
def shared_row(w, b, v, b1, x, t):
    z = sigmoid(w @ x + b)
    db = (v.sum() * z + b1 - t) * v.sum()
    return db * x, db


# %% [markdown]
# ### Exercise `symmetry.step_sizes` (2 points)
#
# The two networks can compute the same functions. That is not yet the same *training*. Let the big one, $h$ equal units
# with the output weight $v$ each, make a step of size $\eta$. With which step sizes does the small one, with the row
# $w$, the bias $b$ and the output weight $s = h\,v$, do the same? ($b^{(1)}$ has $\eta$ in both.)
#
# - `"same"`: $\eta$ for $w$ and $b$, $\eta$ for $s$;
# - `"up-down"`: $h\eta$ for $w$ and $b$, $\eta/h$ for $s$;
# - `"down-up"`: $\eta/h$ for $w$ and $b$, $h\eta$ for $s$;
# - `"down-down"`: $\eta/h$ for all three.

# %% answer="symmetry.step_sizes"
step_sizes = None
### BEGIN SOLUTION
step_sizes = "down-up"
### END SOLUTION

# %% check="symmetry.step_sizes"
check("symmetry.step_sizes", step_sizes)

# %% attempt="symmetry.step_sizes" expect="right"
step_sizes = ["Down-Up"]

# %% attempt="symmetry.step_sizes" expect="wrong" because="But s is a sum of h weights, and each of them moves."
step_sizes = "same"

# %% attempt="symmetry.step_sizes" expect="wrong" because="The other way round: h equal changes are summed."
step_sizes = "up-down"

# %% attempt="symmetry.step_sizes" expect="wrong" because="Right for w and b. But s is a sum of h weights."
step_sizes = "down-down"

# %% [markdown]
# ## 5. Test where mistakes show
#
# Zero is a bad place to start learning, and a bad place to **test** a gradient. **Example.** Two people implement the
# gradient in $W^{(0)}$; one forgot the factor $1 - z$. At zero both are right:

# %%
x = np.array([1.0, -2.0])
for c in (0.0, 0.5):
    W0, b0, W1, b1 = constant_start(3, 2, c)
    z = sigmoid(W0 @ x + b0)
    right, wrong = np.outer(W1[0] * z * (1 - z), x), np.outer(W1[0] * z, x)
    print(f"c = {c}: first rows {right[0] + 0.0} and {wrong[0] + 0.0}")

# %% [markdown]
# A factor 0 makes everything right that it is multiplied with. So test at points without zeros, without ones, and
# without symmetry.
#
# ### Exercise `symmetry.bug` (4 points)
#
# This code passed a test at zero weights. Find the line and mend it; hand in both.

# %% show="symmetry.bug"
show("symmetry.bug")


# %% answer="symmetry.bug"
def loss_gradients(W0, b0, W1, b1, X, t):
    z = np.tanh(X @ W0.T + b0)
    error = (z @ W1[0] + b1 - t) / len(t)
    below = np.outer(error, W1) * (1 - z)
    dW0 = below.T @ X
    db0 = below.sum(axis=0)
    dW1 = (error @ z)[None, :]
    db1 = error.sum()
    return dW0, db0, dW1, db1


line = None
### BEGIN SOLUTION
line = 4


def loss_gradients(W0, b0, W1, b1, X, t):
    z = np.tanh(X @ W0.T + b0)
    error = (z @ W1[0] + b1 - t) / len(t)
    below = np.outer(error, W1) * (1 - z**2)
    dW0 = below.T @ X
    db0 = below.sum(axis=0)
    dW1 = (error @ z)[None, :]
    db1 = error.sum()
    return dW0, db0, dW1, db1


### END SOLUTION

# %% check="symmetry.bug"
check("symmetry.bug", loss_gradients, line=line)

# %% attempt="symmetry.bug" expect="right"
line = "line 4"


def loss_gradients(W0, b0, W1, b1, X, t):
    a = X @ W0.T + b0
    error = (np.tanh(a) @ W1.T + b1 - t[:, None]) / len(t)
    below = error * W1 / np.cosh(a) ** 2
    return below.T @ X, below.T @ np.ones(len(t)), error.T @ np.tanh(a), np.sum(error)


# %% attempt="symmetry.bug" expect="wrong" mark=2 because="The mean over the samples is as it should be."
line = 3


def loss_gradients(W0, b0, W1, b1, X, t):
    z = np.tanh(X @ W0.T + b0)
    error = (z @ W1[0] + b1 - t) / len(t)
    below = np.outer(error, W1) * (1 - z**2)
    return below.T @ X, below.sum(axis=0), (error @ z)[None, :], error.sum()


# %% attempt="symmetry.bug" expect="wrong" mark=3 cause="activation derivative of the wrong form"
line = 4


def loss_gradients(W0, b0, W1, b1, X, t):
    z = np.tanh(X @ W0.T + b0)
    error = (z @ W1[0] + b1 - t) / len(t)
    below = np.outer(error, W1) * z * (1 - z)
    return below.T @ X, below.sum(axis=0), (error @ z)[None, :], error.sum()


# %% attempt="symmetry.bug" expect="wrong" mark=3 cause="activation derivative forgotten"
line = 4


def loss_gradients(W0, b0, W1, b1, X, t):
    z = np.tanh(X @ W0.T + b0)
    error = (z @ W1[0] + b1 - t) / len(t)
    below = np.outer(error, W1)
    return below.T @ X, below.sum(axis=0), (error @ z)[None, :], error.sum()


# %% attempt="symmetry.bug" expect="wrong" mark=2 cause="sum for mean"
line = 4


def loss_gradients(W0, b0, W1, b1, X, t):
    z = np.tanh(X @ W0.T + b0)
    error = z @ W1[0] + b1 - t
    below = np.outer(error, W1) * (1 - z**2)
    return below.T @ X, below.sum(axis=0), (error @ z)[None, :], error.sum()


# %% [markdown]
# ## 6. Breaking the symmetry
#
# The induction says how to break it: some unit must get a number that another unit does not get. **Example.** Three
# units, two inputs, eight samples in the plane. Each line is the path of one unit's row of $W^{(0)}$ during 300 steps,
# from the dot to the cross. From the constant start there are three lines too, one upon the other.

# %%
rng = np.random.default_rng(3)
X = rng.normal(size=(8, 2))
t = np.where(X[:, 0] * X[:, 1] > 0, 1.0, -1.0)
constant = constant_start(3, 2, 0.5)
starts = {"constant start": constant, "random rows": (rng.normal(size=(3, 2)), *constant[1:])}
fig, axes = plt.subplots(1, 2, figsize=(8, 3.2))
for ax, (name, parameters) in zip(axes, starts.items(), strict=True):
    path = [parameters[0]]
    for _ in range(300):
        parameters = descend(parameters, X, t)
        path.append(parameters[0])
    path = np.array(path)
    for unit, style in enumerate(("-", "--", ":")):
        first, second = path[:, unit].T
        ax.plot(first, second, style, color=f"C{unit}", linewidth=4 - unit, label=f"unit {unit + 1}")
        ax.scatter(*path[0, unit], color=f"C{unit}")
        ax.scatter(*path[-1, unit], color=f"C{unit}", marker="x")
    ax.set(title=name, xlabel="weight of input 1", ylabel="weight of input 2")
    ax.legend()
fig.tight_layout()
picture(
    fig,
    "The paths of three units' weights in the plane. From a constant start the three paths are one. From random rows "
    "they begin apart and stay apart.",
)

# %% [markdown]
# ### Exercise `symmetry.breaks` (3 points)
#
# Each of the following changes one thing about a constant start with $c = 0.5$, sigmoid units and gradient descent.
# After which can the hidden units become different? Hand in the set of all names that apply.
#
# - `b0`: $b^{(0)}$ starts with random numbers;
# - `W1`: $W^{(1)}$ starts with random numbers;
# - `b1`: $b^{(1)}$ starts with a random number;
# - `batches`: each step uses other samples, drawn at random;
# - `dropout`: in each step every hidden unit is left out with probability ½, each by a coin of its own;
# - `momentum`: each step adds nine tenths of the step before it (gradient descent with momentum);
# - `noise`: random numbers are added to the inputs $x$ in each step.

# %% answer="symmetry.breaks"
breaks = None
### BEGIN SOLUTION
breaks = {"b0", "W1", "dropout"}
### END SOLUTION

# %% check="symmetry.breaks"
check("symmetry.breaks", breaks)

# %% attempt="symmetry.breaks" expect="right"
breaks = "dropout W1 b0"

# %% attempt="symmetry.breaks" expect="wrong" mark=2 because="Random samples are the same for all units."
breaks = {"b0", "W1", "dropout", "batches"}

# %% attempt="symmetry.breaks" expect="wrong" mark=1 because="One layer is enough; and not only a start can."
breaks = {"b0"}

# %% attempt="symmetry.breaks" expect="wrong" mark=2 because="b1 is one number and belongs to no unit."
breaks = {"b0", "b1", "W1", "dropout"}

# %% [markdown]
# ### Exercise `symmetry.relu` (3 points)
#
# For the sigmoid, random $W^{(1)}$ are enough. For the ReLU it depends on the first layer. Let
# $y = W^{(1)}\,\mathrm{ReLU}(W^{(0)} x + b^{(0)})$. Return the gradients in `W0` and `W1` as a tuple `(dW0, dW1)`, with
# the course's convention for the slope at 0. One of the points at which your function is asked has $W^{(0)} = 0$,
# $b^{(0)} = 0$ and random $W^{(1)}$: look at what it returns there, and you know whether such a start can ever learn.


# %% answer="symmetry.relu"
def relu(W0, b0, W1, x):
    ### BEGIN SOLUTION
    a = W0 @ x + b0
    return np.outer(W1[0] * (a > 0), x), np.maximum(a, 0)[None, :]
    ### END SOLUTION


# %% check="symmetry.relu"
check("symmetry.relu", relu)


# %% attempt="symmetry.relu" expect="right"
def relu(W0, b0, W1, x):
    dW0, dW1 = np.zeros(W0.shape), np.zeros(W1.shape)
    for unit in range(len(W0)):
        a = W0[unit] @ x + b0[unit]
        if a > 0:
            dW0[unit], dW1[0, unit] = W1[0, unit] * x, a
    return dW0, dW1


# %% attempt="symmetry.relu" expect="wrong" mark=1.5 cause="another subgradient at a kink"
def relu(W0, b0, W1, x):
    a = W0 @ x + b0
    return np.outer(W1[0] * (a >= 0), x), np.maximum(a, 0)[None, :]


# %% attempt="symmetry.relu" expect="wrong" mark=1.5 cause="activation derivative forgotten"
def relu(W0, b0, W1, x):
    a = W0 @ x + b0
    return np.outer(W1[0], x), np.maximum(a, 0)[None, :]


# %% attempt="symmetry.relu" expect="wrong" mark=1.5 cause="ReLU mask from the wrong quantity"
def relu(W0, b0, W1, x):
    a = W0 @ x + b0
    return np.outer(W1[0] * (W1[0] > 0), x), np.maximum(a, 0)[None, :]


# %% attempt="symmetry.relu" expect="wrong" mark=1.5 cause="transposed, shape that only broadcasts"
def relu(W0, b0, W1, x):
    a = W0 @ x + b0
    return np.outer(W1[0] * (a > 0), x), np.maximum(a, 0)[:, None]


# %% [markdown]
# ## 7. The experiment: digits
#
# `digits.csv` holds 800 handwritten digits of $8 \times 8$ pixels; its first lines say where they are from (*Optical
# Recognition of Handwritten Digits*, UCI Machine Learning Repository, licence CC BY 4.0). The task: tell the team 0, 1,
# 6, 7, 9 from the team 2, 3, 4, 5, 8. The teams have no deeper meaning. They are chosen because one hidden unit, which
# can only divide the space of all pictures by one plane, is bad at it. The network learns from 500 digits; 300 are held
# out.

# %%
digits = np.loadtxt("digits.csv", delimiter=",")
pixels, labels = digits[:, :64] / 16, digits[:, 64].astype(int)
targets = np.where(np.isin(labels, [0, 1, 6, 7, 9]), 1.0, -1.0)
fig, axes = plt.subplots(1, 10, figsize=(9, 1.3))
for digit, ax in enumerate(axes):
    first = np.flatnonzero(labels == digit)[0]
    ax.imshow(pixels[first].reshape(8, 8), cmap="gray_r")
    ax.set_title(f"{digit}: {targets[first]:+.0f}")
    ax.axis("off")
picture(fig, "One handwritten digit of each kind, 0 to 9, with its target: +1 for 0, 1, 6, 7, 9 and -1 for the others.")

# %% [markdown]
# Three starts for six hidden units, and a network with a single one:
#
# - **constant**: all weights and biases 0.05 (step size 0.3 in all runs);
# - **one unit**: the equivalent network, with the step sizes from `symmetry.step_sizes`;
# - **nearly constant**: 0.05, plus random numbers of size $10^{-6}$ in $W^{(0)}$;
# - **random**: random numbers in $W^{(0)}$, of size $1/8$.
#
# ### Prediction `symmetry.guess_noise` (1 point)
#
# What becomes of the differences of size $10^{-6}$ between the units in the course of 6000 steps?
#
# - `"back"`: the units become equal again;
# - `"same"`: the differences stay as small as they are;
# - `"apart"`: they grow, until the units are as different as from a random start.

# %% answer="symmetry.guess_noise"
guess_noise = None
### BEGIN SOLUTION
guess_noise = "apart"
### END SOLUTION

# %% check="symmetry.guess_noise"
predict("symmetry.guess_noise", guess_noise)

# %% attempt="symmetry.guess_noise" expect="right"
guess_noise = "Back"

# %% attempt="symmetry.guess_noise" expect="wrong"
guess_noise = "they grow"

# %% attempt="symmetry.guess_noise" expect="wrong"
guess_noise = 1e-6

# %% attempt="symmetry.guess_noise" expect="wrong"
guess_noise = ["same", "apart"]


# %%
def outputs(parameters, X):
    W0, b0, W1, b1 = parameters
    return np.einsum("nh,h->n", sigmoid(np.einsum("nd,hd->nh", X, W0) + b0), W1[0]) + b1


def train(parameters, rates=0.3, steps=6000):
    """Every 20 steps the loss and the largest difference between two units; and the parameters at the end."""
    losses, differences = [], []
    for number in range(steps + 1):
        if number % 20 == 0:
            losses.append(0.5 * np.mean((outputs(parameters, pixels[:500]) - targets[:500]) ** 2))
            differences.append(np.ptp(parameters[0], axis=0).max())
        parameters = descend(parameters, pixels[:500], targets[:500], rates)
    return losses, differences, parameters


h, d, c = 6, 64, 0.05
rng = np.random.default_rng(1)
W0, b0, W1, b1 = constant_start(h, d, c)
runs = {
    "constant": train((W0, b0, W1, b1)),
    "one unit": train((W0[:1], b0[:1], h * W1[:, :1], b1), rates=(0.3 / h, 0.3 / h, 0.3 * h, 0.3)),
    "nearly constant": train((W0 + 1e-6 * rng.normal(size=(h, d)), b0, W1, b1)),
    "random": train((rng.normal(size=(h, d)) / 8, b0, W1, b1)),
}
for name, (losses, _, parameters) in runs.items():
    hits = np.mean(np.sign(outputs(parameters, pixels[500:])) == targets[500:])
    rows = len(np.unique(parameters[0].round(6), axis=0))
    print(f"{name:16} loss {losses[-1]:.3f}, {hits:.0%} of the held-out digits right, different rows of W0: {rows}")

# %%
styles = {"constant": "-", "one unit": "--", "nearly constant": "-.", "random": ":"}
steps = 20 * np.arange(len(runs["random"][0]))
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
for number, (name, (losses, differences, _)) in enumerate(runs.items()):
    look = {"linestyle": styles[name], "color": f"C{number}", "linewidth": 4 if name == "constant" else 2}
    left.plot(steps, losses, label=name, **look)
    if max(differences) > 0:
        right.semilogy(steps, differences, label=name, **look)
left.set(xlabel="step", ylabel="loss", title="The loss")
right.set(xlabel="step", title="Largest difference between units (constant: 0)")
left.legend()
right.legend()
fig.tight_layout()
picture(
    fig,
    "Left: the loss during 6000 steps. The constant start and the one unit have the same curve, which levels off "
    "high; the random start goes far lower; the nearly constant start follows the first for 4000 steps and then drops "
    "towards the other. Right, on a logarithmic axis: the largest difference between units; from a few millionths it "
    "grows all the time, from step 2500 on in a nearly straight line, until it is as large as after a random start.",
)

# %% [markdown]
# What the hidden units look for: each picture is one row of `W0`, as $8 \times 8$ pixels. Blue pixels push the unit up,
# red ones down.

# %%
fig, axes = plt.subplots(3, h, figsize=(8, 4.4))
for line_of_axes, name in zip(axes, ("constant", "nearly constant", "random"), strict=True):
    W0 = runs[name][2][0]
    for ax, row in zip(line_of_axes, W0, strict=True):
        ax.imshow(row.reshape(8, 8), cmap="RdBu", vmin=-np.abs(W0).max(), vmax=np.abs(W0).max())
        ax.set(xticks=[], yticks=[])
    line_of_axes[0].set_ylabel(name)
fig.tight_layout()
picture(
    fig,
    "The rows of W0 after training, as pictures, for three starts. From the constant start all six are the same "
    "picture; from the two others no two are alike.",
)

# %%
difference = runs["nearly constant"][1][-1]
reveal("symmetry.guess_noise", "apart" if difference > 0.1 else "same" if difference > 1e-7 else "back")

# %% [markdown]
# **A remark on rounding.** That the difference is *exactly* zero is owed to `einsum`, which treats all rows alike. A
# fast matrix product may add up the numbers of one unit in another order than those of the next; the results then
# differ in the last digit, by $10^{-16}$ or so, and such a difference grows like the one above. Symmetry is a matter of
# exact arithmetic; nobody should rely on rounding to break it.
#
# ### Exercise `symmetry.experiment` (4 points, in words)
#
# Describe what you see and explain it by what you have proved: (a) the curves of the constant start and of the one
# unit; (b) the pictures of the rows; (c) the way of the nearly constant start, in both plots; (d) what you conclude for
# initialising a network. Change a number in the cells above if you like to know more: the constant, the size of the
# noise.

# %% [markdown] prose="symmetry.experiment"
# ### BEGIN SOLUTION
# (a) The two curves lie upon each other: six equal units are one unit with the sum of their output weights, and with
# step sizes $\eta/h$ for $w$, $b$ and $h\eta$ for $s$ it makes the same steps. Six times the work buys nothing. (b)
# From the constant start the six rows are one picture, by the induction. The pixels within it differ, since each weight
# is moved by its own input. From the other starts each unit looks for something of its own. (c) The equal units are no
# stable state: small differences grow, over long stretches by about the same factor in each step, which is a straight
# line on the logarithmic axis. While they are small, the loss follows that of one unit; when they have grown to the
# size of the weights themselves, the units share the work, and the loss drops. (d) Start with random weights in the
# first layer, of a size at which the units do differ. Then there is nothing to wait for, and the held-out digits are
# recognised far better.
# ### END SOLUTION

# %% [markdown]
# ## What to take along
#
# - Equal units get equal gradients and stay equal, after any number of steps, from any constant: an induction.
# - Equal are the *units*: rows of $W^{(0)}$, entries of $b^{(0)}$ and of $W^{(1)}$. The entries of one row are not.
# - $h$ equal units can do what one unit can, with the sum of the output weights; under gradient descent that one unit
#   needs other step sizes to go the same way.
# - At zero, with an activation that is 0 there, nothing but $b^{(1)}$ ever moves; and many wrong gradients are right.
# - What is the same for all units, however random, does not break the symmetry. Random weights in a layer do.

# %%
progress()
