"""``Lab``: one queue and what can be asked of it. One method a verb; the verbs are files beside."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from tether_lab.job import Handler, HandlerVersion, JobRow, State
from tether_lab.job.options import read_options

from .door import door
from .handler import RegisteredHandler
from .job import Job
from .opened import OpenLab
from .together import Together
from .watch import Watch

if TYPE_CHECKING:
    from tether_lab.job.extras import Extra
    from tether_lab.worker.pruning import Pruned

    from .cells import CellRequest
    from .figures import Figures
    from .frames import Frames
    from .history import History
    from .limits import QueueState
    from .listing import Jobs
    from .schedules import Schedule, Schedules
    from .stats import Stats

F = TypeVar("F", bound=Callable[..., Any])
Status = str | State | Iterable[str]


@door
class Lab(OpenLab, Together):
    """A lab: a queue of jobs, the handlers they run, and the worker that runs them.

    ``Lab()`` is the user's own; ``Lab("thesis")`` another one by name, ``Lab("./here")`` one in a
    folder. Settings given here beat those of files and environment: ``Lab(runners=2)``. Opening it
    makes what is missing, so the first mistake of a place or a setting shows here.
    """

    # -- handlers ------------------------------------------------------------------------------

    @overload
    def handler(self, key: Callable[..., Any], /) -> RegisteredHandler: ...
    @overload
    def handler(self, key: str | None = None, **options: Any) -> Callable[..., RegisteredHandler]: ...
    def handler(self, key: Any = None, **options: Any) -> Any:
        """Register the function or class below it: ``@lab.handler``, ``@lab.handler("train",
        retries=3, timeout="10m")``. What is left is still callable, and has ``enqueue`` and ``map``."""
        if callable(key):
            return self.register(key)

        def decorate(target: Callable[..., Any]) -> RegisteredHandler:
            return self.register(target, key, **options)

        read_options(options)                # a mistake shows at the line of the decorator
        return decorate

    def register(self, target: Callable[..., Any], key: str | None = None,
                 **options: Any) -> RegisteredHandler:
        """Register a function, or a class with ``execute(self, ctx)``, under ``key`` (default: its
        own ``key``, ``identifier`` or name). Equal code and data reuse the version there is."""
        from .register import register

        return register(self, target, key, read_options(options))

    def is_registered(self, key: str) -> bool:
        """Whether jobs of this key can be enqueued."""
        from tether_lab.job_queue import handlers

        return handlers.head(self.queue, key) is not None

    def handlers(self) -> list[Handler]:
        """Every registered key with its newest version and defaults."""
        from tether_lab.job_queue import handlers

        return handlers.handlers(self.queue)

    def middleware(self, function: F | None = None, *, name: str | None = None, order: int = 0,
                   keys: str | Iterable[str] | None = None) -> Any:
        """Put ``def around(job, call_next)`` (or ``async def``) around every job, or those of ``keys``:
        ``@lab.middleware``. Lower ``order`` is further out. Stored: it acts though the kernel is gone."""
        return self._extra("middleware", function, name=name, order=order, keys=keys)

    def resource(self, name: str | F | None = None, *, scope: str = "job",
                 keys: str | Iterable[str] | None = None) -> Any:
        """What jobs may ask for by the name of a parameter, or with ``ctx.resource``: ``@lab.resource``
        above a function that returns it, or yields it and tidies up after. Built on first use;
        ``scope="runner"``: once a process."""
        function, name = (name, None) if callable(name) else (None, name)
        return self._extra("resource", function, name=name, scope=scope, keys=keys)

    def on_worker_start(self, function: F | None = None, *, name: str | None = None, order: int = 0,
                        keys: str | Iterable[str] | None = None) -> Any:
        """Run first in every job's process, before its handler: ``@lab.on_worker_start``. If it raises,
        the job is tried again later and loses no attempt."""
        return self._extra("start", function, name=name, order=order, keys=keys)

    def extras(self) -> list[Extra]:
        """What acts beside jobs: middleware, resources, what runs first."""
        from .extras import extras

        return extras(self)

    def remove_extra(self, kind: str, name: str) -> None:
        """Remove a ``"middleware"``, ``"resource"`` or ``"start"``: it acts no more from the next attempt."""
        from .extras import remove

        remove(self, kind, name)

    def _extra(self, kind: str, function: Callable[..., Any] | None, **about: Any) -> Any:
        from .extras import add

        if function is not None:
            return add(self, kind, function, **about)
        return lambda target: add(self, kind, target, **about)

    # -- asking for work -----------------------------------------------------------------------

    def enqueue(self, key: str | RegisteredHandler, payload: object = None, **options: Any) -> Job:
        """One job of a registered key. Everything is checked first; then it is on disk.

        Raises UnknownHandler, PayloadError (``where`` says which value), OptionError, CaptureRefused.
        """
        from .enqueue import enqueue

        return Job(self, enqueue(self, _key(key), (payload,), options)[0])

    def enqueue_many(self, key: str | RegisteredHandler, payloads: Iterable[object],
                     **options: Any) -> list[Job]:
        """One job for each payload, in one transaction: all or none."""
        from .enqueue import enqueue

        return [Job(self, number) for number in enqueue(self, _key(key), payloads, options)]

    def submit(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Job:
        """Run ``function(*args, **kwargs)`` once as a job; awaitable. Its key comes from its name."""
        from .submit import submit

        return submit(self, function, args, kwargs)

    def enqueue_command(self, command: str | Sequence[str], *, key: str | None = None,
                        **options: Any) -> Job:
        """A program as a job: a list of arguments, or a text for the shell."""
        from .commands import enqueue_command

        return enqueue_command(self, command, key, options)

    def submit_cell(self, request: CellRequest) -> tuple[Job | None, HandlerVersion, str | None]:
        """What ``%%job`` does: see ``CellRequest``."""
        from .cells import submit_cell

        return submit_cell(self, request)

    # -- asking about work ---------------------------------------------------------------------

    def get(self, job_id: int | Job) -> Job:
        """The job with this id. Raises JobNotFound."""
        self.read_row(int(job_id))
        return Job(self, int(job_id))

    def jobs(self, status: Status | None = None, *, key: str | None = None, tag: str | None = None,
             since: object = None, limit: int | None = 100, offset: int = 0,
             order: str = "newest") -> Jobs:
        """The jobs that fit all filters; shows as a table. ``status`` takes words and groups
        (``"failed"``, ``"waiting,running"``), ``since`` a datetime or a span back (``"2h"``)."""
        from . import clock
        from .listing import Jobs

        rows = self.rows(status, key=key, tag=tag, since=since, limit=limit, offset=offset, order=order)
        return Jobs((Job(self, row.id) for row in rows), rows, clock.now())

    def rows(self, status: Status | None = None, *, key: str | None = None, tag: str | None = None,
             since: object = None, limit: int | None = 100, offset: int = 0,
             order: str = "newest") -> list[JobRow]:
        """``jobs`` as values of this moment."""
        from tether_lab.job_queue import read

        from .listing import filters

        return read.jobs(self.queue, **filters(status=status, key=key, tag=tag, since=since,
                                               limit=limit, offset=offset, order=order))

    def read_row(self, job_id: int) -> JobRow:
        """A job as a value of this moment. Raises JobNotFound."""
        from tether_lab.job_queue import read

        return read.get(self.queue, job_id)

    def counts(self) -> dict[State, int]:
        """How many jobs stand in each status."""
        from tether_lab.job_queue import read

        return read.counts(self.queue)

    def stats(self) -> Stats:
        """Counts by status and group, handlers, the worker."""
        from .stats import stats

        return stats(self)

    def history(self, key: str | None = None, *, status: Status | None = None, since: object = None,
                limit: int | None = 20) -> History:
        """What ran, a row for every attempt, newest first; ``status`` is that of the job."""
        from .history import history

        return history(self, key, status=status, since=since, limit=limit)

    def status(self, key: str) -> Job | None:
        """The newest job of a key; None if there is none."""
        found = self.rows(key=key, limit=1)
        return Job(self, found[0].id) if found else None

    @property
    def frames(self) -> Frames:
        """Tidy pandas frames of all that the lab knows: ``lab.frames.jobs(since="7d")``."""
        from .frames import Frames

        return Frames(self)

    @property
    def figures(self) -> Figures:
        """Plotly figures of what the lab did: ``lab.figures.timeline(since="1d")``."""
        from .figures import Figures

        return Figures(self)

    def report(self, path: str | os.PathLike[str], *, since: object = None, until: object = None,
               key: str | Iterable[str] | None = None, tag: str | None = None, theme: str = "auto") -> Path:
        """Write all figures of a time as one HTML page that needs nothing else: ``lab.report("week.html",
        since="7d")``."""
        from .figures import report

        return report(self, path, since=since, until=until, key=key, tag=tag, theme=theme)

    def usual(self, key: str) -> float | None:
        """Seconds that a job of this key usually takes, looked up at most once a minute."""
        from . import clock
        from .snapshot import usual

        present = clock.now()
        at, value = self._usual.get(key, (0, None))
        if present - at > 60_000_000:
            value = usual(self, key)
            self._usual[key] = (present, value)
        return value

    def watch(self, job_id: int | Job) -> Watch[JobRow]:
        """The row of a job now and after each change; ends when it is final. For ``for`` and
        ``async for``."""
        number = int(job_id)
        self.read_row(number)
        return Watch(self, lambda: self.read_row(number), lambda: self.reader.get(number),
                     is_last=lambda row: row.is_final, wanted=lambda row: not row.is_final)

    def watch_jobs(self, status: Status | None = None, *, key: str | None = None,
                   tag: str | None = None, since: object = None, limit: int | None = 100,
                   order: str = "newest") -> Watch[list[JobRow]]:
        """Whole lists of rows, now and after each change, until you stop asking."""
        from tether_lab.job_queue import read

        from .listing import filters

        found = filters(status=status, key=key, tag=tag, since=since, limit=limit, order=order)
        return Watch(self, lambda: read.jobs(self.queue, **found), lambda: self.reader.jobs(**found),
                     is_last=lambda _: False, wanted=lambda rows: any(not row.is_final for row in rows))

    # -- acting on work ------------------------------------------------------------------------

    def cancel(self, job: int | Job | Iterable[int | Job] | None = None, *, key: str | None = None,
               tag: str | None = None, all: bool = False,  # noqa: A002 — the word people use
               force: bool = False) -> dict[State, int]:
        """Cancel by id (or several), key, tag, or everything; how many there were per prior status."""
        from .cancel import cancel

        return cancel(self, job, key=key, tag=tag, everything=all, force=force)

    def retry(self, job: int | Job, *, with_code: bool = False) -> Job:
        """Run a job that has ended once more. ``with_code``: with its handler's newest version."""
        from .retry import retry

        retry(self, int(job), with_code=with_code)
        return Job(self, int(job))

    def prune(self, older_than: object = None, *, dry_run: bool = False) -> Pruned:
        """Remove ended jobs whose time is over (settings ``retention``, ``retention_failed`` and
        ``retention_size``; or all that ended longer ago than ``older_than``), with their outputs and results.
        The worker does it by itself every hour. ``dry_run`` only counts."""
        from .prune import prune

        return prune(self, older_than, dry_run=dry_run)

    def pause(self, queue: str | None = None) -> None:
        """Start nothing more of this queue (None: of any). What runs goes on; kept until ``resume``."""
        from .limits import pause

        pause(self, queue)

    def resume(self, queue: str | None = None) -> None:
        """End the pause of this queue; None ends every pause."""
        from .limits import resume

        resume(self, queue)

    def queues(self) -> list[QueueState]:
        """Every queue with its weight, whether it is paused, and how many jobs wait in it."""
        from .limits import queues

        return queues(self)

    def prioritise(self, job: int | Job, priority: int) -> Job:
        """Change the priority of a job that waits. Raises BadRequest for one that does not."""
        from .limits import prioritise

        prioritise(self, int(job), priority)
        return Job(self, int(job))

    # -- in time -------------------------------------------------------------------------------

    def schedule(self, key: str | RegisteredHandler, payload: object = None, *, name: str | None = None,
                 interval: object = None, cron: object = None, tz: str | None = None, jitter: object = None,
                 start: object = None, end: object = None, overlap: str | None = None,
                 misfire: str | None = None, misfire_grace: object = None, **options: Any) -> Schedule:
        """Enqueue a job of ``key`` again and again: ``interval="10m"``, or ``cron="0 9 * * MON-FRI"``
        (or ``Cron.weekdays_at(9)``) in ``tz`` (default: this machine's). The same ``name`` (default: the
        key) again changes the schedule. ``overlap``: skip, queue, cancel or allow; ``misfire`` (no worker
        ran at the time): latest, all or none, not later than ``misfire_grace``. Needs no kernel."""
        from .schedules import schedule

        return schedule(self, _key(key), payload, name, {
            "interval": interval, "cron": cron, "tz": tz, "jitter": jitter, "start": start, "end": end,
            "overlap": overlap, "misfire": misfire, "misfire_grace": misfire_grace, **options})

    def schedule_at(self, key: str | RegisteredHandler, when: object, payload: object = None,
                    **options: Any) -> Job:
        """One job at a moment (a datetime or ``"2026-03-01T09:30"``); one that has passed runs now."""
        return self.enqueue(key, payload, at=when, **options)

    def schedule_delayed(self, key: str | RegisteredHandler, delay: object, payload: object = None,
                         **options: Any) -> Job:
        """One job after a while: ``"10m"``, seconds or a timedelta."""
        return self.enqueue(key, payload, delay=delay, **options)

    def schedules(self) -> Schedules:
        """All schedules, the next to fire first; shows as a table."""
        from .schedules import Schedules

        return Schedules(self)

    def get_schedule(self, name: str) -> Schedule:
        """The schedule of this name. Raises ScheduleNotFound."""
        from .schedules import Schedule

        found = Schedule(self, name)
        found.row  # noqa: B018  raises if there is none
        return found

    def unschedule(self, name: str) -> None:
        """Remove a schedule; its jobs stay. Raises ScheduleNotFound."""
        self.get_schedule(name).unschedule()


def _key(key: str | RegisteredHandler) -> str:
    return key.key if isinstance(key, RegisteredHandler) else key
