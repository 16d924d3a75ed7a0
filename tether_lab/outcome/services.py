"""What follows when an attempt of a service ends: it starts again, unless somebody said no."""

from __future__ import annotations

from typing import assert_never

from tether_lab.job import State

from .decide import Finish, NextStep, Requeue, RetryAt
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

FIRST, LONGEST = 1.0, 300.0
"""Seconds until the first restart, and at most (doubled each time)."""
HEALTHY = 60.0
"""An attempt that ran this long begins the count anew."""


def decide_service(outcome: Outcome, *, deaths: int, now: int, cancel_requested: bool = False,
                   spread: float = 0.0) -> NextStep:
    """The next step of a service. ``deaths``: attempts in a row that ended soon, this one included; ``now``
    UTC µs, ``spread`` the caller's random number in -1 … 1.

    Whatever ends it, it starts again, at once where that was our doing (a worker that stopped or died), else
    after a while that grows. It stays down when somebody stopped it, or when it says that trying again is
    useless (NoRetry, a signature that is not ours).
    """
    match outcome:
        case Cancelled(by, reason):
            return Finish(State.CANCELLED, reason or f"stopped by {by}")
        case _ if cancel_requested:
            return Finish(State.CANCELLED, "stopped by user")
        case Interrupted(reason):
            return Requeue(reason)
        case Lost(worker):
            return Requeue(f"the worker {worker} died", crash=True)
        case Failed(types, message, _, retry) if not retry:
            return Finish(State.FAILED, f"{types[0] if types else 'Error'}: {message}")
        case Snoozed(seconds):
            return RetryAt(now + round(seconds * 1e6), "it asked for a rest")
        case Succeeded():
            reason = "it returned"
        case Failed(types, message):
            reason = f"{types[0] if types else 'Error'}: {message}"
        case TimedOut(after):
            reason = f"timed out after {after:g} s"
        case Crashed(reason):
            pass
        case _:
            assert_never(outcome)
    delay = min(LONGEST, FIRST * 2.0 ** min(deaths - 1, 20)) * (1 + 0.1 * spread)
    return RetryAt(now + round(delay * 1e6), reason)
