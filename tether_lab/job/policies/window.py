"""When in the week a job may start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tether_lab.errors import OptionError

from .cron import DAYS, zone

OFF_PEAK = "02:00-05:00"
_CLOCK = re.compile(r"(\d{1,2})(?::(\d{2}))?")
SECOND = 1_000_000
MINUTE = 60 * SECOND


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """From ``start_hour`` to ``end_hour`` (excluded), on ``days_of_week``, in ``tz``.

    Hours are 0 to 24, or texts such as ``"22:30"``. An end that is not after the start is on the next
    day, which counts with the day of the start; equal ones are the whole day. Days are ``MON`` … ``SUN``
    or ISO numbers 1 … 7; none means all. What counts is the clock on the wall there.
    """

    start_hour: int | str = 0
    end_hour: int | str = 24
    days_of_week: tuple[str | int, ...] | str = ()
    tz: str = "UTC"

    def __post_init__(self) -> None:
        start, end = _minute(self.start_hour, "start_hour"), _minute(self.end_hour, "end_hour")
        if start == 24 * 60:
            raise OptionError("window: it cannot start at 24:00", where="window", remedy="Use 0.")
        zone(self.tz)
        object.__setattr__(self, "start_hour", f"{start // 60:02}:{start % 60:02}")
        object.__setattr__(self, "end_hour", f"{end // 60:02}:{end % 60:02}")
        object.__setattr__(self, "days_of_week", _days(self.days_of_week))

    @classmethod
    def parse(cls, value: object) -> TimeWindow:
        """A TimeWindow, its fields, ``off_peak`` (02 to 05), or text: ``22:00-06:00 [MON-FRI] [ZONE]``."""
        if isinstance(value, TimeWindow):
            return value
        if isinstance(value, Mapping):
            return cls(**value)
        if isinstance(value, str):
            first, *rest = value.replace("off_peak", OFF_PEAK).split() or [""]
            start, dash, end = first.partition("-")
            if dash and len(rest) <= 2:
                days = rest.pop(0) if rest and _is_days(rest[0]) else ""
                if len(rest) < 2:
                    return cls(start, end, days, rest[0] if rest else _local())
        raise ValueError("off_peak, 22:00-06:00, 22:00-06:00 MON-FRI Europe/Madrid or a TimeWindow; "
                         f"got {value!r}")

    def is_open(self, moment: int) -> bool:
        """Whether a job may start at ``moment`` (UTC µs)."""
        wall = datetime.fromtimestamp(moment // SECOND, zone(self.tz))
        minute, start, end = wall.hour * 60 + wall.minute, *self._minutes
        if start < end:
            return start <= minute < end and self._has(wall.date())
        if minute >= start:
            return self._has(wall.date())
        return minute < end and self._has(wall.date() - timedelta(days=1))

    def next_opening(self, moment: int) -> int:
        """``moment`` itself if it is open then, else when it opens next (UTC µs)."""
        if self.is_open(moment):
            return moment
        here = zone(self.tz)
        today = datetime.fromtimestamp(moment // SECOND, here).date()
        start, _ = self._minutes
        found = []
        for ahead in range(-1, 9):
            day = today + timedelta(days=ahead)
            midnight = datetime(day.year, day.month, day.day, tzinfo=here)
            opening = midnight.replace(hour=start // 60, minute=start % 60)
            late, early = (round(opening.replace(fold=fold).astimezone(UTC).timestamp()) * SECOND
                           for fold in (0, 1))
            if early < late:                       # the clock jumps over the start: right after the jump
                found.append(next(at for at in range(early, late + MINUTE, MINUTE) if datetime.fromtimestamp(
                    at // SECOND, here).replace(tzinfo=None) >= opening.replace(tzinfo=None)))
            else:
                found += [late, early]             # the same, or twice where the clock is set back
            found.append(round(midnight.astimezone(UTC).timestamp()) * SECOND)
        return min(at for at in found if at > moment and self.is_open(at))

    @property
    def _minutes(self) -> tuple[int, int]:
        """Start and end as minutes of the day."""
        end = _minute(self.end_hour, "end_hour") % (24 * 60) or 24 * 60
        return _minute(self.start_hour, "start_hour"), end

    def _has(self, day: date) -> bool:
        return not self.days_of_week or DAYS[day.weekday()] in self.days_of_week

    def __str__(self) -> str:
        days = ",".join(map(str, self.days_of_week))
        return " ".join(filter(None, (f"{self.start_hour}-{self.end_hour}", days, self.tz)))


def _minute(value: int | str, what: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    found = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    minute = int(found[1]) * 60 + int(found[2] or 0) if found else -1
    if not 0 <= minute <= 24 * 60 or (found and int(found[2] or 0) > 59):
        raise OptionError(f"window: {what} is {value!r}", where="window",
                          remedy="Use hours from 0 to 24, or a text such as 22:30.")
    return minute


def _is_days(text: str) -> bool:
    return text != "UTC" and bool(re.fullmatch(r"[A-Za-z1-7]{1,3}([,-][A-Za-z1-7]{1,3})*", text))


def _days(value: tuple[str | int, ...] | str) -> tuple[str, ...]:
    parts: list[str] = []
    for part in value.split(",") if isinstance(value, str) else value:
        first, dash, last = str(part).partition("-")
        if not first:
            continue
        low = _day(first)
        high = _day(last) if dash else low
        parts += [DAYS[(low + n) % 7] for n in range((high - low) % 7 + 1)]
    return tuple(day for day in DAYS if day in parts)


def _day(text: str) -> int:
    name = text.strip().upper()[:3]
    if name in DAYS:
        return DAYS.index(name)
    if name.isdecimal() and 1 <= int(name) <= 7:
        return int(name) - 1
    raise OptionError(f"window: there is no day {text!r}", where="window",
                      remedy=f"Days: {', '.join(DAYS)}, or 1 (Monday) to 7.")


def _local() -> str:
    from .schedule import local_zone

    return local_zone()
