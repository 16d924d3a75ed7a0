"""The words: what everybody talks about. Pure values, no input or output.

Called by every other room. Never touches a clock, a file, a process or a database.

Decisions: a job is a frozen row (``JobRow``); the handle that users hold is ``lab.Job``. The right
to end an attempt is an object (``Claim``) fenced by an epoch. Every option is declared once, in
``options``, and is keyword, flag and help text alike.
"""

from .handler import Handler, HandlerVersion, Interpreter, Manifest, Provenance, Variable
from .job import EVENTS, Attempt, Bar, Claim, ClaimedJob, Event, JobRow, ResultRow, Usage
from .options import OPTIONS, JobOptions, Option
from .policies import (
    Concurrency,
    Constraints,
    Cron,
    Dedup,
    Notify,
    RateLimit,
    RetryPolicy,
    Timeout,
    TimeWindow,
)
from .request import check_key, check_payload
from .state import ALIASES, FINAL, GROUPS, MOVES, WAITING, State, states

__all__ = [
    "ALIASES", "EVENTS", "FINAL", "GROUPS", "MOVES", "OPTIONS", "WAITING", "Attempt", "Bar", "Claim",
    "ClaimedJob", "Concurrency", "Constraints", "Cron", "Dedup", "Event", "Handler", "HandlerVersion",
    "Interpreter", "JobOptions", "JobRow", "Manifest", "Notify", "Option", "Provenance", "RateLimit",
    "ResultRow", "RetryPolicy", "State", "TimeWindow", "Timeout", "Usage", "Variable", "check_key",
    "check_payload", "states",
]
