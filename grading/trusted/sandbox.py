"""The sandbox around a submission's kernel: bubblewrap, without network, with a view of only what a kernel needs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import autodiff
import grading

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/fonts")


class SandboxUnavailableError(OSError):
    """No sandbox can be had here; the message says why and what to do."""


def sandbox_command(scratch: Path, command: list[str]) -> list[str]:
    """`command` as it runs inside: only `scratch` can be written, and it is all that the rest of the machine shares."""
    binds = [argument for path in _readable() for argument in ("--ro-bind", str(path), str(path))]
    optional = [argument for path in (*_SYSTEM, *_SYSTEM_FILES) for argument in ("--ro-bind-try", path, path)]
    return [
        *("bwrap", "--unshare-all", "--die-with-parent", "--cap-drop", "ALL"),
        *optional,
        *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),
        *binds,
        *("--bind", str(scratch), str(scratch), "--chdir", str(scratch / "work")),
        *("--unsetenv", "JPY_PARENT_PID"),  # outside its own process namespace the kernel would think it an orphan
        *command,
    ]


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
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed; on Debian or Ubuntu: apt-get install bubblewrap"
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
