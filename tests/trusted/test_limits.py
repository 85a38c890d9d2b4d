"""No more of the machine than a submission may use; each limit holds, and is what holds."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from confined import TIGHT, inside, started
from needs import needs_sandbox

from grading.trusted import limits as module
from grading.trusted.limits import MIB, Limits, Watch, control_groups

GENEROUS = Limits(memory_mib=4096, processes=200, open_files=1000, disk_mib=100, cpu_s=60)
GREEDY = {
    "memory": "x = bytearray(600 * 2**20)",
    "memory of mappings": "import mmap; mmap.mmap(-1, 600 * 2**20)",
    "open files": "files = [open('/dev/null') for _ in range(60)]",
    "a large file": "open('large', 'wb').write(bytes(20 * 2**20))",
    "many files": "[open(f'part-{n}', 'wb').write(bytes(2**20)) for n in range(20)]",
    "shared memory": "[open(f'/dev/shm/part-{n}', 'wb').write(bytes(2**20)) for n in range(20)]",
    "processor time": "import time\nwhile time.process_time() < 1.5: pass",
    "half of it in a process each": (
        "import os, time\nfor _ in range(2):\n    if os.fork() == 0: break\nwhile time.process_time() < 1.5: pass"
    ),
}


@pytest.fixture(autouse=True)
def sandboxed():
    needs_sandbox()


@pytest.mark.parametrize("script", GREEDY.values(), ids=GREEDY)
def test_a_limit_holds_and_is_what_holds(script):
    assert inside(sys.executable, "-c", script).returncode != 0
    assert inside(sys.executable, "-c", script, limits=GENEROUS).returncode == 0


def test_running_out_of_memory_is_an_exception_that_code_survives():
    script = "try:\n    bytearray(600 * 2**20)\nexcept MemoryError:\n    print('went on')"
    assert inside(sys.executable, "-c", script).stdout == "went on\n"


def test_nothing_can_be_written_but_in_ones_own_folders():
    script = (
        "import os, tempfile\n"
        "for place in ('.', '/tmp', '/dev/shm', '/', '/dev', '/usr', '/var', '/home', '../shared/..'):\n"
        "    try:\n        open(os.path.join(place, 'x'), 'w').close(); print(place)\n    except OSError: pass"
    )
    written = inside(sys.executable, "-c", script).stdout.split()
    assert written[:3] == [".", "/tmp", "/dev/shm"]
    assert set(written[3:]) <= {"../shared/.."}  # the submission's own /tmp again


def test_what_was_handed_in_is_there_and_can_be_written_over():
    script = "print(open('data.txt').read()); open('data.txt', 'w').write('mine'); print(open('data.txt').read())"
    with started(sys.executable, "-c", script, given={"data.txt": "handed in"}) as (process, folders):
        out, _ = process.communicate(timeout=60)
        assert out.split() == [b"handed", b"in", b"mine"]
        assert (folders.work / "data.txt").read_text() == "handed in"


def test_what_was_handed_in_leaves_room_to_write():
    script = "open('more', 'wb').write(bytes(6 * 2**20))"
    run = inside(sys.executable, "-c", script, given={f"part-{n}": "x" * 7 * MIB for n in range(3)})
    assert run.returncode == 0, run.stderr


# --- the filter of system calls ----------------------------------------------------------------------------------

CALLS = {
    "ptrace": "ctypes.CDLL(None, use_errno=True).ptrace(0, 0, 0, 0)",
    "another namespace": "ctypes.CDLL(None, use_errno=True).unshare(0x10000000)",
    "memory nobody counts": "os.memfd_create('x')",
    "shared memory of System V": "ctypes.CDLL(None, use_errno=True).shmget(0, 4096, 0o1600)",
    "a mount": "ctypes.CDLL(None, use_errno=True).mount(b'none', b'/tmp', b'tmpfs', 0, None)",
    "another root": "os.chroot('/tmp')",
    "sockets to the host of a virtual machine": "socket.socket(40, socket.SOCK_STREAM)",
    "sockets to the kernel's cryptography": "socket.socket(38, socket.SOCK_SEQPACKET)",
    "raw packets": "socket.socket(17, socket.SOCK_RAW)",
    "netlink beyond the list of interfaces": "socket.socket(16, socket.SOCK_RAW, 9)",
    "typing into a terminal": "fcntl.ioctl(0, 0x5412, b'x')",
    "another machine personality": "ctypes.CDLL(None, use_errno=True).personality(8)",
    "the kernel's keys": "ctypes.CDLL(None, use_errno=True).syscall({keyctl}, 0, 0, 0, 0, 0)",
}
CALL = """
import ctypes, fcntl, os, socket
try:
    status = {call}
except OSError as error:
    print(error.errno)
else:
    print(ctypes.get_errno() if status == -1 else "done")
"""
KEYCTL = {"x86_64": 250, "aarch64": 219}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_system_call_is_refused(call):
    call = call.format(keyctl=KEYCTL.get(os.uname().machine, 0))
    assert inside(sys.executable, "-c", CALL.format(call=call)).stdout.strip() in ("1", "38", "97")  # EPERM, ENOSYS ...


WORKS = {
    "threads": "import threading; t = threading.Thread(target=print, args=['done']); t.start(); t.join()",
    "subprocesses": "import subprocess; print(subprocess.run(['echo', 'done'], capture_output=True, text=True).stdout)",
    "workers": "import multiprocessing as m; print(m.get_context('fork').Pool(2).map(str, ['done'])[0])",
    "temporary files": "import tempfile; tempfile.TemporaryFile().write(b'x'); print('done')",
    "products": "import numpy as np; a = np.ones((300, 300)); a @ a; print('done')",
    "sockets": "import socket; a, b = socket.socketpair(); a.send(b'x'); b.recv(1); print('done')",
    "a loop of events": "import asyncio; asyncio.run(asyncio.sleep(0)); print('done')",
}


@pytest.mark.parametrize("script", WORKS.values(), ids=WORKS)
def test_what_honest_code_does_goes_on_working(script):
    run = inside(sys.executable, "-c", script)
    assert run.stdout.strip() == "done", run.stderr


# --- the watch ---------------------------------------------------------------------------------------------------

SPAWNS = "import os, time\nwhile os.fork() == 0: pass\ntime.sleep(60)"
WATCHED = {
    "processes": ("import os, time\nfor _ in range(40):\n    if os.fork() == 0: break\ntime.sleep(60)", "processes"),
    "threads": (
        "import threading, time\nthreading.stack_size(2**16)\n"
        "for _ in range(40): threading.Thread(target=time.sleep, args=[60]).start()",
        "processes",
    ),
    "memory of many": (
        "import os, time\nfor _ in range(3):\n    if os.fork() == 0: break\n"
        "x = bytearray(b'x') * (200 * 2**20)\ntime.sleep(60)",
        "memory",
    ),
    "time": ("import time; time.sleep(60)", "4 seconds"),
    "writing where the grader reads": ("import time; open('../shared/x', 'w'); time.sleep(60)", "to be written"),
    "sockets without end": (
        "import socket, time\nfor n in range(40): socket.socket(socket.AF_UNIX).bind(f'../shared/{n}')\ntime.sleep(60)",
        "too many files",
    ),
    "files without end": ("import time\nfor n in range(30_000): open(str(n), 'w')\ntime.sleep(60)", "too many files"),
}


@pytest.mark.parametrize(("script", "reason"), WATCHED.values(), ids=WATCHED)
def test_the_watch_ends_what_goes_too_far(monkeypatch, script, reason):
    monkeypatch.setattr(module, "_COUNTED_PER_NAMESPACE", (99, 0))  # or an unprivileged user could not even start them
    with started(sys.executable, "-c", script) as (process, folders):
        watch = Watch(process, TIGHT, folders.shared)
        process.wait(timeout=30)
        watch.close()
    assert process.returncode == -9
    assert reason in watch.reason


def test_the_watch_lets_alone_what_keeps_to_its_limits():
    with started(sys.executable, "-c", "import time; time.sleep(1)") as (process, folders):
        watch = Watch(process, TIGHT, folders.shared)
        assert process.wait(timeout=30) == 0
        watch.close()
    assert watch.reason == ""


def test_a_bomb_of_processes_leaves_nothing():
    mark = "86396.75"
    script = f"import os\nwhile True:\n    if os.fork() == 0: os.execvp('sleep', ['sleep', '{mark}'])"
    with started(sys.executable, "-c", script) as (process, folders):
        watch = Watch(process, TIGHT, folders.shared)
        process.wait(timeout=30)
        watch.close()
    time.sleep(0.2)
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if mark.encode() in _read(path)]
    assert left == []


def _read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


# --- control groups ----------------------------------------------------------------------------------------------


def in_group(script):
    with control_groups(TIGHT) as words:
        if not words:
            pytest.skip("no control groups may be made here")
        return inside(sys.executable, "-c", script, before=words)


def test_a_group_counts_the_processes():
    made = "import os, time\nn = 0\ntry:\n    for n in range(40):\n        if os.fork() == 0: time.sleep(60)\n"
    run = in_group(made + "except OSError: print('refused')")
    assert run.stdout == "refused\n"


def test_a_group_counts_the_memory_of_all():
    script = (
        "import os\nchildren = []\nfor _ in range(3):\n    children.append(os.fork())\n"
        "    if not children[-1]:\n        x = bytearray(b'x') * (300 * 2**20); os._exit(0)\n"
        "print([os.waitpid(child, 0)[1] for child in children])"
    )
    alone = inside(sys.executable, "-c", script)
    assert alone.stdout.strip() == "[0, 0, 0]"
    slow = script.replace("os._exit(0)", "__import__('time').sleep(1); os._exit(0)")
    assert in_group(slow).stdout.strip() != "[0, 0, 0]"


def test_a_group_is_gone_afterwards():
    with control_groups(TIGHT) as words:
        inside("sleep", "0", before=words)
    assert not list(Path("/sys/fs/cgroup").rglob(f"gradsheet-{os.getpid()}-*"))


@pytest.mark.parametrize("counting", ["/sys/fs/cgroup/user/app", "/sys/fs/cgroup/user/app/terminal"])
def test_of_version_2_a_group_beside_or_below_ones_own_is_used(monkeypatch, counting):
    said = {"/proc/self/cgroup": ["0::/user/app/terminal"], f"{counting}/cgroup.subtree_control": ["cpu memory pids"]}
    monkeypatch.setattr(module, "_lines", lambda path: said.get(str(path), []))
    ((place, settings),) = module._places(TIGHT)
    assert str(place) == counting
    assert settings == {"memory.max": 520 * MIB, "memory.swap.max": 0, "pids.max": 23}


def test_without_delegation_there_is_no_place(monkeypatch):
    monkeypatch.setattr(module, "_lines", lambda path: ["0::/user"] if "proc" in str(path) else ["cpu"])
    assert list(module._places(TIGHT)) == []


def test_without_groups_there_are_no_words(monkeypatch):
    monkeypatch.setattr(module, "_places", lambda limits: iter([(Path("/proc/nowhere"), {})]))
    with control_groups(TIGHT) as words:
        assert words == []


# --- another user ------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_user_without_rights_has_the_same_sandbox(tmp_path):
    if shutil.which("setpriv") is None:
        pytest.skip("no setpriv")
    here = Path(__file__).parent
    script = (
        f"import sys; sys.path[:0] = {[str(here), str(here.parent), str(here.parent.parent)]}\n"
        "from confined import inside\n"
        "run = inside('sh', '-c', 'id -u; touch /usr/x; for n in $(seq 40); do sleep 9 & done')\n"
        "print(run.stdout, run.stderr)"
    )
    words = ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", sys.executable, "-c", script]
    run = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    if "No module named" in run.stderr or "Permission denied" in run.stderr:
        pytest.skip("another user cannot read this folder")
    assert run.stdout.startswith("12345"), run.stdout + run.stderr
    assert "Read-only file system" in run.stdout
    assert "Cannot fork" in run.stdout
