"""What the bridge remembers of pilots, their processes, and the blobs that lie with them."""

from __future__ import annotations

import contextlib
import os
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from selectors import EVENT_WRITE, BaseSelector

import msgspec

from tether_lab.runner import wire

from . import words
from .link import Link, watch
from .parcels import Arriving, digests

CHUNK = 1 << 16


@dataclass(eq=False)
class Cache:
    """The blobs of one process of the cluster: there, or on their way by which pilot."""

    kept: set[str] = field(default_factory=set)
    coming: dict[str, Pilot] = field(default_factory=dict)

    def missing(self, needed: set[str]) -> set[str]:
        return needed - self.kept

    def arrived(self, digest: str) -> None:
        self.kept.add(digest)
        self.coming.pop(digest, None)


@dataclass(eq=False)
class Pilot:
    """One place of the cluster. ``near``: it sees the lab's files; ``cache`` names where its blobs lie."""

    link: Link
    nonce: bytes
    name: str = ""
    python: str = ""
    cache: str = ""
    folder: str = ""
    ready: bool = False
    near: bool = False
    seats: dict[int, Seat] = field(default_factory=dict)
    arriving: Arriving = field(default_factory=Arriving)

    def localised(self, task: wire.Task) -> tuple[wire.Task, set[str]]:
        """The task as that machine can run it, and the large blobs that it needs there."""
        beside = (extra.manifest for extra in (*task.extras, *task.conditions))
        needed = digests(task.manifest, task.payload, *beside,
                         *(body for _, body in (*task.memos.values(), *task.inputs.values())))
        there = msgspec.structs.replace(task, blob_folder=self.folder, folder="")
        return there, needed - task.blobs.keys()


class Seat:
    """One process: the worker's ends of its channels, and what waits in both directions."""

    def __init__(self, token: int, pilot: Pilot, descriptors: list[int]) -> None:
        self.token, self.pilot = token, pilot
        control, *pipes = descriptors
        self.control = socket.socket(fileno=control)
        self.control.setblocking(False)
        for pipe in pipes:
            os.set_blocking(pipe, False)
        self._pipes = dict(zip(words.CHANNELS[1:], pipes, strict=True))
        self.frames, self._said = wire.Frames(wire.TO_JOB), wire.Frames(wire.FROM_JOB)
        self.held: deque[tuple[bytes, set[str]]] = deque()
        self.outbox = {channel: bytearray() for channel in words.CHANNELS}
        self.shut: set[str] = set()
        self.busy = self.heard_out = False
        self.exited: wire.Exited | None = None

    def tells_the_end(self, data: bytes) -> bool:
        """Whether the job says in these bytes that it has ended."""
        try:
            return any(isinstance(message, wire.Ended) for message in self._said.feed(data))
        except ValueError:
            return False                   # user code wrote into the channel: the worker will see it

    def descriptor(self, channel: str) -> int:
        """Its number; -1 once it is closed."""
        return self.control.fileno() if channel == "control" else self._pipes.get(channel, -1)

    def carry(self, selector: BaseSelector, again: Callable[[], None]) -> None:
        """Write what fits; ``again`` is called when there is room for more. Close what has ended."""
        for channel, outbox in self.outbox.items():
            descriptor = self.descriptor(channel)
            while outbox and descriptor >= 0:
                try:
                    sent = os.write(descriptor, memoryview(outbox)[:CHUNK])
                except BlockingIOError:
                    break
                except OSError:
                    outbox.clear()             # nobody reads it any more
                    break
                del outbox[:sent]
            if descriptor >= 0:
                self._watch(selector, channel, again)
        for channel in [channel for channel in self.shut if not self.outbox[channel]]:
            self.shut.discard(channel)
            self.close(channel, selector)

    def _watch(self, selector: BaseSelector, channel: str, again: Callable[[], None]) -> None:
        descriptor, wanted = self.descriptor(channel), bool(self.outbox[channel])
        known = descriptor in selector.get_map()
        if channel == "control":
            watch(selector, descriptor, writing=wanted)
        elif wanted and not known:
            selector.register(descriptor, EVENT_WRITE, lambda _: again())
        elif known and not wanted:
            selector.unregister(descriptor)

    def close(self, channel: str, selector: BaseSelector) -> None:
        """The worker reads an end of file there."""
        descriptor = self.descriptor(channel)
        if descriptor < 0:
            return
        if descriptor in selector.get_map():
            selector.unregister(descriptor)
        if channel == "control":
            self.control.close()
        else:
            with contextlib.suppress(OSError):
                os.close(self._pipes.pop(channel))
