"""Run a job that ended once more: same payload, its history kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tether_lab.errors import KeyMissing, WrongState
from tether_lab.job import JobRow

if TYPE_CHECKING:
    from .lab import Lab


def retry(lab: Lab, job_id: int, *, with_code: bool = False, fresh_seed: bool = False) -> JobRow:
    """Back to ``pending`` with fresh attempts. ``with_code``: with the newest version of its handler
    instead of the one it ran with; ``fresh_seed``: with other random numbers than before, whatever the
    notebook or ``seed`` said. Raises WrongState for a job that has not ended."""
    from tether_lab.job_queue import handlers, retry as verb

    row = lab.read_row(job_id)
    if not row.is_final:
        raise WrongState(f"job {job_id} is {row.state}; only jobs that ended run again",
                         remedy=f"lab.cancel({job_id}) ends it, or enqueue another one.",
                         where=f"job {job_id}")
    head = handlers.head(lab.queue, row.key) if with_code else None
    # As stored: what changes while it waits has columns of its own and is not signed.
    options = replace(row.options, priority=0, description=None, tags=())
    if fresh_seed:
        options = replace(options, seed=None, notebook_random=False)
    if fresh_seed or (head is not None and head.head != row.handler_id):
        if row.unreadable:
            raise KeyMissing(f"job {job_id} cannot be signed anew: {row.unreadable}", where=f"job {job_id}",
                             remedy="Bring the key back (tether-lab keys import FILE), or enqueue it anew.")
        version = lab.version(row.handler_id if head is None else head.head)
        key_id, mac = lab.sign_job(row.uuid, version, row.stored, options.to_json())
        row = verb.retry(lab.queue, job_id, handler_id=version.id, key_id=key_id, mac=mac,
                         options=options.to_json())
    else:
        row = verb.retry(lab.queue, job_id)
    lab.waker.wake()
    return row
