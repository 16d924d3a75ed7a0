"""Services, as rows: jobs meant to run for ever, with messages in both directions.

A service is a row of its own and runs as one job, always the same, in a queue that has places of its own.
What it does about its ends is ``outcome.decide_service``; what it looks like from outside is here::

    starting ──► running ──► restarting ──► running …
        └───────────┴────────────┴──► stopped        (asked for, or it said so: NoRetry, Cancel)
"""

from __future__ import annotations

from dataclasses import dataclass

from .state import FINAL, State

QUEUE = "~services"
"""Where their jobs wait; no job of a user can."""
NOTE_LASTS = 10_000_000
"""Microseconds that the text of its status stands; then its body is shown again."""
MOST_TRIES = 5
"""Attempts that may die with a message in hand; after that it is put aside."""
STATUSES = ("starting", "running", "restarting", "stopped")


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service as it stands. Times are UTC µs, ``update_every`` µs; ``state``, ``epoch`` and the rest up to
    ``pid`` are those of its job (None before its first start); ``ending``: it was asked
    to stop and has not yet; ``messages`` wait for it."""

    id: int
    uuid: str
    name: str
    key: str
    payload: str
    options: str
    update_every: int
    title: str
    body: str
    note: str
    note_at: int
    wanted: bool
    job_id: int | None
    started_epoch: int
    changed_at: int
    created_at: int
    key_id: str
    mac: bytes
    state: State | None
    epoch: int
    run_at: int | None
    error: str | None
    started_at: int | None
    pid: int | None
    ending: bool
    messages: int

    @property
    def status(self) -> str:
        """starting, running, restarting or stopped."""
        if self.state is None or self.state in FINAL:
            return "stopped"
        if self.state is State.RUNNING and self.pid is not None:
            return "running"
        return "starting" if self.epoch <= self.started_epoch + (self.state is State.RUNNING) else "restarting"

    def text(self, now: int) -> str:
        """What it says of itself at this moment: the text of its status for a while, then its body."""
        fresh = self.note and self.status == "running" and now - self.note_at < NOTE_LASTS
        return self.note if fresh else self.body
