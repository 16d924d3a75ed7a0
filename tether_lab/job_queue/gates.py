"""Windows and constraints: looked at when a job is due, in the transaction that might claim it.

A closed window makes the job ``scheduled`` again, for its next opening; a constraint that does not hold
makes it ``blocked``, and it is looked at again every few seconds. Labs without either pay one look into
an empty index.
"""

from __future__ import annotations

import json
import sqlite3
from functools import lru_cache

from tether_lab.errors import BadSignature
from tether_lab.job import JobOptions, State
from tether_lab.job.policies.constraints import Read

from .statements import sql

AGAIN = 3_000_000
"""µs after which the machine is looked at again for those that wait for it."""


@lru_cache(256)
def _options(text: str) -> JobOptions:
    """Those that cannot be read hold nothing back: whoever verifies the job refuses it."""
    try:
        return JobOptions.from_json(text)
    except BadSignature:
        return JobOptions()


def check(connection: sqlite3.Connection, now: int, read: Read) -> int | None:
    """Hold back and let through, inside the caller's transaction. When (UTC µs) to look again, if at all."""
    rows = connection.execute(sql("gate_list")).fetchall()
    again = None
    for job_id, epoch, text, state, waits_for in rows:
        options = _options(text)
        move = _move(options, now, read)
        if move[0] == State.BLOCKED:
            again = now + AGAIN
        if (state, waits_for) == move[:2]:
            continue
        if move[1] is None and waits_for is not None and not waits_for.startswith("constraint:"):
            continue                      # a limit holds it, and says when it may go on
        connection.execute(sql("gate_move"), {"id": job_id, "state": move[0], "waits_for": move[1],
                                              "run_at": move[2], "now": now})
        if move[1] is not None:
            connection.execute(sql("event_add"), (epoch, "held", now, json.dumps({"for": move[1]}), job_id))
    return again


def _move(options: JobOptions, now: int, read: Read) -> tuple[str, str | None, int | None]:
    """(state, waits_for, due) of a job that is due."""
    if options.window is not None and (opening := options.window.next_opening(now)) > now:
        return State.SCHEDULED.value, "window", opening
    unmet = options.constraints.unmet(read) if options.constraints is not None else None
    if unmet is not None:
        return State.BLOCKED.value, f"constraint:{unmet}", None
    return State.PENDING.value, None, None
