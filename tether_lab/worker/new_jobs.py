"""What enters the queue, from options that were checked: due times, attempts, limits, the signature.

The same for everybody who asks: kernels and terminals (``lab``), and the worker itself, on behalf of
schedules and of jobs that call.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from tether_lab.errors import OptionError
from tether_lab.job import HandlerVersion, JobOptions
from tether_lab.job.notebook import WORD, WORDS
from tether_lab.job.options import read_options
from tether_lab.job.workflow import Parent
from tether_lab.job_queue import sealed
from tether_lab.job_queue.enqueue import NewJob
from tether_lab.job_queue.queue import Queue

FUNCTIONS_TRY, CELLS_TRY = 3, 1
Sign = Callable[[str, HandlerVersion, str, str], tuple[str, bytes]]
"""(uuid, version, payload, options) to (key id, signature) of a job."""


class Checked(Protocol):
    """A checked payload: its text, and the files it refers to with their sizes."""

    @property
    def text(self) -> str: ...
    @property
    def blobs(self) -> Mapping[str, int]: ...


def options_of(given: Mapping[str, Any], base: JobOptions, *, encrypt: bool = False) -> JobOptions:
    """Options of one job on top of the handler's; ``encrypt``: the lab encrypts all it is not told to
    leave in clear. What the job itself says about the number of
    attempts (by itself or in its policy) beats the handler."""
    options = read_options(given, base=base)
    if encrypt and given.get("encrypt") is None:
        options = replace(options, encrypt=True)
    retry = options.retry if given.get("retry") is not None else None
    counted = given.get("max_attempts") is not None or given.get("retries") is not None
    if retry is not None and retry.max_attempts is not None and not counted:
        options = replace(options, max_attempts=retry.max_attempts)
    if given.get("delay") is not None:
        options = replace(options, at=None)
    elif given.get("at") is not None:
        options = replace(options, delay=None)
    return options


def new_jobs(queue: Queue, sign: Sign, version: HandlerVersion, payloads: Iterable[Checked],
             options: JobOptions, present: int, *, parents: Sequence[Parent] = (),
             uuid_: str | None = None) -> list[NewJob]:
    """Rows to insert, signed. ``present`` is UTC µs; ``parents``: whom they wait for; ``uuid_``: of the
    only one. Raises OptionError for options that do not go together."""
    if options.isolation == "warm" and version.kind not in ("function", "class"):
        raise OptionError(f"isolation: a {version.kind} cannot run warm", where="isolation",
                          remedy="Leave it out (clean), or register a function with @lab.handler.")
    if version.kind != "notebook" and (options.output or options.kernel):
        word = "output" if options.output else "kernel"
        raise OptionError(f"{word} is for notebooks; {version.key} is a {version.kind}", where=word)
    _check_dedup(options)
    if options.expedite:
        options = replace(options, queue="critical", priority=1_000_000)
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
        check_output(options, version, payload.text)
        name = uuid_ or fresh_name()
        signed, kept = sealed.payload(queue, payload.text, options, name)
        key_id, mac = sign(name, version, signed, stored)
        found.append(NewJob(
            uuid=name, key=version.key, handler_id=version.id, queue=options.queue, payload=kept,
            options=stored, priority=options.priority, run_at=due, expires_at=expires,
            max_attempts=attempts, description=options.description, tags=options.tags, key_id=key_id,
            mac=mac, large_blobs=payload.blobs, slot=slot, rate=rate,
            gated=bool(options.window or options.constraints), parents=tuple(parents),
            **_dedup(queue, options, version, payload.text, present)))
    return found


def check_output(options: JobOptions, version: HandlerVersion, payload: str) -> None:
    """Refuse a {word} in the name of the executed copy that nothing stands for, or that would tell a secret."""
    words = WORD.findall(options.output or "")
    known = {*WORDS, *json.loads(version.parameters), *json.loads(payload)} if words else set()
    for word in words:
        if word not in known or word in options.secret:
            accepted = sorted({one for one in known if one.isidentifier()} - {*options.secret})
            raise OptionError(f"output: {{{word}}} stands for nothing" if word not in known else
                              f"output: {{{word}}} would tell a secret", where="output",
                              remedy=f"Accepted: {', '.join(f'{{{one}}}' for one in accepted)}.")


def fresh_name() -> str:
    """A random UUID (version 4) as text."""
    return _name(os.urandom(16).hex())


def fresh_names(count: int) -> Iterator[str]:
    """So many of them."""
    digits = os.urandom(16 * count).hex()
    return (_name(digits[at:at + 32]) for at in range(0, 32 * count, 32))


def _name(digits: str) -> str:
    variant = _VARIANTS[digits[16]]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def is_timeless(options: JobOptions) -> bool:
    """Whether two jobs with these options differ in nothing but name, payload and signature: none of
    them depends on the moment or on the payload."""
    return not (options.delay or options.at is not None or options.expires is not None or options.dedup
                or options.cache or options.encrypt or options.secret or options.after)


def _check_dedup(options: JobOptions) -> None:
    if options.on_conflict != "existing" and options.dedup is None:
        raise OptionError(f"on_conflict={options.on_conflict!r} without dedup", where="on_conflict",
                          remedy="Say when two jobs are the same: dedup=\"input\".")
    if options.on_conflict == "debounce" and not options.delay:
        raise OptionError("on_conflict='debounce' without a delay puts nothing off", where="on_conflict",
                          remedy="Give the time to wait for silence: delay=\"10s\".")


def _dedup(queue: Queue, options: JobOptions, version: HandlerVersion, payload: str,
           present: int) -> dict[str, Any]:
    """The columns of the option dedup; none without it."""
    wanted = options.dedup
    if wanted is None:
        return {}
    key = wanted.digest(version.key, payload, json.loads(version.parameters))
    if options.encrypt or options.secret:      # a plain digest would tell whether a guess is right
        key = queue.vault.mask("dedup", queue.uuid, key)
    return {"dedup_key": key,
            "dedup_until": None if wanted.ttl is None else present + round(wanted.ttl * 1e6),
            "on_conflict": options.on_conflict}


def _due(options: JobOptions, present: int) -> int:
    """UTC µs; a moment in the past means now."""
    if options.at is not None:
        return max(present, round(options.at * 1e6))
    return present + round((options.delay or 0) * 1e6)
