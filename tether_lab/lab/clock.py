"""The present, in the queue's units, and moments as people give them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tether_lab.errors import BadRequest
from tether_lab.job.duration import seconds
from tether_lab.job_queue import clock


def now() -> int:
    """UTC microseconds."""
    return clock.utc()


def since(value: object, *, present: int) -> int | None:
    """UTC µs of a moment in the past: a datetime, ISO text, or a time span back from now (``1d``)."""
    if value is None:
        return None
    if isinstance(value, str) and value[:4].isdigit() and "-" in value:
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return round(value.astimezone(UTC).timestamp() * 1e6)
    try:
        span = value.total_seconds() if isinstance(value, timedelta) else seconds(value)
    except ValueError:
        raise BadRequest(f"since: {value!r:.60} is no moment", where="since",
                         remedy="Give a datetime, 2026-03-01T09:30, or a span such as 2h or 1d.") from None
    return present - round(span * 1e6)
