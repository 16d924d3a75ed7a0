"""Everything about one job as JSON (JobDetail of ``openapi.json``): what the job page shows. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tether_lab.views.board import Snapshot, card

from . import wire
from .wire import Json


def detail(snapshot: Snapshot, *, cursor: str, newer: bool, verified: bool, parents: Sequence[int] = (),
           children: Sequence[int] = ()) -> Json:
    """``snapshot`` with its handler version. ``newer``: its handler has a newer one; ``verified``: the
    signatures of job and result are this user's. A result that nobody here signed is left out."""
    row, version, found = snapshot.row, snapshot.version, snapshot.result
    assert version is not None, "a job's page shows its code"
    options = json.loads(row.options.to_json())
    enqueued = {"priority": row.priority, "queue": row.queue, "max_attempts": row.max_attempts, **options}
    first = {"id": 0, "job": row.id, "epoch": 0, "kind": "enqueued", "at": wire.moment(row.created_at),
             "detail": enqueued}
    return {
        "at": wire.moment(snapshot.at), "cursor": cursor, "lab": snapshot.lab,
        "job": wire.job(row, at=snapshot.at, lab=snapshot.lab, worker_alive=snapshot.worker_alive),
        "record": wire.record(row), "card": wire.card(card(snapshot)), "payload": json.loads(row.payload),
        "options": options,
        "attempts": [wire.attempt(one, version.source) for one in snapshot.attempts],
        "events": [first, *map(wire.event, snapshot.events)], "captures": wire.captures(version.manifest),
        "source": wire.source(version, snapshot.attempts, newer=newer),
        "provenance": wire.provenance(version), "result": wire.result(found) if found and verified else None,
        "parents": list(parents), "children": list(children), "verified": verified}
