"""The worker's transaction: record what ended, promote what is due, take the next jobs."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tether_lab.errors import ClaimLost
from tether_lab.job import Claim, ClaimedJob, State
from tether_lab.job.policies.constraints import Read
from tether_lab.job.service import QUEUE as SERVICES

from . import cancel, causes, gates, happenings, limits, workflow
from .finish import Ending, finish_all
from .queue import Queue
from .statements import sql

__all__ = ["Ending", "Turn", "renew", "turn"]


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn gave: jobs to run, in order; claims whose endings were refused; and how the queue
    stood then: which attempts of this worker somebody asked to end (``True``: without grace), when
    (UTC µs) something becomes due, and the database's ``data_version``.
    """

    claimed: list[ClaimedJob] = field(default_factory=list)
    lost: list[Claim] = field(default_factory=list)
    cancelling: list[tuple[Claim, bool]] = field(default_factory=list)
    next_due: int | None = None
    data_version: int = 0
    extras: tuple[int, ...] = ()     # version ids of what acts beside the claimed jobs
    released: int = 0                # jobs that may start because others ended in this turn
    untold: bool = False             # more has happened than hooks could be told of at once


def unreadable(_: str) -> None:
    """A machine that cannot be read: every constraint holds."""


def turn(
    queue: Queue, *, worker: str, now: int, mono: int, lease_ns: int, finished: Sequence[Ending], limit: int,
    boot_id: str | None = None, room: int = 0, read: Read = unreadable,
    beside: Mapping[str, int] | None = None, follow: happenings.Make | None = None,
    caused: causes.Make | None = None,
) -> Turn:
    """All of a worker's business with the queue, in ONE transaction.

    ``now`` is UTC µs, ``mono`` CLOCK_MONOTONIC ns, a lease lasts ``lease_ns``. First every ending is
    recorded (or refused: ``Turn.lost``), so that its place and its retry count at once; then what is due
    becomes pending, what missed its deadline expires, and up to ``limit`` jobs are claimed. If this
    raises, nothing of it happened, and the same endings may be handed in again. ``room`` is the limit if
    there was nothing to claim before, but these endings let others start. ``read`` reads the machine, for
    constraints. ``beside``: places of our own queues (``~hooks``, ``~services``), by name; ``follow`` makes
    jobs of what happened, for those who hook it, ``caused`` of ends that triggers wait for.
    """
    boot = queue.boot_id if boot_id is None else boot_id
    with queue.write(power=bool(finished)) as connection:
        lost, released = finish_all(connection, finished) if finished else ([], 0)
        connection.execute(sql("promote_due"), {"now": now})
        released += _expire(connection, now)
        if caused is not None:
            released += causes.follow(connection, caused, now)
        if released and not limit:
            limit = room
        look_again = gates.check(connection, now, read)
        held = limits.gate(connection, now)
        claimed = _claim(connection, queue, worker, boot, now, mono + lease_ns, limit) if limit > 0 else []
        untold = follow is not None and happenings.follow(connection, follow, now)
        for name, places in (beside or {}).items():
            if places > 0:
                found = _take(connection, name, worker, boot, now, mono + lease_ns, places)
                claimed += [replace(job, service=True) for job in found] if name == SERVICES else found
        due = connection.execute(sql("next_due")).fetchone()[0]
        if held.admitted and sum(not job.service for job in claimed) < held.admitted:
            due = now             # a place was freed that this turn did not fill
        if look_again is not None:
            due = min(due or look_again, look_again)
        around = connection.execute(sql("extra_heads")).fetchall() if claimed else []
        return Turn(claimed, lost, cancel.requests(queue, worker), due, queue.data_version(),
                    tuple(row[0] for row in around), released, untold)


def renew(queue: Queue, claims: Sequence[Claim], lease_until: int) -> list[Claim]:
    """Keep these claims until then (CLOCK_MONOTONIC ns); those that are lost."""
    lost = []
    with queue.write(power=False) as connection:
        for claim in claims:
            changed = connection.execute(sql("claim_renew"), {
                "id": claim.job_id, "epoch": claim.epoch, "worker": claim.worker, "lease_until": lease_until})
            if not changed.rowcount:
                lost.append(claim)
    return lost


def lost_claim(claim: Claim) -> ClaimLost:
    return ClaimLost(f"job {claim.job_id}: epoch {claim.epoch} of {claim.worker} is no longer the newest",
                     remedy="Drop what this attempt produced: another one has the job, or it ended.",
                     where=f"job {claim.job_id}")


def _expire(connection: sqlite3.Connection, now: int) -> int:
    """How many jobs may start because of it."""
    expired = connection.execute(sql("expire"), {"now": now}).fetchall()
    if not expired:
        return 0
    connection.executemany(sql("event_add"), [(row[1], "expired", now, "{}", row[0]) for row in expired])
    return workflow.settle(connection, [
        workflow.Ended(row[0], State.EXPIRED, bool(row[2]), row[3], row[4]) for row in expired], now)


def _claim(
    connection: sqlite3.Connection, queue: Queue, worker: str, boot: str, now: int, lease: int, limit: int,
) -> list[ClaimedJob]:
    names = [name for (name,) in connection.execute(sql("claim_queues")).fetchall()]
    claimed: list[ClaimedJob] = []
    for name, share in (queue.shares.of(names, limit) if names else {}).items():
        if share:
            claimed += _take(connection, name, worker, boot, now, lease, share)
    for name in names if len(claimed) < limit and len(names) > 1 else ():
        claimed += _take(connection, name, worker, boot, now, lease, limit - len(claimed))
    return claimed


def _take(
    connection: sqlite3.Connection, name: str, worker: str, boot: str, now: int, lease: int, count: int,
) -> list[ClaimedJob]:
    rows = connection.execute(sql("claim_ready"), (name, count)).fetchall()
    if not rows:
        return []
    connection.executemany(sql("claim"), [(worker, boot, lease, now, now, row[0], row[1]) for row in rows])
    connection.executemany(sql("attempt_add"), [(row[0], row[1] + 1, row[7] + 1, worker, now) for row in rows])
    connection.executemany(sql("event_add"), [(row[1] + 1, "started", now, "{}", row[0]) for row in rows])
    if any(row[13] is not None for row in rows):
        limits.count_starts(connection, [(row[13], row[14]) for row in rows if row[13] is not None], now)
    return [
        ClaimedJob(
            claim=Claim(row[0], row[1] + 1, worker), uuid=row[2], key=row[3], handler_id=row[4],
            payload=row[5], options=row[6], attempt=row[7] + 1, max_attempts=row[8], crash_count=row[9],
            created_at=row[10], started_at=now, key_id=row[11], mac=row[12])
        for row in rows]
