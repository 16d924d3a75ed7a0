"""What running jobs ask of the lab, answered by the worker: one verb, one function, one transaction.

User code has no way to the queue. What it asks for comes over its control socket, is checked here like
anything from outside, and is done only while the claim of its attempt holds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tether_lab.capture import BlobStore
from tether_lab.errors import BadRequest, OptionError, TetherLabError, UnknownHandler
from tether_lab.job import ClaimedJob, HandlerVersion, JobOptions, check_key
from tether_lab.job_queue import handlers, memos, services
from tether_lab.job_queue.queue import Queue
from tether_lab.outcome import Stored
from tether_lab.runner import wire
from tether_lab.vault import signing
from tether_lab.vault.keys import Vault

from .cover import Cover
from .endings import large_blobs
from .new_jobs import new_jobs, options_of
from .payload import read_payload

KINDS = ("none", "json", "pickle")
LONGEST_NAME = 220
Verb = Callable[[ClaimedJob, dict[str, Any], dict[str, bytes], Cover | None], object]
LONGEST_SAID = 500


class Calls:
    """Answers one call after the other."""

    def __init__(self, queue: Queue, vault: Vault, payload_limit: int, clock: Callable[[], int]) -> None:
        self._queue, self._vault, self._limit, self._clock = queue, vault, payload_limit, clock
        self._verbs: Mapping[str, Verb] = {"keep": self._keep, "enqueue": self._enqueue,
                                           "receive": self._receive, "tell": self._tell}

    def answer(self, job: ClaimedJob, call: wire.Call, cover: Cover | None = None) -> tuple[wire.Answer, str]:
        """The answer, and what was done in one word ("" if nothing was)."""
        try:
            verb = self._verbs.get(call.verb)
            if verb is None:
                raise BadRequest(f"a job cannot call {call.verb!r}",
                                 remedy=f"It can: {', '.join(self._verbs)}.")
            value = verb(job, json.loads(call.arguments), call.blobs, cover)
        except TetherLabError as error:
            return wire.Answer(call.number, None, error.message, type(error).__name__, error.remedy,
                               error.where), ""
        except (KeyError, TypeError, ValueError) as error:
            return wire.Answer(call.number, None, f"{call.verb}: {error}", "BadRequest"), ""
        return wire.Answer(call.number, json.dumps(value)), call.verb

    def _keep(self, job: ClaimedJob, asked: dict[str, Any], small: dict[str, bytes],
              cover: Cover | None) -> None:
        name, kind, body, size = str(asked["name"]), str(asked["kind"]), str(asked["body"]), int(asked["size"])
        if kind not in KINDS or not 0 < len(name) <= LONGEST_NAME:
            raise BadRequest(f"keep: {name!r:.60} of kind {kind!r:.20}")
        files: dict[str, int] = {}
        if cover is not None:
            found, small, files = cover.stored(Stored(kind, body, blobs=small))
            body = found.body
        mac = self._vault.sign(signing.MEMO, *signing.memo_fields(self._queue.uuid, job.uuid, name, kind, body))
        large = files or (large_blobs(body, small, self._queue.folder.blobs) if kind == "pickle" else {})
        body = body if cover is None else cover.kept(name, body)
        memo = memos.Memo(name, job.claim.epoch, kind, body, self._vault.key_id, mac)
        memos.keep(self._queue, job.claim, memo, size=size, small=small, large=large, now=self._clock())

    def _enqueue(self, job: ClaimedJob, asked: dict[str, Any], _: dict[str, bytes],
                 __: Cover | None) -> int:
        key = check_key(asked["key"])
        head = handlers.head(self._queue, key)
        if head is None:
            keys = ", ".join(sorted(found.key for found in handlers.handlers(self._queue))[:20])
            raise UnknownHandler(f"no handler is registered under {key!r}", where="key",
                                 remedy=f"Registered in this lab: {keys}.")
        version = handlers.version(self._queue, head.head)
        options = options_of(asked["options"], JobOptions.from_json(head.options),
                             encrypt=self._queue.settings.encrypt)
        if options.after:
            raise OptionError("after: a job that is enqueued by a job waits for nothing", where="after",
                              remedy="Build a chain: lab.chain(…).")
        if options.cache:
            raise OptionError("cache: a job that is enqueued by a job runs", where="cache",
                              remedy="Use dedup, or ctx.step for what should run once.")
        payload = read_payload(asked["payload"], version, head.defaults, BlobStore(self._queue.folder.blobs),
                               limit=self._limit, plain=True)
        jobs = new_jobs(self._queue, self._sign, version, [payload], options, self._clock())
        return memos.enqueue_for(self._queue, job.claim, jobs, self._clock())[0]

    def _receive(self, job: ClaimedJob, asked: dict[str, Any], _: dict[str, bytes],
                 __: Cover | None) -> dict[str, Any] | None:
        self._service_only(job, "receive")
        found = services.take(self._queue, job.claim, int(asked["after"]), now=self._clock())
        return None if found is None else {"id": found[0], "message": json.loads(found[1])["message"]}

    def _tell(self, job: ClaimedJob, asked: dict[str, Any], _: dict[str, bytes], __: Cover | None) -> None:
        self._service_only(job, "show")
        said = {word: None if asked.get(word) is None else str(asked[word])[:LONGEST_SAID]
                for word in ("title", "body", "text")}
        services.note(self._queue, job.claim, **said, now=self._clock())

    def _service_only(self, job: ClaimedJob, verb: str) -> None:
        if not job.service:
            raise BadRequest(f"ctx.{verb} is for services", where=f"ctx.{verb}",
                             remedy="lab.start_service(name, handler) makes one.")

    def _sign(self, uuid: str, version: HandlerVersion, payload: str, options: str) -> tuple[str, bytes]:
        fields = signing.job_fields(self._queue.uuid, uuid, version.key, version.version, payload, options)
        return self._vault.key_id, self._vault.sign(signing.JOB, *fields)

