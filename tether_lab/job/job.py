"""The values of the queue: a job, its attempts, events, outputs, result; and the right to end one.

Times are UTC integer microseconds, durations seconds (float), sizes bytes. All are frozen: a row
as read at one moment, never updated in place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from .options import JobOptions
from .state import FINAL, State


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job as it stands in the database (the public handle is ``Job``)."""

    id: int
    uuid: str
    key: str
    handler_id: int
    handler_version: str
    kind: str                      # cell | function | class | shell
    queue: str
    payload: str                   # JSON object; secret fields as dots
    options: JobOptions
    state: State
    waits_for: str | None
    priority: int
    run_at: int
    attempt: int
    max_attempts: int
    epoch: int
    crash_count: int
    worker: str | None
    cancel_requested_at: int | None
    created_at: int
    updated_at: int
    started_at: int | None
    finished_at: int | None
    progress: str | None           # JSON: see Progress
    error: str | None              # one line, of the last attempt that failed
    description: str | None
    tags: tuple[str, ...] = ()
    chain_id: int | None = None
    batch_id: int | None = None
    step: str | None = None        # its name in a chain
    deps_left: int = 0             # parents that it still waits for
    unreadable: str | None = None  # why what is encrypted of it cannot be shown here
    stored: str = ""               # the payload with its secret fields closed, as it was signed

    @property
    def is_final(self) -> bool:
        return self.state in FINAL


class Claim(NamedTuple):             # (a tuple, as ClaimedJob: thousands a second, and a third of the time)
    """The right to end one attempt of one job. Fenced by ``epoch``, which only grows."""

    job_id: int
    epoch: int
    worker: str


class ClaimedJob(NamedTuple):
    """What a claim gives the worker: everything that the runner needs, bytes unverified."""

    claim: Claim
    uuid: str
    key: str
    handler_id: int
    payload: str
    options: str                   # JSON as stored and signed
    attempt: int
    max_attempts: int
    crash_count: int
    created_at: int
    started_at: int
    key_id: str
    mac: bytes
    service: bool = False
    ahead: bool = False            # of its start: its attempt is written when more is known of it
    chained: bool = False          # of a chain
    batch: int | None = None       # the batch that it is of


@dataclass(frozen=True, slots=True)
class Usage:
    """What an attempt used, measured by the kernel: CPU seconds (user + system, children that
    ended included), peak resident bytes, the exit code and the signal of its process. Of a process whose end
    was not waited for, up to the moment when it said how the job ended."""

    cpu_seconds: float | None = None
    peak_bytes: int | None = None
    exit_code: int | None = None
    signal: int | None = None
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution. ``outcome`` is None while it runs."""

    job_id: int
    epoch: int
    attempt: int
    worker: str
    started_at: int
    finished_at: int | None
    outcome: str | None            # its name: succeeded, failed, timed_out, cancelled, snoozed, crashed …
    error_type: str | None
    error: str | None
    traceback: str | None = field(repr=False)     # plain text, may hold ANSI colours
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a job. ``kind`` is one of EVENTS."""

    id: int
    job_id: int
    epoch: int
    kind: str
    at: int
    detail: dict[str, object] = field(default_factory=dict)


EVENTS = (
    "enqueued", "started", "succeeded", "failed", "timed_out", "cancelled", "snoozed", "crashed", "lost",
    "interrupted", "retrying", "soft_timeout", "cancel_requested", "fenced", "rescued", "expired",
    "retried", "deduplicated", "notified", "sent", "warning", "prioritised", "skipped", "held", "hook_failed",
    "given_up",
)


@dataclass(frozen=True, slots=True)
class Bar:
    """One progress bar of a running job (tqdm's words). ``total`` None: unknown."""

    id: int
    position: int
    description: str
    n: float
    total: float | None
    rate: float | None
    elapsed: float
    unit: str
    postfix: str
    closed: bool


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A stored result, unverified.

    ``kind``: json (``body`` is the value), pickle (``body`` is the JSON of a manifest: stream,
    buffers, python, variables), none, or unavailable (``text`` says why). ``text`` is a plain
    preview in every case; ``mac`` covers uuid, epoch, kind and body.
    """

    job_id: int
    job_uuid: str
    epoch: int
    kind: str
    body: str
    text: str
    type: str
    size: int
    key_id: str
    mac: bytes
