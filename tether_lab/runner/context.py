"""``ctx``: what user code knows of its job, and the stand-in for it in a kernel.

Loaded by kernels too (``tether_lab.ctx``), so only the standard library is imported here.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tether_lab.job.duration import seconds

from .memos import CHECKPOINT, InMemory, Memos, Steps

if TYPE_CHECKING:
    from .calls import Calls
    from .database import Connection
    from .extras import Extras
    from .services import Inbox, Messages
    from .signals import Signals


class Reporter(Protocol):
    """Where a context sends what user code reports."""

    def progress(self, n: float, total: float | None, message: str) -> None: ...
    def note(self, kind: str, detail: str) -> None: ...


class Log(logging.Logger):
    """``ctx.log("…")`` and ``ctx.log.warning("…")``: text in the job's output, with level and time."""

    def __init__(self, key: str) -> None:
        super().__init__(f"tether_lab.job.{key}" if key else "tether_lab.job", logging.DEBUG)
        handler = _ToStderr()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
        self.addHandler(handler)

    def __call__(self, message: object, *args: object) -> None:
        self.info(message, *args)

    def callHandlers(self, record: logging.LogRecord) -> None:  # noqa: N802 — logging's name
        """Our own, and whatever a job hung on the standard logger ``tether_lab``."""
        super().callHandlers(record)
        for handler in logging.getLogger("tether_lab").handlers:
            if record.levelno >= handler.level:
                handler.handle(record)


class _ToStderr(logging.Handler):
    """Writes to whatever sys.stderr is at the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(self.format(record) + "\n")


class Context:
    """The running job. ``payload`` is the job's input; ``attempt`` counts from 1;
    ``idempotency_key`` is the same in every attempt of this job and in no other job."""

    shared = False                                   # its payload is that of a whole chain
    update_interval: float | None = None             # of a service: seconds between two ticks
    scheduled_for: datetime | None = None            # the moment (UTC) its schedule named, however late it is
    _tmp: Path | None = None
    _db: Connection | None = None
    _asked_for_db = False
    _calls: Calls | None = None
    _extras: Extras | None = None
    _inbox: Inbox | None = None

    def __init__(self, *, id: int, key: str, payload: dict[str, Any], attempt: int,  # noqa: A002
                 max_attempts: int, epoch: int, uuid: str, lab_folder: str | Path | None,
                 reporter: Reporter, signals: Signals | None = None, memos: Memos | None = None) -> None:
        self.id, self.key, self.payload = id, key, payload
        self.attempt, self.max_attempts, self.epoch = attempt, max_attempts, epoch
        self.idempotency_key = uuid
        self._lab_folder, self._reporter, self._signals = lab_folder, reporter, signals
        self._memos = memos or InMemory()
        self.inputs: Mapping[str, Any] = {}      # results of the jobs that it waited for, by name
        self.trigger: Mapping[str, Any] = {}     # what made it: name, kind, files, job, body …

    def __repr__(self) -> str:
        return f"<ctx of job {self.id} ({self.key}), attempt {self.attempt} of {self.max_attempts}>"

    def __reduce__(self) -> tuple[Callable[[], Context], tuple[()]]:
        # A ctx that travels (captured with a notebook's variables) is the ctx of where it arrives.
        return current, ()

    # -- telling -------------------------------------------------------------------------------

    @cached_property
    def log(self) -> Log:
        """``ctx.log("…")``, ``ctx.log.warning("…")``: text in the job's output."""
        return Log(self.key)

    def progress(self, n: float, total: float | str | None = None, message: str = "") -> None:
        """``progress(0.4)``, ``progress(0.4, "loading")`` (a fraction), ``progress(4, 10)`` or
        ``progress(4, 10, "loading")`` (4 of 10). Cheap: call it as often as you like."""
        whole: float | None
        if isinstance(total, str):
            whole, message = None, total
        else:
            whole = None if total is None else float(total)
        if whole is None and 0 <= n <= 1:
            whole = 1.0
        self._reporter.progress(float(n), whole, str(message))

    def notify(self, text: str, *, title: str = "", url: str = "") -> None:
        """Tell whoever watches; kept in the job's history."""
        detail = {"text": str(text)[:4000], "title": str(title)[:200], "url": str(url)[:2000]}
        if self._inbox is not None:
            self.show(str(text), title=title or None)
        self._reporter.note("notified", json.dumps({k: v for k, v in detail.items() if v}))

    def send_event(self, value: object) -> None:
        """An event of your own in the job's history (JSON): ``job.events``, ``lab.watch``."""
        from tether_lab.job.request import check_payload

        self._reporter.note("sent", check_payload({"value": value}, largest=64_000))

    # -- going on where an earlier attempt was ---------------------------------------------------

    def checkpoint(self, value: object) -> None:
        """Keep ``value`` (anything that a result can be): the next attempt finds it in ``restored``.
        On disk when this returns; the newest counts."""
        self._memos.put(CHECKPOINT, value)

    @property
    def restored(self) -> Any:
        """The newest checkpoint of earlier attempts of this job; None at the first."""
        return self._memos.get(CHECKPOINT)

    def step(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """``function(*args, **kwargs)``, once in the life of the job: its result is stored under ``name``
        and a later attempt gets it without running it again. Await it for an ``async def``."""
        return self._steps.run(name, function, args, kwargs)

    @cached_property
    def _steps(self) -> Steps:
        return Steps(self._memos)

    def resource(self, name: str) -> Any:
        """The resource registered under ``name`` (``@lab.resource``), built on first use."""
        if self._calls is None:
            raise RuntimeError("ctx.resource exists in jobs; in a notebook call the resource's function")
        if self._extras is None:
            from tether_lab.errors import BadRequest

            raise BadRequest(f"there is no resource {name!r}", where=name, remedy="@lab.resource makes one.")
        return self._extras.resource(name)

    # -- asking for more work --------------------------------------------------------------------

    def enqueue(self, key: str, payload: dict[str, Any] | None = None, **options: Any) -> int:
        """One job of a registered handler, as ``lab.enqueue`` does it (payload and options are JSON);
        its number. It waits for nothing, and outlives this job. In a kernel it only says so."""
        if self._calls is None:
            sys.stderr.write(f"ctx.enqueue({key!r}): a job would enqueue this; in a notebook use lab.enqueue\n")
            return 0
        return int(self._calls.ask("enqueue", {"key": key, "payload": payload or {}, "options": options}))

    def connect(self, calls: Calls, extras: Extras | None) -> None:
        """For the runner: the way to the lab, resources."""
        self._calls, self._extras = calls, extras
        if self.update_interval is not None:
            from .services import Inbox

            self._inbox = Inbox(calls)

    # -- services --------------------------------------------------------------------------------

    def receive(self, timeout: object = None, *, default: Any = None) -> Any:
        """For a service: the next message, as it was sent; ``default`` if none came in time (seconds, "10s";
        None: wait). It is done with when the next one is asked for: until then a restart brings it again."""
        from .services import NOTHING

        limit = None if timeout is None else max(0.0, seconds(timeout, what="timeout"))
        found = self._mail().receive(limit)
        return default if found is NOTHING else found

    def messages(self) -> Messages:
        """All messages, one after the other: ``for message in service.messages()``, or ``async for``."""
        from .services import Messages

        return Messages(self._mail())

    def show(self, text: str | None = None, *, title: str | None = None, body: str | None = None) -> None:
        """For a service: what it is doing just now (``text``, shown for 10 seconds); ``title`` and ``body``
        stay until they are said anew."""
        if self._calls is None or self.update_interval is None:
            sys.stderr.write(f"{title or self.key}: {text or body or ''}\n")
            return
        self._calls.ask("tell", {"text": text, "title": title, "body": body})

    def _mail(self) -> Inbox:
        if self._inbox is None:
            from tether_lab.errors import BadRequest

            raise BadRequest("only services receive messages", where="ctx.receive",
                             remedy="lab.start_service(name, handler) makes one.")
        return self._inbox

    # -- being told ----------------------------------------------------------------------------

    @property
    def cancelled(self) -> bool:
        """Somebody asked for the end of this job."""
        return self._signals is not None and self._signals.cancelled

    def raise_if_cancelled(self) -> None:
        """Raise JobCancelled if somebody asked for the end: for loops that catch everything."""
        if self._signals is not None:
            self._signals.raise_if_cancelled()

    @property
    def soft_timed_out(self) -> bool:
        """The soft timeout passed; time to save what is there."""
        return self._signals is not None and self._signals.soft_timed_out

    @property
    def shutting_down(self) -> bool:
        """The worker is stopping and waits a while for its jobs."""
        return self._signals is not None and self._signals.shutting_down

    # -- places --------------------------------------------------------------------------------

    @property
    def tmp(self) -> Path:
        """A folder of this attempt alone, removed after it."""
        if self._tmp is None:
            self._tmp = Path(tempfile.mkdtemp(prefix="tether-lab-"))
        return self._tmp

    @property
    def folder(self) -> Path:
        """A folder of this job that stays from attempt to attempt, and afterwards."""
        if self._lab_folder is None:
            return self.tmp
        folder = Path(self._lab_folder) / "jobs" / str(self.id)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    @property
    def db(self) -> Connection:
        """A connection to the lab's database for data of jobs (never the queue). What is not
        committed when the job ends is rolled back."""
        if self._db is None:
            if self._lab_folder is None:
                raise RuntimeError("ctx.db exists in jobs only" if not self.id else
                                   "ctx.db lies with the lab's files, and this job runs on another machine: "
                                   "return the rows, or write them in a job that waits for this one")
            from .database import open_database

            self._asked_for_db = True
            self._db = open_database(Path(self._lab_folder) / "data.db")
        return self._db

    def hint(self, error: BaseException) -> str | None:
        """What to do about an error that ``db`` may have raised."""
        if not self._asked_for_db or self._lab_folder is None:
            return None
        from .database import hint

        return hint(error, Path(self._lab_folder) / "data.db")

    def close(self) -> None:
        """After the attempt: roll back, close, remove."""
        if self._db is not None:
            from .database import close_database

            close_database(self._db)
            self._db = None
        if self._tmp is not None:
            shutil.rmtree(self._tmp, ignore_errors=True)
            self._tmp = None


class KernelReporter:
    """Progress and notices of a cell that runs in a kernel, without ``%%job``: a bar, a line."""

    EVERY = 0.2
    WIDTH = 30

    def __init__(self) -> None:
        self._drawn_at = 0.0

    def progress(self, n: float, total: float | None, message: str) -> None:
        done = total is not None and n >= total
        if not done and time.monotonic() - self._drawn_at < self.EVERY:
            return
        self._drawn_at = time.monotonic()
        if total:
            full = round(self.WIDTH * min(1.0, max(0.0, n / total)))
            bar = f"[{'#' * full}{'-' * (self.WIDTH - full)}] {n / total:.0%}"
        else:
            bar = f"{n:g}"
        sys.stderr.write(f"\r{bar} {message}" + ("\n" if done else ""))
        sys.stderr.flush()

    def note(self, kind: str, detail: str) -> None:
        sys.stderr.write(f"{kind}: {json.loads(detail).get('text', '')}\n")


_current: Context | None = None
_stand_in: Context | None = None


def current() -> Context:
    """The context of the job that this process runs; in any other process the stand-in."""
    global _stand_in
    if _current is not None:
        return _current
    if _stand_in is None:
        _stand_in = Context(id=0, key="", payload={}, attempt=1, max_attempts=1, epoch=0, uuid="",
                            lab_folder=None, reporter=KernelReporter())
    return _stand_in


def enter(context: Context | None) -> None:
    """Make this the context of the process (None: no job runs)."""
    global _current
    _current = context


def running() -> bool:
    """Whether this process runs a job at the moment."""
    return _current is not None
