"""Schedules and their fires, as rows. ``policies/schedule.py`` says when they fire."""

from __future__ import annotations

from dataclasses import dataclass

from .policies.schedule import Rule


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A schedule as it stands. Times are UTC µs; ``next_at`` is None when it is over. ``trouble`` says
    why its last fire made no job, None if all is well."""

    id: int
    uuid: str
    name: str
    key: str
    rule: Rule
    payload: str
    options: str
    next_at: int | None
    paused: bool
    trouble: str | None
    created_at: int
    updated_at: int
    key_id: str
    mac: bytes

    @property
    def status(self) -> str:
        """active, paused or over."""
        return "paused" if self.paused else "over" if self.next_at is None else "active"


@dataclass(frozen=True, slots=True)
class Fire:
    """What became of one fire: ``enqueued``, ``skipped`` (an earlier job was still there), ``missed``
    (no worker ran), or ``asked`` (somebody said run_now). ``at`` is nominal, ``seen_at`` when a
    worker dealt with it."""

    at: int
    seen_at: int
    outcome: str
    job_id: int | None
