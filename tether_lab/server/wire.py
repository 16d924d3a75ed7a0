"""Jobs and what belongs to them as JSON, as ``openapi.json`` describes it. Pure: values in, values out.

Moments are ISO 8601 in UTC, durations seconds. Nothing here is HTML, and nothing is trusted by those
who draw it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from tether_lab.errors import TetherLabError
from tether_lab.job import Attempt, Event, HandlerVersion, JobRow, Manifest, ResultRow
from tether_lab.job.service import QUEUE as SERVICES
from tether_lab.views.bars import read_progress
from tether_lab.views.board import Card, Snapshot, captured
from tether_lab.views.failing import failing_line
from tether_lab.views.headline import attempt_words, headline, role
from tether_lab.views.phrases import brief, parameters, size

Json = dict[str, Any]
_EPOCH = date(1970, 1, 1)
_DAY = 86_400_000_000
MOST_SOURCE = 1_000_000


def moment(at: int) -> str:
    """ISO 8601 of UTC µs, to the millisecond."""
    day, rest = divmod(at, _DAY)
    seconds, micros = divmod(rest, 1_000_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_date(day)}T{hour:02}:{minute:02}:{second:02}.{micros // 1000:03}Z"


@lru_cache(maxsize=1024)
def _date(day: int) -> str:
    """The date of a day since 1970: a page of a thousand jobs has five thousand moments of a few days."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def maybe(at: int | None) -> str | None:
    """The same where there may be none."""
    return None if at is None else moment(at)


def error(found: TetherLabError) -> Json:
    """An error of ours: what, what to do, where."""
    return {"code": found.code, "message": found.message, "remedy": found.remedy, "where": found.where}


def job(row: JobRow, *, at: int, lab: str = "", worker_alive: bool | None = None) -> Json:
    """A job as a row of a list (JobSummary)."""
    progress = read_progress(row.progress) if not row.is_final or row.error else read_progress(None)
    snapshot = Snapshot(lab=lab, row=row, at=at, worker_alive=None if row.is_final else worker_alive)
    return {
        "id": row.id, "uuid": row.uuid, "key": row.key, "title": brief(row.key, 60), "kind": row.kind,
        "status": row.state.value, "role": role(row.state), "headline": headline(snapshot, progress),
        "waits_for": row.waits_for, "parameters": parameters(row.payload),
        "description": row.description or "", "tags": list(row.tags), "queue": row.queue,
        "priority": row.priority, "attempt": row.attempt, "max_attempts": row.max_attempts,
        "epoch": row.epoch, "error": row.error, "bars": [_bar(bar) for bar in progress.bars],
        "more_bars": progress.more, "version": row.handler_version, "chain": row.chain_id,
        "batch": row.batch_id, "step": row.step, "schedule": row.options.schedule,
        "service": row.queue == SERVICES,
        "cancelling": row.cancel_requested_at is not None and not row.is_final,
        "created_at": moment(row.created_at), "due_at": moment(row.run_at),
        "started_at": maybe(row.started_at), "finished_at": maybe(row.finished_at),
        "updated_at": moment(row.updated_at)}


def _bar(bar: Any) -> Json:
    return {"label": bar.label, "fraction": bar.fraction, "percent": bar.percent, "text": bar.text}


def record(row: JobRow) -> Json:
    """A job in the words of other job libraries (JobRecord)."""
    payload, retry = json.loads(row.payload), row.options.retry
    first = 2.0 if retry is None else retry.delays[0] if retry.delays else retry.delay
    state = row.state.value
    return {
        "id": row.id, "job_key": row.key, "identifier": row.key, "payload": payload, "parameters": payload,
        "status": state, "description": row.description or "", "attempts": row.attempt,
        "max_attempts": row.max_attempts, "retry_count": max(0, row.attempt - 1),
        "max_retries": row.max_attempts - 1, "retry_delay": first,
        "last_attempt_at": maybe(row.started_at), "last_error": row.error, "error_message": row.error,
        "priority": row.priority, "scheduled_at": moment(row.run_at), "executed_at": maybe(row.started_at),
        "completed_at": maybe(row.finished_at) if state == "completed" else None,
        "failed_at": maybe(row.finished_at) if state == "failed" else None,
        "created_at": moment(row.created_at), "updated_at": moment(row.updated_at)}


def attempt(found: Attempt, source: str = "") -> Json:
    """An execution; ``source`` is the job's code, in which its line is looked for."""
    words, colour = attempt_words(found)
    usage = found.usage
    seconds = None if found.finished_at is None else max(0, found.finished_at - found.started_at) / 1e6
    return {
        "epoch": found.epoch, "attempt": found.attempt, "worker": found.worker,
        "started_at": moment(found.started_at), "finished_at": maybe(found.finished_at),
        "outcome": found.outcome, "words": words, "role": colour, "seconds": seconds,
        "error_type": found.error_type, "error": found.error, "traceback": found.traceback,
        "line": failing_line(found.traceback, source), "cpu_seconds": usage.cpu_seconds,
        "peak_bytes": usage.peak_bytes, "exit_code": usage.exit_code, "signal": usage.signal,
        "pid": usage.pid}


def event(found: Event) -> Json:
    """Something that happened to a job."""
    return {"id": found.id, "job": found.job_id, "epoch": found.epoch, "kind": found.kind,
            "at": moment(found.at), "detail": dict(found.detail)}


def note(found: Event, key: str) -> Json:
    """Something that people want to hear of: an event that a toast may say."""
    detail = {name: str(found.detail.get(name) or "") for name in ("text", "title", "url")}
    return {"id": found.id, "job": found.job_id, "key": key, "kind": found.kind, "at": moment(found.at),
            **detail}


def captures(manifest: Manifest) -> Json:
    """What a handler version took along: names, types and sizes, never values."""
    variables = sorted(manifest.variables, key=lambda v: -v.size)
    return {
        "text": captured(manifest), "bytes": manifest.size,
        "variables": [{"name": v.name, "type": v.type, "bytes": v.size, "size": size(v.size), "why": v.why}
                      for v in variables if not v.name.startswith("__printer__:")],
        "imports": dict(manifest.imports), "modules": list(manifest.modules),
        "withheld": list(manifest.withheld), "missing": dict(manifest.missing),
        "warnings": [*manifest.warnings, *manifest.notes]}


def provenance(version: HandlerVersion) -> Json:
    """Where a version came from."""
    found, python = version.provenance, version.interpreter
    return {
        "version": version.version, "registered_at": moment(version.created_at), "python": python.minor,
        "prefix": python.prefix, "executable": python.executable, "notebook": found.notebook,
        "cell_id": found.cell_id, "git_commit": found.git_commit, "git_dirty": found.git_dirty,
        "packages": dict(found.packages), "tether_lab": found.tether_lab}


def source(version: HandlerVersion, attempts: Iterable[Attempt], *, newer: bool) -> Json:
    """The code of a job, and the line of it that failed last."""
    failed = [a for a in attempts if a.traceback]
    last = failed[-1] if failed else None
    return {
        "source": version.source[:MOST_SOURCE], "language": "shell" if version.kind == "shell" else "python",
        "kind": version.kind, "version": version.version,
        "line": failing_line(last.traceback, version.source) if last else None,
        "error": last.error if last else None, "newer": newer}


def result(row: ResultRow) -> Json:
    """A result whose signature was verified: JSON, or the text form of anything else."""
    plain = row.kind == "json"
    return {"kind": row.kind, "type": row.type, "bytes": row.size, "text": row.text,
            "value": json.loads(row.body) if plain else None,
            "downloads": ["json", "txt"] if plain else ["txt"] if row.kind == "pickle" else []}


def card(drawn: Card) -> Json:
    """A card as the MIME type of jobs has it."""
    return asdict(drawn)


def stats(found: Mapping[str, int], groups: Mapping[str, int], *, at: int, handlers: int,
          next_due: int | None, worker: str) -> Json:
    """How many jobs stand where."""
    return {"at": moment(at), "states": dict(found), "groups": dict(groups), "total": sum(found.values()),
            "handlers": handlers, "next_due": maybe(next_due), "worker": worker}
