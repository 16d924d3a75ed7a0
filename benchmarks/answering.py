"""How long a caller waits: to the first line of a job on an idle worker, and to its result."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from figure import Figure, p99

TIMES = 200
OF_BARE = 2.5
"""First line of a warm function: so many times what the same rows take between bare processes in the same run.
1.5 ms was wished for where those took 0.6; here they take 0.85 to 1.05."""


def answering() -> Iterator[Figure]:
    """Durability "process" and "power"; one job at a time, with a pause in which everything falls asleep."""
    from tether_lab import Lab

    least = floor()
    yield least

    def stamp() -> int:
        import time

        return time.monotonic_ns()

    for durability in ("process", "power"):
        with Lab(f"answer-{durability}", durability=durability, runners=2) as lab:
            lab.worker.start()
            lab.register(stamp, "stamp", isolation="warm")
            lab.register(stamp, "forked")
            promised = durability == "process"
            for key, name, target in (("stamp", "warm function", None), ("forked", "process of its own", 10.0)):
                started, answered = waits(lab, key, TIMES if key == "stamp" else TIMES // 4)
                yield Figure(f"enqueue to first line, {name}, {durability}", statistics.median(started),
                             target if promised else None, "ms", f"p99 {p99(started):.1f}")
                if promised and key == "stamp":
                    yield Figure("enqueue to first line, warm function: of bare processes",
                                 statistics.median(started) / least.value, OF_BARE, "×")
                yield Figure(f"enqueue to result, {name}, {durability}", statistics.median(answered),
                             4.0 if promised and key == "stamp" else None, "ms", f"p99 {p99(answered):.1f}")
            lab.worker.stop(now=True)


def floor() -> Figure:
    """The statements, the beacon and the hand-overs of a first line, with nothing else around them."""
    from draining import noop
    from floors import to_first_line

    from tether_lab import Lab

    with Lab("answer-floor", durability="process", autostart=False) as lab:
        lab.register(noop, "noop", isolation="warm")
        median, least = to_first_line(lab)
    return Figure("enqueue to first line: the same rows, bare processes", median, None, "ms",
                  f"least {least:.2f}")


def waits(lab: Any, key: str, times: int) -> tuple[list[float], list[float]]:
    """Milliseconds to the first line, and to the value in the caller's hands."""
    started, answered = [], []
    for n in range(times + 5):
        begun = time.monotonic_ns()
        first = lab.enqueue(key).result(timeout=60)
        ended = time.monotonic_ns()
        if n >= 5:
            started.append((first - begun) / 1e6)
            answered.append((ended - begun) / 1e6)
        time.sleep(0.03)
    return started, answered


def milliseconds(do: Callable[[], object], times: int) -> float:
    """The median of so many calls."""
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        do()
        found.append((time.perf_counter() - begun) * 1000)
    return statistics.median(found)
