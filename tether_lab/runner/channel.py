"""The control socket of a job process: frames out, tasks in."""

from __future__ import annotations

import _socket
import contextlib
import fcntl
import os
import select
import socket
from typing import NoReturn

from . import wire

HIGH = 900
"""Descriptors of ours lie here, out of the way of loops like ``for fd in range(3, 256)`` and of
numbers that user code gets from ``open``."""

TAKE, LOOK = int(socket.MSG_DONTWAIT), int(socket.MSG_DONTWAIT | socket.MSG_PEEK)
"""How a ticket is read. Plain numbers: to combine the enums takes longer than the call."""


def lift(descriptor: int) -> int:
    """Move a descriptor out of the way, closed on exec. Its new number; the old one is closed."""
    try:
        high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, HIGH)
    except OSError:                    # a limit of fewer descriptors than that
        high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 64)
    os.close(descriptor)
    return high


class Channel:
    """The job's end of the control socket. Not locked: ``output`` lets one thread send at a time."""

    def __init__(self, descriptor: int, ahead: int | None = None) -> None:
        # The C class: less is touched, and copied, after a fork. What hangs on the two ends is blocking.
        self._socket = _socket.socket(fileno=descriptor)
        self._ahead = self._poll = None
        if ahead is not None:
            self._ahead = socket.socket(fileno=ahead)
            self._poll = select.poll()
            self._poll.register(descriptor, select.POLLIN)
            self._poll.register(ahead, select.POLLIN)
        self._frames = wire.Frames(wire.TO_JOB)
        self._received: list[wire.ToJob] = []
        self._told: dict[int, wire.More] = {}    # jobs ahead, by id, whose tickets were not read yet
        self._ticket = 0                         # read, while it is looked up

    def send(self, data: bytes) -> None:
        """Send the bytes of whole frames. Ends the process if the supervisor cannot be reached:
        nobody would hear of anything that it does from here on."""
        try:
            self._socket.sendall(data)
        except OSError:
            self._lost()

    def receive(self) -> wire.ToJob | None:
        """The next message; None when the supervisor closed its end."""
        while not self._received:
            if not self._take_in():
                return None
        return self._received.pop(0)

    def _take_in(self) -> bool:
        """Read once: messages, and what is told of jobs ahead. False when the supervisor closed its end."""
        try:
            data = self._socket.recv(1 << 16)
        except OSError:
            self._lost()
        for message in self._frames.feed(data):
            if not isinstance(message, wire.Ahead):
                self._received.append(message)
                continue
            if message.fresh:              # but the one whose ticket is in our hands
                self._told = {n: one for n, one in self._told.items() if n == self._ticket}
            self._told.update((one.job_id, one) for one in message.jobs)
        return bool(data)

    @property
    def has_ahead(self) -> bool:
        """Whether jobs may be handed over ahead."""
        return self._ahead is not None

    def more(self, like: int | None) -> wire.More | None:
        """What was handed over ahead, to follow the task of this job id. A ticket behind a Task that was not
        read yet is left where it is: that task may take long, and what waits behind it must go to others."""
        while (ticket := self._next_ticket(LOOK)) is not None:
            told = self._told.get(ticket)
            if told is not None:
                return self._take() if told.like == like else None
            if not self._take_in():        # it was told before its ticket was sent, or is taken back by now
                self._lost()
        return None

    def _next_ticket(self, flags: int) -> int | None:
        if self._ahead is None:
            return None
        try:
            data = self._ahead.recv(wire.TICKET.size, flags)
        except OSError:
            return None
        return wire.TICKET.unpack(data)[0] if data else None

    def _take(self) -> wire.More | None:
        ticket = self._next_ticket(TAKE)
        if ticket is None:                 # taken back just now
            return None
        self._ticket = ticket
        while (more := self._told.pop(self._ticket, None)) is None:
            if not self._take_in():        # it was told before its ticket was sent
                self._lost()
        self._ticket = 0
        return more

    def wait(self, like: int | None) -> wire.ToJob | wire.More | None:
        """The next message of either kind, the control socket's first; None when the supervisor closed
        its end. ``like``: as in ``more``."""
        if self._poll is None:
            return self.receive()
        while not self._received:
            ready = dict(self._poll.poll())
            if self._socket.fileno() in ready:
                if not self._take_in():
                    return None
                continue
            more = self.more(like)         # None: it was taken back meanwhile, or a Task comes before it
            if more is not None:
                return more
        return self._received.pop(0)

    def is_silent(self, seconds: float) -> bool:
        """Whether nothing comes for so long."""
        return not self._received and not select.select([self._socket], [], [], seconds)[0]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()
            if self._ahead is not None:
                self._ahead.close()

    def _lost(self) -> NoReturn:
        os._exit(wire.CHANNEL_LOST)
