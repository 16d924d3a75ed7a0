"""``lab.frames``: what the lab knows, as tidy pandas frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadRequest
from tether_lab.job import State
from tether_lab.job_queue.frame_columns import described
from tether_lab.job_queue.frames import Filters
from tether_lab.outcome.outcome import NAMES

from . import clock
from .listing import which

if TYPE_CHECKING:
    import pandas as pd

    from .job import Job
    from .lab import Lab

Words = str | Iterable[str] | None


class Frames:
    """Frames of jobs, attempts, events and outputs. All take the same filters, which SQLite applies:

    ``since``, ``until``: moments (datetime, ``"2026-03-01T09:30"``) or spans back from now (``"7d"``);
    ``key``: one or several job keys; ``tag``; ``job``: one job. ``limit`` keeps the newest rows.
    ``columns``: ``"core"``, ``"all"`` or a list of names, as listed below (core ones have a star).
    """

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def __repr__(self) -> str:
        return f"<frames of the lab {self._lab.name}: jobs(), attempts(), events(), outputs(), schedules()>"

    def jobs(self, since: object = None, until: object = None, key: Words = None,
             status: str | State | Iterable[str] | None = None, tag: str | None = None,
             columns: str | Iterable[str] = "core", limit: int | None = None, *,
             job: int | Job | None = None) -> pd.DataFrame:
        """One row a job, by the moment it was enqueued. ``status`` takes words and groups
        (``"failed"``, ``"waiting,running"``). Raises BadRequest."""
        found = which(status)
        words = None if found is None else sorted(str(state) for state in found)
        return self._load("jobs", since, until, key, words, tag, columns, limit, job)

    def attempts(self, since: object = None, until: object = None, key: Words = None, outcome: Words = None,
                 tag: str | None = None, columns: str | Iterable[str] = "core", limit: int | None = None, *,
                 job: int | Job | None = None) -> pd.DataFrame:
        """One row an attempt, by the moment it began; a job's attempts stand together. ``outcome``:
        running, succeeded, failed, timed_out, cancelled, snoozed, crashed, lost, interrupted."""
        words = _among("outcome", outcome, ("running", *NAMES.values()))
        return self._load("attempts", since, until, key, words, tag, columns, limit, job)

    def events(self, since: object = None, until: object = None, key: Words = None, event: Words = None,
               tag: str | None = None, columns: str | Iterable[str] = "core", limit: int | None = None, *,
               job: int | Job | None = None) -> pd.DataFrame:
        """One row an event: started, succeeded, retrying, rescued …"""
        return self._load("events", since, until, key, _words(event), tag, columns, limit, job)

    def outputs(self, since: object = None, until: object = None, key: Words = None, output: Words = None,
                tag: str | None = None, columns: str | Iterable[str] = "core", limit: int | None = None, *,
                job: int | Job | None = None) -> pd.DataFrame:
        """One row a piece of output. ``output``: stream, display_data, execute_result, error …"""
        return self._load("outputs", since, until, key, _words(output), tag, columns, limit, job)

    def schedules(self) -> pd.DataFrame:
        """One row a schedule, by its next fire: its rule, its status, what became of its last fire."""
        from tether_lab.analytics import schedules

        return schedules.load(self._lab.queue)

    def _load(self, name: str, since: object, until: object, key: Words, words: list[str] | None,
              tag: str | None, columns: str | Iterable[str], limit: int | None,
              job: int | Job | None) -> pd.DataFrame:
        from tether_lab.analytics import frames

        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
            raise BadRequest(f"limit is {limit!r}", remedy="Give a whole number, 0 or more.", where="limit")
        present = clock.now()
        return frames.load(self._lab.queue, name, Filters(
            since=clock.since(since, present=present), until=clock.since(until, present=present),
            keys=_words(key), words=words, tag=tag, job=None if job is None else int(job), limit=limit,
        ), columns)


def _words(given: Words) -> list[str] | None:
    """One word or several, as a list."""
    if given is None:
        return None
    return [given] if isinstance(given, str) else [str(word) for word in given]


def _among(name: str, given: Words, accepted: tuple[str, ...]) -> list[str] | None:
    words = _words(given)
    for word in words or ():
        if word not in accepted:
            raise BadRequest(f"there is no {name} {word!r}", where=name,
                             remedy=f"Accepted: {', '.join(accepted)}.")
    return words


def _describe(**methods: Any) -> None:
    for name, method in methods.items():
        method.__doc__ = f"{method.__doc__}\n\nColumns:\n\n{described(name)}\n"


_describe(jobs=Frames.jobs, attempts=Frames.attempts, events=Frames.events, outputs=Frames.outputs)
