"""What a student's own copy remembers from run to run: `notes.json` beside the notebook.

It holds what a student predicted and which hints were opened, as they tell it themselves. No mark depends on it, and
nothing reads it while a submission is marked.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from grading.verify.plain import Plain

NOTES_FILE = "notes.json"
NOTES_VARIABLE = "GRADSHEET_NOTES"  # "off" where a run is to leave nothing behind, as when a sheet is built

Entries = dict[str, dict[str, Any]]


class Notes:
    """The notes of one folder: for each topic ("predictions", "hints") something plain per exercise.

    Each call reads the file anew, so that two notebooks may write in turn. Nothing here ever raises: a file that
    cannot be read counts as empty and is moved aside before anything is written, one that cannot be written is left.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NOTES_FILE
        self.is_off = os.environ.get(NOTES_VARIABLE) == "off"

    def get(self, topic: str, exercise_id: str) -> Plain:
        """What was put there; None if nothing was."""
        return self.topic(topic).get(exercise_id)

    def topic(self, topic: str) -> dict[str, Any]:
        """Everything of one topic, by exercise."""
        return {} if self.is_off else (_read(self._path) or {}).get(topic, {})

    def put(self, topic: str, exercise_id: str, value: Plain) -> bool:
        """Write something down, in place of what was there; whether that could be done."""
        if self.is_off:
            return False
        try:
            entries = _read(self._path)
            if entries is None:
                self._path.replace(_unused(self._path))
                entries = {}
            entries.setdefault(topic, {})[exercise_id] = value
            _write(self._path, json.dumps(entries, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
        except (OSError, ValueError, TypeError):
            return False
        return True


def _read(path: Path) -> Entries | None:
    """What a file of notes holds: nothing if there is none, None if it is something else than notes."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        return None
    if isinstance(entries, dict) and all(isinstance(topic, dict) for topic in entries.values()):
        return entries
    return None


def _unused(path: Path) -> Path:
    """A name for a backup that no file has."""
    number = 1
    while (backup := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    return backup


def _write(path: Path, text: str) -> None:
    """Write a file so that it holds either what it held or the whole of `text`, whatever happens meanwhile."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
