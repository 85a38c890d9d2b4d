"""The fast way to run a submission: forked from a process that has imported everything, set apart, without a kernel."""

from __future__ import annotations

import asyncio
import atexit
import base64
import contextlib
import json
import math
import os
import queue
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from grading.notebook import wire
from grading.trusted import seccomp
from grading.trusted.inside.apart import Room
from grading.trusted.kernel import LARGEST_MESSAGE, kernel_environment, scratch_folders
from grading.trusted.limits import MIB, MOST_FILES, ZYGOTES_OWN, Limits, Watch, control_groups
from grading.trusted.sandbox import zygote_command

_LENGTH = struct.Struct(">I")
_START_S = 120.0  # imports, on a machine that does other things as well
_READY_S = 20.0
_END_S = 20.0
_LOOK_S = 1.0
_PAUSE_S = 0.01
_MOST_UNREAD = 32  # messages of one kind while another is waited for


class ZygoteError(OSError):
    """No submission can be run the fast way, here or now."""


Message = dict[str, Any]


class Zygote:
    """A sandbox with a process in it that is forked for each submission; one submission at a time."""

    def __init__(self, limits: Limits, hidden: tuple[str, ...]) -> None:
        self.limits, self.hidden = limits, hidden
        self._open = contextlib.ExitStack()
        try:
            self._start()
        except (OSError, wire.WireError) as error:
            self.close()
            raise ZygoteError(f"no fast way: {error}") from error

    def _start(self) -> None:
        self.folders = self._open.enter_context(scratch_folders())
        self.given.mkdir()
        group = self._open.enter_context(
            control_groups(replace(self.limits, processes=self.limits.processes + ZYGOTES_OWN))
        )
        self._socket, theirs = socket.socketpair()
        self._open.callback(self._socket.close)
        number = str(theirs.fileno())
        program = [sys.executable, "-m", "grading.trusted.inside.zygote", number, str(self.folders.connection_file)]
        with theirs:
            self.process = subprocess.Popen(
                [*group, *zygote_command(self.folders, self.limits, program, self.hidden)],
                env=kernel_environment(self.folders),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._open.callback(self._end)
        self._socket.settimeout(_START_S)
        wire.send(self._socket, self._settings())
        said = wire.receive(self._socket)
        self.language_info, self.modules = said["language_info"], frozenset(said["modules"])
        self.desk.touch()
        with self.submission():
            pass  # a trial

    @property
    def given(self) -> Path:
        """Where what was handed in is laid out for the next submission."""
        return self.folders.shared / "given"

    @property
    def desk(self) -> Path:
        """Where the answer channel's socket must be before a submission is started."""
        return self.folders.shared / "answers"

    def _settings(self) -> dict[str, Any]:
        folders = self.folders
        room = Room(
            given=str(self.given),
            desk=str(self.desk),
            work=str(folders.work),
            home=str(folders.home),
            channel=str(folders.channel),
            disk=self.limits.disk_mib * MIB,
            files=MOST_FILES,
        )
        return {
            "type": "settings",
            "room": asdict(room),
            "limits": self.limits.by_name(),
            "program": base64.b64encode(seccomp.program()).decode(),
        }

    @contextlib.contextmanager
    def submission(self) -> Iterator[Submission]:
        """A submission's process; when the block ends every process of it is dead.

        Raises
        ------
        ZygoteError : none could be started, or not all of it could be ended
        """
        control, control_there = socket.socketpair()
        cells, cells_there = socket.socketpair()
        try:
            with control, cells, control_there, cells_there:
                socket.send_fds(self._socket, [b"g"], [control_there.fileno(), cells_there.fileno()])
                control_there.close()
                cells_there.close()
                control.settimeout(_READY_S)
                if not control.recv(1):
                    raise ZygoteError("no place could be made for a submission")
                with self._watched(control) as watch:
                    yield Submission(control, cells, watch)
        except OSError as error:
            self.close()
            raise ZygoteError(f"no fast way: {error}") from error
        finally:
            self._clear()

    @contextlib.contextmanager
    def _watched(self, control: socket.socket) -> Iterator[Watch]:
        watch = Watch(self.process, self.limits, None, lambda: control.shutdown(socket.SHUT_RDWR))
        try:
            yield watch
        finally:
            watch.close()

    def _clear(self) -> None:
        """Wait until every process of the submission is dead, and clear away what was laid out for it."""
        if not self.lives:
            return
        try:
            self._socket.settimeout(_END_S)
            wire.receive(self._socket)
        except (OSError, wire.WireError) as error:
            self.close()
            raise ZygoteError(f"no fast way: {error}") from error
        self.desk.unlink()
        shutil.rmtree(self.given)
        self.given.mkdir()

    @property
    def lives(self) -> bool:
        """Whether it can take another submission."""
        return self.process.poll() is None

    def _end(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End it, and whatever runs in it."""
        self._open.close()


class Submission:
    """One submission's process, as nbclient knows a kernel's client and manager."""

    allow_stdin = False

    def __init__(self, control: socket.socket, cells: socket.socket, watch: Watch) -> None:
        self._control, self._cells, self.watch = control, cells, watch
        self._cells.setblocking(False)
        self._frames = bytearray()
        self._reading = asyncio.Lock()
        self._unread: dict[bool, deque[tuple[int, Message]]] = {True: deque(), False: deque()}  # with their bytes
        self._cell = ""
        self._ended = False
        self.shell_channel, self.iopub_channel = _Channel(self, True), _Channel(self, False)
        self.is_stuck: Callable[[], bool] = lambda: False  # whether a reply need not be waited for any longer

    async def execute(self, code: str, **unused: Any) -> str:
        """Have a cell run; what is heard from now on is taken for its."""
        source = code.encode("utf-8", "surrogatepass")
        self._cell = f"{self._cell}."
        try:
            sending = asyncio.get_running_loop().sock_sendall(self._cells, _LENGTH.pack(len(source)) + source)
            await asyncio.wait_for(sending, _READY_S)
        except (OSError, TimeoutError):
            self._ended = True
        return self._cell

    async def is_alive(self) -> bool:
        """Whether it can run anything more."""
        return not self._ended

    async def interrupt_kernel(self) -> None:
        """Interrupt the cell that runs."""
        with contextlib.suppress(OSError):
            self._control.sendall(b"i")

    async def message(self, is_reply: bool) -> Message | None:
        """The next message that is a reply, or that is none; None when the submission has ended or talks nonsense."""
        wanted = self._unread[is_reply]
        while not wanted and not self._ended:
            if _too_many(self._unread[not is_reply]):
                await asyncio.sleep(_PAUSE_S)  # whoever takes those is slow; where nobody does, our time runs out
                continue
            async with self._reading:
                if not wanted and not self._ended:
                    await self._read()
            await asyncio.sleep(0)
        return wanted.popleft()[1] if wanted else None

    async def _read(self) -> None:
        """Read one message, or find that there will be no more. May be cancelled at any moment, and loses nothing."""
        try:
            while (frame := self._whole_frame()) is None:
                try:
                    part = self._cells.recv(MIB)
                except BlockingIOError:
                    await _readable(self._cells)  # not `sock_recv`: from Python 3.12 on it loses what it has read
                    continue
                if not part:
                    raise wire.WireError("the submission has ended")
                self._frames += part
            said = json.loads(frame)
            if not isinstance(said["msg_type"], str) or not isinstance(said["content"], dict):
                raise wire.WireError("a message that is none")
        except (OSError, wire.WireError, ValueError, KeyError, TypeError, RecursionError):
            self._ended = True
            return
        kind = said["msg_type"]
        parent = {"msg_id": self._cell}
        message = {"msg_type": kind, "header": {"msg_type": kind}, "parent_header": parent, "content": said["content"]}
        self._unread[kind == "execute_reply"].append((len(frame), message))

    def _whole_frame(self) -> bytes | None:
        if len(self._frames) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._frames)
        if length > LARGEST_MESSAGE:
            raise wire.WireError("a message that is too large")
        end = _LENGTH.size + length
        if len(self._frames) < end:
            return None
        frame = bytes(self._frames[_LENGTH.size : end])
        del self._frames[:end]
        return frame


def _too_many(unread: deque[tuple[int, Message]]) -> bool:
    """Whether nothing more is read before some of these were taken: parsed, one takes many times its bytes."""
    return len(unread) > _MOST_UNREAD or sum(size for size, _ in unread) > LARGEST_MESSAGE // 2


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    there = asyncio.Event()
    loop.add_reader(connection, there.set)
    try:
        await there.wait()
    finally:
        loop.remove_reader(connection)


class _Channel:
    """The messages of one kind, as nbclient asks for them."""

    def __init__(self, submission: Submission, is_reply: bool) -> None:
        self._submission, self._is_reply = submission, is_reply

    async def get_msg(self, timeout: float | None = None) -> Message:
        """The next one.

        Raises
        ------
        queue.Empty : none came in time, or the submission has ended and this is where a reply was to be
        """
        until = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            left = until - time.monotonic()
            try:
                message = await asyncio.wait_for(self._submission.message(self._is_reply), max(0.0, min(left, _LOOK_S)))
                break
            except TimeoutError:
                if left <= _LOOK_S or (self._is_reply and self._submission.is_stuck()):
                    raise queue.Empty from None
        if message is not None:
            return message
        if not self._is_reply:
            await asyncio.Event().wait()  # nothing more comes; whoever waits for the reply learns it
        raise queue.Empty


_zygote: Zygote | None = None
_parents: list[Zygote | None] = []  # kept, so that nothing of theirs is cleared away by a process forked from them
_reason = ""


def ready_zygote(limits: Limits, hidden: tuple[str, ...]) -> Zygote | None:
    """This process's zygote for submissions of this kind; None where there is no fast way, see `slow_because`."""
    global _zygote, _reason
    if _zygote and _zygote.lives and (_zygote.limits, _zygote.hidden) == (limits, hidden):
        return _zygote
    end_zygote()
    if not _reason:
        try:
            _zygote = Zygote(limits, hidden)
        except ZygoteError as error:
            _reason = str(error)
    return _zygote


def slow_because() -> str:
    """Why there is no fast way here, as far as it was tried; empty if there is."""
    return _reason


def _leave_to_parent() -> None:
    """A forked process has no zygote yet; its parent's is not its to use, or to end."""
    global _zygote
    _parents.append(_zygote)
    _zygote = None


os.register_at_fork(after_in_child=_leave_to_parent)


@atexit.register
def end_zygote() -> None:
    """End this process's zygote."""
    global _zygote
    if _zygote:
        _zygote.close()
    _zygote = None
