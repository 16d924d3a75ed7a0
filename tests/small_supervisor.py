"""A supervisor small enough to read: it drives a real zygote or spare over real sockets."""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tether_lab.runner import wire

DEADLINE = 30.0
MEMORY = 8 * 10**9


class SmallZygote:
    """A running zygote: ``fork`` gives a job process; ``close`` ends it and everything below it."""

    def __init__(self, blobs: Path, executor: str = "", **environ: str) -> None:
        """``executor``: a bridge to it in place of a zygote; it takes every place for another machine's."""
        ours, theirs = socket.socketpair()
        self.blobs, self.control, self.far = blobs, ours, bool(executor)
        module, arguments = "tether_lab.runner.zygote", ()
        if executor:
            module = "tether_lab.executors.bridge"
            arguments = ("--executor", executor, "--places", "2", "--run", str(blobs), "--far")
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, "--fd", str(theirs.fileno()), *arguments],
                pass_fds=[theirs.fileno()], env=os.environ | environ, cwd="/")
        if not executor:           # whose clients' threads take address space that they never use
            resource.prlimit(self.process.pid, resource.RLIMIT_AS, (MEMORY, MEMORY))   # for its jobs too
        self._frames = wire.Frames(wire.FROM_ZYGOTE)
        self.heard: list[Any] = []
        self._token = 0
        self.hello = self.wait(wire.Hello)
        if executor:
            self.wait(wire.Places, count=2, within=60)

    def read(self, timeout: float = 0.0) -> None:
        if select.select([self.control], [], [], timeout)[0]:
            self.heard += self._frames.feed(self.control.recv(1 << 16))

    def wait(self, kind: type, *, within: float = DEADLINE, **wanted: Any) -> Any:
        """The first message of this kind with these fields."""
        deadline = time.monotonic() + within
        while True:
            for message in self.heard:
                if isinstance(message, kind) and all(getattr(message, k) == v for k, v in wanted.items()):
                    return message
            assert time.monotonic() < deadline, f"no {kind.__name__} {wanted} in {self.heard}"
            self.read(0.05)

    def send(self, message: Any, descriptors: tuple[int, ...] = ()) -> None:
        socket.send_fds(self.control, [wire.frame(message)], descriptors)

    def fork(self, *, warm: bool = False) -> SmallProcess:
        self._token += 1
        process = SmallProcess(self._token, self)
        self.send(wire.Fork(self._token, warm), process.theirs)
        process.handed_over()
        return process

    def run(self, source: str, **more: Any) -> SmallProcess:
        """A cell (or what ``more`` says), run to its end in a process of its own."""
        process = self.fork()
        process.task(source, **more)
        return process.finish()

    def close(self) -> None:
        self.control.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)


@dataclass
class SmallProcess:
    """One job process and all that it said, in the order in which it came."""

    token: int
    zygote: SmallZygote | None
    said: list[Any] = field(default_factory=list)
    pipes: dict[str, bytes] = field(default_factory=lambda: {"stdout": b"", "stderr": b"", "stack": b""})
    exited: wire.Exited | None = None

    def __post_init__(self) -> None:
        self.control, control = socket.socketpair()
        self._ends = {name: os.pipe() for name in self.pipes}
        for name in ("stack",):
            os.set_blocking(self._ends[name][1], False)
        self.theirs = (control.detach(), *(write for _, write in self._ends.values()))
        self._frames = wire.Frames(wire.FROM_JOB)
        self._open = {self.control.fileno(): "control",
                      **{read: name for name, (read, _) in self._ends.items()}}

    def handed_over(self) -> None:
        for descriptor in self.theirs:
            os.close(descriptor)
        self.theirs = ()

    @property
    def pid(self) -> int:
        assert self.zygote is not None
        return self.zygote.wait(wire.Forked, token=self.token).pid

    def task(self, source: str, *, kind: str = "cell", job_id: int = 1, **more: Any) -> None:
        fields: dict[str, Any] = {
            "uuid": "u", "epoch": 1, "attempt": 1, "max_attempts": 3, "key": "k", "version": "v",
            "parameters": "{}", "payload": "{}", "manifest": "{}", "options": "{}",
            "blob_folder": str(self.zygote.blobs if self.zygote else "/nonexistent"), "blobs": {},
            "folder": ""}
        self.control.sendall(wire.frame(wire.Task(job_id=job_id, kind=kind, source=source,
                                                  **(fields | more))))

    def read(self, timeout: float = 0.0) -> bool:
        """Read what is there, the pipes first. False: everything has ended."""
        if not self._open:
            return False
        ready, _, _ = select.select(list(self._open), [], [], timeout)
        for descriptor in sorted(ready, key=lambda d: self._open[d] == "control"):
            name = self._open[descriptor]
            try:
                data = os.read(descriptor, 1 << 20)
            except ConnectionResetError:
                data = b""
            if not data:
                del self._open[descriptor]
            elif name == "control":
                self.said += self._frames.feed(data)
            else:
                self.pipes[name] = (self.pipes[name] + data)[-1_000_000:]
        return bool(self._open)

    def wait(self, kind: type, *, within: float = DEADLINE, **wanted: Any) -> Any:
        """The first frame of this kind with these fields."""
        deadline = time.monotonic() + within
        while True:
            for message in self.said:
                if isinstance(message, kind) and all(getattr(message, k) == v for k, v in wanted.items()):
                    return message
            assert time.monotonic() < deadline, f"no {kind.__name__} {wanted} in {self.said} {self.pipes}"
            assert self.read(0.05) or self.of(kind), f"ended: {self.said} {self.pipes}"

    def finish(self, within: float = DEADLINE) -> SmallProcess:
        """Read to the end of the process and take its status."""
        deadline = time.monotonic() + within
        while self.read(0.2):
            assert time.monotonic() < deadline, f"still there: {self.said[-5:]} {self.pipes}"
        if self.zygote is not None:
            self.exited = self.zygote.wait(wire.Exited, token=self.token)
        self.close()
        return self

    def close(self) -> None:
        self.handed_over()
        self.control.close()
        for read, _ in self._ends.values():
            try:
                os.close(read)
            except OSError:
                continue
        self._ends = {}

    def signal(self, number: int) -> None:
        if self.zygote is not None and self.zygote.far and self.pid:
            self.zygote.send(wire.Signal(self.token, number))
            return
        with suppress(ProcessLookupError):     # it just ended
            os.kill(self.pid, number)

    def kill(self) -> None:
        if self.zygote is not None and self.zygote.far and self.pid:
            self.zygote.send(wire.Signal(self.token, signal.SIGKILL, True))
            return
        os.killpg(self.pid, signal.SIGKILL)

    # -- what it said ------------------------------------------------------------------------------

    def of(self, kind: type) -> list[Any]:
        return [message for message in self.said if isinstance(message, kind)]

    def text(self, name: str = "stdout") -> str:
        return "".join(m.text for m in self.of(wire.Stream) if m.name == name)

    @property
    def ended(self) -> wire.Ended:
        (ended,) = self.of(wire.Ended)
        return ended
