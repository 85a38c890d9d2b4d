"""A notebook that is run by itself goes on after `exit`, and prints where it can be seen."""

import io
import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell

from grading.notebook.steady import START, steady


def started(monkeypatch):
    """A shell that prints into streams of its own."""
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    shell = InteractiveShell()
    left = []
    shell.ask_exit = lambda: left.append(True)
    shell.left = left
    steady(shell)
    return shell


def test_exit_is_none(monkeypatch):
    shell = started(monkeypatch)
    for code in ("exit", "exit()", "quit()", "get_ipython().ask_exit()"):
        shell.run_cell(code)
    assert shell.left == []
    assert shell.run_cell("1 + 1").result == 2


@pytest.mark.parametrize("code", ["sys.stdout = None", "sys.stdout = open('x', 'w'); sys.stdout.close()"])
def test_a_stream_that_cannot_be_used_is_put_back(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shell = started(monkeypatch)
    stream = sys.stdout
    shell.run_cell(f"import sys\n{code}")
    assert sys.stdout is stream


def test_a_stream_of_ones_own_stays(monkeypatch):
    shell = started(monkeypatch)
    shell.run_cell("import io, sys\nmine = sys.stdout = io.StringIO()\nprint('mine')")
    assert sys.stdout is shell.user_ns["mine"]
    assert sys.stdout.getvalue() == "mine\n"


def test_a_kernel_is_started_with_it(monkeypatch):
    shell = started(monkeypatch)
    shell.events.unregister("post_run_cell", shell.events.callbacks["post_run_cell"][-1])
    names = dict(shell.user_ns)
    shell.run_cell(START, store_history=False)
    shell.run_cell("sys = __import__('sys'); sys.stderr = None", store_history=False)
    assert sys.stderr is not None
    assert set(shell.user_ns) - set(names) <= {"sys"}
