"""Cron expressions: builders for the usual ones, the next times by cronsim, and what they mean in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from tether_lab.errors import OptionError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from cronsim import CronSim

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_NAMES = dict(zip(DAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
                  strict=True))


def zone(name: str) -> ZoneInfo:
    """The time zone of a name, or OptionError with the nearest names."""
    from difflib import get_close_matches
    from zoneinfo import ZoneInfo, available_timezones

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError):
        near = get_close_matches(str(name), sorted(available_timezones()), 3)
        remedy = f"Did you mean {' or '.join(near)}?" if near else "Use a name such as Europe/Madrid or UTC."
        raise OptionError(f"tz: there is no time zone {name!r}", where="tz", remedy=remedy) from None


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression of five fields (minute, hour, day, month, weekday), or six with seconds first.

    ``Cron("0 9 * * MON-FRI")``, or a builder: ``Cron.weekdays_at(9)``. Weekdays are names or ISO
    numbers in the builders, and cron's own (0 and 7 are Sunday) in raw expressions. As in Debian's
    cron, a time that a clock change skips runs right after it, and one that it repeats runs once.
    """

    expression: str

    def __post_init__(self) -> None:
        if not isinstance(self.expression, str):
            raise OptionError(f"cron: {self.expression!r} is no text", where="cron",
                              remedy="Give five fields, as in '0 9 * * MON-FRI', or a builder of Cron.")
        object.__setattr__(self, "expression", " ".join(self.expression.split()))
        from cronsim import CronSimError

        try:
            next(_simulate(self.expression, datetime(2026, 1, 1, tzinfo=UTC)))
        except (CronSimError, ValueError, StopIteration) as error:
            raise OptionError(
                f"cron: {self.expression!r} never happens or is not understood"
                + (f" ({error})" if str(error) else ""), where="cron",
                remedy="Five fields: minute hour day month weekday, as in '0 9 * * MON-FRI'; "
                       "six with seconds first. Or use a builder: Cron.weekdays_at(9).") from None

    # -- builders ----------------------------------------------------------------------------------

    @classmethod
    def every_n_minutes(cls, n: int) -> Cron:
        """At each full n minutes; n divides 60 (else the last step of an hour would be shorter)."""
        return cls(f"*/{_divides(n, 60, 'minutes')} * * * *")

    @classmethod
    def every_n_hours(cls, n: int, minute: int = 0) -> Cron:
        """Each n hours from midnight; n divides 24."""
        return cls(f"{_whole(minute, 0, 59, 'minute')} */{_divides(n, 24, 'hours')} * * *")

    @classmethod
    def daily_at(cls, hour: int | str, minute: int = 0) -> Cron:
        """Every day at this time: ``daily_at(9, 30)`` or ``daily_at("09:30")``."""
        return cls(f"{_clock(hour, minute)} * * *")

    @classmethod
    def on_days_at(cls, days: Iterable[str | int] | str, hour: int | str, minute: int = 0) -> Cron:
        """On these weekdays (``MON`` … ``SUN``, or 1 = Monday … 7): ``on_days_at("TUE,THU", 8)``."""
        parts = days.split(",") if isinstance(days, str) else list(days)
        if not parts:
            raise OptionError("cron: no days", where="days", remedy=f"Days: {', '.join(DAYS)}, or 1 to 7.")
        return cls(f"{_clock(hour, minute)} * * {','.join(map(_day, parts))}")

    @classmethod
    def weekdays_at(cls, hour: int | str, minute: int = 0) -> Cron:
        """Monday to Friday."""
        return cls(f"{_clock(hour, minute)} * * MON-FRI")

    @classmethod
    def weekend_at(cls, hour: int | str, minute: int = 0) -> Cron:
        """Saturday and Sunday."""
        return cls(f"{_clock(hour, minute)} * * SAT,SUN")

    @classmethod
    def monthly_at(cls, day: int | str, hour: int | str = 0, minute: int = 0) -> Cron:
        """On this day of each month that has it; ``"L"`` is the last one."""
        number = day if day == "L" else _whole(day, 1, 31, "day")
        return cls(f"{_clock(hour, minute)} {number} * *")

    # -- asking ------------------------------------------------------------------------------------

    def after(self, moment: int, tz: str) -> int | None:
        """The first time after ``moment``, both UTC microseconds; the fields are read in ``tz``.
        None if there is none within cronsim's horizon (fifty years)."""
        return next(self.times(moment, tz), None)

    def times(self, moment: int, tz: str) -> Iterator[int]:
        """The times after ``moment``, each later than the one before it."""
        here = zone(tz)
        start = datetime.fromtimestamp(moment // 1_000_000, here)
        fixed = not any(field.startswith("*") for field in self.expression.split()[-5:-3])
        # cronsim leaves six fields as they are: what the clock skips would be lost, what it repeats doubled.
        start = start.replace(tzinfo=None, fold=0) if fixed else start
        for found in _simulate(self.expression, start):
            at = round((_there(found, here) if fixed else found).timestamp()) * 1_000_000
            if at > moment:
                moment = at
                yield at

    def words(self) -> str:
        """In words where that is short: ``every weekday at 09:00``."""
        fields = self.expression.split()
        if len(fields) != 5:
            return f"cron {self.expression}"
        minute, hour, day, month, weekday = fields
        if (hour, day, month, weekday) == ("*",) * 4 and (step := re.fullmatch(r"\*/(\d+)", minute)):
            return "every minute" if step[1] == "1" else f"every {step[1]} minutes"
        step = re.fullmatch(r"\*/(\d+)", hour)
        if (day, month, weekday) == ("*",) * 3 and minute.isdigit() and step:
            return f"every {step[1]} hours" + (f" at minute {minute}" if minute != "0" else "")
        if not (minute.isdigit() and hour.isdigit() and month == "*"):
            return f"cron {self.expression}"
        at = f"at {int(hour):02}:{int(minute):02}"
        if weekday == "*":
            return _monthly(day, at)
        return f"{_weekdays(weekday)} {at}" if day == "*" else f"cron {self.expression}"


def _monthly(day: str, at: str) -> str:
    if day == "*":
        return f"every day {at}"
    if day == "L":
        return f"on the last day of the month {at}"
    return f"on day {day} of the month {at}"


def _weekdays(text: str) -> str:
    known = {"MON-FRI": "every weekday", "1-5": "every weekday", "SAT,SUN": "every Saturday and Sunday"}
    names = [_NAMES.get(part.upper(), "") for part in text.split(",")]
    if text.upper() in known:
        return known[text.upper()]
    return "every " + (", ".join(names) if all(names) else f"weekday {text}")


def _there(wall: datetime, here: ZoneInfo) -> datetime:
    """When a time on the wall happens: the first of two; after the gap for one that is skipped."""
    while (found := wall.replace(tzinfo=here)).astimezone(UTC).astimezone(here).replace(tzinfo=None) != wall:
        wall += timedelta(minutes=1)
    return found


def _simulate(expression: str, start: datetime) -> CronSim:
    from cronsim import CronSim

    return CronSim(expression, start)


def _whole(value: object, low: int, high: int, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise OptionError(f"cron: {what} is {value!r}", where=what,
                          remedy=f"A whole number from {low} to {high}.")
    return value


def _divides(n: object, whole: int, what: str) -> int:
    number = _whole(n, 1, whole - 1, what)
    if whole % number:
        raise OptionError(f"cron: every {number} {what} does not go evenly into {whole}", where=what,
                          remedy=f"Use a divisor of {whole}, or interval='{number}{what[0]}'.")
    return number


def _clock(hour: int | str, minute: int) -> str:
    """``minute hour`` of 9, (9, 30) or "09:30"."""
    if isinstance(hour, str):
        found = re.fullmatch(r"(\d{1,2})(?::(\d{2}))?", hour.strip())
        if found is None:
            raise OptionError(f"cron: the time {hour!r} is not understood", where="hour",
                              remedy="Give it as 9, or '09:30'.")
        hour, minute = int(found[1]), int(found[2] or minute)
    return f"{_whole(minute, 0, 59, 'minute')} {_whole(hour, 0, 23, 'hour')}"


@lru_cache(32)
def _day(value: str | int) -> str:
    if isinstance(value, str) and not value.strip().isdigit():
        name = value.strip().upper()[:3]
        if name in DAYS:
            return name
        raise OptionError(f"cron: there is no day {value!r}", where="days",
                          remedy=f"Days: {', '.join(DAYS)}, or 1 (Monday) to 7.")
    return DAYS[_whole(int(value), 1, 7, "days") - 1]
