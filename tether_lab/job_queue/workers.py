"""The workers that have served this lab."""

from __future__ import annotations

import builtins
from dataclasses import dataclass

from .queue import Queue
from .statements import sql

KEPT = 30 * 86400 * 1_000_000
"""Microseconds that the row of an ended worker stays."""


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One worker process. ``state``: running, draining, stopped, dead; ``detail`` is JSON text."""

    id: str
    pid: int
    boot_id: str
    host: str
    version: str
    runners: int
    state: str
    started_at: int
    beat_at: int
    detail: str


def register(
    queue: Queue, *, id: str, pid: int, boot_id: str, host: str, version: str,  # noqa: A002  the column's name
    runners: int, now: int, detail: str = "{}",
) -> None:
    """A worker begins. Its name must be new; rows of workers that ended a month ago go."""
    with queue.write(power=False) as connection:
        connection.execute(sql("worker_forget"), {"before": now - KEPT})
        connection.execute(sql("worker_register"), {
            "id": id, "pid": pid, "boot_id": boot_id, "host": host, "version": version, "runners": runners,
            "now": now, "detail": detail})


def beat(queue: Queue, worker: str, now: int, detail: str | None = None) -> None:
    """It lives; ``detail`` (JSON) is what it wants shown."""
    with queue.write(power=False) as connection:
        connection.execute(sql("worker_beat"), {"id": worker, "now": now, "detail": detail})


def mark(queue: Queue, worker: str, state: str, now: int) -> None:
    """What became of it."""
    with queue.write(power=False) as connection:
        connection.execute(sql("worker_mark"), {"id": worker, "state": state, "now": now})


def list(queue: Queue) -> builtins.list[WorkerRow]:  # noqa: A001  read as workers.list
    """All that are remembered, the newest first."""
    with queue.read() as connection:
        return [WorkerRow(*row) for row in connection.execute(sql("worker_list")).fetchall()]
