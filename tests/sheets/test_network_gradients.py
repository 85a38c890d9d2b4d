"""Sheet 4 against its own master: solutions, stubs and known answers get what they must, at any seed and variant."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import jupytext
import nbformat
import numpy as np
import pytest

import autodiff
from grading.answers import fault_of, verify
from grading.answers.choice import ChoiceExercise
from grading.answers.keys import Key, Keyed
from grading.answers.number import NumberExercise
from grading.answers.prediction import Prediction
from grading.course.build import read_attempts
from grading.course.layout import Course
from grading.notebook import picture
from grading.notebook.session import PUBLIC_SEED, statement_of
from grading.sheets import Variant, load_sheet
from grading.verify import Exercise, Verdict
from grading.verify.lint import lint
from grading.verify.plain import plain

NAME = "04_network_gradients"
COURSE = Course(Path(__file__).parents[2])
FOLDER = COURSE.master(NAME).parent
VARIANTS = [Variant(0), Variant(1), Variant(2027, "student-01")]
CELLS = [cell for cell in jupytext.read(COURSE.master(NAME), fmt="py:percent").cells if cell.cell_type == "code"]
ATTEMPTS = read_attempts(COURSE, NAME)
IDS = [item.id for item in load_sheet(NAME, VARIANTS[0]).checked]

# A wrong answer may overflow or make a plot's scale useless; what NumPy says of it is for the student.
pytestmark = pytest.mark.filterwarnings("ignore:.* encountered in :RuntimeWarning")


def the_source_of(role, name):
    return next(cell.source for cell in CELLS if cell.metadata.get(role) == name)


def stub_of(source):
    """The answer cell as a student gets it."""
    kept, inside = [], False
    for line in source.splitlines():
        inside = inside or "BEGIN SOLUTION" in line
        if not inside:
            kept.append(line)
        elif "END SOLUTION" in line:
            inside = False
    head = "\n".join(kept).rstrip()
    return f"{head}\n    pass" if head.endswith(":") else head


@dataclass
class Run:
    """The master, executed for one variant: its sheet with keys, the names in use at each exercise and at the end."""

    sheet: object
    names: dict
    end: dict

    def answer(self, name, source):
        """What the graded cell of an exercise hands in, when its answer cell is `source`."""
        heard, names = [], dict(self.names[name])

        def hear(exercise, answer, **said):
            heard.append((answer, said))

        names |= {"check": hear, "predict": hear}
        exec(source, names)
        exec(the_source_of("check", name), names)
        ((answer, said),) = heard
        return answer, said

    def judged(self, name, source, seed):
        answer, said = self.answer(name, source)
        return verify(self.sheet[name], answer, seed, said)


@cache
def run(variant):
    """Execute the master's solution in this process, with pictures drawn and nothing judged."""
    sheet, before = load_sheet(NAME, variant), {}
    quiet = dict.fromkeys(("check", "hint", "predict", "progress", "reveal"), lambda *args, **said: None)
    names = quiet | {"np": np, "draw": autodiff.show, "sigmoid": autodiff.sigmoid, "product": product}
    names |= {"picture": picture, "show": lambda exercise: statement_of(sheet[exercise])}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(FOLDER)
        patch.setenv("MPLBACKEND", "agg")
        import matplotlib.pyplot as plt

        names["plt"] = plt
        for cell in CELLS:
            if {"setup", "attempt"} & set(cell.metadata):
                continue
            if "answer" in cell.metadata:
                before[cell.metadata["answer"]] = dict(names)
            exec(cell.source, names)
    keyless = Run(sheet, before, names)
    return Run(sheet.with_keys({item.id: key_of(item, keyless) for item in sheet.keyed}), before, names)


def key_of(item: Keyed, keyless):
    answer, said = keyless.answer(item.id, the_source_of("answer", item.id))
    return Key.of(item.salt, item.parts(plain(said or answer)))


def everything():
    return [pytest.param(variant, name, id=f"{name}-{variant.number}") for variant, name in product(VARIANTS, IDS)]


def described(attempt):
    return f"{attempt.exercise}-{attempt.expect}-{attempt.cause or 'unnamed'}"


@pytest.mark.parametrize(("variant", "name"), everything())
def test_the_solution_is_right_and_nothing_is_at_fault(variant, name):
    for seed in range(4):
        verdict = run(variant).judged(name, the_source_of("answer", name), seed)
        points = run(variant).sheet[name].points
        assert (verdict.outcome, verdict.mark, verdict.causes) == ("right", points, ()), verdict.text()


@pytest.mark.parametrize("number", range(2, 6))
def test_further_variants_have_no_fault(number):
    for item in load_sheet(NAME, Variant(number, "student-02")).checked:
        assert [fault_of(item, seed) for seed in range(2)] == ["", ""], item.id


@pytest.mark.parametrize(("variant", "name"), everything())
def test_the_untouched_stub_is_not_attempted(variant, name):
    verdict = run(variant).judged(name, stub_of(the_source_of("answer", name)), PUBLIC_SEED)
    assert (verdict.outcome, verdict.mark) == ("not attempted", 0.0)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.number)
@pytest.mark.parametrize("attempt", ATTEMPTS, ids=described)
def test_known_answers_get_what_they_must(attempt, variant):
    for seed in (PUBLIC_SEED, 1) if variant == VARIANTS[0] else (2,):
        verdict = run(variant).judged(attempt.exercise, attempt.source, seed)
        named = {cause.label for cause in verdict.causes}
        assert (verdict.outcome, verdict.mark) == (attempt.expect, pytest.approx(attempt.mark)), verdict.text()
        assert not attempt.cause or attempt.cause in named, verdict.text()
        assert Verdict.from_json(verdict.json()) == verdict


def test_there_are_enough_known_answers():
    count = defaultdict(int)
    for attempt in ATTEMPTS:
        count[attempt.exercise, attempt.expect] += 1
    for name in IDS:
        assert count[name, "right"] >= 1, name
        assert count[name, "wrong"] >= 3, name


def test_wrong_derivatives_have_their_cause_named():
    """Of functions, at least every second known mistake has a name; the others are told by what is known of them."""
    derivatives = [item.id for item in load_sheet(NAME).checked if isinstance(item, Exercise)]
    wrong = [attempt for attempt in ATTEMPTS if attempt.exercise in derivatives and attempt.expect == "wrong"]
    for name in derivatives:
        if load_sheet(NAME)[name].asks == "value":
            continue  # the catalogue is of derivatives
        assert sum(bool(attempt.cause) for attempt in wrong if attempt.exercise == name) >= 2, name


def test_known_answers_are_all_different():
    sources = [attempt.source for attempt in ATTEMPTS]
    assert len(set(sources)) == len(sources)


@pytest.mark.parametrize("number", range(6))
def test_nothing_in_the_sheet_lets_mistakes_hide(number):
    assert [said for item in load_sheet(NAME, Variant(number)).checked for said in lint(item)] == []


def test_every_checked_answer_but_a_prediction_has_hints():
    for item in load_sheet(NAME).checked:
        assert len(item.hints) == 3 or isinstance(item, Prediction), item.id


def test_options_stand_in_the_text_word_for_word():
    text = COURSE.master(NAME).read_text(encoding="utf-8").replace("\n#   ", " ")
    for item in load_sheet(NAME).checked:
        if isinstance(item, ChoiceExercise | Prediction):
            for name, option in item.options.items():
                assert f"# - **{name}**: {option}" in text, (item.id, name)


def test_numbers_by_hand_differ_between_students():
    tasks = [load_sheet(NAME, Variant(0, f"student-{number:02d}")) for number in range(20)]
    assert len({str(sheet["net.small"].given) for sheet in tasks}) > 15
    assert len({sheet["net.edges"].statement for sheet in tasks}) > 5
    for sheet in tasks:
        edges = sheet["net.edges"]
        assert isinstance(edges, NumberExercise)
        assert edges.value() not in [wrong() for wrong in edges.mistakes.values()]


# --- the data --------------------------------------------------------------------------------------------------------


def passengers(folder=FOLDER):
    return np.genfromtxt(folder / "passengers.csv", delimiter=",", skip_header=4)


def test_the_passengers_are_all_there_without_their_names():
    table = passengers()
    assert table.shape == (1309, 4)
    assert np.isnan(table).sum(axis=0).tolist() == [263, 0, 0, 1]
    assert {*table[:, 1]} == {1, 2, 3}
    assert {*table[:, 2]} == {0, 1}
    assert table[:, 2].sum() == 500
    letters = [line for line in (FOLDER / "passengers.csv").read_text(encoding="utf-8").splitlines() if line[0] != "#"]
    assert letters[0] == "age,class,survived,fare"
    assert not any(letter.isalpha() for line in letters[1:] for letter in line)


def test_the_data_travel_with_the_release():
    released = COURSE.assignment(NAME).parent / "passengers.csv"
    assert released.read_bytes() == (FOLDER / "passengers.csv").read_bytes()


def test_no_line_of_a_solution_is_in_the_release():
    released = {cell.id: cell.source for cell in nbformat.read(COURSE.assignment(NAME), as_version=4).cells}
    for item in load_sheet(NAME).checked:
        source = the_source_of("answer", item.id)
        solution = {line.strip() for line in source.split("BEGIN SOLUTION")[1].split("### END")[0].splitlines()}
        given = {line.strip() for line in source.split("### BEGIN SOLUTION")[0].splitlines()}
        kept = {line.strip() for line in released[item.answer_cell_id].splitlines()}
        assert not (solution - given) & kept - {""}, item.id


def test_what_the_text_says_of_the_data_is_so():
    names = run(VARIANTS[0]).end
    assert np.all(names["share_on"](names["raw"], names["from_0_to_1"]) == 1)
    assert 0.4 < names["share_on"](names["inputs"], names["both_signs"]) < 0.6
    losses = names["losses"]
    assert losses[-1] < names["linear"] < 1 < losses[0]
    mean_prices = [names["fare"][names["cabin_class"] == k].mean() for k in (1, 2, 3)]
    assert mean_prices[0] - mean_prices[1] > 5 * (mean_prices[1] - mean_prices[2]) > 0


def test_on_the_raw_data_a_gradient_without_the_relu_agrees():
    """The trap that the text warns of: data and weights that are never negative."""
    names = run(VARIANTS[0]).end
    raw, targets, W1 = names["raw"], names["targets"], names["from_0_to_1"]
    W2 = np.random.default_rng(0).uniform(size=(5, 1))
    right = names["gradients"](raw, W1, W2, targets)[0]
    A = np.hstack([raw, np.ones((len(raw), 1))])
    E_bar = 2 / len(raw) * (names["price"](raw, W1, W2) - targets)
    assert np.allclose(right, A.T @ (E_bar @ W2[:-1].T))
