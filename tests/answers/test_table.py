"""Tables: right ones pass however they were rounded, and a slip costs its own row alone."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import tables
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tables import SHEET, TOY, Student, exercise, lists, rows_of, sheet_function

from grading.answers import fault_of, verify
from grading.answers.table import VALUE, TableExercise, adjoint, tangent
from grading.verify import ExerciseError

SEED = 3
AT = {"x1": 2.0, "x2": 1.0}
POINTS = [AT, {"x1": 2.3, "x2": 0.7}, {"x1": -1.4, "x2": 1.6}, {"x1": 0.5, "x2": -0.9}]
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def table(**more):
    return exercise(SHEET, AT, {"x2": 1.0}, "v8", **more)


def filled(steps=SHEET, at=None, direction=None, output="v8", rounds=False, slips=None):
    return Student(steps, at or AT, rounds, slips).fill(direction or {"x1": 0.0, "x2": 1.0}, output)


def statuses(verdict):
    """What the figure says, by row and column."""
    head, _, *lines = verdict.figures[0].text.splitlines()
    titles = [title for title in head.split("  ") if title.strip()][2:]
    cut = list(pairwise([*map(head.index, titles), None]))
    return {
        (line.split()[0], title.strip()): line[a:b].split()[-1]
        for line in lines
        for title, (a, b) in zip(titles, cut, strict=True)
    }


def is_within_reach(numbers):
    """Whether numbers can be told apart at these decimals, and are such as one would do by hand."""
    return all(abs(number) < 50 for row in numbers.values() for number in row.values())


# --- right tables --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rounds", [False, True], ids=["printed at the end", "rounded on the way"])
@pytest.mark.parametrize("at", POINTS, ids=str)
@pytest.mark.parametrize(("direction", "output"), [({"x1": 1.0, "x2": 0.0}, "v8"), ({"x1": 0.0, "x2": 1.0}, "v11")])
def test_the_sheets_tables_are_right_at_any_point(at, direction, output, rounds):
    asked = exercise(SHEET, at, direction, output)
    verdict = verify(asked, filled(at=at, direction=direction, output=output, rounds=rounds), SEED)
    assert (verdict.outcome, verdict.mark) == ("right", asked.points), verdict.text()
    assert fault_of(asked, SEED) == ""


@pytest.mark.parametrize("column", ["value", "tangent", "adjoint"])
def test_one_column_alone(column):
    """The other tables are then somebody else's, and as they are printed."""
    for rounds in (False, True):
        answer = {name: row[column] for name, row in filled(rounds=rounds).items()}
        assert verify(table(columns=(column,)), answer, SEED).outcome == "right"


def test_the_toy_function():
    asked = exercise(TOY, {"x": 1.0, "y": 0.5}, {"x": 1.0}, "z4")
    answer = Student(TOY, {"x": 1.0, "y": 0.5}, True).fill({"x": 1.0, "y": 0.0}, "z4")
    assert verify(asked, answer, SEED).outcome == "right"


def test_the_lines_that_a_function_records():
    asked = TableExercise("trace.own", AT, sheet_function, columns={"value": VALUE, "a": adjoint(0), "b": adjoint(1)})
    names = [row.name for row in asked.trace.rows]
    assert names == [f"v{i}" for i in range(15)]
    assert asked.trace.outputs == ("v8", "v14")
    assert [row.what for row in asked.trace.rows][:4] == ["x1", "x2", "2 * v1", "exp(v2)"]
    answer = [[asked.titled[title].true[name] for title in asked.columns] for name in names]
    assert verify(asked, np.round(answer, 3), SEED).outcome == "right"
    named = replace(asked, rows=("r0", "r1", *names[2:]))
    assert [row.what for row in named.trace.rows][:3] == ["x1", "x2", "2 * r1"]


@QUICK
@given(lists(), st.booleans(), st.data())
def test_right_tables_of_random_lists_are_right(drawn, rounds, data):
    steps, at = drawn
    output = data.draw(st.sampled_from(list(steps)))
    direction = {"x": 1.0, "y": -0.5}
    answer = Student(steps, at, rounds).fill(direction, output)
    asked = exercise(steps, at, direction, output)
    assume(is_within_reach(answer) and not asked.fault(SEED))  # a build refuses what cannot be judged
    verdict = verify(asked, answer, SEED)
    assert verdict.outcome == "right", verdict.text()


# --- slips ---------------------------------------------------------------------------------------------------------


@QUICK
@given(lists(), st.booleans(), st.sampled_from(["value", "tangent", "adjoint"]), st.data())
def test_a_slip_costs_its_own_row_alone(drawn, rounds, column, data):
    steps, at = drawn
    output, direction = list(steps)[-1], {"x": 1.0, "y": -0.5}
    slipped = data.draw(st.sampled_from(list(steps)))
    right = Student(steps, at, rounds).fill(direction, output)
    number = round(right[slipped][column] + data.draw(st.sampled_from([-2.0, -0.6, 0.7, 1.9])), 3)
    wrong = Student(steps, at, rounds, {(column, slipped): number}).fill(direction, output)
    assume(number != 0 and is_within_reach(right) and is_within_reach(wrong))
    asked = exercise(steps, at, direction, output)
    assume(not asked.fault(SEED))
    verdict = verify(asked, wrong, SEED)
    found = [place for place, said in statuses(verdict).items() if said == "wrong"]
    assert found == [(slipped, column)], verdict.text()
    assert verdict.mark == pytest.approx(asked.points - 1)
    late = right | {slipped: right[slipped] | {column: number}}  # a slip of the pen: nothing was computed with it
    verdict = verify(asked, late, SEED)
    assert [place for place, said in statuses(verdict).items() if said == "wrong"] == [(slipped, column)]


def test_rows_after_a_slip_are_said_to_follow():
    """The sign lost in the row of the sine, as it is printed in one copy of the sheet."""
    slips = {("tangent", "v6"): 5.94}
    verdict = verify(table(), filled(slips=slips), SEED)
    said = statuses(verdict)
    assert said["v6", "tangent"] == "wrong"
    assert said["v7", "tangent"] == said["v8", "tangent"] == "follows"
    assert verdict.mark == 35
    assert verdict.causes[0].label == "sign"
    assert "v6 = sin(v5)" in verdict.problem
    assert "v5 = 6" in verdict.problem
    assert any("v7, v8" in note for note in verdict.notes)
    assert "-5.94" not in verdict.problem + verdict.causes[0].text


def test_adjoints_are_judged_on_the_rows_below():
    verdict = verify(table(), filled(slips={("adjoint", "v3"): 2.0}), SEED)
    said = statuses(verdict)
    assert {place for place, word in said.items() if word == "wrong"} == {("v3", "adjoint")}
    assert {place for place, word in said.items() if word == "follows"} == {("v2", "adjoint"), ("v1", "adjoint")}


def test_what_is_carried_may_earn_less():
    answer = filled(slips={("tangent", "v6"): 5.94})
    for carried, mark in ((0.0, 33), (0.5, 34), (1.0, 35)):
        assert verify(table(carried=carried), answer, SEED).mark == pytest.approx(mark)


@pytest.mark.parametrize("column", ["value", "tangent", "adjoint"])
def test_nobody_earns_marks_with_zeros(column):
    """From a wrong 0 follow zeros, without any work: they are not wrong, and earn nothing."""
    asked = table(columns=(column,))
    true = [asked.titled[column].true[name] for name in SHEET]
    verdict = verify(asked, dict.fromkeys(SHEET, 0.0), SEED)
    assert verdict.mark == true.count(0)
    assert "0 from 0" in verdict.figures[0].text
    assert "whatever one does" in verdict.notes[0]


def test_a_number_that_is_rounded_to_zero_follows():
    steps = {
        "v0": ("x", {"x": "1"}),
        "v1": ("0.001 * v0", {"v0": "0.001"}),
        "v2": ("v1 * v0", {"v1": "v0", "v0": "v1"}),
    }
    asked = exercise(steps, {"x": 3.0}, {"x": 1.0}, "v2", columns=("tangent",))
    verdict = verify(asked, {"v0": 0.2, "v1": 0.0, "v2": 0.001}, SEED)
    assert verdict.mark == 2


def test_a_slope_that_is_zero_at_ones_own_values_follows():
    steps = {
        "v0": ("x", {"x": "1"}),
        "v1": ("2 * v0", {"v0": "2"}),
        "v2": ("xp.exp(-(v1 ** 2))", {"v1": "-2 * v1 * v2"}),
        "v3": ("3 * v2", {"v2": "3"}),
    }
    answer = Student(steps, {"x": 0.6}, slips={("value", "v1"): 3.6}).fill({"x": 1.0}, "v3")
    assert answer["v2"]["tangent"] == answer["v3"]["tangent"] == answer["v0"]["adjoint"] == 0
    assert verify(exercise(steps, {"x": 0.6}, {"x": 1.0}, "v3"), answer, SEED).mark == 11


def test_derivatives_may_rest_on_ones_own_values_or_on_the_true_ones():
    slip = {("value", "v5"): 2.0}
    own, true = filled(slips=slip), filled()
    for source in (own, true):
        mixed = {name: own[name] | {c: source[name][c] for c in ("tangent", "adjoint")} for name in own}
        verdict = verify(table(), mixed, SEED)
        assert [place for place, word in statuses(verdict).items() if word == "wrong"] == [("v5", "value")]


def test_half_a_unit_is_the_most_that_a_first_row_may_be_off():
    asked = table(columns=("value",))
    right = {name: row["value"] for name, row in filled().items()}
    for number, outcome in ((7.389, "right"), (7.38905609, "right"), (7.388, "wrong"), (7.390, "wrong")):
        assert verify(asked, right | {"v3": number}, SEED).outcome == outcome, number
    assert verify(asked, right | {"v2": 2.0006}, SEED).outcome == "wrong"


# --- what is said --------------------------------------------------------------------------------------------------

NAMED = {
    "the first input": ("tangent", "v9", 0.7, "another derivative"),
    "a use forgotten": ("adjoint", "v0", 0.0, "zeros"),
    "a sign": ("value", "v6", "-", "sign"),
    "degrees": ("value", "v6", 0.026, "degrees for radians"),
    "two digits": ("value", "v3", 4.06, "rounding"),
    "the value": ("tangent", "v3", 4.055, "the value instead of its derivative"),
    "the other input": ("tangent", "v7", 0.995, "another derivative"),
    "the inner derivative": ("tangent", "v3", 4.055, "the value instead of its derivative"),
    "a tangent for an adjoint": ("adjoint", "v4", 1.4, "another derivative"),
    "a point moved": ("value", "v7", 22.884, "power of ten"),
}


@pytest.mark.parametrize(("column", "row", "number", "label"), NAMED.values(), ids=NAMED)
def test_the_mistake_is_named(column, row, number, label):
    at = {"x1": 2.3, "x2": 0.7}
    right = filled(at=at)
    wrong = -right[row][column] if number == "-" else number
    answer = right | {row: right[row] | {column: wrong}}
    verdict = verify(exercise(SHEET, at, {"x2": 1.0}, "v8"), answer, SEED)
    assert statuses(verdict)[row, column] == "wrong"
    assert label in [cause.label for cause in verdict.causes], verdict.text()


def fan_out(keep, output="v3"):
    """The adjoint of a row that is used three times, of which `keep` were added up."""
    steps = {
        "v0": ("x", {"x": "1"}),
        "v1": ("v0 ** 2", {"v0": "2 * v0"}),
        "v2": ("xp.sin(v0)", {"v0": "xp.cos(v0)"}),
        "v3": ("v1 + 5 * v2 + v0 * 3.7", {"v1": "1", "v2": "5", "v0": "3.7"}),
    }
    at = {"x": 0.8}
    right = Student(steps, at).fill({"x": 1.0}, "v3")
    arriving = {"v1": 1.6, "v2": 5 * np.cos(0.8), "v3": 3.7}
    wrong = right | {"v0": right["v0"] | {"adjoint": round(sum(arriving[name] for name in keep), 3)}}
    return verify(exercise(steps, at, {"x": 1.0}, output), wrong, SEED)


@pytest.mark.parametrize("keep", [("v1", "v2"), ("v1", "v3"), ("v2", "v3"), ("v1",), ("v2",), ("v3",)])
def test_what_was_not_added_is_named(keep):
    verdict = fan_out(keep)
    (cause,) = verdict.causes
    assert cause.label == "a path or term dropped"
    missing = {"v1", "v2", "v3"} - set(keep)
    assert (keep[0] if len(keep) == 1 else missing.pop()) in cause.text.split("is")[0]


def test_a_walk_that_begins_with_the_adjoints_of_another_is_named():
    at = {"x1": 2.3, "x2": 0.7}
    first, second = filled(at=at, output="v8"), filled(at=at, output="v11")
    answer = {name: first[name]["adjoint"] + second[name]["adjoint"] for name in first}
    verdict = verify(exercise(SHEET, at, {"x2": 1.0}, "v11", columns=("adjoint",)), answer, SEED)
    assert "outputs added" in [cause.label for cause in verdict.causes], verdict.text()


def test_the_derivative_at_another_row_is_named():
    at = {"x1": 2.3, "x2": 0.7}
    right = filled(at=at)
    elsewhere = round(np.cos(right["v6"]["value"]) * right["v5"]["tangent"], 3)
    answer = right | {"v6": right["v6"] | {"tangent": elsewhere}}
    verdict = verify(exercise(SHEET, at, {"x2": 1.0}, "v8"), answer, SEED)
    assert [cause.label for cause in verdict.causes] == ["another row used"]
    assert "v6" in verdict.causes[0].text


NET = {
    "v0": ("x", {"x": "1"}),
    "v1": ("y", {"y": "1"}),
    "v2": ("v0 * v1", {"v0": "v1", "v1": "v0"}),
    "v3": ("xp.sin(v2)", {"v2": "xp.cos(v2)"}),
    "v4": ("v2 / v3", {"v2": "1 / v3", "v3": "-v4 / v3"}),
}
NET_AT, NET_ALONG = {"x": 1.3, "y": 0.6}, {"x": 1.7, "y": -0.4}


def causes_of(column, row, number):
    """What is said of one number in the table of a small list."""
    right = Student(NET, NET_AT).fill(NET_ALONG, "v4")
    answer = right | {row: right[row] | {column: round(number(right), 3)}}
    verdict = verify(exercise(NET, NET_AT, NET_ALONG, "v4"), answer, SEED)
    assert statuses(verdict)[row, column] == "wrong"
    return verdict.causes


@pytest.mark.parametrize(("of", "kept"), [("v0", 1.3 * -0.4), ("v1", 0.6 * 1.7)])
def test_a_product_rule_with_one_term_is_named(of, kept):
    (cause,) = causes_of("tangent", "v2", lambda right: kept)
    assert cause.label == "product rule misapplied"
    assert f"the tangent of {of} is missing" in cause.text


def test_a_factor_that_is_missing_is_named():
    (passed_on,) = causes_of("tangent", "v3", lambda right: right["v2"]["tangent"])
    (alone,) = causes_of("tangent", "v3", lambda right: np.cos(0.78))
    (adjoint,) = causes_of("adjoint", "v2", lambda right: 1 / right["v3"]["value"] + right["v3"]["adjoint"])
    assert {passed_on.label, alone.label, adjoint.label} == {"inner derivative forgotten"}
    assert "passed on as it is" in passed_on.text
    assert "local derivative alone" in alone.text
    assert "v3 = sin(v2)" in adjoint.text


def test_a_wrong_sign_in_a_sum_is_named():
    def plus(right):
        tangents = right["v2"]["tangent"], right["v3"]["tangent"]
        return tangents[0] / np.sin(0.78) + 0.78 / np.sin(0.78) ** 2 * tangents[1]

    (cause,) = causes_of("tangent", "v4", plus)
    assert cause.label == "sign of one term"
    assert "v3" in cause.text


def test_another_row_in_the_place_of_an_operand_is_named():
    (cause,) = causes_of("value", "v3", lambda right: np.sin(0.6))
    assert (cause.label, "v1 was used where v2 belongs" in cause.text) == ("another row used", True)


def test_nothing_is_named_for_a_number_out_of_the_blue():
    at = {"x1": 2.3, "x2": 0.7}
    answer = filled(at=at)
    answer["v8"] = answer["v8"] | {"value": 31.773}
    assert verify(exercise(SHEET, at, {"x2": 1.0}, "v8"), answer, SEED).causes == ()


def numbers_in(text):
    return {word.strip(",.;:()") for word in text.split()}


@pytest.mark.parametrize("row", [name for name in SHEET if name not in ("v0", "v1")])
def test_the_right_number_is_never_said(row):
    at = {"x1": 2.3, "x2": 0.7}
    right = filled(at=at)
    for column in ("value", "tangent", "adjoint"):
        answer = right | {row: right[row] | {column: right[row][column] + 1.234}}
        verdict = verify(exercise(SHEET, at, {"x2": 1.0}, "v8"), answer, SEED)
        said = numbers_in(" ".join(verdict.details()))
        assert verdict.outcome == "wrong"
        others = {f"{n:.12g}" for name, r in answer.items() for c, n in r.items() if (name, c) != (row, column)}
        assert f"{right[row][column]:.12g}" not in said - others - numbers_in(SHEET[row][0])


def test_a_table_that_is_not_finished():
    answer = filled()
    half = dict(list(answer.items())[:6])
    verdict = verify(table(), half, SEED)
    assert (verdict.outcome, verdict.mark) == ("wrong", 18)
    assert verdict.problem == ""
    assert verify(table(), answer | {"v6": {"value": None, "tangent": -5.94}}, SEED).mark == 34
    gap = dict(answer)
    del gap["v6"]  # what comes after is judged on the true row
    assert verify(table(), gap, SEED).mark == 33


# --- the figure ----------------------------------------------------------------------------------------------------


def test_the_figure_needs_no_colour_and_no_script():
    verdict = verify(table(), filled(slips={("tangent", "v6"): 5.94}) | {"v11": None}, SEED)
    (figure,) = verdict.figures
    for said in ("✓ right", "→ follows", "✗ wrong", "○ not attempted"):
        assert said in figure.text
        assert said in figure.html
    assert figure.html.count('<th scope="row"') == 12
    assert figure.html.count('<th scope="col"') == 5
    assert "<caption" in figure.html
    assert not {"script", "class=", "color"} & set(figure.html.replace("<", " ").split())
    assert figure.html in verdict.html()


def test_what_a_student_writes_is_escaped():
    verdict = verify(table(columns=("value",)), {"v3": "<b>&"}, SEED)
    assert "<b>" not in verdict.html()
    assert "&lt;b&gt;" in verdict.html()


def test_the_empty_table_is_shown_with_the_statement():
    assert table().shown == ""
    asked = table(statement="Fill in the table.")
    head, line, *rows = asked.shown.splitlines()[2:]
    assert asked.shown.startswith("Fill in the table.\n\n| row |")
    assert head == "| row | is | value | tangent | adjoint |"
    assert line.count("---") == 5
    assert len(rows) == 12
    assert rows[10] == "| v10 | `1 / (1 + exp(-v1))` |   |   |   |"


# --- declarations --------------------------------------------------------------------------------------------------

REFUSED = {
    "no rows": ({"rows": ()}, "declare a function"),
    "a row of nothing": ({"rows": {"a": lambda q: q}}, "'q'"),
    "an array": ({"rows": {"a": lambda x1: np.array([x1, x1])}}, "array"),
    "not finite": ({"rows": {"a": lambda xp, x1: xp.log(x1 - 2)}}, "not finite"),
    "no such input": ({"columns": {"t": tangent(y=1)}}, "'y'"),
    "no such output": ({"columns": {"t": adjoint(7)}}, "outputs"),
    "no such row": ({"columns": {"t": adjoint("v99")}}, "v99"),
    "no columns": ({"columns": {}}, "columns"),
    "a column twice": ({"columns": {"a": VALUE, "b": VALUE}}, "two columns"),
    "a column called as a row": ({"columns": {"v1": VALUE}}, "same name"),
    "decimals": ({"decimals": 2.5}, "decimals"),
    "carried": ({"carried": 2}, "carried"),
    "no point": ({"given": {}}, "given"),
    "a text for a point": ({"given": {"x1": "2", "x2": 1.0}}, "given"),
    "nothing for a point": ({"given": {"x1": None, "x2": 1.0}}, "given"),
    "an array for a point": ({"given": {"x1": np.ones(2), "x2": 1.0}}, "given"),
    "columns without titles": ({"columns": ("value",)}, "columns"),
    "a row that is no function": ({"rows": {"a": 3.0}}, "callable"),
    "a row that fails": ({"rows": {"a": lambda x1: x1.nothing}}, "nothing"),
    "another function": ({"function": lambda x1, x2: x1 - x2}, "something else"),
    "too few names": ({"rows": ("a", "b"), "function": sheet_function}, "named"),
    "a name of an input": ({"rows": ("x1", *"abcdefghijklmn"), "function": sheet_function}, "'x1'"),
    "a number that does not move": ({"rows": (), "function": lambda x1, x2: (x1 + x2, 3.0)}, "output"),
}


@pytest.mark.parametrize(("change", "told"), REFUSED.values(), ids=REFUSED)
def test_a_declaration_that_cannot_be_is_refused(change, told):
    with pytest.raises(ExerciseError, match=told):
        TableExercise(**{"id": "trace.bad", "given": AT, "rows": rows_of(SHEET)} | change)


@pytest.mark.parametrize("more", [{"function": lambda x: np.sqrt(x) / 3}, {"rows": {"a": lambda x: np.sqrt(x) / 3}}])
def test_plain_numpy_will_do(more):
    asked = TableExercise("trace.plain", {"x": 2}, columns={"tangent": tangent(x=1)}, **more)
    assert fault_of(asked, SEED) == ""
    right = [1.0, 0.354, 0.118][-len(asked.trace.rows) :]
    assert verify(asked, right, SEED).outcome == "right"


def test_rows_and_function_may_both_be_declared():
    asked = TableExercise("trace.both", AT, sheet_function, rows_of(SHEET), columns={"adjoint": adjoint(1)})
    assert asked.trace.outputs == ("v8", "v11")
    assert asked.titled["adjoint"].true["v8"] == 0


def test_a_row_need_not_cope_with_what_a_slip_leads_to():
    def picky(xp, v0):
        if v0 > 2:
            raise ValueError("too large")
        return xp.sin(v0)

    rows = {"v0": lambda x: x, "v1": picky, "v2": lambda v1: 3 * v1}
    columns = {"value": VALUE, "tangent": tangent(x=1), "adjoint": adjoint("v2")}
    asked = TableExercise("trace.picky", {"x": 1.5}, rows=rows, columns=columns, points=9)
    right = [[1.5, 1.0, 0.212], [0.997, 0.071, 3.0], [2.992, 0.212, 1.0]]
    assert verify(asked, right, SEED).outcome == "right"
    assert verify(asked, [[5.1, 1.0, 0.212], *right[1:]], SEED).mark == 8
    assert verify(asked, [[5.1, 1.0, 0.212], [0.1, 0.5, 3.0], *right[2:]], SEED).mark == 6


def test_witnesses_that_contradict_each_other_charge_nobody():
    def torn(xp, x):
        return x * x if xp is np else x * x * x

    asked = TableExercise("trace.torn", {"x": 1.5}, torn, points=4)
    assert fault_of(asked, SEED)
    verdict = verify(asked, [1.5, 2.25], SEED)
    assert (verdict.outcome, verdict.mark) == ("fault", 4)
    assert verify(asked, None, SEED).outcome == "not attempted"


def test_tables_helper_is_the_sheets_function():
    right = filled()
    assert [right["v8"]["value"], right["v11"]["value"]] == [round(v, 3) for v in sheet_function(np, 2.0, 1.0)]
    assert tables.DECIMALS == 3
