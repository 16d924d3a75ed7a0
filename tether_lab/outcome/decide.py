"""What the queue does with a job whose attempt ended like this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from tether_lab.job import RetryPolicy, State

from .outcome import (
    Cancelled,
    Crashed,
    Failed,
    Interrupted,
    Lost,
    Outcome,
    Snoozed,
    Succeeded,
    TimedOut,
)


@dataclass(frozen=True, slots=True)
class Finish:
    """The job is final. ``reason`` is the one line shown as its error (None: none)."""

    state: State
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RetryAt:
    """``retrying`` until then (UTC µs)."""

    run_at: int
    reason: str


@dataclass(frozen=True, slots=True)
class SnoozeUntil:
    """``scheduled`` until then (UTC µs); the attempt is given back."""

    run_at: int


@dataclass(frozen=True, slots=True)
class Requeue:
    """``pending`` at once, the attempt given back. ``crash`` counts against the crash budget."""

    reason: str
    crash: bool = False


NextStep = Finish | RetryAt | SnoozeUntil | Requeue


def decide(
    outcome: Outcome, *, attempt: int, max_attempts: int, retry: RetryPolicy, now: int,
    crash_count: int = 0, crash_budget: int = 3, cancel_requested: bool = False,
    spread: float = 0.0, give_up_at: int | None = None,
) -> NextStep:
    """The next step of a job. ``now`` and ``give_up_at`` (its total timeout) are UTC µs, ``spread`` the
    caller's random number in -1 … 1.

    A failure under a requested cancel is ``cancelled``; one that finished first is ``completed``.
    A crash burns no attempt: ``crash_budget`` of them bury the job, whatever attempts are left.
    A time-out is a failure like any other.
    """
    match outcome:
        case Succeeded():
            return Finish(State.COMPLETED)
        case Cancelled(by, reason):
            return Finish(State.CANCELLED, reason or f"cancelled by {by}")
        case Interrupted(reason):
            if cancel_requested:
                return Finish(State.CANCELLED, "cancelled by user")
            return Requeue(reason)
        case _ if cancel_requested:
            return Finish(State.CANCELLED, "cancelled by user")
        case Snoozed(seconds):
            return SnoozeUntil(now + round(seconds * 1e6))
        case Failed() | TimedOut():
            step = _after_failure(outcome, attempt, max_attempts, retry, now, spread)
            if isinstance(step, RetryAt) and give_up_at is not None and step.run_at >= give_up_at:
                return Finish(State.FAILED, f"{step.reason}; its total timeout leaves no time to try again")
            return step
        case Crashed() | Lost():
            return _after_crash(outcome, crash_count + 1, crash_budget)
        case _:
            assert_never(outcome)


def _after_failure(
    outcome: Failed | TimedOut, attempt: int, max_attempts: int, retry: RetryPolicy, now: int,
    spread: float,
) -> NextStep:
    if isinstance(outcome, TimedOut):
        types: tuple[str, ...] = ("TimedOut", "TimeoutError")
        whole = " since its first attempt began" if outcome.total else ""
        reason, again, delay = f"timed out after {outcome.after:g} s{whole}", not outcome.total, None
    else:
        types = outcome.error_types
        first = types[0] if types else "Error"
        reason = f"{first}: {outcome.message}" if outcome.message else first
        again, delay = outcome.retry, outcome.retry_after
    # RetryAfter is a request to be tried again, whatever the policy says of other errors.
    if not again or attempt >= max_attempts or (delay is None and not retry.retries(types)):
        return Finish(State.FAILED, reason)
    if delay is None:
        delay = retry.delay_after(attempt, spread=spread)
    return RetryAt(now + round(delay * 1e6), reason)


def _after_crash(outcome: Crashed | Lost, crashes: int, budget: int) -> NextStep:
    reason = (f"the worker {outcome.worker} died" if isinstance(outcome, Lost) else outcome.reason)
    if crashes >= budget:
        return Finish(State.FAILED, f"crash loop: {crashes} crashes, the last: {reason}")
    return Requeue(reason, crash=True)
