"""A past is written down whole: jobs that ended, with their attempts, events, outputs and results.

Called by ``tether_lab.testing``, for tests, notebooks and demonstrations. A worker never does this.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

from tether_lab.errors import BadRequest
from tether_lab.job import FINAL, Attempt, ResultRow, State

from .enqueue import NewJob
from .queue import Queue
from .statements import sql

PastEvent = tuple[int, str, int, str]
"""epoch, kind, at (UTC µs), detail (JSON)."""

PastOutput = tuple[int, int, int, str]
"""epoch, seq, at (UTC µs), body (JSON)."""


@dataclass(frozen=True, slots=True)
class PastJob:
    """A job that ended. The ``job_id`` of its parts is filled in when it is written."""

    job: NewJob
    state: State
    created_at: int
    finished_at: int
    attempts: Sequence[Attempt] = ()
    events: Sequence[PastEvent] = ()
    outputs: Sequence[PastOutput] = ()
    result: ResultRow | None = None
    used: int = 0                        # attempts that counted
    crashes: int = 0
    error: str | None = None
    cancel_requested_at: int | None = None


def write(queue: Queue, jobs: Sequence[PastJob]) -> range:
    """All of them or none, in one transaction; their ids, in the same order.

    Raises BadRequest for a job whose state is not final: nothing of a made-up past may run.
    """
    unfinished = [past for past in jobs if past.state not in FINAL]
    if unfinished:
        raise BadRequest(f"a past job is {unfinished[0].state}: only final ones are history", where="state")
    with queue.write(power=False) as connection:
        first = int(connection.execute(sql("history_base")).fetchone()[0]) + 1
        numbered = list(enumerate(jobs, first))
        connection.executemany(sql("history_job"), [_job(number, past) for number, past in numbered])
        connection.executemany(sql("history_attempt"), [
            _attempt(number, attempt) for number, past in numbered for attempt in past.attempts])
        events = [(*event, number) for number, past in numbered for event in past.events]
        connection.executemany(sql("event_add"), sorted(events, key=itemgetter(2)))
        connection.executemany(sql("output_put"), [
            (number, *output) for number, past in numbered for output in past.outputs])
        connection.executemany(sql("result_put"), [
            _result(replace(past.result, job_id=number))
            for number, past in numbered if past.result is not None])
    return range(first, first + len(jobs))


def _job(number: int, past: PastJob) -> tuple[object, ...]:
    """In the order of history_job.sql."""
    job, last = past.job, past.attempts[-1] if past.attempts else None
    return (number, job.uuid, job.key, job.handler_id, job.queue, job.payload, job.options, past.state.value,
            job.priority, job.run_at, past.used, job.max_attempts, last.epoch if last else 0, past.crashes,
            past.cancel_requested_at, past.created_at, past.finished_at, last.started_at if last else None,
            past.finished_at, past.error, job.description, json.dumps(list(job.tags)), job.key_id, job.mac)


def _attempt(number: int, attempt: Attempt) -> tuple[object, ...]:
    """In the order of history_attempt.sql."""
    usage = attempt.usage
    return (number, attempt.epoch, attempt.attempt, attempt.worker, attempt.started_at, attempt.finished_at,
            attempt.outcome, attempt.error_type, attempt.error, attempt.traceback,
            None if usage.cpu_seconds is None else round(usage.cpu_seconds * 1e6), usage.peak_bytes,
            usage.exit_code, usage.signal, usage.pid)


def _result(result: ResultRow) -> dict[str, object]:
    """The parameters of result_put.sql."""
    return {"job_id": result.job_id, "epoch": result.epoch, "kind": result.kind, "body": result.body,
            "text": result.text, "type": result.type, "size": result.size, "key_id": result.key_id,
            "mac": result.mac}
