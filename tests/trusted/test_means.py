"""Answers by forbidden means: not to be had in the kernel, counted where they are called, and shown to a person."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from classroom import NAME, SHEET
from confined import inside
from hypothesis import given
from hypothesis import strategies as st
from needs import needs_sandbox

import autodiff
from grading.notebook.counting import calls_counted
from grading.notebook.graded import GradedSession
from grading.trusted import sandbox
from grading.trusted.channel import AnswerDesk
from grading.trusted.kernel import scratch_folders
from grading.trusted.means import remarks
from grading.verify.item import ExerciseError

# --- in the kernel -----------------------------------------------------------------------------------------------

TRY = """
import importlib
for name in {names}:
    try:
        importlib.import_module(name)
        print(name, "is there")
    except ModuleNotFoundError as error:
        print(name, error.name == name)
"""


def importable(names, hidden=()):
    needs_sandbox()
    run = inside(sys.executable, "-c", TRY.format(names=names), hidden=hidden)
    assert run.returncode == 0, run.stderr
    return [line.split()[0] for line in run.stdout.splitlines() if line.endswith("is there")]


def test_what_marks_is_not_in_the_kernel_and_what_a_notebook_calls_is():
    names = ["grading.sheets", "grading.sheets.chain_rule", "grading.trusted", "grading.course", "grading.cli"]
    assert importable([*names, "grading.notebook", "grading.verify", "autodiff"]) == [
        "grading.notebook",
        "grading.verify",
        "autodiff",
    ]


def test_without_autodiff_a_notebook_can_still_be_marked():
    names = [
        "autodiff",
        "grading.verify.oracles",
        "grading.verify.judge",
        "grading.notebook.session",
        "grading.notebook",
    ]
    assert importable(names, ["autodiff"]) == ["grading.notebook"]


@pytest.mark.parametrize("name", ["jinja2", "six"], ids=["a package", "a single file"])
def test_a_hidden_module_cannot_be_imported(name):
    pytest.importorskip(name)
    assert importable([name]) == [name]
    assert importable([name], [name]) == []


def test_nor_found_in_another_process_or_by_its_path():
    needs_sandbox()
    folder = Path(pytest.importorskip("jinja2").__file__).parent
    script = "import os, subprocess, sys; subprocess.run([sys.executable, '-c', 'import jinja2'])"
    run = inside(sys.executable, "-c", f"{script}; print(os.listdir({str(folder)!r}))", hidden=["jinja2"])
    assert "ModuleNotFoundError: jinja2 is not there while a notebook is marked" in run.stderr
    assert run.stdout.strip() == "['__init__.py']"


@pytest.mark.parametrize("name", ["../x", "*", "f", "", "no.such", "["])
def test_a_name_that_is_no_module_hides_nothing(name):
    assert sandbox._hide([name]) == []


# --- counted -----------------------------------------------------------------------------------------------------


def given_function(x):
    return x**2


def differences(x, a):
    return (given_function(x + 1e-6) - given_function(x - 1e-6)) / 2e-6


def test_calls_of_a_function_and_into_a_module_are_counted():
    with calls_counted(["given_function", "autodiff", "nothing"]) as counts:
        differences(1.0, 2.0)
        autodiff.grad(lambda x: x**3)(2.0)
    assert counts == {"given_function": 2, "autodiff": counts["autodiff"], "nothing": 0}
    assert counts["autodiff"] >= 1
    before = dict(counts)
    differences(1.0, 2.0)
    assert counts == before


def test_counting_ends_with_an_exception_and_is_off_where_nothing_is_counted():
    with pytest.raises(ZeroDivisionError), calls_counted(["f"]):
        raise ZeroDivisionError
    assert sys.getprofile() is None
    with calls_counted([]):
        assert sys.getprofile() is None


def test_the_desk_is_told_how_often():
    sheet = replace(SHEET, forbids=("given_function", "given_nothing"))
    exercise = SHEET["chain.one_number"]
    with scratch_folders() as folders, AnswerDesk(folders.channel, sheet, "student-01", 17) as desk:
        session = GradedSession(NAME, str(folders.channel))
        desk.expect(exercise)
        session.check(exercise.id, differences)
        desk.collect()
        assert desk.calls["given_function"] >= 2 * exercise.draws
        assert desk.calls["given_nothing"] == 0
        desk.expect(exercise)
        assert desk.calls == {}


def test_what_one_exercise_forbids_is_counted_for_it_alone():
    strict = replace(SHEET["chain.one_number"], forbids=("given_function",))
    assert SHEET.forbidden_to(strict) == ("given_function",)
    assert replace(SHEET, forbids=("f", "given_function")).forbidden_to(strict) == ("f", "given_function")
    with scratch_folders() as folders, AnswerDesk(folders.channel, SHEET, "student-01", 17) as desk:
        session = GradedSession(NAME, str(folders.channel))
        for exercise, counted in ((strict, {"given_function"}), (SHEET["chain.one_number"], set())):
            desk.expect(exercise)
            session.check(exercise.id, differences)
            desk.collect()
            assert set(desk.calls) == counted
            assert all(desk.calls.values())


def test_what_is_forbidden_must_be_names():
    with pytest.raises(ExerciseError, match="forbids is a tuple of names"):
        replace(SHEET["chain.one_number"], forbids="autodiff")


@pytest.mark.parametrize(
    "told", [None, 3, [], {"f": "many"}, {"f": -1}, {"f": True}, {"f": 10**400}, {"g": 1}, {"f": 1.5}]
)
def test_a_count_that_is_none_is_none(told):
    from grading.trusted.channel import _RemoteRespondent

    respondent = _RemoteRespondent(None, ["f"])
    respondent._count(told)
    assert respondent.calls == {"f": 0}


# --- shown to a person -------------------------------------------------------------------------------------------

SUSPECT = {
    "an import by another name": ("t = __import__('to' + 'rch')", "mentions __import__"),
    "importlib": ("import importlib as i\nt = i.import_module('torch')", "mentions importlib"),
    "another process": ("import subprocess", "mentions subprocess"),
    "text that is run": ("exec(bytes([105]))", "mentions exec"),
    "the caller's frame": ("import sys\nsys._getframe(1)", "mentions _getframe"),
    "what is forbidden": ("import autodiff as ad", "mentions autodiff"),
    "a difference quotient": ("def a(x, h=1e-5):\n    return (f(x + h) - f(x - h)) / (2 * h)", "difference quotient"),
    "one in brackets": ("def a(x):\n    return [(g(x[0], (1, 2)) - g(x[1], {}))]", "difference quotient"),
    "a complex step": ("def a(x):\n    return f(x + 1e-20j).imag", "complex numbers"),
    "a forbidden call": ("def a(x):\n    return 1.0", "calls autodiff (3 times)"),
}
HONEST = {
    "a plain answer": "def a(x, W):\n    return 2 * W.T @ (W @ x)",
    "words in comments and strings": "# import torch, exec\ndef a(x):\n    'no autodiff, no eval'\n    return x",
    "differences of other things": "def a(x):\n    return np.exp(x) - np.sin(x) - h(x) + h(x)",
    "attributes": "def a(x):\n    return x.real - x.imag",
}


@pytest.mark.parametrize(("source", "said"), SUSPECT.values(), ids=SUSPECT)
def test_what_a_person_should_look_at_is_told(source, said):
    calls = {"autodiff": 3} if "calls" in said else {"autodiff": 0}
    assert any(said in remark for remark in remarks(source, ["autodiff"], calls))


@pytest.mark.parametrize("source", HONEST.values(), ids=HONEST)
def test_nothing_is_said_of_honest_answers(source):
    assert remarks(source, ["autodiff"], {"autodiff": 0}) == []


def test_difference_quotients_may_be_used_where_nothing_is_forbidden():
    assert remarks(SUSPECT["a difference quotient"][0], [], {}) == []


@given(st.text() | st.text("()[]{}-+*/fj1.'\"\\\n #:= "))
def test_any_text_can_be_looked_at(source):
    remarks(source, ["f"], {})


def test_a_long_text_is_looked_at_too():
    for source in ("f(" * 20_000, "f(x) - " * 20_000, "(" * 50_000 + ")" * 50_000, "a+" * 50_000):
        assert len(remarks(source, ["f"], {})) < 5
