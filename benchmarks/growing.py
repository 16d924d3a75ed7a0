"""What grows with the number of jobs, runners and bytes: costs per job should not.

The small sizes are always measured; TETHER_LAB_BENCH_LARGE=1 adds a million jobs and a gigabyte.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import time
from collections.abc import Iterator
from typing import Any

import psutil
from answering import milliseconds
from draining import drained, noop, rate
from figure import Figure

LARGE = bool(os.environ.get("TETHER_LAB_BENCH_LARGE"))


def growing() -> Iterator[Figure]:
    """Waiting jobs, finished jobs, sleepers, captures."""
    yield from by_waiting_jobs()
    yield from by_finished_jobs()
    yield from by_runners()
    yield from by_capture()


def by_waiting_jobs() -> Iterator[Figure]:
    """What a job costs to enqueue and to drain, by how many there are; and the worker's memory meanwhile."""
    from tether_lab import Lab

    for exponent in (3, 4, *((5, 6) if LARGE else ())):
        count = 10**exponent
        with Lab(f"grow-{exponent}", durability="process", runners=2) as lab:
            lab.register(noop, "noop", isolation="warm")
            lab.worker.start()
            lab.enqueue("noop").result(timeout=60)
            worker = psutil.Process(lab.worker.status().pid)
            before = worker.memory_info().rss
            begun = time.perf_counter()
            lab.pause()
            jobs = lab.enqueue_many("noop", [{}] * count)
            enqueued = (time.perf_counter() - begun) / count * 1e6
            time.sleep(2)
            held = (worker.memory_info().rss - before) / count * 100 / 1000
            lab.resume()
            drain = 1e6 / rate(lab, jobs)
            yield Figure(f"10^{exponent} jobs: enqueue_many", enqueued, None, "µs", "for each")
            yield Figure(f"10^{exponent} jobs: drain", drain, None, "µs", "for each")
            yield Figure(f"10^{exponent} jobs: the worker's memory for 100 queued", held, 50, "KB")
            lab.worker.stop(now=True)


def by_finished_jobs() -> Iterator[Figure]:
    """Claim, enqueue and a page of the panel in a file with many finished jobs, beside an empty one."""
    from tether_lab import Lab

    count = 1_000_000 if LARGE else 100_000
    with (Lab("empty", durability="process", autostart=False) as empty,
          Lab("full", durability="process", autostart=False) as full):
        for lab in (empty, full):
            lab.register(noop, "noop", isolation="warm")
        fill(full, count)
        for name, do in (("enqueue", lambda lab: lab.enqueue("noop")),
                         ("a page of jobs", lambda lab: lab.jobs(limit=100)),
                         ("claim and end", claimed)):
            shares = []
            for _ in range(5):
                times = [milliseconds(lambda lab=lab, do=do: do(lab), 100) for lab in (empty, full)]
                shares.append(times[1] / times[0])
            yield Figure(f"{name}: {count:,} finished jobs beside none", statistics.median(shares), 1.2, "×")


def claimed(lab: Any) -> None:
    """One turn of a worker that claims one job, and ends it."""
    from tether_lab.job import State
    from tether_lab.job_queue import claim
    from tether_lab.job_queue.finish import Ending
    from tether_lab.outcome import Finish

    now, mono = time.time_ns() // 1000, time.monotonic_ns()
    turn = {"worker": "bench", "now": now, "mono": mono, "lease_ns": 30 * 10**9}
    found = claim.turn(lab.queue, finished=[], limit=1, **turn)
    claim.turn(lab.queue, limit=0, finished=[
        Ending(claim=job.claim, outcome_name="succeeded", step=Finish(State.COMPLETED), finished_at=now,
               started_at=now) for job in found.claimed], **turn)


def fill(lab: Any, count: int) -> None:
    """Finished jobs as a worker leaves them: rows, attempts, events."""
    model = lab.enqueue("noop")
    claimed(lab)
    lab.queue.close()
    with sqlite3.connect(lab.folder.queue_db) as connection:
        for table, key in (("job", "id"), ("attempt", "job_id"), ("event", "job_id")):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            kept = [name for name in names if name != key and not (table == "event" and name == "id")]
            listed = ", ".join(kept)
            connection.execute(
                f"WITH RECURSIVE n (n) AS (SELECT ? UNION ALL SELECT n + 1 FROM n WHERE n < ?) "
                f"INSERT INTO {table} ({key}, {listed}) "
                f"SELECT n, {listed} FROM n, {table} WHERE {table}.{key} = ?",
                (model.id + 1, model.id + count, model.id))
    connection.close()


def by_runners() -> Iterator[Figure]:
    """Jobs that sleep for 50 ms, in processes that stay: how much of the time the runners work."""
    from tether_lab import Lab

    def nap() -> None:
        import time

        time.sleep(0.05)

    for runners in (1, 4, 16, *((64,) if LARGE else ())):
        with Lab(f"runners-{runners}", durability="process", runners=runners) as lab:
            lab.register(nap, "nap", isolation="warm")
            drained(lab, "nap", 2 * runners)
            done = drained(lab, "nap", 20 * runners)
            yield Figure(f"{runners} runners with sleepers", done * 0.05 / runners * 100, None, "%", "at work")
            lab.worker.stop(now=True)


def by_capture() -> Iterator[Figure]:
    """Storing one value, and finding it again, by its size."""
    import numpy as np

    from tether_lab import Lab
    from tether_lab.capture import capture_values

    with Lab("captures", autostart=False) as lab:
        for size in (10**3, 10**6, 10**8, *((10**9,) if LARGE else ())):
            value = np.frombuffer(os.urandom(size), dtype="u1")

            def once(value: object = value) -> None:
                capture_values({"value": value}, lab.blob_store)

            begun = time.perf_counter()
            once()
            first = (time.perf_counter() - begun) * 1000
            yield Figure(f"capture of {size:,} bytes, first", first, None, "ms")
            yield Figure(f"capture of {size:,} bytes, again", milliseconds(once, 3), None, "ms")
