"""Jobs that count as the same: a partial UNIQUE index keeps the key, this decides who gets it.

Everything happens in the transaction of the enqueue. A holder whose ttl has passed gives the key up.
Under ``replace`` a holder that waits is cancelled and the new job takes its place; one that has begun
stays. Under ``debounce`` a holder that waits is put off; one that has begun hands the key over, so
that the change which came meanwhile is not lost.
"""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

from tether_lab.errors import DuplicateJob
from tether_lab.job import State

from . import workflow
from .statements import sql

if TYPE_CHECKING:
    from .enqueue import NewJob

WAITS = ("blocked", "scheduled", "pending", "retrying")


def holder_for(connection: sqlite3.Connection, job: NewJob, now: int) -> int | None:
    """The job that stands in for this one, or None: then the key is free for it."""
    connection.execute(sql("dedup_free"), {"dedup_key": job.dedup_key, "now": now})
    found = connection.execute(sql("dedup_holder"), {"dedup_key": job.dedup_key}).fetchone()
    if found is None:
        return None
    holder, state, epoch = int(found[0]), str(found[1]), int(found[2])
    match job.on_conflict:
        case "raise":
            raise duplicate(holder, job.key, state)
        case "replace" if state in WAITS:
            _cancel(connection, holder, now)
            return None
        case "debounce" if state in ("scheduled", "pending"):
            connection.execute(sql("dedup_put_off"), {"id": holder, "run_at": job.run_at, "now": now})
        case "debounce" if state not in WAITS:
            connection.execute(sql("dedup_hand_over"), {"id": holder})
            return None
    _note(connection, holder, epoch, job.on_conflict, now)
    return holder


def _cancel(connection: sqlite3.Connection, holder: int, now: int) -> None:
    listed = json.dumps([holder])
    detail = json.dumps({"reason": "replaced by a newer job (dedup)"})
    connection.execute(sql("cancel_events"), {"ids": listed, "now": now, "force": False, "detail": detail})
    connection.execute(sql("cancel_waiting"), {"ids": listed, "now": now})
    workflow.settle(connection, workflow.ended_by_id(connection, [holder]), now)


def _note(connection: sqlite3.Connection, holder: int, epoch: int, mode: str, now: int) -> None:
    """One event, or one more on the last event: ten thousand duplicates are one row."""
    said = "put off" if mode == "debounce" else "asked for again; nothing new was enqueued"
    again = connection.execute(sql("dedup_again"), {"id": holder, "now": now, "mode": mode})
    if again.rowcount == 0:
        detail = json.dumps({"message": f"dedup: {said}", "mode": mode, "times": 1})
        connection.execute(sql("event_add"), (epoch, "deduplicated", now, detail, holder))


def duplicate(holder: int, key: str, state: str | State) -> DuplicateJob:
    """The error that names who holds the key."""
    return DuplicateJob(
        f"job {holder} ({key}, {state}) already counts as this one (dedup)", where=f"job {holder}",
        remedy=f"Use job {holder}, cancel it first (lab.cancel({holder})), or let its ttl pass.")
