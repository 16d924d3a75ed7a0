"""What every peer is asked, in its own environment: how fast work goes in, how fast it comes out, how soon one
starts. Standard library only.

A peer's side is a script ``X_side.py FOLDER COUNT RUNNERS [REDIS]`` that calls ``measure``. Its tasks are two:
``noop()``, and ``stamp(name, sent)``, which writes a line with the nanoseconds since ``sent`` (a monotonic time
that all processes share) to FOLDER/name. A queue that serves in order needs no more to be timed from outside.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

WITHIN = 300.0
WARM, SINGLES = 50, 60


def arguments() -> tuple[Path, int, int, str]:
    """``(folder, count, runners, redis)`` as this script was called."""
    folder, count, runners, *rest = sys.argv[1:]
    return Path(folder), int(count), int(runners), rest[0] if rest else ""


def stamp(folder: Path, name: str, sent: int) -> None:
    """Write down how long it took from ``sent`` to here."""
    now = time.monotonic_ns()
    with (folder / name).open("a") as file:
        file.write(f"{now - sent}\n")


def lines(file: Path) -> list[int]:
    try:
        return [int(line) for line in file.read_text().split()]
    except FileNotFoundError:
        return []


def wait(file: Path, count: int, pause: float) -> list[int]:
    """The lines of the file, once there are so many."""
    deadline = time.monotonic() + WITHIN
    while len(found := lines(file)) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{file.name} has {len(found)} of {count} lines after {WITHIN:g} s")
        time.sleep(pause)
    return found


def measure(folder: Path, count: int, noop: Callable[[], object], send: Callable[[str, int], object],
            worker: Callable[[], AbstractContextManager[object]]) -> None:
    """Print the figures as one line of JSON: jobs a second in and out, milliseconds to the first line."""
    send("begin", 0)
    for _ in range(WARM):
        noop()
    send("from", 0)
    begun = time.perf_counter()
    for _ in range(count):
        noop()
    enqueued = count / (time.perf_counter() - begun)
    send("to", 0)
    with worker():
        first, last = wait(folder / "from", 1, 0.01)[0], wait(folder / "to", 1, 0.01)[0]
        delays = singles(folder, send)
    print(json.dumps({"enqueue": enqueued, "drain": count / (last - first) * 1e9, **delays}))


def singles(folder: Path, send: Callable[[str, int], object]) -> dict[str, float]:
    """One at a time to a worker at rest."""
    for n in range(1, SINGLES + 1):
        send("single", time.monotonic_ns())
        wait(folder / "single", n, 0.002)
        time.sleep(0.03)
    found = sorted(lines(folder / "single")[5:])
    return {"p50": found[len(found) // 2] / 1e6, "p99": found[int(len(found) * 0.99)] / 1e6}
