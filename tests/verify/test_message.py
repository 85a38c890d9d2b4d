"""How a verdict reads: what it says first, the numbers it shows, the map of wrong entries, and what it must not say."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged import GRADIENT, JACOBIAN, VJP, on_numbers

from grading.verify import Exercise, Verdict, compare, contract, layout, respondent, verify
from grading.verify import verdict as verdicts
from grading.verify.layout import Map, Table, aligned, heat_map, places


def some_wrong(W, x):
    dW, dx = GRADIENT.right(W, x)
    dW[1] *= 2
    dW[0, 3] *= 1.001
    dW[2, 1] *= 0.8
    return dW, dx


EXPECTED = ("···▁·", "█████", "·▄···")


def test_a_sign_per_entry():
    verdict = verify(GRADIENT.exercise, some_wrong, seed=2)
    assert verdict.blocks[0].heat == EXPECTED
    assert verdict.blocks[1].heat == ()
    assert Verdict.from_json(verdict.json()).blocks[0].heat == EXPECTED
    lines = verdict.text().splitlines()
    at = next(number for number, line in enumerate(lines) if "off by half or more" in line)
    assert [line.replace(" ", "") for line in lines[at + 1 : at + 5]] == [
        "01234",
        *(f"{number}{row}" for number, row in enumerate(EXPECTED)),
    ]


def test_the_same_in_words():
    page = verify(GRADIENT.exercise, some_wrong, seed=2).html()
    (spoken,) = re.findall(r'role="img" aria-label="([^"]*)"', page)
    assert spoken == ("Entries of W that differ, counted from 0. row 0: column 3; row 1: all; row 2: column 1")


@pytest.mark.parametrize("columns", [5, 11, 32, 33, 64])
def test_a_columns_number_stands_above_it(columns):
    for column in range(columns):
        above, row = Map("W", ("·" * column + "█" + "·" * (columns - column - 1),) * 2, is_told=True).text()[:2]
        numbers = {match.start(): int(match.group()) for match in re.finditer(r"\d+", above)}
        assert numbers.get(row.index("█"), column) == column
        assert len(numbers) > columns // 6


def test_no_map_where_it_would_say_nothing():
    assert verify(JACOBIAN.exercise, lambda W, x: 3 * JACOBIAN.right(W, x), seed=1).blocks[0].heat == ()
    assert verify(JACOBIAN.exercise, JACOBIAN.right, seed=1).maps() == []
    vector = on_numbers(lambda xp, x: xp.sum(x**2), lambda rng: rng.normal(size=5))
    assert verify(vector, lambda x: 2 * x + (x == x[0]), seed=1).blocks[0].heat == ()
    wide = np.zeros((3, 200), dtype=bool)
    wide[0, 0] = True
    assert heat_map(wide, 1.0 * wide, 1.0 + wide) == ()


def test_numbers_worked_out_by_hand_are_not_given_away():
    A, x = np.arange(6.0).reshape(2, 3) / 7, np.array([0.5, 1.5, -2])
    exercise = Exercise(
        id="by.hand", function=lambda xp, A, x: xp.sum((A @ x) ** 2), given={"A": A, "x": x}, wrt=("A",), decimals=2
    )
    right = np.round(2 * np.outer(A @ x, x), 2)
    off = right + np.array([[0.02, 0, 0], [0, 50, 0]])
    verdict = verify(exercise, off, seed=1)
    assert verdict.blocks[0].heat == ("×··", "·×·")  # by how much is not told
    assert verdict.blocks[0].worst.witnesses == {}
    said = verdict.text() + verdict.html()
    assert all(f"{value:g}" not in said for value in (right[0, 0], right[1, 1]))


# --- what is said first --------------------------------------------------------------------------------------------


def x_doubled(W, x):
    dW, dx = GRADIENT.right(W, x)
    return dW, 2 * dx


def test_what_is_right_and_the_mistake_stand_in_the_first_two_lines():
    first, second, *_ = verify(GRADIENT.exercise, x_doubled, seed=2).text().splitlines()
    assert first == "✗ Not right yet: tensor.sq_norm, 2 of 4 points. W is right."
    assert second.startswith("  Cause: x: Every entry is twice")


def test_right_values_are_called_right_whatever_else_is_wrong():
    def spoils(W, x):
        right = GRADIENT.right(W, x)
        x[:] = 0
        return right

    verdict = verify(GRADIENT.exercise, spoils, seed=2)
    assert verdict.headline().endswith("The values are right.")
    assert "until this is mended" in verdict.text()
    assert "are right" not in verify(GRADIENT.exercise, GRADIENT.right, seed=2).headline()


def test_arrays_that_are_wrong_throughout_share_a_line():
    said = verify(GRADIENT.exercise, GRADIENT.wrong[0], seed=2).text()
    assert "W and x: the shapes are right; all entries differ" in said
    assert verify(GRADIENT.exercise, x_doubled, seed=2).details()[1] == "x: shape (5,) is right; all 5 entries differ"


def test_what_is_known_of_several_arrays_is_said_once():
    def uneven(W, x):
        return tuple(block * np.cos(9 * x[0]) for block in GRADIENT.right(W, x))

    verdict = verify(GRADIENT.exercise, uneven, seed=2)
    (known,) = verdict.known
    assert known.startswith("W, x: proportional to the right answer")
    assert verdict.text().splitlines()[1] == f"  Known: {known}"


def test_zeros_are_no_right_entries():
    diagonal = on_numbers(lambda xp, x: x**2, lambda rng: rng.normal(size=5), asks="jacobian")
    verdict = verify(diagonal, lambda x: 3 * np.diag(x), seed=1)
    assert verdict.blocks[0].where == "all that are not 0"
    assert verdict.maps() == []


# --- where it is wrong, in words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([[0, 0, 0], [1, 1, 1]], "row 1"),
        ([[1, 0, 1], [1, 0, 1]], "columns 0, 2"),
        ([[0, 0, 1], [1, 1, 1]], "row 1; column 2"),
        ([[0, 0, 1], [1, 1, 1], [0, 0, 0]], "row 1; [0, 2]"),
        ([0, 1, 0, 1], "[1]; [3]"),
        ([[1, 0] * 4, [0, 1] * 4], ""),
        ([[[0, 0], [0, 1]], [[0, 0], [1, 0]]], "[0, 1, 1]; [1, 1, 0]"),
    ],
)
def test_few_places_are_listed(wrong, said):
    if not said:
        wrong = np.array(wrong) * (np.arange(8) > 0)  # no whole column
    assert places(np.array(wrong, dtype=bool)) == said


def test_a_map_has_numbers():
    rows = [line for line in verify(GRADIENT.exercise, some_wrong, seed=2).text().splitlines() if line[:4] == "    "]
    assert rows[-4:] == ["       0 1 2 3 4", "    0  · · · ▁ ·", "    1  █ █ █ █ █", "    2  · ▄ · · ·"]


# --- the numbers -----------------------------------------------------------------------------------------------------


def test_the_numbers_stand_under_each_other():
    verdict = verify(JACOBIAN.exercise, lambda W, x: -40 * JACOBIAN.right(W, x), seed=1)
    worst = verdict.blocks[0].worst
    (table,) = verdict.tables()
    assert [name for name, _ in table.rows] == ["yours", "PyTorch autograd", "finite differences"]
    cells = [cell for _, (cell,) in table.rows]
    assert len({cell.index(".") for cell in cells}) == 1
    assert float(cells[0]) == pytest.approx(worst.yours, rel=1e-5)
    assert float(cells[1]) == pytest.approx(worst.witnesses["PyTorch autograd"], rel=1e-3)
    assert cells[2].endswith(f"± {worst.bar:.1g}")
    assert all(line.strip() in verdict.text() for line in table.text())


def test_two_arrays_share_a_table_if_they_share_the_point():
    (table,) = verify(GRADIENT.exercise, GRADIENT.wrong[0], seed=2).tables()
    assert [head[-4:] for head in table.heads] == ["of W", "of x"]
    assert all(len(cells) == 2 for _, cells in table.rows)


def test_a_wide_table_is_cut():
    table = Table("", tuple("abcd"), (("yours", tuple("1234")),))
    assert table.text() == ["        a   b", "yours   1   2", "        c   d", "yours   3   4"]
    assert table.html().count("<table") == 2


reals = st.floats(-1e12, 1e12).filter(lambda x: x == 0 or abs(x) > 1e-12)


@given(reals, reals)
def test_as_many_digits_as_tell_two_numbers_apart(one, two):
    said = aligned([one, two])
    assert (said[0].strip() == said[1].strip()) == (one == two)
    largest = max(abs(one), abs(two))
    assert all(abs(float(text) - x) <= 1e-4 * largest for text, x in zip(said, (one, two), strict=True))
    if all("." in text for text in said):
        assert said[0].index(".") == said[1].index(".")


def test_no_more_digits_than_needed():
    assert aligned([0.5, 1.0]) == ["0.50000", "1.00000"]
    assert aligned([1.0, 1.0 + 1e-8, 10.0]) == [" 1.000000000", " 1.000000010", "10.000000000"]
    assert aligned([0.0, -0.25]) == [" 0", "-0.250000"]
    assert aligned([3e-9, 1.5]) == ["3.0e-09", "1.50000"]


# --- which point it is -----------------------------------------------------------------------------------------------


def test_few_inputs_are_told_and_of_many_the_shapes():
    few = on_numbers(lambda xp, x: xp.sum(x**2), lambda rng: rng.normal(size=5))
    drawn = []
    verdict = verify(few, lambda x: drawn.append(x) or 3 * x, seed=1)
    told = re.search(r"at point 1 of 3, with x = \[(.*)\]", verdict.text())
    assert told
    assert np.allclose([float(x) for x in told[1].split(", ")], drawn[0], rtol=1e-5)
    many = verify(VJP.exercise, VJP.wrong[0], seed=1)
    assert "at point 1 of 3, with W (3, 5), x (5,), the cotangent (3,)" in many.text()


def test_points_that_are_not_to_be_known_are_not_told():
    verdict = verify(on_numbers(lambda xp, x: xp.sum(x**2), lambda rng: rng.normal(size=5)), lambda x: 3 * x, seed=1)
    assert "with x" not in replace(verdict, seed=None).text() + replace(verdict, seed=None).html()


def test_a_declared_point_is_called_what_it_is():
    declared = Exercise(
        id="declared.points",
        function=lambda xp, x: xp.sum(xp.sin(x)),
        inputs=lambda rng: {"x": rng.normal(size=3)},
        edge_inputs=lambda rng: {"x": np.array([-5.0, 0.0, 7.0])},
        published={"x": np.array([1.0, 2.0, 4.0])},
        wrt=("x",),
    )
    at_edge = verify(declared, lambda x: np.cos(x) + (x == 7), seed=1)
    assert "entry [2] of x at point 4 of 5 (edge case), with x = [-5, 0, 7]" in at_edge.text()
    as_given = verify(declared, lambda x: np.cos(x) + (x == 4), seed=1)
    assert "at point 5 of 5 (as given), with x = [1, 2, 4]" in as_given.text()


# --- functions that give no values -----------------------------------------------------------------------------------


def stops(W, x):
    return helper(W, x)


def helper(W, x):
    return W[x.size]


def test_an_exception_is_told_with_its_line_and_the_call():
    said = verify(GRADIENT.exercise, stops, seed=1).text()
    line = helper.__code__.co_firstlineno + 1
    assert f"IndexError: index 5 is out of bounds for axis 0 with size 3 (line {line} of test_message.py" in said
    assert "return W[x.size]). It is called with W (3, 5), x (5,)." in said
    assert said.splitlines()[-1] == "  Reproduce with seed 1"


def test_a_wrong_number_of_results_is_told_with_the_names_of_the_right_one():
    expected = "expected 2 arrays, in this order: W (3, 5), x (5,)."
    one = verify(GRADIENT.exercise, lambda W, x: GRADIENT.right(W, x)[0], seed=1)
    assert one.problem == f"Your function returned one array of shape (3, 5); {expected}"
    three = verify(GRADIENT.exercise, lambda W, x: (W, x, x), seed=1)
    assert three.problem == f"Your function returned 3 arrays; {expected}"


def test_one_array_whose_rows_are_as_many_as_the_arrays_is_one_array():
    two = Exercise(
        id="two.rows",
        function=lambda xp, W, x: xp.sum((W @ x) ** 2),
        inputs=lambda rng: {"W": rng.normal(size=(2, 5)), "x": rng.normal(size=5)},
        wrt=("W", "x"),
        sizes_fixed="the number of rows is the number of results",
    )
    assert "returned one array of shape (2, 5)" in verify(two, lambda W, x: W, seed=1).problem
    pair = Exercise(
        id="a.pair",
        function=lambda xp, x, y: x * y,
        inputs=lambda rng: dict(zip("xy", rng.normal(size=2), strict=True)),
        wrt=("x", "y"),
    )
    assert verify(pair, lambda x, y: np.array([y, x]), seed=1).outcome == "right"


def test_a_long_message_is_cut():
    def raises(W, x):
        raise ValueError("x" * 5000)

    assert len(verify(GRADIENT.exercise, raises, seed=1).problem) < 500


# --- HTML and JSON ---------------------------------------------------------------------------------------------------


def test_every_cell_of_the_html_has_its_heads():
    page = verify(GRADIENT.exercise, GRADIENT.wrong[0], seed=2).html()
    heads = re.findall(r"<th ([^>]*)>", page)
    assert [re.findall(r'scope="(\w+)"', head) for head in heads] == [["col"]] * 2 + [["row"]] * 3


def test_many_verdicts_on_a_page_do_not_collide_and_nothing_runs():
    page = verify(GRADIENT.exercise, some_wrong, seed=2).html()
    assert not re.search(r"\s(id|class|on\w+|src|href)=|<(script|style|svg)", page)


def test_without_colours_and_roles_all_is_still_said():
    verdict = verify(GRADIENT.exercise, some_wrong, seed=2)
    bare = re.sub(r' (role|aria-label|style)="[^"]*"', "", verdict.html())
    assert "✗ Not right yet" in bare
    assert "row 1; [0, 3]; [2, 1]" in bare
    assert 'title="Entries of W that differ' in bare

    def chequered(W, x):
        dW, dx = GRADIENT.right(W, x)
        return dW * (1 + np.indices(dW.shape).sum(axis=0) % 2), dx

    bare = re.sub(r' (role|aria-label|style|title)="[^"]*"', "", verify(GRADIENT.exercise, chequered, seed=2).html())
    assert "row 0: columns 1, 3; row 1: columns 0, 2, 4; row 2: columns 1, 3</details>" in bare


def test_verdicts_written_before_can_be_read():
    verdict = verify(GRADIENT.exercise, some_wrong, seed=2)
    old = json.loads(verdict.json())
    del old["known"], old["blocks"][0]["where"], old["blocks"][0]["worst"]["kind"], old["blocks"][0]["worst"]["inputs"]
    again = Verdict.from_json(json.dumps(old))
    assert again.mark == verdict.mark
    assert "7 of 15 entries differ" in again.text()
    assert Verdict.from_json(verdict.json()) == verdict


# --- what must not be said -------------------------------------------------------------------------------------------


def test_of_numbers_worked_out_by_hand_no_factor_is_told():
    x = np.array([0.3, 1.7, -2.2, 0.9])
    exercise = Exercise(id="by.hand", function=lambda xp, x: xp.sum(xp.sin(x)), given={"x": x}, wrt=("x",))
    verdict = verify(exercise, 1.7 * np.cos(x), seed=1)
    assert not re.search(r"1\.7|0\.588", verdict.text() + verdict.html())
    assert "0 that are" not in verdict.text()


# --- each piece is missed --------------------------------------------------------------------------------------------

PIECES = {
    "what is right is not said": (
        (Verdict, "standing", lambda self: ""),
        test_what_is_right_and_the_mistake_stand_in_the_first_two_lines,
    ),
    "entries are not named": ((compare, "places", lambda wrong: ""), test_without_colours_and_roles_all_is_still_said),
    "all points are alike": ((compare._Block, "_kind", lambda self: ""), test_a_declared_point_is_called_what_it_is),
    "inputs are not told": ((contract, "inputs_of", lambda q: ""), test_few_inputs_are_told_and_of_many_the_shapes),
    "inputs are always numbers": ((contract, "_MOST_NUMBERS", 999), test_few_inputs_are_told_and_of_many_the_shapes),
    "calls are not told": (
        (contract, "called_with", lambda question: ""),
        test_an_exception_is_told_with_its_line_and_the_call,
    ),
    "no lines of code": (
        (respondent, "_place", lambda frame: "somewhere"),
        test_an_exception_is_told_with_its_line_and_the_call,
    ),
    "numbers as they come": (
        (verdicts, "aligned", lambda numbers: [f"{number:g}" for number in numbers]),
        test_the_numbers_stand_under_each_other,
    ),
    "maps of zeros": ((compare, "heat_map", lambda wrong, off, size: ("·█",)), test_zeros_are_no_right_entries),
    "maps without numbers": ((layout.Map, "text", lambda self: list(self.rows)), test_a_map_has_numbers),
}


@pytest.mark.parametrize(("broken", "test"), PIECES.values(), ids=PIECES.keys())
def test_a_piece_that_is_broken_is_noticed(broken, test, monkeypatch):
    test()
    monkeypatch.setattr(*broken)
    with pytest.raises(AssertionError):
        test()
