"""Job processes that said that all is done, until they are gone: nobody waits for them, but none may stay."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .process import Process

if TYPE_CHECKING:
    from .pool import Pool

WITHIN = 5.0
"""Seconds that a process gets to go after it said how its job ended."""


class Leaving:
    """By token, each with the pool that it came from."""

    def __init__(self) -> None:
        self._processes: dict[int, tuple[float, Process, Pool]] = {}

    def see_off(self, process: Process, pool: Pool) -> None:
        """It is on its way; its descriptors may be closed."""
        self._processes[process.token] = time.monotonic() + WITHIN, process, pool

    def gone(self, token: int) -> None:
        """Its parent has reaped it."""
        self._processes.pop(token, None)

    def reaped(self, pid: int) -> bool:
        """A child of the supervisor itself was reaped: was it one of these?"""
        found = [token for token, (_, process, _) in self._processes.items() if process.pid == pid]
        for token in found:
            self.gone(token)
        return bool(found)

    def lost(self, pool: Pool) -> None:
        """The zygote of this pool died, and its children with it."""
        for token in [token for token, (*_, of) in self._processes.items() if of is pool]:
            self.gone(token)

    def tend(self, now: float) -> None:
        """Kill those that do not go."""
        for token, (due, process, _) in list(self._processes.items()):
            if now < due:
                return                 # the others came later
            process.kill()
            self.gone(token)
