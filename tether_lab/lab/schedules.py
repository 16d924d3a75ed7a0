"""Schedules: rules that enqueue jobs in time, with no kernel and no Jupyter server there."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tether_lab.errors import OptionError
from tether_lab.job import JobOptions
from tether_lab.job.duration import seconds
from tether_lab.job.policies.cron import Cron
from tether_lab.job.policies.schedule import Rule, local_zone, when
from tether_lab.job.schedule import Fire, ScheduleRow
from tether_lab.worker.new_jobs import check_output, options_of
from tether_lab.worker.payload import read_payload

from . import clock
from .door import door
from .enqueue import find
from .notebooks import check_kernel

if TYPE_CHECKING:
    from tether_lab.job import Handler

    from .job import Job
    from .lab import Lab

SECOND = 1_000_000
RULE = ("interval", "cron", "tz", "jitter", "start", "end", "overlap", "misfire", "misfire_grace")
"""Keywords that say when; all others are options of the jobs."""


@door
class Schedule:
    """A schedule: ``.status``, ``.next_fires(5)``, ``.pause()``, ``.resume()``, ``.run_now()``,
    ``.reschedule(interval="1h")``, ``.unschedule()``, ``.fires()``."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name

    @property
    def row(self) -> ScheduleRow:
        """As it stands. Raises ScheduleNotFound once it was removed."""
        from tether_lab.job_queue import schedules

        return schedules.get(self.lab.queue, self.name)

    @property
    def key(self) -> str:
        """The handler whose newest version its jobs run."""
        return self.row.key

    @property
    def payload(self) -> dict[str, Any]:
        """What its jobs are given; secret fields by their length only. Raises KeyMissing if it is encrypted,
        and the key is not here."""
        from tether_lab.job_queue import sealed

        return sealed.for_people(self.lab.queue, self.row, "schedule")

    @property
    def status(self) -> str:
        """active, paused or over."""
        return self.row.status

    @property
    def next_at(self) -> datetime | None:
        """The next fire, in UTC; None if it is paused or over."""
        row = self.row
        return None if row.paused or row.next_at is None else _moment(row.next_at)

    def next_fires(self, n: int = 5) -> list[datetime]:
        """The next n moments, in the schedule's time zone; fewer if it ends before."""
        return next_fires(self.row, clock.now(), n)

    def fires(self, limit: int = 20) -> list[Fire]:
        """What became of its last fires, newest first."""
        from tether_lab.job_queue import schedules

        return schedules.fires(self.lab.queue, self.row, limit)

    def pause(self) -> Schedule:
        """Fire no more until ``resume``; what would have fired meanwhile is no misfire."""
        return self._paused(True)

    def resume(self) -> Schedule:
        """Go on with the first fire from now."""
        return self._paused(False)

    def run_now(self) -> Job:
        """A job of it now, beside its rule."""
        from tether_lab.job_queue import schedules
        from tether_lab.worker.schedules import job_of

        from .job import Job

        row, now = self.row, clock.now()
        job_id = schedules.ask(self.lab.queue, row, job_of(self.lab.queue, self.lab.vault, row, now, now), now)
        self.lab.waker.wake()
        return Job(self.lab, job_id)

    def reschedule(self, *, payload: object = None, **changes: Any) -> Schedule:
        """The same jobs at other times: any of interval, cron, tz, jitter, start, end, overlap,
        misfire, misfire_grace. ``payload`` takes the place of what they were given. Raises OptionError,
        PayloadError; then nothing was written."""
        from tether_lab.job_queue import sealed

        row = self.row
        strange = sorted(set(changes) - set(RULE))
        if strange:
            raise OptionError(f"reschedule: {strange[0]!r} does not say when", where=strange[0],
                              remedy=f"Accepted: payload, {', '.join(RULE)}. lab.schedule({row.key!r}, …) "
                                     "replaces all.")
        text = (sealed.opened(self.lab.queue, row.payload, "schedule", "payload", row.uuid) if payload is None
                else _checked(self.lab, find(self.lab, row.key), JobOptions.from_json(row.options), payload))
        return _put(self.lab, self.name, row.key, rule_of(changes, clock.now(), base=row.rule), text,
                    row.options, uuid=row.uuid)

    def unschedule(self) -> None:
        """Remove it. Its jobs stay."""
        from tether_lab.job_queue import schedules

        schedules.remove(self.lab.queue, self.row)
        self.lab.waker.nudge()

    def _paused(self, paused: bool) -> Schedule:
        from tether_lab.job_queue import schedules

        schedules.pause(self.lab.queue, self.row, paused=paused, now=clock.now())
        self.lab.waker.wake()
        return self

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from tether_lab.views import schedules as view

        row = self.row
        return view.bundle(view.card(row, next_fires(row, clock.now(), 5), self.fires(5), clock.now()))

    def __repr__(self) -> str:
        return f"<Schedule {self.name}>"


class Schedules(list[Schedule]):
    """Schedules, shown as a table."""

    def __init__(self, lab: Lab) -> None:
        from tether_lab.job_queue import schedules

        self.rows = schedules.schedules(lab.queue)
        super().__init__(Schedule(lab, row.name) for row in self.rows)

    def __repr__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from tether_lab.views import schedules as view

        return view.table_bundle(self.rows, clock.now())


def schedule(lab: Lab, key: str, payload: object, name: str | None, given: Mapping[str, Any]) -> Schedule:
    """Add a schedule, or give the one of this name (default: the key) its new rule.

    Raises UnknownHandler, OptionError, PayloadError; then nothing was written.
    """
    said = {word: given[word] for word in RULE if given.get(word) is not None}
    options = {word: value for word, value in given.items() if word not in RULE}
    for word in ("delay", "at", "after"):
        if options.get(word) is not None:
            raise OptionError(f"{word} and a schedule do not go together", where=word,
                              remedy="lab.schedule_at and lab.schedule_delayed enqueue one job for later.")
    handler = find(lab, key)
    key = handler.key
    wanted = options_of(options, JobOptions.from_json(handler.options), encrypt=lab.settings.encrypt)
    rule = rule_of(said, clock.now())
    if rule.overlap in ("queue", "cancel") and wanted.concurrency is not None:
        raise OptionError(f"overlap={rule.overlap!r} and concurrency do not go together", where="overlap",
                          remedy="Use overlap='allow'; concurrency then says how many run at once.")
    return _put(lab, _name(name or key), key, rule, _checked(lab, handler, wanted, payload), wanted.to_json())


def _checked(lab: Lab, handler: Handler, wanted: JobOptions, payload: object) -> str:
    """The payload as it is stored; its handler's newest version takes it."""
    from tether_lab.job import check_payload

    version = lab.version(handler.head)
    if version.kind == "notebook":
        check_kernel(version, wanted)
    read = read_payload(payload, version, handler.defaults, lab.blob_store,
                        limit=lab.settings.payload_limit, plain=True)
    check_output(wanted, version, read.text)
    return check_payload(payload or {})


def rule_of(said: Mapping[str, Any], now: int, base: Rule | None = None) -> Rule:
    """The rule that these keywords say, on top of ``base``. Raises OptionError."""
    old = base or Rule(interval=SECOND)
    tz = said["tz"] if "tz" in said else base.tz if base else local_zone()
    same = base is not None and not {"interval", "cron"} & set(said)
    interval, cron = (old.interval, old.cron) if same else (None, None)
    if said.get("cron") is not None:
        cron = (said["cron"] if isinstance(said["cron"], Cron) else Cron(said["cron"])).expression
    if said.get("interval") is not None:
        interval = _span(said["interval"], "interval")
    start = when(said["start"], tz, "start") if "start" in said else old.start
    rule = Rule(
        interval=interval, cron=cron, tz=tz,
        jitter=_span(said["jitter"], "jitter") if "jitter" in said else old.jitter,
        anchor=start if start is not None else old.anchor or now, start=start,
        end=when(said["end"], tz, "end") if "end" in said else old.end,
        overlap=said.get("overlap", old.overlap), misfire=said.get("misfire", old.misfire),
        grace=_span(said["misfire_grace"], "misfire_grace") if "misfire_grace" in said else old.grace)
    if rule.never(now):
        raise OptionError("this schedule would never fire", where="end" if rule.end else "cron",
                          remedy="Its end has passed, or nothing of it lies between start and end.")
    return rule


def next_fires(row: ScheduleRow, now: int, n: int) -> list[datetime]:
    """The next n moments in the schedule's zone; none while it is paused."""
    from itertools import islice

    from tether_lab.job.policies.cron import zone

    if row.paused or row.next_at is None:
        return []
    first = min(row.next_at, now + 1)
    return [_moment(at).astimezone(zone(row.rule.tz)) for at in islice(row.rule.fires(first - 1), n)]


def _put(lab: Lab, name: str, key: str, rule: Rule, payload: str, options: str, *,
         uuid: str | None = None) -> Schedule:
    from tether_lab.job_queue import schedules, sealed
    from tether_lab.vault import signing

    known = schedules.find(lab.queue, name)
    uuid = uuid or (known.uuid if known else str(uuids.uuid4()))
    if known is not None and rule.interval == known.rule.interval and rule.start is None:
        rule = _anchored(rule, known.rule.anchor)      # the same cell run again moves nothing
    mac = lab.vault.sign(signing.SCHEDULE, *signing.schedule_fields(
        lab.uuid, uuid, name, key, rule.to_json(), payload, options))
    now = clock.now()
    wanted = JobOptions.from_json(options)
    if wanted.encrypt or wanted.secret:
        payload = sealed.close(lab.queue, payload, "schedule", "payload", uuid)
    row = ScheduleRow(0, uuid, name, key, rule, payload, options, rule.after(now), False, None, now, now,
                      lab.vault.key_id, mac)
    schedules.put(lab.queue, row, now=now)
    lab.waker.wake()
    return Schedule(lab, name)


def _anchored(rule: Rule, anchor: int) -> Rule:
    from dataclasses import replace

    return replace(rule, anchor=anchor)


def _span(value: object, what: str) -> int:
    try:
        return round(seconds(value, what=what) * SECOND)
    except ValueError as error:
        raise OptionError(f"{what}: {error}", where=what) from None


def _name(name: str) -> str:
    if not isinstance(name, str) or not name.strip() or len(name) > 200 or "\0" in name:
        raise OptionError(f"name: {name!r:.60}", where="name", remedy="A text of 1 to 200 characters.")
    return name


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1e6, UTC)
