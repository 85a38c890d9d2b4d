"""Every detector of the diagnosis is needed: switched off, a mistake of the corpus goes unnamed."""

import importlib

import numpy as np
import pytest
from corpus import development, development_more

from grading.verify import (
    far_fetched,
    layouts,
    oneway,
    places,
    planted,
    precision,
    probes,
    quotients,
    scales,
    shares,
    suspects,
    targets,
    trial,
    verify,
)

diagnose = importlib.import_module("grading.verify.diagnose")
elsewhere = importlib.import_module("grading.verify.elsewhere")
PROBLEMS = {problem.exercise.id: problem for problem in development.PROBLEMS + development_more.PROBLEMS}
USERS = (planted, probes, diagnose)  # modules that may have imported the detector by its name

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def nothing(*args):
    return iter(())


def no(*args):
    return False


# (where, what, what stands in its place, an exercise, a mistake that is no longer named there)
DETECTORS = [
    (suspects, "skipped_activations", nothing, "dev.relu", "activation derivative forgotten"),
    (suspects, "_skipped", nothing, "dev.length", "inner derivative forgotten"),
    (suspects, "_everywhere", nothing, "dev.steps", "activation derivative of the wrong form"),
    (suspects, "_factors_everywhere", nothing, "dev.waves", "inner derivative forgotten"),
    (suspects, "_wrong_points", nothing, "dev.sigmoids", "activation derivative at the wrong point"),
    (oneway, "cases", nothing, "dev.relu", "ReLU mask from the wrong quantity"),
    (suspects, "_wrong_forms", nothing, "dev.relu", "activation derivative of the wrong form"),
    (suspects, "_powers", nothing, "dev.length", "wrong power"),
    (suspects, "_rules_of_products", nothing, "dev.product", "product rule misapplied"),
    (suspects, "_times_denominator", nothing, "dev.ratio", "quotient rule misapplied"),
    (suspects, "other_functions", nothing, "dev.entropy", "wrong axis"),
    (suspects, "_wrong_entrywise", nothing, "dev.length", "a path or term dropped"),
    (suspects, "_at_turned_terms", nothing, "dev.polynomial", "sign of one term"),
    (far_fetched, "_masked_rows", nothing, "dev.regression", "off by one"),
    (far_fetched, "_extra_factors", nothing, "dev.entropy", "an extra factor"),
    (far_fetched, "_other_operands", nothing, "dev.robust", "inner derivative forgotten"),
    (far_fetched, "_rolled", nothing, "dev.window", "off by one"),
    (suspects, "other_inputs", nothing, "dev.sigmoids", "a path or term dropped"),
    (suspects, "_ways", lambda recorded, line: [None], "dev.energy", "activation derivative forgotten"),
    (shares, "paths", lambda trial: [], "dev.product", "a path or term dropped"),
    (shares, "terms", lambda trial: [], "dev.push", "an extra term"),
    (shares, "_lengths", nothing, "dev.standard", "sum for mean"),
    (elsewhere, "_on_the_way", nothing, "dev.length", "another derivative"),
    (elsewhere, "_values", nothing, "dev.product", "the value instead of its derivative"),
    (elsewhere, "_other_derivatives", nothing, "dev.product", "another derivative"),
    (precision, "unfinite", nothing, "dev.product", "not finite"),
    (layouts, "layout", nothing, "dev.layer", "transposed"),
    (layouts, "wrong_axis", nothing, "dev.relu", "wrong axis"),
    (targets, "blanks", nothing, "dev.product", "an earlier answer returned"),
    (targets, "_never_changes", no, "dev.product", "numbers pasted in"),
    (scales, "scales", nothing, "dev.regression", "sum for mean"),
    (targets, "targets", nothing, "dev.regression", "an input returned"),
    (places, "places", nothing, "dev.regression", "bias column or row"),
    (places, "one_place", nothing, "dev.entropy", "one entry or row wrong"),
    (places, "_same_place", lambda seen: None, "dev.entropy", "one entry or row wrong"),
    (places, "_one_too_many", no, "dev.regression", "bias column or row"),
    (places, "_shifted", no, "dev.neighbours", "off by one"),
    (places, "_reordered", no, "dev.push", "off by one"),
    (places, "signs", nothing, "dev.polynomial", "wrong for negative inputs"),
    (scales, "constants", nothing, "dev.product", "constant factor"),
    (precision, "precision", nothing, "dev.regression", "half precision"),
    (probes, "telling", nothing, "dev.entropy", "right for zero or one-hot inputs only"),
    (probes, "ordinary", nothing, "dev.bilinear", "right for square shapes only"),
    (probes, "same_when_rounded", no, "dev.polynomial", "half precision"),
    (quotients, "_of_bits", no, "dev.polynomial", "a finite difference"),
    (quotients, "_by_its_error", no, "dev.polynomial", "a finite difference"),
    (probes, "_right_at", lambda *args: set(), "dev.entropy", "right for zero or one-hot inputs only"),
]


FOUND_IN_WALKS_TOO = {"_everywhere"}


def named(exercise, label):
    """The first guesses for the answers of an exercise in which this mistake was made."""
    problem = PROBLEMS[exercise]
    answers = [wrong.answer for wrong in problem.wrong if wrong.label == label]
    return [verify(problem.exercise, answer, seed=0).causes[:1] for answer in answers]


@pytest.mark.parametrize(
    ("where", "what", "instead", "exercise", "label"), DETECTORS, ids=[entry[1] for entry in DETECTORS]
)
def test_a_detector_that_is_switched_off_is_noticed(where, what, instead, exercise, label, monkeypatch):
    before = named(exercise, label)
    assert label in {cause.label for causes in before for cause in causes}
    original = getattr(where, what)
    monkeypatch.setattr(where, what, instead)
    for user in USERS:
        if getattr(user, what, None) is original:
            monkeypatch.setattr(user, what, instead)
    if what in FOUND_IN_WALKS_TOO:
        monkeypatch.setattr(diagnose, "faults_of_walks", lambda wrong: [])
    assert named(exercise, label) != before


def test_nothing_fits_everything(monkeypatch):
    """Predictions that are not compared would name mistakes for anything."""
    problem = PROBLEMS["dev.product"]

    def strange(x):
        return np.cos(17 * x + 1)

    assert verify(problem.exercise, strange, seed=0).causes == ()
    monkeypatch.setattr(trial.Trial, "_fits", lambda self, predicted, k, point: True)
    assert verify(problem.exercise, strange, seed=0).causes != ()
