"""From an attempt that is over to what the queue records of it."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tether_lab.errors import TetherLabError
from tether_lab.job import ClaimedJob, JobOptions, ResultRow, RetryPolicy, Usage
from tether_lab.job.workflow import VERDICTS, Verdict
from tether_lab.job_queue.claim import Brief, Ending
from tether_lab.outcome import (
    HEALTHY,
    Crashed,
    Failed,
    Lost,
    NextStep,
    Outcome,
    Stored,
    Succeeded,
    TimedOut,
    decide,
    decide_service,
    outcome_name,
)
from tether_lab.runner import wire
from tether_lab.vault import signing
from tether_lab.vault.keys import Vault

from .attempts import Attempt
from .hooks import failed_hook

LONGEST_TEXT = 4000
RESULT_KINDS = ("none", "json", "pickle", "unavailable")


class Endings:
    """Builds endings; holds what they need and nothing else."""

    def __init__(self, vault: Vault, db_uuid: str, blobs: Path, crash_budget: int,
                 clock: Callable[[], int]) -> None:
        self._vault, self._uuid, self._blobs = vault, db_uuid, blobs
        self._budget, self._clock = crash_budget, clock
        self._deaths: dict[int, int] = {}      # of services: attempts in a row that ended soon
        self._signer: tuple[str, Callable[..., bytes]] = ("", _unsigned)

    def of(self, attempt: Attempt, mono: float = 0.0) -> Ending:
        """The ending of an attempt that ran, with all that was not written yet. ``mono``: monotonic seconds
        now, if it may have ended a few jobs ago: when its process says so."""
        outcome = attempt.outcome()
        cover, small, large = attempt.cover, dict[str, bytes](), dict[str, int]()
        if isinstance(outcome, Succeeded):
            small = dict(outcome.stored.blobs or {})
            if cover is not None:
                stored, small, large = cover.stored(outcome.stored)
                outcome = replace(outcome, stored=stored)
        result = self._result(attempt.job, outcome) if isinstance(outcome, Succeeded) else None
        if result and result.kind == "pickle" and not large:
            large = large_blobs(result.body, small, self._blobs)
        verdicts = verdicts_of(attempt) if isinstance(outcome, Succeeded) and attempt.options.judges else ()
        rows, replaces = attempt.output.take()
        ending = self._ending(
            attempt.job, outcome, attempt.options, usage=attempt.usage(), result=result,
            small=small, large=large, cancel_requested=attempt.cancelled, words=attempt.words,
            started_at=attempt.started_at, give_up_at=attempt.give_up_at, ago=attempt.ended_ago(mono),
            outputs=rows, replaces=replaces, events=tuple(attempt.events),
            verdicts=verdicts, begins=attempt.begins,
            progress=attempt.progress.take(0.0, final=True))
        ending = failed_hook(attempt.job.key, attempt.job.payload, ending)
        return ending if cover is None else cover.ending(ending)

    def brief(self, job: ClaimedJob, started: wire.Started, ended: wire.Ended, pid: int | None) -> Brief:
        """The ending of a job ahead that succeeded and said nothing (``ahead.is_brief``)."""
        wall = self._clock() - time.monotonic_ns() // 1000
        result = None
        if ended.result_kind != "none":
            result = self._result(job, Succeeded(Stored(
                ended.result_kind, ended.result_body, ended.result_text, ended.result_type, ended.result_size)))
        return Brief(job.claim, job.attempt, wall + started.at // 1000, wall + ended.at // 1000, pid, result,
                     job.batch)

    def of_unstarted(self, job: ClaimedJob, outcome: Outcome, options: JobOptions | None = None) -> Ending:
        """The ending of a job that never reached a process."""
        return self._ending(job, outcome, options or JobOptions(), usage=Usage(),
                            begins=job.attempt if job.ahead else 0)

    def refused(self, job: ClaimedJob, error: TetherLabError) -> Ending:
        """The ending of a job that may not run: failed, not tried again."""
        message = error.message if not error.remedy else f"{error.message}. {error.remedy}"
        names = (type(error).__name__, "TetherLabError")
        return self.of_unstarted(job, Failed(names, message, error.where, retry=False))

    def _ending(self, job: ClaimedJob, outcome: Outcome, options: JobOptions, *, usage: Usage,
                result: ResultRow | None = None, small: dict[str, bytes] | None = None,
                large: dict[str, int] | None = None, cancel_requested: bool = False, words: str = "",
                started_at: int | None = None, give_up_at: int | None = None, ago: float = 0.0,
                **written: Any) -> Ending:
        now = self._clock() - round(ago * 1e6)
        step: NextStep = self._service(job, outcome, now, cancel_requested) if job.service else decide(
            outcome, attempt=job.attempt, max_attempts=job.max_attempts,
            retry=options.retry or RetryPolicy(), now=now, crash_count=job.crash_count,
            crash_budget=self._budget, cancel_requested=cancel_requested, give_up_at=give_up_at,
            spread=random.uniform(-1, 1))  # noqa: S311  spreads retries, hides nothing
        error_type, error, traceback = _error(outcome)
        if isinstance(outcome, Crashed) and words:
            traceback = words
        return Ending(
            claim=job.claim, outcome_name=outcome_name(outcome), error_type=error_type, error=error,
            traceback=traceback, usage=usage, step=step, result=result, small_blobs=small or {},
            large_blobs=large or {}, finished_at=now, started_at=started_at or job.started_at,
            detail=json.dumps({"error": error[:500]}) if error else "{}", service=job.service, **written)

    def _service(self, job: ClaimedJob, outcome: Outcome, now: int, cancel_requested: bool) -> NextStep:
        soon = now - job.started_at < HEALTHY * 1e6
        deaths = self._deaths[job.claim.job_id] = self._deaths.get(job.claim.job_id, 0) + 1 if soon else 1
        return decide_service(outcome, deaths=deaths, now=now, cancel_requested=cancel_requested,
                              spread=random.uniform(-1, 1))  # noqa: S311  as above

    def _result(self, job: ClaimedJob, outcome: Succeeded) -> ResultRow | None:
        """None, of a first attempt, is no row: there is nothing older that it would replace."""
        stored = outcome.stored
        kind = stored.kind if stored.kind in RESULT_KINDS else "unavailable"
        if kind == "none" and job.claim.epoch == 1:
            return None
        if self._signer[0] != self._vault.key_id:
            varying = (None,) * 4         # uuid, epoch, kind, body: as signing.result_fields has them
            self._signer = self._vault.key_id, self._vault.signer(signing.RESULT, self._uuid, *varying)
        mac = self._signer[1](job.uuid, job.claim.epoch, kind, stored.body)
        return ResultRow(job.claim.job_id, job.uuid, job.claim.epoch, kind, stored.body, stored.text,
                         stored.type, stored.size, self._vault.key_id, mac)


def verdicts_of(attempt: Attempt) -> tuple[Verdict, ...]:
    """What each of its conditions said. Errors of jobs that hide something are told by their type alone."""
    said = {one.child: one for one in attempt.ended.verdicts} if attempt.ended is not None else {}
    found = []
    for word in attempt.options.judges:
        child = word.rsplit("=", 1)[0]
        one = said.get(child)
        if one is None or one.word not in VERDICTS:
            found.append(Verdict(child, "failed", "was not asked"))
            continue
        trouble = (one.trouble or "raised") if one.word == "failed" else None
        if trouble is not None and attempt.cover is not None:
            trouble = trouble.split(":")[0]
        found.append(Verdict(child, one.word, trouble and trouble[:LONGEST_TEXT]))
    return tuple(found)


def _unsigned(*_: object) -> bytes:
    raise AssertionError("no key was looked up")


def large_blobs(body: str, small: Mapping[str, bytes], folder: Path) -> dict[str, int]:
    """The large blobs that a stored value refers to, with their sizes (they are files already)."""
    found = {}
    for digest in _digests(json.loads(body)):
        path = folder / digest[:2] / digest
        if digest not in small and path.is_file():
            found[digest] = path.stat().st_size
    return found


def _digests(value: object) -> set[str]:
    """Every text in a stored manifest that reads like the address of a blob."""
    match value:
        case str() if len(value) == 40 and all(c in "0123456789abcdef" for c in value):
            return {value}
        case list():
            return set().union(*map(_digests, value))
        case dict():
            return set().union(*map(_digests, value.values()))
        case _:
            return set()


def _error(outcome: Outcome) -> tuple[str | None, str | None, str | None]:
    """(type, one line, traceback) as the attempt's row shows them."""
    match outcome:
        case Failed(error_types, message, traceback):
            return (error_types[0] if error_types else "Error"), message[:LONGEST_TEXT], traceback or None
        case TimedOut(after, total):
            return "TimedOut", f"timed out after {after:g} s{' in all' if total else ''}", None
        case Crashed(reason):
            return "Crashed", reason, None
        case Lost(worker):
            return "Lost", f"the worker {worker} died", None
        case _:
            return None, None, None
