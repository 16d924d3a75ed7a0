"""What the worker costs that has nothing to do, and the process of a job that does nothing."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from figure import Figure


def owned() -> int:
    """Bytes that a process shares with no other one."""
    from pathlib import Path

    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private"))


def idling() -> Iterator[Figure]:
    """CPU and memory of an idle worker; memory of a job's process that it does not share with its zygote."""
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
        lab.register(owned, "owned")
        held = statistics.median(lab.enqueue("owned").result(timeout=60) for _ in range(9))
        yield Figure("a job's process: memory of its own", held / 1e6, 10, "MB")


def used(process: psutil.Process) -> float:
    """CPU seconds of a process: in nanoseconds where the kernel says so (its ticks are 10 ms)."""
    tasks = list(Path(f"/proc/{process.pid}/task").glob("*/schedstat"))
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9 or sum(process.cpu_times()[:2])
