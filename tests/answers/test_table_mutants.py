"""The judging of tables and numbers is itself judged: break one piece, and a test has to fail."""

import dataclasses
import math

import pytest
import test_mixups
import test_number
import test_table
import test_table_forms
from tables import SHEET, Student

from grading.answers import cells, mixups, number, paper, rounding, slips, table, trace, written
from grading.verify import precision

Paper, Rounding, Row, Trace = paper.Paper, rounding.Rounding, trace.Row, trace.Trace
JUDGED, ADMITS, TOTAL, SLOPES, USED = Paper._judged, Rounding.admits, Paper.total, Paper.slopes, Paper.used
REACH, TANGENTS, ADJOINTS, FIGURE, EXPLAIN = Paper.reach, Trace.tangents, Trace.adjoints, written.figure, table.explain


def battery():
    """Tests that hold together what tables promise."""
    for rounds in (False, True):
        for at in test_table.POINTS[:3]:
            test_table.test_the_sheets_tables_are_right_at_any_point(at, {"x1": 0.0, "x2": 1.0}, "v8", rounds)
        test_table.test_the_sheets_tables_are_right_at_any_point(
            test_table.POINTS[1], {"x1": 1.0, "x2": 0.0}, "v11", rounds
        )
    test_table.test_rows_after_a_slip_are_said_to_follow()
    test_table.test_adjoints_are_judged_on_the_rows_below()
    test_table.test_what_is_carried_may_earn_less()
    test_table.test_derivatives_may_rest_on_ones_own_values_or_on_the_true_ones()
    test_table.test_nobody_earns_marks_with_zeros("adjoint")
    test_table.test_a_number_that_is_rounded_to_zero_follows()
    test_table.test_half_a_unit_is_the_most_that_a_first_row_may_be_off()
    test_table.test_a_table_that_is_not_finished()
    test_table.test_the_figure_needs_no_colour_and_no_script()
    test_table.test_what_a_student_writes_is_escaped()
    test_table.test_one_column_alone("tangent")
    test_table.test_one_column_alone("adjoint")
    slips_of_all_kinds()


def slips_of_all_kinds():
    """One slip in each place, carried on as printed or not carried on: it is wrong, and alone."""
    at, direction = test_table.POINTS[1], {"x1": 7.3, "x2": 31.0}
    asked = test_table.exercise(SHEET, at, direction, "v8")
    right = Student(SHEET, at, True).fill(direction, "v8")
    for column in ("value", "tangent", "adjoint"):
        for row in SHEET:
            number = right[row][column] + 0.7
            carried = Student(SHEET, at, True, {(column, row): number}).fill(direction, "v8")
            for answer in (carried, right | {row: right[row] | {column: number}}):
                said = test_table.statuses(test_table.verify(asked, answer, 1))
                assert [place for place, word in said.items() if word == "wrong"] == [(row, column)]


def named():
    """Tests that hold what is said of mistakes."""
    for case in test_table.NAMED.values():
        test_table.test_the_mistake_is_named(*case)
    for keep in (("v1", "v2"), ("v1",), ("v3",)):
        test_table.test_what_was_not_added_is_named(keep)
    test_table.test_a_walk_that_begins_with_the_adjoints_of_another_is_named()
    test_table.test_the_derivative_at_another_row_is_named()
    test_table.test_a_factor_that_is_missing_is_named()
    test_table.test_a_wrong_sign_in_a_sum_is_named()
    test_table.test_another_row_in_the_place_of_an_operand_is_named()
    test_table.test_nothing_is_named_for_a_number_out_of_the_blue()
    for case in test_mixups.CASES.values():
        test_mixups.test_it_is_named(*case)


def written_down():
    """Tests that hold how tables are read."""
    for answer in test_table_forms.FORMS.values():
        test_table_forms.test_every_natural_form_is_read(answer)
    for answer in test_table_forms.FORMS_OF_ONE.values():
        test_table_forms.test_every_natural_form_of_one_column_is_read(answer)
    for answer, told in test_table_forms.TOLD.values():
        test_table_forms.test_what_is_no_such_table_is_told_so(answer, told)
    for part in ("7.389", math.nan, math.inf, True):
        test_table_forms.test_a_place_without_a_number_costs_its_own_row(part)
    test_table_forms.test_a_row_too_many_does_no_harm()


def numbers():
    """Tests that hold numbers, counts and shapes."""
    for asked, answer in test_number.test_right_answers.pytestmark[0].args[1]:
        test_number.test_right_answers(asked, answer)
    for case in test_number.WRONG.values():
        test_number.test_the_mistake_is_named(*case)
    for asked, answer in test_number.test_nothing_is_named_for_a_number_out_of_the_blue.pytestmark[0].args[1]:
        test_number.test_nothing_is_named_for_a_number_out_of_the_blue(asked, answer)
    for asked in (test_number.SLOPE, test_number.COUNT, test_number.SHAPE):
        for name, answer in test_number.MALFORMED.items():
            if name != "hanging":
                test_number.test_malformed_answers_are_told_so(asked, answer)
    test_number.test_what_is_expected_is_said()
    test_number.test_what_nothing_computes_is_known_by_its_key()
    test_number.test_a_number_opens_its_key_however_many_digits_it_has()
    test_number.test_what_cannot_be_computed_charges_nobody(lambda: 1 / 0)


def without(*labels):
    """The slips with some of them left out, whatever family they are of."""

    def filtered(family):
        return lambda *known: (slip for slip in family(*known) if slip.label not in labels)

    return filtered


def only_as_printed(self, *given):
    return rounding.hull(*given)


def first_term(self, column, row, terms):
    return TOTAL(self, column, row, terms[:1])


def of_own_numbers_alone(self, column, row):
    return [paper.OWN]


def of_true_numbers_alone(self, column, row):
    return [paper.TRUE]


def upside_down(self):
    return [(c.title, r) for c in self.columns.values() for r in list(self.rows)[:: 1 if c.kind == "adjoint" else -1]]


JUDGING = {
    "everything is right": (Paper, "_judged", lambda self, column, row: "right"),
    "nothing is right": (Paper, "_judged", lambda self, column, row: "wrong"),
    "what follows is wrong": (
        Paper,
        "_judged",
        lambda self, c, r: "wrong" if (said := JUDGED(self, c, r)) == "follows" else said,
    ),
    "what follows is right": (
        Paper,
        "_judged",
        lambda self, c, r: "right" if (said := JUDGED(self, c, r)) == "follows" else said,
    ),
    "a whole unit": (Rounding, "half", property(lambda self: 10.0**-self.decimals)),
    "a tenth of a unit": (Rounding, "half", property(lambda self: 0.1 * 10.0**-self.decimals)),
    "rounding is not thought of": (Rounding, "used", only_as_printed),
    "anything is near": (Rounding, "admits", lambda self, number, interval: True),
    "a slip as if it were exact": (Rounding, "around", lambda self, number: (number, number)),
    "own numbers alone": (Paper, "sources", of_own_numbers_alone),
    "true numbers alone": (Paper, "sources", of_true_numbers_alone),
    "needs nothing": (Paper, "needs", lambda self, column, row: []),
    "needs no values": (Paper, "needs_values", lambda self, column, row: []),
    "zeros follow": (Paper, "_is_idle", lambda self, column, row, number, source: False),
    "any zero is idle": (Paper, "_is_idle", lambda self, column, row, number, source: number == 0),
    "in the wrong order": (Paper, "order", upside_down),
    "one term of a sum": (Paper, "total", first_term),
    "tangents with another sign": (Trace, "tangents", lambda s, d: {n: -t for n, t in TANGENTS(s, d).items()}),
    "adjoints doubled": (Trace, "adjoints", lambda s, o: {n: 2 * a for n, a in ADJOINTS(s, o).items()}),
    "partials doubled": (Row, "_partials", lambda self, values, result: tuple(2.0 for _ in values)),
    "the own value is not used for slopes": (
        Paper,
        "slopes",
        lambda self, row, own: tuple((s, s) for s in self.trace.partials[row.name]),
    ),
    "no figure": (table, "figure", lambda paper: dataclasses.replace(FIGURE(paper), text="", html="")),
    "nothing is escaped": (written.html, "escape", lambda text: text),
    "signs alone": (written, "_SAID", dict.fromkeys(written._SAID, "✓")),
}
NAMING = {
    "nothing is explained": (table, "explain", lambda paper, place: ()),
    "everything fits": (slips, "_fits", lambda paper, slip, number: True),
    "no digits": (slips, "_digits", lambda *known: iter(())),
    "no power of ten": (slips, "_POWERS", ()),
    "no sums": (slips, "_sums", lambda *known: iter(())),
    "no factors": (slips, "_factors", lambda *known: iter(())),
    "no confusions": (slips, "_confusions", lambda *known: iter(())),
    "no other rows": (slips, "elsewhere", lambda *known: iter(())),
    **{
        f"nothing of {name}": (mixups, name, lambda *known: iter(()))
        for name in ("_parts", "_twice_or_half", "_without_slopes", "_of_other_slopes", "_of_powers", "_corners")
    },
    "no other numbers": (slips, "mistaken", lambda *known: iter(())),
    "no slips of values": (slips, "_of_value", lambda *known: iter(())),
    "no degrees": (Row, "in_degrees", lambda self, values: None),
    **{
        f"no {label}": (slips, "_of_derivative", without(label)(slips._of_derivative))
        for label in ("zeros", "sign of one term", "inner derivative forgotten", "outputs added")
    },
}
READING = {
    "no columns": (cells, "_by_column", lambda data, rows, columns: {}),
    "texts are numbers": (cells, "_cell", lambda part: cells.Cell(7.389, "7.389")),
    "truth values are numbers": (cells, "is_finite", lambda part: isinstance(part, int | float)),
    "rows of any length": (cells, "_row", lambda name, row, columns: {}),
}
NUMBERS = {
    "anything is near": (Rounding, "admits", lambda self, number, interval: True),
    "nothing is known": (number, "_of_number", lambda *known: []),
    "no shapes are known": (number, "_of_shape", lambda *known: []),
    "truth values are numbers": (number, "is_finite", lambda part: isinstance(part, int | float)),
    "counts are cut": (number.NumberExercise, "_counted", lambda self, said: int(said)),
    "keys take all digits": (number.NumberExercise, "_printed", lambda self, said: float(said)),
    "no fault": (number.NumberExercise, "fault", lambda self, seed: ""),
    "powers of a hundred": (number, "_FARTHEST", 1),
    "near is far": (precision, "_NEAR", 1000),
}
MUTANTS = [
    pytest.param(test, broken, id=f"{test.__name__}: {name}")
    for test, group in ((battery, JUDGING), (named, NAMING), (written_down, READING), (numbers, NUMBERS))
    for name, broken in group.items()
]


@pytest.mark.parametrize("test", [battery, named, written_down, numbers])
def test_it_holds(test):
    test()


@pytest.mark.parametrize(("test", "broken"), MUTANTS)
def test_a_piece_that_is_broken_is_noticed(test, broken, monkeypatch):
    monkeypatch.setattr(*broken)
    with pytest.raises((AssertionError, ValueError, TypeError, KeyError, IndexError, ArithmeticError)):
        test()
