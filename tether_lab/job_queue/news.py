"""What changed in a queue since somebody last looked: for watchers that tell others.

A job is in the news when it is new, when an event of it was written, when it runs and has said something,
or when it moved without an event (its time came, it was held back or admitted): those are found among the
jobs known not to have ended. Reads go through aiosqlite; nothing here writes.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

from tether_lab.job import Event, JobRow

from . import rows
from .clock import utc
from .reader import Reader
from .statements import sql

TOGETHER = 5000
"""Rows of a kind in one look."""

SHARE = 0.05
"""Of the time: what looking through the jobs that have not ended may take."""

Standing = tuple[str, str | None, int]
"""State, what it waits for, when it changed."""


@dataclass(slots=True)
class News:
    """``jobs`` may have changed, ``events`` happened (in order, without their details), ``topics`` are other
    things that changed (schedules, queues, handlers, groups, worker); ``pruned``: jobs were removed."""

    jobs: dict[int, None] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    pruned: bool = False


class Watcher:
    """Remembers what was seen of one queue. ``start`` once, then ``look`` after each change."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._job = self._event = 0
        self._open: dict[int, Standing] = {}
        self._running: dict[int, int] = {}
        self._services = 0
        self._topics: dict[str, str] = {}
        self._again_at = 0.0

    @property
    def running(self) -> int:
        """How many jobs ran at the last look; services, which never end, do not count."""
        return len(self._running) - self._services

    async def start(self) -> None:
        """See what is there; the first look tells what came after this."""
        found = await self._reader.fetch(sql("news_start"), {})
        for what, number, state, waits_for, updated_at in map(tuple, found):
            if what == "job":
                self._job = number
            elif what == "event":
                self._event = number
            else:
                self._open[number] = (state, waits_for, updated_at)
        self._running = {number: at for number, (state, _, at) in self._open.items() if state == "running"}
        self._topics = await self._words()

    async def look(self) -> News:
        """What is new since the last look."""
        news = News()
        while not await self._page(news):
            pass
        for number in news.jobs:
            self._open.setdefault(number, ("", None, 0))
        await self._look_through(news)
        words = await self._words()
        news.topics = [topic for topic, said in words.items() if self._topics.get(topic) != said]
        self._topics = words
        if "pruned" in news.topics:
            news.topics.remove("pruned")
            news.pruned = True
        return news

    async def _page(self, news: News) -> bool:
        """One page of what is new; True if it was the last."""
        found = await self._reader.fetch(sql("news_look"), {
            "job": self._job, "event": self._event, "limit": TOGETHER})
        running: dict[int, int] = {}
        counted = {"job": 0, "event": 0}
        services = 0
        for what, number, job, kind, at in map(tuple, found):
            if what == "running":
                running[job] = at
                services += number
                if self._running.get(job) != at:
                    news.jobs[job] = None
                continue
            counted[what] += 1
            news.jobs[job] = None
            if what == "job":
                self._job = number
            else:
                self._event = number
                news.events.append(Event(number, job, 0, kind, at))
        news.jobs |= dict.fromkeys(self._running.keys() - running.keys())
        self._running, self._services = running, services
        return max(counted.values()) < TOGETHER

    async def _look_through(self, news: News) -> None:
        """Those that had not ended: all of them, but never for more than SHARE of the time; those in the
        news in any case."""
        began = time.monotonic()
        whole = began >= self._again_at
        ids = list(self._open) if whole else list(news.jobs)
        for start in range(0, len(ids), TOGETHER):
            part = ids[start:start + TOGETHER]
            found = await self._reader.fetch(sql("news_open"), {"ids": json.dumps(part)})
            now = {row[0]: (row[1], row[2], row[3]) for row in map(tuple, found)}
            for number in part:
                standing = now.get(number)
                if standing != self._open.get(number):
                    news.jobs[number] = None
                if standing is None or standing[0] in _FINAL:
                    self._open.pop(number, None)
                else:
                    self._open[number] = standing
        if whole:
            took = time.monotonic() - began
            self._again_at = time.monotonic() + (took / SHARE if took > 0.005 else 0.0)

    @property
    def looks_again_in(self) -> float:
        """Seconds until all that has not ended may be looked through again; 0: at once."""
        return max(0.0, self._again_at - time.monotonic())

    async def _words(self) -> dict[str, str]:
        return {row[0]: row[1] for row in map(tuple, await self._reader.fetch(sql("news_topics"), {}))}


_FINAL = frozenset({"completed", "failed", "cancelled", "expired", "skipped"})


async def jobs(reader: Reader, ids: list[int]) -> dict[int, JobRow]:
    """These jobs as they stand now, by number; those that are gone are left out."""
    found = await reader.fetch(sql("jobs_by_id"), {"ids": json.dumps(ids)})
    return {row["id"]: rows.job_row(dict(row), reader.queue) for row in found}


async def work_due(reader: Reader, now: int | None = None) -> bool:
    """Whether a worker would find something to do now."""
    [row] = await reader.fetch(sql("work_due"), {"now": now or utc()})
    return bool(row[0])
