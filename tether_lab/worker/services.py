"""Services, as the worker sees them: what an attempt runs, and what running ones must hear of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from tether_lab.errors import BadSignature, UnknownHandler
from tether_lab.job import ClaimedJob, HandlerVersion, JobOptions
from tether_lab.job.service import QUEUE, ServiceRow
from tether_lab.job_queue import handlers, services
from tether_lab.job_queue.queue import Queue
from tether_lab.runner import wire
from tether_lab.vault import signing
from tether_lab.vault.keys import Vault

from .attempts import Attempt


def options_of(row: ServiceRow) -> str:
    """The options of its job, as stored and signed."""
    return replace(JobOptions.from_json(row.options), queue=QUEUE, service=row.name,
                   update_interval=row.update_every / 1e6, description=None, tags=()).to_json()


def payload_of(row: ServiceRow, defaults: str) -> str:
    """Its payload on top of the handler's defaults as they are now."""
    return row.payload if defaults == "{}" else json.dumps({**json.loads(defaults), **json.loads(row.payload)})


class Services:
    """``slots`` may run at once, beside the jobs."""

    def __init__(self, queue: Queue, vault: Vault, slots: int) -> None:
        self._queue, self._vault, self.slots = queue, vault, slots
        self._told: dict[tuple[int, int], int] = {}      # (job, epoch) to the newest message it heard of

    def follow(self, job: ClaimedJob) -> ClaimedJob:
        """The claimed job of a service with what it is to run: the head of its handler, on the word of the
        service's own signature. Raises BadSignature, UnknownHandler, ClaimLost."""
        row = services.of_job(self._queue, job.claim.job_id)
        if row is None:
            raise UnknownHandler("this service was removed")
        self.verify(row)
        head = handlers.head(self._queue, row.key)
        if head is None:
            raise UnknownHandler(f"no handler is registered under {row.key!r} any more", where="key")
        version: HandlerVersion = handlers.version(self._queue, head.head)
        payload, options = payload_of(row, head.defaults), options_of(row)
        mac = self._vault.sign(signing.JOB, *signing.job_fields(
            self._queue.uuid, job.uuid, row.key, version.version, payload, options))
        found = job._replace(key=row.key, handler_id=version.id, payload=payload, options=options,
                             key_id=self._vault.key_id, mac=mac)
        if found != job:
            services.follow(self._queue, job.claim, found)
        return found

    def verify(self, row: ServiceRow) -> None:
        """Raises BadSignature unless this user said it."""
        try:
            self._vault.verify(row.mac, row.key_id, signing.SERVICE,
                               *signing.service_fields(self._queue.uuid, row))
        except BadSignature as error:
            raise BadSignature(f"service {row.name}: {error.message}", remedy=error.remedy) from None

    def see(self, running: Iterable[Attempt]) -> list[Attempt]:
        """Tell running services of new messages; those that were said anew and must start again."""
        mine = {attempt.claim.job_id: attempt for attempt in running if attempt.job.service}
        again = []
        for job_id, newest, changed_at in services.look(self._queue, mine) if mine else ():
            attempt = mine[job_id]
            if changed_at > attempt.job.started_at:
                again.append(attempt)
            key = job_id, attempt.claim.epoch
            if newest > self._told.get(key, 0):
                self._told = {known: told for known, told in self._told.items() if known[0] != job_id}
                self._told[key] = newest
                attempt.process.send(wire.Mail())
        return again
