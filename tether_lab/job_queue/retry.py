"""A job that ended, once more."""

from __future__ import annotations

from tether_lab.errors import BadRequest
from tether_lab.job import FINAL, JobRow

from . import read
from .clock import utc
from .queue import Queue
from .statements import sql


def retry(
    queue: Queue, job_id: int, now: int | None = None, handler_id: int | None = None, *,
    key_id: str | None = None, mac: bytes | None = None,
) -> JobRow:
    """Back to pending with one attempt at least; history, output and result stay until replaced.

    With another version (``handler_id``) the job is another one, so its new signature must come along.
    Raises JobNotFound, or BadRequest if the job has not ended.
    """
    if handler_id is not None and (key_id is None or mac is None):
        raise BadRequest("a job with another version of its handler needs a signature of its own",
                         remedy="Pass key_id and mac.", where=f"job {job_id}")
    now = now or utc()
    with queue.write() as connection:
        found = connection.execute(sql("retry"), {"id": job_id, "now": now, "handler_id": handler_id,
                                                  "key_id": key_id, "mac": mac}).fetchone()
        if found is not None:
            connection.execute(sql("event_add"), (found[0], "retried", now, "{}", job_id))
            connection.execute(sql("blob_touch_of_job"), {"id": job_id, "now": now})
    row = read.get(queue, job_id)
    if found is None:
        raise BadRequest(f"job {job_id} is {row.state}; only a job that has ended can be retried",
                         remedy=f"It ends in one of: {', '.join(sorted(FINAL))}. Cancel it first, or wait.",
                         where=f"job {job_id}")
    return row
