"""The kernel that a submission runs in: our own interpreter, a private folder, and the sandbox around both."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import zmq
import zmq.asyncio
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Any as AnyTrait
from traitlets import Bool, default

from grading.notebook import steady
from grading.notebook.calls import CHANNEL_VARIABLE
from grading.trusted import seccomp
from grading.trusted.limits import MIB, Limits, Watch
from grading.trusted.sandbox import Folders, end_sandboxes, other_packages, own_packages, sandbox_command

LARGEST_MESSAGE = 8 * MIB  # bytes of one message from a kernel
_MOST_UNREAD = 32  # messages
_SCRATCH = Path("/tmp")  # wherever TMPDIR points: the path of a socket must stay short
_PREFIX = "gradsheet-"
STEADY = [f"--IPKernelApp.exec_lines={steady.START}"]  # of every kernel that runs a notebook by itself
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ")


class SandboxProvisioner(LocalProvisioner):
    """Starts a kernel inside the sandbox, and watches it. Registered with Jupyter as `gradsheet-sandbox`."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Launch the kernel's command in its manager's scratch folder, inside the sandbox unless that is off."""
        manager = self.parent
        if not isinstance(manager, SubmissionKernelManager):
            raise TypeError(
                f"{type(manager).__name__} cannot use gradsheet-sandbox; it serves gradsheet's marking only"
            )
        kwargs |= {
            "cwd": str(manager.folders.work),
            "env": kernel_environment(manager.folders),
            "stdout": subprocess.DEVNULL,  # what a notebook prints comes over its sockets
            "stderr": subprocess.DEVNULL,
        }
        if not manager.sandboxed:
            return await super().launch_kernel(cmd, **kwargs)
        with tempfile.TemporaryFile() as program:
            program.write(seccomp.program())
            program.seek(0)
            inside = sandbox_command(manager.folders, manager.limits, program.fileno(), cmd, manager.hidden)
            told = await super().launch_kernel([*manager.group, *inside], pass_fds=[program.fileno()], **kwargs)
        assert self.process is not None  # it was launched just now
        manager.watch = Watch(self.process, manager.limits, manager.folders.shared)
        return told


class OwnKernelManager(AsyncKernelManager):
    """Starts this interpreter's own kernel, whatever a notebook or the machine's kernel specs name.

    It is talked to over sockets in its scratch folder: no other user can listen, and a kernel without network has no
    ports.
    """

    folders = AnyTrait()
    provisioner_name = "local-provisioner"

    def __init__(self, folders: Folders, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folders = folders
        self.transport = "ipc"
        self.ip = str(folders.shared / "kernel")
        self.connection_file = str(folders.connection_file)

    @property
    def kernel_spec(self) -> KernelSpec:
        """The kernel of the interpreter that runs this."""
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", *STEADY],
            display_name="Python 3",
            language="python",
            interrupt_mode="message",  # a signal would end the sandbox instead of the running cell
            metadata={"kernel_provisioner": {"provisioner_name": self.provisioner_name}},
        )


class SubmissionKernelManager(OwnKernelManager):
    """A kernel for a submission, in the sandbox unless that was switched off."""

    provisioner_name = "gradsheet-sandbox"
    sandboxed = Bool(True)
    limits = AnyTrait()
    group = AnyTrait()
    hidden: tuple[str, ...] = ()  # names of modules that it may not have
    watch: Watch | None = None

    def __init__(self, folders: Folders, limits: Limits, group: list[str], sandboxed: bool, **kwargs: Any) -> None:
        super().__init__(folders, **kwargs)
        self.limits, self.group, self.sandboxed = limits, group, sandboxed

    def stop_watching(self) -> None:
        """The kernel is gone: nothing to watch any more."""
        if self.watch:
            self.watch.close()

    @default("context")
    def _bounded(self) -> zmq.asyncio.Context:
        """Sockets that take no message larger than a page may show, and keep few that nobody has read."""
        context = super()._context_default()
        context.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        context.setsockopt(zmq.RCVHWM, _MOST_UNREAD)
        return context


@contextmanager
def scratch_folders() -> Iterator[Folders]:
    """Private folders for one kernel, gone afterwards; those of a grader that was killed are removed too."""
    for abandoned in _SCRATCH.glob(f"{_PREFIX}*"):
        _remove_unless_in_use(abandoned)
    folders, lock = _locked_folders()
    try:
        folders.make()
        yield folders
    finally:
        _remove(folders.scratch)
        lock.close()


def _locked_folders() -> tuple[Folders, TextIO]:
    """New folders and their lock; who cleans up may have taken new ones for abandoned before they were locked."""
    while True:
        folders = Folders(Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_SCRATCH)))
        lock = folders.lock_file.open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folders.lock_file.exists():
            return folders, lock
        lock.close()


def _remove_unless_in_use(scratch: Path) -> None:
    try:
        with Folders(scratch).lock_file.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            end_sandboxes(Folders(scratch))
            _remove(scratch)
    except OSError:
        return  # in use, just being made, or somebody else's


def _remove(scratch: Path) -> None:
    subprocess.run(["rm", "-rf", str(scratch)], check=False)  # however deep a submission made its folders


def kernel_environment(folders: Folders) -> dict[str, str]:
    """The environment of a submission's kernel: nothing of the grader's but the path and the language."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    home = str(folders.home)
    packages = [*(path.parent for path in own_packages()), *other_packages()]
    return passed | {
        "HOME": home,
        "TMPDIR": home,
        "IPYTHONDIR": f"{home}/.ipython",
        "PYTHONDONTWRITEBYTECODE": "1",
        # the very packages that mark, even where the current folder has a copy of its own
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(map(str, packages))),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",  # each arena maps 64 MiB, whether it is used or not
        CHANNEL_VARIABLE: str(folders.channel),
    }
