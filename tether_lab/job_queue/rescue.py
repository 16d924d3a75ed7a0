"""What dead workers left running goes back to the queue, or is buried with its evidence."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tether_lab.job import Claim, RetryPolicy
from tether_lab.job.service import QUEUE as SERVICES
from tether_lab.outcome import Interrupted, Lost, decide, outcome_name

from .finish import Ending, finish_all
from .queue import Queue
from .statements import sql

BOUNDLESS = 1_000_000_000
"""Services are never given up."""


def rescue(
    queue: Queue, *, worker: str, boot_id: str, mono: int, now: int, dead: Sequence[str], crash_budget: int,
) -> list[tuple[int, int, str]]:
    """Take running jobs away from workers that are dead (named), hang (lease over, ``mono`` in ns of
    CLOCK_MONOTONIC) or lived before the last boot: (job id, new epoch, state) of each.

    ``worker`` asks and keeps its own. The old claims are fenced from now on. An attempt that was lost
    counts against the crash budget, not against the attempts; one that was claimed ahead, and may never
    have begun, counts against neither; a cancelled job becomes cancelled.
    """
    with queue.write() as connection:
        orphans = connection.execute(sql("rescue_orphans"), {
            "worker": worker, "boot_id": boot_id, "mono": mono, "dead": json.dumps(list(dead))}).fetchall()
        rescued = []
        for job_id, epoch, owner, attempt, max_attempts, crashes, cancelling, in_queue, waits_for in orphans:
            outcome = (Lost(owner) if waits_for is None else
                       Interrupted("its worker died before it was known to have begun"))
            step = decide(outcome, attempt=attempt, max_attempts=max_attempts, retry=RetryPolicy(), now=now,
                          crash_budget=BOUNDLESS if in_queue == SERVICES else crash_budget,
                          crash_count=crashes, cancel_requested=bool(cancelling))
            ending = Ending(claim=Claim(job_id, epoch, owner), outcome_name=outcome_name(outcome), step=step,
                            finished_at=now, error_type=type(outcome).__name__,
                            error=f"the worker {owner} died", detail=json.dumps({"worker": owner}),
                            begins=0 if waits_for is None else attempt)
            lost, _ = finish_all(connection, [ending])
            assert not lost, "a job that runs by this transaction's own reading can be ended in it"
            (bumped,) = connection.execute(sql("rescue_bump"), {"id": job_id}).fetchone()
            (state,) = connection.execute(sql("state_of"), {"id": job_id}).fetchone()
            connection.execute(sql("event_add"), (bumped, "rescued", now, json.dumps(
                {"by": worker, "state": state}), job_id))
            rescued.append((job_id, int(bumped), str(state)))
    return rescued
