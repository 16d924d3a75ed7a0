"""Ending jobs before their time: at once what waits, on request what runs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from tether_lab.errors import BadRequest, JobNotFound
from tether_lab.job import Claim, State

from . import workflow
from .clock import utc
from .queue import Queue
from .statements import sql


def cancel(
    queue: Queue, ids: Iterable[int] | None = None, *, key: str | None = None, tag: str | None = None,
    in_queue: str | None = None, chain: int | None = None, batch: int | None = None,
    everything: bool = False, force: bool = False, now: int | None = None,
) -> dict[State, int]:
    """Cancel jobs by id, or every unfinished one of a key, a tag, a named queue, or all.

    Waiting jobs are cancelled at once; running ones are asked (``force``: without grace) and end when
    their worker has ended them. Returns how many stood in which state before; jobs given by id that
    were final already are counted and left as they are. Raises JobNotFound, and then nothing happened.
    """
    by_filter = key is not None or tag is not None or in_queue is not None or everything
    by_filter = by_filter or chain is not None or batch is not None
    if (ids is not None) == by_filter:
        raise BadRequest("say which jobs to cancel, in one way",
                         remedy="Give ids, or a key, tag or queue, or everything=True.")
    now = now or utc()
    with queue.write() as connection:
        if ids is None:
            rows = connection.execute(sql("cancel_find"), {"key": key, "tag": tag, "queue": in_queue,
                                                        "chain": chain, "batch": batch})
            chosen = [row[0] for row in rows.fetchall()]
        else:
            chosen = list(dict.fromkeys(ids))
        return cancel_in(connection, chosen, now, force=force, queue=queue)


def cancel_in(connection: sqlite3.Connection, chosen: list[int], now: int, *, force: bool = False,
              queue: Queue | None = None) -> dict[State, int]:
    """The same inside the caller's transaction."""
    listed = json.dumps(chosen)
    waiting = [row[0] for row in connection.execute(sql("cancel_links"), {"ids": listed}).fetchall()]
    counts = {State(state): count
              for state, count in connection.execute(sql("cancel_count"), {"ids": listed}).fetchall()}
    if queue is not None and sum(counts.values()) < len(chosen):
        raise _missing(queue, chosen)
    values = {"ids": listed, "now": now, "force": force}
    detail = json.dumps({"force": True} if force else {})
    connection.execute(sql("cancel_events"), {**values, "detail": detail})
    connection.execute(sql("cancel_waiting"), {"ids": listed, "now": now})
    connection.execute(sql("cancel_running"), values)
    if waiting:
        workflow.settle(connection, workflow.ended_by_id(connection, waiting), now)
    return counts


def requests(queue: Queue, worker: str) -> list[tuple[Claim, bool]]:
    """The attempts of this worker that somebody asked to end; True: without time to clean up."""
    with queue.read() as connection:
        rows = connection.execute(sql("cancel_requested"), {"worker": worker}).fetchall()
    return [(Claim(job_id, epoch, worker), bool(force)) for job_id, epoch, force in rows]


def _missing(queue: Queue, chosen: list[int]) -> JobNotFound:
    with queue.read() as connection:
        found = [job_id for job_id in chosen
                 if not connection.execute(sql("state_of"), {"id": job_id}).fetchone()]
    return JobNotFound(f"there is no job {', '.join(map(str, found[:5]))} in {queue.folder.path}",
                       remedy="lab.jobs() lists them.", where=str(found[0]))
