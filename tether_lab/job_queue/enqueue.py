"""Jobs enter the queue."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tether_lab.errors import BadRequest
from tether_lab.job import Handler
from tether_lab.job.workflow import Parent

from . import blobs, dedup, limits, listening, workflow
from .clock import utc
from .queue import Queue
from .statements import sql

NOTHING = (None, None, None)
PAYLOAD, MAC = 4, 16
"""Where they stand in enqueue.sql."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job as it enters: validated and signed by the caller.

    ``payload`` and ``options`` are JSON texts, times UTC microseconds. The blobs are those that the
    payload itself refers to (a handler's are the handler's).
    """

    uuid: str
    key: str
    handler_id: int
    queue: str = "default"
    payload: str = "{}"
    options: str = "{}"
    priority: int = 0
    run_at: int = 0
    expires_at: int | None = None
    max_attempts: int = 1
    description: str | None = None
    tags: Sequence[str] = ()
    key_id: str = ""
    mac: bytes = b""
    dedup_key: str | None = None
    dedup_until: int | None = None
    on_conflict: str = "existing"
    slot: tuple[str, int, str] | None = None          # key, how many at once, strategy
    gated: bool = False                               # it has a window or constraints
    rate: tuple[str, int, int] | None = None          # key, how many in a window, window (µs)
    small_blobs: Mapping[str, bytes] = field(default_factory=dict)
    large_blobs: Mapping[str, int] = field(default_factory=dict)
    parents: Sequence[Parent] = ()
    step: str | None = None


def enqueue(queue: Queue, jobs: Sequence[NewJob], *, now: int | None = None) -> list[int]:
    """All of them or none, in one transaction; their ids in the same order.

    A job whose dedup key another one holds is not added: that one's id stands in its place.
    A job whose ``run_at`` has come is ``pending``, another one ``scheduled``. When this returns, they
    survive the death of every process, and with the default durability a power cut.
    """
    if not jobs:
        return []
    now = now or utc()
    with queue.write() as connection:
        return insert(connection, jobs, now)


def insert(connection: sqlite3.Connection, jobs: Sequence[NewJob], now: int) -> list[int]:
    """The rows, inside the caller's transaction."""
    statement, ids = sql("enqueue"), []
    known: dict[str, int] = {}
    for job in jobs:
        if job.dedup_key is not None:
            holder = dedup.holder_for(connection, job, now)
            if holder is not None:
                ids.append(holder)
                continue
        try:
            added = connection.execute(statement, _values(job, job.run_at, now)).lastrowid
        except sqlite3.IntegrityError as error:
            raise BadRequest(
                f"a job of {job.key!r} does not fit the queue: {error}", where=job.key,
                remedy="Register the handler first; check max_attempts and the options.") from error
        assert added is not None
        ids.append(added)
        if listening.ASKS in job.options:
            listening.for_hooks(connection)
        if job.gated:
            connection.execute(sql("gate_set"), {"id": added})
        if job.dedup_key is not None:
            connection.execute(sql("dedup_add"), {
                "id": added, "dedup_key": job.dedup_key, "dedup_until": job.dedup_until})
        if job.parents or job.step is not None:
            workflow.link(connection, added, job.parents, job.step, known, now)
            known[job.uuid] = added
        if job.small_blobs or job.large_blobs:
            blobs.put(connection, job.small_blobs, job.large_blobs, now)
            connection.executemany(sql("job_blob_add"), [
                {"job_id": added, "digest": digest} for digest in (*job.small_blobs, *job.large_blobs)])
    for handler_id in {job.handler_id for job in jobs}:
        connection.execute(sql("blob_touch"), {"handler_id": handler_id, "now": now})
    limits.gate_paused(connection)
    return ids


def enqueue_alike(queue: Queue, template: NewJob, varying: Sequence[tuple[str, str, bytes]],
                  head: Handler, *, now: int | None = None) -> list[int] | None:
    """Jobs that differ in (uuid, payload, mac) alone, pending now: all or none, their ids in order.

    ``template`` has neither dedup, parents nor blobs. None, and nothing is written, if ``head`` is not the
    head of its key any more: whoever prepared the template has to look again.
    """
    now = now or utc()
    with queue.write() as connection:
        *found, untouched, paused = connection.execute(
            sql("handler_stands"), {"key": head.key, "now": now}).fetchone() or (None, 0, 0)
        if found != [head.head, head.defaults, head.options]:
            return None
        if listening.ASKS in template.options:
            listening.for_hooks(connection)
        values = _values(template, now, now)
        before, between, after = values[1:PAYLOAD], values[PAYLOAD + 1:MAC], values[MAC + 1:]
        rows = [(uuid, *before, payload, *between, mac, *after) for uuid, payload, mac in varying]
        first = connection.execute(sql("enqueue"), rows[0]).lastrowid or 0
        if len(rows) > 1:
            # Nobody else inserts while we hold the lock, so AUTOINCREMENT counts them one after the other.
            connection.executemany(sql("enqueue"), rows[1:])
        ids = list(range(first, first + len(rows)))
        if template.gated:
            connection.executemany(sql("gate_set"), [{"id": added} for added in ids])
        if untouched:
            connection.execute(sql("blob_touch"), {"handler_id": template.handler_id, "now": now})
        if paused:
            limits.gate_paused(connection)
        return ids


def _values(job: NewJob, run_at: int, now: int) -> tuple[object, ...]:
    """In the order of enqueue.sql."""
    return (job.uuid, job.key, job.handler_id, job.queue, job.payload, job.options,
            "pending" if run_at <= now else "scheduled", job.priority, run_at, job.expires_at,
            job.max_attempts, now, now, job.description,
            json.dumps(list(job.tags)) if job.tags else "[]", job.key_id, job.mac,
            *(job.slot or NOTHING), *(job.rate or NOTHING))
