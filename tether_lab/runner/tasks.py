"""What a job process is to run next, and how it says what has ended.

An ending waits only for one look at what was handed over ahead: if there is more, and nothing of the
user's stands between, it travels with the start of the next job, in one write. A crash afterwards loses
neither, and blames the job that had started.
"""

from __future__ import annotations

import fcntl
import termios
from collections.abc import Callable

import msgspec

from . import wire
from .channel import Channel
from .output import Output

_NOTHING = bytes(4)
"""A C int: no bytes."""


class Tasks:
    """The tasks of one process, in order. ``rouse``: what to do, given the last one, when another may come in
    a moment."""

    def __init__(self, channel: Channel, output: Output, rouse: Callable[[wire.Task], None]) -> None:
        self._channel, self._output, self._rouse = channel, output, rouse
        self._told: wire.Task | None = None
        self._more: wire.More | None = None      # taken, but like a Task that is still on its way
        self._held = False                       # the pipes must be emptied first

    def ended(self, ended: wire.Ended) -> None:
        """A warm process has ended one and goes on. Pipes with C code's output are read before it does."""
        if self._channel.has_ahead and (_unread(1) or _unread(2)):
            self._held = True
            ended = msgspec.structs.replace(ended, piped=True)
        self._output.post(ended)

    def next(self) -> wire.Task | None:
        """The next one; None when the supervisor closed its end."""
        while True:
            if self._told is not None and not self._held:
                more, self._more = self._more or self._channel.more(self._told.job_id), None
                if more is not None and more.like == self._told.job_id:
                    if self._told.extras:        # their code runs before the start is told
                        self._output.flush()
                    return self._like(self._told, more)
                self._more = more
            if self._told is not None:       # nothing was written before the first one
                self._output.rest()
            only_control = self._held or self._more is not None
            like = None if self._told is None else self._told.job_id
            message = self._channel.receive() if only_control else self._channel.wait(like)
            self._held = self._held and isinstance(message, wire.Rouse)
            match message:
                case None:
                    return None
                case wire.Task():
                    self._told = message
                    return message
                case wire.More():
                    self._more = message
                case wire.Rouse() if self._told is not None:
                    self._rouse(self._told)

    def _like(self, told: wire.Task, more: wire.More) -> wire.Task:
        return msgspec.structs.replace(
            told, job_id=more.job_id, uuid=more.uuid, epoch=more.epoch, attempt=more.attempt,
            max_attempts=more.max_attempts, payload=more.payload, created_at=more.created_at)


def _unread(pipe: int) -> bool:
    """Whether bytes wait in a pipe; not where user code has put something else in its place."""
    try:
        return fcntl.ioctl(pipe, termios.FIONREAD, _NOTHING) != _NOTHING
    except OSError:
        return False
