"""The verb of ``Lab`` that shows it live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .door import door
from .verbs import Verbs

if TYPE_CHECKING:
    from tether_lab.views.dashboard.widget import Dashboard


@door
class Seeing(Verbs):
    """How ``Lab`` is seen."""

    def dashboard(self, status: str | None = None, *, key: str | None = None, queue: str | None = None,
                  tag: str | None = None, tab: str | None = None, rows: int = 25,
                  rate: float = 4.0) -> Dashboard:
        """A live view: numbers, a table of any number of jobs, details, chains, batches, schedules, figures.

        It goes on while a cell runs; its buttons wait for the cell's end. ``status``, ``key``, ``queue``,
        ``tag``: how it opens; ``tab``: jobs, chains, batches, schedules, services, queues, analytics;
        ``rows`` on a page: 10, 25, 50 or 100; ``rate``: looks a second at most. ``.close()`` ends it.
        Raises BadRequest.
        """
        from .dashboard import dashboard

        return dashboard(self._lab, {"status": status, "key": key, "queue": queue, "tag": tag, "tab": tab,
                                     "size": rows}, rate=rate)
