"""Tables and numbers across the channel: a submission's kernel answers, and the verdict is that of home."""

from dataclasses import replace

import numpy as np
import pytest
from tables import SHEET, Student, exercise
from test_number import COUNT, MALFORMED, SHAPE, SLOPE

from grading.answers import verify
from grading.notebook.graded import GradedSession
from grading.sheets import Sheet
from grading.trusted.channel import AnswerDesk
from grading.trusted.kernel import scratch_folders

SEED = 20_23
AT = {"x1": 2.3, "x2": 0.7}
TABLE = exercise(SHEET, AT, {"x2": 1.0}, "v8", statement="Fill in the table.")
QUICK = replace(TABLE, id="trace.quick", limit_s=0.2)
LESSON = Sheet("Tables", (TABLE, QUICK, SLOPE, COUNT, SHAPE))


@pytest.fixture(scope="module")
def marked():
    """The verdict on an answer that a notebook gives while it is marked."""
    with scratch_folders() as folders, AnswerDesk(folders.channel, LESSON, "student-01", SEED) as desk:
        session = GradedSession("02_tables", str(folders.channel))

        def ask(item, answer, **said):
            desk.expect(item)
            session.check(item.id, answer, said)
            return desk.collect()

        assert session.statement(TABLE.id).given == AT
        yield ask


def answers():
    right = Student(SHEET, AT).fill({"x1": 0.0, "x2": 1.0}, "v8")
    slip = Student(SHEET, AT, True, {("value", "v4"): 1.4}).fill({"x1": 0.0, "x2": 1.0}, "v8")
    grid = np.array([list(row.values()) for row in right.values()])
    return {"right": right, "an array": grid, "a slip": slip, "half": dict(list(right.items())[:5]), "nothing": None}


@pytest.mark.parametrize("answer", answers().values(), ids=answers())
def test_a_table_gets_the_verdict_of_home(marked, answer):
    verdict = marked(TABLE, answer)
    assert verdict == verify(TABLE, answer, SEED)
    assert verdict.figures or answer is None


def test_rows_by_name(marked):
    row = {"value": 2.3, "tangent": 0.0, "adjoint": 0.995}
    assert marked(TABLE, None, v0=row) == verify(TABLE, {"v0": row}, SEED)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [(SLOPE, 0.667), (SLOPE, 0.25), (COUNT, np.int8(30)), (COUNT, 30.5), (SHAPE, (3, 5, 7)), (SHAPE, (7, 5, 3))],
)
def test_a_number_gets_the_verdict_of_home(marked, asked, answer):
    assert marked(asked, answer) == verify(asked, answer, SEED)


@pytest.mark.parametrize("answer", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("asked", [TABLE, COUNT], ids=lambda asked: asked.id)
def test_malformed_answers_get_the_verdict_of_home(marked, asked, answer):
    assert marked(asked, answer) == verify(asked, answer, SEED)


def test_an_answer_that_cannot_be_copied_in_time(marked):
    class Slow(dict):
        def items(self):
            while True:
                pass

    verdict = marked(QUICK, Slow(v1=2.0))
    assert (verdict.outcome, verdict.mark) == ("wrong", 0)
    assert "seconds" in verdict.problem
