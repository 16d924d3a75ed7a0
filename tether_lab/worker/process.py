"""One process that runs attempts, as the supervisor sees it: a control socket, three pipes, a pid."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable

from tether_lab.runner import wire

CHUNK = 256 * 1024
RESTED = 0.01
"""Seconds after a job in which a process is still ready for the next one."""


class Process:
    """A job process: forked by a zygote, or a spare started for one job.

    ``pid`` is None until the zygote has told it; signals sent before are kept until then. ``exited``
    is what the kernel said about its end. All descriptors here are non-blocking.
    """

    def __init__(self, token: int, *, warm: bool, greets: bool = False,
                 far: Callable[[int, bool], None] | None = None) -> None:
        self.token, self.warm = token, warm
        self.far = far             # how signals reach a process of another machine: (number, to its group)
        self.greeted = not greets  # until it has said hello nothing is sent to it
        self.mismatch: int | None = None
        self.jobs = self.used = 0  # resident bytes, of a far one as it was last told
        self.heard_at = time.monotonic()       # when it last said anything
        self.kept_at = 0.0         # monotonic: when it was laid by, if it is warm and rests
        self.pid: int | None = None
        self.exited: wire.Exited | None = None
        self.gone = False          # its zygote died: nobody will tell how it ended
        self.channel_lost = False
        self.partial = False       # the last read found something: there may be more
        self._control, control = socket.socketpair()
        self.stdout, stdout = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.stderr, stderr = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.stack, stack = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        for end in (stdout, stderr):
            os.set_blocking(end, True)
        self._control.setblocking(False)
        self.theirs: tuple[int, ...] = (control.detach(), stdout, stderr, stack)
        self._ahead = self._behind = None      # the two ends of the socket with tickets of jobs ahead
        self._handed: list[wire.More] = []     # jobs ahead that it was not told of yet
        self._stale = False                    # it was told of some that were taken back
        self.recalled: list[int] = []          # jobs ahead, taken back before it was signalled
        self.spoiled = False       # a signal was meant for one of its jobs: another one may have met it
        if warm and far is None:
            self._ahead, self._behind = socket.socketpair()
            self._ahead.setblocking(False)
            self.theirs += (self._behind.fileno(),)
        self._frames = wire.Frames(wire.FROM_JOB)
        self._outbox = bytearray()
        self._signals: list[int] = []

    def handed_over(self) -> None:
        """The other side has its ends: close our copies, or an end of file would never come."""
        for descriptor in self.theirs[:4]:     # the fifth is ours as well: to take back what lies there
            os.close(descriptor)
        self.theirs = ()

    @property
    def control(self) -> int:
        return self._control.fileno()

    @property
    def writing(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._outbox) and self.greeted

    def send(self, message: wire.ToJob) -> None:
        self._outbox += wire.frame(message)
        self.flush()

    @property
    def takes_ahead(self) -> bool:
        """Whether jobs can be handed to it ahead."""
        return self._ahead is not None

    def hand(self, more: wire.More) -> bool:
        """Give it a job ahead, with the next ``send_ahead``; False if it takes none."""
        if self._ahead is None or self.spoiled or not self.greeted or self.channel_lost:
            return False
        self._handed.append(more)
        return True

    def send_ahead(self) -> bool:
        """Tell it of the jobs that it was handed, and let it have their tickets; False if there are none."""
        if not self._handed or self._ahead is None:
            return False
        jobs, self._handed = self._handed, []
        self.send(wire.Ahead(tuple(jobs), self._stale))
        self._stale = False
        data = wire.tickets([more.job_id for more in jobs])
        try:
            whole = self._ahead.send(data) == len(data)
        except OSError:
            whole = False
        if not whole:              # a few hundred bytes found no room: it is no process that can go on
            self.kill()
        return True

    def rouse(self) -> None:
        """It rests, and a job may come: have it make itself ready. Just after another one it is."""
        if self.takes_ahead and time.monotonic() > self.kept_at + RESTED:
            self.send(wire.Rouse())

    def take_back(self) -> list[int]:
        """The ids of the jobs ahead that it had not taken: they are not its any more."""
        found: list[int] = []
        if self._behind is not None:
            with contextlib.suppress(OSError):
                while data := self._behind.recv(CHUNK, socket.MSG_DONTWAIT):
                    found += wire.ids_of(data)
        self._stale = self._stale or bool(found)
        found += [more.job_id for more in self._handed]
        self._handed.clear()
        return found

    def flush(self) -> None:
        """Send what fits now."""
        try:
            while self._outbox and self.greeted:
                sent = self._control.send(memoryview(self._outbox)[:CHUNK])
                del self._outbox[:sent]
        except BlockingIOError:
            return
        except OSError:
            self._outbox.clear()   # its end shows as an end of file

    def read(self) -> list[wire.FromJob]:
        """Messages that came, at most a chunk's worth. Sets ``channel_lost`` at the end of the file,
        or when what came is no message."""
        self.partial = False
        try:
            data = self._control.recv(CHUNK)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self.channel_lost = True
            return []
        self.partial, self.heard_at = True, time.monotonic()
        try:
            messages: list[wire.FromJob] = self._frames.feed(data)
        except ValueError:         # also what msgspec raises: user code wrote into the channel
            self.channel_lost = True
            return []
        if not self.greeted and messages and isinstance(messages[0], wire.Hello):
            self._greet(messages[0])
        return messages

    def _greet(self, hello: wire.Hello) -> None:
        if hello.protocol == wire.PROTOCOL:
            self.greeted = True
            self.flush()
        else:
            self.mismatch = hello.protocol
            self.kill()

    def started_as(self, pid: int) -> None:
        self.pid = pid
        for number in self._signals:
            self.signal(number)
        self._signals.clear()

    def signal(self, number: int) -> None:
        """To the process alone. What is meant for its job must not meet another one: take back first."""
        if number != signal.SIGUSR1:
            self._spoil()
        if self.pid is None:
            self._signals.append(number)
        elif self.far is not None:
            self.far(number, False)
        elif self.exited is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _spoil(self) -> None:
        self.recalled += self.take_back()
        self.spoiled = True

    def kill(self) -> None:
        """SIGKILL to its whole group; its zygote sweeps what has left the group."""
        self._spoil()
        if self.pid is None:
            self._signals.append(signal.SIGKILL)
        elif self.far is not None:
            self.far(signal.SIGKILL, True)
        elif self.exited is None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                self.signal(signal.SIGKILL)      # not yet a group of its own

    def close(self) -> None:
        """Close everything; an idle process takes the end of its control socket as its own."""
        self.handed_over()
        self._control.close()
        if self._ahead is not None and self._behind is not None:
            self._ahead.close()
            self._behind.close()
        for descriptor in (self.stdout, self.stderr, self.stack):
            os.close(descriptor)
