"""What changed in one lab, told to whoever listens: ids only, and numbers by which a gap is seen.

One task a lab on the server's loop. It listens to the queue's beacons, so it sees every writer and costs
nothing while nobody writes; tells at most five times a second; and remembers which telling named which
job, so that a page that missed some asks for exactly those (``since``).
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tether_lab.job import Event
from tether_lab.job_queue.news import News, Watcher

if TYPE_CHECKING:
    from tether_lab.lab import Lab

PACE = 0.2
"""Seconds between two tellings of one lab, at least."""
LOOK_AGAIN = 1.0
"""Seconds without a change after which the worker is looked at: its death writes nothing."""
REMEMBERED, NOTES = 20_000, 500
MOST_IDS = 500
NOTED = frozenset({"notified", "succeeded", "failed", "timed_out", "cancelled", "crashed", "expired",
                   "soft_timeout"})
"""Kinds of events that people may want to hear of."""


@dataclass(slots=True)
class Missed:
    """What was told after a cursor: ids in the order of telling, and up to which cursor."""

    cursor: str
    jobs: list[int] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    notes: list[Event] = field(default_factory=list)
    reset: bool = False
    more: bool = False


class Memory:
    """Who was named when. A cursor is this memory's name and a number; each name has one of its own, so that a
    page may stop anywhere."""

    def __init__(self) -> None:
        self._name = secrets.token_hex(4)
        self._number = self._floor = 0
        self._jobs: OrderedDict[int, int] = OrderedDict()
        self._topics: dict[str, int] = {}
        self._notes: deque[tuple[int, Event]] = deque(maxlen=NOTES)

    @property
    def cursor(self) -> str:
        """Where we are."""
        return f"{self._name}-{self._number}"

    def add(self, jobs: list[int], topics: list[str], notes: list[Event], *, all_else: bool = False) -> None:
        """One telling. ``all_else``: whoever has an older cursor must load everything again."""
        for job in jobs:
            self._number += 1
            self._jobs[job] = self._number
            self._jobs.move_to_end(job)
        self._number += 1
        self._topics |= dict.fromkeys(topics, self._number)
        self._notes.extend((self._number, event) for event in notes)
        while len(self._jobs) > REMEMBERED:
            _, self._floor = self._jobs.popitem(last=False)
        if all_else:
            self._floor = self._number

    def since(self, cursor: str, limit: int) -> Missed:
        """What came after ``cursor``; at most ``limit`` jobs, then ``more``."""
        name, _, number = cursor.rpartition("-")
        if name != self._name or not number.isdecimal() or not self._floor <= int(number) <= self._number:
            return Missed(self.cursor, reset=True)
        seen = int(number)
        later: list[tuple[int, int]] = []
        for job, at in reversed(self._jobs.items()):
            if at <= seen:
                break
            later.append((at, job))
        later.reverse()
        upto = self._number
        if len(later) > limit:
            upto, later = later[limit - 1][0], later[:limit]
        return Missed(
            f"{self._name}-{upto}", [job for _, job in later],
            [topic for topic, at in self._topics.items() if seen < at <= upto],
            [event for at, event in self._notes if seen < at <= upto], more=upto < self._number)


class Live:
    """Watches one lab until ``close``. ``tell`` is called with the data of each event, ``looked`` after
    every look: for what depends on jobs that run, and on a worker that does not."""

    def __init__(self, lab: Lab, tell: Callable[[dict[str, Any]], None],
                 looked: Callable[[], None] = lambda: None) -> None:
        self._lab, self._tell, self._looked = lab, tell, looked
        self._watcher = Watcher(lab.reader)
        self.memory = Memory()
        self._worker: tuple[str, int | None] = self._worker_now()
        self.stopped_by_someone = False
        self._task: asyncio.Task[None] | None = None
        self.failed: BaseException | None = None

    @property
    def running(self) -> int:
        """Jobs that ran at the last look."""
        return self._watcher.running

    @property
    def worker_state(self) -> str:
        """running, starting, stopped or dead, as last seen."""
        return self._worker[0]

    def start(self) -> None:
        """Watch from now on, on this loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def tell_of_labs(self) -> None:
        """A lab appeared or went: whoever lists them should ask again."""
        self._say(News(topics=["labs"]))

    async def close(self) -> None:
        """Watch no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        try:
            with self._lab.changes() as changes:
                await self._watcher.start()
                self._looked()
                told = True                    # what came between the start and now
                while True:
                    if told or self._watcher.looks_again_in:
                        await self._look()
                    if self._see_worker():
                        self._say(News(topics=["worker"]))
                    self._looked()
                    told = await changes.wait_async(min(LOOK_AGAIN, self._watcher.looks_again_in or LOOK_AGAIN))
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  an observer: the registry says what is wrong with the lab
            self.failed = error

    async def _look(self) -> None:
        news = await self._watcher.look()
        if self._see_worker():
            news.topics.append("worker")
        if news.jobs or news.topics or news.pruned:
            self._say(news)
            await asyncio.sleep(PACE)

    def _see_worker(self) -> bool:
        now = self._worker_now()
        if now == self._worker:
            return False
        # A worker that ends in peace while we watch was asked to; it is not ours to start another.
        self.stopped_by_someone = now[0] == "stopped" and self._worker[0] in ("running", "starting")
        self._worker = now
        return True

    def _worker_now(self) -> tuple[str, int | None]:
        found = self._lab.worker.status()
        return found.state, found.pid

    def _say(self, news: News) -> None:
        before, ids = self.memory.cursor, list(news.jobs)
        topics = sorted({*news.topics, *(("jobs",) if ids or news.pruned else ())})
        notes = [event for event in news.events if event.kind in NOTED]
        self.memory.add(ids, topics, notes, all_else=news.pruned)
        self._tell({"lab": self._lab.uuid, "from": before, "to": self.memory.cursor, "jobs": ids[:MOST_IDS],
                    "more": len(ids) > MOST_IDS or news.pruned, "topics": topics, "notes": len(notes)})
