"""What 100 000 printed lines cost the job, and when a follower sees a line."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

from figure import Figure, p95


def printing() -> Iterator[Figure]:
    """Printing and following."""
    from tether_lab import Lab

    def lines() -> float:
        import time

        begun = time.perf_counter()
        for n in range(100_000):
            print("line", n)
        return time.perf_counter() - begun

    def ticking() -> None:
        import time

        for _ in range(80):
            print(time.monotonic_ns(), flush=True)
            time.sleep(0.11)

    with Lab() as lab:
        found = [lab.submit(lines).result(timeout=60) for _ in range(5)]
        yield Figure("100 000 printed lines", statistics.median(found), 0.4, "s", f"worst {max(found):.2f}")
        delays = follow(lab, lab.submit(ticking))
        yield Figure("follower sees a line, p95", p95(delays), 250, "ms",
                     f"median {statistics.median(delays):.0f}")


def follow(lab: Any, job: Any) -> list[float]:
    """Milliseconds from print() to the line in a follower of another process, for each line."""
    from tether_lab.lab.follow import news

    delays = []
    for body in news(lab, job.id):
        if body["k"] == "stream":
            now = time.monotonic_ns()
            delays += [(now - int(word)) / 1e6 for word in body["text"].split()]
    return delays
