"""A page of the documentation, followed as it is written: its blocks become files, its commands are run."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grading.cli import main

_BLOCK = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_UNTIL_S = 120


@dataclass(frozen=True)
class Command:
    """What is typed, and the lines that must be among what is then seen."""

    typed: str
    seen: list[str]


def blocks(page: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """The fenced blocks: language, what stands beside it, and text."""
    for block in _BLOCK.finditer(page):
        language, *said = shlex.split(block["info"])
        yield language, dict(one.split("=", 1) for one in said), block["text"]


def commands(text: str) -> list[Command]:
    """The commands of a console block."""
    found: list[Command] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(Command(line[2:], []))
        elif line:
            found[-1].seen.append(line)
    return found


def put(folder: Path, where: dict[str, str], text: str) -> None:
    """Put a block where the page says: below a line of a file, or above the cell that has it."""
    path = folder / where["in"]
    lines = path.read_text().splitlines(keepends=True)
    (place,) = [n for n, line in enumerate(lines) if line.rstrip("\n") == where.get("below", where.get("above"))]
    if "below" in where:
        place += 1
    else:
        place = max(n for n, line in enumerate(lines[:place]) if line.startswith("# %%"))
    path.write_text("".join([*lines[:place], text, *lines[place:]]))


def run(folder: Path, typed: str) -> tuple[int, str]:
    """Run a command as a person at a terminal does; ours in this process, which takes a quarter of the time."""
    if typed.startswith("gradsheet edit"):
        return _stopped_at_its_page(folder, typed)
    if not typed.startswith("gradsheet"):
        done = subprocess.run(["bash", "-c", typed], cwd=folder, capture_output=True, text=True, timeout=_UNTIL_S)
        return done.returncode, done.stdout + done.stderr
    said = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = main(shlex.split(typed)[1:])
    return status, said.getvalue()


def _stopped_at_its_page(folder: Path, typed: str) -> tuple[int, str]:
    """A command that goes on until Ctrl-C, which comes when it has told of a page, or of something to mend."""
    command = [sys.executable, "-m", "grading.cli", *shlex.split(typed)[1:]]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=folder, **streams) as process:
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith(("Page:", "  to mend:")):
                process.send_signal(signal.SIGINT)
    return process.returncode, said
