"""The worker's flow, on one screen: wait, end what is over, record and claim, dispatch, write.

One thread. Nothing in here blocks but the wait and SQLite's own commit.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from typing import Any

from tether_lab.errors import QueueBusy, QueueError, StorageFull, TetherLabError, WorkerError
from tether_lab.job import Claim, ClaimedJob
from tether_lab.job.hooks import QUEUE as HOOKS_WAIT, is_internal
from tether_lab.job.service import QUEUE as SERVICES_WAIT
from tether_lab.job_queue import cancel, claim, schedules, services, workers
from tether_lab.job_queue.claim import Ending
from tether_lab.job_queue.queue import Queue
from tether_lab.outcome import Cancelled, Finish, Interrupted
from tether_lab.settings import Settings
from tether_lab.vault.keys import Vault

from . import stacks
from .ahead import Offer, is_warm
from .calls import Calls
from .chores import Chores
from .dispatch import Dispatcher, Prepared
from .endings import Endings
from .far import FarPools
from .faults import fault, inside
from .hooks import Hooks
from .machine import Machine
from .places import Places, is_ordinary
from .pool import Pool
from .pools import Pools
from .process import Process
from .running import AFTER_ERROR, Running, utc
from .schedules import Schedules
from .selector import Selector
from .services import Services
from .spares import SparePool
from .triggers import Triggers

TOGETHER = 0.0003
"""Seconds for which endings are gathered while every process has enough to do, unless MANY come anyway."""
MANY = 32
AHEAD = 2
"""Idle processes kept per interpreter, so that no job waits for a fork."""


class Supervisor:
    """One lab's worker. ``worker`` is its id in claims."""

    def __init__(self, queue: Queue, vault: Vault, settings: Settings, worker: str,
                 log: Callable[[str], None]) -> None:
        self.queue, self.settings, self.worker, self.log = queue, settings, worker, log
        self.selector = Selector()
        self.pools = self._open_pools()
        self.dispatcher = Dispatcher(queue, vault, log)
        self.endings = Endings(vault, queue.uuid, queue.folder.blobs, settings.crash_budget, utc)
        self.running = Running(queue, settings, self.pools, self.endings,
                               Calls(queue, vault, settings.payload_limit, utc), log)
        self.chores = Chores([], log)
        self.machine = Machine(queue.folder.path)
        self.schedules = Schedules(queue, vault, log)
        self.hooks = Hooks(queue, vault, log)
        self.services = Services(queue, vault, settings.service_slots)
        self.places = Places(settings, self.pools, self.running, self.services.slots)
        self.triggers = Triggers(queue, vault, self.selector, utc, log)
        self.waiting: list[Prepared] = []      # claimed, no process yet
        self.returned: list[Prepared] = []     # claimed ahead, to be given back
        self._open = self._recorded = 0        # places that this dispatch may fill; endings of the last turn
        self.ended: list[Ending] = []          # not yet recorded
        self.look = True                       # something may be claimable
        self.look_beside = True                # somebody may have to be told, or a service be started
        self.hinted = False                    # somebody says that the queue has changed
        self.next_due: int | None = None       # UTC µs: something will be
        self.retry_at = 0.0                    # the last transaction failed
        self.draining_until: float | None = None
        self.stopped = False
        self.active_at = time.monotonic()
        self._data_version = queue.data_version()

    def _open_pools(self) -> Pools:
        given: Any = {"ahead": min(AHEAD, self.settings.runners), "log": self.log, "on_event": self._said,
                      "preload_modules": self.settings.preload}
        if self.settings.executor != "local":
            return FarPools(self.selector, self.settings, self.queue.folder.run, self._more_places, **given)
        return Pools(self.selector, kind=SparePool if self.settings.start_method == "spare" else Pool, **given)

    def _more_places(self) -> None:
        self.look = True

    # -- the flow ------------------------------------------------------------------------------------

    def run(self) -> None:
        while not self.stopped:
            self.wait()
            self.end_what_is_over()
            self.turn()
            self.dispatch()
            self.running.write(time.monotonic())
            self.chores.run(time.monotonic())

    def wait(self) -> None:
        """Sleep until somebody speaks or something is due, and hear them out."""
        if self._recorded < MANY and self.running.ahead.all_have_plenty:
            time.sleep(TOGETHER)           # many endings in one transaction, instead of one in each
        self.selector.listen(max(0.0, self._due() - time.monotonic()))

    def end_what_is_over(self) -> None:
        now = time.monotonic()
        self.ended += self.running.tend(now)
        self._relieve(now)
        if self.draining_until is not None:
            self._drain_on(now)

    def turn(self) -> None:
        """Record endings and claim what is due, in one transaction."""
        now = time.monotonic()
        if self.next_due is not None and utc() >= self.next_due:
            self.look, self.look_beside, self.next_due = True, True, None
            self.fire()
        if self.running.enqueued:
            self.look, self.running.enqueued = True, False
        if self.triggers.fired:
            self.look, self.triggers.fired = True, False
        if self.running.hooked:
            self.look_beside, self.running.hooked = True, False
        if self.hinted:
            self._see_what_changed()
        if any(not isinstance(ending.step, Finish) for ending in self.ended):
            self.look = True           # it waits again: now, or at a moment that must be known
        if any(ending.service for ending in self.ended):
            self.look_beside = True
        free, beside = self.places.free(self.waiting) if self.draining_until is None else (0, {})
        limit = free if self.look else 0
        if now < self.retry_at or not (self.unrecorded or self.returned or limit
                                       or (any(beside.values()) and self.look_beside)):
            return
        claimed = self._record_and_claim(limit, free, beside, now)
        if claimed:
            fault("after_claim_commit")
            self.active_at = now
            prepared = filter(None, map(self._prepare, claimed))
            self.waiting += [one for one in prepared if not self.running.ahead.stand_by(one, now)]

    def fire(self) -> None:
        """Let schedules make the jobs whose time has come."""
        if self.draining_until is not None:
            return                         # the next worker's: its misfire policy decides
        try:
            self.schedules.fire(utc())
            self._mind_schedules()
        except (QueueBusy, StorageFull) as error:
            self.retry_at = time.monotonic() + AFTER_ERROR
            self.log(f"{error.message}; schedules are tried again")

    def dispatch(self) -> None:
        """Hand claimed jobs to processes; what came back, and none can take now, is given back."""
        now, ahead = time.monotonic(), self.running.ahead
        self._open = self.places.open()
        back = {prepared.job.claim for prepared in ahead.returned}
        self.waiting, ahead.returned = ahead.returned + self.waiting, []
        self.waiting = [prepared for prepared in self.waiting if not self._dispatched(prepared, now)]
        self.running.send_ahead()
        if back and self._open <= 0:
            self.returned += [one for one in self.waiting if one.job.claim in back]
            self.waiting = [one for one in self.waiting if one.job.claim not in back]
        self.queue.beacon.catch_up()
        busy = {job.version.interpreter.pool for job in [*self.running, *self.waiting]}
        if self.draining_until is None:
            self.pools.tend(now, busy=busy, idle_for=self.settings.idle_zygote)

    # -- its steps -----------------------------------------------------------------------------------

    def _record_and_claim(self, limit: int, room: int, beside: dict[str, int],
                          now: float) -> list[ClaimedJob]:
        fault("before_turn")
        brief = self.running.brief
        if self.unrecorded:
            fault("before_finish_commit")
        try:
            with inside(self.queue, "inside_finish" if self.unrecorded else "inside_turn"):
                found = claim.turn(self.queue, worker=self.worker, now=utc(), mono=time.monotonic_ns(),
                                   lease_ns=round(self.settings.lease * 1e9), finished=self.ended, brief=brief,
                                   limit=limit, room=room, read=self.machine.read,
                                   beside=beside, follow=self.hooks.follow, caused=self.triggers.make,
                                   ahead=self._offer(),
                                   returned=[prepared.job.claim for prepared in self.returned])
        except (QueueBusy, StorageFull) as error:
            self.retry_at = now + AFTER_ERROR
            self.log(f"{error.message}; {len(self.ended) + len(brief)} endings are kept and tried again")
            return []
        fault("after_turn_commit")
        if self.unrecorded:
            fault("after_finish_commit")
            self.active_at = now
        for lost in found.lost:
            self.log(f"job {lost.job_id}, epoch {lost.epoch}: fenced, its ending was refused")
        self._recorded = len(brief)
        self.ended.clear()
        brief.clear()
        ours = sum(is_internal(job.key) for job in found.claimed)
        started = sum(job.service for job in found.claimed)
        # Who asked to cancel one of them is answered below.
        self.waiting += [prepared for prepared in self.returned if prepared.job.claim in found.kept]
        self.look = self.look or bool(self.returned)
        self.returned.clear()
        if found.data_version != self._data_version and not limit:
            self.look = True           # what changed was not looked at
        elif found.released:
            self.look = True           # there may be more of them than places
        elif found.exhausted and (limit or found.claimed):
            self.look = False
        self.triggers.look |= found.data_version != self._data_version
        self.look_beside = found.untold or ours >= beside.get(HOOKS_WAIT, 0) or (
            0 < started == beside.get(SERVICES_WAIT, 0))
        self._data_version, self.next_due = found.data_version, found.next_due
        self._cancel(found.cancelling)
        if len(self.running) > self.running.jobs:
            self._see_services()       # what changed may have been seen by this turn
        if found.claimed:
            self.dispatcher.extras = found.extras
        return found.claimed

    def _offer(self) -> Offer | None:
        """What may be claimed ahead: nothing while others, claimed already, wait for a place."""
        if not self.look or self.waiting or self.draining_until is not None:
            return None
        return self.running.offer()

    def _prepare(self, job: ClaimedJob) -> Prepared | None:
        try:
            return self.dispatcher.prepare(self.services.follow(job) if job.service else job)
        except TetherLabError as error:
            self.log(f"job {job.claim.job_id} may not run: {error.message}")
            self.ended.append(self.endings.refused(job, error))
            return None

    def _relieve(self, now: float) -> None:
        """Who stands by takes the place of one that has ended, before that is recorded."""
        standby = self.running.ahead.standby
        if standby and self.draining_until is None:
            self._open = self.places.open()
            while standby and self._open > 0:
                prepared = standby.next()
                if not self._dispatched(prepared, now):
                    self.waiting.append(prepared)

    def _dispatched(self, prepared: Prepared, now: float) -> bool:
        if self._open <= 0 and is_ordinary(prepared):
            return self.running.hand(prepared, self.dispatcher.extras)
        version = prepared.version
        try:
            process = self.pools.take(version, warm=is_warm(prepared), now=now)
        except WorkerError as error:
            self.log(f"job {prepared.job.claim.job_id} cannot run: {error.message}")
            self.ended.append(self.endings.refused(prepared.job, error))
            return True
        if process is not None:
            try:
                task = self.dispatcher.task(prepared)
            except TetherLabError as error:
                self.ended.append(self.endings.refused(prepared.job, error))
                process.kill()
                return True
            self.running.start(prepared, task, process, now, self.dispatcher.extras)
            self._open -= is_ordinary(prepared)
        return process is not None

    def _said(self, process: Process, name: str) -> None:
        self.running.hear(process, name)

    def _due(self) -> float:
        now = time.monotonic()
        moments = [self.chores.due(), now + self.settings.fallback_poll, self.running.due(now)]
        if self.next_due is not None:
            moments.append(now + (self.next_due - utc()) / 1e6)
        if self.unrecorded or self.returned:
            moments.append(self.retry_at)
        if self.draining_until is not None:
            moments.append(self.draining_until)
        else:
            moments.append(self.pools.due())
        if self.waiting:
            moments.append(now + 0.25)
        if self.hinted or self.running.hooked:
            moments.append(now)
        return min(moments)

    def claims(self) -> list[Claim]:
        """All claims that this worker holds."""
        waiting = [*self.waiting, *self.returned, *self.running.ahead.returned]
        return [*self.running.claims(), *(prepared.job.claim for prepared in waiting),
                *(ended.claim for ended in self.ended), *(brief.claim for brief in self.running.brief)]

    @property
    def unrecorded(self) -> bool:
        """Whether attempts have ended that the queue does not know of yet."""
        return bool(self.ended or self.running.brief)

    # -- what others ask -----------------------------------------------------------------------------

    def hear(self, datagrams: list[bytes]) -> None:
        """Hints, and the two requests that are no rows."""
        self.hinted = True
        for datagram in datagrams:
            request = stacks.parse(datagram)
            if request is not None:
                self.running.ask_stack(*request)
            elif datagram.startswith(b"drain "):
                with contextlib.suppress(ValueError):
                    self.drain(float(datagram[6:]))

    def look_around(self) -> None:
        """Without a hint: has anything changed?"""
        self.hinted = self.hinted or self.queue.data_version() != self._data_version

    def _see_what_changed(self) -> None:
        """Several hints are about one change, and some about a change that we have seen already."""
        self.hinted = False
        if not self.running.attempts:
            self.pools.rouse()
        found = self.queue.data_version()
        if found != self._data_version:
            self._data_version, self.look, self.triggers.look = found, True, True
            self.look_beside = True
            if self.running or self.waiting:
                self._mind_schedules()
                self._cancel(cancel.requests(self.queue, self.worker))
            self._see_services()

    def _see_services(self) -> None:
        self.look_beside = self.look_beside or services.pending(self.queue, utc())
        for attempt in self.services.see(self.running):
            attempt.push("drain", time.monotonic(), grace=self.settings.cancel_grace)

    def _mind_schedules(self) -> None:
        """They fire at their time also while every place is taken and nothing is claimed."""
        at = schedules.next_at(self.queue)
        if at is not None:
            self.next_due = at if self.next_due is None else min(at, self.next_due)

    def _cancel(self, asked: list[tuple[Claim, bool]]) -> None:
        """Push the attempts that somebody asked to cancel."""
        if not asked:
            return
        forced, ahead = dict(asked), self.running.ahead
        for claim_, at_once in asked:
            ahead.cancel(claim_.job_id, 0.0 if at_once else self.settings.cancel_grace)
        self.waiting, ahead.returned = ahead.returned + self.waiting, []
        for attempt in self.running:
            if attempt.claim in forced:
                grace = 0.0 if forced[attempt.claim] else self.settings.cancel_grace
                attempt.push("cancel", time.monotonic(), grace=grace)
        for prepared in [p for p in self.waiting if p.job.claim in forced]:
            self.waiting.remove(prepared)
            self.ended.append(self.endings.of_unstarted(prepared.job, Cancelled("user")))

    def drain(self, grace: float) -> None:
        """Stop claiming; jobs get ``grace`` seconds to finish, then go back to the queue."""
        now = time.monotonic()
        if self.draining_until is None:
            self.log(f"draining: {len(self.running)} jobs run and have {grace:g} s to finish")
            self.running.take_back_all()
            for attempt in self.running:
                if attempt.job.service:              # it would never finish
                    attempt.push("drain", now, grace=min(grace, self.settings.cancel_grace))
                elif attempt.started is not None:    # before that it would be the end of it
                    attempt.process.signal(signal.SIGTERM)
            with contextlib.suppress(QueueError):
                workers.mark(self.queue, self.worker, "draining", utc())
        self.draining_until = min(self.draining_until or now + grace, now + grace)

    def stop_now(self) -> None:
        """No patience: kill what runs and give it back."""
        self.drain(0.0)
        self.running.ahead.end_silent(time.monotonic(), self.running.attempts)
        for attempt in [one for one in self.running if one.ended is None]:
            attempt.kill("drain", time.monotonic())

    def _drain_on(self, now: float) -> None:
        back = Interrupted("the worker stopped")
        self.returned += self.running.ahead.returned
        self.running.ahead.returned = []
        self.ended += [self.endings.of_unstarted(p.job, back) for p in self.waiting]
        self.waiting.clear()
        if self.draining_until is not None and now >= self.draining_until:
            self.draining_until = float("inf")
            for attempt in self.running:
                attempt.push("drain", now, grace=self.settings.cancel_grace)
        self.stopped = not self.running and not self.unrecorded and not self.returned
