"""Frames and figures of a million jobs; a page of 100 000 in the dashboard's own reading."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

MILLION = 1_000_000


def seeing() -> Iterator[Figure]:
    """A page of 100 000 jobs, the core columns of a million, every figure of a million attempts."""
    from many_jobs import put_many

    from tether_lab import Lab

    with tempfile.TemporaryDirectory(prefix="tlb-see-") as folder:
        with Lab(Path(folder) / "pages", autostart=False) as lab:
            put_many(lab, 100_000)
            middle = asyncio.run(pages(lab))
            yield Figure("a page of 100 000 jobs, any order or search", middle, 200, "ms", "median")
        with Lab(Path(folder) / "lab", autostart=False) as lab:
            put_many(lab, MILLION)
            lab.frames.jobs(limit=10)
            begun = time.process_time()
            jobs = lab.frames.jobs()
            took = time.process_time() - begun
            yield Figure("a million jobs as a frame, core columns", took, 4.0, "s", "CPU")
            held = float(jobs.memory_usage(deep=True).sum() / 1e6)
            yield Figure("what that frame holds", held, 1000, "MB")
            begun = time.process_time()
            lab.frames.jobs(limit=20_000)
            yield Figure("a week of 20 000 jobs as a frame", time.process_time() - begun, 0.2, "s", "CPU")
    with tempfile.TemporaryDirectory(prefix="tlb-see-") as folder, \
            Lab(Path(folder) / "lab", autostart=False) as lab:
        yield from drawing(lab)


def drawing(lab: Any) -> Iterator[Figure]:
    """The slowest figure of a million attempts, and the largest page."""
    import pandas as pd

    from tether_lab.testing import seed_history
    from tether_lab.views.figures import durations, failures, flow, retries, saving, timeline

    seed_history(lab, jobs=20_000)
    jobs, attempts = lab.frames.jobs(columns="all"), lab.frames.attempts()
    times = -(-MILLION // len(attempts))
    many = pd.concat([attempts] * times, ignore_index=True).head(MILLION)
    many_jobs = pd.concat([jobs] * times, ignore_index=True).head(MILLION)
    took, weighs = {}, {}
    for name, draw in {
        "timeline": lambda: timeline.timeline(many), "throughput": lambda: flow.throughput(many_jobs),
        "calendar": lambda: flow.calendar(many_jobs), "percentiles": lambda: durations.percentiles(many_jobs),
        "versions": lambda: durations.by_version(many), "failures": lambda: failures.pareto(many),
        "failure_rate": lambda: failures.failure_rate(many), "payoff": lambda: retries.payoff(many),
        "time_lost": lambda: retries.time_lost(many),
        "success_by_attempt": lambda: retries.success_by_attempt(many)}.items():
        begun = time.process_time()
        drawn = draw()
        took[name] = time.process_time() - begun
        page = saving.page("t", "", [saving.Section("", "", [drawn])])
        weighs[name] = len(page.encode()) / 1e6
    slowest, largest = max(took, key=took.__getitem__), max(weighs, key=weighs.__getitem__)
    bare = len(saving.page("t", "", []).encode()) / 1e6
    yield Figure("the slowest figure of a million attempts", took[slowest], 1.5, "s", f"{slowest}, CPU")
    yield Figure("the largest figure beyond plotly.js", weighs[largest] - bare, 3.0, "MB", largest)


async def pages(lab: Any) -> float:
    """Median milliseconds over newest, last page, sorted, searched, filtered."""
    from tether_lab.job_queue import board
    from tether_lab.job_queue.reader import Reader

    reader, found = Reader(lab.queue), []
    for asked in (board.Asked(), board.Asked(offset=99_900), board.Asked(sort="took"),
                  board.Asked(words="timed"), board.Asked(key="back-up"), board.Asked(tag="mail")):
        begun = time.perf_counter()
        await board.jobs(reader, asked, time.time_ns() // 1000)
        found.append((time.perf_counter() - begun) * 1e3)
    return statistics.median(found)
