"""Sheet 6 against its own master: solutions, stubs and known answers get what they must, at any seed and variant."""

import ast
from collections import defaultdict
from itertools import product
from pathlib import Path

import jupytext
import numpy as np
import pytest

import autodiff
from autodiff import colour, eliminate
from grading.answers import fault_of, verify
from grading.answers.keys import read_keys
from grading.answers.number import NumberExercise
from grading.answers.prediction import Prediction
from grading.answers.table import TableExercise
from grading.course.build import read_attempts
from grading.course.layout import Course
from grading.notebook.session import PUBLIC_SEED, statement_of
from grading.sheets import Variant, load_sheet
from grading.sheets import forward_and_reverse as declared
from grading.verify import Exercise, Verdict
from grading.verify.lint import lint

NAME = "06_forward_and_reverse"
COURSE = Course(Path(__file__).parents[2])
KEYS = read_keys(COURSE.solutions / NAME, NAME, 0)  # the exercises that have a key are the same in all variants
VARIANTS = [Variant(0), Variant(1), Variant(2027, "student-01")]
CELLS = jupytext.read(COURSE.master(NAME), fmt="py:percent").cells
ANSWERS = {cell.metadata["answer"]: cell.source for cell in CELLS if "answer" in cell.metadata}
CHECKS = {cell.metadata["check"]: cell.source for cell in CELLS if "check" in cell.metadata}
ATTEMPTS = read_attempts(COURSE, NAME)

# A wrong answer may overflow; what NumPy says of it is for the student.
pytestmark = pytest.mark.filterwarnings("ignore:.* encountered in :RuntimeWarning")


def sheet_of(variant):
    return load_sheet(NAME, variant).with_keys(KEYS)


SHEETS = {variant: sheet_of(variant) for variant in VARIANTS}
IDS = [item.id for item in SHEETS[VARIANTS[0]].checked]


def context():
    """What the notebook's own cells define before the answers: imports, functions, and plain numbers."""
    kept = []
    for cell in CELLS:
        if cell.cell_type == "code" and not {"answer", "check", "show", "attempt"} & set(cell.metadata):
            kept += [
                node
                for node in ast.parse(cell.source).body
                if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef)
                or (isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant))
            ]
    names = {}
    exec(compile(ast.Module(kept, []), "context", "exec"), names)
    return names


CONTEXT = context()


def judged(item, source, seed):
    """The verdict on what a cell defines, handed in as the sheet's graded cell does it."""
    names = CONTEXT | {"task": statement_of(item) if item.shown else None}
    exec(source, names)
    handed = []
    names["check"] = names["predict"] = lambda name, answer, **said: handed.append((answer, said))
    exec(CHECKS[item.id], names)
    ((answer, said),) = handed
    return verify(item, answer, seed, said)


def stub_of(source):
    """The answer cell as a student gets it."""
    kept, inside = [], False
    for line in source.splitlines():
        inside = inside or "BEGIN SOLUTION" in line
        if not inside:
            kept.append(line)
        elif "END SOLUTION" in line:
            inside = False
            if line.startswith(" "):
                kept.append("    raise NotImplementedError")
    return "\n".join(kept)


def everything():
    return [pytest.param(variant, name, id=f"{name}-{variant.number}") for variant, name in product(VARIANTS, IDS)]


@pytest.mark.parametrize(("variant", "name"), everything())
def test_the_solution_is_right_and_nothing_is_at_fault(variant, name):
    item = SHEETS[variant][name]
    for seed in range(4 if isinstance(item, Exercise) else 1):
        verdict = judged(item, ANSWERS[name], seed)
        assert (verdict.outcome, verdict.mark, verdict.causes) == ("right", item.points, ()), verdict.text()


@pytest.mark.parametrize("number", range(2, 12))
def test_the_solutions_of_further_variants_are_right(number):
    for item in sheet_of(Variant(number, f"student-{number:02d}")).checked:
        assert judged(item, ANSWERS[item.id], number).outcome == "right", item.id


@pytest.mark.parametrize(("variant", "name"), everything())
def test_the_untouched_stub_is_not_attempted(variant, name):
    verdict = judged(SHEETS[variant][name], stub_of(ANSWERS[name]), PUBLIC_SEED)
    assert (verdict.outcome, verdict.mark) == ("not attempted", 0.0)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.number)
@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: f"{attempt.exercise}-{attempt.expect}")
def test_known_answers_get_what_they_must(attempt, variant):
    item = SHEETS[variant][attempt.exercise]
    for seed in (PUBLIC_SEED, 1):
        verdict = judged(item, attempt.source, seed)
        named = {cause.label for cause in verdict.causes}
        assert (verdict.outcome, verdict.mark) == (attempt.expect, attempt.mark), verdict.text()
        assert not attempt.cause or named == {attempt.cause}, verdict.text()
        assert Verdict.from_json(verdict.json()) == verdict


def test_there_are_enough_known_answers():
    count = defaultdict(int)
    for attempt in ATTEMPTS:
        count[attempt.exercise, attempt.expect] += 1
    for item in SHEETS[VARIANTS[0]].checked:
        if not isinstance(item, Prediction):
            assert count[item.id, "right"] >= 1, item.id
            assert count[item.id, "wrong"] >= 3, item.id
        if isinstance(item, Exercise | NumberExercise | TableExercise) and item.id != "modes.any_list":
            named = [attempt for attempt in ATTEMPTS if attempt.exercise == item.id and attempt.cause]
            assert len(named) >= 3, item.id
    sources = [attempt.source for attempt in ATTEMPTS] + list(ANSWERS.values())
    assert len(set(sources)) == len(sources)


@pytest.mark.parametrize("number", range(20))
def test_every_variant_can_be_judged_and_nothing_in_it_lets_mistakes_hide(number):
    for item in load_sheet(NAME, Variant(number, f"student-{number:02d}")).checked:
        assert fault_of(item, number) == "", item.id
        if isinstance(item, Exercise):
            assert lint(item) == ()


# --- what the numbers of the sheet rest on -----------------------------------------------------------------------


@pytest.mark.parametrize("shape", declared._CHAINS)
def test_the_cheapest_brackets_are_neither_mode(shape):
    """Against all five ways to set the brackets of four matrices, written out."""
    a, b, c, d, e = shape
    ways = (
        a * b * c + a * c * d + a * d * e,
        b * c * d + a * b * d + a * d * e,
        a * b * c + c * d * e + a * c * e,
        b * c * d + b * d * e + a * b * e,
        c * d * e + b * c * e + a * b * e,
    )
    assert declared.products_of(shape) == min(ways)
    assert (declared.from_left(shape), declared.from_right(shape)) == (ways[0], ways[4])
    assert min(ways) < min(ways[0], ways[4])


@pytest.mark.parametrize("text", declared._GRAPHS)
def test_on_the_graphs_another_order_is_cheaper_than_either_mode(text):
    graph = declared.graph_of(text)
    prices = [eliminate(graph, order)[1] for order in ("optimal", "forward", "reverse")]
    assert len({*prices, len(graph.edges)}) == 4
    assert prices[0] == min(prices)
    results = [eliminate(graph, order)[0] for order in ("optimal", "forward", "reverse")]
    assert all(np.allclose(result, results[0]) for result in results)


@pytest.mark.parametrize("offsets", [(0, 1, 3), (0, 2, 3), (0, 1, 2, 4), (0, 2, 3, 4)])
def test_as_many_colours_as_columns_that_clash_pairwise(offsets):
    pattern = declared.pattern_of(offsets, 20)
    together = pattern[:, 6 : 7 + max(offsets)]
    assert (together.T @ together > 0).all(), "these columns all clash: no fewer colours will do"
    assert max(colour(pattern)) == max(offsets)


def test_a_difference_quotient_is_best_near_the_step_that_is_asked_for():
    """The bound's best step, on functions of known height and bend, against steps of three times and a third of it."""
    rng = np.random.default_rng(0)
    for height, bend in ((0.3, 8.0), (5.0, 0.7), (60.0, 300.0)):
        step = 2 * np.sqrt(2.0**-53 * height / bend)
        points = rng.uniform(-1, 1, size=2000)

        def f(x, height=height, bend=bend):
            return height + np.sin(x) + bend / 2 * (x - 0.1) ** 2

        def error(h, points=points, bend=bend, f=f):
            near = 0.1 + 1e-3 * points
            return np.mean(np.abs((f(near + h) - f(near)) / h - np.cos(near) - bend * (near - 0.1)))

        assert error(step) < min(error(30 * step), error(step / 30))


def test_the_recorded_gradient_is_that_of_the_recorded_computation():
    shown = next(cell.source for cell in CELLS if "tensor(17.4448)" in cell.source)
    assert "AccumulateGrad" in shown
    assert f"{autodiff.grad(lambda x: x * 3 * np.sin(x * 3) + x)(2.0):.6g}" == "17.4448"


def test_predictions_come_true_as_the_sheet_says():
    sheet = SHEETS[VARIANTS[0]]
    happened = {item.id: item.happened() for item in sheet.checked if isinstance(item, Prediction)}
    assert happened == {"modes.guess_error": "b", "modes.guess_crossover": 24, "modes.guess_memory": "b"}


def test_numbers_by_hand_differ_between_students():
    for name in (
        "evaluations",
        "best_step",
        "table",
        "reverse_bracket",
        "memory",
        "chain_order",
        "elimination",
        "colours",
    ):
        statements = {load_sheet(NAME, Variant(0, f"student-{n:02d}"))[f"modes.{name}"].statement for n in range(30)}
        assert len(statements) > 4, name


def test_hints_never_give_the_code_away_at_once():
    for item in SHEETS[VARIANTS[0]].checked:
        if not isinstance(item, Prediction):
            assert len(item.hints) == 3, item.id
            assert "np." not in item.hints[0]
