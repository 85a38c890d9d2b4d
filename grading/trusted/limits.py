"""What one submission may use of the machine, and how it is held to it: by its own limits, and by being watched."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

MIB = 2**20
_POLL_S = 0.2
_GROUP = "gradsheet-"
_BUBBLEWRAPS_OWN = 3  # processes: the command outside, and the first one inside
ZYGOTES_OWN = 3  # beside those: itself, a submission's keeper, and the first process of its namespace
MOST_FILES = 20_000  # in the submission's private file system
_MOST_SOCKETS = 32  # entries of the folder that the grader shares with it; a kernel makes five
_COUNTED_PER_NAMESPACE = (5, 14)  # the Linux that no longer counts a user's other processes against RLIMIT_NPROC


@dataclass(frozen=True)
class Limits:
    """What a submission may use, all of its processes together unless it says otherwise.

    Parameters
    ----------
    memory_mib : MiB of memory; one process cannot map more than that, all together are ended beyond it
    processes : processes and threads
    open_files : open files, of one process
    disk_mib : MiB that it may write, beyond what was handed in; nothing of it reaches the disk
    cpu_s : seconds of processor time, of one process
    wall_s : seconds from the kernel's start to its end
    """

    memory_mib: int = 2048
    processes: int = 64
    open_files: int = 256
    disk_mib: int = 64
    cpu_s: int = 300
    wall_s: int = 300

    def by_name(self) -> dict[str, int]:
        """What binds each process, by the names that prlimit and Python's `resource` know."""
        limits = {
            "as": self.memory_mib * MIB,
            "nofile": self.open_files,
            "fsize": self.disk_mib * MIB,
            "cpu": self.cpu_s,
            "core": 0,
            "memlock": 0,
            "msgqueue": 0,
            "rtprio": 0,
        }
        if _linux_version() >= _COUNTED_PER_NAMESPACE:
            limits["nproc"] = self.processes
        return limits

    def command(self) -> list[str]:
        """The words before a command that hold each of its processes to these limits (prlimit of util-linux)."""
        return ["prlimit", *(f"--{name}={value}:{value}" for name, value in self.by_name().items()), "--"]


def _linux_version() -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", platform.release())[:2])


# --- control groups, where this process may make them ------------------------------------------------------------


@contextlib.contextmanager
def control_groups(limits: Limits) -> Iterator[list[str]]:
    """The words before a command that put it under the kernel's own count of memory and processes.

    None where no group can be made: an unprivileged user's limits are then those of each process, and the watch.
    """
    made: list[Path] = []
    try:
        for place, settings in _places(limits):
            for abandoned in place.glob(f"{_GROUP}*"):
                with contextlib.suppress(OSError):  # one that is in use stays
                    abandoned.rmdir()
            group = place / f"{_GROUP}{os.getpid()}-{time.monotonic_ns()}"
            with contextlib.suppress(OSError):
                group.mkdir()
                made.append(group)
                for name, value in settings.items():
                    (group / name).write_text(str(value))
        join = "".join(f"echo $$ > '{group}/cgroup.procs'; " for group in made)
        yield ["sh", "-c", f'{join}exec "$@"', "sh"] if made else []
    finally:
        for group in made:
            _remove(group)


def _places(limits: Limits) -> Iterator[tuple[Path, dict[str, int]]]:
    """Folders in which a group may be made, and what to write into it: of version 2, or two of version 1."""
    memory = (limits.memory_mib + limits.disk_mib) * MIB  # files in memory are counted too
    processes = limits.processes + _BUBBLEWRAPS_OWN
    for line in _lines(Path("/proc/self/cgroup")):
        _, names, path = line.split(":", 2)
        if names == "":
            settings = {"memory.max": memory, "memory.swap.max": 0, "pids.max": processes}
            yield from ((place, settings) for place in _delegated(Path(f"/sys/fs/cgroup{path}")))
        elif names == "memory":
            yield _mounted(names, path), {"memory.limit_in_bytes": memory}
        elif names == "pids":
            yield _mounted(names, path), {"pids.max": processes}


def _delegated(own: Path) -> list[Path]:
    """The group in which this process may make others that count: beside its own, as in a session of systemd's."""
    counting = [
        place for place in (own, own.parent) if {"memory", "pids"} <= set(_words(str(place / "cgroup.subtree_control")))
    ]
    return counting[:1]


def _mounted(controller: str, path: str) -> Path:
    """The group this process is in, or the uppermost one where a container sees no more than that."""
    own = Path(f"/sys/fs/cgroup/{controller}{path}")
    return own if own.is_dir() else Path(f"/sys/fs/cgroup/{controller}")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _words(path: str) -> list[str]:
    return " ".join(_lines(Path(path))).split()


def _remove(group: Path) -> None:
    """Remove a group; the processes that were killed in it take a moment to be gone."""
    for _ in range(50):
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.02)
        else:
            return


# --- the watch ---------------------------------------------------------------------------------------------------


class Watch:
    """Ends a sandbox that uses more than it may; `reason` then says of what, in a few words.

    It sees what limits of single processes do not: how many there are (nothing else binds root without control
    groups), their memory together, and what is written into the folder that the grader shares with them.

    Parameters
    ----------
    process : the sandbox
    shared : the folder that it shares with the grader; None for a submission that was forked in it, of which only the
        processes that are apart are looked at
    end : how to end it, if not by killing the process
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        limits: Limits,
        shared: Path | None,
        end: Callable[[], None] | None = None,
    ) -> None:
        self.reason = ""
        self._process, self._limits, self._shared = process, limits, shared
        self._kill = end or process.kill
        self._ends = time.monotonic() + limits.wall_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self, reason: str) -> None:
        """End the sandbox, and every process in it, for a reason."""
        self.reason = self.reason or reason
        with contextlib.suppress(OSError):
            self._kill()

    def close(self) -> None:
        """Watch no longer."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_POLL_S) and self._process.poll() is None:
            if found := self._excess():
                self.end(found)

    def _excess(self) -> str:
        limits = self._limits
        family = _family(self._process.pid, limits.processes)
        if self._shared is None:
            family = [pid for pid in family if _is_apart(pid)]
        counts = [_status(pid) for pid in family]
        if time.monotonic() > self._ends:
            return f"it ran for more than {limits.wall_s} seconds"
        if sum(threads for threads, _ in counts) > limits.processes + _BUBBLEWRAPS_OWN:
            return f"it started more than {limits.processes} processes and threads"
        if sum(memory for _, memory in counts) > limits.memory_mib * MIB:
            return f"it used more than {limits.memory_mib} MiB of memory"
        if self._shared and (_shared_too_much(self._shared) or any(_files_of(pid) > MOST_FILES for pid in family[-1:])):
            return "it wrote too many files, or where nothing is to be written"
        return ""


def _is_apart(pid: int) -> bool:
    """Whether a process of a sandbox is in a namespace of its own there, and not the one that only holds its place."""
    numbers, own = (_field(who, "NSpid").split() for who in (pid, "self"))
    return len(numbers) == len(own) + 2 and numbers[-1] != "1"


def _field(who: int | str, name: str) -> str:
    return dict(line.split(":", 1) for line in _lines(Path(f"/proc/{who}/status"))).get(name, "")


def _family(pid: int, most: int) -> list[int]:
    """A process and its descendants; no more than a few beyond `most` of them."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += map(int, _words(str(task)))
        if len(found) > most + 2 * (_BUBBLEWRAPS_OWN + ZYGOTES_OWN):  # more than is allowed are apart then, in any case
            break
    return found


def _status(pid: int) -> tuple[int, int]:
    """A process's threads, and the bytes of memory that are its own."""
    fields = dict(line.split(":", 1) for line in _lines(Path(f"/proc/{pid}/status")))
    kib = sum(int(fields.get(name, "0 kB").split()[0]) for name in ("RssAnon", "RssShmem"))
    return int(fields.get("Threads", 0)), kib * 1024


def _shared_too_much(folder: Path) -> bool:
    entries = list(os.scandir(folder))
    return len(entries) > _MOST_SOCKETS or any(entry.is_file(follow_symlinks=False) for entry in entries)


def _files_of(pid: int) -> int:
    """How many files there are in a process's /tmp."""
    try:
        system = os.statvfs(f"/proc/{pid}/root/tmp")
    except OSError:
        return 0
    return system.f_files - system.f_ffree
