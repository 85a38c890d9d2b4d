"""What is asked of a student: a function declared once, its inputs, and which derivative of it is wanted."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

import autodiff
from grading.verify.item import ExerciseError, Item, is_number

Asks = Literal["gradient", "jacobian", "jvp", "vjp", "hessian_diagonal", "value"]
Ruling = Literal["right", "wrong", "right with a note"]
Array = NDArray[Any]
Point = dict[str, Array]
Sampler = Callable[[np.random.Generator], Mapping[str, Any]]


@dataclass(frozen=True)
class Exercise(Item):
    """One question about one function.

    `function` is declared once, over an array namespace: `lambda xp, W, x: xp.sum((W @ x) ** 2)` runs under NumPy,
    autodiff and PyTorch alike. A function whose first parameter is not `xp` is plain NumPy: autodiff and finite
    differences witness it and PyTorch is left out.

    Parameters
    ----------
    id : dot-separated name, unique within a sheet; its notebook cell carries it with '.' as '-'
    function : the function the question is about
    inputs : `rng -> {name: array}`; draws one point. Axis sizes should be distinct, values of both signs
    wrt : names of the inputs that are differentiated, in the order in which answers are given
    asks : what the answer returns at a point, each with the shape named here
        - "gradient": one array per `wrt`, with the shape of that input (`function` is scalar)
        - "jacobian": one array per `wrt`, output axes first, then the input's axes
        - "jvp": one array with the output's shape; the tangents, one per `wrt`, follow the inputs as arguments
        - "vjp": one array per `wrt`; a cotangent with the output's shape follows the inputs as an argument
        - "hessian_diagonal": one array per `wrt`, the second derivative in each entry (`function` is scalar)
        - "value": the function's own value
    points : marks for a right answer
    draws : number of fresh points at which an answer is judged
    edge_inputs : optional second sampler, for points where mistakes hide (zeros, large values, negative only)
    given : a published point; the answer is then data (numbers computed by hand) instead of a function
    decimals : with `given`: the digits to which the answer is to be rounded; None asks for full precision
    statement : the question in Markdown, shown by `show(id)` where it differs between students
    hints : from where to look to nearly the answer
    limit_s : seconds one call of the answer may take
    published : a point printed in the source, at which a function is asked as well
    at_kinks : what another element of the subdifferential is, where a declared point lies on a kink. Left alone it is
        right with a note; "wrong" where the convention (relu'(0) = 0) is what the exercise asks
    single_precision, finite_differences : what an answer is that was computed in float32 on the way, or that is a
        difference quotient: right to a few digits only
    shares : how much of the marks each array is worth, by its name, in any unit; None: all the same
    breach_share : what is left of the marks for a function that breaks the contract (changes its arguments, ...)
    engine : what differentiates the function in autodiff's place, where it is one line of another framework
    forbids : functions and modules that an answer must do without; an answer that mentions or calls one is shown to a
        person
    sizes_fixed : why axes have sizes that hide mistakes (equal ones, 1, 2 or 4): where the source fixes them

    Raises
    ------
    ExerciseError : an inconsistent declaration, or an operation that autodiff cannot differentiate
    """

    id: str
    function: Callable[..., Any]
    inputs: Sampler | None = None
    wrt: tuple[str, ...] = ()
    asks: Asks = "gradient"
    points: float = 1.0
    draws: int = 3
    edge_inputs: Sampler | None = None
    given: Mapping[str, Any] | None = None
    decimals: int | None = None
    statement: str = ""
    hints: tuple[str, ...] = ()
    limit_s: float = 5.0
    published: Mapping[str, Any] | None = None
    at_kinks: Ruling = "right with a note"
    single_precision: Ruling = "wrong"
    finite_differences: Ruling = "wrong"
    shares: Mapping[str, float] | None = None
    breach_share: float = 0.5
    forbids: tuple[str, ...] = ()
    sizes_fixed: str = ""
    engine: str = ""
    takes_xp: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "takes_xp", _parameters(self.function)[:1] == ["xp"])
        _check_fields(self)
        _check_function(self)

    @property
    def is_data(self) -> bool:
        """Whether the answer is numbers computed by hand rather than a function."""
        return self.given is not None

    @property
    def block_shares(self) -> tuple[float, ...]:
        """What each array is worth of the marks; they add up to 1."""
        shares = [1.0 if self.shares is None else self.shares[name] for name in self.block_names]
        return tuple(share / sum(shares) for share in shares)

    @property
    def block_names(self) -> tuple[str, ...]:
        """Names of the arrays an answer consists of: one per differentiated input, or one for the whole output."""
        return ("output",) if self.asks in ("jvp", "value") else self.wrt

    def value_at(self, point: Point) -> Array:
        """The function's value at a point, computed with NumPy."""
        return np.asarray(self._bound(np)(*point.values()))

    def of_wrt(self, point: dict[str, Any], xp: Any = np) -> Callable[..., Any]:
        """The function of its differentiated inputs alone, the others held at `point`, over the namespace `xp`."""
        return self.of_inputs(self.wrt, point, xp)

    def of_inputs(self, names: tuple[str, ...], point: dict[str, Any], xp: Any = np) -> Callable[..., Any]:
        """The function of these inputs alone, the others held at `point`, over the namespace `xp`."""
        function = self._bound(xp)

        def of_named(*values: Any) -> Any:
            return function(*(point | dict(zip(names, values, strict=True))).values())

        return of_named

    def _bound(self, xp: Any) -> Callable[..., Any]:
        return partial(self.function, xp) if self.takes_xp else self.function


def as_point(raw: Mapping[str, Any]) -> Point:
    """Inputs as arrays that PyTorch and NumPy read alike: floats as float64, integers kept, 0-d as NumPy scalars."""
    point: Point = {}
    for name, value in raw.items():
        array = np.asarray(value)
        if array.dtype.kind == "f":
            array = array.astype(np.float64)
        elif array.dtype.kind not in "iub":
            raise ExerciseError(f"input '{name}' is of type {array.dtype}; inputs are real or integer arrays")
        if not np.all(np.isfinite(array)):
            raise ExerciseError(f"input '{name}' was drawn with values that are not finite")
        point[name] = array[()]
    return point


def draw(exercise: Exercise, rng: np.random.Generator) -> Point:
    """One point: the published one if there is one, otherwise a fresh draw.

    Raises
    ------
    ExerciseError : a value drawn is not finite or not a real number
    """
    if exercise.inputs is None:
        return as_point(exercise.given or {})
    return as_point(exercise.inputs(rng))


def _parameters(function: Callable[..., Any]) -> list[str]:
    """The names of a function's parameters; none where it does not say."""
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def _check_fields(exercise: Exercise) -> None:
    refuse = exercise.refusal
    exercise.check_item()
    if exercise.asks not in get_args(Asks):
        raise refuse(f"asks={exercise.asks!r} is not one of {', '.join(get_args(Asks))}")
    _check_numbers(exercise)
    if (exercise.inputs is None) == (exercise.given is None):
        raise refuse("declare either inputs (the answer is a function) or given (the answer is numbers)")
    if exercise.given is not None and exercise.edge_inputs is not None:
        raise refuse("edge_inputs draws points for a function; an answer that is numbers has its one given point")
    if exercise.given is not None and exercise.published is not None:
        raise refuse("published is a point for a function; an answer that is numbers has its one given point")
    if exercise.given is not None and exercise.asks in ("jvp", "vjp"):
        raise refuse(f"asks='{exercise.asks}' draws a direction and so needs a function as its answer")
    if exercise.decimals is not None and exercise.given is None:
        raise refuse("decimals belongs to a given point; a function's answer is compared at full precision")
    if not isinstance(exercise.wrt, tuple):
        raise refuse(f"wrt is a tuple of names, such as ('W',), not {exercise.wrt!r}")
    if len(set(exercise.wrt)) < len(exercise.wrt):
        raise refuse(f"wrt={exercise.wrt} names an input twice")
    if not exercise.wrt and exercise.asks != "value":
        raise refuse("wrt must name at least one input to differentiate")
    _check_rulings(exercise)


def _check_rulings(exercise: Exercise) -> None:
    refuse = exercise.refusal
    for name in ("at_kinks", "single_precision", "finite_differences"):
        if getattr(exercise, name) not in get_args(Ruling):
            raise refuse(f"{name}={getattr(exercise, name)!r} is not one of {', '.join(get_args(Ruling))}")
    if not (is_number(exercise.breach_share) and 0 <= exercise.breach_share <= 1):
        raise refuse(f"breach_share={exercise.breach_share!r} must be a number from 0 to 1")
    if exercise.shares is None:
        return
    if set(exercise.shares) != set(exercise.block_names):
        raise refuse(f"shares names {', '.join(exercise.shares)}; it must name {', '.join(exercise.block_names)}")
    if not all(is_number(share) and share >= 0 for share in exercise.shares.values()) or not any(
        exercise.shares.values()
    ):
        raise refuse("shares must be numbers, zero or more, and not all zero")


def _check_numbers(exercise: Exercise) -> None:
    refuse = exercise.refusal
    if not (isinstance(exercise.draws, int) and exercise.draws >= 1):
        raise refuse(f"draws={exercise.draws!r} must be a whole number, at least 1")
    if not (is_number(exercise.limit_s) and exercise.limit_s > 0):
        raise refuse(f"limit_s={exercise.limit_s!r} must be a number of seconds above zero")
    if not (exercise.decimals is None or isinstance(exercise.decimals, int)):
        raise refuse(f"decimals={exercise.decimals!r} must be a whole number")


def _check_function(exercise: Exercise) -> None:
    """Run the function once, plainly and recorded, so that a mistake shows when it is declared."""
    refuse = exercise.refusal
    try:
        point = draw(exercise, np.random.default_rng(0))
        edge = as_point(exercise.edge_inputs(np.random.default_rng(0))) if exercise.edge_inputs else point
        published = as_point(exercise.published) if exercise.published is not None else point
    except Exception as error:
        raise refuse(f"inputs could not be drawn: {type(error).__name__}: {error}") from error
    if list(edge) != list(point):
        raise refuse(f"edge_inputs draws {', '.join(edge)}; it must name the inputs in their order, {', '.join(point)}")
    if list(published) != list(point):
        raise refuse(f"published names {', '.join(published)}; it must name the inputs in their order")
    named = _parameters(exercise.function)[exercise.takes_xp :]
    if named != list(point) and sorted(named) == sorted(point):
        raise refuse(f"inputs are passed by position: draw them in the function's order, {', '.join(named)}")
    for name in exercise.wrt:
        if name not in point:
            raise refuse(f"wrt names '{name}', which is not among the inputs {', '.join(point)}")
        if np.asarray(point[name]).dtype.kind != "f":
            raise refuse(f"'{name}' holds integers; only real inputs can be differentiated")
    try:
        value = exercise.value_at(point)
    except Exception as error:
        raise refuse(f"the function fails on its own inputs: {type(error).__name__}: {error}") from error
    if value.shape != () and exercise.asks in ("gradient", "hessian_diagonal"):
        raise refuse(f"asks='{exercise.asks}' needs a scalar function; this one returns shape {value.shape}")
    if exercise.asks == "value":
        return
    primals = tuple(point[name] for name in exercise.wrt)
    try:
        autodiff.vjp(exercise.of_wrt(point), *primals)
        if exercise.asks == "hessian_diagonal":
            autodiff.hvp(exercise.of_wrt(point), primals, primals)
    except Exception as error:
        raise refuse(f"autodiff cannot differentiate the function: {error}") from error
