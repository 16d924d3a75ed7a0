"""After a rotation of keys: the worker puts what older ones signed under the newest, some rows at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from tether_lab.errors import QueueError
from tether_lab.job_queue.queue import Queue
from tether_lab.job_queue.rekey import Rekeying
from tether_lab.vault import keys

from .chores import Chore

EVERY = 0.2
"""Seconds between two steps, each some milliseconds long."""
LATER = 5.0
AGAIN = 600.0
"""Seconds until it looks for jobs that ran meanwhile."""


class Rotation:
    """A pass over the lab, if there is more than one key; ``chore`` is to be run by the worker."""

    def __init__(self, queue: Queue, log: Callable[[str], None]) -> None:
        self._queue, self._log = queue, log
        self._steps: Iterator[None] | None = None
        self._pass: Rekeying | None = None
        self.chore = Chore("rekey", EVERY, self._step, at=time.monotonic() + EVERY)
        self.begin()

    @property
    def under_way(self) -> bool:
        """Whether there is something left to do now."""
        return self._steps is not None

    def begin(self) -> None:
        """Look through the lab from its beginning."""
        self._pass = self._steps = None
        self.chore.at = time.monotonic() + EVERY
        if not self._queue.restricted and len(keys.names(keys.folder())) > 1:
            self._pass = Rekeying(self._queue, verify=True)
            if self._pass.left():
                self._steps = self._pass.steps()

    def _step(self) -> None:
        if self._steps is None:
            self.chore.at = time.monotonic() + AGAIN
            if self._pass is not None:
                self.begin()
            return
        try:
            if next(self._steps, self) is not self:
                return
        except QueueError:                 # the lock, the disk: what is done is done, the rest later
            self.begin()
            self.chore.at = time.monotonic() + LATER
            raise
        assert self._pass is not None
        done, left = self._pass.done, self._pass.left()
        self._log(f"{done.rows} rows are under the key {self._queue.vault.key_id} now"
                  + (f", {left} handlers and jobs are not: {done.reason or 'they run'}" if left else ""))
        self._steps = None
        self._pass = self._pass if left else None
        self.chore.at = time.monotonic() + AGAIN
