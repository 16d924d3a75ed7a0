"""Waiting for changes, and reading on event loops.

A watcher listens to the beacons that every commit lights (inotify; elsewhere their times, ten times
a second), so it sees every writer and costs nothing while nobody writes. ``Changes`` never opens the
database.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import struct
import time
from typing import Self

from tether_lab.settings import LabFolder

from . import inotify
from .beacon import ANSWERED, ASKED

POLL = 0.1
"""Seconds between two looks where nobody tells us."""

_EVENT = struct.Struct("iIII")


class Changes:
    """Tells that the queue may have changed since the last time it told so, or since it was made.

    Make it before the first read, then ``wait`` and read in turn: no change falls in between.
    """

    def __init__(self, folder: LabFolder) -> None:
        self._folder = folder
        self._descriptor = _inotify(folder)
        self._seen = self._look()

    def wait(self, timeout: float) -> bool:
        """Wait at most so many seconds. True: something was written."""
        deadline = time.monotonic() + timeout
        while True:
            if self._descriptor < 0:
                time.sleep(max(0.0, min(POLL, deadline - time.monotonic())))
            else:
                self._readable(deadline)
            if self._told():
                return True
            if time.monotonic() >= deadline:
                return False

    async def wait_async(self, timeout: float) -> bool:  # noqa: ASYNC109  the deadline of one look
        """As ``wait``, on an event loop."""
        deadline = time.monotonic() + timeout
        while True:
            left = max(0.0, deadline - time.monotonic())
            if self._descriptor < 0:
                await asyncio.sleep(min(POLL, left))
            else:
                await self._readable_async(left)
            if self._told():
                return True
            if time.monotonic() >= deadline:
                return False

    def close(self) -> None:
        """Stop listening."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            inotify.release(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError, OSError):
            self.close()

    def _readable(self, deadline: float) -> None:
        poll = select.poll()          # select() stops at descriptor 1024
        poll.register(self._descriptor, select.POLLIN)
        poll.poll(max(0.0, deadline - time.monotonic()) * 1000)

    async def _readable_async(self, left: float) -> None:
        loop, descriptor = asyncio.get_running_loop(), self._descriptor
        readable: asyncio.Future[None] = loop.create_future()

        def tell() -> None:
            if not readable.done():
                readable.set_result(None)

        loop.add_reader(descriptor, tell)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(readable, left)
        finally:
            loop.remove_reader(descriptor)

    def _told(self) -> bool:
        if self._descriptor < 0:
            before, self._seen = self._seen, self._look()
            return before != self._seen
        names = {ASKED, ANSWERED}
        found = False
        with contextlib.suppress(BlockingIOError):
            while told := os.read(self._descriptor, 65536):
                found = found or not names.isdisjoint(_names(told))
        return found

    def _look(self) -> tuple[int, ...]:
        """The times of both beacons."""
        found = []
        for name in (ASKED, ANSWERED):
            with contextlib.suppress(FileNotFoundError):
                found.append((self._folder.run / name).stat().st_mtime_ns)
        return tuple(found)


def _names(told: bytes) -> set[str]:
    """The names of the files that a buffer of inotify events speaks of; all, if some were dropped."""
    found, at = set(), 0
    while at + _EVENT.size <= len(told):
        watch, _, _, length = _EVENT.unpack_from(told, at)
        if watch < 0:
            return {ASKED}                       # the kernel's buffer was full
        name = told[at + _EVENT.size:at + _EVENT.size + length].rstrip(b"\0")
        found.add(os.fsdecode(name))
        at += _EVENT.size + length
    return found


def _inotify(folder: LabFolder) -> int:
    """A descriptor that tells of writes in the folder; -1 where there is none."""
    return inotify.watch(folder.run)
