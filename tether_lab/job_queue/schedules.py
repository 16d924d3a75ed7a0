"""Schedules: stored, read, fired."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tether_lab.errors import ScheduleNotFound, TetherLabError, UnknownHandler
from tether_lab.job.policies.schedule import SECOND, Rule
from tether_lab.job.schedule import Fire, ScheduleRow
from tether_lab.job.workflow import Parent

from . import cancel, enqueue
from .clock import utc
from .queue import Queue
from .statements import sql

Make = Callable[[ScheduleRow, int], enqueue.NewJob]
"""The job of a fire (nominal moment, UTC µs). Raises TetherLabError if there can be none."""


def put(queue: Queue, row: ScheduleRow, *, now: int | None = None) -> ScheduleRow:
    """Add a schedule, or give the one of this name a new rule. Raises UnknownHandler."""
    with queue.write() as connection:
        try:
            connection.execute(sql("schedule_put"), {
                "uuid": row.uuid, "name": row.name, "key": row.key, "rule": row.rule.to_json(),
                "payload": row.payload, "options": row.options, "next_at": row.next_at,
                "now": now or utc(), "key_id": row.key_id, "mac": row.mac})
        except sqlite3.IntegrityError as error:
            raise UnknownHandler(f"no handler is registered under {row.key!r}", where="key") from error
        return row_of(connection.execute(sql("schedule_get"), {"name": row.name}).fetchone())


def get(queue: Queue, name: str) -> ScheduleRow:
    """The schedule of this name. Raises ScheduleNotFound naming those that exist."""
    found = find(queue, name)
    if found is None:
        names = ", ".join(row.name for row in schedules(queue)) or "none"
        raise ScheduleNotFound(f"there is no schedule {name!r}", where="name",
                               remedy=f"Schedules here: {names}.")
    return found


def find(queue: Queue, name: str) -> ScheduleRow | None:
    """The schedule of this name, if there is one."""
    with queue.read() as connection:
        found = connection.execute(sql("schedule_get"), {"name": name}).fetchone()
    return None if found is None else shown(found)


def schedules(queue: Queue) -> list[ScheduleRow]:
    """All of them, the next to fire first."""
    with queue.read() as connection:
        return [shown(found) for found in connection.execute(sql("schedule_list")).fetchall()]


def pause(queue: Queue, row: ScheduleRow, *, paused: bool, now: int | None = None) -> None:
    """Stop firing; or go on with the first fire after now (those in between are no misfires)."""
    now = now or utc()
    with queue.write() as connection:
        connection.execute(sql("schedule_pause"), {"id": row.id, "paused": paused, "now": now,
                                                   "next_at": row.rule.after(now)})


def remove(queue: Queue, row: ScheduleRow) -> None:
    """It fires no more and is forgotten; its jobs stay."""
    with queue.write() as connection:
        connection.execute(sql("schedule_remove"), {"id": row.id})


def fires(queue: Queue, row: ScheduleRow, limit: int = 20) -> list[Fire]:
    """What became of its last fires, newest first."""
    with queue.read() as connection:
        found = connection.execute(sql("fire_list"), {"id": row.id, "limit": limit}).fetchall()
    return [Fire(*values) for values in found]


def next_at(queue: Queue) -> int | None:
    """When the next schedule fires by itself, UTC µs; None if none will."""
    with queue.read() as connection:
        found: int | None = connection.execute(sql("schedule_next")).fetchone()[0]
    return found


def fire(queue: Queue, make: Make, now: int) -> list[tuple[ScheduleRow, int | None, str]]:
    """Deal with every fire up to ``now``, in one transaction: jobs, the log of fires, the next moment.

    For each fire (row, id of its job or None, outcome or what is wrong). Exactly one job a fire,
    however many workers look: whoever has the write lock moves ``next_at``, and the log has a key.
    """
    with queue.read() as connection:
        if not connection.execute(sql("schedule_due"), {"now": now}).fetchall():
            return []
    told: list[tuple[ScheduleRow, int | None, str]] = []
    with queue.write() as connection:
        for found in connection.execute(sql("schedule_due"), {"now": now}).fetchall():
            try:
                row = row_of(found)
            except TetherLabError as error:
                connection.execute(sql("schedule_stop"), {"id": found[0], "trouble": error.message})
                continue
            told += _fire(connection, row, make, now)
    return told


def ask(queue: Queue, row: ScheduleRow, job: enqueue.NewJob, now: int) -> int:
    """A job of this schedule now, beside its rule; its id."""
    with queue.write() as connection:
        (job_id,) = enqueue.insert(connection, [job], now)
        connection.execute(sql("fire_add"), {"id": row.id, "at": now, "now": now, "outcome": "asked",
                                             "job_id": job_id})
    return job_id


def _fire(connection: sqlite3.Connection, row: ScheduleRow, make: Make,
          now: int) -> list[tuple[ScheduleRow, int | None, str]]:
    assert row.next_at is not None
    due = row.rule.due(row.next_at, now)
    told: list[tuple[ScheduleRow, int | None, str]] = []
    trouble = None
    for at in due.missed:
        _log(connection, row, at, now, "missed", None)
    if due.missed_count:
        told.append((row, None, f"{due.missed_count} missed"))
    before: tuple[Parent, ...] = ()           # made up fires run one after the other
    for at in due.fires:
        if connection.execute(sql("fire_known"), {"id": row.id, "at": at}).fetchone():
            continue
        if not before and not _room(connection, row, now):
            _log(connection, row, at, now, "skipped", None)
            told.append((row, None, "skipped"))
            continue
        try:
            job = replace(make(row, at), parents=before)
            (job_id,) = enqueue.insert(connection, [job], now)
        except TetherLabError as error:
            trouble = error.message
            _log(connection, row, at, now, "missed", None)
            told.append((row, None, trouble))
            continue
        _log(connection, row, at, now, "enqueued", job_id)
        if row.rule.overlap != "allow":
            before = (Parent(job.uuid, "before", "continue", job_id),)
        told.append((row, job_id, "enqueued"))
    connection.execute(sql("schedule_move"), {"id": row.id, "next_at": due.next_fire, "trouble": trouble})
    connection.execute(sql("fire_trim"), {"id": row.id})
    return told


def _room(connection: sqlite3.Connection, row: ScheduleRow, now: int) -> bool:
    """Whether this fire may become a job beside those of earlier ones."""
    if row.rule.overlap == "allow":
        return True
    unfinished = [job_id for (job_id,) in
                  connection.execute(sql("schedule_unfinished"), {"id": row.id}).fetchall()]
    match row.rule.overlap:
        case "queue":
            return len(unfinished) < 2
        case "cancel":
            if unfinished:
                cancel.cancel_in(connection, unfinished, now)
            return True
        case _:
            return not unfinished


def _log(connection: sqlite3.Connection, row: ScheduleRow, at: int, now: int, outcome: str,
         job_id: int | None) -> None:
    connection.execute(sql("fire_add"), {"id": row.id, "at": at, "now": now, "outcome": outcome,
                                         "job_id": job_id})


def shown(values: Sequence[Any]) -> ScheduleRow:
    """As ``row_of``; one whose rule cannot be read is shown with its trouble, and never fires."""
    try:
        return row_of(values)
    except TetherLabError as error:
        never = Rule(interval=SECOND, end=0).to_json()
        return row_of([*values[:4], never, *values[5:7], None, True, error.message, *values[10:]])


def row_of(values: Sequence[Any]) -> ScheduleRow:
    """In the order of the columns of schedule_get.sql."""
    (number, uuid, name, key, rule, payload, options, moment, paused, trouble, created, updated, signer,
     mac) = values
    return ScheduleRow(number, uuid, name, key, Rule.from_json(rule), payload, options, moment, bool(paused),
                       trouble, created, updated, signer, mac)
