"""What hooks are told: an outbox that is filled where things happen and emptied by the worker's turn.

Changes of state fill it by themselves (triggers in the schema), so that no verb can forget to; what is no
change of state goes through ``tell``. The worker makes signed internal jobs of it, in a transaction of
its own turn: a hook is enqueued once for each thing that happened, whoever dies in between.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tether_lab.job import JobOptions
from tether_lab.job.hooks import HookEntry

from . import enqueue
from .statements import sql

Told = tuple[str, str]
"""Kind and JSON detail of an event for the job that it happened to."""
MOST = 1000
"""As in happening_list.sql."""
Make = Callable[["Happening"], "Following"]


@dataclass(frozen=True, slots=True)
class Following:
    """What becomes of a happening: internal jobs, and events of the job that it happened to."""

    jobs: Sequence[enqueue.NewJob] = ()
    events: Sequence[Told] = ()


@dataclass(frozen=True, slots=True)
class Happening:
    """As it was written down; times UTC µs. ``options`` is the job's JSON; ``key`` is None for a chain, a
    batch, and a job that is gone."""

    id: int
    kind: str
    job_id: int
    epoch: int
    state: str
    attempt: int
    started_at: int | None
    error: str | None
    at: int
    detail: str
    key: str | None
    max_attempts: int | None
    description: str | None
    tags: str | None
    options: str | None
    handler_id: int | None
    error_type: str | None

    def entry(self) -> HookEntry:
        """What a hook is handed of a job."""
        options = JobOptions.from_json(self.options or "{}")
        closed = bool(options.encrypt)          # its texts stay encrypted: hooks are told none of them
        timed = self.kind not in ("on_start", "on_service_event")
        error = self.error if self.kind in ("on_failure", "on_retry", "on_cancel") else None
        error = "(encrypted)" if error and closed else error
        said = self.kind in ("on_soft_timeout", "on_service_event")
        detail = {} if closed and said else json.loads(self.detail)
        took = round((self.at - self.started_at) / 1000) if timed and self.started_at is not None else None
        return HookEntry(
            event=self.kind, key=self.key or "", id=self.job_id, status=self.state, at=self.at / 1e6,
            attempt=self.attempt, max_attempts=self.max_attempts or 0, duration_ms=took, error=error,
            error_type=self.error_type if error else None, description=self.description,
            tags=tuple(json.loads(self.tags or "[]")), meta=options.meta, detail=detail)


def tell(connection: sqlite3.Connection, kind: str, job_id: int, at: int, detail: str = "{}") -> bool:
    """Something happened to a job that is no change of its state (``kind`` is one of HOOKS; ``detail`` JSON).
    Whether anybody hooks it."""
    return connection.execute(sql("happening_tell"), {
        "kind": kind, "id": job_id, "at": at, "detail": detail}).rowcount > 0


def tell_said(connection: sqlite3.Connection, job_id: int, at: int, events: Sequence[Told]) -> bool:
    """What a running job said that somebody may hook: its soft timeout, and events that a service sends."""
    hooked = [tell(connection, "on_soft_timeout", job_id, at, detail)
              for kind, detail in events if kind == "soft_timeout"]
    hooked += [connection.execute(sql("happening_service"), {
        "id": job_id, "at": at, "detail": detail}).rowcount > 0 for kind, detail in events if kind == "sent"]
    return any(hooked)


def follow(connection: sqlite3.Connection, make: Make, now: int) -> bool:
    """Empty the outbox into jobs and events, inside the caller's transaction; whether more is left."""
    rows = connection.execute(sql("happening_list")).fetchall()
    if not rows:
        return False
    for row in rows:
        happening = Happening(*row)
        found = make(happening)
        if found.jobs:
            enqueue.insert(connection, found.jobs, now)
        for kind, detail in found.events:
            connection.execute(sql("event_tell"), {
                "id": happening.job_id, "kind": kind, "at": now, "detail": detail})
    connection.execute(sql("happening_clear"), {"last": rows[-1][0]})
    return len(rows) == MOST


def say(connection: sqlite3.Connection, job_id: int, kind: str, at: int, detail: str) -> None:
    """An event for a job that may be gone by now."""
    connection.execute(sql("event_tell"), {"id": job_id, "kind": kind, "at": at, "detail": detail})
