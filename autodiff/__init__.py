"""Derivatives of plain NumPy code.

A computation is a list, and every derivative is a walk over that list. Write a function in NumPy; differentiate it:

    >>> import numpy as np
    >>> from autodiff import contract, grad, record, structured_jacobian
    >>> def f(x):
    ...     return np.sum(np.sin(x) * x)
    >>> grad(f)(np.array([0.0, 1.0]))
    array([0.        , 1.38177329])

What happened is a list of lines, each using only earlier ones (a Wengert list), and can be read:

    >>> tape, y = record(f, np.array([0.0, 1.0]))
    >>> print(tape)
    v0 = input (2,)
    v1 = sin(v0)
    v2 = multiply(v1, v0)
    v3 = sum(v2, axis=(0,), keepdims=False)

Going up that list gives the derivatives of one number in all variables (reverse mode); carrying a tangent along while
going down gives the derivatives of everything in one direction (forward mode).

    grad(f, argnums=0)            the gradient of a number: same shape and dtype as the argument
    value_and_grad(f, argnums=0)  the value with it
    vjp(f, *primals)              (value, pullback), pullback(w) = w^T J
    jvp(f, primals, tangents)     (value, J v), without a list
    jacobian(f, argnums=0)        the output's axes first, then the input's; all rows, or all columns, in one walk
    hessian(f), hvp(f, x, v)      second derivatives, whole or times a vector
    record(f, *args)              (tape, output); `backward` walks it and shows every adjoint
    show.table, show.graph, ...   the list as a table with tangents and adjoints, as a picture, one step at a time
    gradient_source(f, *example)  the gradient as NumPy code to read; tangent_source; autodiff.source (of any f)
    autodiff.compile(f, *example) a fast function with the results of f, from such code (not in `import *`)

All of them nest, in any order: grad(grad(f)), jvp of grad, grad of jvp. `record(grad(f), x)` is the gradient as a list.
Functions take arrays as positional arguments and return one array. Integers given as arguments count as float64;
float32 stays float32; an unused argument has gradient 0.

Jacobians have more axes than matrices, and most of them are mostly zeros:

    >>> structured_jacobian(np.tanh)(np.zeros((2, 3)))
    <Diagonal Jacobian of shape (2, 3) + (2, 3)>
    >>> W = np.ones((3, 4))
    >>> J = structured_jacobian(lambda X: X @ W)(np.zeros((2, 3)))
    >>> J
    <Kronecker Jacobian of shape (2, 4) + (2, 3)>
    >>> contract(J.dense(), "n out m in", np.ones((2, 3)), "m in", over="m in").shape
    (2, 4)

    structured_jacobian(f)        Diagonal, Kronecker or Dense, each with dense() and matrix()
    contract(a, "i j", b, "j k", over="j")   sums over axes by their names; over="" is the outer product
    vec(x), unvec(v, shape), vec_jacobian(J, out_ndim)   by rows, or with order="column" by columns

What a derivative costs is a count, the same on every machine:

    Cost(f, *args)                print it: operations, passes and memory of f, its gradient, Jacobian and Hessian
    counted(f, *args)             (value, counts) of any code, derivatives among it, by what runs
    scalar_graph(f, *args)        the graph of single numbers; eliminate(graph, order) is its Jacobian, and the price
    sparse_jacobian(f, x)         one pass per colour of the sparsity pattern; colour(pattern) finds the colours
    checkpointed(steps, x)        the gradient of a chain in the memory of a square root

Second derivatives of networks, in one walk that carries a gradient and a curvature together (docs/curvature.md):

    hessian_diagonal(f, argnums)  exact; becker_lecun, hesscale(keep=q), low_rank and gauss_newton_diagonal approximate
                                  it and say what they left out; hutchinson and xdiag estimate it; compare says how well
    hessian_matrix, neuron_blocks the whole Hessian of all argnums, and its blocks that belong to one neuron each

What NumPy lacks: sigmoid, softplus, relu, softmax, log_softmax, logsumexp, and the losses half_squared_error, mse,
cross_entropy and linear_regulariser. What has no derivative, or no rule, is refused with a `RefusalError` (a TypeError)
that says what to write instead.

Two things no message can catch. A plain array that was used in a traced operation must not be changed in place before
the derivative is taken: the list holds the array itself, not a copy. And `y += 1` gives the name y to a new traced
array, as it does for numbers: another name for the old array keeps the old values.

Where to read on: `rule.py` (what a rule is), `rules.py` and `linalg.py` (all formulas), `composed.py` (what is defined
by them), `tape.py` (how a list comes about), `modes.py` (the walks), `batch.py`, `jacobian.py`, `tensors.py`,
`curvature.py`, `cost.py`, `elimination.py`; `symbols.py`, `writer.py` and `code.py` (a list turned back into code);
`testing.py` is what a new row of the table is checked for.
"""

import importlib
from typing import Any

from autodiff import linalg as linalg
from autodiff.functions import (
    cross_entropy,
    half_squared_error,
    linear_regulariser,
    log_softmax,
    logsumexp,
    mse,
    relu,
    sigmoid,
    softmax,
    softplus,
)
from autodiff.jacobian import hessian, jacobian
from autodiff.modes import backward, grad, hvp, jvp, project, record, value_and_grad, vjp
from autodiff.rule import TABLE, Rule
from autodiff.tape import Line, RefusalError, Tape, Var
from autodiff.tensors import Dense, Diagonal, Kronecker, contract, structured_jacobian, unvec, vec, vec_jacobian

__all__ = [
    "TABLE",
    "Cost",
    "Counts",
    "Curvature",
    "Dense",
    "Diagonal",
    "Kronecker",
    "Line",
    "NotLayeredError",
    "RefusalError",
    "Rule",
    "ScalarGraph",
    "Tape",
    "Var",
    "backward",
    "becker_lecun",
    "checkpointed",
    "colour",
    "columns",
    "compare",
    "contract",
    "counted",
    "cross_entropy",
    "crossover",
    "eliminate",
    "gauss_newton_diagonal",
    "grad",
    "gradient_source",
    "half_squared_error",
    "hesscale",
    "hessian",
    "hessian_diagonal",
    "hessian_matrix",
    "hutchinson",
    "hvp",
    "jacobian",
    "jvp",
    "linear_regulariser",
    "log_softmax",
    "logsumexp",
    "low_rank",
    "mse",
    "neuron_blocks",
    "project",
    "propagations",
    "record",
    "relu",
    "scalar_graph",
    "show",
    "sigmoid",
    "softmax",
    "softplus",
    "sparse_jacobian",
    "structured_jacobian",
    "tangent_source",
    "unvec",
    "value_and_grad",
    "vec",
    "vec_jacobian",
    "vjp",
    "xdiag",
]


# The other walks are read in when they are first asked for: whoever only differentiates need not wait for them.
LATER = {
    "checkpoint": "checkpointed",
    "code": "compile gradient_source source tangent_source",
    "cost": "Cost Counts counted crossover",
    "curvature": """Curvature NotLayeredError becker_lecun gauss_newton_diagonal hesscale hessian_diagonal low_rank
        neuron_blocks""",
    "elimination": "ScalarGraph colour eliminate propagations scalar_graph sparse_jacobian",
    "probing": "columns compare hessian_matrix hutchinson xdiag",
    "show": "",
}


def __getattr__(name: str) -> Any:
    for module, names in LATER.items():
        if name == module or name in names.split():
            found = importlib.import_module(f"autodiff.{module}")
            return found if name == module else getattr(found, name)
    raise AttributeError(f"module 'autodiff' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *LATER})
