"""What cannot be judged is refused when it is declared, in one line that names the exercise."""

import numpy as np
import pytest
from judged import on_numbers

from grading.verify import Exercise, ExerciseError, verify


def squares(xp, x):
    return xp.sum(x**2)


def five(rng):
    return {"x": rng.normal(size=5)}


GOOD = {"id": "a.good_one", "function": squares, "inputs": five, "wrt": ("x",)}


def edge(**point):
    return lambda rng: point


REFUSED = {
    "no id": ({"id": ""}, "an id is words of letters, digits, - and _, joined by dots, such as 'tensor.sq_norm'"),
    "space": ({"id": "a b"}, "an id is"),
    "umlaut": ({"id": "übung.eins"}, "an id is"),
    "double dot": ({"id": "a..b"}, "an id is"),
    "line break": ({"id": "a.b\n"}, "an id is"),
    "long id": ({"id": "a" * 58}, "too long for a notebook cell; use at most 57"),
    "asks": ({"asks": "hessian"}, "asks='hessian' is not one of gradient, jacobian, jvp, vjp, hessian_diagonal, value"),
    "negative points": ({"points": -1}, "points=-1 must be a finite number"),
    "nan points": ({"points": float("nan")}, "points=nan"),
    "infinite points": ({"points": float("inf")}, "points=inf"),
    "no draws": ({"draws": 0}, "draws=0 must be a whole number"),
    "half a draw": ({"draws": 2.5}, "draws=2.5 must be a whole number"),
    "points in words": ({"points": "2"}, "points='2' must be a finite number"),
    "no time": ({"limit_s": 0}, "limit_s=0 must be a number of seconds"),
    "half a decimal": ({"decimals": 2.5}, "decimals=2.5 must be a whole number"),
    "one hint": ({"hints": "Look."}, "hints is a tuple"),
    "an input twice": ({"wrt": ("x", "x")}, "names an input twice"),
    "inputs and given": ({"given": {"x": [1.0]}}, "declare either inputs"),
    "neither": ({"inputs": None}, "declare either inputs"),
    "given and edge": ({"inputs": None, "given": {"x": [1.0]}, "edge_inputs": five}, "edge_inputs draws points"),
    "given and jvp": ({"inputs": None, "given": {"x": [1.0]}, "asks": "jvp"}, "asks='jvp' draws a direction"),
    "given and vjp": ({"inputs": None, "given": {"x": [1.0]}, "asks": "vjp"}, "asks='vjp' draws a direction"),
    "decimals": ({"decimals": 3}, "decimals belongs to a given point"),
    "wrt a string": ({"wrt": "x"}, "wrt is a tuple of names"),
    "wrt a list": ({"wrt": ["x"]}, "wrt is a tuple of names"),
    "wrt empty": ({"wrt": ()}, "wrt must name at least one input"),
    "wrt unknown": ({"wrt": ("y",)}, "wrt names 'y', which is not among the inputs x"),
    "integers": ({"inputs": lambda rng: {"x": rng.integers(9, size=3)}}, "'x' holds integers"),
    "strings": ({"inputs": lambda rng: {"x": ["a"]}}, "input 'x' is of type"),
    "complex": ({"inputs": lambda rng: {"x": 1j}}, "input 'x' is of type complex128"),
    "infinite input": ({"inputs": lambda rng: {"x": [1.0, np.inf]}}, "drawn with values that are not finite"),
    "sampler fails": ({"inputs": lambda rng: {"x": [][0]}}, "inputs could not be drawn: IndexError"),
    "no mapping": ({"inputs": lambda rng: rng.normal(size=3)}, "inputs could not be drawn"),
    "other names": ({"inputs": lambda rng: {"x": 1.0, "y": 2.0}}, "the function fails on its own inputs: TypeError"),
    "function fails": ({"function": lambda xp, x: x @ x[:2]}, "the function fails on its own inputs: ValueError"),
    "no function": ({"function": 3}, "the function fails on its own inputs"),
    "gradient of a vector": ({"function": lambda xp, x: x**2}, "needs a scalar function; this one returns shape (5,)"),
    "curvature of a vector": ({"function": lambda xp, x: x**2, "asks": "hessian_diagonal"}, "needs a scalar function"),
    "unknown operation": ({"function": lambda xp, x: np.sum(np.gcd(1, 2) * np.spacing(x))}, "autodiff cannot"),
    "leaves the tape": ({"function": lambda xp, x: float(x[0]) * x[1]}, "autodiff cannot differentiate the function"),
    "edge fails": ({"edge_inputs": lambda rng: {"x": 1 / 0}}, "inputs could not be drawn: ZeroDivisionError"),
    "edge of other names": (
        {"edge_inputs": edge(y=1.0)},
        "edge_inputs draws y; it must name the inputs in their order",
    ),
}


@pytest.mark.parametrize(("change", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_declarations(change, said):
    declared = GOOD | change
    with pytest.raises(ExerciseError) as refusal:
        Exercise(**declared)
    message = str(refusal.value)
    assert message.startswith(f"exercise {declared['id']!r}: ")
    assert said in message
    assert "\n" not in message


def test_edge_inputs_in_another_order():
    def two(rng):
        return {"x": rng.normal(), "y": rng.normal()}

    with pytest.raises(ExerciseError, match="draws y, x; it must name the inputs in their order, x, y"):
        Exercise(
            id="in.order",
            function=lambda xp, x, y: x * y,
            inputs=two,
            wrt=("x",),
            edge_inputs=lambda rng: {"y": 0.0, "x": 1.0},
        )


def test_inputs_in_another_order_than_the_parameters():
    def two(rng):
        return {"y": rng.normal(), "x": rng.normal()}

    for function in (lambda xp, x, y: x**2 * y, lambda x, y: x**2 * y):
        with pytest.raises(ExerciseError, match="by position: draw them in the function's order, x, y"):
            Exercise(id="in.order", function=function, inputs=two, wrt=("x",))
    assert Exercise(id="in.order", function=lambda xp, a, x: a**2 * x, inputs=two, wrt=("x",)).wrt == ("x",)


def test_a_good_declaration():
    exercise = Exercise(**GOOD)
    assert (exercise.cell_id, exercise.answer_cell_id) == ("a-good_one", "a-good_one-answer")
    assert (exercise.draws, exercise.points, exercise.takes_xp, exercise.is_data) == (3, 1.0, True, False)
    assert not on_numbers(lambda x: np.sum(x**2), lambda rng: rng.normal(size=3)).takes_xp
    assert len(Exercise(**GOOD | {"id": "a" * 57}).answer_cell_id) == 64


def test_a_value_need_not_be_differentiable():
    exercise = Exercise(
        id="a.value", function=lambda xp, z: xp.argmax(z), inputs=lambda rng: {"z": rng.normal(size=5)}, asks="value"
    )
    assert verify(exercise, lambda z: int(np.argsort(z)[-1]), seed=1).outcome == "right"
    assert verify(exercise, np.argmin, seed=1).outcome == "wrong"


@pytest.mark.parametrize("points", [0, 0.5, 3])
def test_points_are_the_marks(points):
    exercise = Exercise(**GOOD | {"points": points})
    assert verify(exercise, lambda x: 2 * x, seed=1).mark == points
    assert verify(exercise, lambda x: x, seed=1).mark == 0
