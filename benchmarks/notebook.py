"""From pressing run to a verdict: the seconds a student waits, measured in a real kernel.

    python -m benchmarks.notebook            the first check after a start, and those after it
    python -m benchmarks.notebook --starts 5

A kernel is started as Jupyter does it. The first cell of sheet 1 is run, then every check of its solution, each twice;
a cell's time is from sending it to the kernel until it says that it is idle. Once with PyTorch and once without, by
turns, since other programs share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat

from grading.course.layout import Course
from grading.notebook.state import NOTES_VARIABLE
from grading.trusted.kernel import OwnKernelManager, scratch_folders

SHEET = "01_chain_rule"
_LIMIT_S = 60
_NO_TORCH = 'raise ImportError("this kernel is to do without")\n'


async def seconds_of_cells(sources: list[str], folder: Path, with_torch: bool) -> list[float]:
    """How long each cell took in a fresh kernel."""
    with tempfile.TemporaryDirectory() as hiding, scratch_folders() as folders:
        environment = os.environ | {NOTES_VARIABLE: "off"}
        if not with_torch:
            (Path(hiding) / "torch.py").write_text(_NO_TORCH)
            environment["PYTHONPATH"] = os.pathsep.join([hiding, *filter(None, [environment.get("PYTHONPATH")])])
        manager = OwnKernelManager(folders)
        await manager.start_kernel(cwd=str(folder), env=environment)
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=_LIMIT_S)
        try:
            return [await seconds_of(client, source) for source in sources]
        finally:
            client.stop_channels()
            await manager.shutdown_kernel(now=True)


async def seconds_of(client: Any, source: str) -> float:
    """The time of one cell, from sending it to the kernel's being idle again."""
    start = time.perf_counter()
    reply = await client.execute_interactive(source, timeout=_LIMIT_S, output_hook=lambda message: None)
    if reply["content"]["status"] != "ok":
        raise RuntimeError(f"a cell fails: {reply['content']['evalue']}")
    return time.perf_counter() - start


def cells_of_a_solution() -> tuple[list[str], list[str]]:
    """The cells of the solution up to the first check, and all cells with a check in them."""
    notebook = nbformat.read(Course.find().solution(SHEET), as_version=4)
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    first = next(number for number, source in enumerate(sources) if source.startswith("check("))
    return sources[:first], sources[first:]


def main() -> None:
    """Measure and print a line per kind of kernel."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=3, help="fresh kernels of each kind")
    options = parser.parse_args()
    before, after = cells_of_a_solution()
    checks = [number for number, source in enumerate(after) if source.startswith("check(")]
    folder = Course.find().solution(SHEET).parent
    found: dict[bool, dict[str, list[float]]] = {
        kind: {"setup": [], "first": [], "later": []} for kind in (True, False)
    }
    for _ in range(options.starts):
        for with_torch, times in found.items():
            taken = asyncio.run(seconds_of_cells([*before, *after, *after], folder, with_torch))
            taken, setup = taken[len(before) :], taken[: len(before)]
            times["setup"].append(sum(setup))
            times["first"].append(taken[0])
            times["later"] += [
                taken[number + shift] for number in checks for shift in (0, len(after)) if number + shift
            ]
    for with_torch, times in found.items():
        later = sorted(times["later"])
        print(
            f"{'with' if with_torch else 'without'} PyTorch: cells before the first check "
            f"{statistics.median(times['setup']):.2f} s, first check {statistics.median(times['first']):.2f} s, "
            f"later ones {statistics.median(later):.3f} s at the median, {later[-1]:.3f} s at most"
        )


if __name__ == "__main__":
    main()
