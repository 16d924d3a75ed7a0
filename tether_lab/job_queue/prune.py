"""Old jobs go: found by looking, removed in small transactions, so that nobody waits long for the lock."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tether_lab.job import FINAL, State

from .queue import Queue
from .statements import sql

TOGETHER = 200
"""Jobs removed in one transaction."""
VERSIONS = 50
"""Versions removed at a time: each looks through the jobs for one of its own."""


def old(queue: Queue, before: int, failed_before: int) -> Iterator[list[int]]:
    """Ids of jobs that ended before (UTC µs; failed ones: ``failed_before``), some at a time."""
    after = 0
    while True:
        with queue.read() as connection:
            rows = connection.execute(sql("prune_look"), {
                "after": after, "before": max(before, failed_before)}).fetchall()
        if not rows:
            return
        after = rows[-1][0]
        found = [job_id for job_id, state, finished_at in rows if state in FINAL and finished_at <
                 (failed_before if state == State.FAILED else before)]
        for start in range(0, len(found), TOGETHER):
            yield found[start:start + TOGETHER]


def oldest(queue: Queue, limit: int = TOGETHER) -> list[int]:
    """The jobs to go first when there is no room."""
    with queue.read() as connection:
        return [row[0] for row in connection.execute(sql("prune_oldest"), {"limit": limit}).fetchall()]


def blob_bytes(queue: Queue) -> int:
    """Bytes of captures and results."""
    with queue.read() as connection:
        found: int = connection.execute(sql("prune_size")).fetchone()[0]
    return found


def versions(queue: Queue, before: int) -> int:
    """Remove versions of handlers that are no key's newest, belong to no job any more, and are older than
    ``before`` (UTC µs), a few at a time; how many went. Captures that nobody else has go a day later."""
    with queue.read() as connection:
        found = connection.execute(sql("prune_versions"), {"before": before, "limit": VERSIONS}).fetchall()
    gone = 0
    for (number,) in found:
        with queue.write(power=False) as connection:
            gone += connection.execute(sql("prune_version"), {"id": number}).rowcount
    return gone


def remove(queue: Queue, ids: list[int]) -> list[int]:
    """Remove those of these jobs that have ended, with attempts, events, outputs and results; which went.
    A job whose result another one waits for stays."""
    with queue.write(power=False) as connection:
        gone = [row[0] for row in connection.execute(sql("prune_jobs"), {"ids": json.dumps(ids)}).fetchall()]
        if gone:
            connection.execute(sql("pruned_mark"))
    return gone
