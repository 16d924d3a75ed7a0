"""From a claimed job to the task of a process: verified first, then spelled out.

Bytes in the database may be anybody's. A handler version is verified once, each job every time, and
both before anything of them reaches a process that would unpickle it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from tether_lab.errors import BadSignature
from tether_lab.job import ClaimedJob, HandlerVersion, JobOptions
from tether_lab.job_queue import handlers
from tether_lab.job_queue.queue import Queue
from tether_lab.runner import wire
from tether_lab.vault import signing
from tether_lab.vault.keys import Vault

REMEMBERED = 16
LARGEST_REMEMBERED = 1_000_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A job that may run: its signatures are this user's."""

    job: ClaimedJob
    version: HandlerVersion
    options: JobOptions


class Dispatcher:
    """Verifies, and remembers the last few handler versions with their small blobs."""

    def __init__(self, queue: Queue, vault: Vault) -> None:
        self._queue, self._vault = queue, vault
        self._versions: OrderedDict[int, HandlerVersion] = OrderedDict()
        self._blobs: OrderedDict[int, dict[str, bytes]] = OrderedDict()

    def prepare(self, job: ClaimedJob) -> Prepared:
        """The job with its version. Raises BadSignature: it must not run, and nothing of it be loaded."""
        version = self._version(job.handler_id)
        self._vault.verify(job.mac, job.key_id, signing.JOB, *signing.job_fields(
            self._queue.uuid, job.uuid, job.key, version.version, job.payload, job.options))
        if version.key != job.key:
            raise BadSignature(f"job {job.claim.job_id} names the handler of {version.key!r}")
        return Prepared(job, version, JobOptions.from_json(job.options))

    def _version(self, version_id: int) -> HandlerVersion:
        found = self._versions.get(version_id)
        if found is None:
            found = handlers.version(self._queue, version_id)
            self._vault.verify(found.mac, found.key_id, signing.HANDLER,
                               *signing.handler_fields(self._queue.uuid, found))
            self._versions[version_id] = found
            while len(self._versions) > REMEMBERED:
                self._versions.popitem(last=False)
        self._versions.move_to_end(version_id)
        return found

    def task(self, prepared: Prepared) -> wire.Task:
        """What the process is told."""
        job, version = prepared.job, prepared.version
        folder = self._queue.folder
        return wire.Task(
            job_id=job.claim.job_id, uuid=job.uuid, epoch=job.claim.epoch, attempt=job.attempt,
            max_attempts=job.max_attempts, key=job.key, kind=version.kind, version=version.version,
            source=version.source, parameters=version.parameters, payload=job.payload,
            manifest=version.manifest.to_json(), options=job.options, blob_folder=str(folder.blobs),
            blobs=self._small_blobs(version), folder=str(folder.path), created_at=job.created_at,
            fresh_seed=not prepared.options.notebook_random)

    def _small_blobs(self, version: HandlerVersion) -> dict[str, bytes]:
        found = self._blobs.get(version.id)
        if found is None:
            found = handlers.small_blobs(self._queue, version.manifest.blobs)
            if sum(map(len, found.values())) <= LARGEST_REMEMBERED:
                self._blobs[version.id] = found
                while len(self._blobs) > REMEMBERED:
                    self._blobs.popitem(last=False)
        return found
