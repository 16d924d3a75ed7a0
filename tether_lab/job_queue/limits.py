"""Who may start: pauses, slots and rates, decided from rows alone before each claim.

A job that may not start leaves the index that claims read (``waits_for`` says why), so that claims look
at nothing in vain, and labs without limits pay for one look into empty indexes. Everything happens in the
worker's one transaction, so it is exact under several workers; slots are counted from running rows, so
that no crash leaks one.

The rate is a log of the last starts, not GCRA: with a full burst GCRA lets up to twice the limit start in
one window, and without a burst it delays jobs that nobody wanted delayed. The log of a key, one row, holds
what the longest window so far can see, and the last ``REMEMBERED`` starts, for a longer one that may come.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from .clock import utc
from .queue import Queue
from .statements import sql

REMEMBERED = 100
EVERYTHING = ""
"""The name under which everything is paused; no queue can have it."""


@dataclass(frozen=True, slots=True)
class Gate:
    """How many jobs were let through that had been held."""

    admitted: int = 0


NO_LIMITS = Gate()


def gate(connection: sqlite3.Connection, now: int, *, paused: bool, slots: bool, rates: bool) -> Gate:
    """Hold back and let through, inside the caller's transaction. ``now`` is UTC µs; the others say whether
    anybody is limited so just now."""
    if not (paused or slots or rates):
        return NO_LIMITS
    if rates:
        connection.execute(sql("rate_forget_next"))
    if paused and _hold_paused(connection, rates=rates):
        return NO_LIMITS
    admitted = 0
    if slots:
        for (key,) in connection.execute(sql("slot_keys")).fetchall():
            admitted += _slots(connection, key, now)
    if rates or admitted:         # whoever has a slot now may have to wait for its time
        for (key,) in connection.execute(sql("rate_keys")).fetchall():
            admitted += _rate(connection, key, now)
    return Gate(admitted)


def gate_paused(connection: sqlite3.Connection) -> None:
    """Say at once of new jobs that their queue is paused."""
    if connection.execute(sql("pause_list")).fetchone():
        _hold_paused(connection, rates=True)


def _hold_paused(connection: sqlite3.Connection, *, rates: bool) -> bool:
    """What is paused says so; whether that is everything."""
    names = connection.execute(sql("pause_list")).fetchall()
    if (EVERYTHING,) in names:
        connection.execute(sql("pause_hold_all"))
        return True
    connection.execute(sql("pause_hold"))
    if rates:
        connection.execute(sql("pause_hold_rated"))
    return False


def _slots(connection: sqlite3.Connection, key: str, now: int) -> int:
    """The free slots of a key go to those whose turn it is; all others are blocked."""
    (taken,) = connection.execute(sql("slot_taken"), (key,)).fetchone()
    rule = connection.execute(sql("slot_rule"), {"key": key}).fetchone()
    if rule is None:
        return 0
    most, strategy = rule
    chosen: list[int] = []
    if taken < most:
        rows = connection.execute(sql("slot_candidates"), {
            "key": key, "strategy": strategy, "limit": most - taken}).fetchall()
        for job_id, _, own_limit in rows:
            if taken + len(chosen) >= own_limit:
                break                     # it is first in line: nobody overtakes it
            chosen.append(job_id)
    values = {"key": key, "ids": json.dumps(chosen), "now": now}
    connection.execute(sql("slot_block"), values)
    return connection.execute(sql("slot_admit"), values).rowcount if chosen else 0


def _rate(connection: sqlite3.Connection, key: str, now: int) -> int:
    """As many of a key as may start now; all others wait, and the key's row knows until when."""
    (most,) = connection.execute(sql("rate_rule"), {"key": key}).fetchone()
    if most is None:
        return 0
    starts, longest = _starts(connection, key, now)
    rows = connection.execute(sql("rate_candidates"), {"key": key, "limit": most + 1}).fetchall()
    chosen: list[int] = []
    next_at = None
    for job_id, _, limit, window in rows:
        recent = [at for at in starts if at > now - window]
        if len(recent) + len(chosen) >= limit:
            if len(recent) >= limit:
                next_at = recent[-limit] + window
            else:                         # those let through now count from their start
                next_at = recent[0] + window if recent else now + window
            break
        chosen.append(job_id)
    values = {"key": key, "ids": json.dumps(chosen), "now": now}
    connection.execute(sql("rate_hold"), values)
    admitted = connection.execute(sql("rate_let_go"), values).rowcount if chosen else 0
    if next_at is not None:
        connection.execute(sql("rate_put"), {
            "key": key, "starts": json.dumps(starts), "next_at": next_at,
            "window": max(longest, *(row[3] for row in rows))})
    return admitted


def count_starts(connection: sqlite3.Connection, started: Sequence[tuple[str, int]], now: int) -> None:
    """Write down that these (key, window in µs) start now."""
    for key in {key for key, _ in started}:
        windows = [window for name, window in started if name == key]
        starts, longest = _starts(connection, key, now)
        longest = max(longest, *windows)
        seen = sum(at > now - longest for at in starts)
        kept = starts[-max(seen, REMEMBERED):] + [now] * len(windows)
        connection.execute(sql("rate_started"), {"key": key, "starts": json.dumps(kept), "window": longest})


def _starts(connection: sqlite3.Connection, key: str, now: int) -> tuple[list[int], int]:
    """The starts under a key and the longest window asked for. After the clock was set back, a start
    that lies ahead counts as one of this moment: late rather than too many."""
    row = connection.execute(sql("rate_get"), (key,)).fetchone()
    if row is None:
        return [], 1
    return [min(at, now) for at in json.loads(row[0])], row[1]


# -- what people ask for --------------------------------------------------------------------------


def pause(queue: Queue, name: str = EVERYTHING, *, now: int | None = None) -> None:
    """Start nothing more of this queue (or of all). What runs goes on."""
    with queue.write() as connection:
        connection.execute(sql("pause_add"), (name, now or utc()))
        connection.execute(sql("pause_let_go"))
        gate_paused(connection)


def resume(queue: Queue, name: str = EVERYTHING) -> None:
    """End a pause; without a name, every one."""
    with queue.write() as connection:
        if name == EVERYTHING:
            connection.execute(sql("pause_clear"))
        else:
            connection.execute(sql("pause_remove"), (name,))
        connection.execute(sql("pause_let_go"))
        gate_paused(connection)


def paused(queue: Queue) -> list[str]:
    """The names of paused queues; the empty one stands for everything."""
    with queue.read() as connection:
        return [name for (name,) in connection.execute(sql("pause_list")).fetchall()]


def depths(queue: Queue) -> dict[str, int]:
    """How many jobs wait in each queue."""
    with queue.read() as connection:
        return dict(connection.execute(sql("queue_depths")).fetchall())


def prioritise(queue: Queue, job_id: int, priority: int, *, now: int | None = None) -> bool:
    """Change the priority of a job that waits; False if it does not wait any more."""
    at = now or utc()
    with queue.write() as connection:
        found = connection.execute(sql("prioritise"), {
            "id": job_id, "priority": priority, "now": at}).fetchone()
        if found is not None:
            connection.execute(sql("event_add"), (found[0], "prioritised", at,
                                                  json.dumps({"priority": priority}), job_id))
    return found is not None
