"""What the queue knows, as values. Never waits for writers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tether_lab.errors import BadRequest, JobNotFound
from tether_lab.job import FINAL, Attempt, Event, JobRow, ResultRow, State
from tether_lab.vault.sealing import is_sealed

from . import rows, sealed
from .queue import Queue
from .statements import sql


def get(queue: Queue, job_id: int) -> JobRow:
    """One job. Raises JobNotFound."""
    with queue.read() as connection:
        cursor = connection.execute(sql("job_get"), {"id": job_id})
        row = cursor.fetchone()
        if row is None:
            raise not_found(queue, job_id)
        return rows.job_row(rows.by_name(cursor.description, row), queue)


def is_final(queue: Queue, job_id: int) -> bool:
    """Whether a job has ended. Raises JobNotFound."""
    with queue.read() as connection:
        row = connection.execute(sql("state_of"), {"id": job_id}).fetchone()
    if row is None:
        raise not_found(queue, job_id)
    return row[0] in FINAL


def jobs(
    queue: Queue, states: Iterable[State] | None = None, key: str | None = None, tag: str | None = None,
    since: int | None = None, limit: int = 20, offset: int = 0, order: str = "newest",
    in_queue: str | None = None, **further: Any,
) -> list[JobRow]:
    """A page of jobs, ``newest`` or ``oldest`` first. ``since`` is UTC µs of their enqueue; ``further``
    are ``chain``, ``batch``, ``search`` (a text anywhere) and ``before`` (an id: only jobs behind it)."""
    statement, values = page(states, key, tag, since, limit, offset, order, in_queue, **further)
    with queue.read() as connection:
        cursor = connection.execute(statement, values)
        return [rows.job_row(rows.by_name(cursor.description, row), queue) for row in cursor.fetchall()]


def page(
    states: Iterable[State] | None, key: str | None, tag: str | None, since: int | None, limit: int,
    offset: int, order: str, in_queue: str | None, *, chain: int | None = None, batch: int | None = None,
    search: str | None = None, before: int | None = None,
) -> tuple[str, dict[str, Any]]:
    """The statement and its values for a page of jobs, for sync and async readers alike."""
    if order not in ("newest", "oldest"):
        raise BadRequest(f"there is no order {order!r}", remedy="newest or oldest", where="order")
    if limit < 0 or offset < 0:
        raise BadRequest("limit and offset are 0 or more", where="limit")
    values = {"states": None if states is None else json.dumps([str(state) for state in states]), "key": key,
              "tag": tag, "since": since, "limit": limit, "offset": offset, "queue": in_queue,
              "chain": chain, "batch": batch, "before": before, "search": _like(search),
              "number": int(search) if search and search.isdecimal() and len(search) < 19 else None}
    return sql("job_list") if order == "newest" else sql("job_list_oldest"), values


def _like(text: str | None) -> str | None:
    """The pattern of LIKE for a text anywhere."""
    if not text:
        return None
    return "%" + "".join("\\" + c if c in "%_\\" else c for c in text) + "%"


def attempts(queue: Queue, job_id: int) -> list[Attempt]:
    """All executions, the first first."""
    with queue.read() as connection:
        found = connection.execute(sql("attempts"), {"job_id": job_id}).fetchall()
    uuid = uuid_of(queue, job_id, (value for row in found for value in row[8:10]))
    return [rows.attempt(row, queue, uuid) for row in found]


def uuid_of(queue: Queue, job_id: int, texts: Iterable[str | None]) -> str:
    """The uuid that closed texts of a job are bound to; empty if none of these is closed."""
    if not any(map(is_sealed, texts)):
        return ""
    with queue.read() as connection:
        row = connection.execute(sql("job_uuid"), {"id": job_id}).fetchone()
    return "" if row is None else str(row[0])


def events(queue: Queue, job_id: int, after: int = 0) -> list[Event]:
    """The history, as it happened; only events with an id above ``after``."""
    with queue.read() as connection:
        found = connection.execute(sql("events"), {"job_id": job_id, "after": after}).fetchall()
    uuid = uuid_of(queue, job_id, (row[5] for row in found))
    return [rows.event(row, queue, uuid) for row in found]


def result(queue: Queue, job_id: int) -> ResultRow | None:
    """The stored result, unverified; None if the job has none."""
    with queue.read() as connection:
        row = connection.execute(sql("result_get"), {"job_id": job_id}).fetchone()
    return None if row is None else rows.result(row, queue)


def result_shown(queue: Queue, job_id: int) -> ResultRow | None:
    """The result for people; one that is closed and stays so says why."""
    with queue.read() as connection:
        row = connection.execute(sql("result_get"), {"job_id": job_id}).fetchone()
    return None if row is None else rows.result_shown(row, queue, job_id)


def counts(queue: Queue) -> dict[State, int]:
    """How many jobs stand where; states without jobs are left out."""
    with queue.read() as connection:
        return {State(state): count for state, count in connection.execute(sql("counts")).fetchall()}


def as_claimed(queue: Queue, job_id: int) -> tuple[Any, ...]:
    """A job in the order of ``ClaimedJob``'s fields, its epoch second, bytes unverified. Raises JobNotFound."""
    with queue.read() as connection:
        found = connection.execute(sql("job_claimed"), {"id": job_id}).fetchone()
    if found is None:
        raise not_found(queue, job_id)
    return tuple(found)


def recent_runs(queue: Queue, since: int, most: int) -> list[tuple[Any, ...]]:
    """Attempts of the newest ``most`` jobs, oldest first: key, attempt, outcome, started_at, finished_at, due,
    state of the job, its id."""
    with queue.read() as connection:
        return connection.execute(sql("recent_runs"), {"since": since, "most": most}).fetchall()


def first_start(queue: Queue, job_id: int) -> int | None:
    """When (UTC µs) the first attempt began since somebody enqueued the job, or ran it again."""
    with queue.read() as connection:
        found = connection.execute(sql("first_start"), {"id": job_id}).fetchone()[0]
    return None if found is None else int(found)


def unfinished(queue: Queue) -> bool:
    """Whether a worker has anything left to do, now or later, hooks included."""
    with queue.read() as connection:
        return bool(connection.execute(sql("unfinished")).fetchone()[0])


def depth(queue: Queue) -> int:
    """How many jobs are ready to start."""
    with queue.read() as connection:
        return int(connection.execute(sql("depth")).fetchone()[0])


def next_due(queue: Queue) -> int | None:
    """The next moment (UTC µs) at which a job becomes ready or expires by itself."""
    with queue.read() as connection:
        found = connection.execute(sql("next_due")).fetchone()[0]
    return None if found is None else int(found)


def cached(queue: Queue, handler_id: int, payload: str, since: int = 0) -> int | None:
    """The newest completed job of this version and payload that ended at ``since`` (UTC µs) or later."""
    with queue.read() as connection:
        row = connection.execute(sql("cached"), {
            "handler_id": handler_id, "payload": payload, "since": since}).fetchone()
    return None if row is None else int(row[0])


def cached_closed(queue: Queue, handler_id: int, payload: str, since: int = 0) -> int | None:
    """``cached`` among encrypted jobs: their payloads are compared here, the newest thousand."""
    with queue.read() as connection:
        found = connection.execute(sql("cached_closed"), {"handler_id": handler_id, "since": since}).fetchall()
    for job_id, uuid, closed in found:
        if sealed.shown(queue, closed, "job", "payload", uuid)[0] == payload:
            return int(job_id)
    return None


def not_found(queue: Queue, job_id: int) -> JobNotFound:
    return JobNotFound(f"there is no job {job_id} in {queue.folder.path}",
                       remedy="lab.jobs() lists them.", where=str(job_id))


def runs(queue: Queue, states: Iterable[State] | None, key: str | None, since: int | None,
         limit: int) -> list[tuple[Any, ...]]:
    """Attempts, newest first: id, key, attempt, outcome, started_at, finished_at, error, state."""
    values = {"states": None if states is None else json.dumps([str(state) for state in states]),
              "key": key, "since": since, "limit": limit}
    with queue.read() as connection:
        found = connection.execute(sql("attempt_history"), values).fetchall()
    return [(*row[:6], sealed.line(queue, row[6], "attempt", "error", row[8], row[9]), row[7]) for row in found]
