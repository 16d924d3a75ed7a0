"""How many jobs stand where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tether_lab.job import GROUPS, State

if TYPE_CHECKING:
    from .lab import Lab


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts. ``states`` has every status, ``groups`` their sums (waiting, final, active,
    unfinished); ``handlers`` is how many keys are registered, ``next_due`` UTC µs or None."""

    states: Mapping[State, int]
    groups: Mapping[str, int]
    handlers: int
    next_due: int | None
    worker: str

    @property
    def total(self) -> int:
        """All jobs."""
        return sum(self.states.values())

    def __getitem__(self, name: str) -> int:
        """``stats["running"]``, ``stats["waiting"]``."""
        return self.groups[name] if name in self.groups else self.states[State(name)]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:  # noqa: ARG002 — IPython passes both
        from tether_lab.views.mime import table_bundle
        from tether_lab.views.tables import counts_table

        extra = [("handlers", str(self.handlers)), ("worker", self.worker)]
        return table_bundle(counts_table(self.states, extra))


def stats(lab: Lab) -> Stats:
    """The counts of this moment."""
    from tether_lab.job_queue import handlers, read

    counted = read.counts(lab.queue)
    found = {state: counted.get(state, 0) for state in State}
    groups = {name: sum(found[state] for state in members) for name, members in GROUPS.items()}
    return Stats(found, groups, len(handlers.handlers(lab.queue)), read.next_due(lab.queue),
                 lab.worker.status().state)
