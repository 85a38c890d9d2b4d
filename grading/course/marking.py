"""Marks a notebook while it runs: nbgrader's Execute step, with each graded cell's output taken from the judge."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError
from nbclient.util import run_sync
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_output
from nbgrader.preprocessors import Execute
from nbgrader.utils import is_grade, is_locked, is_solution
from traitlets import Bool, Integer, List, Unicode, default

from grading.course.freshness import require_built
from grading.course.inert import inert_outputs, printed_text, shortened, without_links
from grading.course.intake import copy_files, files_beside
from grading.course.layout import Course, CourseError
from grading.notebook.shown import Result
from grading.sheets import Sheet
from grading.sheets.sheet import SETUP_CELL_ID
from grading.trusted.channel import AnswerDesk
from grading.trusted.kernel import SubmissionKernelManager, scratch_folders
from grading.trusted.ledger import Ledger
from grading.trusted.limits import MIB, Limits, control_groups
from grading.trusted.means import remarks
from grading.trusted.sandbox import WITHOUT_SANDBOX, require_sandbox
from grading.trusted.warm import Submission, Zygote, ZygoteError, ready_zygote, slow_because
from grading.verify import Verdict
from grading.verify.bench import keeping_benches
from grading.verify.item import Item

_GRADED_CELL_S = 60  # several questions, each with a limit of its own
WITHOUT_SANDBOX_CELL_ID = "without-sandbox"  # of the warning in a notebook that was marked so
# Whatever a student's own cells have called so meanwhile.
_AT_HAND = "from grading.notebook import check, predict, show\n"
_MOST_PARTS = 20_000  # of one message from a kernel; a long traceback has a few thousand lines


class MarkedExecute(Execute):
    """Runs a submission in the sandbox and writes each graded cell's mark from the judge's verdict.

    What the kernel printed in a graded cell is kept only as text; what it pretended its result to be is dropped. The
    marks are written when the kernel is gone and can change nothing any more.
    """

    sandbox = Bool(True, help="Run submissions in the sandbox; without one, grading refuses to start.").tag(config=True)
    warm = Bool(True, help="Fork submissions from one warm process; False: a kernel for each, as Jupyter has.").tag(
        config=True
    )
    total_timeout = Integer(300, help="Seconds that a whole submission may take.").tag(config=True)
    timeout = Integer(10, help="Seconds that a cell which is not graded may take.", allow_none=True).tag(config=True)
    memory_mib = Integer(Limits.memory_mib, help="MiB of memory that a submission may use.").tag(config=True)
    processes = Integer(Limits.processes, help="Processes and threads that it may have at once.").tag(config=True)
    open_files = Integer(Limits.open_files, help="Files that one of its processes may have open.").tag(config=True)
    disk_mib = Integer(Limits.disk_mib, help="MiB that it may write beside what was handed in.").tag(config=True)
    cpu_s = Integer(Limits.cpu_s, help="Seconds of processor time of one of its processes.").tag(config=True)
    forbidden = List(
        Unicode(),
        ["torch", "jax", "jaxlib", "tensorflow", "autograd", "mygrad"],
        help="Modules that no submission can import, beside what its sheet forbids.",
    ).tag(config=True)
    output_mib = Integer(16, help="MiB of output that are kept of a submission.").tag(config=True)

    coalesce_streams = False  # nbclient takes hours for a long line; see `inert_outputs`
    _kernel: SubmissionKernelManager | None = None
    _forked: Submission | None = None  # one of the two is what the submission runs in

    store_widget_state = True  # no page has a use for it, but nbclient does, for widgets that show outputs

    @default("shutdown_kernel")
    def _stop_at_once(self) -> str:
        return "immediate"

    def preprocess(self, nb: NotebookNode, resources: Any, km: Any = None) -> tuple[NotebookNode, Any]:
        """Run the notebook, mark it, and write the verdicts into the ledger.

        Raises
        ------
        CourseError : the release does not fit its declaration, or the locked first cell fails
        """
        told = resources["nbgrader"]
        course = Course(Path.cwd())  # nbgrader works in the course's root
        name, student = told["assignment"], told["student"]
        ledger, digest = Ledger(course.ledger), digest_of(nb)
        seed = ledger.seed(name, course.variant(name))
        handed_in = self._handed_in(course, name, student)
        _drop_unfit(handed_in, course.autograded_folder(name, student))
        marked = taken_from_ahead((name, student, digest)) or self.mark(nb, course, name, student, seed)
        for cell, run in zip(nb.cells, marked.notebook.cells, strict=True):
            if cell.cell_type == "code":
                cell["outputs"], cell["execution_count"] = run["outputs"], run["execution_count"]
        shortened(cell for cell in nb.cells if cell.cell_type == "code")
        nb.metadata["language_info"] = marked.notebook.metadata["language_info"]
        if not self.sandbox:
            nb.cells.insert(0, new_markdown_cell(f"**Warning:** {WITHOUT_SANDBOX}.", id=WITHOUT_SANDBOX_CELL_ID))
        ledger.add(name, student, digest, seed, marked.verdicts, marked.remarks)
        return nb, resources

    def mark(self, nb: NotebookNode, course: Course, name: str, student: str, seed: int) -> Marked:
        """Run a notebook and mark it; nothing is written down.

        Raises
        ------
        CourseError : the release does not fit its declaration, or the locked first cell fails
        """
        if self.sandbox:
            require_sandbox()
        require_built(course, name)
        sheet = course.sheet(name, student)
        self._exercises = {exercise.cell_id: exercise for exercise in sheet.checked}
        for cell in nb.cells:
            self._exercise_of(cell)  # refuses an unknown graded cell before anything runs
        released, handed_in = course.assignment(name).parent, self._handed_in(course, name, student)
        with keeping_benches():
            ran = self._run_all(nb, _Asked(sheet, student, seed, released, handed_in))
        _check_setup(ran)
        self._write_marks(ran)
        return Marked(ran, list(self._verdicts.values()), self._remarks(ran, sheet))

    def _remarks(self, nb: NotebookNode, sheet: Sheet) -> list[tuple[str, str]]:
        """What a person should look at, by exercise."""
        sources = {cell.get("id"): cell.source for cell in nb.cells}
        found = []
        for exercise in sheet.checked:
            source, calls = sources.get(exercise.answer_cell_id, ""), self._calls.get(exercise.id, {})
            found += [(exercise.id, remark) for remark in remarks(source, sheet.forbidden_to(exercise), calls)]
        return found

    def _handed_in(self, course: Course, name: str, student: str) -> Path:
        """The submission's own folder: nbgrader's copy follows links and leaves Python files out."""
        submitted = self.config.CourseDirectory.get("submitted_directory", course.submitted.name)
        return course.root / submitted / student / name

    def _run_all(self, nb: NotebookNode, asked: _Asked) -> NotebookNode:
        """Run every cell the fast way, or in a real kernel where that is wanted or needed."""
        hidden = (*self.forbidden, *asked.sheet.forbids)
        zygote = ready_zygote(self._limits(), hidden) if self.sandbox and self.warm else None
        if zygote:
            try:
                return self._run_forked(deepcopy(nb), asked, zygote)
            except (ZygoteError, _NeedsKernelError) as reason:
                self.log.warning("%s is run in a kernel of its own: %s", asked.student, reason)
        elif self.sandbox and self.warm:
            self.log.warning("each submission is run in a kernel of its own: %s", slow_because())
        return self._run_in_kernel(deepcopy(nb), asked, hidden)

    def _run_forked(self, nb: NotebookNode, asked: _Asked, zygote: Zygote) -> NotebookNode:
        self._begin()
        _lay_out(asked, zygote.given)
        if shadowed := zygote.modules & {path.stem.partition(".")[0] for path in zygote.given.iterdir()}:
            shutil.rmtree(zygote.given)
            zygote.given.mkdir()
            raise _NeedsKernelError(f"beside it lies a file that is called like a module: {min(shadowed)}")
        with AnswerDesk(zygote.desk, asked.sheet, asked.student, asked.seed) as self._desk:
            NotebookClient.__init__(self, nb)
            self.reset_execution_trackers()
            nb.metadata["language_info"] = zygote.language_info
            with zygote.submission() as self._forked:
                self._forked.is_stuck = lambda: self._desk.waits_in_vain
                self.kc: Any = self._forked
                self.km: Any = self._forked
                for index, cell in enumerate(nb.cells):
                    self.preprocess_cell(cell, None, index)
                run_sync(asyncio.sleep)(0)  # for what nbclient has cancelled and left
        return nb

    def _run_in_kernel(self, nb: NotebookNode, asked: _Asked, hidden: tuple[str, ...]) -> NotebookNode:
        self._begin()
        with (
            scratch_folders() as folders,
            control_groups(self._limits()) as group,
            AnswerDesk(folders.channel, asked.sheet, asked.student, asked.seed) as self._desk,
        ):
            _lay_out(asked, folders.work)
            kernel = self._kernel = SubmissionKernelManager(folders, self._limits(), group, self.sandbox)
            kernel.hidden = hidden
            try:
                ran, _ = super().preprocess(nb, {})
            finally:
                kernel.stop_watching()
        return ran

    def _begin(self) -> None:
        self._verdicts: dict[str, Verdict] = {}
        self._calls: dict[str, dict[str, int]] = {}
        self._dead = False
        self._shown = 0  # bytes of output so far
        self._ends = time.monotonic() + self.total_timeout
        self._kernel = self._forked = None
        self.timeout_func = self._limit_of

    def _limit_of(self, cell: NotebookNode) -> int | None:
        limit = _GRADED_CELL_S if self._exercise_of(cell) else self.timeout
        left = max(1, math.ceil(self._ends - time.monotonic()))
        return left if limit is None else min(limit, left)

    def _limits(self) -> Limits:
        return Limits(self.memory_mib, self.processes, self.open_files, self.disk_mib, self.cpu_s, self.total_timeout)

    def create_kernel_manager(self) -> SubmissionKernelManager:
        """The submission's own kernel manager; the notebook's metadata has no say in it."""
        assert self._kernel is not None  # it is made before anything runs
        self.km = self._kernel
        return self._kernel

    def on_comm_open_jupyter_widget(self, msg: dict[str, Any]) -> Any:
        """A widget; where it wants to talk to the notebook's page it needs a kernel that listens."""
        if self._kernel is None:
            raise _NeedsKernelError("it shows widgets")
        return super().on_comm_open_jupyter_widget(msg)

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """Take one message from the kernel, as long as there is room for what it wants to be shown."""
        if _has_too_many_parts(msg["msg_type"], msg["content"]):
            return None  # nbformat would look at each of them for minutes, and at nothing else meanwhile
        if msg["msg_type"] != "status":
            had_room = self._shown < self.output_mib * MIB
            self._shown += len(json.dumps(msg["content"])) if had_room else 0
            if self._shown >= self.output_mib * MIB:
                if had_room:
                    cell.outputs.append(new_output("stream", text=f"\n... (cut: more than {self.output_mib} MiB)\n"))
                return None
        return super().process_message(msg, cell, cell_index)

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> tuple[NotebookNode, Any]:
        """Run one cell; if it is a graded one, keep the judge's verdict on what was answered meanwhile."""
        exercise = self._exercise_of(cell)
        if exercise is None:
            self._run(cell, resources, index)
            return cell, resources
        self._desk.expect(exercise)
        self._run(cell, resources, index)
        answered = self._desk.collect()
        self._calls[exercise.id] = self._desk.calls
        self._verdicts[exercise.id] = answered or _unanswered(exercise, cell, self._dead, self._ended_because)
        return cell, resources

    @property
    def _ended_because(self) -> str:
        """Which limit the submission passed and was ended for; empty if none."""
        ran_in = self._kernel or self._forked
        return ran_in.watch.reason if ran_in and ran_in.watch else ""

    def _exercise_of(self, cell: NotebookNode) -> Item | None:
        if cell.cell_type != "code" or not is_grade(cell) or is_solution(cell):
            return None
        try:
            return self._exercises[cell.metadata.nbgrader.grade_id]
        except KeyError:
            unknown = cell.metadata.nbgrader.grade_id
            raise CourseError(
                f"cell '{unknown}' is graded, but the sheet does not declare it; build it again"
            ) from None

    def _run(self, cell: NotebookNode, resources: Any, index: int) -> None:
        """Run a cell; once the kernel has died or talks nonsense, the cells after it are left as they are."""
        self._dead = self._dead or time.monotonic() > self._ends
        if self._dead:
            return
        self._overran = False
        source = cell.source
        if cell.cell_type == "code" and is_locked(cell) and cell.metadata.nbgrader.grade_id != SETUP_CELL_ID:
            cell.source = _AT_HAND + source
        try:
            super().preprocess_cell(cell, resources, index)
        except _NeedsKernelError:
            raise
        except CellTimeoutError:  # past its time it could not be stopped; before, only some of its output got lost
            self._dead = self._overran
        except Exception:  # nbclient has no name for what a forged message makes of it
            self._dead = True
        finally:
            cell.source = source

    async def _async_handle_timeout(self, timeout: int, cell: NotebookNode | None = None) -> Any:
        """As nbclient does, when no reply has come in a cell's time; it is the same error where only output is lost."""
        self._overran = True
        return await super()._async_handle_timeout(timeout, cell)

    async def _async_poll_kernel_alive(self) -> None:
        """As nbclient does; where a cell ended in an error of its own it goes on asking after a kernel that is gone."""
        with suppress(AssertionError):
            await super()._async_poll_kernel_alive()

    def _write_marks(self, nb: NotebookNode) -> None:
        for cell in nb.cells:
            if cell.cell_type != "code":
                continue
            count = cell.get("execution_count")
            cell["execution_count"] = count if type(count) is int else None  # a forged message may have set it
            exercise = self._exercise_of(cell)
            if exercise is None:
                cell["outputs"] = inert_outputs(cell.get("outputs", []), cell["execution_count"])
            else:
                mark = _mark_output(self._verdicts[exercise.id], cell["execution_count"])
                cell["outputs"] = [*_printed(cell), mark]


@dataclass(frozen=True)
class Marked:
    """A submission that was run and judged: the notebook with its outputs, and what is to be written down."""

    notebook: NotebookNode
    verdicts: list[Verdict]
    remarks: list[tuple[str, str]]


Key = tuple[str, str, str]  # sheet, student, digest of the notebook
_ahead: dict[Key, Callable[[], Marked | None]] = {}


def announce(key: Key, result: Callable[[], Marked | None]) -> None:
    """Another process marks this notebook; `result` waits for it, and returns None if that process has died."""
    _ahead[key] = result


def taken_from_ahead(key: Key) -> Marked | None:
    """What another process found; None if none was asked to mark this very notebook.

    Raises
    ------
    Exception : what stopped the marking there
    """
    result = _ahead.pop(key, None)
    return result() if result else None


def _has_too_many_parts(kind: str, content: dict[str, Any]) -> bool:
    """Whether a message is made of more than what is shown ever is; data that no page shows are taken out of it."""
    if not kind.startswith("comm_") and isinstance(content.get("data"), dict):
        content["data"] = {name: value for name, value in content["data"].items() if isinstance(value, str)}
    found: list[Any] = [content]
    for part in found:
        if isinstance(part, dict | list):
            found += part.values() if isinstance(part, dict) else part
        if len(found) > _MOST_PARTS:
            return True
    return False


class _NeedsKernelError(Exception):
    """What a submission does cannot be done the fast way."""


@dataclass(frozen=True)
class _Asked:
    """Whose submission is marked with which seed, and the folders of the files beside the release and beside it."""

    sheet: Sheet
    student: str
    seed: int
    released: Path
    handed_in: Path


def _lay_out(asked: _Asked, folder: Path) -> None:
    """Put the files into a folder that a submission finds beside it."""
    copy_files(asked.released, folder, math.inf)
    copy_files(asked.handed_in, folder)


def _drop_unfit(handed_in: Path, copied: Path) -> None:
    """nbgrader copied what links lead to, and files of any size; none of that may reach a feedback folder."""
    for folder in (handed_in, handed_in.parent):
        if folder.is_symlink():
            raise CourseError(f"{folder.name} is a link to another folder")
    kept = set(files_beside(handed_in))
    for path in handed_in.rglob("*"):
        if path.is_symlink() and path.suffix == ".ipynb":
            raise CourseError(f"{path.name} is a link to another file")
        copy = copied / path.relative_to(handed_in)
        if path not in kept and path.suffix != ".ipynb" and copy.is_file():
            copy.unlink()


def _check_setup(nb: NotebookNode) -> None:
    """Without its first cell nothing in a notebook can be right, and that is hardly the student's intention."""
    for cell in nb.cells:
        if cell.get("metadata", {}).get("nbgrader", {}).get("grade_id") == SETUP_CELL_ID:
            errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
            if errors:
                raise CourseError(
                    f"the first cell fails: {_error_line(errors[0])}. Is a file beside it called like a module?"
                )


def digest_of(nb: NotebookNode) -> str:
    """A digest of what a submission says: the source of its cells, whatever was printed under them."""
    text = "\0".join(f"{cell.cell_type}\1{cell.source}" for cell in nb.cells)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _unanswered(exercise: Item, cell: NotebookNode, dead: bool, ended_because: str) -> Verdict:
    """The verdict where no answer came: the cell did not get as far as the check."""
    errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
    if ended_because:
        problem = f"The submission was ended before this was checked: {ended_because}."
    elif dead:
        problem = "The kernel died, could not be stopped, or ran out of time before this was checked."
    elif errors:
        problem = f"This could not be checked: {_error_line(errors[0])}"
    else:
        problem = "This cell ran without asking for a check."
    return Verdict(exercise.id, "wrong", 0.0, exercise.points, None, problem=problem)


def _error_line(output: NotebookNode) -> str:
    """An error in one line."""
    said = str(output.get("evalue", "")).strip().splitlines()
    return ": ".join([str(output.get("ename", "error")), *said[:1]])


def _printed(cell: NotebookNode) -> list[NotebookNode]:
    """What was printed while a graded cell ran, as plain text: nbgrader takes anything on stderr for a failure."""
    text = printed_text(cell.get("outputs", []))
    return [new_output("stream", name="stdout", text=text)] if text else []


def _mark_output(verdict: Verdict, count: int | None) -> NotebookNode:
    """The one result of a graded cell: its plain text is the mark that nbgrader reads."""
    result = Result(replace(verdict, seed=None))  # the seed of the marking is not for students
    data = {"text/plain": repr(result), "text/html": without_links(result._repr_html_())}
    return new_output("execute_result", data=data, execution_count=count)
