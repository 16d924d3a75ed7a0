"""What a short job costs in CPU time, user and system, in the worker and in its job processes.

    python benchmarks/costs.py [JOBS] [ROUNDS]

Unlike rates, these figures hold on a machine that does other things as well: what changes on the hot path
is measured by them, before and after. The first round includes what a new worker has to learn.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time

import psutil
from draining import drained, noop

MOST = 8000
"""Jobs in all: a job process that has run 10 000 ends, and its time could not be read any more."""


def spent(worker: psutil.Process) -> dict[str, float]:
    """CPU seconds until now, by kind of process."""
    def seconds(process: psutil.Process) -> float:
        try:
            return sum(process.cpu_times()[:2])
        except psutil.NoSuchProcess:
            return 0.0
    return {"worker": seconds(worker), "job processes": sum(map(seconds, worker.children(recursive=True)))}


def main(jobs: int = 3000, rounds: int = 2) -> None:
    from tether_lab import Lab

    jobs = min(jobs, MOST // rounds)
    with Lab("costs", durability="process", runners=2) as lab:
        lab.register(noop, "noop", isolation="warm")
        lab.worker.start()
        lab.enqueue("noop").result(timeout=60)
        worker = psutil.Process(lab.worker.status().pid)
        for _ in range(rounds):
            before = spent(worker)
            rate = drained(lab, "noop", jobs)
            time.sleep(0.2)
            used = {name: (now - before[name]) / jobs * 1e6 for name, now in spent(worker).items()}
            told = ", ".join(f"{name} {each:.0f} µs" for name, each in used.items())
            print(f"{told}, together {sum(used.values()):.0f} µs a job; {rate:,.0f}/s at load "
                  f"{os.getloadavg()[0]:.1f}", flush=True)
        lab.worker.stop(now=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="tlb-") as folder:
        os.environ.update(TETHER_LAB_HOME=f"{folder}/home", TETHER_LAB_CONFIG=f"{folder}/config",
                          TETHER_LAB_RUNNERS="2")
        main(*map(int, sys.argv[1:3]))
