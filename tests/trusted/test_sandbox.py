"""What a submission's kernel can reach from inside the sandbox, and what happens where there is none."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from classroom import FULL, NAME, ROOT, append, hand_in, solved, untouched
from confined import inside, started
from needs import needs_sandbox

from grading.course.grade import grade, read_marks
from grading.course.layout import CourseError
from grading.course.nbgrader_api import nbgrader_api, run_nbgrader
from grading.course.report import write_report
from grading.trusted import sandbox
from grading.trusted.kernel import scratch_folders
from grading.trusted.ledger import GRADED

PROBE = """
import json, os, pathlib, socket, sys

def tries(what):
    try:
        what()
    except OSError as error:
        return type(error).__name__
    return "done"

def connects():
    socket.create_connection(("127.0.0.1", {port}), timeout=2).close()

print(json.dumps({{
    "connects": tries(connects),
    "looks up": tries(lambda: socket.getaddrinfo("localhost.localdomain.invalid", 80)),
    "sees": [path for path in {paths} if os.path.exists(path)],
    "writes": [path for path in {folders} if tries(lambda: open(path + "/probe", "w").close()) == "done"],
    "environment": sorted(os.environ),
    "processes": [name for name in os.listdir("/proc") if name.isdigit()],
    "capabilities": [line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")][0],
    "imports": bool(__import__("grading.notebook")) and bool(__import__("numpy")),
}}))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What a script finds that runs where a submission runs."""
    needs_sandbox()
    course = tmp_path_factory.mktemp("course")
    for name in ("gradebook.db", "ledger.db"):
        (course / name).write_text("secret")
    (course / "submitted" / "student-02").mkdir(parents=True)
    secrets = [ROOT / "solutions", ROOT / "tests", ROOT / "pyproject.toml", course, course / "ledger.db", *_private()]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        script = PROBE.format(port=port, paths=list(map(str, secrets)), folders=list(map(str, _folders(course))))
        run = inside(sys.executable, "-c", script)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def _private():
    """What lies in the home folder, except what leads to the interpreter."""
    prefixes = [Path(sys.prefix), Path(sys.base_prefix), ROOT]
    return [path for path in Path.home().iterdir() if not any(prefix.is_relative_to(path) for prefix in prefixes)]


def _folders(course):
    return ["/usr", "/var", "/etc/ssl", course, course / "submitted", ROOT / "grading", ROOT, sys.prefix]


def test_there_is_no_network(seen):
    assert seen["connects"] != "done"
    assert seen["looks up"] != "done"


def test_the_course_and_the_home_are_not_there(seen):
    assert seen["sees"] == []


def test_nothing_outside_can_be_written(seen):
    assert set(seen["writes"]) <= {str(ROOT)}  # an empty place on the way to the package, inside alone
    assert not (ROOT / "probe").exists()


def test_there_are_no_other_processes_and_no_capabilities(seen):
    assert len(seen["processes"]) <= 3
    assert int(seen["capabilities"], 16) == 0


TAKES = """
import fcntl, os, stat
taken = []
for name in "full null random tty urandom zero".split():
    try:
        os.chmod(f"/dev/{name}", stat.S_IMODE(os.stat(f"/dev/{name}").st_mode))
        taken.append(name)
    except OSError:
        pass
try:
    fcntl.fcntl(os.open(os.__file__, os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK)
    taken.append("lease")
except OSError:
    pass
open("/dev/null", "w").write("is used")
print(taken, len(open("/dev/urandom", "rb").read(4)))
"""


def test_what_belongs_to_the_machine_cannot_be_taken_from_others():
    needs_sandbox()
    assert inside(sys.executable, "-c", TAKES).stdout == "[] 4\n"


def test_what_a_notebook_needs_is_there(seen):
    assert seen["imports"]


def test_a_kernels_environment_is_told_and_no_more(monkeypatch, course):
    """Graded for real: a cell writes down its environment."""
    needs_sandbox()
    monkeypatch.setenv("GRADSHEET_TEST_SECRET", "do not tell")
    hand_in(course, "student-01", append(untouched(), "import os\nprint(sorted(os.environ.items()))"))
    (intake,) = grade(course, NAME)
    assert intake.state == GRADED
    text = (course.autograded_folder(NAME, "student-01") / f"{NAME}.ipynb").read_text(encoding="utf-8")
    assert "GRADSHEET_CHANNEL" in text
    assert "GRADSHEET_TEST_SECRET" not in text
    assert "('HOME', '/tmp/gradsheet-" in text


def test_everything_inside_ends_with_the_command():
    needs_sandbox()
    run = inside("sh", "-c", "setsid sleep 86398.5 >/dev/null 2>&1 & echo started")
    assert run.stdout.strip() == "started"
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert "sleep 86398.5" not in listing


def test_scratch_folders_are_private_and_leave_nothing():
    with scratch_folders() as folders:
        assert sorted(os.listdir(folders.scratch)) == ["home", "lock", "shared", "work"]
        assert os.stat(folders.scratch).st_mode & 0o077 == 0
    assert not folders.scratch.exists()


def test_what_a_killed_grader_left_is_removed_and_what_is_in_use_is_not():
    held = "import sys; from grading.trusted.kernel import scratch_folders\nwith scratch_folders() as f:\n"
    held += "    (f.work / 'deep').mkdir(); print(f.scratch, flush=True); sys.stdin.read()"
    grader = subprocess.Popen([sys.executable, "-c", held], stdin=-1, stdout=-1, cwd=ROOT, text=True)
    left = Path(grader.stdout.readline().strip())
    with scratch_folders():
        assert left.exists()
    grader.kill()
    grader.communicate()
    assert left.exists()
    with scratch_folders() as folders:
        assert not left.exists()
        assert folders.work.exists()


def test_graders_that_begin_at_once_do_not_take_each_others_folders_for_abandoned():
    begins = "from grading.trusted.kernel import scratch_folders\nfor _ in range(150):\n"
    begins += "    with scratch_folders() as f:\n        assert f.work.is_dir()"
    command = [sys.executable, "-c", begins]
    graders = [subprocess.Popen(command, stderr=subprocess.PIPE, cwd=ROOT, text=True) for _ in range(4)]
    assert [grader.communicate()[1] for grader in graders] == [""] * 4


def test_packages_from_elsewhere_are_there_and_can_be_hidden(monkeypatch, tmp_path):
    needs_sandbox()
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "elsewhere.py").write_text("print('from elsewhere')")
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder), str(tmp_path / "no-packages")])
    assert inside(sys.executable, "-c", "import elsewhere").stdout == "from elsewhere\n"
    assert "not there" in inside(sys.executable, "-c", "import elsewhere", hidden=["elsewhere"]).stderr


def test_a_sandbox_whose_grader_was_killed_ends_by_itself_or_by_the_next_grader():
    needs_sandbox()
    with started("sleep", "86394.5") as (process, folders):
        sandbox.end_sandboxes(replace(folders, scratch=folders.scratch / "another"))
        time.sleep(0.5)
        assert process.poll() is None
        sandbox.end_sandboxes(folders)
        assert process.wait(10) == -9
    script = "import confined, os\nwith confined.started('sleep', '86394.5'): os.kill(os.getpid(), 9)"
    path = os.pathsep.join(map(str, [ROOT, ROOT / "tests", ROOT / "tests" / "trusted"]))
    for _ in range(5):
        subprocess.run([sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": path}, check=False)
    time.sleep(0.5)
    assert "sleep 86394.5" not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout


# --- where there is no sandbox -----------------------------------------------------------------------------------


@pytest.fixture
def without_bubblewrap(monkeypatch):
    which = shutil.which
    sandbox.unavailable_reason.cache_clear()
    monkeypatch.setattr(shutil, "which", lambda name, *rest: None if name == "bwrap" else which(name, *rest))
    yield
    sandbox.unavailable_reason.cache_clear()


def test_the_reason_is_one_line_that_says_what_to_do(without_bubblewrap):
    reason = sandbox.unavailable_reason()
    assert "\n" not in reason
    assert "apt-get install bubblewrap" in reason


def test_another_system_has_none(monkeypatch):
    sandbox.unavailable_reason.cache_clear()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "darwin" in sandbox.unavailable_reason()
    sandbox.unavailable_reason.cache_clear()


def test_grading_refuses_and_nothing_is_marked(without_bubblewrap, course):
    hand_in(course, "student-01", solved())
    with pytest.raises(sandbox.SandboxUnavailableError, match="--no-sandbox"):
        grade(course, NAME)
    assert not course.gradebook.exists()


def test_grading_without_one_must_be_asked_for(without_bubblewrap, course):
    hand_in(course, "student-01", solved())
    (intake,) = grade(course, NAME, sandbox=False)
    assert intake.state == GRADED, intake
    (marks,) = read_marks(course, NAME)
    assert marks.score == sum(FULL.values())
    pages = [course.feedback_page(NAME, "student-01"), write_report(course, NAME)]
    assert all("without the sandbox" in page.read_text(encoding="utf-8") for page in pages)


def test_plain_nbgrader_refuses_too(without_bubblewrap, course):
    hand_in(course, "student-01", solved())
    api = nbgrader_api(course)
    run_nbgrader(lambda: api.generate_assignment(NAME, force=True), "not released")
    with pytest.raises(CourseError, match=r"^not marked: .*bubblewrap is not installed.*$"):
        run_nbgrader(lambda: api.autograde(NAME, "student-01", force=True), "not marked")
