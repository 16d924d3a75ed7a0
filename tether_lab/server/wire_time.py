"""Schedules, their rules and fires as JSON, as ``openapi.json`` describes them. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from tether_lab.job.policies.schedule import Rule
from tether_lab.job.schedule import Fire, ScheduleRow

from .wire import Json, maybe, moment

SECOND = 1_000_000


def rule(found: Rule) -> Json:
    """When: seconds, or a cron expression in a zone; ``words`` for people."""
    return {
        "interval": None if found.interval is None else found.interval / SECOND, "cron": found.cron,
        "tz": found.tz, "jitter": found.jitter / SECOND if found.jitter else None,
        "start": maybe(found.start), "end": maybe(found.end), "overlap": found.overlap,
        "misfire": found.misfire, "misfire_grace": None if found.grace is None else found.grace / SECOND,
        "words": found.words()}


def schedule(row: ScheduleRow, coming: Sequence[datetime], payload: Json) -> Json:
    """A schedule; ``coming`` are its next fires in its own zone, ``payload`` from ``acting.payload_of``."""
    return {
        "id": row.id, "uuid": row.uuid, "name": row.name, "key": row.key, "status": row.status,
        "rule": rule(row.rule), **payload, "options": json.loads(row.options),
        "next": [at.isoformat() for at in coming], "trouble": row.trouble,
        "created_at": moment(row.created_at), "updated_at": moment(row.updated_at)}


def fires(found: Iterable[Fire]) -> list[Json]:
    """What became of each fire, newest first."""
    return [{"at": moment(fire.at), "seen_at": moment(fire.seen_at), "outcome": fire.outcome,
             "job": fire.job_id} for fire in found]
