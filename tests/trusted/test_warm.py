"""A submission that is forked from the warm process: apart from it, from other submissions, and from the grader."""

import asyncio
import contextlib
import json
import os
import queue
import socket
import subprocess
import time
from pathlib import Path

import pytest
from needs import needs_sandbox

from grading.trusted import limits
from grading.trusted import warm as module
from grading.trusted.limits import Limits
from grading.trusted.warm import Zygote, ZygoteError, ready_zygote, slow_because

TIGHT = Limits(memory_mib=1024, processes=20, open_files=60, disk_mib=8, cpu_s=20, wall_s=30)


@pytest.fixture(scope="module")
def zygote():
    needs_sandbox()
    try:
        zygote = Zygote(TIGHT, ("torch", "forbidden_things"))
    except ZygoteError as reason:
        pytest.skip(str(reason))
    yield zygote
    zygote.close()


@contextlib.contextmanager
def submitted(zygote, **files):
    """A submission under way, with an answer channel that nobody serves."""
    for name, text in files.items():
        (zygote.given / name).write_text(text)
    with socket.socket(socket.AF_UNIX) as desk:
        desk.bind(str(zygote.desk))
        desk.listen()
        with zygote.submission() as submission:
            yield submission


def cell(submission, code, timeout=20.0):
    """What a cell publishes, message by message, and its reply; None in its place if none came."""

    async def run():
        await submission.execute(code)
        try:
            reply = await submission.shell_channel.get_msg(timeout=timeout)
        except queue.Empty:
            return [], None
        heard = []
        while not heard or heard[-1]["msg_type"] != "status":
            heard.append(await submission.iopub_channel.get_msg(timeout=5))
        return heard, reply["content"]

    return asyncio.run(run())


def printed(submission, code):
    heard, _ = cell(submission, code)
    return "".join(message["content"]["text"] for message in heard if message["msg_type"] == "stream")


def run_one(zygote, code, **files):
    """What one cell prints in a submission of its own."""
    with submitted(zygote, **files) as submission:
        return printed(submission, code)


# --- what it can do ----------------------------------------------------------------------------------------------


def test_cells_run_one_after_the_other_as_in_a_kernel(zygote):
    with submitted(zygote) as submission:
        cell(submission, "a = 20")
        heard, reply = cell(submission, "a + 1")
        assert reply["status"] == "ok"
        results = [message["content"] for message in heard if message["msg_type"] == "execute_result"]
        assert [(result["data"]["text/plain"], result["execution_count"]) for result in results] == [("21", 2)]
        heard, reply = cell(submission, "1 / 0")
        assert (reply["status"], reply["ename"]) == ("error", "ZeroDivisionError")
        assert [message["content"]["ename"] for message in heard if message["msg_type"] == "error"] == [reply["ename"]]
        assert (
            printed(submission, "import os; x = os.system('echo below; echo above >&2'); print('here')").count("e") > 2
        )


def test_what_was_handed_in_is_there_and_can_be_written_over(zygote):
    code = "print(open('data.txt').read()); open('data.txt', 'w').write('mine'); print(open('data.txt').read())"
    assert run_one(zygote, code, **{"data.txt": "handed in"}).split() == ["handed", "in", "mine"]


def test_a_cell_can_be_interrupted_and_the_next_one_runs(zygote):
    with submitted(zygote) as submission:

        async def interrupted():
            await submission.execute("import time\nwhile True: time.sleep(0.01)")
            with pytest.raises(queue.Empty):
                await submission.shell_channel.get_msg(timeout=0.5)
            await submission.interrupt_kernel()
            return await submission.shell_channel.get_msg(timeout=10)

        assert asyncio.run(interrupted())["content"]["ename"] == "KeyboardInterrupt"
        while asyncio.run(submission.iopub_channel.get_msg(timeout=5))["msg_type"] != "status":
            pass
        assert printed(submission, "print('went on')") == "went on\n"


def test_a_forked_process_of_the_notebook_may_print(zygote):
    code = "import os, sys\npid = os.fork()\nif pid == 0:\n    print('from below'); sys.stdout.flush(); os._exit(0)\n"
    assert run_one(zygote, code + "os.waitpid(pid, 0); import time; time.sleep(0.1)") == "from below\n"


def test_no_message_is_lost_however_often_it_is_waited_for_anew(zygote, monkeypatch):
    monkeypatch.setattr(module, "_LOOK_S", 0.001)
    code = "import time\nfor n in range(2000):\n    print(n, flush=True)\n    n % 5 or time.sleep(0.001)"

    async def run():
        await submission.execute(code)
        reply, heard = asyncio.create_task(submission.shell_channel.get_msg(timeout=30)), []
        while not heard or heard[-1]["msg_type"] != "status":
            heard.append(await submission.iopub_channel.get_msg(timeout=10))
        return heard, await reply

    with submitted(zygote) as submission:
        heard, _ = asyncio.run(run())
    text = "".join(message["content"]["text"] for message in heard if message["msg_type"] == "stream")
    assert text.split() == [str(n) for n in range(2000)]


# --- what it cannot reach ----------------------------------------------------------------------------------------

PROBE = """
import ctypes, json, os
def tries(what):
    try:
        what()
    except OSError as error:
        return type(error).__name__
    return "done"
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
libc = ctypes.CDLL(None, use_errno=True)
print(json.dumps({
    "processes": sorted(name for name in os.listdir("/proc") if name.isdigit()),
    "capabilities": [status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
    "filtered": status["Seccomp"].strip(),
    "parent": os.getppid(),
    "of the first": [tries(lambda: os.listdir("/proc/1/fd") and os.readlink("/proc/1/fd/0")),
                     tries(lambda: open("/proc/1/mem", "rb").read(1)), tries(lambda: open("/proc/1/environ").read(1))],
    "sockets": sum(os.readlink(f"/proc/self/fd/{n}").startswith("socket")
                   for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")
                   or os.path.islink(f"/proc/self/fd/{n}")),
    "leaves": [libc.unshare(0x10000000), libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
               libc.umount2(b"/tmp", 2), libc.umount2(b"/proc", 2), libc.ptrace(16, 1, 0, 0)],
    "writes": [path for path in ("/x", "/usr/x", "/proc/sys/kernel/core_pattern", "/dev/x", "../shared/x")
               if tries(lambda: open(path, "w")) == "done"],
    "given": os.path.exists("../shared"),
    "environment": sorted(os.environ),
}))
"""


def test_it_sees_itself_alone_and_has_no_rights(zygote):
    seen = json.loads(run_one(zygote, PROBE))
    assert len(seen["processes"]) == 2  # the namespace's first process, and itself
    assert set(seen["capabilities"]) == {"0000000000000000"}
    assert seen["filtered"] == "2"
    assert seen["parent"] == 0  # in a namespace that it cannot name
    assert "done" not in seen["of the first"]
    assert seen["sockets"] <= 3  # its cells, and what its own loop of events needs
    assert seen["leaves"] == [-1] * 5
    assert seen["writes"] == []
    assert not seen["given"]


def test_signals_reach_nobody_else(zygote):
    with submitted(zygote) as submission:
        assert printed(submission, "import os\nos.kill(1, 9)\nos.kill(0, 18)\nprint('sent')") == "sent\n"
        cell(submission, "os.kill(-1, 9)")  # nobody is there
        _, reply = cell(submission, "os.kill(0, 9)")
        assert reply is None
    assert run_one(zygote, "print('the next one')") == "the next one\n"


LEAVES = """
import os, subprocess, builtins, sys
import numpy as np
for place in (".", "/tmp", "/dev/shm", os.path.expanduser("~")):
    open(os.path.join(place, "left"), "w").write("left")
os.environ["LEFT"] = "left"
builtins.left = np.left = sys.left = "left"
np.array = None
subprocess.Popen(["setsid", "sleep", "86393.375"])
socket = __import__("socket").socket(1)
socket.bind("\\0left")
socket.listen()
print("done")
"""
FINDS = """
import os, builtins, sys
import numpy as np
places = (".", "/tmp", "/dev/shm", os.path.expanduser("~"))
found = [place for place in places if os.path.exists(os.path.join(place, "left"))]
found += [str(thing) for thing in (builtins, np, sys) if hasattr(thing, "left")] + ["LEFT"] * ("LEFT" in os.environ)
found += ["np"] * (np.array is None)
try:
    __import__("socket").socket(1).connect("\\0left")
    found.append("socket")
except OSError:
    pass
print(found)
"""


def test_nothing_is_left_for_the_next_one(zygote):
    assert run_one(zygote, LEAVES) == "done\n"
    assert b"86393.375" not in subprocess.run(["ps", "-eo", "args"], capture_output=True, check=True).stdout
    assert run_one(zygote, FINDS) == "[]\n"


def test_terminals_are_the_same_for_the_next_one(zygote):
    code = "import os\nfor path in ('/dev/pts', '/dev/pts/ptmx'):\n    try:\n        os.chmod(path, 0)\n"
    run_one(zygote, code + "    except OSError: pass")
    assert run_one(zygote, "import os\na, b = os.openpty()\nos.write(b, b'x')\nprint(os.read(a, 1))") == "b'x'\n"


def test_random_numbers_differ_between_submissions(zygote):
    code = "import random, numpy as np, tempfile\nprint(random.random(), np.random.rand(), tempfile.mkdtemp())"
    assert len({number for _ in range(3) for number in run_one(zygote, code).split()}) == 9


def test_a_forbidden_module_is_not_there(zygote):
    assert "ModuleNotFoundError" in run_one(
        zygote, "try:\n    import torch\nexcept ImportError as e:\n    print(type(e))"
    )


# --- its limits and its end --------------------------------------------------------------------------------------

GREEDY = {
    "memory": "try:\n    bytearray(2 * 2**30)\nexcept MemoryError:\n    print('refused')",
    "open files": "try:\n    x = [open('/dev/null') for _ in range(80)]\nexcept OSError:\n    print('refused')",
    "what is written": "try:\n    open('x', 'wb').write(bytes(9 * 2**20))\nexcept OSError:\n    print('refused')",
    "what is written in many files": (
        "try:\n    [open(str(n), 'wb').write(bytes(2**20)) for n in range(20)]\nexcept OSError:\n    print('refused')"
    ),
    "number of files": "try:\n    [open(str(n), 'w') for n in range(30_000)]\nexcept OSError:\n    print('refused')",
}


@pytest.mark.parametrize("code", GREEDY.values(), ids=GREEDY)
def test_a_limit_holds(zygote, code):
    assert run_one(zygote, code) == "refused\n"


WATCHED = {
    "processes": (
        "import os, time\nfor _ in range(40):\n    if os.fork() == 0: time.sleep(60)\ntime.sleep(60)",
        "more than",  # whether their number or their memory is seen first
    ),
    "memory of many": (
        "import os, time\nfor _ in range(4):\n    if os.fork() == 0: break\n"
        "x = bytearray(b'x') * (300 * 2**20)\ntime.sleep(60)",
        "memory",
    ),
}


@pytest.mark.parametrize(("code", "reason"), WATCHED.values(), ids=WATCHED)
def test_what_goes_too_far_is_ended_and_the_next_one_runs(zygote, code, reason):
    with submitted(zygote) as submission:
        _, reply = cell(submission, code, timeout=25)
        ended, is_alive = submission.watch.reason, asyncio.run(submission.is_alive())
    assert reply is None or reply["status"] == "error"
    assert reason in ended or reply is not None or not is_alive  # a control group may refuse, or kill, before the watch
    assert run_one(zygote, "print('the next one')") == "the next one\n"


CHAIN = """
import subprocess, time
open("chain", "w").write('[ $1 = 200 ] && exec sleep 60; sh ./chain $(($1 + 1)) & wait')
subprocess.Popen(["sh", "./chain", "0"])
time.sleep(20)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="the number of others' processes is limited by Linux itself")
def test_processes_of_which_each_starts_one_are_counted_too(monkeypatch):
    needs_sandbox()
    monkeypatch.setattr(limits, "_places", lambda wanted: iter(()))  # as where no control groups can be made
    with contextlib.closing(Zygote(Limits(processes=20), ())) as zygote, submitted(zygote) as submission:
        cell(submission, CHAIN)
        assert "more than 20 processes" in submission.watch.reason


def test_what_nobody_takes_is_not_piled_up(zygote):
    code = "import time\nsession = get_ipython().kernel.session\nfor _ in range(20):\n"
    with submitted(zygote) as submission:

        async def run():
            await submission.execute(f"{code}    session.send(None, 'execute_reply', {{'a': 'x' * (3 * 2**20)}})")
            with contextlib.suppress(queue.Empty):
                while True:
                    await submission.iopub_channel.get_msg(timeout=2)

        asyncio.run(run())
        assert len(submission._unread[True]) == 2


DYING = {
    "exits": "import os; os._exit(3)",
    "kills itself": "import os; os.kill(os.getpid(), 9)",
    "closes everything": "import os; os.closerange(0, 60)",
    "talks nonsense": (
        "import os, struct\nfor n in range(3, 60):\n    try: os.write(n, struct.pack('>I', 7) + b'garbage')\n"
        "    except OSError: pass"
    ),
    "announces too much": (
        "import os, struct\nfor n in range(3, 60):\n    try: os.write(n, struct.pack('>I', 2**31))\n"
        "    except OSError: pass"
    ),
}


@pytest.mark.parametrize("code", DYING.values(), ids=DYING)
def test_one_that_dies_or_talks_nonsense_is_found_out_and_the_next_one_runs(zygote, code):
    with submitted(zygote) as submission:
        _, reply = cell(submission, code, timeout=8)
        assert reply is None
        assert not asyncio.run(submission.is_alive())
    assert run_one(zygote, "print('the next one')") == "the next one\n"


def test_it_cannot_outlive_its_end_by_ignoring_signals(zygote):
    code = "import os, signal, time\nfor n in range(1, 32):\n"
    code += "    try: signal.signal(n, signal.SIG_IGN)\n    except OSError: pass\n"
    with submitted(zygote) as submission:
        _, reply = cell(submission, code + "os.setsid() if os.fork() == 0 else 0\ntime.sleep(86392.5)", timeout=1)
        assert reply is None
    assert run_one(zygote, "print('the next one')") == "the next one\n"


def test_the_zygote_ends_with_its_grader():
    needs_sandbox()
    if slow_because():
        pytest.skip(slow_because())
    script = (
        "from grading.trusted.warm import Zygote\nfrom grading.trusted.limits import Limits\nimport os\n"
        "z = Zygote(Limits(), ())\nprint(z.folders.scratch, flush=True)\nos.kill(os.getpid(), 9)"
    )
    root = Path(module.__file__).parent.parent.parent
    environment = os.environ | {"PYTHONPATH": str(root)}
    run = subprocess.run([module.sys.executable, "-c", script], capture_output=True, env=environment, check=False)
    time.sleep(0.5)
    assert run.stdout.strip()
    assert run.stdout.strip() not in subprocess.run(["ps", "-eo", "args"], capture_output=True, check=True).stdout


def test_a_forked_grader_leaves_the_zygote_to_its_parent(zygote, monkeypatch):
    monkeypatch.setattr(module, "_zygote", zygote)
    child = os.fork()
    if child == 0:
        module.end_zygote()
        os._exit(0)
    os.waitpid(child, 0)
    assert zygote.given.is_dir()
    assert run_one(zygote, "print('still here')") == "still here\n"


# --- where there is no fast way ----------------------------------------------------------------------------------


def test_where_namespaces_cannot_be_had_inside_it_is_said_and_not_tried_again(monkeypatch):
    needs_sandbox()
    monkeypatch.setattr(module, "_zygote", None)
    monkeypatch.setattr(module, "_reason", "")
    monkeypatch.setattr(module, "zygote_command", lambda *args: ["false"])
    assert ready_zygote(TIGHT, ()) is None
    assert "no fast way" in slow_because()
    monkeypatch.setattr(module, "Zygote", None)
    assert ready_zygote(TIGHT, ()) is None
