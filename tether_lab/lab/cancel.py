"""Cancel jobs: waiting ones at once, running ones by asking them, then by force."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tether_lab.errors import BadRequest
from tether_lab.job import State

if TYPE_CHECKING:
    from .job import Job
    from .lab import Lab


def cancel(lab: Lab, jobs: int | Job | Iterable[int | Job] | None, *, key: str | None,
           tag: str | None, everything: bool, force: bool) -> dict[State, int]:
    """How many jobs there were of each prior state. Final ones are left as they are.

    ``force`` gives running jobs no time to clean up. Raises JobNotFound for an unknown id.
    """
    from tether_lab.job_queue import cancel as verb

    if sum((jobs is not None, key is not None, tag is not None, everything)) != 1:
        raise BadRequest("cancel wants one of: an id (or several), key=, tag=, all=True", where="cancel",
                         remedy="lab.cancel(12), lab.cancel(key='train'), lab.cancel(all=True).")
    ids = None if jobs is None else [int(job) for job in (jobs if isinstance(jobs, Iterable) else [jobs])]
    counts = verb.cancel(lab.queue, ids, key=key, tag=tag, everything=everything, force=force)
    lab.waker.nudge()
    return counts
