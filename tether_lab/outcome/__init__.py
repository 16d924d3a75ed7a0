"""How an attempt ended, as a value, and what follows from it. Pure: no clock, no database.

Called by the worker with what the runner reported. ``decide`` is closed by ``assert_never``: a new
outcome makes the type checker name every place that must know it.
"""

from .decide import Finish, NextStep, Requeue, RetryAt, SnoozeUntil, decide
from .outcome import (
    Cancelled,
    Crashed,
    Failed,
    Interrupted,
    Lost,
    Outcome,
    Snoozed,
    Stored,
    Succeeded,
    TimedOut,
    outcome_name,
)
from .services import HEALTHY, decide_service

__all__ = [
    "HEALTHY", "Cancelled", "Crashed", "Failed", "Finish", "Interrupted", "Lost", "NextStep", "Outcome",
    "Requeue", "RetryAt", "SnoozeUntil", "Snoozed", "Stored", "Succeeded", "TimedOut", "decide",
    "decide_service", "outcome_name",
]
