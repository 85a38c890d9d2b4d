"""What is said of known answers that do not come to what they must, and of exercises of which too little is known."""

from dataclasses import replace

import nbformat
import pytest
from classroom import CONFIG, NAME, REPOSITORY, ROOT, SHEET, append, cell_of
from tiny import TINY, tiny_course

from grading.answers.choice import ChoiceExercise
from grading.cli import main
from grading.course import proof
from grading.course.build import BuildError, build
from grading.course.master import SOLUTION_MARKS, Attempt, read_attempts
from grading.course.proof import faults, hidden_lines, leaks, misjudged, shortfalls
from grading.course.rehearsal import Rehearsal
from grading.sheets import Prose, Sheet, Variant

ATTEMPTS = read_attempts(REPOSITORY, NAME)
RIGHT = next(attempt for attempt in ATTEMPTS if attempt.expect == "right")
WRONG = next(attempt for attempt in ATTEMPTS if attempt.cause)


@pytest.fixture(scope="module")
def rehearsal():
    return Rehearsal(REPOSITORY, NAME, Variant(0))


OTHERWISE = {
    "another outcome": (replace(WRONG, expect="right"), "wrong where right is expected"),
    "another mark": (replace(WRONG, mark=0.25), "where 0.25 is expected"),
    "another cause": (replace(WRONG, cause="half precision"), "its causes are to be half precision, and are "),
    "one cause more": (replace(WRONG, cause=f"{WRONG.cause}, half precision"), "half precision"),
    "none, and why": (replace(WRONG, cause="", unnamed="it is a guess"), "its causes are to be none, and are "),
    "another sentence": (replace(WRONG, because="Moon and stars."), "is not told 'Moon and stars.'"),
    "right, with a cause": (replace(RIGHT, cause="sign"), "its causes are to be sign, and are none"),
    "solved as wrong": (replace(RIGHT, expect="wrong", mark=0.0), "right where wrong is expected"),
}


@pytest.mark.parametrize(("attempt", "said"), OTHERWISE.values(), ids=OTHERWISE)
def test_what_a_known_answer_does_not_come_to_is_said_in_one_line(rehearsal, attempt, said):
    found = misjudged(attempt, rehearsal.judged(attempt.exercise, attempt.source, 17))
    assert said in found
    assert "\n" not in found


@pytest.mark.parametrize("attempt", [RIGHT, WRONG], ids=["right", "wrong"])
def test_of_what_comes_to_what_it_must_nothing_is_said(rehearsal, attempt):
    assert misjudged(attempt, rehearsal.judged(attempt.exercise, attempt.source, 17)) == ""


def lacking(attempts):
    return [line for line in shortfalls(REPOSITORY.declared(NAME), attempts) if line.startswith(f"{WRONG.exercise}: ")]


def test_every_shortfall_is_told():
    of_it = [attempt for attempt in ATTEMPTS if attempt.exercise == WRONG.exercise]
    wrong = [attempt for attempt in of_it if attempt.expect == "wrong"]
    right = [attempt for attempt in of_it if attempt.expect == "right"]
    assert lacking(of_it) == []
    few = "wrong answers whose causes are named: 2; it is known well enough with 3"
    guessed = replace(WRONG, cause="", unnamed="it is a guess")
    assert few in lacking([*wrong[:2], *right])[0]
    assert few in lacking([*wrong[:2], guessed, *right])[0]
    assert "no unusual right answer" in lacking(wrong)[0]
    assert "has no cause=" in lacking([*of_it, replace(WRONG, cause="")])[0]
    assert lacking([*of_it, guessed]) == []


@pytest.mark.parametrize(
    ("several", "known", "lacking"),
    [
        (False, 0, "known: 0; it is known well enough with 1"),
        (False, 1, ""),
        (True, 1, "known: 1; it is known well enough with 3"),
    ],
)
def test_of_a_choice_no_more_wrong_answers_are_asked_for_than_there_are(several, known, lacking):
    sheet = Sheet("Small", (ChoiceExercise(id="mine.way", options={"a": "This.", "b": "That."}, several=several),))
    right = Attempt("mine.way", "right", 1.0, "", "way = 'A'")
    wrong = Attempt("mine.way", "wrong", 0.0, "", "way = 'b'", because="Why not.")
    said = list(shortfalls(sheet, [right, *[wrong] * known]))
    assert [line.partition("wrong answers ")[2] for line in said] == ([lacking] if lacking else [])


# --- the whole sheet -------------------------------------------------------------------------------------------------


def faults_of(course):
    return list(faults(course, NAME, Variant(0), 17))


def test_the_sheet_keeps_its_promises_to_any_student(course):
    assert list(faults(course, NAME, Variant(3, "anna"), 5)) == []
    assert list(leaks(course, NAME)) == []


def changed(course, *changes):
    """The course with its master changed."""
    master = course.master(NAME)
    for old, new in changes:
        assert old in master.read_text()
        master.write_text(master.read_text().replace(old, new, 1))
    return course


def test_broken_promises_are_told_a_line_each(course):
    wrong_solution = ("return y - target\n", "return target - y\n")
    right_attempt = ("return 2 * (y - target)\n", "return 1 * (y - target)\n")
    another_cause = ('cause="transposed"', 'cause="half precision"')
    solution, *attempts = faults_of(changed(course, wrong_solution, right_attempt, another_cause))
    assert solution.startswith("chain.squared_loss: right answer 'def squared_loss")
    assert sorted("right where wrong is expected" in line for line in attempts) == [False, True]
    assert sum("its causes are to be half precision, and are transposed" in line for line in attempts) == 1
    assert not [line for line in (solution, *attempts) if "\n" in line]


def test_a_variant_that_cannot_be_set_up_is_told(course):
    (told,) = faults_of(changed(course, ("open_sheet(", "open_sheet(1 / 0, ")))
    assert told.startswith("it cannot be set up: BuildError: ")
    assert "ZeroDivisionError" in told
    assert "\n" not in told


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_an_exercise_at_fault_is_told(course):
    (course.root / "sheets").mkdir()
    declared = (ROOT / "grading" / "sheets" / "chain_rule.py").read_text()
    at_fault = declared.replace("0.5 * xp.sum((target - y) ** 2)", "xp.sum(xp.sqrt(y))", 1)
    assert at_fault != declared
    (course.root / "sheets" / "chain_rule.py").write_text(at_fault)
    assert any("chain.squared_loss" in line for line in faults_of(course))


def released_with(course, source):
    """The course with something else in an answer cell that students get."""
    path = course.assignment(NAME)
    notebook = nbformat.read(path, as_version=4)
    cell_of(notebook, "chain-squared_loss-answer").source = source
    nbformat.write(notebook, path)
    return course


def test_an_answer_that_is_given_away_is_told(course):
    released_with(course, "def squared_loss(y, target):\n    return y - target")
    (told,) = faults_of(course)
    assert "chain.squared_loss: not attempted answer" in told
    assert "right where not attempted is expected" in told
    (leak,) = leaks(course, NAME)
    assert leak == "chain.squared_loss: a line of the solution stands in the answer cell that students get"


RUBRIC = next(item.rubric for item in SHEET.exercises if isinstance(item, Prose))
SECRETS = {
    "a region": (f"# {SOLUTION_MARKS[0]}", "a mark of a solution region"),
    "an attempt": (WRONG.source, f"an attempt at {WRONG.exercise}"),
    "a rubric": (RUBRIC, "the rubric of "),
}


@pytest.mark.parametrize(("source", "said"), SECRETS.values(), ids=SECRETS)
def test_what_is_handed_out_by_mistake_is_told(course, source, said):
    (leak,) = leaks(released_with(course, source), NAME)
    assert leak.startswith(said)
    assert "\n" not in leak


def test_a_solution_that_stands_elsewhere_and_a_master_in_the_release_are_told(course):
    notebook = nbformat.read(course.assignment(NAME), as_version=4)
    nbformat.write(append(notebook, "def mine(y, target):\n    return y - target"), course.assignment(NAME))
    (course.assignments / NAME / "x.py").write_text("")
    elsewhere, file = leaks(course, NAME)
    assert elsewhere.startswith("chain.squared_loss: every line of the solution stands somewhere")
    assert file.endswith("x.py is handed out with the notebook")


def test_the_lines_of_a_solution_are_those_that_stand_nowhere_else():
    source = "def f(x):\n    a = 1\n    ### BEGIN SOLUTION\n    a = 1\n    b = 2\n    ### END SOLUTION\n    return b"
    assert hidden_lines(source) == {"b = 2"}


def test_the_command_says_what_is_wrong_and_fails(course, capsys, monkeypatch):
    monkeypatch.chdir(course.root)
    assert main(["verify-course", "--variants", "1"]) == 0
    said = capsys.readouterr().out
    assert "01_chain_rule, what is released: as it must be\n01_chain_rule, variant 0: as it must be\n" in said
    released_with(course, "def squared_loss(y, target):\n    return y - target")
    assert main(["verify-course", "1", "--variants", "1"]) == 1
    assert "01_chain_rule, variant 0: 1 to mend\n  chain.squared_loss: " in capsys.readouterr().out


def test_a_sheet_that_cannot_be_read_does_not_hide_the_others(tmp_path, capsys, monkeypatch):
    course = tiny_course(tmp_path / "tiny")
    for name in TINY:
        build(course, name)
    monkeypatch.chdir(course.root)
    assert main(["verify-course", "--variants", "1", "--seeds", "2"]) == 0
    capsys.readouterr()
    course.master(TINY[0]).write_text(course.master(TINY[0]).read_text() + "\n")
    assert main(["verify-course", "--variants", "1"]) == 1
    said = capsys.readouterr()
    assert said.err == f"gradsheet: {TINY[0]} has changed since it was built; run `gradsheet build {TINY[0]}`\n"
    assert f"{TINY[1]}, variant 0: as it must be\n" in said.out


def test_a_course_without_sheets_does_not_pass(tmp_path, capsys, monkeypatch):
    (tmp_path / CONFIG).write_text("")
    monkeypatch.chdir(tmp_path)
    assert main(["verify-course"]) == 1
    assert "there is no sheet in" in capsys.readouterr().err


def test_faults_are_looked_for_at_the_points_of_all_seeds(tmp_path, monkeypatch):
    course = tiny_course(tmp_path / "tiny")
    build(course, TINY[0])
    monkeypatch.setattr(proof, "fault_of", lambda item, seed: "no luck" if seed == 19 else "")
    assert list(faults(course, TINY[0], Variant(0), 17, seeds=2)) == []
    (told,) = faults(course, TINY[0], Variant(0), 17, seeds=3)
    assert told == "small.way cannot be judged at the points of seed 19: no luck"


def test_of_what_is_everybodys_own_nothing_is_left_behind(rehearsal):
    """An answer is judged as it is alone, whatever was judged before it."""
    before = rehearsal.judged(WRONG.exercise, WRONG.source, 3)
    rehearsal.judged(WRONG.exercise, "def unheard_of(): pass\n" + rehearsal.solutions[WRONG.exercise], 3)
    assert replace(rehearsal.judged(WRONG.exercise, WRONG.source, 3)) == before
    assert "unheard_of" not in rehearsal.names


def test_another_student_is_asked_what_is_the_students_own(rehearsal):
    own, anna = "chain.paths_by_hand", rehearsal.of_student("anna")
    for run in (rehearsal, anna, Rehearsal(REPOSITORY, NAME, Variant(0, "anna"))):
        assert run.judged(own, run.solutions[own], 3).outcome == "right"
    x, y, k = anna.items[own].given.values()
    annas = f"paths_by_hand = {2 * x * y * (y + k):.3f}"
    assert anna.judged(own, annas, 3).outcome == "right"
    assert rehearsal.judged(own, annas, 3).outcome == "wrong"


def test_a_solution_that_fails_is_told_in_one_line(course):
    master = course.master(NAME)
    master.write_text(master.read_text().replace("open_sheet(", "raise ValueError('no luck')\nopen_sheet(", 1))
    with pytest.raises(BuildError, match=r"variant 5 anna: the cell .* fails: ValueError: no luck") as refusal:
        Rehearsal(course, NAME, Variant(5, "anna"))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ('cause="path, banana"', 'cause="banana" is not in the catalogue'),
        ('cause="sign" unnamed="why"', "unnamed= is for a wrong answer without a cause="),
    ],
)
def test_headers_that_say_too_much_are_refused(course, header, said):
    master = course.master(NAME)
    master.write_text(master.read_text().replace('cause="transposed"', header, 1))
    with pytest.raises(BuildError, match=said):
        read_attempts(course, NAME)
