"""Short jobs that need a process of their own, claimed before a place is free: whichever place becomes free
first takes the oldest, at once and not after the turn that records what ended.

They wait here and in no process, so behind a long job none of them waits that another place could take.
One for which no place becomes free soon goes back to the queue, as if nobody had claimed it.
"""

from __future__ import annotations

from collections.abc import Iterator

from .dispatch import Prepared

WITHIN = 0.05
"""Seconds that a job stands by at most."""
MOST = 2
"""Jobs at most for each process that runs one: that one, and one that stands by."""


class Standby:
    """By id, oldest first, each with the moment (monotonic seconds) at which it goes back."""

    def __init__(self) -> None:
        self._jobs: dict[int, tuple[float, Prepared]] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Prepared]:
        return (prepared for _, prepared in self._jobs.values())

    def add(self, prepared: Prepared, now: float) -> None:
        self._jobs[prepared.job.claim.job_id] = now + WITHIN, prepared

    def next(self) -> Prepared:
        """The oldest; it stands by no more."""
        return self._jobs.pop(next(iter(self._jobs)))[1]

    def pop(self, job_id: int) -> Prepared | None:
        """This one, if it is here; it stands by no more."""
        found = self._jobs.pop(job_id, None)
        return None if found is None else found[1]

    def overdue(self, now: float) -> Iterator[Prepared]:
        """Those whose moment has come; they stand by no more."""
        while self._jobs and self.due <= now:
            yield self.next()

    @property
    def due(self) -> float:
        """When the oldest goes back."""
        return min((due for due, _ in self._jobs.values()), default=float("inf"))
