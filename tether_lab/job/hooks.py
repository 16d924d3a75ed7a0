"""What hooks are told: a value for each thing that happens to a job, a chain or a batch.

A hook is code stored like a handler (see ``extras``). When something happens for which there is one, a
row is written in the same transaction, and the worker makes an internal job of it: keys that start with
``~``, in a queue of their own, beside all limits and outside all counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

MARK = "~"
"""The first character of keys that are ours."""
QUEUE = "~hooks"
"""Where internal jobs wait."""
NOTIFY = "~notify:job"
"""The key of the built-in job that does what the option ``notify`` asks for."""

HOOKS: dict[str, str] = {
    "on_start": "an attempt begins",
    "on_success": "a job completed",
    "on_failure": "a job failed for good, or its start deadline passed",
    "on_retry": "an attempt failed and the job will be tried again",
    "on_cancel": "a job was cancelled",
    "on_soft_timeout": "the soft timeout of an attempt passed",
    "on_progress": "a running job reported progress; at most once a second",
    "on_chain_complete": "all jobs of a chain have ended",
    "on_batch_complete": "all jobs of a batch have ended",
    "on_service_event": "a service said something",
}
"""What a hook may be for."""


def is_internal(key: str) -> bool:
    """Whether jobs of this key are ours: hooks and notifications."""
    return key.startswith(MARK)


@dataclass(frozen=True, slots=True)
class HookEntry:
    """What a hook is handed.

    ``event`` is one of HOOKS; ``key`` the handler's (or the name of the chain or batch) and ``id`` the
    number of the job (chain, batch). ``duration_ms`` is how long the attempt ran (the chain: since it was
    enqueued). ``detail`` holds what else there is: ``fraction`` and ``message`` of progress, ``after`` of
    a soft timeout, ``counts`` by status of a chain or batch, ``value`` of a service's event.
    """

    event: str
    key: str
    id: int
    status: str
    at: float                                  # POSIX seconds
    attempt: int = 0
    max_attempts: int = 0
    duration_ms: int | None = None
    error: str | None = None
    error_type: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)

    def to_payload(self) -> dict[str, Any]:
        """As the internal job carries it."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**found, "tags": list(self.tags), "meta": dict(self.meta), "detail": dict(self.detail)}

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> HookEntry:
        return cls(**{**payload, "tags": tuple(payload["tags"])})

    def sentence(self) -> str:
        """``train completed in 3.2 s``: what a notification says."""
        from .duration import words

        took = "" if self.duration_ms is None else f" in {words(self.duration_ms / 1000)}"
        error = f": {self.error}" if self.error and self.status != "completed" else ""
        return f"{self.key} {'was cancelled' if self.status == 'cancelled' else self.status}{took}{error}"
