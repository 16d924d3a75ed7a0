"""How many jobs a second two runners end: warm functions, cells; beside huey's processes, and beside the floor,
two bare loops that keep the same rows (``floors``)."""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from environments import NotInstalled, environment
from figure import Figure, spread
from kernel import Kernel

HUEY = "huey==3.5.4"
ROUNDS, RUNNERS = 3, 2
SIDE = Path(__file__).parent / "peers" / "huey_side.py"
OF_FORKS = 0.35
"""Cells a second, of what processes that only fork, run a cell and end do in the same run. Most of either is
pages that the kernel copies: 745 of them for a fork and ``run_cell``, 1,515 with a job's process around it."""


def noop(i: int = 0) -> None:
    pass


def draining() -> Iterator[Figure]:
    """Alternating rounds; each starts with everything running and everything enqueued."""
    from floors import drained_bare

    from tether_lab import Lab

    ours: dict[str, list[float]] = {"process": [], "power": []}
    theirs, bare = list[float](), list[float]()
    labs = {d: Lab(f"drain-{d}", durability=d, runners=RUNNERS) for d in ours}
    still = Lab("drain-bare", durability="process", autostart=False)
    for lab in (*labs.values(), still):
        lab.register(noop, "noop", isolation="warm")
    for _ in range(ROUNDS):
        for durability, lab in labs.items():
            ours[durability].append(drained(lab, "noop", 20_000))
        if (found := huey(5_000)) is not None:
            theirs.append(found)
        bare.append(drained_bare(still))
    still.close()
    for lab in labs.values():
        lab.worker.stop(now=True)
        lab.close()
    for durability, found in ours.items():
        yield Figure(f"drain, warm no-ops, {durability}", statistics.median(found),
                     15_000 if durability == "process" else None, "/s", spread(found), at_least=True)
    if theirs:
        yield Figure("drain, huey (SQLite, processes)", statistics.median(theirs), None, "/s", spread(theirs))
        times = statistics.median(ours["process"]) / statistics.median(theirs)
        yield Figure("drain, warm no-ops: times huey", times, None, "×")
    floor = statistics.median(bare)
    yield Figure("drain, two bare loops that keep the same rows", floor, None, "/s", spread(bare))
    yield Figure("drain, warm no-ops: of the bare loops", statistics.median(ours["process"]) / floor, 0.4, "×",
                 at_least=True)
    yield from cells()


def cells() -> Iterator[Figure]:
    """A process of its own for each: forked, run, ended; beside the floor, the same with no queue around it."""
    from cell_floors import two_at_a_time

    from tether_lab import Lab

    with Lab("drain-cells", durability="process", runners=RUNNERS) as lab:
        lab.worker.start()
        kernel = Kernel()
        kernel.run("%load_ext tether_lab\n%tether use drain-cells\nimport pandas as pd\n"
                   "frame = pd.DataFrame({'a': [1]})")
        kernel.run("%%job bare --register\n1 + 1")
        kernel.run("%%job framed --register\nlen(frame)")
        kernel.end()
        for key, wished in (("bare", 200), ("framed", 100)):
            drained(lab, key, 20)
            found, alone = list[float](), list[float]()
            for _ in range(ROUNDS):
                found.append(drained(lab, key, 300))
                alone.append(two_at_a_time(*(() if key == "bare" else ("pandas",))))
            name, floor = "bare" if key == "bare" else "pandas loaded", statistics.median(alone)
            yield Figure(f"drain, cells, {name}", statistics.median(found), None, "/s",
                         f"{spread(found)}; {wished} wished for")
            yield Figure(f"fork, run_cell, end, two at a time, {name}", floor, None, "/s", spread(alone))
            yield Figure(f"drain, cells, {name}: of those", statistics.median(found) / floor, OF_FORKS, "×",
                         at_least=True)
        lab.worker.stop(now=True)


def drained(lab: Any, key: str, count: int) -> float:
    """Jobs a second from the first to the last end, by the times that the worker wrote down."""
    lab.worker.start()
    lab.enqueue(key).result(timeout=60)
    lab.pause()
    jobs = lab.enqueue_many(key, [{}] * count)
    time.sleep(0.5)
    lab.resume()
    return rate(lab, jobs)


def rate(lab: Any, jobs: Sequence[Any]) -> float:
    """The same of jobs that are being run: all of them, enqueued one after the other."""
    count = len(jobs)
    jobs[-1].wait(timeout=900)
    with sqlite3.connect(lab.folder.queue_db) as connection:
        while True:
            ended, first, last = connection.execute(
                "SELECT count(finished_at), min(finished_at), max(finished_at) FROM job WHERE id >= ?",
                (jobs[0].id,)).fetchone()
            if ended == count:
                break
            time.sleep(0.05)
    connection.close()
    return (count - 1) / (last - first) * 1e6


def huey(count: int) -> float | None:
    """The same of huey, consumer with processes; None where it cannot be installed."""
    try:
        python = environment(HUEY)
    except NotInstalled:
        return None
    with tempfile.TemporaryDirectory(prefix="tlb-huey-") as folder:
        ran = subprocess.run([str(python), str(SIDE), folder, str(count), str(RUNNERS)], capture_output=True,
                             text=True, timeout=600, check=False)
    if ran.returncode:
        raise RuntimeError(ran.stderr)
    return float(json.loads(ran.stdout.splitlines()[-1])["drain"])
