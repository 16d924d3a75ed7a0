"""The decisions of a card that depend on where the job stands: headline, colour, remedy, hints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, assert_never

from tether_lab.job import Attempt, State

from .bars import Progress
from .phrases import brief, count, duration, moment, waiting_for

if TYPE_CHECKING:
    from .board import Snapshot

_ENDINGS = {
    None: ("running", "running"), "succeeded": ("succeeded", "good"), "failed": ("failed", "bad"),
    "timed_out": ("timed out", "bad"), "cancelled": ("cancelled", "ended"),
    "snoozed": ("snoozed", "waiting"), "crashed": ("crashed", "bad"),
    "lost": ("worker died", "bad"), "interrupted": ("interrupted, went back", "ended"),
}


def role(state: State) -> str:
    """The colour role of a status: waiting, running, retrying, good, bad or ended."""
    match state:
        case State.BLOCKED | State.SCHEDULED | State.PENDING:
            return "waiting"
        case State.RUNNING:
            return "running"
        case State.RETRYING:
            return "retrying"
        case State.COMPLETED:
            return "good"
        case State.FAILED:
            return "bad"
        case State.CANCELLED | State.EXPIRED | State.SKIPPED:
            return "ended"
        case _:
            assert_never(state)


def headline(snapshot: Snapshot, progress: Progress) -> str:
    """What stands after the status: since when, for how long, what it waits for."""
    row, now = snapshot.row, snapshot.at
    match row.state:
        case State.BLOCKED if row.waits_for == "dependency" and row.deps_left > 1:
            return f"waits for {count(row.deps_left, 'job')} before it"
        case State.BLOCKED:
            return waiting_for(row.waits_for or "another job")
        case State.SCHEDULED if row.waits_for:
            return f"{waiting_for(row.waits_for)}, {_until(row.run_at, now)}"
        case State.SCHEDULED:
            return f"due {_until(row.run_at, now)}"
        case State.PENDING if row.waits_for:
            return waiting_for(row.waits_for)
        case State.PENDING:
            if snapshot.worker_alive is False:
                return ("waits for the worker, which is starting" if snapshot.worker_starting else
                        "waits for a worker, and none is running")
            return "waits for a free runner"
        case State.RETRYING:
            return f"{_of(snapshot)} did not succeed; next one {_until(row.run_at, now)}"
        case State.RUNNING:
            return _running(snapshot, progress)
        case State.COMPLETED:
            tries = f", attempt {row.attempt} of {row.max_attempts}" if row.attempt > 1 else ""
            return f"in {_took(snapshot)}{tries}"
        case State.FAILED:
            if row.attempt == 0:
                return "before it could start"
            tries = f" and {count(row.attempt, 'attempt')}" if row.attempt > 1 else ""
            return f"after {_took(snapshot)}{tries}"
        case State.CANCELLED:
            return "before it started" if row.attempt == 0 else f"after {_took(snapshot)}"
        case State.EXPIRED:
            held = (row.error or "").partition(": it waited for ")[2]
            if held:
                return f"its deadline passed while it {waiting_for(held).replace('waits', 'waited', 1)}"
            return "no runner was free before its deadline"
        case State.SKIPPED:
            return "a condition of its chain said no"
        case _:
            assert_never(row.state)


def _running(snapshot: Snapshot, progress: Progress) -> str:
    row, now = snapshot.row, snapshot.at
    started = row.started_at if row.started_at is not None else row.updated_at
    since = duration(max(0, now - started) / 1e6)
    if snapshot.worker_alive is False:
        return f"its worker died; it goes back to the queue when one starts (ran {since})"
    if row.cancel_requested_at is not None:
        ago = duration(max(0, now - row.cancel_requested_at) / 1e6)
        return f"being cancelled for {ago}, ran {since}"
    said = f"for {since}"
    if row.attempt > 1:
        said += f", {_of(snapshot)}"
    if progress.left is not None:
        return f"{said}, {duration(progress.left)} left"
    if snapshot.typical and snapshot.typical > (now - started) / 1e6:
        return f"{said} of the usual {duration(snapshot.typical)}"
    if snapshot.typical and (now - started) / 1e6 > 2 * snapshot.typical + 5:
        return f"{said}, slower than the usual {duration(snapshot.typical)}"
    return said


def _of(snapshot: Snapshot) -> str:
    return f"attempt {max(1, snapshot.row.attempt)} of {snapshot.row.max_attempts}"


def _took(snapshot: Snapshot) -> str:
    """Seconds of the last attempt; of the whole wait where no attempt is known."""
    row = snapshot.row
    for attempt in reversed(snapshot.attempts):
        if attempt.finished_at is not None:
            return duration(max(0, attempt.finished_at - attempt.started_at) / 1e6)
    start = row.started_at if row.started_at is not None else row.created_at
    return duration(max(0, (row.finished_at or snapshot.at) - start) / 1e6)


def _until(due: int, now: int) -> str:
    if due <= now:
        return "now"
    return f"in {duration((due - now) / 1e6)} ({moment(due, now)})"


def attempt_words(attempt: Attempt) -> tuple[str, str]:
    """How an attempt ended in words, and the colour role of that."""
    words, colour = _ENDINGS.get(attempt.outcome, (str(attempt.outcome), "ended"))
    usage = attempt.usage
    if attempt.outcome == "crashed":
        if usage.signal:
            words += f" (signal {usage.signal})"
        elif usage.exit_code:
            words += f" (exit code {usage.exit_code})"
    return words, colour


def remedy(snapshot: Snapshot) -> str:
    """What to do about the error. Worded for the person at the notebook."""
    row, error = snapshot.row, snapshot.row.error or ""
    if row.state is not State.FAILED:
        return ""
    missing = re.match(r"(?:ModuleNotFoundError|ImportError): .*?'([\w.]+)'", error)
    if missing and snapshot.version:
        return (f"Install {missing[1].split('.')[0]} where the notebook runs "
                f"({brief(snapshot.version.interpreter.executable, 120)}), then: %jobs retry {row.id}")
    if error.startswith("timed out"):
        return f"Give it longer with --timeout, or run it again: %jobs retry {row.id}"
    if "memory" in error.lower():
        return "Give it more with --memory, or have it hold less at once."
    if error.startswith("crash loop"):
        return f"%jobs output {row.id} has its last words; %jobs edit {row.id} puts its code in a cell."
    if error.startswith(("KeyboardInterrupt", "JobCancelled")):
        return f"Run it again: %jobs retry {row.id}"
    return f"%jobs edit {row.id} puts its code in a cell; %jobs retry {row.id} runs it again as it is."


def hints(snapshot: Snapshot) -> tuple[str, ...]:
    """What can be done now, each one thing to type."""
    row = snapshot.row
    said = []
    if row.state is State.PENDING and snapshot.worker_alive is False and not snapshot.worker_starting:
        said.append("%tether start starts a worker")
    if row.state in (State.EXPIRED, State.CANCELLED):
        said.append(f"%jobs retry {row.id} runs it now")
    if row.state is State.COMPLETED:
        if snapshot.result is not None and snapshot.result.kind not in ("none", "unavailable"):
            said.append("job.result() gives the result")
        if row.options.keep:
            said.append(f"%jobs load {row.id} brings back {brief(', '.join(row.options.keep), 60)}")
    if snapshot.outputs:
        said.append(f"%jobs output {row.id} shows {count(snapshot.outputs, 'output')}")
    elif row.state is State.RUNNING:
        said.append(f"%jobs follow {row.id} shows its output")
    return tuple(said)
