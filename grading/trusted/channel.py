"""The grader's end of the answer channel: it asks a submission's kernel, and judges in its own memory."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from grading.answers import judge
from grading.notebook import wire
from grading.notebook.shown import Opened
from grading.sheets import Sheet
from grading.verify import Verdict
from grading.verify.exercise import Array
from grading.verify.item import Item
from grading.verify.plain import plain
from grading.verify.respondent import MOST_NUMBERS, REREAD_S, AnswerError, ErrorKind, Reply, Told

_GREETING_S = 1.0  # a connection that says nothing for so long is closed
_GRACE_S = 2.0  # beyond an exercise's own limit, which the kernel enforces first
_LEAST_S = 1.0  # for a question, whatever was waited for before
_EXERCISE_S = 45.0  # in which the questions about one exercise must be answered together, about eight of them
_SHEET_S = 120.0  # and those about a whole submission


class _RemoteRespondent:
    """Asks the function at the other end of a connection; gives up for good after one unanswered question."""

    def __init__(self, connection: socket.socket, counted: Sequence[str] = (), patience_s: float = _EXERCISE_S) -> None:
        self._connection = connection
        self._patience_s = patience_s  # for all questions together
        self.waited_s = 0.0
        self.silent = False  # a question went unanswered for longer than any answer, or all of them, may take
        self.calls = dict.fromkeys(counted, 0)  # as the kernel tells them

    def ask(self, args: Sequence[Array], limit_s: float) -> Reply:
        """Send a question and wait for the reply, within the limit and a little grace."""
        start = time.perf_counter()
        reply = self._reply(args, limit_s)
        return replace(reply, seconds=time.perf_counter() - start)  # whatever the other end says

    def _reply(self, args: Sequence[Array], limit_s: float) -> Reply:
        if self.silent:
            return _no_reply("time", f"it had not returned after {limit_s:g} seconds")
        question = {"type": "ask", "args": wire.arrays_out(args), "limit_s": limit_s, "count": list(self.calls)}
        try:
            heard = self._heard(question, limit_s)
            reply = wire.reply_in(heard.get("reply"))
        except TimeoutError as failure:
            return _no_reply("time", str(failure))
        except (wire.WireError, OSError) as failure:
            self.silent = True
            return _no_reply("raised", f"no usable reply: {failure}")
        self._count(heard.get("calls"))
        if reply.error is None and len(reply.args_after) != len(args):
            return _no_reply("type", "its arguments did not come back")
        if sum(map(np.size, reply.values)) > max(MOST_NUMBERS, sum(map(np.size, args))):
            return _no_reply("type", "too large for an answer")
        return reply

    def tell(self, args: Sequence[Array] | None, limit_s: float) -> Told:
        """The answer as data, or the graph that it records; only asked where no other question went unanswered."""
        wanted = None if args is None else wire.arrays_out(args)
        try:
            return wire.told_in(self._heard({"type": "tell", "args": wanted, "limit_s": limit_s}, limit_s).get("told"))
        except TimeoutError as failure:
            return Told(None, AnswerError("time", str(failure)))
        except (wire.WireError, OSError) as failure:
            self.silent = True
            return Told(None, AnswerError("raised", f"no usable reply: {failure}"))

    def _heard(self, question: dict[str, Any], limit_s: float) -> dict[str, Any]:
        """What comes back to a question; raises TimeoutError, in words, when nothing more will be waited for."""
        start, left_s = time.monotonic(), self._patience_s - self.waited_s
        try:
            self._connection.settimeout(max(_LEAST_S, min(limit_s + _GRACE_S, left_s)))
            wire.send(self._connection, question)
            return wire.receive(self._connection)
        except TimeoutError:
            self.silent = True
            told = f"it had not returned after {limit_s:g} seconds"
            raise TimeoutError(told if left_s > limit_s else "its calls take too long together") from None
        finally:
            self.waited_s += time.monotonic() - start

    def _count(self, told: Any) -> None:
        for name in self.calls:
            count = told.get(name) if isinstance(told, dict) else None
            self.calls[name] += count if type(count) is int and 0 <= count < 2**31 else 0

    def reread(self, number: int) -> tuple[Array, ...]:
        """The arrays of an earlier reply, as they are now at the other end."""
        try:
            return wire.arrays_in(self._heard({"type": "reread", "number": number}, REREAD_S).get("values"))
        except (wire.WireError, OSError):
            return ()


def _no_reply(kind: ErrorKind, message: str) -> Reply:
    return Reply((), (), None, AnswerError(kind, message), 0.0)


class AnswerDesk:
    """Serves one submission's kernel on a socket, and judges only what it was told to expect.

    A question that arrives while no graded cell runs, or for another exercise than that cell's, is turned away. Of
    several answers from one cell the first counts.
    """

    def __init__(self, path: Path, sheet: Sheet, student: str, seed: int) -> None:
        self._sheet, self._student, self._seed = sheet, student, seed
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen(4)
        self._lock = threading.Lock()
        self._expected: Item | None = None
        self._verdict: Verdict | None = None
        self._respondent: _RemoteRespondent | None = None
        self._patience_s = _SHEET_S
        self.calls: dict[str, int] = {}  # of what the sheet forbids, while the expected exercise was answered
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> AnswerDesk:
        self._thread.start()
        return self

    def __exit__(self, *unused: object) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(timeout=_GREETING_S)

    def expect(self, exercise: Item) -> None:
        """From now on an answer to this exercise counts."""
        with self._lock:
            self._expected, self._verdict, self._respondent, self.calls = exercise, None, None, {}

    def collect(self) -> Verdict | None:
        """The verdict on the expected exercise, or None if it was never answered; nothing counts from now on."""
        with self._lock:
            self._expected = None
            return self._verdict

    @property
    def waits_in_vain(self) -> bool:
        """Whether the expected answer left a question unanswered, past its limit: its code does not even stop."""
        return self._respondent is not None and self._respondent.silent

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection, contextlib.suppress(wire.WireError, OSError):
                connection.settimeout(_GREETING_S)
                self._handle(connection, wire.receive(connection))

    def _handle(self, connection: socket.socket, message: dict[str, Any]) -> None:
        if message["type"] == "open":
            wire.send(connection, self._welcome())
        elif message["type"] == "check":
            with self._lock:
                if self._expected is not None and self._verdict is None:
                    self._verdict = self._judge(connection, message, self._expected)
            wire.send(connection, {"type": "done"})

    def _judge(self, connection: socket.socket, message: dict[str, Any], exercise: Item) -> Verdict | None:
        if message.get("exercise") != exercise.id:
            return None
        handed = wire.handed_in(message.get("handed"))
        patience_s = min(_EXERCISE_S, self._patience_s)
        respondent = _RemoteRespondent(connection, self._sheet.forbidden_to(exercise), patience_s)
        self._respondent, self.calls = respondent, respondent.calls
        try:
            return judge(exercise, handed, respondent, self._seed)
        except Exception as error:  # a defect of ours, or an answer made to provoke one: a person must look
            problem = f"The judge failed on this answer: {type(error).__name__}: {error}"
            return Verdict(exercise.id, "inconclusive", 0.0, exercise.points, self._seed, problem=problem)
        finally:
            self._patience_s -= respondent.waited_s

    def _welcome(self) -> dict[str, Any]:
        return {
            "type": "welcome",
            "opened": asdict(Opened.of(self._sheet, self._student)),
            "statements": {item.id: (item.shown, _plain(item)) for item in self._sheet.checked},
            "hints": {item.id: item.hints for item in self._sheet.checked},
        }


def _plain(exercise: Item) -> dict[str, Any]:
    """What an exercise gives, as JSON has it: the numbers of a point, or the arrows of a graph."""
    given = (exercise.given or {}).items()
    return {name: value.tolist() if isinstance(value, np.ndarray) else plain(value) for name, value in given}
