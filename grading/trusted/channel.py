"""The grader's end of the answer channel: it asks a submission's kernel, and judges in its own memory."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
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
from grading.verify.respondent import AnswerError, Reply, Told

_GREETING_S = 1.0  # a connection that says nothing for so long is closed
_GRACE_S = 2.0  # beyond an exercise's own limit, which the kernel enforces first


class _RemoteRespondent:
    """Asks the function at the other end of a connection; gives up for good after one unanswered question."""

    def __init__(self, connection: socket.socket, counted: Sequence[str] = ()) -> None:
        self._connection = connection
        self.silent = False  # a question went unanswered for longer than any answer may take
        self.calls = dict.fromkeys(counted, 0)  # as the kernel tells them

    def ask(self, args: Sequence[Array], limit_s: float) -> Reply:
        """Send a question and wait for the reply, within the limit and a little grace."""
        start = time.perf_counter()
        error = AnswerError("time", f"it had not returned after {limit_s:g} seconds")
        if not self.silent:
            try:
                self._connection.settimeout(limit_s + _GRACE_S)
                question = {"type": "ask", "args": wire.arrays_out(args), "limit_s": limit_s, "count": list(self.calls)}
                wire.send(self._connection, question)
                heard = wire.receive(self._connection)
                reply = wire.reply_in(heard.get("reply"))
                self._count(heard.get("calls"))
                if len(reply.args_after) == len(args) or reply.error is not None:
                    return reply
                error = AnswerError("type", "its arguments did not come back")
            except TimeoutError:
                self.silent = True
            except (wire.WireError, OSError) as failure:
                self.silent = True
                error = AnswerError("raised", f"no usable reply: {failure}")
        return Reply((), (), None, error, time.perf_counter() - start)

    def tell(self, args: Sequence[Array] | None, limit_s: float) -> Told:
        """The answer as data, or the graph that it records; only asked where no other question went unanswered."""
        try:
            self._connection.settimeout(limit_s + _GRACE_S)
            wanted = None if args is None else wire.arrays_out(args)
            wire.send(self._connection, {"type": "tell", "args": wanted, "limit_s": limit_s})
            return wire.told_in(wire.receive(self._connection).get("told"))
        except TimeoutError:
            self.silent = True
            return Told(None, AnswerError("time", f"it had not ended after {limit_s:g} seconds"))
        except (wire.WireError, OSError) as failure:
            self.silent = True
            return Told(None, AnswerError("raised", f"no usable reply: {failure}"))

    def _count(self, told: Any) -> None:
        for name in self.calls:
            count = told.get(name) if isinstance(told, dict) else None
            self.calls[name] += count if type(count) is int and 0 <= count < 2**31 else 0

    def reread(self, number: int) -> tuple[Array, ...]:
        """The arrays of an earlier reply, as they are now at the other end."""
        try:
            wire.send(self._connection, {"type": "reread", "number": number})
            return wire.arrays_in(wire.receive(self._connection).get("values"))
        except (wire.WireError, OSError):
            return ()


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
        respondent = _RemoteRespondent(connection, self._sheet.forbids)
        self._respondent, self.calls = respondent, respondent.calls
        try:
            return judge(exercise, handed, respondent, self._seed)
        except Exception as error:  # a defect of ours, or an answer made to provoke one: a person must look
            problem = f"The judge failed on this answer: {type(error).__name__}: {error}"
            return Verdict(exercise.id, "inconclusive", 0.0, exercise.points, self._seed, problem=problem)

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
