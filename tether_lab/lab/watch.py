"""Watch: the present value at once, then every change, pushed by the queue's own files.

One object is both kinds of iterator: ``for row in lab.watch(12)`` and ``async for row in …``. The
synchronous side reads with the kernel's connection; on an event loop reads go through aiosqlite.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from tether_lab.job_queue.watch import Changes

    from .lab import Lab

T = TypeVar("T")
LOOK_AGAIN = 1.0
"""Seconds after which a watcher looks even if nothing told it to, and sees to the worker."""


class Watch(Iterator[T], AsyncIterator[T], Generic[T]):
    """The values of one question over time, equal neighbours left out.

    ``is_last`` tells the value after which there is nothing to come (None: never). ``wanted`` tells
    whether a value needs a worker: watching starts a dead one.
    """

    def __init__(self, lab: Lab, read: Callable[[], T], read_async: Callable[[], Awaitable[T]], *,
                 is_last: Callable[[T], bool], wanted: Callable[[T], bool]) -> None:
        self._lab, self._read, self._read_async = lab, read, read_async
        self._is_last, self._wanted = is_last, wanted
        self._changes: Changes | None = None
        self._seen: list[T] = []            # the last value, if there is one yet
        self._ended = False

    def __iter__(self) -> Self:
        return self

    def __aiter__(self) -> Self:
        return self

    def __next__(self) -> T:
        if self._ended:
            raise StopIteration
        changes = self._listen()
        while not self._is_news(value := self._read()):
            if self._wanted(value):
                self._lab.ensure_worker()
            changes.wait(LOOK_AGAIN)
        return value

    async def __anext__(self) -> T:
        import asyncio

        if self._ended:
            raise StopAsyncIteration
        changes = self._listen()
        while not self._is_news(value := await self._read_async()):
            if self._wanted(value):
                await asyncio.to_thread(self._lab.ensure_worker)
            await changes.wait_async(LOOK_AGAIN)
        return value

    def _listen(self) -> Changes:
        """Before the first read, so that no change falls between reading and listening."""
        if self._changes is None:
            self._changes = self._lab.changes()
        return self._changes

    def _is_news(self, value: T) -> bool:
        if self._seen and self._seen[0] == value:
            return False
        self._seen = [value]
        if self._is_last(value):
            self._ended = True
            self.close()
        return True

    def close(self) -> None:
        """Stop listening. Called by itself at the end."""
        if self._changes is not None:
            self._changes.close()
            self._changes = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()
