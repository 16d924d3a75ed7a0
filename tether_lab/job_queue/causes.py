"""Triggers: stored, fired, followed when the job that they wait for ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from tether_lab.errors import TetherLabError, TriggerNotFound, UnknownHandler
from tether_lab.job.trigger import TriggerRow, refuse_circle

from . import enqueue, listening
from .clock import utc
from .queue import Queue
from .statements import sql

Make = Callable[[TriggerRow, dict[str, Any], str | None], enqueue.NewJob]
"""The job of a trigger: the row, why (``ctx.trigger``), and the uuid of the job it waited for. Raises
TetherLabError if there can be none."""


def put(queue: Queue, row: TriggerRow, *, now: int | None = None) -> TriggerRow:
    """Add a trigger, or give the one of this name another meaning. Raises UnknownHandler, and BadRequest
    for one that would go round for ever."""
    with queue.write() as connection:
        if row.after_key is not None:
            after: dict[str, set[str]] = {}
            for other in _rows(connection):
                if other.after_key is not None and other.name != row.name:
                    after.setdefault(other.after_key, set()).add(other.key)
            refuse_circle(row.after_key, row.key, after)
        try:
            connection.execute(sql("cause_put"), {
                "uuid": row.uuid, "name": row.name, "kind": row.kind, "key": row.key, "about": row.about,
                "payload": row.payload, "options": row.options, "after_key": row.after_key,
                "now": now or utc(), "key_id": row.key_id, "mac": row.mac})
        except sqlite3.IntegrityError as error:
            raise UnknownHandler(f"no handler is registered under {row.key!r}", where="key") from error
        listening.for_triggers(connection)
        return _row(connection.execute(sql("cause_get"), {"name": row.name}).fetchone())


def find(queue: Queue, name: str) -> TriggerRow | None:
    """The trigger of this name, if there is one."""
    with queue.read() as connection:
        found = connection.execute(sql("cause_get"), {"name": name}).fetchone()
    return None if found is None else _row(found)


def get(queue: Queue, name: str) -> TriggerRow:
    """The trigger of this name. Raises TriggerNotFound naming those there are."""
    found = find(queue, name)
    if found is None:
        names = ", ".join(row.name for row in triggers(queue)) or "none"
        raise TriggerNotFound(f"there is no trigger {name!r}", where="name", remedy=f"Triggers here: {names}.")
    return found


def triggers(queue: Queue) -> list[TriggerRow]:
    """All of them, by name."""
    with queue.read() as connection:
        return _rows(connection)


def pause(queue: Queue, row: TriggerRow, *, paused: bool, now: int | None = None) -> None:
    """Hold it, or let it go; what happened meanwhile is not made up for."""
    with queue.write() as connection:
        connection.execute(sql("cause_pause"), {"id": row.id, "paused": paused, "now": now or utc()})


def remove(queue: Queue, row: TriggerRow) -> None:
    """It makes no more jobs; those there are stay."""
    with queue.write() as connection:
        connection.execute(sql("cause_remove"), {"id": row.id})
        listening.for_triggers(connection)


def fire(queue: Queue, row: TriggerRow, job: enqueue.NewJob, *, now: int | None = None) -> int:
    """A job of it; its id."""
    now = now or utc()
    with queue.write() as connection:
        (job_id,) = enqueue.insert(connection, [job], now)
        _fired(connection, row, now, job_id, None)
    return job_id


def failed(queue: Queue, row: TriggerRow, why: str, *, now: int | None = None) -> None:
    """It should have made a job, and could not."""
    with queue.write() as connection:
        _fired(connection, row, now or utc(), None, why)


def watching(queue: Queue) -> bool:
    """Whether any trigger needs a worker that looks after files."""
    return any(row.kind == "files" and not row.paused for row in triggers(queue))


def seen(queue: Queue, now: int) -> None:
    """Files were watched until now."""
    with queue.write(power=False) as connection:
        connection.execute(sql("cause_seen"), {"now": now})


def follow(connection: sqlite3.Connection, make: Make, now: int) -> int:
    """Make jobs of the ends that triggers wait for, inside the caller's transaction; how many."""
    rows = connection.execute(sql("caused_list")).fetchall()
    made = 0
    for number, job_id, uuid, key, state, *values in rows:
        del number
        row = _row(values)
        try:
            why = {"name": row.name, "kind": "job", "job": job_id, "key": key, "status": state}
            (found,) = enqueue.insert(connection, [make(row, why, uuid)], now)
        except TetherLabError as error:
            _fired(connection, row, now, None, error.message)
            continue
        _fired(connection, row, now, found, None)
        made += 1
    if rows:
        connection.execute(sql("caused_clear"), {"last": rows[-1][0]})
    return made


def _fired(connection: sqlite3.Connection, row: TriggerRow, now: int, job_id: int | None,
           trouble: str | None) -> None:
    connection.execute(sql("cause_fired"), {"id": row.id, "now": now, "job_id": job_id, "trouble": trouble})


def _rows(connection: sqlite3.Connection) -> list[TriggerRow]:
    return [_row(found) for found in connection.execute(sql("cause_list")).fetchall()]


def _row(values: Sequence[Any]) -> TriggerRow:
    """In the order of the columns of cause_get.sql."""
    said = list(values)
    said[9] = bool(said[9])
    return TriggerRow(*said)
