"""Enqueue: check everything, write one transaction, wake the worker."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from tether_lab.errors import OptionError, UnknownHandler
from tether_lab.job import Handler, HandlerVersion, JobOptions, check_key
from tether_lab.job.options import read_options
from tether_lab.job.workflow import Parent

from .clock import now
from .payload import Payload, read_payload

if TYPE_CHECKING:
    from tether_lab.job_queue.enqueue import NewJob

    from .lab import Lab

FUNCTIONS_TRY, CELLS_TRY = 3, 1


def enqueue(lab: Lab, key: str, payloads: Iterable[object], given: Mapping[str, Any], *,
            plain: bool = False) -> list[int]:
    """Enqueue one job of ``key`` for each payload, all or none; their ids, in order.

    ``given`` are options, on top of the handler's. ``plain``: JSON only (requests from outside).
    Raises UnknownHandler, OptionError, PayloadError, CaptureRefused; then nothing was written.
    """
    from tether_lab.job_queue import enqueue as verb

    handler = find(lab, key)
    version = lab.version(handler.head)
    options = options_of(given, JobOptions.from_json(handler.options))
    limit = lab.settings.payload_limit
    checked = [read_payload(payload, version, handler.defaults, lab.blob_store, limit=limit, plain=plain)
               for payload in payloads]
    known = [cached(lab, version, payload.text, options) for payload in checked]
    fresh = [payload for payload, found in zip(checked, known, strict=True) if found is None]
    ids = verb.enqueue(lab.queue, new_jobs(lab, version, fresh, options))
    if ids:
        lab.waker.wake()
    rest = iter(ids)
    return [next(rest) if found is None else found for found in known]


def cached(lab: Lab, version: HandlerVersion, payload: str, options: JobOptions) -> int | None:
    """With the option ``cache``: the newest completed job of the same code, data and payload, not
    older than asked for. Data that cannot be compared is never the same."""
    if options.cache in (None, False) or not version.id or loose(version):
        return None
    from tether_lab.job_queue import read

    age = None if isinstance(options.cache, bool) else options.cache
    since = 0 if age is None else now() - round(age * 1e6)
    found = read.cached(lab.queue, version.id, payload, since)
    if found is None or not set(options.keep) <= set(lab.read_row(found).options.keep):
        return None
    return found


def loose(version: HandlerVersion) -> list[str]:
    """Captured variables without a fingerprint: nobody can tell whether they are the same again."""
    return [v.name for v in version.manifest.variables if v.fingerprint is None]


def find(lab: Lab, key: str) -> Handler:
    """The head of a key, or UnknownHandler naming the keys that exist."""
    from tether_lab.job_queue import handlers

    found = handlers.head(lab.queue, check_key(key))
    if found is not None:
        return found
    keys = sorted(handler.key for handler in handlers.handlers(lab.queue))
    near = get_close_matches(key, keys, 1)
    listed = ", ".join(keys[:20]) + (f" and {len(keys) - 20} more" if len(keys) > 20 else "")
    raise UnknownHandler(
        f"no handler is registered under {key!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
        remedy=f"Registered in the lab {lab.name}: {listed}." if keys else
               f"The lab {lab.name} has no handlers yet: %%job NAME or @lab.handler registers one.",
        where="key")


def options_of(given: Mapping[str, Any], base: JobOptions) -> JobOptions:
    """Options of one job on top of the handler's. What the job itself says about the number of
    attempts (by itself or in its policy) beats the handler."""
    options = read_options(given, base=base)
    retry = options.retry if given.get("retry") is not None else None
    counted = given.get("max_attempts") is not None or given.get("retries") is not None
    if retry is not None and retry.max_attempts is not None and not counted:
        options = replace(options, max_attempts=retry.max_attempts)
    if given.get("delay") is not None:
        options = replace(options, at=None)
    elif given.get("at") is not None:
        options = replace(options, delay=None)
    return options


def new_jobs(lab: Lab, version: HandlerVersion, payloads: Iterable[Payload],
             options: JobOptions, *, parents: Sequence[Parent] = (),
             uuid_: str | None = None) -> list[NewJob]:
    """Rows to insert, signed. ``parents``: whom they wait for; ``uuid_``: of the only one."""
    from tether_lab.job_queue.enqueue import NewJob

    if options.isolation == "warm" and version.kind not in ("function", "class"):
        raise OptionError(f"isolation: a {version.kind} cannot run warm", where="isolation",
                          remedy="Leave it out (clean), or register a function with @lab.handler.")
    _check_dedup(options)
    if options.expedite:
        options = replace(options, queue="critical", priority=1_000_000)
    present = now()
    due = _due(options, present)
    attempts = options.max_attempts or (options.retry.max_attempts if options.retry else None) or (
        FUNCTIONS_TRY if version.kind in ("function", "class") else CELLS_TRY)
    # Priority, description and tags have columns of their own; priority may change while it waits.
    stored = replace(options, priority=0, description=None, tags=(),
                     parents=tuple(f"{one.name}={one.uuid}" for one in parents)).to_json()
    expires = None if options.expires is None else present + round(options.expires * 1e6)
    wanted, paced = options.concurrency, options.rate_limit
    slot = (wanted.key or version.key, wanted.max_concurrent, wanted.strategy) if wanted else None
    rate = (paced.key or version.key, paced.max_executions, round(paced.window * 1e6)) if paced else None
    found = []
    for payload in payloads:
        name = uuid_ or str(uuid.uuid4())
        key_id, mac = lab.sign_job(name, version, payload.text, stored)
        found.append(NewJob(
            uuid=name, key=version.key, handler_id=version.id, queue=options.queue, payload=payload.text,
            options=stored, priority=options.priority, run_at=due, expires_at=expires,
            max_attempts=attempts, description=options.description, tags=options.tags, key_id=key_id,
            mac=mac, large_blobs=payload.blobs, slot=slot, rate=rate, parents=tuple(parents),
            **_dedup(options, version, payload.text, present)))
    return found


def _check_dedup(options: JobOptions) -> None:
    if options.on_conflict != "existing" and options.dedup is None:
        raise OptionError(f"on_conflict={options.on_conflict!r} without dedup", where="on_conflict",
                          remedy="Say when two jobs are the same: dedup=\"input\".")
    if options.on_conflict == "debounce" and not options.delay:
        raise OptionError("on_conflict='debounce' without a delay puts nothing off", where="on_conflict",
                          remedy="Give the time to wait for silence: delay=\"10s\".")


def _dedup(options: JobOptions, version: HandlerVersion, payload: str, present: int) -> dict[str, Any]:
    """The columns of the option dedup; none without it."""
    wanted = options.dedup
    if wanted is None:
        return {}
    return {"dedup_key": wanted.digest(version.key, payload, json.loads(version.parameters)),
            "dedup_until": None if wanted.ttl is None else present + round(wanted.ttl * 1e6),
            "on_conflict": options.on_conflict}


def _due(options: JobOptions, present: int) -> int:
    """UTC µs; a moment in the past means now."""
    if options.at is not None:
        return max(present, round(options.at * 1e6))
    return present + round((options.delay or 0) * 1e6)
