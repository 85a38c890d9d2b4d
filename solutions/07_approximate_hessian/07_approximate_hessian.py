# %% [markdown]
# # Sheet 7: the approximate Hessian
#
# A gradient says in which direction a loss falls, and nothing about how soon it stops falling. That is what second
# derivatives say. A network with a million weights has $10^{12}$ of them; this sheet is about getting the million that
# matter most, the diagonal of the Hessian, for about the price of a second gradient, and about what one pays for
# that in accuracy. Plan 130 minutes. The three exercises with a star (one in section 4, two in section 6) are for
# those who want to go further; they take 15 minutes more.
#
# **After this sheet you can**
#
# 1. turn a curvature in a pre-activation into curvatures in the weights, for a sample and for a batch
#    (`hessian.one_weight`, `hessian.batch`), and mend a misprint (`hessian.misprint`, `hessian.misprint_why`);
# 2. carry second derivatives exactly from one layer to the layer below, term by term (`hessian.two_units`,
#    `hessian.derivation`, `hessian.exact_step`);
# 3. do the same with diagonals alone, from the loss down to the weights of a network (`hessian.output`,
#    `hessian.left_out`, `hessian.approximate_step`, `hessian.graph`, `hessian.bug`, `hessian.network`);
# 4. say when that is exact, and what is dropped where it is not (`hessian.guess_layers`, `hessian.when_exact`,
#    `hessian.dropped`);
# 5. count what it costs (`hessian.entries`, `hessian.guess_growth`);
# 6. compare it with two other diagonals, Gauss-Newton's and ★ Hutchinson's (`hessian.gauss_newton`,
#    `hessian.hutchinson`, `hessian.samples`);
# 7. judge whether it is good enough to remove weights or to choose steps with (`hessian.saliency`,
#    `hessian.guess_pruning`, `hessian.good_enough`).
#
# **One convention for the whole course.** A gradient has the shape of its variable, and so has a diagonal of second
# derivatives. For one sample a layer is $a = Wz$, so that $W_{ji}$ (written $w_{ji}$ below) leads **to** unit $j$
# **from** unit $i$. A batch has one sample per row, and a layer of it is `Z @ W.T`. The activation function is called
# $h$, and $z = h(a)$.

# %% setup=true
import itertools

import matplotlib.pyplot as plt
import numpy as np

import autodiff
from autodiff import show as draw
from grading.notebook import check, compare, hint, open_sheet, picture, practice, predict, progress, reveal, show

open_sheet("07_approximate_hessian")

# %% [markdown]
# ## 1. One unit and its weights
#
# A weight $w_{ji}$ acts on the loss through one number alone, the pre-activation $a_j = \sum_i w_{ji} z_i$ of its unit.
# The inputs $z_i$ come from below and do not depend on it. So each derivative in $w_{ji}$ brings one factor $z_i$:
#
# $$ \frac{\partial L}{\partial w_{ji}} = \frac{\partial L}{\partial a_j}\, z_i, \qquad
# \frac{\partial^2 L}{\partial w_{ji}^2} = \frac{\partial^2 L}{\partial a_j^2}\, z_i^2, \qquad
# \frac{\partial^2 L}{\partial w_{ji}\, \partial w_{jl}} = \frac{\partial^2 L}{\partial a_j^2}\, z_i\, z_l . $$
#
# **Example.** One unit with three inputs and the loss $\tfrac12 (\tanh a - 0.2)^2$. All three weights act through $a$,
# the node `v1`:

# %%
inputs = np.array([0.5, -2.0, 3.0])


def loss_of_a(a):
    return 0.5 * (np.tanh(a) - 0.2) ** 2


def loss_of_weights(w):
    a = w @ inputs
    return loss_of_a(a)


w = np.array([0.4, 0.3, 0.1])
draw.graph(loss_of_weights, w, values=True)

# %%
bent_in_a = autodiff.grad(autodiff.grad(loss_of_a))(w @ inputs)
print(f"second derivative of the loss in a: {bent_in_a:.4f}")
print("times z z^T:", np.round(bent_in_a * np.outer(inputs, inputs), 4), sep="\n")
whole = np.round(autodiff.hessian(loss_of_weights)(w), 4)
print("the whole Hessian in the weights, by autodiff:", whole, sep="\n")

# %% [markdown]
# Look at the diagonal: the second input is negative, its entry is not. $z_i^2$ cannot change a sign, so all three have
# the sign of $\partial^2 L / \partial a^2$.
#
# ### Exercise `hessian.one_weight` (1 point)
#
# If you are stuck, here or later: `hint(id)` has three rungs, and costs nothing.

# %%
hint("hessian.one_weight", 1)

# %% show="hessian.one_weight"
task = show("hessian.one_weight")
task

# %% answer="hessian.one_weight"
one_weight = None
### BEGIN SOLUTION
w, z, v = task.given["w"], task.given["z"], task.given["v"]
one_weight = round(6 * (w * z + v) * z**2, 3)
### END SOLUTION

# %% check="hessian.one_weight"
check("hessian.one_weight", one_weight)

# %% attempt="hessian.one_weight" expect="right"
w, z, v = task.given["w"], task.given["z"], task.given["v"]
one_weight = 6 * w * z**3 + 6 * v * z**2

# %% attempt="hessian.one_weight" expect="wrong" cause="inner derivative forgotten"
w, z, v = task.given["w"], task.given["z"], task.given["v"]
one_weight = round(6 * (w * z + v), 3)

# %% attempt="hessian.one_weight" expect="wrong" cause="inner derivative forgotten"
w, z, v = task.given["w"], task.given["z"], task.given["v"]
one_weight = round(6 * (w * z + v) * z, 3)

# %% attempt="hessian.one_weight" expect="wrong" cause="another derivative"
w, z, v = task.given["w"], task.given["z"], task.given["v"]
one_weight = round(3 * (w * z + v) ** 2 * z, 3)

# %% [markdown]
# ### Exercise `hessian.misprint` (1 point): find the error in print

# %% show="hessian.misprint"
show("hessian.misprint")

# %% answer="hessian.misprint"
misprint = None
### BEGIN SOLUTION
misprint = "c"
### END SOLUTION

# %% check="hessian.misprint"
check("hessian.misprint", misprint)

# %% attempt="hessian.misprint" expect="right"
misprint = ["C"]

# %% attempt="hessian.misprint" expect="wrong" because="These indices are right: w_ji leads to j from i."
misprint = "a"

# %% attempt="hessian.misprint" expect="wrong" because="That is true: derivatives of a sum are sums of derivatives."
misprint = "b"

# %% attempt="hessian.misprint" expect="wrong" because="That is how z and a belong together; only inputs have no a."
misprint = "d"

# %% [markdown]
# ### Exercise `hessian.misprint_why` (2 points, in words)
#
# Say what is wrong with that line, what must be meant, and write down the mended statement with its answer.

# %% [markdown] prose="hessian.misprint_why"
# ### BEGIN SOLUTION
# $w_{ii}$ would be a weight that leads from unit $i$ to unit $i$. No unit of a feed-forward network feeds itself, so
# there is no such weight, and nothing to differentiate. Meant is the weight $w_{ji}$ that leads from unit $i$ to unit
# $j$: it acts through $a_j$ alone, with $\partial a_j / \partial w_{ji} = z_i$, which does not depend on $w_{ji}$, so
# that for every sample
#
# $$ \frac{\partial^2 L_n}{\partial w_{ji}^2} = \frac{\partial^2 L_n}{\partial a_j^2}\, z_i^2 . $$
# ### END SOLUTION

# %% [markdown]
# ### Exercise `hessian.batch` (2 points)
#
# Now a whole layer, and a batch: the samples are the rows of $Z$, the pre-activations are `A = Z @ W.T`, and $L =
# \sum_n \sum_j c_j \sin A_{nj}$. Each sample has its own curvature $D_{nj} = \partial^2 L_n / \partial A_{nj}^2$ and
# its own inputs. Return the second derivative of $L$ in every single weight, an array with the shape of $W$. A note
# that goes round says "sum the curvatures, sum the squared inputs, and multiply". Does it help?


# %% answer="hessian.batch"
def batch(W, Z, c):
    ### BEGIN SOLUTION
    curvature = -c * np.sin(Z @ W.T)
    return curvature.T @ Z**2
    ### END SOLUTION


# %% check="hessian.batch"
check("hessian.batch", batch)


# %% attempt="hessian.batch" expect="right"
def batch(W, Z, c):
    return sum(np.outer(-c * np.sin(W @ z), z * z) for z in Z)


# %% attempt="hessian.batch" expect="wrong" cause="wrong for batches"
def batch(W, Z, c):
    curvature = -c * np.sin(Z @ W.T)
    return np.outer(curvature.sum(axis=0), (Z**2).sum(axis=0))


# %% attempt="hessian.batch" expect="wrong" cause="mean for sum"
def batch(W, Z, c):
    return (-c * np.sin(Z @ W.T)).T @ Z**2 / len(Z)


# %% attempt="hessian.batch" expect="wrong" cause="inner derivative forgotten"
def batch(W, Z, c):
    return (-c * np.sin(Z @ W.T)).T @ Z


# %% attempt="hessian.batch" expect="wrong" cause="transposed"
def batch(W, Z, c):
    return ((-c * np.sin(Z @ W.T)).T @ Z**2).T


# %% [markdown]
# ## 2. From one layer to the layer below, exactly
#
# What is left to find is $\partial^2 L / \partial a_j^2$ for every unit. At the output one can differentiate the loss.
# Below, unit $j$ gives $z_j = h(a_j)$ to units $k$ with $a_k = \sum_j w_{kj} z_j$, and the loss depends on $a_j$
# through **all** of them. Backpropagation is the first derivative,
#
# $$ g_j = \frac{\partial L}{\partial a_j} = h'(a_j) \sum_k w_{kj}\, g_k . $$
#
# It is a product of two things that depend on $a_j$: the slope $h'(a_j)$, and the $g_k$. Differentiating once more
# gives two terms:
#
# $$ \frac{\partial^2 L}{\partial a_j^2} = \underbrace{h'(a_j)^2 \sum_k \sum_{k'} w_{kj} w_{k'j}
# \frac{\partial^2 L}{\partial a_k \partial a_{k'}}}_{\text{what is bent above, seen through } h'}
# \; + \; \underbrace{h''(a_j) \sum_k w_{kj}\, g_k}_{\text{what } h \text{ bends itself}} . \tag{1} $$
#
# **Example.** $z = \tanh a$ feeds $a_1 = 2z$ and $a_2 = -3z$, and $L = a_1 a_2^2$. There are two ways from $a$ to the
# loss. A pair of ways $(k, k')$ that are different is a mixed derivative $\partial^2 L / \partial a_1 \partial a_2$.


# %%
def above(a1, a2):
    return a1 * a2**2


def example(a):
    z = np.tanh(a)
    a1 = 2 * z
    a2 = -3 * z
    return above(a1, a2)


draw.graph(example, 0.5, values=True).highlight("a", "v5")

# %%
a, w = 0.5, np.array([2.0, -3.0])
z = np.tanh(a)
slope, bend = 1 - z**2, -2 * z * (1 - z**2)
a1, a2 = w * z
g = np.array([a2**2, 2 * a1 * a2])
H = np.array([[0, 2 * a2], [2 * a2, 2 * a1]])
squared, bent = slope**2 * (w @ H @ w), bend * (w @ g)
print("H =", np.round(H, 4).tolist())
print(f"first term {squared:.4f} + second term {bent:.4f} = {squared + bent:.4f}")
print(f"by autodiff                                = {autodiff.grad(autodiff.grad(example))(a):.4f}")

# %% [markdown]
# The second term vanishes where $h$ is not bent: for the identity everywhere, for a ReLU off its kink. And connections
# may skip layers: then $k$ and $k'$ run over **all** units that $j$ feeds, and a derivative in $a_k$ says what becomes
# of the loss if something is added to $a_k$ and all that comes later follows.

# %% [markdown]
# ### Exercise `hessian.two_units` (4 points)
#
# Your turn, on paper or in a cell, with another network. There is a second way to the same number: the gradient is
# computed by a list, and a tangent can be carried down that list as down any other (sheet 6). Fill in the table, and
# find the two terms of formula (1) in its last row.

# %% show="hessian.two_units"
task = show("hessian.two_units")
task

# %% answer="hessian.two_units"
two_units = None
### BEGIN SOLUTION
a, w1, w2 = task.given["a"], task.given["w1"], task.given["w2"]
s, ds = 2 * a, 2
z, dz = a**2, 2 * a
a1, da1 = w1 * z, w1 * dz
a2, da2 = w2 * z, w2 * dz
g1, dg1 = 2 * a1 * a2, 2 * (da1 * a2 + a1 * da2)
g2, dg2 = a1**2 + 3 * a2**2, 2 * a1 * da1 + 6 * a2 * da2
B, db = w1 * g1 + w2 * g2, w1 * dg1 + w2 * dg2
g, dg = s * B, ds * B + s * db
rows = {"s": (s, ds), "z": (z, dz), "a1": (a1, da1), "a2": (a2, da2), "g1": (g1, dg1), "g2": (g2, dg2)}
rows |= {"B": (B, db), "g": (g, dg)}
two_units = {name: {"value": round(v, 4), "tangent": round(t, 4)} for name, (v, t) in rows.items()}
### END SOLUTION

# %% check="hessian.two_units"
check("hessian.two_units", two_units)

# %% attempt="hessian.two_units" expect="right"
a, w1, w2 = task.given["a"], task.given["w1"], task.given["w2"]
value = [2 * a, a**2, w1 * a**2, w2 * a**2]
value += [2 * value[2] * value[3], value[2] ** 2 + 3 * value[3] ** 2]
value += [w1 * value[4] + w2 * value[5]]
value += [value[0] * value[6]]
power = [1, 2, 2, 2, 4, 4, 4, 5]  # every row is a multiple of a power of a
two_units = [[v, n * v / a] for v, n in zip(value, power, strict=True)]

# %% attempt="hessian.two_units" expect="wrong" cause="product rule misapplied" mark=3.75
a, w1, w2 = task.given["a"], task.given["w1"], task.given["w2"]
s, z, dz = 2 * a, a**2, 2 * a
a1, da1, a2, da2 = w1 * z, w1 * dz, w2 * z, w2 * dz
g1, dg1 = 2 * a1 * a2, 2 * (da1 * a2 + a1 * da2)
g2, dg2 = a1**2 + 3 * a2**2, 2 * a1 * da1 + 6 * a2 * da2
B, db = w1 * g1 + w2 * g2, w1 * dg1 + w2 * dg2
values, tangents = (s, z, a1, a2, g1, g2, B, s * B), (2, dz, da1, da2, dg1, dg2, db, s * db)
names = ["s", "z", "a1", "a2", "g1", "g2", "B", "g"]
two_units = {k: {"value": v, "tangent": t} for k, v, t in zip(names, values, tangents, strict=True)}

# %% attempt="hessian.two_units" expect="wrong" mark=3.75 cause="sign of one term"
a, w1, w2 = task.given["a"], task.given["w1"], task.given["w2"]
s, z, dz = 2 * a, a**2, 2 * a
a1, da1, a2, da2 = w1 * z, w1 * dz, w2 * z, w2 * dz
g1, dg1 = 2 * a1 * a2, 2 * (da1 * a2 + a1 * da2)
g2, dg2 = a1**2 + 3 * a2**2, 2 * a1 * da1 - 6 * a2 * da2
B, db = w1 * g1 + w2 * g2, w1 * dg1 + w2 * dg2
values, tangents = (s, z, a1, a2, g1, g2, B, s * B), (2, dz, da1, da2, dg1, dg2, db, 2 * B + s * db)
names = ["s", "z", "a1", "a2", "g1", "g2", "B", "g"]
two_units = {k: {"value": v, "tangent": t} for k, v, t in zip(names, values, tangents, strict=True)}

# %% attempt="hessian.two_units" expect="wrong" mark=3.75 cause="inner derivative forgotten"
a, w1, w2 = task.given["a"], task.given["w1"], task.given["w2"]
s, z, dz = 2 * a, a**2, 2 * a
a1, da1, a2, da2 = w1 * z, w1 * dz, w2 * z, w2 * dz
g1, dg1 = 2 * a1 * a2, 2 * (da1 * a2 + a1 * da2)
g2, dg2 = a1**2 + 3 * a2**2, 2 * a1 * da1 + 6 * a2
B, db = w1 * g1 + w2 * g2, w1 * dg1 + w2 * dg2
values, tangents = (s, z, a1, a2, g1, g2, B, s * B), (2, dz, da1, da2, dg1, dg2, db, 2 * B + s * db)
names = ["s", "z", "a1", "a2", "g1", "g2", "B", "g"]
two_units = {k: {"value": v, "tangent": t} for k, v, t in zip(names, values, tangents, strict=True)}

# %% attempt="hessian.two_units" expect="wrong" mark=3.75 cause="product rule misapplied"
a, w1, w2 = task.given["a"], task.given["w1"], task.given["w2"]
s, z, dz = 2 * a, a**2, 2 * a
a1, da1, a2, da2 = w1 * z, w1 * dz, w2 * z, w2 * dz
g1, dg1 = 2 * a1 * a2, 2 * (da1 * a2 + a1 * da2)
g2, dg2 = a1**2 + 3 * a2**2, 2 * a1 * da1 + 6 * a2 * da2
B, db = w1 * g1 + w2 * g2, w1 * dg1 + w2 * dg2
values, tangents = (s, z, a1, a2, g1, g2, B, s * B), (2, dz, da1, da2, dg1, dg2, db, 2 * db)
names = ["s", "z", "a1", "a2", "g1", "g2", "B", "g"]
two_units = {k: {"value": v, "tangent": t} for k, v, t in zip(names, values, tangents, strict=True)}

# %% [markdown]
# ### Exercise `hessian.derivation` (4 points, in words)
#
# Derive formula (1) from the formula for $g_j$ above it. Say which rule you use at which place, and over which units
# $k$ and $k'$ run.

# %% [markdown] prose="hessian.derivation"
# ### BEGIN SOLUTION
# Unit $j$ acts on the loss through the units $k$ that it feeds, all of them, and $\partial a_k / \partial a_j = w_{kj}
# h'(a_j)$. By the chain rule $g_j = \sum_k g_k\, w_{kj} h'(a_j) = h'(a_j) \sum_k w_{kj} g_k$. The weights do not depend
# on $a_j$, but both $h'(a_j)$ and the $g_k$ do, so the product rule gives
#
# $$ \frac{\partial g_j}{\partial a_j} = h''(a_j) \sum_k w_{kj} g_k + h'(a_j) \sum_k w_{kj} \frac{\partial g_k}{\partial
# a_j} . $$
#
# Now $g_k$ is a function of the pre-activations of the layer above, of every $a_{k'}$ and not of $a_k$ alone. So the
# chain rule again, with $k'$ over the same units as $k$, gives
#
# $$ \frac{\partial g_k}{\partial a_j} = \sum_{k'} \frac{\partial^2 L}{\partial a_k \partial a_{k'}}\, w_{k'j}
# h'(a_j) . $$
#
# Put into the second term, the slope comes out a second time, which is formula (1).
# ### END SOLUTION

# %% [markdown]
# ### Exercise `hessian.exact_step` (3 points)
#
# Write formula (1) for a whole layer. Given are the pre-activations $a$ of a layer, and of the next one the gradient
# $g$ and the Hessian $H$ in its pre-activations $Wh(a)$. The activation is $h(a) = \sin a$, whose slope and bend both
# have either sign. Return $\partial^2 L/\partial a_j^2$ for all $j$. The argument `abar` holds the values $W h(a)$ that
# the next layer had; the witnesses need it, and you do not.


# %% answer="hessian.exact_step"
def exact_step(a, g, H, abar, W):
    ### BEGIN SOLUTION
    slope, bend = np.cos(a), -np.sin(a)
    squared = slope**2 * np.sum(W * (H @ W), axis=0)
    bent = bend * (W.T @ g)
    return squared + bent
    ### END SOLUTION


# %% check="hessian.exact_step"
check("hessian.exact_step", exact_step)


# %% attempt="hessian.exact_step" expect="right"
def exact_step(a, g, H, abar, W):
    J = W * np.cos(a)
    return np.diag(J.T @ H @ J) - np.sin(a) * (g @ W)


# %% attempt="hessian.exact_step" expect="wrong" cause="a path or term dropped"
def exact_step(a, g, H, abar, W):
    return np.cos(a) ** 2 * np.sum(W * (H @ W), axis=0)


# %% attempt="hessian.exact_step" expect="wrong" cause="diagonal only"
def exact_step(a, g, H, abar, W):
    return np.cos(a) ** 2 * ((W**2).T @ np.diag(H)) - np.sin(a) * (W.T @ g)


# %% attempt="hessian.exact_step" expect="wrong" cause="inner derivative forgotten, product rule misapplied"
def exact_step(a, g, H, abar, W):
    return np.cos(a) * np.sum(W * (H @ W), axis=0) - np.sin(a) * (W.T @ g)


# %% attempt="hessian.exact_step" expect="wrong" cause="sign of one term"
def exact_step(a, g, H, abar, W):
    return np.cos(a) ** 2 * np.sum(W * (H @ W), axis=0) + np.sin(a) * (W.T @ g)


# %% [markdown]
# ## 3. The approximation: diagonals alone
#
# Formula (1) has a catch. To get the diagonal of one layer it needs the **whole** Hessian of the next one, and so one
# has to carry whole matrices. Becker and LeCun proposed not to: drop the terms with $k \ne k'$. With $d_k \approx
# \partial^2 L / \partial a_k^2$,
#
# $$ d_j = h'(a_j)^2 \sum_k w_{kj}^2\, d_k \; + \; h''(a_j) \sum_k w_{kj}\, g_k . \tag{2} $$
#
# A pair of numbers per unit, $g_k$ and $d_k$, goes back through the network as one number does in backpropagation;
# squared weights take the place of weights.
#
# **Example.** A network with two hidden layers and half the squared error. Left the exact Hessian in the four
# pre-activations of the second hidden layer, then in the six of the first; formula (2) knows only what is framed.

# %%
rng = np.random.default_rng(3)
W1, W2, W3 = (rng.normal(size=size) / np.sqrt(size[1]) for size in ((6, 5), (4, 6), (3, 4)))
x, target = rng.normal(size=5), rng.normal(size=3)


def injected(e1, e2):
    """The loss, with e1 and e2 added to the pre-activations of the two hidden layers."""
    z1 = np.tanh(W1 @ x + e1)
    z2 = np.tanh(W2 @ z1 + e2)
    return 0.5 * np.sum((W3 @ z2 - target) ** 2)


no_push = np.zeros(6), np.zeros(4)
second = autodiff.hessian(lambda e: injected(no_push[0], e))(no_push[1])
first = autodiff.hessian(lambda e: injected(e, no_push[1]))(no_push[0])
figure, axes = plt.subplots(1, 2, figsize=(7.5, 3.2))
titles = ("second hidden layer", "first hidden layer")
for axis, matrix, name in zip(axes, (second, first), titles, strict=True):
    largest = np.abs(matrix).max()
    image = axis.pcolormesh(matrix, cmap="RdBu_r", vmin=-largest, vmax=largest)
    for j in range(len(matrix)):
        axis.add_patch(plt.Rectangle((j, j), 1, 1, fill=False, lw=2))
    axis.set(title=name, xlabel="$a_{k'}$", ylabel="$a_k$", aspect="equal", xticks=[], yticks=[])
    axis.invert_yaxis()
    figure.colorbar(image, ax=axis)
picture(
    figure,
    "Two square maps of second derivatives, 4 by 4 and 6 by 6, with the squares of the diagonal "
    "framed. Beside the diagonal no square of the first is strongly coloured, but none is white; "
    "in the second, several are as strong as those on it.",
)

# %% [markdown]
# In which of the two are the entries on the diagonal, by formula (2), nevertheless right? Formula (2) for the second
# hidden layer uses the Hessian at the **output**, and that of half the squared error is the identity: nothing to drop.
# The second hidden layer has entries beside its diagonal, and these are missed one layer further down:

# %%
z1 = np.tanh(W1 @ x)
z2 = np.tanh(W2 @ z1)
g, d = W3 @ z2 - target, np.ones(3)
for W, z, exact in ((W3, z2, second), (W2, z1, first)):
    slope, bend = 1 - z**2, -2 * z * (1 - z**2)
    d = slope**2 * ((W**2).T @ d) + bend * (W.T @ g)
    g = slope * (W.T @ g)
    print("by formula (2):", np.round(d, 4))
    print("exact diagonal:", np.round(np.diag(exact), 4), "\n")

# %% [markdown]
# ### Exercise `hessian.output` (2 points)
#
# The walk starts at the output. For half the squared error $d_k = 1$. For scores $z$ and the cross-entropy $\log \sum_i
# e^{z_i} - z_{\text{label}}$, return the exact second derivatives $\partial^2 L/\partial z_k^2$. As on sheet 1, scores
# of 900 must not overflow.


# %% answer="hessian.output"
def output(z, label):
    ### BEGIN SOLUTION
    exponentials = np.exp(z - z.max())
    p = exponentials / exponentials.sum()
    return p * (1 - p)
    ### END SOLUTION


# %% check="hessian.output"
check("hessian.output", output)


# %% attempt="hessian.output" expect="right"
def output(z, label):
    p = np.exp(z - np.logaddexp.reduce(z))
    return np.diag(np.diag(p) - np.outer(p, p))


# %% attempt="hessian.output" expect="wrong" cause="not finite"
def output(z, label):
    p = np.exp(z) / np.exp(z).sum()
    return p * (1 - p)


# %% attempt="hessian.output" expect="wrong" cause="sign"
def output(z, label):
    p = np.exp(z - np.logaddexp.reduce(z))
    return -p * (1 - p)


# %% attempt="hessian.output" expect="wrong" cause="activation derivative of the wrong form"
def output(z, label):
    return np.exp(z - np.logaddexp.reduce(z))


# %% attempt="hessian.output" expect="wrong" cause="whole matrix for its diagonal"
def output(z, label):
    p = np.exp(z - np.logaddexp.reduce(z))
    return np.diag(p) - np.outer(p, p)


# %% [markdown]
# Beside its diagonal the Hessian of the cross-entropy in the scores has the entries $H_{kk'} = -p_k p_{k'}$, so that
# formula (2) drops something at the first step already.
#
# ### Exercise `hessian.left_out` (2 points)

# %% show="hessian.left_out"
task = show("hessian.left_out")
task

# %% answer="hessian.left_out"
left_out = None
### BEGIN SOLUTION
p, w = np.array(task.given["p"]), np.array(task.given["w"])
kept = np.sum(w**2 * p * (1 - p))
exact = w @ (np.diag(p) - np.outer(p, p)) @ w
left_out = round(float(kept - exact), 3)
### END SOLUTION

# %% check="hessian.left_out"
check("hessian.left_out", left_out)

# %% attempt="hessian.left_out" expect="right"
p, w = np.array(task.given["p"]), np.array(task.given["w"])
left_out = np.round((p @ w) ** 2 - np.sum((p * w) ** 2), 3)

# %% attempt="hessian.left_out" expect="wrong" cause="a known mistake"
p, w = np.array(task.given["p"]), np.array(task.given["w"])
left_out = round(float(np.sum(p * w**2) - (p @ w) ** 2), 3)

# %% attempt="hessian.left_out" expect="wrong" cause="sign"
p, w = np.array(task.given["p"]), np.array(task.given["w"])
left_out = round(float(np.sum((p * w) ** 2) - (p @ w) ** 2), 3)

# %% attempt="hessian.left_out" expect="wrong" cause="a known mistake"
p, w = np.array(task.given["p"]), np.array(task.given["w"])
left_out = round(float((p @ w) ** 2 - np.sum((p * w) ** 2)) / 2, 3)

# %% [markdown]
# The exact double sum is the **variance** of the weights under the probabilities (work it out). Were all three weights
# equal, it would vanish: adding the same number to all scores changes no probability. What formula (2) keeps would not
# vanish. It can be wrong altogether, not just by some per cent.
#
# ### Exercise `hessian.approximate_step` (3 points)
#
# Write formula (2) for a whole layer with $h = \tanh$. Given are $a$, and the gradient `g` and the diagonal `d` of the
# next layer; `abar` is there for the witnesses again. How can they witness an approximation? It is the **exact**
# diagonal of another function, in which the layer above is replaced by $\sum_k g_k a_k + \tfrac12 d_k (a_k - \bar
# a_k)^2$.


# %% answer="hessian.approximate_step"
def approximate_step(a, g, d, abar, W):
    ### BEGIN SOLUTION
    y = np.tanh(a)
    slope, bend = 1 - y**2, -2 * y * (1 - y**2)
    return slope**2 * ((W**2).T @ d) + bend * (W.T @ g)
    ### END SOLUTION


# %% check="hessian.approximate_step"
check("hessian.approximate_step", approximate_step)


# %% attempt="hessian.approximate_step" expect="right"
def approximate_step(a, g, d, abar, W):
    slope = np.cosh(a) ** -2.0
    J = W * slope
    return np.einsum("kj,kj,k->j", J, J, d) - 2 * np.tanh(a) * (g @ J)


# %% attempt="hessian.approximate_step" expect="wrong" cause="a path or term dropped"
def approximate_step(a, g, d, abar, W):
    return (1 - np.tanh(a) ** 2) ** 2 * ((W**2).T @ d)


# %% attempt="hessian.approximate_step" expect="wrong" cause="inner derivative forgotten"
def approximate_step(a, g, d, abar, W):
    y = np.tanh(a)
    return (1 - y**2) ** 2 * (W.T @ d) - 2 * y * (1 - y**2) * (W.T @ g)


# %% attempt="hessian.approximate_step" expect="wrong" cause="activation derivative forgotten"
def approximate_step(a, g, d, abar, W):
    y = np.tanh(a)
    return (1 - y**2) * ((W**2).T @ d) - 2 * y * (1 - y**2) * (W.T @ g)


# %% attempt="hessian.approximate_step" expect="wrong" cause="sign of one term"
def approximate_step(a, g, d, abar, W):
    y = np.tanh(a)
    return (1 - y**2) ** 2 * ((W**2).T @ d) + 2 * y * (1 - y**2) * (W.T @ g)


# %% attempt="hessian.approximate_step" expect="wrong" cause="activation derivative forgotten"
def approximate_step(a, g, d, abar, W):
    y = np.tanh(a)
    return (1 - y**2) ** 2 * ((W**2).T @ d) - 2 * y * (W.T @ g)


# %% [markdown]
# ### Exercise `hessian.graph` (2 points): draw it
#
# One step of the walk for one unit that feeds two is a small computation. Its inputs are the slope `s1` $= h'(a)$ and
# the bend `s2` $= h''(a)$, the weights `w1`, `w2`, and from above the gradients `g1`, `g2` and the curvatures `d1`,
# `d2`. Its outputs are the unit's own `g` and `d`. Draw its graph in **four** nodes: one for each of the two sums that
# occur, and one for each output. What is needed twice is to be computed once. A graph is written down as formulas by
# the names of nodes, such as `{"u": "x*y + 2*z", "v": "sin(u)"}`.

# %% answer="hessian.graph"
graph = None
### BEGIN SOLUTION
graph = {"G": "w1*g1 + w2*g2", "D": "w1**2*d1 + w2**2*d2", "g": "s1*G", "d": "s1**2*D + s2*G"}
### END SOLUTION

# %% check="hessian.graph"
check("hessian.graph", graph)

# %% attempt="hessian.graph" expect="right"
graph = "up = g1*w1 + g2*w2; curved = d1*w1*w1 + d2*w2*w2; g = up*s1; d = s2*up + curved*s1*s1"

# %% attempt="hessian.graph" expect="wrong" cause="argument" mark=0.5
graph = {"G": "w1*g1 + w2*g2", "D": "w1**2*d1 + w2**2*d2", "g": "s1*G", "d": "s1**2*D + s2*g"}

# %% attempt="hessian.graph" expect="wrong" cause="operation" mark=0.625
graph = {"G": "w1*g1 + w2*g2", "D": "w1*d1 + w2*d2", "g": "s1*G", "d": "s1**2*D + s2*G"}

# %% attempt="hessian.graph" expect="wrong" cause="path, edge" mark=0.625
graph = {"G": "w1*g1 + w2*g2", "D": "w1**2*d1 + w2**2*d2", "g": "s1*G", "d": "s1**2*D"}

# %% [markdown]
# Whoever has backpropagated already has one of the two sums: beside the gradient a curvature takes one more, not two.
#
# ### Exercise `hessian.bug` (3 points): a planted bug

# %% show="hessian.bug"
show("hessian.bug")


# %% answer="hessian.bug"
def curvature(a, g, d, abar, W):
    y = 1 / (1 + np.exp(-a))
    slope = y * (1 - y)
    bend = slope * (1 - y)
    squared = slope**2 * ((W**2).T @ d)
    bent = bend * (W.T @ g)
    return squared + bent


line = None
### BEGIN SOLUTION
line = 4


def curvature(a, g, d, abar, W):
    y = 1 / (1 + np.exp(-a))
    slope = y * (1 - y)
    bend = slope * (1 - 2 * y)
    squared = slope**2 * ((W**2).T @ d)
    bent = bend * (W.T @ g)
    return squared + bent


### END SOLUTION

# %% check="hessian.bug"
check("hessian.bug", curvature, line=line)

# %% attempt="hessian.bug" expect="right"
line = "line 4"


def curvature(a, g, d, abar, W):
    y = np.exp(-np.logaddexp(0, -a))
    slope = y - y**2
    return slope**2 * ((W * W).T @ d) + slope * (1 - y - y) * (g @ W)


# %% attempt="hessian.bug" expect="wrong" mark=1.5 because="Squared weights, one by one, times d: as it should be."
line = 5


def curvature(a, g, d, abar, W):
    y = 1 / (1 + np.exp(-a))
    slope = y * (1 - y)
    return slope**2 * ((W**2).T @ d) + slope * (1 - 2 * y) * (W.T @ g)


# %% attempt="hessian.bug" expect="wrong" mark=1.5
line = 4


def curvature(a, g, d, abar, W):
    y = 1 / (1 + np.exp(-a))
    slope = y * (1 - y)
    return slope**2 * ((W**2).T @ d) - slope * (1 - 2 * y) * (W.T @ g)


# %% attempt="hessian.bug" expect="wrong" because="That is the slope of the sigmoid, by its value."
line = 3


def curvature(a, g, d, abar, W):
    y = 1 / (1 + np.exp(-a))
    slope = y
    return slope**2 * ((W**2).T @ d) + slope * (1 - 2 * y) * (W.T @ g)


# %% [markdown]
# ### Exercise `hessian.network` (4 points)
#
# Put it together. The network is $y = W_3 \tanh(W_2 \tanh(W_1 x))$, and the loss for this one sample half the squared
# error to `target`. Return the approximate second derivatives in all entries of $W_1$. (With one hidden layer you could
# not be told from somebody who computes the exact diagonal. With two you can.)


# %% answer="hessian.network"
def network(W1, W2, W3, x, target):
    ### BEGIN SOLUTION
    z1 = np.tanh(W1 @ x)
    z2 = np.tanh(W2 @ z1)
    g, d = W3 @ z2 - target, np.ones(len(target))
    for W, z in ((W3, z2), (W2, z1)):
        slope, bend = 1 - z**2, -2 * z * (1 - z**2)
        back = W.T @ g
        d = slope**2 * ((W**2).T @ d) + bend * back
        g = slope * back
    return np.outer(d, x**2)
    ### END SOLUTION


# %% check="hessian.network"
check("hessian.network", network)


# %% attempt="hessian.network" expect="right"
def network(W1, W2, W3, x, target):
    def step(a, g, d, W):
        slope = 1 / np.cosh(a) ** 2
        return slope * (g @ W), (slope * slope) * (d @ (W * W)) - 2 * np.tanh(a) * slope * (g @ W)

    a1 = W1 @ x
    a2 = W2 @ np.tanh(a1)
    g2, d2 = step(a2, W3 @ np.tanh(a2) - target, 1 + 0 * target, W3)
    return step(a1, g2, d2, W2)[1][:, None] * (x * x)[None, :]


# %% attempt="hessian.network" expect="wrong" unnamed="The exact diagonal: right for another question."
def network(W1, W2, W3, x, target):
    z1 = np.tanh(W1 @ x)
    z2 = np.tanh(W2 @ z1)
    s1, s2 = 1 - z1**2, 1 - z2**2
    g2 = W3.T @ (W3 @ z2 - target)
    H2 = s2[:, None] * (W3.T @ W3) * s2 + np.diag(-2 * z2 * s2 * g2)
    d1 = s1**2 * np.diag(W2.T @ H2 @ W2) - 2 * z1 * s1 * (W2.T @ (s2 * g2))
    return np.outer(d1, x**2)


# %% attempt="hessian.network" expect="wrong" unnamed="Both terms with the bend are dropped, that of each layer."
def network(W1, W2, W3, x, target):
    z1 = np.tanh(W1 @ x)
    z2 = np.tanh(W2 @ z1)
    d2 = (1 - z2**2) ** 2 * np.sum(W3**2, axis=0)
    return np.outer((1 - z1**2) ** 2 * ((W2**2).T @ d2), x**2)


# %% attempt="hessian.network" expect="wrong" cause="wrong power"
def network(W1, W2, W3, x, target):
    z1 = np.tanh(W1 @ x)
    z2 = np.tanh(W2 @ z1)
    g, d = W3 @ z2 - target, np.ones(len(target))
    for W, z in ((W3, z2), (W2, z1)):
        back = W.T @ g
        d = (1 - z**2) ** 2 * ((W**2).T @ d) - 2 * z * (1 - z**2) * back
        g = (1 - z**2) * back
    return np.outer(d, x)


# %% attempt="hessian.network" expect="wrong" cause="transposed"
def network(W1, W2, W3, x, target):
    z1 = np.tanh(W1 @ x)
    z2 = np.tanh(W2 @ z1)
    g, d = W3 @ z2 - target, np.ones(len(target))
    for W, z in ((W3, z2), (W2, z1)):
        back = W.T @ g
        d = (1 - z**2) ** 2 * ((W**2).T @ d) - 2 * z * (1 - z**2) * back
        g = (1 - z**2) * back
    return np.outer(x**2, d)


# %% attempt="hessian.network" expect="wrong" cause="a path or term dropped"
def network(W1, W2, W3, x, target):
    z1 = np.tanh(W1 @ x)
    z2 = np.tanh(W2 @ z1)
    back = W3.T @ (W3 @ z2 - target)
    d = (1 - z2**2) ** 2 * ((W3**2).T @ np.ones(len(target))) - 2 * z2 * (1 - z2**2) * back
    return np.outer((1 - z1**2) ** 2 * ((W2**2).T @ d), x**2)


# %% [markdown]
# ## 4. When it is exact, and what was dropped
#
# `autodiff.becker_lecun(f, argnums)` does the same walk for any function that can be written as a list, and returns
# value, gradient and diagonal; `autodiff.hessian_diagonal` has the exact one. (Mind the names elsewhere: what a library
# offers as the diagonal of the Hessian, BackPACK's `DiagHessian` for instance, is the exact one, and no witness for
# formula (2).) Above, with half the squared error, two layers of three came out right. And with a softmax? First a
# guess.
#
# ### `hessian.guess_layers` (1 point, for guessing)

# %% show="hessian.guess_layers"
show("hessian.guess_layers")

# %% answer="hessian.guess_layers"
guess_layers = None
### BEGIN SOLUTION
guess_layers = "last"
### END SOLUTION

# %% check="hessian.guess_layers"
predict("hessian.guess_layers", guess_layers)


# %% attempt="hessian.guess_layers" expect="right"
guess_layers = "all"

# %%
rng = np.random.default_rng(0)
X, labels = rng.normal(size=(32, 6)), rng.integers(3, size=32)
P = [rng.normal(size=size) / np.sqrt(size[1]) for size in ((8, 6), (7, 8), (3, 7))]


def two_hidden(W1, W2, W3):
    return autodiff.cross_entropy(np.tanh(np.tanh(X @ W1.T) @ W2.T) @ W3.T, labels)


found = autodiff.becker_lecun(two_hidden, (0, 1, 2))(*P)
# formula (1), which keeps the matrices of two layers:
whole = autodiff.hesscale(two_hidden, (0, 1, 2), keep=2)(*P)
right = 0
names = ("output", "second hidden", "first hidden")
for name, mine, true in zip(names, found.layers, whole.layers, strict=True):
    error = np.abs(mine.diagonal - true.diagonal).sum() / np.abs(true.diagonal).sum()
    right += error < 1e-12
    print(f"{name:>14} layer: relative error of the curvature in its pre-activations {error:.3f}")
reveal("hessian.guess_layers", ["none", "last", "two", "all"][right])

# %% [markdown]
# ### Exercise `hessian.when_exact` (2 points)

# %% show="hessian.when_exact"
show("hessian.when_exact")

# %% answer="hessian.when_exact"
when_exact = None
### BEGIN SOLUTION
when_exact = {"a", "d"}
### END SOLUTION

# %% check="hessian.when_exact"
check("hessian.when_exact", when_exact)

# %% attempt="hessian.when_exact" expect="right"
when_exact = "(a), (d)"

# %% attempt="hessian.when_exact" expect="wrong" because="The Hessian of a softmax's scores is not diagonal."
when_exact = ["a", "b", "d"]

# %% attempt="hessian.when_exact" expect="wrong" because="Nothing is bent, but W3ᵀ W3 is not diagonal."
when_exact = ["a", "d", "e"]

# %% attempt="hessian.when_exact" expect="wrong" because="One more: a unit that feeds one unit has no other k'."
when_exact = ["a"]

# %% [markdown]
# **How far off is it elsewhere?** An experiment: random networks with tanh, six inputs, one to five hidden layers of
# eight units and three outputs; for each the relative error of the approximate diagonal in all weights together,
# $\sum |d - \text{exact}| / \sum |\text{exact}|$. Marks are single networks, lines their medians.


# %%
def random_network(depth, loss, seed, batch=32):
    """The loss of a random network as a function of its weights, and these."""
    rng = np.random.default_rng(seed)
    sizes = [6, *[8] * depth, 3]
    weights = [rng.normal(size=(m, n)) / np.sqrt(n) for n, m in itertools.pairwise(sizes)]
    X, T, labels = rng.normal(size=(batch, 6)), rng.normal(size=(batch, 3)), rng.integers(3, size=batch)

    def f(*weights):
        Z = X
        for W in weights[:-1]:
            Z = np.tanh(Z @ W.T)
        scores = Z @ weights[-1].T
        if loss == "cross-entropy":
            return autodiff.cross_entropy(scores, labels)
        return autodiff.half_squared_error(scores, T) / batch

    return f, weights


def relative_error(method, f, weights):
    """Of a diagonal in all weights, against the exact one."""
    every = tuple(range(len(weights)))
    exact = autodiff.hessian_diagonal(f, every)(*weights)
    return autodiff.compare(method(f, every)(*weights), exact)["relative L1"]


depths = [1, 2, 3, 4, 5]
figure, axis = plt.subplots(figsize=(6.5, 3.4))
for loss, mark in (("half squared error", "o"), ("cross-entropy", "^")):
    errors = [
        [relative_error(autodiff.becker_lecun, *random_network(depth, loss, seed)) for seed in range(8)]
        for depth in depths
    ]
    (line_drawn,) = axis.plot(depths, np.median(errors, axis=1), label=loss)
    axis.plot(depths, errors, mark, color=line_drawn.get_color(), alpha=0.35, markersize=4)
    print(f"{loss:>18}, medians:", np.round(np.median(errors, axis=1), 3).tolist())
axis.set(xlabel="hidden layers", ylabel="relative error", xticks=depths, ylim=(-0.02, None))
axis.legend()
picture(
    figure,
    "Relative error of the approximate diagonal against the number of hidden layers. With half "
    "the squared error it is 0 for one hidden layer and grows from there; with the cross-entropy "
    "it is above 0 from the first layer on.",
)

# %% [markdown]
# One hidden layer with half the squared error is exact. That is worth remembering when you **test** such code: on that
# network nothing distinguishes the approximation from the truth.
#
# **What else is dropped.** Formula (2) speaks of layers. A walk back along a list meets other places where two values
# with one origin are brought together, and has to drop their mixed derivatives too. `becker_lecun` reports these:

# %%
crossed = autodiff.becker_lecun(lambda x: np.sum((x + np.tanh(x)) ** 2))(np.array([1.0]))
exact = autodiff.hessian_diagonal(lambda x: np.sum((x + np.tanh(x)) ** 2))(np.array([1.0]))
print(f"found {crossed.diagonal[0]:.4f}, exact {exact[0]:.4f}")
print(crossed.dropped)

# %%
draw.graph(lambda x: np.sum((x + np.tanh(x)) ** 2), np.array([1.0])).highlight("x", "v2")

# %% [markdown]
# Two ways lead from $x$ to the sum. Each brings its own curvature; the product of the two slopes, which belongs to
# both, is lost. `size` compares it with what was kept at that line. What defines the method, the terms $k \ne k'$ of
# layers, is not in this list: it is empty for a plain network, however far off the diagonal is.
#
# ### ★ Exercise `hessian.dropped` (2 points)

# %% show="hessian.dropped"
task = show("hessian.dropped")
task

# %% answer="hessian.dropped"
dropped = None
### BEGIN SOLUTION
x, c = task.given["x"], task.given["c"]
slope_u, slope_v, mixed = 1, 3 * c * x**2, 2
dropped = round(2 * mixed * slope_u * slope_v, 2)
### END SOLUTION

# %% check="hessian.dropped"
check("hessian.dropped", dropped)

# %% attempt="hessian.dropped" expect="right"
x, c = task.given["x"], task.given["c"]
exact = 2 * (1 + 3 * c * x**2) ** 2 + 12 * c * x * (x + c * x**3)
dropped = exact - (2 + 2 * (3 * c * x**2) ** 2 + 12 * c * x * (x + c * x**3))

# %% attempt="hessian.dropped" expect="wrong" cause="a known mistake"
dropped = round(6 * task.given["c"] * task.given["x"] ** 2, 2)

# %% attempt="hessian.dropped" expect="wrong" cause="sign"
dropped = round(-12 * task.given["c"] * task.given["x"] ** 2, 2)

# %% attempt="hessian.dropped" expect="wrong" cause="a known mistake"
x, c = task.given["x"], task.given["c"]
dropped = round(2 * (1 + 3 * c * x**2) ** 2 + 12 * c * x * (x + c * x**3), 2)

# %% [markdown]
# ## 5. What it costs
#
# Seconds depend on the machine; multiplications can be counted. Three ways to the diagonal of a network with $W$
# weights:
#
# - the **whole Hessian**, of which one then keeps the diagonal: about $W$ gradients, so $O(W^2)$;
# - the **exact diagonal** by formula (1), with a matrix per layer;
# - the **approximate diagonal** by formula (2), with a vector per layer: every weight is used a fixed number of times,
#   so $O(W)$, as for the gradient.
#
# **Example.** A layer of three units that feeds five. Formula (2) squares 15 weights and multiplies 15 of them by
# entries of $d$. Formula (1) needs $W^\top H\, W$. `autodiff.counted` counts the floating point operations in products
# of matrices, a multiplication and an addition for each term; half of them are multiplications:

# %%
H, W, d = np.ones((5, 5)), np.ones((5, 3)), np.ones(5)
_, by_vector = autodiff.counted(lambda W, d: (W**2).T @ d, W, d)
_, by_matrix = autodiff.counted(lambda W, H: W.T @ (H @ W), W, H)
print("multiplications of (W**2).T @ d, after squaring:", by_vector.matmul_flops // 2)
print("multiplications of W.T @ (H @ W):", by_matrix.matmul_flops // 2)

# %% [markdown]
# ### Exercise `hessian.entries` (1 point)

# %% show="hessian.entries"
task = show("hessian.entries")
task

# %% answer="hessian.entries"
entries = None
### BEGIN SOLUTION
count = task.given["n"] * task.given["m"] + task.given["m"] * task.given["k"]
entries = count * (count + 1) // 2
### END SOLUTION

# %% check="hessian.entries"
check("hessian.entries", entries)

# %% attempt="hessian.entries" expect="right"
count = (task.given["n"] + task.given["k"]) * task.given["m"]
entries = float(count + sum(range(count)))

# %% attempt="hessian.entries" expect="wrong" cause="a known mistake"
entries = ((task.given["n"] + task.given["k"]) * task.given["m"]) ** 2

# %% attempt="hessian.entries" expect="wrong" cause="a known mistake"
entries = (task.given["n"] + task.given["k"]) * task.given["m"]

# %% attempt="hessian.entries" expect="wrong" cause="a known mistake"
count = (task.given["n"] + task.given["k"]) * task.given["m"]
entries = count * (count - 1) // 2

# %% [markdown]
# ### `hessian.guess_growth` (1 point, for guessing)

# %% show="hessian.guess_growth"
show("hessian.guess_growth")

# %% answer="hessian.guess_growth"
guess_growth = None
### BEGIN SOLUTION
guess_growth = 8
### END SOLUTION

# %% check="hessian.guess_growth"
predict("hessian.guess_growth", guess_growth)

# %% attempt="hessian.guess_growth" expect="right"
guess_growth = 4.0


# %%
def square_network(n):
    """A network with three n by n matrices and one sample, as a function of its weights, and these."""
    rng = np.random.default_rng(n)
    weights = [rng.normal(size=(n, n)) / np.sqrt(n) for _ in range(3)]
    x, label = rng.normal(size=(1, n)), np.array([0])

    def f(W1, W2, W3):
        return autodiff.cross_entropy(np.tanh(np.tanh(x @ W1.T) @ W2.T) @ W3.T, label)

    return f, weights


every = (0, 1, 2)


def by_becker_lecun(f):
    return lambda *W: autodiff.becker_lecun(f, every)(*W).diagonal


ways = {
    "gradient": lambda f: autodiff.grad(f, every),
    "approximate diagonal (and gradient)": by_becker_lecun,
    "exact diagonal": lambda f: autodiff.hessian_diagonal(f, every),
    "whole Hessian": lambda f: autodiff.hessian_matrix(f, every),
}
widths = {name: [4, 8, 16] if name == "whole Hessian" else [4, 8, 16, 32, 64, 128, 256] for name in ways}
flops = {
    name: [autodiff.counted(way(f), *W)[1].flops for f, W in map(square_network, widths[name])]
    for name, way in ways.items()
}
figure, axis = plt.subplots(figsize=(5.2, 3.6))
for (name, counts), mark in zip(flops.items(), "osD^", strict=True):
    number = [3 * n * n for n in widths[name]]
    steepness = np.log(counts[-1] / counts[-2]) / np.log(number[-1] / number[-2])
    axis.loglog(number, counts, mark + "-", label=f"{name}:\nexponent {steepness:.2f}")
axis.set(xlabel="weights", ylabel="operations, counted")
axis.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0))
picture(
    figure,
    "Counted operations against the number of weights, both on logarithmic scales. Gradient and "
    "approximate diagonal run in parallel, close to each other; the exact diagonal is steeper, "
    "the whole Hessian steepest.",
)

# %%
prices = np.divide(flops["approximate diagonal (and gradient)"], flops["gradient"])
print("approximate diagonal and gradient, in gradients:", np.round(prices, 2))
last, before = flops["exact diagonal"][-1], flops["exact diagonal"][-2]
reveal("hessian.guess_growth", last / before)

# %% [markdown]
# With twice the width an $n \times n$ matrix has four times the entries, and a product of two such matrices takes eight
# times the multiplications: $8 = 4^{1.5}$, hence the exponent 1.5. (The counted factor comes closer to 8 the wider the
# network.)
#
# ## 6. Two other diagonals
#
# **Gauss-Newton.** Formula (2) keeps both terms of (1) and drops the off-diagonals. One can do it the other way round:
# keep all off-diagonals, and drop the terms with $h''$. What remains is the diagonal of $J^\top H_{\text{out}}\, J$,
# with the Jacobian $J$ of the network and the Hessian $H_{\text{out}}$ of the loss in its output. For half the squared
# error $H_{\text{out}}$ is the identity, and for one sample
#
# $$ G_{ji} = \sum_k \Big( \frac{\partial y_k}{\partial w_{ji}} \Big)^2 . $$
#
# **Example.** $y = \tanh(w)$ with the target $0.5$. At $w = 1.2$, on the far side of the target, tanh bends the
# loss the other way than a square does:

# %%
w, at = np.linspace(-1.0, 3.0, 200), 1.2
y, slope = np.tanh(at), 1 - np.tanh(at) ** 2
gauss_newton_here, exact_here = slope**2, slope**2 + (y - 0.5) * (-2 * y * slope)
value, tangent = 0.5 * (y - 0.5) ** 2, (y - 0.5) * slope * (w - at)
figure, axis = plt.subplots(figsize=(6.5, 3.2))
axis.plot(w, 0.5 * (np.tanh(w) - 0.5) ** 2, lw=2.5, label="loss")
for name, bent, style in (
    ("its own parabola", exact_here, "--"),
    ("Gauss-Newton's", gauss_newton_here, ":"),
):
    axis.plot(w, value + tangent + bent / 2 * (w - at) ** 2, style, label=f"{name}, curvature {bent:.3f}")
axis.plot(at, value, "o")
axis.set(xlabel="w", ylim=(-0.25, 0.6))
axis.legend()
picture(
    figure,
    "A loss that falls to a minimum near w = 0.55, rises again, and flattens. At w = 1.2 its own "
    "parabola opens downwards, Gauss-Newton's opens upwards, with its lowest point to the left.",
)

# %% [markdown]
# Gauss-Newton's is never negative, which is handy for choosing steps: the lowest point of that parabola always lies
# downhill, if perhaps too far. It is not the curvature of the loss.
#
# ### Exercise `hessian.gauss_newton` (2 points)
#
# For $y = W_2 \tanh(W_1 x)$, one sample and half the squared error, return the Gauss-Newton diagonal in $W_1$, an array
# with its shape. Why is there no target among the arguments?


# %% answer="hessian.gauss_newton"
def gauss_newton(W1, W2, x):
    ### BEGIN SOLUTION
    slope = 1 - np.tanh(W1 @ x) ** 2
    return np.outer(slope**2 * np.sum(W2**2, axis=0), x**2)
    ### END SOLUTION


# %% check="hessian.gauss_newton"
check("hessian.gauss_newton", gauss_newton)


# %% attempt="hessian.gauss_newton" expect="right"
def gauss_newton(W1, W2, x):
    J = np.einsum("kj,j,i->kji", W2, np.cosh(W1 @ x) ** -2.0, x)
    return (J**2).sum(axis=0)


# %% attempt="hessian.gauss_newton" expect="wrong" cause="wrong power"
def gauss_newton(W1, W2, x):
    slope = 1 - np.tanh(W1 @ x) ** 2
    return np.outer((slope * np.sum(W2, axis=0)) ** 2, x**2)


# %% attempt="hessian.gauss_newton" expect="wrong" cause="wrong power"
def gauss_newton(W1, W2, x):
    slope = 1 - np.tanh(W1 @ x) ** 2
    return np.outer(slope * np.sum(W2**2, axis=0), x**2)


# %% attempt="hessian.gauss_newton" expect="wrong" cause="transposed"
def gauss_newton(W1, W2, x):
    slope = 1 - np.tanh(W1 @ x) ** 2
    return np.outer(x**2, slope**2 * np.sum(W2**2, axis=0))


# %% attempt="hessian.gauss_newton" expect="wrong" cause="factor 2 too many"
def gauss_newton(W1, W2, x):
    slope = 1 - np.tanh(W1 @ x) ** 2
    return 2 * np.outer(slope**2 * np.sum(W2**2, axis=0), x**2)


# %% [markdown]
# **★ Hutchinson.** A product $Hv$ of the Hessian with a vector costs a few gradients and needs no Hessian
# (differentiate the gradient in the direction $v$). Take $v$ with random signs $\pm 1$. Then
#
# $$ v_i (Hv)_i = H_{ii} + \sum_{j \ne i} v_i v_j H_{ij}, $$
#
# since $v_i^2 = 1$, and the second part is 0 on average. **Example**, with a matrix that we know:

# %%
H = np.array([[2.0, 0.5, -1.0], [0.5, -1.0, 0.3], [-1.0, 0.3, 3.0]])
rng = np.random.default_rng(1)
for _ in range(3):
    v = rng.choice([-1.0, 1.0], size=3)
    print("v =", v, " v * (H v) =", np.round(v * (H @ v), 2))
V = rng.choice([-1.0, 1.0], size=(1000, 3))
print("mean of 1000:", np.round(np.mean([v * (H @ v) for v in V], axis=0), 2), " diagonal:", np.diag(H))

# %% [markdown]
# ### ★ Exercise `hessian.hutchinson` (2 points)
#
# Return the estimate of the diagonal of the symmetric matrix $H$ from the vectors in the rows of $V$: the mean of
# $v * (Hv)$.


# %% answer="hessian.hutchinson"
def hutchinson(H, V):
    ### BEGIN SOLUTION
    return np.mean(V * (V @ H), axis=0)
    ### END SOLUTION


# %% check="hessian.hutchinson"
check("hessian.hutchinson", hutchinson)


# %% attempt="hessian.hutchinson" expect="right"
def hutchinson(H, V):
    return sum(v * (H @ v) for v in V) / len(V)


# %% attempt="hessian.hutchinson" expect="wrong" cause="sum for mean"
def hutchinson(H, V):
    return np.sum(V * (V @ H), axis=0)


# %% attempt="hessian.hutchinson" expect="wrong" cause="diagonal only"
def hutchinson(H, V):
    return np.diag(H)


# %% attempt="hessian.hutchinson" expect="wrong" cause="wrong axis"
def hutchinson(H, V):
    return np.mean(V * (V @ H), axis=1)


# %% attempt="hessian.hutchinson" expect="wrong" cause="a path or term dropped"
def hutchinson(H, V):
    return np.mean(V @ H, axis=0)


# %% [markdown]
# ### ★ Exercise `hessian.samples` (1 point)

# %% show="hessian.samples"
task = show("hessian.samples")
task

# %% answer="hessian.samples"
samples = None
### BEGIN SOLUTION
own, *others = (round(10 * entry) for entry in task.given["row"])  # in tenths: whole numbers
samples = int(np.ceil(100 * sum(entry**2 for entry in others) / own**2))
### END SOLUTION

# %% check="hessian.samples"
check("hessian.samples", samples)

# %% attempt="hessian.samples" expect="right"
row = np.array(task.given["row"])
samples = next(S for S in range(1, 100000) if np.sqrt(np.sum(row[1:] ** 2) / S) <= row[0] / 10)

# %% attempt="hessian.samples" expect="wrong" cause="a known mistake"
row = [round(10 * entry) for entry in task.given["row"]]
samples = int(np.ceil(100 * sum(entry**2 for entry in row) / row[0] ** 2))

# %% attempt="hessian.samples" expect="wrong" cause="a known mistake"
row = np.array(task.given["row"])
samples = int(np.ceil(10 * np.sqrt(np.sum(row[1:] ** 2)) / row[0]))

# %% attempt="hessian.samples" expect="wrong" cause="a known mistake"
row = [round(10 * entry) for entry in task.given["row"]]
samples = int(np.ceil(sum(entry**2 for entry in row[1:]) / row[0] ** 2))

# %% [markdown]
# **All of them on one network.** Hutchinson's error falls with the root of the number of samples, and it has no floor;
# the others have a price and an error, and that is that. Network, weights and data are those of the experiment above,
# with three hidden layers and the cross-entropy.

# %%
f, at = random_network(3, "cross-entropy", seed=1)
counts = [1, 3, 10, 30, 100, 300]


def with_samples(S, seed):
    return lambda f, every: autodiff.hutchinson(f, every, samples=S, seed=seed)


errors = [np.mean([relative_error(with_samples(S, seed), f, at) for seed in range(4)]) for S in counts]
figure, axis = plt.subplots(figsize=(6.5, 3.4))
axis.loglog(counts, errors, "o-", label="Hutchinson")
for name, method, style in (
    ("Becker-LeCun", autodiff.becker_lecun, "--"),
    ("Gauss-Newton", autodiff.gauss_newton_diagonal, ":"),
):
    flat = relative_error(method, f, at)
    axis.axhline(flat, ls=style, color="C1" if method is autodiff.becker_lecun else "C2", label=name)
    print(f"{name}: relative error {flat:.3f}")
print("Hutchinson:", {S: round(float(error), 3) for S, error in zip(counts, errors, strict=True)})
axis.set(xlabel="samples, each a product with the Hessian", ylabel="relative error")
axis.legend()
picture(
    figure,
    "Relative errors on logarithmic scales: Hutchinson's falls in a straight line with the number "
    "of samples and goes below the two horizontal lines of Gauss-Newton and Becker-LeCun, the "
    "lower of the two, only with many samples.",
)

# %% [markdown]
# ## 7. Good enough for what?
#
# A diagonal that is off by a third may be useless as a number and still be good enough to **rank** weights or to
# **scale** steps. Two uses:
#
# **Removing weights.** Near a minimum the gradient is about 0. Setting one weight to 0 is a step of $-w$, which changes
# the loss by about $\tfrac12 H_{ii} w^2$. This number is called the weight's saliency. Weights of small saliency can
# go, whatever their own size. **Example.** $w = 2$ with $H_{ii} = 0.01$ costs 0.02 to remove; $w = 0.2$ with $H_{ii} =
# 5$ costs 0.1, although it is ten times smaller.
#
# ### Exercise `hessian.saliency` (1 point)

# %% show="hessian.saliency"
task = show("hessian.saliency")
task

# %% answer="hessian.saliency"
saliency = None
### BEGIN SOLUTION
w, d = np.array(task.given["w"]), np.array(task.given["d"])
saliency = int(np.argmin(d * w**2 / 2))
### END SOLUTION

# %% check="hessian.saliency"
check("hessian.saliency", saliency)

# %% attempt="hessian.saliency" expect="right"
w, d = task.given["w"], task.given["d"]
saliency = min(range(5), key=lambda i: d[i] * w[i] * w[i])

# %% attempt="hessian.saliency" expect="wrong" cause="a known mistake"
saliency = int(np.argmin(np.abs(task.given["w"])))

# %% attempt="hessian.saliency" expect="wrong" cause="a known mistake"
saliency = int(np.argmin(task.given["d"]))

# %% attempt="hessian.saliency" expect="wrong" cause="a known mistake"
w, d = np.array(task.given["w"]), np.array(task.given["d"])
saliency = int(np.argmax(d * w**2))

# %% [markdown]
# ### `hessian.guess_pruning` (1 point, for guessing)

# %% show="hessian.guess_pruning"
show("hessian.guess_pruning")

# %% answer="hessian.guess_pruning"
guess_pruning = None
### BEGIN SOLUTION
guess_pruning = "approximate"
### END SOLUTION

# %% check="hessian.guess_pruning"
predict("hessian.guess_pruning", guess_pruning)

# %% attempt="hessian.guess_pruning" expect="right"
guess_pruning = "same"

# %% [markdown]
# **Choosing steps.** Gradient descent takes one step size for all weights. Where the loss bends a hundred times more in
# one weight than in another, that step is too long for the first or too short for the second. Dividing each entry of
# the gradient by its own curvature mends that, as far as the curvature is that of single weights: the step is $-\eta\,
# g_i / (|d_i| + \mu)$. The absolute value, because a negative $d_i$ would send it uphill; $\mu$, because $d_i$ may be
# 0; and an average of $|d_i|$ over past steps, because it jumps.
#
# The data of this experiment have five inputs of sizes from 0.2 to 5; the network has two hidden layers of tanh units.
# Both methods are tried with several step sizes, and the best of each is drawn: 800 steps of the gradient, 400 of the
# gradient divided by the curvature.

# %%
rng = np.random.default_rng(7)
U = rng.normal(size=(80, 5))
X = U * np.array([0.2, 0.5, 1.0, 2.0, 5.0])
T = (np.sin(2 * U[:, 0]) + U[:, 1] * U[:, 2] + 0.5 * U[:, 3] + 0.1 * rng.normal(size=80))[:, None]
arguments = (0, 1, 2, 3, 4)


def training_loss(W1, b1, W2, b2, W3):
    return autodiff.half_squared_error(np.tanh(np.tanh(X @ W1.T + b1) @ W2.T + b2) @ W3.T, T) / len(X)


def start():
    rng = np.random.default_rng(0)
    W1, W2, W3 = (rng.normal(size=size) / np.sqrt(size[1]) for size in ((12, 5), (9, 12), (1, 9)))
    return [W1, np.zeros(12), W2, np.zeros(9), W3]


def descend(steps, rate, mu=None):
    """Weights and losses of gradient descent; with mu, divided by averaged curvatures plus mu."""
    P, losses, average = start(), [], None
    for _ in range(steps):
        if mu is None:
            value, gradient = autodiff.value_and_grad(training_loss, arguments)(*P)
        else:
            found = autodiff.becker_lecun(training_loss, arguments)(*P)
            sizes = [np.abs(d) for d in found.diagonal]
            past = sizes if average is None else average
            average = [0.9 * a + 0.1 * d for a, d in zip(past, sizes, strict=True)]
            value = found.value
            gradient = [g / (a + mu) for g, a in zip(found.gradient, average, strict=True)]
        losses.append(float(value))
        if not losses[-1] < 10:  # it diverges
            return P, losses + [np.inf] * (steps - len(losses))
        P = [p - rate * g for p, g in zip(P, gradient, strict=True)]
    return P, losses


steps = 400
plain = {rate: descend(2 * steps, rate) for rate in (0.02, 0.03, 0.05)}
scaled = {rate: descend(steps, rate, mu=0.1) for rate in (0.03, 0.05, 0.1)}
figure, axis = plt.subplots(figsize=(6.5, 3.4))
for name, runs in (("gradient", plain), ("gradient / (|d| + 0.1)", scaled)):
    best = min(runs, key=lambda rate: runs[rate][1][-1])
    axis.semilogy(runs[best][1], label=f"{name}, best rate {best:g}")
    print(f"{name}: loss after {len(runs[best][1])} steps, by rate:")
    print("   ", {rate: round(run[1][-1], 4) for rate, run in runs.items()})
    above = np.flatnonzero(np.array(runs[best][1]) > 0.2)
    print(f"    at rate {best:g} it stays below 0.2 from step {above[-1] + 1} on")
axis.set(xlabel="step", ylabel="loss")
axis.legend()
picture(
    figure,
    "The loss against the number of steps, logarithmic. Divided by the approximate curvature, the "
    "gradient brings the loss lower in 400 steps, after a few spikes at their beginning, than "
    "the plain gradient does in 800.",
)

# %% [markdown]
# The spikes are steps in which many weights move together, and along which the loss bends many times more than the
# diagonal says: what makes it bend there are the mixed derivatives, and no diagonal sees them. Mind what the scaled
# steps cost: a gradient with a curvature costs nearly as much as two gradients, so that 400 of them are to be held
# against 800 plain steps. The plain gradient cannot take longer steps calmly: from a rate of 0.1 on its loss jumps up
# and down, since the steepest weights allow no more. It often comes lower in the end, but when and where it lands is
# decided by the last bits of the numbers and differs from computer to computer, so that no figure is printed for it.
# Nor is an approximate curvature an insurance: at a rate of 0.3 the scaled steps can go astray as well.
#
# Now the weights that the scaled steps have found, trained further, are removed in four orders. How much does the loss
# grow?

# %%
trained, losses = descend(800, 0.1, mu=0.1)
approximate = autodiff.becker_lecun(training_loss, arguments)(*trained).diagonal
exact = autodiff.hessian_diagonal(training_loss, arguments)(*trained)
matrices = (0, 2, 4)


def pruned(scores, share):
    """The trained weights without the share of them that has the lowest scores; biases stay."""
    order = np.sort(np.concatenate([np.ravel(score) for score in scores]))
    bar = order[round(share * len(order))]
    kept = list(trained)
    for k, score in zip(matrices, scores, strict=True):
        kept[k] = np.where(score < bar, 0.0, trained[k])
    return kept


rng = np.random.default_rng(5)
orders = {
    "by chance": [rng.random(trained[k].shape) for k in matrices],
    "smallest |w|": [np.abs(trained[k]) for k in matrices],
    "smallest |d| w², d approximate": [np.abs(approximate[k]) * trained[k] ** 2 for k in matrices],
    "smallest |d| w², d exact": [np.abs(exact[k]) * trained[k] ** 2 for k in matrices],
}
shares = np.array([0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6])
grown = {}
for name, scores in orders.items():
    grown[name] = [float(training_loss(*pruned(scores, share))) for share in shares]
figure, axis = plt.subplots(figsize=(6.5, 3.6))
for (name, values), style in zip(grown.items(), ("^:", "s--", "o-", "x-."), strict=True):
    axis.semilogy(100 * shares, values, style, label=name)
axis.set(xlabel="weights removed (%)", ylabel="loss")
axis.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0))
picture(
    figure,
    "The loss against the share of weights removed, in four orders. The two curves by saliency, "
    "with the approximate and with the exact diagonal, nearly coincide and stay low longest; by "
    "size of the weights it grows much sooner, and by chance at once.",
)

# %%
figures = autodiff.compare(approximate, exact)
print(f"relative error of the approximate diagonal: {figures['relative L1']:.3f}")
print(f"correlation of its ranks with the exact ones: {figures['Spearman']:.3f}")
at_fifth = {name: values[list(shares).index(0.2)] for name, values in grown.items()}
print("loss with a fifth of the weights removed:")
for name, value in at_fifth.items():
    print(f"{name:>31}: {value:.4f}")
lower = at_fifth["smallest |d| w², d approximate"] < at_fifth["smallest |w|"]
reveal("hessian.guess_pruning", "approximate" if lower else "magnitude")

# %% [markdown]
# ### Exercise `hessian.good_enough` (4 points, in words)
#
# A colleague reads that the approximate diagonal "can be off by half" and wants to forget it. Use the plots of this
# sheet to answer, in five to eight sentences: what is it that is dropped, and where? Why does it matter little for
# removing weights here? Why does it matter little for steps? And when would you advise against it?

# %% [markdown] prose="hessian.good_enough"
# ### BEGIN SOLUTION
# What is dropped are the mixed derivatives $w_{kj} w_{k'j}\, \partial^2 L / \partial a_k \partial a_{k'}$ of different
# units of a layer; they are missing in every layer below one whose Hessian is not diagonal, so nothing is missing in
# the output layer, and with half the squared error in the last hidden one neither. To remove weights, only their order
# counts. Saliencies span orders of magnitude, an error of some per cent or even of a half exchanges neighbours only,
# and in the plot the orders by the approximate and by the exact diagonal give nearly the same curve, while the order by
# size alone ignores that inputs have different sizes. In steps the curvature is made positive, a constant is added and
# an average taken: nobody relies on its digits, it has to tell the steep weights from the flat ones. I would advise
# against it where the number itself counts (a second derivative to report, an error bar), for deep networks and for the
# cross-entropy with few classes unless the error was measured, where weights are used several times, so that terms are
# dropped that may be as large as those that are kept, and where the loss bends most in directions that are not those of
# single weights, which no diagonal can see, not even the exact one.
# ### END SOLUTION

# %% [markdown]
# ## What to take along
#
# - A weight acts through one pre-activation: its second derivative is that of the pre-activation, times its input
#   squared. In a batch, products are summed; sums are not multiplied.
# - Going down a layer, curvature comes from above through $h'^2$, and $h''$ makes new curvature out of the gradient.
# - Exactly, this needs the whole matrix of the layer above. With its diagonal alone it is formula (2): about as cheap
#   as a gradient, exact only as long as nothing is beside the diagonal. Test it on two hidden layers.
# - Gauss-Newton drops what activations bend, and is never negative. Hutchinson is right on average, and slow to get
#   there.
# - Whether an approximation is good enough is a question about its use: ranking and scaling forgive what reporting does
#   not.

# %%
progress()
