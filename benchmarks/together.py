"""Jobs that belong together, and in time: a batch of 10 000, how late schedules fire."""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Iterator
from typing import Any

from draining import drained, noop
from figure import Figure, spread

ITEMS, ROUNDS = 10_000, 3


def together() -> Iterator[Figure]:
    """Batches beside plain jobs in alternating rounds, of one worker."""
    from tether_lab import Lab

    entered: list[float] = []
    plain, batched = [], []
    with Lab("together", durability="process", runners=2) as lab:
        lab.register(noop, "noop", isolation="warm")
        for _ in range(ROUNDS):
            plain.append(drained(lab, "noop", ITEMS))
            batched.append(_drained(lab, entered))
        lab.worker.stop(now=True)
    yield Figure("batch of 10 000: enqueued", statistics.median(entered), 1.0, "s", spread(entered))
    yield Figure("batch of 10 000: drained, of the plain rate",
                 statistics.median(batched) / statistics.median(plain) * 100, 70.0, "%",
                 f"{statistics.median(batched):,.0f} and {statistics.median(plain):,.0f}/s", at_least=True)
    yield from punctual()


def _drained(lab: Any, entered: list[float]) -> float:
    """Members a second from the first to the last end; the seconds of the enqueue go into ``entered``."""
    lab.pause()
    began = time.perf_counter()
    batch = lab.batch("b", ({"i": i} for i in range(ITEMS)), "noop")
    entered.append(time.perf_counter() - began)
    time.sleep(0.5)
    lab.resume()
    batch.wait(600)
    with sqlite3.connect(lab.folder.queue_db) as connection:
        first, last = connection.execute(
            "SELECT min(finished_at), max(finished_at) FROM job WHERE batch_id = ?", (batch.id,)).fetchone()
    connection.close()
    return (ITEMS - 1) / (last - first) * 1e6


def punctual() -> Iterator[Figure]:
    """From the moment that a schedule names to the row of its job, on an idle machine."""
    from tether_lab import Lab

    with Lab("punctual", durability="power") as lab:
        lab.register(noop, "tick")
        schedule = lab.schedule("tick", interval="1s", overlap="allow")
        lab.worker.start()
        time.sleep(12)
        late = sorted((fire.seen_at - fire.at) / 1000 for fire in schedule.fires(10))
        schedule.unschedule()
        lab.worker.stop(now=True)
    yield Figure("schedule: late, the middle of ten", statistics.median(late), 50.0, "ms", spread(late))
