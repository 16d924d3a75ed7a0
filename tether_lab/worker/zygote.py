"""One zygote: the process that job processes of one interpreter are forked from.

Started from the supervisor's main thread (parent-death signals follow the thread). It leads a
process group of its own, so that Ctrl-C in a terminal reaches the supervisor alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import time
from collections import deque
from pathlib import Path

from tether_lab.errors import InterpreterMissing
from tether_lab.job import Interpreter
from tether_lab.runner import wire

from .spawn import scrubbed

LAST_WORDS = 8192
FRAME_FD = 3
DEFAULTED = (signal.SIGHUP, signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGXFSZ)


def check(interpreter: Interpreter) -> None:
    """Raise InterpreterMissing if this Python cannot be started any more."""
    if not os.access(interpreter.executable, os.X_OK):
        raise InterpreterMissing(
            f"the Python of this handler is gone: {interpreter.executable}",
            remedy="Restore that environment, or register the handler again from one that exists.",
            where=interpreter.executable)


def environment() -> dict[str, str]:
    """The environment of zygotes: scrubbed, and able to import this very package."""
    kept = scrubbed(os.environ)
    kept.pop("TETHER_LAB_FAULT", None)
    return kept


def launch(interpreter: Interpreter, module: str, arguments: tuple[str, ...],
           descriptors: dict[int, int]) -> int:
    """Start ``module`` in that interpreter, ``descriptors`` mapping its numbers to ours. The pid."""
    check(interpreter)
    copies = {target: fcntl.fcntl(ours, fcntl.F_DUPFD_CLOEXEC, 100) for target, ours in descriptors.items()}
    try:
        actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)]
        moves = [(os.POSIX_SPAWN_DUP2, ours, target) for target, ours in copies.items()]
        return os.posix_spawn(
            interpreter.executable, [interpreter.executable, "-P", "-m", module, *arguments],
            environment(), file_actions=[*actions, *moves], setsid=True, setsigmask=[],
            setsigdef=DEFAULTED)
    except OSError as error:
        raise InterpreterMissing(f"{interpreter.executable} does not start: {error.strerror}",
                                 remedy="Repair that environment, or register the handler again.",
                                 where=interpreter.executable) from error
    finally:
        for copy in copies.values():
            os.close(copy)


class Zygote:
    """A running zygote (or ``module``, which speaks like one). ``ready`` after its first frame; ``dead``
    once its socket has ended."""

    def __init__(self, interpreter: Interpreter, module: str = "tether_lab.runner.zygote",
                 arguments: tuple[str, ...] = ()) -> None:
        self.interpreter = interpreter
        self.hello: wire.Hello | None = None
        self.loaded: frozenset[str] = frozenset()
        self.dead = self.retiring = False
        self.status: int | None = None     # as wait() gives it
        self._said = bytearray()
        self._socket, theirs = socket.socketpair()
        self.words, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            self.pid = launch(interpreter, module,
                              ("--fd", str(FRAME_FD), "--protocol", str(wire.PROTOCOL), *arguments),
                              {FRAME_FD: theirs.fileno(), 1: writing, 2: writing})
        except InterpreterMissing:
            self._socket.close()
            os.close(self.words)
            raise
        finally:
            theirs.close()
            os.close(writing)
        self._socket.setblocking(False)
        self._frames = wire.Frames(wire.FROM_ZYGOTE)
        self._outbox: deque[tuple[bytes, tuple[int, ...]]] = deque()

    @property
    def ready(self) -> bool:
        return self.hello is not None and not self.dead

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, message: wire.ToZygote, descriptors: tuple[int, ...] = ()) -> None:
        """Send a frame; ``descriptors`` are duplicated for it at once and closed when they are through."""
        self._outbox.append((wire.frame(message), tuple(os.dup(d) for d in descriptors)))
        self.flush()

    @property
    def writing(self) -> bool:
        return bool(self._outbox)

    def flush(self) -> None:
        while self._outbox and not self.dead:
            data, descriptors = self._outbox.popleft()
            try:
                sent = socket.send_fds(self._socket, [data], descriptors)
            except BlockingIOError:
                self._outbox.appendleft((data, descriptors))
                return
            except OSError:
                self.dead, sent = True, len(data)
            for descriptor in descriptors:
                os.close(descriptor)
            if sent < len(data):
                self._outbox.appendleft((data[sent:], ()))

    def read(self) -> list[wire.FromZygote]:
        """What it said; sets ``dead`` at the end of the file."""
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self.dead = True
            return []
        try:
            return self._frames.feed(data)
        except ValueError:
            self.dead = True
            return []

    def read_words(self) -> str:
        """What it printed since last asked (its own errors; jobs have pipes of their own)."""
        try:
            data = os.read(self.words, 65536)
        except (BlockingIOError, OSError):
            return ""
        self._said = (self._said + data)[-LAST_WORDS:]
        return data.decode(errors="replace")

    @property
    def last_words(self) -> str:
        while self.read_words():
            pass
        return self._said.decode(errors="replace").strip()

    def was_killed(self) -> bool:
        """Its socket has ended: did a signal end it, or did it give up by itself?"""
        deadline = time.monotonic() + 0.2
        while self.status is None and time.monotonic() < deadline:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                break
            if pid:
                self.status = status
            else:
                time.sleep(0.005)
        return self.status is not None and os.WIFSIGNALED(self.status)

    def kill(self) -> None:
        if self.status is None:            # else its number may be somebody else's by now
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        for _, descriptors in self._outbox:
            for descriptor in descriptors:
                os.close(descriptor)
        self._outbox.clear()
        self._socket.close()
        os.close(self.words)


def children() -> list[int]:
    """The processes whose parent is this one (also orphans that it adopted as their subreaper)."""
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            found += [int(pid) for pid in (task / "children").read_text().split()]
    return found


def adopt_orphans() -> None:
    """Become the parent of what a dead zygote leaves (PR_SET_CHILD_SUBREAPER), so that it can be ended."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
