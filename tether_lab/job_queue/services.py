"""Services: said, started, stopped; their messages; what running ones ask and tell.

What a service is stands in its row. Its job is only what runs: each attempt is written anew from the row
when it is claimed (``follow``), so that it runs the newest version of its handler.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from tether_lab.errors import BadRequest, ServiceNotFound, UnknownHandler
from tether_lab.job import Claim, ClaimedJob, State
from tether_lab.job.service import MOST_TRIES, ServiceRow

from . import cancel, enqueue
from .claim import lost_claim
from .clock import utc
from .queue import Queue
from .statements import sql


def start(queue: Queue, row: ServiceRow, job: enqueue.NewJob, *, again: bool = False,
          now: int | None = None) -> ServiceRow:
    """Add the service, or say it anew; it runs from now on. One that runs already goes on if nothing changed
    (``again``: starts again all the same). ``job`` is used at the first start."""
    now = now or utc()
    with queue.write() as connection:
        try:
            connection.execute(sql("service_put"), {
                "uuid": row.uuid, "name": row.name, "key": row.key, "payload": row.payload,
                "options": row.options, "update_every": row.update_every, "title": row.title,
                "body": row.body, "again": again, "now": now, "key_id": row.key_id, "mac": row.mac})
        except sqlite3.IntegrityError as error:
            raise UnknownHandler(f"no handler is registered under {row.key!r}", where="key") from error
        found = _rows(connection, row.name)[0]
        if found.job_id is None:
            (job_id,) = enqueue.insert(connection, [job], now)
            connection.execute(sql("service_adopt"), {"id": found.id, "job_id": job_id, "epoch": 0})
        else:
            its_job = {"id": found.job_id, "now": now}
            woken = connection.execute(sql("service_start"), its_job).fetchone()
            if woken is not None:
                connection.execute(sql("service_adopt"), {
                    "id": found.id, "job_id": found.job_id, "epoch": woken[0]})
            else:
                connection.execute(sql("service_hurry"), its_job)
        return _rows(connection, row.name)[0]


def stop(queue: Queue, name: str, *, force: bool = False, now: int | None = None) -> ServiceRow:
    """It is asked to end, and stays down. Raises ServiceNotFound."""
    now = now or utc()
    with queue.write() as connection:
        row = _get(connection, name)
        connection.execute(sql("service_want"), {"id": row.id, "wanted": 0, "now": row.changed_at})
        if row.job_id is not None:
            cancel.cancel_in(connection, [row.job_id], now, force=force)
        return _get(connection, name)


def remove(queue: Queue, name: str) -> None:
    """Forget it, with its messages and its history. Raises ServiceNotFound; BadRequest while it runs."""
    with queue.write() as connection:
        row = _get(connection, name)
        if row.status != "stopped":
            raise BadRequest(f"the service {name!r} is {row.status}", where=name, remedy="Stop it first.")
        connection.execute(sql("service_remove"), {"id": row.id})
        connection.execute(sql("service_job_remove"), {"id": row.job_id})


def get(queue: Queue, name: str) -> ServiceRow:
    """The service of this name. Raises ServiceNotFound naming those there are."""
    with queue.read() as connection:
        return _get(connection, name)


def services(queue: Queue) -> list[ServiceRow]:
    """All of them, by name."""
    with queue.read() as connection:
        return _rows(connection, None)


def of_job(queue: Queue, job_id: int) -> ServiceRow | None:
    """The service that runs as this job."""
    with queue.read() as connection:
        found = _rows(connection, None, job_id)
    return found[0] if found else None


def wanted(queue: Queue) -> bool:
    """Whether any service is meant to run."""
    with queue.read() as connection:
        return bool(connection.execute(sql("service_wanted")).fetchone()[0])


def pending(queue: Queue, now: int) -> bool:
    """Whether a service waits for a place, or is due."""
    with queue.read() as connection:
        return bool(connection.execute(sql("service_pending"), {"now": now}).fetchone()[0])


def tell(queue: Queue, name: str, body: str, *, now: int | None = None) -> int:
    """A message (JSON text) for a service, after all earlier ones; its number. Raises ServiceNotFound."""
    with queue.write() as connection:
        row = _get(connection, name)
        found = connection.execute(sql("service_tell"), {"id": row.id, "now": now or utc(), "body": body})
        assert found.lastrowid is not None
        return found.lastrowid


def last_event(queue: Queue, job_id: int | None) -> int:
    """The number of the newest thing that happened to it."""
    with queue.read() as connection:
        return int(connection.execute(sql("service_last_event"), {"job": job_id}).fetchone()[0])


# -- for the worker ----------------------------------------------------------------------------------


def follow(queue: Queue, claim: Claim, job: ClaimedJob) -> None:
    """Write what this attempt runs. Raises ClaimLost."""
    with queue.write(power=False) as connection:
        done = connection.execute(sql("service_follow"), {
            "id": claim.job_id, "epoch": claim.epoch, "worker": claim.worker, "key": job.key,
            "handler_id": job.handler_id, "payload": job.payload, "options": job.options,
            "key_id": job.key_id, "mac": job.mac})
        if not done.rowcount:
            raise lost_claim(claim)


def take(queue: Queue, claim: Claim, after: int, *, now: int | None = None) -> tuple[int, str] | None:
    """The next message for this attempt, (number, JSON text); all up to ``after`` are done with. One in whose
    hands too many attempts died is put aside, and said so. Raises ClaimLost."""
    with queue.read() as connection:
        (row,) = _rows(connection, None, claim.job_id) or (None,)
        if row is None:
            raise ServiceNotFound("this service was removed")
        if not after and _next(connection, row, 0) is None:
            return None
    with queue.write(power=False) as connection:
        if connection.execute(sql("claim_holds"), {"id": claim.job_id, "epoch": claim.epoch,
                                                   "worker": claim.worker}).fetchone() is None:
            raise lost_claim(claim)
        connection.execute(sql("service_message_done"), {"id": row.id, "after": after})
        while (found := _next(connection, row, after)) is not None:
            number, body, epoch, tries = found
            aside = epoch != claim.epoch and tries >= MOST_TRIES
            connection.execute(sql("service_message_given"), {"id": number, "epoch": claim.epoch,
                                                              "given_up": aside})
            if not aside:
                return int(number), str(body)
            connection.execute(sql("event_add"), (claim.epoch, "given_up", now or utc(), json.dumps(
                {"message": number, "text": f"message {number} was put aside: {tries} attempts died with it"}),
                claim.job_id))
    return None


def note(queue: Queue, claim: Claim, *, title: str | None, body: str | None, text: str | None,
         now: int | None = None) -> None:
    """What a running service says of itself. Raises ClaimLost."""
    with queue.write(power=False) as connection:
        if connection.execute(sql("claim_holds"), {"id": claim.job_id, "epoch": claim.epoch,
                                                   "worker": claim.worker}).fetchone() is None:
            raise lost_claim(claim)
        connection.execute(sql("service_note"), {"job_id": claim.job_id, "title": title, "body": body,
                                                 "note": text, "now": now or utc()})


def look(queue: Queue, jobs: Iterable[int]) -> list[tuple[int, int, int]]:
    """For each of these jobs: (job id, its newest message or 0, when it was last said anew)."""
    with queue.read() as connection:
        rows = connection.execute(sql("service_look"), {"jobs": json.dumps(list(jobs))}).fetchall()
    return [(row[0], row[1] or 0, row[2]) for row in rows]


def trim(queue: Queue) -> None:
    """What never ends must not grow for ever: old attempts, outputs and events go."""
    known = [row.job_id for row in services(queue) if row.job_id is not None]
    if not known:
        return
    with queue.write(power=False) as connection:
        connection.execute(sql("service_trim_attempts"))
        connection.execute(sql("service_trim_outputs"))
        for job_id in known:
            connection.execute(sql("service_trim_events"), {"job": job_id})


def _next(connection: sqlite3.Connection, row: ServiceRow, after: int) -> Any:
    return connection.execute(sql("service_message_next"), {"id": row.id, "after": after}).fetchone()


def _get(connection: sqlite3.Connection, name: str) -> ServiceRow:
    found = _rows(connection, name)
    if not found:
        names = ", ".join(row.name for row in _rows(connection, None)) or "none"
        raise ServiceNotFound(f"there is no service {name!r}", where="name", remedy=f"Services here: {names}.")
    return found[0]


def _rows(connection: sqlite3.Connection, name: str | None, job_id: int | None = None) -> list[ServiceRow]:
    found = connection.execute(sql("service_list"), {"name": name, "job": job_id}).fetchall()
    return [row_of(values) for values in found]


def row_of(values: Sequence[Any]) -> ServiceRow:
    """In the order of the columns of service_list.sql."""
    said, job = list(values[:18]), list(values[18:])
    said[11] = bool(said[11])
    job[0] = None if job[0] is None else State(job[0])
    job[1], job[6] = job[1] or 0, bool(job[6])
    return ServiceRow(*said, *job)
