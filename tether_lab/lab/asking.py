"""The verbs of ``Lab`` that ask: jobs, counts, history, frames, figures, watching."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tether_lab.job import JobRow, State

from .door import door
from .job import Job
from .verbs import Verbs
from .watch import Watch

if TYPE_CHECKING:
    from .batch import Batch
    from .chain import Chain
    from .figures import Figures
    from .frames import Frames
    from .history import History
    from .listing import Jobs
    from .monitor import Monitor
    from .stats import Stats

Status = str | State | Iterable[str]


@door
class Asking(Verbs):
    """What ``Lab`` can tell."""

    def get(self, job_id: int | Job) -> Job:
        """The job with this id. Raises JobNotFound."""
        self._lab.read_row(int(job_id))
        return Job(self._lab, int(job_id))

    def jobs(self, status: Status | None = None, *, key: str | None = None, tag: str | None = None,
             queue: str | None = None, chain: int | Chain | None = None, batch: int | Batch | None = None,
             search: str | None = None, since: object = None, limit: int | None = 100, offset: int = 0,
             order: str = "newest") -> Jobs:
        """The jobs that fit all filters; shows as a table. ``status`` takes words and groups
        (``"failed"``, ``"waiting,running"``), ``since`` a datetime or a span back (``"2h"``), ``search`` a
        text that stands in the key, a tag, the description, the error or the payload (what is encrypted is
        not searched). Raises BadRequest, and JobNotFound for a chain or batch that does not exist."""
        from . import clock
        from .listing import Jobs

        rows = self._lab.rows(status, key=key, tag=tag, queue=queue, chain=chain, batch=batch, search=search,
                              since=since, limit=limit, offset=offset, order=order)
        return Jobs((Job(self._lab, row.id) for row in rows), rows, clock.now())

    def rows(self, status: Status | None = None, *, key: str | None = None, tag: str | None = None,
             queue: str | None = None, chain: int | Chain | None = None, batch: int | Batch | None = None,
             search: str | None = None, since: object = None, limit: int | None = 100, offset: int = 0,
             order: str = "newest") -> list[JobRow]:
        """``jobs`` as values of this moment."""
        from tether_lab.job_queue import read

        from .listing import filters, groups

        return read.jobs(self._lab.queue, **groups(self._lab, chain, batch), **filters(
            status=status, key=key, tag=tag, queue=queue, search=search, since=since, limit=limit,
            offset=offset, order=order))

    def read_row(self, job_id: int) -> JobRow:
        """A job as a value of this moment. Raises JobNotFound."""
        from tether_lab.job_queue import read

        return read.get(self._lab.queue, job_id)

    def counts(self) -> dict[State, int]:
        """How many jobs stand in each status."""
        from tether_lab.job_queue import read

        return read.counts(self._lab.queue)

    def stats(self, since: object = "1d") -> Stats:
        """Counts by status and group, handlers, the worker; and, of what ran since then, rates, waits and how
        long each key takes: ``lab.stats().keys["train"].usual``, ``.eta``, ``.slower``."""
        from .stats import stats

        return stats(self._lab, since)

    def monitor(self, key: str) -> Monitor:
        """The unfinished jobs of a key, then each of its jobs whenever it changes. For ``for`` and
        ``async for``, until you stop; ``with lab.monitor("train") as rows:`` closes it."""
        from .monitor import Monitor

        return Monitor(self._lab, key)

    def history(self, key: str | None = None, *, status: Status | None = None, since: object = None,
                limit: int | None = 20) -> History:
        """What ran, a row for every attempt, newest first; ``status`` is that of the job."""
        from .history import history

        return history(self._lab, key, status=status, since=since, limit=limit)

    def status(self, key: str) -> Job | None:
        """The newest job of a key; None if there is none."""
        found = self._lab.rows(key=key, limit=1)
        return Job(self._lab, found[0].id) if found else None

    @property
    def frames(self) -> Frames:
        """Tidy pandas frames of all that the lab knows: ``lab.frames.jobs(since="7d")``."""
        from .frames import Frames

        return Frames(self._lab)

    @property
    def figures(self) -> Figures:
        """Plotly figures of what the lab did: ``lab.figures.timeline(since="1d")``."""
        from .figures import Figures

        return Figures(self._lab)

    def report(self, path: str | os.PathLike[str], *, since: object = None, until: object = None,
               key: str | Iterable[str] | None = None, tag: str | None = None, theme: str = "auto") -> Path:
        """Write all figures of a time as one HTML page that needs nothing else: ``lab.report("week.html",
        since="7d")``."""
        from .figures import report

        return report(self._lab, path, since=since, until=until, key=key, tag=tag, theme=theme)

    def usual(self, key: str) -> float | None:
        """Seconds that a job of this key usually takes, looked up at most once a minute."""
        from . import clock
        from .snapshot import usual

        present = clock.now()
        at, value = self._lab.usual_cache.get(key, (0, None))
        if present - at > 60_000_000:
            value = usual(self._lab, key)
            self._lab.usual_cache[key] = (present, value)
        return value

    def watch(self, job_id: int | Job) -> Watch[JobRow]:
        """The row of a job now and after each change; ends when it is final. For ``for`` and
        ``async for``."""
        number = int(job_id)
        self._lab.read_row(number)
        return Watch(self._lab, lambda: self._lab.read_row(number), lambda: self._lab.reader.get(number),
                     is_last=lambda row: row.is_final, wanted=lambda row: not row.is_final)

    def watch_jobs(self, status: Status | None = None, *, key: str | None = None,
                   tag: str | None = None, queue: str | None = None, chain: int | Chain | None = None,
                   batch: int | Batch | None = None, search: str | None = None, since: object = None,
                   limit: int | None = 100, order: str = "newest") -> Watch[list[JobRow]]:
        """Whole lists of rows, now and after each change, until you stop asking."""
        from tether_lab.job_queue import read

        from .listing import filters, groups

        found = {**groups(self._lab, chain, batch), **filters(
            status=status, key=key, tag=tag, queue=queue, search=search, since=since, limit=limit, order=order)}
        lab = self._lab
        return Watch(lab, lambda: read.jobs(lab.queue, **found), lambda: lab.reader.jobs(**found),
                     is_last=lambda _: False, wanted=lambda rows: any(not row.is_final for row in rows))
