"""A job that ended, once more."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from tether_lab.errors import BadRequest
from tether_lab.job import FINAL, JobRow

from . import dedup, read, workflow
from .clock import utc
from .queue import Queue
from .statements import sql


def retry_many(queue: Queue, ids: Sequence[int], now: int | None = None) -> int:
    """Final jobs back to pending, all in one transaction, with what had ended because of them; those
    that are not final stay as they are. How many run again."""
    now = now or utc()
    with queue.write() as connection:
        connection.executemany(sql("memo_clear"), [{"job_id": one} for one in ids])
        again = [one for one in ids if workflow.take_back(connection, one, now) is not None]
        for one in again:
            connection.execute(sql("blob_touch_of_job"), {"id": one, "now": now})
        return len(again) + len(workflow.reopen(connection, again, now))


def retry(
    queue: Queue, job_id: int, now: int | None = None, handler_id: int | None = None, *,
    key_id: str | None = None, mac: bytes | None = None, options: str | None = None,
) -> JobRow:
    """Back to pending with one attempt at least; history, output and result stay until replaced.

    With another version (``handler_id``) or ``options`` (JSON) the job is another one, so its new signature
    must come along.
    Raises JobNotFound, BadRequest if the job has not ended, DuplicateJob if another job has taken its
    dedup key since.
    """
    if (handler_id is not None or options is not None) and (key_id is None or mac is None):
        raise BadRequest("a job with another version of its handler needs a signature of its own",
                         remedy="Pass key_id and mac.", where=f"job {job_id}")
    now = now or utc()
    with queue.write() as connection:
        _refuse_duplicate(connection, job_id, now)
        connection.execute(sql("memo_clear"), {"job_id": job_id})
        found = workflow.take_back(connection, job_id, now, handler_id=handler_id, key_id=key_id, mac=mac,
                                   options=options)
        if found is not None:
            workflow.reopen(connection, [job_id], now)
            connection.execute(sql("blob_touch_of_job"), {"id": job_id, "now": now})
    row = read.get(queue, job_id)
    if found is None:
        raise BadRequest(f"job {job_id} is {row.state}; only a job that has ended can be retried",
                         remedy=f"It ends in one of: {', '.join(sorted(FINAL))}. Cancel it first, or wait.",
                         where=f"job {job_id}")
    return row


def _refuse_duplicate(connection: sqlite3.Connection, job_id: int, now: int) -> None:
    """A job that gave its key back by failing may not run beside the one that took it."""
    wanted = connection.execute(sql("dedup_of"), {"id": job_id, "now": now}).fetchone()
    if wanted is None:
        return
    connection.execute(sql("dedup_free"), {"dedup_key": wanted[0], "now": now})
    found = connection.execute(sql("dedup_holder"), {"dedup_key": wanted[0]}).fetchone()
    if found is not None:
        raise dedup.duplicate(found[0], wanted[1], found[1])
