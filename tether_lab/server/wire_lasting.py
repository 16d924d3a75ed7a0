"""Services and triggers as JSON, as ``openapi.json`` describes them. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .wire import Json, maybe, moment

if TYPE_CHECKING:
    from tether_lab.job.service import ServiceRow
    from tether_lab.job.trigger import TriggerRow
    from tether_lab.lab.services import ServiceEvent

_ROLES = {"running": "running", "starting": "waiting", "restarting": "retrying", "stopped": "ended"}


def service(row: ServiceRow, now: int) -> Json:
    """A service as it stands at ``now`` (UTC µs)."""
    return {
        "id": row.id, "uuid": row.uuid, "name": row.name, "key": row.key, "title": row.title,
        "text": row.text(now), "status": row.status, "role": _ROLES[row.status], "ending": row.ending,
        "messages": row.messages, "job": row.job_id, "error": row.error, "payload": json.loads(row.payload),
        "update_interval": row.update_every / 1e6, "started_at": maybe(row.started_at),
        "created_at": moment(row.created_at)}


def service_detail(row: ServiceRow, events: Iterable[ServiceEvent], now: int) -> Json:
    """A service and what it said, oldest first."""
    said = [{"id": one.id, "kind": one.kind, "at": moment(round(one.at.timestamp() * 1e6)), "value": one.value}
            for one in events]
    return {"at": moment(now), "service": service(row, now), "events": said}


def trigger(row: TriggerRow, payload: Json) -> Json:
    """A trigger as it stands, without its secret; ``payload`` from ``acting.payload_of``."""
    return {
        "id": row.id, "uuid": row.uuid, "name": row.name, "kind": row.kind, "key": row.key,
        "status": row.status, "words": row.words(), **payload, "fired": row.fired,
        "fired_at": maybe(row.fired_at), "job": row.job_id, "trouble": row.trouble,
        "created_at": moment(row.created_at)}
