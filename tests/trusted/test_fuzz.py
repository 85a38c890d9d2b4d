"""Ten thousand malformed frames and a thousand malformed notebooks: never a mark, a hang or a defect."""

import base64
import contextlib
import copy
import json
import math
import random
import socket
import struct
import time
from collections import Counter
from pathlib import Path

import nbformat
import numpy as np
import pytest
from classroom import NAME, SHEET, make_course, solved, untouched
from needs import needs_sandbox

from grading.course.grade import grade, read_marks
from grading.course.intake import SetAsideError, Submission, collect
from grading.notebook import wire
from grading.notebook.graded import GradedSession
from grading.trusted.channel import AnswerDesk
from grading.trusted.kernel import scratch_folders
from grading.trusted.ledger import GRADED, SET_ASIDE
from grading.verify import judge as judging
from grading.verify.respondent import HomeRespondent

pytestmark = [pytest.mark.sweep, pytest.mark.filterwarnings("ignore")]
FRAMES, NOTEBOOKS, GRADED_IN_FULL = 10_000, 1_000, 25
HANG_S = 10
WEIGHTS = SHEET["chain.weights"]
ODD = [
    None,
    True,
    -1,
    0,
    1.5,
    10**400,
    float("nan"),
    "",
    "x" * 5000,
    "\ud83d",
    [],
    {},
    [[[]]],
    {"type": "done"},
    [None] * 999,
]
DTYPES = ["<f8", "<f4", "<f2", "|b1", "|i1", "|u1", "<i8", "<u8", "<i4", ">f8", "|O", "<c16", "<U4", "<M8"]
SHAPES = [[], [0], [1], [3], [1, 1, 1], [2, 3], [0, 5], [10**9], [2**63], [-1], [1] * 33, [3, 5, 7], [1000, 1000]]


def nodes(tree, path=()):
    """The places in a tree of JSON."""
    yield path
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield from nodes(value, (*path, key))


def put(tree, path, value):
    """The tree with another value at a place."""
    if not path:
        return value
    *way, last = path
    inner = tree
    for key in way:
        inner = inner[key]
    inner[last] = value
    return tree


def odd_array(rng):
    dtype, shape = rng.choice(DTYPES), list(rng.choice(SHAPES))
    size = math.prod(shape) * np.dtype(dtype).itemsize if rng.random() < 0.8 else rng.randrange(99)
    data = rng.randbytes(max(0, min(size, 10**6)))
    return {"dtype": dtype, "shape": shape, "data": base64.b64encode(data).decode()}


def mutated(message, rng):
    """A message in which something is not as it should be, as JSON."""
    tree = copy.deepcopy(message)
    for _ in range(rng.randint(1, 3)):
        place = rng.choice(list(nodes(tree)))
        tree = put(tree, place, odd_array(rng) if rng.random() < 0.4 else copy.deepcopy(rng.choice(ODD)))
    return json.dumps(tree).encode()


def framed(message, rng):
    """A frame that holds a message, or something like one."""
    text = mutated(message, rng) if rng.random() < 0.8 else json.dumps(message).encode()
    if rng.random() < 0.2:
        bytes_of = bytearray(text)
        for _ in range(rng.randint(1, 5)):
            bytes_of[rng.randrange(len(bytes_of))] = rng.randrange(256)
        text = bytes(bytes_of)
    length = len(text) if rng.random() < 0.9 else rng.choice([0, 1, len(text) - 1, len(text) + 7, 2**32 - 1])
    return struct.pack(">I", length) + text


@pytest.fixture
def desk(monkeypatch):
    """A desk that works out once what it expects, as it does not depend on who answers."""
    benches = judging.benches_of(WEIGHTS, 17)
    monkeypatch.setattr(judging, "benches_of", lambda exercise, seed: benches)
    with scratch_folders() as folders, AnswerDesk(folders.channel, SHEET, "student-01", 17) as desk:
        desk.place = str(folders.channel)
        yield desk


def wrong_reply(question):
    reply = HomeRespondent(lambda W, b, *rest: (0 * W, 0 * b)).ask(wire.arrays_in(question["args"]), 1.0)
    return {"type": "reply", "reply": wire.reply_out(reply), "calls": {}}


def converse(place, rng):
    """One connection on which sooner or later something is malformed."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(place)
        greeting = {"type": "check", "exercise": WEIGHTS.id, "handed": ["function", "function"]}
        if rng.random() < 0.2:
            connection.sendall(framed(greeting, rng))
        else:
            wire.send(connection, greeting)
            for _ in range(rng.randint(0, 2)):
                question = wire.receive(connection)
                if question["type"] != "ask":
                    return
                wire.send(connection, wrong_reply(question))
            question = wire.receive(connection)
            if question["type"] == "ask":
                connection.sendall(framed(wrong_reply(question), rng))
        connection.shutdown(socket.SHUT_WR)
        connection.recv(2**16)


def conversed(desk, rng):
    """The verdict that a conversation ends in, and how long it took."""
    desk.expect(WEIGHTS)
    start = time.monotonic()
    with contextlib.suppress(wire.WireError, OSError):
        converse(desk.place, rng)
    return desk.collect(), time.monotonic() - start


def test_no_malformed_frame_earns_a_mark_hangs_or_breaks_the_desk(desk):
    rng, heard = random.Random(1), Counter()
    for number in range(FRAMES):
        said = rng.getstate()
        verdict, seconds = conversed(desk, rng)
        heard[verdict and ("values" if verdict.blocks else verdict.outcome)] += 1
        assert verdict is None or verdict.mark == 0, number
        assert verdict is None or "judge failed" not in verdict.problem, (number, verdict.problem)
        if seconds > HANG_S:  # a machine that stood still does so once; what hangs because of a frame does so again
            rng.setstate(said)
            assert conversed(desk, rng)[1] < HANG_S, number
    assert all(heard[outcome] > FRAMES // 100 for outcome in (None, "wrong", "values")), heard
    desk.expect(WEIGHTS)
    GradedSession(NAME, desk.place).check(WEIGHTS.id, lambda *args: None)
    assert desk.collect().outcome == "not attempted"


# --- notebooks ---------------------------------------------------------------------------------------------------

PIECES = [None, 3, "text", [], {}, [{}], {"cells": []}, "code", "markdown", "raw", {"nbgrader": {"grade_id": "setup"}}]


def malformed(rng):
    """The bytes of a notebook to which something happened."""
    tree = json.loads(nbformat.writes(solved() if rng.random() < 0.5 else untouched()))
    places = list(nodes(tree))
    for _ in range(rng.randint(1, 6)):
        place = rng.choice(places)
        try:
            tree = put(tree, place, copy.deepcopy(rng.choice([*PIECES, *ODD])))
        except (KeyError, IndexError, TypeError):
            continue  # what was there is gone already
    text = bytearray(json.dumps(tree).encode())
    if rng.random() < 0.3 and len(text) > 10:
        for _ in range(rng.randint(1, 8)):
            text[rng.randrange(len(text))] = rng.randrange(256)
    if rng.random() < 0.1:
        del text[rng.randrange(len(text)) :]
    return bytes(text)


@pytest.fixture
def release():
    return untouched()


def test_a_malformed_notebook_is_mended_or_set_aside_in_a_line(course, release):
    rng = random.Random(2)
    known = {cell.id: cell for cell in release.cells if "nbgrader" in cell.metadata}
    states = Counter()
    for number in range(NOTEBOOKS):
        folder = course.submitted / f"student-{number:04d}" / NAME
        folder.mkdir(parents=True)
        (folder / f"{NAME}.ipynb").write_bytes(malformed(rng))
        submission = Submission(folder.parent.name, folder)
        try:
            collect(course, NAME, submission, release)
        except SetAsideError as reason:
            states["set aside" if "\n" not in str(reason) else "set aside in many lines"] += 1
            continue
        states["mended"] += 1
        mended = nbformat.read(submission.notebook, as_version=4)
        nbformat.validate(mended)
        graded = [cell for cell in mended.cells if "nbgrader" in cell.metadata]
        assert [cell.id for cell in graded] == list(known)
        for cell in graded:
            assert cell.metadata == known[cell.id].metadata
            assert cell.source == known[cell.id].source or cell.metadata.nbgrader.solution
    assert states.keys() == {"mended", "set aside"}
    assert min(states.values()) > NOTEBOOKS // 50, states


def test_malformed_notebooks_are_graded_like_any_other(tmp_path: Path):
    needs_sandbox()
    course, rng = make_course(tmp_path / "course", quick=True), random.Random(3)
    for number in range(GRADED_IN_FULL):
        folder = course.submitted / f"student-{number:04d}" / NAME
        folder.mkdir(parents=True)
        (folder / f"{NAME}.ipynb").write_bytes(malformed(rng))
    intakes = grade(course, NAME)
    assert {intake.state for intake in intakes} <= {GRADED, SET_ASIDE}, intakes
    full = {item.cell_id: item.points for item in SHEET.checked}
    for marks in read_marks(course, NAME):
        assert all((marks.by_cell[cell] or 0.0) <= points for cell, points in full.items())
