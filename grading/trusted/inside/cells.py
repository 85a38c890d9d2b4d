"""A kernel without sockets: ipykernel's own, of which what it publishes goes over one connection, cell by cell."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
from types import SimpleNamespace
from typing import Any

from ipykernel.debugger import Debugger
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from IPython.core.application import BaseIPythonApplication
from jupyter_client.session import Session, json_packer
from tornado.ioloop import IOLoop

from grading.notebook.steady import steady

_LENGTH = struct.Struct(">I")
_FLUSH_S = 0.2
_FLUSH_SIZE = 2**18
_PIPE_BYTES = 2**16


class _Publisher(Session):
    """Sends each message of the kernel, for whatever channel it was meant, as one frame."""

    def attach(self, connection: socket.socket) -> None:
        self._connection, self._process, self._lock = connection, os.getpid(), threading.Lock()

    def send(
        self,
        stream: Any,
        msg_or_type: Any,
        content: Any = None,
        parent: Any = None,
        ident: Any = None,
        buffers: Any = None,
        track: bool = False,
        header: Any = None,
        metadata: Any = None,
    ) -> Any:
        """As Session has it; a process that the notebook forked sends nothing."""
        message = msg_or_type
        if not isinstance(message, dict):
            message = self.msg(msg_or_type, content=content, parent=parent, metadata=metadata)
        if os.getpid() == self._process:
            frame = json_packer({"msg_type": message["header"]["msg_type"], "content": message["content"]})
            with self._lock:
                self._connection.sendall(_LENGTH.pack(len(frame)) + frame)
        return message


class _Printed(io.TextIOBase):
    """What is printed: sent when it is flushed, or has waited for a moment."""

    encoding = "UTF-8"

    def __init__(self, name: str, number: int, session: _Publisher) -> None:
        self.name, self._number, self._session = name, number, session
        self._process, self._lock = os.getpid(), threading.RLock()
        self._parts: list[str] = []
        self._since, self._size = 0.0, 0

    def fileno(self) -> int:
        return self._number

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        if os.getpid() != self._process:  # a process that the notebook forked
            os.write(self._number, text.encode(errors="replace"))
            return len(text)
        with self._lock:
            self._since = self._since or time.monotonic()
            self._parts.append(text)
            self._size += len(text)
        self.flush_if_late()
        return len(text)

    def flush_if_late(self) -> None:
        if self._size > _FLUSH_SIZE or (self._since and time.monotonic() - self._since > _FLUSH_S):
            self.flush()

    def flush(self) -> None:
        if os.getpid() != self._process:
            return
        with self._lock:
            text, self._parts, self._since, self._size = "".join(self._parts), [], 0.0, 0
            if text:
                self._session.send(None, "stream", {"name": self.name, "text": text})


class _Pipes:
    """What programs and libraries print, past Python's own streams."""

    def __init__(self, streams: dict[int, _Printed]) -> None:
        self._streams: dict[int, _Printed] = {}
        for number, stream in streams.items():
            reading, writing = os.pipe()
            os.dup2(writing, number)
            os.close(writing)
            os.set_blocking(reading, False)
            self._streams[reading] = stream
        self._reading = threading.Lock()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            select.select(list(self._streams), [], [], _FLUSH_S)
            self.read()
            for stream in self._streams.values():
                stream.flush_if_late()

    def read(self) -> None:
        """Take what is there."""
        with self._reading:
            for number, stream in self._streams.items():
                with contextlib.suppress(BlockingIOError):
                    while part := os.read(number, _PIPE_BYTES):
                        stream.write(part.decode(errors="replace"))


class _NoDebugger(Debugger):
    """Nobody debugs what is being marked."""

    def __init__(self, *unused: Any) -> None:
        pass


class Notebook(IPKernelApp):
    """A kernel's application, set up without sockets and threads, so that it can be forked."""

    def initialize(self, argv: Any = None) -> None:
        """Set up all that does not depend on the notebook."""
        BaseIPythonApplication.initialize(self, argv)
        self.init_pdb()
        self.session = _Publisher(parent=self)
        self.init_signal()
        self.init_kernel()
        self.init_path()
        self.init_shell()
        self.init_gui_pylab()
        self.init_extensions()
        self.init_code()

    def init_kernel(self) -> None:
        """Make the kernel; nothing is connected yet."""
        self.kernel = IPythonKernel.instance(
            parent=self,
            session=self.session,
            debugger_class=_NoDebugger,
            shell_channel_thread=SimpleNamespace(parent_thread=threading.main_thread()),
            log=self.log,
            profile_dir=self.profile_dir,
            user_ns=self.user_ns,
        )

    def serve(self, connection: socket.socket) -> None:
        """Run what comes over the connection, cell by cell, until it is closed."""
        self.session.attach(connection)
        self._streams = [_Printed(name, n, self.session) for n, name in ((1, "stdout"), (2, "stderr"))]
        sys.stdout, sys.stderr = self._streams
        self._pipes = _Pipes(dict(enumerate(self._streams, 1)))
        steady(self.shell)
        asyncio.run(self._serve(connection))

    async def _serve(self, connection: socket.socket) -> None:
        self.kernel.io_loop = self.io_loop = IOLoop.current()
        while True:
            await _readable(connection)
            with connection.dup().makefile("rb") as reader:
                head = reader.read(_LENGTH.size)
                if len(head) < _LENGTH.size:
                    return
                code = reader.read(*_LENGTH.unpack(head)).decode()
            await self._run(code)

    async def _run(self, code: str) -> None:
        content = {"code": code, "silent": False, "store_history": True, "stop_on_error": False}
        request = self.session.msg("execute_request", content)
        self.kernel.set_parent([], request)
        saved = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            await self.kernel.execute_request(None, [], request)
        except Exception:
            self.log.error("Exception in message handler:", exc_info=True)
        except KeyboardInterrupt:
            self.log.error("KeyboardInterrupt caught in kernel.")
        finally:
            signal.signal(signal.SIGINT, saved)
            self._pipes.read()
            for stream in self._streams:  # whatever the notebook has put into their place
                stream.flush()
            self.session.send(None, "status", {"execution_state": "idle"})


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    there = asyncio.Event()
    loop.add_reader(connection, there.set)
    try:
        await there.wait()
    finally:
        loop.remove_reader(connection)
