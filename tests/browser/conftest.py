"""A running JupyterLab with a fresh sheet and a solved one, and a browser to drive it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from gallery import gallery
from lab import Notebook
from nbformat.sign import NotebookNotary
from needs import needs_browser
from reader import PICTURES_VARIABLE

from grading.course.start import start

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SHEET = "01_chain_rule"
SOLVED = Path(__file__).parents[2] / "solutions" / SHEET
TOKEN = "browser-test"
WINDOW = {"width": 1280, "height": 900}
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Lab:
    """A JupyterLab server and the folder that it shows."""

    root: Path
    url: str
    home: Path

    def notebook_url(self, path: Path) -> str:
        """Where the browser finds a notebook."""
        return f"{self.url}lab/tree/{path.relative_to(self.root).as_posix()}?token={TOKEN}&reset"


@pytest.fixture(scope="module")
def executable() -> str:
    return needs_browser()


@pytest.fixture(scope="module")
def lab(executable: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("home")
    root = tmp_path_factory.mktemp("lab")
    start("1", root)
    shutil.copytree(SOLVED, root / "solved", ignore=shutil.ignore_patterns("*.py"))
    with (home / "server.log").open("w", encoding="utf-8") as log:
        server = _serve(root, home, log)
        try:
            yield Lab(root, _url(server, home), home)
        finally:
            _stop(server)


@pytest.fixture(scope="module")
def browser(executable: str) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM_ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=WINDOW)
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = Path(os.environ.get(PICTURES_VARIABLE, tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def fresh(page: Page, lab: Lab, pictures: Path) -> Notebook:
    path = lab.root / SHEET / f"{SHEET}.ipynb"
    return Notebook(page, path, lab.notebook_url(path), pictures)


@pytest.fixture
def solved(page: Page, lab: Lab, pictures: Path) -> Notebook:
    path = lab.root / "solved" / f"{SHEET}.ipynb"
    return Notebook(page, path, lab.notebook_url(path), pictures)


@pytest.fixture
def everything(page: Page, lab: Lab, pictures: Path) -> tuple[Notebook, Notebook]:
    """All that is shown, in a notebook that JupyterLab trusts and in one that it does not."""
    opened = []
    for name in ("trusted", "untrusted"):
        notebook, path = gallery(), lab.root / f"{name}.ipynb"
        notebook.metadata.title = name
        nbformat.write(notebook, path)
        if name == "trusted":
            NotebookNotary(data_dir=str(lab.home / "data")).sign(nbformat.read(path, as_version=4))
        opened.append(Notebook(page, path, lab.notebook_url(path), pictures))
    return opened[0], opened[1]


def _serve(root: Path, home: Path, log: object) -> subprocess.Popen[bytes]:
    settings = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}), encoding="utf-8")
    return subprocess.Popen(
        [
            sys.executable,
            *("-m", "jupyterlab", "--no-browser", "--allow-root"),
            f"--ServerApp.root_dir={root}",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={_free_port()}",
            f"--IdentityProvider.token={TOKEN}",
        ],
        cwd=root,
        env=_empty_home(home),
        stdout=log,
        stderr=subprocess.STDOUT,
    )


def _empty_home(home: Path) -> dict[str, str]:
    """The environment of someone who has just installed the course."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JUPYTER", "IPYTHON", "XDG_", "GRADSHEET"))
    }
    return kept | {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _url(server: subprocess.Popen[bytes], home: Path) -> str:
    """The server's address, once it answers. It says itself which port it got."""
    said = home / "runtime" / f"jpserver-{server.pid}.json"

    def answers() -> bool:
        if server.poll() is not None:
            pytest.fail("JupyterLab ended:\n" + (home / "server.log").read_text(encoding="utf-8")[-2000:])
        with suppress(OSError, ValueError, urllib.error.URLError):
            url = json.loads(said.read_text(encoding="utf-8"))["url"]
            with urllib.request.urlopen(f"{url}api/status?token={TOKEN}", timeout=2) as reply:
                return bool(reply.status == 200)
        return False

    wait_until(answers, "JupyterLab answers", 30)
    return str(json.loads(said.read_text(encoding="utf-8"))["url"])


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Ask the server to end, which ends its kernels too."""
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def wait_until(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Wait until `condition` holds, or fail saying `what` did not happen."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)
