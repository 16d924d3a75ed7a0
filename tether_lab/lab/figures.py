"""``lab.figures``: what the lab did, as plotly figures."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadRequest

from . import clock

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from .batch import Batch
    from .chain import Chain
    from .job import Job
    from .lab import Lab

ATTEMPTS = ["job_id", "epoch", "attempt", "key", "handler_version", "started_at", "finished_at", "run",
            "outcome",
            "error", "cpu"]
JOBS = ["id", "key", "status", "created_at", "due_at", "started_at", "finished_at", "wait", "run", "turnaround"]


class Figures:
    """Figures of jobs and attempts. All take ``since``, ``until``, ``key``, ``tag`` as ``lab.frames`` does (all
    of the time if left out) and ``theme`` ("light" or "dark"); each is a plotly Figure of its own.
    """

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def __repr__(self) -> str:
        names = [name for name in vars(type(self)) if not name.startswith("_") and name != "save"]
        return f"<figures of the lab {self._lab.name}: {', '.join(f'{name}()' for name in names)}>"

    def timeline(self, *, theme: str = "light", **which: Any) -> go.Figure:
        """What ran when: a bar an attempt (Gantt); of many, how many ran at once."""
        from tether_lab.views.figures import timeline

        return timeline.timeline(self._attempts(**which), theme, _present())

    def throughput(self, *, theme: str = "light", every: str | None = None, **which: Any) -> go.Figure:
        """How many jobs ended, by status. ``every``: the width of a bin, as in ``"1h"``."""
        from tether_lab.views.figures import flow

        return flow.throughput(self._jobs(**which), theme, every)

    def calendar(self, *, theme: str = "light", **which: Any) -> go.Figure:
        """When jobs were enqueued: days by hours; of more than 45 days, weeks by weekdays."""
        from tether_lab.views.figures import flow

        return flow.calendar(self._jobs(**which), theme)

    def depth(self, *, theme: str = "light", every: str | None = None, **which: Any) -> go.Figure:
        """How many jobs waited, ran, and rested between attempts."""
        from tether_lab.views.figures import flow

        return flow.queue_depth(self._jobs(**which), self._attempts(**which), theme, every)

    def percentiles(self, what: str = "run", *, theme: str = "light", every: str | None = None,
                    **which: Any) -> go.Figure:
        """Median and 95th percentile of ``wait``, ``run`` or ``turnaround`` along time."""
        from tether_lab.views.figures import durations

        if what not in ("wait", "run", "turnaround"):
            raise BadRequest(f"there is no duration {what!r}", where="what", remedy="wait, run or turnaround")
        return durations.percentiles(self._jobs(**which), theme, what, every)

    def versions(self, *, theme: str = "light", **which: Any) -> go.Figure:
        """How long successful attempts ran, by handler version."""
        from tether_lab.views.figures import durations

        return durations.by_version(self._attempts(**which), theme)

    def failures(self, *, theme: str = "light", **which: Any) -> go.Figure:
        """What fails most: attempts by error, numbers and quoted parts set aside (Pareto)."""
        from tether_lab.views.figures import failures

        return failures.pareto(self._attempts(**which), theme)

    def failure_rate(self, *, theme: str = "light", **which: Any) -> go.Figure:
        """Which handler version fails, with 95 % intervals."""
        from tether_lab.views.figures import failures

        return failures.failure_rate(self._attempts(**which), theme)

    def attempts_to_success(self, *, theme: str = "light", **which: Any) -> go.Figure:
        """How many attempts the jobs took that succeeded."""
        return self._of_retries("attempts_to_success", theme, which)

    def success_by_attempt(self, *, theme: str = "light", **which: Any) -> go.Figure:
        """The share of first, second, third … attempts that succeeded."""
        return self._of_retries("success_by_attempt", theme, which)

    def time_lost(self, *, theme: str = "light", **which: Any) -> go.Figure:
        """Run time and CPU of attempts that were for nothing, by key."""
        return self._of_retries("time_lost", theme, which)

    def payoff(self, *, theme: str = "light", **which: Any) -> go.Figure:
        """How often the next attempt helped, by key, and what a rescue cost."""
        return self._of_retries("payoff", theme, which)

    def policy(self, key: str, *, failure: object = "10m", theme: str = "light", **which: Any) -> go.Figure:
        """What each number of attempts would have cost for ``key``, a failed job counted as ``failure``."""
        from tether_lab.views.figures import retries

        return retries.policy(self._attempts(key=key, **which), theme, failure, key)

    def backoff(self, job: int | Job, *, theme: str = "light") -> go.Figure:
        """The attempts of one job and the waits between them. Raises JobNotFound."""
        from tether_lab.views.figures import backoff

        row = self._lab.read_row(int(job))
        frame = self._lab.frames.attempts(job=row.id, columns=ATTEMPTS)
        return backoff.backoff(frame, theme, datetime.fromtimestamp(row.created_at / 1e6, UTC), _present())

    def chain(self, chain: int | Chain, *, theme: str = "light") -> go.Figure:
        """The steps of a chain as a graph: what waits for what, and how each stands. Raises JobNotFound."""
        from tether_lab.job_queue import groups
        from tether_lab.views.figures import together

        found = self._lab.get_chain(int(chain))
        return together.chain_graph(found.name, found.rows(), groups.edges(self._lab.queue, found.id),
                                    clock.now(), theme)

    def batch(self, batch: int | Batch, *, theme: str = "light") -> go.Figure:
        """The jobs of a batch as a grid, a square each in the colour of its status. Raises JobNotFound."""
        from tether_lab.job_queue import groups
        from tether_lab.views.figures import together

        found = self._lab.get_batch(int(batch))
        return together.batch_grid(found.name, groups.grid(self._lab.queue, found.id), theme)

    def save(self, figure: go.Figure, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write a figure as one HTML file, or (with kaleido) as a picture: ``.png``, ``.svg``, ``.pdf``."""
        from tether_lab.views.figures import saving

        return saving.save(figure, path, **options)

    def _of_retries(self, name: str, theme: str, which: dict[str, Any]) -> go.Figure:
        from tether_lab.views.figures import retries

        draw: Callable[..., go.Figure] = getattr(retries, name)
        return draw(self._attempts(**which), theme)

    def _jobs(self, since: object = None, until: object = None, key: str | Iterable[str] | None = None,
              tag: str | None = None) -> pd.DataFrame:
        return self._lab.frames.jobs(since, until, key, tag=tag, columns=JOBS)

    def _attempts(self, since: object = None, until: object = None, key: str | Iterable[str] | None = None,
                  tag: str | None = None) -> pd.DataFrame:
        return self._lab.frames.attempts(since, until, key, tag=tag, columns=ATTEMPTS)


def report(lab: Lab, path: str | os.PathLike[str], *, since: object = None, until: object = None,
           key: str | Iterable[str] | None = None, tag: str | None = None, theme: str = "auto") -> Path:
    """Write all figures of a time as one self-contained HTML page; its path."""
    from tether_lab.views.figures import report as drawing, saving

    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise BadRequest(f"a report is an HTML page; {target.name} ends otherwise", where="path",
                         remedy=f"Call it {target.with_suffix('.html').name}.")
    jobs = lab.frames.jobs(since, until, key, tag=tag, columns=JOBS)
    attempts = lab.frames.attempts(since, until, key, tag=tag, columns=ATTEMPTS)
    text = drawing.report(jobs, attempts, title=f"The lab {lab.name}", now=_present(), theme=theme)
    return saving.write_page(target, text)


def _present() -> datetime:
    return datetime.fromtimestamp(clock.now() / 1e6, UTC)
