"""A realistic past for a lab, in seconds: for tests, notebooks and demonstrations."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tether_lab.errors import BadRequest
from tether_lab.job import Attempt, HandlerVersion, Manifest, Provenance, ResultRow, State, Usage
from tether_lab.outcome import (
    Cancelled,
    Crashed,
    Failed,
    Lost,
    Outcome,
    Succeeded,
    TimedOut,
    outcome_name,
)

from .simulation import SECOND, Month, Played, Run, play
from .workloads import WORKLOADS, Release, Workload

if TYPE_CHECKING:
    from tether_lab.job_queue.history import PastEvent, PastJob, PastOutput
    from tether_lab.lab import Lab

BATCH = 5000
SOURCE = '''# {key}, version {release}: part of a made-up history, nothing of it ever ran.
raise RuntimeError("the history of {key} is made up (tether_lab.testing.seed_history); it cannot be run")
'''


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was written: the ids of the jobs, the month's ends, its slow Tuesday (UTC)."""

    jobs: range
    since: datetime
    until: datetime
    slow: tuple[datetime, datetime]


def seed_history(lab: Lab, months: float = 1, jobs: int = 5000, seed: int = 1, *,
                 until: datetime | None = None) -> Seeded:
    """Write a made-up past of about ``jobs`` jobs in the ``months`` before ``until`` (last midnight UTC).

    Six handlers in several versions; faults for which retries pay, and faults for which they do not;
    a deploy that fails for a day (send-report, version 3), a slow Tuesday with a long queue, crashes,
    time-outs, cancelled and expired jobs, a worker that died; nights and weekends. Equal ``seed``,
    ``jobs`` and ``until`` make equal histories (uuids and signatures apart). All is signed as real rows
    are, and final: nothing runs.
    """
    from tether_lab.job_queue import history

    if not 0 < months <= 24 or not 0 <= jobs <= 10_000_000:
        raise BadRequest(f"months is {months!r}, jobs is {jobs!r}", where="months",
                         remedy="months: more than 0, at most 24; jobs: at most ten million.")
    end = until or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    month = Month.ending(end.astimezone(UTC), months)
    versions = {(work.key, release.name): _register(lab, work, release, month)
                for work in WORKLOADS for release in work.releases}
    options = {work.key: work.options.to_json() for work in WORKLOADS}
    first: int | None = None
    last = 0
    played = play(month, jobs, random.Random(seed))  # noqa: S311 — a story, no secret
    for batch in _batched(played):
        ids = history.write(lab.queue, [
            _past(lab, job, versions[job.work.key, job.release.name], options[job.work.key]) for job in batch])
        first, last = ids.start if first is None else first, ids.stop
    return Seeded(range(first or 0, last), _moment(month.begin), _moment(month.end),
                  (_moment(month.slow[0]), _moment(month.slow[1])))


def _batched(played: Iterator[Played]) -> Iterator[tuple[Played, ...]]:
    while batch := tuple(itertools.islice(played, BATCH)):
        yield batch


def _register(lab: Lab, work: Workload, release: Release, month: Month) -> HandlerVersion:
    """A version whose code refuses to run."""
    from tether_lab.capture.provenance import interpreter
    from tether_lab.job_queue import register

    at = month.begin + round(release.since * (month.end - month.begin))
    source = SOURCE.format(key=work.key, release=release.name)
    version = lab.sign_handler(HandlerVersion(
        id=0, uuid=str(uuid.uuid4()), key=work.key, kind="cell", source=source, parameters="{}",
        version=hashlib.blake2b(source.encode(), digest_size=6).hexdigest(), manifest=Manifest(),
        interpreter=interpreter(), provenance=Provenance(notebook=f"{work.key}.ipynb"), created_at=at))
    return register.register(lab.queue, version, defaults="{}", options="{}", small_blobs={}, large_blobs={},
                             now=at)[0]


def _past(lab: Lab, job: Played, version: HandlerVersion, options: str) -> PastJob:
    """The rows of a job that was played."""
    from tether_lab.job_queue.enqueue import NewJob
    from tether_lab.job_queue.history import PastJob

    assert job.state is not None
    name, payload, work = str(uuid.uuid4()), json.dumps(job.payload, separators=(",", ":")), job.work
    key_id, mac = lab.sign_job(name, version, payload, options)
    expires = work.options.expires
    row = NewJob(
        uuid=name, key=work.key, handler_id=version.id, payload=payload, options=options, run_at=job.due,
        expires_at=None if expires is None else job.created_at + round(expires * SECOND),
        max_attempts=work.attempts, tags=work.tags, key_id=key_id, mac=mac)
    done = job.state is State.COMPLETED
    asked = next((run.finished_at - 1000 for run in job.runs if isinstance(run.outcome, Cancelled)), None)
    return PastJob(
        job=row, state=job.state, created_at=job.created_at, finished_at=job.finished_at,
        attempts=[_attempt(epoch, run) for epoch, run in enumerate(job.runs, 1)], events=_events(job),
        outputs=_outputs(job) if work.says else (), used=job.used, crashes=job.crashes,
        error=None if done else job.error, cancel_requested_at=asked,
        result=_result(lab, name, len(job.runs), job) if done else None)


def _attempt(epoch: int, run: Run) -> Attempt:
    kind, message, trace = _error(run.outcome)
    died = isinstance(run.outcome, Crashed | TimedOut)
    usage = Usage(None, None) if isinstance(run.outcome, Lost) else Usage(
        run.cpu, run.peak, None if died else 0, 9 if died else None, 1000 + epoch)
    return Attempt(0, epoch, run.attempt, run.worker, run.started_at, run.finished_at,
                   outcome_name(run.outcome), kind, message, trace, usage)


def _error(outcome: Outcome) -> tuple[str | None, str | None, str | None]:
    """(type, one line, traceback), as a worker writes them."""
    match outcome:
        case Failed(types, message, trace):
            return types[0], f"{types[0]}: {message}", trace
        case TimedOut(after):
            return "TimedOut", f"timed out after {after:g} s", None
        case Crashed(reason):
            return "Crashed", reason, None
        case Lost(worker):
            return "Lost", f"the worker {worker} died", None
        case _:
            return None, None, None


def _events(job: Played) -> list[PastEvent]:
    found: list[PastEvent] = []
    for epoch, run in enumerate(job.runs, 1):
        found += [(epoch, "started", run.started_at, "{}"),
                  (epoch, outcome_name(run.outcome), run.finished_at, "{}")]
        if run.retry_at is not None and isinstance(run.outcome, Failed | TimedOut):
            detail = json.dumps({"at": run.retry_at, "reason": _error(run.outcome)[1]})
            found.append((epoch, "retrying", run.finished_at, detail))
    ended_waiting = job.state in (State.CANCELLED, State.EXPIRED) and "cancelled" not in {e[1] for e in found}
    if ended_waiting:
        found.append((len(job.runs), str(job.state), job.finished_at, "{}"))
    return found


def _outputs(job: Played) -> list[PastOutput]:
    """One line of each attempt that came to an end."""
    return [(epoch, 0, run.finished_at - 1000, json.dumps({
        "k": "stream", "name": "stdout", "text": job.work.says.format(n=run.finished_at % 997) + "\n"}))
        for epoch, run in enumerate(job.runs, 1) if isinstance(run.outcome, Succeeded)]


def _result(lab: Lab, name: str, epoch: int, job: Played) -> ResultRow:
    from tether_lab.vault import signing

    body = json.dumps({"made_up": job.runs[-1].finished_at % 997})
    mac = lab.vault.sign(signing.RESULT, *signing.result_fields(lab.uuid, name, epoch, "json", body))
    return ResultRow(0, name, epoch, "json", body, body, "dict", len(body), lab.vault.key_id, mac)


def _moment(at: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
