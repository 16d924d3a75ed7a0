"""What the worker costs that has nothing to do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from figure import Figure


def idling() -> Iterator[Figure]:
    """CPU and memory of an idle worker."""
    from tether_lab import Lab

    with Lab() as lab:
        supervisor = psutil.Process(lab.worker.start().pid)
        time.sleep(3)
        before = used(supervisor)
        time.sleep(20)
        share = (used(supervisor) - before) / 20 * 100
        yield Figure("idle supervisor, CPU", share, 0.1, "%")
        yield Figure("idle supervisor, memory", supervisor.memory_info().rss / 1e6, 45, "MB")
        tree = [supervisor, *supervisor.children(recursive=True)]
        yield Figure("worker with its zygote and idle processes", sum(p.memory_info().rss for p in tree) / 1e6,
                     1000, "MB", f"{len(tree)} processes, shared pages counted in each")


def used(process: psutil.Process) -> float:
    """CPU seconds of a process: in nanoseconds where the kernel says so (its ticks are 10 ms)."""
    tasks = list(Path(f"/proc/{process.pid}/task").glob("*/schedstat"))
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9 or sum(process.cpu_times()[:2])
