"""What is signed: for each kind of row, its domain and its fields in order.

Only what never changes: a job's due time and priority do, so they are no part of it.
"""

from __future__ import annotations

import json

from tether_lab.job import HandlerVersion
from tether_lab.job.service import ServiceRow
from tether_lab.job.trigger import TriggerRow

HANDLER, JOB, RESULT, SCHEDULE, MEMO, SERVICE, TRIGGER, SECRET = (
    "handler", "job", "result", "schedule", "memo", "service", "trigger", "trigger-secret")

CHANGEABLE = frozenset({"priority", "delay", "at"})
"""Options that may change while a job waits."""


def handler_fields(db_uuid: str, version: HandlerVersion) -> tuple[str | bytes | int, ...]:
    """A handler version: everything that decides what will run, and with what."""
    interpreter = version.interpreter
    return (db_uuid, version.uuid, version.key, version.version, version.kind, version.source,
            version.parameters, version.manifest.to_json(), interpreter.prefix,
            interpreter.executable, interpreter.minor)


def job_fields(db_uuid: str, uuid: str, key: str, handler_version: str, payload: str,
               options: str) -> tuple[str | bytes | int, ...]:
    """A job: which code, on what, how. ``options`` is the stored JSON text."""
    return db_uuid, uuid, key, handler_version, payload, lasting_options(options)


def result_fields(db_uuid: str, job_uuid: str, epoch: int, kind: str,
                  body: str) -> tuple[str | bytes | int, ...]:
    """A result: of which attempt, and the bytes that will be loaded."""
    return db_uuid, job_uuid, epoch, kind, body


def memo_fields(db_uuid: str, job_uuid: str, name: str, kind: str, body: str) -> tuple[str | bytes | int, ...]:
    """What a job keeps under a name: the bytes that its next attempt will load."""
    return db_uuid, job_uuid, name, kind, body


def schedule_fields(db_uuid: str, uuid: str, name: str, key: str, rule: str, payload: str,
                    options: str) -> tuple[str | bytes | int, ...]:
    """A schedule: which jobs will come of it, and when. The worker signs those jobs on its word."""
    return db_uuid, uuid, name, key, rule, payload, options


def service_fields(db_uuid: str, row: ServiceRow) -> tuple[str | bytes | int, ...]:
    """A service: what will run for ever. The worker signs each of its attempts on its word."""
    return (db_uuid, row.uuid, row.name, row.key, row.payload, row.options, row.update_every, row.title,
            row.body)


def trigger_fields(db_uuid: str, row: TriggerRow, payload: str) -> tuple[str | bytes | int, ...]:
    """A trigger: which jobs will come of it, and on what occasion. ``payload`` is the row's, opened."""
    return db_uuid, row.uuid, row.name, row.kind, row.key, row.about, payload, row.options


def lasting_options(options: str) -> str:
    """The options without those that may change; equal for equal content."""
    if not any(f'"{name}"' in options for name in CHANGEABLE):
        return options
    kept = {name: value for name, value in json.loads(options).items() if name not in CHANGEABLE}
    return json.dumps(kept, separators=(",", ":"), sort_keys=True)
