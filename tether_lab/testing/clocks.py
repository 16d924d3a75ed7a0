"""A clock that a test moves: what Tether Lab takes for the present, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from unittest import mock

from tether_lab.job.duration import seconds
from tether_lab.job_queue import clock


class ManualClock:
    """Stands still until it is moved. Starts at ``at`` (an aware datetime; default: now)."""

    def __init__(self, at: datetime | None = None) -> None:
        self._at = clock.utc() if at is None else round(at.timestamp() * 1e6)

    def now(self) -> datetime:
        """The present, UTC."""
        return datetime.fromtimestamp(self._at / 1e6, UTC)

    def utc(self) -> int:
        """The present, UTC microseconds."""
        return self._at

    def advance(self, span: object) -> None:
        """Move forward: ``"10m"``, seconds, a timedelta."""
        self._at += round(seconds(span, what="advance") * 1e6)

    def move_to(self, at: datetime | int) -> None:
        """Move to a moment (a datetime, or UTC microseconds); also backwards."""
        self._at = at if isinstance(at, int) else round(at.timestamp() * 1e6)

    @contextmanager
    def installed(self) -> Iterator[ManualClock]:
        """While inside, it is the clock of this process. Workers keep their own."""
        with mock.patch.object(clock, "read", self.utc):
            yield self
