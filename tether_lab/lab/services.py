"""Services: jobs meant to run for ever, with messages in both directions, shown apart from jobs."""

from __future__ import annotations

import time
import uuid as uuids
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from tether_lab.errors import BadRequest, OptionError, WaitTimeout
from tether_lab.job import Event, JobOptions, check_payload
from tether_lab.job.duration import seconds, words
from tether_lab.job.options import OPTIONS, read_options
from tether_lab.job.service import QUEUE, ServiceRow
from tether_lab.worker.payload import Payload, read_payload
from tether_lab.worker.services import options_of, payload_of

from . import clock
from .door import door
from .enqueue import find, new_jobs
from .watch import LOOK_AGAIN

if TYPE_CHECKING:
    from .job import Job
    from .lab import Lab

MEANT = ("memory", "max_output", "tags", "description", "meta", "seed")
"""Options of jobs that have a meaning for what never ends."""
SHORTEST = 0.05
HAPPENED = {"started": "started", "retrying": "restarting", "cancelled": "stopped", "failed": "died",
            "crashed": "died", "succeeded": "died", "timed_out": "died", "lost": "died",
            "sent": "event"}


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """Something that a service said (``event``: ``value`` is what ``ctx.send_event`` was given; ``notified``)
    or that happened to it (``started``, ``died``, ``restarting``, ``stopped`` …)."""

    id: int
    kind: str
    at: datetime
    value: Any
    detail: Mapping[str, Any]

    @classmethod
    def of(cls, event: Event) -> ServiceEvent:
        return cls(event.id, HAPPENED.get(event.kind, event.kind), datetime.fromtimestamp(event.at / 1e6, UTC),
                   event.detail.get("value", event.detail.get("text")), event.detail)


class ServiceEvents(Iterator[ServiceEvent], AsyncIterator[ServiceEvent]):
    """What a service says and what happens to it, as it comes: ``for`` and ``async for``, until you stop
    asking. Events are kept: ``after`` goes on behind the last one that was seen."""

    def __init__(self, lab: Lab, name: str, after: int | None) -> None:
        from tether_lab.job_queue import services

        row = services.get(lab.queue, name)
        self._lab, self._name, self._job_id = lab, name, row.job_id
        self._after = services.last_event(lab.queue, row.job_id) if after is None else after
        self._changes = lab.changes()
        self._ready: list[ServiceEvent] = []

    def __iter__(self) -> Self:
        return self

    def __aiter__(self) -> Self:
        return self

    def __next__(self) -> ServiceEvent:
        while not self._read():
            self._changes.wait(LOOK_AGAIN)
        return self._ready.pop(0)

    async def __anext__(self) -> ServiceEvent:
        import asyncio

        while not await asyncio.to_thread(self._read):
            await self._changes.wait_async(LOOK_AGAIN)
        return self._ready.pop(0)

    def _read(self) -> bool:
        from tether_lab.job_queue import read

        if not self._ready and self._job_id is not None:
            found = read.events(self._lab.queue, self._job_id, self._after)
            self._after = found[-1].id if found else self._after
            self._ready = [ServiceEvent.of(event) for event in found]
        return bool(self._ready)

    def close(self) -> None:
        """Stop listening."""
        self._changes.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


@door
class ServiceHandle:
    """A service: ``.status``, ``.send(message)``, ``.events()``, ``.stop()``, ``.restart()``, ``.remove()``,
    ``.job`` (what runs: its output, its attempts)."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name

    @property
    def row(self) -> ServiceRow:
        """As it stands. Raises ServiceNotFound once it was removed."""
        from tether_lab.job_queue import services

        return services.get(self.lab.queue, self.name)

    @property
    def status(self) -> str:
        """starting, running, restarting or stopped."""
        return self.row.status

    @property
    def text(self) -> str:
        """What it says of itself at this moment."""
        return self.row.text(clock.now())

    @property
    def job(self) -> Job:
        """The job that it runs as, for its output and its stack."""
        from .job import Job

        return Job(self.lab, self.row.job_id or 0)

    def send(self, message: object) -> int:
        """A message, after all earlier ones; kept until the service is done with it. Its number."""
        from tether_lab.job_queue import services

        body = check_payload({"message": message}, largest=self.lab.settings.payload_limit)
        number = services.tell(self.lab.queue, self.name, body)
        self.lab.waker.wake()
        return number

    def events(self, after: int | None = None) -> ServiceEvents:
        """What it says from now on (``after=0``: from the beginning)."""
        return ServiceEvents(self.lab, self.name, after)

    def history(self, limit: int = 20) -> list[ServiceEvent]:
        """The last things that it said or that happened to it, oldest first."""
        from tether_lab.job_queue import read

        row = self.row
        found = read.events(self.lab.queue, row.job_id) if row.job_id else []
        return [ServiceEvent.of(event) for event in found[-limit:]]

    def stop(self, *, force: bool = False) -> ServiceHandle:
        """It is asked to end, and stays down; ``force``: at once."""
        from tether_lab.job_queue import services

        services.stop(self.lab.queue, self.name, force=force)
        self.lab.waker.nudge()
        return self

    def start(self, *, again: bool = False) -> ServiceHandle:
        """As it was said last; ``again``: also if it runs already."""
        _start(self.lab, self.row, again=again)
        return self

    def restart(self) -> ServiceHandle:
        """End what runs and start again, with the newest version of its handler."""
        return self.start(again=True)

    def remove(self) -> None:
        """Forget a stopped service, with its messages and its history."""
        from tether_lab.job_queue import services

        services.remove(self.lab.queue, self.name)

    def wait(self, status: str = "running", timeout: object = "60s") -> ServiceHandle:
        """Until it is ``running`` (or ``stopped``). Raises WaitTimeout."""
        deadline = time.monotonic() + seconds(timeout, what="timeout")
        with self.lab.changes() as changes:
            while (row := self.row).status != status:
                if time.monotonic() > deadline:
                    raise WaitTimeout(f"the service {self.name} is {row.status}, not {status}, after "
                                      f"{words(seconds(timeout))}" + (f": {row.error}" if row.error else ""))
                if row.wanted:
                    self.lab.ensure_worker()
                changes.wait(min(LOOK_AGAIN, 0.2))
        return self

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from tether_lab.views import services as view

        return view.bundle(self.row, [(e.at, e.kind, e.value) for e in self.history(6)], clock.now())

    def __repr__(self) -> str:
        return f"<Service {self.name}>"


class Services(list[ServiceHandle]):
    """Services, shown as a table."""

    def __init__(self, lab: Lab) -> None:
        from tether_lab.job_queue import services

        self.rows = services.services(lab.queue)
        super().__init__(ServiceHandle(lab, row.name) for row in self.rows)

    def __repr__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from tether_lab.views import services as view

        return view.table_bundle(self.rows, clock.now())


def start_service(lab: Lab, name: str, key: str, payload: object, update_interval: object, title: str | None,
                  body: str, again: bool, given: Mapping[str, Any]) -> ServiceHandle:
    """Say what the service is, and start it. The same again changes nothing; anything else, or new code of
    its handler, starts a running one again. Raises UnknownHandler, OptionError, PayloadError."""
    name = _name(name)
    handler = find(lab, key)
    version = lab.version(handler.head)
    strange = sorted({word for word, value in given.items() if value is not None} - set(MEANT))
    if strange:
        read_options(given)
        raise OptionError(f"{strange[0]}: it means nothing to what runs for ever", where=strange[0],
                          remedy=f"It takes {', '.join(MEANT)}.")
    usual = JobOptions.from_json(handler.options)
    if lab.settings.encrypt or usual.encrypt or usual.secret:
        raise OptionError("a service is not encrypted: its payload and its messages stand in clear",
                          where="encrypt", remedy="Use a handler without encrypt and secret, in a lab "
                          "without the setting encrypt.")
    every = _every(update_interval)
    options = _lasting(read_options(given, base=JobOptions.from_json(handler.options)))
    read_payload(payload, version, handler.defaults, lab.blob_store, plain=True,
                           limit=lab.settings.payload_limit)
    known = next((row for row in _all(lab) if row.name == name), None)
    row = ServiceRow(
        id=0, uuid=known.uuid if known else str(uuids.uuid4()), name=name, key=handler.key,
        payload=check_payload(payload or {}), options=options.to_json(), update_every=round(every * 1e6),
        title=str(title or name)[:200], body=str(body)[:500], note="", note_at=0, wanted=True,
        job_id=known.job_id if known else None, started_epoch=0, changed_at=0, created_at=0, key_id="", mac=b"",
        state=None, epoch=0, run_at=None, error=None, started_at=None, pid=None, ending=False, messages=0)
    _start(lab, row, again=again)
    return ServiceHandle(lab, name)


def _start(lab: Lab, row: ServiceRow, *, again: bool) -> None:
    from tether_lab.job_queue import services
    from tether_lab.vault import signing

    handler = find(lab, row.key)
    version = lab.version(handler.head)
    fields_ = signing.service_fields(lab.uuid, row)
    row = replace(row, key_id=lab.vault.key_id, mac=lab.vault.sign(signing.SERVICE, *fields_))
    _let_it_end(lab, row)
    if row.job_id is not None:
        again = again or lab.read_row(row.job_id).handler_id != version.id
    options = JobOptions.from_json(options_of(row))
    (job,) = new_jobs(lab, version, [Payload(payload_of(row, handler.defaults))], options)
    services.start(lab.queue, row, replace(job, max_attempts=1_000_000_000, queue=QUEUE), again=again)
    lab.waker.wake()


def _let_it_end(lab: Lab, row: ServiceRow) -> None:
    """One that is being stopped is let go first; then it can start again."""
    deadline = time.monotonic() + lab.settings.cancel_grace + 5.0
    with lab.changes() as changes:
        while any(known.ending for known in _all(lab) if known.name == row.name):
            if time.monotonic() > deadline:
                raise BadRequest(f"the service {row.name} is still ending", where=row.name,
                                 remedy="Wait, or end it at once: stop(force=True).")
            lab.ensure_worker()
            changes.wait(0.2)


def _all(lab: Lab) -> list[ServiceRow]:
    from tether_lab.job_queue import services

    return services.services(lab.queue)


def _lasting(options: JobOptions) -> JobOptions:
    """Without what the handler says about jobs that end."""
    blank = JobOptions()
    gone = {option.name for option in OPTIONS} - set(MEANT)
    return replace(options, **{f.name: getattr(blank, f.name) for f in fields(JobOptions) if f.name in gone})


def _every(value: object) -> float:
    try:
        every = seconds(value, what="update_interval")
    except ValueError as error:
        raise OptionError(str(error), where="update_interval") from None
    if not SHORTEST <= every <= 366 * 86400:
        raise OptionError(f"update_interval: {value!r}; from {SHORTEST:g} s to a year", where="update_interval")
    return every


def _name(name: object) -> str:
    if not isinstance(name, str) or not name.strip() or len(name) > 200 or "\0" in name:
        raise OptionError(f"name: {name!r:.60}", where="name", remedy="A text of 1 to 200 characters.")
    return name
