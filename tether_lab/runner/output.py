"""What a job shows, in order: text, displays, errors.

``sys.stdout`` and ``sys.stderr`` are C text streams that write through to ``_Raw``, which puts bytes
into one queue shared by both, so their order is the order of the writes. The queue is sent

- at once, if nothing was sent for a moment (``INTERVAL``) and a line is complete;
- else by a thread that lives only when needed, an interval after the last time;
- by the writer itself when it holds ``BATCH`` bytes, which is what slows down a job that prints
  faster than the supervisor reads: memory stays bounded;
- before a display, an error, a process started by user code, and at the end.

A process forked by user code writes to descriptors 1 and 2 instead.
"""

from __future__ import annotations

import base64
import io
import os
import sys
import threading
import time
from _queue import SimpleQueue
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from . import wire
from .channel import Channel
from .signals import Signals

INTERVAL = 0.1
SETTLE = 0.002
BATCH = 256 * 1024
LARGEST_DISPLAY = 64 * 1024 * 1024
STARTS_PROCESS = frozenset({"subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "os.exec",
                            "pty.spawn"})
_MODEL_ONLY = "application/vnd.jupyter.widget-view+json"

_Item = tuple[str, bytes] | wire.FromJob


class Output:
    """The one way out of a job process. Any thread may write."""

    def __init__(self, channel: Channel, signals: Signals) -> None:
        self._channel, self._signals = channel, signals
        self._items: deque[_Item] = deque()
        self._waiting = 0
        self._scheduled = False
        self._sent_at = 0.0
        self._lock = threading.Lock()
        self._sender: int | None = None
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self.forked = False
        self.stdout = _text_stream(_Raw(self, "stdout", 1))
        self.stderr = _text_stream(_Raw(self, "stderr", 2))

    def install(self) -> None:
        """Become the process's output. Once per process."""
        for name, stream in (("stdout", self.stdout), ("stderr", self.stderr)):
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
        os.register_at_fork(before=self._before_fork, after_in_parent=self._after_fork_in_parent,
                            after_in_child=self._after_fork_in_child)
        sys.addaudithook(self._on_audit)

    def restore(self) -> None:
        """Undo what user code assigned to sys.stdout and sys.stderr (warm processes)."""
        sys.stdout, sys.stderr = self.stdout, self.stderr

    # -- in ------------------------------------------------------------------------------------

    def write(self, name: str, data: bytes) -> None:
        """Queue text, UTF-8."""
        if len(data) >= BATCH:
            self._write_long(name, data)
            return
        self._items.append((name, data))
        self._waiting += len(data)
        if self._waiting >= BATCH:
            self.flush()
        elif not self._scheduled:
            self._schedule(data)

    def _write_long(self, name: str, data: bytes) -> None:
        """In slices, cut between characters, so that nothing of that size is copied whole."""
        start, view = 0, memoryview(data)
        while start < len(view):
            end = start + BATCH
            while start + 4 < end < len(view) and view[end] & 0xC0 == 0x80:
                end -= 1
            self._items.append((name, bytes(view[start:end])))
            self.flush()
            start = end

    def send(self, message: wire.FromJob) -> None:
        """Send a frame, after everything that was written before it."""
        if self.forked:
            return
        self._items.append(message)
        self.flush()

    def display(self, kind: str, data: Mapping[str, Any], metadata: Mapping[str, Any] | None = None,
                display_id: str | None = None) -> None:
        """Send rich output; see ``wire.Display``. One that is too large is replaced by a notice."""
        if self.forked:
            with suppress(OSError):
                os.write(1, f"{data.get('text/plain', '')}\n".encode(errors="backslashreplace"))
            return
        kept = {mime: _plain(value) for mime, value in data.items() if mime != _MODEL_ONLY}
        size = sum(len(value) for value in kept.values() if isinstance(value, str))
        if size > LARGEST_DISPLAY:
            kept = {"text/plain": f"[output of {size / 1e6:.0f} MB not kept]"}
        if not kept:
            return
        shown = dict(_plain(metadata or {}))
        self.send(wire.Display(kind, kept, shown, display_id))

    # -- out -----------------------------------------------------------------------------------

    def flush(self) -> None:
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
        self._scheduled = False
        self._sent_at = time.monotonic()
        while self._items:
            frames, size = bytearray(), 0
            name, parts = "", list[bytes]()
            while self._items and size < BATCH:
                item = self._items.popleft()
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
            self._waiting = max(0, self._waiting - size)
            self._channel.send(bytes(frames))
        self._waiting = 0

    def _schedule(self, data: bytes) -> None:
        quiet = time.monotonic() - self._sent_at >= INTERVAL
        if quiet and data.endswith(b"\n"):
            self.flush()
            return
        self._scheduled = True
        if self._thread is None:
            self._thread = threading.Thread(target=self._send_later, name="tether-output", daemon=True)
            self._thread.start()
        self._wake.put(None)

    def _send_later(self) -> None:
        while True:
            self._wake.get()
            time.sleep(max(SETTLE, self._sent_at + INTERVAL - time.monotonic()))
            self.flush()

    @property
    def threads(self) -> frozenset[int]:
        """Idents of threads of ours."""
        ident = self._thread.ident if self._thread is not None else None
        return frozenset() if ident is None else frozenset({ident})

    # -- processes started by user code ---------------------------------------------------------

    def _on_audit(self, event: str, _arguments: tuple[object, ...]) -> None:
        if event in STARTS_PROCESS and self._items:
            self.flush()

    def _before_fork(self) -> None:
        self.flush()
        if self._sender != threading.get_ident():
            self._lock.acquire()

    def _after_fork_in_parent(self) -> None:
        if self._sender != threading.get_ident():
            self._lock.release()

    def _after_fork_in_child(self) -> None:
        self.forked = True
        self._items.clear()
        self._lock, self._sender = threading.Lock(), None
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
        if self.closed:
            raise ValueError("I/O operation on closed file")
        content = data if type(data) is bytes else bytes(data)
        if self._output.forked:
            view = memoryview(content)
            while view:
                view = view[os.write(self._descriptor, view):]
        elif content:
            self._output.write(self._stream, content)
        return len(content)

    def flush(self) -> None:
        """Nothing is held back here; text reaches readers within INTERVAL anyway."""


def _text_stream(raw: _Raw) -> io.TextIOWrapper:
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", newline="\n",
                            write_through=True)


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
    if value is None or isinstance(value, bool | int | float):
        return value
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)


def overwritten(text: str) -> str:
    r"""Text with lines that ``\r`` overwrote reduced to what a terminal shows of them.

    The last, unfinished piece keeps its ``\\r``: text to come may overwrite it. Lines with escape
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
