"""The claim against a model: weights, slots, rates, pauses, windows, dedup, deadlines, retries, crashes.

The model is what the README promises, in the plainest Python there is for it: lists, filters and sorts over
all jobs. The queue does the same with partial indexes. Whatever happens in whatever order, each turn takes
the same jobs in the same order, and every row stands as the model says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests import queues
from tests.queues import NOW, SECOND
from tether_lab.job import FINAL, ClaimedJob, HandlerVersion, JobOptions, State
from tether_lab.job.policies.window import TimeWindow
from tether_lab.job_queue import cancel, limits, rescue, retry
from tether_lab.job_queue.queue import Queue
from tether_lab.job_queue.shares import Shares
from tether_lab.outcome import Finish, RetryAt

HOUR = 3600 * SECOND
NIGHT = JobOptions(window=TimeWindow(22, 6, tz="UTC")).to_json()
NAMES = ("critical", "default", "low")
WORKERS = ("w1", "w2")


@dataclass(slots=True)
class Model:
    """A job as people understand it. Times µs."""

    id: int
    queue: str
    priority: int
    run_at: int
    expires: int | None
    slot: tuple[str, int] | None
    rate: tuple[str, int, int] | None
    night: bool
    dedup: str | None
    until: int | None
    state: State = State.PENDING
    waits: str | None = None
    begun: bool = False
    worker: str | None = None

    @property
    def ready(self) -> bool:
        return self.state is State.PENDING and self.waits is None

    def go(self, state: State, waits: str | None = None) -> None:
        self.state, self.waits = state, waits


def is_night(at: int) -> bool:
    return not 6 <= at // HOUR % 24 < 22


class Page:
    """All jobs, and what a turn does with them."""

    def __init__(self) -> None:
        self.jobs: dict[int, Model] = {}
        self.starts: dict[str, list[int]] = {}
        self.paused: set[str] = set()
        self.shares = Shares()

    def all(self, *states: State) -> list[Model]:
        return [job for job in self.jobs.values() if job.state in states]

    def holder(self, key: str | None, now: int) -> Model | None:
        """Who keeps another job of this key out."""
        for job in self.jobs.values():
            if key is not None and job.dedup == key and job.state not in (State.FAILED, State.CANCELLED):
                if job.until is None or job.until > now:
                    return job
                job.dedup = None
        return None

    def hold_paused(self) -> None:
        for job in self.all(State.PENDING):
            if "" in self.paused and job.waits is None:
                job.waits = "paused"
            elif "" not in self.paused and job.queue in self.paused and (job.waits or "rate")[:4] == "rate":
                job.waits = f"paused:{job.queue}"

    def let_go(self) -> None:
        for job in self.all(State.PENDING):
            if (job.waits or "").startswith("paused"):
                job.waits = None
        self.hold_paused()

    def turn(self, now: int, limit: int) -> list[int]:
        """The ids of the jobs that start, in order."""
        for job in self.all(State.SCHEDULED, State.RETRYING):
            if job.run_at <= now:
                job.go(State.PENDING)
        for job in self.all(State.BLOCKED, State.SCHEDULED, State.PENDING):
            if not job.begun and job.expires is not None and job.expires <= now:
                job.go(State.EXPIRED)
        for job in self.all(State.PENDING, State.BLOCKED):
            held = (job.waits or "").startswith("paused")
            if job.night and not held and not is_night(now):
                job.go(State.SCHEDULED, "window")
                job.run_at = now // (24 * HOUR) * 24 * HOUR + 22 * HOUR
        self.hold_paused()
        if "" not in self.paused:
            for key in sorted({job.slot[0] for job in self.jobs.values() if job.slot}):
                self.deal_slots(key)
            for key in sorted({job.rate[0] for job in self.jobs.values() if job.rate}):
                self.deal_starts(key, now)
        return self.claim(now, limit)

    def deal_slots(self, key: str) -> None:
        """First come, first served; nobody overtakes."""
        mine = [job for job in self.jobs.values() if job.slot and job.slot[0] == key]
        taken = sum(job.state is State.RUNNING for job in mine)
        wanting = [job for job in mine if (job.state is State.PENDING or job.waits == f"slot:{key}")
                   and not (job.waits or "").startswith("paused")]
        open_ = True
        for job in sorted(wanting, key=lambda job: job.id):
            if job.queue in self.paused:
                if job.state is State.PENDING:
                    job.go(State.BLOCKED, f"slot:{key}")
                continue
            open_ = open_ and job.slot is not None and taken < job.slot[1]
            if not open_:
                job.go(State.BLOCKED, f"slot:{key}")
            else:
                taken += 1
                if job.state is State.BLOCKED:
                    job.go(State.PENDING)

    def deal_starts(self, key: str, now: int) -> None:
        """At most so many in any window; nobody overtakes."""
        wanting = [job for job in self.all(State.PENDING) if job.rate and job.rate[0] == key
                   and job.waits in (None, f"rate:{key}")]
        chosen, open_ = 0, True
        for job in sorted(wanting, key=lambda job: (-job.priority, job.run_at, job.id)):
            assert job.rate is not None
            recent = sum(at > now - job.rate[2] for at in self.starts.get(key, []))
            open_ = open_ and recent + chosen < job.rate[1]
            chosen += open_
            job.waits = None if open_ else f"rate:{key}"

    def claim(self, now: int, limit: int) -> list[int]:
        def ready(name: str) -> list[Model]:
            return sorted((job for job in self.jobs.values() if job.ready and job.queue == name),
                          key=lambda job: (-job.priority, job.run_at, job.id))

        names = sorted({job.queue for job in self.jobs.values() if job.ready})
        if not names or not limit:
            return []
        chosen: list[Model] = []
        for name, share in [*self.shares.of(names, limit).items(), *((name, limit) for name in names)]:
            for job in ready(name)[:min(share, limit - len(chosen))]:
                job.go(State.RUNNING)
                job.begun = True
                chosen.append(job)
                if job.rate:
                    self.starts.setdefault(job.rate[0], []).append(now)
        return [job.id for job in chosen]


class ClaimLaws(RuleBasedStateMachine):
    """Two workers, one of which may die at any time; a person who enqueues, cancels, pauses, retries."""

    queue: ClassVar[Queue]
    handler: ClassVar[HandlerVersion]

    @initialize()
    def begin(self) -> None:
        with self.queue.write() as connection:
            for table in ("result", "event", "attempt", "job", "rate", "paused"):
                connection.execute(f"DELETE FROM {table}")
        self.queue.shares = Shares()
        self.now, self.page = NOW, Page()
        self.held: list[ClaimedJob] = []

    @rule(queue=st.sampled_from(NAMES), priority=st.integers(-1, 1), delay=st.sampled_from([0, 0, 0, 5]),
          expires=st.sampled_from([None, None, 8]), slot=st.sampled_from([None, ("s", 1), ("s", 2)]),
          rate=st.sampled_from([None, None, ("r", 1, 10), ("r", 2, 20)]),
          night=st.sampled_from([False, False, True]), dedup=st.sampled_from([None, None, "a", "b"]),
          ttl=st.sampled_from([None, 6]))
    def enqueue(self, queue: str, priority: int, delay: int, expires: int | None, slot: tuple[str, int] | None,
                rate: tuple[str, int, int] | None, dedup: str | None, ttl: int | None, *, night: bool) -> None:
        due = self.now + delay * SECOND
        ends = None if expires is None else self.now + expires * SECOND
        until = None if ttl is None else self.now + ttl * SECOND
        paced = None if rate is None else (rate[0], rate[1], rate[2] * SECOND)
        (got,) = queues.enqueue.enqueue(self.queue, [queues.new_job(
            self.handler, queue=queue, priority=priority, run_at=due, expires_at=ends,
            slot=None if slot is None else (*slot, "fifo"), rate=paced, gated=night,
            options=NIGHT if night else "{}", dedup_key=dedup, dedup_until=until if dedup else None)],
            now=self.now)
        holder = self.page.holder(dedup, self.now)
        if holder is not None:
            assert got == holder.id
            self.page.hold_paused()
            self.compare()
            return
        assert got not in self.page.jobs
        self.page.jobs[got] = Model(got, queue, priority, due, ends, slot, paced, night, dedup,
                                    until if dedup else None, State.SCHEDULED if delay else State.PENDING)
        self.page.hold_paused()
        self.compare()

    @rule(jobs=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(-1, 1), st.integers(-2, 0)), min_size=2,
                        max_size=5))
    def crowd(self, jobs: list[tuple[str, int, int]]) -> None:
        """Several at once that nothing holds back."""
        made = [queues.new_job(self.handler, queue=name, priority=priority, run_at=self.now + due * SECOND)
                for name, priority, due in jobs]
        for job, got in zip(made, queues.enqueue.enqueue(self.queue, made, now=self.now), strict=True):
            self.page.jobs[got] = Model(got, job.queue, job.priority, job.run_at, None, None, None, night=False,
                                        dedup=None, until=None)
        self.page.hold_paused()
        self.compare()

    @rule(jobs=st.lists(st.tuples(st.booleans(), st.integers(-1, 1)), min_size=2, max_size=4),
          most=st.integers(1, 2), night=st.booleans())
    def limited(self, jobs: list[tuple[bool, int]], most: int, *, night: bool) -> None:
        """Several at once under one slot or rate."""
        made = [queues.new_job(self.handler, priority=priority, run_at=self.now, gated=night,
                               options=NIGHT if night else "{}",
                               slot=("s", most, "fifo") if slotted else None,
                               rate=None if slotted else ("r", most, 10 * SECOND))
                for slotted, priority in jobs]
        for job, got in zip(made, queues.enqueue.enqueue(self.queue, made, now=self.now), strict=True):
            self.page.jobs[got] = Model(got, job.queue, job.priority, job.run_at, None,
                                        job.slot[:2] if job.slot else None, job.rate, night=night, dedup=None,
                                        until=None)
        self.page.hold_paused()
        self.compare()

    @rule(worker=st.sampled_from(WORKERS), limit=st.integers(1, 4))
    def turn(self, worker: str, limit: int) -> None:
        expected = self.page.turn(self.now, limit)
        found = queues.turn(self.queue, worker, limit=limit, now=self.now).claimed
        assert [job.claim.job_id for job in found] == expected
        for job in found:
            self.page.jobs[job.claim.job_id].worker = worker
        self.held += found
        self.compare()

    @rule()
    def over_night(self) -> None:
        """Jobs for the night that wait for a rate, and still do in the morning."""
        self.now = self.now // (24 * HOUR) * 24 * HOUR + (24 + 23) * HOUR
        self.limited([(False, 0)] * 3, 1, night=True)
        self.turn("w1", 2)
        self.now += 15 * HOUR
        self.turn("w1", 2)

    @rule(night=st.booleans())
    def in_vain(self, *, night: bool) -> None:
        """Deadlines that pass while a slot, or the day, holds jobs back."""
        for _ in range(2):
            self.enqueue("default", 0, 0, 8, ("s", 1), None, None, None, night=night)
        self.turn("w1", 2)
        self.now += 9 * SECOND
        self.turn("w1", 2)

    @rule()
    def a_key_whose_time_is_over(self) -> None:
        """Somebody has taken it; who had it before is taken back without it."""
        before = len(self.page.jobs)
        self.enqueue("low", 0, 0, None, None, None, "c", 6, night=False)
        if len(self.page.jobs) == before:
            return
        model = self.page.jobs[max(self.page.jobs)]
        self._cancel(model)
        self.now += 7 * SECOND
        self.enqueue("low", 0, 0, None, None, None, "c", 6, night=False)
        self._retry(model)

    @rule(worker=st.sampled_from(WORKERS))
    def look(self, worker: str) -> None:
        """Who takes nothing and finds nothing new leaves every row alone, and need not look again at once."""
        self.page.turn(self.now, 0)
        queues.turn(self.queue, worker, limit=0, now=self.now)
        self.compare()
        before = self.changed()
        again = queues.turn(self.queue, worker, limit=0, now=self.now + 1)
        assert self.changed() == before
        assert again.next_due is None or again.next_due > self.now + 1

    @precondition(lambda self: self.held)
    @rule(data=st.data(), end=st.sampled_from(["done", "done", "failed", "again"]), delay=st.integers(0, 9))
    def finish(self, data: st.DataObject, end: str, delay: int) -> None:
        """An attempt ends; nothing is claimed in its turn."""
        job = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        model = self.page.jobs[job.claim.job_id]
        due = self.now + delay * SECOND
        step = {"done": Finish(State.COMPLETED), "failed": Finish(State.FAILED, "x"),
                "again": RetryAt(due, "x")}[end]
        model.go({"done": State.COMPLETED, "failed": State.FAILED, "again": State.RETRYING}[end])
        model.run_at = due if end == "again" else model.run_at
        self.page.turn(self.now, 0)
        found = queues.turn(self.queue, job.claim.worker, limit=0, now=self.now,
                            finished=[queues.ending(job, step, at=self.now)])
        assert not found.lost
        self.compare()

    @precondition(lambda self: self.page.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self._cancel(self.page.jobs[data.draw(st.sampled_from(sorted(self.page.jobs)))])

    def _cancel(self, model: Model) -> None:
        if model.state is State.RUNNING or model.state in FINAL:
            return
        cancel.cancel(self.queue, [model.id], now=self.now)
        model.go(State.CANCELLED)
        self.compare()

    @precondition(lambda self: any(job.state in FINAL for job in self.page.jobs.values()))
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        """A person takes one back, if nobody took its key meanwhile."""
        ended = [job for job in self.page.jobs.values() if job.state in FINAL]
        self._retry(data.draw(st.sampled_from(ended)))

    def _retry(self, model: Model) -> None:
        live = model.dedup is not None and (model.until is None or model.until > self.now)
        if model.state in (State.FAILED, State.CANCELLED) and live and self.page.holder(model.dedup, self.now):
            return
        retry.retry(self.queue, model.id, self.now)
        model.go(State.PENDING)
        model.run_at, model.expires, model.begun = self.now, None, False
        model.dedup = model.dedup if live else None
        self.compare()

    @rule(dead=st.sampled_from(WORKERS))
    def crash(self, dead: str) -> None:
        """A worker dies; what it ran goes back to where it was, and frees its slots."""
        rescue.rescue(self.queue, worker="w3", boot_id=self.queue.boot_id, mono=0, now=self.now, dead=[dead],
                      crash_budget=1000)
        for job in self.page.all(State.RUNNING):
            if job.worker == dead:
                job.go(State.PENDING)
        self.held = [job for job in self.held if job.claim.worker != dead]
        self.compare()

    @rule(name=st.sampled_from(["", *NAMES]))
    def pause(self, name: str) -> None:
        limits.pause(self.queue, name, now=self.now)
        self.page.paused.add(name)
        self.page.let_go()
        self.compare()

    @precondition(lambda self: self.page.paused)
    @rule()
    def resume(self) -> None:
        limits.resume(self.queue)
        self.page.paused.clear()
        self.page.let_go()
        self.compare()

    @rule(seconds=st.sampled_from([1, 3, 7, 21, 3600, 15 * 3600]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * SECOND

    def changed(self) -> list[tuple[int, int]]:
        """When each row was."""
        with self.queue.read() as connection:
            return connection.execute("SELECT id, updated_at FROM job ORDER BY id").fetchall()

    def compare(self) -> None:
        """Every row is as the page says; and, beside the model, what must never be."""
        with self.queue.read() as connection:
            rows = connection.execute("SELECT id, state, waits_for FROM job").fetchall()
        assert {row[0]: row[1:] for row in rows} == {
            job.id: (str(job.state), job.waits) for job in self.page.jobs.values()}
        running = self.page.all(State.RUNNING)
        assert sum(job.slot is not None for job in running) <= 2
