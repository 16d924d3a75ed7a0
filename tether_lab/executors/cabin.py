"""A job process as its pilot sees it."""

from __future__ import annotations

import os
import socket

from tether_lab.runner import wire

from . import words


class Seat:
    """One job process: our ends of its channels, and what waits to be written to it."""

    def __init__(self, token: int) -> None:
        self.token = token
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.control = ours
        self.pipes: dict[str, int] = {}
        ends = []
        for name in words.CHANNELS[1:]:
            reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            os.set_blocking(writing, name != "stack")
            self.pipes[name] = reading
            ends.append(writing)
        self.theirs = (theirs.detach(), *ends)
        self.frames = wire.Frames(wire.FROM_JOB)
        self.outbox = bytearray()
        self.pid = 0
        self.exited: bytes | None = None
        self.exited_at = 0.0

    def handed_over(self) -> None:
        for descriptor in self.theirs:
            os.close(descriptor)
        self.theirs = ()

    @property
    def channels(self) -> list[tuple[str, int]]:
        """What is still open, by its descriptor."""
        found = list(self.pipes.items())
        return [*found, ("control", self.control.fileno())] if self.control.fileno() >= 0 else found
