# %% [markdown]
# # Sheet 1: the chain rule
#
# Everything in this course is one rule, used over and over: *the derivative of a composition is the product of the
# derivatives.* On this sheet you use it for numbers, for vectors, for layers of a network, and for computations in
# which a value is used twice. In the end you train a layer with a gradient of your own. Plan 120 to 150 minutes;
# sections 7 to 9 can wait for a second sitting.
#
# **After this sheet you can**
#
# 1. write down a Jacobian with its rows and columns in the right places (`chain.one_number`, `chain.jacobian`);
# 2. differentiate a composition of maps, and say why the product of Jacobians is right (`chain.composition`,
#    `chain.lemma`, `chain.push_forward`, `chain.function_of_a_map`);
# 3. write down the Jacobian of a layer, with a smooth activation and with ReLU (`chain.tanh_layer`,
#    `chain.guess_rows`, `chain.relu_layer`);
# 4. differentiate two losses with the right sign (`chain.squared_loss`, `chain.cross_entropy`);
# 5. send an error backwards through layers to the input and to the weights (`chain.error_through_layer`,
#    `chain.error_at_input`, `chain.weights`);
# 6. find what is wrong in a published line and in a program, and say how to mend it (`chain.print_sign`,
#    `chain.print_influence`, `chain.bug`);
# 7. handle values that are used more than once, and differentiate a gradient (`chain.draw`, `chain.paths`,
#    `chain.paths_by_hand`, `chain.gradient_again`);
# 8. train with a gradient: with all data at each step, or with one sample (`chain.guess_descent`).
#
# **How it works.** Below each exercise stands a cell with `check(...)`. Run it as often as you like: it compares your
# answer, at fresh random points, with what several independent programs (the witnesses: PyTorch, the course's own
# `autodiff`, difference quotients) say, and tells what is right already. `hint` gives a hint, from 1
# (where to look) to 3 (nearly the answer); hints cost nothing. If you cannot find a mistake, add a cell that puts your
# lines beside the course's, such as `compare("chain.paths", paths)`. A solved exercise can be done again with fresh
# numbers and without marks: `again = practice("chain.paths_by_hand")`, then `again.check(...)`. The last cell shows how
# far you are. Twice you are asked to *predict* what a cell will show; a prediction counts for being made, right or not.
#
# **One convention for the whole course.** A gradient has the shape of its variable. A Jacobian has one row per output
# and one column per input. Write NumPy, and do not change the arguments that you are given.

# %% setup=true
import numpy as np
from matplotlib import pyplot as plt

import autodiff
from autodiff import show as draw
from autodiff.graph import Graph
from grading.notebook import check, compare, hint, open_sheet, picture, practice, predict, progress, reveal, show

open_sheet("01_chain_rule")

# %% [markdown]
# ## 1. One number in, one number out
#
# If $f = g \circ u$, that is $f(x) = g(u(x))$, then
#
# $$ f'(x) = g'(u(x)) \cdot u'(x). $$
#
# Note where $g'$ is taken: at the inner value $u(x)$, not at $x$. **Example.** For $f(x) = e^{3x}$ the inner function
# is $u = 3x$, the outer one $g = \exp$, and so $f'(x) = e^{3x} \cdot 3$. Numbers agree:

# %%
x, step = 0.4, 1e-5
by_rule = 3 * np.exp(3 * x)
by_difference = (np.exp(3 * (x + step)) - np.exp(3 * (x - step))) / (2 * step)
print(f"by the rule {by_rule:.5f}, by a difference quotient {by_difference:.5f}")

# %% [markdown]
# As a picture: five places near $x = 0.4$, a twentieth apart. What is between them is stretched, first three times,
# then about $e^{1.2} \approx 3.3$ times. Stretching twice multiplies.

# %%
near = np.linspace(0.3, 0.5, 5)
rulers = [near, 3 * near, np.exp(3 * near)]
figure, axis = plt.subplots(figsize=(6.4, 2.2))
axis.plot(rulers, [2, 1, 0], color="0.7", zorder=0)
for height, places, name in zip((2, 1, 0), rulers, ("x", "u = 3x", "exp(u)"), strict=True):
    axis.plot(places, np.full(5, height), "o")
    axis.text(4.8, height, name, va="center")
axis.axis("off")
picture(
    figure,
    alt="Three rulers one below the other. Five places on that of x, from 0.3 to 0.5, are joined to their images on "
    "that of u = 3x, from 0.9 to 1.5, and these to theirs on that of exp(u), from 2.5 to 4.5.",
)

# %% [markdown]
# ### Exercise `chain.one_number` (1 point)
#
# For $f(x) = \sin(a x^2)$, return $f'(x)$. If you are stuck:

# %%
hint("chain.one_number", 1)


# %% answer="chain.one_number"
def one_number(x, a):
    ### BEGIN SOLUTION
    return np.cos(a * x**2) * 2 * a * x
    ### END SOLUTION


# %% check="chain.one_number"
check("chain.one_number", one_number)


# %% attempt="chain.one_number" expect="right"
def one_number(x, a):
    u = a * x * x
    return 2 * u / x * np.sin(u + np.pi / 2)


# %% attempt="chain.one_number" expect="wrong" cause="factor 2 missing"
def one_number(x, a):
    return np.cos(a * x**2) * a * x


# %% attempt="chain.one_number" expect="wrong" cause="sign"
def one_number(x, a):
    return -np.cos(a * x**2) * 2 * a * x


# %% attempt="chain.one_number" expect="wrong" cause="the value instead of its derivative"
def one_number(x, a):
    return np.sin(a * x**2)


# %% [markdown]
# ## 2. Vectors in, vectors out: Jacobians
#
# A map $F: \mathbb{R}^n \to \mathbb{R}^m$ has $m \cdot n$ partial derivatives. They are kept in the Jacobian
#
# $$ J_F = \Big( \frac{\partial F_i}{\partial x_j} \Big)_{ij} \in \mathbb{R}^{m \times n}, $$
#
# one **row** per output component, one **column** per input component. **Example.** $F(x) = (x_0 x_1,\; x_0 + 3 x_1,\;
# x_1^2)$ has
#
# $$ J_F(x) = \begin{pmatrix} x_1 & x_0 \\ 1 & 3 \\ 0 & 2 x_1 \end{pmatrix}, $$
#
# three rows and two columns. The course's own package computes the same from the function alone. Here it is at
# $x = (2, 5)$, red for positive and blue for negative entries (there is no need to read how it is drawn):


# %%
def heat(axis, matrix, title, rows=(), columns=()):
    """A matrix as coloured squares with its numbers."""
    axis.imshow(matrix, cmap="RdBu_r", vmin=-2 * np.abs(matrix).max(), vmax=2 * np.abs(matrix).max())
    for (row, column), entry in np.ndenumerate(matrix):
        axis.text(column, row, f"{entry:.3g}", ha="center", va="center", color="0.6" if entry == 0 else "black")
    axis.set_title(title, fontsize=10)
    axis.set_xticks(range(len(columns)), columns)
    axis.set_yticks(range(len(rows)), rows)
    axis.tick_params(length=0)


def F(x):
    return np.stack([x[0] * x[1], x[0] + 3 * x[1], x[1] ** 2])


figure, axis = plt.subplots(figsize=(2.4, 2.2))
rows, columns = ("$x_0 x_1$", "$x_0 + 3 x_1$", "$x_1^2$"), ("in $x_0$", "in $x_1$")
heat(axis, autodiff.jacobian(F)(np.array([2.0, 5.0])), "Jacobian of F", rows, columns)
picture(
    figure,
    alt="The Jacobian at (2, 5). A row for each output, a column for each input: (5, 2), (1, 3), (0, 10).",
)

# %% [markdown]
# ### Exercise `chain.jacobian` (2 points)
#
# For $F(x) = \big(x_0 x_1,\; \sin x_1,\; x_2^2,\; x_0 + x_2,\; e^{x_0 x_2}\big)$, return $J_F(x)$.


# %% answer="chain.jacobian"
def jacobian(x):
    ### BEGIN SOLUTION
    exponential = np.exp(x[0] * x[2])
    return np.array(
        [
            [x[1], x[0], 0],
            [0, np.cos(x[1]), 0],
            [0, 0, 2 * x[2]],
            [1, 0, 1],
            [x[2] * exponential, 0, x[0] * exponential],
        ]
    )
    ### END SOLUTION


# %% check="chain.jacobian"
check("chain.jacobian", jacobian)


# %% attempt="chain.jacobian" expect="right"
def jacobian(x):
    e = np.exp(x[0] * x[2])
    first = [x[1], 0.0, 0.0, 1.0, x[2] * e]
    second = [x[0], np.cos(x[1]), 0.0, 0.0, 0.0]
    third = [0.0, 0.0, 2 * x[2], 1.0, x[0] * e]
    return [list(row) for row in zip(first, second, third, strict=True)]


# %% attempt="chain.jacobian" expect="wrong" cause="transposed"
def jacobian(x):
    e = np.exp(x[0] * x[2])
    first = [x[1], 0.0, 0.0, 1.0, x[2] * e]
    second = [x[0], np.cos(x[1]), 0.0, 0.0, 0.0]
    third = [0.0, 0.0, 2 * x[2], 1.0, x[0] * e]
    return np.array([first, second, third])


# %% attempt="chain.jacobian" expect="wrong" cause="reshape for transpose"
def jacobian(x):
    e = np.exp(x[0] * x[2])
    first = [x[1], 0.0, 0.0, 1.0, x[2] * e]
    second = [x[0], np.cos(x[1]), 0.0, 0.0, 0.0]
    third = [0.0, 0.0, 2 * x[2], 1.0, x[0] * e]
    return np.array([first, second, third]).reshape(5, 3)


# %% attempt="chain.jacobian" expect="wrong" cause="product rule misapplied"
def jacobian(x):
    e = np.exp(x[0] * x[2])
    return np.array([[x[1], x[0], 0], [0, np.cos(x[1]), 0], [0, 0, 2 * x[2]], [1, 0, 1], [e, 0, e]])


# %% [markdown]
# ## 3. Composition: Jacobians multiply
#
# Let $G: \mathbb{R}^n \to \mathbb{R}^q$ and $H: \mathbb{R}^q \to \mathbb{R}^m$. Then
#
# $$ J_{H \circ G}(x) = J_H\big(G(x)\big) \; J_G(x), \qquad (m \times q)(q \times n) = (m \times n). $$
#
# The shapes only fit in this order, and each Jacobian is taken at *its own* input. **Example.** $G(x) = (x_0 x_1,\;
# x_0 + x_1)$ and $H(z) = (z_0^2,\; z_0 z_1,\; z_1)$, at $x = (2, 3)$, where $G(x) = (6, 5)$:


# %%
def G(x):
    return np.stack([x[0] * x[1], x[0] + x[1]])


def H(z):
    return np.stack([z[0] ** 2, z[0] * z[1], z[1]])


x = np.array([2.0, 3.0])
J_G, J_H = autodiff.jacobian(G)(x), autodiff.jacobian(H)(G(x))
J = autodiff.jacobian(lambda x: H(G(x)))(x)
print("the product is the Jacobian of the composition:", np.array_equal(J_H @ J_G, J))
figure, axes = plt.subplots(1, 3, figsize=(5.6, 2), layout="constrained")
titles = ("$J_H$ at G(x)", "times $J_G$ at x", "is $J$ of both")
for axis, matrix, title in zip(axes, (J_H, J_G, J), titles, strict=True):
    heat(axis, matrix, title)
picture(
    figure,
    alt="Three matrices. The Jacobian of H at (6, 5): (12, 0), (5, 6), (0, 1). That of G at (2, 3): (3, 2), (1, 1). "
    "Their product: (36, 24), (21, 16), (1, 1).",
)

# %% [markdown]
# The rule needs $G$ to be differentiable at $x$ and $H$ at $G(x)$. That is enough, though not always necessary:
# $|\cdot|$ has no derivative at 0, since its difference quotients from the left and from the right differ, and yet
# $|x^2|$ has one there.

# %%
for name, function in {"|x|": abs, "|x^2|": lambda x: abs(x**2)}.items():
    left, right = ((function(step) - function(0.0)) / step for step in (-1e-6, 1e-6))
    print(f"{name:>5} at 0: from the left {left:g}, from the right {right:g}")

# %% [markdown]
# ### Exercise `chain.composition` (3 points)
#
# Let $G(x) = \tanh(Bx)$ and $H(z) = \sin(Az)$, both functions applied entry by entry. Return the Jacobian of
# $H \circ G$ in $x$.


# %% answer="chain.composition"
def composition(A, B, x):
    ### BEGIN SOLUTION
    z = np.tanh(B @ x)
    outer = np.cos(A @ z)[:, None] * A
    inner = (1 - z**2)[:, None] * B
    return outer @ inner
    ### END SOLUTION


# %% check="chain.composition"
check("chain.composition", composition)


# %% attempt="chain.composition" expect="right"
def composition(A, B, x):
    z = np.tanh(B @ x)
    return np.einsum("i,ij,j,jk->ik", np.cos(A @ z), A, 1 / np.cosh(B @ x) ** 2, B)


# %% attempt="chain.composition" expect="wrong" cause="transposed"
def composition(A, B, x):
    z = np.tanh(B @ x)
    return ((np.cos(A @ z)[:, None] * A) @ ((1 - z**2)[:, None] * B)).T


# %% attempt="chain.composition" expect="wrong" cause="activation derivative forgotten"
def composition(A, B, x):
    z = np.tanh(B @ x)
    return (np.cos(A @ z)[:, None] * A) @ B


# %% attempt="chain.composition" expect="wrong" cause="single precision"
def composition(A, B, x):
    A, B, x = (array.astype(np.float32) for array in (A, B, x))
    z = np.tanh(B @ x)
    return (np.cos(A @ z)[:, None] * A) @ ((1 - z**2)[:, None] * B)


# %% [markdown]
# ### Exercise `chain.lemma` (4 points, in words)
#
# Show that the Jacobian of a composition is the product of the Jacobians: start from the derivative of one component
# $(H \circ G)_i$ in one variable $x_j$, and say at which points everything is taken and what you need of $G$ and $H$.

# %% [markdown] prose="chain.lemma"
# ### BEGIN SOLUTION
# Let $z = G(x)$. $J_G(x)$ is $q \times n$ with entries $\partial G_k / \partial x_j$ at $x$, and $J_H(z)$ is $m \times
# q$ with entries $\partial H_i / \partial z_k$ at $z$. The component $F_i(x) = H_i(G_1(x), \dots, G_q(x))$ depends on
# $x_j$ through every $G_k$. If $G$ is differentiable at $x$ and $H$ at $z = G(x)$, the chain rule for one number gives
# a contribution $\frac{\partial H_i}{\partial z_k} \frac{\partial G_k}{\partial x_j}$ through each $k$, and the
# contributions add:
#
# $$ \frac{\partial F_i}{\partial x_j}(x) = \sum_{k=1}^{q} \frac{\partial H_i}{\partial z_k}(z) \,
# \frac{\partial G_k}{\partial x_j}(x). $$
#
# The right-hand side is row $i$ of $J_H(z)$ times column $j$ of $J_G(x)$, which is the entry $(i, j)$ of their product.
# ### END SOLUTION

# %% [markdown]
# ### Exercise `chain.push_forward` (2 points)
#
# Often the whole Jacobian is not needed, only its product with one vector: how does $H(G(x))$ move when $x$ moves
# along $dx$? For the same $G$ and $H$, return $J_{H \circ G}(x)\, dx$, and try to do without forming a Jacobian: push
# the tangent through one step after the other. (This is forward mode.)


# %% answer="chain.push_forward"
def push_forward(A, B, x, dx):
    ### BEGIN SOLUTION
    z = np.tanh(B @ x)
    dz = (1 - z**2) * (B @ dx)
    return np.cos(A @ z) * (A @ dz)
    ### END SOLUTION


# %% check="chain.push_forward"
check("chain.push_forward", push_forward)


# %% attempt="chain.push_forward" expect="right"
def push_forward(A, B, x, dx):
    z = np.tanh(B @ x)
    return ((np.cos(A @ z)[:, None] * A) @ ((1 - z**2)[:, None] * B)) @ dx


# %% attempt="chain.push_forward" expect="wrong" cause="activation derivative forgotten"
def push_forward(A, B, x, dx):
    z = np.tanh(B @ x)
    return np.cos(A @ z) * (A @ (B @ dx))


# %% attempt="chain.push_forward" expect="wrong" cause="the value instead of its derivative"
def push_forward(A, B, x, dx):
    return np.sin(A @ np.tanh(B @ x))


# %% attempt="chain.push_forward" expect="wrong" cause="a finite difference"
def push_forward(A, B, x, dx):
    def f(x):
        return np.sin(A @ np.tanh(B @ x))

    return (f(x + 1e-6 * dx) - f(x)) / 1e-6


# %% [markdown]
# ### Exercise `chain.function_of_a_map` (2 points)
#
# When the outer map gives a single number, its Jacobian is one row, and we keep it as a gradient with the shape of the
# variable. Let $h(z) = \tfrac12 \sum_i z_i^2$ and $G(x) = \sin(Bx)$. Return the gradient of $h \circ G$ in $x$.


# %% answer="chain.function_of_a_map"
def function_of_a_map(B, x):
    ### BEGIN SOLUTION
    a = B @ x
    return B.T @ (np.sin(a) * np.cos(a))
    ### END SOLUTION


# %% check="chain.function_of_a_map"
check("chain.function_of_a_map", function_of_a_map)


# %% attempt="chain.function_of_a_map" expect="right"
def function_of_a_map(B, x):
    return (np.sin(2 * (B @ x)) / 2) @ B


# %% attempt="chain.function_of_a_map" expect="right"
def function_of_a_map(B, x):
    return (np.sin(2 * (B @ x)) / 2)[None, :] @ B


# %% attempt="chain.function_of_a_map" expect="wrong" cause="factor 2 too many"
def function_of_a_map(B, x):
    return np.sin(2 * (B @ x)) @ B


# %% attempt="chain.function_of_a_map" expect="wrong" cause="shape that only broadcasts"
def function_of_a_map(B, x):
    return B.T @ (np.sin(B @ x) * np.cos(B @ x))[:, None]


# %% attempt="chain.function_of_a_map" expect="wrong" cause="not summed"
def function_of_a_map(B, x):
    return (np.sin(B @ x) * np.cos(B @ x))[:, None] * B


# %% [markdown]
# ## 4. A layer, and its Jacobian
#
# A layer computes $F(x) = \sigma(Wx + b)$ with $\sigma$ applied entry by entry. Call the argument $a = Wx + b$ the
# pre-activation. Unit $i$ sees $x$ only through $a_i$, so
#
# $$ \frac{\partial F_i}{\partial x_j} = \sigma'(a_i)\, W_{ij}, \qquad
# J_F = \operatorname{diag}\big(\sigma'(a)\big)\, W. $$
#
# Each **row** of $W$ is scaled by that unit's slope. This holds for every $\sigma$ that acts on each entry by itself.
# (Softmax does not: each of its outputs depends on all entries.) **Example.** Two units, three inputs, $\sigma =
# \exp$, which is its own slope:

# %%
W, b, x = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, -1.0]]), np.zeros(2), np.array([0.1, 0.2, 0.3])
a = W @ x + b
print("slopes of the units:", np.round(np.exp(a), 3))
figure, axes = plt.subplots(1, 2, figsize=(5.2, 1.5), layout="constrained")
heat(axes[0], W, "W")
heat(axes[1], np.diag(np.exp(a)) @ W, "each row times its slope")
picture(
    figure,
    alt="W with rows (1, 0, 2) and (0, 3, -1), and beside it the Jacobian: these rows times 2.01 and times 1.35.",
)

# %% [markdown]
# ### Exercise `chain.tanh_layer` (2 points)
#
# Return the Jacobian of $F(x) = \tanh(Wx + b)$ in $x$.


# %% answer="chain.tanh_layer"
def tanh_layer(W, b, x):
    ### BEGIN SOLUTION
    slope = 1 - np.tanh(W @ x + b) ** 2
    return slope[:, None] * W
    ### END SOLUTION


# %% check="chain.tanh_layer"
check("chain.tanh_layer", tanh_layer)


# %% attempt="chain.tanh_layer" expect="right"
def tanh_layer(W, b, x):
    return np.diag(np.cosh(W @ x + b) ** -2.0) @ W


# %% attempt="chain.tanh_layer" expect="wrong" cause="activation derivative forgotten"
def tanh_layer(W, b, x):
    return W


# %% attempt="chain.tanh_layer" expect="wrong" cause="transposed"
def tanh_layer(W, b, x):
    return W.T * (1 - np.tanh(W @ x + b) ** 2)


# %% attempt="chain.tanh_layer" expect="wrong" cause="activation derivative at the wrong point"
def tanh_layer(W, b, x):
    return (1 - np.tanh(W @ x) ** 2)[:, None] * W


# %% [markdown]
# ### Prediction `chain.guess_rows` (1 point)
#
# The ReLU is $\max(a, 0)$; its slope is 1 where $a > 0$ and 0 where $a < 0$ (and, by agreement in this course, 0 at
# $a = 0$). Here is a layer of five units with pre-activations

# %%
W = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, -1.0], [-2.0, 1.0, 0.0], [1.0, 1.0, 1.0], [-1.0, 0.0, -1.0]])
b, x = np.array([0.0, 0.0, -1.0, 0.0, 0.5]), np.array([1.0, 2.0, -1.0])
print("a =", W @ x + b)

# %% [markdown]
# How many **entries** of the Jacobian of $\mathrm{ReLU}(Wx + b)$ will be 0 because a unit is off? Write down a number
# before you run the next cells.

# %% answer="chain.guess_rows"
guess_rows = None
### BEGIN SOLUTION
guess_rows = 6
### END SOLUTION

# %% check="chain.guess_rows"
predict("chain.guess_rows", guess_rows)

# %% attempt="chain.guess_rows" expect="right"
guess_rows = 2.0

# %% attempt="chain.guess_rows" expect="wrong"
guess_rows = "two rows"

# %% attempt="chain.guess_rows" expect="wrong"
guess_rows = -6

# %% attempt="chain.guess_rows" expect="wrong"
guess_rows = 1.5

# %%
J = autodiff.jacobian(lambda x: autodiff.relu(W @ x + b))(x)
figure, axes = plt.subplots(1, 2, figsize=(4, 2.4), layout="constrained")
heat(axes[0], W, "W")
heat(axes[1], J, "Jacobian")
picture(
    figure, alt="W, and beside it the Jacobian: the same rows, but the first and third, whose units are off, are 0."
)

# %%
reveal("chain.guess_rows", J[W @ x + b < 0].size)

# %% [markdown]
# A unit that is off takes its **whole row** away; what is left is $W$ itself. So every entry of the Jacobian is either
# that of $W$ or 0. (If all units are on, nothing is thinned out at all.)
#
# ### Exercise `chain.relu_layer` (2 points)
#
# Return the Jacobian of $F(x) = \mathrm{ReLU}(Wx + b)$ in $x$.


# %% answer="chain.relu_layer"
def relu_layer(W, b, x):
    ### BEGIN SOLUTION
    active = W @ x + b > 0
    return np.where(active[:, None], W, 0.0)
    ### END SOLUTION


# %% check="chain.relu_layer"
check("chain.relu_layer", relu_layer)


# %% attempt="chain.relu_layer" expect="right"
def relu_layer(W, b, x):
    rows = []
    for weights, bias in zip(W, b, strict=True):
        rows.append(list(weights) if weights @ x + bias > 0 else [0.0] * len(x))
    return rows


# %% attempt="chain.relu_layer" expect="wrong" cause="activation derivative forgotten"
def relu_layer(W, b, x):
    return W


# %% attempt="chain.relu_layer" expect="wrong" cause="ReLU mask from the wrong quantity"
def relu_layer(W, b, x):
    return np.where((W @ x > 0)[:, None], W, 0.0)


# %% attempt="chain.relu_layer" expect="wrong" unnamed="the weights cut off instead of the units"
def relu_layer(W, b, x):
    return np.maximum(W, 0)


# %% attempt="chain.relu_layer" expect="wrong" cause="another subgradient at a kink"
def relu_layer(W, b, x):
    return np.where((W @ x + b >= 0)[:, None], W, 0.0)


# %% attempt="chain.relu_layer" expect="wrong" mark=1 cause="changes its arguments"
def relu_layer(W, b, x):
    W[W @ x + b <= 0] = 0
    return W.copy()


# %% [markdown]
# ## 5. Where backpropagation starts: the gradient of the loss
#
# Gradients point **uphill**: the gradient of the loss at the output says how the loss grows. Steps go against it, but
# the gradient itself carries no minus sign. **Example.** $R(y) = \tfrac14 (y - t)^4$ with the target $t = 1$ has the
# slope $(y - t)^3$: negative to the left of the target, where the loss falls as $y$ grows, and positive to the right.

# %%
y, t = np.linspace(-0.4, 2.4, 100), 1.0
figure, axis = plt.subplots(figsize=(5.6, 2.6))
axis.plot(y, (y - t) ** 4 / 4)
for at in (0.0, 2.0):
    slope = (at - t) ** 3
    axis.plot([at - 0.3, at + 0.3], [0.25 - 0.3 * slope, 0.25 + 0.3 * slope], "k--")
    axis.text(at, 0.4, f"slope {slope:g}", ha="left" if slope < 0 else "right")
axis.set(xlabel="y", ylabel="loss", xticks=[0, 1, 2], yticks=[0, 0.5, 1])
picture(figure, alt="The loss over y, lowest at the target 1. The tangent at 0 has the slope -1, that at 2 has 1.")

# %% [markdown]
# ### Exercise `chain.squared_loss` (1 point)
#
# Return the gradient of $\tfrac12 \lVert t - y \rVert^2$ in $y$, where $t$ is the target.


# %% answer="chain.squared_loss"
def squared_loss(y, target):
    ### BEGIN SOLUTION
    return y - target
    ### END SOLUTION


# %% check="chain.squared_loss"
check("chain.squared_loss", squared_loss)


# %% attempt="chain.squared_loss" expect="right"
def squared_loss(y, target):
    return [float(one) - float(other) for one, other in zip(y, target, strict=True)]


# %% attempt="chain.squared_loss" expect="wrong" cause="sign"
def squared_loss(y, target):
    return target - y


# %% attempt="chain.squared_loss" expect="wrong" cause="factor 2 too many"
def squared_loss(y, target):
    return 2 * (y - target)


# %% attempt="chain.squared_loss" expect="wrong" cause="mean for sum"
def squared_loss(y, target):
    return (y - target) / len(y)


# %% [markdown]
# ### Exercise `chain.cross_entropy` (2 points)
#
# A network gives scores $z$, one per class. Probabilities are made of them by $\operatorname{softmax}(z)_i = e^{z_i} /
# \sum_k e^{z_k}$, and the loss for a sample of class `label` is minus the logarithm of *its* probability, $\log \sum_i
# e^{z_i} - z_{\text{label}}$:

# %%
scores, right_class = np.array([2.0, 1.0, -1.0]), 1
probabilities = np.exp(scores) / np.sum(np.exp(scores))
print("probabilities", np.round(probabilities, 3), f" loss {-np.log(probabilities[right_class]):.3f}")

# %% [markdown]
# Return the gradient of this loss in $z$. Your code must survive large scores: at $z_i = 900$, $e^{z_i}$ is too large
# for a float. What changes if the largest score is subtracted from all of them first?


# %% answer="chain.cross_entropy"
def cross_entropy(z, label):
    ### BEGIN SOLUTION
    exponentials = np.exp(z - z.max())
    gradient = exponentials / exponentials.sum()
    gradient[label] -= 1
    return gradient
    ### END SOLUTION


# %% check="chain.cross_entropy"
check("chain.cross_entropy", cross_entropy)


# %% attempt="chain.cross_entropy" expect="right"
def cross_entropy(z, label):
    log_total = np.logaddexp.reduce(z)
    return np.exp(z - log_total) - (np.arange(len(z)) == label)


# %% attempt="chain.cross_entropy" expect="wrong" cause="sign"
def cross_entropy(z, label):
    p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    return (np.arange(len(z)) == label) - p


# %% attempt="chain.cross_entropy" expect="wrong" cause="a path or term dropped"
def cross_entropy(z, label):
    return np.exp(z - z.max()) / np.exp(z - z.max()).sum()


# %% attempt="chain.cross_entropy" expect="wrong" cause="not finite"
def cross_entropy(z, label):
    return np.exp(z) / np.exp(z).sum() - (np.arange(len(z)) == label)


# %% attempt="chain.cross_entropy" expect="wrong" cause="two calls disagree"
earlier = []


def cross_entropy(z, label):
    earlier.append(label)
    return np.exp(z - np.logaddexp.reduce(z)) - (np.arange(len(z)) == label) + 1e-3 * len(earlier)


# %% [markdown]
# ## 6. Errors travel backwards
#
# Let a network be $x^0 \to x^1 \to \dots \to x^L = y$ with layer maps $F^1, \dots, F^L$, so that $x^l = F^l(\dots
# F^1(x^0))$ is the composition of the first $l$ of them, and $R(y)$ the loss. Write $e^l$ for the gradient of $R$ in
# the activations $x^l$, as a row. Then
#
# $$ e^L = \nabla_y R, \qquad e^{l} = e^{l+1} \, J_{F^{l+1}}(x^{l}). $$
#
# The whole backward pass is this: one row vector, multiplied by one Jacobian after the other, each taken at the
# activations of the forward pass. **Example.** $F^1(x) = (x_0 x_1,\; x_0 + x_1,\; x_1^2)$, $F^2(x) = (x_0 x_1,\;
# x_2)$ and $R(y) = \tfrac12 \lVert y \rVert^2$, from $x^0 = (1, 2)$:


# %%
def F1(x):
    return np.stack([x[0] * x[1], x[0] + x[1], x[1] ** 2])


def F2(x):
    return np.stack([x[0] * x[1], x[2]])


x0 = np.array([1.0, 2.0])
x1 = F1(x0)
x2 = F2(x1)
e2 = x2
e1 = e2 @ autodiff.jacobian(F2)(x1)
e0 = e1 @ autodiff.jacobian(F1)(x0)
print("autodiff says", autodiff.grad(lambda x: np.sum(F2(F1(x)) ** 2) / 2)(x0))
values = {"x0": x0, "x1": x1, "x2": x2, "e2": e2, "e1": e1, "e0": e0}
nodes = [{"id": name, "label": f"{name} = ({', '.join(f'{v:g}' for v in value)})"} for name, value in values.items()]
arrows = [["x0", "x1", 0, "F1"], ["x1", "x2", 0, "F2"], ["x2", "e2", 0, "gradient of R"]]
arrows += [["e2", "e1", 0, "J of F2"], ["x1", "e1", 1, ""], ["e1", "e0", 0, "J of F1"], ["x0", "e0", 1, ""]]
Graph.from_data({"nodes": nodes, "edges": arrows})

# %% [markdown]
# The arrows at the side say that a Jacobian is taken where the forward pass came by; so the activations have to be
# kept. Given these, the way back is *linear* in the error, whatever the network computes:

# %%
print(np.array_equal((3 * e2) @ autodiff.jacobian(F2)(x1) @ autodiff.jacobian(F1)(x0), 3 * e0))

# %% [markdown]
# ### Exercise `chain.error_through_layer` (2 points)
#
# One step of it. Given the error $e$ at the output of $F(x) = \tanh(Wx + b)$, return the error at its input,
# $e\,J_F(x)$, as a vector with the shape of $x$.


# %% answer="chain.error_through_layer"
def error_through_layer(W, b, x, e):
    ### BEGIN SOLUTION
    slope = 1 - np.tanh(W @ x + b) ** 2
    return W.T @ (e * slope)
    ### END SOLUTION


# %% check="chain.error_through_layer"
check("chain.error_through_layer", error_through_layer)


# %% attempt="chain.error_through_layer" expect="right"
def error_through_layer(W, b, x, e):
    return e @ np.diag(1 - np.tanh(W @ x + b) ** 2) @ W


# %% attempt="chain.error_through_layer" expect="wrong" cause="activation derivative forgotten"
def error_through_layer(W, b, x, e):
    return W.T @ e


# %% attempt="chain.error_through_layer" expect="wrong" mark=1 cause="changes its arguments"
def error_through_layer(W, b, x, e):
    e *= 1 - np.tanh(W @ x + b) ** 2
    return W.T @ e


# %% attempt="chain.error_through_layer" expect="wrong" cause="sign"
def error_through_layer(W, b, x, e):
    return W.T @ (e * (np.tanh(W @ x + b) ** 2 - 1))


# %% [markdown]
# ### Exercise `chain.error_at_input` (3 points)
#
# The network $y = W_2 \tanh(W_1 x)$ has the loss $\tfrac12 \lVert y - t \rVert^2$. Return the gradient of the loss in
# the input $x$: forward pass, error at the output, and back through both layers.


# %% answer="chain.error_at_input"
def error_at_input(W1, W2, x, target):
    ### BEGIN SOLUTION
    hidden = np.tanh(W1 @ x)
    error = W2 @ hidden - target
    error = W2.T @ error
    return W1.T @ (error * (1 - hidden**2))
    ### END SOLUTION


# %% check="chain.error_at_input"
check("chain.error_at_input", error_at_input)


# %% attempt="chain.error_at_input" expect="right"
def error_at_input(W1, W2, x, target):
    h = np.tanh(W1 @ x)
    jacobian = W2 @ np.diag(1 - h * h) @ W1
    return (W2 @ h - target) @ jacobian


# %% attempt="chain.error_at_input" expect="wrong" cause="sign"
def error_at_input(W1, W2, x, target):
    h = np.tanh(W1 @ x)
    return W1.T @ ((W2.T @ (target - W2 @ h)) * (1 - h**2))


# %% attempt="chain.error_at_input" expect="wrong" cause="activation derivative forgotten"
def error_at_input(W1, W2, x, target):
    h = np.tanh(W1 @ x)
    return W1.T @ (W2.T @ (W2 @ h - target))


# %% attempt="chain.error_at_input" expect="wrong" cause="factor 2 too many"
def error_at_input(W1, W2, x, target):
    h = np.tanh(W1 @ x)
    return 2 * W1.T @ ((W2.T @ (W2 @ h - target)) * (1 - h**2))


# %% [markdown]
# ### Find the error in print: `chain.print_sign` (1 point)
#
# Published slides say that backpropagation starts, for a target $t$, from
#
# $$ -\nabla_y \tfrac12 \lVert t - y \rVert^2 = t - y \qquad \text{or, for scores, from} \qquad
# -\frac{\partial R}{\partial z_k} = \delta_{k, \text{label}} - \operatorname{softmax}(z)_k, $$
#
# and go on with $e^l = e^{l+1} J_{F^{l+1}}$, where $e^L = \nabla_y R$. What becomes of someone who takes what is
# printed for $e^L$?
#
# - **a**: nothing: whoever steps along these gradients is only slower
# - **b**: all gradients have the wrong sign; $e^L$ is $y - t$, or $\operatorname{softmax}(z)$ minus 1 at the label
# - **c**: the first line is wrong, the second is right
# - **d**: only the gradient at the input is wrong, since the sign is lost at each layer

# %% answer="chain.print_sign"
print_sign = None
### BEGIN SOLUTION
print_sign = "b"
### END SOLUTION

# %% check="chain.print_sign"
check("chain.print_sign", print_sign)

# %% attempt="chain.print_sign" expect="right"
print_sign = "(B)"

# %% attempt="chain.print_sign" expect="wrong" because="A step against these numbers goes uphill, at any speed."
print_sign = "a"

# %% attempt="chain.print_sign" expect="wrong" because="Both are what they say, negative gradients."
print_sign = "c"

# %% attempt="chain.print_sign" expect="wrong" because="The way back is linear: one sign turns all errors round."
print_sign = "d"

# %% [markdown]
# ### Exercise `chain.weights` (4 points)
#
# The errors were about activations; a network is trained by changing weights and biases. With the input held, these
# are all that can change an activation. Within one layer $W_{ij}$ acts directly on unit $i$ alone, so one more local
# step is enough: $\partial R / \partial W_{ij}$ is the error of unit $i$, times the slope of unit $i$, times what
# $W_{ij}$ is multiplied by.
#
# For the loss $\tfrac12 \lVert \tanh(Wx + b) - t \rVert^2$, return the gradients in $W$ and in $b$, as a tuple
# `(dW, db)`. Each counts for half of the marks.


# %% answer="chain.weights"
def weights(W, b, x, target):
    ### BEGIN SOLUTION
    y = np.tanh(W @ x + b)
    db = (y - target) * (1 - y**2)
    return np.outer(db, x), db
    ### END SOLUTION


# %% check="chain.weights"
check("chain.weights", weights)


# %% attempt="chain.weights" expect="right"
def weights(W, b, x, target):
    y = np.tanh(W @ x + b)
    delta = (y - target) / np.cosh(W @ x + b) ** 2
    return [np.einsum("i,j->ij", delta, x), delta.tolist()]


# %% attempt="chain.weights" expect="wrong" mark=2 cause="transposed"
def weights(W, b, x, target):
    y = np.tanh(W @ x + b)
    db = (y - target) * (1 - y**2)
    return np.outer(x, db), db


# %% attempt="chain.weights" expect="wrong" mark=2 cause="activation derivative forgotten"
def weights(W, b, x, target):
    y = np.tanh(W @ x + b)
    db = (y - target) * (1 - y**2)
    return np.outer(db, x), y - target


# %% attempt="chain.weights" expect="wrong" cause="sign"
def weights(W, b, x, target):
    y = np.tanh(W @ x + b)
    db = (target - y) * (1 - y**2)
    return np.outer(db, x), db


# %% [markdown]
# ### Find the error in print: `chain.print_influence` (1 point)
#
# The same slides give as the reason: *a single weight or bias acts on one unit only.* How should this read for a weight
# $W_{ij}$ of layer 1 in a network of several layers?
#
# - **a**: as it stands: no other unit of the network notices
# - **b**: it acts *directly* on unit $i$ of its layer only; in later layers all units that $i$ feeds move, too
# - **c**: it acts on all units of its layer, since they share the input
# - **d**: a bias acts on one unit, a weight on two: those that it connects

# %% answer="chain.print_influence"
print_influence = None
### BEGIN SOLUTION
print_influence = "b"
### END SOLUTION

# %% check="chain.print_influence"
check("chain.print_influence", print_influence)

# %% attempt="chain.print_influence" expect="right"
print_influence = ["b"]

# %% attempt="chain.print_influence" expect="wrong" because="Then no weight of layer 1 could change the loss."
print_influence = "a"

# %% attempt="chain.print_influence" expect="wrong" because="Row k of W makes unit k; which row is W_ij in?"
print_influence = "c"

# %% attempt="chain.print_influence" expect="wrong" because="What it comes from lies before it, and does not move."
print_influence = "d"

# %% [markdown]
# One weight nudged, and what moves:

# %%
rng = np.random.default_rng(1)
W1, W2, x = rng.normal(size=(5, 3)), rng.normal(size=(6, 5)), rng.normal(size=3)
nudged = W1.copy()
nudged[2, 0] += 0.1
hidden = [np.tanh(first @ x) for first in (W1, nudged)]
print("layer 1:", np.round(hidden[1] - hidden[0], 4))
print("layer 2:", np.round(np.tanh(W2 @ hidden[1]) - np.tanh(W2 @ hidden[0]), 4))

# %% [markdown]
# That is why the sum over the units of its *own* layer has one term only, and why the errors of that layer must be
# known first: what happens in later layers is in them. (Where a weight is *shared* by several units, their terms are
# added.)
#
# ### Four steps, and a planted bug: `chain.bug` (4 points)
#
# So backpropagation is: **1** a forward pass that keeps the activations, **2** the gradient of the loss at the output,
# **3** the errors, layer by layer backwards, **4** in each layer the gradients of its weights. Here are the four steps
# for three layers; one line is wrong.

# %% show="chain.bug"
show("chain.bug")

# %% [markdown]
# Hand in the number of that line, and the function with the line mended.


# %% answer="chain.bug"
def gradient(W1, W2, W3, x, target):
    x1 = np.tanh(W1 @ x)
    x2 = np.tanh(W2 @ x1)
    e3 = W3 @ x2 - target
    e2 = W3.T @ e3
    d2 = e2 * (1 - x2**2)
    e1 = W2.T @ e2
    d1 = e1 * (1 - x1**2)
    return np.outer(d1, x), np.outer(d2, x1), np.outer(e3, x2)


line = None
### BEGIN SOLUTION
line = 7


def gradient(W1, W2, W3, x, target):
    x1 = np.tanh(W1 @ x)
    x2 = np.tanh(W2 @ x1)
    e3 = W3 @ x2 - target
    e2 = W3.T @ e3
    d2 = e2 * (1 - x2**2)
    e1 = W2.T @ d2
    d1 = e1 * (1 - x1**2)
    return np.outer(d1, x), np.outer(d2, x1), np.outer(e3, x2)


### END SOLUTION

# %% check="chain.bug"
check("chain.bug", gradient, line=line)

# %% attempt="chain.bug" expect="right"
line = 7


def gradient(W1, W2, W3, x, target):
    x1 = np.tanh(W1 @ x)
    x2 = np.tanh(W2 @ x1)
    e3 = W3 @ x2 - target
    d2 = e3 @ W3 @ np.diag(1 - x2**2)
    d1 = d2 @ W2 @ np.diag(1 - x1**2)
    return [np.einsum("i,j->ij", d, layer) for d, layer in ((d1, x), (d2, x1), (e3, x2))]


# %% attempt="chain.bug" expect="wrong" mark=2 because="d2 is right: the error of layer 2 times its slopes."
line = 6


def gradient(W1, W2, W3, x, target):
    x1 = np.tanh(W1 @ x)
    x2 = np.tanh(W2 @ x1)
    e3 = W3 @ x2 - target
    d2 = (W3.T @ e3) * (1 - x2**2)
    d1 = (W2.T @ d2) * (1 - x1**2)
    return np.outer(d1, x), np.outer(d2, x1), np.outer(e3, x2)


# %% attempt="chain.bug" expect="wrong" mark=2 because="The output has no tanh, and its error is y minus t."
line = 4


def gradient(W1, W2, W3, x, target):
    x1 = np.tanh(W1 @ x)
    x2 = np.tanh(W2 @ x1)
    e3 = W3 @ x2 - target
    d2 = (W3.T @ e3) * (1 - x2**2)
    d1 = (W2.T @ d2) * (1 - x1**2)
    return np.outer(d1, x), np.outer(d2, x1), np.outer(e3, x2)


# %% attempt="chain.bug" expect="wrong" mark=2 cause="sign"
line = 7


def gradient(W1, W2, W3, x, target):
    x1 = np.tanh(W1 @ x)
    x2 = np.tanh(W2 @ x1)
    e3 = target - W3 @ x2
    d2 = (W3.T @ e3) * (1 - x2**2)
    d1 = (W2.T @ d2) * (1 - x1**2)
    return np.outer(d1, x), np.outer(d2, x1), np.outer(e3, x2)


# %% [markdown]
# **Reading other texts.** Nothing in this subject is written in one way only. Before you use a formula from elsewhere,
# see what it calls what:
#
# | question | here | also in use |
# |---|---|---|
# | shape of a gradient | that of its variable | a row for a vector, or the transposed matrix |
# | weight $W_{ij}$ | to unit $i$, from input $j$: $a = Wx$ | from $i$ to $j$; then a batch in rows is $XW$ |
# | first layer | 1 | 0 |
# | $z$ | scores, or whatever is defined as $z$ | pre-activation, activation |
# | $R$ | the loss | a regulariser, or the ReLU |

# %% [markdown]
# ## 7. Values that are used twice
#
# Backpropagation is not limited to chains. In any graph without cycles, the derivative of the result $l$ in a value $v$
# is a **sum over all paths** from $v$ to $l$, each contributing the product of the derivatives along it. Backwards,
# this means: the contributions that arrive at a value are *added*.
#
# **Example.** $l = (x^2)(x^2 + x)$ with $a = x^2$, $c = a + x$, $l = a c$. At $x = 3$: $a = 9$, $c = 12$. The adjoints,
# from $l$ back (a bar means "derivative of $l$ in it"):
#
# | value | receives | is |
# |---|---|---|
# | $\bar l$ | the start | $1$ |
# | $\bar c$ | $a\,\bar l$ | $9$ |
# | $\bar a$ | $c\,\bar l$ directly, $1 \cdot \bar c$ by way of $c$ | $12 + 9 = 21$ |
# | $\bar x$ | $2x\,\bar a$ by way of $a$, $1 \cdot \bar c$ by way of $c$ | $126 + 9 = 135$ |
#
# and indeed $l = x^4 + x^3$ has $l' = 4 \cdot 27 + 3 \cdot 9 = 135$. As a picture, a node for each value and an arrow
# to each value that is made of it, with the derivative for this one step at the arrow:

# %%
nodes = [{"id": name, "op": name, "label": text} for name, text in (("x", "x = 3"), ("a", "a = 9"), ("c", "c = 12"))]
nodes.append({"id": "l", "op": "l", "label": "l = 108"})
arrows = [["x", "a", 0, "6"], ["a", "c", 0, "1"], ["x", "c", 1, "1"], ["a", "l", 0, "12"], ["c", "l", 1, "9"]]
Graph.from_data({"nodes": nodes, "edges": arrows})

# %% [markdown]
# There are three paths from $x$ to $l$: over $a$, over $a$ and $c$, over $c$. Their products are $6 \cdot 12 = 72$, $6
# \cdot 1 \cdot 9 = 54$ and $1 \cdot 9 = 9$; the sum is 135 again.
#
# ### Exercise `chain.draw` (3 points)
#
# Let $a = xy$, $\;b = \sin x$, $\;c = a + b$ and $l = a c$. Draw the graph. A drawing is handed in as a dictionary: for
# every node but the inputs, its name and how it is made, as in Python, with `sin` for the sine. The example is
#
# ```python
# {"a": "x**2", "c": "a + x", "l": "a * c"}
# ```

# %% answer="chain.draw"
draw_l = None
### BEGIN SOLUTION
draw_l = {"a": "x * y", "b": "sin(x)", "c": "a + b", "l": "a * c"}
### END SOLUTION

# %% check="chain.draw"
check("chain.draw", draw_l)


# %% attempt="chain.draw" expect="right"
def draw_l(x, y):
    product = y * x
    return (np.sin(x) + product) * product


# %% attempt="chain.draw" expect="right"
draw_l = "first = y * x; second = sin(x); third = second + first; l = third * first"

# %% attempt="chain.draw" expect="wrong" mark=1.8 cause="merged, copy"
draw_l = {"a": "x * y", "b": "sin(x)", "c": "x * y + b", "l": "a * c"}

# %% attempt="chain.draw" expect="wrong" mark=0.3 cause="argument"
draw_l = {"a": "x * y", "b": "sin(y)", "c": "a + b", "l": "a * c"}

# %% attempt="chain.draw" expect="wrong" mark=0.3 cause="argument"
draw_l = {"a": "x * y", "b": "sin(x)", "c": "a + b", "l": "b * c"}

# %% attempt="chain.draw" expect="wrong" unnamed="it is no graph; the verdict says so"
draw_l = {"a": "x * y", "b": "sin(x)", "c": "a + b", "l": "a * d"}

# %% [markdown]
# ### Exercise `chain.paths` (3 points)
#
# For the same computation, return $\partial l / \partial x$ and $\partial l / \partial y$ as a tuple. Overwrite
# nothing: where a second contribution arrives, add it.


# %% answer="chain.paths"
def paths(x, y):
    ### BEGIN SOLUTION
    a, b = x * y, np.sin(x)
    c = a + b
    c_bar = a
    a_bar = c + c_bar
    b_bar = c_bar
    return y * a_bar + np.cos(x) * b_bar, x * a_bar
    ### END SOLUTION


# %% check="chain.paths"
check("chain.paths", paths)


# %% attempt="chain.paths" expect="right"
def paths(x, y):
    return 2 * x * y**2 + y * np.sin(x) + x * y * np.cos(x), 2 * x**2 * y + x * np.sin(x)


# %% attempt="chain.paths" expect="wrong" cause="a path or term dropped"
def paths(x, y):
    a, c = x * y, x * y + np.sin(x)
    return y * c + np.cos(x) * a, x * c


# %% attempt="chain.paths" expect="wrong" cause="blocks exchanged"
def paths(x, y):
    a, c = x * y, x * y + np.sin(x)
    return x * (c + a), y * (c + a) + np.cos(x) * a


# %% attempt="chain.paths" expect="wrong" mark=1.5 cause="a path or term dropped"
def paths(x, y):
    a, c = x * y, x * y + np.sin(x)
    return y * (c + a), x * (c + a)


# %% [markdown]
# ### Exercise `chain.paths_by_hand` (2 points)
#
# Now by hand, with a simpler $b$ and numbers of your own.

# %% show="chain.paths_by_hand"
task = show("chain.paths_by_hand")
task

# %% answer="chain.paths_by_hand"
paths_by_hand = None
### BEGIN SOLUTION
x, y, k = task.given["x"], task.given["y"], task.given["k"]
a, b = x * y, k * x
c = a + b
c_bar = a
a_bar = c + c_bar
b_bar = c_bar
paths_by_hand = round(y * a_bar + k * b_bar, 3)
### END SOLUTION

# %% check="chain.paths_by_hand"
check("chain.paths_by_hand", paths_by_hand)

# %% attempt="chain.paths_by_hand" expect="right"
x, y, k = task.given.values()
paths_by_hand = [2 * x * y**2 + 2 * k * x * y]

# %% attempt="chain.paths_by_hand" expect="wrong" cause="a path or term dropped"
x, y, k = task.given.values()
paths_by_hand = y * (x * y + k * x) + k * x * y

# %% attempt="chain.paths_by_hand" expect="wrong" cause="sign"
x, y, k = task.given.values()
paths_by_hand = -(2 * x * y**2 + 2 * k * x * y)

# %% attempt="chain.paths_by_hand" expect="wrong" cause="the value instead of its derivative"
x, y, k = task.given.values()
paths_by_hand = (x * y) * (x * y + k * x)

# %% [markdown]
# ## 8. The gradient is a graph, too
#
# The gradient was computed with products and sums like everything else: it is a computation, with a graph of its own,
# and can be differentiated again. That is how second derivatives are had. **Example.** $x^3$ at $x = 5$. Solid
# arrows are the computation, dashed ones its gradient: it uses $x$ and $x^2$ once more.


# %%
def cube(x):
    return x * x**2


slope = autodiff.grad(cube)
print(f"value {cube(5.0):g}, first derivative {slope(5.0):g}, second derivative {autodiff.grad(slope)(5.0):g}")
draw.gradient_graph(cube, 5.0)

# %% [markdown]
# ### Exercise `chain.gradient_again` (2 points)
#
# Let $f(x) = \sum_i x_i \sin x_i$. Write down its gradient, differentiate it once more, and return the vector of second
# derivatives $\partial^2 f / \partial x_i^2$.


# %% answer="chain.gradient_again"
def gradient_again(x):
    ### BEGIN SOLUTION
    return 2 * np.cos(x) - x * np.sin(x)
    ### END SOLUTION


# %% check="chain.gradient_again"
check("chain.gradient_again", gradient_again)


# %% attempt="chain.gradient_again" expect="right"
def gradient_again(x):
    return np.cos(x) + np.cos(x) + x * np.cos(x + np.pi / 2)


# %% attempt="chain.gradient_again" expect="wrong" cause="a path or term dropped"
def gradient_again(x):
    return np.cos(x) - x * np.sin(x)


# %% attempt="chain.gradient_again" expect="wrong" cause="another derivative"
def gradient_again(x):
    return np.sin(x) + x * np.cos(x)


# %% attempt="chain.gradient_again" expect="wrong" cause="sign"
def gradient_again(x):
    return x * np.sin(x) - 2 * np.cos(x)


# %% [markdown]
# ## 9. An experiment: downhill with your own gradient
#
# A small step against the gradient lowers the loss: $\theta \leftarrow \theta - \eta \nabla R(\theta)$, where $\theta$
# are the weights and $\eta$ is the step size. If $R$ is the *mean* over samples, its gradient is the mean of theirs.
# One may take all samples for each step (**steepest descent**), or a few drawn at random, or just one (**stochastic
# gradient descent**): a step is cheaper then, and right on average.
#
# ### Prediction `chain.guess_descent` (1 point)
#
# 30 samples, one tanh layer, 60 small steps: once with the mean gradient of all samples, once with that of a single
# sample, drawn anew for each step. In which of the two will the loss over all samples fall at *every* step?
#
# - **all**: with all samples
# - **one**: with one sample
# - **both**: in both

# %% answer="chain.guess_descent"
guess_descent = None
### BEGIN SOLUTION
guess_descent = "all"
### END SOLUTION

# %% check="chain.guess_descent"
predict("chain.guess_descent", guess_descent)

# %% attempt="chain.guess_descent" expect="right"
guess_descent = "both"

# %% attempt="chain.guess_descent" expect="wrong"
guess_descent = "none of them"

# %% attempt="chain.guess_descent" expect="wrong"
guess_descent = 3

# %% attempt="chain.guess_descent" expect="wrong"
guess_descent = ["all", "one"]

# %% [markdown]
# The steps are made with *your* function `weights`.


# %%
rng = np.random.default_rng(5)
samples = rng.normal(size=(30, 3))
targets = np.tanh(samples @ rng.normal(size=(3, 5)) + rng.normal(size=5)) + 0.3 * rng.normal(size=(30, 5))


def mean_loss(W, b):
    return np.mean(np.sum((np.tanh(samples @ W.T + b) - targets) ** 2, axis=1)) / 2


def descend(samples_per_step, steps=60, step_size=0.3):
    """The loss over all samples before and after each step."""
    W, b, chosen = np.zeros((5, 3)), np.zeros(5), np.random.default_rng(6)
    losses = [mean_loss(W, b)]
    for _ in range(steps):
        picked = chosen.choice(30, size=samples_per_step, replace=False)
        gradients = [weights(W, b, samples[k], targets[k]) for k in picked]
        W = W - step_size * np.mean([dW for dW, _ in gradients], axis=0)
        b = b - step_size * np.mean([db for _, db in gradients], axis=0)
        losses.append(mean_loss(W, b))
    return np.array(losses)


try:
    losses = {"all": descend(30), "one": descend(1)}
    falls = {name: int(np.sum(np.diff(line) < 0)) for name, line in losses.items()}
    print("steps, of 60, at which the loss fell:", falls)
    W, b = rng.normal(size=(5, 3)), rng.normal(size=5)
    of_each = [weights(W, b, sample, target)[0] for sample, target in zip(samples, targets, strict=True)]
    of_all = autodiff.grad(mean_loss)(W, b)
    print("the mean of the gradients is the gradient of the mean:", np.allclose(np.mean(of_each, axis=0), of_all))
except Exception as error:
    losses, falls = {}, {}
    print(f"Solve chain.weights first; then run this cell again. ({type(error).__name__})")

# %%
figure, axis = plt.subplots(figsize=(6.4, 2.8))
for name, style in (("all", "-"), ("one", "--")) if losses else ():
    axis.plot(losses[name], style, label=f"{name} of the samples per step")
    axis.legend()
axis.set(xlabel="steps", ylabel="mean loss", xlim=(0, 60))
said = "falls smoothly with all samples, and jumps up and down on its way with one" if losses else "is not there yet"
picture(figure, alt=f"The mean loss over 60 steps {said}.")

# %%
every = [name for name, count in falls.items() if count == 60]
happened = "both" if len(every) > 1 else "".join(every)
reveal("chain.guess_descent", happened) if happened else "Your prediction waits until chain.weights is solved."

# %% [markdown]
# Each single step costs a thirtieth of a step with all samples, and does most of its work. With many samples that is
# what one can afford. Try it in a cell of your own: `descend(5)`, or `descend(30, step_size=30.0)`; a step that is too
# large goes uphill although its direction is right.
#
# ## What to take along
#
# - A derivative of a composition is a product of derivatives, each taken at its own input.
# - Rows are outputs, columns are inputs; a gradient has the shape of its variable.
# - A gradient points uphill and has no minus sign of its own.
# - Backwards, one row vector passes from layer to layer; where a value is used twice, contributions add.
# - What computes a gradient is a computation, and can be differentiated again.

# %% [markdown]
# ## Where you stand
#
# This counts what was checked since the first cell ran; after a restart, run all cells once.

# %%
progress()
