"""Which pairs are shown as more alike than usual, and what counts as a difference."""

import random

import pytest

from grading.course.alike import LEAST_STUDENTS, alike, words_of_code, words_of_prose

WORDS = [f"word{number}" for number in range(50)]


def drawn(students, length=100, seed=0, pool=WORDS):
    rng = random.Random(seed)
    return {f"s{number}": {"cell": tuple(rng.choices(pool, k=length))} for number in range(students)}


def spoilt(answer, share, seed=0):
    """An answer of which a share of the words is another."""
    rng = random.Random(seed)
    return tuple(rng.choice(WORDS) if rng.random() < share else word for word in answer)


def shown(answers, wrong=None):
    return [(pair.one, pair.other) for pair in alike(answers, wrong or {})]


def test_nobody_is_shown_in_a_class_that_works_alone():
    assert [seed for seed in range(20) if shown(drawn(20, seed=seed))] == []


@pytest.mark.parametrize(("share", "is_shown"), [(0.0, True), (0.1, True), (0.9, False)])
def test_a_copy_is_shown_until_it_is_one_no_more(share, is_shown):
    answers = drawn(12)
    answers["s12"] = {"cell": spoilt(answers["s5"]["cell"], share)}
    assert shown(answers) == ([("s12", "s5")] if is_shown else [])


def test_what_everybody_writes_is_no_copy():
    same = {"given": ("the", "same") * 100}
    answers = {student: same | own for student, own in drawn(12, length=5).items()}
    assert shown(answers) == []
    assert shown(dict.fromkeys(answers, same)) == []


def test_short_answers_tell_nothing():
    answers = drawn(12, length=10)
    answers["s12"] = dict(answers["s5"])
    assert shown(answers) == []


def test_what_is_usual_must_be_known():
    few = drawn(LEAST_STUDENTS - 2)
    few["copy"] = dict(few["s0"])
    assert shown(few) == []
    enough = drawn(LEAST_STUDENTS - 1)
    enough["copy"] = dict(enough["s0"])
    assert shown(enough) == [("copy", "s0")]


def test_only_what_both_have_answered_counts():
    answers = drawn(12)
    answers["copy"] = answers["s5"] | {"other": tuple(WORDS)}
    assert shown(answers) == [("copy", "s5")]


def test_equal_wrong_answers_are_counted():
    answers = {student: own | {"second": own["cell"][:9]} for student, own in drawn(12).items()}
    answers["copy"] = dict(answers["s5"])
    wrong = {"copy": ["cell", "second"], "s5": ["second", "third"]}
    assert [pair.same_wrong for pair in alike(answers, wrong)] == [1]


def test_the_most_alike_come_first():
    answers = drawn(12)
    answers["near"] = {"cell": spoilt(answers["s5"]["cell"], 0.1)}
    answers["same"] = dict(answers["s7"])
    assert shown(answers) == [("s7", "same"), ("near", "s5")]


ONE = '''def f(x, a):
    """What it does."""
    inner = np.exp(x)  # a comment
    return inner * a'''
OTHER = """def f(x, a):

    # something else
    zz = np.exp(
        x
    )

    return zz*a"""


def test_names_comments_layout_and_docstrings_are_no_difference():
    given = "def f(x, a):\n    pass"
    assert words_of_code(ONE, given) == words_of_code(OTHER, given)


@pytest.mark.parametrize(
    ("old", "new"), [("np.exp", "np.sin"), ("* a", "+ a"), ("inner * a", "inner * x"), ("return inner", "return 2")]
)
def test_what_is_computed_is(old, new):
    assert words_of_code(ONE, "f x a") != words_of_code(ONE.replace(old, new), "f x a")


@pytest.mark.parametrize("source", ["def f(", "'", '"""never ends', "\t x\n  y", "a\0b", "(" * 5000, "é = ½", "\\"])
def test_what_is_no_python_is_read_as_far_as_it_goes(source):
    assert isinstance(words_of_code(source), tuple)


def test_prose_is_its_words():
    assert words_of_prose("By the *chain rule*,\n  $J_G$.") == words_of_prose("by the *Chain  Rule*, $J_G$.")
    assert words_of_prose("by a") != words_of_prose("by b")
