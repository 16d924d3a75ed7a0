"""From a claimed job to the task of a process: verified first, then spelled out.

Bytes in the database may be anybody's. A handler version is verified once, each job every time, and
both before anything of them reaches a process that would unpickle it.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from hmac import compare_digest
from typing import Any, NamedTuple

from tether_lab.capture.blobs import Blobs
from tether_lab.errors import BadSignature, CaptureUnavailable, TetherLabError
from tether_lab.job import ClaimedJob, HandlerVersion, JobOptions
from tether_lab.job.extras import INSIDE, Extra
from tether_lab.job.hooks import NOTIFY, is_internal
from tether_lab.job.workflow import CONDITION
from tether_lab.job_queue import groups, handlers, memos, read, sealed
from tether_lab.job_queue.queue import Queue
from tether_lab.runner import wire
from tether_lab.vault import signing
from tether_lab.vault.keys import Vault
from tether_lab.vault.sealing import is_sealed

from .cover import Cover

REMEMBERED = 48
_DIGEST = re.compile(r"\b[0-9a-f]{40}x?\b")
_CLOSED = re.compile(r"\b[0-9a-f]{40}x\b")
MOST_HANDED = 240_000_000
"""Bytes of blobs that fit into one frame."""
LARGEST_REMEMBERED = 1_000_000
_options = lru_cache(64)(JobOptions.from_json)


class Prepared(NamedTuple):
    """A job that may run: its signatures are this user's. ``manifest`` is its version's, as JSON."""

    job: ClaimedJob
    version: HandlerVersion
    options: JobOptions
    manifest: str
    cover: Cover | None = None


class Dispatcher:
    """Verifies, and remembers the last few handler versions with their small blobs."""

    def __init__(self, queue: Queue, vault: Vault, told: Callable[[str], None] = lambda _: None) -> None:
        self._queue, self._vault, self._told = queue, vault, told
        self._folder, self._blob_folder = str(queue.folder.path), str(queue.folder.blobs)
        self._versions: OrderedDict[int, tuple[HandlerVersion, str]] = OrderedDict()
        self.extras: tuple[int, ...] = ()      # of what acts beside jobs, as the last claim saw them
        self._blobs: OrderedDict[int, dict[str, bytes]] = OrderedDict()
        self._signers: dict[tuple[int, str, str], Callable[..., bytes]] = {}

    def prepare(self, job: ClaimedJob) -> Prepared:
        """The job with its version. Raises BadSignature: it must not run, and nothing of it be loaded."""
        if job.key_id != self._vault.key_id:     # a rotation: what comes of the job is under its key, too
            self._vault.refresh()
        version, manifest = self._version(job.handler_id)
        if is_sealed(job.payload):
            job = job._replace(payload=sealed.opened(self._queue, job.payload, "job", "payload", job.uuid))
        self._verify(job, version)
        if version.key != job.key:
            raise BadSignature(f"job {job.claim.job_id} names the handler of {version.key!r}")
        options = _options(job.options)
        secret: dict[str, Any] = {}
        if options.secret:
            text, secret = sealed.reveal(self._queue, job.payload, job.uuid)
            job = job._replace(payload=text)
        hides = options.encrypt or secret
        return Prepared(job, version, options, manifest,
                        Cover.of(self._queue, job, options, secret) if hides else None)

    def _verify(self, job: ClaimedJob, version: HandlerVersion) -> None:
        """Jobs of one code with the same options differ in two fields of what is signed."""
        alike = version.id, job.options, job.key_id
        sign = self._signers.get(alike)
        if sign is None and job.key == version.key and self._vault.knows(job.key_id):
            sign = self._signers[alike] = self._vault.signer(
                signing.JOB, self._queue.uuid, None, job.key, version.version, None,
                signing.lasting_options(job.options), key_id=job.key_id)      # the order of job_fields
            while len(self._signers) > REMEMBERED:
                self._signers.pop(next(iter(self._signers)))
        if sign is None or job.key != version.key or not compare_digest(sign(job.uuid, job.payload), job.mac):
            self._vault.verify(job.mac, job.key_id, signing.JOB, *signing.job_fields(
                self._queue.uuid, job.uuid, job.key, version.version, job.payload, job.options))

    def _version(self, version_id: int) -> tuple[HandlerVersion, str]:
        found = self._versions.get(version_id)
        if found is None:
            version = handlers.version(self._queue, version_id)
            self._vault.verify(version.mac, version.key_id, signing.HANDLER,
                               *signing.handler_fields(self._queue.uuid, version))
            found = self._versions[version_id] = version, version.manifest.to_json()
            if version.manifest.large:
                threading.Thread(target=self._look_at_files, args=(version,), daemon=True).start()
            while len(self._versions) > REMEMBERED:
                self._versions.popitem(last=False)
        self._versions.move_to_end(version_id)
        return found

    def _look_at_files(self, version: HandlerVersion) -> None:
        """In a thread: are its large captures still what their names say? One that is not is set aside, so that
        jobs fail by its name instead of working with other data."""
        blobs = Blobs(self._queue.folder.blobs, sizes=version.manifest.large)
        for digest in version.manifest.large:
            try:
                blobs.verify(digest)
            except BadSignature as error:
                self._told(f"{version.key}: {error.message}. {error.remedy} Jobs that began before may have "
                           "seen it")
            except (TetherLabError, OSError):
                continue                   # whoever needs it says so

    def task(self, prepared: Prepared) -> wire.Task:
        """What the process is told."""
        job, version = prepared.job, prepared.version
        inputs, small = self._inputs(prepared) if prepared.options.parents else ({}, {})
        kept = self._kept(job) if job.claim.epoch > 1 else {}
        if kept:
            small |= handlers.small_blobs(self._queue, {
                d for kind, body in kept.values() if kind == "pickle" for d in _DIGEST.findall(body)})
        if '"$blob"' in job.payload and (closed := set(_CLOSED.findall(job.payload))):
            small |= handlers.small_blobs(self._queue, closed)
        extras = self._extras(job.key, small)
        conditions = tuple(self._condition(word, small) for word in prepared.options.judges)
        blobs = {**self._small_blobs(version), **small}
        if sum(map(len, blobs.values())) > MOST_HANDED:
            raise CaptureUnavailable(
                f"job {job.claim.job_id} needs more than {MOST_HANDED / 1e6:.0f} MB of encrypted data at once",
                remedy="Pass the largest of it by a file of your own, or leave it unencrypted.")
        return wire.Task(
            job_id=job.claim.job_id, uuid=job.uuid, epoch=job.claim.epoch, attempt=job.attempt,
            max_attempts=job.max_attempts, key=job.key, kind=version.kind, version=version.version,
            source=version.source, parameters=version.parameters, payload=job.payload,
            manifest=prepared.manifest, options=job.options, blob_folder=self._blob_folder,
            blobs=blobs, folder=self._folder, created_at=job.created_at,
            fresh_seed=not prepared.options.notebook_random, inputs=inputs, memos=kept, extras=extras,
            conditions=conditions, result_limit=self._queue.settings.result_limit)

    def _extras(self, key: str, small: dict[str, bytes]) -> tuple[wire.Extra, ...]:
        """What acts beside jobs of this key, verified; its small blobs go into ``small``."""
        found = []
        for version_id in self.extras:
            version, manifest = self._version(version_id)
            if NOTIFY in (version.key, key):
                continue
            about = Extra.of(version)
            wanted = ("resource",) if is_internal(key) else INSIDE
            if about.kind in wanted and about.concerns(key):
                found.append((about.order, about.name, wire.Extra(
                    about.kind, about.name, about.scope, version.key, version.version, manifest)))
                small |= self._small_blobs(version)
        return tuple(extra for *_, extra in sorted(found, key=lambda one: one[:2]))

    def _condition(self, word: str, small: dict[str, bytes]) -> wire.Extra:
        """What this job's signed options say that its result is asked, verified."""
        child, content = word.rsplit("=", 1)
        version, manifest = self._version(handlers.version_by_hash(self._queue, CONDITION, content).id)
        small |= self._small_blobs(version)
        return wire.Extra("condition", child, "job", version.key, version.version, manifest)

    def _kept(self, job: ClaimedJob) -> dict[str, tuple[str, str]]:
        """What earlier attempts kept, verified: name to (kind, body)."""
        found = {}
        for memo in memos.kept(self._queue, job.claim.job_id):
            self._vault.verify(memo.mac, memo.key_id, signing.MEMO, *signing.memo_fields(
                self._queue.uuid, job.uuid, memo.name, memo.kind, memo.body))
            found[memo.name] = memo.kind, memo.body
        return found

    def _inputs(self, prepared: Prepared) -> tuple[dict[str, tuple[str, str]], dict[str, bytes]]:
        """The verified results of its parents, by name, and their small blobs. The job's signature
        says which jobs those are. One that has none is left to be None."""
        inputs: dict[str, tuple[str, str]] = {}
        signed = dict(one.rsplit("=", 1) for one in prepared.options.parents)
        job_id = prepared.job.claim.job_id
        for name, uuid, state, result_id in groups.inputs(self._queue, job_id):
            if signed.get(name) != uuid:
                raise BadSignature(f"job {job_id} was not enqueued to wait for {name!r}")
            found = None if result_id is None or state != "completed" else read.result(self._queue, result_id)
            if found is None or found.kind == "none":
                inputs[name] = "none", ""
                continue
            if found.kind in ("json", "pickle"):
                self._vault.verify(found.mac, found.key_id, signing.RESULT, *signing.result_fields(
                    self._queue.uuid, found.job_uuid, found.epoch, found.kind, found.body))
            inputs[name] = found.kind, found.text if found.kind == "unavailable" else found.body
        digests = {d for _, body in inputs.values() for d in _DIGEST.findall(body)}
        return inputs, handlers.small_blobs(self._queue, digests) if digests else {}

    def _small_blobs(self, version: HandlerVersion) -> dict[str, bytes]:
        found = self._blobs.get(version.id)
        if found is None:
            found = handlers.small_blobs(self._queue, version.manifest.blobs)
            if sum(map(len, found.values())) <= LARGEST_REMEMBERED:
                self._blobs[version.id] = found
                while len(self._blobs) > REMEMBERED:
                    self._blobs.popitem(last=False)
        return found
