"""The result of a job, verified and loaded; or the error that says why there is none."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from tether_lab.errors import JobExpired, JobFailed, JobWasCancelled, ResultUnavailable
from tether_lab.job import Attempt, JobRow, ResultRow, State

if TYPE_CHECKING:
    from tether_lab.capture import Blobs

    from .lab import Lab


_DIGEST = re.compile(r"\b[0-9a-f]{40}x?\b")


class RemoteTraceback(Exception):
    """The traceback of the job, as the cause of the error that ``result()`` raises."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(text)

    def __str__(self) -> str:
        return f"\n{self.text.rstrip()}\n"


def result(lab: Lab, row: JobRow) -> object:
    """The value that a completed job ended with.

    Raises JobFailed, JobWasCancelled or JobExpired for jobs that ended without one (their traceback
    is the cause), ResultUnavailable if it cannot be loaded here, BadSignature if its bytes are not
    what this user's worker stored.
    """
    found = _stored(lab, row)
    if found is None or found.kind == "none":
        return None
    if found.kind == "unavailable":
        raise ResultUnavailable(f"the result of job {row.id} was not stored: {found.text}",
                                remedy="Return something that can be stored, or write it to a file.",
                                where=f"job {row.id}")
    from tether_lab.capture import load_result

    return load_result(found.body, _blobs(lab, found), _namespace())


def kept(lab: Lab, row: JobRow) -> dict[str, Any]:
    """The variables that ``--keep`` named, as the job left them."""
    found = _stored(lab, row)
    if found is None or found.kind not in ("pickle", "json"):
        return {}
    from tether_lab.capture import load_kept

    return load_kept(found.body, _blobs(lab, found), _namespace())


def _stored(lab: Lab, row: JobRow) -> ResultRow | None:
    if row.state is not State.COMPLETED:
        raise failure(lab, row)
    from tether_lab.job_queue import read

    found = read.result(lab.queue, row.id)
    if found is not None:
        verify(lab, found)
    return found


def verify(lab: Lab, found: ResultRow) -> None:
    """Raises BadSignature for bytes that this user's worker did not store."""
    from tether_lab.vault import signing

    if found.kind in ("json", "pickle"):
        lab.vault.verify(found.mac, found.key_id, signing.RESULT, *signing.result_fields(
            lab.uuid, found.job_uuid, found.epoch, found.kind, found.body))


def _blobs(lab: Lab, found: ResultRow) -> Blobs:
    from tether_lab.capture import Blobs
    from tether_lab.job_queue import handlers

    digests = set(_DIGEST.findall(found.body))
    return Blobs(lab.folder.blobs, handlers.small_blobs(lab.queue, digests))


def _namespace() -> dict[str, Any]:
    """Where classes of the notebook are looked up: the user's own module."""
    return vars(sys.modules["__main__"])


def failure(lab: Lab, row: JobRow) -> JobFailed:
    """The error for a job that is final without a result."""
    from tether_lab.job_queue import read

    attempts: list[Attempt] = read.attempts(lab.queue, row.id)
    ended = [attempt for attempt in attempts if attempt.finished_at is not None]
    last = ended[-1] if ended else None
    traceback = (last.traceback if last else None) or ""
    name = f"job {row.id} ({row.key})"
    error_type = (last.error_type if last else None) or ""
    match row.state:
        case State.CANCELLED:
            return JobWasCancelled(f"{name} was cancelled", job_id=row.id,
                                   remedy=f"lab.retry({row.id}) runs it again.")
        case State.EXPIRED:
            return JobExpired(f"{name} expired: no runner was free before its deadline", job_id=row.id,
                              remedy=f"lab.retry({row.id}) runs it again; see the option expires.")
        case State.SKIPPED:
            return JobFailed(f"{name} was skipped: {row.error or 'a condition said no'}", job_id=row.id)
    tries = f" after {row.attempt} attempts" if row.attempt > 1 else ""
    error = JobFailed(f"{name} failed{tries}: {row.error or 'no reason was recorded'}",
                      job_id=row.id, error_type=error_type, traceback=traceback,
                      remedy=f"job.show() has its output; lab.retry({row.id}) runs it again.")
    if traceback:
        error.__cause__ = RemoteTraceback(traceback)
    return error
