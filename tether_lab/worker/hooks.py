"""From what happened to the internal jobs of those who hook it, verified and signed like any other."""

from __future__ import annotations

import hashlib
import json
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tether_lab.errors import JobNotFound, TetherLabError
from tether_lab.job import FINAL, HandlerVersion, Interpreter, JobOptions, Manifest, Provenance
from tether_lab.job.extras import Extra
from tether_lab.job.hooks import HOOKS, NOTIFY, QUEUE, HookEntry, is_internal
from tether_lab.job.workflow import ChainRow
from tether_lab.job_queue import groups, handlers, register
from tether_lab.job_queue.claim import Ending
from tether_lab.job_queue.clock import utc
from tether_lab.job_queue.enqueue import NewJob
from tether_lab.job_queue.happenings import Following, Happening
from tether_lab.job_queue.queue import Queue
from tether_lab.vault import signing
from tether_lab.vault.keys import Vault

PLACES = 2
"""Internal jobs that run at once, beside ``runners``: a hook of a job that holds the last place runs, too."""
ATTEMPTS = 3
TIMEOUT = 600.0
"""Seconds that a hook may take."""


@dataclass(frozen=True, slots=True)
class _Hook:
    about: Extra
    version: HandlerVersion


class Hooks:
    """Makes jobs of happenings. Called inside the worker's transaction: knows no user code."""

    def __init__(self, queue: Queue, vault: Vault, log: Callable[[str], None]) -> None:
        self._queue, self._vault, self._log = queue, vault, log
        self._known: dict[int, _Hook | None] = {}

    def follow(self, happening: Happening) -> Following:
        """The hooks that concern it, and whom its job wants told. What is wrong with one is logged."""
        try:
            entry = self._entry(happening)
            if entry is None:
                return Following()
            jobs = [self._job(hook.version, {"entry": entry.to_payload()}, entry)
                    for hook in self._hooks(entry)]
            wanted = JobOptions.from_json(happening.options or "{}").notify
            if wanted is None or not wanted.wants(entry.event):
                return Following(jobs)
            beyond = [target for target in wanted.targets if target != "toast"]
            if beyond:
                payload = {"entry": entry.to_payload(), "targets": beyond, "cwd": self._folder_of(happening)}
                jobs.append(self._job(self._notifier(), payload, entry))
            return Following(jobs, [("notified", json.dumps({"text": entry.sentence(), "title": entry.key}))])
        except TetherLabError as error:
            self._log(f"{happening.kind} of {happening.job_id}: {error.message}; nobody is told")
            return Following()

    def _entry(self, happening: Happening) -> HookEntry | None:
        """What the hooks are handed; None if the job is gone."""
        if happening.kind not in ("on_chain_complete", "on_batch_complete"):
            return happening.entry() if happening.key is not None else None
        try:
            whole = (groups.chain if happening.kind == "on_chain_complete" else groups.batch)(
                self._queue, happening.job_id)
        except JobNotFound:
            return None
        counts = (dict(whole.counts) if isinstance(whole, ChainRow) else
                  {state.value: getattr(whole, state.value) for state in FINAL})
        return HookEntry(event=happening.kind, key=whole.name, id=whole.id, status=whole.status,
                         at=happening.at / 1e6, duration_ms=round((happening.at - whole.created_at) / 1000),
                         detail={"counts": {str(state): n for state, n in counts.items() if n}})

    def _hooks(self, entry: HookEntry) -> list[_Hook]:
        found = []
        for version_id in handlers.extras(self._queue):
            if version_id not in self._known:
                self._known[version_id] = self._load(version_id)
            hook = self._known[version_id]
            if hook is not None and hook.about.kind == entry.event and hook.about.concerns(entry.key):
                found.append(hook)
        return sorted(found, key=lambda hook: (hook.about.order, hook.about.name))

    def _load(self, version_id: int) -> _Hook | None:
        """A verified hook; None for what is no hook, or not ours."""
        try:
            version = handlers.version(self._queue, version_id)
            if not version.key.startswith("~on_"):
                return None
            self._vault.verify(version.mac, version.key_id, signing.HANDLER,
                               *signing.handler_fields(self._queue.uuid, version))
        except TetherLabError as error:
            self._log(f"a hook (version {version_id}): {error.message}; it is not run")
            return None
        return _Hook(Extra.of(version), version)

    def _job(self, version: HandlerVersion, payload: dict[str, Any], entry: HookEntry) -> NewJob:
        name, text = str(uuid.uuid4()), json.dumps(payload)
        options = json.dumps({"timeout": {"soft": None, "hard": TIMEOUT, "catch": False, "total": None}})
        fields = signing.job_fields(self._queue.uuid, name, version.key, version.version, text, options)
        what = {"on_chain_complete": "chain", "on_batch_complete": "batch"}.get(entry.event, "job")
        return NewJob(uuid=name, key=version.key, handler_id=version.id, queue=QUEUE, payload=text,
                      options=options, max_attempts=ATTEMPTS, key_id=self._vault.key_id,
                      description=f"{entry.event} of {what} {entry.id} ({entry.key})",
                      mac=self._vault.sign(signing.JOB, *fields))

    def _folder_of(self, happening: Happening) -> str:
        """Where the job's own code runs."""
        if happening.handler_id is None:
            return ""
        return handlers.version(self._queue, happening.handler_id).manifest.cwd

    def _notifier(self) -> HandlerVersion:
        """The built-in that tells those whom ``notify`` names: a version without code, run by the runner
        in this worker's own Python. Looked up each time: what was added in a transaction may be undone."""
        python = Interpreter(sys.prefix, sys.executable, "{}.{}".format(*sys.version_info[:2]))
        blank = HandlerVersion(
            id=0, uuid=str(uuid.uuid4()), key=NOTIFY, kind="function", source="", parameters="{}",
            version=hashlib.blake2b(repr(python.pool).encode(), digest_size=6).hexdigest(),
            manifest=Manifest(), provenance=Provenance(), created_at=utc(), interpreter=python)
        mac = self._vault.sign(signing.HANDLER, *signing.handler_fields(self._queue.uuid, blank))
        return register.register_inside(self._queue, replace(blank, key_id=self._vault.key_id, mac=mac), utc())


def failed_hook(job_key: str, payload: str, ending: Ending) -> Ending:
    """The ending of an internal job: if it failed for good, the job that it was about says so."""
    if not is_internal(job_key):
        return ending
    entry = json.loads(payload).get("entry", {})
    if entry.get("event") not in HOOKS or entry["event"] in ("on_chain_complete", "on_batch_complete"):
        return ending
    detail = {"hook": job_key.removeprefix("~"), "job": ending.claim.job_id,
              "error": (ending.error or "")[:500]}
    return replace(ending, tell=(int(entry["id"]), "hook_failed", json.dumps(detail)))
