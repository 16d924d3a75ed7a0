"""Labs, their worker, queues, handlers and settings as JSON, as ``openapi.json`` describes them. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tether_lab.job import Handler, HandlerVersion
from tether_lab.job.extras import Extra
from tether_lab.lab.history import Run
from tether_lab.lab.limits import QueueState
from tether_lab.settings import Settings
from tether_lab.worker.spawn import WorkerStatus

from .wire import Json, captures, maybe, moment, provenance


def worker(found: WorkerStatus, settings: Settings, runners: int) -> Json:
    """The worker of a lab, and whether it may start. ``runners``: of the one that runs, else of the next."""
    return {"state": found.state, "running": found.running, "pid": found.pid, "version": found.version,
            "worker": found.worker, "enabled": settings.enabled, "autostart": settings.autostart,
            "runners": runners}


def handler(head: Handler, version: HandlerVersion) -> Json:
    """A key with its newest version: what a form for its jobs needs."""
    return {
        "key": head.key, "version": head.version, "kind": head.kind, "versions": head.versions,
        "updated_at": moment(head.updated_at), "defaults": json.loads(head.defaults),
        "options": json.loads(head.options), "parameters": json.loads(version.parameters),
        "notebook": version.provenance.notebook, "cell_id": version.provenance.cell_id}


def versions(head: Handler, found: Iterable[HandlerVersion]) -> list[Json]:
    """Every version of a key: its code, what it took along, where it came from."""
    return [{"version": one.version, "kind": one.kind, "head": one.id == head.head, "source": one.source,
             "captures": captures(one.manifest), "provenance": provenance(one)} for one in found]


def extra(found: Extra) -> Json:
    """What acts beside jobs."""
    return {"kind": found.kind, "name": found.name, "order": found.order, "keys": list(found.keys),
            "scope": found.scope if found.kind == "resource" else None}


def queue(found: QueueState) -> Json:
    """A queue: its share, whether it is paused, how many wait."""
    return {"name": found.name, "weight": found.weight, "paused": found.paused, "depth": found.depth}


def run(found: Run) -> Json:
    """An attempt as a line of the history."""
    return {"job": found.job_id, "key": found.key, "attempt": found.attempt, "outcome": found.outcome,
            "status": found.status.value, "started_at": moment(found.started_at),
            "finished_at": maybe(found.finished_at), "duration_ms": found.duration_ms, "error": found.error}


def settings(found: Mapping[str, tuple[object, str]], about: Mapping[str, Mapping[str, Any]]) -> list[Json]:
    """Every setting; ``about`` has what each is for and takes."""
    return [{"name": name, "value": list(value) if isinstance(value, tuple) else value, "origin": origin,
             "help": about[name]["help"], "takes": about[name]["takes"]}
            for name, (value, origin) in found.items()]
