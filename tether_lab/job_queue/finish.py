"""How an attempt that ended is written down: one fenced update, and what belongs to it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from tether_lab.job import FINAL, Claim, ResultRow, State, Usage
from tether_lab.job.workflow import Verdict
from tether_lab.outcome import Finish, NextStep, Requeue, RetryAt, SnoozeUntil
from tether_lab.vault.sealing import is_sealed

from . import blobs, happenings, workflow
from .rows import plain
from .statements import sql

_UNYIELDING = (State.COMPLETED, State.CANCELLED)
"""A requested cancel changes nothing about these."""

EventRow = tuple[int, str, int, str, int]
"""In the order of event_add.sql: epoch, kind, at, detail (JSON text), job id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """An attempt that is over, with all that is to be kept of it. Times are UTC microseconds.

    ``step`` is what ``outcome.decide`` said. Small blobs are stored with the result, large ones are files
    already. ``outputs`` are rows (seq, body) still unwritten (``replaces``: instead of all before them),
    ``progress`` and ``events`` (kind, JSON detail) as well; ``detail`` is JSON text for the last event.
    """

    claim: Claim
    outcome_name: str
    step: NextStep
    finished_at: int
    started_at: int | None = None
    error_type: str | None = None
    error: str | None = None
    traceback: str | None = None
    usage: Usage = field(default_factory=Usage)
    result: ResultRow | None = None
    small_blobs: Mapping[str, bytes] = field(default_factory=dict)
    large_blobs: Mapping[str, int] = field(default_factory=dict)
    outputs: Sequence[tuple[int, str]] = ()
    replaces: bool = False
    progress: str | None = None
    events: Sequence[tuple[str, str]] = ()
    detail: str = "{}"
    tell: tuple[int, str, str] | None = None     # an event for another job: its id, kind, JSON detail
    service: bool = False
    verdicts: Sequence[Verdict] = ()             # what conditions say about its result
    begins: int = 0              # it was claimed ahead and nothing of it is written yet: the attempt's number


def finish_all(connection: sqlite3.Connection, endings: Iterable[Ending]) -> tuple[list[Claim], int]:
    """Record the endings whose claims still hold; the claims that do not, and how many jobs may start
    because those that they waited for ended.

    A refused ending leaves an event ``fenced`` and nothing else: no result, no output.
    """
    events: list[EventRow] = []
    attempts: list[dict[str, Any]] = []
    lost: list[Claim] = []
    told: list[workflow.Ended] = []
    at = 0
    for ending in endings:
        claim = ending.claim
        row = _finish(connection, ending)
        if row is None:
            lost.append(claim)
            detail = json.dumps({"outcome": ending.outcome_name, "worker": claim.worker})
            connection.execute(sql("event_add"), (
                claim.epoch, "fenced", ending.finished_at, detail, claim.job_id))
            continue
        if ending.begins:
            begin(connection, claim, ending.begins, ending.started_at or ending.finished_at)
        attempts.append(_attempt(ending))
        if (row[2] or row[3] is not None or row[4] is not None) and row[0] in FINAL:
            told.append(workflow.Ended(claim.job_id, State(row[0]), bool(row[2]), row[3], row[4]))
            if ending.verdicts and row[0] == State.COMPLETED:
                workflow.judge(connection, claim.job_id, ending.verdicts)
            at = max(at, ending.finished_at)
        events += _events(ending, State(row[0]))
        if ending.tell is not None and row[0] == State.FAILED:
            happenings.say(connection, ending.tell[0], ending.tell[1], ending.finished_at, ending.tell[2])
        happenings.tell_said(connection, claim.job_id, ending.finished_at, ending.events)
        if ending.replaces:
            connection.execute(sql("output_clear"), {"id": claim.job_id, "epoch": claim.epoch})
        if ending.outputs:
            connection.executemany(sql("output_put"), [
                (claim.job_id, claim.epoch, seq, ending.finished_at, plain(body))
                for seq, body in ending.outputs])
        if ending.result is not None and row[0] == State.COMPLETED:
            _put_blobs(connection, ending)
            put_result(connection, claim, ending.result)
            connection.executemany(sql("result_blob_add"), [
                {"job_id": claim.job_id, "digest": digest}
                for digest in (*ending.small_blobs, *ending.large_blobs)])
    connection.executemany(sql("attempt_finish"), attempts)
    connection.executemany(sql("event_new"), events)
    return lost, workflow.settle(connection, told, at) if told else 0


def begin(connection: sqlite3.Connection, claim: Claim, attempt: int, at: int) -> None:
    """Write down that an attempt began which was claimed ahead: its row, and the event of its start."""
    values = claim.job_id, claim.epoch, attempt, claim.worker, at
    if connection.execute(sql("attempt_begin"), values).rowcount:
        connection.execute(sql("event_new"), (claim.epoch, "started", at, "{}", claim.job_id))


_PLAIN = (State.COMPLETED.value, 0, 0, None, None)


def _finish(connection: sqlite3.Connection, ending: Ending) -> tuple[Any, ...] | None:
    """(state, attempt, has_children, chain, batch) of the job then; None if the claim is lost."""
    claim, step = ending.claim, ending.step
    if (isinstance(step, Finish) and step.state is State.COMPLETED and ending.progress is None
            and ending.started_at is not None and step.reason is None):
        changed = connection.execute(sql("finish_plain"), (
            ending.finished_at, ending.finished_at, ending.started_at, claim.job_id, claim.epoch, claim.worker))
        if changed.rowcount:
            return _PLAIN
    found: tuple[Any, ...] | None = connection.execute(sql("finish"), _values(ending)).fetchone()
    return found


def _values(ending: Ending) -> dict[str, Any]:
    """The parameters of finish.sql."""
    state, run_at, given_back, crash, error = _move(ending.step)
    return {"id": ending.claim.job_id, "epoch": ending.claim.epoch, "worker": ending.claim.worker,
            "now": ending.finished_at, "state": state.value, "final": state in FINAL,
            "yields": state not in _UNYIELDING, "run_at": run_at, "given_back": given_back,
            "crash": crash, "error": plain(error), "started_at": ending.started_at,
            "progress": plain(ending.progress)}


def _move(step: NextStep) -> tuple[State, int | None, bool, bool, str | None]:
    """(state, due, attempt given back, counts as a crash, the error shown) of a step."""
    match step:
        case Finish(state, reason):
            return state, None, False, False, reason
        case RetryAt(run_at, reason):
            return State.RETRYING, run_at, False, False, reason
        case SnoozeUntil(run_at):
            return State.SCHEDULED, run_at, True, False, None
        case Requeue(reason, crash):
            return State.PENDING, None, True, crash, reason if crash else None
        case _:
            assert_never(step)


def _attempt(ending: Ending) -> dict[str, Any]:
    usage = ending.usage
    return {"id": ending.claim.job_id, "epoch": ending.claim.epoch, "finished_at": ending.finished_at,
            "started_at": ending.started_at, "outcome": ending.outcome_name,
            "error_type": plain(ending.error_type), "error": plain(ending.error),
            "traceback": plain(ending.traceback),
            "cpu_us": None if usage.cpu_seconds is None else round(usage.cpu_seconds * 1e6),
            "peak_bytes": usage.peak_bytes, "exit_code": usage.exit_code, "signal": usage.signal,
            "pid": usage.pid}


def _events(ending: Ending, became: State) -> list[EventRow]:
    """What the attempt told, the outcome, and what followed where that says more than the outcome."""
    claim, at = ending.claim, ending.finished_at
    told = [*ending.events, (ending.outcome_name, ending.detail)]
    found = [(claim.epoch, kind, at, plain(detail) or "{}", claim.job_id) for kind, detail in told]
    if became is State.RETRYING and isinstance(ending.step, RetryAt):
        why = {} if is_sealed(ending.step.reason) else {"reason": ending.step.reason[:500]}
        detail = json.dumps({"at": ending.step.run_at, **why})
        found.append((claim.epoch, "retrying", at, detail, claim.job_id))
    elif became is State.CANCELLED and ending.outcome_name != "cancelled":
        found.append((claim.epoch, "cancelled", at, "{}", claim.job_id))
    return found


def _put_blobs(connection: sqlite3.Connection, ending: Ending) -> None:
    if ending.small_blobs or ending.large_blobs:
        blobs.put(connection, ending.small_blobs, ending.large_blobs, ending.finished_at)


def put_result(connection: sqlite3.Connection, claim: Claim, result: ResultRow) -> None:
    """The result of an attempt whose claim holds; that of an older one, and its blobs, go."""
    put = connection.execute(sql("result_put"), {
        "job_id": claim.job_id, "epoch": claim.epoch, "kind": result.kind, "body": plain(result.body),
        "text": plain(result.text), "type": plain(result.type), "size": result.size,
        "key_id": result.key_id, "mac": result.mac})
    if put.rowcount != 1:
        raise AssertionError(f"job {claim.job_id} has a result newer than epoch {claim.epoch}")
    if claim.epoch > 1:               # a first attempt replaces nothing
        connection.execute(sql("result_blob_clear"), {"job_id": claim.job_id})
