"""The kernel that a submission runs in: our own interpreter, a private folder, and the sandbox around both."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Any as AnyTrait
from traitlets import Bool

from grading.notebook.session import CHANNEL_VARIABLE
from grading.trusted.sandbox import own_packages, sandbox_command

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ")


class SandboxProvisioner(LocalProvisioner):
    """Starts a kernel inside the sandbox. Registered with Jupyter as `gradsheet-sandbox`."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Launch the kernel's command in its manager's scratch folder, inside the sandbox unless that is off."""
        manager = self.parent
        if not isinstance(manager, SubmissionKernelManager):
            raise TypeError(
                f"{type(manager).__name__} cannot use gradsheet-sandbox; it serves gradsheet's marking only"
            )
        kwargs |= {
            "cwd": str(manager.scratch / "work"),
            "env": _environment(manager.scratch),
            "stdout": subprocess.DEVNULL,  # what a notebook prints comes over its sockets
            "stderr": subprocess.DEVNULL,
        }
        command = sandbox_command(manager.scratch, cmd) if manager.sandboxed else cmd
        return await super().launch_kernel(command, **kwargs)


class OwnKernelManager(AsyncKernelManager):
    """Starts this interpreter's own kernel, whatever a notebook or the machine's kernel specs name.

    It is talked to over sockets in its scratch folder: no other user can listen, and a kernel without network has no
    ports.
    """

    scratch = AnyTrait()
    provisioner_name = "local-provisioner"

    def __init__(self, scratch: Path, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scratch = scratch
        self.transport = "ipc"
        self.ip = str(scratch / "kernel")
        self.connection_file = str(scratch / "connection.json")

    @property
    def kernel_spec(self) -> KernelSpec:
        """The kernel of the interpreter that runs this."""
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python 3",
            language="python",
            interrupt_mode="message",  # a signal would end the sandbox instead of the running cell
            metadata={"kernel_provisioner": {"provisioner_name": self.provisioner_name}},
        )


class SubmissionKernelManager(OwnKernelManager):
    """A kernel for a submission, in the sandbox unless that was switched off."""

    provisioner_name = "gradsheet-sandbox"
    sandboxed = Bool(True)

    def __init__(self, scratch: Path, sandboxed: bool, **kwargs: Any) -> None:
        super().__init__(scratch, **kwargs)
        self.sandboxed = sandboxed


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A private folder for the sockets of one kernel, gone afterwards."""
    # in /tmp, wherever TMPDIR points: the path of a socket must stay short
    name = tempfile.mkdtemp(prefix="gradsheet-", dir="/tmp")
    try:
        yield Path(name)
    finally:
        subprocess.run(["rm", "-rf", name], check=False)  # however deep a submission made its folders


@contextmanager
def submission_folder() -> Iterator[Path]:
    """A scratch folder with two empty folders in it: `work`, where the notebook runs, and `home`."""
    with scratch_folder() as scratch:
        (scratch / "work").mkdir()
        (scratch / "home").mkdir()
        yield scratch


def channel_path(scratch: Path) -> Path:
    """Where the answer channel's socket lies."""
    return scratch / "answers"


def _environment(scratch: Path) -> dict[str, str]:
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    home = str(scratch / "home")
    return passed | {
        "HOME": home,
        "TMPDIR": home,
        "IPYTHONDIR": f"{home}/.ipython",
        "PYTHONDONTWRITEBYTECODE": "1",
        # the very packages that mark, even where the current folder has a copy of its own
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(str(path.parent) for path in own_packages())),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        CHANNEL_VARIABLE: str(channel_path(scratch)),
    }
