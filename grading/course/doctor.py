"""What this computer has of what the course needs, and the command that gets the rest."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from grading.trusted.kernel import OwnKernelManager, scratch_folders
from grading.trusted.limits import Limits
from grading.trusted.sandbox import unavailable_reason
from grading.trusted.warm import ready_zygote, slow_because

_KERNEL_S = 60
_STUDENT = ("numpy", "jupyterlab", "ipykernel", "matplotlib", "networkx")
_WITNESS = ("torch", "array-api-compat")
_GRADER = ("nbgrader", "jupytext", "rich", "jinja2")
_OLDEST = (3, 11)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: whether it is there, what was found, and the command that mends it."""

    state: Literal["ok", "missing", "optional"]
    what: str
    found: str
    mend: str = ""

    def __str__(self) -> str:
        mend = f"\n{'':11}{self.mend}" if self.mend else ""
        return f"{self.state:<9}  {self.what}: {self.found}{mend}"


def examine(folder: Path, grader: bool) -> Iterator[Finding]:
    """Look at one thing after another; with `grader` also at what marking needs."""
    yield _python()
    yield from (_package(name, "pip install gradsheet", "missing") for name in _STUDENT)
    yield from (_package(name, "pip install 'gradsheet[witness]'", "optional") for name in _WITNESS)
    yield _writable(folder)
    yield _kernel()
    if grader:
        yield from (_package(name, "pip install 'gradsheet[grader]'", "missing") for name in _GRADER)
        yield _sandbox()


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= _OLDEST:
        return Finding("ok", "Python", version)
    return Finding("missing", "Python", f"{version} is too old", "install Python 3.11 or newer")


def _package(name: str, mend: str, otherwise: Literal["missing", "optional"]) -> Finding:
    try:
        return Finding("ok", name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        why = "not installed; one witness less" if otherwise == "optional" else "not installed"
        return Finding(otherwise, name, why, mend)


def _writable(folder: Path) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Finding("ok", "folder", f"{folder} can be written")
    except OSError as error:
        return Finding("missing", "folder", f"{folder} cannot be written: {error.strerror}", "go to another folder")


def _kernel() -> Finding:
    """Start a kernel and let it say something: what Jupyter does for every notebook."""
    start = time.perf_counter()
    try:
        asyncio.run(_ask_a_kernel())
    except Exception as error:  # whatever keeps a kernel from starting
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Finding("missing", "kernel", f"does not start: {why}", "pip install --force-reinstall ipykernel")
    return Finding("ok", "kernel", f"starts and imports the course in {time.perf_counter() - start:.1f} s")


async def _ask_a_kernel() -> None:
    with scratch_folders() as folders:
        manager = OwnKernelManager(folders)
        await manager.start_kernel(cwd=os.getcwd())
        client = manager.client()
        try:
            client.start_channels()
            await client.wait_for_ready(timeout=_KERNEL_S)
            reply = await client.execute_interactive("import grading.notebook", timeout=_KERNEL_S, output_hook=_unheard)
            if reply["content"]["status"] != "ok":
                raise ImportError(f"it cannot import the course: {reply['content'].get('evalue', '')}")
        finally:
            client.stop_channels()
            await manager.shutdown_kernel(now=True)


def _unheard(message: Any) -> None:
    """What the kernel tells on the way is of no interest."""


def _sandbox() -> Finding:
    reason = unavailable_reason()
    if reason:
        return Finding("missing", "sandbox", reason)  # it says itself what to do
    if ready_zygote(Limits(), ()) is None:
        return Finding("optional", "sandbox", f"submissions run in it, each in a kernel of its own: {slow_because()}")
    return Finding("ok", "sandbox", "submissions run in it, forked from one process")
