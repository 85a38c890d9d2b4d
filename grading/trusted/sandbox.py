"""The sandbox around a submission's kernel: bubblewrap, without network, with a view of only what a kernel needs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import autodiff
import grading
from grading.trusted import seccomp
from grading.trusted.limits import MIB, Limits

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/fonts")


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

    def make(self) -> None:
        """Make the folders that must be there before the kernel starts."""
        for folder in (self.work, self.home, self.shared):
            folder.mkdir()


def sandbox_command(folders: Folders, limits: Limits, filter_fd: int, command: list[str]) -> list[str]:
    """`command` as it runs inside, under the filter of system calls that `filter_fd` is open for reading.

    What is written inside stays in memory, up to the limit; nothing of it is left when the command ends.
    """
    disk = limits.disk_mib * MIB
    given = sum(path.stat().st_size for path in folders.work.rglob("*") if path.is_file())
    start = 'cp -r "$0/." . ; exec "$@"'
    return [
        *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
        *("--hostname", "sandbox", "--seccomp", str(filter_fd)),
        *_each("--ro-bind-try", (*_SYSTEM, *_SYSTEM_FILES)),
        *("--proc", "/proc", "--dev", "/dev", "--size", str(disk), "--tmpfs", "/dev/shm"),
        *("--size", str(disk + given), "--tmpfs", "/tmp"),
        *_each("--ro-bind", _readable()),
        *("--dir", str(folders.work), "--dir", str(folders.home)),
        *("--ro-bind", str(folders.work), str(_given(folders)), "--bind", str(folders.shared), str(folders.shared)),
        *_each("--ro-bind-try", (folders.connection_file, folders.channel)),
        *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(folders.work)),
        *("--unsetenv", "JPY_PARENT_PID"),  # outside its own process namespace the kernel would think it an orphan
        *("sh", "-c", start, str(_given(folders)), *limits.command(), *command),
    ]


def _given(folders: Folders) -> Path:
    """Where what was handed in is seen inside, as it was."""
    return folders.scratch / "given"


def _each(option: str, paths: Iterable[str | Path]) -> list[str]:
    return [argument for path in paths for argument in (option, str(path), str(path))]


def _readable() -> list[Path]:
    """The interpreter, its packages, and our two packages: not the course around them."""
    prefixes = [Path(sys.base_prefix), Path(sys.prefix)]
    inside = [path for path in own_packages() if not any(path.is_relative_to(prefix) for prefix in prefixes)]
    return [path for path in dict.fromkeys([*prefixes, *inside]) if not str(path).startswith(_SYSTEM[0] + "/")]


def own_packages() -> list[Path]:
    """The folders of our two packages, as this process has them."""
    return [Path(module.__path__[0]).resolve() for module in (autodiff, grading)]


@cache
def unavailable_reason() -> str:
    """Why no sandbox can be had here, in one line; empty if one can."""
    if sys.platform != "linux":
        return f"the sandbox needs Linux, this is {sys.platform}; grade in a Linux machine or container"
    for tool, package in (("bwrap", "bubblewrap"), ("prlimit", "util-linux")):
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
