"""A master's code, run in this interpreter's own kernel."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from grading.course.master import BuildError
from grading.notebook.state import NOTES_VARIABLE
from grading.trusted.kernel import OwnKernelManager, scratch_folders
from grading.trusted.sandbox import Folders

# so many sheets run at once as there are processes, and sums are taken in the same order everywhere
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class _SolutionRun(NotebookClient):
    """Runs a solution in this interpreter's own kernel."""

    folders: Folders

    def create_kernel_manager(self) -> OwnKernelManager:
        self.km = OwnKernelManager(self.folders)
        return self.km


def execute(notebook: NotebookNode, folder: Path) -> None:
    """Run a solution in its folder, where it leaves nothing behind.

    Raises
    ------
    BuildError : one of its cells fails
    """
    with scratch_folders() as folders:
        run(notebook, folder, folders, {})
    # the exact Python version is the builder's, not the course's
    notebook.metadata["language_info"] = {"name": "python"}


def run(notebook: NotebookNode, folder: Path, scratch: Folders, environment: Mapping[str, str], **hooks: Any) -> None:
    """Run a notebook's cells in `folder`; `hooks` are nbclient's, called before and after each of them.

    Raises
    ------
    BuildError : one of its cells fails
    """
    client = _SolutionRun(
        notebook,
        timeout=120,
        record_timing=False,
        coalesce_streams=True,  # in how many pieces a cell's print arrives is chance
        resources={"metadata": {"path": str(folder)}},
        shutdown_kernel="immediate",
        **hooks,
    )
    client.folders = scratch
    try:
        client.execute(env={**os.environ, **_ONE_THREAD, NOTES_VARIABLE: "off", **environment})
    except CellExecutionError as error:
        complaint = f"{error.ename}: {error.evalue}".splitlines()[0]
        raise BuildError(f"{folder.name}: a cell of the solution fails: {complaint}") from None
