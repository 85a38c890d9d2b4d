"""Sets a process apart from the one it was forked from: namespaces, mounts, rights and limits of its own."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NEW_MOUNTS, _NEW_IPC, _NEW_USER, _NEW_PIDS = 0x20000, 0x08000000, 0x10000000, 0x20000000
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_PROGRAMS = 1, 2, 4, 8
_AGAIN, _BIND, _ALL_BELOW, _PRIVATE = 32, 4096, 16384, 2**18
_PDEATHSIG, _DUMPABLE, _SECCOMP, _DROP_BOUND, _NO_NEW_PRIVILEGES = 1, 4, 22, 24, 38
_FILTER = 2
_CAPABILITIES_3 = 0x20080522
_FILE_CAPABILITIES, _LAST_CAPABILITY = 31, 63
_KILL = 9
# What bubblewrap too covers in /proc: a process with root's number may write there without any rights.
_COVERED = ("sys", "sysrq-trigger", "irq", "bus")

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Room:
    """Where a submission finds its things, and how much room it has.

    `given` and `desk` are seen by the zygote: what was handed in, and the socket of the answer channel. `work`, `home`
    and `channel` are where the submission finds them; `home` is also the zygote's own, and is copied.
    """

    given: str
    desk: str
    work: str
    home: str
    channel: str
    disk: int
    files: int


def die_with(parent: int) -> None:
    """End this process when its parent ends."""
    _checked(_libc.prctl(_PDEATHSIG, _KILL, 0, 0, 0), "prctl")
    if os.getppid() != parent:
        os._exit(1)


def set_readable(readable: bool) -> None:
    """Whether other processes of the same user may look into this one, and at its open files."""
    _checked(_libc.prctl(_DUMPABLE, int(readable), 0, 0, 0), "prctl")


def prepare() -> None:
    """Done once by the process that others are set apart from: what it may do afterwards is what `leave` needs.

    Bubblewrap covers parts of /proc if it was started by root; Linux then lets nobody mount another one. Root's number
    can be had in a new namespace only by who may give files capabilities.
    """
    if os.getuid() == 0:
        _mount("proc", "/proc", "proc", _NO_SUID | _NO_DEVICES | _NO_PROGRAMS)
        _keep_capabilities(1 << _FILE_CAPABILITIES)


def leave() -> None:
    """Leave the user, mount and IPC namespaces; what is forked from now on has a process namespace of its own.

    Raises
    ------
    OSError : this machine does not let a sandbox have namespaces inside
    """
    user, group = os.getuid(), os.getgid()
    _checked(_libc.unshare(_NEW_USER | _NEW_MOUNTS | _NEW_PIDS | _NEW_IPC), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path(f"/proc/self/{name}").write_text(text)


def furnish(room: Room) -> None:
    """Mount private folders over all that can be written, with what was handed in; called by the namespace's first.

    Raises
    ------
    OSError : something cannot be mounted
    """
    _mount("none", "/", "", _ALL_BELOW | _PRIVATE)
    given, desk, home = (os.open(path, os.O_PATH) for path in (room.given, room.desk, room.home))
    shared = [str(folder) for folder in Path(room.given).parents]
    kept = {path: os.open(path, os.O_PATH) for path in _mounted_below("/tmp") if path not in shared}
    most = f"nr_inodes={room.files},mode=755"
    size = room.disk + sum(path.stat().st_size for path in Path(room.given).rglob("*") if path.is_file())
    _mount("tmpfs", "/tmp", "tmpfs", _NO_SUID | _NO_DEVICES, f"size={size},{most}")
    for path, opened in kept.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if os.path.isdir(f"/proc/self/fd/{opened}"):
            Path(path).mkdir()
        else:
            Path(path).touch()
        _mount(f"/proc/self/fd/{opened}", path, "", _BIND | _ALL_BELOW)
    _mount("tmpfs", "/dev/shm", "tmpfs", _NO_SUID | _NO_DEVICES, f"size={room.disk},{most}")
    _mount("proc", "/proc", "proc", _NO_SUID | _NO_DEVICES | _NO_PROGRAMS)
    for name in _COVERED:
        if os.path.exists(f"/proc/{name}"):
            _mount(f"/proc/{name}", f"/proc/{name}", "", _BIND | _ALL_BELOW)
            flags = _BIND | _AGAIN | _READ_ONLY | _NO_SUID | _NO_DEVICES | _NO_PROGRAMS
            _mount("none", f"/proc/{name}", "", flags)
    # who alters this one, such as its mode, would alter it for every later submission; terminals are had all the same
    _mount("none", "/dev/pts", "", _BIND | _AGAIN | _READ_ONLY | _NO_SUID | _NO_PROGRAMS)
    shutil.copytree(f"/proc/self/fd/{home}", room.home)
    shutil.copytree(f"/proc/self/fd/{given}", room.work)
    Path(room.channel).touch()
    _mount(f"/proc/self/fd/{desk}", room.channel, "", _BIND)
    for opened in (given, desk, home, *kept.values()):
        os.close(opened)


def _mounted_below(folder: str) -> list[str]:
    """What is mounted below a folder, such as the interpreter, without what is mounted below that again."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    found: list[str] = []
    for place in sorted(_unescaped(line.split()[4]) for line in lines):
        if place.startswith(f"{folder}/") and not any(place.startswith(f"{upper}/") for upper in found):
            found.append(place)
    return found


def _unescaped(path: str) -> str:
    return re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), path)


def give_up_rights() -> None:
    """No capability is left, and none can be had again."""
    for number in range(_LAST_CAPABILITY + 1):
        _libc.prctl(_DROP_BOUND, number, 0, 0, 0)  # Linux knows fewer than there may be
    _checked(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")
    _keep_capabilities(0)


def _keep_capabilities(mask: int) -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_3, 0)
    _checked(_libc.capset(header, (ctypes.c_uint32 * 6)(mask, mask)), "capset")


def hold_to(limits: Mapping[str, int]) -> None:
    """Hold this process, and each that it starts, to limits by their names in `resource` without the prefix."""
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name.upper()}"), (value, value))
    with contextlib.suppress(OSError):  # of all that share a control group this one is the first to be ended
        Path("/proc/self/oom_score_adj").write_text("1000")


def filter_calls(program: bytes) -> None:
    """Put a filter over this process's system calls, and over those of each that it starts."""

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    given = Program(len(program) // 8, program)
    _checked(_libc.prctl(_SECCOMP, _FILTER, ctypes.byref(given), 0, 0), "seccomp")


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    words = [word.encode() or None for word in (source, target, kind)]
    status = _libc.mount(*words, ctypes.c_ulong(flags), options.encode() or None)
    _checked(status, f"mounting {target}")


def _checked(status: Any, what: str) -> None:
    if status != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def close_all_but(kept: set[int]) -> None:
    """Close every open file of this process but these, and the three every process has."""
    for number in sorted(map(int, os.listdir("/proc/self/fd"))):
        if number > sys.stderr.fileno() and number not in kept:
            with contextlib.suppress(OSError):
                os.close(number)
