# %% [markdown]
# # Sheet 6: forward and reverse mode
#
# There are several ways to a derivative, and all but one of them are rarely used for training a network. On this sheet
# you find out why, by counting: evaluations, passes, multiplications, numbers held in memory. Then you build a small
# machine of your own that differentiates in both directions. Plan 140 minutes. The four exercises with a star (section
# 6, and one in section 8) are for those who want to go further; they take 30 minutes more.
#
# **After this sheet you can**
#
# 1. say what a difference quotient costs, how wrong it is, and choose its step; and take a derivative with a complex
#    step (`modes.guess_error`, `modes.evaluations`, `modes.best_step`, `modes.complex_step`);
# 2. walk one list in both directions, and check one walk by the other (`modes.table`, `modes.bug`);
# 3. count what the two orders of multiplication cost, and say when "reverse is cheaper" is not true
#    (`modes.brackets`, `modes.structured`, `modes.guess_crossover`, `modes.cheaper`);
# 4. say what each mode holds in memory, and see through a printed claim (`modes.memory`, `modes.memory_in_print`);
# 5. ★ find orders that are cheaper than either mode (`modes.chain_order`, `modes.elimination`, `modes.colours`);
# 6. read what a framework has recorded, and when (`modes.recorded`, `modes.in_print`, `modes.in_print_mended`,
#    `modes.leaves`, `modes.accumulated`);
# 7. write the rule of a new operation for both modes, a reverse walk over a given list (★ and over any list), and a
#    layer made of them (`modes.rule_jvp`, `modes.rule_vjp`, `modes.walk`, `modes.any_list`, `modes.layer`).
#
# **Conventions.** A gradient has the shape of its variable. A Jacobian $J$ has one row per output and one column per
# input; matrices are flattened row by row. *Forward mode* computes $J u$ for a direction $u$, *reverse mode* $J^T w$
# for weights $w$ of the outputs.

# %% setup=true
import numpy as np
from matplotlib import pyplot as plt

import autodiff
from autodiff import Cost, counted, crossover, eliminate, scalar_graph
from autodiff import show as shown
from grading.notebook import check, compare, hint, open_sheet, picture, practice, predict, progress, reveal, show

open_sheet("06_forward_and_reverse")

# %% [markdown]
# ## 1. Measuring instead of deriving
#
# The derivative of $f:\mathbb R^n\to\mathbb R$ in $x_i$ is nearly a **difference quotient**, one-sided or central:
#
# $$ \frac{\partial f}{\partial x_i} \approx \frac{f(x + \varepsilon e_i) - f(x)}{\varepsilon}, \qquad
# \frac{\partial f}{\partial x_i} \approx \frac{f(x + \varepsilon e_i) - f(x - \varepsilon e_i)}{2 \varepsilon}. $$
#
# **Example.** $f(x) = e^{\sin 3x}$ at $x = 0.8$, where the rule gives $3 \cos(3x)\, e^{\sin 3x}$:


# %%
def bumpy(x):
    return np.exp(np.sin(3 * x))


point = 0.8
exact = 3 * np.cos(3 * point) * bumpy(point)
for step in (1e-2, 1e-3, 1e-4):
    one_sided = (bumpy(point + step) - bumpy(point)) / step
    central = (bumpy(point + step) - bumpy(point - step)) / (2 * step)
    errors = abs(one_sided - exact), abs(central - exact)
    print(f"step {step:g}: one-sided off by {errors[0]:.2g}, central off by {errors[1]:.2g}")

# %% [markdown]
# With a tenth of the step, the one-sided error is a tenth, and the central one a hundredth.
#
# ### Prediction `modes.guess_error` (1 point, for making it)
#
# Now the step gets smaller and smaller, down to $10^{-16}$. What does the error of the one-sided quotient do?
#
# - **a**: The smaller the step, the smaller the error, all the way down.
# - **b**: The error falls at first, and rises again when the step gets very small.
# - **c**: From some step on, the error stays as it is.

# %% answer="modes.guess_error"
guess_error = None
### BEGIN SOLUTION
guess_error = "b"
### END SOLUTION

# %% check="modes.guess_error"
predict("modes.guess_error", guess_error)

# %% [markdown]
# Run it. At a single point luck plays a part, so that the picture shows the median of the errors at 101 points. Its
# third line is the complex step, which comes next. (An error of 0 is drawn at $10^{-17}$.)

# %%
steps = 10.0 ** np.arange(-16, 0)
points = np.linspace(0.5, 1.1, 101)
slopes = 3 * np.cos(3 * points) * bumpy(points)
ways = {
    "one-sided": lambda x, h: (bumpy(x + h) - bumpy(x)) / h,
    "central": lambda x, h: (bumpy(x + h) - bumpy(x - h)) / (2 * h),
    "complex step": lambda x, h: np.imag(bumpy(x + 1j * h)) / h,
}
figure, axes = plt.subplots(figsize=(6.4, 3.6))
for (name, quotient), marker in zip(ways.items(), "osx", strict=True):
    errors = [max(np.median(abs(quotient(points, h) - slopes)), 1e-17) for h in steps]
    axes.plot(np.log10(steps), np.round(np.log10(errors), 1), marker=marker, markersize=4, label=name)
axes.set_xlabel("step, as a power of ten")
axes.set_ylabel("error, as a power of ten")
axes.legend()
picture(
    figure,
    alt="Error against step, both as powers of ten. One-sided: a V with its lowest point at a step of "
    "-8. Central: a V, lowest at -6 and deeper. Complex step: falls as steeply as the central one, "
    "and stays at the last digits for all smaller steps.",
)

# %%
reveal("modes.guess_error")

# %% [markdown]
# Two errors add up. The quotient leaves out the bend of $f$: about $\tfrac12 M\varepsilon$, if $|f''| \approx M$. And
# both values of $f$ are rounded, each by up to $uF$ with $u = 2^{-53}$ and $|f| \approx F$; divided by
# $\varepsilon$ that is $2uF/\varepsilon$. The first grows with the step, the second shrinks: hence the V.
#
# **Example.** For the function above, $F = e^{\sin 3x}$ and $f'' = 9\,(\cos^2 3x - \sin 3x)\,e^{\sin 3x}$:

# %%
F, M = bumpy(point), abs(9 * (np.cos(3 * point) ** 2 - np.sin(3 * point)) * bumpy(point))
for step in (1e-6, 1e-8, 1e-10):
    print(f"step {step:g}: bend {M * step / 2:.1g}, rounding {2 * 2.0**-53 * F / step:.1g}")

# %% [markdown]
# At the step $10^{-8}$ the two parts are of about the same size, and their sum is near its smallest: where the picture
# has its lowest point.
#
# ### Exercise `modes.best_step` (2 points)
#
# If you are stuck, there is a ladder of hints for each exercise; the first rung says where to look.

# %%
hint("modes.best_step", 1)

# %% show="modes.best_step"
task = show("modes.best_step")
task

# %% answer="modes.best_step"
best_step = None
### BEGIN SOLUTION
F, M = task.given["F"], task.given["M"]
# d/dε (M ε / 2 + 2 u F / ε) = M / 2 - 2 u F / ε² = 0
best_step = round(float(np.log10(2 * np.sqrt(2.0**-53 * F / M))), 2)
### END SOLUTION

# %% check="modes.best_step"
check("modes.best_step", best_step)

# %% attempt="modes.best_step" expect="right"
F, M = task.given.values()
best_step = 0.5 * np.log10(4 * F / M) - 26.5 * np.log10(2)

# %% attempt="modes.best_step" expect="wrong" cause="a known mistake"
F, M = task.given.values()
best_step = np.log10(np.sqrt(2.0**-53 * F / M))

# %% attempt="modes.best_step" expect="wrong" cause="a known mistake"
F, M = task.given.values()
best_step = np.log(2 * np.sqrt(2.0**-53 * F / M))

# %% attempt="modes.best_step" expect="wrong" cause="sign"
F, M = task.given.values()
best_step = -np.log10(2 * np.sqrt(2.0**-53 * F / M))

# %% [markdown]
# ### Exercise `modes.evaluations` (1 point)

# %% show="modes.evaluations"
task = show("modes.evaluations")
task

# %% answer="modes.evaluations"
evaluations = None
### BEGIN SOLUTION
h, d = task.given["h"], task.given["d"]
evaluations = h * d + h + 1
### END SOLUTION

# %% check="modes.evaluations"
check("modes.evaluations", evaluations)

# %% attempt="modes.evaluations" expect="right"
h, d = task.given.values()
evaluations = float(np.zeros((h, d + 1)).size + 1)

# %% attempt="modes.evaluations" expect="wrong" cause="a known mistake"
h, d = task.given.values()
evaluations = h * d + h

# %% attempt="modes.evaluations" expect="wrong" cause="a known mistake"
h, d = task.given.values()
evaluations = 2 * (h * d + h)

# %% attempt="modes.evaluations" expect="wrong" cause="a known mistake"
h, d = task.given.values()
evaluations = h * d + 1

# %% [markdown]
# So a network with a million weights is evaluated a million times for *one* step of training. What differences are good
# for is testing: they know nothing of rules, so they do not repeat a mistake in one. That is why `check` asks them,
# too.
#
# **The complex step.** If $f$ can be computed with complex numbers, move $x$ by an *imaginary* step:
#
# $$ f(x + i h) = f(x) + i h f'(x) - \tfrac12 h^2 f''(x) - \dots, \qquad \frac{\operatorname{Im} f(x + i h)}{h} = f'(x)
# + O(h^2). $$
#
# Nothing is subtracted, so nothing cancels: $h = 10^{-20}$ gives all digits, as the picture shows. It still takes one
# evaluation per direction, and each of them computes with complex numbers.

# %%
tiny = 1e-20
by_complex_step = np.imag(bumpy(point + 1j * tiny)) / tiny
print(f"exact {exact:.6g}, by complex step {by_complex_step:.6g}")

# %% [markdown]
# ### Exercise `modes.complex_step` (2 points)
#
# For the map `wave` below, return $J\,dx$, the derivative in $x$ along $dx$, by **one** evaluation of `wave` at a
# complex point. (`imaginary` is $10^{-20}\,i$; `imaginary.imag` is $10^{-20}$.)

# %%
imaginary = 1e-20j


def wave(A, x):
    return np.sin(A @ x) * np.exp(A @ x / 3)


# %% answer="modes.complex_step"
def complex_step(A, x, dx):
    ### BEGIN SOLUTION
    return np.imag(wave(A, x + imaginary * dx)) / imaginary.imag
    ### END SOLUTION


# %% check="modes.complex_step"
check("modes.complex_step", complex_step)


# %% attempt="modes.complex_step" expect="right"
def complex_step(A, x, dx):
    a = A @ x
    return (np.cos(a) + np.sin(a) / 3) * np.exp(a / 3) * (A @ dx)


# %% attempt="modes.complex_step" expect="wrong" cause="a finite difference"
def complex_step(A, x, dx):
    return (wave(A, x + 1e-7 * dx) - wave(A, x)) / 1e-7


# %% attempt="modes.complex_step" expect="wrong" cause="the value instead of its derivative"
def complex_step(A, x, dx):
    return np.real(wave(A, x + imaginary * dx))


# %% attempt="modes.complex_step" expect="wrong" cause="sign"
def complex_step(A, x, dx):
    return np.imag(wave(A, x - imaginary * dx)) / imaginary.imag


# %% attempt="modes.complex_step" expect="wrong" cause="constant factor"
def complex_step(A, x, dx):
    return np.imag(wave(A, x + imaginary * dx))


# %% [markdown]
# **By hand.** One can also write the gradient down and type it in. Here are the partial derivatives of
# $p(x, y) = 6e^{-y}/(1 + x^2 + y^2) + 2x^3$, first each by itself, then with what they have in common computed once:


# %%
def p(x, y):
    return 6 * np.exp(-y) / (1 + x**2 + y**2) + 2 * x**3


def separately(x, y):
    px = 6 * x**2 - 12 * x * np.exp(-y) / (1 + x**2 + y**2) ** 2
    py = -12 * y * np.exp(-y) / (1 + x**2 + y**2) ** 2 - 6 * np.exp(-y) / (1 + x**2 + y**2)
    return px, py


def shared(x, y):
    s = 1 + x**2 + y**2
    t = 6 * np.exp(-y) / s
    q = 2 * t / s
    return 6 * x**2 - x * q, -y * q - t


for gradient_of_p in (separately, shared):
    (px, py), counts = counted(gradient_of_p, 1.5, -0.7)
    print(f"{gradient_of_p.__name__:10}: {counts.primal} operations, {px:.6g} {py:.6g}")


# %% [markdown]
# The same numbers, for half the work. And here is the first again with a slip in it, one sign, as it happens. A central
# difference does not know the formula, and tells:


# %%
def with_a_slip(x, y):
    return 6 * x**2 + 12 * x * np.exp(-y) / (1 + x**2 + y**2) ** 2


step = 1e-5
measured = (p(1.5 + step, -0.7) - p(1.5 - step, -0.7)) / (2 * step)
by_formula, slipped = separately(1.5, -0.7)[0], with_a_slip(1.5, -0.7)
print(f"by formula {by_formula:.6g}, with a slip {slipped:.6g}, measured {measured:.6g}")

# %% [markdown]
# Formulas by hand invite slips, and they hide that most of their parts occur several times. Keeping such parts under a
# name of their own is what a list of steps is. Whoever does it systematically has invented automatic differentiation.
#
# ## 2. Two ways through one list
#
# A function runs as a list of small steps. **Forward mode** starts at the top with a direction $u$ and carries a
# tangent $\dot v$ (how does this row move?) *down* the list. **Reverse mode** starts at the bottom with weights $w$ for
# the outputs, and carries an adjoint $\bar v$ (how do the outputs depend on this row?) *up* the list. Evaluating takes
# one pass, however many inputs and outputs there are. A tangent pass gives $Ju$, so all of $J$ takes **one forward pass
# per input** (each gives a column), or **one reverse pass per output** (each gives a row).
#
# **Example.** $g(x_1, x_2) = (x_1 x_2 + e^{x_1},\; x_1 x_2^2)$ at $(1.5, -0.5)$, along $u = (1, 2)$:


# %%
def g(x1, x2):
    a = x1 * x2
    return a + np.exp(x1), a * x2


shown.table(g, 1.5, -0.5, tangent=(1.0, 2.0))

# %%
shown.graph(g, 1.5, -0.5, values=True)

# %% [markdown]
# The two modes compute with the same Jacobian, so they can be held against each other. For any $u$ and $w$
#
# $$ \langle w, J u \rangle = \langle J^T w, u \rangle. $$
#
# On the left, one forward pass; on the right, one reverse pass. This **dot test** needs no Jacobian and no difference
# quotient, and holds to the last digits. It also says that a reverse pass is *linear* in $w$, as a forward pass is in
# $u$. In the table: the tangents of the two outputs, and the adjoints of the two inputs.

# %%
u, w = np.array([1.0, 2.0]), np.array([0.3, -1.1])
_, forward = autodiff.jvp(lambda x: np.stack(g(x[0], x[1])), (np.array([1.5, -0.5]),), (u,))
_, pullback = autodiff.vjp(lambda x: np.stack(g(x[0], x[1])), np.array([1.5, -0.5]))
print(f"<w, J u> = {w @ forward:.6g}   <Jᵀ w, u> = {pullback(w)[0] @ u:.6g}")

# %% [markdown]
# ### Exercise `modes.table` (6 points)
#
# With pencil and calculator (or Python). The six rows compute $v_5 = \sin(x_1x_2)\,(x_1x_2 + x_1)$.

# %% show="modes.table"
task = show("modes.table")
task

# %% [markdown]
# Hand in a dict: for each row a pair of tangent and adjoint, by these names.

# %% answer="modes.table"
table = {
    "v0": {"tangent": None, "adjoint": None},
    "v1": {"tangent": None, "adjoint": None},
    "v2": {"tangent": None, "adjoint": None},
    "v3": {"tangent": None, "adjoint": None},
    "v4": {"tangent": None, "adjoint": None},
    "v5": {"tangent": None, "adjoint": None},
}
### BEGIN SOLUTION
v0, v1 = task.given["x1"], task.given["x2"]
v2 = v0 * v1
v3, v4 = np.sin(v2), v2 + v0
t0, t1 = task.given["u1"], task.given["u2"]
t2 = t0 * v1 + v0 * t1
t3, t4 = np.cos(v2) * t2, t2 + t0
t5 = t3 * v4 + v3 * t4
a5 = 1.0
a4, a3 = a5 * v3, a5 * v4
a2 = a4 + np.cos(v2) * a3
a1 = a2 * v0
a0 = a4 + a2 * v1
tangents, adjoints = (t0, t1, t2, t3, t4, t5), (a0, a1, a2, a3, a4, a5)
table = {
    f"v{row}": {"tangent": round(float(tangents[row]), 3), "adjoint": round(float(adjoints[row]), 3)}
    for row in range(6)
}
### END SOLUTION

# %% check="modes.table"
check("modes.table", table)

# %% attempt="modes.table" expect="right"
v0, v1 = task.given["x1"], task.given["x2"]
c, s, t0, t1 = np.cos(v0 * v1), np.sin(v0 * v1), task.given["u1"], task.given["u2"]
t2, v4, a2 = t0 * v1 + v0 * t1, v0 * v1 + v0, s + c * (v0 * v1 + v0)
table = [
    [t0, s + a2 * v1],
    [t1, a2 * v0],
    [t2, a2],
    [c * t2, v4],
    [t2 + t0, s],
    [c * t2 * v4 + s * (t2 + t0), 1],
]

# %% attempt="modes.table" expect="wrong" mark=5.5 cause="a path or term dropped"
v0, v1 = task.given["x1"], task.given["x2"]
c, s, t0, t1 = np.cos(v0 * v1), np.sin(v0 * v1), task.given["u1"], task.given["u2"]
t2, v4, a2 = t0 * v1 + v0 * t1, v0 * v1 + v0, s + c * (v0 * v1 + v0)
rows = [[t0, a2 * v1], [t1, a2 * v0], [t2, a2], [c * t2, v4], [t2 + t0, s], [c * t2 * v4 + s * (t2 + t0), 1]]
table = np.round(np.array(rows, float), 3)

# %% attempt="modes.table" expect="wrong" mark=5.5 cause="sign"
v0, v1 = task.given["x1"], task.given["x2"]
c, s, t0, t1 = np.cos(v0 * v1), np.sin(v0 * v1), task.given["u1"], task.given["u2"]
t2, v4, a2 = t0 * v1 + v0 * t1, v0 * v1 + v0, s + c * (v0 * v1 + v0)
rows = [[t0, s + a2 * v1], [t1, a2 * v0], [t2, a2], [-c * t2, v4], [t2 + t0, s], [-c * t2 * v4 + s * (t2 + t0), 1]]
table = np.round(np.array(rows, float), 3)

# %% attempt="modes.table" expect="wrong" mark=5.5 cause="product rule misapplied"
v0, v1 = task.given["x1"], task.given["x2"]
c, s, t0, t1 = np.cos(v0 * v1), np.sin(v0 * v1), task.given["u1"], task.given["u2"]
t2, v4, a2 = t0 * v1 + v0 * t1, v0 * v1 + v0, s + c * (v0 * v1 + v0)
rows = [[t0, s + a2 * v1], [t1, a2 * v0], [t2, a2], [c * t2, v4], [t2 + t0, s], [c * t2 * v4, 1]]
table = np.round(np.array(rows, float), 3)

# %% [markdown]
# Do the dot test on your own numbers: the tangent of $v_5$ must be $\bar v_0 u_1 + \bar v_1 u_2$, but for rounding.
#
# ### Exercise `modes.bug` (4 points)

# %% show="modes.bug"
show("modes.bug")


# %% answer="modes.bug"
line = None


def gradient(w, x):
    z = np.tanh(x)
    kept = z
    z = w * z
    z_bar = np.cos(z)
    w_bar = z_bar * kept
    z_bar = z_bar * w
    x_bar = z_bar * (1 - z**2)
    return w_bar, x_bar


### BEGIN SOLUTION
line = 8


def gradient(w, x):
    z = np.tanh(x)
    kept = z
    z = w * z
    z_bar = np.cos(z)
    w_bar = z_bar * kept
    z_bar = z_bar * w
    x_bar = z_bar * (1 - kept**2)
    return w_bar, x_bar


### END SOLUTION

# %% check="modes.bug"
check("modes.bug", gradient, line=line)

# %% attempt="modes.bug" expect="right"
line = "8"


def gradient(w, x):
    z = np.tanh(x)
    return np.cos(w * z) * z, np.cos(w * z) * w / np.cosh(x) ** 2


# %% attempt="modes.bug" expect="wrong" because="This line does its work: the old z is still there as kept."
line = 4


def gradient(w, x):
    z = np.tanh(x)
    return np.cos(w * z), np.cos(w * z) * w


# %% attempt="modes.bug" expect="wrong" mark=2 because="The adjoint of z = w tanh(x) is the cosine there: right."
line = 5


def gradient(w, x):
    z = np.tanh(x)
    return np.cos(w * z) * z, np.cos(w * z) * w * (1 - z**2)


# %% attempt="modes.bug" expect="wrong" because="The adjoint of w takes the other factor, tanh(x), and so it does."
line = 6


def gradient(w, x):
    z = np.tanh(x)
    z = w * z
    z_bar = np.cos(z)
    w_bar = z_bar * z
    z_bar = z_bar * w
    x_bar = z_bar * (1 - z**2)
    return w_bar, x_bar


# %% [markdown]
# Reverse mode needs values of the way there, on the way back: a value that is written over is lost. Forward mode has
# them at hand just when it needs them.

# %% [markdown]
# ## 3. Two ways to set the brackets
#
# A network with one hidden layer computes $v = Wx + b$, $z = \sigma(v)$, $y = c^T z$. The gradient in $W$, written as
# one row with the entries of $W$ row by row, is a product of three Jacobians, and can be multiplied out in two orders:
#
# $$ \frac{\partial y}{\partial W} = A\,B\,C, \qquad A = \frac{\partial y}{\partial z}, \quad B = \frac{\partial
# z}{\partial v}, \quad C = \frac{\partial v}{\partial W}. $$
#
# $(A\,B)\,C$ begins at the output: that is **reverse** mode. $A\,(B\,C)$ begins at the input: **forward** mode, with
# the tangents of all entries of $W$ at once. Products of matrices are associative, so both give the same. They need not
# cost the same: a product of shapes $(m, k)$ and $(k, n)$ takes $m k n$ multiplications.
#
# **Example** with 2 hidden units and 3 inputs. $W$ has to be flattened here: without that, $C$ would have three axes.

# %%
W = np.array([[0.5, -1.0, 2.0], [1.5, 0.0, -0.5]])
x, c = np.array([0.3, -0.8, 0.4]), np.array([2.0, -3.0])
slope = 1 - np.tanh(W @ x) ** 2
A, B, C = c[None, :], np.diag(slope), np.kron(np.eye(2), x)
print("shapes:", A.shape, B.shape, C.shape)
print(np.round(C, 3) + 0.0)
for name, row in {"(A B) C": (A @ B) @ C, "A (B C)": A @ (B @ C)}.items():
    print(name, np.round(row, 4), row.shape)
print("by autodiff:", np.round(autodiff.grad(lambda W: c @ np.tanh(W @ x))(W), 4).tolist())
print("(A B) C takes", 1 * 2 * 2 + 1 * 2 * 6, "multiplications, A (B C) takes", 2 * 2 * 6 + 1 * 2 * 6)

# %% [markdown]
# The row has six entries; `reshape(2, 3)`, row by row again, makes the gradient of it.
#
# ### Exercise `modes.brackets` (2 points)

# %% show="modes.brackets"
task = show("modes.brackets")
task

# %% answer="modes.brackets"
brackets = None
### BEGIN SOLUTION
h, d = task.given["h"], task.given["d"]
brackets = h * h * (h * d) + h * (h * d) - (h * h + h * (h * d))
### END SOLUTION

# %% check="modes.brackets"
check("modes.brackets", brackets)

# %% attempt="modes.brackets" expect="right"
h, d = task.given.values()
brackets = float(h**2 * (h * d - 1))

# %% attempt="modes.brackets" expect="wrong" cause="a known mistake"
h, d = task.given.values()
brackets = h * h * h * d + h * h * d

# %% attempt="modes.brackets" expect="wrong" cause="a known mistake"
h, d = task.given.values()
brackets = h * h + h * h * d

# %% attempt="modes.brackets" expect="wrong" cause="sign"
h, d = task.given.values()
brackets = h * h + h * h * d - (h * h * h * d + h * h * d)

# %% attempt="modes.brackets" expect="wrong" cause="a known mistake"
h, d = task.given.values()
brackets = h * h * h * d + h * h * d - h * h - h * d

# %% [markdown]
# Begun at the input, the first step multiplies a matrix by a matrix; begun at the output, every step multiplies a row
# by a matrix: about $h$ times less work. That is why people *usually* take reverse mode for a gradient. But nobody
# multiplies by zeros that are known:
#
# ### Exercise `modes.structured` (2 points)

# %% show="modes.structured"
task = show("modes.structured")
task

# %% answer="modes.structured"
structured = None
### BEGIN SOLUTION
h, d = task.given["h"], task.given["d"]
structured = h + h * d  # A times the diagonal, entry by entry; then every entry of A B times every entry of x
### END SOLUTION

# %% check="modes.structured"
check("modes.structured", structured)

# %% attempt="modes.structured" expect="right"
h, d = task.given.values()
structured = float(np.outer(np.ones(h), np.ones(d + 1)).sum())

# %% attempt="modes.structured" expect="wrong" cause="a known mistake"
h, d = task.given.values()
structured = h * h + h * h * d

# %% attempt="modes.structured" expect="wrong" cause="a known mistake"
h, d = task.given.values()
structured = h * d

# %% attempt="modes.structured" expect="wrong" cause="a known mistake"
h, d = task.given.values()
structured = h * h + h * d

# %% [markdown]
# In the other order, $B\,C$ has as many entries that are not zero as $C$ has: $hd$ multiplications, and as many again
# for the row. So with the structure used, forward takes about *twice* as many, not $h$ times. "Usually cheaper" is a
# statement about shapes, about the number of inputs and of outputs, and about what one knows of zeros. It is no law.
#
# ## 4. Passes, and where the modes change places
#
# For a map from $n$ to $m$ numbers, forward mode takes $n$ passes for $J$, reverse mode $m$. What is computed once
# (the evaluation, the partial derivatives) is the same for both. `Cost` counts it all on the recorded list:

# %%
cost = Cost(g, 1.5, -0.5)
print("                    primal  partial  propagate  passes")
for mode in ("forward", "reverse"):
    counts = cost.jacobian(mode)
    passes = counts.forward_passes + counts.reverse_passes
    print(f"Jacobian, {mode}:  {counts.primal:6}  {counts.partial:7}  {counts.propagate:9}  {passes:6}")
print("edges:", cost.edges)

# %% [markdown]
# `primal` are the operations of the evaluation, `partial` derivatives of single steps, `propagate` multiply-adds that
# push tangents or adjoints through the edges of the graph: the number of edges times the number of passes. (Several
# tangents may be carried down the list together, side by side; each of them counts as a pass.)
#
# ### Prediction `modes.guess_crossover` (1 point, for making it)
#
# A network $y = B \tanh(A x)$ with 32 hidden units has 24 outputs. Its number of inputs $n$ grows from 1 to 48. For
# small $n$, forward mode is cheaper for the whole Jacobian, for large $n$ reverse mode. At which $n$ do both cost the
# same?

# %% answer="modes.guess_crossover"
guess_crossover = None
### BEGIN SOLUTION
guess_crossover = 24
### END SOLUTION

# %% check="modes.guess_crossover"
predict("modes.guess_crossover", guess_crossover)


# %%
def network(n, m):
    A, B = np.ones((32, n)), np.ones((m, 32))
    return lambda x: B @ np.tanh(A @ x), np.ones(n)


rows = crossover(network, [(n, 24) for n in range(1, 49)])
figure, axes = plt.subplots(figsize=(6.4, 3.6))
inputs = [row[0] for row in rows]
axes.plot(inputs, [row[2] / 1000 for row in rows], label="forward")
axes.plot(inputs, [row[3] / 1000 for row in rows], linestyle="--", label="reverse")
axes.set_xlabel("number of inputs (24 outputs)")
axes.set_ylabel("thousand operations")
axes.legend()
picture(
    figure,
    alt="Operations for the whole Jacobian against the number of inputs, from 1 to 48. Forward mode "
    "rises steeply, reverse mode slowly; forward begins far below reverse, and the lines cross in "
    "the middle.",
)

# %%
reveal("modes.guess_crossover")

# %% [markdown]
# ### Exercise `modes.cheaper` (2 points)
#
# For which of these does **forward** mode take fewer passes than reverse mode? Hand in a set of letters, such as
# `{"a", "d"}`. Each right one counts, each wrong one counts against it.
#
# - **a**: the gradient of one loss in 60,000 weights
# - **b**: how each of 300 outputs changes with one temperature
# - **c**: $Jv$ for one direction $v$, of a map from 500 numbers to 500
# - **d**: the whole Jacobian of a map from 40 numbers to 3
# - **e**: one row of the Jacobian of a map from 500 numbers to 500

# %% answer="modes.cheaper"
cheaper = None
### BEGIN SOLUTION
cheaper = {"b", "c"}  # one tangent each; a and e take one adjoint, d three
### END SOLUTION

# %% check="modes.cheaper"
check("modes.cheaper", cheaper)

# %% attempt="modes.cheaper" expect="right"
cheaper = "c, b"

# %% attempt="modes.cheaper" expect="wrong" because="One output, many inputs: one pass back."
cheaper = {"a"}

# %% attempt="modes.cheaper" expect="wrong" mark=1 because="b is right, but not alone."
cheaper = {"b"}

# %% attempt="modes.cheaper" expect="wrong" because="A row is one adjoint; a column would be one tangent."
cheaper = {"d", "e"}

# %% [markdown]
# ## 5. What each mode holds in memory
#
# Count a number as held from the step that computes it to its last use; the argument belongs to the caller and does not
# count. A chain of steps $x \to \tanh x \to \tanh\tanh x \to \dots$ on $w$ numbers then holds:
#
# - evaluated alone: what a step reads and what it writes, $2w$;
# - in **forward mode with one tangent**: the same with a tangent beside each, $4w$, however long the chain is;
# - in **reverse mode**: all values of the list, since the way back needs them, and beside them two adjoints: the one
#   that a step reads and the one that it writes.
#
# **Example.** 8 numbers, and chains of 3, 6, 12 and 24 steps:


# %%
def chain(length):
    def f(x):
        for _ in range(length):
            x = np.tanh(x)
        return x

    return f


print("steps  evaluation  forward, one tangent  reverse, one adjoint")
for length in (3, 6, 12, 24):
    cost = Cost(chain(length), np.ones(8))
    held = [part.peak_live_floats for part in (cost.evaluation, cost.jvp, cost.vjp)]
    print(f"{length:5}  {held[0]:10}  {held[1]:20}  {held[2]:20}")

# %% [markdown]
# ### Exercise `modes.memory` (2 points)

# %% show="modes.memory"
task = show("modes.memory")
task

# %% answer="modes.memory"
memory = None
### BEGIN SOLUTION
memory = (task.given["d"] + 2) * task.given["w"]
### END SOLUTION

# %% check="modes.memory"
check("modes.memory", memory)

# %% attempt="modes.memory" expect="right"
memory = float(Cost(chain(task.given["d"]), np.ones(task.given["w"])).vjp.peak_live_floats)

# %% attempt="modes.memory" expect="wrong" cause="a known mistake"
memory = task.given["d"] * task.given["w"]

# %% attempt="modes.memory" expect="wrong" cause="a known mistake"
memory = 4 * task.given["w"]

# %% attempt="modes.memory" expect="wrong" cause="a known mistake"
memory = (task.given["d"] + 1) * task.given["w"]

# %% [markdown]
# Memory can be bought with work: keep only some of the states, and compute the others again when the way back needs
# them. With every $\sqrt d$-th state kept, a chain of $d$ steps takes about $2\sqrt d$ states and one more evaluation.

# %%
steps_of_chain = [np.tanh] * 255 + [np.sum]
whole = counted(autodiff.grad(lambda x: np.sum(chain(255)(x))), np.ones(8))[1]
thrifty = counted(lambda x: autodiff.checkpointed(steps_of_chain, x)[1], np.ones(8))[1]
for name, counts in {"all states kept": whole, "every 16th kept": thrifty}.items():
    print(f"{name}: {counts.peak_live_floats} numbers held, {counts.transcendental} times tanh")

# %% [markdown]
# ### Exercise `modes.memory_in_print` (4 points, in words)
#
# Somewhere in print, about the network of section 3, you can read two things about forward mode next to each other:
#
# > Forward mode takes a matrix–matrix product at every step, and so more time than reverse mode. In return it needs
# > less memory, since no result of the forward pass has to be kept.
#
# Each half is true of *some* way to do forward mode, but not of the same one. Say which way each half is about, and
# show with numbers for $h$ hidden units and $d$ inputs what is held in the way of the first half, compared with what
# reverse mode keeps. Then mend the statement.

# %% [markdown] prose="modes.memory_in_print"
# ### BEGIN SOLUTION
# The matrix product $B\,C$ comes from carrying the tangents of all $hd$ entries of $W$ at once. Then there is a matrix
# of $h$ rows and $hd$ columns, $h^2 d$ numbers; reverse mode keeps the $h$ activations. With $h = 7$, $d = 5$: 245
# numbers against 7. So this way takes *more* memory than reverse mode.
#
# The small memory belongs to carrying one tangent at a time: a tangent beside each value, nothing kept. That has no
# matrix–matrix product, only matrix–vector ones, but has to be done $hd$ times (35 in the example).
#
# Mended: *One tangent at a time, forward mode needs little memory and one pass per input; with all tangents at once it
# needs one pass with matrix–matrix products, and memory for a tangent of every value in every input. Either way it does
# about as many times the work of one pass as there are inputs.*
# ### END SOLUTION

# %% [markdown]
# ## 6. ★ Neither forward nor reverse
#
# The two modes are two orders of multiplication among many. For four matrices there are five ways to set the brackets.
# **Example:** shapes $(9, 2)$, $(2, 8)$, $(8, 3)$: $(A\,B)\,C$ takes $9\cdot2\cdot8 + 9\cdot8\cdot3 = 360$
# multiplications, $A\,(B\,C)$ takes $2\cdot8\cdot3 + 9\cdot2\cdot3 = 102$.
#
# ### ★ Exercise `modes.chain_order` (2 points)

# %% show="modes.chain_order"
task = show("modes.chain_order")
task

# %% answer="modes.chain_order"
chain_order = None
### BEGIN SOLUTION
a, b, c, d, e = task.given["sizes"]
chain_order = min(
    a * b * c + a * c * d + a * d * e,  # ((A B) C) D
    b * c * d + a * b * d + a * d * e,  # (A (B C)) D
    a * b * c + c * d * e + a * c * e,  # (A B) (C D)
    b * c * d + b * d * e + a * b * e,  # A ((B C) D)
    c * d * e + b * c * e + a * b * e,  # A (B (C D))
)
### END SOLUTION

# %% check="modes.chain_order"
check("modes.chain_order", chain_order)

# %% attempt="modes.chain_order" expect="right"
a, b, c, d, e = task.given["sizes"]
chain_order = [c * (a * b + d * e + a * e)]

# %% attempt="modes.chain_order" expect="wrong" cause="a known mistake"
a, b, c, d, e = task.given["sizes"]
chain_order = a * b * c + a * c * d + a * d * e

# %% attempt="modes.chain_order" expect="wrong" cause="a known mistake"
a, b, c, d, e = task.given["sizes"]
chain_order = c * d * e + b * c * e + a * b * e

# %% attempt="modes.chain_order" expect="wrong" cause="a known mistake"
a, b, c, d, e = task.given["sizes"]
chain_order = a * b * c + c * d * e

# %% [markdown]
# On a graph there are even more orders. Give every edge the derivative of the one vertex in the other. To **eliminate**
# a vertex between inputs and outputs, join each edge into it with each edge out of it: one multiplication for each
# pair. Edges that then lie between the same two vertices are added up to one. When only inputs and outputs are left,
# the edges are the Jacobian. From the inputs downwards, that is forward mode; from the outputs upwards, reverse mode.
#
# **Example.** Two inputs, two outputs, and a chain $a \to b \to c$ in between. Eliminate $b$ first: 1 in, 1 out, one
# multiplication, and $a \to c$ is left. Then $c$: 1 in, 2 out, two. Then $a$: 2 in, 2 out, four. Together seven.


# %%
def drawn(edges):
    pairs = [edge.split() for edge in edges.split(", ")]
    names = dict.fromkeys(name for pair in pairs for name in pair)
    arrows = [[source, target, 0] for source, target in pairs]
    return shown.Graph.from_data({"nodes": [{"id": name, "op": name} for name in names], "edges": arrows})


drawn("x1 a, x2 a, a b, b c, c y1, c y2")


# %%
def narrow(x1, x2):
    a = x1 * x2
    c = np.exp(np.sin(a))
    return 3 * c, c**2


graph = scalar_graph(narrow, 0.7, 1.2)
for order in ("forward", "reverse", "optimal"):
    jacobian, multiplications = eliminate(graph, order)
    print(f"{order:8} {multiplications} multiplications, Jacobian {np.round(jacobian, 4).tolist()}")

# %% [markdown]
# The same Jacobian each time. (To find the cheapest order of a large graph is hard; for four vertices in between one
# can try all 24.)
#
# ### ★ Exercise `modes.elimination` (3 points)
#
# With a pencil; `eliminate` can confirm it afterwards.

# %% show="modes.elimination"
task = show("modes.elimination")
task

# %%
drawn(task.given["edges"])

# %% answer="modes.elimination"
elimination = None
### BEGIN SOLUTION
pairs = [tuple(edge.split()) for edge in task.given["edges"].split(", ")]
own_graph = autodiff.ScalarGraph(("x1", "x2"), ("y1", "y2"), tuple((*pair, 1.0) for pair in pairs))
elimination = eliminate(own_graph, "optimal")[1]
### END SOLUTION

# %% check="modes.elimination"
check("modes.elimination", elimination)

# %% attempt="modes.elimination" expect="right"
pairs = [tuple(edge.split()) for edge in task.given["edges"].split(", ")]
elimination = eliminate(autodiff.ScalarGraph(("x1", "x2"), ("y1", "y2"), tuple((*p, 2.0) for p in pairs)))[1]

# %% attempt="modes.elimination" expect="wrong" cause="a known mistake"
pairs = [tuple(edge.split()) for edge in task.given["edges"].split(", ")]
own_graph = autodiff.ScalarGraph(("x1", "x2"), ("y1", "y2"), tuple((*p, 1.0) for p in pairs))
elimination = eliminate(own_graph, "forward")[1]

# %% attempt="modes.elimination" expect="wrong" cause="a known mistake"
pairs = [tuple(edge.split()) for edge in task.given["edges"].split(", ")]
own_graph = autodiff.ScalarGraph(("x1", "x2"), ("y1", "y2"), tuple((*p, 1.0) for p in pairs))
elimination = eliminate(own_graph, "reverse")[1]

# %% attempt="modes.elimination" expect="wrong" cause="a known mistake"
elimination = len(task.given["edges"].split(", "))

# %% [markdown]
# **Colours.** Jacobians of many outputs are often mostly zero. If two columns have no row in common, one forward pass
# can give both: seed both inputs with 1, and each row of the result belongs to one of them. So give columns that share
# a row different **colours**; one pass per colour is enough. **Example:** $y_i = x_i\,(x_{i+1} - x_{i+2})$. Columns 0,
# 1, 2 share row 0, columns 0 and 3 share none:


# %%
def three_in_a_row(x):
    return x[:-2] * (x[1:-1] - x[2:])


ramp = np.arange(1.0, 9.0)
pattern = scalar_graph(three_in_a_row, ramp).sparsity()
print(pattern.astype(int))
print("colours of the columns:", autodiff.colour(pattern))
print(
    "three passes give the whole:",
    np.all(autodiff.sparse_jacobian(three_in_a_row, ramp) == autodiff.jacobian(three_in_a_row)(ramp)),
)

# %% [markdown]
# ### ★ Exercise `modes.colours` (2 points)

# %% show="modes.colours"
task = show("modes.colours")
task

# %% answer="modes.colours"
colours = None
### BEGIN SOLUTION
# each distance from 1 to the largest offset is a difference of two offsets: that many columns in a row, and one, clash
colours = max(task.given["offsets"]) + 1
### END SOLUTION

# %% check="modes.colours"
check("modes.colours", colours)

# %% attempt="modes.colours" expect="right"
offsets, rows = task.given.values()
filled = np.zeros((rows, rows + max(offsets)))
for row in range(rows):
    filled[row, [row + offset for offset in offsets]] = 1
colours = autodiff.colour(filled).max() + 1

# %% attempt="modes.colours" expect="wrong" cause="a known mistake"
colours = len(task.given["offsets"])

# %% attempt="modes.colours" expect="wrong" cause="a known mistake"
colours = task.given["rows"] + max(task.given["offsets"])

# %% attempt="modes.colours" expect="wrong" cause="a known mistake"
colours = task.given["rows"]

# %% [markdown]
# ## 7. What a framework records, and when
#
# PyTorch, JAX and the like work with such lists, too. Here is a session with PyTorch 2.13, *as it was recorded*; you
# need not have PyTorch, and everything that is asked is about this record. (If you have it, run it in a notebook of
# your own.)
#
# ```python
# >>> x = torch.tensor(2.0, requires_grad=True)
# >>> k = torch.tensor(3.0)
# >>> ...                         # four operations make y of x and k
# >>> y.grad_fn                   # before any call of backward()
# <AddBackward0 object at 0x7fad5f507e80>
# >>> x.grad is None
# True
# >>> nodes = [y.grad_fn]         # all nodes behind y, each once, and numbered
# >>> for node in nodes:
# ...     for other, _ in node.next_functions:
# ...         if other is not None and other not in nodes:
# ...             nodes.append(other)
# >>> for node in nodes:          # printed as [number] name, of what its argument came from
# ...     print(...)
# [0] AddBackward0     of [1], [2]
# [1] MulBackward0     of [3], [4]
# [2] AccumulateGrad   of x
# [3] MulBackward0     of [2], nothing
# [4] SinBackward0     of [3]
# >>> y.backward()
# >>> x.grad
# tensor(17.4448)
# >>> y.backward()
# RuntimeError: Trying to backward through the graph a second time (or directly access saved
# tensors after they have already been freed). [...]
# ```
#
# A node `...Backward0` knows how to send an adjoint through one operation, and points at the nodes of what went into
# it. `nothing` stands where no gradient was asked for. `AccumulateGrad` is where the walk ends: it *adds* what arrives
# to the `.grad` of a tensor that was made by hand.
#
# **Example.** For `z = torch.exp(v) - v` the same loop prints
#
# ```text
# [0] SubBackward0     of [1], [2]
# [1] ExpBackward0     of [2]
# [2] AccumulateGrad   of v
# ```
#
# z is a difference. Its first argument is an exponential, and that is of v; its second argument is v itself. As a dict:
# `{"e": ("exp", "v"), "z": ("sub", "e", "v")}`.
#
# ### Exercise `modes.recorded` (4 points)
#
# Reconstruct the computation behind y. Draw its graph with the inputs `x` and `k` and the output `y`, one step per
# operation (`add`, `sub`, `mul`, `sin`, `exp`, ...), as a dict like that of the example.

# %% answer="modes.recorded"
recorded = None
### BEGIN SOLUTION
recorded = {
    "a": ("mul", "x", "k"),
    "s": ("sin", "a"),
    "c": ("mul", "a", "s"),
    "y": ("add", "c", "x"),
}
### END SOLUTION

# %% check="modes.recorded"
check("modes.recorded", recorded)


# %% attempt="modes.recorded" expect="right"
def recorded(x, k):
    product = x * k
    return product * np.sin(product) + x


# %% attempt="modes.recorded" expect="wrong" cause="argument" mark=0.5
recorded = {"a": ("mul", "x", "k"), "s": ("sin", "x"), "c": ("mul", "a", "s"), "y": ("add", "c", "x")}

# %% attempt="modes.recorded" expect="wrong" cause="copy" mark=2.5
recorded = {
    "a": ("mul", "x", "k"),
    "a2": ("mul", "x", "k"),
    "s": ("sin", "a2"),
    "c": ("mul", "a", "s"),
    "y": ("add", "c", "x"),
}

# %% attempt="modes.recorded" expect="wrong" cause="argument" mark=0.5
recorded = {"a": ("mul", "x", "k"), "s": ("sin", "a"), "c": ("mul", "a", "s"), "y": ("add", "c", "a")}

# %% [markdown]
# A test of your own: the derivative of your $y$ in $x$, at $x = 2$ and $k = 3$, must be what the record says that
# `x.grad` is.
#
# ### Exercise `modes.in_print` (1 point): find the error
#
# In a text on such a library stand these four sentences. One of them contradicts the record. Which? Hand in its number,
# such as `"4"`.
#
# 1. Every operation has to bring its own local derivative.
# 2. The graph has no cycles.
# 3. It is the call of `backward()` that makes the library construct this graph.
# 4. After that call, the gradients stand in `.grad` of the tensors that were made by hand and asked for one.

# %% answer="modes.in_print"
in_print = None
### BEGIN SOLUTION
in_print = "3"
### END SOLUTION

# %% check="modes.in_print"
check("modes.in_print", in_print)

# %% attempt="modes.in_print" expect="right"
in_print = 3

# %% attempt="modes.in_print" expect="wrong" because="Sentence 1 is true: an operation without a backward is refused."
in_print = "1"

# %% attempt="modes.in_print" expect="wrong" because="Sentence 2 is true: a line uses only what was there before it."
in_print = "2"

# %% attempt="modes.in_print" expect="wrong" because="Sentence 4 is true: x.grad was None, and is a number then."
in_print = "4"

# %% [markdown]
# ### Exercise `modes.in_print_mended` (2 points, in words)
#
# Write the sentence as it should be, and say which line of the record shows it.

# %% [markdown] prose="modes.in_print_mended"
# ### BEGIN SOLUTION
# *The graph is recorded while the operations run; `backward()` only walks it, from the end, and frees what was kept for
# the walk.* The record shows it: `y.grad_fn` is there, and so are the nodes behind it, before `backward()` is called
# for the first time, while `x.grad` is still `None`. The error of the second call shows the rest: what was saved is
# gone.
# ### END SOLUTION

# %% [markdown]
# ### Exercise `modes.leaves` (2 points)
#
# Now a network: `X` (data) and `y` (targets) are tensors as they come, `W1` and `W2` are made with
# `requires_grad=True`. Then `P = X @ W1`, `L = ((torch.relu(P) @ W2 - y) ** 2).mean()` and `L.backward()`. The same
# text says that the leaves of the recorded graph are "the input vectors". Which of `X`, `y`, `W1`, `W2`, `P`, `L`
# really are where the walk ends and puts down a gradient? Hand in a set of names.

# %% answer="modes.leaves"
leaves = None
### BEGIN SOLUTION
leaves = {"W1", "W2"}
### END SOLUTION

# %% check="modes.leaves"
check("modes.leaves", leaves)

# %% attempt="modes.leaves" expect="right"
leaves = ["W2", "W1"]

# %% attempt="modes.leaves" expect="wrong" because="No gradient is asked for X and y: they are as k."
leaves = {"X", "y"}

# %% attempt="modes.leaves" expect="wrong" because="Right for W1 and W2, but X and y are as k."
leaves = {"X", "y", "W1", "W2"}

# %% attempt="modes.leaves" expect="wrong" mark=1 because="P was made by an operation: the walk goes on there."
leaves = {"W1", "W2", "P"}

# %% [markdown]
# ### Exercise `modes.accumulated` (1 point)

# %% show="modes.accumulated"
task = show("modes.accumulated")
task

# %% answer="modes.accumulated"
accumulated = None
### BEGIN SOLUTION
accumulated = 2 * task.given["x"] + task.given["k"]
### END SOLUTION

# %% check="modes.accumulated"
check("modes.accumulated", accumulated)

# %% attempt="modes.accumulated" expect="right"
x, k = task.given.values()
accumulated = np.array([x + x + k])

# %% attempt="modes.accumulated" expect="wrong" cause="a known mistake"
accumulated = task.given["k"]

# %% attempt="modes.accumulated" expect="wrong" cause="a known mistake"
accumulated = 2 * task.given["x"]

# %% attempt="modes.accumulated" expect="wrong" cause="sign"
accumulated = -(2 * task.given["x"] + task.given["k"])

# %% [markdown]
# For adjoints of several outputs, each walk needs accumulators of its own: set to zero before it starts.
#
# ## 8. A machine of your own
#
# Every operation brings two rules: how it pushes a tangent (`jvp`) and how it pulls an adjoint (`vjp`). **Example:**
# the difference of neighbours, $s_i = x_{i+1} - x_i$. Its tangent is $\dot s_i = \dot x_{i+1} - \dot x_i$. On the way
# back, $x_k$ occurs in $s_{k-1}$ with a plus and in $s_k$ with a minus. The dot test tells whether the two rules fit:


# %%
def difference_jvp(x, dx):
    return dx[1:] - dx[:-1]


def difference_vjp(x, w):
    back = np.zeros(len(x))
    back[1:] += w
    back[:-1] -= w
    return back


def dot_test(push, pull, inputs, outputs, seed=0):
    """Both sides of <w, J u> = <Jᵀ w, u> at random x, u, w."""
    rng = np.random.default_rng(seed)
    x, u, w = rng.normal(size=inputs), rng.normal(size=inputs), rng.normal(size=outputs)
    try:
        return f"<w, J u> = {w @ push(x, u):.6g}   <Jᵀ w, u> = {pull(x, w) @ u:.6g}"
    except Exception as error:
        return f"no two numbers to compare yet ({type(error).__name__})"


print(dot_test(difference_jvp, difference_vjp, 6, 5))

# %% [markdown]
# The new operation is the **running sum of squares**, $t_i = x_0^2 + x_1^2 + \dots + x_i^2$.

# %%
print(np.cumsum(np.array([1.0, 3.0, -2.0, 0.5]) ** 2))

# %% [markdown]
# ### Exercise `modes.rule_jvp` (2 points)
#
# Return the tangent of $t$ when $x$ moves along $dx$.


# %% answer="modes.rule_jvp"
def rule_jvp(x, dx):
    ### BEGIN SOLUTION
    return np.cumsum(2 * x * dx)
    ### END SOLUTION


# %% check="modes.rule_jvp"
check("modes.rule_jvp", rule_jvp)


# %% attempt="modes.rule_jvp" expect="right"
def rule_jvp(x, dx):
    return np.tril(np.ones((len(x), len(x)))) @ (x * dx) * 2


# %% attempt="modes.rule_jvp" expect="wrong" cause="factor 2 missing"
def rule_jvp(x, dx):
    return np.cumsum(x * dx)


# %% attempt="modes.rule_jvp" expect="wrong" cause="another derivative"
def rule_jvp(x, dx):
    return 2 * x * dx


# %% attempt="modes.rule_jvp" expect="wrong" cause="the value instead of its derivative"
def rule_jvp(x, dx):
    return np.cumsum(x**2)


# %% attempt="modes.rule_jvp" expect="wrong" cause="off by one"
def rule_jvp(x, dx):
    return np.cumsum((2 * x * dx)[::-1])[::-1]


# %% [markdown]
# ### Exercise `modes.rule_vjp` (3 points)
#
# Return $J^T w$: the adjoint of $x$ when that of $t$ is $w$.


# %% answer="modes.rule_vjp"
def rule_vjp(x, w):
    ### BEGIN SOLUTION
    return 2 * x * np.cumsum(w[::-1])[::-1]
    ### END SOLUTION


# %% check="modes.rule_vjp"
check("modes.rule_vjp", rule_vjp)


# %% attempt="modes.rule_vjp" expect="right"
def rule_vjp(x, w):
    return 2 * x * (np.sum(w) - np.cumsum(w) + w)


# %% attempt="modes.rule_vjp" expect="wrong" cause="transposed"
def rule_vjp(x, w):
    return 2 * x * np.cumsum(w)


# %% attempt="modes.rule_vjp" expect="wrong" cause="factor 2 missing"
def rule_vjp(x, w):
    return x * np.cumsum(w[::-1])[::-1]


# %% attempt="modes.rule_vjp" expect="wrong" cause="not summed"
def rule_vjp(x, w):
    return 2 * x * w


# %%
print(dot_test(rule_jvp, rule_vjp, 6, 6))

# %% [markdown]
# ### Exercise `modes.walk` (4 points)
#
# Now the walk itself. A list is given by three arrays. Lines 0, 1, ... are the entries of `x`; then comes one line for
# each entry of `op`: 0 is a sum of the lines `left` and `right`, 1 is their product, 2 is the sine of the line `left`.
# The last line is the output. **Example**, with three inputs: v3 = v0 v1, v4 = sin(v3), v5 = v3 + v2, v6 = v4 v5, v7 =
# v6 + v5.

# %%
example = {"op": [1, 2, 0, 1, 0], "left": [0, 3, 3, 4, 6], "right": [1, 3, 2, 5, 5]}


def example_by_name(v0, v1, v2):
    v3 = v0 * v1
    v4 = np.sin(v3)
    v5 = v3 + v2
    v6 = v4 * v5
    return v6 + v5


shown.graph(example_by_name, 0.9, -0.6, 1.2, values=True)

# %%
shown.table(example_by_name, 0.9, -0.6, 1.2)

# %% [markdown]
# The way down is there already, and leaves the value of every line in `v`. Write the way up, and return the gradient of
# the last line in `x`. It is checked on the list of the example, in which v3 and v5 are used twice, at fresh points.


# %% answer="modes.walk"
def walk(x, op, left, right):
    v = list(x)
    for code, a, b in zip(op, left, right, strict=True):
        v.append(v[a] + v[b] if code == 0 else v[a] * v[b] if code == 1 else np.sin(v[a]))
    ### BEGIN SOLUTION
    bar = np.zeros(len(v))
    bar[-1] = 1
    for i in range(len(v) - 1, len(x) - 1, -1):
        code, a, b = op[i - len(x)], left[i - len(x)], right[i - len(x)]
        if code == 0:
            bar[a] += bar[i]
            bar[b] += bar[i]
        elif code == 1:
            bar[a] += bar[i] * v[b]
            bar[b] += bar[i] * v[a]
        else:
            bar[a] += bar[i] * np.cos(v[a])
    return bar[: len(x)]
    ### END SOLUTION


# %% check="modes.walk"
check("modes.walk", walk)


# %%
try:
    print(np.round(walk(np.array([0.9, -0.6, 1.2]), **example), 5))
except Exception as error:
    print(f"no gradient yet ({type(error).__name__})")


# %% attempt="modes.walk" expect="right"
def walk(x, op, left, right):
    v, tangents = list(x), list(np.eye(len(x)))
    for code, a, b in zip(op, left, right, strict=True):
        if code == 0:
            v.append(v[a] + v[b])
            tangents.append(tangents[a] + tangents[b])
        elif code == 1:
            v.append(v[a] * v[b])
            tangents.append(tangents[a] * v[b] + v[a] * tangents[b])
        else:
            v.append(np.sin(v[a]))
            tangents.append(np.cos(v[a]) * tangents[a])
    return tangents[-1]


# %% attempt="modes.walk" expect="wrong" cause="a path or term dropped"
def walk(x, op, left, right):
    v = list(x)
    for code, a, b in zip(op, left, right, strict=True):
        v.append(v[a] + v[b] if code == 0 else v[a] * v[b] if code == 1 else np.sin(v[a]))
    bar = np.zeros(len(v))
    bar[-1] = 1
    for i in range(len(v) - 1, len(x) - 1, -1):
        code, a, b = op[i - len(x)], left[i - len(x)], right[i - len(x)]
        if code == 0:
            bar[a], bar[b] = bar[i], bar[i]
        elif code == 1:
            bar[a], bar[b] = bar[i] * v[b], bar[i] * v[a]
        else:
            bar[a] = bar[i] * np.cos(v[a])
    return bar[: len(x)]


# %% attempt="modes.walk" expect="wrong" cause="sign of one term"
def walk(x, op, left, right):
    v = list(x)
    for code, a, b in zip(op, left, right, strict=True):
        v.append(v[a] + v[b] if code == 0 else v[a] * v[b] if code == 1 else np.sin(v[a]))
    bar = np.zeros(len(v))
    bar[-1] = 1
    for i in range(len(v) - 1, len(x) - 1, -1):
        code, a, b = op[i - len(x)], left[i - len(x)], right[i - len(x)]
        if code == 0:
            bar[a] += bar[i]
            bar[b] += bar[i]
        elif code == 1:
            bar[a] += bar[i] * v[b]
            bar[b] += bar[i] * v[a]
        else:
            bar[a] -= bar[i] * np.cos(v[a])
    return bar[: len(x)]


# %% attempt="modes.walk" expect="wrong" cause="activation derivative at the wrong point"
def walk(x, op, left, right):
    v = list(x)
    for code, a, b in zip(op, left, right, strict=True):
        v.append(v[a] + v[b] if code == 0 else v[a] * v[b] if code == 1 else np.sin(v[a]))
    bar = np.zeros(len(v))
    bar[-1] = 1
    for i in range(len(v) - 1, len(x) - 1, -1):
        code, a, b = op[i - len(x)], left[i - len(x)], right[i - len(x)]
        if code == 0:
            bar[a] += bar[i]
            bar[b] += bar[i]
        elif code == 1:
            bar[a] += bar[i] * v[b]
            bar[b] += bar[i] * v[a]
        else:
            bar[a] += bar[i] * np.cos(v[i])
    return bar[: len(x)]


# %% attempt="modes.walk" expect="wrong" cause="product rule misapplied"
def walk(x, op, left, right):
    v = list(x)
    for code, a, b in zip(op, left, right, strict=True):
        v.append(v[a] + v[b] if code == 0 else v[a] * v[b] if code == 1 else np.sin(v[a]))
    bar = np.zeros(len(v))
    bar[-1] = 1
    for i in range(len(v) - 1, len(x) - 1, -1):
        code, a, b = op[i - len(x)], left[i - len(x)], right[i - len(x)]
        if code == 0:
            bar[a] += bar[i]
            bar[b] += bar[i]
        elif code == 1:
            bar[a] += bar[i] * v[a]
            bar[b] += bar[i] * v[b]
        else:
            bar[a] += bar[i] * np.cos(v[a])
    return bar[: len(x)]


# %% [markdown]
# ### ★ Exercise `modes.any_list` (3 points)
#
# The same for **any** list, and with one operation more: 3 is the tanh of the line `left`. Here you write all of it. It
# is checked on lists that are drawn at random; lines may be used often, or twice by the same line ($v_4 v_4$), or not
# at all.


# %% answer="modes.any_list"
def any_list(x, op, left, right):
    ### BEGIN SOLUTION
    v = list(x)
    for code, a, b in zip(op, left, right, strict=True):
        values = (v[a] + v[b], v[a] * v[b], np.sin(v[a]), np.tanh(v[a]))
        v.append(values[code])
    bar = np.zeros(len(v))
    bar[-1] = 1
    for i in range(len(v) - 1, len(x) - 1, -1):
        code, a, b = op[i - len(x)], left[i - len(x)], right[i - len(x)]
        if code == 0:
            bar[a] += bar[i]
            bar[b] += bar[i]
        elif code == 1:
            bar[a] += bar[i] * v[b]
            bar[b] += bar[i] * v[a]
        elif code == 2:
            bar[a] += bar[i] * np.cos(v[a])
        else:
            bar[a] += bar[i] * (1 - v[i] ** 2)
    return bar[: len(x)]
    ### END SOLUTION


# %% check="modes.any_list"
check("modes.any_list", any_list)


# %% attempt="modes.any_list" expect="right"
def any_list(x, op, left, right):
    v, slopes = [*x], []
    for code, a, b in zip(op, left, right, strict=True):
        v.append([v[a] + v[b], v[a] * v[b], np.sin(v[a]), np.tanh(v[a])][code])
        slopes.append([(1, 1), (v[b], v[a]), (np.cos(v[a]), 0), (np.cosh(v[a]) ** -2, 0)][code])
    lines, n = len(v), len(x)
    J = np.zeros((lines, lines))
    for row, (a, b, pair) in enumerate(zip(left, right, slopes, strict=True), n):
        np.add.at(J[row], [a, b], pair)
    return np.linalg.solve((np.eye(lines) - J).T, np.eye(lines)[-1])[:n]


# %% attempt="modes.any_list" expect="wrong" cause="zeros"
def any_list(x, op, left, right):
    v = list(x)
    for code, a, b in zip(op, left, right, strict=True):
        values = (v[a] + v[b], v[a] * v[b], np.sin(v[a]), np.tanh(v[a]))
        v.append(values[code])
    bar = np.zeros(len(v))
    for i in range(len(v) - 1, len(x) - 1, -1):
        code, a, b = op[i - len(x)], left[i - len(x)], right[i - len(x)]
        if code == 0:
            bar[a] += bar[i]
            bar[b] += bar[i]
        elif code == 1:
            bar[a] += bar[i] * v[b]
            bar[b] += bar[i] * v[a]
        elif code == 2:
            bar[a] += bar[i] * np.cos(v[a])
        else:
            bar[a] += bar[i] * (1 - v[i] ** 2)
    return bar[: len(x)]


# %% attempt="modes.any_list" expect="wrong" cause="the value instead of its derivative"
def any_list(x, op, left, right):
    v = list(x)
    for code, a, b in zip(op, left, right, strict=True):
        v.append((v[a] + v[b], v[a] * v[b], np.sin(v[a]), np.tanh(v[a]))[code])
    return v[-1]


# %% attempt="modes.any_list" expect="wrong" cause="sign"
def any_list(x, op, left, right):
    v = list(x)
    for code, a, b in zip(op, left, right, strict=True):
        v.append((v[a] + v[b], v[a] * v[b], np.sin(v[a]), np.tanh(v[a]))[code])
    bar = np.zeros(len(v))
    bar[-1] = -1
    for i in range(len(v) - 1, len(x) - 1, -1):
        code, a, b = op[i - len(x)], left[i - len(x)], right[i - len(x)]
        first, second = ((1, 1), (v[b], v[a]), (np.cos(v[a]), 0), (1 - v[i] ** 2, 0))[code]
        bar[a] += bar[i] * first
        bar[b] += bar[i] * second
    return bar[: len(x)]


# %% attempt="modes.any_list" expect="wrong" cause="a finite difference"
def any_list(x, op, left, right):
    def last(x):
        v = list(x)
        for code, a, b in zip(op, left, right, strict=True):
            v.append((v[a] + v[b], v[a] * v[b], np.sin(v[a]), np.tanh(v[a]))[code])
        return v[-1]

    return np.array([(last(x + 1e-6 * e) - last(x)) / 1e-6 for e in np.eye(len(x))])


# %% attempt="modes.any_list" expect="wrong" cause="a path or term dropped"
def any_list(x, op, left, right):
    v = list(x)
    for code, a, b in zip(op, left, right, strict=True):
        values = (v[a] + v[b], v[a] * v[b], np.sin(v[a]), np.tanh(v[a]))
        v.append(values[code])
    bar = np.zeros(len(v))
    bar[-1] = 1
    for i in range(len(v) - 1, len(x) - 1, -1):
        code, a, b = op[i - len(x)], left[i - len(x)], right[i - len(x)]
        if code == 0:
            bar[a], bar[b] = bar[i], bar[i]
        elif code == 1:
            bar[a], bar[b] = bar[i] * v[b], bar[i] * v[a]
        elif code == 2:
            bar[a] = bar[i] * np.cos(v[a])
        else:
            bar[a] = bar[i] * (1 - v[i] ** 2)
    return bar[: len(x)]


# %% attempt="modes.any_list" expect="wrong" cause="activation derivative at the wrong point"
def any_list(x, op, left, right):
    v = list(x)
    for code, a, b in zip(op, left, right, strict=True):
        values = (v[a] + v[b], v[a] * v[b], np.sin(v[a]), np.tanh(v[a]))
        v.append(values[code])
    bar = np.zeros(len(v))
    bar[-1] = 1
    for i in range(len(v) - 1, len(x) - 1, -1):
        code, a, b = op[i - len(x)], left[i - len(x)], right[i - len(x)]
        if code == 0:
            bar[a] += bar[i]
            bar[b] += bar[i]
        elif code == 1:
            bar[a] += bar[i] * v[b]
            bar[b] += bar[i] * v[a]
        elif code == 2:
            bar[a] += bar[i] * np.cos(v[a])
        else:
            bar[a] += bar[i] * (1 - v[a] ** 2)
    return bar[: len(x)]


# %% [markdown]
# ### Exercise `modes.layer` (4 points)
#
# The last step: a layer made of your rule. With $a = Wx + b$ and $t$ the running sums of squares of $a$, it returns
# $y = a \odot t$ (entry by entry). For an adjoint $w$ of $y$, return the adjoints of $W$, $b$ and $x$, in this order.
# Put the line of your rule where it belongs.


# %% answer="modes.layer"
def layer(W, b, x, w):
    ### BEGIN SOLUTION
    a = W @ x + b
    a_bar = w * np.cumsum(a**2) + 2 * a * np.cumsum((w * a)[::-1])[::-1]
    return np.outer(a_bar, x), a_bar, W.T @ a_bar
    ### END SOLUTION


# %% check="modes.layer"
check("modes.layer", layer)


# %% attempt="modes.layer" expect="right"
def layer(W, b, x, w):
    a = W @ x + b
    J = np.diag(np.cumsum(a**2)) + 2 * np.tril(np.outer(a, a))
    return np.einsum("i,ij,k->jk", w, J, x), w @ J, w @ J @ W


# %% attempt="modes.layer" expect="wrong" cause="a path or term dropped"
def layer(W, b, x, w):
    a = W @ x + b
    a_bar = 2 * a * np.cumsum((w * a)[::-1])[::-1]
    return np.outer(a_bar, x), a_bar, W.T @ a_bar


# %% attempt="modes.layer" expect="wrong" cause="a path or term dropped"
def layer(W, b, x, w):
    a = W @ x + b
    a_bar = w * np.cumsum(a**2)
    return np.outer(a_bar, x), a_bar, W.T @ a_bar


# %% attempt="modes.layer" expect="wrong" mark=2 cause="transposed"
def layer(W, b, x, w):
    a = W @ x + b
    a_bar = w * np.cumsum(a**2) + 2 * a * np.cumsum((w * a)[::-1])[::-1]
    return np.outer(x, a_bar), a_bar, W.T @ a_bar


# %% attempt="modes.layer" expect="wrong" cause="transposed"
def layer(W, b, x, w):
    a = W @ x + b
    a_bar = w * np.cumsum(a**2) + 2 * a * np.cumsum(w * a)
    return np.outer(a_bar, x), a_bar, W.T @ a_bar


# %% [markdown]
# The same dot test holds for the layer in $x$: forward by the table of `autodiff`, back by your own function.

# %%
rng = np.random.default_rng(6)
W, b, x, u, w = (rng.normal(size=shape) for shape in ((5, 3), 5, 3, 3, 5))


def forward_layer(x):
    a = W @ x + b
    return a * np.cumsum(a**2)


_, tangent = autodiff.jvp(forward_layer, (x,), (u,))
try:
    print(f"<w, J u> = {w @ tangent:.6g}   <Jᵀ w, u> = {layer(W, b, x, w)[2] @ u:.6g}")
except Exception as error:
    print(f"no two numbers to compare yet ({type(error).__name__})")

# %% [markdown]
# ## What to take along
#
# - A one-sided difference takes $n + 1$ evaluations for $n$ entries, is never exact, and has a best step near
#   $2\sqrt{uF/M}$. Its place is in tests. The complex step is exact to the last digits, one evaluation per direction.
# - One tangent pass is $Ju$, a combination of columns; one adjoint pass is $J^Tw$, a combination of rows. A gradient of
#   one number takes one reverse pass, however many variables there are.
# - "Reverse is cheaper" is a statement about few outputs and many inputs. With few inputs forward wins; where zeros are
#   known, both take less; and on many graphs other orders are cheaper than either.
# - Reverse mode keeps the list, so its memory grows with depth, unless work is done twice. Forward mode with one
#   tangent keeps nothing; with all tangents at once it keeps a lot.
# - A framework records while the operations run, and walks the record when `backward()` is called; what arrives at a
#   leaf is added to what is there.
# - A rule is a pair that passes the dot test; a machine is a list, rules, and a walk that adds.

# %%
progress()
