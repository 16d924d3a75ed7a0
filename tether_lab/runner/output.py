"""What a job shows, in order: text, displays, errors.

``sys.stdout`` and ``sys.stderr`` are C text streams over ``_Raw``, which puts bytes into one queue
shared by both, so their order is the order of the writes. The queue is sent

- at once, if no text was sent for a moment (``INTERVAL``) and a line is complete;
- else by a thread that looks ten times a second while a task runs, from the first write on: until it does,
  stdout keeps nothing back;
- by the writer itself when it holds ``BATCH`` bytes, which is what slows down a job that prints
  faster than the supervisor reads: memory stays bounded;
- before a display, an error, a process started by user code, and at the end.

stdout hands over each line, until there are so many of them (``BUSY`` bytes in an interval) that
calling Python for each would show: then only chunks, until it is calmer (``CALM``).

A process forked by user code writes to descriptors 1 and 2 instead.
"""

from __future__ import annotations

import _thread
import base64
import io
import json
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from . import wire
from .signals import Signals

INTERVAL = 0.1
LINGER = 10
"""Looks after the last task before the thread sleeps: to be woken it would take the place of the next task."""
BUSY, CALM = 16 * 1024, 4 * 1024
BATCH = 256 * 1024
LARGEST_DISPLAY = 64 * 1024 * 1024
STARTS_PROCESS = frozenset({"subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "os.exec",
                            "pty.spawn"})
_MODEL_ONLY = "application/vnd.jupyter.widget-view+json"
_NO_WIDGETS = "a widget is shown as text: widgets live in the kernel that made them"

_Item = tuple[str, bytes] | wire.FromJob


class Sender(Protocol):
    """Where frames go: a ``Channel``."""

    def send(self, data: bytes) -> None: ...


class _Nobody:
    """Hears nothing."""

    def send(self, data: bytes) -> None:
        """Forget it."""


NOBODY = _Nobody()


class Output:
    """The one way out of a job process. Any thread may write. ``looks`` is called ten times a second while a
    task runs. Made before the fork; it goes nowhere until it is installed."""

    def __init__(self, signals: Signals) -> None:
        self._channel: Sender = NOBODY
        self._signals = signals
        self._items: deque[_Item] = deque()
        self._waiting = self._written = 0
        self._sent_at = 0.0
        self._by_line = True
        self._lock = threading.Lock()
        self._sender: int | None = None
        self._running = threading.Event()
        self._thread: int | None = None
        self._starting = threading.Lock()
        self.forked = self._forking = self._has_told = self._busy = False
        self.looks: Callable[[], None] = lambda: None
        self.stdout = _text_stream(_Raw(self, "stdout", 1))
        self.stderr = _text_stream(_Raw(self, "stderr", 2))

    def install(self, channel: Sender) -> None:
        """Become the process's output. Once per process."""
        self._channel = channel
        for name, stream in (("stdout", self.stdout), ("stderr", self.stderr)):
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
        os.register_at_fork(before=self._before_fork, after_in_parent=self._after_fork_in_parent,
                            after_in_child=self._after_fork_in_child)
        sys.addaudithook(self._on_audit)

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """What is written inside is sent to nobody, and leaves nothing behind."""
        channel, self._channel = self._channel, NOBODY
        try:
            yield
            self.flush()
        finally:
            self._channel = channel
            self._written, self._sent_at = 0, 0.0

    def restore(self) -> None:
        """Undo what user code assigned to sys.stdout and sys.stderr (warm processes)."""
        sys.stdout, sys.stderr = self.stdout, self.stderr

    def begin(self) -> None:
        """A task starts: its output is looked after from now on."""
        self._busy, self._has_told = True, False
        if self._thread is not None and not self._running.is_set():
            self._running.set()

    def look_on(self) -> None:
        """Something is kept back: have a thread look ten times a second, if none does."""
        if self.forked or self._channel is NOBODY or not self._starting.acquire(blocking=False):
            return                     # another thread writes for the first time, too
        self._running.set()
        try:
            self._thread = _thread.start_new_thread(self._look, ())   # threading's waits until it runs
        except RuntimeError:           # no more threads allowed: what is written is sent as it is
            self._starting.release()

    def end(self) -> None:
        """The task is over: what it wrote goes with its ending."""
        self._collect()

    def rest(self) -> None:
        """Nothing to do for now: send what is left, and look no more before long."""
        self.flush()
        self._busy = False

    # -- in ------------------------------------------------------------------------------------

    def write(self, name: str, data: bytes) -> None:
        """Queue text, UTF-8."""
        if self._thread is None:
            self.look_on()
        size = len(data)
        self._written += size
        if name == "stderr":
            self._collect()
        if size >= BATCH:
            self._write_long(name, data)
            return
        self._items.append((name, data))
        self._waiting += size
        if self._waiting >= BATCH or (
                data.endswith(b"\n") and time.monotonic() - self._sent_at >= INTERVAL):
            self._send_queue()

    def _write_long(self, name: str, data: bytes) -> None:
        """In slices, cut between characters, so that nothing of that size is copied whole."""
        start, view = 0, memoryview(data)
        while start < len(view):
            end = start + BATCH
            while start + 4 < end < len(view) and view[end] & 0xC0 == 0x80:
                end -= 1
            self._items.append((name, bytes(view[start:end])))
            self._send_queue()
            start = end

    def send(self, message: wire.FromJob) -> None:
        """Send a frame, after everything that was written before it."""
        if self.forked:
            return
        self._collect()
        self._items.append(message)
        self._send_queue()

    def post(self, message: wire.FromJob) -> None:
        """Send a frame with whatever is sent next: at the latest when the process rests."""
        self._collect()
        self._items.append(message)

    def display(self, kind: str, data: Mapping[str, Any], metadata: Mapping[str, Any] | None = None,
                display_id: str | None = None) -> None:
        """Send rich output; see ``wire.Display``. One that is too large is replaced by a notice."""
        if self.forked:
            with suppress(OSError):
                self._collect()
                os.write(1, f"{data.get('text/plain', '')}\n".encode(errors="backslashreplace"))
            return
        if _MODEL_ONLY in data and not self._has_told:
            self._has_told = True
            self.send(wire.Note("warning", json.dumps({"text": _NO_WIDGETS})))
        kept = {mime: _plain(value) for mime, value in data.items() if mime != _MODEL_ONLY}
        size = sum(len(value) for value in kept.values() if isinstance(value, str))
        if size > LARGEST_DISPLAY:
            kept = {"text/plain": f"[output of {size / 1e6:.0f} MB not kept]"}
        if not kept:
            return
        self.send(wire.Display(kind, kept, dict(_plain(metadata or {})), display_id))

    # -- out -----------------------------------------------------------------------------------

    def flush(self) -> None:
        """Send all that was written."""
        self._collect()
        self._send_queue()

    def _collect(self) -> None:
        """Have stdout hand over what it holds: a line that is not complete yet."""
        try:
            self.stdout.flush()
        except ValueError:             # user code closed it
            return

    def _send_queue(self) -> None:
        """Send all that is queued. Nothing happens if this very thread is sending already: that is
        a print in a signal handler or a finaliser, and the send under way takes it along."""
        me = threading.get_ident()
        if self.forked or self._sender == me:
            return
        with self._signals.shield, self._lock:
            self._sender = me
            try:
                self._drain()
            finally:
                self._sender = None

    def _drain(self) -> None:
        items = self._items
        while items:
            frames, size = bytearray(), 0
            name, parts = "", list[bytes]()
            while items and size < BATCH:
                item = items.popleft()
                if isinstance(item, tuple):
                    if item[0] != name and parts:
                        frames += _stream(name, parts)
                        parts = []
                    name = item[0]
                    parts.append(item[1])
                    size += len(item[1])
                    continue
                if parts:
                    frames += _stream(name, parts)
                    parts = []
                frames += _encode(item)
            if parts:
                frames += _stream(name, parts)
            if size:
                self._sent_at = time.monotonic()
            self._channel.send(bytes(frames))
        self._waiting = 0

    def _look(self) -> None:
        rested = 0
        with suppress(ValueError):
            self.stdout.reconfigure(line_buffering=True, write_through=False)
        while self._running.wait():
            time.sleep(INTERVAL)
            self._adapt()
            self.looks()
            self.flush()
            rested = 0 if self._busy else rested + 1
            if rested == LINGER:
                rested = 0
                self._running.clear()
                if self._busy:         # a task began just now, and took it that we look
                    self._running.set()

    def _adapt(self) -> None:
        written, self._written = self._written, 0
        if (written > BUSY) == self._by_line and not CALM <= written <= BUSY:
            self._by_line = not self._by_line
            with suppress(ValueError):
                self.stdout.reconfigure(line_buffering=self._by_line)

    @property
    def threads(self) -> frozenset[int]:
        """Idents of threads of ours; they show among those of ``threading`` if user code asks in them."""
        return frozenset() if self._thread is None else frozenset({self._thread})

    # -- processes started by user code ---------------------------------------------------------

    def _on_audit(self, event: str, _arguments: tuple[object, ...]) -> None:
        if event in STARTS_PROCESS and not self.forked:
            self.flush()

    def _before_fork(self) -> None:
        self.flush()
        me = threading.get_ident()
        if self._sender != me:
            self._lock.acquire()
            # A warning about the fork itself may be written while the lock is held: it waits.
            self._sender, self._forking = me, True
        self._signals.before_fork()

    def _after_fork_in_parent(self) -> None:
        self._signals.let_through()
        if self._forking:
            self._sender, self._forking = None, False
            self._lock.release()

    def _after_fork_in_child(self) -> None:
        self.forked = True
        self._items.clear()
        self._lock, self._sender, self._forking = threading.Lock(), None, False
        with suppress(ValueError):     # a line in one piece: others write to the same pipe
            self.stdout.reconfigure(line_buffering=True, write_through=False)
        self._signals.after_fork()


class _Raw(io.RawIOBase):
    """The byte side of sys.stdout or sys.stderr."""

    def __init__(self, output: Output, name: str, descriptor: int) -> None:
        self._output, self._stream, self._descriptor = output, name, descriptor

    @property
    def name(self) -> str:
        return f"<{self._stream}>"

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: Any) -> int:
        """All of it, always."""
        content = data if type(data) is bytes else bytes(data)
        if self._output.forked:
            view = memoryview(content)
            while view:
                view = view[os.write(self._descriptor, view):]
        elif content:
            self._output.write(self._stream, content)
        return len(content)


def _text_stream(raw: _Raw) -> io.TextIOWrapper:
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", newline="\n", write_through=True)


def _stream(name: str, parts: list[bytes]) -> bytes:
    text = b"".join(parts).decode("utf-8", "replace")
    return wire.frame(wire.Stream(name, overwritten(text) if "\r" in text else text))


def _encode(message: wire.FromJob) -> bytes:
    try:
        data = wire.frame(message)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        if not isinstance(message, wire.Display):
            raise
        return wire.frame(wire.Display(message.kind, {
            "text/plain": f"[output not kept: {error}]"}, {}, message.display_id))
    if len(data) > wire.LONGEST:
        return wire.frame(wire.Stream("stderr", f"[output of {len(data) / 1e6:.0f} MB not kept]\n"))
    return data


def _plain(value: Any) -> Any:
    """A MIME bundle's value as nbformat stores it."""
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if type(value) in (bool, int, float, type(None)):
        return value
    if hasattr(value, "tolist"):       # numpy's numbers and arrays
        return value.tolist()
    return float(value) if isinstance(value, float) else int(value) if isinstance(value, int) else str(value)


def overwritten(text: str) -> str:
    r"""Text with lines that ``\r`` overwrote reduced to what a terminal shows of them.

    The last, unfinished piece keeps its ``\r``: text to come may overwrite it. Lines with escape
    sequences stay as they are, their width is not known.
    """
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if "\r" not in line or "\x1b" in line:
            continue
        body = line.rstrip("\r")
        tail = line[len(body):][:1]
        first, *later = body.split("\r")
        if not later:
            continue
        shown = later[0]
        for piece in later[1:]:
            shown = piece + shown[len(piece):]
        lines[number] = (first if len(first) > len(shown) else "") + "\r" + shown + tail
    return "\n".join(lines)
