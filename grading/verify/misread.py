"""Another function in the place of the exercise's: one of its lines written down wrongly, on the way forward.

Of an answer that is the function's value this is the mistake itself; of an answer that is a derivative it is the right
derivative of a wrong function. Nothing here knows an exercise, or what the student returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from autodiff.rule import Args, Elementwise, Params, Rule, call
from autodiff.tape import Var
from grading.verify.activations import sigmoid
from grading.verify.exercise import Array, Point
from grading.verify.faults import Blocks, Change, Edits, Recorded, replay
from grading.verify.sampling import Question
from grading.verify.suspects import Group, Suspect, operand

FORM = "activation derivative of the wrong form"
Line = Callable[[Rule, Args, Params], Any]  # what is computed instead of a line


@dataclass(frozen=True)
class Slip:
    """One line written down wrongly; `kind` is the same for the same slip elsewhere."""

    label: str
    text: str
    kind: str
    line: Line


class Written(Recorded):
    """The list of a function whose value is asked, after all its real inputs."""

    def __init__(self, question: Question) -> None:
        self.asked = question
        super().__init__(_of_all_inputs(question))

    def _hold_shifts(self) -> None:
        """Nothing is differentiated, so nothing is held."""

    def answer(self, edits: Edits = ()) -> Blocks:
        """What stands on the last line."""
        return (self.value(self.last),)

    def rewritten(self, change: Change) -> Blocks:
        """The value with some lines changed."""
        tape, output = replay(self.tape, self.output, change)
        return (np.asarray(tape.records[output.index][4] if isinstance(output, Var) else output, dtype=np.float64),)


def _of_all_inputs(question: Question) -> Question:
    """The same function, differentiated in every real input."""
    exercise, point = question.exercise, question.point
    plain = replace(
        exercise,
        asks="vjp",
        wrt=tuple(name for name, value in point.items() if np.asarray(value).dtype.kind == "f"),
        inputs=lambda rng: point,
        given=None,
        decimals=None,
        edge_inputs=None,
        published=None,
        shares=None,
    )
    return Question(plain, point, (np.ones(exercise.value_at(point).shape)[()],))


def misread(recorded: Recorded) -> Iterator[Group]:
    """The right derivative of a function that was misread, or its value if that is what is asked; plainest first."""
    every = slips(recorded)
    yield (_suspect(slip, {line: slip.line}) for line, found in every.items() for slip in found)
    yield _at_every_line(every)
    yield _in_wrong_order(recorded)
    yield _of_other_inputs(recorded)


def slips(recorded: Recorded) -> dict[int, list[Slip]]:
    """The slips that can be made at every line."""
    return {line: list(_slips(recorded, line)) for line in range(recorded.count, recorded.last + 1)}


def _suspect(slip: Slip, change: Change) -> Suspect:
    return Suspect(slip.label, slip.text, partial(_answer_of_other, change))


def _answer_of_other(change: Change, recorded: Recorded) -> Blocks:
    """The value, or the derivative that is asked, of the function with other lines."""
    return recorded.rewritten(change) if isinstance(recorded, Written) else recorded.replayed(change).answer()


def _at_every_line(slips: dict[int, list[Slip]]) -> Group:
    """The same slip at every line where it can be made."""
    places: dict[str, dict[int, Slip]] = {}
    for line, found in slips.items():
        for slip in found:
            places.setdefault(slip.kind, {})[line] = slip
    for lines in places.values():
        if len(lines) > 1:
            yield _suspect(next(iter(lines.values())), {line: slip.line for line, slip in lines.items()})


# --- the slips of one line -------------------------------------------------------------------------------------------


def _slips(recorded: Recorded, i: int) -> Iterator[Slip]:
    rule, _, args, params, _ = recorded.lines[i]
    assert rule is not None
    if rule.name in ("add", "subtract"):
        yield from _of_sum(recorded, i)
    elif rule.name in ("multiply", "divide"):
        yield from _of_product(recorded, i)
    elif rule.name in _POWERS:
        yield from _of_power(recorded, i)
    elif rule.name == "where" or rule.name in ("maximum", "minimum"):
        yield from _of_choice(recorded, i)
    elif isinstance(rule, Elementwise) and len(args) == 1:
        yield from _of_function(recorded, i)
    elif "axis" in params and rule.name in ("sum", "mean", "max", "min", "prod", "logsumexp"):
        yield from _of_reduction(recorded, i)
    elif rule.name == "cumsum":
        yield from _of_running_sum(recorded, i)
    elif rule.name == "getitem":
        yield from _of_slices(recorded, i)
    elif rule.name == "matmul":
        yield from _of_matmul(recorded, i)
    elif rule.name in _MATRIX_FUNCTIONS:
        yield from _of_matrix_function(recorded, i)
    elif rule.name == "reshape":
        text = f"In {recorded.say(i)} the numbers are taken in another order."
        yield Slip("reshape for transpose", text, "reshaped", _line(partial(_in_other_order, params["shape"])))


def _of_sum(recorded: Recorded, i: int) -> Iterator[Slip]:
    sign = 1.0 if recorded.names_of_rules[i] == "add" else -1.0
    said = recorded.say(i)
    for slot in (0, 1):
        name = operand(recorded, i, slot)
        left = f"The term {name} of {said} was left out."
        yield Slip("a path or term dropped", left, f"without {name}", _line(_without_term, slot, sign))
        turned = f"The term {name} of {said} has the wrong sign."
        yield Slip("sign of one term", turned, f"minus {name}", _line(_turned_term, slot, sign))


def _without_term(slot: int, sign: float, one: Any, two: Any) -> Any:
    return (two * sign if slot == 0 else one) + np.zeros(np.broadcast_shapes(np.shape(one), np.shape(two)))


def _turned_term(slot: int, sign: float, one: Any, two: Any) -> Any:
    return two * sign - one if slot == 0 else one - two * sign


def _of_product(recorded: Recorded, i: int) -> Iterator[Slip]:
    said, args, divided = recorded.say(i), recorded.lines[i][2], recorded.names_of_rules[i] == "divide"
    for slot in (1,) if divided else (1, 0):
        name = operand(recorded, i, slot)
        label = "a path or term dropped" if np.ndim(args[slot]) else "coefficient of one term"
        text = f"{said} is not divided by {name}." if divided else f"The factor {name} of {said} was left out."
        yield Slip(label, text, f"without {name}", _line(_other_factor, 1 - slot))
        if divided:
            text = f"In {said} the product is taken instead of the quotient."
            yield Slip("wrong power", text, f"times {name}", _line(lambda a, b: a * b))
            yield Slip("wrong power", f"{said} is the wrong way up.", f"{name} on top", _line(lambda a, b: b / a))
            text = f"In {said} the denominator has another power: a root or a square is missing, or one too many."
            yield Slip("wrong power", text, f"square of {name}", _line(lambda a, b: a / (b * b)))
            yield Slip("wrong power", text, f"root of {name}", _line(lambda a, b: a / np.sqrt(b)))
        elif np.ndim(args[slot]) == 0:
            text = f"{said} is divided by {name} instead of multiplied."
            yield Slip("wrong power", text, f"over {name}", _line(_over, slot))


def _other_factor(slot: int, one: Any, two: Any) -> Any:
    return (one, two)[slot] + np.zeros(np.broadcast_shapes(np.shape(one), np.shape(two)))


def _over(slot: int, one: Any, two: Any) -> Any:
    return one / two if slot == 1 else two / one


_POWERS = ("power", "float_power", "square", "sqrt", "reciprocal", "cbrt")
_EXPONENTS = (1.0, 2.0, 0.5, 3.0, -1.0, 4.0, -2.0, -0.5)


def _of_power(recorded: Recorded, i: int) -> Iterator[Slip]:
    said = recorded.say(i)
    for exponent in _EXPONENTS:
        text = f"Your answer is the right one for the exponent {exponent:g} in {said}."
        text = f"In {said} the power is left out." if exponent == 1 else text
        yield Slip("wrong power", text, f"power {exponent}", _line(partial(_to_the, exponent)))
    yield Slip("wrong power", f"The absolute value stands where {said} belongs.", "modulus", _line(_modulus))
    yield Slip("wrong power", f"In {said} base and exponent are exchanged.", "exchanged", _line(lambda a, b: b**a))


def _to_the(exponent: float, base: Any, *_: Any) -> Any:
    return base if exponent == 1 else base**exponent


def _modulus(base: Any, *_: Any) -> Any:
    return np.abs(base)


def _of_choice(recorded: Recorded, i: int) -> Iterator[Slip]:
    said, rule = recorded.say(i), recorded.lines[i][0]
    for slot in (0, 1):
        name = operand(recorded, i, slot)
        text = f"Of {said} only {name} is taken, everywhere."
        yield Slip("a path or term dropped", text, f"only {slot}", _line(_other_factor, slot))
    text = f"In {said} the wrong one of the two is taken."
    label = "ReLU mask from the wrong quantity"
    if rule is not None and rule.name == "where":
        yield Slip(label, text, "other branch", lambda rule, args, p: np.where(p["condition"], args[1], args[0]))
    else:
        yield Slip(label, text, "other extreme", _line(lambda a, b: a + b - np.maximum(a, b)))
        yield Slip(label, text, "other extreme", _line(lambda a, b: a + b - np.minimum(a, b)))


# What is taken for another function of single entries: its own name, and the alternatives.
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "log2": np.log2,
    "log10": np.log10,
    "log": np.log,
    "log1p": np.log1p,
    "exp": np.exp,
    "expm1": np.expm1,
    "exp2": np.exp2,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "relu": lambda x: np.maximum(x, 0.0),
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "absolute": np.abs,
    "square": lambda x: x * x,
    "sqrt": np.sqrt,
}
_BASES = {"log", "log2", "log10"}


def _of_function(recorded: Recorded, i: int) -> Iterator[Slip]:
    own, said, inner = recorded.names_of_rules[i], recorded.say(i), operand(recorded, i, 0)
    if own == "negative":
        yield Slip("sign of one term", f"The minus of {said} is missing.", "no minus", _line(lambda a: a))
        return
    text = f"{own} is left out: {inner} stands where {said} belongs."
    yield Slip("a path or term dropped", text, f"without {own}", _line(lambda a: a))
    for name, function in _FUNCTIONS.items():
        if name != own:
            label = "coefficient of one term" if {name, own} <= _BASES else "activation derivative of the wrong form"
            yield Slip(label, f"{name} stands where {own} belongs, in {said}.", f"{name} for {own}", _line(function))
    text = f"In {said} the argument has the wrong sign."
    yield Slip("sign of one term", text, f"{own} of minus", _of_minus)


def _of_minus(rule: Rule, args: Args, params: Params) -> Any:
    return call(rule, (-args[0],), params)


def _of_reduction(recorded: Recorded, i: int) -> Iterator[Slip]:
    own, said = recorded.names_of_rules[i], recorded.say(i)
    args, params = recorded.lines[i][2:4]
    axes, count = params["axis"], np.ndim(args[0])
    if own == "sum":
        yield Slip("mean for sum", f"In {said} the mean is taken instead of the sum.", "mean", _scaled(-1, 0))
    if own == "mean":
        yield Slip("sum for mean", f"In {said} the sum is taken instead of the mean.", "sum", _scaled(1, 0))
    if own in ("mean", "sum"):
        text = f"{said} is divided by one less than the number of its terms."
        yield Slip("sum for mean", text, "one less", _scaled(1 if own == "mean" else 0, 1))
    if own in ("max", "min"):
        other = {"max": np.min, "min": np.max}[own]
        text = f"The other extreme stands where {said} belongs."
        line = partial(_reduced_by, other)
        yield Slip("activation derivative of the wrong form", text, "other extreme", line)
    if len(axes) == 1 and count > 1:
        for axis in range(count):
            if axis != axes[0]:
                text = f"In {said} the wrong axis is taken: {axis} instead of {axes[0]}."
                yield Slip("wrong axis", text, f"axis {axis}", partial(_along, (axis,)))
                if not params["keepdims"]:
                    yield Slip("wrong axis", text, f"axis {axis} kept", partial(_along, (axis,), keepdims=True))
    if len(axes) < count:
        text = f"In {said} all axes are taken instead of {', '.join(map(str, axes))} alone."
        yield Slip("summed too much", text, "all axes", partial(_along, tuple(range(count))))


def _scaled(power: int, less: int) -> Line:
    """A sum or a mean, times a power of the number of its terms, and over one less than that if so said."""

    def line(rule: Rule, args: Args, params: Params) -> Any:
        n = np.prod([np.shape(args[0])[axis] for axis in params["axis"]])
        return call(rule, args, params) * float(n) ** power / (max(n - 1, 1) if less else 1)

    return line


def _reduced_by(function: Callable[..., Any], rule: Rule, args: Args, params: Params) -> Any:
    return function(args[0], axis=params["axis"], keepdims=params["keepdims"])


def _along(axes: tuple[int, ...], rule: Rule, args: Args, params: Params, **how: bool) -> Any:
    return call(rule, args, {**params, "axis": axes, **how})


def _of_running_sum(recorded: Recorded, i: int) -> Iterator[Slip]:
    said, axis = recorded.say(i), recorded.lines[i][3]["axis"]
    text = f"{said} is summed from the other end."
    yield Slip("off by one", text, "reversed", _line(lambda a: np.flip(np.cumsum(np.flip(a, axis), axis), axis)))
    text = f"In {said} an entry's own term is missing: the sums stop one too early."
    yield Slip("off by one", text, "exclusive", _line(lambda a: np.cumsum(a, axis) - a))
    yield Slip("a path or term dropped", f"In {said} nothing is summed up.", "not summed", _line(lambda a: a))


def _of_slices(recorded: Recorded, i: int) -> Iterator[Slip]:
    """As many entries at the same distances, one further on or back: x[1::2] for x[::2]."""
    args, params = recorded.lines[i][2:4]
    for axis, part in enumerate(_parts(params)):
        for by, where in ((1, "on"), (-1, "back")):
            if isinstance(part, slice) and _moved(part, np.shape(args[0])[axis], by) is not None:
                text = f"In {recorded.say(i)} the entries that are taken begin one too far {where}."
                yield Slip("off by one", text, f"slice {by} along {axis}", partial(_taken_from, axis, by))


def _parts(params: Params) -> tuple[Any, ...]:
    """The index of a line, axis by axis; nothing if it is made of more than slices and whole numbers."""
    index = params["index"] if isinstance(params["index"], tuple) else (params["index"],)
    return index if all(isinstance(part, slice | int) for part in index) else ()


def _moved(part: slice, length: int, by: int) -> slice | None:
    """The slice that takes the entries next to those, if they are all there."""
    taken = range(length)[part]
    if taken.step < 0 or not taken or not 0 <= taken[0] + by <= taken[-1] + by < length:
        return None
    return slice(taken[0] + by, taken[-1] + by + 1, taken.step)


def _taken_from(axis: int, by: int, rule: Rule, args: Args, params: Params) -> Any:
    index = _parts(params)
    moved = _moved(index[axis], np.shape(args[0])[axis], by)
    return call(rule, args, {**params, "index": (*index[:axis], moved, *index[axis + 1 :])})


def _of_matmul(recorded: Recorded, i: int) -> Iterator[Slip]:
    said = recorded.say(i)
    for slot in (0, 1):
        name = operand(recorded, i, slot)
        text = f"In {said} {name} is transposed, or should be."
        yield Slip("transposed", text, f"{name} transposed", _line(_with_transposed, slot))
        text = f"In {said} {name} is reshaped where its transpose belongs."
        yield Slip("reshape for transpose", text, f"{name} reshaped", _line(_with_reshaped, slot))
    text = f"The factors of the matrix product {said} are in the wrong order."
    yield Slip("transposed", text, "order", _line(lambda a, b: b @ a))
    text = f"{said} is a matrix product, not one entry by entry."
    yield Slip("product rule misapplied", text, "entrywise", _line(lambda a, b: a * b))


# What is taken for a function of a matrix: of its entries alone, of its diagonal, or of its transpose.
_MATRIX_FUNCTIONS: dict[str, tuple[tuple[str, str, Callable[..., Any]], ...]] = {
    "inv": (
        (FORM, "the inverse is taken entry by entry", lambda a: 1 / a),
        (FORM, "only the diagonal is inverted", lambda a: np.eye(len(a)) / (a + (1 - np.eye(len(a))))),
        ("transposed", "the transpose is inverted", lambda a: np.linalg.inv(a.T)),
        ("transposed", "the transpose stands for the inverse", lambda a: a.T),
        ("a path or term dropped", "the inverse is left out", lambda a: a),
    ),
    "solve": (
        (FORM, "only the diagonal is inverted", lambda a, b: np.linalg.solve(a * np.eye(len(a)), b)),
        (FORM, "the inverse is taken entry by entry", lambda a, b: (1 / a) @ b),
        ("transposed", "the system of the transpose is solved", lambda a, b: np.linalg.solve(a.T, b)),
        ("wrong power", "the matrix multiplies instead of its inverse", lambda a, b: a @ b),
        ("transposed", "the transpose stands for the inverse", lambda a, b: a.T @ b),
    ),
    "logabsdet": (
        (FORM, "only the diagonal counts", lambda a: np.sum(np.log(np.abs(np.sum(a * np.eye(len(a)), axis=0))))),
        (FORM, "all entries count alike", lambda a: np.sum(np.log(np.abs(a)))),
        ("a path or term dropped", "the logarithm is left out", lambda a: np.linalg.det(a)),
    ),
    "det": (
        (FORM, "only the diagonal counts", lambda a: np.prod(np.sum(a * np.eye(len(a)), axis=0))),
        ("another derivative", "the trace stands for the determinant", lambda a: np.sum(a * np.eye(len(a)))),
    ),
}


def _of_matrix_function(recorded: Recorded, i: int) -> Iterator[Slip]:
    for label, text, function in _MATRIX_FUNCTIONS[recorded.names_of_rules[i]]:
        yield Slip(label, f"In {recorded.say(i)} {text}.", text, _line(function))


def _with_transposed(slot: int, one: Any, two: Any) -> Any:
    return one.T @ two if slot == 0 else one @ two.T


def _with_reshaped(slot: int, one: Any, two: Any) -> Any:
    turned = [np.reshape(factor.T, factor.shape) if k == slot else factor for k, factor in enumerate((one, two))]
    return turned[0] @ turned[1]


def _in_other_order(shape: tuple[int, ...], a: Any) -> Any:
    return np.swapaxes(np.reshape(a, (*shape[:-2], *shape[:-3:-1])), -1, -2)


def _line(function: Callable[..., Any], *known: Any) -> Line:
    """What a function makes of a line's arguments, in the shape of the line: nothing that only broadcasts."""

    def line(rule: Rule, args: Args, params: Params) -> Any:
        value = function(*known, *args)
        if np.shape(value) != np.shape(call(rule, args, params)):
            raise ValueError("the mistake cannot be made here")
        return value

    return line


# --- more than one line ----------------------------------------------------------------------------------------------


def _in_wrong_order(recorded: Recorded) -> Group:
    """One function of another, composed the wrong way round: log(sum(x)) for sum(log(x))."""
    for outer in range(recorded.count, recorded.last + 1):
        inner = _only_operand(recorded, outer)
        if inner is None or inner < recorded.count or _only_operand(recorded, inner) is None:
            continue
        first, second = recorded.names_of_rules[inner], recorded.names_of_rules[outer]
        if first != second and sum(parent == inner for _, _, parent in recorded.edges) == 1:
            text = f"{first} and {second} are in the wrong order, in {recorded.say(outer)}."
            change = {inner: partial(_as_line, recorded, outer), outer: partial(_as_line, recorded, inner)}
            label = "wrong power" if {first, second} & {*_POWERS} else "activation derivative at the wrong point"
            yield Suspect(label, text, partial(_answer_of_other, change))


def _only_operand(recorded: Recorded, line: int) -> int | None:
    """The first operand of a line, if what stands beside it is a plain number."""
    parents, args = recorded.lines[line][1:3]
    is_alone = all(parent is None and np.ndim(arg) == 0 for parent, arg in zip(parents[1:], args[1:], strict=True))
    return parents[0] if parents and is_alone else None


def _as_line(recorded: Recorded, other: int, rule: Rule, args: Args, params: Params) -> Any:
    """What another line's operation makes of this line's argument."""
    of, _, beside, how, _ = recorded.lines[other]
    assert of is not None
    return call(of, (args[0], *beside[1:]), how)


def _of_other_inputs(recorded: Recorded) -> Group:
    """The function of inputs that were exchanged, left out, turned round or transposed."""
    point = {name: np.asarray(v) for name, v in recorded.question.point.items() if np.asarray(v).dtype.kind == "f"}
    for name, value in point.items():
        for other in point:
            if other > name and point[other].shape == value.shape:
                text = f"{name} and {other} have changed places."
                yield Suspect("blocks exchanged", text, partial(_with_inputs, partial(_exchanged, name, other)))
        for label, text, change in (
            ("a path or term dropped", "{} is missing: your answer is the right one for {} = 0.", np.zeros_like),
            ("sign of one term", "{} has the wrong sign: your answer is the right one for -{}.", np.negative),
        ):
            told = text.replace("{}", name)
            yield Suspect(label, told, partial(_with_inputs, partial(_one_changed, name, change)))
        if value.ndim == 2:
            yield from _of_transposed(recorded, name)
        if value.ndim == 2 and value.shape[0] == value.shape[1]:
            text = f"Only the diagonal of {name} is used."
            yield Suspect("diagonal only", text, partial(_with_inputs, partial(_one_changed, name, _own_diagonal)))


def _of_transposed(recorded: Recorded, name: str) -> Group:
    """The function of an input's transpose, with the result turned back where it is a matrix."""
    along_axes = any("axis" in line[3] for line in recorded.lines if line[0] is not None)
    label, text = "transposed", f"{name} is transposed."
    if along_axes:
        label, text = "wrong axis", f"The wrong axis is taken: your answer treats the columns of {name} as its rows."
    for back in (False, True):
        change = partial(_one_changed, name, np.transpose)
        yield Suspect(label, text, partial(_with_inputs, change, back=back))


def _own_diagonal(matrix: Array) -> Array:
    return np.diag(np.diag(matrix))


def _exchanged(one: str, two: str, point: Point) -> Point:
    return {one: point[two], two: point[one]}


def _one_changed(name: str, change: Callable[[Array], Array], point: Point) -> Point:
    return {name: change(point[name])}


def _with_inputs(change: Callable[[Point], Point], recorded: Recorded, back: bool = False) -> Blocks:
    """What is asked at other inputs, transposed if it is to be turned back."""
    asked = recorded.asked if isinstance(recorded, Written) else recorded.question
    point = asked.point | change(asked.point)
    if isinstance(recorded, Written):
        value = asked.exercise.value_at(point)
        return (value.T if back else value,)
    blocks = Recorded(Question(asked.exercise, point, asked.directions), recorded.block).answer()
    return tuple(block.T for block in blocks) if back else blocks
