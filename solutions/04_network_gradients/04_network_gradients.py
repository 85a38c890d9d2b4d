# %% [markdown]
# # Sheet 4: gradients of networks
#
# Three networks, each a little larger than the one before. For every one of them you find all gradients yourself, and
# the last one you train with them, on real data. Several formulas on this sheet were published with mistakes in them:
# you find these, say why they are wrong, and mend them. Plan 130 to 150 minutes; after section 2 is a good place for
# a break.
#
# **After this sheet you can**
#
# 1. differentiate a network with one hidden layer in all its parameters (`net.small`, `net.outer`, `net.inner`), and
#    see at the shapes that a printed formula cannot be right (`net.bias_shape`, `net.misprint`, `net.layouts`);
# 2. draw a network as a graph of vectors and write one adjoint per function (`net.graph`, `net.y_bar`, `net.h_bar`,
#    `net.z_bar`, `net.x_bar`, `net.misprint_factor`), and get from adjoints to parameters (`net.parameters`), also
#    where a matrix is used twice (`net.tied`);
# 3. treat biases as rows of the weights (`net.edges`, `net.price`, `net.loss_graph`, `net.switched_on`);
# 4. go back through every step of such a network (`net.E_bar`, `net.W2_bar`, `net.B_bar`, `net.gradients`), also the
#    one through concatenation (`net.selector`, `net.C_bar`), and mend a published derivation (`net.misprints`,
#    `net.mended`, `net.added`);
# 5. train a network with gradients of your own (`net.trained`).
#
# **The convention.** A gradient has the shape of its variable; a Jacobian has output axes first; in a batch, rows are
# samples; the slope of the ReLU at 0 is 0. A bar means "derivative of the result in this": $\bar h = \partial L /
# \partial h$, and like every gradient it has the shape of $h$. Write NumPy, and do not change the arguments that you
# are given.

# %% setup=true
from itertools import product

import matplotlib.pyplot as plt
import numpy as np

from autodiff import show as draw
from autodiff import sigmoid
from grading.notebook import check, compare, hint, open_sheet, picture, practice, predict, progress, reveal, show

open_sheet("04_network_gradients")

# %% [markdown]
# Stuck? `hint(id, 1)` says where to look, 2 which rule, 3 nearly the answer; hints cost nothing. If you cannot find a
# mistake in a function, add a cell with `compare`, such as `compare("net.x_bar", x_bar)`: it sets your lines beside the
# course's own and marks the first adjoint that you do not have.

# %%
hint("net.small", 1)

# %% [markdown]
# ## 1. One hidden layer
#
# The network takes a vector $x$ with $d$ entries to one number:
#
# $$ a = W_0 x + b_0, \qquad z = \sigma(a), \qquad y = W_1 z + b_1, $$
#
# with $W_0$ of shape $h \times d$, $b_0$ with $h$ entries, $W_1$ of shape $1 \times h$ (one row: one output) and a
# number $b_1$. $\sigma(a) = 1/(1 + e^{-a})$ is the sigmoid; its slope can be written in its value, $\sigma' = z(1-z)$.
#
# **Example.** One input, one hidden unit: $y = u\,\sigma(w x + b) + c$ at $x = 2$, $w = 0.5$, $b = -1$, $u = 3$,
# $c = 0.2$. Forward: $wx + b = 0$, $z = 0.5$, $y = 1.7$. Back: $\bar z = u = 3$; through the sigmoid
# $3 \cdot z(1-z) = 0.75$, which is $\bar b$, and $\bar w = 0.75 \cdot x = 1.5$. The output's weight has $\bar u = z =
# 0.5$. Find each of these numbers in the table, and the values in the picture:


# %%
def one_unit(x, w, b, u, c):
    return u * sigmoid(w * x + b) + c


draw.table(one_unit, 2.0, 0.5, -1.0, 3.0, 0.2)

# %%
draw.graph(one_unit, 2.0, 0.5, -1.0, 3.0, 0.2, values=True)

# %% [markdown]
# ### Exercise `net.small` (5 points)
#
# Now two units, by hand, with numbers of your own. Two inputs reach two units: $a_1 = w_{11} x_1 + w_{12} x_2$ and
# $a_2 = w_{21} x_1 + w_{22} x_2$, then $z_i = \sigma(a_i)$ and $y = u_1 z_1 + u_2 z_2$. A table is handed in as
# `{"a1": {"value": 0.123, "adjoint": -0.456}, ...}`.

# %% show="net.small"
task = show("net.small")
task

# %% answer="net.small"
small = None
### BEGIN SOLUTION
x1, x2, w11, w12, w21, w22, u1, u2 = task.given.values()
a1, a2 = w11 * x1 + w12 * x2, w21 * x1 + w22 * x2
z1, z2 = 1 / (1 + np.exp(-a1)), 1 / (1 + np.exp(-a2))
small = {
    "a1": {"value": round(a1, 3), "adjoint": round(u1 * z1 * (1 - z1), 3)},
    "a2": {"value": round(a2, 3), "adjoint": round(u2 * z2 * (1 - z2), 3)},
    "z1": {"value": round(z1, 3), "adjoint": u1},
    "z2": {"value": round(z2, 3), "adjoint": u2},
    "y": {"value": round(u1 * z1 + u2 * z2, 3), "adjoint": 1},
}
### END SOLUTION

# %% check="net.small"
check("net.small", small)

# %% attempt="net.small" expect="right"
x1, x2, w11, w12, w21, w22, u1, u2 = task.given.values()
a1, a2 = w11 * x1 + w12 * x2, w21 * x1 + w22 * x2
z1, z2 = 1 / (1 + np.exp(-a1)), 1 / (1 + np.exp(-a2))
values, slopes = [a1, a2, z1, z2, u1 * z1 + u2 * z2], [u1 * z1 * (1 - z1), u2 * z2 * (1 - z2), u1, u2, 1]
small = np.round(np.transpose([values, slopes]), 3)

# %% attempt="net.small" expect="wrong" mark=4 cause="inner derivative forgotten"
x1, x2, w11, w12, w21, w22, u1, u2 = task.given.values()
a1, a2 = w11 * x1 + w12 * x2, w21 * x1 + w22 * x2
z1, z2 = 1 / (1 + np.exp(-a1)), 1 / (1 + np.exp(-a2))
values, slopes = [a1, a2, z1, z2, u1 * z1 + u2 * z2], [u1, u2, u1, u2, 1]
small = np.round(np.transpose([values, slopes]), 3)

# %% attempt="net.small" expect="wrong" mark=4.5 cause="sign"
x1, x2, w11, w12, w21, w22, u1, u2 = task.given.values()
a1, a2 = w11 * x1 + w12 * x2, w21 * x1 + w22 * x2
z1, z2 = 1 / (1 + np.exp(-a1)), 1 / (1 + np.exp(-a2))
values, slopes = [a1, a2, z1, z2, u1 * z1 + u2 * z2], [-u1 * z1 * (1 - z1), u2 * z2 * (1 - z2), u1, u2, 1]
small = np.round(np.transpose([values, slopes]), 3)

# %% attempt="net.small" expect="wrong" mark=4 cause="the value instead of its derivative"
x1, x2, w11, w12, w21, w22, u1, u2 = task.given.values()
a1, a2 = w11 * x1 + w12 * x2, w21 * x1 + w22 * x2
z1, z2 = 1 / (1 + np.exp(-a1)), 1 / (1 + np.exp(-a2))
values, slopes = [a1, a2, z1, z2, u1 * z1 + u2 * z2], [u1 * z1 * (1 - z1), u2 * z2 * (1 - z2), z1, z2, 1]
small = np.round(np.transpose([values, slopes]), 3)

# %% [markdown]
# The adjoints of $a_1$ and $a_2$ are what biases of these units would have as gradients, and the gradient in $w_{ij}$
# is $\bar a_i x_j$. With that, all gradients of any such network are within reach.
#
# ### Exercise `net.outer` (2 points)
#
# For the network with $d$ inputs and $h$ units, return the gradients of $y$ in $W_1$ and in $b_1$, as a tuple
# `(dW1, db1)`. Mind the shape of $W_1$.


# %% answer="net.outer"
def outer(W0, b0, W1, b1, x):
    ### BEGIN SOLUTION
    z = 1 / (1 + np.exp(-(W0 @ x + b0)))
    return z[None, :], 1.0
    ### END SOLUTION


# %% check="net.outer"
check("net.outer", outer)


# %% attempt="net.outer" expect="right"
def outer(W0, b0, W1, b1, x):
    return [[[sigmoid(a) for a in W0 @ x + b0]], 1]


# %% attempt="net.outer" expect="wrong" mark=1 cause="transposed, shape that only broadcasts"
def outer(W0, b0, W1, b1, x):
    z = 1 / (1 + np.exp(-(W0 @ x + b0)))
    return z[:, None], 1.0


# %% attempt="net.outer" expect="wrong" mark=1 cause="shape that only broadcasts"
def outer(W0, b0, W1, b1, x):
    z = 1 / (1 + np.exp(-(W0 @ x + b0)))
    return z, 1.0


# %% attempt="net.outer" expect="wrong" mark=1 cause="an input returned"
def outer(W0, b0, W1, b1, x):
    return W1, 1.0


# %% [markdown]
# ### Exercise `net.inner` (4 points)
#
# Return the gradients of $y$ in $W_0$ and in $b_0$, as a tuple `(dW0, db0)`. By way of $y = W_1 z + b_1$ the derivative
# of $y$ in $z$ is the row $W_1$. Row $i$ of $W_0$ and entry $i$ of $b_0$ act on $y$ through $z_i$ alone, so start with
# one unit: by the chain rule,
#
# $$ \frac{\partial y}{\partial (W_0)_{ij}} = (W_1)_{1i}\; z_i (1 - z_i)\; x_j . $$


# %% answer="net.inner"
def inner(W0, b0, W1, b1, x):
    ### BEGIN SOLUTION
    z = 1 / (1 + np.exp(-(W0 @ x + b0)))
    db0 = W1[0] * z * (1 - z)
    return np.outer(db0, x), db0
    ### END SOLUTION


# %% check="net.inner"
check("net.inner", inner)


# %% attempt="net.inner" expect="right"
def inner(W0, b0, W1, b1, x):
    z = 1 / (1 + np.exp(-(W0 @ x + b0)))
    return np.einsum("ui,i,i,j->ij", W1, z, 1 - z, x), (W1 @ np.diag(z * (1 - z))).ravel()


# %% attempt="net.inner" expect="wrong" cause="activation derivative of the wrong form"
def inner(W0, b0, W1, b1, x):
    z = 1 / (1 + np.exp(-(W0 @ x + b0)))
    db0 = W1[0] * z
    return np.outer(db0, x), db0


# %% attempt="net.inner" expect="wrong" cause="activation derivative forgotten"
def inner(W0, b0, W1, b1, x):
    db0 = W1[0]
    return np.outer(db0, x), db0


# %% attempt="net.inner" expect="wrong" mark=2 cause="transposed"
def inner(W0, b0, W1, b1, x):
    z = 1 / (1 + np.exp(-(W0 @ x + b0)))
    db0 = W1[0] * z * (1 - z)
    return np.outer(x, db0), db0


# %% attempt="net.inner" expect="wrong" cause="whole matrix for its diagonal, summed too much"
def inner(W0, b0, W1, b1, x):
    z = 1 / (1 + np.exp(-(W0 @ x + b0)))
    z = z[:, None]
    db0 = W1 * z * (1 - z)
    return db0 @ np.outer(np.ones(len(z)), x), db0


# %% attempt="net.inner" expect="wrong" cause="inner derivative forgotten"
def inner(W0, b0, W1, b1, x):
    z = 1 / (1 + np.exp(-(W0 @ x + b0)))
    db0 = z * (1 - z)
    return np.outer(db0, x), db0


# %% [markdown]
# ### Find the error in print
#
# A published solution to this very task has, with $W_1$ a row ($1 \times h$) and $z$ a column ($h \times 1$),
#
# $$ \frac{\partial y}{\partial b_0} = W_1 \circ z \circ (1 - z), \qquad
# \frac{\partial y}{\partial W_0} = [\,W_1 \circ z \circ (1 - z)\,]\, x^T, \qquad
# \frac{\partial y}{\partial W_1} = z , $$
#
# where $\circ$ multiplies entry by entry. What does NumPy do if one types in the first as it stands?
#
# ### Exercise `net.bias_shape` (1 point, a prediction)
#
# Let $h = 6$. `W1` has the shape `(1, 6)` and `z` the shape `(6, 1)`. Before you run anything: what is the shape of
# `W1 * z * (1 - z)`? Predictions earn their point whether they come true or not.

# %% answer="net.bias_shape"
bias_shape = None
### BEGIN SOLUTION
bias_shape = (6, 1)
### END SOLUTION

# %% check="net.bias_shape"
predict("net.bias_shape", bias_shape)

# %% attempt="net.bias_shape" expect="right"
bias_shape = (6, 6)

# %% attempt="net.bias_shape" expect="wrong"
bias_shape = "six"

# %% attempt="net.bias_shape" expect="wrong"
bias_shape = (6, -1)

# %% attempt="net.bias_shape" expect="wrong"
bias_shape = 2.5

# %%
rng = np.random.default_rng(4)
W1, z = rng.normal(size=(1, 6)), rng.uniform(size=(6, 1))
reveal("net.bias_shape", (W1 * z * (1 - z)).shape)

# %% [markdown]
# No error, and not even close to a gradient with $h$ entries: NumPy stretches a row and a column against each other.
# A missing transpose can be silent.
#
# ### Exercise `net.misprint` (1 point)
#
# Which of these is the gradient in $W_0$, of shape $h \times d$, with $z$ and $x$ as columns?
#
# - **a**: $[W_1 \circ z \circ (1-z)]\, x^T$, as printed
# - **b**: $[W_1^T \circ z \circ (1-z)]\, x^T$
# - **c**: $x\, [W_1^T \circ z \circ (1-z)]^T$
# - **d**: $W_1^T\, [z \circ (1-z)]^T\, x$

# %% answer="net.misprint"
misprint = None
### BEGIN SOLUTION
misprint = "b"
### END SOLUTION

# %% check="net.misprint"
check("net.misprint", misprint)

# %% attempt="net.misprint" expect="right"
misprint = "(B)"

# %% attempt="net.misprint" expect="wrong" because="A row times a column, entry by entry, is an h by h matrix."
misprint = "a"

# %% attempt="net.misprint" expect="wrong" because="This has d rows and h columns: it is the transpose."
misprint = "c"

# %% attempt="net.misprint" expect="wrong" because="Here units are summed over, and the row of slopes meets x."
misprint = "d"

# %% [markdown]
# ### Exercise `net.layouts` (3 points, in words)
#
# The third printed line gives the gradient in $W_1$ as the column $z$; the second gives that in $W_0$ with the shape of
# $W_0$. Why can these two not both be right in one convention? What should the third line say in ours, and what may
# happen to somebody who trains $W_1$ with the column?

# %% [markdown] prose="net.layouts"
# ### BEGIN SOLUTION
# $W_1$ is $1 \times h$, so in the convention "a gradient has the shape of its variable" its gradient is the row $z^T$,
# $1 \times h$. The column $z$ has the shape of $W_1^T$. A convention in which gradients have the transposed shape would
# allow it, but then the gradient in $W_0$ would be $d \times h$, and the second line has $h \times d$. So no single
# convention gives both.
#
# Somebody who computes `W1 - rate * z` subtracts a column from a row. NumPy makes an $h \times h$ matrix of it without
# complaint, and the next forward pass returns $h$ outputs where there was one.
# ### END SOLUTION

# %% [markdown]
# ## 2. One adjoint per function: a hidden layer with a regulariser
#
# Formulas for a whole network are long; one per function is short. Write the network as a graph of vectors, and every
# arrow sends back one contribution: *the transposed Jacobian of the step, times the adjoint at its end.* Where several
# arrows leave a node, the contributions are **added**.
#
# **Example.** $L = R + E$ with $R = 3h$ and $E = h^2$, at $h = 2$. Both terms use $h$, so $\bar h$ has two
# contributions: $3 \cdot \bar R = 3$ and $2h \cdot \bar E = 4$, together 7.

# %%
draw.backprop_graph(lambda h: 3 * h + h**2, 2.0)

# %% [markdown]
# (The picture numbers the steps: 1 is $R$, 2 is $E$, 3 is $L$. Each arrow bears the derivative that it multiplies by.)
#
# Now the network. Input $x$ ($N$ entries), hidden layer $h$ ($K$ entries), output $y$ ($M$ entries); a loss that
# consists of an error and a regulariser which acts on the **hidden** layer:
#
# $$ z = W_1 x + b_1, \quad h = \tanh z, \quad y = W_2 h + b_2, \qquad
# R = r^T h, \quad E = \tfrac12 \lVert y - s \rVert^2, \quad L = E + R . $$
#
# $r$ and $s$ are given vectors. (Mind the letters, which change from book to book: $z$ was the value *after* the
# activation in section 1 and is the one *before* it here; $h$ was a number of units and is a vector now. And $E$, often
# called the $L_2$ error, is half the square of the $L_2$ norm.)
#
# ### Exercise `net.graph` (3 points)
#
# Draw the graph of it: one node for each of `z`, `h`, `y`, `R`, `E`, `L`. A graph is handed in as formulas, each node
# by its name. This is how $f = xy + \sin(xy)$ would look:

# %%
draw.graph(lambda x, y: (lambda a: a + np.sin(a))(x * y), 2.0, 1.0)

# %% [markdown]
# handed in as `{"a": "x * y", "f": "a + sin(a)"}`. Use `x`, `W1`, `b1`, `W2`, `b2`, `r`, `s`, and `@`, `tanh`, `sum`.

# %% answer="net.graph"
graph = None
### BEGIN SOLUTION
graph = {
    "z": "W1 @ x + b1",
    "h": "tanh(z)",
    "y": "W2 @ h + b2",
    "R": "sum(r * h)",
    "E": "sum((y - s)**2) / 2",
    "L": "E + R",
}
### END SOLUTION

# %% check="net.graph"
check("net.graph", graph)

# %% attempt="net.graph" expect="wrong" cause="split" mark=1.8
graph = {
    "product": "W1 @ x",
    "z": "b1 + product",
    "h": "tanh(z)",
    "y": "b2 + W2 @ h",
    "E": "0.5 * sum((s - y)**2)",
    "R": "sum(h * r)",
    "L": "R + E",
}

# %% attempt="net.graph" expect="right"
graph = "L = R + E; E = sum((s - y)**2) / 2; R = sum(h * r); y = b2 + W2 @ h; h = tanh(z); z = b1 + W1 @ x"

# %% attempt="net.graph" expect="wrong" cause="argument" mark=0.8
graph = {
    "z": "W1 @ x + b1",
    "h": "tanh(z)",
    "y": "W2 @ h + b2",
    "R": "sum(r * z)",
    "E": "sum((y - s)**2) / 2",
    "L": "E + R",
}

# %% attempt="net.graph" expect="wrong" cause="operation" mark=0.3
graph = {
    "z": "W1 @ x + b1",
    "h": "tanh(z)",
    "y": "W2 @ h + b2",
    "R": "sum(r * h)",
    "E": "sum((y - s)**2)",
    "L": "E + R",
}

# %% attempt="net.graph" expect="wrong" cause="operation" mark=0.8
graph = {
    "z": "W1 @ x + b1",
    "h": "tanh(z)",
    "y": "W2 @ h + b2",
    "R": "sum(r * h)",
    "E": "sum((y - s)**2) / 2",
    "L": "E - R",
}

# %% [markdown]
# Your picture, if the answer is right, shows the one node that matters most: two arrows leave $h$.
#
# Going back, $\bar R = \bar E = 1$, because $L = E + R$. The other four adjoints are yours, one function each.
#
# ### Exercise `net.y_bar` (1 point)
#
# Return $\bar y$, which has $M$ entries, like $y$. (In print they run from 1 to $n$, which is no length here.)


# %% answer="net.y_bar"
def y_bar(y, s):
    ### BEGIN SOLUTION
    return y - s
    ### END SOLUTION


# %% check="net.y_bar"
check("net.y_bar", y_bar)


# %% attempt="net.y_bar" expect="right"
def y_bar(y, s):
    return [float(one - other) for one, other in zip(y, s, strict=True)]


# %% attempt="net.y_bar" expect="wrong" cause="sign"
def y_bar(y, s):
    return s - y


# %% attempt="net.y_bar" expect="wrong" cause="factor 2 too many"
def y_bar(y, s):
    return 2 * (y - s)


# %% attempt="net.y_bar" expect="wrong" cause="mean for sum"
def y_bar(y, s):
    return (y - s) / len(y)


# %% [markdown]
# ### Exercise `net.h_bar` (3 points)
#
# Return $\bar h$, from $h$ and what comes after it.


# %% answer="net.h_bar"
def h_bar(h, r, W2, b2, s):
    ### BEGIN SOLUTION
    y = W2 @ h + b2
    return r + W2.T @ (y - s)
    ### END SOLUTION


# %% check="net.h_bar"
check("net.h_bar", h_bar)


# %% attempt="net.h_bar" expect="right"
def h_bar(h, r, W2, b2, s):
    return (W2 @ h + b2 - s) @ W2 + r


# %% attempt="net.h_bar" expect="wrong" cause="a path or term dropped"
def h_bar(h, r, W2, b2, s):
    return W2.T @ (W2 @ h + b2 - s)


# %% attempt="net.h_bar" expect="wrong" cause="inner derivative forgotten"
def h_bar(h, r, W2, b2, s):
    return r + W2.sum(axis=0)


# %% attempt="net.h_bar" expect="wrong" cause="sign of one term"
def h_bar(h, r, W2, b2, s):
    return r + W2.T @ (s - W2 @ h - b2)


# %% attempt="net.h_bar" expect="wrong" cause="a path or term dropped"
def h_bar(h, r, W2, b2, s):
    return r + W2.T @ (W2 @ h - s)


# %% [markdown]
# ### Exercise `net.z_bar` (1 point)
#
# Given $z$ and $\bar h$ (here `h_bar` is an array), return $\bar z$.


# %% answer="net.z_bar"
def z_bar(z, h_bar):
    ### BEGIN SOLUTION
    return (1 - np.tanh(z) ** 2) * h_bar
    ### END SOLUTION


# %% check="net.z_bar"
check("net.z_bar", z_bar)


# %% attempt="net.z_bar" expect="right"
def z_bar(z, h_bar):
    return np.diag(np.cosh(z) ** -2.0) @ h_bar


# %% attempt="net.z_bar" expect="wrong" cause="activation derivative at the wrong point"
def z_bar(z, h_bar):
    return (1 - z**2) * h_bar


# %% attempt="net.z_bar" expect="wrong" cause="activation derivative forgotten"
def z_bar(z, h_bar):
    return h_bar


# %% attempt="net.z_bar" expect="wrong" cause="activation derivative of the wrong form"
def z_bar(z, h_bar):
    return np.tanh(z) * h_bar


# %% [markdown]
# ### Exercise `net.x_bar` (3 points)
#
# Put it together: forward pass, then the adjoints one after the other, and return $\bar x$, the gradient of $L$ in the
# input. (You may call your own functions.)


# %% answer="net.x_bar"
def x_bar(x, W1, b1, W2, b2, r, s):
    ### BEGIN SOLUTION
    h = np.tanh(W1 @ x + b1)
    h_bar = r + W2.T @ (W2 @ h + b2 - s)
    return W1.T @ ((1 - h**2) * h_bar)
    ### END SOLUTION


# %% check="net.x_bar"
check("net.x_bar", x_bar)


# %% attempt="net.x_bar" expect="right"
def x_bar(x, W1, b1, W2, b2, r, s):
    z = W1 @ x + b1
    row = r + (W2 @ np.tanh(z) + b2 - s) @ W2
    return row @ np.diag(np.cosh(z) ** -2.0) @ W1


# %% attempt="net.x_bar" expect="wrong" cause="a path or term dropped"
def x_bar(x, W1, b1, W2, b2, r, s):
    h = np.tanh(W1 @ x + b1)
    return W1.T @ ((1 - h**2) * (W2.T @ (W2 @ h + b2 - s)))


# %% attempt="net.x_bar" expect="wrong" cause="activation derivative forgotten"
def x_bar(x, W1, b1, W2, b2, r, s):
    h = np.tanh(W1 @ x + b1)
    return W1.T @ (r + W2.T @ (W2 @ h + b2 - s))


# %% attempt="net.x_bar" expect="wrong" cause="activation derivative forgotten"
def x_bar(x, W1, b1, W2, b2, r, s):
    h = np.tanh(W1 @ x + b1)
    return W1.T @ (r + (1 - h**2) * (W2.T @ (W2 @ h + b2 - s)))


# %% attempt="net.x_bar" expect="wrong" cause="sign of one term"
def x_bar(x, W1, b1, W2, b2, r, s):
    h = np.tanh(W1 @ x + b1)
    return W1.T @ ((1 - h**2) * (r + W2.T @ (s - W2 @ h - b2)))


# %% [markdown]
# For a fixed forward pass, everything you did on the way back is linear in the adjoints: twice $\bar y$ and twice $r$
# give twice $\bar x$. The backward pass is a linear network, run in the opposite direction.
#
# ### Exercise `net.misprint_factor` (2 points): find the error in print
#
# A published solution prints, before the right result $\bar h = r + W_2^T (y - s)$, the step
#
# $$ \bar h = \frac{\partial R}{\partial h} \bar R + \frac{\partial y}{\partial h} \bar E . $$
#
# The first term will do if $\partial R / \partial h$ is read as the gradient $r$. The second is wrong in two ways at
# once. With Jacobians as in this course (outputs first, so $\partial y / \partial h$ is $M \times K$), what must stand
# there?
#
# - **a**: $(\partial y / \partial h)^T\, \bar E$
# - **b**: $(\partial y / \partial h)\, \bar y$
# - **c**: $(\partial y / \partial h)^T\, \bar y$
# - **d**: $(\partial y / \partial h)\, \bar E$, as printed

# %% answer="net.misprint_factor"
misprint_factor = None
### BEGIN SOLUTION
misprint_factor = "c"
### END SOLUTION

# %% check="net.misprint_factor"
check("net.misprint_factor", misprint_factor)

# %% attempt="net.misprint_factor" expect="right"
misprint_factor = ["c"]

# %% attempt="net.misprint_factor" expect="wrong" because="Turned the right way; but the arrow leads to y."
misprint_factor = "a"

# %% attempt="net.misprint_factor" expect="wrong" because="The right adjoint; but look at the shapes."
misprint_factor = "b"

# %% attempt="net.misprint_factor" expect="wrong" because="Neither factor is the right one."
misprint_factor = "d"

# %% [markdown]
# One of the two mistakes has a reason: where Jacobians are laid out with *inputs* first, $\partial y / \partial h$ is
# $W_2^T$ and needs no transpose. That is a convention, too. The same source puts outputs first one problem earlier, and
# formulas are only readable if they keep to one.
#
# ### Exercise `net.parameters` (4 points)
#
# A weight $W_{ij}$ acts directly on one entry of its own layer alone, by way of $z_i$ and with the factor $x_j$; a bias
# $b_i$ likewise with the factor 1. Hence for a layer $z = W x + b$ with adjoint $\bar z$
#
# $$ \frac{\partial L}{\partial W_{ij}} = \bar z_i\, x_j, \qquad \frac{\partial L}{\partial b_i} = \bar z_i . $$
#
# **Example.** $\bar z = (2, -1, 0)$ and $x = (10, 3)$ give a matrix with one row per unit:

# %%
print(np.outer([2, -1, 0], [10, 3]))

# %% [markdown]
# Return all four gradients of $L$, as a tuple `(dW1, db1, dW2, db2)`. Each is worth a point.


# %% answer="net.parameters"
def parameters(x, W1, b1, W2, b2, r, s):
    ### BEGIN SOLUTION
    h = np.tanh(W1 @ x + b1)
    y_bar = W2 @ h + b2 - s
    z_bar = (1 - h**2) * (r + W2.T @ y_bar)
    return np.outer(z_bar, x), z_bar, np.outer(y_bar, h), y_bar
    ### END SOLUTION


# %% check="net.parameters"
check("net.parameters", parameters)


# %% attempt="net.parameters" expect="right"
def parameters(x, W1, b1, W2, b2, r, s):
    h = np.tanh(W1 @ x + b1)
    y_bar = W2 @ h + b2 - s
    z_bar = (r + y_bar @ W2) * (1 - h * h)
    return [z_bar[:, None] * x, z_bar.tolist(), y_bar[:, None] @ h[None, :], y_bar]


# %% attempt="net.parameters" expect="wrong" mark=2 cause="transposed"
def parameters(x, W1, b1, W2, b2, r, s):
    h = np.tanh(W1 @ x + b1)
    y_bar = W2 @ h + b2 - s
    z_bar = (1 - h**2) * (r + W2.T @ y_bar)
    return np.outer(x, z_bar), z_bar, np.outer(h, y_bar), y_bar


# %% attempt="net.parameters" expect="wrong" mark=2 cause="a path or term dropped"
def parameters(x, W1, b1, W2, b2, r, s):
    h = np.tanh(W1 @ x + b1)
    y_bar = W2 @ h + b2 - s
    z_bar = (1 - h**2) * (W2.T @ y_bar)
    return np.outer(z_bar, x), z_bar, np.outer(y_bar, h), y_bar


# %% attempt="net.parameters" expect="wrong" mark=2 cause="activation derivative forgotten"
def parameters(x, W1, b1, W2, b2, r, s):
    h = np.tanh(W1 @ x + b1)
    y_bar = W2 @ h + b2 - s
    z_bar = r + W2.T @ y_bar
    return np.outer(z_bar, x), z_bar, np.outer(y_bar, h), y_bar


# %% attempt="net.parameters" expect="wrong" cause="blocks exchanged"
def parameters(x, W1, b1, W2, b2, r, s):
    h = np.tanh(W1 @ x + b1)
    y_bar = W2 @ h + b2 - s
    z_bar = (1 - h**2) * (r + W2.T @ y_bar)
    return np.outer(y_bar, h), y_bar, np.outer(z_bar, x), z_bar


# %% [markdown]
# ### Exercise `net.tied` (4 points)
#
# "A weight acts on one unit alone" is true of the layer it stands in, if it stands in one. Here a matrix is used twice:
# $h = \tanh(W x)$ and $y = W^T h$, which is to give back $x$, with $L = \tfrac12 \lVert y - x \rVert^2$. Return the
# gradient in $W$. ($x$ is a constant here: the input, and the target.)
#
# **Example.** $L = w \cdot (w x)$ at $w = 3$, $x = 2$: two arrows leave $w$. The outer use contributes $w x = 6$, the
# inner one $w \cdot x = 6$, together $\bar w = 12$. (In the picture, 2 is $wx$ and 3 is $L$.)

# %%
draw.backprop_graph(lambda w, x: w * (w * x), 3.0, 2.0)


# %% answer="net.tied"
def tied(W, x):
    ### BEGIN SOLUTION
    h = np.tanh(W @ x)
    y_bar = W.T @ h - x
    z_bar = (1 - h**2) * (W @ y_bar)
    return np.outer(h, y_bar) + np.outer(z_bar, x)
    ### END SOLUTION


# %% check="net.tied"
check("net.tied", tied)


# %% attempt="net.tied" expect="right"
def tied(W, x):
    h = np.tanh(W @ x)
    y_bar = W.T @ h - x
    z_bar = (1 - h**2) * (W @ y_bar)
    return np.column_stack([h, z_bar]) @ np.vstack([y_bar, x])


# %% attempt="net.tied" expect="wrong" cause="a path or term dropped"
def tied(W, x):
    h = np.tanh(W @ x)
    y_bar = W.T @ h - x
    return np.outer(h, y_bar)


# %% attempt="net.tied" expect="wrong" cause="a path or term dropped"
def tied(W, x):
    h = np.tanh(W @ x)
    y_bar = W.T @ h - x
    return np.outer((1 - h**2) * (W @ y_bar), x)


# %% attempt="net.tied" expect="wrong" cause="transposed"
def tied(W, x):
    h = np.tanh(W @ x)
    y_bar = W.T @ h - x
    return np.outer(y_bar, h) + np.outer(x, (1 - h**2) * (W @ y_bar))


# %% attempt="net.tied" expect="wrong" cause="activation derivative forgotten"
def tied(W, x):
    h = np.tanh(W @ x)
    y_bar = W.T @ h - x
    return np.outer(h, y_bar) + np.outer(W @ y_bar, x)


# %% [markdown]
# ## 3. Biases as rows of the weights, and real passengers
#
# Now a batch: $X$ has one **row** per passenger. If a column of ones is appended to $X$, the biases can be the last row
# of the weights, and $\mathrm{concat}(X, \mathbf 1)\, W_1$ is weights and biases in one product. (As samples are
# rows now, this $W_1$ has a *column* per unit: it is $[W \; b]^T$ in the letters of the sections above.) **Example:**

# %%
X = np.array([[0.5, -2.0], [1.0, 3.0], [0.0, 1.0]])
weights, biases = np.array([[1.0, 0.0, 2.0], [3.0, -1.0, 0.0]]), np.array([10.0, 20.0, 30.0])
A = np.hstack([X, np.ones((3, 1))])
W1 = np.vstack([weights, biases])
print("concat(X, 1):", *A, sep="\n")
print("concat(X, 1) @ W1:", *(A @ W1), sep="\n")
print("the same as X @ weights + biases:", np.array_equal(A @ W1, X @ weights + biases))

# %% [markdown]
# The network of this section does that twice, with a ReLU between: $C = \mathrm{ReLU}(\mathrm{concat}(X, \mathbf 1)\,
# W_1)$ and $E = \mathrm{concat}(C, \mathbf 1)\, W_2$. Its inputs are a passenger's age, class and whether they
# survived; its output is the price of the ticket. With four hidden units:


# %%
features, units = ["age", "class", "survived", "one"], ["h1", "h2", "h3", "h4"]
arrows = [*product(features, units), *product([*units, "another one"], ["price"])]
nodes = [{"id": name, "op": name} for name in [*features, *units, "another one", "price"]]
draw.Graph.from_data({"nodes": nodes, "edges": arrows})

# %% [markdown]
# Count its arrows: $4 \cdot 4$ into the hidden units and 5 into the output, 21, which is the number of weights: $W_1$
# is $4 \times 4$ and $W_2$ is $5 \times 1$. No arrow leads into the ones. (A square $W_1$ is a trap: a transposed
# gradient has the right shape. The checks below use other sizes.)
#
# ### Exercise `net.edges` (1 point)

# %% show="net.edges"
task = show("net.edges")
task

# %% answer="net.edges"
edges = None
### BEGIN SOLUTION
features, units = task.given["features"], task.given["units"]
edges = (features + 1) * units + units + 1
### END SOLUTION

# %% check="net.edges"
check("net.edges", edges)

# %% attempt="net.edges" expect="right"
edges = float((task.given["features"] + 2) * task.given["units"] + 1)

# %% attempt="net.edges" expect="wrong" cause="a known mistake"
edges = (task.given["features"] + 1) * (task.given["units"] + 1) + task.given["units"] + 1

# %% attempt="net.edges" expect="wrong" cause="a known mistake"
edges = (task.given["features"] + 1) * task.given["units"]

# %% attempt="net.edges" expect="wrong" cause="a known mistake"
edges = task.given["features"] * task.given["units"] + task.given["units"]

# %% [markdown]
# ### Exercise `net.price` (2 points): find the error in print
#
# One published line for the whole network reads
#
# $$ [\,\mathrm{ReLU}(X \;\mathrm{concat}\; \mathbf 1) \times W_1 \;\mathrm{concat}\; \mathbf 1\,] \times W_2 = E . $$
#
# One bracket is in the wrong place. Write the function that is meant; it returns $E$, one row per passenger and one
# column. (On inputs and weights that are never negative, both lines give the same: do not be fooled by such data.)


# %% answer="net.price"
def price(X, W1, W2):
    ### BEGIN SOLUTION
    ones = np.ones((len(X), 1))
    C = np.maximum(np.hstack([X, ones]) @ W1, 0)
    return np.hstack([C, ones]) @ W2
    ### END SOLUTION


# %% check="net.price"
check("net.price", price)


# %% attempt="net.price" expect="right"
def price(X, W1, W2):
    return np.maximum(X @ W1[:-1] + W1[-1], 0) @ W2[:-1] + W2[-1]


# %% attempt="net.price" expect="wrong" unnamed="as printed: a bracket in another place, and values have no chain rule"
def price(X, W1, W2):
    ones = np.ones((len(X), 1))
    return np.hstack([np.maximum(np.hstack([X, ones]), 0) @ W1, ones]) @ W2


# %% attempt="net.price" expect="wrong" cause="a path or term dropped"
def price(X, W1, W2):
    ones = np.ones((len(X), 1))
    return np.hstack([np.hstack([X, ones]) @ W1, ones]) @ W2


# %% attempt="net.price" expect="wrong" cause="an extra factor"
def price(X, W1, W2):
    ones = np.ones((len(X), 1))
    return np.maximum(np.hstack([np.maximum(np.hstack([X, ones]) @ W1, 0), ones]) @ W2, 0)


# %% attempt="net.price" expect="wrong" cause="shape that only broadcasts"
def price(X, W1, W2):
    C = np.maximum(np.hstack([X, np.ones((len(X), 1))]) @ W1, 0)
    return C @ W2[:-1, 0] + W2[-1]


# %% [markdown]
# ### Exercise `net.loss_graph` (3 points)
#
# The loss is the mean squared error, in small steps with names:
#
# $$ A = \mathrm{concat}(X, b),\quad B = A W_1,\quad C = \mathrm{ReLU}(B),\quad D = \mathrm{concat}(C, b), $$
#
# $$ E = D W_2,\quad F = E - y,\quad G_k = F_k^2,\quad H = \textstyle\sum_{k=1}^n G_k,\quad L = H/n . $$
#
# $b$ is the column of $n$ ones and $y$ has the true prices, one per row. (A printed form of this sum gives $W_1$ and
# $W_2$ the index of the passenger, and calls that index $n$, like the number of passengers. There is one $W_1$ for
# everybody.) Draw the graph: nodes `A` to `H` and `L`, as
# formulas in `X`, `b`, `W1`, `W2`, `y`, `n`. Write `concat(X, b, axis=1)` for appending a column, `relu(B)`, and
# `F**2` for the squares (in `F * F` two arrows would leave $F$).

# %% answer="net.loss_graph"
loss_graph = None
### BEGIN SOLUTION
loss_graph = {
    "A": "concat(X, b, axis=1)",
    "B": "A @ W1",
    "C": "relu(B)",
    "D": "concat(C, b, axis=1)",
    "E": "D @ W2",
    "F": "E - y",
    "G": "F**2",
    "H": "sum(G)",
    "L": "H / n",
}
### END SOLUTION

# %% check="net.loss_graph"
check("net.loss_graph", loss_graph)

# %% attempt="net.loss_graph" expect="wrong" cause="operation" mark=1.8
loss_graph = """
A = concat(X, b, axis=1); B = A @ W1; C = relu(B); D = concat(C, b, axis=1)
E = D @ W2; F = E - y; G = F * F; H = sum(G); L = H / n
"""

# %% attempt="net.loss_graph" expect="right"
loss_graph = """
A = concat(X, b, axis=1); B = A @ W1; C = relu(B); D = concat(C, b, axis=1)
E = D @ W2; F = E - y; G = square(F); H = sum(G); L = H / n
"""

# %% attempt="net.loss_graph" expect="wrong" cause="swapped" mark=0.3
loss_graph = {
    "A": "concat(b, X, axis=1)",
    "B": "A @ W1",
    "C": "relu(B)",
    "D": "concat(C, b, axis=1)",
    "E": "D @ W2",
    "F": "E - y",
    "G": "F**2",
    "H": "sum(G)",
    "L": "H / n",
}

# %% attempt="net.loss_graph" expect="wrong" cause="failed, path, step, uses"
loss_graph = {
    "A": "concat(X, b, axis=1)",
    "B": "A @ W1",
    "C": "relu(B)",
    "D": "concat(A, b, axis=1)",
    "E": "D @ W2",
    "F": "E - y",
    "G": "F**2",
    "H": "sum(G)",
    "L": "H / n",
}

# %% attempt="net.loss_graph" expect="wrong" cause="path, uses" mark=0.3
loss_graph = {
    "A": "concat(X, b, axis=1)",
    "B": "A @ W1",
    "C": "relu(B)",
    "D": "concat(C, b, axis=1)",
    "E": "D @ W2",
    "F": "E - y",
    "G": "F**2",
    "H": "sum(G)",
    "L": "H",
}

# %% attempt="net.loss_graph" expect="wrong" cause="swapped" mark=1.8
loss_graph = {
    "A": "concat(X, b, axis=1)",
    "B": "A @ W1",
    "C": "relu(B)",
    "D": "concat(C, b, axis=1)",
    "E": "D @ W2",
    "F": "y - E",
    "G": "F**2",
    "H": "sum(G)",
    "L": "H / n",
}

# %% [markdown]
# ### The data
#
# `passengers.csv` lies beside this notebook: 1,309 passengers of a ship that sank in 1912, without their names; its
# first lines say where it is from. Some ages and one price are not known; we keep the complete rows.

# %%
table = np.genfromtxt("passengers.csv", delimiter=",", skip_header=4)
table = table[~np.isnan(table).any(axis=1)]
age, cabin_class, survived, fare = table.T
print(f"{len(table)} complete rows")
for number in (1, 2, 3):
    chosen = cabin_class == number
    print(f"class {number}: {np.sum(chosen)} passengers, mean price {fare[chosen].mean():.1f}")

# %%
figure, axes = plt.subplots(figsize=(7, 3.2))
for number, mark in ((1, "o"), (2, "^"), (3, "x")):
    chosen = cabin_class == number
    axes.scatter(age[chosen], fare[chosen] + 1, s=12, marker=mark, label=f"class {number}")
axes.set(xlabel="age in years", ylabel="price in pounds, plus 1", yscale="log")
axes.legend(loc="lower right")
picture(
    figure,
    alt="Ticket price against age, one mark per passenger. First class tickets cost some 30 to 500 pounds, second "
    "class 10 to 70 and third class 7 to 70; a few cost nothing, and age hardly matters.",
)

# %% [markdown]
# ### Exercise `net.switched_on` (1 point, a prediction)
#
# Let the weights be drawn from 0 to 1, as the source does, and feed the network the columns as they are: ages in years,
# classes 1 to 3, survived 0 or 1. Which share of all hidden values is switched on, that is, has $B > 0$?
#
# - **a**: about a quarter
# - **b**: about a half
# - **c**: about three quarters
# - **d**: all of them

# %% answer="net.switched_on"
switched_on = None
### BEGIN SOLUTION
switched_on = "d"
### END SOLUTION

# %% check="net.switched_on"
predict("net.switched_on", switched_on)

# %% attempt="net.switched_on" expect="right"
switched_on = "a"

# %% attempt="net.switched_on" expect="wrong"
switched_on = "e"

# %% attempt="net.switched_on" expect="wrong"
switched_on = 0.5

# %% attempt="net.switched_on" expect="wrong"
switched_on = ["a", "b"]


# %%
def standardised(columns):
    """The same columns with mean 0 and variance 1."""
    return (columns - columns.mean(axis=0)) / columns.std(axis=0)


def share_on(X, W1):
    """The share of hidden values above 0."""
    return np.mean(np.hstack([X, np.ones((len(X), 1))]) @ W1 > 0)


def first_weights():
    """Small weights of both signs for four hidden units, the same ones each time."""
    rng = np.random.default_rng(2)
    return rng.normal(size=(4, 4)) / 2, rng.normal(size=(5, 1)) / 2


raw, inputs = table[:, :3], standardised(table[:, :3])
from_0_to_1, both_signs = np.random.default_rng(2).uniform(0, 1, size=(4, 4)), first_weights()[0]
shares = {
    "as they are,\nweights 0 to 1": share_on(raw, from_0_to_1),
    "standardised,\nweights 0 to 1": share_on(inputs, from_0_to_1),
    "standardised,\nboth signs": share_on(inputs, both_signs),
}
figure, axes = plt.subplots(figsize=(6, 2.6))
axes.bar(list(shares), list(shares.values()), width=0.5)
axes.set(ylabel="share switched on", ylim=(0, 1.05))
picture(
    figure,
    alt="Shares of hidden values above 0: " + "; ".join(f"{k}: {v:.2f}".replace("\n", " ") for k, v in shares.items()),
)

# %%
reveal("net.switched_on", "d" if np.all(share_on(raw, from_0_to_1) == 1) else "c")

# %% [markdown]
# Nothing negative goes in, so nothing negative comes out: every ReLU is on, and the network is a linear function with
# extra steps. Worse, on such data a gradient that **forgets the ReLU** agrees with the right one, so a test with it
# proves nothing. So we standardise the columns, and use weights of both signs. (Weights from 0 to 1 can only be where
# training *starts*; nothing keeps them there.) The prices are standardised, too:

# %%
targets = standardised(table[:, 3:])
print("inputs", inputs.shape, "targets", targets.shape)

# %% [markdown]
# ## 4. Back through every step
#
# From $L$ back to the weights, one adjoint after the other: $\bar H = 1/n$, every $\bar G_k = \bar H$, and so on. The
# sum over passengers happens by itself, in matrix products.
#
# **Example.** Three passengers, $F = (3, -1, 2)^T$: $L = (9 + 1 + 4)/3$. Each $G_k = F_k^2$ depends on its own $F_k$,
# so $\bar F_k = 2 F_k \cdot \tfrac13$: $(2, -\tfrac23, \tfrac43)^T$. Going back through a step that acts entry by
# entry multiplies entry by entry. And $F = E - y$ passes the adjoint on as it is: its Jacobian is the identity (in
# print: 1, which is right for each entry alone).
#
# ### Exercise `net.E_bar` (2 points)
#
# Return $\bar E$, for $L = \tfrac1n \sum_k (E_k - y_k)^2$; both arguments have the shape $n \times 1$.


# %% answer="net.E_bar"
def E_bar(E, y):
    ### BEGIN SOLUTION
    return 2 / len(E) * (E - y)
    ### END SOLUTION


# %% check="net.E_bar"
check("net.E_bar", E_bar)


# %% attempt="net.E_bar" expect="right"
def E_bar(E, y):
    return np.vstack([(one - other) / (len(E) / 2) for one, other in zip(E, y, strict=True)])


# %% attempt="net.E_bar" expect="wrong" cause="sum for mean"
def E_bar(E, y):
    return 2 * (E - y)


# %% attempt="net.E_bar" expect="wrong" cause="factor 2 missing"
def E_bar(E, y):
    return (E - y) / len(E)


# %% attempt="net.E_bar" expect="wrong" cause="transposed, shape that only broadcasts"
def E_bar(E, y):
    return 2 / len(E) * (E - y).T


# %% attempt="net.E_bar" expect="wrong" cause="sign"
def E_bar(E, y):
    return 2 / len(E) * (y - E)


# %% attempt="net.E_bar" expect="wrong" cause="whole matrix for its diagonal"
def E_bar(E, y):
    return 2 / len(E) * (E - y[:, 0])


# %% [markdown]
# ### Exercise `net.W2_bar` (2 points)
#
# Through the product $E = D W_2$: for $L = \tfrac1n \sum_k (E_k - y_k)^2$, return the gradient in $W_2$, with the shape
# of $W_2$.


# %% answer="net.W2_bar"
def W2_bar(D, W2, y):
    ### BEGIN SOLUTION
    return D.T @ (2 / len(D) * (D @ W2 - y))
    ### END SOLUTION


# %% check="net.W2_bar"
check("net.W2_bar", W2_bar)


# %% attempt="net.W2_bar" expect="right"
def W2_bar(D, W2, y):
    return np.einsum("kj,ko->jo", D, D @ W2 - y) * 2 / len(y)


# %% attempt="net.W2_bar" expect="wrong" cause="transposed, shape that only broadcasts"
def W2_bar(D, W2, y):
    return 2 / len(D) * (D @ W2 - y).T @ D


# %% attempt="net.W2_bar" expect="wrong" cause="sum for mean"
def W2_bar(D, W2, y):
    return 2 * D.T @ (D @ W2 - y)


# %% attempt="net.W2_bar" expect="wrong" cause="factor 2 missing"
def W2_bar(D, W2, y):
    return D.T @ (D @ W2 - y) / len(D)


# %% attempt="net.W2_bar" expect="wrong" cause="sign"
def W2_bar(D, W2, y):
    return D.T @ (2 / len(D) * (y - D @ W2))


# %% [markdown]
# A published solution has $\frac2n F^T D$ here, with $F = E - y$: a row of the right numbers, for a variable that is a
# column, while its gradient in $W_1$ has the shape of $W_1$. On the way it has $\frac2n \sum^n F^T D$. The sum over
# samples is in the product $F^T D$ already, so that is $n$ times too much.
#
# ### The step that the source leaves open
#
# For the other weights one has to go back through $D = \mathrm{concat}(C, \mathbf 1)$. The published solution stops
# here: in the place of $\partial D / \partial C$ stands a note that it does not work. It does. Take one row:
# $d = \mathrm{concat}(c, 1)$ is a function of the vector $c$ like any other.
#
# **Example.** $c = (0.5, 2)$ gives $d = (0.5, 2, 1)$. Move $c_1$ by a little: $d_1$ moves as much, $d_2$ and the 1
# stay. Read the columns of the Jacobian off these quotients:

# %%
c, step = np.array([0.5, 2.0]), 1e-3
for moved in (np.array([step, 0.0]), np.array([0.0, step])):
    print(np.round((np.append(c + moved, 1.0) - np.append(c, 1.0)) / step, 3))

# %% [markdown]
# ### Exercise `net.selector` (3 points)
#
# Return the Jacobian of $d = \mathrm{concat}(c, 1)$ in $c$, where $c$ has $h$ entries.


# %% answer="net.selector"
def selector(c):
    ### BEGIN SOLUTION
    return np.eye(len(c) + 1, len(c))
    ### END SOLUTION


# %% check="net.selector"
check("net.selector", selector)


# %% attempt="net.selector" expect="right"
def selector(c):
    return [[float(i == j) for j in range(len(c))] for i in range(len(c) + 1)]


# %% attempt="net.selector" expect="wrong" cause="transposed"
def selector(c):
    return np.eye(len(c), len(c) + 1)


# %% attempt="net.selector" expect="wrong" cause="one entry or row wrong"
def selector(c):
    return np.vstack([np.eye(len(c)), np.ones(len(c))])


# %% attempt="net.selector" expect="wrong" cause="bias column or row"
def selector(c):
    return np.eye(len(c) + 1)


# %% attempt="net.selector" expect="wrong" cause="off by one"
def selector(c):
    return np.vstack([np.zeros(len(c)), np.eye(len(c))])


# %% [markdown]
# The published result has the identity $I^4$ in the place of your Jacobian, after a matrix with five columns: that
# product does not exist. It also has $\partial E / \partial D = W_2$; for one row, $e = d\, W_2$, it is the row
# $W_2^T$, and so $\bar D = \bar E\, W_2^T$ for the batch.
#
# ### Exercise `net.C_bar` (3 points)
#
# Now the whole batch: given $C$ ($n \times h$) and $\bar D$ (with one column more), return $\bar C$ for
# $D = \mathrm{concat}(C, \mathbf 1)$. Which part of an adjoint such as this one has anywhere to go?

# %%
figure, axes = plt.subplots(figsize=(5.2, 2.2))
shown = np.array([[3, -1, 2, 5], [0, 4, -2, 1], [2, 2, 1, -3]])
for (row, column), entry in np.ndenumerate(shown):
    face = "#ffe2b8" if column == 3 else "#dce9fa"
    axes.add_patch(plt.Rectangle((column, -row), 0.94, 0.94, fc=face, ec="black"))
    axes.text(column + 0.47, 0.47 - row, entry, ha="center", va="center")
axes.text(1.5, 1.25, "from the columns of C", ha="center")
axes.text(3.5, 1.25, "from the ones", ha="center")
axes.set(xlim=(-0.2, 5.2), ylim=(-2.2, 1.7))
axes.axis("off")
picture(
    figure,
    alt="An adjoint of D with three rows and four columns. The first three columns belong to the columns of C, the "
    "last one to the appended ones.",
)


# %% answer="net.C_bar"
def C_bar(C, D_bar):
    ### BEGIN SOLUTION
    return D_bar[:, :-1]
    ### END SOLUTION


# %% check="net.C_bar"
check("net.C_bar", C_bar)


# %% attempt="net.C_bar" expect="right"
def C_bar(C, D_bar):
    return D_bar @ np.eye(D_bar.shape[1], C.shape[1])


# %% attempt="net.C_bar" expect="wrong" cause="an input returned"
def C_bar(C, D_bar):
    return D_bar


# %% attempt="net.C_bar" expect="wrong" cause="off by one"
def C_bar(C, D_bar):
    return D_bar[:, 1:]


# %% attempt="net.C_bar" expect="wrong" cause="transposed"
def C_bar(C, D_bar):
    return D_bar[:, :-1].T


# %% attempt="net.C_bar" expect="wrong" cause="an extra factor"
def C_bar(C, D_bar):
    return D_bar[:, :-1] * C


# %% [markdown]
# ### Exercise `net.B_bar` (2 points)
#
# Through the ReLU, entry by entry: $\partial C_{ij} / \partial B_{ij}$ is 1 where $B_{ij} > 0$ and else 0. (In print
# the $C$ has lost its indices.) Given $B$ and $\bar C$ (here `C_bar` is an array), return $\bar B$.


# %% answer="net.B_bar"
def B_bar(B, C_bar):
    ### BEGIN SOLUTION
    return np.where(B > 0, C_bar, 0.0)
    ### END SOLUTION


# %% check="net.B_bar"
check("net.B_bar", B_bar)


# %% attempt="net.B_bar" expect="right"
def B_bar(B, C_bar):
    return (B > 0) * C_bar


# %% attempt="net.B_bar" expect="wrong" cause="ReLU mask from the wrong quantity"
def B_bar(B, C_bar):
    return np.maximum(C_bar, 0)


# %% attempt="net.B_bar" expect="wrong" cause="activation derivative forgotten"
def B_bar(B, C_bar):
    return C_bar


# %% attempt="net.B_bar" expect="wrong" cause="another subgradient at a kink"
def B_bar(B, C_bar):
    return np.where(B >= 0, C_bar, 0.0)


# %% attempt="net.B_bar" expect="wrong" cause="activation derivative of the wrong form"
def B_bar(B, C_bar):
    return np.maximum(B, 0) * C_bar


# %% [markdown]
# ### Exercise `net.gradients` (4 points)
#
# Everything together. Return the gradients of the loss in $W_1$ and $W_2$, as a tuple; that in $W_1$ is worth three
# points. The network has biases in the last rows of both matrices, and you train with this function below.


# %% answer="net.gradients"
def gradients(X, W1, W2, y):
    ### BEGIN SOLUTION
    ones = np.ones((len(X), 1))
    A = np.hstack([X, ones])
    B = A @ W1
    D = np.hstack([np.maximum(B, 0), ones])
    E_bar = 2 / len(X) * (D @ W2 - y)
    D_bar = E_bar @ W2.T
    C_bar = D_bar[:, :-1]
    B_bar = np.where(B > 0, C_bar, 0.0)
    return A.T @ B_bar, D.T @ E_bar
    ### END SOLUTION


# %% check="net.gradients"
check("net.gradients", gradients)


# %% attempt="net.gradients" expect="right"
def gradients(X, W1, W2, y):
    B = X @ W1[:-1] + W1[-1]
    C = np.maximum(B, 0)
    E_bar = 2 * (C @ W2[:-1] + W2[-1] - y) / len(y)
    B_bar = (E_bar * W2[:-1].T) * (B > 0)
    return np.vstack([X.T @ B_bar, B_bar.sum(axis=0)]), np.append(C.T @ E_bar, [E_bar.sum(axis=0)], axis=0)


# %% attempt="net.gradients" expect="wrong" mark=1 cause="activation derivative forgotten"
def gradients(X, W1, W2, y):
    A = np.hstack([X, np.ones((len(X), 1))])
    B = A @ W1
    D = np.hstack([np.maximum(B, 0), np.ones((len(X), 1))])
    E_bar = 2 / len(X) * (D @ W2 - y)
    return A.T @ (E_bar @ W2[:-1].T), D.T @ E_bar


# %% attempt="net.gradients" expect="wrong" mark=1 cause="off by one"
def gradients(X, W1, W2, y):
    A = np.hstack([X, np.ones((len(X), 1))])
    B = A @ W1
    D = np.hstack([np.maximum(B, 0), np.ones((len(X), 1))])
    E_bar = 2 / len(X) * (D @ W2 - y)
    return A.T @ ((E_bar @ W2[1:].T) * (B > 0)), D.T @ E_bar


# %% attempt="net.gradients" expect="wrong" cause="transposed, shape that only broadcasts"
def gradients(X, W1, W2, y):
    A = np.hstack([X, np.ones((len(X), 1))])
    B = A @ W1
    D = np.hstack([np.maximum(B, 0), np.ones((len(X), 1))])
    E_bar = 2 / len(X) * (D @ W2 - y)
    B_bar = (E_bar @ W2[:-1].T) * (B > 0)
    return B_bar.T @ A, E_bar.T @ D


# %% attempt="net.gradients" expect="wrong" cause="sum for mean"
def gradients(X, W1, W2, y):
    A = np.hstack([X, np.ones((len(X), 1))])
    B = A @ W1
    D = np.hstack([np.maximum(B, 0), np.ones((len(X), 1))])
    E_bar = 2 / len(X) * (D @ W2 - y)
    B_bar = (E_bar @ W2[:-1].T) * (B > 0)
    return len(X) * A.T @ B_bar, len(X) * D.T @ E_bar


# %% attempt="net.gradients" expect="wrong" mark=1 cause="one entry or row wrong"
def gradients(X, W1, W2, y):
    A = np.hstack([X, np.ones((len(X), 1))])
    B = A @ W1
    D = np.hstack([np.maximum(B, 0), np.ones((len(X), 1))])
    E_bar = 2 / len(X) * (D @ W2 - y)
    B_bar = (E_bar @ W2[:-1].T) * (B > 0)
    return np.vstack([X.T @ B_bar, np.zeros(B.shape[1])]), D.T @ E_bar


# %% [markdown]
# ### Exercise `net.misprints` (5 points): find the errors in print
#
# These are lines of the published derivation, in the names of this sheet. Which are **wrong**, as derivatives with
# output axes first? Answer with a set of letters such as `{"a", "f"}`.
#
# - **a**: $\partial L / \partial H = 1/n$
# - **b**: $\partial H / \partial G = \sum^n$
# - **c**: $\partial G / \partial F = 2F$, with $n$ entries
# - **d**: $\partial E / \partial W_2 = D$, leaving out axes of length 1
# - **e**: $\partial B_{ij} / \partial (W_1)_{ij} = A_{ij}$
# - **f**: $\partial C_{ij} / \partial B_{ij} = 1$ where $B_{ij} > 0$, else 0
# - **g**: $\partial L / \partial W_2 = (\partial L / \partial H) \cdots (\partial F / \partial E)\,
#   (\partial E / \partial (W_2)_j)$
# - **h**: $\partial L / \partial (W_1)_{ij} = (\partial L / \partial B_{ij})\,
#   (\partial B_{ij} / \partial (W_1)_{ij})$

# %% answer="net.misprints"
misprints = None
### BEGIN SOLUTION
misprints = {"b", "c", "e", "g", "h"}
### END SOLUTION

# %% check="net.misprints"
check("net.misprints", misprints)

# %% attempt="net.misprints" expect="right"
misprints = "G, h, e, c, b"

# %% attempt="net.misprints" expect="wrong" mark=2 because="These two are. Another one is not even a number."
misprints = {"c", "e"}

# %% attempt="net.misprints" expect="wrong" mark=2 because="E is linear in W2, with D beside it: d is right."
misprints = {"b", "c", "d", "e"}

# %% attempt="net.misprints" expect="wrong"
misprints = {"a", "f"}

# %% attempt="net.misprints" expect="wrong" mark=1 because="b and c are. f is right; look at all indices."
misprints = {"b", "c", "f"}

# %% [markdown]
# ### Exercise `net.mended` (4 points, in words)
#
# Take two of the wrong lines. Say what each should be, and why.

# %% [markdown] prose="net.mended"
# ### BEGIN SOLUTION
# **b.** $H = \sum_k G_k$ is one number made of $n$, so $\partial H / \partial G$ is the row of ones
# $\mathbf 1^T \in \mathbb{R}^{1 \times n}$. A summation sign is an operation, not a derivative. Left standing in front
# of $F^T D$, which sums over samples already, it makes the gradient $n$ times too large.
#
# **c.** $G_k = F_k^2$ depends on $F_k$ alone, so $\partial G_k / \partial F_l = 2 F_k \delta_{kl}$: the $n \times n$
# matrix $\mathrm{diag}(2F)$. The row $2F^T$ is $\partial H / \partial F = \mathbf 1^T \mathrm{diag}(2F)$.
#
# **e.** $B_{kj} = \sum_l A_{kl} (W_1)_{lj}$, so $\partial B_{kj} / \partial (W_1)_{ij} = A_{ki}$, for every sample $k$;
# for $k = i$ that is $A_{ii}$, not $A_{ij}$. And since $(W_1)_{ij}$ feeds column $j$ of $B$ in every row, its gradient
# is the sum $\sum_k \bar B_{kj} A_{ki}$, which is what $A^T \bar B$ computes.
#
# **h.** The same mistake, one step on: $(W_1)_{ij}$ acts on $L$ by way of $B_{kj}$ for every sample $k$, so one has to
# sum over $k$: $\sum_k (\partial L / \partial B_{kj})\, A_{ki}$.
#
# **g.** On the left stands the gradient in all of $W_2$, $h + 1$ numbers, on the right that in one entry: one number.
# The last factor must be $\partial E / \partial W_2$, or the left-hand side $\partial L / \partial (W_2)_j$.
# ### END SOLUTION

# %% [markdown]
# ### Exercise `net.added` (4 points): find the bug

# %% show="net.added"
show("net.added")

# %% [markdown]
# Set `line` to the number of the line that is wrong, and mend it in the copy below (change that one line only).


# %% answer="net.added"
def gradient(X, W1, W2, y):
    n = len(X)
    A = np.pad(X, ((0, 0), (0, 1))) + 1
    B = A @ W1
    D = np.pad(np.maximum(B, 0), ((0, 0), (0, 1)), constant_values=1)
    E_bar = 2 / n * (D @ W2 - y)
    C_bar = E_bar @ W2[:-1].T
    B_bar = np.where(B > 0, C_bar, 0)
    return A.T @ B_bar


line = None
### BEGIN SOLUTION
line = 3


def gradient(X, W1, W2, y):
    n = len(X)
    A = np.pad(X, ((0, 0), (0, 1)), constant_values=1)
    B = A @ W1
    D = np.pad(np.maximum(B, 0), ((0, 0), (0, 1)), constant_values=1)
    E_bar = 2 / n * (D @ W2 - y)
    C_bar = E_bar @ W2[:-1].T
    B_bar = np.where(B > 0, C_bar, 0)
    return A.T @ B_bar


### END SOLUTION

# %% check="net.added"
check("net.added", gradient, line=line)


# %% attempt="net.added" expect="right"
def gradient(X, W1, W2, y):
    A = np.hstack([X, np.ones_like(y)])
    B = A @ W1
    E_bar = 2 / len(X) * (np.maximum(B, 0) @ W2[:-1] + W2[-1] - y)
    return A.T @ ((E_bar @ W2[:-1].T) * (B > 0))


line = 3


# %% attempt="net.added" expect="wrong" mark=2 because="C has no column for the last entry of W2."
def gradient(X, W1, W2, y):
    A = np.hstack([X, np.ones_like(y)])
    B = A @ W1
    E_bar = 2 / len(X) * (np.maximum(B, 0) @ W2[:-1] + W2[-1] - y)
    return A.T @ ((E_bar @ W2[:-1].T) * (B > 0))


line = 7


# %% attempt="net.added" expect="wrong" mark=2 cause="activation derivative forgotten"
def gradient(X, W1, W2, y):
    A = np.hstack([X, np.ones_like(y)])
    B = A @ W1
    E_bar = 2 / len(X) * (np.maximum(B, 0) @ W2[:-1] + W2[-1] - y)
    return A.T @ (E_bar @ W2[:-1].T)


line = 3


# %% attempt="net.added" expect="wrong" mark=2 cause="sum for mean"
def gradient(X, W1, W2, y):
    A = np.hstack([X, np.ones_like(y)])
    B = A @ W1
    E_bar = 2 * (np.maximum(B, 0) @ W2[:-1] + W2[-1] - y)
    return A.T @ ((E_bar @ W2[:-1].T) * (B > 0))


line = 3


# %% attempt="net.added" expect="wrong" mark=2
def gradient(X, W1, W2, y):
    A = np.hstack([X, np.zeros_like(y)])
    B = A @ W1
    E_bar = 2 / len(X) * (np.maximum(B, 0) @ W2[:-1] + W2[-1] - y)
    return A.T @ ((E_bar @ W2[:-1].T) * (B > 0))


line = 3


# %% attempt="net.added" expect="wrong" mark=2 because="This line appends a column of ones, as it should."
def gradient(X, W1, W2, y):
    A = np.hstack([X, np.ones_like(y)])
    B = A @ W1
    E_bar = 2 / len(X) * (np.maximum(B, 0) @ W2[:-1] + W2[-1] - y)
    return A.T @ ((E_bar @ W2[:-1].T) * (B > 0))


line = 5

# %% [markdown]
# ## 5. Training, with your own gradients
#
# A yardstick first. Somebody who says 0, the mean, for everybody has the variance of the prices as their mean squared
# error, which is 1, since they are standardised. A second yardstick is the best *linear* prediction, by least squares;
# a network has to beat it to be worth its ReLUs. Training is gradient descent: 200 times, take all passengers, compute
# your gradients, and go a small step downhill.

# %%
bias_column = np.ones((len(inputs), 1))
best = np.linalg.lstsq(np.hstack([inputs, bias_column]), targets, rcond=None)[0]
linear = np.mean((np.hstack([inputs, bias_column]) @ best - targets) ** 2)
print(f"best linear prediction: {linear:.3f}")

# %% [markdown]
# ### Exercise `net.trained` (1 point, a prediction)
#
# Where will the loss of the network be after 200 steps? Less than the best linear prediction, perhaps; how much less?
# Write down a number before you train.

# %% answer="net.trained"
trained = None
### BEGIN SOLUTION
trained = 0.5
### END SOLUTION

# %% check="net.trained"
predict("net.trained", trained)

# %% attempt="net.trained" expect="right"
trained = np.float64(0.61)

# %% attempt="net.trained" expect="wrong"
trained = "less"

# %% attempt="net.trained" expect="wrong"
trained = np.inf

# %% attempt="net.trained" expect="wrong"
trained = (0.5, 0.6)


# %%
def train(steps=200, rate=0.1):
    """The losses before each of so many steps downhill, with `price` and `gradients` from above."""
    (W1, W2), losses = first_weights(), []
    for _ in range(steps):
        losses.append(float(np.mean((price(inputs, W1, W2) - targets) ** 2)))
        dW1, dW2 = gradients(inputs, W1, W2, targets)
        W1, W2 = W1 - rate * dW1, W2 - rate * dW2
    return losses, W1, W2


try:
    losses, W1, W2 = train()
    print(f"loss before the first step {losses[0]:.3f}, before the last {losses[-1]:.3f}")
except Exception as error:
    losses = []
    print(f"Solve net.price and net.gradients first; then run this cell again. ({type(error).__name__})")

# %%
figure, axes = plt.subplots(figsize=(6.5, 3))
axes.plot(losses, label="your network")
axes.axhline(1, ls=":", color="grey", label="the mean for everybody")
axes.axhline(linear, ls="--", color="tab:orange", label="best linear prediction")
axes.set(xlabel="steps", ylabel="mean squared error", xlim=(0, 200), ylim=(0.5, 1.1))
axes.legend()
fell = f"falls from {losses[0]:.2f} to {losses[-1]:.2f}" if losses else "is not there yet"
picture(figure, alt=f"The loss over 200 steps {fell}; lines at 1 (the mean) and {linear:.2f} (best linear prediction).")

# %%
reveal("net.trained", round(losses[-1], 3)) if losses else "There is no loss yet to hold your prediction against."

# %% [markdown]
# It beats the linear prediction: the mean price falls steeply from first to second class and hardly from second to
# third, which is a bend, and a bend is what a ReLU has. Most of what is left over lies within first class, where prices
# differ most:

# %%
rest = np.concatenate([targets[cabin_class == k] - targets[cabin_class == k].mean() for k in (1, 2, 3)]) ** 2
print(f"left over by the mean of each class: {rest.mean():.3f}")
print(f"of this within first class: {rest[: np.sum(cabin_class == 1)].sum() / rest.sum():.0%}")

# %% [markdown]
# Each step used all passengers: steepest descent. The loss is a mean over them, so a few passengers, drawn at random
# for each step, would give the right gradient on average, for a fraction of the work: stochastic gradient descent, as
# on sheet 1.
#
# Try it in a cell of your own: `train(rate=1.0)[0]` are the losses with steps ten times as long, `train(rate=0.001)[0]`
# with steps a hundredth. Then leave the ReLU out of a copy of `gradients`, and watch what training makes of it.
#
# ## What to take along
#
# - Write a network as a graph, and one adjoint per function: transposed Jacobian times adjoint, contributions added
#   where several arrows leave.
# - A weight's gradient is the adjoint of what it feeds, times what it is multiplied with; over a batch, one matrix
#   product sums over the samples.
# - Concatenation goes back as selection: what belongs to the constant is dropped.
# - Shapes catch many misprints, and only if the sizes differ; data of one sign hides a forgotten ReLU.

# %% [markdown]
# ## Where you stand

# %%
progress()
