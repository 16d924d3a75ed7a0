"""The verbs of ``Lab`` for time: schedules, and jobs for later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .door import door
from .handler import RegisteredHandler
from .job import Job
from .verbs import Verbs, key_of

if TYPE_CHECKING:
    from .schedules import Schedule, Schedules


@door
class InTime(Verbs):
    """What ``Lab`` can do in time."""

    def schedule(self, key: str | RegisteredHandler, payload: object = None, *, name: str | None = None,
                 interval: object = None, cron: object = None, tz: str | None = None, jitter: object = None,
                 start: object = None, end: object = None, overlap: str | None = None,
                 misfire: str | None = None, misfire_grace: object = None, **options: Any) -> Schedule:
        """Enqueue a job of ``key`` again and again: ``interval="10m"``, or ``cron="0 9 * * MON-FRI"``
        (or ``Cron.weekdays_at(9)``) in ``tz`` (default: this machine's). The same ``name`` (default: the
        key) again changes the schedule. ``overlap``: skip, queue, cancel or allow; ``misfire`` (no worker
        ran at the time): latest, all or none, not later than ``misfire_grace``. Needs no kernel."""
        from .schedules import schedule

        return schedule(self._lab, key_of(key), payload, name, {
            "interval": interval, "cron": cron, "tz": tz, "jitter": jitter, "start": start, "end": end,
            "overlap": overlap, "misfire": misfire, "misfire_grace": misfire_grace, **options})

    def schedule_at(self, key: str | RegisteredHandler, when: object, payload: object = None,
                    **options: Any) -> Job:
        """One job at a moment (a datetime or ``"2026-03-01T09:30"``); one that has passed runs now."""
        return self._lab.enqueue(key, payload, at=when, **options)

    def schedule_delayed(self, key: str | RegisteredHandler, delay: object, payload: object = None,
                         **options: Any) -> Job:
        """One job after a while: ``"10m"``, seconds or a timedelta."""
        return self._lab.enqueue(key, payload, delay=delay, **options)

    def schedules(self) -> Schedules:
        """All schedules, the next to fire first; shows as a table."""
        from .schedules import Schedules

        return Schedules(self._lab)

    def get_schedule(self, name: str) -> Schedule:
        """The schedule of this name. Raises ScheduleNotFound."""
        from .schedules import Schedule

        found = Schedule(self._lab, name)
        found.row  # noqa: B018  raises if there is none
        return found

    def unschedule(self, name: str) -> None:
        """Remove a schedule; its jobs stay. Raises ScheduleNotFound."""
        self._lab.get_schedule(name).unschedule()
