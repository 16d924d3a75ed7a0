"""How much memory an attempt uses: resident bytes of its process and all its descendants."""

from __future__ import annotations

import os
from pathlib import Path

from .attempts import Attempt

PAGE = os.sysconf("SC_PAGE_SIZE")
DEEPEST = 10_000
INTERVAL = 0.25
"""Seconds between two looks at an attempt that has a limit."""


def used(pid: int) -> int:
    """Resident bytes, those shared with the zygote included. 0 if the process is gone."""
    total, waiting, seen = 0, [pid], 0
    while waiting and seen < DEEPEST:
        one = waiting.pop()
        seen += 1
        try:
            fields = Path(f"/proc/{one}/statm").read_text().split()
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (OSError, ValueError):
            continue
        total += int(fields[1]) * PAGE
    return total


def limit(attempt: Attempt, now: float) -> None:
    """End an attempt that uses more than it may."""
    most, process = attempt.options.memory, attempt.process
    if most and process.pid and attempt.started is not None and attempt.stop is None:
        attempt.used_memory = used(process.pid) if process.far is None else process.used
        if attempt.used_memory > most:
            attempt.kill("memory", now)
