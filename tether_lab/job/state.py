"""The life of a job, as data.

      blocked ─────────────┐          (dependency, gate, concurrency slot, constraint)
         │                 ▼
      scheduled ──due──► pending ──claim──► running ──outcome──► completed
         ▲                 │  ▲               │ │ │                failed
         │  snooze, delay  │  │ drain, rescue │ │ └── snooze ──► scheduled
         └─────────────────│──┴───────────────┘ └──── retry ───► retrying ──due──► pending
                           └──► cancelled, expired, skipped       (from any state that waits)

    retry() takes any final state back to pending (or blocked, while a parent is at work).
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a job stands: *status* in public words, *state* in SQL."""

    BLOCKED = "blocked"
    SCHEDULED = "scheduled"
    PENDING = "pending"
    RUNNING = "running"
    RETRYING = "retrying"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    SKIPPED = "skipped"


FINAL = frozenset(
    {State.COMPLETED, State.FAILED, State.CANCELLED, State.EXPIRED, State.SKIPPED}
)
WAITING = frozenset({State.BLOCKED, State.SCHEDULED, State.PENDING, State.RETRYING})

MOVES: dict[State, frozenset[State]] = {
    State.BLOCKED: frozenset(
        {State.PENDING, State.SCHEDULED, State.CANCELLED, State.SKIPPED, State.EXPIRED,
         State.FAILED}
    ),
    State.SCHEDULED: frozenset(
        {State.PENDING, State.BLOCKED, State.CANCELLED, State.EXPIRED}
    ),
    State.PENDING: frozenset(
        {State.RUNNING, State.BLOCKED, State.CANCELLED, State.EXPIRED, State.FAILED}
    ),
    State.RUNNING: frozenset(
        {State.COMPLETED, State.FAILED, State.CANCELLED, State.RETRYING, State.SCHEDULED,
         State.PENDING, State.SKIPPED}
    ),
    State.RETRYING: frozenset(
        {State.PENDING, State.CANCELLED, State.FAILED, State.EXPIRED}
    ),
    State.COMPLETED: frozenset({State.PENDING, State.BLOCKED}),
    State.FAILED: frozenset({State.PENDING, State.BLOCKED}),
    State.CANCELLED: frozenset({State.PENDING, State.BLOCKED}),
    State.EXPIRED: frozenset({State.PENDING, State.BLOCKED}),
    State.SKIPPED: frozenset({State.PENDING, State.BLOCKED}),
}
"""What each state may become. Leaving a final state is retry() alone."""

GROUPS: dict[str, frozenset[State]] = {
    "waiting": WAITING,
    "final": FINAL,
    "active": frozenset({State.RUNNING}),
    "unfinished": WAITING | {State.RUNNING},
}

ALIASES: dict[str, State] = {
    "queued": State.PENDING, "succeeded": State.COMPLETED, "success": State.COMPLETED,
    "done": State.COMPLETED, "canceled": State.CANCELLED, "error": State.FAILED,
}


def states(words: str) -> frozenset[State]:
    """The states meant by ``"failed"``, ``"Queued"``, ``"waiting,running"`` …

    Case does not matter; the groups and the older words above are accepted.
    Raises ValueError naming what is accepted.
    """
    found: set[State] = set()
    for raw in words.replace("|", ",").split(","):
        word = raw.strip().lower()
        if word in GROUPS:
            found |= GROUPS[word]
        elif word in ALIASES:
            found.add(ALIASES[word])
        elif word in State.__members__.values():
            found.add(State(word))
        else:
            accepted = ", ".join([*(s.value for s in State), *GROUPS, *ALIASES])
            raise ValueError(f"no status {raw.strip()!r}; accepted: {accepted}")
    return frozenset(found)
