"""The grader's desk on a real socket, with a notebook's own session at the other end."""

import socket
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from classroom import NAME, REPOSITORY, SHEET

from grading.answers import verify as verify_any
from grading.answers.bug import BugExercise
from grading.answers.choice import ChoiceExercise
from grading.answers.keys import WHOLE, Key
from grading.answers.prediction import Prediction
from grading.course.build import read_attempts
from grading.notebook import wire
from grading.notebook.graded import GradedSession
from grading.notebook.session import statement_of
from grading.notebook.shown import Heard
from grading.sheets import Sheet
from grading.trusted import channel
from grading.trusted.channel import AnswerDesk
from grading.trusted.kernel import scratch_folders
from grading.verify import verify
from grading.verify.respondent import HomeRespondent

# A wrong answer may overflow; what NumPy says of it is for the student.
pytestmark = pytest.mark.filterwarnings("ignore:.* encountered in :RuntimeWarning")
SEED = 20_23
ONE_NUMBER, PATHS, BY_HAND = SHEET["chain.one_number"], SHEET["chain.paths"], SHEET["chain.paths_by_hand"]


def right(x, a):
    return 2 * a * x * np.cos(a * x**2)


def wrong(x, a):
    return -right(x, a)


def raising(x, a):
    raise RuntimeError("no idea")


def stub(x, a): ...


@pytest.fixture
def place():
    with scratch_folders() as folders:
        yield folders.channel


@pytest.fixture
def desk(place):
    with AnswerDesk(place, SHEET, "student-01", SEED) as desk:
        yield desk


@pytest.fixture
def session(desk, place):
    return GradedSession(NAME, str(place))


def asked(desk, session, exercise, answer, said=None):
    """The verdict on an answer that a notebook gives when it is expected."""
    desk.expect(exercise)
    session.check(exercise.id, answer, said)
    return desk.collect()


def test_a_sheet_is_opened_from_the_trusted_side(session):
    opened = session.opened()
    assert (opened.title, opened.checks, opened.points) == (SHEET.title, len(SHEET.checked), SHEET.points)
    assert opened.student == "student-01"
    assert session.statement(BY_HAND.id) == statement_of(BY_HAND)
    assert session.hint(PATHS.id, 2).ladder == PATHS.hints
    assert session.statement("chain.unheard_of").text == ""


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(right, "right"), (wrong, "wrong"), (raising, "wrong"), (stub, "not attempted"), (None, "not attempted")],
    ids=["right", "wrong", "raising", "stub", "none"],
)
def test_an_answer_is_judged_as_at_home(desk, session, answer, outcome):
    verdict = asked(desk, session, ONE_NUMBER, answer)
    assert verdict.outcome == outcome
    assert verdict == verify(ONE_NUMBER, answer, seed=SEED)


def attempts():
    return read_attempts(REPOSITORY, NAME)


def answer_of(attempt):
    names = {"np": np, "task": SimpleNamespace(given=statement_of(SHEET[attempt.exercise]).given)}
    exec(attempt.source, names)
    called = {"chain.draw": "draw_l", "chain.bug": "gradient"}.get(attempt.exercise)
    return names[called or attempt.exercise.removeprefix("chain.")], {
        "line": names["line"]
    } if "line" in names else None


def test_every_known_answer_gets_the_same_verdict_remotely(desk, session):
    for attempt in attempts():
        exercise = SHEET[attempt.exercise]
        answer, said = answer_of(attempt)
        remote = asked(desk, session, exercise, answer, said)
        answer, said = answer_of(attempt)
        assert remote == verify_any(exercise, answer, SEED, said), attempt.source
        assert remote.mark == pytest.approx(attempt.mark)


# --- answers that are no gradients --------------------------------------------------------------------------------

CHOICE = ChoiceExercise("kinds.some", {"a": "one", "b": "two", "c": "three"}, several=True, partial=True, points=2)
CHOICE = CHOICE.with_key(Key.of(CHOICE.salt, CHOICE.parts(["a", "c"]), [(["b"], "Not two.")]))
BUG = BugExercise(replace(ONE_NUMBER, statement=""), code="def faulty(x, a):\n    return -2 * a * x * np.cos(a * x**2)")
BUG = BUG.with_key(Key.of(BUG.salt, {WHOLE: 2}))
GUESS = Prediction("kinds.guess", "shape")


@pytest.fixture
def kinds(place):
    sheet = Sheet("Kinds", (CHOICE, BUG, GUESS), forbids=("sine",))
    with AnswerDesk(place, sheet, "student-01", SEED) as desk:
        yield desk, GradedSession("01_kinds", str(place))


@pytest.mark.parametrize(
    ("exercise", "answer", "said"),
    [
        (CHOICE, {"a", "c"}, {}),
        (CHOICE, "b", {}),
        (CHOICE, ["a"], {}),
        (CHOICE, None, {}),
        (CHOICE, right, {}),
        (CHOICE, float("nan"), {}),
        (CHOICE, object(), {}),
        (BUG, right, {"line": 2}),
        (BUG, wrong, {"line": np.int64(1)}),
        (BUG, right, {}),
        (BUG, None, {"line": 2}),
        (BUG, BUG.faulty, {"line": 2}),
        (BUG, BUG.faulty, {"line": None}),
        (BUG, raising, {"line": "two"}),
        (BUG, stub, {}),
        (BUG, 3.0, {"line": object()}),
        (GUESS, (3, 4), {}),
        (GUESS, np.zeros(3), {}),
        (GUESS, "three", {}),
    ],
)
def test_every_kind_is_judged_as_at_home(kinds, exercise, answer, said):
    desk, session = kinds
    desk.expect(exercise)
    session.check(exercise.id, answer, said)
    assert desk.collect() == verify_any(exercise, answer, SEED, said)


def test_a_kernel_that_is_marked_has_no_key_and_sees_what_its_student_saw(kinds):
    _, session = kinds
    assert session.statement(BUG.id) == statement_of(BUG)
    assert "2      return -2 * a * x" in session.statement(BUG.id).text
    held = repr(vars(session))
    assert not [
        secret for secret in (CHOICE.key.salt, *CHOICE.key.opens.values(), *CHOICE.key.sealed) if secret in held
    ]


def test_a_prediction_is_handed_in_and_shown_with_what_is_known_there(kinds):
    desk, session = kinds
    assert "First predict" in repr(session.reveal(GUESS.id, ()))
    desk.expect(GUESS)
    assert repr(session.predict(GUESS.id, (3, 4))) == "0.0"
    assert desk.collect().mark == 1.0
    assert repr(session.reveal(GUESS.id, (np.zeros(2),))) == "You predicted: (3, 4)\nWhat happened: array([0., 0.])"


@pytest.mark.parametrize("told", [None, 3, {}, {"data": [[]] * 9}, {"data": "a", "error": []}, {"error": ["x", "y"]}])
def test_data_that_is_forged_on_the_way_is_judged_for_what_it_is(kinds, told, monkeypatch):
    desk, session = kinds
    monkeypatch.setattr("grading.notebook.graded._ANSWERED", {"tell": lambda *unused: {"type": "told", "told": told}})
    for exercise in (CHOICE, GUESS, BUG):
        desk.expect(exercise)
        session.check(exercise.id, {"a", "c"})
        verdict = desk.collect()
        assert verdict is None or verdict.mark < exercise.points
        assert verdict is None or verdict.outcome in ("wrong", "inconclusive")


# --- gradients ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exercise", "answer"), [(PATHS, 3.0), (BY_HAND, lambda: 3.0), (BY_HAND, right)], ids=["data", "lambda", "function"]
)
def test_data_for_a_function_and_a_function_for_data_are_told_as_at_home(desk, session, exercise, answer):
    assert asked(desk, session, exercise, answer) == verify(exercise, answer, seed=SEED)


def test_what_a_notebook_learns_is_no_mark(desk, session):
    desk.expect(ONE_NUMBER)
    result = session.check(ONE_NUMBER.id, right)
    assert result == Heard(ONE_NUMBER.id)
    assert repr(result) == "0.0"


def test_a_question_counts_only_while_its_cell_runs(desk, session):
    session.check(ONE_NUMBER.id, right)
    desk.expect(PATHS)
    session.check(ONE_NUMBER.id, right)
    assert desk.collect() is None
    session.check(PATHS.id, right)
    desk.expect(ONE_NUMBER)
    assert desk.collect() is None


def test_the_first_answer_counts(desk, session):
    desk.expect(ONE_NUMBER)
    session.check(ONE_NUMBER.id, wrong)
    session.check(ONE_NUMBER.id, right)
    assert desk.collect().outcome == "wrong"
    desk.expect(ONE_NUMBER)
    session.check(PATHS.id, right)
    session.check(ONE_NUMBER.id, right)
    assert desk.collect().outcome == "right"


def test_an_answer_that_never_returns_is_cut_off(desk, session):
    def endless(x, a):
        while True:
            pass

    quick = replace(ONE_NUMBER, limit_s=0.2)
    verdict = asked(desk, session, quick, endless)
    assert (verdict.outcome, verdict.mark) == ("wrong", 0)
    assert "takes too long" in verdict.problem


# --- a kernel that does not keep to the protocol -----------------------------------------------------------------


def connected(place):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(place))
    connection.settimeout(5)
    return connection


def start_check(connection, exercise=ONE_NUMBER, **said):
    wire.send(connection, {"type": "check", "exercise": exercise.id, "handed": ["function", "function"], **said})


def expect_a_verdict_of_wrong(desk):
    verdict = desk.collect()
    assert (verdict.outcome, verdict.mark) == ("wrong", 0)
    return verdict


GARBAGE = {
    "nothing": b"",
    "noise": b"\xff" * 100,
    "a huge frame": b"\x7f\xff\xff\xff",
    "no type": b"\0\0\0\x02{}",
    "an unknown type": b'\0\0\0\x10{"type": "mark"}',
    "no exercise": b'\0\0\0\x11{"type": "check"}',
    "an exercise that is a list": b'\0\0\0\x21{"type": "check", "exercise": []} ',
}


@pytest.mark.parametrize("noise", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_turned_away_and_the_next_one_is_heard(desk, session, place, noise):
    desk.expect(ONE_NUMBER)
    with connected(place) as connection:
        connection.sendall(noise)
    session.check(ONE_NUMBER.id, right)
    assert desk.collect().outcome == "right"


REPLIES = {
    "another type": {"type": "mark", "mark": 1},
    "no reply": {"type": "reply"},
    "half a reply": {"type": "reply", "reply": {"error": []}},
    "object arrays": {
        "type": "reply",
        "reply": {
            "values": [{"dtype": "|O", "shape": [1], "data": ""}],
            "args_after": [],
            "container": "array",
            "dtypes": [],
            "error": [],
            "seconds": 0,
        },
    },
    "an endless number": {"type": "reply", "reply": {"error": ["raised", "x"], "args_after": [], "seconds": 10**400}},
    "no arguments back": {
        "type": "reply",
        "reply": wire.reply_out(HomeRespondent(lambda: 1.0).ask((), 1)),
    },
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_a_reply_that_is_none_is_wrong(desk, session, place, reply):
    desk.expect(ONE_NUMBER)
    with connected(place) as connection:
        start_check(connection)
        wire.receive(connection)
        wire.send(connection, reply)
        assert wire.receive(connection)["type"] == "done"
    expect_a_verdict_of_wrong(desk)
    assert asked(desk, session, ONE_NUMBER, right).outcome == "right"


def test_text_that_is_no_text_can_still_be_written_down(desk, place):
    desk.expect(ONE_NUMBER)
    with connected(place) as connection:
        start_check(connection)
        wire.receive(connection)
        reply = {"error": ["raised", "half a \ud83d smiley"], "args_after": [], "seconds": 0}
        wire.send(connection, {"type": "reply", "reply": reply})
        wire.receive(connection)
    expect_a_verdict_of_wrong(desk).json().encode("utf-8")


def test_a_kernel_that_hangs_up_is_wrong(desk, place):
    desk.expect(ONE_NUMBER)
    with connected(place) as connection:
        start_check(connection)
        wire.receive(connection)
    expect_a_verdict_of_wrong(desk)


def test_a_silent_connection_does_not_hold_the_desk(monkeypatch, desk, session, place):
    monkeypatch.setattr(channel, "_GREETING_S", 0.2)
    desk.expect(ONE_NUMBER)
    with connected(place):
        start = time.monotonic()
        session.check(ONE_NUMBER.id, right)
        assert time.monotonic() - start < 3
    assert desk.collect().outcome == "right"


def test_a_dripping_reply_does_not_hold_the_desk(monkeypatch, desk, place):
    monkeypatch.setattr(channel, "_GRACE_S", 0.1)
    desk.expect(replace(ONE_NUMBER, limit_s=0.2))
    stop = threading.Event()

    def drip(connection):
        while not stop.wait(0.05):
            connection.send(b"\0")

    with connected(place) as connection:
        start_check(connection)
        wire.receive(connection)
        dripping = threading.Thread(target=drip, args=[connection])
        dripping.start()
        start = time.monotonic()
        time.sleep(0.05)
        expect_a_verdict_of_wrong(desk)
        assert time.monotonic() - start < 5
        stop.set()
        dripping.join()


def test_how_long_an_answer_took_is_measured_here(desk, session, monkeypatch):
    """Or else a slow and wrong one could say that it is fast, and be asked again and again to be explained."""
    asked_of = []

    def slow(x, a):
        asked_of.append(x)
        time.sleep(0.3)
        return x

    monkeypatch.setattr("grading.verify.judge._ASKING_S", 0.0)
    told = wire.reply_out
    monkeypatch.setattr(wire, "reply_out", lambda reply: told(reply) | {"seconds": -1e9})
    assert asked(desk, session, ONE_NUMBER, slow).outcome == "wrong"
    assert len(asked_of) <= ONE_NUMBER.draws + 4  # one of them to explain it, others to see that it says the same again


@pytest.mark.parametrize("of", ["_EXERCISE_S", "_SHEET_S"])
def test_all_answers_together_are_not_waited_for_without_end(place, monkeypatch, of):
    monkeypatch.setattr(channel, of, 2.5)
    asked_of = []

    def slow(x, a):
        asked_of.append(x)
        time.sleep(2)
        return right(x, a)

    with AnswerDesk(place, SHEET, "student-01", SEED) as desk:
        session = GradedSession(NAME, str(place))
        desk.expect(ONE_NUMBER)
        with pytest.raises((wire.WireError, OSError)):  # nobody listens any more
            session.check(ONE_NUMBER.id, slow)
        verdict = expect_a_verdict_of_wrong(desk)
        assert "take too long together" in verdict.problem
        assert len(asked_of) <= 2
        assert desk.waits_in_vain
        assert asked(desk, session, ONE_NUMBER, right).outcome == "right"  # what is quick is heard all the same


def test_more_numbers_than_any_answer_has_are_not_looked_at(desk, session, monkeypatch):
    monkeypatch.setattr("grading.trusted.channel.MOST_NUMBERS", 10)
    verdict = asked(desk, session, ONE_NUMBER, lambda x, a: np.zeros(11, dtype=np.int8))
    assert verdict.outcome == "wrong"
    assert "too large for an answer" in verdict.problem


def test_a_defect_of_the_judge_earns_nothing_and_the_desk_goes_on(monkeypatch, desk, session):
    def defective(*unused):
        raise ZeroDivisionError("no idea")

    with monkeypatch.context() as patched:
        patched.setattr(channel, "judge", defective)
        verdict = asked(desk, session, ONE_NUMBER, right)
    assert (verdict.outcome, verdict.problem) == (
        "inconclusive",
        "The judge failed on this answer: ZeroDivisionError: no idea",
    )
    assert verdict.mark == 0.0
    assert asked(desk, session, ONE_NUMBER, right).outcome == "right"


def test_the_desk_closes_while_somebody_is_connected(place):
    with AnswerDesk(place, SHEET, "student-01", SEED):
        connection = connected(place)
    connection.close()
    with pytest.raises(OSError, match="refused"):
        connected(place)
