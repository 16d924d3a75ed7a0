"""The worker's transaction: record what ended, promote what is due, take the next jobs."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from tether_lab.errors import ClaimLost
from tether_lab.job import Claim, ClaimedJob, State
from tether_lab.job.policies.constraints import Read
from tether_lab.job.service import QUEUE as SERVICES

from . import cancel, causes, gates, happenings, limits, workflow
from .brief import Brief, finish_brief
from .finish import Ending, finish_all
from .queue import Queue
from .statements import sql

__all__ = ["Brief", "Ending", "Turn", "renew", "turn"]


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
    kept: list[Claim] = field(default_factory=list)     # not given back: somebody asked to cancel them
    exhausted: bool = True           # nothing is left that could be claimed


class Candidate(NamedTuple):
    """A pending job, as far as it matters for being claimed ahead: ``kind`` is its version id and its options
    as stored, ``epoch`` the one it has while it waits."""

    id: int
    epoch: int
    kind: tuple[int, str]


class Room(Protocol):
    """Which jobs may be claimed ahead of their start, although no place is free."""

    def placed(self, job: Candidate) -> None:
        """A job was claimed for a place: others like it may be handed over with it."""

    def take(self, job: Candidate) -> bool:
        """Whether one more is welcome; it counts at once."""


class NoRoom:
    """Nothing is claimed ahead."""

    def placed(self, job: Candidate) -> None:
        pass

    def take(self, job: Candidate) -> bool:  # noqa: ARG002
        return False


NO_ROOM = NoRoom()

MOST_AHEAD = 256
"""Rows looked at beyond the places, in one turn."""


def unreadable(_: str) -> None:
    """A machine that cannot be read: every constraint holds."""


def turn(
    queue: Queue, *, worker: str, now: int, mono: int, lease_ns: int, finished: Sequence[Ending], limit: int,
    boot_id: str | None = None, room: int = 0, read: Read = unreadable, brief: Sequence[Brief] = (),
    beside: Mapping[str, int] | None = None, follow: happenings.Make | None = None,
    caused: causes.Make | None = None, ahead: Room | None = None, returned: Sequence[Claim] = (),
) -> Turn:
    """All of a worker's business with the queue, in ONE transaction.

    ``now`` is UTC µs, ``mono`` CLOCK_MONOTONIC ns, a lease lasts ``lease_ns``. First every ending is
    recorded (or refused: ``Turn.lost``), so that its place and its retry count at once; then what is due
    becomes pending, what missed its deadline expires, and up to ``limit`` jobs are claimed. If this
    raises, nothing of it happened, and the same endings may be handed in again. ``room`` is the limit if
    there was nothing to claim before, but these endings let others start. ``read`` reads the machine, for
    constraints. ``beside``: places of our own queues (``~hooks``, ``~services``), by name; ``follow`` makes
    jobs of what happened, for those who hook it, ``caused`` of ends that triggers wait for. ``ahead`` says
    which jobs are claimed beyond their places, ``returned`` are such claims whose jobs did not begin: they
    wait again. ``brief`` are endings as well; without any, ``queue.beacon`` is left to catch up.
    """
    boot = queue.boot_id if boot_id is None else boot_id
    with queue.write(power=bool(finished or brief), tell=bool(finished or brief)) as connection:
        left, counted = finish_brief(connection, brief) if brief else ((), 0)
        lost, released = finish_all(connection, [*finished, *left]) if finished or left else ([], 0)
        released += counted
        kept = _give_back(connection, returned, now) if returned else []
        seen = _see_to_what_is_due(connection, caused, now, read)
        released += seen.released
        if released and not limit:
            limit = room
        if seen.hooked:
            ahead = None                   # somebody wants to be told of each start, when it is one
        taking = _Taking(connection, worker, boot, now, mono + lease_ns, ahead or NO_ROOM, seen.names)
        claimed = taking.claim(queue, limit) if limit > 0 or ahead is not None else []
        after = _after(connection, worker)
        untold = bool(after.happened and follow is not None and happenings.follow(connection, follow, now))
        if after.ours or after.happened:
            claimed += taking.ours(beside or {})
            after = _after(connection, worker)
        due = after.due
        if seen.admitted and sum(not job.service for job in claimed) < seen.admitted:
            due = now             # a place was freed that this turn did not fill
        if seen.look_again is not None:
            due = min(due or seen.look_again, seen.look_again)
        around = connection.execute(sql("extra_around")).fetchall() if claimed else []
        cancelling = cancel.requests(queue, worker) if after.cancelling else []
        return Turn(claimed, lost, cancelling, due, queue.data_version(),
                    tuple(row[0] for row in around), released, untold, kept, taking.exhausted)


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


class _Before(NamedTuple):
    """What there is to see to before a claim, in most turns nothing (``turn_before.sql``): something is
    ``due``, a job is ``gated``, somebody is limited, starts are ``hooked``. What is done about one may change
    others, so they are asked anew."""

    due: bool
    gated: bool
    paused: bool
    slots: bool
    rates: bool
    hooked: bool
    first: str | None
    last: str | None


class _Seen(NamedTuple):
    """What came of it: jobs that may start (``released``, and ``admitted`` past a limit), when to look at gates
    again (UTC µs), whether starts are hooked, and the names of queues with work, if that says it all."""

    released: int
    admitted: int
    look_again: int | None
    hooked: bool
    names: list[str] | None


class _After(NamedTuple):
    """What a turn leaves to be known (``turn_after.sql``); ``due`` in UTC µs."""

    happened: int
    ours: int
    cancelling: int
    due: int | None


def _see_to_what_is_due(connection: sqlite3.Connection, caused: causes.Make | None, now: int,
                        read: Read) -> _Seen:
    """Before a claim: promote, expire, make what ends have caused; then gates, then limits."""
    before, released, look_again = _before(connection, now), 0, None
    if before.due:
        released = _promote(connection, caused, now)
        before = _before(connection, now)
    if before.gated:
        look_again = gates.check(connection, now, read)
        before = _before(connection, now)
    held = limits.gate(connection, now, paused=before.paused, slots=before.slots, rates=before.rates)
    names = [] if before.last is None else [before.last] if before.first == before.last < "~" else None
    return _Seen(released, held.admitted, look_again, before.hooked, None if held.admitted else names)


def _before(connection: sqlite3.Connection, now: int) -> _Before:
    return _Before(*connection.execute(sql("turn_before"), {"now": now}).fetchone())


def _after(connection: sqlite3.Connection, worker: str) -> _After:
    return _After(*connection.execute(sql("turn_after"), {"worker": worker}).fetchone())


def _promote(connection: sqlite3.Connection, caused: causes.Make | None, now: int) -> int:
    """What is due becomes pending, expires, or is made; how many jobs may start because others expired, or are
    new."""
    connection.execute(sql("promote_due"), {"now": now})
    return _expire(connection, now) + (causes.follow(connection, caused, now) if caused is not None else 0)


def _expire(connection: sqlite3.Connection, now: int) -> int:
    """How many jobs may start because of it."""
    expired = connection.execute(sql("expire"), {"now": now}).fetchall()
    if not expired:
        return 0
    connection.executemany(sql("event_add"), [(row[1], "expired", now, "{}", row[0]) for row in expired])
    return workflow.settle(connection, [
        workflow.Ended(row[0], State.EXPIRED, bool(row[2]), row[3], row[4]) for row in expired], now)


def _give_back(connection: sqlite3.Connection, returned: Sequence[Claim], now: int) -> list[Claim]:
    """Those that somebody asked to cancel meanwhile, or that are lost."""
    kept = []
    for claim in returned:
        changed = connection.execute(sql("give_back"), (now, claim.job_id, claim.epoch, claim.worker))
        if not changed.rowcount:
            kept.append(claim)
    return kept


@dataclass(slots=True)
class _Taking:
    """One worker claims, in one transaction."""

    connection: sqlite3.Connection
    worker: str
    boot: str
    now: int
    lease: int
    ahead: Room
    names: list[str] | None = None     # of queues with work, if they are known
    placed: int = 0
    exhausted: bool = True

    def claim(self, queue: Queue, places: int) -> list[ClaimedJob]:
        """Jobs for so many places, and those ahead of their start."""
        names = self.names
        if names is None:
            names = [name for (name,) in self.connection.execute(sql("claim_queues")).fetchall()]
        claimed: list[ClaimedJob] = []
        left = set(names)
        for name, share in (queue.shares.of(names, places) if names else {}).items():
            if share or len(names) == 1:   # several queues share places; what goes ahead goes with a place
                claimed += self.take(name, share, left)
        for name in names if self.placed < places and len(names) > 1 else ():
            claimed += self.take(name, places - self.placed, left)
        self.exhausted = not left
        return claimed

    def ours(self, places: Mapping[str, int]) -> list[ClaimedJob]:
        """Jobs of our own queues, for the places beside."""
        self.ahead, claimed = NO_ROOM, list[ClaimedJob]()
        for name, free in places.items():
            if free > 0:
                found = self.take(name, free, set())
                claimed += [job._replace(service=True) for job in found] if name == SERVICES else found
        return claimed

    def take(self, name: str, places: int, left: set[str]) -> list[ClaimedJob]:
        """The next jobs of one queue: for ``places``, then ahead as long as they are alike. The queue is no
        longer ``left`` if it has no more."""
        rows: list[Any] = []
        cursor = self.connection.execute(sql("claim_ready"), (name, places + MOST_AHEAD))
        for row in cursor:
            candidate = Candidate(row[0], row[1], (row[4], row[6]))
            if len(rows) < places:
                self.ahead.placed(candidate)
            elif row[13] is not None or row[15] is not None or not self.ahead.take(candidate):
                break
            rows.append(row)
        else:
            if len(rows) < places + MOST_AHEAD:
                left.discard(name)
        cursor.close()
        self.placed += min(places, len(rows))
        if rows:
            self._write(rows, places)
        worker, now = self.worker, self.now
        return [ClaimedJob(                # in the order of its fields
            Claim(row[0], row[1] + 1, worker), row[2], row[3], row[4], row[5], row[6], row[7] + 1, row[8],
            row[9], row[10], now, row[11], row[12], ahead=number >= places, chained=bool(row[16]),
            batch=row[17])
            for number, row in enumerate(rows)]

    def _write(self, rows: list[Any], places: int) -> None:
        connection, now, worker = self.connection, self.now, self.worker
        connection.executemany(sql("claim"), [
            (worker, self.boot, self.lease, now, now, None if number < places else "runner", row[0], row[1])
            for number, row in enumerate(rows)])
        placed = rows[:places]             # an attempt ahead is written down when more is known of it
        connection.executemany(sql("attempt_add"), [
            (row[0], row[1] + 1, row[7] + 1, worker, now) for row in placed])
        connection.executemany(sql("event_new"), [(row[1] + 1, "started", now, "{}", row[0]) for row in placed])
        if any(row[13] is not None for row in rows):
            limits.count_starts(connection, [(row[13], row[14]) for row in rows if row[13] is not None], now)
