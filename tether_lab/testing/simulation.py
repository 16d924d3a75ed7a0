"""A made-up month, played: who asks when, which runner is free, how each attempt ends, what follows.

Pure: random numbers come from a seed, the next step of a job from ``outcome.decide`` as in a worker.
Times are UTC microseconds.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tether_lab.job import State
from tether_lab.outcome import (
    Cancelled,
    Crashed,
    Failed,
    Finish,
    Lost,
    Outcome,
    Requeue,
    Stored,
    Succeeded,
    TimedOut,
    decide,
)

from .workloads import WORKLOADS, Fault, Release, Workload

SECOND = 1_000_000
HOUR = 3600 * SECOND
PER_WORKER = 4
"""Runners of a worker in the story."""


@dataclass(slots=True)
class Played:
    """A job while it is played: what became of it so far."""

    work: Workload
    release: Release
    created_at: int
    payload: dict[str, object]
    due: int = 0
    used: int = 0                   # attempts that count
    crashes: int = 0
    fault: Fault | None = None
    state: State | None = None
    finished_at: int = 0
    error: str | None = None
    runs: list[Run] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt: which number, where, when, how it ended, what followed (due again at, or None)."""

    attempt: int
    worker: str
    started_at: int
    finished_at: int
    outcome: Outcome
    cpu: float
    peak: int
    retry_at: int | None


@dataclass(frozen=True, slots=True)
class Month:
    """The story's stage: from when to when, its slow Tuesday (from, to), when a worker died."""

    begin: int
    end: int
    slow: tuple[int, int]
    death: int

    @classmethod
    def ending(cls, end: datetime, months: float) -> Month:
        """The stage for so many months before ``end``."""
        begin = end - timedelta(days=30 * months)
        day = (begin + timedelta(days=18 * months)).replace(hour=0, minute=0, second=0, microsecond=0)
        tuesday = day - timedelta(days=(day.weekday() - 1) % 7)
        slow = tuple(_micro(tuesday + timedelta(hours=hour)) for hour in (9, 18))
        night = (begin + timedelta(days=24 * months)).replace(hour=2, minute=30)
        death = _micro(night)
        return cls(_micro(begin), _micro(end), (slow[0], slow[1]), death)


def play(month: Month, jobs: int, rng: random.Random) -> Iterator[Played]:
    """The jobs of a month, each one final, in the order in which they were asked for."""
    asked = sorted((job for work in WORKLOADS for job in _asked(work, month, jobs, rng)),
                   key=lambda job: job.created_at)
    runners = [(month.begin, f"w{number // PER_WORKER + 1}") for number in range(_runners(month, asked))]
    ready = [(job.due, number) for number, job in enumerate(asked)]
    heapq.heapify(ready)
    while ready:
        due, number = heapq.heappop(ready)
        job = asked[number]
        free, worker = runners[0]
        if _ended_waiting(job, due, free, month, rng):
            continue
        ran = _run(job, max(due, free) + rng.randint(3_000, 40_000), worker, month, rng)
        heapq.heapreplace(runners, (ran.finished_at, worker))
        job.runs.append(ran)
        if job.state is None:
            heapq.heappush(ready, (job.due, number))
    yield from asked


def _asked(work: Workload, month: Month, jobs: int, rng: random.Random) -> Iterator[Played]:
    """The jobs of one workload: how many an hour gets follows its hours."""
    hours = range(month.begin, month.end - 2 * HOUR, HOUR)
    weights = [work.hours(datetime.fromtimestamp(hour / 1e6, UTC)) for hour in hours]
    total, count = 0.0, round(jobs * work.share)
    cumulated = [total := total + weight for weight in weights]
    for number, hour in enumerate(rng.choices(hours, cum_weights=cumulated, k=count) if total else ()):
        at = hour + rng.randrange(HOUR)
        if number < work.burst * count:
            at = month.slow[0] + HOUR // 2 + rng.randrange(HOUR // 3)
        part = (at - month.begin) / (month.end - month.begin)
        release = next(r for r in reversed(work.releases) if r.since <= part)
        yield Played(work, release, at, work.payload(rng), due=at)


def _runners(month: Month, asked: list[Played]) -> int:
    """Enough for working hours, not for a slow Tuesday; two at least."""
    load = sum(job.work.median * math.exp(job.work.sigma ** 2 / 2) for job in asked)
    return max(2, math.ceil(2.6 * load * SECOND / (month.end - month.begin)))


def _ended_waiting(job: Played, due: int, free: int, month: Month, rng: random.Random) -> bool:
    """Some jobs end before a runner is free: cancelled, past their deadline, or at the month's end."""
    start = max(due, free)
    expires = job.work.options.expires
    if start >= month.end - SECOND:
        job.state, job.finished_at, job.error = State.CANCELLED, month.end - 1, "cancelled by user"
    elif not job.runs and expires is not None and start > job.created_at + expires * SECOND:
        job.state, job.finished_at = State.EXPIRED, job.created_at + round(expires * SECOND)
    elif start - due > 60 * SECOND and rng.random() < 0.02:
        job.state, job.finished_at, job.error = State.CANCELLED, (start + due) // 2, "cancelled by user"
    return job.state is not None


def _run(job: Played, start: int, worker: str, month: Month, rng: random.Random) -> Run:
    """One attempt, and what follows from it."""
    delay = 0.0 if not job.runs else (start - job.runs[-1].finished_at) / SECOND
    seconds = rng.lognormvariate(math.log(job.work.median * job.release.factor), job.work.sigma)
    if month.slow[0] <= start < month.slow[1]:
        seconds *= 3.5
    outcome, seconds = _outcome(job, seconds, delay, rng)
    end = start + round(seconds * SECOND)
    if start < month.death < end:
        outcome, end = Lost(worker), month.death + 31 * SECOND     # found dead when its lease ran out
    if end >= month.end:
        outcome, end = Cancelled("user"), month.end - 1
    attempt = job.used + 1
    step = decide(outcome, attempt=attempt, max_attempts=job.work.attempts, now=end, spread=rng.uniform(-1, 1),
                  retry=job.work.options.retry, crash_count=job.crashes)  # type: ignore[arg-type]
    _follow(job, step, attempt, end)
    lasted = (end - start) / SECOND
    return Run(attempt, worker, start, end, outcome, lasted * job.work.cpu * rng.uniform(0.7, 1.1),
               round(job.work.megabytes * 1e6 * rng.lognormvariate(0, 0.2)),
               job.due if job.state is None else None)


def _outcome(job: Played, seconds: float, delay: float, rng: random.Random) -> tuple[Outcome, float]:
    """How the attempt ends, and after how many seconds."""
    work = job.work
    fault = _fault(job, delay, rng)
    if fault is not None:
        message = fault.message.format(n=rng.randint(100, 65_000), hex=f"{rng.getrandbits(44):x}")
        part = rng.uniform(0.05, 0.9)
        failed = Failed((*fault.types, "Exception"), message, _traceback(work.key, fault, message))
        return failed, seconds * part
    if rng.random() < work.crashes:
        return Crashed("killed by SIGKILL: the machine was out of memory"), seconds * rng.uniform(0.3, 1)
    if rng.random() < work.cancelled:
        return Cancelled("user"), seconds * rng.random()
    limit = work.options.timeout.hard if work.options.timeout else None
    if limit is not None and seconds > limit:
        return TimedOut(limit), limit
    return Succeeded(Stored("json", "null", "None")), seconds


def _fault(job: Played, delay: float, rng: random.Random) -> Fault | None:
    """The fault of this attempt: a new one at first, later the same one or none."""
    if job.fault is not None:
        if rng.random() >= job.fault.again(delay):
            job.fault = None
        return job.fault
    if any(isinstance(run.outcome, Failed) for run in job.runs):
        return None
    own = (job.release.fault,) if job.release.fault else ()
    job.fault = next((fault for fault in (*own, *job.work.faults) if rng.random() < fault.chance), None)
    return job.fault


def _follow(job: Played, step: object, attempt: int, end: int) -> None:
    """What the queue would have done with it."""
    match step:
        case Finish(state, reason):
            job.used, job.state, job.finished_at = attempt, state, end
            job.error = reason
        case Requeue(reason, crash):
            job.due, job.crashes = end, job.crashes + crash
            job.error = reason
        case _:
            job.used, job.due = attempt, step.run_at  # type: ignore[attr-defined]
            job.error = step.reason  # type: ignore[attr-defined]


def _traceback(key: str, fault: Fault, message: str) -> str:
    return (f'Traceback (most recent call last):\n  File "{key}", line 12, in <module>\n    step(payload)\n'
            f"{fault.types[0]}: {message}\n")


def _micro(at: datetime) -> int:
    return round(at.timestamp() * 1e6)
