"""Sheet 4: its data, its options, and what it says of both."""

import numpy as np
from masters import COURSE, rehearsal

from grading.answers.choice import ChoiceExercise
from grading.answers.number import NumberExercise
from grading.answers.prediction import Prediction
from grading.sheets import Variant, load_sheet

NAME = "04_network_gradients"
FOLDER = COURSE.master(NAME).parent


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


def test_what_the_text_says_of_the_data_is_so():
    names = rehearsal(NAME).names
    assert np.all(names["share_on"](names["raw"], names["from_0_to_1"]) == 1)
    assert 0.4 < names["share_on"](names["inputs"], names["both_signs"]) < 0.6
    losses = names["losses"]
    assert losses[-1] < names["linear"] < 1 < losses[0]
    mean_prices = [names["fare"][names["cabin_class"] == k].mean() for k in (1, 2, 3)]
    assert mean_prices[0] - mean_prices[1] > 5 * (mean_prices[1] - mean_prices[2]) > 0


def test_on_the_raw_data_a_gradient_without_the_relu_agrees():
    """The trap that the text warns of: data and weights that are never negative."""
    names = rehearsal(NAME).names
    raw, targets, W1 = names["raw"], names["targets"], names["from_0_to_1"]
    W2 = np.random.default_rng(0).uniform(size=(5, 1))
    right = names["gradients"](raw, W1, W2, targets)[0]
    A = np.hstack([raw, np.ones((len(raw), 1))])
    E_bar = 2 / len(raw) * (names["price"](raw, W1, W2) - targets)
    assert np.allclose(right, A.T @ (E_bar @ W2[:-1].T))
