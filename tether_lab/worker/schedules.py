"""Schedules fire: each one's due fires become signed jobs of the handler's newest version."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from tether_lab.errors import UnknownHandler
from tether_lab.job import HandlerVersion, JobOptions, check_payload
from tether_lab.job.policies.limits import Concurrency
from tether_lab.job.schedule import ScheduleRow
from tether_lab.job_queue import handlers, schedules, sealed
from tether_lab.job_queue.enqueue import NewJob
from tether_lab.job_queue.queue import Queue
from tether_lab.vault import signing
from tether_lab.vault.keys import Vault

from .faults import fault
from .new_jobs import new_jobs

LARGEST_PAYLOAD = 16_000_000


@dataclass(frozen=True, slots=True)
class _Payload:
    text: str
    blobs: Mapping[str, int] = field(default_factory=dict)


class Schedules:
    """Fires what is due. Nothing unsigned becomes a job: a schedule made by somebody else only says so."""

    def __init__(self, queue: Queue, vault: Vault, log: Callable[[str], None]) -> None:
        self._queue, self._vault, self._log = queue, vault, log

    def fire(self, now: int) -> int:
        """Deal with every fire up to ``now`` (UTC µs); how many jobs came of it."""
        fault("before_fire")
        told = schedules.fire(self._queue, lambda row, at: job_of(self._queue, self._vault, row, at, now), now)
        fault("after_fire")
        for row, job_id, what in told:
            if job_id is None:
                self._log(f"schedule {row.name}: {what}")
        return sum(job_id is not None for _, job_id, _ in told)


def job_of(queue: Queue, vault: Vault, row: ScheduleRow, at: int, now: int) -> NewJob:
    """The job of a fire: the head's code and defaults, the schedule's payload and options.

    ``at`` is the nominal moment. Raises BadSignature, UnknownHandler, PayloadError.
    """
    given = sealed.opened(queue, row.payload, "schedule", "payload", row.uuid)
    vault.verify(row.mac, row.key_id, signing.SCHEDULE, *signing.schedule_fields(
        queue.uuid, row.uuid, row.name, row.key, row.rule.to_json(), given, row.options))
    head = handlers.head(queue, row.key)
    if head is None:
        raise UnknownHandler(f"no handler is registered under {row.key!r} any more", where="key")
    version = handlers.version(queue, head.head)
    due = at + row.rule.delay(row.uuid, at)
    options = replace(JobOptions.from_json(row.options), at=due / 1e6 if due > now else None, delay=None,
                      scheduled_for=at / 1e6, schedule=row.name)
    if row.rule.overlap in ("queue", "cancel"):
        options = replace(options, concurrency=Concurrency(f"schedule:{row.uuid}", 1))

    def sign(uuid: str, version: HandlerVersion, payload: str, options: str) -> tuple[str, bytes]:
        fields = signing.job_fields(queue.uuid, uuid, version.key, version.version, payload, options)
        return vault.key_id, vault.sign(signing.JOB, *fields)

    payload = payload_on(head.defaults, given, queue.folder.blobs)
    (job,) = new_jobs(queue, sign, version, [payload], options, now)
    return job


def payload_on(defaults: str, given: str, blobs: Path) -> _Payload:
    """A payload (of a schedule, a trigger) on top of the handler's defaults as they are now."""
    if defaults == "{}":
        return _Payload(given)
    merged = {**json.loads(defaults), **json.loads(given)}
    held: dict[str, int] = {}
    for value in merged.values():
        if isinstance(value, dict) and "$blob" in value:
            held |= _held(value["$blob"], blobs)
    return _Payload(check_payload(merged, largest=LARGEST_PAYLOAD), held)


@lru_cache(64)
def _buffers(manifest: str) -> tuple[str, ...]:
    body: dict[str, Any] = json.loads(manifest)
    return tuple(digest for digest in (body["stream"], *body["buffers"]) if digest)


def _held(manifest: str, blobs: Path) -> dict[str, int]:
    """The files of a default that is no JSON, with their sizes: each job that uses it holds them."""
    files = {digest: blobs / digest[:2] / digest for digest in _buffers(manifest)}
    return {digest: file.stat().st_size for digest, file in files.items() if file.exists()}
