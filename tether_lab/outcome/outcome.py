"""How an attempt ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stored:
    """A result as the runner stored it; see ``job.ResultRow`` for ``kind``, ``body``, ``text``.
    ``blobs`` are small ones by digest, still to be written; large ones are files already."""

    kind: str = "none"
    body: str = ""
    text: str = ""
    type: str = "NoneType"
    size: int = 0
    blobs: dict[str, bytes] | None = None


@dataclass(frozen=True, slots=True)
class Succeeded:
    """User code returned; ``stored`` is what it returned."""

    stored: Stored


@dataclass(frozen=True, slots=True)
class Failed:
    """User code raised. ``error_types`` are the names of the class and its bases; ``retry`` False
    for NoRetry and Fail(retry=False); ``retry_after`` seconds, from RetryAfter."""

    error_types: tuple[str, ...]
    message: str
    traceback: str = ""
    retry: bool = True
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The hard timeout passed, ``after`` seconds; ``total``: that of all attempts together."""

    after: float
    total: bool = False


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody asked for the end (``by`` = "user"), or the job returned Cancel(reason)."""

    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Snoozed:
    """The job asked to be run again later; burns no attempt."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Crashed:
    """The process ended without a word: ``reason`` in words (exit code 7, SIGSEGV, out of memory)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker vanished. Nobody knows how far the attempt got."""

    worker: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The worker is stopping; the job goes back and burns no attempt."""

    reason: str


Outcome = Succeeded | Failed | TimedOut | Cancelled | Snoozed | Crashed | Lost | Interrupted

NAMES: dict[type, str] = {
    Succeeded: "succeeded", Failed: "failed", TimedOut: "timed_out", Cancelled: "cancelled",
    Snoozed: "snoozed", Crashed: "crashed", Lost: "lost", Interrupted: "interrupted",
}


def outcome_name(outcome: Outcome) -> str:
    """The word for it in the attempt's row and the event."""
    return NAMES[type(outcome)]
