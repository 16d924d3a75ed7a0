"""What the worker costs that has nothing to do."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psutil
from figure import Figure


def idling() -> Iterator[Figure]:
    """CPU and memory of an idle worker."""
    from tether_lab import Lab

    with Lab() as lab:
        supervisor = psutil.Process(lab.worker.start().pid)
        time.sleep(3)
        before = sum(supervisor.cpu_times()[:2])
        time.sleep(20)
        share = (sum(supervisor.cpu_times()[:2]) - before) / 20 * 100
        yield Figure("idle supervisor, CPU", share, 0.1, "%")
        yield Figure("idle supervisor, memory", supervisor.memory_info().rss / 1e6, 45, "MB")
        tree = [supervisor, *supervisor.children(recursive=True)]
        yield Figure("worker with its zygote and idle processes", sum(p.memory_info().rss for p in tree) / 1e6,
                     1000, "MB", f"{len(tree)} processes, shared pages counted in each")
