"""Warm functions on a Dask cluster through the queue, beside Dask's own task rate on the same cluster."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

from draining import drained, noop
from figure import Figure, spread

ROUNDS, WORKERS, TASKS, JOBS = 3, 2, 1_000, 4_000


def clustering() -> Iterator[Figure]:
    """Alternating rounds, each on a LocalCluster of two processes with a thread each."""
    from distributed import Client, LocalCluster

    from tether_lab import Lab

    theirs: list[float] = []
    ours: list[float] = []
    for number in range(ROUNDS):
        with LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None) as cluster, \
                Client(cluster) as client:
            client.gather([client.submit(noop, n, pure=False) for n in range(50)])
            theirs.append(tasks(client))
            with Lab(f"clustering-{number}", durability="process", runners=WORKERS,
                     executor=f"dask={cluster.scheduler_address}") as lab:
                lab.register(noop, "noop", isolation="warm")
                ours.append(drained(lab, "noop", JOBS))
                lab.worker.stop(now=True)
    yield Figure("tasks of Dask itself", statistics.median(theirs), None, "/s", spread(theirs))
    yield Figure("warm functions through Dask", statistics.median(ours), None, "/s", spread(ours))
    yield Figure("warm functions through Dask: times its own tasks",
                 statistics.median(ours) / statistics.median(theirs), 1.0, "×", at_least=True)


def tasks(client: Any) -> float:
    """Tasks a second that do nothing, from the first submission to the last result."""
    from distributed import wait

    begun = time.perf_counter()
    wait([client.submit(noop, n, pure=False) for n in range(TASKS)])
    return TASKS / (time.perf_counter() - begun)
