"""The judge in anyone's tests: `assert_gradient` passes, or fails with everything that the judge found out.

    def test_gradient():
        assert_gradient(loss, by_hand, lambda rng: rng.normal(size=(3, 5)), np.array([0.3, -1.2, 0.7, 2.1, -0.4]))

`f` and `grad` may be written for NumPy, for PyTorch or for JAX. What autodiff cannot record is differentiated by the
framework that it is written for, which is then the witness beside finite differences.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np

from autodiff.rule import Args, Params, Rule, call
from grading.verify.differences import size_of
from grading.verify.exercise import Array, Asks, Exercise, Point
from grading.verify.item import ExerciseError
from grading.verify.judge import verify
from grading.verify.verdict import Verdict

# How far the entries of a given array are moved, relative to their sizes, to make further points: the first for which
# the function is finite. At first their signs are drawn as well.
_SPREADS = (0.2, 0.2, 0.05, 0.01, 0.001)


def assert_gradient(
    f: Callable[..., Any],
    grad: Callable[..., Any],
    *inputs: Any,
    wrt: Sequence[str] | None = None,
    asks: Asks = "gradient",
    seed: int | None = None,
    **declared: Any,
) -> Verdict:
    """Raise AssertionError, with the verdict for its message, unless `grad` is the derivative of `f`.

    Parameters
    ----------
    f : a function of arrays; `f(xp, ...)` is called with an array namespace, as in an `Exercise`
    grad : called with what `f` is called with (and the judge's directions, for "jvp" and "vjp")
    inputs : one for each parameter of f: an array, or `rng -> array`. Arrays are asked as they are and, as long as they
        are not integers, with their entries moved by up to a fifth and of either sign; by less, and with their own
        signs, where the function is not finite otherwise. Zeros are moved by as much as entries of a usual size
    wrt : names of the parameters that are differentiated; None: all that are real
    asks, declared : as of `Exercise`
    seed : draws the points; None: another one each time, and the message tells it

    Returns
    -------
    Verdict : what the judge found, if it is right

    Raises
    ------
    ExerciseError : neither autodiff nor the framework that f is written for can differentiate it, or there is nothing
        to differentiate: no real input, or no entry in any
    TypeError : a keyword that is neither one of these nor a field of an `Exercise`
    """
    __tracebackhide__ = True
    if unknown := set(declared) - {field.name for field in fields(Exercise) if field.init}:
        raise TypeError(f"assert_gradient has no {', '.join(sorted(unknown))}=; tolerances follow from the function")
    sampler = _Sampler(dict(zip(_names(f, len(inputs)), inputs, strict=True)))
    point = sampler.first
    real = tuple(name for name, value in point.items() if value.dtype.kind == "f") if wrt is None else tuple(wrt)
    if not any(point[name].size for name in real if name in point):
        raise ExerciseError("there is nothing to differentiate: pass an array of floats, such as np.array([1.0, 2.0])")
    more: dict[str, Any] = {"id": _identifier(grad), "wrt": real, "asks": asks, "inputs": sampler}
    if not any(map(callable, inputs)):
        more["published"] = point
    exercise, answer = _declared(f, grad, point, more | declared)
    sampler.function = exercise.value_at
    verdict = verify(exercise, answer, seed)
    if verdict.outcome != "right":
        raise AssertionError(_message(verdict, exercise, inputs))
    return verdict


def _message(verdict: Verdict, exercise: Exercise, inputs: Sequence[Any]) -> str:
    """The verdict, in words for a function and its derivative; an exercise, an answer and marks are no part of it."""
    said = {
        "wrong": f"{exercise.id} is not the {exercise.asks} of the function",
        "inconclusive": f"{exercise.id} cannot be decided",
        "not attempted": f"{exercise.id} returns nothing",
        "fault": f"{exercise.id} cannot be judged",
    }[verdict.outcome]
    said += f". {standing}" if (standing := verdict.standing()) else ""
    lines = [said, *verdict.text().splitlines()[1:]]
    if not all(map(callable, inputs)):
        lines.append("  Arrays were moved to make further points. To draw them yourself pass a sampler, rng -> array.")
    seed = "" if lines[-1].endswith(f"seed {verdict.seed}") else f"\n  seed {verdict.seed}"
    return "\n".join(lines).replace("The exercise cannot be judged: its function", "The function") + seed


def _names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of f's parameters; x0, x1, ... where it does not say."""
    named = [name for name, p in inspect.signature(f).parameters.items() if p.kind is not p.VAR_POSITIONAL]
    named = named[1:] if named[:1] == ["xp"] else named
    return named[:count] if len(named) >= count else [f"x{number}" for number in range(count)]


def _identifier(grad: Callable[..., Any]) -> str:
    return re.sub(r"\W", "-", getattr(grad, "__name__", "gradient")).strip("-")[:40] or "gradient"


def _first(value: Any) -> Array:
    drawn = value(np.random.default_rng(0)) if callable(value) else value
    return np.asarray(drawn.detach() if hasattr(drawn, "detach") else drawn)


class _Sampler:
    """Draws of samplers, and arrays moved so that `function` stays finite; as given, until there is a function."""

    def __init__(self, inputs: Mapping[str, Any]) -> None:
        self._inputs = inputs
        self.first = {name: _first(value) for name, value in inputs.items()}
        self.function: Callable[[Point], Array] | None = None

    def __call__(self, rng: np.random.Generator) -> Point:
        """One point."""
        if self.function is None:
            return self.first
        for number, spread in enumerate(_SPREADS):
            point = {name: self._drawn(name, rng, spread, either_sign=not number) for name in self._inputs}
            if _is_finite(self.function, point):
                break
        return point

    def _drawn(self, name: str, rng: np.random.Generator, spread: float, either_sign: bool) -> Array:
        value, given = self._inputs[name], self.first[name]
        if callable(value):
            return np.asarray(value(rng))
        if given.dtype.kind != "f":
            return given
        moves = rng.uniform(-spread, spread, given.shape)
        moved = np.where(given == 0, 5 * np.abs(moves) * size_of(given), given * (1 + moves))
        return np.asarray(moved * rng.choice([-1.0, 1.0], given.shape) if either_sign else moved)


def _is_finite(function: Callable[[Point], Array], point: Point) -> bool:
    try:
        with np.errstate(all="ignore"):
            return bool(np.all(np.isfinite(function(point))))
    except Exception:
        return False


def _declared(
    f: Callable[..., Any], grad: Callable[..., Any], point: Mapping[str, Array], more: dict[str, Any]
) -> tuple[Exercise, Callable[..., Any]]:
    """The exercise and the answer, in NumPy or by way of the framework that f is written for."""
    try:
        return Exercise(function=f, **more), grad
    except ExerciseError as refusal:
        for framework in _frameworks():
            try:
                args = tuple(point.values())
                framework.pull(f, args, np.ones_like(framework.evaluate(f, args)))
            except Exception:
                continue
            return _bridged(framework, f, grad, more)
        raise refusal from None


def _bridged(
    framework: _Framework, f: Callable[..., Any], grad: Callable[..., Any], more: dict[str, Any]
) -> tuple[Exercise, Callable[..., Any]]:
    bridge = _Bridge(framework, f)
    exercise = Exercise(function=lambda *args: call(bridge, args, {}), engine=framework.name, **more)
    return exercise, lambda *args: framework.answered(grad, args)


# --- other frameworks' arrays ------------------------------------------------------------------------------------


class _Framework(Protocol):
    """Functions of another framework's arrays, called with NumPy's."""

    @property
    def name(self) -> str:
        """Its differentiation, as a witness is called."""

    def evaluate(self, f: Callable[..., Any], args: Args) -> Array:
        """The function's value."""

    def pull(self, f: Callable[..., Any], args: Args, g: Array) -> tuple[Array, ...]:
        """The adjoints of all arguments, zero for integers."""

    def answered(self, grad: Callable[..., Any], args: Args) -> Any:
        """What an answer written for the framework returns, as NumPy arrays."""


class _Bridge(Rule):
    """A function of another framework as one line of the list."""

    __slots__ = ("_f", "_framework")
    kind = "bridge"

    def __init__(self, framework: _Framework, f: Callable[..., Any]) -> None:
        self._framework, self._f = framework, f
        self.key = self.name = framework.name
        self.evaluate = lambda *args: framework.evaluate(f, args)

    def vjp(self, slot: int, g: Array, y: Array, args: Args, params: Params) -> Array:
        """By the framework."""
        return self._framework.pull(self._f, args, g)[slot]


@dataclass(frozen=True)
class _Torch:
    torch: Any
    name: str = "PyTorch autograd"

    def evaluate(self, f: Callable[..., Any], args: Args) -> Array:
        with self._in_double():
            return np.asarray(self.torch.as_tensor(f(*self._tensors(args))).detach().numpy())[()]

    def pull(self, f: Callable[..., Any], args: Args, g: Array) -> tuple[Array, ...]:
        with self._in_double():
            leaves = [t.requires_grad_() if t.is_floating_point() else t for t in self._tensors(args)]
            real = [leaf for leaf in leaves if leaf.is_floating_point()]
            found = iter(
                self.torch.autograd.grad(f(*leaves), real, self.torch.as_tensor(np.array(g)), allow_unused=True)
            )
            adjoints = [next(found) if leaf.is_floating_point() else None for leaf in leaves]
        return tuple(np.zeros(np.shape(a)) if d is None else d.numpy() for d, a in zip(adjoints, args, strict=True))

    def answered(self, grad: Callable[..., Any], args: Args) -> Any:
        with self._in_double():
            return _mapped(grad(*(self.torch.from_numpy(np.asarray(a)) for a in args)), lambda t: t.detach().numpy())

    def _tensors(self, args: Args) -> list[Any]:
        return [self.torch.from_numpy(np.array(a)) for a in args]

    @contextmanager
    def _in_double(self) -> Iterator[None]:
        before = self.torch.get_default_dtype()
        self.torch.set_default_dtype(self.torch.float64)
        try:
            yield
        finally:
            self.torch.set_default_dtype(before)


@dataclass(frozen=True)
class _Jax:
    jax: Any
    name: str = "JAX"

    def evaluate(self, f: Callable[..., Any], args: Args) -> Array:
        with self.jax.enable_x64(True):
            return np.asarray(f(*map(self.jax.numpy.asarray, args)), dtype=np.float64)[()]

    def pull(self, f: Callable[..., Any], args: Args, g: Array) -> tuple[Array, ...]:
        with self.jax.enable_x64(True):
            _, pullback = self.jax.vjp(f, *map(self.jax.numpy.asarray, args))
            adjoints = pullback(self.jax.numpy.asarray(g))
            is_real = [np.asarray(a).dtype.kind == "f" for a in args]
            return tuple(np.array(d) if real else np.zeros(()) for d, real in zip(adjoints, is_real, strict=True))

    def answered(self, grad: Callable[..., Any], args: Args) -> Any:
        with self.jax.enable_x64(True):
            return _mapped(grad(*map(self.jax.numpy.asarray, args)), np.array)


def _mapped(returned: Any, convert: Callable[[Any], Any]) -> Any:
    """The same container with each of its arrays converted; what is no array of the framework is left alone."""
    if isinstance(returned, (tuple, list)):
        return type(returned)(_mapped(item, convert) for item in returned)
    try:
        return convert(returned)
    except (AttributeError, TypeError):
        return returned


def _frameworks() -> Iterator[_Framework]:
    """Those that are installed."""
    wrappers: tuple[tuple[str, Callable[[Any], _Framework]], ...] = (("torch", _Torch), ("jax", _Jax))
    for name, wrapper in wrappers:
        try:
            yield wrapper(importlib.import_module(name))
        except ImportError:
            continue
