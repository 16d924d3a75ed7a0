"""The word that something was committed: the time of a small file in ``run/``.

A write-ahead log is written before its commit can be seen (with ``durability="power"`` a whole fsync
before), so whoever watches the log looks too early and hears nothing more. So every commit sets the
time of a beacon afterwards: ``asked`` by kernels, servers and terminals, which is what the worker
watches, ``answered`` by the worker; watchers listen to both. A lost word costs a second, never a job.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

ASKED, ANSWERED = "asked", "answered"
SILENCE = 0.01
"""Seconds without a word after which the worker, if it has nothing to do, is asleep."""
_let_others_run = getattr(os, "sched_yield", lambda: None)


class Beacon:
    """The one that a process lights."""

    def __init__(self, run: Path, name: str) -> None:
        self._run, self._name = run, name
        self._untold, self._told_at = False, 0.0

    def written(self, *, tell: bool) -> None:
        """Something was committed: say so, or leave it to ``catch_up``."""
        self._untold = True
        if tell:
            self.catch_up()

    def catch_up(self) -> None:
        """Say what was not said yet. A worker that was asleep may have to begin where we run: after a silence
        it is let go first, which is an eighth of the way to the first line of a job."""
        if self._untold:
            self._untold = False
            tell(self._run, self._name)
            before, self._told_at = self._told_at, time.monotonic()
            if self._name == ASKED and self._told_at > before + SILENCE:
                _let_others_run()


def tell(run: Path, name: str) -> None:
    """Set the time of a beacon: what was committed can be seen now."""
    path, now = f"{run}{os.sep}{name}", time.time_ns()
    # Given, because the kernel's own idea of now stands still for milliseconds.
    try:
        os.utime(path, ns=(now, now))
    except FileNotFoundError:
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            os.utime(path, ns=(now, now))
    except OSError:
        return
