"""A notebook's end of the answer channel: it answers the grader's questions and learns only that it was heard."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from grading.notebook import wire
from grading.notebook.counting import calls_counted
from grading.notebook.shown import Heard, Opened, Revealed, Statement
from grading.verify.respondent import Handed, HomeRespondent

_LONGEST_SAID = 200


@dataclass(frozen=True)
class _Welcome:
    opened: Opened
    statements: dict[str, Statement]
    hints: dict[str, tuple[str, ...]]


class GradedSession:
    """A sheet in a kernel that is being marked. The marking happens at the other end."""

    def __init__(self, name: str, channel: str) -> None:
        self._channel = channel
        self._welcome = self._greet(name)
        self._predicted: dict[str, str] = {}

    def opened(self) -> Opened:
        """What `open_sheet` shows."""
        return self._welcome.opened

    def statement(self, exercise_id: str) -> Statement:
        """The exercise's statement, as the trusted side rendered it for this student."""
        return self._welcome.statements.get(exercise_id, Statement("", {}))

    def hints(self, exercise_id: str) -> tuple[str, ...]:
        """The exercise's hints, so that a marked notebook shows what its student saw."""
        return self._welcome.hints.get(exercise_id, ())

    def check(self, exercise_id: str, answer: Any, said: Mapping[str, Any] | None = None) -> Heard:
        """Answer the grader's questions about one exercise. The mark is written at the other end, not returned."""
        respondent, handed = HomeRespondent(answer, said), Handed.of(answer, said)
        with self._connect() as connection:
            wire.send(
                connection,
                {"type": "check", "exercise": exercise_id, "handed": [handed.kind, handed.type_name]},
            )
            while (question := wire.receive(connection))["type"] in _ANSWERED:
                wire.send(connection, _ANSWERED[question["type"]](respondent, question))
        return Heard(exercise_id)

    def predict(self, exercise_id: str, answer: Any) -> Heard:
        """Hand a prediction in; what was predicted before is not looked at, and nothing is written down."""
        self._predicted.setdefault(exercise_id, _brief(answer))
        return self.check(exercise_id, answer)

    def reveal(self, exercise_id: str, happened: tuple[Any, ...]) -> Revealed:
        """This run's prediction beside what happened, as far as it was handed in."""
        said = _brief(happened[0]) if happened else "told in one's own copy"
        return Revealed(exercise_id, self._predicted.get(exercise_id, ""), said)

    def _greet(self, name: str) -> _Welcome:
        with self._connect() as connection:
            wire.send(connection, {"type": "open", "sheet": name})
            said = wire.receive(connection)
        opened = Opened(**said["opened"])
        statements = {name: Statement(text, given) for name, (text, given) in said["statements"].items()}
        return _Welcome(opened, statements, {name: tuple(ladder) for name, ladder in said["hints"].items()})

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self._channel)
        return connection


def _brief(thing: Any) -> str:
    """A thing in a few signs, whatever it is."""
    try:
        return repr(thing)[:_LONGEST_SAID]
    except Exception:
        return type(thing).__name__


def _ask(respondent: HomeRespondent, question: dict[str, Any]) -> dict[str, Any]:
    with calls_counted(question["count"]) as calls:
        reply = respondent.ask(wire.arrays_in(question["args"]), float(question["limit_s"]))
    return {"type": "reply", "reply": wire.reply_out(reply), "calls": calls}


def _reread(respondent: HomeRespondent, question: dict[str, Any]) -> dict[str, Any]:
    return {"type": "values", "values": wire.arrays_out(respondent.reread(int(question["number"])))}


def _tell(respondent: HomeRespondent, question: dict[str, Any]) -> dict[str, Any]:
    args = None if question["args"] is None else wire.arrays_in(question["args"])
    return {"type": "told", "told": wire.told_out(respondent.tell(args, float(question["limit_s"])))}


_ANSWERED: dict[str, Callable[[HomeRespondent, dict[str, Any]], dict[str, Any]]] = {
    "ask": _ask,
    "reread": _reread,
    "tell": _tell,
}
