"""Wait for the end of a job, and see to it that somebody works."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tether_lab.errors import WaitTimeout
from tether_lab.job import JobRow
from tether_lab.job.duration import seconds, words

from .watch import LOOK_AGAIN

if TYPE_CHECKING:
    from .lab import Lab


def wait(lab: Lab, job_id: int, timeout: object = None) -> JobRow:
    """The row of a job once it is final. Raises WaitTimeout after ``timeout`` (seconds, ``"10m"``);
    the job goes on then. An interrupt stops the waiting, never the job."""
    from tether_lab.job_queue import read

    row = lab.read_row(job_id)
    if row.is_final:
        return row
    limit = None if timeout is None else seconds(timeout, what="timeout")
    deadline = None if limit is None else time.monotonic() + limit
    ensured = float("-inf")
    with lab.changes() as changes:
        # Whatever is committed wakes us, thousands of times where others' jobs are short: one look at each.
        while not read.is_final(lab.queue, job_id):
            now = time.monotonic()
            left = LOOK_AGAIN if deadline is None else min(LOOK_AGAIN, deadline - now)
            if left <= 0:
                raise timed_out(lab, lab.read_row(job_id), limit or 0.0)
            if now >= ensured + LOOK_AGAIN / 2:
                lab.ensure_worker()
                ensured = now
            changes.wait(left)
    return lab.read_row(job_id)


async def wait_async(lab: Lab, job_id: int, timeout: object = None) -> JobRow:  # noqa: ASYNC109 — as in wait()
    """``wait`` on an event loop: nothing blocks, cancelling the task stops the waiting."""
    import asyncio

    limit = None if timeout is None else seconds(timeout, what="timeout")
    row: JobRow | None = None
    watch = lab.watch(job_id)
    try:
        async with asyncio.timeout(limit):
            async for latest in watch:
                row = latest
    except TimeoutError:
        raise timed_out(lab, row or lab.read_row(job_id), limit or 0.0) from None
    finally:
        watch.close()
    assert row is not None, "a watch yields the present value first"
    return row


def timed_out(lab: Lab, row: JobRow, limit: float) -> WaitTimeout:
    """The error for a wait that was too short; says so if nobody works."""
    remedy = "It goes on; wait again, or follow it with job.follow()."
    if not lab.worker.is_running():
        remedy = "No worker runs for this lab: lab.worker.start() starts one."
    return WaitTimeout(f"job {row.id} ({row.key}) is still {row.state} after {words(limit)}",
                       remedy=remedy, where=f"job {row.id}")
