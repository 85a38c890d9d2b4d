# %% [markdown]
# # Sheet 1: the chain rule
#
# Everything in this course is one rule, used over and over: *the derivative of a composition is the product of the
# derivatives.* On this sheet you use it for numbers, for vectors, for layers of a network, and for computations in
# which a value is used twice. Plan 90 to 120 minutes.
#
# **After this sheet you can**
#
# 1. write down a Jacobian with its rows and columns in the right places (`chain.one_number`, `chain.jacobian`);
# 2. differentiate a composition of maps, and say why the product of Jacobians is right (`chain.composition`,
#    `chain.lemma`, `chain.push_forward`, `chain.function_of_a_map`);
# 3. write down the Jacobian of a layer, with a smooth activation and with ReLU (`chain.tanh_layer`,
#    `chain.relu_layer`);
# 4. differentiate two losses with the right sign (`chain.squared_loss`, `chain.cross_entropy`);
# 5. send an error backwards through layers to the input and to the weights (`chain.error_through_layer`,
#    `chain.error_at_input`, `chain.weights`);
# 6. handle values that are used more than once, and differentiate a gradient (`chain.paths`,
#    `chain.paths_by_hand`, `chain.gradient_again`).
#
# **How it works.** Below each exercise stands a cell with `check(...)`. Run it as often as you like: it compares your
# answer, at fresh random points, with what several independent programs (the witnesses: PyTorch, the course's own
# `autodiff`, difference quotients) say, and tells what is right already. `hint` gives a hint, from 1
# (where to look) to 3 (nearly the answer); hints cost nothing. If you cannot find a mistake, add a cell that puts your
# lines beside the course's, such as `compare("chain.paths", paths)`. A solved exercise can be done again with fresh
# numbers and without marks: `again = practice("chain.paths_by_hand")`, then `again.check(...)`. The last cell shows how
# far you are.
#
# **One convention for the whole course.** A gradient has the shape of its variable. A Jacobian has one row per output
# and one column per input. Write NumPy, and do not change the arguments that you are given.

# %% setup=true
import numpy as np

from grading.notebook import check, compare, hint, open_sheet, practice, progress, show

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
# three rows and two columns. The course's own package computes the same from the function alone:

# %%
import autodiff

print(autodiff.jacobian(lambda x: np.stack([x[0] * x[1], x[0] + 3 * x[1], x[1] ** 2]))(np.array([2.0, 5.0])))

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
# The shapes only fit in this order, and each Jacobian is taken at *its own* input. The rule needs $G$ to be
# differentiable at $x$ and $H$ at $G(x)$. That is enough, though not always necessary: $|x^2|$ is differentiable at 0
# while $|\cdot|$ is not.
#
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
# **Example.** Two units, three inputs, $\sigma = \exp$, which is its own slope:

# %%
W, b, x = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, -1.0]]), np.zeros(2), np.array([0.1, 0.2, 0.3])
a = W @ x + b
print("slopes of the units:", np.round(np.exp(a), 4))
print(np.round(np.diag(np.exp(a)) @ W, 4))

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
# ### Exercise `chain.relu_layer` (2 points)
#
# The ReLU is $\max(a, 0)$; its slope is 1 where $a > 0$ and 0 where $a < 0$ (and, by agreement in this course, 0 at
# $a = 0$). Return the Jacobian of $F(x) = \mathrm{ReLU}(Wx + b)$ in $x$.


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


# %% attempt="chain.relu_layer" expect="wrong"
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
# the gradient itself carries no minus sign. Many texts print the *negative* gradients here; used in the equations
# below, they would turn every sign round.
#
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
# A network gives scores $z$, one per class. Its loss for a sample of class `label` is $\log \sum_i e^{z_i} -
# z_{\text{label}}$. Return the gradient in $z$. Your code must survive large scores: at $z_i = 900$, $e^{z_i}$ is too
# large for a float. What changes if the largest score is subtracted from all of them first?


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
# Let a network be $x^0 \to x^1 \to \dots \to x^L = y$ with layer maps $F^1, \dots, F^L$, and $R(y)$ the loss. Write
# $e^l$ for the gradient of $R$ in the activations $x^l$, as a row. Then
#
# $$ e^L = \nabla_y R, \qquad e^{l} = e^{l+1} \, J_{F^{l+1}}(x^{l}). $$
#
# The whole backward pass is this: one row vector, multiplied by one Jacobian after the other, each taken at the
# activations of the forward pass. In $e$ it is linear.
#
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
# ### Exercise `chain.weights` (4 points)
#
# The errors were about activations; a network is trained by changing weights. Within one layer $W_{ij}$ acts directly
# on unit $i$ alone, so one more local step is enough. For the loss $\tfrac12 \lVert \tanh(Wx + b) - t \rVert^2$,
# return the gradients in $W$ and in $b$, as a tuple `(dW, db)`. Each counts for half of the marks.


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
# and indeed $l = x^4 + x^3$ has $l' = 4 \cdot 27 + 3 \cdot 9 = 135$.
#
# ### Exercise `chain.paths` (3 points)
#
# Let $a = xy$, $\;b = \sin x$, $\;c = a + b$ and $l = a c$. Return $\partial l / \partial x$ and
# $\partial l / \partial y$ as a tuple.


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
# and can be differentiated again. That is how second derivatives are had.
#
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
# ## What to take along
#
# - A derivative of a composition is a product of derivatives, each taken at its own input.
# - Rows are outputs, columns are inputs; a gradient has the shape of its variable.
# - Backwards, one row vector passes from layer to layer; where a value is used twice, contributions add.
# - What computes a gradient is a computation, and can be differentiated again.

# %% [markdown]
# ## Where you stand
#
# This counts what was checked since the first cell ran; after a restart, run all cells once.

# %%
progress()
