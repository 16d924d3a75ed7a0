"""A zygote that lacks what its jobs import is replaced while they run, without a pause.

To import into the working zygote would hold up every fork meanwhile, so that waits for a moment in which nobody
needs one. Under load there is none: then another zygote is prepared beside it, and takes its place when it has
imported everything. The old one forks no more, and ends with its last job.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tether_lab.errors import WorkerError
from tether_lab.job import Interpreter

if TYPE_CHECKING:
    from .pool import Pool

GIVE_WAY = 0.5
"""Seconds for which a moment without jobs is waited for."""
AGAIN = 10.0
"""Seconds between two successions of one interpreter, and after one that failed."""

Key = tuple[str, str, str]


class Succession:
    """By interpreter, who is about to take the place of its pool; and those that were replaced, while jobs of
    theirs run."""

    def __init__(self, make: Callable[[Interpreter], Pool], log: Callable[[str], None]) -> None:
        self._make, self._log = make, log
        self._heirs: dict[Key, Pool] = {}
        self._leaving: list[Pool] = []
        self._lacking_since: dict[Key, float] = {}
        self._not_before: dict[Key, float] = {}

    @property
    def pools(self) -> list[Pool]:
        """All pools with processes that are not the present ones."""
        return [*self._heirs.values(), *self._leaving]

    def tend(self, key: Key, pool: Pool, now: float, *, busy: bool) -> Pool:
        """The pool to fork from henceforth: this one, or the one that takes its place. ``now`` is monotonic."""
        self._leaving = [one for one in self._leaving if one.zygote is not None]
        lacking = pool.lacking
        if not lacking:
            self._lacking_since.pop(key, None)
        since = self._lacking_since.setdefault(key, now) if lacking else now
        heir = self._heirs.get(key)
        if heir is None:
            if busy and lacking and now >= max(since + GIVE_WAY, self._not_before.get(key, 0.0)):
                self._prepare(key, pool, now)
            return pool
        heir.tend(now, busy=False, idle_for=float("inf"))
        if heir.zygote is None:            # it did not start, or died: the jobs have one that works
            self._not_before[key] = now + AGAIN
            del self._heirs[key]
        elif not lacking:                  # there was such a moment meanwhile
            self._leave(self._heirs.pop(key))
        elif heir.settled:
            self._log(f"zygote {heir.zygote.pid} takes over: it has imported {', '.join(sorted(lacking))}")
            self._not_before[key] = now + AGAIN
            del self._heirs[key]
            heir.succeed(pool)
            self._leave(pool)
            return heir
        return pool

    def _prepare(self, key: Key, pool: Pool, now: float) -> None:
        heir = self._make(pool.interpreter)
        heir.wanted |= pool.wanted
        try:
            heir.ensure(now)
        except WorkerError:
            self._not_before[key] = now + AGAIN
            return
        self._heirs[key] = heir

    def _leave(self, pool: Pool) -> None:
        pool.retire()
        self._leaving.append(pool)
