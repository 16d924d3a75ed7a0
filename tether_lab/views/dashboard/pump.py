"""Keeps a view true from a thread with an event loop of its own: it goes on while a cell blocks the kernel.

``look`` reads and shows; it is called when the queue has changed (as often as ``rate`` allows, and not
more than a part of the time), at once when the view asks, and every few seconds in any case.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tether_lab.job_queue.watch import Changes

BEAT = 1.0
"""Seconds after which the view hears from us though nothing has changed: its clocks go on."""
SLOW, DUTY = 0.05, 4.0
"""A look of more than so many seconds is followed by a rest that is this many times longer."""
LONGEST_REST = 15.0
PATIENCE = 0.7
"""Seconds without an answer after which the kernel counts as busy with a cell."""

_log = logging.getLogger("tether_lab")


class Pump:
    """``look(fresh)`` is a coroutine: ``fresh`` says that the queue may have changed, or that something
    was asked. ``changes`` makes what tells of changes. ``ended`` is called in the thread, at its end."""

    def __init__(self, look: Callable[[bool], Awaitable[None]], changes: Callable[[], Changes], *,
                 rate: float, ended: Callable[[], Any] | None = None) -> None:
        self._look, self._changes, self._ended = look, changes, ended
        self._every = 1.0 / rate
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._poked: asyncio.Event | None = None
        self._stopping = False
        self.looked = threading.Event()
        self.looks = 0

    @property
    def is_running(self) -> bool:
        """Whether the thread lives."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin, or go on. Safe to call again."""
        with self._lock:
            if self.is_running and not self._stopping:
                return
            if self._thread is not None:
                self._thread.join(5)
            self._stopping = False
            self.looked.clear()
            self._thread = threading.Thread(target=self._run, name="tether-lab dashboard", daemon=True)
            self._thread.start()

    def stop(self, *, wait: float = 5.0) -> None:
        """End the thread. Does not wait when it is called in it."""
        self._stopping = True
        self.poke()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(wait)

    def poke(self) -> None:
        """Something was asked: look at once. From any thread."""
        loop, poked = self._loop, self._poked
        if loop is not None and poked is not None:
            with contextlib.suppress(RuntimeError):           # it has just ended
                loop.call_soon_threadsafe(poked.set)

    def do(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run a coroutine on the pump's loop, then look. From any thread; nothing if it has ended."""
        loop = self._loop
        if loop is None or self._stopping:
            return

        async def then_look() -> None:
            await work()
            self.poke()

        with contextlib.suppress(RuntimeError):
            asyncio.run_coroutine_threadsafe(then_look(), loop)

    def _run(self) -> None:
        try:
            asyncio.run(self._pump())
        except Exception as error:  # noqa: BLE001  a chore: a view that stands still harms nobody
            _log.debug("dashboard: %r", error)
        finally:
            self._loop = self._poked = None
            if self._ended is not None:
                self._ended()

    async def _pump(self) -> None:
        self._loop, self._poked = asyncio.get_running_loop(), asyncio.Event()
        fresh = True
        with self._changes() as changes:
            while not self._stopping:
                begun = time.monotonic()
                await self._look(fresh)
                self.looks += 1
                self.looked.set()
                took = time.monotonic() - begun
                rest = min(LONGEST_REST, max(self._every - took, DUTY * took if took > SLOW else 0.0))
                if fresh and await self._wait(self._poked, rest):
                    continue                                   # asked: no rest
                fresh = await self._news(changes)

    async def _wait(self, event: asyncio.Event, longest: float) -> bool:
        try:
            async with asyncio.timeout(longest):
                await event.wait()
        except TimeoutError:
            return False
        event.clear()
        return True

    async def _news(self, changes: Changes) -> bool:
        """Wait for a change or a question, at most a beat; whether there was one."""
        assert self._poked is not None
        told = asyncio.ensure_future(changes.wait_async(BEAT))
        asked = asyncio.ensure_future(self._poked.wait())
        try:
            await asyncio.wait({told, asked}, return_when=asyncio.FIRST_COMPLETED)
            return asked.done() or (told.done() and told.result())
        finally:
            if asked.done():
                self._poked.clear()
            for task in (told, asked):
                task.cancel()
            await asyncio.gather(told, asked, return_exceptions=True)


class Blocked:
    """Whether the kernel's own loop is held up by a cell, asked from another thread: one question at a
    time is put on that loop, and answered when it gets round to it."""

    def __init__(self) -> None:
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None
        self._asked: float | None = None

    def __call__(self) -> bool:
        if self._loop is None or self._loop.is_closed():
            return False
        if self._asked is None:
            self._asked = time.monotonic()
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._answered)
            return False
        return time.monotonic() - self._asked > PATIENCE

    def _answered(self) -> None:
        self._asked = None
