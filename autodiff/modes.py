"""The walks over the list, and the gate every derivative passes.

reverse mode  `backward` goes up a recorded list and carries adjoints: the cost of a few evaluations for the gradient of
              one number in any number of variables (Griewank & Walther 2008, section 3.2), the memory of the list.
forward mode  `Dual` carries a tangent beside each value while the function runs (section 3.1):
              one direction per run, and no list.

Both are pure: they return derivatives and store none. Where a walk has not been, the adjoint is None, which is not 0.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.rule import Args, Array, Params, Rule, call
from autodiff.tape import LEVELS, RefusalError, Tape, Traced, Var, strip


def project(g: Array, like: Array) -> Array:
    """The gate: the adjoint g as one of `like`, with its shape and its dtype.

    A variable that was broadcast was used many times: its adjoint is the sum over the axes along which it was repeated.
    Every adjoint passes here, hence no rule has to un-broadcast. Raises ValueError if no sum can give the shape.
    """
    if g.shape != like.shape:
        g = summed_to(g, like.shape)
    return g if g.dtype is like.dtype else cast(g, like)


def cast(g: Array, like: Array) -> Array:
    """g in the dtype of like; raises RefusalError for a complex g, whose imaginary part would be lost in silence."""
    if g.dtype.kind == "c":
        raise RefusalError(
            "a complex array met a traced one, and only real numbers can be differentiated.\n"
            "Compute with the real and the imaginary part as two arrays."
        )
    return g if g.dtype == like.dtype else g.astype(like.dtype)


def summed_to(g: Array, shape: tuple[int, ...]) -> Array:
    """g summed over the axes that broadcasting added to, or stretched in, an array of this shape."""
    extra = g.ndim - len(shape)
    if extra > 0:
        g = g.sum(axis=tuple(range(extra)))
        if g.shape == shape:
            return g
    stretched = tuple(i for i, (n, m) in enumerate(zip(shape, g.shape, strict=False)) if n == 1 and m != 1)
    if stretched:
        g = g.sum(axis=stretched, keepdims=True)
    if g.shape != shape:
        raise ValueError(f"an adjoint of shape {g.shape} does not belong to a value of shape {shape}: a rule is wrong")
    return g


def spread(t: Array, like: Array) -> Array:
    """The same gate for tangents: t as a tangent of `like`. A tangent is broadcast where an adjoint is summed."""
    if t.shape != like.shape:
        t = np.broadcast_to(t, like.shape)
    return t if t.dtype is like.dtype and t.dtype.kind != "c" else cast(t, like)


def lift(x: Any, what: str) -> Array:
    """Argument x as something that can be differentiated with respect to: an array or NumPy scalar of floats.

    Integers and booleans become float64: grad(f)(3) means what it says. Raises RefusalError for what is not an
    array of real numbers; `what` is how the message calls it.
    """
    if isinstance(x, Traced):
        return x
    if hasattr(x, "lifted"):  # a step of a computation being written down
        return x.lifted(what)
    if isinstance(x, dict) or (
        isinstance(x, (list, tuple)) and any(isinstance(e, (np.ndarray, Traced, dict)) for e in x)
    ):
        raise RefusalError(
            f"{what} is a {type(x).__name__} of arrays, not one array. Join them with np.stack or np.concatenate, or\n"
            "pass them as separate arguments and choose with argnums: grad(f, argnums=(0, 1))(W, b)."
        )
    array = np.asarray(x)
    if array.dtype.kind in "iub":
        array = array.astype(np.float64)
    if array.dtype.kind != "f":
        raise RefusalError(
            f"{what} is {'of type ' + type(x).__name__ if array.dtype.kind == 'O' else f'of dtype {array.dtype}'}, and "
            "only real numbers can be differentiated.\n"
            "Split complex numbers into real and imaginary parts; leave other arguments out of argnums."
        )
    return array if array.ndim else array[()]


def trace(f: Callable[..., Any], args: Sequence[Any], argnums: Sequence[int]) -> tuple[Tape, Any]:
    """f(*args) with the arguments argnums recorded as lines 0, 1, ... of a new tape, and the array that f returned."""
    tape, y = traced(f, args, argnums)
    return tape, single(y)


def traced(f: Callable[..., Any], args: Sequence[Any], argnums: Sequence[int]) -> tuple[Tape, Any]:
    """As `trace`, with whatever f returned."""
    tape = Tape()
    inputs = list(args)
    for i in argnums:
        inputs[i] = tape.input(lift(args[i], f"argument {i}"))
    try:
        return tape, f(*inputs)
    except ValueError as error:
        raise advice(error) from None
    finally:
        tape.finish()


def advice(error: ValueError) -> Exception:
    """The refusal that NumPy wraps in an error of its own where a traced number is assigned to an entry, a[i] = x."""
    return error.__cause__ if isinstance(error.__cause__, RefusalError) else error


def single(y: Any) -> Any:
    """y, if it is one array; raises RefusalError for a tuple, an object or nothing at all."""
    if not hasattr(y, "emit") and (isinstance(y, (tuple, list, dict)) or np.asarray(y).dtype.kind not in "fiub"):
        raise RefusalError(
            f"the function returned a {type(y).__name__}; a derivative needs one array.\n"
            "Return the array you want differentiated, or join several with np.stack or np.concatenate."
        )
    return y


def record(f: Callable[..., Any], *args: Any) -> tuple[Tape, Var]:
    """Run f on traced copies of all args; return the list and the output on it.

    The list can be printed (`print(tape)`), read (`tape[i]`, iteration) and walked (`backward`). Line i is the
    i-th argument for i < len(args). Raises RefusalError if the output does not depend on any argument.
    """
    tape, y = trace(f, args, range(len(args)))
    if not on_tape(y, tape):
        raise RefusalError(
            "the function's value does not depend on its arguments, so there is nothing on the list to walk over."
        )
    return tape, y


def on_tape(y: Any, tape: Tape) -> bool:
    """Whether y was recorded on this tape (and not on none, or further out)."""
    return isinstance(y, Var) and y.tape is tape


def backward(tape: Tape, index: int, seed: Array, keep: bool = False) -> list[Array | None]:
    """Up the list from line `index`: adjoints[i] = d<seed, value of index>/d value of i, for the inputs (rule None).

    Lines between are released once spent, or kept for reading with keep=True. None: the walk never came there. The
    adjoint of a line is complete when the walk reaches it, since all its uses come later on the list.
    """
    records, number = tape.records, np.float64
    adjoints: list[Array | None] = [None] * (index + 1)
    adjoints[index] = seed
    ours: set[int] = set()  # adjoints that are arrays made here by adding, and may be added to in place
    for i in range(index, -1, -1):
        g = adjoints[i]
        if g is None:
            continue
        rule, parents, args, params, y = records[i]
        if rule is None:
            continue
        if not keep:
            adjoints[i] = None
        slot = -1
        for parent in parents:
            slot += 1
            if parent is None:
                continue
            term, like = rule.vjp(slot, g, y, args, params), args[slot]
            if term.__class__ is not number or like.__class__ is not number:
                term = project(term, like)
            before = adjoints[parent]
            if before is None:
                adjoints[parent] = term
            elif parent in ours and type(term) is np.ndarray:
                np.add(before, term, out=before)
            else:
                adjoints[parent] = after = before + term
                if type(after) is np.ndarray:
                    ours.add(parent)
    return adjoints


def gradients(tape: Tape, y: Any, seed: Array, count: int) -> list[Array]:
    """The adjoints of the first `count` lines (the inputs) for one seed: zero where unused, safe to write into."""
    adjoints = backward(tape, y.index, seed) if on_tape(y, tape) else []
    results: list[Array] = []
    for i in range(count):
        g = adjoints[i] if i < len(adjoints) else None
        if g is None:
            g = zeros(tape.records[i][4])
        # An adjoint may be a view, or be shared by two variables: x + y has the same one twice.
        elif type(g) is np.ndarray and (g.base is not None or g is seed or any(g is r for r in results)):
            g = g.copy()
        results.append(g)
    return results


def zeros(x: Array) -> Array:
    """Zeros of the shape and dtype of x, plain."""
    return np.zeros(strip(x).shape, strip(x).dtype)[()]


def ones(y: Array) -> Array:
    """Ones of the shape and dtype of y, plain: the seed. A 1.0 would turn a float32 computation into float64."""
    if hasattr(y, "emit"):
        return np.ones_like(strip(y))[()]
    return np.ones(y.shape, y.dtype) if y.shape else y.dtype.type(1)


def positions(argnums: int | Sequence[int], args: Sequence[Any]) -> list[int]:
    """argnums as positions counted from the front; raises RefusalError for one that does not exist or comes twice."""
    wanted = [argnums] if isinstance(argnums, (int, np.integer)) else list(argnums)
    for i in wanted:
        if not -len(args) <= i < len(args):
            raise RefusalError(
                f"argnums={argnums} but the function was called with {len(args)} positional argument(s)."
            )
    found = [i % len(args) for i in wanted]
    if len(set(found)) < len(found):
        raise RefusalError(f"argnums={argnums} names an argument twice.")
    return found


def scalar(y: Any) -> None:
    """Raise RefusalError unless y is one number."""
    shape = np.shape(strip(y))
    if shape != ():
        raise RefusalError(
            f"grad needs a function with one number for its value; this one returned shape {shape}.\n"
            "Reduce it (np.sum, np.mean, or y[i] for one entry), or ask for jacobian(f), or vjp(f, x) with a cotangent."
        )


def value_and_grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns (f(*args), gradient), in one evaluation and one reverse walk.

    f takes positional arrays and returns one number. The gradient with respect to args[argnums] has its shape and dtype
    (integers count as float64) and is zero if f does not use it; for a tuple of argnums it is a tuple.
    Raises RefusalError if f returns anything but one number. Source: Griewank & Walther 2008, section 3.2.
    """

    def value_and_gradient(*args: Any) -> tuple[Array, Any]:
        wanted = positions(argnums, args)
        tape, y = trace(f, args, wanted)
        scalar(y)
        value = y.value if on_tape(y, tape) else y
        results = gradients(tape, y, ones(value) if on_tape(y, tape) else None, len(wanted))
        return value, results[0] if isinstance(argnums, (int, np.integer)) else tuple(results)

    return named_after(f, value_and_gradient)


def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns the gradient of f with respect to args[argnums]: same shape, same dtype.

    >>> grad(lambda x: np.sum(x * x))(np.array([1.0, 2.0]))
    array([2., 4.])

    See `value_and_grad` for argnums, unused arguments and errors. The result can be differentiated again.
    """
    both = value_and_grad(f, argnums)

    def gradient(*args: Any) -> Any:
        return both(*args)[1]

    return named_after(f, gradient)


def named_after(f: Callable[..., Any], derivative: Callable[..., Any]) -> Callable[..., Any]:
    """The derivative, with the signature of f for those who ask for the names of its arguments."""
    return functools.update_wrapper(derivative, f, assigned=(), updated=())


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Array, Callable[[Any], tuple[Array, ...]]]:
    """(value, pullback) of f at primals. pullback(w) = w^T J: a tuple of one array per primal, of its shape and dtype.

    w has the shape of the value. The pullback may be called any number of times: it keeps the list and copies of the
    primals. Raises RefusalError for a w of another shape.
    """
    copies = [x.copy() if isinstance(x, np.ndarray) else x for x in primals]
    tape, y = trace(f, copies, range(len(primals)))
    value = y.value if on_tape(y, tape) else y

    def pullback(w: Any) -> tuple[Array, ...]:
        return tuple(gradients(tape, y, matching(w, value, "the cotangent"), len(primals)))

    return own(value), pullback


def matching(w: Any, like: Array, what: str) -> Array:
    """w as an array of the shape and dtype of `like`; raises RefusalError for another shape."""
    w = lift(w, what)
    if w.shape != np.shape(strip(like)):
        raise RefusalError(f"{what} has shape {w.shape}, but what it belongs to has shape {np.shape(strip(like))}.")
    dtype = np.result_type(strip(like))
    return w if w.dtype == dtype or dtype.kind != "f" else w.astype(dtype)


class Dual(Traced):
    """A traced array of forward mode: a value and its tangent, of the same shape and dtype."""

    __slots__ = ("level", "tangent")

    def __init__(self, value: Array, tangent: Array, level: int) -> None:
        self.value, self.tangent, self.level = value, tangent, level

    def emit(self, rule: Rule, args: Args, params: Params) -> Dual:
        """Evaluate on the values, push the tangents; nothing is kept."""
        values, tangents = [], []
        for a in args:
            ours = isinstance(a, Dual) and a.level == self.level
            values.append(a.value if ours else a)
            tangents.append(a.tangent if ours else None)
        inner = tuple(values)
        y = call(rule, inner, params)
        return Dual(y, spread(rule.jvp(tangents, y, inner, params), y), self.level)


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """(f(*primals), J @ tangents): the value and its derivative in one direction, in one evaluation that keeps no list.

    tangents[i] has the shape of primals[i]; the second result has the shape and dtype of the value. A function that
    returns a tuple of arrays gives a tuple of each. Raises RefusalError for tangents that do not match.
    Source: Wengert 1964; Griewank & Walther 2008, section 3.1.
    """
    if (
        not isinstance(primals, (tuple, list))
        or not isinstance(tangents, (tuple, list))
        or len(primals) != len(tangents)
    ):
        raise RefusalError("jvp(f, primals, tangents) takes two tuples of the same length: jvp(f, (x,), (v,)).")
    level = next(LEVELS)
    duals = []
    for i, (x, t) in enumerate(zip(primals, tangents, strict=True)):
        value = lift(x, f"argument {i}")
        duals.append(Dual(value, matching(t, value, f"tangent {i}"), level))
    try:
        y = f(*duals)
    except ValueError as error:
        raise advice(error) from None
    if isinstance(y, tuple):
        return tuple(parted(part, level)[0] for part in y), tuple(parted(part, level)[1] for part in y)
    return parted(y, level)


def parted(y: Any, level: int) -> tuple[Array, Array]:
    """Value and tangent of an output, safe to write into; the tangent of a constant is zero."""
    if isinstance(y, Dual) and y.level == level:
        return own(y.value), own(y.tangent)
    value = lift(single(y), "the value of the function")
    return own(value), zeros(value)


def own(a: Array) -> Array:
    """A copy, if it is a plain array that somebody else may hold."""
    return a.copy() if type(a) is np.ndarray else a


def hvp(f: Callable[..., Any], primals: Any, vector: Any) -> Any:
    """The Hessian of f at primals times vector, without the Hessian: forward mode over reverse mode.

    primals and vector are two arrays of one shape, or two tuples of arrays for a function of several arguments; the
    result is like primals. f returns one number. Source: Pearlmutter 1994, "Fast exact multiplication by the Hessian".
    """
    if not isinstance(primals, tuple):
        return jvp(grad(f), (primals,), (vector,))[1]
    return jvp(grad(f, tuple(range(len(primals)))), primals, vector)[1]
