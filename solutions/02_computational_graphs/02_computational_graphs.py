# %% [markdown]
# # Sheet 2: computational graphs
#
# A formula says *what* is computed. A computational graph says *how*: which value is made from which, by which single
# operation. Once that is written down, derivatives need no cleverness any more. They are found by walking along the
# graph, forwards or backwards, and a machine can do the walking. On this sheet you do it by hand, so that you know
# what the machine does. Plan 120 to 150 minutes; sections 6 to 9 can wait for a second sitting.
#
# **After this sheet you can**
#
# 1. take a function apart into single operations, draw its graph, and hand the drawing in as data (`graphs.draw`,
#    `graphs.own_graph`, `graphs.toy_draw`, `graphs.network`);
# 2. fill in an evaluation trace (`graphs.trace`);
# 3. push tangents forwards through it, one table for each input (`graphs.forward`);
# 4. pull adjoints backwards through it, one table for each output, and draw the graph that they run along
#    (`graphs.reverse`, `graphs.draw_back`, `graphs.walk_back`, `graphs.own_tables`, `graphs.toy_table`,
#    `graphs.toy_gradient`);
# 5. say how many passes a Jacobian takes (`graphs.passes`);
# 6. find a mistake in somebody's table or code, and say why it is one (`graphs.print_forward`,
#    `graphs.print_reverse`, `graphs.why_printed`, `graphs.bug`, `graphs.print_toy`);
# 7. read a derivative as a sum over paths, and write the walk that adds them all up at once (`graphs.paths_sum`,
#    `graphs.walk`);
# 8. extend a graph by the nodes of its own gradient, and draw a graph over vectors (`graphs.extended`,
#    `graphs.network`).
#
# **How it works.** As on sheet 1: `check(...)` as often as you like, `hint(id, 1)` to `hint(id, 3)` for help that
# costs nothing. Some exercises have numbers of your own; `show(...)` displays them. In three places you are asked to
# *predict* what will happen before you run a cell. A prediction earns its point by being made, right or not: its use
# is that you notice where you are surprised.
#
# **Tables** are filled in with numbers rounded to three decimals. Use a calculator, or Python as one. A slip costs
# its own place alone: rows that follow from your own numbers count as right.

# %% setup=true
import numpy as np

import autodiff
from autodiff import show as draw
from autodiff.graph import Graph
from grading.notebook import check, compare, hint, open_sheet, picture, practice, predict, progress, reveal, show

open_sheet("02_computational_graphs")

# %% [markdown]
# ## 1. A computation is a list, and a list is a graph
#
# **Example.** $q(s, t) = s\,t + \sin s$ is computed in three operations. Give every value a name, inputs first:
#
# $$ v_0 = s, \quad v_1 = t, \quad v_2 = v_0 v_1, \quad v_3 = \sin v_0, \quad v_4 = v_2 + v_3 = q. $$
#
# Each row uses rows above it only. That list is the **evaluation trace**. Drawn with one node for each row, and an
# arrow to a row from each value that it uses, it is the **computational graph**:


# %%
def q(s, t):
    a = s * t
    b = np.sin(s)
    return a + b


draw.graph(q, 0.5, 3.0, values=True)

# %% [markdown]
# Three things to notice. $s$ is *one* node with two arrows leaving it, because it is used twice. There is no way
# round in a circle, so the rows can always be put into an order in which everything is there when it is needed. And a
# node without an arrow into it is an input.
#
# ### A drawing as data
#
# A drawing is handed in as a dictionary: for every node but the inputs its name and its operation, as a formula in
# the names of other nodes. The example is
#
# ```python
# {"a": "s * t", "b": "sin(s)", "q": "a + b"}
# ```
#
# Formulas are written as in Python, with NumPy's functions by their bare names (`exp`, `sin`, `tanh`). A tuple will
# do as well, `("mul", "s", "t")`. Names of nodes are up to you, except for inputs and outputs.
#
# ### The function of this sheet
#
# Most of what follows is about one function with two inputs and two outputs:
#
# $$ y_1 = e^{2 x_2} + x_1 \sin(3 x_2^2), \qquad y_2 = x_1 x_2 + \sigma(x_2), \qquad
# \sigma(v) = \frac{1}{1 + e^{-v}}. $$
#
# ($y_1$ and $y_2$ are numbers. What is a vector is the function that returns both, $f(x_1, x_2) = (y_1, y_2)$; texts
# are not always careful about that.) It is taken apart into these rows:
#
# | row | is | row | is | row | is |
# |---|---|---|---|---|---|
# | $v_0$ | $x_1$ | $v_4$ | $v_1^2$ | $v_8$ | $v_3 + v_7 = y_1$ |
# | $v_1$ | $x_2$ | $v_5$ | $3 v_4$ | $v_9$ | $v_0 v_1$ |
# | $v_2$ | $2 v_1$ | $v_6$ | $\sin v_5$ | $v_{10}$ | $\sigma(v_1)$ |
# | $v_3$ | $e^{v_2}$ | $v_7$ | $v_0 v_6$ | $v_{11}$ | $v_9 + v_{10} = y_2$ |
#
# Factors such as the 2 in $2 v_1$ belong to the operation and are no nodes.
#
# ### Prediction `graphs.guess_arrows` (1 point)
#
# How many arrows does the graph of $f$ have? Guess first; count later.

# %% answer="graphs.guess_arrows"
guess_arrows = None
### BEGIN SOLUTION
guess_arrows = 14
### END SOLUTION

# %% check="graphs.guess_arrows"
predict("graphs.guess_arrows", guess_arrows)

# %% attempt="graphs.guess_arrows" expect="right"
guess_arrows = 12.0

# %% attempt="graphs.guess_arrows" expect="wrong"
guess_arrows = "many"

# %% attempt="graphs.guess_arrows" expect="wrong"
guess_arrows = -3

# %% attempt="graphs.guess_arrows" expect="wrong"
guess_arrows = 13.5

# %% [markdown]
# ### Exercise `graphs.draw` (4 points)
#
# Draw the graph of $f$, one node for each row of the table. The inputs are called `x1` and `x2`, the outputs `y1` and
# `y2`; the sigmoid is `sigmoid`. (Inputs need not be written down, and $v_0$ and $v_1$ are just other names for
# them.) After `check` you see a picture of what you drew. If you do not know where to begin:

# %%
hint("graphs.draw", 1)

# %% answer="graphs.draw"
draw_f = None
### BEGIN SOLUTION
draw_f = {
    "v2": "2 * x2",
    "v3": "exp(v2)",
    "v4": "x2**2",
    "v5": "3 * v4",
    "v6": "sin(v5)",
    "v7": "x1 * v6",
    "y1": "v3 + v7",
    "v9": "x1 * x2",
    "v10": "sigmoid(x2)",
    "y2": "v9 + v10",
}
### END SOLUTION

# %% check="graphs.draw"
check("graphs.draw", draw_f)


# %% attempt="graphs.draw" expect="right"
def draw_f(x1, x2):
    return np.exp(2 * x2) + x1 * np.sin(3 * x2**2), x1 * x2 + autodiff.sigmoid(x2)


# %% attempt="graphs.draw" expect="right"
draw_f = """
a = 2 * x2; b = exp(a); c = x2^2; d = 3 * c; e = sin(d); g = e * x1
y1 = g + b; h = x2 * x1; k = sigmoid(x2); y2 = k + h
"""

# %% attempt="graphs.draw" expect="wrong" cause="step, copy" mark=1.4
draw_f = """
v2 = 2 * x2; v3 = exp(v2); v4 = 2 * x2; v5 = 3 * v4; v6 = sin(v5); v7 = x1 * v6; y1 = v3 + v7; v9 = x1 * x2
v10 = sigmoid(x2); y2 = v9 + v10
"""

# %% attempt="graphs.draw" expect="wrong" cause="path, argument" mark=1.4
draw_f = """
v2 = 2 * x2; v3 = exp(v2); v4 = x2**2; v5 = 3 * v4; v6 = sin(v5); v7 = x2 * v6; y1 = v3 + v7; v9 = x1 * x2
v10 = sigmoid(x2); y2 = v9 + v10
"""

# %% attempt="graphs.draw" expect="wrong" unnamed="an output is missing; the verdict says so"
draw_f = """
v2 = 2 * x2; v3 = exp(v2); v4 = x2**2; v5 = 3 * v4; v6 = sin(v5); v7 = x1 * v6; y1 = v3 + v7; v9 = x1 * x2
v10 = sigmoid(x2)
"""

# %% attempt="graphs.draw" expect="wrong" cause="merged" mark=2.4
draw_f = {"y1": "exp(2*x2) + x1*sin(3*x2**2)", "y2": "x1*x2 + sigmoid(x2)"}

# %%
reveal("graphs.guess_arrows")

# %% [markdown]
# ### Exercise `graphs.own_graph` (3 points)
#
# A value that stands twice in a formula is computed once. Draw the graph of a function of your own:

# %% show="graphs.own_graph"
task = show("graphs.own_graph")
task

# %% answer="graphs.own_graph"
own_graph = None
### BEGIN SOLUTION
own_graph = {
    "a": task.given["inner"],
    "b": f"{task.given['outer']}(a)",
    "c": f"a {task.given['sign']} b",
    "f": f"c * {task.given['factor']}",
}
### END SOLUTION

# %% check="graphs.own_graph"
check("graphs.own_graph", own_graph)

# %% attempt="graphs.own_graph" expect="right"
part = task.given
first = {"x * y": ("mul", "y", "x"), "x + y": ("add", "y", "x"), "x - y": ("sub", "x", "y")}[part["inner"]]
own_graph = {
    "u": first,
    "w": (part["outer"], "u"),
    "s": ("add" if part["sign"] == "+" else "sub", "u", "w"),
    "f": ("mul", part["factor"], "s"),
}

# %% attempt="graphs.own_graph" expect="wrong" cause="copy" mark=1.8
part = task.given
own_graph = {"a": part["inner"], "a2": part["inner"], "b": f"{part['outer']}(a2)", "c": f"a {part['sign']} b"}
own_graph["f"] = f"c * {part['factor']}"

# %% attempt="graphs.own_graph" expect="wrong" cause="uses" mark=0.3
part = task.given
own_graph = {"a": part["inner"], "b": f"{part['outer']}(a)", "f": f"a {part['sign']} b"}

# %% attempt="graphs.own_graph" expect="wrong" cause="argument" mark=0.3
part = task.given
own_graph = {"a": part["inner"], "b": f"{part['outer']}(x)", "c": f"a {part['sign']} b", "f": f"c * {part['factor']}"}

# %% [markdown]
# ## 2. Values: one pass, top to bottom
#
# The rows are evaluated in their order. One pass does it, however many inputs and outputs there are. For the example
# at $s = 0.5$, $t = 3$:

# %%
v0, v1 = 0.5, 3.0
v2 = v0 * v1
v3 = np.sin(v0)
v4 = v2 + v3
for name, value in {"v0": v0, "v1": v1, "v2": v2, "v3": v3, "v4": v4}.items():
    print(f"{name}  {value:.3f}")

# %% [markdown]
# ### Exercise `graphs.trace` (3 points)
#
# Now $f$ at the point that the rest of this sheet starts from.

# %% show="graphs.trace"
show("graphs.trace")

# %% answer="graphs.trace"
trace = {
    "v0": None,
    "v1": None,
    "v2": None,
    "v3": None,
    "v4": None,
    "v5": None,
    "v6": None,
    "v7": None,
    "v8": None,
    "v9": None,
    "v10": None,
    "v11": None,
}
### BEGIN SOLUTION
trace = {
    "v0": 2,
    "v1": 1,
    "v2": 2,
    "v3": 7.389,
    "v4": 1,
    "v5": 3,
    "v6": 0.141,
    "v7": 0.282,
    "v8": 7.671,
    "v9": 2,
    "v10": 0.731,
    "v11": 2.731,
}
### END SOLUTION

# %% check="graphs.trace"
check("graphs.trace", trace)

# %% attempt="graphs.trace" expect="right"
v0, v1 = 2.0, 1.0
v2, v4, v9, v10 = 2 * v1, v1**2, v0 * v1, 1 / (1 + np.exp(-v1))
v3, v5 = np.exp(v2), 3 * v4
v6 = np.sin(v5)
v7, v11 = v0 * v6, v9 + v10
trace = np.round([v0, v1, v2, v3, v4, v5, v6, v7, v3 + v7, v9, v10, v11], 3)

# %% attempt="graphs.trace" expect="wrong" mark=2.75 cause="degrees for radians"
trace = [2, 1, 2, 7.389, 1, 3, 0.052, 0.105, 7.494, 2, 0.731, 2.731]

# %% attempt="graphs.trace" expect="wrong" mark=2.75 cause="an input returned"
trace = [2, 1, 2, 7.389, 1, 3, 3, 6, 13.389, 2, 0.731, 2.731]

# %% attempt="graphs.trace" expect="wrong" mark=2.75 cause="rounding"
trace = [2, 1, 2, 7.389, 1, 3, 0.141, 0.282, 7.671, 2, 0.73, 2.731]

# %% [markdown]
# ## 3. Forwards: one table of tangents for each input
#
# Let one input move, and ask how fast every row moves with it. These numbers are the **tangents**. They run down the
# same list: a row made of $u$ and $w$ has
#
# $$ \dot v = \frac{\partial v}{\partial u}\,\dot u + \frac{\partial v}{\partial w}\,\dot w, $$
#
# a local derivative times a tangent, for everything the row is made of. Special cases have names. In a sum the local
# derivatives are 1 (sum rule); in a product each is the other factor (product rule); a row made of one thing has one
# summand (chain rule). For the sigmoid, $\sigma'(v) = \sigma(v)\,(1 - \sigma(v))$: its value is all one needs.
#
# A table starts with $1$ at the input that moves and $0$ at the others. **Example**, $s$ moving:

# %%
d0, d1 = 1.0, 0.0
d2 = v1 * d0 + v0 * d1
d3 = np.cos(v0) * d0
d4 = d2 + d3
print("row  value  tangent")
for name, value, dot in (("v0", v0, d0), ("v1", v1, d1), ("v2", v2, d2), ("v3", v3, d3), ("v4", v4, d4)):
    print(f"{name}   {value:.3f}  {dot:.3f}")

# %% [markdown]
# The last tangent is $\partial q / \partial s = t + \cos s$. What $t$ does is not in this table: every input needs a
# table of its own, and each table is one column of the Jacobian.
#
# ### Prediction `graphs.guess_sign` (1 point)
#
# Let $x_2$ move at $(2, 1)$. Before you compute anything: what sign will the tangent of $v_6 = \sin v_5$ have, where
# $v_5 = 3$ and $v_5$ grows with $x_2$? Answer `"+"`, `"-"` or `"0"`.

# %% answer="graphs.guess_sign"
guess_sign = None
### BEGIN SOLUTION
guess_sign = "-"
### END SOLUTION

# %% check="graphs.guess_sign"
predict("graphs.guess_sign", guess_sign)

# %% attempt="graphs.guess_sign" expect="right"
guess_sign = "positive"

# %% attempt="graphs.guess_sign" expect="wrong"
guess_sign = "?"

# %% attempt="graphs.guess_sign" expect="wrong"
guess_sign = [1, 2]

# %% attempt="graphs.guess_sign" expect="wrong"
guess_sign = "+-"

# %%
reveal("graphs.guess_sign", 6 * np.cos(3))

# %% [markdown]
# (3 lies between $\pi/2 \approx 1.57$ and $\pi \approx 3.14$: the sine is still positive there, and already falling.)
#
# ### Exercise `graphs.forward` (6 points)
#
# Both tables of tangents at $(2, 1)$. Each row of your answer has two numbers: the derivative in $x_1$ and the one in
# $x_2$.

# %% show="graphs.forward"
show("graphs.forward")

# %% answer="graphs.forward"
forward = {
    "v0": (None, None),
    "v1": (None, None),
    "v2": (None, None),
    "v3": (None, None),
    "v4": (None, None),
    "v5": (None, None),
    "v6": (None, None),
    "v7": (None, None),
    "v8": (None, None),
    "v9": (None, None),
    "v10": (None, None),
    "v11": (None, None),
}
### BEGIN SOLUTION
forward = {
    "v0": (1, 0),
    "v1": (0, 1),
    "v2": (0, 2),
    "v3": (0, 14.778),
    "v4": (0, 2),
    "v5": (0, 6),
    "v6": (0, -5.94),
    "v7": (0.141, -11.88),
    "v8": (0.141, 2.898),
    "v9": (1, 2),
    "v10": (0, 0.197),
    "v11": (1, 2.197),
}
### END SOLUTION

# %% check="graphs.forward"
check("graphs.forward", forward)

# %% attempt="graphs.forward" expect="right"
forward = {
    "d/dx1": [1, 0, 0, 0, 0, 0, 0, 0.141, 0.141, 1, 0, 1],
    "d/dx2": [0, 1, 2, 14.778, 2, 6, -5.940, -11.880, 2.898, 2, 0.197, 2.197],
}

# %% attempt="graphs.forward" expect="wrong" mark=5.75 cause="sign"
forward = {
    "d/dx1": [1, 0, 0, 0, 0, 0, 0, 0.141, 0.141, 1, 0, 1],
    "d/dx2": [0, 1, 2, 14.778, 2, 6, 5.940, 11.880, 2.898, 2, 0.197, 2.197],
}

# %% attempt="graphs.forward" mark=5.75 cause="inner derivative forgotten, the value instead of its derivative"
forward = {
    "d/dx1": [1, 0, 0, 0, 0, 0, 0, 0.141, 0.141, 1, 0, 1],
    "d/dx2": [0, 1, 2, 7.389, 2, 6, -5.940, -11.880, -4.491, 2, 0.197, 2.197],
}

# %% attempt="graphs.forward" expect="wrong" mark=5.5 cause="zeros"
forward = {
    "d/dx1": [1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1],
    "d/dx2": [0, 1, 2, 14.778, 2, 6, -5.940, -11.880, 2.898, 2, 0.197, 2.197],
}

# %% [markdown]
# Put together, the last rows are the Jacobian at $(2, 1)$, one column from each table. The course's own package
# agrees:


# %%
def f(x1, x2):
    return np.exp(2 * x2) + x1 * np.sin(3 * x2**2), x1 * x2 + autodiff.sigmoid(x2)


print(np.round(autodiff.jacobian(lambda x: np.stack(f(x[0], x[1])))(np.array([2.0, 1.0])), 3))

# %% [markdown]
# ### Find the error in print: `graphs.print_forward` (2 points)
#
# A published solution gives this column for $\partial / \partial x_2$ at $(2, 1)$:
#
# | row | printed | row | printed |
# |---|---|---|---|
# | $v_2$ | $2 \times 1 = 2$ | $v_7$ | $v_0 \times 5.940 + v_6 \times 0 = 11.880$ |
# | $v_3$ | $e^{v_2} \times 2 = 14.778$ | $v_8$ | $11.880 + 14.778 = 2.898$ |
# | $v_4$ | $2 v_1 \times 1 = 2$ | $v_9$ | $v_1 \times 0 + v_0 \times 1 = 2$ |
# | $v_5$ | $3 \times 2 = 6$ | $v_{10}$ | $\sigma(v_1)(1 - \sigma(v_1)) \times 1 = 0.197$ |
# | $v_6$ | $\cos(v_5) \times 6 = 5.940$ | $v_{11}$ | $2 + 0.197 = 2.197$ |
#
# In which rows is the **result** not the tangent of that row? Answer with all of them, for instance `{"v2", "v9"}`.

# %% answer="graphs.print_forward"
print_forward = None
### BEGIN SOLUTION
print_forward = {"v6", "v7"}
### END SOLUTION

# %% check="graphs.print_forward"
check("graphs.print_forward", print_forward)

# %% attempt="graphs.print_forward" expect="right"
print_forward = "v7, V6"

# %% attempt="graphs.print_forward" expect="wrong" mark=1 because="It is not alone: what is made from v6?"
print_forward = {"v6"}

# %% attempt="graphs.print_forward" expect="wrong" mark=1 because="The result in v8 is right."
print_forward = {"v6", "v7", "v8"}

# %% attempt="graphs.print_forward" expect="wrong" because="2.898 is right; look at what it is made of."
print_forward = {"v8"}

# %% [markdown]
# ## 4. Backwards: one table of adjoints for each output
#
# Now turn the question round. Fix one output, and ask of every row: if *this* value alone were nudged, how would the
# output move? That number is the **adjoint** of the row, written with a bar. A row passes its adjoint back to what it
# was made of, multiplied by the local derivative; and a value that was used in several rows receives from each of
# them:
#
# $$ \bar u = \sum_{v} \; \bar v \; \frac{\partial v}{\partial u}, $$
#
# where $v$ runs over the rows that use $u$. The walk starts with $1$ at the output and runs up the list. **Example.**
# The arrows of the graph of $q$, turned round; at each stands the factor by which an adjoint is multiplied on the
# way:

# %%
draw.backprop_graph(q, 0.5, 3.0)

# %% [markdown]
# $s$ was used twice, so two arrows end there: $\bar v_0 = \bar v_2\,v_1 + \bar v_3 \cos v_0$. In numbers:

# %%
draw.table(q, 0.5, 3.0)

# %% [markdown]
# One walk gave *both* derivatives of $q$. A table of adjoints is one row of the Jacobian.

# %% [markdown]
# ### Exercise `graphs.draw_back` (4 points)
#
# The walk back is a computation with a graph of its own: the same nodes, now holding adjoints, and the same arrows
# turned round, each with a local derivative as its factor. Draw this **backpropagation graph** of $f$, for both
# outputs at once, with `a3` for $\bar v_3$. Its inputs are `a8` and `a11`, which the walk starts with, and the values
# `v0`, `v1`, `v3`, `v5`, `v6`, `v10` of the forward pass; its outputs are `a0` and `a1`. There are 12 nodes and 14
# arrows.
#
# Here it is easier to write down nodes and arrows. An arrow is `[tail, head, number, factor]`, where the number
# counts the arrows that end at the same node, from 0. A node is the sum of what arrives. The walk back over the
# example $q$, from `a4`, would be
#
# ```python
# {
#     "nodes": ["a4", "a3", "a2", "a1", "a0"],
#     "edges": [
#         ["a4", "a2", 0, "1"],
#         ["a4", "a3", 0, "1"],
#         ["a2", "a1", 0, "v0"],
#         ["a2", "a0", 0, "v1"],
#         ["a3", "a0", 1, "cos(v0)"],
#     ],
# }
# ```

# %% answer="graphs.draw_back"
draw_back = None
### BEGIN SOLUTION
draw_back = {
    "nodes": ["a11", "a10", "a9", "a8", "a7", "a6", "a5", "a4", "a3", "a2", "a1", "a0"],
    "edges": [
        ["a11", "a10", 0, "1"],
        ["a11", "a9", 0, "1"],
        ["a8", "a7", 0, "1"],
        ["a8", "a3", 0, "1"],
        ["a7", "a6", 0, "v0"],
        ["a6", "a5", 0, "cos(v5)"],
        ["a5", "a4", 0, "3"],
        ["a3", "a2", 0, "v3"],
        ["a2", "a1", 0, "2"],
        ["a4", "a1", 1, "2*v1"],
        ["a9", "a1", 2, "v0"],
        ["a10", "a1", 3, "v10*(1 - v10)"],
        ["a7", "a0", 0, "v6"],
        ["a9", "a0", 1, "v1"],
    ],
}
### END SOLUTION

# %% check="graphs.draw_back"
check("graphs.draw_back", draw_back)

# %% attempt="graphs.draw_back" expect="right"
draw_back = """
a7 = a8; a3 = a8; a9 = a11; a10 = a11; a6 = a7*v0; a5 = a6*cos(v5); a4 = 3*a5; a2 = a3*v3
a1 = 2*a2 + 2*v1*a4 + v0*a9 + a10*v10*(1-v10); a0 = a7*v6 + a9*v1
"""

# %% attempt="graphs.draw_back" expect="wrong" cause="path, edge" mark=1.7333
draw_back = """
a7 = a8; a3 = a8; a9 = a11; a10 = a11; a6 = a7*v0; a5 = a6*cos(v5); a4 = 3*a5; a2 = a3*v3
a1 = 2*a2 + 2*a4 + v0*a9 + a10*v10*(1-v10); a0 = a7*v6 + a9*v1
"""

# %% attempt="graphs.draw_back" expect="wrong" cause="path, argument, edge" mark=1.0667
draw_back = """
a7 = a8; a3 = a8; a9 = a11; a10 = a11; a6 = a7*v0; a5 = a6*cos(v5); a4 = 3*a5; a2 = a3*v3
a1 = 2*a2 + 2*v1*a4 + v1*a9 + a10*v10*(1-v10); a0 = a7*v6 + a9*v0
"""

# %% attempt="graphs.draw_back" expect="wrong" cause="no graph"
draw_back = {
    "nodes": ["a11", "a10", "a9", "a8", "a7", "a6", "a5", "a4", "a3", "a2", "a1", "a0"],
    "edges": [["a10", "a11"], ["a9", "a11"], ["a7", "a8"], ["a3", "a8"], ["a6", "a7"], ["a5", "a6"], ["a4", "a5"]],
}

# %% [markdown]
# ### Exercise `graphs.reverse` (6 points)
#
# Both tables of adjoints of $f$ at $(2, 1)$, the first for $y_1 = v_8$, the second for $y_2 = v_{11}$. They are two
# walks: begin the second with empty adjoints, or it will add up both outputs. What an output does not depend on has
# adjoint 0.

# %% show="graphs.reverse"
show("graphs.reverse")

# %% answer="graphs.reverse"
reverse = {
    "v11": (None, None),
    "v10": (None, None),
    "v9": (None, None),
    "v8": (None, None),
    "v7": (None, None),
    "v6": (None, None),
    "v5": (None, None),
    "v4": (None, None),
    "v3": (None, None),
    "v2": (None, None),
    "v1": (None, None),
    "v0": (None, None),
}
### BEGIN SOLUTION
reverse = {
    "v11": (0, 1),
    "v10": (0, 1),
    "v9": (0, 1),
    "v8": (1, 0),
    "v7": (1, 0),
    "v6": (2, 0),
    "v5": (-1.98, 0),
    "v4": (-5.94, 0),
    "v3": (1, 0),
    "v2": (7.389, 0),
    "v1": (2.898, 2.197),
    "v0": (0.141, 1),
}
### END SOLUTION

# %% check="graphs.reverse"
check("graphs.reverse", reverse)

# %% attempt="graphs.reverse" expect="right"
reverse = {
    "of y2": {f"v{row}": number for row, number in enumerate([1, 2.1966, *[0] * 7, 1, 1, 1])},
    "of y1": [0.141, 2.898, 7.389, 1, -5.94, -1.98, 2, 1, 1, 0, 0, 0],
}

# %% attempt="graphs.reverse" expect="wrong" mark=5.75 cause="zeros"
reverse = {
    "of y1": [0.141, 2.898, 7.389, 1, -5.94, -1.98, 2, 0, 1, 0, 0, 0],
    "of y2": [1, 2.197, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
}

# %% attempt="graphs.reverse" expect="wrong" mark=5.75 cause="a path or term dropped"
reverse = {
    "of y1": [0.141, 14.778, 7.389, 1, -5.94, -1.98, 2, 1, 1, 0, 0, 0],
    "of y2": [1, 2.197, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
}

# %% attempt="graphs.reverse" expect="wrong" mark=5.75 cause="another derivative, outputs added"
reverse = {
    "of y1": [0.141, 2.898, 7.389, 1, -5.94, -1.98, 2, 1, 1, 0, 0, 0],
    "of y2": [1.141, 5.095, 7.389, 1, -5.94, -1.98, 2, 1, 1, 1, 1, 1],
}

# %% [markdown]
# Compare with your tangents: the last rows there and the first rows here hold the same four derivatives of outputs in
# inputs. In between, the two tables answer different questions.
#
# ### Find the error in print: `graphs.print_reverse` (1 point)
#
# The same publication gives these adjoints of $y_1$ at $(2, 1)$:
#
# | row | printed | row | printed |
# |---|---|---|---|
# | $\bar v_{11}$ | $0$ | $\bar v_5$ | $2 \times \cos(v_5) = -1.980$ |
# | $\bar v_{10}$ | $0 \times 1 = 0$ | $\bar v_4$ | $-1.980 \times 3 = -5.940$ |
# | $\bar v_9$ | $0 \times 1 = 0$ | $\bar v_3$ | $1 \times 1 = 1$ |
# | $\bar v_8$ | $1$ | $\bar v_2$ | $1 \times e^{v_2} = 7.389$ |
# | $\bar v_7$ | $1 \times 1 = 0$ | $\bar v_1$ | $7.389 \times 2 + (-5.940) \times 2 v_1 + 0 + 0 = 2.898$ |
# | $\bar v_6$ | $1 \times v_0 = 2$ | $\bar v_0$ | $1 \times v_6 + 0 \times v_1 = 0.141$ |
#
# Which row has a wrong result? Answer with its name, for instance `"v3"`.

# %% answer="graphs.print_reverse"
print_reverse = None
### BEGIN SOLUTION
print_reverse = "v7"
### END SOLUTION

# %% check="graphs.print_reverse"
check("graphs.print_reverse", print_reverse)

# %% attempt="graphs.print_reverse" expect="right"
print_reverse = ["V7"]

# %% attempt="graphs.print_reverse" expect="wrong" because="v6 is right: it receives v7's true adjoint, times v0."
print_reverse = "v6"

# %% attempt="graphs.print_reverse" expect="wrong" because="cos(3) is negative, so this one is right."
print_reverse = "v5"

# %% attempt="graphs.print_reverse" expect="wrong" because="14.778 - 11.880 is 2.898."
print_reverse = "v1"

# %% [markdown]
# ### Exercise `graphs.why_printed` (3 points, in words)
#
# Both tables end in the right Jacobian. Say what went wrong on the way in each of them, how the end can be right
# nevertheless, and which check would have caught it without knowing the solution.

# %% [markdown] prose="graphs.why_printed"
# ### BEGIN SOLUTION
# In the table of tangents the minus sign of $\cos 3 = -0.990$ was lost: $v_6$ should be $-5.940$, and $v_7$, made
# from it, $-11.880$. In $v_8$ the sum was taken with the right sign again, since $14.778 - 11.880 = 2.898$, while
# $11.880 + 14.778$ would be $26.658$. In the table of adjoints $1 \times 1$ was printed as $0$; the rows after it use
# $1$.
#
# So the end is right because whoever computed it did not compute with the printed numbers: they were miscopied, not
# miscomputed. Nobody who *reads* the tables can follow them, though. To compare the two Jacobians does not help,
# since both are right. What finds the mistakes is to compute every row again from the printed rows that it is made of
# (the first odd row is the culprit), or to compare rows with difference quotients: nudge $x_2$ and see how $v_6$
# moves, $(\sin(3 \cdot 1.001^2) - \sin 3) / 0.001 \approx -5.95$; nudge $v_7$ and see how $y_1$ moves.
# ### END SOLUTION

# %% [markdown]
# ## 5. Both ways, at any point
#
# The point $(2, 1)$ is convenient, and treacherous. At $v_1 = 1$ one has $v_1^2 = v_1$, $2 v_1 = 2$ and $v_0 v_1 =
# v_0$, so somebody who believes that the derivative of $v_1^2$ is $2$ gets every number right. The picture shows
# $\partial y_1/\partial x_2$ along $x_1 = 2$ with the right rule and with that one: they agree just where we looked.

# %%
from matplotlib import pyplot as plt

x2 = np.linspace(0.8, 1.2, 200)
right = 2 * np.exp(2 * x2) + 2 * np.cos(3 * x2**2) * 3 * (2 * x2)
wrong = 2 * np.exp(2 * x2) + 2 * np.cos(3 * x2**2) * 3 * 2
figure, axes = plt.subplots(figsize=(6.4, 3.2))
axes.plot(x2, right, label="with $2\\,v_1$, the derivative of $v_1^2$")
axes.plot(x2, wrong, "--", label="with 2, which is wrong")
axes.plot([1.0], [2 * np.exp(2) + 12 * np.cos(3)], "o", color="black")
axes.set_xlabel("$x_2$")
axes.set_ylabel("$\\partial y_1/\\partial x_2$ at $x_1 = 2$")
axes.legend()
picture(figure, alt="Two curves over x2 from 0.8 to 1.2. They differ everywhere but at x2 = 1, which is marked.")

# %% [markdown]
# So from here on you are checked at other points as well.
#
# ### Exercise `graphs.walk_back` (4 points)
#
# Write the walk back over $f$ as code. Besides $x_1$ and $x_2$ it gets two numbers, `w[0]` and `w[1]`: start with
# $\bar v_8 = w_0$ and $\bar v_{11} = w_1$, and return $(\bar v_0, \bar v_1)$. With $w = (1, 0)$ this is the first row
# of the Jacobian, with $w = (0, 1)$ the second, with anything else that mixture of the two.


# %% answer="graphs.walk_back"
def walk_back(x1, x2, w):
    ### BEGIN SOLUTION
    v0, v1 = x1, x2
    v3, v5, v10 = np.exp(2 * v1), 3 * v1**2, 1 / (1 + np.exp(-v1))
    v6 = np.sin(v5)
    b8, b11 = w
    b9 = b10 = b11
    b3 = b7 = b8
    b6 = b7 * v0
    b5 = b6 * np.cos(v5)
    b4 = b5 * 3
    b2 = b3 * v3
    b1 = b2 * 2 + b4 * 2 * v1 + b9 * v0 + b10 * v10 * (1 - v10)
    b0 = b7 * v6 + b9 * v1
    return b0, b1
    ### END SOLUTION


# %% check="graphs.walk_back"
check("graphs.walk_back", walk_back)


# %% attempt="graphs.walk_back" expect="right"
def walk_back(x1, x2, w):
    s = 1 / (1 + np.exp(-x2))
    slope = 2 * np.exp(2 * x2) + 6 * x1 * x2 * np.cos(3 * x2**2)
    J = np.array([[np.sin(3 * x2**2), slope], [x2, x1 + s * (1 - s)]])
    return list(w @ J)


# %% attempt="graphs.walk_back" expect="wrong" mark=2 cause="wrong power"
def walk_back(x1, x2, w):
    s = 1 / (1 + np.exp(-x2))
    slope = 2 * np.exp(2 * x2) + 6 * x1 * np.cos(3 * x2**2)
    J = np.array([[np.sin(3 * x2**2), slope], [x2, x1 + s * (1 - s)]])
    return tuple(w @ J)


# %% attempt="graphs.walk_back" expect="wrong" unnamed="a mixture of columns where one of rows is asked"
def walk_back(x1, x2, w):
    s = 1 / (1 + np.exp(-x2))
    slope = 2 * np.exp(2 * x2) + 6 * x1 * x2 * np.cos(3 * x2**2)
    J = np.array([[np.sin(3 * x2**2), slope], [x2, x1 + s * (1 - s)]])
    return tuple(J @ w)


# %% attempt="graphs.walk_back" expect="wrong" mark=2 cause="a path or term dropped"
def walk_back(x1, x2, w):
    s = 1 / (1 + np.exp(-x2))
    J = np.array([[np.sin(3 * x2**2), 2 * np.exp(2 * x2)], [x2, x1 + s * (1 - s)]])
    return tuple(w @ J)


# %% attempt="graphs.walk_back" expect="wrong" mark=2 cause="sign of one term"
def walk_back(x1, x2, w):
    s = 1 / (1 + np.exp(-x2))
    slope = 2 * np.exp(2 * x2) - 6 * x1 * x2 * np.cos(3 * x2**2)
    J = np.array([[np.sin(3 * x2**2), slope], [x2, x1 + s * (1 - s)]])
    return tuple(w @ J)


# %% [markdown]
# ### Exercise `graphs.own_tables` (5 points)
#
# And now at a point of your own: the values, the tangents for $x_2$, the adjoints for $y_1$. Do not type 36 numbers.
# Write each row once, as code, and let Python fill in the columns; `np.round(..., 3)` rounds. Any form will do: a list
# of twelve rows of three, or an array, or a dictionary by rows or by columns.

# %% show="graphs.own_tables"
task = show("graphs.own_tables")
task

# %% answer="graphs.own_tables"
own_tables = None
### BEGIN SOLUTION
v0, v1, d0, d1 = task.given["x1"], task.given["x2"], 0, 1
v2, d2 = 2 * v1, 2 * d1
v3, d3 = np.exp(v2), np.exp(v2) * d2
v4, d4 = v1**2, 2 * v1 * d1
v5, d5 = 3 * v4, 3 * d4
v6, d6 = np.sin(v5), np.cos(v5) * d5
v7, d7 = v0 * v6, d0 * v6 + v0 * d6
v8, d8 = v3 + v7, d3 + d7
v9, d9 = v0 * v1, d0 * v1 + v0 * d1
v10 = 1 / (1 + np.exp(-v1))
d10 = v10 * (1 - v10) * d1
v11, d11 = v9 + v10, d9 + d10
b8, b9, b10, b11 = 1, 0, 0, 0
b3 = b7 = b8
b6 = b7 * v0
b5 = b6 * np.cos(v5)
b4 = b5 * 3
b2 = b3 * v3
b1 = b2 * 2 + b4 * 2 * v1 + b9 * v0 + b10 * v10 * (1 - v10)
b0 = b7 * v6 + b9 * v1
values = [v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11]
tangents = [d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, d10, d11]
adjoints = [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11]
own_tables = np.round(np.transpose([values, tangents, adjoints]), 3) + 0.0  # no -0.0
### END SOLUTION

# %% check="graphs.own_tables"
check("graphs.own_tables", own_tables)

# %% attempt="graphs.own_tables" expect="right"
x1, x2 = task.given["x1"], task.given["x2"]
e, u, g = np.exp(2 * x2), 3 * x2**2, 1 / (1 + np.exp(-x2))
sine, k = np.sin(u), np.cos(u)
slope = 2 * e + 6 * x1 * x2 * k
value = [x1, x2, 2 * x2, e, x2**2, u, sine, x1 * sine, e + x1 * sine, x1 * x2, g, x1 * x2 + g]
tangent = [0, 1, 2, 2 * e, 2 * x2, 6 * x2, 6 * x2 * k, 6 * x1 * x2 * k, slope, x1, g - g**2, x1 + g - g**2]
adjoint = [sine, slope, e, 1, 3 * x1 * k, x1 * k, x1, 1, 1, 0, 0, 0]
own_tables = {"value": value, "d/dx2": tangent, "of y1": adjoint}

# %% attempt="graphs.own_tables" expect="wrong" mark=4.8611 cause="another derivative"
x1, x2 = task.given["x1"], task.given["x2"]
e, u, g = np.exp(2 * x2), 3 * x2**2, 1 / (1 + np.exp(-x2))
sine, k = np.sin(u), np.cos(u)
slope = 2 * e + 6 * x1 * x2 * k
value = [x1, x2, 2 * x2, e, x2**2, u, sine, x1 * sine, e + x1 * sine, x1 * x2, g, x1 * x2 + g]
tangent = [0, 1, 2, 2 * e, 2 * x2, 6 * x2, 6 * x2 * k, 6 * x1 * x2 * k, slope, x2, g - g**2, x2 + g - g**2]
adjoint = [sine, slope, e, 1, 3 * x1 * k, x1 * k, x1, 1, 1, 0, 0, 0]
own_tables = np.round([value, tangent, adjoint], 3).T

# %% attempt="graphs.own_tables" expect="wrong" mark=4.8611 cause="inner derivative forgotten"
x1, x2 = task.given["x1"], task.given["x2"]
e, u, g = np.exp(2 * x2), 3 * x2**2, 1 / (1 + np.exp(-x2))
sine, k = np.sin(u), np.cos(u)
slope = 2 * e + 6 * x1 * x2 * k
value = [x1, x2, 2 * x2, e, x2**2, u, sine, x1 * sine, e + x1 * sine, x1 * x2, g, x1 * x2 + g]
tangent = [0, 1, 2, 2 * e, 2 * x2, 6 * x2, k, x1 * k, 2 * e + x1 * k, x1, g - g**2, x1 + g - g**2]
adjoint = [sine, slope, e, 1, 3 * x1 * k, x1 * k, x1, 1, 1, 0, 0, 0]
own_tables = np.round([value, tangent, adjoint], 3).T

# %% attempt="graphs.own_tables" expect="wrong" mark=4.8611 cause="sign"
x1, x2 = task.given["x1"], task.given["x2"]
e, u, g = np.exp(2 * x2), 3 * x2**2, 1 / (1 + np.exp(-x2))
sine, k = np.sin(u), np.cos(u)
slope = 2 * e + 6 * x1 * x2 * k
value = [x1, x2, 2 * x2, e, x2**2, u, sine, x1 * sine, e + x1 * sine, x1 * x2, g, x1 * x2 + g]
tangent = [0, 1, 2, 2 * e, 2 * x2, 6 * x2, 6 * x2 * k, 6 * x1 * x2 * k, slope, x1, g - g**2, x1 + g - g**2]
adjoint = [sine, 2 * e - 6 * x1 * x2 * k, e, 1, -3 * x1 * k, -x1 * k, x1, 1, 1, 0, 0, 0]
own_tables = np.round([value, tangent, adjoint], 3).T

# %% [markdown]
# ### Exercise `graphs.passes` (1 point)
#
# A function has 7 inputs and 3 outputs. How many passes over its list do its value, its Jacobian forwards, and its
# Jacobian backwards take?
#
# - **a**: 1 for the values, 7 forwards, 3 backwards
# - **b**: 1 for the values, 3 forwards, 7 backwards
# - **c**: 7 for the values, 7 forwards, 3 backwards
# - **d**: 1 for the values, 1 forwards, 1 backwards

# %% answer="graphs.passes"
passes = None
### BEGIN SOLUTION
passes = "a"
### END SOLUTION

# %% check="graphs.passes"
check("graphs.passes", passes)

# %% attempt="graphs.passes" expect="right"
passes = "(A)"

# %% attempt="graphs.passes" expect="wrong" because="Tangents belong to an input, adjoints to an output."
passes = "b"

# %% attempt="graphs.passes" expect="wrong" because="The values are the same for all columns; they are computed once."
passes = "c"

# %% attempt="graphs.passes" expect="wrong" because="One pass gives one column, or one row."
passes = "d"

# %% [markdown]
# ### A planted bug: `graphs.bug` (4 points)
#
# Somebody wrote a walk back, and one line of it is wrong.

# %% show="graphs.bug"
show("graphs.bug")

# %% [markdown]
# Hand in the number of that line, and the function with the line mended.


# %% answer="graphs.bug"
def gradient(x, y):
    a = x * y
    b = np.sin(x)
    c = a + b
    d = np.exp(a)
    c_bar = d
    d_bar = c
    a_bar = d * d_bar
    a_bar = c_bar
    b_bar = c_bar
    x_bar = y * a_bar
    y_bar = x * a_bar
    x_bar += np.cos(x) * b_bar
    return x_bar, y_bar


line = None
### BEGIN SOLUTION
line = 9


def gradient(x, y):
    a = x * y
    b = np.sin(x)
    c = a + b
    d = np.exp(a)
    c_bar = d
    d_bar = c
    a_bar = d * d_bar
    a_bar += c_bar
    b_bar = c_bar
    x_bar = y * a_bar
    y_bar = x * a_bar
    x_bar += np.cos(x) * b_bar
    return x_bar, y_bar


### END SOLUTION

# %% check="graphs.bug"
check("graphs.bug", gradient, line=line)

# %% attempt="graphs.bug" expect="right"
line = 9


def gradient(x, y):
    d = np.exp(x * y)
    c = x * y + np.sin(x)
    return y * d * (1 + c) + np.cos(x) * d, x * d * (1 + c)


# %% attempt="graphs.bug" expect="wrong" mark=2 because="Line 8 is right. What becomes of it?"
line = 8


def gradient(x, y):
    d = np.exp(x * y)
    c = x * y + np.sin(x)
    return y * d * (1 + c) + np.cos(x) * d, x * d * (1 + c)


# %% attempt="graphs.bug" expect="wrong" mark=2 because="x is used in a and in b; line 13 adds."
line = 13


def gradient(x, y):
    d = np.exp(x * y)
    c = x * y + np.sin(x)
    return y * d * (1 + c) + np.cos(x) * d, x * d * (1 + c)


# %% attempt="graphs.bug" expect="wrong" mark=2 cause="a path or term dropped"
line = 9


def gradient(x, y):
    d = np.exp(x * y)
    c = x * y + np.sin(x)
    return y * d * c + np.cos(x) * d, x * d * c


# %% [markdown]
# ## 6. Steps of any size
#
# What one step is, is up to us. A step may do several operations, if we know its local derivatives. Take
#
# $$ p(x, y) = \frac{6\,e^{-y}}{1 + x^2 + y^2} + 2 x^3 $$
#
# in four steps, of which the first three do not depend on each other:
#
# $$ z_1 = e^{-y}, \qquad z_2 = 1 + x^2 + y^2, \qquad z_3 = x^3, \qquad z_4 = \frac{6 z_1}{z_2} + 2 z_3 = p. $$
#
# **Example** of such a step: with $m = u^2 / w$ as a single node, $\partial m/\partial u = 2u/w$ and $\partial
# m/\partial w = -u^2/w^2$ are all that a walk back has to know of it. As data it is `{"m": "u**2 / w"}`; one arrow
# comes from $u$ and one from $w$. At $u = 3$, $w = 2$, with the local derivatives at the arrows:

# %%
u, w = 3.0, 2.0
print(f"m = {u**2 / w:g}")
step = [["u", "m", 0, f"{2 * u / w:g}"], ["w", "m", 1, f"{-(u**2) / w**2:g}"]]
Graph.from_data({"nodes": [{"id": "u"}, {"id": "w"}, {"id": "m", "label": "m = u**2 / w"}], "edges": step})

# %% [markdown]
# ### Exercise `graphs.toy_draw` (3 points)
#
# Draw the graph of $p$ with these four steps. The inputs are `x` and `y`, the output is `p`.

# %% answer="graphs.toy_draw"
toy_draw = None
### BEGIN SOLUTION
toy_draw = {"z1": "exp(-y)", "z2": "1 + x**2 + y**2", "z3": "x**3", "p": "6*z1/z2 + 2*z3"}
### END SOLUTION

# %% check="graphs.toy_draw"
check("graphs.toy_draw", toy_draw)

# %% attempt="graphs.toy_draw" expect="right"
toy_draw = {
    "nodes": ["x", "y", ["z1", "exp(-y)"], ["z2", "y**2 + x**2 + 1"], ["z3", "^3"], ["p", "2*z3 + 6*z1/z2"]],
    "edges": ["y -> z1", "x -> z2", "y -> z2", "x -> z3", "z1 -> p", "z2 -> p", "z3 -> p"],
}

# %% attempt="graphs.toy_draw" expect="wrong" cause="operation" mark=0.3
toy_draw = {"z1": "exp(y)", "z2": "1 + x**2 + y**2", "z3": "x**3", "p": "6*z1/z2 + 2*z3"}

# %% attempt="graphs.toy_draw" expect="wrong" cause="operation" mark=0.3
toy_draw = {"z1": "exp(-y)", "z2": "1 + x**2 + y**2", "z3": "x**3", "p": "6*z2/z1 + 2*z3"}

# %% attempt="graphs.toy_draw" expect="wrong" cause="edge, uses" mark=1.8
toy_draw = {"z1": "exp(-y)", "z2": "1 + x**2 + y**2", "p": "6*z1/z2 + 2*x**3"}

# %% attempt="graphs.toy_draw" expect="wrong" unnamed="it is no graph; the verdict says so"
toy_draw = {"z1": "exp(-y)", "z2": "1 + x**2 + y**2", "z3": "x**3", "p": "6*z1/z2 + 2*z4"}

# %% [markdown]
# ### Exercise `graphs.toy_table` (3 points)
#
# Values and adjoints of the four steps, at a point of your own.

# %% show="graphs.toy_table"
task = show("graphs.toy_table")
task

# %% answer="graphs.toy_table"
toy_table = None
### BEGIN SOLUTION
x, y = task.given["x"], task.given["y"]
z1, z2, z3 = np.exp(-y), 1 + x**2 + y**2, x**3
toy_table = {
    "value": np.round([z1, z2, z3, 6 * z1 / z2 + 2 * z3], 3),
    "adjoint": np.round([6 / z2, -6 * z1 / z2**2, 2, 1], 3),
}
### END SOLUTION

# %% check="graphs.toy_table"
check("graphs.toy_table", toy_table)

# %% attempt="graphs.toy_table" expect="right"
x, y = task.given["x"], task.given["y"]
z1, z2, z3 = round(np.exp(-y), 3), round(1 + x**2 + y**2, 3), round(x**3, 3)
toy_table = {
    "z4": (round(6 * z1 / z2 + 2 * z3, 3), 1),
    "z3": (z3, 2),
    "z2": (z2, round(-6 * z1 / z2**2, 3)),
    "z1": (z1, round(6 / z2, 3)),
}

# %% attempt="graphs.toy_table" expect="wrong" mark=2.625 cause="sign"
x, y = task.given["x"], task.given["y"]
z1, z2, z3 = np.exp(-y), 1 + x**2 + y**2, x**3
toy_table = {
    "value": np.round([z1, z2, z3, 6 * z1 / z2 + 2 * z3], 3),
    "adjoint": np.round([6 / z2, 6 * z1 / z2**2, 2, 1], 3),
}

# %% attempt="graphs.toy_table" expect="wrong" mark=2.625 cause="inner derivative forgotten"
x, y = task.given["x"], task.given["y"]
z1, z2, z3 = np.exp(-y), 1 + x**2 + y**2, x**3
toy_table = {
    "value": np.round([z1, z2, z3, 6 * z1 / z2 + 2 * z3], 3),
    "adjoint": np.round([6 / z2, -6 * z1 / z2**2, 1, 1], 3),
}

# %% attempt="graphs.toy_table" expect="wrong" mark=2.625 cause="the value instead of its derivative"
x, y = task.given["x"], task.given["y"]
z1, z2, z3 = np.exp(-y), 1 + x**2 + y**2, x**3
toy_table = {
    "value": np.round([z1, z2, z3, 6 * z1 / z2 + 2 * z3], 3),
    "adjoint": np.round([6 / z2, -6 * z1 / z2**2, z3, 1], 3),
}

# %% [markdown]
# ### Exercise `graphs.toy_gradient` (3 points)
#
# Return $\partial p/\partial x$ and $\partial p/\partial y$ as a tuple. Walk back over the four steps; write $\bar x$
# and $\bar y$ with the adjoints of the $z$'s and with values that are there already, so that only one exponential is
# computed.


# %% answer="graphs.toy_gradient"
def toy_gradient(x, y):
    ### BEGIN SOLUTION
    z1 = np.exp(-y)
    z2 = 1 + x**2 + y**2
    z1_bar, z2_bar, z3_bar = 6 / z2, -6 * z1 / z2**2, 2
    return z2_bar * 2 * x + z3_bar * 3 * x**2, z1_bar * -z1 + z2_bar * 2 * y
    ### END SOLUTION


# %% check="graphs.toy_gradient"
check("graphs.toy_gradient", toy_gradient)


# %% attempt="graphs.toy_gradient" expect="right"
def toy_gradient(x, y):
    n = 1 + x * x + y * y
    return 6 * x**2 - 12 * x * np.exp(-y) / n**2, -6 * np.exp(-y) * (n + 2 * y) / n**2


# %% attempt="graphs.toy_gradient" expect="wrong" cause="a path or term dropped"
def toy_gradient(x, y):
    z1, z2 = np.exp(-y), 1 + x**2 + y**2
    return 6 * x**2, -6 * z1 / z2


# %% attempt="graphs.toy_gradient" expect="wrong" mark=1.5 cause="sign of one term"
def toy_gradient(x, y):
    z1, z2 = np.exp(-y), 1 + x**2 + y**2
    return 6 * x**2 - 12 * x * z1 / z2**2, 6 * z1 / z2 - 12 * y * z1 / z2**2


# %% attempt="graphs.toy_gradient" expect="wrong" cause="quotient rule misapplied"
def toy_gradient(x, y):
    z1, z2 = np.exp(-y), 1 + x**2 + y**2
    return 6 * x**2 + 12 * x * z1 / z2**2, -6 * z1 / z2 + 12 * y * z1 / z2**2


# %% attempt="graphs.toy_gradient" expect="wrong" cause="blocks exchanged"
def toy_gradient(x, y):
    z1, z2 = np.exp(-y), 1 + x**2 + y**2
    return -6 * z1 / z2 - 12 * y * z1 / z2**2, 6 * x**2 - 12 * x * z1 / z2**2


# %% [markdown]
# ### Find the error in print: `graphs.print_toy` (1 point)
#
# A published solution was to use $x$, $y$ and the $z$'s as they are computed already, and says
#
# $$ \frac{\partial z_4}{\partial y} = -12\,y\,\frac{z_1}{z_2^2} - 6\,\frac{e^{-y}}{z_2}. $$
#
# What is wrong with it?
#
# - **a**: its value is wrong: a sign is missing
# - **b**: its value is right, but it computes again what is stored already
# - **c**: its value is wrong: the path by way of $z_2$ is missing
# - **d**: its value is right at $y = 0$ only

# %% answer="graphs.print_toy"
print_toy = None
### BEGIN SOLUTION
print_toy = "b"
### END SOLUTION

# %% check="graphs.print_toy"
check("graphs.print_toy", print_toy)

# %% attempt="graphs.print_toy" expect="right"
print_toy = ["b"]

# %% attempt="graphs.print_toy" expect="wrong" because="Compare it with your own function."
print_toy = "a"

# %% attempt="graphs.print_toy" expect="wrong" because="The first term is the path by way of z2."
print_toy = "c"

# %% attempt="graphs.print_toy" expect="wrong" because="Try it at another y: the value is right everywhere."
print_toy = "d"

# %% [markdown]
# One exponential more or less is nothing. But a long computation in which every derivative computes its values again
# can take many times as long; the whole economy of backpropagation is that values are stored on the way there and
# used on the way back. The package counts what really runs, for the formula as printed and with the stored value:


# %%
def as_printed(x, y):
    z1, z2 = np.exp(-y), 1 + x**2 + y**2
    return -12 * y * z1 / z2**2 - 6 * np.exp(-y) / z2


def with_stored_values(x, y):
    z1, z2 = np.exp(-y), 1 + x**2 + y**2
    return -12 * y * z1 / z2**2 - 6 * z1 / z2


for function in (as_printed, with_stored_values):
    _, counts = autodiff.counted(function, 0.7, 0.3)
    print(f"{function.__name__:20} exponentials: {counts.transcendental}")

# %% [markdown]
# ## 7. Sums over paths
#
# The adjoints add up something. Follow one contribution from the output back to an input: at every arrow it is
# multiplied by a local derivative. So each **path** contributes the product of the local derivatives along it, and
# the derivative is the sum over all paths. For the example $q$ there are two from $s$ to the output, over the product
# and over the sine. They are highlighted here:

# %%
draw.graph(q, 0.5, 3.0).highlight("s")

# %% [markdown]
# Their products are $t \cdot 1$ and $\cos s \cdot 1$. With numbers, and the derivative beside them:

# %%
products = [3.0 * 1, np.cos(0.5) * 1]
print(f"{products[0]:.3f} + {products[1]:.3f} = {sum(products):.3f}")
print(f"autodiff says  {autodiff.grad(q)(0.5, 3.0):.3f}")

# %% [markdown]
# This holds in every graph without cycles: nothing in it needs a chain, or a tree.
#
# ### Exercise `graphs.paths_sum` (3 points)
#
# A graph of your own, with numbers for local derivatives. You may list the paths, or write $\bar l = 1$ at $l$ and
# work your way back from node to node.

# %% show="graphs.paths_sum"
task = show("graphs.paths_sum")
task

# %%
arrows = [[tail, head, 0, str(slope)] for tail, head, slope in task.given["edges"]]
Graph.from_data({"nodes": [{"id": name, "op": name} for name in task.given["nodes"]], "edges": arrows})

# %% answer="graphs.paths_sum"
paths_sum = None
### BEGIN SOLUTION
bar = {name: int(name == "l") for name in task.given["nodes"]}
for name in reversed(task.given["nodes"][:-1]):
    bar[name] = sum(slope * bar[head] for tail, head, slope in task.given["edges"] if tail == name)
paths_sum = bar["x"]
### END SOLUTION

# %% check="graphs.paths_sum"
check("graphs.paths_sum", paths_sum)


# %% attempt="graphs.paths_sum" expect="right"
def over_paths(name):
    if name == "l":
        return 1
    return sum(slope * over_paths(head) for tail, head, slope in task.given["edges"] if tail == name)


paths_sum = float(over_paths("x"))

# %% attempt="graphs.paths_sum" expect="wrong" cause="a known mistake"
bar = {name: int(name == "l") for name in task.given["nodes"]}
for tail, head, slope in sorted(task.given["edges"], key=lambda edge: -task.given["nodes"].index(edge[1])):
    bar[tail] = slope * bar[head]
paths_sum = bar["x"]

# %% attempt="graphs.paths_sum" expect="wrong" cause="a known mistake"
ways = {"l": 1}
for name in reversed(task.given["nodes"][:-1]):
    ways[name] = sum(ways[head] for tail, head, _ in task.given["edges"] if tail == name)
paths_sum = ways["x"]

# %% attempt="graphs.paths_sum" expect="wrong" cause="sign"
bar = {name: int(name == "l") for name in task.given["nodes"]}
for name in reversed(task.given["nodes"][:-1]):
    bar[name] = sum(slope * bar[head] for tail, head, slope in task.given["edges"] if tail == name)
paths_sum = -bar["x"]

# %% [markdown]
# ### Exercise `graphs.walk` (4 points)
#
# Now once and for all. A graph has $n$ nodes in order, and `D[i, j]` is the local derivative of node $i$ in node $j$;
# it is 0 where $i$ does not use $j$, and $j < i$ wherever it does. Return the adjoints of all nodes with respect to
# the last one, as an array of length $n$.
#
# The second argument `e` says what "nudging one value" means: node $i$ is $v_i = e_i + \sum_j D_{ij} v_j$, and $\bar
# v_i$ is the derivative of $v_{n-1}$ in $e_i$. You need nothing of it but its length. **Example**, for $q$ at $(0.5,
# 3)$:


# %%
D_of_q = np.zeros((5, 5))
D_of_q[2, 0], D_of_q[2, 1], D_of_q[3, 0], D_of_q[4, 2], D_of_q[4, 3] = 3.0, 0.5, np.cos(0.5), 1.0, 1.0
print(np.round(D_of_q, 3))
print("adjoints:", *(f"{row.derivatives['adjoint']:.3f}" for row in draw.table(q, 0.5, 3.0).rows))

# %% [markdown]
# The last line is what your function is to return for this matrix.


# %% answer="graphs.walk"
def walk(D, e):
    ### BEGIN SOLUTION
    n = len(e)
    bar = np.zeros(n)
    bar[-1] = 1.0
    for i in reversed(range(n)):
        for j in range(i):
            bar[j] += D[i, j] * bar[i]
    return bar
    ### END SOLUTION


# %% check="graphs.walk"
check("graphs.walk", walk)


# %% attempt="graphs.walk" expect="right"
def walk(D, e):
    last = np.zeros(len(e))
    last[-1] = 1
    return np.linalg.solve(np.eye(len(e)) - D.T, last)


# %% attempt="graphs.walk" expect="right"
def walk(D, e):
    row = np.zeros(len(e))
    row[-1] = 1
    total = row
    for _ in range(len(e)):
        row = row @ D
        total = total + row
    return total


# %% attempt="graphs.walk" expect="wrong" cause="a path or term dropped"
def walk(D, e):
    n = len(e)
    bar = np.zeros(n)
    bar[-1] = 1.0
    for i in reversed(range(n)):
        for j in range(i):
            if D[i, j] != 0:
                bar[j] = D[i, j] * bar[i]
    return bar


# %% attempt="graphs.walk" expect="wrong" cause="off by one"
def walk(D, e):
    n = len(e)
    bar = [1.0]
    for i in reversed(range(n - 1)):
        bar.append(sum(D[k, i] * bar[n - 1 - k] for k in range(i + 1, n)))
    return np.array(bar)


# %% attempt="graphs.walk" expect="wrong" cause="zeros"
def walk(D, e):
    n = len(e)
    bar = np.zeros(n)
    for i in reversed(range(n)):
        for j in range(i):
            bar[j] += D[i, j] * bar[i]
    return bar


# %% attempt="graphs.walk" expect="wrong" cause="sign"
def walk(D, e):
    last = np.zeros(len(e))
    last[-1] = 1
    return np.linalg.solve(D.T - np.eye(len(e)), last)


# %% [markdown]
# ### An experiment: why nobody lists the paths
#
# Consider the ladder $v_{k+1} = v_k + \sin v_k$, with $v_0 = x$ and $20$ rungs. Every rung uses the value before it
# twice, directly and in the sine.
#
# ### Prediction `graphs.guess_paths` (1 point)
#
# On how many paths does $x$ reach $v_{20}$?

# %% answer="graphs.guess_paths"
guess_paths = None
### BEGIN SOLUTION
guess_paths = 2**20
### END SOLUTION

# %% check="graphs.guess_paths"
predict("graphs.guess_paths", guess_paths)

# %% attempt="graphs.guess_paths" expect="right"
guess_paths = 40

# %% attempt="graphs.guess_paths" expect="wrong"
guess_paths = "2^20"

# %% attempt="graphs.guess_paths" expect="wrong"
guess_paths = -1

# %% attempt="graphs.guess_paths" expect="wrong"
guess_paths = float("inf")

# %%
reveal("graphs.guess_paths")


# %%
def ladder(rungs):
    def climb(x):
        for _ in range(rungs):
            x = x + np.sin(x)
        return x

    return climb


rungs = list(range(1, 21))
paths = [2**k for k in rungs]
multiplications = [autodiff.Cost(ladder(k), 0.3).vjp.propagate for k in rungs]
figure, axes = plt.subplots(figsize=(6.4, 3.2))
axes.semilogy(rungs, paths, "o-", label="paths from $x$ to the last rung")
axes.semilogy(rungs, multiplications, "s-", label="multiply-adds of the walk back")
axes.set_xlabel("rungs")
axes.set_xticks(range(0, 21, 5))
axes.legend()
picture(
    figure,
    alt="Over 1 to 20 rungs, on a logarithmic axis, the paths double with every rung up to about a million; "
    "the multiply-adds of the walk back grow from 3 to 60.",
)

# %% [markdown]
# The walk back is the sum over all paths, with common parts multiplied out once: at every node the contributions are
# added *before* they go on. That is why a value's adjoint must be complete before it is passed on, and why
# overwriting instead of adding is such a bad bug: it leaves one path of many.
#
# ## 8. The gradient is a graph, too
#
# What computes the gradient are products and sums, so they can be drawn into the same graph. **Example.** For $q$,
# the computation runs down on one side, and the gradient back up beside it:

# %%
draw.gradient_graph(q, 0.5, 3.0)

# %% [markdown]
# Note the arrows from values into the gradient: $\cos s$ needs $s$, the product needs $t$. This is why a framework
# keeps values of the forward pass in memory until the walk back is over. And since the extended graph is a graph, it
# can be differentiated again.
#
# ### Exercise `graphs.extended` (3 points)
#
# For a chain $h_1 \to h_2 \to l$ of your own:

# %% show="graphs.extended"
task = show("graphs.extended")
task

# %% answer="graphs.extended"
extended = None
### BEGIN SOLUTION
of_h1 = {"sin(h1)": "cos(h1)", "h1**3": "3*h1**2"}
of_h2 = {"h2**2": "2*h2", "cos(h2)": "-sin(h2)", "exp(2*h2)": "2*exp(2*h2)"}
extended = {
    "h2": task.given["h2"],
    "l": task.given["l"],
    "dl_dh2": of_h2[task.given["l"]],
    "dh2_dh1": of_h1[task.given["h2"]],
    "dl_dh1": "dl_dh2 * dh2_dh1",
}
### END SOLUTION

# %% check="graphs.extended"
check("graphs.extended", extended)

# %% attempt="graphs.extended" expect="right"
of_h1 = {"sin(h1)": "cos(h1)", "h1**3": "h1**2 * 3"}
of_h2 = {"h2**2": "h2 * 2", "cos(h2)": "0 - sin(h2)", "exp(2*h2)": "exp(h2 * 2) * 2"}
g, k = of_h2[task.given["l"]], of_h1[task.given["h2"]]
extended = f"h2 = {task.given['h2']}; l = {task.given['l']}; g = {g}; k = {k}; dl_dh1 = k * g"

# %% attempt="graphs.extended" expect="wrong" cause="argument" mark=1.05
of_h1 = {"sin(h1)": "cos(h1)", "h1**3": "3*h1**2"}
of_h2 = {"h2**2": "2*h1", "cos(h2)": "-sin(h1)", "exp(2*h2)": "2*exp(2*h1)"}
extended = {"h2": task.given["h2"], "l": task.given["l"], "g": of_h2[task.given["l"]], "k": of_h1[task.given["h2"]]}
extended["dl_dh1"] = "g * k"

# %% attempt="graphs.extended" expect="wrong" cause="operation" mark=1.05
of_h1 = {"sin(h1)": "cos(h1)", "h1**3": "3*h1**2"}
of_h2 = {"h2**2": "2*h2", "cos(h2)": "-sin(h2)", "exp(2*h2)": "2*exp(2*h2)"}
extended = {"h2": task.given["h2"], "l": task.given["l"], "g": of_h2[task.given["l"]], "k": of_h1[task.given["h2"]]}
extended["dl_dh1"] = "g + k"

# %% attempt="graphs.extended" expect="wrong" cause="uses" mark=1.05
of_h2 = {"h2**2": "2*h2", "cos(h2)": "-sin(h2)", "exp(2*h2)": "2*exp(2*h2)"}
extended = {"h2": task.given["h2"], "l": task.given["l"], "dl_dh1": of_h2[task.given["l"]]}

# %% [markdown]
# ## 9. Graphs over vectors
#
# In a network one node per number would be hopeless. A node may hold a whole vector: the arrows stay, a local
# derivative is then a Jacobian, and $\bar u = \sum_v \big(\frac{\partial v}{\partial u}\big)^{\!\top} \bar v$.
# **Example.** A layer with a squared error, $z = Wx$, $E = \tfrac12 \lVert z - s \rVert^2$:


# %%
s = np.array([1.0, 0.0, 2.0])


def layer(W, x):
    z = W @ x
    return 0.5 * np.sum((z - s) ** 2)


W, x = np.array([[1.0, 0.0, 2.0, -1.0, 1.0], [0.0, 1.0, 1.0, 0.0, -2.0], [2.0, 1.0, 0.0, 1.0, 0.0]]), np.arange(5.0)
draw.graph(layer, W, x)

# %%
z = W @ x
z_bar = z - s
x_bar = W.T @ z_bar
print("z =", z, " its adjoint =", z_bar)
print("the adjoint of x =", x_bar, " autodiff says", autodiff.grad(layer, 1)(W, x))

# %% [markdown]
# In the picture every operation on arrays is a node of its own. The walk back needs $\bar z = z - s$ and $\bar x =
# W^\top \bar z$, since $\partial z/\partial x = W$. For a plan of a network one draws larger steps: as data, and
# with `@` for products of matrices, the same could be `{"z": "W @ x", "E": "sum((z - s)**2) / 2"}`.
#
# ### Exercise `graphs.network` (3 points)
#
# A network with one hidden layer, whose loss contains a regulariser on the hidden values:
#
# $$ z = W_1 x + b_1, \quad h = \sigma(z), \quad y = W_2 h + b_2, \quad
# E = \tfrac12 \lVert y - s \rVert^2, \quad R = r^\top h, \quad L = E + R. $$
#
# Draw the graph over the vectors, with nodes `z`, `h`, `y`, `E`, `R` and `L`. The inputs are `x`, `W1`, `b1`, `W2`,
# `b2`, `s` and `r`; the output is `L`. Useful: `@`, `sigmoid`, `sum`, `dot`.

# %% answer="graphs.network"
network = None
### BEGIN SOLUTION
network = {
    "z": "W1 @ x + b1",
    "h": "sigmoid(z)",
    "y": "W2 @ h + b2",
    "E": "sum((y - s)**2) / 2",
    "R": "dot(r, h)",
    "L": "E + R",
}
### END SOLUTION

# %% check="graphs.network"
check("graphs.network", network)

# %% attempt="graphs.network" expect="right"
network = """
pre = b1 + W1 @ x; hidden = σ(pre); out = b2 + W2 @ hidden; error = 0.5 * sum((s - out)**2)
penalty = sum(r * hidden); L = penalty + error
"""

# %% attempt="graphs.network" expect="wrong" cause="argument" mark=0.3
network = """
z = W1 @ x + b1; h = sigmoid(z); y = W2 @ h + b2; E = sum((y - s)**2) / 2; R = dot(r, z); L = E + R
"""

# %% attempt="graphs.network" expect="wrong" cause="operation" mark=0.675
network = """
z = W1 @ x + b1; h = sigmoid(z); y = W2 @ h + b2; E = sum((y - s)**2); R = dot(r, h); L = E + R
"""

# %% attempt="graphs.network" expect="wrong" cause="failed, operation" mark=0.3
network = """
z = x @ W1 + b1; h = sigmoid(z); y = W2 @ h + b2; E = sum((y - s)**2) / 2; R = dot(r, h); L = E + R
"""

# %% attempt="graphs.network" expect="wrong" cause="path, uses" mark=0.3
network = {"z": "W1 @ x + b1", "h": "sigmoid(z)", "y": "W2 @ h + b2", "L": "sum((y - s)**2) / 2"}

# %% [markdown]
# Here, too, $h$ is used twice, so two contributions arrive at $\bar h$, one by way of $y$ and one by way of $R$.
# Sheet 4 walks all the way back through this network.
#
# ## What to take along
#
# - A computation is a list of single steps; drawn, it is a graph without cycles. A value that is used twice is one
#   node.
# - Tangents go down the list, one table per input, a column of the Jacobian each. Adjoints go up, one table per
#   output, a row each. Values are computed once.
# - An adjoint is the sum over all uses. Start each walk with empty adjoints; add, never overwrite.
# - The derivative is a sum over paths; the walk back adds them up without ever listing them.
# - Points with 0, 1 or 2 in them hide mistakes. Check somewhere else, and check one mode against the other.
# - What computes a gradient is a graph, too.

# %%
progress()
