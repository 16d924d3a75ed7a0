"""What ran: a row for every attempt, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tether_lab.job import State

from . import clock
from .listing import filters

if TYPE_CHECKING:
    from .lab import Lab


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt. ``status`` is where its job stands now, ``outcome`` how this attempt ended (None: it
    runs); times are UTC µs, ``duration_ms`` is None while it runs."""

    job_id: int
    key: str
    attempt: int
    outcome: str | None
    started_at: int
    finished_at: int | None
    error: str | None
    status: State

    @property
    def duration_ms(self) -> float | None:
        return None if self.finished_at is None else max(0, self.finished_at - self.started_at) / 1000


class History(list[Run]):
    """Runs that show as a table."""

    def __repr__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:  # noqa: ARG002 — IPython passes both
        from tether_lab.views.mime import table_bundle

        return table_bundle(self.table())

    def table(self) -> Any:
        """As a table of the views."""
        from tether_lab.views.tables import history_table

        return history_table(self, clock.now())


def history(lab: Lab, key: str | None, *, status: str | State | Iterable[str] | None, since: object,
            limit: int | None) -> History:
    """The attempts that fit. Raises BadRequest for a wrong filter."""
    from tether_lab.job_queue import read

    chosen = filters(status=status, key=key, since=since, limit=limit)
    rows = read.runs(lab.queue, states=chosen["states"], key=key, since=chosen["since"],
                     limit=chosen["limit"])
    return History(Run(job, name, attempt, outcome, started, finished, error, State(state))
                   for job, name, attempt, outcome, started, finished, error, state in rows)
