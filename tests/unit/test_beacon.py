"""Who watches the queue is told of an ending at once, and of a claim when its job was handed over."""

from __future__ import annotations

from pathlib import Path

import queues

from tether_lab.job_queue import beacon
from tether_lab.job_queue.queue import Queue


def lit(queue: Queue) -> int:
    path = queue.folder.run / beacon.ANSWERED
    return path.stat().st_mtime_ns if path.exists() else 0


def test_a_claim_is_told_after_the_hand_over_and_an_ending_at_once(tmp_path: Path) -> None:
    """Whoever waits for a job's end would wake while its process is to begin, and look for nothing."""
    queue = queues.opened(tmp_path, "supervisor")
    handler = queues.registered(queue)
    queues.put(queue, handler)
    before = lit(queue)
    (job,) = queues.turn(queue).claimed
    assert lit(queue) == before
    queue.beacon.catch_up()
    told = lit(queue)
    assert told > before
    queue.beacon.catch_up()
    assert lit(queue) == told
    queues.turn(queue, finished=[queues.ending(job.claim)])
    assert lit(queue) > told
    queue.close()


def test_any_other_commit_tells_of_a_claim_as_well(tmp_path: Path) -> None:
    """The word is late, never lost: each later commit says it, too, and once is enough."""
    queue = queues.opened(tmp_path, "supervisor")
    handler = queues.registered(queue)
    queues.put(queue, handler)
    queues.turn(queue)
    queues.registered(queue, "other")
    told = lit(queue)
    queue.beacon.catch_up()
    assert lit(queue) == told
    queue.close()
