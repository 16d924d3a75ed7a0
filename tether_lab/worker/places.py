"""How many jobs may run: the lab's runners for ordinary ones, and places beside for hooks and services."""

from __future__ import annotations

from collections.abc import Sequence

from tether_lab.job.hooks import QUEUE as HOOKS_WAIT, is_internal
from tether_lab.job.service import QUEUE as SERVICES_WAIT
from tether_lab.settings import Settings

from .attempts import Attempt
from .dispatch import Prepared
from .hooks import PLACES as HOOKS
from .pools import Pools
from .running import Running


def is_ordinary(one: Prepared | Attempt) -> bool:
    """Whether it takes one of the lab's places: hooks and services have their own."""
    return not one.job.service and not is_internal(one.version.key)


class Places:
    """Counts them anew each time it is asked. ``services``: how many may run at once."""

    def __init__(self, settings: Settings, pools: Pools, running: Running, services: int) -> None:
        self._settings, self._pools, self._running, self._services = settings, pools, running, services

    @property
    def _all(self) -> int:
        return int(min(self._settings.runners, self._pools.places))

    def open(self) -> int:
        """How many no attempt has taken."""
        running = self._running
        return self._all - sum(map(is_ordinary, running.present)) - running.between

    def free(self, waiting: Sequence[Prepared]) -> tuple[int, dict[str, int]]:
        """How many jobs may be claimed now, and how many hooks and services beside them. ``waiting``: what is
        claimed and has no process yet; what came back, or stands by, goes first as well."""
        ahead = self._running.ahead
        taken: list[Prepared | Attempt] = [*self._running.present, *waiting, *ahead.returned, *ahead.standby]
        ours = sum(is_internal(one.version.key) for one in taken)
        lasting = sum(one.job.service for one in taken)
        free = self._all - len(taken) - self._running.between + ours + lasting
        return min(max(0, free), self._settings.claim_batch), {
            HOOKS_WAIT: max(0, HOOKS - ours), SERVICES_WAIT: max(0, self._services - lasting)}
