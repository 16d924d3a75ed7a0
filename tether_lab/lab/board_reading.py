"""What a dashboard reads of a lab: on the pump's loop, by connections of its own."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tether_lab.job import State
from tether_lab.job.state import WAITING
from tether_lab.job_queue import board
from tether_lab.job_queue.board import Tally
from tether_lab.job_queue.reader import Reader
from tether_lab.job_queue.shares import Shares
from tether_lab.views.board import Snapshot
from tether_lab.views.dashboard.found import Found, Opened, QueueLine
from tether_lab.views.dashboard.question import Question
from tether_lab.views.fold import Output, fold, tail

from . import clock
from .listing import which
from .snapshot import asked

if TYPE_CHECKING:
    from .lab import Lab

SHARE = 12.0
"""All jobs are counted again after this many times as long as counting took, and after a second at least."""
FIRST_COUNT = 1.0
"""Seconds to wait for the first count of all jobs before the rest is shown without it."""
OLDEST_COUNT = 60.0
"""Seconds after which all is counted though nothing was written: what ended in the last hour changes."""
USUAL_FOR = 60.0
NEWEST = 100


class BoardReading:
    """The reads behind one dashboard. Counting all jobs takes a pass over the table, so it is done beside
    the pages, on a connection of its own, and ever more rarely the longer it takes."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._pages, self._counts = Reader(lab.queue), Reader(lab.queue)
        self._tally: list[Tally] | None = None
        self._tally_due = 0.0
        self._stale = True                 # something was written since the last count began
        self._paused: Collection[str] = ()
        self._counting: asyncio.Task[None] | None = None
        self._usual: dict[str, tuple[float, float | None]] = {}

    async def look(self, question: Question) -> Found:
        """The lab now."""
        lab, now = self._lab, clock.now()
        running = await board.running(self._pages)
        paused, everything = await board.paused(self._pages)
        worker = lab.worker.status()
        found = Found(
            lab=lab.name, at=now, worker=worker.pid, worker_alive=worker.running,
            runners=await board.runners(self._pages) or lab.settings.runners, running=running,
            paused=everything, next_due=await board.next_due(self._pages))
        found = await READS[question.tab](self._pages, found, question)
        self._paused, self._stale = paused, True
        await self._count(wait=self._tally is None)
        await self._look_up([*(row.key for row in running), *(
            each.key for each in self._tally or () if each.state in (State.PENDING, State.RETRYING))])
        return self._counted_now(found)

    async def beat(self, found: Found) -> Found:
        """The same a moment later: nothing was written, but a count may have come, or be due."""
        await self._count(wait=False)
        return self._counted_now(found)

    def _counted_now(self, found: Found) -> Found:
        queues = _queues(self._lab.queue.shares, self._tally or (), self._paused, everything=found.paused)
        return replace(found, tally=self._tally, queues=queues,
                       usual={key: value for key, (_, value) in self._usual.items()})

    async def open(self, job_id: int) -> Opened:
        """A job as its card knows it. Raises JobNotFound."""
        lab, reader = self._lab, self._pages
        row = await reader.get(job_id)
        version = await asyncio.to_thread(lab.version, row.handler_id)
        outputs = await self.outputs(job_id) if row.epoch else []
        if row.state is State.RUNNING:
            await self._look_up([row.key])
        return Opened(Snapshot(
            lab=lab.uuid, lab_name=lab.name, row=row, at=clock.now(), version=version,
            attempts=tuple(await reader.attempts(job_id)), events=tuple(await reader.events(job_id)),
            result=await reader.result(job_id) if row.state is State.COMPLETED else None,
            worker_alive=None if row.is_final else lab.worker.is_running(),
            worker_starting=lab.waker.on_its_way, typical=self._usual.get(row.key, (0.0, None))[1],
            outputs=len(outputs), tail=tail(outputs), asked=await asyncio.to_thread(asked, lab, row)), version)

    async def outputs(self, job_id: int) -> list[Output]:
        """What its newest attempt has shown."""
        return fold(json.loads(body) for _, _, body in await self._pages.outputs(job_id))

    def at_rest(self) -> None:
        """Close the connections; the next look opens others. Called after the loop has ended."""
        for reader in (self._pages, self._counts):
            reader.close_if_idle_since(float("inf"))
        self._counting = None

    # -- counting ------------------------------------------------------------------------------

    async def _count(self, *, wait: bool) -> None:
        """See to it that the tally is not old. ``wait``: a little, for the first one."""
        now = time.monotonic()
        due = self._stale or now > self._tally_due + OLDEST_COUNT
        if self._counting is None and due and now >= self._tally_due:
            self._stale = False
            self._counting = asyncio.ensure_future(self._counted())
        if wait and self._counting is not None:
            await asyncio.wait({self._counting}, timeout=FIRST_COUNT)

    async def _counted(self) -> None:
        begun = time.monotonic()
        try:
            self._tally = await board.tally(self._counts, clock.now())
        finally:
            took = time.monotonic() - begun
            self._tally_due = time.monotonic() + max(1.0, SHARE * took)
            self._counting = None

    async def _look_up(self, keys: list[str]) -> None:
        """What is usual for these keys, asked at most once a minute each."""
        now = time.monotonic()
        for key in dict.fromkeys(keys[:NEWEST]):
            if now - self._usual.get(key, (float("-inf"), None))[0] > USUAL_FOR:
                self._usual[key] = (now, await board.usual(self._counts, key))


# -- what each tab reads -----------------------------------------------------------------------------


async def _jobs(reader: Reader, found: Found, asked: Question) -> Found:
    rows, total = await board.jobs(reader, board.Asked(
        states=which(asked.status or None), key=asked.key or None, queue=asked.queue or None,
        tag=asked.tag or None, chain=asked.chain, batch=asked.batch, words=asked.words, sort=asked.sort,
        down=asked.down, limit=asked.size, offset=asked.page * asked.size), found.at)
    chains = await board.chains(reader, 1, asked.chain) if asked.chain is not None else []
    batches = await board.batches(reader, 1, asked.batch) if asked.batch is not None else []
    return replace(found, rows=rows, total=total, chains=chains, batches=batches)


async def _chains(reader: Reader, found: Found, _: Question) -> Found:
    return replace(found, chains=await board.chains(reader, NEWEST))


async def _batches(reader: Reader, found: Found, _: Question) -> Found:
    return replace(found, batches=await board.batches(reader, NEWEST))


async def _schedules(reader: Reader, found: Found, _: Question) -> Found:
    return replace(found, schedules=await board.all_schedules(reader))


async def _services(reader: Reader, found: Found, _: Question) -> Found:
    return replace(found, services=await board.all_services(reader))


async def _nothing_more(_: Reader, found: Found, __: Question) -> Found:
    return found


READS: dict[str, Callable[[Reader, Found, Question], Awaitable[Found]]] = {
    "jobs": _jobs, "chains": _chains, "batches": _batches, "schedules": _schedules, "services": _services,
    "queues": _nothing_more,
    "analytics": _nothing_more}
"""What each tab of ``views.dashboard.tabs.TABS`` reads beyond what stands above all of them."""


def _queues(shares: Shares, tally: Sequence[Tally], paused: Collection[str], *,
            everything: bool) -> list[QueueLine]:
    """Queues with jobs, with a weight of their own, or paused; the heaviest first."""
    waiting = dict.fromkeys((*shares.names, *paused), 0)
    for each in tally:
        waiting[each.queue] = waiting.get(each.queue, 0) + each.jobs * (each.state in WAITING)
    lines = [QueueLine(name, shares.weight(name), everything or name in paused, jobs)
             for name, jobs in waiting.items()]
    return sorted(lines, key=lambda line: (-line.weight, line.name))
