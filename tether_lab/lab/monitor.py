"""All jobs of a key as they change: one row after the other, for as long as somebody listens."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Self

from tether_lab.job import JobRow

if TYPE_CHECKING:
    from .lab import Lab

NEWEST = 1000
"""Jobs of the key that are looked at."""


class Monitor(Iterator[JobRow], AsyncIterator[JobRow]):
    """The unfinished jobs of a key now, then each of its jobs whenever it changes. For ``for`` and
    ``async for``; it ends when it is closed."""

    def __init__(self, lab: Lab, key: str) -> None:
        self._watch = lab.watch_jobs(key=key, limit=NEWEST)
        self._seen: dict[int, JobRow] = {}
        self._next: deque[JobRow] = deque()
        self._begun = False

    def __iter__(self) -> Self:
        return self

    def __aiter__(self) -> Self:
        return self

    def __next__(self) -> JobRow:
        while not self._next:
            self._take(next(self._watch))
        return self._next.popleft()

    async def __anext__(self) -> JobRow:
        while not self._next:
            self._take(await anext(self._watch))
        return self._next.popleft()

    def _take(self, rows: list[JobRow]) -> None:
        changed = [row for row in rows if self._seen.get(row.id) != row]
        self._next.extend(row for row in reversed(changed) if self._begun or not row.is_final)
        self._seen, self._begun = {row.id: row for row in rows}, True

    def close(self) -> None:
        """Stop listening."""
        self._watch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
