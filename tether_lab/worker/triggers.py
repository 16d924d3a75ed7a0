"""Triggers become signed jobs of the handler's newest version; and the helper that watches files for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from selectors import EVENT_READ, BaseSelector
from typing import Any

from tether_lab.errors import TetherLabError, UnknownHandler
from tether_lab.job import HandlerVersion, JobOptions
from tether_lab.job.trigger import TriggerRow
from tether_lab.job.workflow import Parent
from tether_lab.job_queue import causes, handlers, sealed
from tether_lab.job_queue.enqueue import NewJob
from tether_lab.job_queue.queue import Queue
from tether_lab.vault import signing
from tether_lab.vault.keys import Vault

from .faults import fault
from .new_jobs import new_jobs
from .schedules import payload_on

UNSURE = 15.0
"""Seconds before now of which nobody knows for certain that what changed in them was heard of."""
AGAIN = 5.0
"""Seconds until a helper that died is started again."""


def payload_of(queue: Queue, row: TriggerRow) -> str:
    """What it gives its jobs, opened. Raises KeyMissing, BadSignature."""
    return sealed.opened(queue, row.payload, "trigger", "payload", row.uuid)


def job_of(queue: Queue, vault: Vault, row: TriggerRow, why: dict[str, Any], now: int, *,
           more: dict[str, Any] | None = None, parent: Parent | None = None) -> NewJob:
    """The job of a trigger: the head's code and defaults, its payload with ``more`` on top, and ``why`` as
    ``ctx.trigger``. Raises BadSignature, UnknownHandler, PayloadError."""
    payload = payload_of(queue, row)
    vault.verify(row.mac, row.key_id, signing.TRIGGER, *signing.trigger_fields(queue.uuid, row, payload))
    head = handlers.head(queue, row.key)
    if head is None:
        raise UnknownHandler(f"no handler is registered under {row.key!r} any more", where="key")
    version = handlers.version(queue, head.head)
    declared = json.loads(version.parameters)
    given = {**json.loads(payload), **(more or {})}
    for word in ("files", "job"):          # by name, where the handler asks for it
        if word in why and (word in declared or (version.kind == "cell" and not (
                declared and word in (variable.name for variable in version.manifest.variables)))):
            given.setdefault(word, why[word])
    options = replace(JobOptions.from_json(row.options), delay=None, at=None)
    if "body" in why and (options.encrypt or options.secret):      # options are in clear: only its names
        why = {**{word: said for word, said in why.items() if word != "body"}, "fields": sorted(why["body"])}
    options = replace(options, trigger=why)

    def sign(uuid: str, version: HandlerVersion, payload: str, options: str) -> tuple[str, bytes]:
        fields = signing.job_fields(queue.uuid, uuid, version.key, version.version, payload, options)
        return vault.key_id, vault.sign(signing.JOB, *fields)

    (job,) = new_jobs(queue, sign, version, [payload_on(head.defaults, json.dumps(given), queue.folder.blobs)],
                      options, now, parents=() if parent is None else (parent,))
    return job


class Triggers:
    """What the worker does about triggers: follows ends of jobs, and watches files by a helper."""

    def __init__(self, queue: Queue, vault: Vault, selector: BaseSelector, clock: Callable[[], int],
                 log: Callable[[str], None]) -> None:
        self._queue, self._vault, self._selector = queue, vault, selector
        self._clock, self._log = clock, log
        self._helper: subprocess.Popen[bytes] | None = None
        self._watched: dict[str, Any] = {}
        self._heard = b""
        self._start_at = 0.0
        self.fired = False                 # a job came of it: there is something to claim
        self.look = True                   # the queue has changed

    def make(self, row: TriggerRow, why: dict[str, Any], uuid: str | None) -> NewJob:
        """For ``causes.follow``: the job after a job, which is handed its result by its key."""
        parent = None if uuid is None else Parent(uuid, str(why["key"]), "continue", int(why["job"]))
        return job_of(self._queue, self._vault, row, why, self._clock(), parent=parent)

    @property
    def pids(self) -> set[int]:
        """The helper, which is no runner."""
        return set() if self._helper is None else {self._helper.pid}

    def tend(self) -> None:
        """Have the helper watch what triggers want just now; no helper where none wants anything."""
        alive = self._helper is not None and self._helper.poll() is None
        if not self.look and (alive or not self._watched):
            return
        self.look = False
        wanted = {row.name: {**row.said(), "since": row.seen_at / 1e6} for row in causes.triggers(self._queue)
                  if row.kind == "files" and not row.paused}
        bare = {name: {k: v for k, v in about.items() if k != "since"} for name, about in wanted.items()}
        if bare == self._watched and (alive or not bare):
            return
        now = time.monotonic()
        if now < self._start_at and bare == self._watched:
            return
        self.close()
        self._watched, self._start_at = bare, now + AGAIN
        if bare:
            self._start(json.dumps(wanted).encode())

    def seen(self) -> None:
        """Remember until when files were watched: a while ago, for the helper takes a moment to begin, and what
        has changed just now may still be settling, or on its way to us."""
        if self._helper is not None and self._helper.poll() is None:
            settling = max((float(about.get("settle", 0.0)) for about in self._watched.values()), default=0.0)
            causes.seen(self._queue, self._clock() - round((settling + UNSURE) * 1e6))

    def close(self) -> None:
        """End the helper."""
        if self._helper is None:
            return
        assert self._helper.stdout is not None
        if self._helper.stdout in self._selector.get_map():
            self._selector.unregister(self._helper.stdout)
        with suppress(ProcessLookupError):
            self._helper.kill()
        with suppress(subprocess.TimeoutExpired):
            self._helper.wait(5)
        self._helper.stdout.close()
        self._helper = None

    def _start(self, wanted: bytes) -> None:
        fault("before_watching")
        self._heard = b""
        self._helper = subprocess.Popen(
            [sys.executable, "-P", "-m", "tether_lab.worker.watching"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/", start_new_session=True)
        assert self._helper.stdin is not None
        assert self._helper.stdout is not None
        with suppress(BrokenPipeError):
            self._helper.stdin.write(wanted + b"\n")
            self._helper.stdin.flush()     # it stays open: its end is how the helper learns of ours
        os.set_blocking(self._helper.stdout.fileno(), False)
        self._selector.register(self._helper.stdout, EVENT_READ, lambda _: self._hear())

    def _hear(self) -> None:
        if self._helper is None or self._helper.stdout is None:
            return
        data = self._helper.stdout.read(1 << 20)
        if data == b"":
            self._selector.unregister(self._helper.stdout)
            self._log("the helper that watches files ended; another one is started")
            return
        self._heard += data or b""
        *lines, self._heard = self._heard.split(b"\n")
        for line in lines:
            self._changed(json.loads(line))

    def _changed(self, said: dict[str, Any]) -> None:
        row = causes.find(self._queue, said["name"])
        if said.get("trouble"):
            self._log(f"trigger {said['name']}: {said['trouble']}")
            if row is not None:
                causes.failed(self._queue, row, str(said["trouble"]), now=self._clock())
            return
        if row is None or row.paused:
            return
        why = {"name": row.name, "kind": "files", "files": said["files"]}
        now = self._clock()
        try:
            fault("before_trigger")
            causes.fire(self._queue, row, job_of(self._queue, self._vault, row, why, now), now=now)
            self.fired = True
            fault("after_trigger")
        except TetherLabError as error:
            self._log(f"trigger {row.name}: {error.message}")
            causes.failed(self._queue, row, error.message, now=now)
