"""A command that runs where a submission runs, without a notebook around it."""

import contextlib
import subprocess
import tempfile

from grading.trusted import seccomp
from grading.trusted.kernel import kernel_environment, scratch_folders
from grading.trusted.limits import Limits
from grading.trusted.sandbox import sandbox_command

TIGHT = Limits(memory_mib=512, processes=20, open_files=40, disk_mib=8, cpu_s=1, wall_s=4)


@contextlib.contextmanager
def started(*command, limits=TIGHT, given=None, before=(), hidden=()):
    """A command inside, under way; ended at the latest when the block ends. `given` are files that lie there."""
    with scratch_folders() as folders, tempfile.TemporaryFile() as program:
        for name, text in (given or {}).items():
            (folders.work / name).write_text(text)
        program.write(seccomp.program())
        program.seek(0)
        words = [*before, *sandbox_command(folders, limits, program.fileno(), list(command), hidden)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "pass_fds": [program.fileno()]}
        process = subprocess.Popen(words, env=kernel_environment(folders), start_new_session=True, **pipes)
        try:
            yield process, folders
        finally:
            process.kill()
            process.communicate()


def inside(*command, **options):
    """What became of a command inside: its exit status, and what it printed."""
    with started(*command, **options) as (process, _):
        out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, out.decode(), err.decode())
