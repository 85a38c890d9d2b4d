"""The sandbox around a submission's kernel: bubblewrap, without network, with a view of only what a kernel needs."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import autodiff
import grading
from grading.trusted import seccomp
from grading.trusted.limits import MIB, Limits

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/fonts")
_INSIDE = Path(__file__).parent / "inside"
_DEVICES = "full null random tty urandom zero"  # the machine's own, which bubblewrap's --dev shows inside
_TOOLS = {"bwrap": "bubblewrap", "mount": "mount"} | dict.fromkeys(
    ("flock", "prlimit", "setpriv", "unshare"), "util-linux"
)

WITHOUT_SANDBOX = "marked without the sandbox, where a submission could do anything, to its marks as well"


class SandboxUnavailableError(OSError):
    """No sandbox can be had here; the message says why and what to do."""


@dataclass(frozen=True)
class Folders:
    """Where one submission's things lie, outside and, under the same paths, inside.

    `work` holds what was handed in; inside it is a copy that can be written. `shared` holds the sockets that the
    kernel makes, and is the one folder that is the same on both sides. `home` is there inside alone.
    """

    scratch: Path

    @property
    def work(self) -> Path:
        """Where the notebook runs."""
        return self.scratch / "work"

    @property
    def home(self) -> Path:
        """Its home, and its place for temporary files."""
        return self.scratch / "home"

    @property
    def shared(self) -> Path:
        """The sockets of the kernel."""
        return self.scratch / "shared"

    @property
    def connection_file(self) -> Path:
        """What tells the kernel its sockets."""
        return self.scratch / "connection.json"

    @property
    def channel(self) -> Path:
        """The answer channel's socket."""
        return self.scratch / "answers"

    @property
    def lock_file(self) -> Path:
        """Locked as long as somebody needs the folders."""
        return self.scratch / "lock"

    def make(self) -> None:
        """Make the folders that must be there before the kernel starts."""
        for folder in (self.work, self.home, self.shared):
            folder.mkdir()


def sandbox_command(
    folders: Folders, limits: Limits, filter_fd: int, command: list[str], hidden: Sequence[str] = ()
) -> list[str]:
    """`command` as it runs inside, under the filter of system calls that `filter_fd` is open for reading.

    `hidden` are names of modules that cannot be imported inside. What is written there stays in memory, up to the
    limit; nothing of it is left when the command ends.
    """
    given = sum(path.stat().st_size for path in folders.work.rglob("*") if path.is_file())
    return [
        *_walls(limits.disk_mib * MIB, given, hidden),
        *("--seccomp", str(filter_fd), "--dir", str(folders.work), "--dir", str(folders.home)),
        *("--ro-bind", str(folders.work), str(_given(folders)), "--bind", str(folders.shared), str(folders.shared)),
        *_each("--ro-bind-try", (folders.connection_file, folders.channel, folders.lock_file)),
        *_start(folders, _given(folders), 'cp -r "$0/." . ; exec "$@"'),
        *limits.command(),
        *command,
    ]


def zygote_command(folders: Folders, limits: Limits, command: list[str], hidden: Sequence[str] = ()) -> list[str]:
    """`command` as it runs inside to be forked for one submission after the other, each set apart from it by itself.

    It sees what submissions see, and the folder in which the grader lays out what is for the next one; no filter of
    system calls holds it, or it could not make namespaces for them.
    """
    zygote = [_INSIDE / f"{name}.py" for name in ("__init__", "apart", "cells", "zygote")]
    rights = ("CAP_SYS_ADMIN", "CAP_SETFCAP") if os.getuid() == 0 else ()
    return [
        *_walls(limits.disk_mib * MIB, 0, hidden, zygote),
        *(word for right in rights for word in ("--cap-add", right)),  # within its own namespaces; see `apart.prepare`
        *("--dir", str(folders.work), "--dir", str(folders.home)),
        *("--ro-bind", str(folders.shared), str(folders.shared)),
        *_each("--ro-bind", [folders.lock_file]),
        *_start(folders, folders.work, 'exec "$@"'),
        *command,
    ]


def _walls(disk: int, given: int, hidden: Sequence[str], more: Sequence[Path] = ()) -> list[str]:
    """Bubblewrap with what every sandbox has: no network, no rights, a view of what a notebook needs, and `more`."""
    house = str(own_packages()[1])
    return [
        # first to be ended with the grader, then to see that it still is there: bubblewrap alone leaves a gap
        *("setpriv", "--pdeathsig", "KILL", "sh", "-c", f'[ "$PPID" = {os.getpid()} ] && exec "$@"', "sh"),
        *_guarded_devices(),
        *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "sandbox"),
        *_each("--ro-bind-try", (*_SYSTEM, *_SYSTEM_FILES)),
        *("--proc", "/proc", "--dev", "/dev", "--size", str(disk), "--tmpfs", "/dev/shm"),
        *("--size", str(disk + given), "--tmpfs", "/tmp"),
        *_each("--ro-bind", [*_prefixes(), *other_packages()]),
        *("--tmpfs", house, *_each("--ro-bind", [*_own_files(hidden), *more]), *_hide(hidden), "--remount-ro", house),
    ]


def _guarded_devices() -> list[str]:
    """The words before a command that let it, if it has root's number, use the machine's devices but not alter them.

    Devices are root's own: without any right left it could take them from everybody on the machine (`chmod`), and
    bubblewrap cannot show one read-only. On a read-only mount they are still read and written.
    """
    if os.getuid() != 0:
        return []
    guard = 'mount -n --bind "$d" "$d" && mount -n -o remount,bind,ro "$d" || exit 1'
    return [
        *("unshare", *([] if _may_mount() else ["--user", "--map-root-user"]), "--mount", "--propagation", "private"),
        *("sh", "-c", f'for d in {_DEVICES}; do d="/dev/$d"; {guard}; done; exec "$@"', "sh"),
    ]


@cache
def _may_mount() -> bool:
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


def _start(folders: Folders, place: Path, then: str) -> list[str]:
    # the lock can be had inside only if the grader died while bubblewrap was not yet bound to end with it
    start = f'if flock -n "$0/../lock" true; then exit 1; fi; {then}'
    return [
        *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(folders.work)),
        *("--unsetenv", "JPY_PARENT_PID"),  # outside its own process namespace the kernel would think it an orphan
        *("sh", "-c", start, str(place)),
    ]


def end_sandboxes(folders: Folders) -> None:
    """End what still runs on these folders, whose grader is dead."""
    shared = os.fsencode(folders.shared)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if words[0] == b"bwrap" and shared in words:
                os.kill(int(process.name), signal.SIGKILL)


def _given(folders: Folders) -> Path:
    """Where what was handed in is seen inside, as it was."""
    return folders.scratch / "given"


def _each(option: str, paths: Iterable[str | Path]) -> list[str]:
    return [argument for path in paths for argument in (option, str(path), str(path))]


def _prefixes() -> list[Path]:
    """Where the interpreter and its packages are, beside the system's own."""
    prefixes = dict.fromkeys([Path(sys.base_prefix), Path(sys.prefix)])
    return [path for path in prefixes if not path.is_relative_to(_SYSTEM[0])]


def _own_files(hidden: Sequence[str]) -> list[Path]:
    """What a notebook needs of our two packages: no sheet's declaration, nothing that marks, no course around them."""
    first, house = own_packages()
    seen = [house / "__init__.py", house / "notebook"]
    if first.name in hidden:
        return [*seen, house / "verify" / "respondent.py", house / "verify" / "plain.py"]
    return [*seen, house / "verify", first]


def _hide(hidden: Sequence[str]) -> list[str]:
    """Put what cannot be imported over each module of these names, wherever the interpreter would find it."""
    first, house = own_packages()
    stub = _INSIDE / "hidden"
    arguments = []
    for place in _package_folders():
        for name in filter(str.isidentifier, hidden):
            if (place / name).is_dir():
                arguments += ["--ro-bind", str(stub), str(place / name)]
            for file in (*place.glob(f"{name}.py"), *place.glob(f"{name}.*.so")):
                arguments += ["--ro-bind", str(stub / "__init__.py"), str(file)]
    if first.name in hidden:
        arguments += ["--ro-bind", str(_INSIDE / "exercise.py"), str(house / "verify" / "exercise.py")]
    return arguments


def _package_folders() -> list[Path]:
    prefixes = [sys.base_prefix, sys.prefix, "/usr", "/usr/local"]
    found = {place for prefix in prefixes for place in Path(prefix).glob("lib*/python3*/*-packages")}
    return sorted(found | set(other_packages()))


def other_packages() -> list[Path]:
    """Folders of packages that this process uses beside the interpreter's own, such as a user's."""
    roots = [Path(_SYSTEM[0]), Path(sys.base_prefix), Path(sys.prefix)]
    used = [Path(entry) for entry in sys.path if entry.endswith("-packages") and os.path.isdir(entry)]
    return [path for path in dict.fromkeys(used) if not any(path.is_relative_to(root) for root in roots)]


def own_packages() -> list[Path]:
    """The folders of our two packages, as this process has them."""
    return [Path(module.__path__[0]).resolve() for module in (autodiff, grading)]


@cache
def unavailable_reason() -> str:
    """Why no sandbox can be had here, in one line; empty if one can."""
    if sys.platform != "linux":
        return f"the sandbox needs Linux, this is {sys.platform}; grade in a Linux machine or container"
    for tool, package in (
        ("bwrap", "bubblewrap"),
        ("prlimit", "util-linux"),
        ("setpriv", "util-linux"),
        ("flock", "util-linux"),
    ):
        if shutil.which(tool) is None:
            return f"{package} is not installed; on Debian or Ubuntu: apt-get install {package}"
    if reason := seccomp.unavailable_reason():
        return reason
    trial = subprocess.run(
        ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"], capture_output=True, text=True, check=False
    )
    if trial.returncode == 0:
        return ""
    complaint = (trial.stderr.strip().splitlines() or ["no reason given"])[-1]
    return f"bubblewrap cannot start here ({complaint}); allow unprivileged user namespaces on this machine"


def require_sandbox() -> None:
    """Raise SandboxUnavailableError, in one line that says what to do, unless a sandbox can be had."""
    reason = unavailable_reason()
    if reason:
        raise SandboxUnavailableError(
            f"no sandbox: {reason}. To grade without one: --no-sandbox (submissions can do anything)"
        )
